// The one geometric step: cut a cell by a unit's zero set (double description).
//
// A new generator lies on every edge whose ends have opposite signs.  Two generators span an edge iff at least dim - 1
// facets contain both and, unless one of them is simple (on exactly dim facets), no third generator lies on all of those.
// Sources: Motzkin, Raiffa, Thompson, Thrall 1953; Fukuda and Prodon 1996, Double description method revisited.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <numeric>
#include <vector>

#include "signs.hpp"

namespace puiseux::cells {

/// A cell needs more facet slots than there are: it goes on in an engine with wider sets.
struct MoreFacets : std::exception {
    const char* what() const noexcept override { return "a cell with more facets than there are slots"; }
};

template <class S>
class Cutting : public Signing<S> {
    using Base = Signing<S>;

public:
    using typename Base::Set;

    Cutting(const Problem& problem, const S& shape, Counters& counters, Watch& watch)
        : Base(problem, shape, counters, watch), blurred_(shape.none()) {}

protected:
    /// Units whose signs some generators of the present flat do not know, which looks like zero there (when counting, signs
    /// of units that matter no more are not found).  cut_edges adds those that it leaves open.
    Set blurred_;

    using Base::counters_, Base::forms_, Base::owner_, Base::problem_, Base::shape_, Base::watch_;
    static constexpr double POLISH_ABOVE = 0x1p-13;  // errors of new generators beyond are worth a new solution

    /// Sorts the generators of a cell by their sign at a unit, into above_, below_ and on_.
    void sort_sides(Cell cell, int unit) {
        if (size_t(cell.count) > value_.size()) {
            const size_t size = 2 * size_t(cell.count);
            for (auto* list : {&above_, &below_, &on_}) list->resize(size + 1);
            value_.resize(size), bound_.resize(size);
        }
        const int q = unit >> 6, s = unit & 63;
        n_above_ = n_below_ = n_on_ = 0;
        int t = 0;
        for (Word* g : cell) {  // without branches: the signs come in no order
            const int p = int(shape_.positive(g)[q] >> s & 1), m = int(shape_.negative(g)[q] >> s & 1);
            above_[size_t(n_above_)] = below_[size_t(n_below_)] = on_[size_t(n_on_)] = t++;
            n_above_ += p, n_below_ += m, n_on_ += 1 - p - m;
        }
    }

    /// Finds the edges that a unit crosses, after sort_sides: pairs of places in the cell.
    void find_edges(Cell cell) {
        const int dim = problem_.dim;  // flats, and the axes of lines, are among the facets
        n_edges_ = 0;
        const int fw = shape_.facet_words();
        if (keys_.size() < size_t(cell.count * fw + LANES)) keys_.resize(2 * size_t(cell.count * fw) + LANES);
        for (int k = 0; k < n_below_; ++k)
            for (int q = 0; q < fw; ++q) keys_[size_t(k * fw + q)] = shape_.facets(cell[below_[size_t(k)]])[q];
        // row by row where there are many pairs, so that a limit also ends a search of minutes
        const std::int64_t pairs = std::int64_t(n_above_) * n_below_;
        many_pairs_ = pairs > MANY_PAIRS;
        if (!many_pairs_) watch_.spend(pairs);
        if constexpr (S::W == 1) {
            dispatch<EdgesOf>(*this, cell, dim);
        } else {
            for (int i = 0; i < n_above_; ++i) wide_edges_of(cell, above_[size_t(i)], dim);
        }
    }

