"""Workers and records of a walk change nothing of what it finds; a record of another network is refused."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import Future
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import puiseux
from nn_bridge.cells.counting.checkpoint import CheckpointError
from nn_bridge.cells.counting.pool import Pool
from nn_bridge.exploration import ORDERS, CellFacts, Expander, ExplorationRecord, LocalCells, walk
from nn_bridge.exploration.expansion import expanded
from nn_bridge.exploration.local_cell import LocalCell
from puiseux.console.cli import run
from puiseux.processes import ProcessPool
from puiseux.questions.exploring import summarize
from puiseux.random_networks import random_network

NET = random_network([3, 6, 5, 2], rng=4)


def lines(**options: object) -> list[tuple[str, int, int]]:
    found = puiseux.explore(NET, "1/3,1/5,0", 40, rng=2, **options)  # type: ignore[arg-type]
    return [(visit.cell.pattern_text, visit.distance, len(visit.cell.facets)) for visit in found]


@pytest.mark.parametrize("order", ORDERS)
def test_workers_and_records_find_the_same_walk(order: str, tmp_path: Path) -> None:
    alone = lines(order=order)
    assert lines(order=order, workers=2) == alone
    assert lines(order=order, checkpoint=tmp_path / "walk") == alone
    assert lines(order=order, workers=2, checkpoint=tmp_path / "walk") == alone


def test_workers_change_no_walk_that_meets_a_set_or_ends_at_a_distance() -> None:
    home, box = LocalCells(NET), puiseux.Polyhedron.box([-1] * 3, ["1/2"] * 3)
    for order in ORDERS:
        options = {"order": order, "meeting": box if order != "breadth" else None, "max_distance": 2}
        found = [
            [visit.cell.active for visit in puiseux.explore(NET, "1/3,1/5,0", rng=2, workers=workers, **options)]  # type: ignore[arg-type]
            for workers in (1, 2)
        ]
        assert found[0] == found[1]
        assert len(found[0]) > 5
        assert all(home.of(LocalCell(home, active).pattern).exists for active in found[0])


class Calls:
    """A pool that makes calls at once and keeps how many cells each had, and what it carried."""

    size, alone = 2, False

    def __init__(self) -> None:
        self.cells: list[tuple[int, ...]] = []
        self.batches: list[int] = []
        self.payloads = 0

    def submit(self, function: object, *arguments: object) -> Future[object]:
        number, payload, cells, full, note = arguments
        self.cells += cells  # type: ignore[arg-type]
        self.batches.append(len(cells))  # type: ignore[arg-type]
        self.payloads += bool(payload)
        done: Future[object] = Future()
        done.set_result(pickle.loads(pickle.dumps(expanded(number, payload, cells, full, note))))  # type: ignore[arg-type]
        return done


@pytest.mark.parametrize("order", ["breadth", "random"])
def test_workers_get_the_cells_of_the_walk_alone_and_several_at_once(order: str) -> None:
    wide = random_network([30, 30, 2], rng=1)
    home, calls = LocalCells(wide), Calls()
    expander = Expander(home, calls, most=40)
    visits = walk(
        home,
        wide.point([k % 7 - 3 for k in range(30)]),
        order=order,
        rng=np.random.default_rng(2),
        most=40,
        expander=expander,
    )
    cells = [visit.cell for visit in islice(visits, 40)]
    expander.close()
    assert sorted(calls.cells) == sorted(cell.active for cell in cells)
    assert calls.payloads == 0
    assert (len(calls.batches) < 40) == (order == "breadth")
    for cell in cells:  # counting facets and going on describes no cell again
        assert cell.facet_count == LocalCell(home, cell.active).facet_count
        assert len(cell.neighbours()) == cell.facet_count
        assert "_described" not in cell.__dict__


def test_workers_that_were_there_before_get_the_network() -> None:
    home = LocalCells(NET)
    with ProcessPool(2) as pool:
        assert pool.submit(abs, -1).result() == 1
        expander = Expander(home, pool)
        visits = islice(walk(home, NET.point([0, "1/9", "1/7"]), expander=expander), 15)
        found = [visit.cell.active for visit in visits]
        expander.close()
    assert expander._payload
    assert found == [v.cell.active for v, _ in zip(walk(home, NET.point([0, "1/9", "1/7"])), range(15), strict=False)]


def test_an_error_comes_with_the_cell_that_it_belongs_to(monkeypatch: pytest.MonkeyPatch) -> None:
    home = LocalCells(NET)
    order = [visit.cell.active for visit in islice(walk(home, NET.point([0, "1/9", "1/7"])), 30)]
    facts = LocalCell.facts

    def failing(self: LocalCell, *, full: bool = False) -> CellFacts:
        if self.active == order[20]:
            raise puiseux.PuiseuxError("no facets here")
        return facts(self, full=full)

    monkeypatch.setattr(LocalCell, "facts", failing)
    with ProcessPool(2) as pool:
        expander = Expander(home, pool)
        visits = walk(home, NET.point([0, "1/9", "1/7"]), expander=expander)
        assert [visit.cell.active for visit in islice(visits, 20)] == order[:20]
        with pytest.raises(puiseux.PuiseuxError, match="no facets here"):
            next(visits)
        expander.close()


def test_facts_go_from_one_cell_to_another() -> None:
    home = LocalCells(NET, puiseux.Polyhedron.box([-1] * 3, [1] * 3))
    for visit in walk(home, NET.point([0, "1/9", "1/7"]), max_distance=1):
        told = LocalCell(home, visit.cell.active)
        told.adopt(visit.cell.facts(full=True))
        assert told.__dict__.keys() >= {"_facet_rows", "_beyond", "bounded", "_reduced_point"}
        assert told.facets == visit.cell.facets
        assert told.neighbours() == visit.cell.neighbours()
        assert (told.bounded, told.interior_point) == (visit.cell.bounded, visit.cell.interior_point)
    with pytest.raises(puiseux.PuiseuxError, match="belong to another cell"):
        home.at([0, "1/9", "1/7"])[0].adopt(CellFacts(((-1, 99),), (None,)))


def test_a_walk_goes_on_without_linear_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "walk"
    first = lines(checkpoint=folder)
    log = folder / "slices.log"
    whole = log.read_bytes()

    def asked(self: LocalCell, **_: object) -> CellFacts:
        raise AssertionError(f"{self.pattern_text} was known")

    with monkeypatch.context() as patched:
        patched.setattr(LocalCell, "facts", asked)
        assert lines(checkpoint=folder) == first
    log.write_bytes(whole[: len(whole) - 11])  # killed while it wrote
    assert lines(checkpoint=folder) == first
    assert log.read_bytes() == whole
    log.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    with pytest.raises(CheckpointError, match="is damaged"):
        lines(checkpoint=folder)


def test_records_of_others_are_refused(tmp_path: Path) -> None:
    with ExplorationRecord(tmp_path / "walk", LocalCells(NET)):
        pass
    other = LocalCells(random_network([3, 6, 5, 2], rng=5))
    with pytest.raises(CheckpointError, match="another network"):
        ExplorationRecord(tmp_path / "walk", other)
    with pytest.raises(CheckpointError, match="another domain"):
        ExplorationRecord(tmp_path / "walk", LocalCells(NET, puiseux.Polyhedron.box([-1] * 3, [1] * 3)))
    with pytest.raises(CheckpointError, match="another kind of count"):
        puiseux.count_regions(NET, checkpoint=tmp_path / "walk")


def test_a_record_with_facts_of_no_cell_is_damage(tmp_path: Path) -> None:
    home = LocalCells(NET)
    for facts in (
        CellFacts(((7, 0),), (None,)),
        CellFacts(((0, 6),), (None,)),
        CellFacts(((0, 0),), ((1 << 9, 0),)),
        CellFacts(((0, 0),), ()),
    ):
        folder = tmp_path / json.dumps(facts.facets + facts.beyond).strip("[]")[:20]
        with ExplorationRecord(folder, home) as record:
            record.add((1, 1), facts)
        with pytest.raises(CheckpointError, match="is damaged"):
            ExplorationRecord(folder, home)


def test_a_lost_worker_is_made_up_for() -> None:
    home = LocalCells(NET)
    with ProcessPool(2) as pool:
        expander = Expander(home, pool)
        found = []
        for visit in walk(home, NET.point([0, "1/9", "1/7"]), expander=expander):
            found.append(visit.cell.active)
            if len(found) == 5:
                pool.give_up()
            if len(found) == 15:
                break
        expander.close()
    assert found == [v.cell.active for v, _ in zip(walk(home, NET.point([0, "1/9", "1/7"])), range(15), strict=False)]


def test_one_worker_is_this_process() -> None:
    home = LocalCells(NET)
    expander = Expander(home, Pool(1))
    (cell,) = home.at([0, "1/9", "1/7"])
    expander.expand(cell)
    assert "_facet_rows" not in cell.__dict__


@pytest.mark.parametrize("order", ORDERS)
def test_workers_write_the_same_lines(order: str, tmp_path: Path) -> None:
    alone: list[str] = []
    helped: list[str] = []
    summarize(NET, "1/3,1/5,0", 25, order=order, rng=2, write=alone.append)
    for turn in range(2):  # the second time from a record, which holds no lines
        helped.clear()
        summarize(
            NET,
            "1/3,1/5,0",
            25 - turn,
            order=order,
            rng=2,
            write=helped.append,
            workers=2,
            checkpoint=tmp_path / "walk",
        )
        assert helped == alone[: 25 - turn]
    first = json.loads(alone[0])
    assert list(first) == ["pattern", "distance", "facets", "bounded", "point"]
    assert all(line.endswith("}\n") and line.count("\n") == 1 for line in alone)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, folder = tmp_path / "net.json", tmp_path / "walk"
    puiseux.save(NET, path)
    command = ["explore", str(path), "--at", "1/3,1/5,0", "--max-cells", "12", "--json"]
    assert run(command) == 0
    alone = json.loads(capsys.readouterr().out)
    assert run([*command, "--workers", "2", "--checkpoint", str(folder), "-o", str(tmp_path / "cells.jsonl")]) == 0
    helped = json.loads(capsys.readouterr().out)
    assert {**alone, "seconds": 0} == {**helped, "seconds": 0}
    assert len((tmp_path / "cells.jsonl").read_text().splitlines()) == 12
    assert (folder / "slices.log").stat().st_size > 100
