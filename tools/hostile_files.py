"""Hostile files of every format, each with the command that reads it: what `tools/hostile.py` runs.

Every file is small (the largest has some megabytes) and asks for much: memory, time, a word on the terminal, a look at
another file, code to be run.
"""

# ruff: noqa: E501  (tables of files)

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from hostile_networks import (  # noqa: E402
    ESCAPES,
    LONG,
    MANY,
    Payload,
    json_files,
    nnet_files,
    npy,
    npz_files,
    onnx_files,
    torch_files,
)

REFUSED = (2,)
INVALID = (1, 2)


class Case(NamedTuple):
    """One hostile file: its format, what is wrong with it, the command line that reads it, the exit codes that are
    right, and whether it is in the short form.
    """

    kind: str
    name: str
    arguments: tuple[str, ...]
    codes: tuple[int, ...] = REFUSED
    short: bool = False


def cases(folder: Path, only: str | None = None) -> Iterator[Case]:
    """Write the files into a folder, one after another, each when it is asked for; ``only`` those of one format."""
    np.savez(folder / "net.npz", W0=np.array([[1.0, -1.0], [2.0, 1.0]]), b0=np.zeros(2), W1=np.array([[1.0, -1.0]]))
    np.savez(folder / "line.npz", W0=np.array([[1.0], [2.0]]), b0=np.array([0.0, 1.0]), W1=np.array([[1.0, -1.0]]))
    needs = {"onnx": "onnx", "pt": "torch"}
    for kind, write in WRITERS.items():
        if (kind in needs and find_spec(needs[kind]) is None) or (only in WRITERS and only != kind):
            continue
        place = folder / kind
        place.mkdir()
        yield from write(place, folder / "net.npz")


def _counts(kind: str, ending: str, files: Iterator[tuple[str, bytes, bool]], place: Path) -> Iterator[Case]:
    """Network files that ``count`` is to refuse."""
    for number, (name, content, short) in enumerate(files):
        path = place / f"{number}{ending}"
        path.write_bytes(content)
        yield Case(kind, name, ("count", str(path)), short=short)
        path.unlink()


# -------------------------------------------------------------------- domains


def _domain_cases(place: Path, net: Path) -> Iterator[Case]:
    def polyhedron(rows: Any, bounds: Any, **more: Any) -> bytes:
        return json.dumps({"format": "puiseux-polyhedron", "version": 1, "A": rows, "b": bounds, **more}).encode()

    def plane(**changes: Any) -> bytes:
        form = {"format": "puiseux-slice", "version": 1, "origin": [0, 0], "directions": [[1, 0]]}
        return json.dumps({**form, **changes}).encode()

    digits = "".join(str((k * k) % 10) for k in range(1000))
    rng = np.random.default_rng(0)
    through = rng.integers(-(10**15), 10**15, (5000, 2)).tolist()
    polyhedra: list[tuple[str, bytes, bool]] = [
        ("100,000 rows of long numbers", polyhedron([[f"0.{digits}", "1"]] * MANY, ["1"] * MANY), False),
        ("1,000 rows of 1,000 digits", polyhedron([[f"0.{k}{digits}", "1"] for k in range(1000)], ["1"] * 1000), True),
        ("a million numbers of ten thousand digits", polyhedron([["1e9999", "1"]] * 400_000, ["1"] * 400_000), False),
        ("5,000 rows through one point", polyhedron(through, [a + 2 * b for a, b in through]), True),
        ("a number of 200,000 digits", polyhedron([[LONG, "1"]], ["1"]), True),
        ("a key with escapes", polyhedron([["1", "1"]], ["1"], **{ESCAPES: 1}), True),
        ("a number with escapes", polyhedron([[ESCAPES, "1"]], ["1"]), True),
        ("a hundred thousand equal keys", b"{" + b",".join([b'"A":0'] * MANY) + b"}", True),
        ("ten million empty lists", b"[" + b"[]," * 10_000_000 + b"[]]", False),
        ("nested a million times", b"[" * 1_000_000, False),
        ("infinity", b'{"format":"puiseux-polyhedron","version":1,"A":[[Infinity,1]],"b":[1]}', True),
    ]
    slices: list[tuple[str, bytes, bool]] = [
        ("an origin of a million numbers", plane(origin=["0"] * 1_000_000), False),
        ("100,000 directions", plane(directions=[[k, 1] for k in range(MANY)]), True),
        ("a domain with escapes", plane(domain=f"box:{ESCAPES}"), True),
        ("a domain of 200,000 digits", plane(domain=f"box:0,{LONG}"), True),
        ("a version with escapes", plane(version=ESCAPES), False),
    ]  # fmt: skip
    for kind, files in (("polyhedron", polyhedra), ("slice", slices)):
        for number, (name, content, short) in enumerate(files):
            path = place / f"{number}.json"
            path.write_bytes(content)
            yield Case(kind, name, ("count", str(net), "--domain", f"{kind}:{path}"), short=short)
            path.unlink()
    os.mkfifo(place / "pipe")
    for special in ("/dev/zero", str(place / "pipe"), str(place)):
        yield Case("polyhedron", f"the file {Path(special).name}", ("count", str(net), "--domain", f"polyhedron:{special}"),
                   short=True)  # fmt: skip
    for name, text in (("escapes", ESCAPES.replace("\0", "")), ("100,000 characters", "9" * MANY), ("text", "box:a,b")):
        yield Case("domain", f"a text of {name}", ("count", str(net), "--domain", text), short=True)


