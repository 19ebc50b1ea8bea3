"""Units that repeat others of their stage: multiples, of which one stands for all.

Where the pre-activation of a unit is ``c z``, with that of another one as ``z`` and ``c != 0``, both have one zero set,
and its output is ``|c| relu(z) + min(c, 0) z``.  So the other one can take over its weights, and where ``c < 0`` later
stages read what ``z`` reads as well: the function stays the same, and so does the set of cells, since the sign of the
one unit tells that of the other.  Units with ``c < 0`` stay where they are few, stages many or layers wide: their signs
are copied in any case (``cells/core/multiples.hpp``), and weights on what ``z`` reads are longer numbers, the more so
the more of the stages before are read like this.

Source: Serra, Kumar, Ramalingam 2020 (lossless compression), for repeated units.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import add

import numpy as np
from flint import fmpq, fmpq_mat, fmpz

from nn_bridge.network.network import AffineStage, Matrix, Network
from nn_bridge.network.sparse_row import SparseRow
from polyhedra.limits import check_limits
from polyhedra.scalars import ZERO

_MOST_ENTRIES = 1 << 18
"""Stages with more weights, or with more on them in later ones, are left as they are: they would take long."""


_OPPOSITE_SHARE = 0.25
"""Units of a stage that are negative multiples of others are left out where they are so many of it."""
_OPPOSITE_STAGES = 4
"""And the network has no more stages: the last of sixty would have weights of thousands of digits on each before."""
_OPPOSITE_ENTRIES = 1 << 13
"""And it has no more weights with all behind, unless these are small whole numbers: else products are no doubles."""
_OPPOSITE_PRODUCTS = 1 << 20
"""And no more products of weights are to be added up: where layers are wider, these take longer than the cells do."""
_SMALL = 1 << 16


def unrepeated(network: Network, *, opposite: bool = True) -> Network:
    """The network without units that are multiples of others of their stage.

    Parameters
    ----------
    network : Network
    opposite : bool
        Leave out negative multiples, too, where that is likely to save time when cells are joined.

    Returns
    -------
    Network
        With the same function and the same cells; the network itself where no unit repeats another one.  Stages with
        sparse rows, or that such rows read, and very large ones stay as they are.

    Examples
    --------
    >>> unrepeated(Network.from_layers([[[1, 2], [2, 4], [-1, -2], [1, 0]], [[1, 1, 1, 1]]])).hidden
    (2,)
    """
    stages = [*network.stages, network.output]
    for number in range(len(stages) - 1):
        sums, units = _two_sums(stages[number]), stages[number].units
        if not any(_may_repeat(sums, units, True)):
            continue
        readers = [later for later in stages[number + 1 :] if later.block(number + 1) is not None]
        few = opposite and len(network.stages) <= _OPPOSITE_STAGES and _are_few(stages, number, readers)
        kept, factors = _repeats(stages[number], _may_repeat(sums, units, few), few)
        if 0 < sum(factor < 0 for _, factor in factors) < _OPPOSITE_SHARE * len(factors):
            kept, factors = _repeats(stages[number], _may_repeat(sums, units, False), False)
        if len(kept) == len(factors):
            continue
        if not _may_take_over(stages[number], readers, number + 1):
            continue
        stage = stages[number] = _rows(stages[number], kept)
        for later in range(number + 1, len(stages)):
            stages[later] = _columns(stages[later], stage, number + 1, factors)
    if all(new is old for new, old in zip(stages, network.stages, strict=False)):
        return network
    return Network(network.input_dim, tuple(stages[:-1]), stages[-1])


def _repeats(
    stage: AffineStage, may_repeat: Sequence[bool], opposite: bool
) -> tuple[list[int], list[tuple[int, fmpq]]]:
    """The units that stay, and of each unit the place of its substitute among these, and what multiple of it it is.

    Only the units of a mask are compared; with ``opposite`` multiples may be negative.
    """
    kept: list[int] = []
    factors: list[tuple[int, fmpq]] = []
    places: dict[tuple[tuple[fmpz, fmpz], ...], tuple[int, fmpq]] = {}
    for unit, compared in enumerate(may_repeat):
        if compared:
            check_limits()
            row = tuple(chain.from_iterable(matrix[unit] for _, matrix in stage.blocks))
            lead = next((weight for weight in row if weight), ZERO)
            scale = lead if opposite else abs(lead)
            if scale:  # a unit without weights cuts nothing
                quotients = (value / scale for value in (*row, stage.bias[unit]))
                key = tuple((quotient.p, quotient.q) for quotient in quotients)  # integers: fractions take long to hash
                if key in places:
                    place, of_first = places[key]
                    factors.append((place, scale / of_first))
                    continue
                places[key] = len(kept), scale
        factors.append((len(kept), fmpq(1)))
        kept.append(unit)
    return kept, factors


def _two_sums(stage: AffineStage) -> np.ndarray | None:
    """For each unit two random combinations of its numbers, with positive factors; None where these are too large."""
    matrices = [matrix for _, matrix in stage.blocks]
    sums = np.zeros((2, stage.units))
    if stage.units < 2 or not matrices or not _is_usual(matrices):
        return np.zeros((2, 0))
    rng = np.random.default_rng(5)
    with np.errstate(all="ignore"):
        try:
            sums += rng.uniform(1, 2, (2, 1)) * np.array([float(value) for value in stage.bias])
            for _, matrix in stage.blocks:
                given = next((array for own, array in stage.doubles if own is matrix), None)
                rows = np.array([[float(v) for v in row] for row in matrix]) if given is None else given
                sums += rng.uniform(1, 2, (2, rows.shape[1])) @ rows.T
        except OverflowError:
            return None
    return sums


def _may_repeat(sums: np.ndarray | None, units: int, opposite: bool) -> list[bool]:
    """Units whose quotients of two sums, which repeated ones share, nearly agree; without ``opposite`` signs, too.

    These are compared exactly.  A repeated one that rounding hides here stays, which costs time alone.
    """
    if sums is None:
        return [True] * units
    found = np.zeros(units, bool)
    with np.errstate(all="ignore"):
        quotients = sums[0] / sums[1]
        positive = sums[0] > 0
        for own in [np.ones(len(quotients), bool)] if opposite else [positive, ~positive]:
            order = np.flatnonzero(own)
            order = order[np.argsort(quotients[order])]
            # what is not finite may be anything
            near = ~(np.diff(quotients[order]) > 1e-9 * np.abs(quotients[order[1:]]))
            found[order[:-1][near]] = found[order[1:][near]] = True
    return found.tolist()


def _is_usual(matrices: list[Matrix]) -> bool:
    """Whether none has sparse rows, and they are not very large together."""
    entries = sum(len(matrix) * len(matrix[0]) for matrix in matrices)
    return entries <= _MOST_ENTRIES and not any(isinstance(row, SparseRow) for matrix in matrices for row in matrix)


def _rows(stage: AffineStage, kept: list[int]) -> AffineStage:
    """A stage with some of its units."""
    blocks = tuple((source, tuple(matrix[unit] for unit in kept)) for source, matrix in stage.blocks)
    return AffineStage(blocks, tuple(stage.bias[unit] for unit in kept))


def _are_few(stages: list[AffineStage], number: int, readers: list[AffineStage]) -> bool:
    """Whether negative multiples of a stage are left out faster than cells are listed with them."""
    stage = stages[number]
    products = sum(reader.units for reader in readers) * stage.units * sum(len(matrix[0]) for _, matrix in stage.blocks)
    entries = sum(len(matrix) * len(matrix[0]) for own in stages[number:] for _, matrix in own.blocks)
    if products > _OPPOSITE_PRODUCTS:
        return False
    return entries <= _OPPOSITE_ENTRIES or all(map(_is_small, [stage, *readers]))


def _is_small(stage: AffineStage) -> bool:
    """Whether all numbers are small whole ones."""
    numbers = chain(stage.bias, *(row for _, matrix in stage.blocks for row in matrix))
    return all(value.q == 1 and abs(value.p) < _SMALL for value in numbers)


def _may_take_over(stage: AffineStage, readers: list[AffineStage], source: int) -> bool:
    """Whether stages that read this one may get dense rows, on it and on what it reads."""
    sizes = sum(len(matrix[0]) for _, matrix in stage.blocks)
    read = [
        matrix for reader in readers for own, matrix in reader.blocks if own == source or stage.block(own) is not None
    ]
    return _is_usual(read) and sum(reader.units for reader in readers) * sizes <= _MOST_ENTRIES


def _columns(reader: AffineStage, stage: AffineStage, source: int, factors: list[tuple[int, fmpq]]) -> AffineStage:
    """A stage whose weights on repeated units of another one, ``stage``, are taken over by their substitutes.

    ``stage`` has these alone, and is the source with the given number.
    """
    before = reader.block(source)
    if before is None:
        return reader
    own = [[ZERO] * stage.units for _ in before]  # weights on the units that stay
    straight = [[ZERO] * stage.units for _ in before]  # and on their pre-activations
    for to, through, row in zip(own, straight, before, strict=True):
        for weight, (place, factor) in zip(row, factors, strict=True):
            if weight:
                to[place] += weight * abs(factor)
                if factor < 0:
                    through[place] += weight * factor
    blocks = {number: matrix for number, matrix in reader.blocks if number != source} | {source: _frozen(own)}
    bias = reader.bias
    if any(map(any, straight)):
        for number, matrix in stage.blocks:
            blocks[number] = _sum(blocks.get(number), _product(straight, matrix))
        bias = tuple(one + row[0] for one, row in zip(bias, _product(straight, [[b] for b in stage.bias]), strict=True))
    return AffineStage(tuple((n, matrix) for n, matrix in sorted(blocks.items()) if any(map(any, matrix))), bias)


def _product(left: Sequence[Sequence[fmpq]], right: Sequence[Sequence[fmpq]]) -> Matrix:
    """A product of matrices."""
    return _frozen((fmpq_mat(list(map(list, left))) * fmpq_mat(list(map(list, right)))).tolist())


def _sum(one: Matrix | None, other: Matrix) -> Matrix:
    """A sum of matrices, of which the first may be missing: zero."""
    if one is None:
        return other
    return tuple(tuple(map(add, *rows)) for rows in zip(one, other, strict=True))


def _frozen(matrix: Sequence[Sequence[fmpq]]) -> Matrix:
    return tuple(map(tuple, matrix))


__all__ = ["unrepeated"]
