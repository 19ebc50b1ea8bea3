"""Proofs of stability for domains that are too large for the exact engine, and compression by them.

Bounds settle most units; for the others exact branch and bound decides each sign question, and stops as soon as it is
settled. Points at which a unit was seen active and inactive settle it at once: such a unit is not stable.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from milp.arguments import of_any_model
from milp.bounding import network_bounds
from milp.bounds import Stability
from milp.branching import search_maximum
from milp.domain import DomainLike, bounded
from milp.solvers import deadline_after, third_of
from nn_bridge.network.network import Network, Row
from nn_bridge.reduction.superfluous_units import Simplification, StabilityProofs, simplify_network
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.scalars import ZERO, rational


@checked_options
@of_any_model
@with_steps("Looking for stable units")
def stability_proofs(
    network: Network,
    domain: DomainLike,
    *,
    samples: int = 200,
    time_limit: float | None = 60.0,
    node_limit: int = 2000,
    rng: int | np.random.Generator = 0,
    progress: Steps = None,
) -> StabilityProofs:
    """Prove for as many units as possible that they are inactive, or active, on the whole domain.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
        Bounded.
    samples : int
        Random points of the domain at which units are evaluated first.
    time_limit : float or None
        Seconds; units whose turn does not come are left out.
    node_limit : int
        Branch-and-bound nodes a question.
    rng : seed or Generator
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [-1]], [[1, -1]]], [[2, -3], [0]])
    >>> proofs = stability_proofs(net, ([-1], [1]))
    >>> sorted(proofs.active), sorted(proofs.inactive)
    ([(0, 0)], [(0, 1)])
    """
    if samples < 0:
        raise FormulationError(f"samples={samples}: give a whole number from 0")
    deadline = deadline_after(time_limit)
    region = bounded(domain, network.input_dim, deadline)
    known = network_bounds(network, region, "lp", time_limit=third_of(deadline))
    positive, negative = _seen(
        network, known.input, region.contains if not region.is_box else None, samples, rng, deadline
    )
    inactive: set[tuple[int, int]] = set()
    active: set[tuple[int, int]] = set()
    for k, stage in enumerate(network.stages):
        for i in range(stage.units):
            stability = known.stability(k, i)
            if stability is Stability.INACTIVE:
                inactive.add((k, i))
            elif stability is Stability.ACTIVE:
                active.add((k, i))
            else:
                for sign, seen, target in ((1, positive, inactive), (-1, negative, active)):
                    if (k, i) in seen or (k, i) in inactive:
                        continue
                    if deadline is not None and time.monotonic() > deadline:
                        break
                    result = search_maximum(
                        network,
                        region,
                        known,
                        stage,
                        i,
                        sign,
                        depth=k,
                        threshold=ZERO,
                        node_limit=node_limit,
                        deadline=deadline,
                    )
                    if result.proven and result.bound is not None and result.bound <= 0:
                        target.add((k, i))
    return StabilityProofs(frozenset(inactive), frozenset(active), region.polyhedron, "branch and bound")


def _seen(
    network: Network,
    box: tuple[tuple[float, ...], tuple[float, ...]],
    contains: Callable[[Row], bool] | None,
    samples: int,
    rng: int | np.random.Generator,
    deadline: float | None,
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The units seen with positive and with negative pre-activation, exactly, at points of the domain."""
    generator = np.random.default_rng(rng)
    positive: set[tuple[int, int]] = set()
    negative: set[tuple[int, int]] = set()
    low, high = np.array(box[0]), np.array(box[1])
    for share in generator.uniform(size=(samples, len(box[0]))):
        if deadline is not None and time.monotonic() > deadline:
            break
        point = np.clip(low * (1 - share) + high * share, low, high)  # high - low may leave the range of float64
        x = tuple(rational(float(v)) for v in point)
        if contains is not None and not contains(x):
            continue
        for k, values in enumerate(network.preactivations(x)[:-1]):
            for i, value in enumerate(values):
                if value > 0:
                    positive.add((k, i))
                elif value < 0:
                    negative.add((k, i))
    return positive, negative


@checked_options
@of_any_model
@with_steps("Looking for stable units")
def compress(
    network: Network,
    domain: DomainLike,
    *,
    keep_chain: bool = False,
    time_limit: float | None = 60.0,
    node_limit: int = 2000,
    progress: Steps = None,
) -> Simplification:
    """The smallest network that proofs of stability and exact algebra give, equal to the given one on the domain."""
    proofs = stability_proofs(network, domain, time_limit=time_limit, node_limit=node_limit)
    return simplify_network(network, proofs, keep_chain=keep_chain)
