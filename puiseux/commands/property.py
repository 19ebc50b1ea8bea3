"""``puiseux property``: does a network have a property?  Decided exactly."""

from __future__ import annotations

import json
import sys
import time
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
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate", metavar="FILE", help="If PROVEN, write the proof there (.gz: compressed); see verify."
        ),
    ] = None,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Decide exactly whether an input of a property satisfies its assertions: PROVEN that none does, VIOLATED, or OPEN.

    VIOLATED comes with an exact counterexample, which is its proof: no certificate is written then. Exit codes: 0
    proven, 1 violated, 3 open, or proven without the certificate that was asked for.
    """
    from milp.property_proof import NotProven
    from nn_bridge.writers.files import require_writable
    from polyhedra.plurals import counted
    from puiseux.certificates.property_certificate import write_property_certificate
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import properties
    from puiseux.time_limit import Stopped

    begun = time.monotonic()
    if certificate is not None:
        require_writable(certificate)
    with StepProgress() as progress:
        progress("Deciding")
        answer = properties.check_property(
            network, spec, second, witness=witness, time_limit=time_limit, progress=progress
        )
    counts, missing = None, None
    if certificate is not None and answer.verdict == properties.PROVEN:
        left = None if time_limit is None else max(0.01, time_limit - (time.monotonic() - begun))
        with StepProgress() as progress:
            progress("Writing the certificate")
            try:
                first, other = (answer.network, None) if answer.networks is None else answer.networks
                counts = write_property_certificate(first, spec, certificate, second=other, time_limit=left)
            except (Stopped, NotProven) as error:
                missing = str(error)
    found = answer.to_json()
    names = shown_path(network) if second is None else f"{shown_path(network)} and {shown_path(second)}"
    print(
        json.dumps(found if certificate is None else {**found, "certificate": counts})
        if as_json
        else properties.describe(answer, names, shown_path(spec))
    )
    if counts is not None and not as_json:
        parts = f"{counted(counts['leaves'], 'leaf', 'leaves')}, {counted(counts['splits'], 'split')}"
        print(f"  certificate {shown_path(certificate)}: {parts}")
    if certificate is not None and answer.verdict == properties.VIOLATED:
        print("puiseux: no certificate is written: the exact counterexample is the proof", file=sys.stderr)
    if missing is not None:
        print(f"puiseux: {missing}", file=sys.stderr)
        return ExitCode.STOPPED
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
        "puiseux property net.onnx spec.vnnlib --certificate net.cert.gz",
        "puiseux property net.onnx spec.vnnlib --witness counterexample.txt --json",
        "puiseux property net.onnx same.vnnlib pruned.onnx --certificate same.cert",
    ),
)
