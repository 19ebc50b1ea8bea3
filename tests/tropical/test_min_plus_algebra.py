"""Min-plus matrices against their plain definitions, with minimum and plus infinity."""

import itertools
import math
import pickle

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical.matrix import TropicalMatrix
from tropical.min_plus_algebra import MinPlusMatrix

entries = st.one_of(st.just(math.inf), st.integers(-3, 3).map(fmpq))


def squares(size, of=entries):
    return st.lists(st.lists(of, min_size=size, max_size=size), min_size=size, max_size=size)


def plus(a, b):
    return math.inf if math.inf in (a, b) else a + b


def least(values):
    finite = [v for v in values if v != math.inf]
    return min(finite) if finite else math.inf


def product(left, right):
    return tuple(
        tuple(least(plus(a, b) for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True))
        for row in left
    )


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(squares(n), squares(n))))
@law(80)
def test_sums_products_powers_determinants(pair):
    first, second = pair
    n = len(first)
    a, b = MinPlusMatrix(first), MinPlusMatrix(second)
    assert (a @ b).rows == product(first, second)
    assert (a + b).rows == tuple(tuple(map(least, zip(p, q, strict=True))) for p, q in zip(first, second, strict=True))
    assert a**2 == a @ a
    assert a**0 == MinPlusMatrix.identity(n)
    assert a.trace() == least(first[i][i] for i in range(n))
    assert a.apply(second[0]) == tuple(r[0] for r in product(first, [[v] for v in second[0]]))
    sums = {}
    for s in itertools.permutations(range(n)):
        total = fmpq(0)
        for i in range(n):
            total = plus(total, first[i][s[i]])
        sums[s] = total
    smallest = least(sums.values())
    assert a.determinant() == smallest
    best = tuple(s for s, total in sums.items() if total == smallest != math.inf)
    assert a.optimal_assignments() == best
    assert a.optimal_assignment()[1] in (best or (None,))
    assert a.is_nonsingular() == (len(best) == 1)
    assert a.transpose().transpose() == a == pickle.loads(pickle.dumps(a))


@given(st.integers(1, 3).flatmap(squares))
@law(80)
def test_shortest_paths_and_eigenvectors(rows):
    n = len(rows)
    a = MinPlusMatrix(rows)
    powers = [a]
    for _ in range(n):
        powers.append(powers[-1] @ a)
    # a cycle of negative length shows on the diagonal of the first n powers
    if any(p[i, i] < 0 for p in powers[:n] for i in range(n) if p[i, i] != math.inf):
        with pytest.raises(AlgebraError, match="no Kleene star"):
            a.kleene_star()
    else:
        longest = powers[0]
        for p in powers[1:n]:
            longest = longest + p
        assert a.kleene_plus() == longest
        assert a.kleene_star() == MinPlusMatrix.identity(n) + longest
    means = [p[i, i] / (k + 1) for k, p in enumerate(powers[:n]) for i in range(n) if p[i, i] != math.inf]
    value = min(means, default=math.inf)
    assert a.eigenvalue() == value
    spaces = a.eigenspaces()
    assert spaces[0].eigenvalue == value
    values = [space.eigenvalue for space in spaces]
    finite = [v for v in values if v != math.inf]
    assert values == sorted(finite) + [math.inf] * (len(values) - len(finite))
    for space in spaces:
        for vector in space.basis:
            if space.eigenvalue != math.inf:
                assert a.apply(vector) == tuple(plus(v, space.eigenvalue) for v in vector)
    if value != math.inf:
        assert set(a.eigenvectors()) == set(spaces[0].basis)
        graph = a.critical_graph()
        assert all(data["weight"] == rows[i][j] for j, i, data in graph.edges(data=True))
        assert a.cyclicity() >= 1
        assert a.cycle_time() == a.cycle_time([[1] * n] * n)
        assert least(a.cycle_time()) == value


@given(squares(2, st.integers(-2, 2).map(fmpq)), st.lists(st.integers(-2, 2), min_size=2, max_size=2))
@law(60)
def test_linear_systems(rows, right):
    a = MinPlusMatrix(rows)
    bound = a.least_supersolution(right)
    for x in itertools.product(range(-6, 7), repeat=2):
        above = all(v >= b for v, b in zip(a.apply(x), right, strict=True))
        assert above == all(v >= least_v for v, least_v in zip(x, bound, strict=True))
    solution = a.solve(right)
    exact = [x for x in itertools.product(range(-6, 7), repeat=2) if list(a.apply(x)) == right]
    assert (solution is None) == (not exact)
    assert solution in (None, bound)
    target = MinPlusMatrix([[v, v] for v in right])
    columns = a.left_residual(target)
    assert all((columns[0, k], columns[1, k]) == bound for k in (0, 1))
    turned = target.transpose().right_residual(a.transpose())
    assert turned == columns.transpose()
    x = a.cramer(right)
    for row, b in zip(rows, right, strict=True):
        values = sorted([*(m + v for m, v in zip(row, x, strict=True)), fmpq(b)])
        assert values[0] == values[1]


def test_the_rest_and_bad_input():
    a = MinPlusMatrix([["inf", 3], [1, "inf"]])
    assert a @ a.inverse() == MinPlusMatrix.identity(2)
    assert a.scale(2).rows == ((math.inf, 5), (3, math.inf))
    assert a.scale("inf").rows == ((math.inf, math.inf), (math.inf, math.inf))
    assert a.ranks().tropical == 2
    assert repr(a) == "MinPlusMatrix([[inf, 3], [1, inf]])"
    assert a.negative == TropicalMatrix([["-inf", -3], [-1, "-inf"]])
    assert a.shape == (2, 2)
    for bad in ([["-inf"]], [[math.nan]], [[1], [2, 3]], []):
        with pytest.raises(AlgebraError):
            MinPlusMatrix(bad)
    with pytest.raises(AlgebraError, match="entry 1"):
        a.solve([1, "-inf"])
