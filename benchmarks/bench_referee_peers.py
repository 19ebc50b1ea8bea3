"""The exact referee beside OMLT and PySCIPOpt-ML, in one alternating run: minima in a box, classes in three balls.

    python benchmarks/bench_referee_peers.py [--rounds 3]

Needs the extra [milp], torch, and the packages ``omlt`` and ``pyscipopt-ml`` (a folder with them may be in PYTHONPATH);
one that is not installed is named and left out.  Times are CPU seconds of this process for building and solving, the
median of the rounds; the order changes from round to round.  Solvers of the peers work with tolerances, ours proves
every answer in rationals.  OMLT is measured with big-M and HiGHS, PySCIPOpt-ML with its default, SOS1, and SCIP; both
maximise the lead of one class after another and stop at the first that is positive.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import puiseux
from milp.optimize import optimize_network
from milp.verify import Status, verify_class
from nn_bridge.network.network import Network, float_matrix
from polyhedra.arrays import Floats
from polyhedra.scalars import to_float

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RADII = (0.25, 1.0, 2.0)
LIMIT = 120.0
Layers = list[tuple[Floats, Floats]]
Box = tuple[Floats, Floats]


def random_network(shape: tuple[int, ...], seed: int) -> Network:
    """Weights N(0, 2/fan_in), biases N(0, 1/4)."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(shape)]
    return Network.from_layers(weights, [0.5 * rng.normal(size=o) for o in shape[1:]])


def layers_of(network: Network) -> Layers:
    """The weights and biases of a chain in float64."""
    found = []
    for stage in (*network.stages, network.output):
        ((_, matrix),) = stage.blocks
        found.append((float_matrix(matrix), np.array([to_float(b) for b in stage.bias])))
    return found


class Omlt:
    """OMLT: big-M, solved by HiGHS."""

    name = "OMLT, big-M, HiGHS"

    def __init__(self) -> None:
        import omlt
        import omlt.neuralnet
        import pyomo.environ

        logging.getLogger("pyomo").setLevel(logging.ERROR)
        self.omlt, self.nets, self.pyo = omlt, omlt.neuralnet, pyomo.environ

    def least(self, layers: Layers, box: Box, rows: Floats) -> float:
        """The least value of the first row of the outputs."""
        model = self._model(layers, box)
        return -self._greatest(model, -rows[0])

    def proven(self, layers: Layers, box: Box, rows: Floats) -> bool:
        """Whether no row of the outputs is positive."""
        model = self._model(layers, box)
        return not any(self._greatest(model, row) > 1e-6 for row in rows)

    def _model(self, layers: Layers, box: Box) -> Any:
        from omlt.neuralnet.layer import DenseLayer, InputLayer

        ends = {i: (float(a), float(b)) for i, (a, b) in enumerate(zip(*box, strict=True))}
        net = self.nets.NetworkDefinition(scaled_input_bounds=ends)
        last = InputLayer([len(ends)])
        net.add_layer(last)
        for k, (weight, bias) in enumerate(layers):
            activation = "linear" if k + 1 == len(layers) else "relu"
            size, outputs = [weight.shape[1]], [weight.shape[0]]
            layer = DenseLayer(size, outputs, activation=activation, weights=weight.T.copy(), biases=bias)
            net.add_layer(layer)
            net.add_edge(last, layer)
            last = layer
        model = self.pyo.ConcreteModel()
        model.nn = self.omlt.OmltBlock()
        model.nn.build_formulation(self.nets.ReluBigMFormulation(net))
        return model

    def _greatest(self, model: Any, row: Floats) -> float:
        if hasattr(model, "goal"):
            model.del_component(model.goal)
        total = sum(float(w) * model.nn.outputs[k] for k, w in enumerate(row) if w != 0)
        model.goal = self.pyo.Objective(expr=total, sense=self.pyo.maximize)
        solver = self.pyo.SolverFactory("appsi_highs")
        solver.options["time_limit"] = LIMIT
        solver.solve(model)
        return float(self.pyo.value(model.goal))


