"""Jobs that are divided where they stand: nothing is lost, nothing is done twice, whatever the moment and the order."""

from __future__ import annotations

import itertools
import json
import pickle
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nn_bridge.cells.counting import found_leaves
from nn_bridge.cells.counting import jobs as cell_jobs
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.jobs import Group, Limits, Slice, Task, count_slice, leaves_again, tree_with_faces
from nn_bridge.cells.counting.subtrees import Job, divided, weight
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import (
    JOINING_FACES,
    NEIGHBOURS,
    PATTERNS,
    CellTree,
    CellTreeError,
    Leaves,
    Subtree,
    tree_counters,
)
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron

DATA = Path(__file__).parents[3] / "data"
AT_ONCE = Limits(0.0)


def small_networks() -> list[Network]:
    """Every tenth of the oracle's networks, of all families, that have something to cut."""
    entries = json.loads((DATA / "cell_counts.json").read_text())
    return [Network.from_layers(entry["weights"], entry["biases"]) for entry in entries[3::10]]


def large_network(name: str) -> Network:
    return read_network(DATA / "nets" / f"{name}.npz")


def problems() -> Iterator[CellProblem]:
    """Problems with start cells, walls, lines, one stage and several."""
    for network in small_networks():
        for domain in (None, Polyhedron.box([-1] * network.input_dim, [1] * network.input_dim)):
            problem = cell_problem(network, domain)
            if problem is not None:
                yield problem
    half_plane = Polyhedron([[-1, 0, 0]], [1])
    for domain in (None, half_plane):
        skip = Network.from_layers(
            [[[1, 1, 0], [1, -1, 0]], [[1, 1], [2, -1], [1, 0]], [[1, 1, -1]]], [[0, 1], [0] * 3, [1]]
        )
        yield cell_problem(skip, domain)
        yield cell_problem(Network.from_layers([np.random.default_rng(1).normal(size=(9, 3)), [[1] * 9]]), domain)


def in_pieces(
    task: Task, job: Job, residues: bool, rng: random.Random, limits: Limits = AT_ONCE
) -> tuple[list[Slice], list[Job]]:
    """Work a job off in slices, in random order, what is left dealt out at random; the slices and their jobs."""
    waiting, slices, jobs = [job], [], []
    while waiting:
        job = waiting.pop(rng.randrange(len(waiting)))
        result = count_slice(task, job, limits, residues)
        assert not result.partial
        slices.append(result)
        jobs.append(job)
        hands = rng.randint(1, 3)
        waiting += [part for part in (result.rest[i::hands] for i in range(hands)) if part]
        assert len(slices) < 20000, "the slices make no progress"
    return slices, jobs


def whole(problem: CellProblem) -> Job:
    return (Subtree(0, (), problem.roots),)


def all_residues(problem: CellProblem, merge: bool = True) -> np.ndarray:
    return np.sort(np.concatenate([leaves.residues for leaves in CellTree(problem, PATTERNS, merge=merge).run()]))


