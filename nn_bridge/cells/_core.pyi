"""The compiled cell engine; `nn_bridge.cells.tree` and `nn_bridge.cells.core_problem` are the way to it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Numbers = NDArray[np.int32] | NDArray[np.int64]

def rehash(keys: NDArray[np.uint64], bearer: _Numbers, new_keys: NDArray[np.uint64], new_bearer: _Numbers) -> None:
    """Move all keys to a larger, empty table."""

def number(
    rows: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    bearer: _Numbers,
    state: NDArray[np.int64],
    numbers: NDArray[np.int64],
    fresh: NDArray[np.int64],
    begin: tuple[int, int],
) -> tuple[int, int]:
    """Number rows in the order in which they first come; returns how many are done, and how many numbers are new."""

def pack(
    patterns: NDArray[np.uint64],
    rows: NDArray[np.int64],
    zeros: NDArray[np.uint64],
    columns: NDArray[np.int64],
    places: NDArray[np.int64],
    keys: NDArray[np.uint64],
) -> None:
    """Pack the sign vectors of faces into keys."""

def relevant(
    patterns: NDArray[np.uint64], read: NDArray[np.uint64], by_output: NDArray[np.uint64], result: NDArray[np.uint64]
) -> None:
    """The active units from which a path of active units leads to an output."""

def moving(patterns: NDArray[np.uint64], network: Residues, result: NDArray[np.uint64]) -> None:
    """The active units whose derivative is not zero modulo the prime."""

class WholeWeights:
    @property
    def limbs(self) -> int: ...
    @property
    def size(self) -> int:
        """The words of a map (`whole_maps`), none without constants."""

class WholeNumbers:
    """The numbers of a network in its integer form."""

    def residues(self, one: NDArray[np.uint64], two: NDArray[np.uint64], mix: NDArray[np.uint64]) -> Residues:
        """The network modulo the prime: forms at two points, outputs combined, with these residues."""

    def weights(self, limbs: int, maps: bool) -> WholeWeights:
        """The weights modulo two to the power 64 * limbs; ``maps``: for `whole_maps`, too; no limbs: their places."""

    def covered_units(self) -> list[tuple[int, int, int, int]]:
        """The units that others cover (``core/covers.hpp``): stage and number of the latter, then of the unit."""

    def unread_units(self) -> list[int]:
        """The units of the last stage that no output reads: all their weights in the outputs are zero."""

    def derivative_weights(self) -> WholeWeights | None:
        """Weights modulo a number that no derivative of an output by a unit reaches; None if it is too large."""

    def map_weights(self) -> WholeWeights | None:
        """Weights for `whole_maps` modulo more than twice what coefficients can be; None if that is too large."""

    @property
    def derivative_bound(self) -> float:
        """A number that no derivative of an output by a unit exceeds, or infinity."""

    @property
    def coefficient_bound(self) -> float:
        """A number that no coefficient of an affine map exceeds, or infinity."""

def whole_numbers(inputs: int, stages: list[Any]) -> WholeNumbers:
    """The numbers of the stages and, last, the outputs.

    Of each the biases, and blocks of sparse rows: the source, where rows begin, the columns, the weights.  Numbers are
    an array of integers and one of the powers of two by which they are divided; or a list, times the stage's factor,
    and None.
    """

class WholeMaps:
    """Cells of maps in several pieces, joined by their facets and by their points."""

    def __init__(self, columns: Sequence[int], places: Sequence[int], width: int) -> None:
        """Name faces by keys of so many words, as `pack` makes them."""

    def add(
        self,
        numbers: NDArray[np.int64],
        maps: NDArray[np.int64],
        patterns: NDArray[np.uint64],
        facet_cell: NDArray[np.int64],
        facet_zeros: NDArray[np.uint64],
        point_cell: NDArray[np.int64],
        point_zeros: NDArray[np.uint64],
    ) -> None:
        """Take cells, with the numbers of their maps and their faces, in ascending order of the cells' numbers."""

    def pieces(self) -> tuple[int, int]:
        """The number of pieces of all maps: by facets, and by facets and points."""

    @property
    def cells(self) -> int: ...

