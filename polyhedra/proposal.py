"""Floating-point proposals for linear programs, and their verification in exact arithmetic.

The compiled dual simplex method names a final basis.  What it stands for is solved exactly from the integer rows, and
every claim is checked: signs of the multipliers exactly, rows away from the solution by a floating-point filter with a
rigorous bound, rows near it exactly.  A proposal that does not pass is None, and the caller solves exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from flint import fmpq, fmpz_mat
from numpy.typing import NDArray

from polyhedra import _kernels as kernels
from polyhedra.exact_simplex import Answer
from polyhedra.scalars import ZERO
from polyhedra.system import IntegerRow, System, float_row


def maximize(system: System, objective: IntegerRow) -> Answer | None:
    """Propose and verify the answer to: maximize c.x over the system, for an integer objective.

    Returns
    -------
    Answer or None
        As from `polyhedra.exact_simplex.maximize`.
    """
    dim, rows = system.dim, system.floats()
    largest = max((abs(c).bit_length() for c in objective), default=0)
    top = np.array([*float_row(objective, 1 << largest), 0.0])
    basis, point = np.empty(dim + 1, dtype=np.int64), np.empty(dim)
    status = kernels.propose(rows, system.n_equal, top, True, basis, point)
    if status == kernels.GAVE_UP:
        return None
    names = basis.tolist()
    exact = [_basis_row(system, (*objective, 0), name) for name in names[:dim]]
    if dim == 0:
        return None
    matrix = fmpz_mat(dim, dim, [value for row in exact for value in row[:-1]])
    try:
        if status == kernels.INFEASIBLE:
            return _infeasible(system, names, exact, matrix)
        if status == kernels.UNBOUNDED:
            return _unbounded(system, names, exact, matrix)
        return _optimal(system, objective, names, exact, matrix)
    except ZeroDivisionError:  # the basis is singular
        return None


def interior(system: System) -> tuple[fmpq, ...] | dict[int, fmpq] | None:
    """Propose and verify a point that satisfies all inequalities strictly, or multipliers that prove there is none.

    Returns
    -------
    tuple of fmpq, dict or None
        The point; or for rows by number their multipliers; or nothing that could be verified.
    """
    dim, n_equal, rows = system.dim, system.n_equal, system.floats()
    if dim == 0:
        return None
    lifted = np.empty((system.count, dim + 2))
    lifted[:, :dim] = rows[:, :dim]
    lifted[:n_equal, dim] = 0.0
    lifted[n_equal:, dim] = 1.0
    lifted[:, dim + 1] = rows[:, dim]
    top = np.zeros(dim + 2)
    top[dim:] = 1.0
    basis, point = np.empty(dim + 2, dtype=np.int64), np.empty(dim + 1)
    status = kernels.propose(lifted, n_equal, top, False, basis, point)
    if status == kernels.GAVE_UP:
        return None
    names = basis.tolist()
    if status == kernels.OPTIMAL and n_equal == 0 and point[dim] > 0.0 and not _doubtful(system, point[:dim]):
        return tuple([fmpq(*x.as_integer_ratio()) for x in point[:dim].tolist()])
    unit = (*(0,) * dim, 1)
    exact = [_lifted_row(system, name) for name in names[: dim + 1]]
    matrix = fmpz_mat(dim + 1, dim + 1, [value for row in exact for value in row[:-1]])
    try:
        if status == kernels.INFEASIBLE:
            target = _lifted_row(system, names[dim + 1])
            multipliers = _combination(system, names, matrix, target[:-1], -1)
            if multipliers is None:
                return None
            multipliers[names[dim + 1]] = fmpq(1)
        else:
            solution = matrix.solve(fmpz_mat(dim + 1, 1, [row[-1] for row in exact])).entries()
            if solution[dim] > 0:
                return tuple(solution[:dim]) if _strictly_inside(system, solution[:dim]) else None
            multipliers = _combination(system, names, matrix, unit, 1)
            if multipliers is None:
                return None
    except ZeroDivisionError:
        return None
    bound = ZERO
    for index, value in multipliers.items():
        bound += value * (system.row(index)[-1] if index < system.count else 1)
    positive = any(index >= n_equal for index in multipliers)
    if system.count in multipliers or bound > 0 or (bound == 0 and not positive):
        return None
    return multipliers


def _basis_row(system: System, top: IntegerRow, name: int) -> IntegerRow:
    if name < 0:
        return tuple([int(j == -1 - name) for j in range(system.dim)]) + (0,)
    return system.row(name) if name < system.count else top


def _lifted_row(system: System, name: int) -> IntegerRow:
    dim = system.dim
    if name < 0:
        return tuple([int(j == -1 - name) for j in range(dim + 1)]) + (0,)
    if name == system.count:
        return (*(0,) * dim, 1, 1)
    row = system.row(name)
    return (*row[:dim], 0 if name < system.n_equal else 1 << system.exponent(name), row[dim])


def _combination(
    system: System, names: Sequence[int], matrix: fmpz_mat, target: Sequence[int], sign: int
) -> dict[int, fmpq] | None:
    """Write sign * target as a combination of the basis rows with non-negative weights on the inequalities."""
    size = len(target)
    weights = matrix.transpose().solve(fmpz_mat(size, 1, list(target))).entries()
    multipliers = {}
    for name, weight in zip(names, weights, strict=False):
        numerator = int(weight.p)
        if numerator:
            if name < 0 or (name >= system.n_equal and numerator * sign < 0):
                return None
            multipliers[name] = weight if sign > 0 else -weight
    return multipliers


def _infeasible(system: System, names: Sequence[int], exact: Sequence[IntegerRow], matrix: fmpz_mat) -> Answer | None:
    violated = names[system.dim]
    row = system.row(violated)
    multipliers = _combination(system, names, matrix, row[:-1], -1)
    if multipliers is None or system.count in multipliers:
        return None
    bound = fmpq(row[-1])
    for index, value in multipliers.items():
        bound += value * system.row(index)[-1]
    if bound >= 0:
        return None
    multipliers[violated] = fmpq(1)
    return Answer("infeasible", multipliers, [], [])


def _optimal(
    system: System,
    objective: IntegerRow,
    names: Sequence[int],
    exact: Sequence[IntegerRow],
    matrix: fmpz_mat,
) -> Answer | None:
    dim = system.dim
    multipliers = _combination(system, names, matrix, objective, 1)
    if multipliers is None:
        return None
    point = matrix.solve(fmpz_mat(dim, 1, [row[-1] for row in exact])).entries()
    if not _satisfied(system, names, point):
        return None
    return Answer("optimal", multipliers, point, [])


def _unbounded(system: System, names: Sequence[int], exact: Sequence[IntegerRow], matrix: fmpz_mat) -> Answer | None:
    dim = system.dim
    right = [value for row, name in zip(exact, names, strict=False) for value in (row[-1], int(name == system.count))]
    solved = matrix.solve(fmpz_mat(dim, 2, right)).entries()
    point, direction = solved[::2], solved[1::2]
    moved, _ = _cleared(direction)
    placed, denominator = _cleared(point)
    for index in _doubtful(system, _floats(direction), homogeneous=True):
        *a, b = system.row(index)
        gain = _product(a, moved)
        place = _product(a, placed) - b * denominator
        if gain > 0 or (gain == 0 and place > 0) or (index < system.n_equal and (gain or place)):
            return None
    return Answer("unbounded", {}, point, direction)


def _satisfied(system: System, names: Sequence[int], point: Sequence[fmpq]) -> bool:
    """Whether a point, for which the basis rows hold with equality, satisfies all rows."""
    near = _doubtful(system, _floats(point))
    if len(near) <= system.dim and all(index in names for index in near):
        return True
    integers, denominator = _cleared(point)
    for index in near:
        if index not in names:
            *a, b = system.row(index)
            slack = b * denominator - _product(a, integers)
            if slack < 0 or (slack and index < system.n_equal):
                return False
    return True


def _strictly_inside(system: System, point: Sequence[fmpq]) -> bool:
    integers, denominator = _cleared(point)
    for index in _doubtful(system, _floats(point)):
        *a, b = system.row(index)
        slack = b * denominator - _product(a, integers)
        if slack != 0 if index < system.n_equal else slack <= 0:
            return False
    return True


def _doubtful(system: System, point: NDArray[np.float64], homogeneous: bool = False) -> list[int]:
    """The rows that need an exact look at a point: all equalities, and inequalities not proven strict."""
    indices = np.empty(system.count, dtype=np.int64)
    count = kernels.doubtful(system.floats(), system.n_equal, point, homogeneous, indices)
    return indices[:count].tolist()


def _floats(values: Sequence[fmpq]) -> NDArray[np.float64]:
    """Each number rounded once; NaN where out of range, so that nothing is proven with it."""
    try:
        return np.array([int(value.p) / int(value.q) for value in values])
    except OverflowError:
        return np.full(len(values), np.nan)


def _cleared(values: Sequence[fmpq]) -> tuple[list[int], int]:
    """Numerators over one common denominator."""
    denominator = math.lcm(*[int(value.q) for value in values])
    return [int(value.p) * (denominator // int(value.q)) for value in values], denominator


def _product(left: Sequence[int], right: Sequence[int]) -> int:
    return sum([a * x for a, x in zip(left, right, strict=True)])
