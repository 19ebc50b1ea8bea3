"""Training with every regularisation from one start; data whose instances have solutions; the largest parameters."""

import importlib

import numpy as np
import pytest

import milp
from milp.training.sparse_train import TrainingOptions, train
from milp.training.train_models import best_model
from polyhedra.errors import FormulationError, MissingExtraError
from polyhedra.scalars import rational

pytest.importorskip("torch")

X = [[-1.0, 0.0], [0.0, 1.0], [1.0, 0.5], [2.0, -1.0]]
Y = [1.0, 0.0, 1.0, 2.0]


def test_each_regularisation_does_what_it_says():
    data = milp.planted_data(12, 4, rng=4)
    models = milp.train_models(data.X, data.y, 12, epochs=500, step=0.02, rng=0)
    assert [model.name for model in models] == ["none", "weight decay", "path norm 0.4", "path norm 0.7", "path norm 1"]
    assert [model.p for model in models] == [None, None, 0.4, 0.7, 1.0]
    assert len({float(model.losses[0]) for model in models}) == 1  # one start
    for model in models:
        assert model.epochs == 500
        assert model.losses.shape == (501,)
        assert model.losses[-1] == pytest.approx(model.model.mse(data.X, data.y), rel=1e-9)
        assert model.metrics["mse"] == model.model.mse(data.X, data.y) < 0.25 * np.var(data.y)
        assert model.metrics["max_error"] == np.abs(model.model(data.X) - data.y).max()
    plain, decay, *path = models
    size = [float(np.sum(m.model.W**2) + np.sum(m.model.b**2) + np.sum(m.model.v**2)) for m in (plain, decay)]
    assert size[1] < size[0]
    assert all(model.metrics["nonzeros"] < plain.metrics["nonzeros"] for model in path)
    assert best_model(models).metrics["nonzeros"] == min(
        m.metrics["nonzeros"] for m in models if m.metrics["mse"] <= 0.05 * plain.losses[0]
    )
    again = milp.train_models(data.X, data.y, 12, epochs=500, step=0.02, exponents=(0.7,), rng=0)
    assert (again[2].losses == models[3].losses).all()


def test_the_steps_are_those_of_the_numpy_training():
    """A second implementation: gradients by hand."""
    model = milp.train_models(X, Y, 5, epochs=60, exponents=(0.4,), rng=3)[2].model
    other = train(np.array(X), np.array(Y), 5, TrainingOptions("path-norm", epochs=60), rng=3)
    for part in ("v", "W", "b"):
        assert np.allclose(getattr(model, part), getattr(other, part), rtol=1e-9, atol=1e-12)


def test_adamw_decays_weights_that_no_sample_reads():
    """Without a gradient a weight is multiplied by 1 - step decay in each step, and without decay it stays."""
    plain, decay = milp.train_models([[0.0, 1.0]], [1.0], 3, epochs=10, exponents=(), step=0.1, decay=0.5, rng=0)
    start = milp.train_models([[0.0, 1.0]], [1.0], 3, epochs=0, exponents=(), rng=0)[0].model
    assert (plain.model.W[:, 0] == start.W[:, 0]).all()
    assert np.allclose(decay.model.W[:, 0], start.W[:, 0] * 0.95**10, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e6, 1e200])
def test_divergence_is_an_error(scale):
    rows = [[scale * value for value in row] for row in X]
    with pytest.raises(FormulationError, match=r"diverges: the loss is .* in epoch .* smaller step"):
        milp.train_models(rows, Y, 4, rng=0, exponents=(0.4,))
    with pytest.raises(FormulationError, match="diverges"):
        train(np.array(rows), np.array(Y), 4, rng=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y[:2], 2), "no data"),
        (([[float("nan")]], [1.0], 2), "row 0 of X"),
        ((X, Y, 0), "neurons=0"),
    ],
)
def test_bad_data(arguments, message):
    with pytest.raises(FormulationError, match=message):
        milp.train_models(*arguments)


@pytest.mark.parametrize("options", [{"step": 0.0}, {"exponents": (2.0,)}, {"decay": float("nan")}, {"epochs": -1}])
def test_bad_options(options):
    with pytest.raises(FormulationError, match=next(iter(options)).replace("exponents", "p=2")):
        milp.train_models(X, Y, 2, **options)


def test_without_torch_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib.import_module("milp.training.train_models"), "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"puiseux\[torch\]"):
        milp.train_models(X, Y, 2)


def test_largest_parameters():
    model = milp.OneHiddenLayer(np.array([2.0, -1.0]), np.array([[3.0, 0.0], [1.0, -4.0]]), np.array([0.5, -7.0]))
    assert milp.get_max_params(model) == (4.0, 7.0, 2.0)
    assert milp.get_max_params(model.balanced()) == (6.0, 7.0, 1.0)
    assert milp.get_max_params(model.to_network()) == (4.0, 7.0, 2.0)
    deep = [([[1, -2]], [3]), ([[5], [-6]], [0, -8]), ([[1, "-9/2"]], [100])]
    assert milp.get_max_params(deep) == (6.0, 8.0, 4.5)
    trained = milp.train_models(X, Y, 3, epochs=3, exponents=(), rng=1)[0]
    assert milp.get_max_params(trained).weight == np.abs(trained.model.W).max()


@pytest.mark.parametrize(
    "make",
    [
        milp.random_data,
        milp.planted_data,
        milp.functional_data,
        lambda N, d, rng, bits=1: milp.functional_data(N, d, noise=1.0, rng=rng, bits=bits),
        lambda N, d, rng, bits=1: milp.functional_data(N, d, function=lambda x: x[:, 0] ** 2, rng=rng, bits=bits),
        milp.low_rank_data,
    ],
)
def test_every_instance_has_a_solution(make):
    """Few bits make equal inputs likely: they have equal outputs, and N units fit."""
    for seed in range(5):
        data = make(6, 2, rng=seed, bits=1)
        fit = milp.sparsest_fit(data.X, data.y, 6, time_limit=0.05)
        assert fit.verified
        exact = [fit.network.evaluate(row)[0] for row in data.X]
        assert exact == [rational(float(value)) for value in data.y]


def test_functional_data():
    data = milp.functional_data(7, 5, rng=1)
    assert (data.y == np.abs(data.X[:, 0] + data.X[:, 4])).all()
    assert data.teacher.nonzeros() == 4
    assert milp.functional_data(7, 5, rng=1, noise=0.5).teacher is None
    assert (milp.functional_data(4, 1, rng=1).y == np.abs(milp.functional_data(4, 1, rng=1).X[:, 0])).all()
    with pytest.raises(FormulationError, match="noise=-1"):
        milp.functional_data(4, 1, noise=-1)
    with pytest.raises(FormulationError, match="4 finite numbers"):
        milp.functional_data(4, 1, function=lambda x: x)
