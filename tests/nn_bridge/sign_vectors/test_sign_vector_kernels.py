"""The compiled loops of the edge subdivision against their twins in plain Python, to the last bit."""

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import _core, extract, kernels, plan, pruning, skeleton
from nn_bridge.sign_vectors.domain import as_domain
from nn_bridge.sign_vectors.level_sets import level_set
from nn_bridge.sign_vectors.plan import plan_of
from nn_bridge.sign_vectors.skeleton import Skeleton, layout_of
from nn_bridge.sign_vectors.start import HEAD
from nn_bridge.sign_vectors.subdivide import Outcome, cut_stage
from polyhedra.polyhedron import Polyhedron
from tests.nn_bridge.sign_vectors import sign_vector_entry_twins as entry_twins
from tests.nn_bridge.sign_vectors import sign_vector_result_twins as result_twins
from tests.nn_bridge.sign_vectors import sign_vector_twins as twins

ENTRY = ("enter_stage",)
STAGES = ("later_signs", "renew_sign_word")
CUTS = ("word_table", "begin_block", "cut_block", "take_back", "end_block")
RESULTS = ("copy_vertices", "copy_edges", "count_by_lowest_vertex", "walk_polygons")
PRUNING = ("open_cells", "number_cells", "gather_members", "curve_codes")


def test_every_loop_has_a_twin():
    loops = {name for name in kernels.__all__ if name[0].islower()} - {"fill_word_table"}  # which word_table calls
    assert loops == {*ENTRY, *STAGES, *CUTS, *RESULTS, *PRUNING}


@pytest.fixture(params=["wide", "plain"])
def version(request):
    """Each loop that is compiled twice, in both versions; the wide one only where the processor has it."""
    _core.widen(request.param == "wide")
    yield request.param
    _core.widen(True)


def use_twins(monkeypatch):
    """Let the twins do all the work; they note in the set that is returned that they were called."""
    called = set()

    def noted(name, twin):
        def run(*arguments):
            called.add(name)
            return twin(*arguments)

        return run

    for names, module in ((ENTRY, entry_twins), (STAGES + CUTS, twins), (RESULTS + PRUNING, result_twins)):
        for name in names:
            monkeypatch.setattr(kernels, name, noted(name, getattr(module, name)))
    return called


def random_network(seed, widths, whole=False):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(widths))
    weights = [rng.normal(size=(b, a)) for a, b in pairs]
    biases = [rng.normal(size=b) / 2 for _, b in pairs]
    if whole:
        weights, biases = [np.round(2 * w) for w in weights], [np.round(2 * b) for b in biases]
    return Network.from_layers(weights, biases)


def nearly_equal_units():
    """A unit, and another that differs from it by a few units in the last place: signs near it are decided exactly."""
    return Network.from_layers([[[1, 1], ["1", 1 + 2.0**-52], [1, -3]], [[1, -2, 1]]], [["1/3", "1/3", "1/7"], ["1/9"]])


def with_skips():
    rng = np.random.default_rng(5)
    builder = NetworkBuilder(2)
    x = builder.input()
    first = builder.relu(builder.affine(x, rng.normal(size=(4, 2)), rng.normal(size=4)))
    second = builder.relu(builder.affine(first, rng.normal(size=(4, 4)), rng.normal(size=4)))
    both = builder.concatenate(x, first, second)
    return builder.finish(builder.affine(both, rng.normal(size=(1, 10)), rng.normal(size=1)))


