"""Norms as users name them: by text, or by the numbers 1, 2 and infinity."""

from __future__ import annotations

import math
from numbers import Real

NormLike = str | float
"""``"1"``, ``"2"`` or ``"inf"``, or the number."""


def norm_name(norm: NormLike) -> str:
    """The text that names a norm; anything else as text that names none.

    Examples
    --------
    >>> norm_name("2"), norm_name(2), norm_name(float("inf")), norm_name(3), norm_name(True)
    ('2', '2', 'inf', '3', 'True')
    """
    if isinstance(norm, Real) and not isinstance(norm, bool):
        return {1: "1", 2: "2", math.inf: "inf"}.get(float(norm), str(norm))
    return str(norm)


__all__ = ["NormLike", "norm_name"]