@pytest.fixture
def tiny_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs give back control after every few cells, so that small trees are divided, too."""
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 5)
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 5)


def test_start_cells_are_divided_without_loss() -> None:
    rng = random.Random(8)
    for _ in range(200):
        job: list[Subtree] = []
        root = 0
        for _ in range(rng.randint(0, 4)):
            roots = rng.choice([1, 1, 2, 7, 2**70])
            path = ((0, rng.randint(0, 3), 1),) if roots == 1 else ()
            job.append(Subtree(root, path, roots))
            root += roots
        parts = rng.randint(1, 12)
        found = divided(tuple(job), parts)
        assert weight(found) == weight(tuple(job))
        at = 0
        for part in found:  # the same start cells, in order
            assert part.root == at
            at += part.roots
        assert len(found) == max(len(job), min(parts, sum(part.roots for part in job)))
        assert [part for part in found if part.path] == [part for part in job if part.path]


@pytest.mark.usefixtures("tiny_steps")
@pytest.mark.parametrize("residues", [False, True])
def test_slices_add_up_to_the_whole(residues: bool) -> None:
    rng = random.Random(20 + residues)
    divided = 0
    for problem in problems():
        merge = rng.random() < 0.7
        task, expected = Task.of(problem, merge), all_residues(problem, merge)
        slices, _ = in_pieces(task, whole(problem), residues, rng)
        divided += len(slices) > 1
        assert sum(part.cells for part in slices) == len(all_residues(problem, merge=False))
        if residues:
            assert np.array_equal(np.sort(np.concatenate([part.residues for part in slices])), expected)
            assert sum(group.leaves for part in slices for group in part.groups) == len(expected)
    assert divided > 30


@pytest.mark.usefixtures("tiny_steps")
def test_what_is_done_and_what_is_left_make_the_job() -> None:
    """Visiting the groups that a slice calls done, and what it leaves, meets every pattern of the job once."""
    rng = random.Random(3)
    for problem in list(problems())[::4]:
        task = Task.of(problem)
        slices, jobs = in_pieces(task, whole(problem), True, rng)
        tree = CellTree(problem, PATTERNS, merge=True)

        def patterns(job: Job, tree: CellTree = tree) -> Counter[bytes]:
            return Counter(row.tobytes() for part in job for leaves in tree.run(part) for row in leaves.patterns)

        for job, part in zip(jobs, slices, strict=True):
            done = Counter[bytes]()
            for group in part.groups:
                inside = patterns(group.parts)
                assert inside.total() == group.leaves
                done += inside
            assert done.total() == len(part.residues) <= part.cells
            assert done + patterns(part.rest) == patterns(job)
            assert weight(part.rest) <= weight(job)


def test_slices_of_a_large_tree_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = cell_problem(large_network("d4_16_16_1_s0"))
    task, rng = Task.of(problem), random.Random(5)
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 1000)
    slices, _ = in_pieces(task, whole(problem), False, rng, Limits(0.001))
    assert len(slices) > 5
    assert sum(part.cells for part in slices) == 34463


def test_a_limit_of_cells_ends_a_slice() -> None:
    problem = cell_problem(large_network("d4_16_16_1_s0"))
    part = count_slice(Task.of(problem), whole(problem), Limits(60.0, cells=100), True)
    assert 100 <= part.cells < 1000
    assert len(part.residues) == part.cells
    assert part.rest


def test_small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cell_jobs, "GROUP_LEAVES", 500)
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 100)
    problem = cell_problem(large_network("d3_16_16_1_s0"))
    part = count_slice(Task.of(problem), whole(problem), Limits(60.0), True)
    assert not part.rest
    assert len(part.groups) > 5
    assert max(group.leaves for group in part.groups) < 1000
    assert np.array_equal(np.sort(part.residues), all_residues(problem))


def by_pattern(batches: list[Leaves]) -> dict[bytes, int]:
    """The residues of each leaf, whatever the order; all leaves bring their neighbours."""
    found: dict[bytes, int] = {}
    for leaves in batches:
        assert leaves.neighbours.shape == leaves.patterns.shape
        for pattern, residues in zip(leaves.patterns, leaves.residues.tolist(), strict=True):
            assert pattern.tobytes() not in found
            found[pattern.tobytes()] = residues
    return found


def all_leaves(problem: CellProblem) -> dict[bytes, int]:
    """The same of all leaves of a problem."""
    return by_pattern([leaves for leaves in CellTree(problem, NEIGHBOURS, merge=True).run() if len(leaves.residues)])


@pytest.mark.parametrize("in_order", [True, False])
def test_marked_leaves_once_more(in_order: bool) -> None:
    """The second pass brings the marked leaves, also if it meets them in another order than the first."""
    rng = np.random.default_rng(8)
    checked = 0
    for problem in problems():
        task = Task.of(problem)
        part = count_slice(task, whole(problem), Limits(60.0), True)
        values, times = np.unique(part.residues, return_counts=True)
        residues = part.residues if in_order else rng.permutation(part.residues)
        select = np.isin(residues, values[times > 1]).astype(np.uint8)
        marked = residues[select.view(bool)]
        if not len(marked):
            continue
        checked += 1
        batches = leaves_again(task, part.groups, select, marked)
        met = np.concatenate([leaves.residues for leaves in batches])
        assert np.array_equal(met, marked) if in_order else np.array_equal(np.sort(met), np.sort(marked))
        repeated = {key: value for key, value in all_leaves(problem).items() if value in set(marked.tolist())}
        assert by_pattern(batches) == repeated
    assert checked > 10


@pytest.mark.usefixtures("tiny_steps")
@pytest.mark.parametrize("some", [1, 2, 40])
def test_cells_of_the_last_stage_that_are_passed_over(some: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marks of a first pass in pieces lead a second one past what is not wanted, to the right leaves."""
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 20)
    rng, numbers = random.Random(some), np.random.default_rng(some)
    passed = 0
    for problem in problems():
        task = Task.of(problem)
        slices, _ = in_pieces(task, whole(problem), True, rng)
        for part in slices:
            if not part.cells:
                continue
            wanted = np.unique(numbers.choice(part.residues, min(some, len(part.residues))))
            select = np.isin(part.residues, wanted).astype(np.uint8)
            tree = CellTree(problem, NEIGHBOURS, select=select, merge=True)
            subtrees = [subtree for group in part.groups for subtree in group.parts]
            expected = [leaves for subtree in subtrees for leaves in tree.run(subtree) if len(leaves.residues)]
            splits = tree_counters(cell_jobs._tree(task, NEIGHBOURS))["splits"]
            batches = leaves_again(task, part.groups, select, part.residues[select.view(bool)])
            passed += (
                tree_counters(tree)["splits"] > tree_counters(cell_jobs._tree(task, NEIGHBOURS))["splits"] - splits
            )
            assert by_pattern(batches) == by_pattern(expected)
            # without marks nothing is passed over
            without = tuple(Group(group.parts, group.leaves) for group in part.groups)
            again = leaves_again(task, without, select, part.residues[select.view(bool)])
            assert by_pattern(again) == by_pattern(expected)
    assert passed > 5 or some == 40


