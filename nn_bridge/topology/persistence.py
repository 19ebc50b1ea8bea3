"""Persistence: when components and holes appear and vanish as a level rises, of an output or of values at vertices.

A face belongs to ``{f < t}`` where the infimum of ``f`` on it is below ``t``, which is -infinity where ``f`` falls
along a ray.  These faces form an open set of the complex.  In its interior in R^n, by Poincare duality, homology in
degree k is cohomology with compact supports in degree n - k, whose cochains are the faces, and extending by zero is the
map that an inclusion induces.  So the faces with their coboundaries are a filtered chain complex, reduced as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flint import fmpq

from nn_bridge.cells.faces import face_complex
from nn_bridge.network.network import Network, Row
from nn_bridge.topology.filtration import Pairs, persistent_pairs
from nn_bridge.topology.sets import FaceSet
from nn_bridge.topology.values import OutputValues
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO


@dataclass(frozen=True, slots=True)
class PersistencePair:
    """A class of homology that is born at one level and dies at another.

    Attributes
    ----------
    dimension : int
    birth : fmpq or None
        None: -infinity, it is there at all low levels.
    death : fmpq or None
        None: infinity, it never vanishes.
    """

    dimension: int
    birth: fmpq | None
    death: fmpq | None


def sublevel_persistence(
    network: Network, output: int = 0, domain: Polyhedron | None = None, field: str = "Q"
) -> list[PersistencePair]:
    """The persistence pairs of the sublevel sets of an output, without those of length 0.

    Parameters
    ----------
    network : Network
    output : int
    domain : Polyhedron, optional
    field : {"Q", "2"}

    Examples
    --------
    >>> tent = Network.from_layers([[[1], [-1]], [[-1, -1]]])  # -|x|
    >>> for pair in sublevel_persistence(tent):
    ...     print(pair)
    PersistencePair(dimension=0, birth=None, death=0)
    PersistencePair(dimension=0, birth=None, death=None)
    """
    faces = face_complex(network, domain)
    values = OutputValues(faces, output)
    if not values.constant_along_lines:
        return [PersistencePair(0, None, None)]  # each sublevel set is what lies on one side of a graph over the rest
    infima, _ = values.extremes()
    inner = [face for face in range(len(faces)) if not faces.on_boundary(face)]
    lowest = min((value for value in infima if value is not None), default=ZERO) - 1
    levels = [lowest if value is None else value for value in infima]
    # of equal level the larger dimensions first: a face comes after its cofaces
    order = sorted(inner, key=lambda face: (levels[face], -faces.dimensions[face], face))
    coboundaries: dict[int, dict[int, int]] = {face: {} for face in inner}
    for face in inner:
        for facet, sign in zip(faces.facets[face], faces.signs[face], strict=True):
            if facet in coboundaries:
                coboundaries[facet][face] = sign
    degrees = [faces.dim - dimension for dimension in faces.dimensions]
    return _listed(persistent_pairs(order, degrees, coboundaries, field), degrees, infima)


def vertex_persistence(members: FaceSet, values: Callable[[Row], fmpq], field: str = "Q") -> list[PersistencePair]:
    """The persistence pairs of the lower-star filtration by values at the vertices, without those of length 0.

    A bounded face enters with the last of its vertices.  The bounded faces of a closed set have its homology; where
    faces contain lines, points of the minimal faces stand for the vertices.

    Parameters
    ----------
    members : FaceSet
        A closed set, such as all faces of a complex (`whole_complex`).
    values : callable
        From an exact point to an exact value.
    field : {"Q", "2"}

    Raises
    ------
    ValueError
        The set is not closed.

    Examples
    --------
    >>> from nn_bridge.topology.sets import whole_complex
    >>> kinks = Network.from_layers([[[1], [1], [1]], [[1, 1, 1]]], [[-1, -3, -4], [0]])
    >>> for pair in vertex_persistence(whole_complex(face_complex(kinks)), lambda x: -abs(x[0] - 3)):
    ...     print(pair)
    PersistencePair(dimension=0, birth=-2, death=None)
    PersistencePair(dimension=0, birth=-1, death=0)
    """
    if not members.closed:
        raise ValueError("vertex values filter closed sets; take a closed one")
    faces = members.complex
    chosen = sorted(face for face in members.members if not faces.unbounded[face])
    entering: dict[int, fmpq] = {}
    boundary: dict[int, dict[int, int]] = {}
    for face in chosen:
        facets = faces.facets[face]
        if not facets:
            check_limits()
        entering[face] = max(entering[facet] for facet in facets) if facets else values(faces.point(face))
        boundary[face] = dict(zip(facets, faces.signs[face], strict=True))
    order = sorted(chosen, key=lambda face: (entering[face], faces.dimensions[face], face))
    degrees = [dimension - faces.lineality for dimension in faces.dimensions]
    return _listed(persistent_pairs(order, degrees, boundary, field), degrees, entering)


def squared_distance(points: Sequence[Row]) -> Callable[[Row], fmpq]:
    """The exact squared distance to the nearest of some points, as a function of a point.

    Examples
    --------
    >>> squared_distance([(fmpq(0), fmpq(0)), (fmpq(3), fmpq(1))])((fmpq(2), fmpq(1)))
    1
    """
    return lambda x: min(sum(((a - b) ** 2 for a, b in zip(x, point, strict=True)), ZERO) for point in points)


def _listed(
    pairs: Pairs, degrees: Sequence[int], levels: Mapping[int, fmpq | None] | Sequence[fmpq | None]
) -> list[PersistencePair]:
    """The pairs as values, sorted, without those of length 0."""
    found = []
    for first, last in pairs:
        birth, death = levels[first], None if last is None else levels[last]
        if last is None or birth != death:
            found.append(PersistencePair(degrees[first], birth, death))

    def key(pair: PersistencePair) -> tuple[int, bool, fmpq, bool, fmpq]:
        birth, death = pair.birth, pair.death
        return pair.dimension, birth is not None, birth or ZERO, death is None, death or ZERO

    return sorted(found, key=key)


__all__ = ["PersistencePair", "squared_distance", "sublevel_persistence", "vertex_persistence"]
