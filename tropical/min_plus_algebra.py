"""`MinPlusMatrix`: max-plus linear algebra read with minimum for maximum and plus infinity for "no edge".

A min-plus matrix M is held as the max-plus matrix -M; each call is that of `TropicalMatrix` and of the modules beside
it, with signs changed on the way in and out.  Ranks and assignments are the same for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tropical import assignments, cramer, eigenspaces, linear_systems, ranks
from tropical.matrix import TropicalMatrix
from tropical.min_plus_matrix import MinScalar, from_min_plus_rows, min_plus_rows, to_min_plus_scalar, to_negative

MinVector = tuple[MinScalar, ...]


@dataclass(frozen=True, slots=True)
class MinPlusEigenspace:
    """The eigenvectors for one eigenvalue, the min-plus combinations of a basis; as `eigenspaces.Eigenspace`."""

    eigenvalue: MinScalar
    classes: tuple[tuple[int, ...], ...]
    basis: tuple[MinVector, ...]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class MinPlusMatrix:
    """A matrix over the min-plus semiring, immutable and hashable.

    ``+`` is the entrywise minimum, ``@`` the min-plus product, ``**`` a power.

    Parameters
    ----------
    rows : sequence of rows of numbers
        Plus infinity (or ``"inf"``) is the min-plus zero.

    Attributes
    ----------
    negative : TropicalMatrix
        The max-plus matrix -M.

    Raises
    ------
    AlgebraError
        Ragged rows, no entries, NaN or minus infinity.

    Examples
    --------
    >>> M = MinPlusMatrix([[5, 4], [0, "inf"]])
    >>> M @ M, M.eigenvalue(), M.determinant(), M.cycle_time()
    (MinPlusMatrix([[4, 9], [5, 4]]), 2, 4, (2, 2))
    """

    negative: TropicalMatrix

    def __init__(self, rows: Iterable[Iterable[Any]]) -> None:
        object.__setattr__(self, "negative", from_min_plus_rows(rows))

    @classmethod
    def of_negative(cls, matrix: TropicalMatrix) -> MinPlusMatrix:
        """The min-plus matrix M of the max-plus matrix -M."""
        found = cls.__new__(cls)
        object.__setattr__(found, "negative", matrix)
        return found

    @classmethod
    def identity(cls, size: int) -> MinPlusMatrix:
        """0 on the diagonal, plus infinity elsewhere."""
        return cls.of_negative(TropicalMatrix.identity(size))

    @property
    def rows(self) -> tuple[MinVector, ...]:
        """The entries."""
        return min_plus_rows(self.negative)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.negative.shape

    def __getitem__(self, place: tuple[int, int]) -> MinScalar:
        return to_min_plus_scalar(self.negative[place])

    def __repr__(self) -> str:
        return f"MinPlusMatrix([{', '.join('[' + ', '.join(map(str, row)) + ']' for row in self.rows)}])"

    def __add__(self, other: MinPlusMatrix) -> MinPlusMatrix:
        if not isinstance(other, MinPlusMatrix):
            return NotImplemented
        return MinPlusMatrix.of_negative(self.negative + other.negative)

    def __matmul__(self, other: MinPlusMatrix) -> MinPlusMatrix:
        if not isinstance(other, MinPlusMatrix):
            return NotImplemented
        return MinPlusMatrix.of_negative(self.negative @ other.negative)

    def __pow__(self, power: int) -> MinPlusMatrix:
        return MinPlusMatrix.of_negative(self.negative**power)

    def transpose(self) -> MinPlusMatrix:
        """Rows and columns exchanged."""
        return MinPlusMatrix.of_negative(self.negative.transpose())

    def apply(self, vector: Sequence[Any]) -> MinVector:
        """The product with a column vector."""
        return _vector(self.negative.apply(_negated(vector)))

    def scale(self, value: Any) -> MinPlusMatrix:
        """A number added to every entry."""
        return MinPlusMatrix.of_negative(self.negative.scale(to_negative(value, "factor")))

    # ---------------------------------------------------------------- paths, cycles, assignments

    def kleene_star(self) -> MinPlusMatrix:
        """The lengths of shortest paths; refuses cycles of negative length."""
        return MinPlusMatrix.of_negative(self.negative.kleene_star())

    def kleene_plus(self) -> MinPlusMatrix:
        """The lengths of shortest paths with at least one edge."""
        return MinPlusMatrix.of_negative(self.negative.kleene_plus())

    def trace(self) -> MinScalar:
        """The smallest diagonal entry."""
        return to_min_plus_scalar(self.negative.trace())

    def inverse(self) -> MinPlusMatrix:
        """The inverse of a monomial matrix."""
        return MinPlusMatrix.of_negative(self.negative.inverse())

    def determinant(self) -> MinScalar:
        """The smallest ``sum_i M[i, s(i)]`` over all permutations s."""
        return to_min_plus_scalar(self.negative.determinant())

    def optimal_assignment(self) -> tuple[MinScalar, tuple[int, ...] | None]:
        """The determinant and a permutation that attains it."""
        value, permutation = self.negative.optimal_assignment()
        return to_min_plus_scalar(value), permutation

    def optimal_assignments(self, *, limit: int = assignments.MAX_ASSIGNMENTS) -> tuple[tuple[int, ...], ...]:
        """All permutations that attain the determinant; as `assignments.optimal_assignments`."""
        return assignments.optimal_assignments(self.negative, limit=limit)

    def is_nonsingular(self) -> bool:
        """Whether the determinant is finite and attained by one permutation only."""
        return assignments.is_nonsingular(self.negative)

    def ranks(self, **limits: int) -> ranks.Ranks:
        """The ranks; as `ranks.ranks`, with its limits."""
        return ranks.ranks(self.negative, **limits)

    # ---------------------------------------------------------------- eigenvalues

    def eigenvalue(self) -> MinScalar:
        """The smallest cycle mean."""
        return to_min_plus_scalar(self.negative.eigenvalue())

    def eigenvectors(self) -> tuple[MinVector, ...]:
        """A basis of the eigenspace of the smallest cycle mean."""
        return tuple(map(_vector, self.negative.eigenvectors()))

    def eigenspaces(self) -> tuple[MinPlusEigenspace, ...]:
        """The eigenspaces of all eigenvalues, the smallest first."""
        return tuple(
            MinPlusEigenspace(
                to_min_plus_scalar(space.eigenvalue), space.classes, tuple(_vector(vector) for vector in space.basis)
            )
            for space in eigenspaces.eigenspaces(self.negative)
        )

    def critical_graph(self) -> Any:
        """The edges on cycles of the smallest mean, as a networkx DiGraph with weights."""
        graph = eigenspaces.critical_graph(self.negative)
        for _, _, data in graph.edges(data=True):
            data["weight"] = -data["weight"]
        return graph

    def cyclicity(self) -> int:
        """The period of the powers; as `eigenspaces.cyclicity`."""
        return eigenspaces.cyclicity(self.negative)

    def cycle_time(self, tokens: Any = None) -> MinVector:
        """The growth rates of ``x_i(k) = min_j (m_ij + x_j(k - t_ij))``; as `eigenspaces.cycle_time`."""
        return _vector(eigenspaces.cycle_time(self.negative, tokens))

    # ---------------------------------------------------------------- linear systems

    def least_supersolution(self, right: Sequence[Any]) -> MinVector:
        """The least x with ``M x >= b``."""
        return _vector(linear_systems.greatest_subsolution(self.negative, _negated(right)))

    def solve(self, right: Sequence[Any]) -> MinVector | None:
        """The least solution of ``M x = b``, or None; `linear_systems.solve` of ``negative`` and -b has the proof."""
        answer = linear_systems.solve(self.negative, _negated(right))
        return None if isinstance(answer, linear_systems.NoSolution) else _vector(answer.principal)

    def left_residual(self, right: MinPlusMatrix) -> MinPlusMatrix:
        """The least X with ``M X >= B``."""
        return MinPlusMatrix.of_negative(linear_systems.left_residual(self.negative, right.negative))

    def right_residual(self, matrix: MinPlusMatrix) -> MinPlusMatrix:
        """The least X with ``X A >= M``, for this matrix M and a matrix A."""
        return MinPlusMatrix.of_negative(linear_systems.right_residual(self.negative, matrix.negative))

    def cramer(self, right: Sequence[Any]) -> MinVector:
        """The vector for which the smallest among ``m_ij + x_j`` and b_i occurs twice in each row; `cramer.cramer`."""
        return _vector(cramer.cramer(self.negative, _negated(right)).point)


def _negated(vector: Sequence[Any]) -> list[Any]:
    return [to_negative(value, f"entry {k}") for k, value in enumerate(vector)]


def _vector(values: Sequence[Any]) -> MinVector:
    return tuple(map(to_min_plus_scalar, values))


__all__ = ["MinPlusEigenspace", "MinPlusMatrix"]
