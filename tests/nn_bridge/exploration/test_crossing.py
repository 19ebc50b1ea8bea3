"""Cells beyond facets are those that the forms beyond give, where units coincide later or are zero on a cell, too."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.exploration import LocalCell, LocalCells, walk
from nn_bridge.network.network import Network


def factor(form: Any, row: tuple[int, ...]) -> fmpq | None:
    """The c with ``form = c (b - a . t)``; None where there is none."""
    pivot = next(i for i, value in enumerate(row) if value)
    *a, b = row
    half = [fmpq(-v) for v in a] + [fmpq(b)]
    c = fmpq(int(form[pivot])) / half[pivot]
    return c if all(fmpq(int(v)) == c * h for v, h in zip(form, half, strict=True)) else None


def beyond_by_forms(cell: LocalCell, row: tuple[int, ...]) -> tuple[int, ...]:
    """Stage by stage, from all forms of the cell beyond."""
    found: tuple[int, ...] = ()
    for bits in cell.active:
        state = 0
        for unit, form in enumerate(cell.home.reduced_forms.forms(found).table()):
            c = factor(form, row)
            state |= int(bool(bits >> unit & 1) if c is None else c < 0) << unit
        found = (*found, state)
    return found


def networks() -> list[Network]:
    """Small weights and hardly any biases, in the plane and in space: many units coincide, or are zero on cells."""
    rng = np.random.default_rng(11)
    found = []
    for hidden in ([3, 3, 3], [4, 2, 3, 2], [5, 4]):
        for n in (1, 2, 3):
            sizes = [n, *hidden, 1]
            weights = [rng.integers(-1, 2, (b, a)) for a, b in pairwise(sizes)]
            biases = [(rng.integers(-1, 2, len(w)) * (rng.random(len(w)) < 0.2)).tolist() for w in weights]
            found.append(Network.from_layers([w.tolist() for w in weights], biases))
    return found


def test_the_cell_beyond_is_that_of_the_forms_beyond() -> None:
    later = zeros = switched = 0
    for network in networks():
        home = LocalCells(network)
        for visit in walk(home, network.point([0] * network.input_dim)):
            cell = visit.cell
            for number, row in enumerate(cell._facet_rows):
                other = cell.neighbour(number)
                assert other is not None
                assert other.active == beyond_by_forms(cell, row)
                assert cell in other.neighbours()
                names, zero = cell._rows[row], cell._described[1]
                first = names[0][0]
                later += names[-1][0] > first
                zeros += any(stage > first for stage, _ in zero)
                switched += any(other.active[s] != cell.active[s] for s in range(first + 1, len(cell.active)))
    assert later > 50
    assert zeros > 50
    assert switched > 50


@pytest.mark.parametrize(("weight", "state"), [(1, 1), (-1, 0), (0, 0)])
def test_a_unit_that_is_zero_on_a_cell_wakes_up_beyond(weight: int, state: int) -> None:
    network = Network.from_layers([[[1]], [[weight]], [[1]]], [[0], [0], [0]])
    (cell,) = LocalCells(network).at([-1])
    assert cell.active == (0, 0)
    assert [other.active for other in cell.neighbours()] == [(1, state)]
