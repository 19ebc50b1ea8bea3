"""An exact simplex method for small linear programs: the fallback that always answers.

The program is: maximize c.x subject to a_i.x = b_i for the first rows and a_i.x <= b_i for the others, x free.  The
method is a dual simplex with Bland's rule (least index leaves, least index enters), which cannot cycle, on a dictionary
of integers over one common denominator: every entry is a minor of the data, so the division in a pivot leaves no
remainder (Edmonds), and no fraction is ever reduced.  The start is dual feasible by construction: the objective itself
is made a row ``c.x <= M`` with M beyond all numbers, kept as a second component of every constant, and compared first.
If that row is still tight at the end, the program is unbounded and the M-part of the solution is the direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flint import fmpq, fmpz

from polyhedra.limits import check_limits
from polyhedra.scalars import common_denominator

ARTIFICIAL = -1


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the simplex method.

    Attributes
    ----------
    status : "optimal", "unbounded" or "infeasible"
    multipliers : dict of row index to rational
        With "optimal" the dual solution, with "infeasible" a Farkas combination; rows that are left out have zero.
    point : list of rationals
        A solution ("optimal"), the constant part of the ray of solutions ("unbounded"), empty otherwise.
    direction : list of rationals
        The M-part ("unbounded"), empty otherwise.
    """

    status: Literal["optimal", "unbounded", "infeasible"]
    multipliers: dict[int, fmpq]
    point: list[fmpq]
    direction: list[fmpq]


def maximize(rows: Sequence[Sequence[int]], n_equal: int, objective: Sequence[fmpq | int], dim: int) -> Answer:
    """Solve a small linear program exactly.

    Parameters
    ----------
    rows : sequence of integer rows (a_1, ..., a_dim, b)
        The constraints.
    n_equal : int
        The first ``n_equal`` rows are equalities, the others inequalities a.x <= b.
    objective : sequence of numbers, length dim
    dim : int
        The number of variables.
    """
    return _Dictionary(rows, n_equal, objective, dim).solve()


