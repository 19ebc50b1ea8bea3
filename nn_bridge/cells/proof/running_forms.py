"""Exact pre-activations under one activation pattern after another, each from the one before.

A walk through the cells flips few units from one pattern to the next.  With the same signs in all stages before the
last one, each flip adds or takes away one multiple of that unit's form.
"""

from __future__ import annotations

from operator import mul

from nn_bridge.network.forms import integer_stages
from nn_bridge.network.network import INPUT, Network

Forms = list[list[int]]
Prefix = tuple[int, ...]
"""The pattern of the first stages: bit ``i`` of ``prefix[s]`` is unit ``i`` of stage ``s``."""


class RunningForms:
    """Integer forms ``[a_1, .., a_n, b]`` of stage after stage, as `nn_bridge.network.forms.ExactForms` gives them.

    Parameters
    ----------
    network : Network

    Examples
    --------
    >>> forms = RunningForms(Network.from_layers([[[1], [2]], [[3, 5]], [[1]]], [[0, -1], [7], [0]]))
    >>> forms.at(()), forms.at((0b11,)), forms.at((0b10,))
    ([[1, 0], [2, -1]], [[13, 2]], [[10, 2]])
    """

    def __init__(self, network: Network) -> None:
        *stages, _ = integer_stages(network)
        nothing = [0] * network.input_dim
        self._reads = [dict(blocks) for blocks, _ in stages]
        self._direct = [
            [[*row, b] for row, b in zip(reads.get(INPUT, [nothing] * len(bias)), bias, strict=True)]
            for reads, (_, bias) in zip(self._reads, stages, strict=True)
        ]
        self._last: dict[int, tuple[Prefix, Forms]] = {}

    def at(self, prefix: Prefix) -> Forms:
        """The forms of stage ``len(prefix)``; the lists are not to be changed."""
        stage = len(prefix)
        known = self._last.get(stage)
        forms = None if known is None else self._from_neighbour(*known, prefix)
        if forms is None:
            forms = self._computed(prefix)
        self._last[stage] = (prefix, forms)
        return forms

    def _computed(self, prefix: Prefix) -> Forms:
        forms = self._direct[len(prefix)]
        for source, matrix in self._reads[len(prefix)].items():
            bits = prefix[source - 1] if source != INPUT else 0
            active = [i for i in range(bits.bit_length()) if bits >> i & 1]
            if not active:
                continue
            lower = self.at(prefix[: source - 1])
            columns = list(zip(*(lower[i] for i in active), strict=True))
            added = []
            for total, row in zip(forms, matrix, strict=True):
                weights = [row[i] for i in active]
                added.append([t + sum(map(mul, weights, column)) for t, column in zip(total, columns, strict=True)])
            forms = added
        return forms

    def _from_neighbour(self, known: Prefix, forms: Forms, prefix: Prefix) -> Forms | None:
        """The forms by way of known ones, or None where that is no shorter."""
        if known == prefix:
            return forms
        if known[:-1] != prefix[:-1]:
            return None
        flips = known[-1] ^ prefix[-1]
        if 2 * flips.bit_count() > prefix[-1].bit_count():
            return None
        matrix = self._reads[len(prefix)].get(len(prefix))
        if matrix is None:
            return forms
        lower = self.at(prefix[:-1])
        while flips:
            unit = flips.bit_length() - 1
            flips ^= 1 << unit
            form = lower[unit] if prefix[-1] >> unit & 1 else [-v for v in lower[unit]]
            forms = [
                [t + row[unit] * v for t, v in zip(total, form, strict=True)]
                for total, row in zip(forms, matrix, strict=True)
            ]
        return forms


__all__ = ["RunningForms"]
