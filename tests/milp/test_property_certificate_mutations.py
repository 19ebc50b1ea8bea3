"""Damaged and forged certificates of properties: none is accepted that says something false, none exhausts memory.

A forged one claims a property that has a counterexample, evaluated exactly here: its header, digests included, is
right, its lines are those of a true neighbour, damaged at random.
"""

from __future__ import annotations

import copy
import json
import random
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from milp.vnnlib import Property, parse_vnnlib
from nn_bridge.network.network import Network
from puiseux.certificates import property_checker
from puiseux.certificates.property_certificate import write_property_certificate
from puiseux.certificates.property_checker import Invalid, NoCertificate, check
from tests.oracles.naive_property_certificates import accepts

MUTANTS = 250
NET = Network.from_layers(
    [[[1, 2], [-1, 1], [2, -1]], [[1, -1, 2], [1, 1, -1]], [[1, 1], [1, -1]]], [[0, 1, -1], [0, "1/3"], [0, 0]]
)
BOX = "".join(f"(declare-const X_{i} Real)(assert (>= X_{i} -1))(assert (<= X_{i} 1))" for i in range(2))
OUTPUTS = "(declare-const Y_0 Real)(declare-const Y_1 Real)"


def holds(lines: list[Any], x: list[int]) -> bool:
    """Whether a point satisfies a system of the property in a header, by plain fractions."""
    _, _, _, hidden, output = lines[0]["network"]
    values: list[list[Fraction]] = [list(map(Fraction, x))]
    for blocks, bias in [*hidden, output]:
        total = [Fraction(b) for b in bias]
        for source, rows in blocks:
            total = [
                t + sum(Fraction(w) * v for w, v in zip(row, values[source], strict=True))
                for t, row in zip(total, rows, strict=True)
            ]
        values.append([max(v, Fraction(0)) for v in total])
    point = [*values[0], *total, Fraction(1)]
    return any(
        all(
            (slack := sum(c * v for c, v in zip(row, point, strict=True))) > 0 or (relation == ">=" and slack == 0)
            for relation, row in system
        )
        for system in lines[0]["property"][-1]
    )


MOST = "19/3"  # of the first output on the box, reached at (1, 1)
CORNERS = [[a, b] for a in (-1, 1) for b in (-1, 1)]


def asked(relation: str, limit: str) -> Property:
    """On the box, Y_0 >= (or >) the limit."""
    p, _, q = limit.partition("/")
    return parse_vnnlib(f"{BOX}{OUTPUTS}(assert ({relation} (* {q or 1} Y_0) {p}))(assert (<= X_0 (+ X_1 3)))")


