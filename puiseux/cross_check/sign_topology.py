"""A second route to the topology of a set: signs by linear programs, homology by chains of faces; naive and slow.

Every sign of every unit is tried, and whether some point has them is decided by a certified linear program.  One face
lies in the closure of another iff its signs are the other's or 0.  The order complex of the faces of a set, all chains
of them, has the homology of the set (McCord 1966), which is computed modulo 2 without any geometry.  Nothing here is
shared with `nn_bridge.cells` or `nn_bridge.topology` but the network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from polyhedra.limits import check_limits
from polyhedra.linear_program import Infeasible, maximize_over
from polyhedra.matrix import rank
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive
from polyhedra.system import IntegerRow, System

MOST_FACES = 400
"""Beyond so many faces the route gives up."""

_MOST_CHAINS = 200_000

Signs = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SignTopology:
    """The answer of this route.

    Attributes
    ----------
    betti : tuple of int
        Modulo 2, from degree 0.
    faces : tuple of int
        By dimension.
    """

    betti: tuple[int, ...]
    faces: tuple[int, ...]


def sign_topology(
    network: Network, domain: Polyhedron | None, holds: Callable[[tuple[int, ...]], bool]
) -> SignTopology:
    """Faces and Betti numbers modulo 2 of the set of the faces for which a condition holds.

    Parameters
    ----------
    network : Network
        Cut as it has to be (`puiseux.questions.input_sets.cut_network`).
    domain : Polyhedron or None
    holds : callable
        From the signs of the units of the last stage to whether the face lies in the set.

    Raises
    ------
    UsageError
        There are too many faces for it.

    Examples
    --------
    >>> absolute = Network.from_layers([[[1], [-1]], [[1, 1]], [[1]]], [[0, 0], [-1], [0]])
    >>> sign_topology(absolute, None, lambda signs: signs[0] >= 0)
    SignTopology(betti=(2, 0), faces=(2, 2))
    """
    last = network.stages[-1].units
    units = sum(network.hidden)
    members = []
    for number, (signs, dimension) in enumerate(faces_by_signs(network, domain)):
        if number == MOST_FACES:
            raise UsageError(f"there are more than {MOST_FACES} faces, too many for the naive route")
        if holds(signs[units - last : units]):
            members.append((signs, dimension))
    counts = Counter(dimension for _, dimension in members)
    faces = tuple(counts[k] for k in range(network.input_dim + 1))
    return SignTopology(_order_complex_betti(members, network.input_dim), faces)


def faces_by_signs(network: Network, domain: Polyhedron | None) -> Iterator[tuple[Signs, int]]:
    """The sign vectors of all faces (units, stage by stage, then walls of the domain), with their dimensions."""
    walls = [] if domain is None else [tuple(row) for row in domain.irredundant().inequalities]
    rows = [primitive(row) for row in walls]
    yield from _at_walls(network, rows, (), [], [])


def _at_walls(
    network: Network, rows: list[IntegerRow], on: Signs, equal: list[IntegerRow], strict: list[IntegerRow]
) -> Iterator[tuple[Signs, int]]:
    if len(on) == len(rows):
        yield from _extend(network, (), (), equal, strict, on)
        return
    row = rows[len(on)]
    for sign, zeros, inside in ((1, equal, [*strict, row]), (0, [*equal, row], strict)):
        if _solvable(zeros, inside, network.input_dim):
            yield from _at_walls(network, rows, (*on, sign), zeros, inside)


def _extend(
    network: Network,
    done: tuple[Signs, ...],
    signs: Signs,
    equal: list[IntegerRow],
    strict: list[IntegerRow],
    walls: Signs,
) -> Iterator[tuple[Signs, int]]:
    """The faces whose sign vectors begin so, where the rows (a, b) have a . x = b or a . x < b."""
    if len(done) == len(network.stages):
        matrix = tuple(tuple(map(ONE.__mul__, row[:-1])) for row in equal)
        yield (*(sign for stage in done for sign in stage), *walls), network.input_dim - (rank(matrix) if matrix else 0)
        return
    forms = network.affine_forms(tuple(tuple(sign > 0 for sign in stage) for stage in done))[-1]
    if len(signs) == len(forms):
        yield from _extend(network, (*done, signs), (), equal, strict, walls)
        return
    *slope, constant = forms[len(signs)]
    if not any(slope):
        sign = (constant > 0) - (constant < 0)
        yield from _extend(network, done, (*signs, sign), equal, strict, walls)
        return
    check_limits()
    above, below = primitive([*(-v for v in slope), constant]), primitive([*slope, -constant])
    for sign, zeros, inside in (
        (1, equal, [*strict, above]),
        (0, [*equal, below], strict),
        (-1, equal, [*strict, below]),
    ):
        if _solvable(zeros, inside, network.input_dim):
            yield from _extend(network, done, (*signs, sign), zeros, inside, walls)


def _solvable(equal: list[IntegerRow], strict: list[IntegerRow], dim: int) -> bool:
    """Whether some x has a . x = b in some rows (a, b) and a . x < b in the others.

    The largest t <= 1 with a . x + t <= b in the strict rows is positive iff there is one.
    """
    rows = [(*row[:-1], 0, row[-1]) for row in equal] + [(*row[:-1], 1, row[-1]) for row in strict]
    rows.append((*(0,) * dim, 1, 1))
    answer = maximize_over(System.of_integer_rows(rows, len(equal), dim + 1), [ZERO] * dim + [ONE])
    if isinstance(answer, Infeasible):
        return False
    value = getattr(answer, "value", None)
    assert value is not None, "t <= 1 bounds the objective"
    return bool(value > 0)


# -------------------------------------------------------------------- homology of chains of faces


def _order_complex_betti(members: list[tuple[Signs, int]], dim: int) -> tuple[int, ...]:
    members = sorted(members, key=lambda face: face[1])
    below = [
        [other for other, (theirs, _) in enumerate(members[:number]) if _in_closure(theirs, signs)]
        for number, (signs, _) in enumerate(members)
    ]
    ending: list[list[tuple[int, ...]]] = []
    for number, lower in enumerate(below):
        ending.append([(number,), *((*chain, number) for other in lower for chain in ending[other])])
    chains = [chain for found in ending for chain in found]
    if len(chains) > _MOST_CHAINS:
        raise UsageError(f"there are {len(chains):,} chains of faces, too many for the naive route")
    by_length = [[chain for chain in chains if len(chain) == length + 1] for length in range(dim + 2)]
    ranks = [0, *(_rank(map(_boundary, found)) for found in by_length[1:])]
    return tuple(len(by_length[k]) - ranks[k] - ranks[k + 1] for k in range(dim + 1))


def _in_closure(one: Signs, other: Signs) -> bool:
    return one != other and all(a in (0, b) for a, b in zip(one, other, strict=True))


def _boundary(chain: tuple[int, ...]) -> set[tuple[int, ...]]:
    return {chain[:k] + chain[k + 1 :] for k in range(len(chain))}


def _rank(columns: Iterable[set[tuple[int, ...]]]) -> int:
    """The rank modulo 2 of a matrix given by the rows that each column holds."""
    by_lowest: dict[tuple[int, ...], set[tuple[int, ...]]] = {}
    for column in columns:
        check_limits()
        while column and (lowest := max(column)) in by_lowest:
            column = column ^ by_lowest[lowest]
        if column:
            by_lowest[lowest] = column
    return len(by_lowest)


__all__ = ["MOST_FACES", "SignTopology", "faces_by_signs", "sign_topology"]
