"""A smaller box on which two counters differ, and whether one of them looks at the box at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import shown
from puiseux.cross_check.disagreement import CountsOn, Witness, narrow
from puiseux.cross_check.isolation import Failed, OutOfTime, run_isolated
from puiseux.domains import Problem

Counts = dict[str, int | None]


def narrowed(
    problem: Problem,
    names: tuple[str, str],
    whole: tuple[Counts, Counts],
    counts_of: Callable[[str], CountsOn],
    cells: Callable[[Polyhedron], Iterable[str]] | None,
    time_limit: float | None,
) -> Witness | None:
    """The smallest box found in time on which two counters differ; None where a counter cannot do parts of the domain.

    Parameters
    ----------
    problem : Problem
    names : pair of str
        The first is trusted more.
    whole : pair of dict
        What they count in the domain itself.
    counts_of : callable
        The counts of one of them on a part of the domain.
    cells : callable, optional
        The patterns that the first has in a part of the domain.
    time_limit : float or None
    """

    def search() -> Iterator[Witness]:
        asked: tuple[list[Counts], list[Counts]] = ([whole[0]], [whole[1]])

        def noted(side: int) -> CountsOn:
            ask = counts_of(names[side])

            def on_part(part: Polyhedron) -> Counts:
                found = ask(part)
                asked[side].append(found)
                return found

            return on_part

        for witness in narrow(problem.network, problem.domain, names, noted(0), noted(1), cells):
            yield replace(witness, remark=_remark(names, asked))

    found: list[Witness] = []
    with suppress(OutOfTime, Failed):
        found.extend(run_isolated(search, time_limit))
    return found[-1] if found else None


def _remark(names: tuple[str, str], asked: tuple[list[Counts], list[Counts]]) -> str | None:
    """Say that a counter has the same numbers on the domain and on boxes in it, where the other has fewer.

    Examples
    --------
    >>> _remark(("cells", "mine"), ([{"cells": 7}, {"cells": 3}], [{"cells": 6}, {"cells": 6}]))
    'mine gives the same numbers on every smaller box; it must count in its second argument, the domain'
    >>> _remark(("cells", "mine"), ([{"cells": 2}, {"cells": 1}], [{"cells": 1}, {"cells": 1}]))
    """
    for name, own, others in ((names[1], asked[1], asked[0]), (names[0], asked[0], asked[1])):
        alike = len(own) > 1 and all(counts == own[0] for counts in own)
        # a counter that misses cells may well be constant, too, but never above the truth
        if alike and any(_above(a, b) for a, b in zip(own[1:], others[1:], strict=False)):
            return (
                f"{shown(name)} gives the same numbers on every smaller box; "
                "it must count in its second argument, the domain"
            )
    return None


def _above(one: Counts, other: Counts) -> bool:
    return any(a is not None and (b := other.get(key)) is not None and a > b for key, a in one.items())


__all__ = ["narrowed"]
