"""The examples in docstrings and on the documentation page run and print what they say."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
from pathlib import Path

import pytest

import milp

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")
pytest.importorskip("pyscipopt")

MODULES = [m.name for m in pkgutil.walk_packages(milp.__path__, "milp.")]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "milp.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_documentation_examples(number):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(BLOCKS[number], str(PAGE), "exec"), {})
    promised = re.findall(r"print\(.*\)  # (.*)$", BLOCKS[number], re.MULTILINE)
    assert printed.getvalue().splitlines() == promised


def test_the_page_has_examples():
    assert len(BLOCKS) >= 2
