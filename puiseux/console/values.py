"""Values of options that cannot be read: one line in our words, whatever library found out."""

from __future__ import annotations

from typing import Any

from polyhedra.quoting import quoted, shown

_KINDS = {"int": "a whole number", "float": "a number", "bool": "yes or no"}


def refused_value(error: Exception) -> str | None:
    """The fault in the value of an option or argument; None where the error is about something else.

    Parameters
    ----------
    error : Exception
        A usage error of the library that reads command lines.
    """
    found = _first_finding(error)
    parameter = getattr(error, "param", None)
    if found is None or parameter is None:
        return None
    names = [name for name in getattr(parameter, "opts", ()) if name.startswith("--")]
    name = names[0] if names else str(getattr(parameter, "metavar", None) or getattr(parameter, "name", "argument"))
    value, kind = found.get("input"), str(found.get("type", "")).partition("_")[0]
    limits = found.get("ctx") or {}
    for key, words in (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than")):
        if key in limits:
            return f"{name} {shown(value)}: give {words} {shown(limits[key])}"
    if name == "--output":
        return f"--output is the number of an output, not {quoted(value)}; to write a file: -o FILE"
    return f"{name}: {quoted(value)} is not {_KINDS.get(kind, 'a value that it takes')}"


def _first_finding(error: Exception) -> dict[str, Any] | None:
    """The first finding of a library of checks, among what led to the error."""
    cause: BaseException | None = error
    while cause is not None:
        listed = getattr(cause, "errors", None)
        if callable(listed):
            findings = listed()
            return dict(findings[0]) if findings else None
        cause = cause.__cause__ or cause.__context__
    return None


__all__ = ["refused_value"]
