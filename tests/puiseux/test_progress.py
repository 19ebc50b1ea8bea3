"""``progress=``: every public function that may take long has it, True is shown on stderr, a callable is called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import milp
import puiseux
import puiseux.suite

NET = [([[1, 0], [0, 1], [1, 1]], [0, 0, -1]), ([[1, 1, -1]], [0])]
BOX = "box:-1,2"
SPEC = """(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
(assert (>= X_0 -1)) (assert (<= X_0 1)) (assert (>= X_1 -1)) (assert (<= X_1 1)) (assert (>= Y_0 9))"""

CALLS: dict[str, Callable[[Any, Path], Any]] = {
    "check_property": lambda p, folder: puiseux.check_property(NET, folder / "spec.vnnlib", progress=p),
    "compare": lambda p, _: puiseux.compare(NET, NET, progress=p),
    "convex_regions": lambda p, _: puiseux.convex_regions(NET, progress=p),
    "count_definitions": lambda p, _: puiseux.count_definitions(NET, progress=p),
    "critical_points": lambda p, _: puiseux.critical_points(NET, progress=p),
    "crosscheck": lambda p, _: puiseux.crosscheck(NET, routes=["cells", "tropical"], progress=p),
    "largest_difference": lambda p, _: puiseux.largest_difference(NET, NET, BOX, progress=p),
    "lipschitz": lambda p, _: puiseux.lipschitz(NET, progress=p),
    "optimize": lambda p, _: puiseux.optimize(NET, BOX, progress=p),
    "plot_betti_growth": lambda p, _: puiseux.plot_betti_growth([NET], progress=p),
    "reduce_network": lambda p, _: puiseux.reduce_network(NET, progress=p),
    "region_statistics": lambda p, _: puiseux.region_statistics(NET, BOX, progress=p),
    "run_study": lambda p, _: puiseux.run_study("depth", time_limit=1, progress=p),
    "injective": lambda p, _: puiseux.injective(NET, progress=p),
    "reachable_set": lambda p, _: puiseux.reachable_set(NET, BOX, progress=p),
    "surjective": lambda p, _: puiseux.surjective(NET, progress=p),
    "write_property_certificate": lambda p, folder: puiseux.write_property_certificate(
        NET, folder / "spec.vnnlib", folder / "property.cert", progress=p
    ),
    "simplify": lambda p, _: puiseux.simplify(NET, progress=p),
    "topology": lambda p, _: puiseux.topology(NET, progress=p),
    "verify_certificate": lambda p, folder: puiseux.verify_certificate(folder / "net.cert", progress=p),
    "vertex_persistence": lambda p, _: puiseux.vertex_persistence(NET, lambda x: x[0], progress=p),
    "write_certificate": lambda p, folder: puiseux.write_certificate(NET, folder / "new.cert", progress=p),
    "write_report": lambda p, folder: puiseux.write_report(NET, folder / "net.html", time_limit=0.5, progress=p),
    "count_regions": lambda p, _: puiseux.count_regions(NET, progress=p),
    "suite.export_suite": lambda p, folder: puiseux.suite.export_suite(
        folder / "suite", small=True, families=["constructions"], time_limit=0.01, progress=p
    ),
    "suite.run_suite": lambda p, folder: puiseux.suite.run_suite(folder / "no suite", "true {net}", progress=p),
    "milp.compress": lambda p, _: milp.compress(NET, BOX, progress=p),
    "milp.count_milp": lambda p, _: milp.count_milp(NET, BOX, progress=p),
    "milp.local_lipschitz": lambda p, _: milp.local_lipschitz(NET, BOX, progress=p),
    "milp.network_bounds": lambda p, _: milp.network_bounds(NET, BOX, progress=p),
    "milp.optimize_network": lambda p, _: milp.optimize_network(NET, BOX, progress=p),
    "milp.output_ranges": lambda p, _: milp.output_ranges(NET, BOX, progress=p),
    "milp.reach_bounds": lambda p, _: milp.reach_bounds(NET, BOX, [[1]], progress=p),
    "milp.search_patterns": lambda p, _: milp.search_patterns(NET, BOX, progress=p),
    "milp.sparsest_fit": lambda p, _: milp.sparsest_fit([[0], [1]], [0, 1], 1, progress=p),
    "milp.stability_proofs": lambda p, _: milp.stability_proofs(NET, BOX, progress=p),
    "milp.train_convex": lambda p, _: milp.train_convex([[0], [1]], [0, 1], 0.1, progress=p),
    "milp.parity_bound": lambda p, _: milp.parity_bound(NET, BOX, draws=1, rng=0, progress=p),
    "milp.train_convex_outputs": lambda p, _: milp.train_convex_outputs([[0], [1]], [[0], [1]], 0.1, progress=p),
    "milp.train_exactly": lambda p, _: milp.train_exactly([[0], [1]], [0, 1], 1, progress=p),
    "milp.verify_class": lambda p, _: milp.verify_class([[[1], [-1]]], [1], "1/2", progress=p),
    "milp.verify_monotone": lambda p, _: milp.verify_monotone(NET, BOX, 0, progress=p),
    "milp.verify_upper": lambda p, _: milp.verify_upper(NET, BOX, 0, 9, progress=p),
    "milp.verify_vnnlib": lambda p, folder: milp.verify_vnnlib(NET, folder / "spec.vnnlib", progress=p),
}
SILENT = {"suite.export_suite", "suite.run_suite"}  # refused, or stopped, before the first step
COUNTS = {"count_regions", "run_study", "verify_certificate", "write_certificate"}
"""Their callables get numbers, and True draws a bar, which waits two seconds for something worth telling."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "spec.vnnlib").write_text(SPEC)
    puiseux.write_certificate(NET, tmp_path / "net.cert")
    return tmp_path


def test_every_function_with_a_time_limit_has_progress() -> None:
    named = set()
    for place, module in (("", puiseux), ("suite.", puiseux.suite), ("milp.", milp)):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                options = inspect.signature(value).parameters
                assert "progress" in options or "time_limit" not in options, name
                if "progress" in options:
                    assert options["progress"].default is None
                    named.add(f"{place}{name}")
    assert named == set(CALLS)


@pytest.mark.parametrize("name", sorted(CALLS.keys() - SILENT))
def test_progress_is_told(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name.startswith("milp."):
        pytest.importorskip("pyscipopt", reason="needs puiseux[milp]")
    told: list[Any] = []
    CALLS[name](lambda *given: told.append(given), folder)
    assert told
    if name in COUNTS:
        assert all(len(given) == 2 for given in told)
    else:
        assert all(len(given) == 1 and given[0][0].isupper() for given in told)
    assert capsys.readouterr().err == ""
    CALLS[name](True, folder)
    shown = capsys.readouterr().err
    if name in COUNTS:
        assert shown == "" or "% of the work" in shown
    else:
        assert [line.removesuffix(" ..") for line in shown.splitlines()] == [given[0] for given in told]


@pytest.mark.parametrize("name", sorted(SILENT))
def test_what_is_refused_tells_no_step(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(puiseux.PuiseuxError):
        CALLS[name](True, folder)
    assert len(capsys.readouterr().err.splitlines()) <= 1


@pytest.mark.parametrize("sense", ["max", "min"])
def test_values_that_are_told_are_those_of_the_question(sense: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import polyhedra.progress

    monkeypatch.setattr(polyhedra.progress, "_FIRST_WORD", 0.0)
    steps: list[str] = []
    net = puiseux.random_network([10, 8, 8, 1], rng=0)
    found = milp.optimize_network(net, BOX, sense=sense, solver="none", progress=steps.append)
    assert found.proven
    best = float(f"{float(found.value):.6g}")  # rounded as the steps are, so that no reached value is beyond it
    told = [re.search(r"best value (\S+), bound ", step) for step in steps if "none yet" not in step]
    values = [float(match[1]) for match in told if match is not None]
    assert values[-1] == best  # with its own sign, -0.373075 for the least one
    assert max(values) <= best if sense == "max" else min(values) >= best


def test_loops_inside_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    import polyhedra.progress

    monkeypatch.setattr(polyhedra.progress, "_FIRST_WORD", 0.0)
    net = puiseux.random_network([2, 24, 24, 1], rng=0)
    steps: list[str] = []
    milp.optimize_network(net, BOX, progress=steps.append, solver="none")
    assert any(step.startswith("Cutting boxes away: ") for step in steps)
    steps.clear()
    milp.optimize_network(puiseux.random_network([10, 8, 8, 1], rng=0), BOX, solver="none", progress=steps.append)
    assert any(step.startswith("Branching: ") and "best value" in step for step in steps)
    assert any(step.startswith("Tightening bounds: unit 1 of 8 in layer 2") for step in steps)
    steps.clear()
    puiseux.lipschitz(net, BOX, progress=steps.append)
    assert any(step.startswith("Listing cells: ") for step in steps)
    steps.clear()
    puiseux.largest_difference(net, puiseux.random_network([2, 24, 24, 1], rng=1), BOX)
    polyhedra.progress.tell(lambda: "nobody asked")
    assert not steps


def test_loops_are_told_of_about_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    import polyhedra.progress

    now = [100.0]
    monkeypatch.setattr(polyhedra.progress.time, "monotonic", lambda: now[0])

    @polyhedra.progress.with_steps("Counting")
    def count(*, progress: Any = None) -> None:
        for number in range(3000):
            now[0] += 0.01
            polyhedra.progress.tell(lambda number=number: str(number))

    steps: list[str] = []
    count(progress=steps.append)
    assert steps[0] == "Counting"
    times = [0.01 * (int(step) + 1) for step in steps[1:]]
    assert all(later - earlier >= 0.999 for earlier, later in zip([0.0, *times], times, strict=False))
    assert 10 <= len(times) <= 30
