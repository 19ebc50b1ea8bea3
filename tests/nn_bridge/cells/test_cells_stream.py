"""Cells as values: every exact answer a cell gives is checked against the network itself."""

import pickle
import re
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import group_by_affine_map, iterate_cells
from nn_bridge.cells.export import write_parquet
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from polyhedra.errors import MissingExtraError
from polyhedra.matrix import dot
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from tests.families import COUNTS, DATA, ENTRIES, network_of


def sample(most):
    """One network of every family and shape with at most so many cells."""
    chosen = {}
    for entry in ENTRIES:
        shape = tuple(len(bias) for bias in entry["biases"])
        if entry["cells"] <= most:
            chosen.setdefault((entry["family"], len(entry["weights"][0][0]), shape), entry)
    return list(chosen.values())


def check(cell):
    """Everything a cell says about itself."""
    network, n = cell.network, cell.network.input_dim
    point = cell.interior_point
    assert network.pattern(point) == cell.pattern
    assert cell.polyhedron.contains(point, strict=True)
    assert cell.affine_map(point) == network.evaluate(point) == cell(point)
    generators = cell.generators
    assert cell.bounded == (not generators.rays and not generators.lines)
    for on, vertex in zip(generators.vertex_facets, generators.vertices, strict=True):
        slack = [row[-1] - dot(row[:-1], vertex) for row in cell.inequalities]
        assert min(slack, default=0) >= 0
        assert on == {i for i, s in enumerate(slack) if s == 0}
        # the map extends continuously to the boundary
        assert cell.affine_map(vertex) == network.evaluate(vertex)
    for on, ray in zip(generators.ray_facets, generators.rays, strict=True):
        slope = [dot(row[:-1], ray) for row in cell.inequalities]
        assert max(slope, default=0) <= 0
        assert any(ray)
        assert on == {i for i, s in enumerate(slope) if s == 0}
    for line in generators.lines:
        assert all(dot(row[:-1], line) == 0 for row in cell.inequalities)
    assert all(facet.units or facet.walls for facet in cell.facets)
    assert len(cell.polyhedron.irredundant().inequalities) == len(cell.inequalities)
    assert len(set(cell.inequalities)) == len(cell.inequalities)
    if not generators.lines:
        assert cell.polyhedron.vertices() == tuple(sorted(generators.vertices))
        assert cell.polyhedron.rays() == tuple(sorted(generators.rays))
    else:
        assert len(generators.lines) == len(cell.polyhedron.lineality_space())
    assert all(len(vector) == n for vector in (*generators.vertices, *generators.rays, *generators.lines))


@pytest.mark.parametrize("entry", sample(30)[::3], ids=lambda entry: entry["name"])
def test_every_cell_of_small_networks(entry):
    cells = list(iterate_cells(network_of(entry)))
    assert sorted(cell.pattern_text for cell in cells) == sorted(entry["patterns"])
    for cell in cells:
        check(cell)
    if entry["name"] in COUNTS:
        assert len(group_by_affine_map(cells)) == COUNTS[entry["name"]]["affine_maps"]


def skipping():
    """Skip connections, a leaky unit, two outputs, and a direction that only the second stage sees."""
    build = NetworkBuilder(3)
    x = build.input()
    first = build.leaky_relu(build.affine(x, [[1, 2, 0], [1, -1, 0]], [1, 0]), rational("1/5"))
    second = build.relu(build.affine(build.concatenate(first, x), [[1, 1, 0, 0, 1], [0, -1, 0, 0, 0]], [0, 1]))
    return build.finish(build.affine(build.concatenate(second, x), [[1, 2, 0, 0, 3], [0, 1, 1, 0, 0]]))


@pytest.mark.parametrize(
    "domain",
    [None, Polyhedron.box([-2, -2, -2], [1, 1, 1]), Polyhedron([[1, 1, 0]], [2]), Polyhedron([[0, 0, 1]], ["1/3"])],
    ids=["space", "box", "half-space", "half-space across the line"],
)
def test_lines_walls_and_skip_connections(domain):
    cells = list(iterate_cells(skipping(), domain))
    assert len({cell.pattern for cell in cells}) == len(cells) > 4
    for cell in cells:
        check(cell)
        if domain is not None:
            assert domain.contains(cell.interior_point, strict=True)
    if domain is not None and domain.is_bounded():
        assert sum(cell.polyhedron.volume() for cell in cells) == domain.volume()
        walls = [facet for cell in cells for facet in cell.facets if facet.walls]
        assert {wall for facet in walls for wall in facet.walls} == set(range(6))


def test_more_inputs_than_the_network_sees():
    network = Network.from_layers([[[1, 1, 0, 0], [2, 2, 0, 0], [0, 0, 0, 1]], [[1, 1, -1]]], [[0, 1, 0], [0]])
    cells = list(iterate_cells(network))
    assert len(cells) == 6
    for cell in cells:
        check(cell)
        assert len(cell.generators.lines) == 2
        assert not cell.bounded


