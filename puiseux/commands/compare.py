"""``puiseux compare``: do two networks compute the same function?"""

from __future__ import annotations

import json

from puiseux.commands.options import Command, JsonOption, NetworkArgument
from puiseux.exit_codes import ExitCode


def compare(first: NetworkArgument, second: NetworkArgument, as_json: JsonOption = False) -> int:
    """Decide exactly whether two networks are the same function; else give a point where they differ."""
    from puiseux import comparison

    result = comparison.compare(first, second)
    print(json.dumps(result.to_json()) if as_json else comparison.describe(result, str(first), str(second)))
    return ExitCode.DONE if result.same else ExitCode.DIFFERENT


COMPARE = Command(
    "compare",
    compare,
    "Are two networks the same function?",
    ("puiseux compare net.npz pruned.json", "puiseux compare a.npz b.npz --json"),
)
