"""Networks with sparse layers: forms, counts and exploration as of the network with all zeros written out."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

import puiseux
from nn_bridge.cells.counting.plain_count import count_plain
from nn_bridge.cells.location import patterns_of_points
from nn_bridge.errors import NetworkError
from nn_bridge.network import dense_sizes
from nn_bridge.network.float_values import float_weights, stage_values
from nn_bridge.network.forms import ExactForms, cleared_stages, integer_stages
from nn_bridge.network.network import INPUT, AffineStage, Network
from nn_bridge.network.row_groups import row_groups
from nn_bridge.network.sparse_row import SparseRow, row_of
from polyhedra.scalars import ZERO, rational
from puiseux.domains import pose

SIDE, CHANNELS, KERNEL, STRIDE = 20, 3, 4, 4


def convolution(side: int, inside: int, outside: int, rng: np.random.Generator) -> AffineStage:
    """A convolution with kernel 4 and stride 4 on images of some channels, written out by hand."""
    weights = rng.integers(-6, 7, (outside, inside, KERNEL, KERNEL))
    weights[weights == 0] = 1
    size = side // STRIDE
    rows = []
    for out, y, x in product(range(outside), range(size), range(size)):
        items = sorted(
            ((c * side + STRIDE * y + i) * side + STRIDE * x + j, fmpq(int(weights[out, c, i, j]), 5))
            for c, i, j in product(range(inside), range(KERNEL), range(KERNEL))
        )
        rows.append(row_of(inside * side * side, items))
    bias = tuple(fmpq(int(b), 3) for b in rng.integers(-9, 9, outside) for _ in range(size * size))
    return AffineStage(((INPUT, tuple(rows)),), bias)


@pytest.fixture(scope="module")
def network() -> Network:
    rng = np.random.default_rng(4)
    first = convolution(SIDE, CHANNELS, 42, rng)  # 1,050 units, so that rows of the next stage are long too
    second = []
    for place in range(25):
        for _ in range(2):
            items = [(25 * c + place, fmpq(int(v), 7)) for c, v in enumerate(rng.integers(-3, 4, 42))]
            second.append(row_of(first.units, items))
    head = tuple(tuple(fmpq(int(v)) for v in row) for row in rng.integers(-4, 5, (3, 50)))
    return Network(
        CHANNELS * SIDE * SIDE,
        (first, AffineStage(((1, tuple(second)),), tuple(fmpq(int(v), 2) for v in rng.integers(-5, 6, 50)))),
        AffineStage(((2, head),), (ZERO,) * 3),
    )


@pytest.fixture(scope="module")
def plane(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(5)
    images = rng.integers(0, 11, (3, network.input_dim))
    directions = [[f"{v}/10" for v in (images[k] - images[0]).tolist()] for k in (1, 2)]
    found = tmp_path_factory.mktemp("slices") / "plane.json"
    found.write_text(
        json.dumps(
            {
                "format": "puiseux-slice",
                "version": 1,
                "origin": [f"{v}/10" for v in images[0].tolist()],
                "directions": directions,
                "domain": "box:0,1/100",
            }
        )
    )
    return found


def test_layers_of_convolutions_are_sparse(network: Network) -> None:
    for stage in network.stages:
        for _, matrix in stage.blocks:
            assert all(isinstance(row, SparseRow) for row in matrix)
    assert len(row_groups(network.stages[0].block(INPUT) or ())) == 25  # one for each place of the image
    weights = sum(len(row.values) for row in network.stages[0].block(INPUT) or () if isinstance(row, SparseRow))
    assert weights == 42 * 25 * 48


def test_forms_agree_with_the_values_at_points(network: Network) -> None:
    directions = np.random.default_rng(1).integers(-2, 3, (network.input_dim, 2)).tolist()
    inner = network.restrict_to(directions, [fmpq(k % 7, 5) for k in range(network.input_dim)])
    exact = ExactForms(inner)
    for point in ([0, 0], ["1/3", "-2/5"], [7, 2]):
        x = inner.point(point)
        pattern = inner.pattern(x)
        forms = inner.affine_forms(pattern)
        values = [tuple(sum((a * v for a, v in zip(f, x, strict=False)), f[-1]) for f in stage) for stage in forms]
        assert tuple(values) == inner.preactivations(x)
        prefix = tuple(sum(int(on) << i for i, on in enumerate(stage)) for stage in pattern)
        for depth, stage in enumerate(forms[:-1]):
            table = exact.forms(prefix[:depth]).table()
            (factor,) = {
                fmpq(int(v)) / w for a, b in zip(table, stage, strict=True) for v, w in zip(a, b, strict=True) if w
            }
            assert factor > 0
            assert [[fmpq(int(v)) for v in row] for row in table] == [[factor * v for v in row] for row in stage]


def test_points_are_located_with_sparse_weights(network: Network) -> None:
    points = np.random.default_rng(7).normal(size=(6, network.input_dim))
    stages = list(stage_values(network, points))
    for k in (0, 5):
        exact = network.preactivations(points[k].tolist())
        for stage, values in zip(stages, exact, strict=True):
            for unit, value in enumerate(values):
                off = abs(rational(float(stage.values[k, unit])) - value)
                assert off <= rational(float(stage.errors[k, unit]))
    assert [weights.nnz for weights in map(float_weights, [network.stages[0].blocks[0][1]])] == [42 * 25 * 48]
    assert patterns_of_points(network, points) == [(network.pattern(point.tolist()),) for point in points]


def test_cleared_stages_are_those_of_the_dense_blocks(network: Network) -> None:
    for (sparse, bias), (dense, same) in zip(cleared_stages(network), integer_stages(network), strict=True):
        assert bias == same
        for block, (source, table) in zip(sparse, dense, strict=True):
            assert block.source == source
            (begin, columns), values = block.places(), block.values
            kept = [(i, v) for row in table for i, v in enumerate(row) if v]
            assert list(zip(columns.tolist(), values, strict=True)) == kept
            assert np.diff(begin).tolist() == [sum(map(bool, row)) for row in table]


def test_cells_on_a_plane_through_three_images(network: Network, plane: Path) -> None:
    domain = f"slice:{plane}"
    found = puiseux.count_regions(network, domain)
    problem = pose(network, domain)
    assert found.counts == count_plain(problem.network, problem.domain).counts
    assert found.cells is not None
    assert found.cells > 10
    walked = list(puiseux.explore(network, ["1/200", "1/200"], domain=domain, max_distance=1))
    listed = {cell.pattern for cell in puiseux.iterate_cells(network, domain)}
    assert len(walked) > 2
    assert {visit.cell.pattern for visit in walked} <= listed


def test_cells_alone_are_counted_where_zeros_would_not_fit(
    network: Network, plane: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = puiseux.count_regions(network, f"slice:{plane}", counts="cells").cells
    monkeypatch.setattr(dense_sizes, "MAX_DENSE", 50_000)  # the second layer has 52,500 weights with its zeros
    assert puiseux.count_regions(network, f"slice:{plane}", counts="cells").cells == whole
    assert puiseux.estimate_cells(network, f"slice:{plane}", probes=300, rng=1).lower == whole
    with pytest.raises(NetworkError, match="zeros included"):
        puiseux.count_regions(network, f"slice:{plane}")
    with pytest.raises(NetworkError, match="take a slice"):
        puiseux.count_regions(network, counts="cells")
