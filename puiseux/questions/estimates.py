"""`estimate_cells`: the number of cells of a network with too many to count, estimated, between two proven bounds."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpq

from nn_bridge.cells.counting.plain_count import runs_plain
from nn_bridge.network.dense_sizes import check_forms
from nn_bridge.network.network import INPUT, AffineStage, Network
from polyhedra.compiled_core import REMEDY
from polyhedra.errors import NetworkError, UsageError
from polyhedra.memory import readable_bytes
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.randomness import generator_and_seed
from polyhedra.scalars import ZERO, primitive, to_float
from polyhedra.values import Value
from puiseux.console.long_integers import readable_integer
from puiseux.domains import DomainLike, pose
from puiseux.questions.answers import readable_domain, sizes
from puiseux.reading import as_network
from puiseux.time_limit import LONGEST

if TYPE_CHECKING:
    from milp.parity import ParityBound
    from nn_bridge.cells.counting.memory import ExpectedMemory

SECONDS = 10.0
"""The time of an estimate where none is given."""

_PARITIES = 0.5  # share of the time for a bound by parity constraints, where one is asked for
_TRIAL = 0.05  # share of the time for what a cell takes in memory
_FIRST_STAGE = 0.1  # share of the time for counting the cells of the first stage alone
_PARITY_KEYS = ("cells", "confidence", "certain", "parities", "draws", "complete", "seed", "seconds")
_AT_A_VISIT = 512  # cells counted for each probe there
_MOST_UNITS = 300  # with more, some of the upper bounds take seconds
_MOST_WEIGHTS = 2_000_000  # zeros included; with more, ranks take seconds


@dataclass(frozen=True, slots=True, repr=False)
class CellEstimate(Value):
    """An estimate of the number of activation cells, between proven bounds.

    Attributes
    ----------
    estimate : float or None
        Unbiased; the number itself where ``lower == upper``; None where there is none (then see ``reason``).
    interval : pair of floats
        Statistical: it holds the number with a probability of about ``confidence`` (nominal).  Never beyond the bounds.
    confidence : float
    lower, upper : int
        Proven.
    lower_reason, upper_reason : str
        What proves them.
    descents, probes : int
        Random descents in the tree, and subtrees visited in all.
    reason : str or None
        Why there is no estimate, or what ended it early.
    domain : str
    seed : int or None
        Of the random numbers; None where the caller gave a generator.
    seconds : float
    network : Network
        On a slice, the restricted one.
    parity : ParityBound or None
        A lower bound with a probability, where it was asked for; see `milp.parity_bound`.
    memory : ExpectedMemory
        Bytes that all four counts of so many cells are expected to take (``bytes``, ``bytes_a_cell``); ``free`` ones.
    """

    estimate: float | None
    interval: tuple[float, float]
    confidence: float
    lower: int
    upper: int
    lower_reason: str
    upper_reason: str
    descents: int
    probes: int
    reason: str | None
    domain: str
    seed: int | None
    seconds: float = field(compare=False)
    network: Network
    parity: ParityBound | None = field(default=None, compare=False)
    memory: ExpectedMemory | None = field(default=None, compare=False)

    @property
    def exact(self) -> bool:
        """Whether the number is known."""
        return self.lower == self.upper

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux count --estimate --json`` prints."""
        only = "only cells were asked for"
        bound = self.parity
        return {
            "network": sizes(self.network),
            "domain": self.domain,
            "engine": "cells",
            "exact": self.exact,
            "complete": self.exact,
            "counts": {"cells": self.lower, "regions": None, "regions_by_point": None, "affine_maps": None},
            "seconds": self.seconds,
            "reason": only if self.exact else self.reason or "an estimate; the cells are a lower bound",
            "estimate": self.estimate,
            "interval": [None if math.isinf(end) else end for end in self.interval],
            "confidence": self.confidence,
            "lower": self.lower,
            "upper": self.upper,
            "lower_reason": self.lower_reason,
            "upper_reason": self.upper_reason,
            "descents": self.descents,
            "probes": self.probes,
            "seed": self.seed,
            "memory": None if self.memory is None else self.memory._asdict(),
        } | ({} if bound is None else {"parity": {name: getattr(bound, name) for name in _PARITY_KEYS}})


