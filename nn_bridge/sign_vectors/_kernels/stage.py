"""What happens to all vertices and edges between neurons: a stage's values come in, blocks begin.

Places are unsigned numbers here: they can't be negative, which would have to be looked into at every access.
"""

import numpy as np

from nn_bridge.sign_vectors._kernels.layout import (
    AMP,
    BASE,
    BEFORE,
    CHUNK,
    EPS,
    FREE,
    FRESH,
    HEAD,
    NONE,
    NOW,
    ONE,
    SIZE,
    TWO,
    UNIT,
    bits_of,
    entry,
    float_of,
    inline,
    larger,
    prefetch,
    put,
    up32,
    word_sum,
)

AHEAD = 16  # turns between asking for memory and using it


@inline
def _gain(part, most):
    """A bound of what single precision summed up."""
    return (np.float64(part) * (1.0 + 1e-4) + 1e-30) * most


@inline
def _settle(rows, v, column, values, bias, part, i, most, base, rounding, scaled, units, amplified, plain):
    """Write the values of row i; returns the largest |value| / scale, the largest error / scale, and the open signs.

    ``amplified`` is the residual that bounds a sign, ``plain`` the one that stays with the row.
    """
    size = np.int64(0)
    error = np.int64(0)
    open_signs = 0
    for j in range(units):
        value = values[i, j] + bias[j]
        rows[v, column + j] = value
        gain = base[j] + _gain(part[i, j], most)
        scale = scaled[column + j]
        size = max(size, bits_of(abs(value * scale)))
        error = max(error, bits_of(abs((plain * gain + rounding[j]) * scale)))
        open_signs += not (abs(value) > (amplified * gain + rounding[j]) * (1.0 + 64.0 * UNIT))
    return float_of(size), float_of(error), open_signs


@inline
def _largest_kept(rows, v, scaled, column):
    """The largest |value| / scale of the columns that stay."""
    size = np.int64(0)
    for q in range(np.uintp(HEAD), column):
        size = max(size, bits_of(abs(rows[v, q] * scaled[q])))
    return float_of(size)


@inline
def _sign_word(values, v, column, count):
    """Bit k: value k is positive."""
    bits = NONE
    for k in range(count):
        bits |= np.uint64(values[v, column + k] > 0.0) << np.uint64(k)
    return bits


@entry
def read_units(rows, column, inputs):
    """What the next stage reads of units in these columns: their positive parts."""
    first = np.uintp(column)
    for i in range(np.uintp(len(rows))):
        for j in range(np.uintp(inputs.shape[1])):
            value = rows[i, first + j]
            inputs[i, j] = value if value > 0.0 else 0.0


@entry
def read_active(rows, column, active):
    """1 where the units in these columns are not negative."""
    first = np.uintp(column)
    for i in range(np.uintp(len(rows))):
        for j in range(np.uintp(active.shape[1])):
            active[i, j] = np.float32(rows[i, first + j] >= 0.0)


