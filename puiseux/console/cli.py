"""The command line: the commands gathered, and every way a run can end.

Errors are one line on stderr and leave stdout empty; the exit codes are those of `puiseux.console.exit_codes`.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise

import typer

from polyhedra.errors import PuiseuxError, UsageError
from polyhedra.quoting import quoted, shown, shown_path
from puiseux.commands import NAMES, command_of
from puiseux.console.everywhere import with_options_of_all
from puiseux.console.exit_codes import ExitCode
from puiseux.console.streams import DEBUG_VARIABLE, drop_answer, flush_answer, guarded_streams
from puiseux.console.suggestions import nearest, with_suggestion
from puiseux.console.values import refused_value

COMPLETION_VARIABLE = "_PUISEUX_COMPLETE"
"""Set by the shell when it asks what a word can be completed to."""

_QUIET_WORDS = ("-q", "--quiet")
_LONGEST_MESSAGE = 2000
"""Characters of a message; those of this project are shorter, whatever they quote."""

_CommandLineError: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
# newer releases of typer carry their own copy of click, so that `click.ClickException` would not catch theirs


def _show_version(wanted: bool) -> None:
    if wanted:
        from puiseux import __version__

        print(f"puiseux {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "-V", "--version", help="Print the version.", callback=_show_version, is_eager=True
    ),
) -> None:
    pass


def _not_named() -> None:
    """Stands for a command of which only the list of commands is wanted: typer would read all parameters of each."""


def application(names: Sequence[str], *, listed_only: bool = False) -> typer.Typer:
    """The command line with some of its commands, which alone are imported.

    Parameters
    ----------
    names : sequence of str
    listed_only : bool
        Know names and summaries alone, which is enough for ``puiseux --help`` and for refusing what is no command.
    """
    made = typer.Typer(
        name="puiseux",
        help="Exact tropical algebra for ReLU networks.",
        epilog="'puiseux explain' defines the terms. Exit codes: 0 done, 1 different or invalid, 2 bad input, 3 "
        "stopped by a limit, 4 internal error, 130 interrupted.",
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_options)
    for command in map(command_of, names):
        examples = "\n".join(f"  {line}" for line in command.examples)
        function = _not_named if listed_only else with_options_of_all(command.name, command.function)
        made.command(command.name, short_help=command.summary, epilog=f"\b\nExamples:\n{examples}")(function)
    return made


def _application_for(arguments: Sequence[str]) -> typer.Typer:
    """The state of one command line."""
    if COMPLETION_VARIABLE in os.environ:
        return application(NAMES)
    if arguments and arguments[0] in NAMES:
        return application(arguments[:1])
    return application(NAMES, listed_only=not set(NAMES).intersection(arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    with guarded_streams():
        code = _code_of(arguments)
        try:
            flush_answer()
        except OSError as error:
            drop_answer()
            return _refuse(f"cannot write the output: {error.strerror or error}")
        sys.stderr.flush()
        return code


def _code_of(arguments: Sequence[str]) -> int:
    try:
        _require_words(arguments)
        if len(arguments) > 1 and arguments[0] in _QUIET_WORDS:
            arguments = [arguments[1], arguments[0], *arguments[2:]]
        code = _application_for(arguments)(list(arguments) or ["--help"], prog_name="puiseux", standalone_mode=False)
    except _CommandLineError as error:
        return _refuse(_usage_message(error, arguments))
    except PuiseuxError as error:
        _complain(with_suggestion(" ".join(str(error).split())))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        return ExitCode.INTERRUPTED
    except SystemExit as left:  # typer exits on its own after completion, and where the reader of a pipe has gone
        return int(left.code or 0) if COMPLETION_VARIABLE in os.environ else ExitCode.DONE
    except BrokenPipeError:
        return ExitCode.DONE
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return _out_of_memory()
        drop_answer()
        place = f"{shown_path(error.filename)}: " if error.filename else "cannot write the output: "
        return _refuse(f"{place}{error.strerror or error}")
    except MemoryError:
        return _out_of_memory()
    except Exception as error:
        return _report_internal_error(error)
    if code == ExitCode.INTERRUPTED:  # typer turns Ctrl-C into this code; a command that saved its results returns it
        _complain("interrupted")
    return int(code or ExitCode.DONE)


def _require_words(arguments: Sequence[str]) -> None:
    """Refuse empty arguments: none has a meaning, and as the name of a file one would stand for the current folder."""
    for before, argument in pairwise(("", *arguments)):
        option = before if before.startswith("-") else ""
        if match := re.fullmatch(r"(--[\w-]+)=", argument):
            option, argument = match[1], ""
        if not argument:
            raise UsageError(f"{f'the value of {shown(option)}' if option else 'an argument'} is empty; give a name or "
                             "value, or leave it out")  # fmt: skip


def _complain(message: str) -> None:
    """One line on stderr; what a message did not quote as it should is shown here without control characters."""
    print("puiseux: " + shown(" ".join(message.split()), _LONGEST_MESSAGE), file=sys.stderr)


def _out_of_memory() -> int:
    _complain("out of memory; take a smaller network or domain, or fewer workers")
    return ExitCode.STOPPED


def _refuse(message: str) -> int:
    _complain(message)
    return ExitCode.BAD_INPUT


def _usage_message(error: Exception, arguments: Sequence[str] = ()) -> str:
    refused = refused_value(error)
    text = refused or " ".join(str(getattr(error, "format_message", lambda: error)()).split()).rstrip(".")
    context = getattr(error, "ctx", None)
    command = arguments[0] if arguments and arguments[0] in NAMES else ""  # where the parser gives no context
    where = context.command_path if context is not None else f"puiseux {command}".strip()
    if where == "puiseux verify" and "extra argument" in text:
        text += "; to decide a property of a network: puiseux property NETWORK SPEC"
    text = re.sub(r"^(Missing argument '\w+)\.\.\.'", r"\1'", text)
    kind, word, known = _unknown_word(error, text)
    if kind:
        meant = nearest(word, known)
        text = f"no such {kind} {quoted(word)}" + (f"; did you mean '{meant}'?" if meant else "")
    if refused:
        return refused if "; " in refused else f"{refused}; see '{where} --help'"
    return f"{text[:1].lower()}{text[1:]}; see '{where} --help'"


def _unknown_word(error: Exception, text: str) -> tuple[str, str, list[str]]:
    """The kind of word that a usage error names, the word, and the known ones; empty where it names none."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoSuchOption" and context is not None:
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        return "option", str(getattr(error, "option_name", "")), known
    if match := re.match(r"No such command '([^']*)'", text):
        return "command", match[1], list(NAMES)
    return "", "", []


def _report_internal_error(error: Exception) -> int:
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    said = shown(" ".join(str(error).split()), 300)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    _complain(
        f"internal error: {type(error).__name__}: {said}{place}; this is a bug, please report it with the "
        f"command and the network ({DEBUG_VARIABLE}=1 shows the traceback)"
    )
    return ExitCode.INTERNAL
