"""The generators of a polyhedron, by the quickest of the ways that apply."""

from __future__ import annotations

from polyhedra.boxes import box_generators
from polyhedra.double_description import Generators, cone_generators
from polyhedra.system import System


def homogeneous_generators(system: System) -> Generators:
    """Generators of the cone over the solutions: vectors (w, x), homogeneous coordinate first.

    Incidence bit i is inequality i; the bit after the last inequality belongs to w >= 0.
    """
    of_box = box_generators(system)
    if of_box is not None:
        return of_box
    rows, k = system.rows(), system.n_equal
    cone_rows = [(row[-1], *(-a for a in row[:-1])) for row in rows]
    at_infinity = (1, *(0,) * system.dim)
    return cone_generators(system.dim + 1, cone_rows[:k], [*cone_rows[k:], at_infinity])
