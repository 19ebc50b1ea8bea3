"""Certified linear programs: against brute force over all bases, on degenerate, huge and tiny data, by every route."""

import itertools
import math
import pickle
import random
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra import (
    GeometryError,
    Infeasible,
    InteriorPoint,
    NoInterior,
    Optimal,
    System,
    Unbounded,
    exact_simplex,
    float_simplex,
    interior,
    maximize,
    rationals,
)
from polyhedra import linear_program as lp
from polyhedra.matrix import as_matrix, dot, nullspace, rank, solve

SMALL = st.integers(-2, 2)
WIDE = st.one_of(SMALL, st.floats(-1, 1), st.fractions(-2, 2, max_denominator=7))


@st.composite
def programs(draw, max_dim=3, max_rows=7):
    entry = draw(st.sampled_from([SMALL, SMALL, WIDE]))
    d = draw(st.integers(1, max_dim))
    m, k = draw(st.integers(0, max_rows)), draw(st.sampled_from([0, 0, 0, 1, 2]))
    row = st.lists(entry, min_size=d, max_size=d)
    return (
        draw(row),
        draw(st.lists(row, min_size=m, max_size=m)),
        draw(st.lists(entry, min_size=m, max_size=m)),
        draw(st.lists(row, min_size=k, max_size=k)),
        draw(st.lists(entry, min_size=k, max_size=k)),
    )


def brute_force(c, A, b, A_eq, b_eq):
    """Status and value by trying every choice of rows: some of them define a minimal face of a non-empty set."""
    c, A, b, A_eq, b_eq = rationals(c), as_matrix(A), rationals(b), as_matrix(A_eq), rationals(b_eq)
    d = len(c)

    def feasible(x, right, right_eq):
        return all(dot(a, x) <= r for a, r in zip(A, right, strict=True)) and all(
            dot(a, x) == r for a, r in zip(A_eq, right_eq, strict=True)
        )

    full = rank((*A_eq, *A))
    points = []
    for size in range(full + 1):
        for rows in itertools.combinations(range(len(A)), size):
            chosen = (*A_eq, *(A[i] for i in rows))
            if rank(chosen) != full:
                continue
            x = solve(chosen, (*b_eq, *(b[i] for i in rows)), d)
            if x is not None and feasible(x, b, b_eq):
                points.append(x)
    if not points:
        return "infeasible", None
    zeros, zeros_eq = (fmpq(0),) * len(A), (fmpq(0),) * len(A_eq)
    for size in range(full + 1):
        for rows in itertools.combinations(range(len(A)), size):
            kernel = nullspace((*A_eq, *(A[i] for i in rows)), d)
            lines = nullspace((*A_eq, *A), d)
            for u in kernel if len(kernel) <= len(lines) + 1 else ():
                for direction in (u, tuple(-x for x in u)):
                    if dot(c, direction) > 0 and feasible(direction, zeros, zeros_eq):
                        return "unbounded", None
    return "optimal", max(dot(c, x) for x in points)


def verified(answer, program):
    rows = program[1:]
    if isinstance(answer, Infeasible):
        return answer.verify(*rows, dim=len(program[0]))
    return answer.verify(*program)


@settings(deadline=None, derandomize=True, max_examples=400)
@given(programs())
def test_answers_are_certified_and_equal_brute_force(program):
    answer = maximize(*program)
    assert verified(answer, program)
    status, value = brute_force(*program)
    assert type(answer).__name__.lower() == status
    if status == "optimal":
        assert answer.value == value


@settings(deadline=None, derandomize=True, max_examples=200)
@given(programs(max_dim=5, max_rows=14))
def test_proposal_and_exact_simplex_agree(program):
    answer = maximize(*program)
    assert verified(answer, program)
    system = System(*program[1:], dim=len(program[0]))
    exact = exact_simplex.maximize(system.rows(), system.n_equal, rationals(program[0]), system.dim)
    assert exact.status == type(answer).__name__.lower()
    if exact.status == "optimal":
        assert dot(rationals(program[0]), exact.point) == answer.value
        assert all(value >= 0 for row, value in exact.multipliers.items() if row >= system.n_equal)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(programs(max_dim=4, max_rows=9))
