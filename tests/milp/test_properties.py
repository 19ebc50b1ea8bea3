"""Properties by every method, strict rows at the very edge, files that are refused, witnesses that are read."""

import itertools

import numpy as np
import pytest
from flint import fmpq

import milp.properties
from milp.bounding import network_bounds
from milp.by_cells import cell_system, meet_by_cells, meet_by_phases
from milp.choice import BRANCHING, CELLS
from milp.domain import bounded
from milp.properties import decide, verify_vnnlib
from milp.verify import Status
from milp.vnnlib import parse_vnnlib, read_vnnlib, read_witness
from nn_bridge.network.network import AffineStage, Network
from polyhedra.errors import FormulationError, PuiseuxError
from polyhedra.linear_program import Infeasible, maximize
from polyhedra.scalars import to_text
from tests.pace import Stopwatch, slowness

BOX = """
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real) (declare-const Y_1 Real)
(assert (>= X_0 -1)) (assert (<= X_0 1)) (assert (>= X_1 -1)) (assert (<= X_1 1))
"""
ONE = "(declare-const X_0 Real) (declare-const Y_0 Real) (assert (>= X_0 -1)) (assert (<= X_0 2))"
ABSOLUTE = Network.from_layers([[[1], [-1]], [[1, 1]]])
ORDERS = {
    "boxes": ((BRANCHING, 3), (CELLS, None), (BRANCHING, None)),
    "branching": ((BRANCHING, None),),
    "cells": ((CELLS, None),),
    "both": ((BRANCHING, 3), (CELLS, None), (BRANCHING, None)),
}


@pytest.fixture(params=sorted(ORDERS))
def order(request, monkeypatch):
    if request.param != "boxes":
        monkeypatch.setattr(milp.properties, "boxes_can_win", lambda region: False)
    monkeypatch.setattr(milp.properties, "order_of_methods", lambda region, bounds: ORDERS[request.param])
    return request.param


def test_verdicts_agree_with_brute_force(order, random_network, unit_box, maximum_by_cells):
    rng = np.random.default_rng(31)
    for kind in ("gaussian", "integer", "skip"):
        net = random_network(rng, (2, 4, 3, 2), kind)
        most = maximum_by_cells(net, unit_box(2), [fmpq(1), fmpq(-1)])
        for limit, relation, verdict in (
            (most, ">=", Status.VIOLATED),
            (most, ">", Status.PROVEN),
            (most - fmpq(1, 10**30), ">", Status.VIOLATED),
            (most + fmpq(1, 10**30), ">=", Status.PROVEN),
            (most, "=", Status.VIOLATED),
            (most + 1, "=", Status.PROVEN),
            (most, "distinct", Status.VIOLATED),
        ):
            spec = parse_vnnlib(BOX + f"(assert ({relation} (- Y_0 Y_1) {to_text(limit)}))")
            found = decide(net, spec)
            if order == "branching" and relation == "=":  # a single point: branching may leave it open
                assert found.verdict.status in (verdict, Status.OPEN)
                continue
            assert found.verdict.status is verdict, (kind, relation, order)
            if verdict is Status.VIOLATED:
                assert spec.holds_at(found.verdict.counterexample, net.evaluate(found.verdict.counterexample))
                assert spec.margin(found.verdict.counterexample, found.verdict.outputs) >= 0


def test_strict_rows_over_inputs_alone(order):
    # |x| > 2 - nothing on [-1, 2); |x| >= 2 at the wall that is excluded
    spec = parse_vnnlib(ONE + "(assert (< X_0 2)) (assert (>= Y_0 2))")
    found = decide(ABSOLUTE, spec).verdict
    assert found.status in ((Status.PROVEN,) if order != "branching" else (Status.PROVEN, Status.OPEN))
    violated = decide(ABSOLUTE, parse_vnnlib(ONE + "(assert (< X_0 2)) (assert (>= Y_0 1.999))")).verdict
    assert violated.status is Status.VIOLATED
    assert violated.counterexample[0] < 2


def test_inputs_that_are_fixed_or_none():
    fixed = parse_vnnlib(BOX + "(assert (= X_1 0.5)) (assert (<= Y_0 Y_1))")
    rng = np.random.default_rng(2)
    net = Network.from_layers([rng.normal(size=(4, 2)), rng.normal(size=(2, 4))], [rng.normal(size=4), [0, 0]])
    found = verify_vnnlib(net, fixed)
    assert found.status is not Status.OPEN
    if found.counterexample is not None:
        assert found.counterexample[1] == fmpq(1, 2)
    nothing = parse_vnnlib(BOX + "(assert (>= X_0 2)) (assert (<= Y_0 Y_1))")
    assert verify_vnnlib(net, nothing).status is Status.PROVEN
    empty = parse_vnnlib(BOX + "(assert (> (+ X_0 X_1) 2.5)) (assert (<= Y_0 Y_1))")
    assert verify_vnnlib(net, empty).status is Status.PROVEN


