"""Values of maxima of affine functions at many points, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted

_ENTRIES = 4_000_000  # of the products of points and terms that are held at once


def float_values(
    exponents: NDArray[np.float64], coefficients: NDArray[np.float64], points: Any, dim: int
) -> NDArray[np.float64]:
    """The largest term at each point: shape (N, dim) in, (N,) out; minus infinity without terms.

    Examples
    --------
    >>> float_values(np.array([[1.0], [0.0]]), np.array([0.0, 2.0]), [[1], [5]], 1)
    array([2., 5.])
    """
    x = np.asarray(points, dtype=float)
    x = x.reshape(-1, dim) if x.ndim < 2 else x
    if x.shape[-1] != dim:
        raise AlgebraError(f"points of {counted(x.shape[-1], 'coordinate')} do not fit {counted(dim, 'variable')}")
    result = np.full(len(x), -np.inf)
    step = max(1, _ENTRIES // max(1, len(coefficients)))
    with np.errstate(all="ignore"):  # a value out of range is infinite or NaN
        for start in range(0, len(x) if len(coefficients) else 0, step):
            result[start : start + step] = (x[start : start + step] @ exponents.T + coefficients).max(axis=1)
    return result


__all__ = ["float_values"]
