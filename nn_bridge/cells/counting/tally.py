"""The cells, residues and groups that the first pass of a count has found, and the jobs that wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from nn_bridge.cells.counting.checkpoint import Record
from nn_bridge.cells.counting.jobs import GROUP_LEAVES, Group
from nn_bridge.cells.counting.subtrees import Job
from nn_bridge.cells.repeated_maps import distinct


@dataclass
class Tally:
    """The findings of the first pass, and the jobs that wait."""

    waiting: dict[int, Job]
    jobs: int = 1
    cells: int = 0
    leaves: int = 0
    groups: list[Group] = field(default_factory=list)
    residues: list[np.ndarray] = field(default_factory=list)
    joined: list[bool] = field(default_factory=list)
    partial: int = 0
    generators: int = 0

    def add(self, record: Record, joined: bool = False) -> None:
        """Work a finished slice in; ``joined``: its leaves have been joined."""
        self.waiting.pop(record.job, None)
        self.cells += record.cells
        self.groups += record.groups
        self.leaves += len(record.residues)
        if len(record.residues):
            self.residues.append(record.residues)
            self.joined.append(joined)
        for job in record.left:
            self.waiting[self.jobs] = job
            self.jobs += 1

    @property
    def found(self) -> int:
        """All cells known, with those of a count inside one cell that was broken off."""
        return self.cells + self.partial

    def distinct(self) -> int:
        """The number of distinct residues found, which is at most the number of distinct maps."""
        return distinct(self.residues)


def selected_batches(tally: Tally, select: np.ndarray) -> Iterator[tuple[tuple[Group, ...], np.ndarray, np.ndarray]]:
    """Groups with selected leaves, small ones together, with the mask over their leaves and the selected residues."""
    chosen: list[Group] = []
    masks: list[np.ndarray] = []
    keys: list[np.ndarray] = []
    leaf = at = 0
    slices = iter(tally.residues)
    residues = np.zeros(0, np.uint64)
    for group in tally.groups:
        own = select[leaf : leaf + group.leaves]
        if not len(own):
            continue
        if at == len(residues):
            residues, at = next(slices), 0  # a group lies within one slice
        leaf, at = leaf + group.leaves, at + group.leaves
        if not own.any():
            continue
        if chosen and sum(map(len, masks)) + group.leaves > GROUP_LEAVES:
            yield tuple(chosen), np.concatenate(masks), np.concatenate(keys)
            chosen, masks, keys = [], [], []
        chosen.append(group)
        masks.append(own)
        keys.append(residues[at - group.leaves : at][own.view(bool)])
    if chosen:
        yield tuple(chosen), np.concatenate(masks), np.concatenate(keys)
