"""How answers are written: sizes of networks, exact numbers and points, in JSON objects and for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.scalars import to_float, to_text

_LONGEST = 24  # characters of an exact number that are read with ease


def sizes(network: Network) -> dict[str, Any]:
    """The entry ``network`` of JSON objects."""
    return {"input_dim": network.input_dim, "hidden": list(network.hidden), "output_dim": network.output_dim}


def texts(row: Iterable[fmpq] | None) -> list[str] | None:
    """A point as a list of exact numbers, None where there is none."""
    return None if row is None else [to_text(value) for value in row]


def text_or_null(value: fmpq | None) -> str | None:
    """An exact number, None where there is none."""
    return None if value is None else to_text(value)


def readable(value: fmpq) -> str:
    """A rational for people: exact where it is short, else rounded and marked so."""
    text = to_text(value)
    return text if len(text) <= _LONGEST else f"about {to_float(value):.17g}"


def readable_point(row: Iterable[fmpq]) -> str:
    """A point for people."""
    return "(" + ", ".join(map(readable, row)) + ")"
