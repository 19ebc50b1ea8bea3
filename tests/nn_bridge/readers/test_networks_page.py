"""The page on networks names everything that is read, its programs run, and so do the examples of its modules."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "networks.md").read_text()
MODULES = {
    "nn_bridge.network.builder": None,
    "nn_bridge.network.signals": None,
    "nn_bridge.reduction.stability": None,
    "nn_bridge.reduction.superfluous_units": None,
    "nn_bridge.readers": None,
    "nn_bridge.readers.json": None,
    "nn_bridge.readers.sklearn": "sklearn",
    "nn_bridge.writers.onnx": "onnx",
    "nn_bridge.writers.rounding": None,
    "nn_bridge.writers.torch": "torch",
    "nn_bridge.writers.torch_module": "torch",
}


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_module(name):
    needed = MODULES[name]
    if needed is not None:
        pytest.importorskip(needed, reason=f"needs {needed}")
    results = doctest.testmod(import_module(name))
    assert results.attempted > 0
    assert results.failed == 0


def test_the_programs_print_what_they_say(capsys):
    pytest.importorskip("torch", reason="needs the extra [torch]")
    program = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    exec(compile(program, "networks.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    promised = re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert len(promised) == 3
    assert [line for line in printed if line.startswith("Network")] == promised


def test_every_operator_and_layer_is_named():
    from nn_bridge.readers.onnx.operations import CONSTANT_OPERATORS, LEARNING_OPERATORS, OPERATORS

    words = set(re.findall(r"\w+", PAGE))
    assert {*OPERATORS, *CONSTANT_OPERATORS, *LEARNING_OPERATORS} <= words
    pytest.importorskip("torch", reason="needs the extra [torch]")
    from nn_bridge.readers.torch.layers import MODULES as LAYERS

    padding = {name for name in LAYERS if re.fullmatch(r"\w+Pad[23]d", name)}  # "their 2d and 3d forms"
    assert set(LAYERS) - padding <= words
    assert len(padding) == 10
