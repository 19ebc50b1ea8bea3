"""Verdicts: proofs against brute force, counterexamples checked exactly, limits that leave a question open."""

import numpy as np
import pytest
from flint import fmpq

from milp.gradient import exact_gradient
from milp.properties import verify_vnnlib
from milp.sensitivity import local_lipschitz, verify_monotone
from milp.verify import Status, verify_class, verify_upper
from milp.vnnlib import parse_vnnlib, read_vnnlib
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")
pytest.importorskip("pyscipopt")


def margin(network, label, other):
    """f_other - f_label as weights."""
    return [fmpq(int(i == other) - int(i == label)) for i in range(network.output_dim)]


def l1_polytope(center, radius):
    """The L1 ball by its 2^n facets."""
    n = len(center)
    signs = [[1 if k >> j & 1 else -1 for j in range(n)] for k in range(2**n)]
    return Polyhedron(signs, [radius + sum(s * c for s, c in zip(row, center, strict=True)) for row in signs])


@pytest.mark.parametrize("norm", ["inf", "1"])
def test_class_in_a_ball_is_decided_as_brute_force_decides(norm, random_network, maximum_by_cells):
    rng = np.random.default_rng(23)
    seen = set()
    for _ in range(6):
        network = random_network(rng, (2, 4, 3))
        center = [fmpq(int(v), 4) for v in rng.integers(-4, 5, size=2)]
        for radius in (fmpq(1, 8), fmpq(1)):
            verdict = verify_class(network, center, radius, norm)
            ball = (
                Polyhedron.box([c - radius for c in center], [c + radius for c in center])
                if norm == "inf"
                else l1_polytope(center, radius)
            )
            others = [k for k in range(3) if k != verdict.label]
            worst = max(maximum_by_cells(network, ball, margin(network, verdict.label, k)) for k in others)
            assert verdict.status is (Status.VIOLATED if worst > 0 else Status.PROVEN)
            if verdict.status is Status.VIOLATED:
                assert ball.contains(verdict.counterexample)
                scores = network.evaluate(verdict.counterexample)
                assert scores == verdict.outputs
                assert scores[verdict.other] > scores[verdict.label]
            seen.add(verdict.status)
    assert seen == {Status.PROVEN, Status.VIOLATED}


def test_tie_at_the_border_is_no_violation_and_clipping_removes_inputs():
    network = Network.from_layers([[[1]], [[1], [0]]], [[0], [0, 1]])  # scores relu(x) and 1
    assert verify_class(network, [0], 1).status is Status.PROVEN
    beyond = verify_class(network, [0], "11/10")
    assert (beyond.status, beyond.label, beyond.other) == (Status.VIOLATED, 1, 0)
    assert verify_class(network, [0], 2, clip=([-1], [1])).status is Status.PROVEN
    assert verify_class(network, [0], 2, "1", clip=([-1], [1])).status is Status.PROVEN
    assert verify_class(network, [5], 1, label=1).status is Status.VIOLATED


def test_upper_limits(random_network, unit_box, maximum_by_cells):
    network, box = random_network(np.random.default_rng(24), (3, 4, 3, 1)), unit_box(3)
    top = maximum_by_cells(network, box, [fmpq(1)])
    assert verify_upper(network, box, 0, top).status is Status.PROVEN
    hair = top - fmpq(1, 10**30)
    verdict = verify_upper(network, box, 0, hair)
    assert verdict.status is Status.VIOLATED
    assert network.evaluate(verdict.counterexample)[0] > hair
    cut_short = verify_upper(random_network(np.random.default_rng(25), (6, 20, 20, 1)), unit_box(6), 0, 0, node_limit=0)
    assert cut_short.status is Status.OPEN
    assert "0 nodes" in cut_short.reason


def test_lipschitz_constant_is_the_maximum_over_cells(random_network, unit_box, cells_by_patterns):
    rng = np.random.default_rng(26)
    for shape, kind in (((2, 4, 1), "gaussian"), ((2, 3, 3, 2), "skip"), ((2, 3, 2, 1), "integer")):
        network, box = random_network(rng, shape, kind), unit_box(2)
        weights = [fmpq(1)] + [fmpq(0)] * (shape[-1] - 1)
        gradients = [exact_gradient(network, p, weights) for p in cells_by_patterns(network, box)]
        for norm, measure in (("inf", lambda g: sum(map(abs, g), fmpq(0))), ("1", lambda g: max(map(abs, g)))):
            found = local_lipschitz(network, box, norm)
            assert found.proven
            assert found.value == found.bound == max(map(measure, gradients))
            assert measure(exact_gradient(network, found.pattern, weights)) == found.value


