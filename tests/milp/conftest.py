"""Naive exact oracles for the mixed-integer package: every activation pattern, one exact linear program each."""

import itertools

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from polyhedra.linear_program import InteriorPoint, Optimal, interior, maximize
from polyhedra.polyhedron import Polyhedron


def closed_cell(network, pattern, domain):
    """Rows of the closed cell of a pattern inside the domain, and the forms of the outputs."""
    forms = network.affine_forms(pattern)
    rows, right = [list(row) for row in domain.A], list(domain.b)
    for stage, phases in zip(forms, pattern, strict=False):
        for (*a, b), active in zip(stage, phases, strict=True):
            rows.append([-v for v in a] if active else list(a))
            right.append(b if active else -b)
    return rows, right, forms[-1]


def patterns_of(network):
    """All activation patterns, possible or not."""
    sizes = network.hidden
    for bits in itertools.product((False, True), repeat=sum(sizes)):
        rest = iter(bits)
        yield tuple(tuple(itertools.islice(rest, size)) for size in sizes)


@pytest.fixture(scope="session")
def maximum_by_cells():
    """maximum(network, domain, weights, input_weights) -> the exact maximum of weights . f(x) + input_weights . x."""

    def maximum(network, domain, weights, input_weights=None):
        best = None
        extra = [fmpq(0)] * network.input_dim if input_weights is None else input_weights
        for pattern in patterns_of(network):
            rows, right, outputs = closed_cell(network, pattern, domain)
            total = [
                sum((w * row[j] for w, row in zip(weights, outputs, strict=True)), fmpq(0))
                for j in range(len(outputs[0]))
            ]
            *objective, offset = total
            objective = [p + q for p, q in zip(objective, extra, strict=True)]
            answer = maximize(objective, rows, right, domain.A_eq, domain.b_eq)
            if isinstance(answer, Optimal) and (best is None or answer.value + offset > best):
                best = answer.value + offset
        return best

    return maximum


@pytest.fixture(scope="session")
def cells_by_patterns():
    """cells(network, domain) -> the patterns with a full-dimensional cell (vanishing units count as inactive)."""

    def cells(network, domain, candidates=None):
        found = set()
        for pattern in patterns_of(network) if candidates is None else candidates:
            forms = network.affine_forms(pattern)
            rows, right, possible = [list(row) for row in domain.A], list(domain.b), True
            for stage, phases in zip(forms, pattern, strict=False):
                for (*a, b), active in zip(stage, phases, strict=True):
                    if not any(a):
                        possible = possible and (b > 0) == active
                        continue
                    rows.append([-v for v in a] if active else list(a))
                    right.append(b if active else -b)
            if possible and isinstance(interior(rows, right, dim=network.input_dim), InteriorPoint):
                found.add(pattern)
        return found

    return cells


@pytest.fixture(scope="session")
def random_network():
    """random_network(rng, shape, kind) -> a small network; kinds: gaussian, integer, skip."""

    def make(rng, shape, kind="gaussian"):
        if kind == "integer":
            weights = [rng.integers(-2, 3, size=(o, i)).tolist() for i, o in itertools.pairwise(shape)]
            biases = [rng.integers(-1, 2, size=o).tolist() for o in shape[1:]]
        else:
            weights = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(shape)]
            biases = [0.5 * rng.normal(size=o) for o in shape[1:]]
        if kind != "skip":
            return Network.from_layers(weights, biases)
        from nn_bridge.network.builder import NetworkBuilder

        build = NetworkBuilder(shape[0])
        signal = build.input()
        seen = [signal]
        for matrix, bias in zip(weights[:-1], biases[:-1], strict=True):
            signal = build.relu(build.affine(signal, matrix, bias))
            seen.append(signal)
        joined = build.concatenate(*seen)
        return build.finish(build.affine(joined, rng.normal(size=(shape[-1], joined.size)), biases[-1]))

    return make


@pytest.fixture(scope="session")
def unit_box():
    """unit_box(n, half=1) -> the box [-half, half]^n."""

    def box(n, half=1):
        return Polyhedron.box([-half] * n, [half] * n)

    return box
