"""Torch modules of any nesting: with dyadic weights and inputs torch computes exactly, so outputs must be equal."""

import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers.torch import network_from_module

torch = pytest.importorskip("torch", reason="needs the extra [torch]")
torch.set_num_threads(1)
nn = torch.nn
F = torch.nn.functional


def dyadic(shape, generator, bits=2):
    return torch.randint(-8, 9, shape, generator=generator, dtype=torch.float64) / 2**bits


def with_dyadic_weights(module, seed=0):
    generator = torch.Generator().manual_seed(seed)
    module = module.eval()
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.dtype.is_floating_point:
                # 2**-2k as variance, so that its root is exact too
                number = 1 / 4 if name.endswith("running_var") else dyadic(value.shape, generator)
                value.copy_(torch.as_tensor(number))
    return module


def equal(module, network, shape, seed=1, samples=6):
    """Exact equality at dyadic points, at which float64 does not round."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    for _ in range(samples):
        x = dyadic((1, *shape), generator, bits=1)
        expected = module(x).detach().flatten().tolist()
        if network.evaluate(x.flatten().tolist()) != tuple(fmpq(*v.as_integer_ratio()) for v in expected):
            return False
    return True


def refusal(module, *arguments):
    with pytest.raises(NetworkError) as caught:
        network_from_module(module, *arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


class Calls(nn.Module):
    """A module that applies a function."""

    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def bn(kind, channels):
    return kind(channels, eps=0.0)


MODULES = {
    "leaky": (nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.25), nn.Linear(4, 2)), (3,)),
    "prelu": (nn.Sequential(nn.Conv1d(1, 3, 2), nn.PReLU(3)), (1, 4)),
    "one prelu": (nn.Sequential(nn.Linear(2, 3), nn.PReLU()), (2,)),
    "rrelu": (nn.Sequential(nn.Linear(2, 3), nn.RReLU(0.25, 0.75)), (2,)),
    "hardtanh": (nn.Sequential(nn.Linear(2, 3), nn.Hardtanh(-0.5, 2.0)), (2,)),
    "relu6": (nn.Sequential(nn.Linear(2, 3), nn.ReLU6()), (2,)),
    "threshold": (nn.Sequential(nn.Linear(2, 3), nn.Threshold(0.5, 0.5)), (2,)),
    "softshrink": (nn.Sequential(nn.Linear(2, 3), nn.Softshrink(0.5)), (2,)),
    "conv1d": (nn.Conv1d(2, 3, 2, stride=2, padding=1, dilation=2), (2, 7)),
    "conv2d": (nn.Conv2d(2, 4, (2, 3), stride=(1, 2), padding=(1, 0), groups=2), (2, 4, 5)),
    "depthwise": (nn.Conv2d(3, 3, 2, groups=3, bias=False), (3, 3, 3)),
    "same": (nn.Conv2d(1, 1, (3, 2), padding="same", dilation=(1, 2)), (1, 4, 4)),
    "reflected": (nn.Conv1d(1, 1, 3, padding=2, padding_mode="reflect"), (1, 5)),
    "circular": (nn.Conv2d(1, 1, 2, padding=1, padding_mode="circular"), (1, 3, 3)),
    "conv3d": (nn.Conv3d(1, 2, 2), (1, 3, 2, 3)),
    "max pool": (nn.MaxPool2d(3, stride=2, padding=1), (1, 5, 4)),
    "max pool, ceil": (nn.MaxPool1d(3, stride=2, ceil_mode=True), (2, 6)),
    "max pool, dilated": (nn.MaxPool2d(2, stride=1, dilation=2), (1, 4, 4)),
    "mean pool": (nn.AvgPool2d(2, stride=1), (2, 3, 3)),
    "mean pool, ceil": (nn.AvgPool1d(4, stride=3, padding=2, ceil_mode=True), (1, 4)),
    "mean pool, only what is there": (nn.AvgPool2d(2, padding=1, count_include_pad=False), (1, 2, 4)),
    "mean pool, divisor": (nn.AvgPool2d(2, divisor_override=8), (1, 4, 4)),
    "global mean": (nn.AdaptiveAvgPool2d(1), (2, 2, 4)),
    "adaptive mean": (nn.AdaptiveAvgPool2d((2, None)), (1, 3, 2)),
    "adaptive maximum": (nn.AdaptiveMaxPool1d(2), (1, 5)),
    "batch norm": (nn.Sequential(nn.Linear(2, 3), bn(nn.BatchNorm1d, 3), nn.ReLU()), (2,)),
    "batch norm 2d": (nn.Sequential(nn.Conv2d(1, 2, 2), bn(nn.BatchNorm2d, 2)), (1, 3, 3)),
    "padding": (nn.Sequential(nn.ZeroPad2d((1, 0, 0, 2)), nn.ReplicationPad2d(1), nn.Conv2d(1, 1, 3)), (1, 3, 3)),
    "constant padding": (nn.Sequential(nn.ConstantPad1d((1, -1), 0.5), nn.Linear(4, 1)), (4,)),
    "reflection": (nn.ReflectionPad2d((1, 0, 2, 1)), (1, 3, 3)),
    "shuffle": (nn.Sequential(nn.ChannelShuffle(2), nn.Conv1d(4, 1, 1)), (4, 2)),
    "residual": (Calls(lambda m, x: F.relu(m.b(F.relu(m.a(x)))) + x, a=nn.Linear(3, 4), b=nn.Linear(4, 3)), (3,)),
    "dense": (
        Calls(lambda m, x: m.b(torch.cat([x, torch.relu(m.a(x))], dim=1)), a=nn.Linear(2, 3), b=nn.Linear(5, 2)),
        (2,),
    ),
    "maxout": (Calls(lambda m, x: m.a(x).view(-1, 3, 4).max(dim=2)[0], a=nn.Linear(2, 12)), (2,)),
    "maxout, values": (Calls(lambda m, x: m.a(x).reshape(x.size(0), 3, 2).max(-1).values, a=nn.Linear(2, 6)), (2,)),
    "amax, amin": (Calls(lambda m, x: x.amax(1, keepdim=True) - torch.amin(x, dim=(1, 2))[:, None, None]), (2, 3)),
    "all": (Calls(lambda m, x: torch.stack([x.max(), x.min(), x.sum(), x.mean()])), (4,)),
    "lattice": (Calls(lambda m, x: torch.maximum(x, x.flip(1)) - torch.minimum(x, 1 - x) * 2), (3,)),
    "clamps": (Calls(lambda m, x: x.clamp(min=-1).clamp_max(1.5) + torch.clamp(x, -0.5, 0.25)), (3,)),
    "clamp by tensors": (Calls(lambda m, x: torch.clamp(x, min=m.low), low=nn.Parameter(torch.ones(3))), (3,)),
    "crossed clamp": (Calls(lambda m, x: torch.clamp(x, 1.0, -1.0) + x), (2,)),
    "abs": (Calls(lambda m, x: (x - 1).abs() + abs(x[:, :1])), (2,)),
    "arithmetic": (Calls(lambda m, x: -(2 * x - 3) / 4 + m.w * x + torch.sub(1, x)), (2,)),
    "matrix product": (Calls(lambda m, x: x @ m.w + m.w[0]), (3,)),
    "shapes": (
        Calls(lambda m, x: x.permute(0, 2, 1).transpose(1, 2).unsqueeze(1).squeeze(1)[..., 1:].flatten(1)),
        (2, 3),
    ),
    "pieces": (
        Calls(lambda m, x: x.chunk(2, dim=1)[1] + x.split([1, 1, 2], dim=1)[2] - x.narrow(1, 0, 2).roll(1, 1)),
        (4,),
    ),
    "repeated": (Calls(lambda m, x: x.repeat(1, 2) + x.unsqueeze(2).expand(-1, -1, 2).reshape(1, -1)), (3,)),
    "looked up": (Calls(lambda m, x: x[:, [2, 0]] + x.index_select(1, torch.tensor([1, 1]))), (3,)),
    "in place": (Calls(lambda m, x: F.relu(m.a(x), inplace=True).add_(1).mul_(m.w), a=nn.Linear(2, 2)), (2,)),
    "in place, read again": (Calls(lambda m, x: _in_place(m.a(x)), a=nn.Linear(2, 3)), (2,)),
    "a loop": (Calls(lambda m, x: _looped(m.parts, x), parts=nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])), (2,)),
    "exported": (Calls(lambda m, x: _counts(m.a(x)), a=nn.Linear(2, 3)), (2,)),
    "exported layers": (
        Calls(
            lambda m, x: _counts(m.pool(m.norm(m.a(x))).flatten(1)),
            a=nn.Conv2d(1, 2, 2),
            norm=bn(nn.BatchNorm2d, 2),
            pool=nn.MaxPool2d(2),
        ),
        (1, 3, 4),
    ),
}
for _name, _shape in {"arithmetic": (2,), "matrix product": (3, 3), "in place": (2,)}.items():
    MODULES[_name][0].w = nn.Parameter(torch.ones(_shape))


def _in_place(h):
    F.relu(h, inplace=True)
    h -= 1
    h.abs_()
    return h * 2


def _looped(parts, x):
    for part in parts:
        x = torch.relu(part(x)) + x
    return x


def _counts(h):
    for _ in range(len(h[0])):  # a length is no number to torch.fx, and is to torch.export
        h = torch.relu(h) - 0.5
    return h


class _TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


def _written_to(h):
    h[:, 1].add_(1)  # reaches h through a view, which is not followed
    return h


@pytest.mark.parametrize("name", MODULES)
def test_the_network_is_the_function_of_the_module(name):
    module, shape = MODULES[name]
    module = with_dyadic_weights(module)
    network = network_from_module(module, shape)
    assert equal(module, network, shape)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_random_convolutions_and_pools(data):
    def number(low, high):
        return data.draw(st.integers(low, high))

    groups, size = number(1, 2), number(3, 5)
    convolution = nn.Conv2d(
        2, 2, (number(1, 3), number(1, 2)), stride=(number(1, 2), number(1, 3)), padding=(number(0, 2), number(0, 1)),
        dilation=(1, number(1, 2)), groups=groups,
    )  # fmt: skip
    kernel = number(1, 2)
    pool = data.draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))(
        kernel, stride=number(1, 2), padding=number(0, kernel // 2), ceil_mode=data.draw(st.booleans())
    )
    module = with_dyadic_weights(nn.Sequential(convolution, pool), seed=number(0, 99))
    shape = (2, size, 5)
    try:
        module(torch.zeros((1, *shape)))
    except RuntimeError:  # torch: a kernel larger than its input
        with pytest.raises(NetworkError):
            network_from_module(module, shape)
        return
    assert equal(module, network_from_module(module, shape), shape, samples=2)


def test_the_shape_is_found_where_a_layer_tells_it():
    layer = nn.Linear(3, 2)
    assert network_from_module(Calls(lambda m, x: F.relu(m.a(x)), a=layer)).input_dim == 3
    assert network_from_module(nn.Sequential(nn.BatchNorm1d(4), nn.ReLU())).input_dim == 4
    assert (
        network_from_module(
            Calls(lambda m, x: F.linear(torch.relu(x), m.w), w=nn.Parameter(torch.ones(1, 5)))
        ).input_dim
        == 5
    )
    assert "input_shape" in refusal(nn.Sequential(nn.Conv1d(1, 1, 2), nn.ReLU()))


def test_a_plain_chain_written_as_a_class_is_the_same_network():
    a, b = nn.Linear(3, 4), nn.Linear(4, 2)
    plain = network_from_module(nn.Sequential(a, nn.ReLU(), b))
    assert network_from_module(Calls(lambda m, x: m.b(F.relu(m.a(x))), a=a, b=b)) == plain


def test_batch_normalisation_is_rounded_once_and_recorded():
    module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    with torch.no_grad():
        module[0].weight.fill_(1)
        module[1].running_var.fill_(2)
        module[1].weight.fill_(3)
    network = network_from_module(module)
    slope = network.evaluate([1])[0] - network.evaluate([0])[0]
    variance = fmpq(2) + fmpq(*(1e-5).as_integer_ratio())
    # half a unit in the last place of a number in [2, 4) is 2**-52
    assert slope.q & (slope.q - 1) == 0
    assert (slope - fmpq(1, 2**52)) ** 2 * variance < 9 < (slope + fmpq(1, 2**52)) ** 2 * variance
    assert network.notes == ("batch normalisation: gamma / sqrt(var + eps) rounded once to float64",)


@pytest.mark.parametrize("ending", [nn.Softmax(dim=1), nn.LogSoftmax(dim=1), nn.Sigmoid()])
def test_an_ending_is_dropped_with_a_note(ending):
    linear = nn.Linear(2, 3)
    network = network_from_module(nn.Sequential(linear, nn.ReLU(), ending))
    assert network == network_from_module(nn.Sequential(linear, nn.ReLU()))
    assert "at the end dropped" in network.notes[0]
    assert "very end" in refusal(nn.Sequential(linear, ending, nn.Linear(3, 1)))


@pytest.mark.parametrize(
    ("module", "shape", "words"),
    [
        (nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ELU())), None, ["module 1.0 (ELU)", "not piecewise linear"]),
        (nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), None, ["module 1 (LayerNorm)"]),
        (nn.Sequential(nn.Linear(2, 2), nn.Threshold(0.0, 1.0)), None, ["module 1 (Threshold)", "jumps"]),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=0)), None, ["module 1 (Softmax)", "axis of the classes"]),
        (nn.BatchNorm1d(2, track_running_stats=False), (2,), ["running", "batch"]),
        (nn.MaxPool1d(2, return_indices=True), (1, 4), ["indices"]),
        (Calls(lambda m, x: torch.tanh(m.a(x)), a=nn.Linear(2, 2)), None, ["tanh in", "Calls"]),
        (Calls(lambda m, x: torch.sign(x)), (2,), ["sign", "jumps", "hard tanh"]),
        (Calls(lambda m, x: x * x), (2,), ["mul", "depend on the input"]),
        (Calls(lambda m, x: 1 / x), (2,), ["truediv", "depends on the input"]),
        (Calls(lambda m, x: x / 0), (2,), ["divides by zero"]),
        (Calls(lambda m, x: torch.where(x > 0, x, 0 * x)), (2,), ["gt", "jump"]),
        (Calls(lambda m, x: x if x.sum() > 0 else -x), (2,), ["traced", "exported"]),
        (Calls(lambda m, x: x if x.sum() > 0 else -x), None, ["traced", "input_shape"]),
        (Calls(lambda m, x: (x, x)), (2,), ["tuple", "one tensor"]),
        (Calls(lambda m, x: {"y": x}), (2,), ["dict", "one tensor"]),
        (Calls(lambda m, x: x.reshape(7)), (2,), ["reshape", "(7,)"]),
        (Calls(lambda m, x: x[:, 5]), (2,), ["getitem", "(1, 2)"]),
        (Calls(lambda m, x: x.max(1)[1] + x), (2,), ["add"]),
        (Calls(lambda m, x: x.half()), (2,), ["half", "rounds"]),
        (Calls(lambda m, x: x.expand(10**9, 2)), (2,), ["expand", "entries"]),
        (nn.Bilinear(2, 2, 1), None, ["Bilinear"]),
        (_TwoInputs(), None, ["2 inputs"]),
        (Calls(lambda m, x: _written_to(1 * x)), (3,), ["not the function of its source"]),
    ],
)  # fmt: skip
def test_refusals_name_the_place_and_the_reason(module, shape, words):
    message = refusal(module, shape)
    for word in words:
        assert word in message


def test_a_wrong_conversion_is_noticed(monkeypatch):
    from nn_bridge.readers.torch import layers as torch_layers

    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU6())
    monkeypatch.setitem(torch_layers.MODULES, "ReLU6", torch_layers.MODULES["ReLU"])
    message = refusal(module)
    assert "not the function of its source" in message
    assert "output" in message


def test_a_network_too_large_for_any_engine_is_refused(monkeypatch):
    monkeypatch.setattr("nn_bridge.network.builder.MAX_ENTRIES", 100)
    assert "stage 1 brings the network above 100 weights" in refusal(nn.Sequential(nn.Linear(100, 50), nn.ReLU6()))


def test_a_convolutional_network_on_images_is_read_whole():
    torch.manual_seed(0)
    features = nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=2), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(108, 10)
    )
    network = network_from_module(features.eval(), (1, 28, 28))
    assert isinstance(network, Network)
    assert network.hidden == (507, 108, 108, 108)
    assert "input of shape (1, 28, 28), flattened in C order" in network.notes
