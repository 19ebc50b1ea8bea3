"""ONNX files as people have them and as attackers make them: weights beside the model, exporters, budgets."""

import os
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.readers import read_network
from nn_bridge.readers.onnx import network_from_onnx, read_onnx
from nn_bridge.readers.onnx.comparison import EVALUATOR_FAULTS
from nn_bridge.readers.onnx.operations import CONSTANT_OPERATORS, OPERATORS
from nn_bridge.readers.onnx.wire import check_parts

onnx = pytest.importorskip("onnx", reason="needs the extra [onnx]")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from tests.pace import Stopwatch, slowness  # noqa: E402

CASES = Path(__file__).parents[3] / "data" / "cases"
I64, F32 = np.int64, np.float32
node = helper.make_node


def model(nodes, constants=None, shape=(1, 2), output="y", opset=17, functions=(), imports=()):
    weights = [numpy_helper.from_array(np.asarray(v), name) for name, v in (constants or {}).items()]
    graph = helper.make_graph(
        nodes, "graph", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], weights,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *imports], functions=list(functions))


def refusal(call, *arguments):
    with pytest.raises(NetworkError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---------------------------------------------------------------- what was refused or read wrongly


@pytest.mark.parametrize(
    ("name", "point", "value"),
    [
        ("add_axis_opset6", [0] * 8, [1, 1, 1, 1, 0, 0, 0, 0]),
        ("batchnorm_opset9", [1, 2], None),
        ("batchnorm_opset9_no_momentum", [1, 2], [3, 4]),
        ("batchnorm_5_outputs", [1, 2], None),
        ("logsoftmax_scores", [1, 2], [-9, 36]),
        ("dropout_mask_opset7", [1, 2], [fmpq(13, 4)]),
        ("maxpool_unused_indices", list(range(16)), [5, 7, 13, 15]),
        ("sigmoid_squeeze", [1, 2], [fmpq(13, 4)]),
        ("expand_where_constants", [0, -2, -9], [1, 0, 0]),
        ("weight_norm_constants", [1, 0], None),
        ("sort_values", [3, -2], [-2, 3]),
    ],
)
def test_cases(name, point, value):
    network = read_network(CASES / f"{name}.onnx")
    if value is None:
        runtime = pytest.importorskip("onnxruntime", reason="gives the value")
        session = runtime.InferenceSession(str(CASES / f"{name}.onnx")) if name != "batchnorm_5_outputs" else None
        value = [v / np.sqrt(1 + 1e-5) for v in point] if session is None else (
            session.run(None, {"x": np.array([point], F32)})[0].ravel().tolist()
        )  # fmt: skip
        np.testing.assert_allclose(network.evaluate_float(np.array([point], float))[0], value, rtol=1e-5)
    else:
        assert network.evaluate(point) == tuple(value)


def test_the_known_faults_are_those_of_operators_that_are_read():
    assert set(EVALUATOR_FAULTS) <= set(OPERATORS) | set(CONSTANT_OPERATORS)


def test_labels_are_left_out():
    nodes = [node("MatMul", ["x", "W"], ["s"]), node("Softmax", ["s"], ["p"]), node("ArgMax", ["p"], ["label"], axis=1)]
    proto = model(nodes, {"W": np.ones((2, 3), F32)}, output="p")
    proto.graph.output.append(helper.make_tensor_value_info("label", TensorProto.INT64, None))
    network = network_from_onnx(proto)
    assert network.output.units == 3
    assert "'label' left out" in network.notes[0]


def test_functions_of_the_model_are_written_out():
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    leaky = helper.make_function(
        "own", "Twice", ["a", "w"], ["b"],
        [node("Mul", ["a", "w"], ["t"]), node("LeakyRelu", ["t"], ["b"])], imports, ["alpha"],
    )  # fmt: skip
    reference = onnx.AttributeProto(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
    leaky.node[1].attribute.append(reference)
    nodes = [
        node("Twice", ["x", "c"], ["t"], domain="own", alpha=0.5),
        node("Twice", ["t", "c"], ["y"], domain="own", alpha=0.25),
    ]
    proto = model(nodes, {"c": np.array(2, F32)}, functions=[leaky], imports=imports[1:])
    assert network_from_onnx(proto).evaluate([1, -1]) == (4, fmpq(-1, 2))


# ---------------------------------------------------------------- weights beside the model


WEIGHTS = np.arange(4, dtype=np.float64).tobytes()


def external(tmp_path, location, *, offset=None, length=None, data=WEIGHTS):
    weight = numpy_helper.from_array(np.ones((2, 2)), "W")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        if value is not None:
            entry = weight.external_data.add()
            entry.key, entry.value = key, str(value)
    proto = model([node("MatMul", ["x", "W"], ["y"])])
    proto.graph.input[0].type.tensor_type.elem_type = proto.graph.output[0].type.tensor_type.elem_type = (
        TensorProto.DOUBLE
    )
    proto.graph.initializer.append(weight)
    (tmp_path / "weights.bin").write_bytes(data)
    path = tmp_path / "net.onnx"
    path.write_bytes(proto.SerializeToString())
    return path, proto


@pytest.mark.parametrize(("offset", "length"), [(None, None), (0, 32), (0, None)])
def test_weights_beside_the_model_are_read(tmp_path, offset, length):
    path, proto = external(tmp_path, "weights.bin", offset=offset, length=length)
    network = read_onnx(path)
    assert network.evaluate([1, 1]) == (2, 4)
    assert not any("not compared" in note for note in network.notes)
    assert "external_data=False" in refusal(network_from_onnx, proto)


@pytest.mark.parametrize(
    "place",
    ["/etc/hostname", "../secret", "sub/weights.bin", "..", ".", "", "a\\b", "c:weights", "./weights.bin", "a\0b"],
)
def test_only_a_plain_name_is_followed(tmp_path, place, monkeypatch):
    path, _ = external(tmp_path, place)
    opened = []
    original = os.open
    monkeypatch.setattr("os.open", lambda p, *a, **k: (opened.append(str(p)), original(p, *a, **k))[1])
    assert "plain name" in refusal(read_onnx, path)
    assert not [name for name in opened if "weights" in name or "secret" in name]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"offset": 8}, "bytes from 8 on"), ({"length": 16}, "damaged"), ({"offset": -1}, "not a number"),
        ({"length": 10**12}, "entries"), ({"offset": 10**12}, "bytes from"), ({"length": "1e3"}, "not a number"),
        ({"data": b""}, "damaged"), ({"offset": 1, "length": 32}, "bytes from 1"),
    ],
)  # fmt: skip
def test_sizes_are_checked_before_reading(tmp_path, change, words):
    message = refusal(read_onnx, external(tmp_path, "weights.bin", **change)[0])
    assert words in message or "damaged" in message


