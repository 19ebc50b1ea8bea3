"""Fits with as many non-zeros as samples, looked for at random among supports and patterns.

With N columns in all the weights are determined; random choices of supports and patterns are solved in float64 in
arrays, and where all pre-activations have the signs of their patterns the choice is decided exactly.
"""

from __future__ import annotations

import time
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from milp.training.exact_weights import OutOfTime, Unit
from milp.training.support_search import SupportSearch
from milp.training.supports import Block, SpanClass, seconds_of_class
from polyhedra.arrays import Floats, Integers

_AT_ONCE = 2048
_STEPS_AT_ONCE = 6_000_000  # of eliminations in one array, that is between two looks at the clock
_MOST_PARTITIONS = 10_000  # that are drawn from
_SLACK = 1e-9  # of a sign in float64; what passes is decided exactly
_RESIDUAL = 1e-6  # of the largest output; more shows that the equations are as good as singular


def sample_supports(
    search: SupportSearch, deadline: float, *, rng: np.random.Generator, most: int = 4_000_000
) -> tuple[Unit, ...] | None:
    """A fit with N non-zeros, or None where no choice fitted before the deadline or among so many choices."""
    search.within(deadline - time.monotonic())
    tables: dict[int, _Table] = {}
    spent = 0.0
    every = list(islice(search.partitions(search.data.samples), _MOST_PARTITIONS))
    for cost in sorted({cost for parts in every for cost in parts}):
        spent += seconds_of_class(search.data.samples, len(search.columns), cost)
        if time.monotonic() + spent > deadline:
            break
        try:
            if search.spans_of(cost).spans:
                tables[cost] = _Table(search, search.spans_of(cost))
        except OutOfTime:
            break
    parts = [found for found in every if tables.keys() >= set(found)]
    goal = np.array(_scaled(search.data.goal))
    at_once = max(1, min(_AT_ONCE, _STEPS_AT_ONCE // search.data.samples**3))
    tried = 0
    while parts and tried < most and time.monotonic() < deadline:
        costs = parts[int(rng.integers(len(parts)))]
        chosen = [rng.integers(0, len(tables[cost].blocks), size=at_once) for cost in costs]
        tried += at_once
        for place in np.flatnonzero(_right_signs([tables[cost] for cost in costs], chosen, goal)):
            blocks = tuple(tables[cost].blocks[indices[place]] for cost, indices in zip(costs, chosen, strict=True))
            try:
                found = search.exact.weights_of(blocks)
            except OutOfTime:
                return None
            if found is not None:
                return found
    return None


class _Table:
    """The blocks of one cost in float64."""

    def __init__(self, search: SupportSearch, found: SpanClass) -> None:
        columns = np.array([_scaled(column) for column in search.data.columns])
        self.blocks: list[Block] = [block for span in found.spans for block in span.blocks]
        self.active: NDArray[np.bool_] = np.array([block.active for block in self.blocks])
        self.columns: Floats = np.array([columns[list(block.support)].T for block in self.blocks])


def _right_signs(tables: list[_Table], chosen: list[Integers], goal: Floats) -> NDArray[np.bool_]:
    """Whether the weights that the equations determine have their patterns, for one of the signs of each unit."""
    raw = [table.columns[indices] for table, indices in zip(tables, chosen, strict=True)]
    on = [table.active[indices] for table, indices in zip(tables, chosen, strict=True)]
    A = np.concatenate([columns * active[:, :, None] for columns, active in zip(raw, on, strict=True)], axis=2)
    regular = np.abs(np.linalg.det(A)) > 0
    A[~regular] = np.eye(len(goal))
    weights = np.linalg.solve(A, np.broadcast_to(goal[:, None], (len(A), len(goal), 1)))
    residuals = np.abs((A @ weights)[:, :, 0] - goal).max(axis=1)
    right, start = regular & (residuals <= _RESIDUAL * np.abs(goal).max()), 0
    for columns, active in zip(raw, on, strict=True):
        width = columns.shape[2]
        values = (columns @ weights[:, start : start + width])[:, :, 0]
        start += width
        signed = np.where(active, values, -values)
        slack = _SLACK * np.abs(values).max(axis=1, keepdims=True)
        right = right & ((signed >= -slack).all(axis=1) | (signed <= slack).all(axis=1))
    return np.asarray(right)


def _scaled(values: tuple[int, ...]) -> list[float]:
    """Integers of any size divided by the largest."""
    largest = max(map(abs, values)) or 1
    return [value / largest for value in values]
