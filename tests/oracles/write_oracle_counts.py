"""Write tests/data/oracle_counts.json: the naive oracle's four counts of every small network of cell_counts.json.

Run it without arguments: ``python -m tests.oracles.write_oracle_counts``.
"""

import json
from pathlib import Path

from tests.oracles.naive_cells import cells, four_counts, pattern_text, plain

DATA = Path(__file__).parent.parent / "data"
MOST_CELLS = 60


def oracle_counts(entry):
    """The four counts of one entry of cell_counts.json, once its patterns are confirmed."""
    dim = len(entry["weights"][0][0])
    found = cells(plain(entry["weights"], entry["biases"]), dim)
    if sorted(pattern_text(pattern) for pattern, _, _ in found) != sorted(entry["patterns"]):
        raise SystemExit(f"{entry['name']}: the oracle finds other patterns than cell_counts.json")
    return four_counts(found, dim)


def main():
    """Write one line per network."""
    entries = json.loads((DATA / "cell_counts.json").read_text())
    small = [entry for entry in entries if entry["cells"] <= MOST_CELLS]
    lines = [f"{json.dumps(entry['name'])}: {json.dumps(oracle_counts(entry))}" for entry in small]
    (DATA / "oracle_counts.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(small)} networks of at most {MOST_CELLS} cells")


if __name__ == "__main__":
    main()
