"""Do two networks compute the same function?  Decided exactly, with a point of difference when not."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

from nn_bridge.network.network import Network, Row
from nn_bridge.reduction.same_function import point_of_difference
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.scalars import to_text
from polyhedra.values import Value
from puiseux.questions.answers import readable
from puiseux.reading import as_network


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Value):
    """The answer: either the same function on all of R^n, or a point where the outputs differ.

    Attributes
    ----------
    point : tuple of rationals or None
        Where the two differ; None where they are the same function.
    outputs : pair of tuples of rationals or None
        The exact outputs of both networks there.
    """

    point: Row | None = None
    outputs: tuple[Row, Row] | None = None

    @property
    def same(self) -> bool:
        """Whether the two networks are the same function."""
        return self.point is None

    def to_dict(self) -> dict[str, Any]:
        """The answer, and where the two differ, by name."""
        return {"same": self.same, "point": self.point, "outputs": self.outputs}

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux compare --json`` prints."""
        if self.point is None or self.outputs is None:
            return {"same_function": True, "witness": None}
        witness = {"point": _texts(self.point), "outputs": [_texts(row) for row in self.outputs]}
        return {"same_function": False, "witness": witness}


@checked_options
@with_steps("Comparing the functions")
def compare(
    first: Network | str | PathLike[str] | Any, second: Network | str | PathLike[str] | Any, *, progress: Steps = None
) -> Comparison:
    """Decide whether two networks are the same function on all of R^n.

    Parameters
    ----------
    first, second : Network, path or torch module
        With the same numbers of inputs and outputs.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    NetworkError
        The networks do not have the same numbers of inputs and outputs.

    Examples
    --------
    >>> identity = Network.from_layers([[[1]]])
    >>> split = Network.from_layers([[[1], [-1]], [[1, -1]]])
    >>> compare(identity, split).same
    True
    """
    one, other = as_network(first), as_network(second)
    point = point_of_difference(one, other)
    return Comparison() if point is None else Comparison(point, (one.evaluate(point), other.evaluate(point)))


def describe(comparison: Comparison, first: str, second: str) -> str:
    """The answer for people; numbers too long to read are rounded, the JSON form has them exactly."""
    if comparison.point is None or comparison.outputs is None:
        return f"the same function: {first} and {second} agree on every input"
    rows = (("at", comparison.point), (first, comparison.outputs[0]), (second, comparison.outputs[1]))
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  ({', '.join(map(readable, row))})" for name, row in rows]
    return "\n".join(["different functions", *lines])


def _texts(row: Row) -> list[str]:
    return [to_text(value) for value in row]
