"""All operators of ONNX that are read, in one place: importing this module fills the registries.

To add an operator, write a function in the module of its family, under ``@named``, and name it in docs/networks.md.
"""

from nn_bridge.readers.onnx import (
    activations,
    arithmetic,
    constant_arrays,
    constants,
    learning,
    quantisation,
    shapes,
    windows,
)
from nn_bridge.readers.onnx.session import CONSTANT_OPERATORS, LEARNING_OPERATORS, OPERATORS, Node, Session, Value

FAMILIES = (activations, arithmetic, constant_arrays, constants, learning, quantisation, shapes, windows)
"""The modules that hold operators."""

__all__ = ["CONSTANT_OPERATORS", "FAMILIES", "LEARNING_OPERATORS", "OPERATORS", "Node", "Session", "Value"]
