"""The Lipschitz constant of a network, exactly, with a cell where it is attained."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

from flint import fmpq

from milp.norm_names import NormLike, norm_name
from nn_bridge.network.network import Network, Row
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted, shown_path
from polyhedra.values import Value
from puiseux.domains import DomainLike, pose
from puiseux.questions.answers import readable, readable_point, readable_value, sizes, text_or_null, texts
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit

NORMS = ("1", "2", "inf")
PLACES = ("inputs", "parameters")
_LONGEST = 80  # characters of a polynomial that are read with ease


@dataclass(frozen=True, slots=True, repr=False)
class LipschitzConstant(Value):
    """The greatest ratio ``|f(x) - f(y)| / |x - y|`` on a domain.

    Attributes
    ----------
    constant : fmpq or None
        Where it is proven and rational.
    squared : fmpq or None
        Its square, where it is proven and a norm 2 makes this the rational number.
    polynomial : tuple of int or None
        From norm 2 to 2 with several outputs: the square is the largest root; highest degree first.
    lower, upper : float and float or None
        Proven bounds, rounded outwards; no upper bound is known where it is None.
    proven : bool
    measured_in : {"inputs", "parameters"}
        What distances are of, on a slice.
    point : tuple of fmpq or None
        Strictly inside a cell where it is attained (on a slice, parameters).
    norm, output_norm : {"1", "2", "inf"}
    method : {"cells", "milp", "intervals"}
    domain : str
    seconds : float
    reason : str or None
    network : Network
    """

    constant: fmpq | None
    squared: fmpq | None
    polynomial: tuple[int, ...] | None
    lower: float
    upper: float | None
    proven: bool
    measured_in: str
    point: Row | None
    norm: str
    output_norm: str
    method: str
    domain: str
    seconds: float
    reason: str | None
    network: Network

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux lipschitz --json`` prints."""
        return {
            "network": sizes(self.network),
            "domain": self.domain,
            "norm": self.norm,
            "output_norm": self.output_norm,
            "in": self.measured_in,
            "constant": text_or_null(self.constant),
            "squared": text_or_null(self.squared),
            "polynomial": None if self.polynomial is None else list(self.polynomial),
            "lower": self.lower,
            "upper": self.upper,
            "proven": self.proven,
            "point": texts(self.point),
            "method": self.method,
            "seconds": round(self.seconds, 3),
            "complete": self.proven,
            "reason": self.reason,
        }


@checked_options
@with_steps("Looking for the steepest cell")
def lipschitz(
    network: Network | Any,
    domain: DomainLike = None,
    *,
    norm: NormLike = "inf",
    output_norm: NormLike | None = None,
    output: int | None = None,
    measured_in: str | None = None,
    time_limit: float | None = None,
    progress: Steps = None,
) -> LipschitzConstant:
    """The exact Lipschitz constant of a network on a domain (by default all of R^n).

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    norm : {"inf", "1", "2"}, or the number
        Of the inputs.
    output_norm : {"inf", "1", "2"} or the number, optional
        Of the outputs; the same by default.
    output : int, optional
        Of this output alone.
    measured_in : {"parameters", "inputs"}, optional
        On a slice: whether distances are those of its parameters (the default) or of its points.
    time_limit : float, optional
        Seconds; at the limit bounds are given.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        There is no such norm, output or domain, or the exact norm takes too many combinations of signs.

    Examples
    --------
    >>> net = [[[1, 1], [1, -1]], [[1, 2]]]  # relu(x + y) + 2 relu(x - y)
    >>> lipschitz(net).constant, lipschitz(net, norm=2).squared
    (4, 10)
    """
    from milp.lipschitz import inner_point, steepest_cell
    from milp.matrix_norms import NormPair

    start = time.monotonic()
    check_time_limit(time_limit)
    norm = norm_name(norm)
    outer = norm if output_norm is None else norm_name(output_norm)
    for name in (norm, outer):
        if name not in NORMS:
            raise UsageError(f"there is no norm {quoted(name)} here; take one of {', '.join(NORMS)}")
    problem = pose(as_network(network, output=output), domain)
    if measured_in is not None and measured_in not in PLACES:
        raise UsageError(f"distances are measured in {' or '.join(PLACES)}, not in {quoted(measured_in)}")
    if measured_in == "parameters" and problem.directions is None:
        raise UsageError("parameters are those of a slice; give one with --domain slice:FILE, or leave --in out")
    place = measured_in or ("inputs" if problem.directions is None else "parameters")
    inner = problem.network
    norms = NormPair(norm, outer, inner.input_dim, inner.output_dim, problem.directions if place == "inputs" else None)
    deadline = None if time_limit is None else start + time_limit
    found = steepest_cell(inner, problem.domain, norms, deadline=deadline)
    size = found.size
    lower, upper = (0.0, None) if size is None else size.enclosure()
    known = size if found.proven else None
    polynomial = None if known is None else known.polynomial
    return LipschitzConstant(
        constant=None if known is None else known.value,
        squared=None if known is None else known.squared,
        polynomial=None if polynomial is None else tuple(int(c) for c in reversed(polynomial.coeffs())),
        lower=lower,
        upper=_finite(upper if found.proven else found.upper),
        proven=found.proven,
        measured_in=place,
        point=None if found.pattern is None else inner_point(inner, problem.domain, found.pattern),
        norm=norm,
        output_norm=outer,
        method=found.method,
        domain=problem.text,
        seconds=time.monotonic() - start,
        reason=found.reason,
        network=inner,
    )


def _finite(value: float | None) -> float | None:
    """A bound that JSON can hold: beyond float64 there is none."""
    return value if value is not None and math.isfinite(value) else None


def describe(found: LipschitzConstant, name: str) -> str:
    """The answer for people."""
    where = "" if found.domain == "all" else f" on {shown_path(found.domain)}"
    lines = [f"{name}{where}: from norm {found.norm} of the {found.measured_in} to norm {found.output_norm}"]
    if found.constant is not None:
        lines.append(f"  Lipschitz constant  {readable_value(found.constant)}")
    elif found.squared is not None:
        lines.append(f"  Lipschitz constant  {found.lower:.12g}, the square root of {readable(found.squared)}")
    elif found.polynomial is not None:
        text = " ".join(map(str, found.polynomial))
        shown = f"{text} (highest degree first)"
        if len(text) > _LONGEST:
            shown = f"a polynomial of degree {len(found.polynomial) - 1} with whole coefficients, which --json has"
        lines.append(f"  Lipschitz constant  {found.lower:.12g}, whose square is the largest root of")
        lines.append(f"                      {shown}")
    else:
        end = "no upper bound is known" if found.upper is None else f"at most {found.upper:.12g}"
        lines.append(f"  Lipschitz constant  at least {found.lower:.12g}, {end}")
    if found.point is not None:
        lines.append(f"  in the cell around  {readable_point(found.point)}")
    lines.append(f"  {'proven' if found.proven else f'not proven ({found.reason})'}, {found.seconds:.2f} s")
    return "\n".join(lines)
