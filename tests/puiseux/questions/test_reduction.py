"""Smaller networks: the function is exactly the same on the domain, and every stable unit is found."""

import itertools
from pathlib import Path

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.network.network import Network
from nn_bridge.reduction.stability import cell_proofs, joined, sign_proofs
from polyhedra.errors import UsageError
from polyhedra.polyhedron import Polyhedron
from puiseux.questions.count import count_regions
from puiseux.questions.reduction import reduce_network
from puiseux.reading import load

NETS = Path(__file__).resolve().parents[2] / "data" / "nets"

small = st.integers(-2, 2)


@st.composite
def networks(draw):
    shape = draw(st.sampled_from([(1, 3, 3, 1), (2, 3, 2, 1), (2, 4, 2), (2, 3, 2, 2, 1)]))
    weights = [[[draw(small) for _ in range(n)] for _ in range(m)] for n, m in itertools.pairwise(shape)]
    biases = [[draw(st.integers(-3, 3)) for _ in range(m)] for m in shape[1:]]
    return Network.from_layers(weights, biases)


def same_on(domain, first, second):
    """Whether two networks have one affine map on every cell of their common refinement."""
    both = side_by_side(first, second)
    outputs = first.output_dim
    return all(
        cell.affine_map.matrix[:outputs] == cell.affine_map.matrix[outputs:]
        and cell.affine_map.offset[:outputs] == cell.affine_map.offset[outputs:]
        for cell in iterate_cells(both, domain)
    )


def side_by_side(first, second):
    from nn_bridge.network.builder import NetworkBuilder

    build = NetworkBuilder(first.input_dim)
    outputs = []
    for network in (first, second):
        values = [build.input()]
        for number, stage in enumerate((*network.stages, network.output)):
            parts = [build.affine(values[source], matrix) for source, matrix in stage.blocks]
            zero = build.constant([fmpq(0)] * stage.units)
            signal = build.shift(build.add(zero, *parts), stage.bias)
            values.append(build.relu(signal) if number < len(network.stages) else signal)
        outputs.append(values[-1])
    return build.finish(build.concatenate(*outputs))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(networks(), st.booleans(), st.sampled_from(["all", "box:-1,1", "box:0,2"]))
def test_the_function_stays_the_same_on_the_domain(network, keep_chain, where):
    result = reduce_network(network, where, keep_chain=keep_chain, time_limit=None)
    assert result.complete
    n = network.input_dim
    domain = None if where == "all" else Polyhedron.box(*([[v] * n for v in map(int, where[4:].split(","))]))
    assert same_on(domain, network, result.network)
    assert sum(result.network.hidden) + len(result.removals) == sum(network.hidden)
    assert len({(r.stage, r.unit) for r in result.removals}) == len(result.removals)
    if where == "all":
        assert network.same_function(result.network)
    if keep_chain:
        assert all(
            source == k for k, stage in enumerate((*result.network.stages, result.network.output))
            for source, _ in stage.blocks
        )  # fmt: skip


@settings(max_examples=25, deadline=None, derandomize=True)
@given(networks())
def test_cells_find_every_stable_unit_and_signs_only_such(network):
    box = Polyhedron.box([-1] * network.input_dim, [1] * network.input_dim)
    found = cell_proofs(network, box).proofs
    signs = sign_proofs(network)
    values = [network.preactivations(cell.interior_point) for cell in iterate_cells(network, box)]
    for k, size in enumerate(network.hidden):
        for i in range(size):
            column = [v[k][i] for v in values]
            assert ((k, i) in found.inactive) == (max(column) <= 0)
            assert ((k, i) in found.active) == (min(column) >= 0 and max(column) > 0)
            assert (k, i) not in signs.inactive or max(column) <= 0
            assert (k, i) not in signs.active or min(column) >= 0


