"""``puiseux count``: the four region counts of a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from puiseux.commands.options import Command, DomainOption, JsonOption, NetworkArgument, OutputOption
from puiseux.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.network import Network
    from nn_bridge.region_count import RegionCount

MEANINGS = {
    "cells": "activation cells: full-dimensional, one pattern each",
    "regions": "linear regions: equal affine maps joined across facets",
    "regions_by_point": "the same, joined where closures share any point",
    "affine_maps": "distinct affine maps",
}


def count(
    network: NetworkArgument,
    domain: DomainOption = "all",
    engine: Annotated[str, typer.Option("--engine", metavar="ENGINE", help="auto, or one of: tropical.")] = "auto",
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> int:
    """Count the linear regions of a network exactly, by four definitions side by side."""
    from puiseux.count import count_problem
    from puiseux.domains import pose
    from puiseux.reading import load

    problem = pose(load(network, output=output), domain)
    result = count_problem(problem, engine)
    if as_json:
        print(json.dumps(result.to_json(problem.network)))
    else:
        print(table(result, problem.network, str(network)))
    return ExitCode.DONE if result.complete else ExitCode.STOPPED


def table(result: RegionCount, network: Network, name: str) -> str:
    """The counts for people: one line each with its meaning."""
    layers = f"{' + '.join(map(str, network.hidden))} units" if network.hidden else "no hidden units"
    inputs, outputs = _number(network.input_dim, "input"), _number(network.output_dim, "output")
    where = f"all of R^{network.input_dim}" if result.domain == "all" else result.domain
    at_least = "" if result.complete else ">= "
    shown = {key: "-" if value is None else f"{at_least}{value:,}" for key, value in result.counts.items()}
    width = max(map(len, shown.values()))
    lines = [f"{name}: {inputs}, {layers}, {outputs}", f"on {where}, engine {result.engine}:", ""]
    lines += [f"  {key:<16} {shown[key]:>{width}}  {meaning}" for key, meaning in MEANINGS.items()]
    certainty = "exact" if result.exact else "not proven"
    if not result.complete:
        certainty = "incomplete: lower bounds only"
    reason = f" ({result.reason})" if result.reason else ""
    return "\n".join([*lines, "", f"{certainty}{reason}, {result.seconds:.2f} s"])


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


COUNT = Command(
    "count",
    count,
    "Count the linear regions, exactly.",
    (
        "puiseux count net.npz",
        "puiseux count net.npz --domain 'box:-1,1' --json",
        "puiseux count digits.npz --domain slice:plane.json --output 3",
    ),
)
