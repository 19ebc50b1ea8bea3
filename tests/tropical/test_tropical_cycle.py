"""Cycles and their stable intersections: against mixed volumes, mixed cells and tropical modifications by hand."""

import itertools

import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra import Polyhedron
from polyhedra.errors import AlgebraError
from tests.tropical.polynomial_strategies import law
from tropical import PuiseuxPolynomial, random_polynomial
from tropical.hypersurface import hypersurface
from tropical.mixed_volume import mixed_volume
from tropical.prevariety import prevariety
from tropical.stable_intersection import stable_intersection
from tropical.stable_product import stable_complete_intersection, stable_product
from tropical.tropical_cycle import TropicalCycle, lattice_basis

plane_polynomials = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(-2, 2), min_size=1, max_size=5
).map(lambda terms: PuiseuxPolynomial(terms, 2))
space_polynomials = st.dictionaries(
    st.tuples(*[st.integers(0, 1)] * 3), st.integers(-1, 1), min_size=2, max_size=5
).map(lambda terms: PuiseuxPolynomial(terms, 3))


@given(plane_polynomials, plane_polynomials)
@law(30)
def test_points_in_the_plane_are_those_of_mixed_cells(first, second):
    found = stable_complete_intersection([first, second])
    assert found.points == stable_intersection([first, second])
    assert found.degree == mixed_volume([first, second])


@given(space_polynomials, space_polynomials, space_polynomials)
@law(12)
def test_curves_in_space_are_balanced_and_cut_by_a_surface_in_the_mixed_volume(f, g, h):
    curve = stable_complete_intersection([f, g])
    assert curve.is_balanced()
    assert curve.dimension in (1, None)
    surface = TropicalCycle.of_polynomial(h)
    assert stable_product(curve, surface).points == stable_intersection([f, g, h])
    # the stable intersection lies in the prevariety, and does not depend on the order
    common = prevariety([f, g])
    assert all(common.contains(cell.interior_point()) for cell, _ in curve.cells)
    other = stable_complete_intersection([g, f])
    for cell, weight in curve.cells:
        assert other.weight(cell.interior_point()) == weight


@pytest.mark.parametrize(("n", "degrees"), [(3, (2, 2)), (3, (1, 3)), (4, (1, 2, 2))])
def test_the_degree_of_a_curve_is_that_of_bezout(n, degrees):
    """Cut by a plane, the curve of surfaces of degrees d_1, .., d_(n-1) has d_1 .. d_(n-1) points."""
    surfaces = [random_polynomial(n, degree=d, rng=seed) for seed, d in enumerate(degrees)]
    curve = stable_complete_intersection(surfaces)
    assert curve.dimension == 1
    assert curve.is_balanced()
    plane = TropicalCycle.of_polynomial(random_polynomial(n, degree=1, rng=99))
    product = 1
    for d in degrees:
        product *= d
    assert stable_product(curve, plane).degree == product
    ends = sum(weight for cell, weight in curve.cells if cell.rays() == ((1,) * n,))
    assert ends == product  # as many ends in direction (1, .., 1), with weights


def test_the_self_intersection_of_a_plane_is_the_line_at_its_vertex():
    x, y, z = PuiseuxPolynomial.variables(3)
    plane = TropicalCycle.of_polynomial(x + y + z + PuiseuxPolynomial.constant(0, 3))
    line = stable_product(plane, plane)
    assert sorted(cell.rays()[0] for cell, _ in line.cells) == [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (1, 1, 1)]
    assert stable_product(line, line).cells == ()
    assert stable_product(TropicalCycle.space(3), line) == line


def test_weights_are_lattice_indices():
    """Two lines of slopes 1/2 and -1/3 through the origin cross with the absolute determinant of their directions."""
    one, other = (
        TropicalCycle(2, [(Polyhedron.from_generators([(0, 0)], lines=[u]), w)]) for u, w in (((2, 1), 2), ((3, -1), 5))
    )
    assert stable_product(one, other).points == (((0, 0), 50),)
    assert stable_product(one, one).cells == ()
    assert (one + one).cells[0][1] == 4
    assert (one + TropicalCycle(2, [(one.cells[0][0], -2)])).cells == ()


