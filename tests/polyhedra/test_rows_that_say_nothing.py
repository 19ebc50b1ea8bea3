"""Rows of zeros, repeated rows and rows that follow from others change no answer about a polyhedron."""

from __future__ import annotations

import random

import pytest
from flint import fmpq

from polyhedra import Polyhedron
from polyhedra.subdivision import arrangement_cells
from polyhedra.system import without_zero_rows


def with_more_rows(rng: random.Random, A: list, b: list) -> tuple[list, list]:
    """The same set with rows that say nothing new, at places drawn at random."""
    d = len(A[0])
    rows = list(zip(A, b, strict=True))
    for _ in range(rng.randint(1, 5)):
        row, right = rng.choice(rows)
        other, beside = rng.choice(rows)
        new = rng.choice(
            [
                ([0] * d, 0),
                ([0] * d, rng.choice([1, fmpq(1, 10**400), 10**400])),
                (row, right),
                ([3 * v for v in row], 3 * right),
                (row, right + 1),
                ([v + w for v, w in zip(row, other, strict=True)], right + beside),
            ]
        )
        rows.insert(rng.randint(0, len(rows)), new)
    return [list(row) for row, _ in rows], [right for _, right in rows]


@pytest.mark.parametrize("seed", range(8))
def test_no_answer_changes(seed):
    rng = random.Random(seed)
    dimensions = set()
    for _ in range(40):
        d, m = rng.randint(1, 3), rng.randint(1, 6)
        scale = rng.choice([1, 1, 10**320, fmpq(1, 10**320), fmpq(10**17 - 1, 10**17)])
        A = [[rng.randint(-2, 2) * scale for _ in range(d)] for _ in range(m)]
        b = [rng.randint(-1, 3) * scale for _ in range(m)]
        plain, more = Polyhedron(A, b), Polyhedron(*with_more_rows(rng, A, b))
        dimensions.add(plain.dimension() - d)
        assert more.dimension() == plain.dimension()
        assert more.is_full_dimensional() == plain.is_full_dimensional()
        assert more.irredundant() == plain.irredundant()
        assert more.is_bounded() == plain.is_bounded()
        assert (more.vertices(), more.rays(), len(more.lines())) == (plain.vertices(), plain.rays(), len(plain.lines()))
        assert more.volume() == plain.volume()
        assert more.affine_hull() == plain.affine_hull()
        point = more.interior_point()
        assert (point is None) == plain.is_empty()
        forms = [[rng.randint(-2, 2) for _ in range(d + 1)] for _ in range(2)]
        signs = [sorted(cell.signs for cell in arrangement_cells(p, forms)) for p in (plain, more)]
        assert signs[0] == signs[1]
        other = Polyhedron([[-v for v in A[0]]], [-b[0]])
        facets = [p.common_facet(other) for p in (plain, more)]
        assert (facets[0] is None) == (facets[1] is None)
        assert facets[0] is None or facets[0].same_set(facets[1])
    assert {0, -1} & dimensions


def test_a_row_of_zeros_is_no_row_and_an_impossible_one_stays():
    assert without_zero_rows([(0, 0), (1, 0), (0, 3), (0, -1)]) == [(1, 0), (0, -1)]
    half_line = Polyhedron([[1], [-1], [0]], [1, 0, 0])
    assert half_line.common_facet(Polyhedron([[-1]], [-1])).vertices() == ((1,),)
    impossible = Polyhedron([[1], [-1], [0]], [1, 0, -1])
    assert impossible.is_empty()
    assert impossible.common_facet(Polyhedron([[-1]], [-1])) is None
