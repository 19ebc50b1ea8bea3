"""The parts of a report: each is a function from the subject to a piece of HTML, and says what it has proven.

Everything that comes from a file or a user is escaped.
"""

from __future__ import annotations

import hashlib
import html
import platform
import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from operator import itemgetter
from typing import Any

from flint import fmpq

from nn_bridge.expressivity.region_bounds import Bound, region_bounds
from nn_bridge.region_count import Count
from nn_bridge.symbolic.monomials import native_monomials
from polyhedra.errors import MissingExtraError, PuiseuxError
from polyhedra.plurals import counted
from polyhedra.quoting import shown
from polyhedra.scalars import rounded_text
from puiseux.report.bound_formulas import bound_mathml
from puiseux.report.html_parts import isolated, number, table
from puiseux.report.subject import LeftOut, Subject, left_out
from puiseux.report.topology import topology_section
from tropical.simplify import SimplifiedFormula

_PICTURE_CELLS = 60_000
_SVG_CELLS = 500
_SECOND_CELLS = 2_000
_DUAL_CELLS = 400
_GRAPH_CELLS = 1_000_000
_REGION_LIMIT = 20_000
_OPEN_TERMS, _SHOWN_TERMS = 24, 400
_FORMULA_TERMS = 10_000
_NATIVE_DIGITS = 400
_LARGEST = 10


def domain_html(subject: Subject) -> str:
    """The domain for people."""
    problem = subject.problem
    return (
        f"all of R<sup>{problem.network.input_dim}</sup>"
        if problem.text == "all"
        else html.escape(shown(problem.text, 400))
    )


# -------------------------------------------------------------------- network


def network_section(subject: Subject) -> str:
    """Sizes, layers, where it came from."""
    network, seen = subject.original, subject.problem.network
    part = "stage" if network.layers is None else "layer"
    weights = sum(len(m) * len(m[0]) for s in (*network.stages, network.output) for _, m in s.blocks)
    rows = [
        ("inputs", number(network.input_dim)),
        ("hidden units", f"{number(sum(network.hidden))} in {counted(len(network.hidden), part)}"),
        ("outputs", number(network.output_dim)),
        ("weights", number(weights)),
        ("domain", domain_html(subject)),
    ]
    if seen is not network:
        rows.append(
            ("on the slice", f"{counted(seen.input_dim, 'coordinate')}; the page is about the network on the slice")
        )
    rows += [("note", html.escape(shown(note, 1000))) for note in network.notes]
    layers = ""
    if network.layers is not None:
        described = [
            (str(k + 1), number(len(layer.bias)), html.escape(layer.activation))
            for k, layer in enumerate(network.layers)
        ]
        layers = f"<h3>Layers</h3>{table(('layer', 'units', 'activation'), described, (1,))}"
    else:
        described = [
            (str(k + 1), number(s.units), ", ".join("input" if b == 0 else f"stage {b}" for b, _ in s.blocks) or "–")
            for k, s in enumerate(network.stages)
        ]
        layers = f"<h3>Stages of ReLU units</h3>{table(('stage', 'units', 'reads'), described, (1,))}"
    return table(("", ""), rows) + layers


# -------------------------------------------------------------------- counts


def counts_section(subject: Subject) -> str:
    """The four counts side by side."""
    result = subject.counted(0.4)
    at_least = "" if result.complete else "≥ "
    tiles = "".join(
        f"<div><b>{at_least if value is not None else ''}{number(value)}</b><span>{name.replace('_', ' ')}</span></div>"
        for name, value in result.counts.items()
    )
    rows = [(f"<code>{count}</code>", f"{at_least}{number(result.counts[count])}", count.meaning) for count in Count]
    where = f"on {domain_html(subject)}"
    if result.complete and result.exact:
        subject.proven.append(
            f"The four counts {where}: every cell was found by subdivision with exact decisions, and affine maps were "
            "compared exactly."
        )
        verdict = '<p class="yes">Exact and complete.</p>'
    else:
        reason = html.escape(result.reason or "stopped early")
        subject.not_proven.append(f"The counts are lower bounds only: {result.reason or 'stopped early'}.")
        verdict = f'<p class="no">Incomplete ({reason}): lower bounds.</p>'
    engine = f"Engine <code>{html.escape(result.engine)}</code>, {result.seconds:.2f} s. {_second_count(subject)}"
    return f'<div class="numbers">{tiles}</div>{verdict}{table(("count", "", "meaning"), rows, (1,))}<p>{engine}</p>'


