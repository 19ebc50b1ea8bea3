// The affine forms of the units of a stage on one linear piece, with bounds on what rounding did to them.
//
// Neighbours in the tree differ in few units.  Where the forms below have not changed, only these units are added or
// taken away; errors add up that way, so from time to time forms are computed afresh.
// Source: running error bounds (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "network.hpp"
#include "shape.hpp"

namespace puiseux::cells {

/// A view of the forms of a stage, whatever the shape: coefficients, then size, slack and error, each for all units.
struct FormTable {
    const double* data;
    int padded, last;
    bool whole;

    const double* row(int c) const { return data + size_t(c) * size_t(padded); }
    double error(int j) const { return row(last + 3)[j]; }
    double value(int j, const double* x) const {
        double v = row(last)[j] * x[last];
        for (int c = 0; c < last; ++c) v += row(c)[j] * x[c];
        return v;
    }
    /// A bound that is tighter than the lemma's, from the sizes of the terms; also where the coordinates exceed 1.  0 if the
    /// value is exact.
    double tight_bound(int j, const double* x, double e) const {
        double terms = 0, norm = 0;
        for (int c = 0; c <= last; ++c) terms += std::abs(row(c)[j] * x[c]), norm += std::abs(x[c]);
        const double f = error(j);
        if (e == 0 && f == 0 && (terms == 0 || (whole && terms < WHOLE))) return 0;
        return (products(last + 1) * terms + f * (norm + (last + 1) * e) + row(last + 1)[j] * e) * UP + UNDERFLOW_SLACK;
    }
};

/// Certain signs of units at a point: positive, negative, or not known; all others are zero.
template <class Set>
struct Signs {
    Set positive, negative, unsure;
};

template <class S>
class Forms {
public:
    using Set = typename S::Set;

    PUISEUX_RARELY Forms(const Problem& problem, const S& shape, int stage)
        : stage_(problem.stages[size_t(stage)]), shape_(shape), whole_(problem.whole), dim_(problem.dim), padded_(stage_.padded),
          data_(size_t(shape.last() + 4) * size_t(padded_)), live_(shape.none()), units_(shape.none()) {
        for (int j = 0; j < stage_.units; ++j) units_.add(j);
        for (const Weights& w : stage_.blocks) from_.emplace_back(Source{&w, shape.none(), 0});
    }

    int units() const { return stage_.units; }
    int padded() const { return padded_; }
    const double* row(int c) const { return &data_[size_t(c) * size_t(padded_)]; }
    double error(int j) const { return row(last() + 3)[j]; }
    double size(int j) const { return row(last() + 1)[j]; }
    double slack(int j) const { return row(last() + 2)[j]; }
    /// The units whose forms are not zero everywhere.
    const Set& live() const { return live_; }

    double value(int j, const double* x) const {
        double v = row(last())[j] * x[last()];
        for (int c = 0; c < last(); ++c) v += row(c)[j] * x[c];
        return v;
    }
    /// The bound of the lemma (bounds.hpp) at a point with the given error.
    double bound(int j, double e) const { return size(j) * (e + products(last() + 1)) + slack(j); }

    FormTable table() const { return {data_.data(), padded_, last(), whole_}; }
    /// A tighter bound, see above.
    double tight_bound(int j, const double* x, double e) const { return table().tight_bound(j, x, e); }

    /// The signs of all units at a point that the lemma tells.
    Signs<Set> signs(const double* x, double e) const { return dispatch<SignsAt>(*this, x, e); }
    /// The same, for loops that are compiled twice themselves.
    PUISEUX_INLINE Signs<Set> signs_here(const double* x, double e) const { return SignsAt::run(*this, x, e); }

    /// The signs of all units at a point of whole coordinates: sums of whole numbers below 2^53 are exact.
    Signs<Set> whole_signs(const double* x) const { return dispatch<WholeSignsAt>(*this, x); }

