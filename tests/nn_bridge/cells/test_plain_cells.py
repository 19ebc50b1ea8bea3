"""The plain engine against known counts and the naive oracle, its limits, and that it needs no other package."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from nn_bridge.cells import iterate_cells, plain, plain_tree
from nn_bridge.cells.complex import cell_complex
from nn_bridge.cells.counting import plain_count
from nn_bridge.cells.counting.plain_count import count_plain, plain_network, plain_walls, runs_plain
from nn_bridge.cells.tropical_map import tropicalize_by_cells
from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from polyhedra.compiled_core import say_plain
from polyhedra.polyhedron import Polyhedron

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "oracles"))
import naive_cells  # noqa: E402

ENTRIES = json.loads((TESTS / "data" / "cell_counts.json").read_text())
COUNTS = json.loads((TESTS / "data" / "oracle_counts.json").read_text())


def network_of(stages, inputs: int) -> plain.PlainNetwork:
    """Stages as `naive_cells.plain` gives them: dense rows over the input and all earlier units, and biases."""
    units = [
        tuple(plain.Unit(tuple((i, w) for i, w in enumerate(row) if w), bias) for row, bias in stage)
        for stage in stages
    ]
    return plain.PlainNetwork(inputs, tuple(units[:-1]), units[-1])


def text(leaf: plain.Leaf, network: plain.PlainNetwork) -> str:
    stages = zip(leaf.pattern, network.stages, strict=True)
    return "|".join("".join(str(bits >> i & 1) for i in range(len(stage))) for bits, stage in stages)


def found_by(stages, inputs: int, walls=()) -> tuple[list[str], dict[str, int]]:
    """The patterns and the four counts."""
    network, regions, patterns = network_of(stages, inputs), plain.Regions(), []
    for leaf in plain.cells(network, walls):
        regions.add(leaf)
        patterns.append(text(leaf, network))
    return sorted(patterns), dict(zip(COUNTS["dec_1_4_4_1_0"], regions.counts(), strict=True))


def value(form, point) -> Fraction:
    return sum((a * x for a, x in zip(form, (*point, 1), strict=True)), Fraction(0))


@pytest.mark.parametrize("family", sorted({entry["family"] for entry in ENTRIES}))
def test_known_patterns_and_counts(family):
    entries = [entry for entry in ENTRIES if entry["family"] == family]
    assert len(entries) >= 48
    for entry in entries:
        inputs = len(entry["weights"][0][0])
        patterns, counts = found_by(naive_cells.plain(entry["weights"], entry["biases"]), inputs)
        assert patterns == sorted(entry["patterns"]), entry["name"]
        assert counts == COUNTS.get(entry["name"], counts), entry["name"]


def random_stages(rng: random.Random, inputs: int, sizes: list[int], skips: bool):
    """Small integers, many of them 0; rows read the stage before, or all earlier stages."""
    stages, total, last = [], inputs, range(inputs)
    for size in sizes:
        rows = []
        for _ in range(size):
            row = [Fraction(0)] * total
            for i in range(total) if skips else last:
                row[i] = Fraction(rng.choice([-2, -1, 0, 0, 1, 1, 3]), rng.choice([1, 1, 2, 3]))
            rows.append((tuple(row), Fraction(rng.randint(-2, 2))))
        stages.append(rows)
        last = range(total, total + size)
        total += size
    return stages


def domains(inputs: int) -> list[list[tuple[int, ...]]]:
    unit = [tuple(int(i == c) for i in range(inputs)) for c in range(inputs)]
    box = [(*(s * v for v in axis), 1) for axis in unit for s in (1, -1)]
    simplex = [(*axis, 1) for axis in unit] + [(*[-1] * inputs, 2)]
    slab = [(*unit[0], 1), (*(-v for v in unit[0]), 1), (*(2 * v for v in unit[0]), 3), (*[0] * inputs, 1)]
    return [[], box, simplex, slab]


@pytest.mark.parametrize("skips", [False, True])
def test_oracle_on_domains_and_with_skip_connections(skips):
    rng = random.Random(5 + skips)
    largest = 0
    for _ in range(12):
        inputs = rng.choice([1, 2, 2, 3])
        sizes = [rng.randint(1, 3) for _ in range(rng.choice([1, 2, 3]))] + [rng.choice([1, 2])]
        stages = random_stages(rng, inputs, sizes, skips)
        for walls in domains(inputs):
            cells = naive_cells.cells(stages, inputs, walls)
            patterns, counts = found_by(stages, inputs, walls)
            assert patterns == sorted(naive_cells.pattern_text(pattern) for pattern, _, _ in cells)
            assert counts == naive_cells.four_counts(cells, inputs)
            largest = max(largest, len(cells))
    assert largest > 10


def test_leaves_say_the_truth():
    """Interior points have the pattern, generators and facets the zeros that they name; neighbours share facets."""
    rng = random.Random(11)
    for _ in range(6):
        inputs = rng.choice([2, 3])
        stages = random_stages(rng, inputs, [3, 3, 1], skips=True)
        network = network_of(stages, inputs)
        walls = domains(inputs)[rng.choice([0, 1])]
        facets: dict[object, int] = {}
        for leaf in plain.cells(network, walls):
            point = leaf.interior_point()
            for bits, forms in zip(leaf.pattern, leaf.forms, strict=True):
                for i, form in enumerate(forms):
                    assert value(form, point) > 0 if bits >> i & 1 else value(form, point) <= 0
                    assert any(form) or not bits >> i & 1
                    assert value(form, point) != 0 or not any(form)
            assert all(value(wall, point) > 0 for wall in walls)
            generators = leaf.generator_zeros()
            for (vector, _), (is_ray, zeros) in zip(leaf.cell.generators, generators, strict=True):
                assert is_ray == (vector[-1] == 0)
                for bits, forms in zip(zeros, (*leaf.forms, walls), strict=True):
                    assert [bits >> i & 1 for i in range(len(forms))] == [int(plain.dot(f, vector) == 0) for f in forms]
            for zeros in leaf.facet_zeros():
                signs = tuple(on & ~z for on, z in zip(leaf.pattern, zeros, strict=False)), zeros
                facets[signs] = facets.get(signs, 0) + 1
        for (_, zeros), times in facets.items():
            assert times == (1 if zeros[-1] else 2)  # facets on walls have one side


def test_a_unit_that_vanishes_on_a_cell_is_inactive_there():
    # u = max(0, x), v = max(0, -x), w = max(0, u - v - x), which is 0 everywhere
    stages = naive_cells.plain([[[1], [-1]], [[1, -1]]], [[0, 0], [0]])
    stages[1] = [((Fraction(-1), Fraction(1), Fraction(-1)), Fraction(0))]
    stages.append([((Fraction(0), Fraction(0), Fraction(0), Fraction(1)), Fraction(0))])
    assert found_by(stages, 1)[0] == ["01|0", "10|0"]


def test_lines_that_no_unit_cuts():
    # one unit of six inputs: two half-spaces with five lines; and no unit at all
    half_spaces = list(plain.cells(network_of(naive_cells.plain([[[1, 2, 0, 0, 0, 0]], [[1]]], [[1], [0]]), 6)))
    assert [(len(leaf.cell.lines), len(leaf.facet_zeros())) for leaf in half_spaces] == [(5, 1)] * 2
    (everything,) = plain.cells(network_of(naive_cells.plain([[[1, 2]]], [[1]]), 2))
    assert (everything.pattern, len(everything.cell.lines), everything.facet_zeros()) == ((), 2, [])


def test_many_units_need_no_recursion():
    weights, biases = [[[1]] * 1500, [[1] * 1500]], [[-i for i in range(1500)], [0]]
    assert sum(1 for _ in plain.cells(network_of(naive_cells.plain(weights, biases), 1))) == 1501


def test_a_domain_without_interior():
    network = network_of(naive_cells.plain([[[1]], [[1]]], [[0], [0]]), 1)
    for walls in ([(1, 0), (-1, 0)], [(1, 0), (-1, -1)], [(0, -1)]):
        with pytest.raises(ValueError, match="no interior"):
            list(plain.cells(network, walls))


def test_it_needs_the_standard_library_alone():
    program = f"""
