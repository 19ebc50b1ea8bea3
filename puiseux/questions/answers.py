"""How answers are written: sizes of networks, exact numbers and points, in JSON objects and for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.scalars import to_float, to_text

_LONGEST = 24  # characters of an exact number that are read with ease
_READ_AT_ONCE = 7  # characters of a fraction whose size is seen without its decimal


def sizes(network: Network) -> dict[str, Any]:
    """The entry ``network`` of JSON objects."""
    return {"input_dim": network.input_dim, "hidden": list(network.hidden), "output_dim": network.output_dim}


def texts(row: Iterable[fmpq] | None) -> list[str] | None:
    """A point as a list of exact numbers, None where there is none."""
    return None if row is None else [to_text(value) for value in row]


def text_or_null(value: fmpq | None) -> str | None:
    """An exact number, None where there is none."""
    return None if value is None else to_text(value)


def counted(number: int, name: str, several: str | None = None) -> str:
    """A number with its name in singular or plural.

    Examples
    --------
    >>> counted(1, "leaf", "leaves"), counted(1200, "leaf", "leaves"), counted(0, "split")
    ('1 leaf', '1,200 leaves', '0 splits')
    """
    return f"{number:,} {name if number == 1 else several or f'{name}s'}"


def readable(value: fmpq) -> str:
    """A rational for people: exact where it is short, else rounded and marked so."""
    text = to_text(value)
    return text if len(text) <= _LONGEST else f"about {to_float(value):.17g}"


def readable_value(value: fmpq) -> str:
    """The same with its decimal beside, where it is a long fraction.

    Examples
    --------
    >>> readable_value(fmpq(14267897, 2097152)), readable_value(fmpq(-1, 2)), readable_value(fmpq(5))
    ('14267897/2097152 (about 6.803463)', '-1/2', '5')
    """
    text = readable(value)
    return f"{text} (about {to_float(value):.7g})" if "/" in text and len(text) > _READ_AT_ONCE else text


def readable_point(row: Iterable[fmpq]) -> str:
    """A point for people."""
    return "(" + ", ".join(map(readable, row)) + ")"
