"""The compiled loops of the edge subdivision; `nn_bridge.sign_vectors.kernels` is the way to them."""

import numpy as np
from numpy.typing import NDArray

from nn_bridge.sign_vectors.arrays import Buckets, EdgeColumns, Later, Names, Stage, VertexColumns, Vertices, Workspace
from polyhedra.arrays import Floats as _Floats
from polyhedra.arrays import Integers as _Indices
from polyhedra.arrays import Words as _Words

DONE: int
NEED_ROOM: int
DOUBT: int
TILE: int

class Block:
    """One block of up to 64 neurons, and how far its cuts are."""

    column: int
    columns: int
    count: int
    dim: int
    first: int
    longest: int
    tolerant: bool
    vertices: int
    edges: int
    neuron: int
    begun: bool
    cuts: int
    made: int
    joined: int
    next_edge: int
    capacity: int
    found: int
    single: int
    bad: int
    free: int
    fresh: int

    def __init__(
        self,
        column: int,
        columns: int,
        count: int,
        dim: int,
        first: int,
        longest: int,
        tolerant: bool,
        vertices: int,
        edges: int,
    ) -> None: ...

def widen(on: bool) -> bool:
    """For tests: whether the wider version of loops shall run, if the processor can; returns whether it does."""

# ---------------------------------------------------------------- cuts

def fill_word_table(words: _Words, table: _Words) -> None:
    """Fill a table of zeros with the sums of words for each byte of a bit set."""

def begin_block(
    block: Block, vertices: Vertices, edges: _Words, count: int, table_before: _Words, buckets: Buckets
) -> None:
    """Add the block before to the fingerprints of edges, and put those that a neuron cuts into its bucket."""

def cut_block(
    block: Block,
    vertices: Vertices,
    edges: _Words,
    buckets: Buckets,
    work: Workspace,
    names: Names,
    table: _Words,
    scaled: _Floats,
    functional: _Floats,
    doubts: _Indices,
) -> int:
    """Cut by the neurons from ``block.neuron`` on; returns DONE, NEED_ROOM or DOUBT, to be called again."""

def take_back(block: Block, edges: _Words, order: NDArray[np.int32]) -> None:
    """Undo the cuts of a neuron that was left half-way."""

def end_block(vertices: Vertices, count: int, table: _Words) -> None:
    """Add the block's signs to the fingerprints of vertices."""

def renew_sign_word(signs: _Words, v: int, values: _Floats, done: int) -> None:
    """Renew the sign word of a vertex whose values were decided exactly; the signs of ``done`` neurons stay."""

# ---------------------------------------------------------------- stages

def enter_stage(
    vertices: Vertices,
    count: int,
    edges: _Words,
    edge_count: int,
    stage: Stage,
    scaled: _Floats,
    result: _Floats,
    doubts: _Indices,
) -> int:
    """Rewrite vertex rows in the layout of a stage, with its scales in ``result``, which comes as zeros.

    Returns the number of open signs, of which at most the room is written; -1 where numbers leave the range of floats.
    """

def later_signs(
    vertices: Vertices, count: int, checked: int, column: int, units: int, scaled: _Floats, doubts: _Indices
) -> int:
    """Write the sign words of a stage's later block; returns the number of open signs, at most the room is written."""

# ---------------------------------------------------------------- pruning

def open_cells(
    order: _Indices,
    start: _Indices,
    members: _Indices,
    per_group: int,
    rows: _Floats,
    scaled: _Floats,
    vertices: int,
    later: Later,
    result: NDArray[np.bool_],
) -> None:
    """Write whether the last stage may be zero on each cell of ``order``; ``per_group`` are bounded together."""

def number_cells(
    base: _Words, zeros: NDArray[np.int16], zero_words: _Words, positive_words: _Words, cell: _Indices, slots: _Words
) -> int:
    """Number the cells around each vertex; returns how many there are, or -1 where the table is too short."""

def gather_members(cell: _Indices, zeros: NDArray[np.int16], start: _Indices, members: _Indices) -> None:
    """Write the vertices of each cell; ``start`` comes as zeros."""

def curve_codes(
    points: _Floats, start: _Indices, members: _Indices, low: _Floats, factor: _Floats, bits: int, codes: _Indices
) -> None:
    """Write the place of each cell along a Morton curve."""

# ---------------------------------------------------------------- results

def copy_vertices(vertices: Vertices, scaled: _Floats, columns: VertexColumns) -> None:
    """Copy the coordinates of all vertices, and bound the error of each."""

def copy_edges(edges: _Words, signs: _Words, table: _Words, columns: EdgeColumns) -> None:
    """Copy the columns of all edge rows; the last block's signs are added to the fingerprints."""

def count_by_lowest_vertex(
    upwards: NDArray[np.uint8],
    edge_ends: NDArray[np.int32],
    edge_zeros: NDArray[np.int16],
    vertex_zeros: NDArray[np.int16],
) -> int:
    """Sum over vertices the cells of which each is the lowest."""

def walk_polygons(start: _Indices, sides: _Indices, members: _Indices) -> int:
    """Order the sides of polygons into cycles of vertices; returns the number of polygons that do not close."""
