"""Pictures: what is drawn, counted; the plane by matplotlib, the space by plotly."""

import pytest

from polyhedra.errors import AlgebraError, MissingExtraError
from puiseux.pictures import polynomials as tropical_plot
from puiseux.pictures.polynomials import plot_curve, plot_dual_pair, plot_newton, plot_surface_pair
from tropical import PuiseuxPolynomial
from tropical.parsing import parse_polynomial

CONIC = parse_polynomial("max(2x1, 2x2, x1 + x2 + 1, x1 + 1, x2 + 1, 0)")


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is optional")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


def test_a_curve_shows_regions_edges_and_vertices(pyplot):
    ax = plot_curve(CONIC)
    assert len(ax.patches) == 6
    assert len(ax.lines) == 9 + 4
    assert {text.get_text() for text in ax.texts} == {"2x1", "2x2", "x1 + x2 + 1", "x1 + 1", "x2 + 1", "0"}


def test_the_axes_that_are_given_are_used(pyplot):
    _, axes = pyplot.subplots(1, 2)
    assert plot_dual_pair(CONIC, axes) == (axes[0], axes[1])
    assert plot_curve(CONIC, axes[0], window=[(0, 1), (0, 2)], labels=False).get_xlim() == (0, 1)


def test_the_newton_polygon_shows_cells_and_support(pyplot):
    ax = plot_newton(parse_polynomial("max(2x1, 2x2, x1 + x2, 0)"))
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert len(hollow) == 1
    assert len(ax.lines) == 1 + 4


def test_weights_are_written_beside_the_edges(pyplot):
    ax = plot_curve(parse_polynomial("max(2x1, 2x2, 0)"))
    assert [text.get_text() for text in ax.texts].count("2") == 3


def test_curves_without_vertices_and_constants(pyplot):
    assert len(plot_curve(parse_polynomial("max(x1 + x2, 0)")).lines) == 1
    assert not plot_curve(parse_polynomial("x1 + x2", 2)).lines
    assert plot_dual_pair(parse_polynomial("max(2x1 + x2, 0)"))


def test_surfaces_in_space():
    pytest.importorskip("plotly", reason="plotly is optional")
    figure = plot_surface_pair(parse_polynomial("max(x1, x2, x3, 0)"))
    kinds = [trace.type for trace in figure.data]
    assert kinds.count("mesh3d") == 6
    # six outlines of sheets, six edges of the simplex, one cloud of support points
    assert kinds.count("scatter3d") == 13


def test_bad_input_is_refused_with_the_reason(pyplot, monkeypatch):
    with pytest.raises(AlgebraError, match="2 variables"):
        plot_curve(parse_polynomial("x3", 3))
    with pytest.raises(AlgebraError, match="no picture"):
        plot_newton(PuiseuxPolynomial.zero(2))
    with pytest.raises(AlgebraError, match="low < high"):
        plot_curve(CONIC, window=[(0, 1), (2, 2)])

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(tropical_plot, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"puiseux\[plot\]"):
        plot_curve(CONIC)


def test_what_is_no_polynomial_is_named(pyplot):
    from puiseux import Network

    net = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
    with pytest.raises(AlgebraError, match="this picture is of a polynomial, not <Network"):
        plot_dual_pair(net)
    left, _ = plot_dual_pair("max(0, u, v)")
    assert left.get_xlabel() == "u"


def test_the_curves_of_a_network_are_those_of_its_two_maxima(pyplot, tmp_path):
    from puiseux import Network, UsageError, save_picture, tropicalize
    from puiseux.pictures.dual_pairs import _pairs_of, save_curve

    net = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]], [[0, 0, -1], [0]])
    (found,) = tropicalize(net)
    axes = _pairs_of(net, None).axes
    assert len(axes) == 4
    for ax, polynomial in zip(axes[::2], (found.numerator, found.denominator), strict=True):
        assert f"{len(polynomial)} terms" in ax.get_title()
    convex = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
    assert len(_pairs_of(convex, None).axes) == 2
    save_picture(net, tmp_path / "net.svg", kind="curve", window="-1,1")
    assert "maximum that is subtracted" in (tmp_path / "net.svg").read_text()
    with pytest.raises(UsageError, match="leave domain"):
        save_picture(net, tmp_path / "net.svg", kind="curve", domain="box:0,1")
    save_curve("max(x, y, 0)", tmp_path / "line.pdf")
    assert (tmp_path / "line.pdf").read_bytes()[:4] == b"%PDF"
    with pytest.raises(AlgebraError, match="two inputs, the network has 3"):
        save_curve(Network.from_layers([[[1, 0, 0]], [[1]]]), tmp_path / "a.png")
