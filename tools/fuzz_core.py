"""Run the compiled core over random degenerate networks and compare it with the plain engine: patterns, counts, faces.

    python tools/fuzz_core.py [NETWORKS] [--seed N]

Exit code 1 at the first network on which the two differ; the seed in the message repeats it.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import Any

from nn_bridge.cells import plain
from nn_bridge.cells.core_problem import CoreProblem
from nn_bridge.cells.counting.plain_count import count_plain, plain_network
from nn_bridge.cells.joining import FourCounts, Joiner
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import COUNT_ONLY, FACES, JOINING_FACES, NEIGHBOURS, CellTree
from nn_bridge.network.network import AffineStage, Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, primitive, rational

Entry = Any
"""A weight as a user gives it: int, float, or text of a fraction."""


def entries(rng: random.Random, kind: str, count: int) -> list[Entry]:
    """Weights of one row."""
    if kind == "small":
        return [rng.choice([-2, -1, 0, 0, 1, 1, 2]) for _ in range(count)]
    if kind == "fractions":
        return [f"{rng.randint(-3, 3)}/{rng.choice([1, 3, 7])}" for _ in range(count)]
    if kind == "tenths":
        return [0.1 * rng.randint(-3, 3) for _ in range(count)]
    if kind == "extreme":
        return [rng.choice([-1, 0, 1, 1.5]) * 10.0 ** rng.choice([-300, -160, 0, 0, 160, 300]) for _ in range(count)]
    return [rng.gauss(0, 1) for _ in range(count)]


def random_rows(rng: random.Random, kind: str, units: int, count: int) -> list[list[Entry]]:
    """Rows with a bias at their end; some repeat, oppose or nearly repeat another, some are zero."""
    rows = [entries(rng, kind, count + 1) for _ in range(units)]
    for row in rows:
        if rng.random() < 0.4:
            row[-1] = 0
    for i in range(1, units):
        how = rng.random()
        other = rows[rng.randrange(i)]
        if how < 0.12:
            rows[i] = list(other)
        elif how < 0.2:
            rows[i] = [-v if not isinstance(v, str) else v for v in other]
        elif how < 0.28 and all(isinstance(v, float) for v in other):
            rows[i] = [v * (1 + rng.choice([-1, 0, 1]) * 2.0**-52) for v in other]
        elif how < 0.33:
            rows[i] = [0] * count + [rows[i][-1]]
    return rows


def random_network(rng: random.Random) -> Network:
    """A few small stages, the last one wide now and then; half of them read earlier ones too.  Or layers of maxima."""
    kind = rng.choice(["small", "fractions", "tenths", "extreme", "normal"])
    if rng.random() < 0.2:
        return random_maxima(rng, kind)
    inputs = rng.choice([1, 2, 2, 2, 3, 3, 4])
    most = {1: 6, 2: 5, 3: 4, 4: 3}[inputs]
    sizes = [inputs, *(rng.randint(1, most) for _ in range(rng.choice([1, 2, 2, 3])))]
    if inputs in (2, 3) and rng.random() < 0.06 * (4 - inputs):
        sizes[-1] = rng.randint(12, 22 - 3 * inputs)  # so many lines are counted together
    stages = []
    for k in range(1, len(sizes) + 1):
        units = sizes[k] if k < len(sizes) else 1
        sources = [k - 1] if rng.random() < 0.7 else sorted({k - 1, rng.randrange(k)})
        rows = random_rows(rng, kind, units, sum(sizes[s] for s in sources))
        blocks, at = [], 0
        for source in sources:
            block = tuple(tuple(map(rational, row[at : at + sizes[source]])) for row in rows)
            blocks.append((source, block))
            at += sizes[source]
        stages.append(AffineStage(tuple(blocks), tuple(rational(row[-1]) for row in rows)))
    return Network(inputs, tuple(stages[:-1]), stages[-1])


def random_maxima(rng: random.Random, kind: str) -> Network:
    """One or two layers of maxima of two to four entries."""
    inputs = rng.choice([1, 2, 2, 3])
    most = 3 if inputs < 3 else 2
    sizes = [inputs, *(rng.randint(1, most) for _ in range(rng.choice([1, 2]))), rng.randint(1, 2)]
    pieces = [rng.choice([2, 3, 3, 4]) for _ in sizes[2:]]
    weights, biases = [], []
    for before, after, count in zip(sizes[:-1], sizes[1:], [*pieces, 1], strict=True):
        rows = random_rows(rng, kind, after * count, before)
        weights.append([row[:-1] for row in rows])
        biases.append([row[-1] for row in rows])
    activations = [*(f"maxout:{count}" for count in pieces), "linear"]
    return Network.from_layers(weights, biases, activations, relu_on_output=rng.random() < 0.2)


def random_domain(rng: random.Random, inputs: int) -> Polyhedron | None:
    """R^n, a box, a half-space, or a cone."""
    kind = rng.random()
    if kind < 0.5:
        return None
    if kind < 0.7:
        return Polyhedron.box([-1] * inputs, [rng.choice([1, "1/3", 0.1])] * inputs)
    rows = [[rng.randint(-2, 2) for _ in range(inputs)] for _ in range(rng.randint(1, inputs))]
    rows = [row for row in rows if any(row)]
    domain = Polyhedron(rows, [rng.choice([0, 1]) for _ in rows]) if rows else None
    return domain if domain is None or domain.is_full_dimensional() else None


Faces = dict[tuple[int, ...], tuple[list[tuple[bool, int]], list[int]]]
"""By pattern the zeros of generators (with a flag for rays) and of facets, each sorted."""


def neighbours(network: Network, problem: CellProblem, merge: bool) -> dict[tuple[int, ...], set[int]]:
    """By pattern, the units that surely vanish alone on facets, each as a bit: units stage by stage.

    ``merge``: of the cells of the network without units of the last stage that no output reads.
    """
    tree, sizes = CellTree(problem, NEIGHBOURS, merge=merge), network.hidden
    found: dict[tuple[int, ...], set[int]] = {}

    def stages(row: Any) -> tuple[int, ...]:
        words = [row[tree.words * s : tree.words * (s + 1)] for s in range(len(sizes))]
        return tuple(int.from_bytes(own.tobytes(), "little") for own in words)

    for leaves in tree.run():
        for pattern, row in zip(leaves.patterns, leaves.neighbours, strict=True):
            units, at = set(), 0
            for own, size in zip(stages(row), sizes, strict=True):
                units |= {1 << at + i for i in range(size) if own >> i & 1}
                at += size
            found[stages(pattern)] = units
    return found


def by_core(network: Network, problem: CellProblem, emit: int = FACES) -> tuple[int, Faces]:
    """The number of leaves and their faces, with zeros as bits: units stage by stage, then walls."""
    found: Faces = {}
    sizes = network.hidden
    cells = 0
    tree = CellTree(problem, emit)

    def bits(words: Any) -> int:
        return int.from_bytes(words.tobytes(), "little")

    def packed(value: int) -> int:  # from whole words a stage to bit after bit
        result = at = begin = 0
        for size in (*sizes, 64 * tree.zero_words):
            result |= (value >> begin & ((1 << size) - 1)) << at
            at, begin = at + size, begin + 64 * -(-size // 64)
        return result

    for leaves in tree.run():
        patterns = []
        for row in leaves.patterns:
            stages = [row[tree.words * s : tree.words * (s + 1)] for s in range(len(sizes))]
            patterns.append(tuple(map(bits, stages)))
            found[patterns[-1]] = ([], [])
        for k, is_ray, zeros in zip(leaves.generator_leaf, leaves.generator_ray, leaves.generator_zeros, strict=True):
            found[patterns[int(k) - cells]][0].append((bool(is_ray), packed(bits(zeros))))
        for k, zeros in zip(leaves.facet_leaf, leaves.facet_zeros, strict=True):
            found[patterns[int(k) - cells]][1].append(packed(bits(zeros)))
        cells += len(patterns)
    return cells, {pattern: (sorted(one), sorted(two)) for pattern, (one, two) in found.items()}


def by_plain(network: Network, domain: Polyhedron | None) -> tuple[int, Faces]:
    """The same by the plain engine."""
    walls = [
        tuple(map(int, primitive((*(-a for a in row[:-1]), row[-1]))))
        for row in (domain.irredundant().inequalities if domain is not None else ())
    ]
    found: Faces = {}
    cells = 0

    def packed(zeros: tuple[int, ...]) -> int:
        result = at = 0
        for value, size in zip(zeros, (*network.hidden, 0), strict=True):
            result, at = result | value << at, at + size
        return result

    for leaf in plain.cells(plain_network(network), walls):
        cells += 1
        generators = leaf.generator_zeros()
        found[leaf.pattern] = (
            sorted((is_ray, packed(zeros)) for is_ray, zeros in generators),
            sorted(packed(zeros) for zeros in leaf.facet_zeros(generators)),
        )
    return cells, found


def joined(problem: CellProblem, merge: bool) -> FourCounts:
    """The four counts by neighbours that are found without cuts, and by faces that are brought later.

    ``merge``: without units that no output reads, and without neighbours of leaves that are joined by their pattern.
    """
    tree = CellTree(problem, NEIGHBOURS, merge=merge)
    tree.cover(merge)
    joiner = Joiner(problem, tree.words)
    for leaves in tree.run():
        joiner.add(leaves)
    joiner.settle(lambda: CellTree(problem, JOINING_FACES, merge=merge))
    return joiner.counts(tree.cells, tree.leaves)


def zero_units(network: Network) -> int:
    """The units that vanish everywhere, as bits: units stage by stage."""
    found = at = 0
    for stage in network.stages:
        for unit, bias in enumerate(stage.bias):
            if not bias and not any(any(matrix[unit]) for _, matrix in stage.blocks):
                found |= 1 << at + unit
        at += stage.units
    return found


def without_unread(network: Network, problem: CellProblem) -> Network | None:
    """The network in which units of the last stage that no output reads have no weights; None where none are merged."""
    unread = CoreProblem(problem).unread
    if not unread or problem.lines or len(network.stages) == 1:
        return None
    last = network.stages[-1]
    blocks = tuple(
        (source, tuple((ZERO,) * len(row) if j in unread else row for j, row in enumerate(matrix)))
        for source, matrix in last.blocks
    )
    bias = tuple(ZERO if j in unread else own for j, own in enumerate(last.bias))
    return Network(network.input_dim, (*network.stages[:-1], AffineStage(blocks, bias)), network.output)


def difference(network: Network, cells: int, faces: Faces, domain: Polyhedron | None) -> str | None:
    """How the core differs from the plain engine's cells and faces on a network."""
    problem = cell_problem(network, domain)
    if problem is None:
        return None if cells == 1 else f"nothing to cut, but {cells} cells"
    listed, found = by_core(network, problem)
    if (listed, found.keys()) != (cells, faces.keys()):
        return f"listing: {listed} cells, the plain engine {cells}"
    for pattern, (generators, facets) in faces.items():
        if found[pattern][1] != facets:
            return f"facets of {pattern}: {found[pattern][1]}, the plain engine {facets}"
        # with lines, generators depend on the section that is taken
        if not problem.lines and not problem.unbounded_lineality and found[pattern][0] != generators:
            return f"generators of {pattern}: {found[pattern][0]}, the plain engine {generators}"
    merged = without_unread(network, problem)
    for merge, own in ((False, faces), (True, merged and by_plain(merged, domain)[1])):
        everywhere = zero_units(merged if merge and merged else network)
        for pattern, units in neighbours(network, problem, merge).items() if own else ():
            facets = [facet & ~everywhere for facet in own[pattern][1]]
            alone = {facet for facet in facets if facet.bit_count() == 1}
            if not units <= alone:
                return (
                    f"neighbours of {pattern} (leaves merged: {merge}): {units}, by the plain engine {alone} are alone"
                )
    expected = count_plain(network, domain).counts
    for merge in (False, True):
        four = joined(problem, merge)._asdict()
        if four != expected:
            return f"four counts {four} (leaves merged: {merge}), the plain engine {expected}"
    for own in {problem, problem.for_counting()}:
        tree = CellTree(own, COUNT_ONLY, count_last_stage=True)
        for _ in tree.run():
            pass
        if tree.cells != cells:
            return f"counting: {tree.cells} cells, the plain engine {cells}"
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("networks", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cells = most = 0
    for number in range(options.networks):
        rng = random.Random(f"{options.seed} {number}")
        network = random_network(rng)
        domain = random_domain(rng, network.input_dim)
        count, faces = by_plain(network, domain)
        found = difference(network, count, faces, domain)
        if found is not None:
            text = "R^n" if domain is None else f"{domain.inequalities}"
            sys.exit(f"network {number} of seed {options.seed}: {network} on {text}: {found}")
        cells, most = cells + count, max(most, count)
    print(f"{options.networks} networks, {cells} cells (at most {most}): the core and the plain engine agree")


if __name__ == "__main__":
    main()
