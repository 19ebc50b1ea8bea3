"""Certificates: counts and prunings with proofs in a file, which `puiseux.certificates.checker` checks on its own.

The writer takes the proofs from the engines; the checker shares no code with them.  docs/certificates.md describes the
format well enough to write another checker.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from flint import fmpq

from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from nn_bridge.writers.files import require_writable, whole_file
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import shown_path
from polyhedra.scalars import primitive
from polyhedra.values import Value
from puiseux.certificates import checker as certificate_checker
from puiseux.certificates import fits, property_checker
from puiseux.certificates.of_properties import is_of_property, network_of, other_property, property_form, read_property
from puiseux.console.waiting import shown_counts
from puiseux.domains import DomainLike, Problem, pose
from puiseux.reading import as_network
from tropical.pruning import Pruning

if TYPE_CHECKING:
    from milp.vnnlib import Property
    from nn_bridge.cells.complex import CellComplex

Walls = Sequence[Sequence[int]]
"""Integer rows ``(a, b)``: the domain is where ``a . x + b >= 0``."""

_MOST_DIGITS = 4300  # of one number; what Python reads from text without being told otherwise
_RECORDS_BETWEEN_REPORTS = 4096
_BYTES_BETWEEN_REPORTS = 1 << 16


@dataclass(frozen=True, slots=True, repr=False)
class Verdict(Value):
    """The result of checking a certificate.

    Attributes
    ----------
    valid : bool
        Whether it proves what it claims (and is of the network and domain that were asked for).
    kind : {"cells", "pruning", "property"} or None
        None where the certificate is invalid, as for the next four.
    digest : str or None
        `Network.digest` of the network that it is about (None for a pruning).
    input_dim : int or None
    walls : tuple of integer rows or None
        The domain ``a . x + b >= 0``; no rows for all of R^n. None for a property, which holds its domain.
    counts : dict or None
        The proven numbers by name.
    reason : str or None
        Why it is invalid; begins with the line.
    seconds : float
        Wall-clock time of the check.
    property_digest : str or None
        The digest of the property that it is about, in normal form (None for the other kinds).
    """

    valid: bool
    kind: str | None
    digest: str | None
    input_dim: int | None
    walls: tuple[tuple[int, ...], ...] | None
    counts: dict[str, int | None] | None
    reason: str | None
    seconds: float
    property_digest: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux verify --json`` prints."""
        return {
            "valid": self.valid,
            "kind": self.kind,
            "digest": self.digest,
            "input_dim": self.input_dim,
            "walls": None if self.walls is None else [list(wall) for wall in self.walls],
            "counts": self.counts,
            "reason": self.reason,
            "seconds": self.seconds,
            "property_digest": self.property_digest,
        }


# -------------------------------------------------------------------- writing


@checked_options
def write_certificate(
    network: Network | str | PathLike[str] | Any,
    path: str | PathLike[str],
    domain: DomainLike = None,
    *,
    output: int | None = None,
    progress: bool | Callable[[int, float], None] | None = None,
) -> RegionCount:
    """Count the cells, regions and affine maps of a network and write the proof to a file.

    The file appears under its name only when it is whole; a name that ends with ``.gz`` makes it compressed.

    Parameters
    ----------
    network : Network, path or torch module
    path : path
        Where the certificate goes; a file there is replaced.
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As for `puiseux.count_regions`.
    output : int, optional
        Take one output alone.
    progress : bool or callable, optional
        True shows a bar on stderr; a callable gets the number of cells written and the share that this is.

    Returns
    -------
    RegionCount
        The proven counts; ``regions_by_point`` is not part of the proof and None.

    Raises
    ------
    PuiseuxError
        The network or the domain is not usable, or the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> net = Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]])
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_certificate(net, f"{folder}/net.cert")
    ...     verdict = verify_certificate(f"{folder}/net.cert", net)
    >>> verdict.valid, verdict.counts["regions"]
    (True, 3)
    """
    with shown_counts(progress) as shown:
        return certify(pose(as_network(network, output=output), domain), path, progress=shown)


