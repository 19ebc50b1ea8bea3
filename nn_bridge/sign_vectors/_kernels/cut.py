"""Cut the edges by the neurons of a block: new vertices, halves of edges, and edges between new vertices.

One pass over the edges that a neuron cuts does everything: the new vertex is made, its 2-faces are looked up among
those of the edges before, and where one is found the two vertices are joined.  Only doubtful signs interrupt this.
"""

import numpy as np

from nn_bridge.sign_vectors._kernels.layout import (
    AMP,
    BAD,
    BASE,
    CAPACITY,
    CHUNK,
    COLUMN,
    COLUMNS,
    COUNT,
    CUTS,
    DIM,
    EDGES,
    ENDS,
    EPS,
    FACE,
    FACE_BITS,
    FIRST,
    FOUND,
    FREE,
    HEAD,
    HEIGHT,
    HEIGHT_ERROR,
    JOINED,
    KNOWN,
    LONGEST,
    MADE,
    NEURON,
    NEUTRAL,
    NEXT_EDGE,
    NONE,
    NOW,
    ONE,
    OWN,
    PHASE,
    RATE,
    RATE_ERROR,
    SIGN,
    SINGLE,
    SIZE,
    TOLERANT,
    TWO,
    UNIT,
    UP_BIT,
    VERTICES,
    ZEROS,
    bits_of,
    entry,
    float_of,
    inline,
    inner,
    larger,
    lowest_bit,
    narrow,
    prefetch,
    put,
    up32,
    widen,
    word_sum,
)

DONE, NEED_ROOM, DOUBT = 0, 1, 2
MIX = np.uint64(0x9E3779B97F4A7C15)
EDGE_AHEAD, ROW_AHEAD = 8, 4  # turns between asking for memory and using it
LAG = 4  # turns between making a vertex, which asks for the slots of its 2-faces, and joining it
LINE = 8  # numbers in a cache line
LOW32 = np.uint64(0xFFFFFFFF)


@inline
def blend(flat, a, b, w, count, t, scaled, column):
    """w = a + t (b - a) for ``count`` numbers from these places on; returns max |b - a| / scale.

    All numbers are unsigned: so no index can be negative, and the loop is vectorised.
    """
    spread = np.int64(0)
    for q in range(count):
        start = flat[a + q]
        step = flat[b + q] - start
        flat[w + q] = start + t * step
        spread = max(spread, bits_of(abs(step * scaled[column + q])))
    return float_of(spread)


@inline
def sign_masks(flat, a, b, count, t, scaled, column, bound):
    """Of a + t (b - a): bit q: number q is positive; bit q: its sign is not certain with this bound.

    Without branches, so that it is vectorised.  The numbers are computed once more, since reading them back where
    `blend` has just written them would wait for these writes.
    """
    positive = NONE
    unsure = NONE
    for q in range(count):
        value = flat[a + q] + t * (flat[b + q] - flat[a + q])
        positive |= np.uint64(value > 0.0) << np.uint64(q)
        unsure |= np.uint64(not (abs(value) * scaled[column + q] > bound)) << np.uint64(q)
    return positive, unsure


@inline
def slot_of(key, mask):
    """Where the search for a key begins."""
    return ((key * MIX) >> np.uint64(20)) & mask


