"""Cells into a Parquet file, batch by batch, exactly: rationals are written as text.

Columns:

* ``pattern``: string, one digit per unit and a bar between stages, ``"0110|01"``;
* ``affine_map``: for each output the list ``[a_1, .., a_n, b]`` of rationals;
* ``interior_point``: list of rationals;
* ``bounded``: bool;
* ``facets``: list of (stage, unit), from 0; stage -1 is a wall of the domain.

The file's metadata name the format, its version and the network's digest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import Any

from nn_bridge.cells.cell import Cell
from nn_bridge.writers.files import unfinished
from polyhedra.errors import MissingExtraError
from polyhedra.scalars import to_text

FORMAT, VERSION = "puiseux-cells", 1


def write_parquet(cells: Iterable[Cell], path: str | os.PathLike[str], *, batch: int = 4096) -> int:
    """Write cells to a Parquet file as they come; returns their number.

    Parameters
    ----------
    cells : iterable of Cell
    path : path
        Replaced when it exists; it appears only when all cells are written.
    batch : int
        Cells held in memory at a time.

    Raises
    ------
    MissingExtraError
        pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("writing Parquet files", "parquet") from None
    schema = pyarrow.schema(
        [
            ("pattern", pyarrow.string()),
            ("affine_map", pyarrow.list_(pyarrow.list_(pyarrow.string()))),
            ("interior_point", pyarrow.list_(pyarrow.string())),
            ("bounded", pyarrow.bool_()),
            ("facets", pyarrow.list_(pyarrow.struct([("stage", pyarrow.int32()), ("unit", pyarrow.int32())]))),
        ],
        metadata={"format": FORMAT, "version": str(VERSION)},
    )
    source = iter(cells)
    written = 0
    with unfinished(path) as place:
        first = list(islice(source, batch))
        if first:
            schema = schema.with_metadata({**schema.metadata, b"network": first[0].network.digest().encode()})
        with pyarrow.parquet.ParquetWriter(place, schema) as writer:
            rows = first
            while rows:
                writer.write_table(pyarrow.Table.from_pylist([_row(cell) for cell in rows], schema))
                written += len(rows)
                rows = list(islice(source, batch))
    return written


def _row(cell: Cell) -> dict[str, Any]:
    affine = cell.affine_map
    facets = []
    for facet in cell.facets:
        stage, unit = facet.units[0] if facet.units else (-1, facet.walls[0])
        facets.append({"stage": stage, "unit": unit})
    return {
        "pattern": cell.pattern_text,
        "affine_map": [
            [to_text(v) for v in (*row, shift)] for row, shift in zip(affine.matrix, affine.offset, strict=True)
        ],
        "interior_point": [to_text(v) for v in cell.interior_point],
        "bounded": cell.bounded,
        "facets": facets,
    }