def certify(
    problem: Problem,
    path: str | PathLike[str],
    *,
    complex_: CellComplex | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> RegionCount:
    """`write_certificate` for a problem that is already posed, and for its complex of cells where that is there."""
    from nn_bridge.cells.proof.proof import CellProof  # imported when used: it loads the core

    begun = time.perf_counter()
    require_writable(path)
    network = problem.network
    if network.input_dim * (sum(network.hidden) + network.output_dim) > certificate_checker.FORM_LIMIT:
        raise UsageError(
            f"{shown_path(path)}: no certificate: inputs times units are more than {certificate_checker.FORM_LIMIT:,}"
        )
    proof = CellProof(problem.network, problem.domain, complex_=complex_)
    counts = {
        "cells": proof.cells,
        "regions": proof.regions,
        "regions_by_point": None,
        "affine_maps": proof.affine_maps,
    }
    header = {
        "kind": "cells",
        "digest": problem.network.digest(),
        "network": problem.network.normal_form(),
        "walls": proof.walls,
    }
    _write(path, header, _watched(proof.records(), proof.cells, progress), counts)
    return RegionCount(
        cells=proof.cells,
        regions=proof.regions,
        regions_by_point=None,
        affine_maps=proof.affine_maps,
        engine="cells",
        domain=problem.text,
        exact=True,
        complete=True,
        seconds=time.perf_counter() - begun,
        reason="regions_by_point is not part of a certificate",
    )


@checked_options
def write_pruning_certificate(pruning: Pruning, path: str | PathLike[str]) -> None:
    """Write the proof of a pruning, from ``prune(polynomial, certificates=True)``, to a file.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    from tropical.pruning_proof import PruningProof

    proof = PruningProof(pruning)
    header = {"kind": "pruning", "dim": proof.dim, "scale": proof.scale, "walls": proof.walls}
    _write(path, header, proof.records(), proof.counts)


def _watched(
    records: Iterator[list[Any]], cells: int, progress: Callable[[int, float], None] | None
) -> Iterator[list[Any]]:
    found = 0
    for number, record in enumerate(records):
        found += record[0] == "cell"
        if progress is not None and number % _RECORDS_BETWEEN_REPORTS == 0:
            progress(found, found / cells)
        yield record


def _write(path: str | PathLike[str], header: dict[str, Any], records: Iterable[list[Any]], counts: Any) -> None:
    form = {"format": certificate_checker.FORMAT, "version": certificate_checker.VERSION}
    require_short_weights(path, header.get("network", ()))
    if "network" in header:
        try:
            _, _, inputs, hidden, output = header["network"]
            list(certificate_checker.stages_of(inputs, [*hidden, output]))
        except certificate_checker.Invalid as error:
            raise UsageError(f"{shown_path(path)}: no certificate: {error}; round the network") from None
    with lines_into(path) as write:
        write({**form, **header})
        for record in records:
            write(record)
        write({"end": counts})


def require_short_weights(path: str | PathLike[str], network: Any) -> None:
    """Refuse a network, in normal form, with numbers that no certificate can hold.

    Raises
    ------
    UsageError
        A weight has too many digits.
    """
    texts = (text for block in _numbers_of(network) for text in block.split("/"))
    if max(map(len, texts), default=0) > _MOST_DIGITS:
        raise UsageError(
            f"{shown_path(path)}: no certificate: a weight has more than {_MOST_DIGITS} digits; round the network"
        )


def _numbers_of(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, (list, tuple)):
        for entry in content:
            yield from _numbers_of(entry)


@contextmanager
def lines_into(path: str | PathLike[str]) -> Iterator[Callable[[Any], None]]:
    """A function that appends JSON lines to a file which gets its name only at the end."""
    with whole_file(path) as raw:
        # no name and time in the compressed file: the same proof is the same file
        packed = gzip.GzipFile("", "wb", 6, raw, mtime=0) if os.fspath(path).endswith(".gz") else None
        stream: Any = raw if packed is None else packed

        def write(record: Any) -> None:
            stream.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")

        yield write
        if packed is not None:
            packed.close()


# -------------------------------------------------------------------- checking


@checked_options
def verify_certificate(
    path: str | PathLike[str],
    network: Network | str | PathLike[str] | Any = None,
    domain: DomainLike = None,
    *,
    output: int | None = None,
    spec: Property | str | PathLike[str] | None = None,
    second: Network | str | PathLike[str] | Any = None,
    progress: bool | Callable[[int, float], None] | None = None,
) -> Verdict:
    """Check a certificate, and if a network is given, whether it is of that network.

    Parameters
    ----------
    path : path
    network : Network, path or torch module, optional
        The certificate must be of this network.
    domain : str, Polyhedron, (low, high), list of pairs, or None
        And on this domain (only with a network; a slice is needed to recognise the network on it).
    output : int, optional
        And of this output alone.
    spec : path of a VNN-LIB file, or a property that was read, optional
        The certificate must be of this property.
    second : Network, path or torch module, optional
        With ``spec``: the second network of a property of two.
    progress : bool or callable, optional
        True shows a bar on stderr; a callable gets the number of bytes read and the share of the file.

    Returns
    -------
    Verdict
        ``valid`` is False, with a reason, where the certificate proves less than it claims or is of something else.

    Raises
    ------
    UsageError
        The file cannot be read or is no certificate, or the network or domain is not usable.
    """
    if network is None and (domain is not None or output is not None or second is not None):
        raise UsageError("a domain, an output and a second network are compared only together with a network; give one")
    of_a_fit = fits.is_fit_certificate(path)
    if of_a_fit and (network is not None or spec is not None):
        raise UsageError("a certificate of a fit is about samples: give no network and no property with it")
    asked = None if spec is None else read_property(spec)
    problem = None if network is None else pose(network_of(network, second, asked, output), domain)
    wanted = None if asked is None else property_form(asked)
    begun = time.perf_counter()
    checker: Any = fits if of_a_fit else property_checker if is_of_property(path) else certificate_checker
    try:
        with shown_counts(progress, "checked byte") as shown:
            found = checker.check(os.fspath(path), open if shown is None else _watched_opener(shown))
    except (certificate_checker.NoCertificate, property_checker.NoCertificate) as error:
        raise UsageError(f"{shown_path(path)}: {error}") from None
    except (certificate_checker.Invalid, property_checker.Invalid, fits.Invalid) as error:
        return Verdict(False, None, None, None, None, None, str(error), time.perf_counter() - begun)
    seconds = time.perf_counter() - begun
    reason = None if problem is None else _difference(found, problem, domain is not None)
    if reason is None and wanted is not None:
        reason = other_property(found, property_checker.digest_of(wanted))
    return Verdict(
        reason is None,
        found["kind"],
        found.get("digest"),
        found["input_dim"],
        tuple(map(tuple, found["walls"])) if "walls" in found else None,
        found["counts"],
        reason,
        seconds,
        found.get("property_digest"),
    )


def _watched_opener(progress: Callable[[int, float], None]) -> Callable[[str, str], io.BufferedReader]:
    """A function that opens a file like `open`, and reports whenever a part of it has been read."""

    class Watched(io.FileIO):
        _position = 0

        def readinto(self, buffer: Any) -> int:
            found = super().readinto(buffer) or 0
            self._position += found
            progress(self._position, self._position / max(1, self._position, os.fstat(self.fileno()).st_size))
            return found

    return lambda path, mode: io.BufferedReader(Watched(path, mode), _BYTES_BETWEEN_REPORTS)


def _difference(found: dict[str, Any], problem: Problem, domain_matters: bool) -> str | None:
    """Why a valid certificate is not about a problem."""
    if found["kind"] == "pruning":
        return f"is a valid certificate of a {found['kind']}, not of a network"
    digest = problem.network.digest()
    if found["digest"] != digest:
        return f"is a valid certificate of another network (digest {found['digest'][:12]}.., not {digest[:12]}..)"
    if domain_matters and found["kind"] == "property":
        return "is a valid certificate of a property, which holds its own domain; leave --domain out"
    if domain_matters and _domain(found["walls"], found["input_dim"]) != _irredundant(problem.domain):
        return f"is a valid certificate on another domain ({describe_walls(found['walls'], found['input_dim'])})"
    return None


def _domain(walls: Walls, dim: int) -> frozenset[tuple[int, ...]]:
    if not walls:
        return frozenset()
    return _irredundant(Polyhedron([[-v for v in wall[:-1]] for wall in walls], [wall[-1] for wall in walls], dim=dim))


def _irredundant(domain: Polyhedron | None) -> frozenset[tuple[int, ...]]:
    return frozenset(map(primitive, domain.irredundant().inequalities)) if domain is not None else frozenset()


def describe_walls(walls: Walls, dim: int) -> str:
    """A domain for people: ``all of R^2``, ``box:-1,1;0,2``, or how many inequalities there are.

    Examples
    --------
    >>> describe_walls([[1, 1], [-2, 3]], 1)
    'box:-1,3/2'
    """
    if not walls:
        return f"all of R^{dim}"
    ends: dict[tuple[int, bool], fmpq] = {}
    for wall in walls:
        used = [i for i, v in enumerate(wall[:-1]) if v]
        if len(used) == 1:
            ends[used[0], wall[used[0]] < 0] = fmpq(-wall[-1], wall[used[0]])
    if len(ends) == len(walls) == 2 * dim:
        return "box:" + ";".join(f"{ends[i, False]},{ends[i, True]}" for i in range(dim))
    return f"where {counted(len(walls), 'inequality holds', 'inequalities hold')} in R^{dim}"


__all__ = [
    "Verdict",
    "certify",
    "describe_walls",
    "require_writable",
    "verify_certificate",
    "write_certificate",
    "write_pruning_certificate",
]
