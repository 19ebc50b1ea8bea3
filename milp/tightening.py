"""Bounds tightened neuron by neuron: by the linear program of the relaxation, or by search for the exact range.

Stage by stage, because the relaxation of a stage uses the bounds of the stages before. Stable units keep the bounds
that they have: once the sign is proved, formulations gain nothing from more.
"""

from __future__ import annotations

import time
from functools import partial

from milp.bounds import Bounds, Stability
from milp.branching import search_maximum
from milp.domain import BoundedDomain
from milp.relaxation import Relaxation
from nn_bridge.network.network import Network
from polyhedra.progress import tell
from polyhedra.rounding import round_up


def tighten(
    network: Network, region: BoundedDomain, start: Bounds, *, node_limit: int, deadline: float | None
) -> Bounds:
    """Tighten valid bounds; never looser than they were.

    Parameters
    ----------
    network : Network
    region : BoundedDomain
    start : Bounds
        Valid on the region.
    node_limit : int
        Branch-and-bound nodes a neuron and side; 0 asks for the linear program only.
    deadline : float or None
        A value of ``time.monotonic``; the neurons whose turn comes later keep their bounds.
    """
    method = "milp" if node_limit else "lp"
    lower, upper = [list(row) for row in start.lower], [list(row) for row in start.upper]

    def current() -> Bounds:
        return Bounds(start.input, tuple(map(tuple, lower)), tuple(map(tuple, upper)), method, start.proven)

    for k, stage in enumerate((*network.stages, network.output)):
        if k == 0 and region.is_box:
            continue  # interval arithmetic is exact there
        known = current()
        is_output = k == len(network.stages)
        if deadline is not None and time.monotonic() > deadline:
            return current()
        relaxation = None if node_limit else Relaxation(network, region, known, stages=k)
        if relaxation is not None:
            relaxation.deadline = deadline
        for i in range(stage.units):
            if not is_output and known.stability(k, i) is not Stability.UNSTABLE:
                continue
            tell(partial("Tightening bounds: unit {} of {} in layer {}".format, i + 1, stage.units, k + 1))
            for sign in (1, -1):
                if deadline is not None and time.monotonic() > deadline:
                    return current()
                if relaxation is not None:
                    relaxation.set_objective(stage, i, sign)
                    end = relaxation.bound()[0]
                else:
                    result = search_maximum(
                        network, region, known, stage, i, sign, depth=k, node_limit=node_limit, deadline=deadline
                    )
                    if result.bound is None:
                        continue
                    end = round_up(result.bound)
                if sign > 0:
                    upper[k][i] = min(upper[k][i], end)
                else:
                    lower[k][i] = max(lower[k][i], -end)
    return current()
