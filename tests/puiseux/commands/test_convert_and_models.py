"""Models of any library as networks, `puiseux convert` and `puiseux reduce`."""

import ctypes
import json
import shutil
import subprocess

import numpy as np
import pytest

import puiseux
from nn_bridge.network.network import Network
from polyhedra.errors import PuiseuxError, UsageError
from puiseux.console.cli import run

NETWORK = Network.from_layers([[[1, 2], [3, -1], [0.5, 1]], [[1, -2, 0.25]]], [[0.5, 0, -1], [0.125]])


def call(capsys, *arguments):
    code = run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("ending", ["json", "npz", "onnx", "pt"])
def test_there_and_back_through_every_format(tmp_path, capsys, ending):
    pytest.importorskip({"onnx": "onnx", "pt": "torch"}.get(ending, "numpy"), reason="needs the extras")
    first, middle, last = tmp_path / "a.json", tmp_path / f"b.{ending}", tmp_path / "c.json"
    puiseux.save(NETWORK, first)
    code, out, err = call(capsys, "convert", first, middle)
    assert (code, out) == (0, "")
    assert f"wrote {middle}: Network [2, 3, 1]" in err
    assert call(capsys, "convert", middle, last)[0] == 0
    assert puiseux.load(last) == NETWORK
    assert call(capsys, "compare", first, middle)[0] == 0


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_rounding_to_few_bits_gives_short_formulas(tmp_path, capsys, ending):
    source, rounded = tmp_path / "a.npz", tmp_path / f"b.{ending}"
    puiseux.save(Network.from_layers([[[0.3, 0.7], [-0.2, 0.6]], [[1.1, -0.4]]], [[0.1, 0], [0.9]]), source)
    code, out, err = call(capsys, "convert", source, rounded, "--bits", "2")
    assert (code, out) == (0, "")
    assert "note: entries rounded to multiples of 2^-2\n" in err
    expected = Network.from_layers([[["1/4", "3/4"], ["-1/4", "1/2"]], [[1, "-1/2"]]], [[0, 0], [1]])
    assert puiseux.compare(rounded, expected).same
    assert call(capsys, "simplify", rounded)[1] == "max(1/4x1 + 3/4x2 + 1, 1) - max(0, -1/8x1 + 1/4x2)\n"
    assert call(capsys, "convert", source, rounded, "--bits", "-1")[0] == 2


def test_rounding_is_asked_for_and_told(tmp_path, capsys):
    exact, floats = tmp_path / "a.json", tmp_path / "b.npz"
    puiseux.save(Network.from_layers([[["1/3"]]]), exact)
    code, out, err = call(capsys, "convert", exact, floats)
    assert (code, out) == (2, "")
    assert "--precision" in err
    assert not floats.exists()
    code, out, err = call(capsys, "convert", exact, floats, "--precision", "float32")
    assert code == 0
    assert "1 entry rounded to float32" in err
    assert puiseux.load(floats).output.blocks[0][1][0][0] == puiseux.rational(float(np.float32(1 / 3)))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["missing.onnx", "b.json"], "no such file"),
        (["a.json", "b.xyz"], "'.xyz'"),
        (["a.json", "b.json", "--precision", "half"], "'half'"),
        (["a.json", "b.json", "--input-shape", "two"], "--input-shape"),
        (["a.json", "b.json", "--input-shape", "2"], "ONNX"),
        (["a.pkl", "b.json"], "runs code"),
        (["a.json"], "OUT"),
    ],
)
def test_refusals_are_one_line(tmp_path, capsys, monkeypatch, arguments, word):
    monkeypatch.chdir(tmp_path)
    puiseux.save(NETWORK, "a.json")
    (tmp_path / "a.pkl").write_bytes(b"x")
    code, out, err = call(capsys, "convert", *arguments)
    assert (code, out) == (2, "")
    assert word in err
    assert err.count("\n") == 1
    assert not (tmp_path / "b.json").exists()


def test_an_operator_that_is_not_read_is_named(tmp_path, capsys):
    onnx = pytest.importorskip("onnx", reason="needs the extra [onnx]")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("Tanh", ["x"], ["y"], name="squash")
    x, y = (helper.make_tensor_value_info(name, kind, [1, 2]) for name in "xy")
    path = tmp_path / "net.onnx"
    path.write_bytes(helper.make_model(helper.make_graph([node], "g", [x], [y])).SerializeToString())
    code, out, err = call(capsys, "count", path)
    assert (code, out) == (2, "")
    assert f"{path}: operator 0 (Tanh 'squash')" in err
    assert err.count("\n") == 1


def test_an_open_shape_is_given_on_the_command_line(tmp_path, capsys):
    onnx = pytest.importorskip("onnx", reason="needs the extra [onnx]")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("Relu", ["x"], ["y"])
    x, y = (helper.make_tensor_value_info(name, kind, ["N", 1, "w"]) for name in "xy")
    path = tmp_path / "net.onnx"
    path.write_bytes(helper.make_model(helper.make_graph([node], "g", [x], [y])).SerializeToString())
    code, _, err = call(capsys, "convert", path, tmp_path / "a.json")
    assert code == 2
    assert "input_shape" in err
    assert call(capsys, "convert", path, tmp_path / "a.json", "--input-shape", "1,3")[0] == 0
    assert puiseux.load(tmp_path / "a.json").input_dim == 3


