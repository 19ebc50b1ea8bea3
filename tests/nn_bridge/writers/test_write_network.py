"""Writers: exact round trips, whole files or none; the front `read_network`."""

import itertools
import json
import os
import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers import read_network
from nn_bridge.writers import write_network

floats = st.floats(allow_nan=False, allow_infinity=False, width=64)


@st.composite
def float_networks(draw):
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    weights = [
        draw(st.lists(st.lists(floats, min_size=a, max_size=a), min_size=b, max_size=b))
        for a, b in itertools.pairwise(sizes)
    ]
    biases = [draw(st.lists(floats, min_size=b, max_size=b)) for b in sizes[1:]]
    return Network.from_layers(weights, biases, relu_on_output=draw(st.booleans()))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(float_networks())
def test_plain_networks_round_trip_exactly(tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("round")
    for suffix in (".npz", ".json"):
        path = folder / f"net{suffix}"
        write_network(network, path)
        assert read_network(path) == network
        assert read_network(str(path)).digest() == network.digest()
    assert sorted(os.listdir(folder)) == ["net.json", "net.npz"]


def test_shipped_networks_round_trip(tmp_path):
    source = os.path.join(os.path.dirname(__file__), "../../data/nets/d3_16_16_1_s0.npz")
    network = read_network(source)
    with np.load(source) as arrays:
        assert network == Network.from_layers(
            [arrays[f"W{i}"].tolist() for i in range(3)], [arrays[f"b{i}"].tolist() for i in range(3)]
        )
    write_network(network, tmp_path / "net.npz")
    first = (tmp_path / "net.npz").read_bytes()
    write_network(read_network(tmp_path / "net.npz"), tmp_path / "net.npz")
    assert (tmp_path / "net.npz").read_bytes() == first


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Network.from_layers([[["1/3"]]]), ["layer 0, row 0", "1/3", ".json"]),
        (Network.from_layers([[[1]], [[1]]], [[0], ["1/10"]]), ["layer 1, bias", "1/10"]),
        (Network.from_layers([[["1e999"]]]), ["layer 0"]),
        (Network.from_layers([[[1]], [[1]]], None, ["leaky:1/10", "linear"]), ["layer 1", ".json"]),
    ],
)
def test_npz_refuses_what_it_cannot_hold_and_writes_nothing(tmp_path, network, words):
    path = tmp_path / "net.npz"
    with pytest.raises(NetworkError) as caught:
        write_network(network, path)
    for word in (str(path), *words):
        assert word in str(caught.value)
    assert not list(tmp_path.iterdir())
    write_network(network, tmp_path / "net.json")
    assert read_network(tmp_path / "net.json") == network


def test_places_that_cannot_be_written(tmp_path):
    network = Network.from_layers([[[1]]])
    for path, word in [
        (tmp_path / "missing" / "net.json", "folder does not exist"),
        (tmp_path / "net.txt", "'.txt'"),
        (tmp_path / "net", "type ''"),
        (tmp_path / ("x" * 300 + ".json"), "cannot be written"),
    ]:
        with pytest.raises(NetworkError, match=word):
            write_network(network, path)
    (tmp_path / "net.npz").mkdir()
    with pytest.raises(NetworkError, match="is a directory"):
        write_network(network, tmp_path / "net.npz")
    with pytest.raises(NetworkError, match="is no name that a file can have"):
        write_network(network, str(tmp_path / "a\0b.json"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.npz"]


def test_a_failure_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.json"
    write_network(Network.from_layers([[[1]]]), path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NetworkError, match="No space left"):
        write_network(Network.from_layers([[[2]]]), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.json"]


def test_links_are_followed_and_new_files_obey_the_umask(tmp_path):
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    link.symlink_to(target)
    old = os.umask(0o027)
    try:
        write_network(Network.from_layers([[[1]]]), link)
    finally:
        os.umask(old)
    assert link.is_symlink()
    assert json.loads(target.read_text())["format"] == "puiseux-network"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    path = tmp_path / "pipe.json"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_network(Network.from_layers([[[1]]]), path)
    assert b"puiseux-network" in os.read(reader, 10_000)
    os.close(reader)
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_read_network_takes_lists_pairs_and_networks():
    network = Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]])
    assert read_network(network) is network
    assert read_network([([[1], [2]], [0, -1]), ([[1, -1]], [0])]) == network
    assert read_network([np.array([[1], [2]]), np.array([[1, -1]])]) == Network.from_layers([[[1], [2]], [[1, -1]]])


@pytest.mark.parametrize(
    "source",
    [3, None, b"x.npz", [], [3], [[1, 2]], ["12"], [["12"]], [np.zeros((0, 2))], "x", "x.txt", "x.npz", "a\0.npz"],
)
def test_read_network_refuses_the_rest(source):
    with pytest.raises(NetworkError) as caught:
        read_network(source)
    assert "\n" not in str(caught.value)
