"""A cube that provably meets the interior of every linear region of a network, to sample or plot in.

Lezeau et al. (2024) sample in a ball of the effective radius; see `tropical.effective_radius`.  Two ways lead to a
radius:

* ``"cells"``: the largest distance from the centre to an activation cell, by one exact linear program for each cell;
  the smallest radius that is good for all cells;
* ``"hoffman"``: the Hoffman constant of the tropical map times the range of its coefficients, without looking at
  regions one by one; far larger.

A closed cube of that radius meets the closure of every region.  Any larger cube meets every interior, so the one
returned is larger by a margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from flint import fmpq

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network, Row
from nn_bridge.symbolic.tropicalize import tropicalize
from polyhedra.errors import GeometryError
from polyhedra.former_names import former_keywords
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.rounding import round_down, round_up
from polyhedra.scalars import ONE, ZERO, rational
from polyhedra.values import Value
from tropical.effective_radius import (
    EffectiveRadius,
    coefficient_range,
    effective_radius,
    hoffman_constant_of,
    nearest_point,
)


@dataclass(frozen=True, slots=True, repr=False)
class SamplingBox(Value):
    """A cube that meets the interior of every region.

    Attributes
    ----------
    centre : tuple of fmpq
    radius : fmpq
        Half the side of the cube.
    effective_radius : fmpq
        A radius whose closed cube meets the closure of every region; smaller than ``radius``.
    method : str
    """

    centre: Row
    radius: fmpq
    effective_radius: fmpq
    method: str

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Lower and upper bounds in float64, rounded outwards: the ``cube`` of `nn_bridge.expressivity.sampling`."""
        low = tuple(round_down(c - self.radius) for c in self.centre)
        return low, tuple(round_up(c + self.radius) for c in self.centre)

    @property
    def polyhedron(self) -> Polyhedron:
        """The cube as a domain to count on."""
        return Polyhedron.box([c - self.radius for c in self.centre], [c + self.radius for c in self.centre])


@former_keywords(centre="center")
def sampling_box(
    network: Network,
    center: Iterable[Any] | None = None,
    *,
    margin: Any = 1,
    method: Literal["cells", "hoffman"] = "cells",
) -> SamplingBox:
    """A cube that provably meets the interior of every linear region, and by ``"cells"`` of every activation cell.

    Parameters
    ----------
    network : Network
    center : sequence of n numbers, optional
        The origin by default.
    margin : number
        How much larger than the effective radius the cube is, relatively; positive.  Where the effective radius is 0
        the cube has radius 1.
    method : "cells" or "hoffman"
        See the module; ``"hoffman"`` takes all outputs together.

    Raises
    ------
    NetworkError
        The margin is not positive, or there is no such method.
    AlgebraError
        ``"hoffman"`` would take too many linear programs.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [1]], [[1, -2]]], [[0, -3], [0]])
    >>> box = sampling_box(net)
    >>> box.effective_radius, box.radius, box.bounds
    (3, 6, ((-6.0,), (6.0,)))
    """
    try:
        share = rational(margin)
    except GeometryError as error:
        raise NetworkError(f"the margin: {error}") from None
    if share <= 0:
        raise NetworkError(f"a margin of {margin} leaves some region without interior points; take a positive one")
    middle = (ZERO,) * network.input_dim if center is None else network.point(center)
    if method == "cells":
        distances = (nearest_point(cell.polyhedron, middle)[0] for cell in iterate_cells(network))
        reach = max(distances, default=ZERO)
    elif method == "hoffman":
        maps = tropicalize_by_cells(network)
        reach = hoffman_constant_of(maps) * coefficient_range(maps, middle)
    else:
        raise NetworkError(f"there is no method {quoted(method)}; take 'cells' or 'hoffman'")
    return SamplingBox(middle, reach * (1 + share) if reach > 0 else ONE, reach, method)


@former_keywords(centre="center")
def effective_radii(
    network: Network, center: Iterable[Any] | None = None, *, pruned: bool = True, **options: Any
) -> tuple[EffectiveRadius, ...]:
    """The Hoffman constant and the effective radius of each output's tropical map.

    Parameters
    ----------
    network : Network
    center : sequence of n numbers, optional
        The origin by default.
    pruned : bool
        Without it the full expansion of the network is taken, redundant terms included.
    **options
        Of `tropical.effective_radius.effective_radius`.

    Raises
    ------
    NetworkError
        The full expansion is too large.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1]], [[1, 2]]], [[-1, 0], [0]])
    >>> [(found.exact, found.radius) for found in effective_radii(net)]
    [(1, 1)]
    """
    middle = None if center is None else network.point(center)
    maps = tropicalize_by_cells(network) if pruned else tropicalize(network, prune="none")
    return tuple(effective_radius(f, middle, pruned=pruned, **options) for f in maps)


__all__ = ["SamplingBox", "effective_radii", "sampling_box"]
