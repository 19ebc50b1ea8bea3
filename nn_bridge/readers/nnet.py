"""Reader of ``.nnet`` files, the text format of the ACAS Xu networks.

After comment lines that begin with ``//`` come, separated by commas: the number of layers, inputs, outputs and the
largest layer; the size of every layer, inputs first; a flag without use; minima, maxima of the inputs; means and ranges
of the inputs, and one of the outputs; then for each layer the rows of its weights, and its biases one a line.  ReLU
stands after every layer but the last.  A number is the float64 that it denotes.

The weights belong to normalised inputs, ``(x - mean) / range``, and give normalised outputs.  The network is read as
the weights say, and `normalise` puts the affine maps around it; the minima and maxima are a domain, not part of it.
"""

from __future__ import annotations

import math
import os

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.chains import chain
from nn_bridge.network.network import Network
from nn_bridge.readers.files import MAX_TEXT_BYTES, read_bytes
from polyhedra.plurals import counted
from polyhedra.quoting import shown_path
from polyhedra.scalars import rational

_ADVICE = "the format is described with the reader in docs/networks.md"
_NORMALISED = "reads and gives normalised values: (x - mean) / range with the means and ranges of the file"


def read_nnet(path: str | os.PathLike[str], *, normalise: bool = False) -> Network:
    """Read a ``.nnet`` file.

    Parameters
    ----------
    path : path
    normalise : bool
        Read raw inputs and give raw outputs: the affine normalisation of the file becomes part of the network.

    Raises
    ------
    NetworkError
        The file is no ``.nnet`` text, is cut off, or holds numbers that are not finite.
    """
    content = read_bytes(path, MAX_TEXT_BYTES)
    Budget().spend_entries(content.count(b",") + content.count(b"\n"), f"{shown_path(path)}: the list of its entries")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NetworkError(f"{shown_path(path)} is not a UTF-8 text; {_ADVICE}") from None
    try:
        return _Lines(text).network(normalise)
    except NetworkError as error:
        raise NetworkError(f"{shown_path(path)}: {error}") from None


class _Lines:
    """The lines with numbers, one after another."""

    def __init__(self, text: str) -> None:
        lines = enumerate(text.splitlines(), 1)
        self.lines = [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("//")]
        self.next = 0

    def numbers(self, least: int, what: str) -> list[float]:
        """The numbers of the next line, at least so many."""
        if self.next == len(self.lines):
            raise NetworkError(f"it ends before {what}; {_ADVICE}")
        number, line = self.lines[self.next]
        self.next += 1
        try:
            values = [float(part) for part in line.split(",") if part.strip()]
        except ValueError:
            raise NetworkError(f"line {number} ({what}) holds something that is no number; {_ADVICE}") from None
        if len(values) < least:
            raise NetworkError(
                f"line {number} ({what}) has {counted(len(values), 'number')} and needs {least}; {_ADVICE}"
            )
        if not all(map(math.isfinite, values)):
            raise NetworkError(f"line {number} ({what}) holds a number that is not finite")
        return values

    def sizes(self, least: int, what: str) -> list[int]:
        """The positive integers of the next line."""
        values = self.numbers(least, what)
        if any(v != int(v) or v < 1 for v in values[:least]):
            raise NetworkError(f"{what} must be positive integers; {_ADVICE}")
        return [int(v) for v in values[:least]]

    def network(self, normalise: bool) -> Network:
        """The whole file."""
        layers, inputs, outputs, _ = self.sizes(4, "the number of layers, inputs, outputs, and the largest layer")
        if layers > 10_000:
            raise NetworkError(f"it declares {layers} layers; {_ADVICE}")
        sizes = self.sizes(layers + 1, "the sizes of the layers")
        if sizes[0] != inputs or sizes[-1] != outputs:
            raise NetworkError(
                f"the sizes {sizes[0]}, .., {sizes[-1]} are not those of {counted(inputs, 'input')}, "
                f"{counted(outputs, 'output')}"
            )
        self.numbers(1, "the flag")
        self.numbers(inputs, "the minima of the inputs")
        self.numbers(inputs, "the maxima of the inputs")
        means = self.numbers(inputs + 1, "the means")
        ranges = self.numbers(inputs + 1, "the ranges")
        weights, biases = [], []
        for k in range(layers):
            width = sizes[k]
            rows = [self.numbers(width, f"layer {k}, row {i}") for i in range(sizes[k + 1])]
            if any(len(row) != width for row in rows):
                raise NetworkError(f"layer {k} has rows of more than {counted(width, 'number')}; {_ADVICE}")
            weights.append(rows)
            biases.append([self.numbers(1, f"layer {k}, bias {i}")[0] for i in range(sizes[k + 1])])
        if self.next != len(self.lines):
            raise NetworkError(f"line {self.lines[self.next][0]} comes after the last layer; {_ADVICE}")
        network = chain(weights, biases, ["relu"] * (layers - 1) + ["linear"], Budget())
        if not normalise:
            trivial = not any(means[: inputs + 1]) and all(r == 1 for r in ranges[: inputs + 1])
            notes = () if trivial else (_NORMALISED,)
            return Network(network.input_dim, network.stages, network.output, network.layers, notes)
        return _around(network, [rational(v) for v in means], [rational(v) for v in ranges])


def _around(network: Network, means: list[fmpq], ranges: list[fmpq]) -> Network:
    """The network on raw values; the last mean and range are those of all outputs."""
    n = network.input_dim
    if not all(ranges[: n + 1]):
        raise NetworkError("a range is 0, so the inputs cannot be normalised")
    directions = [[1 / ranges[i] if i == j else 0 for j in range(n)] for i in range(n)]
    inner = network.restrict_to(directions, [-m / r for m, r in zip(means[:n], ranges[:n], strict=True)])
    build = NetworkBuilder(n, Budget())
    values = [build.input()]
    for stage in (*inner.stages, inner.output):
        parts = [build.affine(values[source], matrix) for source, matrix in stage.blocks]
        signal = build.shift(build.add(*parts), stage.bias) if parts else build.constant(stage.bias)
        values.append(build.relu(signal) if len(values) <= len(inner.stages) else signal)
    raw = build.shift(build.scale(values[-1], ranges[n]), [means[n]] * network.output_dim)
    return build.finish(
        raw, notes=("reads and gives raw values: the normalisation of the file is part of the network",)
    )
