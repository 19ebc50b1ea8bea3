"""The exact maximum of a row over a domain: by branching and by all cells, in the order that `milp.choice` gives."""

from __future__ import annotations

import time
from dataclasses import replace

from flint import fmpq

from milp.bounds import Bounds, OutOfRange
from milp.branching import SearchResult, search_maximum
from milp.by_cells import maximum_by_cells
from milp.choice import BRANCHING, CELLS, FIRST_NODES, cells_can_win, order_of_methods
from milp.domain import BoundedDomain
from nn_bridge.network.network import AffineStage, Network, Row


def search_exactly(
    network: Network,
    region: BoundedDomain,
    bounds: Bounds,
    stage: AffineStage,
    index: int = 0,
    sign: int = 1,
    *,
    start: Row | None = None,
    threshold: fmpq | None = None,
    node_limit: int = 100_000,
    deadline: float | None = None,
) -> tuple[SearchResult, str]:
    """Maximise sign * (row ``index`` of an affine stage) over the domain, exactly; also by which method it ended.

    Arguments as in `milp.branching.search_maximum`. Cells have half of the time that is left when their turn comes.
    """
    merged: SearchResult | None = None
    method = BRANCHING
    for method, nodes in order_of_methods(region, bounds):
        if merged is not None and deadline is not None and time.monotonic() > deadline:
            break
        if method == BRANCHING:
            try:
                result = search_maximum(
                    network,
                    region,
                    bounds,
                    stage,
                    index,
                    sign,
                    start=start if merged is None else merged.point,
                    threshold=threshold,
                    node_limit=node_limit if nodes is None else min(nodes, node_limit),
                    deadline=deadline,
                )
            except OutOfRange:  # weights that floats cannot hold: only the cells have an exact way around them
                if not cells_can_win(region):
                    raise
                return maximum_by_cells(network, region, stage, index, sign, deadline=deadline), CELLS
        elif node_limit >= FIRST_NODES:
            now = time.monotonic()
            half = None if deadline is None else now + 0.5 * (deadline - now)
            result = maximum_by_cells(network, region, stage, index, sign, deadline=half)
        else:
            continue
        merged = result if merged is None else better(merged, result)
        above = threshold is not None and merged.value is not None and merged.value > threshold
        if merged.proven or above:
            break
    assert merged is not None
    return merged, method


def better(first: SearchResult, second: SearchResult) -> SearchResult:
    """Combine two searches for one maximum, of which the second was made where the first left it open.

    The best point of either; the second bound holds where the first found nothing better.
    """
    values = [(r.value, r.point) for r in (first, second) if r.value is not None]
    value, point = max(values, key=lambda pair: pair[0], default=(None, None))
    bound = second.bound
    if bound is not None and value is not None:
        bound = max(bound, value)
    if first.bound is not None:
        bound = first.bound if bound is None else min(first.bound, bound)
    proven = second.proven or (bound is not None and bound == value)
    return replace(second, value=value, point=point, bound=bound, nodes=first.nodes + second.nodes, proven=proven)
