"""A second checker of certificates of properties, written from docs/certificates.md alone: fractions and recursion.

It takes lines that are parsed already.  Anything odd is an exception.
"""

from __future__ import annotations

import copy
import hashlib
import json
from fractions import Fraction
from math import ceil, floor


def digest(content):
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


def demand(condition):
    if not condition:
        raise ValueError


class Place:
    """The rows and ends at a place of the tree."""

    def __init__(self, system, sizes, grain):
        self.rows = [("row", row, relation) for relation, row in system]
        self.low = [[None] * size for size in sizes]
        self.high = [[None] * size for size in sizes]
        for _, row in system:
            used = [j for j, v in enumerate(row[:-1]) if v]
            if len(used) == 1 and used[0] < sizes[0]:
                end = Fraction(-row[-1], row[used[0]])
                if row[used[0]] > 0:
                    self.at_least(0, used[0], grain * floor(end / grain))
                else:
                    self.at_most(0, used[0], grain * ceil(end / grain))

    def at_least(self, k, u, end):
        self.low[k][u] = end if self.low[k][u] is None else max(end, self.low[k][u])

    def at_most(self, k, u, end):
        self.high[k][u] = end if self.high[k][u] is None else min(end, self.high[k][u])


class Checker:
    def __init__(self, header):
        demand((header["format"], header["version"], header["kind"]) == ("puiseux-certificate", 1, "property"))
        name, version, self.n, hidden, output = header["network"]
        demand((name, version, header["digest"]) == ("puiseux-network", 1, digest(header["network"])))
        name, version, n, m, self.systems = header["property"]
        demand(
            (name, version, n, header["property_digest"]) == ("puiseux-property", 1, self.n, digest(header["property"]))
        )
        demand(type(header["precision"]) is int and 0 <= header["precision"] <= 2048)
        self.grain = Fraction(1, 2 ** header["precision"])
        self.stages = [
            ([(s, [list(map(Fraction, row)) for row in rows]) for s, rows in blocks], list(map(Fraction, bias)))
            for blocks, bias in [*hidden, output]
        ]
        demand(len(output[1]) == m)
        self.sizes = [self.n, *(len(bias) for _, bias in self.stages[:-1])]
        self.splits = self.leaves = 0

    def form_of(self, k, u):
        """The input or pre-activation as coefficients by (stage, unit), and a constant."""
        if k == 0:
            return {(0, u): Fraction(1)}, Fraction(0)
        blocks, bias = self.stages[k - 1]
        return {(s, j): w for s, rows in blocks for j, w in enumerate(rows[u])}, bias[u]

    def row_of(self, place, number):
        demand(type(number) is int and 0 <= number < len(place.rows))
        kind, *entry = place.rows[number]
        if kind == "split":
            k, u, at, sign = entry
            form, constant = self.form_of(k, u)
            return {key: sign * v for key, v in form.items()}, sign * (constant - at)
        row = entry[0]
        form, constant = {(0, j): Fraction(v) for j, v in enumerate(row[: self.n])}, Fraction(row[-1])
        for output, d in enumerate(row[self.n : -1]):
            added, more = self.form_of(len(self.stages), output)
            constant += d * more
            for key, v in added.items():
                form[key] = form.get(key, 0) + d * v
        return form, constant

    def bound(self, place, form, constant, multipliers, slopes):
        form = dict(form)
        for number, y in multipliers:
            demand(type(y) is int and y >= 0)
            added, more = self.row_of(place, number)
            constant += y * more
            for key, v in added.items():
                form[key] = form.get(key, 0) + y * v
        listed = {}
        for k, u, a in slopes:
            demand(type(a) is int and 0 <= a * self.grain <= 1)
            listed[k, u] = a * self.grain
        for k in range(len(self.stages) - 1, 0, -1):
            for u in range(self.sizes[k]):
                c = form.pop((k, u), Fraction(0))
                low, high = place.low[k][u], place.high[k][u]
                if c == 0 or (high is not None and high <= 0 and not (low is not None and low >= 0)):
                    continue
                if low is not None and low >= 0:
                    slope, offset = 1, 0
                elif c > 0:
                    slope = self.grain * ceil(high / (high - low) / self.grain)
                    offset = -slope * low
                else:
                    known = low is not None and high is not None and high >= -low
                    slope, offset = listed.get((k, u), int(known)), 0
                added, more = self.form_of(k, u)
                constant += c * (slope * more + offset)
                for key, v in added.items():
                    form[key] = form.get(key, 0) + c * slope * v
        for (_, j), c in form.items():
            if c:
                constant += c * (place.high if c > 0 else place.low)[0][j]
        return constant

    def walk(self, place, lines):
        kind, *rest = next(lines)
        if kind == "leaf":
            multipliers, slopes = rest
            value = self.bound(place, {}, Fraction(0), multipliers, slopes)
            strict = any(y > 0 and place.rows[r][0] == "row" and place.rows[r][2] == ">" for r, y in multipliers)
            demand(value < 0 or (value == 0 and strict))
            self.leaves += 1
        elif kind == "bounds":
            k, entries = rest
            demand(type(k) is int and 0 <= k < len(self.sizes))
            for u, low, high, *proofs in entries:
                demand(type(u) is int and 0 <= u < self.sizes[k] and len(proofs) in (0, 2))
                for sign, end, proof in zip((-1, 1), (low, high), proofs or [[1, [], []]] * 2, strict=True):
                    t, multipliers, slopes = proof
                    demand(type(t) is int and t > 0)
                    if end is None:
                        continue
                    demand(type(end) is int)
                    form, constant = self.form_of(k, u)
                    scaled = {key: sign * t * v for key, v in form.items()}
                    found = self.bound(place, scaled, sign * t * constant, multipliers, slopes)
                    demand(found <= sign * t * end * self.grain)
                    (place.at_most if sign > 0 else place.at_least)(k, u, end * self.grain)
            self.walk(place, lines)
        else:
            if kind == "cut":
                k, (u, at) = 0, rest
                order = (-1, 1)
            else:
                demand(kind == "split")
                (k, u), at, order = rest, 0, (1, -1)
                demand(k >= 1)
            demand(type(k) is type(u) is type(at) is int and 0 <= k < len(self.sizes) and 0 <= u < self.sizes[k])
            self.splits += 1
            for sign in order:
                side = copy.deepcopy(place)
                side.rows.append(("split", k, u, at * self.grain, sign))
                (side.at_least if sign > 0 else side.at_most)(k, u, at * self.grain)
                self.walk(side, lines)


def accepts(records):
    """Whether a certificate of a property is valid; the lines are parsed."""
    try:
        checker = Checker(records[0])
        lines = iter(records[1:-1])
        for system in checker.systems:
            checker.walk(Place(system, checker.sizes, checker.grain), lines)
        demand(next(lines, None) is None)
        demand(records[-1] == {"end": {"splits": checker.splits, "leaves": checker.leaves}})
    except (TypeError, ValueError, LookupError, StopIteration, AttributeError):
        return False
    return True
