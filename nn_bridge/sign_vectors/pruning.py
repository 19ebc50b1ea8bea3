"""Keep only the cells that a level set can meet: proven bounds of an output on every cell of a 1-skeleton.

On a cell all units so far are affine, so they are known through the cell's vertices; later units are bounded by
intervals and linear relaxations (Zhang et al. 2018, "CROWN").  Rounding is part of the bounds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nn_bridge.network import INPUT
from nn_bridge.sign_vectors.plan import Floats, Plan, Words
from nn_bridge.sign_vectors.skeleton import HEAD, Layout, Skeleton
from nn_bridge.sign_vectors.subdivide import UNIT

Indices = NDArray[np.int64]
CHUNK = 1 << 14


def incident_cells(skeleton: Skeleton) -> tuple[Words, Indices, Indices]:
    """The fingerprints of all cells, and for each the vertices ``members[start[i] : start[i + 1]]``."""
    plan, v = skeleton.plan, skeleton.vertices
    domain = skeleton.domain
    whole = skeleton.face_word[-1]
    zeros = skeleton.zeros[:v]
    number = (zeros >= 0).sum(axis=1)
    words: list[Words] = []
    members: list[Indices] = []
    own = skeleton.face_word[skeleton.faces[:v]]
    for m in range(domain.dim + 1):
        here = np.nonzero(number == m)[0]
        base = skeleton.fingerprint[here] - own[here] + whole
        for column in range(m):
            base = base - plan.zero[zeros[here, column]]
        for side in itertools.product((False, True), repeat=m):
            word = base.copy()
            for column, positive in enumerate(side):
                if positive:
                    word += plan.positive[zeros[here, column]]
            words.append(word)
            members.append(here)
    everything = np.concatenate(words)
    order = np.argsort(everything, kind="stable")
    everything = everything[order]
    first = np.nonzero(np.append(True, everything[1:] != everything[:-1]))[0]
    return everything[first], np.append(first, len(everything)), np.concatenate(members)[order]


@dataclass(frozen=True, slots=True)
class _Known:
    """Everything a later stage can read, on a batch of cells: values at the cells' vertices and their ranges."""

    start: Indices
    values: dict[int, Floats]
    low: dict[int, Floats]
    high: dict[int, Floats]
    size: dict[int, Floats]


def drop_cells(skeleton: Skeleton, index: int, layout: Layout) -> None:
    """Remove vertices and edges all of whose cells have an output (the plan's last stage) of one proven sign.

    Called after stage ``index`` is cut; the last stage must be the output alone.
    """
    words, start, members = incident_cells(skeleton)
    kept = np.zeros(skeleton.vertices, dtype=np.bool_)
    for low in range(0, len(words), CHUNK):
        high = min(low + CHUNK, len(words))
        part = members[start[low] : start[high]]
        offsets = start[low : high + 1] - start[low]
        below, above = output_range(skeleton.plan, _known(skeleton, index, layout, part, offsets), index)
        open_cells = np.repeat((below <= 0) & (above >= 0), np.diff(offsets))
        kept[part[open_cells]] = True
    if kept.all():
        return
    v, e = skeleton.vertices, skeleton.edges
    number = np.cumsum(kept) - 1
    ends = skeleton.e32[:e, :2]
    edges = np.nonzero(kept[ends].all(axis=1))[0]
    rows = np.nonzero(kept)[0]
    new_ends = number[ends[edges]]
    count = len(rows)
    for name in ("rows", "signs", "fingerprint", "zeros", "faces"):
        array = getattr(skeleton, name)
        array[:count] = array[:v][rows]
    skeleton.e64[: len(edges)] = skeleton.e64[edges]
    skeleton.e32[: len(edges), :2] = new_ends
    skeleton.vertices, skeleton.edges = count, len(edges)


