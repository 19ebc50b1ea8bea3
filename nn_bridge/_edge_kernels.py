"""Compiled inner loops of the edge subdivision: arrays in, arrays out.

The mathematics is told in `nn_bridge.sign_vectors.subdivide`.

Vertex rows (float64 matrix ``rows``, also seen as uint64 in ``row_bits``)
    0 EPS    residual of the row, in units of each column's scale
    1 AMP    log of the vertex's amplification, in sixteenths of an octave
    2 SIZE   largest |value| / scale
    3 SIGN   (bits) bit k set: neuron k of the current block is positive
    4 RATE, 5 RATE_ERROR   change of height per change of the cutting neuron along the edge that the vertex was made on
    6..      x (d), carried units, values of the current stage
Edge rows (one buffer seen as uint64 ``e64``, int32 ``e32`` and int16 ``e16``)
    e32[0:2] end vertices      e64[1] CUT: neurons of the block still to cut it     e64[2] POS: neurons positive on it
    e64[3] fingerprint of everything before this block, plus the words of all its zeros and walls
    e32[8] next edge in its bucket     e32[9] domain face, with UP and KNOWN: whether its second end is the higher one
    e16[20:20+d-1] zeros, padded with -1
    e16[20+d-1:20+2(d-1)] log of the amplification by each zero, in sixteenths of an octave
State (int64 vector)
    0 vertices, 1 edges, 2 neuron of the block, 3 phase (0: make vertices, 1: connect), 4 pending doubts, 5 bad keys,
    6 nothing of meaning (it keeps early reads of memory from being dropped by the compiler)
"""

import numpy as np
from numba import njit

EPS, AMP, SIZE, SIGN, RATE, RATE_ERROR, HEAD = 0, 1, 2, 3, 4, 5, 6
CUT, POS, BASE, NEXT, FACE, ZEROS = 1, 2, 3, 8, 9, 20
UP, KNOWN, FACE_BITS = 1 << 29, 1 << 30, (1 << 29) - 1
UNIT = 2.0**-53
STEPS = 16.0  # amplification steps per octave
HOPELESS = 16384  # the step number of an amplification that means nothing any more
AHEAD = 4  # turns between asking for a row and using it
DONE, NEED_ROOM, DOUBT = 0, 1, 2
MIX = np.uint64(0x9E3779B97F4A7C15)
ONE = np.uint64(1)
NONE = np.uint64(0)
BYTE = np.uint64(255)
EIGHT = np.uint64(8)


@njit(cache=True, inline="always")
def lowest_bit(word):
    """The index of the lowest set bit of a non-zero word (binary search over halves)."""
    index = 0
    if word & np.uint64(0xFFFFFFFF) == NONE:
        word >>= np.uint64(32)
        index += 32
    if word & np.uint64(0xFFFF) == NONE:
        word >>= np.uint64(16)
        index += 16
    if word & np.uint64(0xFF) == NONE:
        word >>= np.uint64(8)
        index += 8
    if word & np.uint64(0xF) == NONE:
        word >>= np.uint64(4)
        index += 4
    if word & np.uint64(0x3) == NONE:
        word >>= np.uint64(2)
        index += 2
    if word & ONE == NONE:
        index += 1
    return index


@njit(cache=True, inline="always")
def word_sum(table, bits):
    """The sum of the words of all set bits; table[i, byte] holds the sums for byte i."""
    total = NONE
    i = 0
    while bits != NONE:
        total += table[i, bits & BYTE]
        bits >>= EIGHT
        i += 1
    return total


@njit(cache=True)
def word_table(words):
    """The lookup table of `word_sum` for up to 64 words."""
    table = np.zeros((8, 256), np.uint64)
    for i in range(8):
        for byte in range(256):
            total = NONE
            for bit in range(8):
                k = 8 * i + bit
                if k < len(words) and (byte >> bit) & 1:
                    total += words[k]
            table[i, byte] = total
    return table


