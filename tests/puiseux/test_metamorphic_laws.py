"""Laws of the counts under changes of a network, exactly, by two independent routes.

Networks are drawn with small integers (degenerate more often than not) or with odd dyadic numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from nn_bridge.symbolic.count import count_symbolic
from polyhedra.matrix import AffineMap
from polyhedra.polyhedron import Polyhedron
from puiseux.cross_check.disagreement import pattern_text, point_with
from puiseux.routes import ROUTES

Layers = tuple[list[list[list[fmpq]]], list[list[fmpq]]]
Route = Callable[[Network, Polyhedron | None], RegionCount]

COUNTERS: dict[str, Route] = {"cells": count_cells, "tropical": count_symbolic}
EXAMPLES = {"cells": 40, "tropical": 10}
BY_BOTH = pytest.mark.parametrize("name", COUNTERS)


def by_law(law: Callable[[str, Any], None]) -> Callable[[str], None]:
    """A test of the law for one route, with as many examples as that route is quick."""

    def test(name: str) -> None:
        @settings(max_examples=EXAMPLES[name], deadline=None, derandomize=True)
        @given(st.data())
        def check(data: st.DataObject) -> None:
            law(name, data)

        check()

    test.__name__, test.__doc__ = law.__name__, law.__doc__
    return BY_BOTH(test)


# ---------------------------------------------------------------- drawing


def draw_layers(data: st.DataObject, outputs: int = 2, largest: int = 4) -> Layers:
    sizes = [data.draw(st.integers(1, 3)), *data.draw(st.lists(st.integers(2, largest), min_size=1, max_size=2))]
    sizes.append(data.draw(st.integers(1, outputs)))
    integers = st.integers(-2, 2).map(fmpq)
    dyadic = st.integers(-500, 500).map(lambda k: fmpq(2 * k + 1, 256))
    numbers = data.draw(st.sampled_from([integers, dyadic]))
    weights = [[[data.draw(numbers) for _ in range(a)] for _ in range(b)] for a, b in pairwise(sizes)]
    return weights, [[data.draw(numbers) for _ in range(b)] for b in sizes[1:]]


def network_of(layers: Layers) -> Network:
    return Network.from_layers(*layers)


def copied(layers: Layers) -> Layers:
    weights, biases = layers
    return [[list(row) for row in matrix] for matrix in weights], [list(bias) for bias in biases]


def counts(name: str, network: Network, domain: Polyhedron | None = None) -> dict[str, int | None]:
    result = COUNTERS[name](network, domain)
    assert result.exact
    assert result.complete
    return result.counts


def patterns(name: str, network: Network, domain: Polyhedron | None = None) -> list[str]:
    """The patterns that the route finds; each once, as many as it counts."""
    found = sorted(pattern_text(pattern, network) for pattern in ROUTES[name].patterns(network, domain))
    assert len(set(found)) == len(found)
    return found


def some_box(data: st.DataObject, dim: int) -> Polyhedron | None:
    low = [data.draw(st.integers(-3, 1)) for _ in range(dim)]
    whole = data.draw(st.booleans())
    return None if whole else Polyhedron.box(low, [v + data.draw(st.integers(1, 4)) for v in low])


def a_unit(data: st.DataObject, layers: Layers) -> tuple[int, int]:
    layer = data.draw(st.integers(0, len(layers[0]) - 2))
    return layer, data.draw(st.integers(0, len(layers[0][layer]) - 1))


# ---------------------------------------------------------------- the laws


@by_law
def test_the_order_of_neurons_does_not_matter(name: str, data: Any) -> None:
    layers = draw_layers(data)
    weights, biases = copied(layers)
    orders = []
    for k in range(len(weights) - 1):
        order = data.draw(st.permutations(range(len(weights[k]))))
        weights[k] = [weights[k][i] for i in order]
        biases[k] = [biases[k][i] for i in order]
        weights[k + 1] = [[row[i] for i in order] for row in weights[k + 1]]
        orders.append(order)
    one, other = network_of(layers), network_of((weights, biases))
    domain = some_box(data, one.input_dim)
    assert counts(name, one, domain) == counts(name, other, domain)
    moved = [
        "|".join("".join(stage[i] for i in order) for stage, order in zip(text.split("|"), orders, strict=True))
        for text in patterns(name, one, domain)
    ]
    assert sorted(moved) == patterns(name, other, domain)


@by_law
def test_positive_factors_can_move_to_the_next_layer(name: str, data: Any) -> None:
    layers = draw_layers(data)
    weights, biases = copied(layers)
    for k in range(len(weights) - 1):
        for i in range(len(weights[k])):
            factor = data.draw(st.sampled_from([fmpq(1, 3), fmpq(2), fmpq(1, 2**60), fmpq(10**9)]))
            weights[k][i] = [factor * v for v in weights[k][i]]
            biases[k][i] *= factor
            for row in weights[k + 1]:
                row[i] /= factor
    one, other = network_of(layers), network_of((weights, biases))
    domain = some_box(data, one.input_dim)
    assert counts(name, one, domain) == counts(name, other, domain)
    assert patterns(name, one, domain) == patterns(name, other, domain)


@by_law
def test_an_invertible_change_of_the_input_changes_nothing(name: str, data: Any) -> None:
    net = network_of(draw_layers(data))
    n = net.input_dim
    entry = st.integers(-2, 2).map(fmpq)
    lower = [[data.draw(entry) if j < i else fmpq(int(i == j)) for j in range(n)] for i in range(n)]
    upper = [[data.draw(entry) if j > i else fmpq(3 * int(i == j), 2) for j in range(n)] for i in range(n)]
    matrix = [[sum((lower[i][k] * upper[k][j] for k in range(n)), fmpq(0)) for j in range(n)] for i in range(n)]
    origin = [data.draw(entry) / 3 for _ in range(n)]
    moved = net.restrict_to(matrix, origin)
    domain = some_box(data, n)
    there = None if domain is None else domain.preimage(AffineMap(matrix, origin, n))
    assert counts(name, net, domain) == counts(name, moved, there)
    assert patterns(name, net, domain) == patterns(name, moved, there)


@by_law
def test_a_dead_neuron_changes_nothing(name: str, data: Any) -> None:
    layers = draw_layers(data)
    weights, biases = copied(layers)
    layer, _ = a_unit(data, layers)
    if layer == 0 or data.draw(st.booleans()):
        weights[layer].append([fmpq(0)] * len(weights[layer][0]))
    else:  # its sources are at least 0, so it is never positive
        weights[layer].append([-abs(data.draw(st.integers(0, 2).map(fmpq))) for _ in weights[layer][0]])
    biases[layer].append(fmpq(-data.draw(st.integers(0, 1))))
    for row in weights[layer + 1]:
        row.append(fmpq(data.draw(st.integers(-2, 2))))
    one, other = network_of(layers), network_of((weights, biases))
    domain = some_box(data, one.input_dim)
    assert counts(name, one, domain) == counts(name, other, domain)
    stages = [text.split("|") for text in patterns(name, one, domain)]
    extended = ["|".join(bits + "0" * (k == layer) for k, bits in enumerate(stage)) for stage in stages]
    assert extended == patterns(name, other, domain)


@by_law
def test_a_neuron_split_in_two_changes_nothing(name: str, data: Any) -> None:
    layers = draw_layers(data)
    weights, biases = copied(layers)
    layer, unit = a_unit(data, layers)
    share = data.draw(st.sampled_from([fmpq(1, 3), fmpq(-2), fmpq(0)]))
    scale = data.draw(st.sampled_from([fmpq(1), fmpq(5, 7)]))
    weights[layer].append([scale * v for v in weights[layer][unit]])
    biases[layer].append(scale * biases[layer][unit])
    for row in weights[layer + 1]:
        row.append((1 - share) * row[unit] / scale)
        row[unit] *= share
    one, other = network_of(layers), network_of((weights, biases))
    domain = some_box(data, one.input_dim)
    assert counts(name, one, domain) == counts(name, other, domain)
    stages = [text.split("|") for text in patterns(name, one, domain)]
    doubled = ["|".join(b + b[unit] if k == layer else b for k, b in enumerate(stage)) for stage in stages]
    assert sorted(doubled) == patterns(name, other, domain)


@by_law
def test_an_affine_function_added_to_the_output_changes_nothing(name: str, data: Any) -> None:
    weights, biases = draw_layers(data)
    slope = [[data.draw(st.integers(-2, 2)) for _ in weights[0][0]] for _ in weights[-1]]
    shift = [data.draw(st.integers(-2, 2)) for _ in weights[-1]]
    build = NetworkBuilder(len(weights[0][0]))
    signal = build.input()
    for matrix, bias in zip(weights[:-1], biases[:-1], strict=True):
        signal = build.relu(build.affine(signal, matrix, bias))
    output = build.affine(signal, weights[-1], biases[-1])
    one, other = (
        network_of((weights, biases)),
        build.finish(build.add(output, build.affine(build.input(), slope, shift))),
    )
    domain = some_box(data, one.input_dim)
    assert counts(name, one, domain) == counts(name, other, domain)
    assert patterns(name, one, domain) == patterns(name, other, domain)


@by_law
def test_an_invertible_map_of_the_outputs_changes_nothing(name: str, data: Any) -> None:
    weights, biases = draw_layers(data)
    factor = data.draw(st.sampled_from([fmpq(-1), fmpq(1, 7)]))
    rows = [[factor * v for v in row] for row in weights[-1]]
    added = [[p + q for p, q in zip(rows[0], row, strict=True)] for row in rows[1:]]
    new_bias = [factor * biases[-1][0], *(factor * (biases[-1][0] + b) for b in biases[-1][1:])]
    other = network_of(([*weights[:-1], [rows[0], *added]], [*biases[:-1], new_bias]))
    domain = some_box(data, len(weights[0][0]))
    assert counts(name, network_of((weights, biases)), domain) == counts(name, other, domain)


@by_law
def test_networks_side_by_side_multiply(name: str, data: Any) -> None:
    def plain() -> Layers:
        width = data.draw(st.integers(1, 3))
        number = st.integers(-2, 2).map(fmpq)
        rows = [[data.draw(number)] for _ in range(width)]
        return [rows, [[data.draw(number) for _ in range(width)]]], [
            [data.draw(number) for _ in range(width)],
            [fmpq(0)],
        ]

    (first, first_bias), (second, second_bias) = plain(), plain()
    weights = [
        [[*row, *[fmpq(0)] * len(b[0])] for row in a] + [[*[fmpq(0)] * len(a[0]), *row] for row in b]
        for a, b in zip(first, second, strict=True)
    ]
    both = network_of((weights, [[*a, *b] for a, b in zip(first_bias, second_bias, strict=True)]))
    one, other = counts(name, network_of((first, first_bias))), counts(name, network_of((second, second_bias)))
    assert counts(name, both) == {key: (one[key] or 0) * (other[key] or 0) for key in one}


@by_law
def test_a_domain_cut_in_two(name: str, data: Any) -> None:
    net = network_of(draw_layers(data))
    n = net.input_dim
    axis = data.draw(st.integers(0, n - 1))
    low, high = [-2] * n, [2] * n
    at = data.draw(st.sampled_from([fmpq(0), fmpq(1), fmpq(1, 3)]))
    left = Polyhedron.box(low, [at if i == axis else v for i, v in enumerate(high)])
    right = Polyhedron.box([at if i == axis else v for i, v in enumerate(low)], high)
    whole = Polyhedron.box(low, high)
    cells = patterns(name, net, whole)
    sides = [patterns(name, net, part) for part in (left, right)]
    # a cell is cut iff it has inner points strictly on both sides, which two linear programs tell
    cut = [text for text in cells if all(point_with(net, text, part) is not None for part in (left, right))]
    assert set(sides[0]) | set(sides[1]) == set(cells)
    assert set(sides[0]) & set(sides[1]) == set(cut)
    parts = [counts(name, net, part) for part in (left, right)]
    total = counts(name, net, whole)
    assert parts[0]["cells"] + parts[1]["cells"] - len(cut) == total["cells"] == len(cells)  # type: ignore[operator]
    maps = [{net.affine_forms(cell.pattern)[-1] for cell in iterate_cells(net, part)} for part in (left, right, whole)]
    assert maps[0] | maps[1] == maps[2]
    assert [len(found) for found in maps] == [*(part["affine_maps"] for part in parts), total["affine_maps"]]
    for key in ("regions", "regions_by_point"):
        one, other, both = parts[0][key], parts[1][key], total[key]
        assert one is not None
        assert other is not None
        assert both is not None
        assert both <= one + other