@checked_options
def estimate_cells(
    network: Any,
    domain: DomainLike = None,
    *,
    seconds: float | None = None,
    probes: int | None = None,
    rng: int | np.random.Generator | None = None,
    parity: float | None = None,
) -> CellEstimate:
    """Estimate the number of activation cells, by random descents in the tree that a count would go through.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    seconds : float, optional
        About so long; 10 where nothing is said.
    probes : int, optional
        Instead: visit about so many subtrees.  With ``rng`` this makes a run repeatable.
    rng : int or numpy Generator, optional
        A seed is drawn, and remembered in the result, where there is none.
    parity : float, optional
        Spend half of the time on a lower bound that holds with this probability, by random parity constraints: on a
        bounded domain, with a solver for mixed-integer programs.

    Returns
    -------
    CellEstimate
        ``estimate`` and ``interval`` are statistical, ``lower`` and ``upper`` are proven.

    Raises
    ------
    PuiseuxError
        The network or the domain is not usable, or an option makes no sense.

    Examples
    --------
    >>> found = estimate_cells([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], probes=50, rng=1)
    >>> found.estimate, found.exact
    (6.0, True)

    Notes
    -----
    See `nn_bridge.cells.counting.estimate` for the method (Knuth 1975, Chen 1992).
    """
    begun = time.monotonic()
    _check(seconds, probes, parity)
    if runs_plain():
        raise UsageError(f"estimates need the compiled core, which is not there or not wanted; {REMEDY}")
    from nn_bridge.cells.counting.budget import INTERRUPTED
    from nn_bridge.cells.counting.estimate import CONFIDENCE, Allowance, sample_cells
    from nn_bridge.cells.counting.memory import expected_memory
    from nn_bridge.cells.problem import cell_problem

    problem = pose(as_network(network), domain)
    check_forms(problem.network)
    generator, seed = generator_and_seed(rng)
    bound = None
    if parity is not None:
        from milp.parity import parity_bound

        if problem.domain is None:
            raise UsageError("a bound by parity constraints needs a bounded domain: give one, such as box:-1,1")
        time_given = _PARITIES * (SECONDS if seconds is None else seconds)
        draws = generator if seed is None else seed
        bound = parity_bound(problem.network, problem.domain, confidence=parity, rng=draws, time_limit=time_given)
        seconds = None if seconds is None else max(seconds - (time.monotonic() - begun), 0.01)
    lower, why_lower = _first_stage(problem.network, problem.domain, seconds, probes)
    upper, why_upper = upper_bound(problem.network)
    allowance = Allowance(None if probes is not None else SECONDS if seconds is None else seconds, probes)
    sample = sample_cells(_reduced(problem.network, problem.domain), allowance, generator)
    if sample.counted >= lower:
        lower, why_lower = sample.counted, "cells counted"
    if bound is not None and bound.certain > lower:
        lower, why_lower = bound.certain, "cells found by parity constraints"
    if sample.exact or lower == upper:
        upper, why_upper = lower, why_lower
    floor, ceiling = to_float(fmpq(lower)), to_float(fmpq(upper))
    memory = None
    if sample.reason != INTERRUPTED:
        all_cells = cell_problem(problem.network, problem.domain)
        with suppress(NetworkError):  # the four counts take no layers that are so large with their zeros
            expected = floor if lower == upper else sample.estimate
            memory = expected_memory(all_cells, expected, _TRIAL * (seconds or SECONDS))

    def within_bounds(value: float) -> float:
        return min(max(value, floor), ceiling)

    interval = (floor, ceiling)
    if sample.low is not None and sample.high is not None:
        interval = within_bounds(sample.low), within_bounds(sample.high)
    return CellEstimate(
        estimate=floor if lower == upper else sample.estimate,
        interval=interval,
        confidence=CONFIDENCE,
        lower=lower,
        upper=upper,
        lower_reason=why_lower,
        upper_reason=why_upper,
        descents=sample.descents,
        probes=sample.visits,
        reason=sample.reason,
        domain=problem.text,
        seed=seed,
        seconds=time.monotonic() - begun,
        network=problem.network,
        parity=bound,
        memory=memory,
    )


def _check(seconds: float | None, probes: int | None, parity: float | None) -> None:
    if seconds is not None and probes is not None:
        raise UsageError("seconds or probes: give one of the two")
    if seconds is not None and not 0 < seconds <= LONGEST:
        raise UsageError(f"an estimate in {seconds:g} s: give a positive number of seconds, {LONGEST:g} at most")
    if probes is not None and probes < 1:
        raise UsageError(f"an estimate by {probes} probes: give a whole number from 1 on")
    if parity is not None and not 0 < parity < 1:
        raise UsageError(f"a bound with probability {parity:g}: give a number between 0 and 1, such as 0.95")


def _reduced(network: Network, domain: Polyhedron | None) -> Any:
    from nn_bridge.cells.problem import cell_problem

    problem = cell_problem(network, domain)
    return None if problem is None else problem.for_counting()


# ---------------------------------------------------------------- proven bounds


