"""``puiseux random``: a random network, written to a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, choices


def random(
    architecture: Annotated[
        str,
        typer.Argument(metavar="ARCH", help="The sizes, inputs first: 2,16,16,1 or [2,16,16,1].", show_default=False),
    ],
    file: Annotated[
        Path,
        typer.Option(
            "-o", "--file", metavar="FILE", help="The file to write: .npz, .json, .onnx or .pt.", show_default=False
        ),
    ],
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same network.")] = 0,
    init: Annotated[
        str,
        typer.Option(
            "--init",
            metavar="NAME",
            help="he: N(0, 2/fan-in); he-input: N(0, 2/inputs) in every layer; glorot: N(0, 2/(fan-in + fan-out)); "
            "lecun: N(0, 1/fan-in); normal: N(0, 1); uniform: within 1/sqrt(fan-in) of 0; he-uniform, glorot-uniform, "
            "orthogonal, sparse; for degenerate networks integers: -3..3, and ternary: -1..1.",
            autocompletion=choices("puiseux.random_networks", "INITIALISATIONS"),
        ),
    ] = "he",
    activation: Annotated[
        str,
        typer.Option(
            "--activation",
            metavar="NAME",
            help="Of the hidden layers: relu, leaky:1/10, maxout:3 (three rows of weights a unit), or threshold:1/2, "
            "the maximum with 1/2; write all but relu as .json.",
        ),
    ] = "relu",
    zero_bias: Annotated[bool, typer.Option("--zero-bias", help="No biases: layer 1 cuts through 0 only.")] = False,
) -> None:
    """Write a network with random weights and biases."""
    from puiseux.random_networks import parse_architecture, random_network
    from puiseux.reading import save

    network = random_network(
        parse_architecture(architecture), rng=seed, init=init, zero_bias=zero_bias, activation=activation
    )
    save(network, file)
    print(f"wrote {shown_path(file)}: {network}", file=sys.stderr)


RANDOM = Command(
    "random",
    random,
    "Write a random network.",
    (
        "puiseux random 2,16,16,1 -o net.npz",
        "puiseux random '[3,8,1]' --seed 7 --init integers --zero-bias -o net.json",
        "puiseux random 2,6,6,1 --activation maxout:3 -o net.json",
    ),
)
