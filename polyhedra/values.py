"""The common parts of all results: one line in a session, a table in a notebook, a dictionary, a frame.

A result is a dataclass that derives from `Value`.  Its line and its dictionary are made of its fields; networks and
other large parts are left out of them, and long numbers are rounded in the line, which says so.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from flint import fmpq

from polyhedra.errors import MissingExtraError
from polyhedra.quoting import shown
from polyhedra.scalars import rounded_text, to_float, to_text

if TYPE_CHECKING:
    import pandas

LONGEST_LINE = 120
"""Characters of the line of a value."""

_LONGEST_NUMBER = 16
_LONGEST_TEXT = 40
_LONGEST_PART = 50
_MOST_ENTRIES = 4  # of a sequence


class Value:
    """The base of results: ``repr`` on one line, `to_dict`, `to_pandas`, and a table for notebooks.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, repr=False)
    ... class Best(Value):
    ...     value: fmpq
    ...     reason: str | None = None
    >>> Best(fmpq(1, 3)), Best(fmpq(1, 3)).to_dict()
    (Best(value=1/3), {'value': 1/3, 'reason': None})
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The entries by name; exact numbers as they are (``fmpq``), networks left out."""
        found = ((each.name, getattr(self, each.name)) for each in fields(self) if each.repr)  # type: ignore[arg-type]
        return {name: value for name, value in found if not _is_large(value)}

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas frame of one row; exact numbers become float64.

        Raises
        ------
        MissingExtraError
            pandas is not installed.
        """
        return frame({name: [value] for name, value in self.to_dict().items()})

    def __repr__(self) -> str:
        return one_line(type(self).__name__, self.to_dict())

    def _repr_html_(self) -> str:
        return html_table(self.to_dict().items(), caption=type(self).__name__)


def _is_large(value: Any) -> bool:
    """Whether a value is a network (or several), which knows its own form."""
    if isinstance(value, tuple) and value:
        return all(map(_is_large, value))
    return hasattr(value, "input_dim") and hasattr(value, "stages")


def one_line(name: str, entries: Mapping[str, Any]) -> str:
    """``Name(a=1, b=2)`` on one line of at most `LONGEST_LINE` characters; entries that are None are left out.

    Examples
    --------
    >>> one_line("Extremum", {"value": fmpq(10**40, 3), "point": (fmpq(1, 2), fmpq(0)), "reason": None})
    'Extremum(value=~3.333333e+39, point=(1/2, 0))'
    """
    parts = []
    for key, value in entries.items():
        if value is not None:
            text = brief(value)
            parts.append(f"{key}={text if len(text) <= _LONGEST_PART else '..'}")
    text = f"{name}({', '.join(parts)})"
    while len(text) > LONGEST_LINE and parts:
        parts.pop()
        text = f"{name}({', '.join([*parts, '..'])})"
    return text


def brief(value: Any) -> str:
    """A value in a few characters: long numbers rounded and marked by ``~``, long sequences cut.

    Examples
    --------
    >>> brief(fmpq(1, 3)), brief(fmpq(10**20, 3)), brief(range(9)), brief(0.25), brief("box:-1,1")
    ('1/3', '~3.333333e+19', '(0, 1, 2, 3, .. 9 in all)', '0.25', "'box:-1,1'")
    """
    if isinstance(value, fmpq):
        text = to_text(value)
        return text if len(text) <= _LONGEST_NUMBER else f"~{rounded_text(value, 7)}"
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 64 else f"~{rounded_text(fmpq(value), 7)}"
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, str):
        return repr(shown(value, _LONGEST_TEXT))
    if isinstance(value, Mapping):
        return f"{{{_listed([f'{brief(k)}: {brief(v)}' for k, v in _first(value.items())], len(value))}}}"
    if isinstance(value, (Sequence, frozenset, set)):
        entries = [brief(entry) for entry in _first(value)]
        return f"({_listed(entries, len(value))}{',' if len(value) == 1 else ''})"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST_TEXT else f"<{type(value).__name__}>"


def _first(values: Iterable[Any]) -> list[Any]:
    return [value for _, value in zip(range(_MOST_ENTRIES), values, strict=False)]


def _listed(entries: list[str], count: int) -> str:
    more = [f".. {count} in all"] if count > len(entries) else []
    return ", ".join([*entries, *more])


# -------------------------------------------------------------------- notebooks


def html_table(rows: Iterable[Sequence[Any]], header: Sequence[str] = (), caption: str = "") -> str:
    """A small HTML table; every text in it is escaped.

    Examples
    --------
    >>> html_table([("<b>", fmpq(1, 2))])
    '<table><tbody><tr><th>&lt;b&gt;</th><td>1/2</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = ""
    for first, *others in rows:
        cells = "".join(f"<td>{_cell(value)}</td>" for value in others)
        body += f"<tr><th>{_cell(first)}</th>{cells}</tr>"
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = shown(value, 240) if isinstance(value, str) else brief(value)
    return html.escape(f"{value:,}" if type(value) is int and len(text) < 20 else text)


# -------------------------------------------------------------------- pandas


def frame(columns: Mapping[str, Sequence[Any]]) -> pandas.DataFrame:
    """A pandas frame of columns; exact numbers become float64, None becomes missing.

    Raises
    ------
    MissingExtraError
        pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("to_pandas()", "pandas") from None
    return pandas.DataFrame({name: _plain_column(values) for name, values in columns.items()})


def _plain_column(values: Sequence[Any]) -> list[Any]:
    if any(isinstance(value, fmpq) for value in values) and all(
        value is None or isinstance(value, (fmpq, int, float)) for value in values
    ):
        return [math.nan if value is None else to_float(fmpq(value)) if isinstance(value, (int, fmpq)) else value
                for value in values]  # fmt: skip
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, fmpq):
        return to_float(value)
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    return value


__all__ = ["LONGEST_LINE", "Value", "brief", "frame", "html_table", "one_line"]