class _Dictionary:
    """Slack i = (constant[i] + sum_k body[i][k] * nonbasic[k]) / denominator; after the m slacks come the variables x.

    A nonbasic name is None for a variable that is still free, a row index for a slack, ARTIFICIAL for c.x <= M.
    """

    def __init__(self, rows: Sequence[Sequence[int]], n_equal: int, objective: Sequence[fmpq | int], dim: int) -> None:
        self.m, self.dim, self.n_equal = len(rows), dim, n_equal
        self.names: list[int | None] = [None] * dim  # None: a free variable at zero
        self.denominator = fmpz(1)
        self.body = [[fmpz(-a) for a in row[:dim]] for row in rows]
        self.constant = [fmpz(row[dim]) for row in rows]
        self.body += [[fmpz(i == j) for j in range(dim)] for i in range(dim)]
        self.constant += [fmpz(0)] * dim
        self.beyond = [fmpz(0)] * (self.m + dim)  # the coefficients of M
        exact = [fmpq(c) for c in objective]
        self.objective_scale = common_denominator(exact)
        self.body.append([(c * self.objective_scale).p for c in exact])  # last row: the objective
        self.constant.append(fmpz(0))
        self.beyond.append(fmpz(0))
        self.basic = set(range(self.m))

    def solve(self) -> Answer:
        for index in range(self.n_equal):
            if not self._enter_free(index) and self.constant[index] != 0:
                return self._infeasible(index)
        self._add_artificial()
        for index in range(self.n_equal, self.m):
            if None not in self.names:
                break
            self._enter_free(index)
        while (leaving := self._violated()) is not None:
            entering = self._entering(leaving)
            if entering is None:
                return self._infeasible(leaving)
            self._pivot(leaving, entering)
        variables = range(self.m, self.m + self.dim)
        point = [fmpq(self.constant[i], self.denominator) for i in variables]
        if ARTIFICIAL in self.names:
            return Answer("unbounded", {}, point, [fmpq(self.beyond[i], self.denominator) for i in variables])
        return Answer("optimal", self._multipliers(self.body[-1], self.objective_scale), point, [])

    def _enter_free(self, index: int) -> bool:
        """Make a slack nonbasic in exchange for a free variable; False if it depends on none."""
        for k, name in enumerate(self.names):
            if name is None and self.body[index][k] != 0:
                self._pivot(index, k)
                return True
        return False

    def _add_artificial(self) -> None:
        objective = self.body[-1]
        for k, name in enumerate(self.names):
            if name is None and objective[k] != 0:
                # the slack of c.x <= M:  M - objective; exchanged for the free variable k, then forgotten as a row
                slack = [-value for value in objective]
                self.body.append(slack)
                self.constant.append(-self.constant[-1])
                self.beyond.append(self.denominator)
                self._exchange(len(self.body) - 1, k)
                self.names[k] = ARTIFICIAL
                self.body.pop()
                self.constant.pop()
                self.beyond.pop()
                return

    def _violated(self) -> int | None:
        for index in sorted(self.basic):
            beyond, constant = self.beyond[index], self.constant[index]
            if index >= self.n_equal and (beyond < 0 or (beyond == 0 and constant < 0)):
                return index
        return None

    def _entering(self, leaving: int) -> int | None:
        """The least ratio of reduced cost to coefficient; ties go to the least index."""
        row, costs = self.body[leaving], self.body[-1]
        best: int | None = None
        least = 0  # the name in column `best`
        for k, name in enumerate(self.names):
            if name is None or 0 <= name < self.n_equal or row[k] <= 0:
                continue
            excess = 0 if best is None else costs[best] * row[k] - costs[k] * row[best]  # of this ratio over the best
            if best is None or excess < 0 or (excess == 0 and name < least):
                best, least = k, name
        return best

    def _pivot(self, leaving: int, entering: int) -> None:
        check_limits()
        old = self.names[entering]
        self._exchange(leaving, entering)
        self.names[entering] = leaving
        self.basic.discard(leaving)
        if old is not None and old >= 0:
            self.basic.add(old)

    def _exchange(self, leaving: int, entering: int) -> None:
        pivot_row, constant, beyond = self.body[leaving], self.constant[leaving], self.beyond[leaving]
        pivot, old = pivot_row[entering], self.denominator
        factor = abs(pivot)
        for i, row in enumerate(self.body):
            if i == leaving:
                continue
            scale = row[entering]
            if scale == 0:
                if factor != old:
                    self.body[i] = [value * factor // old if value else value for value in row]
                    self.constant[i] = self.constant[i] * factor // old
                    self.beyond[i] = self.beyond[i] * factor // old
                continue
            if pivot < 0:
                scale = -scale
            self.body[i] = [(value * factor - scale * p) // old for value, p in zip(row, pivot_row, strict=True)]
            self.body[i][entering] = scale
            self.constant[i] = (self.constant[i] * factor - scale * constant) // old
            self.beyond[i] = (self.beyond[i] * factor - scale * beyond) // old
        self.denominator = factor
        # a nonbasic slack stands for itself, so that the loop above also solves for it when it leaves
        self.body[leaving] = [factor if k == entering else fmpz(0) for k in range(self.dim)]
        self.constant[leaving] = self.beyond[leaving] = fmpz(0)

    def _multipliers(self, row: Sequence[fmpz], scale: int) -> dict[int, fmpq]:
        """Minus the coefficients of the nonbasic slacks: row = value - sum of multiplier times slack."""
        divisor = scale * self.denominator
        return {
            name: fmpq(-row[k], divisor)
            for k, name in enumerate(self.names)
            if name is not None and name >= 0 and row[k]
        }

    def _infeasible(self, index: int) -> Answer:
        """Slack = constant + combination of slacks that cannot be positive, so it cannot be non-negative.

        For a dependent equality with a constant that is not zero the same holds with either sign.
        """
        sign = 1 if self.constant[index] < 0 or index >= self.n_equal else -1
        multipliers = self._multipliers([sign * value for value in self.body[index]], 1)
        multipliers[index] = fmpq(sign)
        return Answer("infeasible", multipliers, [], [])
