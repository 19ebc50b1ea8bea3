"""Help: terms explained with examples that run, unknown words answered, words completed, pipes left quiet."""

from __future__ import annotations

import doctest
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import puiseux
from nn_bridge.region_count import RegionCount
from puiseux.commands import COMMANDS
from puiseux.commands.options import Command
from puiseux.console.cli import COMPLETION_VARIABLE, run
from puiseux.console.glossary import TOPICS, Topic, topic
from puiseux.console.suggestions import with_suggestion
from puiseux.console.topic_names import OTHER_NAMES

TENT = puiseux.Network.from_layers([[[2], [4]], [[1, -1]]], [[0, -2], [0]])


# -------------------------------------------------------------------- explain


@pytest.mark.parametrize("each", TOPICS.values(), ids=TOPICS)
def test_every_topic_is_sound(each: Topic, capsys: pytest.CaptureFixture[str]) -> None:
    assert all(name in TOPICS for name in each.see)
    assert len(each.summary) <= 90
    test = doctest.DocTestParser().get_doctest(each.example + "\n", {"puiseux": puiseux}, each.name, None, 0)
    results = doctest.DocTestRunner().run(test)
    assert results.failed == 0
    assert results.attempted == each.example.count(">>> ")
    capsys.readouterr()
    assert run(["explain", each.name]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{each.name}: {each.summary}\n")
    assert each.text in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 130


def test_every_count_is_explained() -> None:
    counts = RegionCount(1, 1, 1, 1, "cells", "all", True, True, 0.0).counts
    assert {*counts, "patterns_any_dimension"} <= set(TOPICS)
    assert set(OTHER_NAMES.values()) <= set(TOPICS)
    assert not set(OTHER_NAMES) & set(TOPICS)


def test_all_topics_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(TOPICS)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Linear Regions", "regions"),
        ("regions-by-point", "regions_by_point"),
        ("native", "monomial"),
        ("Hoffman", "hoffman"),
        ("decision boundary", "decision_boundary"),
        ("Lipschitz constant", "lipschitz"),
        ("verify a property", "property"),
        ("tropical curve and dual subdivision", "tropical_curve"),
        ("Betti", "topology"),
        ("Euler number", "topology"),
        ("critical points", "persistence"),
        ("max-plus", "polynomial"),
        ("effective radius", "hoffman"),
        ("VNN-LIB", "property"),
        ("ReLU", "stage"),
        ("general position", "generic"),
        ("orthant", "injective"),
        ("descents", "estimate"),
        ("lower median", "statistics"),
    ],
)
def test_topics_are_found_by_what_people_say(asked: str, found: str) -> None:
    assert topic(asked).name == found


