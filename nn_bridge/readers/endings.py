"""Functions that may stand at the very end of a classifier: they are dropped, and the notes say so.

Softmax and sigmoid are not piecewise linear, but they keep the order of the outputs: the largest stays the largest, and
a sigmoid above 1/2 is a value above 0.  So what a network decides can be asked without them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.signals import SignalArray


@dataclass(frozen=True)
class Ending:
    """The value of a dropped function: the array before it, and the function for checks in floating point."""

    array: SignalArray
    name: str
    function: Callable[[np.ndarray], np.ndarray]

    @property
    def note(self) -> str:
        """The text for the notes of the network."""
        if self.name == "sigmoid":
            return "sigmoid at the end dropped: it is above 1/2 where the output is above 0"
        return f"{self.name} at the end dropped: the largest output stays the largest"

    def refuse_use(self) -> NetworkError:
        """The error for a function that is not the last step."""
        return NetworkError(
            f"{self.name} is not piecewise linear, and may stand only at the very end, where it is dropped; "
            "convert the part before it"
        )


def softmax(array: SignalArray, axis: int) -> Ending:
    """Softmax along an axis."""
    _check_axis(array, axis)
    return Ending(array, "softmax", lambda y: np.exp(_log_softmax(y.reshape(array.shape), axis)))


def log_softmax(array: SignalArray, axis: int) -> Ending:
    """The logarithm of softmax along an axis."""
    _check_axis(array, axis)
    return Ending(array, "log-softmax", lambda y: _log_softmax(y.reshape(array.shape), axis))


def sigmoid(array: SignalArray) -> Ending:
    """The logistic function of every entry."""
    return Ending(array, "sigmoid", lambda y: 0.5 * (1.0 + np.tanh(0.5 * y)))


def _check_axis(array: SignalArray, axis: int) -> None:
    if not -array.ndim <= axis < array.ndim or array.shape[axis] < 2:
        raise NetworkError(
            f"softmax over axis {axis} of values of shape {array.shape} compares nothing; take the axis of the classes"
        )


def _log_softmax(y: np.ndarray, axis: int) -> np.ndarray:
    shifted = y - y.max(axis=axis, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return result
