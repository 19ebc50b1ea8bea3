"""Runs of the cell tree that end early, go on, share, or work four numbers at a time: the same leaves, bit by bit."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time

import numpy as np
import pytest

from nn_bridge.cells import _core
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import (
    COUNT_ONLY,
    FACES,
    FACES_WITHOUT_COORDINATES,
    PATTERNS,
    CellTree,
    Leaves,
    Subtree,
)
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from tests.families import ENTRIES

MODES = ((COUNT_ONLY, False), (COUNT_ONLY, True), (PATTERNS, False), (FACES_WITHOUT_COORDINATES, False), (FACES, False))


def random_network(rng, dims, scale=1.0):
    weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(dims)]
    biases = [scale * rng.standard_normal(b) for b in dims[1:]]
    return Network.from_layers([w.tolist() for w in weights], [b.tolist() for b in biases])


@pytest.mark.parametrize(
    ("dims", "side"),
    [((2, 9, 9, 1), None), ((3, 8, 6, 4, 1), 3), ((5, 7, 6, 1), None), ((6, 8, 1), None), ((9, 3, 2, 1), 1)],
)
@pytest.mark.parametrize("leaves_at_once", [1, 7])
def test_runs_that_end_after_every_few_leaves_go_on_where_they_were(dims, side, leaves_at_once):
    network = random_network(np.random.default_rng(sum(dims)), dims)
    domain = None if side is None else Polyhedron.box([-side] * dims[0], [side] * dims[0])
    problem = cell_problem(network, domain)
    for emit, last in MODES[2:]:
        at_once = list(CellTree(problem, emit, count_last_stage=last).run())
        tree = CellTree(problem, emit, count_last_stage=last)
        tree.batch_leaves = leaves_at_once
        found = list(tree.run())
        assert len(found) >= tree.cells // (leaves_at_once + 32)
        for one, other in zip(found[0]._fields, zip(*found, strict=True), strict=True):
            expected = np.concatenate([getattr(leaves, one) for leaves in at_once])
            given = np.concatenate(other)
            if one == "generator_coordinates":
                errors = [np.concatenate([leaves.generator_error for leaves in run]) for run in (found, at_once)]
                assert_same_generators(given, expected, *errors)
            elif one != "generator_error":  # both depend on the way
                assert np.array_equal(given, expected), one


def test_loops_of_any_width_give_the_same_bits():
    """With AVX2 and without: patterns, residues, coordinates and errors."""
    networks = [random_network(np.random.default_rng(7), dims) for dims in ((2, 70, 9, 1), (4, 7, 6, 1), (6, 8, 5, 1))]
    networks += [Network.from_layers(entry["weights"], entry["biases"]) for entry in ENTRIES[::31]]
    for problem in filter(None, map(cell_problem, networks)):
        arrays = CellTree(problem, FACES).arrays
        runs = []
        for wide in (True, False):
            _core.widen(wide)
            try:
                found = CellTree(problem, FACES, arrays=arrays).run()
                runs.append([leaves for leaves in found if len(leaves.patterns)])
            finally:
                _core.widen(True)
        for name in Leaves._fields:
            one, other = (np.concatenate([getattr(leaves, name) for leaves in run]) for run in runs)
            assert one.tobytes() == other.tobytes(), name


def test_a_run_that_is_asked_to_share_ends_soon():
    network = random_network(np.random.default_rng(2), (4, 40, 40, 1))
    tree, share = CellTree(cell_problem(network), COUNT_ONLY, count_last_stage=True), _core.Stop()
    share.set()
    tree.start(Subtree(0, (), 16))
    begun = time.monotonic()
    assert not tree.work(30.0, share=share)
    assert time.monotonic() - begun < 10
    assert tree.cells > 0
    assert len(tree.divided().rest) > 1


def test_a_run_that_looks_for_repeats_ends_soon():
    """Where all cells have one map, batches end after some dozen of them; the same leaves come in the same order."""
    rng = np.random.default_rng(3)
    weights = [rng.standard_normal((b, a)).tolist() for a, b in ((2, 16), (16, 8))]
    biases = [rng.standard_normal(16).tolist(), rng.standard_normal(8).tolist(), [0]]
    problem = cell_problem(Network.from_layers([*weights, [[0] * 8]], biases))
    at_once = [leaves.patterns for leaves in CellTree(problem, PATTERNS).run()]
    tree = CellTree(problem, PATTERNS)
    tree.look_for_repeats(True)
    found = [leaves.patterns for leaves in tree.run()]
    assert np.array_equal(np.concatenate(found), np.concatenate(at_once))
    sizes = [len(patterns) for patterns in found if len(patterns)]
    assert 34 <= max(sizes) < 80
    assert len(sizes) > tree.cells / 80
    tree.look_for_repeats(False)
    assert max(len(leaves.patterns) for leaves in tree.run()) > 80


def assert_same_generators(given, expected, given_error, expected_error):
    """Some positive multiples of the rows differ by no more than their errors allow.

    Let x and y be the rows, e and f their errors, and l the place of the largest coordinate of y.  If t y is within
    e + t f of x, then t differs from s = x_l / y_l by at most (e + t f) / y_l, so s y is within 2 (e + t f) of x.  The
    largest coordinates lie in [1/2, 1], so s and t are below 2.1.  Seven roundings of numbers to 2.1 are below 1e-14.
    """
    assert len(given) == len(expected) == len(given_error) == len(expected_error)
    assert (given_error < 1e-3).all()
    assert (expected_error < 1e-3).all()
    rows = np.arange(len(given))
    lead = np.abs(expected).argmax(axis=1)
    factor = given[rows, lead] / expected[rows, lead]
    assert ((factor > 0.4) & (factor < 2.1)).all()
    off = np.abs(factor[:, None] * expected - given).max(axis=1)
    assert (off <= 2 * (given_error + 2.1 * expected_error) + 1e-14).all()


def test_a_thread_that_is_at_work_when_a_program_ends_says_nothing():
    """It holds objects of the core till the end, as after Ctrl-C in a count with workers."""
    program = """
import threading, time
from nn_bridge.cells import _core
threading.Thread(target=lambda stop=_core.Stop(): time.sleep(600), daemon=True).start()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=500, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
