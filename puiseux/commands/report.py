"""``puiseux report``: one page with everything that is known about a network."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, DomainOption, NetworkArgument, OutputOption


def report(
    network: NetworkArgument,
    page: Annotated[
        Path,
        typer.Option(
            "-o", "--file", metavar="FILE", help="The page: .html; report.html by default.", show_default=False
        ),
    ] = Path("report.html"),
    domain: DomainOption = "all",
    output: OutputOption = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DATA", help="Training points for the pictures (.csv, .npy, .npz)."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For the page; longer parts are left out.")
    ] = 60.0,
) -> None:
    """Write an HTML page about a network: counts, pictures, bounds, formula, statistics, what is proven.

    The page opens from disk and needs no network connection.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.report.report import write_report

    words = ["puiseux", "report", network.name, "-o", page.name]
    words += ["--domain", domain] if domain != "all" else []
    words += ["--output", str(output)] if output is not None else []
    words += ["--data", data.name] if data is not None else []
    words += ["--time-limit", f"{time_limit:g}"]
    with StepProgress() as progress:
        write_report(
            network,
            page,
            domain=domain,
            output=output,
            data=data,
            time_limit=time_limit,
            command=shlex.join(words),
            progress=progress,
        )
    print(f"wrote {shown_path(page)}", file=sys.stderr)


REPORT = Command(
    "report",
    report,
    "Write a page about a network.",
    (
        "puiseux report net.npz -o report.html",
        "puiseux report net.npz --domain 'box:0,8' --data train.csv -o report.html",
        "puiseux report large.npz --time-limit 600 -o large.html",
    ),
)
