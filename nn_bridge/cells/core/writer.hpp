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
    LeafWriter(Walk& walk, int words) : walk_(walk), words_(std::min(words, walk.problem.words())) {
        if (walk.residues) residues_.emplace(*walk.residues, words);
        pattern_.resize(walk.problem.stages.size() * size_t(words_)), uncovered_.resize(pattern_.size());
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

    /// Begin a block: leaves with the given patterns of few units, where `rest` are the other units of the last stage that are on.
    ///
    /// A single leaf is a block of no units, with the pattern 0.
    void begin_block(const std::vector<Set>& active, const Set& rest, const Set& cut, Word patterns) {
        if (!residues_) return;
        const Members<FEW> units(cut);
        const auto sums = residues_->sums(active, rest, units.count > 0);
        for (Word left = patterns; left; left &= left - 1) {
            auto total = sums;
            const auto pattern = unsigned(std::countr_zero(left));
            for (unsigned bits = pattern; bits; bits &= bits - 1) residues_->add(total, units.at[size_t(std::countr_zero(bits))]);
            prints_[pattern] = residues_->packed(total);
        }
        if (walk_.covering() || walk_.seen.is_large()) expect(patterns);
    }

    /// Whether leaves may have one map that differ in a unit of a stage before the last (`Residues::may_be_still`).
    bool may_be_still(int stage, int unit, const Set& last) const { return !residues_ || residues_->may_be_still(stage, unit, last); }

    /// Whether a leaf of the block may have residues that were noted; then those of the block are noted.
    bool may_repeat(Word patterns) {
        if (!residues_) return true;
        bool found = false;
        for (; patterns; patterns &= patterns - 1) found |= walk_.seen.meet(prints_[size_t(std::countr_zero(patterns))]);
        return found;
    }
    /// Whether neighbours of a leaf of the block may be needed; then leaves of the block are noted.
    ///
    /// With units that others cover: a leaf with the pattern of an earlier one, but for these, is joined to it by that, and needs no
    /// neighbours if its residues came with that pattern alone.  `rest` and `cut` are those of the block.
    bool need_neighbours(const Set& rest, const Set& cut, Word patterns) {
        return !residues_ || !walk_.covering() ? may_repeat(patterns) : is_divided(rest, cut, patterns);
    }

    /// Of a block: the units that are on where its few units have this pattern.
    static Set with(Set rest, const Members<FEW>& units, unsigned pattern) {
        for (unsigned bits = pattern; bits; bits &= bits - 1) rest.add(units.at[size_t(std::countr_zero(bits))]);
        return rest;
    }

    /// Write the leaf that is a block; `neighbours` are its units of that name, if they are wanted.
    void write(const Set& last, const Word* neighbours = nullptr) { write(last, prints_[0], neighbours); }

    /// Write the leaves of a block, in the order in which splits by one unit after another would.
    ///
    /// `neighbours` belong to the patterns in order, if they are wanted.
    void write_block(Word patterns, bool mirrored, const Set& rest, const Set& cut, const Word* neighbours = nullptr) {
        write_in_order({Members<FEW>(cut), rest, neighbours}, patterns, 0, mirrored);
    }

private:
    /// Leaves that differ in few units: these, the other ones that are active, and neighbours.
    struct Siblings {
        Members<FEW> units;
        Set rest;
        const Word* neighbours;
    };
    Walk& walk_;
    std::optional<Residues<Set>> residues_;
    int words_;                              // a stage, in a pattern
    std::vector<Word> pattern_, uncovered_;  // of the present leaf, stage by stage; the same without covered units
    std::array<std::uint64_t, size_t{1} << FEW> prints_{};  // of the block, by the pattern of its units

    /// Load what is known of the residues of a block.
    [[gnu::noinline]] void expect(Word patterns) const {
        for (; patterns; patterns &= patterns - 1) {
            const std::uint64_t print = prints_[size_t(std::countr_zero(patterns))];
            if (walk_.covering()) walk_.groups.expect(print);
            else walk_.seen.expect(print);
        }
    }
    /// Whether residues of the block may have come with several patterns without covered units.
    [[gnu::noinline]] bool is_divided(const Set& rest, const Set& cut, Word patterns) {
        const Members<FEW> units(cut);
        bool found = false;
        for (; patterns; patterns &= patterns - 1) {
            const auto pattern = unsigned(std::countr_zero(patterns));
            found |= walk_.groups.meet(prints_[pattern], uncovered(with(rest, units, pattern)));
        }
        return found;
    }
    /// A number made of a leaf's pattern without covered units.
    std::uint64_t uncovered(const Set& last) {
        set_last(last);
        std::copy(pattern_.begin(), pattern_.end(), uncovered_.begin());
        walk_.covers.apply(uncovered_.data());
        std::uint64_t sum = 0, factor = 0x9E3779B97F4A7C15u;
        for (const Word units : uncovered_) sum += (units ^ units >> 32) * factor, factor += 2 * 0xD1342543DE82EF95u;
        return (sum ^ sum >> 32) * 0xC2B2AE3D27D4EB4Fu;
    }
    void set_last(const Set& last) {
        Word* to = pattern_.data() + pattern_.size() - size_t(words_);
        for (int q = 0; q < words_; ++q) to[q] = last[q];
    }

    void write(const Set& last, std::uint64_t print, const Word* neighbours) {
        Batch& b = walk_.batch;
        if (walk_.looking) look(print);
        if (b.leaves == 0) b.reserve(walk_.batch_leaves + (1 << FEW), pattern_.size(), neighbours);
        set_last(last);
        append(b.patterns, pattern_.data());
        b.prints.push_back(print), b.begins.push_back(walk_.begin), b.numbers.push_back(walk_.leaf);
        if (neighbours) append(b.neighbours, neighbours);
        walk_.begin = false;
        ++b.leaves;
    }
    /// Append a pattern: few words, so a loop is faster than a call.
    void append(std::vector<Word>& to, const Word* pattern) const {
        for (size_t c = 0; c < pattern_.size(); ++c) to.push_back(pattern[c]);
    }

    void look(std::uint64_t print) {
        if (walk_.batch.leaves == 0) walk_.met = 0;
        walk_.met += walk_.seen.meet(print);
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
        write(with(n.rest, n.units, pattern), prints_[pattern], n.neighbours ? n.neighbours + pattern * pattern_.size() : nullptr);
    }
};

}  // namespace puiseux::cells
