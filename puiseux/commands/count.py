"""``puiseux count``: the four region counts of a network."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nn_bridge.region_count import Count
from polyhedra.quoting import shown, shown_path
from puiseux.commands.options import (
    LONGEST_NOTE,
    Command,
    DomainOption,
    JsonOption,
    NetworkArgument,
    OutputOption,
    choices,
)
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.network.network import Network
    from nn_bridge.region_count import RegionCount
    from puiseux.domains import Problem


def count(
    network: NetworkArgument,
    domain: DomainOption = "all",
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="ENGINE",
            help="auto (cells), cells, tropical, milp or sign-vectors.",
            autocompletion=choices("puiseux.routes", "ENGINES"),
        ),
    ] = "auto",
    output: OutputOption = None,
    counts: Annotated[
        str | None,
        typer.Option(
            "--counts", metavar="WHAT", help="all (some 100 bytes a cell), or cells alone: faster, next to no memory."
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", help="Work with N threads.")] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop then, with lower bounds.")
    ] = None,
    max_cells: Annotated[
        int | None, typer.Option("--max-cells", metavar="N", help="Stop beyond N cells, with lower bounds.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", metavar="SIZE", help="Stop rather than occupy more, such as 2GiB.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", metavar="DIR", help="Go on from here after being stopped or killed.")
    ] = None,
    on_degenerate: Annotated[
        str | None,
        typer.Option("--on-degenerate", metavar="WHAT", help="Of sign-vectors: report, raise, or exact."),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE", help="Write the proof there (.gz: compressed); see verify."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Count the linear regions of a network exactly, by four definitions side by side."""
    from puiseux.console.waiting import CellProgress
    from puiseux.domains import pose
    from puiseux.questions.count import AUTO, choose_engine, count_problem
    from puiseux.reading import load

    begun = time.monotonic()
    exact = load(network, output=output)
    problem = pose(exact, domain)
    with CellProgress() as progress:
        by_cells = (choose_engine(problem) if engine == AUTO else engine) == "cells"
        if certificate is not None:
            _require_certifiable(certificate, engine, by_cells)
        result = count_problem(
            problem,
            engine,
            counts=counts,
            workers=workers,
            time_limit=time_limit,
            max_cells=max_cells,
            memory=memory,
            checkpoint=checkpoint,
            on_degenerate=on_degenerate,
            progress=progress if by_cells else None,
        )
    proven = True
    if certificate is not None:
        left = None if time_limit is None else max(0.0, time_limit - (time.monotonic() - begun))
        proven = _certify(problem, result, certificate, left)
    for note in exact.notes:
        print(f"note: {shown(note, LONGEST_NOTE)}", file=sys.stderr)
    if as_json:
        print(json.dumps(result.to_json(problem.network)))
    else:
        print(table(result, problem.network, shown_path(network)))
    if result.complete:
        return ExitCode.DONE if proven else ExitCode.STOPPED
    if result.reason == "interrupted":
        return ExitCode.INTERRUPTED
    numbers = "there are no numbers yet" if result.cells is None else "the numbers are lower bounds"
    print(f"puiseux: {result.reason}: {numbers}", file=sys.stderr)
    return ExitCode.STOPPED


def _require_certifiable(certificate: Path, engine: str, by_cells: bool) -> None:
    from nn_bridge.writers.files import require_writable
    from polyhedra.errors import UsageError
    from polyhedra.quoting import quoted

    if not by_cells:
        raise UsageError(f"the engine {quoted(engine)} proves nothing; --certificate goes with --engine cells")
    require_writable(certificate)


def _certify(problem: Problem, result: RegionCount, certificate: Path, seconds: float | None) -> bool:
    """Write the certificate; False where the time is over before."""
    from polyhedra.limits import OutOfTime, time_limit
    from puiseux.certificates.certificate import certify
    from puiseux.console.waiting import CellProgress

    if not result.complete:
        print(f"puiseux: {shown_path(certificate)}: not written, since the count is not complete", file=sys.stderr)
        return True
    try:
        with CellProgress() as progress, time_limit(seconds):
            proven = certify(problem, certificate, progress=progress)
    except OutOfTime:
        where = shown_path(certificate)
        print(f"puiseux: {where}: not written: the time limit was reached; give more time", file=sys.stderr)
        return False
    for name, value in proven.counts.items():
        if None not in (value, result.counts[name]) and value != result.counts[name]:
            raise RuntimeError(f"the certificate proves {value} {name}, the count gave {result.counts[name]}")
    name = shown_path(certificate)
    if certificate.is_file():
        size = f"{certificate.stat().st_size:,} bytes"
        print(f"puiseux: wrote the proof, {size}; to check it: puiseux verify {name}", file=sys.stderr)
    else:
        print(f"puiseux: wrote the proof to {name}", file=sys.stderr)
    return True


def table(result: RegionCount, network: Network, name: str) -> str:
    """The counts for people: one line each with its meaning."""
    layers = f"{' + '.join(map(str, network.hidden))} units" if network.hidden else "no hidden units"
    inputs, outputs = _number(network.input_dim, "input"), _number(network.output_dim, "output")
    where = f"all of R^{network.input_dim}" if result.domain == "all" else shown_path(result.domain)
    at_least = "" if result.complete else ">= "
    shown = {key: "-" if value is None else f"{at_least}{value:,}" for key, value in result.counts.items()}
    width = max(map(len, shown.values()))
    lines = [f"{name}: {inputs}, {layers}, {outputs}", f"on {where}, engine {result.engine}:", ""]
    lines += [f"  {count:<16} {shown[count]:>{width}}  {count.short}" for count in Count]
    certainty = "exact" if result.exact else "not proven"
    if not result.complete:
        certainty = "incomplete: lower bounds only"
    reason = f" ({result.reason})" if result.reason else ""
    return "\n".join([*lines, "", f"{certainty}{reason}, {result.seconds:.2f} s"])


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


COUNT = Command(
    "count",
    count,
    "Count the linear regions, exactly.",
    (
        "puiseux count net.npz",
        "puiseux count net.npz --domain 'box:-1,1' --json",
        "puiseux count large.npz --counts cells --workers 8 --checkpoint large.count --time-limit 3600",
        "puiseux count digits.npz --domain slice:plane.json --output 3",
        "puiseux count net.npz --certificate net.cert && puiseux verify net.cert --network net.npz",
    ),
)
