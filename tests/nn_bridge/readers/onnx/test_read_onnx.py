"""The ONNX reader: operators against ONNX's own evaluator, exactly at dyadic points; files not to be trusted."""

import sys

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.readers.onnx import network_from_onnx, read_onnx
from polyhedra.errors import MissingExtraError

onnx = pytest.importorskip("onnx", reason="needs the extra [onnx]")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

DOUBLE = TensorProto.DOUBLE


def dyadic(*shape, seed=0):
    return np.random.default_rng(seed + 7 * len(shape)).integers(-8, 9, shape) / 4


def model(nodes, shape, constants=None, *, opset=17, kind=DOUBLE):
    """A model whose last node makes the output; each node is (type, inputs, attributes)."""
    made = []
    for number, (operator, inputs, attributes) in enumerate(nodes):
        outputs = attributes.pop("_outputs", [f"h{number}"])
        made.append(helper.make_node(operator, inputs, outputs, name=f"node{number}", **attributes))
    initializers = [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()]
    graph = helper.make_graph(
        made,
        "graph",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(made[-1].output[0], kind, None)],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def equal(proto, network, shape, samples=4):
    evaluator = ReferenceEvaluator(proto)
    for seed in range(samples):
        x = dyadic(*shape, seed=seed)
        expected = np.asarray(evaluator.run(None, {"x": x})[0]).ravel().tolist()
        if network.evaluate(x.ravel().tolist()) != tuple(fmpq(*float(v).as_integer_ratio()) for v in expected):
            return False
    return True


