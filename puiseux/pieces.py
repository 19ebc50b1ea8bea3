"""The activation cells of a network with their affine maps, for pictures."""

from __future__ import annotations

from dataclasses import dataclass

from nn_bridge.network import Matrix, Network
from polyhedra.polyhedron import Polyhedron


@dataclass(frozen=True, slots=True)
class Piece:
    """A closed convex set on which the network is one affine map.

    Attributes
    ----------
    polyhedron : Polyhedron
    affine_map : tuple of rows (a_1, ..., a_n, b), one an output
    """

    polyhedron: Polyhedron
    affine_map: Matrix


def linear_pieces(network: Network, domain: Polyhedron | None = None) -> tuple[Piece, ...]:
    """Convex pieces with disjoint interiors that cover the domain (None: all of R^n): the closed activation cells.

    They meet face to face, so two that share a facet belong to one linear region iff their affine maps are equal.
    """
    from nn_bridge.cells import iterate_cells
    from puiseux.waiting import announce_compilation

    announce_compilation()
    return tuple(
        Piece(
            cell.polyhedron,
            tuple((*row, b) for row, b in zip(cell.affine_map.matrix, cell.affine_map.offset, strict=True)),
        )
        for cell in iterate_cells(network, domain)
    )