    /// The forms where the given units of the stages before are active; `all` are the forms of all stages.
    void follow(const std::vector<Forms>& forms, const std::vector<Set>& active, std::uint64_t& clock) {
        int changed = 0, total = 0;
        bool near = version_ != 0;
        for (const Source& s : from_) {
            near = near && s.version == forms[size_t(s.weights->source)].version_;
            changed += (active[size_t(s.weights->source)] ^ s.active).count();
            total += active[size_t(s.weights->source)].count();
        }
        near = near && drift_ + changed <= DRIFT && changed < total;
        if (near && changed == 0) return;
        if (version_ != 0 && total == 0 && changed == 0) return;
        drift_ = near ? drift_ + changed : 0;
        const int top = last() + 1, count = near ? changed : total;
        const double rounding = products(count + int(stage_.rounded) + 2);
        changes_.resize(size_t(count)), coefficients_.resize(size_t(count) * size_t(top));
        Change* to = changes_.data();
        double* coefficient = coefficients_.data();
        for (Source& s : from_) {
            const int stage = s.weights->source;
            const Forms& below = forms[size_t(stage)];
            const Set& now = active[size_t(stage)];
            const Set change = near ? now ^ s.active : now;
            change.each([&](int i) {
                *to++ = {s.weights->row(i), below.size(i), below.error(i), below.error(i) + rounding * below.size(i)};
                const double sign = now.has(i) ? 1 : -1;
                for (int c = 0; c < top; ++c) *coefficient++ = sign * below.row(c)[i];
            });
            s.active = now, s.version = below.version_;
        }
        live_ = shape_.none();
        dispatch<Update>(*this, near);
        version_ = ++clock;
    }

    /// Forget how the forms came about: what is found later does not depend on what was before.
    void forget() { version_ = 0; }

private:
    struct Source {
        const Weights* weights;
        Set active;                     // when the forms were made
        std::uint64_t version;          // of the forms that they were made from
    };
    /// A unit by which the forms change: its weights on the stage, the size and error of its form, and what it adds to the
    /// error of a form that has it with a weight of 1, with all rounding.
    struct Change {
        const double* weights;
        double size, error, doubt;
    };
    static constexpr int DRIFT = 256;  // changes after which forms are computed afresh: more cost time in bounds, fewer in sums
    static constexpr int CHUNK = S::N == DYNAMIC ? 8 : S::N + 1;

    const Stage& stage_;
    const S& shape_;
    bool whole_;
    int dim_, padded_;
    std::vector<double> data_;          // coefficients, then size, slack and error, each for all units
    Set live_, units_;
    std::vector<Source> from_;
    std::uint64_t version_ = 0;
    int drift_ = 0;
    std::vector<Change> changes_;
    std::vector<double> coefficients_;  // of the changes' forms

    int last() const { return shape_.last(); }
    double* row(int c) { return &data_[size_t(c) * size_t(padded_)]; }
    const double* given(int c) const {  // coefficients before any unit; null for padding
        return c == last() ? stage_.bias.data() : c < dim_ ? &stage_.direct[size_t(c) * size_t(padded_)] : nullptr;
    }

    // ------------------------------------------------------------------------- loops over units side by side

    struct SignsAt {
        PUISEUX_INLINE static Signs<Set> run(const Forms& f, const double* x, double e) {
            const int last = f.last(), padded = f.padded_;
            Set certain = f.shape_.none(), minus = certain;
            const Vec reach = all(e + products(last + 1));
            for (int j = 0; j < padded; j += LANES) {
                Vec v = load(f.row(last) + j) * all(x[last]);
                for (int c = 0; c < last; ++c) v += load(f.row(c) + j) * all(x[c]);
                const Vec b = load(f.row(last + 1) + j) * reach + load(f.row(last + 2) + j);
                certain[j >> 6] |= Word{lanes_of(absolute(v) > b)} << (j & 63);
                minus[j >> 6] |= Word{lanes_of(Mask(v))} << (j & 63);
            }
            return {certain - minus, certain & minus, f.live_ - certain};
        }
    };

