"""Numbers at the ends of the float range, limits, and what the functions take: each a fault that was found once."""

import itertools
import warnings
from functools import partial

import numpy as np
import pytest
from flint import fmpq

import milp
from milp.count import search_patterns
from milp.differences import greatest_value
from milp.domain import bounded, l1_ball, l1_domain
from milp.lipschitz import steepest_cell
from milp.matrix_norms import NormPair
from milp.scaling import scaled
from milp.solvers import SolveStatus, solve
from milp.training.fit_data import fit_data
from milp.training.float_search import solve_program
from milp.training.sparse_data import low_rank_data
from milp.vnnlib import parse_vnnlib
from nn_bridge.network.network import Network
from polyhedra.errors import FormulationError, PuiseuxError
from polyhedra.polyhedron import Polyhedron
from polyhedra.rounding import round_down, round_up
from polyhedra.scalars import rational
from tests.pace import Stopwatch, slowness

ABSOLUTE = Network.from_layers([[[1], [-1]], [[1, 1]]])
HUGE, TINY = fmpq(10) ** 400, fmpq(1, 10**400)


@pytest.fixture(autouse=True)
def _no_foreign_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        yield


# -------------------------------------------------------------------- sparse fits


@pytest.mark.parametrize(
    ("X", "bounds"), [([[3e4], [6e4], [9e4]], (10, 10)), ([[1], [2], [3]], (1e5, 1e6)), ([[1], [2], [3]], (1e8, 1e8))]
)
def test_binaries_of_a_solver_are_rounded_before_they_are_handed_on(X, bounds):
    fit = milp.sparsest_fit(X, [1, 0, 1], 2, weight_bound=bounds[0], bias_bound=bounds[1], time_limit=10)
    assert fit.report.status in (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE)
    exact = [fit.network.evaluate(x)[0] for x in X]
    assert fit.verified == (exact == [1, 0, 1])  # what is verified is so exactly, and nothing else is


def test_low_rank_data_can_be_fitted():
    for seed in range(20):
        data = low_rank_data(7, 5, rank=1, rng=seed)
        values = {}
        for row, y in zip(data.X.tolist(), data.y, strict=True):
            assert values.setdefault(tuple(row), y) == y


def test_rows_that_contradict_each_other_are_named_at_once():
    watch = Stopwatch()
    with pytest.raises(FormulationError, match="rows 1 and 3 of X are equal, but y is 2 and 5"):
        milp.sparsest_fit([[1, 1], [0.0, 3], [2, 2], [-0.0, 3]], [1, 2, 3, 5], 3)
    assert watch.seconds < slowness()


@pytest.mark.parametrize("solver", ["HIGHS", "SCIP"])
def test_data_near_the_ends_of_the_float_range_are_fitted(solver):
    """No solver takes such numbers; in units of the data they are small, and rationals know no range."""
    X, y = [[3], [1e305], [2e305]], [1, 0, 1]
    fit = milp.sparsest_fit(X, y, 2, solver=solver)
    assert (fit.nonzeros, fit.proven) == (4, True)
    assert [fit.network.evaluate(row)[0] for row in X] == y
    candidate, report = solve_program(fit_data(X, y), 2, None, 0, None, solver, 20.0)
    assert report.status is SolveStatus.OPTIMAL
    assert (candidate.nonzeros, candidate.verified) == (4, True)


@pytest.mark.parametrize("neurons", [np.int64(2), np.array([1, 1]), (np.int8(1), 1)])
def test_neurons_are_integers_of_any_type(neurons):
    assert milp.sparsest_fit([[1], [2]], [1, 2], neurons).verified


# -------------------------------------------------------------------- any model, any integer


def test_every_function_takes_what_can_be_read(tmp_path):
    layers = [[[1], [-1]], [[1, 1]]]
    path = tmp_path / "absolute.npz"
    from nn_bridge.writers import write_network

    write_network(ABSOLUTE, path)
    box = ([-1], [2])
    for source in (layers, str(path), path):
        assert milp.optimize_network(source, box, np.int64(0)).value == 2
        assert milp.network_bounds(source, box).upper[0] == (2.0, 1.0)
        assert milp.count_milp(source, box).cells == 2
        assert milp.local_lipschitz(source, box, output=np.uint8(0)).value == 1
        assert milp.verify_upper(source, box, np.array(0), 2).status is milp.Status.PROVEN
        assert milp.verify_monotone(source, box, np.int32(0)).status is milp.Status.VIOLATED
        assert milp.output_ranges(source, box)[0][0].value == 0
        assert milp.reach_bounds(source, box, [[1]])[0].value == 2
        assert milp.compress(source, ([1], [2])).network.hidden == ()
        assert milp.formulate(source, box).n_binaries == 2
    with pytest.raises(PuiseuxError, match=r"no\.npz: "):
        milp.optimize_network(str(tmp_path / "no.npz"), box)