@njit(cache=True)
def settle_rows(rows, values, gain, gamma, rounding, scaled, column, fade, certain):
    """Write a stage's values into vertex rows, with the new residuals and sizes.

    ``gain`` (as `stage_values` returns it) has one row, or one for every vertex; ``fade`` is what an old residual
    weighs in the columns that stay.  Clears ``certain`` where a value is within its bound; returns the number of
    these.
    """
    units = values.shape[1]
    found = 0
    for v in range(len(values)):
        residual = rows[v, EPS]
        own = gamma * rows[v, SIZE]
        amplified = residual * 2.0 ** (rows[v, AMP] / STEPS) + own
        plain = residual + own
        gains = gain[v if len(gain) > 1 else 0]
        error = residual * fade
        size = 0.0
        for q in range(HEAD, column):
            size = max(size, abs(rows[v, q]) * scaled[q])
        for j in range(units):
            value = values[v, j]
            weight = scaled[column + j]
            if not abs(value) > (amplified * gains[j] + rounding[j]) * (1.0 + 64.0 * UNIT):
                certain[v, j] = False
                found += 1
            error = max(error, (plain * gains[j] + rounding[j]) * weight)
            size = max(size, abs(value) * weight)
            rows[v, column + j] = value
        rows[v, EPS] = error * (1.0 + 64.0 * UNIT)
        rows[v, SIZE] = size * (1.0 + 8.0 * UNIT)
    return found


@njit(cache=True)
def start_block(rows, row_bits, vertices, checked, column, count, scaled, doubts):
    """Signs of a block's neurons at all vertices.

    A value within its bound is written to ``doubts`` (vertex, neuron of the block) and its bit left unset, except at
    the first ``checked`` vertices, whose signs are known to be certain.  Returns the number of doubts (which may
    exceed the room in ``doubts``).
    """
    found = 0
    for v in range(vertices):
        bits = NONE
        bound = rows[v, EPS] * 2.0 ** (rows[v, AMP] / STEPS) * (1.0 + 16.0 * UNIT) if v >= checked else -1.0
        for k in range(count):
            value = rows[v, column + k]
            if not (abs(value) * scaled[column + k] > bound):
                if found < len(doubts):
                    doubts[found, 0] = v
                    doubts[found, 1] = k
                found += 1
            elif value > 0:
                bits |= ONE << np.uint64(k)
        row_bits[v, SIGN] = bits
    return found


@njit(cache=True)
def fill_buckets(row_bits, e64, e32, edges, heads, sizes):
    """Put every edge that some neuron cuts into the bucket of the first one."""
    heads[:] = -1
    sizes[:] = 0
    for i in range(edges):
        a = row_bits[e32[i, 0], SIGN]
        b = row_bits[e32[i, 1], SIGN]
        cut = a ^ b
        e64[i, CUT] = cut
        e64[i, POS] = a & b
        if cut != NONE:
            k = lowest_bit(cut)
            e32[i, NEXT] = heads[k]
            heads[k] = i
            sizes[k] += 1


@njit(cache=True, fastmath={"nnan", "ninf", "nsz"})
def blend(row_a, row_b, row_w, t, scaled):
    """w = a + t (b - a) on slices of rows; returns max |b - a| / scale (indices from 0 let the loop be vectorised)."""
    spread = 0.0
    for q in range(len(row_a)):
        step = row_b[q] - row_a[q]
        row_w[q] = row_a[q] + t * step
        spread = max(spread, abs(step) * scaled[q])
    return spread


@njit(cache=True)
def bucket(e32, head, count):
    """The edges of a bucket as an array."""
    order = np.empty(count, np.int32)
    i = head
    for j in range(count):
        order[j] = i
        i = e32[i, NEXT]
    return order