@pytest.mark.parametrize(("asked", "meant"), [("hofman", "'hoffman'"), ("celss", "'cells'"), ("monomal", "'monomial'")])
def test_a_misspelt_topic_is_suggested(asked: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", asked]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"did you mean {meant}?" in captured.err
    assert run(["explain", "qqqqqq"]) == 2
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_examples_run_in_every_shell(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    for example in command.examples:
        plain = re.sub(r"'[^']*'|\"[^\"]*\"", "", example)
        assert not set("[]{}?;<()$~") & set(plain.replace(" > ", "")), f"quote it: {example}"
        assert all(re.match(r"puiseux \w+", part) for part in example.split(" && "))
    assert run([command.name, "--help"]) == 0
    shown = capsys.readouterr().out
    for example in command.examples:
        assert f"  {example}\n" in shown


# -------------------------------------------------------------------- suggestions


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("cuont net.npz", "'count'"),
        ("simplfy net.npz", "'simplify'"),
        ("count --jsn net.npz", "'--json'"),
        ("plot --domian all net.npz", "'--domain'"),
        ("--versoin", "'--version'"),
        ("count NET --engine cell", "'cells'"),
        ("count NET --engine sign_vectors", "'sign-vectors'"),
        ("simplify NET --format latx", "'latex'"),
        ("plot NET -o p.png --kind hyperplane", "'hyperplanes'"),
        ("plot NET -o p.png --color clas", "'class'"),
        ("random 2,1 -o n.npz --init othogonal", "'orthogonal'"),
    ],
)
def test_unknown_words_are_answered(
    line: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    puiseux.save(TENT, "net.json")
    assert run(["net.json" if word == "NET" else word for word in line.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"puiseux: [^\n]+\n", captured.err)
    assert f"; did you mean {meant}?" in captured.err


@pytest.mark.parametrize(
    "message",
    [
        "there is no engine 'xyzzy'; take one of auto, cells",
        "net.npz: there is no such file; check the path",
        "there is no output 7; the network has outputs 0..0",
        "something else",
    ],
)
def test_nothing_is_suggested_where_nothing_is_near(message: str) -> None:
    assert with_suggestion(message) == message


# -------------------------------------------------------------------- completion


def completions(words: str, number: int) -> list[str]:
    asked = {COMPLETION_VARIABLE: "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    command = [sys.executable, "-m", "puiseux"]
    done = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_words_are_completed() -> None:
    assert {"count", "compare"} <= set(completions("puiseux co", 1))
    assert completions("puiseux count --en", 2) == ["--engine"]
    assert completions("puiseux count net.npz --engine si", 4) == ["sign-vectors"]
    assert completions("puiseux explain regions_", 2) == ["regions_by_point"]
    assert completions("puiseux plot --kind hy", 3) == ["hyperplanes"]


@pytest.mark.parametrize(
    ("shell", "line", "answer"),
    [
        ("zsh", "puiseux count net.npz --engine s", """_arguments '*: :(("sign-vectors"))'"""),
        ("zsh", "puiseux suite e", """_arguments '*: :(("export"))'"""),
        ("zsh", "puiseux count ", "_files"),
        ("fish", "puiseux count net.npz --engine s", "sign-vectors"),
        ("fish", "puiseux ver", "verify\tCheck a certificate."),
    ],
)
def test_other_shells_are_answered_in_their_way(shell: str, line: str, answer: str) -> None:
    asked = {COMPLETION_VARIABLE: f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    if shell == "fish":
        asked["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    command = [sys.executable, "-m", "puiseux"]
    done = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (answer, "")


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".bash_completions/puiseux.sh"),
        ("zsh", ".zfunc/_puiseux"),
        ("fish", ".config/fish/completions/puiseux.fish"),
    ],
)
def test_completion_is_installed_for_a_shell(shell: str, place: str, tmp_path: Path) -> None:
    surroundings = {**os.environ, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    command = [sys.executable, "-m", "puiseux", "--install-completion", shell]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    script = tmp_path / place
    assert COMPLETION_VARIABLE in script.read_text()
    if shell == "bash":
        assert str(script) in (tmp_path / ".bashrc").read_text()
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(script)], check=True)


# -------------------------------------------------------------------- terminals and pipes


def on_a_terminal(arguments: list[str]) -> tuple[int, str]:
    """The exit code and what a person would see on stderr."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "puiseux", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm"},
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                ready = select.select([ours], [], [], 60)[0]
                part = os.read(ours, 4096) if ready else b""
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        os.close(ours)
        return process.wait(), seen.decode(errors="replace")


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    net, page = tmp_path / "net.json", tmp_path / "page.html"
    puiseux.save(TENT, net)
    arguments = ["report", str(net), "-o", str(page)]
    code, seen = on_a_terminal(arguments)
    assert code == 0
    assert "Pictures .." in seen, "the longest step is shown; shorter ones may be over before the mark turns"
    assert "\x1b[" in seen
    done = subprocess.run([sys.executable, "-m", "puiseux", *arguments], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", f"wrote {page}\npuiseux: replaced {page}, which was there\n")


def test_without_stderr_nothing_of_it_goes_to_stdout(tmp_path: Path) -> None:
    net = tmp_path / "net.json"
    puiseux.save(TENT, net)
    command = f"{sys.executable} -m puiseux reduce {net} -o {tmp_path / 'out.json'} --json 2>&-"
    done = subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, text=True, check=True)
    assert json.loads(done.stdout)["complete"] is True


def test_every_command_is_in_the_help_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^  {command.name} +{re.escape(command.summary)}$", shown, re.MULTILINE), command.name
    assert "puiseux explain" in shown