def refusal(call, *arguments):
    with pytest.raises(NetworkError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


I64 = np.int64
CASES = {
    "gemm": (
        [("Gemm", ["x", "W", "b"], {"alpha": 0.5, "beta": 2.0, "transB": 1})],
        (1, 3),
        {"W": dyadic(2, 3), "b": dyadic(2)},
    ),
    "gemm, transposed input": ([("Gemm", ["x", "W"], {"transA": 1})], (3, 2), {"W": dyadic(3, 2)}),
    "arithmetic": (
        [
            ("Sub", ["c", "x"], {}),
            ("Mul", ["h0", "d"], {}),
            ("Div", ["h1", "e"], {}),
            ("Neg", ["h2"], {}),
            ("Add", ["h3", "x"], {}),
        ],
        (1, 3),
        {"c": dyadic(3), "d": dyadic(1, 3), "e": np.array(4.0)},
    ),
    "matmul from the left": ([("MatMul", ["W", "x"], {})], (3, 2), {"W": dyadic(4, 3)}),
    "relu": ([("Gemm", ["x", "W"], {}), ("Relu", ["h0"], {})], (1, 2), {"W": dyadic(2, 3)}),
    "leaky": ([("LeakyRelu", ["x"], {"alpha": 0.25})], (1, 3), {}),
    "prelu": ([("PRelu", ["x", "a"], {})], (1, 2, 2), {"a": dyadic(2, 1)}),
    "clip": ([("Clip", ["x", "l", "h"], {})], (1, 3), {"l": np.array(-0.5), "h": np.array(1.25)}),
    "clip below": ([("Clip", ["x", "l"], {})], (1, 3), {"l": np.array(-0.5)}),
    "clip above": ([("Clip", ["x", "", "h"], {})], (1, 3), {"h": np.array(0.5)}),
    "hard sigmoid": ([("HardSigmoid", ["x"], {"alpha": 0.25, "beta": 0.5})], (1, 4), {}),
    "shrink": ([("Shrink", ["x"], {"lambd": 0.5, "bias": 0.5})], (1, 4), {}),
    "abs, max, min": (
        [("Abs", ["x"], {}), ("Max", ["x", "h0", "c"], {}), ("Min", ["h1", "c"], {})],
        (1, 3),
        {"c": np.array([1.0])},
    ),
    "sum, mean": ([("Sum", ["x", "c", "x"], {}), ("Mean", ["h0", "x"], {})], (1, 3), {"c": dyadic(3)}),
    "conv": (
        [("Conv", ["x", "W", "b"], {"strides": [1, 2], "pads": [1, 0, 0, 1], "dilations": [2, 1]})],
        (1, 2, 4, 4),
        {"W": dyadic(3, 2, 2, 2), "b": dyadic(3)},
    ),
    "grouped conv": ([("Conv", ["x", "W"], {"group": 2, "kernel_shape": [2]})], (1, 4, 5), {"W": dyadic(2, 2, 2)}),
    "conv, same": (
        [("Conv", ["x", "W"], {"auto_pad": "SAME_UPPER", "strides": [2]})],
        (1, 1, 5),
        {"W": dyadic(1, 1, 2)},
    ),
    "max pool": (
        [("MaxPool", ["x"], {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [0, 1, 1, 0]})],
        (1, 2, 3, 4),
        {},
    ),
    "max pool, ceil": ([("MaxPool", ["x"], {"kernel_shape": [2], "strides": [2], "ceil_mode": 1})], (1, 1, 5), {}),
    "average pool": ([("AveragePool", ["x"], {"kernel_shape": [2, 2], "strides": [1, 1]})], (1, 1, 3, 3), {}),
    "average pool, padded": (
        [("AveragePool", ["x"], {"kernel_shape": [2], "pads": [1, 1], "count_include_pad": 1})],
        (1, 1, 4),
        {},
    ),
    "average of what is there": ([("AveragePool", ["x"], {"kernel_shape": [2], "pads": [1, 1]})], (1, 1, 4), {}),
    "global pools": (
        [("GlobalAveragePool", ["x"], {}), ("GlobalMaxPool", ["x"], {}), ("Concat", ["h0", "h1"], {"axis": 1})],
        (1, 2, 2, 2),
        {},
    ),
    "batch norm": (
        [("BatchNormalization", ["x", "g", "b", "m", "v"], {"epsilon": 0.0})],
        (1, 2, 3),
        {"g": dyadic(2), "b": dyadic(2), "m": dyadic(2), "v": np.array([4.0, 0.25])},
    ),
    "flatten, reshape": (
        [("Flatten", ["x"], {"axis": 2}), ("Reshape", ["h0", "s"], {})],
        (1, 2, 3),
        {"s": np.array([3, -1], I64)},
    ),
    "transposed": (
        [("Transpose", ["x"], {"perm": [0, 2, 1]}), ("MatMul", ["h0", "W"], {})],
        (1, 2, 3),
        {"W": dyadic(2, 2)},
    ),
    "squeezed": (
        [("Unsqueeze", ["x", "a"], {}), ("Squeeze", ["h0", "b"], {}), ("Transpose", ["h1"], {})],
        (1, 3),
        {"a": np.array([0, 2], I64), "b": np.array([0], I64)},
    ),
    "sliced": (
        [("Slice", ["x", "s", "e", "a", "t"], {})],
        (1, 6),
        {"s": np.array([5], I64), "e": np.array([-100], I64), "a": np.array([1], I64), "t": np.array([-2], I64)},
    ),
    "split": (
        [("Split", ["x", "s"], {"axis": 1, "_outputs": ["p", "q"]}), ("Max", ["p", "q"], {})],
        (1, 4),
        {"s": np.array([2, 2], I64)},
    ),
    "gathered": ([("Gather", ["x", "i"], {"axis": 1})], (1, 4), {"i": np.array([[3, 0], [0, 1]], I64)}),
    "padded": ([("Pad", ["x", "p", "c"], {})], (1, 3), {"p": np.array([0, 2, 0, 1], I64), "c": np.array(0.5)}),
    "reflected": ([("Pad", ["x", "p"], {"mode": "reflect"})], (1, 3), {"p": np.array([0, 2, 0, 1], I64)}),
    "expanded, tiled": (
        [("Expand", ["x", "s"], {}), ("Tile", ["h0", "r"], {})],
        (1, 3),
        {"s": np.array([2, 3], I64), "r": np.array([1, 2], I64)},
    ),
    "reduced": (
        [
            ("ReduceSum", ["x", "a"], {}),
            ("ReduceMax", ["x"], {"axes": [1], "keepdims": 0}),
            ("ReduceMean", ["x"], {}),
            ("ReduceMin", ["x"], {"axes": [-1]}),
            ("Sub", ["h0", "h1"], {}),
            ("Add", ["h4", "h3"], {}),
            ("Sub", ["h5", "h2"], {}),
        ],
        (1, 4),
        {"a": np.array([1], I64)},
    ),
    "shape arithmetic": (
        [
            ("Shape", ["x"], {}),
            ("Gather", ["h0", "zero"], {}),
            ("Unsqueeze", ["h1", "axis"], {}),
            ("Mul", ["h2", "one"], {}),
            ("Concat", ["h3", "minus"], {"axis": 0}),
            ("Reshape", ["x", "h4"], {}),
        ],
        (1, 2, 3),
        {"zero": np.array(0, I64), "axis": np.array([0], I64), "one": np.array([1], I64), "minus": np.array([-1], I64)},
    ),
    "constants": (
        [
            ("Constant", [], {"value": numpy_helper.from_array(dyadic(3))}),
            ("Mul", ["x", "h0"], {}),
            ("ConstantOfShape", ["s"], {"value": numpy_helper.from_array(np.array([0.5]))}),
            ("Add", ["h1", "h2"], {}),
            ("Identity", ["h3"], {}),
            ("Dropout", ["h4"], {}),
        ],
        (1, 3),
        {"s": np.array([3], I64)},
    ),
    "residual": (
        [("Gemm", ["x", "W"], {}), ("Relu", ["h0"], {}), ("Add", ["h1", "x"], {}), ("Relu", ["h2"], {})],
        (1, 2),
        {"W": dyadic(2, 2)},
    ),
}
OLD = {
    "clip by attributes": ([("Clip", ["x"], {"min": -0.5, "max": 0.5})], (1, 3), 6),
    "clip without bounds": ([("Clip", ["x"], {})], (1, 3), 6),
    "slice by attributes": ([("Slice", ["x"], {"starts": [1], "ends": [3], "axes": [1]})], (1, 4), 9),
    "squeeze by attributes": ([("Unsqueeze", ["x"], {"axes": [0]}), ("Squeeze", ["h0"], {"axes": [0]})], (1, 3), 11),
    "split by attributes": (
        [("Split", ["x"], {"axis": 1, "split": [1, 2], "_outputs": ["p", "q"]}), ("Add", ["p", "q"], {})],
        (1, 3),
        11,
    ),
    "reduce by attributes": ([("ReduceSum", ["x"], {"axes": [1], "keepdims": 1})], (1, 3), 11),
    "pad by attributes": ([("Pad", ["x"], {"pads": [0, 1, 0, 0], "value": 0.5})], (1, 3), 2),
}


@pytest.mark.parametrize("name", CASES)
def test_operators_agree_with_the_reference_evaluator(name):
    nodes, shape, constants = CASES[name]
    proto = model([(t, i, dict(a)) for t, i, a in nodes], shape, constants)
    network = network_from_onnx(proto)
    assert not any("not compared" in note for note in network.notes)
    assert equal(proto, network, shape)


def test_negative_padding_cuts():
    proto = model([("Pad", ["x", "p"], {})], (1, 3), {"p": np.array([0, 1, 0, -2], I64)})
    network = network_from_onnx(proto)
    assert network.evaluate([5, 6, 7]) == (0, 5)


@pytest.mark.parametrize("name", OLD)
def test_operators_of_older_versions(name):
    nodes, shape, opset = OLD[name]
    proto = model([(t, i, dict(a)) for t, i, a in nodes], shape, opset=opset)
    network = network_from_onnx(proto)
    x = dyadic(*shape)
    expected = {
        "clip by attributes": np.clip(x, -0.5, 0.5),
        "clip without bounds": x,
        "slice by attributes": x[:, 1:3],
        "squeeze by attributes": x,
        "split by attributes": x[:, :1] + x[:, 1:],
        "reduce by attributes": x.sum(axis=1),
        "pad by attributes": np.pad(x, ((0, 0), (1, 0)), constant_values=0.5),
    }[name]
    assert network.evaluate(x.ravel().tolist()) == tuple(fmpq(*v.as_integer_ratio()) for v in expected.ravel().tolist())


@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax", "Sigmoid"])
@pytest.mark.parametrize("opset", [11, 17])
def test_an_ending_is_dropped_with_a_note(operator, opset):
    W = {"W": dyadic(2, 3)}
    network = network_from_onnx(
        model([("MatMul", ["x", "W"], {}), (operator, ["h0"], {})], ("batch", 2), W, opset=opset)
    )
    assert network == network_from_onnx(model([("MatMul", ["x", "W"], {})], (1, 2), W))
    assert "at the end dropped" in network.notes[0]
    inside = model([(operator, ["x"], {}), ("Relu", ["h0"], {})], (1, 2), opset=opset)
    assert "very end" in refusal(network_from_onnx, inside)


def test_float32_weights_keep_their_exact_value(tmp_path):
    weight = np.array([[0.1, 0.2]], np.float32)
    proto = model([("Gemm", ["x", "W"], {"transB": 1})], (1, 2), {"W": weight}, kind=TensorProto.FLOAT)
    path = tmp_path / "net.onnx"
    onnx.save(proto, str(path))
    network = read_onnx(path)
    assert network == Network.from_layers([weight.tolist()])
    assert read_network(path) == read_network(proto) == network


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [(("N", 3), None, 3), ((5, 2), None, 10), ((None, "h", 2), (4, 2), 8), (None, (3,), 3), ((1, "w"), (1, 6), 6)],
)
def test_the_shape_of_the_input(declared, given, expected):
    assert network_from_onnx(model([("Relu", ["x"], {})], declared), given).input_dim == expected


