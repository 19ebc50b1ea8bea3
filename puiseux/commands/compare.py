"""``puiseux compare``: do two networks compute the same function?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, JsonOption, TimeLimitOption
from puiseux.exit_codes import ExitCode


def compare(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="A network file.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="Another one.", show_default=False)],
    time_limit: TimeLimitOption = None,
    as_json: JsonOption = False,
) -> int:
    """Decide exactly whether two networks are the same function; else give a point where they differ."""
    from puiseux import comparison
    from puiseux.reading import load
    from puiseux.time_limit import within
    from puiseux.waiting import StepProgress

    networks = load(first), load(second)
    with StepProgress() as progress:
        progress("Comparing")
        result = within(time_limit, lambda: comparison.compare(*networks))
    print(
        json.dumps(result.to_json()) if as_json else comparison.describe(result, shown_path(first), shown_path(second))
    )
    return ExitCode.DONE if result.same else ExitCode.DIFFERENT


COMPARE = Command(
    "compare",
    compare,
    "Are two networks the same function?",
    (
        "puiseux compare net.npz pruned.json",
        "puiseux compare a.npz b.npz --json",
        "puiseux compare a.onnx b.onnx --time-limit 60",
    ),
)
