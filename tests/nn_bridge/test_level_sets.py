"""Level sets: closed forms, completeness, agreement with and without pruning, files, and gradients."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from nn_bridge import level_sets
from nn_bridge.errors import NetworkError
from nn_bridge.level_sets import level_set
from nn_bridge.network import Network
from nn_bridge.writers.mesh import write_mesh
from polyhedra.polyhedron import Polyhedron

torch = pytest.importorskip("torch")
from nn_bridge.differentiable import (  # noqa: E402  (torch is optional)
    TorchNetwork,
    enclosed_volume,
    total_area,
    total_bending,
    vertex_positions,
)

NETS = Path(__file__).parents[1] / "data" / "nets"


def load(name):
    data = np.load(NETS / f"{name}.npz")
    depth = len(data.files) // 2
    return Network.from_layers([data[f"W{i}"] for i in range(depth)], [data[f"b{i}"] for i in range(depth)])


def ball(n, shift=0.0):
    """|x_1| + ... + |x_n| - 1 with kinks slightly off the axes: a rounded cross-polytope."""
    rows = [[sign * int(i == j) for j in range(n)] for i in range(n) for sign in (1, -1)]
    biases = [0.1 + 0.01 * i for i in range(2 * n)]
    return Network.from_layers([rows, [[1] * (2 * n)]], [biases, [-1 - shift]])


def random_net(seed, widths):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(widths)]
    return Network.from_layers(weights, [0.5 * rng.normal(size=b) for b in widths[1:]])


def test_affine_level_sets():
    line = level_set(Network.from_layers([[[1, 2]]], [[0]]), (-1, 1), "1/3")
    assert len(line) == 1
    assert line.area() == pytest.approx(np.hypot(2, 1), rel=1e-14)
    assert np.allclose(line.normals, [[1, 2] / np.sqrt(5)])
    plane = level_set(Network.from_layers([[[1, 1, 1]]], [["-1/7"]]), (-1, 1))
    assert len(plane) == 1
    assert len(plane.vertices) == 6
    assert not plane.is_closed()


@pytest.mark.parametrize("n", [2, 3])
def test_closed_shapes(n):
    shape = level_set(ball(n), (-2, 2))
    assert shape.is_closed()
    inside = shape.enclosed()
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, size=(200_000, n))
    share = (ball(n).evaluate_float(points)[:, 0] < 0).mean()
    assert inside == pytest.approx(share * 2**n, rel=0.02)
    # Euler characteristic: a circle or a sphere
    if n == 2:
        assert len(shape.vertices) == len(shape)
    else:
        sides = len(shape.members) // 2
        assert len(shape.vertices) - sides + len(shape) == 2
    # coarea: the volume grows by area / |gradient| per level; compare with a small change of the level
    step = 1e-6
    grown = level_set(ball(n), (-2, 2), step).enclosed()
    gradient = np.linalg.norm(level_sets.output_gradients(shape._plan, centres(shape)), axis=1)
    assert (grown - inside) / step == pytest.approx((shape.areas() / gradient).sum(), rel=1e-3)


def centres(surface):
    size = np.diff(surface.start)[:, None]
    return np.add.reduceat(surface.vertices[surface.members], surface.start[:-1], axis=0) / size


@pytest.mark.parametrize(("name", "side"), [("bunny_d2_2x50", 0.5), ("bunny_d2_4x32", 0.5), ("bunny_d3_3x16", 0.5)])
def test_trained_shapes_are_complete(name, side):
    network = load(name)
    surface = level_set(network, (-side, side))
    values = network.evaluate_float(surface.vertices)[:, 0]
    assert np.abs(values).max() < 1e-9 * np.abs(network.evaluate_float(np.zeros((1, surface.dim)))).max() + 1e-9
    # every sign change along a random segment crosses the level set: count crossings on axis-parallel lines
    rng = np.random.default_rng(1)
    for _ in range(20):
        axis = int(rng.integers(surface.dim))
        line = rng.uniform(-side, side, size=surface.dim)
        points = np.tile(line, (2001, 1))
        points[:, axis] = np.linspace(-side, side, 2001)
        changes = np.count_nonzero(np.diff(network.evaluate_float(points)[:, 0] > 0))
        assert crossings(surface, line, axis) >= changes
        assert (crossings(surface, line, axis) - changes) % 2 == 0


def crossings(surface, line, axis):
    """How often the axis-parallel line meets the level set."""
    others = [i for i in range(surface.dim) if i != axis]
    flat = surface.vertices[:, others] - line[others]
    if surface.dim == 2:
        a, b = flat[surface.edges[:, 0], 0], flat[surface.edges[:, 1], 0]
        return int(np.count_nonzero((a > 0) != (b > 0)))
    a, b, c = (flat[column] for column in surface.triangles().T)

    def turn(p, q):
        return p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0] > 0

    one, two, three = turn(a, b), turn(b, c), turn(c, a)
    return int(np.count_nonzero((one == two) & (two == three)))


@pytest.mark.parametrize(("shape", "seed"), [([2, 8, 8, 6, 1], 0), ([3, 7, 6, 5, 1], 3), ([3, 8, 8, 4, 4, 1], 5)])
def test_pruning_changes_nothing(monkeypatch, shape, seed):
    network = random_net(seed, shape)
    whole = level_set(network, (-1, 1), 0.1, prune=False)
    dropped = []
    original = level_sets.drop_cells

    def spy(skeleton, index, layout):
        before = skeleton.vertices
        original(skeleton, index, layout)
        dropped.append(before - skeleton.vertices)

    monkeypatch.setattr(level_sets, "PRUNE_FROM", 0)
    monkeypatch.setattr(level_sets, "PRUNE_DEPTH", 0.0)
    monkeypatch.setattr(level_sets, "drop_cells", spy)
    pruned = level_set(network, (-1, 1), 0.1)
    assert sum(dropped) > 0
    assert (len(pruned.vertices), len(pruned)) == (len(whole.vertices), len(whole))
    order, other = np.lexsort(whole.vertices.T), np.lexsort(pruned.vertices.T)
    assert np.allclose(whole.vertices[order], pruned.vertices[other], atol=1e-12)
    assert pruned.area() == pytest.approx(whole.area(), rel=1e-12)


def test_polytopes_normals_and_orientation():
    network = random_net(8, [3, 9, 5, 1])
    simplex = Polyhedron([[-1, 0, 0], [0, -1, 0], [0, 0, -1], [1, 1, 1]], [1, 1, 1, 1])
    surface = level_set(network, simplex, "1/10")
    middle = centres(surface)
    up = network.evaluate_float(middle + 1e-7 * surface.normals)[:, 0]
    assert np.all(up > network.evaluate_float(middle - 1e-7 * surface.normals)[:, 0])
    a, b, c = (surface.vertices[column] for column in surface.triangles().T)
    which = np.repeat(np.arange(len(surface)), np.diff(surface.start) - 2)
    assert np.all(np.einsum("ij,ij->i", np.cross(b - a, c - a), surface.normals[which]) > -1e-12)


def test_empty_level_sets_and_refusals(tmp_path):
    network = random_net(1, [2, 4, 1])
    empty = level_set(network, (-1, 1), 1000)
    assert (len(empty), empty.area()) == (0, 0.0)
    with pytest.raises(NetworkError, match="2 or 3 inputs"):
        level_set(random_net(1, [4, 3, 1]), (-1, 1))
    flat = Network.from_layers([[[1, 0]], [[1]]], [["1/3"], [0]])
    with pytest.raises(NetworkError, match="move the level"):
        level_set(flat, (-1, 1), 0)  # zero on half of the box
    with pytest.raises(NetworkError, match="no output 3"):
        level_set(network, (-1, 1), output=3)
    with pytest.raises(NetworkError, match=r"\.obj or \.ply"):
        write_mesh(empty, tmp_path / "mesh.stl")
    with pytest.raises(NetworkError, match="cannot be written"):
        write_mesh(empty, tmp_path / "nowhere" / "mesh.obj")


@pytest.mark.parametrize("n", [2, 3])
def test_mesh_files_round_trip(tmp_path, n):
    shape = level_set(ball(n), (-2, 2))
    for suffix in (".obj", ".ply"):
        write_mesh(shape, tmp_path / f"shape{suffix}")
    lines = (tmp_path / "shape.obj").read_text().splitlines()
    points = np.array([[float(v) for v in line.split()[1:]] for line in lines if line.startswith("v ")])
    assert np.array_equal(points[:, :n], shape.vertices)
    faces = [[int(v) - 1 for v in line.split()[1:]] for line in lines if line[0] in "fl"]
    assert [v for face in faces for v in face] == shape.members.tolist()
    text = (tmp_path / "shape.ply").read_text().splitlines()
    assert text[0] == "ply"
    head = text.index("end_header")
    assert f"element vertex {len(shape.vertices)}" in text[:head]
    assert np.array_equal(
        [[float(v) for v in row.split()[:n]] for row in text[head + 1 :][: len(points)]], points[:, :n]
    )
    assert len(text) == head + 1 + len(shape.vertices) + len(shape)


# ---------------------------------------------------------------- gradients


@pytest.mark.parametrize(
    ("network", "domain"),
    [
        (ball(2), (-2, 2)),
        (ball(3), (-2, 2)),
        (random_net(3, [3, 7, 6, 1]), (-1, 1)),
        (
            Network.from_layers(
                [[[1, 0.5], [-0.3, 1], [0.7, -1]], [[1, -0.5, 0.4], [0.3, 1, 1]], [[1, 1]]],
                [[0.1, 0.2, 0.3], [0.1, -0.2], [-0.7]],
                ["leaky:1/4", "leaky:1/8", "linear"],
            ),
            (-1, 1),
        ),
    ],
    ids=["ball 2", "ball 3", "random with walls", "leaky"],
)
@pytest.mark.parametrize("quantity", [total_area, enclosed_volume, total_bending])
def test_gradients_against_finite_differences(network, domain, quantity):
    module = TorchNetwork(network)
    surface = level_set(module.to_network(), domain)
    positions = vertex_positions(surface, module)
    assert torch.allclose(positions, torch.as_tensor(surface.vertices), atol=1e-10)
    quantity(surface, positions).backward()
    rng = np.random.default_rng(2)
    step = 1e-6
    for parameter in module.parameters():
        direction = torch.as_tensor(rng.normal(size=tuple(parameter.shape)))
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter += sign * step * direction
            moved = level_set(module.to_network(), domain)
            # the same combinatorics: the step is small
            assert len(moved.vertices) == len(surface.vertices)
            values.append(float(quantity(moved, torch.as_tensor(moved.vertices))))
            with torch.no_grad():
                parameter -= sign * step * direction
        slope = (values[0] - values[1]) / (2 * step)
        exact = float((parameter.grad * direction).sum())
        assert exact == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_values_agree_with_the_level_sets_own():
    shape = level_set(ball(3), (-2, 2))
    positions = torch.as_tensor(shape.vertices)
    assert float(total_area(shape, positions)) == pytest.approx(shape.area(), rel=1e-14)
    assert float(enclosed_volume(shape, positions)) == pytest.approx(shape.enclosed(), rel=1e-14)
    # the total curvature of a closed convex curve is a full turn
    circle = level_set(ball(2), (-2, 2))
    assert float(total_bending(circle, torch.as_tensor(circle.vertices))) == pytest.approx(2 * np.pi, rel=1e-12)
    with pytest.raises(NetworkError, match="another shape"):
        vertex_positions(shape, TorchNetwork(ball(2)))