@pytest.mark.parametrize(
    ("nodes", "shape", "constants", "words"),
    [
        ([("Tanh", ["x"], {})], (1, 2), {}, ["operator 0 (Tanh 'node0')", "not piecewise linear", "docs/networks.md"]),
        ([("Sign", ["x"], {})], (1, 2), {}, ["Sign", "jumps", "hard tanh"]),
        ([("Mul", ["x", "x"], {})], (1, 2), {}, ["Mul", "depend on the input"]),
        ([("Div", ["c", "x"], {})], (1, 2), {"c": dyadic(2)}, ["Div", "depends on the input"]),
        ([("Div", ["x", "c"], {})], (1, 2), {"c": np.zeros(2)}, ["divides by zero"]),
        ([("Relu", ["y"], {})], (1, 2), {}, ["'y'", "nothing before it"]),
        ([("MatMul", ["x", "W"], {})], (1, 2), {"W": dyadic(3, 2)}, ["(1, 2)", "(3, 2)"]),
        ([("Add", ["x", "W"], {})], (1, 2), {"W": dyadic(3)}, ["Add", "fit together"]),
        ([("Mul", ["x", "c"], {})], (1, 2), {"c": np.array([np.nan, 1])}, ["Mul", "finite"]),
        ([("Relu", ["x"], {})], (1, "w"), {}, ["'x'", "(1, w)", "input_shape"]),
        ([("Relu", ["x"], {})], None, {}, ["no shape", "input_shape"]),
        ([("Relu", ["x"], {})], (1, 10**9), {}, ["entries"]),
        ([("Expand", ["x", "s"], {})], (1, 2), {"s": np.array([10**9, 2], I64)}, ["Expand", "entries"]),
        ([("Tile", ["x", "s"], {})], (1, 2), {"s": np.array([10**5, 10**5], I64)}, ["Tile", "entries"]),
        (
            [("ConstantOfShape", ["s"], {}), ("Add", ["x", "h0"], {})],
            (1, 2),
            {"s": np.array([10**12], I64)},
            ["entries"],
        ),
        ([("Pad", ["x", "p"], {})], (1, 2), {"p": np.array([0, 10**9, 0, 0], I64)}, ["Pad", "entries"]),
        ([("MaxPool", ["x"], {"kernel_shape": [0]})], (1, 1, 4), {}, ["MaxPool", "positive"]),
        ([("MaxPool", ["x"], {"kernel_shape": [9]})], (1, 1, 4), {}, ["MaxPool", "does not fit"]),
        ([("MaxPool", ["x"], {})], (1, 1, 4), {}, ["MaxPool", "kernel_shape"]),
        ([("Relu", ["x", "x", "x"], {})], (1, 4), {}, ["Relu", "not known here"]),
        ([("Clip", ["x", "x"], {})], (1, 4), {}, ["Clip", "depends on the input"]),
        ([("Cast", ["x"], {"to": TensorProto.INT64})], (1, 4), {}, ["Cast", "rounds"]),
        (
            [
                ("MaxPool", ["x"], {"kernel_shape": [2], "_outputs": ["a", "b"]}),
                ("Cast", ["b"], {"to": DOUBLE}),
                ("Add", ["a", "h1"], {}),
            ],
            (1, 1, 4),
            {},
            ["first output", "jump"],
        ),
    ],
)
def test_refusals_name_the_operator_and_the_reason(nodes, shape, constants, words):
    proto = model([(t, i, dict(a)) for t, i, a in nodes], shape, constants)
    message = refusal(network_from_onnx, proto)
    for word in words:
        assert word in message


