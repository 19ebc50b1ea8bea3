"""The sparsest one-hidden-layer ReLU network that interpolates data exactly.

Three searches take turns. Supports and patterns are enumerated from few non-zeros upwards (see
`milp.training.support_search`): each level that is refuted raises a bound for all real weights, and the first level
that is not gives an optimal network. Where N non-zeros are reached, choices at random often fit. A mixed-integer
program (`milp.training.sparse_program`), to which the proven bound is added as a row, looks for networks with as few.
A network with at most N units along one direction, one kink a sample, exists always and is the first one.

A network that is found is solved again in rationals on its support and checked at the data, exactly.
"""

from __future__ import annotations

import math
import operator
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import fmpq

from milp.arguments import is_integer
from milp.solvers import SolveReport, SolveStatus, choose_solver, deadline_after, may_load
from milp.training.candidate import Candidate
from milp.training.exact_weights import Limits, Unit
from milp.training.fit_data import FitData, fit_data
from milp.training.float_search import fit_from, solve_program
from milp.training.line_fit import network_along_a_line
from milp.training.sampled_supports import sample_supports
from milp.training.sparse_model import OneHiddenLayer
from milp.training.support_search import SupportSearch
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError, MissingExtraError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import shown
from polyhedra.scalars import ZERO, rational, to_float
from polyhedra.values import Value

ENUMERATION = "enumeration"
"""The name of the solver in the report of a fit that needed none."""

_SHARES = (0.4, 0.75)  # of the time: when the first enumeration ends, and when the solver ends
_BUILDING = 0.5  # seconds that a program takes until it is solved
_PER_BINARY = 5e-4  # the same for each binary variable of a sample and a unit
_SAMPLING = 3.0  # seconds
_SEED = 7  # of the choices at random, so that the same data give the same network
_AHEAD = 0.5  # of the time left, for the smallest parts of the level that was not begun
_UNLIMITED = (60.0, 180.0)  # the same in seconds, where there is no limit


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SparseFit(Value):
    """The outcome of the search for the sparsest interpolating network.

    Attributes
    ----------
    network : Network or None
        Exact; interpolates the data exactly if ``verified``.
    nonzeros : int or None
        Its non-zero weights and biases.
    lower_bound : int
        No network has fewer: the largest of the proven bound, the solver's, and N where general position was assumed.
    verified : bool
        Whether the network fits every sample exactly, in rationals.
    optimal : bool
        Whether nonzeros and lower bound agree.
    neurons : tuple of int
        (K+, K-) for fixed signs, (K,) for free ones.
    weight_bound, bias_bound : float
        The limits that were given; infinite for all real weights.
    report : SolveReport
        Of the solver, or of the enumeration where that was enough.
    proven_bound : int
        No network (within the limits, if there are any) has fewer: proven in exact arithmetic.
    proven : bool
        Whether nonzeros and the proven bound agree, or (no network) that none fits.
    reason : str or None
        Why it is not proven, or why there is no network.
    assumption : str or None
        The assumption on which the lower bound rests, where it was not proven.
    search : SupportSearch
        The enumeration, with what a certificate needs.
    """

    network: Network | None
    nonzeros: int | None
    lower_bound: int
    verified: bool
    optimal: bool
    neurons: tuple[int, ...]
    weight_bound: float
    bias_bound: float
    report: SolveReport
    proven_bound: int = 0
    proven: bool = False
    reason: str | None = None
    assumption: str | None = None
    search: SupportSearch | None = field(default=None, repr=False)


@checked_options
@with_steps("Fitting")
def sparsest_fit(
    X: Any,
    y: Any,
    neurons: int | tuple[int, int],
    *,
    weight_bound: float | None = None,
    bias_bound: float | None = None,
    general_position: bool = False,
    start: OneHiddenLayer | None = None,
    solver: str | None = None,
    time_limit: float | None = 60.0,
    progress: Steps = None,
) -> SparseFit:
    """Find the network with the fewest non-zero weights and biases that interpolates the data.

    Parameters
    ----------
    X : array or rows of shape (N, d)
        Numbers keep their exact value; text such as 0.1 or 1/3 is the rational it denotes.
    y : N numbers
    neurons : int or pair of int
        K neurons of free sign, or (K+, K-) of fixed signs.
    weight_bound, bias_bound : float, optional
        Look only among networks within these limits, and prove only for them; all real weights by default.
    general_position : bool
        Assume that at least N entries are non-zero, where that is not proven in time. True for almost all outputs y,
        wrong for planted or sparse teachers; the answer names it.
    start : OneHiddenLayer, optional
        A trained network to start from, if an interpolating one can be found on its support and activations.
    solver : str, optional
        HiGHS by default, or SCIP; without one the enumeration searches alone.
    time_limit : float or None
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    FormulationError
        Shapes that do not fit, numbers that are not finite, or equal inputs with different outputs.

    Examples
    --------
    >>> fit = sparsest_fit([[-1], [0], [1], [2]], [1, 0, 1, 2], 2)  # |x|
    >>> fit.nonzeros, fit.proven_bound, fit.proven
    (2, 2, True)
    """
    data = fit_data(X, y)
    chosen = _neurons(neurons)
    limits = _limits(weight_bound, bias_bound)
    return _Fit(data, chosen, limits, general_position, start, solver, time_limit).run()


