"""Parts of a cell tree that a worker takes at once, their share of the whole, and how they are divided."""

from __future__ import annotations

from nn_bridge.cells.tree import Subtree

Job = tuple[Subtree, ...]


def weight(job: Job) -> float:
    """The share of the tree that a job covers, in units where a start cell is 1 and each split halves."""
    return sum(part.roots * 0.5 ** len(part.path) for part in job)


def divided(job: Job, parts: int) -> Job:
    """The same part of the tree as at least ``parts`` subtrees, as far as start cells allow: the largest are halved.

    Examples
    --------
    >>> divided((Subtree(0, (), 5),), 3)
    (Subtree(root=0, path=(), roots=2), Subtree(root=2, path=(), roots=1), Subtree(root=3, path=(), roots=2))
    """
    found = list(job)
    while len(found) < parts:
        place = max(range(len(found)), key=lambda i: found[i].roots, default=0)
        if not found or found[place].roots < 2 or found[place].path:
            break
        whole = found[place]
        half = whole.roots // 2
        found[place : place + 1] = [Subtree(whole.root, (), half), Subtree(whole.root + half, (), whole.roots - half)]
    return tuple(found)
