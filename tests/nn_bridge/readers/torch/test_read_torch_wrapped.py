"""Torch models as people have them: shared layers, computed weights, wrappers, checkpoints, odd tensors."""

import itertools
import warnings

import pytest
from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.readers import read_network
from nn_bridge.readers.torch import network_from_module, network_from_state_dict, read_torch

torch = pytest.importorskip("torch", reason="needs the extra [torch]")
nn = torch.nn
F = torch.nn.functional
from torch.nn.utils import parametrizations, prune  # noqa: E402


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 3)

    def forward(self, x):
        return x + self.b(F.relu(self.a(x)))


def exact(tensor):
    return tuple(tuple(fmpq(*v.as_integer_ratio()) for v in row) for row in tensor.tolist())


def refusal(call, *arguments):
    with pytest.raises(NetworkError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 900
    return message


def close(module, network, shape=(3,)):
    x = torch.randn(10, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    expected = module.eval().double()(x).detach().reshape(10, -1).numpy()
    return abs(network.evaluate_float(x.reshape(10, -1).numpy()) - expected).max() < 1e-5 * (1 + abs(expected).max())


def test_shared_layers_are_applied_as_often_as_they_occur():
    act, linear = nn.ReLU(), nn.Linear(3, 3)
    for module, hidden in (
        (nn.Sequential(nn.Linear(3, 4), act, nn.Linear(4, 2), act, nn.Linear(2, 1)), (4, 2)),
        (nn.Sequential(linear, act, linear, act, linear), (3, 3)),
        (nn.Sequential(linear, nn.Sequential(act, linear), act, nn.Tanh()), None),
    ):
        if hidden is None:
            assert "Tanh" in refusal(network_from_module, module)
            continue
        network = network_from_module(module)
        assert network.hidden == hidden
        assert close(module, network)


def weighted(how):
    torch.manual_seed(1)
    return nn.Sequential(how(nn.Linear(3, 4)), nn.ReLU(), nn.Linear(4, 1))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("how", "words"),
    [
        (parametrizations.weight_norm, "WeightNorm"),
        (parametrizations.spectral_norm, "SpectralNorm"),
        (lambda layer: parametrizations.orthogonal(layer), "Orthogonal"),
        (torch.nn.utils.weight_norm, "WeightNorm"),
        (torch.nn.utils.spectral_norm, "SpectralNorm"),
        (lambda layer: prune.l1_unstructured(layer, "weight", amount=0.5), "pruning"),
        (lambda layer: prune.random_unstructured(prune.ln_structured(layer, "weight", 0.5, 2, 0), "bias", 0.5), "prun"),
    ],
)
def test_effective_weights_are_read(how, words):
    module = weighted(how).eval()
    module(torch.zeros(1, 3))
    expected = exact(module[0].weight.detach())
    network = network_from_module(module)
    assert network.stages[0].block(0) == expected
    assert words in network.notes[0]
    assert exact(module[0].weight.detach()) == expected  # the module itself is left as it was
    assert close(nn.Sequential(*module), network)


def test_computed_weights_inside_other_modules():
    module = Residual()
    parametrizations.weight_norm(module.a)
    prune.l1_unstructured(module.b, "weight", amount=3)
    assert close(module, network_from_module(module))
    convolution = nn.Sequential(prune.l1_unstructured(nn.Conv2d(1, 2, 2), "weight", amount=0.5), nn.ReLU())
    assert close(convolution, network_from_module(convolution, (1, 3, 3)), (1, 3, 3))


def test_wrappers_are_taken_off():
    module = Residual()
    expected = network_from_module(module)
    assert network_from_module(nn.DataParallel(module)) == expected
    assert network_from_module(torch.compile(module)) == expected
    assert network_from_module(nn.Sequential(nn.DataParallel(module), nn.ReLU())).hidden == (4, 3)
    chain = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    assert network_from_module(torch.compile(chain)) == network_from_module(chain)


@pytest.mark.filterwarnings("ignore")
def test_scripted_modules_are_refused_with_a_way_out():
    for module in (torch.jit.script(Residual()), nn.Sequential(torch.jit.trace(Residual(), torch.zeros(1, 3)))):
        assert "external_data=False" in refusal(network_from_module, module)


LARGER = {
    "transposed": (nn.ConvTranspose1d(2, 3, 3, stride=2, padding=1, output_padding=1), (2, 4), 24),
    "groups": (nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 1), groups=2, dilation=(2, 3), bias=False), (4, 3, 2), 270),
    "wide output padding": (nn.ConvTranspose2d(1, 1, 2, dilation=3, output_padding=2), (1, 3, 2), 56),
    "three axes": (nn.ConvTranspose3d(1, 2, 2, stride=2), (1, 2, 2, 2), 128),
    "nearest": (nn.Upsample(scale_factor=1.5), (1, 3, 5), 28),
    "nearest to a size": (nn.Upsample(size=(5, 7)), (1, 3, 2), 35),
    "bilinear": (nn.Upsample(scale_factor=1.7, mode="bilinear"), (1, 3, 4), 30),
    "bilinear by corners": (nn.Upsample(size=(5, 1), mode="bilinear", align_corners=True), (1, 3, 4), 5),
    "trilinear": (nn.Upsample(size=(5, 1, 3), mode="trilinear"), (1, 3, 4, 2), 15),
    "linear, smaller": (nn.Upsample(scale_factor=0.5, mode="linear"), (1, 9), 4),
    "pixel shuffle": (nn.PixelShuffle(2), (8, 2, 3), 48),
    "pixel unshuffle": (nn.PixelUnshuffle(2), (2, 4, 6), 48),
    "unfold": (nn.Unfold((2, 3), dilation=(1, 2), padding=1, stride=(2, 1)), (2, 5, 6), 144),
    "fold": (nn.Fold((4, 5), (2, 2), padding=1, stride=2), (8, 9), 40),
    "instances": (nn.InstanceNorm2d(2, track_running_stats=True, affine=True), (2, 3, 3), 18),
}


