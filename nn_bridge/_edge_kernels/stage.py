"""What happens to all vertices and edges between neurons: a stage's values come in, blocks begin.

Places are unsigned numbers here: they can't be negative, which would have to be looked into at every access.
"""

import numpy as np
from numba import njit

from nn_bridge._edge_kernels.layout import (
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
    entry,
    inline,
    prefetch,
    put,
    up32,
    word_sum,
)

AHEAD = 16  # turns between asking for memory and using it
_bounds = njit(fastmath={"nnan", "ninf", "nsz", "contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


@_bounds
def _gain(part, most):
    """A bound of what single precision summed up."""
    return (np.float64(part) * (1.0 + 1e-4) + 1e-30) * most


@_bounds
def _largest(rows, v, scaled, column, units):
    """The largest |value| / scale among a stage's values at vertex v."""
    size = 0.0
    for j in range(units):
        size = max(size, abs(rows[v, column + j]) * scaled[column + j])
    return size


@_bounds
def _worst(part, i, most, base, rounding, plain, scaled, column, units):
    """The largest error / scale among them, without amplification."""
    error = 0.0
    for j in range(units):
        error = max(error, (plain * (base[j] + _gain(part[i, j], most)) + rounding[j]) * scaled[column + j])
    return error


@_bounds
def _largest_kept(rows, v, scaled, column):
    """The largest |value| / scale of the columns that stay."""
    size = 0.0
    for q in range(np.uintp(HEAD), column):
        size = max(size, abs(rows[v, q]) * scaled[q])
    return size


@inline
def _sign_word(values, v, column, count):
    """Bit k: value k is positive."""
    bits = NONE
    for k in range(count):
        bits |= np.uint64(values[v, column + k] > 0.0) << np.uint64(k)
    return bits


@entry
def read_units(rows, column, inputs, active):
    """What the next stage reads of units in these columns: their positive parts, and 1 where they are not negative."""
    first = np.uintp(column)
    units = np.uintp(inputs.shape[1])
    for i in range(len(rows)):
        for j in range(units):
            value = rows[i, first + j]
            inputs[i, j] = value if value > 0.0 else 0.0
            active[i, j] = np.float32(value >= 0.0)


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
        open_values = 0
        for j in range(units):
            value = values[i, j] + bias[j]
            rows[v, column + j] = value
            bound = (amplified * (base[j] + _gain(part[i, j], most)) + rounding[j]) * (1.0 + 64.0 * UNIT)
            open_values += not (abs(value) > bound)
        if open_values:
            for j in range(units):
                bound = (amplified * (base[j] + _gain(part[i, j], most)) + rounding[j]) * (1.0 + 64.0 * UNIT)
                if not (abs(rows[v, column + j]) > bound):
                    doubts[found, 0] = v
                    doubts[found, 1] = j
                    found += 1
        error = max(residual * fade, _worst(part, i, most, base, rounding, residual + own, scaled, column, units))
        size = max(_largest_kept(rows, v, scaled, column), _largest(rows, v, scaled, column, units))
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
