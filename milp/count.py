"""Counting the activation cells of a network by mixed-integer programming.

One of the independent counting routes: it shares with the others nothing but `Network` and `polyhedra`.

The patterns are enumerated stage by stage (`milp.patterns`): the cells of a stage are known before the next one
joins, so units that vanish identically on some of them are found exactly and exempted there. Every pattern is
confirmed by an exact point inside its cell or by an exact linear program. Whether none was missed rests on the
solver's tolerances, hence ``exact=False``; the audit (`milp.audit`) looks behind every facet in exact arithmetic and
withdraws the number where a cell was missed, with the reason.

Sources: Serra, Tjandraatmadja, Ramalingam 2018; Cai et al. 2023.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from milp.arguments import of_any_model
from milp.audit import a_cell, find_missed, has_inside, is_cell, largest_slack
from milp.bounding import network_bounds
from milp.bounds import Bounds
from milp.domain import BoundedDomain, DomainLike, bounded
from milp.patterns import Vanishing, pattern_model, run_loop, run_scip
from milp.scaling import scaled
from milp.solvers import deadline_after, has_scip, time_left
from nn_bridge.network.network import Matrix, Network, Pattern
from nn_bridge.region_count import RegionCount
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted
from polyhedra.scalars import rational, to_float

METHODS = ("auto", "scip", "loop")


@dataclass(frozen=True, slots=True)
class PatternSearch:
    """The result of an enumeration.

    Attributes
    ----------
    stages : tuple of tuples of patterns
        For each number of stages, from one on, the prefix patterns with full-dimensional cells; the last entry holds
        the cells of the whole network. All are confirmed exactly. Sorted.
    complete : bool
        Whether the solver says that there are no others.
    vouched : bool or None
        Whether the exact audit of the last stage found nothing missing; None where it did not run to its end.
    reason : str or None
        Why a search is incomplete or its number withdrawn.
    rejected : int
        Patterns that the solver proposed and exact arithmetic refused.
    seconds : float
    """

    stages: tuple[tuple[Pattern, ...], ...]
    complete: bool
    vouched: bool | None
    reason: str | None
    rejected: int
    seconds: float

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The cells of the whole network."""
        return self.stages[-1] if self.stages else ((),)

    @property
    def per_stage(self) -> tuple[int, ...]:
        """The number of cells after each stage of units."""
        return tuple(len(patterns) for patterns in self.stages)


@checked_options
@of_any_model
@with_steps("Searching activation patterns")
def search_patterns(
    network: Network,
    domain: DomainLike,
    method: str = "auto",
    *,
    slack: float = 1e-6,
    audit: bool = True,
    tightening: str = "deeppoly",
    solver: str | None = None,
    time_limit: float | None = 60.0,
    max_cells: int | None = None,
    progress: Steps = None,
) -> PatternSearch:
    """Enumerate the activation patterns with full-dimensional cells in a bounded domain.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
        Bounded and full-dimensional (restrict the network to a slice otherwise).
    method : {"auto", "scip", "loop"}
        One SCIP tree, or the no-good loop with any solver of cvxpy. "auto" takes the tree where SCIP
        is installed and no other solver is asked for.
    slack : float
        A cell counts if some point of it has every unit at least this far from its kink, relative to the magnitude of
        the unit's terms (on a domain of unusual size: with inputs measured from its middle, in its size).
        Must exceed the solver's feasibility tolerance, 1e-9.
    audit : bool
        Look behind every facet in exact arithmetic.
    tightening : {"interval", "deeppoly", "lp", "milp"}
        The method of `milp.bounding.network_bounds`.
    solver : str, optional
        The solver of the no-good loop; HiGHS by default.
    time_limit : float or None
        Seconds for everything together.
    max_cells : int, optional
        Stop when more cells than this are found.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    FormulationError
        An unbounded, empty or lower-dimensional domain; an unknown method; a slack that is too small.
    MissingExtraError
        The solver is not installed.
    """
    if method not in METHODS:
        raise FormulationError(f"there is no method {quoted(method)}; use one of {', '.join(METHODS)}")
    if method == "auto":
        method = "scip" if (solver is None or solver.upper() == "SCIP") and has_scip() else "loop"
    if not 1e-8 <= slack < 1:
        raise FormulationError(f"slack={slack} is not between 1e-8 and 1: it must exceed the solver's tolerance 1e-9")
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    region = bounded(domain, network.input_dim, deadline)
    if not region.polyhedron.is_full_dimensional():
        raise FormulationError("the domain is not full-dimensional: restrict the network to a slice and count there")
    own = scaled(network, region)
    network, region = own.network, own.region
    known = network_bounds(network, region, tightening, time_limit=time_left(deadline))
    run = _Run(network, region, known, method, slack, solver, deadline, max_cells)
    vanishing: Vanishing = {}
    stages: list[tuple[Pattern, ...]] = []
    complete = True
    previous: tuple[Pattern, ...] = ((),)
    for depth in range(1, len(network.stages) + 1):
        vanishing |= _vanishing_pairs(network, previous, deadline)
        complete = run.enumerate(depth, vanishing)
        previous = tuple(sorted(run.found))
        stages.append(previous)
        if not complete:
            break
    reason = None if complete else run.reason
    stages += [()] * (len(network.stages) - len(stages))
    vouched = None
    if complete and audit:
        vouched, reason = _audit(network, region, known, stages[-1] if stages else ((),), slack, deadline)
    return PatternSearch(tuple(stages), complete, vouched, reason, run.rejected, time.monotonic() - start)


