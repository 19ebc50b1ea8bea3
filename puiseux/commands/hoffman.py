"""``puiseux hoffman``: the Hoffman constant of a network's tropical map, and the ball that meets every region."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from puiseux.commands.options import Command, JsonOption, NetworkArgument

if TYPE_CHECKING:
    from flint import fmpq

MAX_FLOAT = sys.float_info.max


def hoffman(
    network: NetworkArgument,
    output: Annotated[
        int | None, typer.Option("--output", metavar="K", help="Take output K alone (from 0); each one by default.")
    ] = None,
    unpruned: Annotated[
        bool, typer.Option("--unpruned", help="Take the full expansion, redundant monomials included.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help="Give up the exact constant of an output after N linear programs."
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option("--samples", metavar="N", min=1, help="Row sets drawn in each cell for the lower bound.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """Compute the exact Hoffman constant of each output (infinity norm), bounds on it, and the effective radius.

    The ball of that radius about the origin meets the closure of every linear region.
    """
    from nn_bridge.sampling_box import effective_radii
    from puiseux.formula import tropical_maps
    from puiseux.reading import load
    from tropical.effective_radius import minimal_effective_radius
    from tropical.hoffman import MAX_PROGRAMS

    exact = load(network, output=output)
    radii = effective_radii(exact, pruned=not unpruned, samples=samples, limit=limit or MAX_PROGRAMS)
    smallest = [minimal_effective_radius(f).value for f in tropical_maps(exact)]
    entries = [
        {
            "exact": None if found.exact is None else _nearest(found.exact),
            "lower": _down(found.lower),
            "upper": _up(found.upper),
            "radius": _up(found.radius),
            "minimal_radius": _up(least),
            "range": _up(found.range),
            "cells": found.cells,
        }
        for found, least in zip(radii, smallest, strict=True)
    ]
    print(json.dumps({"outputs": entries, "pruned": not unpruned}) if as_json else table(entries))


def table(entries: list[dict[str, Any]]) -> str:
    """The numbers for people, one line per output."""
    header = ("output", "lower", "exact", "upper", "radius", "smallest radius")
    rows: list[tuple[str, ...]] = [header]
    for number, entry in enumerate(entries):
        keys = ("lower", "exact", "upper", "radius", "minimal_radius")
        rows.append((str(number), *("-" if entry[key] is None else f"{entry[key]:.6g}" for key in keys)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


def _nearest(value: fmpq) -> float:
    from polyhedra.scalars import to_float

    return _finite(to_float(value))


def _down(value: fmpq) -> float:
    from polyhedra.scalars import rational

    near = _nearest(value)
    return near if rational(near) <= value else math.nextafter(near, -math.inf)


def _up(value: fmpq) -> float:
    return -_down(-value)


def _finite(value: float) -> float:
    """A number that JSON can hold: beyond the range of float64 its largest one."""
    return max(-MAX_FLOAT, min(MAX_FLOAT, value))


HOFFMAN = Command(
    "hoffman",
    hoffman,
    "Hoffman constants and the ball that meets every region.",
    ("puiseux hoffman net.npz", "puiseux hoffman net.npz --unpruned --json"),
)
