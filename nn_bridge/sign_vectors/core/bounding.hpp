// Bounds of the last stage on a group of cells, from what is known at their vertices.
//
// The mathematics is told in `nn_bridge.sign_vectors.pruning`.  Sums are taken in the order that is fastest: their rounding
// is bounded by the number of terms times the unit roundoff times the sum of magnitudes, whatever the order.
// Source: Higham 2002, section 4.2.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "four.hpp"
#include "layout.hpp"

namespace puiseux::edges {

/// Groups with larger numbers are left open; all sizes are at least FLOOR, so no coefficient is above 1e200 and nothing
/// overflows.  Underflow takes at most 2^-1074 an operation, times a size: in all much less than FLOOR.
constexpr double HUGE_SIZE = 1e100, FLOOR = 1e-100;

/// The stages still to come, reading the concatenation of what is known and of their own units.
struct Later {
    Line<const Number> known;    // the columns of a vertex row that they read
    Line<const bool> positive;   // and whether they read the positive part
    Line<const Number> offset;   // where the units of each stage begin in the concatenation
    Line<const double> bias;     // of all units, one stage after another
    Line<const Number> first_block;
    Grid<const Number> blocks;   // of stage s from first_block[s] on: place in the concatenation, size, place of the weights
    Line<const double> weights, plus, minus;  // of all blocks, row by row; their positive parts; their negative parts

    PUISEUX_INLINE size_t stages() const { return offset.size - 1; }
    PUISEUX_INLINE size_t width() const { return size_t(offset[stages()]); }
    PUISEUX_INLINE size_t units(size_t s) const { return size_t(offset[s + 1] - offset[s]); }
    PUISEUX_INLINE double bias_of(size_t s, size_t u) const { return bias[size_t(offset[s] - offset[0]) + u]; }
};

/// What is worked on for one group.
struct Group {
    size_t widest, stride, room, count = 0;
    std::vector<double> low, high;            // ranges of what is known and of units
    std::vector<double> read_low, read_high;  // of what is read of them
    std::vector<double> size;                 // sums of magnitudes
    std::vector<double> slack;                // how far each known number may be off
    std::vector<double> forms, constants, slope;  // linear forms, `stride` apart for each place: so all are worked on at once
    std::vector<double> values;               // known numbers at the vertices, `room` apart
    std::vector<double> below, above;         // of the last stage, at the vertices
    std::vector<size_t> open;                 // units of a stage whose sign is not known

