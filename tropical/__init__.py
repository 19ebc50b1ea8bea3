"""Max-plus algebra: Puiseux polynomials and rational functions, pruning, linear regions, Newton polytopes.

The names below are the daily ones; each topic has a module of its own: `simplify`, `decomposition` and `minimality`
(short formulas), `division`, `factorization`, `interpolation`, `min_plus`, `newton`, `hypersurface`; `matrix`,
`linear_systems`, `eigenspaces`, `assignments` and `min_plus_matrix` (max-plus linear algebra); `valuation`,
`mixed_volume`, `stable_intersection`, `plane_curve` and `convexity` (tropical geometry beyond networks).
Pictures of polynomials are drawn by `puiseux.pictures.polynomials`.
"""

from typing import TYPE_CHECKING

from polyhedra.former_paths import forward
from polyhedra.late_names import late_names

if TYPE_CHECKING:
    from polyhedra.errors import AlgebraError
    from tropical.parsing import parse, parse_polynomial
    from tropical.polynomial import PuiseuxPolynomial
    from tropical.pruning import Pruning, prune
    from tropical.rational import PuiseuxRational
    from tropical.regions import LinearRegion, linear_regions
    from tropical.semiring import MINUS_INFINITY, Tropical

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
    "prune",
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
        "prune": "tropical.pruning",
    },
)

forward({"tropical.plot": "puiseux.pictures.polynomials"})
