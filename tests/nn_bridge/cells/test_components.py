"""Components of the cells with one map, found by their patterns, against a dictionary."""

from collections import Counter

import numpy as np
import pytest

from nn_bridge.cells.components import Components


def components_twin(patterns, neighbours, labels, last_stage):
    """The component of each cell, by a dictionary of patterns."""
    parent = list(range(len(labels)))

    def root(k):
        while parent[k] != k:
            k = parent[k]
        return k

    known = {}
    for cell, (pattern, units) in enumerate(zip(patterns, neighbours, strict=True)):
        for i in range(64 * len(pattern)):
            if not (int(units[i // 64]) | int(last_stage[i // 64])) >> i % 64 & 1:
                continue
            behind = pattern.copy()
            behind[i // 64] ^= np.uint64(1 << i % 64)
            other = known.get((int(labels[cell]), behind.tobytes()))
            if other is not None:
                parent[max(root(cell), root(other))] = min(root(cell), root(other))
        known[int(labels[cell]), pattern.tobytes()] = cell
    return [root(k) for k in range(len(labels))]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("maps", [1, 7, 60])
def test_components_as_a_dictionary_finds_them(width, maps):
    """Few maps with many cells, found by the table, and many with few."""
    rng = np.random.default_rng(10 * width + maps)
    bits = 8 if width == 1 else 5
    chosen = rng.permutation(1 << bits * width)[: 200 if width == 1 else 700]
    words = [(chosen >> bits * c & (1 << bits) - 1) << 59 * c for c in range(width)]
    patterns = np.stack(words, axis=1).astype(np.uint64)
    neighbours = rng.integers(0, 1 << 63, patterns.shape).astype(np.uint64)
    labels = np.where(rng.random(len(patterns)) < 0.5, 0, rng.integers(0, maps, len(patterns)))
    last_stage = np.array([1] * width, np.uint64)
    found = Components(last_stage)
    for at in range(0, len(patterns), 90):
        part = slice(at, at + 90)
        found.add(patterns[part], neighbours[part], labels[part], maps)
    expected = components_twin(patterns, neighbours, labels, last_stage)
    assert [len({expected[k] for k in np.flatnonzero(labels == m)}) for m in range(maps)] == found.pieces.tolist()
    outside = set(found.outside_largest().tolist())
    for own in range(maps):
        cells = np.flatnonzero(labels == own).tolist()
        sizes = Counter(expected[k] for k in cells)
        left = {k for k in cells if k not in outside}
        assert len({expected[k] for k in left}) <= 1
        assert not cells or len(left) == max(sizes.values())
    # all units told of these cells alone say as much as all units told of all cells
    chosen = found.outside_largest()
    everything = np.full_like(patterns, ~np.uint64(0))
    assert found.join_again(chosen, patterns[chosen], everything[chosen]) == len(chosen)
    expected = components_twin(patterns, everything, labels, last_stage)
    pieces = [len({expected[k] for k in np.flatnonzero(labels == m)}) for m in range(maps)]
    assert found.pieces.tolist() == pieces
    unknown = np.full((1, width), 1 << 62, np.uint64)
    assert found.join_again(chosen, unknown, everything[:1]) == 0
