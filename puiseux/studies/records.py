"""The file of records: one JSON line a trial, appended as trials end, so that a study that was killed goes on.

The first line names the study and the seed; a file of anything else is refused and left alone.  A last line that was
cut off while it was written is dropped.  Every line carries a check sum, so that one that was changed is not believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from nn_bridge.readers.files import read_bytes
from polyhedra.errors import UnwritableError, UsageError
from polyhedra.quoting import quoted, shown, shown_path
from puiseux.studies.study import Plain, Trial

FORMAT, VERSION = "puiseux-study", 1
MAX_BYTES = 64 * 2**20


def key_of(parameters: Plain) -> str:
    """Parameters as canonical JSON: the identity of a trial.

    Examples
    --------
    >>> key_of({"trial": 0, "architecture": [2, 6, 1]})
    '{"architecture":[2,6,1],"trial":0}'
    """
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"))


def _check_sum(trial: Trial) -> str:
    content = json.dumps([trial.parameters, trial.record, trial.seconds], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


class RecordFile:
    """The trials of one study with one seed, on disk; a context manager.

    Parameters
    ----------
    path : path
        Made where it does not exist.
    study : str
    seed : int

    Attributes
    ----------
    trials : dict
        The trials that the file holds, by `key_of` their parameters.

    Raises
    ------
    UsageError
        The file is something else: no records, or those of another study or seed.
    """

    def __init__(self, path: str | PathLike[str], study: str, seed: int) -> None:
        self.path = Path(path)
        self._name = shown_path(path)
        self.trials: dict[str, Trial] = {}
        self._header = {"format": FORMAT, "version": VERSION, "study": study, "seed": seed}
        sound = self._read() if self.path.exists() else 0
        with self._refusing():
            self._stream: IO[bytes] = self.path.open("r+b" if sound else "wb")
            self._stream.seek(sound)
            self._stream.truncate()
        if not sound:
            self._append(self._header)

    def _read(self) -> int:
        """Read the trials; the number of bytes up to the end of the last whole line."""
        if self.path.is_file() and not self.path.stat().st_size:
            return 0
        content = read_bytes(self.path, MAX_BYTES, "study's record")
        sound = content.rfind(b"\n") + 1
        lines = content[:sound].splitlines()
        header = self._parsed(lines[0] if lines else content, 1)
        if header.get("format") != FORMAT or header.get("version") != VERSION:
            raise UsageError(f"{self._name}: is no record of a study (version {VERSION}); take another folder")
        if header != self._header:
            raise UsageError(
                f"{self._name}: holds the study {quoted(header.get('study'))} with seed {shown(header.get('seed'))}; "
                f"take another folder for {quoted(self._header['study'])} with seed {self._header['seed']}"
            )
        for number, line in enumerate(lines[1:], 2):
            entry = self._parsed(line, number)
            try:
                trial = Trial(dict(entry["parameters"]), dict(entry["record"]), float(entry["seconds"]))
                whole = entry["check"] == _check_sum(trial)
            except (KeyError, TypeError, ValueError):
                whole = False
            if not whole:
                raise UsageError(f"{self._name}, line {number}: is no trial, or was changed; take another folder")
            self.trials[key_of(trial.parameters)] = trial
        return sound

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not isinstance(entry, dict):
            raise UsageError(f"{self._name}, line {number}: is no record of a study; take another folder")
        return entry

    def add(self, trial: Trial) -> None:
        """Keep a trial; it is on disk when this returns."""
        self.trials[key_of(trial.parameters)] = trial
        entry = {"parameters": trial.parameters, "record": trial.record, "seconds": trial.seconds}
        self._append({**entry, "check": _check_sum(trial)})

    def _append(self, entry: Plain) -> None:
        with self._refusing():
            self._stream.write(json.dumps(entry).encode() + b"\n")
            self._stream.flush()

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Let every failure of the operating system name the file."""
        try:
            yield
        except OSError as error:
            raise UnwritableError(
                f"{self._name}: cannot be written: {error.strerror or error}; make room and run the study again, it "
                "goes on from there, or take another folder"
            ) from None

    def __enter__(self) -> RecordFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()
