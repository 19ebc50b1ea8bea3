"""The activation patterns of single inputs, of sets of any dimension: a unit is active iff its value is positive.

Every input lies inside exactly one face of the cells, and the signs of all units are the same inside a face.  So the
patterns are those of the faces of every dimension.
"""

from __future__ import annotations

from dataclasses import dataclass

from nn_bridge.cells.faces import face_complex
from nn_bridge.network.network import Network, Pattern, Row
from polyhedra.polyhedron import Polyhedron


@dataclass(frozen=True, slots=True)
class AnyPattern:
    """An activation pattern that some input has.

    Attributes
    ----------
    pattern : tuple of tuples of bool
    dimension : int
        Of the set of inputs that have it.
    point : tuple of fmpq
        An input that has it.
    """

    pattern: Pattern
    dimension: int
    point: Row

    @property
    def text(self) -> str:
        """``"0110|01"``: one digit per unit, a bar between stages."""
        return "|".join("".join(str(int(on)) for on in stage) for stage in self.pattern)


def patterns_of_any_dimension(network: Network, domain: Polyhedron | None = None) -> list[AnyPattern]:
    """The patterns that inputs of the domain have, also where these inputs fill no full-dimensional set.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        None is all of R^n.

    Returns
    -------
    list of AnyPattern
        Sorted by pattern; those of dimension n are the patterns of the cells.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.

    Examples
    --------
    >>> absolute = Network.from_layers([[[1], [-1]], [[1, 1]]])
    >>> [(found.text, found.dimension, found.point) for found in patterns_of_any_dimension(absolute)]
    [('00', 0, (0,)), ('01', 1, (-1,)), ('10', 1, (1,))]
    """
    found = face_complex(network, domain)
    largest: dict[int, int] = {}
    for face, (positive, dimension) in enumerate(zip(found.positive, found.dimensions, strict=True)):
        known = largest.get(positive)
        if known is None or dimension > found.dimensions[known]:
            largest[positive] = face
    places = list(zip(found.starts, network.hidden, strict=False))
    listed = []
    for positive, face in largest.items():
        pattern = tuple(tuple(bool(positive >> (start + i) & 1) for i in range(size)) for start, size in places)
        listed.append(AnyPattern(pattern, found.dimensions[face], found.point(face)))
    return sorted(listed, key=lambda one: one.pattern)


__all__ = ["AnyPattern", "patterns_of_any_dimension"]
