"""The largest cycle mean, and the largest ratio of weight to tokens, with a proof: Howard's algorithm.

The entry (i, j) of a matrix is the weight (the delay) of the edge from j to i; its tokens count how many events earlier
the cause lies, as in ``x_i(k) = max_j (a_ij + x_j(k - t_ij))``.  The ratio of a cycle is its weight over its tokens;
with one token an edge it is the cycle mean, the eigenvalue.

F. Baccelli, G. Cohen, G. J. Olsder and J.-P. Quadrat, *Synchronization and Linearity* (1992), sections 2.5 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from polyhedra.errors import AlgebraError
from polyhedra.quoting import quoted
from tropical._integer_arrays import integer_array
from tropical._policy_iteration import largest_ratio
from tropical.matrix import TropicalMatrix
from tropical.semiring import is_finite

_MOST_TOKENS = 10**6


@dataclass(frozen=True, slots=True)
class CriticalCycle:
    """The largest cycle ratio inside a strong component, with its proof.

    Attributes
    ----------
    component : tuple of int
        The vertices, sorted.
    ratio : fmpq
    cycle : tuple of int
        The vertices of a cycle with this ratio, in the order of its edges.
    potentials : tuple of fmpq
        Numbers x, one a vertex of the component, with ``a_ij + x_j <= ratio * t_ij + x_i`` for all its edges, so that
        no cycle has a larger ratio.
    """

    component: tuple[int, ...]
    ratio: fmpq
    cycle: tuple[int, ...]
    potentials: tuple[fmpq, ...]

    def verify(self, matrix: TropicalMatrix, tokens: Any = None) -> bool:
        """Whether cycle and potentials prove the ratio, from the matrix and the tokens alone."""
        times = token_table(matrix, tokens)
        edges = [(j, i) for j, i in zip(self.cycle, (*self.cycle[1:], self.cycle[0]), strict=True)]
        weights = [matrix[i, j] for j, i in edges]
        count = sum(int(times[i, j]) for j, i in edges)
        if not count or sum((w for w in weights if is_finite(w)), fmpq(0)) != self.ratio * count:
            return False
        x = dict(zip(self.component, self.potentials, strict=True))
        inside = [(i, j, matrix[i, j]) for i in self.component for j in self.component]
        bounded = [w + x[j] <= self.ratio * int(times[i, j]) + x[i] for i, j, w in inside if is_finite(w)]
        return all(map(is_finite, weights)) and all(bounded)


def critical_cycles(matrix: TropicalMatrix, tokens: Any = None) -> tuple[CriticalCycle, ...]:
    """The largest cycle ratio in each strong component that has a cycle, by the first vertex of the component.

    Parameters
    ----------
    matrix : square TropicalMatrix
    tokens : matrix of non-negative integers, optional
        One token an edge by default; what stands where there is no edge is ignored.

    Raises
    ------
    AlgebraError
        A matrix that is not square, tokens of another shape or that are no such integers, or a cycle without tokens,
        on which events would wait for themselves.

    Examples
    --------
    >>> (found,) = critical_cycles(TropicalMatrix([[1, 4], [0, 1]]))
    >>> found.ratio, found.cycle, found.potentials
    (2, (1, 0), (0, -2))
    >>> critical_cycles(TropicalMatrix([[1, 4], [0, 1]]), [[1, 1], [0, 1]])[0].ratio
    4
    """
    times = token_table(matrix, tokens)
    return tuple(
        found
        for component in sorted(matrix.components())
        if (found := critical_cycle(matrix, component, times)) is not None
    )


def critical_cycle(
    matrix: TropicalMatrix, component: Sequence[int], tokens: NDArray[np.int64] | None = None
) -> CriticalCycle | None:
    """The largest cycle ratio in one strong component, None where it has no cycle; tokens as from `token_table`."""
    part = [[matrix.rows[i][j] for j in component] for i in component]
    edges = np.array([[is_finite(v) for v in row] for row in part])
    if not edges.any():
        return None
    array = integer_array(part, 1)
    times = np.ones(edges.shape, dtype=np.int64) if tokens is None else tokens[np.ix_(component, component)]
    if tokens is not None:
        _live(edges & (times == 0), component)
    found = largest_ratio(array.values, edges, np.where(edges, times, 0))
    scale = found.q * array.denominator
    return CriticalCycle(
        tuple(component),
        fmpq(found.p, scale),
        tuple(component[k] for k in found.cycle),
        tuple(fmpq(v, scale) for v in found.potentials),
    )


def token_table(matrix: TropicalMatrix, tokens: Any) -> NDArray[np.int64]:
    """The tokens of all edges as an array, 1 each by default, checked."""
    rows, columns = matrix.shape
    if rows != columns:
        raise AlgebraError(f"a cycle ratio needs a square matrix, not one of shape {matrix.shape}")
    if tokens is None:
        return np.ones(matrix.shape, dtype=np.int64)
    table = np.zeros(matrix.shape, dtype=np.int64)
    given = [list(row) for row in tokens] if hasattr(tokens, "__iter__") else []
    if len(given) != rows or any(len(row) != columns for row in given):
        raise AlgebraError(f"the tokens need the shape of the matrix, {matrix.shape}: one number an edge")
    for i, row in enumerate(given):
        for j, value in enumerate(row):
            if not is_finite(matrix[i, j]):
                continue
            if not isinstance(value, int | np.integer) or not 0 <= int(value) <= _MOST_TOKENS:
                raise AlgebraError(
                    f"tokens, row {i}, column {j}: {quoted(value)} is no integer from 0 to {_MOST_TOKENS}"
                )
            table[i, j] = int(value)
    return table


def _live(free: NDArray[np.bool_], component: Sequence[int]) -> None:
    """Refuse cycles without tokens."""
    import networkx as nx

    graph = nx.DiGraph((int(j), int(i)) for i, j in zip(*np.nonzero(free), strict=True))
    try:
        cycle = nx.find_cycle(graph)
    except (nx.NetworkXNoCycle, nx.NetworkXError):
        return
    vertices = ", ".join(str(component[edge[0]]) for edge in cycle[:10])
    raise AlgebraError(f"the cycle through the vertices {vertices} has no token: give one of its edges a token")


__all__ = ["CriticalCycle", "critical_cycle", "critical_cycles", "token_table"]
