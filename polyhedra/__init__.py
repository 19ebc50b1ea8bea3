"""Exact polyhedral geometry: scalars, matrices, certified linear programs, polyhedra and their faces (`faces`)."""

from typing import TYPE_CHECKING

from polyhedra.late_names import late_names

if TYPE_CHECKING:
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

__getattr__, __dir__ = late_names(
    __name__,
    {
        "AffineMap": "polyhedra.matrix",
        "ArrangementCell": "polyhedra.subdivision",
        "GeometryError": "polyhedra.errors",
        "Infeasible": "polyhedra.linear_program",
        "InteriorPoint": "polyhedra.linear_program",
        "MissingExtraError": "polyhedra.errors",
        "NoInterior": "polyhedra.linear_program",
        "Optimal": "polyhedra.linear_program",
        "Polyhedron": "polyhedra.polyhedron",
        "PuiseuxError": "polyhedra.errors",
        "Rational": "polyhedra.scalars",
        "System": "polyhedra.system",
        "Unbounded": "polyhedra.linear_program",
        "arrangement_cells": "polyhedra.subdivision",
        "interior": "polyhedra.linear_program",
        "interior_of": "polyhedra.linear_program",
        "maximize": "polyhedra.linear_program",
        "maximize_over": "polyhedra.linear_program",
        "rational": "polyhedra.scalars",
        "rationals": "polyhedra.scalars",
        "split": "polyhedra.subdivision",
    },
)