def test_interior_points_and_proofs_that_there_is_none(program):
    rows = program[1:]
    d = len(program[0])
    answer = interior(*rows, d)
    assert answer.verify(*rows, d)
    if isinstance(answer, NoInterior):
        # an exact contradiction leaves no room for a point, so the closed or the open system is empty
        strict = exact_simplex.maximize(lp.slack_rows(System(*rows, dim=d)), len(rows[2]), [0] * d + [1], d + 1)
        assert strict.status == "infeasible" or strict.point[-1] <= 0


@pytest.fixture
def without_proposals(monkeypatch):
    """Make every floating-point proposal fail, so that the exact fallback has to answer."""

    class Nothing:
        maximize = staticmethod(lambda system, objective: None)
        interior = staticmethod(lambda system: None)

    monkeypatch.setattr(lp, "proposal", lambda: Nothing)


def test_the_fallback_gives_the_same_answers(without_proposals):
    square = ([[1, 0], [-1, 0], [0, 1], [0, -1]], [1, 0, 1, 0])
    best = maximize([1, 2], *square)
    assert best.value == 3
    assert best.verify([1, 2], *square)
    assert isinstance(interior(*square), InteriorPoint)
    assert interior(*square).verify(*square)
    nothing = maximize([1], [[1], [-1]], [0, -1])
    assert isinstance(nothing, Infeasible)
    assert nothing.verify([[1], [-1]], [0, -1])
    assert interior([[1], [-1]], [0, 0]).verify([[1], [-1]], [0, 0])
    ray = maximize([1, 1], [[-1, 0], [0, 1]], [-3, 1])
    assert isinstance(ray, Unbounded)
    assert ray.verify([1, 1], [[-1, 0], [0, 1]], [-3, 1])


@pytest.mark.parametrize("seed", range(8))
def test_answers_do_not_depend_on_what_floating_point_proposes(seed, monkeypatch):
    """Kernels that lie about status, basis and point: verification or the fallback still gives the exact answer."""
    rng = random.Random(seed)

    def lie(indices, point, statuses):
        indices[:] = [rng.randint(-len(point), 8) for _ in indices]
        point[:] = [rng.choice([0.0, 0.5, -2.0]) for _ in point]
        return rng.choice(statuses)

    proposal = lp.proposal()
    truths, systems = [], []
    for _ in range(40):
        d = rng.randint(1, 3)
        A = [[rng.randint(-2, 2) for _ in range(d)] for _ in range(8)]
        program = ([rng.randint(-2, 2) for _ in range(d)], A, [rng.randint(0, 2) for _ in A], [], [])
        systems.append(program)
        truths.append((maximize(*program), interior(*program[1:])))
    kernels = proposal.float_simplex
    statuses = (kernels.OPTIMAL, kernels.UNBOUNDED, kernels.INFEASIBLE)
    monkeypatch.setattr(kernels, "propose_and_prove", lambda rows, k, top, basis, x: lie(basis, x, statuses))
    monkeypatch.setattr(
        kernels, "propose", lambda rows, k, top, symbolic, basis, x, inverse: lie(basis, x, (statuses[0], statuses[2]))
    )
    for program, (best, inside) in zip(systems, truths, strict=True):
        answer, decision = maximize(*program), interior(*program[1:])
        assert type(answer) is type(best)
        assert verified(answer, program)
        assert not isinstance(best, Optimal) or answer.value == best.value
        assert type(decision) is type(inside)
        assert decision.verify(*program[1:])


@pytest.mark.parametrize("scale", [fmpq(10) ** 400, fmpq(1, 10**400), fmpq(3) ** 700 / fmpq(7) ** 20])
def test_numbers_outside_the_range_of_floats(scale):
    A = [[scale, 0], [0, scale * scale], [-1, -1]]
    b = [1, scale, 1 / scale]
    for objective in ([1, 1], [scale, 1 / scale], [-1, -1], [-1, 0]):
        answer = maximize(objective, A, b)
        assert answer.verify(objective, A, b)
    assert interior(A, b).verify(A, b)
    thin = [[1], [-1]]
    assert interior(thin, [scale + 1, -scale]).verify(thin, [scale + 1, -scale])
    assert isinstance(interior(thin, [scale, -scale]), NoInterior)


