"""A machine that gives no more: memory, disk, permissions.  Nothing is lost, nothing is silently wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.network.network import Network
from puiseux import save
from puiseux.console.cli import run

ROOT = Path(__file__).resolve().parents[2]
NETS = ROOT / "tests" / "data" / "nets"
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
SMALL = str(NETS / "d2_10_5_1_s0.npz")
PUISEUX = f"{sys.executable} -m puiseux"

# -------------------------------------------------------------------------- memory

WITH_LITTLE_MEMORY = """
import resource, sys
from puiseux.console.cli import run

run(["count", sys.argv[1]])  # what is loaded and compiled at the first use is not the matter here
occupied = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = occupied + int(sys.argv[3]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(run(["count", sys.argv[2], "--json", *sys.argv[4:]]))
"""


@pytest.fixture(scope="module")
def many_cells(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """A network whose residues take some megabytes, and its number of cells."""
    rng = np.random.default_rng(0)
    shapes = [(30, 4), (30, 30), (1, 30)]
    network = Network.from_layers([rng.normal(size=s) for s in shapes], [rng.normal(size=s[0]) for s in shapes])
    path = tmp_path_factory.mktemp("nets") / "many.npz"
    save(network, path)
    cells = count_cells(network, counts="cells").cells
    assert cells is not None
    return str(path), cells


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads from /proc what a process occupies")
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("megabytes", [0, 3, 8])
def test_a_count_without_enough_memory_is_a_lower_bound(
    megabytes: int, workers: str, many_cells: tuple[str, int]
) -> None:
    path, cells = many_cells
    command = [sys.executable, "-c", WITH_LITTLE_MEMORY, SMALL, path, str(megabytes), "--workers", workers]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    objects = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        assert json.loads(objects[0])["counts"] == dict.fromkeys(json.loads(objects[0])["counts"], cells)
        return
    assert done.returncode == 3, done.stderr
    assert "memory" in done.stderr
    if objects:
        result = json.loads(objects[0])
        assert result["complete"] is False
        assert "memory" in result["reason"]
        assert all(1 <= value <= cells for value in result["counts"].values())


def test_any_command_without_memory_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("puiseux.reading.load", refuse)
    assert run(["count", SMALL, "--json"]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("puiseux: out of memory; ")


# -------------------------------------------------------------------------- disk


def in_a_small_file_system(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script with a file system of 64 KiB mounted on a folder, in a name space of its own."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("mounts a small file system by unshare, which is not here")
    flags = "-m" if os.geteuid() == 0 else "-rm"
    mount = f"mount -t tmpfs -o size=64k tmpfs '{folder}'"
    if subprocess.run([unshare, flags, "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small file system")
    command = [unshare, flags, "sh", "-c", f"{mount} && cd '{folder}' || exit 99\n{script}"]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=300)


def test_a_checkpoint_on_a_full_disk_goes_on_when_there_is_room(many_cells: tuple[str, int], tmp_path: Path) -> None:
    path, cells = many_cells
    count = f"{PUISEUX} count '{path}' --checkpoint saved --json"
    script = f"{count}; echo $? >&2; ls saved >&2; mount -o remount,size=64m . && {count}; echo $? >&2"
    done = in_a_small_file_system(tmp_path, script)
    first, *others, last = done.stderr.strip().splitlines()
    assert first.startswith("puiseux: saved: can't be written any more: No space left on device; make room")
    assert (others[0], last) == ("2", "0")
    assert "slices.log" in others, "what was written is kept"
    result = json.loads(done.stdout)
    assert result["complete"] is True
    assert set(result["counts"].values()) == {cells}


def test_no_half_written_file_is_left_on_a_full_disk(tmp_path: Path) -> None:
    wide = tmp_path / "wide.json"
    rng = np.random.default_rng(0)
    save(Network.from_layers([rng.normal(size=(60, 60)), rng.normal(size=(1, 60))]), wide)
    folder = tmp_path / "small"
    folder.mkdir()
    script = f"""
{sys.executable} -c 'import sys, puiseux; puiseux.save(puiseux.load(sys.argv[1]), "copy.json")' '{wide}' 2>&1 | tail -1
{PUISEUX} random 100,100,1 -o copy.npz; echo $?
{PUISEUX} plot '{SMALL}' -o copy.png; echo $?
head -c 60000 /dev/zero >filler
{PUISEUX} statistics '{SMALL}' -o table.csv >/dev/null; echo $?
{PUISEUX} count '{SMALL}' --certificate net.cert >/dev/null; echo $?
rm filler
ls -A
"""
    done = in_a_small_file_system(folder, script)
    first, *rest = done.stdout.splitlines()
    assert "No space left on device" in first
    assert rest == ["2", "2", "2", "2"], "refused, and no file listed"
    names = ["copy.npz", "copy.png", "table.csv", "net.cert"]
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [["puiseux", name] for name in names]
    assert done.stderr.count("cannot be written: No space left on device") == 4


def test_a_study_on_a_full_disk_names_the_file_and_leaves_no_parts(tmp_path: Path) -> None:
    done = in_a_small_file_system(tmp_path, f"{PUISEUX} study depth -o records >/dev/null; echo $?; ls -A records")
    code, *names = done.stdout.split()
    message = done.stderr.splitlines()[-1]
    assert code == "2"
    assert re.fullmatch(r"puiseux: records/[a-z.]+: cannot be written: No space left on device; choose .*", message)
    assert "records.jsonl" in names
    assert not [name for name in names if name.endswith((".part", ".tmp"))]


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (f"count '{SMALL}' --checkpoint saved", "saved"),
        ("random 2,3,1 -o net.npz", "net.npz"),
        (f"plot '{SMALL}' -o picture.png", "picture.png"),
        (f"statistics '{SMALL}' -o table.csv", "table.csv"),
        (f"count '{SMALL}' --certificate net.cert", "net.cert"),
        (f"report '{SMALL}' -o page.html", "page.html"),
        ("study depth -o records", "records"),
    ],
    ids=["checkpoint", "network", "picture", "statistics", "certificate", "report", "study"],
)
def test_a_folder_that_may_not_be_written(command: str, place: str, tmp_path: Path) -> None:
    done = in_a_small_file_system(tmp_path, f"mount -o remount,ro . && {PUISEUX} {command}; echo $? >&2; ls -A")
    message, code = done.stderr.splitlines()
    assert code == "2"
    assert message.startswith(f"puiseux: {place}")
    assert "Read-only file system" in message
    assert done.stdout == ""
