"""Reading formulas: what is printed is read back, arithmetic is ordinary, mistakes are shown in place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyhedra.errors import AlgebraError
from polyhedra.scalars import rational
from tests.tropical.polynomial_strategies import law, points, polynomials, rational_functions
from tropical import PuiseuxPolynomial, PuiseuxRational
from tropical.min_plus import from_min_plus, min_plus_text, to_min_plus
from tropical.parsing import parse, parse_polynomial

LONG = f"max({', '.join(f'{i}x1 - {i * i}x2' for i in range(400))})"


@given(rational_functions(max_terms=5))
@law()
def test_printing_and_parsing_are_inverse(f):
    assert parse(str(f), f.dim) == f


@given(polynomials(max_terms=6))
@law()
def test_polynomials_come_back_with_names_of_ones_own(f):
    from tropical.printing import polynomial_text

    names = ["alpha", "b_2", "z"][: f.dim]
    assert parse_polynomial(polynomial_text(f, names), names=names) == f


@given(rational_functions(dim=2, max_terms=3), points(2))
@law()
def test_the_min_plus_form_is_the_same_function(f, x):
    again = parse(min_plus_text(f), 2)
    assert again(x) == f(x)
    first, second = to_min_plus(f)
    assert (from_min_plus(first) / from_min_plus(second))(x) == f(x)


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("2x1 - x2 + 1/3", (1, 1), "4/3"),
        ("max(2x1 - x2 + 1/3, 0) - max(x2, 0)", (1, 1), "1/3"),
        ("1/2x1", (3, 0), "3/2"),
        ("0.1 * x1 + 1e-1", (1, 0), "0.2"),
        ("-(x1 - 2*x2)/4", (1, 1), "1/4"),
        ("relu(x1 - 1) + abs(x2)", (3, -2), 4),
        ("min(x1, x2, max(1, x1))", (5, 7), 5),
        ("Max(0, Min(x1, 1))", (3, 0), 1),
        ("3(x1 + 1)", (1, 0), 6),
        ("-max(x1, -x2)*2 - -x2", (1, 0), -2),
        ("x1 - (x2 - (x1 - 1))", (2, 5), -2),
        ("+x1 - 0*max(x1, 2)", (2, 5), 2),
        ("2*3*x1/6", (2, 5), 2),
        ("max{x_1, 2} + {x2}", (1, 5), 7),
        ("x1^2 + 3x_2^(1/2)", (2, 4), 10),
        ("max(x1, x2)^3 - x1^-1", (2, 4), 14),
        ("-x1^2", (3, 0), -6),
    ],
)
def test_ordinary_arithmetic(text, x, value):
    assert parse(text, 2)(x) == rational(value)


def test_the_number_of_variables_is_read_off():
    assert parse("x3 + 1").dim == 3
    assert parse("1").dim == 1
    assert parse("-inf", 2).is_zero
    assert parse("max(x1, -inf)") == PuiseuxRational.variables(1)[0]


def test_polynomials_only():
    assert parse_polynomial("max(x1, 0) - 2x1 + (1 - x1)") == PuiseuxPolynomial({(-2,): 1, (-3,): 1})
    with pytest.raises(AlgebraError, match="subtracts a maximum"):
        parse_polynomial("x1 - max(x1, 0)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max(x1, ", r"column 9: the formula ends too early: max\(x1, <here>"),
        ("max(x1,, 0)", r"column 8: expected a number, a variable or a maximum: max\(x1,<here>, 0\)"),
        ("x1 + ? 3", r"column 6: '\?' is no number, name or operator: x1 \+ <here>\? 3"),
        ("y + 1", r"column 1: 'y' is unknown; the variables are x1"),
        ("x1 * x2", "column 4: a product of two expressions"),
        ("1 / x1", "a divisor must be a number"),
        ("x1 / 0", "division by zero"),
        ("(x1", r"expected '\)'"),
        ("x1)", "should end"),
        ("max x1", r"expected '\('"),
        ("relu(x1, x2)", "takes one argument, not 2"),
        ("x1 - (-inf)", "cannot be subtracted"),
        ("2 * (-inf)", "cannot be multiplied"),
        ("", "ends too early"),
        ("(" * 300 + "x1" + ")" * 300, "nested"),
        (f"{LONG} + {LONG}", "expands to more than"),
        ("café", "'caf' is unknown|is no number"),
        ("x1**2", "expected a number"),
        ("x1^x2", "an exponent is a number"),
        ("x1^2^2", "an exponent is a number"),
        ("2^3", "a power of a number"),
        ("x1^", "expected a number"),
        ("max{x1, 2)", "expected '}'"),
        ("x_0", "unknown"),
        ("sin(x1)", "'sin' is unknown"),
    ],
)
def test_mistakes_are_shown_in_place(text, message):
    with pytest.raises(AlgebraError, match=message):
        parse(text)


@given(st.text(alphabet="x12+-*/(),.max \n", max_size=25))
@law(150)
def test_no_text_breaks_the_parser(text):
    try:
        value = parse(text, 2)
    except AlgebraError as error:
        message = str(error)
    else:
        message = str(value)
    assert "\n" not in message


def test_min_plus_bad_input():
    with pytest.raises(AlgebraError, match="plus infinity"):
        from_min_plus([])
    with pytest.raises(AlgebraError, match="no min-plus form"):
        to_min_plus(PuiseuxRational.constant("-inf", 1))
    with pytest.raises(AlgebraError, match="cannot stand for"):
        parse("x", 2, names=["x"])


@pytest.mark.parametrize("name", ["e1", "E7", "e1x", "e", "e_1", "_", "x1", "inf2", "maximum", "e12345"])
def test_every_name_that_is_accepted_is_read_back(name):
    from tropical.printing import polynomial_text

    for coefficient in (2, "1/2", "-3/7", 1, -1, "10"):
        f = PuiseuxPolynomial({(coefficient,): 1, (0,): 0})
        assert parse_polynomial(polynomial_text(f, [name]), names=[name]) == f
    assert parse_polynomial("2e1 + 1", names=["x"]) == PuiseuxPolynomial({(0,): 21})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["inf"], "name 0, 'inf', means something else"),
        (["x", "Max"], "name 1, 'Max', means something else"),
        (["1x"], "name 0, '1x', is no letter"),
        ([""], "name 0, '', is no letter"),
        (["x y"], "is no letter"),
        (["x", "x"], "the name 'x' comes twice"),
        (["\x1b[31m"], r"name 0, '\\x1b\[31m', is no letter"),
    ],
)
def test_names_that_could_not_be_read_back_are_refused(names, message):
    from tropical.printing import affine_text

    with pytest.raises(AlgebraError, match=message):
        parse("1", names=names)
    with pytest.raises(AlgebraError, match=message):
        affine_text([rational(1)] * len(names), rational(0), names)
    with pytest.raises(AlgebraError, match="1 name cannot stand for 2 variables"):
        affine_text([rational(1)] * 2, rational(0), ["x"])


@given(rational_functions(dim=2, max_terms=4), st.permutations(["e1", "e2", "E3", "x1", "u"]))
@law()
def test_printing_and_parsing_are_inverse_with_any_names(f, names):
    from tropical.printing import rational_text

    assert parse(rational_text(f, names[:2]), names=names[:2]) == f


def test_plus_infinity_is_the_min_plus_zero():
    assert from_min_plus({(1,): 2, (0,): float("inf")}) == from_min_plus({(1,): 2})
    assert from_min_plus([((1,), "inf"), ((0,), 3)]) == from_min_plus({(0,): 3})
    with pytest.raises(AlgebraError, match="without finite terms"):
        from_min_plus({(1,): "+inf"})
    with pytest.raises(AlgebraError, match="term 0"):
        from_min_plus({(1,): float("nan")})
