"""The activation cells of a network, exactly: listing, counting, joining into regions, statistics, proofs."""

from typing import TYPE_CHECKING

from polyhedra.late_names import late_names

if TYPE_CHECKING:
    from nn_bridge.cells.cell import Cell, group_by_affine_map, iterate_cells

__all__ = ["Cell", "group_by_affine_map", "iterate_cells"]

__getattr__, __dir__ = late_names(
    __name__,
    {
        "Cell": "nn_bridge.cells.cell",
        "group_by_affine_map": "nn_bridge.cells.cell",
        "iterate_cells": "nn_bridge.cells.cell",
    },
)
