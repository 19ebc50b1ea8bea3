"""``puiseux fit``: the JSON object of the contract, exact decimals, exit codes, certificates, and bad data by line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import puiseux
from puiseux.console.cli import run
from puiseux.questions.fitting import read_samples
from tests.pace import Stopwatch, slowness

TENT = "x,y\n0,0\n0.1,0.1\n0.2,0\n0.3,-0.1\n"


def fitted(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    path = tmp_path / "data.csv"
    path.write_text(text)
    code = run(["fit", str(path), *options, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_object_of_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, cert = tmp_path / "net.json", tmp_path / "fit.cert"
    code, found = fitted(tmp_path, TENT, capsys, "--units", "2", "-o", str(net), "--certificate", str(cert))
    assert code == 0
    # max(0, x) - max(0, 2x - 1/5): decimals are exact, in floats 0.3 - 0.1 is not 0.2
    expected = {"nonzeros": 3, "lower_bound": 3, "proven": True, "max_error": "0", "complete": True, "reason": None}
    assert {key: found[key] for key in expected} == expected
    assert found["network"] == {"input_dim": 1, "hidden": [2], "output_dim": 1}
    network = puiseux.load(net)
    assert [str(network.evaluate([x])[0]) for x in ("0", "0.1", "0.2", "0.3")] == ["0", "1/10", "0", "-1/10"]
    assert run(["verify", str(cert), "--json"]) == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["valid"], verdict["counts"]["lower_bound"], verdict["counts"]["nonzeros"]) == (True, 3, 3)
    assert run(["verify", str(cert)]) == 0
    assert "fewer than 3 non-zero" in capsys.readouterr().out
    cert.write_text(cert.read_text().replace('"lower_bound": 3', '"lower_bound": 4'))
    assert run(["verify", str(cert), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["valid"] is False


def test_the_answer_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.csv").write_text("-1;1\n0;0\n2;2\n")
    assert run(["fit", str(tmp_path / "data.csv"), "--units", "2"]) == 0
    text = capsys.readouterr().out
    assert "2 non-zero weights and biases in 2 units" in text
    assert "+ max(0, -x1)" in text
    assert "+ max(0, x1)" in text
    assert "proven: no network with 2 units has fewer" in text


def test_no_network_is_an_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = fitted(tmp_path, "1,2\n2,-3\n", capsys, "--units", "1")
    assert code == 1
    assert (found["nonzeros"], found["network"], found["max_error"], found["proven"]) == (None, None, None, True)
    assert "no network with 1 unit fits the samples" in str(found["reason"])
    assert run(["fit", str(tmp_path / "data.csv"), "--units", "1"]) == 1
    assert "2 units of free sign fit any samples" in capsys.readouterr().out


def test_a_limit_is_kept_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(",".join(str((7 * n * n + 3 * n * i + i**3) % 23 - 11) for i in range(9)) for n in range(12))
    (tmp_path / "data.csv").write_text(rows)
    watch = Stopwatch()
    code = run(
        ["fit", str(tmp_path / "data.csv"), "--units", "12", "--time-limit", "1", "--json", "--general-position"]
    )
    assert watch.seconds < 1 + 3 * slowness()
    assert code == 3
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["proven"], found["complete"], found["max_error"]) == (False, False, "0")
    assert (found["assumption"], found["lower_bound"]) == ("general position", 12)
    assert "not proven" in captured.err


def test_more_units_than_samples_are_never_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = fitted(tmp_path, TENT, capsys, "--units", "4")[1]
    many = fitted(tmp_path, TENT, capsys, "--units", "5000")[1]
    assert many["nonzeros"] == few["nonzeros"]
    assert many["proven"] is True


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2\n1,3\n", "rows 0 and 1 of X are equal, but y is 2 and 3: no function fits both"),
        ("1,2\n2,x\n", "line 2: 'x' is not a number"),
        ("a,b\n1,2\n\n2,nan\n", "line 4: 'nan' is not a number"),
        ("1,2,3\n2,3\n", "line 2 has 2 entries, the first has 3"),
        ("1\n2\n", "line 1 has one column; give the inputs and the target"),
        ("a,b\n", "holds no samples"),
        ("", "is empty"),
        ("1,\n", "line 1: '' is not a number"),
        ("\xff", "is no text"),
    ],
)
def test_bad_data(content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(content.encode("latin-1"))
    assert run(["fit", str(path), "--units", "2"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"puiseux: {path}")
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("units", ["0", "-1", "x", "100000"])
def test_numbers_of_units_that_make_no_sense(units: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data.csv").write_text(TENT)
    assert run(["fit", str(tmp_path / "data.csv"), "--units", units]) == 2
    assert "units" in capsys.readouterr().err


def test_unscaled_data_are_fitted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "1e-12,3e9,4e15\n2e-12,5e9,0\n-3e-12,1e9,1e15\n"
    code, found = fitted(tmp_path, text, capsys, "--units", "2")
    assert code == 0
    assert (found["max_error"], found["proven"]) == ("0", True)


def test_without_a_solver_the_enumeration_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from polyhedra.errors import MissingExtraError

    def missing(name: str | None = None) -> str:
        raise MissingExtraError("mixed-integer solving" if name is None else f"solver={name!r}", "milp")

    monkeypatch.setattr(sys.modules["milp.training.sparse_fit"], "choose_solver", missing)
    assert fitted(tmp_path, TENT, capsys, "--units", "2")[1]["proven"] is True
    rows = "\n".join(",".join(str((7 * n * n + 3 * n * i + i**3) % 23 - 11) for i in range(9)) for n in range(9))
    code, found = fitted(tmp_path, rows, capsys, "--units", "2", "--time-limit", "0.5")
    assert code == 3
    assert "no MILP solver is installed (the extra [milp])" in str(found["reason"])
    assert run(["fit", str(tmp_path / "data.csv"), "--units", "2", "--solver", "SCIP"]) == 2
    assert "puiseux[milp]" in capsys.readouterr().err


def test_separators_headers_and_fractions(tmp_path: Path) -> None:
    for text in ("a;b;y\n1/3;2;0.1\n", "a\tb\ty\n1/3\t2\t0.1\n", "a b y\n1/3 2 0.1\n", "\ufeff1/3, 2, 0.1\n"):
        (tmp_path / "data.csv").write_text(text, encoding="utf-8")
        inputs, targets = read_samples(tmp_path / "data.csv")
        assert ([[str(v) for v in row] for row in inputs], [str(v) for v in targets]) == ([["1/3", "2"]], ["1/10"])


def test_a_certificate_is_checked_from_python_as_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("0,0\n1,1\n2,0\n3,1\n")
    path = tmp_path / "fit.cert"
    assert run(["fit", str(tmp_path / "data.csv"), "--units", "3", "--certificate", str(path)]) == 0
    verdict = puiseux.verify_certificate(path)
    assert (verdict.valid, verdict.kind, verdict.input_dim) == (True, "fit", 1)
    assert verdict.counts is not None
    assert verdict.counts["lower_bound"] == verdict.counts["nonzeros"] == 5
    with pytest.raises(puiseux.PuiseuxError, match="about samples"):
        puiseux.verify_certificate(path, [[[1]]])
    path.write_text(path.read_text()[:200])
    assert puiseux.verify_certificate(path).valid is False


@pytest.mark.parametrize(
    ("content", "told"),
    [("1,2\n", "1 sample with 1 input"), ("1,3\n2,3\n", "+ max(0, 3)"), ("1,0\n2,0\n", "+ max(0, 0)")],
)
def test_the_formula_of_a_unit_without_weights(
    content: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data.csv").write_text(content)
    assert run(["fit", str(tmp_path / "data.csv"), "--units", "1"]) == 0
    assert told in capsys.readouterr().out
