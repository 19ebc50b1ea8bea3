"""The cross-check: independent counters on one network, side by side.

Each counter runs in a process of its own under a time limit, so that one that hangs or crashes does not stop the
others.  Their numbers are compared by definition, their cells pattern by pattern.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from os import PathLike
from typing import TYPE_CHECKING, Any

from nn_bridge.network.network import Network
from nn_bridge.region_count import Count, RegionCount
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import Steps, shown_steps
from polyhedra.quoting import quoted, shown
from polyhedra.values import Value, frame
from puiseux.cross_check.disagreement import Claim, Witness, disagreement, pattern_text
from puiseux.cross_check.isolation import Failed, OutOfTime, run_isolated
from puiseux.cross_check.narrowing import narrowed
from puiseux.cross_check.oracles import PEERS, warm_up
from puiseux.cross_check.topology_check import TopologyCheck, check_topology
from puiseux.domains import DomainLike, Problem, pose
from puiseux.questions.answers import readable
from puiseux.reading import as_network
from puiseux.routes import ROUTES
from puiseux.time_limit import check_time_limit

if TYPE_CHECKING:
    import pandas

Oracle = Callable[[Network, Polyhedron | None], Any]
"""A counter: it returns a `RegionCount`, a number of cells, or a mapping of counts; see `crosscheck`."""

MOST_PATTERNS = 20_000
"""Patterns are compared where there are at most so many cells; the numbers always are."""


@dataclass(frozen=True, slots=True, repr=False)
class RouteResult(Value):
    """The answer of one counter.

    Attributes
    ----------
    name : str
    exact : bool
        Whether it proves its numbers.
    counts : dict
        The four counts, None where there is none.
    seconds : float
    comparable : bool
        Whether its numbers take part in the comparison as the whole truth.
    reason : str or None
        Why not.
    lower_bound : bool
        Whether its numbers are lower bounds, which must not exceed what the others say.
    patterns : tuple of str or None
        The cells that it named.
    """

    name: str
    exact: bool
    counts: dict[str, int | None]
    seconds: float
    comparable: bool
    reason: str | None
    lower_bound: bool = False
    patterns: tuple[str, ...] | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """An entry of ``routes``."""
        return {
            "name": self.name,
            "exact": self.exact,
            "counts": self.counts,
            "seconds": self.seconds,
            "comparable": self.comparable,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, repr=False)
class CrossCheck(Value):
    """The answers side by side, and the verdict.

    Attributes
    ----------
    routes : tuple of RouteResult
    witness : Witness or None
        The first disagreement.
    domain : str
    topology : TopologyCheck or None
        Betti numbers by two routes, where they were asked for.
    """

    routes: tuple[RouteResult, ...]
    witness: Witness | None
    domain: str
    topology: TopologyCheck | None = None

    @property
    def agree(self) -> bool | None:
        """Whether the counters agree; None where fewer than two can be compared.

        False too where two routes to the topology disagree.
        """
        if self.witness is not None or (self.topology is not None and self.topology.agree is False):
            return False
        return True if sum(route.comparable for route in self.routes) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux crosscheck --json`` prints."""
        return {
            "agree": self.agree,
            "routes": [route.to_json() for route in self.routes],
            "witness": None if self.witness is None else self.witness.to_json(),
            **({} if self.topology is None else {"topology": self.topology.to_json()}),
        }

    @property
    def counts(self) -> dict[str, dict[str, int | None]]:
        """The counts of each counter, by its name."""
        return {route.name: route.counts for route in self.routes}

    def to_dict(self) -> dict[str, Any]:
        """The verdict, the domain, the counts of each counter, and the first disagreement."""
        return {"agree": self.agree, "domain": self.domain, "counts": self.counts, "witness": self.witness}

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas frame, a row for each counter."""
        names = [route.name for route in self.routes]
        columns = {str(key): [route.counts[key] for route in self.routes] for key in Count}
        exact, seconds = [route.exact for route in self.routes], [route.seconds for route in self.routes]
        return frame({"counter": names, **columns, "exact": exact, "seconds": seconds})

    def __str__(self) -> str:
        betti = [] if self.topology is None else ["", str(self.topology)]
        return "\n".join([*_table(self.routes), "", *_verdict(self), *betti])


@checked_options
def crosscheck(
    network: Network | str | PathLike[str] | Any,
    domain: DomainLike = None,
    oracles: Oracle | str | Sequence[Oracle | str] | Mapping[str, Oracle] = (),
    *,
    routes: Sequence[str] | str | None = None,
    output: int | None = None,
    time_limit: float | None = 60.0,
    watch: Callable[[RouteResult], None] | None = None,
    topology: bool = False,
    progress: Steps = None,
) -> CrossCheck:
    """Count a network by independent routes, and by counters of your own, and compare.

    Parameters
    ----------
    network : Network, path or torch module
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As for `count_regions`.
    oracles : callable, or sequence or mapping of callables
        Your counter or counters: ``oracle(network, domain)`` with a `Network` and a `Polyhedron` (None: all of R^n)
        returns the number of cells in that domain, a mapping such as ``{"cells": 7, "affine_maps": 5}``, or a
        `RegionCount`.  With a method ``patterns(network, domain)`` that yields the activation pattern of each cell
        (``"0110|01"`` or bits by stage) the check can point at the cell that is wrong.  ``"relucent"`` and
        ``"regioncam"`` stand for these programs.
    routes : sequence of str, optional
        Which of the package's own routes to run; all by default.
    output : int, optional
        Take one output alone.
    time_limit : float or None
        Seconds for each counter (and for narrowing down a disagreement of numbers).
    watch : callable, optional
        Called with each `RouteResult` as it comes in.
    topology : bool
        Compare Betti numbers of the sets of the outputs by two routes too.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Returns
    -------
    CrossCheck
        ``agree`` is True, False (then ``witness`` is the first disagreement) or None (nothing to compare).

    Raises
    ------
    PuiseuxError
        The network, the domain or the name of a route is not usable.

    Examples
    --------
    >>> net = Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])
    >>> check = crosscheck(net, oracles={"mine": lambda network, domain: 2}, routes=["cells"])
    >>> check.agree, check.witness.what
    (False, 'cells on box:-3/4,-1/4: 1 by cells, 2 by mine')
    """
    check_time_limit(time_limit)
    problem = pose(as_network(network, output=output), domain)
    counters = _counters(routes, oracles)
    warm_up(counters.keys() & ROUTES.keys())
    with shown_steps(progress) as step:
        results: list[RouteResult] = []
        for name, oracle in counters.items():
            step(_doing(name, results))
            result = _ask(name, oracle, problem, time_limit)
            if watch is not None:
                watch(result)
            results.append(result)
        witness = _first_disagreement(results, counters, problem, time_limit, step)
        if topology:
            step("Comparing Betti numbers")
        betti = check_topology(problem, time_limit) if topology else None
    return CrossCheck(tuple(results), witness, problem.text, betti)


def _doing(name: str, results: Sequence[RouteResult]) -> str:
    """The step of one counter, beside those that are done."""
    done = ", ".join(result.name for result in results)
    return f"Counting by {shown(name)}{f'; {shown(done)} done' if done else ''}"


def _first_disagreement(
    results: Sequence[RouteResult],
    counters: Mapping[str, Oracle],
    problem: Problem,
    time_limit: float | None,
    step: Callable[[str], None],
) -> Witness | None:
    step("Comparing the answers")
    claims = [
        Claim(result.name, result.counts, result.lower_bound, result.patterns)
        for result in results
        if result.comparable or result.lower_bound
    ]
    witness = disagreement(claims, problem.network, problem.domain, problem.text)
    if witness is not None and witness.pattern is None:
        step("Looking for a smaller box on which they differ")
        witness = _narrowed(witness, results, counters, problem, time_limit) or witness
    return witness


def _counters(
    routes: Sequence[str] | str | None, oracles: Oracle | str | Sequence[Oracle | str] | Mapping[str, Oracle]
) -> dict[str, Oracle]:
    counters: dict[str, Oracle] = {}
    for name in ROUTES if routes is None else [routes] if isinstance(routes, str) else routes:
        if name not in ROUTES:
            raise UsageError(f"there is no route {quoted(name)}; take some of {', '.join(ROUTES)}")
        counters[name] = ROUTES[name]
    given: Iterable[tuple[str, Oracle]]
    if isinstance(oracles, Mapping):
        given = oracles.items()
    else:
        alone = isinstance(oracles, str) or (callable(oracles) and not isinstance(oracles, Sequence))
        if not alone and not isinstance(oracles, Iterable):
            raise UsageError(f"oracles={quoted(oracles)}: give functions, names of programs, or a list of them")
        listed: list[Any] = [oracles] if alone else list(oracles)  # type: ignore[arg-type]
        given = map(_named, listed)
    for name, oracle in given:
        if not callable(oracle):
            raise UsageError(f"the oracle {quoted(name)} cannot be called with a network and a domain")
        if name in counters:
            raise UsageError(f"two counters are called {quoted(name)}; give them names: oracles={{'mine': ..}}")
        counters[name] = oracle
    return counters


def _named(oracle: Oracle | str) -> tuple[str, Oracle]:
    if isinstance(oracle, str):
        if oracle not in PEERS:
            raise UsageError(f"there is no oracle {quoted(oracle)}; take {' or '.join(PEERS)}, or give a callable")
        return oracle, PEERS[oracle]
    name = getattr(oracle, "name", None) or getattr(oracle, "__name__", None) or type(oracle).__name__
    return str(name), oracle


# ---------------------------------------------------------------- asking one counter


def as_region_count(value: Any) -> RegionCount:
    """Convert the result of an oracle into a `RegionCount`.

    Raises
    ------
    UsageError
        It is none of the things that an oracle may return.
    """
    if isinstance(value, RegionCount):
        return value
    given = dict(value) if isinstance(value, Mapping) else {"cells": value}
    unknown = [key for key in given if key not in set(Count)]
    if unknown:
        raise UsageError(f"it counted {quoted(unknown[0])}, which is none of {', '.join(Count)}")
    counts: dict[str, int | None] = dict.fromkeys(map(str, Count))
    for key, number in given.items():
        try:
            counts[key] = None if number is None else operator.index(number)
        except TypeError:
            kind = type(number).__name__
            raise UsageError(f"it returned {kind} {quoted(number, 40)} where a count belongs") from None
    cells, regions, by_point, maps = (counts[key] for key in Count)
    return RegionCount(cells, regions, by_point, maps, "", "", exact=False, complete=True, seconds=0.0)


def _ask(name: str, oracle: Oracle, problem: Problem, time_limit: float | None) -> RouteResult:
    """Run one counter: first its numbers, then, of not too many cells, the patterns."""
    exact = bool(getattr(oracle, "exact", False))
    began = time.monotonic()
    count: RegionCount | None = None
    seconds, patterns, trouble = 0.0, None, None
    try:
        for answer in run_isolated(lambda: _answers(oracle, problem.network, problem.domain), time_limit):
            if count is None:
                count, seconds = answer
            else:
                patterns = answer
    except OutOfTime:
        trouble = f"stopped at the time limit of {time_limit:g} s" if count is None else None
    except Failed as failure:
        trouble = str(failure) if count is None else f"its patterns: {failure}"
    if count is None:
        return RouteResult(name, False, dict.fromkeys(map(str, Count)), time.monotonic() - began, False, trouble)
    comparable, reason = _comparable(count)
    return RouteResult(
        name,
        count.complete and (count.exact or exact),
        count.counts,
        seconds,
        comparable,
        reason or trouble,
        not count.complete,
        patterns,
    )


def _answers(oracle: Oracle, network: Network, domain: Polyhedron | None) -> Iterator[Any]:
    began = time.perf_counter()
    count = as_region_count(oracle(network, domain))
    yield count, time.perf_counter() - began
    name_cells = getattr(oracle, "patterns", None)
    usable = _comparable(count)[0] or not count.complete
    if name_cells is None or not usable or (count.cells or 0) > MOST_PATTERNS:
        return
    texts = tuple(pattern_text(p, network) for p in islice(name_cells(network, domain), MOST_PATTERNS + 1))
    if len(texts) <= MOST_PATTERNS:
        yield texts


def _comparable(count: RegionCount) -> tuple[bool, str | None]:
    """Whether numbers count as the whole truth, else why not."""
    if not count.complete:
        return False, f"a lower bound: {count.reason or 'incomplete'}"
    if all(value is None for value in count.counts.values()):
        return False, count.reason or "it gave no number"
    if not count.exact and count.reason is not None:
        return False, count.reason
    return True, None


def _narrowed(
    witness: Witness,
    results: Sequence[RouteResult],
    counters: Mapping[str, Oracle],
    problem: Problem,
    time_limit: float | None,
) -> Witness | None:
    """A smaller box on which two counters differ, if there is one and it is found in time."""
    whole = [result.name for result in sorted(results, key=lambda r: not r.exact) if result.comparable]
    sides = [[name for name in whole if name in side] for side in (witness.found_by, witness.missed_by)]
    if not all(sides):
        return None
    names = tuple(sorted((side[0] for side in sides), key=whole.index))

    def counts(name: str) -> Callable[[Polyhedron], dict[str, int | None]]:
        return lambda part: as_region_count(counters[name](problem.network, part)).counts

    name_cells: Callable[..., Iterable[Any]] | None = getattr(counters[names[0]], "patterns", None)

    def cells(part: Polyhedron) -> Iterator[str]:
        named = () if name_cells is None else name_cells(problem.network, part)
        return (pattern_text(pattern, problem.network) for pattern in named)

    known = {result.name: result.counts for result in results}
    there = known[names[0]], known[names[1]]
    return narrowed(problem, (names[0], names[1]), there, counts, None if name_cells is None else cells, time_limit)


# ---------------------------------------------------------------- for people


def _table(routes: Sequence[RouteResult]) -> list[str]:
    width = max(len("counter"), *(len(route.name) for route in routes)) if routes else 0
    heads = ("cells", "regions", "by point", "affine maps")
    columns = [[head, *(_number(route, key) for route in routes)] for head, key in zip(heads, Count, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    lines = [
        f"  {'counter':<{width}}  {'  '.join(f'{h:>{w}}' for h, w in zip(heads, widths, strict=True))}  {'seconds':>8}"
    ]
    for index, route in enumerate(routes, 1):
        numbers = "  ".join(f"{column[index]:>{w}}" for column, w in zip(columns, widths, strict=True))
        remark = "exact" if route.exact else "not proven"
        if not route.comparable and not route.lower_bound:
            remark = f"not comparable: {route.reason}"
        elif route.reason:
            remark = route.reason
        lines.append(f"  {route.name:<{width}}  {numbers}  {route.seconds:>8.2f}  {remark}")
    return lines


def _number(route: RouteResult, key: str) -> str:
    value = route.counts[key]
    return "-" if value is None else f"{'>= ' if route.lower_bound else ''}{value:,}"


def _verdict(check: CrossCheck) -> list[str]:
    if check.witness is not None:
        lines = [f"disagree: {check.witness.what}"]
        if check.witness.point is not None:
            point = ", ".join(map(readable, check.witness.point))
            lines.append(f"  at the point ({point}), pattern {check.witness.pattern}")
        if check.witness.remark is not None:
            lines.append(f"  {check.witness.remark}")
        return lines
    compared = [route for route in check.routes if route.comparable]
    if len(compared) < 2:
        return ["not comparable: fewer than two counters gave numbers that can be compared"]
    by_cell = sum(route.patterns is not None for route in compared)
    cells = f", {by_cell} of them cell by cell" if by_cell > 1 else ""
    return [f"agree: {len(compared)} counters{cells}"]
