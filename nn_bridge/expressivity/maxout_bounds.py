"""A bound on the number of linear regions of networks of maxout units.

It bounds regions and affine maps, not activation cells: the normal form folds a maximum of three or more into ReLU
units, which also cut where the maximum does not change.  max(0, x, y) has three regions and four cells.

Source: Montufar, Ren and Zhang 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nn_bridge.errors import NetworkError

if TYPE_CHECKING:
    from nn_bridge.network.network import Network


def maxout_upper(n: int, layers: Sequence[Sequence[int]]) -> int:
    """``prod_l sum_{j<=d_l} e_j(k_1 - 1, k_2 - 1, ..)`` for units of ranks ``k_i``.

    ``d_l = min(n_0, .., n_{l-1})``, and ``e_j`` is the elementary symmetric polynomial.  One layer attains it
    (Montufar, Ren and Zhang 2022; there, for more units than inputs, the sum is written
    ``sum_j (-1)^(n-j) C(m-1-j, n-j) e_j(k)``, the same number).  With several layers each region of the layers before
    has an affine image of dimension at most ``d_l``, on which the next one has at most its number.  ReLU and leaky
    ReLU units have rank 2.  The page on expressivity has a proof for one layer, by the nerve of the pieces' regions.

    Parameters
    ----------
    n : int
        Inputs.
    layers : sequence of sequences of int
        The ranks (numbers of pieces) of the units, layer by layer.

    Examples
    --------
    >>> maxout_upper(2, [[3]]), maxout_upper(2, [[2, 2, 2]]), maxout_upper(1, [[3, 3], [3]])
    (3, 7, 15)
    """
    result, smallest = 1, n
    for ranks in layers:
        if any(rank < 1 for rank in ranks):
            raise NetworkError("a maxout unit has at least one piece")
        symmetric = [1]
        for rank in ranks:
            raised = [0, *((rank - 1) * value for value in symmetric)]
            symmetric = [a + b for a, b in zip((*symmetric, 0), raised, strict=True)][: smallest + 1]
        result *= sum(symmetric)
        smallest = min(smallest, len(ranks))
    return result


def layer_ranks(network: Network) -> list[list[int]]:
    """The ranks of the units of each layer that a network was made from.

    Raises
    ------
    NetworkError
        The layers are not known, or one has another activation.
    """
    if network.layers is None:
        raise NetworkError("the layers that the network was made from are not known")
    result = []
    for layer in network.layers:
        kind, _, value = layer.activation.partition(":")
        if kind == "linear":
            continue
        if kind == "maxout":
            pieces = int(value)
            result.append([pieces] * (len(layer.bias) // pieces))
        elif kind in ("relu", "leaky"):
            result.append([2] * len(layer.bias))
        else:
            raise NetworkError(f"a layer has the activation {kind}, which is no maximum of affine functions")
    return result


__all__ = ["layer_ranks", "maxout_upper"]
