"""Exact polyhedral geometry: scalars, matrices, certified linear programs, polyhedra."""

from polyhedra.errors import GeometryError, PuiseuxError
from polyhedra.scalars import Rational, rational, rationals

__all__ = ["GeometryError", "PuiseuxError", "Rational", "rational", "rationals"]