@pytest.mark.parametrize("name", LARGER)
def test_layers_that_enlarge_or_regroup(name):
    module, shape, outputs = LARGER[name]
    network = network_from_module(module, shape)
    assert network.output_dim == outputs
    assert network.hidden == ()
    assert close(module, network, shape)


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (nn.InstanceNorm1d(2), "not piecewise linear"),
        (nn.Upsample(scale_factor=2, mode="bicubic"), "affine, but not read"),
        (nn.RNN(2, 2, nonlinearity="relu"), "piecewise linear, but not read"),
        (nn.GELU(), "not piecewise linear"),
        (nn.LayerNorm(2), "not piecewise linear"),
        (nn.LazyLinear(2), "first call"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_layers_that_are_not_read_say_which_of_the_two_they_are(module, words):
    assert words in refusal(network_from_module, nn.Sequential(module), (2, 2, 2))


def test_every_layer_of_torch_is_read_or_has_a_reason():
    from nn_bridge.readers.torch.layers import MODULES, reason

    kinds = [k for k in vars(nn).values() if isinstance(k, type) and issubclass(k, nn.Module)]
    assert len(kinds) > 100
    for kind in kinds:
        assert kind.__name__ in MODULES or len(reason(kind.__name__)) > 20
    assert set(MODULES) <= set(vars(nn))


# ---------------------------------------------------------------- state dictionaries


def test_a_state_dictionary_says_its_order_and_what_it_lacks(tmp_path):
    path = tmp_path / "net.ckpt"
    state = {f"model.{k}": v for k, v in Residual().state_dict().items()}
    torch.save({"epoch": 3, "pytorch-lightning_version": "2.4", "state_dict": state}, path)
    (note,) = read_network(path).notes
    assert "order of the file: model.a, model.b" in note
    assert "skip connections and activations are not in the file" in note


def test_pruned_state_dictionaries_are_products():
    module = weighted(lambda layer: prune.l1_unstructured(layer, "weight", amount=0.5))
    network = network_from_state_dict(module.state_dict())
    assert network.stages[0].block(0) == exact(module[0].weight.detach())
    state = dict(module.state_dict())
    state["0.weight_mask"] = state["0.weight_mask"] / 2
    assert "prune.remove" in refusal(network_from_state_dict, state)


def test_parametrised_state_dictionaries_name_the_way_out():
    for how in (parametrizations.weight_norm, parametrizations.spectral_norm):
        assert "remove_parametrizations" in refusal(network_from_state_dict, weighted(how).state_dict())
    message = refusal(network_from_state_dict, {"1.running_mean": torch.ones(2)})
    assert "normalisation" in message
    assert "external_data=False" in message


def test_names_are_quoted():
    message = refusal(network_from_state_dict, {"a\x1b[31m\n.running_mean" + "x" * 500: torch.ones(1)})
    assert "\x1b" not in message
    assert "\\x1b" in message


def odd_tensors():
    full = torch.eye(2)
    return {
        "sparse_coo": full.to_sparse(),
        "sparse_csr": full.to_sparse_csr(),
        "sparse_csc": full.to_sparse_csc(),
        "sparse_bsr": full.to_sparse_bsr((1, 1)),
        "nested": torch.nested.nested_tensor([full, full]),
        "jagged": torch.nested.nested_tensor([full, full], layout=torch.jagged),
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "nested", "jagged"])
def test_tensors_of_other_layouts_are_refused_without_a_warning(name, tmp_path, capfd):
    path = tmp_path / "net.pt"
    torch.save({"0.weight": odd_tensors()[name]}, path)
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message = refusal(read_torch, path)
    assert "0.weight" in message or "damaged" in message or "refused" in message
    assert capfd.readouterr().err == ""


def test_repeated_tensors_are_counted_before_they_are_listed():
    one = torch.ones(1)
    zero = torch.zeros(1)
    assert "more than a network may have" in refusal(
        network_from_state_dict, {"0.weight": zero.expand(5000, 5000), "1.weight": zero.expand(5000, 5000)}
    )
    message = refusal(network_from_state_dict, {"0.weight": one.expand(5000, 5000), "1.weight": one.expand(1, 5000)})
    assert "12,000,000 entries" in message
    zeros = {"0.weight": zero.expand(4000, 4000), "1.weight": one.expand(1, 4000)}
    assert network_from_state_dict(zeros).hidden == (4000,)


# ---------------------------------------------------------------- safetensors


def test_safetensors(tmp_path):
    save_file = pytest.importorskip("safetensors.torch", reason="needs the extra [safetensors]").save_file
    torch.manual_seed(0)
    sizes = [2, *[3] * 11, 1]
    layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
    module = nn.Sequential(*layers[:-1])  # "10.weight" comes before "2.weight" in the order of text
    path = tmp_path / "net.safetensors"
    for kind in (torch.float32, torch.bfloat16, torch.float16, torch.float64):
        save_file(module.to(kind).state_dict(), path)
        network = read_network(path)
        assert network == network_from_module(module)
        assert "in the order of their names" in network.notes[0]
    save_file({"a.weight": torch.ones(2, 3), "b.weight": torch.ones(2, 3)}, path)
    message = refusal(read_network, path)
    assert "order of their names: a, b" in message
    content = path.read_bytes()
    for damaged in (content[:20], b"\xff" * 100, b"\x08" + b"\0" * 7 + b"[1, 2, 3]", content[:-1]):
        path.write_bytes(damaged)
        assert "safetensors" in refusal(read_network, path)