def test_disjunctions_are_systems_of_their_own(order):
    spec = parse_vnnlib(ONE + "(assert (or (and (<= X_0 -0.5) (>= Y_0 1.5)) (and (>= X_0 0) (<= Y_0 -1))))")
    assert decide(ABSOLUTE, spec).verdict.status is Status.PROVEN
    spec = parse_vnnlib(ONE + "(assert (or (and (<= X_0 -0.5) (>= Y_0 1.5)) (and (>= X_0 0) (>= Y_0 2))))")
    assert decide(ABSOLUTE, spec).verdict.counterexample == (2,)


def test_limits_leave_a_property_open():
    rng = np.random.default_rng(5)
    sizes = (24, 80, 80, 1)  # the bound is thousands above the values that are found
    net = Network.from_layers(
        [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)], [rng.normal(size=b) for b in sizes[1:]]
    )
    names = "".join(f"(declare-const X_{i} Real)(assert (<= X_{i} 1))(assert (>= X_{i} -1))" for i in range(24))
    decide(ABSOLUTE, parse_vnnlib(ONE + "(assert (>= Y_0 3))"))
    watch = Stopwatch()
    found = decide(net, parse_vnnlib(names + "(declare-const Y_0 Real)(assert (>= Y_0 1000))"), time_limit=2).verdict
    assert watch.seconds < 2 + 1.5 * slowness()
    assert found.status is Status.OPEN
    assert "time limit after" in found.reason
    assert "the least slack is at most" in found.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(" * 300 + ")" * 300, "parentheses are within one another"),
        ("(assert (<= X_0 1)", "truncated"),
        ("(declare-const X_99999999999 Real)", "neither X_i nor Y_j"),
        ("(declare-network f)", "line 1: network 'f' needs declare-input"),
        ("(declare-const X\x1b[31m Real)", r"X\\x1b\[31m"),
        (ONE + "(assert (<= Y_0 " + "9" * 200_000 + "))", "neither a number"),
        (ONE + "(assert (<= Y_0 1e99999999))", "neither a number"),
        (ONE + "(assert (or " + "(or (<= Y_0 0) (>= Y_0 1))" * 6000 + "))", "10000 systems"),
        (ONE + "(assert (or (<= Y_0 0) (>= Y_0 1)))" * 20, "10000 systems"),
    ],
)
def test_files_that_are_refused_in_one_short_line(text, words, tmp_path):
    path = tmp_path / "bad.vnnlib"
    path.write_text(text)
    watch = Stopwatch()
    with pytest.raises(FormulationError, match=words) as caught:
        read_vnnlib(path)
    assert watch.seconds < 5 * slowness()
    assert len(str(caught.value)) < len(str(path)) + 300
    assert str(caught.value).startswith(str(path)[:30])


def test_places_that_hold_no_property(tmp_path):
    for place, words in ((tmp_path / "none", "no such file"), (tmp_path, "directory"), ("/dev/zero", "regular file")):
        for read in (read_vnnlib, lambda path: read_witness(path, 1)):
            with pytest.raises(PuiseuxError, match=words):
                read(place)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormulationError, match="no UTF-8 text"):
        read_vnnlib(tmp_path / "binary")


@pytest.mark.parametrize(
    "text",
    [
        "sat\n((X_0 0.1)\n (X_1 -2e-1)\n (Y_0 7)\n (Y_1 8))",
        "((X_1 -0.2) (X_0 1/10))",
        "(X_0 0.1)(X_1 -.2)",
        '{"point": ["0.1", -0.2]}',
        '{"point": [0.1, "-1/5"], "outputs": []}',
    ],
)
def test_witnesses_are_read_exactly(text, tmp_path):
    path = tmp_path / "witness"
    path.write_text(f"({text})" if text.startswith("(X_0") else text)
    assert read_witness(path, 2) == (fmpq(1, 10), fmpq(-1, 5))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unsat", "outside of parentheses"),
        ("((X_0 1))", "gives 1 of the inputs X_0 .. X_1"),
        ("((X_0 1) (X_1 nan))", "not a number"),
        ("((Z_0 1))", "neither X_i nor Y_j"),
        ("((X_0 1 2))", "no pair"),
        ('{"point": [1]}', "has 1 number, the network reads 2"),
        ('{"points": [1]}', 'no entry "point"'),
        ('{"point": [[1], 2]}', 'no entry "point"'),
        ("{", "is not JSON"),
    ],
)
def test_witnesses_that_are_refused(text, words, tmp_path):
    path = tmp_path / "witness"
    path.write_text(text)
    with pytest.raises(FormulationError, match=words):
        read_witness(path, 2)


