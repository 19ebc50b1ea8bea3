"""The exit codes of the command line, a contract with scripts."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    """The question was answered ("not comparable" included)."""
    DIFFERENT = 1
    """A disagreement, a difference, an invalid or truncated certificate."""
    BAD_INPUT = 2
    """Bad input or usage; one line on stderr says what and how to mend it."""
    STOPPED = 3
    """A limit ended the run early."""
    INTERNAL = 4
    """An error of puiseux itself."""
    INTERRUPTED = 130
    """Ctrl-C."""
