"""The files of domains, from strangers: JSON objects of numbers, read within a budget of bytes, numbers and digits.

A file of a few bytes can ask for much: ``1e9999`` has ten thousand digits.  So what numbers take is counted as they are
read, and what is no regular file is not opened.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flint import fmpq

from nn_bridge.readers.files import read_bytes
from polyhedra.errors import GeometryError, UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown, shown_path
from polyhedra.scalars import rational

Row = tuple[fmpq, ...]

MAX_BYTES = 32 * 2**20
"""The most bytes of a file."""

MAX_NUMBERS = 1_000_000
"""The most numbers in it."""

MAX_DIGITS = 500_000
"""The most decimal digits of all its numbers; the first 38 of each are free, so that what floats are written as is."""

_FREE_BITS = 128


class DomainFile:
    """The object in a file, and what is left of the budget for its numbers.

    Parameters
    ----------
    name : str
        The path.
    form : str
        What ``"format"`` must be.
    required, optional : sequence of str
        The other keys.

    Raises
    ------
    UsageError
        The file cannot be read, is too large, or is of another form.
    """

    def __init__(self, name: str, form: str, required: Sequence[str], optional: Sequence[str] = ()) -> None:
        self.place = shown_path(name)
        self.content = self._parsed(read_bytes(name, MAX_BYTES, "domain"))
        self._numbers, self._bits = MAX_NUMBERS, MAX_DIGITS * 10 // 3
        if self.content.get("format") != form:
            self._refuse(f'is not a {form} file; it must be an object with "format": "{form}", "version": 1')
        version = self.content.get("version")
        if version != "1":
            self._refuse(f"version {shown(version)} of {form} is not known here; this release reads 1")
        keys = set(self.content) - {"format", "version"}
        for key in required:
            if key not in keys:
                self._refuse(f'has no entry "{key}"')
        if unknown := sorted(keys - {*required, *optional}):
            self._refuse(f"has an unknown entry {quoted(unknown[0])}")

    def _refuse(self, reason: str) -> None:
        raise UsageError(f"{self.place}: {reason}")

    def _parsed(self, content: bytes) -> dict[str, Any]:
        try:
            # decimals stay text on the way in, so that 0.1 means 1/10
            found = json.loads(
                content, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=self._unique
            )
        except (ValueError, RecursionError) as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"{self.place}: is not JSON: {shown(error)}") from None
        return found if isinstance(found, dict) else {}

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                self._refuse(f"has the entry {quoted(key)} twice; keep one of them")
            found[key] = value
        return found

    def vector(self, key: str) -> Row:
        """The numbers of an entry, exactly."""
        return self._vector(self.content[key], f'"{key}"')

    def matrix(self, key: str, columns: int) -> list[Row]:
        """The rows of an entry, which have so many numbers."""
        value = self.content[key]
        if not isinstance(value, list):
            raise UsageError(f'{self.place}: "{key}" is not a list of rows')
        if not value:
            raise UsageError(f'{self.place}: "{key}" has no rows; give one or more')
        rows = []
        for index, entry in enumerate(value):
            place = f'"{key}", row {index}'
            if isinstance(entry, list) and len(entry) != columns:
                self._refuse(
                    f"{place}: has {counted(len(entry), 'number')}, the network reads {counted(columns, 'input')}"
                )
            rows.append(self._vector(entry, place))
        return rows

    def _vector(self, value: Any, place: str) -> Row:
        if not isinstance(value, list):
            raise UsageError(f"{self.place}: {place}: is not a list of numbers")
        self._numbers -= len(value)
        if self._numbers < 0:
            self._refuse(f"has more than the {MAX_NUMBERS:,} numbers that a domain may have; leave out redundant rows")
        result = []
        for index, entry in enumerate(value):
            if not isinstance(entry, str):
                self._refuse(f"{place}, entry {index}: {shown(json.dumps(entry))} is not a number")
            try:
                number = rational(entry)
            except GeometryError as error:
                raise UsageError(f"{self.place}: {place}, entry {index}: {error}") from None
            bits = number.p.bit_length() + number.q.bit_length()
            if bits > _FREE_BITS:
                self._bits -= bits - _FREE_BITS
                if self._bits < 0:
                    self._refuse(
                        f"{place}, entry {index}: more than the {MAX_DIGITS:,} digits that the numbers of a domain may "
                        "have; round them"
                    )
            result.append(number)
        return tuple(result)
