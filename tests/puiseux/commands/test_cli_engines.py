"""The engines ``sign-vectors`` and ``milp`` from the command line and from Python, beside the exact one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import puiseux
from polyhedra.errors import UsageError
from puiseux.console.cli import run

NETS = Path(__file__).parents[2] / "data" / "nets"
GENERIC = str(NETS / "d2_10_5_1_s0.npz")
DEGENERATE = puiseux.Network.from_layers([[[1, 0], [0, 1], [1, 1], [1, -1]], [[1, 1, 1, 1]]], [[0, 0, 0, 0], [0]])


def printed(capsys: pytest.CaptureFixture[str], *line: str) -> dict:
    assert run(["count", *line, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("engine", ["sign-vectors", "milp"])
def test_agrees_with_the_exact_engine(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    if engine == "milp":
        pytest.importorskip("cvxpy", reason="an optional engine")
    exact = printed(capsys, GENERIC, "--domain", "box:-1,1")
    other = printed(capsys, GENERIC, "--domain", "box:-1,1", "--engine", engine)
    assert other["counts"]["cells"] == exact["counts"]["cells"]
    assert (other["engine"], other["exact"], other["complete"]) == (engine, False, True)
    assert other["counts"]["regions"] is None


@pytest.mark.parametrize("name", ["d2_16_16_1_s0", "d3_16_16_1_s0", "bunny_d2_2x50"])
@pytest.mark.parametrize("half", [1, 10])
def test_sign_vectors_on_larger_networks(name: str, half: int) -> None:
    network = puiseux.load(NETS / f"{name}.npz")
    counted = puiseux.count_regions(network, f"box:-{half},{half}", "sign-vectors")
    assert counted.cells == puiseux.count_regions(network, f"box:-{half},{half}", counts="cells").cells


def test_a_degenerate_network_is_reported_refused_or_handed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "degenerate.json"
    puiseux.save(DEGENERATE, path)
    line = (str(path), "--domain", "box:-1,1", "--engine", "sign-vectors")
    reported = printed(capsys, *line)
    assert reported["counts"]["cells"] is None
    assert "not generic" in reported["reason"]
    handed = printed(capsys, *line, "--on-degenerate", "exact")
    assert handed["counts"]["cells"] == puiseux.count_regions(DEGENERATE, "box:-1,1").cells == 8
    assert run(["count", *line, "--on-degenerate", "raise"]) == 2
    assert "not generic" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["sign-vectors", "milp"])
def test_the_whole_space_is_refused_with_advice(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["count", GENERIC, "--engine", engine]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "bounded domain" in captured.err


def test_wrong_words() -> None:
    with pytest.raises(UsageError, match="on-degenerate is one of"):
        puiseux.count_regions(DEGENERATE, "box:-1,1", "sign-vectors", on_degenerate="perhaps")
    with pytest.raises(UsageError, match="no option on-degenerate"):
        puiseux.count_regions(DEGENERATE, "box:-1,1", "cells", on_degenerate="exact")


def test_the_nested_form_is_told_where_it_is_shorter() -> None:
    network = puiseux.random_network([2, 6, 4, 1], rng=1)
    formula = puiseux.simplify(network, search=False)
    (nested,) = formula.nested()
    assert nested is not None
    assert len(nested) < len(formula.to_text())
    plain = puiseux.simplify(puiseux.Network.from_layers([[[1]], [[1]]]))
    assert plain.nested() == (None,)
