"""Run a program over the reference suite, one process for each network."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from nn_bridge.readers.json import read_json
from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, shown_steps
from polyhedra.quoting import quoted, shown
from puiseux.suite.answers import COUNTS, DOMAINS
from puiseux.suite.manifest import SuiteTask, read_manifest
from puiseux.suite.report import REFUSED, RIGHT, TIMED_OUT, WRONG, SuiteAnswer, SuiteRun

_MOST_OUTPUT = 10_000_000  # bytes of stdout that are looked at
_NOT_STARTED = (126, 127)  # by which shells say that a program cannot be run or is not there
_NOT_LOADED = (
    "ModuleNotFoundError:",
    "ImportError:",
    "SyntaxError:",
    "IndentationError:",
)  # of Python, before any work
_SHUTDOWN = 2.0  # seconds that a killed program's pipes get to close
_PLACE = re.compile(r"\{(net|json|npz|n|box|domain)\}")


@checked_options
def run_suite(
    directory: str | PathLike[str],
    command: str,
    *,
    domain: str = "all",
    bare: str = "cells",
    timeout: float = 60.0,
    families: Sequence[str] | None = None,
    watch: Callable[[SuiteAnswer], None] | None = None,
    progress: Steps = None,
) -> SuiteRun:
    """Run a program over an exported suite, one process for each network.

    Parameters
    ----------
    directory : path
        What `puiseux.suite.export_suite` wrote.
    command : str
        A command line, split as a shell would but run without one.  ``{net}`` stands for the network file (.npz where
        float64 holds it exactly, else .json), ``{json}`` and ``{npz}`` for a file of this format (a network that has
        none is refused), ``{n}`` for the number of inputs, ``{box}`` for ``LO,HI`` and ``{domain}`` for the domain as
        puiseux writes it.
    domain : {"all", "box"}
        Whether the counts on R^n or on each network's box are expected.
    bare : str
        The definition that a bare integer answers.
    timeout : float
        Seconds for each network.
    families : sequence of str, optional
        Only these.
    watch : callable, optional
        Called with each answer.
    progress : bool or callable, optional
        True shows on stderr which network is asked; a callable gets a text.

    Raises
    ------
    UsageError
        The folder is no complete suite or was changed, the command names no network or cannot be started.

    Notes
    -----
    The program prints a bare integer or a JSON object with some of the definitions as keys (or with such an object
    under ``"counts"``, as ``puiseux count --json`` prints it); null stands for a count that it does not give.  A
    non-zero exit code or an answer without numbers is a refusal; a program that cannot start at the first network is an
    error.
    """
    if domain not in DOMAINS:
        raise UsageError(f"domain is one of {', '.join(DOMAINS)}, not {quoted(domain)}")
    if bare not in COUNTS:
        raise UsageError(f"a bare integer answers one of {', '.join(COUNTS)}, not {quoted(bare)}")
    if not timeout > 0:
        raise UsageError(f"a timeout of {timeout} s leaves no time; give a positive number of seconds")
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"the command cannot be split into words: {shown(error)}; check its quotes") from None
    if not any(place in command for place in ("{net}", "{json}", "{npz}")):
        raise UsageError('the command names no network; write {net} where its file belongs: --command "counter {net}"')
    folder = Path(directory)
    tasks = read_manifest(folder)
    if families is not None:
        known = {task.family for task in tasks}
        for family in families:
            if family not in known:
                raise UsageError(f"there is no family {quoted(family)}; take some of {', '.join(sorted(known))}")
        tasks = [task for task in tasks if task.family in families]
    answers = []
    with shown_steps(progress) as step:
        for number, task in enumerate(tasks, 1):
            step(f"Network {number} of {len(tasks)}: {shown(task.name)}")
            answer = _ask(task, folder, words, domain, bare, timeout, number == 1)
            if watch is not None:
                watch(answer)
            answers.append(answer)
    return SuiteRun(command, domain, tuple(answers))


def _ask(
    task: SuiteTask, folder: Path, words: Sequence[str], domain: str, bare: str, timeout: float, first: bool
) -> SuiteAnswer:
    """The answer for one network; where it is the first, a program that cannot even start is an error."""
    expected = task.counts[domain]
    files = {form: folder / "networks" / f"{task.name}.{form}" for form in ("json", "npz")}
    try:
        intact = read_json(files["json"]).digest() == task.digest
    except PuiseuxError as error:
        raise UsageError(f"{error}; export the suite again") from None
    if not intact:
        raise UsageError(f"{files['json']}: is not the network of the manifest; export the suite again")
    if not task.npz and any("{npz}" in word for word in words):
        return SuiteAnswer(task.name, task.family, REFUSED, {}, expected, 0.0, "float64 does not hold this network")
    low, high = task.box
    values = {
        "net": str(files["npz" if task.npz else "json"]),
        "json": str(files["json"]),
        "npz": str(files["npz"]),
        "n": str(task.input_dim),
        "box": f"{low},{high}",
        "domain": "all" if domain == "all" else f"box:{low},{high}",
    }
    arguments = [_PLACE.sub(lambda match: values[match[1]], word) for word in words]
    begun = time.perf_counter()
    outcome, output = _run(arguments, timeout, first)
    seconds = time.perf_counter() - begun
    if outcome != RIGHT:
        return SuiteAnswer(task.name, task.family, outcome, {}, expected, seconds, output)
    try:
        given = parse_answer(output, bare)
    except UsageError as error:
        return SuiteAnswer(task.name, task.family, REFUSED, {}, expected, seconds, str(error))
    answer = SuiteAnswer(task.name, task.family, RIGHT, given, expected, seconds)
    verdicts = [verdict for _, verdict in answer.verdicts()]
    if WRONG in verdicts:
        return SuiteAnswer(task.name, task.family, WRONG, given, expected, seconds)
    if not verdicts:
        return SuiteAnswer(task.name, task.family, REFUSED, given, expected, seconds, "nothing that can be judged")
    return answer


def _run(arguments: Sequence[str], timeout: float, first: bool) -> tuple[str, str]:
    """An outcome (`RIGHT` stands for an answer, whatever it says) and the output, or the reason."""
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that everything it starts can be ended with it
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"the command {quoted(arguments[0])} cannot be started: {reason}") from None
    try:
        output, complaint = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return TIMED_OUT, f"no answer after {timeout:g} s"
    finally:
        _end(process)
    if process.returncode:
        last = (complaint.decode(errors="replace").strip().splitlines()[-1:] or [""])[0][:200]
        if first and (process.returncode in _NOT_STARTED or last.startswith(_NOT_LOADED)):
            raise UsageError(f"the command does not run: {shown(last)} (exit code {process.returncode}); mend it first")
        return REFUSED, f"exit code {process.returncode}: {last}"
    return RIGHT, output[:_MOST_OUTPUT].decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass  # all of them have ended
    try:
        process.communicate(timeout=_SHUTDOWN)
    except subprocess.TimeoutExpired:  # something in a session of its own holds the pipes
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def parse_answer(output: str, bare: str = "cells") -> dict[str, int]:
    """The counts that a program printed.

    Raises
    ------
    UsageError
        There are none.

    Examples
    --------
    >>> parse_answer("12"), parse_answer('{"cells": 7, "regions": null}')
    ({'cells': 12}, {'cells': 7})
    """
    try:
        content = json.loads(output)
    except (ValueError, RecursionError):
        raise UsageError(f"printed neither an integer nor a JSON object: {quoted(output.strip())}") from None
    if isinstance(content, dict) and content.get("complete") is False:
        raise UsageError("called its answer incomplete")
    if isinstance(content, dict) and isinstance(content.get("counts"), dict):
        content = content["counts"]
    given = content if isinstance(content, dict) else {bare: content}
    counts = {key: value for key, value in given.items() if key in COUNTS and value is not None}
    for key, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise UsageError(f"gave {quoted(value, 40)} for {key}, which is no integer")
    if not counts:
        raise UsageError("gave no count")
    return counts
