"""Certificates of counts and prunings: written by the engines, checked without them, equal to naive oracles."""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nn_bridge.cells.proof.proof import CellProof
from nn_bridge.network.network import AffineStage, Network
from polyhedra import implied_rows
from polyhedra.errors import GeometryError, UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, to_fraction
from puiseux import count_regions, random_network
from puiseux.certificates import certificate
from puiseux.certificates import checker as certificate_checker
from puiseux.certificates.certificate import Verdict, verify_certificate, write_certificate, write_pruning_certificate
from puiseux.certificates.checker import check
from puiseux.console.cli import run
from tests.families import BY_NAME as ENTRIES
from tests.families import COUNTS as ORACLE
from tests.families import DATA
from tests.oracles.naive_cells import cells, four_counts
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import prune

SMALL = DATA / "nets" / "d2_10_5_1_s0.npz"
PROVEN = ("cells", "regions", "affine_maps")


def certified(network: Any, folder: Path, domain: Any = None, name: str = "net.cert") -> dict[str, int]:
    """The counts of a certificate, once it is written and checked for this network and domain."""
    written = write_certificate(network, folder / name, domain)
    verdict = verify_certificate(folder / name, network, domain)
    assert verdict.valid, verdict.reason
    assert verdict.counts is not None
    assert verdict.counts["regions_by_point"] is None
    assert verdict.counts == written.counts
    return {key: verdict.counts[key] for key in PROVEN}  # type: ignore[misc]


def naive(network: Network, walls: Any = ()) -> dict[str, int]:
    """The naive oracle's counts of any network in normal form; walls are forms >= 0."""
    n = network.input_dim
    sizes = [n, *network.hidden]
    stages = []
    for number, stage in enumerate((*network.stages, network.output)):
        rows = []
        for i in range(stage.units):
            row: list[Fraction] = []
            for source in range(number + 1):
                block = stage.block(source)
                row += map(to_fraction, block[i]) if block is not None else [Fraction(0)] * sizes[source]
            rows.append((tuple(row), to_fraction(stage.bias[i])))
        stages.append(rows)
    counts = four_counts(cells(stages, n, [tuple(map(Fraction, wall)) for wall in walls]), n)
    return {key: counts[key] for key in PROVEN}


# -------------------------------------------------------------------- counts


@pytest.mark.parametrize("part", range(6))
def test_every_small_network_of_the_oracle(part: int, tmp_path: Path) -> None:
    for name in sorted(ORACLE)[part::6]:
        entry = ENTRIES[name]
        found = certified(Network.from_layers(entry["weights"], entry["biases"]), tmp_path)
        assert found == {key: ORACLE[name][key] for key in PROVEN}, name


@pytest.mark.parametrize(
    ("name", "domain"),
    [("d2_16_16_1_s0", "all"), ("d3_16_16_1_s0", "box:-1/2,1/2"), ("bunny_d3_3x16", "box:-1/20,1/20")],
)
def test_larger_networks_agree_with_the_engine(name: str, domain: str, tmp_path: Path) -> None:
    net = DATA / "nets" / f"{name}.npz"
    engine = count_regions(net, domain)
    assert certified(net, tmp_path, domain) == {key: engine.counts[key] for key in PROVEN}
    assert engine.cells is not None
    assert engine.cells > 100


def random_layers(rng: random.Random, dim: int, depth: int) -> tuple[list[Any], list[Any], list[str]]:
    sizes = [dim, *(rng.randint(1, 7 - dim - depth) for _ in range(depth)), 1]
    weights = [[[rng.randint(-2, 2) for _ in range(a)] for _ in range(b)] for a, b in pairwise(sizes)]
    biases = [[rng.choice((0, 0, 1, -1, 2)) for _ in range(b)] for b in sizes[1:]]
    for matrix, bias in zip(weights[:-1], biases[:-1], strict=True):
        if len(matrix) > 1 and rng.random() < 0.4:  # a duplicate, opposite or dead unit
            factor = rng.choice((1, 2, -1, 0))
            matrix[1], bias[1] = [factor * v for v in matrix[0]], factor * bias[0]
    return weights, biases, [rng.choice(("relu", "relu", "leaky:1/3")) for _ in range(depth)] + ["linear"]


