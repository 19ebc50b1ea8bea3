"""Max-plus formulas of networks: the shortest that can be proven, and how many terms the expansion has."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from os import PathLike
from typing import Any

from flint import fmpq

from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.expressivity.complexity import monomial_complexity
from nn_bridge.network.network import Network
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.progress import Steps, shown_steps
from polyhedra.quoting import shown, shown_path
from polyhedra.scalars import rounded_up, to_text
from polyhedra.values import Value
from puiseux.cross_check.isolation import OutOfTime, run_isolated
from puiseux.domains import DomainLike
from puiseux.questions.answers import readable_value
from puiseux.questions.differences import Difference, largest_difference
from puiseux.reading import as_network
from puiseux.time_limit import Stopped, check_time_limit
from tropical.printing import counted_terms
from tropical.rational import PuiseuxRational
from tropical.simplify import SimplifiedFormula, simplification
from tropical.simplify import simplify as simplify_rational

ROUNDING_DOMAIN = "box:-1,1"
"""Where the change by rounding is told, unless another domain is asked for."""

_MOST_TERMS = 60  # of a formula in a notebook
_NOTHING_YET = "there is no formula yet; give more time, or take a smaller network"
_NOT_SEARCHED = "pruned, but not searched to the end"
_NOT_PRUNED = "not pruned to the end"
_LONGEST_NUMBER = 24  # characters of an exact number in a sentence
_CHECKS = 16  # points at which network and formula are evaluated, on top of the proof that rewriting kept the function


@dataclass(frozen=True, slots=True, repr=False)
class Rounding(Value):
    """The changes that rounding a network first has made.

    Attributes
    ----------
    digits, bits : int or None
        Entries are multiples of 10^-digits, or of 2^-bits.
    difference : Difference
        The largest change of an output on a domain, exactly.
    """

    digits: int | None
    bits: int | None
    difference: Difference

    def __str__(self) -> str:
        return describe_rounding(self)

    def to_json(self) -> dict[str, Any]:
        """The entry ``rounded`` of the JSON object."""
        found = self.difference.to_json()
        keys = ("domain", "difference", "point", "lower", "upper")
        return {"digits": self.digits, "bits": self.bits, **{key: found[key] for key in keys}}


@dataclass(frozen=True, slots=True, repr=False)
class NetworkFormula:
    """The outputs of a network as differences of max-plus polynomials in the inputs ``x1, ..., xn``.

    Attributes
    ----------
    outputs : tuple of SimplifiedFormula
        One for each output; ``outputs[k].rational`` is the function, ``outputs[k].minimal`` says whether no formula of
        this form has fewer terms.
    network : Network or None
        The network whose outputs these are (the rounded one, where it was rounded).
    rounding : Rounding or None
        What rounding has changed; then numbers are printed as decimals.
    reason : str or None
        Why the search ended early; then the formula is right, but may not be the shortest that would be found.
    """

    outputs: tuple[SimplifiedFormula, ...]
    network: Network | None = field(default=None, compare=False)
    rounding: Rounding | None = field(default=None, compare=False)
    reason: str | None = field(default=None, compare=False)

    @property
    def complete(self) -> bool:
        """Whether the search came to its end."""
        return self.reason is None

    @property
    def decimals(self) -> bool:
        """Whether numbers are printed as decimals."""
        return self.rounding is not None

    def nested(self, form: str = "text") -> tuple[str | None, ...]:
        """For each output the formula written layer by layer, in ``"text"``, ``"latex"`` or ``"sympy"``, where shorter.

        None where the flat formula is at most as long.
        """
        if self.network is None:
            return (None,) * len(self.outputs)
        found = []
        written = nested_formulas(self.network, form, decimals=self.decimals)
        for text, flat in zip(written, self.outputs, strict=True):
            found.append(text if len(text) < len(flat.render(form, decimals=self.decimals)) else None)
        return tuple(found)

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        sizes = [each.sizes["simplified"] for each in self.outputs]
        terms = ", ".join(f"{above} - {below}" for above, below in sizes[:3]) + (", .." if len(sizes) > 3 else "")
        text = shown(self.outputs[0].to_text(decimals=self.decimals), 48)
        return f"<NetworkFormula {text}{', ..' if len(sizes) > 1 else ''}: {terms} terms>"

    def _repr_latex_(self) -> str:
        written = [formula.to_latex(decimals=self.decimals) for formula in self.outputs]
        lines = r" \\ ".join(f"y_{{{k}}} &= {text}" for k, text in enumerate(written))
        return rf"$\begin{{aligned}} {lines} \end{{aligned}}$"

    def _repr_html_(self) -> str:
        from puiseux.questions.mathml import rational_mathml

        parts = []
        for number, each in enumerate(self.outputs):
            above, below = each.sizes["simplified"]
            if above + below <= _MOST_TERMS:
                parts.append(rational_mathml(each.rational, f"<msub><mi>y</mi><mn>{number}</mn></msub>"))
            else:
                terms = f"{counted_terms(above)} - {counted_terms(below)}"
                parts.append(f"<p>y<sub>{number}</sub>: {terms}; print(..) shows them</p>")
        return "".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The outputs, what rounding changed, and why the search ended early, by name."""
        return {"outputs": self.outputs, "rounding": self.rounding, "complete": self.complete, "reason": self.reason}

    def to_text(self) -> str:
        """``"max(2x1 - x2 + 1/3, 0) - max(x2, 0)"``, a line for each output."""
        return "\n".join(formula.to_text(decimals=self.decimals) for formula in self.outputs)

    def to_latex(self) -> str:
        """LaTeX without dollar signs, a line for each output."""
        return "\n".join(formula.to_latex(decimals=self.decimals) for formula in self.outputs)

    def to_sympy(self) -> list[Any]:
        """A SymPy expression with ``Max`` for each output."""
        return [formula.to_sympy() for formula in self.outputs]

    def to_python(self, name: str = "network") -> str:
        """The source of a Python function of NumPy arrays, in float64 (see `tropical.source_code`)."""
        from tropical.source_code import python_source

        return python_source([formula.rational for formula in self.outputs], name)

    def to_c(self, name: str = "network") -> str:
        """The source of a C function, in float64."""
        from tropical.source_code import c_source

        return c_source([formula.rational for formula in self.outputs], name)

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux simplify --format json`` prints."""
        found: dict[str, Any] = {"outputs": [formula.to_json() for formula in self.outputs], "verified": True}
        if self.rounding is not None:
            found["rounded"] = self.rounding.to_json()
        if self.reason is not None:
            found |= {"complete": False, "reason": self.reason}
        return found


def nested_formulas(network: Network, form: str = "text", *, decimals: bool = False) -> list[str]:
    """Each output written layer by layer, in ``"text"``, ``"latex"`` or ``"sympy"``.

    Raises
    ------
    NetworkError
        A formula is too long to be written.
    """
    from nn_bridge.symbolic.nested_formula import nested_latex, nested_sympy, nested_text

    numbers = range(network.output_dim)
    if form == "sympy":
        return [str(nested_sympy(network, k)) for k in numbers]
    write = nested_text if form == "text" else nested_latex
    return [write(network, k, decimals=decimals) for k in numbers]


@checked_options
def simplify(
    network: Network | str | PathLike[str] | Any,
    *,
    output: int | None = None,
    search: bool = True,
    digits: int | None = None,
    bits: int | None = None,
    domain: DomainLike = ROUNDING_DOMAIN,
    time_limit: float | None = None,
    progress: Steps = None,
) -> NetworkFormula:
    """The shortest max-plus formula of each output that is found, equal to the network everywhere.

    Redundant terms are pruned with proof, then the pairs of polynomials with the same difference are searched for a
    shorter one.  Each rewriting is verified as an equality of functions in exact arithmetic.

    Parameters
    ----------
    network : Network, path or torch module
    output : int, optional
        Take one output alone.
    search : bool
        Without it only prune, which is fast for thousands of terms.
    digits, bits : int, optional
        Round the weights and biases to so many decimals, or to multiples of 2^-bits, first: the formula is that of the
        rounded network, and its ``rounding`` says exactly by how much that changes the function on ``domain``.
    domain : str, Polyhedron, (low, high), list of pairs, or None
        Where that change is told; on all of R^n it is usually infinite.
    time_limit : float, optional
        Seconds; then the best formula that there is, with a ``reason``.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    Stopped
        No formula was found in time.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]], [[0, 0], [1]])
    >>> print(simplify(net))
    max(x1 + x2 + 1, x1 + 1, x2 + 1, 1)
    >>> rounded = simplify([[["1/3", 1]], [[2]]], digits=1)
    >>> print(rounded, "|", rounded.rounding)
    max(0.6x1 + 2x2, 0) | rounded to 1 digit: on box:-1,1 no output changes by more than 1/15 (proven)
    """
    check_time_limit(time_limit)
    begun = time.monotonic()
    share = None if time_limit is None else time_limit / 2
    exact, rounding = rounded_network(as_network(network, output=output), digits, bits, domain, share)
    left = None if time_limit is None else max(0.01, time_limit - (time.monotonic() - begun))
    with shown_steps(progress) as step:
        best = None
        try:
            for found in _found(exact, search, left):
                if isinstance(found, str):
                    step(found)
                else:
                    best = found
        except OutOfTime:
            reason = f"stopped at the time limit of {time_limit:g} s"
            if best is None:
                raise Stopped(f"{reason}: {_NOTHING_YET}") from None
            best = replace(best, reason=f"{reason}: {_NOT_SEARCHED if search else _NOT_PRUNED}")
    assert best is not None
    return replace(best, network=exact, rounding=rounding)


def rounded_network(
    network: Network, digits: int | None, bits: int | None, domain: DomainLike, time_limit: float | None
) -> tuple[Network, Rounding | None]:
    """The network rounded as asked, and what that changes on a domain; the same network where nothing is asked."""
    if digits is None and bits is None:
        return network, None
    rounded = network.round(bits, digits=digits)
    return rounded, Rounding(digits, bits, largest_difference(network, rounded, domain, time_limit=time_limit))


def _found(network: Network, search: bool, seconds: float | None) -> Iterator[str | NetworkFormula]:
    """Steps and formulas as they come; in a process of its own where time is limited."""
    if seconds is None:
        return _steps(network, search, partial=False)
    return run_isolated(lambda: _steps(network, search, partial=True), seconds)


def _steps(network: Network, search: bool, partial: bool) -> Iterator[str | NetworkFormula]:
    """The current step, and the formula; with ``partial`` also each that is right but not the shortest yet."""
    yield "Finding the terms"
    maps = tropical_maps(network)
    best = []
    if partial or not search:
        yield f"Pruned: {_terms(maps)}"
        best = [simplify_rational(f, search=False, irredundant=True) for f in maps]
        yield _checked(NetworkFormula(tuple(best)), network)
    if not search:
        return
    for number, function in enumerate(maps):
        name = f"Output {number}: " if len(maps) > 1 else ""
        for found in simplification(function, irredundant=True, partial=partial):
            if isinstance(found, str):
                yield f"{name}{found}" if name else f"{found[0].upper()}{found[1:]}"
                continue
            best[number : number + 1] = [found]
            if partial or number + 1 == len(maps):
                yield _checked(NetworkFormula(tuple(best)), network)


def _terms(functions: Sequence[PuiseuxRational]) -> str:
    return ", ".join(f"{counted_terms(len(f.numerator))} - {counted_terms(len(f.denominator))}" for f in functions[:4])


def _checked(formula: NetworkFormula, network: Network) -> NetworkFormula:
    for point in _check_points(network.input_dim):
        if network.evaluate(point) != tuple(each.rational(point) for each in formula.outputs):
            raise AssertionError(f"the formula of {network} differs from it at {point}")
    return formula


def describe_rounding(rounding: Rounding) -> str:
    """By how much rounding changes the function, for people."""
    places, name = (rounding.bits, "bit") if rounding.digits is None else (rounding.digits, "digit")
    head = f"rounded to {counted(places or 0, name)}: on {shown_path(rounding.difference.domain)}"
    change = rounding.difference
    if change.infinite:
        return f"{head} outputs change without bound (proven); give a bounded --domain"
    if change.value is not None:
        exact = to_text(change.value)
        if len(exact) <= _LONGEST_NUMBER:
            return f"{head} no output changes by more than {readable_value(change.value)} (proven)"
        top = rounded_up(change.value, 6)
        return f"{head} no output changes by more than {top} (proven; rounded up, --format json has it exactly)"
    upper = "no upper bound is known" if change.upper is None else f"by at most {readable_value(change.upper)}"
    return f"{head} some output changes by {readable_value(change.lower)} or more, {upper} ({change.reason})"


@lru_cache(maxsize=4)
def tropical_maps(network: Network) -> tuple[PuiseuxRational, ...]:
    """The outputs as tropical rational maps without redundant terms, through the activation cells."""
    return tropicalize_by_cells(network)


def count_monomials(network: Network) -> dict[str, Any]:
    """The object that ``puiseux monomials --json`` prints: native and pruned numbers of terms for each output."""
    return {"outputs": [entry.to_json() for entry in monomial_complexity(network, layers=False).outputs]}


def _check_points(dim: int) -> Iterator[tuple[fmpq, ...]]:
    """A few points with short coordinates, always the same."""
    for k in range(_CHECKS):
        yield tuple(fmpq((7 * k + 3 * i) % 23 - 11, 1 + (k + i) % 3) for i in range(dim))
