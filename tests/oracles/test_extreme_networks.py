"""Every engine and mode against the naive oracle on numbers at the ends of the float range and around them."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracles import extreme_networks
from tests.oracles.extreme_networks import FAMILIES, LARGE, PLAIN, TINY, Example, disagreements, draw

EXACT = ("cells", "cells, only cells", "cells, listed", "cells, points inside", "tropical")


def compare_all(examples: list[Example], folder: Path, certificates: int = 5) -> Counter[str]:
    """Compare each example; a certificate for every fifth, or so. Returns how many answers were compared."""
    outcomes: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # numpy's overflows are nothing for the user's eyes
        for number, example in enumerate(examples):
            found = disagreements(example, outcomes, folder=folder if number % certificates == 0 else None)
            assert not found, (found, example)
    return outcomes


@pytest.mark.parametrize("family", FAMILIES)
def test_engines_and_modes_agree_with_the_oracle(family: str, tmp_path: Path) -> None:
    rng = random.Random(f"short {family}")
    outcomes = compare_all([draw(family, rng) for _ in range(20)], tmp_path)
    assert all(outcomes[f"{name}: equal"] == 20 for name in EXACT)
    assert outcomes["certificate: equal"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_engines_and_modes_agree_with_the_oracle_on_many(family: str, tmp_path: Path) -> None:
    rng = random.Random(f"long {family}")
    outcomes = compare_all([draw(family, rng) for _ in range(100)], tmp_path, certificates=4)
    assert all(outcomes[f"{name}: equal"] == 100 for name in EXACT)


ENDS = st.sampled_from([Fraction(s * v) for v in (*LARGE, *TINY, *PLAIN) for s in (1, -1)])
NUMBERS = st.one_of(
    ENDS,
    st.builds(Fraction.__add__, ENDS, ENDS),
    st.builds(Fraction.__mul__, ENDS, ENDS),
    st.floats(allow_nan=False, allow_infinity=False).map(Fraction),
)
BOXES = st.sampled_from([None, Fraction(1), Fraction(10) ** 320, Fraction(1, 10**320), Fraction(10) ** 308])


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """Networks of one or two layers with numbers that Hypothesis chooses, so that it can make them simpler."""
    dim = draw(st.integers(1, 2))
    sizes = [dim, *draw(st.sampled_from([(2,), (3,), (2, 2), (3, 1)])), 1]
    weights, biases = [], []
    for columns, rows in pairwise(sizes):
        weights.append(tuple(tuple(draw(NUMBERS) for _ in range(columns)) for _ in range(rows)))
        biases.append(tuple(draw(NUMBERS) for _ in range(rows)))
    width = draw(BOXES)
    rows: list[tuple[tuple[Fraction, ...], Fraction]] = []
    for i in range(dim if width is not None else 0):
        for sign in (1, -1):
            rows.append((tuple(Fraction(sign * (i == j)) for j in range(dim)), width))  # type: ignore[arg-type]
    if rows and draw(st.booleans()):
        rows.insert(draw(st.integers(0, len(rows))), ((Fraction(0),) * dim, Fraction(draw(st.integers(0, 1)))))
    return Example(tuple(weights), tuple(biases), tuple(rows))


@given(examples())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_what_hypothesis_finds_at_the_ends(example: Example) -> None:
    assert disagreements(example, Counter()) == []


@pytest.mark.slow
@given(examples())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_hypothesis_finds_at_the_ends_in_a_longer_search(example: Example) -> None:
    assert disagreements(example, Counter()) == []


def test_the_oracle_finds_a_planted_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A count that is one too high does not pass."""

    class Wrong:
        cells = 7
        complete = True
        counts = dict.fromkeys(("cells", "regions", "regions_by_point", "affine_maps"), 7)

    monkeypatch.setattr(extreme_networks, "count_regions", lambda *args, **options: Wrong())
    found = disagreements(draw("long fractions", random.Random(3)), Counter())
    assert any(text.startswith("cells: ") for text in found)
    assert any(text.startswith("tropical: ") for text in found)
