"""The main job on trained networks, as `make demo` runs it: each command line is shown, then run.

The networks were trained on scikit-learn's data by `train.py` beside this file.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from puiseux.console.cli import run

STEPS = (
    (
        "A network trained to tell the wines of three growers apart by alcohol and flavanoids.\n"
        "How many linear regions does it have?",
        "count examples/wine_2d.npz",
    ),
    (
        "As a difference of two max-plus polynomials: how many terms does each output take,\n"
        "expanded as it stands (native) and after exact pruning?",
        "monomials examples/wine_2d.npz",
    ),
    (
        "What do its regions look like, and which grower does it name where?",
        "plot examples/wine_2d.npz --domain box:11,15;0,6 --color-by class -o demo-output/wine_2d.png",
    ),
    (
        "A smaller network, which tells two kinds of iris apart by their petals: its whole function as a formula.",
        "simplify examples/iris_two_kinds.npz",
    ),
    (
        "A network with 64 inputs, which reads images of digits: its regions on the plane through a 0, a 1 and an 8.",
        "plot examples/digits.npz --domain slice:examples/digits_plane.json --color-by class -o demo-output/digits.png",
    ),
)


def main() -> int:
    """Run the steps from the root of the repository; stop at the first that fails."""
    os.chdir(Path(__file__).resolve().parent.parent)
    Path("demo-output").mkdir(exist_ok=True)
    for number, (question, command) in enumerate(STEPS, 1):
        words = command.split()
        print(f"\n{number}. {question}\n\n$ puiseux {shlex.join(words)}\n", flush=True)
        code = run(words)
        if code:
            return code
    print("\nNext: .venv/bin/puiseux --help, README.md, notebooks/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