def test_torch_modules_are_read():
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2)).double()
    box = ([-1, -1], [1, 1])
    assert milp.optimize_network(module, box, np.int64(1)).proven
    assert milp.verify_class(module, [0, 0], "1/100", label=np.int64(0)).status is not milp.Status.OPEN


@pytest.mark.parametrize("output", [1, -1, np.int64(7), "0", 0.0, object()])
def test_what_is_no_output_is_refused_in_words(output):
    with pytest.raises(FormulationError, match=r"there is no output|neither the number of an output"):
        milp.optimize_network(ABSOLUTE, ([-1], [2]), output)


# -------------------------------------------------------------------- ends of the float range


def test_rounding_outwards_at_the_ends_of_the_float_range():
    assert str(round_up(fmpq(0))) == "0.0"
    assert str(round_down(fmpq(0))) == "0.0"
    assert round_down(HUGE) == 1.7976931348623157e308
    assert round_up(HUGE) == np.inf
    assert round_down(-HUGE) == -np.inf
    assert round_up(-HUGE) == -1.7976931348623157e308
    assert round_down(TINY) == 0
    assert round_up(TINY) == 5e-324
    assert round_down(-TINY) == -5e-324
    assert round_up(-TINY) == 0


def test_a_point_as_domain():
    proofs = milp.stability_proofs(ABSOLUTE, ([0], [0]))
    assert proofs.inactive | proofs.active == {(0, 0), (0, 1)}
    assert milp.compress(ABSOLUTE, ([0], [0])).network.evaluate([0]) == (0,)


@pytest.mark.parametrize("solver", [None, "SCIP", "HIGHS", "none"])
@pytest.mark.parametrize("weight", [1e9, 1e20, 1e25, 1e150, 1e307, TINY, 5e-324])
def test_optima_with_weights_that_no_solver_takes(solver, weight):
    net = Network.from_layers([[[weight], [-weight]], [[1, 1]]])
    best = milp.optimize_network(net, ([-1], [2]), solver=solver)
    assert best.proven
    assert best.value == 2 * net.stages[0].blocks[0][1][0][0]
    assert best.point == (2,)


@pytest.mark.parametrize("solver", [None, "SCIP", "none"])
@pytest.mark.parametrize("size", ["1e-400", "1e-300", "1e-30", "1e30", "1e300"])
def test_optima_on_domains_of_any_size(solver, size):
    best = milp.optimize_network(ABSOLUTE, (["-" + size], [size]), solver=solver)
    assert best.proven
    assert best.value == fmpq(10) ** int(size[2:])


@pytest.mark.parametrize("weight", [1e308, HUGE])
@pytest.mark.parametrize("size", [1, "1e-400", "1e320"])
def test_few_inputs_are_answered_beyond_the_float_range(weight, size):
    net = Network.from_layers([[[1], [weight], [-weight]], [[1, 1, 1]]])
    domain = Polyhedron.box([-rational(size)], [2 * rational(size)])
    most = 2 * rational(size) * (1 + rational(weight))
    best = milp.optimize_network(net, domain)
    assert best.proven
    assert (best.value, best.point) == (most, (2 * rational(size),))
    steepest = steepest_cell(net, domain, NormPair("2", "inf", 1, 1))
    assert steepest.proven
    assert steepest.size.squared == (1 + rational(weight)) ** 2
    low, high = steepest.size.enclosure()
    assert low <= (float("inf") if high == np.inf else high)
    assert greatest_value(net, domain).value == most
    text = "(declare-const X_0 Real)(declare-const Y_0 Real)"
    text += f"(assert (>= X_0 {-rational(size)}))(assert (<= X_0 {2 * rational(size)}))(assert ({{}} Y_0 {most}))"
    assert milp.verify_vnnlib(net, parse_vnnlib(text.format(">="))).status is milp.Status.VIOLATED
    assert milp.verify_vnnlib(net, parse_vnnlib(text.format(">"))).status is milp.Status.PROVEN


@pytest.mark.parametrize("weight", [1e308, HUGE])
@pytest.mark.parametrize(
    "question", [partial(milp.local_lipschitz, solver="HIGHS"), milp.compress, milp.network_bounds]
)
def test_values_out_of_range_are_refused_with_the_unit(weight, question):
    net = Network.from_layers([[[1], [weight], [-weight]], [[1, 1, 1]]])
    with pytest.raises(FormulationError, match=r"stage 0, unit 1: the values between .* leave the range of float64"):
        question(net, ([-1], [2]))


