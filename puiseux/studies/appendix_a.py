"""Appendix A of Lezeau et al. (2024): a network with the published numbers of maps and regions, found by its seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nn_bridge.cells.complex import cell_complex
from nn_bridge.convexity.regions import convex_regions
from nn_bridge.network.network import Network
from puiseux.random_networks import random_network

SHAPE = [2, 3, 3, 1]
SEED = 11456
"""A seed whose network has the published numbers."""
BITS = 4
PUBLISHED = {"affine maps": 13, "regions": 14, "unbounded": 6, "not convex": 1}
"""Two regions share a map: there is one map less than regions."""


def network_of_seed(seed: int) -> Network:
    """[2, 3, 3, 1] in the published setting (a ReLU on the output, standard deviation 1), rounded to sixteenths."""
    return random_network(SHAPE, rng=seed, init="he-input", relu_on_output=True).round(BITS)


def numbers_of(network: Network) -> dict[str, int]:
    """How many maps and regions there are, how many regions are unbounded and how many not convex.

    Examples
    --------
    >>> numbers_of(network_of_seed(SEED)) == PUBLISHED
    True
    """
    found = cell_complex(network)
    return {
        "affine maps": found.affine_map_count,
        "regions": found.region_count,
        "unbounded": len(set(found.regions[~found.bounded].tolist())),
        "not convex": sum(len(region.pieces) > 1 for region in convex_regions(network, cuts=0)),
    }


def search(seeds: Iterable[int]) -> Iterator[int]:
    """The seeds whose networks have the published numbers; about one in ten thousand.

    Examples
    --------
    >>> list(search([SEED - 1, SEED]))
    [11456]
    """
    for seed in seeds:
        network = network_of_seed(seed)
        found = cell_complex(network)
        counts = {"affine maps": found.affine_map_count, "regions": found.region_count}
        if counts.items() <= PUBLISHED.items() and numbers_of(network) == PUBLISHED:
            yield seed


__all__ = ["PUBLISHED", "SEED", "SHAPE", "network_of_seed", "numbers_of", "search"]
