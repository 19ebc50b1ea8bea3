"""The cases of each study that take little time."""

from __future__ import annotations

from itertools import product
from typing import Any

SMALL: dict[str, list[dict[str, Any]]] = {
    "sampling": [{"setting": "affine output", "architecture": [2, 6, 1], "trial": k} for k in range(2)],
    "hoffman": [
        {"kind": "known", "example": "rows of I3 and (-1, -1, -1)"},
        {"kind": "known", "example": "max(0, x - 1, 2x), unpruned"},
        {"kind": "known", "example": "max(0, x - 1, 2x), pruned"},
        {"kind": "matrix", "rows": 5, "columns": 3, "trial": 0},
        {"kind": "polynomial", "inputs": 2, "monomials": 4, "trial": 0},
        {"kind": "network", "architecture": [2, 2, 1], "trial": 0},
        *({"kind": "table 2", "part": "a", "entries": e, "trial": k} for e in ("normal", "uniform") for k in range(8)),
    ],
    "symmetry": [
        *({"inputs": n, "form": "equation (2)", "trial": 0} for n in (2, 3, 4)),
        *({"inputs": n, "channels": [2], "trial": 0} for n in (2, 3)),
    ],
    "training": [{"data": "moons", "hidden": [4], "epochs": 2, "trial": 0}],
    "monomials": [
        {"kind": kind, "inputs": 3, "monomials": m, "trial": 0}
        for kind, m in product(("uniform", "normal", "convex position"), (5, 10))
    ],
    "depth": [
        {"inputs": n, "hidden": hidden, "trial": k} for n in (2, 4) for hidden in ([6], [2, 3]) for k in range(2)
    ],
    "pruning": [{"width": w, "trial": 0, **more} for more in ({}, {"clusters": 2}) for w in (3, 5)],
    "report": [{"architecture": [2, 3, 1]}, {"architecture": [2, 3, 3, 1], "seed": 11456}],
    "digits": [{"hidden": [4], "epochs": 1, "trial": 0}],
    "lines": [{"hidden": [4, 4], "epochs": 1, "segments": 2, "trial": 0}],
    "geometry": [
        *({"inputs": 2, "width": 4, "depth": d, "trial": 0} for d in (1, 2)),
        {"inputs": 2, "width": 4, "depth": 1, "trial": 0, "weights": "trained"},
    ],
    "geometry-data": [{"data": "iris", "trial": 0}],
    "geometry-digits": [{"hidden": [4, 4], "cells": "few", "trial": 0}],
    "topology": [
        *({"kind": "random", "shape": [2, w, 1], "trial": 0} for w in (3, 6)),
        {"kind": "narrow", "shape": [2, 2, 1], "trial": 0},
        {"kind": "n + 1", "shape": [2, 3, 1], "trial": 0},
        {"kind": "folds", "shape": [2, 4, 4, 1], "trial": 0},
        {"kind": "ring", "shape": [2, 8, 8, 1], "trial": 0},
    ],
    "geometry-training": [{"inputs": 2, "width": 4, "trial": 0}],
    "maximum": [{"network": "two layers", "weight": None}],
}
"""Parameters that take little time."""
