"""Mixed volumes against inclusion and exclusion of volumes of Minkowski sums, closed forms, and solved systems."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.polyhedron import Polyhedron
from tests.tropical.polynomial_strategies import law
from tropical import PuiseuxPolynomial
from tropical._mixed_cell_walk import Configuration, NotGeneric, walk
from tropical.mixed_volume import bernstein_bound, mixed_cells, mixed_volume


def cyclic(n):
    """The supports of the cyclic n-roots problem."""
    sums = [[tuple(int((j - i) % n < k) for j in range(n)) for i in range(n)] for k in range(1, n)]
    return [*sums, [(1,) * n, (0,) * n]]


def by_volumes(supports):
    """The sum over the non-empty sets I of (-1)^(n - |I|) times the volume of the Minkowski sum over I."""
    n = len(supports)
    total = fmpq(0)
    for size in range(1, n + 1):
        for chosen in itertools.combinations(supports, size):
            points = {tuple(map(sum, zip(*tuple_of, strict=True))) for tuple_of in itertools.product(*chosen)}
            total += (-1) ** (n - size) * Polyhedron.from_generators(sorted(points)).volume()
    return total


def sets(n, values):
    return st.lists(st.lists(st.tuples(*[values] * n), min_size=1, max_size=4), min_size=n, max_size=n)


@given(st.integers(1, 2).flatmap(lambda n: sets(n, st.integers(-2, 2))))
@law(60)
def test_mixed_volume_by_volumes_of_sums(supports):
    assert mixed_volume(supports) == by_volumes(supports)


@given(sets(3, st.integers(0, 2)))
@law(25)
def test_mixed_volume_by_volumes_of_sums_in_space(supports):
    assert mixed_volume(supports) == by_volumes(supports)


@given(sets(2, st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(-2, 3), Fraction(1)])))
@law(25)
def test_rational_points(supports):
    assert mixed_volume(supports) == by_volumes(supports)


@pytest.mark.parametrize(("n", "value"), [(2, 2), (3, 6), (4, 16), (5, 70), (6, 156), (7, 924), (8, 2560)])
def test_cyclic_roots(n, value):
    assert mixed_volume(cyclic(n)) == value


@pytest.mark.parametrize("seed", range(5))
def test_other_liftings_other_cells_the_same_volume(seed):
    found = mixed_cells(cyclic(5), rng=seed)
    assert found.mixed_volume == 70
    assert len(set(found.cells)) == len(found.cells)
    for cell in found.cells:
        ends = list(zip(found.supports, found.heights, cell.edges, strict=True))
        edges = fmpq_mat([[b - a for a, b in zip(s[i], s[k], strict=True)] for s, _, (i, k) in ends])
        rises = fmpq_mat([[fmpq(h[k] - h[i])] for _, h, (i, k) in ends])
        assert abs(edges.det()) == cell.volume > 0
        slope = [row[0] for row in edges.solve(rises).tolist()]
        # every other point of the sets lies strictly above the cell
        for points, heights, (i, k) in ends:
            above = [
                h - sum((v * x for v, x in zip(slope, p, strict=True)), fmpq(0))
                for p, h in zip(points, heights, strict=True)
            ]
            assert above[i] == above[k]
            assert all(level > above[i] for j, level in enumerate(above) if j not in (i, k))


@pytest.mark.parametrize("degrees", [(3,), (2, 5), (1, 2, 4), (2, 2, 2, 3)])
def test_simplices_give_bezouts_number(degrees):
    n = len(degrees)
    supports = [[(0,) * n] + [tuple(d * (i == k) for i in range(n)) for k in range(n)] for d in degrees]
    assert mixed_volume(supports) == math.prod(degrees)


def test_boxes_give_a_permanent():
    sides = np.random.default_rng(1).integers(0, 4, size=(4, 4)).tolist()
    supports = [list(itertools.product(*[(0, s) for s in row])) for row in sides]
    permanent = sum(math.prod(sides[i][p[i]] for i in range(4)) for p in itertools.permutations(range(4)))
    assert mixed_volume(supports) == permanent


@pytest.mark.parametrize("large", [2**30 - 1, 2**58 + 3])
def test_long_exponents_need_long_integers(large):
    assert mixed_volume([[(0, 0, 0), (large, 1, 0)], [(0, 0, 0), (1, large, 0)], [(0, 0, 0), (1, 1, large)]]) == (
        large * (large**2 - 1)
    )


def test_bernsteins_bound_is_the_number_of_roots():
    x, y = sympy.symbols("x y")
    f, g = 3 * x**2 * y + 5 * y - 7 * x + 2, x * y**2 - 4 * x + 11 * y + 1
    resultant = sympy.Poly(sympy.resultant(f, g, y), x)
    assert resultant.is_sqf
    assert resultant.eval(0) != 0
    assert bernstein_bound([f, g], [x, y]) == resultant.degree()
    assert mixed_volume([PuiseuxPolynomial({(1,): 0, (4,): 2, (3,): 9})]) == 3


def test_a_lifting_that_is_not_generic_is_noticed():
    """The triangle with the collinear points 0, 1, 2 at equal heights: two of them come down at once."""
    points = np.array([[0], [2], [0], [1], [2]])
    flat = Configuration(points, np.zeros(5, dtype=int), np.array([0, 0, 5, 5, 5]), np.array([0, 0, 1, 1, 1]))
    with pytest.raises(NotGeneric):
        walk(flat, np.array([[0, 1]]), 100)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: mixed_volume([]), "at least one set"),
        (lambda: mixed_volume([[]]), "set 0 is empty"),
        (lambda: mixed_volume([[(0, 1)]]), "R\\^2, but there are 1 sets"),
        (lambda: mixed_volume([3]), "set 0: '3' is no sequence"),
        (lambda: mixed_volume([[(float("nan"),)]]), "set 0"),
        (lambda: mixed_volume([[(0,), (2**61,)]]), "more than 2\\^60"),
        (lambda: mixed_volume(cyclic(6), limit=10), "more than 10 cells"),
        (lambda: bernstein_bound([{("1/2",): 1, (0,): 1}], None), "integer exponents"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()
