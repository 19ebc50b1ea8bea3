"""The torch reader: modules, state dictionaries, files; nothing is ever run."""

import contextlib
import io
import itertools
import os
import zipfile

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.readers.torch import network_from_module, network_from_state_dict, read_torch
from polyhedra.errors import MissingExtraError
from polyhedra.quoting import shown_path

torch = pytest.importorskip("torch", reason="needs the extra [torch]")
nn = torch.nn


def mlp(*sizes):
    generator = torch.Generator().manual_seed(7)
    layers = []
    for a, b in itertools.pairwise(sizes):
        linear = nn.Linear(a, b)
        with torch.no_grad():
            linear.weight.copy_(torch.randn(b, a, generator=generator))
            linear.bias.copy_(torch.randn(b, generator=generator))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def agrees(module, network, samples=20):
    x = torch.randn(samples, network.input_dim, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    expected = module.double().eval()(x).detach().numpy()
    return abs(network.evaluate_float(x.numpy()) - expected).max() < 1e-12 * (1 + abs(expected).max())


def refusal(call, *arguments):
    with pytest.raises(NetworkError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_sequential_module_enters_by_its_exact_float32_values():
    module = mlp(2, 3, 1)
    network = network_from_module(module)
    assert network.hidden == (3,)
    value = module[0].weight[1, 1].item()
    assert network.stages[0].blocks[0][1][1][1] == fmpq(*value.as_integer_ratio())
    assert agrees(module, network)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_precision_is_exact(kind):
    linear = nn.Linear(1, 1, bias=False).to(kind)
    with torch.no_grad():
        linear.weight.fill_(0.1)
    assert network_from_module(linear).evaluate([1]) == (fmpq(*linear.weight.item().as_integer_ratio()),)


def test_nesting_leading_and_repeated_activations():
    module = nn.Sequential(
        nn.Flatten(),
        nn.ReLU(),
        nn.Sequential(mlp(2, 3, 2), nn.Identity(), nn.LeakyReLU(0.25), nn.LeakyReLU(-0.5)),
        nn.Dropout(0.5),
        nn.Linear(2, 2, bias=False),
        nn.Linear(2, 1),
        nn.ReLU(),
    )
    network = network_from_module(module)
    assert agrees(module, network)
    assert network.notes == ("dropout read as the identity (evaluation mode)",)
    assert [layer.activation for layer in network.layers] == [
        "relu", "relu", "leaky:1/4", "leaky:-1/2", "linear", "relu"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh()), ["module 1", "Tanh", "docs/networks.md"]),
        (nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1)), ["module 2", "sigmoid", "very end"]),
        (nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.GELU())), ["module 0.1", "GELU"]),
        (nn.Sequential(), ["input_shape"]),
        (nn.ReLU(), ["input_shape"]),
        ([1], ["list", "not a torch module"]),
        (nn.LSTM(2, 2), ["LSTM"]),
        (nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(2, 1)), ["layer 1", "2 weights", "3 values"]),
    ],
)
def test_refuses_modules(module, words):
    message = refusal(network_from_module, module)
    for word in words:
        assert word in message


def test_a_subclass_is_read_by_its_own_forward():
    class Doubled(nn.Sequential):
        def forward(self, x):
            return 2 * super().forward(x)

    class Renamed(nn.Sequential):
        pass

    class Squared(nn.Linear):
        def forward(self, x):
            return super().forward(x) ** 2

    assert agrees(Doubled(*mlp(1, 2, 1)), network_from_module(Doubled(*mlp(1, 2, 1))))
    assert network_from_module(Doubled(nn.Linear(1, 1, bias=False).requires_grad_(False))).evaluate([0]) == (0,)
    assert "power 2" in refusal(network_from_module, nn.Sequential(Squared(1, 1)))
    assert agrees(Renamed(*mlp(1, 2, 1)), network_from_module(Renamed(*mlp(1, 2, 1))))


def test_not_a_number_is_named():
    module = mlp(2, 2, 1)
    with torch.no_grad():
        module[2].weight[0, 1] = float("nan")
    assert "layer 1, row 0" in refusal(network_from_module, module)


