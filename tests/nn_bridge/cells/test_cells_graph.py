"""The dual graph and the regions in numbers."""

import math

import networkx as nx
import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.adjacency import cell_adjacency, dual_graph
from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.counting.count import count_from_tree
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.statistics import cell_edges, cell_inradius, region_statistics
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron
from tests.families import DATA, ENTRIES
from tests.oracles.naive_cells import cells, pattern_text, plain, share_facet


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("d2_10_5_1_s0", 3.695, 3.705),
        ("d2_16_16_1_s0", 3.65, 3.94),
        ("d2_32_32_1_s0", 3.65, 3.94),
        ("d3_16_16_1_s0", 5.775, 5.855),
        ("d4_16_16_1_s0", 7.665, 7.675),
        ("d5_20_1_s0", 9.275, 9.285),
    ],
)
def test_mean_facets(name, low, high):
    assert low < cell_adjacency(read_network(DATA / "nets" / f"{name}.npz")).mean_facets < high


def test_diameter():
    graph = dual_graph(read_network(DATA / "nets" / "d2_10_5_1_s0.npz"))
    assert len(graph) == 119
    assert nx.diameter(graph) == 16


def test_neighbours_against_the_oracle():
    chosen = {}
    for entry in ENTRIES:
        if 3 <= entry["cells"] <= 24:
            chosen.setdefault((entry["family"], len(entry["weights"][0][0])), entry)
    for entry in chosen.values():
        dim = len(entry["weights"][0][0])
        found = cells(plain(entry["weights"], entry["biases"]), dim)
        expected = {
            frozenset((pattern_text(p), pattern_text(q)))
            for i, (p, one, _) in enumerate(found)
            for q, two, _ in found[:i]
            if share_facet(one, two, dim)
        }
        graph = dual_graph(Network.from_layers(entry["weights"], entry["biases"]))
        name = {
            node: "|".join("".join(str(int(on)) for on in stage) for stage in graph.nodes[node]["pattern"])
            for node in graph
        }
        assert {frozenset((name[a], name[b])) for a, b in graph.edges} == expected, entry["name"]


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_walls_have_one_side_and_other_facets_two(seed, boxed):
    # the engine checks it itself; here the numbers must add up
    rng = np.random.default_rng(seed)
    network = Network.from_layers(
        [rng.integers(-1, 2, (5, 3)), rng.integers(-1, 2, (3, 5)), rng.integers(-1, 2, (1, 3))],
        [rng.integers(-1, 2, 5), rng.integers(-1, 2, 3), [0]],
    )
    domain = Polyhedron.box([-1] * 3, [1] * 3) if boxed else None
    found = cell_adjacency(network, domain)
    listed = list(iterate_cells(network, domain))
    assert found.cells == len(listed)
    assert found.facets.tolist() == [len(cell.facets) for cell in listed]
    assert found.bounded.tolist() == [cell.bounded for cell in listed]
    walls = sum(bool(facet.walls) for cell in listed for facet in cell.facets)
    assert found.facets.sum() == 2 * len(found.edges) + walls
    assert nx.is_connected(dual_graph(network, domain))


def test_lines_that_nothing_cuts():
    build = NetworkBuilder(2)
    x = build.input()
    first = build.relu(build.affine(x, [[1, 0], [1, 0]], [0, -1]))
    network = build.finish(build.relu(build.affine(build.concatenate(first, x), [[0, 0, 0, 0], [1, -2, 0, 0]])))
    found = cell_adjacency(network)
    assert found.cells == len(list(iterate_cells(network)))
    assert not found.bounded.any()
    assert nx.is_connected(dual_graph(network))


def test_one_cell():
    graph = dual_graph(Network.from_layers([[[0, 0]], [[1]]], [[1], [0]]))
    assert graph.nodes[0] == {"pattern": ((True,),), "facets": 0, "bounded": False}


# -------------------------------------------------------------------------- regions


def test_regions_in_a_square():
    # |x| - |y| in the square [-1, 1]^2: four right triangles... cut by the axes into four unit squares
    network = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, -1, -1]]])
    regions = list(region_statistics(network, Polyhedron.box([-1, -1], [1, 1])))
    assert len(regions) == 4
    for region in regions:
        assert (region.polyhedra, region.volume, region.bounded, region.facets) == (1, 1, True, 4)
        low, high = region.inradius
        assert low <= fmpq(1, 2) <= high
        assert high - low < fmpq(1, 10**18)
        assert len(region.vertices) == 4
        assert [edge.length for edge in region.edges] == [1.0] * 4


def test_a_region_of_two_cells():
    # max(0, x) + max(0, -x) - |x| + y is linear, yet cut in two
    network = Network.from_layers([[[1], [-1]], [[1, -1]]])
    (region,) = region_statistics(network)
    assert (region.polyhedra, region.volume, region.inradius, region.bounded) == (2, None, None, False)
    assert region.facets == 0
    assert region.vertices == ((0,),)
    assert sorted(edge.direction for edge in region.edges) == [(-1,), (1,)]
    assert all(edge.length == math.inf for edge in region.edges)


def test_the_inradius_of_a_triangle():
    # x, y >= 0, 3 x + 4 y <= 12 is the right triangle 3-4-5 with inradius 1
    network = Network.from_layers([[[1, 0], [0, 1], [-3, -4]], [[1, 1, 1]]], [[0, 0, 12], [0]])
    (cell,) = [cell for cell in iterate_cells(network) if cell.bounded]
    low, high = cell_inradius(cell)
    assert low <= 1 <= high
    assert high - low < fmpq(1, 10**18)
    assert sorted(edge.length for edge in cell_edges(cell)) == [3.0, 4.0, 5.0]


@pytest.mark.parametrize("name", ["d2_10_5_1_s0", "cube"])
def test_regions_add_up(name):
    if name == "cube":
        rng = np.random.default_rng(2)
        network = Network.from_layers(
            [rng.integers(-2, 3, (4, 3)), rng.integers(-1, 2, (2, 4)), [[1, -1]]], [rng.integers(-1, 2, 4), [1, 0], [0]]
        )
    else:
        network = read_network(DATA / "nets" / f"{name}.npz")
    box = Polyhedron.box([-2] * network.input_dim, [2] * network.input_dim)
    regions = list(region_statistics(network, box))
    counts = count_from_tree(cell_problem(network, box))
    assert len(regions) == counts.regions
    assert sum(region.polyhedra for region in regions) == counts.cells
    assert len({region.affine_map for region in regions}) == counts.affine_maps
    assert sum(region.volume for region in regions) == box.volume()
    for region in regions:
        if region.polyhedra == 1:
            (cell,) = region.cells
            assert region.facets == len(cell.facets)
            # Euler's formula for polygons
            assert network.input_dim != 2 or len(region.edges) == len(region.vertices) == region.facets