class PySCIPOptML:
    """PySCIPOpt-ML: its default for ReLU, SOS1, solved by SCIP."""

    name = "PySCIPOpt-ML, SOS1, SCIP"

    def __init__(self) -> None:
        import pyscipopt
        import pyscipopt_ml
        import torch

        self.scip, self.add, self.torch = pyscipopt, pyscipopt_ml.add_predictor_constr, torch

    def least(self, layers: Layers, box: Box, rows: Floats) -> float:
        """The least value of the first row of the outputs."""
        return -self._greatest(layers, box, -rows[0])

    def proven(self, layers: Layers, box: Box, rows: Floats) -> bool:
        """Whether no row of the outputs is positive."""
        return not any(self._greatest(layers, box, row) > 1e-6 for row in rows)

    def _greatest(self, layers: Layers, box: Box, row: Floats) -> float:
        model = self.scip.Model()
        model.hideOutput()
        x = np.array([[model.addVar(lb=float(a), ub=float(b)) for a, b in zip(*box, strict=True)]], dtype=object)
        y = np.array([[model.addVar(lb=None, ub=None) for _ in layers[-1][1]]], dtype=object)
        self.add(model, self._torch(layers), x, y)
        model.setObjective(self.scip.quicksum(float(w) * v for w, v in zip(row, y[0], strict=True)), "maximize")
        model.setParam("limits/time", LIMIT)
        model.optimize()
        return float(model.getObjVal())

    def _torch(self, layers: Layers) -> Any:
        modules: list[Any] = []
        for weight, bias in layers:
            linear = self.torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=self.torch.float64)
            linear.weight.data = self.torch.tensor(weight)
            linear.bias.data = self.torch.tensor(bias)
            modules += [linear, self.torch.nn.ReLU()]
        return self.torch.nn.Sequential(*modules[:-1])


def peers() -> list[Any]:
    """The peers that are installed; the others are named."""
    found: list[Any] = []
    for kind in (Omlt, PySCIPOptML):
        try:
            found.append(kind())
        except ImportError as error:
            print(f"{kind.name} is left out: {error}")
    return found


Task = tuple[str, Callable[[], Any]]


def minimum_tasks(shape: tuple[int, ...], seed: int, rivals: list[Any]) -> tuple[str, list[Task]]:
    """The least output of a random network on [-1, 1]^n, by everyone."""
    network, n = random_network(shape, seed), shape[0]
    box, layers, rows = (-np.ones(n), np.ones(n)), layers_of(network), np.ones((1, 1))

    def ours() -> float:
        best = optimize_network(network, ([-1] * n, [1] * n), sense="min")
        assert best.proven
        assert best.value is not None
        return to_float(best.value)

    tasks: list[Task] = [("puiseux", ours)]
    tasks += [(peer.name, lambda peer=peer: peer.least(layers, box, rows)) for peer in rivals]
    return f"minimum, {'-'.join(map(str, shape))}, seed {seed}", tasks


def class_tasks(radius: float, rivals: list[Any]) -> tuple[str, list[Task]]:
    """Does the digits network keep its class in a ball of the maximum norm around a digit, pixels in [0, 16]?"""
    from sklearn.datasets import load_digits

    network = puiseux.load(EXAMPLES / "digits.npz")
    center = load_digits().data[0]
    box = (np.maximum(center - radius, 0.0), np.minimum(center + radius, 16.0))
    scores = [to_float(v) for v in network.evaluate(center.tolist())]
    label = int(np.argmax(scores))
    rows = np.array([np.eye(10)[k] - np.eye(10)[label] for k in range(10) if k != label])
    layers = layers_of(network)

    def ours() -> bool:
        clip = ([0] * 64, [16] * 64)
        verdict = verify_class(network, center.tolist(), radius, clip=clip, time_limit=LIMIT)
        assert verdict.status is not Status.OPEN
        return verdict.status is Status.PROVEN

    tasks: list[Task] = [("puiseux", ours)]
    tasks += [(peer.name, lambda peer=peer: peer.proven(layers, box, rows)) for peer in rivals]
    return f"digits, radius {radius:g}", tasks


def main() -> None:
    """Print one table; the names of whoever disagrees are printed too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rivals = peers()
    questions = [
        minimum_tasks(shape, seed, rivals) for shape in ((2, 8, 8, 1), (4, 16, 16, 1)) for seed in range(options.seeds)
    ]
    questions += [class_tasks(radius, rivals) for radius in RADII]
    for _, call in questions[0][1]:
        call()  # libraries load here
    names = ["puiseux", *(peer.name for peer in rivals)]
    print(f"{'question':34}" + "".join(f"{name:>26}" for name in names) + "  answers")
    for title, tasks in questions:
        times: dict[str, list[float]] = {name: [] for name in names}
        answers: dict[str, Any] = {}
        for number in range(options.rounds):
            for name, call in tasks[number % len(tasks) :] + tasks[: number % len(tasks)]:
                start = time.process_time()
                answers[name] = call()
                times[name].append(time.process_time() - start)
        same = all(abs(float(v) - float(answers["puiseux"])) < 1e-3 for v in answers.values())
        print(
            f"{title:34}"
            + "".join(f"{statistics.median(times[name]):26.3f}" for name in names)
            + (f"  {answers['puiseux']}" if same else f"  DIFFERENT: {answers}"),
            flush=True,
        )


if __name__ == "__main__":
    main()
