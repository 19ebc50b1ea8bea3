"""Nothing that tools outside rely on changes by accident: help texts, JSON objects, files, public signatures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.golden.record import RECORD, recorded


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    return recorded()


@pytest.mark.parametrize("part", ["help", "json", "files", "signatures"])
def test_the_record_is_what_is_run_now(part: str, now: dict[str, Any]) -> None:
    written = json.loads(RECORD.read_text())[part]
    assert sorted(now[part]) == sorted(written)
    for name, value in written.items():
        assert now[part][name] == value, name
