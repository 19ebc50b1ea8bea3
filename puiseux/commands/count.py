"""``puiseux count``: the four region counts of a network."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyhedra.quoting import shown, shown_path
from puiseux.commands.options import (
    LONGEST_NOTE,
    Command,
    DomainOption,
    JsonOption,
    NetworksArgument,
    OutputOption,
    choices,
)
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.cells.complex import CellComplex
    from nn_bridge.network.network import Network
    from nn_bridge.region_count import RegionCount
    from puiseux.domains import Problem


def count(
    networks: NetworksArgument,
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
            "--counts", metavar="WHAT", help="all (14 to 100 bytes a cell), or cells alone: faster, next to no memory."
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
    definitions: Annotated[
        bool,
        typer.Option("--definitions", help="All six definitions of the literature, for networks with few cells."),
    ] = False,
    estimate: Annotated[
        float | None,
        typer.Option(
            "--estimate", metavar="SECONDS", help="Estimate the number of cells instead, between proven bounds."
        ),
    ] = None,
    parity: Annotated[
        float | None,
        typer.Option(
            "--parity", metavar="P", help="With --estimate: a lower bound of probability P too, on a bounded domain."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Count the linear regions of a network exactly, by four definitions side by side; of several ones in a table."""
    from puiseux.domains import pose
    from puiseux.questions.answers import readable_name
    from puiseux.questions.count import AUTO, choose_engine, count_and_keep, count_problem, why_twice
    from puiseux.questions.definitions import definitions_of
    from puiseux.questions.outlook import MemoryLimit, shown_outlook
    from puiseux.reading import load

    begun = time.monotonic()
    options: dict[str, Any] = {
        "counts": counts,
        "workers": workers,
        "time_limit": time_limit,
        "max_cells": max_cells,
        "memory": memory,
        "on_degenerate": on_degenerate,
    }
    if estimate is not None:
        given = options | {"certificate": certificate, "checkpoint": checkpoint, "definitions": definitions or None}
        return _estimate(networks, domain, engine, output, estimate, parity, given, as_json)
    if parity is not None:
        from polyhedra.errors import UsageError

        raise UsageError("--parity goes with --estimate SECONDS; add it")
    if len(networks) > 1:
        single = definitions or checkpoint is not None or certificate is not None
        return _count_several(networks, domain, engine, output, options, single, as_json)
    (network,) = networks
    exact = load(network, output=output)
    problem = pose(exact, domain)
    with shown_outlook(problem, None if counts == "cells" else MemoryLimit.of(memory)) as progress:
        by_cells = (choose_engine(problem) if engine == AUTO else engine) == "cells"
        if certificate is not None:
            _require_certifiable(certificate, engine, by_cells)
        if definitions:
            _require_all_counts(engine, by_cells, counts)
        options |= {"checkpoint": checkpoint, "progress": progress if by_cells else None}
        found = None
        if certificate is None:
            result = count_problem(problem, engine, **options)
        else:
            result, found = count_and_keep(problem, engine, **options)
    proven = True
    if certificate is not None:
        left = None if time_limit is None else max(0.0, time_limit - (time.monotonic() - begun))
        if result.complete and found is None:
            print(f"note: the cells are enumerated once more for the proof ({why_twice(options)})", file=sys.stderr)
        proven = _certify(problem, result, found, certificate, left)
    for note in exact.notes:
        print(f"note: {shown(note, LONGEST_NOTE)}", file=sys.stderr)
    six = None
    if definitions:
        six = definitions_of(problem, result, time_limit, begun)
    if as_json:
        print(json.dumps(result.to_json(problem.network) | ({} if six is None else {"definitions": six.to_json()})))
    else:
        text = table(result, problem.network, readable_name(network, output))
        print(text if six is None else f"{text}\n\n{six.to_text()}")
    if six is not None and result.complete and not six.complete:
        print(f"puiseux: {six.reason}: not every definition is exact", file=sys.stderr)
        return ExitCode.STOPPED
    if result.complete:
        return ExitCode.DONE if proven else ExitCode.STOPPED
    if result.reason == "interrupted":
        return ExitCode.INTERRUPTED
    numbers = "there are no numbers yet" if result.cells is None else "the numbers are lower bounds"
    print(f"puiseux: {result.reason}: {numbers}", file=sys.stderr)
    return ExitCode.STOPPED


