"""The cell tree: depth-first subdivision of R^n (or a domain) into activation cells, exact by a filter and a fallback.

The method (architecture: `nn_bridge.cells._kernels` has the loops):

* A cell is a cone over homogeneous generators ``(x, w)``: vertices with ``w > 0``, rays with ``w = 0``.  It is split by
  one unit at a time.  A unit cuts a cell iff it is surely positive at one generator and surely negative at another.
* A split is one step of the double description method: a new generator on every edge whose ends differ in sign.  Signs
  of further units are inherited where both ends agree and evaluated where they don't, with a running error bound.
* When all units of a stage have one sign on the cell, the forms of the next stage are computed and the cell goes on.
* A sign that floating point can't prove is decided here, exactly, from the integer null space of the generator's
  incident facets.  The kernel stops with the request and goes on where it was.

Source: the double description method (Motzkin et al. 1953; Fukuda and Prodon 1996) with lazy exact predicates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq, fmpz, fmpz_mat

from nn_bridge.cells import _kernels as kernels
from nn_bridge.cells.problem import CellArrays, CellProblem, Residues, cell_arrays, exact_signs
from nn_bridge.cells.start_cells import WALL, Generator
from nn_bridge.network.forms import ExactForms, dot
from polyhedra.limits import check_limits
from polyhedra.matrix import nullspace

Decision = tuple[int, int, int]
"""One step down the tree: (stage, unit, 1 for the positive side or 0)."""

COUNT_ONLY, PATTERNS, FACES, JOINS = 0, 1, 2, 3
"""What a leaf writes: nothing, its pattern and the residues of its map, or these with generators and facets.

