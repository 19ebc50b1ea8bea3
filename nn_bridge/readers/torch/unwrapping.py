"""A copy of a torch module that is fit to be read: evaluation mode, no wrappers, effective weights in their places.

People wrap modules (``DataParallel``, ``torch.compile``) and let weights be computed when the module runs (weight and
spectral normalisation, orthogonal parametrisation, pruning).  In evaluation mode such a weight is a constant: the one
that the module itself computes, in its own precision, takes its place in the copy.
"""

from __future__ import annotations

import copy
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.readers.torch.tensors import line
from polyhedra.quoting import quoted, shown

_WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}
"""Classes of torch that hold a module and do what it does, and where they hold it."""

_SCRIPTED = "give the module that it was made from, or torch.onnx.export(model, (example,), FILE, external_data=False)"


def readable_copy(module: Any) -> tuple[Any, tuple[str, ...]]:
    """The copy, and notes of what was done to it.

    Raises
    ------
    NetworkError
        The module cannot be copied, is a scripted program, or its effective weights cannot be computed.
    """
    import torch

    top = _unwrapped(module)
    scripted = [name for name, part in top.named_modules() if isinstance(part, torch.jit.ScriptModule)]
    if scripted:
        place = f"module {shown(scripted[0])}" if scripted[0] else "the module"
        raise NetworkError(f"{place} is a TorchScript program, whose layers are not read; {_SCRIPTED}")
    computed: dict[int, Any] = {}
    for part in top.modules():
        for value in vars(part).values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                computed[id(value)] = value.detach().clone()  # deepcopy refuses tensors that were computed
    try:
        twin = copy.deepcopy(top, computed).eval()
    except Exception as error:  # whatever a user's own module does when it is copied
        raise NetworkError(
            f"the module cannot be copied ({line(error)}); detach what it holds besides parameters"
        ) from None
    notes: list[str] = []
    for name, part in list(twin.named_modules()):
        for key, child in part._modules.items():
            if child is not None:
                part._modules[key] = _unwrapped(child)
        try:
            done = _with_effective_weights(part)
        except Exception as error:  # a parametrisation may be the user's own code
            raise NetworkError(
                f"module {shown(name) or quoted(type(twin).__name__)}: its effective weights cannot be computed "
                f"({line(error)}); call torch.nn.utils.parametrize.remove_parametrizations(layer, 'weight') first"
            ) from None
        if done:
            notes.append("weights that the module computes read by their values: " + done)
    return twin, tuple(dict.fromkeys(notes))


def _unwrapped(module: Any) -> Any:
    kind = type(module)
    while kind.__module__.startswith("torch.") and kind.__name__ in _WRAPPERS:
        module = getattr(module, _WRAPPERS[kind.__name__])
        kind = type(module)
    return module


def _with_effective_weights(part: Any) -> str:
    """Put the effective weights of one module into its parameters; what computed them, for a note."""
    import torch
    from torch.nn.utils import parametrize, prune
    from torch.nn.utils.spectral_norm import SpectralNorm
    from torch.nn.utils.weight_norm import WeightNorm

    done = []
    if parametrize.is_parametrized(part):
        values = {name: getattr(part, name).detach().clone() for name in part.parametrizations}
        done += [type(how).__name__.lstrip("_") for listed in part.parametrizations.values() for how in listed]
        # torch's remove_parametrizations would change the class, which the copy shares with the user's module
        part.__class__ = type(part).__bases__[0]
        del part._modules["parametrizations"]
        for name, value in values.items():
            part.register_parameter(name, torch.nn.Parameter(value, requires_grad=False))
    for key, hook in list(part._forward_pre_hooks.items()):
        if isinstance(hook, prune.BasePruningMethod):
            hook.remove(part)
            done.append("pruning")
        elif isinstance(hook, (WeightNorm, SpectralNorm)):
            hook.remove(part)
            done.append(type(hook).__name__)
        else:
            continue
        del part._forward_pre_hooks[key]
    return ", ".join(dict.fromkeys(done))
