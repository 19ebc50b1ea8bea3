"""From whatever a user has (a path, a torch module, a `Network`) to a `Network`, and back to a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from nn_bridge.network import Network
from polyhedra.errors import MissingExtraError, PuiseuxError, UsageError


def load(path: str | PathLike[str], *, output: int | None = None) -> Network:
    """Read a network file (.npz, .json, .pt, .pth).

    Parameters
    ----------
    path : path
    output : int, optional
        Keep this output alone (from 0).

    Raises
    ------
    PuiseuxError
        The file cannot be read as a network; the message begins with the path (or says which extra is missing).
    """
    from nn_bridge.readers import read_network

    with _named(fspath(path)):
        network = read_network(path)
        return network if output is None else network.select_outputs([output])


def save(network: Network, path: str | PathLike[str]) -> None:
    """Write a network to a ``.json`` file, or to ``.npz`` where that can hold it exactly; refused otherwise."""
    from nn_bridge.writers import write_network

    with _named(fspath(path)):
        write_network(network, path)


def as_network(source: Network | str | PathLike[str] | Any, *, output: int | None = None) -> Network:
    """The `Network` of a path, a torch module, a state dictionary, a list of layers, or a `Network`."""
    from nn_bridge.readers import read_network

    if isinstance(source, (str, PathLike)):
        return load(source, output=output)
    network = read_network(source)
    return network if output is None else network.select_outputs([output])


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Let every refusal in here begin with the name of the file."""
    try:
        yield
    except PuiseuxError as error:
        if str(error).startswith((name, str(Path(name)))) or isinstance(error, MissingExtraError):
            raise
        raise UsageError(f"{name}: {error}") from None
