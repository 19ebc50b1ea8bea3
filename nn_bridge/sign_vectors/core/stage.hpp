// What happens to all vertices and edges between neurons: a stage's values come in, blocks begin and end.
// Source: edge subdivision, Berzins 2023.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "layout.hpp"

namespace puiseux::edges {

constexpr size_t AHEAD = 16;  // turns between asking for memory and using it

/// Gains, and how they are rounded; see `stage_entry.StageValues`.
struct Gains {
    Grid<const double> values;  // of the stage, without its bias
    Grid<const float> part;     // without columns where the base is all there is
    double most;
    const double* base;
    double gamma;
    const double* rounding;

    PUISEUX_INLINE bool sharp() const { return part.columns > 0; }

    /// What residuals weigh in value j at row i: single precision was summed up, so there is room for its rounding.
    template <bool Sharp>
    PUISEUX_INLINE double gain(size_t i, size_t j) const {
        if constexpr (Sharp)
            return base[j] + (double(part[i][j]) * (1 + 1e-4) + 1e-30) * most;
        else
            return base[j];
    }
    PUISEUX_INLINE double gain(size_t i, size_t j) const { return sharp() ? gain<true>(i, j) : gain<false>(i, j); }
};

/// Bit k: value k is positive.
PUISEUX_INLINE Word sign_word(const double* values, size_t count) {
    Word bits = 0;
    for (size_t k = 0; k < count; ++k) bits |= Word(values[k] > 0) << k;
    return bits;
}

/// What the next stage reads of units in these columns: their positive parts.
struct ReadUnits {
    PUISEUX_INLINE static void run(Grid<const double> rows, size_t column, Grid<double> inputs) {
        for (size_t i = 0; i < rows.rows; ++i) {
            const double* __restrict from = rows[i] + column;
            double* __restrict to = inputs[i];
            for (size_t j = 0; j < inputs.columns; ++j) to[j] = from[j] > 0 ? from[j] : 0.0;
        }
    }
};

/// 1 where the units in these columns are not negative.
struct ReadActive {
    PUISEUX_INLINE static void run(Grid<const double> rows, size_t column, Grid<float> active) {
        for (size_t i = 0; i < rows.rows; ++i) {
            const double* __restrict from = rows[i] + column;
            float* __restrict to = active[i];
            for (size_t j = 0; j < active.columns; ++j) to[j] = from[j] >= 0 ? 1.0f : 0.0f;
        }
    }
};

/// For each column of a new layout the mean change along an edge, and the mean of the larger residual at its ends.
///
/// `ends` has the first ends of the edges, then the second ends; the values in `gains` go with it.  `kept` has a row (new
/// place, old place, count) for the columns that stay.
inline void column_variation(const Vertices& vertices, Line<const std::int32_t> ends, Grid<const Number> kept,
                             const Gains& gains, const double* scaled, size_t column, Line<double> slope, Line<double> worst) {
    const size_t half = ends.size / 2;
    const double share = 1.0 / double(half);
    for (size_t q = 0; q < slope.size; ++q) slope[q] = worst[q] = 0;
    for (size_t i = 0; i < half; ++i) {
        const size_t a = size_t(ends[i]), b = size_t(ends[half + i]);
        const double *one = vertices.rows[a], *two = vertices.rows[b];
        const double residual = (one[0] > two[0] ? one[0] : two[0]) * share;
        for (size_t move = 0; move < kept.rows; ++move) {
            const size_t place = size_t(kept[move][0]), start = size_t(kept[move][1]);
            for (size_t q = 0; q < size_t(kept[move][2]); ++q) {
                slope[place + q] += std::abs(one[start + q] - two[start + q]) * share;
                worst[place + q] += residual / scaled[start + q];
            }
        }
        for (size_t j = 0; j < gains.values.columns; ++j) {
            slope[column + j] += std::abs(gains.values[i][j] - gains.values[half + i][j]) * share;
            const double first = gains.gain(i, j) * (one[0] + gains.gamma * double(vertices.size(a)));
            const double second = gains.gain(half + i, j) * (two[0] + gains.gamma * double(vertices.size(b)));
            worst[column + j] += ((first > second ? first : second) + gains.rounding[j]) * share;
        }
    }
}

/// Writes a stage's values into the vertex rows from `first` on, with new residuals, sizes and sign words.
///
/// `fade` is what an old residual weighs in the columns that stay.  A value within its bound is written to `doubts`
/// (vertex, neuron); returns the number of these, or -1 if a value is not finite.
struct SettleRows {
    template <bool Sharp>
    PUISEUX_INLINE static Number settle(const Vertices& vertices, size_t first, size_t count, const Gains& gains,
                                        const double* bias, const double* scaled, size_t column, double fade,
                                        const Doubts& doubts) {
        const size_t units = gains.values.columns, block = units < BLOCK ? units : BLOCK;
        const Number infinity = bits_of(std::numeric_limits<double>::infinity());
        const double *scale = scaled + column, *rounding = gains.rounding;
        Number found = 0;
        for (size_t i = 0; i < count; ++i) {
            const size_t v = first + i;
            const double residual = vertices.residual(v), own = gains.gamma * double(vertices.size(v));
            // the first bounds a sign, the second stays with the row
            const double amplified = residual * double(vertices.amplification(v)) + own, plain = residual + own;
            double* __restrict to = vertices.rows[v] + column;
            const double* __restrict from = gains.values[i];
            Number size = 0, error = 0, open = 0;
            for (size_t j = 0; j < units; ++j) {
                const double value = from[j] + bias[j], gain = gains.gain<Sharp>(i, j);
                to[j] = value;
                const Number own_size = bits_of(value * scale[j]);
                const Number own_error = bits_of((plain * gain + rounding[j]) * scale[j]);
                size = own_size > size ? own_size : size;
                error = own_error > error ? own_error : error;
                open += !(std::abs(value) > (amplified * gain + rounding[j]) * (1 + 64 * UNIT));
            }
            if (size >= infinity)
                for (size_t j = 0; j < units; ++j)
                    if (bits_of(from[j]) >= infinity) return -1;
            if (open)
                for (size_t j = 0; j < units; ++j) {
                    const double bound = (amplified * gains.gain<Sharp>(i, j) + rounding[j]) * (1 + 64 * UNIT);
                    if (std::abs(to[j]) > bound) continue;
                    doubts[size_t(found)][0] = Number(v), doubts[size_t(found)][1] = Number(j);
                    ++found;
                }
            for (size_t q = HEAD; q < column; ++q) {
                const Number kept = bits_of(vertices.rows[v][q] * scaled[q]);
                size = kept > size ? kept : size;
            }
            for (size_t q = column + units; q % LANES && q < vertices.rows.columns; ++q) vertices.rows[v][q] = 0;
            vertices.residual(v) = larger(residual * fade, float_of(error)) * (1 + 64 * UNIT);
            vertices.set(v, vertices.amplification(v), up32(float_of(size)));
            vertices.before(v) = vertices.now(v);
            vertices.now(v) = sign_word(to, block);
        }
        return found;
    }

