"""Boxes: systems whose rows bound one coordinate each, which need no linear program and no double description."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd, lcm

from flint import fmpq

from polyhedra.double_description import Generators
from polyhedra.limits import check_limits
from polyhedra.matrix import Vector
from polyhedra.scalars import ZERO
from polyhedra.system import System

_BETWEEN_LOOKS = 1 << 10

Bounds = list[tuple[fmpq | None, fmpq | None]]
"""The largest lower and the smallest upper bound of each coordinate; None where there is none."""


def bounds_of(system: System) -> Bounds | None:
    """The bounds of a system whose rows have one variable each; None for any other system."""
    if system.n_equal:
        return None
    bounds: Bounds = [(None, None)] * system.dim
    for index in range(system.count):
        *a, b = system.row(index)
        places = [j for j, v in enumerate(a) if v]
        if len(places) != 1:
            return None
        (j,) = places
        bound = fmpq(b, a[j])
        low, high = bounds[j]
        if a[j] > 0:
            bounds[j] = low, bound if high is None else min(high, bound)
        else:
            bounds[j] = bound if low is None else max(low, bound), high
    return bounds


def point_inside(system: System) -> Vector | None:
    """A point strictly inside, where the system is a box that has one.

    Examples
    --------
    >>> point_inside(System.of_integer_rows([(-1, 0), (2, 1)], 0, 1))
    (1/4,)
    """
    bounds = bounds_of(system)
    if bounds is None:
        return None
    point = []
    for low, high in bounds:
        if low is not None and high is not None:
            if low >= high:
                return None
            point.append((low + high) / 2)
        elif low is not None:
            point.append(low + 1)
        else:
            point.append(ZERO if high is None else high - 1)
    return tuple(point)


def box_generators(system: System) -> Generators | None:
    """The vertices of a bounded box with interior, as `polyhedra.double_description.cone_generators` has them.

    None where the system is no such box, or a row of it is redundant.

    Examples
    --------
    >>> box_generators(System.of_integer_rows([(-1, 0), (2, 1)], 0, 1))
    Generators(lines=(), rays=((1, 0), (2, 1)), incidences=(1, 2))
    """
    bounds = bounds_of(system)
    if bounds is None or system.count != 2 * system.dim:
        return None
    ends = [(low, high) for low, high in bounds if low is not None and high is not None and low < high]
    if len(ends) < system.dim:
        return None
    bits = [[0, 0] for _ in range(system.dim)]
    for index in range(system.count):
        *a, _ = system.row(index)
        j = next(j for j, v in enumerate(a) if v)
        bits[j][a[j] > 0] = 1 << index
    found = sorted(_vertices(ends, bits))
    return Generators((), tuple(vector for vector, _ in found), tuple(zeros for _, zeros in found))


def _vertices(ends: list[tuple[fmpq, fmpq]], bits: list[list[int]]) -> Iterator[tuple[tuple[int, ...], int]]:
    """Homogeneous primitive vectors, and the rows that hold with equality there."""
    scale = lcm(*(int(v.q) for pair in ends for v in pair))
    corners: list[tuple[tuple[int, ...], int]] = [((scale,), 0)]
    for pair, own in zip(ends, bits, strict=True):
        choices = [((int(v.p) * (scale // int(v.q)),), bit) for v, bit in zip(pair, own, strict=True)]
        longer = []
        for start in range(0, len(corners), _BETWEEN_LOOKS):
            check_limits()
            part = corners[start : start + _BETWEEN_LOOKS]
            longer += [(vector + value, zeros | bit) for vector, zeros in part for value, bit in choices]
        corners = longer
    if scale == 1:
        yield from corners
        return
    for number, (vector, zeros) in enumerate(corners):
        if number % _BETWEEN_LOOKS == 0:
            check_limits()
        divisor = gcd(*vector)
        yield (vector if divisor == 1 else tuple(v // divisor for v in vector)), zeros
