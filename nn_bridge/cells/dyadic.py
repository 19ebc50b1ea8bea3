"""Stages whose numbers are integers over powers of two, as arrays: what floating-point networks consist of.

Doubles and residues of thousands of weights are then found by operations on whole arrays, without rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import SparseRow
from polyhedra.limits import check_limits

_DIGITS = 53
_WHOLE = 2**_DIGITS
_DEEPEST = 1000  # halvings of a denominator; doubles have 1074 at most


@dataclass(frozen=True)
class Dyadic:
    """The numbers ``numerators / 2**halvings``, each a double.

    Attributes
    ----------
    numerators, halvings : arrays of int64
        Numerators are below 2**53 in size, halvings not negative; of each number the least that will do.
    """

    numerators: np.ndarray
    halvings: np.ndarray

    @property
    def deepest(self) -> int:
        """The exponent of the common denominator."""
        return int(self.halvings.max(initial=0))

    def doubles(self) -> np.ndarray:
        """The numbers, exactly."""
        return np.ldexp(self.numerators.astype(np.float64), -self.halvings)


@dataclass(frozen=True)
class DyadicBlock:
    """A matrix by its entries that are not zero: row ``j`` has those with numbers ``begin[j] .. begin[j + 1] - 1``."""

    source: int
    shape: tuple[int, int]
    begin: np.ndarray
    column: np.ndarray
    entries: Dyadic

    @property
    def row(self) -> np.ndarray:
        """The row of each entry."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.begin))


@dataclass(frozen=True)
class DyadicStage:
    """A stage, or the outputs."""

    bias: Dyadic
    blocks: tuple[DyadicBlock, ...]

    @property
    def whole(self) -> bool:
        """Whether all numbers are integers."""
        return not any(part.halvings.any() for part in (self.bias, *(block.entries for block in self.blocks)))


def dyadic(values: Iterable[fmpq]) -> Dyadic | None:
    """Rationals as integers over powers of two; None where one of them is no double of usual size.

    Examples
    --------
    >>> dyadic([fmpq(3, 4), fmpq(-2)]), dyadic([fmpq(1, 3)])
    (Dyadic(numerators=array([ 3, -2]), halvings=array([2, 0])), None)
    """
    values = list(values)
    denominators = [int(value.q) for value in values]
    exponents = {q: q.bit_length() - 1 for q in set(denominators)}
    if any(q & (q - 1) or k > _DEEPEST for q, k in exponents.items()):
        return None
    try:
        numerators = np.array([int(value.p) for value in values], np.int64)
    except OverflowError:
        return None
    if ((numerators >= _WHOLE) | (numerators <= -_WHOLE)).any():
        return None
    halvings = np.zeros(len(values), np.int64)
    if len(exponents) > 1 or 1 not in exponents:
        halvings = np.array([exponents[q] for q in denominators], np.int64)
    return Dyadic(numerators, halvings)


def dyadic_doubles(values: np.ndarray) -> Dyadic | None:
    """Doubles as integers over powers of two; None where one of them is larger, or smaller, than usual.

    Examples
    --------
    >>> dyadic_doubles(np.array([0.75, -2.0])), dyadic_doubles(np.array([1e300]))
    (Dyadic(numerators=array([ 3, -2]), halvings=array([2, 0])), None)
    """
    if not (np.abs(values) < _WHOLE).all():
        return None
    mantissas, exponents = np.frexp(values)
    numerators = np.ldexp(mantissas, _DIGITS).astype(np.int64)
    odd = numerators & -numerators  # the last bit
    zeros = np.where(odd == 0, 0, np.frexp(odd.astype(np.float64))[1] - 1)
    halvings = np.where(odd == 0, 0, _DIGITS - exponents - zeros)
    if halvings.max(initial=0) > _DEEPEST:
        return None
    whole = np.minimum(halvings, 0)  # such a number is even: its numerator keeps so many of the zeros
    return Dyadic(numerators >> (zeros + whole), (halvings - whole).astype(np.int64))


def dyadic_stage(stage: AffineStage) -> DyadicStage | None:
    """A stage as arrays; None where one of its numbers is no double of usual size."""
    bias = dyadic(stage.bias)
    if bias is None:
        return None
    blocks = []
    for source, matrix in stage.blocks:
        check_limits()
        given = next((array for own, array in stage.doubles if own is matrix), None)
        block = _block(source, matrix, given)
        if block is None:
            return None
        blocks.append(block)
    return DyadicStage(bias, tuple(blocks))


def dyadic_stages(network: Network) -> list[DyadicStage] | None:
    """All stages and, last, the outputs as arrays; None where one of their numbers is no double of usual size."""
    stages = first_dyadic_stages(network)
    return stages if len(stages) > len(network.stages) else None


def first_dyadic_stages(network: Network) -> list[DyadicStage]:
    """The stages (and, last, the outputs) up to the first one that has a number which is no double of usual size."""
    stages: list[DyadicStage] = []
    for stage in (*network.stages, network.output):
        found = dyadic_stage(stage)
        if found is None:
            break
        stages.append(found)
    return stages


def _block(source: int, matrix: Any, given: np.ndarray | None) -> DyadicBlock | None:
    shape = len(matrix), len(matrix[0])
    if any(isinstance(row, SparseRow) for row in matrix):
        kept = [_entries(row) for row in matrix]
        column = np.array(list(chain.from_iterable(columns for columns, _ in kept)), np.int32)
        found = dyadic(chain.from_iterable(values for _, values in kept))
        begin = np.concatenate([[0], np.cumsum([len(columns) for columns, _ in kept])]).astype(np.int64)
        return None if found is None else DyadicBlock(source, shape, begin, column, found)
    found = dyadic(chain.from_iterable(matrix)) if given is None else dyadic_doubles(given.ravel())
    if found is None:
        return None
    if found.numerators.all():
        begin = np.arange(shape[0] + 1) * shape[1]
        return DyadicBlock(source, shape, begin, np.tile(np.arange(shape[1], dtype=np.int32), shape[0]), found)
    places = np.flatnonzero(found.numerators)
    begin = np.searchsorted(places, np.arange(shape[0] + 1) * shape[1]).astype(np.int64)
    entries = Dyadic(found.numerators[places], found.halvings[places])
    return DyadicBlock(source, shape, begin, (places % shape[1]).astype(np.int32), entries)


def _entries(row: Any) -> tuple[Any, Any]:
    if isinstance(row, SparseRow):
        return row.columns, row.values
    columns = [column for column, value in enumerate(row) if value]
    return columns, [row[column] for column in columns]
