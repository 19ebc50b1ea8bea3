// The arithmetic of ranges.hpp, where the lemma about their rounding is.
#include "ranges.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace puiseux::cells {

namespace {

/// The lanes of some bits.
PUISEUX_INLINE Mask lanes(const Word* bits, int j) {
    const auto four = std::int64_t(bits[j >> 6] >> (j & 63));
    return Mask{-(four & 1), -(four >> 1 & 1), -(four >> 2 & 1), -(four >> 3 & 1)};
}
/// Whether some lanes are to be filled: all of them, or those with one of the given units.
PUISEUX_INLINE bool in_use(const Word* some, int j) { return !some || (some[j >> 6] >> (j & 63) & 15) != 0; }

/// Store bounds as a middle and a radius.
PUISEUX_INLINE void store_between(double* middle, double* radius, const Vec& low, const Vec& high) {
    const Vec half = (low + high) * all(0.5);
    store(middle, half), store(radius, (high - low) * all(0.5 * UP) + absolute(half) * all(4 * UNIT_ROUNDOFF));
}

}  // namespace

// ------------------------------------------------------------------------------------- loops over units side by side

/// N: the number of coordinates beside w, or DYNAMIC.
template <int N>
struct Ranges::Values {
    PUISEUX_INLINE static void run(const FormTable& forms, const AnyShape& shape, Word* g, bool whole_numbers, bool signs, const Word* some, double* middle, double* radius) {
        const int last = N != DYNAMIC ? N : forms.last, padded = forms.padded;
        const double *x = shape.x(g), e = shape.error(g);
        double norm = 0;
        for (int c = 0; c <= last; ++c) norm += std::abs(x[c]);
        const Vec none = all(0.0), spread = all(norm + (last + 1) * e), share = all(products(last + 3)), off = all(e);
        const bool whole = whole_numbers && e == 0;
        for (int j = 0; j < padded; j += LANES) {
            if (!in_use(some, j)) continue;
            const double* row = forms.row(last) + j;
            Vec v = load(row) * all(x[last]), terms = absolute(v);
            row = forms.data + j;
            for (int c = 0; c < last; ++c, row += padded) {
                const Vec product = load(row) * all(x[c]);
                v += product, terms += absolute(product);
            }
            // as FormTable::tight_bound, with two roundings more
            const Vec f = load(forms.row(last + 3) + j), size = load(forms.row(last + 1) + j);
            Vec doubt = (share * terms + f * spread + size * off) * all(UP) + all(UNDERFLOW_SLACK);
            if (whole) doubt = chosen((f == none) & (terms < all(WHOLE)), none, doubt);
            if (!signs) {
                store(middle + j, v), store(radius + j, doubt);
                continue;
            }
            const Mask positive = lanes(shape.positive(g), j), negative = lanes(shape.negative(g), j);
            const Vec low = v - doubt, high = v + doubt;
            store_between(middle + j, radius + j, chosen(positive & ~(low > none), none, chosen(positive | negative, low, none)),
                          chosen(negative & (high > none), none, chosen(positive | negative, high, none)));
        }
    }
};

struct Ranges::Rectify {
    PUISEUX_INLINE static void run(RangesOfStage& b, int count, const Word* some) {
        const Vec none = all(0.0);
        double *const middles = b.middle.data(), *const radii = b.radius.data();
        const size_t padded = size_t(b.padded), end = padded * size_t(count);
        for (size_t j = 0; j < padded; j += LANES) {
            if (!in_use(some, int(j))) continue;
            Vec total = none;
            for (size_t at = j; at < end; at += padded) total += load(middles + at);
            const Mask follow = total > none;  // z itself is the better lower bound, by and large; else 0
            for (size_t at = j; at < end; at += padded) {
                const Vec middle = load(middles + at), radius = load(radii + at);
                const Vec wide = radius + (absolute(middle) + radius) * all(4 * UNIT_ROUNDOFF);
                const Vec low = middle - wide, high = middle + wide;
                const Mask zero = (middle == none) & (radius == none);
                store_between(middles + at, radii + at, chosen(follow & ~zero, low, none), chosen((high <= none) | zero, none, high));
            }
        }
    }
};

