"""Readable forms of tropical polynomials and rational functions: text, LaTeX, SymPy, JSON.

The text form, such as ``max(2x1 - x2 + 1/3, 0) - max(x2, 0)``, is what `tropical.parsing` reads back.  Terms are
written by decreasing exponent, so that the constant comes last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from polyhedra.scalars import decimal_text, to_text

if TYPE_CHECKING:
    from tropical.polynomial import PuiseuxPolynomial, Term
    from tropical.rational import PuiseuxRational


CALLS = ("max", "min", "relu", "abs")
"""The functions of a formula, in any case of letters."""

RESERVED = (*CALLS, "inf")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_EXPONENT = re.compile(r"[eE]\d")


def default_names(dim: int) -> tuple[str, ...]:
    """The variable names ``x1, ..., xn``."""
    return tuple(f"x{i + 1}" for i in range(dim))


def checked_names(names: Sequence[str], dim: int) -> tuple[str, ...]:
    """Names of variables that `tropical.parsing` reads back from what is printed with them.

    Raises
    ------
    AlgebraError
        A name that is no ASCII letter or underscore followed by letters, digits and underscores, that means something
        else (``max``, ``inf``, ..), that comes twice, or another number of names than variables.

    Examples
    --------
    >>> checked_names(["u", "v_1"], 2)
    ('u', 'v_1')
    """
    given = (names,) if isinstance(names, str) else tuple(names)
    if len(given) != dim:
        raise AlgebraError(f"{counted(len(given), 'name')} cannot stand for {counted(dim, 'variable')}")
    for number, name in enumerate(given):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise AlgebraError(f"name {number}, {quoted(name)}, is no letter followed by letters, digits or _")
        if name.lower() in RESERVED:
            raise AlgebraError(f"name {number}, {quoted(name)}, means something else in a formula; take another one")
        if name in given[:number]:
            raise AlgebraError(f"the name {quoted(name)} comes twice; give each variable its own")
    return given


def counted_terms(number: int) -> str:
    """``"1 term"``, ``"12,345 terms"``."""
    return counted(number, "term")


def affine_text(
    exponent: Sequence[fmpq], coefficient: fmpq, names: Sequence[str] | None = None, *, decimals: bool = False
) -> str:
    """One affine function, ``"2x1 - 1/2x2 + 1/3"``; with ``decimals``, ``"2x1 - 0.5x2 + 1/3"``."""
    dim = len(exponent)
    variables = default_names(dim) if names is None else checked_names(names, dim)
    return _affine(exponent, coefficient, variables, decimal_text if decimals else to_text)


def polynomial_text(
    polynomial: PuiseuxPolynomial, names: Sequence[str] | None = None, *, decimals: bool = False
) -> str:
    """``"max(2x1 - x2 + 1/3, 0)"``; one term stands without ``max``, no term is ``"-inf"``."""
    pieces = [affine_text(*term, names, decimals=decimals) for term in _display_order(polynomial)]
    if not pieces:
        return "-inf"
    return pieces[0] if len(pieces) == 1 else f"max({', '.join(pieces)})"


def rational_text(rational: PuiseuxRational, names: Sequence[str] | None = None, *, decimals: bool = False) -> str:
    """``"max(..) - max(..)"``; a denominator that is the constant 0 is left out."""
    top = polynomial_text(rational.numerator, names, decimals=decimals)
    if rational.denominator_is_one:
        return top
    bottom = polynomial_text(rational.denominator, names, decimals=decimals)
    return f"{top} - {bottom}" if len(rational.denominator) > 1 else f"{top} - ({bottom})"


def polynomial_latex(
    polynomial: PuiseuxPolynomial, names: Sequence[str] | None = None, *, decimals: bool = False
) -> str:
    r"""``\max\left(2x_{1} - x_{2} + \frac{1}{3},\, 0\right)``."""
    variables = names or tuple(f"x_{{{i + 1}}}" for i in range(polynomial.dim))
    number = _decimal_latex if decimals else _fraction_latex
    pieces = [_affine(*term, variables, number) for term in _display_order(polynomial)]
    if not pieces:
        return r"-\infty"
    inner = r",\, ".join(pieces)
    return inner if len(pieces) == 1 else rf"\max\left({inner}\right)"


def rational_latex(rational: PuiseuxRational, names: Sequence[str] | None = None, *, decimals: bool = False) -> str:
    """The LaTeX of ``f - g``."""
    top = polynomial_latex(rational.numerator, names, decimals=decimals)
    if rational.denominator_is_one:
        return top
    bottom = polynomial_latex(rational.denominator, names, decimals=decimals)
    return f"{top} - {bottom}" if len(rational.denominator) > 1 else rf"{top} - \left({bottom}\right)"


def polynomial_sympy(polynomial: PuiseuxPolynomial, symbols: Sequence[Any] | None = None) -> Any:
    """A SymPy expression with ``Max``; real symbols ``x1, ..., xn`` unless given."""
    import sympy

    variables = symbols or sympy.symbols([f"x{i + 1}" for i in range(polynomial.dim)], real=True)

    def exact(value: fmpq) -> Any:
        return sympy.Rational(int(value.p), int(value.q))

    pieces = [
        sympy.Add(exact(c), *(exact(v) * x for v, x in zip(a, variables, strict=True))) for a, c in polynomial.terms
    ]
    # pieces are known to be different affine functions, so the comparisons that Max makes are skipped
    return sympy.Max(*pieces, evaluate=False) if len(pieces) > 1 else (pieces[0] if pieces else -sympy.oo)


def rational_sympy(rational: PuiseuxRational, symbols: Sequence[Any] | None = None) -> Any:
    """A SymPy expression ``Max(..) - Max(..)``."""
    top = polynomial_sympy(rational.numerator, symbols)
    if rational.denominator_is_one:
        return top
    return top - polynomial_sympy(rational.denominator, symbols)


def polynomial_json(polynomial: PuiseuxPolynomial) -> list[dict[str, Any]]:
    """``[{"exponent": ["1", "0"], "coefficient": "1/2"}, ...]``, sorted by exponent."""
    return [{"exponent": [to_text(v) for v in a], "coefficient": to_text(c)} for a, c in polynomial.terms]


def _display_order(polynomial: PuiseuxPolynomial) -> list[Term]:
    return list(reversed(polynomial.terms))


def _affine(exponent: Sequence[fmpq], coefficient: fmpq, names: Sequence[str], number: Any) -> str:
    parts: list[tuple[bool, str]] = []
    for value, name in zip(exponent, names, strict=True):
        if value:
            size = abs(value)
            # 2e1 would be read as a number
            times = "*" if number in (to_text, decimal_text) and _EXPONENT.match(name) else ""
            parts.append((value < 0, name if size == 1 else f"{number(size)}{times}{name}"))
    if coefficient or not parts:
        parts.append((coefficient < 0, number(abs(coefficient))))
    text = ("-" if parts[0][0] else "") + parts[0][1]
    return text + "".join(f" {'-' if negative else '+'} {piece}" for negative, piece in parts[1:])


def _decimal_latex(value: fmpq) -> str:
    text = decimal_text(value)
    return _fraction_latex(value) if "/" in text else text


def _fraction_latex(value: fmpq) -> str:
    return str(value.p) if value.q == 1 else rf"\frac{{{value.p}}}{{{value.q}}}"
