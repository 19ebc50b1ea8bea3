"""``puiseux plot``: pictures of a network, or of several while it was trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.errors import UsageError
from puiseux.commands.options import Command, DomainOption, OutputOption, choices


def plot(
    networks: Annotated[
        list[Path],
        typer.Argument(
            metavar="NETWORK...",
            help="A network file: .npz, .json, .onnx, .pt ..; several, in their order, for an animation.",
            show_default=False,
        ),
    ],
    picture: Annotated[
        Path,
        typer.Option(
            "-o",
            "--file",
            metavar="FILE",
            help="The picture: .png, .svg, .pdf or .html; of several networks .gif or .html.",
            show_default=False,
        ),
    ],
    domain: DomainOption = "all",
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind",
            metavar="KIND",
            autocompletion=choices("puiseux.plot", "KINDS"),
            help="regions, cells, graph, dual, hyperplanes or 3d; by default what suits the number of inputs.",
        ),
    ] = None,
    color_by: Annotated[
        str,
        typer.Option(
            "--color",
            "--color-by",
            metavar="WHAT",
            help="map, value (of the first output drawn) or class.",
            autocompletion=choices("puiseux.plot", "COLOURINGS"),
        ),
    ] = "map",
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="WINDOW",
            help="What to show: all (all bounded regions), core, LO,HI or LO1,HI1;LO2,HI2.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DATA", help="Points to draw over it (.csv, .npy, .npz): inputs, then a class or value."
        ),
    ] = None,
    through: Annotated[
        Path | None,
        typer.Option(
            "--through", metavar="POINTS", help="Draw the plane through the first three points of this file (.csv ..)."
        ),
    ] = None,
    output: OutputOption = None,
) -> None:
    """Draw a network: its regions, cells, graph, dual graph or bent hyperplanes.

    One to three inputs are drawn directly, more through a plane: --through POINTS or --domain slice:FILE.
    """
    from puiseux.waiting import StepProgress

    with StepProgress() as progress:
        progress("Drawing")
        _draw(networks, picture, domain, kind, color_by, window, data, through, output)
    print(f"wrote {picture}", file=sys.stderr)


def _draw(
    networks: list[Path],
    picture: Path,
    domain: str,
    kind: str | None,
    color_by: str,
    window: str | None,
    data: Path | None,
    through: Path | None,
    output: int | None,
) -> None:
    from puiseux.plot import save_growth, save_picture
    from puiseux.reading import load

    several = len(networks) > 1 or picture.suffix.lower() == ".gif"
    if several and through is not None:
        raise UsageError("growth is drawn on a domain; give --domain slice:FILE in place of --through")
    loaded = [load(network, output=output) for network in networks]
    if several:
        names = [network.stem for network in networks]
        save_growth(loaded, picture, domain=domain, color_by=color_by, window=window, kind=kind, data=data, names=names)
    else:
        save_picture(
            loaded[0],
            picture,
            domain=domain,
            color_by=color_by,
            window=window,
            kind=kind,
            data=data,
            through=through,
        )


PLOT = Command(
    "plot",
    plot,
    "Draw regions, cells, graphs, hyperplanes.",
    (
        "puiseux plot net.npz -o regions.png",
        "puiseux plot net.npz --domain 'box:0,8' --color class --data train.csv -o classes.svg",
        "puiseux plot net.npz --kind hyperplanes --window core -o layers.png",
        "puiseux plot three_inputs.npz -o turn_me.html",
        "puiseux plot digits.npz --through three_images.csv --color class -o slice.png",
        "puiseux plot epoch-*.npz -o growth.gif",
    ),
)
