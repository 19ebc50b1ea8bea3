"""Is the converted network the source's function?  Both are evaluated at random points and compared.

Conversion is exact and evaluation of the source is not, so the comparison allows what rounding can do: the error bound
of a floating-point evaluation, stage by stage, and no more.  Where an evaluation leaves the range of floats there is
nothing to compare: an overflow of the source says nothing about the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import entries
from polyhedra.plurals import counted
from polyhedra.rounding import SINGLE_ROUNDOFF
from polyhedra.scalars import to_float

SAMPLES = 24
_SPREADS = (1.0, 0.1, 10.0, 100.0)  # kinks lie at different distances from the origin
_SMALL_SPREADS = (1e-5, 1e-15, 1e-30)  # for networks whose values overflow at all others
_SAFETY = 8  # the source may add in another order, and in more steps
_MANY = 20_000  # units from which on few points are evaluated at once
_TINY = float(np.finfo(np.float64).tiny)

NOT_COMPARED = "not compared with its source: values leave the range of floats at all points that were tried"
"""The note of a network that could not be compared."""

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
    samples: int = SAMPLES,
) -> bool:
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
    samples : int
        How many points are compared.

    Returns
    -------
    bool
        Whether anything could be compared; False where all values leave the range of floats.

    Raises
    ------
    NetworkError
        They differ by more than rounding explains; the message names the worst output.
    """
    rng = np.random.default_rng(seed)
    evaluation = _Evaluation(network, unit)
    worst: tuple[float, str] = (0.0, "")
    compared = 0
    for spreads in (_SPREADS, _SMALL_SPREADS):
        for start in range(0, samples if not compared else 0, evaluation.at_once):
            count = min(evaluation.at_once, samples - start)
            scales = [spreads[number % len(spreads)] for number in range(start, start + count)]
            points = rng.standard_normal((network.input_dim, count)) * scales
            points = points.astype(np.float32).astype(np.float64)  # every source takes them without rounding
            with np.errstate(over="ignore", invalid="ignore"):  # an infinite bound means: no comparison
                results = [
                    _compared_at(x, mine, error, source, finish, unit)
                    for x, mine, error in zip(points.T, *evaluation.at(points, origin), strict=True)
                ]
            compared += sum(number for number, _, _ in results)
            worst = max(worst, *((excess, text) for _, excess, text in results))
    if worst[0] > 1:
        raise NetworkError(
            f"the network read is not the function of its source ({worst[1]} at a random point); "
            "please report this with the model, and build the network from its weights with Network.from_layers"
        )
    return compared > 0


def _compared_at(
    x: np.ndarray, mine: np.ndarray, error: np.ndarray, source: Function, finish: Function | None, unit: float
) -> tuple[int, float, str]:
    """How many outputs could be compared at a point, and by how many times what is allowed the worst differs."""
    theirs = np.asarray(source(x), dtype=np.float64).ravel()
    if finish is not None:
        mine = np.asarray(finish(mine), dtype=np.float64).ravel()
        error = np.full(len(mine), 2 * error.max() + 10)  # endings have slopes of at most 2
    if len(theirs) != len(mine):
        raise NetworkError(f"the source has {counted(len(theirs), 'output')}, the network read from it {len(mine)}")
    chosen = np.flatnonzero(np.isfinite(error) & np.isfinite(mine) & np.isfinite(theirs))
    if not len(chosen):
        return 0, 0.0, ""
    excess = np.abs(mine[chosen] / 2 - theirs[chosen] / 2) / (_SAFETY / 2 * unit * error[chosen] + _TINY)
    k = int(excess.argmax())
    j = chosen[k]
    text = f"output {j} is {theirs[j]:.9g} in the source and {mine[j]:.9g} in the network"
    return len(chosen), float(excess[k]), text


class _Evaluation:
    """A network in floating point, sparse, with what its evaluation can lose."""

    def __init__(self, network: Network, unit: float) -> None:
        limits = np.finfo(np.float32 if unit >= SINGLE_ROUNDOFF else np.float64)
        self._largest = float(limits.max) / (2 * _SAFETY)
        self._underflow = float(limits.tiny) / unit  # what an operation near zero loses, in rounding units
        self.at_once = SAMPLES if sum(network.hidden) + network.input_dim < _MANY else 4
        self._starts = np.cumsum([0, network.input_dim, *network.hidden]).tolist()
        self._stages = [self._stage(stage) for stage in (*network.stages, network.output)]

    def _stage(self, stage: AffineStage) -> tuple[np.ndarray, sparse.csr_array, sparse.csr_array, float]:
        """Bias, weights and their sizes over all values before, and the number of additions."""
        triples = [
            (i, self._starts[source] + j, to_float(v))
            for source, matrix in stage.blocks
            for i, row in enumerate(matrix)
            for j, v in entries(row)
        ]
        i, j = (np.array([triple[k] for triple in triples], dtype=np.int64) for k in (0, 1))
        values = np.array([triple[2] for triple in triples], dtype=np.float64)
        shape = (stage.units, self._starts[-1])
        weights = sparse.csr_array((values, (i, j)), shape=shape)
        # a weight below the range of floats is lost as a whole
        sizes = sparse.csr_array((np.maximum(np.abs(values), 4 * _TINY), (i, j)), shape=shape)
        additions = 2.0 + float(np.diff(weights.indptr).max())
        return np.array([to_float(b) for b in stage.bias]), weights, sizes, additions

    def at(self, x: np.ndarray, origin: float) -> tuple[np.ndarray, np.ndarray]:
        """The outputs at points, which are columns, and a bound on their error in rounding units, both point by point.

        The bound is infinite where something may have overflowed.
        """
        values, errors = (np.zeros((self._starts[-1], x.shape[1])) for _ in range(2))
        values[: len(x)] = x
        if origin:
            errors[: len(x)] = 2 * len(x) * (origin + np.abs(x).max(axis=0))
        total = error = x
        place = len(x)
        for bias, weights, sizes, additions in self._stages:
            total = bias[:, None] + weights @ values
            size = np.abs(bias)[:, None] + sizes @ np.abs(values)
            error = sizes @ errors + additions * (size + self._underflow)
            error[~(size <= self._largest)] = np.inf
            following = slice(place, place + len(bias))
            if following.stop <= len(values):
                values[following], errors[following] = np.maximum(total, 0.0), error
            place = following.stop
        return total.T, error.T
