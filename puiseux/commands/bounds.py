"""``puiseux bounds``: the literature's bounds on the number of linear regions, around the exact count."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.long_numbers import numbers_of_any_length, readable
from puiseux.commands.options import Command, JsonOption
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.expressivity.region_bounds import Bound, RegionBounds
    from nn_bridge.region_count import RegionCount


def bounds(
    network: Annotated[
        Path,
        typer.Argument(
            metavar="NETWORK", help="A network file, or sizes alone, inputs first: 2,8,8,1.", show_default=False
        ),
    ],
    count: Annotated[bool, typer.Option("--count/--no-count", help="Count exactly as well.")] = True,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop counting then, with lower bounds.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Print upper bounds on the regions of a network, and lower bounds that some network of its sizes attains."""
    from nn_bridge.expressivity.region_bounds import architecture_bounds, region_bounds
    from puiseux.console.waiting import CellProgress
    from puiseux.domains import pose
    from puiseux.questions.count import count_problem
    from puiseux.reading import load

    sizes = _sizes(network)
    if sizes is not None:
        found, title, count = architecture_bounds(sizes[0], sizes[1:-1]), f"networks {list(sizes)}", False
    else:
        problem = pose(load(network))
        found, title = region_bounds(problem.network), f"{shown_path(network)}: {problem.network}"
    counted = None
    if count:
        with CellProgress() as progress:
            counted = count_problem(problem, "cells", time_limit=time_limit, progress=progress)
    with numbers_of_any_length():
        if as_json:
            exact = None
            if counted is not None:
                exact = {"exact": counted.exact, "complete": counted.complete, "counts": counted.counts}
            print(json.dumps({**found.to_json(), "exact": exact}))
        else:
            print(table(found, counted, title))
    if counted is None or counted.complete:
        return ExitCode.DONE
    print(f"puiseux: {counted.reason}: the counts are lower bounds", file=sys.stderr)
    return ExitCode.INTERRUPTED if counted.reason == "interrupted" else ExitCode.STOPPED


def _sizes(text: Path) -> tuple[int, ...] | None:
    """The sizes in ``2,8,8,1``; None where it is the name of a file."""
    from puiseux.random_networks import parse_architecture

    if not re.fullmatch(r"\[?\s*\d+\s*(,\s*\d+\s*)+\]?", str(text), re.ASCII) or text.exists():
        return None
    return tuple(parse_architecture(str(text)))


def table(found: RegionBounds, counted: RegionCount | None, title: str) -> str:
    """The bounds for people, from the smallest to the largest, with the exact count between them."""

    def lines(bounds: tuple[Bound, ...]) -> list[str]:
        known = sorted((b.value, b.name, b.formula) for b in bounds if b.value is not None)
        return [f"  {readable(value):>20}  {name:<22} {formula}" for value, name, formula in known] or [f"  {'-':>20}"]

    text = [title, "", "lower bounds (some network of these sizes has at least so many regions)", *lines(found.lower)]
    if any(b.value is not None for b in found.expected):
        text += ["", "expected (random weights, with probability one)", *lines(found.expected)]
    if counted is not None:
        at_least = "" if counted.complete else ">= "
        text += ["", "this network, exactly" if counted.complete else "this network, stopped early"]
        for name in ("regions", "cells"):
            value = counted.counts[name]
            text.append(f"  {'-' if value is None else at_least + readable(value):>20}  {name}")
    text += [
        "",
        "upper bounds on cells (of all networks of these sizes; of these weights where a bound reads them)",
        *lines(found.upper),
    ]
    if any(b.value is not None for b in found.upper_regions):
        text += ["", "upper bounds on regions, not on cells", *lines(found.upper_regions)]
    missing = found.not_applicable
    if missing:
        width = max(len(name) for name, _ in missing)
        text += ["", "not applicable", *(f"  {name:<{width}}  {reason}" for name, reason in missing)]
    return "\n".join(text)


BOUNDS = Command(
    "bounds",
    bounds,
    "Bounds on the number of regions, around the exact count.",
    (
        "puiseux bounds net.npz",
        "puiseux bounds large.npz --no-count",
        "puiseux bounds 2,8,8,1",
        "puiseux bounds net.npz --json",
    ),
)
