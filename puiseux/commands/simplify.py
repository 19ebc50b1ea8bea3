"""``puiseux simplify``: the shortest max-plus formula of a network."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted
from puiseux.commands.options import Command, NetworkArgument, OutputOption, choices
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.network.network import Network
    from puiseux.questions.formula import NetworkFormula, Rounding

_MOST_SHOWN = 1000  # characters of a formula that was not asked for
_MOST_ON_TERMINAL = 2000  # characters of a formula on a terminal
_MOST_READABLE = 6  # digits of a coefficient that people read with ease
FORMATS = ("text", "latex", "sympy", "json", "python", "c")
NESTED_FORMATS = FORMATS[:3]
DEFAULT_LIMIT = 60.0
"""Seconds, unless --time-limit says otherwise."""


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
    nested: Annotated[
        bool, typer.Option("--nested", help="Write it layer by layer, as the network computes it: nested maxima.")
    ] = False,
    digits: Annotated[
        int | None,
        typer.Option("--digits", metavar="D", min=0, max=324, help="Round the weights and biases to D decimals first."),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(
            "--bits", metavar="N", min=0, max=1074, help="Round the weights and biases to multiples of 2^-N first."
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(
            "--domain", metavar="DOMAIN", help="Where to tell what rounding changes: as in count; box:-1,1 by default."
        ),
    ] = None,
    search: Annotated[
        bool, typer.Option("--search/--no-search", help="Look for a shorter pair of polynomials, or only prune.")
    ] = True,
    time_limit: Annotated[
        float,
        typer.Option("--time-limit", metavar="SECONDS", help="Stop then, with the shortest formula found; inf: never."),
    ] = DEFAULT_LIMIT,
) -> int:
    """Write a network as a difference of two max-plus polynomials without redundant terms."""
    if form not in FORMATS:
        raise UsageError(f"there is no format {quoted(form)}; --format takes {', '.join(FORMATS)}")
    if digits is not None and bits is not None:
        raise UsageError("--digits and --bits both round the network; give one of them")
    if domain is not None and digits is None and bits is None:
        raise UsageError("--domain says where to tell what rounding changes; give --digits or --bits too")
    if nested and form not in NESTED_FORMATS:
        raise UsageError(f"--nested writes {', '.join(NESTED_FORMATS)}, not {form}; leave one of the two out")
    from puiseux.questions.formula import ROUNDING_DOMAIN
    from puiseux.reading import load

    limit = None if time_limit == math.inf else time_limit
    exact = load(network, output=output)
    where = ROUNDING_DOMAIN if domain is None else domain
    if nested:
        return _print_nested(exact, form, digits, bits, where, limit, output or 0)
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import formula as formulas
    from tropical.printing import counted_terms

    with StepProgress() as progress:
        found = formulas.simplify(
            exact, search=search, digits=digits, bits=bits, domain=where, time_limit=limit, progress=progress
        )
    if form == "json":
        _print([json.dumps(found.to_json())], cut=False)
    elif form in ("python", "c"):
        _print([(found.to_python() if form == "python" else found.to_c()).removesuffix("\n")], cut=False)
    else:
        _print([each.render(form, decimals=found.decimals) for each in found.outputs], cut=True, first=output or 0)
        if found.complete:
            _tell_nested(found, form, output or 0)
        if found.rounding is None:
            _tell_digits(each.render(form) for each in found.outputs)
    if found.rounding is not None:
        _tell_rounding(found.rounding)
    for number, each in enumerate(found.outputs, output or 0):
        above, below = each.sizes["simplified"]
        print(
            f"output {number}: {counted_terms(above)} - {counted_terms(below)}, minimal: {each.minimal}",
            file=sys.stderr,
        )
    if found.reason is None:
        return ExitCode.DONE
    print(f"puiseux: {found.reason}; --time-limit inf goes on", file=sys.stderr)
    return ExitCode.STOPPED


def _print_nested(
    network: Network,
    form: str,
    digits: int | None,
    bits: int | None,
    domain: str,
    limit: float | None,
    first: int,
) -> int:
    """The outputs layer by layer, which needs no search."""
    from puiseux.questions.formula import nested_formulas, rounded_network

    network, rounding = rounded_network(network, digits, bits, domain, limit)
    written = nested_formulas(network, form, decimals=rounding is not None)
    _print(written, cut=True, first=first)
    if rounding is None:
        _tell_digits(written)
    else:
        _tell_rounding(rounding)
    return ExitCode.DONE


def _print(formulas: list[str], *, cut: bool, first: int = 0) -> None:
    """Print formulas of outputs from ``first`` on; on a terminal long ones are cut."""
    longest = _MOST_ON_TERMINAL if cut and sys.stdout.isatty() else None
    for number, text in enumerate(formulas, first):
        if longest is None or len(text) <= longest:
            print(text)
            continue
        print(f"{text[:longest].rpartition(',')[0]}, ..")
        print(f"output {number}: cut here; all {len(text):,} characters by -o FILE, or through | less", file=sys.stderr)


def _tell_nested(formula: NetworkFormula, form: str, first: int) -> None:
    for number, nested in enumerate(formula.nested(form), first):
        if nested is not None:
            shown = nested if len(nested) <= _MOST_SHOWN else f"{len(nested):,} characters; --nested writes it"
            print(f"output {number}, shorter layer by layer: {shown}", file=sys.stderr)


def _tell_digits(formulas: Iterable[str]) -> None:
    """Name the way to short coefficients where those of an exact formula are long."""
    longest = max((len(digits) for text in formulas for digits in re.findall("[0-9]+", text)), default=0)
    if longest > _MOST_READABLE:
        print(
            f"numbers of up to {longest} digits: --digits 2 rounds the weights first, and says what that changes",
            file=sys.stderr,
        )


def _tell_rounding(rounding: Rounding) -> None:
    from puiseux.questions.answers import readable_point

    print(rounding, file=sys.stderr)
    change = rounding.difference
    if change.point is not None and change.value:
        print(f"  that much at {readable_point(change.point)}", file=sys.stderr)


SIMPLIFY = Command(
    "simplify",
    simplify,
    "Write the shortest max-plus formula.",
    (
        "puiseux simplify net.npz",
        "puiseux simplify net.npz --digits 2",
        "puiseux simplify net.npz --bits 6 --domain 'box:0,1' --nested",
        "puiseux simplify net.npz --format latex",
        "puiseux simplify net.npz --output 0",
        "puiseux simplify net.npz --format c > net.c",
        "puiseux simplify large.npz --time-limit inf --format json -o formula.json",
    ),
)
