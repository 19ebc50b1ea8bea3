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

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from flint import fmpq

from milp.arguments import of_any_model
from milp.bounding import network_bounds
from milp.branching import Objective, search_maximum
from milp.domain import OutOfTime, bounded
from milp.solvers import deadline_after, third_of
from milp.verify import Status, Verdict
from nn_bridge.network.network import AffineStage, Network, Row
from polyhedra.errors import FormulationError, GeometryError
from polyhedra.linear_program import Infeasible, maximize_over
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, rational

_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_MAX_TERMS = 10_000  # disjuncts; a file that expands beyond this is refused


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
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormulationError(f"{path}: cannot be read: {error}") from None
    try:
        return parse_vnnlib(text)
    except FormulationError as error:
        raise FormulationError(f"{path}: {error}") from None


def parse_vnnlib(text: str) -> Property:
    """Read a property from text; errors as in `read_vnnlib`."""
    names: dict[str, tuple[str, int]] = {}
    assertions = []
    for form in _forms(text):
        head = form[0] if isinstance(form, list) and form else form
        if head in ("declare-const", "declare-fun") and len(form) >= 3 and isinstance(form[1], str):
            match = re.fullmatch(r"([XY])_(\d+)", form[1])
            if match is None:
                raise FormulationError(f"the constant {form[1]!r} is neither X_i nor Y_j")
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
    systems: list[tuple[LinearRow, ...]] = [()]
    for formula in assertions:
        options = _disjuncts(formula, names, counts)
        if len(systems) * len(options) > _MAX_TERMS:
            raise FormulationError(f"the assertions expand to more than {_MAX_TERMS} systems")
        systems = [(*system, *option) for system, option in product(systems, options)]
    return Property(counts["X"], counts["Y"], tuple(systems))


def _forms(text: str) -> Iterator[Any]:
    stack: list[list[Any]] = []
    for line in text.splitlines():
        for token in _TOKEN.findall(line.partition(";")[0]):
            if token == "(":
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
                raise FormulationError(f"{token!r} stands outside of parentheses")
    if stack:
        raise FormulationError("a parenthesis is not closed; is the file truncated?")


def _short(form: Any) -> str:
    text = str(form)
    return text if len(text) <= 60 else text[:57] + "..."


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
    if head in ("<=", ">=") and len(parts) == 2:
        left, right = (_linear(part, names) for part in parts)
        sign = ONE if head == "<=" else -ONE
        terms = {name: sign * (left.get(name, ZERO) - right.get(name, ZERO)) for name in {*left, *right}}
        inputs, outputs = [ZERO] * counts["X"], [ZERO] * counts["Y"]
        for name, value in terms.items():
            if name:
                kind, index = names[name]
                (inputs if kind == "X" else outputs)[index] = value
        return [(LinearRow(tuple(inputs), tuple(outputs), -terms.get("", ZERO)),)]
    raise FormulationError(f"{_short(formula)}: only and, or, <= and >= are read")


def _linear(term: Any, names: dict[str, tuple[str, int]]) -> dict[str, fmpq]:
    """A linear expression: coefficients by name, the constant under the empty name."""
    if isinstance(term, str):
        if term in names:
            return {term: ONE}
        try:
            return {"": rational(term)}
        except GeometryError:
            raise FormulationError(f"{term!r} is neither a number nor a declared constant") from None
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


@of_any_model
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
        if deadline is not None and time.monotonic() > deadline:
            reason = "time limit"
            break
        try:
            region = bounded(polyhedron, spec.inputs, deadline)
        except OutOfTime as error:
            reason = str(error)
            break
        wider = least_slack_network(network, [row for row in system if any(row.outputs)])
        known = network_bounds(wider, region, tightening, time_limit=third_of(deadline))
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
