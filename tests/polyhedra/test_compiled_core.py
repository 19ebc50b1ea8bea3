"""The compiled core: found where it was built, from the present sources, and without fused operations."""

from __future__ import annotations

import math
import os
from hashlib import sha256
from pathlib import Path

import pytest

from polyhedra import compiled_core

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def built():
    """The module polyhedra._core."""
    module = compiled_core.core("polyhedra._core")
    if module is None:
        if os.environ.get("PUISEUX_REQUIRE") and not compiled_core.pure():
            pytest.fail("the compiled core is not built; run make setup")
        pytest.skip("the compiled core is not built")
    return module


def test_the_core_is_built_from_the_present_sources(built):
    folders = [ROOT / name for name in ("polyhedra", "tropical", "nn_bridge")]
    sources = sorted(path.relative_to(ROOT).as_posix() for folder in folders for path in folder.rglob("*pp"))
    lines = [f"{name} {sha256((ROOT / name).read_bytes()).hexdigest()}\n" for name in sources]
    expected = sha256("".join(lines).encode()).hexdigest()
    assert built.about()["source_sum"] == expected, "the compiled core is stale; run make setup"


def test_no_operation_is_fused(built):
    # (1 + e)(1 - e) = 1 - e^2 rounds to 1; a fused operation would see the e^2
    e = 2.0**-53
    assert math.nextafter(1.0, 0.0) == 1 - e
    assert built.rounds_each_operation(1 + 2 * e, 1 - 2 * e, -1.0)


def test_pure_python_on_request(monkeypatch, capsys):
    for value, asked in (("1", True), ("yes", True), ("0", False), ("", False), ("off", False)):
        monkeypatch.setenv(compiled_core.PURE, value)
        assert compiled_core.pure() is asked
    monkeypatch.setenv(compiled_core.PURE, "1")
    assert compiled_core.core("polyhedra._core") is None
    compiled_core.say_plain.cache_clear()
    compiled_core.say_plain()
    compiled_core.say_plain()
    first = capsys.readouterr().err
    assert first.count("\n") == 1
    assert "unset PUISEUX_PURE" in first
    monkeypatch.delenv(compiled_core.PURE)
    assert compiled_core.core("polyhedra._no_such_core") is None
    compiled_core.say_plain.cache_clear()
    compiled_core.say_plain()
    assert "install a C++ compiler" in capsys.readouterr().err
    compiled_core.say_plain.cache_clear()


def test_a_missing_core_is_named_when_it_is_used(monkeypatch):
    monkeypatch.delenv(compiled_core.PURE, raising=False)
    missing = compiled_core.core_or_refusal("polyhedra._no_such_core")
    assert not hasattr(missing, "__path__")
    with pytest.raises(compiled_core.CoreMissingError, match="install a C\\+\\+ compiler"):
        missing.explore()
    monkeypatch.setenv(compiled_core.PURE, "1")
    with pytest.raises(compiled_core.CoreMissingError, match="unset it"):
        compiled_core.core_or_refusal("polyhedra._core").about()
