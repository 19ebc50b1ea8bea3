"""The leaves of the plain engine as arrays, and the choice of who lists leaves: the compiled tree, or the plain one."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from typing import Protocol

import numpy as np

from nn_bridge.cells.counting.plain_count import plain_network, runs_plain
from nn_bridge.cells.plain import Leaf, Vector, cells
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import FACES, CellTree, Leaves
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

    def run(self) -> Iterator[Leaves]:
        """Batches of leaves."""
        ...


def leaf_tree(problem: CellProblem, emit: int) -> LeafTree:
    """The compiled tree, or the plain one where nothing compiled is there or ``PUISEUX_PURE`` asks for it.

    Parameters
    ----------
    problem : CellProblem
    emit : FACES or PATTERNS
    """
    if not runs_plain():
        return CellTree(problem, emit)
    say_plain()
    return PlainTree(problem, emit)


class PlainTree:
    """The leaves of `nn_bridge.cells.plain.cells` in the layout of `nn_bridge.cells.tree.Leaves`.

    The residues are hashes of the exact affine maps: equal maps have equal ones.

    Parameters
    ----------
    problem : CellProblem
    emit : FACES or PATTERNS
    """

    def __init__(self, problem: CellProblem, emit: int) -> None:
        self.problem, self.emit = problem, emit
        self._stage_words = [-(-size // 64) for size in problem.network.hidden]
        self.words = max(self._stage_words)
        self.wall_word = sum(self._stage_words)
        self.zero_words = self.wall_word + -(-len(problem.walls) // 64)

    def run(self) -> Iterator[Leaves]:
        """Batches of leaves, in the order of the plain engine."""
        found = cells(plain_network(self.problem.network), self.problem.walls)
        number = 0
        while batch := list(islice(found, _AT_ONCE)):
            yield self._leaves(batch, number)
            number += len(batch)

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
        begins = np.zeros(len(batch), np.uint8)
        begins[: first == 0] = 1
        return Leaves(
            patterns=np.frombuffer(bytes(patterns), "<u8").reshape(len(batch), -1).astype(np.uint64),
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
        )

    def _packed(self, zeros: Vector) -> bytes:
        sizes = (*self._stage_words, self.zero_words - self.wall_word)
        return b"".join(bits.to_bytes(8 * size, "little") for bits, size in zip(zeros, sizes, strict=True))


def _scaled(vector: Vector) -> list[float]:
    """The coordinates as floats, the largest of them 1 in size."""
    largest = max(map(abs, vector))
    return [value / largest for value in vector]


__all__ = ["LeafTree", "PlainTree", "leaf_tree"]
