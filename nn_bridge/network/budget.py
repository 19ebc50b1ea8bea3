"""The budget of one network file: how many entries, operators and digits reading it may use up.

A file of a few bytes can ask for any amount of work: a tensor that repeats one number, a chain of operators that copy
an array, a product of matrices of long fractions.  Whoever reads one makes a `Budget`, hands it to the builder
(`nn_bridge.network.builder.NetworkBuilder`), and spends from it *before* memory is set aside; the rest is refused in
one line.

>>> budget = Budget(entries=10)
>>> budget.spend_entries(8)
>>> budget.spend_entries(3, "layer 1")
Traceback (most recent call last):
    ...
polyhedra.errors.NetworkError: layer 1 brings the file above the 10 entries that a network may have; give a smaller one
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError

MAX_ENTRIES = 8_000_000
"""The most numbers that are made while a file is read: weights and sums that are not zero, entries of arrays that are
moved or repeated.  An entry stands for some 100 bytes and 0.4 microseconds; what takes more costs several entries."""

MAX_OPERATORS = 10_000
"""The most operators, layers or modules of a file."""

MAX_DIGITS = 100_000_000
"""The most decimal digits of all numbers made while a file is read; the first 38 of each are free."""

_FREE_BITS = 128  # numerators and denominators of trained weights lie in two machine words, which entries pay for

ROW = 8
"""The entries that a row of weights costs beside its own."""


class Budget:
    """What is left of the entries, operators and digits of one file.

    Parameters
    ----------
    entries, operators, digits : int, optional
        The limits; `MAX_ENTRIES`, `MAX_OPERATORS` and `MAX_DIGITS` by default.
    """

    def __init__(self, entries: int = MAX_ENTRIES, operators: int = MAX_OPERATORS, digits: int = MAX_DIGITS) -> None:
        self._limits = entries, operators, digits
        self._entries, self._operators, self._bits = entries, operators, digits * 10 // 3

    def spend_entries(self, count: int, place: str = "it") -> None:
        """Call it before so many entries are made; ``place`` names the layer or operator in the message.

        Raises
        ------
        NetworkError
            So many are not left.
        """
        self._entries -= count
        if self._entries < 0:
            raise self._refusal(place, f"{self._limits[0]:,} entries")

    def spend_operators(self, count: int = 1, place: str = "it") -> None:
        """Call it before so many operators are run.

        Raises
        ------
        NetworkError
            So many are not left.
        """
        self._operators -= count
        if self._operators < 0:
            raise self._refusal(place, f"{self._limits[1]:,} operators")

    def spend_digits(self, values: Iterable[fmpq], place: str = "it") -> None:
        """Call it with numbers as they are made, row by row, before the next row.

        Raises
        ------
        NetworkError
            Their numerators and denominators have more digits than are left.
        """
        for value in values:
            bits = value.p.bit_length() + value.q.bit_length()
            if bits > _FREE_BITS:
                self._bits -= bits - _FREE_BITS
        self.spend_bits(0, place)

    def spend_floats(self, values: np.ndarray, place: str = "it") -> None:
        """Call it before an array of numbers becomes exact: entries that are not zero, rows, and digits.

        Raises
        ------
        NetworkError
            So many entries or digits are not left.
        """
        rows = len(values) if values.ndim > 1 else 1
        self.spend_entries(int(np.count_nonzero(values)) + ROW * rows, place)
        self.spend_float_digits(values, place)

    def spend_float_digits(self, values: np.ndarray, place: str = "it") -> None:
        """Call it before an array of numbers becomes exact, where its entries are paid already.

        Raises
        ------
        NetworkError
            So many digits are not left.
        """
        if values.dtype.kind == "f":
            piece = 1 << 16  # the exponents of all at once would take as much memory as the array
            flat = values.reshape(-1)
            for start in range(0, flat.size, piece):
                # 53 bits in the numerator, and the exponent in it or in the denominator
                bits = 53 + np.abs(np.frexp(flat[start : start + piece])[1].astype(np.int64))
                self._bits -= int(np.maximum(bits - _FREE_BITS, 0).sum())
            self.spend_bits(0, place)

    def spend_bits(self, bits: int, place: str = "it") -> None:
        """Call it before numbers of so many binary digits in all are made.

        Raises
        ------
        NetworkError
            So many are not left.
        """
        self._bits -= bits
        if self._bits < 0:
            raise self._refusal(place, f"{self._limits[2]:,} digits in its numbers")

    @staticmethod
    def _refusal(place: str, limit: str) -> NetworkError:
        return NetworkError(f"{place} brings the file above the {limit} that a network may have; give a smaller one")
