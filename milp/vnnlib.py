"""VNN-LIB 1.0 properties, read exactly.

A file describes inputs and outputs that must not occur together: constants ``X_i`` and ``Y_j`` and assertions with
``and``, ``or``, ``<=``, ``>=``, ``<``, ``>``, ``=`` and ``distinct`` over linear expressions. Numbers are read as exact
decimals. The property is *violated* ("sat" in VNN-LIB) if some input and the network's outputs there satisfy all
assertions; `milp.properties` decides that. The assertions become a disjunction of linear systems.

Source: Demarchi et al. 2023 (VNN-LIB 1.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Row
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import ONE, ZERO, rational

_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_MAX_TERMS = 10_000  # disjuncts; a file that expands beyond this is refused
_MAX_ENTRIES = 50_000_000  # coefficients of all rows together
_MAX_BYTES = 50_000_000
_MAX_DEPTH = 200  # parentheses
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


@dataclass(frozen=True, slots=True)
class Property:
    """What must not happen: one of these systems is satisfied.

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


def read_vnnlib(path: str | Path) -> Property:
    """Read a property file.

    Raises
    ------
    FormulationError
        The file cannot be read, is no VNN-LIB 1.0, or uses something that is not linear.
    """
    name = shown(path)
    try:
        return parse_vnnlib(small_text(path))
    except (FormulationError, GeometryError) as error:
        raise FormulationError(f"{name}: {error}") from None


