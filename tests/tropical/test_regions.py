"""Linear regions: closed forms, both gluing rules, several outputs, domains, unbounded and degenerate cases."""

import itertools
from math import comb

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.polyhedron import Polyhedron
from tests.tropical.polynomial_strategies import law, polynomials, rational_functions
from tropical import PuiseuxPolynomial, PuiseuxRational, prune
from tropical import regions as regions_module
from tropical.regions import affine_maps, common_refinement, linear_regions


def relu(a, c=0):
    return PuiseuxRational(PuiseuxPolynomial([(a, c), ([0] * len(a), 0)]))


def naive_cells(polynomials, domain):
    """All tuples of terms whose dominance polyhedra meet in full dimension, by testing every tuple."""
    cells = []
    for terms in itertools.product(*(range(len(f)) for f in polynomials)):
        rows, right = [], []
        for f, i in zip(polynomials, terms, strict=True):
            a, c = f.terms[i]
            rows += [[q - p for p, q in zip(a, b, strict=True)] for b, _ in f.terms]
            right += [c - d for _, d in f.terms]
        keep = [k for k, row in enumerate(rows) if any(row)]
        cell = Polyhedron([rows[k] for k in keep], [right[k] for k in keep], dim=polynomials[0].dim)
        if (cell if domain is None else cell.intersection(domain)).is_full_dimensional():
            cells.append(terms)
    return cells


def test_the_example_with_six_regions_by_facet_and_three_by_point():
    x, y = PuiseuxPolynomial.variables(2)
    one = PuiseuxPolynomial.constant(0, 2)
    f = PuiseuxRational(x + y + x * y, x + y + one)
    assert len(linear_regions(f)) == 6
    assert len(linear_regions(f, gluing="point")) == 3
    assert len(affine_maps(f)) == 3


@given(polynomials(min_terms=1, max_terms=7))
@law(60)
def test_a_polynomial_has_as_many_regions_as_irredundant_terms(f):
    pruned = prune(f)
    regions = linear_regions(f)
    assert len(regions) == len(pruned)
    assert {r.affine_map for r in regions} == {((*a, c),) for a, c in pruned.terms}


@given(polynomials(dim=2, min_terms=1, max_terms=5), polynomials(dim=2, min_terms=1, max_terms=5), st.booleans())
@law(60)
def test_walking_finds_the_cells_that_testing_all_pairs_finds(f, g, boxed):
    domain = Polyhedron.box([-1, -1], [1, "1/2"]) if boxed else None
    refinement = common_refinement([f, g], domain=domain)
    assert sorted(cell.terms for cell in refinement.cells) == naive_cells([prune(f), prune(g)], domain)


@given(rational_functions(max_terms=4))
@law(40)
def test_the_map_on_a_region_is_the_function(f):
    regions = linear_regions(f)
    for region in regions:
        (row,) = region.affine_map
        for polyhedron in region.polyhedra:
            x = polyhedron.interior_point()
            assert f(x) == sum((a * v for a, v in zip(row[:-1], x, strict=True)), row[-1])
            assert region.contains(x)
    assert len(linear_regions(f, gluing="point")) <= len(regions)
    assert len(affine_maps(f)) <= len(linear_regions(f, gluing="point"))


@given(rational_functions(dim=2, max_terms=4))
@law(30)
def test_volumes_of_regions_fill_the_box(f):
    box = Polyhedron.box([-2, -2], [3, 1])
    assert sum(r.volume for r in linear_regions(f, domain=box)) == fmpq(15)


@given(polynomials(dim=2, min_terms=2, max_terms=6))
@law(30)
def test_neighbours_share_the_facet(f):
    refinement = common_refinement([f])
    for i, cell in enumerate(refinement.cells):
        for row, k in cell.neighbours:
            opposite = tuple(-v for v in row)
            assert (opposite, i) in refinement.cells[k].neighbours
            assert cell.polyhedron.common_facet(refinement.cells[k].polyhedron) is not None


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_one_hidden_layer_in_general_position(dim):
    rng = np.random.default_rng(3)
    count = 5
    total = PuiseuxRational.constant(0, dim)
    for sign in (1, -1, 1, 1, -1):
        total = total * relu(rng.normal(size=dim).tolist(), rng.normal()) ** sign
    assert len(linear_regions(total)) == sum(comb(count, k) for k in range(dim + 1))


