"""Certificates of sparsest fits among the certificates that `puiseux verify` checks."""

from __future__ import annotations

import time
from os import PathLike

from milp.training.fit_checker import FORMAT, Invalid, check
from nn_bridge.readers.files import read_bytes
from polyhedra.quoting import shown
from puiseux.certificates.certificate import Verdict

_MAX_BYTES = 20 * 2**20


def is_fit_certificate(path: str | PathLike[str]) -> bool:
    """Whether a file begins like a certificate of a fit."""
    try:
        with open(path, "rb") as stream:
            return stream.read(100).startswith(f'{{"format": "{FORMAT}"'.encode())
    except OSError:
        return False


def verify_fit_certificate(path: str | PathLike[str]) -> Verdict:
    """Check a certificate of a fit; the counts of the verdict are the lower bound and the non-zeros of its network."""
    begun = time.perf_counter()
    try:
        claim = check(read_bytes(path, _MAX_BYTES, "certificate").decode())
    except (Invalid, UnicodeDecodeError) as error:
        return Verdict(False, None, None, None, None, None, shown(error, 300), time.perf_counter() - begun)
    counts = {
        "lower_bound": claim.lower_bound,
        "nonzeros": claim.nonzeros,
        "units": claim.units,
        "systems": claim.systems,
    }
    return Verdict(True, "fit", None, claim.inputs, (), counts, None, time.perf_counter() - begun)
