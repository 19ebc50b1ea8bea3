"""Checkpoints: killed at any moment a count goes on to the same result; damaged or foreign folders are refused."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nn_bridge.cells.counting import checkpoint as cell_checkpoint
from nn_bridge.cells.counting import count as cell_count
from nn_bridge.cells.counting import found_leaves
from nn_bridge.cells.counting import jobs as cell_jobs
from nn_bridge.cells.counting.checkpoint import Checkpoint, CheckpointError, Record
from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.jobs import Group
from nn_bridge.cells.tree import Subtree
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from polyhedra.polyhedron import Polyhedron

NETS = Path(__file__).parents[3] / "data" / "nets"
IDENTITY = {"network": "abc", "domain": "all"}
RECORDS = [
    Record(0, 5, ((Subtree(0, ((0, 1, 1),)), Subtree(1, (), 3)), (Subtree(7),))),
    Record(2, 3, (), (Group((Subtree(7),), 3),), np.array([1, 2**63, 7], dtype=np.uint64)),
    Record(1, 0),
]


@pytest.fixture(scope="module")
def network() -> Network:
    return read_network(NETS / "d3_16_16_1_s0.npz")


@pytest.fixture(autouse=True)
def many_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of some hundred cells, however fast they are found: a short count has many of them."""
    monkeypatch.setattr(found_leaves, "LEAVES_AT_ONCE", 200)
    monkeypatch.setattr(cell_jobs, "CELLS_AT_ONCE", 200)
    monkeypatch.setattr(cell_count, "_FIRST", 0.0)
    monkeypatch.setattr(cell_count, "_SHORT", 0.0)
    monkeypatch.setattr(cell_count, "_NEAR", 0.0)
    monkeypatch.setattr(cell_count, "_FAR", 0.0)


def written(folder: Path) -> Path:
    """A checkpoint with some records."""
    with Checkpoint(folder, IDENTITY) as checkpoint:
        assert list(checkpoint.records()) == []
        for record in RECORDS:
            checkpoint.append(record)
    return folder


def alike(one: Record, other: Record) -> bool:
    return np.array_equal(one.residues, other.residues) and one.to_bytes() == other.to_bytes()


def read(folder: Path) -> list[Record]:
    with Checkpoint(folder, IDENTITY) as checkpoint:
        return list(checkpoint.records())


# -------------------------------------------------------------------------- the file


def test_records_come_back(tmp_path: Path) -> None:
    found = read(written(tmp_path / "new" / "folder"))
    assert len(found) == len(RECORDS)
    for record, expected in zip(found, RECORDS, strict=True):
        assert (record.job, record.cells, record.left, record.groups) == (
            expected.job,
            expected.cells,
            expected.left,
            expected.groups,
        )
        assert np.array_equal(record.residues, expected.residues)


def test_a_torn_end_is_cut_off_and_written_again(tmp_path: Path) -> None:
    """Whatever the byte at which writing stopped: whole records are kept, and the file goes on behind them."""
    log = written(tmp_path / "whole") / "slices.log"
    content = log.read_bytes()
    lengths = set()
    for size in range(len(content)):
        folder = tmp_path / "torn"
        shutil.copytree(tmp_path / "whole", folder)
        (folder / "slices.log").write_bytes(content[:size])
        with Checkpoint(folder, IDENTITY) as checkpoint:
            found = list(checkpoint.records())
            lengths.add(len(found))
            assert all(map(alike, found, RECORDS))
            checkpoint.append(RECORDS[1])
        again = read(folder)
        assert len(again) == len(found) + 1
        assert alike(again[-1], RECORDS[1])
        shutil.rmtree(folder)
    assert lengths == {0, 1, 2}


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    folder = written(tmp_path / "c")
    rng = random.Random(4)
    for name in ("slices.log", "header.json"):
        content = (folder / name).read_bytes()
        for at in range(len(content) - (name == "header.json")):
            changed = bytearray(content)
            changed[at] ^= 1 << rng.randrange(8)
            (folder / name).write_bytes(changed)
            with pytest.raises(CheckpointError, match=r"damaged|version"):
                read(folder)
        (folder / name).write_bytes(content)
    assert len(read(folder)) == len(RECORDS)


def test_records_of_another_place_are_noticed(tmp_path: Path) -> None:
    """Each checksum continues those before it, so a record left out, doubled or from elsewhere does not fit."""
    folder = written(tmp_path / "c")
    log = folder / "slices.log"
    content = log.read_bytes()
    with Checkpoint(tmp_path / "other", {**IDENTITY, "domain": "box"}) as other:
        list(other.records())
        other.append(RECORDS[0])
    first = len((tmp_path / "other" / "slices.log").read_bytes())
    for wrong in (
        content[first:],
        content[:first] + content,
        content + content[:first],
        (tmp_path / "other" / "slices.log").read_bytes() + content[first:],
    ):
        log.write_bytes(wrong)
        with pytest.raises(CheckpointError, match=r"the checkpoint is damaged \(slices.log, byte \d+\); delete"):
            read(folder)


def test_one_at_a_time(tmp_path: Path) -> None:
    folder = written(tmp_path / "c")
    with Checkpoint(folder, IDENTITY), pytest.raises(CheckpointError, match="another count is working on this"):
        Checkpoint(folder, IDENTITY)
    code = f"""
from nn_bridge.cells.counting.checkpoint import Checkpoint
try:
    Checkpoint({str(folder)!r}, {IDENTITY!r})
except Exception as error:
    print(type(error).__name__, error)
"""
    with Checkpoint(folder, IDENTITY):
        said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.startswith("CheckpointError")
    assert "another count is working on this checkpoint; wait for it" in said
    assert len(read(folder)) == len(RECORDS)


