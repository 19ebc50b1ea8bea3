"""The networks that the repository ships do what their table says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine

import puiseux

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ROWS = re.findall(
    r"^\| `(\w+)\.npz` \| ([\d-]+).*\| ([\d.]+) % \|$", (EXAMPLES / "README.md").read_text(), re.MULTILINE
)


SHAPES = dict(
    re.findall(
        r"^\| `(\w+)\.npz` \| ([\d-]+) \|.*\| no data here \|$", (EXAMPLES / "README.md").read_text(), re.MULTILINE
    )
)
"""The networks trained elsewhere, on data that the repository does not have."""


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name.startswith("iris"):
        iris = load_iris()
        chosen = iris.target > 0 if name == "iris_two_kinds" else iris.target >= 0
        return iris.data[chosen][:, 2:], iris.target[chosen]
    found = load_digits() if name == "digits" else load_wine()
    return (found.data[:, [0, 6]] if name == "wine_2d" else found.data), found.target


def test_the_table_is_complete() -> None:
    assert {name for name, _, _ in ROWS} | set(SHAPES) == {path.stem for path in EXAMPLES.glob("*.npz")}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_its_inside_within_the_unit_cube(name: str) -> None:
    network = puiseux.load(EXAMPLES / f"{name}.npz")
    assert SHAPES[name] == "-".join(map(str, (network.input_dim, *network.hidden, network.output_dim)))
    axes = np.meshgrid(*[np.linspace(-1, 1, 41)] * network.input_dim)
    points = np.stack([axis.ravel() for axis in axes], axis=1)
    inside = network.evaluate_float(points)[:, 0] < 0
    assert inside.any()
    assert (np.abs(points[inside]) < 1).all()


@pytest.mark.parametrize(("name", "layers", "percent"), ROWS, ids=[name for name, _, _ in ROWS])
def test_the_network_is_as_described(name: str, layers: str, percent: str) -> None:
    network = puiseux.load(EXAMPLES / f"{name}.npz")
    assert layers == "-".join(map(str, (network.input_dim, *network.hidden, network.output_dim)))
    points, labels = data(name)
    scores = network.evaluate_float(points)
    predicted = scores.argmax(axis=1) if network.output_dim > 1 else (scores[:, 0] > 0).astype(int)
    assert 100 * np.mean(np.unique(labels)[predicted] == labels) == pytest.approx(float(percent), abs=0.05)


def test_the_plane_passes_through_the_images() -> None:
    from puiseux.domains import pose

    digits = puiseux.load(EXAMPLES / "digits.npz")
    problem = pose(digits, f"slice:{EXAMPLES / 'digits_plane.json'}")
    images = {digit: load_digits().data[np.flatnonzero(load_digits().target == digit)[0]] for digit in (0, 1, 8)}
    for digit, parameters in {0: [0, 0], 1: [1, 0], 8: [0, 1]}.items():
        assert problem.network.evaluate(parameters) == digits.evaluate(images[digit])
        assert problem.domain is not None
        assert problem.domain.contains(parameters)


def test_the_sparse_pipeline_runs_from_data_to_picture(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "sparse_fit.py"), "-o", str(tmp_path / "fit.png"), "--epochs", "100"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "proven: no network with 7 units and fewer than 4 non-zeros fits the samples" in done.stdout
    assert len([line for line in done.stdout.splitlines() if line.startswith(("none", "weight", "path"))]) == 5
    assert (tmp_path / "fit.png").stat().st_size > 20_000
