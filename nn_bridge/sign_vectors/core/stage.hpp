// What happens to all vertices and edges between neurons: blocks begin and end.
// Source: edge subdivision, Berzins 2023.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "layout.hpp"

namespace puiseux::edges {

constexpr size_t AHEAD = 16;  // turns between asking for memory and using it
constexpr size_t NEARBY = 1 << 17;  // the signs at the ends of so many edges stay in a cache: they need not be asked for

/// Asks for the signs at the ends of an edge that is looked at soon, where they are far.
template <bool Far, size_t D>
PUISEUX_INLINE void ask_for_signs(const EdgesOf<D>& edges, const Vertices& vertices, size_t i, size_t count) {
    if constexpr (Far) {
        const std::int32_t* soon = edges.ends(std::min(i + AHEAD, count - 1));
        prefetch(&vertices.now(size_t(soon[0])));
        prefetch(&vertices.now(size_t(soon[1])));
    }
}

/// Bit k: value k is positive.
PUISEUX_INLINE Word sign_word(const double* values, size_t count) {
    if (count == 1) return values[0] > 0;  // as for most outputs
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
inline void begin_block(const Vertices& of, const Edges& given, size_t count, const Word* table_before,
                        const Buckets& buckets, Block& block) {
    const Vertices vertices = of;  // copies, which nothing that is written can change
    const Edges edges = given;
    for (size_t k = 0; k < BLOCK; ++k) buckets.empty(k);
    block.free = -1, block.fresh = 0;
    Chosen<TILE + 1> chosen;
    const auto run = [&](auto far) {
        for (size_t first = 0; first < count; first += TILE) {
            const size_t end = std::min(first + TILE, count);
            for (size_t i = first; i < end; ++i) {
                ask_for_signs<far>(edges, vertices, i, count);
                const size_t a = size_t(edges.ends(i)[0]), b = size_t(edges.ends(i)[1]);
                edges.base(i) += word_sum(table_before, vertices.before(a) | vertices.before(b));
                chosen.add(i, vertices.now(a) ^ vertices.now(b));
            }
            chosen.put_all(buckets, block);
        }
    };
    count > NEARBY ? run(std::true_type{}) : run(std::false_type{});
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
