"""The activation patterns of data: which samples a unit can be active on, by the exact cell engine."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError


def patterns_of_rows(rows: Any, limit: int | None = None, deadline: float | None = None) -> set[tuple[bool, ...]]:
    """The patterns [r . u > 0] of rows r on the full-dimensional cells of u; a row of zeros is never active.

    Parameters
    ----------
    rows : sequence of rows
    limit : int, optional
        More patterns than this are refused.
    deadline : float, optional
        A value of ``time.monotonic`` from which on the search ends.

    Raises
    ------
    FormulationError
        There are more patterns, or the deadline has passed.

    Examples
    --------
    >>> sorted(patterns_of_rows([(1, 0), (-1, 0), (0, 0)]))
    [(False, True, False), (True, False, False)]
    """
    from nn_bridge.cells.plain_tree import leaf_tree
    from nn_bridge.cells.problem import cell_problem
    from nn_bridge.cells.tree import PATTERNS

    if not any(any(row) for row in rows):
        return {(False,) * len(rows)}
    problem = cell_problem(Network.from_layers([rows, np.zeros((1, len(rows)))]))
    assert problem is not None
    found: set[tuple[bool, ...]] = set()
    for leaves in leaf_tree(problem, PATTERNS).run():
        bits = np.unpackbits(leaves.patterns.view(np.uint8), axis=1, bitorder="little")[:, : len(rows)]
        found.update(tuple(map(bool, row)) for row in bits.tolist())
        if limit is not None and len(found) > limit:
            raise FormulationError(
                f"the data have more than {limit} activation patterns: use fewer samples or fewer features"
            )
        if deadline is not None and time.monotonic() > deadline:
            raise FormulationError(
                f"the time limit was reached at {len(found)} activation patterns: raise it, or use fewer samples"
            )
    return found
