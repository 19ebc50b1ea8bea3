"""All optimal assignments of a max-plus matrix, and whether it is non-singular (only one).

With potentials r, c such that ``r_i + c_j >= a_ij``, tight on one optimal assignment, the optimal assignments are the
perfect matchings of tight pairs.  Two of them differ by cycles of tight exchanges, so the optimum is unique iff the
tight digraph of exchanges has no cycle.

P. Butkovic, *Max-linear Systems* (2010), section 6.2 (strong regularity); T. Uno, *Algorithms for enumerating all
perfect, maximum and maximal matchings in bipartite graphs* (1997).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from tropical._integer_arrays import integer_array, row_potentials
from tropical.matrix import TropicalMatrix

MAX_ASSIGNMENTS = 100_000
"""How many optimal assignments `optimal_assignments` lists by default."""

Permutation = tuple[int, ...]


def is_nonsingular(matrix: TropicalMatrix) -> bool:
    """Whether the determinant is finite and attained by one permutation only.

    Examples
    --------
    >>> is_nonsingular(TropicalMatrix([[1, 5], [2, 3]])), is_nonsingular(TropicalMatrix([[0, 0], [0, 0]]))
    (True, False)
    """
    return sum(1 for _ in islice(_enumerate(matrix), 2)) == 1


def optimal_assignments(matrix: TropicalMatrix, *, limit: int = MAX_ASSIGNMENTS) -> tuple[Permutation, ...]:
    """All permutations that attain the determinant, sorted (none where it is minus infinity).

    Raises
    ------
    AlgebraError
        There are more than ``limit``.

    Examples
    --------
    >>> optimal_assignments(TropicalMatrix([[0, 0], [0, 0]]))
    ((0, 1), (1, 0))
    """
    found = tuple(islice(_enumerate(matrix), limit + 1))
    if len(found) > limit:
        raise AlgebraError(f"the matrix has more than {limit} optimal assignments; raise limit")
    return tuple(sorted(found))


def tropical_rank(matrix: TropicalMatrix, *, limit: int = MAX_ASSIGNMENTS) -> int:
    """The tropical rank: the size of the largest non-singular square submatrix, found by trying all.

    Raises
    ------
    AlgebraError
        More than ``limit`` submatrices would be tried.

    Examples
    --------
    >>> tropical_rank(TropicalMatrix([[0, 1, 1], [1, 0, 1], [1, 1, 0]]))
    2
    """
    rows, columns = matrix.shape
    tried = 0
    for size in range(min(rows, columns), 0, -1):
        for chosen in combinations(range(rows), size):
            for places in combinations(range(columns), size):
                tried += 1
                if tried > limit:
                    raise AlgebraError(
                        f"the tropical rank needs more than {counted(limit, 'submatrix', 'submatrices')}; raise limit"
                    )
                if is_nonsingular(TropicalMatrix([[matrix[i, j] for j in places] for i in chosen])):
                    return size
    return 0


def _enumerate(matrix: TropicalMatrix) -> Iterator[Permutation]:
    """The optimal assignments, each once."""
    _, permutation = matrix.optimal_assignment()
    if permutation is None:
        return
    size = matrix.shape[0]
    array = integer_array(matrix.rows, 2 * size + 4)
    r = row_potentials(array, permutation)
    assert r is not None
    a = array.values
    c = [a[k, j] - r[k] for k, j in sorted(enumerate(permutation), key=lambda pair: pair[1])]
    tight = [{j for j in range(size) if a[i, j] >= -array.bound and r[i] + c[j] == a[i, j]} for i in range(size)]
    yield from _matchings(tight, permutation)


def _matchings(pairs: list[set[int]], matching: Permutation) -> Iterator[Permutation]:
    """The perfect matchings inside a set of pairs, one of which is known: without recursion, by splitting on a pair."""
    tasks = [(pairs, matching)]
    yield matching
    while tasks:
        pairs, matching = tasks.pop()
        cycle = _exchange_cycle(pairs, matching)
        if cycle is None:
            continue
        other = list(matching)
        for i, j in cycle:
            other[i] = j
        yield tuple(other)
        row = cycle[0][0]
        column = matching[row]
        # those with the pair (row, column), and those without it
        tasks.append(([{column} if i == row else free - {column} for i, free in enumerate(pairs)], matching))
        tasks.append(([free - {column} if i == row else free for i, free in enumerate(pairs)], tuple(other)))


def _exchange_cycle(pairs: list[set[int]], matching: Permutation) -> list[tuple[int, int]] | None:
    """New pairs of rows and columns that turn the matching into another one, or None where it is the only one."""
    import networkx as nx

    owner = {j: i for i, j in enumerate(matching)}
    graph = nx.DiGraph((i, owner[j]) for i, free in enumerate(pairs) for j in free if j != matching[i])
    try:
        cycle = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return None
    return [(i, matching[k]) for i, k in cycle]


__all__ = ["MAX_ASSIGNMENTS", "is_nonsingular", "optimal_assignments", "tropical_rank"]
