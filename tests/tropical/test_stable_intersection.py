"""Stable intersections against the fan displacement of plane curves, edge by edge, and Bezout's theorem."""

import math

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.matrix import dot, solve
from tests.tropical.polynomial_strategies import law
from tropical import PuiseuxPolynomial
from tropical.hypersurface import hypersurface
from tropical.mixed_volume import mixed_volume
from tropical.stable_intersection import stable_intersection

curves = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(-2, 2), min_size=1, max_size=5
).map(lambda terms: PuiseuxPolynomial(terms, 2))

SHIFT = (fmpq(1, 10007), fmpq(1, 1000003))
"""Far smaller than the distances between the vertices and lines of the curves above."""


def by_displacement(first, second):
    """Move the second curve by a small vector, intersect all pairs of edges, and move the points back."""
    totals = {}
    moved = PuiseuxPolynomial([(e, c - dot(e, SHIFT)) for e, c in second.terms], 2)
    for one in hypersurface(first).facets:
        for other in hypersurface(moved).facets:
            rows, right, still = [], [], []
            for facet, back in ((one, False), (other, True)):
                (a, c), (b, d) = facet.terms
                row = tuple(p - q for p, q in zip(b, a, strict=True))
                rows.append(row)
                right.append(c - d)
                still.append(c - d - (dot(row, SHIFT) if back else 0))
            determinant = rows[0][0] * rows[1][1] - rows[0][1] * rows[1][0]
            if determinant == 0:
                continue
            x = solve(tuple(rows), tuple(right))
            if one.polyhedron.contains(x) and other.polyhedron.contains(x):
                place = solve(tuple(rows), tuple(still))
                totals[place] = totals.get(place, 0) + abs(determinant)
    return tuple(sorted(totals.items()))


@given(curves, curves)
@law(80)
def test_fan_displacement(first, second):
    found = stable_intersection([first, second])
    assert found == by_displacement(first, second)
    assert sum((m for _, m in found), fmpq(0)) == mixed_volume([first, second])
    assert stable_intersection([first, second], rng=5) == found
    for point, _ in found:
        assert len(first.argmax_terms(point)) > 1
        assert len(second.argmax_terms(point)) > 1


@pytest.mark.parametrize("degrees", [(1, 1), (2, 3), (4, 4), (1, 2, 3)])
def test_bezout(degrees):
    n = len(degrees)
    full = []
    for number, d in enumerate(degrees):
        terms = {}
        for code in range((d + 1) ** n):
            exponent = tuple(code // (d + 1) ** k % (d + 1) for k in range(n))
            if sum(exponent) <= d:
                terms[exponent] = -sum(a * a for a in exponent) + fmpq(number, 2) * exponent[0]
        full.append(PuiseuxPolynomial(terms, n))
    assert sum(m for _, m in stable_intersection(full)) == math.prod(degrees)


def test_a_curve_with_itself_meets_in_its_vertices():
    x, y = PuiseuxPolynomial.variables(2)
    conic = x * x + y * y + (x * y + x + y).shift([0, 0], 1) + PuiseuxPolynomial.constant(0, 2)
    found = stable_intersection([conic, conic])
    assert [point for point, _ in found] == list(hypersurface(conic).vertices())
    assert [m for _, m in found] == [1, 1, 1, 1]


def test_coefficients_that_nearly_tie_need_a_smaller_perturbation():
    """Points 2^-70 apart stay apart, though the first perturbation is larger."""
    tiny = fmpq(1, 2**70)
    first = PuiseuxPolynomial({(0, 0): 0, (1, 0): 0, (2, 0): -tiny})
    second = PuiseuxPolynomial({(0, 0): 0, (0, 1): 0})
    assert stable_intersection([first, second]) == (((0, 0), 1), ((tiny, 0), 1))
    large = PuiseuxPolynomial({(0, 0): 0, (2**40, 0): 0, (2**40 + 1, 1): 1})
    other = PuiseuxPolynomial({(0, 0): 0, (0, 2**40): 0, (1, 2**40 + 1): 1})
    found = stable_intersection([large, other])
    assert found == stable_intersection([large, other], rng=9)
    assert sum(m for _, m in found) == mixed_volume([large, other])


@pytest.mark.parametrize(
    ("polynomials", "message"),
    [
        ([], "at least one polynomial"),
        ([PuiseuxPolynomial.constant(0, 2)], "2 variables, but there are 1"),
        ([PuiseuxPolynomial.zero(1)], "tropical zero"),
    ],
)
def test_bad_input_is_refused_with_the_reason(polynomials, message):
    with pytest.raises(AlgebraError, match=message):
        stable_intersection(polynomials)
