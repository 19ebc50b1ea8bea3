"""The shortest formula of a tropical rational function that can be proven, with every rewrite verified exactly.

Steps: prune numerator and denominator; search the pairs (f', g') with the same difference for one with fewer terms
(`tropical.decomposition`, which also cancels common factors); take out the affine function that leaves the shortest
numbers.  The result is compared with the input as a function, in exact arithmetic.

``minimal`` is ``"proven"`` when numerator and denominator have as few terms as any pair can have (counted separately,
hence together).  In one variable that is always so: the numerator has one term more than the function has kinks
upwards, the denominator one more than kinks downwards (Tran and Wang 2024 treat the general problem).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.quoting import quoted, shown
from tropical.decomposition import WallComplex, shorter_pairs
from tropical.minimality import bounds_below
from tropical.polynomial import PuiseuxPolynomial
from tropical.printing import counted_terms, polynomial_json, rational_latex, rational_sympy, rational_text
from tropical.rational import PuiseuxRational

MAX_PAIRS = 8000
"""With more pairs of terms than this no smaller pair is searched for: the walls between them take minutes to find."""

MAX_SHIFTED = 40_000
"""How many terms are looked at, at the most, to choose the affine function that is taken out."""

Minimality = Literal["proven", "not proven"]


@dataclass(frozen=True, slots=True, repr=False)
class SimplifiedFormula:
    """A formula, and what is known about its length.

    Attributes
    ----------
    rational : PuiseuxRational
        The simplified function.
    original, pruned : PuiseuxRational
        What came in, and the same after pruning alone.
    minimal : "proven" or "not proven"
        Whether no pair with the same difference has fewer terms.
    lower_bound : tuple of two int
        How many terms every numerator and every denominator of this function has at least.
    """

    rational: PuiseuxRational
    original: PuiseuxRational
    pruned: PuiseuxRational
    minimal: Minimality
    lower_bound: tuple[int, int]

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Numbers of terms (numerator, denominator) before, after pruning, and after simplification."""
        stages = {"original": self.original, "pruned": self.pruned, "simplified": self.rational}
        return {name: (len(r.numerator), len(r.denominator)) for name, r in stages.items()}

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        above, below = self.sizes["simplified"]
        text = shown(self.to_text(), 48)
        return f"<SimplifiedFormula {text}: {counted_terms(above)} - {counted_terms(below)}, minimal: {self.minimal}>"

    def _repr_latex_(self) -> str:
        return f"${self.to_latex()}$"

    def to_dict(self) -> dict[str, Any]:
        """The two polynomials, what is known about their length, and the numbers of terms on the way, by name."""
        function = self.rational
        return {
            "numerator": function.numerator,
            "denominator": function.denominator,
            "minimal": self.minimal,
            "lower_bound": self.lower_bound,
            "sizes": self.sizes,
        }

    def to_text(self, *, decimals: bool = False) -> str:
        """``"max(2x1 - x2 + 1/3, 0) - max(x2, 0)"``; `tropical.parsing.parse` reads it back."""
        return rational_text(self.rational, decimals=decimals)

    def to_latex(self, *, decimals: bool = False) -> str:
        """LaTeX, without dollar signs."""
        return rational_latex(self.rational, decimals=decimals)

    def to_sympy(self) -> Any:
        """A SymPy expression with ``Max``."""
        return rational_sympy(self.rational)

    def to_json(self) -> dict[str, Any]:
        """``{"numerator": [...], "denominator": [...], "minimal": ...}`` with numbers as exact texts."""
        return {
            "numerator": polynomial_json(self.rational.numerator),
            "denominator": polynomial_json(self.rational.denominator),
            "minimal": self.minimal,
        }

    def render(self, form: str, *, decimals: bool = False) -> str:
        """One of the forms ``"text"``, ``"latex"``, ``"sympy"``, ``"json"`` as a string."""
        if form == "sympy":
            return str(self.to_sympy())
        if form == "json":
            return json.dumps(self.to_json())
        if form == "text":
            return self.to_text(decimals=decimals)
        if form == "latex":
            return self.to_latex(decimals=decimals)
        raise AlgebraError(f"there is no form {quoted(form)}; use text, latex, sympy or json")


def simplify(
    rational: PuiseuxRational | PuiseuxPolynomial, *, search: bool = True, irredundant: bool = False
) -> SimplifiedFormula:
    """The shortest pair of polynomials found whose difference is the given function, verified exactly.

    Parameters
    ----------
    rational : PuiseuxRational or PuiseuxPolynomial
    search : bool
        Without it, or beyond `MAX_PAIRS`, prune and take out the common affine part only, which is fast for thousands
        of terms.
    irredundant : bool
        Trust that both polynomials are pruned already.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> one = PuiseuxPolynomial.constant(0, 2)
    >>> result = simplify(PuiseuxRational((x + y) * (x + one), (x + one) * (y + one)))
    >>> print(result, "|", result.minimal)
    max(x1, x2) - max(x2, 0) | proven
    """
    *_, found = simplification(rational, search=search, irredundant=irredundant)
    assert isinstance(found, SimplifiedFormula)
    return found


