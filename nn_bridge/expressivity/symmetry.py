"""Networks that do not change when inputs are exchanged: detection, fundamental domains, and counting by orbits.

Two coordinates belong to one block iff exchanging them leaves the function as it is; that is an equivalence relation,
so the symmetric groups of the blocks act on the regions.  A fundamental domain is ``x_i >= x_j >= ..`` along each
block: every point has an image there.

* An *estimate* samples the fundamental domain only and weights each affine piece by the size of its orbit, ``n!``
  divided by the factorials of the multiplicities of equal columns of its Jacobian (Lezeau et al. 2024, figure 6).  It
  undercounts pieces that the samples miss, and pieces whose Jacobian is more symmetric than they are (two flat pieces
  that are exchanged); it overcounts regions that the midpoint test takes apart.
* *Exactly*, from the domain alone: the affine maps on R^n are the orbits of those on the domain
  (`affine_maps_by_symmetry`).  The regions on R^n are the orbits of the regions on the domain, and a region is kept by
  the permutations that the walls generate which it crosses: those with a facet of it on which its affine map is
  symmetric (`regions_by_symmetry`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import factorial, prod
from typing import Any

import networkx as nx
import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.cells.complex import cell_complex
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.sampling import TOLERANCE, cube_bounds, cube_points, pieces_at
from nn_bridge.network.network import INPUT, AffineStage, Network
from nn_bridge.region_count import RegionCount
from polyhedra.former_names import former_keywords
from polyhedra.polyhedron import Polyhedron
from polyhedra.randomness import generator_and_seed
from polyhedra.scalars import ZERO
from polyhedra.values import Value


@dataclass(frozen=True, slots=True)
class PermutationSymmetry:
    """Which input coordinates may be exchanged.

    Attributes
    ----------
    blocks : tuple of tuples of int
        Each coordinate belongs to one block; those of one block may be permuted in any way.
    """

    blocks: tuple[tuple[int, ...], ...]

    @property
    def dim(self) -> int:
        """The number of coordinates."""
        return sum(map(len, self.blocks))

    @property
    def order(self) -> int:
        """The number of permutations."""
        return prod(factorial(len(block)) for block in self.blocks)

    @property
    def is_full(self) -> bool:
        """Whether all coordinates may be permuted."""
        return len(self.blocks) == 1

    def fundamental_domain(self) -> Polyhedron:
        """The points whose coordinates decrease (weakly) along each block.

        Examples
        --------
        >>> PermutationSymmetry(((0, 1, 2),)).fundamental_domain().inequalities
        ((-1, 1, 0, 0), (0, -1, 1, 0))
        """
        rows = [
            [1 if j == later else -1 if j == earlier else 0 for j in range(self.dim)]
            for block in self.blocks
            for earlier, later in pairwise(block)
        ]
        return Polyhedron(rows, [0] * len(rows), dim=self.dim)

    def moved_into_domain(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The images of points, shape (N, n), in the fundamental domain; uniform points become uniform there."""
        moved = points.copy()
        for block in self.blocks:
            columns = list(block)
            moved[:, columns] = -np.sort(-points[:, columns], axis=1)
        return moved

    def orbit_size(self, columns: Sequence[Any]) -> int:
        """How many different arrangements the columns of a matrix have; ``columns[i]`` belongs to coordinate ``i``.

        Examples
        --------
        >>> PermutationSymmetry(((0, 1, 2, 3),)).orbit_size("aabc")
        12
        """
        size = self.order
        for block in self.blocks:
            for multiplicity in Counter(columns[i] for i in block).values():
                size //= factorial(multiplicity)
        return size

    def canonical(self, columns: Sequence[Any]) -> tuple[Any, ...]:
        """One representative of an orbit: the columns in increasing order along each block."""
        result = list(columns)
        for block in self.blocks:
            for place, column in zip(block, sorted(columns[i] for i in block), strict=True):
                result[place] = column
        return tuple(result)


def permutation_symmetry(network: Network) -> PermutationSymmetry:
    """The coordinates that a network lets exchange, decided exactly.

    An exchange is accepted at once where it only renames equal units; otherwise the two functions are compared
    (`Network.same_function`), through cells or formulas.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 1, 2], [0, 0, 1]], [[1, 1]]])
    >>> permutation_symmetry(net).blocks
    ((0, 1), (2,))
    """
    blocks: list[list[int]] = []
    for coordinate in range(network.input_dim):
        for block in blocks:
            if is_invariant(network, _exchange(network.input_dim, block[0], coordinate)):
                block.append(coordinate)
                break
        else:
            blocks.append([coordinate])
    return PermutationSymmetry(tuple(map(tuple, blocks)))


