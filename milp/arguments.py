"""Arguments of the public functions of `milp`: a network in any form that can be read, and integers of any type."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from os import PathLike
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError, MissingExtraError, PuiseuxError
from polyhedra.quoting import quoted, shown, shown_path

P = ParamSpec("P")
T = TypeVar("T")


def exact_network(source: Any) -> Network:
    """The exact network of a `Network`, a path, a model of torch, ONNX or scikit-learn, or a list of layers.

    The readers are loaded where they are needed only: a model of a library is read by that library.

    Raises
    ------
    PuiseuxError
        It cannot be read as a network; the message names the file, if it is one.

    Examples
    --------
    >>> exact_network([[[1, -1]], [[2]]]).evaluate([3, 1])
    (4,)
    """
    if isinstance(source, Network):
        return source
    read_network = import_module("nn_bridge.readers").read_network
    try:
        network: Network = read_network(source)
    except MissingExtraError:
        raise
    except PuiseuxError as error:
        if not isinstance(source, (str, PathLike)) or str(error).startswith(shown_path(source)):
            raise
        raise FormulationError(f"{shown_path(source)}: {error}") from None
    return network


def of_any_model(function: Callable[Concatenate[Network, P], T]) -> Callable[Concatenate[Any, P], T]:
    """The same function of a network, which takes whatever `exact_network` takes."""

    @wraps(function)
    def taking_any_model(network: Any, *arguments: P.args, **options: P.kwargs) -> T:
        return function(exact_network(network), *arguments, **options)

    return cast(Callable[Concatenate[Any, P], T], taking_any_model)


def is_integer(value: Any) -> bool:
    """Whether a value is an integer of any type: of Python, numpy, or an array or tensor of one integer."""
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def index_below(value: Any, count: int, what: str) -> int:
    """An integer of any type as an index from 0 to count - 1.

    Parameters
    ----------
    value : integer of any type
    count : int
    what : str
        What is numbered, for the message ("output").

    Raises
    ------
    FormulationError
        The value is no integer, or there is nothing of that number.

    Examples
    --------
    >>> import numpy as np
    >>> index_below(np.int64(1), 3, "output")
    1
    """
    if not is_integer(value):
        raise FormulationError(f"{quoted(value)} is no integer; give the number of the {what}, 0..{count - 1}")
    index = operator.index(value)
    if not 0 <= index < count:
        raise FormulationError(f"there is no {what} {shown(index)}; the network has 0..{count - 1}")
    return index
