"""The maximum as a network, against Python's."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.maximum import FIVE, maximum_of_five, maximum_tree, terms_of_five


def test_the_identity_holds_on_the_lattice_points_of_a_cube() -> None:
    """By Python's own max and fractions, in every order of the numbers and with ties."""
    terms = [(Fraction(int(c.p), int(c.q)), one, two) for c, one, two in terms_of_five()]

    def side(x: tuple[int, ...], pairs: tuple[tuple[int, int], ...]) -> int:
        return sum(max(x[i], x[j]) for i, j in pairs)

    for x in product((-2, 0, 1, 3), repeat=FIVE):
        assert sum(c * max(side(x, one), side(x, two)) for c, one, two in terms) == max(x)


def test_two_hidden_layers_compute_the_maximum_of_five() -> None:
    network = maximum_of_five()
    assert len(network.hidden) == 2
    assert all([source for source, _ in stage.blocks] == [k] for k, stage in enumerate(network.stages))  # no skips
    for x in product((-3, 0, 2), repeat=FIVE):
        assert network.evaluate(x) == (max(x),)


@pytest.mark.parametrize(("numbers", "layers"), [(2, 1), (3, 2), (4, 2), (5, 3), (8, 3)])
def test_the_tree_has_logarithmic_depth(numbers: int, layers: int) -> None:
    tree = maximum_tree(numbers)
    assert len(tree.hidden) == layers
    for x in product((-1, 0, 4), repeat=numbers) if numbers < 6 else [range(numbers), [-k for k in range(numbers)]]:
        assert tree.evaluate(x) == (max(x),)


def test_one_number_needs_no_network() -> None:
    with pytest.raises(NetworkError, match="at least 2"):
        maximum_tree(1)
