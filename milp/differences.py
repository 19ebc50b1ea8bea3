"""The greatest value of any output of a network on a domain that may be unbounded: a number, or infinity with a ray.

On bounded domains by few cells, then on the part that boxes do not exclude by all cells, or by branching for each
output (`milp.exact`). On others every cell is looked at with
its exact vertices and rays: the value is infinite where an output grows along a ray.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from flint import fmpq

from milp.bounding import network_bounds
from milp.bounds import OutOfRange
from milp.branching import SearchResult
from milp.by_cells import greatest_by_cells
from milp.cell_batches import exact_cells
from milp.choice import boxes_can_win, cells_can_win
from milp.domain import BoundedDomain, OutOfTime, bounded
from milp.exact import search_exactly
from milp.narrowing import NOTHING_FOUND, narrow
from milp.solvers import third_of, time_left
from nn_bridge.network.joint import combined
from nn_bridge.network.network import Network, Row
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO

_FIRST_CELLS, _FIRST_INPUTS = 4000, 4
"""So many cells of networks with so few inputs are listed before boxes are looked at."""
_HOPELESS = 8.0
"""Where bounds are so many times the difference found, as of networks that are nearly the same, boxes are no use."""


@dataclass(frozen=True, slots=True)
class Greatest:
    """The greatest value of any output.

    Attributes
    ----------
    value : fmpq or None
        Reached at ``point``; None where the value is infinite, or no point was found in time.
    point : tuple of fmpq or None
    ray : tuple of fmpq or None
        Along it, from ``point``, an output grows for ever.
    bound : fmpq or None
        Proved: no value is greater; None where none is known.
    proven : bool
        Whether the value is the greatest one, or infinite.
    reason : str or None
    """

    value: fmpq | None
    point: Row | None
    ray: Row | None
    bound: fmpq | None
    proven: bool
    reason: str | None = None

    @property
    def infinite(self) -> bool:
        """Whether there is no greatest value."""
        return self.ray is not None


def greatest_value(
    network: Network, domain: Polyhedron | None, *, stop_above: fmpq | None = None, deadline: float | None = None
) -> Greatest:
    """The greatest value of any output on a full-dimensional domain (None: all of R^n).

    Parameters
    ----------
    network : Network
    domain : Polyhedron or None
    stop_above : fmpq, optional
        Only decide whether a value is above this: end at the first one.
    deadline : float, optional
        A value of ``time.monotonic``.
    """
    if domain is None or not domain.is_bounded():
        return _on_all_cells(network, domain, stop_above, deadline)
    region = bounded(domain, network.input_dim, deadline)
    found = Greatest(None, None, None, None, False, "time limit")
    if stop_above is None and boxes_can_win(region):
        first = NOTHING_FOUND
        if cells_can_win(region) and region.dim <= _FIRST_INPUTS:
            first = greatest_by_cells(network, region, deadline=deadline, max_cells=_FIRST_CELLS)
            if first.proven:
                return Greatest(first.value, first.point, None, first.bound, True)
        best, rest = _narrowed(network, region, first, deadline)
        if rest is None:
            return Greatest(best.value, best.point, None, best.value, True)
        found, region = replace(found, value=best.value, point=best.point), rest
    return _best_of(found, _on_a_region(network, region, found, stop_above, deadline))


def _best_of(one: Greatest, two: Greatest) -> Greatest:
    """The second answer, or the first where it has the greater value: nothing else is greater than that."""
    if one.value is None or one.point is None or (two.value is not None and two.value >= one.value):
        return two
    bound = None if two.bound is None else max(two.bound, one.value)
    return replace(two, value=one.value, point=one.point, bound=bound)


def _narrowed(
    network: Network, region: BoundedDomain, best: SearchResult, deadline: float | None
) -> tuple[SearchResult, BoundedDomain | None]:
    """The best point of a look at boxes, and a box that holds all greater values; None: there are none."""
    left: list[BoundedDomain] = []
    for row in range(network.output_dim):
        now = time.monotonic()
        share = None if deadline is None else now + 0.3 * (deadline - now) / network.output_dim
        question = combined(network, [tuple(ONE if k == row else ZERO for k in range(network.output_dim))])
        narrowed = narrow(question, region, share, best=best, hopeless=_HOPELESS)
        best = narrowed.found
        if not best.proven:
            left.append(narrowed.region)
        best = replace(best, proven=False)
    if not left:
        return best, None
    low = [min(each.lower[j] for each in left) for j in range(region.dim)]
    high = [max(each.upper[j] for each in left) for j in range(region.dim)]
    if low == list(region.lower) and high == list(region.upper):
        return best, region
    return best, bounded(Polyhedron.box(low, high), region.dim)


def _on_a_region(
    network: Network, region: BoundedDomain, found: Greatest, stop_above: fmpq | None, deadline: float | None
) -> Greatest:
    """By all cells, or by branching."""
    if cells_can_win(region):
        now = time.monotonic()
        share = None if deadline is None else now + 0.6 * (deadline - now)
        result = greatest_by_cells(network, region, deadline=share)
        found = _best_of(found, Greatest(result.value, result.point, None, result.bound, result.proven, "time limit"))
        if found.proven or _above(found.value, stop_above):
            return found
    return _by_branching(network, region, found, stop_above, deadline)


def _above(value: fmpq | None, stop: fmpq | None) -> bool:
    return stop is not None and value is not None and bool(value > stop)


def _by_branching(
    network: Network, region: BoundedDomain, found: Greatest, stop_above: fmpq | None, deadline: float | None
) -> Greatest:
    """Each output in turn, with its share of the time."""
    value, point = found.value, found.point
    top: fmpq | None = None
    try:
        known = network_bounds(network, region, "lp", time_limit=third_of(deadline))
    except OutOfTime as error:
        return Greatest(value, point, None, None, False, str(error))
    except OutOfRange as error:
        if not cells_can_win(region):
            raise
        return Greatest(value, point, None, None, False, str(error))
    complete = True
    for row in range(network.output_dim):
        left = time_left(deadline)
        if deadline is not None and time.monotonic() > deadline:
            complete = False
            break
        share = None if left is None else time.monotonic() + left / (network.output_dim - row)

        def search(
            start: Row | None, threshold: fmpq | None, row: int = row, share: float | None = share
        ) -> SearchResult:
            return search_exactly(
                network,
                region,
                known,
                network.output,
                row,
                start=start,
                threshold=threshold,
                node_limit=10**9,
                deadline=share,
            )[0]

        threshold = value if stop_above is None else stop_above
        result = search(point, threshold)
        if result.value is not None and (value is None or result.value > value):
            value, point = result.value, result.point
            if _above(value, stop_above):
                return Greatest(value, point, None, None, False)
            if threshold is not None and result.value > threshold:
                result = search(point, None)  # the first point above the threshold need not be the best one
                if result.value is not None and result.value > value:
                    value, point = result.value, result.point
        if result.bound is None:
            complete = False
        else:
            top = result.bound if top is None else max(top, result.bound)
    if not complete or top is None or value is None:
        return Greatest(value, point, None, None, False, "time limit")
    top = max(top, value)
    return Greatest(value, point, None, top, top == value, None if top == value else "time limit")


def _on_all_cells(
    network: Network, domain: Polyhedron | None, stop_above: fmpq | None, deadline: float | None
) -> Greatest:
    best: fmpq | None = None
    at: Row | None = None
    try:
        for cell in exact_cells(network, domain, deadline):
            forms = network.affine_forms(cell.pattern)[-1]
            generators = cell.generators
            start = generators.vertices[0]
            both = [*generators.lines, *(tuple(-v for v in line) for line in generators.lines)]
            for *a, b in forms:
                for ray in (*generators.rays, *both):
                    if _dot(a, ray) > 0:
                        return Greatest(None, start, ray, None, True)
                for vertex in generators.vertices:
                    value = _dot(a, vertex) + b
                    if best is None or value > best:
                        best, at = value, vertex
            if _above(best, stop_above):
                return Greatest(best, at, None, None, False, None)
    except (OutOfTime, FormulationError) as error:
        return Greatest(best, at, None, None, False, str(error))
    return Greatest(best, at, None, best, True)


def _dot(row: list[fmpq], point: Row) -> fmpq:
    return sum((a * v for a, v in zip(row, point, strict=True)), ZERO)
