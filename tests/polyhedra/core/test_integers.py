"""The long integers and the elimination of the core against Python's own integers and fractions.

The headers are compiled into a calculator that answers one question a line.
"""

from __future__ import annotations

import math
import random
import subprocess
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

CALCULATOR = Path(__file__).parent / "calculator.cpp"
FALLBACKS = ["-DPUISEUX_NO_INT128", "-DPUISEUX_NO_OVERFLOW_BUILTINS"]


@pytest.fixture(scope="module", params=["128-bit products", "plain C++20"])
def calculate(request, compile_program):
    """A function that sends questions to the calculator and returns its answers."""
    command = compile_program(CALCULATOR, *(FALLBACKS if request.param == "plain C++20" else []))

    def ask(questions: list[str]) -> list[str]:
        done = subprocess.run(command, input="\n".join(questions), capture_output=True, text=True, check=True)
        answers = done.stdout.splitlines()
        assert len(answers) == len(questions)
        return answers

    return ask


def edges() -> list[int]:
    """Zero, powers of two and their neighbours, numbers full of ones, and their negatives."""
    positive = {0, 1, 2, 3, 10**18, 10**19, 10**19 - 1, 10**38}
    for bits in (31, 32, 52, 53, 54, 61, 62, 63, 64, 65, 106, 127, 128, 129, 191, 192, 256, 1024):
        positive |= {(1 << bits) - 1, 1 << bits, (1 << bits) + 1}
    positive |= {(1 << 128) - (1 << 64), ((1 << 64) - 1) << 64 | 1, (1 << 192) - (1 << 100), (1 << 320) - (1 << 63)}
    return sorted(positive | {-v for v in positive})


def random_integer(rng: random.Random) -> int:
    bits = rng.choice([1, 5, 30, 60, 63, 64, 65, 100, 128, 130, 200, 400, 1500])
    value = rng.getrandbits(bits)
    if rng.random() < 0.3:  # long runs of equal bits, where carries run far
        value = (value >> bits // 2 << bits // 2) - rng.choice([0, 1])
    return value if rng.random() < 0.5 else -value


def pairs() -> list[tuple[int, int]]:
    rng = random.Random(7)
    return list(product(edges(), repeat=2)) + [(random_integer(rng), random_integer(rng)) for _ in range(4000)]


def text(*values: int) -> str:
    return " ".join(map(hex, values))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("add", lambda a, b: text(a + b)),
        ("subtract", lambda a, b: text(a - b)),
        ("multiply", lambda a, b: text(a * b)),
        ("divide", lambda a, b: text(*divmod(a, b)) if b else "error: division by zero"),
        ("gcd", lambda a, b: text(math.gcd(a, b))),
        ("compare", lambda a, b: f"{(a > b) - (a < b)} {'equal' if a == b else 'other'}"),
    ],
)
def test_operations_on_two_numbers(calculate, name, expected):
    questions = pairs()
    answers = calculate([f"{name} {text(a, b)}" for a, b in questions])
    assert answers == [expected(a, b) for a, b in questions]


def test_sum_of_a_product(calculate):
    rng = random.Random(3)
    triples = [(random_integer(rng), random_integer(rng), random_integer(rng)) for _ in range(3000)]
    triples += [(-a * b + d, a, b) for a, b in pairs()[::7] for d in (-1, 0, 1)]
    answers = calculate([f"add_product {text(*triple)}" for triple in triples])
    assert answers == [text(c + a * b) for c, a, b in triples]


