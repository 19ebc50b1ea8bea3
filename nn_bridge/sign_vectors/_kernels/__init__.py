"""Compiled inner loops of the edge subdivision: arrays in, arrays out.

The mathematics is told in `nn_bridge.sign_vectors.subdivide`, the arrays in `layout`.
"""

from nn_bridge.sign_vectors._kernels.bounding import Later, curve_codes, gather_members, number_cells, open_cells
from nn_bridge.sign_vectors._kernels.cut import DONE, NEED_ROOM, cut_block, take_back
from nn_bridge.sign_vectors._kernels.layout import (
    Buckets,
    Edges,
    Names,
    Vertices,
    Workspace,
    word_table,
)
from nn_bridge.sign_vectors._kernels.results import copy_edges, copy_vertices, count_by_lowest_vertex, walk_polygons
from nn_bridge.sign_vectors._kernels.stage import (
    begin_block,
    column_variation,
    end_block,
    later_signs,
    read_active,
    read_units,
    renew_sign_word,
    settle_rows,
)

__all__ = [
    "DONE",
    "NEED_ROOM",
    "Buckets",
    "Edges",
    "Later",
    "Names",
    "Vertices",
    "Workspace",
    "begin_block",
    "column_variation",
    "copy_edges",
    "copy_vertices",
    "count_by_lowest_vertex",
    "curve_codes",
    "cut_block",
    "end_block",
    "gather_members",
    "later_signs",
    "number_cells",
    "open_cells",
    "read_active",
    "read_units",
    "renew_sign_word",
    "settle_rows",
    "take_back",
    "walk_polygons",
    "word_table",
]
