"""``puiseux topology --pieces -o FILE``: the lines of JSON, read back and compared with the pieces themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

import puiseux
from nn_bridge.network.network import Network, Row
from polyhedra.scalars import rational
from tests.puiseux.commands.test_cli_topology import run


def row(texts: list[str]) -> Row:
    return tuple(map(rational, texts))


def value(point: Row, inequality: Row) -> fmpq:
    return sum((a * x for a, x in zip(inequality, point, strict=False)), -inequality[-1])


def lines_of(net: Network, tmp_path: Path, *options: str) -> list[dict[str, Any]]:
    source, target = tmp_path / "net.npz", tmp_path / "pieces.jsonl"
    puiseux.save(net, source)
    assert run(["topology", str(source), "--pieces", "-o", str(target), *options]) == 0
    return [json.loads(line) for line in target.read_text().splitlines()]


def test_the_lines_are_the_pieces_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = puiseux.random_network([3, 8, 6, 1], rng=3)
    level = net((0, 0, 0))[0]
    lines = lines_of(net, tmp_path, "--level", str(level), "--domain", "box:-1,1", "--json")
    counts = json.loads(capsys.readouterr().out)["pieces"]
    assert counts == {"count": len(lines), "flat": 0, "touching": 0}
    pieces = puiseux.boundary_pieces(net, "box:-1,1", level=level)
    assert len(lines) == len(pieces) > 20
    assert sorted(tuple(map(row, line["vertices"])) for line in lines) == sorted(piece.vertices for piece in pieces)
    for line in lines:
        equation, inequalities = row(line["equation"]), list(map(row, line["inequalities"]))
        assert line["kind"] == "piece"
        assert line["bounded"]
        assert line["rays"] == line["lines"] == []
        vertices = list(map(row, line["vertices"]))
        for vertex in vertices:
            assert net(vertex) == (level,)
            assert value(vertex, equation) == 0
            assert all(value(vertex, own) <= 0 for own in inequalities)
        inside = tuple(sum(column, fmpq(0)) / len(vertices) for column in zip(*vertices, strict=True))
        text = "|".join("".join(str(int(on)) for on in stage) for stage in net.pattern(inside))
        known = [a == b or b == "0" for a, b in zip(line["pattern"], text, strict=True)]
        assert all(known)  # units that vanish on the piece count as inactive at its points


def test_unbounded_flat_and_touching_parts(tmp_path: Path) -> None:
    ramp = Network.from_layers([[[1, 0]], [[1]]])  # max(x, 0) in two inputs
    flat, piece = lines_of(ramp, tmp_path)
    assert (flat["kind"], flat["pattern"], flat["equation"], flat["inequalities"]) == (
        "flat",
        "0",
        None,
        [["1", "0", "0"]],
    )
    assert (flat["rays"], flat["lines"], flat["bounded"]) == ([["-1", "0"]], [["0", "1"]], False)
    assert (piece["kind"], piece["vertices"], piece["rays"], piece["lines"]) == (
        "piece",
        [["0", "0"]],
        [],
        [["0", "1"]],
    )
    assert row(piece["equation"]) in ((1, 0, 0), (-1, 0, 0))
    assert (piece["inequalities"], piece["bounded"]) == ([], False)
    cone = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]]])
    (apex,) = lines_of(cone, tmp_path)
    assert (apex["kind"], apex["vertices"], apex["equation"], apex["inequalities"]) == (
        "touching",
        [["0", "0"]],
        None,
        None,
    )
    cross = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, -1, -1]]])  # |x| - |y|
    rays = sorted(tuple(line["rays"][0]) for line in lines_of(cross, tmp_path))
    assert rays == [("-1", "-1"), ("-1", "1"), ("1", "-1"), ("1", "1")]


def test_a_boundary_on_a_slice_is_in_its_parameters(tmp_path: Path) -> None:
    net = Network.from_layers([[[1, 0, 0], [0, 1, 0]], [[1, 0], [0, 1]]])
    plane = {"format": "puiseux-slice", "version": 1, "origin": [0, 0, 0], "directions": [[2, 0, 0], [0, 1, 0]]}
    (tmp_path / "plane.json").write_text(json.dumps(plane))
    lines = lines_of(net, tmp_path, "--boundary", "0,1", "--domain", f"slice:{tmp_path / 'plane.json'}")
    pieces = [line for line in lines if line["kind"] == "piece"]
    assert all(len(line["equation"]) == 3 for line in pieces)
    assert ["1", "2"] in [line["rays"][0] for line in pieces]  # x = 2 s and y = t are equal


def test_a_file_of_a_stopped_run_does_not_appear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "net.npz", tmp_path / "pieces.jsonl"
    puiseux.save(puiseux.random_network([6, 40, 40, 1], rng=1), source)
    options = ["--domain", "box:-1,1", "--time-limit", "0.5"]
    assert run(["topology", str(source), "--pieces", "--level", "1/5", "-o", str(target), *options]) == 3
    assert "pieces.jsonl was not written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]
