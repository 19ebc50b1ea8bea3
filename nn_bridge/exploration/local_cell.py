"""`LocalCell`: one activation cell of a network, known by its pattern alone, with its facets and neighbours, exactly.

Nothing else of the network is enumerated, so that the number of inputs may be large.  The pattern gives an affine form
to each unit; the cell is where each form has the sign of its unit.  Rows that say the same are joined first; each of
the others is a facet iff a certified linear program proves it irredundant.

*Neighbours.*  The cells of a network on a convex domain are face-to-face: a unit's pre-activation is continuous, so a
unit that is nowhere zero in the relative interior of a facet has one sign on both sides of it.  Beyond a facet, hence,
all those units keep their state.  A unit that vanishes on the facet has beyond it a form that is a multiple of the
facet's row; the sign of the factor is its state there, and a factor of 0 (it vanishes on the whole neighbour) counts as
inactive, as everywhere in `nn_bridge`.  So patterns lead to patterns without any coordinates; see `crossing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flint import fmpq

from nn_bridge.cells.cell import CellFacet
from nn_bridge.cells.start_cells import UnitCoordinates, unit_coordinates
from nn_bridge.errors import NetworkError
from nn_bridge.exploration.crossing import cell_beyond
from nn_bridge.network.forms import ExactForms
from nn_bridge.network.network import INPUT, Network, Pattern, Row
from nn_bridge.network.point_cells import patterns_near
from polyhedra.cached_values import cached_property
from polyhedra.independence import independent
from polyhedra.limits import check_limits
from polyhedra.matrix import AffineMap
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, coprime, primitive
from polyhedra.system import IntegerRow


@dataclass(frozen=True)
class CellFacts:
    """The facts of a cell that take time to find, as plain values that processes exchange and files hold.

    Attributes
    ----------
    facets : tuple of (stage, unit)
        For each facet a unit that vanishes on it, or (-1, wall).
    beyond : tuple
        For each facet the cell beyond it, as `LocalCell.active`; None on the boundary of the domain.
    bounded : bool or None
    point : tuple of fmpq or None
        The interior point in reduced coordinates; these two only where they were asked for.
    note : str or None
        Of `Expander`; records do not hold it.
    """

    facets: tuple[tuple[int, int], ...]
    beyond: tuple[tuple[int, ...] | None, ...]
    bounded: bool | None = None
    point: Row | None = None
    note: str | None = None


class LocalCells:
    """The cells of one network on one domain, each made when it is asked for.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        Full-dimensional; None is all of R^n.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    >>> lines = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
    >>> [cell.pattern_text for cell in LocalCells(lines).at([3, 4])[0].neighbours()]
    ['10', '01']
    """

    def __init__(self, network: Network, domain: Polyhedron | None = None) -> None:
        self.network, self.domain = network, domain
        self.coordinates: UnitCoordinates | None = None
        self.reduced = network
        self._walls = walls_of(network, domain)
        if domain is None and network.stages:
            # many inputs that only few units read: the values of these units are better coordinates
            found = independent(network.stages[0].block(INPUT) or ())
            in_units = unit_coordinates(network, found, fewer=True) or unit_coordinates(network, found)
            if in_units is not None:
                self.reduced, self.coordinates = in_units
                self._units = found.rows
        self.reduced_forms  # noqa: B018  refuses networks that are too large

    @cached_property
    def forms(self) -> ExactForms:
        """The exact forms of units in the inputs, and of the walls of the domain as ``a . x + b >= 0``."""
        rows = tuple(primitive([*(-a for a in row[:-1]), row[-1]]) for row in self._walls)
        return ExactForms(self.network, rows)

    @cached_property
    def reduced_forms(self) -> ExactForms:
        """The same in the coordinates in which cells are found."""
        return self.forms if self.coordinates is None else ExactForms(self.reduced)

    def of(self, pattern: Iterable[Iterable[Any]]) -> LocalCell:
        """The cell of an activation pattern.

        Parameters
        ----------
        pattern : sequence of sequences of bool
            For each stage which units are active.

        Raises
        ------
        NetworkError
            It has not one entry for each unit, or no full-dimensional cell of the domain has this pattern.
        """
        bits = tuple(tuple(bool(on) for on in stage) for stage in pattern)
        if tuple(map(len, bits)) != self.network.hidden:
            raise NetworkError(
                f"the pattern has {list(map(len, bits))} units, the network {list(self.network.hidden)} in its stages"
            )
        cell = LocalCell(self, tuple(sum(int(on) << i for i, on in enumerate(stage)) for stage in bits))
        if not cell.exists:
            raise NetworkError("no full-dimensional cell of the domain has this pattern")
        return cell

    def at(self, point: Iterable[Any]) -> tuple[LocalCell, ...]:
        """The cells that hold a point in their closure: one, or all that it borders, sorted by pattern.

        Raises
        ------
        NetworkError
            The point has the wrong length, is not finite, or lies outside the domain.
        """
        exact = self.network.point(point)
        tight: list[IntegerRow] = []
        for a_b in self.forms.walls:
            value = sum((a * v for a, v in zip(a_b, exact, strict=False)), fmpq(a_b[-1]))
            if value < 0:
                raise NetworkError("the start lies outside the domain; give a point of the domain")
            if value == 0:
                tight.append((*(-a for a in a_b[:-1]), 0))
        place = exact
        if self.coordinates is not None:
            block = self.network.stages[0].block(INPUT) or ()
            place = tuple(sum((a * v for a, v in zip(block[unit], exact, strict=True)), ZERO) for unit in self._units)
        patterns = sorted(patterns_near(self.reduced, place, (), tuple(tight)))
        return tuple(
            LocalCell(self, tuple(sum(int(on) << i for i, on in enumerate(stage)) for stage in pattern))
            for pattern in patterns
        )

    def lifted(self, point: Row) -> Row:
        """The original input of reduced coordinates."""
        return point if self.coordinates is None else self.coordinates.lifted(point)


@dataclass(frozen=True)
class LocalCell:
    """A full-dimensional cell, known by its activation pattern.  Made by `LocalCells`.

    Cells are equal iff their patterns are (and they are of one network and domain).

    Attributes
    ----------
    home : LocalCells
    active : tuple of int
        The pattern as integers: bit ``i`` of ``active[s]`` is unit ``i`` of stage ``s``.
    """

    home: LocalCells = field(compare=False, repr=False)
    active: tuple[int, ...]

    @cached_property
    def pattern(self) -> Pattern:
        """For each stage, which of its units are active."""
        return tuple(
            tuple(bool(bits >> i & 1) for i in range(size))
            for bits, size in zip(self.active, self.home.network.hidden, strict=True)
        )

    @property
    def pattern_text(self) -> str:
        """``"0110|01"``: one digit per unit, a bar between stages."""
        return "|".join("".join(str(int(on)) for on in stage) for stage in self.pattern)

    @cached_property
    def _described(self) -> tuple[dict[IntegerRow, list[tuple[int, int]]], list[tuple[int, int]]]:
        """The half-spaces, and the units that are zero on the cell."""
        found: dict[IntegerRow, list[tuple[int, int]]] = {}
        zero = []
        forms = self.home.reduced_forms
        for stage, bits in enumerate(self.active):
            table = forms.forms(self.active[:stage]).table()
            for unit, row in enumerate(table):
                *slope, constant = map(int, row)
                if any(slope):
                    sign = -1 if bits >> unit & 1 else 1
                    half = coprime([*(sign * a for a in slope), -sign * constant])
                    found.setdefault(half, []).append((stage, unit))
                elif not constant:
                    zero.append((stage, unit))
        for number, wall in enumerate(forms.walls):
            half = coprime([*(-a for a in wall[:-1]), wall[-1]])
            found.setdefault(half, []).append((-1, number))
        return found, zero

    @property
    def _rows(self) -> dict[IntegerRow, list[tuple[int, int]]]:
        """The half-spaces ``a . t <= b`` in reduced coordinates, with the units, or (-1, wall), that they come from."""
        return self._described[0]

    @cached_property
    def _reduced(self) -> Polyhedron:
        """The cell in reduced coordinates."""
        return Polyhedron.of_integer_rows(list(self._rows), dim=self.home.reduced.input_dim)

    @cached_property
    def exists(self) -> bool:
        """Whether points in the interior of the set have this pattern (true for cells found by a walk)."""
        forms = self.home.reduced_forms
        for stage, bits in enumerate(self.active):
            for unit, row in enumerate(forms.forms(self.active[:stage]).table()):
                *slope, constant = map(int, row)
                if not any(slope) and (constant > 0) != bool(bits >> unit & 1):
                    return False
        return self._reduced.is_full_dimensional()

    @cached_property
    def _facet_rows(self) -> tuple[IntegerRow, ...]:
        """The irredundant half-spaces in reduced coordinates, in the order of units, then walls."""
        if self.told:
            return self._rows_of(self._told)
        kept = {tuple(int(v.p) for v in row) for row in self._reduced.irredundant().inequalities}
        return tuple(row for row in self._rows if row in kept)

    @cached_property
    def note(self) -> str | None:
        """The text about the cell that a worker has made, see `Expander`; None where there is none."""
        return None

    @property
    def told(self) -> bool:
        """Whether the facets come from another process, or from an earlier run; see `adopt`."""
        return "_told" in self.__dict__

    @cached_property
    def _told(self) -> tuple[tuple[int, int], ...]:
        """For each facet that others have found one of its units, or (-1, wall)."""
        return ()

    def _rows_of(self, names: Iterable[tuple[int, int]]) -> tuple[IntegerRow, ...]:
        """The half-spaces of units and walls."""
        row_of = {name: row for row, units in self._rows.items() for name in units}
        if not all(name in row_of for name in names):
            raise NetworkError("the recorded facets belong to another cell; delete the record")
        return tuple(row_of[name] for name in names)

    @cached_property
    def facets(self) -> tuple[CellFacet, ...]:
        """The facets, each with the units and walls that vanish on it and its inequality in the original input."""
        found = []
        for row in self._facet_rows:
            names = self._rows[row]
            stage, number = names[0]
            *slope, constant = map(int, self.home.forms.row(self.active, stage, number))
            sign = -1 if stage < 0 or self.active[stage] >> number & 1 else 1
            inequality = coprime([*(sign * value for value in slope), -sign * constant])
            units = tuple(name for name in names if name[0] >= 0)
            walls = tuple(wall for kind, wall in names if kind < 0)
            found.append(CellFacet(units, walls, tuple(map(fmpq, inequality))))
        return tuple(found)

    @property
    def facet_count(self) -> int:
        """The number of facets, without their inequalities in the original input."""
        return len(self._told if self.told else self._facet_rows)

    @cached_property
    def polyhedron(self) -> Polyhedron:
        """The closure of the cell, one row a facet."""
        rows = [[int(v.p) for v in facet.inequality] for facet in self.facets]
        return Polyhedron.of_integer_rows(rows, dim=self.home.network.input_dim)

    @cached_property
    def _reduced_point(self) -> Row:
        point = self._reduced.interior_point()
        assert point is not None
        return point

    @cached_property
    def interior_point(self) -> Row:
        """A point strictly inside, exact."""
        return self.home.lifted(self._reduced_point)

    @cached_property
    def bounded(self) -> bool | None:
        """Whether the cell is bounded."""
        return self._reduced.dim == self.home.network.input_dim and self._reduced.is_bounded()

    @cached_property
    def output_rows(self) -> tuple[Row, ...]:
        """The outputs as affine functions of the coordinates in which cells are found; equal iff `affine_map` is."""
        return self.home.reduced.affine_forms(self.pattern)[-1]

    @cached_property
    def affine_map(self) -> AffineMap:
        """The outputs as an exact affine function of the input, on this cell."""
        rows = self.home.network.affine_forms(self.pattern)[-1]
        return AffineMap(tuple(row[:-1] for row in rows), tuple(row[-1] for row in rows), self.home.network.input_dim)

    def neighbour(self, facet: int) -> LocalCell | None:
        """The cell beyond a facet (by its number in `facets`); None on the boundary of the domain."""
        if facet not in self._beyond:
            self._beyond[facet] = self._across(self._facet_rows[facet])
        active = self._beyond[facet]
        return None if active is None else LocalCell(self.home, active)

    @cached_property
    def _beyond(self) -> dict[int, tuple[int, ...] | None]:
        """The cells beyond facets, as far as they were asked for."""
        return {}

    def _across(self, row: IntegerRow) -> tuple[int, ...] | None:
        names, zero = self._rows[row], self._described[1]
        if any(stage < 0 for stage, _ in names):
            return None
        check_limits()
        return cell_beyond(self.home.reduced_forms, self.active, row, names, zero)

    def facts(self, *, full: bool = False) -> CellFacts:
        """The facts that take time to find, with boundedness and a point inside if it is to be ``full``."""
        cells = map(self.neighbour, range(len(self._facet_rows)))
        return CellFacts(
            tuple(self._rows[row][0] for row in self._facet_rows),
            tuple(None if cell is None else cell.active for cell in cells),
            self.bounded if full else None,
            self._reduced_point if full else None,
        )

    def adopt(self, facts: CellFacts, *, recorded: bool = True) -> None:
        """Take what another process, or an earlier run, has found out about this cell.

        Parameters
        ----------
        facts : CellFacts
        recorded : bool
            Whether they come from a file, and are compared with the units of this cell first.

        Raises
        ------
        NetworkError
            The facets are none of this cell.
        """
        if recorded:
            self.__dict__["_facet_rows"] = self._rows_of(facts.facets)
        self.__dict__["_told"] = facts.facets
        self.__dict__["_beyond"] = dict(enumerate(facts.beyond))
        if facts.bounded is not None:
            self.__dict__["bounded"] = facts.bounded
        if facts.point is not None:
            self.__dict__["_reduced_point"] = facts.point
        if facts.note is not None:
            self.__dict__["note"] = facts.note

    def neighbours(self) -> tuple[LocalCell, ...]:
        """The cells across the facets, in their order; facets on the boundary of the domain have none."""
        found = map(self.neighbour, range(self.facet_count))
        return tuple(cell for cell in found if cell is not None)


def walls_of(network: Network, domain: Polyhedron | None) -> tuple[Row, ...]:
    """The facets of a domain, after it has been checked.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.
    """
    if domain is None:
        return ()
    if domain.dim != network.input_dim:
        raise NetworkError(f"the domain has {counted(domain.dim, 'coordinate')}, the network reads {network.input_dim}")
    if not domain.is_full_dimensional():
        raise NetworkError("the domain has no interior; to explore a plane give it as a slice instead")
    return domain.irredundant().inequalities


__all__ = ["CellFacts", "LocalCell", "LocalCells"]
