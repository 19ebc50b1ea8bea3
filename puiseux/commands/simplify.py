"""``puiseux simplify``: the shortest max-plus formula of a network."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from polyhedra.errors import UsageError
from puiseux.commands.options import Command, NetworkArgument, OutputOption, choices

_MOST_SHOWN = 1000  # characters of a formula that nobody asked for
_NESTED = "in Python puiseux.simplify(..).nested() has it"
FORMATS = ("text", "latex", "sympy", "json", "python", "c")


def simplify(
    network: NetworkArgument,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, latex, sympy, json, python or c.",
            autocompletion=choices("puiseux.commands.simplify", "FORMATS"),
        ),
    ] = "text",
    output: OutputOption = None,
    search: Annotated[
        bool, typer.Option("--search/--no-search", help="Look for a shorter pair of polynomials, or only prune.")
    ] = True,
) -> None:
    """Write a network as a difference of two max-plus polynomials without redundant terms."""
    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}; --format takes {', '.join(FORMATS)}")
    from puiseux import formula
    from puiseux.waiting import StepProgress

    with StepProgress() as progress:
        progress("Looking for the shortest formula" if search else "Pruning")
        result = formula.simplify(network, output=output, search=search)
    if form == "json":
        print(json.dumps(result.to_json()))
    elif form in ("python", "c"):
        print(result.to_python() if form == "python" else result.to_c(), end="")
    else:
        for each in result.outputs:
            print(each.render(form))
        for number, nested in enumerate(result.nested(form)):
            if nested is not None:
                shown = nested if len(nested) <= _MOST_SHOWN else f"{len(nested):,} characters; {_NESTED}"
                print(f"output {number}, shorter layer by layer: {shown}", file=sys.stderr)
    for number, each in enumerate(result.outputs):
        above, below = each.sizes["simplified"]
        print(f"output {number}: {above} terms - {below} terms, minimal: {each.minimal}", file=sys.stderr)


SIMPLIFY = Command(
    "simplify",
    simplify,
    "Write the shortest max-plus formula.",
    (
        "puiseux simplify net.npz",
        "puiseux simplify net.npz --format latex",
        "puiseux simplify net.npz --output 0",
        "puiseux simplify net.npz --format c > net.c",
    ),
)
