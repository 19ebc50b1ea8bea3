"""The torch backend finds the same complex as the compiled one, on the CPU and on a GPU where there is one."""

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import count_sign_vectors, extract
from nn_bridge.sign_vectors.domain import as_domain
from nn_bridge.sign_vectors.pieces import cut_in_pieces
from nn_bridge.sign_vectors.plan import plan_of
from nn_bridge.sign_vectors.skeleton import OverBudget, layout_of
from nn_bridge.sign_vectors.start import HEAD
from polyhedra.polyhedron import Polyhedron

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from nn_bridge.sign_vectors.torch import kernels  # noqa: E402
from nn_bridge.sign_vectors.torch.block import begin_block, end_block  # noqa: E402
from nn_bridge.sign_vectors.torch.cut import cut_neuron, make_vertices  # noqa: E402
from nn_bridge.sign_vectors.torch.entry import StageValues, enter_stage, stage_scales  # noqa: E402
from nn_bridge.sign_vectors.torch.join import join  # noqa: E402
from nn_bridge.sign_vectors.torch.skeleton import TorchSkeleton  # noqa: E402
from nn_bridge.sign_vectors.torch.storage import Storage  # noqa: E402
from nn_bridge.sign_vectors.torch.subdivide import finish, subdivide, torch_cutter  # noqa: E402

NETS = Path(__file__).parents[2] / "data" / "nets"
CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))
on_every_device = pytest.mark.parametrize("device", ["cpu", CUDA])
# Hypothesis takes one device an example; a GPU is the one in doubt
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def load(name):
    data = np.load(NETS / f"{name}.npz")
    depth = len(data.files) // 2
    return Network.from_layers([data[f"W{i}"] for i in range(depth)], [data[f"b{i}"] for i in range(depth)])


def random_network(seed, widths, activations=None, whole=0):
    """Normal weights, or whole ones between -whole and whole."""
    rng = np.random.default_rng(seed)
    draw = rng.normal if not whole else lambda size: rng.integers(-whole, whole + 1, size=size)
    weights = [draw(size=(b, a)) for a, b in itertools.pairwise(widths)]
    return Network.from_layers(weights, [draw(size=b) for b in widths[1:]], activations)


def canonical(complex_):
    """Vertices and edges in the order of their fingerprints: zeros, faces, signs, ends; and the positions."""
    words = complex_._vertex_words
    order, edge_order = np.argsort(words), np.argsort(complex_._edge_words)
    ends = np.sort(words[complex_.edges], axis=1)
    return {
        "vertices": words[order],
        "zeros": np.sort(complex_.vertex_zeros, axis=1)[order],
        "faces": complex_.vertex_faces[order],
        "signs": complex_.vertex_signs()[order],
        "edges": complex_._edge_words[edge_order],
        "ends": ends[edge_order],
        "edge zeros": np.sort(complex_.edge_zeros, axis=1)[edge_order],
        "edge faces": complex_.edge_faces[edge_order],
    }, order


def same(left, right):
    """The same complex: all but the rounding of positions is equal, and that is within the bounds."""
    assert left.generic
    assert right.generic
    (one, order), (two, other) = canonical(left), canonical(right)
    for name, array in one.items():
        np.testing.assert_array_equal(array, two[name], err_msg=name)
    distance = np.abs(left.vertices[order] - right.vertices[other])
    assert np.all(distance <= (left.vertex_error[order] + right.vertex_error[other])[:, None])
    # where both know which end of an edge is higher, they agree
    rank = {word: i for i, word in enumerate(one["vertices"].tolist())}
    up = []
    for complex_ in (left, right):
        ends = complex_._vertex_words[complex_.edges]
        first = np.array([rank[a] < rank[b] for a, b in ends.tolist()])
        known = complex_._edge_up.astype(np.int8)
        up.append(np.where(known == 2, 2, known ^ first)[np.argsort(complex_._edge_words)])
    assert np.all((up[0] == up[1]) | (up[0] == 2) | (up[1] == 2))
    assert left.count_cells() == right.count_cells()


