"""``import puiseux`` and the help texts load nothing heavy."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import puiseux

HEAVY = ["numpy", "flint", "torch", "cvxpy", "matplotlib", "plotly", "scipy", "sympy", "onnx", "networkx", "rich"]
PROGRAM = """
import json, sys
import puiseux
dir(puiseux)
from puiseux.console.cli import run
code = run(["count", "--help"])
print(json.dumps([code, [name for name in {heavy!r} if name in sys.modules]]))
"""


def test_import_and_help_load_nothing_heavy() -> None:
    program = PROGRAM.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]


def test_a_command_imports_no_other_command_and_help_no_library() -> None:
    program = """
import sys
from puiseux.console.cli import run
code = run({arguments!r})
commands = sorted(name for name in sys.modules if name.startswith("puiseux.commands."))
print(code, "puiseux.commands.plot" in commands, "numpy" in sys.modules)
"""
    for arguments, expected in ((["explain", "cells"], "0 False False"), (["--help"], "0 True False")):
        code = program.format(arguments=arguments)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == expected


def test_every_public_name_is_there() -> None:
    for name in puiseux.__all__:
        assert getattr(puiseux, name) is not None
    assert set(puiseux._HOMES) < set(puiseux.__all__)
    assert dir(puiseux) == sorted(puiseux.__all__)


OF_A_NETWORK = (
    "cell_complex",
    "effective_radii",
    "monomial_complexity",
    "region_bounds",
    "region_statistics",
    "sample_patterns",
    "sample_regions",
    "sampling_box",
    "tropicalize",
)


@pytest.mark.parametrize("name", OF_A_NETWORK)
def test_functions_of_a_network_take_paths_too(name: str, tmp_path: Path) -> None:
    network = puiseux.Network.from_layers([[[1, 2], [2, -1]], [[1, -1]]], [[0, 1], [0]])
    puiseux.save(network, tmp_path / "net.json")
    options: dict[str, Any] = {"n_samples": 5, "cube": 1} if name.startswith("sample_") else {}
    if "rng" in inspect.signature(getattr(puiseux, name)).parameters:
        options["rng"] = 0
    function = getattr(puiseux, name)
    assert str(list_of(function(tmp_path / "net.json", **options))) == str(list_of(function(network, **options)))
    with pytest.raises(puiseux.PuiseuxError, match=r"missing\.npz: there is no such file"):
        list_of(function(tmp_path / "missing.npz", **options))


def list_of(answer: Any) -> Any:
    return list(answer) if isinstance(answer, Iterator) else answer


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(puiseux, "count_everything")
