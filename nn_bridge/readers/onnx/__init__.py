"""ONNX models: the graph is run on arrays of exact signals, and the result is compared with the model."""

from nn_bridge.readers.onnx.reading import network_from_onnx, read_onnx

__all__ = ["network_from_onnx", "read_onnx"]