def tent(f):
    two, four = relu([2]), relu([4], -2)
    return two.compose([f]) / four.compose([f])


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_tent_maps(depth):
    f = PuiseuxRational.variables(1)[0]
    for _ in range(depth):
        f = tent(f).pruned()
    unit = Polyhedron.box([0], [1])
    assert len(linear_regions(f, domain=unit)) == 2**depth
    assert len(affine_maps(f, domain=unit)) == 2**depth
    assert len({rows[0][0] for rows in affine_maps(f, domain=unit)}) == 2
    assert len(linear_regions(f)) == (3 if depth == 1 else 2**depth + 2)
    if depth > 1:
        assert len(affine_maps(f)) == 2**depth + 1


def test_survey_example_with_seven_cells():
    h = [relu(["2.3", "-1.9"], "0.6"), relu(["-0.9", "-0.7"], "4.8"), relu([0, 3], -5)]
    assert len(linear_regions(h)) == 7
    assert len(common_refinement([u.numerator for u in h])) == 7


def bowl(kind, dim):
    rng = np.random.default_rng(8)
    if kind == "random":
        exponents = rng.normal(size=(40, dim))
    elif kind == "lattice":
        exponents = np.array(list(itertools.product(range(-2, 3), repeat=dim)))[:60]
    else:  # on a line: regions without vertices
        exponents = np.outer(np.arange(20), np.ones(dim))
    return PuiseuxPolynomial([(a.tolist(), float(-a @ a)) for a in exponents], dim)


@pytest.mark.parametrize("kind", ["random", "lattice", "line"])
@pytest.mark.parametrize("dim", [2, 3])
def test_large_polynomials_have_the_same_cells_as_by_all_rows(kind, dim, monkeypatch):
    f = bowl(kind, dim)
    fast = common_refinement([f])
    monkeypatch.setattr(regions_module, "FEW_TERMS", 1000)
    slow = common_refinement([f])
    assert len(fast) == len(prune(f))
    assert {(c.terms, c.polyhedron) for c in fast.cells} == {(c.terms, c.polyhedron) for c in slow.cells}


def test_several_outputs_are_refined_together():
    x, y = relu([1, 0]), relu([0, 1])
    assert len(linear_regions([x, y])) == 4
    assert len(linear_regions([x, x])) == 2
    assert {len(r.affine_map) for r in linear_regions([x, y])} == {2}


def test_bounded_and_unbounded_regions_and_lineality():
    f = PuiseuxPolynomial({(0,): 0, (1,): 0, (2,): -1})
    assert sorted(r.bounded for r in linear_regions(f)) == [False, False, True]
    strip = linear_regions(PuiseuxPolynomial({(0, 0): 0, (1, 1): 0}))
    assert [r.bounded for r in strip] == [False, False]
    assert [r.volume for r in strip] == [None, None]


def test_constants_and_no_variables():
    assert len(linear_regions(PuiseuxPolynomial.constant(2, 3))) == 1
    assert len(linear_regions(PuiseuxPolynomial.constant(2, 0))) == 1


def test_a_wall_on_the_boundary_of_the_domain():
    half = Polyhedron([[1, 0]], [0])
    regions = linear_regions(relu([1, 0]), domain=half)
    assert len(regions) == 1
    assert regions[0].affine_map == ((0, 0, 0),)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: linear_regions([]), "at least one output"),
        (lambda: linear_regions(PuiseuxPolynomial.zero(2)), "tropical zero"),
        (lambda: linear_regions(relu([1]), gluing="edge"), "no gluing 'edge'"),
        (lambda: linear_regions(relu([1]), domain=Polyhedron.space(2)), r"R\^2"),
        (lambda: linear_regions(relu([1, 1]), domain=Polyhedron([], [], [[1, 0]], [0])), "dimension 1, not 2"),
        (lambda: linear_regions(relu([1]), domain=Polyhedron.empty(1)), "dimension -1"),
        (lambda: linear_regions([relu([1]), relu([1, 1])]), "2 variables"),
        (lambda: common_refinement([]), "at least one polynomial"),
    ],
)
def test_bad_input_is_refused_with_the_reason(build, message):
    with pytest.raises(AlgebraError, match=message):
        build()
