"""The activation cells of a network, exactly: listing, counting, joining into regions, statistics, proofs."""

from nn_bridge.cells.cell import Cell, group_by_affine_map, iterate_cells

__all__ = ["Cell", "group_by_affine_map", "iterate_cells"]