def lines_of(spec: Property, path: Path) -> list[Any]:
    write_property_certificate(NET, spec, path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def rejected(lines: list[Any], path: Path) -> bool:
    """Whether the checker refuses a file; the checker that was written from the documentation must agree."""
    refused = refused_by_one(lines, path)
    assert refused is not accepts(lines), lines
    return refused


def refused_by_one(lines: list[Any], path: Path) -> bool:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        check(str(path))
    except (Invalid, NoCertificate):
        return True
    return False


def signed(lines: list[Any]) -> list[Any]:
    """The digests made right."""
    lines[0]["digest"] = property_checker.digest_of(lines[0]["network"])
    lines[0]["property_digest"] = property_checker.digest_of(lines[0]["property"])
    return lines


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if type(value) is int:
        return [path]
    if isinstance(value, dict):
        return [place for key, entry in value.items() for place in places(entry, (*path, key))]
    if isinstance(value, list):
        return [place for key, entry in enumerate(value) for place in places(entry, (*path, key))]
    return []


def changed(rng: random.Random, lines: list[Any]) -> list[Any]:
    """One line damaged: a number, an entry left out or repeated, or the line itself moved, dropped or repeated."""
    lines = copy.deepcopy(lines)
    at = rng.randrange(1, len(lines))
    kind = rng.randrange(6)
    if kind == 0:
        line = lines.pop(at)
        lines.insert(rng.randrange(1, len(lines) + 1), line)
    elif kind == 1:
        del lines[at]
    elif kind == 2:
        lines.insert(at, copy.deepcopy(lines[at]))
    else:
        spots = places(lines[at])
        if spots:
            *way, last = rng.choice(spots)
            holder = lines[at]
            for key in way:
                holder = holder[key]
            old = holder[last]
            holder[last] = rng.choice(
                [
                    old + 1,
                    old - 1,
                    -old,
                    2 * old,
                    old // 2,
                    0,
                    1,
                    1 << 48,
                    -(1 << 48),
                    old + rng.randint(-99, 99),
                    10**30,
                ]
            )
    if "end" in lines[-1]:  # the counts are made right, so that they are not what gives a forgery away
        lines[-1]["end"] = {
            "splits": sum(line[0] in ("cut", "split") for line in lines[1:-1] if isinstance(line, list)),
            "leaves": sum(line[0] == "leaf" for line in lines[1:-1] if isinstance(line, list)),
        }
    return lines


@pytest.mark.parametrize("true_one", ["tie", "margin"])
@pytest.mark.parametrize("forged_by", ["relation", "limit", "weight", "wall"])
def test_no_damage_proves_what_is_false(true_one: str, forged_by: str, tmp_path: Path) -> None:
    good = lines_of(asked(">", MOST) if true_one == "tie" else asked(">=", "7"), tmp_path / "a")
    assert not any(holds(good, x) for x in CORNERS)
    forged = copy.deepcopy(good)
    (system,) = forged[0]["property"][-1]
    row = next(row for row in system if row[1][2] != 0)
    if forged_by == "relation":
        row[0], row[1][2], row[1][-1] = ">=", 3, -19
    elif forged_by == "limit":
        row[1][-1] += 200 * row[1][2]
    elif forged_by == "weight":
        forged[0]["network"][4][1][0] = "200"
    else:  # the output's row made one over the inputs
        row[1][2], row[1][0], row[1][-1] = 0, 1, 1
    signed(forged)
    assert any(holds(forged, x) for x in CORNERS)
    assert rejected(forged, tmp_path / "b")
    rng = random.Random(f"{true_one} {forged_by}")
    for _ in range(MUTANTS):
        mutant = forged
        for _ in range(rng.randint(1, 3)):
            mutant = changed(rng, mutant)
        assert rejected(mutant, tmp_path / "b"), mutant


def test_most_damage_is_noticed_and_the_rest_is_true(tmp_path: Path) -> None:
    good = lines_of(asked(">", MOST), tmp_path / "a")
    rng = random.Random(1)
    refused = sum(rejected(changed(rng, good), tmp_path / "b") for _ in range(MUTANTS))
    assert refused > MUTANTS // 2  # a smaller multiplier of a redundant row, say, still proves the same


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("digest", "0" * 64),
        ("property_digest", "0" * 64),
        ("precision", -1),
        ("precision", 1e9),
        ("precision", 10**9),
        ("network", ["puiseux-network", 1, 10**9, [], [[], ["1"]]]),
        ("network", ["puiseux-network", 2, 1, [], [[], ["1"]]]),
        ("network", ["puiseux-network", 1, 1, [[[[1, [["1"]]]], ["0"]]], [[], ["1"]]]),
        ("network", ["puiseux-network", 1, 1, [], [[[0, [["1e9"]]]], ["1"]]]),
        ("property", []),
        ("property", ["puiseux-property", 1, 2, 2, [[["=", [0, 0, 0, 0, 1]]]]]),
        ("property", ["puiseux-property", 1, 2, 2, [[[">", [0, 0, 0, 1]]]]]),
        ("property", ["puiseux-property", 1, 2, 2, [[[">", [0, 0, 0, True, 1]]]]]),
        ("kind", "cells"),
        ("version", 2),
        ("more", 1),
    ],
)
def test_a_wrong_header_is_refused(field: str, value: Any, tmp_path: Path) -> None:
    lines = lines_of(asked(">=", "100"), tmp_path / "a")
    lines[0][field] = value
    assert refused_by_one(lines, tmp_path / "b")
    if field in ("network", "property"):
        assert refused_by_one(signed(lines), tmp_path / "b")


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "certificates.md").read_text()
    example = re.findall(r"```text\n(\{\"format\":\"puiseux.*?)```", page, re.DOTALL)[1]
    (tmp_path / "a").write_text(example)
    assert check(str(tmp_path / "a"))["counts"] == {"splits": 1, "leaves": 2}
    assert accepts([json.loads(line) for line in example.splitlines()])


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    lines_of(asked(">", MOST), tmp_path / "a")
    whole = (tmp_path / "a").read_bytes()
    for size in range(0, len(whole), 7):
        (tmp_path / "b").write_bytes(whole[:size])
        with pytest.raises((Invalid, NoCertificate)):
            check(str(tmp_path / "b"))


