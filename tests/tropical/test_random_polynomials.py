"""Random polynomials: reproducible, of the support asked for, and every exponent can occur."""

import itertools

import numpy as np
import pytest

from polyhedra.errors import AlgebraError
from tropical import random_polynomial, random_rational


@pytest.mark.parametrize(("dim", "degree"), [(1, 0), (1, 4), (2, 3), (3, 2), (4, 1)])
def test_without_a_number_of_terms_every_exponent_has_one(dim, degree):
    wanted = [e for e in itertools.product(range(degree + 1), repeat=dim) if sum(e) <= degree]
    polynomial = random_polynomial(dim, degree=degree, spread=4, rng=1)
    assert list(polynomial.exponents) == wanted
    assert all(abs(c) <= 4 and c.q == 1 for c in polynomial.coefficients)


def test_the_same_seed_gives_the_same_polynomial_and_a_generator_goes_on():
    first, again = (random_polynomial(3, 5, rng=7) for _ in range(2))
    assert first == again
    assert len(first) == 5
    rng = np.random.default_rng(7)
    assert random_polynomial(3, 5, rng=rng) == first != random_polynomial(3, 5, rng=rng)
    assert random_rational(2, 3, rng=4) == random_rational(2, 3, rng=4)
    assert random_rational(2, 3, rng=4).numerator == random_polynomial(2, 3, rng=4)


def test_all_exponents_are_drawn_and_denominators_divide():
    seen = {e for seed in range(60) for e in random_polynomial(2, 2, degree=2, rng=seed).exponents}
    assert len(seen) == 6
    halves = random_polynomial(2, denominator=2, rng=0)
    assert halves**2 == random_polynomial(2, rng=0)


def test_a_support_beyond_machine_integers():
    polynomial = random_polynomial(100, 10, degree=100, rng=0)
    assert len(polynomial) == 10
    assert all(0 <= sum(e) <= 100 for e in polynomial.exponents)


@pytest.mark.parametrize(
    "bad",
    [{"dim": 0}, {"dim": 2, "terms": 0}, {"dim": 2, "terms": 11}, {"dim": 1, "degree": -1}, {"dim": 60, "degree": 60}],
)
def test_bad_input_is_refused(bad):
    with pytest.raises(AlgebraError, match=r"random polynomial needs|cannot be drawn"):
        random_polynomial(**bad, rng=0)
