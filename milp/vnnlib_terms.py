"""The terms and formulas of VNN-LIB files: parentheses to linear rows in disjunctive normal form, within a budget."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, product
from typing import Any

from flint import fmpq

from milp.vnnlib_rows import LinearRow, Place
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import ONE, ZERO, rational

_MAX_TOKENS = 2_000_000
_MAX_DEPTH = 200  # parentheses within one another
_MAX_TERMS = 10_000  # disjuncts; a file that expands beyond this is refused
_MAX_ENTRIES = 20_000_000  # of all rows, and rows of all disjuncts
_MAX_BITS = 20_000  # of one number that expressions add up to
_MAX_DIGITS = 5_000_000  # of all coefficients; the first 38 of each are free
_RELATIONS = ("<=", ">=", "<", ">", "=", "==", "!=", "distinct")
_CONSTANT: Place = ("", 0)

System = tuple[LinearRow, ...]
Lookup = Callable[[str], Place | None]
"""The place of a variable by its name; None where it is not declared."""


class Form(list[Any]):
    """A list in parentheses, and the line where it begins."""

    __slots__ = ("line",)

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


class Budget:
    """The budget that is left for reading a file."""

    def __init__(self) -> None:
        self._entries, self._bits = _MAX_ENTRIES, _MAX_DIGITS * 10 // 3

    def spend_entries(self, count: int) -> None:
        """Call it before so many entries are made."""
        self._entries -= count
        if self._entries < 0:
            raise FormulationError(f"the assertions expand to more than {_MAX_ENTRIES:,} numbers; split the property")

    def checked(self, value: fmpq) -> fmpq:
        """A number that is kept, if it is not too long."""
        bits = value.p.bit_length() + value.q.bit_length()
        if bits > 128:
            self._bits -= bits - 128
            if bits > _MAX_BITS or self._bits < 0:
                raise FormulationError("its numbers have too many digits; round them")
        return value


def forms(text: str, token: re.Pattern[str]) -> Iterator[Any]:
    """The lists in parentheses of a text, one after another; comments begin with a semicolon."""
    stack: list[Form] = []
    line, seen = 1, 0
    for number, match in enumerate(token.finditer(text)):
        word = match[0]
        line += text.count("\n", seen, match.start())
        seen = match.start()
        if number > _MAX_TOKENS:
            raise FormulationError(f"it has more than {_MAX_TOKENS:,} words and parentheses; split the property")
        if word == "(":
            if len(stack) == _MAX_DEPTH:
                raise FormulationError(f"more than {_MAX_DEPTH} parentheses are within one another; write fewer")
            stack.append(Form(line))
        elif word == ")":
            if not stack:
                raise FormulationError(f"line {line}: a closing parenthesis has no opening one")
            form = stack.pop()
            if stack:
                stack[-1].append(form)
            else:
                yield form
        elif word.startswith(";"):
            continue  # a comment
        elif stack:
            stack[-1].append(word)
        else:
            raise FormulationError(f"line {line}: {quoted(word)} stands outside of parentheses")
    if stack:
        raise FormulationError("a parenthesis is not closed; is the file truncated?")


def place_of(form: Any) -> str:
    """The line of a form as the beginning of a message; empty for a word."""
    return f"line {form.line}: " if isinstance(form, Form) else ""


def short(form: Any) -> str:
    """A part of the file in a message; of a long one the beginning."""
    words: list[str] = []
    rest = [form]
    while rest and len(words) < 20:
        part = rest.pop()
        if isinstance(part, list):
            rest += [")", *reversed(part[:20]), "("]
        else:
            words.append(shown(part, 40))
    return shown(" ".join(words).replace("( ", "(").replace(" )", ")"), 60)


def all_of(parts: list[list[System]], budget: Budget) -> list[System]:
    """The disjunctive normal form of a conjunction of disjunctions: one system for each choice."""
    choices = math.prod(map(len, parts))
    if choices > _MAX_TERMS:
        raise FormulationError(f"the assertions expand to more than {_MAX_TERMS} systems")
    if choices:
        budget.spend_entries(sum(choices // len(options) * sum(map(len, options)) for options in parts))
    return [tuple(chain.from_iterable(choice)) for choice in product(*parts)]


def disjuncts(formula: Any, lookup: Lookup, counts: dict[str, int], budget: Budget) -> list[System]:
    """The disjunctive normal form of a formula.

    Parameters
    ----------
    formula : Form
    lookup : callable
    counts : dict
        The numbers of variables of each kind, "X" and "Y".
    budget : Budget

    Raises
    ------
    FormulationError
        It is no formula, or not linear; the message names the line.
    """
    if not isinstance(formula, list) or not formula:
        raise FormulationError(f"{place_of(formula)}{short(formula)} is no formula")
    head, *parts = formula
    if head == "or":
        return [option for part in parts for option in disjuncts(part, lookup, counts, budget)]
    if head == "and":
        return all_of([disjuncts(part, lookup, counts, budget) for part in parts], budget)
    if head in _RELATIONS and len(parts) == 2:
        left, right = (_linear(part, lookup, budget, place_of(formula)) for part in parts)
        strict = head in ("<", ">", "!=", "distinct")
        sides = [] if head in (">=", ">") else [(left, right)]
        sides += [] if head in ("<=", "<") else [(right, left)]
        rows = [replace(_row(a, b, counts, budget), strict=strict) for a, b in sides]
        return [(row,) for row in rows] if head in ("!=", "distinct") else [tuple(rows)]
    raise FormulationError(
        f"{place_of(formula)}{short(formula)}: only and, or, {', '.join(_RELATIONS)} of two terms are read"
    )


def _row(left: dict[Place, fmpq], right: dict[Place, fmpq], counts: dict[str, int], budget: Budget) -> LinearRow:
    """left <= right."""
    budget.spend_entries(counts["X"] + counts["Y"])
    inputs, outputs = [ZERO] * counts["X"], [ZERO] * counts["Y"]
    for place in {*left, *right} - {_CONSTANT}:
        kind, index = place
        (inputs if kind == "X" else outputs)[index] = budget.checked(left.get(place, ZERO) - right.get(place, ZERO))
    return LinearRow(
        tuple(inputs), tuple(outputs), budget.checked(right.get(_CONSTANT, ZERO) - left.get(_CONSTANT, ZERO))
    )


def _linear(term: Any, lookup: Lookup, budget: Budget, line: str) -> dict[Place, fmpq]:
    """A linear expression: coefficients by place, and the constant."""
    if isinstance(term, str):
        try:
            place = lookup(term)
        except FormulationError as error:
            raise FormulationError(f"{line}{error}") from None
        if place is not None:
            return {place: ONE}
        try:
            return {_CONSTANT: budget.checked(rational(term))}
        except GeometryError:
            raise FormulationError(f"{line}{quoted(term)} is neither a number nor a declared constant") from None
    line = place_of(term) or line
    head, *rest = term or [None]
    parts = [_linear(part, lookup, budget, line) for part in rest]
    if head == "+" and parts:
        return _sum(parts, [ONE] * len(parts), budget)
    if head == "-" and len(parts) == 1:
        return _sum(parts, [-ONE], budget)
    if head == "-" and parts:
        return _sum(parts, [ONE] + [-ONE] * (len(parts) - 1), budget)
    if head == "*" and parts and sum(1 for part in parts if not set(part) <= {_CONSTANT}) <= 1:
        total, factor = {_CONSTANT: ONE}, ONE
        for part in parts:
            if set(part) <= {_CONSTANT}:
                factor = budget.checked(factor * part.get(_CONSTANT, ZERO))
            else:
                total = part
        return _sum([total], [factor], budget)
    raise FormulationError(f"{line}{short(term)} is not linear")


def _sum(parts: list[dict[Place, fmpq]], factors: list[fmpq], budget: Budget) -> dict[Place, fmpq]:
    total: dict[Place, fmpq] = {}
    for part, factor in zip(parts, factors, strict=True):
        for place, value in part.items():
            total[place] = budget.checked(total.get(place, ZERO) + factor * value)
    return total
