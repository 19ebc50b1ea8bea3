"""Text for people: numbers of any size, domains, singular and plural, domains that name strange files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nn_bridge.network.network import Network
from puiseux import random_network, save
from puiseux.console.cli import run

BOX = ["--domain", "box:-1,1"]


@pytest.fixture
def huge(tmp_path: Path) -> str:
    """1e600 relu(x + y) - 1e600 relu(x - y): values and slopes beyond the range of floats."""
    path = tmp_path / "huge.json"
    big = 10**300
    save(Network.from_layers([[[big, big], [big, -big]], [[big, -big]]]), path)
    return str(path)


@pytest.fixture
def unit(tmp_path: Path) -> str:
    path = tmp_path / "unit.json"
    save(Network.from_layers([[[1]], [[1]]]), path)
    return str(path)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["optimize", "NET", *BOX], "least value    about -2e+600"),
        (["lipschitz", "NET"], "about 2e+600"),
        (["topology", "NET", "--level", "1e400"], "output 0 >= about 1e+400"),
        (["explore", "NET", "--at", "1e400,0"], "around (about 1e+400, 0)"),
    ],
)
def test_numbers_beyond_floats_are_never_infinite(
    huge: str, command: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([huge if word == "NET" else word for word in command]) == 0
    out = capsys.readouterr().out
    assert told in out
    assert "about inf" not in out
    assert "about -inf" not in out


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["count"], 0, "1 input, 1 unit, 1 output\non all of R^1,"),
        (["explore", "--at", "0"], 0, "cells around (0) on all of R^1, breadth first"),
        (["statistics"], 0, "on all of R^1, by regions"),
        (["statistics"], 0, "1 facet from one cell"),
        (["crosscheck", "--routes", "cells"], 0, "Network [1, 1, 1], on all of R^1\n"),
        (["injective"], 1, "on all of R^1: not injective"),
    ],
)
def test_domains_and_plurals(
    unit: str, command: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command[0], unit, *command[1:]]) == code
    assert told in capsys.readouterr().out


def test_long_levels_keep_the_columns_of_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([2, 8, 8, 1], rng=1), path)
    assert run(["topology", str(path), "--persistence"]) == 0
    _, head, *pairs, _ = capsys.readouterr().out.splitlines()
    assert len(pairs) > 1
    assert {len(line) for line in pairs} == {len(head)}
    assert max(map(len, pairs)) < 80


def test_no_critical_point_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "affine.json"
    save(Network.from_layers([[[1, 2]]]), path)
    assert run(["topology", str(path), "--critical-points"]) == 0
    out = capsys.readouterr().out
    assert "none: the sublevel sets have the same topology at all levels" in out
    assert "index" not in out


@pytest.mark.parametrize(
    "command",
    [
        ["count"],
        ["count", "--estimate", "1"],
        ["optimize"],
        ["lipschitz"],
        ["topology"],
        ["explore", "--at", "0"],
        ["injective"],
        ["statistics"],
        ["crosscheck", "--routes", "cells"],
        ["compare", "NET", "--within", "1"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_name_of_a_domain_file_moves_no_cursor(
    unit: str, command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    domain = tmp_path / "\x1b[2Jwall.json"
    entry = {"format": "puiseux-polyhedron", "version": 1, "A": [[1], [-1]], "b": [1, 1]}
    domain.write_text(json.dumps(entry))
    words = [unit if word == "NET" else word for word in command[1:]]
    assert run([command[0], unit, *words, "--domain", f"polyhedron:{domain}"]) in {0, 1}
    written = capsys.readouterr()
    assert "\x1b" not in written.out + written.err
    assert "wall.json" in written.out


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["count"], "net.json, output 2: 2 inputs"),
        (["count", "--estimate", "1"], "net.json, output 2: activation cells"),
        (["crosscheck", "--routes", "cells"], "net.json, output 2: Network [2, 3, 1]"),
        (["hoffman"], "\n     2  "),
        (["monomials"], "\n     2  "),
        (["monomials", "--layers"], "output 2"),
        (["simplify"], "output 2: "),
        (["lipschitz"], "net.json, output 2: from norm inf"),
        (["statistics"], "output 2 on all of R^2, by regions"),
        (["optimize", *BOX], "output 2 on box:-1,1"),
        (["topology"], "output 2 >= 0"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_the_output_that_was_asked_for_is_named(
    command: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.json"
    save(random_network([2, 3, 3], rng=0, init="integers"), path)
    assert run([command[0], str(path), *command[1:], "--output", "2"]) == 0
    written = capsys.readouterr()
    assert told in written.out + written.err
    assert "output 0" not in written.out + written.err
    assert run([command[0], str(path), *command[1:], "--output", "3"]) == 2


def test_hoffman_constants_beyond_floats_are_lower_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.json"
    save(Network.from_layers([[["1e-400"]], [[1]]]), path)  # relu(x / 10^400): a violation v is a distance 10^400 v
    assert run(["hoffman", str(path)]) == 0
    out = capsys.readouterr().out
    assert "1.79769e+308" not in out
    assert run(["hoffman", str(path), "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)["outputs"]
    assert entry["exact"] == 1.7976931348623157e308
    assert "> 1.79e+308" in out
