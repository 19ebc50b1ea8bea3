"""The certified route and pycddlib's rational arithmetic agree on thousands of random and degenerate systems.

pycddlib is a witness, not a judge, and cddlib may end the process.  So each comparison runs in a process of its own:
``python test_cdd_agreement.py CHECK FAMILY``.  Where that one is ended by a signal the witness has nothing to say, and
the test is marked as expected to fail, by that name.
"""

import os
import random
import subprocess
import sys

import pytest
from flint import fmpq

from polyhedra import GeometryError, Infeasible, MissingExtraError, Optimal, Polyhedron, interior, maximize
from polyhedra.linear_program import InteriorPoint, NoInterior
from polyhedra.matrix import rank

FAMILIES = ("small integers", "through the origin", "few directions", "floats", "fractions", "17 digits", "zero rows")


def random_polyhedron(family, rng):
    """A system of one family: up to ten rows in up to four dimensions, often empty, flat, redundant or unbounded."""
    d, m, k = rng.randint(1, 4), rng.randint(0, 10), rng.choice([0, 0, 0, 1, 2])

    def number():
        if family == "floats":
            return rng.uniform(-1, 1)
        if family == "17 digits":
            near = rng.choice([10**16, 10**17, 10**18])
            return rng.choice(
                [rng.randint(-4, 4), fmpq(near + rng.choice([-3, -1, 1]), rng.choice([1, near, near - 1]))]
            )
        if family == "zero rows" and rng.random() < 0.6:
            return 0
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


def apart(check, family=""):
    """Run one of the checks below in a process of its own."""
    done = subprocess.run([sys.executable, __file__, check, family], capture_output=True, text=True, timeout=600)
    if done.returncode < 0:
        pytest.xfail(f"pycddlib ended its process by signal {-done.returncode}")
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("check", ["linear programs", "polyhedra"])
def test_both_agree(check, family):
    apart(check, family)


def test_a_wrong_answer_of_the_witness_is_not_taken():
    apart("implicit equalities")


def test_a_witness_that_ends_its_process_is_survived():
    with pytest.raises(pytest.xfail.Exception, match="signal 6"):
        apart("abort")


def abort(_):
    os.abort()


def implicit_equalities(_):
    """On rows 0.999..9 x <= 1, x <= 0, 4x <= 1, -x <= 0 cddlib overlooks that x = 0; the set is a point."""
    polyhedron = Polyhedron([["0.99999999999999999"], [1], [4], [-1]], [1, 0, 1, 0])
    for backend in ("certified", "cdd"):
        assert polyhedron.dimension(backend=backend) == 0
        assert polyhedron.irredundant(backend=backend).equalities == ((1, 0),)
        assert polyhedron.vertices(backend=backend) == ((0,),)
    from polyhedra import cdd

    system = polyhedron.system
    for lie in (InteriorPoint((fmpq(1),)), NoInterior((fmpq(1),) * 4, ()), NoInterior((fmpq(0),) * 4, ())):
        with pytest.raises(GeometryError, match="fails its own proof"):
            cdd._checked(lie, system)


def linear_programs(family):
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


def polyhedra(family):
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


if __name__ == "__main__":
    {check.__name__.replace("_", " "): check for check in (abort, implicit_equalities, linear_programs, polyhedra)}[
        sys.argv[1]
    ](sys.argv[2])
