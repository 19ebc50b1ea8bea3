"""`level_pieces`: a level set or a decision boundary alone, as polyhedra of dimension n - 1, without all other cells.

The set is where the units of the last stage have *allowed* signs, such as 0 for a level; `nn_bridge.cells.cuts` adds
that stage.  Cells of the complex that the set misses are left out, subtrees of them by proven bounds, so that no
component is lost.  Inside a cell every unit of that stage keeps its sign, so the set meets the closed cell in one face:

* the whole cell: it is *flat*;
* a facet: a *piece*.  All faces of dimension n - 1 of the set are pieces, those around flat cells too;
* a lower face, which *touches* if no larger face of the set contains it.

A piece that lies on no wall of the domain has a cell on either side, and both are found: so pieces can be counted, or
listed one after another, as they come, without keeping any.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from nn_bridge.cells.cell import Cell, CellSource
from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.cells.joining import SignVectorKeys
from nn_bridge.cells.plain_tree import leaf_tree
from nn_bridge.cells.problem import CellProblem, cell_problem
from nn_bridge.cells.tree import FACES, Leaves, Miss
from nn_bridge.network.network import Network, Row
from polyhedra.arrays import Flags, Integers, Words
from polyhedra.cached_values import cached_property
from polyhedra.limits import check_limits
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron

Allowed = tuple[tuple[int, ...], ...]
"""For each unit of the last stage the signs that it may have: 0, with 1 or -1."""

_BIT = np.uint64(1)


class PieceCounts(NamedTuple):
    """The numbers of pieces, of flat cells, and of faces that only touch."""

    pieces: int
    flat: int
    touching: int


@dataclass(frozen=True)
class LevelPiece:
    """A face of dimension n - 1 of a level set or boundary.  Made by `LevelPieces`.

    Attributes
    ----------
    cell : Cell
        A cell that it is a facet of.
    facet : int
        Its number among the facets of that cell.
    generators : tuple of int
        The generators of that cell on it.
    """

    cell: Cell
    facet: int
    generators: tuple[int, ...] = field(repr=False)

    @cached_property
    def polyhedron(self) -> Polyhedron:
        """The closed piece."""
        rows = [[int(v.p) for v in row] for row in self.cell.inequalities]
        own = rows.pop(self.facet)
        return Polyhedron.of_integer_rows(rows, [own], dim=self.cell.network.input_dim)

    @cached_property
    def vertices(self) -> tuple[Row, ...]:
        """The exact vertices, sorted; a piece with lines has a point of each of its minimal faces."""
        return tuple(sorted(self.cell.generator(k) for k in self.generators if not self.cell._generator_zeros[k][0]))

    @property
    def bounded(self) -> bool:
        """Whether it is bounded."""
        return self.polyhedron.is_bounded()


@dataclass(frozen=True, eq=False)
class LevelPieces:
    """The pieces of a level set or boundary; see the module.  Made by `level_pieces`.

    Attributes
    ----------
    cells : CellComplex
        The cells whose closure may meet the set, of the network with the stage that cuts.
    facets : integer array
        For each piece its number among the facets of ``cells``.
    flat : integer array
        The cells that lie in the set.
    touching : tuple of (cell, generators)
        For each face that only touches a cell that it is a face of, and the numbers of its generators.
    """

    cells: CellComplex
    facets: Integers
    flat: Integers
    touching: tuple[tuple[int, tuple[int, ...]], ...]

    def __len__(self) -> int:
        return len(self.facets)

    def __repr__(self) -> str:
        flat = counted(len(self.flat), "flat cell")
        return f"<LevelPieces: {counted(len(self), 'piece')}, {flat}, {len(self.touching):,} touching>"

    @property
    def counts(self) -> PieceCounts:
        """The numbers of each kind."""
        return PieceCounts(len(self.facets), len(self.flat), len(self.touching))

    def __getitem__(self, number: int) -> LevelPiece:
        """One piece, with exact answers on demand."""
        facet = int(self.facets[number])
        cell = int(self.cells.facet_cell[facet])
        begin, members = self.cells.facet_generators
        first = int(self.cells.generator_begin[cell])
        on = tuple(int(k) - first for k in members[begin[facet] : begin[facet + 1]])
        return LevelPiece(self.cells.cell(cell), facet - int(self.cells.facet_begin[cell]), on)

    def __iter__(self) -> Iterator[LevelPiece]:
        return map(self.__getitem__, range(len(self)))

    def flat_cells(self) -> Iterator[Cell]:
        """The cells that lie in the set."""
        return map(self.cells.cell, self.flat.tolist())

    def touching_vertices(self) -> Iterator[tuple[Row, ...]]:
        """The exact vertices of each face that only touches, sorted."""
        for cell, generators in self.touching:
            first = int(self.cells.generator_begin[cell])
            found = self.cells.cell(cell)
            yield tuple(sorted(found.generator(k) for k in generators if not self.cells.generator_ray[first + k]))


def misses(allowed: Allowed) -> tuple[Miss, ...]:
    """The proof that a cell misses the set: a unit with a sign that is not allowed.

    Examples
    --------
    >>> misses(((0,), (0, 1)))
    (((0, True),), ((0, False),), ((1, False),))
    """
    return tuple(((unit, sign > 0),) for unit, signs in enumerate(allowed) for sign in (1, -1) if sign not in signs)


def level_pieces(cut: Network, domain: Polyhedron | None, allowed: Allowed) -> LevelPieces:
    """The pieces of the set where the units of the last stage of a network have allowed signs.

    Parameters
    ----------
    cut : Network
        With the stage that cuts, as `nn_bridge.cells.cuts` makes it.
    domain : Polyhedron, optional
    allowed : tuple of tuples
        For each unit of the last stage (0,), (0, 1) or (0, -1).

    Examples
    --------
    >>> from nn_bridge.cells.cuts import with_level
    >>> bent = Network.from_layers([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]]])  # |x| + |y|
    >>> diamond = level_pieces(with_level(bent, 0, 1), None, ((0,),))
    >>> len(diamond), diamond[0].vertices
    (4, ((-1, 0), (0, -1)))
    >>> level_pieces(with_level(bent, 0, 0), None, ((0,),)).counts
    PieceCounts(pieces=0, flat=0, touching=1)
    """
    cells = cell_complex(cut, domain, leave_out=misses(allowed))
    if cells.problem is None:  # nothing cuts: one cell, in which all signs are constant
        values = cut.preactivations([0] * cut.input_dim)[-2]
        flat = all((v > 0) - (v < 0) in signs for v, signs in zip(values, allowed, strict=True))
        return LevelPieces(cells, np.zeros(0, np.int64), np.arange(int(flat)), ())
    masks = _Masks(cells.problem, cells.words, allowed)
    generator_cell = np.repeat(np.arange(cells.cells), np.diff(cells.generator_begin))
    found = masks.of(
        cells.pattern_words,
        generator_cell,
        cells.generator_ray,
        cells.generator_zeros,
        cells.facet_cell,
        cells.facet_zeros,
    )
    once = found.facets & ~((cells.facet_partner >= 0) & (cells.facet_partner < np.arange(len(cells.facet_partner))))
    touching = _touching(cells, found)
    return LevelPieces(cells, np.flatnonzero(once), np.flatnonzero(found.flat), touching)


def count_pieces(cut: Network, domain: Polyhedron | None, allowed: Allowed) -> PieceCounts:
    """The numbers that `level_pieces` finds, without keeping the pieces in memory.

    Faces that only touch make a second pass necessary; most networks have none.
    """
    problem = cell_problem(cut, domain)
    if problem is None:
        return level_pieces(cut, domain, allowed).counts
    tree = leaf_tree(problem, FACES, misses(allowed), maps=False)
    masks = _Masks(problem, tree.words, allowed)
    twice = flat = first = 0
    lower = False
    for leaves in tree.run():
        check_limits()
        if not len(leaves.patterns):
            continue
        found = masks.of_leaves(leaves, first)
        on_wall = (leaves.facet_zeros[:, tree.wall_word :] != 0).any(axis=1)
        twice += int(found.facets.sum()) + int((found.facets & on_wall).sum())
        flat += int(found.flat.sum())
        lower = lower or bool(found.lower.any())
        first += len(leaves.patterns)
    if lower:
        return level_pieces(cut, domain, allowed).counts
    return PieceCounts(twice // 2, flat, 0)


class LevelPart(NamedTuple):
    """A piece, a flat cell, or a face that only touches, by a cell.  Made by `iterate_parts`.

    Attributes
    ----------
    kind : {"piece", "flat", "touching"}
    cell : Cell
        The flat cell, or one of which the part is a face.
    facet : int or None
        The number of a piece among the facets of the cell.
    generators : tuple of int
        The generators of the cell on the part.
    """

    kind: Literal["piece", "flat", "touching"]
    cell: Cell
    facet: int | None
    generators: tuple[int, ...]


def iterate_parts(cut: Network, domain: Polyhedron | None, allowed: Allowed) -> Iterator[LevelPart]:
    """The parts that `level_pieces` finds, one after another, each once, with some thousand cells in memory.

    Faces that only touch come last; they make a second pass necessary, which keeps all cells that meet the set.

    Of the two cells of a piece the one yields it on which the first unit that vanishes there, but not on the whole
    cell, is positive: up to its stage both cells have the same forms, so that on the other one it is negative.

    Parameters
    ----------
    cut, domain, allowed
        As in `level_pieces`.

    Examples
    --------
    >>> from nn_bridge.cells.cuts import with_level
    >>> ramp = Network.from_layers([[[1, 0]], [[1]]])  # max(x, 0)
    >>> [(part.kind, part.cell.pattern_text) for part in iterate_parts(with_level(ramp, 0, 0), None, ((0,),))]
    [('flat', '0|0'), ('piece', '1|1')]
    """
    source = CellSource(cut, domain)
    problem = source.problem
    lower = problem is None
    if problem is not None:
        tree = leaf_tree(problem, FACES, misses(allowed), maps=False)
        masks = _Masks(problem, tree.words, allowed)
        first = 0
        for leaves in tree.run():
            check_limits()
            if not len(leaves.patterns):
                continue
            found = masks.of_leaves(leaves, first)
            lower = lower or bool(found.lower.any())
            own = found.facets & masks.listed_here(leaves, first, tree.wall_word)
            begin = np.searchsorted(leaves.facet_leaf, first + np.arange(len(leaves.patterns) + 1))
            for number, cell in enumerate(source.cells_of(leaves, tree.words)):
                if found.flat[number]:
                    yield LevelPart("flat", cell, None, tuple(range(cell.generator_count)))
                for facet in np.flatnonzero(own[begin[number] : begin[number + 1]]).tolist():
                    yield LevelPart("piece", cell, facet, cell.generators_on(facet))
            first += len(leaves.patterns)
    if not lower:
        return
    whole = level_pieces(cut, domain, allowed)
    if problem is None:
        yield from (LevelPart("flat", cell, None, (0,)) for cell in whole.flat_cells())
    for number, generators in whole.touching:
        yield LevelPart("touching", whole.cells.cell(number), None, generators)


class _Found(NamedTuple):
    """The parts in the set: generators, facets, whole cells; and cells that it meets in a lower face."""

    generators: Flags
    facets: Flags
    flat: Flags
    lower: Flags


class _Masks:
    """Tells which faces of cells lie in the set, by their signs of the last stage."""

    def __init__(self, problem: CellProblem, words: int, allowed: Allowed) -> None:
        sizes = problem.network.hidden
        self._zero_word = sum(-(-size // 64) for size in sizes[:-1])
        self._pattern_word = words * (len(sizes) - 1)
        self._allowed = allowed
        # by word of a set of zeros, the walls left out: the word of the pattern that tells the signs of its units
        self._columns = [stage * words + word for stage, size in enumerate(sizes) for word in range(-(-size // 64))]

    def of_leaves(self, leaves: Leaves, first: int) -> _Found:
        """Of a batch of leaves, of which the first one has this number."""
        return self.of(
            leaves.patterns,
            leaves.generator_leaf - first,
            leaves.generator_ray.astype(bool),
            leaves.generator_zeros,
            leaves.facet_leaf - first,
            leaves.facet_zeros,
        )

    def listed_here(self, leaves: Leaves, first: int, wall_word: int) -> Flags:
        """For each facet whether it is this one of its cells that lists it; see `iterate_parts`."""
        cell, zeros = leaves.facet_leaf - first, leaves.facet_zeros
        begin = np.searchsorted(leaves.generator_leaf - first, np.arange(len(leaves.patterns)))
        everywhere = np.bitwise_and.reduceat(leaves.generator_zeros, begin, axis=0)
        result: Flags = (zeros[:, wall_word:] != 0).any(axis=1)
        told = result.copy()
        for place, column in enumerate(self._columns):
            vanishing = zeros[:, place] & ~everywhere[cell, place]
            lowest = vanishing & (~vanishing + np.uint64(1))
            result |= ~told & ((leaves.patterns[cell, column] & lowest) != 0)
            told |= vanishing != 0
        return result

    def _allowed_on(self, patterns: Words, cell: Integers, zeros: Words) -> Flags:
        """Of faces, given by their cells and what vanishes on them: whether all units have allowed signs there."""
        result = np.ones(len(zeros), bool)
        for unit, signs in enumerate(self._allowed):
            word, bit = divmod(unit, 64)
            on = (zeros[:, self._zero_word + word] >> np.uint64(bit) & _BIT).astype(bool)
            positive = (patterns[cell, self._pattern_word + word] >> np.uint64(bit) & _BIT).astype(bool)
            result &= on | np.where(positive, 1 in signs, -1 in signs)
        return result

    def of(
        self, patterns: Words, generator_cell: Integers, ray: Flags, zeros: Words, facet_cell: Integers, facets: Words
    ) -> _Found:
        """Of some cells with their generators and facets, each with the number of its cell."""
        count = len(patterns)
        begin = np.searchsorted(generator_cell, np.arange(count))
        everywhere = np.bitwise_and.reduceat(zeros, begin, axis=0) if count else zeros
        generators = self._allowed_on(patterns, generator_cell, zeros)
        on_facets = self._allowed_on(patterns, facet_cell, facets)
        flat = self._allowed_on(patterns, np.arange(count), everywhere)
        lower = np.zeros(count, bool)
        lower[generator_cell[generators & ~ray]] = True
        lower[facet_cell[on_facets]] = False
        return _Found(generators, on_facets, flat, lower & ~flat)


def _touching(cells: CellComplex, found: _Found) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """The lower faces in which the set meets cells, each once, without those that lie in larger faces of the set."""
    candidates = np.flatnonzero(found.lower)
    if not len(candidates) or cells.problem is None:
        return ()
    keys = SignVectorKeys(cells.problem, cells.words)
    cell = np.repeat(np.arange(cells.cells), np.diff(cells.generator_begin))
    met: dict[int, tuple[bytes, tuple[int, ...]]] = {}  # by cell: the face in which the set meets it
    faces: dict[bytes, int] = {}
    begin = cells.generator_begin
    vertex = np.flatnonzero(found.generators & ~cells.generator_ray)
    points = keys.pack(cells.pattern_words, cell[vertex], cells.generator_zeros[vertex])
    for number in np.unique(cell[vertex]).tolist():
        on = np.arange(begin[number], begin[number + 1])[found.generators[begin[number] : begin[number + 1]]]
        zeros = np.bitwise_and.reduce(cells.generator_zeros[on], axis=0)
        key = keys.pack(cells.pattern_words, np.array([number]), zeros[None])[0].tobytes()
        met[number] = key, tuple(int(k - begin[number]) for k in on)
        if found.lower[number]:
            faces.setdefault(key, number)
    # all cells around a face of the set have one of its vertices, in the set
    around: dict[bytes, list[int]] = {}
    for place, point in enumerate(points):
        around.setdefault(point.tobytes(), []).append(place)
    of_cell: dict[int, list[int]] = {}
    for place, number in enumerate(cell[vertex].tolist()):
        of_cell.setdefault(number, []).append(place)
    kept = []
    for key, number in faces.items():
        check_limits()
        own = of_cell[number]
        others = set.intersection(*({int(cell[vertex[k]]) for k in around[points[place].tobytes()]} for place in own))
        if all(met[other][0] == key or not _holds_face(cells, found, other, number) for other in others):
            kept.append((number, met[number][1]))
    return tuple(kept)


def _holds_face(cells: CellComplex, found: _Found, other: int, number: int) -> bool:
    """Whether the face in which the set meets a cell is one of another cell too: there is no sign against it."""
    first, last = cells.generator_begin[number : number + 2]
    on = found.generators[first:last]
    zeros = np.bitwise_and.reduce(cells.generator_zeros[first:last][on], axis=0)
    words = cells.words
    place = 0
    for stage, size in enumerate((cells.problem or cells).network.hidden):
        for word in range(-(-size // 64)):
            column = stage * words + word
            apart = (cells.pattern_words[number, column] ^ cells.pattern_words[other, column]) & ~zeros[place]
            if apart:
                return False
            place += 1
    return True


__all__ = [
    "Allowed",
    "LevelPart",
    "LevelPiece",
    "LevelPieces",
    "PieceCounts",
    "count_pieces",
    "iterate_parts",
    "level_pieces",
    "misses",
]
