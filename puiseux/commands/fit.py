"""``puiseux fit``: the sparsest network that fits a table of numbers, exactly."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, JsonOption
from puiseux.console.exit_codes import ExitCode


def fit(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A .csv file, a sample a line, the target last; decimals are exact.",
            show_default=False,
        ),
    ],
    units: Annotated[int, typer.Option("--units", metavar="K", help="How many hidden units there may be.")],
    target: Annotated[
        Path | None,
        typer.Option("-o", "--file", metavar="FILE", help="Where to write the network.", show_default=False),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE", help="Write a proof of the bound, for puiseux verify."),
    ] = None,
    solver: Annotated[
        str | None,
        typer.Option("--solver", metavar="NAME", help="Let this MILP solver (HIGHS, SCIP, ..) look for networks."),
    ] = None,
    general_position: Annotated[
        bool,
        typer.Option("--general-position", help="Assume that N samples need N non-zeros, where that is not proven."),
    ] = False,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="Stop then, with what is known; inf for no limit.")
    ] = 60.0,
    as_json: JsonOption = False,
) -> int:
    """Find the network with one hidden layer and the fewest non-zero weights and biases that fits all samples exactly.

    The lower bound holds for all real weights. Output weights are 1 or -1 and do not count.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import fitting
    from puiseux.time_limit import check_time_limit

    check_time_limit(time_limit)
    with StepProgress() as progress:
        progress("Fitting")
        found = fitting.fit_file(
            data,
            units,
            solver=solver,
            general_position=general_position,
            time_limit=None if time_limit == float("inf") else time_limit,
        )
    if target is not None and found.network is not None:
        from puiseux.reading import save

        print(f"wrote {shown_path(target)}: {save(found.network, target)}", file=sys.stderr)
    if certificate is not None:
        from milp.training.fit_certificate import fit_certificate
        from nn_bridge.writers.files import write_bytes

        write_bytes(certificate, fit_certificate(found).encode())
        print(f"wrote {shown_path(certificate)}: at least {found.proven_bound} non-zeros", file=sys.stderr)
    print(json.dumps(fitting.to_json(found)) if as_json else fitting.describe(found, shown_path(data)))
    if not found.proven:
        print(f"puiseux: {found.reason}: not proven", file=sys.stderr)
        return ExitCode.STOPPED
    return ExitCode.DIFFERENT if found.network is None else ExitCode.DONE


FIT = Command(
    "fit",
    fit,
    "The sparsest network that fits a table of numbers, exactly.",
    (
        "puiseux fit data.csv --units 3",
        "puiseux fit data.csv --units 7 -o net.json --certificate fit.cert --json",
    ),
)
