"""Bounds of the last stage on cells, in groups of neighbours; which vertices a cell has; an order of cells in space.

The mathematics is told in `nn_bridge.sign_vectors.pruning`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from nn_bridge.sign_vectors._kernels.layout import AMP, EPS, NONE, ONE, UNIT, maker

# sums in any order: the bound on their rounding holds for all; `open_cells` lets nothing in that could become NaN
_FAST = {"reassoc", "contract", "nsz", "nnan"}
_sums = njit(error_model="numpy", fastmath=_FAST, no_cpython_wrapper=True, no_cfunc_wrapper=True)

HUGE, FLOOR = 1e100, 1e-100
"""Groups with larger numbers are left open; all sizes are at least ``FLOOR``, so no coefficient is above 1e200 and
nothing overflows.  Underflow takes at most 2^-1074 an operation, times a size: in all much less than ``FLOOR``."""
MIX = np.uint64(0x9E3779B97F4A7C15)


class Later(NamedTuple):
    """The stages still to come, reading the concatenation of what is known and of their own units.

    Attributes
    ----------
    known, positive : integer and bool arrays of shape (known,)
        The columns of a vertex row that they read, and whether they read the positive part.
    offset : integer array of shape (stages + 1,)
        Where the units of each stage begin in the concatenation.
    bias : float64 array
        Of all units, one stage after another.
    first_block, blocks : integer arrays
        Stage ``s`` reads the blocks ``blocks[first_block[s] : first_block[s + 1]]``, each a row (place in the
        concatenation, size, place of the weights).
    weights, plus, minus : float64 arrays
        The weights of all blocks, row by row; their positive parts; their negative parts.
    """

    known: np.ndarray
    positive: np.ndarray
    offset: np.ndarray
    bias: np.ndarray
    first_block: np.ndarray
    blocks: np.ndarray
    weights: np.ndarray
    plus: np.ndarray
    minus: np.ndarray


@_sums
def _range_of(later, s, u, low, high, size):
    """Interval bounds of unit u of stage s, and the sum of all magnitudes."""
    one = later.bias[later.offset[s] - later.offset[0] + u]
    two = one
    most = abs(one)
    for block in range(later.first_block[s], later.first_block[s + 1]):
        source = np.uintp(later.blocks[block, 0])
        count = np.uintp(later.blocks[block, 1])
        w = np.uintp(later.blocks[block, 2]) + np.uintp(u) * count
        for q in range(count):
            plus = later.plus[w + q]
            minus = later.minus[w + q]
            one += plus * low[source + q] + minus * high[source + q]
            two += plus * high[source + q] + minus * low[source + q]
            most += (plus - minus) * size[source + q]
    return one, two, most


@_sums
def _lower_forms(later, s, units, count, low, high, forms, stride, constants, slope):
    """Linear forms of what is known that are at most these units of stage s, then such for the units' negatives.

    ``forms`` has for every place one number per form, ``stride`` apart: so that all forms are worked on at once.
    """
    base = later.offset[0]
    lanes = np.uintp(2 * count)
    for i in range(np.uintp(later.offset[s]) * stride):
        forms[i] = 0.0
    for i in range(np.uintp(count)):
        u = units[i]
        constants[i] = later.bias[later.offset[s] - base + u]
        constants[count + i] = -constants[i]
        for block in range(later.first_block[s], later.first_block[s + 1]):
            source = np.uintp(later.blocks[block, 0])
            size = np.uintp(later.blocks[block, 1])
            w = np.uintp(later.blocks[block, 2]) + np.uintp(u) * size
            for q in range(size):
                place = (source + q) * stride + i
                forms[place] = later.weights[w + q]
                forms[place + np.uintp(count)] = -later.weights[w + q]
    for k in range(s - 1, -1, -1):
        for unit in range(later.offset[k + 1] - later.offset[k]):
            j = np.uintp(later.offset[k] + unit)
            if high[j] <= 0.0:
                continue
            rising = 1.0
            falling = 1.0
            lift = 0.0
            if low[j] < 0.0:
                rising = 1.0 if high[j] > -low[j] else 0.0
                falling = high[j] / (high[j] - low[j])
                lift = -falling * low[j]
            bias = later.bias[later.offset[k] - base + unit]
            place = j * stride
            for i in range(lanes):
                own = forms[place + i]
                up = max(own, 0.0)
                down = min(own, 0.0)
                factor = up * rising + down * falling
                slope[i] = factor
                constants[i] += down * lift + factor * bias
            for block in range(later.first_block[k], later.first_block[k + 1]):
                source = np.uintp(later.blocks[block, 0])
                size = np.uintp(later.blocks[block, 1])
                w = np.uintp(later.blocks[block, 2]) + np.uintp(unit) * size
                for q in range(size):
                    weight = later.weights[w + q]
                    place = (source + q) * stride
                    for i in range(lanes):
                        forms[place + i] += slope[i] * weight


@_sums
def _least(forms, stride, i, constant, known, slack, values, room, count, result):
    """Form i at ``count`` vertices, less what slack can take away; ``values`` has ``room`` places per known number."""
    for k in range(np.uintp(known)):
        constant -= abs(forms[k * stride + i]) * slack[k]
    for m in range(np.uintp(count)):
        result[m] = constant
    for k in range(np.uintp(known)):
        factor = forms[k * stride + i]
        place = k * room
        for m in range(np.uintp(count)):
            result[m] += factor * values[place + m]
    least = np.inf
    for m in range(np.uintp(count)):
        least = min(least, result[m])
    return least


@_sums
def _bound_group(
    later, values, room, slack, count, low, high, read_low, read_high, size, forms, stride, constants, slope, units,
    below, above,
):  # fmt: skip
    """Lower and upper bounds of the last stage at the vertices of a group; False where numbers are too large.

    ``low`` and ``high`` are the ranges of units, ``read_low`` and ``read_high`` those of what is read of them.
    """
    known = later.offset[0]
    stages = len(later.offset) - 1
    terms = 0
    for s in range(stages):
        for block in range(later.first_block[s], later.first_block[s + 1]):
            terms += later.blocks[block, 1]
        terms += 16
        open_units = 0
        for j in range(later.offset[s], later.offset[s + 1]):
            one, two, most = _range_of(later, s, j - later.offset[s], read_low, read_high, size)
            if not (most < HUGE):
                return False
            rounding = 4.0 * terms * UNIT * most + FLOOR
            low[j] = one - rounding
            high[j] = two + rounding
            size[j] = most * (1.0 + 4.0 * terms * UNIT) + FLOOR
            if s == stages - 1 or (low[j] < 0.0 and high[j] > 0.0):
                units[open_units] = j - later.offset[s]
                open_units += 1
        _lower_forms(later, s, units, open_units, low, high, forms, stride, constants, slope)
        for i in range(open_units):
            j = later.offset[s] + units[i]
            rounding = 4.0 * terms * UNIT * size[j] + FLOOR
            lane = np.uintp(i)
            least = _least(forms, stride, lane, constants[i], known, slack, values, room, count, below)
            low[j] = max(low[j], least - rounding)
            lane = np.uintp(i + open_units)
            least = _least(forms, stride, lane, constants[lane], known, slack, values, room, count, above)
            high[j] = min(high[j], rounding - least)
            if s == stages - 1:
                for m in range(np.uintp(count)):
                    below[m] -= rounding
                    above[m] = rounding - above[m]
        for j in range(later.offset[s], later.offset[s + 1]):
            read_low[j] = max(low[j], 0.0)
            read_high[j] = max(high[j], 0.0)
    return True


@maker
def open_cells(order, start, members, per_group, rows, row32, scaled, vertices, later, result):
    """``result[i]``: whether the last stage may be zero on cell ``order[i]``; ``per_group`` are bounded together."""
    cells = len(order)
    known = later.offset[0]
    most = 0
    for first in range(0, cells, per_group):
        total = 0
        for i in range(first, min(first + per_group, cells)):
            total += start[order[i] + 1] - start[order[i]]
        most = max(most, total)
    width = later.offset[-1]
    low, high, read_low, read_high, size = np.zeros((5, width))
    slack = np.empty(known)
    widest = np.diff(later.offset).max()
    stride = np.uintp(2 * widest)
    forms = np.empty(width * 2 * widest)
    constants = np.empty(2 * widest)
    slope = np.empty(2 * widest)
    units = np.empty(widest, np.int64)
    room = np.uintp(most)
    values = np.empty(known * most)
    below = np.empty(most)
    above = np.empty(most)
    of_vertex = np.full(vertices, -1, np.int32)
    chosen = np.empty(most, np.int64)
    for first in range(0, cells, per_group):
        stop = min(first + per_group, cells)
        count = 0
        error = 0.0
        for i in range(first, stop):
            for p in range(start[order[i]], start[order[i] + 1]):
                v = members[p]
                if of_vertex[v] < 0:
                    of_vertex[v] = count
                    chosen[count] = v
                    count += 1
                    own = rows[v, EPS] * row32[v, AMP]
                    error = max(error, own) if own < np.inf else np.inf
        bounded = True
        for k in range(known):
            column = later.known[k]
            lowest = np.inf
            highest = -np.inf
            for m in range(count):
                value = rows[chosen[m], column]
                if later.positive[k]:
                    value = max(value, 0.0)
                values[np.uintp(k) * room + np.uintp(m)] = value
                lowest = min(lowest, value)
                highest = max(highest, value)
            slack[k] = error / scaled[column] * (1.0 + 16.0 * UNIT)
            read_low[k] = lowest - slack[k]
            read_high[k] = highest + slack[k]
            if later.positive[k]:
                read_low[k] = max(read_low[k], 0.0)
            size[k] = max(abs(read_low[k]), abs(read_high[k])) + FLOOR
            # errors, and with them ranges, may be infinite
            bounded = bounded and size[k] < HUGE
        bounded = bounded and _bound_group(
            later, values, room, slack, count, low, high, read_low, read_high, size, forms, stride, constants, slope,
            units, below, above,
        )  # fmt: skip
        for i in range(first, stop):
            lowest = np.inf
            highest = -np.inf
            for p in range(start[order[i]], start[order[i] + 1]):
                m = of_vertex[members[p]]
                lowest = min(lowest, below[m])
                highest = max(highest, above[m])
            result[i] = not bounded or (lowest <= 0.0 and highest >= 0.0)
        for m in range(count):
            of_vertex[chosen[m]] = -1


@maker
def number_cells(base, zeros, zero_words, positive_words, cell, slots):
    """``cell[incidence]``: the number of each cell around each vertex; returns the number of cells.

    ``base`` are the words of the vertices, ``zeros`` their zeros (-1 at the end); a vertex with m has the next 2^m
    incidences.  ``slots`` is a table of (word, number + 1), a power of two long and empty.  Returns -1 where it is too
    short.
    """
    mask = np.uint64(len(slots) - 1)
    most = len(slots) - len(slots) // 4
    found = 0
    at = 0
    for v in range(len(base)):
        m = 0
        while m < zeros.shape[1] and zeros[v, m] >= 0:
            m += 1
        bare = base[v]
        for q in range(m):
            bare -= zero_words[zeros[v, q]]
        for side in range(1 << m):
            word = bare
            for q in range(m):
                if (side >> q) & 1:
                    word += positive_words[zeros[v, q]]
            place = ((word * MIX) >> np.uint64(20)) & mask
            while slots[place, 1] != NONE and slots[place, 0] != word:
                place = (place + ONE) & mask
            if slots[place, 1] == NONE:
                if found == most:
                    return -1
                found += 1
                slots[place, 0] = word
                slots[place, 1] = found
            cell[at] = np.int64(slots[place, 1]) - 1
            at += 1
    return found


@maker
def gather_members(cell, zeros, start, members):
    """The vertices of each cell: those of cell i are ``members[start[i] : start[i + 1]]``; ``start`` comes as zeros."""
    for i in range(len(cell)):
        start[cell[i] + 1] += 1
    for i in range(1, len(start)):
        start[i] += start[i - 1]
    filled = start[:-1].copy()
    at = 0
    for v in range(len(zeros)):
        m = 0
        while m < zeros.shape[1] and zeros[v, m] >= 0:
            m += 1
        for _ in range(1 << m):
            members[filled[cell[at]]] = v
            filled[cell[at]] += 1
            at += 1


@maker
def curve_codes(points, start, members, low, factor, bits, codes):
    """The place of each cell along a Morton curve: the bits of its centre's coordinates in turn."""
    d = points.shape[1]
    for i in range(len(codes)):
        count = start[i + 1] - start[i]
        code = 0
        for axis in range(d):
            total = 0.0
            for p in range(start[i], start[i + 1]):
                total += points[members[p], axis] - low[axis]
            step = np.int64(total / count * factor[axis])
            for bit in range(bits):
                code |= ((step >> bit) & 1) << (bit * d + axis)
        codes[i] = code
