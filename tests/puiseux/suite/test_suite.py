"""The reference suite: the same everywhere, right by an independent oracle, and fair to the programs that run on it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cuts import with_level
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ZERO, to_text
from puiseux.certificates.certificate import verify_certificate
from puiseux.console.cli import run
from puiseux.cross_check.sign_topology import sign_topology
from puiseux.suite import export, export_suite, networks, run_suite, suite_networks
from puiseux.suite.answers import answers_of
from puiseux.suite.run import parse_answer
from puiseux.time_limit import Stopped
from tests.oracles.naive_cells import cells, four_counts, pattern_text, plain
from tests.oracles.patterns_by_programs import patterns_of_any_dimension

ROOT = Path(__file__).resolve().parents[3]
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


# ---------------------------------------------------------------- the networks


def test_the_networks_are_those_of_version_1() -> None:
    names = [entry.name for entry in suite_networks()]
    assert len(set(names)) == len(names) == 177
    assert {entry.network.input_dim for entry in suite_networks()} == set(range(1, 9))
    assert set(suite_networks(small=True)) < set(suite_networks())
    content = "\n".join(f"{entry.name} {entry.network.digest()} {entry.box}" for entry in suite_networks())
    # another value means another suite: then SUITE_VERSION has to grow
    assert networks.SUITE_VERSION == 1
    assert hashlib.sha256(content.encode()).hexdigest() == PINNED


PINNED = "5cf19ce9d723c633a9355b480546f460fcf34ad18f77fb88a34c2aa6415ef01a"


def test_the_shipped_networks_are_those_of_the_examples() -> None:
    for file in (ROOT / "puiseux" / "suite" / "data").glob("*.npz"):
        assert file.read_bytes() == (ROOT / "examples" / file.name).read_bytes()


# ---------------------------------------------------------------- the answers


def documents(folder: Path) -> Iterator[tuple[Network, dict[str, Any]]]:
    for name in FEW:
        answers = json.loads((folder / "answers" / f"{name}.json").read_text())
        yield read_network(folder / "networks" / f"{name}.json"), answers


def test_files_hold_the_same_network(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    for entry, (network, answers) in zip(manifest["networks"], documents(exported), strict=True):
        assert network == entry_of(entry["name"]).network
        assert network.digest() == entry["digest"] == answers["digest"]
        assert entry["npz"] == (exported / "networks" / f"{entry['name']}.npz").exists()
        if entry["npz"]:
            assert read_network(exported / "networks" / f"{entry['name']}.npz") == network
        content = (exported / "answers" / f"{entry['name']}.json").read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["answers_sha256"]


@pytest.mark.parametrize("where", ["all", "box"])
def test_counts_patterns_and_maps_are_those_of_the_naive_oracle(exported: Path, where: str) -> None:
    for network, answers in documents(exported):
        n = network.input_dim
        layers = network.layers
        assert layers is not None
        weights = [[[Fraction(to_text(v)) for v in row] for row in layer.weights] for layer in layers]
        biases = [[Fraction(to_text(v)) for v in layer.bias] for layer in layers]
        if layers[-1].activation == "relu":  # the outputs are units too: the outputs proper repeat them
            weights.append([[Fraction(int(i == j)) for j in range(len(biases[-1]))] for i in range(len(biases[-1]))])
            biases.append([Fraction(0)] * len(biases[-1]))
        low, high = entry_of(answers["network"]).box
        walls = [
            tuple(Fraction(s if j == i else 0) for j in range(n)) + (Fraction(b),)
            for i in range(n)
            for s, b in ((1, -low), (-1, high))
        ]
        found = cells(plain(weights, biases), n, walls if where == "box" else ())
        given_counts = answers["domains"][where]["counts"]
        assert {key: given_counts[key] for key in four_counts(found, n)} == four_counts(found, n)
        assert answers["domains"][where]["patterns"] == sorted(pattern_text(pattern) for pattern, _, _ in found)
        maps = {
            tuple(tuple(map(Fraction, row)) for row in matrix) for matrix in answers["domains"][where]["affine_maps"]
        }
        assert maps == {output for _, _, output in found}


@pytest.mark.parametrize("where", ["all", "box"])
def test_betti_numbers_are_those_of_a_naive_route(exported: Path, where: str) -> None:
    seen = 0
    for network, answers in documents(exported):
        low, high = entry_of(answers["network"]).box
        domain = Polyhedron.box([low] * network.input_dim, [high] * network.input_dim) if where == "box" else None
        found = answers["domains"][where]["topology"]
        assert (found["output"], found["threshold"]) == (0, "0")
        for name, signs in (("above", (0, 1)), ("below", (0, -1)), ("level", (0,))):
            try:
                naive = sign_topology(with_level(network, 0, ZERO), domain, lambda last, signs=signs: last[0] in signs)
            except UsageError:
                continue  # too many faces for the naive route
            assert (found[name]["betti_modulo_2"], found[name]["faces"]) == (list(naive.betti), list(naive.faces))
            seen += 1
    assert seen >= 9


def test_every_count_has_a_certificate(exported: Path) -> None:
    for network, answers in documents(exported):
        for where, found in answers["domains"].items():
            path = exported / "certificates" / f"{answers['network']}-{where}.cert.gz"
            verdict = verify_certificate(path, network, found["domain"])
            assert verdict.valid, verdict.reason
            assert verdict.counts is not None
            for key in ("cells", "regions", "affine_maps"):
                assert verdict.counts[key] == found["counts"][key]


def test_counts_that_their_certificate_does_not_prove_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(entry: networks.SuiteNetwork) -> dict[str, Any]:
        answers = answers_of(entry)
        answers["domains"]["box"]["counts"]["regions"] += 1
        return answers

    monkeypatch.setattr(export, "answers_of", wrong)
    monkeypatch.setattr(export, "suite_networks", lambda small: (entry_of(FEW[0]),))
    with pytest.raises(AssertionError, match="proves"):
        export_suite(tmp_path / "new")
    assert not any((tmp_path / "new" / "answers").iterdir())
    with pytest.raises(UsageError, match="was stopped"):
        run_suite(tmp_path / "new", "true {net}")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_patterns_of_any_dimension_in_the_plane(data: st.DataObject) -> None:
    # the faces of an arrangement of lines: its crossings, the parts of lines between them, and the cells
    integers = st.integers(-2, 2)
    rows = data.draw(st.lists(st.tuples(integers, integers, integers), min_size=1, max_size=4))
    net = Network.from_layers([[row[:2] for row in rows], [[1] * len(rows)]], [[row[2] for row in rows], [0]])
    lines = [row for row in rows if any(row[:2])]
    points = [Fraction(-99), Fraction(99)]
    crossings = []
    for (a, b, c), (d, e, f) in combinations(lines, 2):
        if det := a * e - b * d:
            crossings.append((Fraction(b * f - c * e, det), Fraction(c * d - a * f, det)))
    tried = set(crossings)
    for a, b, c in lines:
        foot = (Fraction(-a * c, a * a + b * b), Fraction(-b * c, a * a + b * b))
        along = sorted({(b * (x - foot[0]) - a * (y - foot[1])) / (a * a + b * b) for x, y in crossings
                        if a * x + b * y + c == 0} | {*points})  # fmt: skip
        for s, t in pairwise(along):
            middle = (s + t) / 2
            tried.add((foot[0] + b * middle, foot[1] - a * middle))
    off = Fraction(1, 10**6)
    tried |= {(x + off * p, y + off * q) for x, y in list(tried) for p in (-7, -1, 0, 1, 7) for q in (-5, -2, 0, 2, 5)}
    tried.add((Fraction(1, 3), Fraction(1, 7)))
    met = {net.pattern([str(x), str(y)]) for x, y in tried}
    assert set(patterns_of_any_dimension(net)) == met


def test_patterns_of_any_dimension_behind_a_layer_and_in_a_box() -> None:
    # two mirrored units and their difference: at 0 all are inactive, which fills no cell
    net = Network.from_layers([[[1], [-1]], [[1, -1], [-1, 1]], [[1, 1]]], [[0, 0], [0, 0], [0]])
    off, on = False, True
    assert sorted(patterns_of_any_dimension(net)) == [
        ((off, off), (off, off)),
        ((off, on), (off, on)),
        ((on, off), (on, off)),
    ]
    assert len(list(patterns_of_any_dimension(net, Polyhedron.box([0], [1])))) == 2


# ---------------------------------------------------------------- exporting


def test_an_export_is_deterministic_and_goes_on_where_it_was(
    exported: Path, few_networks: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_suite(tmp_path / "new")
    for name in FEW[:2]:
        for file in (f"networks/{name}.json", f"networks/{name}.npz", f"answers/{name}.json"):
            assert (tmp_path / "new" / file).read_bytes() == (exported / file).read_bytes()
    manifest = (tmp_path / "new" / "manifest.json").read_bytes()
    (tmp_path / "new" / "answers" / f"{FEW[0]}.json").write_text("{}")
    computed = []
    original = export.answers_of
    monkeypatch.setattr(export, "answers_of", lambda entry: (computed.append(entry.name), original(entry))[1])
    export_suite(tmp_path / "new")
    assert computed == [FEW[0]]
    assert (tmp_path / "new" / "manifest.json").read_bytes() == manifest


def test_a_folder_with_other_things_is_left_alone_unless_forced(few_networks: None, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("dear to me")
    with pytest.raises(UsageError, match="not empty"):
        export_suite(tmp_path)
    assert os.listdir(tmp_path) == ["mine.txt"]
    export_suite(tmp_path, force=True)
    assert (tmp_path / "mine.txt").read_text() == "dear to me"
    with pytest.raises(UsageError, match="another suite"):
        export_suite(tmp_path, small=True)
    with pytest.raises(UsageError, match="not a folder"):
        export_suite(tmp_path / "mine.txt")


def test_a_part_of_the_suite(tmp_path: Path) -> None:
    manifest = export_suite(tmp_path / "part", small=True, families=["trained"])
    assert [entry["name"] for entry in manifest["networks"]] == ["iris-two-kinds", "wine-2d"]
    with pytest.raises(UsageError, match="another suite"):
        export_suite(tmp_path / "part", small=True)
    with pytest.raises(UsageError, match="no family 'guess'"):
        export_suite(tmp_path / "other", families=["guess"])
    assert not (tmp_path / "other").exists()


def test_an_export_stops_between_two_networks_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 0.0, 9.0, 9.0, 9.0))
    monkeypatch.setattr("puiseux.suite.export.time", SimpleNamespace(monotonic=lambda: next(clock)))
    with pytest.raises(Stopped, match="limit of 5 s with 1 of 2 networks; the same call without --force goes on"):
        export_suite(tmp_path / "part", small=True, families=["trained"], time_limit=5)
    monkeypatch.undo()
    written = (tmp_path / "part" / "answers" / "iris-two-kinds.json").stat().st_mtime_ns
    assert (
        run(["suite", "export", str(tmp_path / "part"), "--small", "--families", "trained", "--time-limit", "60"]) == 0
    )
    assert (tmp_path / "part" / "answers" / "iris-two-kinds.json").stat().st_mtime_ns == written
    assert run(["suite", "export", str(tmp_path / "two"), "--time-limit", "0"]) == 2
    assert run(["suite", "run", str(tmp_path / "part"), "--command", "true {net}", "--time-limit", "9"]) == 2
    assert run(["suite", "export", str(tmp_path / "two"), "--small", "--time-limit", "1e-9"]) == 3


# ---------------------------------------------------------------- running programs

PROGRAM = """
import json, sys, time
name = sys.argv[1].rsplit("/", 1)[1].rsplit(".", 1)[0]
manifest = json.load(open(sys.argv[2]))
truth = next(e for e in manifest["networks"] if e["name"] == name)["counts"]["all"]
{behaviour}
"""


def program(folder: Path, exported: Path, behaviour: str) -> str:
    file = folder / "program.py"
    file.write_text(PROGRAM.format(behaviour=behaviour))
    return f"'{sys.executable}' -S '{file}' {{json}} '{exported / 'manifest.json'}'"


def outcomes(exported: Path, command: str, **options: Any) -> dict[str, str]:
    return {answer.name: answer.outcome for answer in run_suite(exported, command, **options).answers}


def test_right_wrong_refused_and_out_of_time(exported: Path, tmp_path: Path) -> None:
    behaviour = f"""
