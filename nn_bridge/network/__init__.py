"""Networks as values: exact, immutable, in one normal form, with the builder and the layers that make them."""

from typing import TYPE_CHECKING

from polyhedra.late_names import late_names

if TYPE_CHECKING:
    from nn_bridge.network.network import Network

__all__ = ["Network"]

__getattr__, __dir__ = late_names(
    __name__,
    {
        "Network": "nn_bridge.network.network",
    },
)
