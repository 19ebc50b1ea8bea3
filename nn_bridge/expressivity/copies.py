"""Copies of a construction side by side: the numbers of its regions multiply."""

from __future__ import annotations

from collections.abc import Sequence

from nn_bridge.expressivity.constructions import Construction
from nn_bridge.expressivity.zigzags import at_least
from nn_bridge.network.network import AffineStage, Network, Row
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO


def side_by_side(construction: Construction, copies: int) -> Construction:
    """``copies`` of a construction, each on its own coordinates: its numbers to that power.

    Examples
    --------
    >>> from nn_bridge.expressivity.constructions import tent
    >>> side_by_side(tent(2), 3).regions
    64
    """
    at_least("a product", "copies", copies, 1)
    network, d = construction.network, copies
    stages = tuple(_block_diagonal(stage, d) for stage in network.stages)
    product_network = Network(d * network.input_dim, stages, _block_diagonal(network.output, d))
    domain = None if construction.domain is None else _power(construction.domain, d)
    return Construction(
        f"{construction.name}^{d}",
        product_network,
        domain,
        construction.cells**d,
        None if construction.regions is None else construction.regions**d,
        f"({construction.formula})^{d}",
        construction.source,
    )


def _block_diagonal(stage: AffineStage, copies: int) -> AffineStage:
    blocks = []
    for source, matrix in stage.blocks:
        blank = (ZERO,) * len(matrix[0])
        rows = tuple(blank * k + row + blank * (copies - 1 - k) for k in range(copies) for row in matrix)
        blocks.append((source, rows))
    return AffineStage(tuple(blocks), stage.bias * copies)


def _power(domain: Polyhedron, copies: int) -> Polyhedron:
    blank = (ZERO,) * domain.dim

    def spread(rows: Sequence[Row]) -> list[Row]:
        return [blank * k + row + blank * (copies - 1 - k) for k in range(copies) for row in rows]

    return Polyhedron(
        spread(domain.A), domain.b * copies, spread(domain.A_eq), domain.b_eq * copies, dim=copies * domain.dim
    )
