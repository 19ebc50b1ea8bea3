"""Max-plus algebra: Puiseux polynomials and rational functions, pruning, linear regions, Newton polytopes.

The names below are the daily ones; each topic has a module of its own: `simplify`, `decomposition` and `minimality`
(short formulas), `division`, `factorization`, `interpolation`, `min_plus`, `newton`, `hypersurface`; `matrix`,
`linear_systems`, `cramer`, `eigenspaces`, `cycle_ratio`, `assignments`, `ranks` and `min_plus_algebra` (max-plus and
min-plus linear algebra); `valuation`, `mixed_volume`, `stable_intersection`, `tropical_cycle`, `stable_product`,
`prevariety`, `plane_curve` and `convexity` (tropical geometry beyond networks).
Pictures of polynomials are drawn by `puiseux.pictures.polynomials`, `tropical_curves` and `tropical_hulls`.
"""

from typing import TYPE_CHECKING

from polyhedra.former_paths import forward
from polyhedra.late_names import late_names

if TYPE_CHECKING:
    from polyhedra.errors import AlgebraError
    from tropical.parsing import parse, parse_polynomial
    from tropical.polynomial import PuiseuxPolynomial
    from tropical.pruning import Pruning, prune
    from tropical.random_polynomials import random_polynomial, random_rational
    from tropical.rational import PuiseuxRational
    from tropical.regions import LinearRegion, linear_regions
    from tropical.semiring import MINUS_INFINITY, Tropical
    from tropical.tropical_notation import parse_tropical

__all__ = [
    "MINUS_INFINITY",
    "AlgebraError",
    "LinearRegion",
    "Pruning",
    "PuiseuxPolynomial",
    "PuiseuxRational",
    "Tropical",
    "linear_regions",
    "parse",
    "parse_polynomial",
    "parse_tropical",
    "prune",
    "random_polynomial",
    "random_rational",
]

__getattr__, __dir__ = late_names(
    __name__,
    {
        "AlgebraError": "polyhedra.errors",
        "LinearRegion": "tropical.regions",
        "MINUS_INFINITY": "tropical.semiring",
        "Pruning": "tropical.pruning",
        "PuiseuxPolynomial": "tropical.polynomial",
        "PuiseuxRational": "tropical.rational",
        "Tropical": "tropical.semiring",
        "linear_regions": "tropical.regions",
        "parse": "tropical.parsing",
        "parse_polynomial": "tropical.parsing",
        "parse_tropical": "tropical.tropical_notation",
        "prune": "tropical.pruning",
        "random_polynomial": "tropical.random_polynomials",
        "random_rational": "tropical.random_polynomials",
    },
)

forward({"tropical.plot": "puiseux.pictures.polynomials"})