def simplification(
    rational: PuiseuxRational | PuiseuxPolynomial,
    *,
    search: bool = True,
    irredundant: bool = False,
    partial: bool = False,
) -> Iterator[str | SimplifiedFormula]:
    """The steps of `simplify` as they begin, in words, and its result as the last item.

    Parameters
    ----------
    rational, search, irredundant
        As for `simplify`.
    partial : bool
        Also yield each shorter formula when it is found, verified like the last one, so that the search can be left.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> for step in simplification(PuiseuxRational(x + y, x * y + y)):
    ...     print(step)
    finding the walls between 2 terms - 2 terms
    proving how short it can be: 2 terms - 2 terms
    max(x1 - x2, 0) - max(x1, 0)
    """
    original = rational if isinstance(rational, PuiseuxRational) else PuiseuxRational(rational)
    if original.is_zero:
        zero = PuiseuxRational(original.numerator)
        yield SimplifiedFormula(zero, original, zero, "proven", (0, 1))
        return
    pruned = original if irredundant else original.pruned()
    best, bound = pruned, (1, 1)
    if len(pruned.denominator) == 1:
        bound = (len(pruned.numerator), 1)
    elif len(pruned.numerator) == 1:
        bound = (1, len(pruned.denominator))
    elif search and len(pruned.numerator) * len(pruned.denominator) <= MAX_PAIRS:
        yield f"finding the walls between {_terms(pruned)}"
        walls = WallComplex.of(pruned)
        for programs, of, pair in shorter_pairs(walls):
            if partial and pair is not best:
                yield _verified(pair, original, pruned, (1, 1))
            best = pair
            if programs < of:
                yield f"linear program {programs + 1} of at most {of}: {_terms(best)} so far"
        yield f"proving how short it can be: {_terms(best)}"
        bound = bounds_below(walls, enough=(len(best.numerator), len(best.denominator)))
    yield _verified(best, original, pruned, bound)


def _terms(pair: PuiseuxRational) -> str:
    return f"{counted_terms(len(pair.numerator))} - {counted_terms(len(pair.denominator))}"


def _verified(
    pair: PuiseuxRational, original: PuiseuxRational, pruned: PuiseuxRational, bound: tuple[int, int]
) -> SimplifiedFormula:
    """A pair in its shortest numbers, after the proof that it is the same function."""
    best = _without_common_affine_part(pair)
    if not (_differ_by_common_affine_part(best, pruned) or best.same_function(pruned)):
        raise AssertionError("a simplification changed the function; please report this formula")
    proven = (len(best.numerator), len(best.denominator)) == bound
    return SimplifiedFormula(best, original, pruned, "proven" if proven else "not proven", bound)


def _without_common_affine_part(pair: PuiseuxRational) -> PuiseuxRational:
    """Move both polynomials by one affine function, the one that leaves the fewest and shortest numbers."""
    if len(pair.denominator) == 1:
        candidates = list(pair.denominator.terms)
    else:
        size = len(pair.denominator) + len(pair.numerator)
        candidates = list(dict.fromkeys((*pair.denominator.terms, *pair.numerator.terms)))
        candidates = candidates[: max(3, min(200, MAX_SHIFTED // size))]
        candidates.append(((fmpq(0),) * pair.dim, fmpq(0)))
    moved = [_moved(pair, [-a for a in exponent], -c) for exponent, c in candidates]
    return min(moved, key=_length)


def _moved(pair: PuiseuxRational, exponent: list[fmpq], coefficient: fmpq) -> PuiseuxRational:
    return PuiseuxRational(pair.numerator.shift(exponent, coefficient), pair.denominator.shift(exponent, coefficient))


def _differ_by_common_affine_part(pair: PuiseuxRational, other: PuiseuxRational) -> bool:
    """Whether one pair is the other plus one and the same affine function in both polynomials, term by term."""
    (first, constant), (second, shifted) = pair.numerator.terms[0], other.numerator.terms[0]
    difference = [b - a for a, b in zip(first, second, strict=True)]
    return _moved(pair, difference, shifted - constant) == other


def _length(pair: PuiseuxRational) -> tuple[int, int]:
    """Numbers that are not zero, and their digits."""
    numbers = digits = 0
    for polynomial in (pair.numerator, pair.denominator):
        for exponent, coefficient in polynomial.terms:
            for v in (*exponent, coefficient):
                if v:
                    numbers += 1
                    digits += int(v.p).bit_length() + int(v.q).bit_length()
    return numbers, digits


__all__ = ["Minimality", "SimplifiedFormula", "simplification", "simplify"]
