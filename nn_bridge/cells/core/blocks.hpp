// The cells that a few units cut a cell of the last stage into, without a cut: units that surely vanish alone on their facets.
//
// Let B be a cell of the last stage and K the units that cut it; a cell of the network in B is the set L_p where these have the
// signs p.  A unit or wall that vanishes at a generator of B is *tight* there; units that vanish everywhere are left out of account,
// and of units of a stage that are multiples of one another all but one.  Where units of the last stage tell no leaves apart, the
// network is the one without them.
//
// Lemma.  Take a generator of B, a vertex at which as many are tight as B has dimensions (less those of its lines), or a ray on which
// one fewer is, units of K not counted.  (a) Each of these cuts out a facet of B, inside which only it vanishes, with its multiples.
// (b) If it is a unit without multiples, it vanishes alone on a facet of L_p if at one of the facet's generators the signs of K are
// p, or if of each unit of K some generator of the facet has the sign that it has in p, and at most one unit has both signs there.
// Proof.  (a) In the cone over B one inequality more is tight on a ray: that points lie at no negative height.  The inequalities
// that are tight on an extreme ray of a cone tell it, so as many as that takes are independent, and there are no others; in
// particular, none vanishes on all of B.  So the sets where one of them vanishes are facets, and none contains another.  What vanishes
// on a facet vanishes at the generator.
// (b) Inside the facet there are points where K has the signs p: near that generator, or, where all units but one have one sign on
// the facet, on the side p of that one; the others vanish at no inner point, as none vanishes on all of the facet (it would not cut
// B).  Near these points lies L_p, on the side of B.
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
          counted_(zero_words_, ~Word{0}), alone_(counted_), told_(zero_words_ << FEW), candidates_(zero_words_), crossed_(zero_words_),
          sides_(2 * FEW * zero_words_), units_of_(columns_ << FEW), nothing_(columns_ << FEW) {
        const auto& stages = walk.problem.stages;
        for (int s = 0; s + 1 < int(stages.size()); ++s) {
            const int units = stages[size_t(s)].units;
            for (int q = 0; 64 * q < units; ++q)
                words_.push_back({places.stage[size_t(s)] + 64 * q, std::min(64, units - 64 * q), size_t(s) * size_t(walk.problem.words()) + size_t(q)});
            for (int j = 0; j < units; ++j) units_.push_back({s, j});
        }
        for (int q = 0; 64 * q < stages.back().units; ++q) counted_last_.push_back(walk.telling(q));
        if (zero_words_ > 0) leave_out(walk.problem, places);
    }

    /// Find, for each pattern of K that some cell has, units of stages before the last that alone vanish on facets of that cell.
    ///
    /// `patterns` are these, as the bits of a word; of the set of zeros `wanted` only these units are told.
    void find(Cell cell, int lines, const Set& cut, Word patterns, const Word* wanted) { dispatch<Find>(*this, cell, lines, cut, patterns, wanted); }

    /// Call `use` with each unit that cuts out such a facet of the block, on which several units of K have both signs: by its place in
    /// a set of zeros, and the patterns of which it is not known whether they occur there.
    template <class Use>
    void each_open(const Members<FEW>& members, Word patterns, Use&& use) const {
        each_member(crossed_.data(), int(zero_words_), [&](int k) {
            Word open = 0;
            for (Word left = patterns; left; left &= left - 1) {
                const auto pattern = unsigned(std::countr_zero(left));
                const size_t q = size_t(k >> 6);
                if (on_sides(members, pattern, q) & ~told_[pattern * zero_words_ + q] & bit(k)) open |= left & (~left + 1);
            }
            if (open) use(k, open);
        });
    }
    /// The units of K that have both signs on a facet.
    unsigned crossing(const Members<FEW>& members, int place) const {
        unsigned found = 0;
        for (int i = 0; i < members.count; ++i)
            if (side(i, 0)[place >> 6] & side(i, 1)[place >> 6] & bit(place)) found |= 1u << i;
        return found;
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
    std::vector<Word> counted_, alone_;  // as sets of zeros: what counts as tight; units without multiples
    std::vector<Word> counted_last_;    // units of the last stage that count as tight
    std::vector<Place> words_;          // of all stages but the last
    std::vector<std::pair<int, int>> units_;
    std::vector<Word> told_;            // as sets of zeros: by pattern what is told
    std::vector<Word> candidates_;      // .. units that cut out facets of the block
    std::vector<Word> crossed_;         // .. those on whose facets several units of K have both signs
    std::vector<Word> sides_;           // .. by unit of K and sign: those on which it has that sign at some generator
    std::vector<Word> units_of_, nothing_;

    /// Leave out units that vanish everywhere, and of multiples all but the first one that tells leaves apart.
    PUISEUX_RARELY void leave_out(const Problem& problem, const ZeroPlaces& places) {
        for (size_t s = 0; s < problem.stages.size(); ++s) {
            const bool last = s + 1 == problem.stages.size();
            std::vector<Word>& counted = last ? counted_last_ : counted_;
            const int begin = last ? 0 : places.stage[s];
            const auto drop = [&](std::vector<Word>& set, int j) { set[size_t((begin + j) >> 6)] &= ~bit(begin + j); };
            const auto counts = [&](int j) { return (counted[size_t((begin + j) >> 6)] & bit(begin + j)) != 0; };
            std::vector<char> stood_for(size_t(problem.stages[s].units), 0);  // a multiple counts for this one and its other multiples
            for (const Multiple& m : problem.stages[s].multiples) {
                if (counts(m.of) || stood_for[size_t(m.of)]) drop(counted, m.unit);
                else stood_for[size_t(m.of)] = counts(m.unit);
                if (!last) drop(alone_, m.unit), drop(alone_, m.of);
            }
            for (int j = 0; j < problem.stages[s].units; ++j)
                if (problem.given[s].is_zero(j)) {
                    drop(counted, j);
                    if (!last) drop(alone_, j);
                }
        }
    }

    Word* side(int member, unsigned above) { return &sides_[(2 * size_t(member) + above) * zero_words_]; }
    const Word* side(int member, unsigned above) const { return &sides_[(2 * size_t(member) + above) * zero_words_]; }
    /// Word q of the units on whose facets each unit of K has at some generator the sign that it has in a pattern.
    Word on_sides(const Members<FEW>& members, unsigned pattern, size_t q) const {
        Word found = ~Word{0};
        for (int i = 0; i < members.count; ++i) found &= side(i, pattern >> i & 1)[q];
        return found;
    }

    struct Find {
        PUISEUX_INLINE static void run(BlockNeighbours& b, Cell cell, int lines, const Set& cut, Word patterns, const Word* wanted) {
            if (b.zero_words_ == 1) b.template find_in<1>(cell, lines, cut, patterns, wanted);
            else b.template find_in<DYNAMIC>(cell, lines, cut, patterns, wanted);
        }
    };
    /// The same, with ZW words a set of zeros, or as many as there are.
    template <int ZW>
    PUISEUX_INLINE void find_in(Cell cell, int lines, const Set& cut, Word patterns, const Word* wanted) {
        const Members<FEW> members(cut);
        const size_t zw = ZW == DYNAMIC ? zero_words_ : size_t(ZW);
        for (Word left = patterns; left; left &= left - 1) clear(&told_[size_t(std::countr_zero(left)) * zw], zw);
        clear(candidates_.data(), zw), clear(crossed_.data(), zw), clear(sides_.data(), 2 * size_t(members.count) * zw);
        const unsigned all = (1u << members.count) - 1;
        const int fewest = shape_.dim() - lines;
        for (Word* g : cell) {
            const Word* zeros = shape_.zeros(g);
            if (tight_at(g, zw, cut) + int(shape_.is_ray(g)) == fewest)
                for (size_t q = 0; q < zw; ++q) candidates_[q] |= zeros[q];
            if (!all) continue;
            const unsigned above = members.in(shape_.positive(g)), below = members.in(shape_.negative(g));
            for (int i = 0; i < members.count; ++i) {
                const Word on = 0 - Word(above >> i & 1), off = 0 - Word(below >> i & 1);
                for (size_t q = 0; q < zw; ++q) sides_[(2 * size_t(i) + 1) * zw + q] |= zeros[q] & on, sides_[2 * size_t(i) * zw + q] |= zeros[q] & off;
            }
            if (members.count > 1 && (above | below) == all)
                for (size_t q = 0; q < zw; ++q) told_[above * zw + q] |= zeros[q];
        }
        for (size_t q = 0; q < zw; ++q) {
            candidates_[q] &= wanted[q] & alone_[q];
            Word one = 0;
            for (int i = 0; i < members.count; ++i) {
                const Word both = side(i, 0)[q] & side(i, 1)[q];
                crossed_[q] |= one & both, one |= both;
            }
            crossed_[q] &= candidates_[q];
            for (Word left = patterns; left; left &= left - 1) {
                const auto pattern = unsigned(std::countr_zero(left));
                Word& told = told_[pattern * zw + q];
                told = (told | (on_sides(members, pattern, q) & ~crossed_[q])) & candidates_[q];
            }
        }
    }
    static void clear(Word* words, size_t count) {
        for (size_t k = 0; k < count; ++k) words[k] = 0;
    }

    size_t last_words() const { return S::W == 1 ? 1 : counted_last_.size(); }
    /// How many units and walls are tight at a generator; those of the last stage are known by their signs.
    PUISEUX_INLINE int tight_at(Word* g, size_t zw, const Set& cut) const {
        const Word *zeros = shape_.zeros(g), *positive = shape_.positive(g), *negative = shape_.negative(g);
        int total = 0;
        for (size_t q = 0; q < zw; ++q) total += bits_of(zeros[q] & counted_[q]);
        for (size_t q = 0; q < last_words(); ++q) total += bits_of(counted_last_[q] & ~(positive[q] | negative[q] | cut[int(q)]));
        return total;
    }
};

}  // namespace puiseux::cells
