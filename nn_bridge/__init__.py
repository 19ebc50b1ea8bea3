"""Networks in and out, and the routes from a network to its cells and its tropical map."""

from nn_bridge.network import Network

__all__ = ["Network"]
