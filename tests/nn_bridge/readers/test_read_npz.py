"""The .npz reader: exact values in, one clear line for everything else."""

import contextlib
import io
import os
import struct
import zipfile

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers.files import MAX_BYTES, read_bytes
from nn_bridge.readers.npz import read_npz
from polyhedra.errors import UnreadableError
from polyhedra.quoting import shown_path

W0 = np.array([[0.1, -2.0], [0.5, 3.0], [0.0, 1e-300]])
W1 = np.array([[1.0, -1.0, 0.25]])


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def refusal(path):
    with pytest.raises(NetworkError) as caught:
        read_npz(path)
    message = str(caught.value)
    assert "\n" not in message
    assert shown_path(path) in message
    return message


def test_reads_exact_values_and_missing_biases_as_zero(tmp_path):
    network = read_npz(saved(tmp_path / "net.npz", W0=W0, W1=W1, b1=[0.3]))
    assert network == Network.from_layers([W0.tolist(), W1.tolist()], [[0, 0, 0], [0.3]])
    assert network.stages[0].blocks[0][1][0][0] == fmpq(*(0.1).as_integer_ratio()) != fmpq(1, 10)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "int64", "uint16", ">f4", ">i2"])
def test_reads_every_plain_number_type_exactly(tmp_path, kind):
    matrix = np.array([[1.1, 2.7], [3.3, 4.9]]).astype(kind)
    network = read_npz(saved(tmp_path / "net.npz", W0=matrix))
    expected = [[fmpq(*float(v).as_integer_ratio()) for v in row] for row in matrix]
    assert [list(row) for row in network.output.blocks[0][1]] == expected


def test_reads_large_integers_that_no_float_holds(tmp_path):
    network = read_npz(saved(tmp_path / "net.npz", W0=np.array([[2**62 + 1]])))
    assert network.evaluate([1]) == (fmpq(2**62 + 1),)


def test_reads_compressed_and_column_major_arrays(tmp_path):
    path = tmp_path / "net.npz"
    np.savez_compressed(path, W0=np.asfortranarray(W0), W1=W1)
    assert read_npz(path) == Network.from_layers([W0.tolist(), W1.tolist()])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, ["no arrays"]),
        ({"arr_0": W0}, ["'arr_0'", "W0, b0"]),
        ({"W0": W0, "W2": W1}, ["W2 but not W1", "without gaps"]),
        ({"b0": [0.0]}, ["b0 but not W0"]),
        ({"W0": W0, "b1": [0.0]}, ["b1 but not W1"]),
        ({"W0": W0, "W1": W1.T}, ["W1", "(3, 1)", "transpose"]),
        ({"W0": W0, "W1": np.ones((1, 4))}, ["W1", "(1, 4)", "do not chain"]),
        ({"W0": W0.ravel()}, ["W0", "(6,)", "matrix"]),
        ({"W0": np.ones((2, 2, 2))}, ["W0", "(2, 2, 2)", "matrix"]),
        ({"W0": np.ones((0, 2))}, ["W0", "(0, 2)", "at least one"]),
        ({"W0": W0, "b0": np.zeros((3, 1))}, ["b0", "(3, 1)", "shape (3,)"]),
        ({"W0": W0, "b0": np.zeros(2)}, ["b0", "(2,)", "3 rows"]),
        ({"W0": W0 * np.nan}, ["W0", "nan at (0, 0)", "finite"]),
        ({"W0": W0, "b0": [0, np.inf, 0]}, ["b0", "inf at (1,)"]),
        ({"W0": W0 + 1j}, ["W0", "complex128", "float64"]),
        ({"W0": np.array([["a"]])}, ["W0", "float64"]),
        ({"W0": np.array([[True]])}, ["W0", "bool", "float64"]),
        ({"W0": np.zeros(2, dtype=[("x", "f8")])}, ["W0", "float64"]),
    ],
)
def test_names_the_array_and_the_remedy(tmp_path, arrays, words):
    message = refusal(saved(tmp_path / "net.npz", **arrays))
    for word in words:
        assert word in message


def test_refuses_objects_without_unpickling_them(tmp_path):
    marker = tmp_path / "run"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    path = tmp_path / "net.npz"
    np.savez(path, W0=np.array([[Trap()]], dtype=object))
    assert "Python objects" in refusal(path)
    assert not marker.exists()


