"""Exact Lipschitz constants: matrix norms against enumeration, the steepest cell against all cells."""

import itertools
import math
import time

import numpy as np
import pytest
from flint import fmpq

from milp.lipschitz import gradient_of, inner_point, interval_bound, steepest_cell
from milp.matrix_norms import NORMS, NormPair, Size
from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_float
from tests.pace import Stopwatch, slowness

PAIRS = list(itertools.product(NORMS, NORMS))


def _matrix(rng, rows, columns):
    return tuple(tuple(fmpq(int(v), 7) for v in row) for row in rng.integers(-9, 10, size=(rows, columns)))


def _sampled(J, inner, outer, rng, D=None):
    """The greatest ratio over many directions, a lower bound of the norm."""
    values = np.array([[to_float(v) for v in row] for row in J])
    directions = np.eye(values.shape[1]) if D is None else np.array([[to_float(v) for v in row] for row in D])
    order = {"1": 1, "2": 2, "inf": np.inf}
    tried = rng.normal(size=(4000, values.shape[1]))
    tried[:200] = np.sign(tried[:200])
    tried[200 : 200 + values.shape[1]] = np.eye(values.shape[1])
    lengths = np.linalg.norm(tried @ directions.T, order[inner], axis=1)
    return float((np.linalg.norm(tried @ values.T, order[outer], axis=1) / lengths).max())


@pytest.mark.parametrize(("inner", "outer"), PAIRS)
@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (1, 3), (2, 2), (3, 2), (2, 3)])
def test_norms_lie_above_all_directions_and_are_reached(inner, outer, outputs, inputs):
    rng = np.random.default_rng(outputs * 10 + inputs)
    norms = NormPair(inner, outer, inputs, outputs)
    for _ in range(5):
        J = _matrix(rng, outputs, inputs)
        low, high = norms.size(J).enclosure()
        sampled = _sampled(J, inner, outer, rng)
        assert sampled <= high * (1 + 1e-12)
        assert sampled >= 0.9 * low
        assert low <= high <= low * (1 + 1e-12)
        values = np.array([[[to_float(v) for v in row] for row in J]])
        below, above = norms.float_sizes(values, 1e-15 * np.abs(values))
        assert below[0] <= low
        assert high <= above[0]


@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_norms_on_a_slice_are_those_of_its_points(inner, outer):
    rng = np.random.default_rng(3)
    for inputs, outputs in ((1, 2), (2, 1), (2, 3), (3, 2)):
        D = _matrix(rng, 5, inputs)
        norms = NormPair(inner, outer, inputs, outputs, D)
        J = _matrix(rng, outputs, inputs)
        low, high = norms.size(J).enclosure()
        sampled = _sampled(J, inner, outer, rng, D)
        assert 0.8 * low <= sampled <= high * (1 + 1e-12)
        values = np.array([[[to_float(v) for v in row] for row in J]])
        below, above = norms.float_sizes(values, np.zeros_like(values))
        assert below[0] <= low
        assert high <= above[0]


def test_sizes_are_compared_exactly():
    pair = NormPair("2", "2", 2, 2)
    one = pair.size(((fmpq(1), fmpq(2)), (fmpq(3), fmpq(4))))
    turned = pair.size(((fmpq(3), fmpq(4)), (fmpq(1), fmpq(2))))
    assert not one.exceeds(turned)
    assert not turned.exceeds(one)
    # diag(2, 1) and diag(2, 0) share the largest root with different polynomials
    first, second = (
        pair.size(((fmpq(2), fmpq(0)), (fmpq(0), fmpq(1)))),
        pair.size(((fmpq(2), fmpq(0)), (fmpq(0), fmpq(0)))),
    )
    assert not first.exceeds(second)
    assert not second.exceeds(first)
    hair = fmpq(1, 10**60)
    assert pair.size(((fmpq(2) + hair, fmpq(0)), (fmpq(0), fmpq(1)))).exceeds(first)
    low, high = Size(squared=fmpq(2)).enclosure()
    assert fmpq(*low.as_integer_ratio()) ** 2 < 2 < fmpq(*high.as_integer_ratio()) ** 2
    assert math.nextafter(low, 2) == high


@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_the_steepest_cell_is_that_of_all_cells(inner, outer, random_network, unit_box):
    rng = np.random.default_rng(8)
    for shape, kind, domain in (
        ((2, 5, 3, 2), "gaussian", None),
        ((2, 5, 3, 1), "integer", unit_box(2)),
        ((1, 6, 2), "skip", unit_box(1)),
        ((3, 4, 3), "gaussian", Polyhedron([[1, 1, 1], [-1, 0, 0]], [1, 0])),
    ):
        net = random_network(rng, shape, kind)
        norms = NormPair(inner, outer, shape[0], shape[-1])
        found = steepest_cell(net, domain, norms)
        assert found.proven
        for cell in iterate_cells(net, domain):
            assert not norms.size(cell.affine_map.matrix).exceeds(found.size)
        assert norms.size(gradient_of(net, found.pattern)) == found.size
        assert interval_bound(net, domain, norms) >= found.size.enclosure()[0]
        point = inner_point(net, domain, found.pattern)
        assert [cell.pattern for cell in net.cell_at(point)] == [found.pattern]
        assert domain is None or domain.contains(point, strict=True)


def test_many_inputs_have_bounds():
    rng = np.random.default_rng(4)
    net = Network.from_layers([rng.normal(size=(12, 30)), rng.normal(size=(2, 12))], [rng.normal(size=12), [0, 0]])
    box = Polyhedron.box([-1] * 30, [1] * 30)
    for norm in ("inf", "1"):
        watch = Stopwatch()
        found = steepest_cell(net, box, NormPair(norm, "inf", 30, 2), deadline=time.monotonic() + 3)
        assert watch.seconds < 3 + 1.5 * slowness()
        assert found.size.enclosure()[0] <= found.upper
    loose = steepest_cell(net, None, NormPair("2", "2", 30, 2))
    assert not loose.proven or loose.method == "cells"
    assert loose.size.enclosure()[0] <= loose.upper


def test_norms_that_take_too_long_or_are_none():
    with pytest.raises(FormulationError, match="there is no norm '3'"):
        NormPair("3", "2", 2, 2)
    with pytest.raises(FormulationError, match="combinations of signs"):
        NormPair("inf", "1", 2, 40)
    with pytest.raises(FormulationError, match="vertices of a cube"):
        NormPair("inf", "2", 40, 2)
