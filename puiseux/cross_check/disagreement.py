"""Where counters disagree: a cell that some have and others lack, or a sub-box on which the numbers differ.

What is claimed about a cell here rests on no counting route: a pattern has a full-dimensional cell iff the linear
system of its units has interior points, which a certified linear program decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Network, Pattern, Row
from nn_bridge.region_count import Count
from polyhedra.bounding_box import bounding_box
from polyhedra.errors import UsageError
from polyhedra.linear_program import InteriorPoint, interior_of
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO, primitive, to_text
from polyhedra.system import IntegerRow, System, without_zero_rows
from polyhedra.values import Value

CountsOn = Callable[[Polyhedron], dict[str, int | None]]
"""The counts of one oracle on a part of the domain."""

_HALVINGS = 60
_MOST_BITS = 64  # behind the point of a rounded coordinate
_FEW = 12  # cells of a box that are looked at one by one
_RADII = (1, 16, 256, 4096, 65536)  # of the boxes around the origin that are tried in an unbounded domain


@dataclass(frozen=True, slots=True)
class Claim:
    """The counts and patterns of one counter.

    Attributes
    ----------
    name : str
    counts : dict
        By definition; None where it gives no number.
    lower_bound : bool
        Whether its numbers and cells are only those met so far.
    patterns : tuple of str or None
        The pattern of each cell it counted, where it names them.
    """

    name: str
    counts: dict[str, int | None]
    lower_bound: bool = False
    patterns: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Witness(Value):
    """The first disagreement found, as narrowly as it could be pinned down.

    Attributes
    ----------
    what : str
        The disagreement in words.
    point : tuple of rationals or None
        A point strictly inside the cell in question; None where there is no single cell, or no input has the pattern.
    pattern : str or None
        The activation pattern of the cell, ``"0110|01"``.
    found_by, missed_by : tuples of str
        Who has the cell (or the larger number) and who has not.
    domain : str
        Where: the domain of the check, or the box within it to which the disagreement was narrowed down.
    remark : str or None
        What else is striking, such as a counter that has the same numbers on every box.
    """

    what: str
    point: Row | None
    pattern: str | None
    found_by: tuple[str, ...]
    missed_by: tuple[str, ...]
    domain: str
    remark: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Exact numbers as text."""
        return {
            "what": self.what,
            "point": None if self.point is None else [to_text(v) for v in self.point],
            "pattern": self.pattern,
            "found_by": list(self.found_by),
            "missed_by": list(self.missed_by),
            "domain": self.domain,
            **({} if self.remark is None else {"remark": self.remark}),
        }


# ---------------------------------------------------------------- patterns


def pattern_text(pattern: Any, network: Network) -> str:
    """A pattern as text, ``"0110|01"``, from text or from one sequence of bits a stage.

    Raises
    ------
    UsageError
        It does not have the network's shape.
    """
    if isinstance(pattern, str):
        text = pattern
    else:
        try:
            text = "|".join("".join("1" if bit else "0" for bit in stage) for stage in pattern)
        except TypeError:
            text = repr(pattern)
    stages = text.split("|") if network.hidden else []
    if tuple(map(len, stages)) != network.hidden or set(text) - set("01|"):
        sizes = ", ".join(map(str, network.hidden)) or "none"
        raise UsageError(
            f"{quoted(text, 40)} is no activation pattern of a network with hidden sizes {sizes}; write 0110|01"
        )
    return text


def point_with(network: Network, text: str, domain: Polyhedron | None = None) -> Row | None:
    """A point strictly inside the full-dimensional cell of a pattern, or None where that is proven to be empty.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
    >>> net.pattern(point_with(net, "10"))
    ((True, False),)
    """
    rows = _rows(text, network, domain)
    if rows is None:
        return None
    answer = interior_of(System.of_integer_rows(rows, 0, network.input_dim))
    return _short(answer.point, rows) if isinstance(answer, InteriorPoint) else None


def _short(point: Row, rows: list[IntegerRow]) -> Row:
    """A point near by with few binary digits that satisfies the rows strictly as well, else the point itself."""
    for bits in range(0, _MOST_BITS, 2):
        rounded = tuple(fmpq(round(v * 2**bits), 2**bits) for v in point)
        if all(_dot(a, rounded) < b for *a, b in rows):
            return rounded
    return point


