"""Cells of maps in several pieces, joined by all their faces, against dictionaries."""

import numpy as np
import pytest

from nn_bridge.cells import _core as kernels


def united_plainly(component, one, other):
    """The components after one and another node have been united."""
    return [component[other] if c == component[one] else c for c in component]


def pieces_plainly(maps, facets, points):
    """How many pieces the cells of all maps are in: by facets, which two cells have, and by facets and points."""
    by_facet = list(range(len(maps)))
    bearer = {}
    for key, cell in facets:
        if key not in bearer:
            bearer[key] = cell
        elif maps[other := bearer.pop(key)] == maps[cell]:
            by_facet = united_plainly(by_facet, other, cell)
    by_point = by_facet
    bearers = {}
    for key, cell in points:
        other = bearers.setdefault((key, maps[cell]), cell)
        by_point = united_plainly(by_point, other, cell)
    return len(set(by_facet)), len(set(by_point))


@pytest.mark.parametrize("at_once", [1, 7, 60])
@pytest.mark.parametrize("seed", range(8))
def test_whole_maps_against_a_dictionary(seed, at_once):
    """Cells of a few maps with facets that two of them have, and points that many have; patterns in two words."""
    rng = np.random.default_rng(seed)
    count = 60
    maps = rng.integers(0, 3, count)
    patterns = np.zeros((count, 2), np.uint64)  # all signs are told by what vanishes
    numbers = np.cumsum(rng.integers(1, 3, count))

    def zeros_of(keys):
        """Different sets of zeros: of 70 units, and of 3 walls."""
        return np.stack([keys % 7 << 61, keys // 7 % 5, keys // 35 + 1], axis=1).astype(np.uint64)

    facets = [(k, cell) for k in range(100) for cell in rng.permutation(count)[: rng.integers(1, 3)].tolist()]
    points = [(k, cell) for k in range(40) for cell in rng.permutation(count)[: rng.integers(1, 6)].tolist()]
    facets, points = (sorted(f, key=lambda face: face[1]) for f in (facets[: 20 + 10 * seed], points[: 5 * seed]))
    keys = kernels.WholeMaps([0, 1], [0, 64, 70, 134, 140], 3)
    for at in range(0, count, at_once):
        own = slice(at, at + at_once)
        faces = []
        for kind in (facets, points):
            here = np.array([face for face in kind if at <= face[1] < at + at_once], np.int64).reshape(-1, 2)
            faces += [numbers[here[:, 1]], zeros_of(here[:, 0])]
        keys.add(numbers[own], maps[own], patterns[own], *faces)
    assert keys.cells == count
    found = pieces_plainly(maps.tolist(), facets, points)
    assert keys.pieces() == found
    assert found[1] <= found[0] < count


def test_whole_maps_refuse_what_does_not_fit():
    one, zeros = np.zeros(1, np.int64), np.ones((1, 1), np.uint64)
    none, empty = np.zeros(0, np.int64), np.zeros((0, 1), np.uint64)
    for places, width in (([0], 1), ([0, 64], 1), ([0, 1], 0)):
        with pytest.raises(ValueError, match="do not fit"):
            kernels.WholeMaps([0], places, width)
    table = kernels.WholeMaps([0], [0, 1], 1)
    for arrays in (
        (one, none, zeros, none, empty, none, empty),
        (one, one, empty, none, empty, none, empty),
        (one, one, np.zeros((1, 0), np.uint64), none, empty, none, empty),
        (one, one, zeros, one, empty, none, empty),
        (one, one, zeros, none, empty, one, np.ones((1, 2), np.uint64)),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            table.add(*arrays)
    with pytest.raises(ValueError, match="a face of no cell"):
        table.add(one, one, zeros, one + 1, zeros, none, empty)
