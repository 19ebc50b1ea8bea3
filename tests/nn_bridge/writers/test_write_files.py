"""Files appear whole or not at all; devices and pipes are written to, not replaced; every failure names the file."""

from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from nn_bridge.writers.files import require_writable, unfinished, whole_file, write_bytes
from polyhedra.errors import NetworkError, UnwritableError, UsageError


def test_a_file_is_replaced_when_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with whole_file(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()]
)
def test_after_an_error_everything_is_as_it_was(error: BaseException, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    expected = UnwritableError if isinstance(error, OSError) else type(error)

    def write() -> None:
        with whole_file(path) as stream:
            stream.write(b"new")
            raise error

    with pytest.raises(expected) as caught:
        write()
    if isinstance(error, OSError):
        assert str(caught.value) == f"{path}: cannot be written: No space left on device; choose another place"
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_bytes(tmp_path / "link", b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "an empty name is no file"),
        (".", "is a directory"),
        ("no/file", "its folder does not exist"),
        ("a\0b", r"a\x00b: is no name that a file can have"),
        ("a\ud800", r"a\ud800: is no name"),
        ("x" * 300, "File name too long"),
    ],
)
def test_places_that_cannot_be_written(name: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for refused in (require_writable, lambda path: write_bytes(path, b"")):
        with pytest.raises(UnwritableError) as caught:
            refused(name)
        assert reason in str(caught.value)
        assert isinstance(caught.value, NetworkError)
        assert isinstance(caught.value, UsageError)
    assert os.listdir(tmp_path) == []


def test_long_names_of_wide_characters(tmp_path: Path) -> None:
    path = tmp_path / ("\U0001f600" * 63)  # 252 bytes, of 255
    require_writable(path)
    write_bytes(path, b"content")
    assert path.read_bytes() == b"content"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_device_is_written_to_and_stays_one() -> None:
    write_bytes("/dev/null", b"content")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(UnwritableError, match=r"/dev/full: cannot be written: No space left"):
        write_bytes("/dev/full", b"content")
    with (
        pytest.raises(UnwritableError, match=r"/dev/full: cannot be written: No space left"),
        whole_file("/dev/full") as file,
    ):
        file.write(b"content")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    with unfinished("/dev/null") as place:
        assert place == "/dev/null"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_bytes(pipe, b"content")
    reader.join()
    assert read == [b"content"]
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)
