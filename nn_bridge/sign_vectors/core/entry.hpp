// A stage comes in: its values at all vertices, bounds of their errors, the signs that these prove, and new scales.
//
// The mathematics is told in `nn_bridge.sign_vectors.stage_entry`.  Sums leave out what is inactive: an inactive unit is
// exactly zero around the vertex, since its sign is proven.  That halves the work, and the bounds hold for any order.
// Source: Higham 2002, section 3.1.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "four.hpp"
#include "stage.hpp"

namespace puiseux::edges {

constexpr size_t SAMPLE = 64;  // edges that tell the scales; fewer than twice as many
constexpr size_t FEW = 2;      // up to so many units are summed up along what they read, more side by side
constexpr size_t NARROW = 32;  // of so many inputs even the inactive ones are summed up: lists would cost more
constexpr double SMALLEST_SCALE = 1e-260;
constexpr double LEAST = 1e-250;  // more than underflow can do to numbers that started within the range of the weights
constexpr double SUMMED = 1 + 1e-9;  // room for the rounding of a sum of numbers that are not negative

/// The stage that comes in, and what becomes of the columns of rows.
struct Stage {
    Grid<const Number> reads;    // of each source: the first column, the number of columns, whether positive parts are read
    Grid<const double> weights;  // a row for each column that is read, a number for each unit; the rest of the row is zero
    Line<const double> bias;
    Grid<const Number> kept;     // columns that stay: new place, old place, number
    size_t column;               // where the values go
    bool sharp;                  // whether bounds leave out inactive units as well: half as large, for twice the work

    PUISEUX_INLINE size_t units() const { return bias.size; }
};

/// What is less is not read of a source: negative numbers of units.
PUISEUX_INLINE double lowest(const Stage& stage, size_t source) {
    return stage.reads[source][2] ? 0 : -std::numeric_limits<double>::infinity();
}

/// A column that is read, and where the row of its weights begins.
struct Read {
    std::int32_t column, place;
};

/// What is active at each row of a tile, and how much of it.
struct Active {
    std::vector<Read> reads;  // `inputs` for each row
    size_t inputs, count[TILE];
};

/// Where the numbers that are read are off by e times their scale, value j is off by e times its gain, which is base[j] and
/// in a sharp stage the sum of gains[.][j] over what is active.  Its rounding is at most gamma times (size times gain, and
/// bias).
struct Entry {
    const Stage& stage;
    size_t width;  // of rows of values: units, up to a multiple of LANES
    double gamma;
    std::vector<double> base, rounding, gains;
    std::vector<double> along;         // the weights of each unit one after another, where these are few
    std::vector<double> values, part;  // at the rows of a tile; part of a sharp stage alone
    std::vector<double> read;          // of a narrow stage: all that is read at the rows of a tile
    Active active;

    Entry(const Stage& s, const double* scaled) : stage(s), width(s.weights.columns) {
        const size_t inputs = s.weights.rows, units = s.units();
        gamma = double(inputs + 16) * UNIT;
        base.assign(width, LEAST), values.resize(TILE * width);
        active.inputs = inputs, active.reads.resize(TILE * inputs);
        read.resize(inputs <= NARROW ? TILE * inputs : 0);
        for (size_t u = 0; u < units; ++u) rounding.push_back(gamma * std::abs(s.bias[u]));
        if (s.sharp) gains.resize(inputs * width), part.resize(TILE * width);
        size_t row = 0;
        for (size_t source = 0; source < s.reads.rows; ++source) {
            const size_t first = size_t(s.reads[source][0]), count = size_t(s.reads[source][1]);
            const bool apart = s.sharp && s.reads[source][2];
            for (size_t q = 0; q < count; ++q, ++row) {
                double* to = apart ? gains.data() + row * width : base.data();
                for (size_t u = 0; u < units; ++u) to[u] += std::abs(s.weights[row][u]) / scaled[first + q] * SUMMED;
            }
        }
        if (units <= FEW)
            for (size_t u = 0; u < units; ++u)
                for (size_t q = 0; q < inputs; ++q) along.push_back(s.weights[q][u]);
    }

