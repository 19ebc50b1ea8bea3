"""Optima are exact, reached by their points, and labelled as proven only with a proof."""

import numpy as np
import pytest
from flint import fmpq

from milp.optimize import optimize_network, output_ranges, reach_bounds
from milp.solvers import SolveStatus
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_float

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")


@pytest.mark.parametrize("solver", [None, "HIGHS", "SCIP", "none"])
@pytest.mark.parametrize(
    ("shape", "kind"), [((2, 4, 3, 1), "gaussian"), ((3, 4, 2), "integer"), ((2, 3, 3, 2), "skip")]
)
def test_optimum_is_exact_and_proven(solver, shape, kind, random_network, unit_box, maximum_by_cells):
    if solver == "SCIP":
        pytest.importorskip("pyscipopt")
    rng = np.random.default_rng(17)
    network, box = random_network(rng, shape, kind), unit_box(shape[0])
    weights = [fmpq(int(v)) for v in rng.integers(-3, 4, size=shape[-1])]
    inputs = [fmpq(int(v), 2) for v in rng.integers(-3, 4, size=shape[0])]
    for sense, sign in (("max", 1), ("min", -1)):
        best = optimize_network(network, box, weights, inputs, sense, solver=solver)
        expected = sign * maximum_by_cells(network, box, [sign * w for w in weights], [sign * w for w in inputs])
        assert best.proven
        assert best.value == best.bound == expected
        assert best.gap == 0
        assert box.contains(best.point)
        reached = sum((w * v for w, v in zip(weights, network.evaluate(best.point), strict=True)), fmpq(0))
        assert reached + sum((w * v for w, v in zip(inputs, best.point, strict=True)), fmpq(0)) == best.value
        if solver in ("HIGHS", "SCIP"):
            assert best.solver.status is SolveStatus.OPTIMAL
            assert abs(best.solver.value - to_float(best.value)) < 1e-5


def test_degenerate_optimum_at_the_meeting_point_of_all_kinks():
    network = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1]], [[-1] * 6]])
    best = optimize_network(network, ([-1, -1], [1, 1]))
    assert (best.value, best.point, best.proven) == (0, (0, 0), True)


def test_polyhedral_domain(random_network, maximum_by_cells):
    network = random_network(np.random.default_rng(18), (3, 4, 1))
    simplex = Polyhedron([[-1, 0, 0], [0, -1, 0], [0, 0, -1]], [0, 0, 0], [[1, 1, 1]], [1])
    best = optimize_network(network, simplex)
    assert best.proven
    assert best.value == maximum_by_cells(network, simplex, [fmpq(1)])
    assert simplex.contains(best.point)


def test_limits_leave_a_valid_interval(random_network, unit_box):
    network = random_network(np.random.default_rng(19), (4, 9, 9, 1))
    full = optimize_network(network, unit_box(4))
    assert full.proven
    for limits in ({"node_limit": 4}, {"prove": False}, {"time_limit": 1e-3}):
        best = optimize_network(network, unit_box(4), solver="none" if "time_limit" in limits else None, **limits)
        assert not best.proven
        assert best.reason
        assert full.value <= best.bound
        assert best.value is None or best.value <= full.value
        assert best.seconds < 20
    assert optimize_network(network, unit_box(4), prove=False).reason == "no proof was asked for"
    assert optimize_network(network, unit_box(4), node_limit=4).reason == "more than 4 nodes"


def test_output_ranges_and_reach_bounds(random_network, unit_box, maximum_by_cells):
    network, box = random_network(np.random.default_rng(20), (2, 3, 2, 2)), unit_box(2)
    for k, (low, high) in enumerate(output_ranges(network, box)):
        unit = [fmpq(int(i == k)) for i in range(2)]
        assert high.value == maximum_by_cells(network, box, unit)
        assert low.value == -maximum_by_cells(network, box, [-u for u in unit])
    directions = [[1, 1], [-1, 2], ["1/2", "-1/3"]]
    ends = reach_bounds(network, box, directions)
    points = np.random.default_rng(0).uniform(-1, 1, size=(200, 2))
    for c, end in zip(directions, ends, strict=True):
        c = [fmpq(*map(int, v.split("/"))) if isinstance(v, str) else fmpq(v) for v in c]
        assert end.proven
        for x in points:
            value = sum((w * v for w, v in zip(c, network.evaluate(x), strict=True)), fmpq(0))
            assert value <= end.bound


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"output": 3}, FormulationError, "no output 3"),
        ({"output": [1, 2]}, FormulationError, "2 output and 2 input weights"),
        ({"inputs": [1]}, FormulationError, "1 output and 1 input weights"),
        ({"output": [float("nan")]}, FormulationError, "not finite"),
        ({"sense": "best"}, FormulationError, "sense='best'"),
        ({"solver": "NOSUCH"}, FormulationError, "'NOSUCH' is not installed"),
        ({"formulation": "magic"}, FormulationError, "no formulation"),
        ({"tightening": "magic"}, FormulationError, "no bounds"),
        ({"time_limit": -1.0}, FormulationError, "time_limit"),
    ],
)
def test_bad_requests(arguments, error, message):
    network = Network.from_layers([[[1, -1]], [[1]]])
    with pytest.raises(error, match=message):
        optimize_network(network, ([-1, -1], [1, 1]), **arguments)
