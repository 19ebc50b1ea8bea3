"""From a network to its tropical rational map, symbolically.

Every unit carries a pair (f, g) of tropical polynomials with value ``f - g``; an input is (x_i, 0).  A pre-activation
``sum_k w_k (f_k - g_k) + b`` is the tropical quotient of

    numerator    prod over w_k > 0 of f_k^w_k  times  prod over w_k < 0 of g_k^|w_k|  times  b
    denominator  prod over w_k > 0 of g_k^w_k  times  prod over w_k < 0 of f_k^|w_k|

and the ReLU gives the pair (max(numerator, denominator), denominator).  Thresholds, leaky ReLU, maxout and skip
connections arrive here as such units (`nn_bridge.network.builder`), so there is nothing else to do.

Lezeau et al., "Tropical expressivity of neural networks" (2024); Zhang, Naitzat and Lim, "Tropical geometry of deep
neural networks" (2018).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import count
from typing import Literal

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import AffineStage, Network, check_dense
from nn_bridge.symbolic.monomials import native_monomials
from polyhedra.quoting import quoted
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import Method, pruned_product
from tropical.pruning import prune as without_redundant_terms
from tropical.rational import PuiseuxRational

When = Literal["layer", "end", "none"]

MAX_EXPANSION = 20_000_000
"""The most terms that are expanded without pruning on the way."""

LARGE_PRODUCT = 2000
"""From how many pairs of terms on a product is pruned through its factors, which then pays."""


def tropicalize(
    network: Network, *, prune: When = "layer", method: Method = "certified"
) -> tuple[PuiseuxRational, ...]:
    """The outputs as tropical rational maps, exactly.

    Parameters
    ----------
    network : Network
    prune : "layer", "end" or "none"
        ``"layer"`` removes redundant terms after every operation, so that numerators and denominators never hold more
        than they need.  ``"end"`` expands everything and prunes the outputs; ``"none"`` leaves the expansion as it is
        (equal exponents merged), for the study of the expansion itself.
    method : "certified", "hull" or "cdd"
        How to prune (`tropical.pruning.prune`); the result is the same.

    Raises
    ------
    NetworkError
        Without pruning on the way the expansion has more than `MAX_EXPANSION` terms.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]])
    >>> print(tropicalize(net)[0])
    max(x1, 0) - max(2x1 - 1, 0)
    """
    check_dense(network)
    return tropical_preactivations(network, prune=prune, method=method)[-1]


def tropical_preactivations(
    network: Network, *, prune: When = "layer", method: Method = "certified"
) -> tuple[tuple[PuiseuxRational, ...], ...]:
    """Every pre-activation ``numerator - denominator``, stage by stage, and the outputs (the last entry).

    The arguments are those of `tropicalize`; with ``prune="end"`` only the outputs are pruned.
    """
    check_dense(network)
    if prune not in ("layer", "end", "none"):
        raise NetworkError(f"networks are not pruned at {quoted(prune)}; use 'layer', 'end' or 'none'")
    if prune != "layer":
        _check_expansion(network)
    at_once = method if prune == "layer" else None
    n = network.input_dim
    one = PuiseuxPolynomial.constant(0, n)
    sources: list[list[PuiseuxRational]] = [[PuiseuxRational(x, one) for x in PuiseuxPolynomial.variables(n)]]
    results = []
    for stage in network.stages:
        results.append(tuple(_preactivation(stage, i, sources, n, at_once) for i in range(stage.units)))
        sources.append([_relu(value, at_once) for value in results[-1]])
    outputs = tuple(_preactivation(network.output, i, sources, n, at_once) for i in range(network.output_dim))
    if prune == "end":
        outputs = tuple(
            PuiseuxRational(_pruned(output.numerator, method), _pruned(output.denominator, method))
            for output in outputs
        )
    return (*results, outputs)


def _preactivation(
    stage: AffineStage, unit: int, sources: Sequence[Sequence[PuiseuxRational]], dim: int, method: Method | None
) -> PuiseuxRational:
    above: list[PuiseuxPolynomial] = []
    below: list[PuiseuxPolynomial] = []
    for source, matrix in stage.blocks:
        for weight, value in zip(matrix[unit], sources[source], strict=True):
            if weight > 0:
                above.append(value.numerator**weight)
                below.append(value.denominator**weight)
            elif weight < 0:
                above.append(value.denominator**-weight)
                below.append(value.numerator**-weight)
    above.append(PuiseuxPolynomial.constant(stage.bias[unit], dim))
    return PuiseuxRational(_product(above, dim, method), _product(below, dim, method))


def _relu(value: PuiseuxRational, method: Method | None) -> PuiseuxRational:
    return PuiseuxRational(_pruned(value.numerator + value.denominator, method), value.denominator)


def _product(factors: Sequence[PuiseuxPolynomial], dim: int, method: Method | None) -> PuiseuxPolynomial:
    """The tropical product; the two smallest factors first, so that the terms to prune stay few."""
    order = count()
    queue = [(len(factor), next(order), factor) for factor in factors]
    heapq.heapify(queue)
    if not queue:
        return PuiseuxPolynomial.constant(0, dim)
    while len(queue) > 1:
        _, _, left = heapq.heappop(queue)
        _, _, right = heapq.heappop(queue)
        if method == "certified" and len(left) * len(right) >= LARGE_PRODUCT:
            product = pruned_product(left, right)
        else:
            product = _pruned(left * right, method)
        heapq.heappush(queue, (len(product), next(order), product))
    return queue[0][2]


def _pruned(polynomial: PuiseuxPolynomial, method: Method | None) -> PuiseuxPolynomial:
    # two terms with different exponents are both needed
    return polynomial if method is None or len(polynomial) < 3 else without_redundant_terms(polynomial, method=method)


def _check_expansion(network: Network) -> None:
    largest = max(max(size.numerator, size.denominator) for sizes in native_monomials(network) for size in sizes)
    if largest > MAX_EXPANSION:
        about = f"{largest:.2g}" if largest < 10**300 else "more than 10^300"
        raise NetworkError(
            f"{network} expands to {about} monomials, {MAX_EXPANSION} are the limit; prune after each layer instead"
        )
