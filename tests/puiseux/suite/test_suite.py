"""The reference suite: the same everywhere, right by an independent oracle, and fair to the programs that run on it."""

from __future__ import annotations

import hashlib
import json
import os
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
from puiseux.time_limit import Stopped
from tests.oracles.naive_cells import cells, four_counts, pattern_text, plain
from tests.oracles.patterns_by_programs import patterns_of_any_dimension
from tests.puiseux.suite.conftest import FEW, entry_of

ROOT = Path(__file__).resolve().parents[3]


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
