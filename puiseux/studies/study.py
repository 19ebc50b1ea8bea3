"""The definition of a study: one experiment of the literature as plain data and four functions.

A study runs *trials*.  A trial takes parameters (plain data) and a random generator and returns a record (plain data),
so trials run in any process and order, are written to a file, and go on after a run was stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

Plain = Mapping[str, Any]
"""A value that JSON can hold: numbers, text, lists of them."""

CONFIRMED, CONTRADICTED, NOT_TESTED = "confirmed", "contradicted", "not tested"
VERDICTS = (CONFIRMED, CONTRADICTED, NOT_TESTED)
"""The entries of a column ``verdict``: how a published number or claim (column ``published``) fares here."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial that was done.

    Attributes
    ----------
    parameters : mapping
    record : mapping
        What came out: numbers and text, or lists of them (one entry an epoch, say).
    seconds : float
        Process time.
    """

    parameters: Plain
    record: Plain
    seconds: float

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name] if name in self.parameters else self.record[name]


@dataclass(frozen=True, slots=True)
class Summary:
    """A table of what was computed beside what was published, and what is to be said about it.

    Attributes
    ----------
    columns : tuple of str
    rows : tuple of tuples of plain values
        None where there is nothing to say.
    remarks : tuple of str
        Sentences; among them why computed and published values differ, where they do.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    remarks: tuple[str, ...] = ()

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def to_text(self) -> str:
        """An aligned table and the remarks, for people."""
        table = [self.columns, *(tuple(map(shown, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        number = [any(isinstance(v, (int, float)) for v in self.column(name)) for name in self.columns]
        lines = []
        for row in table:
            cells = [
                text.rjust(width) if right else text.ljust(width)
                for text, width, right in zip(row, widths, number, strict=True)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join([*lines, *([""] if self.remarks else []), *(f"* {remark}" for remark in self.remarks)])

    def to_markdown(self) -> str:
        """The same as a Markdown table and list.

        Examples
        --------
        >>> print(Summary(("n", "cells"), ((2, 11),), ("Exact.",)).to_markdown())
        | n | cells |
        | ---: | ---: |
        | 2 | 11 |
        <BLANKLINE>
        * Exact.
        """
        number = [any(isinstance(v, (int, float)) for v in self.column(name)) for name in self.columns]
        lines = [self.columns, tuple("---:" if right else "---" for right in number)]
        lines += [tuple(map(shown, row)) for row in self.rows]
        table = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([*table, *([""] if self.remarks else []), *(f"* {remark}" for remark in self.remarks)])

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def to_json(self) -> dict[str, Any]:
        """The table as a list of objects, and the remarks."""
        return {
            "table": [dict(zip(self.columns, row, strict=True)) for row in self.rows],
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True, slots=True)
class Study:
    """An experiment.

    Attributes
    ----------
    name : str
        As on the command line.
    title : str
        One line.
    source : str
        The publication and its table or figure.
    about : str
        What was done there, and what is done here.
    aliases : tuple of str
        Other names, such as ``"table3"``.
    cases : callable
        ``cases(full)``: the parameters of every trial, all different.  The trials of the quick form are among those of
        the full form wherever that makes sense, so that a full run continues a quick one.
    trial : callable
        ``trial(parameters, rng)``: one record.
    summarize : callable
        ``summarize(trials)`` of any trials that are there, for a run that was stopped too.
    draw : callable
        ``draw(trials, figure)`` on an empty matplotlib figure.
    """

    name: str
    title: str
    source: str
    about: str
    cases: Callable[[bool], Sequence[Plain]]
    trial: Callable[[Plain, np.random.Generator], Plain]
    summarize: Callable[[Sequence[Trial]], Summary]
    draw: Callable[[Sequence[Trial], Figure], None]
    aliases: tuple[str, ...] = ()


def groups(trials: Sequence[Trial], *names: str) -> dict[tuple[Any, ...], list[Trial]]:
    """The trials by the values of some parameters, in order of first appearance; lists become tuples.

    Examples
    --------
    >>> both = [Trial({"n": 2}, {"cells": 4}, 0.0), Trial({"n": 2}, {"cells": 6}, 0.0)]
    >>> {key: [trial["cells"] for trial in found] for key, found in groups(both, "n").items()}
    {(2,): [4, 6]}
    """
    found: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        key = tuple(tuple(v) if isinstance(v, list) else v for v in map(trial.__getitem__, names))
        found.setdefault(key, []).append(trial)
    return found


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean.

    Examples
    --------
    >>> mean([1, 2])
    1.5
    """
    return sum(values) / len(values)


def standard_error(values: Sequence[float]) -> float | None:
    """The standard error of the mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    centre = mean(values)
    return float((sum((v - centre) ** 2 for v in values) / (len(values) - 1) / len(values)) ** 0.5)


def verdict(holds: bool | None) -> str:
    """The mark of a published number or claim; None where it was not tested.

    Examples
    --------
    >>> verdict(True), verdict(False), verdict(None)
    ('confirmed', 'contradicted', 'not tested')
    """
    return NOT_TESTED if holds is None else CONFIRMED if holds else CONTRADICTED


def rank_sum_deviation(first: Sequence[float], second: Sequence[float]) -> float:
    """How far the rank sum of one sample is from its mean under equal distributions, in standard deviations.

    The statistic of Wilcoxon, and of Mann and Whitney; ties count half.  Negative where the first sample is smaller.

    Examples
    --------
    >>> rank_sum_deviation([1, 3], [2]), round(rank_sum_deviation([1, 2, 3], [4, 5, 6]), 3)
    (0.0, -1.964)
    """
    wins = sum((a > b) + (a == b) / 2 for a in first for b in second)
    pairs = len(first) * len(second)
    return float((wins - pairs / 2) / (pairs * (len(first) + len(second) + 1) / 12) ** 0.5)


def shown(value: Any) -> str:
    """A value for people: a dash for nothing, four digits of a float, thousands grouped.

    Examples
    --------
    >>> shown(None), shown(1234), shown(3.14159), shown([2, 6, 1])
    ('-', '1,234', '3.142', '[2, 6, 1]')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        digits = str(value) if value.bit_length() < 1000 else ""
        return f"{value:,}" if 0 < len(digits) <= 15 else f"{float(value):.3g}" if digits else "huge"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return str(list(value))
    return str(value)


__all__ = [
    "CONFIRMED",
    "CONTRADICTED",
    "NOT_TESTED",
    "VERDICTS",
    "Plain",
    "Study",
    "Summary",
    "Trial",
    "groups",
    "mean",
    "rank_sum_deviation",
    "shown",
    "standard_error",
    "verdict",
]
