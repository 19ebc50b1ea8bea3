"""One-dimensional zigzags: piecewise linear maps of an interval onto itself whose pieces each cover all of it.

Folding an input by a zigzag multiplies the pieces of whatever follows.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder, Signal
from nn_bridge.network.network import Row
from polyhedra.scalars import ONE, ZERO, rational


@dataclass(frozen=True, slots=True)
class Zigzag:
    """A function of one variable that maps each of its pieces in [0, 1] onto [0, 1].

    It is ``sum_k weights[k] max(0, slopes[k] t + shifts[k]) + constant``.
    """

    slopes: Row
    shifts: Row
    weights: Row
    constant: fmpq
    pieces: int

    @property
    def units(self) -> int:
        """The number of ReLU units."""
        return len(self.slopes)


def plain_zigzag(units: int) -> Zigzag:
    """``units`` pieces of equal length; the first unit has its kink at 0.

    Examples
    --------
    >>> zigzag = plain_zigzag(2)
    >>> zigzag.pieces, zigzag.weights, zigzag.shifts
    (2, (2, -4), (0, -1/2))
    """
    at_least("a zigzag", "units", units, 1)
    p = units
    shifts = tuple(fmpq(-k, p) for k in range(p))
    weights = tuple(fmpq(p) if k == 0 else fmpq(2 * p * (-1) ** k) for k in range(p))
    return Zigzag((ONE,) * p, shifts, weights, ZERO, p)


def dense_zigzag(units: int) -> Zigzag:
    """``units + 1`` pieces: every unit has its kink inside (0, 1), and the third unit looks to the left.

    The slope before the first kink then comes from the third unit alone, so it must be minus the jump there; with
    slopes ``2/l, -1/l, 1/l, ...`` that holds, and the first piece is half as long as the others.

    Examples
    --------
    >>> zigzag = dense_zigzag(3)
    >>> zigzag.pieces, zigzag.slopes, zigzag.constant
    (4, (1, 1, -1), 5)

    Notes
    -----
    Serra, Tjandraatmadja and Ramalingam (2018).
    """
    at_least("a zigzag with one piece more than units", "units", units, 3)
    p = units
    length = fmpq(2, 2 * p + 1)
    kinks = [length / 2 + k * length for k in range(p)]
    slopes = [2 / length] + [(-1) ** (k + 1) / length for k in range(p)]
    jumps = tuple(slopes[k + 1] - slopes[k] for k in range(p))
    left = 2
    directions = tuple(-ONE if k == left else ONE for k in range(p))
    shifts = tuple(-d * t for d, t in zip(directions, kinks, strict=True))
    return Zigzag(directions, shifts, jumps, -jumps[left] * kinks[left], p + 1)


def unequal_zigzag() -> Zigzag:
    """The four slopes 4, -4, 5/2, -10 of the survey's first example."""
    slopes = tuple(map(rational, ("4", "8", "6.5", "12.5")))
    shifts = tuple(map(rational, ("0", "-2", "-3.25", "-11.25")))
    return Zigzag(slopes, shifts, (ONE, -ONE, ONE, -ONE), ZERO, 4)


def fold(build: NetworkBuilder, signal: Signal, zigzag: Zigzag, width: int | None = None) -> Signal:
    """Apply a zigzag to every entry of a signal, in one stage of ``width`` units, unneeded ones dead."""
    d, p = signal.size, zigzag.units
    width = d * p if width is None else width
    spare = width - d * p
    rows = [[zigzag.slopes[k] if j == i else ZERO for j in range(d)] for i in range(d) for k in range(p)]
    shifts = list(zigzag.shifts) * d
    units = build.relu(build.affine(signal, rows + [[ZERO] * d] * spare, shifts + [ZERO] * spare))
    weights = [[zigzag.weights[c - i * p] if 0 <= c - i * p < p else ZERO for c in range(width)] for i in range(d)]
    return build.affine(units, weights, [zigzag.constant] * d)


def at_least(construction: str, noun: str, number: int, least: int) -> None:
    """Refuse a construction whose number of ``noun`` is too small."""
    if number < least:
        raise NetworkError(f"{construction} needs at least {least} {noun}, not {number}")
