"""Reading the manifest of an exported suite, a file from outside that is believed nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nn_bridge.readers.files import read_bytes
from polyhedra.errors import UnreadableError, UsageError
from polyhedra.quoting import quoted, shown, shown_path
from puiseux.suite.answers import COUNTS, DOMAINS
from puiseux.suite.export import FORMAT, MANIFEST, VERSION

_MAX_BYTES = 16 * 2**20
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class SuiteTask:
    """A network of an exported suite, and what is true of it."""

    name: str
    family: str
    digest: str
    input_dim: int
    npz: bool
    box: tuple[int, int]
    counts: dict[str, dict[str, int | None]]


def read_manifest(folder: Path) -> list[SuiteTask]:
    """The networks of an exported suite.

    Raises
    ------
    UsageError
        The folder holds no complete suite of a version that is known here.
    """
    place = folder / MANIFEST
    try:
        content = json.loads(read_bytes(place, _MAX_BYTES, "manifest"))
    except UnreadableError as error:
        raise UsageError(f"{error}; puiseux suite export makes one") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{shown_path(place)}: is not JSON: {shown(error)}; export the suite again") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(
            f"{shown_path(place)}: is no manifest of a suite; name a folder that puiseux suite export wrote"
        )
    if content.get("version") != VERSION:
        raise UsageError(
            f"{shown_path(place)}: version {shown(content.get('version'))} is not known here; this release reads "
            f"{VERSION}"
        )
    if content.get("complete") is not True:
        raise UsageError(
            f"{shown_path(place)}: the export was stopped; run puiseux suite export again, it goes on where it was"
        )
    try:
        return [_task(entry) for entry in content["networks"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{shown_path(place)}: is damaged ({type(error).__name__}: {shown(error)}); export the suite again"
        ) from None


def _task(entry: Any) -> SuiteTask:
    name = entry["name"]
    if not _NAME.fullmatch(name):
        raise ValueError(f"{quoted(name)} is no name of a network")
    counts = {
        domain: {
            key: None if entry["counts"][domain][key] is None else int(entry["counts"][domain][key]) for key in COUNTS
        }
        for domain in DOMAINS
    }
    low, high = map(int, entry["box"])
    return SuiteTask(
        name,
        str(entry["family"]),
        str(entry["digest"]),
        int(entry["input_dim"]),
        bool(entry["npz"]),
        (low, high),
        counts,
    )