def test_exact_quotient(calculate):
    questions = [(a * b, b) for a, b in pairs() if b]
    answers = calculate([f"exact_quotient {text(a, b)}" for a, b in questions])
    assert answers == [text(a // b) for a, b in questions]


def test_operations_on_one_number(calculate):
    rng = random.Random(5)
    numbers = edges() + [random_integer(rng) for _ in range(500)]
    expected = {
        "negate": lambda a: text(-a),
        "abs": lambda a: text(abs(a)),
        "sign": lambda a: str((a > 0) - (a < 0)),
        "add_to_itself": lambda a: text(2 * a),
        "subtract_from_itself": lambda a: text(0),
        "bits": lambda a: f"{a.bit_length()} {(a & -a).bit_length() - 1 if a else 0}",
        "small": lambda a: str(-(2**63) <= a < 2**63),
        "decimal": str,
        "limbs": lambda a: f"{text(a)} {-(-a.bit_length() // 64)}",
    }
    for name, function in expected.items():
        assert calculate([f"{name} {text(a)}" for a in numbers]) == [function(a) for a in numbers], name
    # decimal text is read too
    assert calculate([f"add {a} 0" for a in numbers]) == [text(a) for a in numbers]
    assert calculate(["add 12x 0", "add - 0", "add 0x 0", "add 1a 0"]) == ["error: not an integer"] * 4


def test_shifts(calculate):
    numbers, places = edges(), (0, 1, 5, 31, 61, 62, 63, 64, 65, 127, 128, 200, 1100)
    questions = list(product(numbers, places))
    assert calculate([f"left {text(a, s)}" for a, s in questions]) == [text(a << s) for a, s in questions]
    assert calculate([f"right {text(a, s)}" for a, s in questions]) == [text(a >> s) for a, s in questions]


def test_to_double_is_the_nearest_and_its_bound_holds(calculate):
    rng = random.Random(11)
    halves = [((1 << 53) + k << s) + d for k in (0, 1, 2, 3) for s in (1, 2, 11, 12, 75) for d in (-1, 0, 1)]
    halves += [
        (((1 << 53) + k) << s) + (1 << s >> 1) + d for k in (0, 1) for s in (1, 2, 11, 12, 75) for d in (-1, 0, 1)
    ]
    numbers = [*edges(), *halves, (1 << 1024) - (1 << 970), (1 << 1024) - (1 << 970) - 1, (1 << 1024) - 1]
    numbers += [random_integer(rng) for _ in range(3000)]
    for a, answer in zip(numbers, calculate([f"to_double {text(a)}" for a in numbers]), strict=True):
        value, error = map(float.fromhex, answer.split())
        try:
            nearest = float(a)
        except OverflowError:
            nearest = math.inf if a > 0 else -math.inf
        assert value == nearest
        if math.isfinite(value):
            assert abs(Fraction(value) - a) <= Fraction(error)
            assert (error == 0) == (value == a)
        else:
            assert error == math.inf
    for a, answer in zip(numbers, calculate([f"rounded {text(a)}" for a in numbers]), strict=True):
        mantissa, error, exponent = (float.fromhex(word) for word in answer.split())
        scale = Fraction(2) ** int(answer.split()[2])
        assert abs(a - Fraction(mantissa) * scale) <= Fraction(error) * scale, exponent
        assert a == 0 or 0.5 <= abs(mantissa) <= 1


def test_of_double_is_exact(calculate):
    rng = random.Random(13)
    values = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        5e-324,
        -5e-324,
        2.2250738585072014e-308,
        1.7976931348623157e308,
        0.1,
        2.0**53,
        1e22,
    ]
    values += [math.ldexp(rng.uniform(-1, 1), rng.randint(-1100, 1000)) for _ in range(500)]
    bits = [int(v) for v in calculate([f"fraction_bits {v.hex()}" for v in values])]
    assert bits == [Fraction(v).denominator.bit_length() - 1 for v in values]
    questions = [(v, b + extra) for v, b in zip(values, bits, strict=True) for extra in (0, 1, 70)]
    answers = calculate([f"of_double {v.hex()} {shift}" for v, shift in questions])
    assert answers == [text(int(Fraction(v) * 2**shift)) for v, shift in questions]
    too_small = [(v, b - 1) for v, b in zip(values, bits, strict=True) if b]
    assert set(calculate([f"of_double {v.hex()} {shift}" for v, shift in too_small])) == {"error: not an integer"}
    assert calculate(["of_double inf 0", "of_double nan 0"]) == ["error: not a finite number"] * 2


def reduced(rows: list[list[int]]) -> tuple[list[list[Fraction]], list[int], int]:
    """The reduced row echelon form, its pivot columns, and the sign of the determinant of a square matrix."""
    rows, pivots, sign = [list(map(Fraction, row)) for row in rows], [], 1
    for c in range(len(rows[0])):
        r = len(pivots)
        found = next((i for i in range(r, len(rows)) if rows[i][c]), None)
        if found is None:
            continue
        if found != r:
            rows[r], rows[found], sign = rows[found], rows[r], -sign
        sign *= 1 if rows[r][c] > 0 else -1
        rows[r] = [v / rows[r][c] for v in rows[r]]
        for i in range(len(rows)):
            if i != r and rows[i][c]:
                rows[i] = [v - rows[i][c] * w for v, w in zip(rows[i], rows[r], strict=True)]
        pivots.append(c)
    return rows, pivots, sign if len(pivots) == len(rows) else 0


def random_matrix(rng: random.Random, height: int, width: int) -> list[list[int]]:
    kind = rng.choice(["small", "long", "doubles", "low rank", "sparse"])
    bits = {"small": 3, "long": 300, "doubles": 53, "low rank": 40, "sparse": 30}[kind]
    entry = lambda: rng.getrandbits(bits) - (1 << bits >> 1)  # noqa: E731
    rows = [[entry() if kind != "sparse" or rng.random() < 0.4 else 0 for _ in range(width)] for _ in range(height)]
    if kind == "low rank":
        rank = rng.randint(1, width)
        for i in range(rank, height):
            weights = [rng.randint(-3, 3) for _ in range(min(rank, i))]
            rows[i] = [sum(w * rows[k][c] for k, w in enumerate(weights)) for c in range(width)]
    if kind == "doubles":
        rows = [[v << rng.choice([0, 7, 60]) for v in row] for row in rows]
    return rows


def asked(name: str, rows: list[list[int]]) -> str:
    return f"{name} {len(rows)} {len(rows[0])} {text(*(v for row in rows for v in row))}"


def test_rank_determinant_and_null_vector(calculate):
    rng = random.Random(17)
    tall = [random_matrix(rng, rng.randint(1, 7), rng.randint(1, 6)) for _ in range(300)]
    square = [random_matrix(rng, size, size) for size in (1, 2, 3, 4, 5, 6) for _ in range(60)]
    ranks = calculate([asked("rank", rows) for rows in tall + square])
    assert ranks == [str(len(reduced(rows)[1])) for rows in tall + square]
    signs = calculate([asked("determinant", rows) for rows in square])
    assert signs == [str(reduced(rows)[2]) for rows in square]
    assert {"-1", "0", "1"} == set(signs)

    flat = tall + [random_matrix(rng, size, size + 1) for size in (1, 2, 3, 4, 5, 6) for _ in range(60)]
    found = 0
    for rows, answer in zip(flat, calculate([asked("null_vector", rows) for rows in flat]), strict=True):
        if len(reduced(rows)[1]) != len(rows[0]) - 1:
            assert answer == "none"
            continue
        vector = [int(word, 16) for word in answer.split()]
        assert all(sum(a * b for a, b in zip(row, vector, strict=True)) == 0 for row in rows)
        assert math.gcd(*vector) % 2 == 1
        assert next(v for v in reversed(vector) if v) > 0
        found += 1
    assert found > 200


def test_dot_and_primitive(calculate):
    rng = random.Random(19)
    couples = [random_matrix(rng, 2, rng.randint(1, 6)) for _ in range(500)]
    for a, _ in couples[::2]:  # products that cancel up to one
        a[-1] = 1
    couples = [
        [a, [*b[:-1], -sum(x * y for x, y in zip(a[:-1], b[:-1], strict=True)) + k % 3 - 1]]
        for k, (a, b) in enumerate(couples)
    ]
    values = [sum(x * y for x, y in zip(a, b, strict=True)) for a, b in couples]
    answers = calculate([asked("dot", couple) for couple in couples])
    assert answers == [str((v > 0) - (v < 0)) for v in values]
    vectors = [[v * factor for v in a] for a, _ in couples for factor in (1, 12, 2**70, -(3**50))] + [
        [0, 0],
        [0, -6, 9],
    ]
    for vector, answer in zip(vectors, calculate([f"primitive {text(*v)}" for v in vectors]), strict=True):
        divisor = math.gcd(*vector) or 1
        assert answer == text(*(v // divisor for v in vector))
