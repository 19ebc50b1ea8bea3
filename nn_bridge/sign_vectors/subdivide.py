"""Edge subdivision on the CPU: cut the 1-skeleton of the domain by one neuron after another.

After Berzins (ICML 2023), with proven signs.  A sign within its error bound is decided exactly (`exact_vertices`); a
true zero, or one that cannot be decided, is *doubtful* and ends the subdivision.  Where no vertex was doubtful every
split was proven, so the complex is the right one.

Errors.  Let F be the vector of everything a vertex row holds (coordinates, pre-activations), affine on every cell,
and let ``s_j`` be the scale of column j.  For an edge e in the hyperplanes of Z and every subset S of Z, each end's
row differs from F(p), for some p in the common flat of S, by at most ``eps * prod(a[z] for z in S) * s_j``.  ``eps``
(the residual) is rounding and only adds up; ``a[z]`` (the amplification) is what it costs to move onto hyperplane z
along one of the two edges that made the new one.  Halving an edge keeps all of this (the row of the new vertex is a
convex combination, its point too); a new edge takes the larger ``a[z]`` of its two parents and, for the new
hyperplane, the better of their two directions.  The exact vertex on edge e differs from its row by one move more,
along e.  So errors do not compound from neuron to neuron: they stay near rounding times the cosecants of the angles
at the vertex.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network import INPUT
from nn_bridge.sign_vectors.exact_vertices import ExactVertex, locate, signed_floats
from nn_bridge.sign_vectors.plan import Floats, FloatStage, Plan
from nn_bridge.sign_vectors.skeleton import AMP, BLOCK, EPS, HEAD, SIZE, Layout, Skeleton, layout_of

CHUNK = 1024
SAMPLE = 64
SHALLOW = 4
"""Up to so many stages the plainer of the two error bounds is good enough."""
UNIT = 2.0**-53
FLOOR = 1e-250
"""Absolute slack for anything that underflow can do to numbers that started within the range of `plan.SMALLEST`."""
MAX_DOUBTS = 4096


@dataclass(slots=True)
class Outcome:
    """What happened while a piece was cut.

    Attributes
    ----------
    doubtful : int
        Vertices with a sign that is zero or undecided; the subdivision stopped there if there are any.
    decided : int
        Signs that float64 left open and exact arithmetic decided.
    consistent : bool
        Whether every 2-face was met by exactly two edges.
    neurons : int
        Hyperplanes that were processed.
    """

    doubtful: int = 0
    decided: int = 0
    consistent: bool = True
    neurons: int = 0

    @property
    def sound(self) -> bool:
        """Nothing went wrong so far."""
        return self.doubtful == 0 and self.consistent


def stage_values(
    stage: FloatStage, old: Layout, previous: int, rows: Floats, d: int, scaled: Floats, sharp: bool
) -> tuple[Floats, Floats, float]:
    """Values of the stage at some vertices, and how much of the rows' residuals each of them can take over.

    Parameters
    ----------
    old : Layout
        The layout of the rows, in which ``previous`` (a source number) is the stage just cut.
    scaled : float64 array
        1 / scale of each column of the rows.
    sharp : bool
        Whether the gain leaves inactive units out: half as large, for one more product of matrices.

    Returns
    -------
    values, gain : float64 arrays of shape (rows, units), the gain of shape (1, units) where it is not sharp
        Where the numbers that were read are off by ``e`` times their scale, the value is off by ``e`` times the gain.
    gamma : float
        The value's own rounding is at most ``gamma`` times (SIZE times the gain plus the bias).
    """
    terms = sum(weights.shape[1] for _, weights in stage.reads)
    values = np.empty((len(rows), stage.units))
    values[:] = stage.bias
    gain = np.full((len(rows) if sharp else 1, stage.units), FLOOR)
    for source, weights in stage.reads:
        if source == INPUT:
            where = slice(HEAD, HEAD + d)
            raw = inputs = np.ascontiguousarray(rows[:, where])
        else:
            start = old.column if source == previous else old.carried[source]
            where = slice(start, start + weights.shape[1])
            raw = rows[:, where]
            inputs = np.maximum(raw, 0.0)
        values += inputs @ weights.T
        weighed = np.abs(weights) / scaled[where]
        if source == INPUT or not sharp:
            gain += weighed.sum(axis=1) * (1 + 1e-9)
            continue
        # an inactive unit is exactly zero around the vertex: its sign is proven
        active = raw >= 0
        # only a bound is wanted, so single precision will do, with room for its rounding and underflow
        most = float(weighed.max(initial=FLOOR))
        part = active.astype(np.float32) @ (weighed / most).T.astype(np.float32)
        gain += (part.astype(np.float64) * (1 + 1e-4) + 1e-30) * most
    return values, gain, (terms + 16) * UNIT


def cut_stage(
    skeleton: Skeleton, index: int, before: FloatStage | None, outcome: Outcome, tolerant: bool = False
) -> None:
    """Evaluate stage ``index`` at all vertices and cut by its neurons; stops where a sign stays open."""
    plan = skeleton.plan
    stage = plan.stages[index]
    new = layout_of(plan, stage)
    if not _enter_stage(skeleton, index, before, new, outcome):
        return
    checked = skeleton.vertices
    for start in range(0, stage.units, BLOCK):
        _cut_block(skeleton, index, new, start, min(BLOCK, stage.units - start), checked, outcome, tolerant)
        if not outcome.sound:
            return
    outcome.neurons = stage.first + stage.units


def _enter_stage(skeleton: Skeleton, index: int, before: FloatStage | None, new: Layout, outcome: Outcome) -> bool:
    """Rewrite all vertex rows in the stage's layout; False where a sign is doubtful."""
    from nn_bridge import _edge_kernels as kernels  # numba loads and compiles only where it is used

    plan, d = skeleton.plan, skeleton.d
    stage = plan.stages[index]
    old = layout_of(plan, before)
    rows = skeleton.rows[: skeleton.vertices]
    vertices = _vertices(skeleton)
    scaled = skeleton.scaled
    kept = {HEAD: slice(HEAD, HEAD + d)}
    for source, place in new.carried.items():
        units = plan.stages[source - 1].units
        start = old.column if source == index else old.carried[source]
        kept[place] = slice(start, start + units)
    sharp = len(plan.stages) > SHALLOW
    new_scaled = _scales(skeleton, stage, old, index, new, kept, sharp)

    # what a residual of the old row weighs in the scales of the columns that stay
    fade = max(float((new_scaled[p : p + w.stop - w.start] / scaled[w]).max()) for p, w in kept.items())
    doubts = np.empty((CHUNK * stage.units, 2), dtype=np.int64)
    open_signs: list[tuple[int, int]] = []
    rounding = np.empty(stage.units)
    for low in range(0, len(rows), CHUNK):
        part = rows[low : low + CHUNK]
        values, gain, gamma = stage_values(stage, old, index, part, d, scaled, sharp)
        if not np.isfinite(values.sum()):
            raise NetworkError(f"the values of stage {index + 1} leave the range of float64; use engine 'cells'")
        rounding[:] = gamma * np.abs(stage.bias)
        copies = {place: part[:, where].copy() for place, where in kept.items() if place != where.start}
        for place, values_kept in copies.items():
            part[:, place : place + values_kept.shape[1]] = values_kept
        found = kernels.settle_rows(vertices, low, values, gain, gamma, rounding, new_scaled, new.column, fade, doubts)
        open_signs += [(v, j) for v, j in doubts[:found].tolist()]
    skeleton.scaled = new_scaled
    if open_signs:
        _decide(skeleton, index, new, 0, open_signs, outcome)
        for v in {v for v, _ in open_signs}:
            kernels.renew_sign_word(skeleton.signs, v, skeleton.rows[v, new.column : new.columns][:BLOCK], 0)
    return outcome.sound


