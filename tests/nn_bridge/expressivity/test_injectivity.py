"""Injective, and onto: theorems about layers, compositions of bijections, one-dimensional oracles, exact witnesses."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pytest

from nn_bridge.expressivity.injectivity import injectivity
from nn_bridge.expressivity.surjectivity import ends_in_relu, surjectivity
from nn_bridge.network.network import Network
from polyhedra.matrix import rank
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, rational_rows


def invertible(draw: random.Random, size: int) -> list[list[int]]:
    while True:
        rows = [[draw.randint(-3, 3) for _ in range(size)] for _ in range(size)]
        if rank(rational_rows(rows)) == size:
            return rows


def chain(draw: random.Random, size: int, layers: int) -> Network:
    """Invertible matrices and leaky ReLUs: a bijection of R^n."""
    weights = [invertible(draw, size) for _ in range(layers)]
    biases = [[draw.randint(-3, 3) for _ in range(size)] for _ in range(layers)]
    return Network.from_layers(weights, biases, ["leaky:1/4"] * (layers - 1) + ["linear"])


def check(network: Network, domain: Polyhedron | None = None) -> bool:
    """The answer, with its witness evaluated."""
    found = injectivity(network, domain)
    assert found.injective is not None
    if found.points is not None:
        first, second = found.points
        assert first != second
        assert network.evaluate(first) == network.evaluate(second) == found.output
        assert domain is None or (domain.contains(first) and domain.contains(second))
    assert (found.points is None) == found.injective
    return found.injective


@pytest.mark.parametrize("seed", range(6))
def test_compositions_of_bijections_are_bijections(seed: int) -> None:
    draw = random.Random(seed)
    network = chain(draw, draw.choice([2, 2, 3]), draw.choice([2, 3]))
    assert check(network)
    onto = surjectivity(network)
    assert (onto.surjective, onto.target, onto.unreached) == (True, "R^m", None)


def full_on_all_cells(W: list[list[int]], b: list[int]) -> bool:
    """Whether the active rows of a layer span R^2 near each crossing of lines in every direction: on all cells."""
    lines = [(row, c) for row, c in zip(W, b, strict=True) if any(row)]
    places = [(Fraction(0), Fraction(0))]
    for (r, c), (s, e) in itertools.combinations(lines, 2):
        det = r[0] * s[1] - r[1] * s[0]
        if det:
            places.append((Fraction(-c * s[1] + e * r[1], det), Fraction(-r[0] * e + s[0] * c, det)))
    for place in places:
        for direction in itertools.product(range(-7, 8), repeat=2):
            x = [p + Fraction(d, 10**6) for p, d in zip(place, direction, strict=True)]
            active = [r for r, c in lines if r[0] * x[0] + r[1] * x[1] + c > 0]
            on_line = any(r[0] * x[0] + r[1] * x[1] + c == 0 for r, c in lines)
            if not on_line and rank(rational_rows(active or [[0, 0]])) < 2:
                return False
    return True


@pytest.mark.parametrize("seed", range(30))
def test_layers_are_injective_iff_active_rows_span_on_every_cell(seed: int) -> None:
    """Units active between two points with the same outputs are constant between them (Puthawala et al. 2022)."""
    draw = random.Random(seed)
    W = [[draw.randint(-2, 2) for _ in range(2)] for _ in range(draw.choice([3, 4, 5]))]
    if seed % 3 == 0:
        half = [[draw.randint(-3, 3) for _ in range(2)] for _ in range(3)]
        W = half + [[-v for v in row] for row in half]  # often injective
    b = [draw.choice([-1, 0, 0, 0, 2]) if seed % 2 else 0 for _ in W]
    network = Network.from_layers([W], [b], relu_on_output=True)
    assert check(network) == full_on_all_cells(W, b)


def values_at_kinks(network: Network, kinks: list[Fraction]) -> list[tuple[Fraction, ...]]:
    return [tuple(Fraction(int(v.p), int(v.q)) for v in network.evaluate([str(x)])) for x in kinks]


def meets_itself(points: list[tuple[Fraction, ...]]) -> bool:
    """Whether a plane polygon meets itself, by crossing segments (neighbours: only if they fold back)."""
    segments = list(itertools.pairwise(points))
    for i, (p, q) in enumerate(segments):
        if p == q:
            return True
        for j in range(i + 1, len(segments)):
            r, s = segments[j]
            d, e = (q[0] - p[0], q[1] - p[1]), (s[0] - r[0], s[1] - r[1])
            cross = d[0] * e[1] - d[1] * e[0]
            w = (r[0] - p[0], r[1] - p[1])
            if cross:
                t = (w[0] * e[1] - w[1] * e[0]) / cross
                u = (w[0] * d[1] - w[1] * d[0]) / cross
                if 0 <= t <= 1 and 0 <= u <= 1 and not (j == i + 1 and t == 1 and u == 0):
                    return True
            elif w[0] * d[1] - w[1] * d[0] == 0:
                size = d[0] ** 2 + d[1] ** 2
                spans = sorted(((v[0] - p[0]) * d[0] + (v[1] - p[1]) * d[1]) / size for v in (r, s))
                touching = j == i + 1 and spans[0] == 1
                if spans[0] <= 1 and spans[1] >= 0 and not touching:
                    return True
    return False


@pytest.mark.parametrize("seed", range(40))
def test_curves_in_the_plane(seed: int) -> None:
    """On an interval: an injective curve is a polygon that does not meet itself."""
    draw = random.Random(100 + seed)
    units = draw.choice([1, 2, 3])
    W, b = [[draw.choice([-2, -1, 1, 2])] for _ in range(units)], [draw.randint(-3, 3) for _ in range(units)]
    V = [[draw.randint(-2, 2) for _ in range(units)] for _ in range(2)]
    network = Network.from_layers([W, V], [b, [0, 0]])
    kinks = {Fraction(-c, w[0]) for w, c in zip(W, b, strict=True)} | {Fraction(-4), Fraction(4)}
    ends = sorted(k for k in kinks if -4 <= k <= 4)
    expected = not meets_itself(values_at_kinks(network, ends))
    assert check(network, Polyhedron.box([-4], [4])) == expected


@pytest.mark.parametrize("seed", range(30))
def test_functions_of_one_variable(seed: int) -> None:
    """Injective iff all slopes have one sign; onto R iff the outer pieces go to both infinities."""
    draw = random.Random(seed)
    units = draw.choice([1, 2, 3])
    W, b = [[draw.choice([-2, -1, 1, 2])] for _ in range(units)], [draw.randint(-3, 3) for _ in range(units)]
    network = Network.from_layers([W, [[draw.randint(-2, 3) for _ in range(units)]]], [b, [1]])
    ends = sorted({Fraction(-c, w[0]) for w, c in zip(W, b, strict=True)})
    ends = [ends[0] - 1, *ends, ends[-1] + 1]
    values = [v[0] for v in values_at_kinks(network, ends)]
    slopes = [q - p for p, q in itertools.pairwise(values)]
    assert check(network) == (all(s > 0 for s in slopes) or all(s < 0 for s in slopes))
    onto = surjectivity(network)
    assert onto.surjective == (slopes[0] * slopes[-1] > 0)
    if onto.unreached is not None:
        value = Fraction(int(onto.unreached[0].p), int(onto.unreached[0].q))
        low = min(values) if slopes[0] <= 0 and slopes[-1] >= 0 else None
        high = max(values) if slopes[0] >= 0 and slopes[-1] <= 0 else None
        assert (low is not None and value < low) or (high is not None and value > high)


def test_layers_onto_the_orthant() -> None:
    """A ReLU layer reaches the orthant if and only if its rows are independent."""
    for rows in itertools.product([[1, 0], [0, 1], [1, 1], [2, 2], [-1, 0]], repeat=2):
        found = surjectivity(Network.from_layers([list(rows)], [[1, -1]], relu_on_output=True))
        assert found.target == "orthant"
        assert found.surjective == (rank(rational_rows(rows)) == 2)
        if found.unreached is not None:
            assert all(value >= 0 for value in found.unreached)
    assert surjectivity(Network.from_layers([[[1, 0], [0, 1], [1, 1]]], relu_on_output=True)).surjective is False
    assert not ends_in_relu(Network.from_layers([[[1], [-1]], [[1, 1]]]))


def test_more_inputs_than_outputs_and_bounded_domains() -> None:
    sum_of_two = Network.from_layers([[[1, 1]], [[1]]], activations=["leaky:1/2", "linear"])
    assert not check(sum_of_two)
    assert surjectivity(sum_of_two).surjective
    bounded = surjectivity(sum_of_two, Polyhedron.box([-1, -1], [1, 1]))
    assert bounded.surjective is False
    assert bounded.unreached is not None
    assert not rational(-1) <= bounded.unreached[0] <= rational(2)
    constant = Network.from_layers([[[0, 0]], [[1]]], [[1], [0]])
    assert not check(constant)
    assert surjectivity(constant).surjective is False


def test_points_that_only_lower_dimensional_images_reach_are_avoided() -> None:
    """(x, |x|) is a curve through (0, 0): an unreached point lies beside it."""
    curve = Network.from_layers([[[1], [-1]], [[1, -1], [1, 1]]])
    found = surjectivity(curve)
    assert found.surjective is False
    assert found.unreached is not None
    assert found.unreached[1] != abs(found.unreached[0])
    assert check(curve)


def test_a_limit_leaves_it_open() -> None:
    network = chain(random.Random(1), 3, 4)
    for found in (injectivity(network, time_limit_seconds=1e-4), surjectivity(network, time_limit_seconds=1e-4)):
        assert found.reason == "time limit"
    assert injectivity(network, time_limit_seconds=1e-4).injective is None
    assert surjectivity(network, time_limit_seconds=1e-4).surjective is None
