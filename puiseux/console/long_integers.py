"""Integers that can have thousands of digits, in a few characters."""

from __future__ import annotations

import math

WIDTH = 20
"""Of a readable integer, in characters."""

_MOST_BITS = 14_000  # Python prints no longer integers, unless it is told to


def readable_integer(number: int) -> str:
    """A positive integer in twenty characters at most, with its first three digits where it is longer.

    Examples
    --------
    >>> readable_integer(1234567), readable_integer(3**60)
    ('1,234,567', '4.23e28')
    """
    sized = int(number).bit_length()
    if sized > _MOST_BITS:  # its digits would take long to find
        exponent = int((sized - 1) * math.log10(2))
        leading = number // 10 ** (exponent - 2)
        exponent += leading >= 1000
        digits = str(leading)[:3]
        return f"{digits[0]}.{digits[1:]}e{exponent}"
    if len(text := f"{number:,}") <= WIDTH:
        return text
    digits = text.replace(",", "")
    return f"{digits[0]}.{digits[1:3]}e{len(digits) - 1}"


__all__ = ["WIDTH", "readable_integer"]
