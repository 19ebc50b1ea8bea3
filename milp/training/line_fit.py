"""A network that fits any samples: one kink a sample along a line on which no two inputs meet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, pairwise

from flint import fmpq

from milp.training.candidate import Candidate
from milp.training.fit_data import FitData
from polyhedra.scalars import ONE, ZERO, rational


def network_along_a_line(data: FitData) -> Candidate:
    """A network with at most N units that fits the samples exactly, in which every unit reads the same direction.

    Examples
    --------
    >>> from milp.training.fit_data import fit_data
    >>> found = network_along_a_line(fit_data([[0], [1], [3]], [1, 1, 5]))
    >>> found.nonzeros, found.network.hidden
    (3, (2,))
    """
    direction = _direction(data.inputs)
    values: dict[fmpq, fmpq] = {}
    for row, target in zip(data.inputs, data.targets, strict=True):
        values[sum((u * x for u, x in zip(direction, row, strict=True)), ZERO)] = target
    places = sorted(values)
    rows: list[list[fmpq]] = []
    biases: list[fmpq] = []
    signs: list[int] = []

    def add(slope: fmpq, bias: fmpq, sign: int) -> None:
        rows.append([slope * u for u in direction])
        biases.append(bias)
        signs.append(sign)

    first = values[places[0]]
    if first != 0:
        add(ZERO, abs(first), 1 if first > 0 else -1)
    slope = ZERO
    for left, right in pairwise(places):
        wanted = (values[right] - values[left]) / (right - left)
        change, slope = wanted - slope, wanted
        if change != 0:
            add(abs(change), -abs(change) * left, 1 if change > 0 else -1)
    return Candidate(data.features, signs, rows, biases, True)


def _direction(inputs: Sequence[Sequence[fmpq]]) -> list[fmpq]:
    """One coordinate if it tells the inputs apart, else the powers of the first number that does."""
    distinct, d = len(set(map(tuple, inputs))), len(inputs[0])
    for i in range(d):
        if len({row[i] for row in inputs}) == distinct:
            return [ONE if i == j else ZERO for j in range(d)]
    for base in count(1):  # finitely many bases fail: each pair of inputs meets for d - 1 of them at most
        direction = [rational(base) ** i for i in range(d)]
        if len({sum((u * x for u, x in zip(direction, row, strict=True)), ZERO) for row in inputs}) == distinct:
            return direction
    raise AssertionError  # count has no end
