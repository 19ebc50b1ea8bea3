"""The 1-skeleton of a complex while it is being cut: growing arrays, laid out as ``core/layout.hpp`` says."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, prod
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn_bridge.sign_vectors.arrays import Buckets, Vertices, Workspace
from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import FloatStage, Plan, source_sizes
from nn_bridge.sign_vectors.start import HEAD, face_words, functional_of, start_of, words_of_start
from polyhedra.arrays import Floats, Words
from polyhedra.cached_values import cached_property

LINE = 8
"""Numbers in a cache line (a vertex row takes several)."""
EPS, AMP, SIZE = 0, 2, 3
"""The residual (a column of ``rows``), the amplification and the size (columns of ``row32``)."""
ROOM, GROWTH, SMALL = 1 << 16, 4, 256
"""Vertices to start with room for; by how much arrays grow where there is no limit; vertices that always fit."""
BLOCK, CHUNK, TILE = 64, 63, 32
"""Neurons of a stage that are cut together, one bit each in a sign word; edges in one chunk of a bucket; cuts that are
made together, then joined together."""
MOST_MOVES = (1 << 32) - 1
"""Moves from the edges that a neuron cuts to 2-faces are numbered in 32 bits."""
ALIGNMENT, SPARE = 64, 1 << 26
"""Bytes of a cache line; bytes of working arrays that are kept for the next complex (many of them never touched)."""
OF_VERTICES = ("rows", "row32", "zeros", "faces", "fingerprint", "vertex_arrays")
OF_CUTS = ("order", "workspace", "pool", "bucket_lines", "buckets")
ARRAYS = (*OF_VERTICES, *OF_CUTS, "signs", "e64", "e32", "e16", "_scales", "_cut_bytes")
"""Attributes of a skeleton that depend on its size alone: arrays, groups of arrays, their bytes."""


NO_WORDS: Words = np.zeros((8, 256), dtype=np.uint64)
"""The table of sums of words before the first block."""


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
    key = None if stage is None else (stage.first, stage.units)
    found: Layout | None = plan.layouts.get(key)
    if found is not None:
        return found
    column = HEAD + plan.network.input_dim
    carried = {}
    if stage is None:
        columns = column
    else:
        sizes = source_sizes(plan) if stage.carried else {}
        for source in stage.carried:
            carried[source] = column
            column += sizes[source]
        columns = column + stage.units
    return plan.layouts.setdefault(key, Layout(carried, column, columns))


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
        self.d = d = domain.dim
        columns = max([layout_of(plan, stage).columns for stage in plan.stages], default=HEAD + d)
        self.width = -(-columns // LINE) * LINE
        start = start_of(domain)
        self.face_word = face_words(plan.seed, domain)
        self.coordinate_size, self.longest, self.functional = start.coordinate_size, start.longest, functional_of(d)
        self.vertices, self.edges = v, e = len(start.rows), len(start.edges)
        self.words = start.edges.shape[1]
        room = max(4 * v, ROOM), max(4 * e, 4 * ROOM)
        # untouched pages cost nothing; for a small complex fewer, smaller ones are touched
        size, edges = self._most(*room) if comb(plan.neurons, d) > ROOM else room
        cuts = ROOM // 16 if limit is None else max(64, min(ROOM // 16, limit >> 12))
        self._kind = d, self.width, self.longest, size, edges, cuts
        kept = _take(self._kind)
        if kept is None:
            self._start_arrays()
            self._allocate(size, edges)
            self.prepare_cuts(cuts)
        else:
            vars(self).update(kept)
        self.table_before: Words = NO_WORDS
        self.rows[:v, : HEAD + d] = start.rows
        self.e64[:e] = start.edges
        self.signs[:v] = 0
        self.fingerprint[:v], self.e64[:e, 1] = words_of_start(plan.seed, domain)
        self.zeros[:v] = -1
        self.faces[:v] = domain.corner_face
        # 1 / scale of each column, and zero where there is none: at first a residual is the rounding of coordinates
        self.scaled = self.no_scales()
        self.scaled[HEAD : HEAD + d] = 2.0**52 / self.coordinate_size

    def _start_arrays(self) -> None:
        self.rows: Floats = np.zeros((0, self.width))
        self.signs: Words = np.zeros((0, 2), dtype=np.uint64)
        self.fingerprint: Words = np.zeros(0, dtype=np.uint64)
        self.zeros: NDArray[np.int16] = np.zeros((0, self.d), dtype=np.int16)
        self.faces: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.e64: Words = np.zeros((0, self.words), dtype=np.uint64)
        self.pool: NDArray[np.int32] = np.zeros((0, CHUNK + 1), dtype=np.int32)
        self.bucket_lines = np.empty((3, BLOCK), dtype=np.int64)
        self._scales: list[Floats] = list(_aligned((2, self.width), np.float64))

    @property
    def points(self) -> Floats:
        """The coordinates of the vertices (a view)."""
        return self.rows[: self.vertices, HEAD : HEAD + self.d]

    def amplified(self, rows: Any = slice(None)) -> Floats:
        """Residual times amplification of vertices: the error of every column of their rows, in its scale."""
        return self.rows[: self.vertices, EPS][rows] * self.row32[: self.vertices, AMP][rows].astype(np.float64)

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
        # a power of two, as `moves_shift` in core/layout.hpp has it
        moves = 1 << (self.d - 1 if self.d in (2, 3) else max(self.longest - 1, 0).bit_length())
        if cuts * moves >= MOST_MOVES:
            raise OverBudget
        # as many slots as `begin_neuron` in core/cut.hpp asks for
        slots = 1 << max(4, (4 * (cuts * self.longest + 2) // 3).bit_length())
        self.order = np.empty(cuts, dtype=np.int32)
        records, keys, table = (_aligned(shape, np.uint64) for shape in ((cuts, words), (cuts * moves,), (slots,)))
        self._cut_bytes = self.order.nbytes + records.nbytes + keys.nbytes + table.nbytes
        pairs = np.empty(TILE * moves + 1, dtype=np.uint64)
        self.workspace = Workspace(self.order, records, keys, pairs, table)

    def no_scales(self) -> Floats:
        """A zero for each column of a row, in place of the scales before the present ones."""
        self._scales.reverse()
        result = self._scales[0]
        result.fill(0.0)
        return result

    @cached_property
    def names(self) -> Any:
        """Words of the hyperplanes and domain faces, as the kernels take them."""
        from nn_bridge.sign_vectors import kernels

        domain, plan = self.domain, self.plan
        return kernels.Names(
            plan.zero, plan.positive, self.face_word, domain.face_dim, domain.cover_start, domain.covers
        )

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
        self.row32: NDArray[np.float32] = self.rows.view(np.float32)
        self.e32: NDArray[np.int32] = self.e64.view(np.int32)
        self.e16: NDArray[np.int16] = self.e64.view(np.int16)
        self.vertex_arrays = Vertices(self.rows, self.signs, self.fingerprint, self.zeros, self.faces)
        self.buckets = Buckets(self.pool, *self.bucket_lines)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, whether touched or not."""
        return self._cut_bytes + self.pool.nbytes + self.e64.nbytes + sum(a.nbytes for a in self.vertex_arrays)

    def let_go(self, *names: str) -> None:
        """Give up these arrays."""
        for name in names:
            del vars(self)[name]

    def keep(self, size: int) -> None:
        """Give up all arrays, of so many bytes; the next complex of the kind takes them if they are small."""
        own = vars(self)
        arrays = {name: own.pop(name) for name in ARRAYS}
        if not _spare_lock.acquire(blocking=False):
            return
        try:
            _spare.append((self._kind, size, arrays))
            while sum(size for _, size, _ in _spare) > SPARE:
                del _spare[0]
        finally:
            _spare_lock.release()

    def look_ahead(self, times: float) -> None:
        """Give up early where so many times the hyperplanes will hardly fit (vertices grow with a power of them)."""
        grown = times ** min(self.d, 3)
        if self.vertices * grown > 4096:
            self._check(int(self.vertices * grown), int(self.edges * grown))

    def used_bytes(self, vertices: int, edges: int) -> int:
        """Bytes touched by so many vertices and edges."""
        return vertices * (8 * self.width + 24 + 2 * self.d + 4) + edges * (8 * self.words + 5)

    def _check(self, vertices: int, edges: int) -> None:
        if self.limit is not None and self.used_bytes(vertices, edges) + self._cut_bytes > self.limit:
            raise OverBudget


