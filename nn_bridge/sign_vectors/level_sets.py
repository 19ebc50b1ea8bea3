"""`level_set`: where an output of a network takes a value, as an exact-combinatorial polygonal curve or surface.

The output is one more hyperplane of the complex; the part of the 1-skeleton inside it is the level set: complete, not
sampled.  Cells on which the output provably keeps away from the value are dropped between stages where that pays.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, AffineStage, Network
from nn_bridge.sign_vectors.domain import Domain, as_domain
from nn_bridge.sign_vectors.extractor import MAX_RESEEDS, WORKING_SHARE
from nn_bridge.sign_vectors.memory import budget_name, room_for
from nn_bridge.sign_vectors.piece import EDGE_ARRAYS, VERTEX_ARRAYS, Piece
from nn_bridge.sign_vectors.pieces import cut_in_pieces, finish
from nn_bridge.sign_vectors.plan import FloatStage, Plan, plan_of
from nn_bridge.sign_vectors.pruning import drop_cells
from nn_bridge.sign_vectors.skeleton import OverBudget, Skeleton, layout_of
from nn_bridge.sign_vectors.start import face_words
from nn_bridge.sign_vectors.subdivide import Outcome, cut_stage
from polyhedra.arrays import Floats, Integers
from polyhedra.plurals import counted
from polyhedra.scalars import rational, to_text

PRUNE_FROM = 30000
"""Vertices below which there is nothing to gain: cutting them is fast."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelSet:
    """A level set {output = level} in a polytope of R^2 or R^3.

    Attributes
    ----------
    network : Network
    level : rational
    vertices : float64 array of shape (vertices, n)
    vertex_error : float32 array of shape (vertices,)
        A bound on the error of each coordinate of a vertex.
    edges : integer array of shape (edges, 2)
        For n = 2 the segments, each with the larger values on its left.
    start, members : integer arrays
        For n = 3 polygon ``i`` has the vertices ``members[start[i] : start[i + 1]]``, counter-clockwise seen from the
        side of the larger values.  For n = 2 the same description of the segments.
    normals : float64 array of shape (faces, n)
        Unit normals of the segments or polygons, towards larger values.
    vertex_zeros : int16 array of shape (vertices, n)
        The neurons whose hyperplanes meet in each vertex (the output is the last one), padded with -1.
    vertex_walls : tuple of tuples of int
        The walls of the domain that each vertex lies on.
    domain : Domain
        The polytope with its face lattice.
    """

    network: Network
    level: Any
    vertices: Floats
    vertex_error: NDArray[np.float32]
    edges: Integers
    start: Integers
    members: Integers
    normals: Floats
    vertex_zeros: NDArray[np.int16]
    vertex_walls: tuple[tuple[int, ...], ...] = field(repr=False)
    domain: Domain = field(repr=False)
    _plan: Plan = field(repr=False)

    def __repr__(self) -> str:
        what = "segments" if self.dim == 2 else "polygons"
        return f"<LevelSet in R^{self.dim}: {counted(len(self.vertices), 'vertex', 'vertices')}, {len(self)} {what}>"

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def dim(self) -> int:
        """The dimension n of the input space."""
        return self.vertices.shape[1]

    def triangles(self) -> Integers:
        """The polygons cut into triangles (a fan each): shape (triangles, 3); n = 3 only."""
        if self.dim != 3:
            raise NetworkError("a level set in the plane has segments, not triangles")
        size = np.diff(self.start) - 2
        which = np.repeat(np.arange(len(size)), size)
        step = np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
        first = self.start[which]
        return np.stack([self.members[first], self.members[first + step + 1], self.members[first + step + 2]], axis=1)

    def areas(self) -> Floats:
        """The length of every segment (n = 2) or the area of every polygon (n = 3)."""
        if self.dim == 2:
            return np.linalg.norm(self.vertices[self.edges[:, 1]] - self.vertices[self.edges[:, 0]], axis=1)
        a, b, c = (self.vertices[column] for column in self.triangles().T)
        areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
        owner = np.repeat(np.arange(len(self)), np.diff(self.start) - 2)
        return np.bincount(owner, areas, len(self)).astype(np.float64)

    def area(self) -> float:
        """The total length (n = 2) or area (n = 3)."""
        return float(self.areas().sum())

    def enclosed(self) -> float:
        """The area (n = 2) or volume (n = 3) inside, where the output is below the level.

        Meaningful where the level set is closed, that is where `is_closed`.
        """
        if self.dim == 2:
            a, b = (self.vertices[column] for column in self.edges.T)
            return float(-(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2)
        a, b, c = (self.vertices[column] for column in self.triangles().T)
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)

    def is_closed(self) -> bool:
        """Whether the level set stays away from the walls of the domain."""
        return not any(self.vertex_walls)


