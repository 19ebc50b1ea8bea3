"""What pruning proves in doubles, against fractions, and wrong bounds that have to be found.

The exact numbers have some 90 bits and round to the doubles that `terms.hpp` and `enclosure.hpp` see; ties are near.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import pytest

HERE = Path(__file__).parent

Row = list[Fraction]


def ask(command: list[str], questions: list[str]) -> list[list[int]]:
    done = subprocess.run(command, input="\n".join(questions), capture_output=True, text=True, check=True)
    return [[int(word) for word in line.split()] for line in done.stdout.splitlines()]


def text(numbers: Iterable[Fraction]) -> str:
    return " ".join(float(v).hex() for v in numbers)


def number(rng: random.Random) -> Fraction:
    return Fraction(rng.getrandbits(90) - 2**89, 2**88)


def dot(a: Row, b: Row) -> Fraction:
    return sum(map(Fraction.__mul__, a, b), start=Fraction(0))


def alone_and_wrong(command: list[str], count: int) -> tuple[int, int]:
    """How many terms are said to be the largest alone, and how many of these are not; two terms nearly tie."""
    rng = random.Random(1)
    cases: list[tuple[list[Row], Row, Row]] = []
    for _ in range(count):
        dim = rng.randint(1, 4)
        exponents = [[number(rng) for _ in range(dim)] for _ in range(4)]
        point = [Fraction(float(number(rng))) for _ in range(dim)]
        coefficients = [Fraction(20), Fraction(0), *(number(rng) for _ in range(2))]
        tie = coefficients[0] + dot(exponents[0], point) - dot(exponents[1], point)
        coefficients[1] = tie + Fraction(rng.randint(-(2**20), 2**20), 2 ** rng.randint(60, 70))
        cases.append((exponents, coefficients, point))
    questions = [
        f"winner {len(point)} 4 {text(v for row in exponents for v in row)} {text(coefficients)} {text(point)}"
        for exponents, coefficients, point in cases
    ]
    said = wrong = 0
    for (exponents, coefficients, point), (term, alone) in zip(cases, ask(command, questions), strict=True):
        values = [dot(a, point) + c for a, c in zip(exponents, coefficients, strict=True)]
        said += alone
        wrong += alone and max(v for s, v in enumerate(values) if s != term) >= values[term]
    return said, wrong


def multipliers(points: list[Row], point: Row) -> Row:
    """The numbers l with sum l_i (a_i, 1) = (a, 1)."""
    rows = [[*(p[j] for p in points), point[j]] for j in range(len(point))]
    rows.append([Fraction(1)] * (len(points) + 1))
    for k in range(len(rows)):
        pivot = next(i for i in range(k, len(rows)) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i, row in enumerate(rows):
            if i != k:
                rows[i] = [v - row[k] * w for v, w in zip(row, rows[k], strict=True)]
    return [row[-1] for row in rows]


def under_and_wrong(command: list[str], count: int) -> tuple[int, int]:
    """How many terms are said to lie under a simplex, and how many of these do not; all are near it or its boundary."""
    rng = random.Random(2)
    cases: list[tuple[list[Row], Row, Row, Fraction]] = []
    for _ in range(count):
        dim = rng.randint(1, 4)
        exponents = [[number(rng) for _ in range(dim)] for _ in range(dim + 1)]
        if rng.random() < 0.5:  # a flat simplex: the multipliers are known less well
            exponents[1] = [a + number(rng) / 2 ** rng.randint(4, 16) for a in exponents[0]]
        coefficients = [number(rng) for _ in range(dim + 1)]
        weights = [Fraction(rng.randint(1, 9)) for _ in range(dim + 1)]
        on_boundary = rng.random() < 0.5
        if on_boundary:
            weights[0] = Fraction(rng.randint(-9, 40), 2 ** rng.randint(40, 53))
        weights = [w / sum(weights) for w in weights]
        a = [sum(w * row[j] for w, row in zip(weights, exponents, strict=True)) for j in range(dim)]
        below = Fraction(1) if on_boundary else Fraction(rng.randint(-9, 12), 2 ** rng.randint(46, 57))
        cases.append((exponents, coefficients, a, dot(weights, coefficients) - below))
    questions = [
        f"under {len(a)} {text(v for row in exponents for v in row)} {text(coefficients)} {text([*a, height])}"
        for exponents, coefficients, a, height in cases
    ]
    said = wrong = 0
    for (exponents, coefficients, a, height), (proven,) in zip(cases, ask(command, questions), strict=True):
        said += proven
        if proven:
            weights = multipliers(exponents, a)
            wrong += min(weights) < 0 or dot(weights, coefficients) < height
    return said, wrong


PLANTED = (
    # what is wrong: the expression in the core, and what stands there instead
    ("the error of values left out", "top - second > 3 * error", "top - second > 0"),
    ("roundings of sums left out", "2 * products(m + 4)", "0.0"),
    ("the radius of the multipliers left out", "least > radius", "least > 0"),
    ("what the radius does to heights left out", "radius * (heights + PROGRAM_SLACK) * UP", "0.0"),
)


@pytest.fixture(scope="module")
def program(compile_planted):
    return compile_planted(HERE / "hulls.cpp", [where for _, *where in PLANTED])


@pytest.mark.parametrize("tried", [alone_and_wrong, under_and_wrong])
def test_what_is_proven_is_so(program, tried):
    said, wrong = tried(program, 1500)
    assert wrong == 0
    assert 150 < said < 1350


@pytest.mark.parametrize("number", range(1, len(PLANTED) + 1), ids=[name for name, *_ in PLANTED])
def test_a_wrong_bound_is_found(program, monkeypatch, number):
    monkeypatch.setenv("PUISEUX_PLANTED", str(number))
    said, wrong = (alone_and_wrong if number == 1 else under_and_wrong)(program, 1500)
    assert 0 < wrong < said
