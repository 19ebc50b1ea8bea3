"""Cells that differ in covered units alone: joined by their pattern, and mostly told nothing of their neighbours."""

import random
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from nn_bridge.cells import _core as kernels
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting import count, found_leaves
from nn_bridge.cells.counting.count import count_cells, count_from_tree
from nn_bridge.cells.counting.plain_count import count_plain
from nn_bridge.cells.joining import Joiner
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import JOINING_FACES, NEIGHBOURS, CellTree
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from tests.nn_bridge.cells.test_components import cells_of_few_bits, components_twin, numbers_of, one_by_one, pieces_of
from tests.nn_bridge.network.test_covered_units import maxout


def uncovered(patterns, covers, words):
    """Patterns without covered units, by the definition."""
    found = patterns.copy()
    for stage, unit, of_stage, of_unit in sorted(covers, key=lambda own: -own[0]):
        on = found[:, stage * words + unit // 64] >> np.uint64(unit % 64) & np.uint64(1)
        found[:, of_stage * words + of_unit // 64] &= ~(on << np.uint64(of_unit % 64))
    return found


@pytest.mark.parametrize("maps", [1, 7, 60])
@pytest.mark.parametrize("at_once", [1, 90])
def test_components_as_a_dictionary_finds_them(maps, at_once):
    """Units of three stages, some across words, that later ones cover, as in maxima of four pieces."""
    rng = np.random.default_rng(maps)
    covers = [(1, 0, 0, 1), (2, 2, 0, 1), (2, 2, 1, 0), (1, 60, 0, 59), (2, 61, 1, 60), (2, 61, 0, 59), (1, 3, 0, 0)]
    patterns = cells_of_few_bits(3, 900, rng)
    told = rng.integers(0, 1 << 63, patterns.shape).astype(np.uint64) & rng.integers(0, 1 << 63, patterns.shape).astype(
        np.uint64
    )
    told[:, -1] = 0
    groups = {own.tobytes(): int(rng.integers(0, maps)) for own in uncovered(patterns, covers, 1)}
    labels = np.array([groups[own.tobytes()] for own in uncovered(patterns, covers, 1)])
    # 64 units a stage, of which an output reads those of the last one
    found = kernels.Components(numbers_of([64] * 3, range(64)), 1, 1 << 31)
    found.cover(covers)
    none = np.zeros_like(told)
    for at in range(0, len(patterns), at_once):
        part = slice(at, at + at_once)
        waiting = found.add(patterns[part], labels[part].astype(np.uint64), told[part])
        found.settle(at + waiting, found.maps_of(at + waiting), told[part][waiting])
    without = partial(uncovered, covers=covers, words=1)
    expected = components_twin(patterns, told, labels, without)
    assert found.pieces().tolist() == pieces_of(expected, labels)
    assert np.array_equal(found.patterns_of(np.arange(len(patterns))), patterns)
    whole = found.in_pieces()
    found.choose(whole)
    assert np.array_equal(patterns[found.cells_again(patterns[whole])], patterns[whole])
    everything = np.full_like(patterns, ~np.uint64(0))
    everything[:, -1] = 0
    assert found.join_again(np.arange(len(whole)), patterns[whole], *one_by_one(none[whole])) == len(whole)
    assert found.pieces().tolist() == pieces_of(expected, labels)
    assert found.join_again(np.arange(len(patterns)), patterns, *one_by_one(everything)) == len(whole)
    joined = components_twin(patterns, everything, labels, without)
    assert found.pieces().tolist() == pieces_of(joined, labels)


def test_units_that_are_not_there():
    """Of no stage, or of a later one; nor may cells have come before."""
    table = kernels.Components(numbers_of([2, 3]), 1, 1 << 31)
    for own in ((1, 0, 1, 0), (0, 0, 1, 0), (2, 0, 0, 0), (1, 3, 0, 0), (1, 0, 0, 2), (1, 0, -1, 0), (1, 0, 0, -1)):
        with pytest.raises(ValueError, match="no such unit"):
            table.cover([own])
    tree = CellTree(cell_problem(Network.from_layers([[[1]], [[1]], [[1]]], [[0], [-1], [0]])), NEIGHBOURS)
    with pytest.raises(IndexError, match="no such unit"):
        tree._explorer.cover([(1, 1, 0, 0)])
    table.add(np.zeros((1, 2), np.uint64), np.zeros(1, np.uint64), None)
    with pytest.raises(ValueError, match="come already"):
        table.cover([(1, 0, 0, 0)])


def with_relu(network):
    """The network with a ReLU on its outputs."""
    records = network.layers
    return Network.from_layers(
        [r.weights for r in records], [r.bias for r in records], [r.activation for r in records], relu_on_output=True
    )


def networks(number):
    """Maxima of two to five pieces, one or two layers, with one or two outputs; some with a ReLU on these, or a box."""
    rng = random.Random(5)
    for seed in range(number):
        inputs, layers = rng.choice([1, 2, 2, 3]), 1 + seed % 2
        units = [rng.randint(1, 3 if layers == 1 else 2) for _ in range(layers)]
        network = maxout([inputs, *units], rng.choice([2, 3, 3, 4, 5] if inputs < 3 else [3]), rng, 1 + seed // 3 % 2)
        if seed % 5 == 1:
            network = with_relu(network)
        yield network, Polyhedron.box([-2] * inputs, [3] * inputs) if seed % 4 == 3 else None


def test_counts_are_those_of_the_plain_engine():
    """In one pass, with leaves as they come, and with the neighbours of all or of none."""
    joined = 0
    for network, domain in networks(40):
        expected = count_plain(network, domain)
        found = count_cells(network, domain)
        for name in ("cells", "regions", "regions_by_point", "affine_maps"):
            assert getattr(found, name) == getattr(expected, name)
        problem = cell_problem(network, domain)
        if problem is None:
            continue
        arrays = CoreProblem(problem)
        for cover, faces in ((True, True), (False, True), (True, False)):
            tree = CellTree(problem, NEIGHBOURS, arrays=arrays)
            tree.cover(cover)
            tree.write_faces(faces)
            joiner = Joiner(problem, tree.words, arrays)
            for leaves in tree.run():
                joiner.add(leaves)
            joiner.settle(lambda p=problem, a=arrays: CellTree(p, JOINING_FACES, arrays=a))
            counts = joiner.counts(tree.cells)
            assert counts == (expected.cells, expected.regions, expected.regions_by_point, expected.affine_maps)
        joined += expected.regions < expected.cells and bool(arrays.covered)
    assert joined > 15


@pytest.mark.parametrize("passes", [1, 2])
def test_counts_of_larger_networks_with_one_map_in_many_cells(passes, monkeypatch):
    """Ternary weights without biases: many cells of a map, of several patterns without covered units each."""
    if passes == 2:  # the joiner soon takes more than its share, and leaves come again
        monkeypatch.setattr(count, "_JOINING", (0, 0))
        monkeypatch.setattr(count, "KEPT_LEAVES", 64)
        for name in ("LEAVES_AT_ONCE", "KEPT_LEAVES", "JOINED_LEAVES", "MOST_LEAVES"):
            monkeypatch.setattr(found_leaves, name, 128)
    rng = np.random.default_rng(4)
    for sizes, pieces in (([2, 8, 1], 3), ([3, 5, 1], 3), ([2, 4, 3, 1], 3), ([2, 5, 2, 1], 4)):
        weights, activations = [], []
        for k, (before, after) in enumerate(pairwise(sizes)):
            hidden = k < len(sizes) - 2
            weights.append(rng.integers(-1, 2, (after * pieces if hidden else after, before)))
            activations.append(f"maxout:{pieces}" if hidden else "linear")
        network = Network.from_layers(weights, activations=activations)
        expected = count_plain(network)
        for workers in (1, 2):
            found = count_cells(network, workers=workers)
            assert (found.cells, found.regions) == (expected.cells, expected.regions)
            assert (found.regions_by_point, found.affine_maps) == (expected.regions_by_point, expected.affine_maps)


def test_what_leaves_with_one_pattern_are_told():
    """Nothing where residues come with one pattern alone; all that a tree without covers tells where with more."""
    rng = np.random.default_rng(3)
    weights = [rng.integers(-2, 3, (12, 2)), rng.integers(-1, 2, (9, 4)), np.ones((1, 3), int)]
    biases = [rng.integers(-2, 3, len(rows)) for rows in weights]
    network = Network.from_layers(weights, biases, ["maxout:3", "maxout:3", "linear"])
    problem = cell_problem(network)
    few, every = CellTree(problem, NEIGHBOURS), CellTree(problem, NEIGHBOURS)
    few.cover(True)
    (patterns, residues, told), (same, _, all_told) = (
        [np.concatenate(own) for own in zip(*((b.patterns, b.residues, b.neighbours) for b in tree.run()), strict=True)]
        for tree in (few, every)
    )
    assert np.array_equal(patterns, same)
    groups = uncovered(patterns, few.arrays.covered, few.words)
    met, several = {}, set()
    silent = alike = 0
    for k, (residue, group) in enumerate(zip(residues.tolist(), groups, strict=True)):
        if met.setdefault(residue, group.tobytes()) != group.tobytes():
            several.add(residue)
        if residue in several:
            assert np.array_equal(told[k], all_told[k])
            alike += told[k].any()
        silent += all_told[k].any() and not told[k].any()
    assert silent > 10
    assert alike > 10
    assert count_from_tree(problem).regions == count_plain(network).regions
