"""Torch modules and ONNX models out: read back they are equal networks, run elsewhere they are the same function."""

import itertools

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import AffineStage, Network
from nn_bridge.readers import read_network
from nn_bridge.writers import write_network
from nn_bridge.writers.rounding import rounded_to
from polyhedra.scalars import rational

dyadic = st.integers(-16, 16).map(lambda k: fmpq(k, 8))


@st.composite
def staged_networks(draw, chain=False):
    """Networks whose stages read any earlier ones, or with ``chain`` the one before; some read nothing at all."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    stages = []
    for number, size in enumerate(sizes[1:], 1):
        sources = [number - 1] if chain else draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True))
        blocks = tuple(
            (source, tuple(tuple(draw(dyadic) for _ in range(sizes[source])) for _ in range(size)))
            for source in sorted(sources)
        )
        stages.append(AffineStage(blocks, tuple(draw(dyadic) for _ in range(size))))
    return Network(sizes[0], tuple(stages[:-1]), stages[-1])


def points(network, seed=0):
    return np.random.default_rng(seed).integers(-8, 9, (5, network.input_dim)) / 2


@settings(max_examples=40, deadline=None, derandomize=True)
@given(staged_networks())
def test_onnx_round_trips_and_runs(tmp_path_factory, network):
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    from onnx.reference import ReferenceEvaluator

    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    write_network(network, path)
    back = read_network(path)
    if all(stage.blocks for stage in network.stages):
        assert back == network
    else:  # a stage that reads nothing is a constant, and constants are folded
        assert back.same_function(network)
    x = points(network)
    (outputs,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    for point, values in zip(x.tolist(), outputs.tolist(), strict=True):
        assert network.evaluate(point) == tuple(map(rational, values))
    first = path.read_bytes()
    write_network(network, path)
    assert path.read_bytes() == first


def test_onnx_runtime_takes_the_model(tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="compares with onnxruntime where it is installed")
    build = NetworkBuilder(2)
    x = build.input()
    network = build.finish(build.add(build.absolute(x), build.relu(build.affine(x, [[1, 2], [0, -1]]))))
    path = tmp_path / "net.onnx"
    write_network(network, path)
    at = points(network)
    (outputs,) = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": at})
    assert np.array_equal(outputs, network.evaluate_float(at))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.booleans().flatmap(lambda chain: staged_networks(chain=chain)))
def test_torch_modules_round_trip_and_run(network):
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    from nn_bridge.writers.torch import to_torch

    module = to_torch(network)
    assert read_network(module) == network
    x = points(network)
    outputs = module(torch.tensor(x)).detach().tolist()
    for point, values in zip(x.tolist(), outputs, strict=True):
        assert network.evaluate(point) == tuple(map(rational, values))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(staged_networks(chain=True))
def test_torch_files_round_trip(tmp_path_factory, network):
    pytest.importorskip("torch", reason="needs the extra [torch]")
    path = tmp_path_factory.mktemp("torch") / "net.pt"
    write_network(network, path)
    assert read_network(path) == network


def test_torch_gives_a_plain_sequential_for_a_chain_and_refuses_files_of_others(tmp_path):
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    from nn_bridge.writers.torch import to_torch

    chain = Network.from_layers([[[1, 2]], [[3]]])
    assert [type(part) for part in to_torch(chain)] == [torch.nn.Linear, torch.nn.ReLU, torch.nn.Linear]
    skip = Network.from_layers([[[1]], [[1]]], None, ["leaky:1/4", "linear"])
    with pytest.raises(NetworkError, match=r"skip connections.*\.onnx"):
        write_network(skip, tmp_path / "net.pt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", [".onnx", ".pt", ".npz"])
def test_what_is_no_float_is_refused_and_rounded_on_request(tmp_path, ending):
    pytest.importorskip("torch" if ending == ".pt" else "onnx", reason="needs the extras [torch] and [onnx]")
    network = Network.from_layers([[["1/3", 1], [2, "1/10"]], [[1, 1]]], [["1/7", 0], [0]])
    path = tmp_path / f"net{ending}"
    with pytest.raises(NetworkError, match=r"not a float64.*--precision"):
        write_network(network, path)
    assert not list(tmp_path.iterdir())
    result = rounded_to(network)
    write_network(result.network, path)
    assert read_network(path) == result.network


def test_rounding_says_what_it_changed():
    network = Network.from_layers([[["1/3", "1/2"]], [["1/10"]]], [[0], [1]])
    result = rounded_to(network)
    errors = [abs(fmpq(1, n) - rational(1 / n)) for n in (3, 10)]
    assert (result.changed, result.largest_error) == (2, max(errors))
    assert result.network.notes == ("2 entries rounded to float64, by at most 1.85e-17",)
    single = rounded_to(network, "float32")
    assert single.network.stages[0].blocks[0][1][0][0] == rational(float(np.float32(1 / 3)))
    same = Network.from_layers([[[0.5]]])
    assert rounded_to(same, "float32").network is same
    with pytest.raises(NetworkError, match="too large for float32"):
        rounded_to(Network.from_layers([[[1e300]]]), "float32")
    with pytest.raises(NetworkError, match="float16"):
        rounded_to(same, "float16")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.fractions(max_denominator=1000), min_size=2, max_size=6))
def test_rounding_to_the_nearest_leaves_no_nearer_float(values):
    result = rounded_to(Network.from_layers([[list(map(str, values))]]))
    row = next(iter(result.network.output.blocks), (0, ((fmpq(0),) * len(values),)))[1][0]
    for value, entry in zip(values, row, strict=True):
        error = abs(entry - fmpq(value.numerator, value.denominator))
        assert error <= result.largest_error
        for neighbour in (np.nextafter(float(entry), np.inf), np.nextafter(float(entry), -np.inf)):
            assert error <= abs(rational(float(neighbour)) - fmpq(value.numerator, value.denominator))
    assert result.changed == sum(
        a != b for a, b in itertools.zip_longest(row, [fmpq(v.numerator, v.denominator) for v in values])
    )