@settings(max_examples=8, deadline=None, derandomize=True)
@given(networks())
def test_bounds_prove_no_more_than_cells(network):
    pytest.importorskip("cvxpy", reason="needs the extra [milp]")
    by_cells = reduce_network(network, "box:-1,1", proofs="cells")
    by_bounds = reduce_network(network, "box:-1,1", proofs="bounds")
    assert len(by_bounds.removals) <= len(by_cells.removals)
    box = Polyhedron.box([-1] * network.input_dim, [1] * network.input_dim)
    assert same_on(box, network, by_bounds.network)


def test_every_reason():
    # units of stage 0: constant, a multiple, an opposite, active, inactive, unread, and two that stay
    weights = [[0, 0], [1, 0], [2, 0], [-1, 0], [0, 1], [0, 1], [1, 1], [1, -1]]
    first = [3, 0, 0, 0, 5, -5, 0, 0]
    network = Network.from_layers([weights, [[1, 1, 1, 1, 1, 1, 0, 1]]], [first, [0]])
    result = reduce_network(network, "box:-1,1")
    reasons = {removal.unit: removal.reason for removal in result.removals}
    assert reasons == {
        0: "constant", 2: "a multiple of unit 1 of stage 0", 3: "the opposite of unit 1 of stage 0",
        4: "active on the domain", 5: "inactive on the domain", 6: "nothing reads it",
    }  # fmt: skip
    assert result.network.hidden == (2,)
    text = result.describe()
    assert "8 units in 1 stage became 2 in 1; the same function on box:-1,1" in text
    assert "a multiple of another unit" in text
    assert result.to_json()["removed"][0] == {"stage": 0, "unit": 0, "reason": "constant"}
    assert result.to_json()["after"] == {"input_dim": 2, "hidden": [2], "output_dim": 1}
    assert "notes" not in result.to_json()
    assert "6 superfluous units removed" in result.network.notes[-1]


def test_a_stage_of_active_units_disappears():
    network = Network.from_layers([[[1], [-1]], [[1, 1], [2, 1]], [[1, -2]]], [[0, 0], [1, 2], [0]])
    result = reduce_network(network, proofs="signs")
    assert result.network.hidden == (1,)  # the opposite goes too
    assert network.same_function(result.network)
    assert reduce_network(network, keep_chain=True).network.hidden == (2,)


def test_giving_up_says_so():
    network = Network.from_layers([[[1], [2], [3]], [[1, 1, 1]]], [[0, -1, -5], [0]])
    result = reduce_network(network, max_cells=1)
    assert not result.complete
    assert "may keep their sign" in result.describe()
    assert cell_proofs(network, max_cells=2).proofs is None
    assert cell_proofs(network, time_limit=0).proofs is None
    with pytest.raises(UsageError, match="could not all be listed"):
        reduce_network(network, proofs="cells", max_cells=1)
    bounded = reduce_network(network, "box:-1,1", max_cells=1)
    assert "branch and bound" in bounded.proofs
    assert bounded.network.hidden == (2,)


def test_the_search_ends_when_no_unit_can_be_stable():
    network = load(NETS / "d2_10_5_1_s0.npz")
    found = cell_proofs(network)
    assert not found.proofs.inactive
    assert not found.proofs.active
    assert found.cells < count_regions(network, counts="cells").cells


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"proofs": "guesses"}, "guesses"),
        ({"proofs": "bounds"}, "bounded domain"),
        ({"domain": "slice:line.json"}, "no slice"),
    ],
)
def test_refusals(options, word):
    with pytest.raises(UsageError, match=word):
        reduce_network(Network.from_layers([[[1]], [[1]]]), **options)


def test_an_affine_network_stays():
    network = Network.from_layers([[[1, 2]]])
    result = reduce_network(network)
    assert result.network == network
    assert result.complete


def test_proofs_of_two_kinds_are_joined():
    network = Network.from_layers([[[1], [-1]], [[1, 1], [-1, -1]], [[1, 1]]], [[0, 0], [1, 0], [0]])
    both = joined(sign_proofs(network), cell_proofs(network, Polyhedron.box([1], [2])).proofs)
    assert both.source == "signs of weights and cells"
    assert (both.active, both.inactive) == (frozenset({(0, 0), (1, 0)}), frozenset({(0, 1), (1, 1)}))
