"""Pictures of networks: what a person calls.

`plot_regions` draws one or two inputs on matplotlib axes, `plot_space` three inputs or a graph over two to turn with
the mouse, `plot_slice` a plane through points of a larger input space, `save_picture` any of them into a file, and
`save_growth` how the regions of several networks follow one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nn_bridge.network.network import Network
from nn_bridge.writers.files import require_writable, write_bytes
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.quoting import quoted, shown_path
from puiseux.domains import DomainLike, Problem, pose
from puiseux.pictures.figures import add_legend, new_figure, session_axes, title_of
from puiseux.pictures.flat import draw_flat, draw_pair
from puiseux.pictures.pages import save_figure
from puiseux.reading import as_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from puiseux.data import Data
    from puiseux.pictures.views import View
    from puiseux.pictures.windows import Arrangements, Landscape

COLOURINGS = ("map", "value", "class")
KINDS = ("graph", "regions", "cells", "dual", "hyperplanes", "3d", "curve")
PICTURE_ENDINGS = (".png", ".svg", ".pdf", ".html")
_BY_INPUTS = {1: ("graph", "cells"), 2: ("regions", "cells", "dual", "hyperplanes", "graph", "3d")}
_BY_INPUTS[3] = ("3d", "cells", "regions", "hyperplanes")


@checked_options
def plot_regions(
    network: Network | str | PathLike[str] | Any,
    ax: Axes | None = None,
    window: Any = None,
    color_by: str = "map",
    *,
    kind: str | None = None,
    domain: DomainLike = None,
    output: int | None = None,
    data: Any = None,
    legend: bool = True,
    classes: Sequence[str] | None = None,
) -> Axes:
    """Draw a network with one or two inputs.

    Parameters
    ----------
    network : Network, path or torch module
        With one input its graph is drawn, its kinks marked; with two inputs the plane.
    ax : matplotlib Axes, optional
        Where to draw; a new figure by default (its figure is ``ax.figure``).
    window : "all", "core", (low, high), sequence or array of pairs, or Polyhedron, optional
        What to show: one interval for all inputs, or one for each.  ``"all"``: all bounded regions, with a margin;
        ``"core"`` leaves out the outermost vertices, which may be far away.  By default a bounded domain, else the data
        with a margin, else all bounded regions, or the core where that is much smaller; the title says how many regions
        lie outside.
    color_by : str
        ``"map"``: neighbouring affine maps get different colours; ``"value"``: the first output as shading;
        ``"class"``: the output that is largest (for one output: its sign), with exact borders.
    kind : str, optional
        ``"regions"`` (the default for two inputs); ``"cells"``: with the borders where only the pattern changes;
        ``"dual"``: the dual graph over the cells; ``"hyperplanes"``: where units vanish, one colour a layer;
        ``"graph"`` (the default for one input).
    domain : str, Polyhedron, (low, high) or list of pairs, optional
        Where to look; a slice makes networks with many inputs drawable.
    output : int, optional
        Take one output alone.
    data : path, array, or pair (points, classes or values), optional
        Training points to draw over it; see `puiseux.data.as_data`.
    legend : bool
    classes : sequence of str, optional
        The names of the data's classes in the order of the outputs, so that a point has the colour of its class.
        Classes that are numbers from 0 need no names; other points are white over a picture coloured by class.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UsageError
        Neither one nor two inputs, an unknown kind or colouring, or data of another dimension.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_regions(Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]]), kind="hyperplanes")
    >>> ax.get_title()
    'bent hyperplanes of 2 units, 4 cells'
    """
    problem = pose(as_network(network, output=output), domain)
    kind = checked_kind(problem, kind, color_by)
    if kind == "3d" or problem.network.input_dim == 3 or (kind == "graph" and problem.network.input_dim == 2):
        raise UsageError("plot_regions draws in the plane; plot_space draws this kind")
    points = _data(data, problem, classes)
    return draw_flat(_view(problem, window, kind, points), ax, kind, color_by, points, legend)


@checked_options
def plot_space(
    network: Network | str | PathLike[str] | Any,
    window: Any = None,
    color_by: str = "map",
    *,
    kind: str | None = None,
    domain: DomainLike = None,
    output: int | None = None,
    backend: str = "plotly",
    ax: Any = None,
) -> Any:
    """Draw a network with three inputs, or the graph of one output over two inputs, in space.

    Few cells are drawn apart from one another; of many, the corner that looks at the viewer is taken out.

    Parameters
    ----------
    network, window, domain, output
        As in `plot_regions`.
    color_by : str
        As in `plot_regions`; values and classes are those at the middle of each face.
    kind : str, optional
        ``"3d"`` (the default) or, for three inputs, ``"hyperplanes"``.
    backend : {"plotly", "matplotlib"}
        A figure to turn with the mouse, or an image.
    ax : three-dimensional matplotlib Axes, optional
        Where matplotlib draws.

    Returns
    -------
    plotly Figure, or matplotlib Axes3D
    """
    problem = pose(as_network(network, output=output), domain)
    kind = checked_kind(problem, kind or "3d", color_by)
    if backend not in ("plotly", "matplotlib"):
        raise UsageError(f"there is no backend {quoted(backend)}; take plotly or matplotlib")
    if problem.network.input_dim == 2 and kind not in ("3d", "graph"):
        raise UsageError(f"the kind {quoted(kind)} of two inputs lies in the plane; plot_regions draws it")
    view = _view(problem, window, kind)
    if backend == "plotly":
        from puiseux.pictures.space import plotly_figure

        solid = _solid(view, kind, color_by)
        return plotly_figure(solid, view, title_of(view, kind, solid.note))
    return _draw_space(view, ax, kind, color_by)


@checked_options
def plot_slice(
    network: Network | str | PathLike[str] | Any,
    points: Any,
    ax: Axes | None = None,
    window: Any = None,
    color_by: str = "map",
    *,
    kind: str | None = None,
    output: int | None = None,
    names: Sequence[str] | None = None,
) -> Axes:
    """Draw the plane through three input points (or the line through two) of a network with many inputs.

    Parameters
    ----------
    network : Network, path or torch module
    points : two or three input points, or a path to a file with a point a row
    ax, color_by, kind, output
        As in `plot_regions`.
    window : optional
        As in `plot_regions`, in the coordinates of the slice; by default the points with room around them.
    names : sequence of str, optional
        What to write beside the points.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UsageError
        The points lie on one line, or have another dimension than the input.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 1, 1]]])
    >>> plot_slice(net, [[-1, -1, -1], [1, -1, 0], [-1, 1, 0]], kind="cells").get_title()
    '6 cells, 6 regions in this window'
    """
    from puiseux.pictures.slices import draw_anchors, slice_through, window_around

    exact = as_network(network, output=output)
    plane = slice_through(points, exact.input_dim)
    problem = Problem(exact.restrict_to(plane.columns, plane.origin), None, plane.text)
    kind = checked_kind(problem, kind, color_by)
    view = _view(problem, window_around(plane) if window is None else window, kind)
    ax = draw_flat(view, ax, kind, color_by, None, True)
    draw_anchors(ax, plane, names)
    return ax


@checked_options
def save_picture(
    network: Network | str | PathLike[str] | Any,
    path: str | PathLike[str],
    *,
    domain: DomainLike = None,
    color_by: str = "map",
    window: Any = None,
    kind: str | None = None,
    output: int | None = None,
    data: Any = None,
    through: Any = None,
    classes: Sequence[str] | None = None,
) -> None:
    """Draw a network and save the picture as .png, .svg, .pdf or .html.

    Where far vertices make most regions tiny, the default window is drawn beside the whole.  An .html page in space
    can be turned with the mouse; it needs no network connection.

    Parameters
    ----------
    path : str or path
        Its ending decides the format.
    network, domain, color_by, window, kind, output, data, classes
        As in `plot_regions` and `plot_space`; the kind ``"curve"`` draws the tropical curves of the two maxima
        whose difference an output is, with their dual subdivisions.
    through : points or a path, optional
        Draw the slice through them (see `plot_slice`).
    """
    name = checked_path(path, PICTURE_ENDINGS)
    check_together(domain, data, through)
    if kind == "curve":
        from puiseux.pictures.dual_pairs import save_curve

        if any(each is not None for each in (domain, data, through, classes)):
            raise UsageError("a curve is drawn of the network alone; leave domain, data, through and classes out")
        save_curve(as_network(network, output=output), name, window=window)
        return
    if through is not None:
        save_figure(plot_slice(network, through, None, window, color_by, kind=kind, output=output).figure, name)
        return
    problem = pose(as_network(network, output=output), domain)
    chosen = checked_kind(problem, kind, color_by)
    if chosen == "3d" or problem.network.input_dim == 3 or (chosen == "graph" and problem.network.input_dim == 2):
        if data is not None:
            raise UsageError("data is drawn over pictures of one or two inputs in the plane")
        view = _view(problem, window, chosen)
        if Path(name).suffix.lower() == ".html":
            from puiseux.pictures.space import plotly_figure

            solid = _solid(view, chosen, color_by)
            figure = plotly_figure(solid, view, title_of(view, chosen, solid.note))
            write_bytes(name, figure.to_html(include_plotlyjs=True, full_html=True).encode("utf-8", "backslashreplace"))
        else:
            save_figure(_draw_space(view, None, chosen, color_by).figure, name)
        return
    save_figure(picture_of(problem, window, chosen, color_by, data, classes), name)


def picture_of(
    problem: Problem,
    window: Any = None,
    kind: str | None = None,
    color_by: str = "map",
    data: Any = None,
    classes: Sequence[str] | None = None,
    made: Arrangements | None = None,
) -> Figure:
    """A figure of one or two inputs: one picture, or two where far vertices squeeze most regions in the first."""
    from puiseux.pictures.windows import ALL

    kind = checked_kind(problem, kind, color_by)
    points = _data(data, problem, classes)
    land = _landscape(problem, kind, made)
    if window is None:
        chosen = land.default(None if points is None else points.points)
        if land.squeezed(chosen) and land.can_be_whole:
            figure = new_figure((12.4, 5.4) if problem.network.input_dim == 2 else (11, 4))
            part = _view(problem, None, kind, points, land)
            both = tuple((min(a, c), max(b, d)) for (a, b), (c, d) in zip(land.whole, chosen, strict=True))
            # data may lie beside all bounded regions
            whole = _view(problem, ALL if both == land.whole else both, kind, points, land)
            draw_pair(figure, whole, part, kind, color_by, points)
            return figure
    figure = new_figure((6.6, 4.2) if problem.network.input_dim == 1 else (6.6, 5.4))
    draw_flat(_view(problem, window, kind, points, land), figure.add_subplot(), kind, color_by, points, True)
    return figure


def space_picture_of(
    problem: Problem, kind: str = "3d", color_by: str = "map", made: Arrangements | None = None
) -> Figure:
    """A matplotlib figure of three inputs, or of the graph over two."""
    kind = checked_kind(problem, kind, color_by)
    figure = new_figure((7, 6))
    view = _view(problem, None, kind, None, _landscape(problem, kind, made))
    _draw_space(view, figure.add_subplot(projection="3d"), kind, color_by)
    return figure


@checked_options
def save_growth(
    networks: Sequence[Network | str | PathLike[str] | Any],
    path: str | PathLike[str],
    *,
    domain: DomainLike = None,
    color_by: str = "map",
    window: Any = None,
    kind: str | None = None,
    output: int | None = None,
    data: Any = None,
    names: Sequence[str] | None = None,
    seconds: float = 0.4,
    dpi: int = 100,
    classes: Sequence[str] | None = None,
) -> None:
    """How regions grow over training: one frame a network, as .gif, or .html with a slider.

    Cells keep their colours from frame to frame as long as their activation pattern occurs.

    Parameters
    ----------
    networks : sequence of networks, all with one input or all with two
    path : str or path
        Ends in .gif or .html.
    domain, color_by, kind, output, data, classes
        As in `plot_regions`.
    window : optional
        By default a bounded domain, else the data with a margin, else the core of the last network.
    names : sequence of str, optional
        What to write over the frames.
    seconds : float
        How long a frame is shown.
    dpi : int
        Pixels an inch; a frame is 6.4 inches wide.
    """
    from puiseux.pictures.growth import GROWTH_ENDINGS, draw_frames, write_frames

    name = checked_path(path, GROWTH_ENDINGS)
    problems = [pose(as_network(each, output=output), domain) for each in networks]
    if not problems:
        raise UsageError("growth is drawn from one network or more, in their order")
    if len({problem.network.input_dim for problem in problems}) > 1:
        raise UsageError("the networks have different numbers of inputs; growth shows one window on all of them")
    chosen = checked_kind(problems[-1], kind, color_by)
    if problems[-1].network.input_dim > 2 or chosen == "3d":
        raise UsageError("growth is drawn for one or two inputs; for more give a slice:FILE as the domain")
    frames = draw_frames(problems, window, chosen, color_by, data, names, dpi, classes)
    write_frames(frames, name, seconds)


# -------------------------------------------------------------------- figures


def checked_path(path: str | PathLike[str], endings: Sequence[str]) -> str:
    """The name of a file that can be written, refused before anything is computed."""
    name = fspath(path)
    if Path(name).suffix.lower() not in endings:
        raise UsageError(f"{shown_path(name)}: a picture ends in {', '.join(endings)}")
    require_writable(name)
    return name


def check_together(domain: DomainLike, data: Any, through: Any) -> None:
    """Refuse what does not go with a slice through points, before anything is read."""
    if through is None:
        return
    if domain is not None and domain != "all":
        raise UsageError("a picture is drawn on a domain or through points, not both")
    if data is not None:
        raise UsageError("data does not lie on the slice through some of its points; leave one of them out")


def checked_kind(problem: Problem, kind: str | None, color_by: str) -> str:
    """The kind of picture, refused where there is none of it of so many inputs."""
    if color_by not in COLOURINGS:
        raise UsageError(f"there is no colouring {quoted(color_by)}; take one of {', '.join(COLOURINGS)}")
    if kind is not None and kind not in KINDS:
        raise UsageError(f"there is no kind {quoted(kind)} of picture; take one of {', '.join(KINDS)}")
    inputs = problem.network.input_dim
    if inputs not in _BY_INPUTS:
        raise UsageError(
            f"a network with {inputs} inputs cannot be drawn; draw a plane through it: slice:FILE as the domain, or "
            "--through a file with three points"
        )
    if kind is None:
        return _BY_INPUTS[inputs][0]
    if kind not in _BY_INPUTS[inputs]:
        fitting = ", ".join(_BY_INPUTS[inputs])
        raise UsageError(f"there is no picture of the kind {quoted(kind)} of {inputs} input(s); take one of {fitting}")
    return kind


def _kind_of_cells(kind: str) -> str:
    return "regions" if kind in ("regions", "graph", "3d") else "cells"


def _landscape(problem: Problem, kind: str, made: Arrangements | None = None) -> Landscape:
    from puiseux.pictures.windows import Landscape

    return Landscape(problem, _kind_of_cells(kind), made)


def _view(
    problem: Problem, window: Any, kind: str, data: Data | None = None, landscape: Landscape | None = None
) -> View:
    from puiseux.pictures.views import look

    points = None if data is None else data.points
    return look(problem, window, kind=_kind_of_cells(kind), points=points, landscape=landscape)


def _data(data: Any, problem: Problem, classes: Sequence[str] | None) -> Data | None:
    from puiseux.data import as_data

    if classes is not None and data is None:
        raise UsageError("names of classes belong to data; give data too")
    found = as_data(data, problem.network.input_dim, classes)
    if found is not None:
        found.outputs(problem.network.output_dim)  # refused before anything is drawn
    return found


def _draw_space(view: View, ax: Any, kind: str, color_by: str) -> Any:
    from puiseux.pictures.space import draw_solid

    ax = session_axes(ax, (7, 6), projection="3d")
    solid = _solid(view, kind, color_by)
    add_legend(ax, draw_solid(ax, solid, view))
    ax.set_title(title_of(view, kind, solid.note), fontsize="medium")
    return ax


def _solid(view: View, kind: str, color_by: str) -> Any:
    from puiseux.pictures import space

    if view.dim == 2:
        return space.graph_in_space(view, color_by)
    return space.hyperplanes_in_space(view) if kind == "hyperplanes" else space.cells_in_space(view, color_by)
