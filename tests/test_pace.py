"""The stopwatch of the tests: work counts, and so does a wait that no busy machine explains."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests import pace
from tests.pace import Stopwatch, slowness


def test_work_counts_here_and_in_children_that_have_ended() -> None:
    watch, begun = Stopwatch(), time.process_time()
    while time.process_time() - begun < 0.1:
        pass
    assert watch.seconds >= 0.1
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    assert watch.seconds >= 0.35  # times of children are told in hundredths


def test_a_wait_counts_as_far_as_no_busy_machine_explains_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(pace.time, "monotonic", lambda: now)
    watch = Stopwatch()
    now += 1000.0
    assert 50.0 <= watch.seconds < 60.0


def test_slowness_is_at_least_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert slowness() >= 1
    clock = iter([0.0, 0.001, 1.0, 1.001, 2.0, 2.001])
    monkeypatch.setattr(pace.time, "process_time", lambda: next(clock))
    assert slowness() == 1
    clock = iter([0.0, 0.9, 1.0, 1.09, 2.0, 2.5])
    assert slowness() == pytest.approx(10)
