"""The sparsest interpolating network as a mixed-integer program, and a start for it.

With v_k in {-1, +1} (the positive homogeneity of the ReLU lets w and b absorb ``|v_k|``) only signs and activations are
discrete. Pre-activations are split, w_k.x_n + b_k = p_nk - q_nk with p <= C_n z, q <= C_n (1 - z), and weights are
switched by binaries t (weights) and u (biases), whose number is minimised.

Signs are either fixed, K+ neurons with +1 and K- with -1, and the fit is linear: sum_{K+} p - sum_{K-} p = y; or free,
and the product of sign and p is written with McCormick rows, which are exact because the sign is binary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milp.solvers import require_cvxpy
from milp.training.interpolation import entries_of
from milp.training.sparse_model import OneHiddenLayer
from polyhedra.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class FitProgram:
    """The program and its variables."""

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


def build_program(
    X: Floats, y: Floats, neurons: int | tuple[int, int], weight_bounds: Floats, bias_bound: float, floor: int
) -> FitProgram:
    """The mixed-integer program of the sparsest fit.

    Parameters
    ----------
    X : array of shape (N, d)
    y : array of shape (N,)
    neurons : int or pair of int
        K neurons of free sign, or (K+, K-) of fixed signs.
    weight_bounds : array of shape (d,)
    bias_bound : float
    floor : int
        No fit has fewer non-zeros: added as a row.
    """
    cp = require_cvxpy("a sparse fit")
    N, d = X.shape
    K = neurons if isinstance(neurons, int) else sum(neurons)
    W, b = cp.Variable((K, d)), cp.Variable(K)
    t, u = cp.Variable((K, d), boolean=True), cp.Variable(K, boolean=True)
    z = cp.Variable((N, K), boolean=True)
    p, q = cp.Variable((N, K)), cp.Variable((N, K))
    bounds = np.tile(weight_bounds, (K, 1))
    reach = np.abs(X) @ weight_bounds + bias_bound
    C = np.tile(reach[:, None], (1, K))
    support = cp.sum(t, axis=1) + u
    rows = [
        p >= 0,
        q >= 0,
        p - q == X @ W.T + np.ones((N, 1)) @ cp.reshape(b, (1, K), order="C"),
        p <= cp.multiply(C, z),
        q <= cp.multiply(C, 1 - z),
        cp.multiply(bounds, t) >= W,
        cp.multiply(-bounds, t) <= W,
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
    if floor:
        rows.append(total >= floor)
    return FitProgram(cp.Problem(cp.Minimize(total), rows), W, b, z, t, u, p, q, sign, r)


def set_start(
    model: FitProgram,
    X: Floats,
    y: Floats,
    neurons: int | tuple[int, int],
    start: OneHiddenLayer,
    weight_bounds: Floats,
    bias_bound: float,
) -> None:
    """Give all variables the values of an interpolating network near a trained one, if there is one of these sizes."""
    K = model.W.shape[0]
    best = interpolation_near(X, y, start)
    if best is None or (np.abs(best.W) > weight_bounds).any() or np.abs(best.b).max() > bias_bound:
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


def interpolation_near(X: Floats, y: Floats, start: OneHiddenLayer) -> OneHiddenLayer | None:
    """The sparsest network that interpolates the data on a part of the support of a trained one, with its activations.

    Its output weights are 1 and -1.  None is found where there may be one: entries are left out by their size.
    """
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
    return best


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
    entries = entries_of(model)
    A = linear_map(X, model, active)
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


def linear_map(X: Floats, model: OneHiddenLayer, active: NDArray[np.bool_]) -> Floats:
    """f(X) as a linear function of the non-zero entries under given activations: a column for each of `entries_of`."""
    columns = [model.v[k] * active[:, k] * (X[:, i] if i >= 0 else 1.0) for k, i in entries_of(model)]
    return np.column_stack(columns) if columns else np.zeros((len(X), 0))
