"""The sparsest fit by enumeration: optima of brute force, bounds for all real weights, certificates that cannot lie."""

import itertools
import json
import random
import time

import numpy as np
import pytest

import milp
from milp.training import exact_weights
from milp.training.exact_weights import ExactWeights, OutOfTime
from milp.training.fit_certificate import fit_certificate
from milp.training.fit_checker import Invalid, activations, check
from milp.training.fit_data import fit_data
from milp.training.residues import PrimeField, largest_prime_below
from milp.training.sampled_supports import sample_supports
from milp.training.support_search import SupportSearch
from milp.training.supports import Block, patterns
from polyhedra.limits import check_limits
from polyhedra.linear_program import Infeasible, maximize
from polyhedra.scalars import rational
from tests.pace import Stopwatch, slowness


def brute_force(X, y, units):
    """The least number of non-zeros by all supports, all 2^N patterns (realisable or not) and all signs; else None."""
    samples, d = len(X), len(X[0])
    rows = [[*row, 1] for row in X]
    supports = [s for size in range(d + 2) for s in itertools.combinations(range(d + 1), size)]
    choices = [
        (s, bits, sign) for s in supports[1:] for bits in itertools.product((0, 1), repeat=samples) for sign in (1, -1)
    ]
    best = 0 if not any(y) else None
    for count in range(1, units + 1):
        for chosen in itertools.combinations_with_replacement(choices, count):
            cost = sum(len(s) for s, _, _ in chosen)
            if best is not None and cost >= best:
                continue
            A, equal = [], [[] for _ in range(samples)]
            for k, (s, bits, sign) in enumerate(chosen):
                for n, on in enumerate(bits):
                    part = [rows[n][i] for i in s]
                    before = sum(len(t) for t, _, _ in chosen[:k])
                    A.append([0] * before + [-v if on else v for v in part] + [0] * (cost - before - len(s)))
                    equal[n] += [sign * v * on for v in part]
            if not isinstance(maximize([0] * cost, A, [0] * len(A), equal, y), Infeasible):
                best = cost
    return best


def small_data(seed):
    draw = random.Random(seed)
    d = draw.choice([1, 1, 2])
    samples = draw.choice([2, 3]) if d == 1 else 2
    X = [list(row) for row in {tuple(draw.randint(-2, 2) for _ in range(d)) for _ in range(samples)}]
    return X, [draw.randint(-2, 2) for _ in X]


@pytest.mark.parametrize("seed", range(14))
def test_the_optimum_is_that_of_brute_force(seed):
    X, y = small_data(seed)
    for units in (1, 2):
        if len(X[0]) == 2 and units == 2 and seed % 3:
            continue  # brute force takes its time
        best = brute_force(X, y, units)
        fit = milp.sparsest_fit(X, y, units)
        assert fit.proven
        assert fit.nonzeros == best
        if best is None:
            assert fit.network is None
            assert f"no network with {units} unit" in fit.reason
        else:
            assert [fit.network.evaluate(row)[0] for row in X] == list(y)
        claim = check(fit_certificate(fit))
        assert claim.lower_bound == fit.proven_bound
        assert claim.nonzeros == best


def test_fixed_signs_are_those_of_brute_force():
    """y = -1 at one sample needs a negative unit."""
    none = milp.sparsest_fit([[1], [2]], [-1, -1], (2, 0))
    assert (none.network, none.proven) == (None, True)
    one = milp.sparsest_fit([[1], [2]], [-1, -1], (2, 1))
    assert (one.nonzeros, one.proven) == (1, True)
    check(fit_certificate(one))
    check(fit_certificate(none))


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_data_close_at_four(seed):
    """The noise-free functional set of N = 7, d = 5, K = 7, whose bound was 2 after 40 s."""
    data = milp.planted_data(7, 5, rng=seed)
    fit = milp.sparsest_fit(data.X, data.y, 7, time_limit=60)
    assert (fit.nonzeros, fit.proven_bound, fit.proven) == (4, 4, True)
    assert fit.search.systems > 3000
    claim = check(fit_certificate(fit))
    assert (claim.samples, claim.inputs, claim.lower_bound, claim.nonzeros) == (7, 5, 4, 4)


