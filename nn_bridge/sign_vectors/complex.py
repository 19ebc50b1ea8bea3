"""`Complex`: the polyhedral complex of a network on a polytope, as vertices, edges and what follows from them.

The 1-skeleton is enough: the hyperplanes through a simple vertex and the domain face that it lies on determine every
face around it.  A face is known by its fingerprint (see `nn_bridge.sign_vectors.plan`); sign vectors are rebuilt on
demand and checked against it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.exact_vertices import ExactVertex, float_values, guess_signs, locate
from nn_bridge.sign_vectors.plan import Plan
from nn_bridge.sign_vectors.start import exact_functional_of
from polyhedra.arrays import Floats, Words
from polyhedra.plurals import counted
from polyhedra.scalars import ZERO

Indices = NDArray[np.int32]
Signs = NDArray[np.int8]

CHUNK = 1 << 15
MAX_EXACT_EDGES = 5000


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """All faces of one dimension.

    Attributes
    ----------
    dim : int
    words : uint64 array of shape (faces,)
        Fingerprints, increasing.
    start, members : integer arrays
        The vertices of face ``i`` are ``members[start[i] : start[i + 1]]``, in no particular order.
    """

    dim: int
    words: Words
    start: NDArray[np.int64]
    members: NDArray[np.int64]
    _complex: Complex = field(repr=False)
    _released: NDArray[np.int64] = field(repr=False)
    _side: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.words)

    def vertices_of(self, index: int) -> NDArray[np.int64]:
        """The vertices of one face."""
        return self.members[self.start[index] : self.start[index + 1]]

    def signs(self, indices: Any = None) -> Signs:
        """Sign vectors (-1, 0, 1), one column for every hyperplane: shape (faces, neurons).

        Parameters
        ----------
        indices : integer array, optional
            The faces wanted (all by default).
        """
        chosen = np.arange(len(self)) if indices is None else np.atleast_1d(indices)
        first = self.start[chosen]
        vertices = self.members[first]
        signs = self._complex.vertex_signs(vertices)
        zeros = self._complex.vertex_zeros[vertices]
        for column in range(zeros.shape[1]):
            at = np.nonzero((self._released[chosen] >> column) & 1)[0]
            signs[at, zeros[at, column]] = np.where((self._side[chosen[at]] >> column) & 1, 1, -1)
        return signs


@dataclass(frozen=True, slots=True, eq=False)
class Complex:
    """The complex that a network's neurons cut out of a polytope.

    Attributes
    ----------
    network : Network
    vertices : float64 array of shape (vertices, n)
    vertex_error : float32 array of shape (vertices,)
        A bound on the error of every coordinate, proven by running error analysis.
    edges : int32 array of shape (edges, 2)
    vertex_zeros, edge_zeros : int16 arrays of shape (vertices, n) and (edges, n - 1)
        The neurons (numbered through all stages) whose hyperplane contains the vertex or edge, padded with -1.
    vertex_faces, edge_faces : int32 arrays
        The smallest face of the domain that contains it.
    doubtful : int
        Vertices that lie on a hyperplane other than those that define them, or that could not be told apart from that.
    decided : int
        Signs that float64 left open and exact arithmetic decided.
    consistent : bool
        Whether every 2-face was met by exactly two edges.
    neurons : int
        Hyperplanes that were cut; fewer than all where the complex is not generic.
    pieces : int
        The parts of the domain that were worked on one after another, to stay within the memory budget.
    domain : Domain
        The polytope with its face lattice.
    """

    network: Network
    vertices: Floats
    vertex_error: NDArray[np.float32]
    edges: Indices
    vertex_zeros: NDArray[np.int16]
    edge_zeros: NDArray[np.int16]
    vertex_faces: Indices
    edge_faces: Indices
    doubtful: int
    decided: int
    consistent: bool
    neurons: int
    pieces: int
    domain: Domain = field(repr=False)
    _plan: Plan = field(repr=False)
    _edge_up: NDArray[np.uint8] = field(repr=False)
    _vertex_words: Words = field(repr=False)
    _edge_words: Words = field(repr=False)
    _face_words: Words = field(repr=False)

    def __repr__(self) -> str:
        kind = "generic" if self.generic else f"not generic: {self.reason}"
        vertices, edges = counted(len(self.vertices), "vertex", "vertices"), counted(len(self.edges), "edge")
        return f"<Complex in R^{self.dim}: {vertices}, {edges}, {kind}>"

    @property
    def dim(self) -> int:
        """The dimension n of the input space."""
        return self.domain.dim

    @property
    def generic(self) -> bool:
        """Whether every sign is proven and no vertex lies on one hyperplane too many: then the complex is right."""
        return self.doubtful == 0 and self.consistent

    @property
    def reason(self) -> str | None:
        """Why the complex is not generic (None where it is)."""
        if self.doubtful:
            return f"not generic: {self.doubtful} doubtful {'vertex' if self.doubtful == 1 else 'vertices'}"
        return None if self.consistent else "not generic: a 2-face was not met by exactly two edges"

    def _require_generic(self) -> None:
        if not self.generic:
            raise NetworkError(
                f"{self.reason}; the complex ends at hyperplane {self.neurons} of {self._plan.neurons}: "
                "use engine 'cells', which is exact in any position"
            )

    # ---------------------------------------------------------------- counts

    def count_cells(self) -> int:
        """The number of full-dimensional cells, from vertices and edges alone.

        Each cell has one lowest vertex for a generic linear functional; how many cells have a vertex as their lowest
        one is told by which of the edges at it go up.  Nearly all directions were proven while the edges were made; the
        others are decided by exact heights.

        Raises
        ------
        NetworkError
            The complex is not generic, or the direction of some edge stays open.
        """
        from nn_bridge.sign_vectors import kernels

        self._require_generic()
        up = self._edge_up
        open_edges = np.nonzero(up == 2)[0]
        if len(open_edges) > MAX_EXACT_EDGES:
            raise NetworkError(f"the directions of {len(open_edges)} edges stay open; use engine 'cells'")
        if len(open_edges):
            up = up.copy()
            up[open_edges] = self._exact_directions(open_edges)
        return int(kernels.count_by_lowest_vertex(up, self.edges, self.edge_zeros, self.vertex_zeros))

    def _exact_directions(self, edges: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the second end of each edge is the higher one, from exact vertices."""
        exact = exact_functional_of(self.dim)
        height: dict[int, fmpq] = {}
        result = np.zeros(len(edges), dtype=np.bool_)
        for index, edge in enumerate(edges.tolist()):
            for vertex in self.edges[edge].tolist():
                if vertex not in height:
                    point = self.exact_vertex(vertex)
                    if point is None:
                        raise NetworkError(f"vertex {vertex} cannot be located exactly; use engine 'cells'")
                    height[vertex] = sum((c * x for c, x in zip(exact, point.point, strict=True)), ZERO)
            low, high = (height[vertex] for vertex in self.edges[edge].tolist())
            if low == high:
                raise NetworkError(f"the ends of edge {edge} have the same height; use engine 'cells'")
            result[index] = low < high
        return result

    def count_cells_by_sign_vectors(self) -> int:
        """The number of full-dimensional cells as the number of different sign vectors: the slow, separate check."""
        self._require_generic()
        found: list[NDArray[Any]] = []
        waiting = 0
        for low in range(0, len(self.vertices), CHUNK):
            chosen = np.arange(low, min(low + CHUNK, len(self.vertices)))
            positive = self.vertex_signs(chosen) > 0
            zeros = self.vertex_zeros[chosen]
            number = (zeros >= 0).sum(axis=1)
            for m in np.unique(number).tolist():
                rows = np.nonzero(number == m)[0]
                for side in itertools.product((False, True), repeat=m):
                    cell = positive[rows]
                    for column, value in enumerate(side):
                        cell[np.arange(len(rows)), zeros[rows, column]] = value
                    found.append(np.packbits(cell, axis=1))
                    waiting += len(cell)
            if waiting > 1 << 21:
                found = [_unique_rows(np.concatenate(found))]
                waiting = 0
        return len(_unique_rows(np.concatenate(found)))

    def f_vector(self) -> tuple[int, ...]:
        """The number of faces of each dimension 0, ..., n; their alternating sum is 1."""
        return (len(self.vertices), *(len(self.faces(k)) for k in range(1, self.dim + 1)))

    # ---------------------------------------------------------------- faces

    def cells(self) -> Faces:
        """The full-dimensional cells."""
        return self.faces(self.dim)

    def faces(self, dim: int) -> Faces:
        """All faces of one dimension, with their vertices.

        Raises
        ------
        NetworkError
            The complex is not generic, or there is no such dimension.
        """
        self._require_generic()
        if not 0 <= dim <= self.dim:
            raise NetworkError(f"there are no faces of dimension {dim} in R^{self.dim}")
        domain, plan = self.domain, self._plan
        words: list[Words] = []
        members: list[NDArray[np.int64]] = []
        codes: list[tuple[int, int]] = []
        for face in np.unique(self.vertex_faces).tolist():
            here = np.nonzero(self.vertex_faces == face)[0]
            own = int(domain.face_dim[face])
            zeros = self.vertex_zeros[here]
            above = np.nonzero(~(domain.face_walls & ~domain.face_walls[face]).any(axis=1))[0]
            for larger in above.tolist():
                free = dim - (int(domain.face_dim[larger]) - own)
                if not 0 <= free <= own:
                    continue
                base = self._vertex_words[here] + self._face_words[[larger]] - self._face_words[[face]]
                for released in itertools.combinations(range(own), free):
                    rest = base - sum((plan.zero[zeros[:, c]] for c in released), np.zeros(len(here), np.uint64))
                    mask = sum(1 << c for c in released)
                    for sides in itertools.product((0, 1), repeat=free):
                        up = [c for c, side in zip(released, sides, strict=True) if side]
                        words.append(rest + sum((plan.positive[zeros[:, c]] for c in up), np.zeros(1, np.uint64)))
                        members.append(here)
                        codes.append((mask, sum(1 << c for c in up)))
        lengths = [len(part) for part in members]
        all_words = np.concatenate(words)
        order = np.argsort(all_words, kind="stable")
        all_words = all_words[order]
        first = np.nonzero(np.concatenate([[True], all_words[1:] != all_words[:-1]]))[0]
        which = np.repeat(np.arange(len(codes)), lengths)[order[first]]
        code = np.array(codes, dtype=np.int64).reshape(-1, 2)[which]
        return Faces(
            dim,
            all_words[first],
            np.append(first, len(all_words)),
            np.concatenate(members)[order],
            self,
            code[:, 0],
            code[:, 1],
        )

    # ---------------------------------------------------------------- signs

    def vertex_signs(self, indices: Any = None) -> Signs:
        """The sign vectors (-1, 0, 1) of vertices, shape (vertices, neurons), checked against their fingerprints.

        Raises
        ------
        NetworkError
            The complex is not generic, or the signs of a vertex cannot be rebuilt.
        """
        self._require_generic()
        chosen = np.arange(len(self.vertices)) if indices is None else np.atleast_1d(indices)
        plan = self._plan
        result = np.empty((len(chosen), plan.neurons), dtype=np.int8)
        for low in range(0, len(chosen), CHUNK):
            part = chosen[low : low + CHUNK]
            values = float_values(plan, self.vertices[part], len(plan.stages))
            positive = np.concatenate(values, axis=1) > 0 if values else np.zeros((len(part), 0), dtype=bool)
            zeros = self.vertex_zeros[part].astype(np.int64)
            row, column = np.nonzero(zeros >= 0)
            positive[row, zeros[row, column]] = False
            signs = np.where(positive, 1, -1).astype(np.int8)
            signs[row, zeros[row, column]] = 0
            wanted = self._positive_words(part)
            for wrong in np.nonzero(_sums(positive, plan.positive) != wanted)[0].tolist():
                own = [z for z in zeros[wrong].tolist() if z >= 0]
                fixed = guess_signs(plan, len(plan.stages), self.vertices[part[wrong]], own, int(wanted[wrong]))
                if fixed is None:
                    raise NetworkError(f"the sign vector of vertex {int(part[wrong])} cannot be rebuilt in float64")
                signs[wrong] = np.where(fixed, 1, -1)
                signs[wrong, own] = 0
            result[low : low + len(part)] = signs
        return result

    def _positive_words(self, vertices: Any) -> Words:
        """The sum of the words of all neurons positive at each vertex: its fingerprint less zeros and walls."""
        zeros = self.vertex_zeros[vertices]
        words = self._vertex_words[vertices] - self._face_words[self.vertex_faces[vertices]]
        if self._plan.neurons:
            padded = np.append(self._plan.zero, np.uint64(0))
            words = words - padded[zeros].sum(axis=1, dtype=np.uint64)
        return words

    def exact_vertex(self, vertex: int) -> ExactVertex | None:
        """The proven exact position of a vertex (None where it cannot be proven)."""
        zeros = [z for z in self.vertex_zeros[vertex].tolist() if z >= 0]
        words = int(self._positive_words([vertex])[0])
        plan = self._plan
        return locate(
            plan, self.domain, len(plan.stages), self.vertices[vertex], zeros, int(self.vertex_faces[vertex]), words
        )


def _sums(chosen: NDArray[np.bool_], words: Words) -> Words:
    """For each row the sum modulo 2^64 of the chosen words."""
    return np.where(chosen, words, np.uint64(0)).sum(axis=1, dtype=np.uint64)


def _unique_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The different rows of a byte matrix."""
    if not rows.shape[1]:
        return rows[:1]
    padded = np.zeros((len(rows), -(-rows.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : rows.shape[1]] = rows
    words = padded.view(np.uint64)
    order = np.lexsort(words.T)
    words = words[order]
    new = np.append(True, np.any(words[1:] != words[:-1], axis=1))
    return rows[order[new]]
