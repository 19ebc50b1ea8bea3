"""The commands of ``puiseux``, one module each; everything heavy is imported when a command runs.

The module of a command, too, is imported when it is needed: for one command on the command line, no other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from puiseux.commands.options import Command

NAMES = (
    "count",
    "crosscheck",
    "simplify",
    "monomials",
    "bounds",
    "hoffman",
    "compare",
    "property",
    "optimize",
    "lipschitz",
    "topology",
    "explore",
    "fit",
    "injective",
    "explain",
    "convert",
    "reduce",
    "plot",
    "report",
    "random",
    "statistics",
    "study",
    "suite",
    "verify",
)
"""The commands in the order of the help; each is ``NAME`` of the module ``name`` here."""

COMMANDS: tuple[Command, ...]
"""All commands in that order, imported when they are asked for."""


def command_of(name: str) -> Command:
    """The command with a name."""
    found: Command = getattr(import_module(f"{__name__}.{name}"), name.upper())
    return found


def __getattr__(name: str) -> Any:
    if name != "COMMANDS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return tuple(map(command_of, NAMES))


__all__ = ["COMMANDS", "NAMES", "command_of"]
