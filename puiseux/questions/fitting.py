"""The sparsest network with one hidden layer that fits a table of numbers, exactly."""

from __future__ import annotations

import csv
import io
from os import PathLike
from typing import Any

from flint import fmpq

from milp.training.sparse_fit import SparseFit, sparsest_fit
from nn_bridge.network.network import INPUT
from nn_bridge.readers.files import read_bytes
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import shown, shown_path
from polyhedra.scalars import ZERO, rational, to_text
from puiseux.questions.answers import sizes

_MAX_BYTES = 10 * 2**20
_MOST_SAMPLES, _MOST_NUMBERS = 10_000, 100_000
_ENDINGS = (".csv", ".tsv", ".txt")
_MOST_UNITS = 10_000

Table = tuple[list[tuple[fmpq, ...]], list[fmpq]]


def read_samples(path: str | PathLike[str]) -> Table:
    """Inputs and targets of a text file with a sample a row, the target last; decimals are exact.

    Raises
    ------
    UsageError
        It is no table of numbers; the message names the line.
    """
    name = shown_path(path)
    if not str(path).lower().endswith(_ENDINGS):
        raise UsageError(f"{name}: samples are read from {', '.join(_ENDINGS)}")
    try:
        text = read_bytes(path, _MAX_BYTES, "data").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{name}: is no text; save the data as .csv") from None
    first = text[:100_000].lstrip().split("\n")[0]
    separator = "\t" if "\t" in first else ";" if ";" in first else "," if "," in first else " "
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    inputs: list[tuple[fmpq, ...]] = []
    targets: list[fmpq] = []
    width, numbers, begun = 0, 0, False
    try:
        for row in reader:
            words = [word.strip() for word in row]
            if not any(words):
                continue
            if not begun and not any(map(_is_number, words)):
                begun = True  # a line of names
                continue
            begun, line = True, reader.line_num
            width = width or len(words)
            numbers += len(words)
            if len(words) != width:
                raise UsageError(f"{name}: line {line} has {len(words)} entries, the first has {width}")
            if width < 2:
                raise UsageError(f"{name}: line {line} has one column; give the inputs and the target")
            if len(targets) >= _MOST_SAMPLES or numbers > _MOST_NUMBERS:
                raise UsageError(f"{name}: has more than {_MOST_SAMPLES:,} samples or {_MOST_NUMBERS:,} numbers")
            try:
                values = [rational(word) for word in words]
            except PuiseuxError as error:
                raise UsageError(f"{name}: line {line}: {error}") from None
            inputs.append(tuple(values[:-1]))
            targets.append(values[-1])
    except csv.Error as error:
        raise UsageError(f"{name}: is no table: {shown(error)}; save the data as .csv") from None
    if not targets:
        raise UsageError(f"{name}: holds no samples")
    return inputs, targets


def fit_file(
    path: str | PathLike[str],
    units: int,
    *,
    solver: str | None = None,
    general_position: bool = False,
    time_limit: float | None = 60.0,
) -> SparseFit:
    """`milp.sparsest_fit` of the samples in a file; what is wrong with them is told with the name of the file."""
    if not 1 <= units <= _MOST_UNITS:
        raise UsageError(f"--units {units}: give 1 to {_MOST_UNITS:,}; more units than samples are never needed")
    inputs, targets = read_samples(path)
    try:
        return sparsest_fit(
            inputs, targets, units, solver=solver, general_position=general_position, time_limit=time_limit
        )
    except PuiseuxError as error:
        if "rows" in str(error):
            raise UsageError(f"{shown_path(path)}: {error} (samples are numbered from 0)") from None
        raise


def to_json(fit: SparseFit) -> dict[str, Any]:
    """The object that ``puiseux fit --json`` prints."""
    error = max_error(fit)
    search = fit.search
    return {
        "network": None if fit.network is None else sizes(fit.network),
        "domain": None,
        "samples": None if search is None else search.data.samples,
        "units": fit.neurons[0],
        "nonzeros": fit.nonzeros,
        "lower_bound": fit.lower_bound if fit.assumption else fit.proven_bound,
        "proven": fit.proven,
        "max_error": None if error is None else to_text(error),
        "assumption": fit.assumption,
        "general_position": None if search is None else search.generic,
        "systems": None if search is None else search.systems,
        "seconds": round(fit.report.seconds, 3),
        "complete": fit.proven,
        "reason": fit.reason,
    }


def max_error(fit: SparseFit) -> fmpq | None:
    """The largest absolute error of the network at the samples, exactly."""
    if fit.network is None or fit.search is None:
        return None
    data = fit.search.data
    return max(abs(fit.network.evaluate(x)[0] - y) for x, y in zip(data.inputs, data.targets, strict=True))


def describe(fit: SparseFit, name: str) -> str:
    """The answer for people."""
    assert fit.search is not None
    data = fit.search.data
    shape = f"{name}: {counted(data.samples, 'sample')} with {counted(data.features, 'input')}"
    if fit.network is None:
        head = f"{shape}: {fit.reason if fit.proven else 'no network was found'}"
        return f"{head}\n  {fit.report.seconds:.2f} s"
    weights = "weight" if fit.nonzeros == 1 else "weights and biases"
    units = sum(fit.network.hidden)
    lines = [
        f"{shape}, fitted exactly:",
        f"  {fit.nonzeros} non-zero {weights} in {units} unit{'s' * (units != 1)}",
        *[f"  {line}" for line in _formula(fit)],
    ]
    if fit.proven:
        lines.append(f"  proven: no network with {fit.neurons[0]} unit{'s' * (fit.neurons[0] != 1)} has fewer")
    else:
        lines.append(f"  not proven: at least {fit.proven_bound} are needed ({fit.reason})")
        if fit.assumption:
            lines.append(f"  at least {fit.lower_bound} in {fit.assumption}, which is assumed")
    return "\n".join([*lines, f"  {fit.report.seconds:.2f} s"])


def _formula(fit: SparseFit) -> list[str]:
    """The network as a sum of units, a line each, where it is short."""
    assert fit.network is not None
    stage, last = fit.network.stages[0], fit.network.output
    rows = stage.block(INPUT) or ((ZERO,) * fit.network.input_dim,) * stage.units
    signs = [value for _, block in last.blocks for value in block[0]]
    if len(signs) > 12:
        return []
    lines = []
    for sign, row, bias in zip(signs, rows, stage.bias, strict=True):
        terms = [f"{_factor(w)}x{i + 1}" for i, w in enumerate(row) if w != 0]
        terms += [to_text(bias)] if bias != 0 else []
        lines.append(f"{'+' if sign > 0 else '-'} max(0, {' + '.join(terms) or '0'})".replace("+ -", "- "))
    return lines if all(len(line) <= 100 for line in lines) else []


def _factor(weight: fmpq) -> str:
    text = to_text(weight)
    return {"1": "", "-1": "-"}.get(text, f"{text} ")


def _is_number(word: str) -> bool:
    try:
        rational(word)
    except PuiseuxError:
        return False
    return True