def test_a_gap_far_below_rounding_is_decided():
    gap = fmpq(1, 2**300)
    A = [[3, 1], [-3, -1], [1, 0], [-1, 0]]
    assert isinstance(interior(A, [1, gap - 1, 1, 1]), InteriorPoint)
    assert isinstance(interior(A, [1, -1, 1, 1]), NoInterior)
    closed = maximize([0, 1], A, [1, -1 - gap, 1, 1])
    assert isinstance(closed, Infeasible)
    assert closed.verify(A, [1, -1 - gap, 1, 1])


def test_ill_conditioned_rows_are_answered_exactly():
    tilt = fmpq(1, 2**60)
    A = [[1, 1], [1, 1 + tilt], [-1, -1 + tilt], [0, 1], [0, -1]]
    b = [1, 1 + tilt / 3, 0, 10, 10]
    for objective in ([1, 1], [1, 0], [1, 1 + tilt / 2], [-1, -1]):
        answer = maximize(objective, A, b)
        assert isinstance(answer, Optimal)
        assert answer.verify(objective, A, b)


def test_float_arrays_enter_by_their_exact_value():
    rng = np.random.default_rng(5)
    for _ in range(20):
        A, b, c = rng.standard_normal((30, 4)), rng.uniform(0.1, 1, 30), rng.standard_normal(4)
        A[3] = 0.0
        A[:, 1] *= 1e-3
        from_arrays, from_lists = maximize(c, A, b), maximize(c.tolist(), A.tolist(), b.tolist())
        assert from_arrays == from_lists
        assert from_arrays.verify(c, A, b)
        assert interior(A, b).verify(A, b)


def test_numbers_that_are_computed_when_read_are_values_all_the_same():
    rng = np.random.default_rng(8)
    A, b, c = rng.standard_normal((20, 3)), rng.uniform(0.5, 1, 20), rng.standard_normal(3)
    if float_simplex.COMPILED:
        assert isinstance(lp.proposal().maximize(System(A, b), rationals(c)), tuple)  # proven in floating point
    first, second = maximize(c, A, b), maximize(c, A, b)
    assert pickle.loads(pickle.dumps(first)) == second
    assert hash(first) == hash(maximize(c, A, b))
    assert repr(maximize(c, A, b)).startswith("Optimal(value=")
    with pytest.raises(AttributeError, match="no attribute 'vertex'"):
        _ = first.vertex
    with pytest.raises(AttributeError):
        first.value = fmpq(0)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_optima_within_a_few_roundings_of_degeneracy(d):
    """An extra row passes the optimal vertex, or its own face, at a distance of 0 to 4 units in the last place."""
    rng = random.Random(d)
    proven = 0
    for _ in range(60):
        A = [[rng.uniform(-1, 1) for _ in range(d)] for _ in range(3 * d)]
        b = [rng.uniform(0.1, 1) for _ in A]
        c = [rng.uniform(-1, 1) for _ in range(d)]
        best = maximize(c, A, b)
        if not isinstance(best, Optimal):
            continue
        row = [rng.uniform(-1, 1) for _ in range(d)] if rng.random() < 0.5 else A[rng.randrange(len(A))]
        right = float(Fraction(str(dot(rationals(row), best.point))))
        for _ in range(rng.randint(0, 4)):
            right = math.nextafter(right, rng.choice([-9.0, 9.0]))
        nudged = maximize(c, [*A, row], [*b, right])
        assert verified(nudged, (c, [*A, row], [*b, right]))
        tilted = [math.nextafter(x, rng.choice([-9.0, 9.0])) for x in A[0]]
        assert verified(maximize(tilted, A, b), (tilted, A, b))
        proven += isinstance(lp.proposal().maximize(System([*A, row], [*b, right]), rationals(c)), tuple)
    assert proven < 60


