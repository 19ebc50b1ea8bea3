"""Parts of a cell tree that a worker takes at once, their share of the whole, and how they are divided."""

from __future__ import annotations

from math import comb

from nn_bridge.cells.problem import CellProblem
from nn_bridge.cells.tree import Subtree

Job = tuple[Subtree, ...]


def weight(job: Job, problem: CellProblem | None = None) -> float:
    """The share of the tree that a job covers, in units where a start cell is 1 and each split halves.

    Of a ``problem`` without start cells: the share of the cells that as many hyperplanes in general position have.
    """
    if problem is None or problem.generators:
        return sum(part.roots * 0.5 ** len(part.path) for part in job)
    return sum(_share(part, problem.network.hidden[0], problem.dim) for part in job)


def _share(part: Subtree, units: int, dim: int) -> float:
    def cells(planes: int) -> int:
        return sum(comb(planes, i) for i in range(dim + 1))

    share = 1.0
    for _, unit, side in part.path:
        whole, units = cells(units), unit
        dim -= side
        share *= (cells(unit) - 1 + side) / whole
    return share


def divided(job: Job, parts: int) -> Job:
    """The same part of the tree as at least ``parts`` subtrees, as far as start cells allow: the largest are halved.

    Examples
    --------
    >>> divided((Subtree(0, (), 5),), 3)
    (Subtree(root=0, path=(), roots=2), Subtree(root=2, path=(), roots=1), Subtree(root=3, path=(), roots=2))
    """
    found = list(job)
    while 0 < len(found) < parts:
        place = max(range(len(found)), key=lambda i: found[i].roots)
        if found[place].roots < 2 or found[place].path:
            break
        whole = found[place]
        half = whole.roots // 2
        found[place : place + 1] = [Subtree(whole.root, (), half), Subtree(whole.root + half, (), whole.roots - half)]
    return tuple(found)
