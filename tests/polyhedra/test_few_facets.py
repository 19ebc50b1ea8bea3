"""Polyhedra with many redundant rows: the facets found by rays and small programs are those of one program for each."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq

from polyhedra.facet_witnesses import met_by_rays
from polyhedra.linear_program import maximize_over
from polyhedra.redundancy import irredundant, relative_interior
from polyhedra.system import System


def crowded(dim: int, rows: int, seed: int, whole: bool) -> System:
    """Rows around the origin, many of them far away; whole ones with repeats, parallels and common vertices."""
    rng = np.random.default_rng(seed)
    normals = rng.integers(-2, 3, (rows, dim)) if whole else rng.normal(size=(rows, dim)).round(3)
    bounds = rng.integers(1, 4, rows) if whole else rng.exponential(2, rows).round(3) + 0.01
    normals[~normals.any(axis=1)] = 1
    return System(normals.tolist(), bounds.tolist())


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("dim", "rows"), [(2, 90), (3, 120), (5, 100)])
def test_facets_are_those_of_one_program_for_each_row(dim: int, rows: int, whole: bool) -> None:
    system = crowded(dim, rows, dim, whole)
    inner = relative_interior(system)
    found = irredundant(system, inner)
    assert found is not None
    assert found == irredundant(system, inner, lambda every, top: maximize_over(every, top))
    assert len(found[0]) < rows / 2


@pytest.mark.parametrize("whole", [False, True])
def test_rays_meet_facets_only(whole: bool) -> None:
    system = crowded(3, 80, 7, whole)
    inner = relative_interior(system)
    assert inner.point is not None
    kept = irredundant(system, inner, lambda every, top: maximize_over(every, top))
    assert kept is not None
    distinct = System.of_integer_rows(sorted({system.row(i) for i in range(system.count)}), 0, 3)
    met = met_by_rays(distinct, inner.point)
    assert {distinct.row(i) for i in met} <= set(kept[0])
    assert len(met) > len(kept[0]) / 2


def test_rays_from_a_point_far_off_prove_nothing_wrong() -> None:
    square = System([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]], [1, 1, 1, 1, 3])
    assert met_by_rays(square, (1 - fmpq(1, 10**30), fmpq(0))) <= {0, 1, 2, 3}