def _count_several(
    networks: list[Path],
    domain: str,
    engine: str,
    output: int | None,
    options: dict[str, Any],
    single: bool,
    as_json: bool,
) -> int:
    from polyhedra.errors import UsageError
    from puiseux.commands.count_several import count_several, read_all
    from puiseux.questions.count import AUTO, choose_engine, count_problem
    from puiseux.questions.outlook import MemoryLimit, shown_outlook

    if single:
        raise UsageError("--certificate, --checkpoint and --definitions take one network; count the others without")
    subjects = read_all(networks, domain, output)

    def count_one(problem: Problem) -> RegionCount:
        by_cells = (choose_engine(problem) if engine == AUTO else engine) == "cells"
        limit = None if options["counts"] == "cells" else MemoryLimit.of(options["memory"])
        with shown_outlook(problem, limit) as progress:
            return count_problem(problem, engine, **options, progress=progress if by_cells else None)

    return count_several(subjects, count_one, as_json)


def _estimate(
    networks: list[Path],
    domain: str,
    engine: str,
    output: int | None,
    seconds: float,
    parity: float | None,
    options: dict[str, Any],
    as_json: bool,
) -> int:
    from polyhedra.errors import UsageError
    from puiseux.commands.long_numbers import numbers_of_any_length
    from puiseux.questions.answers import readable_name
    from puiseux.questions.count import AUTO
    from puiseux.questions.estimates import describe, estimate_cells
    from puiseux.reading import load

    if len(networks) > 1:
        raise UsageError("--estimate takes one network; estimate the others one by one")
    if engine not in (AUTO, "cells"):
        raise UsageError("--estimate goes with --engine cells; leave --engine out")
    if options.pop("counts") not in (None, "cells"):
        raise UsageError("--estimate is about cells; leave out --counts")
    for option, value in options.items():
        if value is not None:
            raise UsageError(f"--estimate goes without --{option.replace('_', '-')}; leave it out")
    exact = load(networks[0], output=output)
    found = estimate_cells(exact, domain, seconds=seconds, parity=parity)
    for note in exact.notes:
        print(f"note: {shown(note, LONGEST_NOTE)}", file=sys.stderr)
    with numbers_of_any_length():
        print(json.dumps(found.to_json()) if as_json else describe(found, readable_name(networks[0], output)))
    return ExitCode.INTERRUPTED if found.reason == "interrupted" else ExitCode.DONE


def _require_certifiable(certificate: Path, engine: str, by_cells: bool) -> None:
    from nn_bridge.writers.files import require_writable
    from polyhedra.errors import UsageError
    from polyhedra.quoting import quoted

    if not by_cells:
        raise UsageError(f"the engine {quoted(engine)} proves nothing; --certificate goes with --engine cells")
    require_writable(certificate)


def _require_all_counts(engine: str, by_cells: bool, counts: str | None) -> None:
    from polyhedra.errors import UsageError
    from polyhedra.quoting import quoted

    if not by_cells:
        raise UsageError(f"--definitions goes with --engine cells, not with {quoted(engine)}")
    if counts is not None and counts != "all":
        raise UsageError("--definitions counts everything: leave out --counts")


def _certify(
    problem: Problem, result: RegionCount, found: CellComplex | None, certificate: Path, seconds: float | None
) -> bool:
    """Write the certificate; False where the time is over before."""
    from polyhedra.limits import OutOfTime, time_limit
    from puiseux.certificates.certificate import certify
    from puiseux.console.waiting import CellProgress

    if not result.complete:
        print(f"puiseux: {shown_path(certificate)}: not written, since the count is not complete", file=sys.stderr)
        return True
    try:
        with CellProgress() as progress, time_limit(seconds):
            proven = certify(problem, certificate, complex_=found, progress=progress)
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
    from nn_bridge.region_count import Count
    from polyhedra.plurals import counted
    from puiseux.questions.answers import readable_domain

    layers = f"{' + '.join(map(str, network.hidden))} unit{'' if network.hidden == (1,) else 's'}"
    if not network.hidden:
        layers = "no hidden units"
    inputs, outputs = counted(network.input_dim, "input"), counted(network.output_dim, "output")
    where = readable_domain(result.domain, network.input_dim)
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


COUNT = Command(
    "count",
    count,
    "Count the linear regions, exactly.",
    (
        "puiseux count net.npz",
        "puiseux count net.npz --domain 'box:-1,1' --json",
        "puiseux count a.npz b.npz c.onnx",
        "puiseux count large.npz --counts cells --workers 8 --checkpoint large.count --time-limit 3600",
        "puiseux count digits.npz --domain slice:plane.json --output 3",
        "puiseux count net.npz --certificate net.cert && puiseux verify net.cert --network net.npz",
        "puiseux count small.npz --definitions",
        "puiseux count huge.npz --estimate 60",
    ),
)
