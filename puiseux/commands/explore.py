"""``puiseux explore``: the cells around a point, across facets."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import BoundedTimeOption, Command, DomainOption, JsonOption, NetworkArgument, choices
from puiseux.console.exit_codes import ExitCode

_CELLS = 1000


def explore(
    network: NetworkArgument,
    at: Annotated[
        str, typer.Option("--at", metavar="POINT", help="Start there: x1,x2,.., decimals or p/q.", show_default=False)
    ],
    domain: DomainOption = "all",
    max_cells: Annotated[int, typer.Option("--max-cells", metavar="N", min=1, help="So many cells at most.")] = _CELLS,
    max_distance: Annotated[
        int | None, typer.Option("--max-distance", metavar="D", min=0, help="Cross so many facets at most.")
    ] = None,
    order: Annotated[
        str,
        typer.Option(
            "--order",
            metavar="ORDER",
            help="breadth: by facets crossed; random; or nearest: by distance, in the maximum norm.",
            autocompletion=choices("nn_bridge.exploration.walks", "ORDERS"),
        ),
    ] = "breadth",
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Of the random order; drawn and said by default.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("-o", "--file", metavar="FILE", help="Write a line of JSON for each cell there.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Work with N processes.")] = 1,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", metavar="DIR", help="Go on from here after being stopped or killed.")
    ] = None,
    facets: Annotated[
        str,
        typer.Option(
            "--facets",
            metavar="WHICH",
            help="all facets of a cell; some: those that rays meet, for thousands of inputs; or auto.",
            autocompletion=choices("puiseux.questions.exploring", "FACETS"),
        ),
    ] = "auto",
    rays: Annotated[
        int | None, typer.Option("--rays", metavar="N", min=1, help="Look at N rays for each cell (some facets).")
    ] = None,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Find the activation cells around a point, exactly, by crossing facets; for networks too large to list.

    The number of inputs may be large. Counts are of the cells found: there are more unless it says that these are all.
    """
    from nn_bridge.writers.files import whole_file
    from puiseux.console.waiting import StepProgress
    from puiseux.questions import exploring
    from puiseux.questions.outlook import told_without_cell
    from puiseux.reading import load

    exact = load(network)
    with ExitStack() as stack:
        progress = stack.enter_context(StepProgress())
        stream = None if file is None else stack.enter_context(whole_file(file))
        say = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
        watch = stack.enter_context(told_without_cell(exact.input_dim, say))
        progress("Exploring")
        found = exploring.summarize(
            exact,
            at,
            max_cells,
            max_distance,
            order=order,
            domain=domain,
            rng=seed,
            time_limit=time_limit,
            workers=workers,
            checkpoint=checkpoint,
            facets=facets,
            rays=rays,
            watch=watch,
            write=None if stream is None else lambda line: stream.write(line.encode()),
        )
    print(json.dumps(found.to_json()) if as_json else exploring.describe(found, shown_path(network)))
    if found.reason is None:
        return ExitCode.DONE
    print(f"puiseux: {found.reason}: there may be more cells", file=sys.stderr)
    return ExitCode.STOPPED


EXPLORE = Command(
    "explore",
    explore,
    "The cells around a point, for networks too large to list.",
    (
        "puiseux explore net.npz --at 0.5,1/3",
        "puiseux explore net.npz --at 0,0 --order nearest --max-cells 50 -o cells.jsonl",
        "puiseux explore net.npz --at 0,0 --domain 'box:-1,1' --max-distance 3 --json",
        "puiseux explore net.npz --at 0,0 --max-cells 100000 --workers 2 --checkpoint walk",
        "puiseux explore net.npz --at 0,0 --facets some --rays 500 --max-cells 1",
    ),
)
