"""The 1-skeleton of a complex while it is being cut: growing arrays in the layout of `nn_bridge._edge_kernels`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import Floats, FloatStage, Plan, Words, source_sizes
from polyhedra.scalars import ZERO, rational

HEAD = 6
"""Bookkeeping columns of a vertex row, before the coordinates."""


ROOM = 1 << 16
"""Vertices to start with room for; pages that are never touched cost nothing."""
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


def functional_of(dim: int) -> Floats:
    """The linear functional by whose height cells find their lowest vertex; its stream makes nobody's weights."""
    return np.random.Generator(np.random.Philox(key=[0x9E3779B97F4A7C15, 0x7065697365757821])).normal(size=dim)


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
        self.width = max([layout_of(plan, stage).columns for stage in plan.stages], default=HEAD + d)
        self.words = 5 + (2 * (d - 1) + 3) // 4
        wall_words = plan.wall_words([label for _, _, label in domain.walls])
        with np.errstate(over="ignore"):
            self.face_word: Words = np.where(domain.face_walls, wall_words, np.uint64(0)).sum(axis=1, dtype=np.uint64)
        corners = domain.float_corners()
        self.vertices, self.edges = len(corners), len(domain.edges)
        self.coordinate_size = float(np.abs(corners).max())
        self.rows: Floats = np.zeros((0, self.width))
        self.fingerprint: Words = np.zeros(0, dtype=np.uint64)
        self.zeros: NDArray[np.int16] = np.zeros((0, d), dtype=np.int16)
        self.faces: NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self.turns: NDArray[np.int16] = np.zeros(0, dtype=np.int16)
        self.e64: Words = np.zeros((0, self.words), dtype=np.uint64)
        self._view()
        self._allocate(max(4 * self.vertices, ROOM), max(4 * self.edges, 4 * ROOM))
        self.rows[: self.vertices, HEAD : HEAD + d] = corners
        self.rows[: self.vertices, :HEAD] = 0.0
        self.rows[: self.vertices, 0] = 1.0
        self.fingerprint[: self.vertices] = self.face_word[domain.corner_face]
        self.zeros[: self.vertices] = -1
        self.faces[: self.vertices] = domain.corner_face
        n = self.edges
        self.e64[:n] = 0
        self.e32[:n, :2] = domain.edges[:, :2]
        self.functional = functional_of(d)
        exact = [rational(float(c)) for c in self.functional]
        heights = [sum((c * x for c, x in zip(exact, corner, strict=True)), ZERO) for corner in domain.corners]
        order = [
            (UP if heights[a] < heights[b] else 0) | (KNOWN if heights[a] != heights[b] else 0)
            for a, b, _ in domain.edges.tolist()
        ]
        self.e32[:n, 9] = domain.edges[:, 2] | np.array(order, dtype=np.int32)
        self.e64[:n, 3] = self.face_word[domain.edges[:, 2]]
        self.e16[:n, 20 : 20 + d - 1] = -1
        # 1 / scale of each column: at first a row's residual is the rounding of the corner's coordinates
        self.scaled: Floats = np.ones(self.width)
        self.scaled[HEAD : HEAD + d] = 2.0**52 / self.coordinate_size
        covers = np.diff(domain.cover_start)
        self.longest = int(max((covers + 2 * (domain.face_dim - 1))[domain.face_dim >= 1], default=0))

    def _view(self) -> None:
        self.row_bits = self.rows.view(np.uint64)
        self.e32 = self.e64.view(np.int32)
        self.e16 = self.e64.view(np.int16)

    @property
    def points(self) -> Floats:
        """The coordinates of the vertices (a view)."""
        return self.rows[: self.vertices, HEAD : HEAD + self.d]

    def make_ready(self) -> None:
        """Room for a stage that triples the complex: growing copies, untouched pages cost nothing."""
        ahead = 3 if self.limit is None or 6 * self.used_bytes(self.vertices, self.edges) < self.limit else 1
        self.reserve(ahead * self.vertices, ahead * self.edges, grow=1)

    def reserve(self, vertices: int, edges: int, grow: float = 2.0) -> None:
        """Make room for this many vertices and edges, with some to spare (pages not yet touched cost nothing)."""
        self._check(vertices, edges)
        more = vertices > len(self.rows), edges > len(self.e64)
        self._allocate(
            int(vertices * grow) + 64 if more[0] else len(self.rows),
            int(edges * grow) + 64 if more[1] else len(self.e64),
        )

    def _allocate(self, size: int, edges: int) -> None:
        if size > len(self.rows):
            self.rows = _longer(self.rows, size, self.vertices)
            self.fingerprint = _longer(self.fingerprint, size, self.vertices)
            self.zeros = _longer(self.zeros, size, self.vertices)
            self.faces = _longer(self.faces, size, self.vertices)
            self.turns = _longer(self.turns, size, self.vertices)
        if edges > len(self.e64):
            self.e64 = _longer(self.e64, edges, self.edges)
        self._view()

    def look_ahead(self, times: float) -> None:
        """Give up early where so many times the hyperplanes will hardly fit (vertices grow with a power of them)."""
        power = min(self.d, 3)
        grown = int(self.vertices * times**power)
        if times > 1 and grown > 4096:
            self._check(grown, int(self.edges * times**power))

    def used_bytes(self, vertices: int, edges: int) -> int:
        """Bytes touched by so many vertices and edges."""
        return vertices * (8 * self.width + 8 + 2 * self.d + 4) + edges * 8 * self.words

    def _check(self, vertices: int, edges: int) -> None:
        # growing copies, so the old and the new arrays exist together for a moment
        if self.limit is not None and self.vertices > 256 and 2 * self.used_bytes(vertices, edges) > self.limit:
            raise OverBudget


def _longer(array: Any, size: int, used: int) -> Any:
    result = np.empty((size, *array.shape[1:]), dtype=array.dtype)
    used = min(used, len(array))
    result[:used] = array[:used]
    return result