def level_set(
    network: Network,
    domain: Any,
    level: Any = 0,
    *,
    output: int = 0,
    prune: bool = True,
    memory: str | int | None = None,
) -> LevelSet:
    """The level set of one output on a box or bounded polyhedron in R^2 or R^3.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
    level : number
        Read exactly; a float stands for its binary value.
    output : int
        Which output.
    prune : bool
        Whether to follow only the cells that the level set can meet (the result is the same).
    memory : str or int, optional
        A budget such as ``"1GiB"``; the domain is worked on in pieces that fit. By default 60 % of what is free.

    Raises
    ------
    NetworkError
        The network has not 2 or 3 inputs, the domain is not bounded and full-dimensional, the budget is too small, or
        the complex is not generic (a level that is attained on a whole cell, for example, or everywhere).

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]]], [["1/9"] * 4, [-1]])
    >>> diamond = level_set(net, (-2, 2))
    >>> len(diamond), diamond.is_closed()
    (8, True)
    """
    if network.input_dim not in (2, 3):
        remedy = "its level sets are points" if network.input_dim == 1 else "restrict it to a plane or a space first"
        raise NetworkError(f"level sets are drawn in 2 or 3 inputs, this network has {network.input_dim}; {remedy}")
    chosen = network.select_outputs([output])
    bias = (chosen.output.bias[0] - rational(level),)
    if not chosen.output.blocks and not bias[0]:
        raise NetworkError(f"output {output} is {to_text(rational(level))} everywhere: that is no curve or surface")
    shifted = replace(chosen, output=AffineStage(chosen.output.blocks, bias), layers=None)
    polytope = as_domain(domain, network.input_dim)
    budget = room_for(memory)
    limit = int(WORKING_SHARE * budget)
    for seed in range(1 + MAX_RESEEDS):
        plan = plan_of(shifted, True, seed)
        try:
            piece = cut_in_pieces(plan, polytope, limit, budget - limit, partial(_cut_level, prune=prune))
        except OverBudget:
            raise NetworkError(f"{budget_name(memory)} is too small for this level set; give more") from None
        outcome = piece.outcome
        # as in `extract`: a collision of words is no fault of the network
        if outcome.consistent or outcome.doubtful:
            break
    if not outcome.sound:
        count = outcome.doubtful
        reason = "a 2-face was not met by exactly two edges"
        if count:
            reason = f"{count} doubtful {'vertex' if count == 1 else 'vertices'}"
        raise NetworkError(
            f"the level set is not generic: {reason}; boundary_pieces gives it exactly, or move the level or the domain"
        )
    return _surface(shifted, level, plan, piece)


def _cut_level(plan: Plan, domain: Domain, limit: int | None, prune: bool) -> Piece:
    """The part of a piece's complex in the last hyperplane."""
    skeleton = Skeleton(plan, domain, limit)
    outcome = Outcome()
    before: FloatStage | None = None
    for index, stage in enumerate(plan.stages):
        cut_stage(skeleton, index, before, outcome, tolerant=prune)
        if not outcome.sound:
            break
        if prune and skeleton.vertices > PRUNE_FROM and index + 1 < len(plan.stages):
            drop_cells(skeleton, index, layout_of(plan, stage))
            if not skeleton.vertices:
                break
        before = stage
    piece = finish(skeleton, outcome)
    last = plan.neurons - 1
    inside = (piece.vertex_zeros == last).any(axis=1)
    chosen = (piece.edge_zeros == last).any(axis=1)
    number = np.cumsum(inside, dtype=np.int32) - np.int32(1)
    arrays = {name: getattr(piece, name)[inside] for name in (*VERTEX_ARRAYS, "vertex_faces")}
    arrays |= {name: getattr(piece, name)[chosen] for name in (*EDGE_ARRAYS, "edge_faces")}
    return replace(piece, edges=number[piece.edges[chosen]], **arrays)


