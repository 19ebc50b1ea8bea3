"""A network in a model of SCIP's own, with SOS1 or indicator constraints, which cvxpy does not have.

* ``sos1``: g = y - c with y, c >= 0, of which at most one is positive; no big-M and no binaries;
* ``indicator``: a binary z with z = 1 => c <= 0 and z = 0 => y <= 0;
* ``big-m``: y <= M z and c <= -m (1 - z), to compare.

Maxout and max-pooling: y = u_j + s_j with s_j >= 0 and weights z_j of sum 1, where z_j > 0 forces s_j = 0; argmax is
the same with binary z, which are its values. SCIP works with tolerances: what it finds is a proposal.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from milp.arguments import exact_network
from milp.bounding import network_bounds
from milp.bounds import Bounds
from milp.domain import BoundedDomain, DomainLike, bounded
from milp.formulations.layers import layer_bounds, parse_activation
from milp.formulations.rule import Preactivation
from milp.solvers import ADVICE, SolveReport, SolverFailure, SolveStatus, solver_errors
from milp.warm_start import scip_answer
from nn_bridge.network.network import Network, Row, check_dense, float_matrix
from polyhedra.arrays import Floats
from polyhedra.errors import FormulationError, MissingExtraError
from polyhedra.option_types import checked_options
from polyhedra.quoting import quoted
from polyhedra.scalars import rational, to_float

RULES = ("sos1", "indicator", "big-m")
SCIP_ALONE = ("sos1", "indicator")
"""Formulations that cvxpy cannot express."""

_LAYERS = ("relu", "linear", "leaky", "maxout", "argmax")


@dataclass(frozen=True, slots=True, eq=False)
class ScipModel:
    """A network inside a model of SCIP.

    Attributes
    ----------
    scip : pyscipopt.Model
        Further variables and constraints may be added.
    x : list of pyscipopt variables
        The input.
    output : list of pyscipopt expressions
        Equal to f(x) wherever all constraints hold.
    """

    scip: Any
    x: list[Any]
    output: list[Any]

    def optimize(
        self, objective: Any, sense: str = "max", *, time_limit: float | None = 60.0
    ) -> tuple[SolveReport, Row | None]:
        """Maximise or minimise an expression; also the input that was found, as exact rationals.

        Parameters
        ----------
        objective : pyscipopt expression
        sense : {"max", "min"}
        time_limit : float or None
            Seconds.
        """
        if sense not in ("max", "min"):
            raise FormulationError(f"sense={sense!r} is neither 'max' nor 'min'")
        start = time.perf_counter()
        try:
            with solver_errors("SCIP"):
                status, value, bound, point = self._solve(objective, sense, time_limit)
        except SolverFailure as error:
            advice = f"{error}: {ADVICE[SolveStatus.FAILED]}"
            return SolveReport(SolveStatus.FAILED, None, None, "SCIP", time.perf_counter() - start, advice), None
        return SolveReport(status, value, bound, "SCIP", time.perf_counter() - start, ADVICE[status]), point

    def _solve(
        self, objective: Any, sense: str, time_limit: float | None
    ) -> tuple[SolveStatus, float | None, float | None, Row | None]:
        scip = self.scip
        scip.freeTransform()
        scip.setObjective(objective, "maximize" if sense == "max" else "minimize")
        scip.setParam("limits/time", 1e20 if time_limit is None else float(time_limit))
        scip.optimize()
        status, found, value, bound = scip_answer(scip, self.x)
        point = None if found is None else tuple(rational(float(v)) for v in found)
        return status, value, bound, point


@checked_options
def formulate_scip(
    network: Any,
    domain: DomainLike,
    formulation: str = "sos1",
    *,
    tightening: str = "deeppoly",
    bounds_used: Bounds | None = None,
) -> ScipModel:
    """Encode a network on a bounded domain in a model of SCIP.

    Parameters
    ----------
    network : whatever `puiseux.as_network` takes, or a list of `milp.Layer`
        Layers keep their activations, as in `formulate_layers`: relu, linear, leaky, maxout (max-pooling) and argmax.
    domain : Polyhedron or pair (lower, upper)
    formulation : {"sos1", "indicator", "big-m"}
    tightening, bounds_used
        As in `formulate`; for layers the bounds are those of intervals.

    Raises
    ------
    FormulationError
        An empty or unbounded domain, an unknown formulation, or another activation.
    MissingExtraError
        PySCIPOpt is not installed.
    """
    if formulation not in RULES:
        raise FormulationError(f"there is no formulation {quoted(formulation)} of SCIP; use one of {', '.join(RULES)}")
    layers = network if isinstance(network, (list, tuple)) and network and hasattr(network[0], "activation") else None
    try:
        scip: Any = importlib.import_module("pyscipopt")
    except ImportError:
        raise MissingExtraError("a model of SCIP", "milp") from None
    if layers is not None:
        region = bounded(domain, len(layers[0].weights[0]))
        return _Builder(scip, region, formulation).of_layers(layers)
    exact = exact_network(network)
    check_dense(exact)
    region = bounded(domain, exact.input_dim)
    known = network_bounds(exact, region, tightening) if bounds_used is None else bounds_used
    return _Builder(scip, region, formulation).of_network(exact, known)


class _Builder:
    """The variables and constraints of one model."""

    def __init__(self, scip: Any, region: BoundedDomain, rule: str) -> None:
        self.sum, self.rule, self.region = scip.quicksum, rule, region
        self.scip = scip.Model()
        self.scip.hideOutput()
        self.x = [
            self.scip.addVar(lb=to_float(a), ub=to_float(b)) for a, b in zip(region.lower, region.upper, strict=True)
        ]
        for rows, equal in ((region.inequalities, False), (region.equalities, True)):
            for *a, b in rows:
                left = self._linear(np.array([to_float(v) for v in a]), self.x, 0.0)
                self.scip.addCons(left == to_float(b) if equal else left <= to_float(b))

    def _linear(self, weights: Floats, inputs: Sequence[Any], bias: float) -> Any:
        return self.sum(float(w) * v for w, v in zip(weights, inputs, strict=True) if w != 0) + float(bias)

    # ---------------------------------------------------------------- networks and layers

    def of_network(self, network: Network, known: Bounds) -> ScipModel:
        """The model of a network of ReLU units."""
        sources: list[list[Any]] = [self.x]
        stages = (*network.stages, network.output)
        for k, stage in enumerate(stages):
            values: list[Any] = [to_float(b) for b in stage.bias]
            for source, matrix in stage.blocks:
                for i, row in enumerate(float_matrix(matrix)):
                    values[i] = values[i] + self._linear(row, sources[source], 0.0)
            if k + 1 == len(stages):
                return ScipModel(self.scip, self.x, values)
            ends = zip(values, known.lower[k], known.upper[k], strict=True)
            sources.append([self._relu(g, low, high) for g, low, high in ends])
        raise AssertionError("a network has an output stage")

    def of_layers(self, layers: Sequence[Any]) -> ScipModel:
        """The model of a chain of layers."""
        h: list[Any] = self.x
        for index, (layer, pre) in enumerate(zip(layers, layer_bounds(layers, self.region), strict=True)):
            h = self._layer(layer, pre, h, f"layer {index}")
        return ScipModel(self.scip, self.x, h)

    def _layer(self, layer: Any, pre: Preactivation, h: list[Any], place: str) -> list[Any]:
        kind, numbers = parse_activation(layer.activation, pre.size, place)
        g = [self._linear(row, h, bias) for row, bias in zip(pre.weights, pre.bias, strict=True)]
        ends = list(zip(g, pre.lower.tolist(), pre.upper.tolist(), strict=True))
        if kind == "relu":
            return [self._relu(*end) for end in ends]
        if kind == "leaky":
            slopes = [to_float(v) for v in numbers]
            return [a * end[0] + (1.0 - a) * self._relu(*end) for a, end in zip(slopes, ends, strict=True)]
        if kind == "maxout":
            pieces = int(numbers[0].p)
            return [self._greatest(ends[i : i + pieces])[0] for i in range(0, len(ends), pieces)]
        if kind == "argmax":
            return self._greatest(ends, binary=True)[1]
        if kind == "linear":
            return g
        raise FormulationError(
            f"{place}: {kind} is not written for SCIP ({', '.join(_LAYERS)} are); use formulate_layers"
        )

    # ---------------------------------------------------------------- single units

    def _relu(self, g: Any, low: float, high: float) -> Any:
        if high <= 0:
            return self.scip.addVar(lb=0.0, ub=0.0)
        if low >= 0:
            y = self.scip.addVar(lb=low, ub=high)
            self.scip.addCons(y == g)
            return y
        y, c = self.scip.addVar(lb=0.0, ub=high), self.scip.addVar(lb=0.0, ub=-low)
        self.scip.addCons(g == y - c)
        if self.rule == "sos1":
            self.scip.addConsSOS1([y, c])
            return y
        z = self.scip.addVar(vtype="B")
        if self.rule == "indicator":
            self.scip.addConsIndicator(c <= 0, binvar=z)
            self.scip.addConsIndicator(y <= 0, binvar=z, activeone=False)
        else:
            self.scip.addCons(y <= high * z)
            self.scip.addCons(c <= -low * (1 - z))
        return y

    def _greatest(self, ends: list[tuple[Any, float, float]], binary: bool = False) -> tuple[Any, list[Any]]:
        """The greatest of some values, and weights z of sum 1 that are positive for greatest values only."""
        least = max(low for _, low, _ in ends)
        y = self.scip.addVar(lb=least, ub=max(high for _, _, high in ends))
        need_binary = binary or self.rule != "sos1"
        chosen: list[Any] = []
        for value, low, high in ends:
            z = self.scip.addVar(vtype="B") if need_binary else self.scip.addVar(lb=0.0, ub=1.0)
            chosen.append(z)
            gap = self.scip.addVar(lb=0.0, ub=float(self._width(y, low)))
            self.scip.addCons(y == value + gap)
            if high < least:
                self.scip.chgVarUb(z, 0.0)
            elif self.rule == "sos1":
                self.scip.addConsSOS1([z, gap])
            elif self.rule == "indicator":
                self.scip.addConsIndicator(gap <= 0, binvar=z)
            else:
                self.scip.addCons(gap <= float(self._width(y, low)) * (1 - z))
        self.scip.addCons(self.sum(chosen) == 1)
        return y, chosen

    @staticmethod
    def _width(y: Any, low: float) -> float:
        return float(np.nextafter(y.getUbOriginal() - low, np.inf))
