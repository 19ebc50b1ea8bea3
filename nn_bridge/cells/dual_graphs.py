"""Dual graphs that say what their nodes and edges are, and files of them that other programs read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nn_bridge.cells.complex import CellComplex
from nn_bridge.cells.statistics import cell_volume
from nn_bridge.errors import NetworkError
from nn_bridge.writers.files import unfinished
from polyhedra.quoting import shown_path
from polyhedra.scalars import to_float, to_text

if TYPE_CHECKING:
    import networkx as nx

ENDINGS = {".graphml": "write_graphml", ".gexf": "write_gexf"}
"""The formats of graphs, and the functions of networkx that write them."""


def described_dual_graph(found: CellComplex, *, volumes: bool = True) -> nx.Graph:
    """The dual graph of a complex with what is known of each cell and facet.

    Parameters
    ----------
    found : CellComplex
    volumes : bool
        Compute the exact volumes, which takes most of the time.

    Returns
    -------
    networkx.Graph
        Nodes 0, 1, .. with ``pattern``, ``facets`` (their number), ``bounded``, ``point`` (exact, strictly inside),
        ``affine_map`` and ``volume`` (None where it is infinite); edges with ``units``, the pairs (stage, unit) from 0
        that are active on one side only.
    """
    graph = found.dual_graph
    for number, cell in enumerate(found):
        graph.nodes[number].update(point=cell.interior_point, affine_map=cell.affine_map)
        if volumes:
            graph.nodes[number]["volume"] = cell_volume(cell)
    for one, other, entries in graph.edges(data=True):
        pairs = zip(graph.nodes[one]["pattern"], graph.nodes[other]["pattern"], strict=True)
        entries["units"] = tuple(
            (stage, unit)
            for stage, (before, after) in enumerate(pairs)
            for unit, (was, now) in enumerate(zip(before, after, strict=True))
            if was != now
        )
    return graph


def save_graph(graph: nx.Graph, path: str | os.PathLike[str]) -> None:
    """Write a dual graph to a ``.graphml`` or ``.gexf`` file, which Gephi, yEd, Cytoscape and networkx read.

    These formats hold texts and floats: patterns are ``"0110|01"``, points and maps exact texts, and each coordinate
    and volume is there as a float as well.

    Raises
    ------
    NetworkError
        Another ending, or a place where no file can be written.
    """
    import networkx as nx

    write = ENDINGS.get(Path(path).suffix.lower())
    if write is None:
        raise NetworkError(f"{shown_path(path)}: a graph is written to a file that ends in {' or '.join(ENDINGS)}")
    plain = nx.Graph()
    for node, entries in graph.nodes(data=True):
        plain.add_node(node, **_plain_node(entries))
    for one, other, entries in graph.edges(data=True):
        units = " ".join(f"{stage}:{unit}" for stage, unit in entries.get("units", ()))
        plain.add_edge(one, other, **({"units": units} if units else {}))
    with unfinished(path) as place:
        getattr(nx, write)(plain, place)


def _plain_node(entries: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: value for name, value in entries.items() if isinstance(value, (bool, int, float, str))
    }
    if "pattern" in entries:
        found["pattern"] = "|".join("".join(str(int(on)) for on in stage) for stage in entries["pattern"])
    for number, value in enumerate(entries.get("point", ()), 1):
        found[f"x{number}"] = to_float(value)
    if "point" in entries:
        found["point"] = " ".join(map(to_text, entries["point"]))
    if "affine_map" in entries:
        rows = zip(entries["affine_map"].matrix, entries["affine_map"].offset, strict=True)
        found["affine_map"] = "; ".join(" ".join(map(to_text, (*a, b))) for a, b in rows)
    if entries.get("volume") is not None:
        found["volume"], found["exact_volume"] = to_float(entries["volume"]), to_text(entries["volume"])
    return found


__all__ = ["described_dual_graph", "save_graph"]