import sys
for name in ("numpy", "scipy", "flint", "sympy"):
    sys.modules[name] = None
import importlib.util
spec = importlib.util.spec_from_file_location("plain", {plain.__file__!r})
plain = importlib.util.module_from_spec(spec)
sys.modules["plain"] = plain
spec.loader.exec_module(plain)
one = plain.Fraction(1)
hidden = tuple(plain.Unit(((c, one),), plain.Fraction(0)) for c in (0, 1))
print(sum(1 for _ in plain.cells(plain.PlainNetwork(2, (hidden,), (plain.Unit(((2, one),), one),)))))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "4\n"


# -------------------------------------------------------------------------- the count


def random_network(*sizes: int) -> Network:
    rng = random.Random(3)
    weights = [[[rng.gauss(0, 1) for _ in range(a)] for _ in range(b)] for a, b in pairwise(sizes)]
    return Network.from_layers(weights, [[rng.gauss(0, 1) for _ in range(b)] for b in sizes[1:]])


def test_count_of_a_network_and_its_normal_form():
    network = Network.from_layers([[[1, 0], [0, 1], [1, 1]], [["1/2", -1, 1]]], [[0, 0, -1], [0]])
    result = count_plain(network, Polyhedron.box([-1, -1], [2, 2]))
    assert (result.counts, result.exact, result.complete, result.reason) == (
        {"cells": 7, "regions": 7, "regions_by_point": 7, "affine_maps": 7},
        True,
        True,
        None,
    )
    assert count_plain(network, counts="cells").counts == {
        "cells": 7,
        "regions": None,
        "regions_by_point": None,
        "affine_maps": None,
    }
    assert plain_walls(Polyhedron.box([-1], ["1/2"])) in (((1, 1), (-2, 1)), ((-2, 1), (1, 1)))
    assert plain_network(network).inputs == 2