    /// Writes, from `to` on, the generators of a unit's zero set in a cell: new ones on the edges found, then those on it.
    /// Signs of `wanted` units are found; with `bare` only facets and signs that both ends share.  Returns the end.
    Word* cut_edges(Cell cell, int stage, int unit, int slot, Word* to, const Set& wanted, bool bare = false) {
        return dispatch<CutEdges>(*this, cell, stage, unit, slot, to, wanted, bare);
    }

private:
    struct CutEdges {
        PUISEUX_INLINE static Word* run(Cutting& t, Cell cell, int stage, int unit, int slot, Word* to, const Set& wanted, bool bare) {
            return t.cut_edges_here(cell, stage, unit, slot, to, wanted, bare);
        }
    };
    PUISEUX_INLINE Word* cut_edges_here(Cell cell, int stage, int unit, int slot, Word* to, const Set& wanted, bool bare) {
        const Forms<S>& forms = forms_[size_t(stage)];
        if (!bare) note_values(forms, cell, unit);
        const Set asked = wanted - this->same_zeros(stage, unit);
        counters_.generators += std::int64_t(n_edges_);
        Set left_open = blurred_;
        for (size_t i = 0; i < n_edges_; ++i) {
            const auto [a, b] = edges_[i];
            Word *ga = cell[a], *gb = cell[b];
            Set open = inherit(ga, gb, unit, slot, to);
            left_open |= open - wanted;
            open &= asked;
            if (bare) {
                to += shape_.stride();
                continue;
            }
            join(ga, value_[size_t(a)], bound_[size_t(a)], gb, value_[size_t(b)], bound_[size_t(b)], to);
            if (shape_.error(to) > POLISH_ABOVE) [[unlikely]] this->refine(to);
            watch_.spend(shape_.stride());
            this->evaluate_here(to, stage, open);
            to += shape_.stride();
        }
        for (int i = 0; i < n_on_; ++i) {
            shape_.copy(to, cell[on_[size_t(i)]]);
            shape_.touch(to, unit, slot);
            to += shape_.stride();
        }
        blurred_ = left_open;
        return to;
    }

protected:
    /// Room for both sides of a cut, in words.
    size_t room_for_cut(Cell cell) const { return (n_edges_ + size_t(cell.count)) * size_t(shape_.stride()); }
    int n_above() const { return n_above_; }
    int n_below() const { return n_below_; }
    int n_on() const { return n_on_; }
    int edges() const { return int(n_edges_); }
    int above(int i) const { return above_[size_t(i)]; }
    int below(int i) const { return below_[size_t(i)]; }

    /// A facet slot that no generator of the cell uses.
    int free_slot(Cell cell) const {
        for (int q = 0; q < shape_.facet_words(); ++q) {
            Word used = q == 0 ? 1 : 0;
            for (Word* g : cell) used |= shape_.facets(g)[q];
            if (~used) return 64 * q + std::countr_one(used);
        }
        throw MoreFacets();
    }

    /// What a slot stands for, until the end of a scope.
    class SlotScope {
    public:
        SlotScope(std::vector<Facet>& owner, int slot, Facet f) : slot_(owner[size_t(slot)]), before_(slot_) { slot_ = f; }
        SlotScope(const SlotScope&) = delete;
        SlotScope& operator=(const SlotScope&) = delete;
        ~SlotScope() { slot_ = before_; }

    private:
        Facet& slot_;
        Facet before_;
    };

    /// The point where the segment from `a` to `b` meets a unit's zero set, given the values there and their bounds.
    ///
    /// Its error is that of the second lemma in bounds.hpp; weights are clipped to the certain signs of the values.
    PUISEUX_INLINE void join(Word* a, double va, double ea, Word* b, double vb, double eb, Word* g) const {
        const double *x = shape_.x(a), *y = shape_.x(b);
        double* z = shape_.x(g);
        const double error_a = shape_.error(a), error_b = shape_.error(b);
        va = std::max(va, 0.0), vb = std::max(-vb, 0.0);  // clipped to their certain signs
        if (problem_.whole) [[unlikely]] {
            if (error_a == 0 && error_b == 0 && ea == 0 && eb == 0 && join_whole(x, va, y, vb, g)) return;
            return join_scaled(x, va, ea, error_a, y, vb, eb, error_b, g);
        }
        const double total = va + vb;
        double of_a = 0.5, of_b = 0.5, shift = 1.0;
        if (total > 2 * (ea + eb)) {
            // both weights are computed: 1 - weight would round a far vertex into a ray
            const double inverse = 1 / total;
            of_a = vb * inverse, of_b = va * inverse;
            shift = weight_shift(of_a, ea, of_b, eb, inverse);
        }
        const auto [top, apart] = blend(of_a, x, of_b, y, z);
        const double scale = scale_of(top);
        for (int c = 0; c <= shape_.last(); ++c) z[c] *= scale;
        shape_.error(g) = blend_error(of_a, error_a, of_b, error_b, shift, apart) * scale;
    }

private:
    struct Edge {
        int above, below;
    };
    std::vector<int> above_, below_, on_;
    int n_above_ = 0, n_below_ = 0, n_on_ = 0;
    std::vector<Edge> edges_;           // the first n_edges_ of them
    size_t n_edges_ = 0;
    static constexpr int MANY_PAIRS = 1 << 16;  // of generators above and below
    bool many_pairs_ = false;
    std::vector<Word> keys_;            // facets of the generators below
    std::vector<double> value_, bound_; // of the unit, by place in the cell