def _first_stage(
    network: Network, domain: Polyhedron | None, seconds: float | None, probes: int | None
) -> tuple[int, str]:
    """A lower bound, and what proves it: cells of the first stage alone, which the others only cut."""
    from nn_bridge.cells.counting.estimate import Allowance, Visitor
    from nn_bridge.cells.tree import NoRoom, Subtree
    from polyhedra.limits import OutOfTime

    if not network.stages:
        return 1, "nothing cuts"
    best, why = 1, "a domain has a cell"
    if domain is None:
        best, why = arrangement_bound(network.stages[0]), "independent and different units of the first stage"
    if len(network.stages) > 1:
        alone = Network(network.input_dim, network.stages[:1], AffineStage((), (ZERO,)))
        problem = _reduced(alone, domain)
        if problem is not None:
            time_given = None if probes is not None else _FIRST_STAGE * (SECONDS if seconds is None else seconds)
            allowance = Allowance(time_given, probes)
            try:
                visitor = Visitor(problem, allowance)
                cells = None if probes is None else probes * _AT_A_VISIT
                found, _ = visitor.count(Subtree(0, (), problem.roots), cells, time_given or math.inf)
            except (OutOfTime, NoRoom):
                found = 1
            if found > best:
                best, why = found, "cells of the first stage alone, counted"
    return best, why


def arrangement_bound(stage: AffineStage) -> int:
    """The fewest cells that hyperplanes of this number and rank have: 2^(r - 1) (N - r + 2).

    The first r, independent, cut R^n into 2^r cells.  Each other hyperplane cuts off as many new cells as the others
    cut it into; they have at least rank r - 1 on it, so these are at least 2^(r - 1).

    Examples
    --------
    >>> arrangement_bound(Network.from_layers([[[1, 0], [0, 1], [1, 1], [2, 2]], [[1, 1, 1, 1]]]).stages[0])
    6
    """
    from polyhedra.independence import independent

    block = stage.block(INPUT)
    if block is None:
        return 1  # all weights are zero: no hyperplanes
    rows = [(row, b) for row, b in zip(block, stage.bias, strict=True) if any(row)]
    if len(rows) * len(rows[0][0]) > _MOST_WEIGHTS:
        return 2
    rank = len(independent([row for row, _ in rows]).rows)
    different = {_hyperplane((*row, b)) for row, b in rows}
    return int(2 ** (rank - 1) * (len(different) - rank + 2))


def _hyperplane(row: tuple[fmpq, ...]) -> tuple[int, ...]:
    """The same for all multiples of an affine form."""
    whole = primitive(row)
    first = next(v for v in whole if v)
    return tuple(-v for v in whole) if first < 0 else tuple(whole)


def upper_bound(network: Network) -> tuple[int, str]:
    """The best upper bound that is quick to find, and its name."""
    from nn_bridge.expressivity.bound_formulas import rank_upper
    from nn_bridge.expressivity.region_bounds import region_bounds

    if sum(network.hidden) <= _MOST_UNITS:
        best = region_bounds(network).least_upper
        assert best.value is not None
        return best.value, f"bound {best.name}"
    patterns = 2 ** sum(network.hidden), "bound montufar-2014"
    weights = sum(len(matrix) * len(matrix[0]) for stage in network.stages for _, matrix in stage.blocks)
    return patterns if weights > _MOST_WEIGHTS else min((rank_upper(network), "bound rank"), patterns)


def said_memory(memory: ExpectedMemory) -> str:
    """The memory that all four counts are expected to take, and the memory that is there."""
    assert memory.bytes is not None
    each = f"{memory.bytes_a_cell:.0f} bytes a cell"
    there = f"{readable_bytes(memory.free)} free here"
    return f"some {readable_bytes(memory.bytes)} for all four counts ({each}; {there})"


def describe(found: CellEstimate, name: str) -> str:
    """The answer for people."""
    where = readable_domain(found.domain, found.network.input_dim)
    lines = [f"{name}: activation cells on {where}"]
    if found.exact:
        lines.append(f"  cells     {readable_integer(found.lower)} (exact: {found.lower_reason})")
    else:
        low, high = (f"{end:.4g}" for end in found.interval)
        if found.estimate is not None:
            lines.append(f"  estimate  {found.estimate:.4g}")
            lines.append(f"  interval  {low} to {high} (statistical, nominal {found.confidence:.0%}: not proven)")
        lines.append(f"  at least  {readable_integer(found.lower)} (proven: {found.lower_reason})")
        if found.parity is not None:
            chance = f"with probability {found.parity.confidence:g}, by parity constraints"
            lines.append(f"  at least  {readable_integer(found.parity.cells)} ({chance})")
        lines.append(f"  at most   {readable_integer(found.upper)} (proven: {found.upper_reason})")
    if found.memory is not None and found.memory.bytes is not None:
        lines.append(f"  memory    {said_memory(found.memory)}")
    if found.reason is not None:
        lines.append(f"  {found.reason}")
    work = f"{counted(found.descents, 'descent')}, {counted(found.probes, 'subtree')} visited"
    lines.append(f"  {work}, {found.seconds:.2f} s")
    return "\n".join(lines)


__all__ = ["CellEstimate", "describe", "estimate_cells"]
