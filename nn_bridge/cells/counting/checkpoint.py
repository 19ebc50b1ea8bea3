"""The checkpoint of a long count: a folder from which it goes on after being killed at any moment.

``header.json`` says what is counted; it is written once, whole or not at all.  ``slices.log`` grows by one record for
each slice of work: which job was worked on, what was found, which jobs are left of it.  A record is framed by its
length and two checksums that continue those before it, so what can be read is exactly what was written, in its order:

* a record that ends too early was being written when the process died; it is cut off, and its slice is done again;
* anything else that doesn't fit is damage, and refused, as is a folder that belongs to another count.

One process at a time holds the lock on a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TypeVar

import numpy as np

from nn_bridge.cells.counting.jobs import Group
from nn_bridge.cells.counting.subtrees import Job
from nn_bridge.cells.tree import Subtree
from nn_bridge.errors import NetworkError
from nn_bridge.writers.files import write_bytes
from polyhedra.quoting import quoted, shown, shown_path

Content = TypeVar("Content")

FORMAT, VERSION = "puiseux-cell-checkpoint", 2

_HEADER, _LOG, _LOCK = "header.json", "slices.log", "lock"
_FRAME = struct.Struct("<8sQ16s")  # mark, length of the content, checksum of these two and of all before
_MARK = b"slice\r\n\0"  # a transfer that rewrites line ends breaks it
_SUM = 16
_MOST_HEADER, _MOST_RECORD, _MOST_TEXT = 1 << 20, 1 << 30, 1 << 28
# bytes of the header, of a record, and of its text when unpacked; more was not written by a count
_ADVICE = "delete the folder to start anew, or choose another one"
_ELSEWHERE = "wait for it, or choose another folder"


class CheckpointError(NetworkError):
    """A checkpoint that can't be used; the message names the folder and the remedy."""


@dataclass(frozen=True)
class Record:
    """One slice of work.

    Attributes
    ----------
    job : int
        The job that was worked on.  Jobs are numbered as they come to be, from 0: the whole tree.
    cells : int
    left : tuple of Job
        The jobs that it leaves.
    groups : tuple of Group
    residues : array of uint64
    """

    job: int
    cells: int
    left: tuple[Job, ...] = ()
    groups: tuple[Group, ...] = ()
    residues: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))

    def to_bytes(self) -> bytes:
        """The record as text, packed, then the residues."""
        content = {
            "job": self.job,
            "cells": self.cells,
            "left": [_plain(job) for job in self.left],
            "groups": [[_plain(group.parts), group.leaves] for group in self.groups],
        }
        text = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 1)
        return struct.pack("<Q", len(text)) + text + self.residues.astype("<u8").tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Record:
        """Undo `to_bytes`."""
        (size,) = struct.unpack_from("<Q", content)
        unpacking = zlib.decompressobj()
        plain = unpacking.decompress(content[8 : 8 + size], _MOST_TEXT)
        if not unpacking.eof:
            raise ValueError("the text of the record is cut off, or too long")
        text = json.loads(plain)
        groups = tuple(Group(_job(parts), leaves) for parts, leaves in text["groups"])
        _require_counts(text["job"], text["cells"], *(group.leaves for group in groups))
        return cls(
            text["job"],
            text["cells"],
            tuple(_job(job) for job in text["left"]),
            groups,
            np.frombuffer(content, "<u8", offset=8 + size).astype(np.uint64),
        )


def _plain(job: Job) -> list[Any]:
    return [[part.root, part.roots, part.path] for part in job]


def _job(plain: list[Any]) -> Job:
    job = tuple(Subtree(root, tuple((s, u, side) for s, u, side in path), roots) for root, roots, path in plain)
    for part in job:
        _require_counts(part.root, part.roots - 1, *(number for decision in part.path for number in decision))
    return job


def _require_counts(*numbers: Any) -> None:
    """Refuse what is no integer >= 0: a record may be from a stranger, and compiled loops read by these numbers."""
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a number of the record is no count")


