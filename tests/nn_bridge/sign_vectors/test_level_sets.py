"""Level sets: closed forms, completeness, agreement with and without pruning, files, and gradients."""

import contextlib
import itertools
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_bridge.cells.cell import iterate_cells
from nn_bridge.errors import NetworkError
from nn_bridge.network.builder import NetworkBuilder
from nn_bridge.network.network import Network
from nn_bridge.sign_vectors import level_sets, skeleton
from nn_bridge.sign_vectors.level_sets import level_set
from nn_bridge.sign_vectors.mesh import write_mesh
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import rational

torch = pytest.importorskip("torch")
from nn_bridge.sign_vectors.differentiable import (  # noqa: E402  (torch is optional)
    TorchNetwork,
    enclosed_volume,
    total_area,
    total_bending,
    vertex_positions,
)

NETS = Path(__file__).parents[2] / "data" / "nets"


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


@pytest.mark.parametrize("level", ["1/3", 1 / 3, Fraction(1, 3), np.float64(1 / 3)])
def test_errors_of_vertices_hold(level):
    line = level_set(Network.from_layers([[[1, 2]]], [["1/10"]]), (-1, 1), level)
    exact = Fraction(level) - Fraction(1, 10)
    for (x, y), error in zip(line.vertices.tolist(), line.vertex_error.tolist(), strict=True):
        assert abs(x) == 1
        assert abs(Fraction(y) - (exact - Fraction(x)) / 2) <= error < 1e-14


def test_on_a_huge_domain_the_errors_tell_that_places_are_lost():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for side in (1e20, 1e99):
            shape = level_set(ball(2), (-side, side))
            assert len(shape) == 8
            off = np.abs(ball(2).evaluate_float(shape.vertices)[:, 0])
            assert np.all(off <= 8 * shape.vertex_error)
            assert shape.vertex_error.max() > 0.1


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


def skip_net():
    """A network in R^3 whose third stage and output read the input and earlier stages."""
    rng = np.random.default_rng(6)
    builder = NetworkBuilder(3)
    x = builder.input()
    first = builder.relu(builder.affine(x, rng.normal(size=(7, 3)), rng.normal(size=7) / 2))
    second = builder.relu(builder.affine(first, rng.normal(size=(6, 7)), rng.normal(size=6) / 2))
    third = builder.relu(
        builder.affine(builder.concatenate(x, first, second), rng.normal(size=(5, 16)), rng.normal(size=5))
    )
    return builder.finish(builder.affine(builder.concatenate(x, second, third), rng.normal(size=(1, 14)), [0.3]))


LEAKY = Network.from_layers(
    [np.random.default_rng(9).normal(size=s) for s in ((8, 2), (7, 8), (6, 7), (1, 6))],
    [np.random.default_rng(9).normal(size=s) / 2 for s in (8, 7, 6, 1)],
    ["leaky:1/8", "leaky:1/4", "relu", "linear"],
)
OCTAHEDRON = Polyhedron(list(itertools.product((1, -1), repeat=3)), ["3/2"] * 8)
PRUNED = {
    "plane": (random_net(3, [2, 8, 8, 6, 1]), (-1, 1)),
    "space": (random_net(3, [3, 7, 6, 5, 1]), (-1, 1)),
    "deep": (random_net(5, [3, 8, 8, 4, 4, 1]), (-1, 1)),
    "leaky": (LEAKY, (-1, 1)),
    "skips": (skip_net(), OCTAHEDRON),
}


@pytest.mark.parametrize("case", PRUNED)
def test_pruning_changes_nothing(monkeypatch, case):
    network, domain = PRUNED[case]
    whole = level_set(network, domain, 0.1, prune=False)
    dropped = []
    original = level_sets.drop_cells

    def spy(skeleton, index, layout):
        before = skeleton.vertices
        original(skeleton, index, layout)
        dropped.append(before - skeleton.vertices)

    monkeypatch.setattr(level_sets, "PRUNE_FROM", 0)
    monkeypatch.setattr(level_sets, "drop_cells", spy)
    pruned = level_set(network, domain, 0.1)
    assert sum(dropped) > 0
    assert_same(pruned, whole)


def assert_same(one, two):
    assert len(one) > 0
    assert (len(one.vertices), len(one)) == (len(two.vertices), len(two))
    order, other = np.lexsort(one.vertices.T), np.lexsort(two.vertices.T)
    assert np.allclose(one.vertices[order], two.vertices[other], atol=1e-12)
    # the same polygons, each by its vertices
    assert polygons(one, order) == polygons(two, other)
    assert one.area() == pytest.approx(two.area(), rel=1e-12)
    assert one.enclosed() == pytest.approx(two.enclosed(), rel=1e-9, abs=1e-12)


def polygons(surface, order):
    place = np.argsort(order)
    return {
        frozenset(place[surface.members[low:high]].tolist()) for low, high in itertools.pairwise(surface.start.tolist())
    }


