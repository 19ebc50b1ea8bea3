"""The compiled loops that read results off a 1-skeleton, and those of pruning, once more in plain Python."""

import itertools
import math

import numpy as np

from tests.nn_bridge.sign_vectors.sign_vector_numbers import FACE_BITS, HEAD, KNOWN, UNIT, UP, WORD, up32, word_sum

FLOOR, HUGE = 1e-100, 1e100


def copy_vertices(vertices, scaled, columns):
    rows, count = vertices.rows, len(columns.points)
    unit = (1 + 1e-9) / scaled[HEAD : HEAD + columns.points.shape[1]].min()
    columns.points[:] = rows[:count, HEAD : HEAD + columns.points.shape[1]]
    amplification = rows.view(np.float32)[:count, 2].astype(float)
    columns.error[:] = [up32(rows[v, 0] * amplification[v] * unit) for v in range(count)]
    columns.zeros[:], columns.faces[:] = vertices.zeros[:count], vertices.faces[:count]
    columns.words[:] = vertices.fingerprint[:count]


def copy_edges(edges, signs, table, columns):
    e32, e16 = edges.view(np.int32), edges.view(np.int16)
    for i in range(len(columns.ends)):
        a, b = columns.ends[i] = e32[i, :2]
        marks = int(e32[i, 4])
        columns.faces[i] = marks & FACE_BITS
        columns.up[i] = int(bool(marks & UP)) if marks & KNOWN else 2
        columns.words[i] = (int(edges[i, 1]) + word_sum(table, int(signs[a, 0] | signs[b, 0]))) & WORD
        columns.zeros[i] = e16[i, 10 : 10 + columns.zeros.shape[1]]


def count_by_lowest_vertex(upwards, edge_ends, edge_zeros, vertex_zeros):
    """Cells by their lowest vertex: every way to leave each of its hyperplanes upwards, if no edge goes down a face."""
    zeros = [{z for z in row if z >= 0} for row in vertex_zeros.tolist()]
    ways = [dict.fromkeys(own, 0) for own in zeros]
    blocked = [False] * len(zeros)
    for up, (a, b), row in zip(upwards, edge_ends.tolist(), edge_zeros.tolist(), strict=True):
        low, high = (a, b) if up else (b, a)
        own = {z for z in row if z >= 0}
        for left in zeros[low] - own:
            ways[low][left] += 1
        blocked[high] |= zeros[high] == own
    return sum(math.prod(way.values()) for way, stop in zip(ways, blocked, strict=True) if not stop)


def walk_polygons(start, sides, members):
    broken = 0
    for low, high in itertools.pairwise(start.tolist()):
        left = list(range(low + 1, high))
        cycle, current = [int(sides[low, 0])], int(sides[low, 1])
        for _ in range(low + 1, high):
            cycle.append(current)
            j = next((j for j in left if current in sides[j]), None)
            if j is None:
                break
            left.remove(j)
            a, b = sides[j].tolist()
            current = b if a == current else a
        members[low : low + len(cycle)] = cycle
        broken += current != cycle[0] or high - low < 3
    return broken


# ---------------------------------------------------------------- pruning


def sides_of(zeros):
    """Which of the zeros are positive in each cell around a vertex."""
    own = [z for z in zeros if z >= 0]
    return [[z for q, z in enumerate(own) if side >> q & 1] for side in range(1 << len(own))]


def number_cells(base, zeros, zero_words, positive_words, cell, slots):
    most = len(slots) - len(slots) // 4
    numbers, at = {}, 0
    for word, row in zip(base.tolist(), zeros.tolist(), strict=True):
        bare = word - sum(int(zero_words[z]) for z in row if z >= 0)
        for side in sides_of(row):
            name = (bare + sum(int(positive_words[z]) for z in side)) & WORD
            if name not in numbers and len(numbers) == most:
                return -1
            cell[at] = numbers.setdefault(name, len(numbers))
            at += 1
    return len(numbers)


def gather_members(cell, zeros, start, members):
    found = [[] for _ in range(len(start) - 1)]
    at = 0
    for v, row in enumerate(zeros.tolist()):
        for _ in sides_of(row):
            found[cell[at]].append(v)
            at += 1
    start[1:] = np.cumsum([len(part) for part in found])
    members[:] = [v for part in found for v in part]