if name == {FEW[0]!r}: print(truth["cells"])
if name == {FEW[1]!r}: print(json.dumps({{"counts": {{**truth, "regions": truth["regions"] + 1}}}}))
if name == {FEW[2]!r}: print("there it is: 3")
if name == {FEW[3]!r}: sys.exit("too degenerate for me")
if name == {FEW[4]!r}: time.sleep(60)
"""
    result = run_suite(exported, program(tmp_path, exported, behaviour), timeout=1.0)
    assert [answer.outcome for answer in result.answers] == ["right", "wrong", "refused", "refused", "timed out"]
    assert "too degenerate for me" in str(result.answers[3].reason)
    assert dict(result.answers[1].verdicts()) == {
        "cells": "right", "regions": "wrong", "regions_by_point": "right", "affine_maps": "right",
        "patterns_any_dimension": "right",
    }  # fmt: skip
    table = result.families()
    assert table["zero-biases"]["counts"]["regions"] == {"right": 0, "wrong": 1}
    assert table["constructions"]["timed_out"] == 1
    truth = result.answers[1].expected["regions"]
    assert f"wrong: {FEW[1]}: regions {truth + 1}, not {truth}" in str(result)


def test_a_bare_integer_means_what_is_asked(exported: Path, tmp_path: Path) -> None:
    command = program(tmp_path, exported, 'print(truth["affine_maps"])')
    assert set(outcomes(exported, command, bare="affine_maps").values()) == {"right"}
    assert "wrong" in outcomes(exported, command, families=["constructions"]).values()


def test_a_program_that_starts_others_is_ended_with_them(exported: Path, tmp_path: Path) -> None:
    behaviour = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
time.sleep(60)
"""
    command = program(tmp_path, exported, behaviour)
    assert outcomes(exported, command, timeout=2.0, families=["generic"]) == {FEW[0]: "timed out"}
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        try:
            status = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if status == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the child of the program still runs")


