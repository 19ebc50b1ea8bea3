"""Persistence of the sublevel sets of an output: when components and holes appear and vanish as the level rises.

A face belongs to ``{f < t}`` where the infimum of ``f`` on it is below ``t``, which is -infinity where ``f`` falls
along a ray.  These faces form an open set of the complex.  In its interior in R^n, by Poincare duality, homology in
degree k is cohomology with compact supports in degree n - k, whose cochains are the faces, and extending by zero is the
map that an inclusion induces.  So the faces with their coboundaries are a filtered chain complex, reduced as usual.
"""

from __future__ import annotations

from dataclasses import dataclass

from flint import fmpq

from nn_bridge.network.network import Network
from nn_bridge.topology.cuts import with_level
from nn_bridge.topology.faces import FaceComplex, face_complex
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO


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
    faces = face_complex(with_level(network, output, ZERO), domain)  # the cut makes f constant along the lineality
    infima = _infima(faces, network, output)
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
    found = []
    for first, last in _pairs(order, faces.dimensions, coboundaries, field):
        birth, death = infima[first], None if last is None else infima[last]
        if last is None or birth != death:
            found.append(PersistencePair(faces.dim - faces.dimensions[first], birth, death))

    def key(pair: PersistencePair) -> tuple[int, bool, fmpq, bool, fmpq]:
        birth, death = pair.birth, pair.death
        return pair.dimension, birth is not None, birth or ZERO, death is None, death or ZERO

    return sorted(found, key=key)


def _infima(faces: FaceComplex, network: Network, output: int) -> list[fmpq | None]:
    """The infimum of an output on each face; None for -infinity.

    On a face of height 2 or more (above the minimal faces) it is the least one on the facets.
    """
    infima: list[fmpq | None] = []
    for face, facets in enumerate(faces.facets):
        if not facets:
            check_limits()
            infima.append(network.evaluate(faces.point(face))[output])
            continue
        below = [infima[facet] for facet in facets]
        known = [value for value in below if value is not None]
        least = min(known) if len(known) == len(below) else None
        if least is not None and faces.unbounded[face] and len(facets) == 1:
            # a ray from a minimal face: `point` lies inside of it, and the output is affine on it
            inside = network.evaluate(faces.point(face))[output]
            least = None if inside < least else least
        infima.append(least)
    return infima


def _pairs(
    order: list[int], dimensions: list[int], boundary: dict[int, dict[int, int]], field: str
) -> list[tuple[int, int | None]]:
    """The pairs (creator, destroyer or None) of a filtered complex of coboundaries, by reduction of columns.

    Small dimensions come first: a face that is paired as a creator there has a column that reduces to 0.
    """
    rank = {face: number for number, face in enumerate(order)}
    reduced: dict[int, dict[int, fmpq]] = {}
    destroyer: dict[int, int] = {}
    for number, face in sorted(enumerate(order), key=lambda entry: (dimensions[entry[1]], entry[0])):
        if number in destroyer:
            continue
        check_limits()
        column = {rank[other]: fmpq(sign) for other, sign in boundary[face].items()}
        while column:
            low = max(column)
            if low not in reduced:
                reduced[low] = column
                destroyer[low] = number
                break
            pivot = reduced[low]
            factor = ONE if field == "2" else column[low] / pivot[low]
            for place, value in pivot.items():
                new = column.get(place, ZERO) - factor * value
                if field == "2":
                    new = ZERO if place in column else ONE
                if new:
                    column[place] = new
                else:
                    del column[place]
    paired = set(destroyer.values())
    return [
        (face, order[destroyer[number]] if number in destroyer else None)
        for number, face in enumerate(order)
        if number not in paired
    ]


__all__ = ["PersistencePair", "sublevel_persistence"]