def _rows(text: str, network: Network, domain: Polyhedron | None) -> list[IntegerRow] | None:
    """The rows (a, b), meaning a . x <= b, of the cell of a pattern; None where a constant unit contradicts it."""
    pattern = _pattern(text, network)
    rows = [] if domain is None else without_zero_rows(domain.system.rows())
    for bits, forms in zip(pattern, network.affine_forms(pattern), strict=False):
        for active, (*slope, constant) in zip(bits, forms, strict=True):
            if any(slope):
                rows.append(primitive([*(-v for v in slope), constant] if active else [*slope, -constant]))
            elif active != (constant > 0):
                return None
    return rows


def _pattern(text: str, network: Network) -> Pattern:
    return tuple(tuple(bit == "1" for bit in stage) for stage in text.split("|")) if network.hidden else ()


# ---------------------------------------------------------------- the first disagreement


def disagreement(
    claims: Sequence[Claim], network: Network, domain: Polyhedron | None, domain_text: str
) -> Witness | None:
    """The first disagreement among claims, or None where they are compatible.

    Cells are compared where the claims name them, which shows more than the numbers: of two counters, one may drop a
    cell and count another twice.

    Parameters
    ----------
    claims : sequence of Claim
    network, domain : what was counted
    domain_text : str
        The name of the domain.
    """
    return (
        _named_twice(claims, network, domain, domain_text)
        or _cell_not_shared(claims, network, domain, domain_text)
        or _names_and_number(claims, domain_text)
        or _numbers(claims, domain_text)
    )


def _named_twice(claims: Sequence[Claim], network: Network, domain: Polyhedron | None, where: str) -> Witness | None:
    for claim in claims:
        repeated = sorted(text for text, times in Counter(claim.patterns or ()).items() if times > 1)
        if repeated:
            others = tuple(other.name for other in claims if other is not claim and other.patterns is not None)
            what = f"{claim.name} names the cell {repeated[0]} more than once"
            return Witness(what, point_with(network, repeated[0], domain), repeated[0], (claim.name,), others, where)
    return None


def _cell_not_shared(
    claims: Sequence[Claim], network: Network, domain: Polyhedron | None, where: str
) -> Witness | None:
    named = [(claim, frozenset(claim.patterns)) for claim in claims if claim.patterns is not None]
    whole = [cells for claim, cells in named if not claim.lower_bound]
    if not whole:
        return None
    disputed = sorted(frozenset().union(*(cells for _, cells in named)) - frozenset.intersection(*whole))
    empty: str | None = None
    for text in disputed:
        point = point_with(network, text, domain)
        missed = tuple(claim.name for claim, cells in named if text not in cells and not claim.lower_bound)
        found = tuple(claim.name for claim, cells in named if text in cells)
        if point is not None:
            what = f"the cell {text} is missed by {_names(missed)} and found by {_names(found)}"
            return Witness(what, point, text, found, missed, where)
        # a sampled point may lie on a hyperplane, where its pattern need not be that of a full-dimensional cell
        if any(text in cells and not claim.lower_bound for claim, cells in named):
            empty = empty or text
    if empty is None:
        return None
    found = tuple(claim.name for claim, cells in named if empty in cells)
    missed = tuple(claim.name for claim, cells in named if empty not in cells and not claim.lower_bound)
    what = f"{_names(found)} counts {empty}, which is proven to have no interior"
    return Witness(what, None, empty, found, missed, where)


def _names_and_number(claims: Sequence[Claim], where: str) -> Witness | None:
    for claim in claims:
        cells = claim.counts["cells"]
        if claim.patterns is not None and cells is not None and len(claim.patterns) != cells:
            what = f"{claim.name} counts {counted(cells, 'cell')} and names {len(claim.patterns)}"
            return Witness(what, None, None, (), (claim.name,), where)
    return None


def _numbers(claims: Sequence[Claim], where: str) -> Witness | None:
    for key in Count:
        known = [(claim, value) for claim in claims if (value := claim.counts[key]) is not None]
        whole = [value for claim, value in known if not claim.lower_bound]
        if not whole:
            continue
        most = max(value for _, value in known)
        if len(set(whole)) > 1 or most > min(whole):
            said = ", ".join(
                f"{'at least ' if claim.lower_bound else ''}{value} by {claim.name}" for claim, value in known
            )
            more = tuple(claim.name for claim, value in known if value == most)
            fewer = tuple(claim.name for claim, value in known if value < most and not claim.lower_bound)
            return Witness(f"{key}: {said}", None, None, more, fewer, where)
    return None


