"""Write model files as people have them, read each, and count: what torch.onnx.export and skl2onnx make by default.

Run: python tools/public_models.py [FOLDER]     (needs torch, onnx, onnxscript, scikit-learn and skl2onnx)
"""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import prune

from nn_bridge.errors import NetworkError
from nn_bridge.readers import read_network

OLDEST, NEWEST = 7, 20
"""The versions of the operators that the older exporter of torch writes."""


class Residual(nn.Module):
    """A block with a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.relu(x + self.second(torch.relu(self.first(x)))))


class Squeezed(nn.Module):
    """A probability without its last axis."""

    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(size, 8), nn.ReLU(), nn.Linear(8, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.body(x)).squeeze(-1)


class Maxout(nn.Module):
    """The largest of pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 12), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.first(x).view(-1, 4, 3).max(dim=2).values)


class Normalised(nn.Module):
    """Inputs scaled by stored means and deviations."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.1, 0.2, 0.3, 0.4]))
        self.register_buffer("deviation", torch.tensor([1.5, 0.7, 2.0, 1.1]))
        self.body = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body((x - self.mean) / self.deviation)


class Dense(nn.Module):
    """Every layer reads all earlier ones."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 3), nn.Linear(7, 3), nn.Linear(10, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.cat([x, torch.relu(self.first(x))], dim=1)
        x = torch.cat([x, torch.relu(self.second(x))], dim=1)
        return self.last(x)


class Decoder(nn.Module):
    """Makes an image larger."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.first, self.mode, self.last = nn.ConvTranspose2d(1, 2, 3, stride=2, padding=1), mode, nn.Conv2d(2, 1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(nn.functional.interpolate(torch.relu(self.first(x)), scale_factor=2, mode=self.mode))


def perceptron(*between: Any, sizes: tuple[int, ...] = (4, 16, 16, 1)) -> nn.Sequential:
    """Linear layers with other layers between them."""
    layers: list[nn.Module] = []
    for k, (a, b) in enumerate(itertools.pairwise(sizes)):
        layers += [nn.Linear(a, b), *([make() for make in between] if k < len(sizes) - 2 else [])]
    return nn.Sequential(*layers)


def _weight_norm() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2))


def _pruned() -> nn.Module:
    net = perceptron(nn.ReLU)
    prune.l1_unstructured(net[2], "weight", 0.5)
    return net


def _image(*head: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3),
        nn.ReLU(),
        *head,
    )


def modules() -> dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]]:
    """Torch modules by name, with the shape of one input."""

    flat, image = (4,), (1, 8, 8)
    return {
        "relu": (lambda: perceptron(nn.ReLU), flat),
        "two inputs, 2-16-16-1": (lambda: perceptron(nn.ReLU, sizes=(2, 16, 16, 1)), (2,)),
        "leaky": (lambda: perceptron(lambda: nn.LeakyReLU(0.1)), flat),
        "prelu": (lambda: perceptron(nn.PReLU), flat),
        "relu6": (lambda: perceptron(nn.ReLU6), flat),
        "hardtanh": (lambda: perceptron(nn.Hardtanh), flat),
        "hardsigmoid": (lambda: perceptron(nn.Hardsigmoid), flat),
        "batch norm, dropout": (lambda: perceptron(lambda: nn.BatchNorm1d(16), nn.ReLU, nn.Dropout), flat),
        "softmax": (lambda: nn.Sequential(perceptron(nn.ReLU, sizes=(4, 8, 3)), nn.Softmax(dim=1)), flat),
        "log-softmax": (lambda: nn.Sequential(perceptron(nn.ReLU, sizes=(4, 8, 3)), nn.LogSoftmax(dim=-1)), flat),
        "sigmoid, squeezed": (Squeezed, flat),
        "residual": (Residual, flat),
        "dense": (Dense, flat),
        "maxout": (Maxout, flat),
        "normalised inputs": (Normalised, flat),
        "weight norm": (_weight_norm, flat),
        "pruned": (_pruned, flat),
        "image, max-pool": (lambda: _image(nn.Flatten(), nn.Linear(16, 3)), image),
        "image, mean": (lambda: _image(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), image),
        "image, average pool": (lambda: _image(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(4, 3)), image),
        "decoder, nearest": (lambda: Decoder("nearest"), (1, 4, 4)),
        "decoder, bilinear": (lambda: Decoder("bilinear"), (1, 4, 4)),
        "pixel shuffle": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.PixelShuffle(2)), image),
    }


def export(module: nn.Module, shape: tuple[int, ...], path: Path, **options: Any) -> None:
    """Write a model without the exporter's words."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (torch.randn(1, *shape),), str(path), **options)


