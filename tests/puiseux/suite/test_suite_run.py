"""The suite put to programs: right, wrong, refused and out of time, and fair to each of them."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from polyhedra.errors import UsageError
from puiseux.console.cli import run
from puiseux.suite import run_suite
from puiseux.suite.run import parse_answer
from tests.puiseux.suite.conftest import FEW

PROGRAM = """
import json, sys, time
name = sys.argv[1].rsplit("/", 1)[1].rsplit(".", 1)[0]
manifest = json.load(open(sys.argv[2]))
truth = next(e for e in manifest["networks"] if e["name"] == name)["counts"]["all"]
{behaviour}
"""


def program(folder: Path, exported: Path, behaviour: str) -> str:
    file = folder / "program.py"
    file.write_text(PROGRAM.format(behaviour=behaviour))
    return f"'{sys.executable}' -S '{file}' {{json}} '{exported / 'manifest.json'}'"


def outcomes(exported: Path, command: str, **options: Any) -> dict[str, str]:
    return {answer.name: answer.outcome for answer in run_suite(exported, command, **options).answers}


def test_right_wrong_refused_and_out_of_time(exported: Path, tmp_path: Path) -> None:
    behaviour = f"""
if name == {FEW[0]!r}: print(truth["cells"])
if name == {FEW[1]!r}: print(json.dumps({{"counts": {{**truth, "regions": truth["regions"] + 1}}}}))
if name == {FEW[2]!r}: print("there it is: 3")
if name == {FEW[3]!r}: sys.exit("too degenerate for me")
if name == {FEW[4]!r}: time.sleep(60)
"""
    result = run_suite(exported, program(tmp_path, exported, behaviour), timeout=3.0)
    assert [answer.outcome for answer in result.answers] == ["right", "wrong", "refused", "refused", "timed out"]
    assert "too degenerate for me" in str(result.answers[3].reason)
    assert dict(result.answers[1].verdicts()) == {
        "cells": "right", "regions": "wrong", "regions_by_point": "right", "affine_maps": "right",
        "patterns_any_dimension": "right",
    }  # fmt: skip
    table = result.families()
    assert table["zero-biases"]["counts"]["regions"] == {"right": 0, "wrong": 1}
    assert table["constructions"]["timed_out"] == 1
    truth = result.answers[1].expected["regions"]
    assert f"wrong: {FEW[1]}: regions {truth + 1}, not {truth}" in str(result)


def test_a_bare_integer_means_what_is_asked(exported: Path, tmp_path: Path) -> None:
    command = program(tmp_path, exported, 'print(truth["affine_maps"])')
    assert set(outcomes(exported, command, bare="affine_maps").values()) == {"right"}
    assert "wrong" in outcomes(exported, command, families=["constructions"]).values()


def test_a_program_that_starts_others_is_ended_with_them(exported: Path, tmp_path: Path) -> None:
    behaviour = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    command = program(tmp_path, exported, behaviour)
    assert outcomes(exported, command, timeout=2.0, families=["generic"]) == {FEW[0]: "timed out"}
    child = int((tmp_path / "child").read_text())
    for _ in range(1200):
        try:
            status = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if status == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child of the program still runs")


@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("sys.exit(127)", "exit code 127"),
    ],
)
def test_a_program_that_cannot_start_is_an_error_at_the_first_network_only(
    exported: Path, tmp_path: Path, behaviour: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=f"the command does not run: .*{complaint}"):
        run_suite(exported, program(tmp_path, exported, behaviour))
    later = program(tmp_path, exported, f"if name == {FEW[0]!r}: sys.exit(print(truth['cells']))\n{behaviour}")
    assert list(outcomes(exported, later).values()) == ["right", *["refused"] * (len(FEW) - 1)]


def test_placeholders_are_filled_in(exported: Path, tmp_path: Path) -> None:
    script = tmp_path / "echo.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write('|'.join(sys.argv[2:]) + chr(10)); print(1)")
    command = f"'{sys.executable}' '{script}' '{tmp_path / 'log'}' {{n}} {{box}} {{domain}} {{net}} {{other}}"
    run_suite(exported, command, domain="box", families=["generic", "constructions"])
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == f"1|-2,2|box:-2,2|{exported}/networks/{FEW[0]}.npz|{{other}}"
    assert second == f"2|-8,8|box:-8,8|{exported}/networks/{FEW[4]}.json|{{other}}"  # decimals: float64 cannot hold it
    assert outcomes(exported, "nothing {npz}", families=["constructions"]) == {FEW[4]: "refused"}


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("7\n", {"cells": 7}),
        ('{"cells": null, "affine_maps": 3}', {"affine_maps": 3}),
        ('{"complete": true, "counts": {"cells": 5}}', {"cells": 5}),
    ],
)
def test_answers_are_read(output: str, counts: dict[str, int]) -> None:
    assert parse_answer(output) == counts


@pytest.mark.parametrize(
    "output",
    ["", "7.0", "true", "[7]", "{}", '{"cells": "7"}', '{"cells": null}', '{"complete": false, "cells": 7}', "NaN"],
)
def test_other_output_is_a_refusal(output: str) -> None:
    with pytest.raises(UsageError):
        parse_answer(output)


def test_a_suite_that_was_changed_is_not_used(exported: Path, tmp_path: Path) -> None:
    def changed(**change: Any) -> Path:
        manifest = json.loads((exported / "manifest.json").read_text())
        manifest.update(change)
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return tmp_path

    entry = json.loads((exported / "manifest.json").read_text())["networks"][0]
    for change in (
        {"format": "other"},
        {"version": 2},
        {"complete": False},
        {"networks": 3},
        {"networks": [{**entry, "name": "../../etc/passwd"}]},
        {"networks": [{**entry, "counts": {}}]},
    ):
        with pytest.raises(UsageError):
            run_suite(changed(**change), "true {net}")
    (tmp_path / "networks").mkdir()
    other = (exported / "networks" / f"{FEW[1]}.json").read_bytes()
    (tmp_path / "networks" / f"{entry['name']}.json").write_bytes(other)
    with pytest.raises(UsageError, match="not the network of the manifest"):
        run_suite(changed(networks=[entry]), "true {net}")


# ---------------------------------------------------------------- the command line


def test_the_command_line(
    exported: Path, few_networks: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["suite", "export", str(tmp_path / "out")]) == 0
    assert "2 networks" in capsys.readouterr().out
    right = program(tmp_path, exported, "print(json.dumps(truth))")
    assert run(["suite", "run", str(exported), "--command", right, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["networks"], printed["right"], printed["wrong"]) == (5, 5, 0)
    wrong = program(tmp_path, exported, 'print(truth["cells"] + 1)')
    assert run(["suite", "run", str(exported), "--command", wrong, "--families", "generic"]) == 1
    assert f"wrong: {FEW[0]}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["guess", "DIR"],
        ["run", "DIR"],
        ["run", "DIR", "--command", "counter"],
        ["run", "DIR", "--command", "'open {net}"],
        ["run", "DIR", "--command", "no-such-program-anywhere {net}"],
        ["run", "DIR", "--command", "true {net}", "--domain", "sphere"],
        ["run", "DIR", "--command", "true {net}", "--bare", "faces"],
        ["run", "DIR", "--command", "true {net}", "--timeout", "0"],
        ["run", "DIR", "--command", "true {net}", "--families", "guess"],
        ["run", "DIR", "--command", "true {net}", "--small"],
        ["run", "nowhere", "--command", "true {net}"],
        ["export", "DIR", "--command", "true {net}"],
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["suite", *(str(exported) if word == "DIR" else word for word in arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
