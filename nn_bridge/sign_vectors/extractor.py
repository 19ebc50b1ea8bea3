"""`extract` and `count_sign_vectors`: the entry points of the sign-vector route."""

from __future__ import annotations

import time
from typing import Any, Literal

import numpy as np
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from nn_bridge.sign_vectors.complex import Complex
from nn_bridge.sign_vectors.domain import Domain, as_domain
from nn_bridge.sign_vectors.memory import budget_name, room_for
from nn_bridge.sign_vectors.piece import Piece
from nn_bridge.sign_vectors.pieces import (
    MAX_DEPTH,
    SHARES,
    Cutter,
    cut_in_pieces,
    cut_on_cpu,
    halves_of,
)
from nn_bridge.sign_vectors.plan import Plan, plan_of
from nn_bridge.sign_vectors.skeleton import OverBudget
from nn_bridge.sign_vectors.start import face_words
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import ONE, ZERO, to_text

OnDegenerate = Literal["report", "raise"]
Backend = Literal["auto", "core", "numba", "torch"]

WORKING_SHARE = 0.25
"""The part of the budget for the working arrays of a piece; the rest is for what is finished."""
PIECE = 1 << 28
"""The compiled loops' working arrays of a piece take no more than this: small pieces stay nearer the caches."""
MAX_RESEEDS = 2


def extract(
    network: Network,
    domain: Any,
    *,
    output_hyperplanes: bool = False,
    device: str = "cpu",
    dtype: Any = np.float64,
    memory: str | int | None = None,
    on_degenerate: OnDegenerate = "report",
    backend: Backend = "auto",
) -> Complex:
    """The polyhedral complex of a network on a box or bounded polyhedron, by edge subdivision.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
        A bounded polyhedron, or a box; each side of a box is a number or one number per coordinate.
    output_hyperplanes : bool
        Whether the outputs cut too (their zero sets); by default only the hidden units do.
    device : str
        ``"cpu"``, or a torch device such as ``"cuda"``.
    dtype : float64
        The only number type that this engine counts in; anything else is refused.
    memory : str or int, optional
        A budget such as ``"4GiB"``; the domain is worked on in pieces that fit. By default 60 % of what is free.
    on_degenerate : "report" or "raise"
        What to do where the complex is not generic: say so on the result, or raise.
    backend : "auto", "core" or "torch"
        Compiled loops on the CPU (``"numba"`` is their former name), or tensor operations on any torch device; the
        result is the same complex.

    Raises
    ------
    NetworkError
        The domain is unbounded or flat, the budget is too small, a weight does not fit float64, or (with
        ``on_degenerate="raise"``) the complex is not generic.

    Notes
    -----
    Berzins, "Polyhedral Complex Extraction from ReLU Networks using Edge Subdivision", ICML 2023.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 2], [3, -1]], [[1, 1]]], [["1/3", "1/5"], [0]])
    >>> complex = extract(net, (-1, 1))
    >>> complex.generic, complex.count_cells()
    (True, 4)
    """
    if np.dtype(dtype) != np.float64:
        raise NetworkError(f"dtype={np.dtype(dtype).name}: the sign-vector engine counts in float64 only")
    if on_degenerate not in ("report", "raise"):
        raise NetworkError(f"on_degenerate={quoted(on_degenerate)} is neither 'report' nor 'raise'")
    polytope = as_domain(domain, network.input_dim)
    cutter = _cutter(device, backend)
    budget = room_for(memory)
    limit = _working_bytes(budget, cutter)
    for seed in range(1 + MAX_RESEEDS):
        plan = plan_of(network, output_hyperplanes, seed)
        try:
            piece = cut_in_pieces(plan, polytope, limit, budget - limit, cutter)
        except OverBudget:
            raise NetworkError(
                f"{budget_name(memory)} is too small to hold this complex; give more, or only count the cells"
            ) from None
        # unpaired keys without a doubtful vertex are a collision of fingerprints: draw other words
        if piece.outcome.consistent or piece.outcome.doubtful:
            break
    result = _complex(network, plan, polytope, piece)
    if on_degenerate == "raise" and not result.generic:
        raise NetworkError(f"{result.reason}; use engine 'cells', which is exact in any position")
    return result


def count_sign_vectors(
    network: Network,
    domain: Any,
    *,
    device: str = "cpu",
    memory: str | int | None = None,
    backend: Backend = "auto",
) -> RegionCount:
    """Count the activation cells of a network on a box or bounded polyhedron by the sign-vector route.

    The count is never wrong in silence: where the complex is not generic ``cells`` is None and ``reason`` says why.
    Only the number is wanted, so pieces of the domain are counted one by one: cells(left) + cells(right) - cells(wall
    between).

    Returns
    -------
    RegionCount
        With engine ``"sign-vectors"`` and ``exact=False``.

    Raises
    ------
    NetworkError
        As for `extract`.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 2], [3, -1]], [[1, 1]]], [["1/3", "1/5"], [0]])
    >>> count_sign_vectors(net, (-1, 1)).cells
    4
    """
    start = time.perf_counter()
    polytope = as_domain(domain, network.input_dim)
    cutter = _cutter(device, backend)
    limit = _working_bytes(room_for(memory), cutter)
    cells: int | None
    try:
        cells, reason = _count(network, polytope, limit, cutter, 0)
    except OverBudget:
        raise NetworkError(f"{budget_name(memory)} is too small for this network; give more") from None
    seconds = time.perf_counter() - start
    return RegionCount(
        cells, None, None, None, "sign-vectors", domain_name(polytope), False, True, seconds, reason=reason
    )


