"""The networks of the reference suite: generic and degenerate families, constructions of the literature, trained ones.

Everything is drawn from SHA-256, which gives the same numbers with every version of every library.  A change of any
network is a new `SUITE_VERSION`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise

from flint import fmpq

from nn_bridge.expressivity.constructions import (
    Construction,
    arora,
    deep_sets,
    montufar,
    serra,
    serra_zonotope,
    survey_example_1,
    survey_example_2,
    survey_example_3,
    telgarsky,
    tent,
)
from nn_bridge.expressivity.copies import side_by_side
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.readers.npz import read_npz
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, rational

SUITE_VERSION = 1

Rows = list[list[fmpq]]
Layers = tuple[list[Rows], list[list[fmpq]]]
"""Weights and biases, layer by layer."""


@dataclass(frozen=True, slots=True)
class SuiteNetwork:
    """A network of the suite.

    Attributes
    ----------
    name : str
        Lower-case letters, digits and hyphens; unique.
    family : str
    network : Network
        A plain chain of ReLU layers.
    box : tuple of int
        The lower and upper bound, in every coordinate, of the box on which it is counted beside R^n.
    small : bool
        Whether it belongs to the small suite.
    """

    name: str
    family: str
    network: Network
    box: tuple[int, int]
    small: bool


class _Draws:
    """Numbers that depend on a name only."""

    def __init__(self, name: str) -> None:
        self._name, self._blocks, self._rest = name, 0, b""

    def below(self, bound: int) -> int:
        """An integer in 0, .., bound - 1 (the bias of the remainder, below 2^-32, does no harm here)."""
        if len(self._rest) < 8:
            self._rest += hashlib.sha256(f"{self._name}/{self._blocks}".encode()).digest()
            self._blocks += 1
        value, self._rest = int.from_bytes(self._rest[:8], "big"), self._rest[8:]
        return value % bound

    def generic(self) -> fmpq:
        """A bell-shaped dyadic number between -2 and 2: the sum of four uniform ones."""
        return fmpq(sum(self.below(2**21) for _ in range(4)) - 2**22 + 2, 2**21)

    def integer(self, largest: int) -> fmpq:
        """An integer between -largest and largest."""
        return fmpq(self.below(2 * largest + 1) - largest)


Draw = Callable[[_Draws], fmpq]


def _layers(draws: _Draws, sizes: Sequence[int], weight: Draw, bias: Draw) -> Layers:
    weights = [[[weight(draws) for _ in range(a)] for _ in range(b)] for a, b in pairwise(sizes)]
    return weights, [[bias(draws) for _ in range(b)] for b in sizes[1:]]


def _generic(draws: _Draws, sizes: Sequence[int]) -> Layers:
    return _layers(draws, sizes, _Draws.generic, _Draws.generic)


def _zero_biases(draws: _Draws, sizes: Sequence[int]) -> Layers:
    return _layers(draws, sizes, _Draws.generic, lambda _: ZERO)


def _small_integers(draws: _Draws, sizes: Sequence[int]) -> Layers:
    return _layers(draws, sizes, lambda d: d.integer(2), lambda d: d.integer(2))


def _integers_without_biases(draws: _Draws, sizes: Sequence[int]) -> Layers:
    return _layers(draws, sizes, lambda d: d.integer(1), lambda _: ZERO)


def _decimals(draws: _Draws, sizes: Sequence[int]) -> Layers:
    """Multiples of the float64 nearest to 0.1: almost, but not quite, small rationals."""

    def tenth(draws: _Draws) -> fmpq:
        return rational(0.1 * int(draws.integer(3).p))

    return _layers(draws, sizes, tenth, tenth)


def _repeated(draws: _Draws, sizes: Sequence[int]) -> Layers:
    """Duplicate, opposite and dead neurons in every hidden layer."""
    weights, biases = _generic(draws, sizes)
    for rows, bias in zip(weights[:-1], biases[:-1], strict=True):
        for i in range(1, len(rows)):
            kind = draws.below(8)
            factor = {0: fmpq(1), 1: fmpq(-1), 2: fmpq(2), 3: ZERO}.get(kind)
            if factor is not None:
                rows[i] = [factor * v for v in rows[i - 1]]
                bias[i] = factor * bias[i - 1] if kind != 3 else -abs(bias[i])
    return weights, biases


def _rank_deficient(draws: _Draws, sizes: Sequence[int]) -> Layers:
    """Hidden layers of rank at most max(1, inputs - 1); their offsets are free, so hyperplanes are parallel."""
    weights, biases = _layers(draws, sizes, lambda d: d.integer(3), _Draws.generic)
    for rows in weights[:-1]:
        rank = max(1, min(len(rows), len(rows[0])) - 1)
        for i in range(rank, len(rows)):
            factors = [draws.integer(1) for _ in range(rank)]
            rows[i] = [sum((f * rows[k][j] for k, f in enumerate(factors)), ZERO) for j in range(len(rows[0]))]
    return weights, biases


def _almost_equal(draws: _Draws, sizes: Sequence[int]) -> Layers:
    """Pairs of neurons that differ by 2^-50 in one weight and the bias: cells too thin for a tolerance."""
    weights, biases = _generic(draws, sizes)
    for rows, bias in zip(weights[:-1], biases[:-1], strict=True):
        for i in range(1, len(rows), 2):
            rows[i] = [rows[i - 1][0] + fmpq(1, 2**50), *rows[i - 1][1:]]
            bias[i] = bias[i - 1] - fmpq(1, 2**50)
    return weights, biases


def _concurrent(draws: _Draws, sizes: Sequence[int]) -> Layers:
    """First-layer hyperplanes through lattice points: many through one point."""
    weights, biases = _layers(draws, sizes, lambda d: d.integer(2), lambda d: d.integer(1))
    n = sizes[0]
    for i, row in enumerate(weights[0]):
        biases[0][i] = -sum(row, ZERO) if i % 2 else ZERO  # through (1, .., 1) or through 0
        if not any(row):
            row[i % n] = fmpq(1)
    return weights, biases


_SHAPES = ("1-5", "1-4-4", "2-6", "2-4-4", "3-6", "3-4-4", "4-6", "5-6", "6-7", "7-8", "8-9")
_LARGER = ("2-10-5", "3-8-8", "4-6-6", "5-6-6", "6-6-5")
_FAMILIES: dict[str, tuple[Callable[[_Draws, Sequence[int]], Layers], tuple[str, ...], tuple[str, ...]]] = {
    "generic": (
        _generic,
        (*_SHAPES, "2-3-3-3", "5-5-4", "6-5-4"),
        (*_LARGER, "1-8-8-8", "2-16-16", "3-32", "4-10-8", "5-12", "6-10", "7-7-6", "8-10", "8-6-6"),
    ),
    "zero-biases": (_zero_biases, _SHAPES, _LARGER),
    "small-integers": (_small_integers, _SHAPES, _LARGER),
    "integers-without-biases": (_integers_without_biases, _SHAPES, _LARGER),
    "decimals": (_decimals, _SHAPES, _LARGER),
    "repeated-neurons": (_repeated, _SHAPES, _LARGER),
    "rank-deficient": (_rank_deficient, _SHAPES, _LARGER),
    "almost-equal-neurons": (_almost_equal, _SHAPES, _LARGER),
    "concurrent-hyperplanes": (_concurrent, _SHAPES, _LARGER),
}
"""Each family: how it is drawn, its small shapes, its larger ones (inputs and hidden layers)."""


def _drawn() -> Iterator[SuiteNetwork]:
    for family, (draw, shapes, larger) in _FAMILIES.items():
        for shape in (*shapes, *larger):
            name = f"{family}-{shape}"
            outputs = 2 if shape.endswith("-4-4") else 1
            weights, biases = draw(
                _Draws(f"puiseux suite {SUITE_VERSION}: {name}"), [*map(int, shape.split("-")), outputs]
            )
            yield SuiteNetwork(name, family, Network.from_layers(weights, biases), (-2, 2), shape in shapes)


def _constructed() -> Iterator[SuiteNetwork]:
    built: list[tuple[str, Construction, bool]] = [
        ("tent-1", tent(1), True),
        ("tent-6", tent(6), True),
        ("tent-3-squared", side_by_side(tent(3), 2), True),
        ("tent-2-cubed", side_by_side(tent(2), 3), False),
        ("telgarsky-5", telgarsky(5), True),
        ("montufar-2-4-4", montufar(2, [4, 4]), True),
        ("montufar-2-4-4-4", montufar(2, [4, 4, 4]), False),
        ("montufar-3-6-4", montufar(3, [6, 4]), False),
        ("serra-1-3-3", serra(1, [3, 3]), True),
        ("serra-2-6-6", serra(2, [6, 6]), False),
        ("arora-2-4-2-2", arora(2, 4, 2, 2), True),
        ("arora-3-4-2-2", arora(3, 4, 2, 2), False),
        ("serra-zonotope-2-3-3-2", serra_zonotope(2, 3, 3, 2), False),
        ("survey-example-1", survey_example_1(2), True),
        ("survey-example-2", survey_example_2(), True),
        ("survey-example-3", survey_example_3(), True),
        ("deep-sets-4", deep_sets(4), True),
        ("deep-sets-3-rank-2", deep_sets(3, own=3, shared=-1), True),
        ("deep-sets-8", deep_sets(8), False),
    ]
    for name, construction, small in built:
        unit_cube = Polyhedron.box([0] * construction.network.input_dim, [1] * construction.network.input_dim)
        box = (0, 1) if construction.domain == unit_cube else (-8, 8)
        yield SuiteNetwork(name, "constructions", _as_layers(construction.network), box, small)


def _trained() -> Iterator[SuiteNetwork]:
    for file, name in (("iris_two_kinds", "iris-two-kinds"), ("wine_2d", "wine-2d")):
        with as_file(files("puiseux.suite").joinpath("data", f"{file}.npz")) as path:
            network = read_npz(path)
        yield SuiteNetwork(name, "trained", network, (-8, 8), True)


def _as_layers(network: Network) -> Network:
    """The same network with a record of its layers, so that it is written as plain layers."""

    def matrix(stage: AffineStage, number: int, width: int) -> list[list[fmpq]]:
        block = stage.block(number)
        return [list(row) for row in block] if block is not None else [[ZERO] * width for _ in range(stage.units)]

    stages = (*network.stages, network.output)
    widths = (network.input_dim, *network.hidden)
    weights = [matrix(stage, k, width) for k, (stage, width) in enumerate(zip(stages, widths, strict=True))]
    result = Network.from_layers(weights, [list(stage.bias) for stage in stages])
    assert result == network, "only plain chains belong into the suite"
    return result


@cache
def suite_networks(small: bool = False) -> tuple[SuiteNetwork, ...]:
    """The networks of the suite, always the same and in the same order.

    Parameters
    ----------
    small : bool
        Only those with short answers, about half of them.

    Examples
    --------
    >>> suite_networks()[0].name
    'generic-1-5'
    """
    return tuple(entry for entry in (*_drawn(), *_constructed(), *_trained()) if entry.small or not small)
