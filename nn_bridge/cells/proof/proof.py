"""A proof of the number of cells, regions and affine maps of a network, record by record.

The leaves come from the cell engine.  Here they get a tree of splits again, and what makes it a proof that an
independent program can check: rows of the path that prove each sign, a point inside each leaf, points beyond facets.
The records are described in docs/certificates.md.

Nothing wrong is written: signs are the engine's, and the rows that prove them come from a proposal in floating point
with a rigorous bound or from an exact linear program; points are checked in integers, and where the rounded centre of a
leaf or facet does not pass, a certified program gives another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.proof.plan import FacetPlan, cell_centres, plan_facets
from nn_bridge.cells.proof.running_forms import Forms, RunningForms
from nn_bridge.cells.tree import CellTreeError
from nn_bridge.network.network import Network
from polyhedra.arrays import Floats
from polyhedra.implied_rows import implying_rows
from polyhedra.limits import check_limits
from polyhedra.linear_program import InteriorPoint, interior_of
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import common_denominator, primitive
from polyhedra.system import System, float_row

IntegerRow = tuple[int, ...]
Place = tuple[int, int]
"""A unit as (stage, unit) or a wall as (-1, number)."""


@dataclass(frozen=True)
class _Stage:
    """The units of one stage under one prefix: their forms, exact and rounded, and the signs in each block.

    A block is a run of leaves with one pattern up to this stage; ``bounds`` holds where they begin and end.  The
    rounded forms are rows ``a . x <= b`` of the active side.
    """

    number: int
    prefix: tuple[int, ...]
    forms: Forms
    floats: Floats
    bits: NDArray[np.bool_]
    bounds: NDArray[np.int64]

    def row(self, unit: int, side: int) -> IntegerRow:
        """The row ``a . x <= b`` of the unit's active (1) or inactive (0) side."""
        *slope, constant = self.forms[unit]
        return (*[-v for v in slope], constant) if side else (*slope, -constant)


@dataclass(frozen=True)
class _Node:
    """A node that waits: its blocks, its units without a proven sign, and the unit and side that lead to it."""

    stage: _Stage
    blocks: NDArray[np.int64]
    open: NDArray[np.int64]
    height: int
    unit: int
    side: int


