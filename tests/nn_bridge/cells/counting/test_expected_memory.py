"""`expected_memory` against the real peak of a count, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nn_bridge.cells.counting.memory import LIBRARIES, expected_by_count, expected_memory
from nn_bridge.cells.problem import cell_problem
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.writers import write_network

COUNT = """
import sys
from pathlib import Path
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.readers import read_network
found = count_cells(read_network(sys.argv[1]))
lines = Path("/proc/self/status").read_text().splitlines()  # what the system's own call tells includes the parent's
print(found.cells, 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")))
"""


def network(family: str) -> Network:
    """All maps different; few, many or most cells that share theirs."""
    rng = np.random.default_rng(1)
    sizes = {"random": [4, 30, 30, 1], "relu": [4, 20, 20, 1], "whole": [3, 60, 60, 1], "twice": [3, 24, 24, 1]}[family]
    weights, biases = [], []
    for before, after in pairwise(sizes):
        if family == "whole":
            weights.append(rng.integers(-2, 3, (after, before)).astype(float))
            biases.append(rng.integers(-2, 3, after).astype(float))
        else:
            weights.append(rng.normal(size=(after, before)))
            biases.append(rng.normal(size=after))
    if family == "twice":  # each unit of the first layer, and its negative with opposite weights
        weights[0], biases[0] = np.vstack([weights[0], -weights[0]]), np.concatenate([biases[0], -biases[0]])
        weights[1] = np.hstack([weights[1], -weights[1]])
    return Network.from_layers(weights, biases, relu_on_output=family == "relu")


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak in /proc")
@pytest.mark.parametrize("family", ["random", "relu", "whole", "twice"])
def test_the_real_peak_is_met_within_a_factor_of_two(family: str, tmp_path: Path) -> None:
    write_network(network(family), tmp_path / "net.npz")
    words = [sys.executable, "-c", COUNT, str(tmp_path / "net.npz")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    cells, peak = map(int, said)
    expected = expected_memory(cell_problem(read_network(tmp_path / "net.npz")), cells)
    assert expected.bytes is not None
    assert peak / 2 < expected.bytes < 2 * peak
    assert expected.fits


def test_without_a_number_of_cells_there_are_bytes_a_cell_alone() -> None:
    problem = cell_problem(network("whole"))
    some, others = expected_memory(problem, None), expected_memory(problem, float("inf"))
    assert (some.bytes, others.bytes) == (None, None)
    assert some.bytes_a_cell > 2 * expected_memory(cell_problem(network("random")), None).bytes_a_cell
    assert expected_memory(None, 1).bytes_a_cell < 100


def test_a_count_under_way_tells_by_what_it_has_taken() -> None:
    found = expected_by_count(1_000_000, LIBRARIES + 60_000_000, LIBRARIES, 1e9)
    assert 60 <= found.bytes_a_cell < 70
    assert found.bytes is not None
    assert 6.0e10 < found.bytes < 7.0e10
    least = expected_by_count(1_000_000, LIBRARIES, LIBRARIES, 1e9)
    assert 8 < least.bytes_a_cell < 20
