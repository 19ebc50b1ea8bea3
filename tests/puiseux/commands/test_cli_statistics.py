"""``puiseux statistics``: its tables and its summary."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from puiseux.console.cli import run

SMALL = str(Path(__file__).resolve().parents[2] / "data" / "nets" / "d2_10_5_1_s0.npz")


@pytest.fixture
def square(tmp_path: Path) -> str:
    """relu(x) - relu(-x) + relu(y) = x + relu(y): four cells, two regions."""
    path = tmp_path / "net.npz"
    np.savez(path, W0=[[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], b0=np.zeros(3), W1=[[1.0, -1.0, 1.0]], b1=[0.0])
    return str(path)


def test_the_published_diameter_and_mean_of_a_known_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["statistics", SMALL, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cells"], found["diameter"], found["twice_inputs"]) == (119, 16, 4)
    assert round(found["mean_facets"], 3) == 3.697
    assert sum(found["neighbours"].values()) == 119
    assert found["data"] is None


def test_regions_and_cells_in_a_box(square: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = tmp_path / "points.csv"
    points.write_text("0.5,0.5\n0.5,1\n")
    table = tmp_path / "regions.csv"
    words = ["statistics", square, "--domain", "box:-1,2", "--data", str(points), "-o", str(table), "--json"]
    assert run(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cells"], found["pieces"], found["bounded"], found["diameter"]) == (4, 2, 2, 2)
    assert found["volumes"] == {"least": "3", "median": "3", "largest": "6"}
    assert found["data"] == {"holding": 1, "farthest": "1/2"}
    rows = list(csv.DictReader(table.open()))
    assert sorted(
        (row["polyhedra"], row["volume"], row["data"], row["distance"], row["neighbours"]) for row in rows
    ) == [
        ("2", "3", "0", "1/2", "1"),
        ("2", "6", "2", "0", "1"),
    ]
    assert {json.dumps(json.loads(row["affine_map"])) for row in rows} == {'[["1", "0", "0"]]', '[["1", "1", "0"]]'}
    assert run([*words[:-1], "--by", "cells"]) == 0
    text = capsys.readouterr().out
    assert "cells       4 (4 bounded)" in text
    assert "volume      1 to 4, lower median 2" in text
    assert "in 1 of 4 cells; the farthest is 0.5 away" in text


def test_unbounded_regions_in_both_formats(square: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow.parquet

    assert run(["statistics", square, "--by", "cells", "-o", str(tmp_path / "c.parquet")]) == 0
    assert run(["statistics", square, "--by", "cells", "-o", str(tmp_path / "c.csv")]) == 0
    table = pyarrow.parquet.read_table(tmp_path / "c.parquet").to_pylist()
    rows = list(csv.DictReader((tmp_path / "c.csv").open()))
    assert len(table) == len(rows) == 4
    for entry, row in zip(table, rows, strict=True):
        assert entry["volume"] is None
        assert row["volume"] == ""
        assert entry["edge_lengths"] == [float("inf")] * 2
        assert json.loads(row["edge_lengths"]) == [None, None]
        assert entry["patterns"] == json.loads(row["patterns"])
        assert sorted(map(str, entry["edge_gradients"])) == ["0", "None"]
    assert "volume" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "table.txt"], "table.txt: a table of regions ends in .csv or .parquet"),
        (["-o", "nowhere/table.csv"], "its folder does not exist"),
        (["--by", "units"], "not by 'units'"),
        (["--data", "nothing.csv"], "nothing.csv"),
    ],
)
def test_refusals(
    words: list[str], message: str, square: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(square).parent)
    assert run(["statistics", square, *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert [path.name for path in Path.cwd().iterdir()] == ["net.npz"]
