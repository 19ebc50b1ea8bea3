"""How answers are written: sizes of networks, exact numbers and points, in JSON objects and for people."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.quoting import shown_path
from polyhedra.scalars import rounded_text, to_float, to_text

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


def readable(value: fmpq) -> str:
    """A rational for people: exact where it is short, else as the nearest float and marked so, also beyond all floats.

    Examples
    --------
    >>> readable(fmpq(1, 3)), readable(fmpq(10**30, 3)), readable(fmpq(-(10**600)))
    ('1/3', 'about 3.333333333333333e+29', 'about -1e+600')
    """
    text = to_text(value)
    if len(text) <= _LONGEST:
        return text
    nearest = to_float(value)
    in_range = sys.float_info.min <= abs(nearest) < math.inf
    return f"about {nearest!r}" if in_range else f"about {rounded_text(value, 17)}"


def readable_value(value: fmpq) -> str:
    """The same with its decimal beside, where it is a long fraction.

    Examples
    --------
    >>> readable_value(fmpq(14267897, 2097152)), readable_value(fmpq(-1, 2)), readable_value(fmpq(5))
    ('14267897/2097152 (about 6.803463)', '-1/2', '5')
    """
    text = readable(value)
    return f"{text} (about {rounded_text(value, 7)})" if "/" in text and len(text) > _READ_AT_ONCE else text


def readable_domain(text: str, dim: int) -> str:
    """A domain for people, by its text on the command line.

    Examples
    --------
    >>> readable_domain("all", 2), readable_domain("box:-1,1", 2), readable_domain("slice:a\\nb.json", 2)
    ('all of R^2', 'box:-1,1', 'slice:a\\\\nb.json')
    """
    return f"all of R^{dim}" if text == "all" else shown_path(text)


def readable_name(path: object, output: int | None) -> str:
    """A network for people: its file, and the output that was taken of it.

    Examples
    --------
    >>> readable_name("net.npz", None), readable_name("net.npz", 2)
    ('net.npz', 'net.npz, output 2')
    """
    return shown_path(path) if output is None else f"{shown_path(path)}, output {output}"


def readable_point(row: Iterable[fmpq]) -> str:
    """A point for people."""
    return "(" + ", ".join(map(readable, row)) + ")"