OCTAHEDRON = Polyhedron([[a, b, c] for a in (1, -1) for b in (1, -1) for c in (1, -1)], ["3/2"] * 8)
NETWORKS = {
    "plane": (random_network(1, [2, 8, 5, 1]), (-1, 1)),
    "blocks": (random_network(2, [2, 70, 3, 1]), (-1, 1)),
    "space": (random_network(3, [3, 6, 4, 1]), (-1, 1)),
    "octahedron": (random_network(4, [3, 5, 3, 1]), OCTAHEDRON),
    "four": (random_network(5, [4, 5, 3, 1]), (-1, 1)),
    "five": (random_network(6, [5, 4, 1]), (-1, 1)),
    "deep": (random_network(7, [2, 4, 4, 4, 4, 4, 4, 1]), (-2, 2)),
    "skips": (with_skips(), (-1, 1)),
    "whole": (random_network(8, [2, 6, 4, 1], True), (-1, 1)),
    "nearly equal": (nearly_equal_units(), (-1, 1)),
    "huge": (Network.from_layers([[[1e110, 1], [1, 1e-110]], [[1e100, -1e110]]], [["1/3", "1/7"], [1e90]]), (-1, 1)),
}
DECIDED = ("nearly equal", "huge")  # some of their signs are decided exactly
ARRAYS = ("vertices", "vertex_error", "edges", "vertex_zeros", "edge_zeros", "_edge_up")


def everything(network, domain):
    """All that an extraction tells, as bytes and numbers."""
    found = extract(network, domain, output_hyperplanes=True)
    arrays = [np.ascontiguousarray(getattr(found, name)).tobytes() for name in ARRAYS]
    return found.reason, found.decided, found.neurons, arrays, None if found.reason else found.count_cells()


@pytest.mark.parametrize("case", NETWORKS)
def test_a_complex_is_the_twins(monkeypatch, version, case):
    network, domain = NETWORKS[case]
    compiled = everything(network, domain)
    called = use_twins(monkeypatch)
    monkeypatch.setattr(skeleton, "ROOM", 64)  # also what asks for more room comes to the same
    monkeypatch.setattr(skeleton, "SMALL", 0)
    assert everything(network, domain) == compiled
    assert {"enter_stage", "cut_block", "copy_edges"} <= called
    assert ("later_signs" in called) == (case == "blocks")
    assert ("take_back" in called) == (case == "whole")
    assert bool(compiled[0]) == (case == "whole")
    assert ("renew_sign_word" in called) == (case in ("whole", *DECIDED))
    assert (compiled[1] > 0) == (case in DECIDED)


