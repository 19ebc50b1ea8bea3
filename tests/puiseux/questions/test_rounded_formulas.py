"""Formulas of rounded networks: what rounding changes, decimals, forms layer by layer, limits and progress."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

import puiseux
from polyhedra.errors import NetworkError
from polyhedra.scalars import decimal_text, rounded_up
from puiseux.console.cli import run
from tropical.parsing import parse

LONG = puiseux.random_network([2, 3, 2, 1], rng=3)


@pytest.fixture
def net(tmp_path: Path) -> str:
    puiseux.save(LONG, tmp_path / "net.json")
    return str(tmp_path / "net.json")


@pytest.mark.parametrize("places", [{"digits": 1}, {"digits": 3}, {"bits": 4}], ids=str)
def test_the_formula_is_that_of_the_rounded_network(places: dict[str, int]) -> None:
    rounded = LONG.round(**places)
    found = puiseux.simplify(LONG, search=False, **places)
    assert found.network == rounded
    change = puiseux.largest_difference(LONG, rounded, "box:-1,1")
    assert found.rounding is not None
    assert found.rounding.difference.value == change.value > 0
    assert found.rounding.difference.domain == "box:-1,1"
    function = parse(found.to_text(), 2)
    rng = np.random.default_rng(0)
    for point in rng.integers(-50, 50, size=(20, 2)):
        x = [fmpq(int(v), 17) for v in point]
        assert function(x) == rounded.evaluate(x)[0]
        inside = [v / 3 for v in x]
        if max(map(abs, inside)) <= 1:
            assert abs(LONG.evaluate(inside)[0] - rounded.evaluate(inside)[0]) <= change.value
    assert "/" not in found.to_text(), "multiples of 1/10 or 1/2 have exact decimals, and so have their products"
    assert "/" not in found.to_latex()


def test_every_entry_is_rounded_to_the_nearest_multiple() -> None:
    entries = [fmpq(1, 3), fmpq(-7, 9), fmpq(5, 2), fmpq(3, 20), fmpq(1, 4)]
    net = puiseux.Network.from_layers([[entries]])
    for places, unit in (({"digits": 1}, fmpq(1, 10)), ({"bits": 3}, fmpq(1, 8))):
        row = net.round(**places).output.block(0)[0]
        for before, after in zip(entries, row, strict=True):
            assert abs(before - after) <= unit / 2
            assert (after / unit).q == 1
    assert net.round(digits=1).output.block(0)[0][3] == fmpq(1, 5), "half to even"
    for wrong in ({}, {"bits": 1, "digits": 1}, {"digits": -1}, {"bits": 5000}):
        with pytest.raises(NetworkError, match=r"give one of the two|give 0 to"):
            net.round(**wrong)


def test_decimals_and_bounds_are_exact() -> None:
    assert [decimal_text(fmpq(*v)) for v in ((1, 8), (-5, 4), (7, 1), (1, 3), (1, 1000))] == [
        "0.125", "-1.25", "7", "1/3", "0.001"]  # fmt: skip
    for p, q in ((1, 3), (-1, 3), (2, 7), (10**30 + 1, 3), (1, 10**30)):
        assert puiseux.rational(rounded_up(fmpq(p, q), 6)) >= fmpq(p, q)


def test_the_command_says_what_rounding_changes(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simplify", net, "--digits", "2", "--no-search"]) == 0
    out, err = capsys.readouterr()
    assert "/" not in out
    assert "rounded to 2 digits: on box:-1,1 no output changes by more than 0.0" in err
    assert "  that much at (" in err
    assert run(["simplify", net, "--bits", "3", "--no-search", "--format", "json", "--domain", "box:0,1"]) == 0
    rounded = json.loads(capsys.readouterr().out)["rounded"]
    assert (rounded["digits"], rounded["bits"], rounded["domain"]) == (None, 3, "box:0,1")
    change = puiseux.largest_difference(LONG, LONG.round(3), "box:0,1")
    assert puiseux.rational(rounded["difference"]) == change.value
    assert run(["simplify", net, "--digits", "1", "--no-search", "--domain", "all"]) == 0
    assert "outputs change without bound (proven); give a bounded --domain" in capsys.readouterr().err


def test_nested_is_chosen(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simplify", net, "--nested", "--digits", "1"]) == 0
    out, err = capsys.readouterr()
    assert "max(" in out
    assert out.count("max(") > 2
    assert "rounded to 1 digit" in err
    function, rounded = parse(out, 2), LONG.round(digits=1)
    for x in ([0, 0], [1, "1/3"], [-5, 2], [7, 7]):
        assert function([puiseux.rational(v) for v in x]) == rounded.evaluate(x)[0]
    assert run(["simplify", net, "--nested", "--format", "latex"]) == 0
    assert r"\max\left(" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--digits 2 --bits 3", "--digits and --bits both round the network; give one of them"),
        ("--domain box:0,1", "--domain says where to tell what rounding changes; give --digits or --bits too"),
        ("--nested --format json", "--nested writes text, latex, sympy, not json"),
        ("--time-limit 0", "a time limit of 0.0 s leaves no time"),
        ("--digits x", "--digits: 'x' is not a whole number"),
    ],
)
def test_refusals(words: str, said: str, net: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simplify", net, *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_the_limit_is_a_minute_unless_it_is_lifted(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[Any] = []
    known = puiseux.questions.formula.simplify

    def watched(*arguments: Any, **options: Any) -> Any:
        limits.append(options["time_limit"])
        return known(*arguments, **options)

    monkeypatch.setattr(puiseux.questions.formula, "simplify", watched)
    for words in ([], ["--time-limit", "inf"], ["--time-limit", "7"]):
        assert run(["simplify", net, "--no-search", *words]) == 0
    assert limits == [60.0, None, 7.0]


def test_steps_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    steps: list[str] = []
    puiseux.simplify(LONG, progress=steps.append)
    assert steps[0] == "Finding the terms"
    assert any(step.startswith("Linear program 2 of at most ") for step in steps)
    assert steps[-1].startswith("Proving how short it can be: ")
    puiseux.simplify(LONG, progress=True)
    assert "Finding the terms .." in capsys.readouterr().err
    puiseux.count_regions(LONG, progress=True)
    puiseux.count_regions(LONG, engine="tropical", progress=True)


def test_a_long_formula_is_cut_on_a_terminal_only(tmp_path: Path) -> None:
    net = tmp_path / "long.npz"
    puiseux.save(puiseux.random_network([2, 6, 4, 1], rng=0), net)
    words = [sys.executable, "-m", "puiseux", "simplify", str(net), "--no-search"]
    piped = subprocess.run(words, capture_output=True, text=True, check=True)
    assert len(piped.stdout) > 4000
    ours, theirs = pty.openpty()
    with subprocess.Popen(words, stdout=theirs, stderr=subprocess.PIPE, text=True) as process:
        os.close(theirs)
        seen = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            seen += part
        assert process.stderr is not None
        said = process.stderr.read()
    os.close(ours)
    shown = seen.decode().strip()
    assert len(shown) <= 2010
    assert shown.endswith(", ..")
    assert piped.stdout.startswith(shown[:-4])
    assert f"output 0: cut here; all {len(piped.stdout) - 1:,} characters by -o FILE" in said
    assert " terms - " in said


@pytest.mark.parametrize("places", [1.5, "2", 2.0])
def test_places_are_whole_numbers(places: object) -> None:
    net = puiseux.Network.from_layers([[["1/3"]]])
    with pytest.raises(NetworkError, match="give a whole number"):
        net.round(digits=places)  # type: ignore[arg-type]
    with pytest.raises(NetworkError, match="give a whole number"):
        puiseux.simplify(net, bits=places)  # type: ignore[arg-type]
    assert net.round(digits=np.int64(2)) == net.round(digits=2)
