"""The small networks with known answers that the tests share: 412 of eight families, most of them degenerate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nn_bridge.network.network import Network

DATA = Path(__file__).with_name("data")
NETS = DATA / "nets"

ENTRIES: list[dict[str, Any]] = json.loads((DATA / "cell_counts.json").read_text())
"""Each with ``name``, ``family``, ``weights``, ``biases``, ``cells`` and ``patterns``."""

BY_NAME = {entry["name"]: entry for entry in ENTRIES}

COUNTS: dict[str, dict[str, int]] = json.loads((DATA / "oracle_counts.json").read_text())
"""The four counts by the naive oracle, of the networks with at most 60 cells, by name."""


def network_of(entry: dict[str, Any] | str) -> Network:
    """The network of an entry, or of the name of one."""
    known = BY_NAME[entry] if isinstance(entry, str) else entry
    return Network.from_layers(known["weights"], known["biases"])
