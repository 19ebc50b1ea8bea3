"""Pages of the site that are made from the code: the commands with their help texts, the Python reference by rooms."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import typer

import puiseux
from puiseux.commands import COMMANDS, NAMES
from puiseux.console.cli import application

FRONT_DOOR = {
    "Count": "count_regions count_definitions convex_regions region_bounds sample_regions sample_patterns sampling_box "
    "patterns_of_any_dimension RegionCount Definitions",
    "Formulas": "simplify tropicalize monomial_complexity NetworkFormula PuiseuxPolynomial PuiseuxRational",
    "Compare and reduce": "compare largest_difference reduce_network Comparison Difference Reduction",
    "Networks in and out": "load as_network save random_network Network",
    "Verify, optimize, Lipschitz constants": "check_property read_vnnlib optimize lipschitz PropertyAnswer Extremum "
    "LipschitzConstant",
    "Decision boundaries and topology": "decision_boundary level_set topology critical_points vertex_persistence "
    "Topology",
    "Cells": "iterate_cells cell_complex region_statistics dual_graph save_graph explore save_complex load_complex "
    "extract_sign_vectors Cell CellComplex Exploration",
    "Pictures and reports": "plot_regions plot_slice plot_space save_picture save_growth plot_decision_region "
    "save_decision_region plot_persistence plot_betti_growth plot_dual_pair write_report",
    "Ground truth": "crosscheck write_certificate verify_certificate write_pruning_certificate CrossCheck Verdict",
    "Radii and Hoffman constants": "hoffman_constant effective_radius effective_radii minimal_effective_radius",
    "Experiments of the literature": "run_study",
    "Numbers, domains, errors": "rational Polyhedron PuiseuxError UsageError MissingExtraError",
}
"""The public names of ``puiseux``, by what one wants; those not named yet follow in a section of their own."""

ROOMS = {
    "pictures": ("Pictures", ["puiseux.pictures"]),
    "ground-truth": ("Certificates, cross-check, the reference suite", ["puiseux.certificates", "puiseux.cross_check",
                                                                      "puiseux.suite"]),
    "studies": ("Studies", ["puiseux.studies"]),
    "networks": ("Networks: values, readers, writers", ["nn_bridge.network", "nn_bridge.readers", "nn_bridge.writers"]),
    "cells": ("Cells", ["nn_bridge.cells"]),
    "sign-vectors": ("Sign vectors", ["nn_bridge.sign_vectors"]),
    "symbolic": ("From networks to formulas and back", ["nn_bridge.symbolic", "nn_bridge.reduction"]),
    "topology": ("Topology and exploration", ["nn_bridge.topology", "nn_bridge.exploration", "nn_bridge.convexity"]),
    "expressivity": ("Expressivity", ["nn_bridge.expressivity"]),
    "tropical": ("Tropical algebra", ["tropical"]),
    "milp": ("Mixed-integer programming", ["milp", "milp.formulations", "milp.training"]),
    "polyhedra": ("Exact geometry", ["polyhedra"]),
}  # fmt: skip
"""The rooms below the front door: page, title, packages, whose modules are all shown."""


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


def front_door() -> dict[str, list[str]]:
    """The public names of ``puiseux`` by sections, every one once."""
    sections = {title: names.split() for title, names in FRONT_DOOR.items()}
    placed = {name for names in sections.values() for name in names}
    rest = [name for name in puiseux.__all__ if name not in placed and not name.startswith("__")]
    return {**sections, "More": rest} if rest else sections


def front_page() -> str:
    """The page of the front door: every public name with its whole text."""
    parts = [
        "# The front door: puiseux",
        "",
        "`import puiseux`, then these names. Wherever a network is expected, a file, a torch module, an ONNX or",
        "scikit-learn model or a list of layers will do; wherever a domain is expected, text, a `Polyhedron`,",
        "`(low, high)` or pairs.",
        "",
    ]
    for title, names in front_door().items():
        parts += [f"## {title}", "", "```{eval-rst}"]
        for name in names:
            kind = "autoclass" if inspect.isclass(getattr(puiseux, name)) else "autofunction"
            parts += [f".. {kind}:: puiseux.{name}"]
        parts += ["```", ""]
    return "\n".join(parts)


def modules_of(package: str) -> Iterator[str]:
    """The modules of a package that define public names, without packages inside it that hold its parts."""
    found = importlib.import_module(package)
    for entry in sorted(pkgutil.iter_modules(found.__path__), key=lambda entry: entry.name):
        if entry.name.startswith("_") or entry.ispkg:
            continue
        module = importlib.import_module(f"{package}.{entry.name}")
        own = (value for name, value in vars(module).items() if not name.startswith("_"))
        if any(getattr(value, "__module__", None) == module.__name__ for value in own):
            yield module.__name__


def room_page(title: str, packages: list[str]) -> str:
    """The page of a room: its modules, each with a line about what it is for, and their public names."""
    parts = [f"# {title}", ""]
    for package in packages:
        parts += [f"## {package}", "", (inspect.getdoc(importlib.import_module(package)) or "").split("\n\n")[0], ""]
        for module in modules_of(package):
            parts += [f"### {module}", "", "```{eval-rst}", f".. automodule:: {module}", "```", ""]
    return "\n".join(parts)


def overview_page() -> str:
    """The page that leads to the front door and to the rooms."""
    parts = [
        "# Python reference",
        "",
        "Start at the [front door](api/front-door.md): what most people need is a function of `puiseux`. The rooms",
        "below it are for those who build on a part of the library. The examples run in the tests.",
        "",
    ]
    for title, names in front_door().items():
        parts.append(f"* {title}: " + ", ".join(f"{{py:obj}}`{name} <puiseux.{name}>`" for name in names))
    pages = ["api/front-door", *(f"api/{page}" for page in ROOMS)]
    return "\n".join([*parts, "", "```{toctree}", ":maxdepth: 1", "", *pages, "```", ""])


def pages() -> dict[str, str]:
    """The text of every generated page, by its path."""
    rooms = {f"api/{page}.md": room_page(title, packages) for page, (title, packages) in ROOMS.items()}
    return {"commands.md": commands_page(), "api.md": overview_page(), "api/front-door.md": front_page(), **rooms}


def write_pages(folder: Path) -> None:
    """Write the pages, where they have changed, and remove those of rooms that are gone."""
    (folder / "api").mkdir(exist_ok=True)
    written = pages()
    for name, text in written.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for path in (folder / "api").glob("*.md"):
        if f"api/{path.name}" not in written:
            path.unlink()
