"""The compiled loops of the edge subdivision once more in plain Python: cuts and stages, operation for operation.

Each function takes what its twin in `nn_bridge.sign_vectors.kernels` takes; layouts are told in ``core/layout.hpp``.
Integers are Python's, cut to 64 bits where words are added; floats are IEEE doubles, so results agree to the last bit.
"""

import math

import numpy as np

from nn_bridge.sign_vectors import kernels

UNIT = 2.0**-53
HEAD, CHUNK, NEUTRAL = 2, 63, 0x3F80
UP_BIT, UP, KNOWN, FACE_BITS = 29, 1 << 29, 1 << 30, (1 << 29) - 1
MIX, WORD = 0x9E3779B97F4A7C15, (1 << 64) - 1
LAG, INFINITY = 4, math.inf


def widen(half):
    return float(np.array([int(half) << 16], dtype=np.int32).view(np.float32)[0])


def narrow(value):
    bits = int(np.array([value * (1 + 2.0**-20)]).astype(np.float32).view(np.int32)[0])
    return int(np.array((bits + 0xFFFF) >> 16).astype(np.int16))


def up32(value):
    return np.array([value * (1 + 2.0**-22)]).astype(np.float32)[0]


def larger(one, two):
    """The larger absolute value; NaN if one is."""
    return math.nan if math.isnan(one) or math.isnan(two) else max(abs(one), abs(two))


def divide(a, b):
    with np.errstate(all="ignore"):
        return float(np.float64(a) / np.float64(b))


def word_sum(table, bits):
    return sum(int(table[i, (bits >> 8 * i) & 255]) for i in range(8)) & WORD


def lowest_bit(word):
    return (word & -word).bit_length() - 1


def positive_bits(values):
    return sum(1 << k for k, value in enumerate(values) if value > 0)


def word_table(words):
    table = np.zeros((8, 256), dtype=np.uint64)
    for i in range(8):
        part = [int(word) for word in words[8 * i : 8 * i + 8]]
        for byte in range(1 << len(part)):
            table[i, byte] = sum(word for k, word in enumerate(part) if byte >> k & 1) & WORD
    return table


# ---------------------------------------------------------------- stages


def read_units(rows, column, inputs):
    part = rows[:, column : column + inputs.shape[1]]
    inputs[:] = np.where(part > 0, part, 0.0)


def read_active(rows, column, active):
    active[:] = rows[:, column : column + active.shape[1]] >= 0


def gain_of(gains, i, j):
    return gains.base[j] + (float(gains.part[i, j]) * (1 + 1e-4) + 1e-30) * gains.most


def column_variation(rows, ends, kept, gains, scaled, column, slope, worst):
    half = len(ends) // 2
    share = 1 / half
    sizes = rows.view(np.float32)[:, 3].astype(float)
    slope[:] = worst[:] = 0
    for i in range(half):
        a, b = ends[i], ends[half + i]
        residual = max(rows[a, 0], rows[b, 0]) * share
        for place, start, count in kept:
            for q in range(count):
                slope[place + q] += abs(rows[a, start + q] - rows[b, start + q]) * share
                worst[place + q] += residual / scaled[start + q]
        for j in range(gains.values.shape[1]):
            slope[column + j] += abs(gains.values[i, j] - gains.values[half + i, j]) * share
            errors = [
                gain_of(gains, at, j) * (rows[v, 0] + gains.gamma * sizes[v]) for at, v in ((i, a), (half + i, b))
            ]
            worst[column + j] += (max(errors) + gains.rounding[j]) * share


