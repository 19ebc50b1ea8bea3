"""Estimating the number of linear regions by sampling (Lezeau et al. 2024, Algorithm 5), and sampled patterns.

Points are drawn in a cube, the Jacobian of the network is taken at each, and distinct Jacobians are counted.  Equal
Jacobians are taken for different regions where the midpoint of two such points deviates from the mean of their values.
On folded functions midpoints of different pieces agree systematically (the tent map composed four times would have 4
pieces instead of 16), so the offsets ``f(x) - J x`` are compared as well; ``offsets=False`` is the published test.

This is the float route: nothing here is proven.  Regions that are thin or outside the cube are missed, a region that is
not convex can be counted twice, and Jacobians are compared up to a tolerance.  Every estimate therefore says how many
samples it rests on, in which cube and from which seed.  `SampledPatterns.confirmed` turns sampled points into a proven
lower bound on the number of cells, by exact evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.evaluator import BATCH, Bits, Evaluator, _check_range
from nn_bridge.network.network import Network, Pattern, float_matrix
from polyhedra.arrays import Floats
from polyhedra.bounding_box import box_of_rows
from polyhedra.box_pairs import intervals_of_box
from polyhedra.box_text import box_intervals
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.former_names import former_keywords
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted, shown
from polyhedra.randomness import generator_and_seed
from polyhedra.scalars import to_float
from polyhedra.values import Value

if TYPE_CHECKING:
    pass


TOLERANCE = 1e-9
"""Up to which relative difference two Jacobians, or a midpoint and a mean, count as equal."""


@dataclass(frozen=True, slots=True, repr=False)
class SampledRegions(Value):
    """An estimate of the number of linear regions, and what it rests on.

    Attributes
    ----------
    regions : int
        Distinct Jacobians, told apart further by offsets and midpoints.
    jacobians : int
        Distinct Jacobians.
    affine_maps : int
        Distinct Jacobians with their offsets.
    patterns : int
        Distinct activation patterns among the points (in floating point).
    samples : int
        How many points were drawn.
    lower, upper : tuple of float
        The cube.
    seed : int or None
        None where a generator was handed in.
    device : str
        The torch device.
    points : tuple of points
        One sampled point of each estimated region.
    slopes : tuple of matrices
        The Jacobian there: a row for each output.
    """

    regions: int
    jacobians: int
    affine_maps: int
    patterns: int
    samples: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    seed: int | None
    device: str
    points: tuple[tuple[float, ...], ...] = field(repr=False)
    slopes: tuple[tuple[tuple[float, ...], ...], ...] = field(repr=False)

    @property
    def exact(self) -> bool:
        """False: a sampled number is an estimate."""
        return False

    def to_json(self) -> dict[str, Any]:
        """The numbers, without points and slopes."""
        return {
            "regions": self.regions,
            "jacobians": self.jacobians,
            "affine_maps": self.affine_maps,
            "patterns": self.patterns,
            "samples": self.samples,
            "cube": {"lower": list(self.lower), "upper": list(self.upper)},
            "seed": self.seed,
            "device": self.device,
            "exact": False,
        }


@dataclass(frozen=True, slots=True, repr=False)
class SampledPatterns(Value):
    """The activation patterns met at sampled points, in floating point.

    Attributes
    ----------
    network : Network
    patterns : tuple of Pattern
        In the order in which they were met.
    points : tuple of points
        The first point of each pattern.
    hits : tuple of int
        How many of the points have it.
    samples : int
    seed : int or None
    """

    network: Network
    patterns: tuple[Pattern, ...]
    points: tuple[tuple[float, ...], ...]
    hits: tuple[int, ...]
    samples: int
    seed: int | None

    def confirmed(self) -> frozenset[Pattern]:
        """The patterns that exact evaluation proves to be those of full-dimensional cells.

        The first point of each pattern is evaluated exactly; it counts where no pre-activation vanishes there, except
        one that vanishes on the whole cell.  Their number is a proven lower bound on the number of cells.
        """
        proven = set()
        for point in self.points:
            values = self.network.preactivations(point)[:-1]
            pattern = tuple(tuple(bool(v > 0) for v in stage) for stage in values)
            if pattern not in proven and self._inside(values, pattern):
                proven.add(pattern)
        return frozenset(proven)

    def _inside(self, values: Iterable[tuple[Any, ...]], pattern: Pattern) -> bool:
        if all(v != 0 for stage in values for v in stage):
            return True
        forms = self.network.affine_forms(pattern)
        pairs = (
            (value, form)
            for stage, rows in zip(values, forms, strict=False)
            for value, form in zip(stage, rows, strict=True)
        )
        return all(value != 0 or not any(form) for value, form in pairs)


@former_keywords(samples="n_samples")
def sample_regions(
    network: Network,
    *,
    n_samples: int,
    cube: Any,
    rng: int | np.random.Generator | None = None,
    device: str = "cpu",
    midpoint_test: bool = True,
    offsets: bool = True,
    tolerance: float = TOLERANCE,
    batch: int = BATCH,
) -> SampledRegions:
    """Estimate the number of linear regions that meet a cube.

    Parameters
    ----------
    network : Network
    n_samples : int
        How many points to draw, uniformly.
    cube : number, pair (lower, upper), list of pairs, text such as "box:-1,1", or Polyhedron that is a box
        A number ``r`` stands for [-r, r] in every coordinate; bounds are numbers or one number for each coordinate.
        `puiseux.sampling_box` gives one that meets every region.
    rng : int or numpy Generator, optional
        A seed, or the generator to draw from; by default a seed is drawn and remembered in the result.
    device : str
        A torch device, ``"cpu"`` or ``"cuda"``.
    midpoint_test : bool
        Tell regions with equal Jacobians apart by midpoints.
    offsets : bool
        Tell them apart by offsets as well.
    tolerance : float
        Relative; see `TOLERANCE`.
    batch : int
        How many points are evaluated at once.

    Raises
    ------
    MissingExtraError
        Torch is not installed.
    NetworkError
        The cube, the number of samples or the device make no sense.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> sample_regions(tent, n_samples=1000, cube=(-1, 2), rng=0).regions
    3

    Notes
    -----
    Lezeau et al. (2024), Algorithm 5.  Points with one activation pattern have one Jacobian, so it is taken once for
    each pattern.
    """
    generator, seed = generator_and_seed(rng)
    lower, upper = cube_bounds(cube, network.input_dim)
    points = cube_points(lower, upper, n_samples, generator, batch)
    found = pieces_at(network, points, device=device, midpoint_test=midpoint_test, offsets=offsets, tolerance=tolerance)
    return SampledRegions(
        len(found.points),
        found.jacobians,
        found.affine_maps,
        found.patterns,
        n_samples,
        tuple(lower.tolist()),
        tuple(upper.tolist()),
        seed,
        device,
        tuple(map(tuple, found.points.tolist())),
        tuple(tuple(map(tuple, slope)) for slope in found.slopes.tolist()),
    )


@former_keywords(samples="n_samples")
def sample_patterns(
    network: Network, *, n_samples: int, cube: Any, rng: int | np.random.Generator | None = None, batch: int = BATCH
) -> SampledPatterns:
    """The activation patterns at random points of a cube; needs numpy only.

    The arguments are those of `sample_regions`.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> len(sample_patterns(tent, n_samples=100, cube=(-1, 2), rng=0).confirmed())
    3
    """
    _check_range(network)
    generator, seed = generator_and_seed(rng)
    lower, upper = cube_bounds(cube, network.input_dim)
    units = sum(network.hidden)
    known: dict[bytes, int] = {}
    firsts: list[tuple[float, ...]] = []
    hits: list[int] = []
    for block in cube_points(lower, upper, n_samples, generator, batch):
        keys, first, counts = _distinct(_bits(network, block))
        for key, index, count in zip(keys, first, counts, strict=True):
            if key not in known:
                known[key] = len(firsts)
                firsts.append(tuple(block[index].tolist()))
                hits.append(0)
            hits[known[key]] += count
    patterns = tuple(_unpacked(key, network.hidden, units) for key in known)
    return SampledPatterns(network, patterns, tuple(firsts), tuple(hits), n_samples, seed)


def cube_bounds(cube: Any, dim: int) -> tuple[Floats, Floats]:
    """The lower and upper bounds that a cube stands for (see `sample_regions`).

    Raises
    ------
    NetworkError
        They are no numbers, of the wrong length, infinite, or leave nothing between them.
    """
    if isinstance(cube, (str, Polyhedron)):
        try:
            box = box_intervals(cube, dim, "the cube") if isinstance(cube, str) else box_of_rows(cube)
        except UsageError as error:
            raise NetworkError(str(error)) from None
        if box is None or len(box) != dim:
            raise NetworkError(f"{quoted(cube)} is no cube in R^{dim}; write box:LO,HI, or give a pair (lower, upper)")
        cube = tuple(np.array([to_float(v) for v in ends]) for ends in zip(*box, strict=True))
    elif isinstance(cube, (tuple, list)) and cube and all(hasattr(part, "__len__") for part in cube):
        try:
            box = intervals_of_box(cube, dim)
        except PuiseuxError as error:
            raise NetworkError(f"{quoted(cube)} is no cube in R^{dim}: {shown(error, 200)}") from None
        cube = tuple(np.array([to_float(v) for v in ends]) for ends in zip(*box, strict=True))
    try:
        low, high = cube if isinstance(cube, (tuple, list)) else (-cube, cube)
        lower, upper = (np.broadcast_to(np.asarray(v, dtype=float), (dim,)).copy() for v in (low, high))
    except (TypeError, ValueError):
        raise NetworkError(
            f"{quoted(cube)} is no cube in R^{dim}; give r for [-r, r] in every coordinate, or a pair (lower, upper)"
        ) from None
    if not (np.isfinite(lower).all() and np.isfinite(upper).all() and (lower < upper).all()):
        raise NetworkError(f"the cube {quoted(cube)} is unbounded or empty; give finite bounds with lower < upper")
    return lower, upper


def cube_points(
    lower: Floats, upper: Floats, samples: int, rng: np.random.Generator, batch: int = BATCH
) -> Iterator[Floats]:
    """Uniform points of a cube, in blocks of shape (at most ``batch``, n)."""
    if samples < 1:
        raise NetworkError(f"{samples} samples show nothing; take at least 1")
    if batch < 1:
        raise NetworkError(f"batch={batch} draws nothing; take at least 1")
    for begin in range(0, samples, batch):
        yield rng.uniform(lower, upper, (min(batch, samples - begin), len(lower)))


@dataclass(frozen=True, repr=False)
class SampledPieces(Value):
    """The affine pieces met at given points: one point, and the Jacobian there, for each.

    Attributes
    ----------
    points : array of shape (pieces, n)
    slopes : array of shape (pieces, outputs, n)
    jacobians, affine_maps, patterns : int
    """

    points: Floats
    slopes: Floats
    jacobians: int
    affine_maps: int
    patterns: int


def pieces_at(
    network: Network,
    blocks: Iterable[Floats],
    *,
    device: str = "cpu",
    midpoint_test: bool = True,
    offsets: bool = True,
    tolerance: float = TOLERANCE,
) -> SampledPieces:
    """The affine pieces met at the given points, told apart by Jacobians and midpoints.

    Parameters
    ----------
    network : Network
    blocks : iterable of arrays of shape (N, n)
    device, midpoint_test, offsets, tolerance
        As in `sample_regions`.
    """
    module = Evaluator(network, device)
    known: dict[bytes, Floats] = {}
    for block in blocks:
        keys, first, _ = _distinct(module.bits(block))
        for key, index in zip(keys, first, strict=True):
            known.setdefault(key, block[index])
    points = np.array(list(known.values()))
    slopes = module.jacobians(points)
    by_slope = _groups([slopes.reshape(len(points), -1)], tolerance)
    constants = module.values(points) - np.einsum("ijk,ik->ij", slopes, points)
    by_map = _groups([slopes.reshape(len(points), -1), constants], tolerance)
    chosen: list[int] = []
    for group in by_map if offsets else by_slope:
        chosen += _by_midpoints(module, points, group, tolerance) if midpoint_test else group[:1].tolist()
    chosen.sort()
    return SampledPieces(points[chosen], slopes[chosen], len(by_slope), len(by_map), len(points))


def _groups(tables: list[Floats], tolerance: float) -> list[NDArray[np.intp]]:
    """Positions of rows that are equal in all tables, up to a tolerance relative to each table's largest entry."""
    scales = [float(np.abs(table).max(initial=0.0)) or 1.0 for table in tables]
    rounded = np.hstack([np.round(t / (s * tolerance)) + 0.0 for t, s in zip(tables, scales, strict=True)])  # no -0.0
    _, label = np.unique(rounded, axis=0, return_inverse=True)
    label = label.reshape(-1)
    order = np.argsort(label, kind="stable")
    return np.split(order, np.nonzero(np.diff(label[order]))[0] + 1)


