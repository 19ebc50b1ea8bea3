"""`Piece`: the finished 1-skeleton of a part of the domain, and `Assembly`: the whole complex from pieces.

Neighbouring pieces see the same complex on the wall between them, so an edge that crosses walls appears in several
pieces with the same fingerprint.  What lies in such a wall is no part of the complex; of the edges that end there only
those with an end inside the piece matter: there are two for every edge of the complex that crosses walls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.subdivide import Outcome
from polyhedra.arrays import Floats, Words


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The finished 1-skeleton of a piece (the arrays of `nn_bridge.sign_vectors.complex.Complex`).

    ``edge_up`` is 1 where the second end of an edge is the higher one, 0 where it is the lower, 2 where that is open.
    """

    domain: Domain
    vertices: Floats
    vertex_error: NDArray[np.float32]
    edges: NDArray[np.int32]
    vertex_zeros: NDArray[np.int16]
    edge_zeros: NDArray[np.int16]
    vertex_faces: NDArray[np.int32]
    edge_faces: NDArray[np.int32]
    edge_up: NDArray[np.uint8]
    vertex_words: Words
    edge_words: Words
    outcome: Outcome
    pieces: int = 1


VERTEX_ARRAYS = ("vertices", "vertex_error", "vertex_zeros", "vertex_words")
EDGE_ARRAYS = ("edge_zeros", "edge_up", "edge_words")
"""Arrays that are taken over as they are; faces and ends are renumbered."""
BLOCK_BYTES = 1 << 26


class _Rows:
    """A growing array with room ahead; pages that are never touched cost nothing."""

    def __init__(self) -> None:
        self._room: np.ndarray | None = None
        self._used = 0

    @property
    def array(self) -> np.ndarray:
        """The added rows (a view)."""
        return np.zeros(0) if self._room is None else self._room[: self._used]

    def add(self, rows: np.ndarray) -> None:
        """Append rows."""
        used = self._used
        self._used += len(rows)
        if self._room is None or self._used > len(self._room):
            # blocks of this size have pages of their own, which go back to the system when they are let go
            size = max(2 * self._used, BLOCK_BYTES // max(1, rows[:1].nbytes))
            longer = np.empty((size, *rows.shape[1:]), dtype=rows.dtype)
            if used:
                longer[:used] = self._room[:used]  # type: ignore[index]
            self._room = longer
        self._room[used : self._used] = rows

    def cut(self, length: int) -> None:
        """Forget all but the first rows."""
        self._used = length

    def __len__(self) -> int:
        return self._used


class Assembly:
    """The complex of a domain while its pieces come in (private, mutable)."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        names = (*VERTEX_ARRAYS, "vertex_faces", *EDGE_ARRAYS, "edges", "edge_faces")
        self._rows = {name: _Rows() for name in names}
        self._crossing = {name: _Rows() for name in (*EDGE_ARRAYS, "edge_faces", "ends")}
        self._outcomes: list[Outcome] = []

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        everything = (*self._rows.values(), *self._crossing.values())
        return sum(rows.array.nbytes for rows in everything)

    def state(self) -> tuple[int, ...]:
        """The position that `back_to` takes to forget all pieces that come later."""
        return (len(self._outcomes), *map(len, (*self._rows.values(), *self._crossing.values())))

    def back_to(self, state: tuple[int, ...]) -> None:
        """Forget all pieces that came after this state."""
        del self._outcomes[state[0] :]
        for rows, length in zip((*self._rows.values(), *self._crossing.values()), state[1:], strict=True):
            rows.cut(length)

    def add(self, piece: Piece) -> None:
        """Take over what of a sound piece lies outside the artificial walls."""
        target = _face_map(self.domain, piece.domain)
        faces, edge_faces = target[piece.vertex_faces], target[piece.edge_faces]
        kept = faces >= 0
        offset = len(self._rows["vertices"])
        number = np.where(kept, np.cumsum(kept, dtype=np.int32) + np.int32(offset - 1), np.int32(-1)).astype(np.int32)
        ends = number[piece.edges]
        left, right = ends[:, 0] >= 0, ends[:, 1] >= 0
        inner = (edge_faces >= 0) & left & right
        across = (edge_faces >= 0) & (left != right)
        for name in VERTEX_ARRAYS:
            self._rows[name].add(getattr(piece, name)[kept])
        self._rows["vertex_faces"].add(faces[kept])
        for name in EDGE_ARRAYS:
            array = getattr(piece, name)
            self._rows[name].add(array[inner])
            if name != "edge_up":
                self._crossing[name].add(array[across])
        up = piece.edge_up[across]
        # of an edge that ends in a wall: whether the wall is higher than the end that stays
        self._crossing["edge_up"].add(np.where(right[across] & (up < 2), 1 - up, up).astype(np.uint8))
        for rows, chosen in ((self._rows, inner), (self._crossing, across)):
            rows["edge_faces"].add(edge_faces[chosen])
        self._rows["edges"].add(ends[inner])
        self._crossing["ends"].add(ends[across].max(axis=1, initial=-1))
        self._outcomes.append(piece.outcome)

    def finish(self) -> Piece:
        """The complex of the whole domain."""
        crossing = {name: rows.array for name, rows in self._crossing.items()}
        words = crossing["edge_words"]
        order = np.argsort(words)
        first, second = order[0::2], order[1::2]
        # every edge that crosses walls has two ends
        twice = len(order) % 2 == 0 and np.array_equal(words[first], words[second])
        twice = twice and not np.any(words[second[:-1]] == words[first[1:]])
        if twice:
            up, down = crossing["edge_up"][first], crossing["edge_up"][second]
            for name in ("edge_zeros", "edge_words", "edge_faces"):
                self._rows[name].add(crossing[name][first])
            self._rows["edges"].add(np.stack([crossing["ends"][first], crossing["ends"][second]], axis=1))
            self._rows["edge_up"].add(np.where(up < 2, up, np.where(down < 2, 1 - down, 2)).astype(np.uint8))
        outcome = Outcome(
            decided=sum(part.decided for part in self._outcomes),
            neurons=min(part.neurons for part in self._outcomes),
            consistent=bool(twice),
        )
        arrays: dict[str, Any] = {name: rows.array for name, rows in self._rows.items()}
        return Piece(self.domain, **arrays, outcome=outcome, pieces=len(self._outcomes))


def _face_map(whole: Domain, part: Domain) -> NDArray[np.int32]:
    """For each face of the part the face of the whole domain that it lies in, or -1 if it is in an artificial wall."""

    def names(of: Domain) -> list[frozenset[int]]:
        labels = np.array([wall[2] for wall in of.walls])
        return [frozenset(labels[row].tolist()) for row in of.face_walls]

    number = {name: index for index, name in enumerate(names(whole))}
    return np.array([-1 if min(name, default=0) < 0 else number[name] for name in names(part)], dtype=np.int32)
