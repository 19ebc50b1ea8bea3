"""Rows that a point violates alone are facets, and with clear gaps all facets are found; against exact programs."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from polyhedra import float_simplex
from polyhedra.facet_witnesses import alone_violated
from polyhedra.linear_program import Optimal, maximize_over
from polyhedra.system import System


def facets(system: System) -> set[int]:
    """The rows that are no consequence of the others, by exact programs."""
    found = set()
    for index in range(system.count):
        others = system.subset([i for i in range(system.count) if i != index], 0)
        answer = maximize_over(others, [fmpq(v) for v in system.row(index)[:-1]])
        if not (isinstance(answer, Optimal) and answer.value <= system.row(index)[-1]):
            found.add(index)
    return found


@pytest.mark.skipif(not float_simplex.COMPILED, reason="without the core nothing is proposed")
@pytest.mark.parametrize("seed", range(12))
def test_only_facets_are_named_and_nearly_all_of_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 2 + seed % 4
    rows = rng.integers(-5, 6, (12, n))
    rows = np.unique(rows[rows.any(axis=1)], axis=0)
    right = rng.integers(1, 9, len(rows))
    system = System(rows.tolist(), right.tolist())
    named, known = alone_violated(system, (fmpq(0),) * n), facets(system)
    if len({(tuple(r), b) for r, b in zip(rows.tolist(), right.tolist(), strict=True)}) == len(rows):
        assert named <= known
        assert len(named) >= len(known) - 2


@pytest.mark.skipif(not float_simplex.COMPILED, reason="without the core nothing is proposed")
@pytest.mark.parametrize("seed", range(8))
def test_variables_that_one_row_reads(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    n = 6
    rows = rng.integers(-4, 5, (9, n)) * (rng.random((9, n)) < 0.3)
    rows = np.unique(np.concatenate([rows, -np.eye(n, dtype=int)[:3]]), axis=0)
    rows = rows[rows.any(axis=1)]
    system = System(rows.tolist(), rng.integers(1, 9, len(rows)).tolist())
    named, known = alone_violated(system, (fmpq(0),) * n), facets(system)
    assert named <= known
    assert len(named) >= len(known) - 2


def test_a_number_below_the_floats_counts_as_read() -> None:
    # the first row reads y too, by 10**-400 of its size, which is no float; so y belongs to more than one row
    tiny = fmpq(1, 10**400)
    system = System([[1, tiny], [0, 1], [1, 0]], [1, 1, 1])
    assert alone_violated(system, (fmpq(0), fmpq(0))) <= facets(system)


def test_a_row_that_only_touches_is_never_named() -> None:
    touching = System([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 1]], [1, 1, 1, 1, 2])
    assert 4 not in alone_violated(touching, (fmpq(0), fmpq(0)))


def test_ends_of_the_float_range_prove_nothing_wrong() -> None:
    for scale in (fmpq(10) ** 320, fmpq(1, 10**320)):
        system = System([[scale, 0], [-scale, 0], [0, 1], [0, -1], [scale, 1]], [scale, scale, 1, 1, 3 * scale])
        assert alone_violated(system, (fmpq(0), fmpq(0))) <= facets(system)
