"""``puiseux simplify``: the shortest max-plus formula of a network."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted
from puiseux.commands.options import Command, NetworkArgument, OutputOption, choices
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from puiseux.questions.formula import NetworkFormula

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
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", metavar="SECONDS", help="Stop then, with the shortest formula found."),
    ] = None,
) -> int:
    """Write a network as a difference of two max-plus polynomials without redundant terms."""
    if form not in FORMATS:
        raise UsageError(f"there is no format {quoted(form)}; --format takes {', '.join(FORMATS)}")
    found, complete = _found(network, output, search, time_limit)
    if not found:
        print(
            f"puiseux: stopped at the time limit of {time_limit:g} s: there is no formula yet; give more time, or take "
            "a smaller network",
            file=sys.stderr,
        )
        return ExitCode.STOPPED
    formula = found[-1]
    if form == "json":
        print(json.dumps(formula.to_json()))
    elif form in ("python", "c"):
        print(formula.to_python() if form == "python" else formula.to_c(), end="")
    else:
        for each in formula.outputs:
            print(each.render(form))
        for number, nested in enumerate(formula.nested(form)):
            if nested is not None:
                shown = nested if len(nested) <= _MOST_SHOWN else f"{len(nested):,} characters; {_NESTED}"
                print(f"output {number}, shorter layer by layer: {shown}", file=sys.stderr)
    for number, each in enumerate(formula.outputs):
        above, below = each.sizes["simplified"]
        print(f"output {number}: {above} terms - {below} terms, minimal: {each.minimal}", file=sys.stderr)
    if complete:
        return ExitCode.DONE
    print(
        f"puiseux: stopped at the time limit of {time_limit:g} s: pruned, but not searched to the end", file=sys.stderr
    )
    return ExitCode.STOPPED


def _found(
    network: Path, output: int | None, search: bool, time_limit: float | None
) -> tuple[list[NetworkFormula], bool]:
    """The formulas that there are in time, the best one last, and whether it is the one asked for."""
    from puiseux.console.waiting import StepProgress
    from puiseux.cross_check.isolation import OutOfTime, run_isolated
    from puiseux.questions import formula
    from puiseux.reading import load
    from puiseux.time_limit import check_time_limit

    check_time_limit(time_limit)
    exact = load(network, output=output)

    def task() -> Iterator[NetworkFormula]:
        if search and time_limit is not None:
            yield formula.simplify(exact, search=False)
        yield formula.simplify(exact, search=search)

    found: list[NetworkFormula] = []
    with StepProgress() as progress:
        progress("Looking for the shortest formula" if search else "Pruning")
        try:
            found.extend(task() if time_limit is None else run_isolated(task, time_limit))
        except OutOfTime:
            return found, False
    return found, True


SIMPLIFY = Command(
    "simplify",
    simplify,
    "Write the shortest max-plus formula.",
    (
        "puiseux simplify net.npz",
        "puiseux simplify net.npz --format latex",
        "puiseux simplify net.npz --output 0",
        "puiseux simplify net.npz --format c > net.c",
        "puiseux simplify large.npz --time-limit 60 --format json",
    ),
)
