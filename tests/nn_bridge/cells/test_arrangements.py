"""Cells of one stage on R^n, counted without a cell: against another recursion in fractions, and against listing."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb
from pathlib import Path

import numpy as np
import pytest

from nn_bridge.cells.counting import jobs as cell_jobs
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.jobs import Limits, Task, count_slice
from nn_bridge.cells.counting.subtrees import Job, weight
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import COUNT_ONLY, CellTree, CellTreeError, Subtree, tree_counters
from nn_bridge.network.network import INPUT, AffineStage, Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational

Row = tuple[Fraction, ...]


def shallow(rows: list[list[object]]) -> Network:
    """One stage of units with the given weights, the bias last, and their sum as output."""
    exact = [[rational(v) for v in row] for row in rows]
    stage = AffineStage(((INPUT, tuple(tuple(row[:-1]) for row in exact)),), tuple(row[-1] for row in exact))
    output = AffineStage(((1, (tuple(rational(1) for _ in rows),)),), (rational(0),))
    return Network(len(rows[0]) - 1, (stage,), output)


def hyperplanes(rows: list[list[object]]) -> frozenset[Row]:
    """The different hyperplanes, with leading coefficient 1."""
    found = set()
    for row in rows:
        exact = [Fraction(int(z.p), int(z.q)) for z in map(rational, row)]
        lead = next((v for v in exact[:-1] if v), None)
        if lead is not None:
            found.add(tuple(v / lead for v in exact))
    return frozenset(found)


def cells_by_hand(planes: frozenset[Row]) -> int:
    """Take a hyperplane away, and add what the others cut it into: all in fractions, on sets of hyperplanes."""
    if not planes:
        return 1
    one, *others = sorted(planes)
    at = next(c for c, v in enumerate(one[:-1]) if v)
    trace = set()
    for row in others:
        rest = [v - row[at] / one[at] * w for v, w in zip(row, one, strict=True)]
        del rest[at]
        lead = next((v for v in rest[:-1] if v), None)
        if lead is not None:
            trace.add(tuple(v / lead for v in rest))
    return cells_by_hand(frozenset(others)) + cells_by_hand(frozenset(trace))


def entry(rng: random.Random, kind: str) -> object:
    if kind == "small":
        return rng.choice([-2, -1, 0, 0, 1, 1, 2])
    if kind == "thirds":
        return f"{rng.randint(-3, 3)}/{rng.choice([1, 3, 7])}"
    if kind == "tenths":
        return 0.1 * rng.randint(-3, 3)
    if kind == "extreme":
        return rng.choice([-1, 0, 1, 1.5]) * 10.0 ** rng.choice([-300, -160, 0, 0, 160, 300])
    if kind == "apart":
        return rng.gauss(0, 1) * 10.0 ** rng.choice([-12, -6, 0, 6, 12])
    return rng.gauss(0, 1)


LONG = ("extreme", "apart")
"""Kinds with long integers, which take a while where nothing is told by floats."""

KINDS = ("small", "thirds", "tenths", "extreme", "apart", "normal")


def random_rows(rng: random.Random, kind: str, dim: int, units: int) -> list[list[object]]:
    """Rows of which some are repeated, parallel, zero, moved by one unit in the last place, or pass through a point."""
    rows = [[entry(rng, kind) for _ in range(dim + 1)] for _ in range(units)]
    for i in range(1, units):
        other, how = rows[rng.randrange(i)], rng.random()
        floats = all(isinstance(v, int | float) for v in other)
        if how < 0.08:
            rows[i] = list(other)
        elif how < 0.16 and floats:
            rows[i] = [-2 * v for v in other]
        elif how < 0.24:
            rows[i] = [*other[:-1], entry(rng, kind)]
        elif how < 0.3 and floats:
            rows[i] = [v * (1 + rng.choice([-1, 0, 1]) * 2.0**-52) for v in other]
        elif how < 0.34:
            rows[i] = [0] * dim + [rows[i][-1]]
        elif how < 0.36:
            rows[i] = [0] * (dim + 1)
        elif how < 0.5:
            rows[i][-1] = 0
        elif how < 0.6 and floats and i > 1:
            third = rows[rng.randrange(i)]
            if all(isinstance(v, int | float) and abs(v) < 1e100 for v in (*other, *third)):
                rows[i] = [v + w for v, w in zip(other, third, strict=True)]  # nearly through where both meet
    return rows


def counted(problem: CellProblem | None) -> int:
    if problem is None:
        return 1
    tree = CellTree(problem.for_counting(), COUNT_ONLY, count_last_stage=True)
    for _ in tree.run():
        pass
    return tree.cells


def listed(problem: CellProblem | None) -> int:
    if problem is None:
        return 1
    tree = CellTree(problem, COUNT_ONLY)
    for _ in tree.run():
        pass
    return tree.cells


@pytest.mark.parametrize("kind", KINDS)
def test_random_hyperplanes_in_two_other_ways(kind: str) -> None:
    rng = random.Random(kind)
    fewer = 0
    for _ in range(60):
        dim = rng.choice([1, 2, 2, 3, 3, 4, 5])
        units = rng.randint(1, {1: 14, 2: 12, 3: 9, 4: 8, 5: 7}[dim])
        rows = random_rows(rng, kind, dim, units)
        problem = cell_problem(shallow(rows))
        expected = cells_by_hand(hyperplanes(rows))
        assert counted(problem) == expected, rows
        assert listed(problem) == expected, rows
        fewer += expected < sum(comb(units, i) for i in range(dim + 1))
    assert fewer > 20


@pytest.mark.parametrize(("dim", "units"), [(1, 300), (2, 150), (3, 40), (4, 25), (5, 20), (6, 16), (8, 13), (12, 14)])
def test_general_position_is_the_closed_form(dim: int, units: int) -> None:
    rng = np.random.default_rng(dim)
    rows = rng.normal(size=(units, dim + 1)).tolist()
    assert counted(cell_problem(shallow(rows))) == sum(comb(units, i) for i in range(dim + 1))


def test_many_lines_through_few_points() -> None:
    """Lines through the points of a grid: as many cells as a count in fractions says."""
    rows = [[a, b, c] for a in range(-2, 3) for b in range(-2, 3) for c in range(-2, 3) if (a, b) > (0, 0)]
    assert counted(cell_problem(shallow(rows))) == cells_by_hand(hyperplanes(rows))


@pytest.mark.parametrize(("dim", "expected"), [(2, 8), (3, 48), (4, 384)])
def test_reflection_arrangements(dim: int, expected: int) -> None:
    """The mirrors of the cube, all through one point: 2^n n! cells."""
    rows = [[int(i == c) for c in range(dim)] + [0] for i in range(dim)]
    rows += [
        [int(c == i) + sign * int(c == j) for c in range(dim)] + [0]
        for i in range(dim)
        for j in range(i)
        for sign in (1, -1)
    ]
    assert counted(cell_problem(shallow(rows))) == expected


def test_points_closer_than_doubles_tell() -> None:
    """Three lines through a point, and three that miss one another by 2^-80."""
    close = ["1", "1", f"-{2**80 + 1}/{2**80}"]
    assert counted(cell_problem(shallow([[1, 0, "-1/3"], [0, 1, "-2/3"], ["1", "1", "-1"]]))) == 6
    assert counted(cell_problem(shallow([[1, 0, "-1/3"], [0, 1, "-2/3"], close]))) == 7


@pytest.fixture
def tiny_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs give back control after every few cells."""
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 5)


