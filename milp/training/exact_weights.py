"""Weights of units with given supports and activations that fit data exactly, or a proof that there are none.

Where the columns are independent the weights are determined, and their signs decide. Else an exact linear program for
each choice of the units' signs gives weights, or a Farkas combination.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product

from flint import fmpq, fmpq_mat, fmpz_mat, nmod_mat

from milp.training.fit_data import FitData
from milp.training.supports import Block
from polyhedra.limits import limited_by
from polyhedra.linear_program import Infeasible, maximize
from polyhedra.scalars import ZERO, rational

Limits = tuple[fmpq | None, fmpq | None]
"""Of the absolute values of weights and of biases; None for all real numbers."""


_PRIME = 2**61 - 1  # ranks modulo it decide most sums; no answer depends on it


class OutOfTime(Exception):
    """The deadline was reached within a level."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A hidden unit of a fit.

    Attributes
    ----------
    sign : int
        The output weight, 1 or -1.
    block : Block
    weights : tuple of rationals
        Of the block's columns, for the data as given.
    """

    sign: int
    block: Block
    weights: tuple[fmpq, ...]


@dataclass(frozen=True, slots=True)
class Refutation:
    """A Farkas combination: no weights of these blocks with these signs fit.

    Attributes
    ----------
    blocks : tuple of Block
    signs : tuple of int
    equations : tuple of N rationals
        Multipliers m of the samples: sum m_n y_n < 0.
    inequalities : tuple of rows of N rationals
        Multipliers l >= 0 of each unit's signs: sum_n m_n s 1_P(n) x_n = sum_n l_n e_n x_n on its support, where e is
        1 on active samples and -1 on others.
    """

    blocks: tuple[Block, ...]
    signs: tuple[int, ...]
    equations: tuple[fmpq, ...]
    inequalities: tuple[tuple[fmpq, ...], ...]


@dataclass(slots=True)
class ExactWeights:
    """The exact decisions about blocks.

    Attributes
    ----------
    data : FitData
    limits : pair of rationals or None
        Of weights and of biases; None for all real numbers.
    signs : (K+, K-) or None
        How many units of each sign there may be; None for free signs.
    check : callable
        Called before each decision and in each round of a program; may raise to end it.
    refutations : list of Refutation
        Of the programs without a solution.
    """

    data: FitData
    limits: Limits | None
    signs: tuple[int, int] | None
    check: Callable[[], None]
    refutations: list[Refutation] = field(default_factory=list)

    def holds(self, rows: list[tuple[int, ...]] | list[list[int]]) -> bool:
        """Whether the target lies in the span of integer rows, exactly."""
        self.check()
        listed = [list(row) for row in rows]
        residues = [[value % _PRIME for value in row] for row in (*listed, self.data.goal)]
        # a rank modulo a prime is at most the rank: what has full rank there has it over the rationals
        if nmod_mat(residues, _PRIME).rank() == len(residues):
            return False
        if nmod_mat(residues[:-1], _PRIME).rank() == self.data.samples:
            return True
        return bool(fmpz_mat(listed).rank() == fmpz_mat([*listed, list(self.data.goal)]).rank())

    def weights_of(self, blocks: tuple[Block, ...]) -> tuple[Unit, ...] | None:
        """Weights of these blocks that fit, with any signs; exact."""
        goal = self.data.goal
        rows = [row for block in blocks for row in block.masked(self.data)]
        if not self.holds(rows):
            return None
        if fmpz_mat(rows).rank() == len(rows):
            reduced, _ = fmpq_mat(fmpz_mat([[*column, y] for *column, y in zip(*rows, goal, strict=True)])).rref()
            values = [reduced[i, len(rows)] for i in range(len(rows))]
            return self._signed(blocks, values)
        for signs in product((1, -1), repeat=len(blocks)):
            self.check()
            if not self._may_have(signs):
                continue
            found = self._program(blocks, signs)
            if isinstance(found, Refutation):
                self.refutations.append(found)
            else:
                return found
        return None

    def _signed(self, blocks: tuple[Block, ...], values: list[fmpq]) -> tuple[Unit, ...] | None:
        """The units of the only outputs that fit, if each has its pattern with one of the signs."""
        units, start = [], 0
        for block in blocks:
            part = values[start : start + len(block.support)]
            start += len(block.support)
            if not any(part):
                continue
            sign = next((s for s in (1, -1) if self._has_pattern(block, [s * value for value in part])), None)
            if sign is None:
                return None
            units.append(self._unit(sign, block, [sign * value for value in part]))
        signs = tuple(unit.sign for unit in units)
        return tuple(units) if self._may_have(signs) and all(map(self._within, units)) else None

    def _may_have(self, signs: tuple[int, ...]) -> bool:
        return self.signs is None or all(signs.count(s) <= k for s, k in zip((1, -1), self.signs, strict=True))

    def _has_pattern(self, block: Block, weights: list[fmpq]) -> bool:
        columns = [self.data.columns[i] for i in block.support]
        for on, *row in zip(block.active, *columns, strict=True):
            value = sum((weight * x for weight, x in zip(weights, row, strict=True)), ZERO)
            if value < 0 if on else value > 0:
                return False
        return True

    def _unit(self, sign: int, block: Block, weights: list[fmpq]) -> Unit:
        return Unit(
            sign, block, tuple(self.data.weight(i, value) for i, value in zip(block.support, weights, strict=True))
        )

    def _limit(self, column: int) -> fmpq | None:
        return None if self.limits is None else self.limits[int(column == self.data.features)]

    def _within(self, unit: Unit) -> bool:
        pairs = ((self._limit(i), value) for i, value in zip(unit.block.support, unit.weights, strict=True))
        return all(limit is None or abs(value) <= limit for limit, value in pairs)

    def _program(self, blocks: tuple[Block, ...], signs: tuple[int, ...]) -> tuple[Unit, ...] | Refutation:
        """The exact linear program of blocks with signs."""
        data = self.data
        width = sum(len(block.support) for block in blocks)
        equations = [[0] * width for _ in range(data.samples)]
        rows: list[list[fmpq | int]] = []
        right: list[fmpq] = []
        start = 0
        for block, sign in zip(blocks, signs, strict=True):
            for n, on in enumerate(block.active):
                row: list[fmpq | int] = [0] * width
                for j, i in enumerate(block.support):
                    value = data.columns[i][n]
                    row[start + j] = -value if on else value
                    if on:
                        equations[n][start + j] += sign * value
                rows.append(row)
                right.append(ZERO)
            start += len(block.support)
        places = [i for block in blocks for i in block.support]
        for j, i in enumerate(places):
            limit = self._limit(i)
            if limit is not None:
                for side in (1, -1):
                    rows.append([data.weight(i, rational(side)) if j == k else ZERO for k in range(width)])
                    right.append(limit)
        with limited_by(self.check):
            answer = maximize([ZERO] * width, rows, right, equations, data.goal)
        if isinstance(answer, Infeasible):
            parts = answer.multipliers[: len(blocks) * data.samples]
            grouped = tuple(tuple(parts[k * data.samples : (k + 1) * data.samples]) for k in range(len(blocks)))
            return Refutation(blocks, signs, tuple(answer.equality_multipliers), grouped)
        values, units = list(answer.point), []
        for block, sign in zip(blocks, signs, strict=True):
            units.append(self._unit(sign, block, values[: len(block.support)]))
            values = values[len(block.support) :]
        return tuple(units)
