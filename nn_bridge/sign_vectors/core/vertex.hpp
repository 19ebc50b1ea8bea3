// The vertex in which a neuron cuts an edge: its row by interpolation, the bound on its error, the signs this proves.
//
// The argument for the bounds is in `nn_bridge.sign_vectors.subdivide`.
// Source: running error analysis, Higham 2002, section 3.3.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#include "layout.hpp"

namespace puiseux::edges {

/// All that the cuts of one neuron read and write; D is the dimension, or 0 where it is known only at run time.
template <size_t D>
struct Cutting {
    Vertices vertices;
    EdgesOf<D> edges;
    Buckets buckets;
    Workspace<D> work;
    Names names;
    const Word* table;  // of `word_sum`, for the block
    const double* scaled;  // 1 / scale of each column in use; zero for those before and behind
    const double* functional;
    double height_scale;
    Doubts doubts;
    // the neuron, as index in the block and as number; the first column of the block's values, and the end of all columns
    size_t dimension, moves, k, neuron, column, columns, units, block_first, first;
    Word zero_word;

    PUISEUX_INLINE size_t d() const { return D ? D : dimension; }
    PUISEUX_INLINE size_t shift() const { return D ? moves_shift(D) : moves; }
    PUISEUX_INLINE Word bit() const { return Word(1) << k; }
    PUISEUX_INLINE Word below() const { return bit() - 1; }
    PUISEUX_INLINE Word above() const { return ~(below() | bit()); }
};

/// How much the height of a point changes at most where each coordinate changes by its scale.
PUISEUX_INLINE double height_scale(const double* functional, const double* scaled, size_t d) {
    double sum = 0;
    for (size_t q = 0; q < d; ++q) sum += std::abs(functional[q]) / scaled[HEAD + q];
    return sum * (1 + 1e-12);
}

/// w = a + t (b - a) for whole rows of `count` numbers; returns max |b - a| / scale.
PUISEUX_INLINE double blend(const double* a, const double* b, double* w, size_t count, double t, const double* scaled) {
    const double* __restrict one = std::assume_aligned<8 * LANES>(a);
    const double* __restrict two = std::assume_aligned<8 * LANES>(b);
    const double* __restrict scale = std::assume_aligned<8 * LANES>(scaled);
    double* __restrict to = std::assume_aligned<8 * LANES>(w);
    Number spread = 0;
    count &= ~(LANES - 1);
    for (size_t q = 0; q < count; ++q) {
        const double step = two[q] - one[q];
        to[q] = one[q] + t * step;
        const Number own = bits_of(step * scale[q]);
        spread = own > spread ? own : spread;
    }
    return float_of(spread);
}

/// Zeros and amplifications of an edge, all at once.
template <size_t D>
PUISEUX_INLINE void copy_zeros(const std::int16_t* from, std::int16_t* to, size_t d) {
    std::memcpy(to, from, 2 * sizeof(std::int16_t) * ((D ? D : d) - 1));
}

/// How well a cut edge tells where its vertex is.
struct Reach {
    double width;  // change of the neuron's value from the second end to the first
    double off;    // both ends are off the edge's line by no more than this
    double room;   // a lower bound of the width, in the scale of the neuron's column
    bool wide;     // whether that is of use (the width may have overflowed)
};

/// The reach of the edge between two vertices, with these amplifications.
template <size_t D>
PUISEUX_INLINE Reach reach_of(const Cutting<D>& c, size_t a, size_t b, const std::int16_t* amplifications, double& amplified) {
    const double infinity = std::numeric_limits<double>::infinity();
    const double *one = c.vertices.rows[a], *two = c.vertices.rows[b];
    amplified = 1;
    for (size_t q = 0; q + 1 < c.d(); ++q) amplified *= widen(amplifications[q]);
    const size_t kc = c.column + c.k;
    const double width = one[kc] - two[kc], off = larger(one[0], two[0]) * amplified * (1 + 16 * UNIT);
    const double room = std::abs(width) * c.scaled[kc] * (1 - 8 * UNIT) - 2 * off * (1 + 8 * UNIT);
    return {width, off, room, 0 < room && room < infinity};
}

/// The larger of the sizes of two vertices.
PUISEUX_INLINE double size_of(const Vertices& vertices, size_t a, size_t b) {
    return larger(double(vertices.size(a)), double(vertices.size(b)));
}

/// A vertex that is being made.
struct Draft {
    size_t edge, a, b;  // the cut edge and its ends
    double spread;      // the largest change of a column along the edge
    double bound;       // of the vertex's signs
    Word open;          // signs of later neurons on which its ends differ
    std::int16_t turn;  // amplification by the cut
};

/// Whether these signs of the vertex in row w are certain by a bound for each neuron alone; the others are doubts.
template <size_t D>
PUISEUX_RARELY size_t try_again(const Cutting<D>& c, size_t w, const Draft& draft, Word unsure, Word& bits, size_t found) {
    double amplified;
    const Reach reach = reach_of(c, draft.a, draft.b, c.edges.zeros(draft.edge) + c.d() - 1, amplified);
    const double *row = c.vertices.rows[w], *a = c.vertices.rows[draft.a], *b = c.vertices.rows[draft.b];
    const double size = size_of(c.vertices, draft.a, draft.b);
    for (; unsure; unsure &= unsure - 1) {
        const size_t q = size_t(std::countr_zero(unsure)), place = c.column + q;
        bool certain = false;
        if (reach.wide) {
            // the same bound again, with what this neuron alone changes along the edge
            const double step = std::abs(b[place] - a[place]) * c.scaled[place] * (1 + 4 * UNIT);
            double own = reach.off + 16 * UNIT * size;
            own *= 1 + (step + 2 * reach.off) / reach.room * (1 + 32 * UNIT);
            certain = std::abs(row[place]) * c.scaled[place] > own * (1 + 32 * UNIT);
        }
        if (certain) continue;
        bits &= ~(Word(1) << q);
        if (found < c.doubts.rows) c.doubts[found][0] = Number(w), c.doubts[found][1] = Number(q);
        ++found;
    }
    return found;
}

/// Writes the row of the vertex on the j-th cut edge, after those of the cuts before.
template <size_t D>
PUISEUX_INLINE void place_vertex(const Cutting<D>& c, size_t j, Draft& draft) {
    const size_t kc = c.column + c.k;
    const double *a = c.vertices.rows[draft.a], *b = c.vertices.rows[draft.b];
    double* row = c.vertices.rows[c.first + j];
    draft.spread = blend(a, b, row, c.columns + LANES - 1, a[kc] / (a[kc] - b[kc]), c.scaled);
    row[kc] = 0;
}

/// Bounds the error of the row.
template <size_t D>
PUISEUX_INLINE void bound_vertex(const Cutting<D>& c, size_t j, Draft& draft) {
    const size_t w = c.first + j;
    const Vertices& vertices = c.vertices;
    const double size = size_of(vertices, draft.a, draft.b);
    double residual = larger(vertices.residual(draft.a), vertices.residual(draft.b)), amplified;
    const Reach reach = reach_of(c, draft.a, draft.b, c.edges.zeros(draft.edge) + c.d() - 1, amplified);
    const double turn = 1 + (draft.spread + 2 * reach.off) / reach.room * (1 + 32 * UNIT);
    draft.turn = narrow(reach.wide ? turn : std::numeric_limits<double>::infinity());
    residual = (residual + 16 * UNIT * size) * (1 + 8 * UNIT);
    const float total = up32(amplified * widen(draft.turn));
    vertices.rows[w][0] = residual;
    vertices.set(w, total, up32(size));
    draft.bound = residual * double(total) * (1 + 16 * UNIT);
}

/// The signs on which both ends of the edge agree, and all that the vertex's neighbours will ask for.
template <size_t D>
PUISEUX_INLINE void finish_vertex(const Cutting<D>& c, size_t j, Draft& draft) {
    const size_t d = c.d(), w = c.first + j, i = draft.edge;
    const Vertices& vertices = c.vertices;
    const double* row = vertices.rows[w];
    const Word sign_a = vertices.now(draft.a), sign_b = vertices.now(draft.b);
    draft.open = (sign_a ^ sign_b) & c.above();
    vertices.now(w) = ((sign_a | sign_b) & c.below()) | (sign_a & sign_b & c.above());
    vertices.fingerprint[w] = c.edges.base(i) + c.zero_word;
    const std::int32_t face = c.edges.marks(i) & FACE_BITS;
    vertices.faces[w] = face;

    double height = 0, terms = 0;
    for (size_t q = 0; q < d; ++q) {
        const double term = c.functional[q] * row[HEAD + q];
        height += term;
        terms += std::abs(term);
    }
    const auto& records = c.work.records;
    records.height(j) = height;
    records.height_error(j) = (draft.bound * c.height_scale + 8 * UNIT * double(d) * terms) * (1 + 64 * UNIT);
    records.ends(j)[0] = std::int32_t(draft.a), records.ends(j)[1] = std::int32_t(draft.b);
    records.face(j) = face;
    records.open(j) = draft.open != 0;
    const std::int16_t* edge_zeros = c.edges.zeros(i);
    std::int16_t *record = records.zeros(j), *zeros = vertices.zeros[w];
    copy_zeros<D>(edge_zeros, record, d);
    record[2 * (d - 1)] = draft.turn;
    size_t known = 0;
    for (size_t q = 0; q + 1 < d; ++q) {
        zeros[q] = edge_zeros[q];
        known += edge_zeros[q] >= 0;
    }
    zeros[d - 1] = -1;
    zeros[known] = std::int16_t(c.neuron);
}

/// Decides the open signs of the vertex; returns the doubts found so far.
template <size_t D>
PUISEUX_INLINE size_t decide_signs(const Cutting<D>& c, size_t j, const Draft& draft, size_t found) {
    const size_t w = c.first + j;
    const double* row = c.vertices.rows[w];
    Word bits = c.vertices.now(w), unsure = 0;
    for (Word rest = draft.open; rest; rest &= rest - 1) {
        const size_t q = size_t(std::countr_zero(rest)), place = c.column + q;
        bits |= Word(row[place] > 0) << q;
        unsure |= Word(!(std::abs(row[place]) * c.scaled[place] > draft.bound)) << q;
    }
    if (unsure) found = try_again(c, w, draft, unsure, bits, found);
    c.vertices.now(w) = bits;
    return found;
}

}  // namespace puiseux::edges
