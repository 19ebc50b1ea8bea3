"""The families of `tools/stress.py` beyond random networks: hard numbers, polyhedra, certificate mutants.

Each trial has a family, a seed and a number, by which it can be made again alone.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from polyhedra.errors import PuiseuxError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational
from puiseux.certificates.certificate import verify_certificate, write_certificate
from tests.oracles.extreme_networks import FAMILIES as NUMBERS
from tests.oracles.extreme_networks import disagreements, draw
from tests.polyhedra.test_rows_that_say_nothing import with_more_rows
from tests.puiseux.certificates.test_certificate_mutations import DAMAGES

MILP_EVERY, CERTIFICATE_EVERY = 40, 5
MUTANTS = 40  # of one certificate

Trial = Callable[[random.Random, Counter[str]], list[str]]


def hard_numbers(family: str) -> Trial:
    """A network with numbers of a family, by every engine and mode, against the naive oracle."""

    def trial(rng: random.Random, outcomes: Counter[str]) -> list[str]:
        example = draw(family, rng)
        milp = rng.randrange(MILP_EVERY) == 0
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) if rng.randrange(CERTIFICATE_EVERY) == 0 else None
            return [f"{text} of {example}" for text in disagreements(example, outcomes, milp=milp, folder=place)]

    return trial


def polyhedra(rng: random.Random, outcomes: Counter[str]) -> list[str]:
    """A polyhedron, and the same with rows that say nothing new: every answer is the same."""
    outcomes["examples"] += 1
    dim, number = rng.randint(1, 3), NUMBERS[rng.choice(list(NUMBERS))]
    A = [[rational(number(rng)) for _ in range(dim)] for _ in range(rng.randint(1, 6))]
    b = [rational(number(rng)) for _ in A]
    plain, more = Polyhedron(A, b), Polyhedron(*with_more_rows(rng, A, b))
    found = []
    for name in ("dimension", "is_full_dimensional", "is_bounded", "irredundant", "vertices", "rays", "volume"):
        one, two = getattr(plain, name)(), getattr(more, name)()
        outcomes[f"{name}: equal"] += one == two
        if one != two:
            found.append(f"{name}: {one} and {two} of {A} {b}")
    return found


def mutants(rng: random.Random, outcomes: Counter[str]) -> list[str]:
    """Damaged certificates of one network: each is refused, or proves the same counts."""
    example = draw(rng.choice(list(NUMBERS)), rng)
    network, domain = example.network(), example.domain()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.cert"
        truth = write_certificate(network, path, domain).counts
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        outcomes["examples"] += 1
        for _ in range(MUTANTS):
            damage = rng.choice(DAMAGES)
            try:
                damaged = damage(rng, lines)
            except (IndexError, ValueError):
                continue  # this certificate has nothing of the kind
            path.write_text("".join(json.dumps(line) + "\n" for line in damaged))
            try:
                verdict = verify_certificate(path, network, domain)
            except PuiseuxError:
                outcomes["mutants: refused"] += 1
                continue
            outcomes[f"mutants: {'proves the same' if verdict.valid else 'refused'}"] += 1
            if verdict.valid and verdict.counts != truth:
                found.append(f"{damage.__name__} proves {verdict.counts} where {truth} is right: {damaged}")
    return found


FAMILIES: dict[str, Trial] = {
    **{f"{family}, all engines and modes": hard_numbers(family) for family in NUMBERS},
    "polyhedra with rows that say nothing": polyhedra,
    "certificate mutants": mutants,
}

__all__ = ["FAMILIES"]
