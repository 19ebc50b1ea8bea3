"""The outputs of a network at points: exactly at one or several, or in float64 at a whole array."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.rows import float_matrix
from polyhedra.plurals import counted
from polyhedra.quoting import shown
from polyhedra.scalars import to_float

if TYPE_CHECKING:
    from nn_bridge.network.network import Network


def is_many(points: Any) -> bool:
    """Whether the entries are points, not numbers."""
    first = points[0] if isinstance(points, (list, tuple, np.ndarray)) and len(points) else None
    return isinstance(first, (list, tuple, np.ndarray)) and getattr(first, "ndim", 1) > 0


def outputs(network: Network, points: Any) -> Any:
    """Evaluate a network that is called: float64 for arrays of floats or machine integers, else exact outputs."""
    array = points if isinstance(points, np.ndarray) else np.asarray(points) if hasattr(points, "__array__") else None
    if array is None or array.dtype.kind not in "fiu":
        return network.evaluate(points)
    found = float_outputs(network, array)
    return found[0] if array.ndim == 1 else found


def float_outputs(network: Network, points: Any) -> np.ndarray:
    """The outputs in float64, shape (N, outputs), at points of shape (N, inputs) or (inputs,).

    Raises
    ------
    NetworkError
        The array has another shape, or holds no numbers.
    """
    try:
        x = np.atleast_2d(np.asarray(points, dtype=float))
    except (TypeError, ValueError, OverflowError) as error:
        raise NetworkError(
            f"the points are no array of floats ({shown(error, 100)}); for exact values give a list, net([..])"
        ) from None
    if x.ndim != 2 or x.shape[1] != network.input_dim:
        raise NetworkError(
            f"points of shape {np.shape(points)} do not fit a network that reads "
            f"{counted(network.input_dim, 'input')}; give an "
            f"array of shape (N, {network.input_dim}), or for exact values a list of "
            f"{counted(network.input_dim, 'number')}, "
            "net([..])"
        )
    values = [x]
    result = x
    for stage in (*network.stages, network.output):
        result = np.tile(np.array([to_float(b) for b in stage.bias]), (len(x), 1))
        for source, matrix in stage.blocks:
            result += values[source] @ float_matrix(matrix).T
        values.append(np.maximum(result, 0.0))
    return result


def line(network: Network) -> str:
    """A network on one line: its sizes, the middle ones left out where they are many.

    Examples
    --------
    >>> from nn_bridge.network.network import Network
    >>> line(Network.from_layers([[[1, 0]], [[1]]]))
    '<Network [2, 1, 1]: 1 unit>'
    """
    sizes = list(map(str, (network.input_dim, *network.hidden, network.output_dim)))
    if len(sizes) > 12:
        sizes[6:-4] = [f".. {len(sizes) - 10} stages more .."]
    units = sum(network.hidden)
    return f"<Network [{', '.join(sizes)}]: {counted(units, 'unit')}>"


def table_rows(network: Network) -> Iterable[tuple[Any, ...]]:
    """A row for each stage: its name, units, and what it reads."""
    for number, stage in enumerate((*network.stages, network.output), 1):
        name = f"stage {number}" if number <= len(network.stages) else "outputs"
        reads = ", ".join("the inputs" if source == 0 else f"stage {source}" for source, _ in stage.blocks)
        yield name, stage.units, reads or "nothing: constant"


__all__ = ["float_outputs", "is_many", "line", "outputs", "table_rows"]
