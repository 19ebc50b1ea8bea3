// What happens to all vertices and edges between neurons: blocks begin and end.
// Source: edge subdivision, Berzins 2023.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "layout.hpp"

namespace puiseux::edges {

constexpr size_t AHEAD = 16;  // turns between asking for memory and using it

/// Bit k: value k is positive.
PUISEUX_INLINE Word sign_word(const double* values, size_t count) {
    Word bits = 0;
    for (size_t k = 0; k < count; ++k) bits |= Word(values[k] > 0) << k;
    return bits;
}

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
    struct {
        std::int32_t edge;
        Word cut;
    } chosen[TILE];
    for (size_t first = 0; first < count; first += TILE) {
        const size_t end = std::min(first + TILE, count);
        size_t found = 0;
        for (size_t i = first; i < end; ++i) {
            const std::int32_t* soon = edges.ends(i + AHEAD < count ? i + AHEAD : count - 1);
            prefetch(&vertices.now(size_t(soon[0])));
            prefetch(&vertices.now(size_t(soon[1])));
            const size_t a = size_t(edges.ends(i)[0]), b = size_t(edges.ends(i)[1]);
            edges.base(i) += word_sum(table_before, vertices.before(a) | vertices.before(b));
            const Word cut = vertices.now(a) ^ vertices.now(b);
            chosen[found] = {std::int32_t(i), cut};
            found += cut != 0;
        }
        // most edges are not cut; each that is put into a bucket waits for the one before it there
        for (size_t q = 0; q < found; ++q) put(size_t(chosen[q].edge), chosen[q].cut, buckets, block);
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
