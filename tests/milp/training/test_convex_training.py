"""Convex training: the patterns are complete, a network reaches the optimum, and no trained network is below it."""

from math import comb

import numpy as np
import pytest

from milp.solvers import SolveStatus
from milp.training.convex_training import data_patterns, regularised_loss, train_convex
from milp.training.sparse_train import TrainingOptions, train
from polyhedra.errors import FormulationError
from polyhedra.linear_program import InteriorPoint, interior

pytest.importorskip("cvxpy")


def patterns_by_hand(rows):
    """Every sign pattern that some parameter reaches strictly, row by row, by exact programs."""
    found = [()]
    for k in range(1, len(rows) + 1):
        longer = [(*p, s) for p in found for s in (False, True)]
        found = []
        for p in longer:
            chosen = [(row, s) for row, s in zip(rows[:k], p, strict=True) if np.any(row)]
            if any(s for row, s in zip(rows[:k], p, strict=True) if not np.any(row)):
                continue
            A = [[-v for v in row] if s else list(row) for row, s in chosen]
            if isinstance(interior(A, [0] * len(A), dim=len(rows[0])), InteriorPoint):
                found.append(p)
    return sorted(found)


@pytest.mark.parametrize("bias", [False, True])
def test_patterns_are_all_cells_of_the_arrangement(bias):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(7, 2))
    n = 3 if bias else 2
    patterns = data_patterns(X, bias)
    assert len(patterns) == 2 * sum(comb(6, k) for k in range(n))
    rows = np.column_stack([X, np.ones(7)]) if bias else X
    assert [tuple(p) for p in patterns] == patterns_by_hand(rows.tolist())


def test_degenerate_data_are_counted_right():
    X = np.array([[1.0, 2.0], [1.0, 2.0], [-2.0, -4.0], [0.0, 0.0], [0.0, 1.0]])
    for bias in (False, True):
        rows = np.column_stack([X, np.ones(5)]) if bias else X
        assert [tuple(p) for p in data_patterns(X, bias)] == patterns_by_hand(rows.tolist())


def test_the_optimum_is_reached_by_a_network_and_none_is_below():
    rng = np.random.default_rng(2)
    X, beta = rng.normal(size=(6, 2)), 0.05
    y = np.maximum(X[:, 0], 0) - np.maximum(X[:, 1] + 0.3, 0)
    fit = train_convex(X, y, beta)
    assert fit.report.status is SolveStatus.OPTIMAL
    assert fit.patterns == 2 * sum(comb(5, k) for k in range(3))
    assert abs(fit.objective - fit.optimum) < 1e-3 * fit.optimum
    assert abs(regularised_loss(fit.network, X, y, beta) - fit.objective) < 1e-12
    options = TrainingOptions("weight-decay", step=0.05, strength=2 * beta / len(y) / 2, epochs=6000)
    for seed in range(3):
        trained = train(X, y, 30, options, rng=seed)
        assert regularised_loss(trained, X, y, beta) > fit.optimum * (1 - 1e-4)
    best = min(regularised_loss(train(X, y, 30, options, rng=seed), X, y, beta) for seed in range(3))
    assert best < 1.2 * fit.optimum


def test_heavy_decay_gives_the_zero_network():
    X, y = np.array([[1.0], [2.0]]), np.array([1.0, -1.0])
    fit = train_convex(X, y, 100.0)
    assert abs(fit.optimum - 0.5 * float(y @ y)) < 1e-5


def test_one_sample_by_hand():
    # u.x with |x| = 2: the loss is 1/2 (2 s - 1)^2 + beta s for s = |v|, least at s = (2 - beta) / 4
    fit = train_convex([[2.0]], [1.0], 0.4, bias=False)
    s = (2 - 0.4) / 4
    assert abs(fit.optimum - (0.5 * (2 * s - 1) ** 2 + 0.4 * s)) < 1e-6


@pytest.mark.parametrize(
    ("X", "y", "beta", "message"),
    [
        ([[1.0]], [1.0, 2.0], 0.1, "no data"),
        ([[1.0]], [1.0], 0.0, "beta=0.0"),
        ([[float("inf")]], [1.0], 0.1, "not finite"),
    ],
)
def test_bad_requests(X, y, beta, message):
    with pytest.raises(FormulationError, match=message):
        train_convex(X, y, beta)


def test_too_many_patterns_are_refused():
    X = np.random.default_rng(3).normal(size=(30, 3))
    with pytest.raises(FormulationError, match="more than 50 activation patterns"):
        data_patterns(X, limit=50)
