// The vertex in which a neuron cuts an edge: its row by interpolation, the bound on its error, the signs this proves.
//
// The argument for the bounds is in `nn_bridge.sign_vectors.subdivide`.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "layout.hpp"

namespace puiseux::edges {

/// All that the cuts of one neuron read and write; D is the dimension, or 0 where it is known only at run time.
template <size_t D>
struct Cutting {
    Vertices vertices;
    Edges edges;
    Buckets buckets;
    Workspace work;
    Names names;
    const Word* table;  // of `word_sum`, for the block
    const double* scaled;
    const double* functional;
    double height_scale;
    Doubts doubts;
    // the neuron, as index in the block and as number; the first column of the block's values, and the end of all columns
    size_t dimension, k, neuron, column, columns, units, block_first, first;
    Word zero_word;

    PUISEUX_INLINE size_t d() const { return D ? D : dimension; }
    PUISEUX_INLINE Word bit() const { return Word(1) << k; }
    PUISEUX_INLINE Word below() const { return bit() - 1; }
    PUISEUX_INLINE Word above() const { return ~(below() | bit()); }
};

/// w = a + t (b - a) for `count` numbers; returns max |b - a| / scale.
PUISEUX_INLINE double blend(const double* __restrict a, const double* __restrict b, double* __restrict w, size_t count,
                            double t, const double* __restrict scaled) {
    Number spread = 0;
    for (size_t q = 0; q < count; ++q) {
        const double step = b[q] - a[q];
        w[q] = a[q] + t * step;
        const Number own = bits_of(step * scaled[q]);
        spread = own > spread ? own : spread;
    }
    return float_of(spread);
}

struct Bits {
    Word word[BLOCK];
    constexpr Bits() : word() {
        for (size_t q = 0; q < BLOCK; ++q) word[q] = Word(1) << q;
    }
};
inline constexpr Bits BITS;

/// Of a + t (b - a): bit q of the first word: number q is positive; of the second: its sign is not certain with this bound.
///
/// Without branches, so that many are worked on at once.  The numbers are computed once more, since reading them back
/// where `blend` has just written them would wait for these writes.
PUISEUX_INLINE void sign_masks(const double* __restrict a, const double* __restrict b, size_t count, double t,
                               const double* __restrict scaled, double bound, Word& positive, Word& unsure) {
    Word plus = 0, open = 0;
    for (size_t q = 0; q < count; ++q) {
        const double value = a[q] + t * (b[q] - a[q]);
        plus |= value > 0 ? BITS.word[q] : 0;
        open |= std::abs(value) * scaled[q] > bound ? 0 : BITS.word[q];
    }
    positive = plus, unsure = open;
}

/// Makes the vertex on the j-th cut edge i, in the row after those of the cuts before; returns the doubts found so far.
template <size_t D>
PUISEUX_INLINE size_t make_vertex(const Cutting<D>& c, size_t j, size_t i, size_t found) {
    const double infinity = std::numeric_limits<double>::infinity();
    const size_t d = c.d(), w = c.first + j, kc = c.column + c.k;
    const Vertices& vertices = c.vertices;
    const std::int16_t* edge_zeros = c.edges.zeros(i);
    const size_t a = size_t(c.edges.ends(i)[0]), b = size_t(c.edges.ends(i)[1]);
    const double *row_a = vertices.rows[a], *row_b = vertices.rows[b];
    double* row = vertices.rows[w];
    const double width = row_a[kc] - row_b[kc], t = row_a[kc] / width;
    const double spread = blend(row_a + HEAD, row_b + HEAD, row + HEAD, c.columns - HEAD, t, c.scaled + HEAD);
    row[kc] = 0;
    const double size = larger(double(vertices.size(a)), double(vertices.size(b)));
    double residual = larger(row_a[0], row_b[0]);
    double amplified = 1;
    for (size_t q = 0; q + 1 < d; ++q) amplified *= widen(edge_zeros[d - 1 + q]);
    // both ends are off the edge's line by no more than this
    const double off = residual * amplified * (1 + 16 * UNIT);
    const double room = std::abs(width) * c.scaled[kc] * (1 - 8 * UNIT) - 2 * off * (1 + 8 * UNIT);
    const bool wide = 0 < room && room < infinity;  // the width may have overflowed
    double turn = infinity, rate = 0, rate_error = infinity;
    if (wide) {
        turn = 1 + (spread + 2 * off) / room * (1 + 32 * UNIT);
        double rise = 0;
        for (size_t q = 0; q < d; ++q) rise += c.functional[q] * (row_b[HEAD + q] - row_a[HEAD + q]);
        rate = -rise / width;
        const double slack = (2 * off + 64 * UNIT * size) * (1 + 32 * UNIT);
        rate_error = slack * (c.height_scale * c.scaled[kc] + std::abs(rate)) / room * (1 + 64 * UNIT);
    }
    const std::int16_t turn16 = narrow(turn);
    turn = widen(turn16);
    residual = (residual + 16 * UNIT * size) * (1 + 8 * UNIT);
    row[0] = residual;
    const float total = up32(amplified * turn);
    vertices.amplification(w) = total;
    vertices.size(w) = up32(size);
    const double bound = residual * double(total) * (1 + 16 * UNIT);
    const Word sign_a = vertices.now(a), sign_b = vertices.now(b), open = (sign_a ^ sign_b) & c.above();
    Word bits = ((sign_a | sign_b) & c.below()) | (sign_a & sign_b & c.above());
    Word positive, unsure;
    sign_masks(row_a + c.column, row_b + c.column, c.units, t, c.scaled + c.column, bound, positive, unsure);
    bits |= positive & open;
    for (unsure &= open; unsure; unsure &= unsure - 1) {
        const size_t q = size_t(std::countr_zero(unsure)), place = c.column + q;
        bool certain = false;
        if (wide) {
            // the same bound again, with what this neuron alone changes along the edge
            const double step = std::abs(row_b[place] - row_a[place]) * c.scaled[place] * (1 + 4 * UNIT);
            double own = off + 16 * UNIT * size;
            own *= 1 + (step + 2 * off) / room * (1 + 32 * UNIT);
            certain = std::abs(row[place]) * c.scaled[place] > own * (1 + 32 * UNIT);
        }
        if (certain) continue;
        bits &= ~(Word(1) << q);
        if (found < c.doubts.rows) c.doubts[found][0] = Number(w), c.doubts[found][1] = Number(q);
        ++found;
    }
    vertices.now(w) = bits;
    vertices.fingerprint[w] = c.edges.base(i) + c.zero_word;
    vertices.faces[w] = c.edges.marks(i) & FACE_BITS;

    double height = 0, reach = 0;
    for (size_t q = 0; q < d; ++q) {
        const double term = c.functional[q] * row[HEAD + q];
        height += term;
        reach += std::abs(term);
    }
    const Records& records = c.work.records;
    records.height(j) = height;
    records.height_error(j) = (bound * c.height_scale + 8 * UNIT * double(d) * reach) * (1 + 64 * UNIT);
    records.rate(j) = rate;
    records.rate_error(j) = rate_error;
    records.ends(j)[0] = std::int32_t(a), records.ends(j)[1] = std::int32_t(b);
    std::int16_t *record = records.zeros(j), *zeros = vertices.zeros[w];
    size_t known = 0;
    for (size_t q = 0; q + 1 < d; ++q) {
        const std::int16_t z = edge_zeros[q];
        record[q] = z;
        record[d - 1 + q] = edge_zeros[d - 1 + q];
        zeros[q] = z;
        if (z >= 0) known = q + 1;
    }
    zeros[d - 1] = -1;
    zeros[known] = std::int16_t(c.neuron);
    record[2 * (d - 1)] = turn16;
    return found;
}

}  // namespace puiseux::edges