@entry
def column_variation(rows, row32, ends, kept, values, part, most, base, gamma, rounding, scaled, column, slope, worst):
    """For each column of a new layout: the mean change along an edge, and the mean of the larger residual at its ends.

    ``ends`` has the first ends of the edges, then the second ends; ``values`` and ``part`` go with it.  ``kept`` has a
    row (new place, old place, count) for the columns that stay.
    """
    half = np.uintp(len(ends) // 2)
    share = 1.0 / half
    slope[:] = 0.0
    worst[:] = 0.0
    for i in range(half):
        a = np.uintp(ends[i])
        b = np.uintp(ends[half + i])
        residual = max(rows[a, EPS], rows[b, EPS]) * share
        for move in range(np.uintp(len(kept))):
            place = np.uintp(kept[move, 0])
            start = np.uintp(kept[move, 1])
            for q in range(np.uintp(kept[move, 2])):
                slope[place + q] += abs(rows[a, start + q] - rows[b, start + q]) * share
                worst[place + q] += residual / scaled[start + q]
        for j in range(np.uintp(values.shape[1])):
            slope[column + j] += abs(values[i, j] - values[half + i, j]) * share
            one = (base[j] + _gain(part[i, j], most)) * (rows[a, EPS] + gamma * row32[a, SIZE])
            two = (base[j] + _gain(part[half + i, j], most)) * (rows[b, EPS] + gamma * row32[b, SIZE])
            worst[column + j] += (max(one, two) + rounding[j]) * share


@entry
def settle_rows(
    vertices, first, count, values, bias, part, most, base, gamma, rounding, scaled, column, fade, doubts
):  # fmt: skip
    """Write a stage's values into the vertex rows from ``first`` on, with new residuals, sizes and sign words.

    ``values`` lack the bias; gains are ``base + most * part`` (see `stage_entry.StageValues`); ``fade`` is what an old
    residual weighs in the columns that stay.  A value within its bound is written to ``doubts`` (vertex, neuron);
    returns the number of these.
    """
    rows, row32, signs = vertices.rows, vertices.row32, vertices.signs
    units = np.uintp(values.shape[1])
    column = np.uintp(column)
    block = min(units, np.uintp(64))
    found = 0
    for i in range(np.uintp(count)):
        v = np.uintp(first) + i
        residual = rows[v, EPS]
        own = gamma * row32[v, SIZE]
        amplified = residual * row32[v, AMP] + own
        size, error, open_signs = _settle(
            rows, v, column, values, bias, part, i, most, base, rounding, scaled, units, amplified, residual + own
        )
        if open_signs:
            for j in range(units):
                bound = (amplified * (base[j] + _gain(part[i, j], most)) + rounding[j]) * (1.0 + 64.0 * UNIT)
                if not (abs(rows[v, column + j]) > bound):
                    doubts[found, 0] = v
                    doubts[found, 1] = j
                    found += 1
        error = larger(residual * fade, error)
        size = larger(_largest_kept(rows, v, scaled, column), size)
        rows[v, EPS] = error * (1.0 + 64.0 * UNIT)
        row32[v, SIZE] = up32(size)
        signs[v, BEFORE] = signs[v, NOW]
        signs[v, NOW] = _sign_word(rows, v, column, block)
    return found


@entry
def later_signs(vertices, count, checked, column, units, scaled, doubts):
    """Sign words of a stage's second or later block at all vertices.

    A value within its bound is written to ``doubts`` (vertex, neuron of the block), except at the first ``checked``
    vertices, whose signs are known to be certain.  Returns the number of doubts (which may exceed the room for them).
    """
    rows, row32, signs = vertices.rows, vertices.row32, vertices.signs
    found = 0
    column = np.uintp(column)
    units = np.uintp(units)
    for v in range(np.uintp(count)):
        signs[v, BEFORE] = signs[v, NOW]
        signs[v, NOW] = _sign_word(rows, v, column, units)
        if v >= checked:
            bound = rows[v, EPS] * row32[v, AMP] * (1.0 + 16.0 * UNIT)
            for k in range(units):
                if not (abs(rows[v, column + k]) * scaled[column + k] > bound):
                    if found < len(doubts):
                        doubts[found, 0] = v
                        doubts[found, 1] = k
                    found += 1
    return found


@entry
def begin_block(signs, signs_flat, edges, count, table_before, buckets, state):
    """Add the block before to the fingerprints of edges, and put those that a neuron cuts into its bucket."""
    e64, e32 = edges.e64, edges.e32
    pool, head, tail, fill, size = buckets.pool, buckets.head, buckets.tail, buckets.fill, buckets.size
    head[:] = -1
    tail[:] = -1
    fill[:] = CHUNK + 1
    size[:] = 0
    state[FREE] = -1
    state[FRESH] = 0
    for i in range(count):
        soon = min(i + AHEAD, count - 1)
        prefetch(signs_flat, TWO * np.uintp(e32[soon, 0]))
        prefetch(signs_flat, TWO * np.uintp(e32[soon, 1]))
        a = np.uintp(e32[i, 0])
        b = np.uintp(e32[i, 1])
        e64[i, BASE] += word_sum(table_before, signs[a, BEFORE] | signs[b, BEFORE])
        put(i, signs[a, NOW] ^ signs[b, NOW], pool, head, tail, fill, size, state)


@entry
def end_block(signs, fingerprint, count, table):
    """Add the block's signs to the fingerprints of vertices."""
    for v in range(count):
        fingerprint[v] += word_sum(table, signs[v, NOW])


@entry
def renew_sign_word(signs, v, values, done):
    """The sign word of a vertex whose values were decided exactly; the signs of ``done`` neurons stay."""
    bits = signs[v, NOW] & ((ONE << np.uint64(done)) - ONE)
    for k in range(done, len(values)):
        bits |= np.uint64(values[k] > 0.0) << np.uint64(k)
    signs[v, NOW] = bits