@njit(cache=True)
def make_vertices(
    rows, row_bits, state, column, columns, d, scaled, e64, e32, e16, heads, table, fingerprint, zeros, faces, turns,
    neuron, zero_word, functional, height_scale, doubts, cuts,
):  # fmt: skip
    """One new vertex on each edge of the current bucket; returns the number of doubtful signs."""
    k = state[2]
    below = (ONE << np.uint64(k)) - ONE
    above = ~(below | (ONE << np.uint64(k)))
    kc = column + k
    found = 0
    w = state[0]
    order = bucket(e32, heads[k], cuts)
    last = cuts - 1
    sink = NONE
    used_scales = scaled[HEAD:columns]
    for j in range(cuts):
        # ask for the memory of edges and vertices some turns before they are needed: they lie far apart
        sink ^= e64[order[min(j + 2 * AHEAD, last)], CUT]
        soon = order[min(j + AHEAD, last)]
        ahead_a = e32[soon, 0]
        ahead_b = e32[soon, 1]
        for q in range(0, columns, 8):
            sink ^= row_bits[ahead_a, q] ^ row_bits[ahead_b, q]
        i = order[j]
        a = e32[i, 0]
        b = e32[i, 1]
        value_a = rows[a, kc]
        width = value_a - rows[b, kc]
        t = value_a / width
        row_w = rows[w]
        spread = blend(rows[a, HEAD:columns], rows[b, HEAD:columns], row_w[HEAD:columns], t, used_scales)
        row_w[kc] = 0.0
        size = max(rows[a, SIZE], rows[b, SIZE])
        residual = max(rows[a, EPS], rows[b, EPS])
        steps = 0
        for q in range(d - 1):
            steps += e16[i, ZEROS + d - 1 + q]
        # both ends are off the edge's line by no more than this
        off = residual * 2.0 ** (steps / STEPS) * (1.0 + 16.0 * UNIT)
        room = abs(width) * scaled[kc] * (1.0 - 8.0 * UNIT) - 2.0 * off * (1.0 + 8.0 * UNIT)
        turn = HOPELESS
        rows[w, RATE] = 0.0
        rows[w, RATE_ERROR] = np.inf
        if room > 0.0:
            ratio = 1.0 + (spread + 2.0 * off) / room * (1.0 + 32.0 * UNIT)
            if ratio < 1e300:
                turn = min(HOPELESS, np.int64(np.ceil(STEPS * np.log2(ratio) + 1e-6)))
            rise = 0.0
            for q in range(d):
                rise += functional[q] * (rows[b, HEAD + q] - rows[a, HEAD + q])
            rate = -rise / width
            rows[w, RATE] = rate
            slack = (2.0 * off + 64.0 * UNIT * size) * (1.0 + 32.0 * UNIT)
            rows[w, RATE_ERROR] = slack * (height_scale * scaled[kc] + abs(rate)) / room * (1.0 + 64.0 * UNIT)
        residual = (residual + 16.0 * UNIT * size) * (1.0 + 8.0 * UNIT)
        rows[w, EPS] = residual
        rows[w, AMP] = steps + turn
        rows[w, SIZE] = size * (1.0 + 4.0 * UNIT)
        turns[w] = turn
        bound = residual * 2.0 ** ((steps + turn) / STEPS) * (1.0 + 16.0 * UNIT) if turn < HOPELESS else np.inf
        sign_a = row_bits[a, SIGN]
        sign_b = row_bits[b, SIGN]
        bits = sign_a & sign_b & above
        open_bits = (sign_a ^ sign_b) & above
        while open_bits != NONE:
            q = lowest_bit(open_bits)
            open_bits &= open_bits - ONE
            value = abs(row_w[column + q]) * scaled[column + q]
            if not value > bound and room > 0.0:
                # the same bound again, with what this neuron alone changes along the edge
                step = abs(rows[b, column + q] - rows[a, column + q]) * scaled[column + q] * (1.0 + 4.0 * UNIT)
                own = off + 16.0 * UNIT * size
                own *= 1.0 + (step + 2.0 * off) / room * (1.0 + 32.0 * UNIT)
                certain = value > own * (1.0 + 32.0 * UNIT)
            else:
                certain = value > bound
            if not certain:
                if found < len(doubts):
                    doubts[found, 0] = w
                    doubts[found, 1] = q
                found += 1
            elif row_w[column + q] > 0.0:
                bits |= ONE << np.uint64(q)
        row_bits[w, SIGN] = bits
        fingerprint[w] = e64[i, BASE] + word_sum(table, e64[i, POS] & below) + zero_word
        faces[w] = e32[i, FACE] & FACE_BITS
        for q in range(d):
            zeros[w, q] = -1
        q = 0
        while q < d - 1 and e16[i, ZEROS + q] >= 0:
            zeros[w, q] = e16[i, ZEROS + q]
            q += 1
        zeros[w, q] = neuron
        w += 1
    state[0] = w
    state[6] = np.int64(sink >> np.uint64(1))
    return found


