"""Projected ideal rows: the list and the separation against all sets, the hull, and rows inside the exact search."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from milp.bounding import network_bounds
from milp.branching import search_maximum
from milp.domain import bounded
from milp.formulations import formulate
from milp.projected_rows import all_rows, least_row
from milp.relaxation import Relaxation
from milp.root_cuts import add_root_cuts, least_constant
from milp.solvers import SolveStatus
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.scalars import rational, to_float
from puiseux import random_network

pytest.importorskip("highspy")
pytest.importorskip("cvxpy")


def naive_rows(w: Any, b: float, low: Any, high: Any) -> list[tuple[tuple[float, ...], float]]:
    """The definition word for word."""
    n = len(w)
    least, greatest = np.where(w >= 0, low, high), np.where(w >= 0, high, low)

    def ell(chosen: set[int]) -> float:
        return float(b + sum(w[j] * (least[j] if j in chosen else greatest[j]) for j in range(n)))

    rows = []
    for size in range(n):
        for chosen in map(set, itertools.combinations(range(n), size)):
            for p in set(range(n)) - chosen:
                if ell(chosen) >= 0 > ell(chosen | {p}):
                    a = np.array([w[j] if j in chosen else 0.0 for j in range(n)])
                    a[p] = ell(chosen) / (greatest[p] - least[p])
                    rows.append((tuple(a), float(-a @ least)))
    return rows


def test_the_list_and_the_separation_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        n = int(rng.integers(1, 6))
        w, b, low = rng.normal(size=n), float(rng.normal() / 2), -rng.random(n)
        high = low + 0.1 + rng.random(n)
        expected = naive_rows(w, b, low, high)
        found = [(tuple(a), c) for a, c in all_rows(w, b, low, high)]
        assert len(found) == len(expected)
        for (a, c), (d, e) in zip(sorted(found), sorted(expected), strict=True):
            assert np.allclose((*a, c), (*d, e))
        for _ in range(5):
            h = rng.uniform(low, high)
            row = least_row(w, b, low, high, h)
            assert (row is None) == (not expected)
            if row is not None:
                assert row[0] @ h + row[1] == pytest.approx(min(np.array(a) @ h + c for a, c in expected))


def test_rows_hold_at_all_corners_and_reach_the_hull() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        n = int(rng.integers(2, 5))
        w, b = rng.normal(size=n), float(rng.normal() / 4)
        low, high = -np.ones(n), np.ones(n)
        corners = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
        values = np.maximum(corners @ w + b, 0)
        rows = list(all_rows(w, b, low, high))
        for a, c in rows:
            assert (corners @ a + c >= values - 1e-12).all()
        if rows:  # the concave hull of a convex function over a box is that of its corners
            middle = min(c for a, c in rows)
            from scipy.optimize import linprog

            weights = linprog(-values, A_eq=np.vstack([corners.T, np.ones(len(corners))]), b_eq=[*np.zeros(n), 1])
            assert middle == pytest.approx(-weights.fun)


@pytest.mark.parametrize("sizes", [[3, 5, 1], [2, 4, 4, 1], [14, 3, 1]])
def test_the_projected_relaxation_is_the_extended_one(sizes: list[int]) -> None:
    network = random_network(sizes, rng=1)

    def relaxed(name: str, cuts: bool) -> float:
        model = formulate(network, "box:-1,1", name, tightening="interval")
        if cuts:
            _, report = model.add_ideal_cuts(model.output[0])
        else:
            report = model.optimize(model.output[0], relaxed=True)
        assert report.value is not None
        return report.value

    ideal = relaxed("extended", False)
    assert relaxed("triangle", True) == pytest.approx(ideal, abs=1e-5)
    assert relaxed("projected", True) == pytest.approx(ideal, abs=1e-5)
    if max(sizes) <= 12:
        assert relaxed("projected", False) == pytest.approx(ideal, abs=1e-5)


def test_the_constant_of_a_cut_is_exact() -> None:
    third = fmpq(1, 3)
    ends = {0: (fmpq(-1), fmpq(1)), 1: (fmpq(0), fmpq(2))}
    weights = {0: fmpq(1), 1: -third}
    for a in ({0: fmpq(1), 1: fmpq(0)}, {0: third, 1: -third}, {0: fmpq(-2), 1: fmpq(5)}):
        c = least_constant(weights, third, a, ends)
        slack = []
        for h in itertools.product(*ends.values()):
            g = h[0] - third * h[1] + third
            slack.append(a[0] * h[0] + a[1] * h[1] + c - max(g, fmpq(0)))
        assert min(slack) >= 0
        # least: 0 is attained by one of the two affine parts, at a corner
        parts = [
            min(a[0] * h[0] + a[1] * h[1] + c - part(h) for h in itertools.product(*ends.values()))
            for part in (lambda h: fmpq(0), lambda h: h[0] - third * h[1] + third)
        ]
        assert min(parts) == 0


@pytest.mark.parametrize("sizes", [[2, 8, 6, 1], [4, 8, 8, 1], [6, 10, 1]])
def test_the_search_with_and_without_cuts_finds_the_same_maximum(sizes: list[int]) -> None:
    nodes = np.zeros(2, dtype=int)
    for seed in range(3):
        network = random_network(sizes, rng=seed)
        region = bounded(([-1] * sizes[0], [1] * sizes[0]), sizes[0])
        known = network_bounds(network, region, "lp")
        results = [search_maximum(network, region, known, network.output, cut_rounds=k) for k in (0, 3)]
        assert all(result.proven for result in results)
        assert results[0].value == results[1].value == results[1].bound
        nodes += [result.nodes for result in results]
    assert nodes[1] <= nodes[0]


def test_rows_tighten_the_root_and_stay_above_the_network() -> None:
    network = random_network([5, 10, 10, 1], rng=0)
    region = bounded(([-1] * 5, [1] * 5), 5)
    known = network_bounds(network, region, "deeppoly")
    relaxation = Relaxation(network, region, known)
    relaxation.set_objective(network.output, 0, 1)
    units = [(k, i) for k in range(2) for i in known.unstable(k)]
    before, point = relaxation.bound()
    assert point is not None
    added = add_root_cuts(relaxation, network, units, point, relaxation.column_ends)
    assert added > 0
    after, _ = relaxation.bound()
    assert after < before
    rng = np.random.default_rng(0)
    for x in rng.uniform(-1, 1, (100, 5)).tolist():
        assert network.evaluate(x)[0] <= rational(after)
    relaxation.set_phase(*units[0], True)
    fixed, _ = relaxation.bound()
    assert fixed <= after or math.isinf(fixed)


def test_scip_separates_ideal_cuts_in_its_tree() -> None:
    pytest.importorskip("pyscipopt")
    from milp.formulations.scip_cuts import maximize_with_separator

    taken = 0
    for seed in range(1):
        network = random_network([3, 5, 5, 1], rng=seed)
        model = formulate(network, "box:-1,1", "big-m", tightening="interval")
        plain = model.optimize(model.output[0])
        report = model.optimize(model.output[0], separate=True)
        assert report.status is SolveStatus.OPTIMAL
        assert report.value == pytest.approx(plain.value, abs=1e-5)
        assert report.bound == pytest.approx(plain.value, abs=1e-4)
        assert to_float(network.evaluate(model.input_value())[0]) == pytest.approx(report.value, abs=1e-5)
        least = model.optimize(model.output[0], "min", separate=True)
        assert least.value == pytest.approx(model.optimize(model.output[0], "min").value, abs=1e-5)
        rows = [*model.constraints, *model.integrality]
        taken += maximize_with_separator(model.output[0], rows, model.parts, 30.0)[1]
    assert taken > 0
    with pytest.raises(FormulationError, match="only SCIP separates"):
        model.optimize(model.output[0], separate=True, solver="HIGHS")


def test_units_of_one_input_and_stable_ones_need_no_rows() -> None:
    assert least_row(np.array([1.0]), 5.0, np.array([-1.0]), np.array([1.0]), np.zeros(1)) is None
    assert list(all_rows(np.array([1.0, 1.0]), -5.0, -np.ones(2), np.ones(2))) == []
    network = Network.from_layers([[[1], [-1]], [[1, 1]]])
    region = bounded(([-1], [2]), 1)
    known = network_bounds(network, region, "interval")
    assert search_maximum(network, region, known, network.output).value == 2
