"""``did you mean``: the known word nearest to an unknown one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from polyhedra.quoting import quoted

_UNKNOWN = re.compile(
    r"^there is no [^';]*'(?P<word>[^']*)'[^;]*; (?:--?[\w-]+ )?(?:takes?|use) (?:(?:one|some) of )?(?P<known>.+)$"
)
"""How refusals of the project name an unknown word and list the known ones."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like another, or None where none is.

    Examples
    --------
    >>> nearest("cell", ["cells", "regions"])
    'cells'
    """
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def with_suggestion(message: str) -> str:
    """A refusal of an unknown word with the known word that may have been meant.

    Examples
    --------
    >>> with_suggestion("there is no engine 'cell'; take one of auto, cells")
    "there is no engine 'cell'; take one of auto, cells; did you mean 'cells'?"
    """
    match = _UNKNOWN.match(message)
    if match is None:
        return message
    known = [word.strip(" '\"") for word in re.split(r",| and | or ", match["known"])]
    found = nearest(match["word"], known)
    return message if found is None else f"{message}; did you mean {quoted(found)}?"