# -------------------------------------------------------------------- properties


def _property_cases(place: Path, net: Path) -> Iterator[Case]:
    head = "(declare-const X_0 Real)(declare-const Y_0 Real)"
    primes = " ".join(f"1/{2 * k + 1}" for k in range(50_000))
    either = "(or (<= X_0 1) (>= X_0 2))"
    texts: list[tuple[str, str, bool]] = [
        ("two million parentheses", "(" * 2_000_000, True),
        ("2^100 choices", head + f"(assert {either})" * 100, True),
        ("100,000 assertions and 1,000 constants", "".join(f"(declare-const X_{k} Real)" for k in range(1000))
         + "(declare-const Y_0 Real)" + "(assert (<= X_0 1))" * MANY, False),
        ("a sum of 50,000 fractions", f"{head}(assert (<= X_0 (+ {primes})))", True),
        ("products of long numbers", head + "(assert (<= X_0 " + "(* 1e9999 " * 150 + "1" + ")" * 150 + "))", True),
        ("a constant with escapes", f"(declare-const {ESCAPES} Real)", True),
        ("a constant of 200,000 digits", f"(declare-const X_{LONG} Real)", True),
        ("a word outside of parentheses", LONG, False),
        ("bytes that are no text", "\udcff" * 100, False),
    ]  # fmt: skip
    for number, (name, text, short) in enumerate(texts):
        path = place / f"{number}.vnnlib"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        yield Case("vnnlib", name, ("vnnlib", str(path)), short=short)
        path.unlink()
    yield Case("vnnlib", "the file zero", ("vnnlib", "/dev/zero"), short=True)


# -------------------------------------------------------------------- certificates


def _certificate_cases(place: Path, net: Path) -> Iterator[Case]:
    head = '{"format":"puiseux-certificate","version":1,'
    network = ["puiseux-network", 1, 1, [[[[0, [["1"]]]], ["0"]]], [[[1, [["1"]]]], ["0"]]]

    def cells(network: Any) -> str:
        digest = hashlib.sha256(json.dumps(network, separators=(",", ":")).encode()).hexdigest()
        return f'{head}"kind":"cells","digest":"{digest}","network":{json.dumps(network, separators=(",", ":"))},"walls":[]}}\n'

    lists = head + '"kind":"cells","digest":"","network":' + "[" + "[]," * 20_000_000 + "[]]" + ',"walls":[]}\n'
    fractions = [f"1/{10**4000 + k}" for k in range(2000)]
    wide = ["puiseux-network", 1, 1000, [[[[0, [["1"] * 1000]]], ["0"]], [[[1, [["9" * 4000]] * 1500]], ["0"] * 1500]],
            [[[2, [["1"] * 1500]]], ["0"]]]  # fmt: skip
    deep: list[Any] = [[[[k, [["9" * 4000]]]], ["0"]] for k in range(1000)]
    texts: list[tuple[str, bytes, bool]] = [
        ("fields are missing", (head + '"kind":"cells"}\n').encode(), True),
        ("a kind with escapes", (head + f'"kind":{json.dumps(ESCAPES)}}}\n').encode(), True),
        ("a kind of 200,000 characters", (head + f'"kind":"{LONG}"}}\n').encode(), True),
        ("a digest of 200,000 characters", (head + f'"kind":"cells","digest":"{LONG}","network":{json.dumps(network)},"walls":[]}}\n').encode(), False),
        ("20 million empty lists in a line", lists.encode(), False),
        ("nested a million times", (head + '"kind":' + "[" * 1_000_000 + "\n").encode(), True),
        ("2,000 denominators of 4,000 digits", cells(["puiseux-network", 1, 1, [[[[0, [[f] for f in fractions]]], ["0"] * 2000]], [[[1, [["1"] * 2000]]], ["0"]]]).encode(), True),
        ("1,500 units of 4,000 digits and 1,000 inputs", cells(wide).encode(), False),
        ("a thousand stages of 4,000 digits", cells(["puiseux-network", 1, 1, deep, [[[1000, [["1"]]]], ["0"]]]).encode(), False),
        ("a record with an unknown name", (cells(network) + '["__init__",1,2,3]\n').encode(), True),
        ("a record with escapes", (cells(network) + json.dumps([ESCAPES]) + "\n").encode(), True),
        ("a point of 200,000 digits", (cells(network) + f'["split",0]\n["cell",[{LONG},1]]\n').encode(), True),
        ("a split of unit -1", (cells(network) + '["split",-1]\n').encode(), False),
        ("100 million zeros, compressed", zlib.compress(b""), False),
        ("no certificate", b"hello\n", True),
    ]  # fmt: skip
    for number, (name, content, short) in enumerate(texts):
        path = place / f"{number}.cert"
        path.write_bytes(content)
        yield Case("certificate", name, ("verify", str(path)), INVALID, short)
        path.unlink()
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress((head + '"kind":"cells","digest":"').encode())]
    parts += [packer.compress(b"0" * 2**20) for _ in range(300)]
    path = place / "bomb.cert.gz"
    path.write_bytes(b"".join([*parts, packer.flush()]))
    yield Case("certificate", "a line of 300 MiB, compressed", ("verify", str(path)), INVALID, True)
    yield Case("certificate", "the file zero", ("verify", "/dev/zero"), INVALID, True)


