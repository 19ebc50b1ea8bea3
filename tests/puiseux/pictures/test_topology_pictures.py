"""Pictures of topology: what is painted where, ends at infinity, files, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.network.network import Network
from nn_bridge.topology.persistence import PersistencePair
from polyhedra.errors import UsageError
from puiseux import (
    plot_betti_growth,
    plot_decision_region,
    plot_persistence,
    random_network,
    save,
    save_decision_region,
    topology,
)
from puiseux.console.cli import run
from puiseux.pictures.decision_regions import region_picture
from tests.nn_bridge.topology.test_sets import ANNULUS, OCTAHEDRON, STRIP


def test_components_and_holes_are_those_of_the_whole_set() -> None:
    picture = region_picture(ANNULUS, window="-3,3")
    cells = picture.view.cells
    outer = np.abs(picture.view.shown(cells.centres())).max(axis=1)
    assert ((picture.component == 0) == ((outer > 1) & (outer < 2))).all()
    assert ((picture.hole == 0) == (outer < 1)).all()
    # a window that does not reach the hole knows of the same component, and the number of holes is that of all
    part = region_picture(ANNULUS, window="1,3")
    assert set(part.component.tolist()) == {-1, 0}
    assert part.title.endswith("b0 = 1, b1 = 1")
    assert (part.hole == -1).all()
    below = region_picture(ANNULUS, window="-3,3", which="below")
    assert {below.component[k] for k in np.flatnonzero(outer < 1)} != {
        below.component[k] for k in np.flatnonzero(outer > 2)
    }
    # on a box whose walls cut the ring nothing is enclosed
    assert (region_picture(ANNULUS, "box:0,3").hole == -1).all()


def test_sets_without_cells_are_painted_by_facets() -> None:
    picture = region_picture(STRIP, level=1, which="level", window="-2,2")
    assert (picture.component == -1).all()
    labels = picture.facet_component[picture.facet_component >= 0]
    assert set(labels.tolist()) == {0, 1}
    ax = plot_decision_region(STRIP, level=1, which="level", window="-2,2")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["component 1", "component 2"]


def test_cavities_and_tunnels_in_space() -> None:
    cavity = region_picture(OCTAHEDRON, level=1, window="-2,2")
    assert (cavity.hole == 0).sum() == 8
    assert cavity.title == "output 0 >= 1: b0 = 1, b1 = 0, b2 = 1"
    # the outside of |x| + |y| < 1 in three inputs, a tunnel along the third
    square = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1]]
    tunnel = region_picture(Network.from_layers([square, [[1, 1, 1, 1, 0]]]), level=1, window="-2,2")
    assert tunnel.title.endswith("b0 = 1, b1 = 1, b2 = 0")
    assert (len(tunnel.cycles), set(tunnel.hole.tolist())) == (1, {-1})
    ax = plot_decision_region(OCTAHEDRON, level=1, window="-2,2")
    assert ax.name == "3d"


def test_diagram_and_barcode_show_every_pair() -> None:
    pairs = [
        PersistencePair(0, None, None),
        PersistencePair(0, fmpq(-1), fmpq(1, 2)),
        PersistencePair(1, None, fmpq(1, 2)),
    ]
    diagram, barcode = plot_persistence(pairs).axes
    points = [tuple(point) for found in diagram.collections for point in found.get_offsets().tolist()]
    low, high = barcode.get_xlim()
    assert sorted(points) == sorted([(low, high), (-1.0, 0.5), (low, 0.5)])
    lines = [line.get_xdata() for line in barcode.lines if len(line.get_xdata()) == 2]
    assert sorted(map(tuple, lines)) == sorted([(low, high), (-1.0, 0.5), (low, 0.5)])
    assert len([line for line in barcode.lines if line.get_marker() in "<>"]) == 3
    assert plot_persistence([]).axes[0].get_title() == "0 pairs; dashed: infinite"


def test_growth_of_betti_numbers() -> None:
    networks = [random_network([2, 6, 6, 1], rng=seed) for seed in range(4)]
    ax = plot_betti_growth(networks, which="level", names=["a", "b", "c", "d"])
    found = [topology(network, which="level").betti for network in networks]
    lines = {line.get_label(): list(line.get_ydata()) for line in ax.lines}
    assert lines["$b_0$"] == [betti[0] for betti in found]
    assert all(any(values) for name, values in lines.items() if name != "$b_0$")
    with pytest.raises(UsageError, match="3 names"):
        plot_betti_growth(networks, names=["a", "b", "c"])
    with pytest.raises(UsageError, match="one network or more"):
        plot_betti_growth([])


def test_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(ANNULUS, tmp_path / "net.json")
    save(OCTAHEDRON, tmp_path / "space.json")
    save(Network.from_layers([[[1]], [[1]]]), tmp_path / "line.json")
    net = str(tmp_path / "net.json")
    for name, options in (("ring.svg", ()), ("bars.png", ("--persistence",)), ("part.png", ("--window=-1,1",))):
        assert run(["topology", net, *options, "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 1000
    save_decision_region(tmp_path / "turn.html", OCTAHEDRON, level=1, window="-2,2")
    assert "around a cavity" in (tmp_path / "turn.html").read_text()
    capsys.readouterr()
    for path, options, words in (
        (net, ["--critical-points", "-o", str(tmp_path / "x.png")], "leave -o out"),
        (net, ["-o", str(tmp_path / "x.txt")], "ends in"),
        (net, ["--window=-1,1"], "with -o"),
        (str(tmp_path / "line.json"), ["-o", str(tmp_path / "x.png")], "two or three inputs, not 1"),
    ):
        assert run(["topology", path, *options]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()
    with pytest.raises(UsageError, match="two or three inputs, not 1"):
        plot_decision_region(Network.from_layers([[[1]], [[1]]]))


def test_the_default_window_shows_every_component_and_a_given_one_counts_those_outside() -> None:
    # |x - 1| + |x + 1| is at least 50 far from its kinks, at x = -1 and x = 1
    far = Network.from_layers([[[1, 0], [-1, 0], [1, 0], [-1, 0]], [[1, 1, 1, 1]]], [[-1, 1, 1, -1], [0]])
    axes = plot_decision_region(far, level=50)
    assert axes.get_title() == "output 0 >= 50: b0 = 2, b1 = 0"
    low, high = axes.get_xlim()
    assert low < -25
    assert high > 25
    near = plot_decision_region(far, window=(-2, 2), level=50)
    assert near.get_title().endswith("2 components outside this window")
    one = plot_decision_region(far, window=(-2, 40), level=50)
    assert one.get_title().endswith("1 component outside this window")
