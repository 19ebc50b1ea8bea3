// Joining new vertices by new edges: two cut edges around one 2-face are found by its name, in an open-addressing table.
#pragma once
#include <cmath>
#include <cstdint>

#include "vertex.hpp"

namespace puiseux::edges {

/// Where the search for a key begins.
PUISEUX_INLINE Word slot_of(Word key, Word mask) { return ((key * MIX) >> 20) & mask; }

/// Writes the keys of the 2-faces around the j-th cut edge i, one for every move that leads to it, and asks for their slots.
///
/// A move leaves one hyperplane (to its negative or its positive side) or goes to a larger domain face.
template <size_t D>
PUISEUX_INLINE void name_faces(const Cutting<D>& c, size_t j, size_t i, Word mask) {
    const Word here = c.edges.base(i) + word_sum(c.table, c.vertices.now(c.first + j) & c.below());
    const size_t face = size_t(c.edges.marks(i) & FACE_BITS);
    const std::int32_t zeros = c.names.face_dim[face] - 1;
    const std::int16_t* record = c.work.records.zeros(j);
    Word* keys = c.work.keys[j];
    for (std::int32_t q = 0; q < zeros; ++q) {
        const size_t leave = size_t(record[q]);
        const Word key = here - c.names.zero[leave], other = key + c.names.positive[leave];
        prefetch(c.work.slots.data + 2 * slot_of(key, mask));
        prefetch(c.work.slots.data + 2 * slot_of(other, mask));
        *keys++ = key;
        *keys++ = other;
    }
    for (std::int32_t q = c.names.cover_start[face]; q < c.names.cover_start[face + 1]; ++q) {
        const Word key = here + c.names.face[size_t(c.names.covers[size_t(q)])] - c.names.face[face];
        prefetch(c.work.slots.data + 2 * slot_of(key, mask));
        *keys++ = key;
    }
}

/// UP and KNOWN bits of the new edge from the vertex of cut `other` to that of cut j.
///
/// Heights tell, unless they are too close.  But where the two edges meet in a vertex v, the heights differ by the
/// neuron's value at v times the difference of the two rates: that sign is certain however near to v the new edge is.
template <size_t D>
PUISEUX_INLINE std::int32_t direction(const Cutting<D>& c, size_t j, size_t other) {
    const Records& r = c.work.records;
    const double rise = r.height(j) - r.height(other);
    if (std::abs(rise) > (r.height_error(j) + r.height_error(other)) * (1 + 8 * UNIT)) return KNOWN | (rise > 0 ? UP : 0);
    const std::int32_t a = r.ends(j)[0], b = r.ends(j)[1], *ends = r.ends(other);
    std::int32_t corner = -1;
    if (a == ends[0] || a == ends[1])
        corner = a;
    else if (b == ends[0] || b == ends[1])
        corner = b;
    if (corner >= 0) {
        const double turn = r.rate(j) - r.rate(other);
        if (std::abs(turn) > (r.rate_error(j) + r.rate_error(other)) * (1 + 8 * UNIT)) {
            const bool positive = (c.vertices.now(size_t(corner)) & c.bit()) != 0;
            return KNOWN | ((turn > 0) != positive ? UP : 0);
        }
    }
    return 0;
}

/// Writes the zeros and amplifications of the new edge n, on the 2-face that cut j has without its zero `skip`, and the
/// cut `other` without its zero `other_skip`.
template <size_t D>
PUISEUX_INLINE void write_zeros(const Cutting<D>& c, size_t j, size_t skip, size_t other, size_t other_skip, size_t n) {
    const size_t d = c.d();
    const std::int16_t *own = c.work.records.zeros(j), *theirs = c.work.records.zeros(other);
    std::int16_t* zeros = c.edges.zeros(n);
    // both edges have the zeros of their 2-face in the same order, and each at most one more
    size_t r = 0, p = 0;
    for (size_t q = 0; q + 1 < d; ++q) {
        if (q == skip) continue;
        const std::int16_t z = own[q];
        if (z < 0) break;
        if (p == other_skip) ++p;
        zeros[r] = z;
        const std::int16_t one = own[d - 1 + q], two = theirs[d - 1 + p];
        zeros[d - 1 + r] = one > two ? one : two;
        ++p, ++r;
    }
    const std::int16_t one = own[2 * (d - 1)], two = theirs[2 * (d - 1)];
    zeros[r] = std::int16_t(c.neuron);
    zeros[d - 1 + r] = one < two ? one : two;
    for (size_t q = r + 1; q + 1 < d; ++q) {
        zeros[q] = -1;
        zeros[d - 1 + q] = NEUTRAL;
    }
}

/// Halves the j-th cut edge i and joins its vertex to those before it on common 2-faces; returns the next free edge.
///
/// Keys of 2-faces are paired; a third occurrence of a key is bad.
template <size_t D>
PUISEUX_INLINE size_t join_vertex(const Cutting<D>& c, Block& block, size_t j, size_t i, size_t half, size_t n, Word mask) {
    const size_t d = c.d(), w = c.first + j;
    const Records& records = c.work.records;
    const std::int16_t* record = records.zeros(j);
    const size_t a = size_t(records.ends(j)[0]), b = size_t(records.ends(j)[1]);
    const Word sign_w = c.vertices.now(w), sign_a = c.vertices.now(a), sign_b = c.vertices.now(b);
    records.sign(j) = sign_w;
    const std::int32_t marks = c.edges.marks(i), face = marks & FACE_BITS;
    const Word own_words = word_sum(c.table, sign_w & c.below());
    const size_t neuron_moves = 2 * size_t(c.names.face_dim[size_t(face)] - 1);
    const size_t first_cover = size_t(c.names.cover_start[size_t(face)]);
    const size_t moves = neuron_moves + size_t(c.names.cover_start[size_t(face) + 1]) - first_cover;
    for (size_t move = 0; move < moves; ++move) {
        const bool leaves = move < neuron_moves;
        const std::int32_t new_face = leaves ? face : c.names.covers[first_cover + move - neuron_moves];
        const size_t skip = leaves ? move >> 1 : d;
        const Word name = c.work.keys[j][move], key = name ? name : 1;
        Word place = slot_of(key, mask);
        Word* slot = c.work.slots.data + 2 * place;
        while (slot[0] && slot[0] != key) {
            place = (place + 1) & mask;
            slot = c.work.slots.data + 2 * place;
        }
        if (!slot[0]) {
            slot[0] = key;
            slot[1] = ((Word(j) + 1) << 32) | Word(skip);
            ++block.single;
            continue;
        }
        const Word partner = slot[1];
        if (!partner) {
            ++block.bad;
            continue;
        }
        slot[1] = 0;
        --block.single;
        const size_t other = size_t((partner >> 32) - 1);
        std::int32_t* ends = c.edges.ends(n);
        ends[0] = std::int32_t(c.first + other), ends[1] = std::int32_t(w);
        c.edges.marks(n) = new_face | direction(c, j, other);
        write_zeros(c, j, skip, other, size_t(partner & 0xFFFFFFFF), n);
        Word base = name - own_words + c.zero_word;
        if (leaves && (move & 1)) {
            const size_t leave = size_t(record[skip]);
            // the sign of a neuron of this block lives in the sign words while the block lasts
            if (leave >= c.block_first) base -= c.names.positive[leave];
        }
        c.edges.base(n) = base;
        put(n, (records.sign(other) ^ sign_w) & c.above(), c.buckets, block);
        ++n;
    }
    const size_t f = half + j;
    c.edges.ends(f)[0] = std::int32_t(w), c.edges.ends(f)[1] = std::int32_t(b);
    c.edges.base(f) = c.edges.base(i);
    c.edges.marks(f) = marks;
    for (size_t q = 0; q < 2 * (d - 1); ++q) c.edges.zeros(f)[q] = record[q];
    put(f, (sign_b ^ sign_w) & c.above(), c.buckets, block);
    c.edges.ends(i)[1] = std::int32_t(w);
    put(i, (sign_a ^ sign_w) & c.above(), c.buckets, block);
    return n;
}

}  // namespace puiseux::edges
