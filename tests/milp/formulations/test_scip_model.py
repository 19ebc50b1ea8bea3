"""SOS1, indicator and big-M constraints in SCIP's own model, argmax and max-pooling, against exact optima."""

import itertools

import numpy as np
import pytest

from milp import Layer, formulate, formulate_layers, formulate_scip, optimize_network
from milp.formulations.layers import evaluate_layers
from milp.scip_model import RULES
from milp.solvers import SolveStatus
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron

pytest.importorskip("cvxpy")
pytest.importorskip("pyscipopt")
TRIANGLE = Polyhedron([[1, 1], [-1, 0], [0, -1]], [1, 1, 1])


@pytest.mark.parametrize("rule", RULES)
def test_optima_are_those_of_the_exact_search(rule, random_network, unit_box):
    rng = np.random.default_rng(12)
    for kind in ("gaussian", "integer", "skip"):
        network = random_network(rng, (2, 4, 3, 2), kind)
        for domain in (unit_box(2), TRIANGLE):
            for sense in ("min", "max"):
                exact = optimize_network(network, domain, 1, sense=sense, solver="none")
                assert exact.proven
                model = formulate_scip(network, domain, rule)
                report, point = model.optimize(model.output[1], sense)
                assert report.status is SolveStatus.OPTIMAL
                assert report.value == pytest.approx(float(exact.value), abs=1e-5)
                assert float(network.evaluate(point)[1]) == pytest.approx(float(exact.value), abs=1e-4)


def chain(rng, last):
    return [
        Layer.make(rng.normal(size=(4, 2)), rng.normal(size=4), "leaky:1/10"),
        Layer.max_pool([[0, 1, 2], [1, 2, 3], [3, 0, 2]], 4),
        Layer.make(rng.normal(size=(3, 3)), rng.normal(size=3), last),
        Layer.make([[1, 2, 4]], [3], "linear"),
    ]


def values_on_grid(layers):
    grid = [k / 8 for k in range(-8, 9)]
    return [float(evaluate_layers(layers, point)[0]) for point in itertools.product(grid, repeat=2)]


@pytest.mark.parametrize("last", ["argmax", "relu"])
@pytest.mark.parametrize("rule", [*RULES, "cvxpy"])
def test_argmax_and_max_pooling_against_a_grid(rule, last):
    box = ([-1, -1], [1, 1])
    for seed in range(2):
        layers = chain(np.random.default_rng(seed), last)
        values = values_on_grid(layers)
        for sense, best in (("max", max(values)), ("min", min(values))):
            if rule == "cvxpy":
                model = formulate_layers(layers, box)
                report = model.optimize(model.output[0], sense)
                point = model.input_value()
            else:
                scip = formulate_scip(layers, box, rule)
                report, point = scip.optimize(scip.output[0], sense)
            assert report.status is SolveStatus.OPTIMAL
            sign = 1 if sense == "max" else -1
            assert sign * report.value >= sign * best - 1e-5
            if last == "relu":
                assert float(evaluate_layers(layers, point)[0]) == pytest.approx(report.value, abs=1e-4)
            else:  # a value of argmax, up to ties of its inputs
                assert min(abs(report.value - v) for v in (4, 5, 7)) < 1e-5


def test_argmax_is_one_hot_and_its_ties_are_allowed():
    layers = [Layer.make([[1], [-1], [0]], [0, 0, -2], "argmax")]
    assert evaluate_layers(layers, [0]) == (1, 0, 0)
    assert evaluate_layers(layers, [-1]) == (0, 1, 0)
    for rule in RULES:
        for j, most in ((0, 1.0), (1, 1.0), (2, 0.0)):
            model = formulate_scip(layers, ([-1], [1]), rule)
            report, point = model.optimize(model.output[j])
            assert report.value == pytest.approx(most, abs=1e-6)
            if j < 2:
                assert (1 - 2 * j) * float(point[0]) >= -1e-6
    model = formulate_layers(layers, ([0.5], [1]))
    assert model.optimize(model.output[1]).value == pytest.approx(0, abs=1e-6)


def test_proposals_of_these_models_and_what_is_refused():
    network = Network.from_layers([[[1], [-1]], [[1, 1]]])
    for rule in ("sos1", "indicator"):
        best = optimize_network(network, ([-1], [2]), formulation=rule)
        assert (best.value, best.proven, best.solver.solver) == (2, True, "SCIP")
        with pytest.raises(FormulationError, match="SCIP alone"):
            optimize_network(network, ([-1], [2]), formulation=rule, solver="HIGHS")
        with pytest.raises(FormulationError, match="use milp"):
            formulate(network, ([-1], [2]), rule)
    with pytest.raises(FormulationError, match="use one of sos1, indicator, big-m"):
        formulate_scip(network, ([-1], [2]), "sos2")
    with pytest.raises(FormulationError, match="threshold is not written for SCIP"):
        formulate_scip([Layer.make([[1]], None, "threshold")], ([-1], [2]))
    model = formulate_scip(network, ([-1], [2]))
    model.scip.addCons(model.x[0] >= 3)
    assert model.optimize(model.output[0])[0].status is SolveStatus.INFEASIBLE