    /// The unit's values, and their bounds, at the generators above and below.
    PUISEUX_INLINE void note_values(const Forms<S>& forms, Cell cell, int unit) {
        double few[S::N == DYNAMIC ? 1 : S::N + 1];
        if constexpr (S::N != DYNAMIC)
            for (int c = 0; c <= S::N; ++c) few[c] = forms.row(c)[unit];
        const double size = forms.size(unit), slack = forms.slack(unit), rounding = products(shape_.last() + 1);
        for (const bool up : {true, false}) {
            const int count = up ? n_above_ : n_below_;
            const int* places = up ? above_.data() : below_.data();
            for (int i = 0; i < count; ++i) {
                const int t = places[i];
                Word* g = cell[t];
                const double *x = shape_.x(g), e = shape_.error(g);
                double v;
                if constexpr (S::N != DYNAMIC) {
                    v = few[S::N] * x[S::N];
                    for (int c = 0; c < S::N; ++c) v += few[c] * x[c];
                } else {
                    v = forms.value(unit, x);
                }
                value_[size_t(t)] = v;
                const bool loose = e > LOOSE || (problem_.whole && e == 0);
                bound_[size_t(t)] = loose ? forms.tight_bound(unit, x, e) : size * (e + rounding) + slack;
            }
        }
    }

    /// The edges from all generators above to those below, where sets of facets are single words.
    struct EdgesOf {
        PUISEUX_INLINE static void run(Cutting& t, Cell cell, int dim) {
            for (int i = 0; i < t.n_above_; ++i) {
                if (t.many_pairs_) [[unlikely]] t.watch_.spend(t.n_below_);
                const int a = t.above_[size_t(i)];
                const Word key = t.shape_.facets(cell[a])[0];
                if (bits_of(key) == dim) t.edges_of_simple(a, key);
                else t.edges_of_other(cell, a, key, dim);
            }
        }
    };

    /// The edges, with room for those of one more generator.
    PUISEUX_INLINE Edge* room_for_edges() {
        if (edges_.size() < n_edges_ + size_t(n_below_)) [[unlikely]] edges_.resize(2 * (n_edges_ + size_t(n_below_)));
        return edges_.data();
    }

    /// Of a simple generator all but one of its facets are enough.
    PUISEUX_INLINE void edges_of_simple(int a, Word key) {
        using Words = Word __attribute__((vector_size(8 * LANES)));
        const Words own{key, key, key, key};
        Edge* edge = room_for_edges() + n_edges_;
        const Word* keys = keys_.data();
        const int *below = below_.data(), count = n_below_;
        for (int from = 0; from < count; from += 64) {
            const int to = std::min(count, from + 64);
            Word hits = 0;
            for (int k = from; k < to; k += LANES) {
                Words other;
                std::memcpy(&other, keys + k, sizeof other);
                const Words rest = own & ~other;
                hits |= Word{lanes_of(Mask((rest & (rest - 1)) == 0))} << (k - from);
            }
            if (to - from < 64) hits &= bit(to - from) - 1;
            for (; hits; hits &= hits - 1) *edge++ = {a, below[from + std::countr_zero(hits)]};
        }
        n_edges_ = size_t(edge - edges_.data());
    }

