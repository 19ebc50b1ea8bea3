"""From a tropical rational map back to a ReLU network, exactly.

The maximum of k affine functions is a tree of maxima of two, ``max(a, b) = b + max(0, a - b)``: ceil(log2 k) stages of
units (Arora, Basu, Mianjy and Mukherjee 2018).  A maximum of five needs two stages, not three (Bakaev, Brunck,
Hertrich, Stade and Yehudayoff 2025); here by the identity, with m_ij = max(x_i, x_j) and sums over all choices of
different indices up to the symmetry of each summand,

    30 max(x_1, .., x_5) = sum_15 max(2 x_i, m_jk + m_lm) + 4 sum_15 max(m_ij, m_kl)
                           - sum_30 max(m_ij + m_ik, m_jk + m_lm).

It costs seventy units where the tree has four, so it is used on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder, Signal
from nn_bridge.network.network import Network
from polyhedra.plurals import counted
from polyhedra.quoting import quoted
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational

Construction = Literal["tree", "shallow"]

_PAIRS = tuple(combinations(range(5), 2))


def realize(
    function: PuiseuxRational | PuiseuxPolynomial | Sequence[PuiseuxRational | PuiseuxPolynomial],
    *,
    construction: Construction = "tree",
) -> Network:
    """A ReLU network that computes a tropical rational map exactly.

    Parameters
    ----------
    function : PuiseuxRational, PuiseuxPolynomial, or a sequence of them (one an output)
        Redundant terms are removed first.
    construction : "tree" or "shallow"
        ``"tree"``: ceil(log2 k) stages for at most k terms in a numerator or denominator, and fewer units than terms.
        ``"shallow"``: maxima of five in two stages wherever that saves a stage (from 5, 17, 33, ... terms on; see
        `stages_needed`), at the price of many more units.

    Raises
    ------
    NetworkError
        No outputs, no inputs, minus infinity as a function, different numbers of variables, or an unknown construction.

    Examples
    --------
    >>> x, y = PuiseuxPolynomial.variables(2)
    >>> net = realize(PuiseuxRational(x + y, y + PuiseuxPolynomial.constant(1, 2)))
    >>> net.hidden, net.evaluate([3, 2])
    ((2,), (1,))
    """
    outputs = [function] if isinstance(function, (PuiseuxRational, PuiseuxPolynomial)) else list(function)
    maps = [f if isinstance(f, PuiseuxRational) else PuiseuxRational(f) for f in outputs]
    if construction not in ("tree", "shallow"):
        raise NetworkError(f"there is no construction {quoted(construction)}; use 'tree' or 'shallow'")
    if not maps:
        raise NetworkError("a network needs at least one output function")
    dim = maps[0].dim
    for number, rational in enumerate(maps):
        if rational.dim != dim:
            raise NetworkError(f"output {number} has {counted(rational.dim, 'variable')}, output 0 has {dim}")
        if rational.is_zero:
            raise NetworkError(f"output {number} is minus infinity everywhere, which no network computes")
    maps = [rational.pruned() for rational in maps]
    build = NetworkBuilder(dim)
    x = build.input()
    groups = [_affine_pieces(build, x, p) for f in maps for p in (f.numerator, f.denominator)]
    binary, fives = _plan(max(group.size for group in groups), construction)
    for _ in range(binary):
        groups = _halve(build, groups)
    for _ in range(fives):
        groups = _fifth(build, groups)
    pairs = zip(groups[::2], groups[1::2], strict=True)
    differences = [build.affine(build.concatenate(f, g), [[1, -1]]) for f, g in pairs]
    return build.finish(build.concatenate(*differences))


def stages_needed(terms: int, construction: Construction = "tree") -> int:
    """How many stages of units a maximum of so many terms takes.

    Examples
    --------
    >>> [(k, stages_needed(k), stages_needed(k, "shallow")) for k in (1, 2, 5, 20, 25)]
    [(1, 0, 0), (2, 1, 1), (5, 3, 2), (20, 5, 4), (25, 5, 4)]
    """
    binary, fives = _plan(terms, construction)
    return binary + 2 * fives


def _plan(terms: int, construction: Construction) -> tuple[int, int]:
    """How often to take maxima of two, and of five: the fewest stages, then the fewest fives."""
    if construction == "tree":
        return (terms - 1).bit_length(), 0
    plans = []
    for fives in range((terms - 1).bit_length() + 1):
        left = -(-terms // 5**fives)
        binary = (left - 1).bit_length()
        plans.append((binary + 2 * fives, fives, binary))
    _, fives, binary = min(plans)
    return binary, fives


def _affine_pieces(build: NetworkBuilder, x: Signal, polynomial: PuiseuxPolynomial) -> Signal:
    return build.affine(x, polynomial.exponents, polynomial.coefficients)


def _maxima(build: NetworkBuilder, pairs: Sequence[tuple[Signal, Signal]]) -> list[Signal]:
    """The entrywise maxima of pairs of signals, in one common stage."""
    differences = [build.add(a, build.scale(b, fmpq(-1))) for a, b in pairs]
    if not differences:
        return []
    units = build.relu(build.concatenate(*differences))
    results = []
    start = 0
    for _, b in pairs:
        results.append(build.add(b, build.take(units, range(start, start + b.size))))
        start += b.size
    return results


def _halve(build: NetworkBuilder, groups: list[Signal]) -> list[Signal]:
    """Replace the values of every group by maxima of two; an odd one stays."""
    pairs = []
    for group in groups:
        half = group.size // 2
        if half:
            pairs.append((build.take(group, range(half)), build.take(group, range(half, 2 * half))))
    maxima = iter(_maxima(build, pairs))
    result = []
    for group in groups:
        if group.size == 1:
            result.append(group)
            continue
        smaller = next(maxima)
        if group.size % 2:
            smaller = build.concatenate(smaller, build.take(group, [group.size - 1]))
        result.append(smaller)
    return result


def _fifth(build: NetworkBuilder, groups: list[Signal]) -> list[Signal]:
    """Replace the values of every group by maxima of up to five, in two common stages."""
    chunks = [
        [build.take(group, range(start, min(start + 5, group.size))) for start in range(0, group.size, 5)]
        for group in groups
    ]
    flat = [chunk for group in chunks for chunk in group]
    small = [chunk if chunk.size < 5 else None for chunk in flat]
    # stage one: all pairs of a full chunk, halves of a smaller one
    first = []
    for chunk in flat:
        if chunk.size == 5:
            left, right = [i for i, _ in _PAIRS], [k for _, k in _PAIRS]
            first.append((build.take(chunk, left), build.take(chunk, right)))
        elif chunk.size > 1:
            half = chunk.size // 2
            first.append((build.take(chunk, range(half)), build.take(chunk, range(half, 2 * half))))
    done = iter(_maxima(build, first))
    values: list[Signal] = []
    for chunk, short in zip(flat, small, strict=True):
        if short is None:
            values.append(build.concatenate(chunk, next(done)))
        elif chunk.size == 1:
            values.append(chunk)
        else:
            maxima = next(done)
            odd = [build.take(chunk, [chunk.size - 1])] if chunk.size % 2 else []
            values.append(build.concatenate(maxima, *odd))
    # stage two
    second = []
    for short, value in zip(small, values, strict=True):
        if short is None:
            second.append((build.affine(value, _LEFT), build.affine(value, _RIGHT)))
        elif value.size == 2:
            second.append((build.take(value, [0]), build.take(value, [1])))
    done = iter(_maxima(build, second))
    results = []
    for short, value in zip(small, values, strict=True):
        if short is None:
            results.append(build.affine(next(done), [_WEIGHTS]))
        else:
            results.append(value if value.size == 1 else next(done))
    finished = iter(results)
    return [build.concatenate(*(next(finished) for _ in group)) for group in chunks]


def _five_tables() -> tuple[list[list[int]], list[list[int]], list[fmpq]]:
    """The arguments of the sixty maxima as rows over (x_1..x_5, m_12..m_45), and their weights in the identity."""
    place = {pair: 5 + number for number, pair in enumerate(_PAIRS)}

    def row(*entries: int) -> list[int]:
        values = [0] * 15
        for entry in entries:
            values[entry] += 1
        return values

    left, right, weights = [], [], []
    for i in range(5):
        rest = [k for k in range(5) if k != i]
        for k in rest[1:]:
            one = place[rest[0], k]
            other = place[tuple(v for v in rest[1:] if v != k)]  # type: ignore[index]
            left += [row(i, i), row(one, one)]
            right += [row(one, other), row(other, other)]
            weights += [fmpq(1, 30), fmpq(2, 30)]
        for j, k in combinations(rest, 2):
            opposite = place[tuple(v for v in rest if v not in (j, k))]  # type: ignore[index]
            left.append(row(place[min(i, j), max(i, j)], place[min(i, k), max(i, k)]))
            right.append(row(place[j, k], opposite))
            weights.append(fmpq(-1, 30))
    return left, right, weights


_LEFT, _RIGHT, _WEIGHTS = _five_tables()

__all__ = ["Construction", "realize", "stages_needed"]
