"""Solver trouble: every way to fail has a status and a line of advice, and limits hold."""

import builtins
import importlib.util
import subprocess
import sys
import time

import numpy as np
import pytest

from milp.bounding import network_bounds
from milp.formulations import formulate
from milp.solvers import SolveStatus, choose_solver, solve, solver_options
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError, MissingExtraError

cp = pytest.importorskip("cvxpy")
pytest.importorskip("highspy")
pytest.importorskip("pyscipopt")

SOLVERS = ("HIGHS", "SCIP")


def hard_problem():
    """A multi-dimensional knapsack with points at hand, whose bound closes in hours."""
    rng = np.random.default_rng(0)
    z = cp.Variable(200, boolean=True)
    A = rng.integers(1, 1000, size=(30, 200))
    rows = [A @ z <= A.sum(axis=1) / 2.3, A[:3] @ z >= A[:3].sum(axis=1) / 2.4]
    return cp.Problem(cp.Maximize(rng.integers(1, 100, size=200) @ z + 3), rows)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("sense", [cp.Maximize, cp.Minimize])
def test_optimal_value_and_bound_agree_with_the_offset(solver, sense):
    x, z = cp.Variable(2), cp.Variable(2, boolean=True)
    rows = [x <= 1.5 + z, x >= -0.5 - z, cp.sum(z) == 1]
    report = solve(cp.Problem(sense(cp.sum(x) + 5), rows), solver=solver)
    expected = 9.0 if sense is cp.Maximize else 3.0
    assert report.status is SolveStatus.OPTIMAL
    assert abs(report.value - expected) < 1e-6
    assert abs(report.bound - expected) < 1e-6
    assert report.advice is None
    assert report.solver == solver


@pytest.mark.parametrize("solver", SOLVERS)
def test_infeasible_and_unbounded_come_with_advice(solver):
    x, z = cp.Variable(2), cp.Variable(boolean=True)
    nothing = solve(cp.Problem(cp.Maximize(cp.sum(x)), [x <= z, x >= 2]), solver=solver)
    assert nothing.status is SolveStatus.INFEASIBLE
    assert (nothing.value, nothing.bound) == (None, None)
    assert "contradict" in nothing.advice
    endless = solve(cp.Problem(cp.Maximize(cp.sum(x) + z), [x >= 0]), solver=solver)
    assert endless.status in (SolveStatus.UNBOUNDED, SolveStatus.INFEASIBLE_OR_UNBOUNDED)
    assert "bounded" in endless.advice
    assert not endless.status.has_point


@pytest.mark.parametrize("solver", SOLVERS)
def test_time_limit_keeps_the_point_and_a_valid_bound(solver):
    start = time.monotonic()
    report = solve(hard_problem(), solver=solver, time_limit=0.5)
    assert time.monotonic() - start < 5
    assert report.status is SolveStatus.FEASIBLE
    assert report.value <= report.bound
    assert "time limit" in report.advice


@pytest.mark.parametrize("solver", SOLVERS)
def test_time_limit_without_a_point_says_so(solver):
    report = solve(hard_problem(), solver=solver, time_limit=1e-4)
    assert report.status is SolveStatus.LIMIT
    assert report.value is None
    assert "raise time_limit" in report.advice


def test_solver_names():
    assert choose_solver() == "HIGHS"
    assert choose_solver("scip") == "SCIP"
    with pytest.raises(FormulationError, match=r"solver .CPLEX. is not installed; cvxpy finds .*HIGHS"):
        choose_solver("CPLEX")


def test_limits_that_make_no_sense():
    for limit in (0, -1, float("nan")):
        with pytest.raises(FormulationError, match="not a positive number of seconds"):
            solver_options("HIGHS", limit)
    with pytest.raises(FormulationError, match="no time limit is known for solver MOSEK"):
        solver_options("MOSEK", 5)
    assert solver_options("MOSEK", None) == {}


def hide(monkeypatch, *hidden):
    """Make some modules look as if they were not installed."""
    find, load = importlib.util.find_spec, builtins.__import__

    def refuse(name, *rest, **more):
        if name.partition(".")[0] in hidden:
            raise ImportError(name)
        return load(name, *rest, **more)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in hidden else find(name))
    monkeypatch.setattr(builtins, "__import__", refuse)


def test_what_is_missing_is_named_with_the_extra(monkeypatch):
    network = Network.from_layers([[[1, 1], [1, -1]], [[1, 1]], [[1]]])
    box = ([-1, -1], [1, 1])
    hide(monkeypatch, "highspy")
    assert choose_solver() == "SCIP"
    with pytest.raises(MissingExtraError, match=r"solver='HIGHS' needs the optional part \[milp\]"):
        choose_solver("HIGHS")
    with pytest.raises(MissingExtraError, match=r"bounds by linear programs needs the optional part \[milp\]"):
        network_bounds(network, box, "lp")
    assert network_bounds(network, box, "deeppoly").proven
    hide(monkeypatch, "highspy", "pyscipopt")
    with pytest.raises(MissingExtraError, match="mixed-integer solving"):
        choose_solver()
    hide(monkeypatch, "cvxpy")
    with pytest.raises(MissingExtraError, match=r"a formulation needs the optional part \[milp\]"):
        formulate(network, box)


def test_importing_the_package_loads_no_solver():
    code = (
        "import sys, milp, milp.bounding, milp.count, milp.optimize, milp.verify, milp.sensitivity, milp.vnnlib;"
        "print(sorted({'cvxpy', 'highspy', 'pyscipopt', 'torch'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