def test_links_and_special_files_are_refused(tmp_path):
    path, _ = external(tmp_path, "weights.bin")
    target = tmp_path / "elsewhere"
    (tmp_path / "weights.bin").rename(target)
    assert "missing" in refusal(read_onnx, path)
    (tmp_path / "weights.bin").symlink_to(target)
    assert "link" in refusal(read_onnx, path)
    (tmp_path / "weights.bin").unlink()
    os.mkfifo(tmp_path / "weights.bin")
    assert "regular file" in refusal(read_onnx, path)
    os.remove(tmp_path / "weights.bin")
    (tmp_path / "weights.bin").mkdir()
    assert "net.onnx" in refusal(read_onnx, path)


def test_the_default_export_of_torch_is_read(tmp_path):
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    pytest.importorskip("onnxscript", reason="torch writes ONNX with it")
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)).eval()
    path = tmp_path / "f.onnx"
    torch.onnx.export(net, (torch.zeros(1, 2),), str(path), verbose=False)
    assert (tmp_path / "f.onnx.data").exists()
    assert read_network(path) == read_network(net)


# ---------------------------------------------------------------- budgets


def chain(kind, count, **attributes):
    return [node(kind, ["x" if k == 0 else f"h{k - 1}"], [f"h{k}"], **attributes) for k in range(count)]


