"""Matrices over the max-plus semiring, exactly: product, powers, Kleene star, determinant, eigenvalues.

Entries are rationals or minus infinity.  A square matrix is also a weighted digraph: the entry (i, j) is the weight of
the edge from j to i, so that the product with a vector moves along edges; minus infinity means no edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO, to_float
from tropical._hall import deficient_rows
from tropical._integer_arrays import cycle_mean, floyd_warshall, integer_array, row_potentials
from tropical.semiring import MINUS_INFINITY, Scalar, is_finite, scalar, tropical_product, tropical_sum

Vector = tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class TropicalMatrix:
    """A matrix over the max-plus semiring, immutable and hashable.

    ``+`` is the entrywise maximum, ``@`` the max-plus product, ``**`` a power.

    Parameters
    ----------
    rows : sequence of rows of numbers
        Floats stand for their exact values; ``-inf`` is the tropical zero.

    Raises
    ------
    AlgebraError
        Ragged rows, no entries, NaN or plus infinity.

    Examples
    --------
    >>> A = TropicalMatrix([[0, 2], ["-inf", 1]])
    >>> print(A @ A)
    [[0, 3], [-inf, 2]]
    """

    rows: tuple[Vector, ...]

    def __init__(self, rows: Iterable[Iterable[Any]]) -> None:
        matrix = []
        for i, row in enumerate(rows):
            try:
                matrix.append(tuple(map(scalar, row)))
            except AlgebraError as error:
                raise AlgebraError(f"matrix, row {i}: {error}") from None
            except TypeError:
                raise AlgebraError(f"matrix, row {i}: {quoted(row)} is no row of numbers") from None
            if len(matrix[i]) != len(matrix[0]):
                raise AlgebraError(
                    f"matrix, row {i} has {counted(len(matrix[i]), 'entry', 'entries')}, row 0 has {len(matrix[0])}"
                )
        if not matrix or not matrix[0]:
            raise AlgebraError("a matrix needs at least one entry")
        object.__setattr__(self, "rows", tuple(matrix))

    @classmethod
    def _trusted(cls, rows: Iterable[Iterable[Scalar]]) -> TropicalMatrix:
        """A matrix of rows that are known to be of one length and of numbers of the semiring."""
        matrix = cls.__new__(cls)
        object.__setattr__(matrix, "rows", tuple(map(tuple, rows)))
        return matrix

    @classmethod
    def identity(cls, size: int) -> TropicalMatrix:
        """0 on the diagonal, minus infinity elsewhere."""
        return cls([[0 if i == k else MINUS_INFINITY for k in range(size)] for i in range(size)])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])

    def __getitem__(self, place: tuple[int, int]) -> Scalar:
        return self.rows[place[0]][place[1]]

    def __str__(self) -> str:
        return f"[{', '.join('[' + ', '.join(map(str, row)) + ']' for row in self.rows)}]"

    def __repr__(self) -> str:
        return f"TropicalMatrix({self})"

    def _repr_latex_(self) -> str:
        def entry(value: Scalar) -> str:
            if not is_finite(value):
                return r"-\infty"
            return str(value.p) if value.q == 1 else rf"\frac{{{value.p}}}{{{value.q}}}"

        body = r" \\ ".join(" & ".join(map(entry, row)) for row in self.rows)
        return rf"$\begin{{pmatrix}} {body} \end{{pmatrix}}$"

    def transpose(self) -> TropicalMatrix:
        """Rows and columns exchanged."""
        return TropicalMatrix(zip(*self.rows, strict=True))

    def to_float(self) -> NDArray[np.float64]:
        """The entries in float64, minus infinity included."""
        return np.array([[to_float(v) if is_finite(v) else -np.inf for v in row] for row in self.rows])

    # ---------------------------------------------------------------- algebra

    def __add__(self, other: TropicalMatrix) -> TropicalMatrix:
        if not isinstance(other, TropicalMatrix):
            return NotImplemented
        if self.shape != other.shape:
            raise AlgebraError(f"matrices of shapes {self.shape} and {other.shape} have no maximum")
        return TropicalMatrix(
            [tropical_sum(pair) for pair in zip(a, b, strict=True)] for a, b in zip(self.rows, other.rows, strict=True)
        )

    def __matmul__(self, other: TropicalMatrix) -> TropicalMatrix:
        if not isinstance(other, TropicalMatrix):
            return NotImplemented
        if self.shape[1] != other.shape[0]:
            raise AlgebraError(f"matrices of shapes {self.shape} and {other.shape} have no product")
        columns = list(zip(*other.rows, strict=True))
        return TropicalMatrix([_dot(row, column) for column in columns] for row in self.rows)

    def apply(self, vector: Sequence[Any]) -> Vector:
        """The product with a column vector."""
        values = tuple(map(scalar, vector))
        if len(values) != self.shape[1]:
            raise AlgebraError(f"a vector of length {len(values)} does not fit a matrix of shape {self.shape}")
        return tuple(_dot(row, values) for row in self.rows)

    def scale(self, value: Any) -> TropicalMatrix:
        """The scalar multiple: a number added to every entry."""
        added = scalar(value)
        return TropicalMatrix([_times(v, added) for v in row] for row in self.rows)

    def __pow__(self, power: int) -> TropicalMatrix:
        """The k-fold product, k >= 0."""
        self._square("a power")
        if not isinstance(power, int) or power < 0:
            raise AlgebraError(f"a matrix has powers 0, 1, 2, ..., not {power}")
        result, base = TropicalMatrix.identity(self.shape[0]), self
        while power:
            if power & 1:
                result = result @ base
            base = base @ base if power > 1 else base
            power >>= 1
        return result

    def _square(self, what: str) -> int:
        if self.shape[0] != self.shape[1]:
            raise AlgebraError(f"{what} needs a square matrix, not one of shape {self.shape}")
        return self.shape[0]

    # ---------------------------------------------------------------- paths and cycles

    def kleene_star(self) -> TropicalMatrix:
        """The largest path weights ``I + A + A^2 + ...`` (Floyd and Warshall).

        Raises
        ------
        AlgebraError
            A cycle of positive weight, for which the series grows for ever; the message gives its vertices.

        Examples
        --------
        >>> print(TropicalMatrix([["-inf", -1], [-2, "-inf"]]).kleene_star())
        [[0, -1], [-2, 0]]
        """
        size = self._square("a Kleene star")
        array = integer_array(self.rows, size)
        vertex = floyd_warshall(array)
        if vertex is not None:
            value = fmpq(int(array.values[vertex, vertex]), array.denominator)
            raise AlgebraError(f"no Kleene star: a cycle of positive weight {value} passes through vertex {vertex}")
        return TropicalMatrix._trusted(array.scalars())

    def kleene_plus(self) -> TropicalMatrix:
        """The largest weights of paths with at least one edge, ``A + A^2 + ...``.

        Raises
        ------
        AlgebraError
            As `kleene_star`.

        Examples
        --------
        >>> print(TropicalMatrix([["-inf", -1], [-2, "-inf"]]).kleene_plus())
        [[-3, -1], [-2, -3]]
        """
        return self @ self.kleene_star()

    def trace(self) -> Scalar:
        """The largest diagonal entry."""
        return tropical_sum(self.rows[i][i] for i in range(self._square("a trace")))

    def inverse(self) -> TropicalMatrix:
        """The inverse of a monomial matrix: one finite entry in each row and column; no others are invertible.

        Raises
        ------
        AlgebraError
            A row or column with no finite entry or several.

        Examples
        --------
        >>> print(TropicalMatrix([["-inf", 3], [1, "-inf"]]).inverse())
        [[-inf, -1], [-3, -inf]]
        """
        size = self._square("an inverse")
        for name, lines in (("row", self.rows), ("column", tuple(zip(*self.rows, strict=True)))):
            for i, line in enumerate(lines):
                count = sum(map(is_finite, line))
                if count != 1:
                    raise AlgebraError(
                        f"no inverse: {name} {i} has {count} finite entries; an invertible max-plus matrix has one in "
                        "each row and column"
                    )
        return TropicalMatrix(
            [-v if is_finite(v) else v for v in (self.rows[i][k] for i in range(size))] for k in range(size)
        )

    def determinant(self) -> Scalar:
        """The largest ``sum_i A[i, s(i)]`` over all permutations s (minus infinity where every one meets -inf)."""
        return self.optimal_assignment()[0]

    def optimal_assignment(self) -> tuple[Scalar, tuple[int, ...] | None]:
        """The determinant and a permutation that attains it.

        SciPy proposes a permutation in floats; integer potentials prove it optimal, or the Hungarian method finds a
        better one in exact arithmetic.

        Examples
        --------
        >>> TropicalMatrix([[1, 5], [2, 3]]).optimal_assignment()
        (7, (1, 0))
        """
        size = self._square("a determinant")
        weights = self.rows
        proposed = _proposed_assignment(self)
        if proposed is not None:
            return tropical_product(weights[i][j] for i, j in enumerate(proposed)), proposed
        if deficient_rows(np.array([[is_finite(v) for v in row] for row in weights])) is not None:
            return MINUS_INFINITY, None
        # potentials with row[i] + column[j] >= weight, tight on the matched pairs
        row_of: list[int | None] = [None] * size
        rows: list[fmpq] = []
        columns = [ZERO] * size
        for i, row in enumerate(weights):
            finite_entries = [v - columns[j] for j, v in enumerate(row) if is_finite(v)]
            if not finite_entries:
                return MINUS_INFINITY, None
            rows.append(max(finite_entries))
            if not _augment(weights, rows, columns, row_of, i):
                return MINUS_INFINITY, None
        permutation = [0] * size
        for j, matched in enumerate(row_of):
            assert matched is not None
            permutation[matched] = j
        return sum(rows, ZERO) + sum(columns, ZERO), tuple(permutation)

    def eigenvalue(self) -> Scalar:
        """The largest cycle mean, by strong components; minus infinity without cycles (proof: `cycle_ratio`).

        Examples
        --------
        >>> TropicalMatrix([[1, 4], [0, 1]]).eigenvalue()
        2
        """
        self._square("an eigenvalue")
        return tropical_sum(self.cycle_mean(component) for component in self.components())

    def cycle_mean(self, component: Sequence[int]) -> Scalar:
        """The largest cycle mean inside one strong component of the digraph, minus infinity without a cycle."""
        part = [[self.rows[i][j] for j in component] for i in component]
        return cycle_mean(integer_array(part, len(part)))

    def eigenvectors(self) -> tuple[Vector, ...]:
        """A basis of the eigenspace of the largest cycle mean: one vector for each critical class.

        The columns at critical vertices of the Kleene star of A minus the eigenvalue; every eigenvector for this
        eigenvalue is a max-plus combination of them.

        Raises
        ------
        AlgebraError
            There is no cycle, hence no finite eigenvalue.
        """
        value = self.eigenvalue()
        if not is_finite(value):
            raise AlgebraError("the matrix has no cycle, hence no finite eigenvalue")
        reduced = self.scale(-value)
        star = reduced.kleene_star()
        loops = reduced @ star
        critical = [i for i in range(self.shape[0]) if loops[i, i] == ZERO]
        chosen: list[int] = []
        for i in critical:
            # vertices of one critical class have proportional columns
            if not any(
                is_finite(star[i, k]) and is_finite(star[k, i]) and star[i, k] + star[k, i] == 0 for k in chosen
            ):
                chosen.append(i)
        return tuple(tuple(row[i] for row in star.rows) for i in chosen)

    def components(self) -> list[list[int]]:
        """The strong components of the digraph, each sorted."""
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from(range(self.shape[0]))
        graph.add_edges_from((j, i) for i, row in enumerate(self.rows) for j, v in enumerate(row) if is_finite(v))
        return [sorted(part) for part in nx.strongly_connected_components(graph)]


def _times(a: Scalar, b: Scalar) -> Scalar:
    return a + b if is_finite(a) and is_finite(b) else MINUS_INFINITY


def _dot(left: Sequence[Scalar], right: Sequence[Scalar]) -> Scalar:
    return tropical_sum(_times(a, b) for a, b in zip(left, right, strict=True))


def _augment(
    weights: tuple[Vector, ...], rows: list[fmpq], columns: list[fmpq], row_of: list[int | None], start: int
) -> bool:
    """Match one more row along a path of tight pairs, moving the potentials; False where no finite path exists."""
    size = len(columns)
    slack: list[fmpq | None] = [None] * size
    came_from = [start] * size
    before: list[int | None] = [None] * size
    done = [False] * size
    row, last = start, None
    while True:
        for j, weight in enumerate(weights[row]):
            if not done[j] and is_finite(weight):
                gap = rows[row] + columns[j] - weight
                known = slack[j]
                if known is None or gap < known:
                    slack[j], came_from[j], before[j] = gap, row, last
        reachable = [(gap, j) for j, gap in enumerate(slack) if gap is not None and not done[j]]
        if not reachable:
            return False
        step, best = min(reachable)
        # lower the potentials of the reached rows, raise those of the reached columns
        if step:
            rows[start] -= step
            for j in range(size):
                matched = row_of[j]
                if done[j]:
                    columns[j] += step
                    if matched is not None:
                        rows[matched] -= step
            slack = [gap - step if gap is not None and not done[j] else gap for j, gap in enumerate(slack)]
        done[best] = True
        matched = row_of[best]
        if matched is None:
            break
        row, last = matched, best
    column: int | None = best
    while column is not None:
        row_of[column] = came_from[column]
        column = before[column]
    return True


def _proposed_assignment(matrix: TropicalMatrix) -> tuple[int, ...] | None:
    """A permutation that is proven optimal, or None where the proposal in floats fails."""
    from scipy.optimize import linear_sum_assignment

    size = matrix.shape[0]
    array = integer_array(matrix.rows, 2 * size + 4)
    finite_entries = array.values >= -array.bound
    scale = max(array.bound >> 900, 1)  # beyond the range of floats the leading bits do
    floats = np.where(finite_entries, (array.values // scale).astype(float), -np.inf)
    try:
        _, columns = linear_sum_assignment(floats, maximize=True)
    except ValueError:  # no permutation of finite weight
        return None
    permutation = tuple(columns.tolist())
    return permutation if row_potentials(array, permutation) is not None else None


def float_product(left: Any, right: Any) -> NDArray[np.float64]:
    """The max-plus product of two float64 matrices (minus infinity allowed); the fast twin of ``@``, not exact.

    Parameters
    ----------
    left : array (p, q)
    right : array (q, r)
    """
    a, b = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise AlgebraError(f"matrices of shapes {a.shape} and {b.shape} have no product")
    if np.isnan(a).any() or np.isnan(b).any() or np.isposinf(a).any() or np.isposinf(b).any():
        raise AlgebraError("a max-plus matrix has neither NaN nor plus infinity")
    result = np.full((a.shape[0], b.shape[1]), -np.inf)
    # one rank-one update a column keeps memory at one result
    for k in range(a.shape[1]):
        np.maximum(result, a[:, k, np.newaxis] + b[np.newaxis, k], out=result)
    return result


def float_star(matrix: Any) -> NDArray[np.float64]:
    """The Kleene star in float64 (Floyd and Warshall), not exact; refuses a positive cycle as far as floats see it."""
    best = np.array(matrix, dtype=float)
    if best.ndim != 2 or best.shape[0] != best.shape[1]:
        raise AlgebraError(f"a Kleene star needs a square matrix, not one of shape {best.shape}")
    np.fill_diagonal(best, np.maximum(best.diagonal(), 0.0))
    for k in range(len(best)):
        np.maximum(best, best[:, k, np.newaxis] + best[np.newaxis, k], out=best)
        if best.diagonal().max() > 0.0:
            vertex = int(best.diagonal().argmax())
            raise AlgebraError(f"no Kleene star: a cycle of positive weight passes through vertex {vertex}")
    return best


def float_eigenvalue(matrix: Any) -> float:
    """The largest cycle mean in float64 (Karp over the whole digraph, started everywhere), not exact."""
    a = np.asarray(matrix, dtype=float)
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise AlgebraError(f"an eigenvalue needs a square matrix, not one of shape {a.shape}")
    size = len(a)
    walks = [np.zeros(size)]
    for _ in range(size):
        walks.append((a + walks[-1]).max(axis=1))
    lengths = size - np.arange(size)
    with np.errstate(invalid="ignore"):
        means = (walks[size] - np.array(walks[:size])) / lengths[:, np.newaxis]
    finite = np.isfinite(walks[size])
    return float(np.nanmin(means[:, finite], axis=0).max()) if finite.any() else -math.inf


__all__ = ["TropicalMatrix", "float_eigenvalue", "float_product", "float_star"]
