"""Networks from maps: the same function exactly, the promised depth, and the round trip."""

import itertools

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.symbolic.realize import realize, stages_needed
from nn_bridge.symbolic.tropicalize import tropicalize
from tropical import PuiseuxPolynomial, PuiseuxRational


def maximum(count):
    """max(x_1, .., x_count)."""
    return PuiseuxPolynomial([([int(i == k) for i in range(count)], 0) for k in range(count)], count)


def bowl(count, dim, seed=0):
    """A polynomial all of whose terms stay."""
    exponents = np.random.default_rng(seed).integers(-20, 20, size=(count, dim))
    return PuiseuxPolynomial([(a.tolist(), -int(a @ a)) for a in exponents], dim)


@pytest.mark.parametrize("construction", ["tree", "shallow"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7])
def test_maxima_of_coordinates(construction, count):
    net = realize(maximum(count), construction=construction)
    assert len(net.stages) == stages_needed(count, construction)
    rng = np.random.default_rng(count)
    for x in rng.integers(-3, 4, size=(40, count)).tolist():
        assert net.evaluate(x) == (max(x),)


def test_the_identity_for_five_on_all_small_points():
    net = realize(maximum(5), construction="shallow")
    assert len(net.stages) == 2
    # both sides are homogeneous and linear on the cones of one fan; this grid holds its rays
    for x in itertools.product((0, 1, 2), repeat=5):
        assert net.evaluate(x) == (max(x),)
    rng = np.random.default_rng(0)
    for x in rng.normal(size=(100, 5)):
        assert net.evaluate(x) == (fmpq(*max(x).as_integer_ratio()),)


DEPTHS = [(1, 0, 0), (2, 1, 1), (4, 2, 2), (5, 3, 2), (8, 3, 3), (9, 4, 3), (20, 5, 4)]


@pytest.mark.parametrize(("count", "tree", "shallow"), DEPTHS)
def test_depth_small(count, tree, shallow):
    assert stages_needed(count) == tree
    assert stages_needed(count, "shallow") == shallow


def test_depth_is_logarithmic():
    for count in range(1, 200):
        assert 2 ** stages_needed(count) >= count
        assert count == 1 or 2 ** (stages_needed(count) - 1) < count
        assert stages_needed(count, "shallow") <= stages_needed(count)


@pytest.mark.parametrize("construction", ["tree", "shallow"])
@pytest.mark.parametrize(("first", "second"), [(5, 2), (9, 6), (18, 1), (27, 11)])
def test_differences_of_polynomials(construction, first, second):
    f = PuiseuxRational(bowl(first, 2), bowl(second, 2, seed=1))
    net = realize(f, construction=construction)
    terms = max(len(f.pruned().numerator), len(f.pruned().denominator))
    assert len(net.stages) == stages_needed(terms, construction)
    for x in np.random.default_rng(2).normal(size=(30, 2)) * 8:
        assert net.evaluate(x) == (f(x),)


def test_the_tree_has_fewer_units_than_terms():
    f = PuiseuxRational(bowl(20, 2), bowl(9, 2, seed=1)).pruned()
    assert sum(realize(f).hidden) == len(f.numerator) + len(f.denominator) - 2


@pytest.mark.parametrize("construction", ["tree", "shallow"])
@pytest.mark.parametrize("sizes", [[1, 3, 2, 1], [2, 3, 1], [2, 2, 2, 1]])
def test_network_to_map_to_network_to_map(construction, sizes):
    rng = np.random.default_rng(5)
    weights = [rng.integers(-3, 4, size=(b, a)).tolist() for a, b in itertools.pairwise(sizes)]
    biases = [rng.integers(-2, 3, size=b).tolist() for b in sizes[1:]]
    (f,) = tropicalize(Network.from_layers(weights, biases))
    (again,) = tropicalize(realize(f, construction=construction))
    assert again.same_function(f)


def test_several_outputs_share_the_stages():
    x, y = PuiseuxPolynomial.variables(2)
    f, g = PuiseuxRational(x + y), PuiseuxRational(x, y + PuiseuxPolynomial.constant("1/3", 2))
    net = realize([f, g])
    assert net.hidden == (2,)
    assert net.evaluate([2, 1]) == (f([2, 1]), g([2, 1]))


def test_affine_functions_need_no_stage():
    net = realize(PuiseuxRational.affine([2, "-1/3"], 5))
    assert net.hidden == ()
    assert net.evaluate([1, 3]) == (fmpq(6),)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: realize([]), "at least one output"),
        (lambda: realize(PuiseuxPolynomial.zero(2)), "minus infinity"),
        (lambda: realize([maximum(2), maximum(3)]), "output 1 has 3 variables"),
        (lambda: realize(PuiseuxPolynomial.constant(0, 0)), "no inputs"),
        (lambda: realize(maximum(2), construction="deep"), "no construction 'deep'"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(NetworkError, match=message):
        build()
