"""Critical vertices and flat components of a piecewise linear output: where the topology of its sublevel sets changes.

Let ``C`` be a connected component of the union of the faces on which the output is constant: a single vertex, or flat
cells.  As the level passes its value ``c``, the faces that are added near ``C`` are those whose maximum is taken on a
bounded face in ``C``; what is unbounded in the level set shrinks (see `nn_bridge.topology.sets`).  With the boundaries
among them they are the chain complex of the pair ({f <= c}, {f < c}) near ``C``.

Where its homology vanishes, nothing changes at ``C``: it is regular.  One class of degree ``k`` is a nondegenerate
critical point of index ``k``, and anything else is degenerate (a monkey saddle has two classes of degree 1).  At a
vertex this is the reduced homology of the lower link, one degree up (Banchoff 1967; Brooks and Masden 2024; Grunert,
Kuhnel and Rote 2023).  A vertex is critical here in the homological sense; in up to three inputs this is the
topological one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from flint import fmpq

from nn_bridge.cells.faces import FaceComplex, face_complex
from nn_bridge.network.network import Network, Row
from nn_bridge.topology.homology import homology
from nn_bridge.topology.values import OutputValues, Values
from polyhedra.limits import check_limits
from polyhedra.polyhedron import Polyhedron

KINDS = ("critical", "degenerate", "flat")


@dataclass(frozen=True, slots=True)
class CriticalPoint:
    """A critical vertex of an output, or a component of flat faces.  Made by `critical_points`.

    Attributes
    ----------
    kind : {"critical", "degenerate", "flat"}
        A nondegenerate critical vertex, a degenerate one, or a component with faces of dimension 1 and up (which may
        change nothing: then ``betti`` is all 0).
    level : fmpq
        The value of the output.
    point : tuple of rationals
        The vertex, or a point inside a largest face of the component.
    index : int or None
        The degree of the only class; None where there is none or there are several.
    betti : tuple of int
        The Betti numbers of the pair ({f <= c}, {f < c}) near the component, from degree 0.
    euler : int
        The jump of the Euler characteristic of {f <= t}: the alternating sum of ``betti``.
    faces : tuple of int
        The faces of the component by dimension.
    """

    kind: str
    level: fmpq
    point: Row
    index: int | None
    betti: tuple[int, ...]
    euler: int
    faces: tuple[int, ...]


def critical_points(
    network: Network, output: int = 0, domain: Polyhedron | None = None, field: str = "Q"
) -> list[CriticalPoint]:
    """The critical vertices and flat components of an output, by level.

    The sum of ``euler`` is chi(domain) - chi({f <= t}) for t below all their levels.

    Parameters
    ----------
    network : Network
    output : int
    domain : Polyhedron, optional
    field : {"Q", "2"}

    Examples
    --------
    >>> tent = Network.from_layers([[[1], [-1]], [[-1, -1]]])  # -|x|
    >>> [(found.kind, found.level, found.index, found.euler) for found in critical_points(tent)]
    [('critical', 0, 1, -1)]
    """
    faces = face_complex(network, domain)
    values = OutputValues(faces, output)
    if not values.constant_along_lines:
        return []
    low, high = values.extremes()
    flat = [a is not None and a == b for a, b in zip(low, high, strict=True)]
    component = _flat_components(faces, flat)
    added: dict[int, list[int]] = {}
    for face, top in enumerate(_top_faces(faces, high, flat)):
        if top is not None and not faces.unbounded[top]:
            added.setdefault(component[top], []).append(face)
    members: dict[int, list[int]] = {}
    for face, number in component.items():
        members.setdefault(number, []).append(face)
    found = []
    for number, own in members.items():
        check_limits()
        betti = _relative_betti(faces, added.get(number, []), field)
        largest = max(own, key=lambda face: (faces.dimensions[face], faces.positive[face], faces.zeros[face]))
        several = len(own) > 1
        if not several and not any(betti):
            continue
        level = high[largest]
        assert level is not None
        found.append(
            CriticalPoint(
                kind="flat"
                if several or faces.dimensions[largest] == network.input_dim
                else "critical"
                if sum(betti) == 1
                else "degenerate",
                level=level,
                point=faces.point(largest),
                index=betti.index(1) if sum(betti) == 1 else None,
                betti=betti,
                euler=sum((-1) ** degree * number for degree, number in enumerate(betti)),
                faces=_by_dimension(faces, own),
            )
        )
    return sorted(found, key=lambda point: (point.level, point.point))


def _flat_components(faces: FaceComplex, flat: list[bool]) -> dict[int, int]:
    """For each face on which the output is constant the number of its component."""
    root = {face: face for face, constant in enumerate(flat) if constant}

    def find(face: int) -> int:
        while root[face] != face:
            root[face] = face = root[root[face]]
        return face

    for face in root:
        for facet in faces.facets[face]:  # a facet of a flat face is flat
            one, two = sorted((find(face), find(facet)))
            root[two] = one
    return {face: find(face) for face in root}


def _top_faces(faces: FaceComplex, high: Values, flat: list[bool]) -> list[int | None]:
    """For each face the face of it on which the supremum is attained; None where there is none.

    It is that of any facet that contains it, and those of the other facets are smaller.
    """
    found: list[int | None] = []
    for face, facets in enumerate(faces.facets):
        if high[face] is None or flat[face]:
            found.append(face if flat[face] else None)
            continue
        tops = [found[facet] for facet in facets if high[facet] == high[face]]
        found.append(max((top for top in tops if top is not None), key=lambda top: faces.dimensions[top]))
    return found


def _relative_betti(faces: FaceComplex, added: list[int], field: str) -> tuple[int, ...]:
    """The Betti numbers of the chain complex of some faces, by dimension above the lineality."""
    kept = set(added)
    degrees: list[dict[int, dict[int, int]]] = [{} for _ in range(faces.dim + 1)]
    for face in added:
        pairs = zip(faces.facets[face], faces.signs[face], strict=True)
        degrees[faces.dimensions[face] - faces.lineality][face] = {f: sign for f, sign in pairs if f in kept}
    return homology(list(degrees)).betti(field)


def _by_dimension(faces: FaceComplex, chosen: list[int]) -> tuple[int, ...]:
    counts = Counter(faces.dimensions[face] for face in chosen)
    return tuple(counts[dim] for dim in range(faces.dim + 1))


__all__ = ["KINDS", "CriticalPoint", "critical_points"]
