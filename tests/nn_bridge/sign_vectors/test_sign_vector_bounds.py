"""The error bounds of the edge subdivision against exact vertices and values, and wrong bounds that have to be found.

The compiled loops agree with their twins in Python to the last bit (`test_sign_vector_kernels.py`), so wrong bounds are
planted in the twins.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import _core, extract, kernels
from polyhedra.scalars import rational
from tests.nn_bridge.sign_vectors import sign_vector_entry_twins as entry_twins
from tests.nn_bridge.sign_vectors import sign_vector_result_twins as result_twins
from tests.nn_bridge.sign_vectors import sign_vector_twins as twins


def random_network(seed: int, widths: list[int]) -> Network:
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(widths))
    return Network.from_layers([rng.normal(size=(b, a)) for a, b in pairs], [rng.normal(size=b) / 2 for _, b in pairs])


def nearly_parallel(power: int) -> Network:
    """Lines that meet under angles of about ``2**-power``, so that vertices are known that much less well."""
    rng = np.random.default_rng(power)
    base = rng.normal(size=2)
    rows = [base + rng.normal(size=2) * 2.0**-power for _ in range(4)]
    biases = [float(rng.normal()) * 2.0**-power / 2 + 0.1 for _ in rows]
    return Network.from_layers([rows, rng.normal(size=(3, 4)), [[1, 1, 1]]], [biases, rng.normal(size=3) / 9, [0.1]])


NETWORKS = {
    "plane": random_network(1, [2, 8, 5, 1]),
    "space": random_network(3, [3, 6, 4, 1]),
    "deep": random_network(7, [2, 5, 5, 5, 5, 1]),
    "four": random_network(5, [4, 5, 1]),
    "angles of 2^-10": nearly_parallel(10),
    "angles of 2^-20": nearly_parallel(20),
    "angles of 2^-30": nearly_parallel(30),
}


def worst_error(network: Network) -> float:
    """The largest error of a vertex in units of its bound; signs are compared too."""
    found = extract(network, (-1, 1), output_hyperplanes=True)
    assert found.generic, found.reason
    signs, worst = found.vertex_signs(), Fraction(0)
    for vertex in range(len(found.vertices)):
        exact = found.exact_vertex(vertex)
        values = [v for stage in network.preactivations(exact.point) for v in stage]
        assert signs[vertex].tolist() == [(v > 0) - (v < 0) for v in values]
        errors = [abs(p - rational(float(x))) for p, x in zip(exact.point, found.vertices[vertex], strict=True)]
        error = max(Fraction(int(e.p), int(e.q)) for e in errors)
        bound = float(found.vertex_error[vertex])
        if error and not bound:
            return math.inf
        worst = max(worst, error / Fraction(bound) if error else error)
    return float(worst)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_vertex_is_as_exact_as_it_claims(name):
    for wide in (True, False):
        _core.widen(wide)
        assert 1e-4 < worst_error(NETWORKS[name]) <= 1
    _core.widen(True)


def use_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in kernels.__all__:
        if name[0].islower() and name != "fill_word_table":  # which word_table calls
            module = next(m for m in (twins, entry_twins, result_twins) if hasattr(m, name))
            monkeypatch.setattr(kernels, name, getattr(module, name))


def planted_amplification(monkeypatch: pytest.MonkeyPatch) -> None:
    """A move onto a hyperplane along an edge costs nothing."""
    monkeypatch.setattr(twins, "narrow", lambda value, right=twins.narrow: right(1.0))


def planted_residual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounding costs nothing."""

    def enter(vertices, count, *rest):
        found = right(vertices, count, *rest)
        vertices.rows[:count, 0] *= 0
        return found

    right = entry_twins.enter_stage
    monkeypatch.setattr(kernels, "enter_stage", enter)
    monkeypatch.setattr(twins, "UNIT", 0.0)


@pytest.mark.parametrize("plant", [planted_amplification, planted_residual])
def test_a_wrong_bound_is_found(monkeypatch, plant):
    use_twins(monkeypatch)
    name = "angles of 2^-20"
    assert worst_error(NETWORKS[name]) <= 1
    plant(monkeypatch)
    with np.errstate(over="ignore"):  # single precision has no room for amplifications of infinity
        worst = worst_error(NETWORKS[name])
    assert worst > 1
