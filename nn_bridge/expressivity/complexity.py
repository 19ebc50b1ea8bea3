"""Monomial complexity: how many terms the tropical maps of a network have, before and after pruning.

For every unit and every output there are two pairs of numbers, each of a numerator and a denominator: the *native* one,
the terms of the full expansion, in closed form (`nn_bridge.symbolic.monomials`), and the *pruned* one, the terms that
are needed, which are the affine maps that numerator and denominator take on the activation cells
(`nn_bridge.cells.tropical_map`). Nothing is expanded.

The pruned pair bounds the regions of an output from both sides: every irredundant term is maximal on some cell of the
common refinement, and a cell of it has one term of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.network.network import Network
from nn_bridge.symbolic.monomials import MonomialCount, native_monomials
from polyhedra.values import Value


@dataclass(frozen=True, slots=True, repr=False)
class Complexity(Value):
    """The monomials of one unit or output.

    Attributes
    ----------
    native, pruned : MonomialCount
    """

    native: MonomialCount
    pruned: MonomialCount

    @property
    def pruning_rate(self) -> Fraction:
        """The share of the native monomials, above and below together, that pruning removes."""
        return pruning_rate([self])

    @property
    def fewest_cells(self) -> int:
        """A lower bound on the cells of the common refinement of numerator and denominator."""
        return max(self.pruned.numerator, self.pruned.denominator)

    @property
    def most_cells(self) -> int:
        """An upper bound on them, and so on the regions and affine maps of the output."""
        return self.pruned.numerator * self.pruned.denominator

    def to_json(self) -> dict[str, Any]:
        """``{"native": {"numerator": .., "denominator": ..}, "pruned": {..}}``."""
        return {
            kind: {"numerator": count.numerator, "denominator": count.denominator}
            for kind, count in (("native", self.native), ("pruned", self.pruned))
        }


@dataclass(frozen=True, slots=True, repr=False)
class MonomialComplexity(Value):
    """The monomials of a network, layer by layer.

    Attributes
    ----------
    layers : tuple of tuples of Complexity
        The pre-activations of each stage; empty where only the outputs were asked for.
    outputs : tuple of Complexity
    """

    layers: tuple[tuple[Complexity, ...], ...]
    outputs: tuple[Complexity, ...]

    @property
    def pruning_rate(self) -> Fraction:
        """The share of the outputs' native monomials that pruning removes."""
        return pruning_rate(self.outputs)


def monomial_complexity(network: Network, *, layers: bool = True) -> MonomialComplexity:
    """The monomials of every unit and output, native and pruned, exactly.

    Parameters
    ----------
    network : Network
    layers : bool
        Without it only the outputs are computed, by one enumeration of the cells instead of one a stage.

    Raises
    ------
    NetworkError
        A native number is too large to write (see `nn_bridge.symbolic.monomials`).

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]])
    >>> found = monomial_complexity(net)
    >>> found.outputs[0].native, found.outputs[0].pruned
    (MonomialCount(numerator=8, denominator=1), MonomialCount(numerator=6, denominator=1))
    >>> found.pruning_rate
    Fraction(2, 9)
    """
    native = native_monomials(network)
    found = []
    for number, stage in enumerate(network.stages if layers else ()):
        part = replace(network, stages=network.stages[:number], output=stage, layers=None)
        found.append(_pairs(native[number], part))
    return MonomialComplexity(tuple(found), _pairs(native[-1], network))


def pruning_rate(entries: Sequence[Complexity]) -> Fraction:
    """The share of the native monomials of all entries together that pruning removes."""
    native = sum(entry.native.numerator + entry.native.denominator for entry in entries)
    pruned = sum(entry.pruned.numerator + entry.pruned.denominator for entry in entries)
    return 1 - Fraction(pruned, native)


def _pairs(native: Sequence[MonomialCount], network: Network) -> tuple[Complexity, ...]:
    return tuple(
        Complexity(count, MonomialCount.of(f)) for count, f in zip(native, tropicalize_by_cells(network), strict=True)
    )


__all__ = ["Complexity", "MonomialComplexity", "monomial_complexity", "pruning_rate"]