@checked_options
@of_any_model
@with_steps("Searching activation patterns")
def count_milp(
    network: Network,
    domain: DomainLike,
    method: str = "auto",
    *,
    slack: float = 1e-6,
    audit: bool = True,
    tightening: str = "deeppoly",
    solver: str | None = None,
    time_limit: float | None = 60.0,
    max_cells: int | None = None,
    progress: Steps = None,
) -> RegionCount:
    """Count the activation cells of a network on a bounded domain by mixed-integer programming.

    Parameters are those of `search_patterns`. ``cells`` and ``affine_maps`` are set, the two kinds of regions are not
    counted here. ``exact`` is False always: that no cell was missed rests on the solver. Where the audit shows that
    one was missed, ``cells`` is None and ``reason`` says why.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [1]], [[1, 1]]], [[0, "1/2"], [0]])
    >>> count_milp(net, ([-1], [1])).cells
    3
    """
    deadline = deadline_after(time_limit)
    region = bounded(domain, network.input_dim, deadline)
    result = search_patterns(
        network,
        region,
        method,
        slack=slack,
        audit=audit,
        tightening=tightening,
        solver=solver,
        time_limit=time_limit,
        max_cells=max_cells,
    )
    withdrawn = result.vouched is False
    maps: set[Matrix] = set()
    for pattern in () if withdrawn else result.patterns:
        maps.add(network.affine_forms(pattern)[-1])
        if deadline is not None and time.monotonic() > deadline:
            break
    seen = len(maps) if len(maps) > 0 else 1
    unseen = result.complete and deadline is not None and time.monotonic() > deadline
    return RegionCount(
        # every cell of a prefix holds at least one cell, so a run that was cut short there still has a lower bound,
        # and a full-dimensional domain has one cell at least
        cells=None if withdrawn else max(1, *result.per_stage, 1),
        regions=None,
        regions_by_point=None,
        affine_maps=None if withdrawn or unseen else seen,
        engine="milp",
        domain=region.text,
        exact=False,
        complete=result.complete,
        seconds=result.seconds,
        reason=result.reason,
    )


class _Run:
    def __init__(
        self,
        network: Network,
        region: BoundedDomain,
        known: Bounds,
        method: str,
        slack: float,
        solver: str | None,
        deadline: float | None,
        max_cells: int | None,
    ) -> None:
        self.network, self.region, self.known = network, region, known
        self.method, self.slack, self.solver = method, slack, solver
        self.deadline, self.max_cells = deadline, max_cells
        self.found: set[Pattern] = set()
        self.rejected = 0
        self.reason: str | None = None

    def enumerate(self, depth: int, vanishing: Vanishing) -> bool:
        """Collect the patterns of the first ``depth`` stages; whether the solver finished."""
        self.found = set()
        part = Network(self.network.input_dim, self.network.stages[:depth], self.network.stages[depth - 1])

        def record(pattern: Pattern, point: tuple[float, ...]) -> bool:
            x = tuple(
                min(max(rational(v), a), b) for v, a, b in zip(point, self.region.lower, self.region.upper, strict=True)
            )
            inside = self.region.contains(x) and has_inside(part, pattern, x)
            if inside or is_cell(part, self.region, pattern):
                self.found.add(pattern)
            else:
                self.rejected += 1
            if self.max_cells is not None and len(self.found) > self.max_cells:
                self.reason = f"more than {counted(self.max_cells, 'cell')}"
                return False
            if self.deadline is not None and time.monotonic() > self.deadline:
                self.reason = "time limit"
                return False
            return True

        if self.deadline is not None and time.monotonic() > self.deadline:
            self.reason = "time limit"
            return False
        model = pattern_model(self.network, self.region, self.known, depth, vanishing)
        if self.method == "scip":
            complete = run_scip(model, self.slack, record, self.deadline)
        else:
            complete = run_loop(model, self.slack, record, self.deadline, self.solver)
        if not complete and self.reason is None:
            late = self.deadline is not None and time.monotonic() >= self.deadline - 0.05
            self.reason = "time limit" if late else "the solver stopped before its end; try the other method"
        return complete


def _vanishing_pairs(network: Network, prefixes: tuple[Pattern, ...], deadline: float | None) -> Vanishing:
    """The units of the next stage that are identically zero on a prefix cell; at the deadline those found so far."""
    pairs: Vanishing = {}
    for prefix in prefixes:
        if deadline is not None and time.monotonic() > deadline:
            break
        pairs |= {(prefix, i): None for i, form in enumerate(network.affine_forms(prefix)[-1]) if not any(form)}
    return pairs


def _audit(
    network: Network,
    region: BoundedDomain,
    known: Bounds,
    patterns: tuple[Pattern, ...],
    slack: float,
    deadline: float | None,
) -> tuple[bool | None, str | None]:
    if not patterns:
        some = a_cell(network, region)
        return False, _why(network, region, known, some, slack)
    try:
        missed = find_missed(network, region, frozenset(patterns), deadline)
    except TimeoutError:
        return None, "the audit was cut short by the time limit"
    return (True, None) if missed is None else (False, _why(network, region, known, missed.pattern, slack))


def _why(network: Network, region: BoundedDomain, known: Bounds, missed: Pattern, slack: float) -> str:
    """Why a cell was not found: by the exact slack that it has."""
    sizes = pattern_model(network, region, known, len(network.stages), {}).sizes
    widest = largest_slack(network, region, missed, sizes)
    if widest < rational(slack):
        return f"a cell is thinner than the stated slack {slack:g}: {to_float(widest):.3g}"
    return "the solver missed a cell; try the other method or another slack"
