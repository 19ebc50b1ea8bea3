"""All eigenvalues of a max-plus matrix with bases of their eigenspaces; the critical graph; growth rates.

The entry (i, j) is the weight of the edge from j to i.  If ``A x = lambda x`` then with x_j every x_i that j reaches is
finite, so the support of x is closed under edges.  A strong component (class) is *spectral* if no class that it reaches
has a larger cycle mean; the eigenvalues are the cycle means of the spectral classes, and the eigenspace of one of them
is spanned by the columns at critical vertices of the Kleene star of A minus lambda, restricted to what the spectral
classes of this value reach.

S. Gaubert, *Theorie des systemes lineaires dans les dioides* (1992); P. Butkovic, *Max-linear Systems* (2010),
theorems 4.5.4 and 4.6.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from tropical.cycle_ratio import critical_cycles
from tropical.matrix import TropicalMatrix, Vector
from tropical.semiring import MINUS_INFINITY, Scalar, is_finite, tropical_sum


@dataclass(frozen=True, slots=True)
class Eigenspace:
    """The eigenvectors for one eigenvalue: the max-plus combinations of a basis.

    Attributes
    ----------
    eigenvalue : number or minus infinity
    classes : tuple of tuple of int
        The spectral classes (strong components) with this cycle mean.
    basis : tuple of vectors
        One vector for each critical class; for the eigenvalue minus infinity, the unit vectors of the zero columns.
    """

    eigenvalue: Scalar
    classes: tuple[tuple[int, ...], ...]
    basis: tuple[Vector, ...]


def eigenspaces(matrix: TropicalMatrix) -> tuple[Eigenspace, ...]:
    """The eigenspaces of all eigenvalues, the largest first.

    Examples
    --------
    >>> A = TropicalMatrix([[1, "-inf"], [0, 3]])
    >>> [(space.eigenvalue, space.basis) for space in eigenspaces(A)]
    [(3, ((-inf, 0),))]
    >>> B = TropicalMatrix([[3, "-inf"], [0, 1]])
    >>> [(space.eigenvalue, space.basis) for space in eigenspaces(B)]
    [(3, ((0, -3),)), (1, ((-inf, 0),))]
    """
    size = matrix.shape[0]
    parts, means, reached = _classes(matrix)
    by_value: dict[Scalar, list[int]] = {}
    for c, value in enumerate(means):
        if tropical_sum(means[k] for k in reached[c]) == value:
            by_value.setdefault(value, []).append(c)
    spaces = []
    for value, chosen in by_value.items():
        classes = tuple(sorted(tuple(parts[c]) for c in chosen))
        if not is_finite(value):
            # such a class reaches no cycle, so x has -inf where its column is not zero
            zero_columns = [j for j in range(size) if not any(is_finite(row[j]) for row in matrix.rows)]
            units = tuple(TropicalMatrix.identity(size).rows[j] for j in zero_columns)
            spaces.append(Eigenspace(value, classes, units))
            continue
        support = sorted({v for c in chosen for k in reached[c] for v in parts[k]})
        part = TropicalMatrix([[matrix[i, j] for j in support] for i in support])
        basis = []
        for vector in part.eigenvectors():
            whole: list[Scalar] = [MINUS_INFINITY] * size
            for place, entry in zip(support, vector, strict=True):
                whole[place] = entry
            basis.append(tuple(whole))
        spaces.append(Eigenspace(value, classes, tuple(basis)))
    return tuple(sorted(spaces, key=lambda space: _order(space.eigenvalue), reverse=True))


def critical_graph(matrix: TropicalMatrix) -> Any:
    """The critical graph: the edges on cycles whose mean is the eigenvalue, as a networkx DiGraph with weights.

    Raises
    ------
    AlgebraError
        There is no cycle.

    Examples
    --------
    >>> sorted(critical_graph(TropicalMatrix([[1, 4], [0, 1]])).edges)
    [(0, 1), (1, 0)]
    """
    import networkx as nx

    value = matrix.eigenvalue()
    if not is_finite(value):
        raise AlgebraError("the matrix has no cycle, hence no critical graph")
    star = matrix.scale(-value).kleene_star()
    graph = nx.DiGraph()
    for i, row in enumerate(matrix.rows):
        for j, weight in enumerate(row):
            back = star[j, i]
            if is_finite(weight) and is_finite(back) and weight - value + back == 0:
                graph.add_edge(j, i, weight=weight)
    return graph


def cyclicity(matrix: TropicalMatrix) -> int:
    """The least common multiple, over the critical classes, of the greatest common divisor of their cycle lengths.

    The powers of an irreducible matrix are eventually periodic with this period, up to multiples of the eigenvalue.

    Examples
    --------
    >>> cyclicity(TropicalMatrix([["-inf", 4], [0, "-inf"]]))
    2
    """
    import networkx as nx

    graph = critical_graph(matrix)
    period = 1
    for part in nx.strongly_connected_components(graph):
        root = min(part)
        depth = nx.single_source_shortest_path_length(graph.subgraph(part), root)
        period = math.lcm(period, math.gcd(*(depth[j] + 1 - depth[i] for j, i in graph.subgraph(part).edges)))
    return period


def cycle_time(matrix: TropicalMatrix, tokens: Any = None) -> Vector:
    """The growth rates ``lim (A^k 0)_i / k``: the largest cycle mean among the classes that reach vertex i.

    Minus infinity where no cycle reaches the vertex.

    Parameters
    ----------
    matrix : square TropicalMatrix
    tokens : matrix of non-negative integers, optional
        Then the rates are those of ``x_i(k) = max_j (a_ij + x_j(k - t_ij))``, the largest ratios of weight to tokens;
        one token an edge by default.

    Raises
    ------
    AlgebraError
        As `cycle_ratio.critical_cycles`.

    Examples
    --------
    >>> cycle_time(TropicalMatrix([[1, "-inf"], [0, 3]])), cycle_time(TropicalMatrix([[3, "-inf"], [0, 1]]))
    ((1, 3), (3, 3))
    >>> cycle_time(TropicalMatrix([[1, 4], [0, 1]]), [[1, 2], [0, 1]])
    (2, 2)
    """
    parts, means, reached = _classes(matrix)
    if tokens is not None:
        ratios = {found.component: found.ratio for found in critical_cycles(matrix, tokens)}
        means = [ratios.get(tuple(part), MINUS_INFINITY) for part in parts]
    rates: list[Scalar] = [MINUS_INFINITY] * matrix.shape[0]
    for c, mean in enumerate(means):
        for k in reached[c]:
            for v in parts[k]:
                rates[v] = tropical_sum((rates[v], mean))
    return tuple(rates)


def _classes(matrix: TropicalMatrix) -> tuple[list[list[int]], list[Scalar], list[set[int]]]:
    """The strong components, their cycle means, and the components that each of them reaches (itself included)."""
    import networkx as nx

    if matrix.shape[0] != matrix.shape[1]:
        raise AlgebraError(f"an eigenvalue needs a square matrix, not one of shape {matrix.shape}")
    parts = sorted(matrix.components())
    place = {v: c for c, part in enumerate(parts) for v in part}
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(parts)))
    graph.add_edges_from(
        (place[j], place[i]) for i, row in enumerate(matrix.rows) for j, v in enumerate(row) if is_finite(v)
    )
    means = [matrix.cycle_mean(part) for part in parts]
    return parts, means, [{c, *nx.descendants(graph, c)} for c in range(len(parts))]


def _order(value: Scalar) -> tuple[bool, fmpq]:
    return is_finite(value), value if is_finite(value) else fmpq(0)


__all__ = ["Eigenspace", "critical_graph", "cycle_time", "cyclicity", "eigenspaces"]
