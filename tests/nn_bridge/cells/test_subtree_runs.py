"""Subtrees that branch off one path are worked on in one run."""

import numpy as np
import pytest

from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import COUNT_ONLY, PATTERNS, CellTree, Subtree, in_runs
from tests.nn_bridge.cells.test_cell_tree import random_network


@pytest.mark.parametrize("last", [False, True])
def test_subtrees_that_branch_off_one_path_are_one_run(last):
    """What is left of a run goes on as one run, whatever part of it others have taken; nothing is lost or met twice."""
    rng = np.random.default_rng(6)
    problem = cell_problem(random_network(np.random.default_rng(5), (3, 8, 6, 4, 1)))
    lister = CellTree(problem, PATTERNS)
    expected = [row.tobytes() for leaves in lister.run() for row in leaves.patterns]
    tree = CellTree(problem, COUNT_ONLY, count_last_stage=last)
    jobs, done, cells, longest = [[Subtree(0, (), problem.roots)]], [], 0, 1
    while jobs:
        runs = list(in_runs(jobs.pop()))
        assert [part for run in runs for part in run]
        for number, run in enumerate(runs):
            longest = max(longest, len(run))
            before = tree.cells
            tree.start(*run)
            finished = tree.work(0.0, cells=30)
            parts = tree.divided()
            assert finished == (parts.rest == [])
            cells += tree.cells - before
            if not last:
                assert cells_in(lister, parts.done) == tree.cells - before
            done += parts.done
            if not finished:
                rest = [*parts.rest, *(part for run in runs[number + 1 :] for part in run)]
                taken = rng.random(len(rest)) < 0.3
                jobs += [
                    [part for part, own in zip(rest, taken, strict=True) if bool(own) == which] for which in (0, 1)
                ]
                jobs = [job for job in jobs if job]
                break
    assert longest > 3
    assert cells == len(expected)
    found = [row.tobytes() for run in in_runs(done) for leaves in lister.run(*run) for row in leaves.patterns]
    assert sorted(found) == sorted(expected)


def cells_in(lister, parts):
    """The number of leaves of some subtrees, each in a run of its own."""
    return sum(len(leaves.patterns) for part in parts for leaves in lister.run(part))
