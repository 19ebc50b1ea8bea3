"""The data that studies train on: drawn from a generator, or the small sets that scikit-learn brings along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polyhedra.arrays import Floats
from polyhedra.errors import MissingExtraError, UsageError
from polyhedra.quoting import quoted


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Inputs with their classes.

    Attributes
    ----------
    inputs : array of shape (N, n)
    targets : array of shape (N,)
        Class numbers from 0, or numbers where the task is regression.
    loss : str
        ``"classes"`` or ``"values"``.
    """

    inputs: Floats
    targets: NDArray[Any]
    loss: str = "classes"

    @property
    def outputs(self) -> int:
        """The outputs that a network needs for it: one for two classes and for numbers."""
        if self.loss == "values":
            return 1
        classes = int(self.targets.max()) + 1
        return 1 if classes == 2 else classes


def gaussian_clusters(rng: np.random.Generator, points: int = 200, inputs: int = 2, clusters: int = 4) -> Data:
    """Normal clusters (standard deviation 1) with normal centres (standard deviation 3), in two classes by turns."""
    centres = rng.normal(0.0, 3.0, (clusters, inputs))
    member = rng.integers(clusters, size=points)
    return Data(centres[member] + rng.normal(size=(points, inputs)), member % 2)


def two_clusters(rng: np.random.Generator, points: int = 128, spread: float = 0.1) -> Data:
    """Two normal clusters of equal size around (1/2, 0) and (-1/2, 0): the data of the public code behind figure 9."""
    side = np.arange(points) % 2
    centres = np.array([[0.5, 0.0], [-0.5, 0.0]])
    return Data(centres[side] + rng.normal(0.0, spread, (points, 2)), side)


def blobs(rng: np.random.Generator, points: int, inputs: int, classes: int) -> Data:
    """Normal clusters (standard deviation 1), one a class, around centres uniform on [-10, 10]^n."""
    centres = rng.uniform(-10.0, 10.0, (classes, inputs))
    member = np.arange(points) % classes
    return Data(centres[member] + rng.normal(size=(points, inputs)), member)


def two_moons(rng: np.random.Generator, points: int = 200, noise: float = 0.1) -> Data:
    """Two half circles that reach into each other, centred at the origin."""
    angle = rng.uniform(0.0, np.pi, points)
    side = rng.integers(2, size=points)
    sign = 1.0 - 2.0 * side
    inputs = np.column_stack([sign * np.cos(angle) + side - 0.5, sign * np.sin(angle) + 0.5 * side - 0.25])
    return Data(inputs + rng.normal(0.0, noise, inputs.shape), side)


def spirals(rng: np.random.Generator, points: int = 200, noise: float = 0.05) -> Data:
    """Two spirals of one turn around the origin."""
    side = rng.integers(2, size=points)
    turn = np.sqrt(rng.uniform(0.02, 1.0, points))
    angle = 2.0 * np.pi * turn + np.pi * side
    inputs = 2.0 * turn[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return Data(inputs + rng.normal(0.0, noise, inputs.shape), side)


def disk_and_ring(rng: np.random.Generator, points: int = 200) -> Data:
    """A disk of radius 1 (class 0) in a ring of radii 1.5 and 2.5 (class 1), both filled evenly."""
    ring = rng.integers(2, size=points)
    low, high = np.where(ring == 1, 1.5, 0.0), np.where(ring == 1, 2.5, 1.0)
    radius = np.sqrt(rng.uniform(low**2, high**2))
    angle = rng.uniform(0.0, 2.0 * np.pi, points)
    return Data(radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]), ring)


SCIKIT_LEARN = ("iris", "wine", "breast-cancer", "diabetes", "digits")


def from_scikit_learn(name: str) -> Data:
    """One of `SCIKIT_LEARN`, each coordinate with mean 0 and standard deviation 1 (constant ones 0).

    Raises
    ------
    UsageError
        There is no such set here.
    MissingExtraError
        scikit-learn is not installed.
    """
    if name not in SCIKIT_LEARN:
        raise UsageError(f"there is no data set {quoted(name)} here; take one of {', '.join(SCIKIT_LEARN)}")
    found = getattr(_datasets(), f"load_{name.replace('-', '_')}")()
    inputs, targets = np.asarray(found.data, dtype=float), np.asarray(found.target)
    spread = inputs.std(axis=0)
    inputs = (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    if name == "diabetes":
        return Data(inputs, (targets - targets.mean()) / targets.std(), "values")
    return Data(inputs, targets.astype(np.int64))


def large_digits() -> Data:
    """scikit-learn's 1797 digits of 8 x 8 pixels enlarged to 28 x 28 by linear interpolation, values 0 to 1.

    They stand in for MNIST where only the shape of the network matters.
    """
    found = _datasets().load_digits()
    place = np.linspace(0.0, 7.0, 28)
    low = np.minimum(place.astype(int), 6)
    enlarge = np.zeros((28, 8))
    enlarge[np.arange(28), low] = 1.0 - (place - low)
    enlarge[np.arange(28), low + 1] += place - low
    images = np.einsum("ia,nab,jb->nij", enlarge, found.images / 16.0, enlarge)
    return Data(images.reshape(-1, 784), found.target.astype(np.int64))


def _datasets() -> Any:
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingExtraError("this data", "studies") from None
    return datasets
