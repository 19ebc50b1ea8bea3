"""The modules import one another without a circle, late imports included, but for the imports listed here."""

from __future__ import annotations

import re

import grimp
import networkx as nx
import pytest

PACKAGES = ("polyhedra", "tropical", "nn_bridge", "milp", "puiseux")
COMPILED = re.compile(r"import _core\b")
"""An import of a compiled module, which the graph does not hold and takes for one of its package."""

CONVENIENCES = {
    ("nn_bridge.cells.complex", "nn_bridge.cells.faces"): "CellComplex.face_complex, .faces",
    ("nn_bridge.network.network", "nn_bridge.network.chains"): "Network.from_layers: the builder makes networks",
    ("nn_bridge.network.network", "nn_bridge.network.point_cells"): "Network.cell_at",
    ("nn_bridge.network.network", "nn_bridge.reduction.same_function"): "Network.same_function, .point_of_difference",
    ("tropical.polynomial", "tropical.free_names"): "PuiseuxPolynomial of a text: parsing makes polynomials",
    ("tropical.polynomial", "tropical.equality"): "PuiseuxPolynomial.same_function, .point_of_difference",
}
"""Methods of values that ask a module above when they are called, and so close a circle."""


@pytest.fixture(scope="module")
def imports() -> nx.DiGraph:
    """The import graph: late imports too, but not those that type checkers alone follow."""
    found = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)
    graph = nx.DiGraph()
    for module in found.modules:
        for imported in found.find_modules_directly_imported_by(module):
            lines = {each["line_contents"] for each in found.get_import_details(importer=module, imported=imported)}
            if not all(COMPILED.search(line) for line in lines):
                graph.add_edge(module, imported)
    return graph


def circles(graph: nx.DiGraph) -> list[list[str]]:
    return [sorted(circle) for circle in nx.strongly_connected_components(graph) if len(circle) > 1]


def test_no_circle_but_the_conveniences(imports: nx.DiGraph) -> None:
    assert circles(nx.restricted_view(imports, [], list(CONVENIENCES))) == []


@pytest.mark.parametrize("arrow", CONVENIENCES, ids=" -> ".join)
def test_each_convenience_closes_a_circle(arrow: tuple[str, str], imports: nx.DiGraph) -> None:
    others = [other for other in CONVENIENCES if other != arrow]
    assert imports.has_edge(*arrow)
    assert circles(nx.restricted_view(imports, [], others)) != []


def test_a_planted_circle_is_found(imports: nx.DiGraph) -> None:
    planted = nx.DiGraph(imports)
    planted.remove_edges_from(CONVENIENCES)
    planted.add_edge("polyhedra.scalars", "polyhedra.polyhedron")
    assert any("polyhedra.scalars" in circle for circle in circles(planted))
