"""Exact polyhedral geometry: scalars, matrices, certified linear programs, polyhedra."""

from polyhedra.errors import GeometryError, MissingExtraError, PuiseuxError
from polyhedra.linear_program import (
    Infeasible,
    InteriorPoint,
    NoInterior,
    Optimal,
    Unbounded,
    interior,
    interior_of,
    maximize,
    maximize_over,
)
from polyhedra.matrix import AffineMap
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import Rational, rational, rationals
from polyhedra.subdivision import ArrangementCell, arrangement_cells, split
from polyhedra.system import System

__all__ = [
    "AffineMap",
    "ArrangementCell",
    "GeometryError",
    "Infeasible",
    "InteriorPoint",
    "MissingExtraError",
    "NoInterior",
    "Optimal",
    "Polyhedron",
    "PuiseuxError",
    "Rational",
    "System",
    "Unbounded",
    "arrangement_cells",
    "interior",
    "interior_of",
    "maximize",
    "maximize_over",
    "rational",
    "rationals",
    "split",
]
