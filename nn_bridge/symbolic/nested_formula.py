"""The formula of a network layer by layer: nested maxima, as the network computes them.

A deep network can have a far shorter nested form than its flat form ``max(..) - max(..)``.  Units that the output does
not read are left out; a unit that is read several times is written several times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, AffineStage, Network
from polyhedra.plurals import counted
from polyhedra.scalars import decimal_text, to_text

MAX_LENGTH = 100_000  # characters of a unit's expression


def nested_text(
    network: Network, output: int = 0, *, names: Sequence[str] | None = None, decimals: bool = False
) -> str:
    """One output as nested maxima, ``"2max(x1 - max(x2, 0), 0) - 1"``; `tropical.parsing.parse` reads it back.

    Raises
    ------
    NetworkError
        There is no such output, or the expression is longer than `MAX_LENGTH` characters.

    Examples
    --------
    >>> net = Network.from_layers([[[1, -1]], [[2]], [["-1/2"]]], [[0], [-1], [3]])
    >>> nested_text(net)
    '-1/2max(2max(x1 - x2, 0) - 1, 0) + 3'
    """
    variables = names or [f"x{k + 1}" for k in range(network.input_dim)]
    return _nested(network, output, variables, "max({}, 0)", decimal_text if decimals else to_text)


def nested_latex(
    network: Network, output: int = 0, *, names: Sequence[str] | None = None, decimals: bool = False
) -> str:
    r"""The same in LaTeX, ``2\max\left(x_{1}, 0\right)``."""
    variables = names or [f"x_{{{k + 1}}}" for k in range(network.input_dim)]
    number = _decimal if decimals else _fraction
    return _nested(network, output, variables, r"\max\left({},\, 0\right)", number)


def nested_sympy(network: Network, output: int = 0, *, symbols: Sequence[Any] | None = None) -> Any:
    """The same as a SymPy expression with ``Max``; real symbols ``x1, ..., xn`` unless given."""
    import sympy

    variables = symbols or sympy.symbols([f"x{k + 1}" for k in range(network.input_dim)], real=True)

    def combine(stage: AffineStage, row: int, sources: list[list[Any]]) -> Any:
        pieces = [sympy.Rational(int(w.p), int(w.q)) * v for w, v in _reads(stage, row, sources)]
        bias = stage.bias[row]
        return sympy.Add(*pieces, sympy.Rational(int(bias.p), int(bias.q)))

    _check(network, output)
    sources: list[list[Any]] = [list(variables)]
    for stage in network.stages:
        sources.append([sympy.Max(combine(stage, i, sources), 0, evaluate=False) for i in range(stage.units)])
    return combine(network.output, output, sources)


def _nested(network: Network, output: int, names: Sequence[str], maximum: str, number: Any) -> str:
    _check(network, output)
    if len(names) != network.input_dim:
        raise NetworkError(f"{counted(len(names), 'name')} cannot stand for {counted(network.input_dim, 'input')}")
    sources: list[list[str]] = [list(names)]
    for stage in network.stages:
        sources.append([maximum.format(_sum(stage, i, sources, number)) for i in range(stage.units)])
    return _sum(network.output, output, sources, number)


def _check(network: Network, output: int) -> None:
    if not 0 <= output < network.output_dim:
        raise NetworkError(f"there is no output {output}; the network has outputs 0..{network.output_dim - 1}")


def _reads(stage: AffineStage, row: int, sources: list[list[Any]]) -> list[tuple[fmpq, Any]]:
    """The non-zero weights of a unit with what they multiply: later sources first, the input last."""
    reads = []
    for source, matrix in sorted(stage.blocks, key=lambda block: (block[0] == INPUT, block[0])):
        reads += [(weight, value) for weight, value in zip(matrix[row], sources[source], strict=True) if weight]
    return reads


def _sum(stage: AffineStage, row: int, sources: list[list[str]], number: Any) -> str:
    parts = []
    for weight, text in _reads(stage, row, sources):
        size = abs(weight)
        parts.append((weight < 0, text if size == 1 else f"{number(size)}{text}"))
    bias = stage.bias[row]
    if bias or not parts:
        parts.append((bias < 0, number(abs(bias))))
    text = ("-" if parts[0][0] else "") + parts[0][1]
    text += "".join(f" {'-' if negative else '+'} {part}" for negative, part in parts[1:])
    if len(text) > MAX_LENGTH:
        raise NetworkError(f"the nested formula is longer than {MAX_LENGTH} characters; use the flat form")
    return text


def _decimal(value: fmpq) -> str:
    text = decimal_text(value)
    return _fraction(value) if "/" in text else text


def _fraction(value: fmpq) -> str:
    return str(value.p) if value.q == 1 else rf"\frac{{{value.p}}}{{{value.q}}}"


__all__ = ["nested_latex", "nested_sympy", "nested_text"]
