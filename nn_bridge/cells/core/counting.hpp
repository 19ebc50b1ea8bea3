// The number of cells of an arrangement in a cell, by deletion and restriction, without listing them.
//
// A flat is the cell cut by some zero sets.  Its cells are one, and for each unit those that the later units cut its zero
// set into.  Mostly generators and values tell without any cut: a sign pattern that some generator shows is one of the
// cells', and the image of a flat under two units is a planar cone whose extreme slopes tell which quadrants it meets.
// Source: Zaslavsky 1975 (deletion and restriction).
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "cutting.hpp"

namespace puiseux::cells {

/// The most cells that few hyperplanes cut a convex set of dimension dim into.
inline int most_cells(int hyperplanes, int dim) {
    static constexpr auto MOST = [] {
        std::array<std::array<int, FEW + 1>, FEW + 1> most{};
        for (int count = 0; count <= FEW; ++count)
            for (int d = 0, total = 0, binomial = 1; d <= FEW; ++d, binomial = binomial * (count - d + 1) / d)
                most[size_t(count)][size_t(d)] = total += binomial;
        return most;
    }();
    return MOST[size_t(hyperplanes)][size_t(std::min(dim, FEW))];
}

template <class S>
class Counting : public Cutting<S> {
    using Base = Cutting<S>;

public:
    using typename Base::Set;
    using Base::Base;

protected:
    using Base::counters_, Base::forms_, Base::owner_, Base::problem_, Base::shape_, Base::watch_;
    static constexpr int MANY = 2;  // units: to find all their signs at new generators costs less than to tell who needs it
    Arena arena_;

    std::pair<Set, Set> sides(Cell cell) const {
        Set positive = shape_.none(), negative = shape_.none();
        for (Word* g : cell) {
            const Word *p = shape_.positive(g), *n = shape_.negative(g);
            for (int q = 0; q < shape_.words(); ++q) positive[q] |= p[q], negative[q] |= n[q];
        }
        return {positive, negative};
    }

    Set only(int j) const {
        Set s = shape_.none();
        s.add(j);
        return s;
    }

    std::int64_t tally_ = 0;  // cells counted so far; after an exception a part of them

    /// Adds to the tally the number of cells that the given units cut a flat of dimension dim into.
    void count(Cell flat, int dim, int stage, const Set& units) {
        const auto [positive, negative] = sides(flat);
        const Set cut = this->without_multiples(positive & negative & units, stage);
        const int cuts = cut.count();
        watch_.spend(flat.count);
        if (cuts <= 1) return add(1 + cuts);
        if (dim == 1) return add(1 + this->zeros_on_edge(flat[0], flat[1], stage, cut.data()));
        if (cuts <= FEW)
            if (const Word patterns = patterns_met(flat, dim, stage, cut)) return add(bits_of(patterns));
        if (dim == 2 && cuts >= Base::FEW_LINES)
            if (const std::int64_t cells = this->cells_of_polygon(flat, stage, cut.data()); cells > 0) return ++counters_.polygons, add(cells);
        add(1);
        Set later = cut;
        cut.each([&](int i) {
            later.drop(i);
            restricted(flat, dim, stage, i, later);
        });
    }

    /// How many cells some units add to those that others cut a flat into.
    std::int64_t added_by(const Set& units, Cell flat, int dim, int stage, const Set& others) {
        if (!units.any()) return 0;
        tally_ = 0;
        Set later = others | units;
        units.each([&](int i) {
            later.drop(i);
            restricted(flat, dim, stage, i, later);
        });
        return tally_;
    }

    /// The sign patterns of a few units that generators show, as a set of numbers.
    Word witnessed(Cell cell, const Set& units) const {
        const Members<FEW> members(units);
        Word patterns = 0;
        for (Word* g : cell)
            if (((shape_.positives(g) | shape_.negatives(g)) & units) == units) patterns |= Word{1} << members.in(shape_.positive(g));
        return patterns;
    }

    /// The sign patterns of two to FEW units on a cell of dimension dim that they cut, as a set of numbers; 0: not known.
    Word patterns_met(Cell cell, int dim, int stage, const Set& cut) {
        const int units = cut.count();
        const Word shown = witnessed(cell, cut);
        if (bits_of(shown) == most_cells(units, dim)) return ++counters_.witnessed, shown;
        if (units > 2) return 0;
        const int a = cut.first(), b = (cut - only(a)).first(), met = quadrants(cell, stage, a, b, int(shown));
        return met < 0 ? 0 : (++counters_.planar, Word(met));
    }

