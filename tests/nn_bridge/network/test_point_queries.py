"""The cells at a point, and points where two networks differ."""

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from tests.families import ENTRIES
from tests.oracles.naive_cells import cells, pattern_text, plain

SAMPLE = [entry for entry in ENTRIES if entry["cells"] <= 40][::23]


@pytest.mark.parametrize("entry", SAMPLE, ids=lambda entry: entry["name"])
def test_cells_at_a_point_are_the_oracles_cells_that_contain_it(entry):
    network = Network.from_layers(entry["weights"], entry["biases"])
    n = network.input_dim
    everything = cells(plain(entry["weights"], entry["biases"]), n)
    points = [[0] * n, [1] * n, [fmpq(-3, 7)] * n, list(range(n))]
    points += [vertex for cell in network.cell_at([1] * n) for vertex in cell.polyhedron.vertices()[:2]]
    for point in points:
        x = [int(fmpq(v).p) for v in point], [int(fmpq(v).q) for v in point]
        around = [
            pattern_text(pattern) for pattern, forms, _ in everything if all(value(form, *x) >= 0 for form in forms)
        ]
        found = network.cell_at(point)
        assert [pattern_text([list(map(int, bits)) for bits in cell.pattern]) for cell in found] == sorted(around)


def value(form, numerators, denominators):
    """A form of fractions at a rational point."""
    from fractions import Fraction

    return sum(a * Fraction(p, q) for a, p, q in zip(form, numerators, denominators, strict=False)) + form[-1]


def test_a_cell_knows_its_set_and_its_map():
    network = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 2, -1], [0, 0, 1]]], [[0, 0, -1], ["1/2", 0]])
    (cell,) = network.cell_at([2, -5])
    assert cell.pattern == ((True, False, False),)
    assert cell.polyhedron.contains([2, -5], strict=True)
    assert cell.affine_map == ((fmpq(1), 0, fmpq(1, 2)), (0, 0, 0))
    corner = network.cell_at([0, 0])
    assert len(corner) == 4
    assert all(c.polyhedron.is_full_dimensional() and c.polyhedron.contains([0, 0]) for c in corner)
    at_one = network.cell_at([1, 0])
    assert len(at_one) == 4  # two lines cross there: x2 = 0 and x1 + x2 = 1


def test_dead_and_duplicate_units_do_not_split_cells():
    network = Network.from_layers([[[1], [2], [-1], [0]], [[1, 1, 1, 1]]], [[0, 0, 0, 0], [0]])
    assert [cell.pattern for cell in network.cell_at([0])] == [
        ((False, False, True, False),),
        ((True, True, False, False),),
    ]


def test_bad_points_are_refused():
    network = Network.from_layers([[[1, 1]]])
    for point in ([1], [1, float("nan")], None, ["x", 1]):
        with pytest.raises(NetworkError, match="input point"):
            network.cell_at(point)


entries = st.integers(-2, 2)


@st.composite
def pairs(draw):
    """A network and the same function written in another way: units permuted, rescaled, doubled, dead ones added."""
    n, width = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    first = [[draw(entries) for _ in range(n)] for _ in range(width)]
    shift = [draw(entries) for _ in range(width)]
    second = [[draw(entries) for _ in range(width)]]
    network = Network.from_layers([first, second], [shift, [1]])
    order = draw(st.permutations(range(width)))
    scale = [fmpq(draw(st.integers(1, 5)), draw(st.integers(1, 5))) for _ in order]
    rows = [[s * v for v in first[i]] for s, i in zip(scale, order, strict=True)] + [first[0], [0] * n]
    biases = [s * shift[i] for s, i in zip(scale, order, strict=True)] + [shift[0], -1]
    out = [fmpq(second[0][i]) / s for s, i in zip(scale, order, strict=True)]
    out[order.index(0)] -= scale[order.index(0)] ** -1 * 2
    other = Network.from_layers([rows, [[*out, 2, 5]]], [biases, [1]])
    return network, other


@settings(deadline=None, derandomize=True, max_examples=40)
@given(pairs(), st.integers(0, 3), st.sampled_from(["1/1000", "-2", "1e-30"]))
def test_the_same_function_is_recognised_and_a_change_is_found(pair, where, change):
    one, two = pair
    assert one.same_function(two)
    assert two.point_of_difference(one) is None
    build = NetworkBuilder(one.input_dim)
    x = build.input()
    bump = build.relu(build.affine(x, [[1] * one.input_dim], [-where]))
    layers = two.layers
    hidden = build.relu(build.affine(x, layers[0].weights, layers[0].bias))
    output = build.affine(hidden, layers[1].weights, layers[1].bias)
    changed = build.finish(build.add(output, build.affine(bump, [[change]])))
    point = one.point_of_difference(changed)
    assert point is not None
    assert one.evaluate(point) != changed.evaluate(point)


def test_differences_far_away_or_tiny_are_found():
    flat = Network.from_layers([[[0]]])
    far = Network.from_layers([[[1]], [[1]]], [[-(10**9)], [0]])
    dent = Network.from_layers(
        [[["1"], ["1"], ["1"]], [[1, -2, 1]]], [["-1.00000001", "-1.00000002", "-1.00000003"], [0]]
    )
    for network in (far, dent):
        point = flat.point_of_difference(network)
        assert point is not None
        assert network.evaluate(point) != (0,)


def test_several_outputs_and_sizes():
    one = Network.from_layers([[[1], [2]]])
    assert not one.same_function(Network.from_layers([[[1], [3]]]))
    with pytest.raises(NetworkError, match="outputs"):
        one.same_function(Network.from_layers([[[1]]]))
    with pytest.raises(NetworkError, match="inputs"):
        one.same_function(Network.from_layers([[[1, 1], [1, 2]]]))