def _names(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


# ---------------------------------------------------------------- narrowing down


def narrow(
    network: Network,
    domain: Polyhedron | None,
    names: tuple[str, str],
    one: CountsOn,
    other: CountsOn,
    cells: Callable[[Polyhedron], Iterable[str]] | None = None,
) -> Iterator[Witness]:
    """Boxes, each within the one before, on which the numbers of two counters differ.

    A box is halved across its longest side as long as the counters differ on one of the halves (they need not: a
    cell counted twice because of a wall of the whole domain is gone from both).  In a box of few cells a small box
    inside each of them is tried, where one is the right number; so the cell in question is found, with a point inside.

    Parameters
    ----------
    network, domain : what was counted
    names : pair of str
    one, other : callables
        Take a part of the domain and return the counts; the first is the one that is trusted more.
    cells : callable, optional
        The patterns that the first has in a part of the domain.
    """
    found = next(_differing(_first_boxes(network, domain), domain, one, other), None)
    for _ in range(_HALVINGS):
        if found is None:
            return
        box, part, difference = found
        yield _on_box(box, names, difference)
        key, number, _ = difference
        if cells is not None and key == "cells" and number <= _FEW:
            inside = _inside_cells(network, names, cells(part), part, one, other)
            if inside is not None:
                yield inside
                return
            cells = None  # once is enough
        found = min(_differing(_halves(box), domain, one, other), key=lambda half: half[2][1], default=None)


Box = tuple[tuple[fmpq, fmpq], ...]
Difference = tuple[str, int, int]


def _differing(
    boxes: Iterable[Box], domain: Polyhedron | None, one: CountsOn, other: CountsOn
) -> Iterator[tuple[Box, Polyhedron, Difference]]:
    """The boxes on which two counters differ, each with the part of the domain in it."""
    for box in boxes:
        part = _part(domain, box)
        difference = None if part is None else _difference(one, other, part)
        if part is not None and difference is not None:
            yield box, part, difference


def _first_boxes(network: Network, domain: Polyhedron | None) -> Iterator[Box]:
    around = None if domain is None else bounding_box(domain)
    if around is not None:
        yield around
        return
    for radius in _RADII:
        yield ((fmpq(-radius), fmpq(radius)),) * network.input_dim


def _part(domain: Polyhedron | None, box: Box) -> Polyhedron | None:
    """The part of the domain in a box; None where it has no interior."""
    inside = Polyhedron.box([low for low, _ in box], [high for _, high in box])
    if domain is None:
        return inside
    part = domain.intersection(inside).irredundant()
    return part if part.is_full_dimensional() else None


def _halves(box: Box) -> tuple[Box, Box]:
    axis = max(range(len(box)), key=lambda i: box[i][1] - box[i][0])
    low, high = box[axis]
    middle = (low + high) / 2
    before, after = box[:axis], box[axis + 1 :]
    return (*before, (low, middle), *after), (*before, (middle, high), *after)


def _difference(one: CountsOn, other: CountsOn, part: Polyhedron) -> Difference | None:
    """The first definition on which two counters differ there, and their numbers."""
    first, second = one(part), other(part)
    for key in Count:
        a, b = first[key], second[key]
        if a is not None and b is not None and a != b:
            return key, a, b
    return None


def _on_box(
    box: Box, names: tuple[str, str], difference: Difference, point: Row | None = None, pattern: str | None = None
) -> Witness:
    key, first, second = difference
    more, fewer = names if first > second else (names[1], names[0])
    where = "box:" + ";".join(f"{to_text(low)},{to_text(high)}" for low, high in box)
    what = f"{key} on {where}: {first} by {names[0]}, {second} by {names[1]}"
    return Witness(what, point, pattern, (more,), (fewer,), where)


def _inside_cells(
    network: Network, names: tuple[str, str], cells: Iterable[str], part: Polyhedron, one: CountsOn, other: CountsOn
) -> Witness | None:
    """The first cell inside which the counters differ."""
    for text in sorted(cells):
        rows = _rows(text, network, part)
        point = point_with(network, text, part)
        if rows is None or point is None:
            continue
        # within this distance, in every coordinate, no row is reached
        radius = min((b - _dot(a, point)) / sum(map(abs, a)) for *a, b in rows if any(a)) / 2
        box = tuple((x - radius, x + radius) for x in point)
        difference = _difference(one, other, Polyhedron.box([low for low, _ in box], [high for _, high in box]))
        if difference is not None:
            return _on_box(box, names, difference, point, text)
    return None


def _dot(slope: Sequence[int], point: Row) -> fmpq:
    return sum((a * x for a, x in zip(slope, point, strict=True)), ZERO)