@inline
def make_vertex(
    j, i, w, k, units, neuron, zero_word, column, columns, d, vertices, flat, edges, work, scaled, functional,
    height_scale, doubts, found,
):  # fmt: skip
    """The vertex on the j-th edge i that neuron k of the block cuts, in row w; returns the doubts found so far."""
    rows, row32, signs, zeros = vertices.rows, vertices.row32, vertices.signs, vertices.zeros
    e32, e16 = edges.e32, edges.e16
    floats, c16 = work.floats, work.c16
    below = (ONE << k) - ONE
    above = ~(below | (ONE << k))
    kc = np.uintp(column) + k
    a = np.uintp(e32[i, 0])
    b = np.uintp(e32[i, 1])
    value_a = rows[a, kc]
    width = value_a - rows[b, kc]
    t = value_a / width
    stride = np.uintp(rows.shape[1])
    head = np.uintp(HEAD)
    count = np.uintp(columns) - head
    spread = blend(flat, a * stride + head, b * stride + head, w * stride + head, count, t, scaled, head)
    rows[w, kc] = 0.0
    size = larger(np.float64(row32[a, SIZE]), np.float64(row32[b, SIZE]))
    residual = larger(rows[a, EPS], rows[b, EPS])
    amplified = 1.0
    for q in range(d - 1):
        amplified *= widen(e16[i, ZEROS + d - 1 + q])
    # both ends are off the edge's line by no more than this
    off = residual * amplified * (1.0 + 16.0 * UNIT)
    room = abs(width) * scaled[kc] * (1.0 - 8.0 * UNIT) - 2.0 * off * (1.0 + 8.0 * UNIT)
    turn = np.inf
    rate = 0.0
    rate_error = np.inf
    if 0.0 < room < np.inf:  # the width may have overflowed
        turn = 1.0 + (spread + 2.0 * off) / room * (1.0 + 32.0 * UNIT)
        rise = 0.0
        for q in range(d):
            rise += functional[q] * (rows[b, HEAD + q] - rows[a, HEAD + q])
        rate = -rise / width
        slack = (2.0 * off + 64.0 * UNIT * size) * (1.0 + 32.0 * UNIT)
        rate_error = slack * (height_scale * scaled[kc] + abs(rate)) / room * (1.0 + 64.0 * UNIT)
    turn16 = narrow(turn)
    turn = widen(turn16)
    residual = (residual + 16.0 * UNIT * size) * (1.0 + 8.0 * UNIT)
    rows[w, EPS] = residual
    total = up32(amplified * turn)
    row32[w, AMP] = total
    row32[w, SIZE] = up32(size)
    bound = residual * np.float64(total) * (1.0 + 16.0 * UNIT)
    sign_a = signs[a, NOW]
    sign_b = signs[b, NOW]
    bits = ((sign_a | sign_b) & below) | (sign_a & sign_b & above)
    open_bits = (sign_a ^ sign_b) & above
    place = np.uintp(column)
    positive, unsure = sign_masks(
        flat, a * stride + place, b * stride + place, np.uintp(units), t, scaled, place, bound
    )
    unsure &= open_bits
    bits |= positive & open_bits
    while unsure != NONE:
        q = lowest_bit(unsure)
        unsure &= unsure - ONE
        place = np.uintp(column) + q
        certain = False
        if 0.0 < room < np.inf:
            # the same bound again, with what this neuron alone changes along the edge
            step = abs(rows[b, place] - rows[a, place]) * scaled[place] * (1.0 + 4.0 * UNIT)
            own = off + 16.0 * UNIT * size
            own *= 1.0 + (step + 2.0 * off) / room * (1.0 + 32.0 * UNIT)
            certain = abs(rows[w, place]) * scaled[place] > own * (1.0 + 32.0 * UNIT)
        if not certain:
            bits &= ~(ONE << q)
            if found < len(doubts):
                doubts[found, 0] = w
                doubts[found, 1] = q
            found += 1
    signs[w, NOW] = bits
    vertices.fingerprint[w] = edges.e64[i, BASE] + zero_word
    face = e32[i, FACE] & FACE_BITS
    vertices.faces[w] = face
    # the record
    height = 0.0
    reach = 0.0
    for q in range(d):
        term = functional[q] * rows[w, HEAD + q]
        height += term
        reach += abs(term)
    floats[j, HEIGHT] = height
    floats[j, HEIGHT_ERROR] = (bound * height_scale + 8.0 * UNIT * d * reach) * (1.0 + 64.0 * UNIT)
    floats[j, RATE] = rate
    floats[j, RATE_ERROR] = rate_error
    work.c32[j, ENDS] = a
    work.c32[j, ENDS + 1] = b
    last = -1
    for q in range(d - 1):
        z = e16[i, ZEROS + q]
        c16[j, OWN + q] = z
        c16[j, OWN + d - 1 + q] = e16[i, ZEROS + d - 1 + q]
        zeros[w, q] = z
        if z >= 0:
            last = q
    zeros[w, d - 1] = -1
    zeros[w, last + 1] = neuron
    c16[j, OWN + 2 * (d - 1)] = turn16
    return found


