"""Formulas of bounds become well-formed mathematics; words stay words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import puiseux
from puiseux.report.bound_formulas import bound_mathml

BOUNDS = puiseux.region_bounds(puiseux.random_network([2, 6, 6, 1], rng=0))
FORMULAS = sorted({each.formula for each in (*BOUNDS.upper, *BOUNDS.lower)})


def text_of(formula: str) -> str:
    return "".join(ElementTree.fromstring(bound_mathml(formula)).itertext())


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_formula_of_the_report_is_well_formed(formula: str) -> None:
    shown = bound_mathml(formula)
    if re.search(r"\b(with|of|after|for)\b", formula):  # words, not mathematics
        assert shown == formula
        return
    found = ElementTree.fromstring(shown)
    words = set("".join(found.itertext()))
    assert not words & set("_^{}/")
    assert len(list(found.iter("mi"))) + len(list(found.iter("mn"))) >= 3


def test_parts_are_where_they_belong() -> None:
    assert text_of("prod_{l<L} (floor(n_l/n_0)+1)^n_0") == "∏l<L(⌊nln0⌋+1)n0"
    tree = ElementTree.fromstring(bound_mathml("sum_{j<=min(n_0..n_{l-1})} C(n_l,j)"))
    (under,) = tree.iter("munder")
    assert "".join(under.itertext()) == "∑j≤min(n0…nl−1)"
    (binomial,) = tree.iter("mfrac")
    assert ["".join(part.itertext()) for part in binomial] == ["nl", "j"]
    assert binomial.get("linethickness") == "0"
    assert bound_mathml("a <script> b") == "a &lt;script&gt; b"
