"""Facets of cells with relucent: a program that bench_exploration.py runs, once for each cell.

    python benchmarks/facets_relucent.py NETWORK.npz NUMBER

It needs numpy and relucent only, so that it can run in an environment of its own.  The file has W0, b0, .. and points;
the answer is a line of JSON with the units of the facets, numbered through all stages, and the CPU seconds for them.
"""

import json
import sys
import time

import numpy as np
import relucent
from relucent.model.model import LinearLayer, ReLULayer, ReLUNetwork


def main() -> None:
    """Print the facets of the cell that holds a point."""
    layers = []
    with np.load(sys.argv[1]) as data:
        for k in range(sum(name.startswith("W") for name in data.files) - 1):
            layers += [LinearLayer(data[f"W{k}"], data[f"b{k}"]), ReLULayer()]
        point = data["points"][int(sys.argv[2])]
    cell = relucent.Complex(ReLUNetwork(layers)).point2poly(point[None])
    begun = time.process_time()
    facets = sorted(map(int, cell.shis))
    print(json.dumps({"facets": facets, "seconds": time.process_time() - begun}))


if __name__ == "__main__":
    main()