class Components:
    """Cells with equal maps in components that grow together."""

    def __init__(self, numbers: WholeNumbers, words: int, most: int) -> None: ...
    def cover(self, covers: Sequence[tuple[int, int, int, int]]) -> None:
        """Compare patterns without the units that others cover (`covered_units`); before the first cell."""

    def add(
        self, patterns: NDArray[np.uint64], residues: NDArray[np.uint64], told: NDArray[np.uint64] | None
    ) -> NDArray[np.int64]:
        """Take cells, with units that surely vanish alone on facets of each; returns the places of those not proven.

        Such a cell waits, with the number of the map that first came with its residues, until it is settled.
        """

    def settle(self, cells: NDArray[np.int64], maps: NDArray[np.int64], told: NDArray[np.uint64] | None) -> None:
        """Tell cells that wait the numbers of their maps."""

    def add_map(self) -> int:
        """A number for a map that has the residues of another one."""

    def maps_of(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of each cell's map."""

    def firsts_of(self, maps: NDArray[np.int64]) -> NDArray[np.int64]:
        """The cell with which each map first came."""

    def patterns_of(self, cells: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The patterns of cells, in the form in which they came."""

    def pieces(self) -> NDArray[np.int64]:
        """The number of components of each map: at least as many as facets leave."""

    def in_pieces(self) -> NDArray[np.int64]:
        """The cells of maps in several components."""

    def choose(self, cells: NDArray[np.int64]) -> None:
        """Choose the cells that are to come again."""

    def join_again(
        self,
        numbers: NDArray[np.int64],
        patterns: NDArray[np.uint64],
        facet_cell: NDArray[np.int64],
        facet_zeros: NDArray[np.uint64],
    ) -> int:
        """Join chosen cells, told by their patterns, through their facets; returns how many of the cells are chosen.

        Cells and facets in ascending order of the cells' numbers.
        """

    def cells_again(self, patterns: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The chosen cell with each pattern, -1 where there is none."""

    @property
    def cells(self) -> int: ...
    @property
    def maps(self) -> int: ...
    @property
    def divided(self) -> int: ...
    @property
    def bytes(self) -> int: ...

class MapPieces:
    """The components of maps in several ones, joined by the facets and points of all cells but those in the largest."""

    def __init__(self, cells: Components) -> None:
        """Begin with the components that there are; no cells are added to these any more."""

    def outside(self) -> NDArray[np.int64]:
        """The cells of these maps that are not in the largest component of their map."""

    def add(
        self,
        numbers: NDArray[np.int64],
        patterns: NDArray[np.uint64],
        facet_cell: NDArray[np.int64],
        facet_zeros: NDArray[np.uint64],
        point_cell: NDArray[np.int64],
        point_zeros: NDArray[np.uint64],
    ) -> int:
        """Join cells by their faces, in ascending order of the cells' numbers; returns how many of them are chosen.

        Cells that were not chosen are passed over.
        """

    def pieces(self) -> tuple[int, int]:
        """The number of pieces of all these maps: by facets, and by facets and points."""

    @property
    def cells(self) -> int: ...
    @property
    def most(self) -> int:
        """The cells of the largest of these maps."""

_Weights = list[tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.uint64]]]

def whole_weights(
    stages: list[tuple[int, _Weights]] | list[tuple[int, _Weights, NDArray[np.uint64]]], limbs: int
) -> WholeWeights:
    """The weights of an integer network, modulo two to the power 64 * limbs; with constants, for `whole_maps`."""

def whole_maps(patterns: NDArray[np.uint64], network: WholeWeights, result: NDArray[np.uint64]) -> None:
    """The coefficients of the outputs on cells."""

def alike(one: NDArray[np.uint64], other: NDArray[np.uint64], network: WholeWeights, result: NDArray[np.bool_]) -> None:
    """Whether no output moves with a unit in which two patterns differ."""

def unlike(
    patterns: NDArray[np.uint64],
    first: NDArray[np.uint64],
    labels: NDArray[np.int64],
    read: NDArray[np.uint64],
    by_output: NDArray[np.uint64],
    found: NDArray[np.int64],
) -> int:
    """List the patterns whose relevant units are not those of the first one of their label; returns how many."""

