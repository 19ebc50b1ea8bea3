"""Count the cells of one network on R^n with relucent: a program for ``puiseux suite run``.

    puiseux suite run DIR --command "python benchmarks/suite_relucent.py {npz}"

It needs numpy and relucent only, so that it can run in an environment of its own.  A search that relucent itself calls
incomplete or unverified is a refusal.  The search starts at a random point, because its own choice, the origin, lies on
hyperplanes wherever a bias is zero.
"""

import sys

import numpy as np
import relucent
from relucent.model.model import LinearLayer, ReLULayer, ReLUNetwork


def main() -> None:
    """Print the number of cells."""
    layers = []
    with np.load(sys.argv[1]) as data:
        for k in range(len(data.files) // 2 - 1):
            layers += [LinearLayer(data[f"W{k}"], data[f"b{k}"]), ReLULayer()]
    found = relucent.Complex(ReLUNetwork(layers))
    start = np.random.default_rng(0).normal(size=(1, found.dim))
    result = found.bfs(start, nworkers=1, verbose=0)
    if not (result.complete and result.verified):
        sys.exit(f"complete: {result.complete}, verified: {result.verified}")
    print(len(found))


if __name__ == "__main__":
    main()
