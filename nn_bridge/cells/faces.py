"""`FaceComplex`: the faces of every dimension of the cells of a network, each once, with incidence.

A face of a cell is known by the generators on it.  The units and walls ``Z`` that vanish at all of them vanish on the
whole face, and with the pattern of the cell ``(pattern & ~Z, Z)`` is the sign vector of the points inside the face.
Two faces of different cells are one iff their sign vectors agree, so nothing here looks at coordinates, and degenerate
networks take no other way than generic ones.

Dimensions come from the face lattice: the facets of a face are its maximal proper subfaces, and have one dimension
less; the minimal faces are translates of the lineality space.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flint import fmpq

from nn_bridge.cells.cell import Cell
from nn_bridge.cells.complex import CellComplex, cell_complex
from nn_bridge.cells.cuts import first_stages, with_all_differences, with_levels
from nn_bridge.cells.tree import CellTreeError, Miss
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network, Row
from polyhedra.cached_values import cached_property
from polyhedra.limits import check_limits
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron


@dataclass(eq=False)
class FaceComplex:
    """All faces of the cells of a complex.  Made by `face_complex`.

    A face comes after all of its facets.

    Attributes
    ----------
    cells : CellComplex
    lineality : int
        The dimension of the minimal faces.
    dimensions : list of int
        For each face.
    positive, zeros : list of int
        The sign vector of each face as sets of bits: the units that are positive on it, and the units and walls that
        vanish on it.  The other units are negative.
    facets : list of tuple of int
        For each face the numbers of its facets.
    unbounded : list of bool
        Whether the face is unbounded even where the lineality is divided out: whether it has a ray.
    carriers : list of (cell, generators)
        A cell with this face, and the generators of the cell on it as a set of bits.
    """

    cells: CellComplex
    lineality: int
    dimensions: list[int] = field(default_factory=list)
    positive: list[int] = field(default_factory=list)
    zeros: list[int] = field(default_factory=list)
    facets: list[tuple[int, ...]] = field(default_factory=list)
    unbounded: list[bool] = field(default_factory=list)
    carriers: list[tuple[int, int]] = field(default_factory=list)
    _last: tuple[int, Cell, dict[int, Row]] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.dimensions)

    @property
    def dim(self) -> int:
        """The dimension of the cells."""
        return self.cells.network.input_dim

    def face(self, number: int) -> Face:
        """One face as a value of its own."""
        if not 0 <= number < len(self):
            raise IndexError(f"of {counted(len(self), 'face')}, from 0, none has the number {number}")
        return Face(self, number)

    def faces(self, dim: int | None = None) -> list[Face]:
        """The faces of one dimension, or of all of them.

        Raises
        ------
        NetworkError
            There are no faces of this dimension in R^n.
        """
        if dim is None:
            return [Face(self, number) for number in range(len(self))]
        if not 0 <= dim <= self.dim:
            raise NetworkError(f"there are no faces of dimension {dim} in R^{self.dim}; take 0..{self.dim}")
        return [Face(self, number) for number in self.of_dimension(dim)]

    def of_dimension(self, dim: int) -> list[int]:
        """The numbers of the faces of one dimension."""
        return [face for face, found in enumerate(self.dimensions) if found == dim]

    @cached_property
    def f_vector(self) -> tuple[int, ...]:
        """The numbers of faces of dimension 0, 1, .., n."""
        counts = Counter(self.dimensions)
        return tuple(counts[dim] for dim in range(self.dim + 1))

    def is_bounded(self, face: int) -> bool:
        """Whether a face is bounded."""
        return not self.lineality and not self.unbounded[face]

    @cached_property
    def euler(self) -> int:
        """The Euler characteristic of the union of all cells, by the bounded faces of the quotient by the lineality."""
        shrunk = zip(self.dimensions, self.unbounded, strict=True)
        return sum((-1) ** (dim - self.lineality) for dim, unbounded in shrunk if not unbounded)

    @cached_property
    def euler_compact(self) -> int:
        """The Euler characteristic with compact support, by all faces."""
        return sum((-1) ** dim for dim in self.dimensions)

    @cached_property
    def cofacets(self) -> list[tuple[int, ...]]:
        """For each face the faces of which it is a facet."""
        found: list[list[int]] = [[] for _ in self.facets]
        for face, facets in enumerate(self.facets):
            for facet in facets:
                found[facet].append(face)
        return list(map(tuple, found))

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first bit of each stage in `positive` and `zeros`, then that of the walls of the domain."""
        return _starts(self.cells)

    def unit_sign(self, face: int, stage: int, unit: int) -> int:
        """The sign of a unit on a face: 1, 0 or -1."""
        bit = 1 << (self.starts[stage] + unit)
        return 0 if self.zeros[face] & bit else 1 if self.positive[face] & bit else -1

    def sign_vector(self, face: int) -> tuple[tuple[int, ...], ...]:
        """The signs of all units on a face, stage by stage."""
        sizes = self.cells.network.hidden
        return tuple(tuple(self.unit_sign(face, s, i) for i in range(size)) for s, size in enumerate(sizes))

    def on_boundary(self, face: int) -> bool:
        """Whether a face lies on a wall of the domain."""
        return bool(self.zeros[face] >> self.starts[-1])

    def walls(self, face: int) -> tuple[int, ...]:
        """The walls of the domain that hold a face, as numbers of rows of ``cells.problem.walls``."""
        bits = self.zeros[face] >> self.starts[-1]
        return tuple(wall for wall in range(bits.bit_length()) if bits >> wall & 1)

    def point(self, face: int) -> Row:
        """An exact point in the relative interior of a face."""
        vertices, rays = self.generators(face)
        point = [sum(column, fmpq(0)) / len(vertices) for column in zip(*vertices, strict=True)]
        for vector in rays:
            largest = max(abs(v) for v in vector)  # any positive multiple serves
            point = [x + v / largest for x, v in zip(point, vector, strict=True)]
        return tuple(point)

    def generators(self, face: int) -> tuple[list[Row], list[Row]]:
        """The exact vertices and rays of a face as the cell that carries it has them, modulo its lines."""
        number, on = self.carriers[face]
        if self._last is None or self._last[0] != number:  # faces of one cell follow one another
            self._last = number, self.cells.cell(number), {}
        _, cell, known = self._last
        if self.cells.problem is None:
            return [cell.generator(0)], []
        first, last = self.cells.generator_begin[number : number + 2].tolist()
        vertices: list[Row] = []
        rays: list[Row] = []
        for k, is_ray in enumerate(self.cells.generator_ray[first:last].tolist()):
            if on >> k & 1:
                if k not in known:
                    known[k] = cell.generator(k)
                (rays if is_ray else vertices).append(known[k])
        return vertices, rays

    def vertices(self, face: int) -> tuple[Row, ...]:
        """The exact vertices of a face, sorted; where it contains lines, a point of each of its minimal faces."""
        below = {face}
        for number in range(face, -1, -1):  # a face comes after its facets
            if number in below and self.facets[number]:
                below.remove(number)
                below.update(self.facets[number])
        return tuple(sorted(map(self.point, below)))

    @cached_property
    def signs(self) -> list[tuple[int, ...]]:
        """For each face the incidence numbers 1 or -1 with its facets, such that the boundary of a boundary is 0.

        Every facet of a facet lies in exactly two facets, which fixes all signs from that of the first facet.
        """
        found: list[tuple[int, ...]] = []
        for face, facets in enumerate(self.facets):
            height = self.dimensions[face] - self.lineality
            if height < 2:
                if len(facets) > 2 * height:
                    raise CellTreeError("an edge has more than two ends; please report this network")
                found.append((-1, 1) if len(facets) == 2 else (1,) * len(facets))
            else:
                found.append(_oriented([dict(zip(self.facets[f], found[f], strict=True)) for f in facets]))
        return found