def test_general_position_is_proven_by_ranks():
    data = milp.random_data(5, 3, rng=1)
    fit = milp.sparsest_fit(data.X, data.y, 5, time_limit=30)
    assert (fit.nonzeros, fit.proven_bound, fit.proven, fit.assumption) == (5, 5, True, None)
    assert fit.search.generic
    assert not fit.search.exact.refutations
    check(fit_certificate(fit))
    noisy = milp.functional_data(5, 3, noise=0.25, rng=1)
    assert milp.sparsest_fit(noisy.X, noisy.y, 5).proven_bound == 5
    assert milp.sparsest_fit(*(lambda D: (D.X, D.y))(milp.functional_data(5, 3, rng=1)), 5).nonzeros <= 4


def test_an_assumption_is_named_and_proves_nothing():
    data = milp.random_data(9, 6, rng=1)
    fit = milp.sparsest_fit(data.X, data.y, 9, general_position=True, time_limit=1.5)
    assert fit.lower_bound == 9 > fit.proven_bound
    assert (fit.assumption, fit.proven) == ("general position", False)
    planted = milp.planted_data(7, 5, rng=1)
    wrong = milp.sparsest_fit(planted.X, planted.y, 7, general_position=True)
    assert (wrong.nonzeros, wrong.proven, wrong.assumption) == (4, True, None)


def test_low_rank_data_and_numbers_of_any_size():
    data = milp.low_rank_data(6, 4, rank=1, rng=2)
    fit = milp.sparsest_fit(data.X, data.y, 6, time_limit=3)
    assert fit.verified
    check(fit_certificate(fit))
    far = milp.sparsest_fit([["1e400", 1], [0, "1e-400"], [1, 1]], ["1e300", 0, 1], 3)
    assert far.verified
    assert far.proven
    check(fit_certificate(far))


@pytest.mark.parametrize("seed", range(6))
def test_patterns_are_those_of_the_circuits(seed):
    """Two independent ways: the cell engine, and Gordan's theorem in the checker."""
    draw = random.Random(seed)
    rows = [tuple(draw.randint(-2, 2) for _ in range(seed % 3 + 1)) for _ in range(6)]
    assert patterns(rows) == sorted(activations(rows))


def changed(content, path, value):
    copy = json.loads(json.dumps(content))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(copy)


