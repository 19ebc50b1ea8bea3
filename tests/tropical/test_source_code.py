"""Formulas as Python and C source: run, and compiled where there is a compiler, they give the exact values."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.scalars import rational
from tropical.parsing import parse
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational
from tropical.source_code import c_source, python_source

COMPILER = shutil.which("cc") or shutil.which("gcc")

FORMULAS = [
    "max(2x1 - x2 + 1/4, 0) - max(x2, -3)",
    "x1 - 5/8x2",
    "max(x1, x2, -x1, -x2, 7)",
    "-3 + 0x1 + 0x2",
    "max(1/1024x1, -2) - (x2 - 1)",
]


def python_function(formulas):
    scope = {}
    exec(python_source(formulas), scope)  # our own output, which this test is about
    return scope["network"]


def exact_values(formulas, points):
    return [
        [float(f([rational(v) for v in x]).p) / float(f([rational(v) for v in x]).q) for f in formulas] for x in points
    ]


POINTS = np.random.default_rng(0).integers(-20, 21, (50, 2)) / 4


def test_python_source_computes_the_function():
    formulas = [parse(text, names=("x1", "x2")) for text in FORMULAS]
    network = python_function(formulas)
    assert np.array_equal(network(POINTS), exact_values(formulas, POINTS))
    assert network(POINTS[0]).shape == (len(FORMULAS),)
    assert network(POINTS.reshape(5, 10, 2)).shape == (5, 10, len(FORMULAS))


@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
def test_c_source_computes_the_function(tmp_path):
    formulas = [parse(text, names=("x1", "x2")) for text in FORMULAS]
    source, library = tmp_path / "network.c", tmp_path / "network.so"
    source.write_text(c_source(formulas))
    command = [COMPILER, "-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"]
    subprocess.run([*command, "-o", str(library), str(source)], check=True)
    function = ctypes.CDLL(str(library)).network
    vector = ctypes.POINTER(ctypes.c_double)
    function.argtypes, function.restype = [vector, vector], None
    results = []
    for point in POINTS:
        y = np.zeros(len(formulas))
        function(np.ascontiguousarray(point).ctypes.data_as(vector), y.ctypes.data_as(vector))
        results.append(y)
    assert np.array_equal(results, exact_values(formulas, POINTS))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.fractions(max_denominator=10**9), st.fractions()), min_size=1, max_size=4))
def test_coefficients_are_the_nearest_floats(terms):
    exact = [([fmpq(a.numerator, a.denominator)], fmpq(c.numerator, c.denominator)) for a, c in terms]
    polynomial = PuiseuxPolynomial(exact)
    network = python_function([PuiseuxRational(polynomial)])
    # at 0 only the constants count, far out only the slopes
    largest = max(c for _, c in polynomial.terms)
    assert network(np.array([0.0]))[0] == int(largest.p) / int(largest.q)
    c = c_source([PuiseuxRational(polynomial)])
    for a, _ in polynomial.terms:
        slope = int(a[0].p) / int(a[0].q)
        assert any(eval(row.split(",")[0].strip(" {")) == slope for row in c.splitlines() if row.startswith("    {"))


def test_refusals():
    function = parse("max(x1, 0)")
    with pytest.raises(AlgebraError, match="at least one output"):
        python_source([])
    with pytest.raises(AlgebraError, match="different numbers"):
        c_source([function, parse("x1 + x2")])
    with pytest.raises(AlgebraError, match="no name"):
        python_source([function], "two words")
    with pytest.raises(AlgebraError, match="larger than any float64"):
        c_source([PuiseuxRational(PuiseuxPolynomial([([fmpq(10) ** 400], 0)]))])
