"""Write the results of a study into a folder: its trials as tables, its summary, its figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Any

from nn_bridge.writers.files import write_bytes
from polyhedra.errors import UnwritableError
from polyhedra.quoting import shown_path
from puiseux.studies.runner import StudyResult
from puiseux.studies.study import Trial

FIGURES = ("figure.png", "figure.svg")


def save_result(result: StudyResult, folder: str | PathLike[str]) -> list[Path]:
    """Write the trials, the summary and the figure of a result; returns the files.

    ``trials.csv`` (lists as JSON), ``trials.parquet`` where pyarrow is installed, ``summary.txt``, ``summary.json``,
    ``figure.png`` and ``figure.svg``.  Files of these names are replaced.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableError(f"{shown_path(target)}: cannot be made: {error.strerror or error}") from None
    written = []

    def put(name: str, content: bytes) -> None:
        write_bytes(target / name, content)
        written.append(target / name)

    put("trials.csv", csv_of(result.trials).encode())
    if find_spec("pyarrow") is not None:
        put("trials.parquet", _parquet_of(result.trials))
    put("summary.txt", f"{result.study.title}\n{result.study.source}\n\n{result.summary.to_text()}\n".encode())
    put("summary.json", (json.dumps(result.to_json(), indent=1) + "\n").encode())
    if result.trials and find_spec("matplotlib") is not None:
        figure = result.draw()
        for name in FIGURES:
            stream = io.BytesIO()
            figure.savefig(stream, format=Path(name).suffix[1:], dpi=150)
            put(name, stream.getvalue())
    return written


def rows_of(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """One flat row a trial: parameters, what came out, seconds; all rows with the same columns."""
    rows = [{**trial.parameters, **trial.record, "seconds": trial.seconds} for trial in trials]
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: row.get(name) for name in columns} for row in rows]


def csv_of(trials: Sequence[Trial]) -> str:
    """The trials as CSV with a header; lists are written as JSON.

    Examples
    --------
    >>> print(csv_of([Trial({"hidden": [2]}, {"cells": 4}, 0.5)]), end="")
    hidden,cells,seconds
    [2],4,0.5
    """
    rows = rows_of(trials)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow([json.dumps(v) if isinstance(v, (list, dict)) else v for v in row.values()])
    return stream.getvalue()


def _parquet_of(trials: Sequence[Trial]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    # what Parquet has no column type for (lists of unlike things) goes in as JSON
    columns: dict[str, Any] = {}
    rows = rows_of(trials)
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        try:
            columns[name] = pyarrow.array(values)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
            columns[name] = pyarrow.array([json.dumps(value) for value in values])
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()
