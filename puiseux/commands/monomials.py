"""``puiseux monomials``: how many terms the max-plus formula has before and after pruning."""

from __future__ import annotations

import json
from typing import Any

from puiseux.commands.options import Command, JsonOption, NetworkArgument, OutputOption


def monomials(network: NetworkArgument, output: OutputOption = None, as_json: JsonOption = False) -> None:
    """Count the monomials of the numerator and denominator: native (full expansion) and pruned."""
    from puiseux.formula import count_monomials
    from puiseux.reading import load

    result = count_monomials(load(network, output=output))
    print(json.dumps(result) if as_json else table(result))


def table(result: dict[str, Any]) -> str:
    """The numbers for people, one line per output."""
    header = ("output", "native numerator", "denominator", "pruned numerator", "denominator")
    columns = [(kind, part) for kind in ("native", "pruned") for part in ("numerator", "denominator")]
    rows: list[tuple[str, ...]] = [header]
    for index, entry in enumerate(result["outputs"]):
        rows.append((str(index), *(f"{entry[kind][part]:,}" for kind, part in columns)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


MONOMIALS = Command(
    "monomials",
    monomials,
    "Count the terms of the max-plus formula.",
    ("puiseux monomials net.npz", "puiseux monomials net.npz --json"),
)
