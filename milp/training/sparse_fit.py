"""The sparsest one-hidden-layer ReLU network that interpolates data exactly, as a mixed-integer program.

With v_k in {-1, +1} (the positive homogeneity of the ReLU lets w and b absorb ``|v_k|``) only signs and activations are
discrete. Pre-activations are split, w_k.x_n + b_k = p_nk - q_nk with p <= C_n z, q <= C_n (1 - z), and weights are
switched by binaries t (weights) and u (biases), whose number is minimised.

Signs are either fixed, K+ neurons with +1 and K- with -1, and the fit is linear: sum_{K+} p - sum_{K-} p = y; or free,
and the product of sign and p is written with McCormick rows, which are exact because the sign is binary.

What is optimal is so relative to the bounds B_w, B_b on weights and biases and to the number of neurons; all are
reported. The fit is solved again in rationals on the support that was found and checked at the data, exactly.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from milp.arguments import is_integer
from milp.solvers import SolveReport, SolveStatus, deadline_after, require_cvxpy, time_left
from milp.training.sparse_model import OneHiddenLayer
from milp.warm_start import solve_from
from nn_bridge.network.network import Network
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError
from polyhedra.linear_program import Infeasible, maximize
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import shown
from polyhedra.scalars import ZERO, rational, rationals
from polyhedra.values import Value

_LARGE = 1e9  # data from here on are a likely cause where a solver fails


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SparseFit(Value):
    """The outcome of the search for the sparsest interpolating network.

    Attributes
    ----------
    network : Network or None
        Exact; interpolates the data exactly if ``verified``.
    nonzeros : int or None
        Its non-zero weights and biases.
    lower_bound : int
        No network within the bounds has fewer, says the solver.
    verified : bool
        Whether the network fits every sample exactly, in rationals.
    optimal : bool
        Whether nonzeros and lower bound agree.
    neurons : tuple of int
        (K+, K-) for fixed signs, (K,) for free ones.
    weight_bound, bias_bound : float
        What the answer is relative to.
    report : SolveReport
    """

    network: Network | None
    nonzeros: int | None
    lower_bound: int
    verified: bool
    optimal: bool
    neurons: tuple[int, ...]
    weight_bound: float
    bias_bound: float
    report: SolveReport


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    problem: Any
    W: Any
    b: Any
    z: Any
    t: Any
    u: Any
    p: Any
    q: Any
    sign: Any  # a 0/1 array for fixed signs, a variable for free ones
    r: Any


@with_steps("Fitting")
def sparsest_fit(
    X: Any,
    y: Any,
    neurons: int | tuple[int, int],
    *,
    weight_bound: float = 10.0,
    bias_bound: float = 10.0,
    general_position: bool = False,
    start: OneHiddenLayer | None = None,
    solver: str | None = None,
    time_limit: float | None = 60.0,
    progress: Steps = None,
) -> SparseFit:
    """Find the network with the fewest non-zero weights and biases that interpolates the data.

    Parameters
    ----------
    X : array of shape (N, d)
    y : array of shape (N,)
    neurons : int or pair of int
        K neurons of free sign, or (K+, K-) of fixed signs.
    weight_bound, bias_bound : float
        B_w and B_b.
    general_position : bool
        Add that at least N entries are non-zero. True for almost all outputs y, wrong for planted or sparse teachers.
    start : OneHiddenLayer, optional
        A trained network to start from, if an interpolating one can be found on its support and activations.
    solver : str, optional
        HiGHS by default, or SCIP.
    time_limit : float or None
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    FormulationError
        Shapes that do not fit, or numbers that are not finite.
    """
    inputs, outputs = _checked(X, y)
    neurons = _neurons(neurons)
    if not (weight_bound > 0 and bias_bound >= 0):
        raise FormulationError("the bounds of weights and biases must be positive")
    deadline = deadline_after(time_limit)
    model = _build(inputs, outputs, neurons, weight_bound, bias_bound, general_position)
    if start is not None:
        _set_start(model, inputs, outputs, neurons, start, weight_bound, bias_bound)
    report = solve_from(model.problem, solver=solver, time_limit=time_left(deadline))
    if report.status is SolveStatus.FAILED and np.abs(inputs).max() > _LARGE:
        row = int(np.abs(inputs).max(axis=1).argmax())
        advice = (
            f"row {row} of X has numbers up to {np.abs(inputs).max():.3g}, too large for {report.solver}: rescale X"
        )
        report = replace(report, advice=advice)
    floor = len(outputs) if general_position else 0
    bound = floor if report.bound is None else max(floor, math.ceil(report.bound - 1e-6))
    signs = (neurons,) if isinstance(neurons, int) else tuple(neurons)
    if report.status is SolveStatus.INFEASIBLE or not report.status.has_point:
        return SparseFit(None, None, bound, False, False, signs, weight_bound, bias_bound, report)
    positive = np.asarray(model.sign.value if hasattr(model.sign, "value") else model.sign) > 0.5
    found = OneHiddenLayer(
        np.where(positive, 1.0, -1.0),
        np.where(model.t.value > 0.5, model.W.value, 0.0),
        np.where(model.u.value > 0.5, model.b.value, 0.0),
    )
    active = np.asarray(model.z.value) > 0.5
    network, count, verified = interpolate(inputs, outputs, found, active, (weight_bound, bias_bound))
    return SparseFit(
        network, count, bound, verified, verified and count <= bound, signs, weight_bound, bias_bound, report
    )


def _neurons(neurons: Any) -> int | tuple[int, int]:
    """The number of neurons, or those of each sign, from integers of any type."""
    if is_integer(neurons) and operator.index(neurons) > 0:
        return operator.index(neurons)
    try:
        plus, minus = (operator.index(k) for k in neurons)
    except (TypeError, ValueError):
        plus = minus = -1
    if min(plus, minus) < 0 or plus + minus < 1:
        raise FormulationError(f"neurons={shown(neurons)} is neither a positive number nor a pair (K+, K-)")
    return plus, minus


def _checked(X: Any, y: Any) -> tuple[Floats, Floats]:
    try:
        inputs, outputs = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    except (TypeError, ValueError) as error:
        raise FormulationError(f"the data are not numbers: {error}") from None
    if inputs.ndim != 2 or outputs.shape != inputs.shape[:1] or not len(outputs):
        raise FormulationError(f"X of shape {inputs.shape} and y of shape {outputs.shape} are no data (N, d) and (N,)")
    if not (np.isfinite(inputs).all() and np.isfinite(outputs).all()):
        raise FormulationError("the data have numbers that are not finite")
    first: dict[tuple[float, ...], int] = {}
    for n, row in enumerate((inputs + 0.0).tolist()):  # -0.0 + 0.0 is 0.0
        other = first.setdefault(tuple(row), n)
        if outputs[n] != outputs[other]:
            raise FormulationError(
                f"rows {other} and {n} of X are equal, but y is {outputs[other]:.17g} and {outputs[n]:.17g}: "
                "no function fits both"
            )
    return inputs, outputs


def _build(
    X: Floats, y: Floats, neurons: int | tuple[int, int], weight_bound: float, bias_bound: float, generic: bool
) -> _Model:
    cp = require_cvxpy("a sparse fit")
    N, d = X.shape
    K = neurons if isinstance(neurons, int) else sum(neurons)
    W, b = cp.Variable((K, d)), cp.Variable(K)
    t, u = cp.Variable((K, d), boolean=True), cp.Variable(K, boolean=True)
    z = cp.Variable((N, K), boolean=True)
    p, q = cp.Variable((N, K)), cp.Variable((N, K))
    reach = weight_bound * np.abs(X).sum(axis=1) + bias_bound
    C = np.tile(reach[:, None], (1, K))
    support = cp.sum(t, axis=1) + u
    rows = [
        p >= 0,
        q >= 0,
        p - q == X @ W.T + np.ones((N, 1)) @ cp.reshape(b, (1, K), order="C"),
        p <= cp.multiply(C, z),
        q <= cp.multiply(C, 1 - z),
        weight_bound * t >= W,
        -weight_bound * t <= W,
        b <= bias_bound * u,
        b >= -bias_bound * u,
        z <= np.ones((N, 1)) @ cp.reshape(support, (1, K), order="C"),
    ]
    sign: Any
    r: Any = None
    if isinstance(neurons, int):
        sign = cp.Variable(K, boolean=True)
        r = cp.Variable((N, K))
        on = np.ones((N, 1)) @ cp.reshape(sign, (1, K), order="C")
        rows += [r >= 0, r <= p, r <= cp.multiply(C, on), r >= p - cp.multiply(C, 1 - on)]
        rows.append(cp.sum(2 * r - p, axis=1) == y)
        rows += [sign[k] >= sign[k + 1] for k in range(K - 1)]
    else:
        sign = np.array([1.0] * neurons[0] + [0.0] * neurons[1])
        rows.append(p @ (2 * sign - 1) == y)
        # neurons of one sign are interchangeable: order them by the size of their supports
        rows += [support[k] >= support[k + 1] for k in range(K - 1) if sign[k] == sign[k + 1]]
    total = cp.sum(t) + cp.sum(u)
    if generic:
        rows.append(total >= N)
    return _Model(cp.Problem(cp.Minimize(total), rows), W, b, z, t, u, p, q, sign, r)


def _set_start(
    model: _Model,
    X: Floats,
    y: Floats,
    neurons: int | tuple[int, int],
    start: OneHiddenLayer,
    weight_bound: float,
    bias_bound: float,
) -> None:
    """Give all variables the values of an interpolating network near a trained one, if there is one of these sizes."""
    K = model.W.shape[0]
    trained = start.balanced()
    best: OneHiddenLayer | None = None
    size = np.abs(np.column_stack([trained.W, trained.b]))
    for cut in (0.0, *np.quantile(size, [0.5, 0.25, 0.1]), 1e-3):
        kept = OneHiddenLayer(
            trained.v, np.where(size[:, :-1] > cut, trained.W, 0.0), np.where(size[:, -1] > cut, trained.b, 0.0)
        )
        fitted = _nearest_interpolation(X, y, kept, X @ trained.W.T + trained.b > 0)
        if fitted is not None and (best is None or fitted.nonzeros() < best.nonzeros()):
            best = fitted
    if best is None or np.abs(best.W).max() > weight_bound or np.abs(best.b).max() > bias_bound:
        return
    places = _places(best, neurons, K)
    if places is None:
        return
    W, b, sign = np.zeros((K, X.shape[1])), np.zeros(K), np.zeros(K)
    for k, place in places:
        W[place], b[place], sign[place] = best.W[k], best.b[k], float(best.v[k] > 0)
    g = X @ W.T + b
    model.W.value, model.b.value = W, b
    model.t.value, model.u.value = (W != 0).astype(float), (b != 0).astype(float)
    model.p.value, model.q.value = np.maximum(g, 0), np.maximum(-g, 0)
    model.z.value = (g > 0).astype(float)
    if model.r is not None:
        model.sign.value = sign
        model.r.value = sign * model.p.value


def _places(model: OneHiddenLayer, neurons: int | tuple[int, int], K: int) -> list[tuple[int, int]] | None:
    """Where each neuron in use goes: by sign, positive ones first, then by support; None if they do not fit."""
    support = np.count_nonzero(np.column_stack([model.W, model.b]), axis=1)
    used = [k for k in range(len(model.v)) if support[k]]
    plus = sorted((k for k in used if model.v[k] > 0), key=lambda k: -support[k])
    minus = sorted((k for k in used if model.v[k] < 0), key=lambda k: -support[k])
    if isinstance(neurons, int):
        return None if len(used) > K else list(zip([*plus, *minus], range(K), strict=False))
    if len(plus) > neurons[0] or len(minus) > neurons[1]:
        return None
    first = neurons[0]
    return [*zip(plus, range(first), strict=False), *zip(minus, range(first, K), strict=False)]


def _nearest_interpolation(
    X: Floats, y: Floats, model: OneHiddenLayer, active: NDArray[np.bool_]
) -> OneHiddenLayer | None:
    """Move the non-zero entries as little as possible so that the data are interpolated with the same activations."""
    A, entries = _linear_map(X, model, active)
    theta = np.array([model.b[k] if i < 0 else model.W[k, i] for k, i in entries])
    if not len(theta):
        return None
    change = np.linalg.lstsq(A, y - A @ theta, rcond=None)[0]
    W, b = np.zeros_like(model.W), np.zeros_like(model.b)
    for (k, i), value in zip(entries, theta + change, strict=True):
        if i < 0:
            b[k] = value
        else:
            W[k, i] = value
    fitted = OneHiddenLayer(model.v, W, b)
    return fitted if np.abs(fitted(X) - y).max() <= 1e-7 * max(1.0, float(np.abs(y).max())) else None


def _linear_map(X: Floats, model: OneHiddenLayer, active: NDArray[np.bool_]) -> tuple[Floats, list[tuple[int, int]]]:
    """f(X) as a linear function of the non-zero entries under given activations: (k, i) is w_ki and (k, -1) is b_k."""
    entries = [(k, int(i)) for k in range(len(model.v)) for i in np.nonzero(model.W[k])[0]]
    entries += [(int(k), -1) for k in np.nonzero(model.b)[0]]
    columns = [model.v[k] * active[:, k] * (X[:, i] if i >= 0 else 1.0) for k, i in entries]
    return (np.column_stack(columns) if columns else np.zeros((len(X), 0))), entries


def interpolate(
    X: Floats,
    y: Floats,
    model: OneHiddenLayer,
    active: NDArray[np.bool_],
    limits: tuple[float, float] = (math.inf, math.inf),
) -> tuple[Network, int, bool]:
    """The exact network near a float one, on its support and activations, its non-zeros, and whether it fits exactly.

    First the entries that the equations do not determine keep their float values and the others are solved for in
    rationals. Where that crosses a kink, an exact linear program looks for any entries, within the limits of weights
    and biases, that fit with these activations.
    """
    A, entries = _linear_map(X, model, active)
    theta = [rational(float(model.b[k] if i < 0 else model.W[k, i])) for k, i in entries]
    targets = rationals(y.tolist())
    rows = [rationals(row) for row in A.tolist()]
    near = _solve_near([[*row, target] for row, target in zip(rows, targets, strict=True)], theta)
    network, count = _network(model, entries, theta if near is None else near)
    if _fits(network, X, targets):
        return network, count, True
    if near is None:
        return network, count, False
    signs: list[list[fmpq]] = []
    for x, phases in zip(X, active, strict=True):
        for k, on in enumerate(phases):
            sign = -1 if on else 1
            row = [rational(sign * (float(x[i]) if i >= 0 else 1.0)) if neuron == k else ZERO for neuron, i in entries]
            if any(row):
                signs.append(row)
    right = [ZERO] * len(signs)
    for j, (_, i) in enumerate(entries):
        limit = limits[1] if i < 0 else limits[0]
        if math.isfinite(limit):
            for sign in (1, -1):
                signs.append([rational(sign) if place == j else ZERO for place in range(len(entries))])
                right.append(rational(limit))
    answer = maximize([ZERO] * len(entries), signs, right, rows, targets)
    if not isinstance(answer, Infeasible):
        other, fewer = _network(model, entries, list(answer.point))
        if _fits(other, X, targets):
            return other, fewer, True
    return network, count, False


def _network(model: OneHiddenLayer, entries: list[tuple[int, int]], values: list[fmpq]) -> tuple[Network, int]:
    """The exact network with the given non-zero entries, and how many are not zero."""
    K, d = model.W.shape
    W: list[list[fmpq]] = [[ZERO] * d for _ in range(K)]
    b = [ZERO] * K
    for (k, i), value in zip(entries, values, strict=True):
        if i < 0:
            b[k] = value
        else:
            W[k][i] = value
    network = Network.from_layers([W, [rationals(model.v.tolist())]], [b, [0]])
    return network, sum(1 for value in values if value != 0)


def _fits(network: Network, X: Floats, targets: tuple[fmpq, ...]) -> bool:
    return all(network.evaluate(x)[0] == target for x, target in zip(X, targets, strict=True))


def _solve_near(rows: list[list[fmpq]], theta: list[fmpq]) -> list[fmpq] | None:
    """An exact solution of the linear system whose free unknowns have given values; None if there is none.

    Unknowns that are solved for are those of the first pivots, in the order of the entries.
    """
    n = len(theta)
    if not n:
        return None
    reduced, rank = fmpq_mat(rows).rref()
    values = list(theta)
    for i in range(rank - 1, -1, -1):
        pivot = next(j for j in range(n + 1) if reduced[i, j] != 0)
        if pivot == n:
            return None
        total = reduced[i, n]
        for j in range(pivot + 1, n):
            total -= reduced[i, j] * values[j]
        values[pivot] = total
    return values
