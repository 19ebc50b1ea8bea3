"""Mixed-integer formulations of networks: bounds, counts, verification, optimisation, compression, sparse fits.

Importing this package loads no solver: cvxpy, HiGHS and SCIP (the extra [milp]) are loaded when first used.
"""

from milp.bounding import network_bounds
from milp.bounds import Bounds, Stability
from milp.compress import compress, stability_proofs
from milp.count import count_milp, search_patterns
from milp.formulations import Layer, NetworkModel, formulate, formulate_layers
from milp.optimize import Optimum, optimize_network, output_ranges, reach_bounds
from milp.properties import verify_vnnlib
from milp.sensitivity import local_lipschitz, verify_monotone
from milp.training.convex_training import train_convex
from milp.training.sparse_fit import SparseFit, sparsest_fit
from milp.verify import Status, Verdict, verify_class, verify_upper
from milp.vnnlib import read_vnnlib
from polyhedra.former_paths import forward

__all__ = [
    "Bounds",
    "Layer",
    "NetworkModel",
    "Optimum",
    "SparseFit",
    "Stability",
    "Status",
    "Verdict",
    "compress",
    "count_milp",
    "formulate",
    "formulate_layers",
    "local_lipschitz",
    "network_bounds",
    "optimize_network",
    "output_ranges",
    "reach_bounds",
    "read_vnnlib",
    "search_patterns",
    "sparsest_fit",
    "stability_proofs",
    "train_convex",
    "verify_class",
    "verify_monotone",
    "verify_upper",
    "verify_vnnlib",
]

forward(
    {
        "milp.convex_training": "milp.training.convex_training",
        "milp.sparse_data": "milp.training.sparse_data",
        "milp.sparse_fit": "milp.training.sparse_fit",
        "milp.sparse_model": "milp.training.sparse_model",
        "milp.sparse_train": "milp.training.sparse_train",
    }
)
