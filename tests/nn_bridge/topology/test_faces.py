"""Faces of every dimension agree with a naive enumeration, in all families and on every kind of domain."""

from __future__ import annotations

import itertools

import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from nn_bridge.topology.cuts import with_differences, with_level
from nn_bridge.topology.faces import FaceComplex, face_complex
from polyhedra.polyhedron import Polyhedron
from tests.families import ENTRIES, network_of
from tests.oracles import naive_faces
from tests.oracles.naive_cells import plain

FAMILIES = sorted({entry["family"] for entry in ENTRIES})


def small(family: str, count: int, cells: int = 24) -> list[dict]:
    """The first networks of a family that have few cells, one for each number of inputs and then the others."""
    fitting = [entry for entry in ENTRIES if entry["family"] == family and 1 < entry["cells"] <= cells]
    ordered = sorted(fitting, key=lambda entry: (-entry["cells"], entry["name"]))
    inputs = {}
    for entry in ordered:
        inputs.setdefault(len(entry["weights"][0][0]), []).append(entry)
    turns = [entry for turn in itertools.zip_longest(*inputs.values()) for entry in turn if entry is not None]
    return turns[:count]


def signs_of(faces: FaceComplex) -> dict[tuple[int, ...], tuple[int, bool]]:
    """The answer of the oracle in the form of the complex."""
    walls = 0 if faces.cells.problem is None else len(faces.cells.problem.walls)
    result = {}
    for face in range(len(faces)):
        on = tuple(int(not faces.zeros[face] >> (faces.starts[-1] + wall) & 1) for wall in range(walls))
        signs = tuple(sign for stage in faces.sign_vector(face) for sign in stage)
        result[(*signs, *on)] = (faces.dimensions[face], faces.is_bounded(face))
    assert len(result) == len(faces)
    return result


def with_output_stage(entry: dict) -> list:
    """The stages of a network with its first output as one more unit."""
    *stages, outputs = plain(entry["weights"], entry["biases"])
    return [*stages, outputs[:1]]


def test_there_are_eight_families() -> None:
    assert len(FAMILIES) == 8
    assert all(len(small(family, 6)) == 6 for family in FAMILIES)


@pytest.mark.parametrize("entry", [e for family in FAMILIES for e in small(family, 6)], ids=lambda e: e["name"])
def test_faces_cut_by_a_level_agree_with_the_oracle(entry: dict) -> None:
    network = network_of(entry)
    found = face_complex(with_level(network, 0, fmpq(0)))
    assert signs_of(found) == naive_faces.faces(with_output_stage(entry), network.input_dim)


@pytest.mark.parametrize("entry", [e for family in FAMILIES for e in small(family, 2)], ids=lambda e: e["name"])
def test_faces_of_the_hidden_units_agree_with_the_oracle(entry: dict) -> None:
    network = network_of(entry)
    found = face_complex(network)
    assert signs_of(found) == naive_faces.faces(plain(entry["weights"], entry["biases"])[:-1], network.input_dim)
    assert found.f_vector[-1] == entry["cells"]


DOMAINS = {
    "box": [(1, 0, 1), (-1, 0, 1), (0, 1, 1), (0, -1, 2)],
    "half-plane": [(1, 1, 1)],
    "strip": [(1, 0, 1), (-1, 0, 1)],
    "wedge with its apex at 0": [(1, 0, 0), (-1, 1, 0)],
    "triangle": [(1, 0, 0), (0, 1, 0), (-1, -1, 1)],
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", DOMAINS)
def test_faces_on_domains_agree_with_the_oracle(family: str, name: str) -> None:
    entry = next(e for e in small(family, 20) if len(e["weights"][0][0]) == 2)
    walls = DOMAINS[name]
    domain = Polyhedron([[-a, -b] for a, b, _ in walls], [c for *_, c in walls])
    found = face_complex(with_level(network_of(entry), 0, fmpq(0)), domain)
    kept = [(*(-a for a in row[:-1]), row[-1]) for row in domain.irredundant().inequalities]
    assert signs_of(found) == naive_faces.faces(with_output_stage(entry), 2, [tuple(map(int, row)) for row in kept])


def test_every_facet_lies_below_its_face_and_the_signs_cancel() -> None:
    for entry in [e for family in FAMILIES for e in small(family, 3, 60)]:
        faces = face_complex(network_of(entry))
        for face, facets in enumerate(faces.facets):
            total: dict[int, int] = {}
            for facet, sign in zip(facets, faces.signs[face], strict=True):
                assert faces.dimensions[facet] == faces.dimensions[face] - 1
                assert faces.zeros[facet] & faces.zeros[face] == faces.zeros[face] != faces.zeros[facet]
                for ridge, inner in zip(faces.facets[facet], faces.signs[facet], strict=True):
                    total[ridge] = total.get(ridge, 0) + sign * inner
            assert set(total.values()) <= {0}


def test_points_lie_inside_their_faces() -> None:
    for family in FAMILIES:
        network = with_level(network_of(small(family, 1)[0]), 0, fmpq(0))
        faces = face_complex(network)
        for face in range(len(faces)):
            values = network.preactivations(faces.point(face))[:-1]
            signs = tuple(tuple((v > 0) - (v < 0) for v in stage) for stage in values)
            assert signs == faces.sign_vector(face)


def test_euler_characteristics_of_the_whole_domain() -> None:
    for family in FAMILIES:
        for entry in small(family, 4, 60):
            faces = face_complex(network_of(entry))
            assert (faces.euler, faces.euler_compact) == (1, (-1) ** faces.dim)
    box = face_complex(Network.from_layers([[[1, 1]], [[1]]]), Polyhedron.box([-1, -1], [1, 1]))
    # the diagonal meets two corners
    assert (box.f_vector, box.euler, box.euler_compact) == ((4, 5, 2), 1, 1)


def test_networks_that_nothing_cuts_have_one_face() -> None:
    constant = Network.from_layers([[[0, 0]], [[1]]], [[-1], [3]])
    for level, sign in ((2, 1), (3, 0), (4, -1)):
        faces = face_complex(with_level(constant, 0, fmpq(level)))
        assert (faces.f_vector, faces.sign_vector(0)) == ((0, 0, 1), ((-1,), (sign,)))
        assert (faces.lineality, faces.is_bounded(0), faces.point(0)) == (2, False, (0, 0))


def test_networks_without_hidden_units() -> None:
    affine = Network.from_layers([[[1, 1]]], [[-1]])
    faces = face_complex(with_level(affine, 0, fmpq(0)))
    assert (faces.f_vector, faces.lineality) == ((0, 1, 2), 1)
    assert face_complex(affine, Polyhedron.box([0, 0], [1, 1])).f_vector == (4, 4, 1)


def test_flat_pieces_at_the_level_vanish_there() -> None:
    relu = Network.from_layers([[[1]], [[1]]])
    faces = face_complex(with_level(relu, 0, fmpq(0)))
    signs = {faces.sign_vector(face): faces.dimensions[face] for face in range(len(faces))}
    assert signs == {((1,), (1,)): 1, ((0,), (0,)): 0, ((-1,), (0,)): 1}


def test_differences_of_outputs_are_units_in_their_order() -> None:
    network = Network.from_layers([[[1], [-1]], [[1, 0], [0, 1], [1, 1]]], [[0, 0], [0, 1, 2]])
    cut = with_differences(network, 1)
    outputs = network.evaluate([3])
    assert cut.preactivations([3])[1] == (outputs[1] - outputs[0], outputs[1] - outputs[2])
