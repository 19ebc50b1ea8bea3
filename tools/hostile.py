"""Run the command on hostile files of every format, and watch what it costs and says.

    python tools/hostile.py [--short] [--kind json] [--name TEXT] [--patience SECONDS]

Each file must be refused with exit code 2 (a certificate may also be found invalid: 1), in one line on stderr without
control characters, with nothing on stdout and nothing written, within 5 s of processor time and 1 GiB of memory.
``--short`` takes the files that are quickly made, under a minute in all.  The exit code is 1 where something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SECONDS, GIBIBYTE = 5.0, 2**30
PATIENCE, TOO_MUCH = 60.0, 4 * GIBIBYTE  # a command is killed then; on a busy machine the clock runs on meanwhile
LONGEST = 2100  # characters of a message
_PROPERTY = """
import sys
from milp.vnnlib import read_vnnlib
from polyhedra.errors import PuiseuxError
try:
    read_vnnlib(sys.argv[1])
except PuiseuxError as error:
    print(f"puiseux: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Case(NamedTuple):
    """A hostile file, as ``hostile_files.py`` tells it."""

    kind: str
    name: str
    arguments: list[str]
    codes: list[int]
    short: bool


def cases(folder: Path, kind: str | None) -> Iterator[Case]:
    """The files, one after another, each while it is there; another process writes them.

    What a process occupied before it became the command would count as the command's memory, so this one stays small.
    """
    command = [sys.executable, str(ROOT / "tools" / "hostile_files.py"), str(folder), *([kind] if kind else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for line in writer.stdout:
            yield Case(*json.loads(line))
            writer.stdin.write("\n")
            writer.stdin.flush()
    if writer.returncode:
        raise SystemExit(f"hostile_files.py ended with exit code {writer.returncode}")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one command."""

    case: Case
    code: int
    seconds: float
    wall: float
    memory: int
    out: str
    error: str
    late: bool

    def faults(self) -> list[str]:
        """The fault, or nothing."""
        found = []
        if self.code not in self.case.codes:
            found.append(f"exit code {self.code}")
        if self.seconds > SECONDS or self.late:
            found.append(f"{self.seconds:.1f} s ({self.wall:.1f} s on the clock)")
        if self.memory > GIBIBYTE:
            found.append(f"{self.memory / GIBIBYTE:.2f} GiB")
        if self.out:
            found.append(f"{len(self.out)} characters on stdout")
        if self.error.count("\n") != 1 or not self.error.startswith("puiseux: "):
            found.append(f"{self.error.count(chr(10))} lines on stderr")
        if not self.error.rstrip("\n").isprintable():
            found.append("control characters on stderr")
        if len(self.error) > LONGEST:
            found.append(f"a message of {len(self.error)} characters")
        return found


def run(case: Case, folder: Path, patience: float) -> Outcome:
    """Run one command in a child, with a watch on its memory and time."""
    if case.arguments[0] == "vnnlib":
        command = [sys.executable, "-c", _PROPERTY, *case.arguments[1:]]
    else:
        command = [sys.executable, "-m", "puiseux", *case.arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        begun = time.monotonic()
        child = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=error, process_group=0
        )
        done = threading.Event()
        watch = threading.Thread(target=_watch, args=(child.pid, done, patience))
        watch.start()
        _, status, usage = os.wait4(child.pid, 0)
        done.set()
        watch.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - begun
        texts = []
        for stream in (out, error):
            stream.seek(0)
            texts.append(stream.read(10_000_000).decode("utf-8", "replace"))
    seconds = usage.ru_utime + usage.ru_stime
    return Outcome(case, child.returncode, seconds, wall, usage.ru_maxrss * 1024, *texts, wall > patience)


def _watch(process: int, done: threading.Event, patience: float) -> None:
    """Kill a command, and all that it started, when it takes too much."""
    begun = time.monotonic()
    while not done.wait(0.05):
        try:
            pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            pages = 0
        if time.monotonic() - begun > patience or pages * os.sysconf("SC_PAGE_SIZE") > TOO_MUCH:
            os.killpg(process, 9)
            return


def main() -> int:
    """Run all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    kinds = ("npz", "json", "onnx", "pt", "nnet", "domain", "vnnlib", "certificate", "checkpoint", "other", "name")
    parser.add_argument("--kind", choices=kinds)
    parser.add_argument("--name", metavar="TEXT", help="only cases whose name holds this")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="when a command is killed, on the clock")
    options = parser.parse_args()
    by_kind: dict[str, list[Outcome]] = defaultdict(list)
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for case in cases(folder, options.kind):
            if (options.short and not case.short) or (options.name and options.name not in case.name):
                continue
            before = _files(folder)
            outcome = run(case, folder, options.patience)
            faults = outcome.faults()
            if written := _files(folder) - before:
                faults.append(f"wrote {sorted(written)[0]}")
            by_kind[case.kind].append(outcome)
            if faults:
                wrong += 1
                print(f"{case.kind}, {case.name}: {'; '.join(faults)}: {outcome.error[:160]!r}", flush=True)
            elif sys.stderr.isatty():
                print(f"\r\x1b[K{case.kind}, {case.name}", end="", file=sys.stderr, flush=True)
    print("| format | files | wrong | most seconds | of | most memory | of |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    everything = [outcome for outcomes in by_kind.values() for outcome in outcomes]
    for kind, outcomes in [*by_kind.items(), *([("all", everything)] if everything else [])]:
        slowest = max(outcomes, key=lambda outcome: outcome.seconds)
        largest = max(outcomes, key=lambda outcome: outcome.memory)
        bad = sum(bool(outcome.faults()) for outcome in outcomes)
        print(
            f"| {kind} | {len(outcomes)} | {bad} | {slowest.seconds:.1f} | {slowest.case.name} "
            f"| {largest.memory / 2**20:.0f} MiB | {largest.case.name} |"
        )
    print(f"{wrong} of {len(everything)} wrong")
    return 1 if wrong else 0


def _files(folder: Path) -> set[str]:
    # a checkpoint's folder gets its lock, which is no content
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != "lock"}


if __name__ == "__main__":
    sys.exit(main())
