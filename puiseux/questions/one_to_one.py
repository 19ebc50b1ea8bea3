"""Whether a network is injective, and whether every output is reached: exact, with a witness."""

from __future__ import annotations

from typing import Any

from nn_bridge.expressivity.injectivity import Injectivity, injectivity
from nn_bridge.expressivity.surjectivity import Surjectivity, surjectivity
from nn_bridge.network.network import Network
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, with_steps
from puiseux.domains import DomainLike, pose
from puiseux.questions.answers import readable_point, texts
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit


@checked_options
@with_steps("Comparing the cells")
def injective(
    network: Network | Any, domain: DomainLike = None, *, time_limit: float | None = None, progress: Steps = None
) -> Injectivity:
    """Whether no two inputs of a domain have the same outputs, exactly; else with two that have.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str, Polyhedron, (low, high) or list of pairs
        As in `count_regions`; all of R^n by default.
    time_limit : float, optional
        Seconds; at the limit the answer is open (``injective`` is None).
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Examples
    --------
    >>> found = injective([[[1], [-1]], [[1, 1]]])  # |x|
    >>> found.injective, found.points, found.output
    (False, ((-1,), (1,)), (1,))
    """
    check_time_limit(time_limit)
    problem = pose(as_network(network), domain)
    return injectivity(problem.network, problem.domain, time_limit_seconds=time_limit)


@checked_options
@with_steps("Looking at the images of the cells")
def surjective(
    network: Network | Any, domain: DomainLike = None, *, time_limit: float | None = None, progress: Steps = None
) -> Surjectivity:
    """Whether the inputs of a domain reach all of R^m, exactly; else with an output that none has.

    Where each output is that of a ReLU unit, whether they reach the orthant of all non-negative outputs.

    Parameters
    ----------
    network, domain, time_limit, progress
        As in `injective`.

    Examples
    --------
    >>> surjective([[[1], [-1]], [[1, -2]]]).surjective  # x for x >= 0, else 2x
    True
    """
    check_time_limit(time_limit)
    problem = pose(as_network(network), domain)
    return surjectivity(problem.network, problem.domain, time_limit_seconds=time_limit)


def injective_json(found: Injectivity) -> dict[str, Any]:
    """The entries about injectivity that ``puiseux injective --json`` prints."""
    return {
        "injective": found.injective,
        "points": None if found.points is None else [texts(point) for point in found.points],
        "output": texts(found.output),
        "cells": found.cells,
        "pairs": found.pairs,
    }


def surjective_json(found: Surjectivity) -> dict[str, Any]:
    """The entries about surjectivity that ``puiseux injective --onto --json`` prints."""
    return {
        "surjective": found.surjective,
        "target": found.target,
        "unreached": texts(found.unreached),
        "pieces": found.pieces,
    }


def describe(found: Injectivity, onto: Surjectivity | None, where: str) -> str:
    """The answer for people."""
    lines = [f"{where}: {_word(found.injective, 'injective')}"]
    if found.points is not None:
        assert found.output is not None
        lines.append(f"  {readable_point(found.points[0])} and {readable_point(found.points[1])}")
        lines.append(f"  have the same outputs {readable_point(found.output)}: {found.reason}")
    elif found.injective:
        lines.append(
            f"  proven on {counted(found.cells, 'cell')}; {counted(found.pairs, 'pair')} decided by linear programs"
        )
    if onto is not None:
        name = "the orthant" if onto.target == "orthant" else "R^m"
        lines.append(f"{where}: {_word(onto.surjective, f'onto {name}')}")
        if onto.unreached is not None:
            lines.append(f"  no input has the outputs {readable_point(onto.unreached)}: {onto.reason}")
        elif onto.surjective:
            lines.append(f"  proven on {counted(onto.cells, 'cell')}, with {counted(onto.pieces, 'convex piece')}")
    return "\n".join(lines)


def _word(answer: bool | None, what: str) -> str:
    return {True: what, False: f"not {what}", None: f"open whether {what}"}[answer]
