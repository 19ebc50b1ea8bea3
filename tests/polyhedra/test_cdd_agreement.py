"""The certified route and pycddlib's exact arithmetic agree on thousands of random and degenerate systems."""

import random
import sys

import pytest

from polyhedra import Infeasible, MissingExtraError, Optimal, Polyhedron, interior, maximize
from polyhedra.matrix import rank

FAMILIES = ("small integers", "through the origin", "few directions", "floats", "fractions")


def random_polyhedron(family, rng):
    """A system of one family: up to ten rows in up to four dimensions, often empty, flat, redundant or unbounded."""
    d, m, k = rng.randint(1, 4), rng.randint(0, 10), rng.choice([0, 0, 0, 1, 2])

    def number():
        if family == "floats":
            return rng.uniform(-1, 1)
        if family == "fractions":
            return f"{rng.randint(-9, 9)}/{rng.randint(1, 9)}"
        return rng.randint(-2, 2)

    def right():
        if family == "through the origin":
            return 0
        return rng.randint(-1, 2) if family in ("small integers", "few directions") else number()

    rows = [[number() for _ in range(d)] for _ in range(m)]
    if family == "few directions":
        directions = rows[:2] or [[0] * d]
        rows = [[rng.choice([-2, -1, 1, 3]) * a for a in rng.choice(directions)] for _ in range(m)]
    equal = [[number() for _ in range(d)] for _ in range(k)]
    return Polyhedron(rows, [right() for _ in rows], equal, [right() for _ in equal], dim=d), [
        number() for _ in range(d)
    ]


@pytest.fixture(scope="module", autouse=True)
def cdd():
    return pytest.importorskip("cdd.gmp", reason="pycddlib with exact arithmetic is not installed")


@pytest.mark.parametrize("family", FAMILIES)
def test_linear_programs_agree(family):
    rng = random.Random(family)
    seen = set()
    for _ in range(300):
        polyhedron, objective = random_polyhedron(family, rng)
        rows = (polyhedron.A, polyhedron.b, polyhedron.A_eq, polyhedron.b_eq)
        ours, theirs = (maximize(objective, *rows, backend=name) for name in ("certified", "cdd"))
        assert type(ours) is type(theirs)
        for answer in (ours, theirs):
            if isinstance(answer, Infeasible):
                assert answer.verify(*rows, polyhedron.dim)
            else:
                assert answer.verify(objective, *rows)
        if isinstance(ours, Optimal):
            assert ours.value == theirs.value
        inside, reference = (interior(*rows, polyhedron.dim, backend=name) for name in ("certified", "cdd"))
        assert type(inside) is type(reference)
        assert inside.verify(*rows, polyhedron.dim)
        assert reference.verify(*rows, polyhedron.dim)
        seen.add(type(ours).__name__)
    assert len(seen) >= 2


@pytest.mark.parametrize("family", FAMILIES)
def test_polyhedra_agree(family):
    rng = random.Random(family + "!")
    dimensions = set()
    for _ in range(200):
        polyhedron, _ = random_polyhedron(family, rng)
        dimensions.add(polyhedron.dimension() - polyhedron.dim)
        assert polyhedron.dimension() == polyhedron.dimension(backend="cdd")
        assert polyhedron.is_empty() == polyhedron.is_empty(backend="cdd")
        assert polyhedron.irredundant() == polyhedron.irredundant(backend="cdd")
        same_generators(polyhedron)
    assert 0 in dimensions


def same_generators(polyhedron):
    """Vertices and rays are unique without lines; with lines the same set and the same numbers."""
    lines, reference_lines = polyhedron.lines(), polyhedron.lines(backend="cdd")
    assert rank(lines) == len(lines) == len(reference_lines) == rank((*lines, *reference_lines))
    vertices, rays = polyhedron.vertices(backend="cdd"), polyhedron.rays(backend="cdd")
    assert len(polyhedron.vertices()) == len(vertices)
    assert len(polyhedron.rays()) == len(rays)
    if not lines:
        assert (polyhedron.vertices(), polyhedron.rays()) == (vertices, rays)
    assert Polyhedron.from_generators(vertices, rays, reference_lines, dim=polyhedron.dim).same_set(polyhedron)


def test_without_pycddlib_the_advice_names_the_headers(monkeypatch):
    monkeypatch.setitem(sys.modules, "cdd", None)
    monkeypatch.setitem(sys.modules, "cdd.gmp", None)
    square = Polyhedron.box([0, 0], [1, 1])
    with pytest.raises(MissingExtraError, match="libcdd-dev libgmp-dev"):
        square.dimension(backend="cdd")
    assert square.dimension() == 2
    assert len(square.vertices()) == 4
