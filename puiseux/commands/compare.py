"""``puiseux compare``: do two networks compute the same function, and how far apart are they?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import BoundedTimeOption, Command, DomainOption, JsonOption
from puiseux.console.exit_codes import ExitCode


def compare(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="A network file.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="Another one.", show_default=False)],
    domain: DomainOption = "all",
    within: Annotated[
        str | None,
        typer.Option(
            "--within", metavar="EPS", help="Do all outputs differ by EPS at most? Finds the largest difference."
        ),
    ] = None,
    same_class: Annotated[
        bool, typer.Option("--same-class", help="Is some output highest in both everywhere?")
    ] = False,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Decide exactly whether two networks are the same function; else give a point where they differ.

    With --within, --same-class or a domain it finds their largest difference there (maximum norm over the outputs).
    """
    if within is None and not same_class and domain.strip() == "all":
        return _same_function(first, second, time_limit, as_json)
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import differences
    from puiseux.reading import load

    networks = load(first), load(second)
    with StepProgress() as progress:
        progress("Comparing")
        found = differences.largest_difference(
            *networks, domain, within=within, same_class=same_class, time_limit=time_limit, progress=progress
        )
    names = shown_path(first), shown_path(second)
    print(json.dumps(found.to_json(same_class)) if as_json else differences.describe(found, *names))
    answer = found.within if within is not None else found.same_class if same_class else found.same_function
    if answer is None:
        print(f"puiseux: {found.reason}: not decided", file=sys.stderr)
        return ExitCode.STOPPED
    return ExitCode.DONE if answer else ExitCode.DIFFERENT


def _same_function(first: Path, second: Path, time_limit: float | None, as_json: bool) -> int:
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import comparison
    from puiseux.reading import load
    from puiseux.time_limit import within

    networks = load(first), load(second)
    with StepProgress() as progress:
        progress("Comparing")
        result = within(time_limit, lambda: comparison.compare(*networks))
    names = shown_path(first), shown_path(second)
    print(json.dumps(result.to_json()) if as_json else comparison.describe(result, *names))
    return ExitCode.DONE if result.same else ExitCode.DIFFERENT


COMPARE = Command(
    "compare",
    compare,
    "Are two networks the same function, and how far apart?",
    (
        "puiseux compare net.npz pruned.json",
        "puiseux compare a.npz b.npz --json",
        "puiseux compare a.onnx b.onnx --time-limit 60",
        "puiseux compare net.npz quantised.npz --within 1/100 --domain 'box:-1,1'",
        "puiseux compare net.npz quantised.npz --same-class --domain 'box:0,1'",
    ),
)
