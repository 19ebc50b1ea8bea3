"""Fixtures and hooks for all tests."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.plugin_required import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]

ROOT = Path(__file__).resolve().parent.parent

# No example has a deadline, and a busy machine may draw examples slowly; all else is as it was (in CI: derandomized).
settings.register_profile(
    "any pace",
    parent=settings.default,
    deadline=None,
    suppress_health_check={*settings.default.suppress_health_check, HealthCheck.too_slow},
)
settings.load_profile("any pace")


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_not_ignored() -> Iterator[None]:
    """Restore SIGINT, which background jobs inherit as ignored: tests that send it would wait for ever."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def figures_are_closed() -> Iterator[None]:
    """Close the figures of a session that a test left open: functions that return axes draw into one."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def compile_program(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[str]]:
    """A function that compiles a C++ program of the tests with the headers of the core, and returns how to run it.

    ``CXX`` and ``CXXFLAGS`` name the compiler, ``PUISEUX_RUNNER`` a program that runs what it makes (an emulator);
    `tools/sanitize.sh` and `tools/arm64.sh` set them.
    """
    compiler = shlex.split(os.environ.get("CXX", ""))
    if not compiler:
        found = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
        if found is None:
            if os.environ.get("PUISEUX_REQUIRE"):
                pytest.fail("no C++ compiler found")
            pytest.skip("no C++ compiler found")
        compiler = [found]
    flags = shlex.split(os.environ.get("CXXFLAGS", "-O1"))
    runner = shlex.split(os.environ.get("PUISEUX_RUNNER", ""))
    headers = [f"-I{ROOT / folder / 'core'}" for folder in ("polyhedra", "nn_bridge/cells")]

    def compile_program(source: Path, *more: str) -> list[str]:
        program = tmp_path_factory.mktemp(source.stem) / source.stem
        strict = ["-std=c++20", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror"]
        subprocess.run([*compiler, *strict, *flags, *more, *headers, str(source), "-o", str(program)], check=True)
        return [*runner, str(program)]

    return compile_program


@pytest.fixture(scope="session")
def compile_planted(
    compile_program: Callable[..., list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., list[str]]:
    """A function that compiles a C++ program with wrong bounds planted in copies of the core's sources.

    Each wrong bound is an expression, or a pattern of one, and what stands there instead, wherever it occurs.  The
    program runs with the right ones, or with the one whose number, from 1 on, ``PUISEUX_PLANTED`` has in the
    environment: one compilation for all.  Sources beside the headers that are no bindings and no engines are linked.
    """

    def compile_planted(source: Path, planted: Sequence[tuple[str | re.Pattern[str], str]]) -> list[str]:
        place = tmp_path_factory.mktemp("planted")
        own = ROOT / source.parent.relative_to(ROOT / "tests")
        for folder in dict.fromkeys([own, *(ROOT / name / "core" for name in ("polyhedra", "nn_bridge/cells"))]):
            for path in folder.glob("*.[ch]pp"):
                text = path.read_text()
                if path.suffix == ".hpp" or (folder == own and "nanobind" not in text and path.name[:7] != "engine_"):
                    assert not (place / path.name).exists(), path.name
                    (place / path.name).write_text(text)
        files = sorted(place.iterdir())
        for number, (right, wrong) in enumerate(planted, 1):
            pattern = re.compile(re.escape(right)) if isinstance(right, str) else right
            found = 0
            for path in files:
                text, times = pattern.subn(rf"(planted_bound() == {number} ? {wrong} : (\g<0>))", path.read_text())
                found += times
                path.write_text(text)
            assert found, f"no such expression in the core: {pattern.pattern}"
        choice = """#pragma once
#include <cstdlib>
inline int planted_bound() {
    static const int number = std::atoi(std::getenv("PUISEUX_PLANTED") ? std::getenv("PUISEUX_PLANTED") : "0");
    return number;
}"""
        bounds = (place / "bounds.hpp").read_text()
        bounds = re.sub(r"\bconstexpr (double \w+\()", r"inline \1", bounds)  # their values depend on the choice
        (place / "bounds.hpp").write_text(bounds.replace("#pragma once", choice))
        return compile_program(source, f"-I{place}", *(str(path) for path in files if path.suffix == ".cpp"))

    return compile_planted
