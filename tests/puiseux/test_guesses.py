"""Calls that people guess: one syntax of boxes everywhere, files and functions where they fit, models in wrappers."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import fmpq

import milp
import puiseux
from polyhedra.errors import AlgebraError, NetworkError, PuiseuxError
from tropical.free_names import free_names

NET = puiseux.Network.from_layers([[[1, 0], [0, 1], [1, 1]], [[1, 1, -1]]], [[0, 0, -1], [0]])
SQUARE = puiseux.Polyhedron.box([-2, -2], [2, 2])
DOMAINS: dict[str, Any] = {
    "text": "box:-2,2",
    "polyhedron": SQUARE,
    "interval": (-2, 2),
    "pairs": [(-2, 2), (-2, 2)],
    "arrays": (np.array([-2, -2]), np.array([2, 2])),
}


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=list(DOMAINS))
def test_every_question_takes_every_form_of_a_domain(domain: Any) -> None:
    assert puiseux.count_regions(NET, domain).cells == 7
    assert puiseux.dual_graph(NET, domain).number_of_nodes() == 7
    assert len(list(puiseux.iterate_cells(NET, domain))) == 7
    assert sum(puiseux.region_statistics(NET, domain)["volume"]) == 16
    assert puiseux.optimize(NET, domain, maximize=True).value == 2
    assert puiseux.lipschitz(NET, domain).constant == puiseux.lipschitz(NET).constant
    assert puiseux.topology(NET, domain).betti[0] == 1
    assert puiseux.largest_difference(NET, NET, domain).value == 0
    assert puiseux.reduce_network(NET, domain).network.hidden == (3,)
    assert puiseux.decision_boundary(NET, domain).pieces is not None
    assert puiseux.crosscheck(NET, domain, routes="cells").routes[0].counts["cells"] == 7


@pytest.mark.parametrize("domain", ["box:-2,2", "box:-2,2;-2,2", SQUARE, (-2, 2), ([-2, -2], [2, 2])], ids=str)
def test_mixed_integer_functions_take_text_and_numbers_too(domain: Any) -> None:
    assert milp.optimize_network(NET, domain, sense="max").value == 2
    assert milp.local_lipschitz(NET, domain).value == 2
    with pytest.raises(PuiseuxError, match="is no box; write box:LO,HI"):
        milp.local_lipschitz(NET, "all")


def test_cubes_and_domains_tell_pairs_from_ends_alike() -> None:
    for cube in ([(0, 1), (2, 4)], ([0, 2], [1, 4]), (np.array([0, 2]), np.array([1, 4])), "box:0,1;2,4"):
        found = puiseux.sample_patterns(NET, n_samples=500, cube=cube, rng=0)
        assert found.patterns == puiseux.sample_patterns(NET, n_samples=500, cube="box:0,1;2,4", rng=0).patterns
        assert puiseux.count_regions(NET, cube).domain == "box:0,1;2,4"
        assert all(NET.pattern(x) == ((True, True, True),) for x in found.points)
    with pytest.raises(NetworkError, match="is a box in two ways"):
        puiseux.sample_patterns(NET, n_samples=10, cube=((0, 1), (2, 3)), rng=0)


@pytest.mark.parametrize("cube", ["box:-2,2", SQUARE, 2, (-2, 2), [(-2, 2), (-2, 2)], ([-2, -2], [2, 2])], ids=str)
def test_cubes_have_the_syntax_of_boxes(cube: Any) -> None:
    assert puiseux.sample_patterns(NET, n_samples=4000, cube=cube, rng=0).samples == 4000
    with pytest.raises(NetworkError, match="the cube"):
        puiseux.sample_patterns(NET, n_samples=10, cube="box:2,1", rng=0)


def test_windows_as_text_hold_a_pair_for_each_input() -> None:
    pytest.importorskip("matplotlib")
    for window in ("box:0,1;2,4", "0,1;2,4", [(0, 1), (2, 4)]):
        ax = puiseux.plot_regions(NET, window=window)
        assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (2, 4))
    with pytest.raises(PuiseuxError, match=r"entry 0, 0, is no pair \(low, high\)"):
        puiseux.plot_regions(NET, window=(0, 1, 2, 4))


def test_a_window_in_the_place_of_axes_is_named() -> None:
    pytest.importorskip("matplotlib")
    curve = puiseux.PuiseuxPolynomial("max(0, x, y)")
    for draw in (lambda: puiseux.plot_regions(NET, "box:-1,1"), lambda: puiseux.plot_dual_pair(curve, "-1,3")):
        with pytest.raises(PuiseuxError, match=r"axes of matplotlib, not .*; for a window write window=\.\."):
            draw()


def test_names_of_variables_stay() -> None:
    f = puiseux.PuiseuxPolynomial("max(u, 2v - 1)")
    assert f.names == ("u", "v")
    assert str(f * 2) == str(2 * f) == "max(u + 2, 2v + 1)"
    assert str(f**3) == "max(3u, 6v - 3)"
    assert str(f + f) == str(f.select(range(len(f)))) == str(pickle.loads(pickle.dumps(f))) == str(f)
    assert f._repr_latex_() == r"$\max\left(u,\, 2v - 1\right)$"
    assert str(f + puiseux.PuiseuxPolynomial.constant(0, 2)) == "max(u, 2v - 1, 0)"
    # names of two kinds say nothing together
    assert str(f + puiseux.PuiseuxPolynomial("max(x, y)")) == "max(x1, 2x2 - 1, x2)"
    assert str(puiseux.PuiseuxRational(f, puiseux.PuiseuxPolynomial("max(u, v)"))) == "max(u, 2v - 1) - max(u, v)"
    assert puiseux.PuiseuxPolynomial("max(x2, x1)").names is None


def test_plots_of_curves_have_the_names_too() -> None:
    pytest.importorskip("matplotlib")
    left, right = puiseux.plot_dual_pair(puiseux.PuiseuxPolynomial("max(0, u, v)"))
    assert (left.get_xlabel(), left.get_ylabel()) == ("u", "v")
    assert (right.get_xlabel(), right.get_ylabel()) == ("exponent of u", "exponent of v")
    assert {text.get_text() for text in left.texts} == {"u", "v", "0"}


def test_a_time_limit_that_is_no_number_is_refused() -> None:
    for ask in (puiseux.count_regions, puiseux.simplify, puiseux.lipschitz):
        with pytest.raises(PuiseuxError, match=r"^time_limit='60' is of type str: give a number or None$"):
            ask(NET, time_limit="60")  # type: ignore[operator]


def test_windows_have_the_syntax_of_boxes() -> None:
    pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    for window in ("box:-1,1", "-1,1", (-1, 1), [(-1, 1), (-1, 1)]):
        assert puiseux.plot_regions(NET, window=window).get_xlim() == (-1.0, 1.0)
    left, right = puiseux.plot_dual_pair(puiseux.PuiseuxPolynomial("max(0, x, y, x+y-1)"), window="-1,3")
    assert left.get_xlim() == (-1.0, 3.0)
    assert right.get_title()
    plt.close("all")


def test_a_property_may_be_a_file(tmp_path: Path) -> None:
    spec = tmp_path / "spec.vnnlib"
    spec.write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(assert (>= X_0 0))(assert (<= X_0 2))"
        "(assert (>= X_1 0))(assert (<= X_1 2))(assert (>= Y_0 1))"
    )
    for given in (spec, str(spec), puiseux.read_vnnlib(spec)):
        assert milp.verify_vnnlib(NET, given).status is milp.Status.VIOLATED
    with pytest.raises(PuiseuxError, match="no such file"):
        milp.verify_vnnlib(NET, str(tmp_path / "none.vnnlib"))


def test_a_counter_may_be_a_function() -> None:
    def mine(network: puiseux.Network, domain: puiseux.Polyhedron | None) -> int:
        return 7

    assert puiseux.crosscheck(NET, oracles=mine, routes="cells").agree is True
    assert puiseux.crosscheck(NET, oracles=lambda network, domain: 6, routes=["cells"]).agree is False
    with pytest.raises(PuiseuxError, match="there is no oracle 'nobody'"):
        puiseux.crosscheck(NET, oracles="nobody")


def test_polynomials_of_a_text_with_any_names() -> None:
    named = puiseux.PuiseuxPolynomial("max(0, x, y, x+y-1)")
    assert str(named) == "max(x + y - 1, x, y, 0)"
    assert named == puiseux.PuiseuxPolynomial([((0, 0), 0), ((1, 0), 0), ((0, 1), 0), ((1, 1), -1)])
    assert named == puiseux.PuiseuxPolynomial("max(0, x1, x2, x1 + x2 - 1)")
    assert puiseux.PuiseuxPolynomial("max(b, 2a)").terms == puiseux.PuiseuxPolynomial("max(2x1, x2)").terms
    assert puiseux.PuiseuxPolynomial("x1", dim=3).dim == 3
    assert puiseux.PuiseuxPolynomial("7", dim=2)([0, 0]) == 7
    assert free_names("max(1e5, x_2, x1)") is None
    assert free_names("max(1e5, 2a, 3x)") == ("a", "x")
    with pytest.raises(AlgebraError, match="subtracts a maximum"):
        puiseux.PuiseuxPolynomial("max(x, 0) - max(y, 0)")
    with pytest.raises(AlgebraError, match="cannot read the formula"):
        puiseux.PuiseuxPolynomial("max(x, ")


def test_a_polynomial_times_a_number_is_a_tropical_product() -> None:
    f = puiseux.PuiseuxPolynomial("max(0, x, y, x+y-1)")
    for number in (2, 2.0, fmpq(2), np.float64(2), np.int64(2)):
        assert f * number == number * f == f.shift((0, 0), 2)
    quotient = puiseux.PuiseuxRational(f) / puiseux.PuiseuxPolynomial("max(x1, 0)", dim=2)
    assert (quotient * 1)([1, 1]) == quotient([1, 1]) + 1
    assert (3 * quotient)([1, 1]) == quotient([1, 1]) + 3
    for wrong in ("2", None, True):
        with pytest.raises(TypeError):
            f * wrong
    with pytest.raises(TypeError):
        sum([f, f])  # 0 + f would be the maximum with 0


def test_functions_are_evaluated_at_many_points() -> None:
    f = puiseux.PuiseuxPolynomial("max(0, x, y, x+y-1)")
    points = [[0, 1], ["1/2", 3], [-1, -1]]
    assert f(points) == tuple(f(point) for point in points)
    array = np.array([[0.0, 1.0], [0.5, 3.0], [-1.0, -1.0]])
    assert f(array) == f(points)
    assert f.evaluate_float(array).tolist() == [float(v) for v in f(points)]
    quotient = puiseux.PuiseuxRational(f, puiseux.PuiseuxPolynomial("max(x1, 0)", dim=2))
    assert quotient(array) == tuple(quotient(point) for point in points)


def test_random_numbers_need_no_seed() -> None:
    assert puiseux.random_network([2, 3, 1]).hidden == (3,)
    assert puiseux.sample_patterns(NET, n_samples=10, cube=1).samples == 10
    assert puiseux.effective_radii(NET, n_samples=2)


def test_models_in_wrappers_are_read() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    plain = puiseux.as_network(model)
    assert puiseux.as_network(torch.nn.DataParallel(model)) == plain
    assert puiseux.as_network(torch.compile(model)) == plain


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_and_traced_chains_are_read() -> None:
    torch = pytest.importorskip("torch")
    inner = torch.nn.Sequential(torch.nn.Linear(3, 4, bias=False), torch.nn.LeakyReLU(0.125))
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.ReLU(), inner, torch.nn.Flatten(), torch.nn.Linear(4, 2).double().float()
    ).eval()
    plain = puiseux.as_network(model)
    for wrapped in (torch.jit.script(model), torch.jit.trace(model, torch.zeros(1, 2))):
        assert puiseux.as_network(wrapped) == plain
        assert puiseux.count_regions(torch.nn.DataParallel(wrapped)).cells == puiseux.count_regions(plain).cells

    class Twice(torch.nn.Module):  # type: ignore[name-defined,misc]
        def forward(self, x: Any) -> Any:
            return torch.relu(x) + x

    residual = torch.jit.trace(Twice(), torch.zeros(1, 2))
    with pytest.raises(NetworkError, match="is a TorchScript program, whose layers are not read"):
        puiseux.as_network(residual)


TENT: Any = [([[2], [4]], [0, -2]), ([[1, -1]], [0])]
RENAMED: dict[str, Any] = {
    "sample_patterns samples": lambda **old: puiseux.sample_patterns(TENT, cube=2, rng=0, **old),
    "sample_regions samples": lambda **old: puiseux.sample_regions(TENT, cube=2, rng=0, **old),
    "effective_radii samples": lambda **old: puiseux.effective_radii(TENT, rng=0, **old),
    "effective_radius samples": lambda **old: puiseux.effective_radius(
        puiseux.PuiseuxPolynomial("max(0, x)"), rng=0, **old
    ),
}


@pytest.mark.parametrize("name", RENAMED)
def test_a_former_keyword_works_with_a_warning(name: str) -> None:
    call, old = RENAMED[name], name.split()[1]
    with pytest.warns(FutureWarning, match=rf"\({old}=\.\.\) is n_{old}=\.\. now"):
        found = call(**{old: 30})
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        assert call(**{f"n_{old}": 30}) == found
    with pytest.raises(TypeError, match="its new name"):
        call(**{old: 30, f"n_{old}": 30})


def test_a_former_centre_works_with_a_warning() -> None:
    for call in (
        lambda **old: puiseux.sampling_box(TENT, **old),
        lambda **old: puiseux.minimal_effective_radius(puiseux.PuiseuxPolynomial("max(0, x)"), **old),
    ):
        with pytest.warns(FutureWarning, match="center="):
            found = call(centre=[1])
        assert call(center=[1]) == found


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        (puiseux.hoffman_constant, "puiseux.hoffman"),
        (puiseux.plot_persistence, "persistence=True"),
        (puiseux.plot_betti_growth, "a list of networks"),
        (puiseux.run_study, "the name of a study"),
    ],
)
def test_a_network_in_the_place_of_something_else_is_told_so(call: Any, advice: str) -> None:
    with pytest.raises(PuiseuxError, match=advice) as told:
        call(puiseux.random_network([2, 3, 1], rng=0))
    assert "\n" not in str(told.value)


def test_persistence_is_drawn_from_the_whole_answer_too() -> None:
    answer = puiseux.topology(puiseux.random_network([1, 3, 1], rng=0), persistence=True)
    one, other = puiseux.plot_persistence(answer), puiseux.plot_persistence(answer.pairs)
    assert [len(ax.lines) for ax in one.axes] == [len(ax.lines) for ax in other.axes]
