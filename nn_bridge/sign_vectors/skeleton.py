"""The 1-skeleton of a complex while it is being cut: growing arrays, laid out as ``core/layout.hpp`` says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb, prod
from threading import Lock
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import FloatStage, Plan, source_sizes
from polyhedra.arrays import Floats, Words
from polyhedra.scalars import ZERO, rational

HEAD, LINE = 2, 8
"""Bookkeeping columns of a vertex row, before the coordinates; numbers in a cache line (a row takes several)."""
EPS, AMP, SIZE = 0, 2, 3
"""The residual (a column of ``rows``), the amplification and the size (columns of ``row32``)."""
FACE, ZEROS, NEUTRAL = 4, 10, 0x3F80
"""Where an edge keeps its domain face (in ``e32``) and its zeros (in ``e16``); the amplification 1."""
ROOM, GROWTH, SMALL = 1 << 16, 4, 256
"""Vertices to start with room for; by how much arrays grow where there is no limit; vertices that always fit."""
BLOCK, CHUNK, TILE = 64, 63, 32
"""Neurons of a stage that are cut together, one bit each in a sign word; edges in one chunk of a bucket; cuts that are
made together, then joined together."""
ALIGNMENT, SPARE = 64, 1 << 25
"""Bytes of a cache line; bytes of working arrays that are kept for the next complex (many of them never touched)."""
UP, KNOWN = 1 << 29, 1 << 30
"""Bits beside an edge's domain face: its second end is higher, and that this is certain."""


class OverBudget(Exception):
    """The arrays would outgrow the memory given for this piece of the domain."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a vertex row are while one stage is cut.

    Attributes
    ----------
    carried : dict of source number -> first column
    column, columns : int
        The first column of the stage's values, and the number of columns in use.
    """

    carried: dict[int, int]
    column: int
    columns: int


def layout_of(plan: Plan, stage: FloatStage | None) -> Layout:
    """The columns of a stage (None: before the first one)."""
    column = HEAD + plan.network.input_dim
    if stage is None:
        return Layout({}, column, column)
    sizes = source_sizes(plan)
    carried = {}
    for source in stage.carried:
        carried[source] = column
        column += sizes[source]
    return Layout(carried, column, column + stage.units)


@lru_cache
def functional_of(dim: int) -> Floats:
    """The functional whose minimum on a cell is its lowest vertex; in general position (no weights use its seed)."""
    return np.random.Generator(np.random.Philox(key=[0x9E3779B97F4A7C15, 0x7065697365757821])).normal(size=dim)


@lru_cache
def exact_functional_of(dim: int) -> tuple[fmpq, ...]:
    """The same functional in rationals."""
    return tuple(rational(float(c)) for c in functional_of(dim))


