"""Tropical curves with their dual subdivisions in a file: of a formula, or of the two polynomials of an output."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nn_bridge.network.network import Network
from polyhedra.errors import AlgebraError, UsageError
from polyhedra.plurals import counted
from puiseux.pictures.figures import new_figure
from puiseux.pictures.pages import save_figure
from puiseux.pictures.polynomials import Window, plot_dual_pair, plot_surface_pair
from tropical.polynomial import PuiseuxPolynomial
from tropical.printing import affine_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVE = "curve"
"""The kind of picture."""
_LONGEST_LABEL = 24  # characters of a term that is written into its region


def is_formula(text: str) -> bool:
    """Whether a text is meant as a formula: it has a maximum, and no file has this name.

    Examples
    --------
    >>> is_formula("max(0, x, y)"), is_formula("net.npz")
    (True, False)
    """
    return ("max(" in text or "max{" in text) and not Path(text).exists()


def save_curve(
    subject: PuiseuxPolynomial | Network | str, path: str | PathLike[str], *, window: Window | None = None
) -> None:
    """Draw the tropical curve of a polynomial and its dual subdivision into a file.

    Parameters
    ----------
    subject : PuiseuxPolynomial, its formula, or a Network
        In two variables (a surface, in three, is a page that turns). Of a network with one output, which is the
        difference of two polynomials, the curves of both.
    path : path
        Ends in .png, .svg, .pdf or .html.
    window : as in `puiseux.pictures.polynomials.plot_curve`, optional

    Raises
    ------
    UsageError
        The network has several outputs, or a surface is not to go into a page.
    AlgebraError
        There are not two variables, or the formula cannot be read.
    """
    name = fspath(path)
    if isinstance(subject, Network):
        save_figure(_pairs_of(subject, window), name)
        return
    polynomial = PuiseuxPolynomial(subject) if isinstance(subject, str) else subject
    if polynomial.dim == 3:
        if not name.lower().endswith(".html"):
            raise UsageError("a surface in three variables is drawn on a page that turns; end the file in .html")
        plot_surface_pair(polynomial, window=window).write_html(name, include_plotlyjs=True)
        return
    figure = new_figure((10, 5))
    _draw(polynomial, figure.subplots(1, 2), window)
    save_figure(figure, name)


def _draw(polynomial: PuiseuxPolynomial, axes: Any, window: Window | None) -> Any:
    short = all(len(affine_text(*term, names=polynomial.names)) <= _LONGEST_LABEL for term in polynomial.terms)
    return plot_dual_pair(polynomial, axes, window=window, labels=short)


def _pairs_of(network: Network, window: Window | None) -> Figure:
    """The curves of the polynomials whose difference the output is, one above the other."""
    from nn_bridge.symbolic.tropicalize import tropicalize

    if network.output_dim != 1:
        raise UsageError(f"a curve is that of one output, the network has {network.output_dim}; give --output K")
    if network.input_dim != 2:
        raise AlgebraError(f"a curve is drawn for two inputs, the network has {network.input_dim}")
    (found,) = tropicalize(network)
    parts = [("first maximum", found.numerator), ("maximum that is subtracted", found.denominator)]
    if len(found.denominator) == 1:  # a curve has no edges then
        parts = parts[:1]
    figure = new_figure((10, 5 * len(parts)))
    for row, (title, polynomial) in zip(figure.subplots(len(parts), 2, squeeze=False), parts, strict=True):
        left, _ = _draw(polynomial, row, window)
        left.set_title(
            f"tropical curve: {title}, {counted(len(polynomial), 'term')}" if len(parts) > 1 else "tropical curve"
        )
    return figure


__all__ = ["CURVE", "is_formula", "save_curve"]
