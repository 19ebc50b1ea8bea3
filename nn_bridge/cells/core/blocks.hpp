// The cells that a few units cut a cell of the last stage into, without a cut: units that surely vanish alone on their facets.
//
// Lemma.  Let B be a cell of the last stage and K the units that cut it; a cell of the network in B is the set L_p where
// these have the signs p.  At a vertex of B at which as many units and walls vanish as B has dimensions (less those of its
// lines), each of these cuts out a facet of B on which nothing else vanishes, and L_p has a facet on it iff there is a point
// of it at which all units of K have the signs p strictly.
// Proof.  The forms of the facets at that vertex are independent, since they suffice to tell it, and there are no others, so
// the sets where one of them vanishes are facets, and none contains another.  What vanishes on a facet vanishes at the vertex,
// so it is that one.  Near a point of it where the signs are strict lies, on the side of B, L_p; and if L_p has a facet there,
// the signs are strict at most of its points, as no unit of K vanishes on all of it.
//
// Not all facets are found: none at whose vertices too much vanishes, and where several units of K have both signs on a facet
// of B only the patterns that its generators show.  What is told is true, and cells that nothing joins are looked at again.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shape.hpp"
#include "walk.hpp"

namespace puiseux::cells {

template <class S>
class BlockNeighbours {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY BlockNeighbours(const S& shape, const Problem& problem)
        : shape_(shape), problem_(problem), columns_(problem.stages.size() * size_t(problem.words())), units_of_(columns_ << FEW),
          nothing_(columns_ << FEW), simple_(size_t(shape.zero_words())) {
        for (size_t s = 0; s < problem.stages.size(); ++s)
            for (int q = 0; q < words_for(problem.stages[s].units); ++q) column_.push_back(s * size_t(problem.words()) + size_t(q));
    }

    /// Find, for each pattern of K that some cell has, units beside K that alone vanish on facets of that cell.
    ///
    /// `place` is the first word of the last stage in a set of zeros, `patterns` are these, as the bits of a word.
    void find(Cell cell, int place, int lines, const Set& cut, Word patterns) { dispatch<Find>(*this, cell, place, lines, cut, patterns); }

    /// What was found of all patterns, one after another, each in the layout of a pattern of the network.
    const Word* found() const { return units_of_.data(); }
    /// The same where nothing is to be told.
    const Word* none() const { return nothing_.data(); }

private:
    const S& shape_;
    const Problem& problem_;
    size_t columns_;                    // of a pattern
    std::vector<size_t> column_;        // by word of a set of zeros, as far as it is about units
    std::vector<Word> units_of_, nothing_;
    int count_ = 0, units_ = 0;
    std::vector<Word> simple_, zeros_;  // sets of zeros: of all simple vertices, and generator by generator
    std::vector<std::uint8_t> above_, below_;  // by generator: the units of the block that are positive, and negative

    struct Find {
        PUISEUX_INLINE static void run(BlockNeighbours& b, Cell cell, int place, int lines, const Set& cut, Word patterns) {
            for (Word left = patterns; left; left &= left - 1) {
                Word* units = &b.units_of_[size_t(std::countr_zero(left)) * b.columns_];
                for (size_t c = 0; c < b.columns_; ++c) units[c] = 0;
            }
            b.note_zeros(cell, place, lines);
            b.units_ = cut.count();
            if (b.units_) b.note_signs(cell, cut);
            for (size_t q = 0; q < b.column_.size(); ++q)
                for (Word bits = b.simple_[q]; bits; bits &= bits - 1) {
                    const Word own = bits & (~bits + 1);
                    for (Word left = b.units_ ? patterns & b.met_on(q, own) : 1; left; left &= left - 1)
                        b.units_of_[size_t(std::countr_zero(left)) * b.columns_ + b.column_[q]] |= own;
                }
        }
    };

    PUISEUX_INLINE void note_zeros(Cell cell, int place, int lines) {
        const size_t zw = size_t(shape_.zero_words());
        const int units = problem_.stages.back().units, fewest = shape_.dim() - lines;
        count_ = cell.count;
        if (zeros_.size() < zw * size_t(count_)) zeros_.resize(2 * zw * size_t(count_));
        for (Word& word : simple_) word = 0;
        Word* to = zeros_.data();
        for (int t = 0; t < count_; ++t, to += zw) {
            Word* g = cell[t];
            int total = 0;
            for (size_t q = 0; q < zw; ++q) {
                const int r = int(q) - place;
                Word z;
                if (r >= 0 && 64 * r < units) {  // units of the last stage: known by their signs
                    z = ~(shape_.positive(g)[r] | shape_.negative(g)[r]);
                    if (units - 64 * r < 64) z &= bit(units - 64 * r) - 1;
                } else {
                    z = shape_.zeros(g)[q];
                }
                to[q] = z, total += bits_of(z);
            }
            if (total == fewest && !shape_.is_ray(g))
                for (size_t q = 0; q < zw; ++q) simple_[q] |= to[q];
        }
    }

    PUISEUX_INLINE void note_signs(Cell cell, const Set& cut) {
        if (above_.size() < size_t(count_)) above_.resize(2 * size_t(count_)), below_.resize(2 * size_t(count_));
        const Members<FEW> members(cut);
        for (int t = 0; t < count_; ++t) {
            above_[size_t(t)] = std::uint8_t(members.in(shape_.positive(cell[t])));
            below_[size_t(t)] = std::uint8_t(members.in(shape_.negative(cell[t])));
        }
    }

    /// The patterns of K that surely have strict points on the facet that a bit cuts out.
    PUISEUX_INLINE Word met_on(size_t q, Word own) const {
        const size_t zw = size_t(shape_.zero_words());
        unsigned above = 0, below = 0;
        const Word* key = &zeros_[q];
        for (int t = 0; t < count_; ++t, key += zw) {
            const unsigned here = 0 - unsigned((*key & own) != 0);
            above |= above_[size_t(t)] & here, below |= below_[size_t(t)] & here;
        }
        const unsigned both = above & below, fixed = above & ~below;
        if (!both) return bit(int(fixed));
        if (!(both & (both - 1))) return bit(int(fixed)) | bit(int(fixed | both));
        Word shown = 0;
        key = &zeros_[q];
        for (int t = 0; t < count_; ++t, key += zw)
            if ((*key & own) && ((above_[size_t(t)] | below_[size_t(t)]) & both) == both) shown |= bit(int((above_[size_t(t)] & both) | fixed));
        return shown;
    }
};

}  // namespace puiseux::cells
