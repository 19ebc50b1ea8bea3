"""The groups of arrays that the compiled loops of the edge subdivision take.

What lies where in the arrays is told in ``core/layout.hpp``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyhedra.arrays import Floats, Integers, Words


class Vertices(NamedTuple):
    """The arrays that have one row per vertex."""

    rows: Floats
    signs: Words
    fingerprint: Words
    zeros: NDArray[np.int16]
    faces: NDArray[np.int32]


class Buckets(NamedTuple):
    """For every neuron of a block the edges that it cuts next, in chunks ``pool[chunk] = (next chunk, edges ..)``."""

    pool: NDArray[np.int32]
    head: Integers
    next: Integers
    size: Integers


class Workspace(NamedTuple):
    """Per cut edge of the current neuron its number and its record; keys of 2-faces, their pairs, a table of them."""

    order: NDArray[np.int32]
    records: Words
    keys: Words
    pairs: Words
    slots: Words


class Names(NamedTuple):
    """Words of the hyperplanes and domain faces, and the covers of each face."""

    zero: Words
    positive: Words
    face: Words
    face_dim: NDArray[np.int32]
    cover_start: NDArray[np.int32]
    covers: NDArray[np.int32]


class Stage(NamedTuple):
    """The stage that comes in, and what becomes of columns of vertex rows (see `nn_bridge.sign_vectors.stage_entry`).

    Attributes
    ----------
    reads : int64 array of shape (sources, 3)
        The first column of what is read of each source, the number of columns, and whether positive parts are read.
    weights : float64 array
        One row for each column that is read, one column for each unit; then zeros, up to a multiple of four columns.
    bias : float64 array of shape (units,)
    kept : int64 array of shape (moves, 3)
        The columns that stay: their new place, their old place, how many there are.
    column : int
        Where the values go.
    sharp : bool
        Whether the bounds leave out inactive units.
    """

    reads: Integers
    weights: Floats
    bias: Floats
    kept: Integers
    column: int
    sharp: bool


class VertexColumns(NamedTuple):
    """The columns of finished vertices; ``error`` bounds that of each coordinate."""

    points: Floats
    error: NDArray[np.float32]
    zeros: NDArray[np.int16]
    faces: NDArray[np.int32]
    words: Words


class EdgeColumns(NamedTuple):
    """The columns of finished edges."""

    ends: NDArray[np.int32]
    zeros: NDArray[np.int16]
    faces: NDArray[np.int32]
    up: NDArray[np.uint8]
    words: Words


class Later(NamedTuple):
    """The stages still to come, reading the concatenation of what is known and of their own units.

    Attributes
    ----------
    known, positive : int64 and bool arrays of shape (known,)
        The columns of a vertex row that they read, and whether they read the positive part.
    offset : int64 array of shape (stages + 1,)
        Where the units of each stage begin in the concatenation.
    bias : float64 array
        Of all units, one stage after another.
    first_block, blocks : int64 arrays
        Stage ``s`` reads the blocks ``blocks[first_block[s] : first_block[s + 1]]``, each a row (place in the
        concatenation, size, place of the weights).
    weights, plus, minus : float64 arrays
        The weights of all blocks, row by row; their positive parts; their negative parts.
    """

    known: Integers
    positive: NDArray[np.bool_]
    offset: Integers
    bias: Floats
    first_block: Integers
    blocks: Integers
    weights: Floats
    plus: Floats
    minus: Floats
