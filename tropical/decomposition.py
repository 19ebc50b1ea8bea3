"""Differences of convex functions: all pairs (f', g') with f' - g' = f - g on the walls of one complex.

Let F = f - g be affine on each cell of a complex (the common refinement of f and g).  Across a facet with normal a, F
changes by w (a.x - b) with a weight w: F bends up where w > 0 and down where w < 0.  A convex f' on the same complex
is, up to an affine function, a choice of weights t >= 0 that is *balanced*: going round any loop of cells adds up to
nothing.  Then f' - F is convex iff t >= w.  So the pairs form the polyhedron

    { t balanced, t >= max(w, 0) }

(the decomposition polyhedron of Brandenburg, Grillo and Hertrich 2024), and a pair has few terms when many facets have
t = 0 or t = w.  Its vertices are searched by linear programs; what floating point proposes is solved again exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from polyhedra.linear_program import Optimal, maximize_over
from polyhedra.matrix import dot, reduced_echelon
from polyhedra.scalars import ZERO, rational, to_float
from polyhedra.system import System
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational
from tropical.regions import Refinement, RefinementCell, common_refinement

MAX_WALLS = 4000  # beyond them no smaller pair is searched for by default
_PROGRAMS = 4  # linear programs for each choice of costs

Affine = tuple[fmpq, ...]
"""(a_1, ..., a_n, c)."""


@dataclass(frozen=True, slots=True)
class Wall:
    """A facet between two cells: crossing it from ``inner`` to ``outer`` adds ``weight * (normal.x - offset)`` to F.

    ``direction`` is the affine function (normal, -offset).
    """

    inner: int
    outer: int
    direction: Affine
    weight: fmpq


@dataclass(frozen=True, slots=True)
class WallComplex:
    """The function F = f - g on the common refinement of f and g.

    Attributes
    ----------
    refinement : Refinement
    values : tuple of affine functions, one a cell
    walls : tuple of Wall
    tree : tuple of int
        Positions in ``walls`` that reach every cell from cell 0, in the order in which they do.
    """

    refinement: Refinement
    values: tuple[Affine, ...]
    walls: tuple[Wall, ...]
    tree: tuple[int, ...]

    @classmethod
    def of(cls, function: PuiseuxRational) -> WallComplex:
        """The complex of a rational function in pruned or unpruned form."""
        refinement = common_refinement([function.numerator, function.denominator])
        values = tuple(_difference(refinement, cell) for cell in refinement.cells)
        walls: list[Wall] = []
        tree: list[int] = []
        reached = {0}
        # cells were found by a walk, so some facet leads to each cell from an earlier one
        for i, cell in enumerate(refinement.cells):
            for row, k in cell.neighbours:
                if k is None or k < i:
                    continue
                direction = (*map(fmpq, row[:-1]), fmpq(-row[-1]))
                axis = next(j for j, v in enumerate(direction) if v)
                weight = (values[k][axis] - values[i][axis]) / direction[axis]
                if k not in reached:
                    reached.add(k)
                    tree.append(len(walls))
                walls.append(Wall(i, k, direction, weight))
        return cls(refinement, values, tuple(walls), tuple(tree))

    def lower(self) -> list[fmpq]:
        """The least weights of f': max(w, 0)."""
        return [max(wall.weight, fmpq(0)) for wall in self.walls]

    def integrate(self, weights: list[fmpq], start: Affine) -> list[Affine] | None:
        """The affine pieces of the function with these weights that is ``start`` on cell 0; None if not balanced."""
        pieces: list[Affine | None] = [None] * len(self.values)
        pieces[0] = start
        for position in self.tree:
            wall = self.walls[position]
            piece = pieces[wall.inner]
            assert piece is not None
            pieces[wall.outer] = _moved(piece, wall, weights[position])
        result = [piece for piece in pieces if piece is not None]
        for wall, weight in zip(self.walls, weights, strict=True):
            if _moved(result[wall.inner], wall, weight) != result[wall.outer]:
                return None
        return result

    def loops(self) -> list[dict[int, Affine]]:
        """The balancing conditions: for each facet off the tree, walls -> their directions, signed, summing to 0."""
        parent: dict[int, tuple[int, int]] = {}
        depth = {0: 0}
        for position in self.tree:
            wall = self.walls[position]
            parent[wall.outer] = (wall.inner, position)
            depth[wall.outer] = depth[wall.inner] + 1
        in_tree = set(self.tree)
        loops = []
        for position, wall in enumerate(self.walls):
            if position in in_tree:
                continue
            loop = {position: wall.direction}
            inner, outer = wall.inner, wall.outer
            while inner != outer:
                if depth[inner] >= depth[outer]:
                    inner, used = parent[inner]
                    loop[used] = self.walls[used].direction
                else:
                    outer, used = parent[outer]
                    loop[used] = tuple(-v for v in self.walls[used].direction)
            loops.append(loop)
        return loops


def _difference(refinement: Refinement, cell: RefinementCell) -> Affine:
    (a, p), (b, q) = refinement.terms(cell)
    return (*(u - v for u, v in zip(a, b, strict=True)), p - q)


def _moved(piece: Affine, wall: Wall, weight: fmpq) -> Affine:
    if not weight:
        return piece
    return tuple(p + weight * d for p, d in zip(piece, wall.direction, strict=True))


