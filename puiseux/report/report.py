"""`write_report`: everything that is known about a network on one page that opens without a network connection.

Each part of the page is made by a function of `puiseux.report.sections`; a part that fails or would take too long is
left out, and the page says why.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from importlib import resources
from os import PathLike, fspath
from pathlib import Path
from string import Template
from typing import Any

from nn_bridge.network.network import Network
from nn_bridge.writers.files import require_writable, write_bytes
from polyhedra.errors import MissingExtraError, PuiseuxError, UsageError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, shown_steps
from polyhedra.quoting import shown, shown_path
from puiseux.domains import DomainLike, pose
from puiseux.reading import as_network
from puiseux.report.subject import LeftOut, Subject, left_out
from puiseux.time_limit import check_time_limit

TIME_LIMIT = 60.0
"""Seconds for the whole page, unless told otherwise."""


@checked_options
def write_report(
    network: Network | str | PathLike[str] | Any,
    path: str | PathLike[str],
    *,
    domain: DomainLike = None,
    output: int | None = None,
    data: Any = None,
    time_limit: float = TIME_LIMIT,
    command: str | None = None,
    progress: Steps = None,
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
    progress : bool or callable, optional
        True shows on stderr which part is made; a callable gets its name.

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
    domain: DomainLike = None,
    output: int | None = None,
    data: Any = None,
    time_limit: float = TIME_LIMIT,
    command: str | None = None,
    progress: Steps = None,
) -> str:
    """The page as text (see `write_report`).

    Examples
    --------
    >>> page = render_report(Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]]), time_limit=30)
    >>> page.startswith("<!doctype html>"), "max" in page
    (True, True)
    """
    from puiseux import __version__
    from puiseux.data import as_data
    from puiseux.pictures.pointer import SCRIPT_HASH
    from puiseux.report.sections import SECTIONS, domain_html

    check_time_limit(time_limit)
    exact = as_network(network, output=output)
    path = Path(fspath(network)) if isinstance(network, (str, PathLike)) else None
    problem = pose(exact, domain)
    points = as_data(data, problem.network.input_dim)
    name = shown(path.name) if path is not None else str(exact)
    subject = Subject(problem, exact, name, path, points, command, time_limit)
    parts = []
    with shown_steps(progress) as step:
        for anchor, title, make in SECTIONS:
            step(title)
            parts.append((anchor, title, _made(make, subject)))
    alone = "" if output is None else f"output {output}: "
    template = Template(resources.files("puiseux.report").joinpath("templates/report.html").read_text(encoding="utf-8"))
    return template.substitute(
        version=html.escape(__version__),
        script=f"'sha256-{SCRIPT_HASH}'",  # of the one script that may run: the layer over pictures
        title=html.escape(name),
        subtitle=f"{alone}{html.escape(str(exact))}, on {domain_html(subject)}",
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
