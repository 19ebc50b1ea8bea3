"""`CellComplex`: all cells of a network on a domain, with facets, generators and labels, in one frozen value.

Whoever needs more than one cell at a time looks at this value: adjacency and dual graph, statistics, pictures, the plan
of a proof, symmetry, studies.  It is enumerated once.  Combinatorics are exact: a face is known by its sign vector, so
that facets are paired, and generators found on facets, without coordinates; maps are labelled equal only where that is
proven.  Coordinates are floats, for pictures and as proposals; `CellComplex.cell` gives exact ones.

Memory (`CellComplex.nbytes`): with one word of units and none of walls a cell takes 56 bytes, a facet 24, a generator
17 and 8 for each input; measured 315 bytes a cell on R^2, 585 on R^3 and 1,140 on R^4.  Counting alone keeps 8 a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nn_bridge.cells.cell import Cell, CellSource
from nn_bridge.cells.joining import SignVectorKeys
from nn_bridge.cells.map_classes import MapClasses
from nn_bridge.cells.plain_tree import LeafTree, leaf_tree
from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import FACES, CellTreeError, Leaves, Miss
from nn_bridge.network.network import Network
from nn_bridge.network.residues import unpacked
from polyhedra.arrays import Flags, Floats, Integers, Words
from polyhedra.cached_values import cached_property
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron

if TYPE_CHECKING:
    from nn_bridge.cells.faces import Face, FaceComplex


@dataclass(frozen=True, eq=False)
class CellComplex:
    """All cells of a network on a domain.  Made by `cell_complex`.

    Cells are numbered in the order in which the engine lists them.  A generator is a vertex or a ray of one cell, so a
    point that k cells share is there k times; a facet likewise, once for each of its cells.

    Attributes
    ----------
    network : Network
    domain : Polyhedron or None
        None is all of R^n.
    pattern_words : uint64 array of shape (cells, stages * words)
        The activation patterns: bit ``i % 64`` of word ``stage * words + i // 64`` is unit ``i`` (see `patterns`).
    residues : uint64 array of shape (cells,)
        Residues of the affine maps: different residues prove different maps.
    maps, regions : integer arrays of shape (cells,)
        Equal numbers: equal affine maps, and cells of one linear region (equal maps, joined across facets).
    generator_begin : integer array of shape (cells + 1,)
        The generators of cell ``c`` are ``generator_begin[c] .. generator_begin[c + 1] - 1``.
    generator_ray : bool array of shape (generators,)
        Which generators are rays.
    generator_coordinates : float array of shape (generators, dim + 1)
        Homogeneous coordinates in the ``dim`` directions that the network and the domain see; rounded.
    generator_zeros, facet_zeros : uint64 arrays of shape (generators, words) and (facets, words)
        The sets of units, then walls of the domain, that vanish there.
    facet_begin : integer array of shape (cells + 1,)
        The facets of cell ``c`` are ``facet_begin[c] .. facet_begin[c + 1] - 1``.
    facet_partner : integer array of shape (facets,)
        The same facet as the neighbouring cell has it; -1 on the boundary of the domain, and where that cell was left
        out.
    """

    network: Network
    domain: Polyhedron | None
    pattern_words: Words
    residues: Words
    maps: Integers
    regions: Integers
    generator_begin: Integers
    generator_ray: Flags
    generator_coordinates: Floats
    generator_zeros: Words
    facet_begin: Integers
    facet_zeros: Words
    facet_partner: Integers

    # ---------------------------------------------------------------- sizes

    @property
    def cells(self) -> int:
        """The number of cells."""
        return len(self.maps)

    def __len__(self) -> int:
        return self.cells

    @property
    def affine_map_count(self) -> int:
        """The number of distinct affine maps."""
        return int(self.maps.max()) + 1

    @property
    def region_count(self) -> int:
        """The number of linear regions: cells with equal maps, joined across facets."""
        return int(self.regions.max()) + 1

    @cached_property
    def regions_by_point(self) -> Integers:
        """Labels like ``regions``, with cells of equal maps joined where their closures share any point.

        The complex is face-to-face, so that two closures meet iff they share a vertex (or, where the cells contain
        lines, a minimal face).
        """
        several = np.bincount(self.maps[_firsts(self.regions)])[self.maps] > 1
        cell = np.repeat(np.arange(self.cells), np.diff(self.generator_begin))
        chosen = np.flatnonzero(several[cell] & ~self.generator_ray)
        if self.problem is None or not len(chosen):
            return self.regions
        keys = SignVectorKeys(self.problem, self.words).pack(
            self.pattern_words, cell[chosen], self.generator_zeros[chosen]
        )
        rows = np.concatenate([self.maps[cell[chosen], None].astype(np.uint64), keys], axis=1)
        order = np.lexsort(rows.T)
        same = np.flatnonzero((rows[order[1:]] == rows[order[:-1]]).all(axis=1))
        one, two = cell[chosen][order[same]], cell[chosen][order[same + 1]]
        first = _firsts(self.regions)[self.regions]
        numbers = np.arange(self.cells)
        return _components(self.cells, np.concatenate([one, numbers]), np.concatenate([two, first]))

    @property
    def nbytes(self) -> int:
        """The bytes that the arrays take."""
        return sum(value.nbytes for value in self.arrays().values())

    def __repr__(self) -> str:
        where = f"R^{self.network.input_dim}" if self.domain is None else "a polyhedron"
        return f"<CellComplex: {counted(self.cells, 'cell')}, {counted(len(self.facet_partner), 'facet')}, on {where}>"

    # ---------------------------------------------------------------- cells

    @cached_property
    def _source(self) -> CellSource:
        return CellSource(self.network, self.domain)

    @property
    def problem(self) -> CellProblem | None:
        """The network and domain in the coordinates that matter; None where nothing cuts (one cell)."""
        return self._source.problem

    @property
    def words(self) -> int:
        """The words that each stage has in ``pattern_words``."""
        return self.pattern_words.shape[1] // max(1, len(self.network.hidden))

    @cached_property
    def patterns(self) -> tuple[Flags, ...]:
        """For each stage an array of shape (cells, units): which units are active."""
        return tuple(unpacked(self.pattern_words, self.network.hidden, self.words))

    def pattern(self, number: int) -> tuple[tuple[bool, ...], ...]:
        """The pattern of one cell, as `Cell.pattern` has it."""
        return tuple(tuple(stage[number].tolist()) for stage in self.patterns)

    def cell(self, number: int) -> Cell:
        """One cell, with exact answers on demand."""
        if not 0 <= number < self.cells:
            raise IndexError(f"of {counted(self.cells, 'cell')}, from 0, none has the number {number}")
        stages, words = len(self.network.hidden), self.words
        row = self.pattern_words[number].tobytes()
        active = tuple(int.from_bytes(row[8 * words * s : 8 * words * (s + 1)], "little") for s in range(stages))
        first, last = self.generator_begin[number : number + 2].tolist()
        rays = self.generator_ray[first:last].tolist()
        generators = tuple(zip(rays, _as_integers(self.generator_zeros[first:last]), strict=True))
        facets = _as_integers(self.facet_zeros[self.facet_begin[number] : self.facet_begin[number + 1]])
        return Cell(self.network, self.domain, active, generators, tuple(facets), self._source)

    def __iter__(self) -> Iterator[Cell]:
        return map(self.cell, range(self.cells))

    @cached_property
    def bounded(self) -> Flags:
        """Which cells are bounded, shape (cells,)."""
        problem = self.problem
        if problem is None or problem.unbounded_lineality:
            return np.zeros(self.cells, bool)
        if problem.lines:  # a cell without rays may still contain lines that no unit has cut
            return np.array([cell.bounded for cell in self])
        return np.add.reduceat(self.generator_ray, self.generator_begin[:-1], dtype=np.int64) == 0

    # ---------------------------------------------------------------- facets

    @cached_property
    def facet_cell(self) -> Integers:
        """The cell of each facet."""
        return np.repeat(np.arange(self.cells), np.diff(self.facet_begin))

    @property
    def facet_counts(self) -> Integers:
        """The number of facets of each cell, walls of the domain included."""
        return np.diff(self.facet_begin)

    @property
    def mean_facets(self) -> float:
        """The mean number of facets of a cell."""
        return float(self.facet_counts.mean())

    @cached_property
    def neighbours(self) -> Integers:
        """For each facet the cell beyond it; -1 on the boundary of the domain."""
        return np.where(self.facet_partner >= 0, self.facet_cell[self.facet_partner], -1)

    @cached_property
    def inner_facets(self) -> Integers:
        """The facets between two cells, each once."""
        return np.flatnonzero(self.facet_partner > np.arange(len(self.facet_partner)))

    @cached_property
    def edges(self) -> Integers:
        """The pairs of cells that share a facet, sorted; shape (shared facets, 2)."""
        pairs = np.stack([self.facet_cell[self.inner_facets], self.neighbours[self.inner_facets]], axis=1)
        pairs.sort(axis=1)
        return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]

    @cached_property
    def facet_generators(self) -> tuple[Integers, Integers]:
        """Which generators lie on which facets: those of facet ``f`` are ``members[begin[f] : begin[f + 1]]``.

        Returns
        -------
        begin : integer array of shape (facets + 1,)
        members : integer array
            Numbers of generators of the facet's own cell.
        """
        counts = np.diff(self.generator_begin)[self.facet_cell]
        facet = np.repeat(np.arange(len(self.facet_cell)), counts)
        begins = np.cumsum(counts) - counts
        generator = np.arange(len(facet)) - begins[facet] + self.generator_begin[self.facet_cell][facet]
        on = np.ones(len(facet), bool)
        for word in range(self.facet_zeros.shape[1]):
            # everything that vanishes on the facet vanishes at the generator
            on &= self.facet_zeros[facet, word] & ~self.generator_zeros[generator, word] == 0
        return np.searchsorted(facet[on], np.arange(len(self.facet_cell) + 1)), generator[on]

    @property
    def dual_graph(self) -> nx.Graph:
        """The dual graph: nodes 0, 1, .. with ``pattern``, ``facets`` and ``bounded``; an edge a common facet."""
        graph = nx.Graph()
        stages = [stage.tolist() for stage in self.patterns]
        counts, bounded = self.facet_counts.tolist(), self.bounded.tolist()
        for node in range(self.cells):
            pattern = tuple(tuple(stage[node]) for stage in stages)
            graph.add_node(node, pattern=pattern, facets=counts[node], bounded=bounded[node])
        graph.add_edges_from(self.edges.tolist())
        return graph

    # ---------------------------------------------------------------- faces

    def face_complex(self, hyperplanes: Literal["units", "outputs", "differences"] = "units") -> FaceComplex:
        """The faces of every dimension, with sign vectors, incidence, the f-vector and both Euler characteristics.

        Parameters
        ----------
        hyperplanes : {"units", "outputs", "differences"}
            Where the complex is cut: at the hidden units alone, at ``f_k = 0`` of every output too, or at
            ``f_i = f_k`` of every two outputs too; these are then the last stage of the sign vectors.

        Raises
        ------
        ValueError
            There are no such hyperplanes.
        NetworkError
            Differences were asked for, and there is one output.

        Examples
        --------
        >>> found = cell_complex(Network.from_layers([[[1], [-1]], [[1, 1]]], [[0, 0], [-1]]))
        >>> found.face_complex().f_vector, found.face_complex("outputs").f_vector
        ((1, 2), (3, 4))
        """
        from nn_bridge.cells.faces import faces_of_cut

        return faces_of_cut(self, hyperplanes)

    def faces(
        self, dim: int | None = None, hyperplanes: Literal["units", "outputs", "differences"] = "units"
    ) -> list[Face]:
        """The faces of one dimension, or of all, each once; see `face_complex`.

        Parameters
        ----------
        dim : int, optional
        hyperplanes : {"units", "outputs", "differences"}

        Examples
        --------
        >>> found = cell_complex(Network.from_layers([[[1], [-2]], [[1, 1]]], [[0, 2], [0]]))
        >>> sorted((face.point, face.signs, face.bounded) for face in found.faces(0))
        [((0,), ((0, 1),), True), ((1,), ((1, 0),), True)]
        """
        return self.face_complex(hyperplanes).faces(dim)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by the names of the attributes."""
        return {name: getattr(self, name) for name in ARRAYS}


