// The cells that a few units cut a cell of the last stage into, without a cut: units that surely vanish alone on their facets.
//
// Lemma.  Let B be a cell of the last stage and K the units that cut it; a cell of the network in B is the set L_p where
// these have the signs p.  Take a generator of B, a vertex at which as many units and walls vanish as B has dimensions (less
// those of its lines), or a ray on which one fewer does.  Then each of these cuts out a facet of B on which nothing else
// vanishes.  If the generator shows the signs p strictly, L_p has a facet on each.
// Proof.  In the cone over B one inequality more is tight on a ray: that points lie at no negative height.  The inequalities
// that are tight on an extreme ray of a cone tell it, so as many as that takes are independent, and there are no others.  So
// the sets where one of them vanishes are facets, and none contains another.  What vanishes on a facet vanishes at the
// generator, so it is that one.  Near the generator, on the facet, lie points of B at which K has the signs p; near these
// lies L_p, on the side of B.
//
// Not all facets are found: none at whose generators too much vanishes, or K has no strict signs.  What is told is true, and
// cells that nothing joins are looked at again.  Of two cells with a facet between them one comes later: it alone is told.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "shape.hpp"
#include "walk.hpp"

namespace puiseux::cells {

template <class S>
class BlockNeighbours {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY BlockNeighbours(const S& shape, const Walk& walk)
        : shape_(shape), columns_(walk.problem.stages.size() * size_t(walk.problem.words())), units_of_(columns_ << FEW), nothing_(columns_ << FEW) {
        const auto& stages = walk.problem.stages;
        for (size_t s = 0; s + 1 < stages.size(); ++s)
            for (int q = 0; q < words_for(stages[s].units); ++q) {
                column_.push_back(s * size_t(walk.problem.words()) + size_t(q));
                place_.push_back({int(s), 64 * q});
            }
        for (int q = 0; 64 * q < stages.back().units; ++q) telling_.push_back(walk.telling(q));
        candidates_.resize(column_.size());
    }

    /// Find, for each pattern of K that some cell has, units of stages before the last that alone vanish on facets of that cell.
    ///
    /// `patterns` are these, as the bits of a word; of the set of zeros `wanted` only these units are told.
    void find(Cell cell, int lines, const Set& cut, Word patterns, const Word* wanted) { dispatch<Find>(*this, cell, lines, cut, patterns, wanted); }

    /// Those of the patterns that no such generator shows.
    Word hidden(Word patterns) const { return patterns & ~shown_; }
    /// Call `use` with each unit wanted that cuts out such a facet of the block, by its word and bit.
    template <class Use>
    void each_candidate(Use&& use) const {
        for (size_t q = 0; q < column_.size(); ++q)
            for (Word left = candidates_[q]; left; left &= left - 1) use(q, left & (~left + 1));
    }
    /// The stage and the unit of the first bit of a word.
    std::pair<int, int> place(size_t q) const { return place_[q]; }
    /// Add a unit for some patterns.
    void tell(Word patterns, size_t q, Word own) {
        for (; patterns; patterns &= patterns - 1) units_of_[size_t(std::countr_zero(patterns)) * columns_ + column_[q]] |= own;
    }

    /// What was found of all patterns, one after another, each in the layout of a pattern of the network.
    const Word* found() const { return units_of_.data(); }
    /// The same where nothing is to be told.
    const Word* none() const { return nothing_.data(); }

private:
    const S& shape_;
    size_t columns_;                    // of a pattern
    std::vector<size_t> column_;        // by word of a set of zeros that is about stages before the last
    std::vector<std::pair<int, int>> place_;
    std::vector<Word> units_of_, nothing_, candidates_;
    Word shown_ = 0;
    std::vector<Word> telling_;         // units of the last stage that tell leaves apart

    struct Find {
        PUISEUX_INLINE static void run(BlockNeighbours& b, Cell cell, int lines, const Set& cut, Word patterns, const Word* wanted) {
            for (Word left = patterns; left; left &= left - 1) {
                Word* units = &b.units_of_[size_t(std::countr_zero(left)) * b.columns_];
                for (size_t c = 0; c < b.columns_; ++c) units[c] = 0;
            }
            const Members<FEW> members(cut);
            const int fewest = b.shape_.dim() - lines;
            b.shown_ = 0;
            for (Word& units : b.candidates_) units = 0;
            for (Word* g : cell) {
                if (b.zeros_at(g) + int(b.shape_.is_ray(g)) != fewest) continue;
                const Word* zeros = b.shape_.zeros(g);
                for (size_t q = 0; q < b.column_.size(); ++q) b.candidates_[q] |= zeros[q] & wanted[q];
                const unsigned above = members.in(b.shape_.positive(g)), below = members.in(b.shape_.negative(g));
                if (bits_of(above | below) != members.count) continue;
                b.shown_ |= bit(int(above));
                Word* units = &b.units_of_[above * b.columns_];
                for (size_t q = 0; q < b.column_.size(); ++q) units[b.column_[q]] |= zeros[q] & wanted[q];
            }
        }
    };

    /// How many units and walls vanish at a generator; those of the last stage are known by their signs.
    PUISEUX_INLINE int zeros_at(Word* g) const {
        const size_t zw = size_t(shape_.zero_words()), last = column_.size(), end = last + telling_.size();
        const Word* zeros = shape_.zeros(g);
        int total = 0;
        for (size_t q = 0; q < last; ++q) total += bits_of(zeros[q]);
        for (size_t q = 0; q < telling_.size(); ++q) total += bits_of(~(shape_.positive(g)[q] | shape_.negative(g)[q]) & telling_[q]);
        for (size_t q = end; q < zw; ++q) total += bits_of(zeros[q]);
        return total;
    }
};

}  // namespace puiseux::cells