@dataclass(frozen=True, slots=True)
class Face:
    """A relatively open face of a complex: the points with one sign vector.  Made by `FaceComplex.face`.

    Faces are equal iff they have the same number in the same complex.

    Attributes
    ----------
    complex : FaceComplex
    number : int
    """

    complex: FaceComplex = field(repr=False)
    number: int

    @property
    def dimension(self) -> int:
        """Its dimension."""
        return self.complex.dimensions[self.number]

    @property
    def signs(self) -> tuple[tuple[int, ...], ...]:
        """The signs 1, 0, -1 of all units on it, stage by stage; hyperplanes of outputs are the last stage."""
        return self.complex.sign_vector(self.number)

    @property
    def walls(self) -> tuple[int, ...]:
        """The walls of the domain that hold it."""
        return self.complex.walls(self.number)

    @property
    def bounded(self) -> bool:
        """Whether it is bounded."""
        return self.complex.is_bounded(self.number)

    @property
    def facets(self) -> list[Face]:
        """Its facets."""
        return [Face(self.complex, number) for number in self.complex.facets[self.number]]

    @property
    def cofacets(self) -> list[Face]:
        """The faces of which it is a facet."""
        return [Face(self.complex, number) for number in self.complex.cofacets[self.number]]

    @property
    def point(self) -> Row:
        """An exact point in its relative interior."""
        return self.complex.point(self.number)

    @property
    def vertices(self) -> tuple[Row, ...]:
        """Its exact vertices, sorted; where it contains lines, a point of each of its minimal faces."""
        return self.complex.vertices(self.number)