def archive(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def npy(header, data=b""):
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def test_refuses_an_archive_bomb_before_inflating(tmp_path):
    bomb = npy(f"{{'descr': '|i1', 'fortran_order': False, 'shape': (1, {2**22})}}", bytes(2**22))
    path = archive(tmp_path / "bomb.npz", [("W0.npy", bomb)], compression=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 2**31)  # the directory tells of 2 GiB
    path.write_bytes(content)
    assert len(content) < 2**16
    assert f"inflates to {2**31} bytes" in refusal(path)


def test_limit_is_on_the_sum_of_all_arrays(tmp_path, monkeypatch):
    path = saved(tmp_path / "net.npz", W0=np.eye(8), W1=np.eye(8), W2=np.eye(8))
    assert read_npz(path).hidden == (8, 8)
    assert MAX_BYTES >= 2**28
    monkeypatch.setattr("nn_bridge.readers.npz.MAX_BYTES", 3 * (512 + 128) - 1)
    with pytest.raises(NetworkError, match="more than the"):
        read_npz(path)


@pytest.mark.parametrize("shape", ["(1, 4000000000)", "(1, 2)", "(10**9, 10**9)", "(-1, -3)", "(3.0, 1)", "'x'"])
def test_refuses_a_header_that_lies_about_the_shape(tmp_path, shape):
    content = npy(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}", bytes(24))
    assert "W0" in refusal(archive(tmp_path / "net.npz", [("W0.npy", content)]))


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x07\x00" + bytes(200), npy("{" * 110), npy("'" + "[" * 100), b"PK" * 90]
)
def test_refuses_broken_array_headers(tmp_path, content):
    assert "W0" in refusal(archive(tmp_path / "net.npz", [("W0.npy", content)]))


def test_refuses_an_array_stored_twice(tmp_path):
    content = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}", bytes(8))
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path / "net.npz", [("W0.npy", content), ("W0.npy", content)])
    assert "twice" in refusal(path)


def test_refuses_other_packings(tmp_path):
    path = archive(tmp_path / "net.npz", [("W0.npy", npy("{}"))], compression=zipfile.ZIP_BZIP2)
    assert "packed in a way" in refusal(path)


def test_refuses_what_is_no_archive(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(b"not a zip")
    assert "not an .npz archive" in refusal(path)
    path.write_bytes(b"")
    assert refusal(path) == f"{path} is empty; save the network again"
    path.unlink()
    assert "no such file" in refusal(path)
    path.mkdir()
    assert refusal(path) == f"{path} is a directory; give the network file itself"
    assert "cannot be read" in refusal(tmp_path / ("x" * 300 + ".npz"))


def test_refuses_a_fifo_without_waiting_for_a_writer(tmp_path):
    path = tmp_path / "net.npz"
    os.mkfifo(path)
    assert "not a regular file" in refusal(path)


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    path = saved(tmp_path / "net.npz", W0=W0)

    def refuse(*_):  # not by chmod: the superuser may read everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert "permissions" in refusal(path)


def valid_file():
    buffer = io.BytesIO()
    np.savez_compressed(buffer, W0=W0, b0=np.zeros(3), W1=W1)
    return buffer.getvalue()


VALID = valid_file()


def test_refuses_every_truncation(tmp_path):
    path = tmp_path / "net.npz"
    for length in range(1, len(VALID), 7):
        path.write_bytes(VALID[:length])
        assert str(path) in refusal(path)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_changed_file_is_read_or_refused(tmp_path_factory, changes):
    content = bytearray(VALID)
    for place, value in changes:
        content[place] = value
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / "net.npz"
    path.write_bytes(content)
    with contextlib.suppress(NetworkError):
        assert isinstance(read_npz(path), Network)
    assert [entry.name for entry in folder.iterdir()] == ["net.npz"]


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.binary(min_size=1, max_size=200), st.booleans())
def test_random_bytes_are_refused(tmp_path_factory, content, prefixed):
    path = tmp_path_factory.mktemp("fuzz") / "net.npz"
    path.write_bytes(b"PK\x03\x04" + content if prefixed else content)
    refusal(path)


@pytest.mark.parametrize("number", [0, 3, True])
def test_a_number_is_no_path(number: int) -> None:
    with pytest.raises(UnreadableError, match=r"a property is read from a path, not from .* \(of type (int|bool)\)"):
        read_bytes(number, 100, "property")  # type: ignore[arg-type]
