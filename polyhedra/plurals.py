"""Numbers with their names, in singular or plural, in messages and printed results."""

from __future__ import annotations


def counted(number: int, name: str, several: str | None = None) -> str:
    """A number with its name in singular or plural.

    Parameters
    ----------
    number : int
        How many there are.
    name : str
        The name of one.
    several : str, optional
        The name of several; the name with an s by default.

    Examples
    --------
    >>> counted(1, "leaf", "leaves"), counted(1200, "leaf", "leaves"), counted(0, "split")
    ('1 leaf', '1,200 leaves', '0 splits')
    """
    return f"{number:,} {name if number == 1 else several or f'{name}s'}"


__all__ = ["counted"]
