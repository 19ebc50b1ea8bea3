"""VNN-LIB 1.0 properties, read exactly.

A file describes inputs and outputs that must not occur together: constants ``X_i`` and ``Y_j`` and assertions with
``and``, ``or``, ``<=``, ``>=``, ``<``, ``>``, ``=`` and ``distinct`` over linear expressions. Numbers are read as exact
decimals. The property is *violated* ("sat" in VNN-LIB) if some input and the network's outputs there satisfy all
assertions; `milp.properties` decides that. The assertions become a disjunction of linear systems.

Source: Demarchi et al. 2023 (VNN-LIB 1.0).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, product
from os import PathLike
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Row
from nn_bridge.readers.files import read_bytes
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.quoting import quoted, shown, shown_path
from polyhedra.scalars import ONE, ZERO, rational
from polyhedra.values import Value

_TOKEN = re.compile(r"[()]|[^\s();]+|;[^\n\r]*")

_MAX_BYTES = 16 * 2**20
_MAX_TOKENS = 2_000_000
_MAX_DEPTH = 200  # parentheses within one another
_MAX_TERMS = 10_000  # disjuncts; a file that expands beyond this is refused
_MAX_ENTRIES = 20_000_000  # of all rows, and rows of all disjuncts
_MAX_BITS = 20_000  # of one number that expressions add up to
_MAX_DIGITS = 5_000_000  # of all coefficients; the first 38 of each are free
_RELATIONS = ("<=", ">=", "<", ">", "=", "==", "!=", "distinct")


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


@dataclass(frozen=True, slots=True, repr=False)
class Property(Value):
    """A union of systems, none of which may be satisfied.

    Attributes
    ----------
    inputs, outputs : int
        The numbers of X and Y constants.
    disjuncts : tuple of tuples of LinearRow
    """

    inputs: int
    outputs: int
    disjuncts: tuple[tuple[LinearRow, ...], ...]

    def holds_at(self, x: Row, y: Row) -> bool:
        """Whether an input and its outputs satisfy the assertions, exactly."""
        return any(all(row.holds_at(x, y) for row in system) for system in self.disjuncts)

    def margin(self, x: Row, y: Row) -> fmpq | None:
        """How far inside the assertions a pair lies: the least slack of a system, in the best one (below 0: outside).

        None where there are no rows.
        """
        return max((min(row.slack(x, y) for row in system) for system in self.disjuncts if system), default=None)


def read_vnnlib(path: str | PathLike[str]) -> Property:
    """Read a property file.

    Raises
    ------
    FormulationError
        The file cannot be read, is no VNN-LIB 1.0, or uses something that is not linear.
    """
    text = _text(path, "property")
    try:
        return parse_vnnlib(text)
    except RecursionError:
        raise FormulationError(f"{shown_path(path)}: is nested too deeply; write fewer parentheses") from None
    except FormulationError as error:
        raise FormulationError(f"{shown_path(path)}: {error}") from None


def _text(path: str | PathLike[str], kind: str) -> str:
    """The text of a file within a budget of bytes."""
    try:
        return read_bytes(path, _MAX_BYTES, kind).decode("utf-8")
    except UnicodeDecodeError:
        raise FormulationError(f"{shown_path(path)}: is no UTF-8 text; a {kind} file is VNN-LIB text") from None


def read_witness(path: str | PathLike[str], inputs: int) -> Row:
    """The input of a counterexample in a file: ``((X_0 1.5) .. (Y_0 2) ..)``, or ``{"point": [..]}``.

    A first line ``sat`` may stand before the first form; values of Y are not needed. Decimals are exact.

    Raises
    ------
    FormulationError
        The file cannot be read, or its numbers are not those of this many inputs.
    """
    text = _text(path, "witness").strip()
    try:
        return _json_point(text, inputs) if text.startswith("{") else _listed_point(text, inputs)
    except (FormulationError, GeometryError) as error:
        raise FormulationError(f"{shown_path(path)}: {error}") from None


def _json_point(text: str, inputs: int) -> Row:
    try:
        content = json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise FormulationError(f"is not JSON: {shown(error)}") from None
    point = content.get("point")
    if not isinstance(point, list) or not all(isinstance(v, str) for v in point):
        raise FormulationError('has no entry "point" with a list of numbers')
    if len(point) != inputs:
        raise FormulationError(f"the point has {len(point)} numbers, the network reads {inputs}")
    return tuple(rational(v) for v in point)


def _listed_point(text: str, inputs: int) -> Row:
    if text.startswith("sat"):
        text = text[3:]
    values: dict[int, fmpq] = {}
    for form in _forms(text):
        for entry in form:
            if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(part, str) for part in entry):
                raise FormulationError(f"{_short(entry)} is no pair of a constant and a number, such as (X_0 1.5)")
            match = re.fullmatch(r"([XY])_([0-9]{1,7})", entry[0])
            if match is None:
                raise FormulationError(f"the constant {quoted(entry[0])} is neither X_i nor Y_j")
            if match[1] == "X":
                values[int(match[2])] = rational(entry[1])
    if sorted(values) != list(range(inputs)):
        raise FormulationError(f"it gives {len(values)} of the inputs X_0 .. X_{inputs - 1}")
    return tuple(values[j] for j in range(inputs))


def parse_vnnlib(text: str) -> Property:
    """Read a property from text; errors as in `read_vnnlib`."""
    names: dict[str, tuple[str, int]] = {}
    assertions: list[Any] = []
    budget = _Budget()
    for form in _forms(text):
        head = form[0] if isinstance(form, list) and form else form
        if head in ("declare-const", "declare-fun") and len(form) >= 3 and isinstance(form[1], str):
            match = re.fullmatch(r"([XY])_(\d{1,9})", form[1])
            if match is None:
                raise FormulationError(f"the constant {quoted(form[1])} is neither X_i nor Y_j")
            names[form[1]] = (match[1], int(match[2]))
        elif head == "assert" and len(form) == 2:
            assertions.append(form[1])
        elif head in ("vnnlib-version", "declare-network"):
            raise FormulationError("this is VNN-LIB 2.0, no VNN-LIB 1.0 (declare-const, assert), which alone is read")
        elif head not in ("set-logic", "set-info", "check-sat", "exit"):
            raise FormulationError(f"{_short(form)} is no VNN-LIB 1.0 (declare-const and assert are read)")
    counts = {}
    for kind in "XY":
        numbers = sorted(index for k, index in names.values() if k == kind)
        if not numbers or numbers != list(range(len(numbers))):
            raise FormulationError(f"the constants {kind}_0, {kind}_1, .. are not declared without gaps")
        counts[kind] = len(numbers)
    systems = _all_of([_disjuncts(formula, names, counts, budget) for formula in assertions], budget)
    return Property(counts["X"], counts["Y"], tuple(systems))


class _Budget:
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


System = tuple[LinearRow, ...]


def _all_of(parts: list[list[System]], budget: _Budget) -> list[System]:
    """The disjunctive normal form of a conjunction of disjunctions: one system for each choice."""
    choices = math.prod(map(len, parts))
    if choices > _MAX_TERMS:
        raise FormulationError(f"the assertions expand to more than {_MAX_TERMS} systems")
    if choices:
        budget.spend_entries(sum(choices // len(options) * sum(map(len, options)) for options in parts))
    return [tuple(chain.from_iterable(choice)) for choice in product(*parts)]


def _forms(text: str) -> Iterator[Any]:
    stack: list[list[Any]] = []
    for number, match in enumerate(_TOKEN.finditer(text)):
        token = match[0]
        if number > _MAX_TOKENS:
            raise FormulationError(f"it has more than {_MAX_TOKENS:,} words and parentheses; split the property")
        if token == "(":
            if len(stack) == _MAX_DEPTH:
                raise FormulationError(f"more than {_MAX_DEPTH} parentheses are within one another; write fewer")
            stack.append([])
        elif token == ")":
            if not stack:
                raise FormulationError("a closing parenthesis has no opening one")
            form = stack.pop()
            if stack:
                stack[-1].append(form)
            else:
                yield form
        elif token.startswith(";"):
            continue  # a comment
        elif stack:
            stack[-1].append(token)
        else:
            raise FormulationError(f"{quoted(token)} stands outside of parentheses")
    if stack:
        raise FormulationError("a parenthesis is not closed; is the file truncated?")


def _short(form: Any) -> str:
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


def _disjuncts(
    formula: Any, names: dict[str, tuple[str, int]], counts: dict[str, int], budget: _Budget
) -> list[System]:
    """The disjunctive normal form of a formula."""
    if not isinstance(formula, list) or not formula:
        raise FormulationError(f"{_short(formula)} is no formula")
    head, *parts = formula
    if head == "or":
        return [option for part in parts for option in _disjuncts(part, names, counts, budget)]
    if head == "and":
        return _all_of([_disjuncts(part, names, counts, budget) for part in parts], budget)
    if head in _RELATIONS and len(parts) == 2:
        left, right = (_linear(part, names, budget) for part in parts)
        strict = head in ("<", ">", "!=", "distinct")
        sides = [] if head in (">=", ">") else [(left, right)]
        sides += [] if head in ("<=", "<") else [(right, left)]
        rows = [replace(_row(a, b, names, counts, budget), strict=strict) for a, b in sides]
        return [(row,) for row in rows] if head in ("!=", "distinct") else [tuple(rows)]
    raise FormulationError(f"{_short(formula)}: only and, or, {', '.join(_RELATIONS)} are read")


def _row(
    left: dict[str, fmpq],
    right: dict[str, fmpq],
    names: dict[str, tuple[str, int]],
    counts: dict[str, int],
    budget: _Budget,
) -> LinearRow:
    """left <= right."""
    budget.spend_entries(counts["X"] + counts["Y"])
    inputs, outputs = [ZERO] * counts["X"], [ZERO] * counts["Y"]
    for name in {*left, *right} - {""}:
        kind, index = names[name]
        (inputs if kind == "X" else outputs)[index] = budget.checked(left.get(name, ZERO) - right.get(name, ZERO))
    return LinearRow(tuple(inputs), tuple(outputs), budget.checked(right.get("", ZERO) - left.get("", ZERO)))


def _linear(term: Any, names: dict[str, tuple[str, int]], budget: _Budget) -> dict[str, fmpq]:
    """A linear expression: coefficients by name, the constant under the empty name."""
    if isinstance(term, str):
        if term in names:
            return {term: ONE}
        try:
            return {"": budget.checked(rational(term))}
        except GeometryError:
            raise FormulationError(f"{quoted(term)} is neither a number nor a declared constant") from None
    head, *rest = term or [None]
    parts = [_linear(part, names, budget) for part in rest]
    if head == "+" and parts:
        return _sum(parts, [ONE] * len(parts), budget)
    if head == "-" and len(parts) == 1:
        return _sum(parts, [-ONE], budget)
    if head == "-" and parts:
        return _sum(parts, [ONE] + [-ONE] * (len(parts) - 1), budget)
    if head == "*" and len(parts) == 2:
        for factor, other in (parts, parts[::-1]):
            if set(factor) <= {""}:
                return _sum([other], [factor.get("", ZERO)], budget)
    raise FormulationError(f"{_short(term)} is not linear")


def _sum(parts: list[dict[str, fmpq]], factors: list[fmpq], budget: _Budget) -> dict[str, fmpq]:
    total: dict[str, fmpq] = {}
    for part, factor in zip(parts, factors, strict=True):
        for name, value in part.items():
            total[name] = budget.checked(total.get(name, ZERO) + factor * value)
    return total