ARRAYS = tuple(f.name for f in fields(CellComplex) if f.name not in ("network", "domain"))
"""The names of the arrays of a `CellComplex`."""


def cell_complex(
    network: Network,
    domain: Polyhedron | None = None,
    *,
    watch: Callable[[LeafTree, Leaves], None] | None = None,
    leave_out: Sequence[Miss] = (),
) -> CellComplex:
    """Enumerate the cells of a network on a domain (None: all of R^n) and keep all of them.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
    watch : callable, optional
        Called with the tree and each batch of its leaves; an exception that it raises ends the enumeration.
    leave_out : sequence of Miss
        Only the cells for which none of these holds (see `nn_bridge.cells.tree`); regions are those of this part.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.
    CellTreeError
        A facet lies in more than two cells, or in one and on no wall (a contradiction, never seen).

    Examples
    --------
    >>> lines = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -1], [0]])
    >>> found = cell_complex(lines)
    >>> found.cells, len(found.edges), found.mean_facets, int(found.bounded.sum())
    (7, 9, 2.5714285714285716, 1)
    >>> found.cell(0).pattern == found.pattern(0)
    True
    """
    source = CellSource(network, domain)
    problem = source.problem
    if problem is None:
        return _one_cell(network, domain)
    tree = leaf_tree(problem, FACES, leave_out)
    batches = []
    for batch in tree.run():
        batches.append(batch)
        if watch is not None:
            watch(tree, batch)
    leaves = Leaves(*(np.concatenate(parts) for parts in zip(*batches, strict=True)))
    del batches
    cells = len(leaves.patterns)
    keys = SignVectorKeys(problem, tree.words).pack(leaves.patterns, leaves.facet_leaf, leaves.facet_zeros)
    partner = _partners(keys, (leaves.facet_zeros[:, tree.wall_word :] != 0).any(axis=1), bool(leave_out))
    maps = MapClasses(problem, tree.words, tree.arrays).classify(leaves.patterns, leaves.residues)
    numbers = np.arange(cells + 1)
    found = CellComplex(
        network=network,
        domain=domain,
        pattern_words=leaves.patterns if network.stages else np.zeros((cells, 0), np.uint64),
        residues=leaves.residues,
        maps=maps,
        regions=_regions(leaves.facet_leaf, partner, maps),
        generator_begin=np.searchsorted(leaves.generator_leaf, numbers),
        generator_ray=leaves.generator_ray.astype(bool),
        generator_coordinates=leaves.generator_coordinates,
        generator_zeros=leaves.generator_zeros,
        facet_begin=np.searchsorted(leaves.facet_leaf, numbers),
        facet_zeros=leaves.facet_zeros,
        facet_partner=partner,
    )
    found.__dict__["_source"] = source  # made already: the cached property would make it anew
    return found


