"""How large a network may be where zeros are written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nn_bridge.errors import NetworkError

if TYPE_CHECKING:
    from nn_bridge.network.network import Network

MAX_DENSE = 100_000_000
"""The most weights, zeros included, with which engines work (800 MB of float64 numbers)."""


def check_dense(network: Network) -> None:
    """Refuse a network before an engine writes its weights out with all zeros.

    Raises
    ------
    NetworkError
        It has more than `MAX_DENSE` of them.
    """
    stages = (*network.stages, network.output)
    count = sum(len(matrix) * len(matrix[0]) for stage in stages for _, matrix in stage.blocks)
    if count > MAX_DENSE:
        raise NetworkError(
            f"the network has {count:,} weights, zeros included, more than the {MAX_DENSE:,} that engines take; it can "
            "be evaluated and converted, and its cells counted on a slice (--counts cells, --estimate); for more "
            "take a smaller input or fewer channels"
        )


def check_forms(network: Network) -> None:
    """Refuse a network whose affine forms in the input, zeros included, have more than `MAX_DENSE` numbers.

    They are what the engine of cells works with, whatever the weights between units are.

    Raises
    ------
    NetworkError
    """
    count = (sum(network.hidden) + network.output_dim) * (network.input_dim + 1)
    if count > MAX_DENSE:
        raise NetworkError(
            f"the affine forms of all units in the input have {count:,} numbers, more than the {MAX_DENSE:,} that "
            "engines take; it can be evaluated and converted; for counts take a slice"
        )


__all__ = ["MAX_DENSE", "check_dense", "check_forms"]