struct Ranges::Sum {
    PUISEUX_INLINE static void run(std::span<const Term> terms, int padded, double* middle, double* radius) {
        for (int j = 0; j < padded; j += LANES) {
            Vec m = load(middle + j), r = load(radius + j) + absolute(m) * all(products(int(terms.size()) + 8));
            for (const Term& term : terms) {
                const Vec w = load(term.weights + j);
                m += w * all(term.middle), r += absolute(w) * all(term.radius);
            }
            store(middle + j, m), store(radius + j, r * all(UP));
        }
    }
};

/// Widens bounds that are to be terms of a sum by what the sum may lose; what is exactly zero adds nothing.
struct Ranges::Widen {
    PUISEUX_INLINE static void run(const double* middle, double* radius, double lost, int padded) {
        const Vec none = all(0.0), share = all(lost);
        for (int i = 0; i < padded; i += LANES) {
            const Vec x = load(middle + i), e = load(radius + i);
            store(radius + i, chosen((x == none) & (e == none), none, e + (share * (absolute(x) + e) + all(SMALLEST))));
        }
    }
};

/// Adds weights times bounds, for all units of a stage side by side; what is there counts as one term.
struct Ranges::Along {
    PUISEUX_INLINE static void run(const Weights& block, const double* from, const double* wide, double lost, double* middle, double* radius) {
        int j = 0;
        for (; j + 4 * LANES <= block.padded; j += 4 * LANES) lanes_at<4>(block, j, from, wide, lost, middle, radius);
        for (; j < block.padded; j += LANES) lanes_at<1>(block, j, from, wide, lost, middle, radius);
    }
    template <int K>
    PUISEUX_INLINE static void lanes_at(const Weights& block, int j, const double* from, const double* wide, double lost, double* middle, double* radius) {
        Vec m[K], r[K];
        for (int k = 0; k < K; ++k) m[k] = load(middle + j + k * LANES), r[k] = load(radius + j + k * LANES) + absolute(m[k]) * all(lost);
        const double* weights = block.data.data() + j;
        for (int i = 0; i < block.inputs; ++i, weights += block.padded) {
            const Vec x = all(from[i]), e = all(wide[i]);
            for (int k = 0; k < K; ++k) {
                const Vec w = load(weights + k * LANES);
                m[k] += w * x, r[k] += absolute(w) * e;
            }
        }
        for (int k = 0; k < K; ++k) store(middle + j + k * LANES, m[k]), store(radius + j + k * LANES, r[k] * all(UP));
    }
};

/// The same unit by unit, with four terms side by side: for stages of few units.
struct Ranges::Across {
    PUISEUX_INLINE static void run(const std::vector<double>& weights, int units, int padded, const double* from, const double* wide, double lost,
                                   double* middle, double* radius) {
        const double* row = weights.data();
        for (int j = 0; j < units; ++j, row += padded) {
            Vec m = all(0.0), r = m;
            for (int i = 0; i < padded; i += LANES) {
                const Vec w = load(row + i);
                m += w * load(from + i), r += absolute(w) * load(wide + i);
            }
            radius[j] = (radius[j] + std::abs(middle[j]) * lost + ((r[0] + r[1]) + (r[2] + r[3]))) * UP;
            middle[j] += (m[0] + m[1]) + (m[2] + m[3]);
        }
    }
};

// ------------------------------------------------------------------------------------------------ the bounds of a cell

Ranges::Ranges(const Problem& problem, const AnyShape& shape) : problem_(problem), shape_(shape), last_(problem.last_stage()), stages_(problem.stages.size()) {
    const Stage& net = problem.stages[size_t(last_)];
    if (net.units > FEW_UNITS) return;
    for (const Weights& block : net.blocks) {
        const int padded = padded_to_lanes(block.inputs);
        std::vector<double>& own = across_.emplace_back(size_t(net.units) * size_t(padded));
        for (int i = 0; i < block.inputs; ++i)
            for (int j = 0; j < net.units; ++j) own[size_t(j) * size_t(padded) + size_t(i)] = block.row(i)[j];
    }
}

void Ranges::begin(Cell cell, int stage, const FormTable& forms, bool signs, const Word* some) {
    RangesOfStage& b = stages_[size_t(stage)];
    b.resize(forms.padded, cell.count);
    auto fill = [&]<int N>() {
        for (int t = 0; t < cell.count; ++t) dispatch<Values<N>>(forms, shape_, cell[t], problem_.whole, signs, some, b.middle_at(t), b.radius_at(t));
    };
    switch (forms.last) {
        case 2: return fill.template operator()<2>();
        case 3: return fill.template operator()<3>();
        case 4: return fill.template operator()<4>();
        default: return fill.template operator()<DYNAMIC>();
    }
}

