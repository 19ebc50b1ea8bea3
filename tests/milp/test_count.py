"""Counts by mixed-integer programs against exact cells, the audit against planted gaps, limits and refusals."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from milp.audit import find_missed, is_cell, largest_slack, pattern_behind
from milp.count import count_milp, search_patterns
from milp.domain import bounded
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError, MissingExtraError
from polyhedra.polyhedron import Polyhedron
from tests.pace import Stopwatch, slowness

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")
pytest.importorskip("pyscipopt")

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "data" / "cell_counts.json").read_text())
    if case["cells"] <= 60
]


def network_and_cells(case):
    """A network, the box of half-width 10, and its exact cells there: those of R^n that meet the box's interior."""
    network = Network.from_layers(case["weights"], case["biases"])
    box = Polyhedron.box([-10] * network.input_dim, [10] * network.input_dim)
    region = bounded(box, network.input_dim)
    patterns = [tuple(tuple(c == "1" for c in stage) for stage in p.split("|")) for p in case["patterns"]]
    return network, box, {p for p in patterns if is_cell(network, region, p)}


def check(case, method):
    network, box, exact = network_and_cells(case)
    result = search_patterns(network, box, method)
    assert result.complete
    assert set(result.patterns) <= exact
    assert len(set(result.patterns)) == len(result.patterns)
    if result.vouched:
        assert set(result.patterns) == exact
        assert result.reason is None
    else:  # only ever because of thin cells, never without a reason
        assert len(result.patterns) < len(exact)
        assert "thinner than the stated slack" in result.reason
    return result.vouched


@pytest.mark.parametrize("part", range(4))
def test_one_tree_agrees_with_the_exact_cells_of_all_networks(part):
    chosen = CASES[part::4]
    assert sum(check(case, "scip") for case in chosen) > 0.7 * len(chosen)


def test_the_loop_agrees_with_the_exact_cells():
    chosen = [case for case in CASES if case["cells"] <= 10][::9]
    assert sum(check(case, "loop") for case in chosen) > 0.6 * len(chosen)


