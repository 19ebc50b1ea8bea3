"""Notebooks with their outputs: run them, store what they show, and tell which stored outputs are of other code.

``python tools/notebooks.py`` runs those of ``notebooks/`` whose outputs are missing or belong to other code (``--all``:
each), and stores the outputs, with small images and without what changes from run to run.  The site and the tests run
every notebook; what one of them ran is read by the other from ``docs/_build/executed``, if the sources are the same.
"""

from __future__ import annotations

import argparse
import base64
import copy
import hashlib
import io
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
EXECUTED = ROOT / "docs" / "_build" / "executed"
"""Where notebooks lie as they were run, named by a hash of everything that they depend on."""

SECONDS = 300  # for one cell, and for a kernel to start on a busy machine
COLOURS = 96  # of a stored image
_SOURCES = ("polyhedra", "tropical", "nn_bridge", "milp", "puiseux", "examples", "tests/data")
_SUFFIXES = {".py", ".cpp", ".hpp", ".h", ".npz", ".json"}
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def notebooks() -> list[Path]:
    """All notebooks, in order."""
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def code_of(notebook: Any) -> str:
    """A hash of the code cells: outputs that are stored with another one are stale."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:16]


def is_fresh(notebook: Any) -> bool:
    """Whether outputs are stored, and belong to the code of the notebook."""
    return bool(notebook.metadata.get("puiseux", {}).get("code") == code_of(notebook))


def run(path: Path) -> Any:
    """The notebook with the outputs of a run from top to bottom, in a kernel that sees this checkout."""
    notebook = nbformat.read(path, as_version=4)
    environment = dict(os.environ)
    known = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), known] if known else [str(ROOT)])
    client = NotebookClient(
        notebook,
        timeout=SECONDS,
        startup_timeout=SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=environment)
    return notebook


def run_or_read(path: Path) -> Any:
    """The notebook as it was run for exactly these sources, by whoever needed it first."""
    kept = EXECUTED / f"{path.stem}-{_key(path)}.ipynb"
    if kept.exists():
        return nbformat.read(kept, as_version=4)
    notebook = run(path)
    EXECUTED.mkdir(parents=True, exist_ok=True)
    for old in EXECUTED.glob(f"{path.stem}-{'[0-9a-f]' * 16}.ipynb"):
        if old != kept:  # which another process may have written meanwhile
            old.unlink(missing_ok=True)
    own = kept.with_suffix(f".{os.getpid()}")  # a process that looks meanwhile sees a whole file or none
    nbformat.write(notebook, own)
    own.replace(kept)
    return notebook


def run_all(paths: list[Path], workers: int | None = None) -> Iterator[Any]:
    """The notebooks as they were run, in order, several at a time."""
    with ThreadPoolExecutor(workers or min(4, os.cpu_count() or 1)) as pool:
        yield from pool.map(run_or_read, paths)


def stored(notebook: Any) -> Any:
    """The notebook as it is kept in the repository: its outputs, small, and the same for the same results."""
    kept = copy.deepcopy(notebook)
    for cell in kept.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = [_small(output) for output in cell.outputs]
    kept.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "puiseux": {"code": code_of(kept)},
    }
    return nbformat.from_dict(kept)


def faults(notebook: Any) -> list[str]:
    """Reasons why the stored outputs should not be shown to anybody: warnings, addresses, no output at all."""
    found = []
    outputs = [(n, o) for n, cell in enumerate(notebook.cells) if cell.cell_type == "code" for o in cell.outputs]
    if not outputs:
        found.append("no cell has an output")
    for number, output in outputs:
        if output.output_type == "error" or output.get("name") == "stderr":
            found.append(f"cell {number} writes to stderr or fails: {str(output.get('text', output))[:200]}")
        elif _ADDRESS.search(text_of(output)):
            found.append(f"cell {number} shows an address, which differs from run to run: end it with a semicolon")
    return found


def text_of(output: Any) -> str:
    """An output as text."""
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def shape_of(notebook: Any) -> list[tuple[int, list[str], str]]:
    """The kinds of output cell by cell, and their words without the numbers, which may depend on the machine."""
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            kinds = sorted({kind for o in cell.outputs for kind in (o.get("data") or {o.get("name"): 0})})
            words = " ".join(text_of(output) for output in cell.outputs)
            found.append((number, kinds, " ".join(re.findall(r"[A-Za-z]{4,}", words))))
    return found


def _small(output: Any) -> Any:
    data = output.get("data")
    if data and "image/png" in data:
        data["image/png"] = base64.b64encode(_small_png(base64.b64decode(data["image/png"]))).decode()
    return output


def _small_png(png: bytes) -> bytes:
    """The picture on white in few colours: a third of the size, the same to the eye."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    flat = Image.alpha_composite(white, picture).convert("RGB")
    out = io.BytesIO()
    flat.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return min(png, out.getvalue(), key=len)


def _key(path: Path) -> str:
    """A hash of the notebook's code, the packages, the networks, and the versions of everything installed."""
    digest = hashlib.sha256(code_of(nbformat.read(path, as_version=4)).encode())
    digest.update(str(sorted(f"{d.name} {d.version}" for d in distributions())).encode())
    digest.update(f"{sys.version} {bool(list((ROOT / 'nn_bridge').rglob('_core*')))}".encode())
    for folder in _SOURCES:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in _SUFFIXES:
                digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def main() -> None:
    """Run notebooks and store their outputs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks; without any those whose outputs are stale")
    parser.add_argument("--all", action="store_true", help="run every notebook")
    given = parser.parse_args()
    chosen = [path.resolve() for path in given.paths] or notebooks()
    if not given.all and not given.paths:
        chosen = [path for path in chosen if not is_fresh(nbformat.read(path, as_version=4))]
    failed = False
    for path, notebook in zip(chosen, run_all(chosen), strict=True):
        kept = stored(notebook)
        for fault in faults(kept):
            failed = True
            print(f"{path.name}: {fault}", file=sys.stderr)
        nbformat.write(kept, path)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")
    sys.exit(failed)


if __name__ == "__main__":
    main()
