"""Every formulation is solved and compared: with the forward pass, with brute force, and with one another."""

import itertools

import numpy as np
import pytest
from flint import fmpq

from milp.bounding import network_bounds, supplied
from milp.formulations import (
    Layer,
    formulate,
    formulate_layers,
    ideal_cuts,
    max_pool,
    relu_big_m,
    relu_extended,
    relu_partition,
)
from milp.formulations.layers import evaluate_layers
from milp.formulations.rule import Preactivation
from milp.solvers import SolveStatus
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, to_float

cp = pytest.importorskip("cvxpy")
pytest.importorskip("highspy")

EXACT = ("big-m", "partition", "partition:3", "extended")


def agrees(report, exact):
    """Whether a solver's optimum is the exact one within its tolerance."""
    assert report.status is SolveStatus.OPTIMAL, report
    return abs(report.value - to_float(exact)) <= 1e-5 * max(1.0, abs(to_float(exact)))


@pytest.mark.parametrize("formulation", EXACT)
@pytest.mark.parametrize("kind", ["gaussian", "integer", "skip"])
def test_optimum_is_that_of_brute_force_over_cells(formulation, kind, random_network, unit_box, maximum_by_cells):
    rng = np.random.default_rng(len(kind))
    for shape in ((1, 4, 1), (2, 3, 2, 1), (3, 4, 2)):
        network, box = random_network(rng, shape, kind), unit_box(shape[0])
        for sign in (1, -1):
            weights = [fmpq(sign)] + [fmpq(0)] * (shape[-1] - 1)
            model = formulate(network, box, formulation)
            report = model.optimize(sign * model.output[0])
            assert agrees(report, maximum_by_cells(network, box, weights))
            x = model.input_value()
            assert abs(to_float(network.evaluate(x)[0]) - sign * report.value) < 1e-5


def test_ideal_cuts_keep_the_optimum_and_reach_the_extended_bound(random_network, unit_box, maximum_by_cells):
    rng = np.random.default_rng(3)
    for _ in range(4):
        network, box = random_network(rng, (3, 4, 1)), unit_box(3)
        model = formulate(network, box, "big-m", tightening="interval")
        rounds, relaxed = model.add_ideal_cuts(model.output[0])
        ideal = formulate(network, box, "extended", tightening="interval")
        assert abs(relaxed.value - ideal.optimize(ideal.output[0], relaxed=True).value) < 1e-5
        assert rounds < 20
        assert agrees(model.optimize(model.output[0]), maximum_by_cells(network, box, [fmpq(1)]))


def test_gaps_of_the_relaxations_are_ordered_as_theory_says(random_network, unit_box):
    rng = np.random.default_rng(4)
    for shape in ((4, 5, 1), (3, 5, 4, 1)):
        network, box = random_network(rng, shape), unit_box(shape[0])
        known = network_bounds(network, box, "interval")

        def relaxed(formulation, known=known, network=network, box=box):
            model = formulate(network, box, formulation, bounds_used=known)
            return model.optimize(model.output[0], relaxed=True).value

        exact = formulate(network, box)
        optimum = exact.optimize(exact.output[0]).value
        order = ["triangle", "big-m", "partition:1", "partition:2", "partition:4", "extended"]
        values = [relaxed(name) for name in order]
        assert abs(values[0] - values[1]) < 1e-6  # the projection of big-M is the triangle
        assert abs(values[1] - values[2]) < 1e-6  # one group is big-M
        for looser, tighter in itertools.pairwise(values):
            assert tighter <= looser + 1e-6
        assert optimum <= values[-1] + 1e-6
        assert values[-1] < values[0] - 1e-3


