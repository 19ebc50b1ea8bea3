"""Cells with one map, joined by their patterns, against dictionaries; proofs across one unit against exact maps."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from nn_bridge.cells import _core as kernels
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.joining import Joiner
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import NEIGHBOURS, CellTree
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network


def components_twin(patterns, told, labels, without=lambda patterns: patterns):
    """The component of each cell, by a dictionary of patterns ``without`` what does not matter in them."""
    parent = list(range(len(labels)))

    def root(k):
        while parent[k] != k:
            k = parent[k]
        return k

    known = {}
    for cell, pattern in enumerate(patterns):
        beyond = [pattern]
        for i in range(64 * len(pattern)):
            if int(told[cell][i // 64]) >> i % 64 & 1:
                behind = pattern.copy()
                behind[i // 64] ^= np.uint64(1 << i % 64)
                beyond.append(behind)
        keys = [(int(labels[cell]), own.tobytes()) for own in without(np.array(beyond))]
        for key in keys:
            if (other := known.get(key)) is not None:
                parent[max(root(cell), root(other))] = min(root(cell), root(other))
        known[keys[0]] = cell
    return [root(k) for k in range(len(labels))]


def numbers_of(hidden, read=()):
    """Stages of so many units, each a constant; one output reads some units of the last one."""
    stages = [(np.arange(1, units + 1), np.zeros(units, np.int64), []) for units in hidden]
    zeros = np.zeros(len(read), np.int64)
    block = (len(hidden), np.array([0, len(read)]), np.array(read, np.int32), zeros + 1, zeros)
    return kernels.whole_numbers(1, [*stages, (np.zeros(1, np.int64), np.zeros(1, np.int64), [block])])


def cells_of_few_bits(width, count, rng):
    """Different patterns, with bits at the ends of their words."""
    bits = 8 if width == 1 else 5
    chosen = rng.permutation(1 << bits * width)[:count]
    words = [(chosen >> bits * c & (1 << bits) - 1) << 59 * c for c in range(width)]
    return np.stack(words, axis=1).astype(np.uint64)


def one_by_one(told):
    """Units told of cells as facets on which one of them vanishes: the row of each, and its unit as a pattern."""
    rows, sets = [], []
    for row, units in enumerate(told):
        for i in range(64 * len(units)):
            if int(units[i // 64]) >> i % 64 & 1:
                rows.append(row)
                sets.append([1 << i % 64 if i // 64 == c else 0 for c in range(len(units))])
    return np.array(rows, np.int64), np.array(sets, np.uint64).reshape(-1, told.shape[1])


def pieces_of(classes, labels):
    """By number of the map, which are in the order in which they come."""
    return [len({classes[k] for k in np.flatnonzero(labels == own)}) for own in dict.fromkeys(labels.tolist())]


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("maps", [1, 7, 60])
@pytest.mark.parametrize("at_once", [1, 90])
def test_components_as_a_dictionary_finds_them(width, maps, at_once):
    """Few maps with many cells, found by the table, and many with few; the last stage, unread, is one of two."""
    rng = np.random.default_rng(10 * width + maps)
    patterns = cells_of_few_bits(width, 200 if width == 1 else 700, rng)
    neighbours = rng.integers(0, 1 << 63, patterns.shape).astype(np.uint64)
    labels = np.where(rng.random(len(patterns)) < 0.5, 0, rng.integers(0, maps, len(patterns)))
    # stages of one word each; the last one's units join wherever two cells differ in one of them
    last_stage = np.array([0] * (width - 1) + [~np.uint64(0)], np.uint64)
    found = kernels.Components(numbers_of([64] * width), 1, 1 << 31)
    assert found.cells == found.maps == 0
    for at in range(0, len(patterns), at_once):
        part = slice(at, at + at_once)
        assert not len(found.add(patterns[part], labels[part].astype(np.uint64), neighbours[part]))
    assert (found.cells, found.maps) == (len(patterns), len(set(labels.tolist())))
    numbers = {own: number for number, own in enumerate(dict.fromkeys(labels.tolist()))}
    everyone = np.arange(len(patterns))
    assert found.maps_of(everyone).tolist() == [numbers[own] for own in labels.tolist()]
    assert found.firsts_of(np.arange(found.maps)).tolist() == [labels.tolist().index(own) for own in numbers]
    assert np.array_equal(found.patterns_of(everyone), patterns)
    expected = components_twin(patterns, neighbours | last_stage, labels)
    pieces = pieces_of(expected, labels)
    assert found.pieces().tolist() == pieces
    assert found.divided == sum(number > 1 for number in pieces)
    whole = [k for k, own in enumerate(labels.tolist()) if pieces[numbers[own]] > 1]
    assert found.in_pieces().tolist() == whole
    chosen = kernels.MapPieces(found).outside()
    outside = set(chosen.tolist())
    assert outside <= set(whole)
    for own in numbers:
        cells = np.flatnonzero(labels == own).tolist()
        left = {k for k in cells if k not in outside}
        assert len({expected[k] for k in left}) == 1
        assert len(left) == max(Counter(expected[k] for k in cells).values())
    # all units told of these cells alone say as much as all units told of all cells
    everything = np.full_like(patterns, ~np.uint64(0))
    assert found.join_again(np.arange(len(chosen)), patterns[chosen], *one_by_one(everything[chosen])) == 0
    found.choose(chosen)
    assert np.array_equal(found.cells_again(patterns[chosen]), chosen)
    inside = np.array([k for k in everyone if k not in outside])
    assert (found.cells_again(patterns[inside]) == -1).all()
    assert found.join_again(everyone, patterns, *one_by_one(everything)) == len(chosen)
    assert found.pieces().tolist() == pieces_of(components_twin(patterns, everything, labels), labels)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("maps", [1, 20, 150])
def test_facets_on_which_several_units_vanish(seed, maps):
    """A cell is joined to those of its map that differ in such units alone; of large maps where six at most do."""
    rng, width = np.random.default_rng(2 * maps + seed), 2
    patterns = cells_of_few_bits(width, 300, rng)
    labels = rng.integers(0, maps, len(patterns))
    found = kernels.Components(numbers_of([64] * width), 1, 1 << 31)
    found.add(patterns, labels.astype(np.uint64), None)
    last_stage = np.array([0] * (width - 1) + [~np.uint64(0)], np.uint64)
    classes = components_twin(patterns, np.zeros_like(patterns) | last_stage, labels)
    sizes = Counter(labels.tolist())
    chosen = np.flatnonzero(rng.random(len(patterns)) < 0.7)
    rows = np.sort(rng.integers(0, len(patterns), 400))
    used = [i for i in range(64 * width) if (patterns[:, i // 64] >> np.uint64(i % 64) & np.uint64(1)).any()]
    joined = skipped = 0
    sets = np.zeros((len(rows), width), np.uint64)
    for units, row in zip(sets, rows.tolist(), strict=True):
        for i in rng.choice(used, rng.integers(1, min(9, len(used))), replace=False).tolist():
            units[i // 64] |= np.uint64(1 << i % 64)
        if row not in chosen:
            continue
        if sizes[labels[row]] >= 12 and sum(int(word).bit_count() for word in units) > 6:
            skipped += 1
            continue
        beyond = ((patterns ^ patterns[row]) & ~units == 0).all(axis=1) & (labels == labels[row])
        for other in np.flatnonzero(beyond).tolist():
            old, new = classes[other], classes[row]
            joined += old != new
            classes = [new if own == old else own for own in classes]
    found.choose(chosen)
    assert found.join_again(np.arange(len(patterns)), patterns, rows, sets) == len(chosen)
    assert found.pieces().tolist() == pieces_of(classes, labels)
    assert joined > 10
    assert skipped > 10 or maps == 150


def test_units_that_outputs_read_join_nothing():
    """Two cells that differ in one unit of the last stage: of one map if nothing reads it, else told apart later."""
    for read in ([], [1]):
        found = kernels.Components(numbers_of([2], read), 1, 9)
        open_ = found.add(np.array([[0], [1], [2], [3]], np.uint64), np.array([5, 5, 5, 5], np.uint64), None)
        assert open_.tolist() == ([2, 3] if read else [])
        assert found.pieces().tolist() == [1]
        if read:
            number = found.add_map()
            found.settle(open_, np.array([number, 0]), None)
            assert found.maps_of(np.arange(4)).tolist() == [0, 0, number, 0]
            assert found.pieces().tolist() == [2, 1]


def test_numbers_that_nothing_has():
    found = kernels.Components(numbers_of([2]), 1, 3)
    patterns, residues = np.array([[0], [1]], np.uint64), np.zeros(2, np.uint64)
    found.add(patterns, residues, None)
    assert found.bytes > 0
    for call in (
        lambda: found.maps_of(np.array([2])),
        lambda: found.firsts_of(np.array([1])),
        lambda: found.patterns_of(np.array([-1])),
        lambda: found.settle(np.array([0]), np.array([1]), None),
        lambda: found.choose(np.array([7])),
    ):
        with pytest.raises(IndexError, match="there is no such"):
            call()
    for call in (
        lambda: found.add(patterns, residues[:1], None),
        lambda: found.add(patterns, residues, patterns[:1]),
        lambda: found.settle(np.array([0]), np.array([0, 0]), None),
        lambda: found.join_again(np.arange(1), patterns, np.zeros(2, np.int64), patterns),
        lambda: found.join_again(np.arange(2), patterns, np.zeros(2, np.int64), np.zeros((2, 0), np.uint64)),
        lambda: found.join_again(np.arange(2), patterns, np.zeros(1, np.int64), patterns),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            call()
    for rows in ([0, 2], [1, 0]):
        with pytest.raises(ValueError, match="a face of no cell"):
            found.join_again(np.arange(2), patterns, np.array(rows), patterns)
    with pytest.raises(ValueError, match="more units"):
        kernels.Components(numbers_of([65]), 1, 3)


def test_so_many_cells_and_no_more(monkeypatch):
    """Beyond what numbers can tell there is an error, and nothing is changed."""
    found = kernels.Components(numbers_of([2]), 1, 3)
    patterns, residues = np.array([[0], [1]], np.uint64), np.zeros(2, np.uint64)
    found.add(patterns, residues, None)
    with pytest.raises(OverflowError, match="at most 3 cells can be joined"):
        found.add(patterns ^ np.uint64(2), residues, None)
    assert found.cells == 2
    found.add(patterns[:1] ^ np.uint64(2), residues[:1], None)
    assert found.pieces().tolist() == [1]
    monkeypatch.setattr("nn_bridge.cells.joining._MOST_CELLS", 100)
    problem = cell_problem(Network.from_layers([np.eye(7), np.ones((1, 7))]))
    batches = [leaves for leaves in CellTree(problem, NEIGHBOURS).run() if len(leaves.residues)]
    with pytest.raises(NetworkError, match="at most 100 cells can be joined"):
        list(map(Joiner(problem, 1).add, batches))


def degenerate_network(seed, long):
    """Whole numbers, but for the last biases where these are to be long; some repeated and opposite units; maxima."""
    rng = np.random.default_rng(seed)
    pieces = 3 if seed % 4 == 3 else 1
    sizes = [2, *rng.integers(2, 6, 1 + seed % 3).tolist(), 1 + seed % 2]
    weights = []
    for number, (before, after) in enumerate(pairwise(sizes)):
        rows = rng.integers(-2, 3, (after * (pieces if number < len(sizes) - 2 else 1), before)).astype(float)
        if seed % 4 == 1 and number < len(sizes) - 2:
            rows[-1] = -rows[0]
        weights.append(rows)
    biases = [rng.integers(-2, 3, len(rows)).astype(float) for rows in weights]
    if long:
        biases[-1][:] = 2.0**-600
    hidden = [f"maxout:{pieces}" if pieces > 1 else "relu"] * (len(weights) - 1)
    return Network.from_layers(weights, biases, [*hidden, "linear"])


@pytest.mark.parametrize("mask", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("long", [True, False])
def test_numbers_are_those_of_exact_maps(mask, long):
    """Also where residues lie: cells with equal ones have other maps, also beside each other; all units are told.

    Numbers that are ``long`` prove nothing in the core.
    """
    proven = apart = 0
    for seed in range(24):
        problem = cell_problem(degenerate_network(seed, long))
        if problem is None:
            continue
        arrays = CoreProblem(problem)
        assert (arrays.numbers.derivative_weights() is None) == (arrays.numbers.map_weights() is None) == long
        tree = CellTree(problem, NEIGHBOURS, arrays=arrays)
        joiner = Joiner(problem, tree.words, arrays)
        batches = [leaves for leaves in tree.run() if len(leaves.residues)]
        for leaves in batches:
            told = np.full_like(leaves.neighbours, ~np.uint64(0))
            for s, size in enumerate(problem.network.hidden):
                told[:, s * tree.words : (s + 1) * tree.words] = np.uint64((1 << size) - 1)
            joiner.add(leaves._replace(residues=leaves.residues & np.uint64(mask), neighbours=told))
        assert long or mask + 1 < 2**64 or not joiner._open  # the core leaves nothing to be compared
        joiner._compare()
        patterns = np.concatenate([leaves.patterns for leaves in batches])
        numbers = joiner._cells.maps_of(np.arange(len(patterns)))
        forms = {}
        for pattern, number in zip(patterns.tolist(), numbers.tolist(), strict=True):
            active = tuple(
                tuple(bool(pattern[s * tree.words + i // 64] >> i % 64 & 1) for i in range(size))
                for s, size in enumerate(problem.network.hidden)
            )
            form = tuple(map(tuple, problem.network.affine_forms(active)[-1]))
            assert forms.setdefault(number, form) == form
        assert len(set(forms.values())) == len(forms) == joiner._cells.maps
        # two cells that differ in one unit, and have one map, are in one component
        everything = np.full_like(patterns, ~np.uint64(0))
        assert joiner._cells.pieces().tolist() == [
            len({component for component, own in zip(components, numbers.tolist(), strict=True) if own == number})
            for components in [components_twin(patterns, everything, numbers)]
            for number in range(joiner._cells.maps)
        ]
        proven += len(patterns) - len(forms)
        apart += len(forms)
    assert proven > 100
    assert apart > 100
