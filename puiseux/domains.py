"""Domains as a user writes them: text or a file becomes the network and the polyhedron to count on.

* ``all``: all of R^n;
* ``box:LO,HI``: the same interval for every coordinate; ``box:LO1,HI1;LO2,HI2;...``: one each;
* ``polyhedron:FILE``: ``{"format": "puiseux-polyhedron", "version": 1, "A": [[...], ...], "b": [...]}``, the points
  with ``A x <= b``;
* ``slice:FILE``: ``{"format": "puiseux-slice", "version": 1, "origin": [...], "directions": [[...], ...]}``, the points
  ``origin + t_1 directions[0] + t_2 directions[1] + ...``; an entry ``"domain"`` (``all`` or a box, in the
  parameters ``t``) bounds it.

Numbers are exact decimals here, in the files too: 0.1 is 1/10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from flint import fmpq, fmpq_mat

from nn_bridge.network.network import Matrix, Network
from polyhedra.box_pairs import intervals_of_box
from polyhedra.box_text import box_intervals
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import to_text
from puiseux.domain_files import DomainFile

DomainLike: TypeAlias = str | Polyhedron | tuple[Any, Any] | Sequence[Any] | np.ndarray | None
"""A domain as every public function takes it."""

WHOLE_SPACE = "all"
_KINDS = "all, box:LO,HI, box:LO1,HI1;LO2,HI2;..., polyhedron:FILE, slice:FILE"
_EASY = 2000  # numbers in the rows of a domain; whether a larger one is empty or only flat can take long to tell


@dataclass(frozen=True, slots=True)
class Problem:
    """A network (already restricted, for a slice), the domain to look at (None: all of R^n), and its name.

    For a slice ``directions`` has a row for each input and a column for each parameter.
    """

    network: Network
    domain: Polyhedron | None
    text: str
    directions: Matrix | None = None


def pose(network: Network, domain: DomainLike = None) -> Problem:
    """The problem that a network and a domain pose.

    Parameters
    ----------
    network : Network
    domain : str, Polyhedron, intervals or None
        Text as on the command line, a polyhedron of the network's input dimension, a box, or None for all of R^n.  A
        box is one interval ``(low, high)`` for all inputs, a list (or an array) of one interval for each input, or a
        tuple ``(low, high)`` of two lists or arrays with one number for each input.

    Raises
    ------
    UsageError
        The domain cannot be read, is empty or not full-dimensional, or does not fit the network.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0]]])
    >>> pose(net, "box:-1,1").text
    'box:-1,1'
    >>> [pose(net, box).text for box in ((-1, np.array([1, 2])), [(-1, 1), (-1, 2)])]
    ['box:-1,1;-1,2', 'box:-1,1;-1,2']
    """
    if domain is None:
        return Problem(network, None, WHOLE_SPACE)
    if isinstance(domain, Polyhedron):
        return Problem(network, _checked(domain, network, "the domain"), "polyhedron")
    if not isinstance(domain, str):
        if not hasattr(domain, "__iter__"):
            raise UsageError(
                f"a domain is text ({_KINDS}), a Polyhedron, intervals or None, not {type(domain).__name__}; "
                "a box is 'box:-1,1;0,2' or Polyhedron.box([-1, 0], [1, 2])"
            )
        intervals = intervals_of(domain, network.input_dim, "a domain")
        text = ";".join(f"{to_text(low)},{to_text(high)}" for low, high in intervals)
        return Problem(network, box_of(intervals), f"box:{text}")
    kind, colon, rest = domain.strip().partition(":")
    if kind == WHOLE_SPACE and not colon:
        return Problem(network, None, WHOLE_SPACE)
    if kind == "box" and rest:
        return Problem(network, _box(rest, network.input_dim, f"domain {quoted(domain)}"), domain.strip())
    if kind == "polyhedron" and rest:
        return Problem(network, _read_polyhedron(rest, network), domain.strip())
    if kind == "slice" and rest:
        restricted, bounds, directions = _read_slice(rest, network)
        return Problem(restricted, bounds, domain.strip(), directions)
    raise UsageError(f"domain {quoted(domain)} is none of {_KINDS}")


# -------------------------------------------------------------------- boxes


def _box(text: str, dim: int, place: str) -> Polyhedron:
    return box_of(box_intervals(text, dim, place))


def box_of(intervals: Sequence[tuple[fmpq, fmpq]]) -> Polyhedron:
    """The box with one interval for each coordinate."""
    return Polyhedron.box([low for low, _ in intervals], [high for _, high in intervals])


def intervals_of(value: Any, dim: int, name: str) -> tuple[tuple[fmpq, fmpq], ...]:
    """A box as Python programs give it: (low, high) for all coordinates, a pair for each, or arrays (low, high).

    `polyhedra.box_pairs.intervals_of_box` says how they are told apart.

    Examples
    --------
    >>> intervals_of([-1, "1/2"], 2, "a window")
    ((-1, 1/2), (-1, 1/2))
    """
    try:
        return intervals_of_box(value, dim)
    except PuiseuxError as error:
        raise UsageError(
            f"{name} is one interval (low, high) with low < high for all inputs, one for each of the {dim}, or "
            f"([low, ..], [high, ..]), not {shown(value)} ({shown(error, 200)})"
        ) from None


# -------------------------------------------------------------------- files


def _read_polyhedron(name: str, network: Network) -> Polyhedron:
    file = DomainFile(name, "puiseux-polyhedron", ("A", "b"))
    rows, bounds = file.matrix("A", network.input_dim), file.vector("b")
    if len(rows) != len(bounds):
        raise UsageError(
            f'{file.place}: "A" has {counted(len(rows), "row")}, "b" has {counted(len(bounds), "entry", "entries")}'
        )
    return _checked(Polyhedron(rows, bounds), network, file.place)


def _read_slice(name: str, network: Network) -> tuple[Network, Polyhedron | None, Matrix]:
    file = DomainFile(name, "puiseux-slice", ("origin", "directions"), ("domain",))
    origin = file.vector("origin")
    if len(origin) != network.input_dim:
        raise UsageError(
            f'{file.place}: "origin" has {counted(len(origin), "number")}, the network reads '
            f"{counted(network.input_dim, 'input')}"
        )
    directions = file.matrix("directions", network.input_dim)
    if len(directions) > network.input_dim or fmpq_mat([list(row) for row in directions]).rank() < len(directions):
        raise UsageError(
            f'{file.place}: the rows of "directions" are linearly dependent; leave out those that add nothing'
        )
    bounds = file.content.get("domain", WHOLE_SPACE)
    place = f'{file.place}: "domain" {quoted(bounds)}'
    columns = tuple(zip(*directions, strict=True))
    restricted = network.restrict_to(columns, origin)
    if bounds == WHOLE_SPACE:
        return restricted, None, columns
    if not isinstance(bounds, str) or not bounds.startswith("box:"):
        raise UsageError(f"{place} is neither all nor a box:LO,HI in the parameters of the slice")
    return restricted, _box(bounds.removeprefix("box:"), len(directions), place), columns


def _checked(domain: Polyhedron, network: Network, place: str) -> Polyhedron:
    if domain.dim != network.input_dim:
        raise UsageError(f"{place} lies in R^{domain.dim}, the network reads {counted(network.input_dim, 'input')}")
    if domain.is_full_dimensional():
        return domain
    if len(domain.inequalities) * domain.dim > _EASY:
        raise UsageError(
            f"{place} is empty or flat: there is no full-dimensional cell in it; check its rows, or count on its "
            "affine hull with slice:FILE"
        )
    if domain.is_empty():
        raise UsageError(f"{place} is empty: no point satisfies all its rows")
    raise UsageError(
        f"{place} has dimension {domain.dimension()} in R^{domain.dim}, so it holds no full-dimensional cell; "
        "count on its affine hull with slice:FILE"
    )
