"""VNN-LIB properties: read exactly, decided exactly.

A file describes inputs and outputs that must not occur together: constants ``X_i`` and ``Y_j`` and assertions with
``and``, ``or``, ``<=`` and ``>=`` over linear expressions. Numbers are read as exact decimals. The property is
*violated* ("sat" in VNN-LIB) if some input and the network's outputs there satisfy all assertions.

The assertions become a disjunction of linear systems. For each, the rows over X alone are the domain, and the least
slack of the rows that read Y is one output of a larger network, because min(a, b) = a - max(0, a - b); the search
asks whether its maximum is negative.

Source: Demarchi et al. 2023 (VNN-LIB 1.0).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import Any

from flint import fmpq

from milp.bounds import network_bounds
from milp.branching import Objective, search_maximum
from milp.domain import bounded
from milp.solvers import deadline_after
from milp.verify import Status, Verdict
from nn_bridge.network.network import AffineStage, Network, Row
from nn_bridge.readers.files import read_bytes
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.linear_program import Infeasible, maximize_over
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted, shown, shown_path
from polyhedra.scalars import ONE, ZERO, rational

_TOKEN = re.compile(r"[()]|[^\s();]+|;[^\n\r]*")

_MAX_BYTES = 16 * 2**20
_MAX_TOKENS = 2_000_000
_MAX_DEPTH = 200  # parentheses within one another
_MAX_TERMS = 10_000  # disjuncts; a file that expands beyond this is refused
_MAX_ENTRIES = 20_000_000  # of all rows, and rows of all disjuncts
_MAX_BITS = 20_000  # of one number that expressions add up to
_MAX_DIGITS = 5_000_000  # of all coefficients; the first 38 of each are free


@dataclass(frozen=True, slots=True)
class LinearRow:
    """a . (X, Y) <= b."""

    inputs: Row
    outputs: Row
    right: fmpq


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
        return any(all(_left(row, x, y) <= row.right for row in system) for system in self.disjuncts)


def _left(row: LinearRow, x: Row, y: Row) -> fmpq:
    total = ZERO
    for a, v in zip((*row.inputs, *row.outputs), (*x, *y), strict=True):
        total += a * v
    return total


def read_vnnlib(path: str | Path) -> Property:
    """Read a property file.

    Raises
    ------
    FormulationError
        The file cannot be read, is no VNN-LIB 1.0, or uses something that is not linear.
    """
    content = read_bytes(path, _MAX_BYTES, "property")
    try:
        return parse_vnnlib(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise FormulationError(f"{shown_path(path)}: is no UTF-8 text; a property file is VNN-LIB text") from None
    except RecursionError:
        raise FormulationError(f"{shown_path(path)}: is nested too deeply; write fewer parentheses") from None
    except FormulationError as error:
        raise FormulationError(f"{shown_path(path)}: {error}") from None


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
    """What reading a file may still use up."""

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
    if head in ("<=", ">=") and len(parts) == 2:
        left, right = (_linear(part, names, budget) for part in parts)
        sign = ONE if head == "<=" else -ONE
        terms = {name: sign * (left.get(name, ZERO) - right.get(name, ZERO)) for name in {*left, *right}}
        budget.spend_entries(counts["X"] + counts["Y"])
        inputs, outputs = [ZERO] * counts["X"], [ZERO] * counts["Y"]
        for name, value in terms.items():
            if name:
                kind, index = names[name]
                (inputs if kind == "X" else outputs)[index] = budget.checked(value)
        return [(LinearRow(tuple(inputs), tuple(outputs), -budget.checked(terms.get("", ZERO))),)]
    raise FormulationError(f"{_short(formula)}: only and, or, <= and >= are read")


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


def verify_vnnlib(
    network: Network,
    spec: Property,
    *,
    tightening: str = "lp",
    time_limit: float | None = 60.0,
    node_limit: int = 1_000_000,
) -> Verdict:
    """Decide a property: VIOLATED with an exact counterexample ("sat"), PROVEN ("unsat"), or OPEN at a limit.

    Raises
    ------
    FormulationError
        The numbers of inputs and outputs differ from the network's, or the inputs of some system are unbounded.
    """
    if (spec.inputs, spec.outputs) != (network.input_dim, network.output_dim):
        raise FormulationError(
            f"the property has {spec.inputs} inputs and {spec.outputs} outputs, "
            f"the network {network.input_dim} and {network.output_dim}"
        )
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    reason = None
    for system in spec.disjuncts:
        domain = [row for row in system if not any(row.outputs)]
        polyhedron = Polyhedron([row.inputs for row in domain], [row.right for row in domain], dim=spec.inputs)
        if isinstance(maximize_over(polyhedron.system, (ZERO,) * spec.inputs), Infeasible):
            continue
        region = bounded(polyhedron, spec.inputs)
        wider = least_slack_network(network, [row for row in system if any(row.outputs)])
        share = None if deadline is None else max(0.0, deadline - time.monotonic()) / 3
        known = network_bounds(wider, region, tightening, time_limit=share)
        result = search_maximum(
            wider, region, known, wider.output, threshold=ZERO, strict=True, node_limit=node_limit, deadline=deadline
        )
        if result.value is not None and result.value >= 0:
            assert result.point is not None
            return Verdict(Status.VIOLATED, result.point, network.evaluate(result.point), time.monotonic() - start)
        if not result.proven:
            reason = f"stopped after {result.nodes} nodes"
    status = Status.PROVEN if reason is None else Status.OPEN
    return Verdict(status, None, None, time.monotonic() - start, reason=reason)


def least_slack_network(network: Network, rows: list[LinearRow]) -> Network:
    """The network whose one output is the least of b - a.(x, f(x)) over some rows (1 where there are none)."""
    slacks = [
        Objective(tuple(-a for a in row.outputs), tuple(-a for a in row.inputs), row.right).as_stage(network)
        for row in rows
    ]
    if not slacks:
        return Network(network.input_dim, network.stages, AffineStage((), (ONE,)))
    stages = list(network.stages)
    least = slacks[0]
    for slack in slacks[1:]:
        stages.append(_combination([(ONE, least), (-ONE, slack)]))
        unit = AffineStage(((len(stages), ((ONE,),)),), (ZERO,))
        least = _combination([(ONE, least), (-ONE, unit)])
    return Network(network.input_dim, tuple(stages), least)


def _combination(parts: list[tuple[fmpq, AffineStage]]) -> AffineStage:
    """A linear combination of stages with one row each."""
    total: dict[int, list[fmpq]] = {}
    bias = ZERO
    for factor, stage in parts:
        bias += factor * stage.bias[0]
        for source, (row,) in stage.blocks:
            present = total.setdefault(source, [ZERO] * len(row))
            for j, w in enumerate(row):
                present[j] += factor * w
    kept = tuple((source, (tuple(total[source]),)) for source in sorted(total) if any(total[source]))
    return AffineStage(kept, (bias,))
