"""Results fit on a line, convert to dictionaries and pandas, and show in notebooks with user text escaped."""

from __future__ import annotations

import builtins
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

import milp
import puiseux
from polyhedra.errors import MissingExtraError, NetworkError, UsageError
from polyhedra.values import LONGEST_LINE, brief, html_table, one_line

NET = puiseux.Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]], [[0, 0, -1], [0]])
LONG = puiseux.random_network([2, 4, 3, 2], rng=1)
"""Float weights: exact numbers of dozens of digits everywhere."""
BOX = "box:-1,1"
PROPERTY = "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (>= X_0 0))(assert (<= X_0 1))(assert (>= Y_0 5))"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    spec = tmp_path_factory.mktemp("specs") / "spec.vnnlib"
    spec.write_text(PROPERTY)
    return {
        "network": LONG,
        "deep": puiseux.Network.from_layers([[[1]]] * 30),
        "count": puiseux.count_regions(LONG),
        "formula": puiseux.simplify(LONG, search=False),
        "one formula": puiseux.simplify(LONG, search=False).outputs[0],
        "optimum": puiseux.optimize(LONG, BOX),
        "milp optimum": milp.optimize_network(LONG, ([-1, -1], [1, 1])),
        "lipschitz": puiseux.lipschitz(LONG),
        "local lipschitz": milp.local_lipschitz(LONG, BOX),
        "difference": puiseux.largest_difference(LONG, LONG.round(4), BOX),
        "comparison": puiseux.compare(LONG, LONG.round(4)),
        "topology": puiseux.topology(LONG, BOX),
        "property": puiseux.check_property([[[1]]], spec),
        "verdict": milp.verify_vnnlib([[[1]]], str(spec)),
        "crosscheck": puiseux.crosscheck(NET, routes=["cells", "tropical"]),
        "reduction": puiseux.reduce_network(LONG),
        "cell": next(iter(puiseux.iterate_cells(LONG))),
        "region": next(puiseux.region_statistics(LONG)),
        "table": puiseux.region_statistics(LONG),
        "bounds": puiseux.region_bounds(LONG),
        "affine map": next(iter(puiseux.iterate_cells(LONG))).affine_map,
        "same": puiseux.compare(LONG, LONG),
        "boundary": puiseux.decision_boundary(LONG, BOX),
        "definitions": puiseux.count_definitions(LONG),
        "polynomial": puiseux.tropicalize(LONG)[0].numerator,
    }