def test_one_unit_extended_is_its_convex_hull():
    rng = np.random.default_rng(6)
    for n in (2, 3):
        w, b = rng.normal(size=n), 0.1 * rng.normal()
        corners = np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
        assert (corners @ w + b).min() < 0 < (corners @ w + b).max()
        # vertices of the graph: corners, and the points of edges where g = 0
        points = [*corners]
        for p, q in itertools.combinations(corners, 2):
            gp, gq = p @ w + b, q @ w + b
            if np.abs(p - q).sum() == 2 and gp * gq < 0:
                points.append(p + (q - p) * gp / (gp - gq))
        points = np.array(points)
        heights = np.maximum(points @ w + b, 0)
        network = Network.from_layers([[list(w)], [[1]]], [[b], [0]])
        for _ in range(5):
            c = rng.normal(size=n)
            hull = (heights - points @ c).max()
            for formulation in ("extended", f"partition:{n}"):
                model = formulate(network, Polyhedron.box([-1] * n, [1] * n), formulation)
                assert abs(model.optimize(model.output[0] - c @ model.x, relaxed=True).value - hull) < 1e-6


def test_separation_finds_the_most_violated_of_all_cuts():
    rng = np.random.default_rng(7)
    k, n = 5, 4
    weights, bias = rng.normal(size=(k, n)), rng.normal(size=k)
    low, high = -rng.random(n), rng.random(n)
    pre = Preactivation(cp.Variable(n), weights, bias, -np.ones(k), np.ones(k), low, high)
    for _ in range(10):
        h, y, z = rng.uniform(low, high), rng.random(k), rng.random(k)
        _, violation = ideal_cuts.most_violated(pre, h, y, z)
        for i in range(k):
            w = weights[i]
            least, greatest = np.where(w >= 0, low, high), np.where(w >= 0, high, low)
            right = [
                sum(w[j] * (h[j] - least[j] * (1 - z[i])) if j in J else w[j] * greatest[j] * z[i] for j in range(n))
                + bias[i] * z[i]
                for size in range(n + 1)
                for J in itertools.combinations(range(n), size)
            ]
            assert abs(violation[i] - (y[i] - min(right))) < 1e-12


@pytest.mark.parametrize("rule", [relu_big_m.encode, relu_extended.encode, lambda pre: relu_partition.encode(pre, 2)])
def test_a_rule_alone_holds_exactly_at_the_forward_pass(rule):
    rng = np.random.default_rng(9)
    weights, bias = rng.normal(size=(3, 2)), np.zeros(3)
    reach = np.abs(weights).sum(axis=1)
    for x in ([0.3, -0.8], [0.0, 0.0], [1.0, 1.0]):
        h = cp.Variable(2)
        pre = Preactivation(h, weights, bias, -reach, reach, -np.ones(2), np.ones(2))
        encoded = rule(pre)
        for sense in (cp.Maximize, cp.Minimize):
            rows = [*encoded.constraints, *encoded.integrality, h == x]
            cp.Problem(sense(cp.sum(encoded.output)), rows).solve(solver=cp.HIGHS)
            assert np.allclose(encoded.output.value, np.maximum(weights @ x, 0), atol=1e-6)


# ---------------------------------------------------------------- other activations


def chain(rng, activation, n=2, width=3, groups=1):
    """Two layers with the activation between, and a linear read-out."""
    first = Layer.make(rng.normal(size=(width * groups, n)), 0.5 * rng.normal(size=width * groups), activation)
    return [first, Layer.make(rng.normal(size=(1, width)), [0.1], "linear")]


def same_in_relu_units(layers):
    """The same function as a `Network`, by the builder's own constructions."""
    build = NetworkBuilder(len(layers[0].weights[0]))
    signal = build.input()
    for layer in layers:
        signal = build.affine(signal, layer.weights, layer.bias)
        kind, _, argument = layer.activation.partition(":")
        if kind == "leaky":
            slopes = [rational(a) for a in argument.split(",")]
            signal = build.leaky_relu(signal, slopes[0] if len(slopes) == 1 else slopes)
        elif kind == "maxout":
            signal = build.maxout(signal, int(argument))
        elif kind in ("hardtanh", "clip", "hardsigmoid"):
            low, high = {"hardtanh": (-1, 1), "hardsigmoid": (-3, 3)}.get(kind) or map(rational, argument.split(","))
            minus = build.relu(build.shift(signal, [-rational(low)] * signal.size))
            plus = build.relu(build.shift(signal, [-rational(high)] * signal.size))
            signal = build.add(minus, build.scale(plus, fmpq(-1)))
            signal = build.shift(signal, [rational(low)] * signal.size)
            if kind == "hardsigmoid":
                signal = build.shift(build.scale(signal, fmpq(1, 6)), [fmpq(1, 2)] * signal.size)
        elif kind == "relu":
            signal = build.relu(signal)
    return build.finish(signal)


