"""Activation patterns of any dimension by linear programs, one for each sign; a unit is active iff it is positive."""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq

from nn_bridge.network.network import Matrix, Network, Pattern
from polyhedra.linear_program import Infeasible, maximize_over
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive
from polyhedra.system import IntegerRow, System


def patterns_of_any_dimension(network: Network, domain: Polyhedron | None = None) -> Iterator[Pattern]:
    """The patterns that some input of the domain has, also where these inputs fill no full-dimensional set.

    Every sign of every unit is tried and decided by a certified linear program, so this is for small networks.

    Examples
    --------
    >>> absolute = Network.from_layers([[[1], [-1]], [[1, 1]]])
    >>> sorted(patterns_of_any_dimension(absolute))
    [((False, False),), ((False, True),), ((True, False),)]
    """
    closed: list[IntegerRow] = [] if domain is None else list(domain.system.rows())
    yield from _extend(network, (), (), closed, [])


def _extend(
    network: Network, done: Pattern, bits: tuple[bool, ...], closed: list[IntegerRow], strict: list[IntegerRow]
) -> Iterator[Pattern]:
    """The patterns that begin so, where ``closed`` rows hold and ``strict`` ones hold strictly."""
    if len(done) == len(network.stages):
        yield done
        return
    forms: Matrix = network.affine_forms(done)[-1]
    if len(bits) == len(forms):
        yield from _extend(network, (*done, bits), (), closed, strict)
        return
    *slope, constant = forms[len(bits)]
    if not any(slope):
        yield from _extend(network, done, (*bits, constant > 0), closed, strict)
        return
    above, below = primitive([*(-v for v in slope), constant]), primitive([*slope, -constant])
    if _solvable(closed, [*strict, above], network.input_dim):
        yield from _extend(network, done, (*bits, True), closed, [*strict, above])
    if _solvable([*closed, below], strict, network.input_dim):
        yield from _extend(network, done, (*bits, False), [*closed, below], strict)


def _solvable(closed: list[IntegerRow], strict: list[IntegerRow], dim: int) -> bool:
    """Whether some x has a . x <= b for the closed rows (a, b) and a . x < b for the strict ones.

    The largest t <= 1 with a . x + t <= b in the strict rows is positive iff there is one.
    """
    rows = [(*row[:-1], 0, row[-1]) for row in closed]
    rows += [(*row[:-1], 1, row[-1]) for row in strict]
    rows.append((*(0,) * dim, 1, 1))
    objective: list[fmpq] = [ZERO] * dim + [ONE]
    answer = maximize_over(System.of_integer_rows(rows, 0, dim + 1), objective)
    if isinstance(answer, Infeasible):
        return False
    value = getattr(answer, "value", None)
    assert value is not None, "t <= 1 bounds the objective"
    return bool(value > 0)