NAMES = (
    "network", "deep", "count", "formula", "one formula", "optimum", "milp optimum", "lipschitz", "local lipschitz",
    "difference", "comparison", "topology", "property", "verdict", "crosscheck", "reduction", "cell", "region", "table",
    "bounds", "affine map", "same", "boundary", "definitions",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_result_fits_on_a_line(name: str, results: dict[str, Any]) -> None:
    text = repr(results[name])
    assert "\n" not in text
    assert len(text) <= LONGEST_LINE
    assert type(results[name]).__name__ in text


def test_what_a_line_says(results: dict[str, Any]) -> None:
    assert repr(NET) == "<Network [2, 3, 1]: 3 units>"
    assert repr(results["deep"]) == "<Network [1, 1, 1, 1, 1, 1, .. 21 stages more .., 1, 1, 1, 1]: 29 units>"
    count = puiseux.count_regions(NET, BOX)
    assert repr(count).startswith("RegionCount(cells=5, regions=5, regions_by_point=5, affine_maps=5, engine='cells', ")
    best = puiseux.optimize([[[1], [-1]], [[1, 1]]], "box:-1,2", maximize=True)
    assert repr(best).startswith("Extremum(value=2, point=(2,), bound=2, proven=True, maximum=True, output=0, ")
    assert repr(results["same"]) == "Comparison(same=True)"
    assert repr(results["comparison"]).startswith("Comparison(same=False, point=(")
    assert repr(results["crosscheck"]).startswith("CrossCheck(agree=True, ")
    assert repr(puiseux.decision_boundary([[[1, 0], [0, 1], [0, 0]]])) == (
        "<DecisionBoundary: 3 pieces between 3 pairs of classes>"
    )
    assert repr(puiseux.count_definitions(NET)).startswith("Definitions(patterns_any_dimension=")
    assert repr(puiseux.explore(NET, [0, 0], order="random")).startswith("<Visits: cells one after another")
    assert brief(fmpq(1, 3) ** 40).startswith("~8.2252")
    assert one_line("Long", {f"entry_{k}": "x" * 30 for k in range(9)}).endswith(", ..)")


@pytest.mark.parametrize("name", NAMES)
def test_a_line_names_what_the_result_has(name: str, results: dict[str, Any]) -> None:
    line = repr(results[name])
    shown = re.findall(r"[(,] ?([a-z_]+)=", re.sub(r"=[(\[{<'].*?[)\]}>'](?=[,)])", "=0", line))
    assert [attribute for attribute in shown if not hasattr(results[name], attribute)] == []
    assert "=" not in line or shown or line.startswith("<")


def test_dictionaries_hold_exact_numbers(results: dict[str, Any]) -> None:
    best = results["optimum"].to_dict()
    assert best["value"] == results["optimum"].value
    assert isinstance(best["value"], fmpq)
    assert "network" not in best
    assert results["count"].to_dict()["cells"] == results["count"].cells
    assert results["crosscheck"].to_dict()["counts"]["cells"]["cells"] == 7
    assert results["difference"].to_dict()["infinite"] is False
    assert results["cell"].to_dict()["bounded"] is results["cell"].bounded


def test_pandas_frames_hold_floats(results: dict[str, Any]) -> None:
    pytest.importorskip("pandas")
    frame = results["optimum"].to_pandas()
    assert frame["value"].dtype == np.float64
    assert frame["value"][0] == float(results["optimum"].value)
    assert list(results["crosscheck"].to_pandas()["cells"]) == [7, 7]
    table = puiseux.region_statistics(NET, BOX).to_pandas()
    assert table["volume"].sum() == 4.0
    assert len(table) == 5
    unbounded = puiseux.region_statistics(NET).to_pandas()
    assert unbounded["volume"].dtype == np.float64
    assert unbounded["volume"].isna().sum() == 6


def test_without_pandas_the_error_names_it(monkeypatch: pytest.MonkeyPatch, results: dict[str, Any]) -> None:
    known = builtins.__import__

    def missing(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return known(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtraError, match=r"to_pandas\(\) needs the optional part \[pandas\]"):
        results["count"].to_pandas()


def test_a_table_of_regions_iterates_and_has_columns() -> None:
    table = puiseux.region_statistics(NET, BOX, data=[[0, 0], ["1/2", "1/2"]])
    assert "regions to iterate over, len(..) counts all" in repr(table)
    again = list(table)
    assert f"{len(again)} regions found so far" in repr(table)
    assert list(table) == again == [table[k] for k in range(len(table))]
    assert sum(table["volume"]) == 4
    assert table["neighbours"] == [record.neighbours for record in again]
    assert sum(table["data"]) >= 2
    assert set(table.to_dict()) == set(table.columns)
    assert table[1:3] == again[1:3]
    with pytest.raises(UsageError, match="there is no column 'area'; the columns are cells, bounded, volume"):
        table["area"]
    first = next(puiseux.region_statistics(NET, BOX))
    assert first.cells == again[0].cells


@pytest.mark.parametrize("name", NAMES)
def test_html_is_closed_and_short(name: str, results: dict[str, Any]) -> None:
    if name == "one formula":
        assert results[name]._repr_latex_().startswith("$")
        return
    html = results[name]._repr_html_()
    assert html.startswith(("<table>", "<math", "<p>"))
    assert html.count("<td") == html.count("</td>")
    assert len(html) < 200_000


def test_text_of_users_is_escaped_in_html() -> None:
    count = puiseux.count_regions(NET)
    hostile = "<script>alert(1)</script>"
    shown = puiseux.RegionCount(1, 1, 1, 1, "cells", hostile, True, True, 0.0, hostile)._repr_html_()
    assert hostile not in shown
    assert "&lt;script&gt;" in shown
    assert "<script" not in html_table([(hostile, hostile)], (hostile, hostile), hostile)
    assert "7" in count._repr_html_()


# -------------------------------------------------------------------- calling a network


def test_a_network_is_called_on_arrays_and_on_points() -> None:
    exact = NET(["1/3", 1])
    assert exact == NET.evaluate(["1/3", 1]) == (fmpq(1),)
    batch = np.array([[1 / 3, 1.0], [2.0, -1.0], [0.0, 0.0]])
    found = NET(batch)
    assert found.dtype == np.float64
    assert found.shape == (3, 1)
    assert np.allclose(found[:, 0], [float(NET.evaluate(row.tolist())[0]) for row in batch])
    assert NET(batch[0]).shape == (1,)
    assert NET([[1, 2], ["1/2", 0]]) == NET.evaluate([[1, 2], ["1/2", 0]]) == (NET([1, 2]), NET(["1/2", 0]))
    assert NET(np.array([fmpq(1, 3), fmpq(1)], dtype=object)) == exact


def test_the_error_of_the_one_way_names_the_other() -> None:
    with pytest.raises(NetworkError, match=r"call the network with a NumPy array of shape \(N, inputs\)"):
        NET([1, 2, 3])
    with pytest.raises(NetworkError, match="for exact values a list of 2 numbers"):
        NET(np.zeros((4, 3)))
    with pytest.raises(NetworkError, match="for exact values give a list"):
        NET.evaluate_float([["a", "b"]])


def test_exact_numbers_convert_by_float() -> None:
    value = puiseux.rational(10**400) / (3 * 10**399)
    assert float(value) == 10 / 3
    best = puiseux.optimize(LONG, BOX)
    assert abs(float(best.value) - LONG(np.array([[float(v) for v in best.point]]))[0, 0]) < 1e-9
    assert json.loads(json.dumps(float(best.value))) == float(best.value)


def test_the_complex_stays_as_it_was(tmp_path: Path) -> None:
    graph = puiseux.dual_graph(NET, BOX)
    plain = puiseux.dual_graph(NET, BOX, details=False)
    assert set(graph.edges) == set(plain.edges)
    assert set(plain.nodes[0]) == {"pattern", "facets", "bounded"}
    assert sum(graph.nodes[k]["volume"] for k in graph) == 4
    for k in graph:
        entries = graph.nodes[k]
        assert NET.pattern(entries["point"]) == entries["pattern"]
        assert entries["affine_map"](entries["point"]) == NET.evaluate(entries["point"])
    for one, other, entries in graph.edges(data=True):
        ((stage, unit),) = entries["units"]
        assert graph.nodes[one]["pattern"][stage][unit] != graph.nodes[other]["pattern"][stage][unit]
    import networkx as nx

    for name, read in (("g.graphml", nx.read_graphml), ("g.gexf", nx.read_gexf)):
        puiseux.save_graph(graph, tmp_path / name)
        again = read(tmp_path / name)
        assert again.number_of_edges() == graph.number_of_edges()
        assert puiseux.rational(again.nodes["0"]["exact_volume"]) == graph.nodes[0]["volume"]
        assert {text for *_, text in again.edges(data="units")} <= {"0:0", "0:1", "0:2"}
    with pytest.raises(NetworkError, match=r"g.txt: a graph is written to a file that ends in \.graphml or \.gexf"):
        puiseux.save_graph(graph, tmp_path / "g.txt")


def test_the_decision_boundary_of_a_network() -> None:
    three = puiseux.Network.from_layers([[[1, 0], [0, 1], [0, 0]]])
    boundary = puiseux.decision_boundary(three)
    assert len(boundary.pieces) == 3
    in_box = puiseux.decision_boundary(three, "box:1,2")
    ((piece, first, second),) = in_box.pieces
    assert {*first, *second} == {0, 1}
    scores = puiseux.tropicalize(three)
    assert puiseux.decision_boundary(scores).pieces == boundary.pieces
    for polyhedron, one, other in puiseux.decision_boundary(LONG, BOX).pieces:
        point = polyhedron.interior_point()
        values = LONG.evaluate(point)
        assert {*one, *other} == {0, 1}
        assert values[0] == values[1]
    assert piece.dim == 2
