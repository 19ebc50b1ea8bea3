"""Formulas as source code: a Python function for NumPy arrays, and a C function.

Both compute in float64, so each coefficient is the nearest float64 of the exact one (a quotient of small integers is
written as a quotient, which rounds the same way).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from keyword import iskeyword

from flint import fmpq

from polyhedra.errors import AlgebraError
from polyhedra.quoting import quoted
from polyhedra.scalars import rational, to_float
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational

_EXACT = 2**53  # integers up to this are floats, and their quotients are correctly rounded
_SHORT = 6  # digits up to which a quotient says more than a decimal
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def python_source(outputs: Sequence[PuiseuxRational], name: str = "network") -> str:
    """A Python function of an array of shape (..., n) to one of shape (..., outputs).

    Parameters
    ----------
    outputs : sequence of PuiseuxRational
        In the same variables, at least one of them.
    name : str
        What to call the function.

    Raises
    ------
    AlgebraError
        There are no outputs or no variables, a number is larger than any float64, or the name is none.

    Examples
    --------
    >>> from tropical.parsing import parse
    >>> print(python_source([parse("max(2x1 - 1/3, 0) - max(x1, x2)")]))
    from functools import reduce
    <BLANKLINE>
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def network(x):
        \"\"\"The outputs, shape (..., 1), at points of shape (..., 2).\"\"\"
        x = np.asarray(x, dtype=np.float64)
        x1, x2 = x[..., 0], x[..., 1]
        y0 = reduce(np.maximum, [
            2*x1 - 1/3,
            np.zeros_like(x1),
        ]) - reduce(np.maximum, [
            x1,
            x2,
        ])
        return np.stack([y0], axis=-1)
    <BLANKLINE>
    """
    dim = _checked(outputs, name)
    names = [f"x{i + 1}" for i in range(dim)]
    lines = ["from functools import reduce", "", "import numpy as np", "", "", f"def {name}(x):"]
    lines.append(f'    """The outputs, shape (..., {len(outputs)}), at points of shape (..., {dim})."""')
    lines.append("    x = np.asarray(x, dtype=np.float64)")
    lines.append(f"    {', '.join(names)} = {', '.join(f'x[..., {i}]' for i in range(dim))}")
    for k, function in enumerate(outputs):
        lines += _python_maximum(function.numerator, names, f"    y{k} = ")
        if not function.denominator_is_one:
            below = _python_maximum(function.denominator, names, "")
            lines[-1] += f" - {below[0]}"
            lines += below[1:]
    lines.append(f"    return np.stack([{', '.join(f'y{k}' for k in range(len(outputs)))}], axis=-1)")
    return "\n".join(lines) + "\n"


def _python_maximum(polynomial: PuiseuxPolynomial, names: Sequence[str], start: str) -> list[str]:
    terms = [f"        {_python_term(a, c, names)}," for a, c in reversed(polynomial.terms)]
    return [f"{start}reduce(np.maximum, [", *terms, "    ])"]


def _python_term(exponent: Sequence[fmpq], coefficient: fmpq, names: Sequence[str]) -> str:
    parts = []
    for value, name in zip(exponent, names, strict=True):
        if value:
            number = _number(abs(value), "")
            product = name if value in (1, -1) else f"({number})*{name}" if "/" in number else f"{number}*{name}"
            parts.append((value < 0, product))
    if not parts:
        return f"np.full_like({names[0]}, {_number(coefficient, '')})" if coefficient else f"np.zeros_like({names[0]})"
    if coefficient:
        parts.append((coefficient < 0, _number(abs(coefficient), "")))
    text = ("-" if parts[0][0] else "") + parts[0][1]
    return text + "".join(f" {'-' if negative else '+'} {part}" for negative, part in parts[1:])


def c_source(outputs: Sequence[PuiseuxRational], name: str = "network") -> str:
    """A C function ``void name(const double *x, double *y)``, with the terms in tables (C99; no library needed).

    Parameters, errors: as for `python_source`.

    Examples
    --------
    >>> from tropical.parsing import parse
    >>> print(c_source([parse("max(2x1 - 1/3, 0)")]))
    /* the maximum over the rows r of terms of r[0] x[0] + r[1] */
    static double network_maximum(const double (*terms)[2], int count, const double *x)
    {
        double largest = 0.0;
        for (int k = 0; k < count; k++) {
            double value = terms[k][1];
            for (int i = 0; i < 1; i++)
                value += terms[k][i] * x[i];
            if (k == 0 || value > largest)
                largest = value;
        }
        return largest;
    }
    <BLANKLINE>
    static const double network_above0[2][2] = {
        {2.0, -1.0/3.0},
        {0.0, 0.0},
    };
    <BLANKLINE>
    /* inputs: 1, outputs: 1 */
    void network(const double *x, double *y)
    {
        y[0] = network_maximum(network_above0, 2, x);
    }
    <BLANKLINE>
    """
    dim = _checked(outputs, name)
    products = [f"r[{i}] x[{i}]" for i in range(dim)]
    affine = " + ".join([*(products if dim <= 3 else [products[0], "...", products[-1]]), f"r[{dim}]"])
    lines = [
        f"/* the maximum over the rows r of terms of {affine} */",
        f"static double {name}_maximum(const double (*terms)[{dim + 1}], int count, const double *x)",
        "{",
        "    double largest = 0.0;",
        "    for (int k = 0; k < count; k++) {",
        f"        double value = terms[k][{dim}];",
        f"        for (int i = 0; i < {dim}; i++)",
        "            value += terms[k][i] * x[i];",
        "        if (k == 0 || value > largest)",
        "            largest = value;",
        "    }",
        "    return largest;",
        "}",
        "",
    ]
    values = []
    for k, function in enumerate(outputs):
        calls = []
        for side, polynomial in (("above", function.numerator), ("below", function.denominator)):
            if side == "below" and function.denominator_is_one:
                continue
            table, count = f"{name}_{side}{k}", len(polynomial)
            lines.append(f"static const double {table}[{count}][{dim + 1}] = {{")
            lines += [f"    {{{', '.join(_number(v, '.0') for v in (*a, c))}}}," for a, c in reversed(polynomial.terms)]
            lines += ["};", ""]
            calls.append(f"{name}_maximum({table}, {count}, x)")
        values.append(f"    y[{k}] = {' - '.join(calls)};")
    lines += [f"/* inputs: {dim}, outputs: {len(outputs)} */", f"void {name}(const double *x, double *y)", "{"]
    return "\n".join([*lines, *values, "}"]) + "\n"


def _checked(outputs: Sequence[PuiseuxRational], name: str) -> int:
    if not outputs or outputs[0].dim < 1:
        raise AlgebraError("source code needs at least one output and one variable")
    if any(function.dim != outputs[0].dim for function in outputs):
        raise AlgebraError("the outputs have different numbers of variables")
    if any(function.is_zero for function in outputs):
        raise AlgebraError("an output is minus infinity everywhere, which has no terms")
    if not _NAME.fullmatch(name) or iskeyword(name):
        raise AlgebraError(f"{quoted(name, 40)} is no name for a function")
    return outputs[0].dim


def _number(value: fmpq, integer_ending: str) -> str:
    """A float64 literal; ``integer_ending`` makes whole numbers floats where the language needs that."""
    top, bottom = int(value.p), int(value.q)
    if bottom == 1 and abs(top) <= _EXACT:
        return f"{top}{integer_ending}"
    nearest = to_float(value)
    if math.isinf(nearest):
        raise AlgebraError("a coefficient is larger than any float64, in which source code computes")
    if rational(nearest) == value or max(len(str(abs(top))), len(str(bottom))) > _SHORT:
        return repr(nearest)
    return f"{top}{integer_ending}/{bottom}{integer_ending}"
