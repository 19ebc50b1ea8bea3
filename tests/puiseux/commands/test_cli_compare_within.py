"""``puiseux compare --within``, ``--same-class`` and ``--domain``: exact distances, rays, classes and limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import puiseux
from nn_bridge.network.network import Network
from polyhedra.scalars import rational
from puiseux import largest_difference, random_network, save
from puiseux.console.cli import run


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    absolute, identity = tmp_path / "absolute.json", tmp_path / "identity.json"
    save(Network.from_layers([[[1], [-1]], [[1, 1]]]), absolute)
    save(Network.from_layers([[[1]]]), identity)
    return absolute, identity


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int) -> dict[str, Any]:
    assert run(["compare", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_difference_on_a_box(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, *files, "--domain", "box:-1,2", "--within", "1.9", code=1)
    assert (found["difference"], found["point"], found["within"]) == ("2", ["-1"], False)
    assert (found["same_function"], found["complete"], found["reason"]) == (False, True, None)
    assert found["witness"] == {"point": ["-1"], "outputs": [["1"], ["-1"]]}
    assert [entry["hidden"] for entry in found["network"]] == [[2], []]
    assert answer(capsys, *files, "--domain", "box:-1,2", "--within", "2", code=0)["within"] is True
    same = answer(capsys, *files, "--domain", "box:0,2", "--within", "0", code=0)
    assert (same["difference"], same["same_function"], same["witness"]) == ("0", True, None)
    assert answer(capsys, *files, "--domain", "box:0,2", code=0)["same_function"] is True
    assert run(["compare", *map(str, files), "--domain", "box:-1,2"]) == 1
    assert "largest difference  2" in capsys.readouterr().out


def test_an_infinite_difference_has_a_ray(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, *files, "--within", "100", code=1)
    assert (found["difference"], found["ray"], found["within"]) == ("inf", ["-1"], False)
    assert found["same_function"] is False
    assert found["witness"]["outputs"][0] != found["witness"]["outputs"][1]


def test_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    save(Network.from_layers([[[1], [-1]], [[1, 0], [0, 1]]]), first)  # relu(x), relu(-x)
    save(Network.from_layers([[[1], [-1]], [[2, 0], [0, 1]]], [[0, 0], [0, 0]]), second)
    same = answer(capsys, first, second, "--same-class", code=0)
    assert (same["same_class"], same["point"], same["difference"]) == (True, None, "inf")
    third = tmp_path / "third.json"
    save(Network.from_layers([[[1], [-1]], [[1, 0], [0, 1]]], [[0, 0], ["-1/2", 0]]), third)
    differ = answer(capsys, first, third, "--same-class", "--domain", "box:-1,1", code=1)
    assert differ["same_class"] is False
    x = [rational(v) for v in differ["point"]]
    outputs = [puiseux.load(path).evaluate(x) for path in (first, third)]
    highest = [{i for i, v in enumerate(row) if v == max(row)} for row in outputs]
    assert not highest[0] & highest[1]
    # the exit code follows --within alone
    both = answer(capsys, first, third, "--same-class", "--domain", "box:-1,1", "--within", "1/2", code=0)
    assert (both["within"], both["same_class"], both["difference"]) == (True, False, "1/2")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--within", "-1"], "not negative"),
        (["--within", "small"], "not a number"),
        (["--same-class"], "no classes"),
        (["--domain", "ball"], "domain"),
        (["--within", "1", "--time-limit", "-3"], "time limit"),
    ],
)
def test_what_is_refused(
    files: tuple[Path, Path], options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", *map(str, files), *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err


def test_a_limit_leaves_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for seed, path in enumerate(paths):
        save(random_network([10, 30, 30, 2], rng=seed), path)
    found = answer(capsys, *paths, "--domain", "box:-1,1", "--within", "10", "--time-limit", "2", code=3)
    assert (found["difference"], found["within"], found["complete"]) == (None, None, False)
    assert 0 < rational(found["lower"]) <= 10
    assert found["upper"] is None or rational(found["upper"]) > 10


def test_equal_networks_differ_by_nothing(files: tuple[Path, Path]) -> None:
    found = largest_difference(files[0], files[0], "box:-1,1")
    assert (found.value, found.same_function, found.proven) == (0, True, True)
    assert largest_difference(files[0], [[[1], [-1], [2]], [[1, 1, 0]]]).value == 0