class Skeleton:
    """Vertices and edges of the complex cut so far (private, mutable).

    Parameters
    ----------
    limit : int or None
        Bytes that the arrays may take.

    Raises
    ------
    OverBudget
        When `reserve` would need more than the limit.
    """

    def __init__(self, plan: Plan, domain: Domain, limit: int | None) -> None:
        self.plan, self.domain, self.limit = plan, domain, limit
        d = domain.dim
        self.d = d
        columns = max([layout_of(plan, stage).columns for stage in plan.stages], default=HEAD + d)
        self.width = -(-columns // LINE) * LINE
        self.words = (2 * ZEROS + 4 * (d - 1) + 7) // 8
        wall_words = plan.wall_words([label for _, _, label in domain.walls])
        with np.errstate(over="ignore"):
            self.face_word: Words = np.where(domain.face_walls, wall_words, np.uint64(0)).sum(axis=1, dtype=np.uint64)
        corners = domain.float_corners()
        self.vertices, self.edges = len(corners), len(domain.edges)
        self.coordinate_size = float(np.abs(corners).max())
        self.rows: Floats = np.zeros((0, self.width))
        self.signs: Words = np.zeros((0, 2), dtype=np.uint64)
        self.fingerprint: Words = np.zeros(0, dtype=np.uint64)
        self.zeros: NDArray[np.int16] = np.zeros((0, d), dtype=np.int16)
        self.faces: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.e64: Words = np.zeros((0, self.words), dtype=np.uint64)
        self.pool: NDArray[np.int32] = np.zeros((0, CHUNK + 1), dtype=np.int32)
        room = max(4 * self.vertices, ROOM), max(4 * self.edges, 4 * ROOM)
        # untouched pages cost nothing; for a small complex fewer, smaller ones are touched
        self._allocate(*(self._most(*room) if comb(plan.neurons, d) > ROOM else room))
        self.table_before: Words = np.zeros((8, 256), dtype=np.uint64)
        self.rows[: self.vertices, HEAD : HEAD + d] = corners
        self.rows[: self.vertices, EPS] = 1.0
        self.row32[: self.vertices, AMP] = 1.0
        self.row32[: self.vertices, SIZE] = 0.0
        self.signs[: self.vertices] = 0
        self.fingerprint[: self.vertices] = self.face_word[domain.corner_face]
        self.zeros[: self.vertices] = -1
        self.faces[: self.vertices] = domain.corner_face
        n = self.edges
        self.e64[:n] = 0
        self.e32[:n, :2] = domain.edges[:, :2]
        self.functional = functional_of(d)
        exact = exact_functional_of(d)
        heights = [sum((c * x for c, x in zip(exact, corner, strict=True)), ZERO) for corner in domain.corners]
        order = [
            (UP if heights[a] < heights[b] else 0) | (KNOWN if heights[a] != heights[b] else 0)
            for a, b, _ in domain.edges.tolist()
        ]
        self.e32[:n, FACE] = domain.edges[:, 2] | np.array(order, dtype=np.int32)
        self.e64[:n, 1] = self.face_word[domain.edges[:, 2]]
        self.e16[:n, ZEROS : ZEROS + d - 1] = -1
        self.e16[:n, ZEROS + d - 1 : ZEROS + 2 * (d - 1)] = NEUTRAL
        # 1 / scale of each column: at first a row's residual is the rounding of the corner's coordinates
        self.scaled: Floats = np.ones(self.width)
        self.scaled[HEAD : HEAD + d] = 2.0**52 / self.coordinate_size
        covers = np.diff(domain.cover_start)
        self.longest = int(max((covers + 2 * (domain.face_dim - 1))[domain.face_dim >= 1], default=0))
        self.prepare_cuts(ROOM // 16 if limit is None else max(64, min(ROOM // 16, limit >> 12)))

    def _view(self) -> None:
        self.row32: NDArray[np.float32] = self.rows.view(np.float32)
        self.e32: NDArray[np.int32] = self.e64.view(np.int32)
        self.e16: NDArray[np.int16] = self.e64.view(np.int16)

    @property
    def points(self) -> Floats:
        """The coordinates of the vertices (a view)."""
        return self.rows[: self.vertices, HEAD : HEAD + self.d]

    def amplified(self, rows: Any = slice(None)) -> Floats:
        """Residual times amplification of vertices: the error of every column of their rows, in its scale."""
        return self.rows[: self.vertices, EPS][rows] * self.row32[: self.vertices, AMP][rows].astype(np.float64)

    def vertex_arrays(self) -> Any:
        """The arrays of the vertices, as the kernels take them."""
        from nn_bridge.sign_vectors import kernels

        return kernels.Vertices(self.rows, self.signs, self.fingerprint, self.zeros, self.faces)

    def reserve(self, vertices: int, edges: int) -> None:
        """Make room for this many vertices and edges.

        Pages that are never touched cost nothing, so the first growth takes all that the limit allows.

        Raises
        ------
        OverBudget
            They do not fit the limit.
        """
        if self.vertices > SMALL:
            self._check(vertices, edges)
        more = vertices > len(self.rows), edges > len(self.e64)
        most = self._most(vertices, edges)
        self._allocate(most[0] if more[0] else len(self.rows), most[1] if more[1] else len(self.e64))

    def _most(self, vertices: int, edges: int) -> tuple[int, int]:
        """Room for at least so many vertices and edges: all that the limit allows, if there is one."""
        if self.limit is None:
            return GROWTH * vertices, GROWTH * edges
        return max(self.limit // self.used_bytes(1, 0), vertices), max(self.limit // self.used_bytes(0, 1), edges)

    def prepare_cuts(self, cuts: int) -> None:
        """Room for a neuron that cuts so many edges."""
        words = 6 + (2 * (self.d - 1) + 4) // 4
        self.order = np.empty(cuts, dtype=np.int32)
        self.records: Words = _longer(np.empty((0, words), dtype=np.uint64), cuts, 0)
        self.keys = np.empty((TILE, self.longest), dtype=np.uint64)
        self.pairs = np.empty((TILE * self.longest, 4), dtype=np.uint64)
        # as many as `begin_neuron` in core/cut.hpp asks for
        slots = 1 << max(4, (4 * (cuts * self.longest + 2) // 3).bit_length())
        self.slots: Words = _longer(np.empty((0, 2), dtype=np.uint64), slots, 0)

    def scales_of_rows(self, columns: int) -> Floats:
        """1 / scale of the first so many columns of a row, and 0 for its bookkeeping and for what lies behind."""
        result: Floats = _longer(np.empty(0), self.width, 0)
        result[:HEAD], result[columns:] = 0, 0
        result[HEAD:columns] = self.scaled[HEAD:columns]
        return result

    def _allocate(self, size: int, edges: int) -> None:
        if size > len(self.rows):
            self.rows = _longer(self.rows, size, self.vertices)
            self.signs = _longer(self.signs, size, self.vertices)
            self.fingerprint = _longer(self.fingerprint, size, self.vertices)
            self.zeros = _longer(self.zeros, size, self.vertices)
            self.faces = _longer(self.faces, size, self.vertices)
        if edges > len(self.e64):
            self.e64 = _longer(self.e64, edges, self.edges)
            chunks = edges // CHUNK + 2 * BLOCK
            self.pool = _longer(self.pool, chunks, len(self.pool))
        self._view()

    def let_go(self, *names: str) -> None:
        """Empty these arrays, and keep their memory for the next complex where they are small."""
        for name in names:
            array = getattr(self, name)
            setattr(self, name, array[:0].copy())
            _let_go(array)
        self._view()

    def look_ahead(self, times: float) -> None:
        """Give up early where so many times the hyperplanes will hardly fit (vertices grow with a power of them)."""
        power = min(self.d, 3)
        grown = int(self.vertices * times**power)
        if times > 1 and grown > 4096:
            self._check(grown, int(self.edges * times**power))

    def used_bytes(self, vertices: int, edges: int) -> int:
        """Bytes touched by so many vertices and edges."""
        return vertices * (8 * self.width + 24 + 2 * self.d + 4) + edges * (8 * self.words + 5)

    def _check(self, vertices: int, edges: int) -> None:
        cuts = self.order.nbytes + self.records.nbytes + self.slots.nbytes
        if self.limit is not None and self.used_bytes(vertices, edges) + cuts > self.limit:
            raise OverBudget


_spare: list[NDArray[np.uint8]] = []
"""Memory of working arrays that were let go, the last ones at the end.  To touch new pages takes a third of the time of
a small complex, and whether the system's library keeps them is chance."""
_spare_lock = Lock()


def _buffer(wanted: int) -> NDArray[np.uint8]:
    """So many bytes or more, of memory that was let go where there is some of about this size."""
    with _spare_lock:
        for k, own in enumerate(_spare):
            if wanted <= own.nbytes <= 2 * wanted:
                return _spare.pop(k)
    return np.empty(wanted, dtype=np.uint8)


def _longer(array: Any, size: int, used: int) -> Any:
    """A longer copy that begins on a cache line."""
    shape = (size, *array.shape[1:])
    wanted = prod(shape) * array.itemsize
    buffer = _buffer(wanted + ALIGNMENT)
    start = -buffer.ctypes.data % ALIGNMENT
    result = buffer[start : start + wanted].view(array.dtype).reshape(shape)
    used = min(used, len(array))
    result[:used] = array[:used]
    return result


def _let_go(array: Any) -> None:
    """Keep the memory of an array made by `_longer`, which must not be used again, if it is small."""
    buffer = array.base
    if isinstance(buffer, np.ndarray) and buffer.dtype == np.uint8 and buffer.nbytes <= SPARE:
        with _spare_lock:
            _spare.append(buffer)
            while sum(own.nbytes for own in _spare) > SPARE:
                del _spare[0]
