"""Standard streams that are closed, full, gone or narrow: the exit code is that of the answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = str(ROOT / "tests" / "data" / "nets" / "d2_10_5_1_s0.npz")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")


def shell(line: str, folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line in which PUISEUX and NET stand for the command and a network."""
    line = line.replace("PUISEUX", f"'{sys.executable}' -m puiseux").replace("NET", f"'{SMALL}'")
    environment = {**ENVIRONMENT, **more}
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment, capture_output=True, check=False, timeout=300
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("count NET --counts cells --json", 0),
        ("count NET --max-cells 3", 3),
        ("count nothing.npz", 2),
        ("crosscheck NET --routes cells,tropical --time-limit 100", 0),
        ("simplify NET --no-search --time-limit 200", 0),
        ("explain regions", 0),
    ],
)
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", pytest.param("2>/dev/full", marks=FULL)])
def test_streams_that_are_closed_or_full(line: str, code: int, streams: str, tmp_path: Path) -> None:
    done = shell(f"PUISEUX {line} {streams}", tmp_path)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_report_without_an_output_stream_is_written(tmp_path: Path) -> None:
    done = shell("PUISEUX report NET -o r.html --time-limit 5 >&-", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<h2>Counts</h2>" in (tmp_path / "r.html").read_text()


@FULL
def test_an_answer_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = shell("PUISEUX count NET --counts cells >/dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (2, b"puiseux: cannot write the output: No space left on device\n")


def test_a_reader_that_goes_changes_no_code(tmp_path: Path) -> None:
    done = shell("PUISEUX count NET --max-cells 3 | true; exit ${PIPESTATUS[0]}", tmp_path)
    assert done.returncode == 3
    assert b"lower bounds" in done.stderr
    done = shell("PUISEUX count nothing.npz 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}", tmp_path)
    assert done.returncode == 2


@FULL
def test_a_certificate_for_a_full_device_is_no_success(tmp_path: Path) -> None:
    done = shell("PUISEUX count NET --counts cells --certificate /dev/full", tmp_path)
    assert done.returncode == 2
    assert b"/dev/full: cannot be written: No space left on device" in done.stderr
    assert b"wrote" not in done.stderr
    assert Path("/dev/full").is_char_device()


def test_a_certificate_into_a_pipe(tmp_path: Path) -> None:
    done = shell("PUISEUX count NET --json --certificate /dev/stderr 2>&1 >answer.json | cat >proof", tmp_path)
    assert done.returncode == 0
    assert json.loads((tmp_path / "answer.json").read_bytes())["complete"] is True
    lines = (tmp_path / "proof").read_bytes().splitlines()
    assert b"puiseux: wrote the proof to /dev/stderr" in lines
    assert any(line.startswith(b'{"end":') for line in lines)


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_names_that_the_encoding_cannot_hold(encoding: str, tmp_path: Path) -> None:
    name = b"net \xff \xc3\xa9 \x1b[31m.npz"
    (tmp_path / os.fsdecode(name)).write_bytes(Path(SMALL).read_bytes())
    done = shell("PUISEUX count net*.npz --counts cells", tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    accent = b"\\xe9" if encoding == "ascii" else b"\xc3\xa9"
    assert done.stdout.startswith(b"net \\udcff " + accent + b" \\x1b[31m.npz: 2 inputs")
    done = shell("PUISEUX report net*.npz --time-limit 1", tmp_path, PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<title>" in page
    assert "\x1b" not in page


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    for words in (
        "count NET --checkpoint ''",
        "count NET --checkpoint=",
        "plot NET -o ''",
        "count ''",
        "study depth -o ''",
    ):
        done = shell(f"PUISEUX {words}", tmp_path)
        assert done.returncode == 2
        assert b"is empty; give a name or value" in done.stderr
        assert done.stderr.count(b"\n") == 1
    assert os.listdir(tmp_path) == []
