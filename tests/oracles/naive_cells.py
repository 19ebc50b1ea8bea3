"""A naive exact oracle: activation cells and the four region counts of small ReLU networks.

It tries every sign of every unit, decides each system of strict inequalities by its own exact linear program, and tests
every pair of cells.  It uses Python's integers and fractions and nothing of the project, so that agreement with the
project's engines means something.  Exponential in everything; meant for a few dozen cells.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

Form = tuple  # (a_1, .., a_n, b), the affine function a . x + b


def plain(weights, biases):
    """The stages of a multilayer perceptron: rows over the input and all earlier units, and a bias, per unit."""
    stages = []
    before = 0
    for matrix, bias in zip(weights, biases, strict=True):
        zeros = (Fraction(0),) * before
        stages.append([(zeros + tuple(map(Fraction, row)), Fraction(b)) for row, b in zip(matrix, bias, strict=True)])
        before += len(matrix[0])
    return stages


def integers(form):
    """A positive multiple of the form with integer entries and no common factor."""
    scale = math.lcm(*(Fraction(v).denominator for v in form))
    values = [int(v * scale) for v in form]
    divisor = math.gcd(*values) or 1
    return tuple(v // divisor for v in values)


def largest_slack(forms, dim, cap):
    """The maximum of t <= cap such that every (integer) form is >= t at some common point x, as a Fraction.

    Simplex method on an integer dictionary with one common denominator; Bland's rule; the free variables x enter the
    basis once and stay.  Columns: x_1..x_n, t, constant; variable numbers: 0..n-1 for x, n for t, n+1+i for slack i.
    """
    slack = [[*form[:-1], -1, form[-1]] for form in forms] + [[0] * dim + [-1, cap]]
    columns = list(range(dim + 1))
    rows = [dim + 1 + i for i in range(len(slack))]
    objective = [0] * dim + [1, 0]
    denominator = 1

    def pivot(r, c):
        nonlocal denominator
        # row: s = sum row[j] x_j + const, all over the denominator; solve for x_c
        p = slack[r][c]
        sign = 1 if p > 0 else -1
        for row in [*slack, objective]:
            if row is slack[r]:
                continue
            q = row[c]
            for j in range(len(row)):
                if j != c:
                    row[j] = sign * (row[j] * p - q * slack[r][j]) // denominator
            row[c] = sign * q
        for j in range(len(slack[r])):
            slack[r][j] = -sign * slack[r][j]
        slack[r][c] = sign * denominator
        columns[c], rows[r] = rows[r], columns[c]
        denominator = abs(p)

    # t enters first, against the smallest constant: from then on the dictionary is feasible
    pivot(min(range(len(slack)), key=lambda i: slack[i][-1]), dim)
    while True:
        free = [j for j in range(dim + 1) if columns[j] < dim and objective[j]]
        bound = [j for j in range(dim + 1) if columns[j] > dim and objective[j] > 0]
        if not free and not bound:
            return Fraction(objective[-1], denominator)
        column = free[0] if free else min(bound, key=lambda j: columns[j])
        direction = 1 if objective[column] > 0 else -1
        blocking = [i for i in range(len(slack)) if rows[i] > dim and direction * slack[i][column] < 0]
        row = min(blocking, key=lambda i: (Fraction(slack[i][-1], abs(slack[i][column])), rows[i]))
        pivot(row, column)


def is_full_dimensional(forms, dim):
    """Whether some point makes all forms positive (for nonconstant forms: whether the polyhedron has an interior)."""
    forms = {integers(f) for f in forms}
    if any(not any(f[:-1]) and f[-1] <= 0 for f in forms):
        return False
    forms = sorted(f for f in forms if any(f[:-1]))
    return not forms or largest_slack(forms, dim, 1) > 0


def is_nonempty(forms, dim):
    """Whether some point makes all forms nonnegative."""
    forms = {integers(f) for f in forms}
    if any(not any(f[:-1]) and f[-1] < 0 for f in forms):
        return False
    forms = sorted(f for f in forms if any(f[:-1]))
    return not forms or largest_slack(forms, dim, 0) == 0


def combine(row, bias, values, dim):
    """The affine form of a unit whose sources have these affine forms."""
    total = [Fraction(0)] * dim + [bias]
    for weight, value in zip(row, values, strict=True):
        if weight and value is not None:
            total = [t + weight * v for t, v in zip(total, value, strict=True)]
    return tuple(total)


def cells(stages, dim, domain=()):
    """All full-dimensional activation cells: a list of (pattern, inequalities, affine map of the outputs).

    ``stages`` as from `plain`, the last one the outputs; ``domain``: forms >= 0 on it.  A pattern is a tuple of
    0s and 1s per hidden stage; inequalities are forms >= 0.
    """
    identity = [tuple(Fraction(int(i == j)) for j in range(dim + 1)) for i in range(dim)]
    found = []

    def visit(stage, unit, values, new, pattern, forms):
        if stage == len(stages) - 1:
            found.append((pattern, forms, tuple(combine(row, bias, values, dim) for row, bias in stages[-1])))
            return
        if unit == len(stages[stage]):
            bits = tuple(int(v is not None) for v in new)
            visit(stage + 1, 0, values + new, [], (*pattern, bits), forms)
            return
        form = combine(*stages[stage][unit], values, dim)
        if not any(form[:-1]):
            visit(stage, unit + 1, values, [*new, form if form[-1] > 0 else None], pattern, forms)
            return
        negative = tuple(-v for v in form)
        for wall, value in ((form, form), (negative, None)):
            if is_full_dimensional([*forms, wall], dim):
                visit(stage, unit + 1, values, [*new, value], pattern, [*forms, wall])

    if is_full_dimensional(domain, dim):
        visit(0, 0, identity, [], (), list(domain))
    return found


def share_facet(one, two, dim):
    """Whether two cells with disjoint interiors share a face of dimension ``dim - 1``."""
    one, two = {integers(f) for f in one}, {integers(f) for f in two}
    for wall in one:
        opposite = tuple(-v for v in wall)
        if opposite not in two:
            continue
        index = next(i for i in range(dim) if wall[i])
        rest = [f for f in one | two if f not in (wall, opposite)]
        # x_index = -(the others) / wall[index] on the hyperplane
        on_wall = [
            tuple(Fraction(f[j]) - Fraction(f[index] * wall[j], wall[index]) for j in range(dim + 1) if j != index)
            for f in rest
        ]
        if is_full_dimensional(on_wall, dim - 1):
            return True
    return False


def components(items, joined):
    """The number of connected components."""
    label = list(range(len(items)))
    for i, j in combinations(range(len(items)), 2):
        if label[i] != label[j] and joined(items[i], items[j]):
            old, new = label[j], label[i]
            label = [new if entry == old else entry for entry in label]
    return len(set(label))


def four_counts(found, dim):
    """``cells``, ``regions``, ``regions_by_point`` and ``affine_maps`` of a list of cells."""
    groups = {}
    for _, forms, output in found:
        groups.setdefault(output, []).append(forms)
    return {
        "cells": len(found),
        "regions": sum(components(g, lambda p, q: share_facet(p, q, dim)) for g in groups.values()),
        "regions_by_point": sum(components(g, lambda p, q: is_nonempty(p + q, dim)) for g in groups.values()),
        "affine_maps": len(groups),
    }


def pattern_text(pattern):
    """``"0110|01"``: one digit per unit, a bar between stages."""
    return "|".join("".join(map(str, bits)) for bits in pattern)
