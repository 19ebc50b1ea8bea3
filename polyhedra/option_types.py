"""Options of public functions are of the types that their signatures name, or are refused before any work.

The annotations are the table: :func:`checked_options` reads them once, at the first call, and knows a test and a name
for each type that options have.  An option whose annotation names another type (a network, a domain, a point, ``Any``)
is left to the function, which reads it by rules of its own.  What values make sense stays with the function too.
"""

from __future__ import annotations

import functools
import inspect
import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar

from polyhedra.errors import OptionError
from polyhedra.quoting import quoted, shown

_P = ParamSpec("_P")
_R = TypeVar("_R")


def checked_options(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """A decorator that refuses arguments whose types are not those of the signature.

    Parameters
    ----------
    function : callable
        Its annotations are texts (``from __future__ import annotations``).

    Raises
    ------
    OptionError
        By the decorated function: the message names the option, quotes the value and says what is asked for.

    Examples
    --------
    >>> @checked_options
    ... def count(network: "Any", *, workers: "int | None" = None) -> "int":
    ...     return workers or 1
    >>> count("net.npz", workers=2)
    2
    >>> count("net.npz", workers="2")
    Traceback (most recent call last):
    ...
    polyhedra.errors.OptionError: workers='2' is of type str: give a whole number or None
    """
    kinds: dict[str, Kind] = {}
    names: list[str] = []

    @functools.wraps(function)
    def checked(*given: _P.args, **options: _P.kwargs) -> _R:
        if not names:
            parameters = inspect.signature(function).parameters
            kinds.update({name: kind for name, one in parameters.items() if (kind := kind_of(one.annotation))})
            names.extend(parameters)
        for name, value in (*zip(names, given, strict=False), *options.items()):
            if name in kinds:
                kinds[name].check(name, value)
        return function(*given, **options)

    return checked


class Kind:
    """The types that one option may have.

    Parameters
    ----------
    tests : list of callable
        The option is one of these.
    asked : str
        What is asked for, in words.
    """

    def __init__(self, tests: list[Callable[[Any], bool]], asked: str) -> None:
        self.tests, self.asked = tests, asked

    def check(self, name: str, value: Any) -> None:
        """Refuse a value that is none of them, by `OptionError`."""
        if any(test(value) for test in self.tests):
            return
        text = quoted(value) if isinstance(value, str) else shown(value)
        kind = "" if isinstance(value, float) else f" is of type {shown(type(value).__name__)}"
        raise OptionError(f"{name}={text}{kind}: give {self.asked}")


def kind_of(annotation: object) -> Kind | None:
    """The types that an annotation asks for; None where it names a type that is not checked here.

    Examples
    --------
    >>> kind_of("int | None").asked, kind_of("str | PathLike[str]").asked, kind_of("DomainLike")
    ('a whole number or None', 'a path', None)
    """
    if not isinstance(annotation, str):
        return None
    parts = list(_alternatives(annotation.replace("str | PathLike[str]", "PathLike[str]")))
    if "np.random.Generator" in parts:
        parts = ["seed" if part == "int" else part for part in parts]
    known = [_kind(part) for part in parts]
    if None in known or parts == ["None"]:
        return None
    found = dict(pair for pairs in known if pairs for pair in pairs)
    words = list(found)
    asked = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    return Kind(list(found.values()), asked)


def _alternatives(annotation: str) -> Iterator[str]:
    """The parts between the bars that are in no brackets."""
    part, depth = "", 0
    for sign in annotation:
        depth += (sign == "[") - (sign == "]")
        if sign == "|" and not depth:
            yield part.strip()
            part = ""
        else:
            part += sign
    yield part.strip()


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, Real) and not isinstance(value, bool) and not (isinstance(value, float) and math.isnan(value))
    )


def _is_flag(value: Any) -> bool:
    return type(value).__name__ in ("bool", "bool_") or (isinstance(value, int) and value in (0, 1))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def _is_pair(value: Any) -> bool:
    numbers = value.tolist() if hasattr(value, "tolist") else value  # of an array
    return isinstance(numbers, tuple | list) and len(numbers) == 2 and all(map(_is_whole, numbers))


def _is_all(value: Any) -> bool:
    return isinstance(value, str) and value == "all"


def _are_texts(value: Any) -> bool:
    if isinstance(value, str | bytes):
        return False
    return isinstance(value, Iterator) or (isinstance(value, Collection) and all(isinstance(one, str) for one in value))


def _is_generator(value: Any) -> bool:
    return hasattr(value, "bit_generator")


def _is_executor(value: Any) -> bool:
    return hasattr(value, "submit")


def _is_none(value: Any) -> bool:
    return value is None


def _is_seed(value: Any) -> bool:
    return _is_whole(value) and value >= 0


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | dict)


def _are_numbers(value: Any) -> bool:
    return _is_list(value) and (isinstance(value, Iterator) or all(map(_is_number, value)))


def _is_polyhedron(value: Any) -> bool:
    return hasattr(value, "inequalities")


def _are_bounds(value: Any) -> bool:
    return hasattr(value, "lower") and hasattr(value, "upper") and not isinstance(value, str | bytes)


_FUNCTION = ("a function", callable)
_FLAG = ("True, False", _is_flag)
_KINDS: dict[str, tuple[tuple[str, Callable[[Any], bool]], ...]] = {
    "int": (("a whole number", _is_whole),),
    "seed": (("a whole number from 0", _is_seed),),
    "float": (("a number", _is_number),),
    "bool": (("True or False", _is_flag),),
    "str": (("a text", _is_text),),
    "PathLike[str]": (("a path", _is_path),),
    "tuple[int, int]": (("a pair of whole numbers", _is_pair),),
    "Boundary": (("a pair of whole numbers", _is_pair), ("'all'", _is_all)),
    "Sequence[str]": (("a list of texts", _are_texts),),
    "np.random.Generator": (("a generator of numpy", _is_generator),),
    "Sequence[float]": (("a list of numbers", _are_numbers),),
    "Polyhedron": (("a Polyhedron", _is_polyhedron),),
    "Bounds": (("bounds of milp.network_bounds", _are_bounds),),
    "Executor": (("an executor", _is_executor),),
    "Steps": (_FLAG, _FUNCTION, ("None", _is_none)),
    "Progress": (_FUNCTION,),
    "NormLike": (("the name of a norm", _is_text), ("a number", _is_number)),
    **dict.fromkeys(("Activation", "Loss", "Method"), (("a text", _is_text),)),
    "None": (("None", _is_none),),
}
"""For each type in annotations its name in messages, and its test."""


def _kind(part: str) -> tuple[tuple[str, Callable[[Any], bool]], ...] | None:
    if part.startswith("Callable["):
        return (_FUNCTION,)
    if part.startswith("Literal["):
        return _KINDS["str"]
    if part.startswith(("Sequence[", "Iterable[")) and part not in _KINDS and part != "Sequence[Any]":
        return (("a list", _is_list),)
    return _KINDS.get(part)


__all__ = ["Kind", "checked_options", "kind_of"]