def _known(skeleton: Skeleton, index: int, layout: Layout, members: Indices, offsets: Indices) -> _Known:
    rows = skeleton.rows[members]
    plan, d = skeleton.plan, skeleton.d
    error = skeleton.amplified(members)[:, None]
    columns = {INPUT: slice(HEAD, HEAD + d), index + 1: slice(layout.column, layout.columns)}
    columns |= {k: slice(place, place + plan.stages[k - 1].units) for k, place in layout.carried.items()}
    start = offsets[:-1]
    values, low, high, size = {}, {}, {}, {}
    for source, where in columns.items():
        slack = error / skeleton.scaled[where]
        value = rows[:, where]
        one, two = value - slack, value + slack
        if source != INPUT:
            value, one, two = np.maximum(value, 0.0), np.maximum(one, 0.0), np.maximum(two, 0.0)
        values[source] = value
        low[source] = np.minimum.reduceat(one, start, axis=0)
        high[source] = np.maximum.reduceat(two, start, axis=0)
        size[source] = np.maximum(np.abs(low[source]), np.abs(high[source]))
        # how far a value may be from that of the exact vertex, for the linear bound
        size[-1 - source] = np.maximum.reduceat(slack, start, axis=0)
    return _Known(offsets, values, low, high, size)


def output_range(plan: Plan, known: _Known, index: int) -> tuple[Floats, Floats]:
    """Proven lower and upper bounds of the plan's last stage (one unit) on each cell."""
    low, high, size = dict(known.low), dict(known.high), dict(known.size)
    terms = 0
    before: dict[int, tuple[Floats, Floats]] = {}
    last = len(plan.stages) - 1
    for s in range(index + 1, last + 1):
        stage = plan.stages[s]
        count = sum(weights.shape[1] for _, weights in stage.reads)
        terms += count + 16
        one = np.tile(stage.bias, (len(known.start) - 1, 1))
        two, most = one.copy(), np.abs(one)
        for source, weights in stage.reads:
            plus, minus = np.maximum(weights, 0.0).T, np.minimum(weights, 0.0).T
            one += low[source] @ plus + high[source] @ minus
            two += high[source] @ plus + low[source] @ minus
            most += size[source] @ np.abs(weights).T
        slack = 4 * terms * UNIT * most
        before[s + 1] = (one - slack, two + slack)
        low[s + 1], high[s + 1] = np.maximum(one - slack, 0.0), np.maximum(two + slack, 0.0)
        size[s + 1] = most * (1 + 4 * terms * UNIT)
    slack = 4 * terms * UNIT * size[last + 1][:, 0]
    ends = before[last + 1]
    below = _linear(plan, known, index, before, 1.0) - slack
    above = -_linear(plan, known, index, before, -1.0) + slack
    return np.maximum(below, ends[0][:, 0]), np.minimum(above, ends[1][:, 0])


def _linear(plan: Plan, known: _Known, index: int, before: dict[int, tuple[Floats, Floats]], sign: float) -> Floats:
    """A lower bound of ``sign * output`` on each cell: affine in what is known there, so least at a vertex."""
    cells = len(known.start) - 1
    output = plan.stages[-1]
    coefficients: dict[int, Floats] = {}
    constant = np.full(cells, sign * float(output.bias[0]))
    for source, weights in output.reads:
        coefficients[source] = np.tile(sign * weights[0], (cells, 1))
    for s in range(len(plan.stages) - 2, index, -1):
        own = coefficients.pop(s + 1, None)
        if own is None:
            continue
        low, high = before[s + 1]
        width = np.maximum(high - low, np.finfo(float).tiny)
        chord = np.where(high <= 0, 0.0, np.where(low >= 0, 1.0, high / width))
        lift = np.where((low < 0) & (high > 0), -chord * low, 0.0)
        tangent = np.where(high <= 0, 0.0, np.where(low >= 0, 1.0, (high > -low).astype(float)))
        slope = np.where(own >= 0, own * tangent, own * chord)
        constant += np.where(own < 0, own * lift, 0.0).sum(axis=1) + slope @ plan.stages[s].bias
        for source, weights in plan.stages[s].reads:
            added = slope @ weights
            coefficients[source] = coefficients[source] + added if source in coefficients else added
    cell = np.repeat(np.arange(cells), np.diff(known.start))
    value = np.zeros(len(cell))
    for source, factor in coefficients.items():
        value += np.einsum("ij,ij->i", factor[cell], known.values[source])
        constant = constant - (np.abs(factor) * known.size[-1 - source]).sum(axis=1)
    return np.minimum.reduceat(value, known.start[:-1]) + constant
