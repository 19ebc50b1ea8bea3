"""All engines on networks of all kinds: residual, convolutional, pooled, maxout, leaky, hard tanh, and mixtures.

The naive oracle reads the same normal form by exhaustive search in Python fractions; so agreement says that the engines
treat every form right, and equality with a plain evaluation of the architecture says that the form is right.
"""

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network import layers
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.signals import Arrays
from polyhedra.polyhedron import Polyhedron
from puiseux.questions.count import count_regions
from puiseux.questions.formula import tropical_maps
from tests.oracles.naive_cells import cells, four_counts

HALF, QUARTER = fmpq(1, 2), fmpq(1, 4)


# ---------------------------------------------------------------- architectures, exactly and in plain numpy


def leaky(x, slope):
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


ACTIVATIONS = {
    "relu": (layers.relu, lambda x: np.maximum(x, 0)),
    "leaky": (lambda o, x: layers.leaky_relu(o, x, QUARTER), lambda x: leaky(x, 0.25)),
    "steep": (lambda o, x: layers.leaky_relu(o, x, fmpq(-2)), lambda x: leaky(x, -2)),
    "abs": (layers.absolute, np.abs),
    "hard tanh": (lambda o, x: layers.clip(o, x, fmpq(-1), fmpq(1)), lambda x: np.clip(x, -1, 1)),
    "hard sigmoid": (
        lambda o, x: layers.hard_sigmoid(o, x, QUARTER, HALF), lambda x: np.clip(x / 4 + 0.5, 0, 1),
    ),
    "soft shrink": (
        lambda o, x: layers.soft_shrink(o, x, HALF), lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    ),
}  # fmt: skip


class Layer:
    """A step of an architecture: on arrays of signals, and on numpy arrays of shape (entries,)."""

    def __init__(self, name, exact, plain):
        self.name, self.exact, self.plain = name, exact, plain

    def __repr__(self):
        return self.name


def dense(weights, bias):
    W, b = np.array(weights), np.array(bias)
    return Layer(
        f"dense {weights} {bias}",
        lambda o, x: layers.linear(o, x, o.constant(W), o.constant(b)),
        lambda x: W @ x + b,
    )


def activation(name):
    exact, plain = ACTIVATIONS[name]
    return Layer(name, exact, plain)


def residual(weights, bias, name):
    inner, step = dense(weights, bias), activation(name)
    return Layer(
        f"residual {inner} {name}",
        lambda o, x: o.add(x, step.exact(o, inner.exact(o, x))),
        lambda x: x + step.plain(inner.plain(x)),
    )


def densely(weights, bias):
    inner = dense(weights, bias)
    return Layer(
        f"concatenated {inner}",
        lambda o, x: o.concatenate([x, layers.relu(o, inner.exact(o, x))], -1),
        lambda x: np.concatenate([x, np.maximum(inner.plain(x), 0)]),
    )


def convolution(kernel):
    k = np.array(kernel)

    def exact(o, x):
        image = o.reshape(x, (1, 1, *x.shape))
        result = layers.convolution(o, image, o.constant(k.reshape(1, 1, -1)), None, [1], [(1, 1)], [1])
        return o.reshape(result, (-1,))

    return Layer(f"convolution {kernel}", exact, lambda x: np.correlate(np.pad(x, 1), k, mode="valid"))


def pool(size):
    def exact(o, x):
        image = o.reshape(x, (1, 1, *x.shape))
        return o.reshape(layers.max_pool(o, image, [size], [1], [(0, 0)], [1]), (-1,))

    def plain(x):
        return np.array([x[i : i + size].max() for i in range(len(x) - size + 1)])

    return Layer(f"max pool {size}", exact, plain)


def maxout(pieces):
    return Layer(
        f"maxout {pieces}",
        lambda o, x: o.maximum_over(o.reshape(x, (-1, pieces)), 1),
        lambda x: x.reshape(-1, pieces).max(axis=1),
    )


small = st.integers(-2, 2)


def matrix(draw, rows, columns):
    entries = [[draw(small) for _ in range(columns)] for _ in range(rows)]
    return entries, [draw(st.integers(-2, 2).map(lambda v: v / 2)) for _ in range(rows)]


@st.composite
def architectures(draw, inputs=(1, 2), units=7):
    """Layers, and the input dimension; at most so many units, so that the oracle can try all patterns."""
    n = draw(st.sampled_from(inputs))
    width, left, steps = n, units, []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["plain", "plain", "residual", "densely", "convolution", "pool", "maxout"]))
        name = draw(st.sampled_from(sorted(ACTIVATIONS)))
        cost = 2 if name in ("hard tanh", "hard sigmoid", "soft shrink") else 1
        if kind == "plain" and 2 * cost <= left:
            steps += [dense(*matrix(draw, 2, width)), activation(name)]
            width, left = 2, left - 2 * cost
        elif kind == "residual" and width * cost <= left:
            steps.append(residual(*matrix(draw, width, width), name))
            left -= width * cost
        elif kind == "densely" and left >= 2:
            steps.append(densely(*matrix(draw, 2, width)))
            width, left = width + 2, left - 2
        elif kind == "convolution":
            steps.append(convolution([draw(small) for _ in range(3)]))
        elif kind == "pool" and 2 <= width <= left + 1:
            steps.append(pool(2))
            width, left = width - 1, left - (width - 1)
        elif kind == "maxout" and left >= 2:
            steps += [dense(*matrix(draw, 3, width)), maxout(3)]
            width, left = 1, left - 2
    steps.append(dense(*matrix(draw, draw(st.integers(1, 2)), width)))
    return n, steps


