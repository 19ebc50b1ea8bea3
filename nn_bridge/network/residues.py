"""Affine maps of many activation patterns compared exactly: integers, modulo enough primes.

The network is cleared of denominators stage by stage, so that every pattern's map has integer coefficients, all maps
with one common factor.  A bound on their size holds for all patterns.  Integers that agree modulo primes whose product
exceeds twice the bound are equal.  The primes are small enough for floating-point matrix products to be exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpz

from nn_bridge.network.forms import integer_stages
from nn_bridge.network.network import INPUT, Network


def unpacked(rows: np.ndarray, sizes: Sequence[int], words: int) -> list[np.ndarray]:
    """Patterns of ``words`` 64-bit words a stage as booleans: for each stage an array of shape (patterns, units)."""
    found = []
    for s, size in enumerate(sizes):
        own = np.ascontiguousarray(rows[:, s * words : (s + 1) * words])
        found.append(np.unpackbits(own.view(np.uint8), axis=1, bitorder="little", count=size).view(bool))
    return found


def packed(bits: np.ndarray, words: int) -> np.ndarray:
    """Rows of booleans as rows of ``words`` 64-bit words."""
    found = np.zeros((len(bits), 8 * words), np.uint8)
    found[:, : -(-bits.shape[1] // 8)] = np.packbits(bits, axis=1, bitorder="little")
    return found.view(np.uint64)


_PRODUCTS_AT_ONCE = 1 << 17
"""So many products of numbers at a time: matrix libraries start threads for more, which then wait busily."""

_FEWEST_AT_ONCE = 16


@dataclass(frozen=True)
class _Residues:
    """The integer network modulo one prime: per stage (and last the outputs) its blocks on earlier stages and the rest.

    ``blocks[number]`` lists (source, weights of shape (units, units of the source)); ``constants[number]`` has shape
    (units, inputs + 1), the weights on the input and the bias.
    """

    prime: int
    blocks: tuple[tuple[tuple[int, np.ndarray], ...], ...]
    constants: tuple[np.ndarray, ...]

    def reduce(self, values: np.ndarray) -> np.ndarray:
        """Representatives, from -prime to 2 prime, of whole numbers of at most 2**52 (the quotient may be off by 1)."""
        reduced: np.ndarray = values - self.prime * np.floor(values * (1.0 / self.prime))
        return reduced

    def maps(self, active: list[np.ndarray]) -> np.ndarray:
        """The coefficients of all outputs, shape (patterns, outputs, inputs + 1), found from the outputs backwards.

        ``active`` has floats, 0 or 1, and each pattern as many times as there are outputs.
        """
        stages, outputs = len(active), len(self.constants[-1])
        patterns = len(active[0]) // outputs
        # one row for each pattern and output, so that every step is one plain matrix product
        total = np.tile(self.constants[-1], (patterns, 1))
        flow: list[np.ndarray | None] = [None] * stages  # how the outputs depend on the units of each stage
        for number in range(stages, -1, -1):
            here = None
            if number < stages:
                seen = flow[number]
                if seen is None:
                    continue
                here = seen * active[number]
                total = self.reduce(total + here @ self.constants[number])
            for source, matrix in self.blocks[number]:
                step = np.tile(matrix, (patterns, 1)) if here is None else self.reduce(here @ matrix)
                known = flow[source - 1]
                flow[source - 1] = step if known is None else self.reduce(known + step)
        total = self.reduce(total)
        total[total < 0] += self.prime
        total[total >= self.prime] -= self.prime
        return total.reshape(patterns, outputs, -1)


class IntegerMaps:
    """The affine maps of a network's patterns, as integers with one common factor.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self._dim, self._outputs = network.input_dim, network.output_dim
        self._largest_stage = max(network.hidden, default=1)
        self._stages = integer_stages(network)
        self._residues: list[_Residues] | None = None

    def bound(self) -> int:
        """A number that no coefficient exceeds, whatever the pattern."""
        sizes = [1]
        for blocks, bias in self._stages:
            rows = [abs(b) for b in bias]
            for source, matrix in blocks:
                for j, weights in enumerate(matrix):
                    if source == INPUT:
                        rows[j] = max(rows[j], *map(abs, weights))
            for source, matrix in blocks:
                if source != INPUT:
                    rows = [r + sum(map(abs, w)) * sizes[source] for r, w in zip(rows, matrix, strict=True)]
            sizes.append(max(rows))
        return sizes[-1]

    def equal(self, one: list[np.ndarray], two: list[np.ndarray]) -> np.ndarray:
        """Whether patterns ``one[k]`` and ``two[k]`` have equal maps, proven (patterns as from `unpacked`)."""
        result: np.ndarray = (self.residues(one) == self.residues(two)).all(axis=(1, 2))
        return result

    def residues(self, active: list[np.ndarray]) -> np.ndarray:
        """Many patterns' maps modulo all the primes: equal rows are equal maps.

        The result has shape (patterns, outputs, (inputs + 1) * primes).
        """
        rows = [np.repeat(stage, self._outputs, axis=0).astype(float) for stage in active]
        step = self._outputs * max(_FEWEST_AT_ONCE, _PRODUCTS_AT_ONCE // (self._outputs * self._largest_stage**2))
        found = []
        for residues in self._all_residues():
            parts = [[stage[at : at + step] for stage in rows] for at in range(0, len(rows[0]), step)]
            found.append(np.concatenate([residues.maps(part) for part in parts]))
        return np.concatenate(found, axis=2)

    def _all_residues(self) -> list[_Residues]:
        if self._residues is None:
            # a sum of products of a weight below p and a representative below 2 p must stay below 2**52
            candidate = math.isqrt(2**51 // max(self._largest_stage, 2))
            product, limit = 1, 2 * self.bound() + 1
            self._residues = []
            while product <= limit:
                candidate -= 1
                if fmpz(candidate).is_prime():
                    self._residues.append(self._modulo(candidate))
                    product *= candidate
        return self._residues

    def _modulo(self, prime: int) -> _Residues:
        blocks, constants = [], []
        for stage_blocks, bias in self._stages:
            table = np.zeros((len(bias), self._dim + 1))
            table[:, -1] = [b % prime for b in bias]
            reads = []
            for source, matrix in stage_blocks:
                reduced = np.array([[v % prime for v in row] for row in matrix], dtype=float)
                if source == INPUT:
                    table[:, :-1] = reduced
                else:
                    reads.append((source, reduced))
            blocks.append(tuple(reads))
            constants.append(table)
        return _Residues(prime, tuple(blocks), tuple(constants))
