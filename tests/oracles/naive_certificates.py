"""A second checker of certificates of cells, written from docs/certificates.md alone: fractions, recursion, no hurry.

It shares nothing with the project's checker, so that their agreement on damaged files means something for the text too.
"""

import hashlib
import json
from fractions import Fraction
from itertools import combinations


class Refused(Exception):
    """The file proves less than it claims."""


def need(condition, what):
    if not condition:
        raise Refused(what)


def check(text):
    """The counts that a certificate proves."""
    header, *records = [json.loads(line) for line in text.splitlines()]
    keys = {"format", "version", "kind", "digest", "network", "walls"}
    need(isinstance(header, dict) and set(header) == keys, "header")
    need((header["format"], header["version"], header["kind"]) == ("puiseux-certificate", 1, "cells"), "header")
    written = json.dumps(header["network"], separators=(",", ":")).encode()
    need(hashlib.sha256(written).hexdigest() == header["digest"], "digest")
    _, _, dim, hidden, output = header["network"]
    need(all(integers(wall, dim + 1) for wall in header["walls"]), "walls")
    proof = Proof(dim, [*hidden, output], header["walls"], records)
    proof.place(list(map(exact, header["walls"])), [])
    counts = proof.counts()
    need(proof.records == [{"end": counts}], "the end")
    return counts


def integers(values, length):
    return isinstance(values, list) and len(values) == length and all(type(v) is int for v in values)


def exact(values):
    return [Fraction(v) for v in values]


def value(form, point):
    return sum(a * x for a, x in zip(form, [*point, 1], strict=True))


