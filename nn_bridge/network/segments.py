"""Along a line: the exact transitions of a network on the segment between two input points.

A segment is one-dimensional, so its pieces are intervals and every breakpoint is the zero of an affine function: stage
by stage each interval is cut where a pre-activation changes its sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, Network, Pattern, Row
from polyhedra.matrix import AffineMap
from polyhedra.scalars import ONE, ZERO, rational

Form = tuple[fmpq, fmpq]
"""The pair (a, b) stands for a t + b."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the segment on which no unit changes its sign.

    Attributes
    ----------
    begin, end : fmpq
        From the start (0) to the end (1) of the segment.
    pattern : tuple of tuples of bool
        For each stage the units that are positive inside; a unit that vanishes on the whole piece counts as inactive.
    outputs : tuple of pairs (a, b)
        Each output as ``a t + b``, exactly.
    """

    begin: fmpq
    end: fmpq
    pattern: Pattern
    outputs: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """A breakpoint of the segment.

    Attributes
    ----------
    t : fmpq
        From 0 (the start) to 1 (the end).
    units : tuple of (stage, unit)
        From 0; the units that are positive on one side and not on the other.
    bends : bool
        Whether an output changes its slope there; else two pieces of one linear function meet.
    """

    t: fmpq
    units: tuple[tuple[int, int], ...]
    bends: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """A network on the segment between two points.

    Attributes
    ----------
    network : Network
    start, end : points
    pieces : tuple of Piece
        In order; together they are the segment.
    """

    network: Network
    start: Row
    end: Row
    pieces: tuple[Piece, ...] = field(repr=False)

    @property
    def transitions(self) -> tuple[Transition, ...]:
        """The breakpoints between the pieces, in order."""
        found = []
        for one, two in pairwise(self.pieces):
            units = tuple(
                (s, i)
                for s, (before, after) in enumerate(zip(one.pattern, two.pattern, strict=True))
                for i, (p, q) in enumerate(zip(before, after, strict=True))
                if p != q
            )
            found.append(Transition(one.end, units, one.outputs != two.outputs))
        return tuple(found)

    def point(self, t: Any) -> Row:
        """The input at ``t``, exactly: the start at 0, the end at 1."""
        share = rational(t)
        return tuple(p + share * (q - p) for p, q in zip(self.start, self.end, strict=True))

    def affine_map(self, piece: Piece) -> AffineMap:
        """The outputs as an affine function of the input around a piece, by its pattern.

        Where the segment runs inside a hyperplane, other affine maps hold beside it; this one is right on the segment.
        """
        rows = self.network.affine_forms(piece.pattern)[-1]
        return AffineMap(tuple(row[:-1] for row in rows), tuple(row[-1] for row in rows), self.network.input_dim)


def segment(network: Network, start: Iterable[Any], end: Iterable[Any]) -> Segment:
    """The exact pieces of a network on the segment from one input point to another.

    Parameters
    ----------
    network : Network
    start, end : sequences of n numbers
        Different points; floats stand for their exact values.

    Raises
    ------
    NetworkError
        A point has the wrong length or is not finite, or both are one point.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> [(str(step.t), step.units) for step in segment(tent, [-1], [1]).transitions]
    [('1/2', ((0, 0),)), ('3/4', ((0, 1),))]
    """
    first, last = network.point(start), network.point(end)
    if first == last:
        raise NetworkError("start and end of the segment are one point; give two different points")
    line = network.restrict_to([[q - p] for p, q in zip(first, last, strict=True)], first)
    pieces: list[tuple[fmpq, fmpq, Pattern, list[list[Form]]]] = [(ZERO, ONE, (), [])]
    for number in range(len(line.stages)):
        cut = []
        for begin, finish, pattern, values in pieces:
            forms = _forms(line, number, values)
            ends = [begin, *_zeros(forms, begin, finish), finish]
            for low, high in pairwise(ends):
                middle = (low + high) / 2
                active = tuple(bool(a * middle + b > 0) for a, b in forms)
                kept = [form if on else (ZERO, ZERO) for on, form in zip(active, forms, strict=True)]
                cut.append((low, high, (*pattern, active), [*values, kept]))
        pieces = cut
    found = tuple(
        Piece(begin, finish, pattern, tuple(_forms(line, len(line.stages), values)))
        for begin, finish, pattern, values in pieces
    )
    return Segment(network, first, last, found)


def _forms(line: Network, number: int, values: list[list[Form]]) -> list[Form]:
    """The pre-activations of a stage (or the outputs) as forms in t, from the unit values before it."""
    stage = (*line.stages, line.output)[number]
    slopes, shifts = [ZERO] * stage.units, list(stage.bias)
    for source, matrix in stage.blocks:
        if source == INPUT:
            slopes = [a + row[0] for a, row in zip(slopes, matrix, strict=True)]
            continue
        reads = [(j, a, b) for j, (a, b) in enumerate(values[source - 1]) if a or b]
        for i, row in enumerate(matrix):
            for j, a, b in reads:
                if row[j]:
                    slopes[i] += row[j] * a
                    shifts[i] += row[j] * b
    return list(zip(slopes, shifts, strict=True))


def _zeros(forms: list[Form], begin: fmpq, finish: fmpq) -> list[fmpq]:
    """Where forms change their sign strictly between two values, in order, each once."""
    found = {-b / a for a, b in forms if a}
    return sorted(t for t in found if begin < t < finish)
