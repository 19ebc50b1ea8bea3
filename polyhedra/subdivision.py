"""Cut a polyhedron by affine forms: the plain exact tool, for any dimension and any degenerate position.

A form is a row (a_1, ..., a_n, c) and means a.x + c.  Every cell carries an exact point of its interior, so that most
decisions are one evaluation; the others are certified linear programs.  Made to be obviously right; the cell engine of
networks is made to be fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from polyhedra.linear_program import InteriorPoint, interior_of
from polyhedra.matrix import Vector, as_matrix
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO
from polyhedra.system import IntegerRow, System, integer_row


@dataclass(frozen=True, slots=True)
class ArrangementCell:
    """A cell of an arrangement of affine forms inside a polyhedron, of the same dimension as the polyhedron.

    Attributes
    ----------
    signs : tuple of int
        For each form its sign in the relative interior of the cell: 1, -1, or 0 where it vanishes on the whole cell.
    polyhedron : Polyhedron
        The closed cell; the rows of the polyhedron, then one for each form that was needed to cut the cell out.
    point : tuple of fmpq
        An exact point of the relative interior, at which no form vanishes that does not vanish on the whole cell.
    """

    signs: tuple[int, ...]
    polyhedron: Polyhedron
    point: Vector


def split(polyhedron: Polyhedron, form: Iterable[Any]) -> tuple[Polyhedron | None, Polyhedron | None]:
    """The parts of a polyhedron where a form is <= 0 and where it is >= 0.

    A part is None where its dimension is smaller than that of the polyhedron.  A form that vanishes on it gives the
    polyhedron twice; the empty set gives (None, None).

    Parameters
    ----------
    polyhedron : Polyhedron
    form : sequence of n + 1 numbers
        (a_1, ..., a_n, c), meaning a.x + c.

    Examples
    --------
    >>> below, above = split(Polyhedron.box([0, 0], [1, 1]), [1, 1, "-1/2"])
    >>> below.volume(), above.volume()
    (1/8, 7/8)
    """
    parts: dict[int, Polyhedron] = {}
    for cell in arrangement_cells(polyhedron, [form]):
        if cell.signs[0] == 0:
            return polyhedron, polyhedron
        parts[cell.signs[0]] = cell.polyhedron
    return parts.get(-1), parts.get(1)


def arrangement_cells(polyhedron: Polyhedron, forms: Iterable[Iterable[Any]]) -> Iterator[ArrangementCell]:
    """All cells into which affine forms cut a polyhedron, one after the other (depth first, negative sides first).

    Parameters
    ----------
    polyhedron : Polyhedron
        Of any dimension; cells of that dimension are listed, and none for the empty set.
    forms : sequence of rows of n + 1 numbers
        (a_1, ..., a_n, c), meaning a.x + c.

    Raises
    ------
    GeometryError
        A form with a wrong number of coefficients.

    Examples
    --------
    >>> lines = [[1, 0, 0], [0, 1, 0], [1, 1, -1]]
    >>> [cell.signs for cell in arrangement_cells(Polyhedron.box([0, 0], [1, 1]), lines)]
    [(1, 1, -1), (1, 1, 1)]
    """
    rows = [integer_row(form)[0] for form in as_matrix(forms, polyhedron.dim + 1, "forms")]
    point = polyhedron.interior_point()
    if point is None:
        return
    hull = polyhedron.affine_hull().system.rows()
    implicit = polyhedron.implicit_equalities()
    walls = [row for index, row in enumerate(polyhedron.system.rows()) if index not in implicit]
    for signs, cuts, witness in _cells(hull, walls, rows, polyhedron.dim, (), [], point):
        yield ArrangementCell(signs, _with_rows(polyhedron, cuts), witness)


def _cells(
    hull: list[IntegerRow],
    walls: list[IntegerRow],
    forms: Sequence[IntegerRow],
    dim: int,
    signs: tuple[int, ...],
    cuts: list[IntegerRow],
    witness: Vector,
) -> Iterator[tuple[tuple[int, ...], list[IntegerRow], Vector]]:
    """Depth first over the forms; `walls` hold strictly at the witness, `cuts` are those of them that forms made."""
    for position in range(len(signs), len(forms)):
        form = forms[position]
        here = _sign(_value(form, witness))
        found = {here: witness} if here else {}
        for side in (-1, 1):
            if side not in found:
                system = System.of_integer_rows([*hull, *walls, _wall(form, side)], len(hull), dim)
                answer = interior_of(system)
                if isinstance(answer, InteriorPoint):
                    found[side] = answer.point
        if len(found) == 2:
            for side in (-1, 1):
                wall = _wall(form, side)
                yield from _cells(hull, [*walls, wall], forms, dim, (*signs, side), [*cuts, wall], found[side])
            return
        # on one side only, or zero everywhere: the cell is not cut, so the form has this sign at every interior point
        side = next(iter(found), 0)
        signs, witness = (*signs, side), found.get(side, witness)
    yield signs, cuts, witness


def _wall(form: IntegerRow, side: int) -> IntegerRow:
    """The row that says that the form has the sign `side`, or is zero."""
    return (*(-side * a for a in form[:-1]), side * form[-1])


def _value(form: IntegerRow, point: Vector) -> fmpq:
    value = ZERO + form[-1]
    for a, x in zip(form[:-1], point, strict=True):
        value += x * a
    return value


def _sign(value: fmpq) -> int:
    numerator = value.p
    return (numerator > 0) - (numerator < 0)


def _with_rows(polyhedron: Polyhedron, cuts: Sequence[IntegerRow]) -> Polyhedron:
    system = polyhedron.system
    rows = system.rows()
    return Polyhedron.of_integer_rows([*rows[system.n_equal :], *cuts], rows[: system.n_equal], dim=polyhedron.dim)
