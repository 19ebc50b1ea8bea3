"""Dimension, facets and generators by pycddlib: polyhedra read off the linear programs of `polyhedra.cdd`."""

from __future__ import annotations

from polyhedra import redundancy
from polyhedra.cdd import feasible_point, interior, library, matrix_of, maximize, wrong_answer
from polyhedra.double_description import Generators
from polyhedra.scalars import ONE, primitive, rationals
from polyhedra.system import IntegerRow, System


def dimension(system: System) -> int:
    """The dimension of the affine hull, -1 for the empty set."""
    return redundancy.relative_interior(system, interior).dimension


def irredundant(system: System) -> tuple[tuple[IntegerRow, ...], tuple[IntegerRow, ...]] | None:
    """The facets' inequalities and the hull's equalities by cdd's linear programs, in our canonical form."""
    return redundancy.irredundant(system, redundancy.relative_interior(system, interior), maximize)


def generators(system: System) -> Generators:
    """The generators of the cone over the set, homogeneous coordinate first, by cdd's double description."""
    rows, k = system.rows(), system.n_equal
    if redundancy.relative_interior(system, interior).point is None:
        return Generators((), (), ())
    point = feasible_point(rows, k, system.dim)
    if point is None:
        raise wrong_answer()
    _, gmp = library()
    matrix = gmp.copy_generators(gmp.polyhedron_from_matrix(matrix_of(rows or [(*(0,) * system.dim, 0)], k)))
    vectors = [primitive(rationals(row)) for row in matrix.array]
    lines = tuple(vector for i, vector in enumerate(vectors) if i in matrix.lin_set)
    rays = [vector for i, vector in enumerate(vectors) if i not in matrix.lin_set]
    if not any(ray[0] for ray in rays):
        rays.append(primitive((ONE, *point)))  # cdd lists no vertex where lines span everything
    conditions = [(row[-1], *(-a for a in row[:-1])) for row in rows[k:]] + [(1, *(0,) * system.dim)]
    equalities = [(row[-1], *(-a for a in row[:-1])) for row in rows[:k]]
    for vector, only_zero in [*((line, True) for line in lines), *((ray, False) for ray in rays)]:
        inequalities = [sum(a * x for a, x in zip(row, vector, strict=True)) for row in conditions]
        zeros = [sum(a * x for a, x in zip(row, vector, strict=True)) for row in equalities]
        if any(zeros) or min(inequalities) < 0 or (only_zero and any(inequalities)):
            raise wrong_answer()
    rays.sort()
    incidences = tuple(
        sum(1 << i for i, row in enumerate(conditions) if sum(a * x for a, x in zip(row, ray, strict=True)) == 0)
        for ray in rays
    )
    return Generators(lines, tuple(rays), incidences)
