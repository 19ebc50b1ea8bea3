"""Leaves that are kept, joined at once, or brought again: where each is decided changes no count."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from nn_bridge.cells.counting import count as cell_count
from nn_bridge.cells.counting import found_leaves, tally
from nn_bridge.cells.counting import jobs as cell_jobs
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.plain_count import count_plain
from nn_bridge.network.network import AffineStage, Network
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from tests.families import BY_NAME as ENTRIES
from tests.families import COUNTS as ORACLE

SWITCHES = ("KEPT_LEAVES", "TRIAL_LEAVES", "MOST_LEAVES", "JOINED_LEAVES", "LEAVES_AT_ONCE")
WAYS = ("joined", "joined at once", "kept", "kept and joined", "brought again")


def early_switches(rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Choose numbers of leaves so small that all is decided, and decided anew, in networks of some dozen cells."""
    for name in SWITCHES:
        monkeypatch.setattr(found_leaves, name, rng.choice([1, 2, 5, rng.randint(1, 50)]))
    monkeypatch.setattr(found_leaves, "_LATEST", rng.choice([1, 8, 1024]))
    monkeypatch.setattr(found_leaves, "_DECIDED", rng.choice([1, 20, 1 << 16]))
    monkeypatch.setattr(cell_count, "KEPT_LEAVES", found_leaves.KEPT_LEAVES)
    monkeypatch.setattr(cell_count, "_FEW_CELLS", rng.choice([0, 1 << 17]))
    monkeypatch.setattr(cell_count, "_FIRST", rng.choice([0.0, 0.1]))  # at 0 after a batch, at any pace
    monkeypatch.setattr(cell_count, "_NEAR", rng.choice([0.0, 0.2]))
    monkeypatch.setattr(cell_count, "_FAR", rng.choice([0.0, 1.0]))
    group = rng.choice([1, 7, 1 << 14])
    monkeypatch.setattr(cell_jobs, "GROUP_LEAVES", group)
    monkeypatch.setattr(tally, "GROUP_LEAVES", group)


def watched(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often leaves go each of the ways."""
    met = dict.fromkeys(WAYS, 0)
    run = cell_count.CountRun
    joins, keep, join_kept, feed = run._absorb, run._keep, run._join_kept, run._feed

    def absorb(self, key, result, checkpoint):
        met["joined" if result.leaves else "joined at once"] += result.joining
        return joins(self, key, result, checkpoint)

    def note_kept(self, number, batches):
        met["kept"] += 1
        return keep(self, number, batches)

    def note_joined(self, select):
        met["kept and joined"] += bool(self._kept)
        return join_kept(self, select)

    def note_again(self, take, select):
        met["brought again"] += 1
        return feed(self, take, select)

    for name, own in {"_absorb": absorb, "_keep": note_kept, "_join_kept": note_joined, "_feed": note_again}.items():
        monkeypatch.setattr(run, name, own)
    return met


def test_switches_inside_small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """All ways are gone, in one thread, in several, and in an executor."""
    met = watched(monkeypatch)
    rng = random.Random(3)
    chosen = sorted(ORACLE, key=lambda name: ORACLE[name]["affine_maps"] - ORACLE[name]["cells"])
    with ThreadPoolExecutor(2) as threads:
        for name in (*chosen[:90], *chosen[90::3]):
            early_switches(rng, monkeypatch)
            entry = ENTRIES[name]
            network = Network.from_layers(entry["weights"], entry["biases"])
            workers = rng.choice([1, 1, 2])
            executor = threads if rng.random() < 0.2 else None
            assert count_cells(network, workers=workers, executor=executor).counts == ORACLE[name], name
    assert min(met.values()) > 20, met


def half_unread(seed: int) -> tuple[Network, Polyhedron | None]:
    """No output reads half of the last stage: units there repeat others, are opposite or parallel to them, or zero."""
    rng = np.random.default_rng(seed)
    inputs = int(rng.integers(1, 4))
    before_last = rng.integers(2, {1: 8, 2: 6, 3: 5}[inputs], int(rng.integers(1, 3))).tolist()
    sizes = [inputs, *before_last, int(rng.integers(4, 9))]
    stages = []
    for k, (before, units) in enumerate(pairwise(sizes)):
        rows = rng.integers(-3, 4, (units, before + 1))
        if seed % 3 == 0:
            rows[:, -1] = 0
        for i in range(1, units):
            like = int(rng.integers(0, i))
            factor = int(rng.choice([1, -1, 2, 0, *[3] * 8]))
            if factor < 3:
                rows[i] = factor * rows[like]
            if rng.random() < 0.2:
                rows[i, -1] += 1
        block = tuple(tuple(map(rational, row[:-1].tolist())) for row in rows)
        stages.append(AffineStage(((k, block),), tuple(map(rational, rows[:, -1].tolist()))))
    outputs = rng.integers(-2, 3, (int(rng.integers(1, 3)), sizes[-1]))
    outputs[:, rng.random(sizes[-1]) < 0.5] = 0
    blocks = [(len(stages), outputs)]
    if seed % 4 == 0:  # outputs read an earlier stage, too, or that alone
        earlier = int(rng.integers(0, len(stages)))
        blocks = [(earlier, rng.integers(-2, 3, (len(outputs), sizes[earlier]))), *blocks[: int(rng.integers(0, 2))]]
    output = tuple((s, tuple(tuple(map(rational, row)) for row in matrix.tolist())) for s, matrix in blocks)
    box = Polyhedron.box([[-1, 0][seed % 2]] * inputs, [1] * inputs) if seed % 5 < 2 else None
    return Network(inputs, tuple(stages), AffineStage(output, (rational(0),) * len(outputs))), box


def test_units_that_no_output_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left out of leaves, their cells counted by deletion and restriction: as the plain engine lists them."""
    rng = random.Random(4)
    cells = regions = 0
    for seed in range(260):
        early_switches(rng, monkeypatch)
        network, domain = half_unread(seed)
        found = count_cells(network, domain).counts
        assert found == count_plain(network, domain).counts, seed
        cells, regions = cells + found["cells"], regions + found["regions"]
    assert cells > 2 * regions
