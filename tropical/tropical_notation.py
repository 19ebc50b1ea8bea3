"""Formulas in tropical notation, as SageMath, OSCAR and papers write them: ``+`` is the maximum, ``*`` the sum.

So ``0*x^2 + 1*x*y + 2`` is max(2x, 1 + x + y, 2), and in the min convention min(2x, 1 + x + y, 2).
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from polyhedra.errors import AlgebraError
from tropical._formula_parser import MAX_TERMS, FormulaParser, Token, formula_tokens, number_of_variables
from tropical.polynomial import PuiseuxPolynomial
from tropical.printing import checked_names, default_names
from tropical.rational import PuiseuxRational
from tropical.valuation import Convention


def parse_tropical(
    text: str, dim: int | None = None, *, names: Sequence[str] | None = None, convention: Convention = "max"
) -> PuiseuxRational:
    """Read a formula in tropical notation, exactly.

    ``+`` is the maximum (or minimum), ``*`` (or nothing) the sum, ``/`` the difference, ``^`` a multiple; a number is
    the tropical number with that value.  Signs belong to numbers, and so does ``/`` (or ``//``) between two of them:
    -1/3 is the number -1/3.  A coefficient of ``-inf`` (``inf`` or ``infinity`` for the minimum) is no term.

    Parameters
    ----------
    text : str
    dim : int, optional
        The number of variables; by default the largest k among the x_k that occur (at least 1).
    names : sequence of str, optional
        The variables, in order, instead of x1, x2, ... (or x_1, x_2, ...).
    convention : "max" or "min"
        What ``+`` means.

    Raises
    ------
    AlgebraError
        The text is no such formula; the message shows the place.  Another convention.

    Examples
    --------
    >>> print(parse_tropical("0*x^2 + 1*x*y + 2", names=["x", "y"]))
    max(2x1, x1 + x2 + 1, 2)
    >>> parse_tropical("x + (-2)*y", names=["x", "y"], convention="min")([5, 6])
    4
    """
    if convention not in ("max", "min"):
        raise AlgebraError(f"the convention is 'max' or 'min', not {convention!r:.40}")
    tokens = formula_tokens(text)
    if names is not None:
        variables = list(checked_names(names, len(names) if dim is None else dim))
    else:
        variables = list(default_names(number_of_variables(tokens) if dim is None else dim))
    return _TropicalParser(text, tokens, variables, names is None, convention == "min").formula()


class _TropicalParser(FormulaParser):
    """The same descent with other operators; in the min convention each sum is negated on the way in and out."""

    def __init__(self, text: str, tokens: list[Token], names: list[str], underscored: bool, minimum: bool) -> None:
        super().__init__(text, tokens, names, underscored=underscored)
        self.minimum = minimum

    def sum(self) -> PuiseuxRational:
        values = [self.product()]
        token = self.here
        while self.take("+"):
            values.append(self.product())
        values = [value for value in values if not value.is_zero] or values[:1]
        if len(values) == 1:
            return values[0]
        if self.minimum:
            values = [self.power_of(value, fmpq(-1), token) for value in values]
        if all(len(value.denominator) == 1 for value in values):
            # one polynomial at once: adding two by two would be quadratic
            terms = [term for v in values for term in (v.numerator * _inverse(v.denominator)).terms]
            total = PuiseuxRational(PuiseuxPolynomial(terms, self.dim))
        else:
            total = values[0]
            for value in values[1:]:
                self.check(total, value, token)
                total = total + value
        return self.power_of(total, fmpq(-1), token) if self.minimum else total

    def product(self) -> PuiseuxRational:
        value = self.factor()
        while True:
            token = self.here
            operator = self.take("*", "/")
            if operator is None and not (token.kind in ("number", "name") or token.text in ("(", "{")):
                return value
            right = self.factor()
            self.check(value, right, token)
            if operator == "/":
                if right.is_zero:
                    raise self.refuse("division by an infinite number", token)
                value = value / right
            else:
                value = value * right

    def nested(self, token: Token) -> PuiseuxRational:
        if self.take("-"):
            number = self.here
            if number.text == "inf":
                self.position += 1
                if self.minimum:
                    raise self.refuse("-inf is no number of the min convention", token)
                return PuiseuxRational.constant("-inf", self.dim)
            if number.kind != "number":
                raise self.refuse("a sign belongs to a number: tropical subtraction does not exist", token)
            return PuiseuxRational.constant(-self.fraction(), self.dim)
        if token.kind == "number":
            return PuiseuxRational.constant(self.fraction(), self.dim)
        if token.text in ("inf", "infinity") and token.text not in self.places:
            if not self.minimum:
                raise self.refuse("plus infinity is no number of the max convention", token)
            self.position += 1
            return PuiseuxRational.constant("-inf", self.dim)  # stands for no term in either convention
        return super().nested(token)

    def formula(self) -> PuiseuxRational:
        value = super().formula()
        if self.minimum and value.is_zero:
            raise self.refuse("the formula is plus infinity everywhere, which is no function here", self.tokens[0])
        return value

    def fraction(self) -> fmpq:
        """A number, or a quotient of two."""
        value = self.constant()
        after = self.tokens[self.position + 1 : self.position + 3]
        double = self.here.text == "/" and len(after) == 2 and after[0].text == "/" and after[1].kind == "number"
        if self.here.text == "/" and (double or after[0].kind == "number"):
            self.position += 2 if double else 1
            divisor = self.constant()
            if divisor == 0:
                raise self.refuse("division by zero")
            return value / divisor
        return value

    def call(self, token: Token) -> PuiseuxRational:
        raise self.refuse("tropical notation writes the maximum as +; read this formula with parse", token)

    def power(self, value: PuiseuxRational, token: Token) -> PuiseuxRational:
        sign = self.take("-")
        exponent = self.exponent(token)
        return self.power_of(value, -exponent if sign else exponent, token)

    def power_of(self, value: PuiseuxRational, exponent: fmpq, token: Token) -> PuiseuxRational:
        if value.is_zero and exponent <= 0:
            raise self.refuse(f"an infinite number has no power {exponent}", token)
        return value**exponent

    def exponent(self, token: Token) -> fmpq:
        """A number, or a fraction in parentheses in which / divides."""
        if self.here.kind == "number":
            return self.constant()
        closing = self.opening()
        sign = self.take("-") if closing else None
        if closing is None or self.here.kind != "number":
            raise self.refuse("an exponent is a number; write parentheses around a fraction, x^(1/2)", token)
        value = self.fraction()
        self.expect(closing)
        return -value if sign else value

    def constant(self) -> fmpq:
        ((_, value),) = super().nested(self.here).numerator.terms or (((), fmpq(0)),)
        return value

    def check(self, left: PuiseuxRational, right: PuiseuxRational, token: Token) -> None:
        a, b = ([len(f.numerator), len(f.denominator)] for f in (left, right))
        if max(a) * max(b) > MAX_TERMS:
            raise self.refuse(f"the formula expands to more than {MAX_TERMS} terms", token)


def _inverse(monomial: PuiseuxPolynomial) -> PuiseuxPolynomial:
    return PuiseuxPolynomial([([-v for v in a], -c) for a, c in monomial.terms], monomial.dim)


__all__ = ["parse_tropical"]
