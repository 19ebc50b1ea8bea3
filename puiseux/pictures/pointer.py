"""Cells that answer to the pointer: a transparent layer over the SVG of a picture of two inputs.

Each cell has a `<title>`, which browsers show without any script: pattern, affine map, area, facets, boundedness.  A
small script shows the same below the picture (for touch screens), outlines the whole region, and zooms with
the wheel, drags with the mouse.
"""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING, Any

import numpy as np

from polyhedra.plurals import counted
from polyhedra.scalars import to_float
from puiseux.pictures.plane import polygons
from puiseux.pictures.views import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CELLS = 2000
"""Of more cells the page would be slow, and no pointer could tell them apart."""
_MAPS = 4  # outputs whose affine maps are written down


def layer_of(ax: Axes, view: View) -> str:
    """The layer for one picture: SVG in the coordinates of the saved figure, empty for too many cells.

    Call it after the figure was saved, when its layout is known.
    """
    if view.dim != 2 or view.cells.cells > MOST_CELLS:
        return ""
    figure: Any = ax.figure
    scale, height = 72 / figure.dpi, 72 * figure.get_figheight()
    facets, bounded = _facets(view)
    shapes = []
    for cell, polygon in enumerate(polygons(view.cells)):
        points = ax.transData.transform(view.shown(polygon)) * scale
        path = " L".join(f"{x:.2f} {height - y:.2f}" for x, y in points.tolist())
        words = html.escape(_words(view, cell, polygon, facets[cell], bounded[cell]), quote=True)
        region = int(view.cells.regions[cell])
        shapes.append(f'<path class="cell" data-region="{region}" d="M{path} Z"><title>{words}</title></path>')
    return f'<g class="pointer">{"".join(shapes)}</g>'


def _facets(view: View) -> tuple[list[int | None], list[bool | None]]:
    """For each cell in the window the number of facets of the whole cell, and whether it is bounded."""
    whole = view.arrangements.whole
    counts = np.bincount(whole.facet_cell, minlength=whole.cells)
    with_rays = np.bincount(np.repeat(np.arange(whole.cells), np.diff(whole.first)), whole.rays, whole.cells) > 0
    known = {key: number for number, key in enumerate(_keys(whole))}
    numbers = [known.get(key) for key in _keys(view.cells)]
    facets = [None if number is None else int(counts[number]) for number in numbers]
    # without any vertex of its own a cell contains a line, and the arrangement has rays in place of it
    return facets, [None if number is None else not with_rays[number] for number in numbers]


def _keys(cells: Any) -> list[bytes]:
    if not cells.patterns:
        return [b""] * cells.cells
    return [row.tobytes() for row in np.concatenate(cells.patterns, axis=1)]


def _words(view: View, cell: int, polygon: Any, facets: int | None, bounded: bool | None) -> str:
    pattern = tuple(tuple(stage[cell].tolist()) for stage in view.cells.patterns)
    lines = [f"region {int(view.cells.regions[cell]) + 1}, cell {cell + 1} of this window"]
    if pattern:
        lines.append("pattern " + "|".join("".join(str(int(on)) for on in stage) for stage in pattern))
    rows = view.problem.network.affine_forms(pattern)[-1]
    for number, row in enumerate(rows[:_MAPS]):
        name = "output" if len(rows) == 1 else f"output {number}"
        terms = [f"{to_float(a):.6g} {axis}" for a, axis in zip(row[:-1], view.axes, strict=True) if a]
        text = " + ".join([*terms, *([f"{to_float(row[-1]):.6g}"] if row[-1] or not terms else [])])
        lines.append(f"{name} = {text.replace('+ -', '- ')}")
    if len(rows) > _MAPS:
        lines.append(f".. and {counted(len(rows) - _MAPS, 'more output')}")
    x, y = view.shown(polygon).T
    area = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    lines.append(f"area in this window about {area:.4g}")
    if facets is not None:
        kind = {True: "bounded", False: "unbounded", None: ""}[bounded]
        lines.append(f"{counted(facets, 'facet')}, {kind}")
    return "\n".join(lines)


STYLE = """.pointer path { fill: transparent; stroke: none; pointer-events: all; cursor: crosshair }
.pointer path.same { stroke: #000; stroke-width: 1.2 } .pointer path.here { fill: rgba(255, 255, 255, .35) }
.about { white-space: pre-line; min-height: 6em; font-size: 90%; overflow-wrap: anywhere; text-align: left }"""

SCRIPT = """for (const figure of document.querySelectorAll("figure")) {
  const svg = figure.querySelector("svg"), about = figure.querySelector(".about");
  if (!svg || !about) continue;
  const cells = [...svg.querySelectorAll(".pointer path")];
  for (const cell of cells) {
    const enter = () => {
      const words = cell.querySelector("title").textContent, region = cell.dataset.region;
      about.textContent = words;
      cells.forEach(other => other.classList.toggle("same", other.dataset.region === region));
      cells.forEach(other => other.classList.toggle("here", other === cell));
    };
    cell.addEventListener("pointerenter", enter); cell.addEventListener("click", enter);
  }
  const [left, top, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  let box = [left, top, width, height], from = null;
  const set = value => { box = value; svg.setAttribute("viewBox", box.join(" ")); };
  const at = event => { const r = svg.getBoundingClientRect();
    return [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height]; };
  svg.addEventListener("wheel", event => {
    event.preventDefault();
    const [x, y] = at(event), factor = Math.min(event.deltaY > 0 ? 1.25 : 0.8, width / box[2]);
    set([box[0] + x * box[2] * (1 - factor), box[1] + y * box[3] * (1 - factor), box[2] * factor, box[3] * factor]);
  }, { passive: false });
  svg.addEventListener("pointerdown", event => { if (event.pointerType === "mouse") from = [at(event), box]; });
  svg.addEventListener("pointermove", event => {
    if (!from) return;
    const [x, y] = at(event), [[a, b], old] = from;
    set([old[0] - (x - a) * old[2], old[1] - (y - b) * old[3], old[2], old[3]]);
  });
  for (const end of ["pointerup", "pointerleave"]) svg.addEventListener(end, () => { from = null; });
  figure.querySelector(".again").addEventListener("click", () => set([left, top, width, height]));
}
"""

_PANEL = """<p><button class="again" type="button">whole picture</button> Point at a cell for its pattern, affine map, \
area and facets; the wheel zooms, dragging moves.</p><p class="about"></p>"""


SCRIPT_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
"""The sum that a page's content security policy names, so that no other script runs."""


def panel_of(picture: str) -> str:
    """The lines below a picture (an SVG element) inside its figure; empty where no cell answers."""
    return _PANEL if 'class="pointer"' in picture else ""


def pointer_parts(page: str) -> str:
    """Style and script for a page with figures; empty where no cell answers."""
    return f"<style>{STYLE}</style><script>{SCRIPT}</script>" if 'class="pointer"' in page else ""


__all__ = ["MOST_CELLS", "SCRIPT", "STYLE", "layer_of", "panel_of", "pointer_parts"]