def is_invariant(network: Network, permutation: Sequence[int]) -> bool:
    """Whether ``f(x_p(0), .., x_p(n-1)) = f(x)`` for all x, exactly.

    Raises
    ------
    NetworkError
        It is no permutation of the inputs.

    Examples
    --------
    >>> is_invariant(Network.from_layers([[[1, 2], [2, 1]], [[1, 1]]]), [1, 0])
    True
    """
    if sorted(permutation) != list(range(network.input_dim)):
        raise NetworkError(f"{list(permutation)} is no permutation of 0..{network.input_dim - 1}")
    moved = with_inputs_permuted(network, permutation)
    return _same_form(network, moved) or network.same_function(moved)


def with_inputs_permuted(network: Network, permutation: Sequence[int]) -> Network:
    """The network ``x -> f(x_p(0), .., x_p(n-1))``."""
    place = {source: i for i, source in enumerate(permutation)}

    def moved(stage: AffineStage) -> AffineStage:
        blocks = tuple(
            (source, tuple(tuple(row[place[j]] for j in range(len(row))) for row in matrix))
            if source == INPUT
            else (source, matrix)
            for source, matrix in stage.blocks
        )
        return AffineStage(blocks, stage.bias)

    return replace(network, stages=tuple(map(moved, network.stages)), output=moved(network.output), layers=None)


def _exchange(dim: int, one: int, other: int) -> list[int]:
    order = list(range(dim))
    order[one], order[other] = other, one
    return order


def _same_form(first: Network, second: Network) -> bool:
    """Whether two networks differ by the order and repetition of units only."""
    names: dict[Any, int] = {}

    def outputs(network: Network) -> list[Any]:
        known = [[names.setdefault(("input", j), len(names)) for j in range(network.input_dim)]]
        rows: list[Any] = []
        for stage in (*network.stages, network.output):
            rows = []
            for unit, bias in enumerate(stage.bias):
                weights: dict[int, fmpq] = {}
                for source, matrix in stage.blocks:
                    for name, weight in zip(known[source], matrix[unit], strict=True):
                        weights[name] = weights.get(name, ZERO) + weight
                rows.append((bias, tuple(sorted((name, w) for name, w in weights.items() if w))))
            known.append([names.setdefault(row, len(names)) for row in rows])
        return rows

    return outputs(first) == outputs(second)


# ---------------------------------------------------------------- counting


@dataclass(frozen=True, slots=True, repr=False)
class SymmetricEstimate(Value):
    """An estimate of the number of regions from samples in the fundamental domain.

    Attributes
    ----------
    regions : int
        The affine pieces found, each counted as often as its orbit has members.
    pieces : int
        The affine pieces found in the domain.
    samples : int
        Points drawn, all of them in the domain.
    lower, upper : tuple of float
        The cube whose part in the domain was sampled.
    seed : int or None
    symmetry : PermutationSymmetry
    """

    regions: int
    pieces: int
    samples: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    seed: int | None
    symmetry: PermutationSymmetry

    @property
    def exact(self) -> bool:
        """False: a sampled number is an estimate."""
        return False


@former_keywords(samples="n_samples")
def sample_by_symmetry(
    network: Network,
    *,
    n_samples: int,
    cube: Any,
    rng: int | np.random.Generator | None = None,
    symmetry: PermutationSymmetry | None = None,
    device: str = "cpu",
    midpoint_test: bool = True,
    tolerance: float = TOLERANCE,
) -> SymmetricEstimate:
    """Estimate the number of regions of a permutation-invariant network from its fundamental domain alone.

    Parameters
    ----------
    network : Network
    n_samples : int
        Points to draw in the domain; ``n!`` times fewer than in the whole cube serve as well.
    cube, rng, device, midpoint_test, tolerance
        As in `nn_bridge.expressivity.sampling.sample_regions`; the cube has the same bounds along each block.
    symmetry : PermutationSymmetry, optional
        Detected by default.

    Raises
    ------
    NetworkError
        The cube is not symmetric.
    MissingExtraError
        Torch is not installed.

    Examples
    --------
    >>> from nn_bridge.expressivity.constructions import deep_sets
    >>> sample_by_symmetry(deep_sets(3).network, n_samples=500, cube=20, rng=0).regions
    8
    """
    generator, seed = generator_and_seed(rng)
    symmetry = permutation_symmetry(network) if symmetry is None else symmetry
    lower, upper = cube_bounds(cube, network.input_dim)
    for block in symmetry.blocks:
        if len({(lower[i], upper[i]) for i in block}) > 1:
            raise NetworkError(f"the cube has different bounds for the exchangeable coordinates {list(block)}")

    def points() -> Iterator[NDArray[np.float64]]:
        for block in cube_points(lower, upper, n_samples, generator):
            yield symmetry.moved_into_domain(block)

    found = pieces_at(network, points(), device=device, midpoint_test=midpoint_test, tolerance=tolerance)
    scale = float(np.abs(found.slopes).max(initial=0.0)) or 1.0
    rounded = np.round(found.slopes / (scale * tolerance)) + 0.0
    regions = sum(symmetry.orbit_size([column.tobytes() for column in slope.T.copy()]) for slope in rounded)
    return SymmetricEstimate(
        regions, len(found.points), n_samples, tuple(lower.tolist()), tuple(upper.tolist()), seed, symmetry
    )


