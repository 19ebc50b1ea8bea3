"""The regions of a network as a table: records to iterate over, the same numbers by columns, pandas, notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, overload

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted
from polyhedra.values import frame, html_table

if TYPE_CHECKING:
    import pandas

    from nn_bridge.cells.statistics import RegionStatistics

_MOST_ROWS = 20  # of the table in a notebook

COLUMNS: dict[str, Callable[[RegionStatistics], Any]] = {
    "cells": lambda region: region.polyhedra,
    "bounded": lambda region: region.bounded,
    "volume": lambda region: region.volume,
    "inradius": lambda region: None if region.inradius is None else region.inradius[0],
    "facets": lambda region: region.facets,
    "vertices": lambda region: len(region.vertices),
    "edges": lambda region: len(region.edges),
    "neighbours": lambda region: region.neighbours,
    "affine_map": lambda region: region.affine_map,
    "data": lambda region: None if region.data is None else len(region.data),
    "distance": lambda region: region.distance,
}
"""The columns and what they hold of a record; ``inradius`` is its proven lower bound, ``data`` the number of points."""


class RegionTable:
    """Regions (or cells) in numbers, found one after another as they are asked for, and then kept.

    Parameters
    ----------
    records : iterator of RegionStatistics
    by : {"regions", "cells"}
    with_data : bool
        Whether the columns ``data`` and ``distance`` are there.

    Examples
    --------
    >>> from nn_bridge.cells.statistics import region_statistics
    >>> from nn_bridge.network.network import Network
    >>> table = region_statistics(Network.from_layers([[[1], [1]], [[1, -2]]], [[0, -1], [0]]))
    >>> len(table), table["volume"], table[1].bounded, sum(region.bounded for region in table)
    (3, [None, 1, None], True, 1)
    """

    def __init__(self, records: Iterator[RegionStatistics], by: str, with_data: bool) -> None:
        self._coming = records
        self._kept: list[RegionStatistics] = []
        self._next = 0
        self.by = by
        self.columns = tuple(name for name in COLUMNS if with_data or name not in ("data", "distance"))

    def __iter__(self) -> Iterator[RegionStatistics]:
        number = 0
        while number < len(self._kept) or self._one_more():
            yield self._kept[number]
            number += 1

    def __next__(self) -> RegionStatistics:
        if self._next >= len(self._kept) and not self._one_more():
            raise StopIteration
        self._next += 1
        return self._kept[self._next - 1]

    def _one_more(self) -> bool:
        found = next(self._coming, None)
        if found is not None:
            self._kept.append(found)
        return found is not None

    def _all(self) -> list[RegionStatistics]:
        while self._one_more():
            continue
        return self._kept

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, key: int) -> RegionStatistics: ...

    @overload
    def __getitem__(self, key: slice | str) -> list[Any]: ...

    def __getitem__(self, key: int | slice | str) -> Any:
        """A record by its number, several by a slice, or a column by its name."""
        if not isinstance(key, str):
            return self._all()[key]
        if key not in self.columns:
            raise UsageError(f"there is no column {quoted(key)}; the columns are {', '.join(self.columns)}")
        return [COLUMNS[key](record) for record in self._all()]

    def to_dict(self) -> dict[str, list[Any]]:
        """The columns by name; exact numbers as they are."""
        return {name: self[name] for name in self.columns}

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas frame, a row for each region; exact numbers become float64.

        Raises
        ------
        MissingExtraError
            pandas is not installed.
        """
        return frame({name: self[name] for name in self.columns if name != "affine_map"})

    def __repr__(self) -> str:
        first = f"{len(self._kept):,} {self.by} found so far" if self._kept else f"{self.by} to iterate over"
        return f"<RegionTable: {first}, len(..) counts all; columns {', '.join(self.columns[:4])}, ..>"

    def _repr_html_(self) -> str:
        names = [name for name in self.columns if name != "affine_map"]
        records = self._all()
        rows = [
            (number, *(COLUMNS[name](record) for name in names)) for number, record in enumerate(records[:_MOST_ROWS])
        ]
        cut = f", the first {_MOST_ROWS}" if len(records) > _MOST_ROWS else ""
        return html_table(rows, ("", *names), caption=f"{len(records):,} {self.by}{cut}")


__all__ = ["COLUMNS", "RegionTable"]
