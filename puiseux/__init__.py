"""Exact tropical algebra for ReLU networks: count linear regions, find max-plus formulas, check other counters.

The public names are loaded when they are first used, so that ``import puiseux`` stays light: no numpy, no torch, no
plotting library.

>>> import puiseux
>>> net = puiseux.Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]])
>>> puiseux.count_regions(net).regions
3
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from polyhedra.former_paths import forward
from puiseux.api import (
    cell_complex,
    convex_regions,
    decision_boundary,
    dual_graph,
    extract_sign_vectors,
    iterate_cells,
    level_set,
    load_complex,
    patterns_of_any_dimension,
    region_statistics,
    save_complex,
    save_graph,
)
from puiseux.api_expressivity import (
    effective_radii,
    monomial_complexity,
    region_bounds,
    sample_patterns,
    sample_regions,
    sampling_box,
    tropicalize,
)

if TYPE_CHECKING:
    from milp.vnnlib import read_vnnlib
    from nn_bridge.cells.cell import Cell
    from nn_bridge.cells.complex import CellComplex
    from nn_bridge.network.network import Network
    from nn_bridge.region_count import RegionCount
    from polyhedra.errors import MissingExtraError, PuiseuxError, UsageError
    from polyhedra.polyhedron import Polyhedron
    from polyhedra.scalars import rational
    from puiseux.certificates.certificate import (
        Verdict,
        verify_certificate,
        write_certificate,
        write_pruning_certificate,
    )
    from puiseux.certificates.property_certificate import write_property_certificate
    from puiseux.cross_check.cross_check import CrossCheck, crosscheck
    from puiseux.pictures.decision_regions import plot_decision_region, save_decision_region
    from puiseux.pictures.persistence import plot_betti_growth, plot_persistence
    from puiseux.pictures.plot import plot_regions, plot_slice, plot_space, save_growth, save_picture
    from puiseux.pictures.polynomials import plot_dual_pair
    from puiseux.questions.comparison import Comparison, compare
    from puiseux.questions.count import count_regions
    from puiseux.questions.definitions import Definitions, count_definitions
    from puiseux.questions.differences import Difference, largest_difference
    from puiseux.questions.exploring import Exploration, explore
    from puiseux.questions.formula import NetworkFormula, simplify
    from puiseux.questions.lipschitz_constants import LipschitzConstant, lipschitz
    from puiseux.questions.optimization import Extremum, optimize
    from puiseux.questions.properties import PropertyAnswer, check_property
    from puiseux.questions.reachable import ReachableSet, reachable_set
    from puiseux.questions.reduction import Reduction, reduce_network
    from puiseux.questions.set_topology import critical_points, topology, vertex_persistence
    from puiseux.questions.topology_answers import Topology
    from puiseux.random_networks import random_network
    from puiseux.reading import as_network, load, save
    from puiseux.report.report import write_report
    from puiseux.studies.runner import run_study
    from tropical.effective_radius import effective_radius, minimal_effective_radius
    from tropical.hoffman import hoffman_constant
    from tropical.polynomial import PuiseuxPolynomial
    from tropical.rational import PuiseuxRational

__version__ = "0.1.0.dev0"

_HOMES = {
    "Cell": "nn_bridge.cells.cell",
    "CellComplex": "nn_bridge.cells.complex",
    "Comparison": "puiseux.questions.comparison",
    "CrossCheck": "puiseux.cross_check.cross_check",
    "Definitions": "puiseux.questions.definitions",
    "Difference": "puiseux.questions.differences",
    "Exploration": "puiseux.questions.exploring",
    "Extremum": "puiseux.questions.optimization",
    "LipschitzConstant": "puiseux.questions.lipschitz_constants",
    "MissingExtraError": "polyhedra.errors",
    "Network": "nn_bridge.network.network",
    "NetworkFormula": "puiseux.questions.formula",
    "Polyhedron": "polyhedra.polyhedron",
    "PropertyAnswer": "puiseux.questions.properties",
    "PuiseuxError": "polyhedra.errors",
    "PuiseuxPolynomial": "tropical.polynomial",
    "PuiseuxRational": "tropical.rational",
    "ReachableSet": "puiseux.questions.reachable",
    "Reduction": "puiseux.questions.reduction",
    "RegionCount": "nn_bridge.region_count",
    "Topology": "puiseux.questions.topology_answers",
    "UsageError": "polyhedra.errors",
    "Verdict": "puiseux.certificates.certificate",
    "as_network": "puiseux.reading",
    "check_property": "puiseux.questions.properties",
    "compare": "puiseux.questions.comparison",
    "count_definitions": "puiseux.questions.definitions",
    "count_regions": "puiseux.questions.count",
    "critical_points": "puiseux.questions.set_topology",
    "crosscheck": "puiseux.cross_check.cross_check",
    "effective_radius": "tropical.effective_radius",
    "explore": "puiseux.questions.exploring",
    "hoffman_constant": "tropical.hoffman",
    "largest_difference": "puiseux.questions.differences",
    "lipschitz": "puiseux.questions.lipschitz_constants",
    "load": "puiseux.reading",
    "minimal_effective_radius": "tropical.effective_radius",
    "optimize": "puiseux.questions.optimization",
    "plot_betti_growth": "puiseux.pictures.persistence",
    "plot_decision_region": "puiseux.pictures.decision_regions",
    "plot_persistence": "puiseux.pictures.persistence",
    "plot_dual_pair": "puiseux.pictures.polynomials",
    "plot_regions": "puiseux.pictures.plot",
    "plot_slice": "puiseux.pictures.plot",
    "plot_space": "puiseux.pictures.plot",
    "random_network": "puiseux.random_networks",
    "rational": "polyhedra.scalars",
    "read_vnnlib": "milp.vnnlib",
    "reachable_set": "puiseux.questions.reachable",
    "reduce_network": "puiseux.questions.reduction",
    "run_study": "puiseux.studies.runner",
    "save": "puiseux.reading",
    "save_decision_region": "puiseux.pictures.decision_regions",
    "save_growth": "puiseux.pictures.plot",
    "save_picture": "puiseux.pictures.plot",
    "simplify": "puiseux.questions.formula",
    "topology": "puiseux.questions.set_topology",
    "vertex_persistence": "puiseux.questions.set_topology",
    "verify_certificate": "puiseux.certificates.certificate",
    "write_certificate": "puiseux.certificates.certificate",
    "write_property_certificate": "puiseux.certificates.property_certificate",
    "write_pruning_certificate": "puiseux.certificates.certificate",
    "write_report": "puiseux.report.report",
}
"""The module of each of the other public names, which is loaded when it is first asked for."""

__all__ = [
    "Cell",
    "CellComplex",
    "Comparison",
    "CrossCheck",
    "Definitions",
    "Difference",
    "Exploration",
    "Extremum",
    "LipschitzConstant",
    "MissingExtraError",
    "Network",
    "NetworkFormula",
    "Polyhedron",
    "PropertyAnswer",
    "PuiseuxError",
    "PuiseuxPolynomial",
    "PuiseuxRational",
    "ReachableSet",
    "Reduction",
    "RegionCount",
    "Topology",
    "UsageError",
    "Verdict",
    "__version__",
    "as_network",
    "cell_complex",
    "check_property",
    "compare",
    "convex_regions",
    "count_definitions",
    "count_regions",
    "critical_points",
    "crosscheck",
    "decision_boundary",
    "dual_graph",
    "effective_radii",
    "effective_radius",
    "explore",
    "extract_sign_vectors",
    "hoffman_constant",
    "iterate_cells",
    "largest_difference",
    "level_set",
    "lipschitz",
    "load",
    "load_complex",
    "minimal_effective_radius",
    "monomial_complexity",
    "optimize",
    "patterns_of_any_dimension",
    "plot_betti_growth",
    "plot_decision_region",
    "plot_dual_pair",
    "plot_persistence",
    "plot_regions",
    "plot_slice",
    "plot_space",
    "random_network",
    "rational",
    "reachable_set",
    "read_vnnlib",
    "reduce_network",
    "region_bounds",
    "region_statistics",
    "run_study",
    "sample_patterns",
    "sample_regions",
    "sampling_box",
    "save",
    "save_complex",
    "save_decision_region",
    "save_graph",
    "save_growth",
    "save_picture",
    "simplify",
    "topology",
    "tropicalize",
    "verify_certificate",
    "vertex_persistence",
    "write_certificate",
    "write_property_certificate",
    "write_pruning_certificate",
    "write_report",
]

forward(
    {
        "puiseux.waiting": "puiseux.console.waiting",
        "puiseux.suggestions": "puiseux.console.suggestions",
        "puiseux.streams": "puiseux.console.streams",
        "puiseux.glossary": "puiseux.console.glossary",
        "puiseux.exit_codes": "puiseux.console.exit_codes",
        "puiseux.float_replay": "puiseux.questions.float_replay",
        "puiseux.answers": "puiseux.questions.answers",
        "puiseux.cli": "puiseux.console.cli",
        "puiseux.comparison": "puiseux.questions.comparison",
        "puiseux.count": "puiseux.questions.count",
        "puiseux.differences": "puiseux.questions.differences",
        "puiseux.formula": "puiseux.questions.formula",
        "puiseux.hoffman": "puiseux.questions.hoffman",
        "puiseux.lipschitz_constants": "puiseux.questions.lipschitz_constants",
        "puiseux.optimization": "puiseux.questions.optimization",
        "puiseux.properties": "puiseux.questions.properties",
        "puiseux.reduction": "puiseux.questions.reduction",
        "puiseux.set_topology": "puiseux.questions.set_topology",
    }
)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'puiseux' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
