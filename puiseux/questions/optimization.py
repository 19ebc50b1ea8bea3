"""The least or greatest value of an output on a bounded domain, exactly, with the point where it is reached."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from nn_bridge.network.network import Network, Row
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.polyhedron import Polyhedron
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted, shown_path
from polyhedra.values import Value
from puiseux.domains import DomainLike, Problem, pose
from puiseux.questions.answers import readable_point, readable_value, sizes, text_or_null, texts
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit


@dataclass(frozen=True, slots=True, repr=False)
class Extremum(Value):
    """The least or greatest value of an output.

    Attributes
    ----------
    value : fmpq or None
        The exact value at ``point``: reached, so never beyond the extremum. None where a limit came before any point.
    point : tuple of fmpq or None
        On a slice, the parameters.
    bound : fmpq or None
        Proved: no point of the domain has a value beyond this.
    proven : bool
        Whether value and bound agree.
    maximum : bool
        Whether the greatest value was asked for.
    output : int
    domain : str
    seconds : float
    reason : str or None
        Why it is not proven.
    network : Network
        On a slice, the restricted one.
    """

    value: fmpq | None
    point: Row | None
    bound: fmpq | None
    proven: bool
    maximum: bool
    output: int
    domain: str
    seconds: float
    reason: str | None
    network: Network

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux optimize --json`` prints."""
        return {
            "network": sizes(self.network),
            "domain": self.domain,
            "output": self.output,
            "sense": "max" if self.maximum else "min",
            "value": text_or_null(self.value),
            "point": texts(self.point),
            "proven": self.proven,
            "bound": text_or_null(self.bound),
            "seconds": round(self.seconds, 3),
            "complete": self.proven,
            "reason": self.reason,
        }


@checked_options
@with_steps("Optimizing")
def optimize(
    network: Network | Any,
    domain: DomainLike = None,
    output: int = 0,
    *,
    maximize: bool = False,
    solver: str | None = None,
    time_limit: float | None = None,
    progress: Steps = None,
) -> Extremum:
    """The least (or greatest) value of an output on a bounded domain, exactly.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str, Polyhedron, (low, high) or list of pairs
        As in `count_regions`; must be bounded.
    output : int
    maximize : bool
        Look for the greatest value.
    solver : str, optional
        A MILP solver that proposes points ("HIGHS", "SCIP", any of cvxpy's).
    time_limit : float, optional
        Seconds; at the limit the answer is a value that is reached and a proven bound.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        The domain is unbounded, or there is no such output.

    Examples
    --------
    >>> best = optimize([[[1], [-1]], [[1, 1]]], "box:-1,2", maximize=True)  # |x|
    >>> best.value, best.point, best.proven
    (2, (2,), True)
    """
    from milp.optimize import optimize_network

    start = time.monotonic()
    check_time_limit(time_limit)
    problem = pose(as_network(network), domain)
    region = require_bounded(problem)
    best = optimize_network(
        problem.network,
        region,
        output,
        sense="max" if maximize else "min",
        solver=solver,
        time_limit=time_limit,
        node_limit=10**9,
    )
    return Extremum(
        best.value,
        best.point,
        best.bound,
        best.proven,
        maximize,
        int(output),
        problem.text,
        time.monotonic() - start,
        best.reason,
        problem.network,
    )


def require_bounded(problem: Problem) -> Polyhedron:
    """The domain of a problem, if it is bounded.

    Raises
    ------
    UsageError
        It is not.
    """
    if problem.domain is None or not problem.domain.is_bounded():
        raise UsageError(
            f"the domain {quoted(problem.text)} is unbounded; give a bounded one, such as --domain 'box:-1,1'"
        )
    return problem.domain


def describe(found: Extremum, name: str) -> str:
    """The answer for people."""
    word = "greatest" if found.maximum else "least"
    head = f"{name}: output {found.output} on {shown_path(found.domain)}"
    if found.value is None or found.point is None:
        return f"{head}: nothing was found in time"
    lines = [
        f"{head}:",
        f"  {word + ' value':<14} {readable_value(found.value)}",
        f"  at             {readable_point(found.point)}",
    ]
    if found.proven:
        lines.append("  proven: no point of the domain has a better one")
    elif found.bound is not None:
        lines.append(f"  not proven: no better than {readable_value(found.bound)} ({found.reason})")
    else:
        lines.append(f"  not proven ({found.reason})")
    return "\n".join([*lines, f"  {found.seconds:.2f} s"])
