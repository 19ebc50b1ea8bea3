"""`Piece`: the finished 1-skeleton of a part of the domain, and `Part`: what of it goes into the whole complex.

Neighbouring pieces see the same complex on the wall between them, so an edge that crosses walls appears in several
pieces with the same fingerprint.  What lies in such a wall is no part of the complex; of the edges that end there only
those with an end inside the piece matter: there are two for every edge of the complex that crosses walls.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import Floats, Words
from nn_bridge.sign_vectors.subdivide import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The finished 1-skeleton of a piece (the arrays of `nn_bridge.complex.Complex`).

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


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A sound piece without its artificial walls.

    Attributes
    ----------
    arrays : dict of arrays
        Those of a `Piece`, by name, with faces of the whole domain.
    crossing : dict of arrays
        For edges that end in an artificial wall: the edge arrays, and ``end``, the vertex at which they begin;
        ``edge_up`` tells whether the wall is higher than that.
    """

    arrays: dict[str, np.ndarray]
    crossing: dict[str, np.ndarray]
    outcome: Outcome

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for arrays in (self.arrays, self.crossing) for array in arrays.values())

    @property
    def vertices(self) -> int:
        """The number of vertices."""
        return len(self.arrays["vertices"])

    @classmethod
    def of(cls, whole: Domain, piece: Piece) -> Part:
        """What of a piece of the whole domain lies outside the artificial walls."""
        target = _face_map(whole, piece.domain)
        faces, edge_faces = target[piece.vertex_faces], target[piece.edge_faces]
        kept = faces >= 0
        ends = np.where(kept, np.cumsum(kept, dtype=np.int32) - 1, np.int32(-1)).astype(np.int32)[piece.edges]
        left, right = ends[:, 0] >= 0, ends[:, 1] >= 0
        inner = (edge_faces >= 0) & left & right
        across = (edge_faces >= 0) & (left != right)
        vertex = {name: getattr(piece, name)[kept] for name in VERTEX_ARRAYS} | {"vertex_faces": faces[kept]}
        edge = {name: getattr(piece, name)[inner] for name in EDGE_ARRAYS}
        edge |= {"edges": ends[inner], "edge_faces": edge_faces[inner]}
        crossing = {name: getattr(piece, name)[across] for name in EDGE_ARRAYS}
        up = crossing["edge_up"]
        crossing |= {
            "end": ends[across].max(axis=1),
            "edge_faces": edge_faces[across],
            "edge_up": np.where(right[across] & (up < 2), 1 - up, up),
        }
        return cls(vertex | edge, crossing, piece.outcome)


VERTEX_ARRAYS = ("vertices", "vertex_error", "vertex_zeros", "vertex_words")
EDGE_ARRAYS = ("edge_zeros", "edge_up", "edge_words")
"""Arrays that are taken over as they are; faces and ends are renumbered."""


def join(domain: Domain, parts: list[Part]) -> Piece:
    """The complex of the whole domain; the parts are used up."""
    offsets = np.cumsum([0] + [part.vertices for part in parts[:-1]]).astype(np.int32)
    for part, offset in zip(parts, offsets, strict=True):
        part.arrays["edges"] += offset
        part.crossing["end"] += offset
    crossing = {name: np.concatenate([part.crossing[name] for part in parts]) for name in parts[0].crossing}
    words = crossing["edge_words"]
    order = np.argsort(words)
    first, second = order[0::2], order[1::2]
    # every edge that crosses walls has two ends
    twice = len(order) % 2 == 0 and np.array_equal(words[first], words[second])
    twice = twice and not np.any(words[second[:-1]] == words[first[1:]])
    outcome = Outcome(
        decided=sum(part.outcome.decided for part in parts),
        neurons=min(part.outcome.neurons for part in parts),
        consistent=twice,
    )
    if not twice:
        first = second = order[:0]
    up, down = crossing["edge_up"][first], crossing["edge_up"][second]
    glued = {name: crossing[name][first] for name in ("edge_zeros", "edge_words", "edge_faces")}
    glued["edges"] = np.stack([crossing["end"][first], crossing["end"][second]], axis=1)
    glued["edge_up"] = np.where(up < 2, up, np.where(down < 2, 1 - down, 2)).astype(np.uint8)
    names = [field.name for field in fields(Piece) if field.name in parts[0].arrays]
    arrays = {}
    for name in names:
        # one name at a time, so that little is there twice
        arrays[name] = np.concatenate(
            [part.arrays.pop(name) for part in parts] + ([glued[name]] if name in glued else [])
        )
    return Piece(domain, **arrays, outcome=outcome, pieces=len(parts))


def _face_map(whole: Domain, part: Domain) -> NDArray[np.int32]:
    """For each face of the part the face of the whole domain that it lies in, or -1 if it is in an artificial wall."""

    def names(of: Domain) -> list[frozenset[int]]:
        labels = np.array([wall[2] for wall in of.walls])
        return [frozenset(labels[row].tolist()) for row in of.face_walls]

    number = {name: index for index, name in enumerate(names(whole))}
    return np.array([-1 if min(name, default=0) < 0 else number[name] for name in names(part)], dtype=np.int32)