def _as_integers(rows: Words) -> list[int]:
    """Rows of words as the integers whose bits they are."""
    width = 8 * rows.shape[1]
    data = rows.tobytes()
    return [int.from_bytes(data[k * width : (k + 1) * width], "little") for k in range(len(rows))]


def _partners(keys: Words, on_wall: Any, is_part: bool) -> Integers:
    """For each facet the other one with the same key (the same sign vector), or -1 on a wall, or beside the part."""
    order = np.lexsort(keys.T)
    ranked = keys[order]
    same = (ranked[1:] == ranked[:-1]).all(axis=1)
    if (same[1:] & same[:-1]).any():
        raise CellTreeError("a facet lies in more than two cells; please report this network")
    first = np.flatnonzero(same)
    partner = np.full(len(keys), -1, np.int64)
    partner[order[first]], partner[order[first + 1]] = order[first + 1], order[first]
    alone = partner < 0
    if (on_wall & ~alone).any() if is_part else not np.array_equal(alone, on_wall):
        raise CellTreeError("a facet lies in one cell only, and on no wall; please report this network")
    return partner


def _regions(facet_cell: Integers, partner: Integers, maps: Integers) -> Integers:
    """For each cell the number of its region, in the order of the first cells."""
    facets = np.flatnonzero(partner > np.arange(len(partner)))
    one, two = facet_cell[facets], facet_cell[partner[facets]]
    same = maps[one] == maps[two]
    return _components(len(maps), one[same], two[same]) if same.any() else np.arange(len(maps))


