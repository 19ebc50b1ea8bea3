"""Every public function: all dialects of a domain; seeds given, or drawn and remembered; types that checkers see."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import puiseux
from polyhedra.polyhedron import Polyhedron
from puiseux.random_networks import random_invariant_network

NET = [([[1, 0], [0, 1], [1, 1]], [0, 0, -1]), ([[1, 1, -1]], [0])]
SLANTED = [([[1, 2], [3, -1]], ["1/3", "1/5"]), [[1, 1]]]
DIALECTS: dict[str, Any] = {
    "text": "box:-1,1;-1,2",
    "polyhedron": Polyhedron.box([-1, -1], [1, 2]),
    "arrays": (np.array([-1.0, -1.0]), np.array([1.0, 2.0])),
    "pairs": [(-1, 1), (-1, 2)],
}
PUBLIC = {name: value for name in puiseux.__all__ if inspect.isfunction(value := getattr(puiseux, name))}


def written(write: Callable[[Any, Path], Any], name: str) -> Callable[[Any, Path], bool]:
    """Whether a function writes its file on a domain."""

    def exists(domain: Any, folder: Path) -> bool:
        write(domain, folder / name)
        return (folder / name).stat().st_size > 1000

    return exists


def certified(domain: Any, folder: Path) -> bool:
    puiseux.write_certificate(NET, folder / "net.cert", DIALECTS["text"])
    return puiseux.verify_certificate(folder / "net.cert", NET, domain).valid


ON_A_DOMAIN: dict[str, Callable[[Any, Path], Any]] = {
    "boundary_pieces": lambda domain, _: puiseux.boundary_pieces(SLANTED, domain, level="1/7").counts,
    "cell_complex": lambda domain, _: puiseux.cell_complex(NET, domain).facet_partner.tolist(),
    "convex_regions": lambda domain, _: puiseux.convex_regions(NET, domain).lower,
    "count_definitions": lambda domain, _: str(puiseux.count_definitions(NET, domain).to_json()),
    "critical_points": lambda domain, _: str(puiseux.critical_points(NET, domain)),
    "patterns_of_any_dimension": lambda domain, _: len(puiseux.patterns_of_any_dimension(NET, domain)),
    "plot_betti_growth": lambda domain, _: len(puiseux.plot_betti_growth([NET], domain=domain).lines),
    "plot_decision_region": lambda domain, _: puiseux.plot_decision_region(SLANTED, domain=domain).get_title(),
    "save_decision_region": written(
        lambda domain, path: puiseux.save_decision_region(path, SLANTED, domain=domain), "region.svg"
    ),
    "vertex_persistence": lambda domain, _: str(
        puiseux.vertex_persistence(NET, lambda x: x[0] - 3 * x[1], domain).pairs
    ),
    "count_regions": lambda domain, _: puiseux.count_regions(NET, domain).counts,
    "crosscheck": lambda domain, _: puiseux.crosscheck(NET, domain, routes=("cells", "tropical")).agree,
    "decision_boundary": lambda domain, _: len(puiseux.decision_boundary(NET, domain).pieces),
    "dual_graph": lambda domain, _: sorted(puiseux.dual_graph(NET, domain).edges),
    "estimate_cells": lambda domain, _: puiseux.estimate_cells(NET, domain, probes=50).lower,
    "explore": lambda domain, _: sum(1 for _ in puiseux.explore(NET, [0.5, 0.25], domain=domain)),
    "extract_sign_vectors": lambda domain, _: puiseux.extract_sign_vectors(SLANTED, domain).count_cells(),
    "injective": lambda domain, _: str(puiseux.injective(SLANTED, domain)),
    "surjective": lambda domain, _: str(puiseux.surjective(SLANTED, domain)),
    "iterate_cells": lambda domain, _: [cell.pattern for cell in puiseux.iterate_cells(NET, domain)],
    "largest_difference": lambda domain, _: puiseux.largest_difference(NET, SLANTED, domain=domain).value,
    "reachable_set": lambda domain, _: puiseux.reachable_set(NET, domain=domain).pieces,
    "level_set": lambda domain, _: len(puiseux.level_set(SLANTED, domain, "1/7")),
    "lipschitz": lambda domain, _: puiseux.lipschitz(NET, domain=domain).upper,
    "optimize": lambda domain, _: str(puiseux.optimize(NET, domain).value),
    "plot_regions": lambda domain, _: puiseux.plot_regions(NET, domain=domain).get_title().split(" on ")[0],
    "plot_space": lambda domain, _: len(puiseux.plot_space(NET, domain=domain, backend="matplotlib").collections),
    "reduce_network": lambda domain, _: puiseux.reduce_network(NET, domain=domain).network.hidden,
    "region_statistics": lambda domain, _: [found.volume for found in puiseux.region_statistics(NET, domain)],
    "save_growth": written(lambda domain, path: puiseux.save_growth([NET], path, domain=domain, dpi=30), "net.gif"),
    "save_picture": written(lambda domain, path: puiseux.save_picture(NET, path, domain=domain), "net.svg"),
    "simplify": lambda domain, _: str(puiseux.simplify(NET, digits=1, domain=domain)),
    "topology": lambda domain, _: puiseux.topology(NET, domain).betti,
    "verify_certificate": certified,
    "write_certificate": lambda domain, folder: puiseux.write_certificate(NET, folder / "net.cert", domain).counts,
    "write_report": written(
        lambda domain, path: puiseux.write_report(NET, path, domain=domain, time_limit=1), "net.html"
    ),
}


def test_every_function_with_a_domain_is_asked() -> None:
    named = {name for name, function in PUBLIC.items() if "domain" in inspect.signature(function).parameters}
    assert named == set(ON_A_DOMAIN)


@pytest.mark.parametrize("name", ON_A_DOMAIN)
def test_the_dialects_of_a_domain_give_one_answer(name: str, tmp_path: Path) -> None:
    answers = [ON_A_DOMAIN[name](domain, tmp_path) for domain in DIALECTS.values()]
    assert answers[0]
    assert all(answer == answers[0] for answer in answers)


TERMS = puiseux.PuiseuxPolynomial([((0, 0), 0), ((1, 2), -1), ((2, 1), 0), ((3, 3), -5)])
DRAWN: dict[str, Callable[[Any], Any]] = {
    "effective_radii": lambda rng: puiseux.effective_radii(NET, rng=rng)[0],
    "effective_radius": lambda rng: puiseux.effective_radius(TERMS, rng=rng),
    "estimate_cells": lambda rng: puiseux.estimate_cells(NET, probes=20, rng=rng),
    "random_network": lambda rng: puiseux.random_network([2, 3, 1], rng=rng),
    "sample_patterns": lambda rng: puiseux.sample_patterns(NET, n_samples=50, cube=2, rng=rng),
    "sample_regions": lambda rng: puiseux.sample_regions(NET, n_samples=50, cube=2, rng=rng),
}
"""Functions that draw and return a value; `explore` yields cells one by one, so its caller keeps the seed."""


def seed_of(found: Any) -> int | None:
    if isinstance(found, puiseux.Network):
        return int(found.notes[0].rsplit(" ", 1)[1]) if found.notes else None
    return found.seed


def test_every_function_that_draws_is_asked() -> None:
    named = {name for name, function in PUBLIC.items() if "rng" in inspect.signature(function).parameters}
    assert named == {*DRAWN, "explore"}
    for name in named:
        assert inspect.signature(PUBLIC[name]).parameters["rng"].default is None, name


@pytest.mark.parametrize("name", DRAWN)
def test_seeds_are_given_or_drawn_and_remembered(name: str) -> None:
    if name == "sample_regions":
        pytest.importorskip("torch", reason="sampling regions needs torch")
    draw = DRAWN[name]
    found = draw(None)
    seed = seed_of(found)
    assert seed is not None
    assert draw(seed) == found
    assert seed_of(draw(None)) != seed
    assert draw(np.random.default_rng(seed)) is not None
    assert draw(7) == draw(7)


def test_an_invariant_network_remembers_its_seed() -> None:
    drawn = random_invariant_network(3, [2])
    assert random_invariant_network(3, [2], rng=seed_of(drawn)) == drawn


def test_a_walk_at_random_takes_a_seed_or_a_generator() -> None:
    def walked(rng: Any) -> list[Any]:
        return [visit.cell.pattern for visit in puiseux.explore(NET, [0.5, 0.25], order="random", rng=rng)]

    assert walked(3) == walked(3) == walked(np.random.default_rng(3))
    drawn = puiseux.explore(NET, [0.5, 0.25], order="random")
    assert walked(drawn.seed) == [visit.cell.pattern for visit in drawn]
    assert sorted(walked(None)) == sorted(walked(3))


RETURNS = {
    "as_network": "nn_bridge.network.network.Network",
    "boundary_pieces": "nn_bridge.cells.pieces.LevelPieces",
    "cell_complex": "nn_bridge.cells.complex.CellComplex",
    "check_property": "puiseux.questions.properties.PropertyAnswer",
    "compare": "puiseux.questions.comparison.Comparison",
    "count_regions": "nn_bridge.region_count.RegionCount",
    "crosscheck": "puiseux.cross_check.cross_check.CrossCheck",
    "decision_boundary": "DecisionBoundary",
    "dual_graph": "Any",  # networkx tells no types
    "effective_radii": "tuple[tropical.effective_radius.EffectiveRadius, ...]",
    "effective_radius": "tropical.effective_radius.EffectiveRadius",
    "estimate_cells": "puiseux.questions.estimates.CellEstimate",
    "explore": "puiseux.questions.exploring.Visits",
    "extract_sign_vectors": "nn_bridge.sign_vectors.complex.Complex",
    "hoffman_constant": "tropical.hoffman.HoffmanConstant",
    "injective": "nn_bridge.expressivity.injectivity.Injectivity",
    "surjective": "nn_bridge.expressivity.surjectivity.Surjectivity",
    "iterate_cells": "Iterator[nn_bridge.cells.cell.Cell]",
    "largest_difference": "puiseux.questions.differences.Difference",
    "level_set": "nn_bridge.sign_vectors.level_sets.LevelSet",
    "lipschitz": "puiseux.questions.lipschitz_constants.LipschitzConstant",
    "load": "nn_bridge.network.network.Network",
    "load_complex": "nn_bridge.cells.complex.CellComplex",
    "minimal_effective_radius": "tropical.effective_radius.MinimalRadius",
    "monomial_complexity": "nn_bridge.expressivity.complexity.MonomialComplexity",
    "optimize": "puiseux.questions.optimization.Extremum",
    "convex_regions": "nn_bridge.convexity.regions.ConvexRegions",
    "count_definitions": "puiseux.questions.definitions.Definitions",
    "critical_points": "list[nn_bridge.topology.morse.CriticalPoint]",
    "patterns_of_any_dimension": "list[nn_bridge.topology.patterns.AnyPattern]",
    "plot_betti_growth": "matplotlib.axes._axes.Axes",
    "plot_decision_region": "matplotlib.axes._axes.Axes",
    "plot_persistence": "matplotlib.figure.Figure",
    "save_decision_region": "None",
    "vertex_persistence": "puiseux.questions.topology_answers.Topology",
    "plot_dual_pair": "tuple[Any, Any]",  # axes of matplotlib
    "plot_regions": "matplotlib.axes._axes.Axes",
    "plot_slice": "matplotlib.axes._axes.Axes",
    "plot_space": "Any",  # a figure of plotly, or axes of matplotlib
    "random_network": "nn_bridge.network.network.Network",
    "rational": "fmpq",
    "reachable_set": "puiseux.questions.reachable.ReachableSet",
    "read_vnnlib": "milp.vnnlib_rows.Property",
    "reduce_network": "puiseux.questions.reduction.Reduction",
    "region_bounds": "nn_bridge.expressivity.region_bounds.RegionBounds",
    "region_statistics": "nn_bridge.cells.statistics_table.RegionTable",
    "run_study": "puiseux.studies.runner.StudyResult",
    "sample_patterns": "nn_bridge.expressivity.sampling.SampledPatterns",
    "sample_regions": "nn_bridge.expressivity.sampling.SampledRegions",
    "sampling_box": "nn_bridge.expressivity.sampling_box.SamplingBox",
    "save": "nn_bridge.network.network.Network",
    "save_complex": "None",
    "save_graph": "None",
    "save_growth": "None",
    "save_picture": "None",
    "simplify": "puiseux.questions.formula.NetworkFormula",
    "topology": "puiseux.questions.topology_answers.Topology",
    "tropicalize": "tuple[tropical.rational.PuiseuxRational, ...]",
    "verify_certificate": "puiseux.certificates.certificate.Verdict",
    "write_certificate": "nn_bridge.region_count.RegionCount",
    "write_property_certificate": "dict[str, int]",
    "write_pruning_certificate": "None",
    "write_report": "None",
}
"""For each public function the type of its result, as mypy reveals it."""

CALLS = """
import numpy as np
import puiseux
net = puiseux.load("net.npz")
puiseux.count_regions(net, "box:-1,1")
puiseux.count_regions(net, (np.zeros(2), np.ones(2)))
puiseux.optimize(net, [(-1, 1), (0, 1)])
puiseux.lipschitz(net, domain=puiseux.Polyhedron.box([-1], [1]))
puiseux.topology(net, (-1, 1))
puiseux.write_certificate(net, "net.cert", (-1, 1))
puiseux.sample_patterns(net, n_samples=1, cube=1, rng=np.random.default_rng(1))
"""
WRONG = "puiseux.count_regions(net, 5)\n"


@pytest.mark.slow
def test_a_users_type_checker_sees_every_public_type(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    names = [name for name in puiseux.__all__ if not name.startswith("_")]
    program.write_text(CALLS + "".join(f"reveal_type(puiseux.{name})\n" for name in names) + WRONG)
    root = Path(puiseux.__file__).resolve().parents[1]
    command = [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), str(program)]
    printed = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=500).stdout
    lines = [line for line in printed.splitlines() if "Revealed type" in line]
    revealed = {name: line.split('"')[1] for name, line in zip(names, lines, strict=True)}
    assert "Any" not in revealed.values()
    assert set(RETURNS) == set(PUBLIC)
    for name, wanted in RETURNS.items():
        found = revealed[name].rpartition(" -> ")[2] if " -> " in revealed[name] else "None"
        assert wanted in found, f"{name}: {found}"
    errors = [line for line in printed.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert "count_regions" in errors[0]


@pytest.mark.slow
def test_pyright_sees_every_public_type(tmp_path: Path) -> None:
    checker = Path(sys.executable).with_name("basedpyright")
    if not checker.exists():
        pytest.skip("basedpyright, which is pyright as a wheel, is not installed")
    program = tmp_path / "program.py"
    names = [name for name in puiseux.__all__ if not name.startswith("_")]
    program.write_text(CALLS + "".join(f"reveal_type(puiseux.{name})\n" for name in names) + WRONG)
    root = str(Path(puiseux.__file__).resolve().parents[1])
    settings = {"extraPaths": [root], "typeCheckingMode": "standard", "venvPath": None}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({k: v for k, v in settings.items() if v}))
    command = [str(checker), "--outputjson", "--pythonpath", sys.executable, str(program)]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500).stdout
    found = json.loads(printed)["generalDiagnostics"]
    revealed = [each["message"] for each in found if each["severity"] == "information"]
    assert len(revealed) == len(names)
    unknown = [text for text in revealed if "Unknown" in text.replace("Graph[Unknown", "Graph[")]
    assert unknown == []  # networkx tells no types
    for name in RETURNS:
        kind = RETURNS[name].rpartition(".")[2].rstrip("]").split(",")[0]
        text = next(each for each in revealed if f'"puiseux.{name}"' in each)
        assert kind in text or kind == "Any", text
    errors = [each["message"] for each in found if each["severity"] == "error"]
    assert len(errors) == 1
    assert 'parameter "domain"' in errors[0]  # of count_regions