@inline
def name_faces(j, i, w, k, block_first, capacity, d, signs, edges, work, slots_flat, names, table):
    """The keys of the 2-faces around cut edge i, one for every move that leads to it; asks for their slots.

    A move leaves one hyperplane (to its negative or its positive side) or goes to a larger domain face.
    """
    c16, keys = work.c16, work.keys
    here = edges.e64[i, BASE] + word_sum(table, signs[w, NOW] & ((ONE << k) - ONE))
    face = edges.e32[i, FACE] & FACE_BITS
    zeros = names.face_dim[face] - 1
    at = np.uintp(0)
    mask = np.uint64(capacity - 1)
    for q in range(zeros):
        leave = np.uintp(c16[j, OWN + q])
        key = here - names.zero[leave]
        keys[j, at] = key
        prefetch(slots_flat, TWO * slot_of(key, mask))
        key += names.positive[leave]
        keys[j, at + ONE] = key
        prefetch(slots_flat, TWO * slot_of(key, mask))
        at += TWO
    first = np.uintp(names.cover_start[face])
    for cover in range(first, np.uintp(names.cover_start[face + 1])):
        key = here + names.face[names.covers[cover]] - names.face[face]
        keys[j, at] = key
        prefetch(slots_flat, TWO * slot_of(key, mask))
        at += ONE


@inline
def direction(j, other, bit, signs, work):
    """UP and KNOWN bits of the new edge from the vertex of cut ``other`` to that of cut j.

    Heights tell, unless they are too close.  But where the two edges meet in a vertex v, the heights differ by the
    neuron's value at v times the difference of the two rates: that sign is certain however near to v the new edge is.
    """
    floats, c32 = work.floats, work.c32
    rise = floats[j, HEIGHT] - floats[other, HEIGHT]
    if abs(rise) > (floats[j, HEIGHT_ERROR] + floats[other, HEIGHT_ERROR]) * (1.0 + 8.0 * UNIT):
        return KNOWN | (np.int64(rise > 0.0) << UP_BIT)
    a = c32[j, ENDS]
    b = c32[j, ENDS + 1]
    corner = -1
    if a == c32[other, ENDS] or a == c32[other, ENDS + 1]:
        corner = a
    elif b == c32[other, ENDS] or b == c32[other, ENDS + 1]:
        corner = b
    if corner >= 0:
        turn = floats[j, RATE] - floats[other, RATE]
        if abs(turn) > (floats[j, RATE_ERROR] + floats[other, RATE_ERROR]) * (1.0 + 8.0 * UNIT):
            positive = signs[np.uintp(corner), NOW] & bit != NONE
            return KNOWN | (np.int64((turn > 0.0) != positive) << UP_BIT)
    return 0