@pytest.mark.usefixtures("tiny_steps")
@pytest.mark.parametrize("kind", ["small", "normal"])
def test_slices_add_up_to_the_whole(kind: str) -> None:
    """Divided where it stands, and the parts worked off in any order: nothing is lost or counted twice."""
    rng = random.Random(kind)
    most = 0
    for _ in range(12):
        dim = rng.choice([1, 2, 3, 4])
        rows = random_rows(rng, kind, dim, rng.randint(4, 12))
        problem = cell_problem(shallow(rows))
        if problem is None:
            continue
        problem = problem.for_counting()
        task = Task.of(problem)
        waiting: list[Job] = [(Subtree(0, (), problem.roots),)]
        cells = slices = 0
        while waiting:
            job = waiting.pop(rng.randrange(len(waiting)))
            part = count_slice(task, job, Limits(0.0), False)
            assert not part.partial
            assert weight(part.rest, problem) < weight(job, problem) <= 1
            cells, slices = cells + part.cells, slices + 1
            hands = rng.randint(1, 3)
            waiting += [rest for rest in (part.rest[i::hands] for i in range(hands)) if rest]
        assert cells == cells_by_hand(hyperplanes(rows))
        most = max(most, slices)
    assert most > 10


def test_paths_stay_short() -> None:
    rng = np.random.default_rng(1)
    problem = cell_problem(shallow(rng.normal(size=(60, 4)).tolist()))
    assert problem is not None
    tree = CellTree(problem.for_counting(), COUNT_ONLY, count_last_stage=True)
    tree.start(Subtree(0))
    while not tree.work(0.0, cells=50):
        assert all(len(part.path) <= 4 for part in tree.divided().rest)
    assert tree.cells == sum(comb(60, i) for i in range(4))