@pytest.mark.parametrize("seed", range(12))
def test_the_balancing_condition_sees_every_changed_weight(seed):
    cycle = stable_complete_intersection([random_polynomial(3, 5, degree=2, rng=10 * seed + k) for k in range(2)])
    assert cycle.is_balanced()
    for k, (cell, weight) in enumerate(cycle.cells):
        changed = TropicalCycle(3, [*cycle.cells[:k], (cell, weight + 1), *cycle.cells[k + 1 :]])
        # a whole line is balanced with any weight
        assert changed.is_balanced() == (not cell.inequalities)


def test_hypersurfaces_agree_with_their_complexes():
    for seed in range(8):
        polynomial = random_polynomial(3, 6, degree=2, rng=seed)
        cycle = TropicalCycle.of_polynomial(polynomial)
        assert len(cycle.cells) == len(hypersurface(polynomial).facets)
        assert cycle.is_balanced() == hypersurface(polynomial).is_balanced() == (cycle.unbalanced_ridge() is None)


def test_lattice_bases_are_saturated():
    plane = Polyhedron((), (), [[2, 4, 6], [0, 3, 3]], [1, 1])
    (vector,) = lattice_basis(plane.irredundant())
    assert vector in ((1, 1, -1), (-1, -1, 1))
    assert len(lattice_basis(Polyhedron.space(3))) == 3
    assert lattice_basis(Polyhedron((), (), [[1, 0], [0, 1]], [1, 2])) == ()


def test_bad_input_is_refused():
    ray = Polyhedron.from_generators([(0, 0)], rays=[(1, 1)])
    half = TropicalCycle(2, [(ray, 1)])
    with pytest.raises(AlgebraError, match=r"second cycle is not balanced at \(0, 0\)"):
        stable_product(TropicalCycle.space(2), half)
    with pytest.raises(AlgebraError, match="do not intersect"):
        stable_product(half, TropicalCycle.space(3))
    with pytest.raises(AlgebraError, match="cell 1 has dimension 2, cell 0 has 1"):
        TropicalCycle(2, [(ray, 1), (Polyhedron.space(2), 1)])
    with pytest.raises(AlgebraError, match="cell 0 is empty"):
        TropicalCycle(2, [(Polyhedron.empty(2), 1)])
    with pytest.raises(AlgebraError, match=r"cell 0 lies in R\^2"):
        TropicalCycle(3, [(ray, 1)])
    with pytest.raises(AlgebraError, match="weight of cell 0"):
        TropicalCycle(2, [(ray, "-inf")])
    with pytest.raises(AlgebraError, match="no set of points"):
        half.points  # noqa: B018
    with pytest.raises(AlgebraError, match="at least one polynomial"):
        stable_complete_intersection([])
    with pytest.raises(AlgebraError, match="polynomial 1 has 2 variables"):
        stable_complete_intersection([PuiseuxPolynomial.constant(0, 3), PuiseuxPolynomial.constant(0, 2)])
    with pytest.raises(AlgebraError, match="tropical zero"):
        prevariety([PuiseuxPolynomial.zero(2)])
    with pytest.raises(AlgebraError, match="at least one polynomial"):
        prevariety([])
    with pytest.raises(AlgebraError, match=r"polynomial 1 has 1 variable\b"):
        prevariety([PuiseuxPolynomial.constant(0, 3), PuiseuxPolynomial.constant(0, 1)])


@given(st.lists(plane_polynomials, min_size=1, max_size=3))
@law(30)
def test_the_prevariety_is_where_every_maximum_is_attained_twice(polynomials):
    found = prevariety(polynomials)
    halves = [fmpq(k, 2) for k in range(-8, 9)]
    for x in itertools.product(halves, repeat=2):
        assert any(cell.contains(x) for cell in found.cells) == found.contains(x)
    for one, other in itertools.permutations(found.cells, 2):
        assert not other.contains(one.interior_point())
    assert found.dimension == max((cell.dimension() for cell in found.cells), default=-1)


def test_a_prevariety_of_cells_of_two_dimensions():
    x, y = PuiseuxPolynomial.variables(2)
    one = PuiseuxPolynomial.constant(0, 2)
    found = prevariety([(x + one) * (y + one), (x + y) * (x + y + one)])
    assert [cell.dimension() for cell in found.cells] == [1, 1]
    assert found.is_pure
    mixed = prevariety([(x + one) * (x + y.shift([0, 0], 3)), (x + one) * (y + one)])
    assert not mixed.is_pure
    assert prevariety([x + y, one]).cells == ()
