"""Thousands of damaged certificates: none is accepted unless what it says is still true.

Whether it is still true is decided here, without the checker: the network must be the one that the digest names, and
the claimed counts must be those of the naive oracle for the network and the domain in the damaged file.
"""

from __future__ import annotations

import copy
import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron
from puiseux.certificates.certificate import write_certificate, write_pruning_certificate
from puiseux.certificates.checker import Invalid, NoCertificate, check
from tests.oracles import naive_certificates
from tests.oracles.naive_cells import cells, four_counts, plain
from tropical.polynomial import PuiseuxPolynomial
from tropical.pruning import prune

MUTANTS = 350  # of each certificate
Record = Any

NETWORKS: dict[str, tuple[list[Any], list[Any], list[list[int]]]] = {
    # weights, biases, walls (forms >= 0)
    "tents that are 0 on both sides": ([[[1], [1], [1], [-1]], [[1, -2, 1, 0]]], [[0, -1, -2, -3], [0]], []),
    "generic": ([[[3, 1], [-1, 2], [1, -2]], [[2, -1, 1], [-1, 1, 3]], [[1, 1]]], [[1, -1, 2], [-1, -3], [0]], []),
    "in a box": ([[[3, 1], [-1, 2]], [[2, -1], [-1, 1]], [[1, 1]]], [[1, -1], [-1, -3], [0]],
                 [[1, 0, 2], [-1, 0, 2], [0, 1, 1], [0, -1, 3]]),
    "through one point": ([[[1, 0], [0, 1], [1, 1], [-1, -1]], [[1, -1, 1, 0]]], [[0, 0, 0, 0], [0]], []),
    "equal, opposite and dead units": ([[[1, 1], [2, 2], [-1, -1], [0, 0]], [[1, 1, 1, 1]]], [[1, 2, -1, -1], [0]], []),
    "a ridge": ([[[1, 1], [1, 1], [1, 1], [1, -1]], [[1, -2, 1, 0]]], [[0, -1, -2, 0], [0]], []),
    "three inputs": ([[[1, 0, 1], [0, 1, -1], [1, 1, 0]], [[1, -1, 1], [1, 1, -2]], [[1, 1]]],
                     [[0, 1, -1], [-1, 0], [0]], [[1, 1, 1, 3], [-1, 0, 0, 2]]),
    "a wall on a kink": ([[[1, 0], [0, 1]], [[1, 0]]], [[0, 0], [0]], [[1, 0, 0], [0, 1, 5], [-1, 0, 4]]),
}  # fmt: skip


def certificate(name: str, path: Path) -> list[Record]:
    weights, biases, walls = NETWORKS[name]
    dim = len(weights[0][0])
    domain = Polyhedron([[-v for v in w[:-1]] for w in walls], [w[-1] for w in walls], dim=dim) if walls else None
    write_certificate(Network.from_layers(weights, biases), path, domain)
    return [json.loads(line) for line in path.read_text().splitlines()]


def truth(name: str, walls: list[list[int]]) -> dict[str, Any]:
    """The naive oracle's counts of a network of this file on any domain."""
    weights, biases, _ = NETWORKS[name]
    dim = len(weights[0][0])
    found = cells(plain(weights, biases), dim, [tuple(map(Fraction, wall)) for wall in walls])
    return four_counts(found, dim) | {"regions_by_point": None}


# -------------------------------------------------------------------- damage


