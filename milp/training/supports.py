"""The outputs of one hidden unit with few weights on given samples: its blocks of masked columns, and their spans.

A unit that reads the columns S (inputs, or the bias) and is active on the samples P has outputs
``1_P * (sum of w_i x_i over S)`` on the data: a vector in the span of the columns x_i masked by P. P is the pattern of
a full-dimensional cell of the weights of S, which the exact cell engine lists (weights on a wall lie in the closure of
such a cell, and the unit's outputs there are those of the cell's formula). So the outputs of any network with s
non-zero weights lie in a sum of spans of cost s in all, for *all* real weights.

A span inside another of the same cost refutes nothing that the other does not: spans are grouped under the largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from flint import fmpz_mat

from milp.training.activation_patterns import patterns_of_rows
from milp.training.fit_data import FitData
from milp.training.residues import PrimeField
from polyhedra.arrays import Floats
from polyhedra.cached_values import cached_property


@dataclass(frozen=True, slots=True)
class Block:
    """The weights of one unit that may be non-zero, and where it is active.

    Attributes
    ----------
    support : tuple of int
        Columns; column d is the bias.
    active : tuple of bool
        For each sample.
    """

    support: tuple[int, ...]
    active: tuple[bool, ...]

    def masked(self, data: FitData) -> list[list[int]]:
        """The masked columns, as rows of N integers."""
        return [
            [value if on else 0 for value, on in zip(data.columns[i], self.active, strict=True)] for i in self.support
        ]


@dataclass(frozen=True, slots=True)
class Span:
    """A space of outputs of a unit, and the blocks of one cost whose outputs lie in it.

    Attributes
    ----------
    basis : tuple of independent rows of N integers
    blocks : tuple of Block
    """

    basis: tuple[tuple[int, ...], ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class SpanClass:
    """All spans of units with one number of non-zero weights.

    Attributes
    ----------
    cost : int
    spans : tuple of Span
    """

    cost: int
    spans: tuple[Span, ...]

    @cached_property
    def blocks(self) -> int:
        """The number of blocks."""
        return sum(len(span.blocks) for span in self.spans)

    def residues(self, field: PrimeField, rng: np.random.Generator) -> Floats:
        """An array (spans, N, cost) modulo the prime; spans of lower dimension are padded with random columns.

        A padded span is larger than it need be: what it refutes is refuted.
        """
        samples = len(self.spans[0].basis[0])
        found = rng.integers(0, field.prime, size=(len(self.spans), samples, self.cost)).astype(np.float64)
        for place, span in enumerate(self.spans):
            found[place, :, : len(span.basis)] = field.of_integers(span.basis).T
        return found


def span_class(data: FitData, columns: Sequence[int], cost: int, check: Callable[[], None] = lambda: None) -> SpanClass:
    """The spans of all units with so many non-zero weights of some columns, grouped under the largest.

    ``check`` is called now and then, and may end it.
    """
    groups: dict[tuple[tuple[int, ...], ...], list[Block]] = {}
    whole: dict[tuple[bool, ...], list[Block]] = {}
    for count, block in enumerate(unit_blocks(data, columns, cost, check)):
        if not count % 256:
            check()
        basis = canonical(block.masked(data))
        if len(basis) == sum(block.active):
            whole.setdefault(block.active, []).append(block)  # all outputs on the active samples
        else:
            groups.setdefault(basis, []).append(block)
    check()
    masks = {active: _mask(active) for active in whole}
    largest = [active for active, mask in masks.items() if not any(_inside(mask, other) for other in masks.values())]
    for active, blocks in whole.items():
        if active not in largest:
            whole[next(other for other in largest if _inside(masks[active], masks[other]))] += blocks
    spans = [Span(_unit_rows(active), tuple(whole[active])) for active in largest]
    for basis, blocks in groups.items():
        mask = _mask(blocks[0].active)
        home = next((place for place, active in enumerate(largest) if not mask & ~masks[active]), None)
        if home is None:
            spans.append(Span(basis, tuple(blocks)))
        else:
            spans[home] = Span(spans[home].basis, (*spans[home].blocks, *blocks))
    return SpanClass(cost, tuple(spans))


def unit_blocks(
    data: FitData, columns: Sequence[int], cost: int, check: Callable[[], None] = lambda: None
) -> list[Block]:
    """All blocks of units with so many non-zero weights that are active on some sample."""
    found = []
    for support in combinations(columns, cost):
        check()
        rows = list(zip(*(data.columns[i] for i in support), strict=True))
        found += [Block(support, active) for active in patterns(rows) if any(active)]
    return found


def seconds_of_class(samples: int, columns: int, cost: int) -> float:
    """About how long the spans of one cost take: from the number of supports, and of patterns in general position."""
    return 1e-3 * math.comb(columns, cost) + 5e-5 * most_blocks(samples, columns, cost)


def most_blocks(samples: int, columns: int, cost: int) -> int:
    """No more blocks than these have one cost: each support has its patterns in general position (Cover 1965)."""
    return math.comb(columns, cost) * 2 * sum(math.comb(samples - 1, i) for i in range(cost))


def patterns(rows: Sequence[Sequence[int]]) -> list[tuple[bool, ...]]:
    """The signs [x_n . w > 0] on the full-dimensional cells of w; samples with x_n = 0 count as inactive.

    Examples
    --------
    >>> patterns([(1, 0), (-1, 0), (0, 0)])
    [(False, True, False), (True, False, False)]
    """
    return sorted(patterns_of_rows(rows))


def canonical(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """The reduced echelon form of integer rows, each primitive: equal for equal spans, and for no others."""
    reduced, _, rank = fmpz_mat([list(row) for row in rows]).rref()
    found = []
    for i in range(rank):
        row = [int(reduced[i, j]) for j in range(reduced.ncols())]
        divisor = math.gcd(*row)
        if next(value for value in row if value) < 0:
            divisor = -divisor
        found.append(tuple(value // divisor for value in row))
    return tuple(found)


def _mask(active: Sequence[bool]) -> int:
    return sum(1 << n for n, on in enumerate(active) if on)


def _inside(inner: int, outer: int) -> bool:
    """Whether a set of samples is a proper part of another."""
    return inner != outer and not inner & ~outer


def _unit_rows(active: Sequence[bool]) -> tuple[tuple[int, ...], ...]:
    places = [n for n, on in enumerate(active) if on]
    return tuple(tuple(int(n == place) for n in range(len(active))) for place in places)