def test_oracle_of_this_file_is_brute_force(cells_by_patterns):
    for case in CASES[:: len(CASES) // 6]:
        network, box, exact = network_and_cells(case)
        if sum(network.hidden) <= 8:
            assert cells_by_patterns(network, box) == exact


def test_closed_form_of_one_hidden_layer_in_general_position():
    rng = np.random.default_rng(2)
    directions = rng.normal(size=(6, 2))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    network = Network.from_layers([directions, np.ones((1, 6))], [0.2 * rng.normal(size=6), [0]])
    wide = Polyhedron.box([-1000] * 2, [1000] * 2)
    result = count_milp(network, wide)
    assert result.cells == sum(math.comb(6, k) for k in range(3))
    assert (result.exact, result.complete, result.engine, result.domain) == (False, True, "milp", "box:-1000,1000")
    assert result.regions is None
    assert result.affine_maps == result.cells


def test_counts_after_each_stage():
    tent = [[[2], [4]], [[2, -2], [4, -4]], [[1, -1]]]
    network = Network.from_layers(tent, [[0, -2], [0, -2], [0]])
    result = search_patterns(network, ([0], [1]))
    assert result.per_stage == (2, 4)


def test_units_that_vanish_on_some_cells_only():
    # the second stage is 0 wherever the first is, and the third doubles it: two cells on either side of the kink
    network = Network.from_layers([[[1]], [[1], [-1]], [[1, 2], [2, 1]], [[1, 1]]])
    for method in ("scip", "loop"):
        result = search_patterns(network, ([-1], [1]), method)
        assert result.vouched
        assert result.patterns == (
            ((False,), (False, False), (False, False)),
            ((True,), (True, False), (True, True)),
        )


def test_counts_on_a_slice(random_network, cells_by_patterns, unit_box):
    network = random_network(np.random.default_rng(6), (4, 4, 3, 1))
    slice_network = network.restrict_to([[1, 0], [0, 1], [1, 1], [0, "1/2"]], ["1/3", 0, 0, "-1/5"])
    box = unit_box(2, 3)
    assert set(search_patterns(slice_network, box).patterns) == cells_by_patterns(slice_network, box)


def test_counts_in_a_polyhedron_and_with_skips(random_network, cells_by_patterns):
    network = random_network(np.random.default_rng(7), (2, 3, 3, 1), "skip")
    triangle = Polyhedron([[1, 1], [-1, 0], [0, -1]], [2, 1, 1])
    result = search_patterns(network, triangle)
    assert result.vouched
    assert set(result.patterns) == cells_by_patterns(network, triangle)


def test_counts_do_not_depend_on_order_and_scale(random_network, unit_box):
    rng = np.random.default_rng(8)
    first, second = rng.normal(size=(4, 2)), rng.normal(size=(3, 4))
    bias = rng.normal(size=4)
    plain = Network.from_layers([first, second, [[1, 1, 1]]], [bias, [0, 0, 0], [0]])
    order, scale = rng.permutation(4), 2.0 ** rng.integers(-40, 40, size=4)
    changed = Network.from_layers(
        [(scale[:, None] * first)[order], (second / scale)[:, order], [[1, 1, 1]]],
        [(scale * bias)[order], [0, 0, 0], [0]],
    )
    assert count_milp(plain, unit_box(2)).cells == count_milp(changed, unit_box(2)).cells


# ---------------------------------------------------------------- the audit


def test_audit_finds_every_planted_gap(random_network, cells_by_patterns, unit_box):
    network = random_network(np.random.default_rng(9), (2, 3, 2, 1))
    region = bounded(unit_box(2), 2)
    cells = cells_by_patterns(network, unit_box(2))
    assert find_missed(network, region, cells) is None
    for gap in cells:
        missed = find_missed(network, region, cells - {gap})
        assert missed.pattern == gap
        assert region.contains(missed.point)


def test_audit_steps_across_coincident_hyperplanes():
    # two units with one kink, and a third that reads their difference: across the kink all three change
    network = Network.from_layers([[[1], [2]], [[1, "-1/4"]], [[1]]])
    region = bounded(([-1], [1]), 1)
    assert pattern_behind(network, (fmpq(0),), (fmpq(1),)) == ((True, True), (True,))
    assert pattern_behind(network, (fmpq(0),), (fmpq(-1),)) == ((False, False), (False,))
    missed = find_missed(network, region, {((False, False), (False,))})
    assert missed.pattern == ((True, True), (True,))


def test_slack_of_a_cell_is_exact():
    network = Network.from_layers([[[1], [1]], [[1, 1]]], [[0, "-1/1000"], [0]])
    region = bounded(([-1], [1]), 1)
    between = ((True, False),)
    assert largest_slack(network, region, between, [[1.0, 1.0]]) == fmpq(1, 2000)
    thin = Network.from_layers([[[1], [1]], [[1, 1]]], [[0, "-1/1000000000"], [0]])
    result = count_milp(thin, ([-1], [1]))
    assert result.cells is None
    assert result.complete
    assert "thinner than the stated slack 1e-06: 5e-10" in result.reason
    unaudited = count_milp(thin, ([-1], [1]), audit=False)
    assert (unaudited.cells, unaudited.exact) == (2, False)


# ---------------------------------------------------------------- limits and refusals


@pytest.mark.parametrize("method", ["scip", "loop"])
def test_limits_stop_a_count_with_a_lower_bound(method, random_network, unit_box):
    network = random_network(np.random.default_rng(10), (4, 12, 12, 1))
    few = count_milp(network, unit_box(4), method, max_cells=5)
    assert not few.complete
    assert few.cells == 6
    assert few.reason == "more than 5 cells"
    watch = Stopwatch()
    late = count_milp(network, unit_box(4), method, time_limit=1.0)
    assert not late.complete
    assert late.reason == "time limit"
    assert watch.seconds < 1 + 2 * slowness()
    assert late.cells >= 1
    assert not late.exact


def test_refusals():
    network = Network.from_layers([[[1, 0]], [[1]]])
    with pytest.raises(FormulationError, match="no method 'guess'"):
        count_milp(network, ([0, 0], [1, 1]), "guess")
    with pytest.raises(FormulationError, match="slack"):
        count_milp(network, ([0, 0], [1, 1]), slack=1e-12)
    with pytest.raises(FormulationError, match="not full-dimensional"):
        count_milp(network, ([0, 0], [1, 0]))
    with pytest.raises(FormulationError, match="bounded domain"):
        count_milp(network, None)


def test_missing_scip_is_named(monkeypatch):
    import importlib

    def refuse(name, *rest):
        if name == "pyscipopt":
            raise ImportError(name)
        return original(name, *rest)

    original = importlib.import_module
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtraError, match=r"method='scip' needs the optional part \[milp\].*method='loop'"):
        count_milp(Network.from_layers([[[1]], [[1]]]), ([-1], [1]))


def test_counting_knows_no_other_route():
    import subprocess
    import sys

    code = (
        "import milp.count, sys; print([m for m in sys.modules if m.startswith(('nn_bridge.', 'tropical', 'cvxpy'))])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(json.loads(output.replace("'", '"')))
    assert "nn_bridge.network.network" in loaded
    rooms = {".".join(name.split(".")[:2]) for name in loaded}
    assert rooms <= {f"nn_bridge.{name}" for name in ("network", "errors", "region_count", "reduction")}