@on_every_device
@pytest.mark.parametrize(
    ("name", "side"), [("d2_10_5_1_s0", 10), ("bunny_d2_2x50", 1), ("d3_16_16_1_s0", 2), ("d4_16_16_1_s0", 1)]
)
def test_same_complex_as_the_compiled_loops(name, side, device):
    network = load(name)
    compiled = extract(network, (-side, side), output_hyperplanes=True)
    tensors = extract(network, (-side, side), output_hyperplanes=True, backend="torch", device=device)
    same(compiled, tensors)
    assert tensors.count_cells() == tensors.count_cells_by_sign_vectors()


NETWORKS = {
    "one input": lambda: random_network(7, [1, 5, 4, 1]),
    "three blocks in a stage": lambda: random_network(8, [2, 130, 3, 1]),
    "leaky units, which read the input again": lambda: random_network(
        9, [2, 6, 5, 1], ["leaky:1/10", "leaky:1/3", "linear"]
    ),
    "units carried over two stages": lambda: random_network(
        10, [3, 4, 4, 4, 1], ["leaky:1/10", "leaky:1/3", "relu", "linear"]
    ),
    "maxout": lambda: Network.from_layers(
        [np.sin(np.arange(12.0) ** 2 + 1).reshape(6, 2), np.cos(np.arange(6.0) ** 2).reshape(2, 3), np.ones((1, 2))],
        [np.sin(np.arange(6.0)) / 2 + 0.1, np.array([0.1, -0.2]), np.array([0.3])],
        ["maxout:2", "relu", "linear"],
    ),
    "weights far apart": lambda: Network.from_layers(
        [np.array([[1e30, 2e30], [1e-20, -3e-20], [1, 1]]), np.array([[1e-30, 1e20, 1.0]])],
        [np.array([0.3e30, 0.1e-20, 0.2]), np.array([-0.7])],
    ),
}


@on_every_device
@pytest.mark.parametrize("kind", NETWORKS)
def test_kinds_of_networks(kind, device):
    network = NETWORKS[kind]()
    compiled = extract(network, (-1, 1), output_hyperplanes=True)
    same(compiled, extract(network, (-1, 1), output_hyperplanes=True, backend="torch", device=device))


@on_every_device
@pytest.mark.parametrize("n", [3, 4])
def test_cross_polytopes_whose_corners_and_edges_are_not_simple(n, device):
    domain = Polyhedron([list(signs) for signs in itertools.product((1, -1), repeat=n)], [1] * 2**n)
    network = random_network(n, [n, 5, 3, 1])
    same(extract(network, domain), extract(network, domain, backend="torch", device=device))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    shape=st.sampled_from([[1, 4, 3, 1], [2, 5, 4, 1], [2, 3, 3, 2], [3, 4, 3, 1], [4, 4, 2, 1]]),
    leaky=st.booleans(),
    whole=st.sampled_from([0, 0, 2, 50]),
    sides=st.lists(st.tuples(st.integers(-8, 8), st.integers(1, 9)), min_size=4, max_size=4),
)
def test_both_backends_agree_on_boxes_with_different_sides(seed, shape, leaky, whole, sides):
    activations = ["leaky:1/3"] * (len(shape) - 2) + ["linear"] if leaky else None
    network = random_network(seed, shape, activations, whole)
    box = (
        [Fraction(low, 4) for low, _ in sides[: shape[0]]],
        [Fraction(low + width, 4) for low, width in sides[: shape[0]]],
    )
    compiled = extract(network, box, output_hyperplanes=True)
    tensors = extract(network, box, output_hyperplanes=True, backend="torch", device=DEVICE)
    assert compiled.generic == tensors.generic
    if compiled.generic:
        same(compiled, tensors)


@on_every_device
def test_the_same_tensors_every_time(device):
    network = load("d3_16_16_1_s0")
    one, two = (extract(network, (-1, 1), backend="torch", device=device) for _ in range(2))
    for name in ("vertices", "edges", "vertex_zeros", "edge_zeros", "vertex_error", "_edge_up", "_edge_words"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)


# ---------------------------------------------------------------- degenerate position


DEGENERATE = {
    "duplicate units": ([[[1, 2], [1, 2]], [[1, 1]]], [["1/3", "1/3"], [0]]),
    "no biases": ([[[1, 2], [3, -1], [1, 1]], [[1, 1, 1]]], [[0, 0, 0], [0]]),
    "a line through a corner": ([[[1, 1], [2, -1]], [[1, 1]]], [[2, "1/7"], [0]]),
    "three lines through a point": ([[[1, 0], [0, 1], [1, 1]], [[1, 1, 1]]], [["1/3", "1/5", "8/15"], [0]]),
    "a unit that vanishes on a cell": ([[[1, 0]], [[1], [-1]], [[1, 1]]], [["1/3"], [0, "1/7"], [0]]),
}


