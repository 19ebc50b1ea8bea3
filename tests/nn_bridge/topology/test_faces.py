"""Faces of every dimension agree with a naive enumeration, in all families and on every kind of domain."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from flint import fmpq

from nn_bridge.cells.complex import cell_complex
from nn_bridge.cells.cuts import first_stages, with_differences, with_level, with_unit_level
from nn_bridge.cells.faces import FaceComplex, face_complex, layer_complexes
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors.extractor import extract
from polyhedra.polyhedron import Polyhedron
from puiseux import random_network
from puiseux.domains import pose
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


def test_outputs_and_differences_as_hyperplanes_agree_with_the_oracle() -> None:
    for family in FAMILIES:
        entry = next(e for e in small(family, 20, 9) if len(e["weights"][0][0]) == 2)
        *weights, last = entry["weights"]
        rows = [*last, [v + 1 for v in last[0]], [-v for v in last[0]]][:3]
        biases = [*entry["biases"][:-1], [*entry["biases"][-1], 1, 0][:3]]
        network = Network.from_layers([*weights, rows], biases)
        cells = cell_complex(network)
        *stages, outputs = plain([*weights, rows], biases)
        assert signs_of(cells.face_complex("outputs")) == naive_faces.faces([*stages, outputs], 2)
        pairs = [(i, k) for i in range(len(rows)) for k in range(i + 1, len(rows))]
        less = [tuple(_minus(outputs[i], outputs[k])) for i, k in pairs]
        assert signs_of(cells.face_complex("differences")) == naive_faces.faces([*stages, less], 2)


def _minus(one: tuple, two: tuple) -> list:
    """The difference of two units of `naive_cells.plain`: weights by source and a bias."""
    if isinstance(one, (tuple, list)):
        return type(one)(_minus(a, b) for a, b in zip(one, two, strict=True))
    return one - two


def test_faces_of_a_complex_as_values() -> None:
    square = cell_complex(Network.from_layers([[[1, 1]], [[1]]], [[-1], [0]]), Polyhedron.box([0, 0], [1, 1]))
    assert [len(square.faces(dim)) for dim in range(3)] == [4, 5, 2]
    assert square.faces(1) == [face for face in square.faces() if face.dimension == 1]
    diagonal = next(face for face in square.faces(1) if face.signs == ((0,),))
    assert (diagonal.vertices, diagonal.walls, diagonal.bounded) == (((0, 1), (1, 0)), (), True)
    assert sorted(face.signs for face in diagonal.cofacets) == [((-1,),), ((1,),)]
    assert all(diagonal in face.facets for face in diagonal.cofacets)
    assert sorted(len(face.walls) for face in square.faces(0)) == [2, 2, 2, 2]
    assert {face.point for face in diagonal.facets} == set(diagonal.vertices)
    with pytest.raises(NetworkError, match="no faces of dimension 3"):
        square.faces(3)
    with pytest.raises(ValueError, match="no hyperplanes 'walls'"):
        square.face_complex("walls")
    with pytest.raises(NetworkError, match="need two or more"):
        square.face_complex("differences")


@pytest.mark.parametrize("family", FAMILIES)
def test_faces_on_a_slice_agree_with_the_oracle(family: str) -> None:
    entry = next(e for e in small(family, 20) if len(e["weights"][0][0]) == 2)
    line = network_of(entry).restrict_to([[fmpq(1)], [fmpq(2)]], [fmpq(1, 3), fmpq(0)])
    first, *later = entry["weights"]
    weights = [[[Fraction(a) + 2 * Fraction(b)] for a, b in first], *later]
    start = [Fraction(b) + Fraction(row[0]) / 3 for b, row in zip(entry["biases"][0], first, strict=True)]
    stages = plain(weights, [start, *entry["biases"][1:]])[:-1]
    assert signs_of(cell_complex(line).face_complex()) == naive_faces.faces(stages, 1)


@pytest.mark.parametrize("seed", range(3))
def test_generic_boxes_agree_with_the_complex_of_sign_vectors(seed: int) -> None:
    for sizes in ([2, 5, 4, 1], [3, 4, 3, 1]):
        network = random_network(sizes, rng=seed)
        n = sizes[0]
        other = extract(network, (-2, 2))
        assert other.generic
        found = cell_complex(network, pose(network, "box:-2,2").domain)
        assert found.face_complex().f_vector == other.f_vector()
        for dim in range(n + 1):
            theirs = [tuple(row) for row in other.faces(dim).signs().tolist()]
            ours = [tuple(sign for stage in face.signs for sign in stage) for face in found.faces(dim)]
            assert sorted(theirs) == sorted(ours)


@pytest.mark.parametrize("family", FAMILIES)
def test_complexes_before_and_after_each_layer(family: str) -> None:
    for entry in small(family, 2, 16):
        network = network_of(entry)
        stages = plain(entry["weights"], entry["biases"])[:-1]
        layers = layer_complexes(network)
        assert len(layers) == len(network.stages) + 1
        for count, coarse in enumerate(layers):
            assert signs_of(coarse) == naive_faces.faces(stages[:count], network.input_dim)
        for coarse, fine in itertools.pairwise(layers):
            kept = len(coarse.cells.network.stages)
            widest: dict[tuple, int] = {}
            for face in fine.faces():
                key = face.signs[:kept]
                widest[key] = max(widest.get(key, 0), face.dimension)
            # each face is the union of the faces that the next layer cuts it into
            assert widest == {face.signs: face.dimension for face in coarse.faces()}


def test_levels_of_hidden_units() -> None:
    network = Network.from_layers([[[1], [-1]], [[1, 1]], [[1]]], [[0, 0], [-1], [0]])
    cut = with_unit_level(network, 1, 0, fmpq(2))
    assert cut.preactivations([5])[2] == (2,)
    assert sorted(face.point for face in face_complex(cut).faces(0)) == [(-3,), (-1,), (0,), (1,), (3,)]
    assert first_stages(network, 1).hidden == (2,)
    for stage, unit, message in ((2, 0, "no hidden stage 2"), (1, 1, "no unit 1 in stage 1"), (0, -1, "no unit -1")):
        with pytest.raises(NetworkError, match=message):
            with_unit_level(network, stage, unit, fmpq(0))