def widen(on: bool) -> bool:
    """Switch the wider version of loops on or off, for tests; returns whether it runs."""

class NoRoom(MemoryError): ...
class BadPath(ValueError): ...
class Contradiction(RuntimeError): ...

class Problem:
    @property
    def words(self) -> int: ...
    @property
    def dim(self) -> int: ...

class Residues: ...

class Checks:
    def __init__(self, problem: Problem) -> None: ...
    def follow(self, pattern: list[list[int]]) -> None: ...
    def form(self, stage: int, unit: int) -> tuple[list[float], float, float, int]: ...
    def bounds(self, stage: int, unit: int, x: list[float], e: float) -> tuple[float, float, float]: ...
    def join(
        self, x: list[float], error_x: float, va: float, ea: float, y: list[float], error_y: float, vb: float, eb: float
    ) -> tuple[list[float], float]: ...
    @staticmethod
    def polish(rows: list[list[float]], errors: list[float], x: list[float]) -> tuple[list[float], float]: ...

class Stop:
    def set(self) -> None: ...
    def clear(self) -> None: ...
    def is_set(self) -> bool: ...

_Block = tuple[int, NDArray[np.int64], NDArray[np.int32], NDArray[np.float64], list[int]]

def problem(
    dim: int,
    lines: int,
    whole: bool,
    stages: list[tuple[NDArray[np.float64], list[int], list[_Block]]],
    walls: list[list[int]],
    slots: list[tuple[int, int]],
    generators: list[tuple[list[int], list[int]]],
    start_rows: Sequence[int],
) -> Problem: ...
def give_back_memory() -> None:
    """Free the memory that is kept for the next runs and tables."""

def mark_repeats(residues: NDArray[np.uint64], mask: NDArray[np.uint8]) -> int: ...

class Explorer:
    emit: int
    room: int
    batch_leaves: int
    looking: bool
    def __init__(self, problem: Problem, emit: int, counting: bool, residues: Residues | None) -> None: ...
    def start(
        self, root: bytes, roots: int, path: NDArray[np.int32]
    ) -> None: ...  # (stage, unit, side, other side left)
    def work(
        self, seconds: float, last_second: float, cells: int, stop: Stop | None, share: Stop | None, ask: bool
    ) -> bool: ...
    def take(
        self,
    ) -> tuple[
        NDArray[np.uint64],
        NDArray[np.uint64],
        NDArray[np.uint8],
        NDArray[np.int64],
        NDArray[np.uint8],
        NDArray[np.float64],
        NDArray[np.uint64],
        NDArray[np.int64],
        NDArray[np.uint64],
        NDArray[np.float64],
        NDArray[np.int64],
        NDArray[np.uint64],
    ]: ...
    def position(self) -> tuple[bytes, int, list[tuple[int, int, int, bool]]]: ...
    def leave_unread(self, units: list[int]) -> None: ...
    def cover(self, covers: Sequence[tuple[int, int, int, int]]) -> None: ...
    def leave_out(self, misses: list[list[tuple[int, bool]]]) -> None: ...
    def mark(self, select: NDArray[np.uint8], skip: bool) -> None: ...
    def try_leaves(self, first: int, latest: int, share: int) -> None:
        """Decide after so many leaves of the next batch whether those that follow bring neighbours, and later again.

        They do if one in ``share`` has the residues of another one.
        """

    def tried(self) -> int:
        """The decision: 0 for none yet, 1 if leaves bring no neighbours from there on, 2 if they do; no more looks."""

    def go_to(self, patterns: NDArray[np.uint64]) -> None: ...
    @property
    def cells(self) -> int: ...
    @property
    def leaves(self) -> int: ...
    @property
    def partial(self) -> int: ...
    @property
    def share(self) -> float: ...
    @property
    def most_generators(self) -> int: ...
    @property
    def zero_words(self) -> int: ...
    @property
    def counters(self) -> dict[str, int]: ...
