"""Arrangements of affine forms: sign vectors against brute force, volumes that add up, closed forms."""

import itertools
import pickle
import random
from math import comb

import pytest
from flint import fmpq

from polyhedra import GeometryError, Polyhedron, arrangement_cells, split
from polyhedra.matrix import dot


def brute_force(polyhedron, forms):
    """All strict sign vectors whose part of the polyhedron has full dimension, by trying every one."""
    found = set()
    vanishing = [not any(form) for form in forms]
    for signs in itertools.product((-1, 1), repeat=len(forms)):
        if any(zero and sign > 0 for zero, sign in zip(vanishing, signs, strict=True)):
            continue
        part = Polyhedron(
            [*polyhedron.A, *([-s * a for a in form[:-1]] for s, form in zip(signs, forms, strict=True))],
            [*polyhedron.b, *(s * form[-1] for s, form in zip(signs, forms, strict=True))],
            dim=polyhedron.dim,
        )
        if part.dimension() == polyhedron.dim:
            found.add(tuple(0 if zero else sign for zero, sign in zip(vanishing, signs, strict=True)))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_cells_are_those_of_brute_force(seed):
    rng = random.Random(seed)
    d = rng.randint(1, 3)
    forms = [[rng.randint(-1, 1) for _ in range(d)] + [rng.choice([0, 0, 1, -1])] for _ in range(rng.randint(0, 5))]
    box = rng.choice([Polyhedron.space(d), Polyhedron.box([-1] * d, [2] * d), Polyhedron([[1] * d], [1])])
    cells = list(arrangement_cells(box, forms))
    assert len({cell.signs for cell in cells}) == len(cells)
    assert {cell.signs for cell in cells} == brute_force(box, forms)
    for cell in cells:
        assert cell.polyhedron.contains(cell.point, strict=True) or any(not any(r[:-1]) for r in box.inequalities)
        for sign, form in zip(cell.signs, forms, strict=True):
            value = dot([fmpq(a) for a in form[:-1]], cell.point) + form[-1]
            assert (value > 0) - (value < 0) == sign
    if box.is_bounded():
        assert sum((cell.polyhedron.volume() for cell in cells), fmpq(0)) == box.volume()


@pytest.mark.parametrize(("n", "m"), [(1, 5), (2, 6), (3, 5)])
def test_forms_in_general_position_reach_the_closed_form(n, m):
    """Hyperplanes with normals on the moment curve: sum of binomials C(m, i), i <= n."""
    forms = [[t**j for j in range(1, n + 1)] + [t ** (n + 2) + 1] for t in range(1, m + 1)]
    assert sum(1 for _ in arrangement_cells(Polyhedron.space(n), forms)) == sum(comb(m, i) for i in range(n + 1))


def test_cells_of_a_flat_polyhedron():
    segment = Polyhedron([[1, 0], [-1, 0]], [1, 0], [[1, 1]], [1])
    signs = [cell.signs for cell in arrangement_cells(segment, [[1, 1, -1], [2, 0, -1], [0, 1, 0]])]
    assert signs == [(0, -1, 1), (0, 1, 1)]
    assert list(arrangement_cells(Polyhedron.empty(2), [[1, 0, 0]])) == []
    assert [cell.signs for cell in arrangement_cells(Polyhedron.space(0), [[3], [0]])] == [(1, 0)]


def test_splitting():
    square = Polyhedron.box([0, 0], [1, 1])
    below, above = split(square, [1, 1, "-1/2"])
    assert (below.volume(), above.volume()) == (fmpq(1, 8), fmpq(7, 8))
    assert split(square, [1, 0, 0]) == (None, square)  # touches a side only
    assert split(square, [0, 0, 0]) == (square, square)
    assert split(square, [0, 0, -1]) == (square, None)
    assert split(Polyhedron.empty(2), [1, 0, 0]) == (None, None)
    with pytest.raises(GeometryError, match="forms, row 0 has 2 numbers, not 3"):
        split(square, [1, 0])


def test_cells_pickle():
    cells = list(arrangement_cells(Polyhedron.space(2), [[1, 0, 0]]))
    assert pickle.loads(pickle.dumps(cells)) == cells
