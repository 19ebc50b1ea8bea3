"""Sizes of memory as people write them, and the bytes that processes occupy."""

from __future__ import annotations

import os

import pytest

from polyhedra.errors import NetworkError, PuiseuxError, UsageError
from polyhedra.memory import free_bytes, parse_bytes, resident_bytes


def test_sizes() -> None:
    assert parse_bytes("2GiB") == 2 << 30
    assert parse_bytes("1.5 gb") == 1_500_000_000
    assert parse_bytes(12345) == 12345
    for wrong in ("", "much", "-1GB", "0", "1 GiBB", "nan", -5, 0, True, None, 1e9):
        with pytest.raises((NetworkError, UsageError), match="is not a size"):
            parse_bytes(wrong)


def test_the_memory_of_processes() -> None:
    own = resident_bytes()
    assert 10 << 20 < own < 64 << 30
    assert resident_bytes([os.getpid()]) > own


@pytest.mark.parametrize("size", ["9" * 400, "9" * 400 + "GB", "0.0", "0", "1e9", "1" + "0" * 5000, 10**400, 0, -5])
def test_sizes_of_memory(size):
    with pytest.raises(PuiseuxError) as caught:
        parse_bytes(size)
    assert len(str(caught.value)) < 300


def test_good_sizes_of_memory():
    assert parse_bytes("2GiB") == 2**31
    assert parse_bytes("0.5 KB") == 500
    assert parse_bytes(17) == 17


def test_some_memory_is_free() -> None:
    assert free_bytes() > 1 << 20
