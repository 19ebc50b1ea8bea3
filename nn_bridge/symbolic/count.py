"""Counting by tropical algebra: the engine ``tropical``.

Nothing here looks at activation patterns of a network directly.  The network becomes tropical rational maps
(`nn_bridge.symbolic.tropicalize`); cells come from refining R^n (or the domain) by the zero sets of all pre-activations
numerator - denominator, layer by layer; regions and affine maps from the linear regions of the output maps
(`tropical.regions`).  It shares no code with the cell engine, so that the agreement of the two means something.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from flint import fmpq

from nn_bridge.network.network import INPUT, Network, Pattern
from nn_bridge.region_count import RegionCount
from nn_bridge.symbolic.tropicalize import tropical_preactivations
from polyhedra.independence import independent
from polyhedra.linear_program import InteriorPoint, interior_of
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, primitive
from polyhedra.system import IntegerRow, System, without_zero_rows
from tropical.rational import PuiseuxRational
from tropical.regions import LinearRegion, linear_regions

Point = tuple[fmpq, ...]


@dataclass(frozen=True, slots=True)
class SymbolicCell:
    """A full-dimensional activation cell, found by refinement.

    Attributes
    ----------
    pattern : tuple of tuples of bool
        For each stage the units whose pre-activation is positive inside.
    rows : tuple of integer rows (a_1, .., a_n, b)
        The closed cell is the set where a . x <= b; rows may be redundant.
    point : tuple of rationals
        An interior point.
    """

    pattern: Pattern
    rows: tuple[IntegerRow, ...]
    point: Point


@dataclass(frozen=True, slots=True)
class SymbolicCells:
    """The cells of a network, and the tropical maps that they were found by.

    Attributes
    ----------
    preactivations : list of tuples of PuiseuxRational
        Those of each stage and the outputs (see `nn_bridge.symbolic.tropicalize.tropical_preactivations`).
    cells : list of SymbolicCell
    """

    preactivations: Sequence[Sequence[PuiseuxRational]]
    cells: Sequence[SymbolicCell]


def symbolic_cells(network: Network, domain: Polyhedron | None = None) -> SymbolicCells:
    """The full-dimensional cells of a network on a full-dimensional domain, by tropical algebra.

    On all of R^n those of the network `without_lineality`, of which there are as many.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> [cell.pattern for cell in symbolic_cells(tent).cells]
    [((False, False),), ((True, False),), ((True, True),)]
    """
    reduced = network if domain is not None else without_lineality(network)
    preactivations = tropical_preactivations(reduced)
    return SymbolicCells(preactivations, refine(preactivations[:-1], reduced.input_dim, domain))


def count_symbolic(
    network: Network, domain: Polyhedron | None = None, *, known: SymbolicCells | None = None
) -> RegionCount:
    """Count cells, regions and affine maps of a small network by tropical algebra, exactly.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
        Where to count; R^n by default.  A domain without interior has no full-dimensional cells: all counts are 0.
    known : SymbolicCells, optional
        The `symbolic_cells`, where they have been found before.

    Examples
    --------
    >>> tent = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> count_symbolic(tent).counts
    {'cells': 3, 'regions': 3, 'regions_by_point': 3, 'affine_maps': 3}

    Notes
    -----
    Lezeau et al. (2024), Algorithm 4.  Time grows quickly with depth; networks of a few hundred cells are its ground.
    """
    start = time.perf_counter()
    name = "all" if domain is None else "polyhedron"
    if domain is not None and not domain.is_full_dimensional():
        return RegionCount(0, 0, 0, 0, "tropical", name, True, True, time.perf_counter() - start)
    found = symbolic_cells(network, domain) if known is None else known
    regions = linear_regions(found.preactivations[-1], domain=domain)
    return RegionCount(
        cells=len(found.cells),
        regions=len(regions),
        regions_by_point=_joined_by_point(regions),
        affine_maps=len({region.affine_map for region in regions}),
        engine="tropical",
        domain=name,
        exact=True,
        complete=True,
        seconds=time.perf_counter() - start,
    )


def without_lineality(network: Network) -> Network:
    """The network on a coordinate subspace that meets every cell's translate of the lineality space in one point.

    Where the units see the input only through ``r < n`` independent directions, every cell is a product with an
    (n-r)-dimensional space, along which all affine maps have the same slope; so all counts are those on the subspace.
    """
    seen: list[Sequence[fmpq]] = [row for stage in network.stages for row in stage.block(INPUT) or ()]
    n = network.input_dim
    kept = independent(seen).columns or (0,)
    if len(kept) == n:
        return network
    return network.restrict_to([[ONE if j == k else ZERO for k in kept] for j in range(n)], [ZERO] * n)


def refine(
    stages: Sequence[Sequence[PuiseuxRational]], dim: int, domain: Polyhedron | None = None
) -> list[SymbolicCell]:
    """The full-dimensional cells on which every pre-activation has one sign, stage by stage.

    Parameters
    ----------
    stages : sequence of sequences of PuiseuxRational
        The pruned pre-activations (`nn_bridge.symbolic.tropicalize.tropical_preactivations`, without the outputs).
    dim : int
        The number n of inputs.
    domain : Polyhedron, optional
        A full-dimensional polyhedron; R^n by default.
    """
    if domain is None:
        cells = [SymbolicCell((), (), (ZERO,) * dim)]
    else:
        inside = domain.interior_point()
        assert inside is not None, "the caller checks that the domain is full-dimensional"
        cells = [SymbolicCell((), tuple(without_zero_rows(domain.system.rows())), inside)]
    for stage in stages:
        refined = []
        for cell in cells:
            pieces: list[tuple[tuple[bool, ...], tuple[IntegerRow, ...], Point]] = [((), cell.rows, cell.point)]
            for value in stage:
                form = _form_at(value, cell.point)
                pieces = [
                    ((*bits, sign), rows, point)
                    for bits, old, inner in pieces
                    for sign, rows, point in _split(old, inner, form, dim)
                ]
            refined += [SymbolicCell((*cell.pattern, bits), rows, point) for bits, rows, point in pieces]
        cells = refined
    return cells


def _form_at(value: PuiseuxRational, point: Point) -> tuple[fmpq, ...]:
    """The affine function (a_1, .., a_n, b) that a pre-activation is around an interior point of a cell.

    Numerator and denominator are affine on a cell of all earlier stages, so inside it a single irredundant term of each
    is maximal: with a second one there, the function would have a kink.
    """
    (upper,) = value.numerator.argmax_terms(point)
    (lower,) = value.denominator.argmax_terms(point)
    a, p = value.numerator.terms[upper]
    b, q = value.denominator.terms[lower]
    return (*(s - t for s, t in zip(a, b, strict=True)), p - q)


def _split(
    rows: tuple[IntegerRow, ...], point: Point, form: tuple[fmpq, ...], dim: int
) -> list[tuple[bool, tuple[IntegerRow, ...], Point]]:
    """The full-dimensional pieces on which a form is positive (True) or negative (False), each with a point inside.

    A form that is identically zero counts as inactive.
    """
    *slope, constant = form
    if not any(slope):
        return [(constant > 0, rows, point)]
    value = sum((a * x for a, x in zip(slope, point, strict=True)), constant)
    integers = primitive([*slope, -constant])
    pieces = []
    for active, wall in ((True, (*(-a for a in integers[:-1]), -integers[-1])), (False, integers)):
        new = (*rows, wall)
        if value != 0 and active == (value > 0):
            pieces.append((active, new, point))
            continue
        answer = interior_of(System.of_integer_rows(new, 0, dim))
        if isinstance(answer, InteriorPoint):
            pieces.append((active, new, answer.point))
    return pieces


def _joined_by_point(regions: Sequence[LinearRegion]) -> int:
    """How many pieces remain when regions with one affine map are joined wherever they share a point."""
    label = list(range(len(regions)))
    for i, j in combinations(range(len(regions)), 2):
        one, two = regions[i], regions[j]
        if label[i] == label[j] or one.affine_map != two.affine_map:
            continue
        if any(p.meets(q) for p in one.polyhedra for q in two.polyhedra):
            label = [label[i] if entry == label[j] else entry for entry in label]
    return len(set(label))
