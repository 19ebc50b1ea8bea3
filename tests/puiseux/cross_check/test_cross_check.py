"""The cross-check: routes that agree, planted wrong counters, and everything an oracle may do to it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from nn_bridge.region_count import RegionCount
from nn_bridge.symbolic import count as symbolic_count
from polyhedra.bounding_box import bounding_box
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from puiseux.console.cli import run
from puiseux.cross_check.cross_check import CrossCheck, RouteResult, crosscheck
from puiseux.cross_check.disagreement import Claim, disagreement, pattern_text, point_with
from puiseux.cross_check.isolation import Failed, OutOfTime, Refused, run_isolated
from puiseux.random_networks import random_network
from puiseux.reading import save
from puiseux.routes import ROUTES

NET = random_network([2, 4, 3, 1], rng=3)
DEGENERATE = random_network([2, 3, 3, 1], rng=5, init="integers", zero_bias=True)


def true_patterns(network: Network, domain: Polyhedron | None) -> list[str]:
    return sorted(cell.pattern_text for cell in iterate_cells(network, domain))


class Planted:
    """A counter that is right but for what `spoil` does to its list of cells."""

    name = "planted"

    def __init__(self, spoil: Any, names_cells: bool = True) -> None:
        self.spoil = spoil
        if names_cells:
            self.patterns = self._cells

    def _cells(self, network: Network, domain: Polyhedron | None) -> list[str]:
        return self.spoil(true_patterns(network, domain))

    def __call__(self, network: Network, domain: Polyhedron | None) -> int:
        return len(self._cells(network, domain))


def witness_is_real(check: CrossCheck, network: Network, domain: Polyhedron | None = None) -> bool:
    """Whether the witness lies strictly inside a cell with the pattern that is named."""
    assert check.witness is not None
    assert check.witness.point is not None
    assert check.witness.pattern is not None
    inside = domain is None or domain.contains(check.witness.point, strict=True)
    cells = network.cell_at(check.witness.point)
    return inside and [pattern_text(cell.pattern, network) for cell in cells] == [check.witness.pattern]


# ---------------------------------------------------------------- agreement


def test_all_routes_agree_in_a_box() -> None:
    check = crosscheck(NET, "box:-3,3")
    assert [route.name for route in check.routes] == list(ROUTES)
    assert check.agree is True
    assert check.witness is None
    cells = {route.counts["cells"] for route in check.routes if route.comparable}
    assert cells == {len(true_patterns(NET, Polyhedron.box([-3, -3], [3, 3])))}
    sampling = check.routes[-1]
    assert (sampling.name, sampling.comparable, sampling.lower_bound) == ("sampling", False, True)
    assert sampling.patterns is not None
    assert set(sampling.patterns) <= set(check.routes[0].patterns or ())
    named = [route.patterns for route in check.routes if route.comparable and route.patterns is not None]
    assert len(named) >= 3
    assert len({frozenset(patterns) for patterns in named}) == 1


def test_inexact_routes_say_why_they_are_not_comparable() -> None:
    check = crosscheck(DEGENERATE, "box:-1,1", routes=["cells", "tropical", "sign-vectors"])
    assert check.agree is True
    by_name = {route.name: route for route in check.routes}
    assert not by_name["sign-vectors"].comparable
    assert by_name["sign-vectors"].counts["cells"] is None
    assert "not generic" in str(by_name["sign-vectors"].reason)


def test_bounded_routes_are_left_out_on_all_of_space() -> None:
    check = crosscheck(NET, routes=["cells", "sign-vectors", "milp"])
    assert check.agree is None
    assert all("unbounded domain" in str(route.reason) for route in check.routes[1:])
    assert "not comparable" in str(check)


def test_thin_cells_are_a_reason_not_to_compare() -> None:
    pytest.importorskip("pyscipopt")
    thin = Network.from_layers([[[1], [1]], [[1, 1]]], [[0, "1/10000000000"], [0]])
    check = crosscheck(thin, "box:-1,1", routes=["cells", "milp"])
    assert check.agree is None
    assert "thinner" in str(check.routes[1].reason)


# ---------------------------------------------------------------- planted wrong counters


@pytest.mark.parametrize("network", [NET, DEGENERATE], ids=["generic", "degenerate"])
@pytest.mark.parametrize("domain", [None, "box:-2,2"])
def test_a_dropped_cell_is_found_with_a_point_inside(network: Network, domain: str | None) -> None:
    check = crosscheck(network, domain, [Planted(lambda cells: cells[:2] + cells[3:])], routes=["cells"])
    box = None if domain is None else Polyhedron.box([-2, -2], [2, 2])
    assert check.agree is False
    assert check.witness is not None
    assert check.witness.pattern == true_patterns(network, box)[2]
    assert (check.witness.found_by, check.witness.missed_by) == (("cells",), ("planted",))
    assert witness_is_real(check, network, box)


def test_a_cell_counted_twice_is_found() -> None:
    check = crosscheck(NET, None, [Planted(lambda cells: [*cells, cells[4]])], routes=["cells"])
    assert check.agree is False
    assert check.witness is not None
    assert check.witness.pattern == true_patterns(NET, None)[4]
    assert witness_is_real(check, NET)


def test_right_numbers_do_not_hide_wrong_cells() -> None:
    twice_and_dropped = Planted(lambda cells: [*cells[1:], cells[2]])
    assert twice_and_dropped(NET, None) == len(true_patterns(NET, None))
    assert crosscheck(NET, None, [twice_and_dropped], routes=["cells"]).agree is False


def test_a_cell_that_does_not_exist_is_refuted() -> None:
    def exchange(cells: list[str]) -> list[str]:
        missing = next(f"{k:04b}|{m:03b}" for k in range(16) for m in range(8) if f"{k:04b}|{m:03b}" not in cells)
        return [*cells, missing]

    check = crosscheck(NET, None, [Planted(exchange)], routes=["cells"])
    assert check.agree is False
    assert check.witness is not None
    assert check.witness.point is None
    assert "proven to have no interior" in check.witness.what
    assert point_with(NET, str(check.witness.pattern)) is None


def test_a_counter_of_numbers_is_narrowed_down_to_a_box_with_the_cell() -> None:
    lost = true_patterns(NET, None)[3]
    drops = Planted(lambda cells: [text for text in cells if text != lost], names_cells=False)
    check = crosscheck(NET, None, [drops], routes=["cells"])
    assert check.agree is False
    assert check.witness is not None
    assert check.witness.domain.startswith("box:")
    assert check.witness.pattern == lost
    assert witness_is_real(check, NET)


def test_maps_alone_can_disagree() -> None:
    def mine(network: Network, domain: Polyhedron | None) -> dict[str, int]:
        return {"cells": len(true_patterns(network, domain)), "affine_maps": 1}

    check = crosscheck(NET, None, {"mine": mine}, routes=["cells"])
    assert check.agree is False
    assert check.witness is not None
    assert check.witness.what.startswith("affine_maps")
    assert check.witness.missed_by == ("mine",)


def test_a_counter_that_raises_is_reported_and_the_others_go_on() -> None:
    def broken(network: Network, domain: Polyhedron | None) -> int:
        raise ValueError("out of luck")

    check = crosscheck(NET, None, [broken], routes=["cells", "tropical"])
    assert check.agree is True
    assert check.routes[-1] == RouteResult(
        "broken", False, dict.fromkeys(("cells", "regions", "regions_by_point", "affine_maps")),
        check.routes[-1].seconds, False, "raised ValueError: out of luck",
    )  # fmt: skip


def test_a_counter_that_hangs_is_given_up() -> None:
    def hangs(network: Network, domain: Polyhedron | None) -> int:
        while True:
            time.sleep(0.01)

    check = crosscheck(NET, None, [hangs], routes=[], time_limit=0.3)
    assert check.agree is None
    assert check.routes[0].reason == "stopped at the time limit of 0.3 s"


def test_a_counter_that_dies_or_prints_does_no_harm(capfd: pytest.CaptureFixture[str]) -> None:
    def dies(network: Network, domain: Polyhedron | None) -> int:
        print("a word on the way")
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    check = crosscheck(NET, None, [dies], routes=[])
    assert check.routes[0].reason == "its process died"
    assert capfd.readouterr().out == ""


def test_patterns_that_hang_leave_the_number() -> None:
    class Slow:
        def __call__(self, network: Network, domain: Polyhedron | None) -> int:
            return 5

        def patterns(self, network: Network, domain: Polyhedron | None) -> Iterator[str]:
            time.sleep(30)
            yield "0000|000"

    (result,) = crosscheck(NET, None, {"slow": Slow()}, routes=[], time_limit=2.0).routes
    assert (result.counts["cells"], result.comparable, result.patterns) == (5, True, None)


def test_malformed_patterns_and_counts_are_named() -> None:
    class Odd(Planted):
        def __call__(self, network: Network, domain: Polyhedron | None) -> int:
            return 3

    results = crosscheck(
        NET,
        None,
        {"words": lambda n, d: "many", "odd": Odd(lambda cells: ["01"]), "key": lambda n, d: {"faces": 3}},
        routes=[],
    ).routes
    assert "returned str 'many'" in str(results[0].reason)
    assert "no activation pattern" in str(results[1].reason)
    assert "'faces'" in str(results[2].reason)


def test_a_lower_bound_may_stay_below_but_not_exceed() -> None:
    def at_least(cells: int) -> Any:
        return lambda network, domain: RegionCount(cells, None, None, None, "mine", "all", False, False, 0.0, "a few")

    number = len(true_patterns(NET, None))
    below = crosscheck(NET, None, {"sampler": at_least(number - 1)}, routes=["cells"])
    assert below.agree is None
    assert below.routes[1].reason == "a lower bound: a few"
    assert crosscheck(NET, None, {"sampler": at_least(number + 1)}, routes=["cells"]).agree is False


def test_a_sampled_cell_that_an_exact_counter_lacks_is_a_disagreement() -> None:
    counts = dict.fromkeys(("cells", "regions", "regions_by_point", "affine_maps"))
    cells = true_patterns(NET, None)
    whole = Claim("exact", counts, patterns=tuple(cells[1:]))
    assert disagreement([whole, Claim("sampler", counts, True, tuple(cells[1:4]))], NET, None, "all") is None
    witness = disagreement([whole, Claim("sampler", counts, True, tuple(cells[:3]))], NET, None, "all")
    assert witness is not None
    assert (witness.pattern, witness.missed_by) == (cells[0], ("exact",))


def test_a_point_on_a_hyperplane_does_not_accuse_anybody() -> None:
    # at x = 0 no unit of |x| is active: a sampler may meet this pattern, which has no interior
    absolute = Network.from_layers([[[1], [-1]], [[1, 1]]])
    counts = dict.fromkeys(("cells", "regions", "regions_by_point", "affine_maps"))
    claims = [Claim("exact", counts, patterns=("10", "01")), Claim("sampler", counts, True, ("10", "00"))]
    assert disagreement(claims, absolute, None, "all") is None


def test_what_has_to_be_compiled_first_is_no_matter_of_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    class Compiling(Planted):
        ready = False

        def __call__(self, network: Network, domain: Polyhedron | None) -> int:
            if not self.ready:
                time.sleep(2.1)
                self.ready = True
            return super().__call__(network, domain)

    monkeypatch.setitem(ROUTES, "tropical", Compiling(lambda cells: cells))
    (result,) = crosscheck(NET, None, routes=["tropical"], time_limit=2.0).routes
    assert result.comparable, result.reason


def test_bounding_boxes() -> None:
    assert bounding_box(Polyhedron.box([0, -1], [1, 3])) == ((0, 1), (-1, 3))
    assert bounding_box(Polyhedron([[1, 1], [-1, 1], [0, -1]], [1, 1, "1/2"])) == (
        (fmpq(-3, 2), fmpq(3, 2)),
        (fmpq(-1, 2), 1),
    )
    assert bounding_box(Polyhedron([[1, 0]], [1])) is None


def test_sampling_a_box_with_many_inputs_needs_no_corners() -> None:
    wide = random_network([40, 2, 1], rng=2)
    check = crosscheck(wide, "box:-1,1", {"mine": lambda n, d: 3}, routes=["sampling"], time_limit=20)
    assert [route.counts["cells"] for route in check.routes] == [4, 3]
    assert check.agree is False


@pytest.mark.parametrize("domain", [Polyhedron([[1, 0]], [1]), Polyhedron([[1, 1], [-1, 1], [0, -1]], [9, 9, 2])])
def test_a_counter_of_numbers_is_narrowed_down_in_any_domain(domain: Polyhedron) -> None:
    lost = true_patterns(NET, domain)[0]
    drops = Planted(lambda cells: [text for text in cells if text != lost], names_cells=False)
    check = crosscheck(NET, domain, [drops], routes=["cells"])
    assert check.witness is not None
    assert check.witness.pattern == lost
    assert witness_is_real(check, NET, domain)


# ---------------------------------------------------------------- usage and contract


def test_names_must_be_known_and_different() -> None:
    for call in (
        lambda: crosscheck(NET, routes=["guess"]),
        lambda: crosscheck(NET, None, ["guess"]),
        lambda: crosscheck(NET, None, {"cells": lambda n, d: 1}),
        lambda: crosscheck(NET, None, {"mine": 3}),
        lambda: crosscheck(NET, time_limit=0),
    ):
        with pytest.raises(UsageError):
            call()


@pytest.fixture
def file(tmp_path: Path) -> str:
    save(NET, tmp_path / "net.json")
    return str(tmp_path / "net.json")


def test_json_keeps_the_contract(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["crosscheck", file, "--routes", "cells,tropical", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["agree", "routes", "witness"]
    assert printed["agree"] is True
    assert printed["witness"] is None
    assert [list(route) for route in printed["routes"]] == [
        ["name", "exact", "counts", "seconds", "comparable", "reason"]
    ] * 2
    assert printed["routes"][0]["counts"]["cells"] == len(true_patterns(NET, None))
    assert printed["routes"][0]["reason"] is None


def test_a_disagreement_exits_with_one(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(ROUTES, "tropical", Planted(lambda cells: cells[1:]))
    assert run(["crosscheck", file, "--routes", "cells,tropical", "--json"]) == 1
    witness = json.loads(capsys.readouterr().out)["witness"]
    assert list(witness) == ["what", "point", "pattern", "found_by", "missed_by", "domain"]
    assert (witness["found_by"], witness["missed_by"]) == (["cells"], ["tropical"])
    assert run(["crosscheck", file, "--routes", "cells,tropical"]) == 1
    assert "disagree: the cell" in capsys.readouterr().out


def test_bad_usage_is_one_line(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["crosscheck", file, "--routes", "guess"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1


def test_the_algebra_finds_its_cells_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watched(network: Network, domain: object = None) -> symbolic_count.SymbolicCells:
        asked.append(network)
        return found(network, domain)

    found = symbolic_count.symbolic_cells
    monkeypatch.setattr(symbolic_count, "symbolic_cells", watched)
    network = random_network([2, 5, 1], rng=77)
    counted = ROUTES["tropical"](network, None)
    assert len(set(ROUTES["tropical"].patterns(network, None))) == counted.cells
    assert counted.counts == symbolic_count.count_symbolic(network).counts
    assert len(asked) == 2  # by the route, and by the count beside it
    assert ROUTES["tropical"](network, Polyhedron([[1, 0], [-1, 0]], [0, 0])).cells == 0


# ---------------------------------------------------------------- isolation


def test_answers_come_until_the_limit() -> None:
    def slow() -> Iterator[int]:
        yield 1
        time.sleep(30)

    answers = run_isolated(slow, 2.0)
    assert next(answers) == 1
    with pytest.raises(OutOfTime):
        next(answers)


def test_large_answers_arrive_whole_and_errors_have_a_name() -> None:
    assert [len(part) for part in run_isolated(lambda: iter([b"x" * 3_000_000]))] == [3_000_000]

    def fails() -> Iterable[int]:
        raise UsageError("a reason with a remedy")

    with pytest.raises(Refused, match=r"^a reason with a remedy$"):
        list(run_isolated(lambda: iter(fails())))
    with pytest.raises(Failed, match=r"^raised ZeroDivisionError") as raised:
        list(run_isolated(lambda: iter([1 // 0])))
    assert not isinstance(raised.value, Refused)


def test_a_child_that_is_no_longer_asked_is_ended() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield os.getpid()

    answers = run_isolated(endless)
    child = next(answers)
    answers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_counter_that_ignores_the_domain_is_told_so() -> None:
    found = crosscheck(NET, "box:-3,3", {"mine": lambda network, domain: 2}, routes=["cells"])
    assert found.witness is not None
    said = "mine gives the same numbers on every smaller box; it must count in its second argument, the domain"
    assert found.witness.remark == found.witness.to_json()["remark"] == said
    assert str(found).splitlines()[-1] == f"  {said}"


def test_a_counter_that_misses_cells_is_not_suspected_of_it() -> None:
    def short(network: Network, domain: Polyhedron | None) -> int:
        return max(1, len(true_patterns(network, domain)) - 1)

    found = crosscheck(NET, "box:-3,3", {"mine": short}, routes=["cells"])
    assert found.witness is not None
    assert found.witness.remark is None
    assert "remark" not in found.witness.to_json()
    # constant and too small everywhere
    one = crosscheck(NET, "box:-3,3", {"mine": lambda network, domain: 1}, routes=["cells"])
    assert one.witness is not None
    assert one.witness.remark is None
