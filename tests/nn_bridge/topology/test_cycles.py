"""Cycles around holes are cycles, lie in the set, and are a basis of homology by naive order complexes; torsion."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from nn_bridge.topology.sets import FaceSet
from polyhedra.polyhedron import Polyhedron
from tests.families import network_of
from tests.nn_bridge.topology.test_sets import ANNULUS, OCTAHEDRON, SMALL, the_set
from tests.oracles.naive_homology import chains, rank_modulo_two


def assert_boundary_cancels(simplices: list[tuple[int, tuple]], modulus: int | None) -> None:
    total: dict[tuple, int] = {}
    for coefficient, corners in simplices:
        for place in range(len(corners)):
            side = corners[:place] + corners[place + 1 :]
            total[side] = total.get(side, 0) + (-1) ** place * coefficient
    assert not any(value % modulus if modulus else value for value in total.values())


def assert_basis(found: FaceSet, betti: tuple[int, ...]) -> None:
    """The cycles modulo 2 are independent modulo boundaries of the order complex, and as many as there are holes."""
    simplices = chains(dict(enumerate(found.complex.facets)), found.members)
    cycles = found.flag_cycles("2")
    for degree in range(1, found.complex.dim + 1):
        own = [set(flags) for number, flags in cycles if number == degree]
        assert len(own) == betti[degree]
        assert all(flag in simplices for flags in own for flag in flags)
        bounding = [{s[:i] + s[i + 1 :] for i in range(len(s))} for s in simplices if len(s) == degree + 2]
        assert rank_modulo_two([*bounding, *own]) == rank_modulo_two(bounding) + len(own)


@pytest.mark.parametrize("name", ["above", "open above", "level", "below", "open below"])
def test_cycles_of_the_annulus(name: str) -> None:
    found = the_set(ANNULUS, name)
    cycles = found.cycles()
    assert [cycle.dimension for cycle in cycles] == [1] * found.homology.rational[1]
    condition = {"above": (0, 1), "open above": (1,), "level": (0,), "below": (0, -1), "open below": (-1,)}[name]
    for cycle in cycles:
        assert_boundary_cancels(list(cycle.simplices), None)
        for _, (one, two) in cycle.simplices:
            for share in (0, fmpq(1, 3), 1):
                value = ANNULUS.evaluate([a + share * (b - a) for a, b in zip(one, two, strict=True)])[0]
                assert (value > 0) - (value < 0) in condition
    assert_basis(found, found.homology.modulo_two)


def test_spheres_in_three_inputs() -> None:
    for name in ("level", "above", "open above"):
        (cycle,) = the_set(OCTAHEDRON, name, 1).cycles()
        assert cycle.dimension == 2
        assert all(len(corners) == 3 for _, corners in cycle.simplices)
        assert_boundary_cancels(list(cycle.simplices), None)


@pytest.mark.parametrize("entry", [e for e in SMALL if len(e["weights"][0][0]) < 4][::2], ids=lambda e: e["name"])
def test_cycles_are_a_basis(entry: dict) -> None:
    network = network_of(entry)
    for name in ("above", "open above", "level", "open below"):
        found = the_set(network, name)
        assert_basis(found, found.homology.modulo_two)
        for field, modulus in (("Q", None), ("2", 2)):
            for _, flags in found.flag_cycles(field):
                assert_boundary_cancels([(value, flag) for flag, value in flags.items()], modulus)


def projective_plane() -> tuple[Network, Polyhedron]:
    """A function on a simplex that vanishes on a projective plane of ten of its triangles, and is positive elsewhere.

    Of the 20 triples of six vertices ten are triangles of the plane; the function is the sum over the others of the
    least barycentric coordinate, min(a, b, c) = m - max(0, m - c) with m = min(a, b) = a - max(0, a - b).
    """
    triangles = {(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 5), (0, 1, 5)}
    triangles |= {(1, 2, 4), (2, 3, 5), (1, 3, 4), (2, 4, 5), (1, 3, 5)}
    forms = [([int(i == j) for j in range(5)], 0) for i in range(5)] + [([-1] * 5, 1)]
    others = [triple for triple in combinations(range(6), 3) if triple not in triangles]
    assert len(others) == 10
    pairs = sorted({triple[:2] for triple in others})

    def less(i: int, j: int) -> tuple[list[int], int]:
        return [a - b for a, b in zip(forms[i][0], forms[j][0], strict=True)], forms[i][1] - forms[j][1]

    # the coordinates are passed on as units: they are positive on the simplex
    first = [forms[i] for i in range(6)] + [less(i, j) for i, j in pairs]
    second, bias, last = [], [], [0] * 10
    for a, b, c in others:
        row = [0] * len(first)
        row[a], row[c], row[6 + pairs.index((a, b))] = 1, -1, -1
        second.append(row)
        bias.append(0)
    second += [[int(i == j) for j in range(len(first))] for i in range(len(first))]
    last = [-1] * 10 + [0] * len(first)
    for a, b, _ in others:
        last[10 + a] += 1
        last[10 + 6 + pairs.index((a, b))] -= 1
    network = Network.from_layers(
        [[row for row, _ in first], second, [last]],
        [[constant for _, constant in first], [0] * len(second), [0]],
    )
    simplex = Polyhedron([[-int(i == j) for j in range(5)] for i in range(5)] + [[1] * 5], [0] * 5 + [1])
    return network, simplex


def test_torsion_of_a_projective_plane_in_five_inputs() -> None:
    network, simplex = projective_plane()
    for point, value in (((1, 0, 0, 0, 0), 0), (("1/3", "1/3", "1/3", 0, 0), 0), (("1/3", "1/3", 0, "1/3", 0), "1/3")):
        assert network.evaluate(point)[0] == fmpq(*map(int, str(value).split("/")))
    plane = the_set(network, "below", 0, simplex)
    assert plane.homology.rational == (1, 0, 0, 0, 0, 0)
    assert plane.homology.modulo_two == (1, 1, 1, 0, 0, 0)
    assert plane.homology.torsion == ((), (2,), (), (), (), ())
    assert plane.one_point_homology.torsion == ((), (2,), (), (), (), ())
    # an open neighbourhood of it, by cochains of all faces in the interior of the simplex
    around = the_set(network, "open below", "1/10", simplex)
    assert around.homology.rational == plane.homology.rational
    assert around.homology.modulo_two == plane.homology.modulo_two
    assert around.homology.torsion == plane.homology.torsion
    # the plane lies in the boundary of the simplex, so that its complement is contractible
    outside = the_set(network, "open above", 0, simplex)
    assert outside.homology.rational == outside.homology.modulo_two == (1, 0, 0, 0, 0, 0)


def test_pairs_of_ends_follow_one_another() -> None:
    (cycle,) = the_set(ANNULUS, "level", "1/4").cycles()[:1]
    ends: dict[tuple, int] = {}
    for coefficient, (one, two) in cycle.simplices:
        assert coefficient in (1, -1)
        for corner in (one, two):
            ends[corner] = ends.get(corner, 0) + 1
    assert set(ends.values()) == {2}
    assert all(a != b for a, b in pairwise(sorted(ends)))
