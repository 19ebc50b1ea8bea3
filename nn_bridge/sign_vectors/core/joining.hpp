// Joining new vertices by new edges: two cut edges around one 2-face are found by its name, in an open-addressing table.
// Source: linear probing, Knuth, volume 3, section 6.4.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "vertex.hpp"

namespace puiseux::edges {

/// Writes the keys of the 2-faces around the j-th cut edge i, one for every move that leads to it, and asks for their slots.
///
/// A move leaves one hyperplane (to its negative or its positive side) or goes to a larger domain face.
template <size_t D>
PUISEUX_INLINE void name_faces(const Cutting<D>& c, size_t j, size_t i, Word mask) {
    const auto& records = c.work.records;
    const Word sign = c.vertices.now(c.first + j), below = word_sum(c.table, sign & c.below());
    records.sign(j) = sign, records.below(j) = below;
    const Word here = c.edges.base(i) + below;
    const size_t face = size_t(records.face(j));
    const std::int16_t* record = records.zeros(j);
    Word* keys = c.work.keys.data + (j << c.shift());
    const auto name = [&](Word key) {
        prefetch(c.work.slots.data + (key & mask));
        *keys++ = key;
    };
    const auto leave = [&](size_t q) {
        const size_t zero = size_t(record[q]);
        const Word key = here - c.names.zero[zero];
        name(key);
        name(key + c.names.positive[zero]);
    };
    if (D && record[D - 2] >= 0) {  // inside the domain, as most are
        for (size_t q = 0; q + 1 < D; ++q) leave(q);
        return;
    }
    for (size_t q = 0; q + 1 < c.d() && record[q] >= 0; ++q) leave(q);
    for (std::int32_t q = c.names.cover_start[face]; q < c.names.cover_start[face + 1]; ++q)
        name(here + c.names.face[size_t(c.names.covers[size_t(q)])] - c.names.face[face]);
}

/// Looks up the keys of the j-th cut edge among those before; writes the pairs and returns the place for the next one.
///
/// What is there can't be foreseen, so nothing branches on it. Counts the keys, and those that are new.
template <size_t D>
PUISEUX_INLINE Word* find_partners(const Cutting<D>& c, size_t j, Word* pair, Word mask, size_t& all, size_t& fresh) {
    const Word first = Word(j) << c.shift();
    Word* const slots = c.work.slots.data;
    const auto look_up = [&](Word move) {
        const Word key = c.work.keys.data[move], tag = key | MARK;
        // the lower half of the key says where to look: so with the upper one different keys are rarely taken for the same
        const auto taken = [&](Word slot) { return unforeseen(std::min(slot, slot ^ tag) > LOWER); };
        Word place = key & mask & ~Word(1), one = slots[place], two = slots[place + 1], passed = taken(one);
        // two at once, so that hardly any key goes on to the next two
        while (passed & taken(two)) {
            place = (place + 2) & mask;
            one = slots[place], two = slots[place + 1], passed = taken(one);
        }
        place += passed;
        const Word found = passed ? two : one;
        const Word empty = unforeseen(found == 0), other = found & LOWER;
        slots[place] = (tag & ~LOWER) | (empty ? move + 1 : TWICE);
        *pair = move << 32 | other;
        fresh += empty;
        pair += unforeseen(other - 1 < TWICE - 1);
    };
    if (D && c.work.records.zeros(j)[D - 2] >= 0) {  // inside the domain, as most are, all is known before
        for (size_t q = 0; q + 1 < D; ++q) look_up(first + 2 * q), look_up(first + 2 * q + 1);
        all += 2 * (D - 1);
        return pair;
    }
    const size_t face = size_t(c.work.records.face(j));
    const size_t moves = 2 * size_t(c.names.face_dim[face] - 1) + size_t(c.names.cover_start[face + 1] - c.names.cover_start[face]);
    for (size_t move = 0; move < moves; ++move) look_up(first + move);
    all += moves;
    return pair;
}

/// Height along the j-th cut edge: its change per change of the neuron's value, and the error of that.
struct Steepness {
    double rate, error;
};

template <size_t D>
PUISEUX_RARELY Steepness steepness(const Cutting<D>& c, size_t j) {
    const size_t d = c.d(), a = size_t(c.work.records.ends(j)[0]), b = size_t(c.work.records.ends(j)[1]);
    const std::int16_t* record = c.work.records.zeros(j);
    const double *row_a = c.vertices.rows[a], *row_b = c.vertices.rows[b];
    const double size = size_of(c.vertices, a, b);
    double amplified;
    const Reach reach = reach_of(c, a, b, record + d - 1, amplified);
    if (!reach.wide) return {0, std::numeric_limits<double>::infinity()};
    double rise = 0;
    for (size_t q = 0; q < d; ++q) rise += c.functional[q] * (row_b[HEAD + q] - row_a[HEAD + q]);
    const double rate = -rise / reach.width, slack = (2 * reach.off + 64 * UNIT * size) * (1 + 32 * UNIT);
    const double height = c.height_scale * c.scaled[c.column + c.k] + std::abs(rate);
    return {rate, slack * height / reach.room * (1 + 64 * UNIT)};
}

/// UP and KNOWN bits of the new edge from the vertex of cut `other` to that of cut j, whose heights are too close.
///
/// Where the two edges meet in a vertex v, the heights differ by the neuron's value at v times the difference of the two
/// rates: that sign is certain however near to v the new edge is.
template <size_t D>
PUISEUX_RARELY std::int32_t direction_by_rates(const Cutting<D>& c, size_t j, size_t other) {
    const auto& r = c.work.records;
    const std::int32_t a = r.ends(j)[0], b = r.ends(j)[1], *ends = r.ends(other);
    std::int32_t corner = -1;
    if (a == ends[0] || a == ends[1])
        corner = a;
    else if (b == ends[0] || b == ends[1])
        corner = b;
    if (corner < 0) return 0;
    const Steepness one = steepness(c, j), two = steepness(c, other);
    const double turn = one.rate - two.rate;
    if (!(std::abs(turn) > (one.error + two.error) * (1 + 8 * UNIT))) return 0;
    const bool positive = (c.vertices.now(size_t(corner)) & c.bit()) != 0;
    return KNOWN | ((turn > 0) != positive ? UP : 0);
}

/// UP and KNOWN bits of the new edge from the vertex of cut `other` to that of cut j: heights tell, unless they are close.
template <size_t D>
PUISEUX_INLINE std::int32_t direction(const Cutting<D>& c, size_t j, size_t other) {
    const auto& r = c.work.records;
    const double rise = r.height(j) - r.height(other);
    if (std::abs(rise) > (r.height_error(j) + r.height_error(other)) * (1 + 8 * UNIT))
        return KNOWN | (std::int32_t(rise > 0) << UP_BIT);
    return direction_by_rates(c, j, other);
}

/// The place of the zero that a move leaves, given its place among the moves of the j-th cut; d where it leaves none.
template <size_t D>
PUISEUX_INLINE size_t zero_left(const Cutting<D>& c, size_t j, size_t move) {
    const size_t q = move >> 1, d = c.d();
    return q + 1 < d && c.work.records.zeros(j)[q] >= 0 ? q : d;
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
        zeros[d - 1 + r] = std::max(own[d - 1 + q], theirs[d - 1 + p]);
        ++p, ++r;
    }
    zeros[r] = std::int16_t(c.neuron);
    zeros[d - 1 + r] = std::min(own[2 * (d - 1)], theirs[2 * (d - 1)]);
    for (size_t q = r + 1; q + 1 < d; ++q) {
        zeros[q] = -1;
        zeros[d - 1 + q] = NEUTRAL;
    }
}