def test_other_domains_and_control_flow_are_refused():
    proto = model([("Relu", ["x"], {"domain": "com.example"})], (1, 2))
    assert "domain 'com.example'" in refusal(network_from_onnx, proto)
    branch = helper.make_graph([], "then", [], [])
    proto = model([("Relu", ["x"], {"body": branch})], (1, 2))
    assert "graph of its own" in refusal(network_from_onnx, proto)


def test_several_inputs_or_outputs_are_refused():
    proto = model([("Relu", ["x"], {})], (1, 2))
    proto.graph.output.append(helper.make_tensor_value_info("x", DOUBLE, None))
    assert "1 input and 2 outputs" in refusal(network_from_onnx, proto)


def test_damaged_tensors_and_files(tmp_path, monkeypatch):
    proto = model([("MatMul", ["x", "W"], {})], (1, 2), {"W": dyadic(2, 2)})
    proto.graph.initializer[0].raw_data = b"1234567"
    assert "'W'" in refusal(network_from_onnx, proto)
    proto.graph.initializer[0].dims[:] = [10**9, 10**9]
    assert "entries" in refusal(network_from_onnx, proto)
    path = tmp_path / "net.onnx"
    for content, word in ((b"\x93garbage", "no ONNX model"), (b"\n", "no ONNX model"), (b"\x08\x01", "no graph")):
        path.write_bytes(content)
        message = refusal(read_onnx, path)
        assert str(path) in message
        assert word in message
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"puiseux\[onnx\]"):
        read_onnx(path)


