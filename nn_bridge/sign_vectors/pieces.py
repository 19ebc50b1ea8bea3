"""The domain cut into pieces, so that each fits into memory.

A piece is a part of the domain behind artificial walls; `piece.Assembly` puts their complexes together.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from flint import fmpq

from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.piece import Assembly, Piece
from nn_bridge.sign_vectors.plan import Plan
from nn_bridge.sign_vectors.skeleton import OF_CUTS, OF_VERTICES, SPARE, OverBudget, Skeleton
from nn_bridge.sign_vectors.subdivide import Outcome, subdivide

SHARES = (fmpq(524309, 1 << 20), fmpq(480169, 1 << 20))
"""Where a piece is halved, in parts of its extent: first try, and second if the wall met a vertex."""
MAX_DEPTH = 40
F64, F32, U64, I32, I16, U8 = (np.dtype(name) for name in ("f8", "f4", "u8", "i4", "i2", "u1"))

Cutter = Callable[[Plan, Domain, int | None], Piece]


def cut_on_cpu(plan: Plan, domain: Domain, limit: int | None) -> Piece:
    """Subdivide a piece by the compiled core."""
    outcome = Outcome()
    skeleton = Skeleton(plan, domain, limit)
    subdivide(plan, skeleton, outcome)
    return finish(skeleton, outcome)


def finish(skeleton: Skeleton, outcome: Outcome) -> Piece:
    """Copy what stays out of the working arrays, and let these go."""
    from nn_bridge.sign_vectors import kernels

    v, e, d = skeleton.vertices, skeleton.edges, skeleton.d
    vertices, words, edge_words, ends, faces, edge_faces, error, zeros, edge_zeros, up = _arrays_of_one_buffer(
        ((v, d), F64), ((v,), U64), ((e,), U64), ((e, 2), I32), ((v,), I32), ((e,), I32), ((v,), F32), ((v, d), I16),
        ((e, d - 1), I16), ((e,), U8),
    )  # fmt: skip
    columns_of_vertices = kernels.VertexColumns(vertices, error, zeros, faces, words)
    kernels.copy_vertices(skeleton.vertex_arrays, skeleton.scaled, columns_of_vertices)
    size = skeleton.nbytes
    large = size > SPARE
    if large:
        skeleton.let_go(*OF_VERTICES, *OF_CUTS)
    columns = kernels.EdgeColumns(ends, edge_zeros, edge_faces, up, edge_words)
    kernels.copy_edges(skeleton.e64, skeleton.signs, skeleton.table_before, columns)
    if large:
        skeleton.let_go("e64", "e32", "e16", "signs")
    else:
        skeleton.keep(size)
    return Piece(
        skeleton.domain, vertices, error, ends, zeros, edge_zeros, faces, edge_faces, up, words, edge_words, outcome
    )


def _arrays_of_one_buffer(*kinds: tuple[tuple[int, ...], np.dtype[Any]]) -> list[np.ndarray]:
    """Empty arrays of these shapes and types, those with the largest numbers first; large ones have their own memory.

    One block of memory the system's library learns to keep for the next complex; of many it gives the pages back, and
    to touch new ones takes a fifth of the time of a small complex.
    """
    sizes = [prod(shape) * dtype.itemsize for shape, dtype in kinds]
    if sum(sizes) > SPARE:
        return [np.empty(shape, dtype=dtype) for shape, dtype in kinds]
    arrays, start = [], 0
    buffer = np.empty(sum(sizes), dtype=U8)
    for (shape, dtype), size in zip(kinds, sizes, strict=True):
        arrays.append(np.ndarray(shape, dtype, buffer, start))
        start += size
    return arrays


def halves_of(domain: Domain, share: fmpq, label: int) -> tuple[Domain, Domain, int, fmpq]:
    """The domain cut across its longest extent; also the axis and the position."""
    sides = [(min(c[i] for c in domain.corners), max(c[i] for c in domain.corners)) for i in range(domain.dim)]
    axis = max(range(domain.dim), key=lambda i: sides[i][1] - sides[i][0])
    low, high = sides[axis]
    position = low + (high - low) * share
    left, right = domain.halves(axis, position, label)
    return left, right, axis, position


def cut_in_pieces(plan: Plan, domain: Domain, limit: int, room: int, cutter: Cutter = cut_on_cpu) -> Piece:
    """Subdivide a domain, in pieces where its working arrays do not fit the limit.

    Parameters
    ----------
    plan : Plan
    domain : Domain
    limit, room : int
        Bytes for the working arrays of a piece, and for the finished complex.
    cutter : callable
        Subdivides one piece; see `Cutter`.

    Raises
    ------
    OverBudget
        Even tiny pieces do not fit, or the finished complex does not.
    """
    piece = _attempt(plan, domain, limit, cutter)
    if piece:
        return piece
    assembly = Assembly(domain)
    failed = _cut_halves(plan, assembly, domain, limit, room, cutter, 0)
    return failed or assembly.finish()


def _attempt(plan: Plan, domain: Domain, limit: int, cutter: Cutter) -> Piece | None:
    """The piece, or None where it does not fit: then nothing of it stays alive."""
    try:
        return cutter(plan, domain, limit)
    except OverBudget:
        return None


def _cut_halves(
    plan: Plan, assembly: Assembly, domain: Domain, limit: int, room: int, cutter: Cutter, depth: int
) -> Piece | None:
    """Add the pieces of a domain that is too large for one; returns one that is not sound, if it cannot be avoided."""
    if depth >= MAX_DEPTH:
        raise OverBudget
    start = assembly.state()
    failed: Piece | None = None
    for trial, share in enumerate(SHARES):
        left, right, _, _ = halves_of(domain, share, -(2 * depth + trial + 1))
        for half in (left, right):
            failed = _cut_half(plan, assembly, half, limit, room, cutter, depth + 1)
            if failed:
                break
        else:
            return None
        assembly.back_to(start)
    return failed


def _cut_half(
    plan: Plan, assembly: Assembly, domain: Domain, limit: int, room: int, cutter: Cutter, depth: int
) -> Piece | None:
    piece = _attempt(plan, domain, limit, cutter)
    if piece is None:
        return _cut_halves(plan, assembly, domain, limit, room, cutter, depth)
    if not piece.outcome.sound:
        return piece
    assembly.add(piece)
    if assembly.size > room:
        raise OverBudget
    return None