def curve_codes(points, start, members, low, factor, bits, codes):
    for i in range(len(codes)):
        own = points[members[start[i] : start[i + 1]]]
        code = 0
        for axis in range(points.shape[1]):
            total = 0.0
            for value in own[:, axis]:
                total += value - low[axis]
            step = int(total / len(own) * factor[axis])
            code |= sum((step >> bit & 1) << (bit * points.shape[1] + axis) for bit in range(bits))
        codes[i] = code


class Bounds:
    """Bounds of the last stage at points where what is known has these values (points in columns), off by ``slack``."""

    def __init__(self, later, known, slack):
        self.later, self.known, self.slack = later, known, slack
        low, high = known.min(axis=1) - slack, known.max(axis=1) + slack
        low[later.positive] = np.maximum(low[later.positive], 0.0)
        self.read = [low, high]  # ranges of all that is read
        self.units = []  # per stage: weights of what comes before, bias, ranges
        self.size = np.maximum(np.abs(low), np.abs(high)) + FLOOR

    def run(self):
        """(below, above) at the points."""
        later, terms = self.later, 0
        for s in range(len(later.offset) - 1):
            weights, count = self.weights(s)
            terms += count + 16
            bias = later.bias[later.offset[s] - later.offset[0] : later.offset[s + 1] - later.offset[0]]
            plus, minus = np.maximum(weights, 0), np.minimum(weights, 0)
            most = np.abs(bias) + (plus - minus) @ self.size
            rounding = 4 * terms * UNIT * most + FLOOR
            low = bias + plus @ self.read[0] + minus @ self.read[1] - rounding
            high = bias + plus @ self.read[1] + minus @ self.read[0] + rounding
            last = s == len(later.offset) - 2
            for u in range(len(bias)):
                if last or low[u] < 0 < high[u]:
                    below = self.least(weights[u], bias[u], s) - rounding[u]
                    above = rounding[u] - self.least(-weights[u], -bias[u], s)
                    low[u], high[u] = max(low[u], below.min()), min(high[u], above.max())
            self.units.append((weights, bias, low, high))
            self.size = np.append(self.size, most * (1 + 4 * terms * UNIT) + FLOOR)
            self.read = [np.append(read, np.maximum(new, 0)) for read, new in zip(self.read, (low, high), strict=True)]
        return below, above

    def weights(self, s):
        """The weights of a stage on all that comes before it, and how many of these it names."""
        later = self.later
        units = later.offset[s + 1] - later.offset[s]
        result, count = np.zeros((units, later.offset[s])), 0
        for place, size, begin in later.blocks[later.first_block[s] : later.first_block[s + 1]]:
            result[:, place : place + size] = later.weights[begin : begin + units * size].reshape(units, size)
            count += size
        return result, count

    def least(self, form, constant, s):
        """A lower bound of a form at each point, by lines below and above the units that it reads."""
        form = form.copy()
        for k in range(s - 1, -1, -1):
            weights, bias, low, high = self.units[k]
            first = self.later.offset[k]
            for u in range(len(bias)):
                own = form[first + u]
                if high[u] <= 0 or own == 0:
                    continue
                slope, lift = 1.0, 0.0
                if low[u] < 0:
                    slope = float(high[u] > -low[u]) if own > 0 else high[u] / (high[u] - low[u])
                    lift = 0.0 if own > 0 else -slope * low[u]
                constant += own * (slope * bias[u] + lift)
                form[:first] += own * slope * weights[u]
        known = form[: len(self.slack)]
        return constant - np.abs(known) @ self.slack + known @ self.known


def open_cells(order, start, members, per_group, rows, scaled, vertices, later, result):
    error = rows[:vertices, 0] * rows.view(np.float32)[:vertices, 2].astype(float)
    for first in range(0, len(order), per_group):
        cells = order[first : first + per_group]
        group = np.unique(np.concatenate([members[start[i] : start[i + 1]] for i in cells]))
        known = rows[group][:, later.known].T
        known[later.positive] = np.maximum(known[later.positive], 0)
        slack = error[group].max() / scaled[later.known] * (1 + 16 * UNIT)
        below, above = Bounds(later, known, slack).run()
        for place, i in enumerate(cells):
            own = np.searchsorted(group, members[start[i] : start[i + 1]])
            result[first + place] = below[own].min() <= 0 <= above[own].max()