def network_of(architecture):
    n, steps = architecture
    ops = Arrays(NetworkBuilder(n))
    x = ops.input((n,))
    for step in steps:
        x = step.exact(ops, x)
    return ops.build.finish(x.signal)


# ---------------------------------------------------------------- the oracle's view


def fractions(row):
    return tuple(Fraction(int(v.p), int(v.q)) for v in row)


def naive(network, domain=()):
    """The four counts by exhaustive search."""
    stages, before = [], [network.input_dim]
    for stage in (*network.stages, network.output):
        rows = []
        for i, bias in enumerate(stage.bias):
            row = []
            for source, size in enumerate(before):
                block = stage.block(source)
                row += [Fraction(0)] * size if block is None else list(fractions(block[i]))
            rows.append((tuple(row), fractions([bias])[0]))
        stages.append(rows)
        before.append(stage.units)
    return four_counts(cells(stages, network.input_dim, domain), network.input_dim)


def box_forms(n, half=2):
    units = [tuple(Fraction(int(i == j)) for j in range(n)) for i in range(n)]
    return [(*(sign * v for v in unit), Fraction(half)) for unit in units for sign in (1, -1)]


# ---------------------------------------------------------------- laws


@settings(max_examples=60, deadline=None, derandomize=True)
@given(architectures(inputs=(1, 2, 3), units=20), st.integers(0, 10**6))
def test_the_normal_form_is_the_architecture(architecture, seed):
    network = network_of(architecture)
    for x in np.random.default_rng(seed).integers(-12, 13, (4, architecture[0])) / 4:
        y = x
        for step in architecture[1]:
            y = step.plain(y)
        assert network.evaluate(x.tolist()) == tuple(fmpq(*float(v).as_integer_ratio()) for v in y)


@settings(max_examples=35, deadline=None, derandomize=True)
@given(architectures(), st.booleans())
def test_cells_and_tropical_agree_with_the_oracle(architecture, on_box):
    network = network_of(architecture)
    n = network.input_dim
    domain = Polyhedron.box([-2] * n, [2] * n) if on_box else None
    expected = naive(network, box_forms(n) if on_box else ())
    assert count_regions(network, domain, "cells").counts == expected
    assert count_regions(network, domain, "tropical").counts == expected


@settings(max_examples=20, deadline=None, derandomize=True)
@given(architectures(), st.integers(0, 10**6))
def test_the_tropical_maps_are_the_function(architecture, seed):
    network = network_of(architecture)
    maps = tropical_maps(network)
    for x in np.random.default_rng(seed).integers(-12, 13, (4, network.input_dim)).tolist():
        point = [fmpq(v, 3) for v in x]
        assert network.evaluate(point) == tuple(f(point) for f in maps)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(architectures(), st.integers(0, 10**6))
def test_sign_vectors_agree_or_say_why_not(architecture, seed):
    network = in_general_position(network_of(architecture), seed)
    found = count_regions(network, "box:-2,2", "sign-vectors")
    expected = count_regions(network, "box:-2,2", "cells", counts="cells").cells
    assert found.cells == expected if found.cells is not None else found.reason


@settings(max_examples=8, deadline=None, derandomize=True)
@given(architectures(units=5))
def test_mixed_integer_programs_agree_or_say_why_not(architecture):
    pytest.importorskip("pyscipopt", reason="needs the extra [milp]")
    network = network_of(architecture)
    found = count_regions(network, "box:-2,2", "milp")
    expected = count_regions(network, "box:-2,2", "cells")
    if found.cells is None:
        assert found.reason
    else:
        assert (found.cells, found.affine_maps) == (expected.cells, expected.affine_maps)


@pytest.mark.parametrize("domain", [None, Polyhedron.box([-1, -1], [1, 1]), Polyhedron([[1, 2]], [3])])
def test_an_affine_network_is_one_cell(domain):
    network = Network.from_layers([[[1, 2], [0, 1]]], [[1, 0]])
    for engine in ("cells", "tropical"):
        counts = count_regions(network, domain, engine).counts
        assert set(counts.values()) == {1}
    (cell,) = iterate_cells(network, domain)
    assert cell.pattern == ()
    assert (cell.affine_map.matrix, cell.affine_map.offset) == (((1, 2), (0, 1)), (1, 0))
    assert len(cell.inequalities) == (0 if domain is None else len(domain.b))
    assert cell.bounded == (domain is not None and len(domain.b) == 4)


def in_general_position(network, seed):
    """The same architecture with weights moved a little, so that hyperplanes meet generically."""
    rng = np.random.default_rng(seed)

    def moved(row):
        return tuple(v + fmpq(int(rng.integers(-99, 100)), 1000) if v else v for v in row)

    def stage(old):
        blocks = tuple((source, tuple(map(moved, matrix))) for source, matrix in old.blocks)
        shift = tuple(b + fmpq(int(rng.integers(-99, 100)), 997) for b in old.bias)
        return AffineStage(blocks, shift)

    return Network(network.input_dim, tuple(map(stage, network.stages)), stage(network.output))


def test_most_sign_vector_counts_vouch_for_a_number():
    """A law about agreement where there is a number needs that there is one."""
    generic = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        steps = [
            dense(rng.integers(-2, 3, (2, 2)).tolist(), [0.5, -1]), activation("leaky"),
            residual(rng.integers(1, 3, (2, 2)).tolist(), [1, 0.5], "relu"), maxout(2),
        ]  # fmt: skip
        network = in_general_position(network_of((2, steps)), seed)
        generic += count_regions(network, "box:-2,2", "sign-vectors").cells is not None
    assert generic >= 4
