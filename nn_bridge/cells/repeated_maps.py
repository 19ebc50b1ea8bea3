"""Cells that may have equal maps: leaves whose residues occur more than once, among many millions.

Few residues go through a hash table (``core/repeats.hpp``).  More are sorted class by class, where a class are those
with the same last bits: equal ones lie in one class, a class at a time takes little memory, and several threads take a
class each (sorting holds no lock of the interpreter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from polyhedra.compiled_core import core
from polyhedra.memory import has_room_for_threads

kernels: Any = core("nn_bridge.cells._core")

Found = TypeVar("Found")

REPEATED = 256
"""Leaves are best joined as they come where one in so many repeats."""

_STILL = 1024  # .. where leaves have been joined so far
_NONE = np.zeros(0, np.uint64)

_AT_ONCE = 1 << 20
"""About so many residues are sorted at a time by each thread."""

_MOST_CLASSES = 32
_EACH = 24  # bytes for each residue that is sorted


@dataclass(frozen=True)
class Duplicates:
    """The leaves that share the residues of their affine map with another leaf.

    Attributes
    ----------
    select : array of uint8, shape (cells,)
        1 for such a leaf; the mask that `CellTree` takes as ``select`` in the second pass.
    residues : array of uint64
        The residues of the selected leaves, in the order of the leaves.
    """

    select: np.ndarray
    residues: np.ndarray

    @property
    def singles(self) -> int:
        """The number of leaves whose map is certainly theirs alone."""
        return len(self.select) - len(self.residues)


def sorting_bytes(leaves: int, threads: int = 1) -> int:
    """The bytes that finding duplicates among the residues of so many leaves takes, beside these."""
    at_once = max(min(leaves, _AT_ONCE), leaves // _MOST_CLASSES)
    return 3 * leaves + _EACH * min(leaves, threads * at_once)


def _in_classes(
    parts: Sequence[np.ndarray], found: Callable[[Callable[[np.ndarray], np.ndarray]], Found], threads: int
) -> Iterator[Found]:
    """Apply a function to each class; it is given the function that masks the members of the class in a part."""
    count = sum(map(len, parts))
    classes = min(_MOST_CLASSES, 1 << max(0, (count - 1) // _AT_ONCE).bit_length())

    def of(own: int) -> Found:
        return found(lambda part: part & np.uint64(classes - 1) == np.uint64(own))

    if threads == 1 or classes == 1 or not has_room_for_threads(threads):
        yield from map(of, range(classes))
        return
    with ThreadPoolExecutor(threads, "puiseux") as pool:
        yield from pool.map(of, range(classes))


def _ranked(parts: Sequence[np.ndarray], own: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The residues of a class, sorted."""
    values = np.concatenate([_NONE, *(part[own(part)] for part in parts)])
    values.sort()
    return values


def among(residues: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A mask over residues: 1 where one is among the wanted ones, which are sorted."""
    place = np.minimum(np.searchsorted(wanted, residues), len(wanted) - 1)
    mask: np.ndarray = (wanted[place] == residues).view(np.uint8)
    return mask


def duplicates(parts: Sequence[np.ndarray], threads: int = 1) -> Duplicates:
    """Find the leaves whose residues (uint64, one per leaf, in any number of arrays) occur more than once.

    Examples
    --------
    >>> duplicates([np.array([7, 5], dtype=np.uint64), np.array([7], dtype=np.uint64)]).select.tolist()
    [1, 0, 1]
    """
    select = np.zeros(sum(map(len, parts)), np.uint8)
    ends = np.cumsum([0, *map(len, parts)]).tolist()

    def mark(own: Callable[[np.ndarray], np.ndarray]) -> None:
        ranked = _ranked(parts, own)
        again = ranked[1:][ranked[1:] == ranked[:-1]]
        if len(again):
            for part, begin in zip(parts, ends, strict=False):
                places = np.flatnonzero(own(part))
                select[begin + places[among(part[places], again).view(bool)]] = 1

    if kernels is not None and len(select) <= _AT_ONCE:
        kernels.mark_repeats(np.concatenate([_NONE, *parts]), select)
    else:
        for _ in _in_classes(parts, mark, threads):
            pass
    marked, at = [_NONE], 0
    for part in parts:
        marked.append(part[select[at : at + len(part)].view(bool)])
        at += len(part)
    return Duplicates(select, np.concatenate(marked))


def distinct(parts: Sequence[np.ndarray]) -> int:
    """The number of different residues.

    Examples
    --------
    >>> distinct([np.array([7, 5], dtype=np.uint64), np.array([7], dtype=np.uint64)])
    2
    """

    def number(own: Callable[[np.ndarray], np.ndarray]) -> int:
        ranked = _ranked(parts, own)
        return int(np.count_nonzero(ranked[1:] != ranked[:-1])) + (len(ranked) > 0)

    return sum(_in_classes(parts, number, 1))


def repeats(residues: np.ndarray, joining: bool = False) -> bool:
    """Whether so many of some leaves share their residues that all leaves are best joined at once.

    A second pass over the leaves that do costs nearly what the first one did; to tell the neighbours of all costs a
    third of that.  Where leaves have been joined so far (``joining``), fewer suffice to go on.
    """
    share = _STILL if joining else REPEATED
    if kernels is not None and len(residues) <= _AT_ONCE:
        again = kernels.mark_repeats(residues, np.zeros(len(residues), np.uint8))
    else:
        again = len(residues) - distinct([residues])
    return len(residues) > 0 and share * int(again) >= len(residues)