def _second_count(subject: Subject) -> str:
    """Compare with an independent engine, where it is quick."""
    from puiseux.questions.count import count_problem

    count = subject.count
    if count is None or not count.complete or (count.cells or 0) > _SECOND_CELLS:
        return ""
    try:
        (other,) = isolated(subject, lambda: iter([count_problem(subject.problem, "tropical")]), 0.2, "it")
    except LeftOut:
        return ""
    if other.counts == count.counts:
        subject.proven.append("An independent engine, max-plus polynomials, counts the same.")
        return "The independent engine <code>tropical</code> counts the same."
    otherwise = html.escape(str(other.counts))
    subject.not_proven.append("The counts: two engines disagree, which is a bug; please report it.")
    return f'<b class="no">The engine tropical counts otherwise: {otherwise}</b>'


# -------------------------------------------------------------------- bounds


def bounds_section(subject: Subject) -> str:
    """Bounds of the literature around the count."""
    found = region_bounds(subject.problem.network)

    def rows(bounds: Sequence[Bound]) -> list[tuple[str, ...]]:
        known = sorted((b for b in bounds if b.value is not None), key=lambda b: b.value or 0)
        return [(number(b.value), html.escape(b.name), bound_mathml(b.formula), html.escape(b.source)) for b in known]

    head = ("", "name", "formula", "source")
    text = "<h3>Upper bounds on cells, of all networks of these sizes or, where a bound reads them, of these weights"
    text = f"{text}</h3>" + table(head, rows(found.upper), (0,))
    if any(b.value is not None for b in found.lower):
        text += "<h3>Lower bounds: some network of these sizes has so many regions; this one may have fewer</h3>"
        text += table(head, rows(found.lower), (0,))
    if any(b.value is not None for b in found.expected):
        text += "<h3>Expected with random weights</h3>" + table(head, rows(found.expected), (0,))
    least = found.least_upper
    subject.proven.append(f"No more than {number(least.value)} cells by the bound {html.escape(least.name)}.")
    count = subject.count
    if count is not None and count.complete and count.cells and least.value:
        share = count.cells / least.value
        said = f"{100 * share:.3g} % of" if share > 1e-6 else "a vanishing part of"
        text = f"<p>The {number(count.cells)} cells are {said} the smallest upper bound.</p>" + text
    if found.not_applicable:
        reasons = [(html.escape(name), html.escape(reason)) for name, reason in found.not_applicable]
        text += f"<details><summary>Bounds that do not apply</summary>{table(('', ''), reasons)}</details>"
    return text


# -------------------------------------------------------------------- pictures


def pictures_section(subject: Subject) -> str:
    """Pictures that suit the number of inputs."""
    problem, count = subject.problem, subject.count
    inputs = problem.network.input_dim
    if inputs > 3:
        raise LeftOut(
            f"{inputs} inputs cannot be drawn; a plane through them can: give a slice:FILE as the domain, or see "
            "puiseux plot --through"
        )
    if count is None or not count.complete or count.cells is None or count.cells > _PICTURE_CELLS:
        raise LeftOut(f"pictures are made of at most {_PICTURE_CELLS:,} cells, all of them found")
    cells = count.cells
    wanted: list[tuple[str, str, str]] = []
    if inputs == 1:
        wanted = [("graph", "map", "The graph, with its kinks; one band for each linear region.")]
    elif inputs == 2:
        single = problem.network.output_dim == 1
        wanted = [
            ("regions", "map", "Linear regions; neighbouring affine maps have different colours."),
            ("regions", "value" if single else "class", "The output." if single else "The largest output."),
            ("hyperplanes", "map", "Bent hyperplanes: where units switch, one colour a layer."),
        ]
        if cells <= _DUAL_CELLS:
            wanted.append(("dual", "map", "Dual graph: a node in each cell, an edge through each common facet."))
        if single and cells <= _DUAL_CELLS:
            wanted.append(("3d", "map", "The graph of the function."))
    else:
        wanted = [("3d", "map", "The cells, colours by affine map."), ("hyperplanes", "map", "Bent hyperplanes.")]
    from puiseux.pictures.pointer import pointer_parts

    figures = []
    for place, (kind, color_by, caption) in enumerate(wanted):
        subject.share(1.0)
        try:
            figure = _drawn(subject, kind, color_by)
        except MissingExtraError:
            raise  # it would be missing for every picture
        except PuiseuxError as reason:
            figures.append(left_out(f"{caption.rstrip('.')}: {reason}"))
            continue
        figures.append(_figure(figure, caption, cells <= _SVG_CELLS and color_by != "value" and kind != "3d", place))
    subject.not_proven.append("Positions in pictures are rounded; the cells and what borders on what are not.")
    return f'<div class="pair">{"".join(figures)}</div>{pointer_parts("".join(figures))}'