def layer_complexes(network: Network, domain: Polyhedron | None = None) -> list[FaceComplex]:
    """The complexes before the first stage, behind it, behind the second, .., each with all of its faces.

    Examples
    --------
    >>> bent = Network.from_layers([[[1], [-1]], [[1, 1]], [[1]]], [[0, 0], [-1], [0]])
    >>> [found.f_vector for found in layer_complexes(bent)]
    [(0, 1), (1, 2), (3, 4)]
    """
    return [face_complex(first_stages(network, count), domain) for count in range(len(network.stages) + 1)]


def face_complex(network: Network, domain: Polyhedron | None = None, *, leave_out: Sequence[Miss] = ()) -> FaceComplex:
    """All faces of the cells of a network on a domain (None: all of R^n), or of some of the cells.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
    leave_out : sequence of Miss
        The cells to leave out, as in `cell_complex`.

    Raises
    ------
    NetworkError
        The domain has another dimension than the input, or no interior.
    CellTreeError
        The faces contradict one another (never seen).

    Examples
    --------
    >>> lines = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [[0, 0, -1], [0]])
    >>> found = face_complex(lines)
    >>> found.f_vector, found.euler, found.euler_compact
    ((3, 9, 7), 1, 1)
    """
    return faces_of(cell_complex(network, domain, leave_out=leave_out))


_CUTS: dict[str, Callable[[Network], Network]] = {"outputs": with_levels, "differences": with_all_differences}


def faces_of_cut(cells: CellComplex, hyperplanes: str) -> FaceComplex:
    """The faces of a complex, cut by its outputs or by their differences too; made once for each complex.

    Raises
    ------
    ValueError
        There are no such hyperplanes.
    """
    known: dict[str, FaceComplex] = cells.__dict__.setdefault("_faces", {})
    if hyperplanes not in known:
        if hyperplanes == "units":
            known[hyperplanes] = faces_of(cells)
        elif hyperplanes in _CUTS:
            known[hyperplanes] = face_complex(_CUTS[hyperplanes](cells.network), cells.domain)
        else:
            raise ValueError(f"there are no hyperplanes {hyperplanes!r}; take units, {', '.join(_CUTS)}")
    return known[hyperplanes]


def faces_of(cells: CellComplex) -> FaceComplex:
    """The faces of a complex whose cells are there already."""
    problem = cells.problem
    if problem is None:
        return _one_face(cells)
    found = FaceComplex(cells, cells.network.input_dim - problem.dim)
    index: dict[tuple[int, int], int] = {}
    width = 8 * cells.generator_zeros.shape[1]
    generator_bytes, facet_bytes = cells.generator_zeros.tobytes(), cells.facet_zeros.tobytes()
    generator_begin, facet_begin = cells.generator_begin.tolist(), cells.facet_begin.tolist()
    is_ray = cells.generator_ray.tolist()
    for cell, pattern in enumerate(_patterns(cells)):
        check_limits()
        first, last = generator_begin[cell : cell + 2]
        at = [int.from_bytes(generator_bytes[k * width : (k + 1) * width], "little") for k in range(first, last)]
        rays = sum(1 << k for k, ray in enumerate(is_ray[first:last]) if ray)
        on = []
        for k in range(facet_begin[cell], facet_begin[cell + 1]):
            units = int.from_bytes(facet_bytes[k * width : (k + 1) * width], "little")
            on.append(sum(1 << g for g, zeros in enumerate(at) if not units & ~zeros))
        top = _add(found, index, cell, pattern, at, rays, on, (1 << len(at)) - 1)
        if found.dimensions[top] != found.dim:
            raise CellTreeError(f"a cell has dimension {found.dimensions[top]}; please report this network")
    return found