def tents(rng: random.Random, dim: int) -> Network:
    """A sum of two ridges, each 0 on both sides: cells of one map that are not joined."""
    rows, bias, out = [], [], []
    for _ in range(2):
        direction, start = [rng.choice((1, -1, 2)) for _ in range(dim)], rng.randint(-3, 1)
        for step, weight in enumerate((1, -2, 1)):
            rows.append(direction)
            bias.append(start - step)
            out.append(weight)
    return Network.from_layers([rows, [out]], [bias, [0]])


def test_degenerate_networks_on_domains_agree_with_the_naive_oracle(tmp_path: Path) -> None:
    rng = random.Random(5)
    joined = apart = checked = 0
    while checked < 80:
        dim = rng.choice((1, 1, 2, 3))
        layers = random_layers(rng, dim, rng.randint(1, 2))
        network = tents(rng, dim) if rng.random() < 0.25 else Network.from_layers(*layers)
        walls: list[list[int]] = []
        domain = None
        if rng.random() < 0.7:
            walls = [[rng.randint(-2, 2) for _ in range(dim)] + [rng.randint(0, 3)] for _ in range(rng.randint(1, 4))]
            walls = [wall for wall in walls if any(wall[:-1])]
            domain = Polyhedron([[-v for v in wall[:-1]] for wall in walls], [wall[-1] for wall in walls], dim=dim)
            if not domain.is_full_dimensional():
                continue
        found = certified(network, tmp_path, domain)
        assert found == naive(network, walls)
        checked += 1
        joined += found["regions"] < found["cells"]
        apart += found["affine_maps"] < found["regions"]
    assert joined >= 20
    assert apart >= 10


def test_skip_connections_and_lines(tmp_path: Path) -> None:
    one = rational(1)
    # the second stage reads the second input, which the first does not see
    first = AffineStage(((0, ((one, rational(0)),)),), (rational(0),))
    second = AffineStage(((0, ((rational(0), one), (one, one))), (1, ((one,), (-one,)))), (rational(0), rational(-1)))
    output = AffineStage(((0, ((one, one),)), (1, ((one,),)), (2, ((one, -one),))), (rational(3),))
    network = Network(2, (first, second), output)
    assert certified(network, tmp_path) == naive(network)
    assert certified(network, tmp_path, "box:-2,2") == naive(network, [[1, 0, 2], [-1, 0, 2], [0, 1, 2], [0, -1, 2]])


@pytest.mark.parametrize(
    ("network", "counts"),
    [
        (Network.from_layers([[[2, 3]]], [[1]]), (1, 1, 1)),
        (Network.from_layers([[[0, 0]], [[1]]], [[1], [0]]), (1, 1, 1)),
        (Network.from_layers([[[1, 2, 3], [2, 4, 6]], [[1, 1]]], [[0, 1], [0]]), (3, 3, 3)),
        (Network.from_layers([[[1], [1], [1]], [[1, -2, 1]]], [[0, -1, -2], [0]]), (4, 4, 3)),
        (Network.from_layers([[[1], [-1]], [[1, 1], [-1, -1]], [[0, 0]]]), (2, 1, 1)),
    ],
    ids=["affine", "dead", "bottleneck", "tent", "invisible"],
)
def test_hand_made_networks(network: Network, counts: tuple[int, int, int], tmp_path: Path) -> None:
    assert tuple(certified(network, tmp_path).values()) == counts


def test_more_inputs_than_directions(tmp_path: Path) -> None:
    rng = random.Random(3)
    weights = [[[rng.gauss(0, 1) for _ in range(60)] for _ in range(3)], [[1, -1, 2]] * 2]
    assert certified(Network.from_layers(weights), tmp_path) == {"cells": 8, "regions": 8, "affine_maps": 8}