IN_PIECES = {
    "plane": (load("bunny_d2_2x50"), (-0.5, 0.5), 400_000),
    "space": (load("bunny_d3_3x16"), (-0.5, 0.5), 6_000_000),
    "polytope": (skip_net(), OCTAHEDRON, 150_000),
}


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("case", IN_PIECES)
def test_in_pieces_it_is_the_same(monkeypatch, case, prune):
    network, domain, room = IN_PIECES[case]
    whole = level_set(network, domain, 0.1, prune=False)
    pieces = []
    original = level_sets._cut_level

    def spy(plan, part, limit, prune):
        piece = original(plan, part, limit, prune)
        pieces.append(len(piece.vertices))
        return piece

    monkeypatch.setattr(level_sets, "PRUNE_FROM", 50)
    monkeypatch.setattr(level_sets, "_cut_level", spy)
    monkeypatch.setattr(skeleton, "SMALL", 16)
    monkeypatch.setattr(skeleton, "ROOM", 64)
    monkeypatch.setattr(level_sets, "room_for", lambda memory: room)
    assert_same(level_set(network, domain, 0.1, prune=prune), whole)
    assert len(pieces) > 1


def test_a_budget_that_is_too_small_says_so(monkeypatch):
    with pytest.raises(NetworkError, match="not a size"):
        level_set(ball(2), (-2, 2), memory="much")
    monkeypatch.setattr(skeleton, "SMALL", 16)
    monkeypatch.setattr(skeleton, "ROOM", 64)
    monkeypatch.setattr(level_sets, "room_for", lambda memory: 1000)
    for memory, name in ((None, "60% of the free memory"), ("1KiB", "memory='1KiB'")):
        with pytest.raises(NetworkError, match=f"{name} is too small for this level set"):
            level_set(random_net(3, [3, 7, 6, 5, 1]), (-1, 1), 0.1, memory=memory)


def exact_pieces(network, box, level):
    """The cells that the level set cuts in two, and in the plane its length, by the exact engine."""
    count, length = 0, 0.0
    for cell in iterate_cells(network, box):
        corners = cell.polyhedron.vertices()
        values = [cell(corner)[0] - rational(level) for corner in corners]
        if min(values) < 0 < max(values):
            count += 1
            if network.input_dim == 2:
                weights, bias = cell.affine_map.matrix[0], cell.affine_map.offset[0]
                line = Polyhedron(
                    [*(row[:-1] for row in cell.polyhedron.inequalities)],
                    [row[-1] for row in cell.polyhedron.inequalities],
                    [weights],
                    [rational(level) - bias],
                )
                a, b = ([float(v) for v in end] for end in line.vertices())
                length += float(np.hypot(a[0] - b[0], a[1] - b[1]))
    return count, length


def box(n):
    rows = [[sign * int(i == j) for j in range(n)] for sign in (1, -1) for i in range(n)]
    return Polyhedron(rows, [1] * (2 * n))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.sampled_from([[2, 4, 3, 1], [2, 3, 3, 2, 1], [3, 3, 3, 1]]),
    st.integers(0, 10**6),
    st.sampled_from(["real", "whole", "no bias", "duplicates"]),
    st.sampled_from(["0", "1/7", "1"]),
)
def test_pruned_level_sets_are_the_exact_engines_or_refused(shape, seed, kind, level):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in itertools.pairwise(shape)]
    biases = [rng.normal(size=b) / 2 for b in shape[1:]]
    if kind == "whole":
        weights, biases = ([np.round(a) for a in arrays] for arrays in (weights, biases))
    elif kind == "no bias":
        biases = [np.zeros(b) for b in shape[1:]]
    elif kind == "duplicates":
        weights[0][1], biases[0][1] = weights[0][0], biases[0][0]
    network = Network.from_layers(weights, biases)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_sets, "PRUNE_FROM", 0)
        surface = None
        with contextlib.suppress(NetworkError):
            surface = level_set(network, (-1, 1), level)
    assert surface is not None or kind != "real"
    if surface is None:
        with pytest.raises(NetworkError, match="not generic"):
            level_set(network, (-1, 1), level)
        return
    count, length = exact_pieces(network, box(shape[0]), level)
    assert len(surface) == count
    if shape[0] == 2:
        assert surface.area() == pytest.approx(length, rel=1e-9, abs=1e-12)


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_sets, "PRUNE_FROM", 0)  # no cell is left
        empty = level_set(random_net(1, [2, 4, 3, 1]), (-1, 1), 1000)
    assert (len(empty), len(empty.vertices), empty.area()) == (0, 0, 0.0)
    with pytest.raises(NetworkError, match="2 or 3 inputs"):
        level_set(random_net(1, [4, 3, 1]), (-1, 1))
    flat = Network.from_layers([[[1, 0]], [[1]]], [["1/3"], [0]])
    with pytest.raises(NetworkError, match="move the level"):
        level_set(flat, (-1, 1), 0)  # zero on half of the box
    for constant in (
        Network.from_layers([[[0, 0]]], [["1/2"]]),
        Network.from_layers([[[1, 2], [3, 1]], [[0, 0]]], [["1/3", 1], ["1/2"]]),
    ):
        assert len(level_set(constant, (-1, 1), 0)) == 0
        with pytest.raises(NetworkError, match="output 0 is 1/2 everywhere"):
            level_set(constant, (-1, 1), "1/2")
    with pytest.raises(NetworkError, match="its level sets are points"):
        level_set(random_net(1, [1, 3, 1]), (-1, 1))
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
