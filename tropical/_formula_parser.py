"""The reading of formulas by recursive descent, for `tropical.parsing` and `tropical.tropical_notation`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import ONE, rational
from tropical.polynomial import PuiseuxPolynomial
from tropical.printing import CALLS
from tropical.rational import PuiseuxRational

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,4})?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>[-+*/(),^{}]))",
    re.ASCII,
)
MAX_DEPTH = 100  # of nested parentheses
MAX_TERMS = 100_000  # of the expanded formula


@dataclass(frozen=True, slots=True)
class Token:
    """A number, name, sign or the end of a formula, and where it starts."""

    kind: str
    text: str
    start: int


def _refuse(text: str, place: int, reason: str) -> AlgebraError:
    before, after = text[max(0, place - 30) : place], text[place : place + 20]
    marked = f"{'...' if place > 30 else ''}{before}<here>{after}{'...' if place + 20 < len(text) else ''}"
    return AlgebraError(f"cannot read the formula at column {place + 1}: {reason}: {shown(' '.join(marked.split()))}")


def number_of_variables(tokens: Sequence[Token]) -> int:
    """The largest k among the names x_k of a formula, at least 1."""
    return max(
        [int(t.text.replace("_", "")[1:]) for t in tokens if re.fullmatch(r"x_?[1-9]\d{0,4}", t.text)], default=1
    )


def formula_tokens(text: str) -> list[Token]:
    """The numbers, names and signs of a formula, and the end."""
    tokens = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            start = place + len(text[place:]) - len(text[place:].lstrip())
            raise _refuse(text, start, f"{quoted(text[start])} is no number, name or operator")
        kind = match.lastgroup
        assert kind is not None
        tokens.append(Token(kind, match[kind], match.start(kind)))
        place = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


class FormulaParser:
    """Recursive descent; every value is a rational function."""

    def __init__(self, text: str, tokens: list[Token], names: list[str], *, underscored: bool = False) -> None:
        self.text, self.tokens, self.names = text, tokens, names
        self.places = {name: i for i, name in enumerate(names)}
        if underscored:
            self.places |= {f"{name[0]}_{name[1:]}": i for i, name in enumerate(names)}
        self.position = self.depth = 0

    @property
    def dim(self) -> int:
        return len(self.names)

    def formula(self) -> PuiseuxRational:
        """Read all tokens."""
        value = self.sum()
        if self.here.kind != "end":
            raise self.refuse("the formula should end or go on with an operator")
        return value

    @property
    def here(self) -> Token:
        return self.tokens[self.position]

    def refuse(self, reason: str, token: Token | None = None) -> AlgebraError:
        return _refuse(self.text, (token or self.here).start, reason)

    def take(self, *texts: str) -> str | None:
        if self.here.kind == "sign" and self.here.text in texts:
            self.position += 1
            return self.tokens[self.position - 1].text
        return None

    def expect(self, text: str) -> None:
        if self.take(text) is None:
            raise self.refuse(f"expected {quoted(text)}")

    def checked(self, value: PuiseuxRational, token: Token) -> PuiseuxRational:
        if max(len(value.numerator), len(value.denominator)) > MAX_TERMS:
            raise self.refuse(f"the formula expands to more than {MAX_TERMS} terms", token)
        return value

    def sum(self) -> PuiseuxRational:
        value = self.product()
        while True:
            token = self.here
            sign = self.take("+", "-")
            if sign is None:
                return value
            bracket = self.here.text in ("(", "{")
            right = self.product()
            sizes = [len(p) for f in (value, right) for p in (f.numerator, f.denominator)]
            if max(sizes[0] * sizes[2], sizes[1] * sizes[3], sizes[0] * sizes[3], sizes[1] * sizes[2]) > MAX_TERMS:
                raise self.refuse(f"the formula expands to more than {MAX_TERMS} terms", token)
            if sign == "+":
                value = value * right
            elif _is_affine(right) and not bracket:
                value = value * _negated_affine(right)
            else:
                # "f - (2x1 + 1)" keeps its denominator, so that printing and reading are inverse to each other
                value = _quotient(value, right, self, token)

    def product(self) -> PuiseuxRational:
        value = self.factor()
        while True:
            token = self.here
            operator = self.take("*", "/")
            if operator is None and (token.kind in ("number", "name") or token.text in ("(", "{")):
                operator = "*"
            if operator is None:
                return value
            right = self.factor()
            left_number, right_number = _as_number(value), _as_number(right)
            if operator == "/":
                if right_number is None:
                    raise self.refuse("a divisor must be a number", token)
                if right_number == 0:
                    raise self.refuse("division by zero", token)
                value = value ** (ONE / right_number)
            elif right_number is not None:
                value = self.scaled(value, right_number, token)
            elif left_number is not None:
                value = self.scaled(right, left_number, token)
            else:
                raise self.refuse("a product of two expressions in the variables is not piecewise linear", token)

    def scaled(self, value: PuiseuxRational, factor: fmpq, token: Token) -> PuiseuxRational:
        if value.is_zero:
            raise self.refuse("-inf cannot be multiplied", token)
        return _negated_affine(value) ** -factor if factor < 0 and _is_affine(value) else value**factor

    def factor(self) -> PuiseuxRational:
        token = self.here
        if token.kind == "end":
            raise self.refuse("the formula ends too early")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse(f"more than {MAX_DEPTH} nested parentheses or signs")
        try:
            value = self.nested(token)
            raised = token.text not in ("+", "-") and self.take("^") is not None
            return self.power(value, token) if raised else value
        finally:
            self.depth -= 1

    def power(self, value: PuiseuxRational, token: Token) -> PuiseuxRational:
        if _as_number(value) is not None:
            raise self.refuse("a power of a number means two things here; write the number", token)
        sign = self.take("-")
        exponent = _as_number(self.nested(self.here))
        if exponent is None or (self.here.kind == "sign" and self.here.text == "^"):
            raise self.refuse("an exponent is a number; write parentheses around a fraction, x^(1/2)", token)
        return self.scaled(value, -exponent if sign else exponent, token)

    def opening(self) -> str | None:
        """Take a parenthesis or a brace; return the sign that closes it."""
        sign = self.take("(", "{")
        return None if sign is None else {"(": ")", "{": "}"}[sign]

    def nested(self, token: Token) -> PuiseuxRational:
        sign = self.take("+", "-")
        if sign is not None:
            if sign == "-" and self.here.text == "inf":
                self.position += 1
                return PuiseuxRational.constant("-inf", self.dim)
            value = self.factor()
            return value if sign == "+" else self.scaled(value, fmpq(-1), token)
        closing = self.opening()
        if closing is not None:
            value = self.sum()
            self.expect(closing)
            return value
        self.position += 1
        if token.kind == "number":
            return PuiseuxRational.constant(rational(token.text), self.dim)
        if token.kind == "name":
            if token.text in self.places:
                return PuiseuxRational.variables(self.dim)[self.places[token.text]]
            if token.text.lower() in CALLS:
                return self.call(token)
            known = ", ".join(self.names) if self.dim <= 6 else f"{self.names[0]}, ..., {self.names[-1]}"
            raise self.refuse(f"{quoted(token.text, 40)} is unknown; the variables are {known}", token)
        raise self.refuse("expected a number, a variable or a maximum", token)

    def call(self, token: Token) -> PuiseuxRational:
        name = token.text.lower()
        closing = self.opening()
        if closing is None:
            raise self.refuse("expected '('")
        values = [self.sum()]
        while self.take(","):
            values.append(self.sum())
        self.expect(closing)
        if name in ("relu", "abs"):
            if len(values) != 1:
                raise self.refuse(f"{name} takes one argument, not {len(values)}", token)
            other = PuiseuxRational.constant(0, self.dim) if name == "relu" else self.scaled(values[0], fmpq(-1), token)
            values.append(other)
        combine: Callable[[PuiseuxRational, PuiseuxRational], PuiseuxRational] = PuiseuxRational.__add__
        if name == "min":
            values = [self.scaled(v, fmpq(-1), token) for v in values]
        if all(map(_is_affine, values)):
            # one polynomial at once: adding two by two would be quadratic
            terms = [term for v in values for term in _as_affine(v).terms]
            result = PuiseuxRational(PuiseuxPolynomial(terms, self.dim))
        else:
            result = values[0]
            for value in values[1:]:
                result = self.checked(combine(result, value), token)
        return self.scaled(result, fmpq(-1), token) if name == "min" else result


def _is_affine(value: PuiseuxRational) -> bool:
    return len(value.numerator) <= 1 and len(value.denominator) == 1


def _as_affine(value: PuiseuxRational) -> PuiseuxPolynomial:
    """The numerator with the one term of the denominator subtracted (no term for minus infinity)."""
    ((exponent, coefficient),) = value.denominator.terms
    return value.numerator.shift([-v for v in exponent], -coefficient)


def _negated_affine(value: PuiseuxRational) -> PuiseuxRational:
    affine = _as_affine(value)
    return PuiseuxRational(PuiseuxPolynomial([([-v for v in a], -c) for a, c in affine.terms], value.dim))


def _as_number(value: PuiseuxRational) -> fmpq | None:
    if not _is_affine(value) or value.is_zero:
        return None
    ((exponent, coefficient),) = _as_affine(value).terms
    return None if any(exponent) else coefficient


def _quotient(left: PuiseuxRational, right: PuiseuxRational, parser: FormulaParser, token: Token) -> PuiseuxRational:
    if right.is_zero:
        raise parser.refuse("-inf cannot be subtracted", token)
    return left / right


__all__ = ["MAX_TERMS", "FormulaParser", "Token", "formula_tokens", "number_of_variables"]
