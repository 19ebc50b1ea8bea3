"""Maximum coverage: how many elements the union of at most k given sets can have.

Sets are the bits of integers.  The search is exact within a budget of nodes; beyond it the answer is an upper bound,
which is what the region bounds of `nn_bridge.expressivity.region_bounds` need.
"""

from __future__ import annotations

from collections.abc import Sequence

NODES = 20_000
"""How many nodes are searched for one k before an upper bound is given instead."""


def largest_unions(sets: Sequence[int], nodes: int = NODES) -> tuple[int, ...]:
    """For k = 0, 1, .. the largest size of a union of at most k of the sets; ends where all of them are covered.

    Parameters
    ----------
    sets : sequence of int
        Bit ``i`` says whether element ``i`` belongs to the set.
    nodes : int
        The budget for each k; a number that would need more is replaced by an upper bound.

    Examples
    --------
    >>> largest_unions([0b0011, 0b0110, 0b1100])
    (0, 2, 4)
    """
    kept = _undominated(sets)
    everything = 0
    for members in kept:
        everything |= members
    total = everything.bit_count()
    sizes = [0]
    while sizes[-1] < total:
        k = len(sizes)
        sizes.append(max(sizes[-1], _largest(kept, k, total, sizes[-1], nodes)))
    return tuple(sizes)


def _undominated(sets: Sequence[int]) -> list[int]:
    """The sets that are contained in no other one, the largest first."""
    ordered = sorted(set(sets), key=lambda members: (-members.bit_count(), members))
    kept: list[int] = []
    for members in ordered:
        if not any(members & ~other == 0 for other in kept):
            kept.append(members)
    return kept


def _largest(sets: list[int], k: int, total: int, known: int, nodes: int) -> int:
    """The largest union of k sets by branch and bound, or an upper bound on it."""
    best, left = known, nodes
    stack = [(0, 0, k)]
    while stack:
        first, covered, more = stack.pop()
        best = max(best, covered.bit_count())
        if best == total:
            return total
        if more == 0 or first == len(sets):
            continue
        left -= 1
        if left < 0:
            return min(total, sum(members.bit_count() for members in sets[:k]))
        gains = sorted(((members & ~covered).bit_count() for members in sets[first:]), reverse=True)
        if covered.bit_count() + sum(gains[:more]) <= best:
            continue
        stack.append((first + 1, covered, more))
        stack.append((first + 1, covered | sets[first], more - 1))
    return best


__all__ = ["NODES", "largest_unions"]
