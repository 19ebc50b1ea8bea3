"""The reader of ``.nnet`` files, and files that are told by their content."""

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.readers.nnet import read_nnet
from polyhedra.quoting import shown_path

TEXT = """// A comment
// and another
2,2,1,3,
2,3,1,
0,
-1.0,-2.0,7.0,
1.0,2.0,
1.0,0.5,0.25,
2.0,4.0,8.0,
1.0,-1.0,
0.1,0.0,
2.0,1e0,
0.0,
0.5,
-1.0,
1.0,2.0,-1.0,
0.25,
"""


def write(tmp_path, text):
    path = tmp_path / "net.nnet"
    path.write_text(text)
    return path


def test_a_file_is_read_as_its_weights_say(tmp_path):
    network = read_network(write(tmp_path, TEXT))
    expected = Network.from_layers([[[1, -1], [0.1, 0], [2, 1]], [[1, 2, -1]]], [[0, 0.5, -1], [0.25]])
    assert network == expected
    assert "(x - mean) / range" in network.notes[0]


def test_normalisation_becomes_part_of_the_network(tmp_path):
    path = write(tmp_path, TEXT)
    plain, raw = read_nnet(path), read_nnet(path, normalise=True)
    for x in ((fmpq(3), fmpq(-1)), (fmpq(1, 3), fmpq(2))):
        inside = ((x[0] - 1) / 2, (x[1] - fmpq(1, 2)) / 4)
        assert raw.evaluate(x) == (8 * plain.evaluate(inside)[0] + fmpq(1, 4),)
    assert raw.hidden == plain.hidden


def test_without_normalisation_there_is_nothing_to_note(tmp_path):
    text = TEXT.replace("1.0,0.5,0.25,", "0,0,0,").replace("2.0,4.0,8.0,", "1,1,1,")
    assert read_nnet(write(tmp_path, text)).notes == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: "", ["is empty"]),
        (lambda t: "// nothing\n", ["ends before"]),
        (lambda t: t[: t.index("0.25,\n", 120)], ["ends before layer 1, bias 0"]),
        (lambda t: t + "1.0,\n", ["line 18", "after the last layer"]),
        (lambda t: t.replace("0.1,0.0", "0.1,x"), ["line 11", "layer 0, row 1", "no number"]),
        (lambda t: t.replace("0.1,0.0", "0.1"), ["layer 0, row 1", "1 number and needs 2"]),
        (lambda t: t.replace("0.1,0.0", "0.1,0,0"), ["layer 0", "more than 2"]),
        (lambda t: t.replace("0.1,0.0", "0.1,nan"), ["layer 0, row 1", "not finite"]),
        (lambda t: t.replace("2,3,1,", "2,3,2,"), ["sizes"]),
        (lambda t: t.replace("2,2,1,3,", "2.5,2,1,3"), ["positive integers"]),
        (lambda t: t.replace("2,2,1,3,", "99999999,2,1,3"), ["99999999 layers"]),
    ],
)
def test_refusals(tmp_path, change, words):
    path = write(tmp_path, change(TEXT))
    with pytest.raises(NetworkError) as caught:
        read_nnet(path)
    message = str(caught.value)
    assert shown_path(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_range_of_zero_cannot_be_normalised(tmp_path):
    path = write(tmp_path, TEXT.replace("2.0,4.0,8.0,", "2.0,0,8.0,"))
    assert read_nnet(path).hidden == (3,)
    with pytest.raises(NetworkError, match="a range is 0"):
        read_nnet(path, normalise=True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, len(TEXT) - 1), st.characters(codec="utf-8"), st.integers(0, len(TEXT)))
def test_a_changed_file_is_read_or_refused(tmp_path_factory, place, letter, cut):
    folder = tmp_path_factory.mktemp("nnet")
    for text in (TEXT[:place] + letter + TEXT[place + 1 :], TEXT[:cut]):
        path = folder / "net.nnet"
        path.write_bytes(text.encode())
        message = str(path)
        try:
            network = read_nnet(path)
        except NetworkError as error:
            message = str(error)
        else:
            assert isinstance(network, Network)
        assert shown_path(path) in message
        assert "\n" not in message


def test_a_file_without_an_ending_is_told_by_its_content(tmp_path):
    expected = Network.from_layers([[[1, 2]]], [[3]])
    path = tmp_path / "2,1x1,relu,shape"
    np.savez(path, W0=[[1, 2]], b0=[3])
    (tmp_path / "2,1x1,relu,shape.npz").rename(path)
    assert read_network(path) == expected
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    state = {"fcs.0.weight": torch.tensor([[1.0, 2.0]]), "fcs.0.bias": torch.tensor([3.0])}
    torch.save(state, path)
    assert read_network(path) == expected
    path.write_text("1 2 3")
    with pytest.raises(NetworkError, match="without a suffix"):
        read_network(path)


@pytest.mark.parametrize(("ending", "word"), [(".pkl", "runs code"), (".joblib", "runs code"), (".h5", ".onnx")])
def test_files_that_are_not_read_say_what_to_do(tmp_path, ending, word):
    path = tmp_path / f"net{ending}"
    path.write_bytes(b"anything")
    with pytest.raises(NetworkError, match=word):
        read_network(path)


def test_an_input_shape_belongs_to_models_that_leave_it_open(tmp_path):
    with pytest.raises(NetworkError, match="input_shape"):
        read_network(write(tmp_path, TEXT), (2,))
    with pytest.raises(NetworkError, match="input_shape"):
        read_network([[[1]]], (1,))
