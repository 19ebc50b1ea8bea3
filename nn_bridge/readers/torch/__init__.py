"""Torch networks: modules by tracing (layers, functions, shapes), and state dictionaries of linear layers.

Torch is imported only when something of torch's has to be read.
"""

from nn_bridge.readers.torch.reading import network_from_module, network_from_state_dict, read_torch

__all__ = ["network_from_module", "network_from_state_dict", "read_torch"]