def integers(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all integers in nested lists and objects."""
    if type(value) is int:
        return [path]
    if isinstance(value, dict):
        return [place for key, entry in value.items() for place in integers(entry, (*path, key))]
    if isinstance(value, list):
        return [place for key, entry in enumerate(value) for place in integers(entry, (*path, key))]
    return []


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another entry at a place."""
    value = copy.deepcopy(value)
    at = value
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new
    return value


def entry(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def other_number(rng: random.Random, lines: list[Record]) -> list[Record]:
    places = integers(lines)
    place = rng.choice(places)
    old = entry(lines, place)
    new = rng.choice([old + 1, old - 1, -old, 2 * old, 0, 1, rng.randint(-9, 9), old + rng.randint(-99, 99), 10**30])
    return put(lines, place, new)


def other_type(rng: random.Random, lines: list[Record]) -> list[Record]:
    return put(lines, rng.choice(integers(lines)), rng.choice([0.5, True, None, "1", [], [1], {}, 1e400]))


def dropped(rng: random.Random, lines: list[Record]) -> list[Record]:
    at = rng.randrange(len(lines))
    return lines[:at] + lines[at + 1 :]


def repeated(rng: random.Random, lines: list[Record]) -> list[Record]:
    at = rng.randrange(len(lines))
    return lines[: at + 1] + lines[at:]


def exchanged(rng: random.Random, lines: list[Record]) -> list[Record]:
    lines = list(lines)
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return lines


def moved(rng: random.Random, lines: list[Record]) -> list[Record]:
    lines = list(lines)
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randrange(len(lines) + 1), line)
    return lines


def other_signs(rng: random.Random, lines: list[Record]) -> list[Record]:
    places = [i for i, line in enumerate(lines) if isinstance(line, list) and line[0] == "sign"]
    if not places:
        return other_number(rng, lines)
    at = rng.choice(places)
    kind, support, active, inactive = lines[at]
    changed = rng.choice(
        [
            [kind, support, inactive, active],
            [kind, support[1:], active, inactive],
            [kind, support, active[1:], [*active[:1], *inactive]],
            [kind, [], active, inactive],
            [kind, support, active, inactive[1:]],
        ]
    )
    return [*lines[:at], changed, *lines[at + 1 :]]


def end_of(lines: list[Record], begin: int) -> int:
    """Where the subtree that begins at a line ends."""
    sides = 1
    while sides:
        kind = lines[begin][0]
        sides += (kind == "split") - (kind == "cell")
        begin += 1
    return begin


def other_children(rng: random.Random, lines: list[Record]) -> list[Record]:
    """The two sides of a split exchanged, or one in the place of both, or the tree cut off there."""
    at = rng.choice([i for i, line in enumerate(lines) if isinstance(line, list) and line[0] == "split"])
    middle = end_of(lines, at + 1)
    end = end_of(lines, middle)
    one, two = lines[at + 1 : middle], lines[middle:end]
    sides = rng.choice([two + one, one + one, two + two])
    return rng.choice([[*lines[: at + 1], *sides, *lines[end:]], [*lines[:at], *rng.choice([one, two]), *lines[end:]]])


def other_lists(rng: random.Random, lines: list[Record]) -> list[Record]:
    """An entry of a list left out or doubled."""
    places = [place[:-1] for place in integers(lines) if len(place) > 1]
    place = rng.choice(places)
    old = entry(lines, place)
    if isinstance(old, dict):
        return put(lines, place, dict(list(old.items())[:-1]))
    at = rng.randrange(len(old))
    return put(lines, place, rng.choice([old[:at] + old[at + 1 :], old[: at + 1] + old[at:], old[::-1]]))


def other_facets(rng: random.Random, lines: list[Record]) -> list[Record]:
    """Facets or redundancies of a leaf left out, or those of another leaf."""
    places = [i for i, line in enumerate(lines) if isinstance(line, list) and line[0] == "cell" and len(line) > 2]
    if not places:
        return other_number(rng, lines)
    at, other = rng.choice(places), rng.choice(places)
    line = copy.deepcopy(lines[at])
    change = rng.randrange(4)
    if change == 0:
        line = line[:-1]
    elif change == 1:
        line = [*line[:2], *lines[other][2:]]
    elif line[2]:
        gone = line[2].pop(rng.randrange(len(line[2])))
        if change == 3 and len(line) > 3:  # claimed to be redundant instead
            line[3].append([gone[0], [facet[0] for facet in line[2]][:2]])
    return [*lines[:at], line, *lines[at + 1 :]]


def other_counts(rng: random.Random, lines: list[Record]) -> list[Record]:
    return put(lines, (-1, "end", rng.choice(["cells", "regions", "affine_maps"])), rng.randint(0, 30))


def other_text(rng: random.Random, lines: list[Record]) -> list[Record]:
    """Another digest, another weight, another kind."""
    header = json.dumps(lines[0])
    at = rng.choice([i for i, char in enumerate(header) if char.isalnum()])
    changed = header[:at] + rng.choice("0123456789abcdef-/") + header[at + 1 :]
    try:
        return [json.loads(changed), *lines[1:]]
    except ValueError:
        return lines[1:]


DAMAGES = (
    other_number,
    other_number,
    other_number,
    other_type,
    dropped,
    repeated,
    exchanged,
    moved,
    other_signs,
    other_children,
    other_lists,
    other_facets,
    other_counts,
    other_text,
)


# -------------------------------------------------------------------- the law


def accepted(data: bytes, path: Path) -> dict[str, Any] | None:
    """What the checker says about a file; it never fails in another way than its own."""
    path.write_bytes(data)
    try:
        return check(str(path))
    except (Invalid, NoCertificate) as refused:
        message = str(refused)
    assert message.isprintable()
    assert len(message) < 600
    return None


@pytest.mark.parametrize("name", NETWORKS)
def test_no_mutant_is_accepted_unless_it_is_true(name: str, tmp_path: Path) -> None:
    rng = random.Random(name)
    path = tmp_path / "file"
    lines = certificate(name, path)
    original = check(str(path))
    network = lines[0]["network"]
    assert original["counts"] == truth(name, NETWORKS[name][2])
    refused = 0
    for number in range(MUTANTS):
        damage = DAMAGES[number % len(DAMAGES)]
        mutant = damage(rng, lines)
        if rng.random() < 0.2:
            mutant = rng.choice(DAMAGES[:4])(rng, mutant)
        if mutant == lines and repr(mutant) == repr(lines):
            continue
        data = "".join(json.dumps(line) + "\n" for line in mutant).encode()
        found = accepted(data, path)
        if found is None:
            refused += 1
            continue
        assert mutant[0]["network"] == network, damage
        assert found["counts"] == truth(name, found["walls"]), (damage, mutant)
        assert mutant[-1] == {"end": found["counts"]}
    assert refused > 0.7 * MUTANTS


@pytest.mark.parametrize("name", NETWORKS)
def test_a_second_checker_written_from_the_documentation_agrees(name: str, tmp_path: Path) -> None:
    rng = random.Random(f"second {name}")
    path = tmp_path / "file"
    lines = certificate(name, path)
    damages = [damage for damage in DAMAGES if damage not in (other_type, other_text)]
    verdicts = set()
    for number in range(61):
        mutant = rng.choice(damages)(rng, lines) if number else lines
        text = "".join(json.dumps(line) + "\n" for line in mutant)
        found = accepted(text.encode(), path)
        try:
            second = naive_certificates.check(text)
        except (naive_certificates.Refused, ValueError, TypeError, LookupError):
            second = None
        assert (None if found is None else found["counts"]) == second, mutant
        verdicts.add(found is None)
    assert verdicts == {True, False}


@pytest.mark.parametrize("name", ["generic", "in a box", "a ridge"])
def test_no_change_of_bytes_is_accepted_unless_it_is_true(name: str, tmp_path: Path) -> None:
    rng = random.Random(name)
    path = tmp_path / "file"
    lines = certificate(name, path)
    data = path.read_bytes()
    refused = 0
    for _ in range(MUTANTS):
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            mutant = data[:at]
        elif kind == 1:
            mutant = data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]
        elif kind == 2:
            mutant = data[:at] + data[at + rng.randint(1, 30) :]
        else:
            mutant = data[:at] + rng.choice([b"0", b"-", b",", b"[", b"]", b"\n", b" ", b"9" * 5000]) + data[at:]
        found = accepted(mutant, path)
        if found is None:
            refused += 1
        elif mutant != data:
            header = json.loads(mutant[: mutant.index(b"\n")])
            assert header["network"] == lines[0]["network"]
            assert found["counts"] == truth(name, found["walls"])
    assert refused > 0.8 * MUTANTS


