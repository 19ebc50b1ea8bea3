"""Networks as values: exact, immutable, in one normal form, with the builder and the layers that make them."""

from nn_bridge.network.network import Network

__all__ = ["Network"]