_spare: list[tuple[tuple[int, ...], int, dict[str, Any]]] = []
"""Arrays of small complexes that are finished, the last ones at the end: their kind, their bytes, the arrays by name.
To touch new pages takes a third of the time of a small complex; whether the system's library keeps them is chance."""
_spare_lock = Lock()
"""It is tried, not waited for: in a process that was forked while another thread held it, it is never opened."""


def _take(kind: tuple[int, ...]) -> dict[str, Any] | None:
    """Arrays of this kind that were kept, if there are any."""
    if not _spare_lock.acquire(blocking=False):
        return None
    try:
        for k in reversed(range(len(_spare))):
            if _spare[k][0] == kind:
                return _spare.pop(k)[2]
        return None
    finally:
        _spare_lock.release()


def _aligned(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array that begins on a cache line."""
    buffer = np.empty(prod(shape) * np.dtype(dtype).itemsize + ALIGNMENT, dtype=np.uint8)
    return np.ndarray(shape, dtype, buffer, -buffer.ctypes.data % ALIGNMENT)


def _longer(array: Any, size: int, used: int) -> Any:
    """A longer copy that begins on a cache line."""
    result = _aligned((size, *array.shape[1:]), array.dtype)
    used = min(used, len(array))
    if used:
        result[:used] = array[:used]
    return result
