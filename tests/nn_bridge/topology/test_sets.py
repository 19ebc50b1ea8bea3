"""Homology of closed and open sets: known shapes, duality, naive order complexes."""

from __future__ import annotations

import pytest
from flint import fmpq

from nn_bridge.cells.cuts import with_differences, with_level
from nn_bridge.cells.faces import FaceComplex, face_complex
from nn_bridge.network.network import Network
from nn_bridge.topology.homology import homology
from nn_bridge.topology.sets import FaceSet, closed_set, open_set
from polyhedra.polyhedron import Polyhedron
from tests.families import ENTRIES, network_of
from tests.nn_bridge.topology.test_faces import FAMILIES, small
from tests.oracles.naive_homology import order_complex_betti, quotient_betti

# 1/2 - |max(|x|, |y|) - 3/2|, which is >= 0 on a square annulus
ANNULUS = Network.from_layers(
    [
        [[1, 0], [-1, 0], [0, 1], [0, -1]],
        [[1, 1, -1, -1], [0, 0, 1, 1]],
        [[1, 1], [1, 1]],
        [[1, -2]],
    ],
    [[0] * 4, [0, 0], [0, "-3/2"], [-1]],
)
STRIP = Network.from_layers([[[1, 0], [-1, 0]], [[1, 1]]])  # |x| on the plane
OCTAHEDRON = Network.from_layers(  # |x| + |y| + |z|
    [[[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], [[1] * 6]]
)
TENT = Network.from_layers([[[1], [-1]], [[-1, -1]]])  # -|x|
SMALL = [entry for family in FAMILIES for entry in small(family, 6, 40)]


def cut(network: Network, level: object, domain: Polyhedron | None = None) -> tuple[FaceComplex, int]:
    """The faces cut by a level of the first output, and the stage of the level."""
    return face_complex(with_level(network, 0, fmpq(level)), domain), len(network.stages)


def the_set(network: Network, name: str, level: object = 0, domain: Polyhedron | None = None) -> FaceSet:
    """One of the five sets that a level makes."""
    faces, stage = cut(network, level, domain)
    wanted = {"above": (0, 1), "below": (0, -1), "level": (0,), "open above": (1,), "open below": (-1,)}[name]
    make = open_set if name.startswith("open") else closed_set
    return make(faces, lambda face: faces.unit_sign(face, stage, 0) in wanted)


SHAPES = [
    (ANNULUS, "above", 0, None, (1, 1, 0), (2, 1, 0)),
    (ANNULUS, "open above", 0, None, (1, 1, 0), (1, 1, 1)),
    (ANNULUS, "level", 0, None, (2, 2, 0), (3, 2, 0)),
    (ANNULUS, "below", 0, None, (2, 1, 0), (2, 0, 0)),
    # a sphere for the inner square, and a sphere with two points glued (the plane's end and its hole) for the outside
    (ANNULUS, "open below", 0, None, (2, 1, 0), (1, 1, 2)),
    (ANNULUS, "above", "1/2", None, (1, 1, 0), (2, 1, 0)),  # the ridge alone
    (ANNULUS, "above", 1, None, (0, 0, 0), (1, 0, 0)),  # nothing
    (ANNULUS, "above", 0, Polyhedron.box([0, -3], [3, 3]), (1, 0, 0), (2, 0, 0)),
    # the walls y = -1 and y = 1 close the ring, and do not where the inner square is left out
    (ANNULUS, "above", 0, Polyhedron.box([-3, -1], [3, 1]), (1, 1, 0), (2, 1, 0)),
    (ANNULUS, "open above", 0, Polyhedron.box([-3, -1], [3, 1]), (2, 0, 0), (1, 2, 0)),
    (STRIP, "above", 1, None, (2, 0, 0), (1, 0, 0)),
    (STRIP, "below", 1, None, (1, 0, 0), (1, 1, 0)),
    (STRIP, "level", 1, None, (2, 0, 0), (1, 2, 0)),
    (STRIP, "open below", 1, None, (1, 0, 0), (1, 0, 1)),
    (OCTAHEDRON, "level", 1, None, (1, 0, 1, 0), (2, 0, 1, 0)),
    (OCTAHEDRON, "below", 1, None, (1, 0, 0, 0), (2, 0, 0, 0)),
    (OCTAHEDRON, "above", 1, None, (1, 0, 1, 0), (1, 0, 0, 0)),
    (OCTAHEDRON, "open above", 1, None, (1, 0, 1, 0), (1, 1, 0, 1)),
    (OCTAHEDRON, "above", 1, Polyhedron.box([-1] * 3, [1] * 3), (1, 0, 1, 0), (2, 0, 1, 0)),
    # the surface of the cube less six points; compactified, the cube with an octahedron shrunk to a point
    (OCTAHEDRON, "open above", 1, Polyhedron.box([-1] * 3, [1] * 3), (1, 5, 0, 0), (1, 0, 0, 0)),
    (TENT, "below", -1, None, (2, 0), (1, 0)),
    (TENT, "above", 0, None, (1, 0), (2, 0)),
    (TENT, "open below", 0, None, (2, 0), (1, 2)),
]


@pytest.mark.parametrize(("network", "name", "level", "domain", "betti", "one_point"), SHAPES)
def test_known_shapes(network, name, level, domain, betti, one_point) -> None:
    found = the_set(network, name, level, domain)
    assert found.homology.rational == found.homology.modulo_two == betti
    assert found.one_point_homology.rational == found.one_point_homology.modulo_two == one_point
    assert len(found.components) == betti[0]


def test_points_of_components_lie_in_the_set_and_in_different_parts() -> None:
    found = the_set(ANNULUS, "below")
    points = found.component_points()
    assert all(ANNULUS.evaluate(point)[0] <= 0 for point in points)
    assert sorted(max(map(abs, point)) >= 2 for point in points) == [False, True]


def test_classes_and_boundaries() -> None:
    # x against -x and 0: class 0 is x >= 0, and it meets class 2 at 0 where all are equal
    network = Network.from_layers([[[1, 0], [-1, 0], [0, 0]]])
    faces = face_complex(with_differences(network, 0))
    region = closed_set(faces, lambda face: all(faces.unit_sign(face, 0, k) >= 0 for k in range(2)))
    assert (region.f_vector, region.homology.rational) == ((0, 1, 1), (1, 0, 0))
    boundary = closed_set(region.complex, lambda face: face in region.members and faces.unit_sign(face, 0, 1) == 0)
    assert boundary.f_vector == (0, 1, 0)


def test_sets_that_are_neither_are_refused() -> None:
    faces, stage = cut(TENT, 0)
    with pytest.raises(ValueError, match="no closed set"):
        closed_set(faces, lambda face: faces.unit_sign(face, stage, 0) < 0)
    with pytest.raises(ValueError, match="no open set"):
        open_set(faces, lambda face: faces.unit_sign(face, stage, 0) == 0)


@pytest.mark.parametrize("entry", SMALL, ids=lambda e: e["name"])
def test_homology_agrees_with_naive_order_complexes(entry: dict) -> None:
    network = network_of(entry)
    for name in ("above", "below", "level", "open above", "open below"):
        found = the_set(network, name)
        facets = dict(enumerate(found.complex.facets))
        assert found.homology.modulo_two == order_complex_betti(facets, found.members, found.complex.dim), name
        assert len(found.components) == found.homology.rational[0]
        if network.input_dim <= 3:
            assert found.homology.rational == found.homology.modulo_two
            assert not any(found.homology.torsion)


@pytest.mark.parametrize("entry", [e for e in SMALL if len(e["weights"][0][0]) <= 3][::2], ids=lambda e: e["name"])
def test_one_point_compactification_agrees_with_a_box_whose_boundary_is_shrunk(entry: dict) -> None:
    network = network_of(entry)
    n = network.input_dim
    for name in ("above", "level", "below"):
        found = the_set(network, name)
        vertices = [found.complex.point(face) for face in range(len(found.complex)) if not found.complex.facets[face]]
        size = 1 + max(abs(v) for point in vertices for v in point)
        boxed = the_set(network, name, 0, Polyhedron.box([-size] * n, [size] * n))
        facets = dict(enumerate(boxed.complex.facets))
        boundary = {face for face in facets if boxed.complex.on_boundary(face)}
        assert found.one_point_homology.modulo_two == quotient_betti(facets, set(boxed.members), boundary, n)


def test_the_whole_domain_is_contractible_and_its_compactification_a_sphere() -> None:
    for entry in SMALL:
        faces = face_complex(network_of(entry))
        n = faces.dim
        whole = closed_set(faces, lambda face: True)
        assert whole.homology.rational == (1,) + (0,) * n
        assert whole.one_point_homology.rational == (1,) + (0,) * (n - 1) + (1,)


def test_the_open_and_the_closed_halves_have_the_euler_characteristics_of_the_level() -> None:
    for entry in ENTRIES[::20]:
        network = network_of(entry)
        halves = [the_set(network, name) for name in ("open above", "open below", "level")]
        total = sum((-1) ** k * b for half in halves for k, b in enumerate(half.one_point_homology.rational)) - 3
        assert total == (-1) ** network.input_dim


def test_torsion_needs_pivots_other_than_one() -> None:
    # a triangulated projective plane, and a cell attached three times
    plane = [
        {k: {} for k in range(6)},
        {},
        {},
    ]
    triangles = ["012", "023", "034", "045", "051", "124", "235", "341", "452", "513"]
    edges: dict[tuple[int, int], int] = {}
    for number, text in enumerate(triangles):
        a, b, c = sorted(map(int, text))
        for pair in ((a, b), (a, c), (b, c)):
            edges.setdefault(pair, 100 + len(edges))
        plane[2][200 + number] = {edges[b, c]: 1, edges[a, c]: -1, edges[a, b]: 1}
    plane[1] = {number: {a: -1, b: 1} for (a, b), number in edges.items()}
    found = homology(plane)
    assert (found.rational, found.modulo_two, found.torsion) == ((1, 0, 0), (1, 1, 1), ((), (2,), ()))
    assert homology([{0: {}}, {1: {}}, {2: {1: 3}}]).modulo_two == (1, 0, 0)