@on_every_device
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_networks_are_recognised(name, device):
    network = Network.from_layers(*DEGENERATE[name])
    complex_ = extract(network, (-1, 1), backend="torch", device=device)
    assert complex_.doubtful > 0
    assert len(complex_.vertices) >= 4
    result = count_sign_vectors(network, (-1, 1), backend="torch", device=device)
    assert result.cells is None
    assert "doubtful" in result.reason


@on_every_device
@pytest.mark.parametrize("power", [40, 60, 1200])
def test_near_degenerate_networks_are_decided_exactly(power, device):
    # the third line misses the crossing of the first two by a power of two
    tiny = fmpq(1, 2**power)
    network = Network.from_layers([[[1, 2], [3, -1], [4, 1]], [[1, 1, 1]]], [["1/3", "1/5", fmpq(8, 15) + tiny], [0]])
    tensors = extract(network, (-1, 1), backend="torch", device=device)
    assert tensors.count_cells() == 7
    assert tensors.decided > 0 or power < 50
    same(extract(network, (-1, 1)), tensors)


@on_every_device
def test_near_ties_in_a_later_stage_and_a_later_block(device):
    # 70 lines: the last one nearly passes through the crossing of the first two, which another block made
    rng = np.random.default_rng(3)
    weights = [[fmpq(int(v), 1000) for v in row] for row in rng.integers(-999, 1000, size=(70, 2))]
    bias = [fmpq(int(v), 1000) for v in rng.integers(-999, 1000, size=70)]
    weights[0], weights[1], bias[0], bias[1] = [fmpq(1), fmpq(2)], [fmpq(3), fmpq(-1)], fmpq(1, 3), fmpq(1, 5)
    weights[69], bias[69] = [fmpq(4), fmpq(1)], fmpq(8, 15) + fmpq(1, 2**70)
    network = Network.from_layers([weights, [[1] * 70]], [bias, ["1/7"]])
    tensors = extract(network, (-1, 1), backend="torch", device=device)
    assert tensors.decided > 0
    same(extract(network, (-1, 1)), tensors)


@on_every_device
def test_values_beyond_float64_are_refused(device):
    network = Network.from_layers([np.full((1, 1), 1e119)] * 4, [np.full(1, 1.0)] * 4)
    with pytest.raises(NetworkError, match="leave the range of float64"):
        extract(network, (1, 2), backend="torch", device=device)


# ---------------------------------------------------------------- error bounds


@on_every_device
@pytest.mark.parametrize("n", [2, 3, 4])
def test_new_edges_take_the_larger_amplification_of_their_parents(n, device):
    network = random_network(n, [n, 9, 1])
    plan, domain = plan_of(network, False), as_domain((-1, 1), n)
    skeleton = TorchSkeleton(plan, domain, None, torch.device(device))
    layout = layout_of(plan, plan.stages[0])
    enter_stage(skeleton, 0, None, layout)
    block = begin_block(skeleton, 0, layout, 0, 9, skeleton.vertices.used)
    joined = 0
    for k in range(9):
        first, halves = skeleton.vertices.used, skeleton.edges.used
        cut_neuron(skeleton, block, k)
        made = skeleton.vertices.used - first
        edges = {name: skeleton.edges.span(name, 0, skeleton.edges.used).tolist() for name in skeleton.edges.names}
        steps = skeleton.vertices.span("steps", 0, skeleton.vertices.used).tolist()
        amplification = [
            dict(zip(zeros, values, strict=True)) for zeros, values in zip(edges["zeros"], edges["steps"], strict=True)
        ]
        for edge in range(halves + made, skeleton.edges.used):
            parents = [halves + edges[end][edge] - first for end in ("a", "b")]
            turns = [steps[edges[end][edge]] - sum(edges["steps"][p]) for end, p in zip("ab", parents, strict=True)]
            expected = {z: max(amplification[p][z] for p in parents) for z in amplification[edge] if z not in (k, -1)}
            found = {z: value for z, value in amplification[edge].items() if z >= 0}
            assert found == expected | {k: min(turns)}
            joined += 1
    assert joined > 9


