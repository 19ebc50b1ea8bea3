"""Training data for a picture, from arrays or a file: points, and a class or a target for each."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from typing import Any

import numpy as np

from polyhedra.arrays import Floats, Integers
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown, shown_path

_MAX_BYTES = 100 * 2**20
_MAX_POINTS, _MAX_NUMBERS = 1_000_000, 5_000_000  # of a text
_MAX_LINE = 1_000_000  # characters in which the sign between columns is looked for
_MAX_CLASSES = 12
DATA_ENDINGS = (".csv", ".txt", ".tsv", ".npy", ".npz")


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Points, and what is known about them.

    Attributes
    ----------
    points : float array of shape (points, n)
    labels : integer array of shape (points,) or None
        The number of each point's class.
    classes : tuple of str
        The names of the classes; empty without labels.
    target : float array of shape (points,) or None
        The value of each point, where it is no class.
    order : tuple of str
        Which class each output stands for, as the user says; empty where nothing is said.
    """

    points: Floats
    labels: Integers | None = None
    classes: tuple[str, ...] = ()
    target: Floats | None = None
    order: tuple[str, ...] = ()

    def require_inputs(self, dim: int) -> None:
        """Refuse points of another dimension than the picture's."""
        if self.points.shape[1] != dim:
            raise UsageError(
                f"the data has {counted(self.points.shape[1], 'input')} a point, the picture {dim}; give "
                f"{counted(dim, 'column')} of "
                "inputs and perhaps one of classes or values"
            )

    def outputs(self, count: int) -> tuple[int, ...] | None:
        """For each class the output that stands for it, of so many outputs (of one: 0 where it is <= 0, else 1).

        Where the user has not said, whole numbers from 0 stand for the outputs of these numbers (of one output -1 and
        1 for its sign); names stand for none, since their order in the alphabet says nothing.

        Raises
        ------
        UsageError
            The names that the user gave are not those of the data, or not one for each output.
        """
        most = max(count, 2)
        if self.order:
            if len(self.order) != most or len(set(self.order)) != most:
                raise UsageError(
                    f"{most} different names of classes are needed, in the order of the outputs, not {len(self.order)}"
                    + (" (for one output: where it is <= 0, and where it is > 0)" if count == 1 else "")
                )
            if missing := [name for name in self.classes if name not in self.order]:
                raise UsageError(f"the data has the class {quoted(missing[0])}, which is none of those named")
            return tuple(map(self.order.index, self.classes))
        if self.target is None or not self.classes:
            return None
        numbers = [int(name) for name in self.classes]
        if count == 1 and set(numbers) <= {-1, 1}:
            return tuple(int(number > 0) for number in numbers)
        return tuple(numbers) if all(0 <= number < most for number in numbers) else None


def as_data(source: Any, dim: int, classes: Sequence[str] | None = None) -> Data | None:
    """Data from a path, an array, a pair (points, classes or values), or `Data`.

    A file (.csv, .tsv, .txt, .npy, or .npz with arrays X and y) has a point a row: the inputs, and perhaps a last
    column with its class or value.  A header row is skipped.

    Parameters
    ----------
    source : path, array, pair, Data or None
    dim : int
        The number of inputs.
    classes : sequence of str, optional
        The names of the classes in the order of the outputs.

    Raises
    ------
    UsageError
        It cannot be read as points with ``dim`` inputs.
    """
    if isinstance(classes, str):
        raise UsageError("the names of the classes are a list, one for each output")
    if source is None:
        return None
    if isinstance(source, Data):
        return source if classes is None else replace(source, order=tuple(map(str, classes)))
    if isinstance(source, (str, PathLike)):
        data = _read(fspath(source), dim)
    elif isinstance(source, tuple) and len(source) == 2:
        data = _with_target(_table(source[0], "the data"), list(np.asarray(source[1]).ravel().tolist()), "the data")
    else:
        data = _split(_table(source, "the data"), dim, "the data")
    data.require_inputs(dim)
    return data if classes is None else replace(data, order=tuple(map(str, classes)))


