"""Max-plus formulas of networks: the shortest that can be proven, and how many terms the expansion has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from os import PathLike
from typing import Any

from flint import fmpq

from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.expressivity.complexity import monomial_complexity
from nn_bridge.network.network import Network
from puiseux.reading import as_network
from tropical.rational import PuiseuxRational
from tropical.simplify import SimplifiedFormula
from tropical.simplify import simplify as simplify_rational

_CHECKS = 16  # points at which network and formula are evaluated, on top of the proof that rewriting kept the function


@dataclass(frozen=True, slots=True)
class NetworkFormula:
    """The outputs of a network as differences of max-plus polynomials in the inputs ``x1, ..., xn``.

    Attributes
    ----------
    outputs : tuple of SimplifiedFormula
        One for each output; ``outputs[k].rational`` is the function, ``outputs[k].minimal`` says whether no formula of
        this form has fewer terms.
    network : Network or None
        The network whose outputs these are.
    """

    outputs: tuple[SimplifiedFormula, ...]
    network: Network | None = field(default=None, repr=False, compare=False)

    def nested(self, form: str = "text") -> tuple[str | None, ...]:
        """For each output the formula written layer by layer, in ``"text"``, ``"latex"`` or ``"sympy"``, where shorter.

        None where the flat formula is at most as long.
        """
        if self.network is None:
            return (None,) * len(self.outputs)
        from nn_bridge.symbolic import nested_formula

        writers: dict[str, Callable[[Network, int], Any]] = {
            "text": nested_formula.nested_text,
            "latex": nested_formula.nested_latex,
            "sympy": nested_formula.nested_sympy,
        }
        write = writers[form]
        found = []
        for number, flat in enumerate(self.outputs):
            text = str(write(self.network, number))
            found.append(text if len(text) < len(flat.render(form)) else None)
        return tuple(found)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_latex_(self) -> str:
        lines = r" \\ ".join(f"y_{{{k}}} &= {formula.to_latex()}" for k, formula in enumerate(self.outputs))
        return rf"$\begin{{aligned}} {lines} \end{{aligned}}$"

    def to_text(self) -> str:
        """``"max(2x1 - x2 + 1/3, 0) - max(x2, 0)"``, a line for each output."""
        return "\n".join(formula.to_text() for formula in self.outputs)

    def to_latex(self) -> str:
        """LaTeX without dollar signs, a line for each output."""
        return "\n".join(formula.to_latex() for formula in self.outputs)

    def to_sympy(self) -> list[Any]:
        """A SymPy expression with ``Max`` for each output."""
        return [formula.to_sympy() for formula in self.outputs]

    def to_python(self, name: str = "network") -> str:
        """The source of a Python function of NumPy arrays, in float64 (see `tropical.source_code`)."""
        from tropical.source_code import python_source

        return python_source([formula.rational for formula in self.outputs], name)

    def to_c(self, name: str = "network") -> str:
        """The source of a C function, in float64."""
        from tropical.source_code import c_source

        return c_source([formula.rational for formula in self.outputs], name)

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux simplify --format json`` prints."""
        return {"outputs": [formula.to_json() for formula in self.outputs], "verified": True}


def simplify(
    network: Network | str | PathLike[str] | Any, *, output: int | None = None, search: bool = True
) -> NetworkFormula:
    """The shortest max-plus formula of each output that is found, equal to the network everywhere.

    Redundant terms are pruned with proof, then the pairs of polynomials with the same difference are searched for a
    shorter one.  Each rewriting is verified as an equality of functions in exact arithmetic.

    Parameters
    ----------
    network : Network, path or torch module
    output : int, optional
        Take one output alone.
    search : bool
        Without it only prune, which is fast for thousands of terms.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]], [[0, 0], [1]])
    >>> print(simplify(net))
    max(x1 + x2 + 1, x1 + 1, x2 + 1, 1)
    """
    exact = as_network(network, output=output)
    formula = NetworkFormula(
        tuple(simplify_rational(f, search=search, irredundant=True) for f in tropical_maps(exact)), exact
    )
    for point in _check_points(exact.input_dim):
        if exact.evaluate(point) != tuple(each.rational(point) for each in formula.outputs):
            raise AssertionError(f"the formula of {exact} differs from it at {point}")
    return formula


@lru_cache(maxsize=4)
def tropical_maps(network: Network) -> tuple[PuiseuxRational, ...]:
    """The outputs as tropical rational maps without redundant terms, through the activation cells."""
    return tropicalize_by_cells(network)


def count_monomials(network: Network) -> dict[str, Any]:
    """The object that ``puiseux monomials --json`` prints: native and pruned numbers of terms for each output."""
    return {"outputs": [entry.to_json() for entry in monomial_complexity(network, layers=False).outputs]}


def _check_points(dim: int) -> Iterator[tuple[fmpq, ...]]:
    """A few points with short coordinates, always the same."""
    for k in range(_CHECKS):
        yield tuple(fmpq((7 * k + 3 * i) % 23 - 11, 1 + (k + i) % 3) for i in range(dim))