@inline
def join_vertex(
    j, i, first, half, n, k, neuron, block_first, d, capacity, signs, edges, buckets, work, names, table, state,
):  # fmt: skip
    """Halve the j-th cut edge i and join its vertex to those before it on common 2-faces; returns the next free edge.

    Keys of 2-faces are paired in an open-addressing table.  A third occurrence of a key is bad.
    """
    e64, e32, e16 = edges.e64, edges.e32, edges.e16
    pool, head, tail, fill, size = buckets.pool, buckets.head, buckets.tail, buckets.fill, buckets.size
    c64, c16, slots = work.c64, work.c16, work.slots
    bit = ONE << k
    below = bit - ONE
    above = ~(below | bit)
    w = first + j
    a = np.uintp(work.c32[j, ENDS])
    b = np.uintp(work.c32[j, ENDS + 1])
    sign_w = signs[w, NOW]
    sign_a = signs[a, NOW]
    sign_b = signs[b, NOW]
    c64[j, SIGN] = sign_w
    marks = e32[i, FACE]
    face = marks & FACE_BITS
    own_words = word_sum(table, sign_w & below)
    neuron_moves = 2 * (names.face_dim[face] - 1)
    first_cover = names.cover_start[face]
    moves = neuron_moves + names.cover_start[face + 1] - first_cover
    mask = np.uint64(capacity - 1)
    z_k = names.zero[neuron]
    turn16 = c16[j, OWN + 2 * (d - 1)]
    for move in range(moves):
        new_face = face
        skip = d
        if move < neuron_moves:
            skip = move >> 1
        else:
            new_face = names.covers[first_cover + move - neuron_moves]
        name = work.keys[j, move]
        key = name if name != NONE else ONE
        place = slot_of(key, mask)
        while slots[place, 0] != NONE and slots[place, 0] != key:
            place = (place + ONE) & mask
        if slots[place, 0] == NONE:
            slots[place, 0] = key
            # the number of the edge plus one, and of the zero that it left
            slots[place, 1] = ((np.uint64(j) + ONE) << np.uint64(32)) | np.uint64(skip)
            state[SINGLE] += 1
            continue
        partner = slots[place, 1]
        if partner == NONE:
            state[BAD] += 1
            continue
        slots[place, 1] = NONE
        state[SINGLE] -= 1
        other = np.uintp((partner >> np.uint64(32)) - ONE)
        other_skip = np.int64(partner & LOW32)
        u = first + other
        e32[n, 0] = u
        e32[n, 1] = w
        e32[n, FACE] = new_face | direction(j, other, bit, signs, work)
        # both edges have the zeros of their 2-face in the same order, and each at most one more
        r = 0
        p = 0
        for q in range(d - 1):
            if q == skip:
                continue
            z = c16[j, OWN + q]
            if z < 0:
                break
            if p == other_skip:
                p += 1
            e16[n, ZEROS + r] = z
            e16[n, ZEROS + d - 1 + r] = max(c16[j, OWN + d - 1 + q], c16[other, OWN + d - 1 + p])
            p += 1
            r += 1
        e16[n, ZEROS + r] = neuron
        e16[n, ZEROS + d - 1 + r] = min(turn16, c16[other, OWN + 2 * (d - 1)])
        for q in range(r + 1, d - 1):
            e16[n, ZEROS + q] = -1
            e16[n, ZEROS + d - 1 + q] = NEUTRAL
        new_base = name - own_words + z_k
        if move < neuron_moves and move & 1:
            leave = c16[j, OWN + skip]
            # the sign of a neuron of this block lives in the sign words while the block lasts
            new_base -= names.positive[leave] if leave >= block_first else NONE
        e64[n, BASE] = new_base
        put(n, (c64[other, SIGN] ^ sign_w) & above, pool, head, tail, fill, size, state)
        n += np.uintp(1)
    f = half + j
    e32[f, 0] = w
    e32[f, 1] = b
    e64[f, BASE] = e64[i, BASE]
    e32[f, FACE] = marks
    for q in range(d - 1):
        e16[f, ZEROS + q] = c16[j, OWN + q]
        e16[f, ZEROS + d - 1 + q] = c16[j, OWN + d - 1 + q]
    put(f, (sign_b ^ sign_w) & above, pool, head, tail, fill, size, state)
    e32[i, 1] = w
    put(i, (sign_a ^ sign_w) & above, pool, head, tail, fill, size, state)
    return n


@inner
def cut_neuron(
    state, axes, vertices, flat, signs_flat, edges, edges_flat, buckets, work, names, table, scaled, functional,
    height_scale, doubts,
):  # fmt: skip
    """All cuts of one neuron, from where the state says; True where signs are open that must be decided first."""
    k = np.uint64(state[NEURON])
    d = len(axes) if len(axes) else state[DIM]
    column, columns = state[COLUMN], state[COLUMNS]
    neuron = state[FIRST] + state[NEURON]
    cuts = np.uintp(state[CUTS])
    first = np.uintp(state[VERTICES])
    half = np.uintp(state[EDGES])
    n = np.uintp(state[NEXT_EDGE])
    made = np.uintp(state[MADE])
    joined = np.uintp(state[JOINED])
    capacity = state[CAPACITY]
    order = work.order
    e32 = edges.e32
    one = np.uintp(1)
    last = cuts - one
    row_stride = np.uintp(vertices.rows.shape[1])
    edge_stride = np.uintp(edges.e64.shape[1])
    zero_word = names.zero[neuron]
    block_first = state[FIRST]
    slots_flat = work.slots_flat
    found = 0
    while joined < cuts:
        if made < cuts and (made < joined + np.uintp(LAG) or found > 0):
            soon = np.uintp(order[min(made + np.uintp(EDGE_AHEAD), last)])
            prefetch(edges_flat, soon * edge_stride)
            soon = np.uintp(order[min(made + np.uintp(ROW_AHEAD), last)])
            a = np.uintp(e32[soon, 0])
            b = np.uintp(e32[soon, 1])
            prefetch(signs_flat, a * TWO)
            prefetch(signs_flat, b * TWO)
            for q in range(0, columns, LINE):
                prefetch(flat, a * row_stride + np.uintp(q))
                prefetch(flat, b * row_stride + np.uintp(q))
            i = np.uintp(order[made])
            w = first + made
            found = make_vertex(
                made, i, w, k, state[COUNT], neuron, zero_word, column, columns, d, vertices, flat, edges, work, scaled,
                functional, height_scale, doubts, found,
            )  # fmt: skip
            name_faces(made, i, w, k, block_first, capacity, d, vertices.signs, edges, work, slots_flat, names, table)
            made += one
            continue
        if found > 0:
            break
        n = join_vertex(
            joined, np.uintp(order[joined]), first, half, n, k, neuron, block_first, d, capacity,
            vertices.signs, edges, buckets, work, names, table, state,
        )  # fmt: skip
        joined += one
    state[MADE] = made
    state[JOINED] = joined
    state[NEXT_EDGE] = n
    state[FOUND] = found
    return found > 0