def test_no_proof_serves_another_network(tmp_path: Path) -> None:
    """The tree of one network under the header of another, with whatever counts."""
    path = tmp_path / "file"
    files = {name: certificate(name, path) for name in NETWORKS}
    for name, lines in files.items():
        for other, foreign in files.items():
            if name != other:
                data = "".join(json.dumps(line) + "\n" for line in (lines[0], *foreign[1:]))
                found = accepted(data.encode(), path)
                assert found is None or found["counts"] == truth(name, NETWORKS[name][2])


# -------------------------------------------------------------------- prunings


def value(rows: list[list[int]], point: list[Fraction]) -> Fraction:
    return max(sum((a * x for a, x in zip(row, point, strict=False)), Fraction(row[-1])) for row in rows)


def test_no_pruning_is_accepted_unless_the_functions_agree(tmp_path: Path) -> None:
    """What is accepted keeps the function: compared at many points, where dropping a needed term would show."""
    rng = random.Random(11)
    path = tmp_path / "file"
    refused = seen = 0
    for _ in range(12):
        dim = rng.randint(1, 2)
        terms = {tuple(rng.randint(-2, 2) for _ in range(dim)): rng.randint(-3, 3) for _ in range(rng.randint(4, 9))}
        walls = rng.random() < 0.5
        domain = Polyhedron([[1] * dim, [-1] + [0] * (dim - 1)], [2, 1], dim=dim) if walls else None
        write_pruning_certificate(prune(PuiseuxPolynomial(terms), domain=domain, certificates=True), path)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for _ in range(60):
            damage = rng.choice([other_number, other_number, dropped, repeated, exchanged, moved, other_lists])
            mutant = damage(rng, lines)
            seen += 1
            if accepted("".join(json.dumps(line) + "\n" for line in mutant).encode(), path) is None:
                refused += 1
                continue
            kept = [line[1] for line in mutant[1:-1] if line[0] == "kept"]
            every = [line[1] for line in mutant[1:-1]]
            assert mutant[-1] == {"end": {"kept": len(kept), "redundant": len(every) - len(kept)}}
            for _ in range(40):
                point = [Fraction(rng.randint(-40, 40), 7) for _ in range(dim)]
                if all(value([wall], point) >= 0 for wall in mutant[0]["walls"]):
                    assert value(kept, point) == value(every, point), (damage, mutant)
            for k, row in enumerate(kept):  # and none of them can go
                own = [Fraction(v, mutant[1 + k][2][-1]) for v in mutant[1 + k][2][:-1]]
                others = kept[:k] + kept[k + 1 :]
                assert not others or value([row], own) > value(others, own)
    assert refused > 0.5 * seen
