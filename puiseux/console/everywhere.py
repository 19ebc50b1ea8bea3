"""Options of every command besides its own: write its answer to a file, be quiet, read standard input.

The options ``-o``, ``-q`` and ``--force`` are added to the function of a command here, so that they mean the same
everywhere.  A command that has an ``-o`` of its own keeps it.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from polyhedra.errors import UsageError
from polyhedra.quoting import shown_path
from puiseux.console.exit_codes import ExitCode

OTHER_OUTPUTS = {"convert": ("target",), "count": ("certificate",), "property": ("certificate",)}
"""Parameters of commands, besides their ``-o``, that name a file to write."""

NETWORKS = ("network", "networks", "first", "second", "source")
"""Parameters for which ``-`` is standard input."""

_OUT, _QUIET, _FORCE = "answer_file", "be_quiet", "replace_inputs"
_OutOption = Annotated[
    Path | None,
    typer.Option("-o", "--file", metavar="FILE", help="Write there what would be printed.", show_default=False),
]
_QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="No notes and no progress; errors are told.")]
_ForceOption = Annotated[bool, typer.Option("--force", help="Let a file that is written replace one that is read.")]


def with_options_of_all(name: str, function: Callable[..., int | None]) -> Callable[..., int | None]:
    """The function of a command with the options that all commands have."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    own = [key for key, hint in hints.items() if "-o" in _words_of(hint)]
    added: dict[str, tuple[Any, Any]] = {_QUIET: (_QuietOption, False)}
    if not any("--force" in _words_of(hint) for hint in hints.values()):
        added[_FORCE] = (_ForceOption, False)
    if not own:
        added = {_OUT: (_OutOption, None), **added}
    outputs = (*own, *OTHER_OUTPUTS.get(name, ()), *([] if own else [_OUT]))

    @wraps(function)
    def run(**given: Any) -> int | None:
        quiet, force = given.pop(_QUIET, False), given.pop(_FORCE, False)
        targets = [given[key] for key in outputs if given.get(key) is not None]
        inputs = {key: value for key, value in given.items() if key not in outputs}
        if not force:
            _refuse_inputs(targets, inputs)
        answer = given.pop(_OUT, None)
        for key in NETWORKS:
            if key in given:
                given[key] = _from_standard_input(given[key])
        with _quietly(quiet), _replacements_told(targets):
            return function(**given) if answer is None else _to_file(answer, lambda: function(**given))

    parameters = [parameter.replace(annotation=hints[key]) for key, parameter in signature.parameters.items()]
    parameters += [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
        for key, (hint, default) in added.items()
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {**hints, **{key: hint for key, (hint, _) in added.items()}}
    return run


def _words_of(hint: Any) -> tuple[str, ...]:
    """How an option is written."""
    words: list[Any] = []
    for each in getattr(hint, "__metadata__", ()):
        # typer keeps the first word where the default of an option used to be
        words += [getattr(each, "default", None), *(getattr(each, "param_decls", None) or ())]
    return tuple(word for word in words if isinstance(word, str))


# -------------------------------------------------------------------- files


def _refuse_inputs(targets: list[Any], inputs: Mapping[str, Any]) -> None:
    """Refuse to write a file that the same command reads."""
    read = [name for value in inputs.values() for name in _file_names(value)]
    for target in targets:
        if any(_same_file(target, name) for name in read):
            raise UsageError(
                f"{shown_path(target)}: this command reads it too; write to another file, or replace it with --force"
            )


def _file_names(value: Any) -> Iterator[str]:
    """The names of files that a value of a parameter may stand for."""
    if isinstance(value, (list, tuple)):
        for each in value:
            yield from _file_names(each)
    elif isinstance(value, (str, Path)):
        text = os.fspath(value)
        yield text
        if text.startswith(("slice:", "polyhedron:")):
            yield text.partition(":")[2]


def _same_file(one: str | Path, other: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(one).st_mode) and os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def _replacements_told(targets: list[Any]) -> Iterator[None]:
    """Name the files that were there before and are others afterwards."""
    before = {target: mark for target in targets if (mark := _mark(target)) is not None}
    yield
    for target, mark in before.items():
        if _mark(target) != mark:
            print(f"puiseux: replaced {shown_path(target)}, which was there", file=sys.stderr)


def _mark(path: Any) -> tuple[int, int, int] | None:
    """The identity of a regular file, which changes when it is replaced; None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else None


def _to_file(path: Path, command: Callable[[], int | None]) -> int | None:
    """Run a command and write what it prints to a file, if it prints anything."""
    from nn_bridge.writers.files import require_writable, write_bytes

    require_writable(path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = command()
    text = printed.getvalue()
    if text or not code:
        write_bytes(path, text.encode("utf-8", "backslashreplace"))
        print(f"wrote {shown_path(path)}", file=sys.stderr)
    return ExitCode.DONE if code is None else code


# -------------------------------------------------------------------- streams


@contextlib.contextmanager
def _quietly(wanted: bool) -> Iterator[None]:
    """Drop what a command says on stderr; its errors are told after it has ended."""
    if not wanted:
        yield
        return
    with contextlib.redirect_stderr(io.StringIO()):
        yield


def _from_standard_input(value: Any) -> Any:
    """The same names with ``-`` as standard input."""
    from nn_bridge.readers.standard_input import StandardInput

    if isinstance(value, list):
        return [_from_standard_input(each) for each in value]
    return StandardInput() if isinstance(value, Path) and str(value) == "-" else value


__all__ = ["with_options_of_all"]