def test_slices_and_outputs(tmp_path: Path) -> None:
    slice_ = tmp_path / "plane.json"
    slice_.write_text(
        '{"format": "puiseux-slice", "version": 1, "origin": [0, 0.1, 0], "directions": [[1, 0, 0], [0, 1, "1/3"]]}'
    )
    net, domain = DATA / "nets" / "d3_16_16_1_s0.npz", f"slice:{slice_}"
    path = tmp_path / "net.cert"
    found = write_certificate(net, path, domain, output=0)
    assert found.counts | {"regions_by_point": None} == count_regions(net, domain).counts | {"regions_by_point": None}
    assert verify_certificate(path, net, domain, output=0).valid
    other = verify_certificate(path, net)
    assert not other.valid
    assert "of another network" in str(other.reason)


def test_the_exact_paths_of_the_writer_give_valid_proofs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing proven in floating point, no rounded point: certified linear programs have to do everything."""
    from nn_bridge.cells.proof import proof as cell_proof

    monkeypatch.setattr(implied_rows.float_simplex, "PROVEN", -1)
    monkeypatch.setattr(implied_rows.float_simplex, "OPTIMAL", -1)
    monkeypatch.setattr(cell_proof, "_rounded", lambda *_: iter(()))
    for name in sorted(ORACLE)[::25]:
        entry = ENTRIES[name]
        found = certified(Network.from_layers(entry["weights"], entry["biases"]), tmp_path)
        assert found == {key: ORACLE[name][key] for key in PROVEN}, name


def test_rows_that_do_not_follow_are_refused() -> None:
    system = implied_rows.System([[-1, 0], [0, -1], [1, 1]], [0, 0, 2])
    rows = [(2, 2, 4), (0, -3, 0), (-1, -1, 7)]
    supports = implied_rows.implying_rows(system, np.array(rows) / 4, rows.__getitem__)
    assert supports == [(2,), (1,), (0, 1)]
    for wrong in ((1, 0, 5), (-1, 0, -1)):
        with pytest.raises(GeometryError, match="does not follow"):
            implied_rows.implying_rows(
                implied_rows.System([[-1, 0]], [0]), np.array([wrong]) / 2, lambda _, row=wrong: row
            )


def test_a_tiny_cell_far_away_and_a_huge_one(tmp_path: Path) -> None:
    far = Network.from_layers([[[1.0], [1.0], [1.0]], [[1.0, 1.0, 1.0]]], [[-1e15, -(1e15 + 0.125), 1e-300], [0]])
    assert certified(far, tmp_path)["cells"] == 4
    thin = Network.from_layers([[[1e-200, 1], [1, 1e200], [3, 1]], [[1, 1, 1]]], [[0, 1e-100, 1e100], [0]])
    assert certified(thin, tmp_path) == naive(thin)


# -------------------------------------------------------------------- identity


def test_another_network_and_another_domain_are_told_apart(tmp_path: Path) -> None:
    path, net = tmp_path / "net.cert", Network.from_layers([[[1, 0], [0, 1]], [[1, 1]]])
    write_certificate(net, path, "box:-1,1;-2,2")
    assert verify_certificate(path, net).valid
    same = Polyhedron([[2, 0], [-1, 0], [0, 1], [0, -1], [1, 1]], [2, 1, 2, 2, 9])
    assert verify_certificate(path, net, same).valid
    for domain in ("all", "box:-1,1"):
        verdict = verify_certificate(path, net, domain)
        assert not verdict.valid
        assert verdict.reason == "is a valid certificate on another domain (box:-1,1;-2,2)"
        assert verdict.counts == {"cells": 4, "regions": 4, "regions_by_point": None, "affine_maps": 4}
    other = verify_certificate(path, Network.from_layers([[[1, 0], [0, 1]], [[1, 2]]]))
    assert not other.valid
    assert str(other.reason).startswith("is a valid certificate of another network (digest ")
    with pytest.raises(UsageError, match="only together with a network"):
        verify_certificate(path, domain="all")


def test_the_digest_is_that_of_the_network(tmp_path: Path) -> None:
    for network in (Network.from_layers([[["1/3", 0.1]], [[2]]]), Network.from_layers([[[0]]])):
        write_certificate(network, tmp_path / "c")
        assert check(str(tmp_path / "c"))["digest"] == network.digest()


# -------------------------------------------------------------------- files


def test_the_same_proof_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.cert.gz", "b.cert.gz", "a.cert"):
        write_certificate(SMALL, tmp_path / name)
    packed = (tmp_path / "a.cert.gz").read_bytes()
    assert packed == (tmp_path / "b.cert.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.cert").read_bytes()
    assert len(packed) < len(gzip.decompress(packed)) / 2
    assert sorted(os.listdir(tmp_path)) == ["a.cert", "a.cert.gz", "b.cert.gz"]


@pytest.mark.parametrize("name", ["net.cert", "net.cert.gz"])
def test_a_full_disk_leaves_nothing_behind(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text("what was there")
    records = CellProof.records

    def until_full(self: CellProof) -> Iterator[list[Any]]:
        yield from list(records(self))[:20]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(CellProof, "records", until_full)
    with pytest.raises(UsageError, match=r"net.cert[.gz]*: cannot be written: No space left on device"):
        write_certificate(SMALL, tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "what was there"


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(cells: int, share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_certificate(SMALL, tmp_path / "net.cert", progress=interrupt)
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written_are_refused_first(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "no" / "c", "its folder does not exist"), (tmp_path, "is a directory")):
        with pytest.raises(UsageError, match=reason):
            write_certificate(SMALL, path)
    assert os.listdir(tmp_path) == []


def test_a_network_that_the_checker_refuses_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_checker, "FORM_LIMIT", 2 * 16)
    write_certificate(SMALL, tmp_path / "c")
    monkeypatch.setattr(certificate_checker, "FORM_LIMIT", 2 * 16 - 1)
    with pytest.raises(UsageError, match="inputs times units are more than 31"):
        write_certificate(SMALL, tmp_path / "c")
    with pytest.raises(certificate_checker.Invalid, match="line 1: the network is too large"):
        check(str(tmp_path / "c"))


def test_a_number_that_no_reader_takes_is_refused(tmp_path: Path) -> None:
    network = Network.from_layers([[["1e4400"]], [[1]]])
    with pytest.raises(UsageError, match="more than 4300 digits"):
        write_certificate(network, tmp_path / "c")
    assert os.listdir(tmp_path) == []


# -------------------------------------------------------------------- prunings


def random_polynomial(rng: random.Random) -> PuiseuxPolynomial:
    dim = rng.randint(1, 3)
    terms = {}
    for _ in range(rng.randint(1, 12)):
        exponent = tuple(rng.choice((0, 1, 2, -1, "1/2")) for _ in range(dim))
        terms[exponent] = rng.choice((0, 0, 1, "2/3", -1))
    return PuiseuxPolynomial(terms)


def test_prunings(tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "pruned.cert"
    redundant = on_domains = 0
    for _ in range(150):
        polynomial = random_polynomial(rng)
        dim = polynomial.dim
        domain = None
        if rng.random() < 0.5:
            rows = [[rng.randint(-1, 2) for _ in range(dim)] for _ in range(rng.randint(1, 3))]
            equal = [[rng.randint(-1, 1) for _ in range(dim)]] if rng.random() < 0.3 else []
            domain = Polyhedron(rows, [rng.randint(0, 2) for _ in rows], equal, [0] * len(equal), dim=dim)
        pruning = prune(polynomial, domain=domain, certificates=True)
        write_pruning_certificate(pruning, path)
        found = check(str(path))["counts"]
        assert found == {"kept": len(pruning.polynomial), "redundant": len(polynomial) - len(pruning.polynomial)}
        redundant += found["redundant"]
        on_domains += domain is not None and found["redundant"] > 0
    assert redundant > 100
    assert on_domains > 20


def test_a_pruning_that_drops_too_much_or_too_little_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pruned.cert"
    tent = PuiseuxPolynomial({(0,): 0, (1,): 0, (2,): 1, (3,): "1/2"})
    write_pruning_certificate(prune(tent, certificates=True), path)
    header, *kept, redundant, end = path.read_text().splitlines()
    assert [json.loads(line)[0] for line in (*kept, redundant)] == ["kept", "kept", "kept", "redundant"]

    def refused(*lines: str) -> str:
        path.write_text("\n".join(lines) + "\n")
        verdict = verify_certificate(path)
        assert not verdict.valid
        return str(verdict.reason)

    assert "line 6: claims" in refused(header, *kept, redundant, end.replace("3", "4"))
    assert "multipliers fail" in refused(header, kept[0], kept[2], '["redundant",[4,2],[0,1],[]]', end)
    assert "is not alone on top" in refused(header, *kept, '["kept",[2,0],[0,1]]', '{"end":{"kept":4,"redundant":0}}')
    assert "come before" in refused(header, kept[0], kept[1], redundant, kept[2], end)


# -------------------------------------------------------------------- command line


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "net.cert")
    assert run(["count", str(SMALL), "--domain", "box:-1,1", "--certificate", path, "--json"]) == 0
    captured = capsys.readouterr()
    counts = json.loads(captured.out)["counts"]
    size = os.stat(path).st_size
    assert captured.err.endswith(f"puiseux: wrote the proof, {size:,} bytes; to check it: puiseux verify {path}\n")
    assert run(["verify", path, "--network", str(SMALL), "--domain", "box:-1,1", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["counts"] == counts | {"regions_by_point": None}
    keys = {"valid", "kind", "digest", "property_digest", "input_dim", "walls", "counts", "reason", "seconds"}
    assert set(found) == keys
    assert (found["valid"], found["kind"], found["reason"], len(found["walls"])) == (True, "cells", None, 4)
    assert captured.err == ""
    assert run(["verify", path]) == 0
    text = capsys.readouterr().out
    assert "box:-1,1;-1,1" in text
    assert f"{counts['cells']:,}" in text
    assert "not proven" in text


@pytest.mark.parametrize("name", ["net.cert", "net.cert.gz"])
def test_checking_tells_how_far_it_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("puiseux.certificates.certificate._BYTES_BETWEEN_REPORTS", 512)
    path = tmp_path / name
    write_certificate(random_network([2, 8, 8, 1], rng=1), path)
    seen: list[tuple[int, float]] = []
    watched = verify_certificate(path, progress=lambda *report: seen.append(report))
    assert watched.valid
    assert watched.counts == verify_certificate(path).counts
    assert len(seen) >= 2
    assert seen == sorted(seen)
    assert seen[-1] == (path.stat().st_size, 1.0)


def test_exit_codes_and_messages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.cert"
    write_certificate(SMALL, path)
    other = str(DATA / "nets" / "d2_16_16_1_s0.npz")
    assert run(["verify", str(path), "--network", other]) == 1
    assert "is a valid certificate of another network" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:-40])
    for options in ([], ["--json"]):
        assert run(["verify", str(path), *options]) == 1
        captured = capsys.readouterr()
        if options:
            assert json.loads(captured.out)["valid"] is False
            assert json.loads(captured.out)["counts"] is None
        else:
            assert captured.out == ""
            assert captured.err.startswith(f"puiseux: {path}: invalid certificate: line ")
            assert captured.err.count("\n") == 1
    for wrong in (str(SMALL), str(tmp_path / "missing")):
        assert run(["verify", wrong]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"puiseux: {wrong}: ")
        assert captured.err.count("\n") == 1
    assert run(["verify", str(path), "--domain", "all"]) == 2
    assert "only together with a network" in capsys.readouterr().err


def test_options_of_count_that_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.cert"
    assert run(["count", str(SMALL), "--certificate", str(path), "--engine", "tropical"]) == 2
    assert "--certificate goes with --engine cells" in capsys.readouterr().err
    assert run(["count", str(SMALL), "--certificate", str(tmp_path / "no" / "c")]) == 2
    assert capsys.readouterr().out == ""
    large = str(DATA / "nets" / "d4_16_16_1_s0.npz")
    assert run(["count", large, "--certificate", str(path), "--max-cells", "10"]) == 3
    assert "not written, since the count is not complete" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_domain_for_people() -> None:
    assert certificate.describe_walls([], 3) == "all of R^3"
    assert certificate.describe_walls([[1, 0, 0], [0, -1, 2]], 2) == "where 2 inequalities hold in R^2"
    verdict = Verdict(True, "cells", "0", 1, (), {"cells": 1}, None, 0.5)
    assert verdict.to_json()["walls"] == []