    PUISEUX_INLINE void edges_of_other(Cell cell, int a, Word key, int dim) {
        Edge* edges = room_for_edges();
        for (int k = 0; k < n_below_; ++k) {
            const Word common = key & keys_[size_t(k)];
            if (bits_of(common) < dim - 1) continue;
            const int b = below_[size_t(k)];
            if (bits_of(keys_[size_t(k)]) == dim || no_third(cell, common, a, b)) edges[n_edges_++] = {a, b};
        }
    }

    bool no_third(Cell cell, Word common, int a, int b) {
        watch_.spend(cell.count);
        int t = 0;
        for (Word* g : cell) {
            if ((shape_.facets(g)[0] & common) == common && t != a && t != b) return false;
            ++t;
        }
        return true;
    }

    void wide_edges_of(Cell cell, int a, int dim) {
        const int fw = shape_.facet_words();
        if (many_pairs_) [[unlikely]] watch_.spend(std::int64_t(n_below_) * fw);
        const Word* key = shape_.facets(cell[a]);
        int own = 0;
        for (int q = 0; q < fw; ++q) own += bits_of(key[q]);
        Edge* edges = room_for_edges();
        for (int k = 0; k < n_below_; ++k) {
            const Word* other = &keys_[size_t(k * fw)];
            int common = 0, others = 0;
            for (int q = 0; q < fw; ++q) common += bits_of(key[q] & other[q]), others += bits_of(other[q]);
            if (common < dim - 1) continue;
            const int b = below_[size_t(k)];
            if (own == dim || others == dim || no_wide_third(cell, key, other, a, b)) edges[n_edges_++] = {a, b};
        }
    }

    bool no_wide_third(Cell cell, const Word* key, const Word* other, int a, int b) {
        const int fw = shape_.facet_words();
        watch_.spend(std::int64_t(cell.count) * fw);
        for (int t = 0; t < cell.count; ++t) {
            const Word* f = shape_.facets(cell[t]);
            bool all = t != a && t != b;
            for (int q = 0; q < fw && all; ++q) all = (key[q] & other[q] & ~f[q]) == 0;
            if (all) return false;
        }
        return true;
    }

    /// Signs and facets of the generator between two others: what both share.  Returns the units of opposite signs.
    PUISEUX_INLINE Set inherit(Word* a, Word* b, int unit, int slot, Word* g) const {
        Set opposite = shape_.none();
        const Word *pa = shape_.positive(a), *na = shape_.negative(a), *pb = shape_.positive(b), *nb = shape_.negative(b);
        Word *p = shape_.positive(g), *n = shape_.negative(g);
        for (int q = 0; q < shape_.words(); ++q) {
            const Word apart = (pa[q] & nb[q]) | (na[q] & pb[q]);
            const Word known = ~(apart | blurred_[q]);
            opposite[q] = apart;
            p[q] = (pa[q] | pb[q]) & known, n[q] = (na[q] | nb[q]) & known;
        }
        for (int q = 0; q < shape_.facet_words(); ++q) shape_.facets(g)[q] = shape_.facets(a)[q] & shape_.facets(b)[q];
        for (int q = 0; q < shape_.zero_words(); ++q) shape_.zeros(g)[q] = shape_.zeros(a)[q] & shape_.zeros(b)[q];
        shape_.facets(g)[slot >> 6] |= bit(slot);
        opposite.drop(unit);
        return opposite;
    }

