"""Several networks counted one after another: a table, or one JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nn_bridge.region_count import Count
from polyhedra.quoting import shown, shown_path
from puiseux.commands.options import LONGEST_NOTE
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from nn_bridge.region_count import RegionCount
    from puiseux.domains import Problem

_LONGEST_NAME = 60


@dataclass(frozen=True)
class Subject:
    """A file, what is counted on it, and the notes of its network."""

    file: Path
    problem: Problem
    notes: tuple[str, ...]


def read_all(files: Sequence[Path], domain: str, output: int | None) -> list[Subject]:
    """Read all files and pose all problems, before anything is counted."""
    from nn_bridge.network.dense_sizes import check_forms
    from puiseux.domains import pose
    from puiseux.reading import load

    found = []
    for file in files:
        network = load(file, output=output)
        subject = Subject(file, pose(network, domain), network.notes)
        check_forms(subject.problem.network)
        found.append(subject)
    return found


def count_several(subjects: Sequence[Subject], count: Callable[[Problem], RegionCount], as_json: bool) -> int:
    """Count each, print a line as soon as its numbers are there, and return the largest exit code."""
    width = max(len(_name(subject)) for subject in subjects)
    heads = ""
    if not as_json:
        heads = "".join(f"  {head:>12}" for head in ("cells", "regions", "by point", "affine maps"))
        heads = f"{'network':<{width}}{heads}  {'seconds':>8}"
    code = int(ExitCode.DONE)
    for subject in subjects:
        result = count(subject.problem)  # an option that is refused is refused before anything is printed
        if heads:
            print(heads)
            heads = ""
        for note in subject.notes:
            print(f"note: {shown_path(subject.file)}: {shown(note, LONGEST_NOTE)}", file=sys.stderr)
        if as_json:
            print(json.dumps({"file": str(subject.file), **result.to_json(subject.problem.network)}), flush=True)
        else:
            print(_line(_name(subject), width, result), flush=True)
        code = max(code, exit_code(result))
        if result.reason == "interrupted":
            break
        if not result.complete:
            print(f"puiseux: {shown_path(subject.file)}: {result.reason}: lower bounds", file=sys.stderr)
    return code


def exit_code(result: RegionCount) -> int:
    """The exit code of one count."""
    if result.complete:
        return ExitCode.DONE
    return ExitCode.INTERRUPTED if result.reason == "interrupted" else ExitCode.STOPPED


def _name(subject: Subject) -> str:
    return shown(subject.file, _LONGEST_NAME)


def _line(name: str, width: int, result: RegionCount) -> str:
    at_least = "" if result.complete else ">= "
    numbers = [result.counts[str(count)] for count in Count]
    texts = "".join(f"  {'-' if value is None else f'{at_least}{value:,}':>12}" for value in numbers)
    certainty = "" if result.exact else "  not proven" if result.complete else "  incomplete"
    return f"{name:<{width}}{texts}  {result.seconds:>8.2f}{certainty}"


__all__ = ["Subject", "count_several", "exit_code", "read_all"]
