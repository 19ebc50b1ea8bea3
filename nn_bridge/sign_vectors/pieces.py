"""The domain cut into pieces, so that each fits into memory, and their complexes joined again.

A piece is a part of the domain behind artificial walls.  Two neighbours see the same complex on their common wall, so
an edge that crosses it appears on both sides with the same fingerprint; joining removes the wall's vertices and edges
and glues these halves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.plan import Floats, Plan, Words
from nn_bridge.sign_vectors.skeleton import HEAD, OverBudget, Skeleton
from nn_bridge.sign_vectors.subdivide import Outcome, subdivide

SHARES = (fmpq(524309, 1 << 20), fmpq(480169, 1 << 20))
"""Where a piece is halved, in parts of its extent: first try, and second if the wall met a vertex."""
MAX_DEPTH = 40


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

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        arrays = (getattr(self, name) for name in self.__slots__)
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


Cutter = Callable[[Plan, Domain, int | None], Piece]


def cut_on_cpu(plan: Plan, domain: Domain, limit: int | None) -> Piece:
    """Subdivide a piece with the compiled kernels."""
    outcome = Outcome()
    skeleton = Skeleton(plan, domain, limit)
    subdivide(plan, skeleton, outcome)
    return finish(skeleton, outcome)


def finish(skeleton: Skeleton, outcome: Outcome) -> Piece:
    """Copy what stays out of the working arrays, and let these go."""
    from nn_bridge import _edge_kernels as kernels  # numba loads and compiles only where it is used

    v, e, d = skeleton.vertices, skeleton.edges, skeleton.d
    vertices, error = np.empty((v, d)), np.empty(v, dtype=np.float32)
    unit = (1 + 1e-9) / float(skeleton.scaled[HEAD : HEAD + d].min())
    kernels.copy_vertices(skeleton.rows, skeleton.row32, unit, vertices, error)
    zeros, faces, words = skeleton.zeros[:v].copy(), skeleton.faces[:v].copy(), skeleton.fingerprint[:v].copy()
    skeleton.rows = np.zeros((0, skeleton.width))
    skeleton.row32 = skeleton.rows.view(np.float32)
    ends, edge_zeros = np.empty((e, 2), dtype=np.int32), np.empty((e, d - 1), dtype=np.int16)
    edge_faces, up, edge_words = np.empty(e, dtype=np.int32), np.empty(e, dtype=np.uint8), np.empty(e, dtype=np.uint64)
    edges = kernels.Edges(skeleton.e64, skeleton.e32, skeleton.e16)
    kernels.copy_edges(
        edges, skeleton.signs, skeleton.signs.reshape(-1), skeleton.table_before, ends, edge_zeros, edge_faces, up,
        edge_words,
    )  # fmt: skip
    return Piece(
        skeleton.domain, vertices, error, ends, zeros, edge_zeros, faces, edge_faces, up, words, edge_words, outcome
    )


def halves_of(domain: Domain, share: fmpq, label: int) -> tuple[Domain, Domain, int, fmpq]:
    """The domain cut across its longest extent; also the axis and the position."""
    sides = [(min(c[i] for c in domain.corners), max(c[i] for c in domain.corners)) for i in range(domain.dim)]
    axis = max(range(domain.dim), key=lambda i: sides[i][1] - sides[i][0])
    low, high = sides[axis]
    position = low + (high - low) * share
    left, right = domain.halves(axis, position, label)
    return left, right, axis, position


def cut_in_pieces(
    plan: Plan, domain: Domain, limit: int, room: int, cutter: Cutter = cut_on_cpu, depth: int = 0
) -> Piece:
    """Subdivide a domain, in two halves where its working arrays do not fit the limit.

    Parameters
    ----------
    limit, room : int
        Bytes for the working arrays of a piece, and for the finished complex (twice, while pieces are joined).

    Raises
    ------
    OverBudget
        Even tiny pieces do not fit, or the finished complex does not.
    """
    try:
        return cutter(plan, domain, limit)
    except OverBudget:
        if depth >= MAX_DEPTH:
            raise
    attempt: Piece | None = None
    for trial, share in enumerate(SHARES):
        label = -(2 * depth + trial + 1)
        left, right, _, _ = halves_of(domain, share, label)
        first = cut_in_pieces(plan, left, limit, room, cutter, depth + 1)
        if first.outcome.sound:
            second = cut_in_pieces(plan, right, limit, room, cutter, depth + 1)
            if 2 * (first.size + second.size) > room:
                raise OverBudget
            attempt = join(domain, first, second, label) if second.outcome.sound else second
        else:
            attempt = first
        if attempt.outcome.sound:
            break
    assert attempt is not None
    return attempt


def join(domain: Domain, left: Piece, right: Piece, label: int) -> Piece:
    """The complex on both sides of the artificial wall with this label."""
    sides = [_Side(domain, piece, label) for piece in (left, right)]
    offset = sides[0].count
    first, second = sides
    order = [np.argsort(side.cross_words) for side in sides]
    outcome = Outcome(
        decided=left.outcome.decided + right.outcome.decided,
        neurons=min(left.outcome.neurons, right.outcome.neurons),
        consistent=np.array_equal(first.cross_words[order[0]], second.cross_words[order[1]]),
    )
    if not outcome.consistent:
        return right if not right.outcome.sound else _spoilt(left, outcome)
    glued = np.stack([first.cross_ends[order[0]], second.cross_ends[order[1]] + offset], axis=1).astype(np.int32)
    crossing = first.crossing[order[0]]
    ups = [side.cross_up[o] for side, o in zip(sides, order, strict=True)]
    # from the left end to the wall, or from the wall to the right end: either tells the whole edge's direction
    up = np.where(ups[0] < 2, ups[0], np.where(ups[1] < 2, 1 - ups[1], 2)).astype(np.uint8)

    def join_rows(name: str, masks: tuple[NDArray[np.bool_], NDArray[np.bool_]], extra: bool) -> np.ndarray:
        parts = [getattr(piece, name)[mask] for piece, mask in zip((left, right), masks, strict=True)]
        if extra:
            parts.append(getattr(left, name)[crossing])
        return np.concatenate(parts)

    kept = (first.kept, second.kept)
    inner = (first.inner, second.inner)
    faces = [side.vertex_faces for side in sides]
    edge_faces = [side.edge_faces[side.inner] for side in sides] + [first.edge_faces[crossing]]
    return Piece(
        domain,
        join_rows("vertices", kept, False),
        join_rows("vertex_error", kept, False),
        np.concatenate([first.inner_edges, second.inner_edges + np.int32(offset), glued]),
        join_rows("vertex_zeros", kept, False),
        join_rows("edge_zeros", inner, True),
        np.concatenate([faces[0][first.kept], faces[1][second.kept]]),
        np.concatenate(edge_faces),
        np.concatenate([left.edge_up[first.inner], right.edge_up[second.inner], up]),
        join_rows("vertex_words", kept, False),
        join_rows("edge_words", inner, True),
        outcome,
        left.pieces + right.pieces,
    )


def _spoilt(piece: Piece, outcome: Outcome) -> Piece:
    piece.outcome.consistent = outcome.consistent
    return piece


class _Side:
    """One piece seen from the wall: what stays, and which edges cross (private)."""

    def __init__(self, domain: Domain, piece: Piece, label: int) -> None:
        target = _face_map(domain, piece.domain, label)
        self.vertex_faces = target[piece.vertex_faces]
        self.edge_faces = target[piece.edge_faces]
        self.kept = self.vertex_faces >= 0
        self.count = int(self.kept.sum())
        number = np.where(self.kept, np.cumsum(self.kept) - 1, -1).astype(np.int32)
        ends = number[piece.edges]
        outside = self.edge_faces >= 0
        self.inner = outside & (ends >= 0).all(axis=1)
        self.inner_edges = ends[self.inner]
        self.crossing = np.nonzero(outside & ~self.inner)[0]
        self.cross_words = piece.edge_words[self.crossing]
        self.cross_ends = ends[self.crossing].max(axis=1)
        up = piece.edge_up[self.crossing]
        # the direction from the end that stays to the wall
        self.cross_up = np.where((up < 2) & (ends[self.crossing, 0] < 0), 1 - up, up)


def _face_map(domain: Domain, part: Domain, label: int) -> NDArray[np.int32]:
    """For each face of the part the domain face that it lies in, or -1 if it lies in the wall between the parts."""

    def names(of: Domain) -> list[frozenset[int]]:
        labels = np.array([wall[2] for wall in of.walls])
        return [frozenset(labels[row].tolist()) for row in of.face_walls]

    number = {name: index for index, name in enumerate(names(domain))}
    return np.array([-1 if label in name else number[name] for name in names(part)], dtype=np.int32)