def test_nothing_to_cut():
    network = Network.from_layers([[[0, 0], [0, 0]], [[3, 1]]], [[1, -1], ["1/2"]])
    (cell,) = iterate_cells(network)
    assert cell.pattern_text == "10"
    assert (cell.inequalities, cell.facets, cell.bounded) == ((), (), False)
    assert cell.affine_map((1, 2)) == (fmpq(7, 2),)
    assert len(cell.generators.lines) == 2
    check(cell)


def test_wide_layers():
    rng = np.random.default_rng(11)
    network = Network.from_layers([rng.normal(size=(70, 2)), rng.normal(size=(1, 70))], [rng.normal(size=70), [0]])
    cells = list(islice(iterate_cells(network, Polyhedron.box(["-1/4"] * 2, ["1/4"] * 2)), 20))
    assert len(cells) == 20
    for cell in cells:
        check(cell)


@given(st.integers(0, 10**6))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_cells_tile_a_box(seed):
    rng = np.random.default_rng(seed)
    network = Network.from_layers(
        [rng.integers(-2, 3, (4, 2)), rng.integers(-2, 3, (3, 4)), rng.integers(-1, 2, (1, 3))],
        [rng.integers(-1, 2, 4), rng.integers(-1, 2, 3), [0]],
    )
    box = Polyhedron.box([-1, "-1/2"], [1, 2])
    cells = list(iterate_cells(network, box))
    assert sum(cell.polyhedron.volume() for cell in cells) == box.volume()
    for cell in cells:
        check(cell)


def test_cells_are_values():
    network = read_network(DATA / "nets" / "d2_10_5_1_s0.npz")
    one, two = list(iterate_cells(network)), list(iterate_cells(network))
    assert one == two
    assert len(set(one) | set(two)) == len(one) == 119


def test_cells_can_be_pickled():
    """So that they may go to other processes, together with what was already read from them."""
    network = Network.from_layers([[[1, 2], [3, 1]], [[1, -1]]], [[1, 0], [0]], relu_on_output=True)
    cells = list(iterate_cells(network, Polyhedron.box([-3, -3], [2, 2])))
    half_read = [cell.polyhedron if k % 2 else cell.facets for k, cell in enumerate(cells)]
    copies = pickle.loads(pickle.dumps(cells))
    assert copies == cells
    for cell, copy in zip(cells, copies, strict=True):
        assert copy.interior_point == cell.interior_point
        assert (copy.facets, copy.generators, copy.affine_map) == (cell.facets, cell.generators, cell.affine_map)
    assert half_read == [cell.polyhedron if k % 2 else cell.facets for k, cell in enumerate(copies)]


# -------------------------------------------------------------------------- Parquet


def test_parquet_holds_everything_exactly(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    network = read_network(DATA / "nets" / "d2_10_5_1_s0.npz")
    path = tmp_path / "cells.parquet"
    assert write_parquet(iterate_cells(network), path, batch=50) == 119
    table = parquet.read_table(path)
    assert table.schema.metadata[b"network"].decode() == network.digest()
    cells = {cell.pattern_text: cell for cell in iterate_cells(network)}
    rows = table.to_pylist()
    assert len(rows) == len(cells)
    for row in rows:
        cell = cells[row["pattern"]]
        assert network.evaluate(row["interior_point"]) == cell.affine_map(row["interior_point"])
        assert tuple(map(rational, row["interior_point"])) == cell.interior_point
        assert tuple(map(rational, row["affine_map"][0][:-1])) == cell.affine_map.matrix[0]
        assert rational(row["affine_map"][0][-1]) == cell.affine_map.offset[0]
        assert row["bounded"] == cell.bounded
        assert [(f["stage"], f["unit"]) for f in row["facets"]] == [facet.units[0] for facet in cell.facets]
    assert sorted(path.parent.iterdir()) == [path]


def test_parquet_leaves_nothing_behind_when_it_fails(tmp_path):
    pytest.importorskip("pyarrow.parquet")
    network = read_network(DATA / "nets" / "d2_10_5_1_s0.npz")

    def interrupted():
        yield from islice(iterate_cells(network), 60)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(interrupted(), tmp_path / "cells.parquet", batch=50)
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"\[parquet\]"):
        write_parquet([], tmp_path / "cells.parquet")


def test_the_recipes_of_the_documentation_run(tmp_path, monkeypatch):
    pytest.importorskip("pyarrow.parquet")
    page = Path(__file__).parents[3] / "docs" / "cells.md"
    programs = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for program in programs:
        exec(compile(program, page.name, "exec"), names)
    assert len(programs) == 7
    assert (tmp_path / "cells.parquet").exists()