def _drawn(subject: Subject, kind: str, color_by: str) -> Any:
    from puiseux.pictures.plot import picture_of, space_picture_of

    problem = subject.problem
    inputs = problem.network.input_dim
    if kind == "3d" or inputs == 3:
        return space_picture_of(problem, kind, made=subject.arrangements)
    data = subject.data if (kind == "regions" and color_by != "map") or inputs == 1 else None
    return picture_of(problem, None, kind, color_by, data, made=subject.arrangements)


def _figure(figure: Any, caption: str, vector: bool, place: int) -> str:
    from puiseux.pictures.pages import data_url, small_png, svg_of
    from puiseux.pictures.pointer import panel_of

    label = html.escape(caption)
    picture = svg_of(figure, f"p{place}") if vector else f'<img alt="{label}" src="{data_url(small_png(figure))}">'
    # two pictures side by side, or the flat graph of one input
    broad = " broad" if figure.get_size_inches()[0] > 1.5 * figure.get_size_inches()[1] else ""
    return f'<figure class="picture{broad}"><figcaption>{label}</figcaption>{picture}{panel_of(picture)}</figure>'


# -------------------------------------------------------------------- formula


def formula_section(subject: Subject) -> str:
    """Each output as a difference of two max-plus polynomials."""
    network = subject.problem.network
    native = native_monomials(network)[-1]
    count = subject.count
    if count is None or not count.complete or (count.cells or 0) > _FORMULA_TERMS:
        raise LeftOut(f"a formula is made from at most {_FORMULA_TERMS:,} cells, all of them found")
    formulas = isolated(subject, lambda: iter(_formulas(subject)), 0.7, "the formula")
    from puiseux.questions.mathml import rational_mathml

    parts, rows = [], []
    for k, (each, expansion) in enumerate(zip(formulas, native, strict=True)):
        sizes = each.sizes
        expanded = f"{number(expansion.numerator)} − {number(expansion.denominator)}"
        pruned, short = (f"{a:,} − {b:,}" for a, b in (sizes["pruned"], sizes["simplified"]))
        rows.append((f"y<sub>{k}</sub>", expanded, pruned, short, html.escape(each.minimal)))
        terms = sum(sizes["simplified"])
        if terms <= _SHOWN_TERMS:
            name = "<mi>y</mi>" if len(formulas) == 1 else f"<msub><mi>y</mi><mn>{k}</mn></msub>"
            shown = rational_mathml(each.rational, name)
            exact = html.escape(each.to_text())
            latex = html.escape(each.to_latex())
            formula = f'<div class="formula">{shown}</div>'
            if terms > _OPEN_TERMS:
                formula = f"<details><summary>output {k}: {counted(terms, 'term')}</summary>{formula}</details>"
            texts = f"<pre>{exact}</pre><pre>{latex}</pre>"
            parts.append(f"{formula}<details><summary>exact text and LaTeX of output {k}</summary>{texts}</details>")
        else:
            parts.append(left_out(f"the formula of output {k} has {terms:,} terms, more than the {_SHOWN_TERMS} shown"))
        if each.minimal == "proven":
            subject.proven.append(f"No difference of two max-plus polynomials for output {k} has fewer terms.")
    subject.proven.append("Each formula equals the network as a function on all of R^n (checked at every rewriting).")
    if any(each.minimal != "proven" for each in formulas):
        subject.not_proven.append("That the formulas are the shortest possible.")
    head = ("output", "terms expanded", "pruned", "simplified", "shortest")
    note = "<p>The formula holds on all of R<sup>n</sup>; numbers with many digits are rounded where it says ≈.</p>"
    return note + "".join(parts) + table(head, rows, (1, 2, 3))


def _formulas(subject: Subject) -> tuple[SimplifiedFormula, ...]:
    from puiseux.questions.formula import simplify

    return simplify(subject.problem.network).outputs


# -------------------------------------------------------------------- statistics


def statistics_section(subject: Subject) -> str:
    """How many facets cells have, how large regions are."""
    from nn_bridge.cells.adjacency import adjacency_of

    count = subject.count
    if count is None or not count.complete or count.cells is None or count.cells > _GRAPH_CELLS:
        raise LeftOut(f"statistics are made of at most {_GRAPH_CELLS:,} cells, all of them found")
    subject.share(1.0)
    found = adjacency_of(subject.cells)
    bounded = int(found.bounded.sum())
    rows = [
        ("cells", number(found.cells)),
        ("bounded cells", number(bounded)),
        ("common facets (edges of the dual graph)", number(len(found.edges))),
        ("facets of a cell on average", f"{found.mean_facets:.3f}"),
    ]
    histogram = Counter(found.facets.tolist())
    most = max(histogram.values())
    bars = "".join(
        f"<span>{facets}</span><i style='width:{100 * times / most:.1f}%'></i><span>{times:,}</span>"
        for facets, times in sorted(histogram.items())
    )
    text = table(("", ""), rows, (1,)) + f"<h3>Cells by number of facets</h3><div class='bars'>{bars}</div>"
    subject.proven.append("The facets, neighbours and boundedness of every cell.")
    return text + _regions(subject)


