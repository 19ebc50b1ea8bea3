"""A small suite for its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from puiseux.suite import export, export_suite, networks, suite_networks

FEW = ("generic-1-5", "zero-biases-2-4-4", "small-integers-2-6", "repeated-neurons-2-4-4", "survey-example-3")


def entry_of(name: str) -> networks.SuiteNetwork:
    return next(entry for entry in suite_networks() if entry.name == name)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite") / "suite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "suite_networks", lambda small: tuple(map(entry_of, FEW)))
        export_suite(folder)
    return folder


@pytest.fixture
def few_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "suite_networks", lambda small: tuple(map(entry_of, FEW[:2])))
