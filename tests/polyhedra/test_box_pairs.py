"""The forms of a box mean the same to every part of the library; what could mean two boxes is refused."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from flint import fmpq

from milp.domain import bounded
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors.domain import as_domain
from polyhedra.box_pairs import intervals_of_box
from polyhedra.errors import GeometryError, PuiseuxError
from puiseux.domains import pose

INTERVALS = ((fmpq(-1), fmpq(1)), (fmpq(0), fmpq(1, 2)), (fmpq(-3), fmpq(-2)))


def forms(dim: int) -> list[Any]:
    """One box in every form that says in its length or type which it is."""
    sides = [(float(low), float(high)) for low, high in INTERVALS[:dim]]
    low, high = zip(*sides, strict=True)
    found: list[Any] = [
        list(sides),
        np.array(sides),
        (list(low), list(high)),
        (np.array(low), np.array(high)),
        (list(low), np.array(high)),
    ]
    return found if dim == 2 else [*found, tuple(sides), (low, high), [list(low), list(high)]]


@pytest.mark.parametrize(("dim", "form"), [(dim, k) for dim in (1, 2, 3) for k in range(len(forms(dim)))])
def test_every_form_is_the_same_box_everywhere(dim: int, form: int) -> None:
    given = forms(dim)[form]
    wanted = INTERVALS[:dim]
    net = Network.from_layers([[[1] * dim], [[1]]])
    assert intervals_of_box(given, dim) == wanted
    assert pose(net, given).text == pose(net, list(wanted)).text
    found = bounded(given, dim)
    assert tuple(zip(found.lower, found.upper, strict=True)) == wanted
    assert as_domain(given, dim).polyhedron() == pose(net, list(wanted)).domain


@pytest.mark.parametrize("numbers", list(itertools.product((-1, 0, 2), repeat=4)))
def test_in_the_plane_two_readings_are_never_mixed_up(numbers: tuple[int, ...]) -> None:
    a, b, c, d = map(fmpq, numbers)
    pairs = ((a, b), (c, d)) if a < b and c < d else None
    ends = ((a, c), (b, d)) if a < c and b < d else None
    for given in (((a, b), (c, d)), [[a, b], [c, d]]):
        if pairs is None and ends is None:
            with pytest.raises(GeometryError, match="empty in coordinate"):
                intervals_of_box(given, 2)
        elif pairs is None or ends is None or pairs == ends:
            assert intervals_of_box(given, 2) == (pairs or ends)
        else:
            with pytest.raises(GeometryError, match="is a box in two ways; write"):
                intervals_of_box(given, 2)
    for given, meant in (([(a, b), (c, d)], pairs), (([a, b], [c, d]), ends)):
        if meant is not None:
            assert intervals_of_box(given, 2) == meant
        else:
            with pytest.raises(GeometryError, match="empty in coordinate"):
                intervals_of_box(given, 2)


@pytest.mark.parametrize("given", [(), [1], [1, 2, 3], [(0, 1)] * 4, "01", [(0, 1, 2), (0, 1)], 5, [None, 1]])
def test_what_is_no_box_is_refused_in_one_line(given: Any) -> None:
    for read in (lambda: intervals_of_box(given, 2), lambda: bounded(given, 2), lambda: as_domain(given, 2)):
        with pytest.raises(PuiseuxError) as refused:
            read()
        assert "\n" not in str(refused.value)


def test_a_thin_box_is_for_those_who_ask() -> None:
    assert intervals_of_box((1, 1), 2, thin=True) == ((1, 1), (1, 1))
    assert bounded(([0, 0], [0, 1]), 2).upper == (0, 1)
    with pytest.raises(GeometryError, match="empty in coordinate 0: 1 to 1"):
        intervals_of_box((1, 1), 2)
