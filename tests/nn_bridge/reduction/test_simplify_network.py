"""Simplification preserves the function exactly: affine maps are compared on every cell, all cells by brute force."""

import itertools

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.reduction.superfluous_units import StabilityProofs, simplify_network
from polyhedra.linear_program import InteriorPoint, interior
from polyhedra.polyhedron import Polyhedron


def cells(network, domain):
    """(pattern, interior point) of every full-dimensional cell, by trying all patterns."""
    sizes = network.hidden
    for bits in itertools.product((False, True), repeat=sum(sizes)):
        rest = iter(bits)
        pattern = tuple(tuple(itertools.islice(rest, size)) for size in sizes)
        rows, right = [list(r) for r in domain.A], list(domain.b)
        possible = True
        for stage, phases in zip(network.affine_forms(pattern), pattern, strict=False):
            for (*a, b), active in zip(stage, phases, strict=True):
                if any(a):
                    rows.append([-v for v in a] if active else a)
                    right.append(b if active else -b)
                else:
                    possible = possible and (b > 0) == active
        if possible:
            answer = interior(rows, right, dim=network.input_dim)
            if isinstance(answer, InteriorPoint):
                yield pattern, answer.point


def same_function(big, small, domain):
    """Whether two networks have equal affine maps on every cell of the first.

    The units of the second are among those of the first up to sign and scale, so it has no kinks inside those cells.
    """
    for pattern, point in cells(big, domain):
        mine = big.affine_forms(pattern)[-1]
        theirs = small.affine_forms(small.pattern(point))[-1]
        if mine != theirs:
            return False
    return True


def exact_proofs(network, domain):
    """Stability read off the cells: the strongest proofs there are."""
    found = [pattern for pattern, _ in cells(network, domain)]
    units = [(k, i) for k, size in enumerate(network.hidden) for i in range(size)]
    inactive = frozenset((k, i) for k, i in units if not any(p[k][i] for p in found))
    forms = {p: network.affine_forms(p) for p in found}
    active = frozenset(
        (k, i) for k, i in units if (k, i) not in inactive and all(p[k][i] or not any(forms[p][k][i]) for p in found)
    )
    return StabilityProofs(inactive, active, domain, "cells")


def box(n, half=1):
    return Polyhedron.box([-half] * n, [half] * n)


small_integers = st.integers(min_value=-2, max_value=2)


@st.composite
def networks(draw):
    shape = draw(st.sampled_from([(1, 3, 2, 1), (2, 3, 2, 1), (2, 4, 1), (2, 2, 2, 2, 1)]))
    weights = [[[draw(small_integers) for _ in range(n)] for _ in range(m)] for n, m in itertools.pairwise(shape)]
    biases = [[draw(small_integers) for _ in range(m)] for m in shape[1:]]
    return Network.from_layers(weights, biases)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks(), st.booleans())
def test_function_is_kept_everywhere_without_proofs(network, keep_chain):
    result = simplify_network(network, keep_chain=keep_chain)
    assert result.domain is None
    assert same_function(network, result.network, box(network.input_dim, 20))
    assert sum(result.network.hidden) == sum(network.hidden) - len(result.removals)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(networks(), st.booleans())
def test_function_is_kept_on_the_domain_with_proofs(network, keep_chain):
    domain = box(network.input_dim)
    proofs = exact_proofs(network, domain)
    result = simplify_network(network, proofs, keep_chain=keep_chain)
    assert same_function(network, result.network, domain)
    removed = {(r.stage, r.unit) for r in result.removals}
    assert proofs.inactive <= removed
    if not keep_chain:
        assert proofs.active <= removed
    else:
        for k, stage in enumerate(result.network.stages):
            assert all(source == k for source, _ in stage.blocks)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(networks(), st.booleans())
def test_simplifying_twice_removes_nothing_more(network, keep_chain):
    once = simplify_network(network, keep_chain=keep_chain).network
    again = simplify_network(once, keep_chain=keep_chain)
    assert again.removals == ()
    assert again.network == once


