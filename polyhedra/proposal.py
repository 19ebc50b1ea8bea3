"""Floating-point proposals for linear programs, and their verification in exact arithmetic.

The dual simplex method in doubles names a final basis.  What it stands for is solved exactly from the integer rows, and
every claim is checked: signs of the multipliers exactly, rows away from the solution by a floating-point filter with a
rigorous bound, rows near it exactly.  A proposal that does not pass is None, and the caller solves exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from flint import fmpq, fmpz
from numpy.typing import NDArray

from polyhedra import float_simplex
from polyhedra.exact_simplex import Answer
from polyhedra.integer_basis import Basis, basis
from polyhedra.system import IntegerRow, System, float_row, integer_row


def maximize(system: System, objective: Sequence[fmpq]) -> Answer | tuple[int, ...] | None:
    """Propose and verify the answer to: maximize c.x over the system.

    Returns
    -------
    Answer, tuple of int or None
        As from `polyhedra.exact_simplex.maximize`; or the rows of a basis that is proven to be optimal, of which
        `optimum` gives the exact numbers; or nothing that could be verified.
    """
    dim = system.dim
    if dim == 0:
        return None
    try:
        values = [int(c.p) / int(c.q) for c in objective]
    except OverflowError:
        return None
    # an integer objective may be huge; like the rows it goes in with its largest number in [1/2, 1)
    exponent = math.frexp(max(map(abs, values)))[1]
    top = np.array([*[math.ldexp(value, -exponent) for value in values], 0.0])
    indices, scratch = np.empty(dim + 1, dtype=np.int64), np.empty(dim)
    status = float_simplex.propose_and_prove(system.floats(), system.n_equal, top, indices, scratch)
    if status == float_simplex.GAVE_UP:
        return None
    *names, violated = indices.tolist()
    if status == float_simplex.PROVEN:
        return tuple(names)
    # the row of the objective must be in the basis for a direction, and cannot be for an optimum
    if (system.count in names) != (status == float_simplex.UNBOUNDED) and status != float_simplex.INFEASIBLE:
        return None
    if status == float_simplex.INFEASIBLE and not 0 <= violated < system.count:
        return None
    cleared, scale = integer_row(objective)
    rows = [_basis_row(system, cleared, name) for name in names]
    try:
        solver = basis(rows)
        if status == float_simplex.INFEASIBLE:
            return _infeasible(system, names, violated, solver)
        if status == float_simplex.UNBOUNDED:
            return _unbounded(system, names, rows, solver)
        weights, divisor = solver.weights(cleared)
        numerators, denominator = solver.point([row[-1] for row in rows])
        if not _admissible(system, names, weights) or not _feasible(system, names, numerators, denominator):
            return None
        return _optimal(names, weights, divisor, numerators, denominator, scale)
    except ZeroDivisionError:  # the basis is singular
        return None


def optimum(system: System, objective: Sequence[fmpq], names: Sequence[int]) -> Answer:
    """The exact solution and multipliers of a basis that is proven to be optimal."""
    cleared, scale = integer_row(objective)
    rows = [system.row(name) for name in names]
    solver = basis(rows)
    weights, divisor = solver.weights(cleared)
    assert _admissible(system, names, weights), "a basis that was proven to be optimal is not"
    numerators, denominator = solver.point([row[-1] for row in rows])
    return _optimal(names, weights, divisor, numerators, denominator, scale)


def interior(system: System) -> tuple[fmpq, ...] | dict[int, fmpq] | None:
    """Propose and verify a point that satisfies all inequalities strictly, or multipliers that prove there is none.

    Returns
    -------
    tuple of fmpq, dict or None
        The point; or for rows by number their multipliers; or nothing that could be verified.
    """
    dim, n_equal = system.dim, system.n_equal
    if dim == 0:
        return None
    lifted = system.lifted_floats()
    top = np.zeros(dim + 2)
    top[dim:] = 1.0
    indices, solution = np.empty(dim + 2, dtype=np.int64), np.empty(dim + 1)
    status = float_simplex.propose(lifted, n_equal, top, False, indices, solution, np.empty((dim + 1, dim + 1)))
    if status == float_simplex.GAVE_UP:
        return None
    if status == float_simplex.OPTIMAL and n_equal == 0 and solution[dim] > 0.0:
        point = solution[:dim]
        if float_simplex.doubtful(system.floats(), 0, point, False, np.empty(system.count, dtype=np.int64)) == 0:
            return tuple([fmpq(*x.as_integer_ratio()) for x in point.tolist()])
    *names, violated = indices.tolist()
    if status == float_simplex.INFEASIBLE and not 0 <= violated < system.count:
        return None
    rows = [_lifted_row(system, name) for name in names]
    try:
        solver = basis(rows)
        if status == float_simplex.OPTIMAL:
            numerators, denominator = solver.point([row[-1] for row in rows])
            if numerators[dim] > 0:
                return _strictly_inside(system, numerators[:dim], denominator)
        return _no_interior(system, names, violated if status == float_simplex.INFEASIBLE else None, solver)
    except ZeroDivisionError:
        return None


def _basis_row(system: System, objective: IntegerRow, name: int) -> IntegerRow:
    """The row of a basis; negative names hold a variable at zero, the last one is the objective."""
    if name < 0:
        return tuple([int(j == -1 - name) for j in range(system.dim)]) + (0,)
    return system.row(name) if name < system.count else (*objective, 0)


def _lifted_row(system: System, name: int) -> IntegerRow:
    """The same for a.x + 2**k t <= b and t <= 1."""
    dim = system.dim
    if name < 0:
        return tuple([int(j == -1 - name) for j in range(dim + 1)]) + (0,)
    if name == system.count:
        return (*(0,) * dim, 1, 1)
    row = system.row(name)
    return (*row[:dim], 0 if name < system.n_equal else 1 << system.exponent(name), row[dim])


def _feasible(system: System, names: Sequence[int], numerators: Sequence[int], denominator: int) -> bool:
    """Whether the solution of a basis satisfies all other rows."""
    for index in set(_doubtful(system, _floats(numerators, denominator))).difference(names):
        slack = _slack(system.row(index), numerators, denominator)
        if slack < 0 or (slack and index < system.n_equal):
            return False
    return True


def _optimal(
    names: Sequence[int],
    weights: Sequence[int],
    divisor: int,
    numerators: Sequence[int],
    denominator: int,
    scale: fmpq,
) -> Answer:
    """The answer for the objective as it was given; `scale` made it integer."""
    p, q = int(scale.p), int(scale.q)
    below, point_below = fmpz(divisor * p), fmpz(denominator)
    multipliers = {name: fmpq(weight * q, below) for name, weight in zip(names, weights, strict=True) if weight}
    return Answer("optimal", multipliers, [fmpq(x, point_below) for x in numerators], [])


def _unbounded(system: System, names: Sequence[int], rows: Sequence[IntegerRow], solver: Basis) -> Answer | None:
    placed, denominator = solver.point([row[-1] for row in rows])
    moved, divisor = solver.point([int(name == system.count) for name in names])
    for index in _doubtful(system, _floats(moved, divisor), homogeneous=True):
        row = system.row(index)
        fall = -_product(row, moved)
        slack = _slack(row, placed, denominator)
        if fall < 0 or (fall == 0 and slack < 0) or (index < system.n_equal and (fall or slack)):
            return None
    point, direction = [fmpq(x, denominator) for x in placed], [fmpq(u, divisor) for u in moved]
    return Answer("unbounded", {}, point, direction)


def _infeasible(system: System, names: Sequence[int], violated: int, solver: Basis) -> Answer | None:
    row = system.row(violated)
    numerators, divisor = solver.weights(row[:-1])
    weights = [-value for value in numerators]
    if not _admissible(system, names, weights):
        return None
    bound = row[-1] * divisor
    for name, weight in zip(names, weights, strict=True):
        if weight:
            if name == system.count:  # the objective's row is no row of the system
                return None
            bound += weight * system.row(name)[-1]
    if bound >= 0:
        return None
    multipliers = {name: fmpq(weight, divisor) for name, weight in zip(names, weights, strict=True) if weight}
    multipliers[violated] = fmpq(1)
    return Answer("infeasible", multipliers, [], [])


def _no_interior(system: System, names: Sequence[int], violated: int | None, solver: Basis) -> dict[int, fmpq] | None:
    """Multipliers from the optimal basis of the lifted program, or from its Farkas combination with a violated row."""
    if violated is None:
        weights, divisor = solver.weights((*(0,) * system.dim, 1))
        bound = 0
    else:
        row = _lifted_row(system, violated)
        numerators, divisor = solver.weights(row[:-1])
        weights = [-value for value in numerators]
        bound = row[-1] * divisor
    if not _admissible(system, names, weights):
        return None
    multipliers = {}
    for name, weight in zip(names, weights, strict=True):
        if weight:
            if name == system.count:
                return None
            bound += weight * system.row(name)[-1]
            multipliers[name] = fmpq(weight, divisor)
    if violated is not None:
        multipliers[violated] = fmpq(1)
    positive = any(index >= system.n_equal for index in multipliers)
    return multipliers if bound < 0 or (bound == 0 and positive) else None


def _strictly_inside(system: System, numerators: Sequence[int], denominator: int) -> tuple[fmpq, ...] | None:
    for index in _doubtful(system, _floats(numerators, denominator)):
        slack = _slack(system.row(index), numerators, denominator)
        if slack != 0 if index < system.n_equal else slack <= 0:
            return None
    return tuple([fmpq(x, denominator) for x in numerators])


def _admissible(system: System, names: Sequence[int], weights: Sequence[int]) -> bool:
    """Whether inequalities have weights >= 0, and variables held at zero none."""
    for name, weight in zip(names, weights, strict=True):
        if weight and (name < 0 or (weight < 0 and name >= system.n_equal)):
            return False
    return True


def _doubtful(system: System, point: NDArray[np.float64], homogeneous: bool = False) -> list[int]:
    """The rows that need an exact look at a point: all equalities, and inequalities not proven strict."""
    indices = np.empty(system.count, dtype=np.int64)
    count = float_simplex.doubtful(system.floats(), system.n_equal, point, homogeneous, indices)
    return indices[:count].tolist()


def _floats(numerators: Sequence[int], denominator: int) -> NDArray[np.float64]:
    """Each quotient rounded once; out of range it is infinite, so that nothing is proven with it."""
    return np.array(float_row(numerators, denominator))


def _slack(row: IntegerRow, numerators: Sequence[int], denominator: int) -> int:
    return row[-1] * denominator - _product(row, numerators)


def _product(row: IntegerRow, vector: Sequence[int]) -> int:
    return sum([a * x for a, x in zip(row, vector, strict=False)])
