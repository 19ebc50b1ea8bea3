"""How messages quote text that this project did not write: file names, layer names, keys, operators, numbers.

Such text may be very long, hold escape sequences that a terminal obeys, line breaks, or marks that reverse the
direction of writing.  Every message that contains foreign text quotes it by :func:`quoted`, or shows it by
:func:`shown` where quotation marks would be in the way (a path at the head of a line).
"""

from __future__ import annotations

LONGEST = 80
"""Characters of foreign text that a message shows at most."""

LONGEST_PATH = 240
"""The same for the path of a file, which is of little use when its middle is missing."""


def shown(text: object, longest: int = LONGEST) -> str:
    """Foreign text as one short printable line.

    Parameters
    ----------
    text : object
        The text, or a value whose ``str`` is shown; bytes are read as UTF-8.
    longest : int, optional
        The number of characters after which the text is cut; the middle is left out, since the two ends tell most.

    Returns
    -------
    str
        The text in which every character that is not printable (control characters, line breaks, bidirectional marks,
        lone surrogates) is written as a Python escape such as ``\\x1b``.

    Examples
    --------
    >>> shown("relu\\x1b[31m")
    'relu\\\\x1b[31m'
    >>> shown("1" * 1000, longest=11)
    '11111...111'
    """
    if isinstance(text, bytes | bytearray):
        text = bytes(text[: 4 * longest]).decode("utf-8", "backslashreplace") + " " * (len(text) > 4 * longest)
    whole = text if isinstance(text, str) else _text_of(text)
    if len(whole) > longest:
        head = (longest - 2) // 2
        tail = longest - 3 - head
        whole = whole[: head + 1] + "..." + whole[len(whole) - tail + 1 :]
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in whole)


def shown_path(path: object) -> str:
    """The same for the path at the head of a message, which may be longer.

    Examples
    --------
    >>> shown_path("net\\n.npz")
    'net\\\\n.npz'
    """
    return shown(path, LONGEST_PATH)


def quoted(text: object, longest: int = LONGEST) -> str:
    """The same between single quotation marks, for names inside a sentence.

    Examples
    --------
    >>> quoted("Conv\\n2d")
    "'Conv\\\\n2d'"
    """
    return f"'{shown(text, longest)}'"


def _text_of(value: object) -> str:
    """The text of a value; integers too long to be written out are described."""
    try:
        return str(value)
    except ValueError:  # Python's limit on the digits of an integer that is converted to text
        return f"a number of {value.bit_length() if isinstance(value, int) else 'very many'} bits"