def _read(name: str, dim: int) -> Data:
    from nn_bridge.readers.files import read_bytes

    ending = name[name.rfind(".") :].lower()
    if ending not in DATA_ENDINGS:
        raise UsageError(f"{shown_path(name)}: data is read from {', '.join(DATA_ENDINGS)}")
    content = read_bytes(name, _MAX_BYTES, "data")
    name = shown_path(name)
    if ending in (".npy", ".npz"):
        return _read_numpy(content, name, dim)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name}: is no text; save the data as .csv") from None
    first = text[:_MAX_LINE].lstrip().split("\n")[0]
    lines = io.StringIO(text, newline="")
    separator = "\t" if "\t" in first else ";" if ";" in first else "," if "," in first else " "
    rows, numbers = [], 0
    try:
        for row in csv.reader(lines, delimiter=separator, skipinitialspace=True):
            if any(map(str.strip, row)):
                rows.append(row)
                numbers += len(row)
            if numbers > _MAX_NUMBERS or len(rows) > _MAX_POINTS:
                raise UsageError(
                    f"{name}: has more than {_MAX_POINTS:,} points or {_MAX_NUMBERS:,} numbers; take a part of them"
                )
    except csv.Error as error:
        raise UsageError(f"{name}: is no table: {shown(error)}; save the data as .csv") from None
    if rows and not _is_number(rows[0][0]):
        rows = rows[1:]
    if not rows:
        raise UsageError(f"{name}: holds no points")
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise UsageError(
                f"{name}: row {number} has {counted(len(row), 'entry', 'entries')}, the first has {len(rows[0])}"
            )
    if len(rows[0]) not in (dim, dim + 1):
        raise UsageError(
            f"{name}: has {counted(len(rows[0]), 'column')}; {counted(dim, 'input')} and perhaps one class or "
            "value are needed"
        )
    points = _table([row[:dim] for row in rows], name)
    return _with_target(points, [row[dim].strip() for row in rows], name) if len(rows[0]) > dim else Data(points)


def _read_numpy(content: bytes, name: str, dim: int) -> Data:
    try:
        with io.BytesIO(content) as stream:
            if zipfile.is_zipfile(stream):
                with zipfile.ZipFile(stream) as archive:
                    inflated = sum(member.file_size for member in archive.infolist())
                if inflated > _MAX_BYTES:
                    raise UsageError(
                        f"{name}: holds {inflated:,} bytes, more than the {_MAX_BYTES:,} that data may have"
                    )
            stream.seek(0)
            found = np.load(stream, allow_pickle=False)
            if not isinstance(found, np.ndarray):
                if "X" not in found:
                    raise UsageError(f"{name}: has no array X; save X (points, inputs) and perhaps y")
                points = _table(found["X"], name)
                return _with_target(points, found["y"].ravel().tolist(), name) if "y" in found else Data(points)
    except PuiseuxError:
        raise
    except Exception as error:
        raise UsageError(f"{name}: is no array file that can be read: {shown(error)}") from None
    return _split(_table(found, name), dim, name)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _table(rows: Any, name: str) -> Floats:
    try:
        table = np.asarray(rows, dtype=float)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name}: holds something that is no number: {shown(error)}") from None
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or not table.size:
        raise UsageError(f"{name}: must have a row for each point, and has the shape {table.shape}")
    if not np.isfinite(table).all():
        raise UsageError(f"{name}: row {int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])} is not finite")
    return table


def _split(table: Floats, dim: int, name: str) -> Data:
    if table.shape[1] == dim + 1:
        return _with_target(table[:, :dim], table[:, dim].tolist(), name)
    return Data(table)


def _with_target(points: Floats, target: Sequence[Any], name: str) -> Data:
    """Classes where the last column is text or a few whole numbers, else values."""
    if len(target) != len(points):
        raise UsageError(f"{name}: {counted(len(points), 'point')} but classes or values for {len(target)}")
    numbers = [float(value) for value in target if _is_number(str(value))]
    if len(numbers) == len(target):
        values = np.array(numbers)
        distinct = np.unique(values)
        if len(distinct) > _MAX_CLASSES or (distinct % 1).any():
            return Data(points, target=values)
        names, labels = np.unique(values, return_inverse=True)
        return Data(points, labels, tuple(f"{value:g}" for value in names.tolist()), values)
    names, labels = np.unique(np.array([str(value) for value in target]), return_inverse=True)
    if len(names) > _MAX_CLASSES:
        raise UsageError(
            f"{name}: has {counted(len(names), 'class', 'classes')}; a picture shows at most {_MAX_CLASSES}"
        )
    return Data(points, labels, tuple(names.tolist()))
