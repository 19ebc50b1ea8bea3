"""State dictionaries: parameters by name, read as a chain of linear layers with ReLU after all but the last.

A state dictionary lists parameters, neither activations nor connections.  So the layers are taken in the order of the
file, and the notes of the network say which order that is and what the file does not tell.  Files wrap the dictionary
in others (``{"state_dict": ..}``, checkpoints of Lightning); pruned parameters are the products of their parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import Budget
from nn_bridge.network.chains import chain
from nn_bridge.network.network import Network
from nn_bridge.readers.files import MAX_BYTES
from polyhedra.quoting import quoted, shown

SAVE_ADVICE = "save the parameters alone with torch.save(model.state_dict(), FILE)"
READABLE = (
    "a state dictionary is read as a chain of linear layers; give other networks as a module, or as .onnx: "
    "torch.onnx.export(model, (example,), FILE, external_data=False)"
)

Convert = Callable[[Any, str], np.ndarray]
"""From a value of the dictionary and its name for messages to an array of real numbers."""

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_NAMED = 12  # layers whose names a note lists
_KINDS = re.compile(r"(?:(?P<prefix>.*)\.)?(?P<kind>(?:weight|bias)(?:_orig|_mask)?)", re.DOTALL)
_REPARAMETRISED = re.compile(r"(^|\.)(parametrizations\.|weight_[guv]$)")
_STATISTICS = re.compile(r"(^|\.)(running_mean|running_var|num_batches_tracked)$")


class DenseSizes:
    """How many bytes of float64 numbers a file has asked for: a tensor may be larger than what the file stores."""

    def __init__(self) -> None:
        self.bytes = 0
        self.budget = Budget()

    def check(self, count: int, place: str) -> None:
        """Call it before an array of so many entries is made.

        Raises
        ------
        NetworkError
            It is larger than a network may be, alone or with those before it.
        """
        self.bytes += 8 * count
        if self.bytes > MAX_BYTES:
            raise NetworkError(f"{place} has {count:,} entries, with those before it more than a network may have")

    def check_used(self, array: np.ndarray, place: str) -> None:
        """Call it before the entries of an array become exact numbers."""
        self.budget.spend_floats(array, place)


def network_of_state_dict(state: Any, convert: Convert, *, order: str = "of the file") -> Network:
    """The chain of linear layers in a state dictionary.

    Parameters
    ----------
    state : mapping
        Parameters by name, perhaps inside other dictionaries.
    convert : callable
        Makes arrays of its values, or refuses them.
    order : str
        Whose order the layers have, for the note.

    Raises
    ------
    NetworkError
        It is no state dictionary, or holds more than linear layers that chain.
    """
    parameters = _unwrapped(state)
    parts: dict[str, dict[str, np.ndarray]] = {}
    sizes = DenseSizes()
    sizes.budget.spend_operators(len(parameters), "the list of parameters")
    for key, value in parameters.items():
        match = _KINDS.fullmatch(str(key))
        if match is None or _REPARAMETRISED.search(str(key)):
            raise NetworkError(f"the state dictionary holds {quoted(key)}, {_reason(str(key))}")
        place = f"parameter {shown(key)}"
        array = convert(value, place)
        sizes.check_used(array, place)
        parts.setdefault(match["prefix"] or "", {})[match["kind"]] = array
    weights, biases = [], []
    for prefix, kinds in parts.items():
        name = f"{shown(prefix)}." if prefix else ""
        weight, bias = (_effective(kinds, kind, name) for kind in ("weight", "bias"))
        if weight is None:
            raise NetworkError(f"the state dictionary holds {name}bias but no {name}weight; {READABLE}")
        if weight.ndim != 2 or not len(weight):
            kind = {1: "; a normalisation or PReLU has such a vector", 4: "; a convolution has such a kernel"}
            raise NetworkError(
                f"parameter {name}weight of shape {weight.shape} is not the matrix of a linear layer"
                f"{kind.get(weight.ndim, '')}; {READABLE}"
            )
        weights.append(weight)
        biases.append(bias)
    names = [shown(prefix, 30) or "the only one" for prefix in parts]
    if len(names) > _NAMED:
        names[_NAMED - 2 : -1] = ["..."]
    listed = ", ".join(names)
    try:
        network = chain(weights, biases, ["relu"] * (len(weights) - 1) + ["linear"], Budget())
    except NetworkError as error:
        raise NetworkError(f"{error}; the layers were taken in the order {order}: {listed}; {READABLE}") from None
    note = (
        f"read from a state dictionary, layers in the order {order}: {listed}; ReLU assumed after every layer but the "
        "last; skip connections and activations are not in the file"
    )
    return Network(network.input_dim, network.stages, network.output, network.layers, (note,))


def _unwrapped(state: Any) -> Mapping[Any, Any]:
    """The innermost dictionary of parameters."""
    for _ in range(4):
        if not isinstance(state, Mapping):
            break
        inner = next((state[key] for key in _WRAPPERS if isinstance(state.get(key), Mapping)), None)
        if inner is None:
            break
        state = inner
    if not isinstance(state, Mapping) or not state:
        raise NetworkError(f"this is no state dictionary of a network; {SAVE_ADVICE}")
    return state


def _reason(key: str) -> str:
    if _REPARAMETRISED.search(key):
        return (
            "a part of a weight that is computed when the module runs; call "
            "torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight') (or remove_weight_norm, "
            "remove_spectral_norm) on each such layer and save again, or give the module itself, which is read"
        )
    if _STATISTICS.search(key):
        return (
            "which belongs to a normalisation, whose place among the activations a state dictionary does not tell; "
            f"{READABLE}"
        )
    return f"which is no weight or bias; {READABLE}"


def _effective(kinds: dict[str, np.ndarray], kind: str, name: str) -> np.ndarray | None:
    """The parameter itself, or the product of its pruned parts, exactly: a mask holds zeros and ones."""
    original, mask = kinds.get(f"{kind}_orig"), kinds.get(f"{kind}_mask")
    if original is None and mask is None:
        return kinds.get(kind)
    if original is None or mask is None or original.shape != mask.shape or not np.isin(mask, (0, 1)).all():
        raise NetworkError(
            f"the state dictionary holds {name}{kind}_orig or {name}{kind}_mask, but not both as pruning leaves them; "
            f"call torch.nn.utils.prune.remove(layer, {kind!r}) and save again"
        )
    return np.where(mask != 0, original, np.zeros_like(original))
