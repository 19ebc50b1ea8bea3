"""Workers and records of a walk change nothing of what it finds; a record of another network is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import puiseux
from nn_bridge.cells.counting.checkpoint import CheckpointError
from nn_bridge.cells.counting.pool import Pool
from nn_bridge.exploration import ORDERS, CellFacts, Expander, ExplorationRecord, LocalCells, walk
from nn_bridge.exploration.local_cell import LocalCell
from puiseux.console.cli import run
from puiseux.processes import ProcessPool
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
