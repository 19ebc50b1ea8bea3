"""Exact training against programs for every separable pattern, against random networks, and by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from milp.training import exact_training
from milp.training.exact_columns import relu_columns
from milp.training.exact_programs import non_negative_squares
from milp.training.exact_training import train_exactly
from polyhedra.errors import FormulationError
from polyhedra.linear_program import InteriorPoint, interior
from polyhedra.scalars import rational, to_float
from tests.pace import Stopwatch, slowness

cp = pytest.importorskip("cvxpy")


def separable_patterns(rows: np.ndarray) -> list[np.ndarray]:
    """The strict sign patterns that some parameter reaches, each by an exact linear program."""
    found = []
    for signs in product((False, True), repeat=len(rows)):
        A = [[-v for v in row] if s else list(row) for row, s in zip(rows.tolist(), signs, strict=True)]
        if isinstance(interior(A, [0] * len(A), dim=rows.shape[1]), InteriorPoint):
            found.append(np.array(signs))
    return found


def measured(loss: str, errors: Any) -> Any:
    if loss == "squared":
        return cp.sum_squares(errors)
    return cp.norm1(errors) if loss == "absolute" else cp.norm_inf(errors)


def naive_relu(rows: np.ndarray, y: np.ndarray, units: int, loss: str) -> float:
    """For all patterns and signs a program in the weights themselves, solved by cvxpy."""
    best = np.inf
    patterns = separable_patterns(rows)
    for chosen in product(patterns, repeat=units):
        if any(tuple(a) > tuple(b) for a, b in pairwise(chosen)):
            continue
        for signs in product((1.0, -1.0), repeat=units):
            u = [cp.Variable(rows.shape[1]) for _ in range(units)]
            values = sum(s * (np.diag(p.astype(float)) @ rows @ w) for s, p, w in zip(signs, chosen, u, strict=True))
            cones = [np.diag(2.0 * p - 1) @ rows @ w >= 0 for p, w in zip(chosen, u, strict=True)]
            problem = cp.Problem(cp.Minimize(measured(loss, values - y)), cones)
            best = min(best, problem.solve(solver="CLARABEL"))
    return float(best)


@pytest.mark.parametrize("loss", ["squared", "absolute", "maximal"])
def test_relu_units_against_a_program_for_each_pattern(loss: Any) -> None:
    rng = np.random.default_rng(1)
    X, y = rng.integers(-4, 5, (4, 1)).astype(float), rng.integers(-3, 4, 4).astype(float)
    X = np.unique(X, axis=0)
    y = y[: len(X)]
    rows = np.column_stack([X, np.ones(len(X))])
    one = train_exactly(X, y, 1, loss=loss)
    assert one.proven
    assert to_float(one.loss) == pytest.approx(naive_relu(rows, y, 1, loss), abs=1e-6)
    plane = rng.integers(-3, 4, (5, 2)).astype(float)
    z = rng.integers(-3, 4, 5).astype(float)
    fit = train_exactly(plane, z, 1, loss=loss, bias=False)
    assert to_float(fit.loss) == pytest.approx(naive_relu(plane, z, 1, loss), abs=1e-6)


@pytest.mark.parametrize("loss", ["squared", "maximal"])
def test_two_relu_units_against_a_program_for_each_pair(loss: Any) -> None:
    X, y = np.array([[0.0], [1.0], [4.0]]), np.array([1.0, -1.0, -2.0])
    fit = train_exactly(X, y, 2, loss=loss)
    naive = naive_relu(np.column_stack([X, np.ones(3)]), y, 2, loss)
    assert to_float(fit.loss) == pytest.approx(naive, abs=1e-5)


@pytest.mark.parametrize("loss", ["squared", "absolute", "maximal"])
def test_threshold_units_against_all_sets_of_patterns(loss: Any) -> None:
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(4, 2)).round(2), rng.integers(-5, 6, 4).astype(float)
    rows = np.column_stack([X, np.ones(4)])
    best = np.inf
    for chosen in combinations(separable_patterns(rows), 2):
        table = np.array(chosen, dtype=float).T
        if loss == "squared":
            best = min(best, np.sum((table @ np.linalg.lstsq(table, y, rcond=None)[0] - y) ** 2))
        else:
            v = cp.Variable(2)
            best = min(best, cp.Problem(cp.Minimize(measured(loss, table @ v - y))).solve(solver="CLARABEL"))
    fit = train_exactly(X, y, 2, loss=loss, activation="threshold")
    assert to_float(fit.loss) == pytest.approx(best, abs=1e-6)


def measured_exactly(fit: Any, X: Any, y: Any) -> fmpq:
    errors = [abs(fit(x) - rational(value)) for x, value in zip(X, y, strict=True)]
    if fit.kind == "squared":
        return sum((e * e for e in errors), fmpq(0))
    return sum(errors, fmpq(0)) if fit.kind == "absolute" else max(errors)


@pytest.mark.parametrize("activation", ["relu", "threshold"])
@pytest.mark.parametrize("loss", ["squared", "absolute", "maximal"])
def test_the_network_has_the_loss_and_no_random_one_has_less(activation: Any, loss: Any) -> None:
    rng = np.random.default_rng(3)
    for units, features in ((0, 1), (1, 2), (2, 1)):
        X = rng.integers(-3, 4, (7, features)).tolist()  # samples repeat: degenerate data
        y = rng.integers(-3, 4, 7).tolist()
        fit = train_exactly(X, y, units, loss=loss, activation=activation)
        assert fit.proven
        assert fit.loss == fit.lower == measured_exactly(fit, X, y)
        assert len(fit.v) <= units
        if activation == "relu":
            assert all(fit.network.evaluate(x)[0] == fit(x) for x in X)
            assert all(abs(v) == 1 for v in fit.v)
        points = np.column_stack([X, np.ones(7)])
        for _ in range(300 if units else 0):
            values = points @ rng.normal(size=(features + 1, units))
            hidden = np.maximum(values, 0) if activation == "relu" else (values > 0).astype(float)
            v = np.linalg.lstsq(hidden, np.array(y, dtype=float), rcond=None)[0]
            errors = np.abs(hidden @ v - y)
            size = {"squared": np.sum(errors**2), "absolute": errors.sum(), "maximal": errors.max()}[loss]
            assert size >= to_float(fit.loss) - 1e-9


def test_threshold_units_on_walls() -> None:
    # without a bias no weights near (0, 1) are inactive at both (1, 0) and (-1, 0), and those of (0, 1) are
    X, y = [[1, 0], [-1, 0], [0, 1]], [0, 0, 1]
    fit = train_exactly(X, y, 1, activation="threshold", bias=False)
    assert fit.loss == measured_exactly(fit, X, y) == 0
    assert fit.b == (0,)
    rng = np.random.default_rng(6)
    more = 0
    for _ in range(25):
        X = rng.integers(-2, 3, (5, int(rng.integers(1, 4))))
        X[1] = -X[0]
        y = rng.integers(-3, 4, 5)
        found = {tuple(row @ w > 0 for row in X) for w in product(range(-5, 6), repeat=X.shape[1])}
        inner = {tuple(map(bool, p)) for p in separable_patterns(X[X.any(axis=1)].astype(float))}
        more += len(found) > len(inner)
        losses = [Fraction(int(y @ y))]
        for pattern in found:
            on = [int(v) for v, active in zip(y, pattern, strict=True) if active]
            losses.append(losses[0] - Fraction(sum(on) ** 2, len(on) or 1))
        fit = train_exactly(X.tolist(), y.tolist(), 1, activation="threshold", bias=False)
        assert fit.loss == measured_exactly(fit, X.tolist(), y.tolist()) == rational(min(losses))
    assert more > 10
    with pytest.raises(FormulationError, match="more than 3 activation patterns"):
        train_exactly([[1, 0], [-1, 0], [0, 1]], [0, 0, 1], 1, activation="threshold", bias=False, limit=3)


def test_planted_units_are_found_exactly() -> None:
    X = [["1/3"], ["1/2"], [1], [2], [3], [5]]
    y = [max(2 * rational(x) - 1, 0) - max(rational(x) / 2 - 1, 0) for (x,) in X]
    assert train_exactly(X, y, 2).loss == 0
    assert train_exactly(X, y, 1).loss > 0
    steps = [3 if rational(x) > fmpq(3, 4) else 0 for (x,) in X]
    assert train_exactly(X, steps, 1, activation="threshold").loss == 0


def test_more_units_than_patterns() -> None:
    one = train_exactly([[2]], [-3], 5)
    assert (one.loss, one.proven, one.patterns) == (0, True, 1)
    assert train_exactly([[0]], [1], 3, bias=False).loss == 1
    assert train_exactly([[0], [0]], [1, 3], 2).loss == 2
    assert train_exactly([[2]], [-3], 2, activation="threshold").loss == 0


def test_the_active_set_method_agrees_with_the_proposed_one() -> None:
    rng = np.random.default_rng(5)
    from scipy.optimize import nnls

    for _ in range(20):
        rows = [tuple(map(rational, (*x, 1))) for x in rng.integers(-3, 4, (6, 2)).tolist()]
        y = tuple(map(rational, rng.integers(-5, 6, 6).tolist()))
        columns = relu_columns(rows, y, 1000)
        picked = rng.choice(len(columns.outputs), min(5, len(columns.outputs)), replace=False).tolist()
        signed = tuple((j, int(rng.choice([1, -1]))) for j in picked)
        table = np.array([[s * to_float(v) for v in columns.outputs[j]] for j, s in signed]).T
        proposal, norm = nnls(table, np.array([to_float(v) for v in y]))
        own, proposed = (non_negative_squares(columns, y, signed, p) for p in (None, proposal))
        wrong = non_negative_squares(columns, y, signed, np.ones(len(signed)))
        assert own.loss == proposed.loss == wrong.loss
        assert to_float(own.loss) == pytest.approx(norm**2, abs=1e-9)
        assert min(own.coefficients) >= 0


def test_a_time_limit_leaves_a_network_and_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(10, 1)), rng.normal(size=10)
    fit = train_exactly(X, y, 2, time_limit=0.15)
    whole = train_exactly(X, y, 2)
    assert whole.proven
    assert fit.lower <= whole.loss <= fit.loss
    assert (fit.reason is None) == fit.proven


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        ([[1], [2]], [1], {}, "2 samples and 1 value"),
        ([[1]], [1], {"loss": "hinge"}, "there is no loss 'hinge'"),
        ([[1]], [1], {"activation": "tanh"}, "there is no activation 'tanh'"),
        ([[1], [2], [4]], [1, 2, 3], {"limit": 2}, "more than 2 activation patterns"),
    ],
)
def test_bad_requests(X: Any, y: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(FormulationError, match=message):
        train_exactly(X, y, 1, **options)


def test_too_many_choices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_training, "MAX_CHOICES", 10)
    with pytest.raises(FormulationError, match="5 activation patterns and 2 units make 15 choices"):
        train_exactly([[1], [2], [4]], [1, 2, 3], 2)
    with pytest.raises(FormulationError, match="units=-1 is negative"):
        train_exactly([[1]], [1], -1)
    threshold = train_exactly([[1], [2]], [1, 2], 1, activation="threshold")
    with pytest.raises(FormulationError, match="jump"):
        _ = threshold.network
    assert Fraction(int(threshold.loss.p), int(threshold.loss.q)) == Fraction(1, 2)


@pytest.mark.parametrize("activation", ["relu", "threshold"])
def test_the_columns_of_many_samples_keep_the_limit(activation: Any) -> None:
    """30 samples with three features have 4,060 rays, whose products took ten times the limit."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)).round(2), rng.normal(size=30).round(2)
    watch = Stopwatch()
    with pytest.raises(FormulationError, match="more than 2000 activation patterns"):
        train_exactly(X, y, 3, activation=activation, time_limit=1)
    with pytest.raises(FormulationError, match="the time limit was reached at"):
        train_exactly(X, y, 3, activation=activation, time_limit=0.3, limit=100_000)
    assert watch.seconds < 1.5 + 1.5 * slowness()
