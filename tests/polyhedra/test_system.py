"""Systems know their rows twice; both sides must say the same, and bases are solved exactly."""

import random

import numpy as np
import pytest
from flint import fmpq, fmpz_mat
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra import System, rational
from polyhedra.integer_basis import basis
from polyhedra.system import float_row, integer_row

NUMBER = st.one_of(
    st.integers(-3, 3),
    st.integers(-(2**80), 2**80),
    st.floats(allow_nan=False, allow_infinity=False),
    st.fractions(max_denominator=1000),
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(1, 4), st.integers(0, 5), st.data())
def test_integer_and_float_rows_are_multiples_of_the_rows_given(d, m, data):
    A = data.draw(st.lists(st.lists(NUMBER, min_size=d, max_size=d), min_size=m, max_size=m))
    b = data.draw(st.lists(NUMBER, min_size=m, max_size=m))
    system = System(A, b, dim=d)
    check_rows(system, A, b)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.integers(1, 3), st.integers(1, 4), st.data())
def test_float_arrays_give_the_same_rows(d, m, data):
    finite = st.floats(allow_nan=False, allow_infinity=False)
    A = data.draw(st.lists(st.lists(finite, min_size=d, max_size=d), min_size=m, max_size=m))
    b = data.draw(st.lists(finite, min_size=m, max_size=m))
    system = System(np.array(A), np.array(b))
    check_rows(system, A, b)
    assert system.floats().shape == (m, d + 1)


def check_rows(system, A, b):
    lifted = system.lifted_floats()
    for index, (a, right) in enumerate(zip(A, b, strict=True)):
        exact = [rational(x) for x in (*a, right)]
        row, scale, divisor = system.row(index), system.scale(index), fmpq(2) ** system.exponent(index)
        assert scale > 0
        assert [fmpq(x) for x in row] == [scale * x for x in exact]
        for integer, number in zip(row, system.floats()[index].tolist(), strict=True):
            if np.isfinite(number):
                error = abs(fmpq(integer) / divisor - rational(number))
                assert error <= abs(fmpq(integer)) / divisor / 2**52 + fmpq(1, 2**1074)
            else:
                assert abs(fmpq(integer)) / divisor > fmpq(2) ** 1000
        largest = max((abs(x) for x in system.floats()[index, :-1].tolist()), default=0.0)
        assert largest == 0.0 or 0.5 <= largest <= 1.0
        assert lifted[index, system.dim] == 1.0


def test_a_subset_keeps_scales_and_floats():
    system = System([["1/3", 1], [2, 4], [0, "1/7"]], [1, 2, 3])
    system.floats()
    part = system.subset([2, 0], 1)
    assert (part.n_equal, part.count) == (1, 2)
    assert [part.row(0), part.row(1)] == [system.row(2), system.row(0)]
    assert [part.scale(0), part.scale(1)] == [7, 3]
    assert np.array_equal(part.floats(), system.floats()[[2, 0]])
    assert part.lifted_floats()[:, 2].tolist() == [0.0, 1.0]


def test_rows_out_of_range_of_floats_are_infinite_not_wrong():
    assert float_row((10**400, 1, -(10**400)), 1) == [float("inf"), 1.0, -float("inf")]
    assert integer_row([rational("1/2"), rational("-3/4")]) == ((2, -3), 4)
    assert integer_row([rational(4), rational(6)]) == ((2, 3), fmpq(1, 2))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 6])
def test_a_basis_is_solved_exactly(size):
    rng = random.Random(size)
    for bits in (2, 60, 200):
        for _ in range(10):
            rows = [[rng.getrandbits(bits) - 2 ** (bits - 1) for _ in range(size + 1)] for _ in range(size)]
            target = [rng.getrandbits(bits) for _ in range(size)]
            if fmpz_mat(size, size, [a for row in rows for a in row[:size]]).det() == 0:
                with pytest.raises(ZeroDivisionError):
                    basis(rows).point(target)
                continue
            x, denominator = basis(rows).point([row[-1] for row in rows])
            assert denominator > 0
            assert all(sum(a * v for a, v in zip(row, x, strict=False)) == row[-1] * denominator for row in rows)
            y, divisor = basis(rows).weights(target)
            assert divisor > 0
            for j in range(size):
                assert sum(w * row[j] for w, row in zip(y, rows, strict=True)) == target[j] * divisor
