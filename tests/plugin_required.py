"""Where ``PUISEUX_REQUIRE=all`` is set, a test that is skipped has failed, unless it wants a GPU.

`make test` sets it: what its set-up can install, a solver, a browser, another program, is there, so that nothing may be
left untried in silence.  A person who runs pytest alone on a small installation still sees skips with their reasons.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from typing import Any

import pytest

EXCUSED = re.compile(r"\bGPU\b|\bCUDA\b")


def _judged(report: Any) -> None:
    if os.environ.get("PUISEUX_REQUIRE") != "all" or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not EXCUSED.search(reason):
        report.outcome = "failed"
        report.longrepr = f"PUISEUX_REQUIRE=all lets nothing be skipped but for want of a GPU; this was: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Judge a test that was skipped."""
    report = yield
    _judged(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Judge a module that was skipped as a whole."""
    report = yield
    _judged(report)
    return report