def _belong(job: Job, roots: int, hidden: Sequence[int]) -> bool:
    """Whether a job is of a tree of so many start cells and units."""
    return all(
        part.root + part.roots <= roots
        and all(stage < len(hidden) and unit < hidden[stage] and side < 2 for stage, unit, side in part.path)
        for part in job
    )


class Checkpoint:
    """An open checkpoint; a context manager.

    Parameters
    ----------
    folder : path
        Made where it doesn't exist.
    identity : dict of str
        What the count is about, by name ("network", "domain", ..); the same on every platform.

    Raises
    ------
    CheckpointError
        The folder holds something else, belongs to another count, is damaged, or is in use.
    """

    def __init__(self, folder: str | os.PathLike[str], identity: dict[str, str]) -> None:
        if not os.fspath(folder):
            raise CheckpointError("an empty name is no folder; name the folder of the checkpoint")
        self.folder = Path(folder)
        self._name = shown_path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _Lock(self.folder)
            try:
                self._sum = self._check_header(identity)
                self._log = _open_regular(self.folder / _LOG, os.O_RDWR | os.O_CREAT)
            except BaseException:
                self._lock.release()
                raise
        except OSError as error:
            raise CheckpointError(
                f"{self._name}: can't be used as a checkpoint folder: {error.strerror or error}; choose another one"
            ) from None

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._log.close()
        self._lock.release()

    def records(self, roots: int | None = None, hidden: Sequence[int] = ()) -> Iterator[Record]:
        """The records written so far; to be read to the end before the first `append`.

        Parameters
        ----------
        roots : int, optional
            The number of start cells of the tree; with it, records of another tree are refused.
        hidden : sequence of int
            The units of each stage of that tree.
        """

        def parse(content: bytes) -> Record:
            record = Record.from_bytes(content)
            jobs = (*record.left, *(group.parts for group in record.groups))
            if roots is not None and not all(_belong(job, roots, hidden) for job in jobs):
                raise ValueError("the record belongs to another tree")
            return record

        return self.contents(parse)

    def contents(self, parse: Callable[[bytes], Content]) -> Iterator[Content]:
        """The contents of the records written so far, read to the end before more are added.

        Parameters
        ----------
        parse : callable
            Raises ValueError, LookupError or TypeError for what no record holds.
        """
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(0)
        at = 0
        while True:
            head = self._log.read(_FRAME.size)
            if len(head) < _FRAME.size:
                break
            mark, size, check = _FRAME.unpack(head)
            if mark != _MARK or check != self._next(head[: -len(check)]):
                raise self._damaged(at)
            if size + _SUM > end - self._log.tell():
                break
            if size > _MOST_RECORD:
                raise self._damaged(at)
            content = self._log.read(size + _SUM)
            after = self._next(head + content[:-_SUM])
            if after != content[-_SUM:]:
                raise self._damaged(at)
            try:
                record = parse(content[:-_SUM])
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error, zlib.error):
                raise self._damaged(at) from None
            self._sum = after
            at = self._log.tell()
            yield record
        self._log.truncate(at)
        self._log.seek(at)

    def append(self, record: Record) -> None:
        """Add a record; when this returns it is on disk."""
        self.append_bytes(record.to_bytes())

    def append_bytes(self, content: bytes) -> None:
        """Add the content of a record."""
        head = struct.pack("<8sQ", _MARK, len(content))
        head += self._next(head)
        after = self._next(head + content)
        self._write(head + content + after)
        self._sum = after

    def _write(self, content: bytes) -> None:
        try:
            self._log.write(content)
            self._log.flush()
            os.fsync(self._log.fileno())
        except OSError as error:
            raise CheckpointError(
                f"{self._name}: can't be written any more: {error.strerror or error}; "
                "make room and run the command again, it goes on from there"
            ) from None

    def _next(self, content: bytes) -> bytes:
        return hashlib.blake2b(content, digest_size=_SUM, key=self._sum).digest()

    def _damaged(self, at: int) -> CheckpointError:
        return CheckpointError(f"{self._name}: the checkpoint is damaged ({_LOG}, byte {at}); {_ADVICE}")

    def _check_header(self, identity: dict[str, str]) -> bytes:
        """Compare the header with what is to be counted, or write it; returns its checksum."""
        path = self.folder / _HEADER
        content = {"format": FORMAT, "version": VERSION, **identity}
        text = json.dumps(content, indent=1, sort_keys=True).encode()
        if not path.exists():
            names = {entry.name for entry in self.folder.iterdir()} - {_LOCK, _HEADER + ".new"}
            strangers = sorted(name for name in names if not name.startswith(f".{_HEADER}."))
            if strangers:
                raise CheckpointError(
                    f"{self._name}: is not a checkpoint, it holds {quoted(strangers[0])}; choose an empty or a new "
                    "folder"
                )
            write_bytes(path, text + b"\n" + _header_sum(text) + b"\n")
            _sync(self.folder)
        else:
            with _open_regular(path, os.O_RDONLY) as file:
                text = self._compare(file.read(_MOST_HEADER + 1), content)
        return hashlib.blake2b(text, digest_size=_SUM).digest()

    def _compare(self, found: bytes, content: dict[str, Any]) -> bytes:
        """Refuse a header that belongs to another count; returns its text."""
        text, _, check = found.rstrip(b"\n").rpartition(b"\n")
        if check != _header_sum(text):
            raise CheckpointError(f"{self._name}: the checkpoint is damaged ({_HEADER}); {_ADVICE}")
        try:
            header = json.loads(text)
        except (ValueError, RecursionError):
            header = None
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise CheckpointError(f"{self._name}: is not a checkpoint of a count; {_ADVICE}")
        if header.get("version") == 1:
            # its jobs name start cells, units and sides as today; its groups number leaves in another order
            if content.get("kind of count") != "cells":
                raise CheckpointError(
                    f"{self._name}: the checkpoint has version 1, which numbers cells in the order of an "
                    "earlier release; go on with that release, or choose another folder"
                )
            content = {name: value for name, value in content.items() if name not in ("version", "subdivision")}
        elif header.get("version") != VERSION:
            raise CheckpointError(
                f"{self._name}: the checkpoint has version {shown(header.get('version'))}, this release reads "
                f"{VERSION}; go on with the release that began it, or choose another folder"
            )
        for name, value in content.items():
            if header.get(name) != value:
                raise CheckpointError(f"{self._name}: the checkpoint belongs to another {name}; {_ADVICE}")
        return text


def _header_sum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _open_regular(path: Path, flags: int) -> BinaryIO:
    """Open a file of the folder: a pipe or a device in its place would never end, or never answer.

    Raises
    ------
    OSError
    """
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0), 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb" if flags == os.O_RDONLY else "r+b")


def _sync(folder: Path) -> None:
    """Put the names in a folder on disk, where the system can be asked to (elsewhere they get there in their time)."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


_HELD: set[Path] = set()  # the system's locks keep other processes out, this keeps out this process


class _Lock:
    """The lock of a folder: held until it is released, or the process ends, however it does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._file: BinaryIO | None = None
        if self._folder not in _HELD:
            file = _open_regular(folder / _LOCK, os.O_RDWR | os.O_CREAT)
            try:
                _lock(file)
                self._file = file
                _HELD.add(self._folder)
            except OSError:
                file.close()
        if self._file is None:
            raise CheckpointError(f"{shown_path(folder)}: another count is working on this checkpoint; {_ELSEWHERE}")

    def release(self) -> None:
        """Let others use the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None
            _HELD.discard(self._folder)


try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]

else:

    def _lock(file: BinaryIO) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock's, such a lock is not kept by forked workers