    struct Extent {
        double top, apart;              // the largest coordinate of the blend, and difference of the two, in size
    };
    /// z = a x + b y, four or two coordinates at a time.
    PUISEUX_INLINE Extent blend(double a, const double* x, double b, const double* y, double* z) const {
        double top = 0, apart = 0;
        int c = 0;
        if constexpr (S::N == DYNAMIC || S::N + 1 >= LANES) {
            Vec tops = all(0.0), aparts = tops;
            for (; c + LANES <= shape_.last() + 1; c += LANES) {
                const Vec p = load(x + c), q = load(y + c), v = all(a) * p + all(b) * q, size = absolute(v), distance = absolute(p - q);
                store(z + c, v);
                tops = size > tops ? size : tops, aparts = distance > aparts ? distance : aparts;
            }
            for (int k = 0; k < LANES; ++k) top = std::max(top, tops[k]), apart = std::max(apart, aparts[k]);
        }
#if defined(__SSE2__)
        const __m128d of_a = _mm_set1_pd(a), of_b = _mm_set1_pd(b), sign = _mm_set1_pd(-0.0);
        __m128d tops = _mm_set1_pd(top), aparts = _mm_set1_pd(apart);
        for (; c + 1 <= shape_.last(); c += 2) {
            const __m128d p = _mm_loadu_pd(x + c), q = _mm_loadu_pd(y + c), v = _mm_add_pd(_mm_mul_pd(of_a, p), _mm_mul_pd(of_b, q));
            _mm_storeu_pd(z + c, v);
            tops = _mm_max_pd(tops, _mm_andnot_pd(sign, v)), aparts = _mm_max_pd(aparts, _mm_andnot_pd(sign, _mm_sub_pd(p, q)));
        }
        top = std::max(_mm_cvtsd_f64(tops), _mm_cvtsd_f64(_mm_unpackhi_pd(tops, tops)));
        apart = std::max(_mm_cvtsd_f64(aparts), _mm_cvtsd_f64(_mm_unpackhi_pd(aparts, aparts)));
#endif
        for (; c <= shape_.last(); ++c) {
            const double v = a * x[c] + b * y[c];
            z[c] = v;
            top = std::max(top, std::abs(v)), apart = std::max(apart, std::abs(x[c] - y[c]));
        }
        return {top, apart};
    }

    /// The same for whole coordinates: without rounding, or false where the numbers get too large.
    PUISEUX_RARELY bool join_whole(const double* x, double va, const double* y, double vb, Word* g) const {
        double* z = shape_.x(g);
        double largest = 0;
        for (int c = 0; c <= shape_.last(); ++c) {
            z[c] = vb * x[c] + va * y[c];
            largest = std::max(largest, vb * std::abs(x[c]) + va * std::abs(y[c]));
        }
        if (!(largest < WHOLE)) return false;
        if (largest > 1 << 16) {
            std::int64_t divisor = 0;
            for (int c = 0; c <= shape_.last() && divisor != 1; ++c) divisor = std::gcd(divisor, std::int64_t(z[c]));
            for (int c = 0; c <= shape_.last() && divisor > 1; ++c) z[c] /= double(divisor);
        }
        shape_.error(g) = 0;
        return true;
    }

    /// The same where coordinates may be large: they are scaled to at most 1 first.
    PUISEUX_RARELY void join_scaled(const double* x, double va, double ea, double error_a, const double* y, double vb, double eb, double error_b,
                     Word* g) const {
        double top_a = 0, top_b = 0;
        for (int c = 0; c <= shape_.last(); ++c) top_a = std::max(top_a, std::abs(x[c])), top_b = std::max(top_b, std::abs(y[c]));
        const double sa = scale_of(top_a), sb = scale_of(top_b);  // powers of two: no rounding
        va *= sa, ea *= sa, error_a *= sa, vb *= sb, eb *= sb, error_b *= sb;
        const double total = va + vb;
        double of_a = 0.5, of_b = 0.5, shift = 1.0;
        if (total > 2 * (ea + eb)) {
            const double inverse = 1 / total;
            of_a = vb * inverse, of_b = va * inverse;
            shift = weight_shift(of_a, ea, of_b, eb, inverse);
        }
        double* z = shape_.x(g);
        double top = 0, apart = 0;
        for (int c = 0; c <= shape_.last(); ++c) {
            const double p = sa * x[c], q = sb * y[c], v = of_a * p + of_b * q;
            z[c] = v;
            top = std::max(top, std::abs(v)), apart = std::max(apart, std::abs(p - q));
        }
        const double scale = scale_of(top);
        for (int c = 0; c <= shape_.last(); ++c) z[c] *= scale;
        shape_.error(g) = std::max((blend_error(of_a, error_a, of_b, error_b, shift, apart) + 4 * UNIT_ROUNDOFF) * scale, UNIT_ROUNDOFF);
    }
};

}  // namespace puiseux::cells
