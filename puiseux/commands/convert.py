"""``puiseux convert``: from one format to another, exactly or with a rounding that is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.errors import UsageError
from polyhedra.quoting import quoted, shown, shown_path
from puiseux.commands.options import LONGEST_NOTE, Command, OutputOption


def convert(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="A network: .npz, .json, .onnx, .pt, .pth or .nnet.", show_default=False),
    ],
    target: Annotated[
        Path | None,
        typer.Argument(metavar="OUT", help="The file to write: .json, .onnx, .npz or .pt.", show_default=False),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            metavar="TYPE",
            help="Round entries to float64 or float32; without it nothing is rounded.",
        ),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(
            "--bits",
            metavar="N",
            min=0,
            max=1074,
            help="Round entries to multiples of 2^-N, for formulas that a person can read.",
        ),
    ] = None,
    input_shape: Annotated[
        str | None,
        typer.Option(
            "--input-shape",
            metavar="SIZES",
            help="The shape of one input, where an ONNX model leaves it open: 1,28,28.",
        ),
    ] = None,
    output: OutputOption = None,
    file: Annotated[
        Path | None,
        typer.Option("-o", "--file", metavar="FILE", help="Another way to give OUT.", show_default=False),
    ] = None,
) -> None:
    """Write a network in another format; the function stays exactly the same unless it is rounded."""
    from puiseux.reading import load, save

    if target is not None and file is not None:
        raise UsageError(f"OUT is {shown_path(target)} and -o {shown_path(file)}; give one of them")
    target = file if target is None else target
    if target is None:
        raise UsageError("missing argument 'OUT'; see 'puiseux convert --help'")
    network = load(source, output=output, input_shape=None if input_shape is None else _sizes(input_shape))
    if bits is not None:
        network = network.round(bits)
    written = save(network, target, precision=precision)
    for note in written.notes:
        print(f"note: {shown(note, LONGEST_NOTE)}", file=sys.stderr)
    print(f"wrote {shown_path(target)}: {written}", file=sys.stderr)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--input-shape {quoted(text)} is no list of sizes; write 1,28,28") from None


CONVERT = Command(
    "convert",
    convert,
    "Write a network in another format.",
    (
        "puiseux convert model.onnx net.json",
        "puiseux convert net.npz -o net.onnx",
        "puiseux convert net.json net.npz --precision float64",
        "puiseux convert net.npz rounded.json --bits 6 && puiseux simplify rounded.json",
        "puiseux convert images.onnx net.json --input-shape 1,28,28",
    ),
)