# ---------------------------------------------------------------- memory


@on_every_device
def test_growth_stays_within_the_limit_and_stops_before_it(device):
    plan, domain = plan_of(load("bunny_d3_3x16"), True), as_domain((-0.25, 0.25), 3)
    free = TorchSkeleton(plan, domain, None, torch.device(device))
    subdivide(free)
    whole = finish(free)
    assert free.storage.moved > free.storage.peak > 0
    refused = held = 0
    for limit in (1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24):
        skeleton = TorchSkeleton(plan, domain, limit, torch.device(device))
        try:
            subdivide(skeleton)
        except OverBudget:
            refused += 1
        else:
            held += 1
            assert np.array_equal(finish(skeleton).vertex_words, whole.vertex_words)
        assert 0 < skeleton.storage.peak <= limit
    assert refused
    assert held


@on_every_device
def test_pieces_give_the_same_complex(device):
    network = load("bunny_d3_3x16")
    plan, domain = plan_of(network, True), as_domain((-0.25, 0.25), 3)
    cutter = torch_cutter(device)
    whole = cutter(plan, domain, None)
    parts = cut_in_pieces(plan, domain, 1 << 20, 1 << 30, cutter)
    assert parts.pieces > whole.pieces == 1
    assert parts.outcome.sound
    for name in ("vertex_words", "edge_words"):
        assert np.array_equal(np.sort(getattr(parts, name)), np.sort(getattr(whole, name)))
    cells = count_sign_vectors(network, (-0.25, 0.25)).cells
    assert count_sign_vectors(network, (-0.25, 0.25), backend="torch", device=device, memory="8MB").cells == cells


@on_every_device
def test_tables_grow_within_the_limit_and_refuse_before_they_do(device):
    limit = 1 << 24
    storage = Storage(10, 3, 12, 4, limit, torch.device(device))

    def size():
        columns = [table.span(name, 0, table.room) for table in tables for name in table.names]
        return sum(column.numel() * column.element_size() for column in columns)

    tables = storage.vertices, storage.edges
    storage.reserve(8, 12, 0)
    first = storage.vertices.room
    storage.vertices.put("words", 0, torch.arange(8, device=device))
    storage.vertices.used = 8
    before = size()
    storage.reserve(first + 1, 12, 0)
    assert storage.vertices.room > first
    assert storage.vertices.span("words", 0, 8).tolist() == list(range(8))
    after = size()
    assert before + after <= storage.peak <= limit
    for vertices, edges, temporaries in ((10**6, 0, 0), (0, 10**6, 0), (first + 2, 0, limit - after + 1)):
        with pytest.raises(OverBudget):
            storage.reserve(max(vertices, first), edges, temporaries)
        assert size() == after
    storage.reserve(first + 2, 0, limit - after)
    assert storage.peak <= limit


@pytest.mark.parametrize("device", ["no-such-device", "meta"])
def test_a_device_that_is_not_there_or_does_not_compute_is_named(device):
    with pytest.raises(NetworkError, match=f"device='{device}' cannot be used"):
        extract(load("d2_10_5_1_s0"), (-2, 2), device=device)


# ---------------------------------------------------------------- what a GPU needs


class Kinds(TorchDispatchMode):
    """Writes down the kinds of all numbers that operations return."""

    def __init__(self):
        super().__init__()
        self.seen = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.seen |= {t.dtype for t in (result if isinstance(result, tuple) else (result,)) if torch.is_tensor(t)}
        return result


