"""The oracles of the cross-check: the routes of the package, and other programs that count."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionOracle
from polyhedra.errors import PuiseuxError
from polyhedra.polyhedron import Polyhedron
from puiseux.cross_check.peer_oracles import RegioncamOracle, RelucentOracle
from puiseux.routes import ROUTES

_LOADED = ("cells", "tropical", "sign-vectors")

PEERS: dict[str, RegionOracle] = {"relucent": RelucentOracle(), "regioncam": RegioncamOracle()}
"""Other programs that count, asked by name where they are installed (the extra [bench])."""


def warm_up(names: Iterable[str]) -> None:
    """Load what these routes need, before they run under a time limit.

    Processes that are forked afterwards find everything ready.
    """
    generic = Network.from_layers([[[1, 2], [3, -1]], [[1, -2], [2, 1]], [[1, 1]]], [["1/3", "1/5"], ["1/7", 1], [0]])
    joined = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 0, 0]]])
    square = Polyhedron.box([-2, -2], [2, 2])
    for name in names:
        if name in _LOADED:
            with suppress(PuiseuxError):  # a route that refuses says why when it is asked in earnest
                for network in (generic, joined):
                    ROUTES[name](network, square)
                for _ in ROUTES[name].patterns(generic, square):
                    continue
