"""How the command line refuses: one line on stderr with what and how to mend it, nothing on stdout, exit code 2."""

from __future__ import annotations

import re
import subprocess
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import puiseux.console.cli
from puiseux.commands import COMMANDS
from puiseux.console.cli import run

NETWORK_COMMANDS = [
    command.name
    for command in COMMANDS
    if next(iter(signature(command.function).parameters), None) in ("network", "networks", "first")
]
"""Those that read a network file."""


@pytest.fixture
def net(tmp_path: Path) -> str:
    path = tmp_path / "net.npz"
    np.savez(path, W0=[[1.0, -1.0], [2.0, 1.0]], b0=[0.0, 0.5], W1=[[1.0, -1.0]], b1=[0.0])
    return str(path)


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The message with which a command line is refused, checked for its form."""
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"puiseux: [^\n]+\n", captured.err), captured.err
    return captured.err.removeprefix("puiseux: ").rstrip("\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("foo", "no such command 'foo'; see 'puiseux --help'"),
        ("--foo", "see 'puiseux --help'"),
        ("count", "missing argument 'NETWORK'; see 'puiseux count --help'"),
        ("count NET --jso", "--json"),
        ("count NET --engine", "--engine"),
        ("count NET --engine magic", "there is no engine 'magic'; take one of auto, "),
        ("count NET --domain", "--domain"),
        ("count NET --domain sphere", "domain 'sphere' is none of all, box:"),
        ("count NET --domain box:1,0", "LO must be smaller than HI"),
        ("count NET --domain slice:nothing.json", "nothing.json: there is no such file"),
        ("count NET --output 1", "NET: there is no output 1; the network has output 0 alone"),
        ("count NET --output -1", "NET: there is no output -1"),
        ("count NET --output one", "--output is the number of an output, not 'one'"),
        ("lipschitz NET NET", "unexpected extra argument"),
        ("count nothing.npz", "nothing.npz: there is no such file"),
        ("count ./nothing.npz", "nothing.npz: there is no such file"),
        ("count net.onx", "net.onx: puiseux does not read files of type '.onx'"),
        ("reduce NET --time-limit 0", "a time limit of 0.0 s leaves no time"),
        ("plot NET -o p.png --time-limit nan", "a time limit of nan s leaves no time"),
        ("simplify", "missing argument 'NETWORK'"),
        ("simplify NET --format word", "there is no format 'word'; --format takes text, latex, sympy, json"),
        ("simplify NET --output 7", "NET: there is no output 7"),
        ("simplify nothing.json", "nothing.json: there is no such file"),
        ("monomials", "missing argument 'NETWORK'"),
        ("monomials NET --output 7", "NET: there is no output 7"),
        ("compare", "missing argument 'FIRST'"),
        ("compare NET", "missing argument 'SECOND'"),
        ("compare NET nothing.npz", "nothing.npz: there is no such file"),
        ("plot NET", "missing option '-o'"),
        ("plot NET -o picture.bmp", "picture.bmp: a picture ends in .png, .svg, .pdf, .html"),
        ("plot NET -o nowhere/picture.png", "nowhere/picture.png: cannot be written"),
        ("plot NET -o p.png --color-by mood", "there is no colouring 'mood'; take one of map, value, class"),
        ("plot NET -o p.png --kind mood", "there is no kind 'mood' of picture; take one of graph, regions, "),
        ("plot NET -o p.png --kind dual --window 1,0", "a window is one interval (low, high) with low < high"),
        ("plot NET -o p.png --window here", "the window 'here' is none of all, core, LO,HI"),
        ("plot NET -o p.png --data nothing.csv", "nothing.csv: there is no such file"),
        ("plot NET -o p.png --data net.npz", "net.npz: has no array X"),
        ("plot NET -o p.png --through nothing.csv", "nothing.csv: there is no such file"),
        ("plot NET -o p.png --through a.csv --domain box:0,1", "on a domain or through points, not both"),
        ("plot NET -o p.png --through a.csv --data b.csv", "data does not lie on the slice"),
        ("plot NET NET -o p.gif --through a.csv", "growth is drawn on a domain; give --domain slice:FILE"),
        ("plot NET NET -o p.png", "p.png: a picture ends in .gif, .html"),
        ("random 2,3", "missing option '-o'"),
        ("random -o net.npz", "missing argument 'ARCH'"),
        ("random 2,x -o net.npz", "'2,x' is not an architecture"),
        ("random 2,3 -o net.txt", "net.txt: puiseux does not write files of type '.txt'"),
        ("random 2,3 -o nowhere/net.npz", "nowhere/net.npz: cannot be written"),
        ("random 2,3 -o net.npz --init zero", "there is no initialisation 'zero'; take one of he, "),
        ("random 2,3 -o net.npz --seed -1", "--seed -1: give at least 0"),
        ("random 2,3 -o net.npz --seed x", "--seed: 'x' is not a whole number"),
    ],
)
def test_refusals(
    line: str,
    message: str,
    net: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [net if word == "NET" else word for word in line.split()]
    assert message.replace("NET: ", f"{net}: ") in refusal(words, capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


@pytest.mark.parametrize("command", NETWORK_COMMANDS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"hello", "is not an .npz archive"),
        (b"PK\x03\x04rubbish", "truncated or damaged"),
    ],
)
def test_files_that_are_no_network(
    command: str, content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    needed = {
        "plot": ["-o", str(tmp_path / "p.png")],
        "compare": [str(path)],
        "property": [str(path)],
        "explore": ["--at", "0"],
    }
    more = needed.get(command, [])
    text = refusal([command, str(path), *more], capsys)
    assert text.startswith(str(path))
    assert message in text


def test_help_of_every_command_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        assert run([command.name, "--help"]) == 0
        text = capsys.readouterr().out
        assert "Examples:\n" in text
        for example in command.examples:
            assert example in text
            assert example.split()[:2] == ["puiseux", command.name]


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    shown = capsys.readouterr().out
    assert all(command.summary in shown for command in COMMANDS)
    assert run(["-h"]) == 0
    assert capsys.readouterr().out == shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"puiseux {puiseux.__version__}\n"


def _raise(error: BaseException) -> Any:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise error

    return fail


def test_internal_errors_ask_for_a_report(
    net: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("puiseux.reading.load", _raise(ZeroDivisionError("two\nlines")))
    assert run(["count", net]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"puiseux: internal error: ZeroDivisionError: two lines at .*report it.*\n", captured.err)
    monkeypatch.setenv(puiseux.console.cli.DEBUG_VARIABLE, "1")
    assert run(["count", net]) == 4
    assert "Traceback" in capsys.readouterr().err


def test_interrupt(net: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("puiseux.reading.load", _raise(KeyboardInterrupt()))
    assert run(["count", net]) == 130
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "puiseux: interrupted\n")


def test_interrupt_while_modules_are_loaded() -> None:
    code = (
        "import sys; from puiseux.__main__ import main\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted()); sys.argv[1:] = ['count', 'net.npz']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "puiseux: interrupted\n")


def test_a_full_disk_is_no_bug(net: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "puiseux", "monomials", net]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "puiseux: cannot write the output: No space left on device\n"


def test_a_reader_that_has_seen_enough_is_no_error(net: str) -> None:
    command = [sys.executable, "-m", "puiseux", "monomials", net]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_the_process_leaves_with_the_exit_code() -> None:
    done = subprocess.run([sys.executable, "-m", "puiseux", "count"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "puiseux: missing argument 'NETWORK'; see 'puiseux count --help'\n"
