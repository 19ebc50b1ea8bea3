"""Boxes as Python programs give them: one interval for all coordinates, a pair for each, or lower and upper ends."""

from __future__ import annotations

from typing import Any

from flint import fmpq

from polyhedra.errors import GeometryError
from polyhedra.plurals import counted
from polyhedra.quoting import shown
from polyhedra.scalars import rational

Intervals = tuple[tuple[fmpq, fmpq], ...]


def intervals_of_box(value: Any, dim: int, *, thin: bool = False) -> Intervals:
    """The interval of each coordinate, from any of the forms of a box.

    * ``(low, high)`` of numbers: the same interval for every coordinate;
    * ``(low, high)`` of arrays or sequences, or one of them a number: the ends of the box;
    * ``[(low, high), ..]``: a pair for each coordinate.

    In the plane two sequences of two numbers can be either: a list of tuples holds pairs, a tuple of lists holds ends,
    and other sequences are what they can be.  Where both readings are boxes they are refused.

    Parameters
    ----------
    value : sequence
    dim : int
    thin : bool
        Take intervals of a single number too.

    Raises
    ------
    GeometryError
        It is no box, or in two ways one.

    Examples
    --------
    >>> intervals_of_box((-1, "1/2"), 2)
    ((-1, 1/2), (-1, 1/2))
    >>> intervals_of_box(([-1, -1], [1, 2]), 2) == intervals_of_box([(-1, 1), (-1, 2)], 2)
    True
    >>> intervals_of_box(((0, 1), (2, 3)), 2)
    Traceback (most recent call last):
    polyhedra.errors.GeometryError: ((0, 1), (2, 3)) is a box in two ways; write [(0, 1), (2, 3)] for pairs or ...
    """
    if isinstance(value, str):
        raise GeometryError(f"the text {shown(value)} is no box here; give numbers")
    try:
        listed = list(value)
        if len(listed) == 2 and not any(map(_is_sequence, listed)):
            return _checked([listed] * dim, dim, thin)
        ends = _ends(listed, dim) if len(listed) == 2 and getattr(value, "ndim", 1) == 1 else None
        mixed = any(getattr(part, "ndim", 0) > 0 or not _is_sequence(part) for part in listed)
        if ends is not None and (mixed or dim != 2):
            return _checked(ends, dim, thin)
        if ends is None:
            lengths = {len(end) for end in listed if _is_sequence(end)} if len(listed) == 2 else set()
            if lengths and 2 not in lengths:
                raise GeometryError(
                    f"the ends of the box have {counted(max(lengths), 'coordinate')}, for {counted(dim, 'input')}"
                )
            return _checked(listed, dim, thin)
    except GeometryError:
        raise
    except (TypeError, ValueError) as error:
        raise GeometryError(f"{shown(value)} is no box: {shown(error, 160)}") from None
    kinds = type(value), *map(type, listed)
    if kinds == (list, tuple, tuple):
        return _checked(listed, dim, thin)
    if kinds == (tuple, list, list):
        return _checked(ends, dim, thin)
    pairs, corners = _reading(listed, dim), _reading(ends, dim)
    if pairs is not None and corners is not None and pairs != corners:
        (a, b), (c, d) = (map(shown, part) for part in listed)
        raise GeometryError(
            f"{shown(value)} is a box in two ways; write [({a}, {b}), ({c}, {d})] for pairs or "
            f"([{a}, {b}], [{c}, {d}]) for the lower and the upper ends"
        )
    return pairs or corners or _checked(listed, dim, thin)


def _ends(listed: list[Any], dim: int) -> list[Any] | None:
    """Lower and upper ends as pairs; None where the lengths say that the entries are something else."""
    ends = [list(end) if _is_sequence(end) else [end] * dim for end in listed]
    return list(zip(*ends, strict=True)) if all(len(end) == dim for end in ends) else None


def _checked(pairs: list[Any], dim: int, thin: bool) -> Intervals:
    for number, pair in enumerate(pairs):
        if not _is_sequence(pair) or len(pair) != 2:
            raise GeometryError(f"entry {number}, {shown(pair)}, is no pair (low, high)")
    intervals = tuple((rational(low), rational(high)) for low, high in pairs)
    if len(intervals) != dim:
        raise GeometryError(f"the box has {counted(len(intervals), 'interval')}, for {counted(dim, 'input')}")
    for number, (low, high) in enumerate(intervals):
        if low > high or (low == high and not thin):
            raise GeometryError(f"it is empty in coordinate {number}: {shown(low)} to {shown(high)}")
    return intervals


def _reading(pairs: list[Any], dim: int) -> Intervals | None:
    """A full-dimensional box, or None."""
    try:
        return _checked(pairs, dim, thin=False)
    except (GeometryError, TypeError, ValueError):
        return None


def _is_sequence(value: Any) -> bool:
    return not isinstance(value, str) and getattr(value, "ndim", 1) > 0 and hasattr(value, "__len__")


__all__ = ["Intervals", "intervals_of_box"]
