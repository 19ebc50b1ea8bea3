"""How fast a network changes on a domain: local Lipschitz constants and monotonicity.

Both are questions about the gradient of the cells. A mixed-integer model of the gradient (`milp.gradient`) proposes an
extreme cell, which is confirmed exactly; intervals of the gradient settle the easy cases; otherwise the proof looks at
every cell of the domain, audited (`milp.count`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import fmpq

from milp.arguments import index_below, of_any_model
from milp.audit import cell_rows, is_cell
from milp.bounding import network_bounds
from milp.bounds import Bounds
from milp.cell_batches import TooManyCells, exact_cells
from milp.choice import cells_can_win
from milp.count import search_patterns
from milp.domain import BoundedDomain, DomainLike, OutOfTime, bounded
from milp.formulations import NetworkModel, formulate
from milp.gradient import exact_gradient, gradient_interval, gradient_model
from milp.norm_names import NormLike, norm_name
from milp.optimize import objective_of
from milp.solvers import choose_solver, deadline_after, may_load, require_cvxpy, third_of, time_left
from milp.verify import POLYHEDRAL_NORMS, Status, Verdict
from nn_bridge.network.network import Network, Pattern, Row
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError
from polyhedra.linear_program import InteriorPoint, interior
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.scalars import ONE, ZERO, to_float
from polyhedra.system import without_zero_rows
from polyhedra.values import Value


@dataclass(frozen=True, slots=True, repr=False)
class LipschitzBound(Value):
    """A local Lipschitz constant and how far it is known.

    Attributes
    ----------
    value : fmpq
        The exact norm of the gradient on the cell of ``pattern``: the constant is at least this.
    pattern : pattern or None
        Where it is reached (None where no cell was found in time).
    bound : fmpq
        Proved: the constant is at most this.
    proven : bool
        Whether the two agree.
    seconds : float
    reason : str or None
    """

    value: fmpq
    pattern: Pattern | None
    bound: fmpq
    proven: bool
    seconds: float
    reason: str | None = None


@checked_options
@of_any_model
@with_steps("Looking for the steepest cell")
def local_lipschitz(
    network: Network,
    domain: DomainLike,
    norm: NormLike = "inf",
    output: int | Sequence[Any] = 0,
    *,
    solver: str | None = None,
    time_limit: float | None = 60.0,
    max_cells: int = 20_000,
    progress: Steps = None,
) -> LipschitzBound:
    """The greatest rate ``|g(x) - g(y)| / |x - y|`` of ``g = weights . f`` on the domain.

    It is the greatest dual norm of a gradient.

    With few inputs all cells of the domain are listed first (`milp.choice.cells_can_win`). Where that does not end, or
    a solver is asked for, a mixed-integer model of the gradient proposes a cell, the proof looks at every pattern of
    the domain (`milp.count.search_patterns`, audited), and where they are too many a bound by intervals remains.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
        Bounded.
    norm : {"inf", "1"}, or the number
        The norm of the inputs: the gradient is then measured by the sum, or by the greatest, of its absolute entries.
    output : int or sequence of numbers
        One output, or weights of all.
    solver : str, optional
        Ask this solver, not the list of cells; HiGHS where cells are too many.
    time_limit : float or None
        Seconds for everything together.
    max_cells : int
        The proof by cells is given up beyond this many.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.
    """
    norm = norm_name(norm)
    if norm not in POLYHEDRAL_NORMS:
        raise FormulationError(f"there is no norm {norm!r} here; use one of {', '.join(POLYHEDRAL_NORMS)}")
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    weights = objective_of(network, output).weights
    region = _full(domain, network, deadline)
    value, pattern = ZERO, None

    def look(at: Pattern) -> None:
        nonlocal value, pattern
        size = _dual_norm(exact_gradient(network, at, weights), norm)
        if pattern is None or size > value:
            value, pattern = size, at

    if solver is None and _all_cells(network, region, deadline, max_cells, look):
        return LipschitzBound(value, pattern, value, True, time.monotonic() - start)
    known = network_bounds(network, region, "lp", time_limit=third_of(deadline))
    low, high = gradient_interval(network, known, weights)
    widest = [max(abs(a), abs(b)) for a, b in zip(low, high, strict=True)]
    bound = _dual_norm(widest, norm)
    solvable = solver is not None or may_load(deadline)
    if solvable:
        goals = _norm_goals(norm, network.input_dim)
        for proposed in _proposals(network, region, known, weights, goals, solver, deadline):
            look(proposed)
    if not solvable or (deadline is not None and time.monotonic() > deadline):
        proven = pattern is not None and value == bound
        reason = None if proven else "time limit"
        return LipschitzBound(value, pattern, bound, proven, time.monotonic() - start, reason)
    if pattern is not None and value == bound:
        return LipschitzBound(value, pattern, bound, True, time.monotonic() - start)
    cells = search_patterns(network, region, solver=solver, time_limit=_share_of(deadline), max_cells=max_cells)
    late = False
    for found in cells.patterns:
        late = deadline is not None and time.monotonic() > deadline
        if late:
            break
        look(found)
    if cells.vouched and not late:
        bound = value
    reason = None if value == bound else "time limit" if late else cells.reason or "the cells could not be vouched for"
    return LipschitzBound(value, pattern, bound, value == bound, time.monotonic() - start, reason)


@checked_options
@of_any_model
@with_steps("Verifying")
def verify_monotone(
    network: Network,
    domain: DomainLike,
    variable: int,
    output: int | Sequence[Any] = 0,
    increasing: bool = True,
    *,
    solver: str | None = None,
    time_limit: float | None = 60.0,
    max_cells: int = 20_000,
    progress: Steps = None,
) -> Verdict:
    """Decide whether an output never decreases (or never increases) in one input on a full-dimensional domain.

    Returns
    -------
    Verdict
        Violated: from ``counterexample`` a step along the input, inside one cell, changes the output the wrong way
        (the gradient there is exact). Proven: on no cell has the derivative the wrong sign.
    """
    variable = index_below(variable, network.input_dim, "input")
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    sign = ONE if increasing else -ONE
    weights = tuple(sign * w for w in objective_of(network, output).weights)
    region = _full(domain, network, deadline)
    falling: list[Pattern] = []

    def look(at: Pattern) -> bool:
        if exact_gradient(network, at, weights)[variable] < 0:
            falling.append(at)
        return bool(falling)

    def wrong(pattern: Pattern) -> Verdict | None:
        if exact_gradient(network, pattern, weights)[variable] >= 0:
            return None
        rows = [row for _, _, row in cell_rows(network, pattern)]
        rows += without_zero_rows(region.polyhedron.inequalities)
        inside = interior([row[:-1] for row in rows], [row[-1] for row in rows], dim=region.dim)
        assert isinstance(inside, InteriorPoint)
        return Verdict(Status.VIOLATED, inside.point, network.evaluate(inside.point), time.monotonic() - start)

    all_seen = solver is None and _all_cells(network, region, deadline, max_cells, look)
    if falling:
        return wrong(falling[0]) or Verdict(Status.OPEN, None, None, time.monotonic() - start)
    if all_seen:
        return Verdict(Status.PROVEN, None, None, time.monotonic() - start)
    known = network_bounds(network, region, "lp", time_limit=third_of(deadline))
    if gradient_interval(network, known, weights)[0][variable] >= 0:
        return Verdict(Status.PROVEN, None, None, time.monotonic() - start)
    goal = np.zeros(network.input_dim)
    goal[variable] = -1.0
    for proposed in _proposals(network, region, known, weights, [goal], solver, deadline):
        verdict = wrong(proposed)
        if verdict is not None:
            return verdict
    cells = search_patterns(network, region, solver=solver, time_limit=_share_of(deadline), max_cells=max_cells)
    for found in cells.patterns:
        if deadline is not None and time.monotonic() > deadline:
            return Verdict(Status.OPEN, None, None, time.monotonic() - start, reason="time limit")
        verdict = wrong(found)
        if verdict is not None:
            return verdict
    status = Status.PROVEN if cells.vouched else Status.OPEN
    reason = None if cells.vouched else cells.reason or "the cells could not be vouched for"
    return Verdict(status, None, None, time.monotonic() - start, reason=reason)


def _all_cells(
    network: Network,
    region: BoundedDomain,
    deadline: float | None,
    max_cells: int,
    look: Callable[[Pattern], bool | None],
) -> bool:
    """Look at every cell of a domain, where they can be listed in half of the time; whether it came to the end.

    It ends early where ``look`` says that it has seen enough.
    """
    if not cells_can_win(region):
        return False
    now = time.monotonic()
    half = None if deadline is None else now + (deadline - now) / 2
    try:
        for cell in exact_cells(network, region.polyhedron, half, max_cells):
            if look(cell.pattern):
                return False
            if half is not None and time.monotonic() > half:
                return False
    except (OutOfTime, TooManyCells):
        return False
    return True


def _share_of(deadline: float | None) -> float | None:
    """The time for a list of cells; a tenth is left for looking at them."""
    left = time_left(deadline)
    return None if left is None else 0.9 * left


_LARGEST = 1e15  # gradients beyond this are for exact arithmetic only


def _full(domain: DomainLike, network: Network, deadline: float | None) -> BoundedDomain:
    region = bounded(domain, network.input_dim, deadline)
    if not region.polyhedron.is_full_dimensional():
        raise FormulationError("the domain is not full-dimensional: restrict the network to a slice first")
    return region


def _dual_norm(gradient: Sequence[fmpq], norm: str) -> fmpq:
    sizes = [abs(v) for v in gradient]
    return sum(sizes, ZERO) if norm == "inf" else max(sizes)


def _norm_goals(norm: str, n: int) -> list[Floats | None]:
    """The objectives to maximise: the sum of absolute values (None), or each entry and its negative."""
    if norm == "inf":
        return [None]
    return [sign * row for row in np.eye(n) for sign in (1.0, -1.0)]


def _proposals(
    network: Network,
    region: BoundedDomain,
    known: Bounds,
    weights: Row,
    goals: Sequence[Floats | None],
    solver: str | None,
    deadline: float | None,
    tries: int = 5,
) -> Iterator[Pattern]:
    """Cells that a MILP solver thinks extreme, confirmed; patterns without interior are cut off and tried again."""
    cp = require_cvxpy("a gradient model")
    chosen = choose_solver(solver)
    half = math.inf if deadline is None else (deadline + time.monotonic()) / 2  # the other half is for the proof
    try:
        model = formulate(network, region, bounds_used=known)
        gradient, rows = gradient_model(network, model, weights)
    except FormulationError:  # numbers that no solver takes: the cells answer alone
        return
    for goal in goals:
        extra = list(rows)
        if goal is None:
            low, high = gradient_interval(network, known, weights)
            reach = to_float(sum((max(abs(a), abs(b)) for a, b in zip(low, high, strict=True)), ZERO))
            if not reach < _LARGEST:
                return
            positive, size = cp.Variable(network.input_dim, boolean=True), cp.Variable(network.input_dim)
            extra += [
                size <= gradient + 2 * reach * (1 - positive),
                size <= -gradient + 2 * reach * positive,
            ]
            objective: Any = cp.sum(size)
        else:
            objective = goal @ gradient
        for _ in range(tries):
            left = None if deadline is None else half - time.monotonic()
            if left is not None and left <= 0:
                return
            report = model.optimize(objective, extra=extra, solver=chosen, time_limit=left)
            if not report.status.has_point:
                break
            pattern, different = _pattern_of(network, model, known)
            if is_cell(network, region, pattern):
                yield pattern
                break
            if different is None:
                break
            extra.append(different >= 1)


def _pattern_of(network: Network, model: NetworkModel, known: Bounds) -> tuple[Pattern, Any]:
    """The pattern of the model's binaries, and an expression that is 0 at it and at least 1 at all others."""
    pattern = []
    different: Any = None
    for k, stage in enumerate(network.stages):
        z = model.binaries[k]
        free = known.unstable(k)
        phases = [known.lower[k][i] >= 0 and known.upper[k][i] > 0 for i in range(stage.units)]
        if free:
            for i in free:
                phases[i] = bool(z.value[i] > 0.5)
                term = (1 - z[i]) if phases[i] else z[i]
                different = term if different is None else different + term
        pattern.append(tuple(phases))
    return tuple(pattern), different
