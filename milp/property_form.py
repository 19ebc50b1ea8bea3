"""The exact normal form of a property: one text for all files that say the same rows, for digests and certificates."""

from __future__ import annotations

from typing import Any

from milp.vnnlib import LinearRow, Property
from polyhedra.scalars import primitive, rational

Relation = tuple[str, list[int]]
"""A row c . (X, Y, 1) >= 0 or > 0: the relation, and integers without common factor."""


def normal_form(spec: Property) -> list[Any]:
    """A property as nested lists of integers and texts, such as JSON holds.

    Examples
    --------
    >>> from milp.vnnlib import parse_vnnlib
    >>> normal_form(parse_vnnlib("(declare-const X_0 Real)(declare-const Y_0 Real)(assert (< (* 2 Y_0) (+ X_0 0.5)))"))
    ['puiseux-property', 1, 1, 1, [[['>', [2, -4, 1]]]]]
    """
    systems = {tuple(sorted({_relation(row) for row in system})) for system in spec.disjuncts}
    rows = [[[relation, list(row)] for relation, row in system] for system in sorted(systems)]
    return ["puiseux-property", 1, spec.inputs, spec.outputs, rows]


def _relation(row: LinearRow) -> tuple[str, tuple[int, ...]]:
    return ">" if row.strict else ">=", primitive([-a for a in (*row.inputs, *row.outputs)] + [row.right])


def rows_of(system: list[Relation], inputs: int) -> tuple[LinearRow, ...]:
    """The rows of a system in normal form, in their order.

    Examples
    --------
    >>> rows_of([(">", [2, -4, 1])], 1)
    (LinearRow(inputs=(-2,), outputs=(4,), right=1, strict=True),)
    """
    return tuple(
        LinearRow(
            tuple(rational(-v) for v in row[:inputs]),
            tuple(rational(-v) for v in row[inputs:-1]),
            rational(row[-1]),
            relation == ">",
        )
        for relation, row in system
    )
