"""Exact decisions for the few signs that float64 leaves open.

A vertex of the complex is known by its fingerprint, the hyperplanes through it and an approximate position.  The
signs of all earlier neurons there are guessed from the position, corrected until they have the vertex's fingerprint,
and then proven: the exact solution of the vertex's equations must have exactly these signs.  Only the network's exact
affine forms are used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from nn_bridge.network.network import INPUT
from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import Plan
from polyhedra.arrays import Floats
from polyhedra.scalars import common_denominator, to_float

MASK = (1 << 64) - 1
TINY = 1e-300
"""Stands for numbers that underflow; far below every error bound."""


@dataclass(frozen=True, slots=True)
class ExactVertex:
    """A proven vertex.

    Attributes
    ----------
    point : tuple of rationals
    values : tuple of tuples of rationals
        The pre-activations of the stages up to the one asked for.
    """

    point: tuple[fmpq, ...]
    values: tuple[tuple[fmpq, ...], ...]


def float_values(plan: Plan, points: Floats, stages: int) -> list[Floats]:
    """Pre-activations of the first ``stages`` stages at float points, shape (points, units) each; no error bounds."""
    sources = {INPUT: points}
    results: list[Floats] = []
    for index in range(stages):
        stage = plan.stages[index]
        value = np.tile(stage.bias, (len(points), 1))
        for source, weights in stage.reads:
            value += sources[source] @ weights.T
        results.append(value)
        sources[index + 1] = np.maximum(value, 0.0)
    return results


def locate(
    plan: Plan, domain: Domain, stage: int, point: Floats, zeros: list[int], face: int, words: int
) -> ExactVertex | None:
    """The exact vertex, or None where the guess cannot be proven.

    Parameters
    ----------
    plan : Plan
    domain : Domain
    stage : int
        The stage (from 0) whose values are wanted; signs of all earlier stages belong to the vertex.
    point : float64 array of shape (n,)
    zeros : list of int
        The neurons through the vertex (of stages up to ``stage``).
    face : int
        The smallest domain face that contains the vertex.
    words : int
        The sum modulo 2^64 of the words of all positive neurons of earlier stages.
    """
    first = plan.stages[stage].first if stage < len(plan.stages) else plan.neurons
    signs = guess_signs(plan, stage, point, zeros, words)
    if signs is None:
        return None
    forms = _forms(plan, stage, signs)
    equations = [forms[z] for z in zeros]
    for (a, b, _), on in zip(domain.walls, domain.face_walls[face].tolist(), strict=True):
        if on:
            scale = common_denominator((*a, b))
            equations.append([fmpz(int(v * scale)) for v in (*a, -b)])
    solution = _solve(equations, domain.dim)
    if solution is None:
        return None
    denominator = common_denominator(solution)
    homogeneous = fmpz_mat([[int(v * denominator)] for v in solution] + [[denominator]])
    at = [row[0] for row in (fmpz_mat(forms) * homogeneous).tolist()]
    on_zeros = set(zeros)
    for j in range(first):
        expected = 0 if j in on_zeros else (1 if signs[j] else -1)
        if (at[j] > 0) - (at[j] < 0) != expected and not _constant_zero(plan, j):
            return None
    scales = [scale for part in _integer_stages(plan)[: stage + 1] for scale in [part.scale] * part.units]
    exact = [fmpq(value, scale * denominator) for value, scale in zip(at, scales, strict=False)]
    stages = plan.stages[: stage + 1]
    return ExactVertex(solution, tuple(tuple(exact[s.first : s.first + s.units]) for s in stages))


@dataclass(frozen=True, slots=True)
class _IntegerStage:
    """A stage over integers: its forms are integer rows over ``scale``, a multiple of the scale of the stage before."""

    units: int
    reads: tuple[tuple[int, fmpz_mat], ...]
    bias: tuple[int, ...]
    denominator: int
    scale: int


@lru_cache(maxsize=8)
def _integer_stages(plan: Plan) -> tuple[_IntegerStage, ...]:
    """The plan's stages, exactly, each over the least common denominator of its entries."""
    network = plan.network
    result: list[_IntegerStage] = []
    scale = 1
    for stage in (*network.stages, network.output)[: len(plan.stages)]:
        entries = [v for _, matrix in stage.blocks for row in matrix for v in row]
        denominator = common_denominator((*entries, *stage.bias))
        reads = tuple(
            (source, fmpz_mat([[int(v * denominator) for v in row] for row in matrix]))
            for source, matrix in stage.blocks
        )
        bias = tuple(int(v * denominator) for v in stage.bias)
        scale *= denominator
        result.append(_IntegerStage(stage.units, reads, bias, denominator, scale))
    return tuple(result)


