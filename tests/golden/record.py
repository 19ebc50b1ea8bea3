"""The golden record: every contract that tools outside rely on, run on small networks and written down.

``python -m tests.golden.record`` writes the record anew; do so only for an intended change of a contract, in a commit
of its own.  The test beside compares what is run now with what is written down.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import puiseux
from puiseux.commands import COMMANDS
from puiseux.console.cli import run

RECORD = Path(__file__).with_name("record.json")
NETS = Path(__file__).parents[1] / "data" / "nets"
SMALL, SECOND, SPACE = (NETS / f"{name}.npz" for name in ("d2_10_5_1_s0", "d2_16_16_1_s0", "bunny_d3_3x16"))
TIMES = {"seconds", "time", "version", "seed", "free"}
"""Keys whose values change from run to run."""

JSON_RUNS: dict[str, list[str]] = {
    "count": ["count", str(SMALL), "--json"],
    "count two hidden layers": ["count", str(SECOND), "--json"],
    "count box": ["count", str(SMALL), "--domain", "box:-1,1", "--json"],
    "count cells only": ["count", str(SECOND), "--counts", "cells", "--json"],
    "count estimate": ["count", str(SMALL), "--estimate", "5", "--json"],
    "count tropical": ["count", str(SMALL), "--engine", "tropical", "--json"],
    "count sign-vectors": ["count", str(SMALL), "--engine", "sign-vectors", "--domain", "box:-1,1", "--json"],
    "count milp": ["count", str(SMALL), "--engine", "milp", "--domain", "box:-1,1", "--json"],
    "monomials": ["monomials", str(SMALL), "--json"],
    "bounds": ["bounds", str(SMALL), "--json"],
    "simplify": ["simplify", str(SMALL), "--no-search", "--format", "json"],
    "crosscheck": ["crosscheck", str(SMALL), "--json"],
    "compare": ["compare", str(SMALL), str(SECOND), "--json"],
    "compare with itself": ["compare", str(SMALL), str(SMALL), "--json"],
    "statistics": ["statistics", str(SMALL), "--json"],
    "hoffman": ["hoffman", str(NETS / "d2_10_5_1_s0.npz"), "--json"],
    "topology": ["topology", str(SMALL), "--torsion", "--json"],
    "topology persistence": ["topology", str(SMALL), "--persistence", "--json"],
    "topology critical points": ["topology", str(SMALL), "--critical-points", "--json"],
    "missing file": ["count", "no-such-file.npz", "--json"],
    "wrong domain": ["count", str(SMALL), "--domain", "box:1,0", "--json"],
    "wrong option": ["count", str(SMALL), "--frobnicate"],
}


def recorded() -> dict[str, Any]:
    """Run everything and gather the record."""
    return {
        "help": {command.name: _printed([command.name, "--help"])["stdout"] for command in COMMANDS},
        "json": {name: _json_run(arguments) for name, arguments in JSON_RUNS.items()},
        "files": _files(),
        "signatures": _signatures(),
    }


def _printed(arguments: list[str]) -> dict[str, Any]:
    out, err = io.StringIO(), io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "80"
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments)
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return {"code": int(code), "stdout": out.getvalue(), "stderr": err.getvalue()}


def _json_run(arguments: list[str]) -> dict[str, Any]:
    result = _printed(arguments)
    text = result["stdout"].strip()
    return {"code": result["code"], "stdout": _without_times(json.loads(text)) if text else None}


def _without_times(value: Any) -> Any:
    """The same JSON without values that depend on the run; long lists and numbers beyond 9 digits are shortened."""
    if isinstance(value, dict):
        return {key: _without_times(entry) for key, entry in value.items() if key not in TIMES}
    if isinstance(value, list):
        if len(value) > 20:
            return {"length": len(value), "sha256": _hash(json.dumps(_without_times_each(value)))}
        return _without_times_each(value)
    return float(f"{value:.9g}") if isinstance(value, float) else value


def _without_times_each(values: list[Any]) -> list[Any]:
    return [_without_times(entry) for entry in values]


def _hash(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _files() -> dict[str, Any]:
    """Hashes of the files that the commands write and whose bytes do not depend on the run."""
    with tempfile.TemporaryDirectory() as folder:
        written: dict[str, Callable[[Path], list[str]]] = {
            "certificate.cert": lambda path: ["count", str(SMALL), "--certificate", str(path)],
            "random.npz": lambda path: ["random", "2,4,1", "--seed", "1", "-o", str(path)],
            "network.json": lambda path: ["convert", str(SMALL), str(path)],
        }
        record = {}
        for name, arguments in written.items():
            path = Path(folder) / name
            result = _printed(arguments(path))
            record[name] = {"code": result["code"], "sha256": _content_hash(path)}
        return record


def _content_hash(path: Path) -> str:
    """The hash of a file's contents; of an .npz that of its arrays, since zip entries carry the time."""
    if path.suffix == ".npz":
        import numpy as np

        with np.load(path) as arrays:
            return _hash(b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays)))
    return _hash(path.read_bytes())


def _signatures() -> dict[str, str]:
    """The parameters of every public function and class, annotations left out."""
    record = {}
    for name in sorted(puiseux.__all__):
        value = getattr(puiseux, name)
        if not callable(value):
            record[name] = type(value).__name__
            continue
        try:
            signature = inspect.signature(value)
        except (TypeError, ValueError):
            record[name] = "callable"
            continue
        record[name] = ", ".join(
            parameter.name + ("" if parameter.default is parameter.empty else "=")
            for parameter in signature.parameters.values()
        )
    return record


if __name__ == "__main__":
    RECORD.write_text(json.dumps(recorded(), indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    print(f"wrote {RECORD.name}")
