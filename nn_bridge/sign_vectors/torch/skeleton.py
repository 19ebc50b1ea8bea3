"""The 1-skeleton on a torch device while it is being cut, and what its steps look up there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import Plan
from nn_bridge.sign_vectors.skeleton import Layout, Skeleton, layout_of
from nn_bridge.sign_vectors.start import FACE, HEAD, KNOWN, UP
from nn_bridge.sign_vectors.subdivide import Outcome
from nn_bridge.sign_vectors.torch import kernels
from nn_bridge.sign_vectors.torch.storage import Storage, Table

BLOCK = 62
"""Neurons that are cut together, one bit each in a sign word."""
CHUNKS = {"cpu": 1 << 24}
CHUNK = 1 << 28
"""Bytes of temporaries at once: on the CPU few enough to stay in its last cache, else enough to fill a GPU."""
LEAST_CHUNK = 64
WORDS = 24
"""Temporary numbers beside those of a vertex row, for each row that is worked on."""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Words and faces as tensors on the device; a move leads from an edge to a 2-face around it.

    Move j leaves the edge's zero ``j // 2``, to the positive side where j is odd; where the domain face has fewer zeros
    the places go to its covers, and to nothing.

    Attributes
    ----------
    zero, positive : (neurons,) int64
    away : (neurons + 1, 2) int64
        What leaving a zero adds to a fingerprint, by side; the first row stands for no zero.
    moves : int
        Places for moves of an edge, an even number.
    leave : (faces * moves,) int64
        The place of the zero that a move leaves, d - 1 where it leaves none.
    exists : (faces * moves,) bool
        Whether there is a move in this place.
    moves_around : (faces,) int64
        How many moves there are.
    gain, target : (faces * moves,) int64, int32
        What a move to a cover adds; the domain face of the 2-face.
    face_words, face_dim : (faces,) int64
    functional : (d,) float64
    """

    zero: Tensor
    positive: Tensor
    away: Tensor
    moves: int
    leave: Tensor
    exists: Tensor
    moves_around: Tensor
    gain: Tensor
    target: Tensor
    face_words: Tensor
    face_dim: Tensor
    functional: Tensor


class TorchSkeleton:
    """Vertices and edges of the complex cut so far (private, mutable)."""

    def __init__(self, plan: Plan, domain: Domain, limit: int | None, device: torch.device) -> None:
        start = Skeleton(plan, domain, None)
        self.plan, self.domain, self.device, self.d = plan, domain, device, domain.dim
        self.outcome = Outcome()
        self.names = self._names(start)
        columns = max([layout_of(plan, stage).columns for stage in plan.stages], default=HEAD + self.d)
        self.storage = Storage(columns, self.d, start.edges, self.names.moves, limit, device)
        chunk = CHUNKS.get(device.type, CHUNK)
        self._chunk = chunk if limit is None else min(chunk, limit // 8)
        self._begin(start)

    @property
    def vertices(self) -> Table:
        """The table of vertices."""
        return self.storage.vertices

    @property
    def edges(self) -> Table:
        """The table of edges."""
        return self.storage.edges

    def tensor(self, array: Any) -> Tensor:
        """A numpy array on the device; unsigned words as wrapping int64."""
        array = np.ascontiguousarray(array)
        return torch.tensor(array.view(np.int64) if array.dtype == np.uint64 else array, device=self.device)

    def chunk(self, layout: Layout) -> int:
        """Rows to work on at once."""
        return max(LEAST_CHUNK, self._chunk // self._row_bytes(layout))

    def chunk_bytes(self, layout: Layout) -> int:
        """Bytes of temporaries that they take."""
        return self.chunk(layout) * self._row_bytes(layout)

    def _row_bytes(self, layout: Layout) -> int:
        # the two ends, their difference, and the bounds of a block's values; moves have keys and what makes them
        return 8 * (5 * layout.columns + WORDS + 4 * self.names.moves + 4 * self.d)

    def _begin(self, start: Skeleton) -> None:
        """The domain's corners and edges."""
        v, e, d = start.vertices, start.edges, self.d
        self.storage.reserve(v, e, 0)
        rows = np.zeros((v, HEAD + d))
        rows[:, kernels.RESIDUAL] = 1.0
        rows[:, HEAD:] = start.rows[:v, HEAD : HEAD + d]
        self.vertices.span("rows", 0, v)[:, : HEAD + d] = self.tensor(rows)
        self.vertices.span("steps", 0, v).zero_()
        self.vertices.span("bits", 0, v).zero_()
        self.vertices.put("words", 0, self.tensor(start.fingerprint[:v]))
        self.vertices.span("zeros", 0, v).fill_(-1)
        self.vertices.put("faces", 0, self.tensor(start.faces[:v]))
        self.vertices.used = v
        face_words = start.e32[:e, FACE]
        self.edges.put("a", 0, self.tensor(start.e32[:e, 0]))
        self.edges.put("b", 0, self.tensor(start.e32[:e, 1]))
        self.edges.put("words", 0, self.tensor(start.e64[:e, 1]))
        self.edges.span("zeros", 0, e).fill_(-1)
        self.edges.span("steps", 0, e).zero_()
        self.edges.put("faces", 0, self.tensor(face_words & (UP - 1)))
        self.edges.put("up", 0, self.tensor(np.where(face_words & KNOWN, (face_words & UP) // UP, 2).astype(np.uint8)))
        self.edges.used = e
        # 1 / scale of the columns; the bookkeeping ones have none
        self.scaled = self.tensor(start.scaled[: HEAD + d] * (np.arange(HEAD + d) >= HEAD))

    def _names(self, start: Skeleton) -> Names:
        plan, domain = self.plan, self.domain
        zero, positive = plan.zero, plan.positive
        with np.errstate(over="ignore"):
            away = np.stack([np.uint64(0) - zero, positive - zero], axis=1)
        away = np.concatenate([np.zeros((1, 2), dtype=np.uint64), away])
        longest = max(start.longest, 2 * (self.d - 1), 2)
        moves = longest + longest % 2
        faces = len(domain.face_dim)
        place = np.arange(moves)
        zeros = np.maximum(domain.face_dim - 1, 0)[:, None]
        number = place - 2 * zeros
        leaves = number < 0
        covers = (number >= 0) & (number < np.diff(domain.cover_start)[:, None])
        at = np.where(covers, domain.cover_start[:-1, None] + number, 0)
        own = np.arange(faces)[:, None]
        target = np.where(covers, domain.covers[at] if len(domain.covers) else 0, own)
        with np.errstate(over="ignore"):
            gain = start.face_word[target] - start.face_word[own]
        return Names(
            self.tensor(zero),
            self.tensor(positive),
            self.tensor(away),
            moves,
            self.tensor(np.where(leaves, place // 2, self.d - 1).reshape(-1)),
            self.tensor((leaves | covers).reshape(-1)),
            self.tensor((leaves | covers).sum(axis=1)),
            self.tensor(gain.reshape(-1)),
            self.tensor(target.astype(np.int32).reshape(-1)),
            self.tensor(start.face_word),
            self.tensor(domain.face_dim.astype(np.int64)),
            self.tensor(start.functional),
        )