@pytest.mark.parametrize("widths", [[2, 6, 4, 1], [3, 5, 4, 1]])
def test_a_level_set_is_the_twins(monkeypatch, version, widths):
    network = random_network(9, widths)

    def parts():
        found = level_set(network, (-1, 1), prune=True)
        return [np.ascontiguousarray(a).tobytes() for a in (found.vertices, found.start, found.members, found.normals)]

    monkeypatch.setattr("nn_bridge.sign_vectors.level_sets.PRUNE_FROM", 0)
    compiled = parts()
    called = use_twins(monkeypatch)
    assert parts() == compiled
    assert set(PRUNING) <= called
    assert ("walk_polygons" in called) == (widths[0] == 3)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-300, 1e300, -1e308, np.inf, -np.inf, np.nan]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.integers(0, 10**6), st.integers(1, 70), st.integers(1, 70), st.integers(1, 40),
    st.sampled_from([0.0, 0.0, 0.01, 0.2]), st.booleans(), st.booleans(),
)  # fmt: skip
def test_values_come_in_as_in_the_twin(seed, units, inputs, count, special, sharp, wide):
    _core.widen(wide)
    rng = np.random.default_rng(seed)
    # of the old layout the coordinates, carried units, and the units just cut; the latter move
    carried, start = HEAD + 3, HEAD + 3 + inputs // 3
    column = start + inputs
    width = -(-(column + units) // 8) * 8

    def numbers(*shape):
        result = rng.normal(size=shape) * 2.0 ** rng.integers(-20, 20, size=shape)
        return np.where(rng.random(shape) < special, rng.choice(SPECIAL, size=shape), result)

    rows = numbers(count + 2, width)
    rows[:, :2] = rng.random((count + 2, 2)) * 1e-15
    rows.view(np.float32)[:, 2:4] = 1 + rng.random((count + 2, 2)) * 100
    signs = rng.integers(0, 1 << 63, size=(count + 2, 2), dtype=np.uint64)
    edges = np.zeros((3 * count, 4), dtype=np.uint64)
    edges.view(np.int32)[:, :2] = rng.integers(0, count, size=(3 * count, 2))
    reads = [(HEAD, 3, 0), (carried, start - carried, 1), (start, inputs, 1)][seed % 3 :]
    weights = np.zeros((sum(n for _, n, _ in reads), -(-units // 4) * 4))
    weights[:, :units] = rng.normal(size=(len(weights), units)) * (rng.random((len(weights), units)) < 0.9)
    kept = [(HEAD, HEAD, 3)] + ([(carried, start, min(inputs, column - carried))] if seed % 2 else [])
    stage = kernels.Stage(np.array(reads), weights, rng.normal(size=units), np.array(kept), column, sharp)
    scaled = 2.0 ** rng.integers(-3, 3, size=width).astype(float)
    results = []
    for enter, later in ((kernels.enter_stage, kernels.later_signs), (entry_twins.enter_stage, twins.later_signs)):
        own = kernels.Vertices(rows.copy(), signs.copy(), np.zeros(0, np.uint64), np.zeros((0, 3), np.int16),
                               np.zeros(0, np.int32))  # fmt: skip
        doubts, scales = np.full((2 * units, 2), -1, dtype=np.int64), np.ones(width)
        with np.errstate(all="ignore"):
            found = enter(own, count, edges, len(edges), stage, scaled, scales, doubts)
            few = np.full((3, 2), -1, dtype=np.int64)
            more = later(own, count, 1, column, min(units, 64), scaled, few)
        same_nan = np.where(np.isnan(own.rows), np.nan, own.rows)
        results.append(
            (found, doubts.tolist(), more, few.tolist(), own.signs.tobytes(), scales.tobytes(), same_nan.tobytes())
        )
    _core.widen(True)
    assert results[0][0] == results[1][0]
    if results[0][0] >= 0:
        assert results[0] == results[1]
    else:
        assert special


def test_weights_that_do_not_fit_what_is_read_are_refused():
    words, zeros, faces = np.zeros((2, 2), np.uint64), np.zeros((2, 2), np.int16), np.zeros(2, np.int32)
    own = kernels.Vertices(np.zeros((2, 8)), words, words[:, 0].copy(), zeros, faces)
    edges, doubts = np.zeros((1, 4), dtype=np.uint64), np.zeros((1, 2), dtype=np.int64)
    reads, kept = np.array([(HEAD, 2, 0)]), np.array([(HEAD, HEAD, 2)])
    for shape in ((3, 4), (2, 3), (2, 0)):
        stage = kernels.Stage(reads, np.zeros(shape), np.zeros(1), kept, HEAD + 2, False)
        with pytest.raises(TypeError, match="another shape"):
            kernels.enter_stage(own, 2, edges, 1, stage, np.ones(8), np.zeros(8), doubts)


def test_numbers_beyond_the_range_of_floats_are_refused():
    huge = [[[1e119, 1e119], [1e119, -1e119]]]
    weights = [[[1.0, 2.0], [3.0, -1.0]], *4 * huge, [[1.0, 1.0]]]
    network = Network.from_layers(weights, [[0.5] * len(matrix) for matrix in weights])
    with pytest.raises(NetworkError, match="leave the range of float64"):
        extract(network, (-1, 1))


def test_the_plan_of_a_network_is_kept_for_this_network(monkeypatch):
    one, other = random_network(1, [2, 4, 1]), random_network(1, [2, 4, 1])
    assert one == other
    monkeypatch.setattr(plan, "_recent", {})
    first = plan_of(one, True)
    assert plan_of(one, True) is first
    assert plan_of(other, True) is not first
    assert plan_of(one, True) is first
    different = plan_of(one, False), plan_of(one, True, 1), plan_of(one, False, 1)
    assert len({id(kept) for kept in (first, *different)}) == 4
    assert [kept.neurons for kept in different] == [4, 5, 4]
    assert len(plan._recent) <= plan.RECENT
    monkeypatch.setattr(plan, "SMALL", 0)
    assert plan_of(other, True) is not plan_of(other, True)


def test_plain_boxes_are_kept_apart_by_numbers_and_dimension():
    half = as_domain((-0.5, 0.5), 2)
    assert as_domain((-0.5, 0.5), 2) is half
    assert as_domain((-1, 1), 2) is as_domain((-1.0, 1.0), 2)
    assert as_domain((-0.5, 0.5), 3).dim == 3
    assert as_domain((-0.5, 1), 2).corners != half.corners
    for wrong in ((1, 1), (0.5, -0.5)):
        with pytest.raises(NetworkError, match="empty"):
            as_domain(wrong, 2)
    with pytest.raises(NetworkError):
        as_domain((float("nan"), 1.0), 2)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=64), st.integers(0, 2**64 - 1))
def test_word_sums(words, bits):
    bits &= (1 << len(words)) - 1
    table = kernels.word_table(np.array(words, dtype=np.uint64))
    assert table.tobytes() == twins.word_table(np.array(words, dtype=np.uint64)).tobytes()
    assert twins.word_sum(table, bits) == sum(w for k, w in enumerate(words) if bits >> k & 1) % 2**64
    fingerprint = np.array([7], dtype=np.uint64)
    own = kernels.Vertices(np.zeros((1, 8)), np.array([[bits, 0]], dtype=np.uint64), fingerprint,
                           np.zeros((1, 2), np.int16), np.zeros(1, np.int32))  # fmt: skip
    kernels.end_block(own, 1, table)
    assert int(fingerprint[0]) == (7 + twins.word_sum(table, bits)) % 2**64


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**64 - 1), st.lists(st.sampled_from([-1.0, 0.0, 2.0]), min_size=1, max_size=64), st.data())
def test_renewed_signs(word, values, data):
    done = data.draw(st.integers(0, len(values)))
    found = [np.array([[word, 5]], dtype=np.uint64) for _ in range(2)]
    kernels.renew_sign_word(found[0], 0, np.array(values), done)
    twins.renew_sign_word(found[1], 0, np.array(values), done)
    assert found[0].tolist() == found[1].tolist()