def test_state_dictionaries(tmp_path):
    module = mlp(3, 4, 2)
    expected = network_from_module(module)
    assert read_network(module) == expected
    alone = module.state_dict()
    for value in (alone, *({key: alone, "epoch": 3} for key in ("state_dict", "model_state_dict", "model"))):
        network = read_network(value)
        assert network == expected
        assert "ReLU assumed" in network.notes[0]
        for suffix in (".pt", ".pth"):
            path = tmp_path / f"net{suffix}"
            torch.save(value, path)
            assert read_network(path) == expected
    state = nn.Linear(2, 1, bias=False).state_dict()
    assert network_from_state_dict(state).output.bias == (0,)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, ["no state dictionary"]),
        ([1], ["no state dictionary"]),
        ({"0.weight": 1.0}, ["0.weight", "not a tensor"]),
        ({"0.weight": torch.ones(2)}, ["0.weight", "not the matrix"]),
        ({"0.weight": torch.ones(2, 2, 3, 3)}, ["0.weight", "not the matrix"]),
        ({"0.weight": torch.ones(())}, ["0.weight", "dense"]),
        ({"0.weight": torch.ones(1, 1, dtype=torch.complex64)}, ["0.weight", "real"]),
        ({"0.weight": torch.ones(1, 1).to_sparse()}, ["0.weight", "dense"]),
        ({"0.weight": torch.empty(1, 1, device="meta")}, ["0.weight", "dense"]),
        ({"0.weight": torch.ones(1, 0)}, ["no inputs"]),
        ({"0.weight": torch.ones(0, 2)}, ["0.weight"]),
        ({"0.bias": torch.ones(1)}, ["0.bias", "no 0.weight"]),
        ({"0.weight": torch.ones(1, 1), "0.running_mean": torch.ones(1)}, ["0.running_mean"]),
        ({"0.weight": torch.ones(3, 2), "2.weight": torch.ones(1, 2)}, ["layer 1"]),
        ({"0.weight": torch.ones(1).expand(10**5, 10**5)}, ["0.weight", "more than"]),
    ],
)
def test_refuses_state_dictionaries(state, words):
    message = refusal(network_from_state_dict, state)
    for word in words:
        assert word in message


def test_a_file_that_would_run_code_is_refused(tmp_path):
    marker = tmp_path / "run"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    path = tmp_path / "net.pt"
    for value in (Trap(), mlp(2, 2, 1), {"0.weight": Trap()}):
        torch.save(value, path)
        message = refusal(read_torch, path)
        assert shown_path(path) in message
        assert "refused" in message
        assert "state_dict" in message
    assert not marker.exists()


def test_files_that_are_no_torch_files(tmp_path, monkeypatch):
    path = tmp_path / "net.pt"
    path.write_bytes(b"garbage")
    assert "no torch file" in refusal(read_torch, path)
    path.write_bytes(b"PK garbage")
    assert "damaged" in refusal(read_torch, path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W0.npy", b"")
    assert "no torch file" in refusal(read_torch, path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/constants.pkl", b"")
    assert "TorchScript" in refusal(read_torch, path)
    torch.save(torch.ones(2), path)
    assert "no state dictionary" in refusal(read_torch, path)
    torch.save({"0.weight": torch.ones(40, 40)}, path)
    monkeypatch.setattr("nn_bridge.readers.torch.reading.MAX_BYTES", 4000)
    assert "more than the 4000" in refusal(read_torch, path)


def test_says_which_extra_is_missing(tmp_path, monkeypatch):
    path = tmp_path / "net.pt"
    torch.save(mlp(2, 2, 1).state_dict(), path)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"puiseux\[torch\]"):
        read_torch(path)


def valid_file():
    buffer = io.BytesIO()
    torch.save(mlp(2, 2, 1).state_dict(), buffer)
    return buffer.getvalue()


VALID = valid_file()


@settings(deadline=None, derandomize=True, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, len(VALID)),
)
def test_a_changed_file_is_read_or_refused(tmp_path_factory, changes, length):
    content = bytearray(VALID)
    for place, value in changes:
        content[place] = value
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "net.pt"
    path.write_bytes(content if length % 2 else content[: max(1, length)])
    with contextlib.suppress(NetworkError):
        assert isinstance(read_torch(path), Network)
    assert [entry.name for entry in folder.iterdir()] == ["net.pt"]
