"""What is proven of linear programs in doubles, against fractions, and wrong bounds that have to be found.

The exact numbers have some 90 bits and round to the doubles that `basis_proof.hpp` sees; ties are near.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path

import pytest

HERE = Path(__file__).parent

Row = list[Fraction]


def ask(command: list[str], questions: list[str]) -> list[list[str]]:
    done = subprocess.run(command, input="\n".join(questions), capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def text(numbers: Sequence[Fraction]) -> str:
    return " ".join(float(v).hex() for v in numbers)


def solved(matrix: list[Row], right: Row) -> Row | None:
    """The solution of a system of equations; None where it is not regular."""
    rows = [[*row, b] for row, b in zip(matrix, right, strict=True)]
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k]), None)
        if pivot is None:
            return None
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [a / rows[k][k] for a in rows[k]]
        for i, row in enumerate(rows):
            if i != k and row[k]:
                rows[i] = [a - row[k] * b for a, b in zip(row, rows[k], strict=True)]
    return [row[-1] for row in rows]


def is_only_optimum(rows: list[Row], objective: Row, names: list[int]) -> bool:
    """Whether the basis is regular, its multipliers are positive, and all other rows hold strictly where it meets."""
    d = len(objective)
    point = solved([rows[i][:d] for i in names], [rows[i][d] for i in names])
    multipliers = solved([[rows[i][j] for i in names] for j in range(d)], objective)
    if point is None or multipliers is None or min(multipliers) <= 0:
        return False
    others = (row for i, row in enumerate(rows) if i not in names)
    return all(sum(map(Fraction.__mul__, row[:d], point)) < row[d] for row in others)


def near_ties(rng: random.Random) -> tuple[list[Row], Row]:
    """Rows and an objective: a row as near the vertex, or an objective as near a facet's, as a few roundings."""

    def number() -> Fraction:
        return Fraction(rng.getrandbits(90) - 2**89, 2**90)

    d = rng.randint(2, 4)
    rows = [[number() for _ in range(d + 1)] for _ in range(d)]
    bits = 0
    if rng.random() < 0.5:  # rows that are nearly dependent: the vertex is known less well, by some bits
        bits = rng.randint(4, 16)
        rows[1][:d] = [a + number() / 2**bits for a in rows[0][:d]]
    weights = [Fraction(1) for _ in range(d)]
    if rng.random() < 0.5:
        weights[0] = Fraction(rng.randint(-40, 40), 2**55)
    objective = [sum(w * row[j] for w, row in zip(weights, rows, strict=True)) / (2 * d) for j in range(d)]
    vertex = solved([row[:d] for row in rows], [row[d] for row in rows])
    if vertex is not None and rng.random() < 0.7:
        row = [number() / 2 for _ in range(d)]
        right = sum(map(Fraction.__mul__, row, vertex))
        right += abs(right) * Fraction(rng.randint(-20, 20), 2 ** (rng.randint(54, 58) - bits))
        scale = max(1, 2 * abs(right))
        rows.append([v / scale for v in [*row, right]])
    return rows, objective


def proven_and_wrong(command: list[str], count: int) -> tuple[int, int]:
    """How many programs are said to be proven, and how many of these are not."""
    rng = random.Random(7)
    programs = [near_ties(rng) for _ in range(count)]
    questions = [
        f"program {len(objective)} {len(rows)} {text([*chain.from_iterable(rows), *objective, Fraction(0)])}"
        for rows, objective in programs
    ]
    proven = wrong = 0
    for (rows, objective), (said, *names) in zip(programs, ask(command, questions), strict=True):
        proven += said == "proven"
        wrong += said == "proven" and not is_only_optimum(rows, objective, [int(name) for name in names])
    return proven, wrong


def strict_and_wrong(command: list[str], count: int) -> tuple[int, int]:
    """How many rows are said to hold strictly at a point, and how many of these do not."""
    rng = random.Random(8)
    rows, points, questions = [], [], []
    for _ in range(count):
        d = rng.randint(1, 6)
        row = [Fraction(rng.getrandbits(90) - 2**89, 2**89) for _ in range(d)]
        point = [Fraction(rng.getrandbits(90) - 2**89, 2 ** rng.randint(80, 92)) for _ in range(d)]
        right = sum(a * x for a, x in zip(row, point, strict=True))
        right += abs(right) * Fraction(rng.randint(-60, 60), 2**54)
        rows.append([*row, right]), points.append(point)
        questions.append(f"rows {d} 1 {text([*row, right])} {text(point)}")
    strict = wrong = 0
    for row, point, (found,) in zip(rows, points, ask(command, questions), strict=True):
        strict += found == "0"
        wrong += found == "0" and sum(map(Fraction.__mul__, row[:-1], point)) >= row[-1]
    return strict, wrong


PLANTED = (
    # what is wrong: the expression in the core, and what stands there instead
    ("roundings left out", "products(d() + 7)", "0.0"),
    ("the error of the point left out", "PERTURBED * moved", "0.0"),
    ("the error of the multipliers left out", "weights[k] > error[k]", "weights[k] > 0"),
    ("roundings of rows at a point left out", "products(d + 4) * size", "0.0"),
)


@pytest.fixture(scope="module")
def program(compile_planted):
    return compile_planted(HERE / "proofs.cpp", [where for _, *where in PLANTED])


def test_what_is_proven_is_so(program):
    proven, wrong = proven_and_wrong(program, 1500)
    assert wrong == 0
    assert 200 < proven < 1300
    strict, wrong = strict_and_wrong(program, 2000)
    assert wrong == 0
    assert 100 < strict < 1900


@pytest.mark.parametrize("number", range(1, len(PLANTED) + 1), ids=[name for name, *_ in PLANTED])
def test_a_wrong_bound_is_found(program, monkeypatch, number):
    monkeypatch.setenv("PUISEUX_PLANTED", str(number))
    said, wrong = strict_and_wrong(program, 600) if number == len(PLANTED) else proven_and_wrong(program, 600)
    assert 0 < wrong < said
