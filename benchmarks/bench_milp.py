"""Mixed-integer formulations measured: relaxations, bounds, counting, optimisation, compression, sparse fits.

Run with ``python benchmarks/bench_milp.py [PART ...]``; the parts are formulations, bounds, count, optimize, sparse and
convex, each up to a minute or two.  Needs the extra [milp].  Times are CPU seconds of this process; random networks
have weights N(0, 2/fan_in) and biases N(0, 1/4), on the box [-1, 1]^n unless said otherwise.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from milp.bounding import DUAL_METHODS, METHODS, network_bounds
from milp.branching import search_maximum
from milp.compress import compress
from milp.count import search_patterns
from milp.domain import bounded
from milp.formulations import formulate
from milp.optimize import optimize_network, output_ranges
from milp.training.sparse_data import SparseData, planted_data, random_data
from milp.training.sparse_fit import sparsest_fit
from milp.training.sparse_train import TrainingOptions, train
from nn_bridge.network.network import Network
from nn_bridge.readers.npz import read_npz
from polyhedra.scalars import rational, to_float

NETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "nets"


def random_network(shape: Sequence[int], seed: int) -> Network:
    """A random network of the given sizes."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in itertools.pairwise(shape)]
    return Network.from_layers(weights, [0.5 * rng.normal(size=o) for o in shape[1:]])


def box(n: int, half: float = 1.0) -> tuple[list[float], list[float]]:
    """[-half, half]^n."""
    return [-half] * n, [half] * n


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """A result and its CPU seconds."""
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def bench_formulations() -> None:
    """LP gap (relaxation minus optimum), binaries and solving time of each formulation; interval bounds."""
    names = ("triangle", "big-m", "partition:2", "partition:4", "extended", "big-m + ideal cuts")
    print("\nformulations: mean over 5 networks; gap of the relaxation at the maximum of the output, seconds")
    print(f"{'network':16}{'formulation':22}{'gap':>9}{'relative':>10}{'LP s':>9}{'MILP s':>9}")
    for shape in ((4, 8, 1), (3, 6, 6, 1), (5, 10, 10, 1)):
        rows: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in names}
        for seed in range(5):
            network, domain = random_network(shape, seed), box(shape[0])
            known = network_bounds(network, domain, "interval")
            exact = optimize_network(network, domain, tightening="lp")
            top = float(exact.value.p) / float(exact.value.q)
            for name in names:
                model = formulate(network, domain, name.split(" ")[0], bounds_used=known)
                if name.endswith("cuts"):
                    (_, relaxed), lp = timed(lambda model=model: model.add_ideal_cuts(model.output[0]))
                else:
                    relaxed, lp = timed(lambda model=model: model.optimize(model.output[0], relaxed=True))
                milp = 0.0
                if name != "triangle":
                    report, milp = timed(lambda model=model: model.optimize(model.output[0]))
                    assert abs(report.value - top) < 1e-4 * max(1.0, abs(top)), (name, report, top)
                gap = relaxed.value - top
                rows[name].append((gap, gap / max(1e-9, abs(top)), lp, milp))
        for name in names:
            gap, relative, lp, milp = (statistics.fmean(column) for column in zip(*rows[name], strict=True))
            milp_text = f"{milp:9.3f}" if name != "triangle" else f"{'-':>9}"
            print(f"{shape!s:16}{name:22}{gap:9.4f}{relative:10.3f}{lp:9.3f}{milp_text}")


def bench_bounds() -> None:
    """Width of the bounds, units left unstable, and time of the four methods."""
    print("\nbounds: mean width of the last hidden stage, unstable units, width of the output, seconds")
    print(f"{'network':20}{'method':10}{'width':>10}{'unstable':>10}{'output':>10}{'s':>9}")
    for shape in ((2, 16, 16, 1), (4, 10, 10, 1), (5, 12, 12, 12, 1)):
        network, domain = random_network(shape, 1), box(shape[0])
        for method in METHODS:
            limit = 20.0 if method == "milp" else None
            found, seconds = timed(partial(network_bounds, network, domain, method, time_limit=limit))
            width = statistics.fmean(b - a for a, b in zip(found.lower[-2], found.upper[-2], strict=True))
            last = found.upper[-1][0] - found.lower[-1][0]
            print(f"{shape!s:20}{method:10}{width:10.3f}{found.n_unstable:10d}{last:10.3f}{seconds:9.3f}")


TRAINED = [((2, 12, 12, 1), seed) for seed in range(4)] + [((3, 10, 10, 1), 0), ((3, 10, 10, 1), 1)]
TRAINED += [((4, 8, 8, 1), 0), ((4, 8, 8, 1), 1), ((6, 8, 8, 1), 0), ((8, 8, 8, 1), 0)]


