"""Other programs that count activation cells, wrapped as oracles: relucent and regioncam (the extra [bench]).

Each counts in floating point, its own way.  Where it cannot do what is asked it says so, and the cross-check goes on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from nn_bridge.network.network import INPUT, Network, Row, float_matrix
from nn_bridge.region_count import RegionCount
from polyhedra.errors import MissingExtraError, UsageError
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import to_float

Layers = list[tuple[np.ndarray, np.ndarray]]


class RelucentOracle:
    """Cells on all of R^n by relucent's local search, in one process."""

    name = "relucent"
    exact = False

    def __call__(self, network: Network, domain: Polyhedron | None) -> RegionCount:
        """Count the cells; the number is given only where relucent calls its search complete and verified."""
        begun = time.perf_counter()
        found, result = self._search(network, domain)
        reason = None
        if not result.complete:
            reason = "relucent calls its search incomplete"
        elif not result.verified:
            reason = "relucent did not verify its search"
        cells = None if reason else len(found)
        return _count(cells, self.name, "all", time.perf_counter() - begun, reason)

    def patterns(self, network: Network, domain: Polyhedron | None) -> Iterator[str]:
        """The pattern of each cell that relucent found."""
        found, _ = self._search(network, domain)
        for cell in found:
            bits = iter("1" if sign > 0 else "0" for sign in np.asarray(cell.ss_np).ravel())
            yield "|".join("".join(next(bits) for _ in range(size)) for size in network.hidden)

    def _search(self, network: Network, domain: Polyhedron | None) -> tuple[Any, Any]:
        relucent, model = _module("relucent"), _module("relucent.model.model")
        if domain is not None:
            raise UsageError("relucent counts on all of R^n only")
        layers: list[Any] = []
        for weights, bias in hidden_layers(network):
            layers += [model.LinearLayer(weights, bias), model.ReLULayer()]
        found = relucent.Complex(model.ReLUNetwork(layers))
        # its own choice, the origin, lies on hyperplanes wherever a bias is zero
        start = np.random.default_rng(0).normal(size=(1, network.input_dim))
        return found, found.bfs(start, nworkers=1, verbose=0)


class RegioncamOracle:
    """Cells in a rectangle by regioncam, in float32."""

    name = "regioncam"
    exact = False

    def __call__(self, network: Network, domain: Polyhedron | None) -> RegionCount:
        """Count the faces of the hidden layers."""
        begun = time.perf_counter()
        regioncam = _module("regioncam")
        if network.input_dim != 2:
            raise UsageError(
                f"regioncam counts in the plane only; this network reads {counted(network.input_dim, 'input')}"
            )
        low, high = _rectangle(domain)
        centre, half = (high + low) / 2, (high - low) / 2
        plane = regioncam.Regioncam(size=1.0)
        for number, (weights, bias) in enumerate(hidden_layers(network)):
            if number == 0:  # regioncam draws the square [-1, 1]^2: the rectangle is mapped onto it
                bias = bias + weights @ centre
                weights = weights * half
            plane.linear(np.ascontiguousarray(weights.T, np.float32), bias.astype(np.float32))
            plane.relu()
        return _count(int(plane.num_faces), self.name, "box", time.perf_counter() - begun, None)


def hidden_layers(network: Network) -> Layers:
    """The hidden layers of a plain chain of ReLU layers as float64 ``(W, b)``, ``W`` of shape (out, in).

    Raises
    ------
    UsageError
        A stage reads something else than the stage before it.
    """
    layers = []
    sizes = (network.input_dim, *network.hidden)
    for number, stage in enumerate(network.stages):
        if any(source != number for source, _ in stage.blocks):
            raise UsageError(f"stage {number + 1} reads more than the stage before it; this program takes plain layers")
        matrix = stage.block(INPUT + number)
        weights = np.zeros((stage.units, sizes[number])) if matrix is None else float_matrix(matrix)
        layers.append((weights, _floats(stage.bias)))
    return layers


def _floats(row: Row) -> np.ndarray:
    return np.array([to_float(v) for v in row])


def _rectangle(domain: Polyhedron | None) -> tuple[np.ndarray, np.ndarray]:
    """The lower and upper corner of a domain that is a rectangle."""
    if domain is None:
        raise UsageError("unbounded domain: regioncam needs a box, such as --domain 'box:-10,10'")
    points = domain.vertices() if domain.is_bounded() else ()
    corners = sorted(set(points))
    low, high = [tuple(f(column) for column in zip(*corners, strict=True)) for f in (min, max)] if corners else ((), ())
    if not corners or set(corners) != {(x, y) for x in (low[0], high[0]) for y in (low[1], high[1])}:
        raise UsageError("regioncam counts in boxes only")
    return _floats(low), _floats(high)


def _module(name: str) -> ModuleType:
    root = name.partition(".")[0]
    if find_spec(root) is None:
        raise MissingExtraError(f"the oracle {quoted(root)}", "bench")
    return import_module(name)


def _count(cells: int | None, engine: str, domain: str, seconds: float, reason: str | None) -> RegionCount:
    return RegionCount(cells, None, None, None, engine, domain, False, True, seconds, reason)
