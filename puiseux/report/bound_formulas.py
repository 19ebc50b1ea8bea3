"""Formulas of bounds, written as in ``sum_{j<=n_0} C(n_l,j)``, as MathML; what is said in words stays words."""

from __future__ import annotations

import html
import re

_TOKENS = re.compile(r"\s*(?:(<=|\.\.|[-+/,(){}<^_])|(\d+)|([A-Za-z]+))")
_SIGNS = {"<=": "≤", "..": "…", "-": "−", "<": "&lt;", "+": "+", ",": ","}
_LARGE = {"sum": "∑", "prod": "∏"}
_NAMES = {"min", "floor", "C", *_LARGE}


def bound_mathml(formula: str) -> str:
    """MathML of a formula, or the text, escaped, where it holds words.

    Examples
    --------
    >>> bound_mathml("2^n_1")
    '<math><mrow><msup><mn>2</mn><msub><mi>n</mi><mn>1</mn></msub></msup></mrow></math>'
    >>> bound_mathml("serra-2018 with units that can change")
    'serra-2018 with units that can change'
    """
    tokens, place = [], 0
    while place < len(formula.rstrip()):
        match = _TOKENS.match(formula, place)
        if match is None:
            return html.escape(formula)
        tokens.append(match[1] or match[2] or match[3])
        place = match.end()
    if any(word.isalpha() and len(word) > 1 and word not in _NAMES for word in tokens):
        return html.escape(formula)
    reader = _Reader(tokens)
    text = reader.row()
    return f"<math>{text}</math>" if reader.done else html.escape(formula)


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._next = tokens, 0

    @property
    def done(self) -> bool:
        return self._next == len(self._tokens)

    def row(self, end: str = "") -> str:
        """Everything up to a closing bracket, which is read too, or to the end."""
        parts = []
        while not self.done:
            if self._tokens[self._next] == end:
                self._next += 1
                break
            parts.append(self._fraction())
        return f"<mrow>{''.join(parts)}</mrow>"

    def _fraction(self) -> str:
        above = self._power()
        if self._takes("/"):
            return f"<mfrac>{above}{self._power()}</mfrac>"
        return above

    def _power(self) -> str:
        base = self._indexed()
        return f"<msup>{base}{self._group()}</msup>" if self._takes("^") else base

    def _indexed(self) -> str:
        large = not self.done and self._tokens[self._next] in _LARGE
        base = self._atom()
        if self._takes("_"):
            kind = "munder" if large else "msub"
            return f"<{kind}>{base}{self._group()}</{kind}>"
        return base

    def _group(self) -> str:
        """An index or exponent, without the brackets that only hold it together."""
        if self._takes("{"):
            return self.row("}")
        return self.row(")") if self._takes("(") else self._indexed()

    def _atom(self) -> str:
        token = self._tokens[self._next]
        self._next += 1
        if token in _LARGE:
            return f"<mo>{_LARGE[token]}</mo>"
        if token in ("C", "floor") and self._takes("("):
            inside = self.row(")")
            if token == "floor":
                return f"<mrow><mo>⌊</mo>{inside}<mo>⌋</mo></mrow>"
            above, _, below = inside.removeprefix("<mrow>").removesuffix("</mrow>").rpartition("<mo>,</mo>")
            binomial = f"<mfrac linethickness='0'><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"
            return f"<mrow><mo>(</mo>{binomial}<mo>)</mo></mrow>"
        if token == "(":
            return f"<mrow><mo>(</mo>{self.row(')')}<mo>)</mo></mrow>"
        if token.isdigit():
            return f"<mn>{token}</mn>"
        return f"<mi>{token}</mi>" if token.isalpha() else f"<mo>{_SIGNS.get(token, token)}</mo>"

    def _takes(self, token: str) -> bool:
        found = not self.done and self._tokens[self._next] == token
        self._next += found
        return found
