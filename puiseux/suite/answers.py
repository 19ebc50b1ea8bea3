"""The exact answers for one network of the suite, computed here and now."""

from __future__ import annotations

from typing import Any

from flint import fmpq

from nn_bridge.network.network import Matrix
from nn_bridge.region_count import Count
from nn_bridge.topology.patterns import patterns_of_any_dimension
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import to_text
from puiseux.suite.networks import SuiteNetwork

FORMAT, VERSION = "puiseux-suite-answers", 1

COUNTS = (*map(str, Count), "patterns_any_dimension")
"""The definitions under which the suite counts; the last one only where there are few cells."""

DOMAINS = ("all", "box")

MOST_LISTED = 2000
"""Patterns and maps are listed where there are at most so many cells."""

_MOST_CELLS_WITH_FACES = 60

MOST_CELLS_WITH_TOPOLOGY = 100
"""Sets of the first output get their Betti numbers where there are at most so many cells."""


def answers_of(entry: SuiteNetwork) -> dict[str, Any]:
    """The document that ``answers/NAME.json`` holds.

    Per domain (R^n, and the box of the entry) the counts, the patterns of the cells, the distinct affine maps, rows
    ``(a_1, .., a_n, b)``, and the Betti numbers of the sets of the first output; beside them the numbers of monomials
    of each output.

    Raises
    ------
    AssertionError
        The counting engine and the enumeration of the cells contradict each other.
    """
    from puiseux.questions.formula import count_monomials

    n = entry.network.input_dim
    low, high = entry.box
    box = Polyhedron.box([low] * n, [high] * n)
    return {
        "format": FORMAT,
        "version": VERSION,
        "network": entry.name,
        "digest": entry.network.digest(),
        "domains": {
            "all": {"domain": "all", **_on(entry, None)},
            "box": {"domain": f"box:{low},{high}", **_on(entry, box)},
        },
        "monomials": count_monomials(entry.network)["outputs"],
    }


def _on(entry: SuiteNetwork, domain: Polyhedron | None) -> dict[str, Any]:
    from nn_bridge.cells.cell import iterate_cells
    from nn_bridge.cells.counting.count import count_cells

    counts = dict(count_cells(entry.network, domain).counts)
    patterns: list[str] = []
    maps: set[Matrix] = set()
    for cell in iterate_cells(entry.network, domain):
        patterns.append(cell.pattern_text)
        maps.add(entry.network.affine_forms(cell.pattern)[-1])
    number = len(patterns)
    if (number, len(set(patterns)), len(maps)) != (counts["cells"], counts["cells"], counts["affine_maps"]):
        raise AssertionError(f"{entry.name}: {number} cells with {len(maps)} maps were listed, counted: {counts}")
    with_faces = None
    if number <= _MOST_CELLS_WITH_FACES:
        with_faces = len(patterns_of_any_dimension(entry.network, domain))
    listed = number <= MOST_LISTED
    return {
        "counts": {**counts, "patterns_any_dimension": with_faces},
        "topology": _topology(entry, domain) if number <= MOST_CELLS_WITH_TOPOLOGY else None,
        "patterns": sorted(patterns) if listed else None,
        "affine_maps": [[_texts(row) for row in matrix] for matrix in sorted(maps)] if listed else None,
    }


def _topology(entry: SuiteNetwork, domain: Polyhedron | None) -> dict[str, Any]:
    """Betti numbers and faces of the sets where the first output is at least, at most and equal to 0."""
    from puiseux.questions.input_sets import SETS, face_sets, input_set

    found: dict[str, Any] = {"output": 0, "threshold": "0"}
    questions = [input_set(entry.network, 0, 0, name, False, None, None) for name in SETS]
    for name, members in zip(SETS, face_sets(entry.network, domain, questions), strict=True):
        found[name] = {
            "betti": list(members.homology.rational),
            "betti_modulo_2": list(members.homology.modulo_two),
            "one_point": list(members.one_point_homology.rational),
            "torsion": [list(own) for own in members.homology.torsion],
            "faces": list(members.f_vector),
        }
    return found


def _texts(row: tuple[fmpq, ...]) -> list[str]:
    return [to_text(value) for value in row]
