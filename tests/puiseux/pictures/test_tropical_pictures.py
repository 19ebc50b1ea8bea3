"""Pictures of plane curves and of tropical hulls: what is drawn, counted against what the algebra says."""

from __future__ import annotations

import pytest

from polyhedra.errors import AlgebraError
from puiseux.pictures.tropical_curves import curve_caption, plot_plane_curve
from puiseux.pictures.tropical_hulls import plot_tropical_hull
from tropical import PuiseuxPolynomial, parse_polynomial
from tropical.convexity import TropicalPolytope
from tropical.plane_curve import plane_curve

CUBIC = PuiseuxPolynomial([((i, j), -(i * i + i * j + j * j)) for i in range(4) for j in range(4 - i)], 2)
FACTORS = parse_polynomial("max(2x1, 2x2, 0) + max(x1, x2 + 1, 2)")
NOT_SIMPLE = parse_polynomial("max(0, 2x1, x2, x1 + x2)")


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is optional")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def drawn(ax, name):
    return [artist for artist in (*ax.lines, *ax.patches) if artist.get_gid() == name]


@pytest.mark.parametrize("polynomial", [CUBIC, FACTORS, NOT_SIMPLE])
def test_a_curve_marks_what_is_known_of_it(pyplot, polynomial):
    curve = plane_curve(polynomial)
    ax = plot_plane_curve(polynomial)
    crossings = [vertex for vertex in curve.vertices if vertex.is_crossing]
    assert len(drawn(ax, "crossing")) == len(crossings)
    assert len(drawn(ax, "vertex")) == len(curve.vertices) - len(crossings)
    assert len(drawn(ax, "cycle")) == curve.cycles
    heavy = sorted(str(v.multiplicity) for v in curve.vertices if v.multiplicity > 1 and not v.is_crossing)
    numbers = sorted(text.get_text() for text in ax.texts if text.get_color() == "white")
    assert numbers == heavy
    assert ax.get_title() == curve_caption(curve)
    arrows = plot_plane_curve(polynomial, weight_vectors=True)
    assert len(arrows.texts) - len(ax.texts) == sum(len(v.weight_vectors) for v in curve.vertices)


def test_captions():
    assert curve_caption(plane_curve(CUBIC)) == "degree 3, smooth, genus 1"
    assert curve_caption(plane_curve(FACTORS)) == "degree 3, simple, genus 0"
    assert curve_caption(plane_curve(NOT_SIMPLE)) == "degree 2, not simple, 0 cycles"
    two_lines = parse_polynomial("max(x1, x2, 0) + max(x1, x2 + 1, 3)")
    assert curve_caption(plane_curve(two_lines)) == "degree 2, nodal, genus 0"


def test_a_hull_shows_cells_segments_and_points(pyplot):
    for points in ([(0, 0, 0), (0, 2, 1), (0, 1, 3), (0, 5, 2)], [(0, 0, 0), (0, 4, -2), (0, 6, 5)], [(1, 2, 3)]):
        polytope = TropicalPolytope(points)
        ax = plot_tropical_hull(polytope)
        for name, dimension in (("pseudovertex", 0), ("segment", 1), ("cell", 2)):
            assert len(drawn(ax, name)) == sum(cell.dimension == dimension for cell in polytope.cells())
        assert len(drawn(ax, "point")) == len(points)
        without = plot_tropical_hull(polytope, labels=False)
        assert len(ax.texts) - len(without.texts) == len(drawn(ax, "cell"))


def test_axes_and_windows_that_are_given_are_used(pyplot):
    _, axes = pyplot.subplots(1, 2)
    assert plot_plane_curve(CUBIC, axes[0], window=[(0, 1), (0, 2)]).get_ylim() == (0, 2)
    assert plot_tropical_hull(TropicalPolytope([(0, 1, 2)]), axes[1]) is axes[1]


def test_what_has_no_picture_is_refused():
    with pytest.raises(AlgebraError, match="3 coordinates, not 4"):
        plot_tropical_hull(TropicalPolytope([(0, 1, 2, 3)]))
    with pytest.raises(AlgebraError, match="in 2 variables"):
        plot_plane_curve(parse_polynomial("max(x1, 0)"))
    with pytest.raises(AlgebraError, match="on a line"):
        plot_plane_curve(parse_polynomial("max(x1 + x2, 0)"))
