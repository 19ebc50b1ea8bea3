"""``puiseux plot``: a picture of the linear regions of a network with one or two inputs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from puiseux.commands.options import Command, DomainOption, NetworkArgument, OutputOption


def plot(
    network: NetworkArgument,
    picture: Annotated[
        Path, typer.Option("-o", "--file", metavar="FILE", help="The picture: .png, .svg or .pdf.", show_default=False)
    ],
    domain: DomainOption = "all",
    color_by: Annotated[
        str, typer.Option("--color-by", metavar="WHAT", help="map, value (of the first output drawn) or class.")
    ] = "map",
    output: OutputOption = None,
) -> None:
    """Draw the linear regions of a network with one or two inputs (others through --domain slice:FILE)."""
    from puiseux.plot import save_picture
    from puiseux.reading import load

    save_picture(load(network, output=output), picture, domain=domain, color_by=color_by)
    print(f"wrote {picture}", file=sys.stderr)


PLOT = Command(
    "plot",
    plot,
    "Draw the linear regions.",
    ("puiseux plot net.npz -o regions.png", "puiseux plot net.npz --domain 'box:0,8' --color-by class -o classes.svg"),
)