@njit(cache=True, inline="always")
def into_bucket(i, cut, e64, e32, heads, sizes):
    e64[i, CUT] = cut
    if cut != NONE:
        k = lowest_bit(cut)
        e32[i, NEXT] = heads[k]
        heads[k] = i
        sizes[k] += 1


@njit(cache=True, inline="always")
def height_order(rows, u, w, functional, height_scale, d):
    """UP and KNOWN bits of the edge (u, w) from the heights of its ends and their error bounds."""
    rise = 0.0
    size = 0.0
    for q in range(d):
        rise += functional[q] * (rows[w, HEAD + q] - rows[u, HEAD + q])
        size += abs(functional[q]) * (abs(rows[w, HEAD + q]) + abs(rows[u, HEAD + q]))
    bound = rows[u, EPS] * 2.0 ** (rows[u, AMP] / STEPS) + rows[w, EPS] * 2.0 ** (rows[w, AMP] / STEPS)
    bound = (bound * height_scale + 8.0 * UNIT * d * size) * (1.0 + 64.0 * UNIT)
    if rise > bound:
        return UP | KNOWN
    if rise < -bound:
        return KNOWN
    return 0


@njit(cache=True)
def direction(rows, e32, i, other, other_half, u, w, positive_a, positive_b, functional, height_scale, d):
    """UP and KNOWN bits of the new edge (u, w), where u was made on edge ``other`` and w on edge i.

    Where the two edges meet in a vertex v, the heights of u and w differ by the neuron's value at v times the
    difference of the two rates: that sign is certain however near to v the new edge is.  ``positive_a`` and
    ``positive_b`` tell whether the neuron is positive at the ends of edge i.
    """
    meet = False
    positive = False
    a = e32[i, 0]
    b = e32[i, 1]
    if a == e32[other, 0] or a == e32[other_half, 1]:
        meet = True
        positive = positive_a
    elif b == e32[other, 0] or b == e32[other_half, 1]:
        meet = True
        positive = positive_b
    if meet:
        turn = rows[w, RATE] - rows[u, RATE]
        if abs(turn) > (rows[w, RATE_ERROR] + rows[u, RATE_ERROR]) * (1.0 + 8.0 * UNIT):
            return (UP | KNOWN) if (turn > 0.0) != positive else KNOWN
    return height_order(rows, u, w, functional, height_scale, d)