def _regions(subject: Subject) -> str:
    count = subject.count
    if count is None or (count.regions or 0) > _REGION_LIMIT:
        return left_out(f"regions one by one are measured up to {_REGION_LIMIT:,}")
    try:
        regions = isolated(subject, lambda: _measured(subject), 0.8, "measuring the regions")
    except LeftOut as reason:
        return left_out(str(reason))
    finite = sorted((r for r in regions if r[0] is not None), key=itemgetter(0), reverse=True)
    rows = [
        ("bounded regions", number(sum(r[3] for r in regions))),
        ("regions of more than one cell", number(sum(r[1] > 1 for r in regions))),
    ]
    if finite:
        middle = finite[len(finite) // 2]
        rows += [("lower median volume of the regions of finite volume", rounded_text(middle[0], 4))]
    largest = [
        (rounded_text(volume, 4), number(cells), number(facets), "–" if radius is None else rounded_text(radius, 4))
        for volume, cells, facets, _, radius in finite[:_LARGEST]
    ]
    text = "<h3>Regions</h3>" + table(("", ""), rows, (1,))
    if largest:
        head = ("volume", "cells", "facets", "inradius")
        text += f"<h3>The largest regions of finite volume</h3>{table(head, largest, (0, 1, 2, 3))}"
        subject.proven.append("Volumes and inradii (computed in rationals, shown rounded).")
    return text


def _measured(subject: Subject) -> Iterator[tuple[fmpq | None, int, int, bool, fmpq | None]]:
    from nn_bridge.cells.statistics import statistics_of_regions

    for region in statistics_of_regions(subject.cells):
        radius = None if region.inradius is None else region.inradius[0]
        yield region.volume, region.polyhedra, region.facets, region.bounded, radius


# -------------------------------------------------------------------- proofs and reproduction


def proofs_section(subject: Subject) -> str:
    """The statements of this page that are theorems about the given weights, and those that are not."""
    text = "<p>Weights are read as the exact rational numbers that the file holds.</p>"
    if subject.proven:
        text += f'<ul class="yes">{"".join(f"<li>{line}</li>" for line in subject.proven)}</ul>'
    if not subject.not_proven:
        return text
    items = "".join(f"<li>{html.escape(line)}</li>" for line in subject.not_proven)
    return f'{text}<h3>Not proven</h3><ul class="no">{items}</ul>'


def reproduction_section(subject: Subject) -> str:
    """Commands, versions, digests."""
    from puiseux import __version__

    name = shlex.quote(subject.name if subject.path is None else subject.path.name)
    domain = "" if subject.problem.text == "all" else f" --domain {shlex.quote(subject.problem.text)}"
    commands = [
        subject.command or f"puiseux report {name}{domain} -o report.html",
        f"puiseux count {name}{domain} --json",
        f"puiseux count {name}{domain} --certificate counts.cert",
        f"puiseux verify counts.cert --network {name}{domain}",
        f"puiseux crosscheck {name}{domain}",
        f"puiseux bounds {name}",
        f"puiseux simplify {name}",
        f"puiseux topology {name}{domain}",
    ]
    rows = [
        ("puiseux", __version__),
        ("Python", platform.python_version()),
        *((package, _version(package)) for package in ("python-flint", "numpy")),
        ("platform", f"{platform.system()} {platform.machine()}"),
        ("made", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("seconds", f"{subject.seconds:.1f}"),
        ("digest of the network (SHA-256 of the exact normal form)", subject.original.digest()),
    ]
    if subject.path is not None and subject.path.is_file():
        rows.append(("SHA-256 of the file", hashlib.sha256(subject.path.read_bytes()).hexdigest()))
    listed = [(html.escape(key), f"<code>{html.escape(value)}</code>") for key, value in rows]
    return f"<pre>{html.escape(chr(10).join(shown(line, 4000) for line in commands))}</pre>{table(('', ''), listed)}"


def _version(package: str) -> str:
    try:
        return version_of(package)
    except PackageNotFoundError:
        return "unknown"


SECTIONS: tuple[tuple[str, str, Callable[[Subject], str]], ...] = (
    ("network", "Network", network_section),
    ("counts", "Counts", counts_section),
    ("pictures", "Pictures", pictures_section),
    ("bounds", "Bounds", bounds_section),
    ("formula", "Formula", formula_section),
    ("statistics", "Statistics", statistics_section),
    ("topology", "Topology", topology_section),
    ("proofs", "What is proven", proofs_section),
    ("reproduce", "How to reproduce", reproduction_section),
)
