"""Properties near the extremes of trained networks: verdicts, seconds, boxes, and the size of the proofs.

``python benchmarks/bench_properties.py FOLDER [BOX ..]`` takes the networks that ``train_property_networks.py`` wrote
there.  For each box and each output the threshold lies 1 % of the output's range on the box beyond the best extreme
that 20,000 random points and 100 rounds of local search find (to be PROVEN), and 1 % before it (VIOLATED), for the
maximum and the minimum.  The boxes have the relative sizes of the properties 1, 3, 5 to 10 of ACAS Xu (7 is the whole
cube).  Seconds are CPU time of this process.  With ``--random`` random networks with 9,362 to 115,756 cells in their
boxes are asked, too; with ``--certificates`` the proofs for the first output are written and checked.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_milp import random_network

from milp.properties import decide
from milp.vnnlib import parse_vnnlib
from nn_bridge.network.network import Network, float_matrix
from nn_bridge.readers.npz import read_npz
from polyhedra.arrays import Floats
from polyhedra.scalars import rational, to_float, to_text
from puiseux.certificates.certificate import verify_certificate
from puiseux.certificates.property_certificate import write_property_certificate

LIMIT = 300.0
BOXES: dict[str, tuple[list[float], list[float]]] = {  # of [0, 1]^5
    "1": ([0.921, 0, 0, 0.95, 0], [1, 1, 1, 1, 0.05]),
    "3": ([0.0246, 0.49, 0.9934, 0.8, 0.8], [0.0295, 0.51, 1, 1, 1]),
    "5": ([0.004, 0.53, 0, 0, 0], [0.0066, 0.564, 0.0008, 0.227, 0.333]),
    "6": ([0.2, 0.611, 0, 0, 0], [1, 1, 0.0008, 1, 1]),
    "7": ([0, 0, 0, 0, 0], [1, 1, 1, 1, 1]),
    "8": ([0, 0, 0.484, 0.5, 0.5], [1, 0.125, 0.516, 1, 1]),
    "9": ([0.033, 0.436, 0, 0, 0], [0.115, 0.478, 0.0016, 0.045, 0.125]),
    "10": ([0.59, 0.61, 0, 0.73, 0.5], [1, 1, 0.0016, 1, 1]),
}


def values_of(layers: list[tuple[Floats, Floats]], points: Floats) -> Floats:
    """The outputs of a chain of layers in float64."""
    for matrix, bias in layers[:-1]:
        points = np.maximum(points @ matrix.T + bias, 0.0)
    return np.asarray(points @ layers[-1][0].T + layers[-1][1])


def layers_of(network: Network) -> list[tuple[Floats, Floats]]:
    """The layers of a chain in float64."""
    stages = (*network.stages, network.output)
    return [(float_matrix(s.blocks[0][1]), np.array([to_float(b) for b in s.bias])) for s in stages]


def extreme(network: Network, output: int, sign: int, low: Floats, high: Floats) -> tuple[float, float]:
    """The best value of sign * output that search finds, and the range of the output that it sees."""
    rng, layers = np.random.default_rng(0), layers_of(network)
    points = low + (high - low) * rng.random((20_000, len(low)))
    values = sign * values_of(layers, points)[:, output]
    least, width = values.min(), high - low
    for step in 0.1 * 0.9 ** np.arange(100):
        best = points[np.argsort(-values)[:20]]
        moved = best[:, None, :] + step * width * rng.normal(size=(20, 20, len(low)))
        points = np.concatenate([best, np.clip(moved, low, high).reshape(-1, len(low))])
        values = sign * values_of(layers, points)[:, output]
    return float(values.max()), float(values.max() - least)


def text_of(network: Network, low: Floats, high: Floats, output: int, sign: int, limit: float) -> str:
    """The property sign * output >= limit on a box."""
    parts = [f"(declare-const Y_{i} Real)" for i in range(network.output_dim)]
    for i, (a, b) in enumerate(zip(low.tolist(), high.tolist(), strict=True)):
        ends = to_text(rational(a)), to_text(rational(b))
        parts.append(f"(declare-const X_{i} Real)(assert (>= X_{i} {ends[0]}))(assert (<= X_{i} {ends[1]}))")
    relation = ">=" if sign > 0 else "<="
    return "".join(parts) + f"(assert ({relation} Y_{output} {to_text(rational(sign * limit))}))"


def measure(name: str, network: Network, box: str, ends: tuple[list[float], list[float]], certificates: bool) -> None:
    """One line: the verdicts and times of all outputs on one box."""
    low, high = (np.array(end, dtype=float) - 0.5 for end in ends)
    times: dict[str, list[float]] = {}
    proofs = ""
    for output in range(network.output_dim):
        for sign in (1, -1):
            best, width = extreme(network, output, sign, low, high)
            for side, expected in ((1, "proven"), (-1, "violated")):
                text = text_of(network, low, high, output, sign, best + 0.01 * side * width)
                spec = parse_vnnlib(text)
                begun = time.process_time()
                found = decide(network, spec, time_limit=LIMIT, node_limit=10**9)
                times.setdefault(expected, []).append(time.process_time() - begun)
                if found.verdict.status.value != expected:
                    print(f"{name}, box {box}, output {output}, side {side}: {found.verdict.status.value}", flush=True)
                elif certificates and (output, sign, side) == (0, 1, 1):
                    with tempfile.TemporaryDirectory() as folder:
                        path = Path(folder) / "proof.cert.gz"
                        begun = time.process_time()
                        counts = write_property_certificate(network, spec, path)
                        written = time.process_time()
                        assert verify_certificate(path, network, spec=spec).valid
                        checked = time.process_time() - written
                        size = path.stat().st_size / 1000
                    leaves = counts["leaves"]
                    proofs = f" | {leaves} leaves, {size:.0f} kB, {written - begun:.1f} s, {checked:.1f} s"
    line = " | ".join(f"{np.median(t):.2f} to {max(t):.2f}" for t in (times["proven"], times["violated"]))
    print(f"| {name} | {box} | {len(times['proven'])} | {line}{proofs} |", flush=True)


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1])
    wanted = [name for name in sys.argv[2:] if not name.startswith("--")]
    certificates = "--certificates" in sys.argv
    print("| network | box | questions a side | proven, median to most s | violated | proof: size, writing, checking |")
    cube = {"cube": ([0.0] * 3, [1.0] * 3)}
    for name, boxes in (("ishigami", cube), ("friedman", BOXES)):
        network = read_npz(folder / f"{name}.npz")
        for box, ends in boxes.items():
            if not wanted or box in wanted:
                measure(name, network, box, ends, certificates)
    if "--random" in sys.argv:
        for shape, half in (((3, 32, 32, 3), 1.0), ((3, 32, 32, 3), 4.0), ((3, 64, 64, 3), 1.0)):
            for seed in (0, 1):
                ends = [0.5 - half] * 3, [0.5 + half] * 3
                name = f"random {'-'.join(map(str, shape))}, seed {seed}"
                measure(name, random_network(shape, seed), f"[-{half:g}, {half:g}]^3", ends, certificates)


if __name__ == "__main__":
    main()
