"""Scikit-learn pipelines with affine transformers: the network is the pipeline, its refusals say why."""

import numpy as np
import pytest

from nn_bridge.errors import NetworkError
from nn_bridge.readers import read_network

pytest.importorskip("sklearn", reason="needs scikit-learn")
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * [1, 5, 0.1, 100] + [0, 3, 1e6, -1e5]
Y = X[:, 0] + abs(X[:, 1])


def perceptron():
    return MLPRegressor(hidden_layer_sizes=(5,), max_iter=20, random_state=0)


PIPELINES = {
    "robust": make_pipeline(RobustScaler(), perceptron()),
    "principal components": make_pipeline(StandardScaler(), PCA(2), perceptron()),
    "whitened, far from 0": make_pipeline(PCA(3, whiten=True), perceptron()),
    "threshold of the variance": make_pipeline(VarianceThreshold(0.5), StandardScaler(), perceptron()),
    "columns": make_pipeline(
        ColumnTransformer(
            [("a", StandardScaler(), [1, 0]), ("b", RobustScaler(), slice(2, 3)), ("c", "passthrough", [3])],
            sparse_threshold=0,
        ),
        perceptron(),
    ),
    "columns and the rest": make_pipeline(
        ColumnTransformer(
            [("a", StandardScaler(), [0, 1]), ("d", "drop", [2])],
            remainder=MinMaxScaler(),
            transformer_weights={"a": 2},
        ),
        perceptron(),
    ),
    "nested": make_pipeline(make_pipeline(StandardScaler(), PCA(2)), make_pipeline("passthrough", perceptron())),
    "union": make_pipeline(make_union(StandardScaler(), make_pipeline(RobustScaler(), PCA(1))), perceptron()),
    "search": GridSearchCV(make_pipeline(StandardScaler(), perceptron()), {"mlpregressor__alpha": [1e-4, 1e-3]}, cv=2),
    "selected": make_pipeline(SimpleImputer(), SelectKBest(f_regression, k=2), StandardScaler(), perceptron()),
    "linear": make_pipeline(StandardScaler(), Ridge()),
    "singular values": make_pipeline(TruncatedSVD(2), perceptron()),
    "clipped": make_pipeline(MaxAbsScaler(clip=True), perceptron()),
    "no function": make_pipeline(FunctionTransformer(), perceptron()),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_pipeline_is_read(name):
    model = PIPELINES[name].fit(X, Y)
    network = read_network(model)
    assert network.input_dim == 4
    points = np.vstack([X, X + RNG.normal(size=X.shape)])
    expected = model.predict(points)
    assert np.allclose(network.evaluate_float(points)[:, 0], expected, rtol=1e-7, atol=1e-7 * abs(expected).max())


def test_columns_by_name():
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    table = pandas.DataFrame(X, columns=list("abcd"))
    model = make_pipeline(ColumnTransformer([("s", StandardScaler(), ["d", "a"])]), Lasso()).fit(table, Y)
    network = read_network(model)
    assert np.allclose(network.evaluate_float(X)[:, 0], model.predict(table))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (make_pipeline(Normalizer(), perceptron()), ["Normalizer", "norm of its input"]),
        (make_pipeline(FunctionTransformer(np.cbrt), perceptron()), ["FunctionTransformer", "Python code"]),
        (TransformedTargetRegressor(perceptron()), ["TransformedTargetRegressor", ".regressor_"]),
    ],
)
def test_refusals_say_why(model, words):
    with pytest.raises(NetworkError) as caught:
        read_network(model.fit(X, Y))
    for word in words:
        assert word in str(caught.value)


def test_a_search_that_was_not_run():
    with pytest.raises(NetworkError, match="best_estimator_; call fit first"):
        read_network(GridSearchCV(perceptron(), {}))
    with pytest.raises(NetworkError, match="not fitted"):
        read_network(make_pipeline(StandardScaler(), perceptron()))
