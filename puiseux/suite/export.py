"""Writing the reference suite: networks, exact answers and a manifest.

A folder of the suite::

    manifest.json                what there is, with all counts: {"format": "puiseux-suite", "version": 1, ..}
    networks/NAME.json, .npz     the network (.npz only where float64 holds it exactly)
    answers/NAME.json            counts, cells, affine maps, Betti numbers, monomials
    certificates/NAME-all.cert.gz, NAME-box.cert.gz
                                 proofs of cells, regions and affine maps on R^n and on the box, for ``puiseux verify``

The same version of the suite has the same content everywhere.  An export that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.readers.files import read_bytes
from nn_bridge.region_count import Count
from nn_bridge.writers import write_network
from nn_bridge.writers.files import write_bytes
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, shown_steps
from polyhedra.quoting import quoted, shown_path
from puiseux.suite.answers import FORMAT as ANSWERS_FORMAT
from puiseux.suite.answers import answers_of
from puiseux.suite.networks import SUITE_VERSION, SuiteNetwork, suite_networks
from puiseux.time_limit import Stopped, check_time_limit

FORMAT, VERSION = "puiseux-suite", 1
_MAX_BYTES = 16 * 2**20
MANIFEST = "manifest.json"

DEFINITIONS = {str(count): count.meaning for count in Count} | {
    "patterns_any_dimension": "activation patterns of single inputs, a unit being active iff its value is positive",
}


@checked_options
def export_suite(
    directory: str | PathLike[str],
    *,
    small: bool = False,
    families: Sequence[str] | None = None,
    force: bool = False,
    watch: Callable[[str], None] | None = None,
    time_limit: float | None = None,
    progress: Steps = None,
) -> dict[str, Any]:
    """Compute and write the reference suite.

    Parameters
    ----------
    directory : path
        Empty or new, or an export of this version that goes on where it was stopped.
    small : bool
        Only the networks with short answers.
    families : sequence of str, optional
        Only these.
    force : bool
        Write into a folder that holds other things too, and compute everything anew.
    watch : callable, optional
        Called with the name of each network when its answers are written.
    time_limit : float, optional
        Seconds after which no other network is begun.
    progress : bool or callable, optional
        True shows on stderr which network is written; a callable gets a text.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    UsageError
        There is no such family, or the folder holds something else or the export of another version or part.
    NetworkError
        The folder cannot be written.
    Stopped
        The time is over; the same call goes on from there.
    """
    check_time_limit(time_limit)
    end = math.inf if time_limit is None else time.monotonic() + time_limit
    folder = Path(directory)
    chosen = suite_networks(small)
    if families is not None:
        known = {entry.family for entry in chosen}
        for family in families:
            if family not in known:
                raise UsageError(f"there is no family {quoted(family)}; take some of {', '.join(sorted(known))}")
        chosen = tuple(entry for entry in chosen if entry.family in families)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "suite_version": SUITE_VERSION,
        "small": small,
        "families": None if families is None else sorted(set(families)),
    }
    _prepare(folder, header, force)
    entries = []
    with shown_steps(progress) as step:
        for number, entry in enumerate(chosen):
            if time.monotonic() >= end:
                raise Stopped(
                    f"stopped at the time limit of {time_limit:g} s with {number} of "
                    f"{counted(len(chosen), 'network')}; the same "
                    "call without --force goes on from there"
                )
            step(f"Network {number + 1} of {len(chosen)}: {entry.name}")
            entries.append(_write(entry, folder, force))
            if watch is not None:
                watch(entry.name)
    manifest = {**header, "complete": True, "definitions": DEFINITIONS, "networks": entries}
    _write_json(folder / MANIFEST, manifest)
    return manifest


def _prepare(folder: Path, header: dict[str, Any], force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{shown_path(folder)}: is not a folder; name a new one")
    if not force and folder.is_dir() and any(folder.iterdir()):
        try:
            found = json.loads(read_bytes(folder / MANIFEST, _MAX_BYTES, "manifest"))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise UsageError(f"{shown_path(folder)}: is not empty; name a new folder, or add --force to write into it")
        if any(found.get(key) != value for key, value in header.items()):
            raise UsageError(
                f"{shown_path(folder)}: holds another suite (version or part); name a new folder, or add --force"
            )
    try:
        for name in ("networks", "answers", "certificates"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{shown_path(folder)}: cannot be written: {error.strerror or error}; name another folder"
        ) from None
    _write_json(folder / MANIFEST, {**header, "complete": False})


def _write(entry: SuiteNetwork, folder: Path, force: bool) -> dict[str, Any]:
    """Write one network and its answers, unless they are there; its entry in the manifest."""
    answers = None if force else _finished(entry, folder)
    if answers is None:
        write_network(entry.network, folder / "networks" / f"{entry.name}.json")
        try:
            write_network(entry.network, folder / "networks" / f"{entry.name}.npz")
        except NetworkError as error:
            if "float64" not in str(error):
                raise
        answers = answers_of(entry)
        for where, found in answers["domains"].items():
            _certify(entry, folder / "certificates" / f"{entry.name}-{where}.cert.gz", found)
        _write_json(folder / "answers" / f"{entry.name}.json", answers)  # the last one: it says that all is there
    content = (folder / "answers" / f"{entry.name}.json").read_bytes()
    return {
        "name": entry.name,
        "family": entry.family,
        "digest": answers["digest"],
        "input_dim": entry.network.input_dim,
        "hidden": list(entry.network.hidden),
        "output_dim": entry.network.output_dim,
        "npz": (folder / "networks" / f"{entry.name}.npz").exists(),
        "box": list(entry.box),
        "counts": {name: domain["counts"] for name, domain in answers["domains"].items()},
        "monomials": answers["monomials"],
        "answers_sha256": hashlib.sha256(content).hexdigest(),
    }


def _certify(entry: SuiteNetwork, path: Path, found: dict[str, Any]) -> None:
    """Write the proof of the counts on one domain, and have it checked."""
    from puiseux.certificates.certificate import verify_certificate, write_certificate

    write_certificate(entry.network, path, found["domain"])
    verdict = verify_certificate(path, network=entry.network, domain=found["domain"])
    proven = {key: value for key, value in (verdict.counts or {}).items() if value is not None}
    if not proven or any(found["counts"][key] != value for key, value in proven.items()):
        raise AssertionError(f"{path}: proves {proven}, counted: {found['counts']}; {verdict.reason}")


def _finished(entry: SuiteNetwork, folder: Path) -> dict[str, Any] | None:
    """The answers that an earlier export has written."""
    try:
        answers = json.loads(read_bytes(folder / "answers" / f"{entry.name}.json", _MAX_BYTES, "answers"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(answers, dict) or answers.get("format") != ANSWERS_FORMAT:
        return None
    domains = answers.get("domains")
    if not isinstance(domains, dict) or any(not isinstance(d, dict) or "topology" not in d for d in domains.values()):
        return None  # an export from before there was topology
    return answers if answers.get("digest") == entry.network.digest() else None


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_bytes(path, (json.dumps(content, separators=(",", ":")) + "\n").encode())
