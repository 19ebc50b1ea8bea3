"""Is the converted network the source's function?  Both are evaluated at random points and compared.

Conversion is exact and evaluation of the source is not, so the comparison allows what rounding can do: the error bound
of a floating-point evaluation, stage by stage, and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import entries
from polyhedra.scalars import to_float

SAMPLES = 24
_SPREADS = (1.0, 0.1, 10.0, 100.0)  # kinks lie at different distances from the origin
_SAFETY = 8  # the source may add in another order, and in more steps

Function = Callable[[np.ndarray], Any]
"""From one input point, flat, to the outputs in any shape."""


def verify(
    network: Network,
    source: Function,
    *,
    unit: float,
    finish: Function | None = None,
    seed: int = 0,
    origin: float = 0.0,
) -> None:
    """Compare a network with the function that it was read from.

    Parameters
    ----------
    network : Network
    source : callable
        Takes a float64 vector of length n.
    unit : float
        The rounding unit of the arithmetic in ``source``.
    finish : callable, optional
        What the source does after the outputs of the network (a softmax that was dropped).
    seed : int
        Of the random points that are compared.
    origin : float
        How far from 0 the source moves its input before it scales it: what that rounds is allowed.

    Raises
    ------
    NetworkError
        They differ by more than rounding explains; the message names the worst output.
    """
    rng = np.random.default_rng(seed)
    stages = [_Stage(stage) for stage in (*network.stages, network.output)]
    worst: tuple[float, str] = (0.0, "")
    for number in range(SAMPLES):
        x = rng.standard_normal(network.input_dim) * _SPREADS[number % len(_SPREADS)]
        x = x.astype(np.float32).astype(np.float64)  # every source takes it without rounding
        mine, error = _evaluate(stages, x, origin)
        theirs = np.asarray(source(x), dtype=np.float64).ravel()
        if finish is not None:
            mine = np.asarray(finish(mine), dtype=np.float64).ravel()
            error = np.full(len(mine), 2 * error.max() + 10)  # endings have slopes of at most 2
        if len(theirs) != len(mine):
            raise NetworkError(f"the source has {len(theirs)} outputs, the network read from it {len(mine)}")
        allowed = _SAFETY * unit * error + np.finfo(float).tiny
        excess = np.abs(mine - theirs) / allowed
        k = int(np.nanargmax(np.where(np.isnan(excess), np.inf, excess)))
        if not excess[k] <= max(worst[0], 1.0):
            worst = (float(excess[k]), f"output {k} is {theirs[k]:.9g} in the source and {mine[k]:.9g} in the network")
    if worst[1]:
        raise NetworkError(
            f"the network read is not the function of its source ({worst[1]} at a random point); "
            "please report this with the model, and build the network from its weights with Network.from_layers"
        )


class _Stage:
    """A stage in floating point, sparse, with what its evaluation can lose."""

    def __init__(self, stage: AffineStage) -> None:
        self.bias = np.array([to_float(b) for b in stage.bias])
        self.blocks = []
        self.additions = 2.0
        for source, matrix in stage.blocks:
            triples = [(i, j, to_float(v)) for i, row in enumerate(matrix) for j, v in entries(row)]
            i, j, v = zip(*triples, strict=True)
            block = sparse.csr_matrix((v, (i, j)), shape=(len(matrix), len(matrix[0])))
            self.blocks.append((source, block, abs(block)))
            self.additions += float(np.diff(block.indptr).max())


def _evaluate(stages: list[_Stage], x: np.ndarray, origin: float) -> tuple[np.ndarray, np.ndarray]:
    """The outputs, and a bound on their error in rounding units."""
    values, errors = [x], [np.full(len(x), 2 * len(x) * (origin + np.abs(x).max())) if origin else np.zeros(len(x))]
    total = error = x
    for stage in stages:
        total, size, error = stage.bias.copy(), np.abs(stage.bias), np.zeros(len(stage.bias))
        for source, block, magnitude in stage.blocks:
            total = total + block @ values[source]
            size = size + magnitude @ np.abs(values[source])
            error = error + magnitude @ errors[source]
        error = error + stage.additions * size
        values.append(np.maximum(total, 0.0))
        errors.append(error)
    return total, error
