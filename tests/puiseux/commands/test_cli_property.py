"""``puiseux property``: verdicts with exit codes, and counterexamples of others replayed in three arithmetics."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.scalars import rational
from puiseux import check_property, save
from puiseux.console.cli import run
from puiseux.questions.float_replay import float_outputs

SPEC = """; |x| on [-1, 2]
(declare-const X_0 Real)
(declare-const Y_0 Real)
(assert (>= X_0 -1))
(assert (<= X_0 2))
(assert (>= Y_0 {limit}))
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    net, spec = tmp_path / "net.json", tmp_path / "spec.vnnlib"
    save(Network.from_layers([[[1], [-1]], [[1, 1]]]), net)
    spec.write_text(SPEC.format(limit=2))
    return net, spec


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int) -> dict[str, Any]:
    assert run(["property", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_verdicts_and_exit_codes(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    net, spec = files
    found = answer(capsys, net, spec, code=1)
    assert (found["verdict"], found["witness"]) == ("VIOLATED", {"point": ["2"], "outputs": ["2"]})
    assert (found["domain"], found["complete"], found["reason"]) == ("box:-1,2", True, None)
    assert found["network"] == {"input_dim": 1, "hidden": [2], "output_dim": 1}
    assert "replay" not in found
    spec.write_text(SPEC.format(limit="2.000000000000000000001"))
    found = answer(capsys, net, spec, code=0)
    assert (found["verdict"], found["witness"]) == ("PROVEN", None)
    assert run(["property", str(net), str(spec)]) == 0
    assert "PROVEN" in capsys.readouterr().out


def test_an_open_property(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(5)
    sizes = (24, 80, 80, 1)  # the bound is thousands above the values that are found
    net, spec = tmp_path / "net.npz", tmp_path / "spec.vnnlib"
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)]
    save(Network.from_layers(weights, [rng.normal(size=b) for b in sizes[1:]]), net)
    names = "".join(f"(declare-const X_{i} Real)(assert (<= X_{i} 1))(assert (>= X_{i} -1))" for i in range(24))
    spec.write_text(names + "(declare-const Y_0 Real)(assert (>= Y_0 1000))")
    found = answer(capsys, net, spec, "--time-limit", "1", code=3)
    assert (found["verdict"], found["complete"], found["witness"]) == ("OPEN", False, None)
    assert "at most" in found["reason"]


def test_a_counterexample_that_holds_decides(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    net, spec = files
    given = files[0].with_name("witness")
    given.write_text("sat\n((X_0 2.0)\n(Y_0 2.0))")
    found = answer(capsys, net, spec, "--witness", given, code=1)
    assert (found["verdict"], found["method"]) == ("VIOLATED", "witness")
    replay = found["replay"]
    assert (replay["exact"], replay["float64"], replay["float32"]) == (True, True, True)
    assert replay["margins"] == {"exact": "0", "float64": 0.0, "float32": 0.0}
    assert replay["computed_by"] == {"float64": "numpy", "float32": "numpy"}


def test_three_arithmetics_may_disagree(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    net, spec = files
    given = files[0].with_name("witness")
    # a hair below 2: exactly it fails, float64 keeps the hair, float32 rounds it away
    given.write_text(f"((X_0 {2 - 2**-40:.20f}))")
    found = answer(capsys, net, spec, "--witness", given, code=1)
    replay = found["replay"]
    assert (replay["exact"], replay["float64"], replay["float32"]) == (False, False, True)
    assert rational(replay["margins"]["exact"]) < 0
    assert replay["margins"]["float32"] == 0.0
    assert found["witness"]["point"] == ["2"]  # the property is decided all the same
    assert found["method"] != "witness"
    # an input outside of its box does not count, however large the output is
    given.write_text('{"point": [3]}')
    outside = answer(capsys, net, spec, "--witness", given, code=1)["replay"]
    assert (outside["exact"], outside["float64"], outside["float32"]) == (False, False, False)
    assert outside["margins"]["exact"] == "-1"
    assert run(["property", str(net), str(spec), "--witness", str(given)]) == 1
    assert "fails, least slack -1" in capsys.readouterr().out


def test_onnx_files_are_replayed_by_onnxruntime(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    path = tmp_path / "net.onnx"
    net = save(Network.from_layers([[["1/2"], [-1]], [[1, 1]]]), path)
    found = [float_outputs(net, path, (fmpq(3),), precision) for precision in ("float64", "float32")]
    assert {entry.computed_by for entry in found} >= {"onnxruntime"}
    assert all(entry.outputs == (fmpq(3, 2),) for entry in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no such file"),
        ("(vnnlib-version <2.0>)", "no network is declared"),
        (
            "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= Y_0 1))",
            "leaves its input 0 (from 0) unbounded",
        ),
        (
            "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (>= X_0 1))(assert (<= Y_0 1))",
            "assert a lower and an upper bound of every input",
        ),
        ("(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)", "2 inputs"),
    ],
)
def test_what_is_refused(
    files: tuple[Path, Path], text: str | None, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    net, spec = files
    if text is None:
        spec.unlink()
    else:
        spec.write_text(text)
    assert run(["property", str(net), str(spec)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert printed.err.count("\n") == 1


def test_verify_names_this_command(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", *map(str, files)]) == 2
    assert "puiseux property NETWORK SPEC" in capsys.readouterr().err
    assert run(["property", *map(str, files), str(files[0])]) == 2
    assert "leave the second one out" in capsys.readouterr().err


def test_models_in_memory_are_checked() -> None:
    from milp.vnnlib import parse_vnnlib

    found = check_property([[[1], [-1]], [[1, 1]]], parse_vnnlib(SPEC.format(limit=3)))
    assert found.verdict == "PROVEN"
    assert found.point is None


def test_a_certificate(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, spec = files
    proof = tmp_path / "proof.cert.gz"
    found = answer(capsys, net, spec, "--certificate", proof, code=1)  # violated: the counterexample is the proof
    assert (found["verdict"], found["certificate"], proof.exists()) == ("VIOLATED", None, False)
    spec.write_text(SPEC.format(limit=2).replace("(>= Y_0", "(> Y_0"))
    found = answer(capsys, net, spec, "--certificate", proof, code=0)
    assert (found["verdict"], found["certificate"]) == ("PROVEN", {"splits": 1, "leaves": 2})
    assert run(["property", str(net), str(spec), "--certificate", str(proof)]) == 0
    assert "2 leaves, 1 split" in capsys.readouterr().out
    assert run(["verify", str(proof), "--network", str(net), "--spec", str(spec), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["kind"], verdict["counts"]) == ("property", {"splits": 1, "leaves": 2})
    assert len(verdict["property_digest"]) == 64
    assert run(["verify", str(proof), "--network", str(net), "--spec", str(spec), "--time-limit", "60"]) == 0
    assert "no input satisfies it" in capsys.readouterr().out
    spec.write_text(SPEC.format(limit=3))
    assert run(["verify", str(proof), "--spec", str(spec)]) == 1
    assert "another property" in capsys.readouterr().err
    assert run(["property", str(net), str(spec), "--certificate", str(net)]) == 2  # never over an input
    assert "--force" in capsys.readouterr().err
    assert run(["property", str(net), str(spec), "--certificate", str(tmp_path / "no" / "folder")]) == 2


def test_a_certificate_that_time_does_not_allow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import milp.property_proof

    net, spec = tmp_path / "net.json", tmp_path / "spec.vnnlib"
    save(Network.from_layers([[[1], [-1]], [[1, 1]]]), net)
    spec.write_text(SPEC.format(limit=3))

    def late(*_: object, **__: object) -> None:
        raise milp.property_proof.OutOfTime("time limit")

    monkeypatch.setattr(milp.property_proof, "inputs_of", late)
    proof = tmp_path / "proof.cert"
    found = answer(capsys, net, spec, "--certificate", proof, "--time-limit", 20, code=3)
    assert (found["verdict"], found["certificate"], proof.exists()) == ("PROVEN", None, False)
