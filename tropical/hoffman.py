"""Hoffman constants of matrices in the infinity norm: exact, and certified bounds on both sides.

``H(A)`` is the smallest number with ``dist(x, {A x <= b}) <= H(A) max_i (A x - b)_i^+`` for all x and all b for which
the polyhedron is not empty.  For a set J of rows let ``t(J) = min |A_J^T v|_1`` over ``v >= 0, sum v = 1``; J is called
A-surjective iff t(J) > 0, and ``H(A) = max 1/t(J)`` over the A-surjective sets, of which the linearly independent ones
suffice.  By duality::

    1/t(J) = min |x|_inf  subject to  A_J x >= 1,

which is infeasible iff J is not surjective.  So everything here is certified linear programs, and ``exact`` means it.

Hoffman (1952); Pena, Vera and Zuluaga, "New characterizations of Hoffman constants for systems of linear constraints"
(2021); Lezeau et al., "Tropical expressivity of neural networks" (2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from math import comb, inf, isfinite, isqrt
from typing import Any, Literal

import numpy as np
from flint import fmpq, fmpq_mat

from polyhedra.errors import AlgebraError
from polyhedra.former_names import former_keywords
from polyhedra.linear_program import Infeasible, Optimal, maximize_over
from polyhedra.matrix import Matrix, Vector, as_matrix, dot, rank
from polyhedra.option_types import checked_options
from polyhedra.quoting import quoted, shown
from polyhedra.randomness import Seed, generator_and_seed
from polyhedra.scalars import ONE, ZERO, common_denominator, primitive, rational, to_float
from polyhedra.system import IntegerRow, System
from polyhedra.values import Value
from tropical.basis_filter import basis_bounds

Block = Iterable[tuple[tuple[int, ...], float]]
"""Sets of rows, each with an upper bound on what it can contribute (infinite where none is known), decreasing."""

_BLOCK = 20_000  # bases whose bounds are computed together
Method = Literal["auto", "brute-force", "pvz"]
MAX_PROGRAMS = 100_000
"""How many linear programs (or bases) an exact constant may take."""
FEW_BASES = 100_000  # up to so many, going through them is tried first; one takes some microseconds
BASES_A_PROGRAM = 50  # so many count as one linear program against the limit
MAX_BASES = 200_000  # so many are looked at for the upper bound before the a-priori one is taken


@dataclass(frozen=True, slots=True, repr=False)
class HoffmanConstant(Value):
    """The Hoffman constant of a matrix, and where it is attained.

    Attributes
    ----------
    value : fmpq
    rows : tuple of int
        A surjective set J with 1/t(J) = value.
    point : tuple of fmpq
        The smallest x with ``A_J x >= 1``; its largest coordinate is the value.
    multipliers : tuple of fmpq
        v >= 0, one for each row of J, with ``sum v = value`` and ``|A_J^T v|_1 <= 1``: no smaller x will do.
    programs : int
        How many linear programs were solved.
    seed : int or None
        Of the bases that `hoffman_lower` drew.
    """

    value: fmpq
    rows: tuple[int, ...]
    point: Vector
    multipliers: Vector
    programs: int
    seed: int | None = None

    def verify(self, matrix: Any) -> bool:
        """Check by exact arithmetic that ``1/t(rows)`` is the value, which proves that H is at least that."""
        A = as_matrix(matrix)
        chosen = [A[i] for i in self.rows]
        size = max((abs(x) for x in self.point), default=ZERO)
        columns = zip(*chosen, strict=True) if chosen else ()
        return (
            size == self.value == sum(self.multipliers, ZERO)
            and all(v >= 0 for v in self.multipliers)
            and all(dot(row, self.point) >= 1 for row in chosen)
            and sum((abs(dot(column, self.multipliers)) for column in columns), ZERO) <= 1
        )


@checked_options
def hoffman_constant(matrix: Any, *, method: Method = "auto", limit: int = MAX_PROGRAMS) -> HoffmanConstant:
    """The exact Hoffman constant of a matrix, 0 where no row can be violated (no rows, or only zero rows).

    Parameters
    ----------
    matrix : rows of numbers
    method : "auto", "brute-force" or "pvz"
        ``"brute-force"`` goes through all bases of rows; ``"pvz"`` is the algorithm of Pena, Vera and Zuluaga, which
        starts from all rows and removes obstructions; it wins where large sets are surjective.  ``"auto"`` asks whether
        all rows together are, and then takes the first one where there are few bases.
    limit : int
        How many linear programs or bases it may take.

    Raises
    ------
    AlgebraError
        The limit is reached (take `hoffman_lower` and `hoffman_upper`), or a network stands for the matrix.

    Examples
    --------
    >>> hoffman_constant([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]).value
    3
    """
    if hasattr(matrix, "evaluate"):
        raise AlgebraError(f"{shown(matrix)} is no matrix of numbers; puiseux.hoffman has the constants of networks")
    return hoffman_over([as_matrix(matrix)], method=method, limit=limit)


def hoffman_over(matrices: Iterable[Matrix], *, method: Method = "auto", limit: int = MAX_PROGRAMS) -> HoffmanConstant:
    """The largest of the Hoffman constants of several matrices; ``limit`` is for all of them together.

    ``rows`` of the result belong to the matrix in which it is attained.
    """
    if method not in ("auto", "brute-force", "pvz"):
        raise AlgebraError(f"there is no method {quoted(method)}; take 'auto', 'brute-force' or 'pvz'")
    best, programs = HoffmanConstant(ZERO, (), (), (), 0), 0
    for matrix in matrices:
        problem = _Problem(matrix, limit - programs)
        if not problem.rank:
            continue
        if method == "brute-force" or (method == "auto" and problem.has_few_bases and not problem.all_surjective()):
            found = problem.by_bases(problem.bases(), best.value)
        else:
            found = problem.by_obstructions()
        programs += found.programs
        if found.value > best.value or not best.point:
            best = found
    return replace(best, programs=programs)


@former_keywords(samples="n_samples")
def hoffman_lower(matrix: Any, *, n_samples: int = 100, rng: Seed = None) -> HoffmanConstant:
    """A proven lower bound: the largest 1/t(J) over randomly chosen bases J of the rows.

    Parameters
    ----------
    matrix : rows of numbers
    n_samples : int
        How many bases are drawn.
    rng : int or numpy Generator, optional

    Examples
    --------
    >>> hoffman_lower([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]], n_samples=20).value
    3
    """
    problem, (generator, seed) = _Problem(as_matrix(matrix), n_samples), generator_and_seed(rng)
    drawn = dict.fromkeys(problem.random_basis(generator) for _ in range(n_samples))  # each basis once
    return replace(problem.by_bases([((basis, inf) for basis in drawn if basis)]), seed=seed)


def hoffman_upper(matrix: Any, *, limit: int = MAX_BASES) -> fmpq:
    """A proven upper bound: the largest ``sqrt(|J|) / sigma_min(A_J)`` over the bases J of the rows, rounded up.

    Where there are more than ``limit`` bases it is an a-priori bound by Cramer's rule and Hadamard's inequality, which
    is far larger.

    Examples
    --------
    >>> float(hoffman_upper([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]]))  # doctest: +ELLIPSIS
    3.346...

    Notes
    -----
    ``|A_J^T v|_1 >= |A_J^T v|_2 >= sigma_min |v|_2 >= sigma_min / sqrt(|J|)``.  Without the root, as published, the
    bound is one for the Euclidean norm and not valid here.
    """
    problem = _Problem(as_matrix(matrix), limit)
    if not problem.rank:
        return ZERO
    if comb(len(problem.rows), problem.rank) > limit:
        return problem.by_determinants()
    largest = ZERO
    for block in problem.blocks("ratios"):
        for basis, bound in block:
            if _at_most(bound, largest):
                break
            chosen = [list(problem.rows[i]) for i in basis]
            gram = fmpq_mat(chosen) * fmpq_mat(chosen).transpose()
            # rank / sigma^2 <= largest, proven by elimination
            if largest and _positive_definite(gram, problem.rank / largest):
                continue
            smallest = _below_smallest_eigenvalue(gram, chosen)
            if smallest is not None:
                largest = max(largest, problem.rank / smallest)
    return _root_above(largest)


class _Problem:
    """The rows of one matrix without those that never matter, and the programs over them."""

    def __init__(self, matrix: Matrix, limit: int) -> None:
        self._names = _shortest_of_each_direction(matrix)
        self.rows = tuple(matrix[i] for i in self._names)
        self.rank = rank(self.rows)
        self._dim = len(matrix[0]) if matrix else 0
        self._limit, self._programs = limit, 0
        # A x >= 1 in the variables (x, s), as integer rows of <=
        self._wanted: list[IntegerRow] = [primitive([*(-a for a in row), ZERO, -ONE]) for row in self.rows]
        self._box: list[IntegerRow] = []
        for j in range(self._dim):
            for sign in (1, -1):
                self._box.append((*(sign if i == j else 0 for i in range(self._dim)), -1, 0))
        self._objective = (*(ZERO,) * self._dim, -ONE)

    def _program(self, chosen: Sequence[int]) -> Optimal | tuple[int, ...]:
        """The smallest x with A_J x >= 1, or the rows of J that obstruct it."""
        self._spend()
        system = System.of_integer_rows([*(self._wanted[i] for i in chosen), *self._box], 0, self._dim + 1)
        answer = maximize_over(system, self._objective)
        if isinstance(answer, Optimal):
            return answer
        assert isinstance(answer, Infeasible), "the size of a point is not negative"
        return tuple(i for i, weight in zip(chosen, answer.multipliers, strict=False) if weight)

    def _spend(self) -> None:
        self._programs += 1
        if self._programs > self._limit:
            raise self._refusal()

    def _refusal(self) -> AlgebraError:
        return AlgebraError(
            f"the exact Hoffman constant of {len(self.rows)} rows takes more linear programs than the limit allows; "
            "take the lower and upper bounds, or a higher limit"
        )

    @property
    def has_few_bases(self) -> bool:
        """Whether going through all bases is likely to be faster than removing obstructions."""
        return comb(len(self.rows), self.rank) <= FEW_BASES

    def bases(self) -> Iterator[Block]:
        """The sets of rows that may be bases, each with an upper bound on the size of a solution of A_J x = 1."""
        if comb(len(self.rows), self.rank) > BASES_A_PROGRAM * self._limit:
            raise self._refusal()
        return self.blocks("sizes")

    def blocks(self, bound: Literal["sizes", "ratios"]) -> Iterator[Block]:
        """The sets of rows that may be bases, with their `basis_bounds`."""
        rows = np.array([[to_float(v) for v in row] for row in self.rows])
        sets = combinations(range(len(self.rows)), self.rank)
        while block := list(islice(sets, _BLOCK)):
            bases = np.array(block)
            values = basis_bounds(rows, bases)[0 if bound == "sizes" else 1]
            order = np.argsort(-values, kind="stable").tolist()
            yield zip(map(block.__getitem__, order), values[order].tolist(), strict=True)

    def all_surjective(self) -> bool:
        """Whether all rows together are surjective; then no other set matters."""
        return isinstance(self._program(range(len(self.rows))), Optimal)

    def _result(self, best: tuple[Optimal, Sequence[int]] | None) -> HoffmanConstant:
        if best is None:
            return HoffmanConstant(ZERO, (), (ZERO,) * self._dim, (), self._programs)
        answer, chosen = best
        # the program scaled the rows, whose right-hand sides -1 became these
        weights = tuple(-self._wanted[i][-1] * y for y, i in zip(answer.multipliers, chosen, strict=False))
        rows = tuple(self._names[i] for i in chosen)
        return HoffmanConstant(-answer.value, rows, answer.point[:-1], weights, self._programs)

    def by_bases(self, blocks: Iterable[Block], floor: fmpq = ZERO) -> HoffmanConstant:
        """The largest 1/t(J) over the independent ones of the given sets, 0 if it is at most ``floor``."""
        best: tuple[Optimal, Sequence[int]] | None = None
        value = floor
        for block in blocks:
            for basis, bound in block:
                if _at_most(bound, value):
                    break
                x = self._solved(basis)
                # the solution of A_J x = 1 is feasible, so 1/t(J) is at most its size
                if x is None or max(map(abs, x)) <= value:
                    continue
                answer = self._program(basis)
                assert isinstance(answer, Optimal), "independent rows are surjective"
                if -answer.value > value:
                    best, value = (answer, basis), -answer.value
        return self._result(best)

    def _solved(self, basis: Sequence[int]) -> Sequence[fmpq] | None:
        """A solution of A_J x = 1, or None where the rows are dependent."""
        size = len(basis)
        table = fmpq_mat([[*self.rows[i], ONE] for i in basis])
        echelon, found = table.rref()
        rows = echelon.tolist()[:found]
        pivots = [next(j for j, v in enumerate(row) if v) for row in rows]
        if found < size or self._dim in pivots:
            return None
        return [row[-1] for row in rows]

    def by_obstructions(self) -> HoffmanConstant:
        """Pena, Vera and Zuluaga: candidates shrink by obstructions until they are surjective.

        A candidate is a set of rows with a part that it must keep.  Of the rows of an obstruction one has to go; the
        child that drops the k-th of them keeps those before it, so that no set is met twice.
        """
        best: tuple[Optimal, Sequence[int]] | None = None
        surjective: list[int] = []
        obstructions: list[int] = []
        stack = [((1 << len(self.rows)) - 1, 0)]
        while stack:
            candidate, kept = stack.pop()
            if any(candidate & ~known == 0 for known in surjective):
                continue
            inside = [known for known in obstructions if known & ~candidate == 0]
            if not inside:
                chosen = _members(candidate)
                answer = self._program(chosen)
                if isinstance(answer, Optimal):
                    surjective.append(candidate)
                    if chosen and (best is None or answer.value < best[0].value):
                        best = answer, chosen
                    continue
                inside = [sum(1 << i for i in answer)]
                obstructions += inside
            obstruction = min(inside, key=lambda known: (known & ~kept).bit_count())
            children = []
            for i in _members(obstruction & ~kept):
                children.append((candidate & ~(1 << i), kept))
                kept |= 1 << i
            stack += reversed(children)
        return self._result(best)

    def random_basis(self, rng: np.random.Generator) -> tuple[int, ...]:
        """A basis of the row space among the rows, by adding rows in random order."""
        order = rng.permutation(len(self.rows)).tolist()
        if not order:
            return ()
        columns = fmpq_mat([list(self.rows[i]) for i in order]).transpose()
        echelon, found = columns.rref()
        pivots = (next(j for j, v in enumerate(row) if v) for row in echelon.tolist()[:found])
        return tuple(sorted(order[j] for j in pivots))

    def by_determinants(self) -> fmpq:
        """An a-priori bound: |x|_inf for A_J x = 1 by Cramer's rule, over integers.

        With rows z_i = d_i a_i of integers each coordinate of x is a quotient of determinants; the lower one is at
        least 1, the upper one at most the product of the lengths of the rows (z_i, d_i).
        """
        squares = []
        for row in self.rows:
            d = common_denominator(row)
            squares.append(sum(int((v * d).p) ** 2 for v in row) + d * d)
        product = 1
        for square in sorted(squares, reverse=True)[: self.rank]:
            product *= square
        return fmpq(isqrt(product) + 1)


def _shortest_of_each_direction(matrix: Matrix) -> tuple[int, ...]:
    """The rows that matter: no zero rows, and of positive multiples of one row the shortest.

    Where a.x >= 1 a longer row in the same direction is at least 1 as well, and both are surjective together.
    """
    shortest: dict[tuple[int, ...], int] = {}
    for i, row in enumerate(matrix):
        if not any(row):
            continue
        direction = primitive(row)
        j = next(k for k, v in enumerate(direction) if v)
        other = shortest.get(direction)
        if other is None or abs(row[j]) < abs(matrix[other][j]):
            shortest[direction] = i
    return tuple(sorted(shortest.values()))


def _at_most(bound: float, value: fmpq) -> bool:
    """Whether a proven bound is at most a number, exactly: an infinite one never is, however large the number."""
    return isfinite(bound) and rational(bound) <= value


def _members(bits: int) -> list[int]:
    return [i for i in range(bits.bit_length()) if bits >> i & 1]


def _positive_definite(gram: fmpq_mat, shift: fmpq) -> bool:
    """Whether ``gram - shift I`` is positive definite, by exact elimination."""
    size = gram.nrows()
    rows = gram.tolist()
    for i in range(size):
        rows[i][i] -= shift
    for k in range(size):
        pivot = rows[k][k]
        if pivot <= 0:
            return False
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            if factor:
                for j in range(k + 1, size):
                    rows[i][j] -= factor * rows[k][j]
    return True


def _below_smallest_eigenvalue(gram: fmpq_mat, rows: list[list[fmpq]]) -> fmpq | None:
    """A positive number below the smallest eigenvalue of a Gram matrix, close to it; None where it is singular."""
    determinant = gram.det()
    if determinant == 0:
        return None
    floats = np.array([[to_float(v) for v in row] for row in rows])
    if np.isfinite(floats).all():
        sigma = _smallest_singular_value(floats)
        for loss in (1e-12, 1e-9, 1e-6, 1e-3, 0.5):
            # proposed in floating point, proven by exact elimination
            guess = fmpq(*(sigma * (1 - loss)).as_integer_ratio()) ** 2
            if guess > 0 and _positive_definite(gram, guess):
                return guess
    size = gram.nrows()
    if size == 1:
        return determinant
    # the product of the eigenvalues is the determinant; the others are at most their mean to the power
    trace = sum((gram[i, i] for i in range(size)), ZERO)
    return determinant / (trace / (size - 1)) ** (size - 1)


def _smallest_singular_value(matrix: np.ndarray) -> float:
    """About the smallest singular value; 0 where floating point cannot tell."""
    try:
        sigma = float(np.linalg.svd(matrix, compute_uv=False)[-1])
    except np.linalg.LinAlgError:
        return 0.0
    return sigma if isfinite(sigma) else 0.0


def _root_above(square: fmpq) -> fmpq:
    """A number at least the square root, to about 50 binary digits."""
    if square <= 0:
        return ZERO
    scale = 1 << max(64, 64 - int(square.p).bit_length() + int(square.q).bit_length())
    scaled = square * scale * scale
    return fmpq(isqrt(int(scaled.ceil())) + 1, scale)


__all__ = ["MAX_BASES", "MAX_PROGRAMS", "HoffmanConstant", "hoffman_constant", "hoffman_lower", "hoffman_over"]
__all__ += ["hoffman_upper"]
