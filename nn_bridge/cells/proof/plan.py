"""Which facets a proof of the number of regions has to speak about.

Cells with equal affine maps are one region where they are connected across facets.  That two cells are joined is shown
by one facet that they share.  That two components are apart is shown by all facets of all cells of one of them.  So for
each affine map the largest component needs a spanning tree of shared facets, and every other one all its facets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from nn_bridge.cells.complex import CellComplex
from polyhedra.arrays import Floats


@dataclass(frozen=True)
class FacetPlan:
    """The facets to be proven, by leaf.

    Attributes
    ----------
    whole : array of bool, shape (leaves,)
        The leaves of which all facets are listed, and all other inequalities are to be proven redundant.
    begin : array of int, shape (leaves + 1,)
        Leaf ``k`` has the facets ``begin[k] .. begin[k + 1] - 1``.
    zeros : array of uint64, shape (facets, words)
        The units and walls that vanish on each facet.
    centres : float array, shape (facets, dim)
        About the middle of each facet, in reduced coordinates.
    regions, affine_maps : int
        The two counts.
    """

    whole: NDArray[np.bool_]
    begin: NDArray[np.int64]
    zeros: NDArray[np.uint64]
    centres: Floats
    regions: int
    affine_maps: int


def plan_facets(found: CellComplex) -> FacetPlan:
    """Choose the facets that a proof of the counts of a complex has to speak about."""
    inner = found.inner_facets
    one, two = found.facet_cell[inner], found.neighbours[inner]
    same = found.maps[one] == found.maps[two]
    # the weight of an edge is its facet's number + 1, so that the weights of a spanning tree list its facets
    graph = coo_matrix((inner[same] + 1.0, (one[same], two[same])), shape=(found.cells, found.cells)).tocsr()
    whole = _not_largest(found.regions.astype(np.int32), found.maps, found.region_count)
    chosen = whole[found.facet_cell]
    chosen[minimum_spanning_tree(graph).data.astype(np.int64) - 1] = True
    begin = np.concatenate([[0], np.cumsum(np.bincount(found.facet_cell[chosen], minlength=found.cells))])
    return FacetPlan(
        whole,
        begin,
        found.facet_zeros[chosen],
        _facet_centres(found, np.flatnonzero(chosen)),
        found.region_count,
        found.affine_map_count,
    )


def cell_centres(found: CellComplex) -> Floats:
    """About the middle of each cell (far from exact where a cell is thin), in reduced coordinates."""
    of = np.repeat(np.arange(found.cells), np.diff(found.generator_begin))
    return _means(found, of, np.arange(len(of)), found.cells)


def _facet_centres(found: CellComplex, facets: NDArray[np.int64]) -> Floats:
    """About the middle of each of these facets."""
    begin, members = found.facet_generators
    counts = begin[facets + 1] - begin[facets]
    of = np.repeat(np.arange(len(facets)), counts)
    places = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(begin[facets], counts)
    return _means(found, of, members[places], len(facets))


def _means(found: CellComplex, of: NDArray[np.int64], generator: NDArray[np.int64], count: int) -> Floats:
    """For each of ``count`` sets of generators the mean of the vertices, moved along the mean of the rays."""
    coordinates = found.generator_coordinates[generator]
    dim = coordinates.shape[1] - 1
    ray = found.generator_ray[generator]
    with np.errstate(all="ignore"):  # what is not finite is no proposal
        points = (
            coordinates[:, :dim] / np.where(ray, np.abs(coordinates[:, :dim]).max(axis=1), coordinates[:, dim])[:, None]
        )
        size = np.ones(count)
        np.maximum.at(size, of[~ray], np.abs(points[~ray]).max(axis=1, initial=0.0))
        result: Floats = _mean(points[~ray], of[~ray], count) + size[:, None] * _mean(points[ray], of[ray], count)
        return result


def _mean(points: Floats, of: NDArray[np.int64], count: int) -> Floats:
    sums = [np.bincount(of, column, count) for column in points.T]
    result: Floats = np.stack(sums, axis=1) / np.maximum(np.bincount(of, minlength=count), 1)[:, None]
    return result


def _not_largest(component: NDArray[np.int32], label: NDArray[np.int64], components: int) -> NDArray[np.bool_]:
    """The leaves outside the largest component of their label."""
    size = np.bincount(component, minlength=components)
    label_of = np.zeros(components, np.int64)
    label_of[component] = label
    order = np.lexsort((size, label_of))
    last = np.append(label_of[order[1:]] != label_of[order[:-1]], True)
    largest = np.zeros(components, bool)
    largest[order[last]] = True
    return ~largest[component]


__all__ = ["FacetPlan", "cell_centres", "plan_facets"]
