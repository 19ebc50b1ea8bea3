"""Damaged and malicious files: taken or refused in one line; nothing is run, nothing is written, nothing hangs."""

from __future__ import annotations

import io
import json
import pickle
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nn_bridge.readers import SUFFIXES
from polyhedra.errors import PuiseuxError
from puiseux.console.cli import run
from tests.faults.untrusted_files import WATCH, damaged, read, seeds, try_to_read

NETWORKS = sorted(SUFFIXES.keys() - {".pth"})
OTHERS = [".polyhedron.json", ".slice.json", ".vnnlib"]
NEEDS = {".pt": "torch", ".onnx": "onnx"}
TRIES = 300


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return seeds(tmp_path_factory.mktemp("seeds"))


def seed_of(suffix: str, valid: dict[str, bytes]) -> bytes:
    if suffix not in valid and suffix in NEEDS:
        pytest.importorskip(NEEDS[suffix], reason=f"reads {suffix} files")
    return valid[suffix]


@pytest.mark.parametrize("suffix", NETWORKS + OTHERS)
def test_a_damaged_file_is_taken_or_refused_in_one_line(suffix: str, valid: dict[str, bytes], tmp_path: Path) -> None:
    seed, others = seed_of(suffix, valid), list(valid.values())
    path = tmp_path / f"file{suffix}"
    path.write_bytes(seed)
    read(suffix, path)  # imports what it needs, which is not watched
    assert try_to_read(suffix, path, ()) is None, "the undamaged one is read"
    refused = 0
    for number in range(TRIES):
        path.write_bytes(damaged(seed, random.Random(f"{suffix} {number}"), others))
        refused += try_to_read(suffix, path, (PuiseuxError,)) is not None
    assert refused > TRIES // 3
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", NETWORKS)
def test_the_command_line_ends_as_it_promises(
    suffix: str, valid: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed, others = seed_of(suffix, valid), list(valid.values())
    path = tmp_path / f"net{suffix}"
    ends = set()
    for number in range(40):
        path.write_bytes(damaged(seed, random.Random(f"command {suffix} {number}"), others))
        code = run(["count", str(path), "--json", "--time-limit", "20", "--max-cells", "5000"])
        captured = capsys.readouterr()
        ends.add(code)
        assert code in (0, 2, 3), captured.err
        if code == 2:
            assert captured.out == ""
            assert captured.err.startswith(f"puiseux: {path}")
            assert captured.err.count("\n") == 1
        else:
            assert json.loads(captured.out)["complete"] is (code == 0)
    assert 2 in ends


class Payload:
    """Unpickling this makes a folder."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.mkdir, (self._mark,)  # type: ignore[return-value]


def malicious(kind: str, mark: Path) -> bytes:
    """A file whose unpickling would leave a mark."""
    content = pickle.dumps(Payload(mark))
    file = io.BytesIO()
    if kind == "an object array":
        np.savez(file, W0=np.array([[Payload(mark)]], dtype=object))
    elif kind == "a pickle in an archive":
        with zipfile.ZipFile(file, "w") as archive:
            for name in ("W0.npy", "archive/data.pkl", "data.pkl"):
                archive.writestr(name, content)
            archive.writestr("archive/version", "3")
    else:
        file.write(content)
    return file.getvalue()


@pytest.mark.parametrize("suffix", [*NETWORKS, ".pth", ".vnnlib"])
@pytest.mark.parametrize("kind", ["a plain pickle", "an object array", "a pickle in an archive"])
def test_a_payload_is_not_run(suffix: str, kind: str, valid: dict[str, bytes], tmp_path: Path) -> None:
    seed_of(suffix.replace(".pth", ".pt"), valid)
    mark, path = tmp_path / "mark", tmp_path / f"file{suffix}"
    path.write_bytes(malicious(kind, mark))
    assert try_to_read(suffix, path, (PuiseuxError,)) is not None
    assert not mark.exists()


def test_the_payload_and_the_watch_work(tmp_path: Path) -> None:
    """Else the tests above could not fail."""
    mark = tmp_path / "mark"
    with WATCH.over() as seen:
        pickle.loads(malicious("a plain pickle", mark))
    assert mark.exists()
    assert seen
    with WATCH.over() as seen:
        (tmp_path / "file").write_text("written")
    assert seen
    assert all(str(tmp_path / "file") in event for event in seen)