class CellProof:
    """The proof of one network on one domain.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
    complex_ : CellComplex, optional
        The complex of this network on this domain, where it is there already.

    Attributes
    ----------
    cells, regions, affine_maps : int
        What it proves.
    walls : tuple of integer rows ``(a, b)``
        The domain is where ``a . x + b >= 0``.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    >>> proof = CellProof(Network.from_layers([[[1], [1]], [[1, -2]]], [[0, -1], [0]]))
    >>> list(proof.records())
    [['split', 0], ['split', 1], ['cell', [2, 1]], ['cell', [1, 2]], ['sign', [0], [], [1]], ['cell', [-1, 1]]]
    """

    def __init__(
        self, network: Network, domain: Polyhedron | None = None, *, complex_: CellComplex | None = None
    ) -> None:
        found = cell_complex(network, domain) if complex_ is None else complex_
        self.problem = found.problem
        inequalities = found.domain.irredundant().inequalities if found.domain is not None else ()
        self.walls = tuple(primitive([*(-a for a in row[:-1]), row[-1]]) for row in inequalities)
        self._dim = found.network.input_dim
        self.cells, self.regions, self.affine_maps = found.cells, found.region_count, found.affine_map_count
        if self.problem is None:
            return
        self._patterns = _patterns_of(found, self.problem)
        self._centres = cell_centres(found)
        self._words = self._patterns.shape[1] // len(self.problem.network.hidden)
        stage_words = [-(-size // 64) for size in self.problem.network.hidden]
        self._zero_offset, self._wall_word = [sum(stage_words[:s]) for s in range(len(stage_words))], sum(stage_words)
        self._plan = plan_facets(found)

    def records(self) -> Iterator[list[Any]]:
        """The records in their order: signs, splits and cells, depth first, the active side first.

        Raises
        ------
        CellTreeError
            The engine's leaves contradict one another.
        """
        if self.problem is None:
            return iter([["cell", [*[0] * self._dim, 1]]])
        return _Walk(self.problem, self._patterns, self._centres, self._plan, self._words).records(
            self._zero_offset, self._wall_word
        )


class _Walk:
    """The state of one walk down the tree: the rows ``a . x <= b`` of the path, exact and rounded."""

    def __init__(
        self, problem: CellProblem, patterns: NDArray[np.uint64], centres: Floats, plan: FacetPlan, words: int
    ) -> None:
        self.problem, self.patterns, self.centres, self.plan, self.words = problem, patterns, centres, plan, words
        self.sizes = problem.network.hidden
        self.forms = RunningForms(problem.network)
        self.rows = [(*(-v for v in wall[:-1]), wall[-1]) for wall in problem.walls]
        self.places: list[Place] = [(-1, i) for i in range(len(self.rows))]
        room = len(self.rows) + sum(self.sizes)
        self.floats = np.zeros((room, problem.dim + 1))
        if self.rows:
            self.floats[: len(self.rows)] = _normalized(self.rows)
        self.lift = _integer_lift(problem)

    def records(self, zero_offset: list[int], wall_word: int) -> Iterator[list[Any]]:
        bit_of = {(-1, i): 64 * wall_word + i for i in range(len(self.rows))}
        bit_of |= {(s, u): 64 * zero_offset[s] + u for s, size in enumerate(self.sizes) for u in range(size)}
        stack = [self._enter(0, 0, len(self.patterns), (), -1, -1)]
        while stack:
            check_limits()
            node = stack.pop()
            self._turn(node)
            while True:
                stage, blocks = node.stage, node.blocks
                counts = stage.bits[blocks[:, None], node.open].sum(axis=0)
                on, off = counts == len(blocks), counts == 0
                yield from self._signs(stage, node.open[on].tolist(), node.open[off].tolist())
                cutting = ~(on | off)
                rest = node.open[cutting]
                if len(rest):
                    choice = int(np.abs(2 * counts[cutting] - len(blocks)).argmin())
                    unit = int(rest[choice])
                    active = stage.bits[blocks, unit]
                    rest = np.delete(rest, choice)
                    height = len(self.rows)
                    stack.append(_Node(stage, blocks[~active], rest, height, unit, 0))
                    stack.append(_Node(stage, blocks[active], rest, height, unit, 1))
                    yield ["split", unit]
                    break
                if len(blocks) != 1:
                    raise CellTreeError("two cells have one pattern; please report this network")
                begin, end = stage.bounds[blocks[0]], stage.bounds[blocks[0] + 1]
                bits = stage.bits[blocks[0]]
                prefix = (*stage.prefix, sum(1 << i for i in np.flatnonzero(bits).tolist()))
                if len(prefix) == len(self.sizes):
                    yield self._cell(int(begin), bit_of)
                    break
                node = self._enter(stage.number + 1, int(begin), int(end), prefix, -1, -1)

    def _enter(self, number: int, begin: int, end: int, prefix: tuple[int, ...], unit: int, side: int) -> _Node:
        """The node at which a stage begins; its open units are those whose form is not constant."""
        words = np.ascontiguousarray(self.patterns[begin:end, number * self.words : (number + 1) * self.words])
        starts = np.concatenate([[0], 1 + np.flatnonzero((words[1:] != words[:-1]).any(axis=1))])
        bits = np.unpackbits(words[starts].view(np.uint8), axis=1, bitorder="little", count=self.sizes[number])
        forms = self.forms.at(prefix)
        floats = _normalized(forms)
        floats[:, :-1] *= -1.0
        stage = _Stage(number, prefix, forms, floats, bits.view(bool), np.append(starts + begin, end))
        open_ = np.array([u for u, form in enumerate(forms) if any(form[:-1])], dtype=np.int64)
        return _Node(stage, np.arange(len(starts)), open_, len(self.rows), unit, side)

    def _turn(self, node: _Node) -> None:
        """Go to a node: its rows are those of its parent and one more."""
        if node.unit < 0:
            return
        del self.rows[node.height :], self.places[node.height :]
        floats = node.stage.floats[node.unit]
        self.floats[node.height] = floats if node.side else -floats
        self.rows.append(node.stage.row(node.unit, node.side))
        self.places.append((node.stage.number, node.unit))

    def _system(self) -> System:
        return System.of_integer_rows(self.rows, 0, self.problem.dim, self.floats[: len(self.rows)])

    # ---------------------------------------------------------------- signs

    def _signs(self, stage: _Stage, active: list[int], inactive: list[int]) -> Iterator[list[Any]]:
        """Records of the units that have one sign from here on; units with the same proof share one."""
        if not active and not inactive:
            return
        targets = [(unit, 1) for unit in active] + [(unit, 0) for unit in inactive]
        floats = stage.floats[active + inactive]
        floats[len(active) :] *= -1.0
        supports = implying_rows(self._system(), floats, lambda k: stage.row(*targets[k]))
        found: dict[tuple[int, ...], tuple[list[int], list[int]]] = {}
        for support, (unit, side) in zip(supports, targets, strict=True):
            found.setdefault(support, ([], []))[1 - side].append(unit)
        for support, (on, off) in found.items():
            yield ["sign", list(support), on, off]

    # ---------------------------------------------------------------- leaves

    def _cell(self, leaf: int, bit_of: dict[Place, int]) -> list[Any]:
        point = self._inside(self.centres[leaf])
        first, last = int(self.plan.begin[leaf]), int(self.plan.begin[leaf + 1])
        whole = bool(self.plan.whole[leaf])
        record = ["cell", self._lifted(point)]
        if first == last and not whole:
            return record
        numbers = []
        facets = []
        for f in range(first, last):
            zeros = int.from_bytes(self.plan.zeros[f].tobytes(), "little")
            i = next((i for i, place in enumerate(self.places) if zeros >> bit_of[place] & 1), None)
            if i is None:
                raise CellTreeError("a facet lies on no inequality of its cell; please report this network")
            numbers.append(i)
            facets.append([i, *self._lifted(self._beyond(i, point, self.plan.centres[f]))])
        record.append(facets)
        if whole:
            record.append(self._redundant(numbers))
        return record

    def _redundant(self, facets: list[int]) -> list[list[Any]]:
        """The proof that all other rows follow from these."""
        floats = np.ascontiguousarray(self.floats[facets])
        system = System.of_integer_rows([self.rows[i] for i in facets], 0, self.problem.dim, floats)
        others = [j for j in range(len(self.rows)) if j not in facets]
        supports = implying_rows(system, self.floats[others], lambda k: self.rows[others[k]])
        return [[j, [facets[i] for i in support]] for j, support in zip(others, supports, strict=True)]

    def _inside(self, centre: Floats) -> list[int]:
        """A point ``[x_1, .., x_n, d]`` (that is x / d) strictly inside all rows, with few digits."""
        for point in _rounded(centre, self._margin(centre)):
            if min(self._slacks(point), default=1) > 0:
                return point
        answer = interior_of(self._system())
        if not isinstance(answer, InteriorPoint):
            raise CellTreeError("a cell has no interior; please report this network")
        return _homogeneous(answer.point)

    def _beyond(self, i: int, point: list[int], centre: Floats) -> list[int]:
        """A point such that the way to it from an inner point leaves the cell through the interior of facet i."""
        start = np.array(float_row(point[:-1], point[-1]))
        with np.errstate(all="ignore"):  # what is not finite is no proposal
            target = 2 * centre - start
        for proposal in _rounded(target, self._margin(centre, i) / 4):
            if self._leaves_through(i, point, proposal):
                return proposal
        own = self.rows[i]
        others = [row for row in self.rows if not _parallel(row, own)]
        answer = interior_of(System.of_integer_rows([own, *others], 1, self.problem.dim))
        if not isinstance(answer, InteriorPoint):
            raise CellTreeError("a facet has no interior; please report this network")
        return _homogeneous([2 * x - fmpq(v, point[-1]) for x, v in zip(answer.point, point[:-1], strict=True)])

    def _leaves_through(self, i: int, point: list[int], target: list[int]) -> bool:
        inside, outside = self._slacks(point), self._slacks(target)
        if outside[i] >= 0:
            return False
        own = self.rows[i]
        for t, s, row in zip(outside, inside, self.rows, strict=True):
            value = inside[i] * t - outside[i] * s
            if value < 0 or (value == 0 and not _parallel(row, own)):
                return False
        return True

    def _slacks(self, point: list[int]) -> list[int]:
        *x, d = point
        return [row[-1] * d - sum([a * v for a, v in zip(row, x, strict=False)]) for row in self.rows]

    def _margin(self, centre: Floats, leave_out: int = -1) -> float:
        """How far each coordinate may move before a row is reached, about (of all rows but one)."""
        floats = self.floats[: len(self.rows)]
        with np.errstate(all="ignore"):
            slack = (floats[:, -1] - floats[:, :-1] @ centre) / np.abs(floats[:, :-1]).sum(axis=1)
        if leave_out >= 0:
            # other rows of the same hyperplane are reached where this one is
            slack = slack[np.abs(slack) > abs(slack[leave_out])]
        return float(min(slack, default=1.0))

    def _lifted(self, point: list[int]) -> list[int]:
        """The point in the coordinates of the network's input."""
        if self.lift is None:
            return point
        rows, scale = self.lift
        lifted = [sum(a * t for a, t in zip(row, point, strict=False)) for row in rows]
        divisor = math.gcd(*lifted, point[-1] * scale)
        return [v // divisor for v in (*lifted, point[-1] * scale)]


def _patterns_of(found: CellComplex, problem: CellProblem) -> NDArray[np.uint64]:
    """The patterns; a network without stages has one unit in the problem, inactive everywhere."""
    return found.pattern_words if found.network.stages else np.zeros((found.cells, 1), np.uint64)


def _rounded(point: Floats, margin: float) -> Iterator[list[int]]:
    """A point rounded to multiples of a power of two below the margin; and again, with more and more digits."""
    if not (np.isfinite(point).all() and math.isfinite(margin)):
        return
    coarse = max(0, -math.frexp(margin)[1] + 1) if margin > 0 else 30
    for digits in (coarse, coarse + 8, coarse + 24):
        if digits < 1000:
            ratios = [x.as_integer_ratio() for x in point.tolist()]
            scaled = [*((p << digits) // q for p, q in ratios), 1 << digits]
            divisor = math.gcd(*scaled)
            yield [v // divisor for v in scaled]


def _homogeneous(point: Any) -> list[int]:
    denominator = common_denominator(point)
    return [*(int(v.p) * (denominator // int(v.q)) for v in point), denominator]


def _parallel(row: IntegerRow, own: IntegerRow) -> bool:
    """Whether two rows have one hyperplane."""
    k = next(c for c, v in enumerate(own) if v)
    return all(a * own[k] == b * row[k] for a, b in zip(row, own, strict=True))


def _normalized(rows: Sequence[Sequence[int]]) -> Floats:
    """Rows divided by a power of two such that the largest coefficient is in [1/2, 1), each entry rounded once."""
    try:
        floats = np.array(rows, dtype=np.float64)
    except OverflowError:
        largest = [max(map(abs, row[:-1])) for row in rows]
        floats = np.array([float_row(row, 1 << top.bit_length()) for row, top in zip(rows, largest, strict=True)])
    exponents = np.frexp(np.abs(floats[:, :-1]).max(axis=1))[1]
    with np.errstate(over="ignore"):  # an entry out of range is infinite, and then proves nothing
        return np.ldexp(floats, -exponents[:, None])


def _integer_lift(problem: CellProblem) -> tuple[list[list[int]], int] | None:
    if problem.lift is None:
        return None
    scale = common_denominator([v for row in problem.lift for v in row])
    return [[int(v.p) * (scale // int(v.q)) for v in row] for row in problem.lift], scale


__all__ = ["CellProof"]