# -------------------------------------------------------------------- checkpoints


def _checkpoint_cases(place: Path, net: Path) -> Iterator[Case]:
    def run(folder: Path) -> tuple[str, ...]:
        return ("count", str(net), "--checkpoint", str(folder))

    def with_sum(text: bytes) -> bytes:
        return text + b"\n" + hashlib.sha256(text).hexdigest().encode() + b"\n"

    headers: list[tuple[str, bytes, bool]] = [
        ("a header of 64 MB", b"0" * 64_000_000, False),
        ("a header that is a list", with_sum(b"[]"), True),
        ("a header nested a million times", with_sum(b"[" * 1_000_000), False),
        ("a version with escapes", with_sum(json.dumps({"format": "puiseux-cell-checkpoint", "version": ESCAPES}).encode()), True),
        ("an empty header", b"", True),
    ]  # fmt: skip
    for number, (name, content, short) in enumerate(headers):
        folder = place / str(number)
        folder.mkdir()
        (folder / "header.json").write_bytes(content)
        yield Case("checkpoint", name, run(folder), short=short)
    for name in ("header.json", "slices.log", "lock"):
        folder = place / f"pipe-{name}"
        folder.mkdir()
        os.mkfifo(folder / name)
        yield Case("checkpoint", f"a pipe in place of {name}", run(folder), short=name == "lock")
    strange = place / "strange"
    strange.mkdir()
    (strange / ESCAPES.replace("\0", "")).write_bytes(b"")
    yield Case("checkpoint", "a folder with a file of escapes", run(strange), short=True)
    yield Case("checkpoint", "a file", run(net), short=True)
    yield from _checkpoint_records(place, net, run)


def _checkpoint_records(place: Path, net: Path, run: Callable[[Path], tuple[str, ...]]) -> Iterator[Case]:
    """Records with right check sums, which anybody can compute, and wrong content."""
    from nn_bridge.cells.counting.checkpoint import Checkpoint
    from nn_bridge.cells.counting.count import count_cells
    from puiseux.reading import load

    network = load(net)
    good = place / "good"
    count_cells(network, checkpoint=good)
    header = (good / "header.json").read_bytes()
    identity = json.loads(header.rstrip(b"\n").rpartition(b"\n")[0])
    identity = {key: value for key, value in identity.items() if key not in ("format", "version")}

    class Forged:
        def __init__(self, content: bytes) -> None:
            self._content = content

        def to_bytes(self) -> bytes:
            return self._content

    def packed(value: Any) -> bytes:
        text = zlib.compress(json.dumps(value).encode())
        return struct.pack("<Q", len(text)) + text

    bomb = zlib.compress(b"[" + b"0," * 400_000_000 + b"0]")
    records: list[tuple[str, bytes, bool]] = [
        ("a record of nothing", b"", True),
        ("a unit beyond the network", packed({"job": 0, "cells": 1, "left": [[[0, 1, [[0, 10**9, 1]]]]], "groups": []}), True),
        ("a start cell beyond the tree", packed({"job": 0, "cells": 1, "left": [[[10**9, 1, []]]], "groups": []}), True),
        ("text in place of numbers", packed({"job": ESCAPES, "cells": ESCAPES, "left": [], "groups": []}), True),
        ("800 MB of text, compressed", struct.pack("<Q", len(bomb)) + bomb, False),
    ]  # fmt: skip
    for number, (name, content, short) in enumerate(records):
        folder = place / f"record-{number}"
        folder.mkdir()
        (folder / "header.json").write_bytes(header)
        with Checkpoint(folder, identity) as checkpoint:
            list(checkpoint.records())
            checkpoint.append(Forged(content))  # type: ignore[arg-type]
        yield Case("checkpoint", name, run(folder), short=short)