def _scales(
    skeleton: Skeleton, stage: FloatStage, old: Layout, index: int, new: Layout, kept: dict[int, slice], sharp: bool
) -> Floats:
    """1 / scale of each column of the new layout: scales in proportion to how much the columns vary along edges.

    Any positive scales are right; these keep the amplification of residuals near the cosecant of an angle.
    """
    d, rows, scaled = skeleton.d, skeleton.rows, skeleton.scaled
    ends = skeleton.e32[: skeleton.edges : max(1, skeleton.edges // SAMPLE), :2]
    result = np.ones(skeleton.width)
    inner: list[Floats] = []
    values: list[Floats] = []
    for side in (0, 1):
        sample = rows[ends[:, side]]
        value, gain, gamma = stage_values(stage, old, index, sample, d, scaled, sharp)
        size = gamma * skeleton.row32[ends[:, side], SIZE, None] * gain + gamma * np.abs(stage.bias)
        residual = np.full((len(sample), new.columns), FLOOR)
        moved = np.zeros((len(sample), new.columns))
        for place, where in kept.items():
            residual[:, place : place + where.stop - where.start] = sample[:, EPS, None] / scaled[where]
            moved[:, place : place + where.stop - where.start] = sample[:, where]
        residual[:, new.column :] = sample[:, EPS, None] * gain + size
        moved[:, new.column :] = value
        inner.append(residual)
        values.append(moved)
    residual = np.maximum(*inner)[:, HEAD:].mean(axis=0)
    slope = np.abs(values[0] - values[1])[:, HEAD:].mean(axis=0)
    unit = float(np.median(residual[slope > 0] / slope[slope > 0])) if np.any(slope > 0) else 1.0
    result[HEAD : new.columns] = 1 / np.maximum(slope * unit, np.maximum(residual, FLOOR))
    return result


def _vertices(skeleton: Skeleton) -> Any:
    """The arrays of the vertices, as the kernels take them."""
    from nn_bridge import _edge_kernels as kernels  # numba loads and compiles only where it is used

    return kernels.Vertices(
        skeleton.rows, skeleton.row32, skeleton.signs, skeleton.fingerprint, skeleton.zeros, skeleton.faces
    )


def _cut_block(
    skeleton: Skeleton,
    index: int,
    layout: Layout,
    start: int,
    count: int,
    checked: int,
    outcome: Outcome,
    tolerant: bool,
) -> None:
    """Cut by up to 64 neurons of a stage."""
    from nn_bridge import _edge_kernels as kernels  # numba loads and compiles only where it is used
    from nn_bridge._edge_kernels import layout as at

    plan, domain = skeleton.plan, skeleton.domain
    first = plan.stages[index].first + start
    column = layout.column + start
    doubts = np.empty((MAX_DOUBTS, 2), dtype=np.int64)
    table = kernels.word_table(plan.positive[first : first + count])
    if start:
        found = kernels.later_signs(
            _vertices(skeleton), skeleton.vertices, checked, column, count, skeleton.scaled, doubts
        )
        if found and not _decide_found(skeleton, index, layout, start, doubts, found, outcome):
            return
    head, tail, fill, size = (np.empty(BLOCK, dtype=np.int64) for _ in range(4))
    state = np.zeros(at.STATE, dtype=np.int64)
    state[: at.VERTICES] = column, layout.columns, count, skeleton.d, first, skeleton.longest, tolerant
    state[at.VERTICES], state[at.EDGES] = skeleton.vertices, skeleton.edges
    names = kernels.Names(
        plan.zero, plan.positive, skeleton.face_word, domain.face_dim, domain.cover_start, domain.covers
    )
    coordinates = slice(HEAD, HEAD + skeleton.d)
    height_scale = float((np.abs(skeleton.functional) / skeleton.scaled[coordinates]).sum()) * (1 + 1e-12)
    buckets = kernels.Buckets(skeleton.pool, head, tail, fill, size)
    edges = kernels.Edges(skeleton.e64, skeleton.e32, skeleton.e16)
    kernels.begin_block(
        skeleton.signs, skeleton.signs.reshape(-1), edges, skeleton.edges, skeleton.table_before, buckets, state
    )
    while True:
        edges = kernels.Edges(skeleton.e64, skeleton.e32, skeleton.e16)
        records = skeleton.records
        status = kernels.cut_block(
            state,
            _vertices(skeleton),
            skeleton.rows.reshape(-1),
            skeleton.signs.reshape(-1),
            edges,
            skeleton.e64.reshape(-1),
            kernels.Buckets(skeleton.pool, head, tail, fill, size),
            kernels.Workspace(
                skeleton.order,
                records,
                records.view(np.float64),
                records.view(np.int32),
                records.view(np.int16),
                skeleton.keys,
                skeleton.slots,
                skeleton.slots.reshape(-1),
            ),
            names,
            table,
            skeleton.scaled,
            skeleton.functional,
            height_scale,
            doubts,
        )
        skeleton.vertices, skeleton.edges = int(state[at.VERTICES]), int(state[at.EDGES])
        if status == kernels.DONE:
            break
        cuts = int(state[at.CUTS])
        if status == kernels.NEED_ROOM:
            skeleton.reserve(skeleton.vertices + cuts, skeleton.edges + cuts + cuts * skeleton.longest // 2)
            if cuts > len(skeleton.order):
                skeleton.prepare_cuts(cuts + cuts // 2)
            continue
        done = int(state[at.NEURON]) + 1
        if not _decide_found(skeleton, index, layout, start, doubts, int(state[at.FOUND]), outcome, done):
            kernels.take_back(state, edges, skeleton.order)
            outcome.neurons = first + done - 1
            return
    if state[at.BAD]:
        outcome.consistent = False
        return
    kernels.end_block(skeleton.signs, skeleton.fingerprint, skeleton.vertices, table)
    skeleton.table_before = table


def _decide_found(
    skeleton: Skeleton,
    index: int,
    layout: Layout,
    start: int,
    doubts: np.ndarray,
    found: int,
    outcome: Outcome,
    done: int = 0,
) -> bool:
    """Decide the (vertex, neuron of the block) pairs that a kernel wrote down, of which ``done`` neurons are cut."""
    from nn_bridge import _edge_kernels as kernels  # numba loads and compiles only where it is used

    if found > len(doubts):
        outcome.doubtful += found
        return False
    pairs = [(v, start + k) for v, k in doubts[:found].tolist()]
    _decide(skeleton, index, layout, start, pairs, outcome)
    # the rows hold exact values now
    for v in {v for v, _ in pairs}:
        values = skeleton.rows[v, layout.column + start : layout.columns][:BLOCK]
        kernels.renew_sign_word(skeleton.signs, v, values, done)
    return outcome.sound


def _decide(
    skeleton: Skeleton, index: int, layout: Layout, processed: int, pairs: list[tuple[int, int]], outcome: Outcome
) -> None:
    """Replace the rows of vertices with open signs by exact values; zeros and failures are counted as doubtful.

    ``processed`` neurons of the stage belong to the fingerprints already.
    """
    plan, d = skeleton.plan, skeleton.d
    by_vertex: dict[int, list[int]] = {}
    for vertex, neuron in pairs:
        by_vertex.setdefault(vertex, []).append(neuron)
    if len(by_vertex) > MAX_DOUBTS:
        outcome.doubtful += len(by_vertex)
        return
    for vertex, neurons in by_vertex.items():
        exact = exact_vertex(skeleton, index, layout, processed, vertex)
        floats = None if exact is None else [signed_floats(v) for v in (exact.point, *exact.values)]
        if exact is None or floats is None or any(exact.values[index][j] == 0 for j in neurons) or None in floats:
            outcome.doubtful += 1
            if outcome.doubtful >= 64:  # plainly not generic: no need to know how much
                return
            continue
        outcome.decided += len(neurons)
        row = skeleton.rows[vertex]
        row[HEAD : HEAD + d] = floats[0]
        for source, place in layout.carried.items():
            row[place : place + plan.stages[source - 1].units] = floats[source]
        row[layout.column : layout.columns] = floats[index + 1]
        used = slice(HEAD, layout.columns)
        size = float((np.abs(row[used]) * skeleton.scaled[used]).max())
        row[EPS] = 2 * UNIT * size
        skeleton.row32[vertex, AMP] = 1.0
        skeleton.row32[vertex, SIZE] = size * (1 + 1e-6)


def exact_vertex(skeleton: Skeleton, index: int, layout: Layout, processed: int, vertex: int) -> ExactVertex | None:
    """The proven vertex behind a row, of which ``processed`` neurons of stage ``index`` are in the fingerprint."""
    plan = skeleton.plan
    zeros = [z for z in skeleton.zeros[vertex].tolist() if z >= 0]
    face = int(skeleton.faces[vertex])
    words = int(skeleton.fingerprint[vertex]) - int(skeleton.face_word[face]) - sum(int(plan.zero[z]) for z in zeros)
    if processed:
        first = plan.stages[index].first
        values = skeleton.rows[vertex, layout.column : layout.column + processed]
        words -= int(plan.positive[first : first + processed][values > 0].sum(dtype=np.uint64))
    point = skeleton.rows[vertex, HEAD : HEAD + skeleton.d].copy()
    return locate(plan, skeleton.domain, index, point, zeros, face, words % (1 << 64))


def subdivide(plan: Plan, skeleton: Skeleton, outcome: Outcome) -> None:
    """Cut by all stages of the plan."""
    before: FloatStage | None = None
    for index, stage in enumerate(plan.stages):
        cut_stage(skeleton, index, before, outcome)
        if not outcome.sound:
            return
        skeleton.look_ahead(plan.neurons / outcome.neurons)
        before = stage
