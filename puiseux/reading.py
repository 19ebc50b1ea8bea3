"""From whatever a user has (a path, a model of a library, a `Network`) to a `Network`, and back to a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from nn_bridge.network.network import Network
from polyhedra.errors import MissingExtraError, PuiseuxError, UsageError
from polyhedra.option_types import checked_options
from polyhedra.quoting import shown, shown_path


@checked_options
def load(path: str | PathLike[str], *, output: int | None = None, input_shape: Sequence[int] | None = None) -> Network:
    """Read a network file (.npz, .json, .pt, .pth, .onnx, .nnet), exactly.

    Parameters
    ----------
    path : path
    output : int, optional
        Keep this output alone (from 0).
    input_shape : sequence of int, optional
        The shape of one input, where an ONNX model leaves it open.

    Raises
    ------
    PuiseuxError
        The file cannot be read as a network; the message begins with the path (or says which extra is missing).
    """
    from nn_bridge.readers import read_network

    with _named(fspath(path)):
        network = read_network(path, input_shape)
        return network if output is None else network.select_outputs([output])


@checked_options
def save(source: Network | Any, path: str | PathLike[str], *, precision: str | None = None) -> Network:
    """Write a network to a file; its ending tells the format (.npz, .json, .onnx, .pt, .pth).

    Parameters
    ----------
    source : Network, or anything that `as_network` takes
    path : path
        ``.json`` holds every network exactly, ``.onnx`` every one with float64 entries, ``.npz`` and ``.pt`` chains of
        layers with float64 entries.
    precision : {"float64", "float32"}, optional
        Round every entry to this type first.  By default nothing is rounded, and a format that cannot hold the network
        exactly is refused.

    Returns
    -------
    Network
        The network in the file; its notes tell what was rounded.

    Raises
    ------
    PuiseuxError
        The format cannot hold the network, or the place cannot be written; then nothing is.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = save([[["1/3", 1], [2, 0]], [[1, 1]]], f"{folder}/net.json")
    ...     print(load(f"{folder}/net.json"))
    Network [2, 2, 1]
    """
    from nn_bridge.writers import write_network
    from nn_bridge.writers.rounding import rounded_to

    network = as_network(source)
    with _named(fspath(path)):
        if precision is not None:
            network = rounded_to(network, precision).network
        write_network(network, path)
    return network


@checked_options
def as_network(
    source: Network | str | PathLike[str] | Any,
    *,
    output: int | None = None,
    input_shape: Sequence[int] | None = None,
) -> Network:
    """The exact network of whatever holds one.

    Parameters
    ----------
    source : path, Network, torch.nn.Module, onnx.ModelProto, scikit-learn model, state dictionary, or list of layers
        A torch module of any nesting, read in evaluation mode; a fitted ``MLPRegressor``, ``MLPClassifier`` or pipeline
        of scalers and one of them; a list of weight matrices or of tuples ``(weights, bias)``, with ReLU between them.
    output : int, optional
        Keep this output alone (from 0).
    input_shape : sequence of int, optional
        The shape of one input of a torch module (without the batch) or ONNX model that does not tell it.

    Raises
    ------
    PuiseuxError
        Something in it is not piecewise linear, or not known; the message names it.

    Examples
    --------
    >>> as_network([([[1, -1]], [0]), ([[2]], [1])]).evaluate([3, 1])
    (5,)
    """
    from nn_bridge.readers import read_network

    if isinstance(source, (str, PathLike)):
        return load(source, output=output, input_shape=input_shape)
    network = read_network(source, input_shape)
    return network if output is None else network.select_outputs([output])


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Let every refusal in here begin with the name of the file."""
    try:
        yield
    except PuiseuxError as error:
        names = {text for path in (name, str(Path(name))) for text in (path, shown_path(path), shown(path))}
        if str(error).startswith(tuple(names)) or isinstance(error, MissingExtraError):
            raise
        raise UsageError(f"{shown_path(name)}: {error}") from None
