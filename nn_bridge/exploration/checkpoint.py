"""`ExplorationRecord`: the cells that a walk has expanded, in a folder from which it goes on after being killed.

A record for each cell has its facets and the cells beyond them.  A walk that begins anew takes these in place of linear
programs, so that it soon is where it was, in whatever order it goes.
"""

from __future__ import annotations

import json
import os
import zlib
from types import TracebackType
from typing import Any

from flint import fmpq

from nn_bridge.cells.counting.checkpoint import Checkpoint
from nn_bridge.cells.counting.identity import identity_of
from nn_bridge.exploration.local_cell import CellFacts, LocalCells
from polyhedra.scalars import to_text

_MOST_TEXT = 1 << 28


class ExplorationRecord:
    """The facts about cells, in memory and in a folder; a context manager.

    Parameters
    ----------
    folder : path
        Made where it does not exist.
    home : LocalCells
        The network and domain; the folder of others is refused.

    Raises
    ------
    CheckpointError
        The folder holds something else, belongs to another network, domain or question, is damaged, or is in use.
    """

    def __init__(self, folder: str | os.PathLike[str], home: LocalCells) -> None:
        self._hidden = home.network.hidden
        self._walls = len(home.forms.walls)
        self._checkpoint = Checkpoint(folder, identity_of(home.network, home.domain, "exploration", None))
        try:
            self._known = dict(self._checkpoint.contents(self._parse))
        except BaseException:
            self._checkpoint.__exit__(None, None, None)
            raise

    def __enter__(self) -> ExplorationRecord:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._checkpoint.__exit__(kind, value, at)

    def __len__(self) -> int:
        return len(self._known)

    def get(self, active: tuple[int, ...]) -> CellFacts | None:
        """The facts of a cell, if they are known."""
        return self._known.get(active)

    def add(self, active: tuple[int, ...], facts: CellFacts) -> None:
        """Keep the facts of a cell; when this returns they are on disk."""
        self._known[active] = facts
        content = {
            "cell": active,
            "facets": facts.facets,
            "beyond": facts.beyond,
            "bounded": facts.bounded,
            "point": None if facts.point is None else [to_text(value) for value in facts.point],
        }
        text = json.dumps(content, separators=(",", ":")).encode()
        self._checkpoint.append_bytes(zlib.compress(text, 1))

    def _parse(self, content: bytes) -> tuple[tuple[int, ...], CellFacts]:
        """A record as it was written; anything else raises ValueError, LookupError or TypeError."""
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(content, _MOST_TEXT)
        if not unpacking.eof:
            raise ValueError("the record is cut off, or too long")
        found = json.loads(text)
        facets = tuple((self._whole(stage, -1), self._whole(number)) for stage, number in found["facets"])
        for stage, number in facets:
            if stage >= len(self._hidden) or number >= (self._walls if stage < 0 else self._hidden[stage]):
                raise ValueError("a facet of another network")
        beyond = tuple(None if cell is None else self._cell(cell) for cell in found["beyond"])
        if len(beyond) != len(facets) or found["bounded"] not in (None, False, True):
            raise ValueError("no facts about a cell")
        point = None if found["point"] is None else tuple(_exact(value) for value in found["point"])
        return self._cell(found["cell"]), CellFacts(facets, beyond, found["bounded"], point)

    def _cell(self, active: Any) -> tuple[int, ...]:
        bits = tuple(map(self._whole, active))
        if len(bits) != len(self._hidden) or any(b >> size for b, size in zip(bits, self._hidden, strict=True)):
            raise ValueError("a cell of another network")
        return bits

    @staticmethod
    def _whole(value: Any, least: int = 0) -> int:
        if type(value) is not int or value < least:
            raise ValueError("a number that is no count")
        return value


def _exact(text: Any) -> fmpq:
    top, _, bottom = str(text).partition("/")
    return fmpq(int(top), int(bottom or 1))


__all__ = ["ExplorationRecord"]
