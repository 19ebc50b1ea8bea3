"""Edge subdivision on the CPU: cut the 1-skeleton of the domain by one neuron after another.

After Berzins (ICML 2023), with proven signs.  A sign within its error bound is decided exactly (`exact_vertices`); a
true zero, or one that cannot be decided, is *doubtful* and ends the subdivision.  Where no vertex was doubtful every
split was proven, so the complex is the right one.

Lemma (errors).  A row is the vector F of all numbers of a vertex, coordinates and pre-activations, which is affine on
every cell.  Definitions: ``s_j`` is the scale of column j; ``eps`` the residual of a row; ``a[z]`` its amplification,
the cost of a move onto the hyperplane of neuron z along one of the two edges that made the vertex.  Claim: for an edge
in the hyperplanes of Z and every subset S of Z, the row of each end differs from F(p), for some point p of the common
flat of S, by at most ``eps * prod(a[z] for z in S) * s_j`` in column j.

1. Entering a stage appends columns and adds their rounding to ``eps``.
2. Halving an edge keeps the claim: the new row is a convex combination of the two, and so is its point.
3. A new edge takes the larger ``a[z]`` of its two parents and, for the new hyperplane, the better of their directions.
4. The exact vertex on an edge differs from its row by one more move, along the edge.

So errors do not compound from neuron to neuron: they stay near the rounding times the cosecants of the angles at the
vertex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nn_bridge.sign_vectors.exact_vertices import ExactVertex, locate, signed_floats
from nn_bridge.sign_vectors.plan import FloatStage, Plan
from nn_bridge.sign_vectors.skeleton import AMP, BLOCK, EPS, SIZE, Layout, Skeleton, layout_of
from nn_bridge.sign_vectors.start import HEAD
from polyhedra.arrays import Integers
from polyhedra.rounding import UNIT_ROUNDOFF

MAX_DOUBTS = 4096


@dataclass(slots=True)
class Outcome:
    """The outcome of cutting a piece.

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


def cut_stage(
    skeleton: Skeleton, index: int, before: FloatStage | None, outcome: Outcome, tolerant: bool = False
) -> None:
    """Evaluate stage ``index`` at all vertices and cut by its neurons; stops where a sign stays open."""
    plan = skeleton.plan
    stage = plan.stages[index]
    new = layout_of(plan, stage)
    # as many as so many vertices can have; the blocks take a part
    doubts = np.empty((max(min(skeleton.vertices, MAX_DOUBTS) * stage.units, MAX_DOUBTS), 2), dtype=np.int64)
    if not _enter(skeleton, index, before, new, doubts, outcome):
        return
    doubts = doubts[:MAX_DOUBTS]
    checked = skeleton.vertices
    for start in range(0, stage.units, BLOCK):
        _cut_block(skeleton, index, new, start, min(BLOCK, stage.units - start), checked, doubts, outcome, tolerant)
        if not outcome.sound:
            return
    outcome.neurons = stage.first + stage.units


def _enter(
    skeleton: Skeleton, index: int, before: FloatStage | None, new: Layout, doubts: Integers, outcome: Outcome
) -> bool:
    """The stage's values at all vertices; False where a sign is doubtful."""
    from nn_bridge.sign_vectors.stage_entry import enter_stage

    found = enter_stage(skeleton, index, before, new, doubts)
    return not found or _decide_found(skeleton, index, new, 0, doubts, found, outcome)


def _cut_block(
    skeleton: Skeleton,
    index: int,
    layout: Layout,
    start: int,
    count: int,
    checked: int,
    doubts: Integers,
    outcome: Outcome,
    tolerant: bool,
) -> None:
    """Cut by up to 64 neurons of a stage."""
    from nn_bridge.sign_vectors import kernels

    plan = skeleton.plan
    first = plan.stages[index].first + start
    column = layout.column + start
    table = plan.tables.get(first)
    if table is None:
        table = plan.tables[first] = kernels.word_table(plan.positive[first : first + count])
    if start:
        found = kernels.later_signs(
            skeleton.vertex_arrays, skeleton.vertices, checked, column, count, skeleton.scaled, doubts
        )
        if found and not _decide_found(skeleton, index, layout, start, doubts, found, outcome):
            return
    block = kernels.Block(
        column, layout.columns, count, skeleton.d, first, skeleton.longest, tolerant, skeleton.vertices, skeleton.edges
    )
    kernels.begin_block(
        block, skeleton.vertex_arrays, skeleton.e64, skeleton.edges, skeleton.table_before, skeleton.buckets
    )
    while True:
        status = kernels.cut_block(
            block,
            skeleton.vertex_arrays,
            skeleton.e64,
            skeleton.buckets,
            skeleton.workspace,
            skeleton.names,
            table,
            skeleton.scaled,
            skeleton.functional,
            doubts,
        )
        skeleton.vertices, skeleton.edges = block.vertices, block.edges
        if status == kernels.DONE:
            break
        cuts = block.cuts
        if status == kernels.NEED_ROOM:
            skeleton.reserve(skeleton.vertices + cuts, skeleton.edges + cuts + cuts * skeleton.longest // 2)
            if cuts > len(skeleton.order):
                skeleton.prepare_cuts(cuts + cuts // 2)
            continue
        done = block.neuron + 1
        if not _decide_found(skeleton, index, layout, start, doubts, block.found, outcome, done):
            kernels.take_back(block, skeleton.e64, skeleton.order)
            outcome.neurons = first + done - 1
            return
    if block.bad:
        outcome.consistent = False
        return
    kernels.end_block(skeleton.vertex_arrays, skeleton.vertices, table)
    skeleton.table_before = table


def _decide_found(
    skeleton: Skeleton,
    index: int,
    layout: Layout,
    start: int,
    doubts: Integers,
    found: int,
    outcome: Outcome,
    done: int = 0,
) -> bool:
    """Decide the (vertex, neuron of the block) pairs that a kernel wrote down, of which ``done`` neurons are cut."""
    from nn_bridge.sign_vectors import kernels

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
        row[EPS] = 2 * UNIT_ROUNDOFF * size
        skeleton.row32[vertex, AMP] = 1.0
        with np.errstate(over="ignore"):  # a size beyond float32 is infinite, and then proves no sign
            skeleton.row32[vertex, SIZE] = np.nextafter(np.float32(size), np.float32(np.inf))


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
        if index:
            skeleton.look_ahead(plan.neurons / outcome.neurons)
        cut_stage(skeleton, index, before, outcome)
        if not outcome.sound:
            return
        before = stage
