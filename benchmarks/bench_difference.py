"""The largest difference of two networks on a box: of two random ones, and of one and its rounding to 6 bits.

``python benchmarks/bench_difference.py [SECONDS]``; the limit is for each question, 20 s by default.
"""

from __future__ import annotations

import sys
import time

from nn_bridge.network.network import Network
from puiseux import largest_difference, random_network

SIZES = ((4, 16, 16, 1), (5, 20, 20, 2), (4, 32, 32, 1), (5, 16, 16, 1))
SMALL_BOX = {(5, 20, 20, 2): "box:-1/4,1/4"}


def measure(first: Network, second: Network, domain: str, limit: float) -> str:
    """The difference with wall-clock and processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = largest_difference(first, second, domain, time_limit=limit)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return f"{float(found.lower):.6g} ({found.reason or 'proven'}), {wall:.2f} s, CPU {cpu:.2f} s"


def main() -> None:
    """Measure every pair."""
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    for sizes in SIZES:
        domain = SMALL_BOX.get(sizes, "box:-1,1")
        net, other = random_network(list(sizes), rng=1), random_network(list(sizes), rng=2)
        print(sizes, domain, "two networks:", measure(net, other, domain, limit), flush=True)
        print(sizes, domain, "its rounding:", measure(net, net.round(6), domain, limit), flush=True)


if __name__ == "__main__":
    main()
