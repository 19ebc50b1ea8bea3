"""``puiseux lipschitz``: the Lipschitz constant of a network, exactly."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from puiseux.commands.options import (
    BoundedTimeOption,
    Command,
    DomainOption,
    JsonOption,
    NetworkArgument,
    OutputOption,
    choices,
)
from puiseux.console.exit_codes import ExitCode

_norms = choices("puiseux.questions.lipschitz_constants", "NORMS")


def lipschitz(
    network: NetworkArgument,
    domain: DomainOption = "all",
    norm: Annotated[
        str, typer.Option("--norm", metavar="NORM", help="Of the inputs: inf, 1 or 2.", autocompletion=_norms)
    ] = "inf",
    output_norm: Annotated[
        str | None,
        typer.Option(
            "--output-norm", metavar="NORM", help="Of the outputs; the same by default.", autocompletion=_norms
        ),
    ] = None,
    output: OutputOption = None,
    measured_in: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="WHAT",
            help="On a slice: measure distances of parameters (the default) or of inputs.",
            autocompletion=choices("puiseux.questions.lipschitz_constants", "PLACES"),
        ),
    ] = None,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compute the exact Lipschitz constant of a network, and a point inside a cell where it is attained.

    Stopped by a limit, or with too many inputs for a list of cells, it prints proven bounds.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import lipschitz_constants
    from puiseux.questions.answers import readable_name
    from puiseux.reading import load

    exact = load(network, output=output)
    with StepProgress() as progress:
        progress("Looking for the steepest cell")
        found = lipschitz_constants.lipschitz(
            exact,
            domain,
            norm=norm,
            output_norm=output_norm,
            measured_in=measured_in,
            time_limit=time_limit,
            progress=progress,
        )
    name = readable_name(network, output)
    print(json.dumps(found.to_json()) if as_json else lipschitz_constants.describe(found, name))
    if found.proven:
        return ExitCode.DONE
    print(f"puiseux: {found.reason}: not proven", file=sys.stderr)
    return ExitCode.STOPPED


LIPSCHITZ = Command(
    "lipschitz",
    lipschitz,
    "The Lipschitz constant, exactly.",
    (
        "puiseux lipschitz net.npz",
        "puiseux lipschitz net.npz --domain 'box:-1,1' --norm 2 --json",
        "puiseux lipschitz digits.npz --domain slice:plane.json --norm inf --output-norm 1 --in inputs",
    ),
)
