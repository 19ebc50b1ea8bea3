"""`FaceSet`: a union of faces of a complex, closed or open, with its homology.

* A closed set is a subcomplex.  With the lineality divided out every face is pointed, and the subcomplex shrinks onto
  its bounded faces: their cellular homology is that of the set.
* An open set (open in the domain) is a manifold with boundary, and shrinks into the interior of the domain.  There, by
  Poincare duality, its k-th homology is the cohomology of degree n - k of the Borel-Moore chains, which are the faces
  of the set of every kind: equal Betti numbers, and the torsion of their homology in degree n - k - 1.
* The one-point compactification has the Borel-Moore homology of the set as its reduced homology.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from nn_bridge.cells.faces import FaceComplex
from nn_bridge.network.network import Row
from nn_bridge.topology.cycles import basis_cycles
from nn_bridge.topology.homology import Homology, homology
from polyhedra.cached_values import cached_property


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle around a hole, as a sum of simplices that lie in the set.

    Attributes
    ----------
    dimension : int
    simplices : tuple of (coefficient, points)
        The exact corners of each simplex in an order that orients it; the boundaries of all of them cancel.
    """

    dimension: int
    simplices: tuple[tuple[int, tuple[Row, ...]], ...]


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
        """The homology of the set itself."""
        faces, n = self.complex, self.complex.dim
        if self.closed:
            found = self._homology_of((face for face in self.members if not faces.unbounded[face]), faces.lineality)
            missing = (0,) * faces.lineality
            return Homology(found.rational + missing, found.modulo_two + missing, found.torsion + ((),) * len(missing))
        inner = self._homology_of((face for face in self.members if not faces.on_boundary(face)), 0)
        torsion = tuple(inner.torsion[n - k - 1] if k < n else () for k in range(n + 1))
        return Homology(inner.rational[::-1], inner.modulo_two[::-1], torsion)

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

    def cycles(self, field: str = "Q") -> list[Cycle]:
        """Cycles of degree 1 and up whose classes are a basis of the homology of the set: its holes.

        Parameters
        ----------
        field : {"Q", "2"}
        """
        return [
            Cycle(degree, tuple((value, tuple(map(self.complex.point, flag))) for flag, value in flags.items()))
            for degree, flags in self.flag_cycles(field)
        ]

    def flag_cycles(self, field: str) -> list[tuple[int, dict[tuple[int, ...], int]]]:
        """The same as degrees and coefficients by flags of faces, each of increasing dimensions."""
        faces, n = self.complex, self.complex.dim
        if self.closed:
            chains = self._chains((face for face in self.members if not faces.unbounded[face]), faces.lineality)
            down = {face: dict(zip(faces.facets[face], faces.signs[face], strict=True)) for face in self.members}
            last = dict.fromkeys(self.members, 1)
        else:
            inner = {face for face in self.members if not faces.on_boundary(face)}
            chains, down = _dual(self._chains(inner, 0))
            last = self._orientations
        found = []
        for degree in range(1, n + 1 - (faces.lineality if self.closed else 0)):
            for cycle in basis_cycles(chains, degree, field):
                flags: dict[tuple[int, ...], int] = {(face,): value for face, value in cycle.items()}
                for _ in range(degree):
                    flags = {
                        (*flag, lower): value * sign
                        for flag, value in flags.items()
                        for lower, sign in down[flag[-1]].items()
                    }
                signed = {tuple(sorted(flag)): value * last[flag[-1]] for flag, value in flags.items()}
                found.append((degree, signed if field == "Q" else dict.fromkeys(signed, 1)))
        return found

    @cached_property
    def _orientations(self) -> dict[int, int]:
        """A sign for each cell such that the incidence numbers of every facet with its two cells cancel."""
        faces = self.complex
        holding: dict[int, list[tuple[int, int]]] = {}
        cells = faces.of_dimension(faces.dim)
        around = {cell: dict(zip(faces.facets[cell], faces.signs[cell], strict=True)) for cell in cells}
        for cell in cells:
            for facet, sign in around[cell].items():
                holding.setdefault(facet, []).append((cell, sign))
        found: dict[int, int] = {}
        for first in cells:  # a part of a complex may fall apart
            if first in found:
                continue
            found[first] = 1
            waiting = [first]
            while waiting:
                cell = waiting.pop()
                for facet, sign in around[cell].items():
                    for other, theirs in holding[facet]:
                        if other not in found:
                            found[other] = -found[cell] * sign * theirs
                            waiting.append(other)
        return found

    def _homology_of(self, chosen: Iterable[int], lowest: int) -> Homology:
        """The homology of the chains of some faces, in degrees of their dimensions less the lowest."""
        return homology(list(self._chains(chosen, lowest)))

    def _chains(self, chosen: Iterable[int], lowest: int) -> list[dict[int, dict[int, int]]]:
        """The boundaries of some faces among them, by dimension less the lowest."""
        faces = self.complex
        kept = set(chosen)
        degrees: list[dict[int, dict[int, int]]] = [{} for _ in range(faces.dim + 1 - lowest)]
        for face in sorted(kept):
            pairs = zip(faces.facets[face], faces.signs[face], strict=True)
            degrees[faces.dimensions[face] - lowest][face] = {facet: sign for facet, sign in pairs if facet in kept}
        return degrees


def _dual(chains: list[dict[int, dict[int, int]]]) -> tuple[list[dict[int, dict[int, int]]], dict[int, dict[int, int]]]:
    """The coboundaries by codimension, and all of them together."""
    above: dict[int, dict[int, int]] = {face: {} for degree in chains for face in degree}
    for degree in chains:
        for face, facets in degree.items():
            for facet, sign in facets.items():
                above[facet][face] = sign
    return [{face: above[face] for face in degree} for degree in reversed(chains)], above


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


__all__ = ["Cycle", "FaceSet", "closed_set", "open_set", "whole_complex"]
