"""``puiseux plot``: pictures of a network, or of several while it was trained."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyhedra.errors import UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, DomainOption, OutputOption, choices
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.network.network import Network

_LESS = "to draw less: --window LO,HI, --window core, or --domain box:LO,HI"


def plot(
    networks: Annotated[
        list[Path],
        typer.Argument(
            metavar="NETWORK",
            help="A network file: .npz, .json, .onnx, .pt ..; several, in their order, for an animation; or a formula "
            "such as 'max(0, x, y)', for its tropical curve.",
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
            autocompletion=choices("puiseux.pictures.plot", "KINDS"),
            help="regions, cells, graph, dual, hyperplanes, 3d or curve (tropical, with its dual subdivision); by "
            "default what suits the number of inputs.",
        ),
    ] = None,
    color_by: Annotated[
        str,
        typer.Option(
            "--color",
            "--color-by",
            metavar="WHAT",
            help="map, value (of the first output drawn) or class.",
            autocompletion=choices("puiseux.pictures.plot", "COLOURINGS"),
        ),
    ] = "map",
    window: Annotated[
        str | None,
        typer.Option(
            "--window",
            metavar="WINDOW",
            help="What to show: all (all bounded regions), core, LO,HI or LO1,HI1;LO2,HI2; by default the data, or "
            "most vertices.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DATA", help="Points to draw over it (.csv, .npy, .npz): inputs, then a class or value."
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option("--classes", metavar="NAMES", help="The classes of the data in the order of the outputs: A,B,C."),
    ] = None,
    through: Annotated[
        Path | None,
        typer.Option(
            "--through", metavar="POINTS", help="Draw the plane through the first three points of this file (.csv ..)."
        ),
    ] = None,
    output: OutputOption = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop then; no picture is written.")
    ] = None,
    max_cells: Annotated[
        int | None, typer.Option("--max-cells", metavar="N", help="Stop where there are more cells to draw.")
    ] = None,
) -> int:
    """Draw a network: its regions, cells, graph, dual graph or bent hyperplanes; or the tropical curve of a formula.

    One to three inputs are drawn directly, more through a plane: --through POINTS or --domain slice:FILE.
    """
    from puiseux.pictures.dual_pairs import CURVE, is_formula
    from puiseux.pictures.limits import MANY
    from puiseux.reading import load
    from puiseux.time_limit import check_time_limit

    begun = time.monotonic()
    check_time_limit(time_limit)
    if kind == CURVE or is_formula(str(networks[0])):
        given = {"--domain": domain != "all", "--color": color_by != "map", "--data": data, "--classes": classes}
        given |= {"--through": through, "--max-cells": max_cells is not None, "--kind": kind not in (None, CURVE)}
        return _plot_curve(networks, picture, window, output, time_limit, [name for name in given if given[name]])
    several = len(networks) > 1 or picture.suffix.lower() == ".gif"
    _require_drawable(picture, several, domain, data, through)
    loaded = [load(network, output=output) for network in networks]
    cells, reason = _count(loaded, domain, kind, color_by, window, through, time_limit, max_cells)
    if reason is None and cells > MANY and time_limit is None and max_cells is None:
        print(f"puiseux: {counted(cells, 'cell')}, whose drawing takes a while; {_LESS}", file=sys.stderr, flush=True)
    options: dict[str, Any] = {
        "domain": domain,
        "color_by": color_by,
        "window": window,
        "kind": kind,
        "data": data,
        "classes": None if classes is None else [name.strip() for name in classes.split(",")],
    }

    def draw(path: Path) -> None:
        from puiseux.pictures.plot import save_growth, save_picture

        if several:
            save_growth(loaded, path, **options, names=[network.stem for network in networks])
        else:
            save_picture(loaded[0], path, **options, through=through)

    if reason is None:
        left = None if time_limit is None else max(0.001, time_limit - (time.monotonic() - begun))
        if not _drawn(draw, picture, cells, left):
            reason = f"stopped at the time limit of {time_limit:g} s"
    if reason is None:
        print(f"wrote {shown_path(picture)}", file=sys.stderr)
        return ExitCode.DONE
    if reason == "interrupted":
        return ExitCode.INTERRUPTED
    print(f"puiseux: {shown_path(picture)}: not written, {reason}; {_LESS}", file=sys.stderr)
    return ExitCode.STOPPED


def _plot_curve(
    networks: list[Path],
    picture: Path,
    window: str | None,
    output: int | None,
    time_limit: float | None,
    others: list[str],
) -> int:
    """Draw the tropical curve of a formula or of a network, and its dual subdivision."""
    from puiseux.pictures.dual_pairs import is_formula, save_curve
    from puiseux.pictures.plot import PICTURE_ENDINGS, checked_path
    from puiseux.reading import load

    checked_path(picture, PICTURE_ENDINGS)
    if others or len(networks) > 1:
        raise UsageError(f"a curve is drawn of one formula or network; leave {others[0] if others else 'others'} out")
    text = str(networks[0])
    formula = is_formula(text)
    if formula and output is not None:
        raise UsageError("a formula has one output; leave --output out")
    subject = text if formula else load(networks[0], output=output)
    shown = None if window in (None, "all") else window
    if _drawn(lambda path: save_curve(subject, path, window=shown), picture, 0, time_limit):
        print(f"wrote {shown_path(picture)}", file=sys.stderr)
        return ExitCode.DONE
    print(
        f"puiseux: {shown_path(picture)}: not written, stopped at the time limit of {time_limit:g} s", file=sys.stderr
    )
    return ExitCode.STOPPED


def _require_drawable(picture: Path, several: bool, domain: str, data: Path | None, through: Path | None) -> None:
    """Refuse a file that cannot be written, and options that do not go together, before anything is read."""
    from puiseux.pictures.plot import PICTURE_ENDINGS, check_together, checked_path

    if several and through is not None:
        raise UsageError("growth is drawn on a domain; give --domain slice:FILE in place of --through")
    if not several:
        checked_path(picture, PICTURE_ENDINGS)
        check_together(domain, data, through)


def _drawn(draw: Callable[[Path], None], picture: Path, cells: int, seconds: float | None) -> bool:
    """Draw into the file, within so many seconds; False where the time was over before."""
    from puiseux.console.waiting import StepProgress
    from puiseux.cross_check.isolation import OutOfTime
    from puiseux.pictures.limits import draw_within

    with StepProgress() as progress:
        progress(f"Drawing {counted(cells, 'cell')}" if cells else "Drawing")
        try:
            if seconds is None:
                draw(picture)
            else:
                draw_within(seconds, draw, picture)
        except OutOfTime:
            return False
    return True


def _count(
    networks: list[Network],
    domain: str,
    kind: str | None,
    color_by: str,
    window: str | None,
    through: Path | None,
    time_limit: float | None,
    max_cells: int | None,
) -> tuple[int, str | None]:
    """How many cells there are to draw, and why counting them ended early, if it did."""
    from puiseux.console.waiting import CellProgress
    from puiseux.pictures.limits import count_before_drawing, looked_at
    from puiseux.pictures.plot import checked_kind

    cells = 0
    with CellProgress() as progress:
        for network in networks:
            problem = looked_at(network, domain, window, through)
            checked_kind(problem, kind, color_by)
            found = count_before_drawing(problem, time_limit=time_limit, max_cells=max_cells, progress=progress)
            if found is not None and not found.complete:
                return cells, found.reason
            cells += 0 if found is None else found.cells or 0
    return cells, None


PLOT = Command(
    "plot",
    plot,
    "Draw regions, cells, graphs, hyperplanes.",
    (
        "puiseux plot net.npz -o regions.png",
        "puiseux plot net.npz --domain 'box:0,8' --color class --data train.csv -o classes.svg",
        "puiseux plot net.npz --color class --data wine.csv --classes Barolo,Grignolino,Barbera -o wine.png",
        "puiseux plot net.npz --kind hyperplanes --window core -o layers.png",
        "puiseux plot three_inputs.npz -o turn_me.html",
        "puiseux plot 'max(0, x, y, x + y - 1)' -o curve.svg",
        "puiseux plot digits.npz --through three_images.csv --color class -o slice.png",
        "puiseux plot epoch-*.npz -o growth.gif",
        "puiseux plot large.npz --domain 'box:-1,1' --max-cells 100000 --time-limit 60 -o part.png",
    ),
)
