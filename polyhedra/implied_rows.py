"""Which rows of a system prove that another row holds on it: the support of its Farkas multipliers.

If ``g . x <= h`` holds wherever ``A x <= b`` does (and that is not empty), there are multipliers ``y >= 0`` with
``y A = g`` and ``y b <= h``.  A basic solution uses independent rows, so that the rows alone determine the multipliers:
naming them is a complete proof, and a short one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra import exact_simplex, float_simplex
from polyhedra.errors import GeometryError
from polyhedra.integer_basis import basis
from polyhedra.system import IntegerRow, System

Support = tuple[int, ...]


def implying_rows(system: System, floats: NDArray[np.float64], row: Callable[[int], IntegerRow]) -> list[Support]:
    """For each of several rows: independent rows of a system of which it is a non-negative combination plus a constant.

    Parameters
    ----------
    system : System
        Without equalities, and with an interior.
    floats : array of shape (k, n + 1)
        The rows ``(g_1, .., g_n, h)``, each divided by a power of two such that the largest |g_j| is in [1/2, 1), and
        each entry rounded once.
    row : callable
        Gives the k-th row exactly, in integers, where floating point proves nothing.  Each row must hold on the whole
        system: a proof by floating point alone takes that for granted.

    Returns
    -------
    list of tuples of int
        Row numbers of the system, increasing.

    Raises
    ------
    GeometryError
        A row does not hold on the system.

    Examples
    --------
    >>> system = System([[-1, 0], [0, -1], [1, 1]], [0, 0, 2])
    >>> rows = [(-1, -2, 5), (2, 2, 4)]
    >>> implying_rows(system, np.array(rows) / 4, rows.__getitem__)
    [(0, 1), (2,)]
    """
    dim, count = system.dim, len(floats)
    names, statuses = np.empty((count, dim + 1), dtype=np.int64), np.empty(count, dtype=np.int64)
    float_simplex.prove_many(system.floats(), floats, names, statuses)
    bases = names[:, :dim].tolist()
    found: list[Support] = []
    for index, (status, rows) in enumerate(zip(statuses.tolist(), bases, strict=True)):
        if status == float_simplex.PROVEN:
            found.append(tuple(sorted(rows)))
        else:
            found.append(_exact_support(system, row(index), rows if status == float_simplex.OPTIMAL else None))
    return found


def _exact_support(system: System, row: IntegerRow, proposed: list[int] | None) -> Support:
    """The rows of a proposed basis with positive multipliers if these prove the row, else those of an exact program."""
    support = None if proposed is None else _support_of_basis(system, row, proposed)
    if support is not None:
        return support
    answer = exact_simplex.maximize(system.rows(), 0, row[:-1], system.dim)
    if answer.status != "optimal":
        raise GeometryError(f"a row does not follow from its system (its maximum is {answer.status})")
    support = tuple(sorted(i for i, weight in answer.multipliers.items() if weight))
    if sum((answer.multipliers[i] * system.row(i)[-1] for i in support), fmpq(0)) > row[-1]:
        raise GeometryError("a row does not follow from its system")
    return support


def _support_of_basis(system: System, row: IntegerRow, names: list[int]) -> Support | None:
    dim = system.dim
    if max(names) >= system.count:
        return None
    # a name below 0 holds a variable at zero
    rows = [system.row(i) if i >= 0 else tuple(int(j == -1 - i) for j in range(dim)) for i in names]
    try:
        weights, divisor = basis(rows).weights(row[:-1])
    except ZeroDivisionError:
        return None
    if any(w < 0 or (w and i < 0) for i, w in zip(names, weights, strict=True)):
        return None
    used = [(i, w) for i, w in zip(names, weights, strict=True) if w]
    if sum(w * system.row(i)[-1] for i, w in used) > row[-1] * divisor:
        return None
    return tuple(sorted(i for i, _ in used))


__all__ = ["implying_rows"]
