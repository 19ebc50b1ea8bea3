"""The line above a ReLU between two bounds of its pre-activation, rounded so that it is above for certain."""

from __future__ import annotations

from polyhedra.rounding import round_up
from polyhedra.scalars import rational


def upper_line(m: float, M: float) -> tuple[float, float]:
    """Slope s and offset t of a line s g + t above max(0, g) on [m, M], for m < 0 < M.

    Any s >= M / (M - m) with t >= -s m is above: at both ends, hence between them.
    """
    slope = round_up(rational(M) / (rational(M) - rational(m)))
    slope = min(slope, 1.0)
    return slope, round_up(-rational(slope) * rational(m))
