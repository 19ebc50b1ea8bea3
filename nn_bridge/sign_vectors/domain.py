"""`Domain`: the polytope on which a network is extracted, with its corners, edges and face lattice.

Edge subdivision needs of the domain only its 1-skeleton and, for every face, the faces of one dimension more that
contain it (its *covers*): that is how an edge finds the 2-faces of the complex around it.  Nothing here assumes that
the polytope is simple.  Corners and walls are exact; the float corners are the nearest ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nn_bridge.errors import NetworkError
from polyhedra.bounding_box import box_of_rows
from polyhedra.box_pairs import intervals_of_box
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, to_float, to_text

Vector = tuple[fmpq, ...]

MAX_DIMENSION = 12
"""A box of dimension n has 3^n faces and 2^n corners; beyond this the sign-vector route is the wrong tool."""


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """A full-dimensional polytope with its face lattice.

    Attributes
    ----------
    dim : int
        n.
    walls : tuple of (tuple of rationals, rational, label)
        The facets ``a . x <= b``; labels are distinct, and negative for walls that only separate pieces.
    corners : tuple of tuples of rationals
        The exact corners.
    corner_face : int32 array of shape (corners,)
        The number of each corner's own 0-dimensional face.
    face_dim : int32 array of shape (faces,)
        Dimensions; the last face is the polytope itself.
    face_walls : bool array of shape (faces, walls)
        Which walls contain the face.
    cover_start, covers : int32 arrays
        The covers of face ``f`` are ``covers[cover_start[f] : cover_start[f + 1]]``.
    edges : int32 array of shape (edges, 3)
        First corner, second corner, face.
    box_sides : pair of tuples of rationals, or None
        The lower and the upper ends where the polytope is a box.
    """

    dim: int
    walls: tuple[tuple[Vector, fmpq, int], ...]
    corners: tuple[Vector, ...]
    corner_face: NDArray[np.int32]
    face_dim: NDArray[np.int32]
    face_walls: NDArray[np.bool_]
    cover_start: NDArray[np.int32]
    covers: NDArray[np.int32]
    edges: NDArray[np.int32]
    box_sides: tuple[Vector, Vector] | None = None

    @property
    def faces(self) -> int:
        """The number of non-empty faces, the polytope included."""
        return len(self.face_dim)

    def float_corners(self) -> NDArray[np.float64]:
        """The nearest float64 corners, shape (corners, n)."""
        result = np.array([[to_float(v) for v in corner] for corner in self.corners]).reshape(-1, self.dim)
        if not 1e-100 < np.abs(result).max() < 1e100:
            raise NetworkError("the domain is too small or too large for the float engine; use engine 'cells'")
        return result

    def polyhedron(self) -> Polyhedron:
        """The domain as an exact polyhedron."""
        return Polyhedron([a for a, _, _ in self.walls], [b for _, b, _ in self.walls], dim=self.dim)

    def halves(self, axis: int, position: fmpq, label: int) -> tuple[Domain, Domain]:
        """The parts on both sides of ``x_axis = position``; the wall between them gets this (negative) label."""
        if self.box_sides is not None:
            lower, upper = self.box_sides
            middle_up = tuple(position if i == axis else v for i, v in enumerate(upper))
            middle_low = tuple(position if i == axis else v for i, v in enumerate(lower))
            labels = [wall[2] for wall in self.walls]
            left_labels, right_labels = labels.copy(), labels.copy()
            left_labels[self.dim + axis] = label
            right_labels[axis] = label
            return _box(lower, middle_up, tuple(left_labels)), _box(middle_low, upper, tuple(right_labels))
        unit = tuple(ONE if i == axis else ZERO for i in range(self.dim))
        left = (unit, position, label)
        right = (tuple(-v for v in unit), -position, label)
        return _from_walls([*self.walls, left], self.dim), _from_walls([*self.walls, right], self.dim)


def as_domain(domain: Any, dim: int) -> Domain:
    """The domain of an extraction from what a caller gives.

    Parameters
    ----------
    domain : Polyhedron, Domain, or pair (lower, upper)
        A bounded full-dimensional polyhedron in R^dim, or a box; each side of a box is a number, which then holds for
        every coordinate, or a sequence of ``dim`` numbers.
    dim : int
        The dimension of the network's input.

    Raises
    ------
    NetworkError
        It is unbounded, flat or of another dimension, ``lower >= upper`` somewhere, or the dimension is above 12.
    """
    if dim > MAX_DIMENSION:
        raise NetworkError(
            f"the sign-vector engine works in up to {MAX_DIMENSION} inputs, this network has {dim}; take a slice, "
            "or engine 'cells'"
        )
    if isinstance(domain, Domain):
        if domain.dim != dim:
            raise NetworkError(f"the domain has dimension {domain.dim}, the network reads {counted(dim, 'input')}")
        return domain
    if domain is None:
        raise NetworkError("the sign-vector engine needs a bounded domain: give a box, for example (-1, 1)")
    if isinstance(domain, Polyhedron):
        if domain.dim != dim:
            raise NetworkError(f"the domain has dimension {domain.dim}, the network reads {counted(dim, 'input')}")
        sides = box_of_rows(domain)
        return _box(*zip(*sides, strict=True)) if sides else _polytope(domain)
    try:
        if type(domain) is tuple and len(domain) == 2 and all(type(side) in (int, float) for side in domain):
            return _plain_box(*domain, dim)
        low, high = zip(*intervals_of_box(domain, dim), strict=True)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"the domain is neither a polyhedron nor a pair (lower, upper): {error}") from None
    return _box(low, high)


@lru_cache(maxsize=8)
def _plain_box(low: float, high: float, dim: int) -> Domain:
    """The box with the same two numbers as its sides in every coordinate."""
    return _box(*zip(*intervals_of_box((low, high), dim), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Cube:
    """The parts that all boxes of a dimension share; fields as in `Domain`, and the sides (0, 1) of each corner."""

    sides: list[list[int]]
    corner_face: NDArray[np.int32]
    face_dim: NDArray[np.int32]
    face_walls: NDArray[np.bool_]
    cover_start: NDArray[np.int32]
    covers: NDArray[np.int32]
    edges: NDArray[np.int32]


@lru_cache
def _cube(n: int) -> _Cube:
    """A face is a word in the digits 0 (lower side), 1 (upper side), 2 (free), read in base three."""
    code = np.arange(3**n)
    power = 3 ** np.arange(n)
    digits = code[:, None] // power % 3
    face_walls = np.concatenate([digits == 0, digits == 1], axis=1)
    fixed = digits < 2
    above = code[:, None] + (2 - digits) * power
    start = np.concatenate([[0], np.cumsum(fixed.sum(axis=1))])
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    corner_face = (bits * power).sum(axis=1)
    first, axis = np.nonzero(bits == 0)
    edges = np.stack([first, first | (1 << axis), corner_face[first] + 2 * power[axis]], axis=1)
    numbers = (corner_face, (~fixed).sum(axis=1), start, above[fixed], edges)
    corner_face, face_dim, start, covers, edges = (part.astype(np.int32) for part in numbers)
    return _Cube(bits.tolist(), corner_face, face_dim, face_walls, start, covers, edges)


@lru_cache(maxsize=8)
def _box(lower: Vector, upper: Vector, labels: tuple[int, ...] | None = None) -> Domain:
    n = len(lower)
    for i in range(n):
        if not lower[i] < upper[i]:
            raise NetworkError(
                f"the box is empty in coordinate {i}: {to_text(lower[i])} is not below {to_text(upper[i])}"
            )
    labels = tuple(range(2 * n)) if labels is None else labels
    unit = [tuple(ONE if i == j else ZERO for j in range(n)) for i in range(n)]
    walls = [(tuple(-v for v in unit[i]), -lower[i], labels[i]) for i in range(n)]
    walls += [(unit[i], upper[i], labels[n + i]) for i in range(n)]
    cube = _cube(n)
    sides = (lower, upper)
    corners = tuple(tuple(sides[bit][i] for i, bit in enumerate(row)) for row in cube.sides)
    return Domain(
        n, tuple(walls), corners, cube.corner_face, cube.face_dim, cube.face_walls, cube.cover_start, cube.covers,
        cube.edges, (lower, upper),
    )  # fmt: skip


def _polytope(polyhedron: Polyhedron) -> Domain:
    """A bounded full-dimensional polyhedron; redundant rows are dropped."""
    if not polyhedron.is_full_dimensional():
        raise NetworkError(
            f"the domain has dimension {polyhedron.dimension()} in R^{polyhedron.dim}: it has no full-dimensional "
            "cells; restrict the network to the slice instead"
        )
    if polyhedron.rays() or polyhedron.lines():
        raise NetworkError("the domain is unbounded: the sign-vector engine needs a box or a bounded polyhedron")
    rows = polyhedron.irredundant().inequalities
    return _from_walls([(row[:-1], row[-1], label) for label, row in enumerate(rows)], polyhedron.dim)


def _from_walls(walls: Sequence[tuple[Vector, fmpq, int]], dim: int) -> Domain:
    """The face lattice from the incidences of corners and walls (faces are the intersections of corners' wall sets)."""
    polyhedron = Polyhedron([a for a, _, _ in walls], [b for _, b, _ in walls], dim=dim)
    if not polyhedron.is_full_dimensional():
        raise NetworkError("a piece of the domain is flat")
    corners = tuple(sorted(polyhedron.vertices()))
    tight = [
        [sum((p * q for p, q in zip(a, corner, strict=True)), ZERO) == b for a, b, _ in walls] for corner in corners
    ]
    # a wall is a facet iff its corners are not all on another wall with more corners
    columns = [frozenset(i for i, row in enumerate(tight) if row[j]) for j in range(len(walls))]
    kept: list[int] = []
    for j, column in enumerate(columns):
        covered = any(column < other or (column == other and k < j) for k, other in enumerate(columns))
        if len(column) >= dim and not covered:
            kept.append(j)
    walls = [walls[j] for j in kept]
    masks = [sum(1 << k for k, j in enumerate(kept) if row[j]) for row in tight]

    number: dict[int, int] = {}
    dims: list[int] = []
    covers: dict[int, list[int]] = {}
    level = list(dict.fromkeys(masks))
    depth = 0
    while level:
        for face in level:
            number[face] = len(dims)
            dims.append(depth)
        following: dict[int, None] = {}
        for face in level:
            met = {face & mask for mask in masks} - {face}
            above = [m for m in met if not any(m != other and m & other == m for other in met)]
            covers[face] = above
            following.update(dict.fromkeys(above))
        level = list(following)
        depth += 1
    faces = list(number)
    start = np.concatenate([[0], np.cumsum([len(covers[face]) for face in faces])]).astype(np.int32)
    flat = [number[above] for face in faces for above in covers[face]]
    edges = []
    for face in faces:
        if dims[number[face]] == 1:
            a, b = (i for i, mask in enumerate(masks) if mask & face == face)
            edges.append((a, b, number[face]))
    return Domain(
        dim,
        tuple(walls),
        corners,
        np.array([number[mask] for mask in masks], dtype=np.int32),
        np.array(dims, dtype=np.int32),
        np.array([[bool(face >> j & 1) for j in range(len(walls))] for face in faces]).reshape(len(faces), len(walls)),
        start,
        np.array(flat, dtype=np.int32),
        np.array(edges, dtype=np.int32).reshape(-1, 3),
    )
