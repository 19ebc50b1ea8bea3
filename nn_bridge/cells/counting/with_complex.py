"""The four counts from a complex of all cells, for a question that needs the complex too: one enumeration for both.

A count on its own streams and keeps 8 to 100 bytes a cell (`nn_bridge.cells.counting.count`); a complex takes some
hundreds (`nn_bridge.cells.complex` says how many).
"""

from __future__ import annotations

import time
from os import PathLike

import numpy as np

from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.cells.counting.budget import Budget
from nn_bridge.cells.counting.count import CountRun, Posed, Progress
from nn_bridge.cells.counting.pool import Pool
from nn_bridge.cells.counting.subtrees import weight
from nn_bridge.cells.plain_tree import LeafTree
from nn_bridge.cells.tree import CellTree, Leaves
from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from polyhedra.polyhedron import Polyhedron


def count_with_complex(
    network: Network,
    domain: Polyhedron | None = None,
    *,
    time_limit: float | None = None,
    max_cells: int | None = None,
    progress: Progress | None = None,
    domain_text: str = "all",
) -> tuple[RegionCount, CellComplex | None]:
    """Enumerate the cells once; return the four counts and the complex that they were read from.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        Full-dimensional; all of R^n by default.
    time_limit : float, optional
        Seconds.  When a limit is reached the count ends incomplete, with lower bounds, and without a complex.
    max_cells : int, optional
        Give up when there are more cells than this.
    progress : callable, optional
        Called with the number of cells and the share of the tree done.
    domain_text : str
        The name of the domain in the result.

    Raises
    ------
    NetworkError
        The domain does not fit the network.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> count, found = count_with_complex(tent)
    >>> count.regions_by_point, found
    (3, <CellComplex: 3 cells, 4 facets, on R^1>)
    """
    begun = time.monotonic()
    with Pool() as pool:
        run = _ComplexRun(True, pool, Budget(time_limit, max_cells, None, begun), progress)
        run.run(network, domain, None)
    done = run.reason is None
    count = RegionCount(
        *run.result,
        engine="cells",
        domain=domain_text,
        exact=done,
        complete=done,
        seconds=time.monotonic() - begun,
        reason=run.reason,
    )
    return count, run.complex if done else None


class _ComplexRun(CountRun):
    """A count that builds the complex; limits end it as they end any count, with the bounds known by then."""

    complex: CellComplex | None = None

    def _run(
        self, network: Network, domain: Polyhedron | None, folder: str | PathLike[str] | None
    ) -> tuple[int, int | None, int | None, int | None]:
        with self._budget.watched(self._pool):
            self.complex = found = cell_complex(network, domain, watch=self._watch)
            by_point = int(found.regions_by_point.max()) + 1
        return found.cells, found.region_count, by_point, found.affine_map_count

    def _watch(self, tree: LeafTree, leaves: Leaves) -> None:
        if self._problem is None and isinstance(tree, CellTree) and isinstance(self._progress, Posed):
            arrays = tree.arrays
            self._progress.posed(tree.problem, lambda: arrays)
        self._problem = tree.problem
        self._tally.cells += len(leaves.patterns)
        self._tally.residues.append(np.asarray(leaves.residues))
        self._budget.check(self._tally.cells, self._pool)
        if isinstance(tree, CellTree):
            self._tally.generators = tree.most_generators
            if self._progress is not None:
                left = weight(tuple(tree.divided().rest)) / tree.problem.roots
                self._progress(self._tally.cells, 1.0 - left)


__all__ = ["count_with_complex"]
