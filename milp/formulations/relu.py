"""ReLU of a vector with stable entries: they cost nothing, the others go to the rule that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from milp.formulations import relu_big_m, relu_extended, relu_partition, relu_triangle
from milp.formulations.rule import Encoded, Preactivation
from milp.solvers import require_cvxpy
from polyhedra.errors import FormulationError

RULES = ("big-m", "extended", "partition", "partition:P", "triangle")


def relu_rule(name: str) -> Callable[[Preactivation], Encoded]:
    """The rule of a name: ``big-m``, ``extended``, ``partition`` (two groups), ``partition:P``, ``triangle``.

    Raises
    ------
    FormulationError
        There is no such rule.
    """
    kind, _, argument = name.partition(":")
    if kind == "partition" and (not argument or (argument.isascii() and argument.isdigit() and int(argument) > 0)):
        parts = int(argument or 2)
        return lambda pre: relu_partition.encode(pre, parts)
    rules = {"big-m": relu_big_m.encode, "extended": relu_extended.encode, "triangle": relu_triangle.encode}
    if name in ("sos1", "indicator"):
        raise FormulationError(f"cvxpy has no {name} constraints; use milp.formulate_scip")
    if name not in rules:
        raise FormulationError(f"there is no formulation {name!r}; use one of {', '.join(RULES)}")
    return rules[name]


def encode(pre: Preactivation, rule: str) -> tuple[Encoded, Encoded | None, tuple[int, ...]]:
    """Encode y = max(0, g) for any bounds.

    Returns
    -------
    whole : Encoded
        For all entries; its binaries are constant where a unit is stable.
    part : Encoded or None
        What the rule made of the unstable entries.
    unstable : tuple of int
    """
    cp = require_cvxpy("a formulation")
    chosen = relu_rule(rule)
    active = np.nonzero(pre.lower >= 0)[0]
    unstable = np.nonzero((pre.lower < 0) & (pre.upper > 0))[0]
    y = cp.Variable(pre.size, nonneg=True)
    z: Any = np.isin(np.arange(pre.size), active).astype(float)
    constraints: list[Any] = []
    integrality: list[Any] = []
    silent = np.nonzero((pre.lower < 0) & (pre.upper <= 0))[0]
    if len(silent):
        constraints.append(y[silent] == 0)
    if len(active):
        constraints.append(y[active] == pre.select(active).value)
    part = None
    if len(unstable):
        part = chosen(pre.select(unstable))
        constraints += [*part.constraints, y[unstable] == part.output]
        integrality += part.integrality
        if part.binaries is not None:
            z = z + np.eye(pre.size)[:, unstable] @ part.binaries
        else:
            z = None
    return Encoded(y, z, integrality, constraints), part, tuple(int(i) for i in unstable)
