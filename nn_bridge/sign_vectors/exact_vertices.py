"""Exact decisions for the few signs that float64 leaves open.

A vertex of the complex is known by its fingerprint, the hyperplanes through it and an approximate position.  The
signs of all earlier neurons there are guessed from the position, corrected until they have the vertex's fingerprint,
and then proven: the exact solution of the vertex's equations must have exactly these signs.  Only the network's exact
affine forms are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from nn_bridge.network import INPUT
from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import Floats, Plan
from polyhedra.scalars import ZERO

MASK = (1 << 64) - 1


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
    pattern = tuple(tuple(bool(v) for v in signs[s.first : s.first + s.units]) for s in plan.stages[:stage])
    forms = plan.network.affine_forms(pattern)
    flat = [row for form in forms for row in form]
    equations = [flat[z] for z in zeros]
    equations += [(*a, -b) for (a, b, _), on in zip(domain.walls, domain.face_walls[face].tolist(), strict=True) if on]
    solution = _solve(equations, domain.dim)
    if solution is None:
        return None
    values = tuple(
        tuple(sum((p * q for p, q in zip(row, solution, strict=False)), row[-1]) for row in form) for form in forms
    )
    at = [value for form in values for value in form]
    on_zeros = set(zeros)
    for j in range(first):
        expected = 0 if j in on_zeros else (1 if signs[j] else -1)
        actual = (at[j] > ZERO) - (at[j] < ZERO)
        if actual != expected and not _constant_zero(plan, j):
            return None
    return ExactVertex(solution, values)


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


def _solve(equations: list[tuple[fmpq, ...]], dim: int) -> tuple[fmpq, ...] | None:
    """The only solution of ``a . x + b = 0`` for all rows (a, b), or None."""
    if not equations:
        return None
    reduced, rank = fmpq_mat([list(row) for row in equations]).rref()
    rows = reduced.tolist()
    if rank != dim or any(rows[i][i] == 0 for i in range(dim)):
        return None
    return tuple(-rows[i][dim] for i in range(dim))
