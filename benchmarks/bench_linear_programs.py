"""Certified linear programs against cdd.gmp, measured alternately on the same systems.

Run with ``python benchmarks/bench_linear_programs.py``; needs pycddlib.  Times are CPU microseconds a program, medians
over rounds.  Ours: over a prepared `System` the proven verdict; the same with all exact numbers (value, point,
multipliers) read; from float64 arrays and from rows of rationals, numbers read too; and `interior_of` a prepared
system, with its exact witness or proof.  For cdd the matrix is prepared and only ``linprog_from_matrix`` and
``linprog_solve`` are timed; once more from rows of fractions; and for the program that decides whether there are
interior points.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import cdd
import cdd.gmp
import numpy as np

from polyhedra import Infeasible, InteriorPoint, Optimal, System, Unbounded, interior_of, maximize, maximize_over
from polyhedra.linear_program import proposal
from polyhedra.scalars import rational_rows, rationals


def random_system(d: int, m: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows around a random centre with 53-bit numbers; nearly all have an optimum."""
    A = rng.standard_normal((m, d))
    return A, A @ (0.1 * rng.standard_normal(d)) + rng.uniform(0.1, 2.0, m), rng.standard_normal(d)


def degenerate_system(d: int, m: int, rng: random.Random) -> tuple[list[list[int]], list[int], list[int]]:
    """Small integers and right-hand sides that are mostly zero: many rows through one point, duplicates, zero rows."""
    A = [[rng.randint(-2, 2) for _ in range(d)] for _ in range(m)]
    return A, [rng.choice([0, 0, 0, 1, 2]) for _ in range(m)], [rng.randint(-2, 2) for _ in range(d)]


def cdd_matrix(A: Sequence[Sequence[Any]], b: Sequence[Any], c: Sequence[Any]) -> Any:
    """The system as cdd's matrix, with its objective."""
    rows = [[beta, *(-a for a in row)] for row, beta in zip(A, b, strict=True)]
    return cdd.gmp.matrix_from_array(
        rows, rep_type=cdd.RepType.INEQUALITY, obj_type=cdd.LPObjType.MAX, obj_func=[0, *c]
    )


def cdd_solve(matrix: Any) -> Any:
    """Solve one program with cdd's dual simplex method."""
    program = cdd.gmp.linprog_from_matrix(matrix)
    cdd.gmp.linprog_solve(program)
    return program


def read(answer: Any) -> Any:
    """Have every exact number of an answer computed."""
    return answer.multipliers if not isinstance(answer, Unbounded) else answer.direction


def slack_system(A: Sequence[Sequence[Any]], b: Sequence[Any]) -> tuple[list[list[Any]], list[Any], list[int]]:
    """The program that decides whether a system has interior points: max t, A x + t <= b, t <= 1."""
    d = len(A[0])
    return [*([*row, 1] for row in A), [0] * d + [1]], [*b, 1], [0] * d + [1]


def microseconds(calls: Sequence[Callable[[], Any]]) -> float:
    """CPU time of all calls, per call."""
    start = time.process_time()
    for call in calls:
        call()
    return (time.process_time() - start) / len(calls) * 1e6


