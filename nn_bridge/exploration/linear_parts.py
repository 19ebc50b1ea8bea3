"""`LinearParts`: derivatives of all units along directions on one cell, in float64 with rigorous error bounds.

On a cell the network is affine, so a unit's derivative along a direction is a sum of products of weights.  Weights are
sparse float64 matrices, which cost what the entries cost that are not zero.  The error bounds are those of
`nn_bridge.network.float_values`: a sum of ``k`` products errs by at most ``(k + 4) u`` times the sum of the absolute
values, beside what its inputs bring along, and below the range of floats by less than 2**-1074 for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from flint import fmpq
from scipy import sparse

from nn_bridge.exploration.unit_forms import Form
from nn_bridge.network.network import Network
from nn_bridge.network.sparse_row import entries
from polyhedra.arrays import Flags, Floats
from polyhedra.rounding import UNIT_ROUNDOFF
from polyhedra.scalars import to_float


class _Block(NamedTuple):
    """Weights on one source, their absolute values, and the most entries of a row."""

    source: int
    weights: sparse.csr_array
    sizes: sparse.csr_array
    longest: int


class LinearParts:
    """The weights of the hidden stages of a network, and the rows of the walls of a domain.

    Parameters
    ----------
    network : Network
    walls : sequence of Form
        Of the rows ``a . x <= b`` the slacks ``b - a . x``: they count as units after the last stage.

    Examples
    --------
    >>> bent = Network.from_layers([[[1, 2], [3, 0]], [[1, 1]], [[1]]])
    >>> values, errors = LinearParts(bent).speeds([np.array([True, False]), np.array([True])], np.array([[1.0, 1.0]]))
    >>> values.T.tolist(), bool(errors.max() < 1e-14)
    ([[3.0, 3.0, 3.0]], True)
    """

    def __init__(self, network: Network, walls: Sequence[Form] = ()) -> None:
        self.input_dim = network.input_dim
        self.count = sum(network.hidden) + len(walls)
        self._sizes = network.hidden
        self._stages = [
            [_block(source, map(entries, matrix), (len(matrix), len(matrix[0]))) for source, matrix in stage.blocks]
            for stage in network.stages
        ]
        self._walls = _block(0, (wall.slope.items() for wall in walls), (len(walls), network.input_dim))

    def gradients(self, active: Sequence[Flags]) -> sparse.csr_array:
        """The gradients of all units and walls on the cell of a pattern, about, a row each."""
        sources: list[sparse.csr_array] = []
        found = []
        for blocks, on in zip(self._stages, active, strict=True):
            total = sparse.csr_array((len(on), self.input_dim))
            for block in blocks:
                total = total + (block.weights if block.source == 0 else block.weights @ sources[block.source - 1])
            found.append(total)
            sources.append(sparse.csr_array(sparse.diags_array(on.astype(float)) @ total))
        return sparse.csr_array(sparse.vstack([*found, self._walls.weights], format="csr"))

    def speeds(self, active: Sequence[Flags], directions: Floats) -> tuple[Floats, Floats]:
        """The derivatives of all units and walls on the cell of a pattern, and bounds of their errors.

        Parameters
        ----------
        active : sequence of bool arrays, one a stage
        directions : float array of shape (directions, n)
            Exact as they are.

        Returns
        -------
        values, errors : float arrays of shape (units and walls, directions)
            Not finite where floats cannot hold them.
        """
        known = [(np.ascontiguousarray(directions.T), np.zeros((self.input_dim, 1)))]
        values, errors = [], []
        for blocks, on in zip([*self._stages, [self._walls]], [*active, None], strict=True):
            value, error = self._stage(blocks, known, self._walls.weights.shape[0] if on is None else len(on))
            values.append(value)
            errors.append(error)
            if on is not None:
                known.append((np.where(on[:, None], value, 0.0), np.where(on[:, None], error, 0.0)))
        return np.concatenate(values), np.concatenate(errors)

    def _stage(self, blocks: Sequence[_Block], known: list[tuple[Floats, Floats]], units: int) -> tuple[Floats, Floats]:
        count = known[0][0].shape[1]
        value, size, carried = (np.zeros((units, count)) for _ in range(3))
        tiny, terms = np.ones((1, count)), 5
        with np.errstate(all="ignore"):  # what is not finite proves nothing
            for source, weights, sizes, longest in blocks:
                below, bound = known[source]
                value += weights @ below
                size += sizes @ np.abs(below)
                carried += sizes @ bound
                tiny += (np.abs(below) + bound).sum(axis=0)
                terms += longest
            return value, 1.0001 * (carried + terms * UNIT_ROUNDOFF * size) + 1e-300 * tiny


def flags_of(active: Sequence[int], sizes: Sequence[int]) -> list[Flags]:
    """The pattern as an array of bool for each stage."""
    return [
        np.array([bits >> i & 1 for i in range(size)], dtype=bool) for bits, size in zip(active, sizes, strict=True)
    ]


def _block(source: int, rows: Iterable[Iterable[tuple[int, fmpq]]], shape: tuple[int, int]) -> _Block:
    starts, columns, values = [0], list[int](), list[float]()
    for row in rows:
        for column, value in row:
            columns.append(column)
            values.append(to_float(value))
        starts.append(len(columns))
    weights = sparse.csr_array((np.array(values, dtype=float), np.array(columns, dtype=np.int64), starts), shape=shape)
    return _Block(source, weights, abs(weights), int(np.diff(starts).max(initial=0)))


__all__ = ["LinearParts", "flags_of"]