class _Fit:
    """One search: what is known so far, and the steps that add to it."""

    def __init__(
        self,
        data: FitData,
        neurons: int | tuple[int, int],
        limits: Limits | None,
        generic: bool,
        start: OneHiddenLayer | None,
        solver: str | None,
        time_limit: float | None,
    ) -> None:
        self.begin = time.monotonic()
        self.deadline = deadline_after(time_limit)
        self.data, self.neurons, self.limits = data, neurons, limits
        self.start = start
        self.solver = self._solver(solver)
        signs = None if isinstance(neurons, int) else neurons
        units = neurons if isinstance(neurons, int) else sum(neurons)
        self.search = SupportSearch(data, units, limits, signs)
        self.floor = data.samples if generic else 0
        self.best: Candidate | None = None
        self.report: SolveReport | None = None
        self.infeasible = False

    def run(self) -> SparseFit:
        if self.start is not None:  # it costs next to nothing, and a solver may have no time for it
            self._offer(fit_from(self.data, self.limits, self.start))
        self._climb(self._until(0))
        looked_at = self.search.lower_bound
        if not self._settled():
            self._look_ahead(self._until(0) if self.deadline is None else self._share(_AHEAD))
        if not self._settled():
            self._offer(network_along_a_line(self.data))
        if not self._settled():
            self._sample(self._until(0))
        if not self._settled() and self._may_solve():
            self._solve(self._until(1))
        if self.best is None and not self.search.exhausted:
            self._whole_units()
        if not self._settled() and not self.infeasible:
            self._climb(math.inf if self.deadline is None else self.deadline)
            if not self._settled() and self.search.lower_bound > looked_at and self.deadline is not None:
                self._look_ahead(self.deadline)
        return self._answer()

    def _look_ahead(self, until: float) -> None:
        found = self.search.look_ahead(until)
        self._offer(None if found is None else self._network(found))

    @staticmethod
    def _solver(name: str | None) -> str | None:
        try:
            return choose_solver(name)
        except MissingExtraError:
            if name is not None:
                raise
            return None

    def _may_solve(self) -> bool:
        """Whether there is a solver, and time to load it and to build a program."""
        if self.solver is None or not may_load(self.deadline):
            return False
        building = _BUILDING + _PER_BINARY * self.data.samples * self.search.units
        return self.deadline is None or self.deadline - time.monotonic() > building

    def _share(self, share: float) -> float:
        assert self.deadline is not None
        return time.monotonic() + share * (self.deadline - time.monotonic())

    def _until(self, phase: int) -> float:
        if self.deadline is None:
            return self.begin + _UNLIMITED[phase]
        if phase == 0 and self.solver is None:
            return self.deadline
        return self.begin + _SHARES[phase] * (self.deadline - self.begin)

    def _settled(self) -> bool:
        bound = max(self.search.lower_bound, self.floor)
        return self.infeasible or (self.best is not None and self.best.verified and self.best.nonzeros <= bound)

    def _climb(self, deadline: float) -> None:
        found = self.search.climb(None if self.best is None else self.best.nonzeros - 1, deadline)
        if found is not None:
            self._offer(self._network(found))
        elif self.search.exhausted:
            self.infeasible = True

    def _sample(self, until: float) -> None:
        """Look for a network with N non-zeros at random, where fewer are excluded or the solver would be alone."""
        if self.best is not None and self.best.verified and self.best.nonzeros <= self.data.samples:
            return
        now = time.monotonic()
        most = _SAMPLING if self.deadline is None else (self.deadline - now) / 2
        until = min(max(until, now + _SAMPLING), now + most)
        found = sample_supports(self.search, until, rng=np.random.default_rng(_SEED))
        self._offer(None if found is None else self._network(found))

    def _whole_units(self) -> None:
        """A network without regard to sparsity, or the proof that there is none."""
        other = SupportSearch(self.data, self.search.units, self.limits, self.search.signs)
        answer = other.any_fit(math.inf if self.deadline is None else self.deadline)
        if answer is None:
            return
        if answer:
            self._offer(self._network(answer))
        else:
            self.infeasible = True

    def _network(self, units: tuple[Unit, ...]) -> Candidate:
        d = self.data.features
        rows, biases = [], []
        for unit in units:
            entries = dict(zip(unit.block.support, unit.weights, strict=True))
            rows.append([entries.get(i, ZERO) for i in range(d)])
            biases.append(entries.get(d, ZERO))
        return Candidate(d, [unit.sign for unit in units], rows, biases, True)

    def _offer(self, candidate: Candidate | None) -> None:
        """Keep a network if it is better than the one in hand, and allowed."""
        if candidate is None or not candidate.allowed(self.neurons, self.limits):
            return
        if self.best is None or (candidate.verified, -candidate.nonzeros) > (self.best.verified, -self.best.nonzeros):
            self.best = candidate
            if candidate.verified and candidate.nonzeros < self.floor:
                self.floor = 0  # the data are in no general position

    def _solve(self, until: float) -> None:
        floor = max(self.search.lower_bound, self.floor)
        start = self.start
        candidate, self.report = solve_program(
            self.data, self.neurons, self.limits, floor, start, self.solver, max(0.05, until - time.monotonic())
        )
        self._offer(candidate)

    def _answer(self) -> SparseFit:
        seconds = time.monotonic() - self.begin
        proven_bound, best = self.search.lower_bound, self.best
        proven = self.infeasible or (best is not None and best.verified and best.nonzeros <= proven_bound)
        report = self.report
        if proven or report is None:
            status = SolveStatus.INFEASIBLE if self.infeasible else SolveStatus.OPTIMAL
            if not proven:
                status = SolveStatus.LIMIT if best is None else SolveStatus.FEASIBLE
            value = None if best is None else float(best.nonzeros)
            name = ENUMERATION if report is None else report.solver
            report = SolveReport(status, value, float(proven_bound), name, seconds, None)
        solver_bound = 0 if self.report is None or self.report.bound is None else math.ceil(self.report.bound - 1e-6)
        bound = max(proven_bound, self.floor, solver_bound)
        if best is not None and best.verified:
            bound = min(bound, best.nonzeros)
        assumption = "general position" if self.floor > proven_bound else None
        signs = (self.neurons,) if isinstance(self.neurons, int) else self.neurons
        given = [math.inf if limit is None else to_float(limit) for limit in self.limits or (None, None)]
        return SparseFit(
            None if best is None else best.network,
            None if best is None else best.nonzeros,
            bound,
            best is not None and best.verified,
            best is not None and best.verified and best.nonzeros <= bound,
            signs,
            given[0],
            given[1],
            report,
            proven_bound,
            proven,
            self._reason(proven),
            assumption,
            self.search,
        )

    def _reason(self, proven: bool) -> str | None:
        units = self.search.units
        if self.infeasible:
            within = "" if self.limits is None else " within the bounds of weights and biases"
            enough = f"; {self.data.samples} units of free sign fit any samples" if self.limits is None else ""
            return f"no network with {units} unit{'s' * (units != 1)} fits the samples{within}{enough}"
        if proven:
            return None
        late = "time limit" if self.deadline is not None and time.monotonic() > self.deadline - 0.5 else None
        missing = "no MILP solver is installed (the extra [milp])" if self.solver is None else None
        level = f"fewer than {self.search.lower_bound} non-zeros are excluded, the next level is too large"
        return "; ".join(part for part in (late, missing, level) if part)


def _neurons(neurons: Any) -> int | tuple[int, int]:
    """The number of neurons, or those of each sign, from integers of any type."""
    if is_integer(neurons) and operator.index(neurons) > 0:
        return operator.index(neurons)
    try:
        plus, minus = (operator.index(k) for k in neurons)
    except (TypeError, ValueError):
        plus = minus = -1
    if min(plus, minus) < 0 or plus + minus < 1:
        raise FormulationError(f"neurons={shown(neurons)} is neither a positive number nor a pair (K+, K-)")
    return plus, minus


def _limits(weight_bound: float | None, bias_bound: float | None) -> Limits | None:
    if weight_bound is None and bias_bound is None:
        return None
    found: list[fmpq | None] = []
    for name, value, least in (("weight_bound", weight_bound, 1), ("bias_bound", bias_bound, 0)):
        if value is None:
            found.append(None)
            continue
        try:
            exact = rational(value)
        except (TypeError, ValueError, ArithmeticError):
            exact = rational(-1)
        if exact < 0 or (least and not exact):
            raise FormulationError(f"{name}={shown(value)}: the bounds of weights and biases must be positive numbers")
        found.append(exact)
    return found[0], found[1]


__all__ = ["ENUMERATION", "SparseFit", "sparsest_fit"]
