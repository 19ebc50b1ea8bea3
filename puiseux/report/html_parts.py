"""Tables and numbers of a report as HTML, and parts of it that run within a share of the time that is left."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from puiseux.cross_check.isolation import Failed, OutOfTime, run_isolated
from puiseux.report.subject import LeftOut, Subject


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()) -> str:
    """A table of cells that are HTML already; ``numeric`` columns are set to the right."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if number in numeric else ''}>{cell}</{tag}>" for number, cell in enumerate(row)
        )

    top = f"<thead><tr>{cells(head, 'th')}</tr></thead>" if any(head) else ""
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table>{top}<tbody>{body}</tbody></table></div>'


def number(value: int | None) -> str:
    """A count for people; beyond 18 digits by its size."""
    if value is None:
        return "–"
    if abs(value) < 10**18:
        return f"{value:,}"
    power, rest = divmod(math.log10(value), 1)
    return f"{10**rest:.2f} · 10<sup>{power:.0f}</sup>"


def isolated(subject: Subject, task: Callable[[], Iterator[Any]], part: float, what: str) -> list[Any]:
    """List what a task yields, within a part of the time that is left, whatever it does."""
    seconds = subject.share(part)
    try:
        return list(run_isolated(task, seconds))
    except OutOfTime:
        raise LeftOut(f"{what} took more than {seconds:.0f} s; give more with --time-limit") from None
    except Failed as error:
        raise LeftOut(f"{what} could not be made: {error}") from None