    PUISEUX_INLINE static Number run(const Vertices& vertices, size_t first, size_t count, const Gains& gains,
                                     const double* bias, const double* scaled, size_t column, double fade,
                                     const Doubts& doubts) {
        return gains.sharp() ? settle<true>(vertices, first, count, gains, bias, scaled, column, fade, doubts)
                             : settle<false>(vertices, first, count, gains, bias, scaled, column, fade, doubts);
    }
};

/// Sign words of a stage's second or later block at all vertices.
///
/// A value within its bound is written to `doubts` (vertex, neuron of the block), except at the first `checked` vertices,
/// whose signs are known to be certain.  Returns the number of doubts (which may exceed the room for them).
struct LaterSigns {
    PUISEUX_INLINE static Number run(const Vertices& vertices, size_t count, size_t checked, size_t column, size_t units,
                                     const double* scaled, const Doubts& doubts) {
        size_t found = 0;
        for (size_t v = 0; v < count; ++v) {
            const double* values = vertices.rows[v] + column;
            vertices.before(v) = vertices.now(v);
            vertices.now(v) = sign_word(values, units);
            if (v < checked) continue;
            const double bound = vertices.residual(v) * double(vertices.amplification(v)) * (1 + 16 * UNIT);
            for (size_t k = 0; k < units; ++k) {
                if (std::abs(values[k]) * scaled[column + k] > bound) continue;
                if (found < doubts.rows) doubts[found][0] = Number(v), doubts[found][1] = Number(k);
                ++found;
            }
        }
        return Number(found);
    }
};

/// Adds the block before to the fingerprints of edges, and puts those that a neuron cuts into its bucket.
inline void begin_block(const Vertices& vertices, const Edges& edges, size_t count, const Word* table_before,
                        const Buckets& buckets, Block& block) {
    for (size_t k = 0; k < BLOCK; ++k) buckets.empty(k);
    // the bucket of the edges that none cuts has the first chunk
    buckets.head[BLOCK] = buckets.size[BLOCK] = 0, buckets.next[BLOCK] = 1;
    block.free = -1, block.fresh = 1;
    for (size_t i = 0; i < count; ++i) {
        const std::int32_t* soon = edges.ends(i + AHEAD < count ? i + AHEAD : count - 1);
        prefetch(&vertices.now(size_t(soon[0])));
        prefetch(&vertices.now(size_t(soon[1])));
        const size_t a = size_t(edges.ends(i)[0]), b = size_t(edges.ends(i)[1]);
        edges.base(i) += word_sum(table_before, vertices.before(a) | vertices.before(b));
        put(i, vertices.now(a) ^ vertices.now(b), buckets, block);
    }
}

/// Adds the block's signs to the fingerprints of vertices.
inline void end_block(const Vertices& vertices, size_t count, const Word* table) {
    for (size_t v = 0; v < count; ++v) vertices.fingerprint[v] += word_sum(table, vertices.now(v));
}

/// The sign word of a vertex whose values were decided exactly; the signs of `done` neurons stay.
inline Word renewed_sign_word(Word bits, Line<const double> values, size_t done) {
    bits &= done < BLOCK ? (Word(1) << done) - 1 : ~Word(0);
    for (size_t k = done; k < values.size; ++k) bits |= Word(values[k] > 0) << k;
    return bits;
}

}  // namespace puiseux::edges
