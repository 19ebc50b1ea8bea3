"""Level sets and decision boundaries alone, against those of the whole complex; eight families, most degenerate."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.cells.complex import cell_complex
from nn_bridge.cells.cuts import with_differences, with_level, with_levels
from nn_bridge.cells.faces import FaceComplex, face_complex, faces_of
from nn_bridge.cells.pieces import (
    Allowed,
    LevelPieces,
    PieceCounts,
    count_pieces,
    iterate_parts,
    level_pieces,
    misses,
)
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree, tree_counters
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from puiseux.questions.input_sets import face_set, input_set
from tests.families import ENTRIES, network_of

SMALL = [entry for entry in ENTRIES if entry["cells"] <= 60]

Key = tuple[int, int]
"""The positive units and the zeros of a face."""


def cases() -> Iterator[tuple[str, Network, Polyhedron | None, Allowed]]:
    """Small networks of all families, on R^n and on boxes, cut at levels that are often attained on whole faces."""
    for turn, entry in enumerate(SMALL[::4]):
        network = network_of(entry)
        n = network.input_dim
        domain = Polyhedron.box([-1] * n, ["1/2"] * n) if turn % 3 == 0 else None
        at = network([fmpq(turn % 5 - 2, 2)] * n)[0] if turn % 2 else fmpq(0)
        if turn % 3 == 0:  # the least or the largest value, attained at a vertex
            vertices = (vertex for cell in cell_complex(network, domain) for vertex in cell.generators.vertices)
            at = (min, max)[turn % 2](network(vertex)[0] for vertex in vertices)
        yield entry["name"], with_level(network, 0, at), domain, (((0,), (0,), (0, 1), (0, -1))[turn % 7 % 4],)


def whole(faces: FaceComplex, allowed: Allowed) -> tuple[set[Key], set[Key], set[Key]]:
    """Pieces, flat cells and touching faces, from all faces of the whole complex."""
    last = len(faces.cells.network.hidden) - 1
    inside = {
        face
        for face in range(len(faces))
        if all(faces.unit_sign(face, last, unit) in signs for unit, signs in enumerate(allowed))
    }
    above = {facet for face in inside for facet in faces.facets[face]}
    key = {face: (faces.positive[face], faces.zeros[face]) for face in inside}
    top = faces.dim
    return (
        {key[face] for face in inside if faces.dimensions[face] == top - 1},
        {key[face] for face in inside if faces.dimensions[face] == top},
        {key[face] for face in inside if faces.dimensions[face] < top - 1 and face not in above},
    )


def alone(found: LevelPieces) -> tuple[set[Key], set[Key], set[Key]]:
    """The same of the pieces."""
    faces = faces_of(found.cells)
    cells = found.cells
    by_carrier = {carrier: face for face, carrier in enumerate(faces.carriers)}

    def key(cell: int, generators: tuple[int, ...]) -> Key:
        first = cells.generator_begin[cell]
        row = cells.generator_zeros[[first + k for k in generators]]
        zeros = int.from_bytes(np.bitwise_and.reduce(row, axis=0).tobytes(), "little")
        pattern, words = 0, cells.words
        for stage, start in enumerate(faces.starts[:-1]):
            bits = cells.pattern_words[cell, stage * words : (stage + 1) * words].tobytes()
            pattern |= int.from_bytes(bits, "little") << start
        return pattern & ~zeros, zeros

    assert len(by_carrier) == len(faces)
    pieces = set()
    for number, piece in enumerate(found):
        cell = int(cells.facet_cell[found.facets[number]])
        pieces.add(key(cell, piece.generators))
    flat = {key(cell, tuple(range(int(np.diff(cells.generator_begin)[cell])))) for cell in found.flat.tolist()}
    return pieces, flat, {key(*place) for place in found.touching}


def streamed(cut: Network, domain: Polyhedron | None, allowed: Allowed) -> tuple[set[Key], set[Key], set[Key]]:
    """The same of the parts that come one after another, each of them once."""
    found: dict[str, set[Key]] = {"piece": set(), "flat": set(), "touching": set()}
    for part in iterate_parts(cut, domain, allowed):
        zeros, pattern, place = -1, 0, 0
        for k in part.generators:
            zeros &= part.cell._generator_zeros[k][1]
        for bits, size in zip(part.cell.active, cut.hidden, strict=True):
            pattern |= bits << place
            place += 64 * -(-size // 64)
        key = pattern & ~zeros, zeros
        assert key not in found[part.kind]
        found[part.kind].add(key)
    return found["piece"], found["flat"], found["touching"]


def test_the_pieces_are_those_of_the_whole_complex() -> None:
    families, kinds = set(), np.zeros(3, int)
    for name, cut, domain, allowed in cases():
        families.add(name.split("_")[0])
        found = level_pieces(cut, domain, allowed)
        wanted = whole(face_complex(cut, domain), allowed)
        assert found.counts == PieceCounts(*map(len, wanted)), name
        if found.cells.problem is not None:
            assert alone(found) == streamed(cut, domain, allowed) == wanted, name
        assert count_pieces(cut, domain, allowed) == found.counts
        kinds += [bool(part) for part in wanted]
    assert len(families) == 8
    assert (kinds > 2).all()  # each kind was met


def test_boundaries_between_classes_are_those_of_the_whole_complex() -> None:
    rng = np.random.default_rng(3)
    for turn in range(12):
        n, k = 2 + turn % 2, 3
        weights = [rng.integers(-2, 3, shape).tolist() for shape in ((4, n), (3, 4), (k, 3))]
        network = Network.from_layers(weights, [[int(b) for b in rng.integers(-1, 2, len(w))] for w in weights])
        cut = with_differences(network, 0)
        for allowed in (((0,), (0, 1)), ((0, 1), (0,)), ((0, 1), (0, 1))):
            found = level_pieces(cut, None, allowed)
            wanted = whole(face_complex(cut), allowed)
            assert found.counts == PieceCounts(*map(len, wanted))
            if found.cells.problem is not None:
                assert alone(found) == streamed(cut, None, allowed) == wanted
            assert count_pieces(cut, None, allowed) == found.counts


def random_network(sizes: tuple[int, ...], seed: int) -> Network:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [rng.normal(size=b) / 2 for b in sizes[1:]])


@pytest.mark.parametrize(("sizes", "boxed"), [((2, 16, 16, 1), True), ((3, 10, 8, 6, 1), True), ((4, 9, 9, 1), False)])
def test_leaves_are_those_that_meet_the_level_and_subtrees_are_left_out(sizes: tuple[int, ...], boxed: bool) -> None:
    network = random_network(sizes, 5)
    domain = Polyhedron.box([-1] * sizes[0], [1] * sizes[0]) if boxed else None
    middle = network([0] * sizes[0])[0]
    cut = with_level(network, 0, middle)
    every = cell_complex(cut, domain)
    bit = every.generator_zeros[:, sum(-(-size // 64) for size in network.hidden)] & np.uint64(1)
    touched = np.unique(
        np.repeat(np.arange(len(every)), np.diff(every.generator_begin))[(bit == 1) & ~every.generator_ray]
    )
    problem = cell_problem(cut, domain)
    assert problem is not None
    tree = CellTree(problem, PATTERNS, leave_out=misses(((0,),)))
    patterns = np.concatenate([leaves.patterns for leaves in tree.run()])
    assert sorted(map(bytes, patterns)) == sorted(map(bytes, every.pattern_words[touched]))
    assert tree.left_out > 0
    assert tree_counters(tree)["splits"] < len(every) - 1  # a split for each leaf but one, without bounds


def test_the_plain_engine_leaves_out_the_same_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = list(cases())[::10]
    compiled = [level_pieces(cut, domain, allowed) for _, cut, domain, allowed in chosen]
    monkeypatch.setenv("PUISEUX_PURE", "1")
    for (name, cut, domain, allowed), one in zip(chosen, compiled, strict=True):
        plain = level_pieces(cut, domain, allowed)
        assert plain.counts == one.counts, name
        if plain.cells.problem is not None:
            assert alone(plain) == streamed(cut, domain, allowed), name
        assert sorted(map(bytes, plain.cells.pattern_words)) == sorted(map(bytes, one.cells.pattern_words)), name


def test_pieces_of_a_diamond_exactly() -> None:
    diamond = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]]], [["1/9"] * 4, [-1]])
    found = level_pieces(with_level(diamond, 0, fmpq(0)), None, ((0,),))
    assert len(found) == 8
    assert all(piece.bounded and len(piece.vertices) == 2 for piece in found)
    for piece in found:
        for vertex in piece.vertices:
            assert diamond(vertex) == (0,)
            assert piece.polyhedron.contains(vertex)
    total = {vertex for piece in found for vertex in piece.vertices}
    assert len(total) == 8  # closed: each vertex is met twice


def test_faces_that_only_touch_and_flat_cells_are_told_apart() -> None:
    valley = Network.from_layers([[[1, 0], [-1, 0]], [[1, 1]]])  # |x|, at its least level on a line
    assert level_pieces(with_level(valley, 0, fmpq(0)), None, ((0,),)).counts == (1, 0, 0)
    cone = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]]])
    found = level_pieces(with_level(cone, 0, fmpq(0)), None, ((0,),))
    assert found.counts == (0, 0, 1)
    assert list(found.touching_vertices()) == [((0, 0),)]
    ramp = Network.from_layers([[[1, 0]], [[1]]])  # max(x, 0), flat on one side
    found = level_pieces(with_level(ramp, 0, fmpq(0)), None, ((0,),))
    assert found.counts == (1, 1, 0)
    assert [cell.pattern_text for cell in found.flat_cells()] == ["0|0"]
    constant = Network.from_layers([[[0, 0]], [[1]]], [[-1], [3]])
    assert level_pieces(with_level(constant, 0, fmpq(3)), None, ((0,),)).counts == (0, 1, 0)
    assert [part.kind for part in iterate_parts(with_level(constant, 0, fmpq(3)), None, ((0,),))] == ["flat"]
    assert level_pieces(with_level(constant, 0, fmpq(2)), None, ((0,),)).counts == (0, 0, 0)
    assert level_pieces(with_levels(cone), Polyhedron.box([1, 1], [2, 2]), ((0,),)).counts == (0, 0, 0)


@pytest.mark.parametrize(
    ("which", "is_open"), [("above", False), ("below", False), ("level", False), ("above", True), ("below", True)]
)
def test_the_part_has_the_topology_of_the_set(which: str, is_open: bool) -> None:
    for turn, entry in enumerate(SMALL[2::29]):
        network = network_of(entry)
        domain = Polyhedron.box([-1] * network.input_dim, [1] * network.input_dim) if turn % 2 else None
        question = input_set(network, 0, "1/2", which, is_open, None, None)
        part, every = (face_set(network, domain, question, part=on) for on in (True, False))
        assert part.f_vector == every.f_vector
        assert part.homology == every.homology
        assert part.one_point_homology == every.one_point_homology
        assert part.component_points() == every.component_points()
        assert len(part.complex) <= len(every.complex)
        assert [cycle.dimension for cycle in part.cycles()] == [cycle.dimension for cycle in every.cycles()]