def settle_rows(vertices, first, count, gains, bias, scaled, column, fade, doubts):
    rows, row32 = vertices.rows, vertices.rows.view(np.float32)
    units = gains.values.shape[1]
    found = 0
    for i in range(count):
        v = first + i
        residual, own = rows[v, 0], gains.gamma * float(row32[v, 3])
        amplified, plain = residual * float(row32[v, 2]) + own, residual + own
        size = error = 0.0
        for j in range(units):
            value, gain = gains.values[i, j] + bias[j], gain_of(gains, i, j)
            rows[v, column + j] = value
            size = larger(size, value * scaled[column + j])
            error = larger(error, (plain * gain + gains.rounding[j]) * scaled[column + j])
            if not abs(value) > (amplified * gain + gains.rounding[j]) * (1 + 64 * UNIT):
                doubts[found] = v, j
                found += 1
        for q in range(HEAD, column):
            size = larger(size, rows[v, q] * scaled[q])
        rows[v, 0] = larger(residual * fade, error) * (1 + 64 * UNIT)
        row32[v, 3] = up32(size)
        vertices.signs[v] = positive_bits(rows[v, column : column + min(units, 64)]), vertices.signs[v, 0]
    return found


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
    if not cut:
        return
    k = lowest_bit(cut)
    if buckets.fill[k] > CHUNK:
        if block.free >= 0:
            chunk = block.free
            block.free = int(buckets.pool[chunk, 0])
        else:
            chunk = block.fresh
            block.fresh += 1
        buckets.pool[chunk, 0] = -1
        if buckets.tail[k] >= 0:
            buckets.pool[buckets.tail[k], 0] = chunk
        else:
            buckets.head[k] = chunk
        buckets.tail[k] = chunk
        buckets.fill[k] = 1
    buckets.pool[buckets.tail[k], buckets.fill[k]] = edge
    buckets.fill[k] += 1
    buckets.size[k] += 1