def trained_network(shape: Sequence[int], seed: int) -> Network:
    """A network trained with Adam on 512 points of a smooth function, float32 weights."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for inputs, outputs in itertools.pairwise(shape):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    points = 2 * torch.rand(512, shape[0]) - 1
    values = torch.sin(3 * points.sum(dim=1)) + points[:, 0] ** 2
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(600):
        optimizer.zero_grad()
        loss = torch.mean((model(points)[:, 0] - values) ** 2)
        loss.backward()
        optimizer.step()
    linear = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    weights = [layer.weight.detach().double().numpy() for layer in linear]
    return Network.from_layers(weights, [layer.bias.detach().double().numpy() for layer in linear])


def bench_trained() -> None:
    """Width of the output by method on ten trained networks over [-1, 1]^n, each checked against the exact range."""
    print("\nbounds of the output on [-1, 1]^n, ten trained networks, exact range by the exact search")
    ratios: dict[str, list[float]] = {}
    times: dict[str, list[float]] = {}
    for shape, seed in TRAINED:
        network, domain = trained_network(shape, seed), box(shape[0])
        (least, greatest), *_ = output_ranges(network, domain, time_limit=60)
        assert least.proven, (shape, seed)
        assert greatest.proven, (shape, seed)
        exact = to_float(greatest.value - least.value)
        print(f"{shape!s:18}{seed:3} exact width {to_float(greatest.value - least.value):.4f}", flush=True)
        for method in ("interval", *DUAL_METHODS, "deeppoly", "lp"):
            found, seconds = timed(partial(network_bounds, network, domain, method, time_limit=60))
            low, high = found.lower[-1][0], found.upper[-1][0]
            assert rational(low) <= least.value <= greatest.value <= rational(high), (shape, seed, method)
            ratios.setdefault(method, []).append((high - low) / exact)
            times.setdefault(method, []).append(seconds)
    print("width by exact width (least, mean, greatest), mean CPU seconds")
    for method, values in ratios.items():
        print(
            f"{method:12}{min(values):8.2f}{statistics.fmean(values):8.2f}{max(values):8.2f}"
            f"{statistics.fmean(times[method]):10.4f} s",
            flush=True,
        )


def bench_cuts() -> None:
    """The exact search with and without projected ideal rows at the root: nodes, CPU seconds."""
    print("\nexact search, rounds of rows at the root: nodes and CPU seconds without, with 3 rounds")
    for shape in ((2, 10, 5, 1), (3, 16, 16, 1), (4, 16, 16, 1), (6, 12, 12, 1), (8, 10, 10, 1), (20, 16, 16, 1)):
        network, domain = random_network(shape, 1), box(shape[0])
        region = bounded(domain, shape[0])
        known = network_bounds(network, domain, "lp")
        line = f"{shape!s:18}"
        for rounds in (0, 3):
            search = partial(search_maximum, network, region, known, network.output, cut_rounds=rounds)
            found, seconds = timed(partial(search, node_limit=5000))
            line += f"{found.nodes:8d}{'' if found.proven else '+':1}{seconds:8.2f}"
        print(line, flush=True)


def bench_count() -> None:
    """Milliseconds a cell of the SCIP tree and of the no-good loop, and of the exact audit."""
    search_patterns(random_network((1, 2, 1), 0), box(1))  # loads the solver
    print("\ncount, box of half-width 10: cells, CPU ms a cell (all stages together)")
    print(f"{'network':18}{'cells':>7}{'SCIP':>9}{'+ audit':>9}{'loop':>9}")
    for shape in ((2, 5, 5, 1), (2, 10, 1), (3, 8, 8, 1)):
        network, domain = random_network(shape, 0), box(shape[0], 10.0)
        tree, seconds = timed(lambda n=network, d=domain: search_patterns(n, d, audit=False))
        audited, more = timed(lambda n=network, d=domain: search_patterns(n, d))
        cells = len(tree.patterns)
        assert audited.vouched, audited.reason
        line = f"{shape!s:18}{cells:7d}{1000 * seconds / cells:9.2f}{1000 * more / cells:9.2f}"
        if cells <= 60:
            loop, slow = timed(lambda n=network, d=domain: search_patterns(n, d, "loop", audit=False))
            assert loop.patterns == tree.patterns
            line += f"{1000 * slow / cells:9.1f}"
        print(line, flush=True)


def bench_optimize() -> None:
    """MILP solvers and the exact proof on trained networks; compression on a small box."""
    print("\noptimisation of the first output over [-1, 1]^n, trained networks: CPU seconds, nodes of the proof")
    print(f"{'network':18}{'maximum':>12}{'HiGHS s':>9}{'SCIP s':>9}{'exact s':>9}{'nodes':>7}  proven")
    for name in ("d2_10_5_1_s0", "d2_16_16_1_s0", "d3_16_16_1_s0", "d4_16_16_1_s0", "d6_12_12_1_s0"):
        path = NETS / f"{name}.npz"
        if not path.exists():
            print(f"{name}: not here")
            continue
        network = read_npz(path)
        domain = box(network.input_dim)
        known = network_bounds(network, domain, "lp")
        seconds = []
        for solver in ("HIGHS", "SCIP"):
            model = formulate(network, domain, bounds_used=known)
            _, spent = timed(lambda m=model, s=solver: m.optimize(m.output[0], solver=s, time_limit=20))
            seconds.append(spent)
        best, exact = timed(lambda n=network, d=domain: optimize_network(n, d, solver="none", time_limit=20))
        value = float(best.value.p) / float(best.value.q)
        print(
            f"{name:18}{value:12.6f}{seconds[0]:9.2f}{seconds[1]:9.2f}{exact:9.2f}{best.nodes:7d}  {best.proven}",
            flush=True,
        )
    print("\ncompression on boxes of half-width 1/4 and 1 around 0: units before and after")
    for name in ("d2_16_16_1_s0", "d3_16_16_1_s0"):
        path = NETS / f"{name}.npz"
        if path.exists():
            network = read_npz(path)
            for half in (0.25, 1.0):
                small, spent = timed(lambda n=network, h=half: compress(n, box(n.input_dim, h), time_limit=20))
                print(f"{name:18}{half:6}{network.hidden!s:>12} -> {small.network.hidden!s:12}{spent:7.2f} s")


def bench_sparse() -> None:
    """The sparsest interpolating network: planted and random data, HiGHS and SCIP, 20 s each."""
    print("\nsparsest interpolation: non-zeros, lower bound, seconds (wall), exact fit; limit 20 s")
    print(
        f"{'data':12}{'N,d':>6}{'neurons':>10}{'solver':>8}{'start':>7}{'found':>7}{'bound':>7}{'s':>8}  exact  optimal"
    )
    cases: list[tuple[str, SparseData, int | tuple[int, int], bool]] = [
        ("planted", planted_data(5, 2, rng=1), 2, False),
        ("planted", planted_data(7, 5, rng=1), 2, False),
        ("planted", planted_data(7, 5, rng=1), 3, False),
        ("planted", planted_data(7, 5, rng=1), 7, False),
        ("random", random_data(5, 2, rng=1), (3, 2), True),
        ("random", random_data(6, 3, rng=1), (3, 3), True),
        ("random", random_data(7, 5, rng=1), (2, 2), True),
        ("random", random_data(8, 5, rng=1), (2, 2), True),
    ]
    for name, data, neurons, generic in cases:
        K = neurons if isinstance(neurons, int) else sum(neurons)
        trained = train(data.X, data.y, K, TrainingOptions("path-norm", epochs=3000), rng=0)
        N, d = data.X.shape
        for solver, start in (("HIGHS", None), ("HIGHS", trained), ("SCIP", trained)):
            fit = sparsest_fit(
                data.X, data.y, neurons, general_position=generic, start=start, solver=solver, time_limit=20
            )
            print(
                f"{name:12}{f'{N},{d}':>6}{neurons!s:>10}{solver:>8}{'yes' if start else 'no':>7}"
                f"{fit.nonzeros!s:>7}{fit.lower_bound:7d}{fit.report.seconds:8.2f}  {fit.verified!s:5}  {fit.optimal}",
                flush=True,
            )


def bench_convex() -> None:
    """Convex training: patterns, and seconds of the cone program."""
    from milp.training.convex_training import train_convex

    print("\nconvex training with bias: patterns of the data, optimum, CPU seconds")
    for N, d in ((6, 2), (10, 2), (12, 3)):
        data = random_data(N, d, rng=1)
        fit, seconds = timed(lambda D=data: train_convex(D.X, D.y, 0.1))
        print(f"N={N:3d} d={d}  patterns {fit.patterns:5d}  optimum {fit.optimum:.5f}", end="")
        print(f"  network {fit.objective:.5f}  {seconds:.2f} s")


PARTS = {
    "formulations": bench_formulations,
    "bounds": bench_bounds,
    "trained": bench_trained,
    "cuts": bench_cuts,
    "count": bench_count,
    "optimize": bench_optimize,
    "sparse": bench_sparse,
    "convex": bench_convex,
}


if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