@pytest.mark.parametrize("joining", [True, None])
def test_slices_with_leaves(joining: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slice brings all its leaves, or none where residues do not repeat and there are many; it says which."""
    monkeypatch.setattr(found_leaves, "KEPT_LEAVES", 0)
    monkeypatch.setattr(found_leaves, "JOINED_LEAVES", 20)
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 5)
    with_leaves = without = 0
    for problem in problems():
        task, job = Task.of(problem), whole(problem)
        met: list[Leaves] = []
        while job:
            part = count_slice(task, job, Limits(60.0), True, joining)
            assert part.groups[-1].leaves <= part.cells
            assert part.joining == bool(part.leaves)
            if part.leaves:
                with_leaves += 1
                assert part.cells < 60
                assert np.array_equal(np.concatenate([leaves.residues for leaves in part.leaves]), part.residues)
                met += part.leaves
            else:
                assert joining is None
                without += 1
                select = np.ones(len(part.residues), np.uint8)
                met += leaves_again(task, part.groups, select, part.residues)
            job = part.rest
        assert by_pattern(met) == all_leaves(problem)
    assert with_leaves > 20
    assert (without > 20) == (joining is None)


def test_a_slice_ends_when_residues_begin_to_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 100)
    answers = [False, False, True, True]
    monkeypatch.setattr(found_leaves, "repeats", lambda residues, joining=False: answers.pop(0))
    problem = cell_problem(large_network("d3_16_16_1_s0"))
    part = count_slice(Task.of(problem), whole(problem), Limits(60.0), True, None)
    assert not answers
    assert part.rest
    assert part.repeats
    assert not part.joining
    assert np.array_equal(np.concatenate([leaves.residues for leaves in part.leaves]), part.residues)
    first = found_leaves.TRIAL_LEAVES
    assert first + 200 <= part.cells < first + 336, "looks at each batch, after the first cells"


def test_a_second_pass_that_meets_other_cells_is_noticed() -> None:
    problem = next(problems())
    task = Task.of(problem)
    part = count_slice(task, whole(problem), Limits(60.0), True)
    wrong = part.residues.copy()
    wrong[-1] ^= np.uint64(1)
    with pytest.raises(CellTreeError, match="met other cells"):
        leaves_again(task, part.groups, np.ones(len(wrong), np.uint8), wrong)


def test_a_tree_turns_to_faces_wherever_it_stands() -> None:
    """It brings leaves with the faces that a new one brings, and is at hand once more, with the room that is left."""
    with_faces = 0
    for number, problem in enumerate(problems()):
        task = Task.of(problem)
        limits = Limits(60.0, cells=1 + number % 40)
        count_slice(task, whole(problem), limits, True, (None, True, False)[number % 3])
        tree = tree_with_faces(task)
        # as runs leave it that end amid a batch, or that bring chosen leaves
        tree.try_leaves(2, 1, 1 << 20)
        tree.mark(np.arange(number % 5) % 2)
        tree.turn_to(JOINING_FACES)
        patterns = np.concatenate([leaves.patterns for leaves in CellTree(problem, PATTERNS, merge=True).run()])
        found = []
        assert tree_with_faces(task, 1 << 40) is tree
        assert tree.room == 1 << 40
        for run in (tree, CellTree(problem, JOINING_FACES, merge=True)):
            assert run.emit == JOINING_FACES
            run.go_to(patterns[number % 3 :: 2])
            found.append(faces_by_pattern(run))
        assert found[0] == found[1]
        assert len(found[0]) == len(patterns[number % 3 :: 2])
        with_faces += any(map(any, found[0].values()))
    assert with_faces > 30
    with pytest.raises(ValueError, match="cannot turn"):
        CellTree(problem, PATTERNS).turn_to(JOINING_FACES)


def faces_by_pattern(tree: CellTree) -> dict[bytes, tuple[set[bytes], set[bytes]]]:
    """The zeros of the facets and of the vertices of each leaf, by its pattern."""
    found: dict[bytes, tuple[set[bytes], set[bytes]]] = {}
    for leaves in tree.run():
        names = {number: pattern.tobytes() for number, pattern in zip(leaves.numbers, leaves.patterns, strict=True)}
        found |= {name: (set(), set()) for name in names.values()}
        for leaf, zeros in zip(leaves.facet_leaf, leaves.facet_zeros, strict=True):
            found[names[leaf]][0].add(zeros.tobytes())
        for leaf, zeros in zip(leaves.generator_leaf, leaves.generator_zeros, strict=True):
            found[names[leaf]][1].add(zeros.tobytes())
    return found


def test_a_count_leaves_no_trees_behind() -> None:
    network = large_network("d3_16_16_1_s0")
    cell_jobs._TREES.by_key.clear()
    for workers in (1, 2):
        for counts in ("all", "cells"):
            count_cells(network, counts=counts, workers=workers)
            assert count_cells(network, counts=counts, workers=workers, max_cells=70).exact is False
            assert not cell_jobs._TREES.by_key


def test_a_path_that_does_not_exist_is_refused() -> None:
    problem = cell_problem(Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]]))
    for stage, unit in ((0, 0), (0, 5), (1, 3), (7, 0)):
        for residues in (False, True):
            with pytest.raises(CellTreeError, match="recorded path"):
                count_slice(Task.of(problem), (Subtree(0, ((stage, unit, 1),)),), Limits(60.0), residues)


def test_jobs_and_tasks_travel() -> None:
    problem = next(problems())
    task = Task.of(problem)
    sent = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(task))))
    assert sent == task != Task.of(problem)
    assert hash(sent) == hash(task)
    assert sent.problem == problem
    job = (Subtree(3, ((0, 1, 1), (1, 70, 0))), Subtree(5, (), 7))
    assert pickle.loads(pickle.dumps(Group(job, 9))) == Group(job, 9)


def test_names_differ_where_the_number_of_a_process_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked processes begin to number tasks alike, and one may get the number of another one that has ended."""
    problem = cell_problem(Network.from_layers([[[1]], [[1]]]))
    names = []
    for _ in range(100):
        monkeypatch.setattr(cell_jobs, "_NUMBERS", itertools.count())
        names += [Task.of(problem).key for _ in range(3)]
    assert len(set(names)) == 300
