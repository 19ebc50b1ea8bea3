"""Pages of the site that are made from the code: the commands with their help texts, and the Python reference."""

from __future__ import annotations

from pathlib import Path

import typer

import puiseux
from puiseux.commands import COMMANDS, NAMES
from puiseux.console.cli import application

MODULES = {
    "polyhedra: exact geometry": ("polyhedra", "scalars polyhedron linear_program subdivision"),
    "tropical: max-plus algebra": (
        "tropical",
        "semiring polynomial rational pruning regions simplify newton hypersurface hoffman matrix linear_systems "
        "eigenspaces assignments min_plus_matrix valuation mixed_volume stable_intersection plane_curve convexity",
    ),
    "nn_bridge: networks and their cells": (
        "nn_bridge",
        "network region_count builder tropicalize cells cell_count cell_graph cell_statistics segments "
        "sign_vectors.complex level_sets simplify realize sampling symmetry bounds constructions",
    ),
    "milp: mixed-integer formulations": (
        "milp",
        "bounds formulations count verify optimize sensitivity compress convex_training sparse_fit vnnlib",
    ),
}
"""What the Python reference shows beside the front door, section by section."""


def commands_page() -> str:
    """The page of the command line."""
    commands = typer.main.get_command(application(NAMES)).commands  # type: ignore[attr-defined]
    parts = ["# The commands", "", "What `puiseux COMMAND --help` prints.", ""]
    for command in COMMANDS:
        entry = commands[command.name]
        with entry.make_context(f"puiseux {command.name}", [], resilient_parsing=True) as context:
            context.terminal_width = context.max_content_width = 100
            parts += [f"## {command.name}", "", command.summary, "", "```text", entry.get_help(context), "```", ""]
    return "\n".join(parts)


def reference_page() -> str:
    """The page of the Python names: the front door, then each package by modules."""
    sections = {title: [f"{package}.{m}" for m in modules.split()] for title, (package, modules) in MODULES.items()}
    shown = {module for modules in sections.values() for module in modules}
    parts = ["# Python reference", "", "The examples run in the tests.", "", "## puiseux: the front door", ""]
    own: list[str] = []
    for name in puiseux.__all__:
        home = puiseux._HOMES.get(name)
        if home is None:
            continue
        if home in shown:
            parts.append(f"* {{py:obj}}`puiseux.{name} <{home}.{name}>`")
        else:
            kind = "autoclass" if isinstance(getattr(puiseux, name), type) else "autofunction"
            own.append(f".. {kind}:: {home}.{name}")
    parts += ["", "```{eval-rst}", *own, "```", ""]
    for title, modules in sections.items():
        parts += [f"## {title}", "", "```{eval-rst}", *(f".. automodule:: {module}" for module in modules), "```", ""]
    return "\n".join(parts)


def write_pages(folder: Path) -> None:
    """Write both pages, where they have changed."""
    for name, text in (("commands.md", commands_page()), ("api.md", reference_page())):
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
