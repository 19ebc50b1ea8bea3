"""The second route to topology: it agrees with the faces and with the oracle, and a planted fault is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flint import fmpq

from nn_bridge.cells.cuts import with_level, with_unit_level
from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO
from puiseux import crosscheck, save
from puiseux.console.cli import run
from puiseux.cross_check import topology_check
from puiseux.cross_check.sign_topology import SignTopology, faces_by_signs, sign_topology
from puiseux.domains import pose
from puiseux.questions.input_sets import face_set, input_set
from tests.families import network_of
from tests.nn_bridge.topology.test_faces import FAMILIES, small
from tests.nn_bridge.topology.test_sets import ANNULUS, OCTAHEDRON
from tests.oracles import naive_faces
from tests.oracles.naive_cells import plain


def planar(family: str, cells: int) -> dict:
    return next(e for e in small(family, 20, cells) if len(e["weights"][0][0]) == 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_faces_by_signs_are_those_of_the_oracle(family: str) -> None:
    entry = planar(family, 10)
    found = list(faces_by_signs(network_of(entry), None))
    wanted = naive_faces.faces(plain(entry["weights"], entry["biases"])[:-1], 2)
    assert len(found) == len(wanted)
    assert dict(found) == {signs: dimension for signs, (dimension, _) in wanted.items()}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("domain", [None, "box:-1,2"])
def test_routes_agree(family: str, domain: str | None) -> None:
    found = topology_check.check_topology(pose(network_of(planar(family, 8)), domain), None)
    assert found.agree is True
    assert all(route.reason is None for _, routes in found.sets for route in routes)


@pytest.mark.parametrize("family", FAMILIES)
def test_levels_of_hidden_units_by_both_routes(family: str) -> None:
    network = network_of(planar(family, 8))
    stage = len(network.stages) - 1
    for which, signs in (("above", (0, 1)), ("level", (0,))):
        question = input_set(network, None, "1/3", which, False, None, None, (stage, 0))
        found = face_set(network, None, question)
        other = sign_topology(with_unit_level(network, stage, 0, fmpq(1, 3)), None, lambda last, s=signs: last[0] in s)
        assert (found.homology.modulo_two, found.f_vector) == (other.betti, other.faces)


def test_known_shapes() -> None:
    ring = with_level(ANNULUS, 0, ZERO)
    assert sign_topology(ring, None, lambda signs: signs[0] >= 0).betti == (1, 1, 0)
    ball = sign_topology(with_level(OCTAHEDRON, 0, ZERO + 1), None, lambda signs: signs[0] == 0)
    assert ball == SignTopology((1, 0, 1, 0), (6, 12, 8, 0))
    walls = sign_topology(Network.from_layers([[[1, 1]], [[1]]]), Polyhedron.box([-1, -1], [1, 1]), lambda signs: True)
    assert walls == SignTopology((1, 0, 0), (4, 5, 2))


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("puiseux.cross_check.sign_topology.MOST_FACES", 10)
    with pytest.raises(UsageError, match="more than 10 faces"):
        sign_topology(with_level(ANNULUS, 0, ZERO), None, lambda signs: True)
    check = crosscheck(ANNULUS, routes=["cells"], topology=True)
    assert check.topology is not None
    assert check.topology.agree is None
    assert all("more than 10 faces" in str(routes[1].reason) for _, routes in check.topology.sets)


def test_a_planted_fault_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    save(ANNULUS, tmp_path / "net.json")
    command = ["crosscheck", str(tmp_path / "net.json"), "--routes", "cells", "--topology"]
    assert run([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["topology"]
    assert found["agree"] is True
    assert [entry["set"] for entry in found["sets"]] == [f"output 0 {sign} 0" for sign in (">=", ">", "<=", "=")]
    assert {tuple(route["betti"]) for route in found["sets"][0]["routes"]} == {(1, 1, 0)}
    monkeypatch.setattr(topology_check, "sign_topology", lambda *asked: SignTopology((1, 0, 0), (1, 1, 1)))
    assert run(command) == 1
    assert "disagree: topology by two routes" in capsys.readouterr().out
