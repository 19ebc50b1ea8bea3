// What is written of a leaf: its pattern, the residues of its map, and its number; of one leaf, or of a block of them.
#pragma once
#include <array>
#include <optional>

#include "walk.hpp"

namespace puiseux::cells {

template <class Set>
class LeafWriter {
public:
    static constexpr int FEW = 5;                           // units of a block
    using Numbers = std::array<std::int64_t, 1 << FEW>;     // of its leaves by pattern, -1 where one is not written

    LeafWriter(Walk& walk, int words) : walk_(walk), words_(std::min(words, walk.problem.words())) {
        if (walk.residues) residues_.emplace(*walk.residues, words);
    }

    /// Make the residues of a stage follow the pattern of the stages before.
    void follow(int stage, const std::vector<Set>& active) {
        if (residues_) residues_->follow(stage, active);
    }

    /// Write the leaf that comes next.
    void write(const std::vector<Set>& active, const Set& last) {
        if (residues_) rest_ = residues_->totals(active, last);
        write(active, last, rest_);
    }

    /// Write the leaves with the given patterns of few units, in the order in which splits by one unit after another would.
    ///
    /// `rest` are the other units of the last stage that are on.
    const Numbers& write_block(const std::vector<Set>& active, Word patterns, int units, bool mirrored, const Set& rest, const Set& cut) {
        if (residues_) rest_ = residues_->totals(active, rest);
        numbers_.fill(-1);
        write_in_order(active, patterns, 0, units, mirrored, rest, cut);
        return numbers_;
    }

private:
    Walk& walk_;
    std::optional<Residues<Set>> residues_;
    typename Residues<Set>::Totals rest_{};  // of a block, where its own units are off
    Numbers numbers_{};
    int words_;                              // a stage, in a pattern

    void write(const std::vector<Set>& active, const Set& last, const typename Residues<Set>::Totals& totals) {
        Batch& b = walk_.batch;
        const int before = int(walk_.problem.stages.size()) - 1;
        const size_t at = b.patterns.size();
        b.patterns.resize(at + size_t(words_) * size_t(before + 1));
        Word* to = b.patterns.data() + at;
        for (int s = 0; s < before; ++s)
            for (int q = 0; q < words_; ++q) *to++ = active[size_t(s)][q];
        for (int q = 0; q < words_; ++q) *to++ = last[q];
        b.prints.push_back(residues_ ? residues_->packed(totals) : 0);
        b.begins.push_back(walk_.begin), b.numbers.push_back(walk_.leaf);
        walk_.begin = false;
        ++b.leaves;
    }

    void write_in_order(const std::vector<Set>& active, Word patterns, int unit, int units, bool mirrored, const Set& rest, const Set& cut) {
        if (unit == units) {
            if (walk_.wanted(walk_.leaf)) write_member(active, unsigned(std::countr_zero(patterns)), rest, cut);
            ++walk_.leaf;
            return;
        }
        const Word sides[2] = {patterns & ~WITH[unit], patterns & WITH[unit]};
        if (!sides[0] || !sides[1]) return write_in_order(active, patterns, unit + 1, units, mirrored, rest, cut);
        write_in_order(active, sides[mirrored], unit + 1, units, false, rest, cut);
        write_in_order(active, sides[!mirrored], unit + 1, units, true, rest, cut);
    }

    /// Write the leaf of a block that has this pattern.
    void write_member(const std::vector<Set>& active, unsigned pattern, const Set& rest, const Set& cut) {
        Set last = rest;
        auto totals = rest_;
        unsigned bits = pattern;
        cut.each([&](int j) {
            if (bits & 1) {
                last.add(j);
                if (residues_) residues_->add(j, totals);
            }
            bits >>= 1;
        });
        numbers_[pattern] = walk_.leaf;
        write(active, last, totals);
    }
};

}  // namespace puiseux::cells
