"""Reader of ``.npz`` networks: arrays ``W0, b0, W1, b1, ...``, ReLU after every layer but the last.

``W_i`` has shape (out, in), ``b_i`` shape (out,); a missing ``b_i`` is zero.  Arrays are float16, float32, float64 or
integers and enter by their exact values.  An archive is untrusted, so nothing in it is unpickled, and what
its directory and its array headers declare is checked before anything is inflated.
"""

from __future__ import annotations

import io
import math
import os
import re
import tokenize
import zipfile
import zlib

import numpy as np
from numpy.lib import format as npy_format

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.chains import chain
from nn_bridge.network.network import Network
from nn_bridge.readers.files import MAX_BYTES, read_bytes
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown, shown_path

_MEMBER = re.compile(r"([Wb])(0|[1-9]\d{0,3})\.npy", re.ASCII)
_MAX_HEADER = 4096  # bytes; numpy's own headers of plain arrays have 128
_CONTRACT = "save arrays W0, b0, W1, b1, ... with numpy.savez"
_CORRUPT = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    IndexError,
    OverflowError,
)


def read_npz(path: str | os.PathLike[str]) -> Network:
    """Read an ``.npz`` network (the contract is in the module's docstring).

    Raises
    ------
    NetworkError
        The file is no such archive, is truncated, holds other arrays or objects, inflates beyond
        `nn_bridge.readers.files.MAX_BYTES`, or the shapes do not chain.
    """
    content = read_bytes(path, MAX_BYTES)
    if not content.startswith(b"PK"):
        raise NetworkError(f"{shown_path(path)} is not an .npz archive; {_CONTRACT}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _members(archive, shown_path(path))
            arrays = {name: _read_array(archive, info, shown_path(path)) for name, info in members.items()}
    except NetworkError:
        raise
    except _CORRUPT as error:
        raise NetworkError(
            f"{shown_path(path)} is a truncated or damaged .npz archive ({shown(error)}); save it again"
        ) from None
    return _chain(arrays, shown_path(path))


def _members(archive: zipfile.ZipFile, path: object) -> dict[str, zipfile.ZipInfo]:
    """The arrays by name, after the checks that need only the directory of the archive."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        match = _MEMBER.fullmatch(info.filename)
        name = info.filename.removesuffix(".npy")
        if match is None:
            raise NetworkError(f"{path} holds {quoted(name)}, which is no weight or bias of a network; {_CONTRACT}")
        if name in members:
            raise NetworkError(f"{path} holds the array {name} twice; save it again")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise NetworkError(f"{path}: array {name} is packed in a way that numpy does not write; {_CONTRACT}")
        members[name] = info
    declared = sum(info.file_size for info in members.values())
    if declared > MAX_BYTES:
        raise NetworkError(f"{path} inflates to {declared} bytes, more than the {MAX_BYTES} that a network may have")
    return members


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: object) -> np.ndarray:
    """One array, whose header is checked before its data are inflated."""
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as member:
        shape, fortran_order, dtype, offset = _header(member.read(_MAX_HEADER), name, path)
        if dtype.hasobject:
            raise NetworkError(f"{path}: array {name} holds Python objects; convert it to float64 before saving")
        if dtype.kind not in "iuf" or dtype.itemsize > 8:
            raise NetworkError(f"{path}: array {name} has type {shown(dtype)}; convert it to float64 before saving")
        size = math.prod(shape)
        if offset + size * dtype.itemsize != info.file_size:
            raise NetworkError(
                f"{path}: array {name} declares shape {shown(shape)} of {dtype} but holds "
                f"{info.file_size - offset} bytes of data; save it again"
            )
        member.seek(0)
        content = member.read(info.file_size)
    array = np.frombuffer(content, dtype=dtype, count=size, offset=offset).reshape(
        shape, order="F" if fortran_order else "C"
    )
    if not np.isfinite(array).all():
        index = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise NetworkError(f"{path}: array {name} is {array[index]} at {index}; a network needs finite numbers")
    return array


def _header(start: bytes, name: str, path: object) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    stream = io.BytesIO(start)
    try:
        version = npy_format.read_magic(stream)
        readers = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
        shape, fortran_order, dtype = readers[version](stream, max_header_size=_MAX_HEADER)
    except (ValueError, KeyError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError):
        raise NetworkError(f"{path}: array {name} has no readable numpy header; save it again") from None
    if any(type(size) is not int or size < 0 for size in shape):  # numpy lets True pass for a size
        raise NetworkError(f"{path}: array {name} declares shape {shown(shape)}; save it again")
    return shape, fortran_order, dtype, stream.tell()


def _chain(arrays: dict[str, np.ndarray], path: object) -> Network:
    numbers = sorted({int(name[1:]) for name in arrays})
    if not numbers:
        raise NetworkError(f"{path} holds no arrays; {_CONTRACT}")
    weights: list[np.ndarray] = []
    biases: list[np.ndarray | None] = []
    for number in range(numbers[-1] + 1):
        weight, bias = arrays.get(f"W{number}"), arrays.get(f"b{number}")
        if weight is None:
            other = f"b{number}" if bias is not None else f"W{numbers[-1]}"
            raise NetworkError(f"{path} holds {other} but not W{number}; number the layers 0, 1, 2, ... without gaps")
        _check_shapes(number, weight, bias, weights[-1] if weights else None, path)
        weights.append(weight)
        biases.append(bias)
    budget = Budget()
    budget.spend_operators(len(weights), f"{path}: the list of layers")
    for array in (*weights, *(bias for bias in biases if bias is not None)):  # before any entry is converted
        budget.spend_floats(array, f"{path}: {counted(len(weights), 'layer')}")
    try:
        return chain(weights, biases, ["relu"] * (len(weights) - 1) + ["linear"], Budget())
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None


def _check_shapes(
    number: int, weight: np.ndarray, bias: np.ndarray | None, previous: np.ndarray | None, path: object
) -> None:
    place = f"{path}: array W{number} has shape {weight.shape}"
    if weight.ndim != 2:
        raise NetworkError(f"{place}; a layer needs a matrix of shape (out, in)")
    if 0 in weight.shape:
        raise NetworkError(f"{place}; a layer needs at least one row and one column")
    if previous is not None and weight.shape[1] != previous.shape[0]:
        hint = "transpose it" if weight.shape[0] == previous.shape[0] else "the layers do not chain"
        raise NetworkError(
            f"{place} but W{number - 1} has {counted(previous.shape[0], 'row')}: shape is (out, in); {hint}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise NetworkError(
            f"{path}: array b{number} has shape {bias.shape}, W{number} has {counted(weight.shape[0], 'row')}; "
            f"save it with shape ({weight.shape[0]},)"
        )