@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("sys.exit(127)", "exit code 127"),
    ],
)
def test_a_program_that_cannot_start_is_an_error_at_the_first_network_only(
    exported: Path, tmp_path: Path, behaviour: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=f"the command does not run: .*{complaint}"):
        run_suite(exported, program(tmp_path, exported, behaviour))
    later = program(tmp_path, exported, f"if name == {FEW[0]!r}: sys.exit(print(truth['cells']))\n{behaviour}")
    assert list(outcomes(exported, later).values()) == ["right", *["refused"] * (len(FEW) - 1)]


def test_placeholders_are_filled_in(exported: Path, tmp_path: Path) -> None:
    script = tmp_path / "echo.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write('|'.join(sys.argv[2:]) + chr(10)); print(1)")
    command = f"'{sys.executable}' '{script}' '{tmp_path / 'log'}' {{n}} {{box}} {{domain}} {{net}} {{other}}"
    run_suite(exported, command, domain="box", families=["generic", "constructions"])
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == f"1|-2,2|box:-2,2|{exported}/networks/{FEW[0]}.npz|{{other}}"
    assert second == f"2|-8,8|box:-8,8|{exported}/networks/{FEW[4]}.json|{{other}}"  # decimals: float64 cannot hold it
    assert outcomes(exported, "nothing {npz}", families=["constructions"]) == {FEW[4]: "refused"}


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("7\n", {"cells": 7}),
        ('{"cells": null, "affine_maps": 3}', {"affine_maps": 3}),
        ('{"complete": true, "counts": {"cells": 5}}', {"cells": 5}),
    ],
)
def test_answers_are_read(output: str, counts: dict[str, int]) -> None:
    assert parse_answer(output) == counts


