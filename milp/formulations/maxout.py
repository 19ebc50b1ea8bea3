"""Maxout: y = max_j u_j of k affine functions, for each group of k consecutive pre-activations.

Big-M: y >= u_j, y <= u_j + M_j (1 - z_j), sum z_j = 1, where M_j must reach max_x max_l (u_l - u_j); it is bounded by
the row differences on the box and by the bounds of the rows. A piece that stays below another one is dropped.

Ideal: h = sum_j h^j with h^j in z_j times the box, y = sum_j (w_j.h^j + b_j z_j), and u_l <= u_j on the copy of j.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from milp.formulations.rule import Encoded, Preactivation, indicator
from milp.solvers import require_cvxpy
from polyhedra.arrays import Floats


def encode(pre: Preactivation, pieces: int) -> Encoded:
    """Encode the maximum of each group of ``pieces`` consecutive entries, by big-M."""
    cp = require_cvxpy("a formulation")
    groups = pre.size // pieces
    y = cp.Variable(groups)
    shape = (groups, pieces)
    u = cp.reshape(pre.value, shape, order="C")
    z, integer = indicator(shape)
    reach = np.zeros(shape)
    kept = np.ones(shape)
    for group in range(groups):
        reach[group], kept[group] = _reach(pre, group * pieces, pieces)
    spread = cp.reshape(y, (groups, 1), order="C") @ np.ones((1, pieces))
    constraints = [
        spread >= u,
        spread <= u + cp.multiply(reach, 1 - z),
        cp.sum(z, axis=1) == 1,
        z <= kept,
    ]
    return Encoded(y, z, integer, constraints)


def encode_ideal(pre: Preactivation, pieces: int) -> Encoded:
    """Encode the maximum of each group of ``pieces`` consecutive entries, by disjunction over copies of the input."""
    cp = require_cvxpy("a formulation")
    groups, n = pre.size // pieces, pre.weights.shape[1]
    outputs: list[Any] = []
    choices: list[Any] = []
    integrality: list[Any] = []
    constraints: list[Any] = []
    for group in range(groups):
        first = group * pieces
        z, integer = indicator(pieces)
        copies = [cp.Variable(n) for _ in range(pieces)]
        value: Any = 0
        for j, copy in enumerate(copies):
            mine = pre.weights[first + j] @ copy + pre.bias[first + j] * z[j]
            value = value + mine
            constraints += [copy >= pre.input_lower * z[j], copy <= pre.input_upper * z[j]]
            constraints += [
                pre.weights[first + other] @ copy + pre.bias[first + other] * z[j] <= mine
                for other in range(pieces)
                if other != j
            ]
        total: Any = copies[0]
        for copy in copies[1:]:
            total = total + copy
        constraints += [total == pre.inputs, cp.sum(z) == 1]
        outputs.append(value)
        choices.append(z)
        integrality += integer
    return Encoded(cp.hstack(outputs), cp.vstack(choices), integrality, constraints)


def _reach(pre: Preactivation, first: int, pieces: int) -> tuple[Floats, Floats]:
    """M_j of each piece of a group, and 1 for the pieces that can be the greatest."""
    reach, kept = np.zeros(pieces), np.ones(pieces)
    leader = first + int(np.argmax(pre.lower[first : first + pieces]))
    for j in range(pieces):
        own = first + j
        if own != leader and pre.upper[own] <= pre.lower[leader]:
            kept[j] = 0.0
        for other in range(first, first + pieces):
            if other == own:
                continue
            row = pre.weights[other] - pre.weights[own]
            on_box = np.maximum(row, 0) @ pre.input_upper + np.minimum(row, 0) @ pre.input_lower
            gap = min(on_box + pre.bias[other] - pre.bias[own], pre.upper[other] - pre.lower[own])
            size = np.abs(row) @ np.maximum(np.abs(pre.input_lower), np.abs(pre.input_upper))
            gap += 1e-12 * (size + abs(pre.bias[other]) + abs(pre.bias[own]))  # outwards
            reach[j] = max(reach[j], gap)
    return reach, kept