def test_no_number_is_in_single_precision_or_an_unsigned_word():
    near = fmpq(8, 15) + fmpq(1, 2**60)
    tie = Network.from_layers([[[1, 2], [3, -1], [4, 1]], [[1, 1, 1]]], [["1/3", "1/5", near], [0]])
    with Kinds() as kinds:
        for network in (load("d3_16_16_1_s0"), tie):
            assert extract(network, (-1, 1), backend="torch").generic
    floats = {kind for kind in kinds.seen if kind.is_floating_point}
    assert floats == {torch.float64}
    assert kinds.seen - floats <= {torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


@pytest.mark.parametrize("name", ["bunny_d2_2x50", "bunny_d3_3x16", "d4_16_16_1_s0"])
def test_no_tensor_of_the_host_gets_among_those_of_the_device(name):
    # tensors on "meta" have no numbers, but an operation that mixes devices fails there as on a GPU
    meta = torch.device("meta")
    with pytest.raises(RuntimeError, match="device"):
        torch.ones(2, device=meta) + torch.ones(2)
    network = load(name)
    plan, domain = plan_of(network, True), as_domain((-1, 1), network.input_dim)
    skeleton = TorchSkeleton(plan, domain, None, meta)
    stage, layout = plan.stages[0], layout_of(plan, plan.stages[0])
    values = StageValues(skeleton, stage, layout_of(plan, None), 0)
    skeleton.scaled = stage_scales(skeleton, values, layout, [(HEAD, slice(HEAD, HEAD + network.input_dim))])
    checked, edges = skeleton.vertices.used, skeleton.edges.used
    block = begin_block(skeleton, 0, layout, 0, stage.units, checked)
    skeleton.storage.reserve(checked + 2, edges + 20, 0)
    cuts = make_vertices(skeleton, block, 1, torch.arange(2, device=meta))
    ordered, place, twice = kernels.sort_keys(cuts.keys)
    skeleton.vertices.used += 2
    skeleton.edges.used += 2
    join(skeleton, block, 1, cuts, ordered, place, 1)
    end_block(skeleton, block)
    parts = [getattr(cuts, name) for name in cuts.__slots__] + [ordered, place, twice, skeleton.scaled]
    parts += [table.span(name, 0, table.used) for table in (skeleton.vertices, skeleton.edges) for name in table.names]
    assert {part.device for part in parts} == {meta}
    assert skeleton.edges.used == edges + 3


# ---------------------------------------------------------------- tensor operations against plain Python


@on_every_device
def test_sign_words(device):
    rng = np.random.default_rng(0)
    for count in (1, 7, 8, 33, 62):
        signs = rng.random((50, count)) < 0.2
        signs[0] = True
        words = [sum(1 << k for k in range(count) if row[k]) for row in signs.tolist()]
        packed = kernels.pack(torch.tensor(signs, device=device))
        assert packed.tolist() == words
        assert kernels.lowest_bit(packed).tolist() == [(w & -w).bit_length() - 1 for w in words]
        assert kernels.set_bits(packed, count).tolist() == np.argwhere(signs).tolist()
        names = rng.integers(0, 2**64, -(-count // 8) * 8, dtype=np.uint64)
        chosen = (np.arange(256)[:, None] >> np.arange(8)) & 1
        table = (chosen.astype(np.uint64) * names.reshape(-1, 1, 8)).sum(axis=2, dtype=np.uint64)
        sums = kernels.word_sum(torch.tensor(table.view(np.int64), device=device), packed)
        expected = [sum(int(n) for n, on in zip(names, row, strict=False) if on) % 2**64 for row in signs.tolist()]
        assert [s % 2**64 for s in sums.tolist()] == expected


@on_every_device
@pytest.mark.parametrize(
    ("keys", "twice"),
    [
        ([], True),
        ([5, -3, 5, -3], True),
        ([5, 5, 5, 5], False),
        ([5, -3, 5, 4], False),
        ([kernels.NO_KEY, 7, kernels.NO_KEY, 7, kernels.NO_KEY, kernels.NO_KEY], True),
        ([kernels.NO_KEY, 7, 8, kernels.NO_KEY], False),
    ],
)
def test_pairs_of_keys(keys, twice, device):
    ordered, place, found = kernels.sort_keys(torch.tensor(keys, dtype=torch.int64, device=device))
    assert ordered.tolist() == sorted(keys)
    assert place.tolist() == sorted(range(len(keys)), key=lambda i: (keys[i], i))
    assert bool(found) is twice


@on_every_device
def test_amplified_residuals_are_in_double_precision(device):
    steps = torch.tensor([0, 1, 16, 333], dtype=torch.int32, device=device)
    found = kernels.amplified(torch.ones(4, dtype=torch.float64, device=device), steps)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.cpu().numpy(), 2.0 ** (np.array([0, 1, 16, 333]) / 16), rtol=2**-50)