    Group(const Later& later, size_t vertices) : widest(0), room(vertices) {
        const size_t width = later.width(), known = size_t(later.offset[0]);
        for (size_t s = 0; s < later.stages(); ++s) widest = std::max(widest, later.units(s));
        stride = 2 * widest;
        for (auto* v : {&low, &high, &read_low, &read_high, &size}) v->resize(width);
        slack.resize(known), values.resize(known * room), below.resize(room), above.resize(room);
        forms.resize(width * stride), constants.resize(stride), slope.resize(stride), open.resize(widest);
    }
};

/// Interval bounds of unit u of stage s, and the sum of all magnitudes.
PUISEUX_INLINE void range_of(const Later& later, const Group& group, size_t s, size_t u, double& low, double& high,
                             double& most) {
    double one = later.bias_of(s, u), two = one, sizes = std::abs(one);
    for (size_t block = size_t(later.first_block[s]); block < size_t(later.first_block[s + 1]); ++block) {
        const size_t source = size_t(later.blocks[block][0]), count = size_t(later.blocks[block][1]);
        const size_t w = size_t(later.blocks[block][2]) + u * count;
        const double *plus = later.plus.data + w, *minus = later.minus.data + w;
        const double *from = group.read_low.data() + source, *to = group.read_high.data() + source;
        const double* size = group.size.data() + source;
        size_t q = 0;
        Four ones{}, twos{}, all{};
        for (; q + 4 <= count; q += 4) {
            Four p, m, l, h, z;
            load(plus + q, p), load(minus + q, m), load(from + q, l), load(to + q, h), load(size + q, z);
            ones = ones + (p * l + m * h);
            twos = twos + (p * h + m * l);
            all = all + (p - m) * z;
        }
        for (int lane = 0; lane < 4; ++lane) one += ones[lane], two += twos[lane], sizes += all[lane];
        for (; q < count; ++q) {
            one += plus[q] * from[q] + minus[q] * to[q];
            two += plus[q] * to[q] + minus[q] * from[q];
            sizes += (plus[q] - minus[q]) * size[q];
        }
    }
    low = one, high = two, most = sizes;
}

/// Linear forms of what is known that are at most the first `count` open units of stage s, then such for their negatives.
PUISEUX_INLINE void lower_forms(const Later& later, Group& group, size_t s, size_t count) {
    const size_t lanes = 2 * count, stride = group.stride;
    double* forms = group.forms.data();
    double* __restrict constants = group.constants.data();
    double* __restrict slope = group.slope.data();
    std::fill(forms, forms + size_t(later.offset[s]) * stride, 0.0);
    for (size_t i = 0; i < count; ++i) {
        const size_t u = group.open[i];
        constants[i] = later.bias_of(s, u);
        constants[count + i] = -constants[i];
        for (size_t block = size_t(later.first_block[s]); block < size_t(later.first_block[s + 1]); ++block) {
            const size_t source = size_t(later.blocks[block][0]), size = size_t(later.blocks[block][1]);
            const double* weights = later.weights.data + size_t(later.blocks[block][2]) + u * size;
            for (size_t q = 0; q < size; ++q) {
                forms[(source + q) * stride + i] = weights[q];
                forms[(source + q) * stride + count + i] = -weights[q];
            }
        }
    }
    for (size_t k = s; k-- > 0;)
        for (size_t unit = 0; unit < later.units(k); ++unit) {
            const size_t j = size_t(later.offset[k]) + unit;
            const double low = group.low[j], high = group.high[j];
            if (high <= 0) continue;
            double rising = 1, falling = 1, lift = 0;
            if (low < 0) {
                rising = high > -low ? 1 : 0;
                falling = high / (high - low);
                lift = -falling * low;
            }
            const double bias = later.bias_of(k, unit);
            const double* __restrict own = forms + j * stride;
            for (size_t i = 0; i < lanes; ++i) {
                const double up = own[i] > 0 ? own[i] : 0, down = own[i] < 0 ? own[i] : 0;
                slope[i] = up * rising + down * falling;
                constants[i] += down * lift + slope[i] * bias;
            }
            for (size_t block = size_t(later.first_block[k]); block < size_t(later.first_block[k + 1]); ++block) {
                const size_t source = size_t(later.blocks[block][0]), size = size_t(later.blocks[block][1]);
                const double* weights = later.weights.data + size_t(later.blocks[block][2]) + unit * size;
                for (size_t q = 0; q < size; ++q) {
                    const double weight = weights[q];
                    double* __restrict to = forms + (source + q) * stride;
                    for (size_t i = 0; i < lanes; ++i) to[i] += slope[i] * weight;
                }
            }
        }
}

/// Writes form i at the group's vertices, less what slack can take away, to `result`; returns the least.
PUISEUX_INLINE double least(const Group& group, size_t known, size_t i, double* __restrict result) {
    const double* forms = group.forms.data() + i;
    double constant = group.constants[i];
    for (size_t k = 0; k < known; ++k) constant -= std::abs(forms[k * group.stride]) * group.slack[k];
    for (size_t m = 0; m < group.count; ++m) result[m] = constant;
    for (size_t k = 0; k < known; ++k) {
        const double factor = forms[k * group.stride];
        const double* __restrict values = group.values.data() + k * group.room;
        for (size_t m = 0; m < group.count; ++m) result[m] += factor * values[m];
    }
    double smallest = std::numeric_limits<double>::infinity();
    for (size_t m = 0; m < group.count; ++m) smallest = result[m] < smallest ? result[m] : smallest;
    return smallest;
}

/// Lower and upper bounds of the last stage at the vertices of a group; false where numbers are too large.
PUISEUX_INLINE bool bound_group(const Later& later, Group& group) {
    const size_t known = size_t(later.offset[0]), stages = later.stages();
    size_t terms = 0;
    for (size_t s = 0; s < stages; ++s) {
        for (size_t block = size_t(later.first_block[s]); block < size_t(later.first_block[s + 1]); ++block)
            terms += size_t(later.blocks[block][1]);
        terms += 16;
        const double relative = 4 * double(terms) * UNIT;
        const size_t first = size_t(later.offset[s]), end = size_t(later.offset[s + 1]);
        size_t count = 0;
        for (size_t j = first; j < end; ++j) {
            double one, two, most;
            range_of(later, group, s, j - first, one, two, most);
            if (!(most < HUGE_SIZE)) return false;
            const double rounding = relative * most + FLOOR;
            group.low[j] = one - rounding;
            group.high[j] = two + rounding;
            group.size[j] = most * (1 + relative) + FLOOR;
            if (s + 1 == stages || (group.low[j] < 0 && group.high[j] > 0)) group.open[count++] = j - first;
        }
        lower_forms(later, group, s, count);
        for (size_t i = 0; i < count; ++i) {
            const size_t j = first + group.open[i];
            const double rounding = relative * group.size[j] + FLOOR;
            group.low[j] = std::max(group.low[j], least(group, known, i, group.below.data()) - rounding);
            group.high[j] = std::min(group.high[j], rounding - least(group, known, i + count, group.above.data()));
            if (s + 1 == stages)
                for (size_t m = 0; m < group.count; ++m) {
                    group.below[m] -= rounding;
                    group.above[m] = rounding - group.above[m];
                }
        }
        for (size_t j = first; j < end; ++j) {
            group.read_low[j] = std::max(group.low[j], 0.0);
            group.read_high[j] = std::max(group.high[j], 0.0);
        }
    }
    return true;
}

}  // namespace puiseux::edges
