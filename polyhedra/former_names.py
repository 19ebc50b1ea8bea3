"""Keywords that have a new name: the old one still works, with a warning, for one version."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def former_keywords(**new_names: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A decorator for functions whose keywords were renamed.

    Parameters
    ----------
    **new_names : str
        The new name of each keyword by its old one.  A call with the old one gives a `FutureWarning` that names the
        new one.

    Examples
    --------
    >>> @former_keywords(centre="center")
    ... def twice(*, center: int) -> int:
    ...     return 2 * center
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     twice(centre=3)
    6
    >>> print(caught[0].message)
    twice(centre=..) is center=.. now; the old name goes away in 0.2
    """

    def decorated(function: Callable[_P, _R]) -> Callable[_P, _R]:
        name = getattr(function, "__name__", "")

        @functools.wraps(function)
        def renamed(*given: _P.args, **options: _P.kwargs) -> _R:
            for old, new in new_names.items():
                if old in options:
                    if new in options:
                        raise TypeError(f"{name}() got both {old}= and {new}=, its new name; give {new}= alone")
                    said = f"{name}({old}=..) is {new}=.. now; the old name goes away in 0.2"
                    warnings.warn(said, FutureWarning, stacklevel=2)
                    options[new] = options.pop(old)
            return function(*given, **options)

        return renamed

    return decorated
