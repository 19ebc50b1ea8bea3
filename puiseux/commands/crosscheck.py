"""``puiseux crosscheck``: independent counters on one network, side by side."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from puiseux.commands.options import Command, DomainOption, JsonOption, NetworkArgument, OutputOption
from puiseux.console.exit_codes import ExitCode


def crosscheck(
    network: NetworkArgument,
    domain: DomainOption = "all",
    output: OutputOption = None,
    routes: Annotated[
        str | None,
        typer.Option("--routes", metavar="NAMES", help="Which routes, with commas between; all by default."),
    ] = None,
    peers: Annotated[
        str | None,
        typer.Option("--peers", metavar="NAMES", help="Other programs to ask as well: relucent, regioncam."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For each counter, which is then given up.")
    ] = 60.0,
    topology: Annotated[
        bool, typer.Option("--topology", help="Compare Betti numbers of decision regions by two routes too.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Count by independent routes and compare; where they disagree, show a point and its activation pattern."""
    from puiseux.console.waiting import StepProgress
    from puiseux.cross_check import cross_check
    from puiseux.questions.answers import readable_domain, readable_name
    from puiseux.reading import load

    exact = load(network, output=output)
    with StepProgress() as progress:
        check = cross_check.crosscheck(
            exact,
            domain,
            _names(peers) or (),
            routes=_names(routes),
            time_limit=time_limit,
            topology=topology,
            progress=progress,
        )
    if as_json:
        print(json.dumps(check.to_json()))
    else:
        print(
            f"{readable_name(network, output)}: {exact}, on {readable_domain(check.domain, exact.input_dim)}\n\n{check}"
        )
    return ExitCode.DIFFERENT if check.agree is False else ExitCode.DONE


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


CROSSCHECK = Command(
    "crosscheck",
    crosscheck,
    "Do independent counters agree?",
    (
        "puiseux crosscheck net.npz",
        "puiseux crosscheck net.npz --domain 'box:-1,1' --json",
        "puiseux crosscheck net.npz --topology",
        "puiseux crosscheck net.npz --routes cells,tropical --peers relucent --time-limit 300",
    ),
)
