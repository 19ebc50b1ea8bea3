"""The pycddlib back end, in rational arithmetic (``cdd.gmp``): a second witness beside our own methods, not a judge.

Nothing here decides by our own linear programs or double description; only ranks, the canonical form of the rows and
the order of the questions are shared, so that answers can be compared.  cddlib computes in rationals, but it has been
seen to overlook implicit equalities among numbers of 17 digits, and to end the process.  So its functions for these
(``implicit_linearity_rows``, ``matrix_canonicalize``) are not called: dimension and redundancy are read off its linear
programs, and each answer of these is checked by its own certificate.  Of its generators each is checked to belong to
the set; that none is missing is not.  pycddlib is loaded when a function is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from types import ModuleType
from typing import Any, TypeVar

from flint import fmpq

from polyhedra.answers import Infeasible, InteriorPoint, NoInterior, Optimal, Unbounded, proves, slack_rows
from polyhedra.errors import GeometryError, MissingExtraError
from polyhedra.matrix import Vector, dot
from polyhedra.scalars import ZERO, rationals, to_fraction
from polyhedra.system import IntegerRow, System


def library() -> tuple[ModuleType, ModuleType]:
    """The modules ``cdd`` and ``cdd.gmp``.

    Raises
    ------
    MissingExtraError
        pycddlib is not installed with its exact half.
    """
    try:
        import cdd
        import cdd.gmp
    except ImportError:
        raise MissingExtraError(
            "backend='cdd'", "cdd", "after 'apt-get install libcdd-dev libgmp-dev'; or use backend='certified'"
        ) from None
    return cdd, cdd.gmp


def matrix_of(rows: Sequence[Sequence[Any]], n_equal: int) -> Any:
    """The matrix of cddlib for rows (a, b) of a x <= b, of which the first ``n_equal`` are equalities."""
    """Rows (a, b), meaning a.x <= b, as cdd's H-representation b - a.x >= 0."""
    cdd, gmp = library()
    array = [[row[-1], *(-a for a in row[:-1])] for row in rows]
    return gmp.matrix_from_array(array, lin_set=range(n_equal), rep_type=cdd.RepType.INEQUALITY)


def _solve(rows: Sequence[Sequence[Any]], n_equal: int, objective: Sequence[Fraction | int]) -> Any:
    """Cdd's linear program max c.x, solved."""
    cdd, gmp = library()
    if not rows:
        rows, n_equal = [(*(0,) * len(objective), 0)], 0
    matrix = matrix_of(rows, n_equal)
    matrix.obj_type = cdd.LPObjType.MAX
    matrix.obj_func = [0, *objective]
    program = gmp.linprog_from_matrix(matrix)
    gmp.linprog_solve(program)
    return program


def _is_optimal(program: Any) -> bool:
    cdd, _ = library()
    return bool(program.status == cdd.LPStatusType.OPTIMAL)


_Proof = TypeVar("_Proof", Optimal, Unbounded, Infeasible, InteriorPoint, NoInterior)


def _checked(answer: _Proof, system: System, objective: Sequence[fmpq] = ()) -> _Proof:
    """The answer, if it proves itself."""
    if not proves(answer, system, tuple(objective)):
        raise wrong_answer()
    return answer


def wrong_answer() -> GeometryError:
    """The error to raise when a certificate of pycddlib fails its check."""
    return GeometryError("pycddlib gives an answer that fails its own proof; take backend='certified', which does not")


def feasible_point(rows: Sequence[Sequence[Any]], n_equal: int, dim: int) -> Vector | None:
    """A point that satisfies the rows (a, b), or None where there is none."""
    program = _solve(rows, n_equal, [0] * dim)
    return rationals(program.primal_solution) if _is_optimal(program) else None


def maximize(system: System, objective: Sequence[fmpq]) -> Optimal | Unbounded | Infeasible:
    """Maximize c.x over a system by cdd's dual simplex method, with the same certificates as our own."""
    rows, k, dim = system.rows(), system.n_equal, system.dim
    point = feasible_point(rows, k, dim)
    if point is None:
        return _checked(Infeasible(*_split(system, _farkas(rows, k, dim))), system)
    cost = [to_fraction(c) for c in objective]
    program = _solve(rows, k, cost)
    if not _is_optimal(program):
        recession = [*((*row[:-1], 0) for row in rows), (*cost, 1)]
        direction = rationals(_solve(recession, k, cost).primal_solution)
        return _checked(Unbounded(point, direction), system, objective)
    point = rationals(program.primal_solution)
    multipliers = _split(system, _dual_solution(program, system.count, system.n_equal))
    return _checked(Optimal(dot(objective, point), point, *multipliers), system, objective)


def interior(system: System) -> InteriorPoint | NoInterior:
    """Decide whether all inequalities can hold strictly, by cdd's linear programs."""
    rows = slack_rows(system)
    program = _solve(rows, system.n_equal, [0] * system.dim + [1])
    if not _is_optimal(program):
        return _checked(NoInterior(*_split(system, _farkas(system.rows(), system.n_equal, system.dim))), system)
    point = rationals(program.primal_solution)
    if point[-1] > 0:
        return _checked(InteriorPoint(point[:-1]), system)
    multipliers = _dual_solution(program, len(rows), system.n_equal)[: system.count]
    return _checked(NoInterior(*_split(system, multipliers)), system)


def _dual_solution(program: Any, count: int, n_equal: int) -> list[fmpq]:
    """The multipliers of the rows; cdd keeps a second, reversed copy of each equality behind them."""
    weights = [ZERO] * count
    for index, weight in program.dual_solution:
        if index < count:
            weights[index] += rationals([weight])[0]
        elif index < count + n_equal:
            weights[index - count] -= rationals([weight])[0]
    return weights


def _farkas(rows: Sequence[IntegerRow], n_equal: int, dim: int) -> list[fmpq]:
    """Weights, non-negative for inequalities, whose combination of the rows reads 0 <= -1."""
    count = len(rows)
    conditions: list[Sequence[int]] = [(*(row[j] for row in rows), 0) for j in range(dim)]
    conditions.append((*(row[dim] for row in rows), -1))
    signs = [tuple(-1 if i == j else 0 for j in range(count)) + (0,) for i in range(n_equal, count)]
    weights = feasible_point([*conditions, *signs], dim + 1, count)
    if weights is None:
        raise wrong_answer()
    return list(weights)


def _split(system: System, weights: Sequence[fmpq]) -> tuple[Vector, Vector]:
    scaled = tuple(weight * system.scale(index) for index, weight in enumerate(weights))
    return scaled[system.n_equal :], scaled[: system.n_equal]
