"""The greatest value of any output of a network on a domain that may be unbounded: a number, or infinity with a ray.

On bounded domains by all cells, or by branching for each output (`milp.exact`). On others every cell is looked at with
its exact vertices and rays: the value is infinite where an output grows along a ray.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from flint import fmpq

from milp.bounding import network_bounds
from milp.bounds import OutOfRange
from milp.branching import SearchResult
from milp.by_cells import greatest_by_cells
from milp.cell_batches import exact_cells
from milp.choice import cells_can_win
from milp.domain import BoundedDomain, OutOfTime, bounded
from milp.exact import search_exactly
from milp.solvers import third_of, time_left
from nn_bridge.network.network import Network, Row
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO


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
    if cells_can_win(region):
        now = time.monotonic()
        share = None if deadline is None else now + 0.6 * (deadline - now)
        result = greatest_by_cells(network, region, deadline=share)
        found = Greatest(result.value, result.point, None, result.bound, result.proven, "time limit")
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
