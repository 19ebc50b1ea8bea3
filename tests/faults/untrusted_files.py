"""Files from strangers: valid ones of every format, ways to damage them, and a watch over what reading them does.

Shared by the tests here and by ``tools/fuzz.py``, which runs for as long as one likes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import sys
import threading
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from nn_bridge.network.network import Network
from nn_bridge.readers import SUFFIXES, read_network
from puiseux.domains import pose
from puiseux.reading import save

NETWORK = Network.from_layers(
    [[[1, "-1/2"], [0.1, 3], [0, 0]], [[1, -1, 2], [2, 1, 0]], [[1, -3]]], [[0, 1, -1], [0.5, 0], [2]]
)

POLYHEDRON = {"format": "puiseux-polyhedron", "version": 1, "A": [[1, 0], [0, 1], [-1, "-1/2"]], "b": [1, 1, 0.1]}
SLICE = {"format": "puiseux-slice", "version": 1, "origin": [0, "1/3"], "directions": [[1, 0.5]], "domain": "box:-1,1"}
PROPERTY = """(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
(assert (>= X_0 -1.0)) (assert (<= X_0 1.5e0)) (assert (>= X_1 -1)) (assert (<= X_1 1))
(assert (or (and (<= Y_0 0.25)) (and (>= (+ (* 2.0 Y_0) -1.0) 3))))
"""
NNET = """// a small network
2,2,1,3,
2,3,1,
0,
-1.0,-1.0,
1.0,1.0,
0.0,0.0,0.0,
1.0,1.0,1.0,
1.0,-0.5,
0.25,3.0,
0.0,1.0,
0.0,
1.0,
-1.0,
1.0,-1.0,2.0,
0.5,
"""


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, W0=np.array([[0.1, -2.0], [0.5, 3.0]]), b0=np.array([0.0, 1.0]), W1=np.array([[1, -1]]))
    return file.getvalue()


def _saved(suffix: str, folder: Path) -> bytes:
    path = folder / f"seed{suffix}"
    save(NETWORK, path)
    return path.read_bytes()


def _torch(folder: Path) -> bytes:
    import torch

    file = io.BytesIO()
    torch.manual_seed(0)
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1)).state_dict(), file)
    return file.getvalue()


def seeds(folder: Path) -> dict[str, bytes]:
    """A valid file of each format that can be written or made here, by the ending of its name."""
    found = {".npz": _npz(), ".json": _saved(".json", folder)}
    if util.find_spec("torch") is not None:
        found[".pt"] = found[".ckpt"] = _torch(folder)
    if util.find_spec("safetensors") is not None:
        from safetensors.numpy import save as save_tensors

        found[".safetensors"] = save_tensors(
            {"0.weight": np.eye(3, 2), "0.bias": np.ones(3), "1.weight": np.ones((1, 3))}
        )
    if ".onnx" in SUFFIXES and util.find_spec("onnx") is not None:
        found[".onnx"] = _saved(".onnx", folder)
    if ".nnet" in SUFFIXES:
        found[".nnet"] = NNET.encode()
    found[".polyhedron.json"] = json.dumps(POLYHEDRON).encode()
    found[".slice.json"] = json.dumps(SLICE).encode()
    found[".vnnlib"] = PROPERTY.encode()
    return found


def read(suffix: str, path: Path) -> Any:
    """Read a file as the product does."""
    if suffix == ".polyhedron.json":
        return pose(NETWORK, f"polyhedron:{path}")
    if suffix == ".slice.json":
        return pose(NETWORK, f"slice:{path}")
    if suffix == ".vnnlib":
        from milp.vnnlib import read_vnnlib

        return read_vnnlib(path)
    return read_network(path)


# -------------------------------------------------------------------------- damage

_TOKENS = [
    *b"0 -1 1/0 1e999 1e-999999999 NaN Infinity null true {} [] O <f8 |O leaky:1/0 maxout:0 maxout:99999999".split(),
    *(b"1" * 400, b"9" * 30, b"[" * 300, b'"""', b"\\u0000", b'"__class__"', b"../../etc/passwd", b"(9999999999, 2)"),
    *(b"\xff\xfe", b"\x00" * 8, b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"cos\nsystem\n"),
]


def damaged(content: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """A file with a few things wrong."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if not content:
            break
        at, kind = rng.randrange(len(content)), rng.randrange(8)
        to = min(len(content), at + rng.choice((1, 2, 4, 8, 64, 1000)))
        if kind == 0:
            content = content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
        elif kind == 1:
            content = content[:at] + rng.randbytes(to - at) + content[to:]
        elif kind == 2:
            content = content[:at]
        elif kind == 3:
            content = content[:at] + content[to:]
        elif kind == 4:
            content = content[:to] + content[at:to] * rng.choice((1, 2, 50)) + content[to:]
        elif kind == 5:
            content = content[:at] + rng.choice(_TOKENS) + content[at:]
        elif kind == 6:
            numbers = list(re.finditer(rb"-?\d[\d./e]*", content))
            if numbers:
                chosen = rng.choice(numbers)
                content = content[: chosen.start()] + rng.choice(_TOKENS) + content[chosen.end() :]
        else:
            other = rng.choice(others)
            start = rng.randrange(len(other))
            content = content[:at] + other[start : start + rng.choice((4, 64, 1000))] + content[to:]
    return content


# -------------------------------------------------------------------------- watch

_FORBIDDEN = """
os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn subprocess.Popen pty.spawn os.remove os.rename
os.rmdir os.mkdir os.link os.symlink os.truncate os.chmod shutil.rmtree shutil.move shutil.copyfile
socket.connect socket.bind socket.getaddrinfo urllib.Request pickle.find_class ctypes.dlopen webbrowser.open
""".split()  # noqa: SIM905
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes what code does that only has to read; hooks can't be taken off again, so there is one, which sleeps."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._thread: int | None = None
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._thread != threading.get_ident():
            return
        if event in _FORBIDDEN:
            self.seen.append(f"{event}{arguments!r}")
        elif event == "open":
            path, mode, flags = arguments
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITING):
                self.seen.append(f"open for writing: {path!r}")

    @contextlib.contextmanager
    def over(self) -> Iterator[list[str]]:
        """Note in the list whatever happens inside."""
        self.seen.clear()
        self._thread = threading.get_ident()
        try:
            yield self.seen
        finally:
            self._thread = None


WATCH = Watch()


def try_to_read(suffix: str, path: Path, errors: tuple[type[BaseException], ...]) -> str | None:
    """Read a file that may be damaged; returns the one line it was refused with, or None where it was taken.

    Raises
    ------
    AssertionError
        The refusal is not one line, or something else than reading happened.
    """
    message = None
    with WATCH.over() as seen:
        try:
            read(suffix, path)
        except errors as error:
            message = str(error)
    assert not seen, seen
    if message is not None:
        assert message.strip(), "a refusal says why"
        assert "\n" not in message, message
        assert len(message) < 2000, message
    return message
