"""The compiled loops of the edge subdivision: arrays in, arrays out, none is copied.

The mathematics is told in `nn_bridge.sign_vectors.subdivide`; ``core/layout.hpp`` says where things lie in the arrays,
the other headers in ``core/`` have the loops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nn_bridge.sign_vectors.arrays import Buckets, EdgeColumns, Later, Names, Stage, VertexColumns, Vertices, Workspace
from polyhedra.arrays import Words
from polyhedra.compiled_core import core_or_refusal

if TYPE_CHECKING:
    from nn_bridge.sign_vectors import _core
else:
    _core = core_or_refusal("nn_bridge.sign_vectors._core")

__all__ = [
    "DONE",
    "DOUBT",
    "NEED_ROOM",
    "Block",
    "Buckets",
    "EdgeColumns",
    "Later",
    "Names",
    "Stage",
    "VertexColumns",
    "Vertices",
    "Workspace",
    "begin_block",
    "copy_edges",
    "copy_vertices",
    "count_by_lowest_vertex",
    "curve_codes",
    "cut_block",
    "end_block",
    "enter_stage",
    "fill_word_table",
    "gather_members",
    "later_signs",
    "number_cells",
    "open_cells",
    "renew_sign_word",
    "take_back",
    "walk_polygons",
    "word_table",
]

DONE = _core.DONE
DOUBT = _core.DOUBT
NEED_ROOM = _core.NEED_ROOM
Block = _core.Block
begin_block = _core.begin_block
copy_edges = _core.copy_edges
copy_vertices = _core.copy_vertices
count_by_lowest_vertex = _core.count_by_lowest_vertex
curve_codes = _core.curve_codes
cut_block = _core.cut_block
end_block = _core.end_block
enter_stage = _core.enter_stage
fill_word_table = _core.fill_word_table
gather_members = _core.gather_members
later_signs = _core.later_signs
number_cells = _core.number_cells
open_cells = _core.open_cells
renew_sign_word = _core.renew_sign_word
take_back = _core.take_back
walk_polygons = _core.walk_polygons


def word_table(words: Words) -> Words:
    """A table to sum the words of set bits by: ``table[i, byte]`` has the sum for byte ``i`` of up to 64 bits."""
    table = np.zeros((8, 256), dtype=np.uint64)
    fill_word_table(words, table)
    return table
