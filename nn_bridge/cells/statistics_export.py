"""Regions or cells as a table, one row each: CSV or Parquet; exact numbers are written as text, lengths are rounded.

Columns:

* ``number``, ``polyhedra`` (cells), ``bounded``, ``facets``, ``neighbours``;
* ``volume``: a rational, empty where it is infinite; ``inradius``: rounded, empty where balls of any size fit;
* ``vertices``: their number; ``edges``: their number, ``bounded_edges`` and ``edge_length`` (total of these, rounded);
* ``edge_lengths``, ``edge_directions``, ``edge_gradients``: an entry for each edge;
* ``affine_map``: for each output ``[a_1, .., a_n, b]``; ``patterns``: of its cells, ``"0110|01"``;
* ``data`` (how many points) and ``distance`` (a rational, in the maximum norm), where points were given.

In CSV, lists are JSON.
"""

from __future__ import annotations

import codecs
import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from nn_bridge.cells.statistics import RegionStatistics
from nn_bridge.errors import NetworkError
from nn_bridge.writers.files import require_writable, unfinished, whole_file
from polyhedra.errors import MissingExtraError
from polyhedra.quoting import shown_path
from polyhedra.scalars import to_float, to_text

ENDINGS = (".csv", ".parquet")


def write_statistics(regions: Iterable[RegionStatistics], path: str | os.PathLike[str]) -> int:
    """Write regions to a ``.csv`` or ``.parquet`` file; returns their number.

    The file is replaced when it exists, and appears only when all rows are written.

    Raises
    ------
    NetworkError
        Another ending, or a place where no file can be written.
    MissingExtraError
        pyarrow is not installed (Parquet).
    """
    check_ending(path)
    rows = (row_of(region, number) for number, region in enumerate(regions))
    return (_write_csv if Path(path).suffix.lower() == ".csv" else _write_parquet)(rows, path)


def check_ending(path: str | os.PathLike[str]) -> None:
    """Refuse a file that could not be written, before any work.

    Raises
    ------
    NetworkError
        Neither .csv nor .parquet, or a place where no file can be written.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise NetworkError(f"{shown_path(path)}: a table of regions ends in {' or '.join(ENDINGS)}")
    require_writable(path)


def row_of(region: RegionStatistics, number: int) -> dict[str, Any]:
    """One region as a flat row."""
    lengths = [edge.length for edge in region.edges]
    finite = [edge.length for edge in region.edges if edge.end is not None]
    gradients = [edge.gradient for edge in region.edges]
    row: dict[str, Any] = {
        "number": number,
        "polyhedra": region.polyhedra,
        "bounded": region.bounded,
        "facets": region.facets,
        "neighbours": region.neighbours,
        "volume": None if region.volume is None else to_text(region.volume),
        "inradius": None if region.inradius is None else to_float(region.inradius[0]),
        "vertices": len(region.vertices),
        "edges": len(region.edges),
        "bounded_edges": len(finite),
        "edge_length": sum(finite),
        "edge_lengths": lengths,
        "edge_directions": [[to_text(v) for v in edge.direction] for edge in region.edges],
        "edge_gradients": [None if gradient is None else to_text(gradient) for gradient in gradients],
        "affine_map": [
            [to_text(v) for v in (*a, b)]
            for a, b in zip(region.affine_map.matrix, region.affine_map.offset, strict=True)
        ],
        "patterns": [cell.pattern_text for cell in region.cells],
    }
    if region.data is not None and region.distance is not None:
        row |= {"data": len(region.data), "distance": to_text(region.distance)}
    return row


def _write_csv(rows: Iterator[dict[str, Any]], path: str | os.PathLike[str]) -> int:
    count = 0
    with whole_file(path) as file:
        writer = csv.writer(codecs.getwriter("utf-8")(file), lineterminator="\n")
        for count, row in enumerate(rows, 1):
            if count == 1:
                writer.writerow(row)
            # JSON has no infinity: the length of an edge without end is null
            writer.writerow([json.dumps(_finite(v)) if isinstance(v, list) else v for v in row.values()])
    return count


def _finite(values: list[Any]) -> list[Any]:
    return [None if value == float("inf") else value for value in values]


def _write_parquet(rows: Iterator[dict[str, Any]], path: str | os.PathLike[str]) -> int:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("writing Parquet files", "parquet") from None
    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())
    types = {
        **dict.fromkeys(("number", "polyhedra", "facets", "neighbours", "vertices", "edges"), pyarrow.int64()),
        **dict.fromkeys(("bounded_edges", "data"), pyarrow.int64()),
        **dict.fromkeys(("inradius", "edge_length"), pyarrow.float64()),
        **dict.fromkeys(("volume", "distance"), text),
        **dict.fromkeys(("edge_gradients", "patterns"), texts),
        **dict.fromkeys(("edge_directions", "affine_map"), pyarrow.list_(texts)),
        "bounded": pyarrow.bool_(),
        "edge_lengths": pyarrow.list_(pyarrow.float64()),
    }
    listed = list(rows)
    schema = pyarrow.schema([(name, types[name]) for name in (listed[0] if listed else types)])
    with unfinished(path) as place:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(listed, schema), place)
    return len(listed)
