"""Critical points: known shapes, the sum of their indices, lower links by naive order complexes."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from flint import fmpq

from nn_bridge.cells.faces import face_complex
from nn_bridge.network.network import Network
from nn_bridge.topology.morse import CriticalPoint, critical_points
from polyhedra.polyhedron import Polyhedron
from tests.families import network_of
from tests.nn_bridge.topology.test_faces import FAMILIES, small
from tests.nn_bridge.topology.test_sets import ANNULUS, OCTAHEDRON, SMALL, STRIP, TENT
from tests.oracles import naive_faces
from tests.oracles.naive_cells import plain
from tests.oracles.naive_homology import order_complex_betti


def told(network: Network, domain: Polyhedron | None = None) -> list[tuple]:
    """Kind, level, index and jump of each."""
    return [(p.kind, p.level, p.index, p.euler) for p in critical_points(network, 0, domain)]


def test_known_shapes() -> None:
    assert told(TENT) == [("critical", 0, 1, -1)]  # -|x|: 1 - 2
    assert told(STRIP) == [("critical", 0, 0, 1)]  # a line, divided out
    assert told(OCTAHEDRON) == [("critical", 0, 0, 1)]
    assert told(Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, -1, -1]]])) == [
        ("critical", 0, 1, -1)  # |x| - |y|
    ]
    # -1 inside, 1/2 on the ridge, a closed polygon of flat edges: a component is joined and a hole filled there
    (inside, ridge) = critical_points(ANNULUS)
    assert (inside.kind, inside.level, inside.index, inside.euler) == ("critical", -1, 0, 1)
    assert (ridge.kind, ridge.level, ridge.betti, ridge.euler) == ("flat", fmpq(1, 2), (0, 1, 1), 0)
    assert ridge.faces[0] == ridge.faces[1] >= 4


def test_flat_rays_and_flat_parts_that_change_nothing() -> None:
    relu = Network.from_layers([[[1]], [[1]]])
    (valley,) = critical_points(relu)
    assert (valley.kind, valley.index, valley.euler, valley.faces) == ("flat", 0, 1, (1, 1))
    (ledge,) = critical_points(Network.from_layers([[[-1]], [[-1]]]))  # rises to 0 and stays
    assert (ledge.kind, ledge.index, ledge.betti, ledge.euler) == ("flat", None, (0, 0), 0)
    step = Network.from_layers([[[1], [1]], [[1, -1]]], [[0, -1], [0]])
    assert [(p.level, p.euler) for p in critical_points(step)] == [(0, 1), (1, 0)]
    assert critical_points(Network.from_layers([[[1, 2]]])) == []
    (everything,) = critical_points(Network.from_layers([[[0, 0]]], [[7]]))
    assert (everything.kind, everything.level, everything.index, everything.euler) == ("flat", 7, 0, 1)


def test_monkey_saddle_is_degenerate() -> None:
    # the median of x, y and -x - y, which falls in three directions and rises in three
    first = [[1, -1], [-1, 1], [1, 2], [-1, -2]]
    second = [[-1, 1, 0, 1], [1, -1, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    median = Network.from_layers([first, second, [[-1, 1, "-4/3", "4/3", "-2/3", "2/3"]]])
    assert [median.evaluate(point)[0] for point in ((1, 5), (-4, 1), (3, -5))] == [1, 1, 2]
    (saddle,) = critical_points(median)
    assert (saddle.kind, saddle.index, saddle.betti, saddle.euler) == ("degenerate", None, (0, 2, 0), -2)
    folds = [[1, 0], [-1, 0], [1, 1], [-1, -1], [0, 1], [0, -1]]
    (corner,) = critical_points(Network.from_layers([folds, [[1, 1, -1, -1, 1, 1]]]))  # |x| + |y| - |x + y| >= 0
    assert (corner.kind, corner.level, corner.index, corner.euler) == ("flat", 0, 0, 1)


@pytest.mark.parametrize("family", FAMILIES)
def test_sum_of_indices_is_the_change_of_the_naive_euler_characteristic(family: str) -> None:
    for entry in small(family, 2, 8):
        network = network_of(entry)
        found = critical_points(network)
        ends = sorted({point.level for point in found})
        levels = [ends[0] - 1, *[(a + b) / 2 for a, b in pairwise(ends)][:1], ends[-1] + 1] if ends else []
        for level in levels:
            naive = naive_euler(entry["weights"], entry["biases"], Fraction(int(level.p), int(level.q)))
            assert naive == 1 - sum(p.euler for p in found if p.level > level)


def naive_euler(weights: list, biases: list, level: Fraction) -> int:
    """The Euler characteristic of {f <= level} by its bounded faces, on inputs across the lineality, by the oracle."""
    dim = len(weights[0][0])
    for size in range(dim, 0, -1):
        for chosen in combinations(range(dim), size):
            first = [[row[j] for j in chosen] for row in weights[0]]
            *stages, outputs = plain([first, *weights[1:]], biases)
            (row, bias) = outputs[0]
            faces = naive_faces.faces([*stages, [(row, bias - level)]], size)
            if min(found for found, _ in faces.values()) == 0:
                return sum((-1) ** found for signs, (found, bounded) in faces.items() if signs[-1] <= 0 and bounded)
    raise AssertionError("no inputs are across the lineality")


@pytest.mark.parametrize("entry", [e for e in SMALL if len(e["weights"][0][0]) <= 3][::5], ids=lambda e: e["name"])
@pytest.mark.parametrize("boxed", [False, True])
def test_critical_vertices_agree_with_naive_lower_links(entry: dict, boxed: bool) -> None:
    network = network_of(entry)
    n = network.input_dim
    domain = Polyhedron.box([-1] * n, [2] * n) if boxed else None
    found = {p.point: p for p in critical_points(network, 0, domain, "2") if p.kind != "flat"}
    faces = face_complex(network, domain)
    if faces.lineality:
        return
    facets = dict(enumerate(faces.facets))
    for vertex in faces.faces(0):
        level = network.evaluate(vertex.point)[0]
        star, flat = [], False
        for face in faces.faces():
            if face.dimension and vertex.point in face.vertices:
                vertices, rays = faces.generators(face.number)
                values = [network.evaluate(end)[0] for end in vertices]
                inside = network.evaluate(_near(vertex.point, faces.point(face.number)))[0]
                flat |= face.dimension == 1 and inside == level
                if min([inside, *values]) < level or _falls(network, vertex.point, rays, level):
                    star.append(face.number)
        if flat:
            continue
        link = order_complex_betti(facets, star, n)
        expected = (int(not star), link[0] - 1 if star else 0, *link[1:n])
        point = found.pop(vertex.point, None)
        assert (point.betti if point else (0,) * (n + 1)) == expected
        assert point is None or (point.kind == "critical") == (sum(expected) == 1)
    assert not found


def _near(vertex: tuple, inside: tuple) -> tuple:
    return tuple(v + (p - v) / 1024 for v, p in zip(vertex, inside, strict=True))


def _falls(network: Network, vertex: tuple, rays: list, level: fmpq) -> bool:
    """Whether the output falls along a ray from a vertex."""
    return any(network.evaluate([v + r / 2**40 for v, r in zip(vertex, ray, strict=True)])[0] < level for ray in rays)


def test_fields_of_a_point() -> None:
    (point,) = critical_points(TENT)
    assert point == CriticalPoint("critical", fmpq(0), (fmpq(0),), 1, (0, 1), -1, (1, 0))
