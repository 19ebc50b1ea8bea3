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
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from nn_bridge.cells.counting.jobs import Group, Job
from nn_bridge.cells.tree import Subtree
from nn_bridge.errors import NetworkError

FORMAT, VERSION = "puiseux-cell-checkpoint", 1

_HEADER, _LOG, _LOCK = "header.json", "slices.log", "lock"
_FRAME = struct.Struct("<8sQ16s")  # mark, length of the content, checksum of these two and of all before
_MARK = b"slice\r\n\0"  # a transfer that rewrites line ends breaks it
_SUM = 16
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
    prints : array of uint64
    """

    job: int
    cells: int
    left: tuple[Job, ...] = ()
    groups: tuple[Group, ...] = ()
    prints: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))

    def to_bytes(self) -> bytes:
        """The record as text, packed, then the residues."""
        content = {
            "job": self.job,
            "cells": self.cells,
            "left": [_plain(job) for job in self.left],
            "groups": [[_plain(group.parts), group.leaves] for group in self.groups],
        }
        text = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 1)
        return struct.pack("<Q", len(text)) + text + self.prints.astype("<u8").tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Record:
        """Undo `to_bytes`."""
        (size,) = struct.unpack_from("<Q", content)
        text = json.loads(zlib.decompress(content[8 : 8 + size]))
        return cls(
            text["job"],
            text["cells"],
            tuple(_job(job) for job in text["left"]),
            tuple(Group(_job(parts), leaves) for parts, leaves in text["groups"]),
            np.frombuffer(content, "<u8", offset=8 + size).astype(np.uint64),
        )


def _plain(job: Job) -> list[Any]:
    return [[part.root, part.roots, part.path] for part in job]


def _job(plain: list[Any]) -> Job:
    return tuple(Subtree(root, tuple((s, u, side) for s, u, side in path), roots) for root, roots, path in plain)


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
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _Lock(self.folder)
            try:
                self._sum = self._check_header(identity)
                self._log = (self.folder / _LOG).open("a+b")
            except BaseException:
                self._lock.release()
                raise
        except OSError as error:
            raise CheckpointError(
                f"{folder}: can't be used as a checkpoint folder: {error.strerror or error}; choose another one"
            ) from None

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._log.close()
        self._lock.release()

    def records(self) -> Iterator[Record]:
        """The records written so far; to be read to the end before the first `append`."""
        self._log.seek(0)
        at = 0
        while True:
            head = self._log.read(_FRAME.size)
            if len(head) < _FRAME.size:
                break
            mark, size, check = _FRAME.unpack(head)
            if mark != _MARK or check != self._next(head[: -len(check)]):
                raise self._damaged(at)
            content = self._log.read(size + _SUM)
            if len(content) < size + _SUM:
                break
            after = self._next(head + content[:-_SUM])
            if after != content[-_SUM:]:
                raise self._damaged(at)
            try:
                record = Record.from_bytes(content[:-_SUM])
            except (ValueError, KeyError, TypeError, struct.error, zlib.error):
                raise self._damaged(at) from None
            self._sum = after
            at = self._log.tell()
            yield record
        self._log.truncate(at)
        self._log.seek(at)

    def append(self, record: Record) -> None:
        """Add a record; when this returns it is on disk."""
        content = record.to_bytes()
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
                f"{self.folder}: can't be written any more: {error.strerror or error}; "
                "make room and run the command again, it goes on from there"
            ) from None

    def _next(self, content: bytes) -> bytes:
        return hashlib.blake2b(content, digest_size=_SUM, key=self._sum).digest()

    def _damaged(self, at: int) -> CheckpointError:
        return CheckpointError(f"{self.folder}: the checkpoint is damaged ({_LOG}, byte {at}); {_ADVICE}")

    def _check_header(self, identity: dict[str, str]) -> bytes:
        """Compare the header with what is to be counted, or write it; returns its checksum."""
        path = self.folder / _HEADER
        content = {"format": FORMAT, "version": VERSION, **identity}
        text = json.dumps(content, indent=1, sort_keys=True).encode()
        if not path.exists():
            strangers = sorted({entry.name for entry in self.folder.iterdir()} - {_LOCK, _HEADER + ".new"})
            if strangers:
                raise CheckpointError(
                    f"{self.folder}: is not a checkpoint, it holds {strangers[0]!r}; choose an empty or a new folder"
                )
            _write_whole(path, text + b"\n" + _header_sum(text) + b"\n")
        else:
            self._compare(path.read_bytes(), content)
        return hashlib.blake2b(text, digest_size=_SUM).digest()

    def _compare(self, found: bytes, content: dict[str, Any]) -> None:
        text, _, check = found.rstrip(b"\n").rpartition(b"\n")
        if check != _header_sum(text):
            raise CheckpointError(f"{self.folder}: the checkpoint is damaged ({_HEADER}); {_ADVICE}")
        header = json.loads(text)
        if header.get("format") != FORMAT:
            raise CheckpointError(f"{self.folder}: is not a checkpoint of a count; {_ADVICE}")
        if header.get("version") != VERSION:
            raise CheckpointError(
                f"{self.folder}: the checkpoint has version {header.get('version')}, this release reads {VERSION}; "
                "go on with the release that began it, or choose another folder"
            )
        for name, value in content.items():
            if header.get(name) != value:
                raise CheckpointError(f"{self.folder}: the checkpoint belongs to another {name}; {_ADVICE}")


def _header_sum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file such that after a crash it is there as a whole or not at all."""
    partial = path.with_name(path.name + ".new")
    with open(partial, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    if hasattr(
        os, "O_DIRECTORY"
    ):  # the name is safe when the folder is written, too; elsewhere that can't be asked for
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


_HELD: set[Path] = set()  # the system's locks keep other processes out, this keeps out this process


class _Lock:
    """The lock of a folder: held until it is released, or the process ends, however it does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._file: BinaryIO | None = None
        if self._folder not in _HELD:
            file = (folder / _LOCK).open("a+b")
            try:
                _lock(file)
                self._file = file
                _HELD.add(self._folder)
            except OSError:
                file.close()
        if self._file is None:
            raise CheckpointError(f"{folder}: another count is working on this checkpoint; {_ELSEWHERE}")

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