@pytest.mark.parametrize("limits", [{"node_limit": 0}, {"node_limit": 3}, {"late": True}])
def test_an_open_answer_has_a_bound_wherever_the_limit_strikes(limits, random_network, monkeypatch):
    net = random_network(np.random.default_rng(5), (12, 8, 8, 1), "gaussian")
    declared = "".join(f"(declare-const X_{i} Real)(assert (<= X_{i} 1))(assert (>= X_{i} -1))" for i in range(12))
    box = ([-1] * 12, [1] * 12)
    least = network_bounds(net, box, "milp", time_limit=None).lower[-1][0]
    spec = parse_vnnlib(f"{declared}(declare-const Y_0 Real)(assert (<= Y_0 {least - 0.01:.6f}))")
    options = {"node_limit": limits.get("node_limit", 1_000_000), "time_limit": None}
    if "late" in limits:  # every clock but the one that looks at the inputs finds the limit reached
        monkeypatch.setattr(milp.properties, "inputs_of", lambda rows, inputs, deadline: bounded(box, inputs))
        options["time_limit"] = 1e-9
    found = verify_vnnlib(net, spec, **options)
    assert found.status is Status.OPEN
    text, bound = found.reason.rsplit("the least slack is at most ", 1)
    assert text
    # the least slack of the only row is at most least - 0.01 - (least output)
    assert float(bound) >= -0.011


@pytest.mark.parametrize(
    ("domain", "assertion", "verdict"),
    [
        # no point has x < -1 on the wall x = -1: the domain has no cells, and the least slack is 0
        ("(assert (>= X_0 -1)) (assert (< X_0 -1)) (assert (>= X_1 0)) (assert (<= X_1 1))", "(>= Y_0 1)", "PROVEN"),
        # |x0| + x1 > 1 on the segment x0 = -1, 0 <= x1 <= 1: not at its lower end alone
        ("(assert (== X_0 -1)) (assert (>= X_1 0)) (assert (<= X_1 1))", "(> Y_0 1)", "VIOLATED"),
        ("(assert (== X_0 -1)) (assert (>= X_1 0)) (assert (<= X_1 1))", "(> Y_0 2)", "PROVEN"),
        # strict and closed rows that meet in the very edge x1 = 0, or only where the strict one is 0
        ("(assert (>= X_0 -1)) (assert (<= X_0 2)) (assert (>= X_1 0)) (assert (<= X_1 1))",
         "(and (<= X_1 0) (> Y_0 1))", "VIOLATED"),
        ("(assert (>= X_0 -1)) (assert (<= X_0 2)) (assert (>= X_1 0)) (assert (<= X_1 1))",
         "(and (<= X_1 0) (> Y_0 2))", "PROVEN"),
        ("(assert (== X_0 2)) (assert (== X_1 1))", "(and (<= Y_0 3) (> Y_0 2.999))", "VIOLATED"),
    ],
)  # fmt: skip
def test_ties_with_strict_rows_are_decided_on_domains_of_any_dimension(domain, assertion, verdict):
    net = Network.from_layers([[[1, 0], [-1, 0], [0, 1]], [[1, 1, 1]]])  # |x0| + max(0, x1)
    names = "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)"
    domain = domain.replace("(== X_0 -1)", "(<= X_0 -1)) (assert (>= X_0 -1)").replace(
        "(== X_0 2)", "(<= X_0 2)) (assert (>= X_0 2)"
    )
    domain = domain.replace("(== X_1 1)", "(<= X_1 1)) (assert (>= X_1 1)")
    spec = parse_vnnlib(f"{names}{domain}(assert {assertion})")
    found = verify_vnnlib(net, spec)
    assert found.status.name == verdict
    if verdict == "VIOLATED":
        assert spec.holds_at(found.counterexample, net.evaluate(found.counterexample))


def test_all_phases_agree_with_all_cells(random_network):
    rng = np.random.default_rng(40)
    seen = set()
    for number in range(30):
        net = random_network(rng, (2, 3, 3, 2), ("gaussian", "integer", "skip")[number % 3])
        region = bounded(([-1, -1], [1, 1]), 2)
        shift = fmpq(int(rng.integers(-8, 9)), 4)
        slacks = Network(2, net.stages, AffineStage(net.output.blocks, tuple(b + shift for b in net.output.bias)))
        strict = (bool(number % 2), True)
        phases = meet_by_phases(slacks, region, network_bounds(slacks, region), strict=strict)
        cells = meet_by_cells(slacks, region, strict=strict)
        assert phases.complete
        assert cells.complete
        assert (phases.point is None) == (cells.point is None)
        if phases.point is not None:
            values = slacks.evaluate(phases.point)
            assert all(v > 0 if mark else v >= 0 for v, mark in zip(values, strict, strict=True))
        seen.add(phases.point is None)
    assert seen == {True, False}
    stopped = meet_by_phases(slacks, region, network_bounds(slacks, region), strict=(True, True), max_nodes=0)
    assert (stopped.point, stopped.complete) == (None, False)


def test_a_constant_with_the_other_phase_leaves_no_point():
    net = Network.from_layers([[[1]], [[0]], [[1]]], [[0], [-1], [0]])  # the second unit is -1 everywhere
    region = bounded(([-1], [1]), 1)
    for second, empty in ((False, False), (True, True)):
        rows, right = cell_system(net, region, ((True,), (second,)))
        assert isinstance(maximize((fmpq(1),), rows, right), Infeasible) is empty