def _by_midpoints(module: Evaluator, points: Floats, group: NDArray[np.intp], tolerance: float) -> list[int]:
    """One member for each class: a member belongs to the first one whose midpoint with it does not deviate."""
    chosen = []
    rest = group
    values = module.values(points[group])
    of = dict(zip(group.tolist(), values, strict=True))
    while len(rest):
        seed, others = int(rest[0]), rest[1:]
        chosen.append(seed)
        if not len(others):
            break
        mean = (of[seed] + np.array([of[i] for i in others.tolist()])) / 2
        middle = module.values((points[seed] + points[others]) / 2)
        size = 1.0 + np.abs(mean).max(axis=1, keepdims=True)
        rest = others[(np.abs(middle - mean) > tolerance * size).any(axis=1)]
    return chosen


def _bits(network: Network, block: Floats) -> Bits:
    """The activation patterns as packed bits, by numpy."""
    values = [block]
    signs: list[NDArray[np.bool_]] = []
    for stage in network.stages:
        total = np.tile(np.array([to_float(b) for b in stage.bias]), (len(block), 1))
        for source, matrix in stage.blocks:
            total += values[source] @ float_matrix(matrix).T
        signs.append(total > 0)
        values.append(np.maximum(total, 0.0))
    return np.packbits(np.concatenate(signs, axis=1), axis=1) if signs else np.zeros((len(block), 1), np.uint8)


def _distinct(bits: Bits) -> tuple[list[bytes], list[int], list[int]]:
    """The distinct rows: as bytes, the first position of each, and how often each occurs."""
    width = bits.shape[1]
    rows = np.ascontiguousarray(bits).view(np.dtype((np.void, width))).ravel()
    keys, first, counts = np.unique(rows, return_index=True, return_counts=True)
    order = np.argsort(first)
    return [keys[i].tobytes() for i in order], first[order].tolist(), counts[order].tolist()


def _unpacked(key: bytes, hidden: tuple[int, ...], units: int) -> Pattern:
    flat = iter(np.unpackbits(np.frombuffer(key, np.uint8))[:units].tolist())
    return tuple(tuple(bool(bit) for bit in islice(flat, size)) for size in hidden)


__all__ = [
    "SampledPatterns",
    "SampledPieces",
    "SampledRegions",
    "cube_bounds",
    "cube_points",
    "pieces_at",
    "sample_patterns",
    "sample_regions",
]
