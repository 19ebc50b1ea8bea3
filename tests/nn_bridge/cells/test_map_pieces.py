"""Maps in several pieces, joined by the faces of all cells but those in the largest, against the definitions."""

from collections import Counter

import numpy as np
import pytest

from nn_bridge.cells import _core as kernels
from tests.nn_bridge.cells.test_components import cells_of_few_bits, components_twin, numbers_of


def table_of(patterns, labels, covers=()):
    """Cells of two stages of 64 and of 10 units, the second one unread, of which those of one map have one label."""
    found = kernels.Components(numbers_of([64, 10]), 1, 1 << 31)
    found.cover(covers)
    found.add(patterns, labels.astype(np.uint64), None)
    return found


def random_cells(seed, maps):
    """Different patterns, the numbers of their maps, and the components that the unread stage makes of them."""
    rng = np.random.default_rng(seed)
    patterns = cells_of_few_bits(2, 200, rng)
    patterns[:, 1] = patterns[:, 1] & np.uint64(7) | patterns[:, 1] >> np.uint64(59) << np.uint64(5)
    patterns = np.unique(patterns, axis=0)
    rng.shuffle(patterns)
    labels = rng.integers(0, maps, len(patterns))
    last_stage = np.zeros_like(patterns) | np.array([0, 1023], np.uint64)
    return rng, patterns, labels, components_twin(patterns, last_stage, labels)


def united(classes, labels, patterns, cell, zeros):
    """The classes after a cell has been joined to all of its map that differ from it in some units alone."""
    beyond = ((patterns ^ patterns[cell]) & ~zeros == 0).all(axis=1) & (labels == labels[cell])
    for other in np.flatnonzero(beyond).tolist():
        old, new = classes[other], classes[cell]
        classes = [new if own == old else own for own in classes]
    return classes


@pytest.mark.parametrize("at_once", [1, 7, 500])
@pytest.mark.parametrize("maps", [1, 20, 80])
@pytest.mark.parametrize("seed", range(3))
def test_pieces_against_definitions(seed, maps, at_once):
    """Facets, some of them in walls, and points, of all cells: those of cells that were not chosen say nothing."""
    rng, patterns, labels, classes = random_cells(seed, maps)
    found = table_of(patterns, labels)
    pieces = kernels.MapPieces(found)
    of_map = {m: Counter(classes[k] for k in np.flatnonzero(labels == m)) for m in set(labels.tolist())}
    divided = {m for m, own in of_map.items() if len(own) > 1}
    chosen = pieces.outside()
    assert pieces.cells == sum(of_map[m].total() for m in divided)
    for m in of_map:
        inside = Counter(classes[k] for k in np.flatnonzero(labels == m) if k not in chosen)
        assert len(inside) == 1
        assert inside.total() == max(of_map[m].values())
    assert pieces.most == max((of_map[m].total() for m in divided), default=0)
    found.choose(chosen)
    by_facet = by_point = classes
    rows = {kind: np.sort(rng.integers(0, len(patterns), 60)) for kind in "fp"}
    zeros = {kind: (rng.random((60, 192)) < 0.08) for kind in "fp"}
    words = {
        k: np.packbits(z, axis=1, bitorder="little").view(np.uint64) & np.array([2**64 - 1, 1023, 1], np.uint64)
        for k, z in zeros.items()
    }
    known = 0
    for at in range(0, len(patterns), at_once):
        own = slice(at, min(at + at_once, len(patterns)))
        faces = []
        for kind in "fp":
            here = (rows[kind] >= own.start) & (rows[kind] < own.stop)
            faces += [7 + 3 * rows[kind][here], words[kind][here]]
        known += pieces.add(7 + 3 * np.arange(own.start, own.stop), patterns[own], *faces)
    assert known == len(chosen)
    for row, (*units, walls) in zip(rows["f"].tolist(), words["f"], strict=True):
        if row in chosen and not walls:
            by_facet = united(by_facet, labels, patterns, row, np.array(units, np.uint64))
    by_point = by_facet
    for row, (*units, _) in zip(rows["p"].tolist(), words["p"], strict=True):
        if row in chosen:
            by_point = united(by_point, labels, patterns, row, np.array(units, np.uint64))
    expected = [len({own[k] for k in range(len(labels)) if labels[k] in divided}) for own in (by_facet, by_point)]
    assert list(pieces.pieces()) == expected
    if maps == 1:
        assert expected[1] < expected[0] < len(of_map[0])


def test_cells_that_others_stand_for_are_compared_too():
    """With units that others cover: patterns are those of the cells, whatever stands for them in the table."""
    patterns = np.array(
        [[0b01, 1], [0b00, 1], [0b100, 0]], np.uint64
    )  # unit 0 of the second stage covers unit 0 of the first
    found = table_of(patterns, np.zeros(3), [(1, 0, 0, 0)])
    assert found.pieces().tolist() == [2]
    pieces = kernels.MapPieces(found)
    assert pieces.outside().tolist() == [2]
    found.choose(pieces.outside())
    nothing = np.zeros(0, np.int64), np.zeros((0, 2), np.uint64)
    point = np.array([0]), np.array([[0b101, 1]], np.uint64)
    assert pieces.add(np.array([0]), patterns[2:], *nothing, *point) == 1
    assert pieces.pieces() == (2, 1)


def test_pieces_refuse_what_does_not_fit():
    _, patterns, labels, _ = random_cells(0, 1)
    pieces = kernels.MapPieces(table_of(patterns, labels))
    numbers, cells, zeros = np.arange(3), np.zeros(2, np.int64), np.zeros((2, 2), np.uint64)
    for arguments in (
        (numbers[:2], patterns[:3], cells, zeros, cells, zeros),
        (numbers, patterns[:3, :1].copy(), cells, zeros, cells, zeros),
        (numbers, patterns[:3], cells[:1], zeros, cells, zeros),
        (numbers, patterns[:3], cells, zeros[:, :1].copy(), cells, zeros[:, :1].copy()),
        (numbers, patterns[:3], cells, np.zeros((2, 3), np.uint64), cells, zeros),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            pieces.add(*arguments)
    for where in ([0, 3], [1, 0]):
        with pytest.raises(ValueError, match="a face of no cell"):
            pieces.add(numbers, patterns[:3], np.array(where), zeros, cells, zeros)
