"""Studies run the same in any order and number of processes, go on after a stop, and refuse other people's files."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from polyhedra.errors import UsageError
from puiseux.console.cli import run
from puiseux.studies import HOMES, find_study
from puiseux.studies.output import rows_of, save_result
from puiseux.studies.runner import RECORDS, run_study
from puiseux.studies.study import Plain, Study, Summary, Trial, groups, mean, shown, standard_error


def _cases(full: bool) -> list[Plain]:
    return [{"size": size, "trial": k} for size in (1, 2) for k in range(4 if full else 2)]


def _trial(parameters: Plain, rng: np.random.Generator) -> Plain:
    return {"drawn": rng.integers(10**6, size=parameters["size"]).tolist()}


def _summary(trials: Sequence[Trial]) -> Summary:
    rows = [(size, len(found)) for (size,), found in groups(trials, "size").items()]
    return Summary(("size", "trials"), tuple(rows), ("Nothing to add.",))


def _draw(trials: Sequence[Trial], figure: Any) -> None:
    figure.subplots().plot([trial["size"] for trial in trials])


HEADER = b'{"format": "puiseux-study", "version": 1, "study": "drawing", "seed": 0}\n'
DRAWING = Study("drawing", "draws numbers", "nobody", "Nothing.", _cases, _trial, _summary, _draw)


def records(result: Any) -> list[tuple[Plain, Plain]]:
    return [(trial.parameters, trial.record) for trial in result.trials]


def test_workers_and_order_change_nothing() -> None:
    alone = run_study(DRAWING, seed=5)
    assert alone.complete
    assert records(run_study(DRAWING, seed=5, workers=2)) == records(alone)
    backwards = replace(DRAWING, cases=lambda full: _cases(full)[::-1])
    assert records(run_study(backwards, seed=5))[::-1] == records(alone)
    assert records(run_study(DRAWING, seed=6)) != records(alone)
    assert len({tuple(trial["drawn"]) for trial in alone.trials}) == len(alone.trials)


def test_the_full_form_continues_the_quick_one(tmp_path: Path) -> None:
    quick = run_study(DRAWING, folder=tmp_path)
    calls = []

    def counted(parameters: Plain, rng: np.random.Generator) -> Plain:
        calls.append(parameters)
        return _trial(parameters, rng)

    full = run_study(replace(DRAWING, trial=counted), full=True, folder=tmp_path)
    assert len(calls) == len(full.trials) - len(quick.trials) == 4
    assert records(full) == records(run_study(DRAWING, full=True))


@pytest.mark.parametrize("kept", [1, 2, 4])
@pytest.mark.parametrize("tail", ["", '{"parameters": {"size"'])
def test_a_killed_study_goes_on(kept: int, tail: str, tmp_path: Path) -> None:
    whole = run_study(DRAWING, folder=tmp_path)
    path = tmp_path / RECORDS
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:kept]) + "\n" + tail)
    assert records(run_study(DRAWING, folder=tmp_path)) == records(whole)
    assert [json.loads(line).get("parameters") for line in path.read_text().splitlines()] == [
        None,
        *(trial.parameters for trial in whole.trials),
    ]


def test_ctrl_c_leaves_what_was_found(tmp_path: Path) -> None:
    def interrupted(parameters: Plain, rng: np.random.Generator) -> Plain:
        if parameters == {"size": 2, "trial": 0}:
            raise KeyboardInterrupt
        return _trial(parameters, rng)

    stopped = run_study(replace(DRAWING, trial=interrupted), folder=tmp_path)
    assert not stopped.complete
    assert stopped.summary.rows[0] == (1, 2)
    assert {key: value for key, value in stopped.to_json().items() if key in ("complete", "trials")} == {
        "complete": False,
        "trials": len(stopped.trials),
    }
    again = run_study(DRAWING, folder=tmp_path)
    assert again.complete
    assert records(again) == records(run_study(DRAWING))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "line 1: is no record"),
        (b'{"format": "puiseux-network"}\n', "is no record of a study"),
        (b"\x00\xff\n", "line 1: is no record"),
        (b"no end of line", "line 1: is no record"),
        (b'{"format": "puiseux-study", "version": 1, "study": "depth", "seed": 0}\n', "holds the study 'depth'"),
        (HEADER.replace(b": 0", b": 9"), "with seed 9"),
        (HEADER + b'{"record": 1}\n', "line 2"),
        (HEADER + b"[" * 10**5 + b"\n", "line 2"),
    ],
)
def test_foreign_files_are_refused_and_left_alone(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / RECORDS
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        run_study(DRAWING, folder=tmp_path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_a_record_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    run_study(DRAWING, folder=tmp_path)
    path = tmp_path / RECORDS
    lines = path.read_text().splitlines()
    entry = json.loads(lines[2])
    entry["record"]["drawn"][0] += 1
    path.write_text("\n".join([*lines[:2], json.dumps(entry), *lines[3:], ""]))
    with pytest.raises(UsageError, match=r"line 3: is no trial, or was changed"):
        run_study(DRAWING, folder=tmp_path)


def test_what_a_folder_gets(tmp_path: Path) -> None:
    result = run_study(DRAWING, folder=tmp_path)
    names = {path.name for path in save_result(result, tmp_path)}
    assert {"trials.csv", "trials.parquet", "summary.txt", "summary.json", "figure.png", "figure.svg"} == names
    rows = list(csv.DictReader((tmp_path / "trials.csv").open()))
    assert [json.loads(row["drawn"]) for row in rows] == [trial["drawn"] for trial in result.trials]
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(tmp_path / "trials.parquet").to_pylist()
    assert table == rows_of(result.trials)
    assert json.loads((tmp_path / "summary.json").read_text())["table"] == [
        {"size": 1, "trials": 2},
        {"size": 2, "trials": 2},
    ]
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert "size  trials\n   1       2\n   2       2\n\n* Nothing to add.\n" in (tmp_path / "summary.txt").read_text()


@pytest.mark.parametrize(("options", "message"), [({"workers": 0}, "workers=0"), ({"seed": -1}, "seed=-1")])
def test_numbers_that_make_no_sense(options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run_study(DRAWING, **options)


@pytest.mark.parametrize("name", HOMES)
def test_every_study_is_told_well(name: str) -> None:
    study = find_study(name)
    assert study.name == name
    assert all(find_study(alias) is study for alias in study.aliases)
    quick, full = ([json.dumps(case, sort_keys=True) for case in study.cases(form)] for form in (False, True))
    assert len(set(quick)) == len(quick)
    assert len(set(full)) == len(full) >= len(quick)
    assert study.about.startswith("Published: ")
    assert "Here: " in study.about


def test_the_means() -> None:
    assert mean([1, 2, 6]) == 3.0
    assert standard_error([1.0]) is None
    assert standard_error([1.0, 2.0, 6.0]) == pytest.approx(np.std([1, 2, 6], ddof=1) / math.sqrt(3))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (12345, "12,345"), (2**100, "1.27e+30"), (0.123456, "0.1235"), ((2, 1), "[2, 1]"), (True, "yes")],
)
def test_values_for_people(value: Any, text: str) -> None:
    assert shown(value) == text


# -------------------------------------------------------------------- the command


def test_the_list_names_every_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study"]) == 0
    text = capsys.readouterr().out
    assert all(f"{name} " in text for name in HOMES)
    assert run(["study", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["studies"]
    assert [entry["name"] for entry in listed] == list(HOMES)


def test_a_study_for_people(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("puiseux.studies.find_study", lambda name: DRAWING)
    assert run(["study", "drawing"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("draws numbers\nnobody\n\nNothing.\n\nsize  trials\n")
    assert "\n\n* Nothing to add.\n\n4 trials, quick form, seed 0, " in text


def test_a_study_that_was_stopped_says_how_far_it_came(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(parameters: Plain, rng: np.random.Generator) -> Plain:
        if parameters["size"] == 2:
            raise KeyboardInterrupt
        return _trial(parameters, rng)

    monkeypatch.setattr("puiseux.studies.find_study", lambda name: replace(DRAWING, trial=interrupted))
    assert run(["study", "drawing"]) == 130
    out, err = capsys.readouterr()
    assert re.search(r"\n2 of 4 trials, quick form", out)
    assert err.endswith("puiseux: interrupted\n")


def test_a_study_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "depth"
    assert run(["study", "figure8", "--json", "-o", str(folder)]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert (result["study"], result["full"], result["seed"], result["complete"]) == ("depth", False, 0, True)
    assert result["trials"] == 66 == len((folder / RECORDS).read_text().splitlines()) - 1
    assert {"network", "units", "native", "pruned", "share pruned", "published", "verdict"} == set(result["table"][0])
    assert f"wrote {folder / 'figure.png'}" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["figure99"], "there is no study 'figure99'"),
        (["depth", "--workers", "0"], "--workers"),
        (["depth", "--seed", "x"], "--seed"),
    ],
)
def test_refusals_of_the_command(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["study", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_a_folder_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert run(["study", "depth", "-o", str(tmp_path / "taken")]) == 2
    assert "taken: cannot be made" in capsys.readouterr().err