def test_zero_rows_no_rows_and_no_variables():
    assert isinstance(maximize([1], [[0], [1]], [-1, 1]), Infeasible)
    assert isinstance(maximize([1], [[0]], [0]), Unbounded)
    assert maximize([0, 0], [], []).value == 0
    assert isinstance(interior([[0]], [0]), NoInterior)
    assert isinstance(interior([], [], dim=3), InteriorPoint)
    assert isinstance(interior([[]], [1], dim=0), InteriorPoint)
    assert isinstance(interior([[]], [0], dim=0), NoInterior)
    assert maximize([], [[]], [1]).value == 0
    assert isinstance(interior([], [], [[0, 0]], [1]), NoInterior)
    assert isinstance(maximize([1], [], [], [[1], [2]], [1, 3]), Infeasible)


def test_multipliers_belong_to_the_rows_as_given():
    answer = maximize([1], [["1/3"], [1]], ["1/2", 7])
    assert answer == Optimal(fmpq(3, 2), (fmpq(3, 2),), (fmpq(3), fmpq(0)), ())


@pytest.mark.parametrize(
    "answer",
    [
        maximize([1], [[1]], [1]),
        maximize([1], [[-1]], [1]),
        maximize([1], [[1], [-1]], [0, -1]),
        interior([[1]], [1]),
        interior([[1], [-1]], [0, 0]),
    ],
)
def test_answers_pickle(answer):
    assert pickle.loads(pickle.dumps(answer)) == answer


def test_a_wrong_certificate_does_not_verify():
    A, b = [[1], [-1]], [2, 0]
    good = maximize([1], A, b)
    assert good.verify([1], A, b)
    assert not Optimal(fmpq(1), (fmpq(1),), good.multipliers, ()).verify([1], A, b)
    assert not Optimal(fmpq(3), (fmpq(3),), good.multipliers, ()).verify([1], A, b)
    assert not Optimal(good.value, good.point, rationals([2, 1]), ()).verify([1], A, b)
    assert not Infeasible(rationals([1, 1]), ()).verify(A, b)
    assert not NoInterior(rationals([1, 1]), ()).verify(A, b)
    assert not NoInterior(rationals([0, 0]), ()).verify(A, b)
    assert not Unbounded(rationals([0]), rationals([1])).verify([1], A, b)
    assert not InteriorPoint(rationals([0])).verify(A, b)
    with pytest.raises(GeometryError, match="multipliers"):
        Infeasible((), ()).verify(A, b)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1, 2], [[1]], [1]), "A, row 0 has 1 number, not 2"),
        (([1], [[1], [2]], [1]), "b has 1 number, not 2"),
        (([1], [[float("inf")]], [1]), "A, row 0: the number inf is not finite"),
        (([1], [[1]], [float("nan")]), "b: the number nan is not finite"),
        (([1], [[1]], [1], [[1, 1]], [0]), "A_eq, row 0 has 2 numbers"),
        (([1], np.array([[1.0], [np.nan]]), np.array([1.0, 2.0])), "row 1 of A x <= b has a number that is not finite"),
        (([1], np.ones((2, 1)), np.ones(3)), "no system"),
        (([1], [3], [1]), "A, row 0"),
        (([1], [[1]], 1), "b: 1 is no sequence"),
        (([1], 5, [1]), "A: 5 is no sequence of rows"),
        ((None, [[1]], [1]), "objective: None is no sequence"),
    ],
)
def test_bad_rows_are_named(arguments, words):
    with pytest.raises(GeometryError, match=words):
        maximize(*arguments)


def test_a_system_that_is_no_matrix_is_refused():
    for build in (lambda: System([3.0], [1]), lambda: System([], []), lambda: interior([[1], [2, 3]], [1, 1])):
        with pytest.raises(GeometryError):
            build()


def test_an_unknown_backend_is_refused():
    with pytest.raises(GeometryError, match="no backend 'glpk'"):
        maximize([1], [[1]], [1], backend="glpk")
