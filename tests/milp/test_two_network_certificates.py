"""Certificates of properties of two networks: of their joint network, compared with both and with the property."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flint import fmpq

from milp.two_networks import as_one_network, as_one_property
from milp.vnnlib import Property, parse_vnnlib
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError, UsageError
from polyhedra.scalars import to_text
from puiseux import largest_difference, random_network, save, verify_certificate, write_property_certificate
from puiseux.certificates import property_checker
from puiseux.console.cli import run

TEXT = """(vnnlib-version <2.0>)
(declare-network f (declare-input X real [{n}]) (declare-output Y real [{m}]))
(declare-network g {relation}(declare-input A real [{n}]) (declare-output B real [{m}]))
{rows}
"""


def text_of(n: int, m: int, *rows: str, relation: str = "", same: bool = True, half: str = "1") -> str:
    box = [f"(assert (and (>= X[{i}] (- {half})) (<= X[{i}] {half})))" for i in range(n)]
    links = [f"(assert (== X[{i}] A[{i}]))" for i in range(n)] if same else []
    return TEXT.format(n=n, m=m, relation=relation, rows="\n".join([*box, *links, *rows]))


def apart(m: int, compare: str, limit: Any) -> str:
    both = [f"({compare} (- {one}[{k}] {other}[{k}]) {limit})" for k in range(m) for one, other in ("YB", "BY")]
    return f"(assert (or {' '.join(both)}))"


def proven(first: Network, second: Network, spec: Property, path: Path) -> dict[str, int]:
    counts = write_property_certificate(first, spec, path, second=second)
    verdict = verify_certificate(path, first, spec=spec, second=second)
    assert verdict.valid, verdict.reason
    assert verdict.counts == counts == property_checker.check(str(path))["counts"]
    return counts


PAIRS = [((2, 4, 1), (2, 3, 3, 1)), ((1, 5, 2), (1, 4, 2)), ((3, 3, 2), (3, 2, 2))]


@pytest.mark.parametrize(("sizes", "others"), PAIRS)
def test_up_to_the_largest_difference(sizes: tuple[int, ...], others: tuple[int, ...], tmp_path: Path) -> None:
    n, m = sizes[0], sizes[-1]
    for seed in range(2):
        first, second = random_network(sizes, rng=seed), random_network(others, rng=seed + 50)
        most = largest_difference(first, second, "box:-1,1").value
        for limit, compare in ((most + fmpq(1, 1000), ">="), (most, ">")):
            spec = parse_vnnlib(text_of(n, m, apart(m, compare, to_text(limit))))
            proven(first, second, spec, tmp_path / "a.cert")
        reached = parse_vnnlib(text_of(n, m, apart(m, ">=", to_text(most))))
        with pytest.raises(FormulationError, match="nothing to certify"):
            write_property_certificate(first, reached, tmp_path / "none.cert", second=second)
    assert not (tmp_path / "none.cert").exists()


def test_it_is_compared_with_both_networks_and_the_property(tmp_path: Path) -> None:
    first, second, third = (random_network([2, 3, 1], rng=k) for k in range(3))
    spec = parse_vnnlib(text_of(2, 1, apart(1, ">=", 1000)))
    path = tmp_path / "a.cert"
    proven(first, second, spec, path)
    for one, other in ((first, third), (third, second), (second, first), (first, first)):
        found = verify_certificate(path, one, spec=spec, second=other)
        assert not found.valid
        assert "another network" in str(found.reason)
    wider = parse_vnnlib(text_of(2, 1, apart(1, ">=", 999)))
    assert "another property" in str(verify_certificate(path, first, spec=wider, second=second).reason)
    assert verify_certificate(path, spec=spec).valid
    for given, words in (
        ({"second": second}, "together with a network"),
        ({"network": first, "second": second}, "together with the property"),
        ({"network": first, "spec": spec}, "give a second file"),
        ({"network": first, "spec": spec, "second": second, "output": 0}, "give no output"),
    ):
        with pytest.raises((UsageError, FormulationError), match=words):
            verify_certificate(path, **given)  # type: ignore[arg-type]


def test_a_network_beside_itself_and_inputs_of_all_kinds(tmp_path: Path) -> None:
    net, other = random_network([2, 4, 1], rng=7), random_network([2, 3, 1], rng=8)
    same = parse_vnnlib(text_of(2, 1, "(assert (!= Y[0] B[0]))", relation="(equal-to f) "))
    write_property_certificate(net, same, tmp_path / "a.cert")
    assert verify_certificate(tmp_path / "a.cert", net, spec=same).valid
    shifted = "(assert (and (== A[0] (+ X[0] X[1])) (== A[1] (* 2 X[0]))))"  # equations of another form
    spec = parse_vnnlib(text_of(2, 1, shifted, apart(1, ">=", 1000), same=False))
    assert as_one_property(spec).inputs == 2
    x = (fmpq(1, 3), fmpq(-1, 5))
    joint = as_one_network(spec, net, other)
    assert joint.evaluate(x) == (*net.evaluate(x), *other.evaluate((x[0] + x[1], 2 * x[0])))
    proven(net, other, spec, tmp_path / "b.cert")
    box = "(assert (and (>= A[0] -1) (<= A[0] 1) (>= A[1] -1) (<= A[1] 1)))"
    proven(net, other, parse_vnnlib(text_of(2, 1, box, apart(1, ">=", 1000), same=False)), tmp_path / "c.cert")
    against = "(assert (and (== A[0] 1) (== A[0] 2) (== A[1] 0)))"
    proven(net, other, parse_vnnlib(text_of(2, 1, against, apart(1, ">=", 0), same=False)), tmp_path / "d.cert")
    fixed = "(assert (and (== A[0] 1) (== A[1] 0) (== X[0] 0) (== X[1] 1)))"
    proven(net, other, parse_vnnlib(text_of(2, 1, fixed, apart(1, ">=", 1000), same=False)), tmp_path / "e.cert")


def test_forged_ones_are_refused(tmp_path: Path) -> None:
    first, second = random_network([2, 4, 1], rng=1), random_network([2, 3, 1], rng=2)
    most = largest_difference(first, second, "box:-1,1").value
    path = tmp_path / "a.cert"
    proven(first, second, parse_vnnlib(text_of(2, 1, apart(1, ">", to_text(most)))), path)
    header, *rest = path.read_text().splitlines()
    content = json.loads(header)
    for system in content["property"][-1]:  # what is violated at the very largest difference
        for row in system:
            row[0] = ">="
    content["property_digest"] = property_checker.digest_of(content["property"])
    forged = json.dumps(content, separators=(",", ":"))
    for lines in ([forged, *rest], [header, *rest[:-2], rest[-1]], [header, *rest[:-1]]):
        path.write_text("\n".join(lines) + "\n")
        with pytest.raises(property_checker.Invalid):
            property_checker.check(str(path))


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = random_network([2, 3, 1], rng=0), random_network([2, 3, 1], rng=1)
    save(first, "a.json")
    save(second, "b.json")
    Path("spec.vnnlib").write_text(text_of(2, 1, apart(1, ">=", 1000)))
    assert run(["property", "a.json", "spec.vnnlib", "b.json", "--certificate", "c.cert", "--json"]) == 0

    def verify(*networks: str) -> int:
        named = [word for network in networks for word in ("--network", network)]
        return run(["verify", "c.cert", *named, "--spec", "spec.vnnlib"])

    found = json.loads(capsys.readouterr().out)
    assert found["certificate"]["leaves"] >= 1
    assert verify("a.json", "b.json") == 0
    assert "networks a.json and b.json, property with digest" in capsys.readouterr().out
    assert verify("b.json", "a.json") == 1
    assert verify("a.json", "a.json", "a.json") == 2
    assert "--network twice at most" in capsys.readouterr().err
