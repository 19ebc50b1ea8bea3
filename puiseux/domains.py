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

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flint import fmpq, fmpq_mat

from nn_bridge.network.network import Matrix, Network
from polyhedra.errors import GeometryError, UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, rationals

WHOLE_SPACE = "all"
_KINDS = "all, box:LO,HI, box:LO1,HI1;LO2,HI2;..., polyhedron:FILE, slice:FILE"
_MAX_FILE = 50_000_000  # bytes; a domain larger than this is an accident


@dataclass(frozen=True, slots=True)
class Problem:
    """A network (already restricted, for a slice), the domain to look at (None: all of R^n), and its name.

    For a slice ``directions`` has a row for each input and a column for each parameter.
    """

    network: Network
    domain: Polyhedron | None
    text: str
    directions: Matrix | None = None


def pose(network: Network, domain: str | Polyhedron | None = None) -> Problem:
    """The problem that a network and a domain pose.

    Parameters
    ----------
    network : Network
    domain : str, Polyhedron or None
        Text as on the command line, a polyhedron of the network's input dimension, or None for all of R^n.

    Raises
    ------
    UsageError
        The domain cannot be read, is empty or not full-dimensional, or does not fit the network.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0]]])
    >>> pose(net, "box:-1,1").text
    'box:-1,1'
    """
    if domain is None:
        return Problem(network, None, WHOLE_SPACE)
    if isinstance(domain, Polyhedron):
        return Problem(network, _checked(domain, network, "the domain"), "polyhedron")
    if not isinstance(domain, str):
        raise UsageError(
            f"a domain is text ({_KINDS}), a Polyhedron or None, not {type(domain).__name__}; "
            "a box is 'box:-1,1;0,2' or Polyhedron.box([-1, 0], [1, 2])"
        )
    kind, colon, rest = domain.strip().partition(":")
    if kind == WHOLE_SPACE and not colon:
        return Problem(network, None, WHOLE_SPACE)
    if kind == "box" and rest:
        return Problem(network, _box(rest, network.input_dim, f"domain {domain!r}"), domain.strip())
    if kind == "polyhedron" and rest:
        return Problem(network, _read_polyhedron(rest, network), domain.strip())
    if kind == "slice" and rest:
        restricted, bounds, directions = _read_slice(rest, network)
        return Problem(restricted, bounds, domain.strip(), directions)
    raise UsageError(f"domain {domain!r} is none of {_KINDS}")


# -------------------------------------------------------------------- boxes


def _box(text: str, dim: int, place: str) -> Polyhedron:
    intervals = [_interval(part, place) for part in text.split(";")]
    if len(intervals) == 1:
        intervals *= dim
    if len(intervals) != dim:
        raise UsageError(f"{place} has {len(intervals)} intervals, the network reads {dim} inputs; give one or {dim}")
    return Polyhedron.box([low for low, _ in intervals], [high for _, high in intervals])


def _interval(text: str, place: str) -> tuple[fmpq, fmpq]:
    ends = text.split(",")
    if len(ends) != 2:
        raise UsageError(f"{place}: {text!r} is not an interval; write LO,HI such as -1,1")
    try:
        low, high = rationals(ends)
    except GeometryError as error:
        raise UsageError(f"{place}: {error}") from None
    if not low < high:
        raise UsageError(f"{place}: {text!r} is empty or a point; LO must be smaller than HI")
    return low, high


# -------------------------------------------------------------------- files


def _read_object(name: str, form: str, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, Any]:
    try:
        path = Path(name)
        if path.stat().st_size > _MAX_FILE:
            raise UsageError(f"{name}: larger than {_MAX_FILE // 1_000_000} MB, too large for a domain")
        # decimals stay text on the way in, so that 0.1 means 1/10
        content = json.loads(path.read_bytes(), parse_float=str, parse_int=str, parse_constant=str)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name}: is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != form:
        raise UsageError(f'{name}: is not a {form} file; it must be an object with "format": "{form}", "version": 1')
    if content.get("version") != "1":
        raise UsageError(f"{name}: version {content.get('version')} of {form} is not known here; this release reads 1")
    keys = set(content) - {"format", "version"}
    for key in required:
        if key not in keys:
            raise UsageError(f'{name}: has no entry "{key}"')
    if unknown := sorted(keys - {*required, *optional}):
        raise UsageError(f'{name}: has an unknown entry "{unknown[0]}"')
    return content


def _vector(value: Any, place: str) -> tuple[fmpq, ...]:
    if not isinstance(value, list):
        raise UsageError(f"{place}: is not a list of numbers")
    result = []
    for index, entry in enumerate(value):
        try:
            if not isinstance(entry, str):
                raise GeometryError(f"{json.dumps(entry)} is not a number")
            result.append(rational(entry))
        except GeometryError as error:
            raise UsageError(f"{place}, entry {index}: {error}") from None
    return tuple(result)


def _matrix(value: Any, columns: int, place: str) -> list[tuple[fmpq, ...]]:
    if not isinstance(value, list) or not value:
        raise UsageError(f"{place}: is not a list of rows")
    rows = [_vector(row, f"{place}, row {index}") for index, row in enumerate(value)]
    for index, row in enumerate(rows):
        if len(row) != columns:
            raise UsageError(f"{place}, row {index}: has {len(row)} numbers, the network reads {columns} inputs")
    return rows


def _read_polyhedron(name: str, network: Network) -> Polyhedron:
    content = _read_object(name, "puiseux-polyhedron", ("A", "b"))
    rows = _matrix(content["A"], network.input_dim, f'{name}: "A"')
    bounds = _vector(content["b"], f'{name}: "b"')
    if len(rows) != len(bounds):
        raise UsageError(f'{name}: "A" has {len(rows)} rows, "b" has {len(bounds)} entries')
    return _checked(Polyhedron(rows, bounds), network, name)


def _read_slice(name: str, network: Network) -> tuple[Network, Polyhedron | None, Matrix]:
    content = _read_object(name, "puiseux-slice", ("origin", "directions"), ("domain",))
    origin = _vector(content["origin"], f'{name}: "origin"')
    if len(origin) != network.input_dim:
        raise UsageError(f'{name}: "origin" has {len(origin)} numbers, the network reads {network.input_dim} inputs')
    directions = _matrix(content["directions"], network.input_dim, f'{name}: "directions"')
    if fmpq_mat([list(row) for row in directions]).rank() < len(directions):
        raise UsageError(f'{name}: the rows of "directions" are linearly dependent; leave out those that add nothing')
    bounds = content.get("domain", WHOLE_SPACE)
    place = f'{name}: "domain" {bounds!r}'
    columns = tuple(zip(*directions, strict=True))
    restricted = network.restrict_to(columns, origin)
    if bounds == WHOLE_SPACE:
        return restricted, None, columns
    if not isinstance(bounds, str) or not bounds.startswith("box:"):
        raise UsageError(f"{place} is neither all nor a box:LO,HI in the parameters of the slice")
    return restricted, _box(bounds.removeprefix("box:"), len(directions), place), columns


def _checked(domain: Polyhedron, network: Network, place: str) -> Polyhedron:
    if domain.dim != network.input_dim:
        raise UsageError(f"{place} lies in R^{domain.dim}, the network reads {network.input_dim} inputs")
    if domain.is_full_dimensional():
        return domain
    if domain.is_empty():
        raise UsageError(f"{place} is empty: no point satisfies all its rows")
    raise UsageError(
        f"{place} has dimension {domain.dimension()} in R^{domain.dim}, so it holds no full-dimensional cell; "
        "count on its affine hull with slice:FILE"
    )
