"""`FaceSet`: a union of faces of a complex, closed or open, with its homology.

* A closed set is a subcomplex.  With the lineality divided out every face is pointed, and the subcomplex shrinks onto
  its bounded faces: their cellular homology is that of the set.
* An open set (open in the domain) is a manifold with boundary, and shrinks into the interior of the domain.  There, by
  Poincare duality, its k-th Betti number is that of Borel-Moore homology in degree n - k, whose chains are the faces of
  the set of every kind.
* The one-point compactification has the Borel-Moore homology of the set as its reduced homology.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from nn_bridge.cells.faces import FaceComplex
from nn_bridge.network.network import Row
from nn_bridge.topology.homology import Boundary, Homology, homology


@dataclass(frozen=True, eq=False)
class FaceSet:
    """A union of relatively open faces that is closed, or open in the domain.  Made by `closed_set` and `open_set`.

    Attributes
    ----------
    complex : FaceComplex
    members : frozenset of int
        The numbers of the faces.
    closed : bool
    """

    complex: FaceComplex
    members: frozenset[int]
    closed: bool

    @property
    def f_vector(self) -> tuple[int, ...]:
        """The numbers of faces of dimension 0, 1, .., n."""
        counts = Counter(self.complex.dimensions[face] for face in self.members)
        return tuple(counts[dim] for dim in range(self.complex.dim + 1))

    @cached_property
    def homology(self) -> Homology:
        """The homology of the set itself; torsion is told of closed sets only."""
        faces, n = self.complex, self.complex.dim
        if self.closed:
            found = self._homology_of((face for face in self.members if not faces.unbounded[face]), faces.lineality)
            missing = (0,) * faces.lineality
            return Homology(found.rational + missing, found.modulo_two + missing, found.torsion + ((),) * len(missing))
        inner = self._homology_of((face for face in self.members if not faces.on_boundary(face)), 0)
        return Homology(inner.rational[::-1], inner.modulo_two[::-1], ((),) * (n + 1))

    @cached_property
    def one_point_homology(self) -> Homology:
        """The homology of the one-point compactification; a compact set gets an isolated point."""
        found = self._homology_of(self.members, 0)

        def with_infinity(betti: tuple[int, ...]) -> tuple[int, ...]:
            return (betti[0] + 1, *betti[1:])

        return Homology(with_infinity(found.rational), with_infinity(found.modulo_two), found.torsion)

    @cached_property
    def components(self) -> list[list[int]]:
        """The faces of each connected component, in the order of their first faces."""
        root = {face: face for face in sorted(self.members)}

        def find(face: int) -> int:
            while root[face] != face:
                root[face] = face = root[root[face]]
            return face

        for face in root:
            for facet in self.complex.facets[face]:
                if facet in root:
                    one, two = sorted((find(face), find(facet)))
                    root[two] = one
        parts: dict[int, list[int]] = {}
        for face in root:
            parts.setdefault(find(face), []).append(face)
        return list(parts.values())

    def component_points(self) -> list[Row]:
        """An exact point of each component, sorted; inside one of its largest faces, whatever the order of cells."""
        faces = self.complex

        def key(face: int) -> tuple[int, int, int]:
            return faces.dimensions[face], faces.positive[face], faces.zeros[face]

        chosen = [max(part, key=key) for part in self.components]
        return sorted(map(self.complex.point, chosen))

    def _homology_of(self, chosen: Iterable[int], lowest: int) -> Homology:
        """The homology of the chains of some faces, in degrees of their dimensions less the lowest."""
        faces = self.complex
        kept = set(chosen)
        degrees: list[dict[int, dict[int, int]]] = [{} for _ in range(faces.dim + 1 - lowest)]
        for face in sorted(kept):
            pairs = zip(faces.facets[face], faces.signs[face], strict=True)
            degrees[faces.dimensions[face] - lowest][face] = {facet: sign for facet, sign in pairs if facet in kept}
        boundaries: list[Boundary] = list(degrees)
        return homology(boundaries)


def closed_set(faces: FaceComplex, holds: Callable[[int], bool]) -> FaceSet:
    """The set of the faces for which a condition holds; it must hold for the facets of such faces.

    Raises
    ------
    ValueError
        The faces form no closed set.
    """
    members = frozenset(face for face in range(len(faces)) if holds(face))
    if any(facet not in members for face in members for facet in faces.facets[face]):
        raise ValueError("the faces form no closed set")
    return FaceSet(faces, members, True)


def whole_complex(faces: FaceComplex) -> FaceSet:
    """All faces of a complex."""
    return FaceSet(faces, frozenset(range(len(faces))), True)


def open_set(faces: FaceComplex, holds: Callable[[int], bool]) -> FaceSet:
    """The set of the faces for which a condition holds; it must hold for all faces of which such a face is a facet.

    Raises
    ------
    ValueError
        The faces form no open set.
    """
    members = frozenset(face for face in range(len(faces)) if holds(face))
    if any(facet in members for face in range(len(faces)) if face not in members for facet in faces.facets[face]):
        raise ValueError("the faces form no open set of the domain")
    return FaceSet(faces, members, False)


__all__ = ["FaceSet", "closed_set", "open_set", "whole_complex"]
