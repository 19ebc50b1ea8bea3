"""Which pairs of extreme rays of a cone span a face of dimension 2, for many pairs at a time.

Rays are known by the inequalities that they satisfy with equality.  Two are adjacent iff no third ray satisfies all
those that they share; numbers of common inequalities are products of 0-1 matrices, exact in float32 below 2^24.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from polyhedra.limits import check_limits

_ENTRIES = 4_000_000  # of a product of matrices that is held at once
_WORD = 64  # inequalities in one machine word


def adjacent_pairs(
    positive: Sequence[int], negative: Sequence[int], others: Sequence[int], rows: int, dim: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The adjacent pairs of a ray of the first list and one of the second, as arrays of positions, part by part.

    Parameters
    ----------
    positive, negative, others : sequences of int
        All extreme rays of a pointed cone, as bit sets of the inequalities that are equalities there.
    rows : int
        The number of inequalities; all bits are below it.
    dim : int
        The dimension of the cone.
    """
    if rows <= _WORD:
        # at a ray with dim - 1 equalities they are independent, so any dim - 2 of them define a face of dimension 2
        simple_left = [i for i, zeros in enumerate(positive) if zeros.bit_count() == dim - 1]
        simple_right = [k for k, zeros in enumerate(negative) if zeros.bit_count() == dim - 1]
        one, other = _joined([positive[i] for i in simple_left], [negative[k] for k in simple_right], rows)
        yield np.array(simple_left, dtype=np.intp)[one], np.array(simple_right, dtype=np.intp)[other]
        rest_left, rest_right = (
            np.setdiff1d(np.arange(len(of), dtype=np.intp), simple, assume_unique=True)
            for of, simple in ((positive, simple_left), (negative, simple_right))
        )
        blocks = [
            (rest_left, np.arange(len(negative), dtype=np.intp)),
            (np.array(simple_left, dtype=np.intp), rest_right),
        ]
    else:
        blocks = [(np.arange(len(positive), dtype=np.intp), np.arange(len(negative), dtype=np.intp))]
    blocks = [(one, other) for one, other in blocks if len(one) and len(other)]
    if not blocks:
        return
    left, right = _incidences(positive, rows), _incidences(negative, rows)
    everything = np.concatenate([left, right, _incidences(others, rows)])
    for lefts, rights in blocks:
        for one, other in _sharing(left[lefts], right[rights], dim - 2):
            yield from _confirmed(left, right, everything, lefts[one], rights[other])


def _joined(first: Sequence[int], second: Sequence[int], rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs of sets that differ by one exchange: equal after one element is taken from each."""
    found = []
    for sets in (first, second):
        packed = np.array(sets, dtype=np.uint64)
        keys, owners = [packed[:0]], [np.arange(0)]
        for r in range(rows):
            bit = np.uint64(1 << r)
            having = np.flatnonzero(packed & bit)
            keys.append(packed[having] ^ bit)
            owners.append(having)
        found.append((np.concatenate(keys), np.concatenate(owners)))
    # a face of dimension 2 has two extreme rays: a key that comes twice on one side is not on the other
    _, i, k = np.intersect1d(found[0][0], found[1][0], return_indices=True)
    return found[0][1][i], found[1][1][k]


def _sharing(
    left: NDArray[np.float32], right: NDArray[np.float32], least: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The pairs of rows with at least so many common ones."""
    step = max(1, _ENTRIES // len(right))
    for start in range(0, len(left), step):
        check_limits()
        i, k = np.nonzero(left[start : start + step] @ right.T >= least)
        yield start + i, k


def _confirmed(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    everything: NDArray[np.float32],
    i: NDArray[np.intp],
    k: NDArray[np.intp],
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Those pairs whose common inequalities no third ray has."""
    part = max(1, _ENTRIES // len(everything))
    for first in range(0, len(i), part):
        check_limits()
        one, other = i[first : first + part], k[first : first + part]
        common = left[one] * right[other]
        adjacent = (common @ everything.T == common.sum(axis=1)[:, np.newaxis]).sum(axis=1) == 2
        yield one[adjacent], other[adjacent]


def _incidences(sets: Sequence[int], rows: int) -> NDArray[np.float32]:
    """Bit sets as the rows of a 0-1 matrix."""
    width = (rows + 7) // 8
    packed = np.frombuffer(b"".join(zeros.to_bytes(width, "little") for zeros in sets), dtype=np.uint8)
    return np.unpackbits(packed.reshape(len(sets), width), axis=1, count=rows, bitorder="little").astype(np.float32)


__all__ = ["adjacent_pairs"]