def _add(
    found: FaceComplex,
    index: dict[tuple[int, int], int],
    cell: int,
    pattern: int,
    at: list[int],
    rays: int,
    facets_on: list[int],
    face: int,
) -> int:
    """Add a face of a cell, given by the generators on it, with all faces below it; return its number."""
    zeros, rest = -1, face
    while rest:
        low = rest & -rest
        zeros &= at[low.bit_length() - 1]
        rest ^= low
    key = pattern & ~zeros, zeros
    known = index.get(key)
    if known is not None:
        return known
    below = {face & on for on in facets_on}
    below.discard(face)
    maximal: list[int] = []
    for part in sorted(below, key=lambda part: (-part.bit_count(), part)):
        if part & ~rays and not any(part & larger == part for larger in maximal):
            maximal.append(part)
    facets = tuple(_add(found, index, cell, pattern, at, rays, facets_on, part) for part in maximal)
    heights = {found.dimensions[facet] for facet in facets}
    if len(heights) > 1 or (not facets and face.bit_count() != 1):
        raise CellTreeError("the faces of a cell form no lattice of a polyhedron; please report this network")
    index[key] = len(found.dimensions)
    found.dimensions.append(heights.pop() + 1 if heights else found.lineality)
    found.positive.append(key[0])
    found.zeros.append(zeros)
    found.facets.append(facets)
    found.unbounded.append(bool(face & rays))
    found.carriers.append((cell, face))
    return index[key]


def _oriented(facets: list[dict[int, int]]) -> tuple[int, ...]:
    """Signs of facets, given with the signs of theirs, such that everything cancels."""
    holding: dict[int, list[int]] = {}
    for number, ridges in enumerate(facets):
        for ridge in ridges:
            holding.setdefault(ridge, []).append(number)
    signs = [1] + [0] * (len(facets) - 1)
    waiting = [0]
    while waiting:
        number = waiting.pop()
        for ridge, sign in facets[number].items():
            for other in holding[ridge]:
                if other != number and not signs[other]:
                    signs[other] = -signs[number] * sign * facets[other][ridge]
                    waiting.append(other)
    if not all(signs) or any(
        len(pair) != 2 or sum(signs[k] * facets[k][ridge] for k in pair) for ridge, pair in holding.items()
    ):
        raise CellTreeError("the facets of a face cannot be oriented; please report this network")
    return tuple(signs)


def _starts(cells: CellComplex) -> tuple[int, ...]:
    """The first bit of each stage in the sets of zeros, then that of the walls."""
    starts = [0]
    for size in (cells.problem or cells).network.hidden:
        starts.append(starts[-1] + 64 * -(-size // 64))
    return tuple(starts)


def _patterns(cells: CellComplex) -> list[int]:
    """The active units of each cell as sets of bits, placed as in the sets of zeros."""
    width = 8 * cells.words
    starts = _starts(cells)
    rows = [row.tobytes() for row in cells.pattern_words]
    return [
        sum(
            int.from_bytes(row[width * stage : width * (stage + 1)], "little") << starts[stage]
            for stage in range(len(cells.network.hidden))
        )
        for row in rows
    ]


def _one_face(cells: CellComplex) -> FaceComplex:
    """The complex where nothing cuts: all of R^n is one face, on which every unit is constant."""
    found = FaceComplex(cells, cells.network.input_dim)
    values = cells.network.preactivations([0] * cells.network.input_dim)[:-1]
    units = [(start + i, v) for start, stage in zip(_starts(cells), values, strict=False) for i, v in enumerate(stage)]
    found.positive = [sum(1 << place for place, value in units if value > 0)]
    found.zeros = [sum(1 << place for place, value in units if value == 0)]
    found.dimensions, found.facets, found.unbounded, found.carriers = [found.lineality], [()], [False], [(0, 0)]
    return found


__all__ = ["Face", "FaceComplex", "face_complex", "faces_of", "faces_of_cut", "layer_complexes"]