@pytest.mark.parametrize(
    ("activation", "groups"),
    [
        ("leaky:1/10", 1),
        ("leaky:1/10,-1/2,3/2", 1),
        ("hardtanh", 1),
        ("clip:-1/4,1/2", 1),
        ("hardsigmoid", 1),
        ("maxout:2", 2),
        ("maxout:3", 3),
    ],
)
@pytest.mark.parametrize("formulation", ["big-m", "extended"])
def test_native_activations_reach_the_optimum_of_their_relu_units(
    activation, groups, formulation, unit_box, maximum_by_cells
):
    rng = np.random.default_rng(21 + groups)
    layers = chain(rng, activation, width=3 if groups == 1 else 2, groups=groups)
    layers[-1] = Layer.make(rng.normal(size=(1, len(layers[1].weights[0]))), [0.1], "linear")
    network, box = same_in_relu_units(layers), unit_box(2)
    point = [fmpq(1, 3), fmpq(-2, 7)]
    assert network.evaluate(point) == evaluate_layers(layers, point)
    for sign in (1, -1):
        model = formulate_layers(layers, box, formulation)
        report = model.optimize(sign * model.output[0])
        assert agrees(report, maximum_by_cells(network, box, [fmpq(sign)]))
        reached = evaluate_layers(layers, model.input_value())[0]
        assert abs(to_float(reached) - sign * report.value) < 1e-5


def test_layers_that_the_network_remembers_can_be_formulated(unit_box, maximum_by_cells):
    network = Network.from_layers(
        [[[1, -1], [2, "1/2"]], [[1, 1], [-1, 2], [0, 1], [1, -1]], [[1, -2]]],
        [[0, "1/3"], [0, -1, 0, 0], [0]],
        ["leaky:1/4", "maxout:2", "linear"],
    )
    model = formulate_layers(network.layers, unit_box(2))
    exact = maximum_by_cells(network, unit_box(2), [fmpq(1)])
    assert agrees(model.optimize(model.output[0]), exact)
    units = formulate(network, unit_box(2))
    assert agrees(units.optimize(units.output[0]), exact)


def test_threshold_units_by_enumeration():
    layers = [
        Layer.make([[1, 2], [-1, 1], [2, -1]], ["-1/2", "1/4", 0], "threshold"),
        Layer.make([[3, -2, 1]], None, "linear"),
    ]
    grid = [fmpq(k, 40) for k in range(-40, 41)]
    best = max(evaluate_layers(layers, (a, b))[0] for a in grid for b in grid)
    model = formulate_layers(layers, ([-1, -1], [1, 1]), margin=1e-3)
    report = model.optimize(model.output[0])
    assert agrees(report, best)
    assert evaluate_layers(layers, model.input_value())[0] == best
    # at the jump the closure allows both values, the margin only the lower one
    jump = [Layer.make([[1]], None, "threshold")]
    closed = formulate_layers(jump, ([-1], [1]))
    assert agrees(closed.optimize(closed.output[0], extra=[closed.x == 0]), fmpq(1))
    strict = formulate_layers(jump, ([-1], [1]), margin=1e-3)
    assert agrees(strict.optimize(strict.output[0], extra=[strict.x == 0]), fmpq(0))


def test_maxout_with_all_pieces_negative_is_feasible():
    layers = [Layer.make([[1], [-1], ["1/2"]], [-5, -6, -7], "maxout:3")]
    for formulation in ("big-m", "extended"):
        model = formulate_layers(layers, ([-1], [1]), formulation)
        assert agrees(model.optimize(model.output[0]), fmpq(-4))
        assert agrees(model.optimize(model.output[0], "min"), fmpq(-11, 2))