VALID = model(
    [("Conv", ["x", "W"], {}), ("Relu", ["h0"], {}), ("Flatten", ["h1"], {}), ("Gemm", ["h2", "V"], {})], (1, 1, 3),
    {"W": dyadic(1, 1, 2), "V": dyadic(2, 2)},
).SerializeToString()  # fmt: skip


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, len(VALID)),
)
def test_a_changed_file_is_read_or_refused(tmp_path_factory, changes, cut):
    content = bytearray(VALID)
    for place, value in changes:
        content[place] = value
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    for damaged in (bytes(content), bytes(content[:cut])):
        path.write_bytes(damaged)
        message = str(path)
        try:
            network = read_onnx(path)
        except NetworkError as error:
            message = str(error)
        else:
            assert isinstance(network, Network)
        assert str(path) in message
        assert "\n" not in message


def test_a_wrong_conversion_is_noticed(monkeypatch):
    from nn_bridge.readers.onnx.operations import OPERATORS

    monkeypatch.setitem(OPERATORS, "Abs", OPERATORS["Relu"])
    assert "not the function of its source" in refusal(network_from_onnx, model([("Abs", ["x"], {})], (1, 2)))


def test_a_model_that_cannot_be_compared_says_so(monkeypatch):
    monkeypatch.setattr("onnx.reference.ReferenceEvaluator", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    network = network_from_onnx(model([("Abs", ["x"], {})], (1, 2)))
    assert "not compared with its source" in network.notes[-1]
    assert network.evaluate([-1, 2]) == (1, 2)


def test_what_torch_exports_is_read(tmp_path):
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    nn = torch.nn
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 2, 3, stride=2), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 4),
        nn.Hardtanh(), nn.Linear(4, 3), nn.LeakyReLU(0.25), nn.LogSoftmax(1),
    ).double().eval()  # fmt: skip
    path = tmp_path / "net.onnx"
    with pytest.warns(DeprecationWarning, match="ONNX"):
        torch.onnx.export(module, torch.zeros(1, 1, 10, 10, dtype=torch.float64), str(path), dynamo=False)
    network = read_onnx(path)
    assert network.hidden == (32, 8, 8, 8, 8, 3)
    x = np.random.default_rng(0).normal(size=(5, 100))
    scores = module[:-1](torch.tensor(x).reshape(5, 1, 10, 10)).detach().numpy()
    np.testing.assert_allclose(network.evaluate_float(x), scores, rtol=1e-12, atol=1e-12)
