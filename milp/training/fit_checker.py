"""A checker of certificates of sparsest fits, on its own: it imports the standard library and nothing of this project.

The certificate (JSON, see docs/certificates.md) claims that no network ``sum_k v_k max(0, w_k . x + b_k)`` with at most
K units and v_k = 1 or -1 has fewer than ``lower_bound`` non-zero weights and biases and fits all samples, for all real
weights; and, if it holds a network, that this one fits with ``nonzeros`` of them. More than N units are never needed:
the target is a non-negative combination of the units' signed outputs, and N of them do (Caratheodory).

How a claim is checked. (1) For each set S of columns (inputs; the last is the bias) the activations of a unit on the
samples: all sign vectors that agree with no circuit of the rows x_n, restricted to S. (2) For each way to spend s
non-zeros, s below the bound, and all spans of masked columns of these costs: columns and target independent modulo a
prime, or the target outside their span by exact elimination. (3) Otherwise for each choice of columns and activations:
if the weights are determined, one breaks its activations for each sign; if not, for each choice of signs the
certificate holds a Farkas combination. A choice that is not so refuted makes the certificate invalid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from math import comb, gcd, lcm
from typing import Any, NamedTuple

FORMAT = "puiseux-fit-certificate"
_PRIME = 2147483647
_MOST_SAMPLES, _MOST_INPUTS = 64, 256
_MOST_CIRCUITS, _MOST_SYSTEMS = 10**7, 10**8
Row = tuple[int, ...]
Block = tuple[tuple[int, ...], tuple[bool, ...]]


class Invalid(Exception):
    """The certificate does not prove its claim; the message says where."""


class Claim(NamedTuple):
    """The statement that a valid certificate proves.

    Attributes
    ----------
    samples, inputs, units : int
    lower_bound : int
    nonzeros : int or None
        Of the network in it.
    systems : int
        Sums of spans that were refuted.
    """

    samples: int
    inputs: int
    units: int
    lower_bound: int
    nonzeros: int | None
    systems: int


def check(text: str) -> Claim:
    """Check a certificate.

    Raises
    ------
    Invalid
        It is none, or proves less than it claims.
    """
    try:
        content = json.loads(text)
        if content["format"] != FORMAT or content["version"] != 1:
            raise Invalid("it is no fit certificate of version 1")
        inputs = [[_number(value) for value in row] for row in content["inputs"]]
        targets = [_number(value) for value in content["targets"]]
        units, bound, signs = int(content["units"]), int(content["lower_bound"]), content["signs"]
        if len(inputs) != len(targets) or not inputs or len({len(row) for row in inputs}) != 1 or units < 1:
            raise Invalid("its samples have no shape (N, d)")
        if not 0 <= bound <= min(units, len(inputs)) * (len(inputs[0]) + 1) + 1:
            raise Invalid("its bound is above that of networks with all weights")
        if signs is not None and len(signs) != 2:
            raise Invalid("its signs are no pair (K+, K-)")
        if len(inputs) > _MOST_SAMPLES or len(inputs[0]) > _MOST_INPUTS:
            raise Invalid(f"it has more than {_MOST_SAMPLES} samples or {_MOST_INPUTS} inputs")
        proofs = {_key(proof["units"]): proof for proof in content["refutations"]}
        checker = _Checker(inputs, targets, units, None if signs is None else (int(signs[0]), int(signs[1])), proofs)
        nonzeros = checker.network(content["network"])
        checker.require_few_circuits(bound)
        for level in range(bound):
            checker.level(level)
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError, RecursionError) as error:
        raise Invalid(f"it is no complete certificate ({type(error).__name__}: {error})") from None
    return Claim(len(inputs), len(inputs[0]), units, bound, nonzeros, checker.systems)


class _Checker:
    def __init__(
        self,
        inputs: list[list[Fraction]],
        targets: list[Fraction],
        units: int,
        signs: tuple[int, int] | None,
        proofs: dict[Any, Any],
    ) -> None:
        self.inputs, self.targets, self.units, self.signs, self.proofs = inputs, targets, units, signs, proofs
        self.columns = [_cleared(column) for column in (*zip(*inputs, strict=True), [Fraction(1)] * len(inputs))]
        self.goal = _cleared(targets)
        self.useful = sorted({_line(column): i for i, column in enumerate(self.columns) if any(column)}.values())
        self.spans: dict[int, list[tuple[list[Row], list[Block]]]] = {}
        self.systems = 0

    def network(self, content: Any) -> int | None:
        """The non-zeros of the network in the certificate, which fits and is one that the claim is about."""
        if content is None:
            return None
        rows = [[_number(value) for value in row] for row in content["weights"]]
        biases, signs = [_number(value) for value in content["biases"]], content["signs"]
        if not len(rows) == len(biases) == len(signs) or any(sign not in (1, -1) for sign in signs):
            raise Invalid("its network has no output weights 1 or -1, one for each unit")
        for n, (x, y) in enumerate(zip(self.inputs, self.targets, strict=True)):
            total = Fraction(0)
            for sign, row, bias in zip(signs, rows, biases, strict=True):
                total += sign * max(Fraction(0), sum((w * v for w, v in zip(row, x, strict=True)), bias))
            if total != y:
                raise Invalid(f"its network does not fit sample {n}")
        used = [s for s, row, bias in zip(signs, rows, biases, strict=True) if any(row) or bias]
        if len(used) > self.units or not self.allows(used):
            raise Invalid("its network has more units than the claim is about")
        return sum(1 for row in (*rows, biases) for value in row if value)

    def allows(self, signs: Sequence[int]) -> bool:
        return self.signs is None or all(signs.count(s) <= k for s, k in zip((1, -1), self.signs, strict=True))

    def require_few_circuits(self, bound: int) -> None:
        """Refuse a claim whose activations alone would take hours to list."""
        for cost in range(1, min(bound - 1, len(self.useful)) + 1):
            if comb(len(self.useful), cost) * comb(len(self.goal), cost + 1) > _MOST_CIRCUITS:
                raise Invalid("it is too large to be checked: too many circuits")

    def level(self, level: int) -> None:
        """Refute all networks with exactly so many non-zeros."""
        if not level:
            if not any(self.goal):
                raise Invalid("the network without weights fits")
            return
        for parts in _partitions(level, min(level, len(self.useful))):
            if len(parts) <= min(self.units, len(self.goal)):
                self._descend(parts, [], _Echelon(), True)

    def _descend(self, parts: tuple[int, ...], chosen: list[int], echelon: _Echelon, regular: bool) -> None:
        if len(chosen) == len(parts):
            self.systems += 1
            if self.systems > _MOST_SYSTEMS:
                raise Invalid(f"it is too large to be checked: more than {_MOST_SYSTEMS:,} sums of spans")
            if not regular or not any(echelon.reduced(self.goal)):
                self._refute([self._class(cost)[place] for cost, place in zip(parts, chosen, strict=True)])
            return
        cost = parts[len(chosen)]
        same = bool(chosen) and parts[len(chosen) - 1] == cost
        for place in range(chosen[-1] if same else 0, len(self._class(cost))):
            longer, independent = echelon.copy(), regular
            for row in self._class(cost)[place][0]:
                independent &= longer.add(row)
            self._descend(parts, [*chosen, place], longer, independent)

    def _class(self, cost: int) -> list[tuple[list[Row], list[Block]]]:
        """The spans of units with so many non-zeros, and their columns and activations."""
        if cost not in self.spans:
            groups: dict[tuple[Row, ...], list[Block]] = {}
            for support in combinations(self.useful, cost):
                rows = list(zip(*(self.columns[i] for i in support), strict=True))
                for active in activations(rows):
                    if any(active):
                        basis = _echelon(self._masked((support, active)))
                        groups.setdefault(tuple(basis), []).append((support, active))
            self.spans[cost] = [(list(basis), blocks) for basis, blocks in groups.items()]
        return self.spans[cost]

    def _masked(self, block: Block) -> list[Row]:
        return [tuple(v if on else 0 for v, on in zip(self.columns[i], block[1], strict=True)) for i in block[0]]

    def _refute(self, spans: list[tuple[list[Row], list[Block]]]) -> None:
        rows = [row for basis, _ in spans for row in basis]
        if len(_echelon([*rows, self.goal])) > len(_echelon(rows)):
            return
        for blocks in product(*(blocks for _, blocks in spans)):
            rows = [row for block in blocks for row in self._masked(block)]
            rank = len(_echelon(rows))
            if len(_echelon([*rows, self.goal])) > rank:
                continue
            if rank == len(rows):
                self._refute_determined(blocks, rows)
                continue
            for signs in product((1, -1), repeat=len(blocks)):
                if self.allows(signs):
                    self._refute_by_proof(blocks, signs)

    def _refute_determined(self, blocks: Sequence[Block], rows: list[Row]) -> None:
        weights = _solution(rows, self.goal)
        signs, start = [], 0
        for support, active in blocks:
            part = weights[start : start + len(support)]
            start += len(support)
            if not any(part):
                continue
            values = [
                sum((w * self.columns[i][n] for w, i in zip(part, support, strict=True)), Fraction(0))
                for n in range(len(active))
            ]
            turned = [v if on else -v for v, on in zip(values, active, strict=True)]
            possible = [s for s in (1, -1) if all(s * v >= 0 for v in turned)]
            if not possible:
                return
            signs.append(possible[0])
        if self.allows(signs):
            raise Invalid(f"units with the columns {[list(block[0]) for block in blocks]} fit all samples")

    def _refute_by_proof(self, blocks: Sequence[Block], signs: Sequence[int]) -> None:
        proof = self.proofs.get(tuple(sorted((*block, sign) for block, sign in zip(blocks, signs, strict=True))))
        if proof is None:
            raise Invalid(f"nothing refutes units with the columns {[list(block[0]) for block in blocks]}")
        equations = [_number(value) for value in proof["equations"]]
        if sum((m * y for m, y in zip(equations, self.goal, strict=True)), Fraction(0)) >= 0:
            raise Invalid("a Farkas combination has no negative right-hand side")
        for unit in proof["units"]:
            sign, active = unit["sign"], _bits(unit["active"])
            inequalities = [_number(value) for value in unit["inequalities"]]
            if any(value < 0 for value in inequalities):
                raise Invalid("a Farkas combination has a negative multiplier")
            for i in unit["support"]:
                total = Fraction(0)
                for x, on, m, k in zip(self.columns[i], active, equations, inequalities, strict=True):
                    total += x * (m * sign - k if on else k)
                if total:
                    raise Invalid("a Farkas combination does not cancel the weights")


class _Echelon:
    """Independent rows modulo the prime."""

    def __init__(self, rows: list[tuple[int, list[int]]] | None = None) -> None:
        self.rows = rows or []

    def copy(self) -> _Echelon:
        return _Echelon(list(self.rows))

    def reduced(self, row: Sequence[int]) -> list[int]:
        work = [value % _PRIME for value in row]
        for pivot, other in self.rows:
            factor = work[pivot]
            if factor:
                work = [(a - factor * b) % _PRIME for a, b in zip(work, other, strict=True)]
        return work

    def add(self, row: Sequence[int]) -> bool:
        """Add a row; whether it is independent of the others."""
        work = self.reduced(row)
        pivot = next((i for i, value in enumerate(work) if value), None)
        if pivot is None:
            return False
        inverse = pow(work[pivot], -1, _PRIME)
        self.rows.append((pivot, [value * inverse % _PRIME for value in work]))
        return True


def activations(rows: Sequence[Sequence[int]]) -> list[tuple[bool, ...]]:
    """All sign vectors of w -> (x_n . w) without zeros, but for x_n = 0, which counts as inactive.

    A sign vector has no w if and only if it agrees with a circuit: a minimal dependency of the rows (Gordan).
    """
    circuits: list[dict[int, int]] = []
    moving = [n for n, row in enumerate(rows) if any(row)]
    for size in range(2, len(rows[0]) + 2):
        for chosen in combinations(moving, size):
            kernel = _kernel([rows[n] for n in chosen])
            if kernel is not None and all(kernel):
                circuits.append({n: 1 if value > 0 else -1 for n, value in zip(chosen, kernel, strict=True)})
    found: list[dict[int, int]] = [{}]
    for n in moving:
        ending = [circuit for circuit in circuits if max(circuit) == n]
        longer = ({**signs, n: sign} for signs in found for sign in (1, -1))
        found = [signs for signs in longer if not any(_agrees(circuit, signs) for circuit in ending)]
    return [tuple(signs.get(n, -1) > 0 for n in range(len(rows))) for signs in found]


def _agrees(circuit: dict[int, int], signs: dict[int, int]) -> bool:
    products = {signs[n] * sign for n, sign in circuit.items()}
    return len(products) == 1


def _kernel(rows: Sequence[Sequence[int]]) -> list[Fraction] | None:
    """The dependency of rows, if there is exactly one up to a factor."""
    size, width = len(rows), len(rows[0])
    work = [[Fraction(v) for v in row] + [Fraction(int(i == j)) for j in range(size)] for i, row in enumerate(rows)]
    rank = _eliminate(work, width)
    return work[rank][width:] if rank == size - 1 else None


def _eliminate(work: list[list[Fraction]], width: int) -> int:
    """Row reduce in place the first columns of a matrix; its rank there."""
    rank = 0
    for column in range(width):
        pivot = next((i for i in range(rank, len(work)) if work[i][column]), None)
        if pivot is None:
            continue
        work[rank], work[pivot] = work[pivot], work[rank]
        first = work[rank] = [value / work[rank][column] for value in work[rank]]
        for i, row in enumerate(work):
            if i != rank and row[column]:
                factor = row[column]
                work[i] = [a - factor * b for a, b in zip(row, first, strict=True)]
        rank += 1
    return rank


def _echelon(rows: Sequence[Sequence[int]]) -> list[Row]:
    """A basis that is the same for equal spans: reduced echelon form, each row primitive integers."""
    work = [[Fraction(v) for v in row] for row in rows]
    rank = _eliminate(work, len(rows[0])) if rows else 0
    return [_primitive(row) for row in work[:rank]]


def _solution(columns: Sequence[Row], goal: Row) -> list[Fraction]:
    """The combination of independent columns that is the goal."""
    work = [[Fraction(v) for v in (*row, y)] for *row, y in zip(*columns, goal, strict=True)]
    _eliminate(work, len(columns))
    return [work[i][-1] for i in range(len(columns))]


def _cleared(values: Sequence[Fraction]) -> Row:
    scale = lcm(*(value.denominator for value in values))
    return tuple(int(value * scale) for value in values)


def _primitive(values: Sequence[Fraction]) -> Row:
    cleared = _cleared(values)
    divisor = gcd(*cleared)
    return tuple(value // divisor for value in cleared)


def _number(text: Any) -> Fraction:
    """An integer or fraction of at most 4300 digits each; no exponents, which write long numbers shortly."""
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]{1,4300}(/[0-9]{1,4300})?", text):
        raise ValueError("a number is no integer or fraction as text")
    return Fraction(text)


def _line(values: Row) -> Row:
    """The same for all columns that are multiples of one another: of these a sparsest network needs one."""
    first = next(value for value in values if value)
    return tuple(value // gcd(*values) * (1 if first > 0 else -1) for value in values)


def _key(units: Any) -> tuple[Any, ...]:
    return tuple(sorted((tuple(u["support"]), _bits(u["active"]), u["sign"]) for u in units))


def _bits(text: str) -> tuple[bool, ...]:
    return tuple(character == "1" for character in text)


def _partitions(total: int, largest: int) -> Iterator[tuple[int, ...]]:
    if total == 0:
        yield ()
        return
    for part in range(min(total, largest), 0, -1):
        for rest in _partitions(total - part, part):
            yield (part, *rest)
