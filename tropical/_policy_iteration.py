"""Howard's policy iteration for the largest ratio of weight to tokens of a cycle, in integer arithmetic.

A policy chooses for each vertex i one edge into it, from j = policy[i].  Its cycles have ratios; the best one, p / q,
and the paths that lead from it along chosen edges give potentials x with ``x_i = q w_ij - p t_ij + x_j``.  An edge with
``q w_ij - p t_ij + x_j > x_i`` improves the policy: if the new edges close a cycle its ratio is larger, otherwise
potentials grow, so that no policy comes twice.  Without such edges x proves that no cycle has a larger ratio.  A first
policy is found in floats, which only saves time.

J. Cochet-Terrasson, G. Cohen, S. Gaubert, M. McGettrick and J.-P. Quadrat, *Numerical computation of spectral elements
in max-plus algebra* (1998).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyhedra.limits import check_limits

_FLOAT_ROUNDS = 100
_SLACK = 1e-9  # relative: what counts as an improvement in floats; the exact rounds have none


class Ratio(NamedTuple):
    """The ratio p / q, the vertices of a cycle that has it in the order of its edges, and potentials times q."""

    p: int
    q: int
    cycle: list[int]
    potentials: list[int]


def largest_ratio(weights: NDArray[Any], edges: NDArray[np.bool_], tokens: NDArray[np.int64]) -> Ratio:
    """The largest ratio over the cycles of a strongly connected digraph with at least one edge.

    Parameters
    ----------
    weights : array (n, n) of integers
        int64 or Python integers; entry (i, j) belongs to the edge from j to i.
    edges : array (n, n)
        Where there is an edge; other weights are ignored.
    tokens : array (n, n) of int64
        Non-negative, and positive somewhere on each cycle.
    """
    n = len(weights)
    present = [np.flatnonzero(row) for row in edges]
    largest = max((int(abs(v)) for v in weights[edges].flat), default=0)
    scale = max(largest >> 900, 1)  # beyond the range of floats the leading bits do
    floats = np.where(edges, (weights // scale).astype(float), -np.inf)
    policy: list[int] = floats.argmax(axis=1).tolist()
    times = tokens.astype(float)
    for _ in range(_FLOAT_ROUNDS):
        check_limits()
        found = _evaluated(policy, floats, tokens, present)
        x = np.array(found.potentials, dtype=float)
        gain = floats * found.q - found.p * times + x[np.newaxis]
        best = gain.argmax(axis=1)
        room = _SLACK * (1.0 + np.abs(gain[np.arange(n), best]) + np.abs(x))
        better = gain[np.arange(n), best] > x + room
        if not better.any():
            break
        policy = np.where(better, best, policy).tolist()
    reach = 4 * n * n * max(largest, 1) * max(int(tokens.max(initial=1)), 1)
    kind: Any = np.int64 if reach < 2**62 else object
    exact, exact_tokens = np.where(edges, weights, 0).astype(kind), tokens.astype(kind)
    while True:
        check_limits()
        found = _evaluated(policy, exact, tokens, present)
        x = np.array(found.potentials, dtype=kind)
        gain = exact * found.q - exact_tokens * found.p + x[np.newaxis]
        gain[~edges] = -reach
        best = gain.argmax(axis=1)
        better = gain[np.arange(n), best] > x
        if not better.any():
            return found
        policy = np.where(better, best, policy).tolist()


def _evaluated(
    policy: list[int], weights: NDArray[Any], tokens: NDArray[np.int64], present: Sequence[NDArray[np.intp]]
) -> Ratio:
    """The best cycle of a policy; vertices that do not lead to it get another edge, in place, so that they do."""
    n = len(policy)
    chosen: list[Any] = weights[np.arange(n), policy].tolist()
    times: list[int] = tokens[np.arange(n), policy].tolist()
    state = [0] * n  # 0: not seen, else the walk that saw it
    best: tuple[Any, int, list[int]] | None = None
    for start in range(n):
        walk = []
        i = start
        while not state[i]:
            state[i] = start + 1
            walk.append(i)
            i = policy[i]
        if state[i] != start + 1:
            continue
        cycle = walk[walk.index(i) :]
        p = sum(chosen[k] for k in cycle)
        q = sum(times[k] for k in cycle)
        if best is None or p * best[1] > best[0] * q:
            best = p, q, cycle
    assert best is not None
    p, q, cycle = best
    if isinstance(p, int):
        divisor = math.gcd(p, q)
        p, q = p // divisor, q // divisor
    potentials: list[Any] = [None] * n
    potentials[cycle[0]] = 0
    # the policy leads from each vertex to one before it on the cycle
    for k in reversed(cycle[1:]):
        potentials[k] = q * chosen[k] - p * times[k] + potentials[policy[k]]
    _fill(policy, [q * w - p * t for w, t in zip(chosen, times, strict=True)], potentials)
    waiting = [k for k in range(n) if potentials[k] is None]
    while waiting:
        later = []
        for k in waiting:
            if potentials[k] is not None:
                continue
            known = next((int(j) for j in present[k] if potentials[j] is not None), None)
            if known is None:
                later.append(k)
                continue
            policy[k] = known
            weight: Any = weights[k, known].item() if weights.dtype != object else weights[k, known]
            potentials[k] = q * weight - p * int(tokens[k, known]) + potentials[known]
        waiting = later
    return Ratio(p, q, cycle[::-1], potentials)


def _fill(policy: list[int], steps: list[Any], potentials: list[Any]) -> None:
    """The potentials of all vertices from which the policy leads to a known one, by the steps along chosen edges."""
    dead = [False] * len(policy)
    for start in range(len(policy)):
        walk = []
        i = start
        on_walk: set[int] = set()
        while potentials[i] is None and not dead[i] and i not in on_walk:
            on_walk.add(i)
            walk.append(i)
            i = policy[i]
        if potentials[i] is None:
            for k in walk:
                dead[k] = True
            continue
        for k in reversed(walk):
            potentials[k] = steps[k] + potentials[policy[k]]


__all__ = ["Ratio", "largest_ratio"]