@pytest.mark.parametrize("widths", [[2, 6, 5, 4, 1], [3, 4, 4, 1]])
def test_bounds_of_cells_are_the_twins(version, widths):
    # sums are taken in another order: so the levels keep clear of the bounds that decide
    network = random_network(11, widths)
    plan, domain = plan_of(network, True), as_domain((-1, 1), widths[0])
    bare, outcome = Skeleton(plan, domain, None), Outcome()
    cut_stage(bare, 0, None, outcome)
    assert outcome.sound
    start, members = pruning.incident_cells(bare)
    later = pruning._later_stages(plan, 0, layout_of(plan, plan.stages[0]))
    order = np.arange(len(start) - 1)
    counts = set()
    for level in np.linspace(-3, 3, 25):
        shifted = later._replace(bias=np.append(later.bias[:-1], level))
        for size in (1, 4):
            found = [np.zeros(len(order), dtype=np.bool_) for _ in range(2)]
            for result, loop in zip(found, (kernels.open_cells, result_twins.open_cells), strict=True):
                loop(order, start, members, size, bare.rows, bare.scaled, bare.vertices, shifted, result)
            assert found[0].tolist() == found[1].tolist()
            counts.add(int(found[0].sum()))
    assert len(counts) > 3


@pytest.mark.parametrize("tolerant", [False, True])
def test_keys_of_which_half_is_the_same_are_told_apart(monkeypatch, version, tolerant):
    network, domain = random_network(13, [3, 12, 8, 1]), as_domain((-1, 1), 3)
    right, surface = everything(network, (-1, 1)), level_set(network, (-1, 1), prune=tolerant)
    words = plan._neuron_words
    monkeypatch.setattr(
        plan, "_neuron_words", lambda seed, neurons: words(seed, neurons) & np.uint64(2**64 - 1 if seed else 2**32 - 1)
    )
    monkeypatch.setattr(plan, "_recent", {})
    alike = plan.plan_of(network, True)
    bare, outcome, before = Skeleton(alike, domain, None), Outcome(), None
    for index, stage in enumerate(alike.stages):
        if outcome.sound:
            cut_stage(bare, index, before, outcome, tolerant)
            before = stage
    assert not outcome.consistent
    assert not outcome.doubtful
    # other words are drawn
    assert everything(network, (-1, 1)) == right
    assert np.array_equal(level_set(network, (-1, 1), prune=tolerant).vertices, surface.vertices)