def test_folders_that_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"is not a checkpoint, it holds 'notes.txt'; choose an empty"):
        Checkpoint(tmp_path, IDENTITY)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(CheckpointError, match="can't be used as a checkpoint folder"):
        Checkpoint(file, IDENTITY)


def test_a_newer_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path / "c")
    monkeypatch.setattr(cell_checkpoint, "VERSION", 3)
    later = written(tmp_path / "later")
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="has version 3, this release reads 2; go on with the release"):
        read(later)
    assert len(read(folder)) == len(RECORDS)


@pytest.mark.parametrize("kind", ["cells", "all"])
def test_version_1_goes_on_where_only_cells_are_counted(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its jobs name start cells, units and sides as today; its groups number leaves in another order."""
    folder, identity = tmp_path / "c", {"network": "a", "kind of count": kind}
    monkeypatch.setattr(cell_checkpoint, "VERSION", 1)
    with Checkpoint(folder, identity) as checkpoint:
        assert list(checkpoint.records()) == []
        checkpoint.append(RECORDS[0])
    monkeypatch.undo()
    identity["subdivision"] = "of today"
    if kind == "all":
        with pytest.raises(CheckpointError, match="has version 1, which numbers cells in the order of an earlier"):
            Checkpoint(folder, identity)
        return
    with Checkpoint(folder, identity) as checkpoint:
        assert [record.left for record in checkpoint.records()] == [RECORDS[0].left]


@pytest.mark.parametrize("leftover", ["", "{"])
def test_killed_before_the_header_was_there(leftover: str, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "header.json.new").write_text(leftover)
    (folder / "lock").touch()
    assert len(read(written(folder))) == len(RECORDS)


# -------------------------------------------------------------------------- counts


@pytest.mark.parametrize("counts", ["all", "cells"])
def test_a_count_goes_on_where_a_limit_stopped_it(counts: str, network: Network, tmp_path: Path) -> None:
    expected = count_cells(network, counts=counts)
    found, complete, rounds = 0, False, 0
    while not complete:
        rounds += 1
        part = count_cells(network, counts=counts, checkpoint=tmp_path, max_cells=1 + 600 * rounds)
        assert part.cells is not None
        assert part.cells >= found
        found, complete = part.cells, part.complete
    assert rounds > 3
    assert part.counts == expected.counts
    done = (tmp_path / "slices.log").read_bytes()
    assert count_cells(network, counts=counts, checkpoint=tmp_path).counts == expected.counts
    assert (tmp_path / "slices.log").read_bytes() == done, "a finished count has nothing to add"


def test_other_workers_go_on(network: Network, tmp_path: Path) -> None:
    expected = count_cells(network)
    assert not count_cells(network, workers=2, checkpoint=tmp_path, max_cells=500).complete
    assert not count_cells(network, checkpoint=tmp_path, max_cells=2000).complete
    assert count_cells(network, workers=2, checkpoint=tmp_path).counts == expected.counts


def test_another_count_is_refused(network: Network, tmp_path: Path) -> None:
    count_cells(network, checkpoint=tmp_path, max_cells=100)
    other = read_network(NETS / "d2_10_5_1_s0.npz")
    with pytest.raises(CheckpointError, match="belongs to another network; delete the folder to start anew"):
        count_cells(other, checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match="belongs to another domain"):
        count_cells(network, Polyhedron.box([-1] * 3, [1] * 3), checkpoint=tmp_path)
    with pytest.raises(CheckpointError, match="belongs to another kind of count"):
        count_cells(network, counts="cells", checkpoint=tmp_path)
    assert count_cells(network, checkpoint=tmp_path).cells == 4279


def test_nothing_to_cut(tmp_path: Path) -> None:
    constant = Network.from_layers([[[0, 0]], [[1]]], [[1], [0]])
    assert count_cells(constant, checkpoint=tmp_path).cells == 1
    assert count_cells(constant, checkpoint=tmp_path).cells == 1


# -------------------------------------------------------------------------- kill -9


def run_and_kill(network: Network, folder: Path, workers: int, seconds: float) -> bool:
    """Count in another process, kill it some time after it has written something; whether it was done before."""
    options = {"checkpoint": folder, "workers": workers}
    log = folder / "slices.log"
    before = log.stat().st_size if log.exists() else 0
    process = multiprocessing.get_context("fork").Process(target=count_cells, args=(network,), kwargs=options)
    process.start()
    assert process.pid is not None
    while process.exitcode is None and not (log.exists() and log.stat().st_size > before):
        process.join(0.0002)
    process.join(seconds)
    if process.exitcode is None:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_again_and_again(workers: int, tmp_path: Path) -> None:
    network = read_network(NETS / "d4_16_16_1_s0.npz")
    expected = count_cells(network).counts
    rng = random.Random(workers)
    kills, longest = 0, 0.02
    while not kills:  # a count that ended before it could be killed is begun anew, and killed sooner
        folder = tmp_path / str(longest)
        folder.mkdir()
        while kills < 20 and not run_and_kill(network, folder, workers, rng.uniform(0.0, longest)):
            kills += 1
        longest /= 2
        assert kills or longest > 1e-6
    assert count_cells(network, checkpoint=folder).counts == expected
    assert sum(record.cells for record in records_of(folder, network)) == expected["cells"]


def records_of(folder: Path, network: Network) -> list[Record]:
    header = json.loads((folder / "header.json").read_bytes().rstrip().rpartition(b"\n")[0])
    identity = {key: value for key, value in header.items() if key not in ("format", "version")}
    assert identity["network"] == network.digest()
    with Checkpoint(folder, identity) as checkpoint:
        return list(checkpoint.records())