/// Makes the new edge n of a pair; returns the signs on which its ends differ.
template <size_t D>
PUISEUX_INLINE Word join(const Cutting<D>& c, Block& block, Word pair, size_t n) {
    const auto& records = c.work.records;
    const size_t shift = c.shift(), own = size_t(pair >> 32), partner = size_t(pair & LOWER) - 1;
    const size_t j = own >> shift, move = own & ((size_t(1) << shift) - 1);
    const size_t other = partner >> shift, other_move = partner & ((size_t(1) << shift) - 1);
    const Word key = c.work.keys.data[own];
    block.bad += key != c.work.keys.data[partner];
    const std::int32_t face = records.face(j);
    std::int32_t* ends = c.edges.ends(n);
    ends[0] = std::int32_t(c.first + other), ends[1] = std::int32_t(c.first + j);
    const Word base = key - records.below(j) + c.zero_word;
    const std::int16_t *zeros = records.zeros(j), *theirs = records.zeros(other);
    const size_t q = move >> 1, p = other_move >> 1;
    if (D == 3 && std::min(zeros[1], theirs[1]) >= 0) {  // inside the domain, as most are, in few steps
        const size_t leave = size_t(zeros[q]);
        // the sign of a neuron of this block lives in the sign words while the block lasts
        c.edges.base(n) = base - (c.names.positive[leave] & (Word(0) - Word((move & 1) & (leave >= c.block_first))));
        c.edges.marks(n) = face | direction(c, j, other);
        std::int16_t* to = c.edges.zeros(n);
        to[0] = zeros[q ^ 1];
        to[1] = std::int16_t(c.neuron);
        to[2] = std::max(zeros[2 + (q ^ 1)], theirs[2 + (p ^ 1)]);
        to[3] = std::min(zeros[4], theirs[4]);
    } else {
        const size_t skip = zero_left(c, j, move);
        std::int32_t of = face;
        Word in_block = 0;
        if (skip < c.d()) {
            const size_t leave = size_t(zeros[skip]);
            in_block = c.names.positive[leave] & (Word(0) - Word((move & 1) & (leave >= c.block_first)));
        } else {
            const size_t leaving = 2 * size_t(c.names.face_dim[size_t(face)] - 1);
            of = c.names.covers[size_t(c.names.cover_start[size_t(face)]) + move - leaving];
        }
        c.edges.base(n) = base - in_block;
        c.edges.marks(n) = of | direction(c, j, other);
        write_zeros(c, j, skip, other, zero_left(c, other, other_move), n);
    }
    return (records.sign(other) ^ records.sign(j)) & c.above();
}

