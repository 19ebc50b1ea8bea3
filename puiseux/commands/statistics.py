"""``puiseux statistics``: sizes, shapes and neighbours of the regions of a network."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, DomainOption, JsonOption, NetworkArgument, OutputOption, TimeLimitOption

if TYPE_CHECKING:
    from nn_bridge.cells.statistics import ComplexStatistics, RegionStatistics

_PIECES_BETWEEN_REPORTS = 20


def statistics(
    network: NetworkArgument,
    table: Annotated[
        Path | None,
        typer.Option("-o", "--file", metavar="FILE", help="A table of all regions (or cells): .csv or .parquet."),
    ] = None,
    domain: DomainOption = "all",
    by: Annotated[str, typer.Option("--by", metavar="WHAT", help="regions or cells.")] = "regions",
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Points (.csv, .npy, .npz): which regions hold them, how far."),
    ] = None,
    output: OutputOption = None,
    time_limit: TimeLimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the regions of a network: volume, inradius, facets, edges, neighbours, diameter, distance to data."""
    from nn_bridge.cells.complex import cell_complex
    from nn_bridge.cells.statistics import ComplexStatistics, points_for, statistics_of_complex, statistics_of_regions
    from nn_bridge.cells.statistics_export import check_ending, write_statistics
    from polyhedra.limits import OutOfTime
    from puiseux.console.waiting import StepProgress
    from puiseux.cross_check.isolation import run_isolated
    from puiseux.data import as_data
    from puiseux.domains import pose
    from puiseux.reading import load
    from puiseux.time_limit import Stopped, check_time_limit

    if table is not None:
        check_ending(table)
    problem = pose(load(network, output=output), domain)
    points = as_data(data, problem.network.input_dim)
    given = None if points is None else points.points.tolist()
    points_for(problem.network, given, by)

    def pieces() -> Iterator[RegionStatistics | ComplexStatistics]:
        found = cell_complex(problem.network, problem.domain)
        yield from statistics_of_regions(found, data=given, by=by)
        yield statistics_of_complex(found)

    listed: list[RegionStatistics] = []
    whole = None
    check_time_limit(time_limit)
    with StepProgress() as progress:
        progress("Enumerating the cells")
        try:
            for piece in pieces() if time_limit is None else run_isolated(pieces, time_limit):
                if isinstance(piece, ComplexStatistics):
                    whole = piece
                    continue
                listed.append(piece)
                if len(listed) % _PIECES_BETWEEN_REPORTS == 0:
                    progress(f"{len(listed):,} {by} measured")
        except OutOfTime:
            raise Stopped(
                f"stopped at the time limit of {time_limit:g} s: {len(listed):,} {by} were measured; give more time "
                "or take a smaller domain"
            ) from None
    assert whole is not None
    summary = summary_of(whole, listed, problem.text, by)
    if table is not None:
        write_statistics(listed, table)
        print(f"wrote {shown_path(table)}", file=sys.stderr)
    print(json.dumps(summary) if as_json else text_of(summary, output))


def summary_of(whole: ComplexStatistics, listed: list[RegionStatistics], domain: str, by: str) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    from polyhedra.scalars import to_text

    volumes = sorted(region.volume for region in listed if region.volume is not None)
    result: dict[str, Any] = {
        "domain": domain,
        "by": by,
        "cells": whole.cells,
        "pieces": len(listed),
        "bounded": sum(region.bounded for region in listed),
        "mean_facets": whole.mean_facets,
        "twice_inputs": whole.twice_inputs,
        "neighbours": {str(number): times for number, times in whole.neighbour_counts.items()},
        "diameter": whole.diameter,
        "volumes": None,
        "data": None,
    }
    if volumes:
        named = {"least": volumes[0], "median": volumes[(len(volumes) - 1) // 2], "largest": volumes[-1]}
        result["volumes"] = {name: to_text(volume) for name, volume in named.items()}
    holding = [region for region in listed if region.data]
    if listed and listed[0].distance is not None:
        distances = [region.distance for region in listed if region.distance is not None]
        result["data"] = {"holding": len(holding), "farthest": to_text(max(distances))}
    return result


def text_of(summary: dict[str, Any], output: int | None = None) -> str:
    """The same for people."""
    from polyhedra.plurals import counted
    from polyhedra.scalars import rational, rounded_text
    from puiseux.questions.answers import readable_domain

    def number(text: str) -> str:
        return rounded_text(rational(text), 4)

    where = readable_domain(summary["domain"], summary["twice_inputs"] // 2)
    alone = "" if output is None else f"output {output} "
    lines = [f"{alone}on {where}, by {summary['by']}:", ""]
    lines.append(f"  {summary['by']:<11} {summary['pieces']:,} ({summary['bounded']:,} bounded)")
    if summary["by"] != "cells":
        lines.append(f"  cells       {summary['cells']:,}")
    lines.append(f"  facets      {summary['mean_facets']:.4g} of a cell on average; 2n = {summary['twice_inputs']}")
    spread = ", ".join(f"{times:,} with {count}" for count, times in summary["neighbours"].items())
    lines.append(f"  neighbours  cells: {spread}")
    lines.append(f"  diameter    {counted(summary['diameter'], 'facet')} from one cell to another at most")
    if summary["volumes"] is not None:
        low, middle, high = (number(summary["volumes"][name]) for name in ("least", "median", "largest"))
        lines.append(f"  volume      {low} to {high}, lower median {middle} (of the bounded {summary['by']})")
    if summary["data"] is not None:
        far = number(summary["data"]["farthest"])
        share = f"{summary['data']['holding']:,} of {summary['pieces']:,} {summary['by']}"
        lines.append(f"  data        in {share}; the farthest is {far} away (maximum norm)")
    return "\n".join(lines)


STATISTICS = Command(
    "statistics",
    statistics,
    "Measure the regions: volumes, facets, neighbours.",
    (
        "puiseux statistics net.npz --domain 'box:-1,1'",
        "puiseux statistics net.npz --domain 'box:-1,1' --data points.csv -o regions.csv",
        "puiseux statistics net.npz --by cells -o cells.parquet --json",
    ),
)
