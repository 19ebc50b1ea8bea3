"""The leaves of the plain engine as arrays, and the choice of who lists leaves: the compiled tree, or the plain one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from typing import Protocol

import numpy as np

from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting.plain_count import plain_network, runs_plain
from nn_bridge.cells.plain import Leaf, Vector, cells, dot
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import FACES, CellTree, Leaves, Miss
from polyhedra.compiled_core import say_plain
from polyhedra.rounding import UNIT_ROUNDOFF

_AT_ONCE = 1 << 10


class LeafTree(Protocol):
    """All leaves of a problem, batch by batch.

    Attributes
    ----------
    problem : CellProblem
    words : int
        Words per stage in a pattern.
    wall_word : int
        In a set of zeros: the first word of the walls.
    """

    problem: CellProblem
    words: int
    wall_word: int

    @property
    def arrays(self) -> CoreProblem | None:
        """The problem as the core takes it, where it has been made."""
        ...

    def run(self) -> Iterator[Leaves]:
        """Batches of leaves."""
        ...


def leaf_tree(problem: CellProblem, emit: int, leave_out: Sequence[Miss] = (), *, maps: bool = True) -> LeafTree:
    """The compiled tree, or the plain one where nothing compiled is there or ``PUISEUX_PURE`` asks for it.

    Parameters
    ----------
    problem : CellProblem
    emit : FACES or PATTERNS
    leave_out : sequence of Miss
    maps : bool
        As in `CellTree`; the plain tree always has residues.
    """
    if not runs_plain():
        return CellTree(problem, emit, leave_out=leave_out, maps=maps)
    say_plain()
    return PlainTree(problem, emit, leave_out)


class PlainTree:
    """The leaves of `nn_bridge.cells.plain.cells` in the layout of `nn_bridge.cells.tree.Leaves`.

    The residues are hashes of the exact affine maps: equal maps have equal ones.

    Parameters
    ----------
    problem : CellProblem
    emit : FACES or PATTERNS
    leave_out : sequence of Miss
        As in `CellTree`; all leaves are visited here.
    """

    def __init__(self, problem: CellProblem, emit: int, leave_out: Sequence[Miss] = ()) -> None:
        self.problem, self.emit, self._leave_out = problem, emit, leave_out
        self.arrays: CoreProblem | None = None
        self._stage_words = [-(-size // 64) for size in problem.network.hidden]
        self.words = max(self._stage_words)
        self.wall_word = sum(self._stage_words)
        self.zero_words = self.wall_word + -(-len(problem.walls) // 64)

    def run(self) -> Iterator[Leaves]:
        """Batches of leaves, in the order of the plain engine."""
        found = (leaf for leaf in self._all() if not any(_misses(leaf, miss) for miss in self._leave_out))
        batch = list(islice(found, _AT_ONCE))
        yield self._leaves(batch, 0)
        number = len(batch)
        while batch := list(islice(found, _AT_ONCE)):
            yield self._leaves(batch, number)
            number += len(batch)

    def _all(self) -> Iterator[Leaf]:
        return cells(plain_network(self.problem.network), self.problem.walls)

    def _leaves(self, batch: list[Leaf], first: int) -> Leaves:
        patterns = bytearray()
        generator_leaf: list[int] = []
        generator_ray: list[bool] = []
        coordinates: list[list[float]] = []
        facet_leaf: list[int] = []
        generator_zeros, facet_zeros = bytearray(), bytearray()
        for number, leaf in enumerate(batch, first):
            for bits in leaf.pattern:
                patterns += bits.to_bytes(8 * self.words, "little")
            if self.emit != FACES:
                continue
            generators = leaf.generator_zeros()
            for (vector, _), (is_ray, zeros) in zip(leaf.cell.generators, generators, strict=True):
                generator_leaf.append(number)
                generator_ray.append(is_ray)
                coordinates.append(_scaled(vector))
                generator_zeros += self._packed(zeros)
            for zeros in leaf.facet_zeros(generators):
                facet_leaf.append(number)
                facet_zeros += self._packed(zeros)
        hashes = (blake2b(repr(leaf.outputs).encode(), digest_size=8) for leaf in batch)
        columns = self.words * len(self._stage_words)
        begins = np.zeros(len(batch), np.uint8)
        begins[: first == 0] = 1
        return Leaves(
            patterns=np.frombuffer(bytes(patterns), "<u8").reshape(-1, columns).astype(np.uint64),
            residues=np.array([int.from_bytes(found.digest(), "little") for found in hashes], np.uint64),
            begins=begins,
            generator_leaf=np.array(generator_leaf, np.int64),
            generator_ray=np.array(generator_ray, np.uint8),
            generator_coordinates=np.array(coordinates, np.float64).reshape(-1, self.problem.dim + 1),
            generator_zeros=np.frombuffer(bytes(generator_zeros), "<u8").reshape(-1, self.zero_words).astype(np.uint64),
            facet_leaf=np.array(facet_leaf, np.int64),
            facet_zeros=np.frombuffer(bytes(facet_zeros), "<u8").reshape(-1, self.zero_words).astype(np.uint64),
            generator_error=np.full(len(coordinates), UNIT_ROUNDOFF),
            numbers=np.arange(first, first + len(batch)),
            neighbours=np.zeros((0, columns), np.uint64),
        )

    def _packed(self, zeros: Vector) -> bytes:
        sizes = (*self._stage_words, self.zero_words - self.wall_word)
        return b"".join(bits.to_bytes(8 * size, "little") for bits, size in zip(zeros, sizes, strict=True))


def _misses(leaf: Leaf, miss: Miss) -> bool:
    """Whether all units of a miss have their signs strictly on a closed cell."""

    def holds(unit: int, positive: bool) -> bool:
        form = leaf.forms[-1][unit]
        values = [(dot(form, vector), vector[-1]) for vector, _ in leaf.cell.generators]
        return all((value > 0 if positive else value < 0) or (value == 0 and not w) for value, w in values)

    return all(holds(unit, positive) for unit, positive in miss)


def _scaled(vector: Vector) -> list[float]:
    """The coordinates as floats, the largest of them 1 in size."""
    largest = max(map(abs, vector))
    return [value / largest for value in vector]


__all__ = ["LeafTree", "PlainTree", "leaf_tree"]
