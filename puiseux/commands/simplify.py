"""``puiseux simplify``: the shortest max-plus formula of a network."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from polyhedra.errors import UsageError
from puiseux.commands.options import Command, NetworkArgument, OutputOption

FORMATS = ("text", "latex", "sympy", "json")


def simplify(
    network: NetworkArgument,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, latex, sympy or json.")] = "text",
    output: OutputOption = None,
) -> None:
    """Write a network as a difference of two max-plus polynomials without redundant terms."""
    if form not in FORMATS:
        raise UsageError(f"there is no format {form!r}; --format takes {', '.join(FORMATS)}")
    from puiseux.formula import simplify_network
    from puiseux.reading import load

    formula = simplify_network(load(network, output=output))
    if form == "json":
        print(json.dumps(formula.to_json()))
    else:
        print({"text": formula.to_text, "latex": formula.to_latex, "sympy": formula.to_sympy}[form]())


SIMPLIFY = Command(
    "simplify",
    simplify,
    "Write the shortest max-plus formula.",
    ("puiseux simplify net.npz", "puiseux simplify net.npz --format latex", "puiseux simplify net.npz --output 0"),
)