def test_limits_give_lower_bounds():
    network = random_network(2, 8, 8, 1)
    full = count_plain(network)
    limited = count_plain(network, max_cells=10)
    assert (limited.cells, limited.complete, limited.reason) == (11, False, "stopped at the limit of 10 cells")
    assert limited.regions is not None
    assert full.regions is not None
    assert limited.regions == limited.affine_maps <= full.regions
    stopped = count_plain(network, time_limit=1e-9)
    assert (stopped.complete, stopped.reason) == (False, "stopped at the time limit of 1e-09 s")
    assert stopped.cells == 1


def test_progress_and_interrupt(monkeypatch):
    monkeypatch.setattr(plain_count, "_EACH", 0.0)
    told: list[tuple[int, float]] = []
    network = random_network(2, 6, 6, 1)
    full = count_plain(network, progress=lambda cells, share: told.append((cells, share)))
    assert told == sorted(told)
    assert 0.9 < told[-1][1] < 1
    assert sum(map(plain_count._share, plain.cells(plain_network(network)))) == 1

    def interrupt(cells: int, share: float) -> None:
        if cells >= 5:
            raise KeyboardInterrupt

    result = count_plain(network, progress=interrupt)
    assert (result.complete, result.reason, result.cells) == (False, "interrupted", 5)
    assert full.cells is not None
    assert full.cells > 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"checkpoint": "folder"}, "the plain engine has no option checkpoint; to get the compiled core"),
        ({"counts": "some"}, "counts='some'"),
        ({"time_limit": 0}, "leaves no time"),
        ({"max_cells": 0}, "leaves nothing to find"),
        ({"domain": Polyhedron.box([0], [1])}, "the domain has 1 coordinate, the network reads 2"),
        ({"domain": Polyhedron([[1, 0], [-1, 0]], [0, 0])}, "no interior"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(NetworkError, match=message):
        count_plain(Network.from_layers([[[1, 0]], [[1]]]), **options)


def test_the_choice(monkeypatch):
    monkeypatch.setenv("PUISEUX_PURE", "1")
    assert runs_plain()
    monkeypatch.setenv("PUISEUX_PURE", "0")
    monkeypatch.setattr(plain_count, "find_spec", lambda name: None)
    assert runs_plain()
    monkeypatch.setattr(plain_count, "find_spec", lambda name: name)
    assert not runs_plain()


def facts(network: Network, domain: Polyhedron | None) -> list[object]:
    """All that a cell tells, and of the complex the numbers of facets, neighbours, maps and regions."""
    cells = []
    for cell in iterate_cells(network, domain):
        generators = cell.generators
        facets = sorted((facet.inequality, facet.units, facet.walls) for facet in cell.facets)
        vertices, rays = sorted(generators.vertices), sorted(generators.rays)
        cells.append((cell.active, facets, len(vertices), len(rays), generators.lines, cell.affine_map, cell.bounded))
        if not generators.lines:
            cells[-1] += (vertices, rays)
    found = cell_complex(network, domain)
    numbers = found.cells, len(found.edges), len(set(found.maps.tolist())), len(set(found.regions.tolist()))
    return [sorted(cells, key=lambda cell: cell[0]), numbers, int(found.bounded.sum())]


def test_listing_falls_back_too(monkeypatch, capsys):
    """Cells and their complex are the same by the plain engine; tropical maps through cells too."""
    entries = [entry for entry in ENTRIES if 6 <= entry["cells"] <= 40][::12]
    assert len(entries) > 15
    cases: list[tuple[Network, Polyhedron | None]] = []
    for entry in entries:
        network = Network.from_layers(entry["weights"], entry["biases"])
        box = Polyhedron.box([-1] * network.input_dim, ["3/2"] * network.input_dim)
        cases += [(network, None), (network, box)]
    compiled = [(facts(*case), tropicalize_by_cells(case[0])) for case in cases]
    monkeypatch.setenv("PUISEUX_PURE", "1")
    monkeypatch.setattr(plain_tree, "CellTree", None)
    say_plain.cache_clear()
    plainly = [(facts(*case), tropicalize_by_cells(case[0])) for case in cases]
    assert plainly == compiled
    assert capsys.readouterr().err.count("the plain engine") == 1
    say_plain.cache_clear()


def test_the_command_says_so_once(tmp_path):
    network = tmp_path / "net.json"
    layer = {"weights": [["1", "0"], ["0", "1"]], "bias": ["0", "0"], "activation": "relu"}
    last = {"weights": [["1", "-1"]], "bias": ["0"], "activation": "linear"}
    content = {"format": "puiseux-network", "version": 1, "input_dim": 2, "layers": [layer, last]}
    network.write_text(json.dumps(content))
    done = subprocess.run(
        [sys.executable, "-m", "puiseux", "count", str(network), "--json"],
        env={**os.environ, "PUISEUX_PURE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["counts"] == dict.fromkeys(COUNTS["dec_1_4_4_1_0"], 4)
    assert done.stderr.count("plain engine") == 1
    assert "thousand cells a second" in done.stderr
