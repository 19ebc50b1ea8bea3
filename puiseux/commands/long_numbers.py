"""Integers that can have thousands of digits, printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 20
"""Of a readable number, in characters."""


@contextmanager
def numbers_of_any_length() -> Iterator[None]:
    """Let Python print integers of more digits than it does by default."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


def readable(number: int) -> str:
    """A positive integer in twenty characters at most, with its first three digits where it is longer.

    Examples
    --------
    >>> readable(1234567), readable(3**60)
    ('1,234,567', '4.23e28')
    """
    if len(text := f"{number:,}") <= WIDTH:
        return text
    digits = text.replace(",", "")
    return f"{digits[0]}.{digits[1:3]}e{len(digits) - 1}"