@pytest.mark.parametrize("weight", [1e308, HUGE])
def test_cells_answer_where_floats_cannot(weight):
    net = Network.from_layers([[[1], [weight], [-weight]], [[1, 1, 1]]])
    found = milp.local_lipschitz(net, ([-1], [2]))
    assert (found.value, found.bound, found.proven) == (1 + rational(weight), 1 + rational(weight), True)
    assert milp.verify_monotone(net, ([1], [2]), 0).status is milp.Status.PROVEN


@pytest.mark.parametrize("method", ["scip", "loop"])
@pytest.mark.parametrize("weight", [1e20, 1e308, HUGE, 5e-324, TINY])
def test_cells_do_not_depend_on_the_size_of_weights(method, weight):
    net = Network.from_layers([[[weight], [-weight]], [[1, 1]]])
    count = milp.count_milp(net, ([-1], [2]), method)
    assert (count.cells, count.affine_maps, count.reason) == (2, 2, None)


@pytest.mark.parametrize("size", ["1e-400", "1e-30", "1e30", "1e300", "1e400"])
def test_cells_do_not_depend_on_the_size_of_the_domain(size):
    assert milp.count_milp(ABSOLUTE, (["-" + size], [size])).cells == 2


def test_scaled_networks_have_the_same_cells(random_network):
    rng = np.random.default_rng(5)
    for shape in ((2, 5, 4, 1), (3, 4, 2)):
        net = random_network(rng, shape, "skip")
        big = net.restrict_to([[fmpq(1, 10**30) if i == j else 0 for j in range(shape[0])] for i in range(shape[0])],
                              [fmpq(1, 7)] * shape[0])  # fmt: skip
        box = ([-(fmpq(10) ** 30)] * shape[0], [fmpq(10) ** 30] * shape[0])
        own = scaled(big, bounded(box, shape[0]))
        assert all(-1 <= a <= b <= 1 for a, b in zip(own.region.lower, own.region.upper, strict=True))
        for _ in range(20):
            t = tuple(fmpq(int(v), 997) for v in rng.integers(-900, 900, size=shape[0]))
            x = tuple(c + s * v for c, s, v in zip(own.shift, own.scale, t, strict=True))
            assert own.network.pattern(t) == big.pattern(x)
            assert own.region.contains(t) == bounded(box, shape[0]).contains(x)


def test_a_cell_too_thin_for_the_slack_is_told_with_its_slack():
    net = Network.from_layers([[[1]], [[1]]], [[-3], [0]])
    count = milp.count_milp(net, ([0], [1e9]))
    assert count.cells is None
    assert "thinner than the stated slack 1e-06: 3e-09" in count.reason
    assert milp.count_milp(net, ([0], [1e5])).cells == 2
    both_thin = Network.from_layers([[[1], [1]], [[1, 1]]], [["-1/2", "-1/2"], [0]])
    withdrawn = milp.count_milp(both_thin, ([0], [1]), slack=0.7)
    assert withdrawn.cells is None
    assert "thinner than the stated slack 0.7: 0.3" in withdrawn.reason


# -------------------------------------------------------------------- rows without a coordinate, solvers that fail


@pytest.mark.parametrize("solver", [None, "SCIP", "HIGHS"])
def test_rows_without_a_coordinate_are_no_rows(solver):
    affine = Network.from_layers([[[2]], [[3]]], [[10], [0]])
    for bound in (0, 1):
        domain = Polyhedron([[1], [-1], [0]], [1, 1, bound])
        assert bounded(domain, 1).is_box
        assert milp.optimize_network(affine, domain, solver=solver).value == 36
    domain = Polyhedron([[1], [-1], [0]], [1, 1, 0], [[0]], [0])
    verdict = milp.verify_monotone(ABSOLUTE, domain, 0, 0, False)
    assert verdict.status is milp.Status.VIOLATED
    assert 0 < verdict.counterexample[0] < 1
    with pytest.raises(FormulationError, match="the domain is empty: its row 2 reads 0 <= -1"):
        milp.optimize_network(affine, Polyhedron([[1], [-1], [0]], [1, 1, -1]), solver=solver)
    with pytest.raises(FormulationError, match="the domain is empty: its equality 0 reads 0 = 1"):
        milp.optimize_network(affine, Polyhedron([[1], [-1]], [1, 1], [[0]], [1]), solver=solver)


