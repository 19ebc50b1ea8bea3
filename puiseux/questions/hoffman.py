"""The Hoffman constants and effective radii of a network's outputs, as far as they are known when the time is over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Network
from nn_bridge.symbolic.tropicalize import tropicalize
from polyhedra.rounding import round_down, round_up
from polyhedra.scalars import to_float
from polyhedra.values import Value
from puiseux.cross_check.isolation import OutOfTime, run_isolated
from puiseux.questions.formula import tropical_maps
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit
from tropical.effective_radius import EffectiveRadius, minimal_effective_radius, refined_radius
from tropical.hoffman import MAX_PROGRAMS

MAX_FLOAT = sys.float_info.max


@dataclass(frozen=True, slots=True, repr=False)
class OutputRadius(Value):
    """The bounds on the Hoffman constant of one output.

    Attributes
    ----------
    constant : EffectiveRadius or None
        The Hoffman constant with its bounds; None where the time was over before there were any.
    smallest : fmpq or None
        The smallest radius about the origin whose closed cube meets every linear region.
    """

    constant: EffectiveRadius | None = None
    smallest: fmpq | None = None

    def to_json(self) -> dict[str, Any]:
        """Numbers in float64: ``exact`` rounded to nearest, ``lower`` downwards, the others upwards."""
        found = self.constant
        return {
            "exact": None if found is None or found.exact is None else _nearest(found.exact),
            "lower": None if found is None else round_down(found.lower),
            "upper": None if found is None else _above(found.upper),
            "radius": None if found is None else _above(found.radius),
            "minimal_radius": None if self.smallest is None else _above(self.smallest),
            "range": None if found is None else _above(found.range),
            "cells": None if found is None else found.cells,
        }


@dataclass(frozen=True, slots=True, repr=False)
class HoffmanReport(Value):
    """The answers for all outputs.

    Attributes
    ----------
    outputs : tuple of OutputRadius
    pruned : bool
    complete : bool
        False where the time limit or Ctrl-C ended the run; what was found before stays true.
    reason : str or None
        Then why.
    """

    outputs: tuple[OutputRadius, ...]
    pruned: bool
    complete: bool = True
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux hoffman --json`` prints."""
        return {
            "outputs": [each.to_json() for each in self.outputs],
            "pruned": self.pruned,
            "complete": self.complete,
            "reason": self.reason,
        }


def hoffman_report(
    network: Network | str | PathLike[str] | Any,
    *,
    output: int | None = None,
    pruned: bool = True,
    samples: int = 20,
    limit: int | None = None,
    time_limit: float | None = None,
    watch: Callable[[str], None] | None = None,
) -> HoffmanReport:
    """The exact Hoffman constant of each output, bounds on it, and two radii about the origin.

    The bounds of all outputs come first, then the smallest radii, then the exact constants, so that a run that is
    stopped has the cheap ones.

    Parameters
    ----------
    network : Network, path or torch module
    output : int, optional
        Take one output alone.
    pruned : bool
        Without it the full expansion of the network is taken, redundant terms included.
    samples, limit : int
        See `tropical.effective_radius.effective_radius`.
    time_limit : float, optional
        Seconds after which the answer is what was found until then.
    watch : callable, optional
        Called with the name of each step when it begins.

    Raises
    ------
    PuiseuxError
        The network cannot be read, or its full expansion is too large.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1]], [[1, 2]]], [[-1, 0], [0]])
    >>> (found,) = hoffman_report(net).outputs
    >>> found.constant.exact, found.constant.radius, found.smallest
    (1, 1, 1)
    """
    check_time_limit(time_limit)
    exact = as_network(network, output=output)

    def task() -> Iterator[str | tuple[int, OutputRadius]]:
        return _steps(exact, pruned, samples, MAX_PROGRAMS if limit is None else limit)

    outputs = [OutputRadius()] * exact.output_dim
    reason = None
    try:
        for step in task() if time_limit is None else run_isolated(task, time_limit):
            if isinstance(step, str):
                if watch is not None:
                    watch(step)
            else:
                number, known = step
                outputs[number] = known
    except OutOfTime:
        reason = f"stopped at the time limit of {time_limit:g} s"
    except KeyboardInterrupt:
        reason = "interrupted"
    return HoffmanReport(tuple(outputs), pruned, reason is None, reason)


def _steps(network: Network, pruned: bool, samples: int, limit: int) -> Iterator[str | tuple[int, OutputRadius]]:
    """The name of each step, and then what is known of an output after it."""
    yield "Finding the terms"
    short = tropical_maps(network)
    maps = short if pruned else tropicalize(network, prune="none")
    constants = [refined_radius(f, pruned=pruned, n_samples=samples, rng=0, limit=limit) for f in maps]
    known = [OutputRadius()] * len(maps)
    for number, constant in enumerate(constants):
        yield f"Bounding the constant of output {number}"
        known[number] = OutputRadius(next(constant))
        yield number, known[number]
    for number, f in enumerate(short):
        yield f"Finding the smallest radius of output {number}"
        known[number] = replace(known[number], smallest=minimal_effective_radius(f).value)
        yield number, known[number]
    for number, constant in enumerate(constants):
        yield f"Computing the exact constant of output {number}"
        known[number] = replace(known[number], constant=next(constant))
        yield number, known[number]


def _nearest(value: fmpq) -> float:
    """A number that JSON can hold: beyond the range of float64 its largest one."""
    return max(-MAX_FLOAT, min(MAX_FLOAT, to_float(value)))


def _above(value: fmpq) -> float:
    """The same, rounded upwards where it is in range."""
    return min(MAX_FLOAT, round_up(value))
