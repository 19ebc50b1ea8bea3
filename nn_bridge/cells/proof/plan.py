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
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from nn_bridge.cells.joining import Duplicates, MapClasses, SignVectorKeys
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import FACES, CellTree, CellTreeError, Leaves

Floats = NDArray[np.float64]


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


def plan_facets(problem: CellProblem, tree: CellTree, found: Duplicates) -> FacetPlan:
    """Visit the leaves that may share their map again, and choose the facets.

    Parameters
    ----------
    problem : CellProblem
    tree : CellTree
        The tree of the first pass.
    found : Duplicates
        Of the first pass.
    """
    count = len(found.select)
    maps, keys = MapClasses(problem, tree.words), SignVectorKeys(problem, tree.words)
    labels, of_leaf, zeros, centres, packed = [], [], [], [], []
    seen = 0
    for leaves in CellTree(problem, FACES, select=found.select, arrays=tree.arrays).run():
        if not len(leaves.patterns):
            continue
        batch = found.prints[seen : seen + len(leaves.patterns)]
        if not np.array_equal(batch, leaves.prints):
            raise CellTreeError("a later pass met other cells than the first; please report this network")
        labels.append(maps.classify(leaves.patterns, leaves.prints))
        rows = _rank(leaves.facet_leaf)
        packed.append(keys.pack(leaves.patterns, rows, leaves.facet_zeros))
        of_leaf.append(rows + seen)
        zeros.append(leaves.facet_zeros)
        centres.append(_facet_centres(leaves, rows, problem.dim))
        seen += len(leaves.patterns)
    if seen != len(found.prints):
        raise CellTreeError("a later pass met fewer cells than the first; please report this network")
    if not seen:
        nothing = np.zeros(count + 1, np.int64)
        return FacetPlan(nothing[:-1] > 0, nothing, np.zeros((0, 1), np.uint64), np.zeros((0, 1)), count, count)
    label, leaf, key = np.concatenate(labels), np.concatenate(of_leaf), np.concatenate(packed)
    one, two, facet = _shared(key, leaf, label)
    # numbered by facet, so that the tree names the facets that it uses
    graph = coo_matrix((facet + 1.0, (one, two)), shape=(seen, seen)).tocsr()
    components, component = connected_components(graph, directed=False)
    whole = _not_largest(component, label, components)
    chosen = whole[leaf]
    chosen[minimum_spanning_tree(graph).data.astype(np.int64) - 1] = True
    every = np.zeros(count, bool)
    numbers = np.flatnonzero(found.select)
    every[numbers] = whole
    begin = np.concatenate([[0], np.cumsum(np.bincount(numbers[leaf[chosen]], minlength=count))])
    return FacetPlan(
        every,
        begin,
        np.concatenate(zeros)[chosen],
        np.concatenate(centres)[chosen],
        found.singles + int(components),
        found.singles + maps.count,
    )


def leaf_centres(leaves: Leaves, dim: int) -> Floats:
    """About the middle of each leaf of a batch (far from exact where a leaf is thin), shape (leaves, dim)."""
    rows = _rank(leaves.generator_leaf)
    return _means(leaves, rows, np.arange(len(rows)), len(leaves.patterns), dim)


def _facet_centres(leaves: Leaves, rows: NDArray[np.int64], dim: int) -> Floats:
    """About the middle of each facet of a batch."""
    generators = np.bincount(_rank(leaves.generator_leaf), minlength=len(leaves.patterns))
    first = np.cumsum(generators) - generators
    here = generators[rows]
    facet = np.repeat(np.arange(len(rows)), here)
    generator = np.arange(len(facet)) - np.repeat(np.cumsum(here) - here, here) + np.repeat(first[rows], here)
    on = ~(leaves.facet_zeros[facet] & ~leaves.generator_zeros[generator]).any(axis=1)
    return _means(leaves, facet[on], generator[on], len(rows), dim)


def _means(leaves: Leaves, of: NDArray[np.int64], generator: NDArray[np.int64], count: int, dim: int) -> Floats:
    """For each of ``count`` sets of generators the mean of the vertices, moved along the mean of the rays."""
    coordinates = leaves.generator_coordinates[generator]
    ray = leaves.generator_ray[generator].view(bool)
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


def _rank(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Increasing numbers of leaves, counted from 0 within their batch."""
    return np.cumsum(np.diff(numbers, prepend=numbers[:1]) != 0)


def _shared(
    keys: NDArray[np.uint64], leaf: NDArray[np.int64], label: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of leaves with equal maps that share a facet, and that facet's number (on the side of the first)."""
    order = np.lexsort(keys.T)
    equal = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    first, second = order[:-1][equal], order[1:][equal]
    same = label[leaf[first]] == label[leaf[second]]
    first, second = first[same], second[same]
    return leaf[first], leaf[second], first


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


__all__ = ["FacetPlan", "leaf_centres", "plan_facets"]