def test_arrays_that_do_not_fit_are_refused():
    rows, error, faces = np.zeros((2, 8)), np.zeros(2, dtype=np.float32), np.zeros(2, dtype=np.int32)
    signs, zeros = np.zeros((2, 2), dtype=np.uint64), np.zeros((2, 2), dtype=np.int16)

    def copy(own, points):
        vertices = kernels.Vertices(own, signs, signs[0], zeros, faces)
        kernels.copy_vertices(vertices, np.ones(8), kernels.VertexColumns(points, error, zeros, faces, signs[1]))

    copy(rows, np.zeros((2, 2)))
    with pytest.raises(TypeError, match="another type"):
        copy(rows.astype(np.float32), np.zeros((2, 2)))
    with pytest.raises(TypeError, match="do not follow one another"):
        copy(rows[:, :4], np.zeros((2, 2)))
    with pytest.raises(TypeError, match="not contiguous"):
        kernels.renew_sign_word(np.zeros((1, 2), dtype=np.uint64), 0, rows[0, ::2], 0)
    rows.flags.writeable = False
    with pytest.raises(TypeError, match="read-only"):
        copy(np.zeros((2, 8)), rows)


def test_without_the_core_one_line_says_so():
    code = """
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import extract
from polyhedra.compiled_core import CoreMissingError
try:
    extract(Network.from_layers([[[1, 2]], [[1]]], [[0], [0]]), (-1, 1))
except CoreMissingError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PUISEUX_PURE": "1"}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "this needs the compiled core: PUISEUX_PURE is set; unset it\n"


def spare_arrays():
    """All arrays that are kept for the next complex, each once."""
    groups = ("vertex_arrays", "workspace", "buckets")
    arrays = [array for _, _, own in skeleton._spare for group in groups for array in own[group]]
    return arrays + [own["e64"] for _, _, own in skeleton._spare]


def test_memory_of_one_complex_is_used_again_for_the_next_alone():
    names = (*ARRAYS, "vertex_faces", "edge_faces", "_vertex_words", "_edge_words")

    def found(case):
        complex_ = extract(*NETWORKS[case], output_hyperplanes=True)
        return [getattr(complex_, name) for name in names]

    cases = ["space", "plane", "octahedron", "four"]
    alone = {case: [array.copy() for array in found(case)] for case in cases}
    kept = {case: found(case) for case in cases}
    assert 0 < sum(size for _, size, _ in skeleton._spare) <= skeleton.SPARE
    assert not any(np.shares_memory(a, b) for own in kept.values() for a in own for b in spare_arrays())
    with ThreadPoolExecutor(4) as threads:  # at the same time, and with what others left in the memory
        together = list(threads.map(found, 8 * cases))
    for case, arrays in zip([*8 * cases, *cases], [*together, *kept.values()], strict=True):
        assert all(np.array_equal(one, two) for one, two in zip(arrays, alone[case], strict=True))
    assert sum(size for _, size, _ in skeleton._spare) <= skeleton.SPARE


def test_memory_with_anything_in_it_gives_the_same_complex():
    compiled = everything(*NETWORKS["space"])
    for filling in (0xFF, 0x7F):  # NaN, and numbers beyond 10**300
        for array in spare_arrays():
            array.view(np.uint8)[:] = filling
        assert everything(*NETWORKS["space"]) == compiled
