"""Interpolation of convex data by a tropical polynomial, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.linear_program import Infeasible, maximize
from polyhedra.plurals import counted
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.pruning import prune
from tropical.semiring import finite


def interpolate(points: Sequence[Sequence[Any]], values: Sequence[Any]) -> PuiseuxPolynomial:
    """A polynomial f with ``f(points[i]) = values[i]`` for all i.

    It exists iff the data are convex: no point lies in the convex hull of others with a larger value than the
    combination of theirs.  Each data point gets one supporting affine function (the one that is largest in sum over
    the other points); redundant ones are removed.

    Parameters
    ----------
    points : sequence of N points with n coordinates each
    values : sequence of N numbers

    Raises
    ------
    AlgebraError
        The data are not convex (the message names a point and a convex combination that proves it), a point occurs
        with two values, or the lengths do not match.

    Examples
    --------
    >>> print(interpolate([[0], [1], [2]], [1, 0, 1]))
    max(x1 - 1, -x1 + 1)
    """
    if len(points) != len(values):
        raise AlgebraError(f"{counted(len(values), 'value')} for {counted(len(points), 'point')}")
    if len(points) == 0:
        raise AlgebraError("there are no points to interpolate")
    x = [tuple(finite(v, f"point {i}") for v in point) for i, point in enumerate(points)]
    y = [finite(v, f"value {i}") for i, v in enumerate(values)]
    dim = len(x[0])
    known: dict[Exponent, fmpq] = {}
    for i, (point, value) in enumerate(zip(x, y, strict=True)):
        if len(point) != dim:
            raise AlgebraError(f"point {i} has {counted(len(point), 'coordinate')}, point 0 has {dim}")
        if known.setdefault(point, value) != value:
            raise AlgebraError(f"point {i} has the value {value} here and {known[point]} earlier")
    data = list(known.items())
    terms = []
    for i, (point, value) in enumerate(data):
        others = [item for k, item in enumerate(data) if k != i]
        rows = [[p - q for p, q in zip(other, point, strict=True)] for other, _ in others]
        right = [v - value for _, v in others]
        objective = [sum((row[k] for row in rows), fmpq(0)) for k in range(dim)]
        answer = maximize(objective, rows, right) if rows else None
        if isinstance(answer, Infeasible):
            total = sum(answer.multipliers, fmpq(0))
            weights = [(k, w / total) for k, w in enumerate(answer.multipliers) if w]
            combination = " + ".join(f"{w} * {_text(others[k][0])}" for k, w in weights)
            raise AlgebraError(
                f"the data are not convex: {_text(point)} = {combination}, but its value {value} is larger"
            )
        # the sum of the right-hand sides bounds the objective, so a feasible program has an optimum
        slope = (fmpq(0),) * dim if answer is None else answer.point
        terms.append((slope, value - sum((a * v for a, v in zip(slope, point, strict=True)), fmpq(0))))
    return prune(PuiseuxPolynomial(terms, dim))


def _text(point: Exponent) -> str:
    return f"({', '.join(map(str, point))})"


__all__ = ["interpolate"]
