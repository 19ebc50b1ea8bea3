"""``puiseux reduce``: the same function with fewer units."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, DomainOption, JsonOption, NetworkArgument

_FLOATS = (".npz", ".pt", ".pth", ".onnx")
# formats of float64 entries: where a chain stays a chain most entries stay the floats that they were


def reduce(
    network: NetworkArgument,
    target: Annotated[
        Path | None,
        typer.Option("-o", "--file", metavar="FILE", help="Where to write the smaller network.", show_default=False),
    ] = None,
    domain: DomainOption = "all",
    proofs: Annotated[
        str,
        typer.Option(
            "--proofs",
            metavar="KIND",
            help="What proves that units keep their sign: cells, bounds, signs (of weights), or auto.",
        ),
    ] = "auto",
    keep_chain: Annotated[
        bool | None,
        typer.Option(
            "--keep-chain/--no-keep-chain",
            help="Keep a chain of layers a chain; by default where FILE holds floats.",
            show_default=False,
        ),
    ] = None,
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="SECONDS", help="When to stop proving.")] = 30.0,
    precision: Annotated[
        str | None,
        typer.Option("--precision", metavar="TYPE", help="Round what is written to float64 or float32."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the units that a network does not need on a domain; the function there stays exactly the same."""
    from puiseux.questions.reduction import reduce_network
    from puiseux.reading import save

    chain = target is not None and target.suffix.lower() in _FLOATS if keep_chain is None else keep_chain
    result = reduce_network(network, domain, proofs=proofs, keep_chain=chain, time_limit=time_limit)
    if target is not None:
        written = save(result.network, target, precision=precision)
        print(f"wrote {shown_path(target)}: {written}", file=sys.stderr)
    print(json.dumps(result.to_json()) if as_json else result.describe())


REDUCE = Command(
    "reduce",
    reduce,
    "The same function with fewer units.",
    (
        "puiseux reduce net.npz -o smaller.npz",
        "puiseux reduce net.npz --domain box:0,1 -o smaller.onnx",
        "puiseux reduce net.npz --domain box:0,1 --json",
    ),
)
