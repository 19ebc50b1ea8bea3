"""``import puiseux`` and the help texts load nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import puiseux

HEAVY = ["numba", "torch", "cvxpy", "matplotlib", "plotly", "scipy", "sympy", "onnx", "networkx", "rich"]
PROGRAM = """
import json, sys
import puiseux
dir(puiseux)
from puiseux.cli import run
code = run(["count", "--help"])
print(json.dumps([code, [name for name in {heavy!r} if name in sys.modules]]))
"""


def test_import_and_help_load_nothing_heavy() -> None:
    program = PROGRAM.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_every_public_name_is_there() -> None:
    for name in puiseux.__all__:
        assert getattr(puiseux, name) is not None
    assert set(puiseux._HOMES) | {"__version__"} == set(puiseux.__all__)
    assert dir(puiseux) == sorted(puiseux.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(puiseux, "count_everything")
