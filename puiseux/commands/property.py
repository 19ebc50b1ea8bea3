"""``puiseux property``: does a network have a property?  Decided exactly."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import BoundedTimeOption, Command, JsonOption, NetworkArgument
from puiseux.console.exit_codes import ExitCode


def decide_property(
    network: NetworkArgument,
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="A VNN-LIB file, 1.0 or 2.0.", show_default=False)],
    second: Annotated[
        Path | None,
        typer.Argument(metavar="[NETWORK2]", help="The second network of VNN-LIB 2.0.", show_default=False),
    ] = None,
    witness: Annotated[
        Path | None,
        typer.Option("--witness", metavar="FILE", help="Replay this counterexample, exactly and in floating point."),
    ] = None,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Decide exactly whether an input of a property satisfies its assertions: PROVEN that none does, VIOLATED, or OPEN.

    VIOLATED comes with an exact counterexample. Exit codes: 0 proven, 1 violated, 3 open.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import properties

    with StepProgress() as progress:
        progress("Deciding")
        answer = properties.check_property(network, spec, second, witness=witness, time_limit=time_limit)
    names = shown_path(network) if second is None else f"{shown_path(network)} and {shown_path(second)}"
    print(json.dumps(answer.to_json()) if as_json else properties.describe(answer, names, shown_path(spec)))
    if answer.verdict == properties.OPEN:
        print(f"puiseux: {answer.reason}: not decided", file=sys.stderr)
        return ExitCode.STOPPED
    return ExitCode.DONE if answer.verdict == properties.PROVEN else ExitCode.DIFFERENT


PROPERTY = Command(
    "property",
    decide_property,
    "Decide a VNN-LIB property, exactly.",
    (
        "puiseux property net.onnx spec.vnnlib --time-limit 60",
        "puiseux property net.onnx spec.vnnlib --witness counterexample.txt --json",
        "puiseux property net.onnx same.vnnlib pruned.onnx",
    ),
)