/// Halves the j-th cut edge i.
template <size_t D>
PUISEUX_INLINE void halve(const Cutting<D>& c, size_t j, size_t i, size_t half) {
    const size_t w = c.first + j, f = half + j;
    c.edges.ends(f)[0] = std::int32_t(w), c.edges.ends(f)[1] = c.edges.ends(i)[1];
    c.edges.base(f) = c.edges.base(i);
    c.edges.marks(f) = c.edges.marks(i);
    copy_zeros<D>(c.edges.zeros(i), c.edges.zeros(f), c.d());
    c.edges.ends(i)[1] = std::int32_t(w);
}

/// Joins the vertices of the cuts from `begin` on to those before them on common 2-faces, and halves their edges; returns
/// the next free edge.
template <size_t D>
PUISEUX_INLINE size_t join_vertices(const Cutting<D>& c, Block& block, size_t begin, size_t end, size_t half, size_t n, Word mask) {
    const std::int32_t* order = c.work.order.data;
    const auto& records = c.work.records;
    for (size_t j = begin; j < end; ++j) name_faces(c, j, size_t(order[j]), mask);
    Word *const first = c.work.pairs.data, *last = first;
    size_t all = 0, fresh = 0;
    for (size_t j = begin; j < end; ++j) last = find_partners(c, j, last, mask, all, fresh);
    const size_t pairs = size_t(last - first);
    // a key is new, or makes a pair, or is met a third time, which is bad
    block.single += Number(fresh) - Number(pairs), block.bad += Number(all - fresh - pairs);
    Chosen<2 * TILE + 1> chosen;
    for (const Word* pair = first; pair < last;) {
        const Word* stop = pair + std::min(last - pair, std::ptrdiff_t(2 * TILE));
        for (; pair < stop; ++pair, ++n) chosen.add(n, join(c, block, *pair, n));
        chosen.put_all(c.buckets, block);
    }
    std::int32_t open[TILE + 1];
    size_t count = 0;
    for (size_t j = begin; j < end; ++j) {
        halve(c, j, size_t(order[j]), half);
        open[count] = std::int32_t(j);
        count += size_t(records.open(j));
    }
    for (size_t q = 0; q < count; ++q) {
        const size_t j = size_t(open[q]), a = size_t(records.ends(j)[0]), b = size_t(records.ends(j)[1]);
        const Word sign = records.sign(j);
        chosen.add(half + j, (c.vertices.now(b) ^ sign) & c.above());
        chosen.add(size_t(order[j]), (c.vertices.now(a) ^ sign) & c.above());
    }
    chosen.put_all(c.buckets, block);
    return n;
}

}  // namespace puiseux::edges