def _forms(plan: Plan, stage: int, signs: np.ndarray) -> list[list[fmpz]]:
    """The affine forms (a, b) of all neurons up to ``stage`` under the signs, each times its stage's scale."""
    stages = _integer_stages(plan)[: stage + 1]
    n = plan.network.input_dim
    identity = fmpz_mat([[int(i == j) for j in range(n + 1)] for i in range(n)])
    sources: list[tuple[fmpz_mat, int]] = [(identity, 1)]
    result: list[list[fmpz]] = []
    before = 1
    for index, part in enumerate(stages):
        total = fmpz_mat([[0] * n + [b * before] for b in part.bias])
        for source, weights in part.reads:
            rows, scale = sources[source]
            total += weights * rows * (before // scale)
        table = total.tolist()
        result += table
        before = part.scale
        if index < stage:
            first = plan.stages[index].first
            blank = [0] * (n + 1)
            kept = [row if on else blank for row, on in zip(table, signs[first : first + part.units], strict=True)]
            sources.append((fmpz_mat(kept), part.scale))
    return result


def signed_floats(values: tuple[fmpq, ...]) -> list[float] | None:
    """The nearest floats, except that a number too small for one keeps its sign; None where a number is too large."""
    result = []
    for value in values:
        nearest = to_float(value)
        if not math.isfinite(nearest):
            return None
        if nearest == 0.0 and value:
            nearest = TINY if value > 0 else -TINY
        result.append(nearest)
    return result


def _constant_zero(plan: Plan, neuron: int) -> bool:
    """Whether the neuron reads nothing: then it has no hyperplane, even where its bias is zero."""
    stage, index = plan.stage_of(neuron)
    return all(not np.any(weights[index]) for _, weights in plan.stages[stage].reads)


def guess_signs(plan: Plan, stage: int, point: Floats, zeros: list[int], words: int) -> np.ndarray | None:
    """Signs (True: positive) of all neurons of stages before ``stage``, near a point, with this sum of words.

    Returns None where flipping one or two signs does not give the sum.
    """
    first = plan.stages[stage].first if stage < len(plan.stages) else plan.neurons
    if first == 0:
        return np.zeros(0, dtype=bool) if words == 0 else None
    values = np.concatenate([v[0] for v in float_values(plan, point[None, :], stage)])
    signs = values > 0
    inner = [z for z in zeros if z < first]
    signs[inner] = False
    table = plan.positive[:first]
    missing = np.uint64((words - int(table[signs].sum(dtype=np.uint64))) & MASK)
    if missing == 0:
        return signs
    # what flipping each neuron would add to the sum; one or two flips are looked for
    change = np.where(signs, np.uint64(0) - table, table)
    allowed = np.ones(first, dtype=bool)
    allowed[inner] = False
    hit = np.nonzero((change == missing) & allowed)[0]
    if not len(hit):
        near = np.argsort(np.abs(values))[: min(first, 200)]
        near = near[allowed[near]]
        pairs = np.argwhere(change[near][:, None] + change[near][None, :] == missing)
        if not len(pairs):
            return None
        hit = near[pairs[0]]
    signs[hit] = ~signs[hit]
    return signs


def _solve(equations: list[list[Any]], dim: int) -> tuple[fmpq, ...] | None:
    """The only solution of ``a . x + b = 0`` for all rows (a, b), or None."""
    if not equations:
        return None
    reduced, rank = fmpq_mat(equations).rref()
    rows = reduced.tolist()
    if rank != dim or any(rows[i][i] == 0 for i in range(dim)):
        return None
    return tuple(-rows[i][dim] for i in range(dim))
