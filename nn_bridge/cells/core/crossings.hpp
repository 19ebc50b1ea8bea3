// How many different points some forms have on a projective line, exactly.
//
// A form (a, b) vanishes at one point of the line.  Let s = |a| + |b|: the number b / s, with the sign of a, is the place of
// that point on a circle of length 2, where -1 and 1 are one place.
//
// Lemma.  If a and b are off by at most e each and s >= 4 e, then the place is off by at most 2 e / s + 5 UNIT_ROUNDOFF,
// measured along the circle.  Proof: the segment from the stored to the true pair stays where |a| + |b| >= s - 2 e >= s / 2;
// along it the place changes by |a db - b da| / (|a| + |b|)^2, which is at most e over |a| + |b|, so by at most 2 e / s; and
// where a changes its sign, it runs through the point at which the circle is closed.  Sum and quotient round by two units,
// the place, stored as a number in [1, 2], by two more.
//
// So points whose places are farther apart than their two errors differ.  A hash table of the places tells in one step for
// each whether another is as near as that; then the places are sorted, and points that errors do not tell apart compared
// in integers.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "bounds.hpp"
#include "elimination.hpp"
#include "ratios.hpp"
#include "targets.hpp"

namespace puiseux::cells {

/// Forms as pairs  a = p - r head,  b = q - t head  with one bound for the errors of all a and b.
struct FormsOnLine {
    const double *head, *p, *q;
    double r, t, error;
    int count;
};

/// The places of the points, as numbers in [1, 2]; and the least s.
struct Placing {
    PUISEUX_INLINE static double run(const FormsOnLine& forms, double* place) {
        constexpr int FOUR = 4;
        using Four = double __attribute__((vector_size(8 * FOUR)));
        using Bits = std::int64_t __attribute__((vector_size(8 * FOUR)));
        const Four r = forms.r - Four{}, t = forms.t - Four{}, half = 0.5 - Four{}, middle = 1.5 - Four{};
        constexpr std::int64_t SIGN = std::numeric_limits<std::int64_t>::min();
        Four least = UNKNOWN - Four{};
        int j = 0;
        for (; j + FOUR <= forms.count; j += FOUR) {
            Four h, p, q;
            std::memcpy(&h, forms.head + j, sizeof h), std::memcpy(&p, forms.p + j, sizeof p), std::memcpy(&q, forms.q + j, sizeof q);
            const Four a = p - r * h, b = q - t * h;
            const Four s = Four(Bits(a) & ~SIGN) + Four(Bits(b) & ~SIGN);
            const Bits smaller = s < least;
            least = Four((Bits(s) & smaller) | (Bits(least) & ~smaller));
            const Four at = Four(Bits(b) ^ (Bits(a) & SIGN)) / s * half + middle;
            std::memcpy(place + j, &at, sizeof at);
        }
        double low = std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
        for (; j < forms.count; ++j) {
            const double a = forms.p[j] - forms.r * forms.head[j], b = forms.q[j] - forms.t * forms.head[j];
            const double s = std::abs(a) + std::abs(b);
            if (!(s >= low)) low = s;
            place[j] = (std::signbit(a) ? -b : b) / s * 0.5 + 1.5;
        }
        return low;
    }
};

/// Asks for the two coefficients of a form as integers; refers to a callable.
class Coefficients {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, Coefficients>)
    Coefficients(F&& f)  // NOLINT: an implicit conversion, for a call
        : of_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          ask_([](void* of, int j) -> Ratio { return (*static_cast<std::remove_reference_t<F>*>(of))(j); }) {}
    Ratio operator()(int j) const { return ask_(of_, j); }

private:
    void* of_;
    Ratio (*ask_)(void*, int);
};

class Crossings {
public:
    static constexpr std::int64_t VANISHES = -1;

    /// The number of different points of some forms; VANISHES if one of them is zero on all of the line.
    ///
    /// `exact(j)` are the two coefficients of form j as integers, up to a factor common to all forms that is not 0.
    std::int64_t different(const FormsOnLine& forms, const Coefficients& exact) {
        const int count = forms.count;
        if (size_t(count) > place_.size()) place_.resize(size_t(2 * count)), bits_.resize(size_t(2 * count));
        const double least = dispatch<Placing>(forms, place_.data());
        // each place is known up to `doubt`, a power of two
        double doubt = DOUBT;
        while (doubt < 0x100 * forms.error && doubt < COARSE) doubt *= 16;
        if (doubt < COARSE && least * (doubt - 5 * UNIT_ROUNDOFF) > 2 * UP * forms.error && are_apart(count, doubt)) return count;
        return sorted_apart(forms, exact);
    }

private:
    static constexpr double DOUBT = 0x1p-36, COARSE = 0x1p-11;
    static constexpr int PLACE_BITS = 52;           // places as whole numbers: the circle has length 2^52
    static constexpr std::uint64_t CIRCLE = std::uint64_t{1} << PLACE_BITS, MASK = CIRCLE - 1;
    static constexpr int COARSER = 10;              // an arc of the table is 2^10 doubts long

