"""Mixed-integer formulations of networks: bounds, counts, verification, optimisation, compression, sparse fits.

Importing this package loads no solver: cvxpy, HiGHS and SCIP (the extra [milp]) are loaded when first used. The public
names are loaded when they are first asked for too, so that the route that counts by mixed-integer programs knows
nothing of the cell engine that other questions use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from milp.compress import compress, stability_proofs  # the function, not the module of its name
from polyhedra.former_paths import forward

if TYPE_CHECKING:
    from milp.bounding import network_bounds
    from milp.bounds import Bounds, Stability
    from milp.count import count_milp, search_patterns
    from milp.formulations import Layer, NetworkModel, formulate, formulate_layers
    from milp.optimize import Optimum, optimize_network, output_ranges, reach_bounds
    from milp.properties import verify_vnnlib
    from milp.scip_model import ScipModel, formulate_scip
    from milp.sensitivity import local_lipschitz, verify_monotone
    from milp.training.convex_training import train_convex
    from milp.training.sparse_fit import SparseFit, sparsest_fit
    from milp.verify import Status, Verdict, verify_class, verify_upper
    from milp.vnnlib import read_vnnlib

_HOMES = {
    "Bounds": "milp.bounds",
    "Layer": "milp.formulations",
    "NetworkModel": "milp.formulations",
    "Optimum": "milp.optimize",
    "ScipModel": "milp.scip_model",
    "SparseFit": "milp.training.sparse_fit",
    "Stability": "milp.bounds",
    "Status": "milp.verify",
    "Verdict": "milp.verify",
    "count_milp": "milp.count",
    "formulate": "milp.formulations",
    "formulate_layers": "milp.formulations",
    "formulate_scip": "milp.scip_model",
    "local_lipschitz": "milp.sensitivity",
    "network_bounds": "milp.bounding",
    "optimize_network": "milp.optimize",
    "output_ranges": "milp.optimize",
    "reach_bounds": "milp.optimize",
    "read_vnnlib": "milp.vnnlib",
    "search_patterns": "milp.count",
    "sparsest_fit": "milp.training.sparse_fit",
    "train_convex": "milp.training.convex_training",
    "verify_class": "milp.verify",
    "verify_monotone": "milp.sensitivity",
    "verify_upper": "milp.verify",
    "verify_vnnlib": "milp.properties",
}
"""The module of each of the other public names."""

__all__ = [
    "Bounds",
    "Layer",
    "NetworkModel",
    "Optimum",
    "ScipModel",
    "SparseFit",
    "Stability",
    "Status",
    "Verdict",
    "compress",
    "count_milp",
    "formulate",
    "formulate_layers",
    "formulate_scip",
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
        "milp.joint": "nn_bridge.network.joint",
        "milp.sparse_data": "milp.training.sparse_data",
        "milp.sparse_fit": "milp.training.sparse_fit",
        "milp.sparse_model": "milp.training.sparse_model",
        "milp.sparse_train": "milp.training.sparse_train",
    }
)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'milp' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
