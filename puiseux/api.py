"""The public functions that ask a library room: thin, with real signatures, for every network and every domain.

They take whatever `puiseux.as_network` takes (a path, a model of a library, a list of layers, a `Network`), and as a
domain text, a `Polyhedron`, a tuple ``(low, high)`` or a list of pairs (`puiseux.domains`).  On a slice the network is
restricted to it first, so that points and cells are those of its parameters.  Each function imports its
room when it is called, so that ``import puiseux`` stays light.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps

if TYPE_CHECKING:
    import networkx as nx

    from nn_bridge.cells.cell import Cell
    from nn_bridge.cells.complex import CellComplex
    from nn_bridge.cells.statistics_table import RegionTable
    from nn_bridge.convexity.regions import ConvexRegions
    from nn_bridge.sign_vectors.complex import Complex
    from nn_bridge.sign_vectors.level_sets import LevelSet
    from nn_bridge.topology.patterns import AnyPattern
    from puiseux.domains import DomainLike, Problem
    from tropical.hypersurface import DecisionBoundary

ModelLike = Any
"""A path, a `Network`, a torch module, an ONNX model, a scikit-learn estimator, a state dictionary, or layers."""


def _posed(network: ModelLike, domain: DomainLike, output: int | None = None) -> Problem:
    """The problem that whatever is taken as a network and a domain poses."""
    from puiseux.domains import pose
    from puiseux.reading import as_network

    return pose(as_network(network, output=output), domain)


# -------------------------------------------------------------------- cells


@checked_options
def iterate_cells(network: ModelLike, domain: DomainLike = None, *, output: int | None = None) -> Iterator[Cell]:
    """The activation cells of a network, exactly, one after another; see `nn_bridge.cells.cell.iterate_cells`.

    Parameters
    ----------
    network : Network, path or model
    domain : str, Polyhedron, (low, high), list of pairs, or None
        Where to look; None is all of R^n.
    output : int, optional
        Take one output alone.

    Yields
    ------
    Cell
        With its pattern, inequalities, affine map, vertices and an interior point on demand.

    Raises
    ------
    PuiseuxError
        The network or the domain is not usable.

    Examples
    --------
    >>> sum(cell.bounded for cell in iterate_cells([[[1], [1]], [[1, -2]]], (-1, 1)))
    2
    """
    from nn_bridge.cells.cell import iterate_cells

    problem = _posed(network, domain, output)
    return iterate_cells(problem.network, problem.domain)


@checked_options
def cell_complex(network: ModelLike, domain: DomainLike = None, *, output: int | None = None) -> CellComplex:
    """All cells of a network at once, with facets, neighbours, regions and bounded cells.

    See `nn_bridge.cells.complex.CellComplex`.

    Parameters
    ----------
    network : Network, path or model
    domain : str, Polyhedron, (low, high), list of pairs, or None
    output : int, optional
        Take one output alone; regions are then those of this output.

    Raises
    ------
    PuiseuxError
        The network or the domain is not usable.

    Examples
    --------
    >>> cell_complex([[[1, 0], [0, 1]], [[1, 1]]], "box:-1,1")
    <CellComplex: 4 cells, 16 facets, on a polyhedron>
    """
    from nn_bridge.cells.complex import cell_complex

    problem = _posed(network, domain, output)
    return cell_complex(problem.network, problem.domain)


@checked_options
@with_steps("Looking for convex pieces")
def convex_regions(
    network: ModelLike,
    domain: DomainLike = None,
    *,
    output: int | None = None,
    cuts: int = 3000,
    time_limit: float | None = None,
    progress: Steps = None,
) -> ConvexRegions:
    """Bounds, with witnesses, on the fewest convex pieces on each of which a network is affine.

    See `nn_bridge.convexity.regions.convex_regions`.

    Parameters
    ----------
    network : Network, path or model
    domain : str, Polyhedron, (low, high), list of pairs, or None
    output : int, optional
        Take one output alone; pieces are then those of this output.
    cuts : int
        The budget of cells cut on trial, for each region whose bounds are apart at first.
    time_limit : float, optional
        Seconds; then the bounds are those found so far.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        The network or the domain is not usable.

    Examples
    --------
    >>> found = convex_regions([[[0, 1], [-1, 1], [0, -1]], [[1, -1, -1]], [[1]]])  # max(0, min(x, y))
    >>> found.regions, (found.lower, found.upper), found.exact
    (3, (4, 4), True)
    """
    from nn_bridge.convexity.regions import convex_regions

    problem = _posed(network, domain, output)
    return convex_regions(problem.network, problem.domain, cuts=cuts, time_limit=time_limit)


def patterns_of_any_dimension(network: ModelLike, domain: DomainLike = None) -> list[AnyPattern]:
    """The activation patterns of single inputs, also of sets that are not full-dimensional.

    See `nn_bridge.topology.patterns.patterns_of_any_dimension`.

    Examples
    --------
    >>> [(found.text, found.dimension) for found in patterns_of_any_dimension([[[1], [-1]], [[1, 1]]])]
    [('00', 0), ('01', 1), ('10', 1)]
    """
    from nn_bridge.topology.patterns import patterns_of_any_dimension

    problem = _posed(network, domain)
    return patterns_of_any_dimension(problem.network, problem.domain)


@checked_options
def save_complex(complex_: CellComplex, path: str | PathLike[str]) -> None:
    """Write a cell complex to an ``.npz`` file; see `nn_bridge.cells.complex_files.save_complex`."""
    from nn_bridge.cells.complex_files import save_complex

    save_complex(complex_, path)


@checked_options
def load_complex(path: str | PathLike[str]) -> CellComplex:
    """Read a cell complex that `save_complex` has written; see `nn_bridge.cells.complex_files.load_complex`."""
    from nn_bridge.cells.complex_files import load_complex

    return load_complex(path)


@checked_options
def dual_graph(
    network: ModelLike, domain: DomainLike = None, *, output: int | None = None, details: bool = True
) -> nx.Graph:
    """The dual graph: a node for each cell, an edge for each facet that two cells share.

    Parameters
    ----------
    network : Network, path or model
    domain : str, Polyhedron, (low, high), list of pairs, or None
    output : int, optional
        Take one output alone.
    details : bool
        Without them nodes have ``pattern``, ``facets`` and ``bounded`` alone, which is fast for many cells.

    Returns
    -------
    networkx.Graph
        Nodes 0, 1, .. with ``pattern``, ``facets`` (their number), ``bounded``, ``point`` (exact, inside the cell),
        ``affine_map`` and ``volume``; edges with ``units``, those that switch: pairs (stage, unit) from 0.
        `save_graph` writes it as GraphML or GEXF.

    Examples
    --------
    >>> graph = dual_graph([[[1, 0], [0, 1]], [[1, 1]]], "box:-1,1")
    >>> graph.number_of_edges(), graph.nodes[0]["volume"]
    (4, 1)
    """
    from nn_bridge.cells.dual_graphs import described_dual_graph

    found = cell_complex(network, domain, output=output)
    return described_dual_graph(found) if details else found.dual_graph


@checked_options
def save_graph(graph: nx.Graph, path: str | PathLike[str]) -> None:
    """Write a dual graph to a ``.graphml`` or ``.gexf`` file; see `nn_bridge.cells.dual_graphs.save_graph`."""
    from nn_bridge.cells.dual_graphs import save_graph

    save_graph(graph, path)


def decision_boundary(network: ModelLike, domain: DomainLike = None) -> DecisionBoundary:
    """The decision boundary of a classifier, exactly: polyhedra on which the two highest outputs tie.

    Parameters
    ----------
    network : Network, path, model, or its outputs as `PuiseuxRational`
        Its outputs are scores; one output alone decides class 1 (above 0) against class 0.
    domain : str, Polyhedron, (low, high), list of pairs, or None

    Returns
    -------
    DecisionBoundary
        ``pieces`` are triples of a polyhedron and the classes on either side, ``undecided`` the full-dimensional cells
        on which classes tie.

    See Also
    --------
    boundary_pieces : the boundary between two classes alone, cell by cell, for far larger networks
    topology : components and holes of the boundary (``boundary=(0, 1)``) and of decision regions
    level_set : the same as a mesh in floating point, for large networks

    Examples
    --------
    >>> boundary = decision_boundary([[[1, 0], [0, 1], [0, 0]]])  # the largest of x1, x2 and 0 wins
    >>> len(boundary.pieces), boundary.undecided
    (3, ())
    """
    from nn_bridge.cells.tropical_map import tropicalize_by_cells
    from polyhedra.errors import UsageError
    from puiseux.domains import pose
    from puiseux.reading import as_network
    from tropical.hypersurface import decision_boundary
    from tropical.rational import PuiseuxRational

    listed = isinstance(network, (list, tuple)) and network and all(isinstance(f, PuiseuxRational) for f in network)
    if isinstance(network, PuiseuxRational) or listed:
        if domain is not None:
            raise UsageError("a domain goes with a network; for formulas call tropical.hypersurface.decision_boundary")
        return decision_boundary(network)
    problem = pose(as_network(network), domain)
    scores = tropicalize_by_cells(problem.network)
    return decision_boundary(scores[0] if len(scores) == 1 else scores, domain=problem.domain)


@checked_options
@with_steps("Measuring the regions")
def region_statistics(
    network: ModelLike,
    domain: DomainLike = None,
    *,
    data: Iterable[Iterable[Any]] | None = None,
    by: Literal["regions", "cells"] = "regions",
    output: int | None = None,
    progress: Steps = None,
) -> RegionTable:
    """Volume, inradius, facets, edges and neighbours of each linear region (or cell), exactly.

    Parameters
    ----------
    network : Network, path or model
    domain : str, Polyhedron, (low, high), list of pairs, or None
        A box gives volumes within the box.
    data : iterable of points, optional
        Which regions hold them, and how far the others are.
    by : {"regions", "cells"}
    output : int, optional
        Take one output alone.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Returns
    -------
    RegionTable
        To iterate over, with columns (``table["volume"]``), ``to_dict()`` and ``to_pandas()``.

    See Also
    --------
    nn_bridge.cells.statistics.region_statistics : the same for a `Network` and a `Polyhedron`
    """
    from nn_bridge.cells.statistics import region_statistics

    problem = _posed(network, domain, output)
    return region_statistics(problem.network, problem.domain, data=data, by=by)


# -------------------------------------------------------------------- sign vectors


@checked_options
def extract_sign_vectors(
    network: ModelLike,
    domain: DomainLike,
    *,
    output_hyperplanes: bool = False,
    device: str = "cpu",
    memory: str | int | None = None,
    on_degenerate: Literal["report", "raise"] = "report",
    output: int | None = None,
) -> Complex:
    """The vertices and edges of a network's complex in a bounded domain, in float64, by edge subdivision.

    See `nn_bridge.sign_vectors.extractor.extract`, which tells the options; not exact, but it knows where it cannot
    vouch for its answer.
    """
    from nn_bridge.sign_vectors.extractor import extract

    problem = _posed(network, domain, output)
    return extract(
        problem.network,
        _bounded(problem),
        output_hyperplanes=output_hyperplanes,
        device=device,
        memory=memory,
        on_degenerate=on_degenerate,
    )


@checked_options
def level_set(
    network: ModelLike,
    domain: DomainLike,
    level: Any = 0,
    *,
    output: int = 0,
    prune: bool = True,
    memory: str | int | None = None,
) -> LevelSet:
    """Where an output takes a value: a polygonal curve or surface in a bounded domain of R^2 or R^3.

    See `nn_bridge.sign_vectors.level_sets.level_set`.
    """
    from nn_bridge.sign_vectors.level_sets import level_set

    problem = _posed(network, domain)
    return level_set(problem.network, _bounded(problem), level, output=output, prune=bool(prune), memory=memory)


def _bounded(problem: Problem) -> Any:
    from polyhedra.errors import UsageError

    if problem.domain is None:
        raise UsageError("a bounded domain is needed here: give a box, such as 'box:-1,1'")
    return problem.domain
