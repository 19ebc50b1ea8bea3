"""What restricting forms and placing points may lose, against fractions, and wrong bounds that have to be found.

``restriction.cpp`` restricts rows whose true entries differ from the stored ones by up to a given error.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PROGRAM = HERE / "restriction.cpp"

UNIT = Fraction(1, 2**53)


def ask(command: list[str], questions: list[str]) -> list[list[str]]:
    done = subprocess.run(command, input="\n".join(questions), capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def text(*values: float) -> str:
    return " ".join(float(v).hex() for v in values)


def worst_restriction(command: list[str], rounds: int) -> tuple[float, float]:
    """The largest ratio of an error and its bound over random rows, and the largest error of a size."""
    rng = random.Random(rounds)
    rows, questions = [], []
    for _ in range(rounds):
        coordinates, count = rng.randint(2, 6), rng.randint(2, 6)
        error = rng.choice([0.0, 2.0**-53, 1e-12, 1e-6])
        scale = rng.choice([1.0, 1.0, 1e-3])
        table = [[rng.uniform(-1, 1) * scale for _ in range(count)] for _ in range(coordinates)]
        rows.append((table, error))
        questions.append(
            f"rows {coordinates} {count} {text(error)} {text(scale)} " + text(*(v for line in table for v in line))
        )
    worst = size = 0.0
    for (table, error), answer in zip(rows, ask(command, questions), strict=True):
        place, bound, largest = int(answer[0]), float.fromhex(answer[1]), float.fromhex(answer[2])
        assert bound > 0
        if bound == float("inf"):
            continue
        true = [
            [Fraction(v) + Fraction(error) * rng.choice([-1, 1, Fraction(rng.randint(-99, 99), 100)]) for v in line]
            for line in table
        ]
        head = true[place]
        kept = [line for c, line in enumerate(true) if c != place]
        expected = [line[j] - line[-1] / head[-1] * head[j] for line in kept for j in range(len(line) - 1)]
        found = [Fraction(float.fromhex(v)) for v in answer[3:]]
        for x, y in zip(found, expected, strict=True):
            worst = max(worst, float(abs(x - y) / Fraction(bound)))
            size = max(size, float(abs(x)) / largest if largest else 0.0)
    return worst, size


def worst_place(command: list[str], rounds: int) -> float:
    """The largest ratio of the error of a place and 5 units, where a and b are exact."""
    rng = random.Random(rounds)
    questions, points = [], []
    for _ in range(rounds):
        count = rng.randint(1, 9)
        a = [rng.choice([-1, 1]) * 10.0 ** rng.uniform(-9, 0) for _ in range(count)]
        b = [rng.choice([-1, 0, 1]) * 10.0 ** rng.uniform(-9, 0) for _ in range(count)]
        points.append((a, b))
        questions.append(f"line {count} {text(0.0, 0.0, *a, *a, *b)}")
    worst = 0.0
    for (a, b), answer in zip(points, ask(command, questions), strict=True):
        places = [Fraction(float.fromhex(v)) for v in answer[1:]]
        sizes = [abs(Fraction(x)) + abs(Fraction(y)) for x, y in zip(a, b, strict=True)]
        assert abs(Fraction(float.fromhex(answer[0])) / min(sizes) - 1) <= UNIT
        for x, y, s, place in zip(a, b, sizes, places, strict=True):
            true = Fraction(y) / s * (-1 if x < 0 else 1)
            apart = abs((place - Fraction(3, 2)) * 2 - true) % 2
            worst = max(worst, float(min(apart, 2 - apart) / (5 * UNIT)))
    return worst


def test_no_error_exceeds_its_bound(compile_program):
    command = compile_program(PROGRAM)
    for version in (command, [*command, "plain"]):
        worst, size = worst_restriction(version, 2000)
        assert 0.2 < worst <= 1
        assert size == 1
        assert 0.2 < worst_place(version, 2000) <= 1


def test_points_as_near_as_their_errors_are_left_open(compile_program):
    """Whatever is told without integers is right; points apart are told by the table and by sorting."""
    rng = random.Random(2)
    questions, truths = [], []
    for _ in range(3000):
        count, error = rng.randint(1, 40), rng.choice([0.0, 1e-15, 1e-9, 1e-5])
        a = [rng.uniform(-1, 1) for _ in range(count)]
        b = [rng.uniform(-1, 1) for _ in range(count)]
        if count > 1 and rng.random() < 0.5:
            i, factor = rng.randrange(count - 1), rng.choice([1.0, -2.0, 0.5])
            a[-1], b[-1] = factor * a[i], factor * b[i] + rng.choice([0, 1, 10]) * rng.choice([error, 2.0**-52, 1e-4])
        if rng.random() < 0.1:
            a[0] = rng.choice([0.0, 1e-20, -1e-20])
        places = sorted(
            Fraction(y) / (abs(Fraction(x)) + abs(Fraction(y))) * (-1 if x < 0 else 1)
            for x, y in zip(a, b, strict=True)
        )
        gaps = [q - p for p, q in pairwise([*places, places[0] + 2])]
        least = min(abs(Fraction(x)) + abs(Fraction(y)) for x, y in zip(a, b, strict=True))
        questions.append(f"points {count} {text(error, *a, *b)}")
        truths.append((count, min(gaps) if count > 1 else Fraction(2), error, least))
    told = 0
    for (count, gap, error, least), (answer,) in zip(truths, ask(compile_program(PROGRAM), questions), strict=True):
        if answer == "open":
            # integers are asked only where two arcs of a hundredfold error meet, or a form may vanish
            assert gap <= 1000 * (Fraction(error) / least + UNIT) or least < 1000 * error
        else:
            assert int(answer) == count
            assert (
                gap > Fraction(error) * 9 / 10
            )  # else the true points may be one: each place moves by error / 2 or more
            told += 1
    assert 1500 < told < 2900


PLANTED = {
    "the quotients taken as exact": (
        "restriction.hpp",
        "const double off = 2 * e / room + UNIT_ROUNDOFF;",
        "const double off = 0;",
    ),
    "the error of the rows left out": ("restriction.hpp", "e * (2 + off) + ", ""),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_bound_is_found(compile_program, tmp_path, name):
    header, right, wrong = PLANTED[name]
    for folder in (ROOT / "polyhedra" / "core", ROOT / "nn_bridge" / "cells" / "core"):
        for path in folder.glob("*.hpp"):
            shutil.copy(path, tmp_path)
    source = (tmp_path / header).read_text()
    assert right in source
    (tmp_path / header).write_text(source.replace(right, wrong))
    worst, _ = worst_restriction(compile_program(PROGRAM, "-O0", f"-I{tmp_path}"), 2000)
    assert worst > 1