def test_lipschitz_constant_ignores_patterns_without_interior():
    # at x = 0 the model may switch one unit on and the other off; no cell does
    network = Network.from_layers([[[1], [1]], [[1, -1]]])
    found = local_lipschitz(network, ([-1], [1]))
    assert (found.value, found.proven) == (0, True)


def test_lipschitz_of_many_cells_keeps_a_proved_bound(random_network, unit_box):
    network = random_network(np.random.default_rng(27), (3, 6, 6, 1))
    found = local_lipschitz(network, unit_box(3), max_cells=3, time_limit=20)
    assert not found.proven
    assert found.reason == "more than 3 cells"
    whole = local_lipschitz(network, unit_box(3))
    assert whole.proven
    assert found.value <= whole.value <= found.bound


def test_monotonicity(random_network, unit_box, cells_by_patterns):
    rising = Network.from_layers([[[1, -1], [2, 1]], [[1, 3]]])
    assert verify_monotone(rising, unit_box(2), 0).status is Status.PROVEN
    assert verify_monotone(rising, unit_box(2), 0, increasing=False).status is Status.VIOLATED
    # rises although its interval of derivatives has both signs: x + relu(x) - relu(x) / 2
    hidden = Network.from_layers([[[1], [1], [-1]], [[2, "-3/2", -1]]])
    assert verify_monotone(hidden, ([-1], [1]), 0).status is Status.PROVEN
    rng = np.random.default_rng(28)
    for _ in range(3):
        network, box = random_network(rng, (2, 4, 1)), unit_box(2)
        slopes = [exact_gradient(network, p, [fmpq(1)])[1] for p in cells_by_patterns(network, box)]
        verdict = verify_monotone(network, box, 1)
        assert verdict.status is (Status.VIOLATED if min(slopes) < 0 else Status.PROVEN)
        if verdict.status is Status.VIOLATED:
            x = verdict.counterexample
            step = (x[0], x[1] + fmpq(1, 10**9))
            assert network.evaluate(step)[0] < network.evaluate(x)[0]


# ---------------------------------------------------------------- VNN-LIB

PROPERTY = """
; an input box and an unsafe set of outputs
(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(declare-const Y_1 Real)
(assert (>= X_0 -0.1)) (assert (<= X_0 0.1))
(assert (and (>= X_1 -1e-1) (<= X_1 (* 2 0.05))))
(assert (or (and (>= Y_0 {limit}) (<= Y_0 (+ Y_1 10))) (and (<= Y_1 -100.0))))
"""


def test_vnnlib_is_read_exactly():
    spec = parse_vnnlib(PROPERTY.format(limit="0.1"))
    assert (spec.inputs, spec.outputs, len(spec.disjuncts)) == (2, 2, 2)
    assert spec.disjuncts[0][0].right == fmpq(1, 10)
    assert spec.holds_at((fmpq(1, 10), fmpq(0)), (fmpq(1, 10), fmpq(0)))
    assert not spec.holds_at((rational(0.1), fmpq(0)), (fmpq(1, 10), fmpq(0)))  # the float 0.1 is above 1/10


def test_vnnlib_verdicts_agree_with_brute_force(random_network, maximum_by_cells, tmp_path):
    rng = np.random.default_rng(29)
    network = random_network(rng, (2, 4, 3, 2))
    box = Polyhedron.box(["-1/10"] * 2, ["1/10"] * 2)
    top = maximum_by_cells(network, box, [fmpq(1), fmpq(0)])
    assert maximum_by_cells(network, box, [fmpq(1), fmpq(-1)]) < 10
    for limit, expected in ((top, Status.VIOLATED), (top + fmpq(1, 10**25), Status.PROVEN), (top - 1, Status.VIOLATED)):
        spec = parse_vnnlib(PROPERTY.format(limit=limit))
        verdict = verify_vnnlib(network, spec)
        assert verdict.status is expected
        if expected is Status.VIOLATED:
            assert spec.holds_at(verdict.counterexample, verdict.outputs)
            assert network.evaluate(verdict.counterexample) == verdict.outputs
    file = tmp_path / "property.vnnlib"
    file.write_text(PROPERTY.format(limit="-1000"))
    assert verify_vnnlib(network, read_vnnlib(file)).status is Status.VIOLATED


