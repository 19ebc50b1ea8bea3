"""Notebooks run from top to bottom; what is stored with them is of this code, small, and told in words."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tools.notebooks import code_of, faults, is_fresh, notebooks, run_or_read, shape_of, stored

PATHS = notebooks()
ROOT = Path(__file__).resolve().parent.parent
MOST_BYTES = 200_000
ALL_BYTES = 3_000_000


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def test_there_are_notebooks() -> None:
    assert PATHS


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_shows_what_is_stored(path: Path) -> None:
    found = run_or_read(path)
    assert not faults(found)
    assert shape_of(stored(found)) == shape_of(read(path)), f"run: python tools/notebooks.py notebooks/{path.name}"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_outputs_are_stored_and_belong_to_the_code(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    assert is_fresh(notebook), f"run: python tools/notebooks.py notebooks/{path.name}"
    assert not faults(notebook)
    assert path.stat().st_size < MOST_BYTES
    last = next(cell for cell in reversed(notebook.cells) if cell.cell_type == "code")
    assert last.execution_count == sum(cell.cell_type == "code" for cell in notebook.cells)


def test_all_outputs_together_are_small() -> None:
    assert sum(path.stat().st_size for path in PATHS) < ALL_BYTES


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_words_stand_before_and_after_a_figure(path: Path) -> None:
    cells = read(path).cells
    for number, cell in enumerate(cells):
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            for beside in cells[number - 1 : number], cells[number + 1 : number + 2]:
                assert beside, f"cell {number} shows a figure at the end of the notebook"
                assert beside[0].cell_type == "markdown", f"cell {number} shows a figure without words around it"
                assert len(beside[0].source.split()) >= 5


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_networks_come_from_the_examples(path: Path) -> None:
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")
    for name in re.findall(r"""["'](?:\.\./)?([\w./-]+\.(?:npz|json|onnx|nnet|pt))["']""", code):
        assert "/" not in name or (name.startswith("examples/") and (ROOT / name).exists()), name


def test_a_changed_cell_makes_outputs_stale() -> None:
    notebook = read(PATHS[0])
    before = code_of(notebook)
    markdown = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    markdown.source += " more"
    assert is_fresh(notebook)
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.source += "\n1"
    assert code_of(notebook) != before
    assert not is_fresh(notebook)


def test_warnings_addresses_and_empty_notebooks_are_found() -> None:
    def showing(output: Any) -> Any:
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output] if output else [])])

    new = nbformat.v4.new_output
    assert faults(showing(None)) == ["no cell has an output"]
    assert "stderr" in faults(showing(new("stream", name="stderr", text="a warning")))[0]
    assert "address" in faults(showing(new("execute_result", data={"text/plain": "<object at 0x7f00>"})))[0]
    assert not faults(showing(new("stream", name="stdout", text="7")))


def test_stored_pictures_are_small_and_the_same_size() -> None:
    image = pytest.importorskip("PIL.Image")
    picture = image.effect_noise((80, 60), 50).convert("RGB")
    import io

    raw = io.BytesIO()
    picture.save(raw, "PNG")
    output = nbformat.v4.new_output("display_data", data={"image/png": base64.b64encode(raw.getvalue()).decode()})
    kept = stored(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])]))
    found = base64.b64decode(kept.cells[0].outputs[0].data["image/png"])
    assert len(found) < len(raw.getvalue())
    assert image.open(io.BytesIO(found)).size == (80, 60)
