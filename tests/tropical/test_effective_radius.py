"""Effective radii: known values, the order lower <= exact <= upper, and balls that do meet every region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from tropical.effective_radius import (
    coefficient_range,
    effective_radius,
    hoffman_constant_of,
    minimal_effective_radius,
    nearest_point,
)
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational
from tropical.regions import common_refinement, linear_regions

LAW = settings(deadline=None, derandomize=True, max_examples=40)


def polynomial(*terms: tuple[Sequence[Any], Any]) -> PuiseuxPolynomial:
    return PuiseuxPolynomial(list(terms))


@st.composite
def polynomials(draw: st.DrawFn, dim: int, most: int = 5) -> PuiseuxPolynomial:
    exponents = draw(
        st.lists(st.tuples(*[st.integers(-2, 2)] * dim), min_size=1, max_size=most, unique=True),
    )
    return polynomial(*((e, draw(st.sampled_from([-2, -1, 0, "1/2", 1, 3]))) for e in exponents))


@st.composite
def rational_maps(draw: st.DrawFn) -> PuiseuxRational:
    dim = draw(st.integers(1, 2))
    return PuiseuxRational(draw(polynomials(dim)), draw(polynomials(dim)))


def cube(centre: Sequence[fmpq], radius: fmpq) -> Polyhedron:
    return Polyhedron.box([c - radius for c in centre], [c + radius for c in centre])


def test_a_redundant_term_makes_the_constant_and_the_radius_larger() -> None:
    f = polynomial(((0,), 0), ((1,), -1), ((2,), 0))
    before, after = effective_radius(f, pruned=False), effective_radius(f)
    assert (before.exact, before.range, before.radius) == (1, 1, 1)
    assert (after.exact, after.range, after.radius) == (rational("1/2"), 0, 0)
    assert (before.cells, after.cells) == (2, 2)


def test_the_dual_of_the_simplex() -> None:
    # around the maximal term x + y + z the rows are minus those of the simplex
    f = polynomial(((1, 1, 1), 0), ((0, 1, 1), 0), ((1, 0, 1), 0), ((1, 1, 0), 0), ((2, 2, 2), -1))
    assert hoffman_constant_of(f) == 3


@LAW
@given(rational_maps(), st.booleans(), st.integers(0, 9))
def test_lower_exact_upper(f: PuiseuxRational, pruned: bool, seed: int) -> None:
    found = effective_radius(f, pruned=pruned, n_samples=2, rng=seed)
    assert found.exact is not None
    assert found.lower <= found.exact <= found.upper
    assert found.exact == hoffman_constant_of(f, pruned=pruned)
    assert found.radius == found.exact * found.range


@LAW
@given(rational_maps(), st.lists(st.integers(-3, 3), min_size=2, max_size=2))
def test_the_ball_meets_every_cell_and_a_larger_one_every_interior(f: PuiseuxRational, centre: list[int]) -> None:
    z = tuple(map(rational, centre[: f.dim]))
    radius = hoffman_constant_of(f) * coefficient_range(f, z)
    smallest = minimal_effective_radius(f, z, over="cells").value
    assert minimal_effective_radius(f, z).value <= smallest <= radius
    assert radius <= hoffman_constant_of(f, pruned=False) * coefficient_range(f, z, pruned=False)
    for cell in common_refinement([f.numerator, f.denominator]).cells:
        assert cell.polyhedron.meets(cube(z, smallest))
        assert cell.polyhedron.intersection(cube(z, smallest + fmpq(1, 10**6))).is_full_dimensional()


@LAW
@given(rational_maps())
def test_the_minimal_radius_is_minimal(f: PuiseuxRational) -> None:
    origin = (fmpq(0),) * f.dim
    found = minimal_effective_radius(f)
    regions = linear_regions(f)
    assert len(found.points) == len(regions)
    for point, region in zip(found.points, regions, strict=True):
        assert region.contains(point)
        assert max(map(abs, point)) <= found.value
    if found.value > 0:
        slightly_smaller = cube(origin, found.value * fmpq(999, 1000))
        assert any(not any(p.meets(slightly_smaller) for p in region.polyhedra) for region in regions)


def test_several_maps_together() -> None:
    x, y = PuiseuxPolynomial.variables(2)
    one = PuiseuxPolynomial.constant(0, 2)
    f, g = PuiseuxRational(x + one), PuiseuxRational(one, y + PuiseuxPolynomial.constant(2, 2))
    both = effective_radius([f, g])
    assert (both.cells, both.exact, both.range) == (4, 1, 2)
    assert minimal_effective_radius([f, g]).value == 2


def test_an_affine_map_has_one_region() -> None:
    found = effective_radius(PuiseuxRational.affine([1, 2], 5))
    assert (found.exact, found.lower, found.upper, found.radius, found.cells) == (0, 0, 0, 0, 1)
    assert minimal_effective_radius(PuiseuxRational.affine([1, 2], 5)).value == 0


def test_the_centre_matters() -> None:
    f = polynomial(((0,), 0), ((1,), -10))
    assert effective_radius(f).radius == 10
    assert effective_radius(f, [10]).radius == 0
    assert minimal_effective_radius(f, [11]).value == 1


def test_beyond_the_limit_the_bounds_remain() -> None:
    terms = [((i, j), -(i * i) - 2 * j * j + i * j) for i in range(-2, 3) for j in range(-2, 3)]
    found = effective_radius(polynomial(*terms), limit=3)
    assert found.exact is None
    assert found.radius == found.upper * found.range
    assert found.lower <= hoffman_constant_of(polynomial(*terms)) <= found.upper
    with pytest.raises(AlgebraError, match="take the lower and upper bounds"):
        hoffman_constant_of(polynomial(*terms), limit=3)
    assert effective_radius(polynomial(*terms), exact=False).exact is None


def test_the_nearest_point() -> None:
    half = Polyhedron([[-2, -1]], [-6])
    assert nearest_point(half, (fmpq(0), fmpq(0))) == (2, (2, 2))
    assert nearest_point(half, (fmpq(5), fmpq(5))) == (0, (5, 5))
    diagonal = Polyhedron([[-1, 0]], [-3], [[1, -1]], [0])
    assert nearest_point(diagonal, (fmpq(0), fmpq(0)))[0] == 3
    with pytest.raises(AlgebraError, match="empty polyhedron"):
        nearest_point(Polyhedron.empty(2), (fmpq(0), fmpq(0)))


def test_maps_that_have_no_radius() -> None:
    x, y = PuiseuxPolynomial.variables(2)
    with pytest.raises(AlgebraError, match="at least one"):
        effective_radius([])
    with pytest.raises(AlgebraError, match="tropical zero"):
        effective_radius(PuiseuxPolynomial.zero(2))
    with pytest.raises(AlgebraError, match="different numbers of variables"):
        effective_radius([x, PuiseuxPolynomial.variable(0, 1)])
    for no_maps in (3, [x, 3]):
        with pytest.raises(AlgebraError, match=r"not 3; of a network: tropicalize"):
            effective_radius(no_maps)  # type: ignore[arg-type]
    with pytest.raises(AlgebraError, match="no radii over 'faces'"):
        minimal_effective_radius(x + y, over="faces")  # type: ignore[arg-type]
