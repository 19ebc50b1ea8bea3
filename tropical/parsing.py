"""A parser for what `tropical.printing` prints and for ordinary arithmetic on variables.

Grammar, ordinary arithmetic (``+`` is the sum, the maximum is written ``max``)::

    sum     = product (("+" | "-") product)*
    product = factor (("*" | "/")? factor)*        a number may stand before a variable: 2x1, 1/2x2
    factor  = ("+" | "-") factor | atom ("^" exponent)?
    atom    = number | name | "-inf" | "(" sum ")" | call
    call    = ("max" | "min" | "relu" | "abs") "(" sum ("," sum)* ")"
    exponent = ("-")? number | "(" sum ")"

At most one factor of a product may depend on the variables, and a divisor must be a number.  Since no ordinary power of
a variable is piecewise linear, ``^`` is the tropical power: ``x1^2`` is 2x1.  Braces may stand for parentheses.  Names
are ``x1, ..., xn`` (or ``x_1, ..., x_n``) unless given; ``Max`` and ``Min`` (SymPy's spelling) are read as well.
`tropical.tropical_notation` reads formulas in which ``+`` is the maximum and ``*`` the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from polyhedra.errors import AlgebraError
from polyhedra.quoting import quoted
from tropical._formula_parser import FormulaParser, formula_tokens, number_of_variables
from tropical.polynomial import PuiseuxPolynomial
from tropical.printing import checked_names, default_names
from tropical.rational import PuiseuxRational


def parse(text: str, dim: int | None = None, *, names: Sequence[str] | None = None) -> PuiseuxRational:
    """Read a formula, exactly (decimals are exact decimals).

    Parameters
    ----------
    text : str
    dim : int, optional
        The number of variables; by default the largest k among the x_k that occur (at least 1).
    names : sequence of str, optional
        The variables, in order, instead of x1, x2, ...; see `tropical.printing.checked_names`.

    Raises
    ------
    AlgebraError
        A name that cannot be one, or the text is no piecewise linear formula; the message shows the place.

    Examples
    --------
    >>> print(parse("max(2x1 - x2 + 1/3, 0) - max(x2, 0)"))
    max(2x1 - x2 + 1/3, 0) - max(x2, 0)
    >>> print(parse("relu(u) - 2*max(0.5v, 1)", names=["u", "v"]))
    max(x1, 0) - max(x2, 2)
    """
    tokens = formula_tokens(text)
    if names is not None:
        variables = list(checked_names(names, len(names) if dim is None else dim))
    else:
        if dim is None:
            dim = number_of_variables(tokens)
        variables = list(default_names(dim))
    return FormulaParser(text, tokens, variables, underscored=names is None).formula()


def parse_polynomial(text: str, dim: int | None = None, *, names: Sequence[str] | None = None) -> PuiseuxPolynomial:
    """Read a formula that is a tropical polynomial as it stands, such as ``"max(2x1 - x2, 0) + max(x1, 1)"``.

    Raises
    ------
    AlgebraError
        As `parse`, or the formula subtracts a maximum (then it is a rational function).
    """
    function = parse(text, dim, names=names)
    if len(function.denominator) == 1:
        (exponent, coefficient), *_ = function.denominator.terms
        return function.numerator.shift([-v for v in exponent], -coefficient)
    raise AlgebraError(
        f"{quoted(text, 60)} subtracts a maximum: it is no polynomial but a rational function, "
        "which tropical.parse reads"
    )


__all__ = ["parse", "parse_polynomial"]
