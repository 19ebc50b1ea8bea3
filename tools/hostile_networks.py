"""Hostile network files: npz, json, onnx, torch, nnet; each is a name, the content, and whether the short form has it."""

# ruff: noqa: E501  (tables of files)

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

ESCAPES = "\x1b[31m\x1b]0;owned\x07\n\r\t\x00\u202e\u2066"
"""What a message must not send to a terminal."""
LONG = "9" * 200_000
MANY = 100_000


class Payload:
    """Unpickling this makes a folder named ``mark``."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self._mark,)


# -------------------------------------------------------------------- npz


def npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def _archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


def npz_files(mark: str) -> Iterator[tuple[str, bytes, bool]]:
    def float_array(shape: str, count: int) -> bytes:
        return npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}", b"\0" * 8 * count)

    yield "2 GiB of zeros, deflated", _archive(W0=npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (16384, 16384)}", bytes(8 * 2**24))), False  # fmt: skip
    yield "a shape of 2^62 numbers", _archive(W0=float_array("(4611686018427387904, 2)", 4)), True
    yield "a shape with True in it", _archive(W0=float_array("(True, 2)", 2)), True
    yield "a shape with a negative number", _archive(W0=float_array("(-1, 2)", 2)), False
    yield "a shape of 400 digits", _archive(W0=float_array(f"({'9' * 400}, 2)", 2)), False
    yield "a header nested a thousand times", _archive(W0=npy("(" * 1000 + ")" * 1000)), False
    yield "a header that is no dictionary", _archive(W0=npy("__import__('os').mkdir('mark')")), True
    yield "ten thousand members and one", _archive(**{f"W{k}": float_array("(1, 1)", 1) for k in range(10_001)}), False
    names = io.BytesIO()
    with zipfile.ZipFile(names, "w") as archive:
        archive.writestr(f"../../{ESCAPES}.npy", float_array("(1, 1)", 1))
    yield "a member with escapes in its name", names.getvalue(), True
    objects = io.BytesIO()
    np.savez(objects, W0=np.array([[Payload(mark)]], dtype=object))
    yield "an array of objects that run code", objects.getvalue(), True
    yield "not a number", _archive(W0=npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}",
                                           struct.pack("<d", float("nan")))), True  # fmt: skip
    yield (
        "a record type with a name of escapes",
        _archive(W0=npy(f"{{'descr': [({ESCAPES!r}, '<f8')], 'fortran_order': False, 'shape': (1, 1)}}", b"\0" * 8)),
        False,
    )
    for value in (1e300, 5e-324, 1.1):
        for shape in ((1, 11_000_000), (5_500_000, 1), (3300, 3300)):
            data = np.full(shape, value).tobytes()
            header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}"
            yield f"{value:g} in the shape {shape}", _archive(W0=npy(header, data)), False
    yield "3,300 units with 3,300 inputs at the end of the digits", _archive(W0=npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3300, 3300)}",
        np.ldexp(np.random.default_rng(0).normal(size=(3300, 3300)), -100).tobytes())), False  # fmt: skip
    yield "an archive that ends early", _archive(W0=float_array("(100, 100)", 10_000))[:200], True


# -------------------------------------------------------------------- json


def _document(**changes: Any) -> bytes:
    layer = {"weights": [["1", "2"]], "bias": ["0"], "activation": "linear"}
    return json.dumps(
        {"format": "puiseux-network", "version": 1, "input_dim": 2, "layers": [layer], **changes}
    ).encode()


def _layers(**changes: Any) -> bytes:
    return _document(layers=[{"weights": [["1", "2"]], "bias": ["0"], "activation": "linear", **changes}])


def _stages(stages: list[Any]) -> bytes:
    document = {"format": "puiseux-network", "version": 1, "input_dim": 1, "stages": stages[:-1], "output": stages[-1]}
    return json.dumps(document).encode()


def json_files() -> Iterator[tuple[str, bytes, bool]]:
    yield "a million equal keys", b"{" + b",".join([b'"a":0'] * 1_000_000) + b"}", False
    yield "a hundred thousand equal keys", b"{" + b",".join([b'"a":0'] * MANY) + b"}", True
    yield "nested a million times", b"[" * 1_000_000, True
    yield "ten million empty lists", b"[" + b"[]," * 10_000_000 + b"[]]", False
    yield "a number of 200,000 digits", _layers(weights=[[LONG, "1"]]), True
    yield "a number token of 200,000 digits", _layers().replace(b'["1", "2"]', f"[{LONG}, 1]".encode()), False
    yield "a million numbers of ten thousand digits", _layers(weights=[["1e9999"] * 1_000_000]), False
    yield "an activation of 200,000 digits", _layers(activation=LONG), True
    yield "an activation with escapes", _layers(activation=ESCAPES), True
    yield "a key with escapes", _document(**{ESCAPES: 1}), True
    yield "a slope that divides by zero", _layers(activation="leaky:1/0"), True
    yield "maxout of 10^12 pieces", _layers(activation="maxout:999999999999"), False
    yield "10^30 inputs", _document(input_dim=10**30), False
    yield "ten thousand layers", _document(layers=[{"weights": [["1"]], "activation": "leaky:1/3"}] * 10_000), False
    for slope in ("1/3", "1/2", "-1", "0.1"):
        layer = {"weights": [["1"]], "activation": f"leaky:{slope}"}
        yield f"9,900 layers of slope {slope}", _document(input_dim=1, layers=[layer] * 9900), slope == "-1"
    for width in (30, 300):
        layer = {"weights": [[1] * width] * width, "activation": "leaky:-1"}
        last = {"weights": [[1] * width], "activation": "linear"}
        yield (
            f"layers of {width} absolute values",
            _document(input_dim=width, layers=[layer] * (10**7 // width**2) + [last]),
            False,
        )
    yield (
        "maxout of 999,999 pieces",
        _layers(weights=[["1", "2"]] * 999_999, bias=["0"] * 999_999, activation="maxout:999999"),
        False,
    )
    yield "maxout of 3,000 pieces, 100 times", _layers(weights=[[1, 2]] * 300_000, activation="maxout:3000"), False
    for number, count in (
        ("1e300", 11_000_000),
        ("5e-324", 9_500_000),
        ("0", 11_900_000),
        ("0.1", 11_900_000),
        ('"1"', 11_900_000),
    ):
        row = b",".join([number.encode()] * count)
        yield f"{count:,} times {number} in one row", _layers().replace(b'["1", "2"]', b"[" + row + b"]"), False
    column = b",".join([b"[0.1]"] * 2_900_000)
    yield (
        "2,900,000 rows of one number",
        _layers().replace(b'["1", "2"]', column).replace(b'input_dim": 2', b'input_dim": 1'),
        False,
    )
    blocks = [{"source": 0, "weights": [[1]]}]
    stages = [{"blocks": [{"source": k, "weights": [["1"]]} for k in range(n)], "bias": ["0"]} for n in range(1, 600)]
    yield "180,000 blocks", _stages(stages), False
    yield "10,001 stages and the output", _stages([{"blocks": blocks, "bias": ["0"]}] * 10_002), False
    yield "infinity", _layers(weights=[["1", "2"]]).replace(b'"2"', b"Infinity"), True
    yield "bytes that are no text", b"\xff\xfe\x00" * 1000, True


# -------------------------------------------------------------------- onnx


def _onnx_model(nodes: list[Any], constants: list[Any], inputs: int = 2, opset: int = 13, start: str = "x") -> bytes:
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info(start, TensorProto.FLOAT, [1, inputs])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    content: bytes = model.SerializeToString()
    return content


def onnx_files() -> Iterator[tuple[str, bytes, bool]]:
    from onnx import TensorProto, helper, numpy_helper

    node = helper.make_node

    def numbers(values: Any, name: str, kind: type = np.int64) -> Any:
        return numpy_helper.from_array(np.array(values, kind), name)

    chain = [node("Identity", ["x" if k == 0 else f"t{k}"], [f"t{k + 1}"]) for k in range(MANY)]
    yield "a chain of 100,000 operators", _onnx_model([*chain, node("Relu", [f"t{MANY}"], ["y"])], []), False
    huge = [
        node("ConstantOfShape", ["s"], ["c"]),
        node("ReduceSum", ["c"], ["r"], keepdims=0),
        node("Add", ["x", "r"], ["y"]),
    ]
    yield "a constant of 10^12 numbers", _onnx_model(huge, [numbers([10**6, 10**6], "s")]), True
    tile = [node("Tile", ["x", "r"], ["y"])]
    yield "a tile of 10^9 copies", _onnx_model(tile, [numbers([1, 10**9], "r")]), True
    expand = [node("Expand", ["x", "s"], ["y"])]
    yield "an expansion to 10^10 numbers", _onnx_model(expand, [numbers([10**5, 10**5, 2], "s")]), False
    pad = [node("Pad", ["x", "p"], ["y"])]
    yield "a padding of 10^12", _onnx_model(pad, [numbers([0, 0, 0, 10**12], "p")]), True
    outer = [
        node("MatMul", ["a", "b"], ["c"]),
        node("ReduceSum", ["c"], ["r"], keepdims=0),
        node("Add", ["x", "r"], ["y"]),
    ]
    column = np.ones((30_000, 1), np.float32)
    constants = [numpy_helper.from_array(column, "a"), numpy_helper.from_array(column.T.copy(), "b")]
    yield "an outer product of 10^9 numbers", _onnx_model(outer, constants), False
    divide = [
        node("Div", ["a", "b"], ["c"]),
        node("Cast", ["c"], ["d"], to=TensorProto.FLOAT),
        node("Add", ["x", "d"], ["y"]),
    ]
    yield "integers divided by zero", _onnx_model(divide, [numbers([1, 2], "a"), numbers([0, 0], "b")]), True
    yield "-2^63 / -1", _onnx_model(divide, [numbers([-(2**63)] * 2, "a"), numbers([-1, -1], "b")]), False
    gathers = [node("Gather", ["w", "i"], [f"g{k}"]) for k in range(3000)]
    wide = [numpy_helper.from_array(np.ones((1000, 1000), np.float32), "w"), numbers(list(range(1000)) * 10, "i")]
    total = [node("Sum", [f"g{k}" for k in range(3000)], ["t"]), node("ReduceSum", ["t"], ["r"], keepdims=0)]
    yield "3,000 gathers of 10^7 numbers", _onnx_model([*gathers, *total, node("Add", ["x", "r"], ["y"])], wide), False
    rng = np.random.default_rng(0)
    for size, count in ((300, 40), (1000, 2), (100, 200), (30, 3000)):
        chain = [node("MatMul", [f"t{k}", f"w{k % 5}"], [f"t{k + 1}"]) for k in range(count)]
        values = [numpy_helper.from_array(rng.normal(size=(size, size)).astype(np.float32), f"w{k}") for k in range(5)]
        content = _onnx_model([*chain, node("Add", [f"t{count}", "z"], ["y"])],
                              [*values, numpy_helper.from_array(np.zeros(1, np.float32), "z")], size, start="t0")  # fmt: skip
        yield f"{count} dense products of {size} x {size}", content, size == 300 and count == 40
        fixed = [node("MatMul", ["w0" if k == 0 else f"c{k}", f"w{k % 5}"], [f"c{k + 1}"]) for k in range(count)]
        content = _onnx_model([*fixed, node("MatMul", ["x", f"c{count}"], ["y"])], values, size)
        yield f"{count} products of {size} x {size} constants", content, False
    for operator in ("Abs", "LeakyRelu", "Softsign"):
        chain = [node(operator, [f"t{k}"], [f"t{k + 1}"]) for k in range(9900)]
        yield f"9,900 times {operator}", _onnx_model([*chain, node("Relu", ["t9900"], ["y"])], [], start="t0"), False
    longer = [node("Mul", [f"t{k}", "w"], [f"t{k + 1}"]) for k in range(9900)]
    yield "9,900 factors of 1e38", _onnx_model([*longer, node("Relu", ["t9900"], ["y"])],
                                              [numbers([1e38], "w", np.float32)], 1000, start="t0"), False  # fmt: skip
    yield "a maximum over 100,000 inputs", _onnx_model([node("ReduceMax", ["x"], ["y"])], [], 100_000), False
    yield "an operator with escapes", _onnx_model([node(ESCAPES.replace("\0", ""), ["x"], ["y"])], []), True
    yield "a tensor with a name of 200,000 characters", _onnx_model([node("Add", ["x", LONG], ["y"])], []), True
    for place in ("/etc/passwd", "../../net.npz", "/dev/zero", ESCAPES.replace("\0", "")):
        tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", place), ("length", "8")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        yield f"weights in {place[:20]!r}", _onnx_model([node("Add", ["x", "w"], ["y"])], [tensor]), place[1] == "e"
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2**40, 2**40], raw_data=b"")
    yield "a tensor of 2^80 numbers", _onnx_model([node("Add", ["x", "w"], ["y"])], [tensor]), True
    yield "no protocol buffer", b"\x08" * 1_000_000, True


# -------------------------------------------------------------------- torch


def torch_files(mark: str) -> Iterator[tuple[str, bytes, bool]]:
    import torch

    def saved(value: Any) -> bytes:
        file = io.BytesIO()
        torch.save(value, file)
        return file.getvalue()

    one = torch.ones(1)
    expanded = {"0.weight": one.expand(5000, 5000), "0.bias": one.expand(5000), "2.weight": one.expand(1, 5000)}
    yield "weights expanded from one number", saved(expanded), True
    yield "a thousand expanded matrices", saved({f"{k}.weight": one.expand(3000, 3000) for k in range(1000)}), False
    far = torch.tensor([1e300], dtype=torch.float64)
    yield (
        "1e300 expanded to 11 million",
        saved({"0.weight": far.expand(3300, 3300), "2.weight": far.expand(1, 3300)}),
        False,
    )
    for layout in ("to_sparse_csr", "to_sparse_csc", "to_sparse"):
        yield (
            f"a tensor made by {layout}",
            saved({"0.weight": getattr(torch.eye(2), layout)()}),
            layout == "to_sparse_csr",
        )
    yield "complex numbers", saved({"0.weight": torch.ones(2, 2, dtype=torch.complex64)}), False
    yield "a quantised tensor", saved({"0.weight": torch.quantize_per_tensor(torch.eye(2), 0.1, 0, torch.qint8)}), False
    yield "a tensor without content", saved({"0.weight": torch.empty(2, 2, device="meta")}), False
    yield "a parameter with escapes in its name", saved({ESCAPES: torch.eye(2)}), True
    yield "a parameter with a name of 200,000 characters", saved({LONG: torch.eye(2)}), True
    yield "a pickle that runs code", pickle.dumps(Payload(mark)), True
    yield "an archive whose pickle runs code", _torch_archive(pickle.dumps(Payload(mark))), True
    yield "a storage of 2^60 numbers", _torch_archive(b"\x80\x02K\x01."), False


def _torch_archive(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3")
    return file.getvalue()


# -------------------------------------------------------------------- nnet


def nnet_files() -> Iterator[tuple[str, bytes, bool]]:
    head = "// text\n{},{},{},{},\n{}\n0,\n-1,-1,\n1,1,\n0,0,0,\n1,1,1,\n"
    yield "10^9 layers", head.format(10**9, 2, 1, 2, "2,1,").encode(), True
    yield "10^9 units", head.format(1, 2, 10**9, 10**9, f"2,{10**9},").encode(), True
    yield "a size of 200,000 digits", head.format(1, LONG, 1, 2, "2,1,").encode(), False
    yield "a size with escapes", head.format(1, ESCAPES, 1, 2, "2,1,").encode(), True
    many = ",".join(["1e300"] * 3000)
    yield "nine million times 1e300", (f"//\n2,3000,1,3000,\n3000,3000,1,\n0,\n{many}\n{many}\n{many},0\n{many},1\n"
                                      + f"{many}\n" * 3000 + "0\n" * 3000 + f"{many}\n0\n").encode(), False  # fmt: skip
    yield "one line of ten million commas", b"//\n" + b"," * 10_000_000, False