# -------------------------------------------------------------------- pickles, data, studies, suites


def _other_cases(place: Path, net: Path) -> Iterator[Case]:
    mark = str(place / "mark")
    for ending in (".pkl", ".joblib", ".pickle"):
        path = place / f"model{ending}"
        path.write_bytes(pickle.dumps(Payload(mark)))
        yield Case("scikit-learn", f"a pickle that runs code, {ending}", ("count", str(path)), short=ending == ".pkl")
    tables: list[tuple[str, str, bytes, bool]] = [
        ("100 columns too many", ".csv", b"1," * 100 + b"1\n", True),
        ("a number of 200,000 digits", ".csv", f"{LONG},1\n2,3\n".encode(), True),
        ("escapes", ".csv", f"1,2\n{ESCAPES},2\n".encode(), True),
        ("20 million points", ".csv", b"1,2\n" * 20_000_000, False),
        ("2^62 points", ".npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 2)}"), True),
        ("objects", ".npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 2)}", pickle.dumps(Payload(mark))), True),
    ]  # fmt: skip
    for number, (name, ending, content, short) in enumerate(tables):
        path = place / f"data{number}{ending}"
        path.write_bytes(content)
        yield Case("data", name, ("statistics", str(net), "--data", str(path)), short=short)
        path.unlink()
    yield Case("data", "the file zero.csv", ("statistics", str(net), "--data", _link(place / "zero.csv", "/dev/zero")))
    folder = place / "study"
    folder.mkdir()
    (folder / "records.jsonl").write_bytes(json.dumps({"format": ESCAPES}).encode() + b"\n")
    suite = place / "suite"
    suite.mkdir()
    for number, (name, content) in enumerate((("escapes", json.dumps({"format": "puiseux-suite", "version": ESCAPES})),
                                              ("depth", "[" * 1_000_000))):  # fmt: skip
        suite = place / f"suite{number}"
        suite.mkdir()
        (suite / "manifest.json").write_text(content)
        yield Case(
            "suite", f"a manifest of {name}", ("suite", "run", str(suite), "--command", "true {net}"), short=True
        )


def _link(path: Path, target: str) -> str:
    path.symlink_to(target)
    return str(path)


def _name_cases(place: Path, net: Path) -> Iterator[Case]:
    """Names of files, and words of options."""
    strange = ESCAPES.replace("\0", "")
    for command in ("count", "crosscheck", "bounds", "simplify", "monomials", "hoffman", "statistics", "reduce"):
        yield Case("name", f"{command} of escapes", (command, strange), short=command in ("count", "bounds"))
    yield Case("name", "of 100,000 characters", ("count", "a" * MANY), short=True)
    for option in ("--engine", "--counts", "--memory", "--on-degenerate"):
        yield Case("name", f"{option} of escapes", ("count", str(net), option, strange), short=option == "--memory")
    yield Case("name", "--memory of 400 digits", ("count", str(net), "--memory", "9" * 400), short=True)
    yield Case("name", "a command of escapes", (strange,), short=True)
    yield Case("name", "an option of escapes", ("count", str(net), f"--{strange}"), short=True)


WRITERS: dict[str, Callable[[Path, Path], Iterator[Case]]] = {
    "npz": lambda place, net: _counts("npz", ".npz", npz_files(str(place / "mark")), place),
    "json": lambda place, net: _counts("json", ".json", json_files(), place),
    "onnx": lambda place, net: _counts("onnx", ".onnx", onnx_files(), place),
    "pt": lambda place, net: _counts("pt", ".pt", torch_files(str(place / "mark")), place),
    "nnet": lambda place, net: _counts("nnet", ".nnet", nnet_files(), place),
    "domain": _domain_cases,
    "vnnlib": _property_cases,
    "certificate": _certificate_cases,
    "checkpoint": _checkpoint_cases,
    "other": _other_cases,
    "name": _name_cases,
}
"""Who writes the files of each format."""


if __name__ == "__main__":  # for hostile.py, which stays small so that its children look small
    warnings.simplefilter("ignore")
    for case in cases(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None):
        print(json.dumps(case), flush=True)
        sys.stdin.readline()
