"""Certificates of sparsest fits among those that `verify_certificate` checks; the interface is that of a checker."""

from __future__ import annotations

from os import PathLike
from typing import Any

from milp.training.fit_checker import FORMAT, Invalid
from milp.training.fit_checker import check as check_text
from polyhedra.quoting import shown

__all__ = ["Invalid", "check", "is_fit_certificate"]

_MAX_BYTES = 20 * 2**20


def is_fit_certificate(path: str | PathLike[str]) -> bool:
    """Whether a file begins like a certificate of a fit."""
    try:
        with open(path, "rb") as stream:
            return stream.read(100).startswith(f'{{"format": "{FORMAT}"'.encode())
    except OSError:
        return False


def check(path: str, opener: Any = open) -> dict[str, Any]:
    """Check a file (opened like `open` does) and return what it proves: the lower bound and the network's non-zeros.

    Raises
    ------
    Invalid
        The file proves less than it claims, or is too long.
    """
    with opener(path, "rb") as stream:
        text = stream.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise Invalid(f"the file is longer than {_MAX_BYTES:,} bytes")
    try:
        claim = check_text(text.decode())
    except (Invalid, UnicodeDecodeError) as error:
        raise Invalid(shown(error, 300)) from None
    names = ("lower_bound", "nonzeros", "units", "systems")
    counts = {name: getattr(claim, name) for name in names}
    return {"kind": "fit", "input_dim": claim.inputs, "walls": [], "counts": counts}
