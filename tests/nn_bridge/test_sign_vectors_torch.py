"""The torch backend finds the same complex as the compiled one (on whatever device there is)."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from nn_bridge.errors import NetworkError
from nn_bridge.network import Network
from nn_bridge.sign_vectors import count_sign_vectors, extract
from polyhedra.polyhedron import Polyhedron

torch = pytest.importorskip("torch")
NETS = Path(__file__).parents[1] / "data" / "nets"
DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])


def load(name):
    data = np.load(NETS / f"{name}.npz")
    depth = len(data.files) // 2
    return Network.from_layers([data[f"W{i}"] for i in range(depth)], [data[f"b{i}"] for i in range(depth)])


def canonical(complex_):
    """Vertices and edges in the order of their fingerprints: zeros, faces, ends; and the positions."""
    order = np.argsort(complex_._vertex_words)
    zeros = np.sort(complex_.vertex_zeros, axis=1)
    words = complex_._vertex_words
    ends = np.sort(words[complex_.edges], axis=1)
    edge_order = np.argsort(complex_._edge_words)
    return (
        words[order],
        zeros[order],
        complex_.vertex_faces[order],
        complex_._edge_words[edge_order],
        ends[edge_order],
        np.sort(complex_.edge_zeros, axis=1)[edge_order],
    ), complex_.vertices[order]


def same(left, right):
    (one, points), (two, other) = canonical(left), canonical(right)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    bound = left.vertex_error[np.argsort(left._vertex_words)] + right.vertex_error[np.argsort(right._vertex_words)]
    assert np.all(np.abs(points - other) <= bound[:, None])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("name", "side"), [("d2_10_5_1_s0", 10), ("bunny_d2_2x50", 1), ("d3_16_16_1_s0", 2), ("d4_16_16_1_s0", 1)]
)
def test_same_complex_as_the_compiled_loops(name, side, device):
    network = load(name)
    compiled = extract(network, (-side, side), output_hyperplanes=True)
    tensors = extract(network, (-side, side), output_hyperplanes=True, backend="torch", device=device)
    assert compiled.generic
    same(compiled, tensors)
    assert compiled.count_cells() == tensors.count_cells() == tensors.count_cells_by_sign_vectors()


@pytest.mark.parametrize("device", DEVICES)
def test_one_input_wide_stages_leaky_units_and_polytopes(device):
    rng = np.random.default_rng(7)
    line = Network.from_layers([rng.normal(size=(5, 1)), rng.normal(size=(1, 5))], [rng.normal(size=5), [0.1]])
    wide = Network.from_layers([rng.normal(size=(70, 2)), rng.normal(size=(1, 70))], [rng.normal(size=70), [0.1]])
    leaky = Network.from_layers(
        [rng.normal(size=(6, 2)), rng.normal(size=(5, 6)), rng.normal(size=(1, 5))],
        [rng.normal(size=6), rng.normal(size=5), [0.1]],
        ["leaky:1/10", "leaky:1/3", "linear"],
    )
    for network in (line, wide, leaky):
        same(extract(network, (-1, 1)), extract(network, (-1, 1), backend="torch", device=device))
    octahedron = Polyhedron([list(signs) for signs in itertools.product((1, -1), repeat=3)], [1] * 8)
    network = load("d3_16_16_1_s0")
    same(extract(network, octahedron), extract(network, octahedron, backend="torch", device=device))


@pytest.mark.parametrize("device", DEVICES)
def test_degenerate_and_nearly_degenerate(device):
    duplicate = Network.from_layers([[[1, 2], [1, 2]], [[1, 1]]], [["1/3", "1/3"], [0]])
    result = count_sign_vectors(duplicate, (-1, 1), backend="torch", device=device)
    assert result.cells is None
    assert "doubtful" in result.reason
    near = Network.from_layers(
        [[[1, 2], [3, -1], [4, 1]], [[1, 1, 1]]],
        [["1/3", "1/5", "1000000000000000000000000000008/1875000000000000000000000000000"], [0]],
    )
    result = count_sign_vectors(near, (-1, 1), backend="torch", device=device)
    assert result.cells == count_sign_vectors(near, (-1, 1)).cells == 7


def test_pieces_and_unknown_devices():
    network = load("d3_16_16_1_s0")
    whole = extract(network, (-2, 2), backend="torch")
    parts = extract(network, (-2, 2), backend="torch", memory="4MB")
    assert parts.pieces > 1
    assert parts.f_vector() == whole.f_vector()
    with pytest.raises(NetworkError, match="cannot be used"):
        extract(network, (-2, 2), device="no-such-device")
