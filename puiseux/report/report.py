"""`write_report`: everything that is known about a network on one page that opens without a network connection.

Each part of the page is made by a function of `puiseux.report.sections`; a part that fails or would take too long is
left out, and the page says why.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from os import PathLike, fspath
from pathlib import Path
from string import Template
from typing import Any

from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from nn_bridge.writers.files import require_writable, write_bytes
from polyhedra.errors import MissingExtraError, PuiseuxError, UsageError
from polyhedra.quoting import shown, shown_path
from puiseux.domains import Problem, pose
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit

TIME_LIMIT = 60.0
"""Seconds for the whole page, unless told otherwise."""


class LeftOut(Exception):
    """A part of the page cannot or should not be made; the text says why."""


@dataclass
class Subject:
    """What a report is about, what is known so far, and the time that is left.

    Attributes
    ----------
    problem : Problem
    original : Network
        Before a slice restricted it.
    name : str
        What to call it: the file, or a description.
    path : Path or None
        The file it was read from.
    data : points to draw over the pictures, or None
    command : str or None
        The command line that makes this page.
    time_limit : float
    count : RegionCount or None
        Known once the counts are made.
    proven, not_proven : list of str
        The statements that the parts of the page have proven, and those that they could not prove.
    begun : float
        The value of ``time.monotonic`` at the start.
    """

    problem: Problem
    original: Network
    name: str
    path: Path | None
    data: Any
    command: str | None
    time_limit: float
    count: RegionCount | None = None
    proven: list[str] = field(default_factory=list)
    not_proven: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """The seconds spent so far."""
        return time.monotonic() - self.begun

    def share(self, part: float) -> float:
        """A part of the time that is left.

        Raises
        ------
        LeftOut
            None is left.
        """
        left = self.time_limit - self.seconds
        if left <= 0:
            raise LeftOut(f"the time limit of {self.time_limit:g} s was reached before; give more with --time-limit")
        return left * part


def write_report(
    network: Network | str | PathLike[str] | Any,
    path: str | PathLike[str],
    *,
    domain: Any = None,
    output: int | None = None,
    data: Any = None,
    time_limit: float = TIME_LIMIT,
    command: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Write a self-contained HTML page about a network.

    Parameters
    ----------
    network : Network, path or torch module
    path : path ending in .html
    domain : str, Polyhedron, optional
        As in `puiseux.count_regions`.
    output : int, optional
        Take one output alone.
    data : path, array or pair, optional
        Training points for the pictures (see `puiseux.plot_regions`).
    time_limit : float
        Seconds for the whole page; parts that would take longer are left out, with the reason.
    command : str, optional
        The command line to print under "how to reproduce".
    progress : callable, optional
        Called with the name of each part before it is made.

    Raises
    ------
    UsageError
        The page cannot be written there.
    """
    name = fspath(path)
    if Path(name).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{shown_path(name)}: a report is an .html file")
    require_writable(name)
    page = render_report(
        network,
        domain=domain,
        output=output,
        data=data,
        time_limit=time_limit,
        command=command,
        progress=progress,
    )
    write_bytes(name, page.encode("utf-8", "backslashreplace"))


def render_report(
    network: Network | str | PathLike[str] | Any,
    *,
    domain: Any = None,
    output: int | None = None,
    data: Any = None,
    time_limit: float = TIME_LIMIT,
    command: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> str:
    """The page as text (see `write_report`).

    Examples
    --------
    >>> page = render_report(Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]]), time_limit=30)
    >>> page.startswith("<!doctype html>"), "max" in page
    (True, True)
    """
    from puiseux import __version__
    from puiseux.pictures.data import as_data
    from puiseux.report.sections import SECTIONS, domain_html

    check_time_limit(time_limit)
    exact = as_network(network, output=output)
    path = Path(fspath(network)) if isinstance(network, (str, PathLike)) else None
    problem = pose(exact, domain)
    points = as_data(data, problem.network.input_dim)
    name = shown(path.name) if path is not None else str(exact)
    subject = Subject(problem, exact, name, path, points, command, time_limit)
    parts = []
    for anchor, title, make in SECTIONS:
        if progress is not None:
            progress(title)
        parts.append((anchor, title, _made(make, subject)))
    template = Template(resources.files("puiseux.report").joinpath("templates/report.html").read_text(encoding="utf-8"))
    return template.substitute(
        version=html.escape(__version__),
        title=html.escape(name),
        subtitle=f"{html.escape(str(exact))}, on {domain_html(subject)}",
        contents="".join(f'<a href="#{anchor}">{title}</a>' for anchor, title, _ in parts),
        sections="\n".join(
            f'<section id="{anchor}">\n<h2>{title}</h2>\n{body}\n</section>' for anchor, title, body in parts
        ),
    )


def _made(make: Callable[[Subject], str], subject: Subject) -> str:
    """A part of the page, or why it is not there; an error in one part leaves the others standing."""
    try:
        return make(subject)
    except (LeftOut, PuiseuxError, MissingExtraError) as reason:
        return left_out(str(reason))


def left_out(reason: str) -> str:
    """The note that stands in place of a part."""
    return f'<p class="left-out">Left out: {html.escape(reason)}.</p>'
