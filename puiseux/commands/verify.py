"""``puiseux verify``: check a certificate independently of the engines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyhedra.errors import UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import shown, shown_path
from puiseux.commands.options import Command, JsonOption, OutputOption, TimeLimitOption
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from puiseux.certificates.certificate import Verdict


def verify(
    certificate: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A certificate, from count, property or fit --certificate.", show_default=False
        ),
    ],
    network: Annotated[
        list[Path] | None,
        typer.Option("--network", metavar="NETWORK", help="Require that it is of this network; twice: of these two."),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option("--domain", metavar="DOMAIN", help="With --network: require this domain (as for count)."),
    ] = None,
    output: OutputOption = None,
    spec: Annotated[
        Path | None,
        typer.Option("--spec", metavar="SPEC", help="Require that it is of this property (a VNN-LIB file)."),
    ] = None,
    time_limit: TimeLimitOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check the proof in a certificate: exit code 0 if it is valid, 1 if it is invalid or truncated, 3 out of time."""
    from puiseux.certificates.certificate import verify_certificate
    from puiseux.console.waiting import CellProgress, StepProgress
    from puiseux.time_limit import within

    if len(network or ()) > 2:
        raise UsageError("a certificate is of one network or two; give --network twice at most")
    first, second = [*(network or ()), None, None][:2]

    if time_limit is None:
        with CellProgress("checked byte") as progress:
            verdict = verify_certificate(
                certificate, first, domain, output=output, spec=spec, second=second, progress=progress
            )
    else:
        with StepProgress() as step:
            step("Checking the certificate")
            verdict = within(
                time_limit,
                lambda: verify_certificate(certificate, first, domain, output=output, spec=spec, second=second),
                "neither found valid nor invalid; give more time",
            )
    if as_json:
        print(json.dumps(verdict.to_json()))
    elif verdict.valid:
        print(report(verdict, shown_path(certificate), network or ()))
    else:
        print(f"puiseux: {shown_path(certificate)}: {_what(verdict)}{shown(verdict.reason, 400)}", file=sys.stderr)
    return ExitCode.DONE if verdict.valid else ExitCode.DIFFERENT


def _what(verdict: Verdict) -> str:
    return "invalid certificate: " if verdict.kind is None else ""


def report(verdict: Verdict, name: str, networks: Sequence[Path] = ()) -> str:
    """The statement that a valid certificate proves, for people."""
    from puiseux.certificates.certificate import describe_walls

    assert verdict.counts is not None
    if verdict.kind == "fit":
        return _report_fit(verdict, name)
    assert verdict.input_dim is not None
    where = f"property with digest {verdict.property_digest}: no input satisfies it"
    if verdict.walls is not None:
        where = describe_walls(verdict.walls, verdict.input_dim)
    about = f"a max-plus polynomial in {counted(verdict.input_dim, 'variable')}"
    if verdict.digest is not None:
        named = " and ".join(map(shown_path, networks))
        about = f"network{'s' if len(networks) > 1 else ''} {named or f'with digest {verdict.digest}'}"
    lines = [f"{name}: valid", f"{about}, {where}:", ""]
    shown = {key: "not proven" if value is None else f"{value:,}" for key, value in verdict.counts.items()}
    width = max(len(value) for key, value in shown.items() if verdict.counts[key] is not None)
    lines += [f"  {key:<16} {value:>{width}}" for key, value in shown.items()]
    return "\n".join([*lines, "", f"checked in {verdict.seconds:.2f} s"])


def _report_fit(verdict: Verdict, name: str) -> str:
    assert verdict.counts is not None
    units, nonzeros, bound = verdict.counts["units"], verdict.counts["nonzeros"], verdict.counts["lower_bound"]
    network = "" if nonzeros is None else f"; the network in it fits with {nonzeros}"
    return "\n".join(
        [
            f"{name}: valid",
            f"no network with {counted(units or 0, 'hidden unit')} and fewer than {bound} non-zero weights and",
            f"biases fits the samples{network}",
            "",
            f"checked in {verdict.seconds:.2f} s",
        ]
    )


VERIFY = Command(
    "verify",
    verify,
    "Check a certificate.",
    (
        "puiseux verify net.cert",
        "puiseux verify net.cert.gz --network net.npz --json",
        "puiseux verify proof.cert.gz --network net.onnx --spec spec.vnnlib",
        "puiseux verify same.cert --network net.onnx --network pruned.onnx --spec same.vnnlib",
        "puiseux verify plane.cert --network digits.npz --domain slice:plane.json --output 3",
    ),
)
