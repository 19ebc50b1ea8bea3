"""Domains as text and files become exact polyhedra; what makes no sense is refused by place and remedy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from puiseux.domains import pose

PLANE = Network.from_layers([[[1, -1], [2, 1]], [[1, 1]]], [[0, "1/2"], [0]])
SPACE = Network.from_layers([[[1, -1, 2], [2, 1, 0]], [[1, 3]]], [[0, "1/2"], [1]])


def write(folder: Path, content: Any) -> str:
    path = folder / "domain.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def polyhedron_file(**changes: Any) -> dict[str, Any]:
    content = {"format": "puiseux-polyhedron", "version": 1, "A": [[-1, 0], [0, -1], [1, 1]], "b": [0, 0, 1]}
    return {**content, **changes}


def slice_file(**changes: Any) -> dict[str, Any]:
    content = {"format": "puiseux-slice", "version": 1, "origin": [0, 1, 0], "directions": [[1, 0, 0], [0, 1, 2]]}
    return {**content, **changes}


def test_all_of_space() -> None:
    assert pose(PLANE) == pose(PLANE, "all")
    assert pose(PLANE).domain is None
    assert pose(PLANE).text == "all"


@pytest.mark.parametrize("text", ["box:-0.1,1/3", "box:-0.1,1/3;-1e-1,1/3", " box:-0.1,1/3 "])
def test_boxes_hold_exact_decimals(text: str) -> None:
    problem = pose(PLANE, text)
    assert problem.domain == Polyhedron.box([fmpq(-1, 10)] * 2, [fmpq(1, 3)] * 2)
    assert problem.network is PLANE
    assert problem.text == text.strip()


def test_a_polyhedron_is_taken_as_it_is() -> None:
    triangle = Polyhedron([[-1, 0], [0, -1], [1, 1]], [0, 0, 1])
    assert pose(PLANE, triangle).domain is triangle


def test_polyhedron_files_hold_exact_decimals(tmp_path: Path) -> None:
    numbers = '"A": [[0.1, "1/3"], [-1, 0]], "b": [1, 0.2]'
    name = write(tmp_path, f'{{"format": "puiseux-polyhedron", "version": 1, {numbers}}}')
    assert pose(PLANE, f"polyhedron:{name}").domain == Polyhedron([["1/10", "1/3"], [-1, 0]], [1, "1/5"])


def test_a_slice_is_the_network_on_the_plane(tmp_path: Path) -> None:
    problem = pose(SPACE, f"slice:{write(tmp_path, slice_file(domain='box:-1,0.5'))}")
    assert problem.network.input_dim == 2
    for t in ([0, 0], [1, -2], ["1/3", 5]):
        u, v = (fmpq(1, 3) if x == "1/3" else fmpq(x) for x in t)
        assert problem.network.evaluate(t) == SPACE.evaluate([u, 1 + v, 2 * v])
    assert problem.domain == Polyhedron.box([-1, -1], ["1/2", "1/2"])
    assert pose(SPACE, f"slice:{write(tmp_path, slice_file())}").domain is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is none of all, box:"),
        ("ball:1", "is none of all, box:"),
        ("box", "is none of"),
        ("box:", "is none of"),
        ("all:", "is none of"),
        ("box:1", "'1' is not an interval; write LO,HI"),
        ("box:1,2,3", "is not an interval"),
        ("box:1,1", "LO must be smaller than HI"),
        ("box:0,1;2,1", "'2,1' is empty or a point"),
        ("box:0,1;0,1;0,1", "3 intervals, the network reads 2 inputs"),
        ("box:0,nan", "'nan' is not a number"),
        ("box:0,inf", "'inf' is not a number"),
        ("box:a,b", "'a' is not a number"),
        ("box:0,1/0", "divides by zero"),
    ],
)
def test_text_that_is_no_domain(text: str, message: str) -> None:
    with pytest.raises(UsageError, match="domain") as error:
        pose(PLANE, text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a puiseux-polyhedron file"),
        ({"format": "puiseux-slice", "version": 1}, "is not a puiseux-polyhedron file"),
        (polyhedron_file(version=2), "version 2 of puiseux-polyhedron is not known"),
        ({"format": "puiseux-polyhedron", "version": 1, "A": [[1, 0]]}, 'has no entry "b"'),
        (polyhedron_file(C=[[1]]), "has an unknown entry 'C'"),
        (polyhedron_file(A=[]), '"A" has no rows; give one or more'),
        (polyhedron_file(A="x"), '"A" is not a list of rows'),
        (polyhedron_file(A=[[1, 0], 5, [1, 1]]), '"A", row 1: is not a list of numbers'),
        (polyhedron_file(A=[[1, 0], [0, 1, 2], [1, 1]]), '"A", row 1: has 3 numbers, the network reads 2'),
        (polyhedron_file(A=[[1, 0], [0, None], [1, 1]]), '"A", row 1, entry 1: null is not a number'),
        (polyhedron_file(b=[0, "x", 1]), "\"b\", entry 1: 'x' is not a number"),
        (polyhedron_file(b=[0, float("nan"), 1]), "'NaN' is not a number"),
        (polyhedron_file(b=[0, 1]), '"A" has 3 rows, "b" has 2 entries'),
        (polyhedron_file(b=[0, 0, -1]), "is empty"),
        (polyhedron_file(b=[0, 0, 0]), "has dimension 0 in R^2"),
    ],
)
def test_files_that_are_no_polyhedron(content: Any, message: str, tmp_path: Path) -> None:
    name = write(tmp_path, content)
    with pytest.raises(UsageError) as error:
        pose(PLANE, f"polyhedron:{name}")
    assert str(error.value).startswith(name)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (slice_file(origin=[0, 1]), '"origin" has 2 numbers, the network reads 3 inputs'),
        (slice_file(directions=[[1, 0]]), '"directions", row 0: has 2 numbers'),
        (slice_file(directions=[]), '"directions" has no rows; give one or more'),
        (slice_file(directions=[[1, 0, 0], [2, 0, 0]]), "linearly dependent"),
        (slice_file(directions=[[0, 0, 0]]), "linearly dependent"),
        (slice_file(domain="box:1,0"), "LO must be smaller than HI"),
        (slice_file(domain="box:0,1;0,1;0,1"), "3 intervals"),
        (slice_file(domain="slice:other.json"), "neither all nor a box"),
        (slice_file(domain=[0, 1]), "neither all nor a box"),
    ],
)
def test_files_that_are_no_slice(content: Any, message: str, tmp_path: Path) -> None:
    name = write(tmp_path, content)
    with pytest.raises(UsageError) as error:
        pose(SPACE, f"slice:{name}")
    assert str(error.value).startswith(name)
    assert message in str(error.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for name, reason in ((tmp_path / "nothing.json", "there is no such file"), (tmp_path, "is a directory")):
        with pytest.raises(UsageError, match=reason) as error:
            pose(PLANE, f"polyhedron:{name}")
        assert str(error.value).startswith(str(name))


def test_domains_of_another_kind_or_dimension() -> None:
    with pytest.raises(UsageError, match="intervals or None, not int"):
        pose(PLANE, 3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"lies in R\^2, the network reads 3 inputs"):
        pose(SPACE, Polyhedron.box([0, 0], [1, 1]))
