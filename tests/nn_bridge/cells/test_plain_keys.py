"""The plain loops of numbering and pairing are those of the compiled core, array for array."""

from __future__ import annotations

import numpy as np
import pytest

from nn_bridge.cells import plain_keys
from nn_bridge.cells.joining import SignVectorKeys
from nn_bridge.cells.map_classes import MapComparison, empty_table
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import FACES, CellTree, Leaves
from polyhedra.compiled_core import core
from polyhedra.polyhedron import Polyhedron
from puiseux.random_networks import random_network
from tests.families import ENTRIES, network_of

compiled = core("nn_bridge.cells._core")
SUBJECTS = [
    (random_network([2, 70, 3, 1], rng=1), None),
    (random_network([2, 6, 6, 2], rng=2, init="ternary"), Polyhedron.box([-1, -1], [1, 2])),
    *((network_of(entry), None) for entry in ENTRIES[5:400:45]),
]


@pytest.mark.parametrize(("network", "domain"), SUBJECTS)
def test_keys_and_relevant_units(network, domain):
    assert compiled is not None
    problem = cell_problem(network, domain)
    if problem is None:
        pytest.fail("choose networks that something cuts")
    tree = CellTree(problem, FACES)
    leaves = Leaves(*(np.concatenate(parts) for parts in zip(*tree.run(), strict=True)))
    keys = SignVectorKeys(problem, tree.words)
    packed = [np.zeros((len(leaves.facet_zeros), keys.width), np.uint64) for _ in range(2)]
    places = np.array(keys.columns), np.array(keys.places)
    for loops, result in zip((compiled, plain_keys), packed, strict=True):
        loops.pack(leaves.patterns, leaves.facet_leaf, leaves.facet_zeros, *places, result)
    assert np.array_equal(*packed)
    maps = MapComparison(problem, tree.words)
    found = [np.empty_like(leaves.patterns) for _ in range(2)]
    for loops, result in zip((compiled, plain_keys), found, strict=True):
        loops.relevant(leaves.patterns, *maps.reads, result)
    assert np.array_equal(*found)
    # the first leaf stands for all: which others have other relevant units?
    labels = np.zeros(len(leaves.patterns), np.int64)
    others = [np.full(len(labels), -1) for _ in range(2)]
    many = [
        loops.unlike(leaves.patterns, leaves.patterns[:1].copy(), labels, *maps.reads, result)
        for loops, result in zip((compiled, plain_keys), others, strict=True)
    ]
    assert many[0] == many[1] == int((found[0] != found[0][0]).any(axis=1).sum())
    assert np.array_equal(*others)


@pytest.mark.parametrize("words", [1, 3])
def test_numbers(words):
    assert compiled is not None
    rng = np.random.default_rng(words)
    rows = rng.integers(0, 5, (400, words)).astype(np.uint64)
    answers = []
    for loops in (compiled, plain_keys):
        table = empty_table(8, words, np.dtype(np.int32))
        state, done = np.zeros(2, np.int64), (0, 0)
        numbers, fresh = np.full((2, len(rows)), -1)
        while done[0] < len(rows):
            done = loops.number(rows, *table, state, numbers, fresh, done)
            if done[0] < len(rows):
                wider = empty_table(2 * len(table[1]), words, np.dtype(np.int32))
                loops.rehash(*table, *wider)
                table = wider
        answers.append((numbers.tolist(), fresh[: done[1]].tolist(), state.tolist()))
    assert answers[0] == answers[1]
