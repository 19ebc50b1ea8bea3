"""``puiseux monomials``: how many terms the max-plus formula has before and after pruning."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from puiseux.commands.long_numbers import numbers_of_any_length, readable
from puiseux.commands.options import Command, JsonOption, NetworkArgument, OutputOption, TimeLimitOption

_HEADER = ("native numerator", "denominator", "pruned numerator", "denominator")


def monomials(
    network: NetworkArgument,
    output: OutputOption = None,
    layers: Annotated[bool, typer.Option("--layers", help="Count those of every hidden unit too.")] = False,
    time_limit: TimeLimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count the monomials of the numerator and denominator: native (full expansion) and pruned."""
    from nn_bridge.expressivity.complexity import monomial_complexity
    from puiseux.console.waiting import StepProgress
    from puiseux.reading import load
    from puiseux.time_limit import within

    exact = load(network, output=output)
    with StepProgress() as progress:
        progress("Counting monomials")
        found = within(time_limit, lambda: monomial_complexity(exact, layers=layers))
    result: dict[str, Any] = {"outputs": [entry.to_json() for entry in found.outputs]}
    if layers:
        result["layers"] = [[entry.to_json() for entry in entries] for entries in found.layers]
    with numbers_of_any_length():
        print(json.dumps(result) if as_json else table(result, output or 0))


def table(result: dict[str, Any], first: int = 0) -> str:
    """The numbers for people, one line per unit and output, numbered from ``first``."""
    header = ("layer" if "layers" in result else "output", *_HEADER)
    columns = [(kind, part) for kind in ("native", "pruned") for part in ("numerator", "denominator")]
    units = [
        (f"{layer} unit {unit}", entry)
        for layer, entries in enumerate(result.get("layers", ()), 1)
        for unit, entry in enumerate(entries)
    ]
    label = "output " if units else ""
    outputs = [(f"{label}{index}", entry) for index, entry in enumerate(result["outputs"], first)]
    rows: list[tuple[str, ...]] = [header]
    for name, entry in (*units, *outputs):
        rows.append((name, *(readable(entry[kind][part]) for kind, part in columns)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


MONOMIALS = Command(
    "monomials",
    monomials,
    "Count the terms of the max-plus formula.",
    (
        "puiseux monomials net.npz",
        "puiseux monomials net.npz --layers --json",
        "puiseux monomials large.npz --time-limit 60",
    ),
)