def test_whatever_a_solver_raises_becomes_a_report_in_one_line(monkeypatch):
    import cvxpy as cp

    x = cp.Variable()

    def broken(self, *arguments, **options):
        raise KeyError("a table\nof the solver")

    with monkeypatch.context() as patch:
        patch.setattr(cp.Problem, "solve", broken)
        report = solve(cp.Problem(cp.Minimize(x), [x >= 1]))
    assert report.status is SolveStatus.FAILED
    assert "HIGHS stopped with KeyError" in report.advice
    assert "\n" not in report.advice
    with pytest.raises(FormulationError, match="no convex program"):
        solve(cp.Problem(cp.Maximize(cp.square(x)), [x <= 1]))
    for number in (1e20, 1e300, np.inf):
        failed = solve(cp.Problem(cp.Minimize(x), [number * x >= 1]), solver="SCIP")
        assert failed.status is SolveStatus.FAILED
        assert "\n" not in failed.advice


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (0, "is not a positive number of seconds"),
        (-1, "is not a positive number of seconds"),
        (float("nan"), r"^time_limit=nan: give a number or None$"),
        ("soon", r"^time_limit='soon' is of type str: give a number or None$"),
        ([1], r"^time_limit=\[1\] is of type list: give a number or None$"),
    ],
)
def test_limits_that_are_none_are_refused(limit, words):
    with pytest.raises(FormulationError, match=words):
        milp.optimize_network(ABSOLUTE, ([-1], [2]), time_limit=limit)


def test_lipschitz_and_cells_without_scip(monkeypatch):
    import milp.count
    import milp.patterns

    monkeypatch.setattr(milp.count, "has_scip", lambda: False)
    monkeypatch.setattr(milp.patterns.importlib, "import_module", lambda name: pytest.fail(f"{name} was asked for"))
    net = Network.from_layers([[[1], [1], [1]], [[1, 1, -2]]], [[0, -1, 1], [0]])
    assert milp.local_lipschitz(net, ([-3], [3]), solver="HIGHS").proven
    assert milp.verify_monotone(net, ([-3], [3]), 0, increasing=False).status is not milp.Status.OPEN
    assert search_patterns(net, ([-3], [3])).vouched


# -------------------------------------------------------------------- limits


@pytest.fixture(scope="module")
def deep():
    """A network of 64 inputs, with weights that make many cells; the solvers are loaded already."""
    milp.local_lipschitz(ABSOLUTE, ([-1], [1]), solver="SCIP")
    rng = np.random.default_rng(1)
    sizes = (64, 12, 8, 10)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(sizes)]
    return Network.from_layers(weights, [rng.normal(size=b) for b in sizes[1:]])


@pytest.mark.parametrize(
    "question",
    [
        lambda net, box, s: milp.local_lipschitz(net, box, time_limit=s),
        lambda net, box, s: milp.verify_monotone(net, box, 0, time_limit=s),
        lambda net, box, s: milp.count_milp(net, box, time_limit=s),
        lambda net, box, s: milp.count_milp(net, box, "loop", time_limit=s),
        lambda net, box, s: milp.optimize_network(net, box, time_limit=s),
        lambda net, box, s: milp.output_ranges(net, box, time_limit=s),
        lambda net, box, s: milp.verify_class(net, [0] * 64, 1, "1", time_limit=s),
        lambda net, box, s: milp.network_bounds(net, box, "milp", time_limit=s),
        lambda net, box, s: milp.stability_proofs(net, box, time_limit=s),
    ],
)
def test_limits_hold(deep, question):
    box = ([-1] * 64, [1] * 64)
    watch = Stopwatch()
    question(deep, box, 2)
    # a second over the limit is allowed; the rest is for machines that do other work
    assert watch.seconds < 2 + 1.5 * slowness()


def test_a_count_that_is_stopped_has_a_cell(deep):
    count = milp.count_milp(deep, ([-1] * 64, [1] * 64), time_limit=0.01)
    assert not count.complete
    assert count.cells >= 1
    assert count.reason == "time limit"


def test_the_box_around_an_l1_ball_is_read_off():
    point, radius = [1, -2], fmpq(3, 2)
    region = l1_domain(point, radius)
    asked = bounded(l1_ball(point, radius), 4)
    assert (region.lower, region.upper) == (asked.lower, asked.upper)
    assert (region.inequalities, region.is_box) == (asked.inequalities, asked.is_box)
    with pytest.raises(FormulationError, match="no point of the ball lies in the clip"):
        l1_domain(point, radius, bounded(([5, 5], [6, 6]), 2))


def test_a_unit_below_the_float_range_divides_nothing():
    from milp.audit import largest_slack

    network = Network.from_layers([[[0], [1]], [[1, 1]]], [["1e-400", 0], [0]])
    region = bounded(([-1], [1]), 1)
    slack = largest_slack(network, region, ((True, True),), [[0.0, 1.0]])
    assert slack == 1
