"""Rows and matrices of exact weights: conversion from numbers of users, products, texts, float64 values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq, fmpq_mat

from nn_bridge.errors import NetworkError
from nn_bridge.network.sparse_row import Matrix, Row, SparseRow, entries, row_of
from polyhedra.errors import GeometryError
from polyhedra.scalars import ZERO, rational, to_float, to_text

if TYPE_CHECKING:
    from nn_bridge.network.network import Network


def row_text(row: Row) -> bytes:
    """The JSON text of a row of exact numbers, each as a string."""
    if not isinstance(row, SparseRow):
        return json.dumps([to_text(v) for v in row], separators=(",", ":")).encode()
    parts, last = [], 0
    for column, value in entries(row):
        parts += ['"0",' * (column - last), f'"{to_text(value)}",']
        last = column + 1
    parts.append('"0",' * (row.size - last))
    return f"[{''.join(parts)[:-1]}]".encode()


def digest(network: Network) -> str:
    """The SHA-256 of the JSON text of ``network.normal_form()``, a row at a time."""
    text = hashlib.sha256()
    text.update(f'["puiseux-network",1,{network.input_dim},['.encode())
    for number, stage in enumerate((*network.stages, network.output)):
        text.update(b"" if number in (0, len(network.stages)) else b",")
        text.update(b"[[" if number < len(network.stages) else b"],[[")
        for k, (source, matrix) in enumerate(stage.blocks):
            text.update(f"{',' if k else ''}[{source},[".encode())
            for i, row in enumerate(matrix):
                text.update(b"," * bool(i) + row_text(row))
            text.update(b"]]")
        text.update(b"]," + row_text(stage.bias) + b"]")
    text.update(b"]")
    return text.hexdigest()


def product(matrix: Matrix, columns: Matrix) -> Matrix:
    """The product of two matrices, by entries where rows are sparse."""
    if not any(isinstance(row, SparseRow) for row in matrix):
        product = fmpq_mat([list(row) for row in matrix]) * fmpq_mat([list(row) for row in columns])
        return tuple(map(tuple, product.tolist()))
    width = range(len(columns[0]))
    return tuple(tuple(sum((w * columns[j][k] for j, w in entries(row)), ZERO) for k in width) for row in matrix)


def float_matrix(matrix: Matrix) -> np.ndarray:
    """The nearest float64 matrix."""
    result = np.zeros((len(matrix), len(matrix[0])))
    for i, row in enumerate(matrix):
        if isinstance(row, SparseRow):
            result[i, list(row.columns)] = _floats(row.values)
        else:
            result[i] = _floats(row)
    return result


def _floats(values: Sequence[fmpq]) -> list[float]:
    try:
        return list(map(float, values))
    except OverflowError:  # beyond the range of float64
        return [to_float(v) for v in values]


_FRACTIONS = re.compile(r"(?:-?[0-9]{1,300}(?:/[1-9][0-9]{0,299})?,)++")  # denominators up to 2**996
_EXACT = 2**53


def rows_of_fractions(texts: Sequence[str]) -> tuple[Row, np.ndarray | None] | None:
    """Integers and fractions of few digits, read all at once, and as doubles where each of them is one exactly.

    None where one of the texts is anything else, or a number of other spelling: those are read one by one.

    Examples
    --------
    >>> rows_of_fractions(["-3/4", "2"]), rows_of_fractions(["1/3"]), rows_of_fractions(["0.5"])
    (((-3/4, 2), array([-0.75,  2.  ])), ((1/3,), None), None)
    """
    joined = ",".join(texts)
    if joined.count(",") != len(texts) - 1 or not _FRACTIONS.fullmatch(joined + ","):
        return None
    if joined.count("/") < len(texts):
        joined = ",".join([text if "/" in text else f"{text}/1" for text in texts])
    numbers = list(map(int, joined.replace("/", ",").split(",")))
    numerators, denominators = numbers[::2], numbers[1::2]
    row = tuple(map(fmpq, numerators, denominators))
    are_doubles = not any(q & (q - 1) for q in denominators) and -_EXACT < min(numerators) <= max(numerators) < _EXACT
    return row, np.array(list(map(float, row))) if are_doubles else None


class MatrixOfDoubles(tuple[Row, ...]):
    """A matrix of exact rows that is known as an array of doubles too; the rows are those that `exact_row` makes."""

    doubles: np.ndarray


def kept_doubles(matrix: Matrix, given: Any) -> tuple[tuple[Matrix, np.ndarray], ...]:
    """The array of floats that a dense matrix was made of, or is known as, beside it; else nothing.

    Examples
    --------
    >>> [array.tolist() for _, array in kept_doubles(((ZERO,),), np.array([[0]], dtype=np.float32))]
    [[[0.0]]]
    >>> kept_doubles(((ZERO,),), [[0.0]])
    ()
    """
    given = given.doubles if isinstance(given, MatrixOfDoubles) else given
    is_float = (
        isinstance(given, np.ndarray) and given.dtype.kind == "f" and given.dtype.itemsize <= np.float64().itemsize
    )
    if not is_float or any(isinstance(row, SparseRow) for row in matrix):
        return ()
    array = np.array(given, dtype=np.float64)
    array.flags.writeable = False
    return ((matrix, array),)


def exact_row(values: Any, place: str) -> Row:
    """Convert one row of numbers, naming ``place`` (layer and row) in the error."""
    if isinstance(values, (str, bytes, Mapping, Set)):
        raise NetworkError(f"{place} is a {type(values).__name__}, not a list of numbers")
    try:
        if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "iuf":
            return _row_of_array(values)
        return tuple(rational(v) for v in values)
    except (GeometryError, TypeError) as error:
        raise NetworkError(f"{place}: {error}") from None


def _row_of_array(values: np.ndarray) -> Row:
    """The exact entries of a vector, converted only where they are not zero; rows of zeros of one size are shared."""
    places = np.flatnonzero(values)
    if not len(places):
        return _zeros(len(values))
    return row_of(len(values), zip(places.tolist(), map(rational, values[places].tolist()), strict=True))


@lru_cache(maxsize=2)
def _zeros(size: int) -> Row:
    return row_of(size, ())
