"""The tensors of an ONNX model, also those that are kept in a second file beside it.

``torch.onnx.export`` writes large weights to ``NAME.onnx.data`` by default.  The name of that file stands in the model,
which is untrusted: only a plain name is followed, only to a regular file in the model's own folder, never
through a link, and the size is checked before anything is read.
"""

from __future__ import annotations

import math
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.signals import checked_shape
from nn_bridge.readers.onnx.session import MAX_AXES
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown

FLOATS = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16")
_SMALL_FLOATS = ("FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2", "FLOAT8E5M2FNUZ", "FLOAT8E8M0", "FLOAT4E2M1")
_SMALL_INTEGERS = ("INT4", "UINT4", "INT2", "UINT2")
ADVICE = "export the model again with torch.onnx.export or a converter of its framework"
_ONE_FILE = "save the model in one file: torch.onnx.export(..., external_data=False), or onnx.save(model, FILE)"


class Tensors:
    """Decodes tensors, spending from the budget before memory of the declared size is taken.

    Parameters
    ----------
    onnx : module
    budget : Budget
    folder : Path or None
        Where the model lies; None where it does not come from a file, so that no second file is read.
    """

    def __init__(self, onnx: Any, budget: Budget, folder: Path | None) -> None:
        self._onnx, self._budget, self._folder = onnx, budget, folder

    def array(self, tensor: Any) -> np.ndarray:
        """The values of a tensor: float64, which is exact from every narrower type, or integers.

        Raises
        ------
        NetworkError
            It is damaged, too large, holds no real numbers, or lies in a file that is not read.
        """
        name = f"the tensor {quoted(tensor.name, 60)}"
        try:
            if len(tensor.dims) > MAX_AXES:
                raise NetworkError(f"it has {len(tensor.dims)} axes, more than the {MAX_AXES} that are read")
            shape = checked_shape(tensor.dims)
            self._budget.spend_entries(math.prod(shape) // 8)
            kind = self.kind(tensor.data_type)
            if kind in ("STRING", "COMPLEX64", "COMPLEX128", "UNDEFINED"):
                raise NetworkError(f"it holds {kind.lower()}, not real numbers")
            if is_external(tensor):
                tensor = self.complete(tensor)
            array: np.ndarray = self._onnx.numpy_helper.to_array(tensor).reshape(shape)
        except NetworkError as error:
            raise NetworkError(f"{name}: {error}") from None
        except Exception as error:  # the decoder has no error of its own for damaged content
            raise NetworkError(f"{name} is damaged ({line(error)}); {ADVICE}") from None
        if kind in FLOATS or kind in _SMALL_FLOATS:
            array = array.astype(np.float64)
        elif kind in _SMALL_INTEGERS:
            array = array.astype(np.int8 if kind.startswith("INT") else np.uint8)
        return array

    def kind(self, number: int) -> str:
        """ONNX's name of an element type."""
        try:
            name: str = self._onnx.TensorProto.DataType.Name(number)
        except ValueError:
            raise NetworkError(f"its element type {number} is not known") from None
        return name

    def complete(self, tensor: Any) -> Any:
        """A copy of a tensor that is kept in another file, with its bytes."""
        copy = self._onnx.TensorProto()
        copy.CopyFrom(tensor)
        copy.ClearField("external_data")
        copy.ClearField("data_location")
        copy.raw_data = self._external(tensor)
        return copy

    def _external(self, tensor: Any) -> bytes:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        if self._folder is None:
            raise NetworkError(f"it is kept in another file; load the model with its tensors, or {_ONE_FILE}")
        if not _is_plain_name(location):
            raise NetworkError(
                f"it is kept in the file {quoted(location, 60)}, and only a plain name beside the model is followed; "
                f"{_ONE_FILE}"
            )
        start, length = (_whole(entries.get(key), key) for key in ("offset", "length"))
        most = 8 * math.prod(tensor.dims) + 8
        wanted = most if length is None else length
        if wanted > most:
            raise NetworkError(
                f"it has {counted(math.prod(tensor.dims), 'entry', 'entries')} and {counted(wanted, 'byte')}"
            )
        return read_beside(self._folder / location, start or 0, length, most)


def is_external(tensor: Any) -> bool:
    """Whether a tensor is kept in another file."""
    return bool(tensor.data_location == tensor.EXTERNAL or tensor.external_data)


def _is_plain_name(name: str) -> bool:
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\:\0")


def _whole(text: str | None, key: str) -> int | None:
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NetworkError(f"its {key} {quoted(text, 30)} is not a number of bytes")
    return int(text)


def read_beside(path: Path, start: int, length: int | None, most: int) -> bytes:
    """Bytes of a regular file that is no link; ``length`` None: all from ``start`` on.

    Raises
    ------
    NetworkError
        There is no such file, it is a link or no regular file, or it is too short.
    """
    name = quoted(path.name, 60)
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise NetworkError(f"it is kept in {name}, which is missing; put that file beside the model") from None
    except OSError as error:
        linked = os.path.islink(path)
        reason = "it is a link, which is not followed" if linked else (error.strerror or "it cannot be opened")
        raise NetworkError(f"it is kept in {name}: {reason}; put that file itself beside the model") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or os.path.islink(path):
            raise NetworkError(f"it is kept in {name}, which is no regular file; put that file itself beside the model")
        size = status.st_size - start if length is None else length
        if size < 0 or start + size > status.st_size or size > most:
            raise NetworkError(
                f"it wants the bytes from {start} on of {name}, which has {status.st_size}; copy both files again"
            )
        file.seek(start)
        return file.read(size)


def line(error: BaseException) -> str:
    """The message of an error of a library, as a part of one line."""
    return shown(" ".join(str(error).split()) or type(error).__name__, 120)
