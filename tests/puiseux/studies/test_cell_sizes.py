"""Sizes of cells against a network whose cells are known by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.network.network import Network
from puiseux.studies.cell_sizes import SIZES, cell_sizes, chosen_cells, known


@pytest.fixture
def square() -> CellComplex:
    """Four lines around the square [-1, 1]^2: the square, four strips beside it, four quadrants at its corners."""
    layer = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    return cell_complex(Network.from_layers([layer, [[3, 0, 4, 0]]], [[1, 1, 1, 1], [0]]))


def test_sizes_are_those_of_the_square_and_its_surroundings(square: CellComplex) -> None:
    sizes = cell_sizes(square, chosen_cells(square, 100, np.random.default_rng(0)))
    assert list(sizes) == list(SIZES)
    assert {name: len(values) for name, values in sizes.items()} == dict.fromkeys(SIZES, 9)
    assert known(sizes["volume"]) == [4.0]
    # the strips are as wide as the square; balls of any size fit into the quadrants
    assert known(sizes["inradius"]) == pytest.approx([1.0] * 5, rel=1e-15)
    # the two units with a weight are off on the cells where x <= -1 and y <= -1
    assert sorted(known(sizes["norm"])) == [0.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 5.0, 5.0]
    assert sorted(known(sizes["distance"])) == pytest.approx([0.0, *[2.0] * 4, *[sqrt(8)] * 4])


def test_a_sample_of_cells_has_no_repetition_and_follows_the_seed(square: CellComplex) -> None:
    one, two = (chosen_cells(square, 4, np.random.default_rng(5)) for _ in range(2))
    assert one == two == sorted(set(one))
    assert len(one) == 4
    assert set(one) <= set(range(9))
