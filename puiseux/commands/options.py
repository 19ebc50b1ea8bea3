"""The arguments and options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

LONGEST_NOTE = 1000
"""Characters of a note about a network that are printed; the notes of a file may be of any length."""


class Command(NamedTuple):
    """One command: its name, the function that runs it, one line for the list of commands, examples for its help."""

    name: str
    function: Callable[..., int | None]
    summary: str
    examples: tuple[str, ...]


def choices(home: str, name: str) -> Callable[[str], list[str]]:
    """Completion of an option's value: the words in a table of a module, which is imported when a shell asks."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in getattr(import_module(home), name) if word.startswith(incomplete)]

    return complete


NetworkArgument = Annotated[
    Path,
    typer.Argument(
        metavar="NETWORK",
        help="A network file: .npz, .json, .onnx, .pt, .pth or .nnet; - is JSON on standard input.",
        show_default=False,
    ),
]
NetworksArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="NETWORK...",
        help="A network file: .npz, .json, .onnx, .pt, .pth or .nnet, or - for JSON on standard input; or several.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout.")]
OutputOption = Annotated[
    int | None,
    typer.Option("--output", metavar="K", help="Take output K alone (from 0); all outputs together by default."),
]
DomainOption = Annotated[
    str,
    typer.Option(
        "--domain",
        metavar="DOMAIN",
        help="all, box:LO,HI, box:LO1,HI1;LO2,HI2;..., polyhedron:FILE or slice:FILE (decimals are exact).",
    ),
]
TimeLimitOption = Annotated[
    float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop then, without an answer.")
]
BoundedTimeOption = Annotated[
    float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop then, with what is known.")
]
