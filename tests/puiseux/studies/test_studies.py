"""The numbers of the studies, against closed forms and plain definitions; every study sums up and draws."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pytest

from nn_bridge.cells.adjacency import cell_adjacency
from nn_bridge.cells.statistics import counted
from nn_bridge.network.network import Network
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational, rational_rows
from puiseux.api import region_statistics
from puiseux.questions.count import count_regions
from puiseux.random_networks import random_network
from puiseux.studies import HOMES, find_study
from puiseux.studies.boundary_concentration import boundary_concentration
from puiseux.studies.data import (
    blobs,
    from_scikit_learn,
    gaussian_clusters,
    large_digits,
    spirals,
    two_clusters,
    two_moons,
)
from puiseux.studies.figures import new_figure
from puiseux.studies.geometry import facet_numbers
from puiseux.studies.hoffman_published import TABLE_2, cell_matrices
from puiseux.studies.lines_and_planes import plane_network
from puiseux.studies.one_network import network_of
from puiseux.studies.pruning_rate import expected_share
from puiseux.studies.runner import run_study, run_trial
from puiseux.studies.study import VERDICTS, Trial, rank_sum_deviation
from puiseux.studies.training import train
from tests.puiseux.studies.small_forms import SMALL
from tropical.effective_radius import hoffman_constant_of
from tropical.hoffman import hoffman_over
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational

DONE: dict[str, Any] = {}


def small(name: str) -> Any:
    """The result of the small form, run once."""
    if name not in DONE:
        study = find_study(name)
        DONE[name] = run_study(replace(study, cases=lambda full: SMALL[name]))
    return DONE[name]


@pytest.mark.parametrize("name", HOMES)
def test_every_study_sums_up_and_draws(name: str) -> None:
    result = small(name)
    assert result.complete
    summary = result.summary
    assert any("ublished" in text for text in (*summary.columns, *summary.remarks))
    assert summary.rows
    assert summary.remarks
    assert all(len(row) == len(summary.columns) for row in summary.rows)
    assert not any("not known here" in text for text in (*summary.remarks, result.study.about))
    assert len(result.to_json()["table"]) == len(summary.rows)
    figure = result.draw(new_figure())
    assert figure.axes
    assert any(ax.has_data() for ax in figure.axes)
    first = result.trials[0]
    assert run_trial(result.study, first.parameters, 0).record.keys() == first.record.keys()


WITHOUT_VERDICT = {"lines": "nothing was published"}


@pytest.mark.parametrize("name", [name for name in HOMES if name not in WITHOUT_VERDICT])
def test_every_published_number_or_claim_is_marked(name: str) -> None:
    summary = small(name).summary
    published = summary.column("published" if "published" in summary.columns else "published or known")
    marks = summary.column("verdict")
    assert any(entry is not None for entry in published)
    for entry, mark in zip(published, marks, strict=True):
        assert (entry is None) == (mark is None)
        assert mark is None or mark in VERDICTS
        assert entry is None or isinstance(entry, (int, float)) or len(entry) > 10


@pytest.mark.parametrize("name", HOMES)
def test_a_study_that_was_stopped_at_once_has_a_summary(name: str) -> None:
    assert find_study(name).summarize(()).columns


def test_exact_counts_of_the_shapes_of_table_3() -> None:
    for trial in small("sampling").trials:
        # six lines in general position cut the plane into 22 cells, each with its own affine map
        assert trial["symbolic"] == 1 + 6 + comb(6, 2)
        assert trial["sampled"] <= 22


def test_hoffman_constants_that_are_known() -> None:
    first, unpruned, pruned, *others = small("hoffman").trials
    assert (first["exact"], round(first["upper"], 3), round(first["published upper"], 3)) == (3.0, 3.346, 1.932)
    assert (unpruned["exact"], unpruned["radius"]) == (1.0, 1.0)
    assert (pruned["exact"], pruned["radius"]) == (0.5, 0.0)
    assert all(trial["ordered"] for trial in small("hoffman").trials)
    for trial in others:
        assert trial["lower"] <= trial["exact"] <= trial["upper"]
        if trial["kind"] in ("polynomial", "network"):
            assert trial["smallest radius"] <= trial["radius"]


def test_the_published_hoffman_constants_lie_between_their_bounds() -> None:
    assert sum(len(part.exact) for part in TABLE_2.values()) == 32
    for part in TABLE_2.values():
        assert len(part.lower) == len(part.exact) == len(part.upper) == 8
        assert all(a <= b <= c for a, b, c in zip(part.lower, part.exact, part.upper, strict=True))
    assert [part[:3] for part in TABLE_2.values()] == [(2, 3, 6), (3, 4, 9), (5, 4, 8), (7, 3, 12)]
    medians = [float(np.median(part.exact)) for part in TABLE_2.values()]
    assert medians == pytest.approx([0.7135, 0.9355, 1.571, 0.8605])
    summary = small("hoffman").summary
    rows = {row[0]: dict(zip(summary.columns, row, strict=True)) for row in summary.rows}
    normal, uniform = (rows[f"table 2 (a): 2 + 3 monomials, n = 6, {entries}"] for entries in ("normal", "uniform"))
    assert normal["published"] == uniform["published"] == float(np.median(TABLE_2["a"].exact))
    assert (normal["verdict"], uniform["verdict"]) == ("confirmed", "contradicted")


def test_the_constant_of_a_map_is_that_of_its_cell_matrices() -> None:
    rng = np.random.default_rng(3)
    for m, k, n in ((2, 3, 4), (3, 3, 5)):
        tops, bottoms = (rng.integers(-5, 6, (size, n)).tolist() for size in (m, k))
        polynomials = [PuiseuxPolynomial([(row, 0) for row in rows], n) for rows in (tops, bottoms)]
        assert [len(p) for p in polynomials] == [m, k]
        matrices = cell_matrices(rational_rows(tops), rational_rows(bottoms))
        assert len(matrices) == m * k
        assert hoffman_over(matrices).value == hoffman_constant_of(PuiseuxRational(*polynomials))


def test_networks_of_equation_2_have_2_to_the_n_regions_and_are_not_overcounted() -> None:
    for trial in small("symmetry").trials:
        if trial.parameters.get("form") == "equation (2)":
            assert trial["exact"] == 2 ** trial["inputs"]
        assert trial["sampled in the domain"] <= trial["exact"]


def test_the_study_of_symmetry_says_that_the_claim_is_contradicted() -> None:
    study = find_study("symmetry")
    values = {"exact": 423, "sampled": 318, "sampled in the domain": 278}
    clock = {f"{name} seconds": 1.0 for name in ("sampling", "domain", "exact", "exact by symmetry")}
    summary = study.summarize([Trial({"inputs": 5, "channels": [2], "trial": 0}, {**values, **clock}, 1.0)])
    assert summary.column("published") == ["does not undercount"]
    assert summary.column("verdict") == ["contradicted"]
    assert "278 for 423 regions" in summary.remarks[0]


def test_the_rank_sum_is_that_of_scipy() -> None:
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(0)
    one, two = rng.normal(size=12).tolist(), rng.normal(0.5, 1, 20).tolist()
    expected = mannwhitneyu(one, two, use_continuity=False, method="asymptotic").pvalue
    assert math.erfc(abs(rank_sum_deviation(one, two)) / 2**0.5) == pytest.approx(expected)


def test_invariant_networks_have_a_cell_count_between_the_estimates_and_the_arrangement() -> None:
    for trial in small("symmetry").trials:
        n = trial["inputs"]
        assert 2 <= trial["exact"] <= sum(comb(2 * n, k) for k in range(n + 1))
        assert trial["sampled"] <= trial["exact"]


def test_monomials_of_one_layer_follow_the_signs() -> None:
    for trial in small("depth").trials:
        if len(trial["hidden"]) == 1:
            splits = [(p, 6 - p) for p in range(7) if 2**p + 2 ** (6 - p) == trial["native"]]
            assert splits
            n = trial["inputs"]
            assert trial["pruned"] == sum(comb(m, k) for m in splits[0] for k in range(n + 1))


def test_the_expected_share_is_the_mean_over_all_signs() -> None:
    for width in (2, 3, 5):
        shares = []
        for signs in product((0, 1), repeat=width):
            p, q = sum(signs), width - sum(signs)
            shares.append(1 - (2 + width + comb(p, 2) + comb(q, 2)) / (2**p + 2**q))
        assert expected_share(width) == pytest.approx(np.mean(shares))
    for trial in small("pruning").trials:
        for when in ("random", "trained"):
            assert trial[f"{when} share"] == 1 - trial[f"{when} pruned"] / trial[f"{when} native"]


def test_regions_of_random_functions_join_polyhedra() -> None:
    for trial in small("monomials").trials:
        assert trial["affine maps"] <= trial["regions"] <= trial["polyhedra"]
        assert trial["pruned"] <= 2 * trial["monomials"]
        if trial["kind"] == "convex position":
            assert trial["pruned"] == 2 * trial["monomials"]


@pytest.mark.parametrize("shape", [[2, 5, 4, 1], [3, 4, 1], [4, 2, 1], [2, 1]])
def test_facet_numbers_without_keeping_the_cells(shape: list[int]) -> None:
    network = random_network(shape, rng=3)
    assert facet_numbers(network) == counted(cell_adjacency(network).facets)


def test_the_geometry_of_an_arrangement() -> None:
    lines, deep, trained = small("geometry").trials
    assert trained["mean facets"] <= 4
    assert sum(trained["cells by facets"]) == trained["cells"] <= 11
    # four lines in general position: 11 cells, 16 segments and rays, opposite cells four facets apart
    assert (lines["cells"], lines["mean facets"], lines["diameter"]) == (11, 32 / 11, 4)
    assert sum(deep["cells by facets"]) == deep["cells"]
    assert 1 <= lines["data-bearing"] <= 11
    assert min(lines["facets"]) <= lines["mean neighbours of data-bearing"] <= max(lines["facets"])
    assert deep["mean facets"] <= 4


def test_the_report_of_a_network_is_right() -> None:
    trial, _ = small("report").trials
    network = network_of(trial.record)
    assert all((16 * bias).q == 1 for bias in (*network.stages[0].bias, *network.output.bias))
    counts = count_regions(network)
    assert len(trial["regions"]) == counts.regions
    assert sum(region["polyhedra"] for region in trial["regions"]) == counts.cells
    assert trial["native"] >= trial["distinct"] >= trial["pruned"] >= trial["shortest"]
    bounded = [region for region in trial["regions"] if region["volume"] is not None]
    for region in bounded:
        # the shoelace formula on exact vertices around their mean
        points = [tuple(map(rational, vertex)) for vertex in region["vertices"]]
        centre = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
        points.sort(
            key=lambda p: np.arctan2(
                float((p[1] - centre[1]).p) / float((p[1] - centre[1]).q),
                float((p[0] - centre[0]).p) / float((p[0] - centre[0]).q),
            )
        )
        area = sum(p[0] * q[1] - p[1] * q[0] for p, q in zip(points, [*points[1:], points[0]], strict=True)) / 2
        assert area == rational(region["volume"])


def test_a_network_with_the_numbers_of_appendix_a() -> None:
    """Counted a second time by the tropical route, which shares no code with the cells."""
    _, trial = small("report").trials
    network = network_of(trial.record)
    symbolic = count_regions(network, engine="tropical")
    assert (symbolic.affine_maps, symbolic.regions) == (13, 14)
    assert sum(region["volume"] is None for region in trial["regions"]) == 6
    repeated = [region["affine map"] for region in trial["regions"]]
    assert sorted(map(repeated.count, set(repeated))) == [1] * 12 + [2]
    assert "confirmed" in small("report").summary.column("verdict")


def density_near_the_boundary(network: Network, box: Polyhedron) -> float | None:
    areas = [float(region.volume.p) / float(region.volume.q) for region in region_statistics(network, box)]
    return boundary_concentration(network, box, areas)


def test_density_near_the_boundary_in_closed_form() -> None:
    stripes = Network.from_layers([[[1, 0]] * 3, [[1, 1, 1]]], [[0, -1, -2], [-1]])
    assert density_near_the_boundary(stripes, Polyhedron.box([-1, 0], [3, 1])) == pytest.approx(1.0)
    always = Network.from_layers([[[1, 0]], [[1]]], [[0], [1]])
    assert density_near_the_boundary(always, Polyhedron.box([-1, 0], [3, 1])) is None
    # kinks at 0, 1, .., 9 around the zero at 5.25: a region per unit of area there, 11 per 100 in the whole
    dense = Network.from_layers([[[1, 0]] * 10, [[2] * 10]], [[-k for k in range(10)], [-33]])
    assert density_near_the_boundary(dense, Polyhedron.box([-50, 0], [50, 1])) == pytest.approx(100 / 11)


def test_the_digits_network_has_sixteen_cells() -> None:
    (trial,) = small("digits").trials
    assert trial["cells"] == 16
    assert trial["native"] == [2**p + 2 ** (4 - p) for p in trial["positive weights"]]
    assert trial["pruned"] == trial["native"]


def test_the_plane_through_three_digits() -> None:
    (trial,) = small("lines").trials
    plane = plane_network(trial.record)
    assert plane.input_dim == 2
    assert plane.output_dim == 10
    anchors = [tuple(map(rational, anchor)) for anchor in trial["plane"]["anchors"]]
    assert anchors[:2] == [(0, 0), (1, 0)]
    assert trial["regions of the plane after"] >= 1
    assert len(trial["same digit: transitions after"]) == 2


def test_data_bearing_cells_are_cells() -> None:
    (trial,) = small("geometry-data").trials
    assert 1 <= trial["data-bearing"] <= min(trial["cells"], 150)
    assert len(trial["neighbours"]) == trial["cells"]
    assert trial["mean neighbours"] == np.mean(trial["neighbours"])
    assert trial["farthest from data"] <= trial["diameter"]


def test_cells_around_an_image_of_many_pixels() -> None:
    (trial,) = small("geometry-digits").trials
    assert (trial["directions"], trial["units"], trial["images"]) == (4, 8, 1797)
    assert (len(trial["facets"]), len(trial["facets of data-bearing"])) == (
        trial["explored"],
        min(5, trial["data-bearing"]),
    )
    assert all(1 <= facets <= 8 for facets in (*trial["facets"], *trial["facets of data-bearing"]))
    assert 1 <= trial["explored that hold images"] <= min(trial["explored"], trial["data-bearing"])


def test_training_records_every_epoch_that_was_asked_for() -> None:
    (trial,) = small("training").trials
    assert trial["epoch"] == [0, 1, 2]
    for name in ("regions", "regions in the box", "data-bearing", "accuracy", "volume quantiles"):
        assert len(trial[name]) == 3
    for k in range(3):
        assert trial["data-bearing"][k] <= trial["regions in the box"][k] <= trial["regions"][k]


# -------------------------------------------------------------------- training and data


def test_training_is_seeded_and_touches_nothing_global() -> None:
    import torch

    data = two_moons(np.random.default_rng(0), 60)
    before = torch.get_rng_state().clone()
    threads = torch.get_num_threads()
    one, two = (
        train([2, 4, 1], data.inputs, data.targets, rng=np.random.default_rng(1), epochs=15, at=(0, 15))
        for _ in range(2)
    )
    assert one == two
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    first, last = one
    assert (first.epoch, last.epoch) == (0, 15)
    assert last.loss < first.loss
    # what was said of the network is true of the exact one
    wins = last.network.evaluate_float(data.inputs.astype(np.float32))[:, 0] > 0
    assert last.accuracy == pytest.approx(float((wins == (data.targets == 1)).mean()))


def test_the_optimizer_is_that_of_torch() -> None:
    import torch

    from puiseux.studies.training import _Adam

    start = torch.tensor([1.0, -2.0, 0.5, 3.0])
    ours, theirs = (start.clone().requires_grad_(True) for _ in range(2))
    adam, reference = _Adam(torch, [ours], 0.05), torch.optim.Adam([theirs], lr=0.05)
    for step in range(50):
        weights = torch.arange(4.0) + step % 3
        adam.step(torch.autograd.grad((weights * ours**2).sum() + ours.abs().sum(), [ours]))
        reference.zero_grad()
        ((weights * theirs**2).sum() + theirs.abs().sum()).backward()
        reference.step()
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(ours, start, atol=0.5)


def test_regression_and_several_classes() -> None:
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(50, 3))
    (fitted,) = train([3, 4, 1], inputs, inputs.sum(axis=1), rng=rng, epochs=40, loss="values")
    assert fitted.accuracy is None
    values = fitted.network.evaluate_float(inputs.astype(np.float32))[:, 0]
    assert fitted.loss == pytest.approx(np.mean((values - inputs.sum(axis=1)) ** 2), rel=1e-3)
    (sorted_out,) = train([3, 4, 3], inputs, inputs.argmax(axis=1), rng=rng, epochs=40)
    guess = sorted_out.network.evaluate_float(inputs.astype(np.float32)).argmax(axis=1)
    assert sorted_out.accuracy == pytest.approx(float((guess == inputs.argmax(axis=1)).mean()))
    assert sorted_out.accuracy > 0.6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "no loss 'hinge'"),
        ({"at": [3]}, "not all in 0..2"),
        ({"inputs": np.ones((4, 3))}, "does not fit"),
    ],
)
def test_training_refuses(options: dict[str, Any], message: str) -> None:
    given = {"inputs": np.ones((4, 2)), "rng": np.random.default_rng(0), "epochs": 2, **options}
    inputs = given.pop("inputs")
    with pytest.raises(UsageError, match=message):
        train([2, 2, 1], inputs, np.zeros(4), **given)


def test_the_data_sets() -> None:
    for draw in (gaussian_clusters, two_clusters, two_moons, spirals):
        one, two = (draw(np.random.default_rng(5), 40) for _ in range(2))
        assert one.inputs.shape == (40, 2)
        assert set(one.targets.tolist()) == {0, 1}
        assert one.outputs == 1
        assert np.array_equal(one.inputs, two.inputs)
    three = blobs(np.random.default_rng(5), 60, 4, 3)
    assert (three.inputs.shape, three.outputs) == ((60, 4), 3)
    assert np.bincount(three.targets).tolist() == [20, 20, 20]
    iris = from_scikit_learn("iris")
    assert (iris.inputs.shape, iris.outputs) == ((150, 4), 3)
    assert np.allclose(iris.inputs.mean(axis=0), 0)
    assert np.allclose(iris.inputs.std(axis=0), 1)
    assert from_scikit_learn("diabetes").outputs == 1


def test_large_digits_keep_the_corners_and_the_range() -> None:
    from sklearn.datasets import load_digits

    images = large_digits().inputs.reshape(-1, 28, 28)
    small_images = load_digits().images / 16
    assert np.allclose(images[:, ::27, ::27], small_images[:, ::7, ::7])
    assert images.min() >= 0
    assert images.max() <= 1
    # every third step lands between pixels: 27 steps over 7 pixels meet them where 7 k / 27 is whole
    assert np.allclose(images[:, 0, 27], small_images[:, 0, 7])


def test_topology_of_folded_and_trained_networks() -> None:
    found = small("topology")
    folds, ring = (next(t for t in found.trials if t["kind"] == kind) for kind in ("folds", "ring"))
    assert (folds["betti"], folds["bounded"]) == ([4, 0, 0], 4)
    assert ring["accuracy"][-1] > 0.95
    assert ring["betti"][-1] == [1, 1, 0]  # around the disk
    marks = {row[0]: row[-1] for row in found.summary.rows}
    assert {marks[name] for name in ("narrow", "n + 1", "folds", "random")} == {"confirmed"}
    assert marks["ring, after training"] is None
    bounded = Trial({"kind": "narrow", "shape": [2, 2, 1], "trial": 1}, {"betti": [1, 0, 0], "bounded": 1}, 0.0)
    (row,) = found.study.summarize([bounded]).rows
    assert row[-1] == "contradicted"