def empty_bucket(k, buckets):
    buckets.head[k] = buckets.tail[k] = -1
    buckets.fill[k] = CHUNK + 1
    buckets.size[k] = 0


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

    def __init__(self, block, vertices, edges, buckets, work, names, table, scaled, functional, height_scale, doubts):
        self.block, self.vertices, self.buckets, self.work, self.names = block, vertices, buckets, work, names
        self.table, self.scaled, self.functional, self.height_scale = table, scaled, functional, height_scale
        self.doubts = doubts
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
        turn, rate, rate_error = INFINITY, 0.0, INFINITY
        if 0 < room < INFINITY:
            turn = 1 + (spread + 2 * off) / room * (1 + 32 * UNIT)
            rise = 0.0
            for q in range(d):
                rise += self.functional[q] * (rows[b, HEAD + q] - rows[a, HEAD + q])
            rate = -rise / width
            slack = (2 * off + 64 * UNIT * size) * (1 + 32 * UNIT)
            rate_error = slack * (self.height_scale * scaled[kc] + abs(rate)) / room * (1 + 64 * UNIT)
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
        self.floats[j, 1:5] = height, error, rate, rate_error
        self.c32[j, 10:12] = a, b
        self.c16[j, 24 : 24 + 2 * (d - 1)] = self.e16[i, 10 : 10 + 2 * (d - 1)]
        self.c16[j, 24 + 2 * (d - 1)] = turn16
        zeros = [z for z in self.e16[i, 10 : 10 + d - 1] if z >= 0]
        self.vertices.zeros[w] = [*zeros, self.neuron, *[-1] * (d - 1 - len(zeros))]
        return found

    def name_faces(self, j, i):
        """The keys of the 2-faces around cut edge i, one for every move that leads to it."""
        names = self.names
        here = int(self.e64[i, 1]) + word_sum(self.table, self.now(self.block.vertices + j) & self.below)
        face = self.e32[i, 4] & FACE_BITS
        keys = []
        for leave in self.c16[j, 24 : 24 + names.face_dim[face] - 1]:
            key = here - int(names.zero[leave])
            keys += [key, key + int(names.positive[leave])]
        for cover in names.covers[names.cover_start[face] : names.cover_start[face + 1]]:
            keys.append(here + int(names.face[cover]) - int(names.face[face]))
        self.work.keys[j, : len(keys)] = [key & WORD for key in keys]

    def direction(self, j, other):
        """UP and KNOWN bits of the new edge from the vertex of cut ``other`` to that of cut j."""
        height, error, rate, rate_error = (self.floats[j, c] for c in range(1, 5))
        height2, error2, rate2, rate_error2 = (self.floats[other, c] for c in range(1, 5))
        rise = height - height2
        if abs(rise) > (error + error2) * (1 + 8 * UNIT):
            return KNOWN | int(rise > 0) << UP_BIT
        shared = [end for end in self.c32[j, 10:12] if end in self.c32[other, 10:12]]
        if shared:
            turn = rate - rate2
            if abs(turn) > (rate_error + rate_error2) * (1 + 8 * UNIT):
                positive = bool(self.now(shared[0]) >> self.k & 1)
                return KNOWN | int((turn > 0) != positive) << UP_BIT
        return 0

    def join_vertex(self, j, i, n):
        """Halve the j-th cut edge i, join its vertex to those before it; returns the next free edge."""
        block, names, d, slots = self.block, self.names, self.d, self.work.slots
        w = block.vertices + j
        a, b = (int(end) for end in self.c32[j, 10:12])
        sign = self.now(w)
        self.c64[j, 0] = sign
        marks = int(self.e32[i, 4])
        face = marks & FACE_BITS
        mask = block.capacity - 1
        own_words = word_sum(self.table, sign & self.below)
        moves = [(face, q, side) for q in range(names.face_dim[face] - 1) for side in (0, 1)]
        covers = names.covers[names.cover_start[face] : names.cover_start[face + 1]]
        moves += [(int(cover), d, 0) for cover in covers]
        for move, (new_face, skip, side) in enumerate(moves):
            name = int(self.work.keys[j, move])
            key = name or 1
            place = (key * MIX & WORD) >> 20 & mask
            while slots[place, 0] not in (0, key):
                place = (place + 1) & mask
            if slots[place, 0] == 0:
                slots[place] = key, (j + 1) << 32 | skip
                block.single += 1
                continue
            partner = int(slots[place, 1])
            if not partner:
                block.bad += 1
                continue
            slots[place, 1] = 0
            block.single -= 1
            other = (partner >> 32) - 1
            self.e32[n, :2] = block.vertices + other, w
            self.e32[n, 4] = new_face | self.direction(j, other)
            self.write_zeros(n, self.zeros_without(j, skip), self.zeros_without(other, partner & 0xFFFFFFFF), j, other)
            base = name - own_words + int(names.zero[self.neuron])
            leave = self.c16[j, 24 + skip]
            if side and leave >= block.first:
                base -= int(names.positive[leave])
            self.e64[n, 1] = base & WORD
            put(n, (int(self.c64[other, 0]) ^ sign) & self.above, self.buckets, block)
            n += 1
        f = block.edges + j
        self.e32[f, :2] = w, b
        self.e64[f, 1] = self.e64[i, 1]
        self.e32[f, 4] = marks
        self.e16[f, 10 : 10 + 2 * (d - 1)] = self.c16[j, 24 : 24 + 2 * (d - 1)]
        put(f, (self.now(b) ^ sign) & self.above, self.buckets, block)
        self.e32[i, 1] = w
        put(i, (self.now(a) ^ sign) & self.above, self.buckets, block)
        return n

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
            if block.made < block.cuts and (block.made < block.joined + LAG or found):
                found = self.make_vertex(block.made, int(order[block.made]), found)
                self.name_faces(block.made, int(order[block.made]))
                block.made += 1
            elif found:
                break
            else:
                block.next_edge = self.join_vertex(block.joined, int(order[block.joined]), block.next_edge)
                block.joined += 1
        block.found = found
        return found > 0


def begin_neuron(c):
    """Prepare the cuts of the block's present neuron; False where the arrays are too short."""
    block, buckets = c.block, c.buckets
    cuts = block.cuts = int(buckets.size[c.k])
    faces = cuts * block.longest if block.tolerant else cuts * block.longest // 2 + 1
    capacity = 16
    while 3 * capacity < 4 * faces:
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
        if block.begun or c.buckets.size[c.k]:
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
