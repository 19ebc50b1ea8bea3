"""How every complex begins: the corners and edges of its domain in the arrays, made once for a domain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import fmpq

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import wall_words
from polyhedra.arrays import Floats, Words
from polyhedra.scalars import ZERO, rational

HEAD = 2
"""Bookkeeping columns of a vertex row, before the coordinates."""
FACE, ZEROS, NEUTRAL = 4, 10, 0x3F80
"""Where an edge keeps its domain face (as int32) and its zeros (as int16); the amplification 1."""
UP, KNOWN = 1 << 29, 1 << 30
"""Bits beside an edge's domain face: its second end is higher, and that this is certain."""


@lru_cache
def functional_of(dim: int) -> Floats:
    """The functional whose minimum on a cell is its lowest vertex; in general position (no weights use its seed)."""
    return np.random.Generator(np.random.Philox(key=[0x9E3779B97F4A7C15, 0x7065697365757821])).normal(size=dim)


@lru_cache
def exact_functional_of(dim: int) -> tuple[fmpq, ...]:
    """The same functional in rationals."""
    return tuple(rational(float(c)) for c in functional_of(dim))


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """The 1-skeleton of a domain, as ``core/layout.hpp`` says.

    Attributes
    ----------
    rows : float64 array
        The corners' rows: residual one, amplification one, size zero.
    edges : uint64 array
        The edges' rows, still without fingerprints.
    coordinate_size : float
        The largest absolute value of a coordinate.
    longest : int
        The most 2-faces around an edge.
    """

    rows: Floats
    edges: Words
    coordinate_size: float
    longest: int


@lru_cache(maxsize=8)
def start_of(domain: Domain) -> Start:
    """The 1-skeleton of a domain."""
    d, corners = domain.dim, domain.float_corners()
    rows = np.zeros((len(corners), HEAD + d))
    rows[:, 0] = 1.0
    rows.view(np.float32)[:, 2] = 1.0
    rows[:, HEAD:] = corners
    exact = exact_functional_of(d)
    heights = [sum((c * x for c, x in zip(exact, corner, strict=True)), ZERO) for corner in domain.corners]
    order = [
        (UP if heights[a] < heights[b] else 0) | (KNOWN if heights[a] != heights[b] else 0)
        for a, b, _ in domain.edges.tolist()
    ]
    edges = np.zeros((len(order), (2 * ZEROS + 4 * (d - 1) + 7) // 8), dtype=np.uint64)
    e32, e16 = edges.view(np.int32), edges.view(np.int16)
    e32[:, :2] = domain.edges[:, :2]
    e32[:, FACE] = domain.edges[:, 2] | np.array(order, dtype=np.int32)
    e16[:, ZEROS : ZEROS + d - 1] = -1
    e16[:, ZEROS + d - 1 : ZEROS + 2 * (d - 1)] = NEUTRAL
    around = (np.diff(domain.cover_start) + 2 * (domain.face_dim - 1))[domain.face_dim >= 1]
    return Start(rows, edges, float(np.abs(corners).max()), int(around.max(initial=0)))


@lru_cache(maxsize=8)
def words_of_start(seed: int, domain: Domain) -> tuple[Words, Words]:
    """The words of the corners and edges of a domain."""
    words = face_words(seed, domain)
    return words[domain.corner_face], words[domain.edges[:, 2]]


@lru_cache(maxsize=8)
def face_words(seed: int, domain: Domain) -> Words:
    """For each face of a domain the sum of the words of all walls that contain it."""
    words = wall_words(seed, [label for _, _, label in domain.walls])
    result: Words = np.where(domain.face_walls, words, np.uint64(0)).sum(axis=1, dtype=np.uint64)
    return result
