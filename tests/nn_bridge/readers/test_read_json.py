"""The .json reader and writer: the contract, and one clear line for everything else."""

import contextlib
import json

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.network.rows import rows_of_fractions
from nn_bridge.readers.json import network_from_document, read_json
from nn_bridge.writers.json import document_of, write_json
from polyhedra.scalars import rational, to_text

HEAD = '{"format": "puiseux-network", "version": 1, "input_dim": 2, '


def layer(weights, bias, activation):
    return {"weights": weights, "bias": bias, "activation": activation}


def document(*layers, **changes):
    return {"format": "puiseux-network", "version": 1, "input_dim": 2, "layers": list(layers)} | changes


RELU = layer([[1, 2], [3, 4]], [0, 0], "relu")
LINEAR = layer([[1, -1]], [0], "linear")


def refusal(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(NetworkError) as caught:
        read_json(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message


def test_strings_are_exact_and_tokens_are_float64(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(
        HEAD + '"layers": [{"weights": [["0.1", 0.1], ["1/3", 9007199254740993]], "bias": ["-2e-3", 1e3],'
        ' "activation": "linear"}]}'
    )
    network = read_json(path)
    weights = network.output.blocks[0][1]
    assert weights == ((fmpq(1, 10), fmpq(3602879701896397, 2**55)), (fmpq(1, 3), fmpq(9007199254740993)))
    assert network.output.bias == (fmpq(-1, 500), fmpq(1000))


FRACTIONS = [
    "0",
    "-0",
    "7/2",
    "-3/4",
    "6/4",
    "007",
    "-12/16",
    "1/3",
    f"{2**53}",
    f"{2**53 - 1}/{2**70}",
    f"1/{2**996}",
    "9" * 300,
]
OTHERS = ["+1", " 2", "0.5", "1e3", "1/0", "1/02", "", "1,2", "--1", "1/-2", "1/2/3", "x", "1\n", "\u0663", "9" * 301]


def test_fractions_that_are_read_at_once_are_what_they_are_one_by_one():
    for texts in [FRACTIONS, *([text] for text in FRACTIONS)]:
        row, doubles = rows_of_fractions(texts)
        assert row == tuple(map(rational, texts))
        exact = all(value.q & (value.q - 1) == 0 and abs(value.p) < 2**53 for value in row)
        assert exact == (doubles is not None)
        if doubles is not None:
            assert tuple(map(rational, doubles.tolist())) == row


@pytest.mark.parametrize("other", OTHERS)
def test_other_spellings_are_left_to_the_slow_way(other):
    assert rows_of_fractions([other]) is None
    assert rows_of_fractions(["1", other, "3/4"]) is None


@pytest.mark.parametrize("as_stages", [False, True])
def test_matrices_of_doubles_keep_them(as_stages):
    """Fractions, numbers, and both; not where one of them is no double, nor where rows are sparse."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(3, 4)) * 2.0 ** rng.integers(-60, 3, (3, 4))
    texts = [[to_text(rational(x)) for x in row] for row in values.tolist()]
    third = [*texts[:2], ["1/3", *texts[2][1:]]]
    for weights, kept in [
        (texts, True),
        (values.tolist(), True),
        ([texts[0], values[1].tolist()], True),
        (third, False),
    ]:
        if as_stages:
            stage = {"blocks": [{"source": 0, "weights": weights}], "bias": ["0"] * len(weights)}
            layers = {"stages": [], "output": stage}
        else:
            layers = {"layers": [layer(weights, None, "linear")]}
        output = network_from_document({"format": "puiseux-network", "version": 1, "input_dim": 4} | layers).output
        matrix = output.blocks[0][1]
        assert matrix == tuple(tuple(map(rational, row)) for row in weights)
        assert bool(output.doubles) == kept
        for own, array in output.doubles:
            assert own is matrix
            assert array.tolist() == [list(map(float, row)) for row in matrix]
            assert all(
                rational(x) == y
                for xs, row in zip(array.tolist(), matrix, strict=True)
                for x, y in zip(xs, row, strict=True)
            )


def test_bias_may_be_left_out_and_a_byte_order_mark_does_not_matter(tmp_path):
    path = tmp_path / "net.json"
    text = HEAD + '"layers": [{"weights": [["1", "1"]], "activation": "linear"}]}'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_json(path).evaluate([1, 2]) == (3,)


@pytest.mark.parametrize("activation", ["relu", "linear", "leaky:1/10", "maxout:2"])
def test_activations(tmp_path, activation):
    hidden = layer([["1/2", 0.1], [-1, "3"]], ["0", 1], activation)
    last = layer([[1] * (1 if activation == "maxout:2" else 2)], [0], "linear")
    network = network_from_document(document(hidden, last))
    a, b = fmpq(1, 2) + 2 * fmpq((0.1).as_integer_ratio()[0], (0.1).as_integer_ratio()[1]), fmpq(6)
    expected = {"relu": a + b, "linear": a + b, "leaky:1/10": a + b, "maxout:2": b}[activation]
    assert network.evaluate([1, 2]) == (expected,)
    path = tmp_path / "net.json"
    write_json(network, path)
    assert read_json(path) == network
    assert read_json(path).layers == network.layers


def test_skip_connections_are_stages(tmp_path):
    network = network_from_document(
        {
            "format": "puiseux-network",
            "version": 1,
            "input_dim": 1,
            "stages": [{"blocks": [{"source": 0, "weights": [["1"], ["2"]]}], "bias": ["0", "-1"]}],
            "output": {
                "blocks": [{"source": 0, "weights": [["1/10"]]}, {"source": 1, "weights": [["1", "-1"]]}],
                "bias": ["0"],
            },
        }
    )
    assert network.evaluate([1]) == (fmpq(1, 10),)
    path = tmp_path / "net.json"
    write_json(network, path)
    assert '"stages"' in path.read_text()
    assert read_json(path) == network


def test_notes_survive_and_blocks_of_zeros_do_not_matter(tmp_path):
    network = Network.from_layers([[["1/3", 1]], [[0]]], [[0], [1]]).round(bits=3)
    path = tmp_path / "net.json"
    write_json(network, path)
    again = read_json(path)
    assert again == network
    assert again.notes == network.notes == ("entries rounded to multiples of 2^-3",)
    spelled = document_of(network)
    spelled["output"]["blocks"] = [{"source": 1, "weights": [["0"]]}]
    assert network_from_document(spelled) == network
    assert network_from_document(spelled).digest() == network.digest()


def test_a_layer_record_that_tells_less_than_the_network_is_not_written():
    network = Network.from_layers([[[1]], [[1]]])
    moved = Network(1, network.stages, Network.from_layers([[[2]], [[3]]]).output, network.layers)
    assert "stages" in document_of(moved)
    assert network_from_document(document_of(moved)) == moved


numbers = st.fractions(min_value=-9, max_value=9, max_denominator=7).map(lambda v: fmpq(v.numerator, v.denominator))


@st.composite
def networks(draw):
    """Networks with skip connections, leaky ReLU and maxima."""
    n = draw(st.integers(1, 3))
    build = NetworkBuilder(n)
    signals = [build.input()]
    for _ in range(draw(st.integers(0, 3))):
        source = draw(st.sampled_from(signals))
        rows = draw(st.lists(st.lists(numbers, min_size=source.size, max_size=source.size), min_size=1, max_size=3))
        signal = build.affine(source, rows, draw(st.lists(numbers, min_size=len(rows), max_size=len(rows))))
        kind = draw(st.sampled_from(["relu", "leaky", "maximum"]))
        if kind == "leaky":
            signal = build.leaky_relu(signal, draw(numbers))
        else:
            signal = build.relu(signal) if kind == "relu" else build.maxout(signal, signal.size)
        signals.append(signal)
    return build.finish(build.concatenate(*signals[-2:]))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(networks())
def test_any_network_round_trips(network):
    text = json.dumps(document_of(network))
    assert network_from_document(json.loads(text)) == network


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["empty"]),
        ("{", ["not JSON", "line 1"]),
        ("[" * 200_000, ["nested too deeply"]),
        ('{"a":' * 200_000, ["nested too deeply"]),
        (b"\xff\xfe", ["UTF-8"]),
        ("[]", ["no network", "puiseux-network"]),
        ("12", ["no network"]),
        ('{"format": "other"}', ["no network"]),
        (HEAD + '"layers": [], "layers": []}', ["'layers'", "twice"]),
        (HEAD + '"layers": [{"weights": [[NaN, 1]], "activation": "linear"}]}', ["NaN", "finite"]),
        (HEAD + '"layers": [{"weights": [[-Infinity, 1]], "activation": "linear"}]}', ["-Infinity"]),
        (
            HEAD + '"layers": [{"weights": [[1, 1e999]], "activation": "linear"}]}',
            ["weights, row 0, entry 1", "too large for float64", "string"],
        ),
    ],
)
def test_refuses_what_is_no_json_network(tmp_path, content, words):
    message = refusal(tmp_path / "net.json", content)
    for word in words:
        assert word in message


def stages(**changes):
    stage = {"blocks": [{"source": 0, "weights": [[1, 2]]}], "bias": [0]}
    value = {"format": "puiseux-network", "version": 1, "input_dim": 2, "stages": [stage]}
    return value | {"output": {"blocks": [{"source": 1, "weights": [[1]]}], "bias": [0]}} | changes


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (document(LINEAR, version=2), ["version 2"]),
        (document(LINEAR, version=True), ["version True"]),
        (document(LINEAR, version=None), ["version None"]),
        (document(LINEAR, input_dim=3), ["input_dim", "3", "2 inputs"]),
        (document(LINEAR, input_dim=0), ["input_dim"]),
        (document(LINEAR, input_dim="2"), ["input_dim"]),
        (document(LINEAR, input_dim=True), ["input_dim"]),
        (document(LINEAR, color=1), ["'color'"]),
        (document(LINEAR, notes="x"), ["notes"]),
        (document(LINEAR, stages=[]), ["either"]),
        (document(LINEAR, output=1), ["output"]),
        (document(), ["no layers"]),
        ({k: v for k, v in document().items() if k != "layers"}, ["either"]),
        (document(layers={}), ["list"]),
        (document(3), ["layer 0", "object"]),
        (document(RELU, layer([[1]], [0], "linear")), ["layer 1", "1 weight", "2 values"]),
        (document(RELU, layer([[1, 2]], [0, 1], "linear")), ["layer 1", "1 row", "2 biases"]),
        (document(layer([[1, 2], [3]], [0, 0], "linear")), ["layer 0", "row 1"]),
        (document(layer([], [], "linear")), ["layer 0"]),
        (document(layer([[]], [0], "linear")), ["no inputs"]),
        (document(layer("12", [0], "linear")), ["layer 0", "list"]),
        (document(layer(["12"], [0], "linear")), ["layer 0", "row 0", "list"]),
        (document(layer([["x", 1]], [0], "linear")), ["layer 0", "row 0", "'x'"]),
        (document(layer([["1/0", 1]], [0], "linear")), ["layer 0", "zero"]),
        (document(layer([[True, 1]], [0], "linear")), ["layer 0", "entry 0", "True"]),
        (document(layer([[None, 1]], [0], "linear")), ["layer 0", "entry 0", "None"]),
        (document(layer([[[1], 1]], [0], "linear")), ["layer 0", "entry 0"]),
        (document(layer([[{}, 1]], [0], "linear")), ["layer 0", "entry 0"]),
        (document(layer([[1, 1]], "0", "linear")), ["layer 0", "bias", "list"]),
        (document(layer([[1, 1]], [0], "sigmoid")), ["layer 0", "sigmoid", "piecewise linear"]),
        (document(layer([[1, 1]], [0], "gelu")), ["layer 0", "gelu"]),
        (document(layer([[1, 1]], [0], "leaky:x")), ["layer 0", "leaky:x"]),
        (document(layer([[1, 1]], [0], "maxout:2")), ["layer 0", "maxout"]),
        (document(layer([[1, 1]], [0], "maxout:0")), ["layer 0", "maxout"]),
        (document(layer([[1, 1]], [0], None)), ["layer 0", "activation"]),
        (document({"weights": [[1, 1]], "activation": "relu", "slope": 1}), ["layer 0", "'slope'"]),
        (stages(output=None), ["the output", "object"]),
        (stages(stages=3), ["stages", "list"]),
        (stages(stages=[3]), ["stage 1", "object"]),
        (stages(stages=[{"blocks": [], "bias": []}]), ["stage 1", "no units"]),
        (stages(stages=[{"blocks": [3], "bias": [0]}]), ["stage 1", "block"]),
        (stages(stages=[{"blocks": [{"source": 1, "weights": [[1]]}], "bias": [0]}]), ["stage 1", "source 1"]),
        (stages(stages=[{"blocks": [{"source": "0", "weights": [[1, 1]]}], "bias": [0]}]), ["stage 1", "source"]),
        (stages(stages=[{"blocks": [{"source": 0, "weights": [[0]]}], "bias": [0]}]), ["stage 1", "row 0", "size 2"]),
        (stages(stages=[{"blocks": [{"source": 0, "weights": [[1, 1]]}], "bias": [0, 0]}]), ["stage 1", "2 biases"]),
    ],
)
def test_names_the_place_and_the_remedy(tmp_path, value, words):
    message = refusal(tmp_path / "net.json", json.dumps(value))
    for word in words:
        assert word in message


def test_a_text_over_the_limit_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("nn_bridge.readers.json.MAX_TEXT_BYTES", 100)
    assert "more than the 100" in refusal(tmp_path / "net.json", json.dumps(document(RELU, LINEAR)))


def test_numbers_of_many_digits_are_read(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(HEAD + '"layers": [{"weights": [[%s, 1]], "activation": "linear"}]}' % ("7" * 20_000))
    assert read_json(path).evaluate([0, 5]) == (5,)


VALID = json.dumps(document(layer([["1/2", 0.1], [1, -2.5]], ["0", "1"], "leaky:1/10"), LINEAR))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.text(max_size=2)), min_size=1, max_size=3))
def test_a_changed_text_is_read_or_refused(tmp_path_factory, changes):
    text = VALID
    for place, value in changes:
        text = text[:place] + value + text[place + 1 :]
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "net.json"
    path.write_bytes(text.encode())
    with contextlib.suppress(NetworkError):
        assert isinstance(read_json(path), Network)
    assert [entry.name for entry in folder.iterdir()] == ["net.json"]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from(["layers", "input_dim", "notes", "weights", "bias", "activation", "row", "entry"]), json_values)
def test_any_json_value_in_any_place_is_read_or_refused(place, value):
    changed = json.loads(VALID)
    if place in changed:
        changed[place] = value
    elif place == "row":
        changed["layers"][0]["weights"][0] = value
    elif place == "entry":
        changed["layers"][0]["weights"][0][0] = value
    else:
        changed["layers"][0][place] = value
    with contextlib.suppress(NetworkError):
        assert isinstance(network_from_document(changed), Network)
