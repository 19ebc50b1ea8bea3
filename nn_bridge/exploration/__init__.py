"""Cells found from a start instead of all of them: neighbours across facets, walks, paths, for any number of inputs."""

from nn_bridge.exploration.checkpoint import ExplorationRecord
from nn_bridge.exploration.expansion import Expander
from nn_bridge.exploration.local_cell import CellFacts, LocalCell, LocalCells
from nn_bridge.exploration.paths import PathBounds, path_bounds
from nn_bridge.exploration.ray_cell import RayCell
from nn_bridge.exploration.ray_cells import RayCells
from nn_bridge.exploration.walks import ORDERS, Visit, walk

__all__ = [
    "ORDERS",
    "CellFacts",
    "Expander",
    "ExplorationRecord",
    "LocalCell",
    "LocalCells",
    "PathBounds",
    "RayCell",
    "RayCells",
    "Visit",
    "path_bounds",
    "walk",
]