def test_vnnlib_conjunction_of_outputs_needs_one_input_for_all():
    network = Network.from_layers([[[1], [-1]], [[1, 0], [0, 1]]])  # relu(x), relu(-x)
    text = "(declare-const X_0 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
    text += "(assert (and (>= X_0 -1) (<= X_0 1)))(assert (>= Y_0 0.5)) (assert (>= Y_1 {}))"
    assert verify_vnnlib(network, parse_vnnlib(text.format("0.5"))).status is Status.PROVEN
    assert verify_vnnlib(network, parse_vnnlib(text.format("0"))).status is Status.VIOLATED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(assert (<= X_0 1)", "not closed"),
        ("(assert (<= X_0 1)))", "no opening"),
        ("hello", "outside of parentheses"),
        ("(declare-const Z_0 Real)", "neither X_i nor Y_j"),
        ("(declare-const X_0 Real)", "Y_0, Y_1, .. are not declared"),
        ("(declare-const X_1 Real)(declare-const Y_0 Real)", "X_0, X_1, .. are not declared"),
        ("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= (* X_0 Y_0) 1))", "not linear"),
        ("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (=> X_0 1))", "only and, or"),
        ("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 one))", "'one' is neither"),
        ("(declare-const X_0 Real)(declare-const Y_0 Real)(assert X_0)", "no formula"),
        ("(vnnlib-version <2.0>)", "no network is declared"),
    ],
)
def test_bad_properties_say_what_is_wrong(text, message):
    with pytest.raises(FormulationError, match=message):
        parse_vnnlib(text)


def test_properties_that_do_not_fit(tmp_path):
    network = Network.from_layers([[[1]], [[1]]])
    with pytest.raises(FormulationError, match="2 inputs and 2 outputs"):
        verify_vnnlib(network, parse_vnnlib(PROPERTY.format(limit=1)))
    loose = parse_vnnlib("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= X_0 1))(assert (<= Y_0 1))")
    with pytest.raises(FormulationError, match="unbounded"):
        verify_vnnlib(network, loose)
    with pytest.raises(FormulationError, match=r"missing\.vnnlib: there is no such file"):
        read_vnnlib(tmp_path / "missing.vnnlib")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: verify_class(net, [0], 1), "no classes"),
        (lambda net: verify_class(net, [0], 1, "3"), "no norm '3'"),
        (lambda net: local_lipschitz(net, ([0], [1]), "2"), "no norm '2'"),
        (lambda net: local_lipschitz(net, ([0], [0])), "not full-dimensional"),
        (lambda net: verify_monotone(net, ([0], [1]), 3), "no input 3"),
    ],
)
def test_bad_requests(call, message):
    with pytest.raises(FormulationError, match=message):
        call(Network.from_layers([[[1]], [[1]]]))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("radius", ["0", "1/8", "1/2", "2"])
def test_many_inputs_are_decided_as_by_the_search(seed: int, radius: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradient steps and linear bounds come first where inputs are many; the search alone says the same."""
    rng = np.random.default_rng(seed)
    network = Network.from_layers(
        [rng.normal(size=s) for s in ((3, 14), (3, 3))], [rng.normal(size=3) for _ in range(2)]
    )
    center = np.round(rng.normal(size=14), 2).tolist()
    clip = [(-1, 1)] * 14 if seed % 2 else None
    quick = verify_class(network, [max(-1, min(1, v)) for v in center], radius, clip=clip)
    monkeypatch.setattr("milp.verify.decided_at_once", lambda *_: None)
    slow = verify_class(network, [max(-1, min(1, v)) for v in center], radius, clip=clip)
    assert quick.status is slow.status
    assert quick.status is not Status.OPEN
    if quick.counterexample is not None:
        scores = network.evaluate(quick.counterexample)
        assert quick.other is not None
        assert quick.label is not None
        assert scores[quick.other] > scores[quick.label]
