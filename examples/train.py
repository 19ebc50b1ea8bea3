"""Train the example networks on scikit-learn's data sets and save them as ``.npz`` beside this script.

Run with the development extra installed: ``python examples/train.py``.  The inputs are the raw measurements (the
standardisation is folded into the first layer), the outputs are the class scores before the softmax.  Seeds are fixed;
another version of scikit-learn or of the linear algebra below it may still give other last digits, so the files are
shipped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Task:
    """One network to train: its file, its data, its hidden layers, and the grid its weights are rounded to."""

    name: str
    points: np.ndarray
    labels: np.ndarray
    hidden: tuple[int, ...]
    bits: int | None = None  # round every weight to a multiple of 2**-bits; None keeps the float64 values


def tasks() -> list[Task]:
    """The networks that this folder ships."""
    iris, wine, digits = load_iris(), load_wine(), load_digits()
    petals = iris.data[:, 2:]  # length and width in cm
    alcohol_and_flavanoids = wine.data[:, [0, 6]]
    late = iris.target > 0  # versicolor against virginica, the two kinds that overlap
    return [
        Task("iris_two_kinds", petals[late], iris.target[late], (4,), bits=4),
        Task("wine_2d", alcohol_and_flavanoids, wine.target, (6, 6), bits=8),
        Task("wine", wine.data, wine.target, (8,)),
        Task("digits", digits.data, digits.target, (12, 8)),
    ]


def train(task: Task) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (out, in) and biases of the trained layers, in raw inputs."""
    scaler = StandardScaler().fit(task.points)
    model = MLPClassifier(task.hidden, solver="lbfgs", alpha=1e-2, max_iter=2000, random_state=0)
    model.fit(scaler.transform(task.points), task.labels)
    weights = [matrix.T for matrix in model.coefs_]
    biases = list(model.intercepts_)
    biases[0] = biases[0] - weights[0] @ (scaler.mean_ / scaler.scale_)
    weights[0] = weights[0] / scaler.scale_
    if task.bits is not None:
        grid = 2.0**task.bits
        weights = [np.round(w * grid) / grid for w in weights]
        biases = [np.round(b * grid) / grid for b in biases]
    return list(zip(weights, biases, strict=True))


def predict(layers: list[tuple[np.ndarray, np.ndarray]], points: np.ndarray) -> np.ndarray:
    """The class numbers that the layers give (one output: its sign)."""
    values = points
    for index, (weights, bias) in enumerate(layers):
        values = values @ weights.T + bias
        if index + 1 < len(layers):
            values = np.maximum(values, 0)
    return values.argmax(axis=1) if values.shape[1] > 1 else (values[:, 0] > 0).astype(int)


def write_plane(path: Path) -> None:
    """The plane through the first images of a 0, a 1 and an 8, as a domain to count and draw on."""
    digits = load_digits()
    zero, one, eight = (digits.data[np.flatnonzero(digits.target == digit)[0]].astype(int) for digit in (0, 1, 8))
    plane = {
        "format": "puiseux-slice",
        "version": 1,
        "origin": zero.tolist(),
        "directions": [(one - zero).tolist(), (eight - zero).tolist()],
        "domain": "box:-0.5,1.5",
    }
    path.write_text(json.dumps(plane) + "\n")


def main() -> None:
    """Train, report the accuracy on the training data, save."""
    write_plane(HERE / "digits_plane.json")
    for task in tasks():
        layers = train(task)
        classes = np.unique(task.labels)
        accuracy = np.mean(classes[predict(layers, task.points)] == task.labels)
        arrays = {f"{kind}{i}": a for i, pair in enumerate(layers) for kind, a in zip("Wb", pair, strict=True)}
        np.savez(HERE / f"{task.name}.npz", **arrays)
        sizes = [task.points.shape[1], *task.hidden, layers[-1][1].size]
        print(f"{task.name}: {sizes}, {accuracy:.1%} of {len(task.labels)} training points right")


if __name__ == "__main__":
    main()
