"""The faces of a polyhedron: incidences, adjacencies, f-vector, face lattice; inclusion and projection.

A face is known by the vertices and rays that it contains, numbered as in `Polyhedron.vertices` and `Polyhedron.rays`;
where there are lines, vertices and rays are counted modulo them.  Facets are the inequalities of
`Polyhedron.irredundant`, in their order.  The non-empty proper faces are the intersections of facets that contain a
vertex.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from polyhedra.errors import GeometryError
from polyhedra.limits import check_limits
from polyhedra.linear_program import Infeasible, Unbounded, maximize_over
from polyhedra.matrix import AffineMap, Vector, dot
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO

MAX_FACES = 1_000_000
"""How many faces `face_lattice` lists by default."""


@dataclass(frozen=True, slots=True)
class Face:
    """A non-empty face.

    Attributes
    ----------
    dimension : int
    vertices, rays : tuple of int
        The numbers of the vertices and of the rays that it contains.
    facets : tuple of int
        The numbers of the facets that contain it.
    """

    dimension: int
    vertices: tuple[int, ...]
    rays: tuple[int, ...]
    facets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FaceLattice:
    """The non-empty faces of a polyhedron and how they contain one another.

    Attributes
    ----------
    faces : tuple of Face
        By dimension, the polyhedron itself last.
    covers : tuple of tuple of int
        For each face the positions of the faces of one dimension less that it contains.
    """

    faces: tuple[Face, ...]
    covers: tuple[tuple[int, ...], ...]

    @property
    def f_vector(self) -> tuple[int, ...]:
        """The numbers of faces of dimension 0, 1, .., the polyhedron itself last."""
        if not self.faces:
            return ()
        counts = [0] * (self.faces[-1].dimension + 1)
        for face in self.faces:
            counts[face.dimension] += 1
        return tuple(counts)


def incidences(polyhedron: Polyhedron) -> tuple[tuple[bool, ...], ...]:
    """Which vertex lies on which facet: entry [i][k] is that of vertex i and facet k.

    Examples
    --------
    >>> square = Polyhedron.box([0, 0], [1, 1])
    >>> [[int(on) for on in row] for row in incidences(square)]
    [[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]]
    """
    facets = polyhedron.irredundant().inequalities
    return tuple(tuple(dot(row[:-1], v) == row[-1] for row in facets) for v in polyhedron.vertices())


def vertex_adjacency(polyhedron: Polyhedron) -> tuple[tuple[int, int], ...]:
    """The pairs of vertices that a bounded edge joins, sorted.

    Examples
    --------
    >>> vertex_adjacency(Polyhedron.box([0, 0], [1, 1]))
    ((0, 1), (0, 2), (1, 3), (2, 3))
    """
    on = _bit_sets(polyhedron)
    count = len(polyhedron.vertices())
    return tuple((i, k) for i, k in combinations(range(count), 2) if _only_two(on, on[i] & on[k]))


def facet_adjacency(polyhedron: Polyhedron) -> tuple[tuple[int, int], ...]:
    """The pairs of facets that meet in a face of two dimensions less, sorted.

    Examples
    --------
    >>> facet_adjacency(Polyhedron.box([0, 0], [1, 1]))
    ((0, 1), (0, 2), (1, 3), (2, 3))
    """
    members, finite = _members(polyhedron)
    # a face of codimension 2 lies on exactly two facets, a smaller one on more
    return tuple(
        (i, k)
        for i, k in combinations(range(len(members)), 2)
        if members[i] & members[k] & finite and sum(members[i] & members[k] & ~facet == 0 for facet in members) == 2
    )


def f_vector(polyhedron: Polyhedron, *, limit: int = MAX_FACES) -> tuple[int, ...]:
    """The numbers of faces of dimension 0, 1, .., d, the last the polyhedron itself; none for the empty set.

    Examples
    --------
    >>> f_vector(Polyhedron.box([0, 0, 0], [1, 1, 1])), f_vector(Polyhedron([[-1, 0], [0, -1]], [0, 0]))
    ((8, 12, 6, 1), (1, 2, 1))
    """
    return face_lattice(polyhedron, limit=limit).f_vector


def face_lattice(polyhedron: Polyhedron, *, limit: int = MAX_FACES) -> FaceLattice:
    """All non-empty faces, bounded or not, with their inclusions.

    Parameters
    ----------
    polyhedron : Polyhedron
    limit : int
        How many faces are listed at most.

    Raises
    ------
    GeometryError
        There are more faces than ``limit``.

    Examples
    --------
    >>> triangle = Polyhedron([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    >>> [(face.dimension, face.vertices) for face in face_lattice(triangle).faces][3:]
    [(1, (0, 1)), (1, (0, 2)), (1, (1, 2)), (2, (0, 1, 2))]
    """
    points = len(polyhedron.vertices())
    if not points:
        return FaceLattice((), ())
    members, finite = _members(polyhedron)
    generators = points + len(polyhedron.rays())
    everything = (1 << generators) - 1
    levels: list[dict[int, set[int]]] = [{everything: set()}]
    count = 1
    while True:
        below: dict[int, set[int]] = {}
        for face, covered in levels[-1].items():
            check_limits()
            cuts = {face & facet for facet in members if face & ~facet and face & facet & finite}
            for cut in cuts:
                if not any(cut != other and cut & ~other == 0 for other in cuts):
                    covered.add(cut)
                    below.setdefault(cut, set())
        if not below:
            break
        count += len(below)
        if count > limit:
            raise GeometryError(f"the polyhedron has more than {counted(limit, 'face')}; raise limit")
        levels.append(below)
    top = polyhedron.dimension()
    listed = []
    for depth, level in enumerate(levels):
        for face, covered in level.items():
            inside = [i for i in range(generators) if face >> i & 1]
            vertices = tuple(i for i in inside if i < points)
            facets = tuple(k for k, facet in enumerate(members) if face & ~facet == 0)
            rays = tuple(i - points for i in inside if i >= points)
            listed.append((Face(top - depth, vertices, rays, facets), face, covered))
    listed.sort(key=lambda entry: (entry[0].dimension, entry[0].vertices, entry[0].rays))
    place = {face: number for number, (_, face, _) in enumerate(listed)}
    return FaceLattice(
        tuple(face for face, _, _ in listed),
        tuple(tuple(sorted(place[cut] for cut in covered)) for _, _, covered in listed),
    )


def point_outside(inner: Polyhedron, outer: Polyhedron) -> Vector | None:
    """A point of the first set that is not in the second, or None where the first is a subset of the second.

    Examples
    --------
    >>> small, large = Polyhedron.box([0], [1]), Polyhedron.box([0], [2])
    >>> point_outside(small, large), point_outside(large, small)
    (None, (2,))
    """
    if inner.dim != outer.dim:
        raise GeometryError(f"polyhedra in R^{inner.dim} and R^{outer.dim} do not contain one another")
    both = [tuple(-v for v in row) for row in outer.equalities]
    for row in (*outer.equalities, *both, *outer.inequalities):
        answer = maximize_over(inner.system, row[:-1])
        if isinstance(answer, Infeasible):
            return None
        if isinstance(answer, Unbounded):
            value, growth = dot(row[:-1], answer.point), dot(row[:-1], answer.direction)
            step = max(ZERO, (row[-1] - value) / growth + ONE)
            return tuple(x + step * u for x, u in zip(answer.point, answer.direction, strict=True))
        if answer.value > row[-1]:
            return answer.point
    return None


def is_subset(inner: Polyhedron, outer: Polyhedron) -> bool:
    """Whether each point of the first set belongs to the second, decided exactly; `point_outside` gives a witness.

    Examples
    --------
    >>> is_subset(Polyhedron.empty(2), Polyhedron.box([0, 0], [1, 1]))
    True
    """
    return point_outside(inner, outer) is None


def projection(polyhedron: Polyhedron, coordinates: Sequence[int]) -> Polyhedron:
    """The image under the map that keeps some coordinates, in the order given, irredundant.

    Raises
    ------
    GeometryError
        A coordinate that does not exist or that comes twice.

    Examples
    --------
    >>> wedge = Polyhedron([[-1, 0, 0], [0, -1, 0], [0, 0, -1], [1, 1, 1]], [0, 0, 0, 1])
    >>> projection(wedge, [2, 0]).vertices()
    ((0, 0), (0, 1), (1, 0))
    """
    kept = list(coordinates)
    n = polyhedron.dim
    if len(set(kept)) != len(kept) or any(not 0 <= k < n for k in kept):
        raise GeometryError(f"a projection keeps different coordinates among 0..{n - 1}, not {kept}")
    rows = tuple(tuple(ONE if j == k else ZERO for j in range(n)) for k in kept)
    return polyhedron.image(AffineMap(rows, (ZERO,) * len(kept), n))


def _bit_sets(polyhedron: Polyhedron) -> list[int]:
    """For each vertex, then for each ray, the facets that contain it."""
    rows = list(enumerate(polyhedron.irredundant().inequalities))
    sets = [sum(1 << k for k, row in rows if dot(row[:-1], v) == row[-1]) for v in polyhedron.vertices()]
    return sets + [sum(1 << k for k, row in rows if dot(row[:-1], ray) == 0) for ray in polyhedron.rays()]


def _members(polyhedron: Polyhedron) -> tuple[list[int], int]:
    """For each facet the generators that it contains, as bit sets, and the bit set of all vertices."""
    on = _bit_sets(polyhedron)
    total = len(polyhedron.irredundant().inequalities)
    members = [sum(1 << i for i, facets in enumerate(on) if facets >> k & 1) for k in range(total)]
    return members, (1 << len(polyhedron.vertices())) - 1


def _only_two(on: Sequence[int], common: int) -> bool:
    found = 0
    for facets in on:
        if common & ~facets == 0:
            found += 1
            if found > 2:
                return False
    return True


__all__ = [
    "MAX_FACES",
    "Face",
    "FaceLattice",
    "f_vector",
    "face_lattice",
    "facet_adjacency",
    "incidences",
    "is_subset",
    "point_outside",
    "projection",
    "vertex_adjacency",
]
