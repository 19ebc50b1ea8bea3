"""Networks whose cells are cut by levels of outputs or of a hidden unit too, or by differences of two outputs.

The levels or differences become units of one more stage, so that every sign of theirs is part of the sign vector of
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


def with_levels(network: Network) -> Network:
    """The network with one more stage: the units ``f_k`` for all outputs ``k``.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [2]]])
    >>> with_levels(net).preactivations([5])[0]
    (5, 10)
    """
    return _with_stage(network, network.output)


def with_unit_level(network: Network, stage: int, unit: int, level: fmpq) -> Network:
    """The network with one more stage: a hidden unit's affine function before its ReLU, less the level.

    Parameters
    ----------
    network : Network
    stage, unit : int
        Both from 0.
    level : fmpq

    Raises
    ------
    NetworkError
        There is no such unit.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [3]], [[1, 1]]])
    >>> with_unit_level(net, 0, 1, fmpq(2)).preactivations([5])[1]
    (13,)
    """
    if not 0 <= stage < len(network.stages):
        there = f"stages 0..{len(network.stages) - 1}" if network.stages else "none"
        raise NetworkError(f"there is no hidden stage {stage}; the network has {there}")
    chosen = network.stages[stage]
    if not 0 <= unit < chosen.units:
        raise NetworkError(f"there is no unit {unit} in stage {stage}; it has units 0..{chosen.units - 1}")
    blocks = tuple((source, (matrix[unit],)) for source, matrix in chosen.blocks)
    return _with_stage(network, AffineStage(blocks, (chosen.bias[unit] - level,)))


def with_all_differences(network: Network) -> Network:
    """The network with one more stage: the units ``f_i - f_k`` for all pairs ``i < k`` of outputs, in their order.

    Raises
    ------
    NetworkError
        There is one output only.
    """
    _require_several(network)
    pairs = [(i, k) for i in range(network.output_dim) for k in range(i + 1, network.output_dim)]
    return _with_stage(network, _differences(network, pairs))


def first_stages(network: Network, count: int) -> Network:
    """The network of the first stages alone, with one output that is 0: its cells are those before the next stage.

    Examples
    --------
    >>> net = Network.from_layers([[[1]], [[1]], [[1]]])
    >>> first_stages(net, 1).hidden
    (1,)
    """
    return Network(network.input_dim, network.stages[:count], AffineStage((), (ZERO,)))


def with_differences(network: Network, output: int) -> Network:
    """The network with one more stage: the units ``f_output - f_k`` for all other outputs ``k``, in their order.

    Raises
    ------
    NetworkError
        There is no such output, or no other one.
    """
    _require_several(network)
    network.select_outputs([output])  # names an output that is not there
    return _with_stage(network, _differences(network, [(output, k) for k in range(network.output_dim) if k != output]))


def _require_several(network: Network) -> None:
    if network.output_dim < 2:
        raise NetworkError("the network has one output; classes need two or more")


def _differences(network: Network, pairs: list[tuple[int, int]]) -> AffineStage:
    """The differences of pairs of outputs."""
    stage = network.output
    blocks = tuple((source, tuple(_less(matrix[i], matrix[k]) for i, k in pairs)) for source, matrix in stage.blocks)
    return AffineStage(blocks, tuple(stage.bias[i] - stage.bias[k] for i, k in pairs))


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


__all__ = [
    "first_stages",
    "with_all_differences",
    "with_differences",
    "with_level",
    "with_levels",
    "with_unit_level",
]