@pytest.mark.parametrize("path", [((0, 9, 1),), ((0, 2, 1), (0, 3, 1)), ((1, 0, 0),), ((0, 0, 1), (0, 0, 0))])
def test_a_path_that_does_not_exist_is_refused(path: tuple[tuple[int, int, int], ...]) -> None:
    problem = cell_problem(shallow(np.random.default_rng(1).normal(size=(5, 3)).tolist()))
    assert problem is not None
    tree = CellTree(problem.for_counting(), COUNT_ONLY, count_last_stage=True)
    with pytest.raises(CellTreeError, match="a recorded path does not exist"):
        list(tree.run(Subtree(0, path)))


def test_threads_limits_and_checkpoints(tmp_path: Path) -> None:
    """A count of 5 million cells is stopped by a limit, goes on from its checkpoint with two threads, and is exact."""
    network = shallow(np.random.default_rng(3).normal(size=(105, 5)).tolist())
    expected = sum(comb(105, i) for i in range(5))
    seen: list[float] = []
    first = count_cells(network, counts="cells", max_cells=10**6, checkpoint=tmp_path)
    assert not first.complete
    assert 10**6 < first.cells < expected
    second = count_cells(
        network, counts="cells", workers=2, checkpoint=tmp_path, progress=lambda _, share: seen.append(share)
    )
    assert second.complete
    assert second.cells == expected
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_other_problems_keep_their_start_cells() -> None:
    deep = cell_problem(Network.from_layers([[[1, 0], [0, 1]], [[1, -1]]], relu_on_output=True))
    assert deep is not None
    assert deep.for_counting() is deep


# -------------------------------------------------------------------------- many lines of a last stage in one polygon


def polygons(problem: CellProblem) -> int:
    """The cells by counting, which must be those by listing; returns how many polygons were counted at once."""
    tree = CellTree(problem, COUNT_ONLY, count_last_stage=True)
    for _ in tree.run():
        pass
    assert tree.cells == listed(problem)
    return int(tree_counters(tree)["polygons"])


@pytest.mark.parametrize("kind", KINDS)
def test_wide_last_stages_as_by_listing(kind: str) -> None:
    """In boxes, half-planes and cells of earlier stages, bounded or not, with lines through corners and along sides."""
    rng = random.Random(kind)
    found = 0
    for number in range(24):
        dim, before = rng.choice([2, 2, 3, 4]) if kind not in LONG else 2, rng.randint(0, 3)
        rows = random_rows(rng, kind, dim + before, {2: 30, 3: 20, 4: 16}[dim] if kind not in LONG else 24)
        first = random_rows(rng, kind, dim, before) if before else []
        exact = [[rational(v) for v in row] for row in rows]
        stages = []
        if before:
            head = [[rational(v) for v in row] for row in first]
            stages.append(AffineStage(((INPUT, tuple(tuple(r[:-1]) for r in head)),), tuple(r[-1] for r in head)))
            blocks = ((INPUT, tuple(tuple(r[:dim]) for r in exact)), (1, tuple(tuple(r[dim:-1]) for r in exact)))
        else:
            blocks = ((INPUT, tuple(tuple(r[:-1]) for r in exact)),)
        stages.append(AffineStage(blocks, tuple(r[-1] for r in exact)))
        output = AffineStage(((len(stages), (tuple(rational(1) for _ in rows),)),), (rational(0),))
        network = Network(dim, tuple(stages), output)
        domain = [None, Polyhedron.box([-1] * dim, [1] * dim), Polyhedron([[1] * dim], [0])][number % 3]
        problem = cell_problem(network, domain)
        if problem is not None:
            found += polygons(problem)
    assert found > 3


def test_lines_through_the_corners_of_a_square() -> None:
    """Diagonals, sides, and lines through one corner or through two points of the sides."""
    rows = [[a, b, c] for a in range(-2, 3) for b in range(-2, 3) for c in range(-4, 5) if (a, b) > (0, 0)]
    square = Polyhedron.box([-1, -1], [1, 1])
    problem = cell_problem(shallow(rows), square)
    assert problem is not None
    assert polygons(problem) == 1


@pytest.mark.parametrize(("dim", "units", "before"), [(2, 60, 4), (3, 24, 5), (4, 28, 2)])
def test_wide_last_stages_in_general_position(dim: int, units: int, before: int) -> None:
    rng = np.random.default_rng(units)
    shapes = [(before, dim), (units, before), (1, units)]
    network = Network.from_layers([rng.normal(size=s) for s in shapes], [rng.normal(size=s[0]) for s in shapes])
    problem = cell_problem(network)
    assert problem is not None
    assert polygons(problem) > 0
