"""The files around the packages agree with one another."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import puiseux

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
PACKAGES = ("polyhedra", "tropical", "nn_bridge", "milp", "puiseux")


def test_one_version() -> None:
    assert PROJECT["version"] == puiseux.__version__
    assert f"version: {puiseux.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def requirements() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for name, lines in extras.items() if name != "bench" for line in lines)]
    return [Requirement(line) for line in lines if not line.startswith("puiseux[")]


@pytest.mark.parametrize("requirement", requirements(), ids=lambda requirement: requirement.name)
def test_the_constraints_pin_what_is_required(requirement: Requirement) -> None:
    assert requirement.specifier.contains(PINS[requirement.name.lower()], prereleases=True)


def test_the_conda_recipe_requires_the_same() -> None:
    recipe = (ROOT / "tools" / "conda" / "meta.yaml").read_text()
    assert f'version = "{PROJECT["version"]}"' in recipe
    run = recipe.partition("  run:\n")[2].partition("  run_constrained:")[0]
    required = {Requirement(line.strip(" -")) for line in run.splitlines()}
    python = Requirement(f"python{PROJECT['requires-python']}")
    assert required == {python, *map(Requirement, PROJECT["dependencies"])}


def test_the_extras_refer_to_extras() -> None:
    extras = PROJECT["optional-dependencies"]
    for lines in extras.values():
        for line in lines:
            if line.startswith("puiseux["):
                assert Requirement(line).extras <= set(extras)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert (ROOT / package / "__init__.py").is_file()


def test_the_command_exists() -> None:
    module, _, function = PROJECT["scripts"]["puiseux"].partition(":")
    assert (module, function) == ("puiseux.__main__", "main")
    assert (ROOT / "puiseux" / "__main__.py").is_file()


def test_the_build_requirements_are_pinned() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert build
    for line in build:
        requirement = Requirement(line)
        assert str(requirement.specifier) == f"=={PINS[requirement.name]}"
        recipe = (ROOT / "tools" / "conda" / "meta.yaml").read_text()
        assert f"- {requirement.name} {requirement.specifier}\n" in recipe


def test_one_wheel_serves_all_versions_from_3_12_on() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["scikit-build"]["wheel"]["py-api"] == "cp312"
    assert " STABLE_ABI " in (ROOT / "tools" / "core" / "CMakeLists.txt").read_text()


def test_the_core_is_built_again_exactly_when_a_source_changed(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "constraints.txt", "tools/setup.sh", "tools/core/CMakeLists.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for package in ("polyhedra", "tropical", "nn_bridge"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "_core*.so"))

    def stamp(**variables: str) -> str:
        environment = {name: v for name, v in os.environ.items() if name not in ("CXX", "CXXFLAGS", "PUISEUX_PURE")}
        command = ["sh", str(tmp_path / "tools" / "setup.sh"), "stamp"]
        done = subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=True)
        return done.stdout

    first = stamp()
    assert first
    (tmp_path / "polyhedra" / "core" / "limbs.hpp").touch()
    (tmp_path / "polyhedra" / "matrix.py").write_text("")
    assert stamp() == first
    seen = {first, stamp(PUISEUX_PURE="1"), stamp(CXX="clang++")}
    for name in (
        "polyhedra/core/limbs.hpp",
        "polyhedra/core/module.cpp",
        "tools/core/CMakeLists.txt",
        "pyproject.toml",
    ):
        path = tmp_path / name
        path.write_text(path.read_text() + "\n")
        seen.add(stamp())
    (tmp_path / "nn_bridge" / "cells" / "core").mkdir(exist_ok=True)
    (tmp_path / "nn_bridge" / "cells" / "core" / "new.hpp").write_text("")
    (tmp_path / "nn_bridge" / "cells" / "core" / "new.hpp").write_text("// new")
    seen.add(stamp())
    assert len(seen) == 8
