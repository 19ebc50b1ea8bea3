"""Loops of pruning; `tropical._hull_kernels` describes them."""

import numpy as np
from numpy.typing import NDArray

from polyhedra.arrays import Flags as _Flags
from polyhedra.arrays import Floats as _Floats
from polyhedra.arrays import Integers as _Indices

def winners(A: _Floats, c: _Floats, points: _Floats, winner: _Indices, alone: _Flags) -> None: ...
def locate(
    A: _Floats,
    c: _Floats,
    query_a: _Floats,
    query_c: _Floats,
    start: _Indices,
    max_steps: int,
    basis: _Indices,
    point: _Floats,
    direction: _Floats,
    status: NDArray[np.int8],
) -> None: ...
def proven_redundant(
    A: _Floats, c: _Floats, query_a: _Floats, query_c: _Floats, basis: _Indices, proven: _Flags
) -> None: ...