    /// Whether no gain, or sum of gains, is infinite.
    bool bounded() const {
        std::vector<double> total = base;
        for (size_t q = 0; q < gains.size(); ++q) total[q % width] += gains[q];
        return std::all_of(total.begin(), total.end(), [](double gain) { return std::isfinite(gain); });
    }

    template <bool Sharp>
    PUISEUX_INLINE double gain(const double* own, size_t j) const {
        if constexpr (Sharp)
            return base[j] + own[j] * SUMMED;
        else
            return base[j];
    }
};

/// Sums of `Fours` times LANES columns: of the weights of what is active, times its numbers (or times one).
template <size_t Fours, bool Times>
PUISEUX_INLINE void sum_panel(const double* row, const Read* list, size_t count, const double* weights, double* to) {
    Four sums[Fours];
    for (size_t f = 0; f < Fours; ++f) spread(0, sums[f]);
    for (size_t q = 0; q < count; ++q) {
        const double* from = weights + list[q].place;
        Four times;
        if constexpr (Times) spread(row[list[q].column], times);
        for (size_t f = 0; f < Fours; ++f) {
            Four own;
            load(from + LANES * f, own);
            if constexpr (Times)
                sums[f] = sums[f] + own * times;
            else
                sums[f] = sums[f] + own;
        }
    }
    for (size_t f = 0; f < Fours; ++f) store(to + LANES * f, sums[f]);
}

/// The sums of all columns for each row of a tile; few columns at a time, so that their weights stay near.
template <size_t Fours, bool Times>
PUISEUX_INLINE void sum_panels(const Entry& entry, const double* const* rows, size_t n, const double* weights, double* to, size_t& u) {
    const Active& active = entry.active;
    for (; u + Fours * LANES <= entry.width; u += Fours * LANES)
        for (size_t i = 0; i < n; ++i)
            sum_panel<Fours, Times>(rows[i], active.reads.data() + i * active.inputs, active.count[i], weights + u,
                                    to + i * entry.width + u);
}

/// The same for two rows at once, and all that is read: `inputs` numbers for each row, of which inactive ones are zero.
template <size_t Fours>
PUISEUX_INLINE void sum_pairs(const double* read, size_t inputs, size_t n, const double* weights, size_t width, double* to, size_t& u) {
    for (; u + Fours * LANES <= width; u += Fours * LANES)
        for (size_t i = 0; i < n; i += 2) {
            const double *one = read + i * inputs, *two = one + inputs;
            Four ones[Fours], twos[Fours];
            for (size_t f = 0; f < Fours; ++f) spread(0, ones[f]), spread(0, twos[f]);
            for (size_t q = 0; q < inputs; ++q) {
                Four first, second;
                spread(one[q], first), spread(two[q], second);
                for (size_t f = 0; f < Fours; ++f) {
                    Four weight;
                    load(weights + q * width + u + LANES * f, weight);
                    ones[f] = ones[f] + weight * first;
                    twos[f] = twos[f] + weight * second;
                }
            }
            for (size_t f = 0; f < Fours; ++f) {
                store(to + i * width + u + LANES * f, ones[f]);
                store(to + (i + 1) * width + u + LANES * f, twos[f]);
            }
        }
}

/// What of a row is read, with zeros for inactive units.
PUISEUX_INLINE void read_row(const Stage& stage, const double* row, double* to) {
    for (size_t source = 0; source < stage.reads.rows; ++source) {
        const double* from = row + stage.reads[source][0];
        const size_t count = size_t(stage.reads[source][1]);
        const double low = lowest(stage, source);
        for (size_t q = 0; q < count; ++q) *to++ = from[q] > low ? from[q] : low;
    }
}

template <bool Times>
PUISEUX_INLINE void sum_tile(const Entry& entry, const double* const* rows, size_t n, const double* weights, double* to) {
    size_t u = 0;
    sum_panels<8, Times>(entry, rows, n, weights, to, u);
    sum_panels<4, Times>(entry, rows, n, weights, to, u);
    sum_panels<1, Times>(entry, rows, n, weights, to, u);
}

/// The value of one unit: four sums side by side, then the rest.
PUISEUX_INLINE double sum_along(const Stage& stage, const double* row, const double* weights) {
    double total = 0;
    for (size_t source = 0; source < stage.reads.rows; ++source) {
        const double* from = row + stage.reads[source][0];
        const size_t count = size_t(stage.reads[source][1]);
        const double low = lowest(stage, source);
        Four lows, sums{};
        spread(low, lows);
        size_t q = 0;
        for (; q + LANES <= count; q += LANES) {
            Four own, weight;
            load(from + q, own), load(weights + q, weight);
            lift(own, lows);
            sums = sums + own * weight;
        }
        for (size_t lane = 0; lane < LANES; ++lane) total += sums[int(lane)];
        for (; q < count; ++q) total += (from[q] > low ? from[q] : low) * weights[q];
        weights += count;
    }
    return total;
}

/// Lists what of a row is read: all inputs of the network, and the units that are not negative.
PUISEUX_INLINE size_t list_active(const Stage& stage, const double* row, Read* list) {
    const std::int32_t width = std::int32_t(stage.weights.columns);
    std::int32_t at = 0;
    Read* next = list;
    for (size_t source = 0; source < stage.reads.rows; ++source) {
        std::int32_t column = std::int32_t(stage.reads[source][0]);
        const std::int32_t end = column + std::int32_t(stage.reads[source][1]);
        const bool all = !stage.reads[source][2];
        while (column < end) {
            const std::int32_t count = std::min(end - column, std::int32_t(BLOCK));
            Word word = 0;
            for (std::int32_t q = 0; q < count; ++q) word |= all | (row[column + q] >= 0) ? BITS.word[q] : 0;
            for (; word; word &= word - 1) {
                const std::int32_t q = std::int32_t(std::countr_zero(word));
                *next++ = {column + q, at + q * width};
            }
            column += count, at += count * width;
        }
    }
    return size_t(next - list);
}

/// The values of the stage at the rows of a tile, without its bias, and the gains of what is active.
PUISEUX_INLINE void evaluate(Entry& entry, const double* const* rows, size_t n) {
    const Stage& stage = entry.stage;
    const size_t units = stage.units(), inputs = stage.weights.rows;
    const bool few = units <= FEW;
    if (few)
        for (size_t i = 0; i < n; ++i)
            for (size_t u = 0; u < units; ++u)
                entry.values[i * entry.width + u] = sum_along(stage, rows[i], entry.along.data() + u * inputs);
    if (few && !stage.sharp) return;
    if (!stage.sharp && inputs <= NARROW) {
        for (size_t i = 0; i < n; ++i) read_row(stage, rows[i], entry.read.data() + i * inputs);
        size_t u = 0;
        sum_pairs<4>(entry.read.data(), inputs, n, stage.weights.data, entry.width, entry.values.data(), u);
        sum_pairs<1>(entry.read.data(), inputs, n, stage.weights.data, entry.width, entry.values.data(), u);
        return;
    }
    for (size_t i = 0; i < n; ++i)
        entry.active.count[i] = list_active(stage, rows[i], entry.active.reads.data() + i * inputs);
    if (!few) sum_tile<true>(entry, rows, n, stage.weights.data, entry.values.data());
    if (stage.sharp) sum_tile<false>(entry, rows, n, entry.gains.data(), entry.part.data());
}

/// 1 / scale of each column of the new layout, in proportion to how much columns vary along edges; false where one is out of
/// range.
///
/// Any positive scales are right; these keep the amplification of residuals near the cosecant of an angle.
template <bool Sharp>
PUISEUX_INLINE bool find_scales(Entry& entry, const Vertices& vertices, const Edges& edges, size_t count, const double* scaled,
                                double* result) {
    const Stage& stage = entry.stage;
    const size_t units = stage.units(), columns = stage.column + units, step = std::max<size_t>(1, count / SAMPLE);
    const size_t sample = (count + step - 1) / step;
    const double share = 1 / double(sample);
    std::vector<double> slope(columns), worst(columns), ratios;
    double *values = entry.values.data(), *others = values + entry.width;
    double *part = entry.part.data(), *other_part = part + entry.width;
    for (size_t i = 0; i < count; i += step) {
        const size_t a = size_t(edges.ends(i)[0]), b = size_t(edges.ends(i)[1]);
        const double *one = vertices.rows[a], *two = vertices.rows[b];
        const double* both[] = {one, two};
        evaluate(entry, both, 2);
        const double residual = (one[0] > two[0] ? one[0] : two[0]) * share;
        for (size_t move = 0; move < stage.kept.rows; ++move) {
            const size_t place = size_t(stage.kept[move][0]), start = size_t(stage.kept[move][1]);
            for (size_t q = 0; q < size_t(stage.kept[move][2]); ++q) {
                slope[place + q] += std::abs(one[start + q] - two[start + q]) * share;
                worst[place + q] += residual / scaled[start + q];
            }
        }
        for (size_t j = 0; j < units; ++j) {
            slope[stage.column + j] += std::abs(values[j] - others[j]) * share;
            const double first = entry.gain<Sharp>(part, j) * (one[0] + entry.gamma * double(vertices.size(a)));
            const double second = entry.gain<Sharp>(other_part, j) * (two[0] + entry.gamma * double(vertices.size(b)));
            worst[stage.column + j] += ((first > second ? first : second) + entry.rounding[j]) * share;
        }
    }
    for (size_t q = HEAD; q < columns; ++q) {
        if (!std::isfinite(slope[q]) || !std::isfinite(worst[q])) return false;
        worst[q] = std::max(worst[q], LEAST);
        if (slope[q] > 0) ratios.push_back(worst[q] / slope[q]);
    }
    double unit = 1;
    if (!ratios.empty()) {
        const auto middle = ratios.begin() + std::ptrdiff_t(ratios.size() / 2);
        std::nth_element(ratios.begin(), middle, ratios.end());
        unit = *middle;
    }
    if (!std::isfinite(unit)) return false;
    for (size_t q = HEAD; q < columns; ++q) {
        result[q] = 1 / std::max(slope[q] * unit, worst[q]);
        // beyond this range errors would leave the range of floats, or become nothing
        if (!(result[q] > SMALLEST_SCALE && result[q] < 1 / SMALLEST_SCALE)) return false;
    }
    return true;
}

/// Writes the columns that stay to their new places, by way of `spare`.
PUISEUX_INLINE void move_columns(const Stage& stage, double* row, std::vector<double>& spare) {
    std::copy(row, row + spare.size(), spare.begin());
    for (size_t move = 0; move < stage.kept.rows; ++move) {
        const auto from = spare.begin() + stage.kept[move][1];
        std::copy(from, from + stage.kept[move][2], row + stage.kept[move][0]);
    }
}

/// Rewrites the first `count` vertex rows in the layout of a stage, with new residuals, sizes and sign words, and its scales.
///
/// `scaled` are the scales of the old layout, `result` (zeros at first) takes the new ones.  A value within its bound is
/// written to `doubts` (vertex, neuron) while there is room; returns their number, or -1 where numbers leave the range of
/// floats.
struct EnterStage {
    template <bool Sharp>
    PUISEUX_INLINE static Number enter(const Vertices& vertices, size_t count, const Edges& edges, size_t edge_count,
                                       const Stage& stage, const double* scaled, double* result, const Doubts& doubts) {
        Entry entry(stage, scaled);
        if (!entry.bounded() || !find_scales<Sharp>(entry, vertices, edges, edge_count, scaled, result)) return -1;
        double fade = 0;  // what a residual of an old row weighs in the columns that stay
        size_t old = 0;
        bool moves = false;
        for (size_t move = 0; move < stage.kept.rows; ++move) {
            const size_t place = size_t(stage.kept[move][0]), start = size_t(stage.kept[move][1]), n = size_t(stage.kept[move][2]);
            for (size_t q = 0; q < n; ++q) fade = std::max(fade, result[place + q] / scaled[start + q]);
            old = std::max(old, start + n), moves = moves || place != start;
        }
        std::vector<double> spare(moves ? old : 0);
        const size_t column = stage.column, units = stage.units(), block = units < BLOCK ? units : BLOCK;
        const Number infinity = bits_of(std::numeric_limits<double>::infinity());
        const double *scale = result + column, *rounding = entry.rounding.data();
        size_t found = 0;
        const double* rows[TILE];
        for (size_t v = 0; v < count; ++v) {
            double* row = vertices.rows[v];
            const size_t i = v % TILE;
            if (!i) {
                const size_t n = std::min(TILE, count - v);
                for (size_t r = 0; r < n; ++r) rows[r] = vertices.rows[v + r];
                evaluate(entry, rows, n);
            }
            const double *values = entry.values.data() + i * entry.width, *part = entry.part.data() + i * entry.width;
            if (moves) move_columns(stage, row, spare);
            const double residual = row[0], own = entry.gamma * double(vertices.size(v));
            // the first bounds a sign, the second stays with the row
            const double amplified = residual * double(vertices.amplification(v)) + own, plain = residual + own;
            double* __restrict to = row + column;
            Number size = 0, error = 0, open = 0;
            for (size_t j = 0; j < units; ++j) {
                const double value = values[j] + stage.bias[j], gain = entry.gain<Sharp>(part, j);
                to[j] = value;
                const Number own_size = bits_of(value * scale[j]);
                const Number own_error = bits_of((plain * gain + rounding[j]) * scale[j]);
                size = own_size > size ? own_size : size;
                error = own_error > error ? own_error : error;
                open += !(std::abs(value) > (amplified * gain + rounding[j]) * (1 + 64 * UNIT));
            }
            if (size >= infinity)
                for (size_t j = 0; j < units; ++j)
                    if (bits_of(values[j]) >= infinity) return -1;
            if (open)
                for (size_t j = 0; j < units; ++j) {
                    const double bound = (amplified * entry.gain<Sharp>(part, j) + rounding[j]) * (1 + 64 * UNIT);
                    if (std::abs(to[j]) > bound) continue;
                    if (found < doubts.rows) doubts[found][0] = Number(v), doubts[found][1] = Number(j);
                    ++found;
                }
            for (size_t q = HEAD; q < column; ++q) {
                const Number kept = bits_of(row[q] * result[q]);
                size = kept > size ? kept : size;
            }
            for (size_t q = column + units; q % LANES && q < vertices.rows.columns; ++q) row[q] = 0;
            row[0] = larger(residual * fade, float_of(error)) * (1 + 64 * UNIT);
            vertices.set(v, vertices.amplification(v), up32(float_of(size)));
            vertices.before(v) = vertices.now(v);
            vertices.now(v) = sign_word(to, block);
        }
        return Number(found);
    }

    PUISEUX_INLINE static Number run(const Vertices& vertices, size_t count, const Edges& edges, size_t edge_count,
                                     const Stage& stage, const double* scaled, double* result, const Doubts& doubts) {
        return stage.sharp ? enter<true>(vertices, count, edges, edge_count, stage, scaled, result, doubts)
                           : enter<false>(vertices, count, edges, edge_count, stage, scaled, result, doubts);
    }
};

}  // namespace puiseux::edges