def many(kind, inputs, count):
    return [*(node(kind, inputs, [f"h{k}"]) for k in range(count)), node("Sum", [f"h{k}" for k in range(count)], ["z"]),
            node("ReduceMax", ["z"], ["r"]), node("Add", ["x", "r"], ["y"])]  # fmt: skip


def used(*made):
    """The nodes, and what makes the output of the value z."""
    return [*made, node("Cast", ["z"], ["r"], to=1), node("Add", ["x", "r"], ["y"])]


SELF = helper.make_function(
    "f", "rec", ["a"], ["b"], [node("rec", ["a"], ["b"], domain="f")], [helper.make_opsetid("f", 1)]
)
KERNEL = {"w": np.ones((1, 1, 2, 2), F32)}
COLUMN, ROW = np.ones((2000, 1), F32), np.ones((1, 2000), F32)
HOSTILE = {
    "a chain of operators": (model(chain("Relu", 100_000), output="h99999"), "operators"),
    "gathers": (model(many("Gather", ["c", "i"], 3000), {"c": np.ones(9, F32), "i": np.zeros(10**6, I64)}), "entries"),
    "splits": (
        model(
            [*(node("Split", ["c"], [f"h{k}", f"g{k}"]) for k in range(3000)), *many("", [], 3000)[3000:]],
            {"c": np.ones(10**6, F32)},
        ),
        "entries",
    ),
    "outer products": (model(many("Mul", ["c", "d"], 3000), {"c": COLUMN, "d": ROW}), "entries"),
    "outer products of integers": (
        model(many("Mul", ["c", "d"], 9), {"c": COLUMN.astype(I64), "d": ROW.astype(I64)}),
        "entries",
    ),
    "a recursive function": (
        model([node("rec", ["x"], ["y"], domain="f")], functions=[SELF], imports=[helper.make_opsetid("f", 1)]),
        "calls itself",
    ),
    "padding": (model([node("Conv", ["x", "w"], ["y"], pads=[2**62] * 4)], KERNEL, (1, 1, 3, 3)), "larger than any"),
    "large padding": (model([node("Conv", ["x", "w"], ["y"], pads=[10**6] * 4)], KERNEL, (1, 1, 3, 3)), "entries"),
    "dilation": (
        model([node("Conv", ["x", "w"], ["y"], dilations=[2**62] * 2)], KERNEL, (1, 1, 3, 3)),
        "larger than any",
    ),
    "a large kernel": (
        model([node("MaxPool", ["x"], ["y"], kernel_shape=[10**9] * 2, pads=[10**9 - 1] * 4)], {}, (1, 1, 3, 3)),
        "entries",
    ),
    "a large stride": (
        model([node("ConvTranspose", ["x", "w"], ["y"], strides=[10**9] * 2)], KERNEL, (1, 1, 3, 3)),
        "entries",
    ),
    "division by zero": (model(used(node("Div", ["a", "b"], ["z"])), {"a": np.array(1), "b": np.array(0)}), "by zero"),
    "remainder by zero": (model(used(node("Mod", ["a", "b"], ["z"])), {"a": np.array(1), "b": np.array(0)}), "by zero"),
    "the smallest integer": (
        model(used(node("Div", ["a", "b"], ["z"])), {"a": np.array(-(2**63)), "b": np.array(-1)}),
        "overflows",
    ),
    "a sum of integers": (model(used(node("Add", ["a", "a"], ["z"])), {"a": np.array(2**62)}), "overflows"),
    "a shape that overflows": (
        model(
            [node("Mul", ["a", "a"], ["s"]), node("ConstantOfShape", ["s"], ["z"]), *used()], {"a": np.array([2**33])}
        ),
        "overflows",
    ),
    "a product of sizes": (
        model(
            [node("ReduceProd", ["a"], ["s"]), node("ConstantOfShape", ["s"], ["z"]), *used()], {"a": np.full(4, 2**20)}
        ),
        "overflows",
    ),
    "a negative size": (
        model([node("ConstantOfShape", ["a"], ["z"]), *used()], {"a": np.array([-5])}),
        "no array of shape",
    ),
    "a range": (
        model(used(node("Range", ["a", "b", "c"], ["z"])), {"a": np.array(0), "b": np.array(2**62), "c": np.array(1)}),
        "entries",
    ),
    "squares of squares": (
        model(
            [node("Mul", ["c" if k == 0 else f"h{k - 1}"] * 2, [f"h{k}"]) for k in range(60)]
            + [node("Add", ["x", "h59"], ["y"])],
            {"c": np.array([1.1])},
        ),
        "digits",
    ),
    "many denominators": (
        model(
            [node("Div", ["o", "c"], ["q"]), node("ReduceSum", ["q"], ["z"]), *used()],
            {"o": np.array(1.0), "c": np.random.default_rng(0).uniform(1, 2, 10**5)},
        ),
        "digits",
    ),
    "axes": (model([node("Unsqueeze", ["x", "a"], ["y"])], {"a": np.arange(100_000)}), "axes"),
    "inputs of one operator": (model([node("Max", ["x"] * 400_000, ["y"])]), "entries"),
    "an enlarged image": (
        model([node("Resize", ["x", "", "s"], ["y"])], {"s": np.array([1, 1, 1e9, 1e9], F32)}, (1, 1, 3, 3)),
        "entries",
    ),
    "an operator of escapes": (model([node("\x1b[31mEvil\n\u202e", ["x"], ["y"])]), r"\x1b[31mEvil\n\u202e"),
    "the largest of many": (
        model([node("TopK", ["x", "k"], ["y", "i"])], {"k": np.array([1])}, (1, 100_000)),
        "entries",
    ),
    "numbers next to zero": (
        model([node("Add", ["x", "c"], ["z"]), node("ReduceSum", ["z"], ["y"])], {"c": np.full((2000, 2000), 5e-324)}),
        "digits",
    ),
    "a large input": (model([node("Relu", ["x"], ["y"])], {}, (2000, 2000)), "entries"),
    "a root of a negative number": (model(used(node("Sqrt", ["a"], ["z"])), {"a": np.array(-1, F32)}), "negative"),
    "a number that is not finite": (model(used(node("Exp", ["a"], ["z"])), {"a": np.array(1e6, F32)}), "finite"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_are_refused_at_once(name, recwarn):
    proto, word = HOSTILE[name]
    watch = Stopwatch()
    message = refusal(network_from_onnx, proto)
    assert watch.seconds < 5 * slowness()
    assert word in message
    assert "\x1b" not in message
    assert not recwarn.list


@pytest.mark.parametrize("part", [b"\x0a\x00", b"\x2a\x00", b"\x0a\x02\x2a\x00"])
def test_parts_are_counted_before_parsing(tmp_path, part):
    content = part * 600_000
    length = len(content)
    head = bytearray(b"\x3a")  # the field of the graph
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    path = tmp_path / "net.onnx"
    path.write_bytes(bytes(head) + content)
    assert "parts" in refusal(read_onnx, path)


def test_counting_parts_leaves_damage_to_the_parser():
    for content in (b"\xff" * 50, b"\x3a\x7f", b"\x3a", b"\x0b" * 50, b"\x07", b"", b"\x39\x00"):
        check_parts(content, onnx.ModelProto.DESCRIPTOR)
