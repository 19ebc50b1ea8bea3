"""Training small ReLU networks, reproducibly: seeded by a numpy generator, one thread, no global state touched.

torch is imported when a network is trained.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nn_bridge.network.network import Network
from polyhedra.errors import MissingExtraError, UsageError
from polyhedra.quoting import quoted

LOSSES = ("classes", "values")
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A network while it is trained.

    Attributes
    ----------
    epoch : int
        0 before the first step.
    network : Network
        Exact: the float32 weights as they are.
    loss : float
        Over all of the data.
    accuracy : float or None
        The share of the data that gets the right class; None where values are fitted.
    """

    epoch: int
    network: Network
    loss: float
    accuracy: float | None


def train(
    architecture: Sequence[int],
    inputs: Any,
    targets: Any,
    *,
    rng: np.random.Generator,
    epochs: int,
    at: Collection[int] | None = None,
    learning_rate: float = 0.01,
    batch: int = 32,
    loss: str = "classes",
) -> list[Snapshot]:
    """Train a multilayer perceptron with Adam.

    Parameters
    ----------
    architecture : sequence of int
        Inputs, hidden layers, outputs.
    inputs : array of shape (N, inputs)
    targets : array of shape (N,) or (N, outputs)
        Class numbers for ``loss="classes"`` (cross-entropy; with one output the classes 0 and 1 by its sign), numbers
        for ``loss="values"`` (mean squared error).
    rng : numpy Generator
        Draws the first weights and biases, uniform within 1/sqrt(fan-in) of zero, and the batches.
    epochs : int
    at : collection of int, optional
        The epochs to look at (0: before training); by default the last one.
    learning_rate, batch : optional
    loss : str

    Returns
    -------
    list of Snapshot

    Raises
    ------
    UsageError
        An unknown loss, or data of the wrong shape.
    MissingExtraError
        torch is not installed.
    """
    if loss not in LOSSES:
        raise UsageError(f"there is no loss {quoted(loss)}; take one of {', '.join(LOSSES)}")
    x, y = np.asarray(inputs, dtype=np.float32), np.asarray(targets)
    if x.ndim != 2 or x.shape[1] != architecture[0] or len(y) != len(x):
        raise UsageError(f"data of shapes {x.shape} and {y.shape} does not fit a network of sizes {list(architecture)}")
    wanted = {epochs} if at is None else set(at)
    if not wanted <= set(range(epochs + 1)):
        raise UsageError(f"the epochs to look at, {sorted(wanted)}, are not all in 0..{epochs}")
    return list(_snapshots(list(architecture), x, y, rng, epochs, wanted, learning_rate, batch, loss))


def _snapshots(
    sizes: list[int],
    x: NDArray[np.float32],
    y: NDArray[Any],
    rng: np.random.Generator,
    epochs: int,
    wanted: set[int],
    learning_rate: float,
    batch: int,
    loss: str,
) -> Iterator[Snapshot]:
    torch = _torch()
    with _one_thread(torch):
        parameters = []
        for fan_in, size in pairwise(sizes):
            for shape in ((size, fan_in), (size,)):
                drawn = rng.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in)
                parameters.append(torch.tensor(drawn, dtype=torch.float32, requires_grad=True))
        points = torch.from_numpy(x)
        classes = loss == "classes"
        goal = torch.from_numpy(y.astype(np.int64 if classes and sizes[-1] > 1 else np.float32))
        if goal.ndim == 1 and goal.dtype == torch.float32:
            goal = goal[:, None]

        def outputs(rows: Any) -> Any:
            values = rows
            for k in range(0, len(parameters), 2):
                values = torch.nn.functional.linear(values, parameters[k], parameters[k + 1])
                if k + 2 < len(parameters):
                    values = torch.relu(values)
            return values

        def cost(values: Any, wished: Any) -> Any:
            if not classes:
                return torch.nn.functional.mse_loss(values, wished)
            if sizes[-1] == 1:
                return torch.nn.functional.binary_cross_entropy_with_logits(values, wished)
            return torch.nn.functional.cross_entropy(values, wished)

        def look(epoch: int) -> Snapshot:
            with torch.no_grad():
                values = outputs(points)
                value = float(cost(values, goal))
                accuracy = None
                if classes:
                    guess = values.argmax(1) if sizes[-1] > 1 else values > 0
                    accuracy = float((guess == (goal if sizes[-1] > 1 else goal > 0.5)).float().mean())
            arrays = [p.detach().numpy() for p in parameters]
            return Snapshot(epoch, Network.from_layers(arrays[::2], arrays[1::2]), value, accuracy)

        adam = _Adam(torch, parameters, learning_rate)
        if 0 in wanted:
            yield look(0)
        for epoch in range(1, epochs + 1):
            order = torch.from_numpy(rng.permutation(len(x)))
            for chosen in order.split(batch):
                adam.step(torch.autograd.grad(cost(outputs(points[chosen]), goal[chosen]), parameters))
            if epoch in wanted:
                yield look(epoch)


class _Adam:
    """Kingma and Ba (2015), with their constants.

    ``torch.optim`` would do, but importing it takes longer than any training here.
    """

    def __init__(self, torch: Any, parameters: list[Any], learning_rate: float) -> None:
        self._torch, self._parameters, self._rate = torch, parameters, learning_rate
        self._first = [torch.zeros_like(p) for p in parameters]
        self._second = [torch.zeros_like(p) for p in parameters]
        self._steps = 0

    def step(self, gradients: Sequence[Any]) -> None:
        """Move the parameters once."""
        self._steps += 1
        rate = self._rate / (1 - _BETA_1**self._steps)
        correction = (1 - _BETA_2**self._steps) ** 0.5
        with self._torch.no_grad():
            for p, g, first, second in zip(self._parameters, gradients, self._first, self._second, strict=True):
                first.mul_(_BETA_1).add_(g, alpha=1 - _BETA_1)
                second.mul_(_BETA_2).addcmul_(g, g, value=1 - _BETA_2)
                p.addcdiv_(first, second.sqrt().div_(correction).add_(_EPSILON), value=-rate)


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtraError("training a network", "torch") from None
    return torch


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Sums in one order: the same numbers whatever the machine's number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
