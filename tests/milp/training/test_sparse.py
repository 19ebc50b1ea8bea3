"""Sparse fits: planted networks are found, fits are exact, bounds are valid, training does what each penalty says."""

import itertools

import numpy as np
import pytest

from milp.solvers import SolveStatus
from milp.training.fit_data import fit_data
from milp.training.float_search import solve_program
from milp.training.interpolation import interpolate
from milp.training.sparse_data import low_rank_data, planted_data, random_data
from milp.training.sparse_fit import sparsest_fit
from milp.training.sparse_model import OneHiddenLayer
from milp.training.sparse_train import TrainingOptions, train
from polyhedra.errors import FormulationError
from polyhedra.scalars import rational

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")


def fits_exactly(network, X, y):
    return all(network.evaluate(x)[0] == rational(float(t)) for x, t in zip(X, y, strict=True))


# ---------------------------------------------------------------- data and metrics


def test_planted_data_are_interpolated_exactly_by_their_teacher():
    data = planted_data(7, 5, rng=1)
    assert data.teacher.nonzeros() == 4
    assert data.teacher.active_neurons() == 2
    assert fits_exactly(data.teacher.to_network(), data.X, data.y)
    again = planted_data(7, 5, rng=1)
    assert (again.X == data.X).all()
    assert np.linalg.matrix_rank(low_rank_data(6, 4, rank=2, rng=2).X) == 2
    assert random_data(5, 3, rng=3).X.shape == (5, 3)


def test_metrics_by_hand():
    model = OneHiddenLayer(
        np.array([2.0, -1.0, 0.0]), np.array([[3.0, 0.0], [1.0, -1.0], [5.0, 5.0]]), np.array([0.0, 4.0, 1.0])
    )
    assert model.nonzeros() == 4
    assert model.active_neurons() == 2
    assert model.path_norm(1.0) == 6 + 1 + 1 + 4
    assert model.path_norm(1.0, biases=False) == 8
    assert abs(model.path_norm(0.5) - (6**0.5 + 1 + 1 + 2)) < 1e-12
    X = np.array([[1.0, 2.0], [-1.0, 0.0]])
    assert np.allclose(model(X), model.balanced()(X))
    assert np.allclose(model(X), [2 * 3 - 3, -3])
    assert model.mse(X, np.array([3.0, -3.0])) == 0
    assert [float(v.p) / float(v.q) for v in model.to_network().evaluate([1, 2])] == [3.0]


# ---------------------------------------------------------------- training


def test_training_fits_and_the_path_norm_makes_sparse():
    data = planted_data(12, 4, rng=4)
    plain = train(data.X, data.y, 12, rng=0)
    decay = train(data.X, data.y, 12, TrainingOptions("weight-decay"), rng=0)
    sparse = {p: train(data.X, data.y, 12, TrainingOptions("path-norm", p=p), rng=0) for p in (0.4, 0.7, 1.0)}
    assert plain.mse(data.X, data.y) < 0.01 * np.var(data.y)
    assert plain.nonzeros() == 12 * 5
    assert decay.path_norm() < plain.path_norm()
    for model in sparse.values():
        assert model.mse(data.X, data.y) < 0.25 * np.var(data.y)
        assert model.nonzeros() < plain.nonzeros()
    assert sparse[0.4].nonzeros() <= sparse[1.0].nonzeros()
    with pytest.raises(FormulationError, match="no regularisation"):
        TrainingOptions("dropout")
    with pytest.raises(FormulationError, match="p=2"):
        TrainingOptions(p=2)


# ---------------------------------------------------------------- the sparsest interpolation


@pytest.mark.parametrize("neurons", [2, (2, 2)])
def test_planted_network_is_found_and_the_fit_is_exact(neurons):
    data = planted_data(5, 3, rng=5)
    fit = sparsest_fit(data.X, data.y, neurons, time_limit=30)
    assert fit.report.status is SolveStatus.OPTIMAL
    assert fit.optimal
    assert fit.verified
    assert fit.nonzeros == fit.lower_bound <= 4
    assert fits_exactly(fit.network, data.X, data.y)


