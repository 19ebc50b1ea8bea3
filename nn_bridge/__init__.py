"""Networks in and out, and the routes from a network to its cells and its tropical map."""

from typing import TYPE_CHECKING

from polyhedra.former_paths import forward
from polyhedra.late_names import late_names

if TYPE_CHECKING:
    from nn_bridge.network import Network

__all__ = ["Network"]

__getattr__, __dir__ = late_names(
    __name__,
    {
        "Network": "nn_bridge.network.network",
    },
)

forward(
    {
        "nn_bridge.bounds": "nn_bridge.expressivity.region_bounds",
        "nn_bridge.builder": "nn_bridge.network.builder",
        "nn_bridge.cell_count": "nn_bridge.cells.counting.count",
        "nn_bridge.cell_export": "nn_bridge.cells.export",
        "nn_bridge.cell_graph": "nn_bridge.cells.adjacency",
        "nn_bridge.cell_map": "nn_bridge.cells.tropical_map",
        "nn_bridge.cell_statistics": "nn_bridge.cells.statistics",
        "nn_bridge.constructions": "nn_bridge.expressivity.constructions",
        "nn_bridge.differentiable": "nn_bridge.sign_vectors.differentiable",
        "nn_bridge.level_sets": "nn_bridge.sign_vectors.level_sets",
        "nn_bridge.monomial_complexity": "nn_bridge.expressivity.complexity",
        "nn_bridge.monomials": "nn_bridge.symbolic.monomials",
        "nn_bridge.point_queries": "nn_bridge.network.point_cells",
        "nn_bridge.readers.torch_layers": "nn_bridge.readers.torch.layers",
        "nn_bridge.readers.torch_modules": "nn_bridge.readers.torch.modules",
        "nn_bridge.readers.torch_operations": "nn_bridge.readers.torch.operations",
        "nn_bridge.readers.torch_shapes": "nn_bridge.readers.torch.shapes",
        "nn_bridge.readers.torch_tensors": "nn_bridge.readers.torch.tensors",
        "nn_bridge.readers.torch_unwrapping": "nn_bridge.readers.torch.unwrapping",
        "nn_bridge.readers.torch_upsampling": "nn_bridge.readers.torch.upsampling",
        "nn_bridge.realize": "nn_bridge.symbolic.realize",
        "nn_bridge.sampling": "nn_bridge.expressivity.sampling",
        "nn_bridge.sampling_box": "nn_bridge.expressivity.sampling_box",
        "nn_bridge.segments": "nn_bridge.network.segments",
        "nn_bridge.simplify": "nn_bridge.reduction.superfluous_units",
        "nn_bridge.stability": "nn_bridge.reduction.stability",
        "nn_bridge.symmetry": "nn_bridge.expressivity.symmetry",
        "nn_bridge.tropicalize": "nn_bridge.symbolic.tropicalize",
        "nn_bridge.writers.mesh": "nn_bridge.sign_vectors.mesh",
    }
)
