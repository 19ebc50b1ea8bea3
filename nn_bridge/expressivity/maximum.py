"""The maximum of n numbers as networks: a tree of depth ceil(log2 n), and of five numbers with two hidden layers.

Bakaev, Brunck, Hertrich, Stade and Yehudayoff (2025) disproved the conjecture that the maximum of five numbers needs
three hidden layers.  The identity used here has their form, a rational combination of maxima of two sums of two maxima;
its coefficients were found by solving the linear equations for combinations that are symmetric in the five numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise, permutations

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO

Edge = tuple[int, int]
Side = tuple[Edge, Edge]
"""Two pairs of numbers {i, j}, {k, l}: the sum max(x_i, x_j) + max(x_k, x_l)."""
Term = tuple[fmpq, Side, Side]
"""A coefficient times the maximum of two such sums."""

FIVE = 5
_LAST = FIVE - 1


def terms_of_five() -> Iterator[Term]:
    """The 95 terms whose sum is max(x_1, .., x_5).

    * 3/20 for each four of the five: twice their maximum, as the maximum of two equal pairs;
    * 1/30 for each number and each partition of the other four into two pairs (a star cut in two);
    * 1/60 for each four: the maximum of two of its three partitions into pairs;
    * -1/60 for each path through all five: its first and third edge against its second and fourth.

    Examples
    --------
    >>> from collections import Counter
    >>> Counter(str(coefficient) for coefficient, *_ in terms_of_five())
    Counter({'-1/60': 60, '1/30': 15, '1/60': 15, '3/20': 5})
    """
    everyone = set(range(FIVE))
    for a, b, c, d in combinations(range(FIVE), 4):
        yield fmpq(3, 20), ((a, b), (a, b)), ((c, d), (c, d))
        matchings = (((a, b), (c, d)), ((a, c), (b, d)), ((a, d), (b, c)))
        for one, two in combinations(matchings, 2):
            yield fmpq(1, 60), one, two
    for centre in range(FIVE):
        a, b, c, d = sorted(everyone - {centre})
        for (p, q), (r, s) in (((a, b), (c, d)), ((a, c), (b, d)), ((a, d), (b, c))):
            left = _edge(centre, p), _edge(centre, q)
            right = _edge(centre, r), _edge(centre, s)
            yield fmpq(1, 30), left, right
    for path in permutations(range(FIVE)):
        if path[0] < path[-1]:
            first, second, third, fourth = (_edge(u, v) for u, v in pairwise(path))
            yield fmpq(-1, 60), (first, third), (second, fourth)


def maximum_of_five() -> Network:
    """max(x_1, .., x_5) with two hidden layers, [5, 16, 111, 1]: no skip connections, exact rational weights.

    Examples
    --------
    >>> network = maximum_of_five()
    >>> network, network.evaluate([3, -1, 4, 1, -5])
    (<Network [5, 16, 111, 1]>, (4,))
    """
    # first layer: y_i = x_i - x_5 split into max(0, y_i) and max(0, -y_i), the differences y_i - y_j, and x_5 split
    above = {i: i for i in range(_LAST)}
    below = {i: _LAST + i for i in range(_LAST)}
    difference = {pair: 2 * _LAST + k for k, pair in enumerate(combinations(range(_LAST), 2))}
    units = 2 * _LAST + len(difference) + 2
    first = [[ZERO] * FIVE for _ in range(units)]
    for i in range(_LAST):
        for row, sign in ((above[i], ONE), (below[i], -ONE)):
            first[row][i], first[row][_LAST] = sign, -sign
    for (i, j), row in difference.items():
        first[row][i], first[row][j] = ONE, -ONE
    first[units - 2][_LAST], first[units - 1][_LAST] = ONE, -ONE

    def larger(pair: Edge) -> list[fmpq]:
        """max(x_i, x_j) - x_5 as a combination of the units."""
        i, j = pair
        row = [ZERO] * units
        if j == _LAST:
            row[above[i]] = ONE
        else:  # y_j + max(0, y_i - y_j)
            row[above[j]], row[below[j]], row[difference[pair]] = ONE, -ONE, ONE
        return row

    def total(side: Side) -> list[fmpq]:
        return [p + q for p, q in zip(*map(larger, side), strict=True)]

    # second layer: max(A, B) = B + max(0, A - B); the units of the first layer pass, being nonnegative already
    second = [[ONE if row == column else ZERO for column in range(units)] for row in range(units)]
    output = [ZERO] * (units - 2) + [ONE, -ONE]
    for coefficient, one, two in terms_of_five():
        left, right = total(one), total(two)
        second.append([p - q for p, q in zip(left, right, strict=True)])
        passed = [p + coefficient * q for p, q in zip(output[:units], right, strict=True)]
        output = [*passed, *output[units:], coefficient]
    return Network.from_layers([first, second, [output]], [[ZERO] * units, [ZERO] * len(second), [ZERO]])


def maximum_tree(numbers: int) -> Network:
    """max(x_1, .., x_n) by comparing pairs, round by round: ceil(log2 n) hidden layers.

    A number that waits for its partner, and the smaller of a pair, pass as differences of two units.

    Raises
    ------
    NetworkError
        Fewer than two numbers.

    Examples
    --------
    >>> [maximum_tree(n) for n in (2, 4, 5)]
    [<Network [2, 3, 1]>, <Network [4, 6, 3, 1]>, <Network [5, 8, 5, 3, 1]>]
    """
    if numbers < 2:
        raise NetworkError(f"the maximum of {counted(numbers, 'number')} needs no network; give at least 2")
    layers: list[list[list[fmpq]]] = []
    values = [[ONE if i == j else ZERO for j in range(numbers)] for i in range(numbers)]
    while len(values) > 1:
        rows: list[list[fmpq]] = []
        following: list[dict[int, fmpq]] = []
        for k in range(0, len(values) - 1, 2):
            one, two = values[k], values[k + 1]
            at = len(rows)
            rows += [[p - q for p, q in zip(one, two, strict=True)], two, [-q for q in two]]
            following.append({at: ONE, at + 1: ONE, at + 2: -ONE})
        if len(values) % 2:
            at = len(rows)
            rows += [values[-1], [-v for v in values[-1]]]
            following.append({at: ONE, at + 1: -ONE})
        layers.append(rows)
        values = [[entry.get(j, ZERO) for j in range(len(rows))] for entry in following]
    layers.append(values)
    return Network.from_layers(layers, [[ZERO] * len(rows) for rows in layers])


def _edge(u: int, v: int) -> Edge:
    return min(u, v), max(u, v)


__all__ = ["maximum_of_five", "maximum_tree", "terms_of_five"]
