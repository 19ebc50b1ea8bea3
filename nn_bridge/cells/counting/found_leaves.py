"""The leaves that a slice of the first pass finds, and whether they are kept to be joined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nn_bridge.cells.repeated_maps import REPEATED, repeats
from nn_bridge.cells.tree import CellTree, Leaves

LEAVES_AT_ONCE = 1 << 14
"""Leaves in a batch."""

JOINED_LEAVES, MOST_LEAVES = 1 << 15, 1 << 18
"""A slice ends when it has so many leaves that are to be joined, the latter where they are joined as they come."""

KEPT_LEAVES = 1 << 14
"""Leaves that are kept though they are not to be joined yet."""

TRIAL_LEAVES = 512
"""Leaves before deciding whether to keep them."""

_LATEST = 1024  # size of the tail sample used for the decision of the next slice
_DECIDED = 1 << 16  # leaves of a slice after which no more batches are looked at for repeated residues
_NOTHING = np.zeros(0, np.uint64)


class FoundLeaves:
    """The leaves of a slice: all are kept or none.

    ``joining`` says whether they are to be joined, which is decided on the way where it is None.  If not, they are kept
    as long as they are few, since residues may repeat later.  ``enough`` says that the slice should end: it has many
    leaves to join, or residues that did not repeat now do.

    Parameters
    ----------
    tree : CellTree
    joining : bool, optional
    join : callable, optional
        Joins a batch at once: leaves that are to be joined are then given to it, and not kept.
    """

    def __init__(self, tree: CellTree, joining: bool | None, join: Callable[[Leaves], None] | None = None) -> None:
        self.joining, self._join = joining, join
        self.enough = False
        self.residues: list[np.ndarray] = []
        self.leaves: list[Leaves] = []
        self._decides, self._keeps = joining is None, joining is not False
        self._cells = 0
        self._begins: list[np.ndarray] = []
        self._tree = tree
        tree.mark(np.zeros(0, np.uint8))
        tree.write_faces(joining is not False)
        tree.cover(joining is not False)
        tree.look_for_repeats(False)

    def begin_batch(self) -> int:
        """The leaves of the next batch: many, as each begins with the way to it, but few while there is a choice."""
        if self.joining is None:
            self._tree.try_leaves(TRIAL_LEAVES, _LATEST, REPEATED)  # the batch itself decides
        if self.joining is not False or not self._decides:
            return LEAVES_AT_ONCE
        return min(LEAVES_AT_ONCE, max(_LATEST, self._cells))

    def add(self, leaves: Leaves, cells: int) -> None:
        """Take a batch, with which there are so many cells."""
        self._cells = cells
        if self.joining is None and (found := self._tree.tried()) is not None:
            self._decided(found)
        self.residues.append(leaves.residues.copy())  # the memory of the batch is used again
        self._begins.append(leaves.begins)
        if self._keeps and len(leaves.residues):
            self._keep(leaves)
        self._drop_many()
        if self.joining:
            self.enough |= cells >= (JOINED_LEAVES if self._join is None else MOST_LEAVES)
        elif self.joining is False and self._decides:
            self.enough |= repeats(leaves.residues)
            self._decides = cells < _DECIDED
            self._tree.look_for_repeats(cells < KEPT_LEAVES)

    def decide(self) -> bool:
        """Decide by the leaves so far."""
        joining = repeats(joined(self.residues))
        self._decided(joining)
        return joining

    def _decided(self, joining: bool) -> None:
        self.joining = joining
        if joining:
            kept, self.leaves = self.leaves, []
            for leaves in kept:
                self._keep(leaves)
        else:
            self._tree.write_faces(False)
            self._tree.look_for_repeats(self._decides)
            self._drop_many()

    def _drop_many(self) -> None:
        if self.joining is False and self._cells > KEPT_LEAVES:
            self._keeps, self.leaves = False, []

    def _keep(self, leaves: Leaves) -> None:
        if self.joining and self._join is not None:
            self._join(leaves)
        else:
            self.leaves.append(leaves)

    def repeat(self, more: bool) -> bool:
        """Whether the latest leaves are such that all are best kept from here on; ``more``: the job is not done."""
        if self.joining is None:
            return self.decide()
        return more and repeats(joined(self.residues)[-_LATEST:], self.joining)

    def begins_of(self, count: int) -> bytes | None:
        """The packed mask ``Leaves.begins`` of the latest ``count`` leaves, a group; None if they are joined."""
        begins, self._begins = self._begins, []
        if self.joining:
            return None
        mask = np.concatenate(begins)
        assert len(mask) == count
        return np.packbits(mask).tobytes()


def joined(found: list[np.ndarray]) -> np.ndarray:
    """Arrays of residues as one."""
    return found[0] if len(found) == 1 else np.concatenate([_NOTHING, *found])
