"""Pages that hold pictures and need no network connection: a figure as SVG, frames with a slider."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nn_bridge.writers.files import write_bytes
from polyhedra.quoting import shown
from puiseux.pictures.figures import views_of
from puiseux.pictures.pointer import SCRIPT, STYLE, layer_of, panel_of

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body {{ margin: 1rem auto; max-width: 70rem; font-family: system-ui, sans-serif; background: #fff; color: #222 }}
svg, img {{ width: 100%; height: auto; max-height: 92vh; object-fit: contain; display: block }}
img[hidden] {{ display: none }} figure {{ margin: 0; overflow-x: auto }} svg {{ min-width: 36rem }}
input {{ width: 100%; box-sizing: border-box; margin: 0 }}
{style}</style></head>
<body>
"""


_PAD = 0.06  # inches around a picture
_CROP: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": _PAD}


def svg_of(figure: Any, prefix: str = "p") -> str:
    """A matplotlib figure as an SVG element; ``prefix`` keeps its ids apart from others on a page.

    Pictures of the plane get a layer that answers to the pointer (`puiseux.pictures.pointer`).
    """
    stream = io.StringIO()
    # the date is left out, so that equal pictures are equal files
    figure.savefig(stream, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    element = text[text.index("<svg") :]
    element = _cropped(element, figure)
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    names = sorted(set(re.findall(r'\bid="([^"]+)"', element)), key=len, reverse=True)
    for name in names:
        element = element.replace(f'id="{name}"', f'id="{prefix}-{name}"').replace(f'#{name}"', f'#{prefix}-{name}"')
        element = element.replace(f"url(#{name})", f"url(#{prefix}-{name})")
    layers = "".join(layer_of(ax, view) for ax, view in views_of(figure))
    return element.replace("</svg>", f"{layers}</svg>") if layers else element


def _cropped(element: str, figure: Any) -> str:
    """An SVG element without its empty margins; coordinates inside it stay."""
    box = figure.get_tightbbox().padded(_PAD)
    left, top = 72 * box.x0, 72 * (figure.get_figheight() - box.y1)
    width, height = 72 * box.width, 72 * box.height
    head, end, rest = element.partition(">")
    view = f"{left:.2f} {top:.2f} {width:.2f} {height:.2f}"
    for name, value in (("width", f"{width:.2f}pt"), ("height", f"{height:.2f}pt"), ("viewBox", view)):
        head = re.sub(rf'\b{name}="[^"]*"', f'{name}="{value}"', head)
    return f"{head}{end}{rest}"


def png_of(figure: Any, dpi: int = 150, *, cropped: bool = True) -> bytes:
    """A matplotlib figure as a PNG, without empty margins; frames of an animation, which have one size, keep them."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, **(_CROP if cropped else {}))
    return stream.getvalue()


def small_png(figure: Any, dpi: int = 120, colours: int = 256) -> bytes:
    """A matplotlib figure as a PNG with few colours, a third of the size."""
    from PIL import Image  # comes with matplotlib

    stream = io.BytesIO()
    with Image.open(io.BytesIO(png_of(figure, dpi))) as image:
        image.convert("RGB").quantize(colours).save(stream, format="png", optimize=True)
    return stream.getvalue()


def data_url(png: bytes) -> str:
    """A PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def svg_page(figure: Any, title: str) -> str:
    """A page with one figure."""
    picture = svg_of(figure)
    panel = panel_of(picture)
    head = _HEAD.format(title=html.escape(title), style=STYLE if panel else "")
    script = f"<script>\n{SCRIPT}</script>\n" if panel else ""
    return f"{head}<figure>{picture}{panel}</figure>\n{script}</body></html>\n"


def frames_page(images: Sequence[bytes], names: Sequence[str], title: str, seconds: float) -> str:
    """A page that plays images one after another, with a slider and a button."""
    pictures = "".join(
        f'<img alt="{html.escape(name)}" src="{data_url(image)}" hidden>\n'
        for image, name in zip(images, names, strict=True)
    )
    return (
        f"{_HEAD.format(title=html.escape(title), style=_FRAMES)}<figure id='frames'>{pictures}</figure>\n"
        f"<p><button id='play'>pause</button></p><input id='at' type='range' min='0' max='{len(images) - 1}' value='0' "
        f"aria-label='frame'>\n<script>\n{_PLAYER % max(20, round(1000 * seconds))}</script>\n</body></html>\n"
    )


_FRAMES = "#frames img { max-height: calc(92vh - 5rem) }"  # so that the slider is in view

_PLAYER = """const frames = document.querySelectorAll("#frames img"), at = document.getElementById("at");
const play = document.getElementById("play");
let timer = null;
function show(k) { frames.forEach((frame, i) => { frame.hidden = i != k; }); at.value = k; }
function start() { timer = setInterval(() => show((+at.value + 1) %% frames.length), %d); play.textContent = "pause"; }
function stop() { clearInterval(timer); timer = null; play.textContent = "play"; }
at.addEventListener("input", () => { stop(); show(+at.value); });
play.addEventListener("click", () => timer === null ? start() : stop());
show(0);
start();
"""


def save_figure(figure: Any, name: str) -> None:
    """Save a matplotlib figure in the format of the file's ending, for .html as a page."""
    if Path(name).suffix.lower() == ".html":
        write_bytes(name, svg_page(figure, shown(Path(name).stem)).encode("utf-8", "backslashreplace"))
        return
    content = io.BytesIO()
    figure.savefig(content, format=Path(name).suffix[1:].lower(), dpi=150, **_CROP)
    write_bytes(name, content.getvalue())
