"""The compiled loops of the edge subdivision once more in plain Python: cuts and stages, operation for operation.

Each function takes what its twin in `nn_bridge.sign_vectors.kernels` takes; layouts are told in ``core/layout.hpp``.
Integers are Python's, cut to 64 bits where words are added; floats are IEEE doubles, so results agree to the last bit.
"""

import math

import numpy as np

from nn_bridge.sign_vectors import kernels
from tests.nn_bridge.sign_vectors.sign_vector_numbers import (
    CHUNK,
    FACE_BITS,
    HEAD,
    INFINITY,
    KNOWN,
    NEUTRAL,
    TILE,
    UNIT,
    UP_BIT,
    WORD,
    larger,
    lowest_bit,
    narrow,
    positive_bits,
    up32,
    widen,
    word_sum,
)

TWICE = (1 << 32) - 1


def word_table(words):
    table = np.zeros((8, 256), dtype=np.uint64)
    for i in range(8):
        part = [int(word) for word in words[8 * i : 8 * i + 8]]
        for byte in range(1 << len(part)):
            table[i, byte] = sum(word for k, word in enumerate(part) if byte >> k & 1) & WORD
    return table


# ---------------------------------------------------------------- stages


def later_signs(vertices, count, checked, column, units, scaled, doubts):
    amplification = vertices.rows.view(np.float32)[:, 2].astype(float)
    found = 0
    for v in range(count):
        values = vertices.rows[v, column : column + units]
        vertices.signs[v] = positive_bits(values), vertices.signs[v, 0]
        bound = vertices.rows[v, 0] * amplification[v] * (1 + 16 * UNIT)
        for k in range(units):
            if v >= checked and not abs(values[k]) * scaled[column + k] > bound:
                if found < len(doubts):
                    doubts[found] = v, k
                found += 1
    return found


def renew_sign_word(signs, v, values, done):
    signs[v, 0] = int(signs[v, 0]) & ((1 << done) - 1) | positive_bits(values) >> done << done


# ---------------------------------------------------------------- blocks


