"""VNN-LIB properties, read exactly: version 1.0 here, version 2.0 by `milp.vnnlib2`.

A file describes inputs and outputs that must not occur together: constants ``X_i`` and ``Y_j`` and assertions with
``and``, ``or``, ``<=``, ``>=``, ``<``, ``>``, ``=`` and ``distinct`` over linear expressions. Numbers are read as exact
decimals. The property is *violated* ("sat" in VNN-LIB) if some input and the network's outputs there satisfy all
assertions; `milp.properties` decides that. The assertions become a disjunction of linear systems.

Source: Demarchi et al. 2023 (VNN-LIB 1.0).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from os import PathLike
from typing import Any

from flint import fmpq

from milp.vnnlib2 import is_second_version, parse_second_version
from milp.vnnlib_rows import LinearRow, Property, Tensor, element
from milp.vnnlib_terms import Budget, all_of, disjuncts, forms, place_of, short
from nn_bridge.network.network import Row
from nn_bridge.readers.files import read_bytes
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown, shown_path
from polyhedra.scalars import rational

__all__ = ["LinearRow", "Property", "parse_vnnlib", "read_vnnlib", "read_witness"]

_TOKEN = re.compile(r"[()]|[^\s();]+|;[^\n\r]*")

_MAX_BYTES = 16 * 2**20


@checked_options
def read_vnnlib(path: str | PathLike[str]) -> Property:
    """Read a property file.

    Raises
    ------
    FormulationError
        The file cannot be read, is no VNN-LIB 1.0 or 2.0, or uses something that is not linear.
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


def read_witness(path: str | PathLike[str], inputs: int, tensors: Sequence[Tensor] = ()) -> Row:
    """The input of a counterexample in a file: ``((X_0 1.5) .. (Y_0 2) ..)``, or ``{"point": [..]}``.

    For VNN-LIB 2.0 the declared names may stand in place of X_i: ``((X[0,0] 1.5) ..)``. A first line
    ``sat`` may stand before the first form; values of Y are not needed. Decimals are exact.

    Raises
    ------
    FormulationError
        The file cannot be read, or its numbers are not those of this many inputs.
    """
    text = _text(path, "witness").strip()
    try:
        return _json_point(text, inputs) if text.startswith("{") else _listed_point(text, inputs, tensors)
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
        raise FormulationError(f"the point has {counted(len(point), 'number')}, the network reads {inputs}")
    return tuple(rational(v) for v in point)


def _listed_point(text: str, inputs: int, tensors: Sequence[Tensor]) -> Row:
    if text.startswith("sat"):
        text = text[3:]
    named = {tensor.name: tensor for tensor in tensors}
    values: dict[int, fmpq] = {}
    for form in forms(text, _TOKEN):
        for entry in form:
            if not isinstance(entry, list) or len(entry) != 2 or not all(isinstance(part, str) for part in entry):
                raise FormulationError(f"{short(entry)} is no pair of a constant and a number, such as (X_0 1.5)")
            match = re.fullmatch(r"([XY])_([0-9]{1,7})", entry[0])
            place = element(named, entry[0])
            if place is None:
                if match is None:
                    raise FormulationError(f"the constant {quoted(entry[0])} is neither X_i nor Y_j")
                place = match[1], int(match[2])
            if place[0] == "X":
                values[place[1]] = rational(entry[1])
    if sorted(values) != list(range(inputs)):
        raise FormulationError(f"it gives {len(values)} of the inputs X_0 .. X_{inputs - 1}")
    return tuple(values[j] for j in range(inputs))


def parse_vnnlib(text: str) -> Property:
    """Read a property from text; errors as in `read_vnnlib`."""
    if is_second_version(text):
        return parse_second_version(text)
    names: dict[str, tuple[str, int]] = {}
    assertions: list[Any] = []
    budget = Budget()
    for form in forms(text, _TOKEN):
        head = form[0] if isinstance(form, list) and form else form
        if head in ("declare-const", "declare-fun") and len(form) >= 3 and isinstance(form[1], str):
            match = re.fullmatch(r"([XY])_(\d{1,9})", form[1])
            if match is None:
                raise FormulationError(f"{place_of(form)}the constant {quoted(form[1])} is neither X_i nor Y_j")
            names[form[1]] = (match[1], int(match[2]))
        elif head == "assert" and len(form) == 2:
            assertions.append(form[1])
        elif head not in ("set-logic", "set-info", "check-sat", "exit"):
            raise FormulationError(f"{place_of(form)}{short(form)} is no VNN-LIB (declare-const and assert are read)")
    counts = {}
    for kind in "XY":
        numbers = sorted(index for k, index in names.values() if k == kind)
        if not numbers or numbers != list(range(len(numbers))):
            raise FormulationError(f"the constants {kind}_0, {kind}_1, .. are not declared without gaps")
        counts[kind] = len(numbers)
    systems = all_of([disjuncts(formula, names.get, counts, budget) for formula in assertions], budget)
    return Property(counts["X"], counts["Y"], tuple(systems))
