"""Files on which the commands once failed: sums that overflow, rows of zeros, numbers out of the range of floats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from milp.audit import is_cell
from milp.domain import bounded
from milp.sensitivity import verify_monotone
from nn_bridge.network.network import Network
from nn_bridge.symbolic.count import count_symbolic
from polyhedra.polyhedron import Polyhedron
from puiseux import count_regions
from puiseux.cross_check.disagreement import point_with

CASES = Path(__file__).parents[1] / "data" / "cases"
EXACT_ENGINES = ("cells", "tropical")


def puiseux(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which a library may end without ending the tests."""
    command = [sys.executable, "-m", "puiseux", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def counts(*arguments: object) -> dict[str, int]:
    done = puiseux("count", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return json.loads(done.stdout)["counts"]


def test_a_sum_of_finite_values_that_overflows_keeps_equal_zeros_equal():
    path = CASES / "01_sum_overflow.json"
    assert counts(path, "--domain", "box:-1,1", "--counts", "cells")["cells"] == 2
    for engine in EXACT_ENGINES:
        assert counts(path, "--domain", "box:-1,1", "--engine", engine)["cells"] == 2


@pytest.mark.parametrize("engine", ["cells", "tropical", "sign-vectors"])
def test_a_row_of_zeros_is_no_row(engine):
    domain = f"polyhedron:{CASES / '02_zero_row.poly.json'}"
    assert counts(CASES / "02_zero_row.json", "--domain", domain, "--engine", engine)["cells"] == 2


def test_a_cross_check_does_not_blame_a_row_of_zeros():
    domain = f"polyhedron:{CASES / '02_zero_row.poly.json'}"
    done = puiseux("crosscheck", CASES / "02_zero_row.json", "--domain", domain, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["agree"] is True


def test_qhull_gets_moderate_numbers_only():
    done = puiseux("simplify", CASES / "03_qhull.json", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert json.loads(done.stdout)["verified"] is True
    assert counts(CASES / "03_qhull.json", "--engine", "tropical") == counts(CASES / "03_qhull.json")


def test_a_certificate_of_numbers_out_of_range(tmp_path):
    path, proof = CASES / "04_certificate_overflow.json", tmp_path / "c.cert"
    assert counts(path, "--certificate", proof)["cells"] == 4
    assert puiseux("verify", proof, "--network", path).returncode == 0
    wide = tmp_path / "wide.json"
    wide.write_text(
        json.dumps(
            {
                "format": "puiseux-network", "version": 1, "input_dim": 2,
                "layers": [
                    {"weights": [[1, 0]], "bias": [0], "activation": "relu"},
                    {"weights": [[1]], "bias": [0], "activation": "linear"},
                ],
            }
        )
    )  # fmt: skip
    domain = "box:-1e320,1e320;0,1e308"
    assert counts(wide, "--domain", domain, "--certificate", proof)["cells"] == 2
    assert puiseux("verify", proof, "--network", wide, "--domain", domain).returncode == 0


def test_heuristics_that_leave_the_range_of_floats_do_not_refuse_a_formula():
    done = puiseux("simplify", CASES / "05_simplify_inf.json", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert json.loads(done.stdout)["verified"] is True


def test_every_caller_that_asks_for_interior_points():
    domain = Polyhedron([[1], [-1], [0], [0]], [1, 1, 0, 5])
    network = Network.from_layers([[[1]], [[1]]])
    assert count_symbolic(network, domain).cells == 2
    for engine in ("cells", "tropical", "sign-vectors"):
        assert count_regions(network, domain, engine).cells == 2, engine
    assert verify_monotone(network, domain, 0, 0, increasing=False).status.name == "VIOLATED"
    assert verify_monotone(network, domain, 0, 0, increasing=True).status.name == "PROVEN"
    region = bounded(domain, 1)
    assert is_cell(network, region, ((True,),))
    assert is_cell(network, region, ((False,),))
    assert point_with(network, "1", domain) is not None
