"""Checks certificates: exact counts of activation cells and linear regions, and prunings of max-plus polynomials.

Needs nothing but Python, shares no code with the writer: ``python certificate_checker.py FILE``.  docs/certificates.md
has the format and says why this is a proof.  Every stage is multiplied by one positive number to have integers only.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
import sqlite3
import sys
import zlib
from collections.abc import Iterator
from fractions import Fraction
from operator import mul
from typing import Any

FORMAT, VERSION = "puiseux-certificate", 1
LINE_LIMIT, FORM_LIMIT = 1 << 26, 2 * 10**7  # bytes of a line; inputs times units: more is an attack
MEMORY_LIMIT = 1 << 29  # bytes: values of a line, integers of a network, an elimination; forms: twice so many
FIELDS = {"cells": ("digest", "network"), "pruning": ("dim", "scale")}
Row = list[int]  # an affine form a.x + b as [a_1, .., a_n, b], or the point x / d as [x_1, .., x_n, d]


class NoCertificate(Exception):
    """The file is no certificate, or cannot be read."""


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
                    if (form, version) != (FORMAT, VERSION):
                        raise NoCertificate(f"is of version {version!r:.20}; this checker reads version {VERSION}")
                    odd = sorted({"walls", *FIELDS[kind]} ^ set(record))
                    _require(not odd, f"the field {odd[:1]!r:.60} is missing or unknown")
                    proof = {"cells": _Cells, "pruning": _Pruning}[kind](**record)  # type: ignore[call-arg]
                elif isinstance(record, list):
                    getattr(proof, f"on_{record[0]}")(*record[1:])
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
    except (OSError, sqlite3.Error) as error:
        raise NoCertificate(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise Invalid(f"line {number}: is not what the format asks for: {str(error)!r:.200}") from None


def _require(condition: Any, message: str) -> None:
    if not condition:
        raise Invalid(message)


def _integers(values: Any, length: int) -> Row:
    good = type(values) is list and len(values) == length and all(type(v) is int for v in values)
    _require(good, f"{values!r:.60} is not a list of {length} integers")
    return values  # type: ignore[no-any-return]


def _choose(items: list[Any], numbers: Any) -> list[Any]:  # the items with these numbers, which are different
    good = len(set(_integers(numbers, len(numbers)))) == len(numbers) and all(0 <= i < len(items) for i in numbers)
    _require(good, f"{numbers!r:.60} is not a list of different numbers below {len(items)}")
    return [items[i] for i in numbers]


def _values(rows: list[Row], point: Any, length: int) -> Row:  # the values at a point, times its denominator
    _require(_integers(point, length)[-1] > 0, "a point ends with its denominator, which is > 0")
    return [sum(map(mul, row, point)) for row in rows]


def _combine(rows: list[Row], targets: list[Row]) -> None:
    """Each target is the sum of the (independent) rows with multipliers >= 0, found by elimination, and of one >= 0."""
    size, last = len(rows), 1
    *matrix, constants = [list(column) for column in zip(*rows, *targets, strict=True)]
    for c in range(size):
        r = next((r for r in range(c, len(matrix)) if matrix[r][c]), -1)
        _require(r >= 0, "the rows of a support are dependent")
        matrix[c], matrix[r] = matrix[r], matrix[c]
        pivot, head = matrix[c], matrix[c][c]
        _require(len(matrix) * len(pivot) * head.bit_length() <= 8 * MEMORY_LIMIT, "numbers of a proof get too long")
        for r, row in enumerate(matrix):
            if r != c:
                matrix[r] = [(head * a - row[c] * b) // last for a, b in zip(row, pivot, strict=True)]
        last = head
    sign = 1 if last > 0 else -1
    for t in range(size, size + len(targets)):
        multipliers = [sign * row[t] for row in matrix]
        rest = sign * last * constants[t] - sum(map(mul, multipliers, constants[:size]))
        _require(rest >= 0 and not any(multipliers[size:]) and min(multipliers, default=0) >= 0, "the multipliers fail")


def stages_of(inputs: int, content: list[Any]) -> Iterator[tuple[list[tuple[int, list[Row]]], Row]]:
    """The stages, last the outputs, with denominators cleared: blocks on sources (0 is the input), and biases."""
    sizes, scales, lengths, used, space = [inputs], [1], [1], 0, 0
    for blocks, bias in content:
        sources = [source for source, _ in blocks]
        widths = [(len(rows), {len(row) for row in rows}) for _, rows in blocks]
        _require((sum(sizes[1:]) + len(bias)) * inputs <= FORM_LIMIT, "the network is too large")
        good = bias and sorted(sources) == sources and widths == [(len(bias), {m}) for m in _choose(sizes, sources)]
        _require(good, f"the shape of stage {len(sizes)} of the network does not fit")
        texts = [text for _, rows in blocks for row in rows for text in row] + bias
        _require(all(re.fullmatch(r"-?[0-9]+(/[1-9][0-9]*)?", text) for text in texts), "a weight is no fraction")
        scale = least = math.lcm(*(scales[s] for s in sources))
        for q in {int(text.partition("/")[2] or 1) for text in texts}:
            scale = math.lcm(scale, least * q)
            _require(used + len(texts) * scale.bit_length() <= 8 * MEMORY_LIMIT, "the denominators are too long")
        used += len(texts) * scale.bit_length()
        whole = [(s, [[int(scale // scales[s] * Fraction(v)) for v in row] for row in rows]) for s, rows in blocks]
        yield whole, (biases := [int(scale * Fraction(v)) for v in bias])
        longest = max(v.bit_length() for _, rows in [*whole, (0, [biases])] for row in rows for v in row)
        lengths.append(len(sources) + longest + max((lengths[s] + sizes[s].bit_length() for s in sources), default=0))
        space += (inputs + 1) * len(bias) * (40 + lengths[-1] // 7)
        _require(space <= 2 * MEMORY_LIMIT, "the numbers of the network are too long for so many units and inputs")
        sizes, scales = [*sizes, len(bias)], [*scales, scale]


class _Cells:  # a tree of splits, depth first, the active side of each split before the inactive one
    def __init__(self, digest: Any, network: Any, walls: Any) -> None:
        name, version, inputs, hidden, output = network
        _require([name, version, type(inputs)] == ["puiseux-network", 1, int], "the network has another format")
        found = hashlib.sha256(json.dumps(network, separators=(",", ":")).encode()).hexdigest()
        _require(digest == found, f"the digest of the network is {found}, not {digest!r:.80}")
        self.about = {"kind": "cells", "digest": digest, "input_dim": inputs, "walls": walls}
        self.stages, self.width, self.walls = list(stages_of(inputs, [*hidden, output])), inputs + 1, len(walls)
        self.cells, self.rows = 0, [_integers(wall, self.width) for wall in walls]  # all that is >= 0 at this place
        self.forms: list[list[Row]] = [[[0] * self.width]]  # by stage; those of the input are not written out
        self.signs: list[list[Any]] = [[1] * inputs]  # 0, 1, or None while the unit is open
        self.path: list[Any] = [(0, 0, 0, [])]  # the whole, and splits: unit, and what to go back to; empty at the end
        self.ask = sqlite3.connect("").execute  # a temporary file, as soon as it outgrows its cache
        self.ask("CREATE TABLE cell (id INTEGER PRIMARY KEY, pattern BLOB UNIQUE, map TEXT, whole BOOLEAN, up INTEGER)")
        self.ask("CREATE TABLE facet (one INTEGER, pattern BLOB, map TEXT)")
        self._enter()

    def _extend(self, forms: list[list[Row]], signs: list[list[Any]], one: int) -> None:
        """The forms of the next stage, from those of the input and of all stages before it under their signs."""
        blocks, bias = self.stages[len(forms) - 1]
        table = [[*[0] * (len(forms[0][0]) - 1), b * one] for b in bias]
        for source, rows in blocks:
            if source == 0 and forms is self.forms:
                table = [[*row, form[-1]] for row, form in zip(rows, table, strict=True)]
                continue
            active = [i for i, on in enumerate(signs[source]) if on]
            columns = list(zip(*(forms[source][i] for i in active), strict=True))
            for j, row in enumerate(rows if active else ()):
                weights = [row[i] for i in active]
                table[j] = [v + sum(map(mul, weights, column)) for v, column in zip(table[j], columns, strict=True)]
        forms.append(table)

    def _enter(self) -> None:  # the next stages while no unit is open; constant forms decide themselves
        while len(self.forms) <= len(self.stages) and None not in self.signs[-1]:
            self._extend(self.forms, self.signs, 1)
            self.signs.append([None if any(form[:-1]) else int(form[-1] > 0) for form in self.forms[-1]])

    def _require_open(self, units: Any) -> None:
        _require(self.path and len(self.forms) <= len(self.stages), "no unit is open here")
        _require(set(_choose(self.signs[-1], units)) <= {None}, f"one of the units {units!r:.60} is decided already")

    def _step(self, unit: int, side: int) -> None:
        self.rows.append([v if side else -v for v in self.forms[-1][unit]])
        self.signs[-1][unit] = side
        self._enter()

    def on_split(self, unit: Any) -> None:
        self._require_open([unit])
        self.path.append((unit, len(self.forms), len(self.rows), list(self.signs[-1])))
        self._step(unit, 1)

    def on_sign(self, support: Any, active: Any, inactive: Any) -> None:
        """Units of one sign, and the rows whose multipliers prove it."""
        self._require_open(active + inactive)
        targets = [self.forms[-1][u] for u in active] + [[-v for v in self.forms[-1][u]] for u in inactive]
        _combine(_choose(self.rows, support), targets)
        for unit in active + inactive:
            self.signs[-1][unit] = int(unit in active)
        self._enter()

    def on_cell(self, point: Any, facets: Any = (), redundant: Any = None) -> None:
        """A leaf: a point inside it; facets; and, to show that these are all, proofs that other rows are redundant."""
        _require(self.path and len(self.forms) > len(self.stages), "no cell ends here")
        inside = _values(self.rows, point, self.width)
        _require(all(value > 0 for value in inside), "the point is not inside the cell")
        self.cells += 1
        affine = ";".join(format(v, "x") for form in self.forms[-1] for v in form)
        numbers, others = [facet[0] for facet in facets], [proof[0] for proof in redundant or ()]
        _require(redundant is None or len(numbers + others) == len(self.rows), "not every row is facet or redundant")
        _choose(self.rows, numbers + others)
        for number, *target in facets:
            self._facet(number, point, inside, target, affine)
        for number, support in redundant or ():
            _require(set(support) <= set(numbers), "a redundant row must follow from facets alone")
            _combine(_choose(self.rows, support), [self.rows[number]])
        entry = (self.cells, b"".join(map(bytes, self.signs[1:-1])), affine, redundant is not None, self.cells)
        self.ask("INSERT INTO cell VALUES (?, ?, ?, ?, ?)", entry)
        unit, depth, height, signs = self.path.pop()
        if self.path:  # on to the inactive side of the innermost split that waits for it
            self.forms[depth:], self.signs[depth - 1 :], self.rows[height:] = [], [signs], []
            self._step(unit, 0)

    def _facet(self, number: int, point: Row, inside: Row, target: Row, affine: str) -> None:
        """The way from the point to the target leaves the cell through this row alone: so it is a facet."""
        outside, own = _values(self.rows, target, self.width), self.rows[number]
        to, back = inside[number], -outside[number]
        _require(back > 0, f"the target is not beyond row {number}")
        crossing = [to * t + back * p for t, p in zip(outside, inside, strict=True)]
        for value, row, here in zip(crossing, self.rows, inside, strict=True):
            alike = value == 0 and all(a * to == b * here for a, b in zip(row, own, strict=True))
            _require(value > 0 or alike, f"the way does not leave through row {number} alone")
        if 0 in crossing[: self.walls]:
            return  # beyond a wall of the domain is nothing
        # elsewhere, just behind it, a unit is active where its value is positive, or is 0 with a positive slope
        slopes = [t * point[-1] - p * target[-1] for t, p in zip(target, point, strict=True)]
        *place, one = [to * t + back * p for t, p in zip(target, point, strict=True)]
        forms, signs = [[list(pair) for pair in zip(slopes, place, strict=False)]], [self.signs[0]]
        for _ in self.stages[:-1]:
            self._extend(forms, signs, one)
            signs.append([int(value > 0 or (value == 0 and slope > 0)) for slope, value in forms[-1]])
        self.ask("INSERT INTO facet VALUES (?, ?, ?)", (self.cells, b"".join(map(bytes, signs[1:])), affine))

    def counts(self) -> dict[str, Any]:
        """Cells of one map are joined across facets; no other facet can join any."""
        _require(not self.path, "truncated: a side of a split is missing")
        self.ask("CREATE TABLE joined AS SELECT one, id AS two FROM facet NATURAL JOIN cell")
        for one, two in self.ask("SELECT * FROM joined UNION ALL SELECT * FROM joined"):  # then all are at roots
            self.ask("UPDATE cell SET up = ? WHERE id = ?", (self._root(two), self._root(one)))
        doubt = "SELECT min(up), max(up) FROM cell WHERE NOT whole GROUP BY map HAVING min(up) < max(up)"
        _require(self.ask(doubt).fetchone() is None, "cells of one map are neither joined nor shown to be apart")
        regions, maps = self.ask("SELECT count(DISTINCT up), count(DISTINCT map) FROM cell").fetchone()
        return {"cells": self.cells, "regions": regions, "regions_by_point": None, "affine_maps": maps}

    def _root(self, cell: int) -> int:
        trail = [cell]
        while (up := self.ask("SELECT up FROM cell WHERE id = ?", (trail[-1],)).fetchone()[0]) != trail[-1]:
            trail.append(up)
        for member in trail[:-1]:
            self.ask("UPDATE cell SET up = ? WHERE id = ?", (trail[-1], member))
        return trail[-1]


class _Pruning:  # kept terms, with a point each, then redundant terms: no kept term can go, all others can
    def __init__(self, dim: int, scale: int, walls: Any) -> None:
        _require(type(dim) is type(scale) is int and min(dim, scale) > 0, "dim and scale are positive integers")
        self.about = {"kind": "pruning", "input_dim": dim, "scale": scale, "walls": walls}
        self.walls = [_integers(wall, dim + 1) for wall in walls]
        self.width, self.terms, self.points, self.redundant = dim + 1, list[Row](), list[Row](), 0

    def on_kept(self, term: Any, point: Any) -> None:
        """A term, and a point of the domain where it is larger than all other kept terms (`counts` looks)."""
        _require(self.redundant == 0, "kept terms come before redundant ones")
        _require(min(_values(self.walls, point, self.width), default=0) >= 0, "the point is not in the domain")
        self.terms.append(_integers(term, self.width))
        self.points.append(point)

    def on_redundant(self, term: Any, kept: Any, walls: Any) -> None:
        """A term below a convex combination of kept ones: the difference is a sum of walls and a number >= 0."""
        self.redundant += 1
        *slope, height = _integers(term, self.width)
        rows = [[*row[:-1], 1, -row[-1]] for row in _choose(self.terms, kept)]
        rows += [[*(-v for v in row[:-1]), 0, row[-1]] for row in _choose(self.walls, walls)]
        _combine(rows, [[*slope, 1, -height]])

    def counts(self) -> dict[str, Any]:
        for k, point in enumerate(self.points):
            values = _values(self.terms, point, self.width)
            _require(values.count(max(values)) == 1 and max(values) == values[k], f"kept term {k} is not alone on top")
        return {"kept": len(self.terms), "redundant": self.redundant}


if __name__ == "__main__":
    try:
        print(f"{sys.argv[-1]}: valid: {json.dumps(check(sys.argv[-1]))}")
    except (Invalid, NoCertificate) as error:
        print(f"{sys.argv[-1]}: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, Invalid) else 2)
