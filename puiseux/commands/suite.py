"""``puiseux suite``: networks with exact answers, and other programs tested on them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from polyhedra.errors import UsageError
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown_path
from puiseux.commands.options import Command, JsonOption, choices
from puiseux.console.exit_codes import ExitCode

ACTIONS = ("export", "run")


def suite(
    action: Annotated[
        str,
        typer.Argument(
            metavar="export|run",
            help="What to do.",
            show_default=False,
            autocompletion=choices("puiseux.commands.suite", "ACTIONS"),
        ),
    ],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the suite.", show_default=False)],
    small: Annotated[bool, typer.Option("--small", help="Of export: only the networks with short answers.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Of export: write into a folder that is not empty, all anew.")
    ] = False,
    command: Annotated[
        str | None,
        typer.Option(
            "--command",
            metavar="COMMAND",
            help="Of run: the program, with {net} for the network file; also {json}, {npz}, {n}, {box}, {domain}.",
        ),
    ] = None,
    domain: Annotated[
        str, typer.Option("--domain", metavar="WHERE", help="Of run: all (R^n), or box (each network's {box}).")
    ] = "all",
    bare: Annotated[
        str, typer.Option("--bare", metavar="COUNT", help="Of run: what a bare integer means: cells, regions, ..")
    ] = "cells",
    timeout: Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="Of run: for each network.")] = 60.0,
    families: Annotated[
        str | None, typer.Option("--families", metavar="NAMES", help="Only these, with commas between.")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            help="Of export: begin no other network then; the same command goes on from there.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Write the reference suite of networks with exact answers, or run a program over it.

    The program prints a bare integer, or a JSON object such as {"cells": 7, "affine_maps": 5}.
    """
    if action not in ACTIONS:
        raise UsageError(f"there is no suite {quoted(action)}; take one of {', '.join(ACTIONS)}")
    chosen = None if families is None else [name.strip() for name in families.split(",") if name.strip()]
    if action == "export":
        if command is not None:
            raise UsageError("--command belongs to suite run")
        return _export(directory, small, chosen, force, time_limit, as_json)
    if command is None:
        raise UsageError('suite run needs the program to run: --command "my_counter {net}"')
    if small or force:
        raise UsageError("--small and --force belong to suite export; run takes what was exported")
    if time_limit is not None:
        raise UsageError("--time-limit belongs to suite export; run has --timeout, for each network")
    from puiseux.suite import run_suite

    result = run_suite(
        directory,
        command,
        domain=domain,
        bare=bare,
        timeout=timeout,
        families=chosen,
        watch=lambda a: _progress(a.name),
    )
    _progress()
    print(json.dumps(result.to_json()) if as_json else result)
    return ExitCode.DIFFERENT if result.wrong else ExitCode.DONE


def _export(
    directory: Path, small: bool, families: list[str] | None, force: bool, time_limit: float | None, as_json: bool
) -> int:
    from puiseux.suite import export_suite

    try:
        manifest = export_suite(
            directory, small=small, families=families, force=force, watch=_progress, time_limit=time_limit
        )
    finally:
        _progress()
    if as_json:
        print(json.dumps(manifest))
    else:
        cells = sum(entry["counts"]["all"]["cells"] for entry in manifest["networks"])
        networks = counted(len(manifest["networks"]), "network")
        print(f"wrote {shown_path(directory)}: {networks} with {counted(cells, 'cell')}, version "
              f"{manifest['suite_version']} of the suite")  # fmt: skip
    return ExitCode.DONE


def _progress(name: str = "") -> None:
    """Show the network that is done, on a line that the next one replaces; without a name clear it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{f'puiseux: {name}' if name else ''}", end="", file=sys.stderr, flush=True)


SUITE = Command(
    "suite",
    suite,
    "Networks with exact answers, to test other programs on.",
    (
        "puiseux suite export suite",
        'puiseux suite run suite --command "my_counter {net}"',
        'puiseux suite run suite --command "my_counter --box {box} {npz}" --domain box --timeout 10 --json',
        'puiseux suite run suite --command "puiseux count {net} --json"',
    ),
)
