"""The variables of a formula without names: ``x, y, z`` in alphabetical order, where they are not x1, x2, .."""

from __future__ import annotations

import re

from tropical.printing import RESERVED
from tropical.term_rows import Term

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*|(?<=\d)(?![eE][+-]?\d)[A-Za-z_]\w*", re.ASCII)
_NUMBERED = re.compile(r"x_?[1-9]\d{0,4}", re.ASCII)


def free_names(text: str) -> tuple[str, ...] | None:
    """The names in a formula, sorted; None where they are x1, x2, .. (or x_1, ..), whose numbers are their places.

    Examples
    --------
    >>> free_names("max(0, y, 2x, x + y - 1)"), free_names("max(x1, x3)"), free_names("max(1, 2e3)")
    (('x', 'y'), None, None)
    """
    found = {word for word in _WORD.findall(text) if word.lower() not in RESERVED}
    return None if all(map(_NUMBERED.fullmatch, found)) else tuple(sorted(found))


def read_formula(text: str, dim: int | None) -> tuple[tuple[Term, ...], int, tuple[str, ...] | None]:
    """The terms that a formula stands for, the number of variables, and their names if they are not x1, x2, .."""
    from tropical.parsing import parse_polynomial  # parsing makes polynomials, which are read by this

    names = free_names(text)
    found = parse_polynomial(text, dim, names=names)
    return found.terms, found.dim, names


__all__ = ["free_names", "read_formula"]
