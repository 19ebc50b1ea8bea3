"""Boxes written as text, ``box:-1,1`` or ``box:-1,1;0,2``: one syntax for every package."""

from __future__ import annotations

from flint import fmpq

from polyhedra.errors import GeometryError, UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import rationals

PREFIX = "box:"


def box_intervals(text: str, dim: int, place: str = "") -> tuple[tuple[fmpq, fmpq], ...]:
    """The interval of each coordinate; one interval serves all.

    Parameters
    ----------
    text : str
        With or without ``box:``.
    dim : int
    place : str, optional
        How messages name the text.

    Raises
    ------
    UsageError
        It is no such text, an interval is empty or a point, or their number is neither 1 nor ``dim``.

    Examples
    --------
    >>> box_intervals("box:-1,0.5", 2), box_intervals("0,1;1/3,2", 2)
    (((-1, 1/2), (-1, 1/2)), ((0, 1), (1/3, 2)))
    """
    place = place or f"the box {quoted(text)}"
    intervals = [_interval(part, place) for part in text.strip().removeprefix(PREFIX).split(";")]
    if len(intervals) == 1:
        intervals *= dim
    if len(intervals) != dim:
        raise UsageError(
            f"{place} has {counted(len(intervals), 'interval')}, the network reads {counted(dim, 'input')}; "
            f"give one or {dim}"
        )
    return tuple(intervals)


def _interval(text: str, place: str) -> tuple[fmpq, fmpq]:
    ends = text.split(",")
    if len(ends) != 2:
        raise UsageError(f"{place}: {quoted(text)} is not an interval; write LO,HI such as -1,1")
    try:
        low, high = rationals(ends)
    except GeometryError as error:
        raise UsageError(f"{place}: {error}") from None
    if not low < high:
        raise UsageError(f"{place}: {quoted(text)} is empty or a point; LO must be smaller than HI")
    return low, high


__all__ = ["box_intervals"]