void Ranges::rectify(int stage, int count, const Word* some) { dispatch<Rectify>(stages_[size_t(stage)], count, some); }

void Ranges::add_open(int stage, int count, const Word* open) {
    const Stage& net = problem_.stages[size_t(stage) + 1];
    const Weights* block = nullptr;
    for (const Weights& w : net.blocks)
        if (w.source == stage) block = &w;
    if (!block) return;
    int units = 0;
    each_member(open, words_for(block->inputs), [&](int) { ++units; });
    if (!units) return;
    RangesOfStage &b = stages_[size_t(stage) + 1], &from = stages_[size_t(stage)];
    const double lost = 3 * products(units + 8);
    if (terms_.size() < size_t(units)) terms_.resize(size_t(units));
    for (int t = 0; t < count; ++t) {
        Term* to = terms_.data();
        const double *middle = from.middle_at(t), *radius = from.radius_at(t);
        each_member(open, words_for(block->inputs), [&](int i) {
            *to = {block->row(i), middle[i], radius[i]};
            to += !(middle[i] == 0 && radius[i] == 0);
        });
        add({terms_.data(), to}, lost, net.padded, b.middle_at(t), b.radius_at(t));
    }
}

void Ranges::weigh(Cell cell, int first, int stage, const std::vector<FormTable>& forms, const std::vector<const Word*>& active) {
    const Stage& net = problem_.stages[size_t(stage)];
    RangesOfStage& b = stages_[size_t(stage)];
    b.resize(net.padded, cell.count);
    const bool across = stage == last_ && !across_.empty();
    int later = 0;  // terms that are read from bounds
    size_t most = size_t(problem_.dim) + 1;
    for (const Weights& block : net.blocks) {
        if (block.source >= first) later += padded_to_lanes(block.inputs);
        else most += size_t(block.inputs);
    }
    if (terms_.size() < most) terms_.resize(most);
    for (int t = 0; t < cell.count; ++t) {
        Word* g = cell[t];
        const double *x = shape_.x(g), e = shape_.error(g), w = x[shape_.last()];
        Term* to = terms_.data();
        double norm = std::abs(w);
        if (w != 0) *to++ = {net.bias.data(), w, e};
        for (int c = 0; c < problem_.dim; ++c) {
            norm += std::abs(x[c]);
            if (x[c] != 0 || e != 0) *to++ = {&net.direct[size_t(c) * size_t(net.padded)], x[c], e};
        }
        for (const Weights& block : net.blocks) {
            if (block.source >= first) continue;
            // units that are done: affine on the cell
            const FormTable& done = forms[size_t(block.source)];
            each_member(active[size_t(block.source)], words_for(block.inputs), [&](int i) {
                const double doubt = done.error(i) < UNKNOWN ? done.tight_bound(i, x, e) : UNKNOWN;
                *to++ = {block.row(i), done.value(i, x), doubt};
            });
        }
        const std::span<Term> terms{terms_.data(), to};
        const double lost = 3 * products(int(terms.size()) + later + 8);
        const double off = (norm + (problem_.dim + 1) * e) * UP;
        double *const middle = b.middle_at(t), *const radius = b.radius_at(t);
        for (int j = 0; j < net.padded; ++j) middle[j] = 0, radius[j] = terms.empty() ? 0.0 : net.error[size_t(j)] * off;
        add(terms, lost, net.padded, middle, radius);
        for (size_t k = 0; k < net.blocks.size(); ++k) {
            const Weights& block = net.blocks[k];
            if (block.source < first) continue;
            RangesOfStage& from = stages_[size_t(block.source)];
            dispatch<Widen>(from.middle_at(t), from.radius_at(t), lost, from.padded);
            if (across) dispatch<Across>(across_[k], net.units, from.padded, from.middle_at(t), from.radius_at(t), lost, middle, radius);
            else dispatch<Along>(block, from.middle_at(t), from.radius_at(t), lost, middle, radius);
        }
    }
}

/// Adds terms, for all units side by side, each with a radius that makes up for the sum.
void Ranges::add(std::span<Term> terms, double lost, int padded, double* middle, double* radius) {
    if (terms.empty()) return;
    for (Term& term : terms) term.radius += lost * (std::abs(term.middle) + term.radius) + SMALLEST;
    dispatch<Sum>(terms, padded, middle, radius);
}

}  // namespace puiseux::cells
