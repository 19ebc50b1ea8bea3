"""The mixed-integer program of the sparsest fit in floating point, in units in which all data are at most 1.

Each column and the target are divided by a power of two, so that data of any size look alike to the solver. Its bounds
on weights are no part of what is proven: where it finds nothing within them, it is asked again with larger ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from milp.solvers import SolveReport, SolveStatus
from milp.training.candidate import Candidate
from milp.training.fit_data import FitData
from milp.training.interpolation import exact_entries
from milp.training.sparse_model import OneHiddenLayer
from milp.training.sparse_program import build_program, interpolation_near, set_start
from milp.warm_start import solve_from
from polyhedra.scalars import ONE, to_float

_REACHES = (16, 1024)  # bounds on scaled weights and biases


def solve_program(
    data: FitData,
    neurons: int | tuple[int, int],
    limits: tuple[fmpq | None, fmpq | None] | None,
    floor: int,
    start: OneHiddenLayer | None,
    solver: str | None,
    time_limit: float,
) -> tuple[Candidate | None, SolveReport]:
    """The best network that a solver finds, made exact; and how the solver ended.

    Parameters
    ----------
    data : FitData
    neurons : int or pair of int
        K neurons of free sign, or (K+, K-) of fixed signs.
    limits : pair of rationals or None
        Of the absolute values of weights and of biases.
    floor : int
        A lower bound of the non-zeros that is known.
    start : OneHiddenLayer or None
        A float network for the data as given.
    solver : str or None
        HiGHS by default.
    time_limit : float
        Seconds.
    """
    deadline = time.monotonic() + time_limit
    scaled = _Scaled(data, limits)
    X, y, bounds = scaled.X, scaled.y, scaled.bounds
    trained = None if start is None else scaled.model(start)
    report: SolveReport | None = None
    for reach in _REACHES:
        reaches = np.array([reach if bound is None else min(reach, to_float(bound)) for bound in bounds])
        program = build_program(X, y, neurons, reaches[:-1], float(reaches[-1]), floor)
        if trained is not None:
            set_start(program, X, y, neurons, trained, reaches[:-1], float(reaches[-1]))
        report = solve_from(program.problem, solver=solver, time_limit=max(0.05, deadline - time.monotonic()))
        narrow = any(bound is None or bound > reach for bound in bounds)
        if report.status is not SolveStatus.INFEASIBLE or not narrow:
            break
        report = replace(report, status=SolveStatus.LIMIT, bound=None)
    assert report is not None
    if any(bound is None or bound > reach for bound in bounds) and report.bound is not None:
        report = replace(report, bound=float(min(report.bound, floor)))  # it holds within the program's bounds only
    if not report.status.has_point:
        return None, report
    positive = np.asarray(program.sign.value if hasattr(program.sign, "value") else program.sign) > 0.5
    found = OneHiddenLayer(
        np.where(positive, 1.0, -1.0),
        np.where(program.t.value > 0.5, program.W.value, 0.0),
        np.where(program.u.value > 0.5, program.b.value, 0.0),
    )
    return scaled.candidate(found, np.asarray(program.z.value) > 0.5), report


def fit_from(data: FitData, limits: tuple[fmpq | None, fmpq | None] | None, start: OneHiddenLayer) -> Candidate | None:
    """An interpolating network near a trained one, made exact, without a search; None where none is found.

    Parameters
    ----------
    data : FitData
    limits : pair of rationals or None
        Of the absolute values of weights and of biases.
    start : OneHiddenLayer
        A float network for the data as given.
    """
    scaled = _Scaled(data, limits)
    near = interpolation_near(scaled.X, scaled.y, scaled.model(start))
    return None if near is None else scaled.candidate(near, scaled.X @ near.W.T + near.b > 0)


class _Scaled:
    """The data in units in which all are at most 1: each column and the target divided by a power of two.

    Attributes
    ----------
    X, y : array
    bounds : list of rationals or None
        Of weights and of the bias in these units, where there are limits.
    """

    def __init__(self, data: FitData, limits: tuple[fmpq | None, fmpq | None] | None) -> None:
        exponents = [_exponent(column) for column in (*zip(*data.inputs, strict=True), (ONE,))]
        goal = _exponent(data.targets)
        self._features = data.features
        self._inputs = [[_shifted(value, -e) for value, e in zip(row, exponents, strict=False)] for row in data.inputs]
        self._targets = [_shifted(value, -goal) for value in data.targets]
        self.X = np.array([[to_float(value) for value in row] for row in self._inputs])
        self.y = np.array([to_float(value) for value in self._targets])
        self._shifts = [e - goal for e in exponents]  # of a weight in these units
        self.bounds: list[fmpq | None] = [None] * len(self._shifts)
        if limits is not None:
            given = [limits[0]] * (len(self._shifts) - 1) + [limits[1]]
            self.bounds = [
                None if limit is None else _shifted(limit, e) for limit, e in zip(given, self._shifts, strict=True)
            ]

    def model(self, model: OneHiddenLayer) -> OneHiddenLayer:
        """A network for the data as given, for those in these units."""
        W = np.ldexp(model.W, self._shifts[:-1])
        return OneHiddenLayer(model.v, W, np.ldexp(model.b, self._shifts[-1]))

    def candidate(self, found: OneHiddenLayer, active: NDArray[np.bool_]) -> Candidate:
        """A network in these units whose output weights are 1 and -1, made exact, for the data as given."""
        entries = exact_entries(self._inputs, self._targets, found, active, self.bounds)
        weights = [[_shifted(v, -e) for v, e in zip(row, self._shifts, strict=False)] for row in entries.weights]
        biases = [_shifted(value, -self._shifts[-1]) for value in entries.biases]
        signs = [1 if v > 0 else -1 for v in found.v]
        return Candidate(self._features, signs, weights, biases, entries.fits)


def _exponent(values: Sequence[fmpq]) -> int:
    """e with all |v| below 2^(e+1), and the largest about 2^e."""
    sizes = [int(v.p).bit_length() - int(v.q).bit_length() for v in values if v != 0]
    return max(sizes, default=0)


def _shifted(value: fmpq, exponent: int) -> fmpq:
    return value * 2**exponent if exponent >= 0 else value / 2**-exponent
