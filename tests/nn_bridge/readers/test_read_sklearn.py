"""The scikit-learn reader: fitted perceptrons and pipelines against their own predictions."""

import numpy as np
import pytest

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.readers.sklearn import network_from_sklearn

pytest.importorskip("sklearn", reason="needs scikit-learn")
from sklearn.cluster import KMeans
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, PolynomialFeatures, StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)) * [1, 5] + [0, 3]
POINTS = RNG.normal(size=(40, 2)) * 4


def regressor(**options):
    return MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=30, random_state=0, **options)


def classifier(**options):
    return MLPClassifier(hidden_layer_sizes=(5,), max_iter=30, random_state=0, **options)


def refusal(model):
    with pytest.raises(NetworkError) as caught:
        network_from_sklearn(model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_regressor_enters_by_its_exact_weights(kind):
    model = regressor().fit(X.astype(kind), X.sum(axis=1).astype(kind))
    network = read_network(model)
    layers = [(W.T.tolist(), b.tolist()) for W, b in zip(model.coefs_, model.intercepts_, strict=True)]
    assert network == Network.from_layers(*zip(*layers, strict=True))
    assert network.hidden == (5, 4)
    assert np.allclose(network.evaluate_float(POINTS)[:, 0], model.predict(POINTS), rtol=1e-5, atol=1e-5)


def test_several_outputs_and_the_identity():
    model = regressor(activation="identity").fit(X, X @ [[1, 0, 2], [0, 1, 1]])
    network = network_from_sklearn(model)
    assert network.hidden == ()
    assert np.allclose(network.evaluate_float(POINTS), model.predict(POINTS))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_decides_the_same(classes):
    y = np.digitize(X[:, 0] + X[:, 1] / 5, [0.3, 1.0][: classes - 1])
    model = classifier().fit(X, y)
    network = network_from_sklearn(model)
    scores = network.evaluate_float(POINTS)
    chosen = scores.argmax(axis=1) if classes > 2 else (scores[:, 0] > 0).astype(int)
    assert (chosen == model.predict(POINTS)).all()
    assert "at the end dropped" in network.notes[0]


def test_several_labels():
    model = classifier().fit(X, np.column_stack([X[:, 0] > 0, X[:, 1] > 3]))
    assert ((network_from_sklearn(model).evaluate_float(POINTS) > 0) == model.predict(POINTS)).all()


@pytest.mark.parametrize(
    "scalers",
    [
        [StandardScaler()],
        [StandardScaler(with_mean=False)],
        [StandardScaler(with_std=False)],
        [MinMaxScaler((-1, 2))],
        [MinMaxScaler(clip=True)],
        [MaxAbsScaler(), "passthrough", StandardScaler()],
    ],
)
def test_scalers_become_part_of_the_network(scalers):
    model = make_pipeline(*scalers, regressor()).fit(X, X.sum(axis=1))
    network = read_network(model)
    assert np.allclose(network.evaluate_float(POINTS)[:, 0], model.predict(POINTS))
    clipped = isinstance(scalers[0], MinMaxScaler) and scalers[0].clip
    assert network.hidden == ((4, 5, 4) if clipped else (5, 4))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (regressor(activation="tanh"), ["MLPRegressor", "'tanh'", "not piecewise linear"]),
        (classifier(activation="logistic"), ["MLPClassifier", "'logistic'"]),
        (KMeans(2), ["KMeans", "MLPRegressor"]),
        (make_pipeline(PolynomialFeatures(), regressor()), ["PolynomialFeatures", "StandardScaler"]),
        (make_pipeline(StandardScaler(), KMeans(2)), ["KMeans"]),
        (make_pipeline("passthrough"), ["empty"]),
    ],
)
def test_refusals(model, words):
    if not isinstance(model, KMeans) and words != ["empty"]:
        model.fit(X, X[:, 0] > 0)
    message = refusal(model)
    for word in words:
        assert word in message


def test_an_ending_that_cannot_be_dropped():
    model = regressor(loss="poisson").fit(X, np.exp(X[:, 0]))
    assert "'exp'" in refusal(model)


def test_a_model_that_is_not_fitted():
    assert "call fit" in refusal(regressor())


def test_a_wrong_conversion_is_noticed(monkeypatch):
    model = regressor().fit(X, X.sum(axis=1))
    monkeypatch.setattr("nn_bridge.readers.sklearn.layers.relu", lambda ops, x: x)
    assert "not the function of its source" in refusal(model)
