"""``puiseux topology``: Betti numbers, components and faces of the sets that outputs cut out, exactly."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted, shown_path
from puiseux.commands.options import BoundedTimeOption, Command, DomainOption, JsonOption, NetworkArgument, choices
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.network.network import Network
    from puiseux.questions.input_sets import Boundary
    from puiseux.questions.topology_answers import Topology

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
        typer.Option(
            "--boundary", metavar="I,J", help="Where outputs I and J are equal and at least all others; all: any two."
        ),
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
    unit: Annotated[
        str | None,
        typer.Option("--unit", metavar="S,U", help="Cut at a level of unit U of stage S (from 0, before its ReLU)."),
    ] = None,
    torsion: Annotated[bool, typer.Option("--torsion", help="List the torsion of the integral homology too.")] = False,
    cycles: Annotated[bool, typer.Option("--cycles", help="Find a cycle around each hole too.")] = False,
    critical: Annotated[
        bool, typer.Option("--critical-points", help="The critical vertices and flat parts of the output.")
    ] = False,
    pieces: Annotated[
        bool,
        typer.Option("--pieces", help="Count the pieces of a level or boundary alone, with -o write them."),
    ] = False,
    distances: Annotated[
        Path | None,
        typer.Option(
            "--distances",
            metavar="DATA",
            help="With --persistence: of the squared distance of vertices to these points (.csv ..).",
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--file",
            metavar="FILE",
            help="Draw the set (2 or 3 inputs), or with --persistence diagram and barcode: .png, .svg, .pdf, .html; "
            "with --pieces write a line of JSON for each.",
        ),
    ] = None,
    window: Annotated[
        str | None, typer.Option("--window", metavar="WINDOW", help="What to draw of the set, as in puiseux plot.")
    ] = None,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compute Betti numbers, components and faces of the set where an output is above a level, or of a class.

    Exact on all of R^n, where unbounded sets are not cut off, on boxes, polyhedra and slices, in any degeneracy.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.domains import pose
    from puiseux.questions import set_topology
    from puiseux.questions.input_sets import field_name
    from puiseux.reading import load
    from puiseux.time_limit import check_time_limit

    begun = time.monotonic()
    pair = None if boundary is None else _boundary(boundary)
    place = None if unit is None else _pair(unit, "--unit takes a stage and a unit of it; give S,U such as 0,2")
    check_time_limit(time_limit)
    field_name(field)
    exact = load(network)
    sets = {"--set": which, "--level": level, "--class": of_class, "--boundary": pair, "--unit": place}
    flags = {"--open": is_open, "--compactify": compactify, "--torsion": torsion, "--cycles": cycles}
    if distances is None:
        set_topology.posed_question(
            exact, output, sets, is_open, compactify, torsion, cycles, persistence, critical, pieces
        )
    else:
        _check_distances(persistence, {**flags, "--critical-points": critical, "--pieces": pieces})
    problem = pose(exact, domain)
    if picture is not None:
        _check_picture(picture, problem.network.input_dim, persistence, critical, pieces, window)
    elif window is not None:
        raise UsageError("--window is that of a picture; give it a file with -o")
    named: dict[str, Any] = {
        "output": output,
        "which": which,
        "level": level,
        "of_class": of_class,
        "boundary": pair,
        "unit": place,
    }
    lines = picture if pieces else None
    with StepProgress() as progress:
        progress("Counting the pieces" if pieces else "Listing the faces")
        if lines is not None:
            found = _with_lines(lines, exact, domain, named, time_limit)
        elif distances is not None:
            found = set_topology.vertex_persistence(
                exact, None, domain, data=distances, field=field, time_limit=time_limit, **named
            )
        else:
            found = set_topology.topology(
                exact,
                domain,
                **named,
                open=is_open,
                compactify=compactify,
                field=field,
                persistence=persistence,
                time_limit=time_limit,
                torsion=torsion,
                cycles=cycles,
                critical=critical,
                pieces=pieces,
            )
    print(json.dumps(found.to_json()) if as_json else set_topology.describe(found, shown_path(network)))
    if found.reason is not None:
        beside = "" if lines is None else f", and {shown_path(lines)} was not written"
        print(f"puiseux: {found.reason}: there is no answer yet{beside}; give more time", file=sys.stderr)
        return ExitCode.STOPPED
    if picture is None or lines is not None:
        return ExitCode.DONE
    options = {**named, "open": is_open, "window": window}
    with StepProgress() as progress:
        progress("Drawing")
        left = None if time_limit is None else max(0.001, time_limit - (time.monotonic() - begun))
        written = _drawn_within(left, picture, lambda path: _draw(path, found, exact, domain, options))
    if written:
        print(f"wrote {shown_path(picture)}", file=sys.stderr)
        return ExitCode.DONE
    print(
        f"puiseux: {shown_path(picture)}: not written, stopped at the time limit of {time_limit:g} s", file=sys.stderr
    )
    return ExitCode.STOPPED


class _Unfinished(Exception):
    """The time was over before all pieces were written."""


def _with_lines(path: Path, network: Network, domain: str, named: dict[str, Any], time_limit: float | None) -> Topology:
    """Count the pieces and write them to a file, which appears only where all of them are there."""
    from nn_bridge.writers.files import whole_file
    from puiseux.questions.set_topology import topology

    with suppress(_Unfinished), whole_file(path) as stream:
        found = topology(
            network,
            domain,
            **named,
            pieces=True,
            write=lambda line: stream.write(line.encode()),
            time_limit=time_limit,
        )
        if found.reason is not None:
            raise _Unfinished
    return found


def _drawn_within(seconds: float | None, picture: Path, draw: Callable[[Path], None]) -> bool:
    """Draw into a file; False where the time is over before."""
    from polyhedra.limits import OutOfTime
    from puiseux.pictures.limits import draw_within

    if seconds is None:
        draw(picture)
        return True
    try:
        draw_within(seconds, draw, picture)
    except OutOfTime:
        return False
    return True


def _boundary(text: str) -> Boundary:
    wanted = "--boundary lies between two outputs; give I,J such as 0,1, or all"
    return "all" if text.strip() == "all" else _pair(text, wanted)


def _pair(text: str, wanted: str) -> tuple[int, int]:
    """Two numbers from 0."""
    first, comma, second = text.partition(",")
    if not (comma and first.strip().isdecimal() and second.strip().isdecimal() and len(text) < 40):
        raise UsageError(f"{wanted}, not {quoted(text)}")
    return int(first), int(second)


def _check_distances(persistence: bool, flags: dict[str, bool]) -> None:
    """Refuse options that do not go with ``--distances``."""
    if not persistence:
        raise UsageError("--distances filters by values at vertices; add --persistence")
    for option, given in flags.items():
        if given:
            raise UsageError(f"--distances filters the closed set itself; leave {option} out")


def _check_picture(
    picture: Path, inputs: int, persistence: bool, critical: bool, pieces: bool, window: str | None
) -> None:
    """Refuse a picture that cannot be drawn before anything is computed, and one in place of lines of JSON."""
    from puiseux.pictures.plot import PICTURE_ENDINGS, checked_path

    if pieces:
        if picture.suffix.lower() in PICTURE_ENDINGS:
            raise UsageError("--pieces are written as lines of JSON; give -o a name such as pieces.jsonl")
        if window is not None:
            raise UsageError("--window is that of a picture; leave it out with --pieces")
        return
    checked_path(picture, PICTURE_ENDINGS)
    if critical:
        raise UsageError("there is no picture of critical points; leave -o out")
    if not persistence and inputs not in (2, 3):
        way = "'puiseux plot' draws the output" if inputs == 1 else "give --domain slice:FILE"
        raise UsageError(f"a set is drawn in two or three inputs, not {inputs}; {way}")


def _draw(picture: Path, found: Topology, network: Network, domain: str, options: dict[str, Any]) -> None:
    if found.pairs is not None:
        from puiseux.pictures.pages import save_figure
        from puiseux.pictures.persistence import plot_persistence

        save_figure(plot_persistence(found.pairs), str(picture))
        return
    from puiseux.pictures.decision_regions import save_decision_region

    save_decision_region(picture, network, domain, **options)


TOPOLOGY = Command(
    "topology",
    topology,
    "Betti numbers and components of decision regions, exactly.",
    (
        "puiseux topology net.npz",
        "puiseux topology net.npz --level 1/2 --set below --open --domain 'box:-1,1' --json",
        "puiseux topology classes.onnx --class 0 --compactify --field 2",
        "puiseux topology classes.onnx --boundary 0,1",
        "puiseux topology classes.onnx --boundary all",
        "puiseux topology net.npz --pieces --level 1/2 --json",
        "puiseux topology classes.onnx --boundary 0,1 --pieces -o boundary.jsonl",
        "puiseux topology net.npz --persistence --json",
        "puiseux topology net.npz --critical-points",
        "puiseux topology net.npz --unit 0,3 --set level --cycles --torsion --json",
        "puiseux topology net.npz --persistence --distances train.csv -o diagram.svg",
        "puiseux topology net.npz --window=-2,2 -o components_and_holes.png",
    ),
)