def test_a_certificate_that_claims_too_much_is_invalid():
    X, y = [[0], [1], [2], [3]], [0, 1, 0, 1]
    fit = milp.sparsest_fit(X, y, 4)
    assert fit.proven
    text = fit_certificate(fit)
    content = json.loads(text)
    check(text)
    for path, value in [
        (("lower_bound",), fit.proven_bound + 1),
        (("targets", 1), "2"),
        (("network", "biases", 0), "1/7"),
        (("network", "signs", 0), -content["network"]["signs"][0]),
        (("network", "signs", 0), 2),
        (("units",), 1),
        (("version",), 2),
        (("inputs",), [["0"], ["1", "2"]]),
        (("targets",), "x"),
        (("targets", 1), "1e999999999"),
        (("targets", 1), 1.0),
        (("inputs", 0, 0), "1/0"),
        (("inputs", 0, 0), "1" * 5000),
        (("lower_bound",), 10**9),
        (("lower_bound",), -1),
        (("signs",), [1, 1, 1]),
    ]:
        with pytest.raises(Invalid):
            check(changed(content, path, value))
    for damaged in (text[: len(text) // 2], "[" * 100_000, "null", "{}", '"' + "1" * 10_000 + '"'):
        with pytest.raises(Invalid):
            check(damaged)


def test_a_certificate_too_large_to_be_checked_is_refused_at_once():
    rows = [[str((7 * n * n + 3 * n * i + i**3) % 1009) for i in range(60)] for n in range(60)]
    claim = {"format": "puiseux-fit-certificate", "version": 1, "units": 60, "signs": None, "lower_bound": 7}
    data = {"inputs": rows, "targets": [str(n * n) for n in range(60)], "network": None, "refutations": []}
    begun = time.monotonic()
    with pytest.raises(Invalid, match="too large"):
        check(json.dumps({**claim, **data}))
    assert time.monotonic() - begun < 10


def test_farkas_combinations_are_needed_and_checked():
    """One unit has one sign; with columns x, x^2 and the bias on two samples its weights are not determined."""
    fit = milp.sparsest_fit([[1, 1], [2, 4]], [1, -1], 1)
    assert (fit.network, fit.proven) == (None, True)
    content = json.loads(fit_certificate(fit))
    assert content["refutations"]
    check(json.dumps(content))
    first = content["refutations"][0]
    for path, value in [
        (("refutations",), content["refutations"][1:]),
        (("refutations", 0, "equations"), ["0"] * len(first["equations"])),
        (("refutations", 0, "units", 0, "inequalities", 0), "-1"),
        (("refutations", 0, "equations", 0), str(rational(first["equations"][0]) + 1)),
    ]:
        with pytest.raises(Invalid):
            check(changed(content, path, value))


def test_determinants_and_kernels_modulo_a_prime():
    field = PrimeField(7)
    assert field.prime == largest_prime_below(field.prime + 1)
    assert 7 * field.prime**2 < 2**52
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 4, 5):
        matrices = rng.integers(0, field.prime, size=(20, size, size)).astype(float)
        matrices[::2, -1] = matrices[::2, 0] if size > 1 else 0.0
        singular = np.array([_determinant(m, field.prime) == 0 for m in matrices])
        assert ((field.determinants(matrices.copy()) == 0) == singular).all()
        assert singular[::2].all()
    tall = rng.integers(0, field.prime, size=(5, 7, 3)).astype(float)
    tall[0, :, 2] = tall[0, :, 1]
    kernels, regular = field.left_kernels(tall)
    assert regular.tolist() == [False, True, True, True, True]
    for kernel, matrix in zip(kernels[1:], tall[1:], strict=True):
        product = kernel.astype(object).astype(int).astype(object) @ matrix.astype(int).astype(object)
        assert not (product % field.prime).any()
        assert kernel.shape == (4, 7)
    p = field.prime
    edge = np.array([0.0, p, p - 1, 7.0 * (p - 1) ** 2, p * (p - 1.0)])
    assert field.reduce(edge.copy()).tolist() == [int(v) % field.prime for v in edge]


def _determinant(matrix, prime):
    rows = [[int(v) for v in row] for row in matrix]
    total = 0
    for order in itertools.permutations(range(len(rows))):
        sign = 1
        for i, j in itertools.combinations(range(len(rows)), 2):
            sign *= -1 if order[i] > order[j] else 1
        term = sign
        for i, j in enumerate(order):
            term *= rows[i][j]
        total += term
    return total % prime


def test_a_limit_keeps_what_is_proven():
    data = milp.random_data(9, 8, rng=0)
    watch = Stopwatch()
    fit = milp.sparsest_fit(data.X, data.y, 9, time_limit=1.0)
    assert watch.seconds < 1 + 2 * slowness()
    assert 2 <= fit.proven_bound < 9
    assert not fit.proven
    assert fit.verified
    assert "non-zeros are excluded" in fit.reason
    search = SupportSearch(fit_data(data.X, data.y), 9)
    search.within(-1.0)
    with pytest.raises(OutOfTime):
        search.spans_of(3)


def test_choices_at_random_keep_the_limit():
    """Hundreds of choices of a batch have the right signs in float64 only; each is decided exactly, by the clock."""
    rng = np.random.default_rng(0)
    data = fit_data(rng.standard_normal((30, 20)), rng.standard_normal(30))
    search = SupportSearch(data, 30)
    search.spans_of(1)
    watch = Stopwatch()
    sample_supports(search, time.monotonic() + 0.5, rng=np.random.default_rng(7))
    assert watch.seconds < 0.5 + slowness()


def test_each_exact_decision_asks_whether_to_go_on(monkeypatch):
    data = fit_data([[1, 2], [2, 1], [3, 3]], [1, 1, 2])
    block = Block((0, 1), (True, True, True))
    asked = []

    def check():
        asked.append(len(asked))
        if len(asked) > 4:
            raise OutOfTime

    exact = ExactWeights(data, None, None, check)
    assert not exact.holds([(1, 0, 0)])
    assert exact.holds([(1, 0, 0), (0, 1, 0), (0, 0, 1)])
    assert len(asked) == 2
    # dependent columns: a program for each choice of signs, whose steps ask too
    monkeypatch.setattr(exact_weights, "maximize", lambda *given: [check_limits() for _ in range(3)])
    with pytest.raises(OutOfTime):
        exact.weights_of((block, block))


def test_a_thousand_units_are_no_recursion():
    data = fit_data([[n] for n in range(1200)], [n % 3 for n in range(1200)])
    search = SupportSearch(data, 1200)
    assert next(search.partitions(1200)) == (2,) * 600
    assert list(search.partitions(2)) == [(2,), (1, 1)]
    assert sum(1 for _ in itertools.islice(search.partitions(1200), 50)) == 50


@pytest.mark.parametrize("units", [1, 2, 3, 9])
def test_partitions_are_all_of_them_once(units):
    search = SupportSearch(fit_data([[n, n * n] for n in range(9)], list(range(9))), units)
    for level in range(1, 8):
        found = list(search.partitions(level))
        every = itertools.product(range(len(search.columns) + 1), repeat=min(units, level))
        wanted = {tuple(sorted(filter(None, parts), reverse=True)) for parts in every if sum(parts) == level}
        assert len(found) == len(set(found))
        assert set(found) == wanted
        assert found == sorted(found, reverse=True)


def test_choices_at_random_fit():
    data = milp.random_data(5, 3, rng=4)
    search = SupportSearch(fit_data(data.X, data.y), 5)
    found = sample_supports(search, time.monotonic() + 20, rng=np.random.default_rng(0))
    assert found is not None
    assert sum(len(unit.weights) for unit in found) == 5


def test_a_part_of_a_level_closes_the_bound():
    """The level of four non-zeros is too large for the time, its part of two units with two weights is not."""
    data = milp.planted_data(9, 5, rng=1)
    search = SupportSearch(fit_data(data.X, data.y), 9)
    assert search.climb(3) is None
    assert search.lower_bound == 4
    found = search.look_ahead(time.monotonic() + 60)
    assert found is not None
    assert sum(len(unit.weights) for unit in found) == 4
    assert search.lower_bound == 4
    assert search.look_ahead(time.monotonic() - 1) is None


def test_a_part_whose_spans_take_too_long_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two units with two weights each are found although the spans of units with three and four would take days."""
    monkeypatch.setattr(
        "milp.training.support_search.seconds_of_class", lambda samples, columns, cost: 1e5 if cost > 2 else 0.0
    )
    data = milp.planted_data(7, 5, rng=1)
    search = SupportSearch(fit_data(data.X, data.y), 7, lower_bound=4)
    units = search.look_ahead(time.monotonic() + 60)
    assert units is not None
    assert sum(len(unit.block.support) for unit in units) == 4


def test_the_rate_of_sums_does_not_count_the_spans() -> None:
    data = milp.planted_data(10, 5, rng=1)
    search = SupportSearch(fit_data(data.X, data.y), 10)
    begun = time.monotonic()
    search.climb()
    assert search.systems > 10_000
    assert search._rate < (time.monotonic() - begun) / search.systems
