"""A lower bound on the number of activation cells that holds with a stated probability, by random parity constraints.

Draw ``s`` parity constraints on the activation pattern: each unit takes part with chance 1/2, and the required parity
is a fair coin.  A given pattern meets all of them with chance ``2^-s``, so of fewer than ``2^(s-a)`` cells the mean
number that do is below ``2^-a``, and so is the chance that any does (Markov).  If in ``t`` independent draws some cell
meets all, there are at least ``2^(s-a)`` cells but for a chance below ``2^(-a t)``.  Here every ``s`` up to the number
``U`` of units may be asked, each once, so all these statements together fail with a chance of at most ``U 2^(-a t)``,
and ``a`` is chosen such that this is 1 - confidence.

A mixed-integer program looks for a cell that meets the constraints, and exact arithmetic confirms it.  What the solver
misses only makes the bound smaller.

Sources: Serra and Ramalingam 2020 (MIPBound); Gomes, Sabharwal and Selman 2006 (MBound).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from milp.arguments import of_any_model
from milp.audit import has_inside, is_cell
from milp.bounding import network_bounds
from milp.domain import BoundedDomain, DomainLike, bounded
from milp.patterns import PatternModel, pattern_model
from milp.scaling import scaled
from milp.solvers import deadline_after, require_cvxpy, solve, time_left
from nn_bridge.network.network import Network, Pattern
from polyhedra.errors import FormulationError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.scalars import rational
from polyhedra.values import Value

Parity = tuple[tuple[bool, ...], bool]
"""Which units take part, and whether an odd number of them is to be active."""


@dataclass(frozen=True, slots=True, repr=False)
class ParityBound(Value):
    """A lower bound on the number of cells with its probability.

    Attributes
    ----------
    cells : int
        The network has at least so many cells on the domain, but for a chance of ``1 - confidence`` over the draws.
    confidence : float
    certain : int
        So many different cells were found, and confirmed exactly; ``cells`` is at least this.
    parities : int
        With so many random constraints every draw had a cell.
    draws : int
        How many draws each number of constraints had.
    loss : float
        The ``a`` of the module: ``cells`` is at least ``2^(parities - loss)``.
    complete : bool
        False where the time limit ended the search for more constraints; the bound holds all the same.
    seed : int
    seconds : float
    """

    cells: int
    confidence: float
    certain: int
    parities: int
    draws: int
    loss: float
    complete: bool
    seed: int
    seconds: float


@checked_options
@of_any_model
@with_steps("Drawing constraints")
def parity_bound(
    network: Network,
    domain: DomainLike,
    *,
    confidence: float = 0.95,
    draws: int = 10,
    slack: float = 1e-6,
    rng: int | np.random.Generator | None = None,
    solver: str | None = None,
    time_limit: float | None = 60.0,
    progress: Steps = None,
) -> ParityBound:
    """Bound the number of activation cells from below, with a stated probability.

    Parameters
    ----------
    network : Network
    domain : Polyhedron or pair (lower, upper)
        Bounded and full-dimensional.
    confidence : float
        Between 0 and 1: the chance, over the draws, that the bound is right is at least this.
    draws : int
        More draws cost time and lose less: the bound is ``2^(s-a)`` with ``a = log2(units / (1-confidence)) / draws``.
    slack : float
        As in `milp.count.search_patterns`; a thinner cell is not found, which makes the bound smaller, not wrong.
    rng : int or numpy generator, optional
        A seed is drawn where there is none, and remembered in the result.
    solver : str, optional
    time_limit : float or None
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [1], [1]], [[1, 1, 1]]], [[0, "1/2", "1/4"], [0]])
    >>> bound = parity_bound(net, ([-1], [1]), rng=0)
    >>> bound.certain <= bound.cells <= 4
    True
    """
    if not 0 < confidence < 1:
        raise FormulationError(f"confidence={confidence} is not between 0 and 1")
    if draws < 1:
        raise FormulationError(f"draws={draws} is not at least 1")
    if not 1e-8 <= slack < 1:
        raise FormulationError(f"slack={slack} is not between 1e-8 and 1: it must exceed the solver's tolerance 1e-9")
    start = time.monotonic()
    deadline = deadline_after(time_limit)
    region = bounded(domain, network.input_dim, deadline)
    if not region.polyhedron.is_full_dimensional():
        raise FormulationError("the domain is not full-dimensional: restrict the network to a slice")
    seed = rng if isinstance(rng, int) else int(np.random.default_rng(rng).integers(1 << 31))
    own = scaled(network, region)
    search = _Search(own.network, own.region, slack, solver, deadline)
    units = search.units
    loss = math.log2(units / (1 - confidence)) / draws if units else 0.0
    low, high, late = 0, units + 1, False  # all draws met with `low`, not all with `high`
    while high - low > 1 and not late:
        s = (low + high) // 2 if high <= units else min(2 * low + 1, units)
        generator = np.random.default_rng([seed, s])
        met = all(search.meets(random_parities(generator, s, units)) for _ in range(draws))
        late = search.late
        if met and not late:
            low = s
        else:
            high = s
    certain = max(1, len(search.found))
    cells = max(certain, math.ceil(2.0 ** (low - loss) * (1 - 1e-12)))
    return ParityBound(cells, confidence, certain, low, draws, loss, not late, seed, time.monotonic() - start)


def random_parities(rng: np.random.Generator, count: int, units: int) -> list[Parity]:
    """So many constraints; each unit takes part with chance 1/2, and each parity is a fair coin."""
    coins = rng.integers(0, 2, (count, units + 1)).astype(bool)
    return [(tuple(map(bool, row[:-1])), bool(row[-1])) for row in coins]


class _Search:
    """Looks for confirmed cells that meet parity constraints, and remembers all that it found."""

    def __init__(
        self, network: Network, region: BoundedDomain, slack: float, solver: str | None, deadline: float | None
    ) -> None:
        self.network, self.region, self.slack = network, region, slack
        self.solver, self.deadline = solver, deadline
        self.found: dict[Pattern, tuple[bool, ...]] = {}
        self.late = False
        known = network_bounds(network, region, "deeppoly", time_limit=time_left(deadline))
        self.model: PatternModel = pattern_model(network, region, known, len(network.stages), {})
        self.units = sum(len(free) for free in self.model.free)

    def meets(self, parities: Sequence[Parity]) -> bool:
        """Whether a cell that meets the constraints was found, in time."""
        if any(all(_parity(bits, chosen) == odd for chosen, odd in parities) for bits in self.found.values()):
            return True
        if self.deadline is not None and time.monotonic() > self.deadline:
            self.late = True
            return False
        if any(odd and not any(chosen) for chosen, odd in parities):
            return False
        return self._solved(parities)

    def _solved(self, parities: Sequence[Parity]) -> bool:
        cp = require_cvxpy("a bound by parity constraints")
        model = self.model
        z = cp.hstack([part for part in model.binaries if part is not None])
        rows = [model.slack >= self.slack]
        for chosen, odd in parities:
            half = cp.Variable(integer=True)
            size = sum(chosen)
            rows += [np.array(chosen, dtype=float) @ z == 2 * half + odd, half >= 0, half <= size // 2]
        problem = cp.Problem(cp.Minimize(0), [*model.constraints, *rows])
        name = (self.solver or "HIGHS").upper()
        options = {"HIGHS": {"mip_feasibility_tolerance": 1e-9, "primal_feasibility_tolerance": 1e-9}}
        report = solve(problem, solver=self.solver, time_limit=time_left(self.deadline), options=options.get(name))
        if not report.status.has_point:
            self.late = self.deadline is not None and time.monotonic() >= self.deadline - 0.05
            return False
        bits = tuple(bool(v > 0.5) for part in model.binaries if part is not None for v in part.value)
        if any(_parity(bits, chosen) != odd for chosen, odd in parities):
            return False
        return self._confirmed(bits, np.atleast_1d(model.x.value).tolist())

    def _confirmed(self, bits: tuple[bool, ...], point: Sequence[float]) -> bool:
        pattern = self.model.pattern(bits)
        ends = zip(point, self.region.lower, self.region.upper, strict=True)
        x = tuple(min(max(rational(v), low), high) for v, low, high in ends)
        inside = self.region.contains(x) and has_inside(self.network, pattern, x)
        if not (inside or is_cell(self.network, self.region, pattern)):
            return False
        self.found[pattern] = bits
        return True


def _parity(bits: Sequence[bool], chosen: Sequence[bool]) -> bool:
    return sum(bit and taken for bit, taken in zip(bits, chosen, strict=True)) % 2 == 1


__all__ = ["ParityBound", "parity_bound", "random_parities"]