def test_max_pool_over_windows():
    rng = np.random.default_rng(31)
    windows = [(0, 1, 3), (1, 2), (4,)]
    low, high = -rng.random(5), rng.random(5)
    c = rng.normal(size=3)
    h = cp.Variable(5)
    encoded = max_pool.encode(h, windows, low, high)
    rows = [h >= low, h <= high, *encoded.constraints, *encoded.integrality]
    for fixed in rng.uniform(low, high, size=(4, 5)):
        problem = cp.Problem(cp.Maximize(c @ encoded.output), [*rows, h == fixed])
        problem.solve(solver=cp.HIGHS)
        assert np.allclose(encoded.output.value, [fixed[list(w)].max() for w in windows], atol=1e-6)
    layer = Layer.max_pool([(0, 1), (1, 2)], 3)
    assert evaluate_layers([layer], [3, 1, 2]) == (3, 2)
    with pytest.raises(FormulationError, match="window 0"):
        max_pool.encode(h, [()], low, high)
    with pytest.raises(FormulationError, match="equal length"):
        Layer.max_pool([(0,), (1, 2)], 3)


# ---------------------------------------------------------------- a part of a larger model


def test_expressions_fit_into_a_larger_model(random_network, unit_box):
    network = random_network(np.random.default_rng(41), (2, 4, 1))
    first, second = cp.Variable(2), cp.Variable(2)
    left, right = formulate(network, unit_box(2), x=first), formulate(network, unit_box(2), x=first + second)
    rows = [*left.constraints, *left.integrality, *right.constraints, *right.integrality]
    rows += [cp.norm1(second) <= 0.25]
    problem = cp.Problem(cp.Maximize(right.output[0] - left.output[0]), rows)
    problem.solve(solver=cp.HIGHS)
    a, b = first.value, first.value + second.value
    change = network.evaluate_float([b])[0, 0] - network.evaluate_float([a])[0, 0]
    assert abs(change - problem.value) < 1e-5
    assert problem.value > 0


def test_constant_stages_and_dead_units():
    network = Network.from_layers([[[0, 0], [1, 0]], [[1, 1]], [[1]]], [[2, -5], [-3], [7]])
    for formulation in EXACT:
        model = formulate(network, ([-1, -1], [1, 1]), formulation)
        assert model.n_binaries == 0
        assert agrees(model.optimize(model.output[0]), fmpq(7))


def test_supplied_bounds_are_used_and_wrong_ones_show(random_network):
    network = Network.from_layers([[[1]], [[1]]])
    tight = supplied(network, ([-1], [1]), [[-1], [0]], [[1], [1]])
    model = formulate(network, ([-1], [1]), bounds_used=tight)
    assert agrees(model.optimize(model.output[0]), fmpq(1))
    contradiction = supplied(network, ([-1], [1]), [[2], [2]], [[3], [3]])
    model = formulate(network, ([-1], [1]), bounds_used=contradiction)
    assert model.optimize(model.output[0], extra=[model.units[0] >= 2]).status is SolveStatus.INFEASIBLE


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: formulate(net, ([0], [1]), "magic"), "no formulation 'magic'"),
        (lambda net: formulate(net, ([0], [1]), "partition:0"), "no formulation 'partition:0'"),
        (lambda net: formulate(net, ([0], [1]), x=cp.Variable(3)), "shape"),
        (lambda net: formulate(net, None), "bounded domain"),
        (lambda net: formulate_layers([], ([0], [1])), "no layers"),
        (lambda net: formulate_layers([Layer.make([[1]], None, "gelu")], ([0], [1])), "layer 0: activation 'gelu'"),
        (lambda net: formulate_layers([Layer.make([[1]], None, "maxout:2")], ([0], [1])), "maxout:2"),
        (lambda net: formulate_layers([Layer.make([[1]], None, "relu")], ([0], [1]), margin=-1), "negative"),
        (lambda net: formulate_layers([Layer.make([[1]])] * 1 + [Layer.make([[1, 1]])], ([0], [1])), "layer 1 reads 2"),
        (lambda net: formulate(net, ([0], [1])).optimize(0, "most"), "sense"),
        (lambda net: formulate(net, ([0], [1])).input_value(), "carries no point"),
    ],
)
def test_bad_requests_say_what_is_wrong(call, message):
    with pytest.raises(FormulationError, match=message):
        call(Network.from_layers([[[1]], [[1]]]))