def test_each_kind_of_superfluous_unit():
    network = Network.from_layers([[[1], [2], [-3], [0], [0], [1]], [[1, 1, 1, 1, 1, 0]]], [[1, 2, -3, 5, -5, 7], [0]])
    result = simplify_network(network)
    reasons = {r.unit: r.reason for r in result.removals}
    assert reasons == {
        1: "a multiple of unit 0 of stage 0",
        2: "the opposite of unit 0 of stage 0",
        3: "constant",
        4: "constant",
        5: "nothing reads it",
    }
    assert result.network.hidden == (1,)
    assert same_function(network, result.network, box(1, 10))
    chain = simplify_network(network, keep_chain=True)
    assert chain.network.hidden == (2,)
    assert same_function(network, chain.network, box(1, 10))


def test_dependent_active_units_are_merged_in_a_chain():
    # on [1, 2]^2 all are active; the third is the sum of the first two, the fourth an unstable one
    network = Network.from_layers(
        [[[1, 0], [0, 1], [1, 1], [1, -1]], [[1, 2, 3, 4], [1, -1, 1, -1]], [[1, 1]]], [[0, 0, "1/2", 0], [-9, 1], [0]]
    )
    domain = Polyhedron.box([1, 1], [2, 2])
    proofs = exact_proofs(network, domain)
    assert {(0, 0), (0, 1), (0, 2)} <= proofs.active
    result = simplify_network(network, proofs, keep_chain=True)
    assert result.network.hidden[0] == 3
    assert "combination of other active units" in next(r for r in result.removals if r.unit == 2).reason
    assert same_function(network, result.network, domain)
    assert same_function(network, simplify_network(network, proofs).network, domain)


def test_a_stage_that_is_stable_as_a_whole_disappears():
    network = Network.from_layers([[[1], [-1]], [[1, 2], [1, 1]], [[1, 1]]], [[0, 0], [5, 6], [0]])
    domain = box(1)
    proofs = exact_proofs(network, domain)
    result = simplify_network(network, proofs, keep_chain=True)
    assert result.network.hidden == (2,)
    assert result.network.notes == (
        "2 superfluous units removed, by proofs of stability from cells, on their domain only",
    )
    assert same_function(network, result.network, domain)


def test_constant_network_has_no_units_left():
    network = Network.from_layers([[[1]], [[1]]], [[-3], [7]])
    proofs = StabilityProofs(inactive=frozenset({(0, 0)}), domain=box(1))
    result = simplify_network(network, proofs)
    assert result.network.hidden == ()
    assert result.network.evaluate([0]) == (7,)
    assert result.domain == box(1)


def test_skip_connections_and_units_of_other_stages():
    build = NetworkBuilder(2)
    x = build.input()
    first = build.relu(build.affine(x, [[1, 1], [1, -1]]))
    second = build.relu(build.affine(build.concatenate(x, first), [[2, 2, 0, 0], [1, 0, 1, 1]]))
    network = build.finish(build.affine(build.concatenate(first, second), [[1, 1, 1, 1]]))
    result = simplify_network(network)
    assert [(r.stage, r.unit, r.reason) for r in result.removals] == [(1, 0, "a multiple of unit 0 of stage 0")]
    assert same_function(network, result.network, box(2))


def test_large_rationals_stay_exact():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(3, 2))
    network = Network.from_layers([np.vstack([first, 3 * first, -0.5 * first]), rng.normal(size=(1, 9))])
    result = simplify_network(network)
    assert result.network.hidden[0] <= 9
    for x in rng.normal(size=(20, 2)):
        assert result.network.evaluate(x) == network.evaluate(x)
    scaled = Network.from_layers([[[fmpq(1, 3), fmpq(2, 7)], [fmpq(5, 3), fmpq(10, 7)]], [[1, fmpq(-1, 5)]]])
    assert simplify_network(scaled).network.evaluate([1, 1]) == (0,)
    assert simplify_network(scaled).network.hidden == ()


@pytest.mark.parametrize(
    ("proofs", "message"),
    [
        (StabilityProofs(inactive=frozenset({(0, 5)})), "unit 5 of stage 0"),
        (StabilityProofs(active=frozenset({(3, 0)})), "unit 0 of stage 3"),
        (StabilityProofs(frozenset({(0, 0)}), frozenset({(0, 0)})), "both active and inactive"),
    ],
)
def test_proofs_that_do_not_fit(proofs, message):
    with pytest.raises(NetworkError, match=message):
        simplify_network(Network.from_layers([[[1]], [[1]]]), proofs)