def put(edge, cut, buckets, block):
    """Put an edge into the bucket of the first neuron that cuts it, if one does."""
    if not cut:
        return
    k = lowest_bit(cut)
    at = int(buckets.next[k])
    if at % (CHUNK + 1) == 0:
        if block.free >= 0:
            chunk = block.free
            block.free = int(buckets.pool[chunk, 0])
        else:
            chunk = block.fresh
            block.fresh += 1
        buckets.pool[chunk, 0] = -1
        if buckets.head[k] < 0:
            buckets.head[k] = chunk
        else:
            buckets.pool[at // (CHUNK + 1) - 1, 0] = chunk
            buckets.size[k] += CHUNK
        at = chunk * (CHUNK + 1) + 1
    buckets.pool[divmod(at, CHUNK + 1)] = edge
    buckets.next[k] = at + 1


def edges_in(k, buckets):
    """The number of edges in a bucket."""
    return 0 if buckets.head[k] < 0 else int(buckets.size[k]) + (int(buckets.next[k]) - 1) % (CHUNK + 1)


def empty_bucket(k, buckets):
    buckets.head[k], buckets.next[k], buckets.size[k] = -1, 0, 0


def begin_block(block, vertices, edges, count, table_before, buckets):
    for k in range(64):
        empty_bucket(k, buckets)
    block.free, block.fresh = -1, 0
    for i in range(count):
        a, b = edges.view(np.int32)[i, :2]
        before = int(vertices.signs[a, 1] | vertices.signs[b, 1])
        edges[i, 1] = (int(edges[i, 1]) + word_sum(table_before, before)) & WORD
        put(i, int(vertices.signs[a, 0] ^ vertices.signs[b, 0]), buckets, block)


def end_block(vertices, count, table):
    for v in range(count):
        words = word_sum(table, int(vertices.signs[v, 0]))
        vertices.fingerprint[v] = (int(vertices.fingerprint[v]) + words) & WORD


def take_back(block, edges, order):
    e32 = edges.view(np.int32)
    for j in range(block.joined):
        e32[order[j], 1] = e32[block.edges + j, 1]


# ---------------------------------------------------------------- cuts


class Cutting:
    """The cuts of one neuron."""

    def __init__(self, block, vertices, edges, buckets, work, names, table, scaled, functional, doubts):
        self.block, self.vertices, self.buckets, self.work, self.names = block, vertices, buckets, work, names
        self.table, self.scaled, self.functional, self.doubts = table, scaled, functional, doubts
        steps = zip(functional.tolist(), scaled[HEAD : HEAD + block.dim].tolist(), strict=True)
        self.height_scale = sum(abs(c) / s for c, s in steps) * (1 + 1e-12)
        self.e64, self.e32, self.e16 = edges, edges.view(np.int32), edges.view(np.int16)
        self.rows, self.row32 = vertices.rows, vertices.rows.view(np.float32)
        records = work.records
        self.c64, self.floats = records, records.view(np.float64)
        self.c32, self.c16 = records.view(np.int32), records.view(np.int16)
        self.k, self.d = block.neuron, block.dim
        self.neuron = block.first + block.neuron
        self.below = (1 << self.k) - 1
        self.above = WORD ^ self.below ^ (1 << self.k)

    def now(self, v):
        return int(self.vertices.signs[v, 0])

    def make_vertex(self, j, i, found):
        block, rows, row32, scaled, d = self.block, self.rows, self.row32, self.scaled, self.d
        w, kc = block.vertices + j, block.column + self.k
        a, b = (int(end) for end in self.e32[i, :2])
        with np.errstate(all="ignore"):
            width = rows[a, kc] - rows[b, kc]
            t = rows[a, kc] / width
            spread = 0.0
            for q in range(HEAD, block.columns):
                step = rows[b, q] - rows[a, q]
                rows[w, q] = rows[a, q] + t * step
                spread = larger(spread, step * scaled[q])
        blended = rows[w].copy()
        rows[w, kc] = 0.0
        size = larger(float(row32[a, 3]), float(row32[b, 3]))
        residual = larger(rows[a, 0], rows[b, 0])
        amplified = 1.0
        for q in range(d - 1):
            amplified *= widen(self.e16[i, 10 + d - 1 + q])
        off = residual * amplified * (1 + 16 * UNIT)
        room = abs(width) * scaled[kc] * (1 - 8 * UNIT) - 2 * off * (1 + 8 * UNIT)
        turn = INFINITY
        if 0 < room < INFINITY:
            turn = 1 + (spread + 2 * off) / room * (1 + 32 * UNIT)
        turn16 = narrow(turn)
        residual = (residual + 16 * UNIT * size) * (1 + 8 * UNIT)
        rows[w, 0] = residual
        row32[w, 2] = up32(amplified * widen(turn16))
        row32[w, 3] = up32(size)
        bound = residual * float(row32[w, 2]) * (1 + 16 * UNIT)
        one, two = self.now(a), self.now(b)
        bits = ((one | two) & self.below) | (one & two & self.above)
        for q in range(block.count):
            if not (one ^ two) & self.above & 1 << q:
                continue
            place = block.column + q
            certain = abs(blended[place]) * scaled[place] > bound
            if not certain and 0 < room < INFINITY:
                step = abs(rows[b, place] - rows[a, place]) * scaled[place] * (1 + 4 * UNIT)
                own = (off + 16 * UNIT * size) * (1 + (step + 2 * off) / room * (1 + 32 * UNIT))
                certain = abs(blended[place]) * scaled[place] > own * (1 + 32 * UNIT)
            if certain:
                bits |= int(blended[place] > 0) << q
                continue
            if found < len(self.doubts):
                self.doubts[found] = w, q
            found += 1
        self.vertices.signs[w, 0] = bits
        self.vertices.fingerprint[w] = (int(self.e64[i, 1]) + int(self.names.zero[self.neuron])) & WORD
        self.vertices.faces[w] = self.e32[i, 4] & FACE_BITS
        height = reach = 0.0
        for q in range(d):
            term = self.functional[q] * rows[w, HEAD + q]
            height += term
            reach += abs(term)
        error = (bound * self.height_scale + 8 * UNIT * d * reach) * (1 + 64 * UNIT)
        self.floats[j, 1:3] = height, error
        self.c32[j, 8:12] = a, b, self.vertices.faces[w], bool((one ^ two) & self.above)
        self.c16[j, 24 : 24 + 2 * (d - 1)] = self.e16[i, 10 : 10 + 2 * (d - 1)]
        self.c16[j, 24 + 2 * (d - 1)] = turn16
        zeros = [z for z in self.e16[i, 10 : 10 + d - 1] if z >= 0]
        self.vertices.zeros[w] = [*zeros, self.neuron, *[-1] * (d - 1 - len(zeros))]
        return found

    def moves_of(self, j, i):
        """Moves from cut edge i to 2-faces around it: domain face, place of the zero left, key, word in the block."""
        names, face = self.names, int(self.e32[i, 4]) & FACE_BITS
        here = int(self.e64[i, 1]) + int(self.c64[j, 3])
        moves = []
        for q, leave in enumerate(self.c16[j, 24 : 24 + names.face_dim[face] - 1]):
            key = here - int(names.zero[leave])
            in_block = int(names.positive[leave]) if leave >= self.block.first else 0
            moves += [(face, q, key, 0), (face, q, key + int(names.positive[leave]), in_block)]
        for cover in names.covers[names.cover_start[face] : names.cover_start[face + 1]]:
            moves.append((int(cover), self.d, here + int(names.face[cover]) - int(names.face[face]), 0))
        return [(new_face, skip, key & WORD, in_block) for new_face, skip, key, in_block in moves]

    def rates_at(self, j):
        """The change of height along the j-th cut edge per change of the neuron, and its error."""
        rows, d, kc = self.rows, self.d, self.block.column + self.k
        a, b = (int(end) for end in self.c32[j, 8:10])
        size = larger(float(self.row32[a, 3]), float(self.row32[b, 3]))
        off = larger(rows[a, 0], rows[b, 0]) * math.prod(widen(self.c16[j, 24 + d - 1 + q]) for q in range(d - 1))
        off *= 1 + 16 * UNIT
        with np.errstate(all="ignore"):
            width = rows[a, kc] - rows[b, kc]
            room = abs(width) * self.scaled[kc] * (1 - 8 * UNIT) - 2 * off * (1 + 8 * UNIT)
        if not 0 < room < INFINITY:
            return 0.0, INFINITY
        rise = 0.0
        for q in range(d):
            rise += self.functional[q] * (rows[b, HEAD + q] - rows[a, HEAD + q])
        rate = -rise / width
        slack = (2 * off + 64 * UNIT * size) * (1 + 32 * UNIT)
        return rate, slack * (self.height_scale * self.scaled[kc] + abs(rate)) / room * (1 + 64 * UNIT)

    def direction(self, j, other):
        """UP and KNOWN bits of the new edge from the vertex of cut ``other`` to that of cut j."""
        (height, error), (height2, error2) = self.floats[j, 1:3], self.floats[other, 1:3]
        rise = height - height2
        if abs(rise) > (error + error2) * (1 + 8 * UNIT):
            return KNOWN | int(rise > 0) << UP_BIT
        shared = [end for end in self.c32[j, 8:10] if end in self.c32[other, 8:10]]
        if shared:
            (rate, rate_error), (rate2, rate_error2) = self.rates_at(j), self.rates_at(other)
            turn = rate - rate2
            if abs(turn) > (rate_error + rate_error2) * (1 + 8 * UNIT):
                positive = bool(self.now(shared[0]) >> self.k & 1)
                return KNOWN | int((turn > 0) != positive) << UP_BIT
        return 0

    def join(self, begin, end, n):
        """Join the vertices of these cuts to those before, then halve their edges; returns the next free edge."""
        block, names, slots, order = self.block, self.names, self.work.slots, self.work.order
        mask, places = block.capacity - 1, len(self.work.keys) // len(order)
        pairs = []
        for j in range(begin, end):
            sign = self.c64[j, 0] = self.now(block.vertices + j)
            self.c64[j, 3] = word_sum(self.table, int(sign) & self.below)
            moves = self.moves_of(j, order[j])
            for move, (_, _, key, _) in enumerate(moves):
                number = j * places + move
                self.work.keys[number] = key
                place = key & mask & ~1
                while slots[place] and int(slots[place]) >> 32 != key >> 32 | 1:
                    place = (place + 1) & mask
                found = int(slots[place]) & TWICE
                slots[place] = (key >> 32 | 1) << 32 | (TWICE if slots[place] else number + 1)
                if not found:
                    block.single += 1
                elif found == TWICE:
                    block.bad += 1
                else:
                    block.single -= 1
                    block.bad += int(self.work.keys[found - 1]) != key
                    pairs.append((j, *moves[move], *divmod(found - 1, places)))
        for j, new_face, skip, key, in_block, other, other_move in pairs:
            name, other_skip = key - in_block, self.moves_of(other, order[other])[other_move][1]
            self.e32[n, :2] = block.vertices + other, block.vertices + j
            self.e32[n, 4] = new_face | self.direction(j, other)
            self.write_zeros(n, self.zeros_without(j, skip), self.zeros_without(other, other_skip), j, other)
            self.e64[n, 1] = (name - int(self.c64[j, 3]) + int(names.zero[self.neuron])) & WORD
            put(n, int(self.c64[other, 0] ^ self.c64[j, 0]) & self.above, self.buckets, block)
            n += 1
        for j in range(begin, end):
            self.halve(j, int(order[j]))
        return n

    def halve(self, j, i):
        w, f = self.block.vertices + j, self.block.edges + j
        a, b = (int(end) for end in self.c32[j, 8:10])
        sign = int(self.c64[j, 0])
        self.e64[f, 1] = self.e64[i, 1]
        self.e32[f, 4] = self.e32[i, 4]
        self.e16[f, 10 : 10 + 2 * (self.d - 1)] = self.e16[i, 10 : 10 + 2 * (self.d - 1)]
        self.e32[f, :2] = w, b
        self.e32[i, 1] = w
        put(f, (self.now(b) ^ sign) & self.above, self.buckets, self.block)
        put(i, (self.now(a) ^ sign) & self.above, self.buckets, self.block)

    def zeros_without(self, j, skip):
        """(zero, amplification) of the j-th cut edge but for one place."""
        record = self.c16[j, 24:].tolist()
        pairs = zip(record[: self.d - 1], record[self.d - 1 : 2 * (self.d - 1)], strict=True)
        return [(z, a) for q, (z, a) in enumerate(pairs) if z >= 0 and q != skip]

    def write_zeros(self, n, one, two, j, other):
        assert [z for z, _ in one] == [z for z, _ in two]
        last = 24 + 2 * (self.d - 1)
        spare = self.d - 2 - len(one)
        turn = min(self.c16[j, last], self.c16[other, last])
        self.e16[n, 10 : 10 + self.d - 1] = [*(z for z, _ in one), self.neuron, *[-1] * spare]
        larger_of = [max(a, b) for (_, a), (_, b) in zip(one, two, strict=True)]
        self.e16[n, 10 + self.d - 1 : 10 + 2 * (self.d - 1)] = [*larger_of, turn, *[NEUTRAL] * spare]

    def run(self):
        """All cuts, from where the block says; whether signs are open that must be decided first."""
        block, order = self.block, self.work.order
        found = 0
        while block.joined < block.cuts:
            if block.made < block.cuts and (block.made == block.joined or found):
                stop = min(block.cuts, block.made + TILE)
                for j in range(block.made, stop):
                    found = self.make_vertex(j, int(order[j]), found)
                block.made = stop
            elif found:
                break
            else:
                end = min(block.made, block.joined + TILE)
                block.next_edge = self.join(block.joined, end, block.next_edge)
                block.joined = end
        block.found = found
        return found > 0


def begin_neuron(c):
    """Prepare the cuts of the block's present neuron; False where the arrays are too short."""
    block, buckets = c.block, c.buckets
    cuts = block.cuts = edges_in(c.k, buckets)
    capacity = 16
    while 3 * capacity < 4 * (cuts * block.longest + 2):
        capacity *= 2
    edges = block.edges + cuts + cuts * block.longest // 2
    if block.vertices + cuts > len(c.rows) or edges > len(c.e64):
        return False
    if cuts > len(c.work.order) or capacity > len(c.work.slots):
        return False
    chunk, at = int(buckets.head[c.k]), 0
    while at < cuts:
        part = min(CHUNK, cuts - at)
        c.work.order[at : at + part] = buckets.pool[chunk, 1 : 1 + part]
        at += part
        following = int(buckets.pool[chunk, 0])
        buckets.pool[chunk, 0] = block.free
        block.free, chunk = chunk, following
    empty_bucket(c.k, buckets)
    c.work.slots[:capacity] = 0
    block.capacity, block.next_edge = capacity, block.edges + cuts
    block.made = block.joined = block.single = 0
    block.begun = True
    return True


def cut_block(block, *arrays):
    while block.neuron < block.count:
        c = Cutting(block, *arrays)
        if block.begun or edges_in(c.k, c.buckets):
            if not block.begun and not begin_neuron(c):
                return kernels.NEED_ROOM
            if c.run():
                return kernels.DOUBT
            block.begun = False
            block.vertices += block.cuts
            block.edges = block.next_edge
            block.bad += 0 if block.tolerant else block.single
            if block.bad:
                return kernels.DONE
        block.neuron += 1
    return kernels.DONE
