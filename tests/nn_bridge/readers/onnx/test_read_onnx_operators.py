"""Operators of ONNX one by one against onnxruntime, at points where both compute exactly; constants; old versions."""

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.readers.onnx import network_from_onnx
from nn_bridge.readers.onnx.activations import comparators

onnx = pytest.importorskip("onnx", reason="needs the extra [onnx]")
runtime = pytest.importorskip("onnxruntime", reason="is compared with onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

I64, F32 = np.int64, np.float32
LEARNING = "ai.onnx.ml"


def dyadic(*shape, seed=0):
    return (np.random.default_rng(seed + 7 * len(shape)).integers(-8, 9, shape) / 4).astype(F32)


def model(nodes, shape, constants=None, opset=17):
    """A model in single precision whose last node makes the output; each node is (type, inputs, attributes)."""
    made = []
    for number, (operator, inputs, attributes) in enumerate(nodes):
        attributes = dict(attributes)
        outputs = attributes.pop("_outputs", [f"h{number}"])
        made.append(helper.make_node(operator, inputs, outputs, **attributes))
    weights = [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info(made[-1].output[0], TensorProto.FLOAT, None)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(LEARNING, 3)]
    proto = helper.make_model(helper.make_graph(made, "graph", [x], [y], weights), opset_imports=imports)
    proto.ir_version = 10
    return proto


def exact(values):
    return tuple(fmpq(*float(v).as_integer_ratio()) for v in np.asarray(values).ravel().tolist())


def agrees(proto, network, shape):
    session = runtime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    for seed in range(6):
        x = dyadic(*shape, seed=seed)
        if network.evaluate(x.ravel().tolist()) != exact(session.run(None, {"x": x})[0]):
            return False
    return True


PLANE = np.arange(1, 9, dtype=F32).reshape(1, 2, 2, 2)
CASES = {
    "transposed convolution": (
        [("ConvTranspose", ["x", "w", "b"], {"strides": [2, 1], "pads": [1, 0, 0, 1], "dilations": [1, 2]})],
        (1, 2, 3, 3),
        {"w": dyadic(2, 3, 2, 2), "b": dyadic(3)},
    ),
    "transposed convolution in groups": (
        [("ConvTranspose", ["x", "w"], {"strides": [2], "output_padding": [1], "group": 2})],
        (1, 4, 3),
        {"w": dyadic(4, 1, 3)},
    ),
    "transposed convolution to a shape": (
        [("ConvTranspose", ["x", "w"], {"strides": [2], "output_shape": [6]})],
        (1, 1, 3),
        {"w": dyadic(1, 1, 3)},
    ),
    "transposed convolution, same": (
        [("ConvTranspose", ["x", "w"], {"strides": [2], "auto_pad": "SAME_UPPER"})],
        (1, 1, 3),
        {"w": dyadic(1, 1, 3)},
    ),
    "upsample": ([("Upsample", ["x", "s"], {"mode": "nearest"})], (1, 1, 2, 3), {"s": np.array([1, 1, 2, 3], F32)}, 9),
    "depth to space": ([("DepthToSpace", ["x"], {"blocksize": 2})], (1, 8, 1, 2), {}),
    "depth to space, columns first": ([("DepthToSpace", ["x"], {"blocksize": 2, "mode": "CRD"})], (1, 8, 1, 2), {}),
    "space to depth": ([("SpaceToDepth", ["x"], {"blocksize": 2})], (1, 2, 2, 4), {}),
    "einsum": ([("Einsum", ["x", "c"], {"equation": "bij,jk->bki"})], (2, 2, 3), {"c": dyadic(3, 2)}),
    "einsum of one": ([("Einsum", ["x"], {"equation": "ij->j"})], (2, 3), {}),
    "einsum from the left": ([("Einsum", ["c", "x"], {"equation": "bk, bij -> kj"})], (2, 2, 3), {"c": dyadic(2, 4)}),
    "einsum of three": (
        [("Einsum", ["c", "x", "d"], {"equation": "k,ki,il"})],
        (2, 3),
        {"c": dyadic(2), "d": dyadic(3, 2)},
    ),
    "cumulated": ([("CumSum", ["x", "a"], {})], (2, 4), {"a": np.array(1, I64)}),
    "cumulated from behind": (
        [("CumSum", ["x", "a"], {"reverse": 1, "exclusive": 1})],
        (3, 2),
        {"a": np.array(0, I64)},
    ),
    "scattered": (
        [("ScatterND", ["x", "i", "u"], {})],
        (3, 2),
        {"i": np.array([[2], [0]], I64), "u": dyadic(2, 2)},
    ),
    "added to places": (
        [("ScatterND", ["x", "i", "u"], {"reduction": "add"})],
        (3, 2),
        {"i": np.array([[2], [0]], I64), "u": dyadic(2, 2)},
    ),
    "written into constants": (
        [("ScatterND", ["c", "i", "x"], {})],
        (1, 2),
        {"c": dyadic(3, 2), "i": np.array([[1]], I64)},
    ),
    "scattered elements": (
        [("ScatterElements", ["x", "i", "u"], {"axis": 1})],
        (2, 3),
        {"i": np.array([[2], [0]], I64), "u": dyadic(2, 1)},
    ),
    "gathered elements": (
        [("GatherElements", ["x", "i"], {"axis": 1})],
        (2, 3),
        {"i": np.array([[2, 0], [-1, 1]], I64)},
    ),
    "gathered by places": ([("GatherND", ["x", "i"], {})], (2, 3), {"i": np.array([[1, 2], [0, 0]], I64)}),
    "sum of absolute values": ([("ReduceL1", ["x"], {"axes": [1]})], (2, 3), {}),
    "lower triangle": ([("Trilu", ["x", "k"], {"upper": 0})], (3, 3), {"k": np.array(-1, I64)}),
    "upper triangle": ([("Trilu", ["x"], {})], (2, 3), {}),
    "compressed": ([("Compress", ["x", "c"], {"axis": 1})], (2, 3), {"c": np.array([True, False, True])}),
    "chosen by a constant": (
        [("Where", ["c", "x", "d"], {})],
        (2, 3),
        {"c": np.array([True, False, True]), "d": np.array(0.5, F32)},
    ),
    "sorted": ([("TopK", ["x", "k"], {"_outputs": ["v", "i"]})], (2, 7), {"k": np.array([7], I64)}),
    "two smallest": (
        [("TopK", ["x", "k"], {"largest": 0, "axis": 0, "_outputs": ["v", "i"]})],
        (5, 2),
        {"k": np.array([2], I64)},
    ),
    "scaler": (
        [("Scaler", ["x"], {"offset": [0.5, 1.0], "scale": [2.0, 0.25], "domain": LEARNING})],
        (1, 2),
        {},
    ),
    "linear regressor": (
        [
            (
                "LinearRegressor",
                ["x"],
                {"coefficients": [1.0, 0.5, -2.0, 4.0], "intercepts": [1.0, 2.0], "targets": 2, "domain": LEARNING},
            )
        ],
        (1, 2),
        {},
    ),
    "columns": ([("ArrayFeatureExtractor", ["x", "i"], {"domain": LEARNING})], (1, 3), {"i": np.array([2, 0], I64)}),
    "a constant branch": (
        [
            ("Shape", ["x"], {}),
            ("Gather", ["h0", "one"], {}),
            ("Equal", ["h1", "two"], {}),
            (
                "If",
                ["h2"],
                {
                    "then_branch": helper.make_graph(
                        [helper.make_node("Abs", ["x"], ["t"])],
                        "t",
                        [],
                        [helper.make_tensor_value_info("t", TensorProto.FLOAT, None)],
                    ),
                    "else_branch": helper.make_graph(
                        [helper.make_node("Tanh", ["x"], ["e"])],
                        "e",
                        [],
                        [helper.make_tensor_value_info("e", TensorProto.FLOAT, None)],
                    ),
                },
            ),
        ],
        (1, 2),
        {"one": np.array(1, I64), "two": np.array(2, I64)},
    ),
    "quantised weights": (
        [("DequantizeLinear", ["q", "s", "z"], {"axis": 0}), ("MatMul", ["x", "h0"], {})],
        (1, 2),
        {"q": np.array([[3, -4], [7, 1]], np.int8), "s": np.array([0.5, 0.25], F32), "z": np.array([1, -2], np.int8)},
    ),
    "weight norm by hand": (
        [
            ("Mul", ["v", "v"], {}),
            ("ReduceSum", ["h0", "a"], {}),
            ("Sqrt", ["h1"], {}),
            ("Div", ["v", "h2"], {}),
            ("MatMul", ["x", "h3"], {}),
        ],
        (1, 2),
        {"v": np.array([[0, 2], [4, 0]], F32), "a": np.array([0], I64)},
    ),
    "logic of constants": (
        [
            ("Greater", ["c", "d"], {}),
            ("Not", ["h0"], {}),
            ("And", ["h1", "m"], {}),
            ("Where", ["h2", "c", "d"], {}),
            ("Mul", ["x", "h3"], {}),
        ],
        (1, 3),
        {"c": dyadic(3), "d": dyadic(3, seed=4), "m": np.array([True, True, False])},
    ),
    "rounding of constants": (
        [
            ("Floor", ["c"], {}),
            ("Ceil", ["c"], {}),
            ("Round", ["c"], {}),
            ("Sign", ["c"], {}),
            ("Sum", ["h0", "h1", "h2", "h3", "x"], {}),
        ],
        (1, 8),
        {"c": np.array([-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 0.25], F32)},
    ),
    "range": (
        [("Range", ["a", "b", "c"], {}), ("Cast", ["h0"], {"to": 1}), ("Mul", ["x", "h1"], {})],
        (1, 3),
        {"a": np.array(5, I64), "b": np.array(-1, I64), "c": np.array(-2, I64)},
    ),
    "integers": (
        [
            ("Div", ["a", "b"], {}),
            ("Mod", ["a", "b"], {}),
            ("ReduceProd", ["a"], {}),
            ("Max", ["a", "b"], {}),
            ("Sub", ["h0", "h1"], {}),
            ("Add", ["h4", "h3"], {}),
            ("Mul", ["h5", "h2"], {}),
            ("Cast", ["h6"], {"to": 1}),
            ("Mul", ["x", "h7"], {}),
        ],
        (1, 3),
        {"a": np.array([-7, 7, 5], I64), "b": np.array([2, -2, 3], I64)},
    ),
    "reductions of constants": (
        [
            ("ReduceMax", ["c"], {"axes": [1]}),
            ("ReduceSumSquare", ["c"], {"axes": [1]}),
            ("ReduceL1", ["c"], {"axes": [1]}),
            ("ReduceMean", ["c"], {"axes": [1]}),
            ("Sum", ["h0", "h1", "h2", "h3", "x"], {}),
        ],
        (2, 4),
        {"c": dyadic(2, 4)},
    ),
    "places of constants": (
        [
            ("ArgMax", ["c"], {"axis": 1}),
            ("TopK", ["c", "k"], {"_outputs": ["v", "i"]}),
            ("NonZero", ["c"], {}),
            ("Gather", ["h2", "zero"], {}),
            ("ReduceSum", ["h3"], {}),
            ("Cast", ["h0"], {"to": 1}),
            ("Cast", ["h4"], {"to": 1}),
            ("Sum", ["h5", "v", "h6", "x"], {}),
        ],
        (1, 1),
        {"c": dyadic(2, 4), "k": np.array([1], I64), "zero": np.array(0, I64)},
    ),
    "powers of constants": (
        [("Pow", ["c", "e"], {}), ("Mul", ["x", "h0"], {})],
        (1, 3),
        {"c": np.array([4, 2, 3], F32), "e": np.array([0.5, -2, 2], F32)},
    ),
    "one hot": (
        [("OneHot", ["i", "d", "v"], {"axis": 0}), ("Add", ["x", "h0"], {})],
        (3, 2),
        {"i": np.array([2, -3], I64), "d": np.array(3, I64), "v": np.array([0.5, 2], F32)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_operators_agree_with_onnxruntime(name):
    nodes, shape, constants, *opset = CASES[name]
    older = any("axes" in attributes for _, _, attributes in nodes)
    proto = model(nodes, shape, constants, *(opset or ([12] if older else [])))
    network = network_from_onnx(proto)
    assert not any("not compared" in note for note in network.notes)
    assert agrees(proto, network, shape)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("sizes", [(4, 6), (5, 1), (2, 4), (1, 3)])
def test_resized_images(mode, coordinates, sizes):
    for nearest in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] if mode == "nearest" else ["floor"]:
        attributes = {"mode": mode, "coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
        proto = model([("Resize", ["x", "", "", "s"], attributes)], (1, 1, 2, 4), {"s": np.array([1, 1, *sizes], I64)})
        network = network_from_onnx(proto)  # compares with onnxruntime
        assert network.output.units == sizes[0] * sizes[1]
        assert not any("not compared" in note for note in network.notes)


@pytest.mark.parametrize("length", range(1, 12))
@pytest.mark.parametrize("wanted", [1, 2, 5, 11])
def test_comparators_bring_the_largest_to_the_front(length, wanted):
    """By the 0-1 principle: a network of comparators that sorts all zeros and ones sorts everything."""
    if wanted > length:
        return
    for bits in range(2**length):
        values = [bits >> k & 1 for k in range(length)]
        expected = sorted(values, reverse=True)[:wanted]
        for first, second in comparators(length, wanted):
            values[first], values[second] = max(values[first], values[second]), min(values[first], values[second])
        assert values[:wanted] == expected


# ---------------------------------------------------------------- constants that are rounded, and old versions


def test_constants_through_square_roots_are_float64_with_a_note():
    proto = model([("ReduceL2", ["v"], {"axes": [1]}), ("Div", ["v", "h0"], {}), ("MatMul", ["x", "h1"], {})], (1, 1),
                  {"v": np.array([[1, 1]], F32)}, opset=12)  # fmt: skip
    network = network_from_onnx(proto)
    (first, second) = network.evaluate([1])
    assert first == second == fmpq(*(1 / np.sqrt(2.0)).as_integer_ratio())
    assert "rounded to float64" in network.notes[-1]


def test_rational_constants_stay_exact():
    proto = model(
        [("Div", ["c", "d"], {}), ("Mul", ["x", "h0"], {})], (1, 1), {"c": np.array(1, F32), "d": np.array(3, F32)}
    )
    network = network_from_onnx(proto)
    assert network.evaluate([1]) == (fmpq(1, 3),)
    assert network.notes == ()


@pytest.mark.parametrize(("operator", "expected"), [
    ("Add", [1, 1, 1, 1, 2, 2, 2, 2]), ("Sub", [-1, -1, -1, -1, -2, -2, -2, -2]), ("Mul", [0] * 8), ("Div", [0] * 8),
])  # fmt: skip
def test_the_axis_of_old_operators(operator, expected):
    proto = model(
        [(operator, ["x", "b"], {"broadcast": 1, "axis": 1})], (1, 2, 2, 2), {"b": np.array([1, 2], F32)}, opset=6
    )
    network = network_from_onnx(proto)
    assert network.evaluate([0] * 8) == tuple(map(fmpq, expected))
    ones = {"Add": [2, 3], "Sub": [0, -1], "Mul": [1, 2], "Div": [1, fmpq(1, 2)]}[operator]
    assert network.evaluate([1] * 8) == tuple(fmpq(v) for v in np.repeat(np.array(ones, dtype=object), 4))


def test_old_operators_do_not_broadcast_unasked():
    proto = model([("Add", ["x", "b"], {})], (1, 2), {"b": np.array([1, 2], F32)}, opset=6)
    with pytest.raises(NetworkError, match="broadcast=1"):
        network_from_onnx(proto)


def test_slopes_of_old_versions_belong_to_channels():
    slopes = {"s": np.array([0.5, 0.25], F32)}
    network = network_from_onnx(model([("PRelu", ["x", "s"], {})], (1, 2, 2), slopes, opset=6))
    assert network.evaluate([-4] * 4) == (-2, -2, -1, -1)


@pytest.mark.parametrize(("opset", "attributes", "read"), [(6, {}, False), (6, {"is_test": 1}, True), (7, {}, True)])
def test_batch_normalisation_of_old_versions(opset, attributes, read):
    weights = {name: np.array([v, v], F32) for name, v in (("g", 1), ("b", 3), ("m", 1), ("v", 1))}
    proto = model(
        [("BatchNormalization", ["x", "g", "b", "m", "v"], {"epsilon": 0.0, **attributes})], (1, 2), weights, opset
    )
    if read:
        assert network_from_onnx(proto).evaluate([1, 5]) == (3, 7)
    else:
        with pytest.raises(NetworkError, match="evaluation mode"):
            network_from_onnx(proto)