def small_text(path: str | Path) -> str:
    """The text of a regular file of moderate size.

    Raises
    ------
    FormulationError
        There is no such file, it is too large, or no text.
    """
    place = Path(path)
    try:
        exists, regular = place.exists(), place.is_file()
        size = place.stat().st_size if regular else 0
    except (OSError, ValueError) as error:
        raise FormulationError(f"cannot be read: {shown(error)}") from None
    if not regular:
        raise FormulationError("is no file" if exists else "there is no such file; check the path")
    if size > _MAX_BYTES:
        raise FormulationError(f"larger than {_MAX_BYTES // 1_000_000} MB, too large for a property")
    try:
        return place.read_text(encoding="utf-8")
    except OSError as error:
        raise FormulationError(f"cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, ValueError):
        raise FormulationError("cannot be read: it is no text") from None


def read_witness(path: str | Path, inputs: int) -> Row:
    """The input of a counterexample in a file: ``((X_0 1.5) .. (Y_0 2) ..)``, or ``{"point": [..]}``.

    A first line ``sat`` may stand before the first form; values of Y are not needed. Decimals are exact.

    Raises
    ------
    FormulationError
        The file cannot be read, or its numbers are not those of this many inputs.
    """
    name = shown(path)
    try:
        text = small_text(path).strip()
        return _json_point(text, inputs) if text.startswith("{") else _listed_point(text, inputs)
    except (FormulationError, GeometryError) as error:
        raise FormulationError(f"{name}: {error}") from None


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
    assertions = []
    for form in _forms(text):
        head = form[0] if isinstance(form, list) and form else form
        if head in ("declare-const", "declare-fun") and len(form) >= 3 and isinstance(form[1], str):
            match = re.fullmatch(r"([XY])_([0-9]{1,7})", form[1])
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
    systems: list[tuple[LinearRow, ...]] = [()]
    common: list[LinearRow] = []
    entries = 0
    for formula in assertions:
        options = _disjuncts(formula, names, counts)
        entries += sum(map(len, options)) * (counts["X"] + counts["Y"])
        if len(systems) * len(options) > _MAX_TERMS:
            raise FormulationError(f"the assertions expand to more than {_MAX_TERMS} systems")
        if entries > _MAX_ENTRIES or len(systems) * len(common) > _MAX_ENTRIES:
            raise FormulationError(f"the assertions expand to more than {_MAX_ENTRIES // 1_000_000} million numbers")
        if len(options) == 1:
            common.extend(options[0])
        else:
            systems = [(*system, *option) for system, option in product(systems, options)]
    return Property(counts["X"], counts["Y"], tuple((*common, *system) for system in systems))


def _forms(text: str) -> Iterator[Any]:
    stack: list[list[Any]] = []
    for line in text.splitlines():
        for token in _TOKEN.findall(line.partition(";")[0]):
            if token == "(":
                if len(stack) >= _MAX_DEPTH:
                    raise FormulationError(f"more than {_MAX_DEPTH} parentheses are open at once")
                stack.append([])
            elif token == ")":
                if not stack:
                    raise FormulationError("a closing parenthesis has no opening one")
                form = stack.pop()
                if stack:
                    stack[-1].append(form)
                else:
                    yield form
            elif stack:
                stack[-1].append(token)
            else:
                raise FormulationError(f"{quoted(token)} stands outside of parentheses")
    if stack:
        raise FormulationError("a parenthesis is not closed; is the file truncated?")


def _short(form: Any) -> str:
    return shown(form, 60)


def _disjuncts(formula: Any, names: dict[str, tuple[str, int]], counts: dict[str, int]) -> list[tuple[LinearRow, ...]]:
    """The disjunctive normal form of a formula."""
    if not isinstance(formula, list) or not formula:
        raise FormulationError(f"{_short(formula)} is no formula")
    head, *parts = formula
    if head == "or":
        return [option for part in parts for option in _disjuncts(part, names, counts)]
    if head == "and":
        systems: list[tuple[LinearRow, ...]] = [()]
        for part in parts:
            options = _disjuncts(part, names, counts)
            if len(systems) * len(options) > _MAX_TERMS:
                raise FormulationError(f"the assertions expand to more than {_MAX_TERMS} systems")
            systems = [(*system, *option) for system, option in product(systems, options)]
        return systems
    if head in _RELATIONS and len(parts) == 2:
        left, right = (_linear(part, names) for part in parts)
        below, above = _row(left, right, names, counts), _row(right, left, names, counts)
        if head in ("=", "=="):
            return [(below, above)]
        if head in ("!=", "distinct"):
            return [(replace(below, strict=True),), (replace(above, strict=True),)]
        row = below if head in ("<=", "<") else above
        return [(replace(row, strict=head in ("<", ">")),)]
    raise FormulationError(f"{_short(formula)}: only and, or, {', '.join(_RELATIONS)} are read")


def _row(
    left: dict[str, fmpq], right: dict[str, fmpq], names: dict[str, tuple[str, int]], counts: dict[str, int]
) -> LinearRow:
    """left <= right."""
    inputs, outputs = [ZERO] * counts["X"], [ZERO] * counts["Y"]
    for name in {*left, *right} - {""}:
        kind, index = names[name]
        (inputs if kind == "X" else outputs)[index] = left.get(name, ZERO) - right.get(name, ZERO)
    return LinearRow(tuple(inputs), tuple(outputs), right.get("", ZERO) - left.get("", ZERO))


def _linear(term: Any, names: dict[str, tuple[str, int]]) -> dict[str, fmpq]:
    """A linear expression: coefficients by name, the constant under the empty name."""
    if isinstance(term, str):
        if term in names:
            return {term: ONE}
        try:
            return {"": rational(term)}
        except GeometryError:
            raise FormulationError(f"{quoted(term)} is neither a number nor a declared constant") from None
    head, *rest = term or [None]
    parts = [_linear(part, names) for part in rest]
    if head == "+" and parts:
        return _sum(parts, [ONE] * len(parts))
    if head == "-" and len(parts) == 1:
        return _sum(parts, [-ONE])
    if head == "-" and parts:
        return _sum(parts, [ONE] + [-ONE] * (len(parts) - 1))
    if head == "*" and len(parts) == 2:
        for factor, other in (parts, parts[::-1]):
            if set(factor) <= {""}:
                return _sum([other], [factor.get("", ZERO)])
    raise FormulationError(f"{_short(term)} is not linear")


def _sum(parts: list[dict[str, fmpq]], factors: list[fmpq]) -> dict[str, fmpq]:
    total: dict[str, fmpq] = {}
    for part, factor in zip(parts, factors, strict=True):
        for name, value in part.items():
            total[name] = total.get(name, ZERO) + factor * value
    return total
