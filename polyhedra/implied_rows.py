"""Which rows of a system prove that another row holds on it: the support of its Farkas multipliers.

If ``g . x <= h`` holds wherever ``A x <= b`` does (and that is not empty), there are multipliers ``y >= 0`` with
``y A = g`` and ``y b <= h``.  A basic solution uses independent rows, so that the rows alone determine the multipliers:
naming them is a complete proof, and a short one.
"""

from __future__ import annotations

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra import _kernels as kernels
from polyhedra import exact_simplex
from polyhedra.errors import GeometryError
from polyhedra.integer_basis import basis
from polyhedra.system import IntegerRow, System


def implying_rows(system: System, row: IntegerRow, floats: NDArray[np.float64]) -> tuple[int, ...]:
    """Independent rows of a system of inequalities whose non-negative combination, plus a constant, is a row.

    Parameters
    ----------
    system : System
        Without equalities, and with an interior.
    row : integer row ``(g_1, .., g_n, h)``
        Must hold on the whole system: a proof by floating point alone takes that for granted.
    floats : array of shape (n + 1,)
        The same row, divided by a power of two such that the largest |g_j| is in [1/2, 1), each entry rounded once.

    Raises
    ------
    GeometryError
        The row does not hold on the system.

    Examples
    --------
    >>> system = System([[-1, 0], [0, -1], [1, 1]], [0, 0, 2])
    >>> implying_rows(system, (-1, -2, 5), np.array([-0.25, -0.5, 1.25]))
    (0, 1)
    """
    dim = system.dim
    indices, scratch = np.empty(dim + 1, dtype=np.int64), np.empty(dim)
    top = floats.copy()
    top[dim] = 0.0  # the objective of a program has no right-hand side
    status = kernels.propose_and_prove(system.floats(), 0, top, indices, scratch)
    names = indices[:dim].tolist()
    if status == kernels.PROVEN:
        return tuple(sorted(names))
    if status == kernels.OPTIMAL and max(names) < system.count:
        found = _exact_support(system, row, names)
        if found is not None:
            return found
    answer = exact_simplex.maximize(system.rows(), 0, row[:-1], dim)
    if answer.status != "optimal":
        raise GeometryError(f"a row is not implied by its system (its maximum is {answer.status})")
    support = tuple(sorted(i for i, weight in answer.multipliers.items() if weight))
    if sum((answer.multipliers[i] * system.row(i)[-1] for i in support), fmpq(0)) > row[-1]:
        raise GeometryError("a row is not implied by its system")
    return support


def _exact_support(system: System, row: IntegerRow, names: list[int]) -> tuple[int, ...] | None:
    """The rows of a proposed basis with positive multipliers, if these prove the row (names < 0: a free variable)."""
    dim = system.dim
    rows = [system.row(i) if i >= 0 else tuple(int(j == -1 - i) for j in range(dim)) for i in names]
    try:
        weights, divisor = basis(rows).weights(row[:-1])
    except ZeroDivisionError:
        return None
    if any(w < 0 or (w and i < 0) for i, w in zip(names, weights, strict=True)):
        return None
    support = [(i, w) for i, w in zip(names, weights, strict=True) if w]
    if sum(w * system.row(i)[-1] for i, w in support) > row[-1] * divisor:
        return None
    return tuple(sorted(i for i, _ in support))


__all__ = ["implying_rows"]
