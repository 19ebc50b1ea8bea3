"""The proof of a property as lines of a certificate: splits, bounds, and sums of rows that are negative.

Two ways, for each system of the property: the tree of boxes of `milp.box_search`, whose bounds are written down where
they are used; and, where the inputs are many or no margin is left, a tree of units stage by stage, whose leaves are
cells with exact multipliers of a linear program (Farkas). docs/certificates.md has the format. What is written here is
only proposed: the checker judges every line.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from flint import fmpq

from milp.bounding import network_bounds
from milp.bounds import OutOfRange
from milp.box_search import BoxSearch, search_boxes
from milp.choice import boxes_can_win
from milp.domain import BoundedDomain, OutOfTime
from milp.properties import inputs_of, slack_of
from milp.property_form import Relation, rows_of
from milp.vnnlib import LinearRow
from nn_bridge.network.joint import stacked
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.linear_program import Infeasible, Optimal, maximize
from polyhedra.scalars import ONE, ZERO, common_denominator, rational

PRECISION = 48
"""Bounds and cuts are multiples of 2^-48."""

_FEW_BOXES = 200  # with many inputs
_MOST_BOXES = 20_000

Record = list[Any]


class NotProven(FormulationError):
    """No proof was found."""


def proof_records(
    network: Network, systems: Sequence[list[Relation]], *, deadline: float | None = None
) -> Iterator[Record]:
    """The lines of a proof that no input satisfies any of the systems (of `normal_form`).

    Raises
    ------
    OutOfTime
        The deadline, a value of ``time.monotonic``, has passed.
    NotProven
        A system has a solution, or no proof was found.
    """
    for system in systems:
        yield from _System(network, rows_of(system, network.input_dim), deadline).records()


class _System:
    def __init__(self, network: Network, rows: tuple[LinearRow, ...], deadline: float | None) -> None:
        self.network, self.rows, self.deadline = network, rows, deadline
        self.n = network.input_dim
        self.over_inputs = [i for i, row in enumerate(rows) if not any(row.outputs)]
        reads = {i: [j for j, a in enumerate(rows[i].inputs) if a != 0] for i in self.over_inputs}
        # the rows that bounds on boxes can refute: all but ends of single inputs
        self.decisive = [i for i in range(len(rows)) if i not in reads or len(reads[i]) > 1]
        self.ends: list[list[tuple[int, fmpq]]] = [
            [] for _ in range(self.n)
        ]  # of each input, by single rows: sign, end
        for i, used in reads.items():
            if len(used) == 1:
                a = rows[i].inputs[used[0]]
                self.ends[used[0]].append((1 if a > 0 else -1, rows[i].right / a))

    def records(self) -> Iterator[Record]:
        _in_time(self.deadline)
        region = inputs_of(self.rows, self.n, self.deadline)
        _in_time(self.deadline)
        contradiction = self._contradiction(region)
        if contradiction is not None:
            yield ["leaf", contradiction, []]
            return
        assert region is not None
        found = self._boxes(region)
        if found is None:
            yield from _Cells(self.network, self.rows, self.deadline).records()
        else:
            yield from self._ends(region)
            yield from _BoxTree(self, region, found).records()

    def _contradiction(self, region: BoundedDomain | None) -> list[list[int]] | None:
        for i in self.over_inputs:
            row = self.rows[i]
            if not any(row.inputs) and (row.right < 0 or (row.strict and row.right == 0)):
                return [[i, 1]]
        if region is not None:
            return None
        rows = [self.rows[i] for i in self.over_inputs]
        answer = maximize((ZERO,) * self.n, [row.inputs for row in rows], [row.right for row in rows])
        assert isinstance(answer, Infeasible)
        return _whole(dict(zip(self.over_inputs, answer.multipliers, strict=True)))[1]

    # ---------------------------------------------------------------- boxes

    def _boxes(self, region: BoundedDomain) -> BoxSearch | None:
        if not self.decisive:
            return None
        try:
            found = search_boxes(
                self.network,
                region,
                network_bounds(self.network, region, "interval"),
                [slack_of(self.rows[i]).as_stage(self.network) for i in self.decisive],
                self._holds,
                deadline=self.deadline,
                max_boxes=_MOST_BOXES if boxes_can_win(region) else _FEW_BOXES,
                grain=PRECISION,
            )
        except OutOfRange:
            return None
        if found.point is not None:
            raise NotProven("the property is violated: there is nothing to certify")
        return found if found.proven else None

    def _holds(self, point: tuple[fmpq, ...]) -> bool:
        outputs = self.network.evaluate(point)
        return all(row.holds_at(point, outputs) for row in self.rows)

    def _ends(self, region: BoundedDomain) -> Iterator[Record]:
        """Ends of inputs that no single row gives, with multipliers of rows over the inputs."""
        entries = []
        rows = [self.rows[i] for i in self.over_inputs]
        A, b = [row.inputs for row in rows], [row.right for row in rows]
        for j in range(self.n):
            ends: list[int | None] = []
            proofs: list[Record] = []
            for sign, limit in ((-1, region.lower[j]), (1, region.upper[j])):
                if any(side == sign and sign * end <= sign * limit for side, end in self.ends[j]):
                    ends.append(None)
                    proofs.append([1, [], []])
                    continue
                answer = maximize([fmpq(sign * (i == j)) for i in range(self.n)], A, b)
                assert isinstance(answer, Optimal)
                factor, multipliers = _whole(dict(zip(self.over_inputs, answer.multipliers, strict=True)))
                ends.append(sign * _up(sign * limit))
                proofs.append([factor, multipliers, []])
            if ends != [None, None]:
                entries.append([j, *ends, *proofs])
        if entries:
            yield ["bounds", 0, entries]


class _BoxTree:
    """The lines of a tree of boxes: bounds of all units on the root, of those that change sign on each closed box."""

    def __init__(self, system: _System, region: BoundedDomain, found: BoxSearch) -> None:
        from milp.box_bounds import BoxBounds

        network = system.network
        rows = stacked([slack_of(system.rows[i]).as_stage(network) for i in system.decisive])
        bounds = network_bounds(network, region, "interval")
        self.system, self.found = system, found
        self.bounds = BoxBounds(network, rows, bounds, PRECISION)
        self.low, self.high = np.array(bounds.input[0]), np.array(bounds.input[1])
        self.root = self.bounds.bound(self.low[None], self.high[None]).known

    def records(self) -> Iterator[Record]:
        for k, (least, greatest) in enumerate(self.root):
            yield ["bounds", k + 1, [[i, _grains(least[0, i]), _grains(greatest[0, i])] for i in range(least.shape[1])]]
        waiting = [(0, self.low, self.high)]
        while waiting:
            _in_time(self.system.deadline)
            number, low, high = waiting.pop()
            cut = self.found.cuts.get(number)
            if cut is None:
                yield from self._leaf(number, low, high)
                continue
            yield ["cut", cut.coordinate, _grains(cut.at)]
            below, above = high.copy(), low.copy()
            below[cut.coordinate] = above[cut.coordinate] = cut.at
            waiting += [(cut.above, above, high), (cut.below, low, below)]

    def _leaf(self, number: int, low: Any, high: Any) -> Iterator[Record]:
        if number:
            known = self.bounds.bound(low[None], high[None], self.root).known
            for k, ((least, greatest), (before, after)) in enumerate(zip(known, self.root, strict=True)):
                entries = []
                for i in np.nonzero((before[0] < 0) & (after[0] > 0))[0].tolist():  # what the root has is not repeated
                    ends = ((least[0, i], before[0, i]), (greatest[0, i], after[0, i]))
                    new = [None if end == old else _grains(end) for end, old in ends]
                    if new != [None, None]:
                        entries.append([i, *new])
                if entries:
                    yield ["bounds", k + 1, entries]
        yield ["leaf", [[self.system.decisive[self.found.closed[number]], 1]], []]


class _Cells:
    """A tree of units, stage by stage: an exact program says which cut the cell, and refutes the rows on each leaf."""

    def __init__(self, network: Network, rows: tuple[LinearRow, ...], deadline: float | None) -> None:
        self.network, self.rows, self.deadline = network, rows, deadline
        self.n = network.input_dim
        self.over_inputs = [i for i, row in enumerate(rows) if not any(row.outputs)]

    def records(self) -> Iterator[Record]:
        """Depth first; a waiting place is the pattern so far and the rows of its path as forms >= 0."""
        waiting: list[tuple[list[list[bool | None]], list[tuple[fmpq, ...]]]] = [([], [])]
        while waiting:
            pattern, path = waiting.pop()
            closed = False
            while not closed:
                _in_time(self.deadline)
                if not pattern or None not in pattern[-1]:
                    if len(pattern) == len(self.network.stages):
                        yield ["leaf", self._refuted(pattern, path), []]
                        break
                    pattern.append([None] * self.network.stages[len(pattern)].units)
                k = len(pattern) - 1
                unit = pattern[k].index(None)
                form = self.network.affine_forms(_decided(pattern[:-1]))[k][unit]
                signs = self._sign(form, path)
                if signs is None:  # nothing is here
                    yield ["leaf", self._empty(path), []]
                    closed = True
                elif len(signs) == 2:
                    other = ([list(stage) for stage in pattern], [*path, tuple(-v for v in form)])
                    other[0][k][unit] = False
                    waiting.append(other)
                    yield ["split", k + 1, unit]
                    path = [*path, form]
                    pattern[k][unit] = True
                else:
                    ((active, end, proof),) = signs
                    pattern[k][unit] = active
                    none: Record = [1, [], []]
                    sides = [end, None, proof, none] if active else [None, end, none, proof]
                    yield ["bounds", k + 1, [[unit, *sides]]]

    def _system(self, path: list[tuple[fmpq, ...]]) -> tuple[list[Any], list[fmpq]]:
        """The rows over the inputs and those of the path as a . x <= b."""
        rows = [self.rows[i] for i in self.over_inputs]
        A = [row.inputs for row in rows] + [tuple(-v for v in form[:-1]) for form in path]
        return A, [row.right for row in rows] + [form[-1] for form in path]

    def _numbered(self, multipliers: Sequence[fmpq], path: int) -> dict[int, fmpq]:
        names = [*self.over_inputs, *range(len(self.rows), len(self.rows) + path)]
        return dict(zip(names, multipliers, strict=True))

    def _sign(self, form: tuple[fmpq, ...], path: list[tuple[fmpq, ...]]) -> list[tuple[bool, int, Record]] | None:
        """The sign of a form here with its proof; both signs where it cuts the place; None where the place is empty."""
        if not any(form[:-1]):
            active = form[-1] >= 0
            return [(active, -_up(-form[-1]) if active else _up(form[-1]), [1, [], []])]
        found: list[tuple[bool, int, Record]] = []
        A, b = self._system(path)
        for active in (True, False):
            sign = -1 if active else 1
            answer = maximize([sign * v for v in form[:-1]], A, b)
            if isinstance(answer, Infeasible):
                return None
            assert isinstance(answer, Optimal)
            greatest = answer.value + sign * form[-1]
            if greatest <= 0:
                factor, multipliers = _whole(self._numbered(answer.multipliers, len(path)))
                return [(active, sign * _up(greatest), [factor, multipliers, []])]
            found.append((active, 0, []))
        return found

    def _empty(self, path: list[tuple[fmpq, ...]]) -> list[list[int]]:
        A, b = self._system(path)
        answer = maximize((ZERO,) * self.n, A, b)
        assert isinstance(answer, Infeasible)
        return _whole(self._numbered(answer.multipliers, len(path)))[1]

    def _refuted(self, pattern: list[list[bool | None]], path: list[tuple[fmpq, ...]]) -> list[list[int]]:
        """Multipliers of rows whose sum is negative on the cell, or 0 with a strict row among them."""
        outputs = self.network.affine_forms(_decided(pattern))[-1]
        A, b = self._system(path)
        names = [*self.over_inputs, *range(len(self.rows), len(self.rows) + len(path))]
        for i, row in enumerate(self.rows):
            if any(row.outputs):
                a, right = list(row.inputs), row.right
                for weight, form in zip(row.outputs, outputs, strict=True):
                    a = [p + weight * q for p, q in zip(a, form[:-1], strict=True)]
                    right -= weight * form[-1]
                A.append(tuple(a))
                b.append(right)
                names.append(i)
        answer: Any = maximize((ZERO,) * self.n, A, b)
        if isinstance(answer, Infeasible):
            return _whole(dict(zip(names, answer.multipliers, strict=True)))[1]
        strict = [i < len(self.rows) and self.rows[i].strict for i in names]
        if any(strict):
            lifted = [(*a, ONE if mark else ZERO) for a, mark in zip(A, strict, strict=True)]
            top = (*(ZERO,) * self.n, ONE)
            answer = maximize(top, [*lifted, top], [*b, ONE])
            if isinstance(answer, Optimal) and answer.value <= 0:
                return _whole(dict(zip(names, answer.multipliers[:-1], strict=True)))[1]
        raise NotProven("the property is violated on a cell: there is nothing to certify")


def _decided(pattern: Sequence[Sequence[bool | None]]) -> tuple[tuple[bool, ...], ...]:
    return tuple(tuple(bool(active) for active in stage) for stage in pattern)


def _whole(multipliers: dict[int, fmpq]) -> tuple[int, list[list[int]]]:
    """Multipliers as integers over one denominator, without zeros."""
    scale = common_denominator(list(multipliers.values()))
    return int(scale), [[i, int(scale * y)] for i, y in multipliers.items() if y != 0]


def _up(value: fmpq) -> int:
    """The least multiple of 2^-PRECISION that is at least a number, as a multiple."""
    p, q = int(value.p) << PRECISION, int(value.q)
    return -(-p // q)


def _grains(value: float) -> int:
    """A float that is a multiple of 2^-PRECISION, as a multiple."""
    return _up(rational(float(value)))


def _in_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise OutOfTime("time limit")
