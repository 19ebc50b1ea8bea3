"""How many terms every pair (f', g') with f' - g' = F must have: lower bounds that are proofs.

Let f' - g' = F with f' and g' convex, on whatever complex.

* Where F bends up, f' bends up too.  So a region of f' meets no wall at which F bends up, and f' has at least as many
  terms as these walls leave components.
* A region of f' is convex, and on it F = f' - g' is concave.  So two points such that F bends up somewhere on the
  segment between them lie in different regions of f'.  Points that are pairwise so are a proof of that many terms.  The
  points are taken inside the cells, near their vertices, where a few walls force others to go on.

For g' the same holds with -F.  Floating point proposes the points; every pair of the proof is checked exactly.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra.matrix import dot
from polyhedra.scalars import to_float
from tropical.decomposition import WallComplex
from tropical.polynomial import Exponent, PuiseuxPolynomial
from tropical.pruning import upper_hull

MAX_CELLS = 150  # complexes with more cells are bounded by components alone
MAX_POINTS = 160
SAMPLES = 33  # on each segment, for the proposal
RESTARTS = 300


def bounds_below(complex_: WallComplex, *, enough: tuple[int, int] | None = None) -> tuple[int, int]:
    """How many terms numerator and denominator of any pair with this difference have at least.

    Parameters
    ----------
    complex_ : WallComplex
    enough : (int, int), optional
        Numbers of terms of a known pair; nothing larger needs to be looked for.
    """
    up, down = components(complex_, 1), components(complex_, -1)
    if enough == (up, down) or len(complex_.values) > MAX_CELLS:
        return up, down
    points = _points(complex_)
    f, g = complex_.refinement.polynomials
    if enough is None or up < enough[0]:
        up = max(up, len(_separated(f, g, points)))
    if enough is None or down < enough[1]:
        down = max(down, len(_separated(g, f, points)))
    return up, down


def components(complex_: WallComplex, sign: int) -> int:
    """The components that are left when the walls of one sign (1 bends up, -1 bends down) are taken away."""
    parent = list(range(len(complex_.values)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for wall in complex_.walls:
        if wall.weight * sign <= 0:
            parent[root(wall.inner)] = root(wall.outer)
    return sum(parent[i] == i for i in range(len(parent)))


def bends_up(f: PuiseuxPolynomial, g: PuiseuxPolynomial, start: Exponent, end: Exponent) -> bool:
    """Whether f - g bends up somewhere strictly between two points, decided exactly."""
    direction = [b - a for a, b in zip(start, end, strict=True)]
    up, down = _kinks(f, start, direction), _kinks(g, start, direction)
    return any(weight > down.get(place, fmpq(0)) for place, weight in up.items())


def _kinks(polynomial: PuiseuxPolynomial, start: Exponent, direction: list[fmpq]) -> dict[fmpq, fmpq]:
    """Where in (0, 1) the polynomial bends along start + s direction, and by how much its slope jumps."""
    best: dict[fmpq, fmpq] = {}
    for exponent, coefficient in polynomial.terms:
        slope, value = dot(exponent, direction), dot(exponent, start) + coefficient
        if slope not in best or best[slope] < value:
            best[slope] = value
    lines = list(best.items())
    scale = fmpq(1)
    for slope, value in lines:
        for v in (slope, value):
            scale *= (v * scale).q
    rows = [(int((slope * scale).p), int((value * scale).p)) for slope, value in lines]
    hull = sorted(lines[i] for i in upper_hull(rows))
    kinks = {}
    for (slope, value), (steeper, lower) in pairwise(hull):
        place = (value - lower) / (steeper - slope)
        if 0 < place < 1:
            kinks[place] = steeper - slope
    return kinks


def _points(complex_: WallComplex) -> list[Exponent]:
    """A point inside each cell and one near each of its vertices; thinned evenly where there are too many."""
    inside, near = [], []
    for cell in complex_.refinement.cells:
        middle = cell.polyhedron.interior_point()
        assert middle is not None
        inside.append(middle)
        near += [
            tuple(v + (m - v) / 8 for v, m in zip(vertex, middle, strict=True)) for vertex in cell.polyhedron.vertices()
        ]
    room = max(1, MAX_POINTS - len(inside))
    return inside + near[:: max(1, -(-len(near) // room))]


def _separated(f: PuiseuxPolynomial, g: PuiseuxPolynomial, points: list[Exponent]) -> list[int]:
    """Positions of points with f - g bending up between any two: proposed in floating point, verified exactly."""
    with np.errstate(all="ignore"):  # where numbers leave the range of floats nothing is proposed
        adjacent = _proposed(f, g, np.array([[to_float(v) for v in p] for p in points]))
    chosen = _large_clique(adjacent)
    wrong = [(i, k) for i, k in combinations(chosen, 2) if not bends_up(f, g, points[i], points[k])]
    while wrong:
        blamed = [i for pair in wrong for i in pair]
        worst = max(set(blamed), key=blamed.count)
        chosen.remove(worst)
        wrong = [pair for pair in wrong if worst not in pair]
    return chosen


def _proposed(f: PuiseuxPolynomial, g: PuiseuxPolynomial, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    count = len(points)
    adjacent = np.zeros((count, count), dtype=bool)
    steps = np.linspace(0.0, 1.0, SAMPLES)[:, np.newaxis, np.newaxis]
    for i in range(count):
        line = points[i] + steps * (points - points[i])
        flat = line.reshape(-1, points.shape[1])
        values = (f.evaluate_float(flat) - g.evaluate_float(flat)).reshape(SAMPLES, count)
        bend = values[:-2] - 2.0 * values[1:-1] + values[2:]
        # only a proposal: every pair that is used is checked exactly
        noise = 2.0**-30 * (np.abs(values).max(axis=0) + np.ptp(values, axis=0))
        adjacent[i] = (bend > noise).any(axis=0)
    return adjacent & adjacent.T


def _large_clique(adjacent: NDArray[np.bool_]) -> list[int]:
    """A large clique by randomised greedy choice, the most connected candidates first."""
    rng = np.random.default_rng(3)
    best: list[int] = []
    for _ in range(RESTARTS):
        clique: list[int] = []
        candidates = np.ones(len(adjacent), dtype=bool)
        while candidates.any():
            positions = np.flatnonzero(candidates)
            degree = adjacent[np.ix_(positions, positions)].sum(axis=1) if clique else adjacent[positions].sum(axis=1)
            pick = int(positions[np.argmax(degree + rng.uniform(0.0, 4.0, len(positions)))])
            clique.append(pick)
            candidates &= adjacent[pick]
        if len(clique) > len(best):
            best = clique
    return best


__all__ = ["bends_up", "bounds_below", "components"]
