"""A VNN-LIB property as linear systems: rows over inputs and outputs, and the tensors that a file declares."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from flint import fmpq

from nn_bridge.network.network import Row
from polyhedra.values import Value

_ELEMENT = re.compile(r"([A-Za-z][A-Za-z0-9_]*)(?:\[([0-9,]*)\])?")

Place = tuple[str, int]
"""A variable: "X" for inputs or "Y" for outputs, and its number."""


@dataclass(frozen=True, slots=True)
class LinearRow:
    """a . (X, Y) <= b, or < b where it is strict."""

    inputs: Row
    outputs: Row
    right: fmpq
    strict: bool = False

    def slack(self, x: Row, y: Row) -> fmpq:
        """b - a . (x, y)."""
        total = self.right
        for a, v in zip((*self.inputs, *self.outputs), (*x, *y), strict=True):
            total -= a * v
        return total

    def holds_at(self, x: Row, y: Row) -> bool:
        """Whether the row holds, exactly."""
        slack = self.slack(x, y)
        return bool(slack > 0 if self.strict else slack >= 0)


@dataclass(frozen=True, slots=True)
class Tensor:
    """A declared tensor of VNN-LIB 2.0; its elements are numbered in the order of rows.

    Attributes
    ----------
    name : str
    kind : {"X", "Y"}
        Inputs or outputs.
    shape : tuple of int
        Empty for a single number.
    first : int
        The number of its first element among all inputs, or all outputs, of the file.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    first: int

    @property
    def size(self) -> int:
        """The number of its elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class DeclaredNetwork:
    """A network that a VNN-LIB 2.0 file declares.

    Attributes
    ----------
    name : str
    inputs, outputs : int
    relation : str or None
        "equal-to" or "isomorphic-to" the network that was declared first.
    """

    name: str
    inputs: int
    outputs: int
    relation: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Property(Value):
    """A union of systems, none of which may be satisfied.

    Attributes
    ----------
    inputs, outputs : int
        The numbers of X and Y constants; of two networks those of both together.
    disjuncts : tuple of tuples of LinearRow
    networks : tuple of DeclaredNetwork
        What a VNN-LIB 2.0 file declares; empty for VNN-LIB 1.0.
    tensors : tuple of Tensor
        The same.
    """

    inputs: int
    outputs: int
    disjuncts: tuple[tuple[LinearRow, ...], ...]
    networks: tuple[DeclaredNetwork, ...] = ()
    tensors: tuple[Tensor, ...] = ()

    def holds_at(self, x: Row, y: Row) -> bool:
        """Whether an input and its outputs satisfy the assertions, exactly."""
        return any(all(row.holds_at(x, y) for row in system) for system in self.disjuncts)

    def margin(self, x: Row, y: Row) -> fmpq | None:
        """How far inside the assertions a pair lies: the least slack of a system, in the best one (below 0: outside).

        None where there are no rows.
        """
        return max((min(row.slack(x, y) for row in system) for system in self.disjuncts if system), default=None)


def element(tensors: dict[str, Tensor], word: str) -> Place | None:
    """The place of an element such as ``X[0,1]`` (or ``X``, for a single number); None where there is none.

    Examples
    --------
    >>> element({"A": Tensor("A", "X", (2, 3), 4)}, "A[1,2]")
    ('X', 9)
    """
    match = _ELEMENT.fullmatch(word)
    tensor = None if match is None else tensors.get(match[1])
    if match is None or tensor is None:
        return None
    texts = match[2].split(",") if match[2] else []
    if len(texts) != len(tensor.shape) or not all(text.isdigit() and len(text) < 10 for text in texts):
        return None
    number = 0
    for text, size in zip(texts, tensor.shape, strict=True):
        if int(text) >= size:
            return None
        number = number * size + int(text)
    return tensor.kind, tensor.first + number
