"""Persistence of sublevel sets: known shapes, and the Betti numbers of sublevel sets at levels in between."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from flint import fmpq

from nn_bridge.cells.cuts import with_level
from nn_bridge.cells.faces import FaceComplex, face_complex
from nn_bridge.network.network import Network
from nn_bridge.topology.filtration import persistent_pairs
from nn_bridge.topology.persistence import (
    PersistencePair,
    squared_distance,
    sublevel_persistence,
    vertex_persistence,
)
from nn_bridge.topology.sets import closed_set, open_set, whole_complex
from polyhedra.polyhedron import Polyhedron
from tests.families import network_of
from tests.nn_bridge.topology.test_sets import ANNULUS, OCTAHEDRON, SMALL, STRIP, TENT, the_set
from tests.oracles.naive_homology import persistent_ranks


def pairs(network: Network, domain: Polyhedron | None = None, field: str = "Q") -> list[tuple]:
    """The pairs as tuples."""
    return [(pair.dimension, pair.birth, pair.death) for pair in sublevel_persistence(network, 0, domain, field)]


def test_known_shapes() -> None:
    assert pairs(TENT) == [(0, None, 0), (0, None, None)]
    assert pairs(STRIP) == [(0, 0, None)]
    assert pairs(OCTAHEDRON, None, "2") == [(0, 0, None)]
    # the outside from the start, the inner square at -1; at 1/2 the ridge joins them and fills the hole of the outside
    assert pairs(ANNULUS) == [(0, None, None), (0, -1, fmpq(1, 2)), (1, None, fmpq(1, 2))]
    # in this box the outside is a ring, from -2 on
    box = Polyhedron.box([-4, -4], [4, 4])
    assert pairs(ANNULUS, box) == [(0, -2, None), (0, -1, fmpq(1, 2)), (1, -2, fmpq(1, 2))]
    upside_down = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[-1] * 4]])
    assert pairs(upside_down) == [(0, None, None), (1, None, 0)]


@pytest.mark.parametrize("entry", SMALL[::2], ids=lambda e: e["name"])
@pytest.mark.parametrize("boxed", [False, True])
def test_betti_numbers_between_the_ends_agree(entry: dict, boxed: bool) -> None:
    network = network_of(entry)
    n = network.input_dim
    domain = Polyhedron.box([-1] * n, [2] * n) if boxed else None
    found = pairs(network, domain)
    assert found == pairs(network, domain, "2") or n > 3
    ends = sorted({value for _, *both in found for value in both if value is not None})
    between = [(a + b) / 2 for a, b in pairwise(ends)]
    levels = [ends[0] - 1, *between, ends[-1] + 1] if ends else [fmpq(0)]
    for level in levels[:2] + levels[-2:]:
        alive = [0] * (n + 1)
        for dimension, birth, death in found:
            alive[dimension] += (birth is None or birth < level) and (death is None or level < death)
        assert the_set(network, "open below", level, domain).homology.rational == tuple(alive)
        assert the_set(network, "below", level, domain).homology.rational == tuple(alive)


def ranks_of(found: list[PersistencePair], first: fmpq, last: fmpq, degrees: int) -> tuple[int, ...]:
    """How many classes of each degree live from before the first level to behind the last."""
    alive = [0] * (degrees + 1)
    for pair in found:
        alive[pair.dimension] += (pair.birth is None or pair.birth < first) and (
            pair.death is None or pair.death >= last
        )
    return tuple(alive)


PLANAR = [entry for entry in SMALL if len(entry["weights"][0][0]) == 2][::4]


@pytest.mark.parametrize("entry", PLANAR, ids=lambda e: e["name"])
def test_ranks_between_sublevel_sets_agree_with_naive_ones(entry: dict) -> None:
    network = network_of(entry)
    found = sublevel_persistence(network, 0, None, "2")
    faces = face_complex(with_level(network, 0, fmpq(0)))  # any cut leaves the sets of faces open
    ends = sorted({value for pair in found for value in (pair.birth, pair.death) if value is not None})
    levels = [ends[0] - 1, *[(a + b) / 2 for a, b in pairwise(ends)], ends[-1] + 1] if ends else [fmpq(0)]
    levels = levels[:2] + levels[2:][-2:]
    facets = dict(enumerate(faces.facets))
    members = {level: _naively_below(faces, network, level) for level in levels}
    for first, last in [*combinations(levels, 2), *zip(levels, levels, strict=True)]:
        naive = persistent_ranks(facets, members[first], members[last], 2)
        assert ranks_of(found, first, last, 2) == naive


def _naively_below(faces: FaceComplex, network: Network, level: fmpq) -> set[int]:
    """The faces whose closures have a point with an output below a level: a vertex, or far out on a ray."""
    found = set()
    for face in range(len(faces)):
        vertices, rays = faces.generators(face)
        inside = faces.point(face)
        far = [tuple(x + 2**60 * v for x, v in zip(inside, ray, strict=True)) for ray in rays]
        if any(network.evaluate(point)[0] < level for point in [*vertices, inside, *far]):
            found.add(face)
    return found


@pytest.mark.parametrize("entry", PLANAR[::2], ids=lambda e: e["name"])
def test_vertex_values_agree_with_naive_ranks(entry: dict) -> None:
    network = network_of(entry)
    points = [(fmpq(0), fmpq(0)), (fmpq(1, 3), fmpq(-2))]
    for members in (whole_complex(face_complex(network)), the_set(network, "above")):
        faces = members.complex
        found = vertex_persistence(members, squared_distance(points), "2")
        assert found == vertex_persistence(members, squared_distance(points))  # no torsion in the plane
        bounded = [face for face in members.members if not faces.unbounded[face]]
        nearest = {
            v: min((v[0] - p[0]) ** 2 + (v[1] - p[1]) ** 2 for p in points)
            for v in {v for face in bounded for v in faces.vertices(face)}
        }
        ends = sorted(set(nearest.values()))
        levels = [ends[0] - 1, *[(a + b) / 2 for a, b in pairwise(ends)], ends[-1] + 1]
        levels = levels[:2] + levels[2:][-2:]
        facets = dict(enumerate(faces.facets))
        chosen = {
            level: {face for face in bounded if all(nearest[v] < level for v in faces.vertices(face))}
            for level in levels
        }
        for first, last in [*combinations(levels, 2), *zip(levels, levels, strict=True)]:
            assert ranks_of(found, first, last, 2) == persistent_ranks(facets, chosen[first], chosen[last], 2)


def test_values_at_vertices_of_a_user() -> None:
    ring = the_set(ANNULUS, "above")
    # the square annulus around 0 with |x|, |y| between 1 and 2: the four corners on the inside come last
    found = vertex_persistence(ring, lambda point: 5 - max(map(abs, point)))
    assert [(pair.dimension, pair.birth, pair.death) for pair in found] == [(0, 3, None), (1, 3, None)]
    far = vertex_persistence(ring, squared_distance([(fmpq(2), fmpq(2))]))
    assert far[0] == PersistencePair(0, fmpq(0), None)
    assert [pair.dimension for pair in far if pair.death is None] == [0, 1]
    assert all(isinstance(pair.birth, fmpq) for pair in far)
    with pytest.raises(ValueError, match="closed"):
        vertex_persistence(open_set(ring.complex, lambda face: False), lambda point: fmpq(0))
    assert vertex_persistence(closed_set(ring.complex, lambda face: False), lambda point: fmpq(0)) == []


def test_outputs_that_run_along_the_lines_of_all_cells() -> None:
    leaning = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[-1, -1, 1, -1]]])  # y - |x|, in three inputs
    flat = Network.from_layers([[[1, 0], [-1, 0]], [[-1, -1]]])
    assert pairs(leaning)[0] == (0, None, None)
    assert pairs(flat) == [(0, None, 0), (0, None, None)]
    affine = Network.from_layers([[[1, 2]]])
    assert pairs(affine) == [(0, None, None)]
    assert pairs(Network.from_layers([[[0, 0]]], [[7]])) == [(0, 7, None)]


def test_pivots_that_are_not_one_are_divided_exactly() -> None:
    # a disk attached twice around a circle, then one attached once
    boundary = {0: {}, 1: {}, 2: {1: 2}, 3: {1: 1}, 4: {2: 1, 3: -2}}
    degrees = {0: 0, 1: 1, 2: 2, 3: 2, 4: 3}
    assert persistent_pairs(range(5), degrees, boundary, "Q") == [(0, None), (1, 2), (3, 4)]
    assert persistent_pairs([0, 1, 2, 3], degrees, {k: boundary[k] for k in range(4)}, "Q") == [
        (0, None),
        (1, 2),
        (3, None),
    ]