def _surface(network: Network, level: Any, plan: Plan, piece: Piece) -> LevelSet:
    """The segments or polygons of a complex in the last hyperplane."""
    from nn_bridge.sign_vectors import kernels

    n, last = piece.domain.dim, plan.neurons - 1
    edges = piece.edges.astype(np.int64)
    vertices = piece.vertices
    if n == 2:
        start, members = np.arange(0, 2 * len(edges) + 1, 2), edges.reshape(-1)
    else:
        words, owner = _polygon_words(plan, piece, last)
        order = np.argsort(words, kind="stable")
        words, owner = words[order], owner[order]
        first = np.nonzero(np.append(True, words[1:] != words[:-1]))[0] if len(words) else np.zeros(0, dtype=np.int64)
        start = np.append(first, len(words))
        members = np.empty(len(words), dtype=np.int64)
        if kernels.walk_polygons(start, edges[owner], members):
            raise NetworkError("a polygon of the level set does not close; please report this")
    centres = np.add.reduceat(vertices[members], start[:-1], axis=0) if len(members) else np.zeros((0, n))
    centres = centres / np.maximum(np.diff(start), 1)[:, None]
    gradients = output_gradients(plan, centres)
    length = np.linalg.norm(gradients, axis=1, keepdims=True)
    normals = gradients / np.where(length > 0, length, 1.0)
    _orient(vertices, start, members, normals, n)
    if n == 2:
        edges = members.reshape(-1, 2)
    names = [tuple(np.nonzero(row)[0].tolist()) for row in piece.domain.face_walls]
    walls = tuple(names[face] for face in piece.vertex_faces.tolist())
    return LevelSet(
        network,
        level,
        vertices,
        piece.vertex_error,
        edges,
        start,
        members,
        normals,
        piece.vertex_zeros,
        walls,
        piece.domain,
        plan,
    )


def _polygon_words(plan: Plan, piece: Piece, last: int) -> tuple[NDArray[np.uint64], Integers]:
    """The fingerprints of the polygons on the sides of every edge, and the edges' numbers."""
    words = face_words(plan.seed, piece.domain)
    zeros = piece.edge_zeros
    other = np.where(zeros[:, 0] == last, zeros[:, 1], zeros[:, 0])
    word = piece.edge_words
    free = np.nonzero(other >= 0)[0]
    minus = word[free] - plan.zero[other[free]]
    wall = np.nonzero(other < 0)[0]
    towards = word[wall] - words[piece.edge_faces[wall]] + words[-1]
    return (
        np.concatenate([minus, minus + plan.positive[other[free]], towards]),
        np.concatenate([free, free, wall]),
    )


def output_gradients(plan: Plan, points: Floats) -> Floats:
    """The gradient of the plan's last stage (one unit) at points inside cells: shape (points, n)."""
    n = points.shape[1]
    result = np.empty((len(points), n))
    for low in range(0, len(points), 8192):
        part = points[low : low + 8192]
        values = {INPUT: part}
        slopes = {INPUT: np.tile(np.eye(n), (len(part), 1, 1))}
        slope = np.zeros((len(part), 1, n))
        for index, stage in enumerate(plan.stages):
            value = np.tile(stage.bias, (len(part), 1))
            slope = np.zeros((len(part), stage.units, n))
            for source, weights in stage.reads:
                value += values[source] @ weights.T
                slope += weights @ slopes[source]
            values[index + 1] = np.maximum(value, 0.0)
            slopes[index + 1] = slope * (value > 0)[:, :, None]
        result[low : low + len(part)] = slope[:, 0, :]
    return result


def _orient(vertices: Floats, start: Integers, members: Integers, normals: Floats, n: int) -> None:
    """Turn segments and polygons round in place so that they go with their normals."""
    if not len(members):
        return
    if n == 2:
        step = vertices[members[1::2]] - vertices[members[0::2]]
        # the larger values on the left: the normal is the direction turned left
        wrong = step[:, 0] * normals[:, 1] - step[:, 1] * normals[:, 0] < 0
    else:
        points = vertices[members]
        size = np.diff(start)
        following = np.arange(len(members)) + 1
        following[start[1:] - 1] = start[:-1]
        centre = np.repeat(np.add.reduceat(points, start[:-1], axis=0) / size[:, None], size, axis=0)
        doubled = np.add.reduceat(np.cross(points - centre, points[following] - centre), start[:-1], axis=0)
        wrong = np.einsum("ij,ij->i", doubled, normals) < 0
    for face in np.nonzero(wrong)[0].tolist():
        members[start[face] : start[face + 1]] = members[start[face] : start[face + 1]][::-1]
