"""Rigorous floating-point bounds for many bases of rows at once, which spare most exact decisions about them.

For rows ``A_J`` of full rank let ``R`` be an approximate right inverse and ``E = I - A_J R``.  If ``|E| <= p < 1`` in
the Frobenius norm, the rows are independent, and

* ``A_J x = 1`` has the solution ``x = R y`` with ``(I - E) y = 1``, so that ``|x_i|`` is at most ``|(R 1)_i|`` plus
  ``|R_i|_2 p sqrt(r) / (1 - p)``;
* ``1 / sigma_min(A_J)`` is at most ``|R|_2 / (1 - p)``, and ``|R|_2^4 <= |(R^T R)^T (R^T R)|_F``.

``E`` and all products carry the error bounds of floating-point sums.  Where a bound cannot be proven it is infinite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from polyhedra.arrays import Floats

_ROUNDING = 1e-14
"""For each term of a sum; a hundred times the unit roundoff, so that rounding in the bounds themselves is covered."""

_LARGE, _SMALL = 1e30, 1e-30
"""Entries outside are left to exact arithmetic, so that nothing over- or underflows here."""


def basis_bounds(rows: Floats, bases: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Upper bounds for each basis; infinite where none is proven.

    Parameters
    ----------
    rows : array of shape (m, n)
        Each entry within one rounding of the exact one.
    bases : array of int, shape (count, r)

    Returns
    -------
    sizes : array of shape (count,)
        At least the largest coordinate of a solution of ``A_J x = 1``.
    ratios : array of shape (count,)
        At least ``r / sigma_min(A_J)^2``.
    """
    count, r = bases.shape
    unknown = np.full(count, np.inf)
    magnitude = np.abs(rows[rows != 0])
    if not np.isfinite(rows).all() or (len(magnitude) and not _SMALL < magnitude.min() <= magnitude.max() < _LARGE):
        return unknown, unknown.copy()
    chosen = rows[bases]
    rounding = _ROUNDING * (r + rows.shape[1] + 4)
    try:
        u, s, vt = np.linalg.svd(chosen, full_matrices=False)
    except np.linalg.LinAlgError:
        return unknown, unknown.copy()
    with np.errstate(all="ignore"):
        inverse = np.swapaxes(vt, 1, 2) @ (np.swapaxes(u, 1, 2) / s[:, :, None])
        residual = np.eye(r) - chosen @ inverse
        residual_error = rounding * (1 + np.abs(chosen) @ np.abs(inverse))
        p = (_norm(residual) + _norm(residual_error)) * (1 + rounding)
        length = np.sqrt((inverse**2).sum(axis=2)) * (1 + rounding)
        spread = p * np.sqrt(r) / (1 - p) * (1 + rounding)
        sums = np.abs(inverse.sum(axis=2)) + rounding * np.abs(inverse).sum(axis=2)
        sizes = (sums + length * spread[:, None]).max(axis=1) * (1 + rounding)
        gram = np.swapaxes(inverse, 1, 2) @ inverse
        square = np.swapaxes(gram, 1, 2) @ gram
        norm = np.sqrt(_norm(square) + rounding * _norm(gram) ** 2) + rounding * _norm(inverse) ** 2
        ratios = r * norm / (1 - p) ** 2 * (1 + rounding) ** 4
        proven = (p < 0.5) & np.isfinite(sizes) & np.isfinite(ratios)
    return np.where(proven, sizes, np.inf), np.where(proven, ratios, np.inf)


def _norm(matrices: Floats) -> Floats:
    """The Frobenius norms of a stack of matrices."""
    return np.sqrt((matrices**2).sum(axis=(1, 2)))


__all__ = ["basis_bounds"]
