"""The linear regions of a network as convex pieces, for pictures."""

from __future__ import annotations

from dataclasses import dataclass

from nn_bridge.network import Matrix, Network
from polyhedra.polyhedron import Polyhedron


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed convex piece of a linear region.

    Attributes
    ----------
    polyhedron : Polyhedron
    affine_map : tuple of rows (a_1, ..., a_n, b), one an output
    region : int
        The number of the linear region (pieces joined across facets) that it belongs to.
    """

    polyhedron: Polyhedron
    affine_map: Matrix
    region: int


def linear_pieces(network: Network, domain: Polyhedron | None = None) -> tuple[Piece, ...]:
    """Convex pieces with disjoint interiors that cover the domain (None: all of R^n), each with one affine map."""
    from puiseux.formula import tropical_maps
    from tropical.regions import linear_regions

    regions = linear_regions(tropical_maps(network), domain=domain)
    return tuple(
        Piece(polyhedron, region.affine_map, number)
        for number, region in enumerate(regions)
        for polyhedron in region.polyhedra
    )
