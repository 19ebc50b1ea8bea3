"""Certificates of properties: of every kind of proof, accepted by the checker, compared with network and property."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

import milp.property_proof
from milp.box_search import BoxSearch
from milp.property_form import normal_form
from milp.vnnlib import Property, parse_vnnlib
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.scalars import to_text
from puiseux.certificates import property_checker
from puiseux.certificates.certificate import verify_certificate
from puiseux.certificates.property_certificate import write_property_certificate
from puiseux.time_limit import Stopped

NO_TREE = BoxSearch(None, False, 0, {}, {}, 0.0)
ABSOLUTE = Network.from_layers([[[1], [-1]], [[1, 1]]])  # |x|
ONE = "(declare-const X_0 Real) (declare-const Y_0 Real) (assert (>= X_0 -1)) (assert (<= X_0 2))"


def box(inputs: int, outputs: int, half: str = "1") -> str:
    ends = "".join(
        f"(declare-const X_{i} Real) (assert (>= X_{i} -{half})) (assert (<= X_{i} {half}))" for i in range(inputs)
    )
    return ends + "".join(f"(declare-const Y_{i} Real)" for i in range(outputs))


def proven(network: Network, spec: Property, path: Path) -> dict[str, Any]:
    counts = write_property_certificate(network, spec, path)
    verdict = verify_certificate(path, network, spec=spec)
    assert verdict.valid, verdict.reason
    assert (verdict.kind, verdict.counts) == ("property", counts)
    return counts


@pytest.mark.parametrize(
    ("assertion", "leaves"),  # None: where the boxes are cut is not said
    [
        ("(>= Y_0 2.1)", 1),
        ("(> Y_0 2)", 2),
        ("(< Y_0 0)", 2),
        ("(<= Y_0 -0.001)", None),
        ("(and (>= Y_0 3) (<= Y_0 1))", 1),
    ],
)
def test_margins_and_ties(assertion: str, leaves: int, tmp_path: Path) -> None:
    spec = parse_vnnlib(f"{ONE}(assert {assertion})")
    assert proven(ABSOLUTE, spec, tmp_path / "a.cert")["leaves"] in ([leaves] if leaves else range(2, 99))


def test_several_systems_and_none(tmp_path: Path) -> None:
    two = parse_vnnlib(f"{ONE}(assert (or (>= Y_0 3) (and (<= X_0 0) (> Y_0 1)) (and (>= X_0 1) (<= X_0 0))))")
    assert proven(ABSOLUTE, two, tmp_path / "a.cert")["leaves"] >= 3
    nothing = parse_vnnlib(f"{ONE}(assert (or (>= Y_0 3)))(assert (or))")
    assert nothing.disjuncts == ()
    assert proven(ABSOLUTE, nothing, tmp_path / "b.cert") == {"splits": 0, "leaves": 0}


def test_inputs_that_contradict_themselves_and_polyhedra(tmp_path: Path) -> None:
    net = Network.from_layers([[[1, 1], [1, -1]], [[1, 1]]])
    header = "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)"
    triangle = "(assert (>= X_0 0)) (assert (>= X_1 0)) (assert (<= (+ (* 3 X_0) (* 3 X_1)) 1))"  # ends by multipliers
    spec = parse_vnnlib(f"{header}{triangle}(assert (>= Y_0 0.67))")
    proven(net, spec, tmp_path / "a.cert")
    lines = [json.loads(line) for line in (tmp_path / "a.cert").read_text().splitlines()]
    assert lines[1][:2] == ["bounds", 0]
    tie = parse_vnnlib(f"{header}{triangle}(assert (> (* 3 Y_0) 2))")
    proven(net, tie, tmp_path / "b.cert")
    for rows in ("(assert (<= (+ X_0 X_1) 1)) (assert (>= (+ X_0 X_1) 2))", "(assert (< X_0 0))"):
        proven(net, parse_vnnlib(f"{header}{triangle}{rows}(assert (<= Y_0 100))"), tmp_path / "c.cert")


@pytest.mark.parametrize("kind", ["gaussian", "integer", "skip"])
@pytest.mark.parametrize("way", ["boxes", "cells"])
def test_random_networks_at_their_very_maximum(
    kind: str, way: str, random_network: Any, maximum_by_cells: Any, unit_box: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    if way == "cells":
        monkeypatch.setattr(milp.property_proof, "search_boxes", lambda *_, **__: NO_TREE)
    rng = np.random.default_rng(17)
    for number in range(3):
        net = random_network(rng, (2, 4, 3, 2), kind)
        most = maximum_by_cells(net, unit_box(2), [fmpq(1), fmpq(-1)])
        for limit, relation in ((most + fmpq(1, 100), ">="), (most, ">"), (most + fmpq(1, 10**30), ">=")):
            spec = parse_vnnlib(box(2, 2) + f"(assert ({relation} (- Y_0 Y_1) {to_text(limit)}))")
            proven(net, spec, tmp_path / f"{number}.cert.gz")
        violated = parse_vnnlib(box(2, 2) + f"(assert (>= (- Y_0 Y_1) {to_text(most)}))")
        with pytest.raises(FormulationError, match="nothing to certify"):
            write_property_certificate(net, violated, tmp_path / "violated.cert")
        assert not (tmp_path / "violated.cert").exists()


def test_it_is_compared_with_network_and_property(tmp_path: Path) -> None:
    spec = parse_vnnlib(f"{ONE}(assert (>= Y_0 2.1))")
    proven(ABSOLUTE, spec, tmp_path / "a.cert")
    same = parse_vnnlib(f"{ONE}(assert (>= (* 10 Y_0) 21)) (assert (<= X_0 2.0))")  # the same rows, said otherwise
    assert verify_certificate(tmp_path / "a.cert", ABSOLUTE, spec=same).valid
    other_spec = parse_vnnlib(f"{ONE}(assert (>= Y_0 2.2))")
    found = verify_certificate(tmp_path / "a.cert", ABSOLUTE, spec=other_spec)
    assert not found.valid
    assert "another property" in str(found.reason)
    other = Network.from_layers([[[1], [-1]], [[1, 2]]])
    assert "another network" in str(verify_certificate(tmp_path / "a.cert", other).reason)
    assert "holds its own domain" in str(verify_certificate(tmp_path / "a.cert", ABSOLUTE, "box:-1,2").reason)


def test_a_count_is_no_certificate_of_a_property(tmp_path: Path) -> None:
    from puiseux.certificates.certificate import write_certificate

    write_certificate(ABSOLUTE, tmp_path / "a.cert", "box:-1,2")
    spec = parse_vnnlib(f"{ONE}(assert (>= Y_0 2.1))")
    assert "not of a property" in str(verify_certificate(tmp_path / "a.cert", ABSOLUTE, spec=spec).reason)


def test_limits_of_time_leave_no_file(tmp_path: Path, random_network: Any) -> None:
    net = random_network(np.random.default_rng(3), (3, 20, 20, 1), "gaussian")
    spec = parse_vnnlib(box(3, 1) + "(assert (>= Y_0 1000000))")
    begun = time.monotonic()
    with pytest.raises(Stopped, match="time limit"):
        write_property_certificate(net, spec, tmp_path / "a.cert", time_limit=0.001)
    assert time.monotonic() - begun < 5
    assert list(tmp_path.iterdir()) == []


def test_the_checker_runs_alone(tmp_path: Path) -> None:
    spec = parse_vnnlib(f"{ONE}(assert (> Y_0 2))")
    proven(ABSOLUTE, spec, tmp_path / "a.cert")
    source = Path(property_checker.__file__).read_text()
    assert len(source.splitlines()) <= 300
    (tmp_path / "checker.py").write_text(source)

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-S", "-I", str(tmp_path / "checker.py"), str(tmp_path / name)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = run("a.cert")
    assert good.returncode == 0, good.stderr
    assert "valid" in good.stdout
    (tmp_path / "b.cert").write_text((tmp_path / "a.cert").read_text().replace("[2,1]", "[2,2]"))
    assert run("b.cert").returncode == 1
    assert run("none.cert").returncode == 2


def test_the_normal_form_is_that_of_the_rows() -> None:
    one = parse_vnnlib(f"{ONE}(assert (or (>= Y_0 3) (<= Y_0 -1)))")
    other = parse_vnnlib(f"{ONE}(assert (or (<= (* 2 Y_0) -2) (>= Y_0 3.0) (<= Y_0 -1)))")
    assert normal_form(one) == normal_form(other)
