"""``puiseux hoffman``: the Hoffman constant of a network's tropical map, and the ball that meets every region."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from puiseux.commands.options import Command, JsonOption, NetworkArgument
from puiseux.console.exit_codes import ExitCode


def hoffman(
    network: NetworkArgument,
    output: Annotated[
        int | None, typer.Option("--output", metavar="K", help="Take output K alone (from 0); each one by default.")
    ] = None,
    unpruned: Annotated[
        bool, typer.Option("--unpruned", help="Take the full expansion, redundant monomials included.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="Give up the exact constant of an output after N linear programs."
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=1, help="Row sets drawn in each cell for the lower bound.")
    ] = 20,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop then, with what is known.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Compute the exact Hoffman constant of each output (infinity norm), bounds on it, and the effective radius.

    The ball of that radius about the origin meets the closure of every linear region.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.questions.hoffman import hoffman_report
    from puiseux.reading import load

    exact = load(network, output=output)
    with StepProgress() as progress:
        found = hoffman_report(
            exact, pruned=not unpruned, samples=samples, limit=limit, time_limit=time_limit, watch=progress
        )
    answer = found.to_json()
    print(json.dumps(answer) if as_json else table(answer["outputs"], output or 0))
    if found.complete:
        return ExitCode.DONE
    if found.reason == "interrupted":
        return ExitCode.INTERRUPTED
    print(f"puiseux: {found.reason}: what is missing was not reached", file=sys.stderr)
    return ExitCode.STOPPED


def table(entries: list[dict[str, Any]], first: int = 0) -> str:
    """The numbers for people, one line per output, numbered from ``first``."""

    def text(value: float | None) -> str:
        if value is None:
            return "-"
        return f"{value:.6g}" if value < sys.float_info.max else "> 1.79e+308"

    header = ("output", "lower", "exact", "upper", "radius", "smallest radius")
    rows: list[tuple[str, ...]] = [header]
    for number, entry in enumerate(entries, first):
        keys = ("lower", "exact", "upper", "radius", "minimal_radius")
        rows.append((str(number), *(text(entry[key]) for key in keys)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


HOFFMAN = Command(
    "hoffman",
    hoffman,
    "Hoffman constants and the ball that meets every region.",
    (
        "puiseux hoffman net.npz",
        "puiseux hoffman net.npz --unpruned --json",
        "puiseux hoffman large.npz --time-limit 60",
    ),
)
