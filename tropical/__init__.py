"""Max-plus algebra: Puiseux polynomials and rational functions, pruning, linear regions, Newton polytopes."""

from polyhedra.errors import AlgebraError
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import Pruning, prune
from tropical.rational import PuiseuxRational
from tropical.semiring import MINUS_INFINITY, Tropical

__all__ = [
    "MINUS_INFINITY",
    "AlgebraError",
    "Pruning",
    "PuiseuxPolynomial",
    "PuiseuxRational",
    "Tropical",
    "prune",
]