@njit(cache=True)
def connect(
    rows, row_bits, state, d, e64, e32, e16, heads, sizes, table, fingerprint, turns, neuron, block_first, zero,
    positive, face_word, cover_start, covers, longest, words, functional, height_scale, tolerant,
):  # fmt: skip
    """Halve the edges of the current bucket and join new vertices that lie on a common 2-face.

    Keys of 2-faces are paired in one pass over an open-addressing table; a key that does not occur exactly twice
    counts as bad, unless ``tolerant`` (a pruned complex has 2-faces of which one edge is missing), where only a third
    occurrence is.
    """
    k = state[2]
    cuts = sizes[k]
    first_vertex = state[0] - cuts
    bit = ONE << np.uint64(k)
    below = bit - ONE
    above = ~(below | bit)
    capacity = 16
    while capacity <= cuts * longest:
        capacity *= 2
    slots = np.zeros((capacity, 2), np.uint64)
    mask = np.uint64(capacity - 1)
    single = 0
    bad = 0
    edges = state[1]
    half = edges
    edges += cuts
    z_k = zero[neuron]
    j = 0
    i = heads[k]
    while i >= 0:
        following = e32[i, NEXT]
        w = first_vertex + j
        sign_w = row_bits[w, SIGN]
        b = e32[i, 1]
        sign_a = row_bits[e32[i, 0], SIGN]
        sign_b = row_bits[b, SIGN]
        base = e64[i, BASE]
        past = e64[i, POS] & below
        face = e32[i, FACE] & FACE_BITS
        here = base + word_sum(table, past)
        moves = 0
        for q in range(d - 1):
            if e16[i, ZEROS + q] >= 0:
                moves += 2
        neuron_moves = moves
        moves += cover_start[face + 1] - cover_start[face]
        for move in range(moves):
            # a move leaves one hyperplane (to its negative or its positive side) or moves to a larger domain face
            leave = -1
            gain = NONE
            new_face = face
            if move < neuron_moves:
                leave = e16[i, ZEROS + move // 2]
                gain = NONE - zero[leave]
                if move % 2 == 1:
                    gain += positive[leave]
            else:
                new_face = covers[cover_start[face] + move - neuron_moves]
                gain = face_word[new_face] - face_word[face]
            key = here + gain
            if key == NONE:
                key = ONE
            place = (key * MIX) >> np.uint64(20) & mask
            while slots[place, 0] != NONE and slots[place, 0] != key:
                place = (place + ONE) & mask
            if slots[place, 0] == NONE:
                slots[place, 0] = key
                slots[place, 1] = np.uint64(i) + ONE
                single += 1
                continue
            partner = slots[place, 1]
            if partner == NONE:
                bad += 1
                continue
            slots[place, 1] = NONE
            single -= 1
            other = np.int64(partner - ONE)
            u = e32[other, 1]  # that edge has been halved already
            n = edges
            edges += 1
            e32[n, 0] = u
            e32[n, 1] = w
            e32[n, FACE] = new_face | direction(
                rows,
                e32,
                i,
                other,
                half + u - first_vertex,
                u,
                w,
                sign_a & bit != NONE,
                sign_b & bit != NONE,
                functional,
                height_scale,
                d,
            )
            r = 0
            for q in range(d - 1):
                z = e16[i, ZEROS + q]
                if z >= 0 and z != leave:
                    steps = e16[i, ZEROS + d - 1 + q]
                    for p in range(d - 1):
                        if e16[other, ZEROS + p] == z:
                            steps = max(steps, e16[other, ZEROS + d - 1 + p])
                    e16[n, ZEROS + r] = z
                    e16[n, ZEROS + d - 1 + r] = steps
                    r += 1
            e16[n, ZEROS + r] = neuron
            e16[n, ZEROS + d - 1 + r] = min(turns[u], turns[w])
            for q in range(r + 1, d - 1):
                e16[n, ZEROS + q] = -1
                e16[n, ZEROS + d - 1 + q] = 0
            pos = past
            new_base = base + z_k + gain
            if leave >= block_first and move % 2 == 1:
                # its sign lives in POS while the block lasts
                pos |= ONE << np.uint64(leave - block_first)
                new_base -= positive[leave]
            e64[n, BASE] = new_base
            sign_u = row_bits[u, SIGN]
            e64[n, POS] = pos | (sign_u & sign_w & above)
            into_bucket(n, (sign_u ^ sign_w) & above, e64, e32, heads, sizes)
        f = half + j
        for q in range(words):
            e64[f, q] = e64[i, q]
        e32[f, 0] = w
        e64[f, POS] = past | (sign_b & bit) | (sign_b & sign_w & above)
        into_bucket(f, (sign_b ^ sign_w) & above, e64, e32, heads, sizes)
        e32[i, 1] = w
        e64[i, POS] = past | (sign_a & bit) | (sign_a & sign_w & above)
        into_bucket(i, (sign_a ^ sign_w) & above, e64, e32, heads, sizes)
        fingerprint[w] += word_sum(table, sign_w & above)
        j += 1
        i = following
    state[1] = edges
    if not tolerant:
        bad += single
    return bad


@njit(cache=True)
def cut_block(
    rows, row_bits, state, column, columns, count, d, scaled, e64, e32, e16, heads, sizes, table, fingerprint, zeros,
    faces, turns, block_first, zero, positive, face_word, cover_start, covers, longest, words, functional,
    height_scale, doubts, tolerant,
):  # fmt: skip
    """Cut by the neurons ``state[2]..count-1`` of a block; returns DONE, NEED_ROOM or DOUBT, to be called again."""
    while state[2] < count:
        k = state[2]
        cuts = sizes[k]
        if cuts > 0:
            neuron = block_first + k
            if state[3] == 0:
                if state[0] + cuts > len(rows) or state[1] + cuts + cuts * longest // 2 > len(e64):
                    return NEED_ROOM
                found = make_vertices(
                    rows, row_bits, state, column, columns, d, scaled, e64, e32, e16, heads, table,
                    fingerprint, zeros, faces, turns, neuron, zero[neuron], functional, height_scale, doubts, cuts,
                )  # fmt: skip
                state[3] = 1
                state[4] = found
                if found:
                    return DOUBT
            state[5] += connect(
                rows, row_bits, state, d, e64, e32, e16, heads, sizes, table, fingerprint, turns, neuron, block_first,
                zero, positive, face_word, cover_start, covers, longest, words, functional, height_scale, tolerant,
            )  # fmt: skip
            state[3] = 0
            sizes[k] = 0
            heads[k] = -1
            if state[5]:
                return DONE
        state[2] += 1
    return DONE


@njit(cache=True)
def end_block(row_bits, old_vertices, fingerprint, e64, edges, table):
    """Add the block's signs to the fingerprints of the vertices that were there before it, and of all edges."""
    for v in range(old_vertices):
        fingerprint[v] += word_sum(table, row_bits[v, SIGN])
    for i in range(edges):
        e64[i, BASE] += word_sum(table, e64[i, POS])


@njit(cache=True)
def count_by_lowest_vertex(upwards, edge_ends, edge_zeros, vertex_zeros):
    """The sum over vertices of the cells of which each is the lowest; ``upwards``: is an edge's second end higher?"""
    vertices, d = vertex_zeros.shape
    upward = np.zeros((vertices, d), np.uint8)
    blocked = np.zeros(vertices, np.uint8)
    total = np.zeros(vertices, np.int64)
    for v in range(vertices):
        for q in range(d):
            total[v] += vertex_zeros[v, q]
    for i in range(len(edge_ends)):
        low = edge_ends[i, 0]
        high = edge_ends[i, 1]
        if upwards[i] == 0:
            low, high = high, low
        edge_total = 0
        for q in range(d - 1):
            edge_total += edge_zeros[i, q]
        # padding with -1 makes the sums differ by the number of the neuron left, or by -1 towards a larger wall face
        left = total[low] - edge_total
        if left >= 0:
            for q in range(d):
                if vertex_zeros[low, q] == left:
                    upward[low, q] += 1
                    break
        if total[high] == edge_total - 1:
            blocked[high] = 1
    cells = 0
    for v in range(vertices):
        if not blocked[v]:
            ways = 1
            for q in range(d):
                if vertex_zeros[v, q] >= 0:
                    ways *= np.int64(upward[v, q])
            cells += ways
    return cells


@njit(cache=True)
def walk_polygons(start, sides, members):
    """Order the sides of polygons into cycles of vertices.

    Polygon i has the sides ``sides[start[i] : start[i + 1]]`` (pairs of vertices) in any order; its vertices are
    written to the same places of ``members``.  Returns the number of polygons that do not close.
    """
    broken = 0
    for i in range(len(start) - 1):
        low = start[i]
        high = start[i + 1]
        used = np.zeros(high - low, np.bool_)
        current = sides[low, 1]
        members[low] = sides[low, 0]
        used[0] = True
        for place in range(low + 1, high):
            members[place] = current
            found = False
            for j in range(low, high):
                if not used[j - low]:
                    if sides[j, 0] == current:
                        current = sides[j, 1]
                        found = True
                    elif sides[j, 1] == current:
                        current = sides[j, 0]
                        found = True
                    if found:
                        used[j - low] = True
                        break
            if not found:
                break
        if current != members[low] or high - low < 3:
            broken += 1
    return broken