@dataclass(frozen=True, slots=True, repr=False)
class SymmetricCount(Value):
    """The exact counts on R^n and on the fundamental domain, side by side.

    Attributes
    ----------
    symmetry : PermutationSymmetry
    everywhere, domain : RegionCount
    regions, affine_maps : int
        Those on R^n, from the fundamental domain alone; equal to those of ``everywhere``.
    """

    symmetry: PermutationSymmetry
    everywhere: RegionCount
    domain: RegionCount
    regions: int
    affine_maps: int


def count_by_symmetry(network: Network, symmetry: PermutationSymmetry | None = None) -> SymmetricCount:
    """Count exactly on R^n and on the fundamental domain.

    Examples
    --------
    >>> from nn_bridge.expressivity.constructions import deep_sets
    >>> count = count_by_symmetry(deep_sets(3).network)
    >>> count.everywhere.regions, count.domain.regions, count.regions
    (8, 4, 8)
    """
    symmetry = permutation_symmetry(network) if symmetry is None else symmetry
    domain = symmetry.fundamental_domain()
    return SymmetricCount(
        symmetry,
        count_cells(network),
        count_cells(network, domain, domain_text="fundamental domain"),
        regions_by_symmetry(network, symmetry),
        affine_maps_by_symmetry(network, symmetry),
    )


def regions_by_symmetry(network: Network, symmetry: PermutationSymmetry) -> int:
    """The number of linear regions on R^n (joined by facet), exactly, from the fundamental domain alone.

    Two chambers that a region meets are joined by walls that it crosses, so the permutations that keep it are
    generated by the exchanges at those walls, and its part in the domain is connected.

    Examples
    --------
    >>> from nn_bridge.expressivity.constructions import deep_sets
    >>> regions_by_symmetry(deep_sets(4).network, PermutationSymmetry(((0, 1, 2, 3),)))
    16
    """
    domain = symmetry.fundamental_domain()
    found = cell_complex(network, domain)
    walls = [_exchanged(row) for row in domain.irredundant().inequalities]
    total = 0
    for region in range(found.region_count):
        cells = [found.cell(number) for number in np.flatnonzero(found.regions == region).tolist()]
        columns = tuple(zip(*cells[0].affine_map.matrix, strict=True))
        touched = {walls[number] for cell in cells for facet in cell.facets for number in facet.walls}
        total += symmetry.order // _generated([(i, j) for i, j in touched if columns[i] == columns[j]])
    return total


def _exchanged(row: Sequence[fmpq]) -> tuple[int, int]:
    """The two coordinates that a wall ``x_j - x_i <= 0`` of the fundamental domain compares."""
    i, j = (place for place, value in enumerate(row[:-1]) if value)
    return i, j


def _generated(exchanges: Sequence[tuple[int, int]]) -> int:
    """The order of the group that exchanges of coordinates generate."""
    return prod(factorial(len(block)) for block in nx.connected_components(nx.Graph(exchanges)))


def affine_maps_by_symmetry(network: Network, symmetry: PermutationSymmetry) -> int:
    """The number of affine maps on R^n, exactly, from the cells in the fundamental domain alone."""
    orbits = {}
    for cell in iterate_cells(network, symmetry.fundamental_domain()):
        columns = tuple(zip(*cell.affine_map.matrix, strict=True))
        orbits[symmetry.canonical(columns), cell.affine_map.offset] = symmetry.orbit_size(columns)
    return sum(orbits.values())


__all__ = [
    "PermutationSymmetry",
    "SymmetricCount",
    "SymmetricEstimate",
    "affine_maps_by_symmetry",
    "count_by_symmetry",
    "is_invariant",
    "permutation_symmetry",
    "regions_by_symmetry",
    "sample_by_symmetry",
    "with_inputs_permuted",
]
