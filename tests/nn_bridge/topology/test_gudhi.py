"""Persistence by GUDHI, another program: the same pairs, from chains of faces of bounded complexes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from flint import fmpq

from nn_bridge.cells.cuts import with_level
from nn_bridge.cells.faces import FaceComplex, face_complex
from nn_bridge.topology.persistence import sublevel_persistence, vertex_persistence
from nn_bridge.topology.sets import whole_complex
from polyhedra.polyhedron import Polyhedron
from tests.families import network_of
from tests.nn_bridge.topology.test_sets import ANNULUS, SMALL

gudhi: Any = pytest.importorskip("gudhi", reason="GUDHI is not installed")

FEW = [entry for entry in SMALL if len(entry["weights"][0][0]) <= 3][::9]


def by_gudhi(faces: FaceComplex, tops: list[fmpq], field: int) -> list[tuple[int, fmpq, fmpq | None]]:
    """The pairs of the barycentric subdivision in which a chain of faces enters with the value of its largest face.

    Values go in as their ranks, so that nothing is rounded.
    """
    ranks = {value: rank for rank, value in enumerate(sorted(set(tops)))}
    values = sorted(ranks)
    below: list[set[int]] = []
    for face in range(len(faces)):
        facets = faces.facets[face]
        below.append(set(facets).union(*(below[facet] for facet in facets)) if facets else set())
    tree = gudhi.SimplexTree()
    chains: list[list[tuple[int, ...]]] = []
    for face in range(len(faces)):
        own: list[tuple[int, ...]] = [(face,)]
        for smaller in below[face]:
            own += [(*chain, face) for chain in chains[smaller]]
        chains.append(own)
        for chain in own:
            tree.insert(list(chain), filtration=float(ranks[tops[face]]))
    found = []
    for degree, (birth, death) in tree.persistence(homology_coeff_field=field, min_persistence=0):
        if birth != death:
            found.append((degree, values[int(birth)], None if death == float("inf") else values[int(death)]))
    return sorted(found, key=str)


def highest(faces: FaceComplex, value: Any) -> list[fmpq]:
    """The highest value at the vertices of each face."""
    return [max(value(point) for point in faces.vertices(face)) for face in range(len(faces))]


@pytest.mark.parametrize("entry", FEW, ids=lambda e: e["name"])
def test_sublevel_sets_of_an_output(entry: dict) -> None:
    network = network_of(entry)
    box = Polyhedron.box([-1] * network.input_dim, ["3/2"] * network.input_dim)
    faces = face_complex(network, box)
    expected = by_gudhi(faces, highest(faces, lambda point: network.evaluate(point)[0]), 2)
    ours = [(pair.dimension, pair.birth, pair.death) for pair in sublevel_persistence(network, 0, box, "2")]
    assert sorted(ours, key=str) == expected


def test_values_at_vertices_of_a_ring() -> None:
    box = Polyhedron.box([-4, -4], [4, 4])
    faces = face_complex(with_level(ANNULUS, 0, fmpq(0)), box)

    def value(point: Any) -> fmpq:
        return (point[0] - 1) ** 2 + 2 * point[1]

    expected = by_gudhi(faces, highest(faces, value), 3)
    found = vertex_persistence(whole_complex(faces), value)
    assert sorted(((pair.dimension, pair.birth, pair.death) for pair in found), key=str) == expected


def test_the_comparison_would_notice() -> None:
    faces = face_complex(ANNULUS, Polyhedron.box([-4, -4], [4, 4]))
    tops = highest(faces, lambda point: ANNULUS.evaluate(point)[0])
    assert by_gudhi(faces, tops, 2) != by_gudhi(faces, [-value for value in tops], 2)
    assert len(list(combinations(range(len(faces)), 2))) > 100