@pytest.mark.parametrize(
    "output",
    ["", "7.0", "true", "[7]", "{}", '{"cells": "7"}', '{"cells": null}', '{"complete": false, "cells": 7}', "NaN"],
)
def test_other_output_is_a_refusal(output: str) -> None:
    with pytest.raises(UsageError):
        parse_answer(output)


def test_a_suite_that_was_changed_is_not_used(exported: Path, tmp_path: Path) -> None:
    def changed(**change: Any) -> Path:
        manifest = json.loads((exported / "manifest.json").read_text())
        manifest.update(change)
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return tmp_path

    entry = json.loads((exported / "manifest.json").read_text())["networks"][0]
    for change in (
        {"format": "other"},
        {"version": 2},
        {"complete": False},
        {"networks": 3},
        {"networks": [{**entry, "name": "../../etc/passwd"}]},
        {"networks": [{**entry, "counts": {}}]},
    ):
        with pytest.raises(UsageError):
            run_suite(changed(**change), "true {net}")
    (tmp_path / "networks").mkdir()
    other = (exported / "networks" / f"{FEW[1]}.json").read_bytes()
    (tmp_path / "networks" / f"{entry['name']}.json").write_bytes(other)
    with pytest.raises(UsageError, match="not the network of the manifest"):
        run_suite(changed(networks=[entry]), "true {net}")


# ---------------------------------------------------------------- the command line


def test_the_command_line(
    exported: Path, few_networks: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["suite", "export", str(tmp_path / "out")]) == 0
    assert "2 networks" in capsys.readouterr().out
    right = program(tmp_path, exported, "print(json.dumps(truth))")
    assert run(["suite", "run", str(exported), "--command", right, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["networks"], printed["right"], printed["wrong"]) == (5, 5, 0)
    wrong = program(tmp_path, exported, 'print(truth["cells"] + 1)')
    assert run(["suite", "run", str(exported), "--command", wrong, "--families", "generic"]) == 1
    assert f"wrong: {FEW[0]}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["guess", "DIR"],
        ["run", "DIR"],
        ["run", "DIR", "--command", "counter"],
        ["run", "DIR", "--command", "'open {net}"],
        ["run", "DIR", "--command", "no-such-program-anywhere {net}"],
        ["run", "DIR", "--command", "true {net}", "--domain", "sphere"],
        ["run", "DIR", "--command", "true {net}", "--bare", "faces"],
        ["run", "DIR", "--command", "true {net}", "--timeout", "0"],
        ["run", "DIR", "--command", "true {net}", "--families", "guess"],
        ["run", "DIR", "--command", "true {net}", "--small"],
        ["run", "nowhere", "--command", "true {net}"],
        ["export", "DIR", "--command", "true {net}"],
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["suite", *(str(exported) if word == "DIR" else word for word in arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