    /// Which quadrants (bit [a > 0] + 2 [b > 0]) of two units the cell meets, given those that generators show; -1 where
    /// the values do not tell.
    ///
    /// A quadrant without a generator is met iff the segment between a generator of each neighbour passes through it: iff
    /// the least |a| / |b| on the one side times the least |b| / |a| on the other is less than 1.
    int quadrants(Cell cell, int stage, int a, int b, int met) const {
        return quadrants(cell, stage, a, b, met, [](Word*) { return true; });
    }
    /// The same on the hull of those of the cell's generators that are chosen.
    template <class Chosen>
    int quadrants(Cell cell, int stage, int a, int b, int met, Chosen&& chosen) const {
        const Forms<S>& forms = forms_[size_t(stage)];
        double least[4][2][2];  // by quadrant and side: the ratio at least and at most
        for (auto& q : least) q[0][0] = q[0][1] = q[1][0] = q[1][1] = UNKNOWN;
        const int missing = 15 & ~met;
        static constexpr int OF_A[] = {0b0101, 0, 0b1010}, OF_B[] = {0b0011, 0, 0b1100};  // the quadrants of each sign
        bool known = true;
        for (Word* g : cell) {
            if (!chosen(g)) continue;
            const int sa = shape_.side(g, a), sb = shape_.side(g, b);
            // the missing quadrants where b has the right sign and a has not, and the other way round
            const int beside = missing & OF_B[sb + 1] & ~OF_A[sa + 1], above_or_below = missing & OF_A[sa + 1] & ~OF_B[sb + 1];
            if (!(beside | above_or_below)) continue;
            const double *x = shape_.x(g), e = shape_.error(g);
            const bool loose = e > LOOSE || problem_.whole;
            const double va = sa * forms.value(a, x), vb = sb * forms.value(b, x);
            const double ea = !sa ? 0 : loose ? forms.tight_bound(a, x, e) : forms.bound(a, e);
            const double eb = !sb ? 0 : loose ? forms.tight_bound(b, x, e) : forms.bound(b, e);
            if ((sa && !(va > 2 * ea)) || (sb && !(vb > 2 * eb))) return -1;
            auto note = [&](unsigned quadrants, int side, double above, double below, double e_above, double e_below) {
                const double ratio = above / below, doubt = (e_above + ratio * e_below) / below * 2 + 8 * UNIT_ROUNDOFF * ratio + UNDERFLOW_SLACK;
                known = known && ratio < LARGEST && doubt < LARGEST;
                for (; quadrants; quadrants &= quadrants - 1) {
                    auto& at = least[std::countr_zero(quadrants)][side];
                    at[0] = std::min(at[0], ratio - doubt), at[1] = std::min(at[1], ratio + doubt);
                }
            };
            if (beside) note(unsigned(beside), 0, va, vb, ea, eb);
            if (above_or_below) note(unsigned(above_or_below), 1, vb, va, eb, ea);
        }
        if (!known) return -1;
        for (int q = 0; q < 4; ++q)
            if (missing >> q & 1) {
                const double most = least[q][0][1] * least[q][1][1], at_least = least[q][0][0] * least[q][1][0];
                if (most < 1 - 1e-15 && least[q][0][0] >= 0 && least[q][1][0] >= 0) met |= 1 << q;
                else if (!(at_least > 1 + 1e-15 && least[q][0][0] > 0 && least[q][1][0] > 0)) return -1;
            }
        return met;
    }

private:
    /// Puts back, at the end of a scope, which signs are not known.
    class BlurScope {
    public:
        explicit BlurScope(Set& blurred) : blurred_(blurred), before_(blurred) {}
        BlurScope(const BlurScope&) = delete;
        BlurScope& operator=(const BlurScope&) = delete;
        ~BlurScope() { blurred_ = before_; }

    private:
        Set& blurred_;
        const Set before_;
    };

    void add(std::int64_t cells) { tally_ += cells; }

    /// Adds the number of cells that later units cut the zero set of a unit in a flat into.
    void restricted(Cell flat, int dim, int stage, int unit, const Set& later) {
        if (!later.any()) return add(1);
        if ((later & this->same_zeros(stage, unit)).any()) return;  // its zero set is counted with that unit
        Set meeting = shape_.none(), unknown = shape_.none();
        crossing_units(flat, stage, unit, later, meeting, unknown);
        if (!unknown.any() && meeting.count() <= 1) return add(1 + meeting.count());
        const Arena::Scope scope(arena_);
        const int slot = this->free_slot(flat);
        const typename Base::SlotScope owner(owner_, slot, {stage, unit});
        const BlurScope blurred(this->blurred_);
        this->sort_sides(flat, unit);
        this->find_edges(flat);
        Word* out = arena_.take(this->room_for_cut(flat));
        Word* end = this->cut_edges(flat, stage, unit, slot, out, meeting | unknown);
        arena_.shrink(end);
        const Cell inside{out, int((end - out) / shape_.stride()), shape_.stride()};
        if (!vanishes(inside, unknown)) count(inside, dim - 1, stage, meeting | unknown);
    }

    /// Whether one of the units is zero on all of a flat (which then has been counted with that unit, or will be).
    bool vanishes(Cell flat, const Set& units) const {
        if (!units.any()) return false;
        const auto [positive, negative] = sides(flat);
        return (units - (positive | negative)).any();
    }

    /// Which of the later units have both signs on the zero set of a unit: where all four sign pairs occur.
    void crossing_units(Cell flat, int stage, int unit, const Set& later, Set& meeting, Set& unknown) const {
        Set pp = shape_.none(), pn = pp, np = pp, nn = pp;
        const int q = unit >> 6, s = unit & 63;
        for (Word* g : flat) {
            const Word *p = shape_.positive(g), *n = shape_.negative(g);
            const Word up = 0 - (p[q] >> s & 1), down = 0 - (n[q] >> s & 1);
            for (int r = 0; r < shape_.words(); ++r) pp[r] |= p[r] & up, pn[r] |= n[r] & up, np[r] |= p[r] & down, nn[r] |= n[r] & down;
        }
        meeting = pp & pn & np & nn & later;
        const Set open = later - meeting;
        if (open.count() >= MANY) {
            unknown = open;
            return;
        }
        open.each([&](int j) {
            const int shown = int(nn.has(j)) | int(np.has(j)) << 2 | int(pn.has(j)) << 1 | int(pp.has(j)) << 3;
            const int met = quadrants(flat, stage, unit, j, shown);
            if (met == 15) meeting.add(j);
            else if (met < 0) unknown.add(j);
        });
    }
};

}  // namespace puiseux::cells
