"""Networks whose cells are cut by a level of an output too, or by differences of two outputs.

The level or the differences become units of one more stage, so that every sign of theirs is part of the sign vector of
a face; degenerate levels (flat pieces at the level) need no care.
"""

from __future__ import annotations

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import AffineStage, Network, Row
from nn_bridge.network.sparse_row import Matrix, entries, row_of
from polyhedra.scalars import ZERO


def with_level(network: Network, output: int, level: fmpq) -> Network:
    """The network with one more stage: the unit ``f_output - level``.

    Examples
    --------
    >>> net = Network.from_layers([[[1]], [[1]]])
    >>> with_level(net, 0, fmpq(2)).preactivations([5])[1]
    (3,)
    """
    chosen = network.select_outputs([output]).output
    return _with_stage(network, AffineStage(chosen.blocks, (chosen.bias[0] - level,)))


def with_differences(network: Network, output: int) -> Network:
    """The network with one more stage: the units ``f_output - f_k`` for all other outputs ``k``, in their order.

    Raises
    ------
    NetworkError
        There is no such output, or no other one.
    """
    if network.output_dim < 2:
        raise NetworkError("the network has one output; classes need two or more")
    network.select_outputs([output])  # names an output that is not there
    others = [k for k in range(network.output_dim) if k != output]
    stage = network.output
    blocks = tuple((source, tuple(_less(matrix[output], matrix[k]) for k in others)) for source, matrix in stage.blocks)
    return _with_stage(network, AffineStage(blocks, tuple(stage.bias[output] - stage.bias[k] for k in others)))


def _less(one: Row, two: Row) -> Row:
    """The difference of two rows."""
    values = dict(entries(one))
    for place, value in entries(two):
        values[place] = values.get(place, ZERO) - value
    return row_of(len(one), sorted((place, value) for place, value in values.items() if value))


def _with_stage(network: Network, stage: AffineStage) -> Network:
    """The network with a stage behind its last one; the outputs stay."""
    blocks: tuple[tuple[int, Matrix], ...] = network.output.blocks
    return Network(network.input_dim, (*network.stages, stage), AffineStage(blocks, network.output.bias))


__all__ = ["with_differences", "with_level"]
