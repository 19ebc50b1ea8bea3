"""What proofs of counts are made from: forms of one pattern after another, and the facets that have to be proven."""

from __future__ import annotations

import random

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.complex import cell_complex
from nn_bridge.cells.proof.plan import FacetPlan, plan_facets
from nn_bridge.cells.proof.proof import CellProof
from nn_bridge.cells.proof.running_forms import RunningForms
from nn_bridge.network.forms import ExactForms
from nn_bridge.network.network import AffineStage, Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational


def network_with_skips(rng: random.Random) -> Network:
    sizes = [2, 4, 3, 4]
    stages = []
    for number in range(1, 5):
        units = sizes[number] if number < 4 else 1
        blocks = []
        for source in range(number):
            if source == number - 1 or rng.random() < 0.5:
                rows = [[rational(f"{rng.randint(-3, 3)}/{rng.randint(1, 3)}") for _ in range(sizes[source])]] * units
                blocks.append((source, tuple(tuple(rng.sample(row, len(row))) for row in rows)))
        stages.append(AffineStage(tuple(blocks), tuple(rational(rng.randint(-2, 2)) for _ in range(units))))
    return Network(2, tuple(stages[:-1]), stages[-1])


def test_running_forms_are_the_exact_forms() -> None:
    rng = random.Random(2)
    for _ in range(10):
        network = network_with_skips(rng)
        running, exact = RunningForms(network), ExactForms(network)
        prefix = [0b1111, 0b111, 0b1111]
        for _ in range(120):
            stage = rng.randrange(4)
            if stage < 3:  # a neighbour, as a walk through the cells meets it, or any pattern
                prefix[stage] = rng.randrange(8) if rng.random() < 0.2 else prefix[stage] ^ 1 << rng.randrange(3)
            for depth in range(3):
                wanted = [[int(v) for v in row] for row in exact.forms(tuple(prefix[:depth])).tolist()]
                assert running.at(tuple(prefix[:depth])) == wanted


def plan(network: Network) -> FacetPlan:
    return plan_facets(cell_complex(network))


def test_facets_are_proven_only_where_they_matter() -> None:
    generic = plan(Network.from_layers([[[3, 1], [-1, 2], [1, -2]], [[1, 2, 4]]], [[1, -1, 2], [0]]))
    assert not generic.whole.any()
    assert generic.begin[-1] == 0
    # one map in four cells, all connected: three shared facets join them
    joined = plan(Network.from_layers([[[1, 0], [0, 1]], [[0, 0]]]))
    assert (joined.regions, joined.affine_maps, joined.begin[-1]) == (1, 1, 3)
    assert not joined.whole.any()
    # a ridge that is 0 on both sides: one side proves all its facets
    apart = plan(Network.from_layers([[[1, 1], [1, 1], [1, 1]], [[1, -2, 1]]], [[0, -1, -2], [0]]))
    assert (apart.regions, apart.affine_maps) == (4, 3)
    assert apart.whole.sum() == 1


def test_a_record_for_each_cell_with_a_point_in_it() -> None:
    network = Network.from_layers(
        [[[3, 1], [-1, 2], [1, -2]], [[2, -1, 1], [-1, 1, 3]], [[1, 1]]], [[1, -1, 2], [-1, -3], [0]]
    )
    box = Polyhedron.box([-2, -2], [3, 3])
    proof = CellProof(network, box)
    records = list(proof.records())
    points = [[rational(v) / record[1][-1] for v in record[1][:-1]] for record in records if record[0] == "cell"]
    assert sorted(network.pattern(point) for point in points) == sorted(
        cell.pattern for cell in iterate_cells(network, box)
    )
    assert all(all(-2 < x < 3 for x in point) for point in points)
    assert len(points) == proof.cells == 1 + sum(record[0] == "split" for record in records)