    struct WholeSignsAt {
        PUISEUX_INLINE static Signs<Set> run(const Forms& f, const double* x) {
            const int last = f.last(), padded = f.padded_;
            Set certain = f.shape_.none(), minus = certain, zero = certain;
            for (int j = 0; j < padded; j += LANES) {
                Vec v = load(f.row(last) + j) * all(x[last]), terms = absolute(v);
                for (int c = 0; c < last; ++c) {
                    const Vec t = load(f.row(c) + j) * all(x[c]);
                    v += t, terms += absolute(t);
                }
                const Mask exact = (terms < all(WHOLE)) & (load(f.row(last + 3) + j) == all(0.0));
                certain[j >> 6] |= Word{lanes_of(exact)} << (j & 63);
                minus[j >> 6] |= Word{lanes_of(Mask(v))} << (j & 63);
                zero[j >> 6] |= Word{lanes_of(v == all(0.0))} << (j & 63);
            }
            return {certain - minus - zero, (certain & minus) - zero, f.live_ - certain};
        }
    };

    /// Changes, or computes afresh, all forms.
    struct Update {
        PUISEUX_INLINE static void run(Forms& f, bool near) {
            for (int j = 0; j < f.padded_; j += LANES) f.update(j, near);
            f.live_ &= f.units_;
        }
    };

    PUISEUX_INLINE void update(int j, bool near) {
        const int top = last() + 1;
        const Vec none = all(0.0);
        Vec sizes = none, doubts = none, norm = none;  // doubts: the errors of all terms, and what rounding adds (sum_error)
        if (near) {
            sizes = load(row(top) + j), doubts = load(row(top + 2) + j);
        } else {
            for (int c = 0; c < top; ++c)
                if (const double* g = given(c)) sizes += absolute(load(g + j));
            doubts = load(&stage_.error[size_t(j)]);
        }
        const Vec rounding = all(products(int(changes_.size()) + int(stage_.rounded) + 2));
        doubts = chosen((doubts == none) & all_lanes(changes_.empty()), none, doubts + rounding * sizes);  // a sum of one is exact
        for (int begin = 0; begin < top; begin += CHUNK) {
            const int end = S::N == DYNAMIC ? std::min(top, begin + CHUNK) : top;
            Vec f[CHUNK];
            for (int c = begin; c < end; ++c) {
                const double* g = near ? row(c) : given(c);
                f[c - begin] = g ? load(g + j) : all(0.0);
            }
            const double* coefficient = coefficients_.data();
            for (const Change& t : changes_) {
                const Vec w = load(t.weights + j);
                for (int c = begin; c < end; ++c) f[c - begin] += w * all(coefficient[c]);
                if (begin == 0) doubts += absolute(w) * all(t.doubt);
                coefficient += top;
            }
            for (int c = begin; c < end; ++c) store(row(c) + j, f[c - begin]), norm += absolute(f[c - begin]);
        }
        if (whole_) [[unlikely]] {
            Vec errors = near ? load(row(top + 2) + j) : load(&stage_.error[size_t(j)]);
            for (const Change& t : changes_) {
                const Vec weight = absolute(load(t.weights + j));
                sizes += weight * all(t.size), errors += weight * all(t.error);
            }
            doubts = chosen((sizes < all(WHOLE)) & (errors == none), none, doubts);  // such sums are exact
        }
        settle(j, doubts, norm);
    }

    /// Store size, slack and error of some units, given the sums of sizes and errors of all terms.
    PUISEUX_INLINE void settle(int j, const Vec& doubts, const Vec& norm) {
        const int top = last() + 1;
        const Vec none = all(0.0), smallest = all(SMALLEST), largest = all(LARGEST);
        Vec size = norm * all(UP);
        const Mask exact = doubts == none;
        Vec error = chosen(exact, none, doubts * all(UP) + all(UNDERFLOW_SLACK));  // sum_error
        const Mask zero = (size == none) & exact;
        const Mask fits = ((size >= smallest) & (size <= largest)) | zero | ((size < smallest) & (error >= all(SMALLEST * 1e10)));
        const Mask known = fits & (error <= largest);
        error = chosen(known, error, all(UNKNOWN)), size = chosen(known, size, all(1.0));
        size = chosen((size < smallest) & ~zero, smallest, size);
        store(row(top) + j, size);
        store(row(top + 1) + j, error * all((last() + 1) * (1 + LOOSE) * UP) + all(UNDERFLOW_SLACK));
        store(row(top + 2) + j, error);
        live_[j >> 6] |= Word{lanes_of((size != none) | (error != none))} << (j & 63);
    }
};

}  // namespace puiseux::cells