def _components(nodes: int, one: Integers, two: Integers) -> Integers:
    """For each node the number of its connected component, in the order of the first nodes."""
    graph = coo_array((np.ones(len(one)), (one, two)), shape=(nodes, nodes))
    labels: Integers = connected_components(graph, directed=False)[1].astype(np.int64)
    rank = np.empty(int(labels.max(initial=-1)) + 1, np.int64)
    rank[labels[np.sort(_firsts(labels))]] = np.arange(len(rank))
    return rank[labels]


def _firsts(labels: Integers) -> Integers:
    """The first place of each label 0, 1, .. ."""
    return np.unique(labels, return_index=True)[1]


def _one_cell(network: Network, domain: Polyhedron | None) -> CellComplex:
    """The complex where nothing cuts: all of R^n is one cell without facets."""
    at_zero = network.pattern([0] * network.input_dim)
    words = -(-max(network.hidden, default=0) // 64)
    bits = [sum(int(on) << i for i, on in enumerate(stage)) for stage in at_zero]
    row = b"".join(value.to_bytes(8 * words, "little") for value in bits)
    nothing, no_zeros = np.zeros(0, np.int64), np.zeros((0, 0), np.uint64)
    return CellComplex(
        network=network,
        domain=domain,
        pattern_words=np.frombuffer(row, np.uint64).reshape(1, -1),
        residues=np.zeros(1, np.uint64),
        maps=np.zeros(1, np.int64),
        regions=np.zeros(1, np.int64),
        generator_begin=np.zeros(2, np.int64),
        generator_ray=np.zeros(0, bool),
        generator_coordinates=np.zeros((0, 1)),
        generator_zeros=no_zeros,
        facet_begin=np.zeros(2, np.int64),
        facet_zeros=no_zeros,
        facet_partner=nothing,
    )


__all__ = ["ARRAYS", "CellComplex", "cell_complex"]
