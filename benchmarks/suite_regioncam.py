"""Count the cells of one network in a square with regioncam: a program for ``puiseux suite run``.

    puiseux suite run DIR --domain box --command "python benchmarks/suite_regioncam.py {npz} {box}"

It needs numpy and regioncam only.  regioncam draws the square [-1, 1]^2 in float32; the box is mapped onto it.
Networks that do not read two inputs are refused.
"""

import sys

import numpy as np
import regioncam


def main() -> None:
    """Print the number of faces of the hidden layers."""
    low, high = map(float, sys.argv[2].split(","))
    centre, half = (low + high) / 2, (high - low) / 2
    plane = regioncam.Regioncam(size=1.0)
    with np.load(sys.argv[1]) as data:
        if data["W0"].shape[1] != 2:
            sys.exit("regioncam counts in the plane only")
        for k in range(len(data.files) // 2 - 1):
            weights, bias = data[f"W{k}"], data[f"b{k}"]
            if k == 0:
                weights, bias = weights * half, bias + weights @ np.full(2, centre)
            plane.linear(np.ascontiguousarray(weights.T, np.float32), bias.astype(np.float32))
            plane.relu()
    print(plane.num_faces)


if __name__ == "__main__":
    main()
