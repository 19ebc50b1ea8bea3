"""Native monomial numbers: how many terms the expansion of a network has, in closed form.

An input counts 1 over 1.  A pre-activation's numerator has as many terms as the product over its positive weights of
the terms above and over its negative weights of the terms below; the denominator the other way round; zero weights are
left out.  After the ReLU the terms above are those of numerator and denominator together.  Equal exponents stay apart.

Nothing is expanded: these are products and sums of integers, which grow doubly exponentially with depth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from tropical.rational import PuiseuxRational

MAX_BITS = 4_000_000
"""The most binary digits that a native number is written out with (a million decimal digits)."""


@dataclass(frozen=True, slots=True)
class MonomialCount:
    """The numbers of terms above and below the line of one pre-activation or output."""

    numerator: int
    denominator: int

    @classmethod
    def of(cls, value: PuiseuxRational) -> MonomialCount:
        """The terms that a rational map has as it stands."""
        return cls(len(value.numerator), len(value.denominator))


def native_monomials(network: Network) -> tuple[tuple[MonomialCount, ...], ...]:
    """The native monomial numbers of every pre-activation, stage by stage, and of the outputs (the last entry).

    Raises
    ------
    NetworkError
        A number has more than `MAX_BITS` binary digits.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]])
    >>> native_monomials(net)[-1]
    (MonomialCount(numerator=4, denominator=2),)

    Notes
    -----
    Lezeau et al. (2024), the "native" representation.
    """
    sizes = [[(1, 1)] * network.input_dim]
    results = []
    for number, stage in enumerate((*network.stages, network.output), 1):
        counts = []
        for unit in range(stage.units):
            above, below = [1], [1]
            for source, matrix in stage.blocks:
                for weight, (f, g) in zip(matrix[unit], sizes[source], strict=True):
                    if weight:
                        above.append(f if weight > 0 else g)
                        below.append(g if weight > 0 else f)
            digits = max(sum(map(int.bit_length, above)), sum(map(int.bit_length, below)))
            if digits > MAX_BITS:
                place = f"stage {number}" if number <= len(network.stages) else "the output"
                raise NetworkError(
                    f"{place}: the native number of monomials has about {digits} binary digits, too many to write; "
                    "count the pruned monomials instead"
                )
            counts.append(MonomialCount(math.prod(above), math.prod(below)))
        results.append(tuple(counts))
        sizes.append([(count.numerator + count.denominator, count.denominator) for count in counts])
    return tuple(results)
