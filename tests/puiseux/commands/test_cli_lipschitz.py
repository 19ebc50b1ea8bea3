"""``puiseux lipschitz``: the constant in every form, slices, bounds, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from puiseux import lipschitz, random_network, save
from puiseux.console.cli import run


def answer(capsys: pytest.CaptureFixture[str], path: Path, *options: str, code: int = 0) -> dict[str, Any]:
    assert run(["lipschitz", str(path), "--json", *options]) == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def net(tmp_path: Path) -> Path:
    # relu(x + y) and relu(x - y), each an output; both are active around (2, 1)
    path = tmp_path / "net.json"
    save(Network.from_layers([[[1, 1], [1, -1]], [[1, 0], [0, 2]]]), path)
    return path


def test_every_kind_of_norm(net: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, net)
    assert (found["constant"], found["squared"], found["polynomial"]) == ("4", None, None)
    assert (found["lower"], found["upper"], found["in"], found["proven"]) == (4.0, 4.0, "inputs", True)
    assert (found["domain"], found["complete"], found["reason"]) == ("all", True, None)
    assert answer(capsys, net, "--norm", "1")["constant"] == "3"
    assert answer(capsys, net, "--norm", "inf", "--output-norm", "1")["constant"] == "4"
    both = answer(capsys, net, "--norm", "inf", "--output-norm", "2")
    assert (both["constant"], both["squared"]) == (None, "16")
    spectral = answer(capsys, net, "--norm", "2")
    # [[1, 1], [2, -2]]: the rows are orthogonal, of lengths squared 2 and 8; so the second alone is as steep
    assert spectral["polynomial"] in ([1, -10, 16], [1, -8, 0])
    assert spectral["lower"] <= 8**0.5 <= spectral["upper"]
    slanted = Network.from_layers([[[1, 1], [1, -2]], [[1, 0], [0, 2]]])
    assert lipschitz(slanted, norm="2").polynomial == (1, -22, 36)
    one = answer(capsys, net, "--norm", "2", "--output", "1")
    assert (one["squared"], one["polynomial"]) == ("8", None)
    assert answer(capsys, net, "--domain", "box:-2,-1;-1/2,1/2")["constant"] == "0"
    assert run(["lipschitz", str(net), "--norm", "2"]) == 0
    assert "the largest root of" in capsys.readouterr().out


def test_slices_measure_parameters_or_inputs(net: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = tmp_path / "line.json"
    line.write_text(json.dumps({"format": "puiseux-slice", "version": 1, "origin": [0, 0], "directions": [[3, 1]]}))
    place = f"slice:{line}"
    parameters = answer(capsys, net, "--domain", place)  # 4 t and 2 * 2 t
    assert (parameters["constant"], parameters["in"]) == ("4", "parameters")
    inputs = answer(capsys, net, "--domain", place, "--in", "inputs")
    assert (inputs["constant"], inputs["in"]) == ("4/3", "inputs")
    assert (
        answer(capsys, net, "--domain", place, "--in", "inputs", "--norm", "1", "--output-norm", "inf")["constant"]
        == "1"
    )
    assert lipschitz(net, place, measured_in="inputs", norm="2", output=0).squared == fmpq(16, 10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--norm", "3"], "there is no norm"),
        (["--output-norm", "two"], "there is no norm"),
        (["--in", "parameters"], "slice"),
        (["--in", "pixels"], "measured in"),
        (["--output", "5"], ""),
        (["--time-limit", "0"], "time limit"),
    ],
)
def test_what_is_refused(net: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lipschitz", str(net), *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err


def test_without_proof_there_are_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([20, 30, 20, 3], rng=2), path)
    found = answer(capsys, path, "--norm", "2", "--time-limit", "3", code=3)
    assert (found["constant"], found["squared"], found["polynomial"], found["proven"]) == (None, None, None, False)
    assert 0 < found["lower"] < found["upper"]
    assert found["reason"]


def test_a_polynomial_of_long_numbers_is_named_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.npz"
    save(random_network([3, 4, 3], rng=0), path)
    assert run(["lipschitz", str(path), "--norm", "2"]) == 0
    told = capsys.readouterr().out
    assert "a polynomial of degree 3 with whole coefficients, which --json has" in told
    assert max(map(len, told.splitlines())) < 120
    assert len(answer(capsys, path, "--norm", "2")["polynomial"]) == 4
