"""What a file asks for is counted before it is made: hostile files end in one line, within their budget."""

import io
import random
import resource
import struct
import zipfile

import numpy as np
import pytest

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.signals import Arrays
from nn_bridge.readers import read_network
from polyhedra.scalars import rational


def refusal(path):
    with pytest.raises(NetworkError) as caught:
        read_network(path)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def json_file(folder, layers, input_dim=1):
    path = folder / "net.json"
    path.write_text(f'{{"format":"puiseux-network","version":1,"input_dim":{input_dim},"layers":[{layers}]}}')
    return path


def npy(header, data):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def test_a_shape_of_booleans_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W0.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (True, 2)}", bytes(16)))
    assert "shape (True, 2)" in refusal(path)


def test_zeros_cost_little_more_than_their_bytes(tmp_path):
    path = tmp_path / "net.npz"
    np.savez_compressed(path, W0=np.zeros((4000, 5000)), b0=np.ones(4000), W1=np.eye(1, 4000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    network = read_network(path)
    assert network.hidden == (4000,)
    assert network.output_dim == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kilobytes; the array has 160,000
    np.savez_compressed(path, W0=np.ones((4000, 5000)))
    assert "12,000,000 entries" in refusal(path)
    np.savez_compressed(path, W0=np.zeros((1, 30_000_000), dtype=np.int8))
    assert "12,000,000 entries" in refusal(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"format":"puiseux-network",' + ",".join(['"a":1'] * 100_000) + "}", "'a' occurs twice"),
        ("{" + ",".join(['"a":1'] * 400_000) + "}", "400,000 keys"),
        ("[" + ",".join(["[0]"] * 4_000_000) + "]", "12,000,000 entries"),
        ('{"version":' + "9" * 200_000 + "}", "more than 100,000 digits"),
        ('{"format":"puiseux-network","\\u001b[31m":1}', "needs"),
    ],
)
def test_json_texts_are_measured_before_they_are_parsed(tmp_path, text, words):
    path = tmp_path / "net.json"
    path.write_text(text)
    message = refusal(path)
    assert "\x1b" not in message
    assert words in message or "version" in message


def test_many_layers_and_long_numbers(tmp_path):
    layer = '{"activation":"linear","weights":[[2]]}'
    assert "10,000 operators" in refusal(json_file(tmp_path, ",".join([layer] * 10_001)))
    row = ",".join(["1e-300"] * 400_000)
    layer = '{"activation":"linear","weights":[[' + row + "]]}"
    assert "100,000,000 digits" in refusal(json_file(tmp_path, layer, 400_000))


def test_products_of_long_fractions_are_foreseen(tmp_path):
    rng = random.Random(0)

    def matrix(size):
        rows = [",".join(f'"1/{rng.randrange(10**400) * 2 + 1}"' for _ in range(size)) for _ in range(size)]
        return "[" + ",".join(f"[{row}]" for row in rows) + "]"

    layers = ",".join(f'{{"activation":"linear","weights":{matrix(60)}}}' for _ in range(3))
    assert "digits" in refusal(json_file(tmp_path, layers, 60))


def test_operations_on_arrays_are_counted():
    def fresh(**limits):
        return Arrays(NetworkBuilder(10, Budget(**limits)))

    ops = fresh(entries=2000)

    def turned():
        x = ops.input((10,))
        for _ in range(1000):
            x = ops.rearrange(x, lambda p: p[::-1])

    with pytest.raises(NetworkError, match="2,000 entries"):
        turned()
    other = fresh(digits=10_000)

    def squared():
        x = other.constant([rational("1/3")] * 3)
        for _ in range(100):
            x = other.multiply(x, x)

    with pytest.raises(NetworkError, match="10,000 digits"):
        squared()


def test_a_damaged_archive_is_named(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, W0=np.eye(2))
    path = tmp_path / "net.npz"
    path.write_bytes(buffer.getvalue()[:-30])
    assert "damaged" in refusal(path)
