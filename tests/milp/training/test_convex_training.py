"""Convex training: the patterns are complete, a network reaches the optimum, and no trained network is below it."""

from math import comb

import numpy as np
import pytest
from flint import fmpq

from milp.solvers import SolveStatus
from milp.training.convex_training import data_patterns, regularised_loss, train_convex, train_convex_outputs
from milp.training.exact_training import train_exactly
from milp.training.sparse_model import OneHiddenLayer
from milp.training.sparse_train import TrainingOptions, train
from polyhedra.errors import FormulationError
from polyhedra.linear_program import InteriorPoint, interior
from polyhedra.scalars import to_float

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
        ([[1.0]], [1.0], -0.1, "beta=-0.1"),
        ([[1.0]], [1.0], float("nan"), "beta=nan"),
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


def random_model(rng, units, features):
    return OneHiddenLayer(rng.normal(size=units), rng.normal(size=(units, features)), rng.normal(size=units))


def test_the_hinge_loss_is_reached_and_none_is_below():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(8, 2))
    labels = np.where(X[:, 0] * X[:, 1] > 0, 1.0, -1.0)
    fit = train_convex(X, labels, 0.05, loss="hinge")
    assert abs(fit.objective - fit.optimum) < 1e-3 * max(1, fit.optimum)
    assert fit.optimum < 8  # the loss of the network that is zero
    for scale in (0.3, 1.0, 2.0):
        model = OneHiddenLayer(fit.network.v * scale, fit.network.W * scale, fit.network.b * scale)
        assert regularised_loss(model, X, labels, 0.05, "hinge") > fit.optimum * (1 - 1e-5)
    for _ in range(200):
        model = random_model(rng, 4, 2)
        assert regularised_loss(model, X, labels, 0.05, "hinge") > fit.optimum
    with pytest.raises(FormulationError, match="labels 1 and -1"):
        train_convex(X, labels * 2, 0.1, loss="hinge")
    with pytest.raises(FormulationError, match="there is no loss"):
        train_convex(X, labels, 0.1, loss="logistic")


def test_a_hinge_loss_by_hand():
    # one sample x = 1 without a bias: max(0, 1 - s) + beta s for s = |v|, so s = 1 for beta < 1
    assert abs(train_convex([[1.0]], [1.0], 0.4, bias=False, loss="hinge").optimum - 0.4) < 1e-6
    assert abs(train_convex([[1.0]], [1.0], 2.0, bias=False, loss="hinge").optimum - 1.0) < 1e-6


def test_without_decay_the_optimum_is_the_exact_one_for_enough_units():
    X, y = [[0.0], [1.0], [1.0], [2.0], [3.0], [3.0]], [0.0, 1.0, 3.0, 0.0, 2.0, 1.0]
    fit = train_convex(X, y, 0.0)
    exact = [train_exactly(X, y, units).loss for units in (1, 2, 3)]
    assert exact[0] > exact[1] >= exact[2] == fmpq(5, 2)  # (1, 3) and (2, 1) are asked for at one point each
    assert abs(2 * fit.optimum - 2.5) < 1e-5
    assert all(to_float(loss) >= 2 * fit.optimum - 1e-5 for loss in exact)


def test_several_outputs_decouple_and_bound_weight_decay_from_both_sides():
    rng = np.random.default_rng(5)
    X, beta = rng.normal(size=(6, 1)), 0.1
    Y = np.column_stack([np.abs(X[:, 0]), X[:, 0], np.sin(3 * X[:, 0])])
    fit = train_convex_outputs(X, Y, beta)
    assert abs(fit.optimum - sum(train_convex(X, y, beta).optimum for y in Y.T)) < 1e-6
    lower = train_convex_outputs(X, Y, beta / np.sqrt(3)).optimum

    def losses(U, V):
        errors = 0.5 * np.sum((np.maximum(np.column_stack([X, np.ones(6)]) @ U.T, 0) @ V.T - Y) ** 2)
        rows, columns = np.linalg.norm(U, axis=1), np.abs(V).sum(axis=0)
        euclidean = np.linalg.norm(V, axis=0)
        return errors + beta * float(rows @ columns), errors + beta * float(rows @ euclidean)

    inner, outer = fit.network.layers
    U = np.array([[float(v) for v in (*row, b)] for row, b in zip(inner.weights, inner.bias, strict=True)])
    V = np.array([[float(v) for v in row] for row in outer.weights])
    assert abs(losses(U, V)[0] - fit.optimum) < 1e-3 * fit.optimum
    assert lower <= losses(U, V)[1] + 1e-9  # this network is an upper bound of weight decay, and below `fit.optimum`
    assert losses(U, V)[1] <= fit.optimum * (1 + 1e-3)
    for _ in range(300):
        mixed = U + 0.1 * rng.normal(size=U.shape), V + 0.1 * rng.normal(size=V.shape)
        ones, twos = losses(*mixed)
        assert ones > fit.optimum * (1 - 1e-5)
        assert twos > lower * (1 - 1e-5)
    with pytest.raises(FormulationError, match="no table"):
        train_convex_outputs(X, Y[:, 0], beta)
