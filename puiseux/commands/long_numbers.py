"""Integers that can have thousands of digits, printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from puiseux.console.long_integers import WIDTH as WIDTH
from puiseux.console.long_integers import readable_integer as readable


@contextmanager
def numbers_of_any_length() -> Iterator[None]:
    """Let Python print integers of more digits than it does by default."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


__all__ = ["WIDTH", "numbers_of_any_length", "readable"]