@inner
def list_bucket(k, buckets, order, state):
    """Write the edges of a bucket to ``order`` and give its chunks back."""
    pool = buckets.pool
    chunk = buckets.head[k]
    total = buckets.size[k]
    at = 0
    while at < total:
        place = np.uintp(chunk)
        for q in range(1, min(CHUNK, total - at) + 1):
            order[at] = pool[place, q]
            at += 1
        following = pool[place, 0]
        pool[place, 0] = state[FREE]
        state[FREE] = chunk
        chunk = following
    buckets.head[k] = -1
    buckets.tail[k] = -1
    buckets.fill[k] = CHUNK + 1
    buckets.size[k] = 0


@entry
def cut_block(
    state, axes, vertices, flat, signs_flat, edges, edges_flat, buckets, work, names, table, scaled, functional,
    height_scale, doubts,
):  # fmt: skip
    """Cut by the neurons from ``state[NEURON]`` on; returns DONE, NEED_ROOM or DOUBT, to be called again.

    ``axes`` is a tuple with one number per dimension, or empty: its length is part of its type, so that the loops over
    dimensions are unrolled (8 % of the time where d = 3).
    """
    while state[NEURON] < state[COUNT]:
        k = state[NEURON]
        if state[PHASE] == 0:
            cuts = buckets.size[k]
            if cuts == 0:
                state[NEURON] += 1
                continue
            longest = state[LONGEST]
            # every 2-face comes twice, unless the complex is pruned; at most three quarters of the table are used
            faces = cuts * longest if state[TOLERANT] else cuts * longest // 2 + 1
            capacity = 16
            while 3 * capacity < 4 * faces:
                capacity *= 2
            room = state[VERTICES] + cuts <= len(vertices.rows)
            room = room and state[EDGES] + cuts + cuts * longest // 2 <= len(edges.e64)
            if not (room and cuts <= len(work.order) and capacity <= len(work.slots)):
                state[CUTS] = cuts
                return NEED_ROOM
            list_bucket(k, buckets, work.order, state)
            work.slots[:capacity] = NONE
            state[CUTS] = cuts
            state[CAPACITY] = capacity
            state[NEXT_EDGE] = state[EDGES] + cuts
            state[MADE] = 0
            state[JOINED] = 0
            state[SINGLE] = 0
            state[PHASE] = 1
        if cut_neuron(
            state, axes, vertices, flat, signs_flat, edges, edges_flat, buckets, work, names, table, scaled, functional,
            height_scale, doubts,
        ):  # fmt: skip
            return DOUBT
        state[PHASE] = 0
        state[VERTICES] += state[CUTS]
        state[EDGES] = state[NEXT_EDGE]
        if not state[TOLERANT]:
            state[BAD] += state[SINGLE]
        if state[BAD]:
            return DONE
        state[NEURON] += 1
    return DONE


@entry
def take_back(state, edges, order):
    """Undo the cuts of a neuron that was left half-way: the halves joined so far become whole edges again."""
    for j in range(state[JOINED]):
        edges.e32[order[j], 1] = edges.e32[state[EDGES] + j, 1]
