// What is written of a leaf: its pattern, the residues of its map, and its number; of one leaf, or of a block of them.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

#include "walk.hpp"

namespace puiseux::cells {

template <class Set>
class LeafWriter {
public:
    using Sums = typename Residues<Set>::Sums;

    LeafWriter(Walk& walk, int words) : walk_(walk), words_(std::min(words, walk.problem.words())) {
        if (walk.residues) residues_.emplace(*walk.residues, words);
        pattern_.resize(walk.problem.stages.size() * size_t(words_));
    }

    /// Take note that the pattern of a stage has changed, -1 for the input.
    void changed(int stage) {
        if (residues_) residues_->changed(stage);
    }

    /// Note, for the leaves that follow, the pattern of all stages but the last.
    void note(const std::vector<Set>& active) {
        Word* to = pattern_.data();
        for (size_t s = 0; s + 1 < walk_.problem.stages.size(); ++s)
            for (int q = 0; q < words_; ++q) *to++ = active[s][q];
    }

    /// The residues, not yet added up, where of the units of the last stage these are active; `more`: some are to be added.
    Sums sums(const std::vector<Set>& active, const Set& last, bool more = false) { return residues_ ? residues_->sums(active, last, more) : Sums{}; }

    /// Whether a leaf with one of the given patterns of few units may have the residues of one that was noted; then they are noted.
    /// `sums` belong to the other units that are active.
    bool may_repeat(const Sums& sums, Word patterns, const Set& cut) {
        if (!residues_) return true;
        const Members<FEW> units(cut);
        std::array<std::uint64_t, size_t{1} << FEW> own;
        size_t count = 0;
        for (; patterns; patterns &= patterns - 1) {
            Sums total = sums;
            for (unsigned bits = unsigned(std::countr_zero(patterns)); bits; bits &= bits - 1) residues_->add(total, units.at[size_t(std::countr_zero(bits))]);
            own[count++] = residues_->packed(total);
        }
        bool found = false;
        for (size_t k = 0; k < count && !found; ++k) found = walk_.seen.has(own[k]);
        for (size_t k = 0; k < count; ++k) walk_.seen.note(own[k]);
        return found;
    }

    /// Write the leaf that comes next; `neighbours` are its units of that name, if they are wanted.
    void write(const Sums& sums, const Set& last, const Word* neighbours = nullptr) { write(last, residues_ ? residues_->packed(sums) : 0, neighbours); }

    /// Write the leaves with the given patterns of few units, in the order in which splits by one unit after another would.
    ///
    /// `rest` are the other units of the last stage that are on, `sums` those with these; `neighbours` belong to the patterns
    /// in order, if they are wanted.
    void write_block(const Sums& sums, Word patterns, bool mirrored, const Set& rest, const Set& cut, const Word* neighbours = nullptr) {
        write_in_order({Members<FEW>(cut), rest, sums, neighbours}, patterns, 0, mirrored);
    }

private:
    /// Leaves that differ in few units: these, the other ones that are active, the residues where none of the few is, and neighbours.
    struct Siblings {
        Members<FEW> units;
        Set rest;
        Sums sums;
        const Word* neighbours;
    };
    Walk& walk_;
    std::optional<Residues<Set>> residues_;
    int words_;                              // a stage, in a pattern
    std::vector<Word> pattern_;              // of the present leaf, stage by stage

    void write(const Set& last, std::uint64_t print, const Word* neighbours) {
        Batch& b = walk_.batch;
        if (walk_.looking) look(print);
        if (b.leaves == 0) b.reserve(walk_.batch_leaves + (1 << FEW), pattern_.size(), neighbours);
        Word* to = pattern_.data() + pattern_.size() - size_t(words_);
        for (int q = 0; q < words_; ++q) to[q] = last[q];
        b.patterns.insert(b.patterns.end(), pattern_.begin(), pattern_.end());
        b.prints.push_back(print), b.begins.push_back(walk_.begin), b.numbers.push_back(walk_.leaf);
        if (neighbours) b.neighbours.insert(b.neighbours.end(), neighbours, neighbours + pattern_.size());
        walk_.begin = false;
        ++b.leaves;
    }

    void look(std::uint64_t print) {
        if (walk_.batch.leaves == 0) walk_.met = 0;
        walk_.met += walk_.seen.has(print);
        walk_.seen.note(print);
    }

    void write_in_order(const Siblings& n, Word patterns, int unit, bool mirrored) {
        if (unit == n.units.count) {
            if (walk_.wanted(walk_.leaf)) write_member(n, unsigned(std::countr_zero(patterns)));
            ++walk_.leaf;
            return;
        }
        const Word sides[2] = {patterns & ~WITH[unit], patterns & WITH[unit]};
        if (!sides[0] || !sides[1]) return write_in_order(n, patterns, unit + 1, mirrored);
        write_in_order(n, sides[mirrored], unit + 1, false);
        write_in_order(n, sides[!mirrored], unit + 1, true);
    }

    /// Write the leaf of a block that has this pattern.
    void write_member(const Siblings& n, unsigned pattern) {
        Set last = n.rest;
        Sums sums = n.sums;
        for (unsigned bits = pattern; bits; bits &= bits - 1) {
            const int j = n.units.at[size_t(std::countr_zero(bits))];
            last.add(j);
            if (residues_) residues_->add(sums, j);
        }
        write(last, residues_ ? residues_->packed(sums) : 0, n.neighbours ? n.neighbours + pattern * pattern_.size() : nullptr);
    }
};

}  // namespace puiseux::cells
