"""VNN-LIB 2.0: files that are read and refused, and two networks against the exact largest difference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from milp.two_networks import side_by_side, solve_equations
from milp.vnnlib import parse_vnnlib, read_vnnlib, read_witness
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.scalars import to_text
from puiseux import check_property, largest_difference, save
from puiseux.console.cli import run
from tests.pace import Stopwatch, slowness

ONE = "(vnnlib-version <2.0>)(declare-network f (declare-input X real [1, 2]) (declare-output Y real [2]))\n"
TWO = """; the same inputs in a box, and outputs apart
(vnnlib-version <2.0>)
(declare-network f (declare-input X float32 [2]) (declare-output Y float32 [1]))
(declare-network g {relation}(declare-input A float32 [2]) (declare-output B float32 [1]))
(assert (and (== X[0] A[0]) (== X [1] A [1])))
(assert (and (>= X[0] -1) (<= X[0] 1.0) (>= (* 2 X[1]) -2) (<= A[1] 1)))
(assert ({compare} (- Y[0] B[0]) {limit}))
"""


def test_numbers_names_and_relations_are_read_exactly() -> None:
    spec = parse_vnnlib(ONE + "(assert (< (+ (* 2 3 X[0,1]) (- Y[1]) 0.1) (- 1 X [0, 0] 1/3)))(assert (!= Y[0] 1e-3))")
    assert (spec.inputs, spec.outputs, len(spec.disjuncts)) == (2, 2, 2)
    row, other = spec.disjuncts[0]
    assert (row.inputs, row.outputs) == ((fmpq(1), fmpq(6)), (fmpq(0), fmpq(-1)))
    assert row.right == fmpq(2, 3) - fmpq(1, 10)
    assert row.strict
    assert (other.outputs, other.right, other.strict) == ((fmpq(1), fmpq(0)), fmpq(1, 1000), True)
    single = parse_vnnlib(
        "(vnnlib-version <2.1>) (declare-network n (declare-input a Real [2,3]) (declare-input b real [])"
        "(declare-output y real [] )) (assert (or (<= (+ a[1,0] b) y) (== b 2)))"
    )
    assert (single.inputs, single.outputs) == (7, 1)
    assert [j for j, v in enumerate(single.disjuncts[0][0].inputs) if v] == [3, 6]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE + "(assert (<= (* X[0,0] Y[0]) 1))", r"line 2: \(\* X\[0,0\] Y\[0\]\) is not linear"),
        (ONE + "(assert (<= (/ X[0,0] 2) 1))", "line 2: .* is not linear"),
        (ONE + "(assert (<= X[0,2] 1))", r"no element of the tensor X\[1,2\]"),
        (ONE + "(assert (<= X[0] 1))", "no element of the tensor"),
        (ONE + "(assert (<= X 1))", "no element of the tensor"),
        (ONE + "(assert (<= Q[0] 1))", "line 2: 'Q\\[0\\]' is neither"),
        (ONE + "(assert (=> (<= X[0,0] 1) (<= X[0,0] 1)))", "line 2: .* are read"),
        (ONE + "(assert (and))", "line 2: .* no formula"),
        (ONE + "(assert)", "line 2: .* no VNN-LIB 2.0"),
        (ONE, "asserts nothing"),
        (ONE.replace("2.0", "3.0"), "line 1: .*version <2.0> is read"),
        (ONE.replace("[1, 2]", "[0]"), "no shape"),
        (ONE.replace("[1, 2]", "[99999999,9999999]"), "more than 10,000,000 elements"),
        (ONE.replace("real [1", "int8 [1"), "type 'int8' is not read"),
        (ONE.replace("X", "f"), "declared twice"),
        (ONE.replace("(declare-out", '\n(declare-hidden H real [2] "relu")(declare-out'), "line 2: .*hidden node"),
        ("(vnnlib-version <2.0>)\n(declare-network f (declare-input X real [1]))", "line 2: .* needs declare-input"),
        (ONE + "(declare-network g (equal-to h) (declare-input A real [1]))", "line 2: .*does not name"),
        ("(vnnlib-version <2.0>)" + "(declare-network f" * 250, "200 parentheses"),
        (ONE + "(assert (and " + "(!= X[0,0] 1)" * 20 + "))", "10000 systems"),
        (ONE + "(assert (<= X[" + "0," * 10**6 + "0] 1))", "no element"),
        (ONE + "(assert (<= " + "a[" * 10**5 + " 1))", "neither a number nor|is not|only and"),
    ],
)
def test_files_that_are_refused_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.vnnlib"
    path.write_text(text)
    watch = Stopwatch()
    with pytest.raises(FormulationError, match=words) as caught:
        read_vnnlib(path)
    assert watch.seconds < 5 * slowness()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 300


def networks(seed: int) -> tuple[Network, Network]:
    rng = np.random.default_rng(seed)
    first = [rng.integers(-3, 4, size=(4, 2)), rng.integers(-3, 4, size=(1, 4))]
    second = [rng.integers(-3, 4, size=(3, 2)), rng.integers(-3, 4, size=(1, 3))]
    return Network.from_layers(first, [rng.integers(-2, 3, size=4), [0]]), Network.from_layers(second)


@pytest.mark.parametrize("seed", range(4))
def test_two_networks_against_the_largest_difference(seed: int) -> None:
    first, second = networks(seed)
    apart = largest_difference(first, second, "box:-1,1").value
    assert apart is not None
    tiny = fmpq(1, 10**25)
    reached = set()
    for sign in (1, -1):
        for limit in (apart - tiny, apart, apart + tiny):
            for compare in (">=", ">"):
                text = TWO.format(relation="", compare=compare, limit=to_text(limit))
                if sign < 0:
                    text = text.replace("(- Y[0] B[0])", "(- B[0] Y[0])")
                spec = parse_vnnlib(text)
                found = check_property(first, spec, second)
                if found.verdict == "VIOLATED":
                    assert found.point is not None
                    assert found.point[:2] == found.point[2:]
                    assert found.outputs == (*first.evaluate(found.point[:2]), *second.evaluate(found.point[2:]))
                    assert spec.holds_at(found.point, found.outputs)
                else:
                    assert found.verdict == "PROVEN"
                reached.add((limit, compare, found.verdict))
    assert all((apart + tiny, compare, "VIOLATED") not in reached for compare in (">=", ">"))
    assert all((apart - tiny, compare, "VIOLATED") in reached for compare in (">=", ">"))
    assert (apart, ">=", "VIOLATED") in reached
    assert (apart, ">", "VIOLATED") not in reached


def test_equations_are_solved_and_points_carried_back() -> None:
    text = TWO.format(relation="", compare=">=", limit="0") + "(assert (== (+ X[0] X[1]) 1/2))(assert (== A[0] A[1]))"
    reduced = solve_equations(parse_vnnlib(text))
    assert reduced is not None
    assert reduced.free == 0
    assert reduced.origin == (fmpq(1, 4),) * 4
    assert solve_equations(parse_vnnlib(text + "(assert (== X[0] 1))")) is None
    first, second = networks(0)
    both = side_by_side(first, second).evaluate([1, 2, 3, 4])
    assert both == (*first.evaluate([1, 2]), *second.evaluate([3, 4]))
    at = first.evaluate(reduced.origin[:2])[0] - second.evaluate(reduced.origin[2:])[0]
    assert check_property(first, parse_vnnlib(text), second).verdict == ("VIOLATED" if at >= 0 else "PROVEN")
    assert check_property(first, parse_vnnlib(text + "(assert (== X[0] 1))"), second).verdict == "PROVEN"


def test_networks_that_do_not_fit_the_declaration() -> None:
    first, second = networks(1)
    plain, equal, alike = (
        parse_vnnlib(TWO.format(relation=relation, compare=">", limit="0"))
        for relation in ("", "(equal-to f)", "(isomorphic-to f)")
    )
    assert check_property(first, equal).verdict == "PROVEN"
    for spec, other, words in (
        (plain, None, "give a second file"),
        (equal, second, "equal to f; the files are not"),
        (alike, second, "isomorphic to f"),
        (plain, [[[1]]], "declares g with 2 inputs"),
        (parse_vnnlib(ONE + "(assert (<= X[0,0] 1))"), second, "leave the second one out"),
    ):
        with pytest.raises(FormulationError, match=words):
            check_property(first, spec, other)


def test_the_command_reads_two_networks_and_replays_a_witness(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = networks(2)
    paths = [tmp_path / "f.json", tmp_path / "g.json"]
    for network, path in zip((first, second), paths, strict=True):
        save(network, path)
    spec = tmp_path / "apart.vnnlib"
    spec.write_text(TWO.format(relation="", compare=">=", limit="-1000"))
    witness = tmp_path / "witness"
    witness.write_text("sat\n((X[0] 0.1) (X[1] 0) (A[0] 0.1) (A[1] 0) (Y[0] 1))")
    assert read_witness(witness, 4, read_vnnlib(spec).tensors) == (fmpq(1, 10), fmpq(0)) * 2
    assert run(["property", str(paths[0]), str(spec), str(paths[1]), "--witness", str(witness), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [entry["hidden"] for entry in found["network"]] == [[4], [3]]
    assert found["witness"]["point"] == ["1/10", "0", "1/10", "0"]
    assert found["replay"]["exact"]
    assert run(["property", str(paths[0]), str(spec)]) == 2
    assert "give a second file" in capsys.readouterr().err
