"""Checks certificates of properties: no input of a network satisfies, with its outputs, any of some linear systems.

Needs nothing but Python, shares no code with the writer: ``python property_checker.py FILE``.  docs/certificates.md has
the format and says why this is a proof.  A stage is multiplied by one positive number to have integers only; each such
number divides the next one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import sys
import zlib
from collections.abc import Iterator
from fractions import Fraction
from operator import mul
from typing import Any

FORMAT, VERSION = "puiseux-certificate", 1
LINE_LIMIT, UNIT_LIMIT = 1 << 26, 2 * 10**7  # bytes of a line; inputs and units: more is an attack
MEMORY_LIMIT = 1 << 29  # bytes: values of a line, integers of a network, of bounds, of a combination
DEPTH_LIMIT, CHANGE_LIMIT = 10**5, 10**6  # splits and bounds on a path
PRECISION_LIMIT, END_LIMIT, DIGITS = 2048, 4096, 14300  # bits; of an end; of the longest integer that is read
FIELDS = {"digest", "network", "precision", "property", "property_digest"}
Form = tuple[
    dict[int, list[int]], int
]  # coefficients by source (0 is the input, k >= 1 the units of stage k), constant


class NoCertificate(Exception):
    """The file is no certificate of a property, or cannot be read."""


class Invalid(Exception):
    """The certificate does not prove what it claims; the message names the line."""


def check(path: str, opener: Any = open) -> dict[str, Any]:
    """Check a file (opened like `open` does) and return what it proves; raises `NoCertificate` or `Invalid`."""
    number, proof = 0, None  # type: int, Any
    try:
        with opener(path, "rb") as file:
            stream = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == b"\x1f\x8b" else file
            for number, line in enumerate(iter(lambda: stream.readline(LINE_LIMIT), b""), 1):
                if number == 1 and not re.match(rb'\{"format": ?"%b"' % FORMAT.encode(), line):
                    break
                _require(line.endswith(b"\n"), f"is truncated, or longer than {LINE_LIMIT} bytes")
                _require(60 * sum(map(line.count, (b"[", b"{", b","))) <= MEMORY_LIMIT, "holds too many values")
                record = json.loads(line)
                if proof is None:
                    form, version, kind = (record.pop(key) for key in ("format", "version", "kind"))
                    if (form, version, kind) != (FORMAT, VERSION, "property"):
                        raise NoCertificate(f"is of kind {kind!r:.20}, version {version!r:.20}; not of a property")
                    _require(set(record) == FIELDS, f"the fields are not {', '.join(sorted(FIELDS))}")
                    proof = Tree(**record)
                elif isinstance(record, list):
                    proof.read(record)
                else:
                    counts = proof.counts()
                    _require(record == {"end": counts}, f"claims {line[:200]!r}, but {json.dumps(counts)} is proven")
                    _require(not stream.read(1), "the file goes on after its end")
                    return {**proof.about, "counts": counts}
        if proof is None:
            raise NoCertificate(f'is no certificate: it does not begin with {{"format": "{FORMAT}"')
        raise Invalid("truncated: the file breaks off here")
    except Invalid as error:
        raise Invalid(f"line {number}: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Invalid(f"line {number}: truncated or damaged after it: {error}") from None
    except OSError as error:
        raise NoCertificate(f"cannot be read: {error.strerror or error}") from None
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise Invalid(f"line {number}: is not what the format asks for: {str(error)!r:.200}") from None


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise Invalid(message)


def _integers(values: Any, length: int) -> list[int]:
    good = type(values) is list and [type(v) for v in values] == [int] * length
    _require(good, f"{values!r:.60} is not a list of {length} integers")
    return values  # type: ignore[no-any-return]


def _below(number: Any, end: int, name: str) -> int:
    _require(type(number) is int and 0 <= number < end, f"there is no {name} {number!r:.30}")
    return number  # type: ignore[no-any-return]


def digest_of(content: Any) -> str:
    """The SHA-256 of JSON without blanks."""
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def stages_of(inputs: int, content: list[Any], precision: int) -> Iterator[tuple[Any, int]]:
    """The stages (source, rows, columns; biases), last the outputs, as integers, and what each was multiplied by."""
    sizes, scales, used, bits = [inputs], [1], 0, 3 * DIGITS
    for blocks, bias in content:
        sources = [source for source, _ in blocks]
        good = bias and sources == sorted(set(sources)) and all(0 <= s < len(sizes) for s in sources)
        shapes = [(len(rows), {len(row) for row in rows}) for _, rows in blocks] if good else []
        good = good and shapes == [(len(bias), {sizes[s]}) for s in sources]
        _require(good and all(type(s) is int for s in sources), f"the shape of stage {len(sizes)} does not fit")
        texts = [text for _, rows in blocks for row in rows for text in row] + bias
        _require(all(re.fullmatch(r"-?[0-9]+(/[1-9][0-9]*)?", text) for text in texts), "a weight is no fraction")
        scale = scales[-1] << (precision if len(scales) == 1 else 0)
        for q in {int(text.partition("/")[2] or 1) for text in texts}:
            scale = math.lcm(scale, scales[-1] * q)
            _require(used + len(texts) * scale.bit_length() <= 8 * MEMORY_LIMIT, "the denominators are too long")
        used += len(texts) * scale.bit_length()
        whole = [(s, [[int(scale // scales[s] * Fraction(v)) for v in row] for row in rows]) for s, rows in blocks]
        biases = [int(scale * Fraction(v)) for v in bias]
        longest = max(v.bit_length() for _, rows in [*whole, (0, [biases])] for row in rows for v in row)
        bits += longest + precision + sum(sizes).bit_length() + 2 * (scale // scales[-1]).bit_length()
        sizes, scales = [*sizes, len(bias)], [*scales, scale]
        _require(sum(sizes) <= UNIT_LIMIT and sum(sizes) * bits <= 8 * MEMORY_LIMIT, "the network is too large")
        yield ([(s, rows, list(zip(*rows, strict=True))) for s, rows in whole], biases), scale


class Tree:
    """For each system a tree of splits, depth first; at each place rows that are >= 0, bounds, and phases of units."""

    def __init__(self, digest: Any, network: Any, precision: Any, property: Any, property_digest: Any) -> None:
        name, version, self.inputs, hidden, output = network
        _require([name, version] == ["puiseux-network", 1], "the network has another format")
        self.precision = _below(precision, PRECISION_LIMIT + 1, "precision")
        found = digest_of(network)
        _require(digest == found, f"the digest of the network is {found}, not {digest!r:.80}")
        width = _below(self.inputs, UNIT_LIMIT, "network with so many inputs:")
        pairs = list(stages_of(width, [*hidden, output], self.precision))
        self.stages, self.scales = [stage for stage, _ in pairs], [1, *(scale for _, scale in pairs)]
        self.units = [self.inputs, *(len(bias) for _, bias in self.stages)]
        name, version, inputs, outputs, systems = property
        form = ["puiseux-property", 1, width, self.units[-1]]
        _require([name, version, inputs, outputs] == form, "the property has another format, or other sizes")
        for system in systems:
            _require(all(relation in (">=", ">") for relation, _ in system), "a relation is neither >= nor >")
            _require(all(_integers(row, width + outputs + 1) for _, row in system), "a row is empty")
        found = digest_of(property)
        _require(property_digest == found, f"the digest of the property is {found}, not {property_digest!r:.80}")
        self.about = {"kind": "property", "digest": digest, "property_digest": found, "input_dim": inputs}
        self.waiting: list[Any] = list(reversed(systems))
        self.splits, self.leaves, self.open = 0, 0, True
        self.path: list[Any] = []  # splits whose second side waits: rows, changes, and its own row
        self._begin()

    def _begin(self) -> None:  # the next system, on all of its inputs
        self.open = bool(self.waiting)
        self.rows: list[Any] = []  # how to find each row that is >= 0 here
        self.changes: list[tuple[list[Any], int, Any]] = []  # what to put back
        # ends of inputs and pre-activations here, first low, then high, times 2^precision; 0 where a unit is split
        self.ends: list[list[list[Any]]] = [[[None] * size for size in self.units[:-1]] for _ in range(2)]
        for relation, row in self.waiting.pop() if self.open else ():
            self.rows.append(("given", row, relation == ">"))
            used = [j for j, v in enumerate(row[:-1]) if v]
            if len(used) == 1 and used[0] < self.inputs:
                reach = -((-row[-1] << self.precision) // abs(row[used[0]]))  # rounded outward
                self._set(0, used[0], int(row[used[0]] < 0), reach if row[used[0]] < 0 else -reach)

    def read(self, record: list[Any]) -> None:
        """The next line."""
        _require(self.open, "no place is open here")
        {"bounds": self._bounds, "split": self._split, "cut": self._cut, "leaf": self._leaf}[record[0]](*record[1:])

    def counts(self) -> dict[str, int]:
        """The numbers that are proven, at the end."""
        _require(not self.open, "a place is open still")
        return {"splits": self.splits, "leaves": self.leaves}

    def _set(self, stage: int, unit: int, side: int, end: int) -> None:  # side 1: at most, 0: at least
        good = type(end) is int and end.bit_length() <= END_LIMIT and len(self.changes) < CHANGE_LIMIT
        _require(good, "an end is no integer, or too long, or one too many")
        table = self.ends[side][stage]
        if table[unit] is None or (end < table[unit] if side else end > table[unit]):
            self.changes.append((table, unit, table[unit]))
            table[unit] = end

    def _enter(self, rows: int, changes: int, entry: tuple[int, int, int, int]) -> None:  # one side of a split
        while len(self.changes) > changes:
            table, place, old = self.changes.pop()
            table[place] = old
        self.rows[rows:] = [("split", *entry)]
        self._set(*entry)

    def _fork(self, first: tuple[int, int, int, int]) -> None:
        _require(len(self.path) < DEPTH_LIMIT, "the tree is too deep")
        self.splits += 1
        stage, unit, side, at = first
        self.path.append((len(self.rows), len(self.changes), (stage, unit, 1 - side, at)))
        self._enter(len(self.rows), len(self.changes), first)

    def _split(self, stage: Any, unit: Any) -> None:
        _below(unit, self.units[_below(stage, len(self.units) - 1, "stage")], "unit")
        _require(stage, "inputs are cut, not split")
        self._fork((stage, unit, 0, 0))

    def _cut(self, j: Any, at: Any) -> None:
        self._fork((0, _below(j, self.inputs, "input"), 1, _integers([at], 1)[0]))

    def _bounds(self, stage: Any, entries: Any) -> None:
        """Ends of inputs (stage 0) or pre-activations, each with its proof."""
        size = self.units[_below(stage, len(self.units) - 1, "stage")]
        for unit, low, high, *proofs in entries:
            _below(unit, size, "unit")
            _require(len(proofs) in (0, 2), "a bound has two ends, and two proofs or none")
            for side, end, proof in zip((0, 1), (low, high), proofs or [[1, [], []]] * 2, strict=True):
                factor, multipliers, slopes = proof
                _require(type(factor) is int and factor > 0, "a factor is an integer > 0")
                if end is None:
                    continue
                sign = factor if side else -factor
                value, scale = self._greatest(self._unit(stage, unit, sign), self.scales[stage], multipliers, slopes)
                good = value << self.precision <= sign * end * scale
                _require(good, f"end {side} of unit {unit} of stage {stage} is not proven")
                self._set(stage, unit, side, end)

    def _leaf(self, multipliers: Any, slopes: Any) -> None:
        """A sum of rows that are >= 0 is negative here, or 0 where one of them must be > 0: so nothing is here."""
        value, _ = self._greatest(({}, 0), self.scales[-1], multipliers, slopes)
        strict = any(y > 0 and self.rows[r][0] == "given" and self.rows[r][2] for r, y in multipliers)
        _require(value < 0 or (strict and value == 0), "the sum of the rows is not negative")
        self.leaves += 1
        return self._enter(*self.path.pop()) if self.path else self._begin()

    def _unit(self, stage: int, unit: int, factor: int) -> Form:  # scaled as its stage is
        if stage == 0:
            return {0: [factor * (j == unit) for j in range(self.inputs)]}, 0
        blocks, bias = self.stages[stage - 1]
        return {source: [factor * w for w in rows[unit]] for source, rows, _ in blocks}, factor * bias[unit]

    def _row(self, number: Any, factor: int) -> Form:  # scaled as the outputs are
        kind, *place = self.rows[_below(number, len(self.rows), "row")]
        if kind == "split":
            stage, unit, side, at = place
            factor *= -1 if side else 1
            form, constant = self._unit(stage, unit, factor * (self.scales[-1] // self.scales[stage]))
            return form, constant - factor * at * (self.scales[-1] >> self.precision)
        row, whole = place[0], factor * self.scales[-1]
        form, constant = {0: [v * whole for v in row[: self.inputs]]}, row[-1] * whole
        weights, (blocks, bias) = [v * factor for v in row[self.inputs : -1]], self.stages[-1]
        for source, _, columns in blocks if any(weights) else ():
            _add(form, source, [sum(map(mul, weights, column)) for column in columns])
        return form, constant + sum(map(mul, weights, bias))

    def _greatest(self, form: Form, scale: int, multipliers: Any, slopes: Any) -> tuple[int, int]:
        """An upper bound of a form plus multiples of rows, as numerator and denominator."""
        total, constant = form
        if multipliers:
            up, scale = self.scales[-1] // scale, self.scales[-1]
            total, constant = {s: [v * up for v in row] for s, row in total.items()}, constant * up
        for number, y in multipliers:
            _require(type(y) is int and y >= 0, "a multiplier is an integer >= 0")
            added, more = self._row(number, y)
            constant += more
            for source, row in added.items():
                _add(total, source, row)
        below, one = {(stage, unit): a for stage, unit, a in slopes}, 1 << self.precision
        _require(all(type(a) is int and a in range(one + 1) for a in below.values()), "a slope is not in [0, 1]")
        for source in range(len(self.stages) - 1, 0, -1):
            row = total.pop(source, [])
            if not any(row):
                continue
            (blocks, bias), unscale, steep = self.stages[source - 1], self.scales[source] >> self.precision, []
            constant, scale, total = constant * one, scale * one, {s: [v * one for v in r] for s, r in total.items()}
            for unit, (c, low, high) in enumerate(zip(row, self.ends[0][source], self.ends[1][source], strict=True)):
                if low is not None and low >= 0:
                    slope = one  # active
                elif high is not None and high <= 0:
                    slope = 0  # inactive
                elif c > 0:  # below a line above the unit: slope (pre-activation - low)
                    slope = -(-one * high // (high - low))
                    constant -= c * slope * low * unscale
                else:  # above a line below it: slope times pre-activation
                    default = one if low is not None and high is not None and high >= -low else 0
                    slope = below.get((source, unit), default)
                steep.append(c * slope)
            constant += sum(map(mul, steep, bias))
            for earlier, _, columns in blocks:
                _add(total, earlier, [sum(map(mul, steep, column)) for column in columns])
        low, high = self.ends[0][0], self.ends[1][0]
        ends = [c * (high[j] if c > 0 else low[j]) for j, c in enumerate(total.get(0, ())) if c]
        return constant * one + sum(ends), scale * one


def _add(total: dict[int, list[int]], source: int, row: list[int]) -> None:
    old = total.get(source)
    total[source] = row if old is None else [a + b for a, b in zip(old, row, strict=True)]


if __name__ == "__main__":
    try:
        print(f"{sys.argv[-1]}: valid: {json.dumps(check(sys.argv[-1]))}")
    except (Invalid, NoCertificate) as error:
        print(f"{sys.argv[-1]}: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, Invalid) else 2)
