"""Certificates of properties, each line of which the checker accepts before it is written.

`milp.property_proof` proposes the lines, and `puiseux.certificates.property_checker` judges them. The file appears when
the proof is complete.
"""

from __future__ import annotations

import time
from os import PathLike
from typing import Any

from milp.domain import OutOfTime
from milp.properties import check_sizes
from milp.property_proof import PRECISION, proof_records
from milp.vnnlib import Property
from nn_bridge.network.network import Network
from nn_bridge.writers.files import require_writable
from polyhedra.errors import UsageError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import shown_path
from puiseux.certificates import property_checker
from puiseux.certificates.certificate import lines_into, require_short_weights
from puiseux.certificates.of_properties import network_of, property_form, read_property
from puiseux.time_limit import Stopped, check_time_limit


@checked_options
@with_steps("Writing the certificate")
def write_property_certificate(
    network: Network | str | PathLike[str] | Any,
    spec: Property | str | PathLike[str],
    path: str | PathLike[str],
    *,
    second: Network | str | PathLike[str] | Any = None,
    time_limit: float | None = None,
    progress: Steps = None,
) -> dict[str, int]:
    """Prove that no input satisfies a property's assertions, and write the proof to a file.

    Parameters
    ----------
    network : Network, path or torch module
    spec : path of a VNN-LIB file, or a property that was read
    path : path
        Where the certificate goes; it appears when the proof is complete. With ``.gz`` at the end it is compressed.
    second : Network, path or torch module, optional
        The second network of a property that declares two; the certificate is about their joint network, on the inputs
        that the equations of the property leave free.
    time_limit : float, optional
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Returns
    -------
    dict
        How many ``splits`` and ``leaves`` the proof has.

    Raises
    ------
    UsageError
        The file cannot be written, or a number is too long for a certificate.
    FormulationError
        The property has a counterexample, or its inputs are unbounded.
    Stopped
        The time was over before the proof was complete.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from milp.vnnlib import parse_vnnlib
    >>> from puiseux.certificates.certificate import verify_certificate
    >>> spec = parse_vnnlib('''
    ... (declare-const X_0 Real) (declare-const Y_0 Real)
    ... (assert (>= X_0 -1)) (assert (<= X_0 2)) (assert (> Y_0 2))''')
    >>> net = Network.from_layers([[[1], [-1]], [[1, 1]]])  # |x|
    >>> with TemporaryDirectory() as folder:
    ...     _ = write_property_certificate(net, spec, f"{folder}/net.cert")
    ...     verdict = verify_certificate(f"{folder}/net.cert", net, spec=spec)
    >>> verdict.valid, verdict.kind
    (True, 'property')
    """
    check_time_limit(time_limit)
    deadline = None if time_limit is None else time.monotonic() + time_limit
    require_writable(path)
    asked = read_property(spec)
    exact = network_of(network, second, asked)
    if len(asked.networks) < 2:
        check_sizes(exact, asked)
    content = property_form(asked)
    header = {
        "format": property_checker.FORMAT,
        "version": property_checker.VERSION,
        "kind": "property",
        "digest": exact.digest(),
        "network": exact.normal_form(),
        "precision": PRECISION,
        "property": content,
        "property_digest": property_checker.digest_of(content),
    }
    require_short_weights(path, header["network"])
    try:
        judge = property_checker.Tree(
            **{key: header[key] for key in ("digest", "network", "precision", "property", "property_digest")}
        )
        with lines_into(path) as write:
            write(header)
            for record in proof_records(exact, content[-1], deadline=deadline):
                judge.read(record)
                write(record)
                if deadline is not None and time.monotonic() > deadline:
                    raise OutOfTime("time limit")
            counts = judge.counts()
            write({"end": counts})
    except property_checker.Invalid as error:
        raise UsageError(f"{shown_path(path)}: no certificate: {error}") from None
    except OutOfTime:
        raise Stopped(f"{shown_path(path)}: no certificate: the time limit came first; raise it") from None
    return counts