def alternately(contestants: dict[str, Sequence[Callable[[], Any]]], rounds: int = 5) -> dict[str, float]:
    """The median time a call of each contestant, one after the other in every round."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, calls in contestants.items():
            times[name].append(microseconds(calls))
    return {name: statistics.median(values) for name, values in times.items()}


def fractions(rows: Sequence[Sequence[Any]]) -> list[list[Fraction]]:
    return [[Fraction(value) for value in row] for row in rows]


def measure_random(d: int, m: int, count: int) -> None:
    rng = np.random.default_rng(1000 * d + m)
    programs = [random_system(d, m, rng) for _ in range(count)]
    exact = [(fractions(A), [Fraction(x) for x in b], [Fraction(x) for x in c]) for A, b, c in programs]
    matrices = [cdd_matrix(*program) for program in exact]
    interior_matrices = [
        cdd_matrix(fractions(rows), [Fraction(x) for x in right], objective)
        for rows, right, objective in (slack_system(A, b) for A, b, _ in exact)
    ]
    rational = [(rational_rows(A), rationals(b), rationals(c)) for A, b, c in exact]
    systems = [System(A, b) for A, b, _ in rational]
    objectives = [c for _, _, c in rational]
    for system in systems:
        system.floats()
    fallbacks = 0
    for system, c, matrix in zip(systems, objectives, matrices, strict=True):
        answer, reference = maximize_over(system, c), cdd_solve(matrix)
        assert isinstance(answer, Optimal) == (reference.status == cdd.LPStatusType.OPTIMAL)
        assert not isinstance(answer, Optimal) or answer.value == rationals([reference.obj_value])[0]
        fallbacks += proposal().maximize(system, c) is None
    contestants = {
        "cdd": [lambda matrix=matrix: cdd_solve(matrix) for matrix in matrices],
        "cdd from rows": [lambda p=p: cdd_solve(cdd_matrix(*p)) for p in exact],
        "cdd interior": [lambda matrix=matrix: cdd_solve(matrix) for matrix in interior_matrices],
        "prepared": [lambda s=s, c=c: maximize_over(s, c) for s, c in zip(systems, objectives, strict=True)],
        "read": [lambda s=s, c=c: read(maximize_over(s, c)) for s, c in zip(systems, objectives, strict=True)],
        "float arrays": [lambda A=A, b=b, c=c: read(maximize(c, A, b)) for A, b, c in programs],
        "rationals": [lambda A=A, b=b, c=c: read(maximize(c, A, b)) for A, b, c in rational],
        "interior": [lambda s=s: interior_of(s) for s in systems],
    }
    t = alternately(contestants)
    ratios = [
        t["cdd"] / t["prepared"],
        t["cdd"] / t["read"],
        t["cdd from rows"] / t["float arrays"],
        t["cdd from rows"] / t["rationals"],
        t["cdd interior"] / t["interior"],
    ]
    ours = " ".join(f"{t[name]:7.1f}" for name in ("prepared", "read", "float arrays", "rationals", "interior"))
    theirs = " ".join(f"{t[name]:7.0f}" for name in ("cdd", "cdd from rows", "cdd interior"))
    print(f"{d:2d} {m:4d} | {theirs} | {ours} | {' '.join(f'{x:5.1f}x' for x in ratios)} | {fallbacks}/{count}")


def measure_degenerate(d: int, m: int, count: int) -> None:
    rng = random.Random(1000 * d + m)
    programs = [degenerate_system(d, m, rng) for _ in range(count)]
    matrices = [cdd_matrix(*program) for program in programs]
    systems = [System(A, b) for A, b, _ in programs]
    objectives = [rationals(c) for _, _, c in programs]
    kinds = dict.fromkeys(("optimal", "unbounded", "infeasible", "interior", "no interior"), 0)
    fallbacks = interior_fallbacks = 0
    for system, c in zip(systems, objectives, strict=True):
        answer = maximize_over(system, c)
        kinds["optimal"] += isinstance(answer, Optimal)
        kinds["unbounded"] += isinstance(answer, Unbounded)
        kinds["infeasible"] += isinstance(answer, Infeasible)
        inside = isinstance(interior_of(system), InteriorPoint)
        kinds["interior" if inside else "no interior"] += 1
        fallbacks += proposal().maximize(system, c) is None
        interior_fallbacks += proposal().interior(system) is None
    t = alternately(
        {
            "cdd": [lambda matrix=matrix: cdd_solve(matrix) for matrix in matrices],
            "prepared": [lambda s=s, c=c: read(maximize_over(s, c)) for s, c in zip(systems, objectives, strict=True)],
            "interior": [lambda s=s: interior_of(s) for s in systems],
        },
        rounds=3,
    )
    answers = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    speedups = f"{t['cdd'] / t['prepared']:6.0f}x"
    print(
        f"{d:2d} {m:4d} | {t['cdd']:8.0f} | {t['prepared']:8.1f} {t['interior']:8.1f} | {speedups} "
        f"| {fallbacks}/{count} {interior_fallbacks}/{count} | {answers}"
    )


def main() -> None:
    print("random 53-bit systems, CPU microseconds a program")
    print(" d    m |     cdd +matrix cdd int | verdict    read  floats rationl interio | ratios, same order | fallback")
    for d, m, count in ((2, 50, 100), (3, 50, 100), (5, 50, 60), (8, 50, 40), (3, 500, 10)):
        measure_random(d, m, count)
    print("degenerate integer systems; fallbacks of maximize and of interior")
    print(" d    m |      cdd | prepared interior |  ratio | fallbacks | answers")
    for d, m, count in ((2, 12, 300), (3, 12, 300), (3, 50, 300), (5, 12, 300), (5, 50, 200), (8, 20, 100)):
        measure_degenerate(d, m, count)


if __name__ == "__main__":
    main()