    struct Point {
        double begin, end;                          // the arc in which its place lies
        int form;
    };
    std::vector<double> place_;
    std::vector<std::uint64_t> bits_;
    std::vector<std::uint32_t> slots_;              // of the table: 1 + the number of a form, or 0
    std::vector<Point> points_;

    static std::uint64_t distance(std::uint64_t a, std::uint64_t b) {
        const std::uint64_t d = (a - b) & MASK;
        return std::min(d, CIRCLE - d);
    }

    /// Whether all places are certainly different, where each is off by at most `doubt`.
    bool are_apart(int count, double doubt) {
        const int log_slots = std::bit_width(unsigned(count)) + 2;
        const std::uint64_t last_slot = (std::uint64_t{1} << log_slots) - 1;
        if (slots_.size() <= last_slot) slots_.resize(last_slot + 1);
        std::fill_n(slots_.begin(), last_slot + 1, 0u);
        const auto error = std::uint64_t(doubt * (CIRCLE / 2));  // a power of two, at least 2^15
        const int arc_bits = std::countr_zero(error) + COARSER;
        const std::uint64_t arcs = MASK >> arc_bits, within = (std::uint64_t{1} << arc_bits) - 1;
        // whether a stored place on an arc is as near as two doubts; else where the arc's chain ends
        auto near = [&](std::uint64_t bits, std::uint64_t arc, std::uint64_t& slot) {
            slot = arc * 0x9E3779B97F4A7C15u >> (64 - log_slots);
            for (; slots_[slot]; slot = (slot + 1) & last_slot)
                if (distance(bits_[slots_[slot] - 1], bits) <= 2 * error) return true;
            return false;
        };
        for (int j = 0; j < count; ++j) {
            const std::uint64_t bits = std::bit_cast<std::uint64_t>(place_[size_t(j)]) & MASK, arc = bits >> arc_bits, rest = bits & within;
            bits_[size_t(j)] = bits;
            std::uint64_t slot = 0;
            if (rest <= 2 * error && near(bits, (arc - 1) & arcs, slot)) return false;
            if (rest >= within - 2 * error && near(bits, (arc + 1) & arcs, slot)) return false;
            if (near(bits, arc, slot)) return false;
            slots_[slot] = std::uint32_t(j) + 1;
        }
        return true;
    }

    /// The same number by sorting; points that errors do not tell apart are compared in integers.
    [[gnu::noinline]] std::int64_t sorted_apart(const FormsOnLine& forms, const Coefficients& exact) {
        points_.clear();
        bool all_open = false;
        for (int j = 0; j < forms.count; ++j) {
            const double a = forms.p[j] - forms.r * forms.head[j], b = forms.q[j] - forms.t * forms.head[j], s = std::abs(a) + std::abs(b);
            if (s >= 0x40 * forms.error && s > SMALLEST) {
                const double at = (std::signbit(a) ? -b : b) / s, error = (2 * forms.error / s + 5 * UNIT_ROUNDOFF) * UP;
                points_.push_back({at - error, at + error, j});
            } else {
                const auto [p, q] = exact(j);
                if (p.is_zero() && q.is_zero()) return VANISHES;
                all_open = true;
            }
        }
        if (all_open) {
            std::vector<int> all(size_t(forms.count));
            std::iota(all.begin(), all.end(), 0);
            return exactly_different(all, exact);
        }
        if (points_.empty()) return 0;
        std::sort(points_.begin(), points_.end(), [](const Point& p, const Point& q) { return p.begin < q.begin; });
        // mostly no arcs overlap; the last and the first may meet where the circle is closed
        double high = points_[0].end;
        bool apart = true;
        for (size_t i = 1; i < points_.size(); ++i) {
            apart = apart && points_[i].begin > high;
            high = std::max(high, points_[i].end);
        }
        if (apart && high - 2 < points_[0].begin) return std::int64_t(points_.size());
        return runs_apart(exact);
    }

    /// The same for sorted points of which some overlap, run by run.
    std::int64_t runs_apart(const Coefficients& exact) const {
        std::vector<int> run, first;
        std::int64_t total = 0;
        double end = points_[0].end;
        bool in_first = true;
        for (const Point& p : points_) {
            if (p.begin > end) {
                if (in_first) first = run, in_first = false;
                else total += exactly_different(run, exact);
                run.clear();
            }
            run.push_back(p.form), end = std::max(end, p.end);
        }
        if (in_first) return exactly_different(run, exact);
        if (end - 2 >= points_[0].begin) {
            run.insert(run.end(), first.begin(), first.end());
            return total + exactly_different(run, exact);
        }
        return total + exactly_different(first, exact) + exactly_different(run, exact);
    }

    static std::int64_t exactly_different(const std::vector<int>& forms, const Coefficients& exact) {
        if (forms.size() < 2) return std::int64_t(forms.size());
        std::vector<Ratio> found;
        for (const int j : forms) {
            auto [a, b] = exact(j);
            if (a.sign() < 0 || (a.is_zero() && b.sign() < 0)) a.negate(), b.negate();
            found.emplace_back(std::move(a), std::move(b));
        }
        return different_ratios(found);
    }
};

}  // namespace puiseux::cells
