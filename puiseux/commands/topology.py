"""``puiseux topology``: Betti numbers, components and faces of the sets that outputs cut out, exactly."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted, shown_path
from puiseux.commands.options import BoundedTimeOption, Command, DomainOption, JsonOption, NetworkArgument, choices
from puiseux.console.exit_codes import ExitCode

_HOME = "puiseux.questions.set_topology"


def topology(
    network: NetworkArgument,
    domain: DomainOption = "all",
    output: Annotated[
        int | None, typer.Option("--output", metavar="K", help="The output (from 0) that a level cuts; 0 by default.")
    ] = None,
    level: Annotated[
        str | None, typer.Option("--level", metavar="T", help="The level, a decimal or p/q; 0 by default.")
    ] = None,
    which: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="SET",
            help="above (f >= T, the default), below (f <= T) or level (f = T).",
            autocompletion=choices(_HOME, "SETS"),
        ),
    ] = None,
    is_open: Annotated[bool, typer.Option("--open", help="With strict inequalities.")] = False,
    of_class: Annotated[
        int | None, typer.Option("--class", metavar="I", help="Where output I is at least all others.")
    ] = None,
    boundary: Annotated[
        str | None,
        typer.Option("--boundary", metavar="I,J", help="Where outputs I and J are equal and at least all others."),
    ] = None,
    compactify: Annotated[
        bool, typer.Option("--compactify", help="Take the one-point compactification: one point at infinity more.")
    ] = False,
    field: Annotated[
        str,
        typer.Option(
            "--field", metavar="FIELD", help="Of the Betti numbers: Q or 2.", autocompletion=choices(_HOME, "FIELDS")
        ),
    ] = "Q",
    persistence: Annotated[
        bool,
        typer.Option("--persistence", help="At which levels components and holes of f <= t appear and vanish."),
    ] = False,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compute Betti numbers, components and faces of the set where an output is above a level, or of a class.

    Exact on all of R^n, where unbounded sets are not cut off, on boxes, polyhedra and slices, in any degeneracy.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.domains import pose
    from puiseux.questions import set_topology
    from puiseux.reading import load
    from puiseux.time_limit import check_time_limit

    pair = None if boundary is None else _pair(boundary)
    check_time_limit(time_limit)
    set_topology.check_field(field)
    exact = load(network)
    set_topology.input_set(exact, output, level, which, is_open, of_class, pair, compactify, persistence)
    pose(exact, domain)
    with StepProgress() as progress:
        progress("Listing the faces")
        found = set_topology.topology(
            exact,
            domain,
            output=output,
            level=level,
            which=which,
            open=is_open,
            of_class=of_class,
            boundary=pair,
            compactify=compactify,
            field=field,
            persistence=persistence,
            time_limit=time_limit,
        )
    print(json.dumps(found.to_json()) if as_json else set_topology.describe(found, shown_path(network)))
    if found.reason is None:
        return ExitCode.DONE
    print(f"puiseux: {found.reason}: there is no answer yet; give more time", file=sys.stderr)
    return ExitCode.STOPPED


def _pair(text: str) -> tuple[int, int]:
    """Two numbers of outputs."""
    first, comma, second = text.partition(",")
    if not (comma and first.strip().isdecimal() and second.strip().isdecimal() and len(text) < 40):
        raise UsageError(f"--boundary lies between two outputs; give I,J such as 0,1, not {quoted(text)}")
    return int(first), int(second)


TOPOLOGY = Command(
    "topology",
    topology,
    "Betti numbers and components of decision regions, exactly.",
    (
        "puiseux topology net.npz",
        "puiseux topology net.npz --level 1/2 --set below --open --domain 'box:-1,1' --json",
        "puiseux topology classes.onnx --class 0 --compactify --field 2",
        "puiseux topology classes.onnx --boundary 0,1",
        "puiseux topology net.npz --persistence --json",
    ),
)