class Proof:
    """The records that are left, and the leaves found so far."""

    def __init__(self, dim, stages, walls, records):
        self.dim, self.stages, self.walls, self.records = dim, stages, len(walls), list(records)
        self.leaves = []

    def forms(self, signs):
        """The forms of the stage after those with signs."""
        known = [[[Fraction(int(i == j)) for j in range(self.dim + 1)] for i in range(self.dim)]]
        for number in range(len(signs) + 1):
            blocks, bias = self.stages[number]
            table = []
            for i, b in enumerate(bias):
                form = [Fraction(0)] * self.dim + [Fraction(b)]
                for source, matrix in blocks:
                    for weight, lower in zip(matrix[i], known[source], strict=True):
                        form = [t + Fraction(weight) * v for t, v in zip(form, lower, strict=True)]
                table.append(form)
            if number == len(signs):
                return table
            nothing = [Fraction(0)] * (self.dim + 1)
            known.append([form if on else nothing for form, on in zip(table, signs[number], strict=True)])
        return None

    def place(self, rows, signs):
        """A place at which a stage begins."""
        forms = self.forms(signs)
        if len(signs) == len(self.stages) - 1:
            self.leaf(rows, signs, forms)
            return
        state = [None if any(form[:-1]) else form[-1] > 0 for form in forms]
        self.stage(rows, signs, forms, state)

    def stage(self, rows, signs, forms, state):
        """A place within a stage."""
        while None in state:
            need(self.records and isinstance(self.records[0], list) and self.records[0], "a record is missing")
            kind, *rest = self.records.pop(0)
            if kind == "sign":
                support, active, inactive = rest
                units = [*active, *inactive]
                need(integers(units, len(units)) and len(set(units)) == len(units), "units")
                need(all(0 <= u < len(state) and state[u] is None for u in units), "units")
                base = self.numbered(rows, support)
                for unit in units:
                    side = unit in active
                    combination(base, forms[unit] if side else [-v for v in forms[unit]])
                for unit in units:
                    state[unit] = unit in active
            else:
                need(kind == "split" and integers(rest, 1), "a split")
                (unit,) = rest
                need(0 <= unit < len(state) and state[unit] is None, "a split")
                for side in (True, False):
                    form = forms[unit] if side else [-v for v in forms[unit]]
                    self.stage([*rows, form], signs, forms, [*state[:unit], side, *state[unit + 1 :]])
                return
        self.place(rows, [*signs, state])

    def numbered(self, rows, numbers):
        need(integers(numbers, len(numbers)) and len(set(numbers)) == len(numbers), "rows")
        need(all(0 <= i < len(rows) for i in numbers), "rows")
        return [rows[i] for i in numbers]

    def point(self, numbers):
        need(integers(numbers, self.dim + 1) and numbers[-1] > 0, "a point")
        return [Fraction(v, numbers[-1]) for v in numbers[:-1]]

    def leaf(self, rows, signs, outputs):
        need(self.records and isinstance(self.records[0], list) and self.records[0], "a record is missing")
        kind, numbers, *rest = self.records.pop(0)
        need(kind == "cell" and len(rest) <= 2, "a cell")
        inner = self.point(numbers)
        need(all(value(row, inner) > 0 for row in rows), "the point")
        facets, neighbours = [], []
        for i, *target in rest[0] if rest else ():
            own = self.numbered(rows, [i])[0]
            outer = self.point(target)
            need(value(own, outer) < 0, "the target")
            step = value(own, inner) / (value(own, inner) - value(own, outer))
            crossing = [x + step * (y - x) for x, y in zip(inner, outer, strict=True)]
            for row in rows:
                need(value(row, crossing) > 0 or (value(row, crossing) == 0 and parallel(row, own)), "the crossing")
            facets.append(i)
            if all(value(wall, crossing) != 0 for wall in rows[: self.walls]):
                neighbours.append(self.beyond(crossing, [y - x for x, y in zip(inner, outer, strict=True)]))
        need(len(set(facets)) == len(facets), "facets")
        if len(rest) == 2 and rest[1] is not None:
            named = [entry[0] for entry in rest[1]]
            need(sorted([*facets, *named]) == list(range(len(rows))), "rows left out")
            for j, support in rest[1]:
                need(set(support) <= set(facets), "support")
                combination(self.numbered(rows, support), rows[j])
        whole = len(rest) == 2 and rest[1] is not None
        self.leaves.append((signs, outputs, neighbours, whole))

    def beyond(self, point, direction):
        """The signs behind a point, stage by stage."""
        heights, slopes, signs = [point], [direction], []
        for blocks, bias in self.stages[:-1]:
            up, rate = [], []
            for i, b in enumerate(bias):
                reads = [(s, k, Fraction(w)) for s, matrix in blocks for k, w in enumerate(matrix[i])]
                up.append(Fraction(b) + sum(w * heights[s][k] for s, k, w in reads))
                rate.append(sum(w * slopes[s][k] for s, k, w in reads))
            on = [u > 0 or (u == 0 and r > 0) for u, r in zip(up, rate, strict=True)]
            signs.append(on)
            heights.append([u if o else Fraction(0) for u, o in zip(up, on, strict=True)])
            slopes.append([r if o else Fraction(0) for r, o in zip(rate, on, strict=True)])
        return signs

    def counts(self):
        label = list(range(len(self.leaves)))
        for i, (_, outputs, neighbours, _) in enumerate(self.leaves):
            for signs in neighbours:
                j = next(k for k, leaf in enumerate(self.leaves) if leaf[0] == signs)
                if self.leaves[j][1] == outputs:
                    label = [label[i] if entry == label[j] else entry for entry in label]
        for (i, one), (j, two) in combinations(enumerate(self.leaves), 2):
            need(one[1] != two[1] or label[i] == label[j] or one[3] or two[3], "two leaves of one map")
        maps = len({json.dumps([[str(v) for v in form] for form in leaf[1]]) for leaf in self.leaves})
        return {"cells": len(self.leaves), "regions": len(set(label)), "regions_by_point": None, "affine_maps": maps}


def parallel(row, own):
    return all(a * d == b * c for (a, b), (c, d) in combinations(zip(row, own, strict=True), 2))


def combination(rows, target):
    """Refuse unless the independent rows, with multipliers >= 0, and a constant >= 0 add up to the target."""
    columns = [*rows, target]
    system = [[column[k] for column in columns] for k in range(len(target) - 1)]
    pivots = 0
    for c in range(len(rows)):
        at = next((r for r in range(pivots, len(system)) if system[r][c] != 0), None)
        need(at is not None, "dependent rows")
        system[pivots], system[at] = system[at], system[pivots]
        system[pivots] = [v / system[pivots][c] for v in system[pivots]]
        for r in range(len(system)):
            if r != pivots:
                system[r] = [v - system[r][c] * w for v, w in zip(system[r], system[pivots], strict=True)]
        pivots += 1
    need(all(row[-1] == 0 for row in system[pivots:]), "no combination")
    multipliers = [row[-1] for row in system[:pivots]]
    need(all(m >= 0 for m in multipliers), "a negative multiplier")
    need(target[-1] >= sum(m * row[-1] for m, row in zip(multipliers, rows, strict=True)), "the constant")