@pytest.mark.parametrize(
    "line",
    [
        '[]', '[1]', '["leaf"]', '["leaf",[[0,1]],[]]', '["leaf",[[99,1]],[]]', '["leaf",[[-1,1]],[]]',
        '["leaf",[[0,-1]],[]]', '["leaf",[[0,1.5]],[]]', '["leaf",[],[[1,0,-1]]]', '["leaf",[],[[1,0,1e400]]]',
        '["split",0,0]', '["split",9,0]', '["split",1,-1]', '["split",1,true]', '["cut",0,0.5]', '["cut",7,0]',
        '["bounds",1,[[0,0,0]]]', '["bounds",1,[[0,null]]]', '["bounds",3,[[0,0,0]]]',
        '["bounds",1,[[0,null,null,[0,[],[]],[1,[],[]]]]]', '["bounds",1,[[0,-1,1,[-1,[],[]],[-1,[],[]]]]]',
        '["bounds",0,[[0,0,0]]]', '["read",1]', '["_leaf",[[0,1]],[]]', '3', '"leaf"', 'null',
        '["cut",0,' + '9' * 4299 + ']', '["leaf",[[1,' + '9' * 5000 + ']],[]]', '[' * 5000,
        '{"end":{"splits":0,"leaves":0}}', '["leaf",[[[],1]],[]]', '["leaf",[[0,1]],[[[],0,0]]]',
        '["bounds",1,[[0,' + '9' * 4299 + ',null]]]',
    ],
)  # fmt: skip
def test_a_line_of_nonsense_is_refused(line: str, tmp_path: Path) -> None:
    lines_of(asked(">", MOST), tmp_path / "a")
    first, *rest = (tmp_path / "a").read_text().splitlines(keepends=True)
    (tmp_path / "b").write_text("".join([first, line + "\n", *rest]))
    with pytest.raises((Invalid, NoCertificate)):
        check(str(tmp_path / "b"))


def test_ends_of_inputs_are_rounded_outward(tmp_path: Path) -> None:
    # x in [-1/3, 1/3], and y = x > 1/3 - 2^-60 is satisfied, though no multiple of 2^-48 shows it
    header = "(declare-const X_0 Real)(declare-const Y_0 Real)"
    net = Network.from_layers([[[1]]])
    spec = parse_vnnlib(f"{header}(assert (<= (* 3 X_0) 1))(assert (>= (* 3 X_0) -1))(assert (> (* 3 Y_0) 1))")
    write_property_certificate(net, spec, tmp_path / "a")
    lines = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    for sign in (1, -1):
        (system,) = lines[0]["property"][-1]
        row = next(row for row in system if row[1][1] != 0)
        row[1][:] = [0, sign * 3 * 2**60, -(2**60) + 1]
        for proof in ([[r, 1]] for r in range(3)):
            forged = [*signed(copy.deepcopy(lines))[:1], ["leaf", proof, []], {"end": {"splits": 0, "leaves": 1}}]
            assert rejected(forged, tmp_path / "b")


def test_hostile_sizes_are_refused_before_they_cost_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = lines_of(asked(">=", "100"), tmp_path / "a")
    deep = [lines[0], *[["cut", 0, -k] for k in range(50)]]
    monkeypatch.setattr(property_checker, "DEPTH_LIMIT", 40)
    with pytest.raises(Invalid, match="too deep"):
        check(str(written(deep, tmp_path / "b")))
    monkeypatch.setattr(property_checker, "CHANGE_LIMIT", 30)
    with pytest.raises(Invalid, match="too many"):
        check(str(written(deep, tmp_path / "b")))
    monkeypatch.setattr(property_checker, "MEMORY_LIMIT", 1000)
    with pytest.raises(Invalid, match="too many values"):
        check(str(written(lines, tmp_path / "b")))


def written(lines: list[Any], path: Path) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_denominators_that_explode_are_refused(tmp_path: Path) -> None:
    lines = lines_of(asked(">=", "100"), tmp_path / "a")
    long = [f"1/{10**4000 + k}" for k in range(3)]
    lines[0]["network"][3] = [[[[0, [[w, w]] * 3]], long] for w in long] + lines[0]["network"][3][1:]
    assert refused_by_one(signed(lines), tmp_path / "b")
