"""Each error bound of the compiled core against exact rationals, on sizes and cancellations of all kinds."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest

from nn_bridge.cells import _core
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.problem import cell_problem
from nn_bridge.network.network import Network


def number(rng: random.Random, spread: int) -> float:
    """A double of random size, round or not, now and then zero."""
    if rng.random() < 0.1:
        return 0.0
    if rng.random() < 0.2:
        return float(rng.randint(-3, 3))
    return rng.uniform(-1, 1) * 2.0 ** rng.randint(-spread, spread)


def network(rng: random.Random, spread: int, *, rational: bool) -> Network:
    dims = [rng.randint(1, 3), *[rng.randint(1, 5) for _ in range(rng.randint(1, 4))], 1]

    def entry() -> object:
        value = number(rng, spread)
        return Fraction(value) * Fraction(rng.randint(1, 9), 7) if rational else value

    weights = [[[entry() for _ in range(a)] for _ in range(b)] for a, b in itertools.pairwise(dims)]
    return Network.from_layers(weights, [[entry() for _ in range(b)] for b in dims[1:]])


def exact_forms(net: Network, pattern: list[list[int]]) -> list[list[list[Fraction]]]:
    """The forms of all stages of a chain, in rationals."""
    n = net.input_dim
    below = [[Fraction(int(i == c)) for c in range(n + 1)] for i in range(n)]
    found = []
    for stage, on in zip(net.stages, pattern, strict=True):
        matrix = stage.blocks[0][1] if stage.blocks else [[0] * len(below)] * stage.units
        rows = []
        for weights, shift in zip(matrix, stage.bias, strict=True):
            row = [Fraction(0)] * n + [Fraction(int(shift.p), int(shift.q))]
            for w, form in zip(weights, below, strict=True):
                f = Fraction(int(w.p), int(w.q)) if w else Fraction(0)
                row = [a + f * b for a, b in zip(row, form, strict=True)]
            rows.append(row)
        found.append(rows)
        below = [row if j in on else [Fraction(0)] * (n + 1) for j, row in enumerate(rows)]
    return found


@pytest.mark.parametrize("rational", [False, True])
@pytest.mark.parametrize("spread", [1, 40, 400])
def test_forms_are_as_exact_as_they_claim(rational: bool, spread: int) -> None:
    rng = random.Random(spread + rational)
    seen = tight = 0
    for _ in range(60):
        problem = cell_problem(network(rng, spread, rational=rational))
        if problem is None:
            continue
        net = problem.network
        checks = _core.Checks(CoreProblem(problem).core)
        for _ in range(6):  # one pattern after another: forms are changed, not computed afresh
            pattern = [[j for j in range(stage.units) if rng.random() < 0.7] for stage in net.stages]
            checks.follow(pattern)
            for s, rows in enumerate(exact_forms(net, pattern)):
                for j, exact in enumerate(rows):
                    form, size, error, exponent = checks.form(s, j)
                    if error == math.inf:
                        continue
                    seen += 1
                    scale = Fraction(2) ** exponent
                    for given, true in zip(form, exact, strict=True):
                        off = abs(Fraction(given) - true * scale)
                        assert off <= Fraction(error)
                        tight += 1000 * off > error > 0
                    assert sum(map(abs, map(Fraction, form))) <= Fraction(size)
                    if size == 0 and error == 0:
                        assert not any(exact)
    assert seen > 300
    assert tight > 3, "the bounds are not tested where they never come near"


def test_values_are_as_exact_as_they_claim() -> None:
    rng = random.Random(4)
    proven = 0
    for _ in range(150):
        problem = cell_problem(network(rng, 3, rational=rng.random() < 0.5))
        if problem is None:
            continue
        net, n = problem.network, problem.dim
        checks = _core.Checks(CoreProblem(problem).core)
        pattern = [[j for j in range(stage.units) if rng.random() < 0.7] for stage in net.stages]
        checks.follow(pattern)
        forms = exact_forms(net, pattern)
        for _ in range(10):
            x = [rng.uniform(-1, 1) for _ in range(n + 1)]
            error = rng.choice([0.0, 1e-16, 1e-9, 9e-4])
            # the true point is off by as much as it may be
            true = [Fraction(v) + Fraction(error) * rng.choice([-1, 1, 0]) for v in x]
            for s, rows in enumerate(forms):
                for j, exact in enumerate(rows):
                    *_, unit_error, exponent = checks.form(s, j)
                    value, bound, tight = checks.bounds(s, j, x, error)
                    at = sum((a * b for a, b in zip(exact, true, strict=True)), Fraction(0)) * Fraction(2) ** exponent
                    for claimed in (bound, tight):
                        if math.isfinite(claimed):
                            assert abs(Fraction(value) - at) <= Fraction(claimed)
                    proven += abs(value) > bound
                    assert unit_error >= 0
    assert proven > 1000


def test_sums_that_overflow_prove_nothing() -> None:
    for weights in ([[1e308, 1e308]], [[1e308, -1e308]], [[1.5e308] * 2]):
        net = Network.from_layers([[[1, 0], [0, 1]], weights, [[1]]], [[0, 0], [1e308], [0]])
        problem = cell_problem(net)
        assert problem is not None
        checks = _core.Checks(CoreProblem(problem).core)
        checks.follow([[0, 1], [0]])
        for x in ([1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]):
            value, bound, tight = checks.bounds(1, 0, x, 0.0)
            exact = sum(Fraction(w) * Fraction(v) for w, v in zip([*weights[0], 1e308], x, strict=True))
            sign = (exact > 0) - (exact < 0)
            for claimed in (bound, tight):
                assert not abs(value) > claimed or (value > 0) - (value < 0) == sign


def is_within(z: list[float], true: list[Fraction], error: Fraction) -> bool:
    """Whether some positive multiple of the true vector differs from z by at most the error in each coordinate."""
    low, high = Fraction(0), Fraction(10**30)
    for v, t in zip(z, true, strict=True):
        if t == 0:
            if abs(Fraction(v)) > error:
                return False
            continue
        ends = sorted([(Fraction(v) - error) / t, (Fraction(v) + error) / t])
        low, high = max(low, ends[0]), min(high, ends[1])
    return high > 0 and low <= high


@pytest.mark.parametrize("loose", [1e-16, 1e-10, 1e-5])
def test_new_generators_are_as_exact_as_they_claim(loose: float) -> None:
    """Between points, and with values, that are off by as much as they may be."""
    rng = random.Random(round(1e16 * loose))
    n = 3
    net = Network.from_layers([np.eye(n).tolist(), [[1] * n]], [[0.1] * n, [0]])
    problem = cell_problem(net)
    assert problem is not None
    checks = _core.Checks(CoreProblem(problem).core)
    tight = 0
    for _ in range(3000):
        x, y = ([rng.uniform(-1, 1) for _ in range(n)] + [rng.random()] for _ in range(2))
        for v in (x, y):
            v[rng.randrange(n + 1)] = rng.choice([0.75, 1.0])
        va, vb = rng.random() * 10.0 ** rng.randint(-8, 0), -rng.random() * 10.0 ** rng.randint(-8, 0)
        ex, ey = loose * rng.random(), loose * rng.random()
        ea, eb = abs(va) * rng.random() * loose, abs(vb) * rng.random() * loose

        def off(value: float, error: float) -> Fraction:
            return Fraction(value) + Fraction(error) * rng.choice([-1, 1])

        true_x, true_y = [off(v, ex) for v in x], [off(v, ey) for v in y]
        true_a, true_b = off(va, ea), off(vb, eb)
        true = [-true_b * a + true_a * b for a, b in zip(true_x, true_y, strict=True)]
        z, error = checks.join(x, ex, va, ea, y, ey, vb, eb)
        if error > 0.1:
            continue
        assert is_within(z, true, Fraction(error))
        tight += not is_within(z, true, Fraction(error) / 8)
    assert tight > 100


@pytest.mark.parametrize("bits", [4, 20, 30, 52])
def test_new_generators_of_whole_numbers(bits: int) -> None:
    """Without errors while numbers are small, else as exact as they claim; coordinates may exceed 1."""
    rng = random.Random(bits)
    n = 3
    net = Network.from_layers([np.eye(n, dtype=int).tolist(), [[1] * n]], [[1] * n, [0]])
    problem = cell_problem(net)
    assert problem is not None
    checks = _core.Checks(CoreProblem(problem).core)
    exact = loose = 0
    for _ in range(1000):
        top = 2**bits
        x, y = ([rng.randint(-top, top) for _ in range(n)] + [rng.randint(0, top)] for _ in range(2))
        if not any(x) or not any(y):
            continue
        va, vb = rng.randint(1, top), -rng.randint(1, top)
        known = rng.random() < 0.5
        size_x, size_y = max(map(abs, x)), max(map(abs, y))
        ex, ey, ea, eb = (0.0 if known else rng.random() * 1e-9 * s for s in (size_x, size_y, va, -vb))

        def off(value: int, error: float) -> Fraction:
            return value + Fraction(error) * rng.choice([-1, 1])

        true_x, true_y = [off(v, ex) for v in x], [off(v, ey) for v in y]
        true_a, true_b = off(va, ea), off(vb, eb)
        true = [-true_b * a + true_a * b for a, b in zip(true_x, true_y, strict=True)]
        z, error = checks.join(list(map(float, x)), ex, va, ea, list(map(float, y)), ey, vb, eb)
        assert is_within(z, true, Fraction(error))
        small = max(-vb * abs(a) + va * abs(b) for a, b in zip(x, y, strict=True)) < 2**53
        assert (error == 0) == (known and small)
        exact += error == 0
        loose += error > 0
    assert loose > 300
    assert (exact > 300) == (bits < 26)


def test_polished_points_are_as_exact_as_they_claim() -> None:
    rng = random.Random(9)
    done = 0
    for _ in range(1500):
        n = rng.randint(1, 4)
        count = n + rng.randint(0, 2)
        true = [Fraction(rng.randint(-50, 50), 64) for _ in range(n)] + [Fraction(1)]
        rows, errors = [], []
        for _ in range(count):
            slope = [Fraction(rng.randint(-64, 64), 32) for _ in range(n)]
            shift = -sum((a * t for a, t in zip(slope, true, strict=False)), Fraction(0))
            exact = [*slope, shift]
            error = rng.choice([0.0, 1e-15, 1e-10])
            rows.append([float(v + Fraction(error) * rng.choice([-1, 0, 1])) for v in exact])
            errors.append(error + 4e-16)
        start = [float(t) + rng.uniform(-1e-6, 1e-6) for t in true]
        point, error = _core.Checks.polish(rows, errors, start)
        if error < 0:
            assert point == start
            continue
        done += 1
        assert is_within(point, true, Fraction(error))
    assert done > 800