JOINS is FACES without coordinates and rays, which joining cells does without.
"""

_NO_RESIDUES = Residues(
    np.zeros((1, 2, 1), np.uint64),
    np.zeros(1, np.uint64),
    np.zeros((1, 1), np.uint64),
    np.zeros(2, np.uint64),
    np.zeros(1, np.int64),
)
_ROOTS_AT_ONCE = 256
_STEPS_AT_ONCE = 1 << 14
EFFORT_AT_ONCE = 1 << 25
"""Elementary operations of the kernels between two looks at the clock: less than a tenth of a second."""

_EXACT_EFFORT_AT_ONCE = 1 << 20


class NoRoom(MemoryError):
    """A run needs more memory than it was allowed."""


class CellTreeError(RuntimeError):
    """The engine contradicts itself, or a recorded path does not exist in this network."""


@dataclass(frozen=True)
class Subtree:
    """A part of the tree: a start cell and the decisions that lead down from it, or ``roots`` start cells in a row.

    Decisions name units and sides, not positions in a run, so a subtree is the same set of cells in every process.
    """

    root: int
    path: tuple[Decision, ...] = ()
    roots: int = 1


class Leaves(NamedTuple):
    """A batch of leaves as arrays.

    ``patterns`` has shape (leaves, stages * words) with bit ``i % 64`` of word ``stage * words + i // 64`` for unit
    ``i``; ``prints`` the residues of the affine maps; ``begins`` marks the leaves with which a run, or a cell of the
    last stage, begins.  The others are empty unless faces were asked for: per generator (with JOINS: per vertex) the
    number of its leaf (counted over the whole run), whether it is a ray, float coordinates (not with JOINS) and the set
    of units (and walls) that vanish there; per facet the number of its leaf and that set.
    """

    patterns: np.ndarray
    prints: np.ndarray
    begins: np.ndarray
    generator_leaf: np.ndarray
    generator_ray: np.ndarray
    generator_coordinates: np.ndarray
    generator_zeros: np.ndarray
    facet_leaf: np.ndarray
    facet_zeros: np.ndarray


class CellTree:
    """One run over (a part of) the tree.

    Parameters
    ----------
    problem : CellProblem
    emit : COUNT_ONLY, PATTERNS, FACES or JOINS
    count_last_stage : bool
        Count the cells of the last stage by deletion and restriction instead of enumerating them.
    select : array of uint8, optional
        With PATTERNS, FACES or JOINS: write only the leaves whose number is marked.

    Attributes
    ----------
    room : int, optional
        Bytes by which the storage may still grow; None for any number.
    """

    def __init__(
        self,
        problem: CellProblem,
        emit: int = COUNT_ONLY,
        *,
        count_last_stage: bool = False,
        select: np.ndarray | None = None,
        arrays: CellArrays | None = None,
    ) -> None:
        self.problem = problem
        self.arrays = arrays if arrays is not None else cell_arrays(problem)
        self.forms = ExactForms(problem.network, problem.walls)
        self.emit = emit
        self.exact_decisions = 0
        self.exact_requests = 0
        self.room: int | None = None
        self._exact_effort = 0
        self._deciding = False
        a = self.arrays
        dim, stages = problem.dim, len(a.sizes)
        self.words = -(-int(a.sizes.max()) // 64)
        stage_words = [-(-int(m) // 64) for m in a.sizes]
        self.wall_word = sum(stage_words)
        self.zero_words = self.wall_word + -(-len(problem.walls) // 64) if emit in (FACES, JOINS) else 0
        self.zero_offset = np.concatenate([[0], np.cumsum(stage_words)[:-1]]).astype(np.int64)
        self._select = np.zeros(0, np.uint8) if select is None else select
        self.par = np.zeros(kernels.PAR_SIZE, np.int64)
        self.st = np.zeros(kernels.ST_SIZE, np.int64)
        self.share = np.zeros(1)
        p = self.par
        p[kernels.DIM], p[kernels.STAGES] = dim, stages
        p[kernels.MODE] = kernels.COUNT_LAST_STAGE if count_last_stage else kernels.ENUMERATE
        p[kernels.FW] = max(1, -(-(len(problem.slots) + dim + 8) // 64))
        p[kernels.MW], p[kernels.ZW] = self.words, self.zero_words
        p[kernels.INTEGER], p[kernels.EMIT] = int(a.integer), emit
        p[kernels.GENS_CAP] = 512
        p[kernels.WORK_LIMIT], p[kernels.EFFORT_LIMIT] = _STEPS_AT_ONCE, EFFORT_AT_ONCE
        self.node = np.zeros((256 + 2 * _ROOTS_AT_ONCE, kernels.NODE_SIZE), np.int64)
        self.node_mask = np.zeros((len(self.node), 3 * self.words), np.uint64)
        self.index = np.zeros(1 << 13, np.int64)
        self.coord: np.ndarray = np.zeros((0, dim + 3))
        self.ray: np.ndarray = np.zeros(0, np.uint8)
        self.mask: np.ndarray = np.zeros((0, int(p[kernels.FW]) + 3 * self.words + self.zero_words), np.uint64)
        self.parents: np.ndarray = np.zeros((4 * int(p[kernels.GENS_CAP]), 2), np.int64)
        self._allocate_pool(1 << 12)
        self.form = np.zeros((stages, dim + 4, a.padded))  # coefficients, their error, 1-norm, maximum
        self.prints = np.zeros((stages, 2, a.padded), np.uint64)
        self._residues = a.residues if emit else _NO_RESIDUES
        self._changes = kernels.Changes(
            np.zeros((stages, stages, self.words), np.uint64),
            np.full((stages, stages), -1, np.int64),
            np.zeros(stages + 1, np.int64),
            np.full(stages, -1, np.int64),
        )
        self.facet_count = np.zeros(stages, np.int64)
        self.facet_id: np.ndarray = np.zeros((stages, 0, 2), np.int64)
        self.facet_form: np.ndarray = np.zeros((stages, 0, dim + 2))
        self._allocate_facets()
        self.active = np.zeros((stages, self.words), np.uint64)
        self.path = np.zeros((1, 3), np.int64)
        self.trace = np.zeros((int(a.sizes.sum()) + dim + 8, 3), np.int64)
        leaves = 1 << 13 if emit else 1
        self.out_pattern = np.empty((leaves, stages * self.words), np.uint64)
        self.out_print = np.empty(leaves, np.uint64)
        self.out_begin = np.empty(leaves, np.uint8)
        faces = 1 << 14 if emit in (FACES, JOINS) else 1
        self._allocate_faces(faces, faces)
        self.job_path = np.zeros((0, 1, 3), np.int64)
        self.job_depth = np.zeros(0, np.int64)
        self.block = self.roots_left = range(0)
        self._first_stage()
        self._start = self._place_start_generators()

    # ---------------------------------------------------------------- running

    def run(self, subtree: Subtree | None = None) -> Iterator[Leaves]:
        """Work through the whole tree, or one subtree; yields batches of leaves (none with COUNT_ONLY).

        Between batches, and at least every tenth of a second or so, control comes back (an empty batch), so that a
        caller can stop.
        """
        subtree = Subtree(0, (), self.problem.roots) if subtree is None else subtree
        self.par[kernels.PATH_LEN] = len(subtree.path)
        self.path = np.array(subtree.path or [(0, 0, 0)], dtype=np.int64).reshape(-1, 3)
        last = subtree.root + subtree.roots
        self.roots_left = range(subtree.root, last)
        self.st[kernels.BEGIN] = 1
        try:
            while self.roots_left:
                begin = self.roots_left.start
                self.block = range(begin, min(begin + _ROOTS_AT_ONCE, last))
                self.roots_left = range(self.block.stop, last)
                self._push_roots(begin, self.block.stop)
                yield from self._work()
        finally:
            self.par[kernels.PATH_LEN] = 0
            self.st[kernels.SP] = self.st[kernels.MIDWAY] = 0
            self._deciding = False

    def mark(self, select: np.ndarray, begins: np.ndarray | None = None) -> None:
        """From here on leaves are numbered from 0, and those written that ``select`` marks (all, if it is empty).

        ``begins`` are the marks that an earlier run over the same leaves gave them (`Leaves.begins`).  With these,
        cells of the last stage without a marked leaf are passed over.
        """
        self._select = select if begins is None else select * kernels.WANTED + begins * kernels.FIRST_BELOW
        self.par[kernels.SKIP] = int(begins is not None)
        self.st[kernels.LEAVES] = 0

    def write_faces(self, on: bool) -> None:
        """With JOINS, between two batches: whether leaves are written with their faces from here on."""
        self.par[kernels.EMIT] = JOINS if on else PATTERNS

    @property
    def midway(self) -> bool:
        """Whether control came back in the middle of a step, which is begun anew if the run is not continued."""
        return bool(self.st[kernels.MIDWAY]) or self._deciding

    @property
    def cells(self) -> int:
        """The number of cells found so far."""
        return int(self.st[kernels.COUNT])

    def frontier(self, root: int, depth: int) -> list[Subtree]:
        """The nodes ``depth`` decisions below a start cell (and the leaves above that depth), as subtrees."""
        if depth == 0:
            return [Subtree(root)]
        self.par[kernels.DEPTH_LIMIT] = depth
        self.job_path = np.zeros((2 * 2 ** min(depth, 12) + 8, depth, 3), np.int64)
        self.job_depth = np.zeros(len(self.job_path), np.int64)
        self.st[kernels.JOB_N] = 0
        self._push_roots(root, root + 1)
        for _ in self._work():
            pass
        self.par[kernels.DEPTH_LIMIT] = 0
        found = []
        for row, length in zip(self.job_path[: self.st[kernels.JOB_N]].tolist(), self.job_depth.tolist(), strict=False):
            found.append(Subtree(root, tuple((s, u, side) for s, u, side in row[:length])))
        return found

    def _work(self) -> Iterator[Leaves]:
        a = self.arrays
        net = kernels.Net(a.sizes, a.weights, a.offset, a.direct, a.direct_err, a.bias, a.bias_err, a.chain_stage)
        prints = kernels.Prints(self.prints, *self._residues)
        self._exact_effort = 0
        while True:
            check_limits()
            if self._exact_effort > _EXACT_EFFORT_AT_ONCE:
                # the kernel counts its steps anew after each request: where they are frequent, control comes back here
                self._exact_effort = 0
                yield self._drain()
                self._deciding = False
            code = kernels.run(
                self.par,
                self.st,
                self.share,
                kernels.Stack(self.node, self.node_mask),
                kernels.Pool(self.index, self.coord, self.ray, self.mask, self.parents),
                net,
                self.form,
                kernels.Facets(self.facet_count, self.facet_id, self.facet_form),
                self.active,
                prints,
                kernels.LeafArrays(
                    self.out_pattern,
                    self.out_print,
                    self.out_begin,
                    self.gen_leaf,
                    self.gen_ray,
                    self.gen_coord,
                    self.gen_zero,
                    self.facet_leaf,
                    self.facet_zero,
                    self._select,
                    self.zero_offset,
                ),
                kernels.Steps(self.path, self.trace, self.job_path, self.job_depth),
                self._changes,
            )
            if code == kernels.DONE:
                yield self._drain()
                return
            if code == kernels.NEED_SIGNS:
                self._decide_signs()
            elif code == kernels.NEED_SEGMENT:
                self._count_segment()
            elif code == kernels.NEED_LINES:
                self._cut_line()
            elif code == kernels.PAUSE:
                yield self._drain()
            elif code == kernels.NEED_OUT:
                if self.par[kernels.DEPTH_LIMIT]:
                    self.job_path = np.concatenate([self.job_path, np.zeros_like(self.job_path)])
                    self.job_depth = np.concatenate([self.job_depth, np.zeros_like(self.job_depth)])
                elif self.st[kernels.OUT_N] == 0:
                    self._allocate_faces(2 * len(self.gen_leaf), 2 * len(self.facet_leaf))
                else:
                    yield self._drain()
            elif code == kernels.NEED_POOL:
                self._reserve(self.coord.nbytes + self.mask.nbytes + self.ray.nbytes + self.index.nbytes)
                self._allocate_pool(2 * len(self.coord))
                self.index = _longer(self.index, 2 * len(self.index))
            elif code == kernels.NEED_STACK:
                self.node = np.concatenate([self.node, np.zeros_like(self.node)])
                self.node_mask = np.concatenate([self.node_mask, np.zeros_like(self.node_mask)])
            elif code == kernels.NEED_GENS:
                self._reserve(2 * self.parents.nbytes)  # and about as much working storage
                self.par[kernels.GENS_CAP] *= 2
                self.parents = _longer(self.parents, 2 * len(self.parents))
            elif code == kernels.NEED_FACETS:
                self._widen_facets()
            elif not (code == kernels.BAD_PATH and self._want_doubts()):
                raise CellTreeError("a recorded path does not exist in this network; start the count anew")

    # ---------------------------------------------------------------- storage

    def _reserve(self, more: int) -> None:
        """Claim so many bytes of the room there is."""
        if self.room is not None:
            self.room -= more
            if self.room < 0:
                raise NoRoom("a cell needs more memory than is allowed")

    def _allocate_pool(self, size: int) -> None:
        self.coord = _longer(self.coord, size)
        self.ray = _longer(self.ray, size)
        self.mask = _longer(self.mask, size)

    def _allocate_facets(self) -> None:
        stages, dim, slots = len(self.arrays.sizes), self.problem.dim, 64 * int(self.par[kernels.FW])
        facet_id = np.zeros((stages, slots, 2), np.int64)
        facet_form = np.zeros((stages, slots, dim + 2))
        width = self.facet_id.shape[1]
        facet_id[:, :width], facet_form[:, :width] = self.facet_id, self.facet_form
        self.facet_id, self.facet_form = facet_id, facet_form

    def _widen_facets(self) -> None:
        """Room for twice as many facets a cell: the masks get more words in front."""
        words = int(self.par[kernels.FW])
        self.par[kernels.FW] = 2 * words
        blank = np.zeros((len(self.mask), words), np.uint64)
        self.mask = np.ascontiguousarray(np.concatenate([self.mask[:, :words], blank, self.mask[:, words:]], axis=1))
        self._allocate_facets()

    def _allocate_faces(self, generators: int, facets: int) -> None:
        zero_words = max(self.zero_words, 1)
        facets = max(facets, 128 * zero_words + 64)
        self.gen_leaf, self.gen_ray = np.empty(generators, np.int64), np.empty(generators, np.uint8)
        with_coordinates = generators if self.emit == FACES else 0
        self.gen_coord = np.empty((with_coordinates, self.problem.dim + 1))
        self.gen_zero = np.empty((generators, zero_words), np.uint64)
        self.facet_leaf, self.facet_zero = np.empty(facets, np.int64), np.empty((facets, zero_words), np.uint64)

    def _drain(self) -> Leaves:
        leaves, gens, facets = (int(self.st[k]) for k in (kernels.OUT_N, kernels.GEN_N, kernels.FACET_N))
        self.st[kernels.OUT_N] = self.st[kernels.GEN_N] = self.st[kernels.FACET_N] = 0
        return Leaves(
            self.out_pattern[:leaves].copy(),
            self.out_print[:leaves].copy(),
            self.out_begin[:leaves].copy(),
            self.gen_leaf[:gens].copy(),
            self.gen_ray[:gens].copy(),
            self.gen_coord[:gens].copy(),
            self.gen_zero[:gens].copy(),
            self.facet_leaf[:facets].copy(),
            self.facet_zero[:facets].copy(),
        )

    # ---------------------------------------------------------------- start

    def _first_stage(self) -> None:
        a, problem = self.arrays, self.problem
        coefficients = self.form[0, : problem.dim + 1]
        coefficients[:-1], coefficients[-1] = a.direct[0], a.bias[0]
        self.form[0, problem.dim + 1] = np.maximum(a.direct_err[0], a.bias_err[0])
        with np.errstate(over="ignore"):  # an infinite bound leaves every sign open
            self.form[0, problem.dim + 2] = np.abs(coefficients).sum(axis=0) * 1.0000001
            self.form[0, problem.dim + 3] = np.abs(coefficients).max(axis=0) * 1.0000001
        self.prints[0] = self._residues.base[0]
        self.facet_count[0] = len(problem.slots)
        for slot, (kind, number) in enumerate(problem.slots):
            self.facet_id[0, slot] = kind, number
            row = self.forms.row((), kind, number)
            top = max((abs(v) for v in row), default=fmpz(1))
            self.facet_form[0, slot] = [*(_quotient(v, top) for v in row), 0.0 if abs(top) == 1 else 1.2e-16]

    def _place_start_generators(self) -> int:
        generators = self.problem.generators
        if len(generators) + 64 > len(self.coord):
            self._allocate_pool(2 * len(generators))
        signs = exact_signs(self.forms, generators)
        for g, generator in enumerate(generators):
            check_limits()
            self._place(g, generator, signs[g])
        return len(generators)

    def _place(self, g: int, generator: Generator, signs: np.ndarray) -> None:
        self.mask[g] = 0
        self.ray[g] = int(generator.is_ray)
        for slot in generator.slots:
            self.mask[g, slot >> 6] |= np.uint64(1 << (slot & 63))
        self._store(g, [fmpz(v) for v in generator.vector])
        self._store_signs(g, signs)
        if self.zero_words:
            first = int(self.par[kernels.FW]) + 3 * self.words + self.wall_word
            for slot in generator.slots:
                kind, i = self.problem.slots[slot]
                if kind == WALL and i >= 0:
                    self.mask[g, first + (i >> 6)] |= np.uint64(1 << (i & 63))

    def _store_signs(self, g: int, signs: np.ndarray) -> None:
        base = int(self.par[kernels.FW])
        for j in np.nonzero(signs)[0].tolist():
            column = base + (j >> 6) + (0 if signs[j] > 0 else self.words)
            self.mask[g, column] |= np.uint64(1 << (j & 63))

    def _store(self, g: int, vector: list[fmpz]) -> None:
        """Round exact homogeneous coordinates into the pool."""
        dim = self.problem.dim
        if self.arrays.integer and all(abs(v) < 2**53 for v in vector):
            divisor = fmpz(0)
            for v in vector:
                divisor = divisor.gcd(v)
            row = [float(int(v // divisor)) for v in vector]
            self.coord[g, : dim + 1] = row
            self.coord[g, dim + 1] = 0.0
            self.coord[g, dim + 2] = sum(map(abs, row))
            return
        top = max(abs(v) for v in vector)
        row = [_quotient(v, top) for v in vector]
        # where weights are integers the kernels take coordinates without error for integers too: sums without rounding
        exact = not self.arrays.integer
        exact = exact and all(fmpq(*x.as_integer_ratio()) * top == v for x, v in zip(row, vector, strict=True))
        self.coord[g, : dim + 1] = row
        self.coord[g, dim + 1] = 0.0 if exact else 1.2e-16
        self.coord[g, dim + 2] = sum(map(abs, row)) * 1.0000001

    def _push_roots(self, begin: int, end: int) -> None:
        cells = list(self.problem.start_cells(begin, end))
        first_free = sum(len(cell.generators) for cell in cells)
        if first_free + 64 > len(self.index):
            self.index = np.zeros(2 * first_free, np.int64)
        if len(cells) + int(self.arrays.sizes.max()) + 8 > len(self.node):
            self.node = np.zeros((2 * len(cells) + int(self.arrays.sizes.max()) + 8, kernels.NODE_SIZE), np.int64)
            self.node_mask = np.zeros((len(self.node), 3 * self.words), np.uint64)
        lines = sum(1 << c for c in self.problem.lines)
        units = int(self.arrays.sizes[0])
        full = (1 << units) - 1
        last_counted = len(self.arrays.sizes) == 1 and self.par[kernels.MODE] == kernels.COUNT_LAST_STAGE
        at = 0
        for s, cell in enumerate(cells):
            self.index[at : at + len(cell.generators)] = cell.generators
            self.node[s] = 0
            self.node[s, kernels.N_FIRST], self.node[s, kernels.N_COUNT] = at, len(cell.generators)
            self.node[s, kernels.N_POOL], self.node[s, kernels.N_INDEX] = self._start, first_free
            self.node[s, kernels.N_KIND] = kernels.COUNT_ROOT if last_counted else kernels.CELL
            self.node[s, kernels.N_LINES] = -lines - 1 if lines else 0
            decided = sum(1 << j for j in cell.decided)
            self.node_mask[s, : self.words] = self._words(full & ~decided)
            self.node_mask[s, self.words : 2 * self.words] = self._words(decided)
            at += len(cell.generators)
        self.st[kernels.SP] = len(cells)

    def _words(self, bits: int) -> list[int]:
        return [bits >> (64 * q) & 0xFFFFFFFFFFFFFFFF for q in range(self.words)]

    # ---------------------------------------------------------------- exact decisions

    def _bits(self, row: np.ndarray) -> int:
        return sum(int(word) << (64 * q) for q, word in enumerate(row))

    def _signs_of(self, g: int) -> tuple[int, int, int]:
        base, w = int(self.par[kernels.FW]), self.words
        row = self.mask[g]
        return (
            self._bits(row[base : base + w]),
            self._bits(row[base + w : base + 2 * w]),
            self._bits(row[base + 2 * w : base + 3 * w]),
        )

    def _prefix(self, stage: int) -> tuple[int, ...]:
        return tuple(self._bits(self.active[s]) for s in range(stage))

    def _slots_of(self, g: int, stage: int) -> list[int]:
        bits = self._bits(self.mask[g, : int(self.par[kernels.FW])])
        return [b for b in range(int(self.facet_count[stage])) if bits >> b & 1]

    def exact_generator(self, g: int, stage: int, prefix: tuple[int, ...], valid: int) -> list[fmpz]:
        """Exact homogeneous coordinates: the null vector of the incident rows, oriented.

        ``valid`` are the units of the current stage whose zeros on this path are certain.
        """
        self._exact_effort += (self.problem.dim + 8) ** 3
        forms = self.forms.forms(prefix)
        positive, negative, unsure = self._signs_of(g)
        on = self._slots_of(g, stage)
        rows = [self.forms.row(prefix, *map(int, self.facet_id[stage, b])) for b in on]
        zeros = ~(positive | negative | unsure) & valid
        rows += [[forms[j, c] for c in range(self.problem.dim + 1)] for j in range(forms.nrows()) if zeros >> j & 1]
        basis, nullity = fmpz_mat(rows).nullspace()
        if nullity != 1:
            raise CellTreeError(f"a generator of stage {stage} has a null space of dimension {nullity}")
        vector = [basis[i, 0] for i in range(self.problem.dim + 1)]
        last = vector[-1]
        if last != 0:
            return vector if last > 0 else [-v for v in vector]
        return self._oriented(vector, g, stage, prefix, forms, positive, negative)

    def _oriented(
        self,
        vector: list[fmpz],
        g: int,
        stage: int,
        prefix: tuple[int, ...],
        forms: fmpz_mat,
        positive: int,
        negative: int,
    ) -> list[fmpz]:
        """A ray with the sign that its certain signs, earlier stages or the walls give it."""
        n1 = self.problem.dim + 1

        def verdict(row: list[fmpz], wanted: int) -> list[fmpz] | None:
            value = dot(row, vector)
            if value == 0:
                return None
            return vector if (value > 0) == (wanted > 0) else [-v for v in vector]

        for j in range(forms.nrows()):
            wanted = 1 if positive >> j & 1 else -1 if negative >> j & 1 else 0
            found = verdict([forms[j, c] for c in range(n1)], wanted) if wanted else None
            if found is not None:
                return found
        for below in range(stage - 1, -1, -1):
            table = self.forms.forms(prefix[:below])
            for j in range(table.nrows()):
                found = verdict([table[j, c] for c in range(n1)], 1 if prefix[below] >> j & 1 else -1)
                if found is not None:
                    return found
        for wall in self.problem.walls:
            found = verdict([fmpz(v) for v in wall], 1)
            if found is not None:
                return found
        raise CellTreeError("a ray can't be oriented")

    def _decide_signs(self) -> None:
        """Decide the wanted signs of the top node's generators exactly and store them.

        With many generators not those of all: the kernel asks again while there is need.
        """
        s = int(self.st[kernels.SP]) - 1
        stage = int(self.node[s, kernels.N_STAGE])
        first, count = int(self.node[s, kernels.N_FIRST]), int(self.node[s, kernels.N_COUNT])
        w = self.words
        valid, wanted = self._bits(self.node_mask[s, w : 2 * w]), self._bits(self.node_mask[s, 2 * w : 3 * w])
        prefix = self._prefix(stage)
        forms = self.forms.forms(prefix)
        self.exact_requests += 1
        base = int(self.par[kernels.FW])
        generators = self.index[first : first + count]
        open_signs = self.mask[generators, base + 2 * w : base + 3 * w] & self.node_mask[s, 2 * w : 3 * w]
        self._deciding = False
        for g in generators[open_signs.any(axis=1)].tolist():
            if self._exact_effort > _EXACT_EFFORT_AT_ONCE:
                self._deciding = True
                break
            todo = self._signs_of(g)[2] & wanted
            vector = self.exact_generator(g, stage, prefix, valid)
            self._store(g, vector)
            j = 0
            while todo >> j:
                if todo >> j & 1:
                    value = sum((forms[j, c] * v for c, v in enumerate(vector)), fmpz(0))
                    self.exact_decisions += 1
                    one = np.uint64(1 << (j & 63))
                    self.mask[g, base + 2 * w + (j >> 6)] &= ~one
                    if value != 0:
                        self.mask[g, base + (0 if value > 0 else w) + (j >> 6)] |= one
                j += 1

    def _want_doubts(self) -> bool:
        """Decide all open signs of the top node: until then a path that leads on below its stage looks wrong."""
        s, w, base = int(self.st[kernels.SP]) - 1, self.words, int(self.par[kernels.FW])
        first, count = int(self.node[s, kernels.N_FIRST]), int(self.node[s, kernels.N_COUNT])
        unsure = self.mask[self.index[first : first + count], base + 2 * w : base + 3 * w]
        wanted = np.bitwise_or.reduce(unsure, axis=0) & self.node_mask[s, :w]
        if not wanted.any():
            return False
        self.node_mask[s, 2 * w :] = wanted
        self._decide_signs()
        return True

    def _count_segment(self) -> None:
        """Count the distinct zeros of the wanted units on an edge exactly."""
        s = int(self.st[kernels.SP]) - 1
        stage, first = int(self.node[s, kernels.N_STAGE]), int(self.node[s, kernels.N_FIRST])
        w = self.words
        valid, wanted = self._bits(self.node_mask[s, w : 2 * w]), self._bits(self.node_mask[s, 2 * w : 3 * w])
        prefix = self._prefix(stage)
        forms = self.forms.forms(prefix)
        a, b = (self.exact_generator(int(g), stage, prefix, valid) for g in self.index[first : first + 2])
        ratios = set()
        for j in range(forms.nrows()):
            if wanted >> j & 1:
                row = [forms[j, c] for c in range(len(a))]
                ratios.add(fmpq(dot(row, a), dot(row, b)))
        self.exact_requests += 1
        self.st[kernels.COUNT] += 1 + len(ratios)
        self.st[kernels.SP] = s

    def _cut_line(self) -> None:
        """Split the top node by a unit that a line of it crosses, or find that there is none."""
        s = int(self.st[kernels.SP]) - 1
        node = self.node[s].copy()
        stage, first, count = (int(node[k]) for k in (kernels.N_STAGE, kernels.N_FIRST, kernels.N_COUNT))
        lines, depth = -int(node[kernels.N_LINES]) - 1, int(node[kernels.N_DEPTH])
        w = self.words
        rest, valid = self._bits(self.node_mask[s, :w]), self._bits(self.node_mask[s, w : 2 * w])
        prefix = self._prefix(stage)
        forms = self.forms.forms(prefix)
        axes = [c for c in range(self.problem.dim) if lines >> c & 1]
        directions = self._line_directions(stage, prefix, valid, axes)
        forced = depth < int(self.par[kernels.PATH_LEN])
        units = [int(self.path[depth, 1])] if forced else range(forms.nrows())
        choice = None
        for j in units:
            if not rest >> j & 1:
                continue
            row = [forms[j, c] for c in range(self.problem.dim + 1)]
            choice = next(((j, row, c, d) for c, d in zip(axes, directions, strict=True) if dot(row, d) != 0), None)
            if choice is not None:
                break
        if choice is None:
            self.node[s, kernels.N_LINES] = lines
            return
        unit, row, axis, direction = choice
        slope = dot(row, direction)
        direction = direction if slope > 0 else [-v for v in direction]
        slope = abs(slope)
        pool = int(node[kernels.N_POOL])
        while pool + count + 8 > len(self.coord):
            self._allocate_pool(2 * len(self.coord))
        top = int(node[kernels.N_INDEX])
        while top + 2 * count + 8 > len(self.index):
            self.index = np.concatenate([self.index, np.zeros_like(self.index)])
        axis_slot = next(b for b in range(int(self.facet_count[stage])) if tuple(self.facet_id[stage, b]) == (-2, axis))
        moved: list[int] = []
        for g in self.index[first : first + count].tolist():
            old = self.exact_generator(g, stage, prefix, valid)
            value = dot(row, old)
            vector = [slope * v - value * d for v, d in zip(old, direction, strict=True)]
            moved.append(self._derive(pool + len(moved), vector, g, stage, forms, axis_slot))
        ends = [
            self._end_of_line(pool + count + k, [sign * d for d in direction], stage, forms, {*axes} - {axis})
            for k, sign in enumerate((-1, 1))
        ]
        rows = [[*moved, end] for end in ends]
        new_top = top + 2 * (count + 1)
        self.st[kernels.SP] = s
        keep = (0, 1) if not forced else (int(self.path[depth, 2]),)
        for side in (0, 1):
            start = top + side * (count + 1)
            self.index[start : start + count + 1] = rows[side]
            if side not in keep:
                continue
            n = int(self.st[kernels.SP])
            self.node[n] = node
            self.node[n, kernels.N_FIRST], self.node[n, kernels.N_COUNT] = start, count + 1
            self.node[n, kernels.N_POOL], self.node[n, kernels.N_INDEX] = pool + count + 2, new_top
            self.node[n, kernels.N_DEPTH] = depth + 1
            self.node[n, kernels.N_DSTAGE], self.node[n, kernels.N_DUNIT], self.node[n, kernels.N_DSIGN] = (
                stage,
                unit,
                side,
            )
            left = lines & ~(1 << axis)
            self.node[n, kernels.N_LINES] = -left - 1 if left else 0
            self.node_mask[n, :w] = self._words(rest & ~(1 << unit))
            self.node_mask[n, w : 2 * w] = self._words(valid | 1 << unit)
            self.st[kernels.SP] = n + 1

    def _line_directions(self, stage: int, prefix: tuple[int, ...], valid: int, axes: list[int]) -> list[list[fmpz]]:
        """The cell's lines: for each remaining axis the direction with coordinate 1 there and 0 on the other axes."""
        dim = self.problem.dim
        forms = self.forms.forms(prefix)
        rows = []
        for b in range(int(self.facet_count[stage])):
            kind, number = map(int, self.facet_id[stage, b])
            if kind >= 0 or (kind == -1 and number >= 0):
                rows.append(self.forms.row(prefix, kind, number)[:dim])
        rows += [[forms[j, c] for c in range(dim)] for j in range(forms.nrows()) if valid >> j & 1]
        found = []
        for axis in axes:
            others = [[fmpz(int(i == c)) for i in range(dim)] for c in axes if c != axis]
            basis = nullspace(tuple(tuple(fmpq(v) for v in row) for row in (*rows, *others)), dim)
            vector = next((v for v in basis if v[axis] != 0), None)
            if len(basis) != 1 or vector is None:
                raise CellTreeError("the lines of a cell are not what its facets say")
            scale = fmpz(1)
            for v in vector:
                scale = scale.lcm(v.q)
            scale = scale if vector[axis] > 0 else -scale
            found.append([*((v * scale).p for v in vector), fmpz(0)])
        return found

    def _derive(self, new: int, vector: list[fmpz], old: int, stage: int, forms: fmpz_mat, axis_slot: int) -> int:
        """Store a generator that was moved along a line: the same facets but the line's axis, fresh exact signs."""
        self.mask[new] = self.mask[old]
        self.ray[new] = self.ray[old]
        self.mask[new, axis_slot >> 6] &= ~np.uint64(1 << (axis_slot & 63))
        self._store(new, vector)
        self._fresh_signs(new, vector, forms)
        return new

    def _end_of_line(self, new: int, vector: list[fmpz], stage: int, forms: fmpz_mat, axes: set[int]) -> int:
        """Store one end of a cut line: a ray on every facet of the cell, where all finished units vanish.

        ``axes`` are those of the lines that are left; it needn't have coordinate 0 on those cut before.
        """
        facets = self.facet_id[stage, : int(self.facet_count[stage])].tolist()
        slots = [slot for slot, (kind, number) in enumerate(facets) if kind != -2 or number in axes]
        self.mask[new] = 0
        self.ray[new] = 1
        for slot in slots:
            self.mask[new, slot >> 6] |= np.uint64(1 << (slot & 63))
        self._store(new, vector)
        self._fresh_signs(new, vector, forms)
        if self.zero_words:
            first = int(self.par[kernels.FW]) + 3 * self.words
            for below in range(stage):
                units = int(self.arrays.sizes[below])
                for q in range(-(-units // 64)):
                    bits = (1 << min(64, units - 64 * q)) - 1
                    self.mask[new, first + int(self.zero_offset[below]) + q] = np.uint64(bits)
            for i in range(len(self.problem.walls)):
                self.mask[new, first + self.wall_word + (i >> 6)] |= np.uint64(1 << (i & 63))
        return new

    def _fresh_signs(self, g: int, vector: list[fmpz], forms: fmpz_mat) -> None:
        base, w = int(self.par[kernels.FW]), self.words
        self.mask[g, base : base + 3 * w] = 0
        values = (forms * fmpz_mat([[v] for v in vector])).entries()
        self._store_signs(g, np.array([1 if v > 0 else -1 if v < 0 else 0 for v in values], dtype=np.int8))


def _longer(array: np.ndarray, size: int) -> np.ndarray:
    """The array with zero rows appended."""
    result = np.zeros((size, *array.shape[1:]), array.dtype)
    result[: len(array)] = array
    return result


def _quotient(value: fmpz, top: fmpz) -> float:
    """The nearest float of value / top, 0 where it is tiny."""
    quotient = int(value) / int(top)
    return quotient if abs(quotient) >= 1e-150 else 0.0


def tree_counters(tree: CellTree) -> dict[str, Any]:
    """The counters of a run, for benchmarks and messages."""
    names = ("COUNT", "SPLITS", "NEW_GENS", "EVALS", "UNSURE", "POLISHED", "MAX_GENS", "MAX_POOL", "MAX_SP")
    result: dict[str, Any] = {name.lower(): int(tree.st[getattr(kernels, name)]) for name in names}
    result.update(exact_requests=tree.exact_requests, exact_decisions=tree.exact_decisions)
    return result
