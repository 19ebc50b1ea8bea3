"""The residues that leaves bring, against the network evaluated modulo the prime with Python's integers."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.cells.core_problem import PRIME
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS, CellTree
from nn_bridge.network.forms import integer_stages
from nn_bridge.network.network import AffineStage, Network
from polyhedra.scalars import rational


def residues_twin(network: Network, active: list[list[bool]]) -> int:
    """Both residues of the affine map under a pattern, packed as the core packs them."""
    packed = 0
    mix = np.random.default_rng(31337).integers(1, PRIME, network.output_dim).tolist()
    for lane, seed in enumerate((20011, 70001)):
        values = [np.random.default_rng(seed).integers(1, PRIME, network.input_dim).tolist()]
        for number, (blocks, bias) in enumerate(integer_stages(network)):
            total = list(bias)
            for source, matrix in blocks:
                total = [
                    t + sum(w * v for w, v in zip(row, values[source], strict=True))
                    for t, row in zip(total, matrix, strict=True)
                ]
            if number < len(active):
                total = [t if on else 0 for t, on in zip(total, active[number], strict=True)]
            values.append(total)
        packed |= sum(m * v for m, v in zip(mix, values[-1], strict=True)) % PRIME << (31 * lane)
    return packed


def network(rng: random.Random, kind: str, *, skip: bool) -> Network:
    """A network with two or three stages; with ``skip`` every stage and the output read everything before."""
    sizes = [rng.randint(2, 3), *(rng.randint(2, 6) for _ in range(rng.randint(2, 3))), rng.randint(1, 3)]

    def entry() -> fmpq:
        if kind == "whole":
            return rational(rng.randint(-3, 3))
        value = rng.gauss(0, 1)
        return rational(value if kind == "doubles" else Fraction(value).limit_denominator(99))

    stages = []
    for place, units in enumerate(sizes[1:], 1):
        sources = range(place) if skip else [place - 1]
        blocks = []
        for source in sources:
            matrix = tuple(tuple(entry() for _ in range(sizes[source])) for _ in range(units))
            if any(v for row in matrix for v in row):
                blocks.append((source, matrix))
        stages.append(AffineStage(tuple(blocks), tuple(entry() for _ in range(units))))
    return Network(sizes[0], tuple(stages[:-1]), stages[-1])


@pytest.mark.parametrize("kind", ["doubles", "whole", "fractions"])
@pytest.mark.parametrize("skip", [False, True])
def test_every_leaf_has_the_residues_of_its_map(kind: str, skip: bool) -> None:
    rng = random.Random(f"{kind}{skip}")
    seen = 0
    for _ in range(12):
        problem = cell_problem(network(rng, kind, skip=skip))
        if problem is None:
            continue
        tree = CellTree(problem, PATTERNS)
        for leaves in tree.run():
            for pattern, found in zip(leaves.patterns.tolist(), leaves.residues.tolist(), strict=True):
                active = [
                    [bool(pattern[s * tree.words + i // 64] >> i % 64 & 1) for i in range(units)]
                    for s, units in enumerate(problem.network.hidden)
                ]
                assert found == residues_twin(problem.network, active)
                seen += 1
    assert seen > 200
