"""The float plan of an extraction: stages as float64 blocks, which units to carry along, and fingerprint words.

Fingerprints name faces without storing sign vectors: a face of the complex has the 64-bit sum (modulo 2^64) of one
random word for every hyperplane that contains it, one for every neuron that is positive on it, and one for every wall
of the domain that contains it.  A collision cannot go unnoticed: a 2-face would then be met by four edges in place of
two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network, check_dense
from nn_bridge.sign_vectors.arrays import Stage
from polyhedra.arrays import Floats, Words

MAX_NEURONS = 32767
"""Hyperplane numbers are kept in 16 bits."""

RECENT, SMALL = 2, 1 << 16
"""Plans that are kept for the next extraction from the same network; the most weights that one may have for that."""

SMALLEST, LARGEST = 1e-120, 1e120
"""Non-zero weights outside this range would make products leave the range of float64."""


@dataclass(frozen=True, slots=True, eq=False)
class FloatStage:
    """One stage of hyperplanes in float64.

    Attributes
    ----------
    units, first : int
        The number of hyperplanes and the global number of the first.
    reads : tuple of (source, float64 array of shape (units, size of the source))
    weights : float64 array of shape (inputs, units, rounded up to a multiple of four)
        The weights of all reads, one row for each number that is read, filled up with zeros.
    bias : float64 array of shape (units,)
    carried : tuple of int
        Earlier stages whose units a later stage reads: they travel along while this stage is cut.
    """

    units: int
    first: int
    reads: tuple[tuple[int, Floats], ...]
    weights: Floats
    bias: Floats
    carried: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The network as the extractor reads it.

    Attributes
    ----------
    network : Network
    stages : tuple of FloatStage
        The ReLU stages, then the outputs where they are hyperplanes too.
    zero, positive : uint64 arrays of shape (neurons,)
        Fingerprint words of "on hyperplane j" and "neuron j is positive".
    seed : int
        Of the fingerprint words.
    tables : dict
        For the first neuron of a block the table to sum its words by, once it was needed.
    layouts, entries : dict
        For a stage the columns of vertex rows while it is cut, and what the loop is told that enters it, once needed.
    """

    network: Network
    stages: tuple[FloatStage, ...]
    zero: Words
    positive: Words
    seed: int
    tables: dict[int, Words] = field(default_factory=dict, repr=False)
    layouts: dict[Any, Any] = field(default_factory=dict, repr=False)
    entries: dict[int, Stage] = field(default_factory=dict, repr=False)

    @property
    def neurons(self) -> int:
        """The number of hyperplanes."""
        return len(self.zero)

    def stage_of(self, neuron: int) -> tuple[int, int]:
        """The stage (from 0) and the index in it of a global neuron number."""
        for index, stage in enumerate(self.stages):
            if neuron < stage.first + stage.units:
                return index, neuron - stage.first
        raise NetworkError(f"there is no neuron {neuron}")


_recent: dict[tuple[int, bool, int], Plan] = {}


def plan_of(network: Network, output_hyperplanes: bool, seed: int = 0) -> Plan:
    """The plan of a network: the one made last, where it was for the same network.

    Raises
    ------
    NetworkError
        As for `make_plan`.
    """
    key = (id(network), output_hyperplanes, seed)  # a network lives as long as its plan
    found = _recent.get(key)
    if found is not None:
        return found
    plan = make_plan(network, output_hyperplanes, seed)
    if sum(stage.weights.size for stage in plan.stages) <= SMALL:
        if len(_recent) >= RECENT:
            _recent.clear()
        _recent[key] = plan
    return plan


def make_plan(network: Network, output_hyperplanes: bool, seed: int) -> Plan:
    """Convert a network.

    Raises
    ------
    NetworkError
        More than 32767 neurons, or a weight that float64 cannot hold safely.
    """
    check_dense(network)
    exact: list[AffineStage] = list(network.stages)
    if output_hyperplanes:
        exact.append(network.output)
    stages: list[FloatStage] = []
    first = 0
    for index, stage in enumerate(exact):
        later = {source for other in exact[index + 1 :] for source, _ in other.blocks}
        carried = tuple(k for k in range(1, index + 1) if k in later)
        reads = tuple((source, _weights(stage, matrix, index)) for source, matrix in stage.blocks)
        bias = _floats((stage.bias,), index)[0]
        used = np.zeros(stage.units, dtype=np.bool_)
        for _, own in reads:
            used |= own.any(axis=1)
        # a neuron that reads nothing is no hyperplane: one that is zero everywhere counts as inactive
        bias[~used & (bias <= 0)] = -1.0
        weights = np.zeros((sum(own.shape[1] for _, own in reads), -(-stage.units // 4) * 4))
        row = 0
        for _, own in reads:
            weights[row : row + own.shape[1], : stage.units] = own.T
            row += own.shape[1]
        stages.append(FloatStage(stage.units, first, reads, weights, bias, carried))
        first += stage.units
    if first > MAX_NEURONS:
        raise NetworkError(f"the network has {first} neurons, the sign-vector engine takes {MAX_NEURONS}")
    zero, positive = _neuron_words(seed, first).copy()
    return Plan(network, tuple(stages), zero, positive, seed)


def source_sizes(plan: Plan) -> dict[int, int]:
    """The size of the input and of each stage, by source number."""
    return {INPUT: plan.network.input_dim} | {k: stage.units for k, stage in enumerate(plan.stages, 1)}


def wall_words(seed: int, labels: list[int]) -> Words:
    """One word per wall, the same for equal labels."""
    return np.array([_wall_word(seed, label) for label in labels], dtype=np.uint64)


@lru_cache(maxsize=1 << 14)
def _wall_word(seed: int, label: int) -> int:
    return int(_words(np.random.SeedSequence([seed, 2, abs(label), label < 0]), 1)[0])


@lru_cache(maxsize=4)
def _neuron_words(seed: int, neurons: int) -> Words:
    return _words(np.random.SeedSequence([seed, 1]), 2 * neurons).reshape(2, neurons)


def _words(sequence: np.random.SeedSequence, count: int) -> Words:
    return np.random.Generator(np.random.PCG64(sequence)).integers(0, 2**64, count, dtype=np.uint64)


def _weights(stage: AffineStage, matrix: Matrix, index: int) -> Floats:
    """A weight matrix in float64: as it came, where it came as an array."""
    given = next((array for own, array in stage.doubles if own is matrix), None)
    if given is None:
        return _floats(matrix, index)
    result = given.astype(np.float64)
    size = np.abs(result)
    if not ((size == 0) | ((size >= SMALLEST) & (size <= LARGEST))).all():
        raise _out_of_range(index)
    return result


def _floats(matrix: Matrix, index: int) -> Floats:
    try:
        result = np.array([[float(v) for v in row] for row in matrix], dtype=np.float64)
    except OverflowError:
        raise _out_of_range(index) from None
    size = np.abs(result)
    suspect = (size < SMALLEST) | (size > LARGEST)
    # a zero is right where it was one
    if suspect.any() and any(matrix[i][j] for i, j in np.argwhere(suspect).tolist()):
        raise _out_of_range(index)
    return result


def _out_of_range(index: int) -> NetworkError:
    return NetworkError(
        f"stage {index + 1} has a weight too small or too large for the float engine "
        f"(not within {SMALLEST:g}..{LARGEST:g}); use engine 'cells'"
    )