def domain_name(domain: Domain) -> str:
    """The domain as the command line writes it."""
    if domain.box_sides is None:
        return f"polyhedron with {counted(len(domain.walls), 'facet')}"
    sides = [f"{to_text(low)},{to_text(high)}" for low, high in zip(*domain.box_sides, strict=True)]
    return "box:" + (sides[0] if len(set(sides)) == 1 else ";".join(sides))


def _count(network: Network, domain: Domain, limit: int, cutter: Cutter, depth: int) -> tuple[int | None, str | None]:
    """The number of cells, or None and the reason."""
    plan = plan_of(network, False)
    try:
        piece = cutter(plan, domain, limit)
    except OverBudget:
        if depth >= MAX_DEPTH:
            raise
    else:
        for seed in range(1, 1 + MAX_RESEEDS):
            if piece.outcome.consistent or piece.outcome.doubtful:
                break
            plan = plan_of(network, False, seed)
            piece = cutter(plan, domain, limit)
        found = _complex(network, plan, domain, piece)
        if not found.generic:
            return None, found.reason
        try:
            return found.count_cells(), None
        except NetworkError as error:
            return None, f"not generic: {error}"
    reason: str | None = None
    for share in SHARES:
        left, right, axis, position = halves_of(domain, share, -(depth + 1))
        total = 0
        for part in (left, right):
            cells, reason = _count(network, part, limit, cutter, depth + 1)
            if cells is None:
                break
            total += cells
        else:
            between, reason = _count_wall(network, domain, axis, position, limit, cutter, depth + 1)
            if between is not None:
                return total - between, None
    return None, reason


def _count_wall(
    network: Network, domain: Domain, axis: int, position: fmpq, limit: int, cutter: Cutter, depth: int
) -> tuple[int | None, str | None]:
    """The cells on the slice ``x_axis = position`` of the domain: each is where the wall cuts one cell in two."""
    n = domain.dim
    if n == 1:
        return 1, None
    others = [i for i in range(n) if i != axis]
    directions = [[ONE if i == j else ZERO for j in others] for i in range(n)]
    origin = [position if i == axis else ZERO for i in range(n)]
    slice_network = network.restrict_to(directions, origin)
    if domain.box_sides is not None:
        lower, upper = domain.box_sides
        slice_domain = as_domain(([lower[i] for i in others], [upper[i] for i in others]), n - 1)
    else:
        rows = [tuple(a[i] for i in others) for a, _, _ in domain.walls]
        sides = [b - a[axis] * position for a, b, _ in domain.walls]
        slice_domain = as_domain(Polyhedron(rows, sides, dim=n - 1), n - 1)
    return _count(slice_network, slice_domain, limit, cutter, depth)


def _working_bytes(budget: int, cutter: Cutter) -> int:
    """For the working arrays of a piece: tensor operations are better off with few large pieces."""
    share = int(WORKING_SHARE * budget)
    return min(share, PIECE) if cutter is cut_on_cpu else share


def _cutter(device: str, backend: Backend) -> Cutter:
    if backend not in ("auto", "core", "numba", "torch"):
        raise NetworkError(f"backend={quoted(backend)} is not one of 'auto', 'core', 'torch'")
    if backend in ("core", "numba") and device != "cpu":
        raise NetworkError(f"backend={quoted(backend)} runs on the CPU; device={quoted(device)} needs backend='torch'")
    if backend == "torch" or (backend == "auto" and device != "cpu"):
        from nn_bridge.sign_vectors.torch.subdivide import torch_cutter  # torch loads only where it is used

        return torch_cutter(device)
    return cut_on_cpu


def _complex(network: Network, plan: Plan, domain: Domain, piece: Piece) -> Complex:
    return Complex(
        network,
        piece.vertices,
        piece.vertex_error,
        piece.edges,
        piece.vertex_zeros,
        piece.edge_zeros,
        piece.vertex_faces,
        piece.edge_faces,
        piece.outcome.doubtful,
        piece.outcome.decided,
        piece.outcome.consistent,
        piece.outcome.neurons,
        piece.pieces,
        domain,
        plan,
        piece.edge_up,
        piece.vertex_words,
        piece.edge_words,
        face_words(plan.seed, domain),
    )