def pair_from_weights(complex_: WallComplex, weights: list[fmpq]) -> PuiseuxRational | None:
    """The pair (f', f' - F) with these weights of f'; None if they are not balanced or one of them is not convex."""
    if any(t < low for t, low in zip(weights, complex_.lower(), strict=True)):
        return None
    dim = complex_.refinement.polynomials[0].dim
    start = (fmpq(0),) * (dim + 1)
    pieces = complex_.integrate(weights, start)
    if pieces is None:
        return None
    top = dict.fromkeys(pieces)
    bottom = dict.fromkeys(
        tuple(p - v for p, v in zip(piece, value, strict=True))
        for piece, value in zip(pieces, complex_.values, strict=True)
    )
    # a piecewise affine function that bends up at every facet is the maximum of its pieces
    f, g = (PuiseuxPolynomial([(p[:-1], p[-1]) for p in side], dim) for side in (top, bottom))
    return PuiseuxRational(f, g)


def smallest_pair(complex_: WallComplex, *, attempts: int | None = None) -> PuiseuxRational:
    """A pair with as few terms as the search finds on this complex.

    A pair with the fewest terms is a vertex of the decomposition polyhedron, because a vertex has the fewest walls.

    Parameters
    ----------
    complex_ : WallComplex
    attempts : int, optional
        Exact linear programs with different costs, each followed by three that favour the walls that are nearly gone;
        by default 8 on small complexes, fewer on large ones, none beyond `MAX_WALLS` walls.
    """
    *_, (_, _, best) = shorter_pairs(complex_, attempts=attempts)
    return best


def shorter_pairs(complex_: WallComplex, *, attempts: int | None = None) -> Iterator[tuple[int, int, PuiseuxRational]]:
    """The search of `smallest_pair`: linear programs done, how many there are at most, and the best pair so far."""
    least = pair_from_weights(complex_, complex_.lower())
    if least is not None:
        yield 0, 0, least
        return
    refinement = complex_.refinement
    if attempts is None:
        count = len(complex_.walls)
        attempts = 0 if count > MAX_WALLS else max(1, min(8, 1200 // count))
    best = PuiseuxRational(refinement.polynomials[0], refinement.polynomials[1])
    most = attempts * _PROGRAMS
    yield 0, most, best
    for done, weights in _vertices(complex_, attempts):
        pair = None if weights is None else pair_from_weights(complex_, weights)
        if pair is not None and _size(pair) < _size(best):
            best = pair
        yield done, most, best


def _size(pair: PuiseuxRational) -> int:
    return len(pair.numerator) + len(pair.denominator)


def balanced_basis(complex_: WallComplex) -> tuple[list[int], list[tuple[fmpq, ...]]]:
    """The free walls, and each wall's weight as a combination of theirs: t = N s with one row of N a wall."""
    count = len(complex_.walls)
    size = len(complex_.walls[0].direction)
    entries = [[fmpq(0)] * count for _ in range(size * len(complex_.loops()))]
    for number, loop in enumerate(complex_.loops()):
        for position, direction in loop.items():
            for k, v in enumerate(direction):
                entries[number * size + k][position] = v
    rows, pivots = reduced_echelon(tuple(map(tuple, entries)))
    free = sorted(set(range(count)) - set(pivots))
    place = {position: j for j, position in enumerate(free)}
    matrix = [[fmpq(0)] * len(free) for _ in range(count)]
    for position, j in place.items():
        matrix[position][j] = fmpq(1)
    for row, pivot in zip(rows, pivots, strict=True):
        matrix[pivot] = [-row[position] for position in free]
    return free, [tuple(row) for row in matrix]


def _vertices(complex_: WallComplex, attempts: int) -> Iterator[tuple[int, list[fmpq] | None]]:
    """After each linear program its number, and the weights at a vertex of the decomposition polyhedron that is new."""
    _, matrix = balanced_basis(complex_)
    lower = complex_.lower()
    system = System([[-v for v in row] for row in matrix], [-low for low in lower], dim=len(matrix[0]))
    lengths = [max(sum((abs(v) for v in wall.direction[:-1]), fmpq(0)), fmpq(1)) for wall in complex_.walls]
    rng = np.random.default_rng(7)
    seen = set()
    for attempt in range(attempts):
        factors = np.ones(len(lengths)) if attempt == 0 else rng.exponential(size=len(lengths))
        for program in range(attempt * _PROGRAMS + 1, (attempt + 1) * _PROGRAMS + 1):
            costs = [rational(float(f)) * size for f, size in zip(factors, lengths, strict=True)]
            objective = [-dot(costs, column) for column in zip(*matrix, strict=True)]
            answer = maximize_over(system, objective)
            if not isinstance(answer, Optimal):
                break
            weights = [dot(row, answer.point) for row in matrix]
            yield program, None if answer.point in seen else weights
            seen.add(answer.point)
            excess = [t - low for t, low in zip(weights, lower, strict=True)]
            largest = max(excess, default=ZERO)
            if largest > 0:  # the quotients are in the range of floats, the numbers need not be
                factors = 1.0 / (np.array([to_float(v / largest) for v in excess]) + 1e-3)


__all__ = ["Wall", "WallComplex", "pair_from_weights", "shorter_pairs", "smallest_pair"]