def test_optimum_is_that_of_brute_force_over_supports():
    # one neuron of each sign in one dimension: try all supports and activations by linear algebra
    rng = np.random.default_rng(6)
    X = np.array([[-1.0], [0.5], [1.0]])
    for _ in range(4):
        y = rng.integers(-2, 3, size=3).astype(float)
        fit = sparsest_fit(X, y, (1, 1), weight_bound=20, bias_bound=20, time_limit=20)
        best = None
        for support in itertools.product((0, 1), repeat=4):  # w+, b+, w-, b-
            for active in itertools.product((0, 1), repeat=6):
                a = np.array(active).reshape(3, 2)
                A = np.column_stack([a[:, 0] * X[:, 0], a[:, 0], -a[:, 1] * X[:, 0], -a[:, 1]])[
                    :, np.array(support) > 0
                ]
                theta = np.linalg.lstsq(A, y, rcond=None)[0] if A.shape[1] else np.zeros(0)
                full = np.zeros(4)
                full[np.array(support) > 0] = theta
                model = OneHiddenLayer(np.array([1.0, -1.0]), full[[0, 2]][:, None], full[[1, 3]])
                ok = np.abs(full).max(initial=0) <= 20 and np.abs(model(X) - y).max() < 1e-9
                if ok and (best is None or sum(support) < best):
                    best = sum(support)
        if best is None:  # least squares finds one solution per support; trust only what it finds
            continue
        assert fit.nonzeros is not None
        assert fit.nonzeros <= best
        assert fit.verified


def test_general_position_bound_and_warm_start():
    data = random_data(4, 2, rng=7)
    trained = train(data.X, data.y, 8, TrainingOptions("path-norm", epochs=3000), rng=1)
    fit = sparsest_fit(data.X, data.y, (3, 3), general_position=True, start=trained, time_limit=30)
    assert fit.lower_bound >= 4
    assert fit.nonzeros >= fit.lower_bound
    assert fit.verified
    cold = sparsest_fit(data.X, data.y, (3, 3), time_limit=30)
    if cold.optimal and fit.optimal:
        assert cold.nonzeros == fit.nonzeros


def test_a_start_is_kept_when_there_is_no_time_for_more():
    data = planted_data(6, 4, rng=8)
    fit = sparsest_fit(data.X, data.y, 6, start=data.teacher, time_limit=1e-6)
    assert fit.report.status.has_point
    assert fit.nonzeros <= 4
    assert fit.verified
    assert fit.lower_bound <= fit.nonzeros


@pytest.mark.parametrize("solver", ["HIGHS", "SCIP"])
def test_a_solver_keeps_its_start_too(solver):
    """The program alone, without the enumeration, in a fifth of a second: only the start can give four non-zeros."""
    pytest.importorskip("pyscipopt" if solver == "SCIP" else "highspy")
    data = planted_data(6, 4, rng=8)
    found, report = solve_program(fit_data(data.X, data.y), 6, None, 0, data.teacher, solver, 0.2)
    assert report.status.has_point
    assert found.nonzeros <= 4
    assert found.verified
    assert fits_exactly(found.network, data.X, data.y)


def test_infeasible_and_limits_have_statuses():
    X, y = np.array([[1.0], [2.0]]), np.array([5.0, -5.0])
    nothing = sparsest_fit(X, y, (1, 0), time_limit=10)
    assert nothing.report.status is SolveStatus.INFEASIBLE
    assert (nothing.network, nothing.verified) == (None, False)
    data = random_data(8, 5, rng=9)
    late = sparsest_fit(data.X, data.y, 8, time_limit=0.3)
    assert late.report.seconds < 5
    assert not late.optimal


def test_exact_solution_near_a_float_one():
    X, y = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.1, 0.3])
    near = OneHiddenLayer(np.array([1.0, 1.0]), np.array([[0.1 + 1e-12, 0.0], [0.05, 0.3]]), np.zeros(2))
    network, count, fits = interpolate(X, y, near, np.array([[True, True], [True, True]]))
    assert fits
    assert count == 3
    assert fits_exactly(network, X, y)
    wrong = interpolate(
        X, y, OneHiddenLayer(np.array([1.0]), np.array([[1.0, 0.0]]), np.zeros(1)), np.array([[True], [True]])
    )
    assert not wrong[2]


@pytest.mark.parametrize(
    ("X", "y", "neurons", "message"),
    [
        ([[1.0]], [1.0, 2.0], 1, "no data"),
        ([[float("nan")]], [1.0], 1, "not finite"),
        ([["a"]], [1.0], 1, "not numbers"),
        ([[1.0]], [1.0], 0, "neurons=0"),
        ([[1.0]], [1.0], (1, -1), "neurons="),
    ],
)
def test_bad_requests(X, y, neurons, message):
    with pytest.raises(FormulationError, match=message):
        sparsest_fit(X, y, neurons)
