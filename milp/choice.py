"""Which method is tried when: by splitting boxes, by all cells, or by branching.

Splitting the domain into boxes bounds thousands of boxes a second and needs few of them where there are few inputs,
however many units and cells there are; it never decides what holds with equality, and with many inputs there are too
many boxes.

Listing cells takes time proportional to their number and to the number of their vertices: thousands of cells a second
with two to four inputs, but a box of n inputs alone has 2^n vertices. Branching with proven bounds needs few nodes
where the domain is small or the network has few unstable units, and does not care for the number of inputs; where
many units change sign in a domain of few inputs, it may need more nodes than there are cells, each far dearer.
"""

from __future__ import annotations

import math

from milp.bounds import Bounds
from milp.domain import BoundedDomain

MAX_INPUTS = 8
"""With more inputs the cells of a box have too many vertices to be listed within seconds."""

FIRST_NODES = 100
"""Nodes of branching that are tried before the cells: easy questions end there."""

MANY_UNSTABLE = 40
"""With more unstable units and many inputs a solver's proposal is worth its time: it ends branches early."""

FEW_CELLS = 50_000
"""Where so many units in general position would make no more cells, these are listed before anything else."""

VERY_FEW_CELLS = 1000
"""The same, before boxes are split too."""

FIRST_CELLS = 20_000
"""Cells that are listed then, at a hundred thousand a second."""

NO_SOLVER = "none"
BOXES, CELLS, BRANCHING = "boxes", "cells", "branching"

MAX_BOX_INPUTS = 12
"""With more inputs a box is halved too often before its bounds are of use."""

MOST_BOXES = 200_000
"""Where there is no time limit the other methods have their turn after so many boxes."""


def boxes_can_win(region: BoundedDomain) -> bool:
    """Whether splitting a domain into boxes is worth a try before anything else: few inputs."""
    return region.dim <= MAX_BOX_INPUTS


def cells_can_win(region: BoundedDomain) -> bool:
    """Whether listing all cells is worth a try on a domain: few inputs, full-dimensional, few walls."""
    walls = len(region.polyhedron.inequalities)
    return region.dim <= MAX_INPUTS and walls <= 8 * MAX_INPUTS and region.polyhedron.is_full_dimensional()


def cells_come_first(units: int, region: BoundedDomain) -> bool:
    """Whether all cells are listed before bounds are tightened and branches tried.

    A network with u units in one layer has at most sum C(u, i), i <= n, cells; with more layers it has about as many.

    Examples
    --------
    >>> from milp.domain import bounded
    >>> [cells_come_first(units, bounded(([-1] * 4, [1] * 4), 4)) for units in (32, 64)]
    [True, False]
    """
    cells = sum(math.comb(units, i) for i in range(region.dim + 1))
    return cells <= FEW_CELLS and cells_can_win(region)


def cells_are_few(units: int, region: BoundedDomain) -> bool:
    """Whether so few cells are possible that listing them takes less time than anything else."""
    return sum(math.comb(units, i) for i in range(region.dim + 1)) <= VERY_FEW_CELLS and cells_can_win(region)


def solver_helps(region: BoundedDomain, bounds: Bounds) -> bool:
    """Whether a MILP solver should propose a point before the exact search begins."""
    return bounds.n_unstable > MANY_UNSTABLE and not cells_can_win(region)


def order_of_methods(region: BoundedDomain, bounds: Bounds) -> tuple[tuple[str, int | None], ...]:
    """The methods in the order in which they are tried, each with its limit of nodes (None: no limit).

    Examples
    --------
    >>> from milp.bounding import network_bounds
    >>> from milp.domain import bounded
    >>> from nn_bridge.network.network import Network
    >>> net, box = Network.from_layers([[[1], [-1]], [[1, 1]]]), bounded(([-1], [2]), 1)
    >>> order_of_methods(box, network_bounds(net, box))
    (('branching', 100), ('cells', None), ('branching', None))
    """
    if bounds.n_unstable == 0 or not cells_can_win(region):
        return ((BRANCHING, None),)
    return ((BRANCHING, FIRST_NODES), (CELLS, None), (BRANCHING, None))
