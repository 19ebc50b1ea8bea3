"""The loops of pruning: the core against numpy, and what they call proven against rationals."""

import random
from fractions import Fraction

import numpy as np
import pytest

from tropical import _hull_kernels as loops

needs_core = pytest.mark.skipif(not loops.COMPILED, reason="the compiled core is not there")
WINNERS = [pytest.param(loops.winners, marks=needs_core), loops.winners_in_numpy]
PROVEN = [pytest.param(loops.proven_redundant, marks=needs_core), loops.proven_redundant_in_numpy]


def terms(seed, count, dim):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, dim)), rng.standard_normal(count)


@needs_core
@pytest.mark.parametrize("seed", range(20))
def test_the_core_finds_what_numpy_finds_on_generic_terms(seed):
    dim = 1 + seed % 5
    A, c = terms(seed, 40, dim)
    points = np.random.default_rng(seed + 100).standard_normal((50, dim)) * 3
    for found, expected in zip(loops.winners(A, c, points), loops.winners_in_numpy(A, c, points), strict=True):
        assert found.tolist() == expected.tolist()
    start = loops.first_vertex(A, c, np.zeros(dim))
    assert start is not None
    query_a, query_c = terms(seed + 200, 60, dim)
    query_a *= 0.7
    arguments = A, c, query_a, query_c - 0.5, start, 60
    basis, point, direction, status = loops.locate(*arguments)
    expected_basis, expected_point, expected_direction, expected_status = loops.locate_in_numpy(*arguments)
    assert status.tolist() == expected_status.tolist()
    assert 1 in status
    assert len(set(status.tolist())) > 1
    assert basis.tolist() == expected_basis.tolist()
    assert point == pytest.approx(expected_point, rel=1e-6, abs=1e-9)
    assert direction == pytest.approx(expected_direction, rel=1e-6, abs=1e-9)
    best = basis[status == 1]
    proven = loops.proven_redundant(A, c, query_a[status == 1], query_c[status == 1] - 0.5, best)
    assert proven.tolist() == [True] * len(best)


def near(value, rng):
    """A number of 90 bits next to a double, which rounds to it."""
    return Fraction(value) * (1 + Fraction(rng.randint(-(2**30), 2**30), 2**84))


@pytest.mark.parametrize("winners", WINNERS)
@pytest.mark.parametrize("seed", range(20))
def test_a_winner_that_is_alone_is_alone_for_all_exact_terms(winners, seed):
    rng = random.Random(seed)
    dim = rng.randint(1, 4)
    alone_somewhere = together_somewhere = False
    for _ in range(20):
        A, c = terms(rng.randrange(10**6), 6, dim)
        x = np.random.default_rng(rng.randrange(10**6)).standard_normal(dim)
        # the second term ties with the first at the point, but for a few roundings
        c[0] = 20.0
        c[1] = c[0] + float((A[0] - A[1]) @ x) + rng.randint(-40, 40) * 2.0**-51
        exact_a = [[near(v, rng) for v in row] for row in A.tolist()]
        exact_c = [near(v, rng) for v in c.tolist()]
        exact = [
            sum((a * Fraction(v) for a, v in zip(row, x.tolist(), strict=True)), b)
            for row, b in zip(exact_a, exact_c, strict=True)
        ]
        winner, alone = winners(A, c, x[None, :])
        if alone[0]:
            alone_somewhere = True
            assert all(exact[winner[0]] > value for s, value in enumerate(exact) if s != winner[0])
        else:
            together_somewhere = True
    assert alone_somewhere or together_somewhere
    assert together_somewhere


@pytest.mark.parametrize("proven_redundant", PROVEN)
@pytest.mark.parametrize("seed", range(20))
def test_what_is_proven_redundant_is_so_for_all_exact_terms(proven_redundant, seed):
    rng = random.Random(seed)
    dim = rng.randint(1, 4)
    outcomes = set()
    for _ in range(30):
        A, c = terms(rng.randrange(10**6), dim + 1, dim)
        weights = [rng.choice([0.0, *(rng.random() for _ in range(5))]) for _ in range(dim + 1)]
        if not sum(weights):
            continue
        weights = [w / sum(weights) for w in weights]
        a = np.array(weights) @ A
        height = float(np.array(weights) @ c) - rng.choice([0.0, 1.0, rng.randint(-9, 9) * 2.0**-53])
        basis = np.arange(dim + 1)[None, :]
        proven = bool(proven_redundant(A, c, a[None, :], np.array([height]), basis)[0])
        outcomes.add(proven)
        if proven:
            exact_a = [[near(v, rng) for v in row] for row in [*A.tolist(), a.tolist()]]
            exact_c = [near(v, rng) for v in [*c.tolist(), height]]
            multipliers = barycentric(exact_a[:-1], exact_a[-1])
            assert min(multipliers) >= 0
            assert sum(w * v for w, v in zip(multipliers, exact_c, strict=False)) >= exact_c[-1]
    assert outcomes == {True, False}


def barycentric(points, point):
    """Exact multipliers l with sum l_i (a_i, 1) = (a, 1)."""
    rows = [[*(p[j] for p in points), point[j]] for j in range(len(point))]
    rows.append([Fraction(1)] * (len(points) + 1))
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i, row in enumerate(rows):
            if i != k:
                rows[i] = [v - row[k] * w for v, w in zip(row, rows[k], strict=True)]
    return [row[-1] for row in rows]


@needs_core
def test_numbers_that_are_none_prove_nothing():
    A, c = terms(0, 5, 2)
    for bad in (np.nan, np.inf):
        c[3] = bad
        assert not loops.winners(A, c, np.zeros((1, 2)))[1].any()
        assert not loops.proven_redundant(A, c, np.zeros((1, 2)), np.array([-9.0]), np.array([[0, 1, 3]])).any()
    with pytest.raises(ValueError, match="do not fit together"):
        loops.proven_redundant(A, c, np.zeros((1, 2)), np.zeros(1), np.array([[0, 1, 5]]))
