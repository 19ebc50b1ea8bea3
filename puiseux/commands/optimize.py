"""``puiseux optimize``: the least or greatest value of an output, exactly."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import BoundedTimeOption, Command, DomainOption, JsonOption, NetworkArgument
from puiseux.console.exit_codes import ExitCode


def optimize(
    network: NetworkArgument,
    domain: DomainOption = "all",
    output: Annotated[int, typer.Option("--output", metavar="K", help="Of output K (from 0).")] = 0,
    maximize: Annotated[
        bool, typer.Option("--maximize", help="Look for the greatest value; the least one by default.")
    ] = False,
    solver: Annotated[
        str | None,
        typer.Option("--solver", metavar="NAME", help="Let this MILP solver (HIGHS, SCIP, ..) propose points first."),
    ] = None,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Find the least (or greatest) value of an output on a bounded domain, exactly, and the input that reaches it.

    Stopped by a limit, it prints a value that is reached and a proven bound on what could be better.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.domains import pose
    from puiseux.questions import optimization
    from puiseux.reading import load

    exact = load(network)
    optimization.require_bounded(pose(exact, domain))
    with StepProgress() as progress:
        progress("Optimizing")
        found = optimization.optimize(
            exact, domain, output, maximize=maximize, solver=solver, time_limit=time_limit, progress=progress
        )
    print(json.dumps(found.to_json()) if as_json else optimization.describe(found, shown_path(network)))
    if found.proven:
        return ExitCode.DONE
    print(f"puiseux: {found.reason}: not proven", file=sys.stderr)
    return ExitCode.STOPPED


OPTIMIZE = Command(
    "optimize",
    optimize,
    "The least or greatest value of an output, exactly.",
    (
        "puiseux optimize net.npz --domain 'box:-1,1'",
        "puiseux optimize net.onnx --domain 'box:0,1;-1,1' --output 2 --maximize --time-limit 60 --json",
    ),
)
