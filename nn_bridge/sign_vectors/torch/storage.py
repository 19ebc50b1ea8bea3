"""Growing tables of tensors within a memory limit, which also know how many bytes went through them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from nn_bridge.sign_vectors.skeleton import SMALL, OverBudget

FIRST_ROOM = 1 << 12
"""Vertices to start with room for."""
GROWTH = 4
STORED = 0.6
"""The tables' part of a limit when they are at their largest; while they grow, the smaller old ones are there too."""

Columns = dict[str, tuple[torch.dtype, tuple[int, ...]]]


class Table:
    """Columns of equal length with room ahead, written in place: rows that are not touched are never copied.

    Attributes
    ----------
    used : int
        The number of rows.
    moved : int
        Bytes read from and written to the columns so far (temporaries come on top).
    """

    def __init__(self, columns: Columns, device: torch.device) -> None:
        self.used, self.room, self.moved = 0, 0, 0
        self._columns = {
            name: torch.empty((0, *shape), dtype=kind, device=device) for name, (kind, shape) in columns.items()
        }
        self._row = {
            name: torch.Size(shape).numel() * torch.empty(0, dtype=kind).element_size()
            for name, (kind, shape) in columns.items()
        }
        self.row_bytes = sum(self._row.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def grow(self, room: int) -> None:
        """Longer columns, one after another, so that only one is there twice."""
        for name, old in self._columns.items():
            longer = torch.empty((room, *old.shape[1:]), dtype=old.dtype, device=old.device)
            longer[: self.used] = old[: self.used]
            self._columns[name] = longer
            self.moved += 2 * self.used * self._row[name]
        self.room = room

    def span(self, name: str, start: int, stop: int, columns: int | None = None) -> Tensor:
        """Rows (their first ``columns``) as a view to read or, behind ``used``, to write: counted as moved once."""
        column = self._columns[name] if columns is None else self._columns[name][:, :columns]
        rows = column[start:stop]
        self.moved += rows.numel() * rows.element_size()
        return rows

    def take(self, name: str, index: Tensor, columns: int | None = None) -> Tensor:
        """A copy of these rows (of their first ``columns``)."""
        column = self._columns[name] if columns is None else self._columns[name][:, :columns]
        taken = column.index_select(0, index)
        self.moved += taken.numel() * taken.element_size()
        return taken

    def put(self, name: str, start: int, rows: Tensor) -> None:
        """Write rows side by side."""
        self._columns[name][start : start + len(rows)] = rows
        self.moved += rows.numel() * rows.element_size()

    def put_at(self, name: str, index: Tensor, rows: Tensor, columns: int | None = None) -> None:
        """Write rows (their first ``columns``) at different places."""
        column = self._columns[name] if columns is None else self._columns[name][:, :columns]
        column.index_copy_(0, index, rows)
        self.moved += rows.numel() * rows.element_size()

    def host(self, name: str) -> Any:
        """A column as a numpy array of its own."""
        return self.span(name, 0, self.used).to("cpu", copy=True).numpy()

    def drop(self, name: str) -> None:
        """Let a column go."""
        self._columns[name] = self._columns[name][:0].clone()


class Storage:
    """The tables of vertices and of edges (private, mutable).

    Parameters
    ----------
    width, d : int
        Numbers in a vertex row; the dimension.
    edges, faces : int
        The edges of the domain; the most 2-faces around an edge.
    limit : int or None
        Bytes that tables and temporaries may take.
    """

    def __init__(self, width: int, d: int, edges: int, faces: int, limit: int | None, device: torch.device) -> None:
        self.d, self.limit, self.peak = d, limit, 0
        self.vertices = Table(
            {
                "rows": (torch.float64, (width,)),
                "steps": (torch.int32, ()),
                "bits": (torch.int64, ()),
                "words": (torch.int64, ()),
                "zeros": (torch.int16, (d,)),
                "faces": (torch.int32, ()),
            },
            device,
        )
        self.edges = Table(
            {
                "a": (torch.int32, ()),
                "b": (torch.int32, ()),
                "words": (torch.int64, ()),
                "zeros": (torch.int16, (d - 1,)),
                "steps": (torch.int16, (d - 1,)),
                "faces": (torch.int32, ()),
                "up": (torch.uint8, ()),
                "lowest": (torch.int8, ()),
            },
            device,
        )
        # a new vertex halves an edge, and ends at most one new edge in every 2-face around it
        self._first_edges, self._edges_each = edges, 1 + faces / 2

    @property
    def moved(self) -> int:
        """Bytes read from and written to the tables."""
        return self.vertices.moved + self.edges.moved

    def _bytes(self, vertices: int) -> int:
        return vertices * self.vertices.row_bytes + self._edges_for(vertices) * self.edges.row_bytes

    def _edges_for(self, vertices: int) -> int:
        return self._first_edges + int(self._edges_each * vertices) + 1

    def reserve(self, vertices: int, edges: int, temporaries: int) -> None:
        """Room for so many rows in all, beside temporaries of so many bytes.

        Raises
        ------
        OverBudget
            They do not fit the limit; nothing was allocated.
        """
        held = self._bytes(self.vertices.room)
        grown = 0
        if vertices > self.vertices.room or edges > self.edges.room:
            room = self._room(max(vertices, int((edges - self._first_edges) / self._edges_each)))
            grown = self._bytes(room)
        most = max(held + grown, (grown or held) + temporaries)
        if self.limit is not None and vertices > SMALL and most > self.limit:
            raise OverBudget
        if grown:
            self.vertices.grow(room)
            self.edges.grow(max(self._edges_for(room), edges))
        self.peak = max(self.peak, most)

    def _room(self, vertices: int) -> int:
        """How many vertices to make room for: twice as many, or a power of `GROWTH` less than the limit allows."""
        if self.limit is None:
            return max(2 * vertices, FIRST_ROOM)
        room = self._most(self.limit)
        if vertices > room:
            if vertices > SMALL:
                raise OverBudget
            return SMALL
        while room // GROWTH >= max(vertices, FIRST_ROOM):
            room //= GROWTH
        return room

    def _most(self, limit: int) -> int:
        """The most vertices that a limit allows."""
        room = STORED * limit - self._first_edges * self.edges.row_bytes
        return int(room / (self.vertices.row_bytes + self._edges_each * self.edges.row_bytes))

    def look_ahead(self, times: float) -> None:
        """Give up early where so many times the hyperplanes will hardly fit (vertices grow with a power of them)."""
        grown = int(self.vertices.used * times ** min(self.d, 3))
        if self.limit is not None and times > 1 and grown > FIRST_ROOM and grown > self._most(self.limit):
            raise OverBudget