def test_a_count_says_what_was_assumed_about_the_file(tmp_path, capsys):
    torch = pytest.importorskip("torch", reason="needs the extra")
    path = tmp_path / "net.pt"
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).state_dict(), path)
    code, out, err = call(capsys, "count", path, "--json")
    assert code == 0
    assert json.loads(out)["counts"]["cells"] == 7
    assert err == (
        "note: read from a state dictionary, layers in the order of the file: 0, 2; ReLU assumed after every layer but "
        "the last; skip connections and activations are not in the file\n"
    )
    code, out, err = call(capsys, "count", path, "--engine", "tropicl")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_models_of_torch_onnx_and_scikit_learn_are_counted():
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    from sklearn.neural_network import MLPRegressor

    from nn_bridge.writers.onnx import to_onnx
    from nn_bridge.writers.torch import to_torch

    expected = puiseux.count_regions(NETWORK).counts
    assert puiseux.count_regions(to_torch(NETWORK)).counts == expected
    assert puiseux.count_regions(to_onnx(NETWORK)).counts == expected
    model = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=1, random_state=0)
    with pytest.warns(UserWarning, match="lbfgs"):
        model.fit(np.eye(2), [0, 1])
    model.coefs_ = [np.array([[1, 3, 0.5], [2, -1, 1]]), np.array([[1], [-2], [0.25]])]
    model.intercepts_ = [np.array([0.5, 0, -1]), np.array([0.125])]
    assert puiseux.as_network(model) == NETWORK
    assert puiseux.count_regions(model).counts == expected
    pooled = torch.nn.Sequential(torch.nn.Unflatten(1, (1, 4)), torch.nn.MaxPool1d(2), torch.nn.Flatten())
    assert puiseux.as_network(pooled, input_shape=(4,)).hidden == (2,)
    assert puiseux.as_network(pooled, input_shape=(4,), output=1).output_dim == 1
    with pytest.raises(PuiseuxError, match="input_shape"):
        puiseux.as_network(pooled)


def test_save_takes_models_and_returns_what_is_in_the_file(tmp_path):
    written = puiseux.save([([["1/3"]], [0])], tmp_path / "net.npz", precision="float64")
    assert written == puiseux.load(tmp_path / "net.npz")
    assert "rounded to float64" in written.notes[0]
    with pytest.raises(UsageError, match=r"net\.npz"):
        puiseux.save(NETWORK, tmp_path / "net.npz", precision="float16")


# ---------------------------------------------------------------- reduce


def test_reduce_writes_a_smaller_network_and_says_what_went(tmp_path, capsys):
    pytest.importorskip("onnx", reason="needs the extra [onnx]")
    network = Network.from_layers([[[1], [2], [1], [0]], [[1, 1, 1, 1]]], [[0, 0, 5, 1], [0]])
    first, smaller = tmp_path / "a.npz", tmp_path / "b.onnx"
    puiseux.save(network, first)
    code, out, err = call(capsys, "reduce", first, "-o", smaller)
    assert code == 0
    assert out.startswith("4 units in 1 stage became 2 in 1; the same function everywhere")
    assert "wrote" in err
    assert call(capsys, "compare", first, smaller)[0] == 0
    code, out, _ = call(capsys, "reduce", first, "--domain", "box:-1,1", "--json")
    answer = json.loads(out)
    assert answer["before"]["hidden"] == [4]
    assert answer["after"]["hidden"] == [1]
    assert answer["complete"] is True
    assert {"stage": 0, "unit": 2, "reason": "active on the domain"} in answer["removed"]


def test_reduce_leaves_stdout_empty_with_an_error(tmp_path, capsys):
    puiseux.save(NETWORK, tmp_path / "a.npz")
    for arguments in (["-o", tmp_path / "no" / "b.npz"], ["--domain", "box:1,0"], ["--proofs", "none"]):
        code, out, err = call(capsys, "reduce", tmp_path / "a.npz", *arguments, "--json")
        assert (code, out) == (2, "")
        assert err.count("\n") == 1


# ---------------------------------------------------------------- formulas as source


@pytest.mark.parametrize("form", ["python", "c"])
def test_the_formula_as_source_computes_the_network(tmp_path, capsys, form):
    puiseux.save(NETWORK, tmp_path / "net.json")
    code, out, err = call(capsys, "simplify", tmp_path / "net.json", "--format", form)
    assert code == 0
    assert "minimal" in err
    points = np.random.default_rng(0).integers(-8, 9, (20, 2)) / 4
    expected = NETWORK.evaluate_float(points)
    if form == "python":
        scope = {}
        exec(out, scope)  # what the command printed, which this test is about
        assert np.array_equal(scope["network"](points), expected)
        return
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    (tmp_path / "net.c").write_text(out)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "net.so", tmp_path / "net.c"], check=True)
    function = ctypes.CDLL(str(tmp_path / "net.so")).network
    y = (ctypes.c_double * 1)()
    for point, value in zip(points, expected, strict=True):
        function((ctypes.c_double * 2)(*point), y)
        assert y[0] == value[0]
