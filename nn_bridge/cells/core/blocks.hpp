// The cells that a few units cut a cell of the last stage into, without a cut: units that surely vanish alone on their facets.
//
// Lemma.  Let B be a cell of the last stage and K the units that cut it; a cell of the network in B is the set L_p where
// these have the signs p.  Take a generator of B, a vertex at which as many units and walls vanish as B has dimensions (less
// those of its lines), or a ray on which one fewer does.  Then each of these cuts out a facet of B on which nothing else
// vanishes; no unit of K vanishes at the generator, and where its signs there are p, L_p has a facet on each.
// Proof.  In the cone over B one inequality more is tight on a ray: that points lie at no negative height.  The inequalities
// that are tight on an extreme ray of a cone tell it, so as many as that takes are independent, and there are no others, nor a
// unit of K.  So the sets where one of them vanishes are facets, and none contains another.  What vanishes on a facet vanishes
// at the generator, so it is that one.  Near the generator, on the facet, lie points of B at which K has the signs p; near
// these lies L_p, on the side of B.
//
// Not all facets are found: none at whose generators too much vanishes.  What is told is true, and cells that nothing joins are
// looked at again.  Of two cells with a facet between them the one that comes later tells it.
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "shape.hpp"
#include "walk.hpp"
#include "zero_sets.hpp"

namespace puiseux::cells {

template <class S>
class BlockNeighbours {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY BlockNeighbours(const S& shape, const Walk& walk, const ZeroPlaces& places)
        : shape_(shape), zero_words_(size_t(shape.zero_words())), columns_(walk.problem.stages.size() * size_t(walk.problem.words())),
          told_(zero_words_ << FEW), candidates_(zero_words_), units_of_(columns_ << FEW), nothing_(columns_ << FEW) {
        const auto& stages = walk.problem.stages;
        for (int s = 0; s + 1 < int(stages.size()); ++s) {
            const int units = stages[size_t(s)].units;
            for (int q = 0; 64 * q < units; ++q)
                words_.push_back({places.stage[size_t(s)] + 64 * q, std::min(64, units - 64 * q), size_t(s) * size_t(walk.problem.words()) + size_t(q)});
            for (int j = 0; j < units; ++j) units_.push_back({s, j});
        }
        for (int q = 0; 64 * q < stages.back().units; ++q) telling_.push_back(walk.telling(q));
    }

    /// Find, for each pattern of K that some cell has, units of stages before the last that alone vanish on facets of that cell.
    ///
    /// `patterns` are these, as the bits of a word; of the set of zeros `wanted` only these units are told.
    void find(Cell cell, int lines, const Set& cut, Word patterns, const Word* wanted) { dispatch<Find>(*this, cell, lines, cut, patterns, wanted); }

    /// Those of the patterns that no such generator shows.
    Word hidden(Word patterns) const { return patterns & ~shown_; }
    /// Call `use` with each unit wanted that cuts out such a facet of the block, by its place in a set of zeros.
    template <class Use>
    void each_candidate(Use&& use) const {
        each_member(candidates_.data(), int(zero_words_), use);
    }
    /// The stage of a unit, and its number there.
    std::pair<int, int> unit(int place) const { return units_[size_t(place)]; }
    /// Add a unit for some patterns.
    void tell(Word patterns, int place) {
        for (; patterns; patterns &= patterns - 1) told_[size_t(std::countr_zero(patterns)) * zero_words_ + size_t(place >> 6)] |= bit(place);
    }

    /// What was found of the patterns: those of all, one after another, each in the layout of a pattern of the network.
    const Word* found(Word patterns) {
        for (; patterns; patterns &= patterns - 1) {
            const auto pattern = size_t(std::countr_zero(patterns));
            for (const auto& w : words_) units_of_[pattern * columns_ + w.column] = members_of(&told_[pattern * zero_words_], w.begin, w.units);
        }
        return units_of_.data();
    }
    /// The same where nothing is to be told.
    const Word* none() const { return nothing_.data(); }

private:
    /// A word of a pattern of the network: where its units are in a set of zeros.
    struct Place {
        int begin, units;
        size_t column;
    };
    const S& shape_;
    size_t zero_words_, columns_;       // of a set of zeros, and of a pattern
    std::vector<Place> words_;          // of all stages but the last
    std::vector<std::pair<int, int>> units_;
    std::vector<Word> told_, candidates_;  // as sets of zeros: by pattern what is told, and what may be
    std::vector<Word> units_of_, nothing_;
    std::vector<Word> telling_;         // units of the last stage that tell leaves apart
    Word shown_ = 0;

    struct Find {
        PUISEUX_INLINE static void run(BlockNeighbours& b, Cell cell, int lines, const Set& cut, Word patterns, const Word* wanted) {
            const size_t zw = b.zero_words_;
            for (Word left = patterns; left; left &= left - 1)
                for (size_t q = 0; q < zw; ++q) b.told_[size_t(std::countr_zero(left)) * zw + q] = 0;
            for (Word& units : b.candidates_) units = 0;
            b.shown_ = 0;
            const Members<FEW> members(cut);
            const int fewest = b.shape_.dim() - lines;
            for (Word* g : cell) {
                if (b.zeros_at(g) + int(b.shape_.is_ray(g)) != fewest) continue;
                const Word* zeros = b.shape_.zeros(g);
                for (size_t q = 0; q < zw; ++q) b.candidates_[q] |= zeros[q] & wanted[q];
                const unsigned above = members.in(b.shape_.positive(g));
                b.shown_ |= bit(int(above));
                for (size_t q = 0; q < zw; ++q) b.told_[above * zw + q] |= zeros[q] & wanted[q];
            }
        }
    };

    /// How many units and walls vanish at a generator; those of the last stage are known by their signs.
    PUISEUX_INLINE int zeros_at(Word* g) const {
        const Word* zeros = shape_.zeros(g);
        int total = 0;
        for (size_t q = 0; q < zero_words_; ++q) total += bits_of(zeros[q]);
        for (size_t q = 0; q < telling_.size(); ++q) total += bits_of(~(shape_.positive(g)[q] | shape_.negative(g)[q]) & telling_[q]);
        return total;
    }
};

}  // namespace puiseux::cells
