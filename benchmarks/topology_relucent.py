"""Betti numbers of the level set {f = 0} of one network by relucent, with CPU seconds.

    python benchmarks/topology_relucent.py net.npz

It needs numpy and relucent only, so that it can run in an environment of its own.  The output is made one more ReLU
unit, whose bent hyperplane is the level set.  Its one-point homology is compared with
``puiseux topology net.npz --set level --compactify --field 2``, that of its truncation with the one without
``--compactify``.
"""

import json
import sys
import time

import numpy as np
import relucent
from relucent.model.model import LinearLayer, ReLULayer, ReLUNetwork


def main() -> None:
    """Print one JSON object."""
    layers = []
    with np.load(sys.argv[1]) as data:
        for k in range(len(data.files) // 2):
            layers += [LinearLayer(data[f"W{k}"], data[f"b{k}"]), ReLULayer()]
    begun = time.process_time()
    found = relucent.Complex(ReLUNetwork(layers))
    start = np.random.default_rng(0).normal(size=(1, found.dim))
    result = found.bfs(start, nworkers=1, verbose=0)
    if not (result.complete and result.verified):
        sys.exit(f"complete: {result.complete}, verified: {result.verified}")
    level = found.boundary_complex(found.n - 1, verbose=0)
    answers = {}
    for name in ("truncate", "one_point"):
        answers[name] = {str(k): int(v) for k, v in level.betti_numbers(compactify=name).items()}
    print(json.dumps({"cells": len(found), "betti": answers, "seconds": time.process_time() - begun}))


if __name__ == "__main__":
    main()