def torch_files(folder: Path) -> Iterator[Path]:
    """Files of both exporters, one version of the operators each in turn for the older one."""
    torch.manual_seed(0)
    version = OLDEST
    for name, (make, shape) in modules().items():
        stem = name.replace(",", "").replace(" ", "_")
        options: dict[str, dict[str, Any]] = {"default": {}, "new batch": {"dynamic_shapes": ({0: "batch"},)}}
        for k in range(2):
            options[f"opset {version}"] = {
                "dynamo": False, "opset_version": version, "input_names": ["x"],
                **({"dynamic_axes": {"x": {0: "batch"}}} if k else {}),
            }  # fmt: skip
            version = OLDEST if version == NEWEST else version + 1
        for kind, chosen in options.items():
            path = folder / f"{stem}_{kind.replace(' ', '_')}.onnx"
            try:
                export(make(), shape, path, **chosen)
            except Exception as error:  # an exporter that cannot write is not the reader's fault
                print(f"not exported {path.name}: {' '.join(str(error).split())[:100]}")
            else:
                yield path


def sklearn_files(folder: Path) -> Iterator[Path]:
    """Pipelines of scikit-learn."""
    from skl2onnx import to_onnx
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3)).astype(np.float32)
    value, two = x[:, 0] - x[:, 1], (x[:, 0] > 0).astype(int)
    three = two + (x[:, 1] > 0)
    small = {"hidden_layer_sizes": (6, 5), "max_iter": 20}
    columns = ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", "passthrough", [2])])
    models: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "regressor": (MLPRegressor(**small), value, {}),
        "scaled": (make_pipeline(StandardScaler(), MLPRegressor(**small)), value, {}),
        "min_max": (make_pipeline(MinMaxScaler(), MLPRegressor(**small)), value, {}),
        "robust": (make_pipeline(RobustScaler(), MaxAbsScaler(), MLPRegressor(**small)), value, {}),
        "pca": (make_pipeline(StandardScaler(), PCA(2), MLPRegressor(**small)), value, {}),
        "variance": (make_pipeline(VarianceThreshold(), MLPRegressor(**small)), value, {}),
        "columns": (make_pipeline(columns, MLPRegressor(**small)), value, {}),
        "nested": (make_pipeline(make_pipeline(StandardScaler(), PCA(3)), MLPRegressor(**small)), value, {}),
        "two_classes": (MLPClassifier(**small), two, {}),
        "three_classes": (make_pipeline(StandardScaler(), MLPClassifier(**small)), three, {}),
        "two_classes_arrays": (MLPClassifier(**small), two, {"zipmap": False}),
        "three_classes_arrays": (MLPClassifier(**small), three, {"zipmap": False}),
        "linear": (LinearRegression(), value, {}),
        "ridge": (make_pipeline(StandardScaler(), Ridge()), value, {}),
        "logistic": (LogisticRegression(), three, {}),
        "logistic_of_two": (LogisticRegression(), two, {"zipmap": False}),
        "two_values": (MLPRegressor(**small), np.stack([value, x[:, 2]], axis=1), {}),
    }
    for name, (model, target, options) in models.items():
        path = folder / f"sklearn_{name}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, target)
            chosen = {"options": {id(model): options}} if options else {}
            path.write_bytes(to_onnx(model, x[:1], **chosen).SerializeToString())
        yield path


def main() -> int:
    """Write, read and count; the exit code is 1 where a file is refused."""
    logging.disable(logging.WARNING)
    with contextlib.ExitStack() as stack:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(exist_ok=True)
        tried, read, uncompared, worst = 0, 0, 0, 0.0
        for path in (*torch_files(folder), *sklearn_files(folder)):
            tried += 1
            start = time.perf_counter()
            try:
                network = read_network(path)
            except NetworkError as error:
                print(f"refused {str(error).removeprefix(str(folder))}")
                continue
            finally:
                worst = max(worst, time.perf_counter() - start)
            read += 1
            if any("not compared" in note for note in network.notes):
                uncompared += 1
                print(f"not compared {path.name}: {network.notes[-1]}")
        print(f"{read} of {tried} files read, {uncompared} of them not compared; the slowest took {worst:.2f} s")
    return int(read < tried)


if __name__ == "__main__":
    sys.exit(main())
