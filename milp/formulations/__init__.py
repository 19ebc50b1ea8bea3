"""Mixed-integer formulations as cvxpy expressions, one rule a file.

`formulate` encodes a whole `Network`, `formulate_layers` a chain of layers with the activations as the user wrote them;
both return a `NetworkModel` whose expressions and constraints can be put into a larger model.
"""

from milp.formulations.layers import Layer, formulate_layers
from milp.formulations.network import NetworkModel, formulate

__all__ = ["Layer", "NetworkModel", "formulate", "formulate_layers"]
