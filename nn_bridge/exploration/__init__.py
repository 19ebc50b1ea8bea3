"""Cells found from a start instead of all of them: neighbours across facets, walks, paths, for any number of inputs."""

from nn_bridge.exploration.local_cell import LocalCell, LocalCells
from nn_bridge.exploration.paths import PathBounds, path_bounds
from nn_bridge.exploration.walks import ORDERS, Visit, walk

__all__ = ["ORDERS", "LocalCell", "LocalCells", "PathBounds", "Visit", "path_bounds", "walk"]
