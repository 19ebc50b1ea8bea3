"""What torch's convolutions, poolings and normalisations do to arrays of exact signals, and its modules by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nn_bridge.errors import NetworkError
from nn_bridge.network import layers
from nn_bridge.network.signals import Arrays, SignalArray
from nn_bridge.readers import endings
from nn_bridge.readers.torch.operations import FUNCTIONS, Operation, Tracer, named_in_torch
from polyhedra.quoting import quoted
from polyhedra.scalars import rational


def spread(value: Any, count: int) -> list[int]:
    """One integer for each axis, from one for all or one each."""
    values = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(values) == 1:
        values *= count
    if len(values) != count or not all(isinstance(v, int) for v in values):
        raise NetworkError(f"{quoted(value)} is not one number for each of {count} axes")
    return values


def with_batch(t: Tracer, x: Any, spatial: int) -> tuple[SignalArray, bool]:
    """Torch also takes arrays without the batch axis."""
    array = t.array(x)
    if array.ndim == spatial + 1:
        return t.ops.reshape(array, (1, *array.shape)), True
    return array, False


def without_batch(t: Tracer, array: SignalArray, added: bool) -> SignalArray:
    """The array without the batch axis that `with_batch` added."""
    return t.ops.reshape(array, array.shape[1:]) if added else array


def _convolution(spatial: int) -> Operation:
    def operation(
        t: Tracer, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1,
    ) -> SignalArray:  # fmt: skip
        array, added = with_batch(t, x, spatial)
        kernel = t.array(weight, "the kernel")
        steps, gaps = spread(stride, spatial), spread(dilation, spatial)
        if padding == "same":
            total = [gap * (size - 1) for gap, size in zip(gaps, kernel.shape[2:], strict=True)]
            around = [(amount // 2, amount - amount // 2) for amount in total]
        else:
            around = [(p, p) for p in spread(0 if padding == "valid" else padding, spatial)]
        shift = None if bias is None else t.array(bias, "the bias")
        result = layers.convolution(t.ops, array, kernel, shift, steps, around, gaps, groups)
        return without_batch(t, result, added)

    return operation


def _max_pool(spatial: int) -> Operation:
    def operation(
        t: Tracer, x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
        ceil_mode: bool = False, return_indices: bool = False,
    ) -> SignalArray:  # fmt: skip
        if return_indices:
            raise NetworkError("the indices of a maximum jump; leave return_indices out")
        array, added = with_batch(t, x, spatial)
        kernel = spread(kernel_size, spatial)
        steps = kernel if stride in (None, [], ()) else spread(stride, spatial)
        around = [(p, p) for p in spread(padding, spatial)]
        result = layers.max_pool(t.ops, array, kernel, steps, around, spread(dilation, spatial), ceil_mode)
        return without_batch(t, result, added)

    return operation


def _average_pool(spatial: int) -> Operation:
    def operation(
        t: Tracer, x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> SignalArray:  # fmt: skip
        array, added = with_batch(t, x, spatial)
        kernel = spread(kernel_size, spatial)
        steps = kernel if stride in (None, [], ()) else spread(stride, spatial)
        around = [(p, p) for p in spread(padding, spatial)]
        result = layers.average_pool(
            t.ops, array, kernel, steps, around, count_padding=count_include_pad, ceil_mode=ceil_mode,
            divisor=divisor_override,
        )  # fmt: skip
        return without_batch(t, result, added)

    return operation


def _adaptive(spatial: int, pool: Callable[[Arrays, SignalArray, Sequence[int]], SignalArray]) -> Operation:
    def operation(t: Tracer, x: Any, output_size: Any, return_indices: bool = False) -> SignalArray:
        if return_indices:
            raise NetworkError("the indices of a maximum jump; leave return_indices out")
        array, added = with_batch(t, x, spatial)
        values = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size] * spatial
        sizes = [array.shape[2 + a] if v is None else v for a, v in enumerate(values)]
        return without_batch(t, pool(t.ops, array, sizes), added)

    return operation


for _count in (1, 2, 3):
    FUNCTIONS[f"conv{_count}d"] = _convolution(_count)
    FUNCTIONS[f"max_pool{_count}d"] = _max_pool(_count)
    FUNCTIONS[f"avg_pool{_count}d"] = _average_pool(_count)
    FUNCTIONS[f"adaptive_avg_pool{_count}d"] = _adaptive(_count, layers.adaptive_average_pool)
    FUNCTIONS[f"adaptive_max_pool{_count}d"] = _adaptive(_count, layers.adaptive_max_pool)


@named_in_torch("batch_norm")
def _batch_norm(
    t: Tracer, x: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: Any = 0.1, eps: Any = 1e-5,
) -> SignalArray:  # fmt: skip
    if training or running_mean is None or running_var is None:
        raise NetworkError("a batch normalisation without running statistics looks at the whole batch")
    t.note("batch normalisation: gamma / sqrt(var + eps) rounded once to float64")
    return layers.batch_norm(
        t.ops,
        t.array(x),
        None if weight is None else t.numbers(weight, "gamma"),
        None if bias is None else t.numbers(bias, "beta"),
        t.numbers(running_mean, "the running mean"),
        t.numbers(running_var, "the running variance"),
        rational(eps),
    )


@named_in_torch("aten::batch_norm")
def _aten_batch_norm(
    t: Tracer, x: Any, weight: Any, bias: Any, mean: Any, var: Any, training: bool, momentum: Any, eps: Any, cudnn: bool
) -> SignalArray:
    return _batch_norm(t, x, mean, var, weight, bias, training, momentum, eps)


# ---------------------------------------------------------------- endings


@named_in_torch("softmax", "_softmax")
def _softmax(t: Tracer, x: Any, dim: Any = None, *arguments: Any, **named: Any) -> endings.Ending:
    array = t.array(x)
    return endings.softmax(array, _class_axis(array, dim))


@named_in_torch("log_softmax", "_log_softmax")
def _log_softmax(t: Tracer, x: Any, dim: Any = None, *arguments: Any, **named: Any) -> endings.Ending:
    array = t.array(x)
    return endings.log_softmax(array, _class_axis(array, dim))


def _class_axis(array: SignalArray, dim: Any) -> int:
    return int(dim) if dim is not None else (0 if array.ndim in (0, 1, 3) else 1)


@named_in_torch("sigmoid")
def _sigmoid(t: Tracer, x: Any) -> endings.Ending:
    return endings.sigmoid(t.array(x))


# ---------------------------------------------------------------- modules


def _calls(*names: str) -> Callable[[Tracer, Any, Any], Any]:
    def run(t: Tracer, module: Any, x: Any) -> Any:
        return FUNCTIONS[names[0]](t, x, **{name: getattr(module, name) for name in names[1:]})

    return run


def _convolving(spatial: int) -> Callable[[Tracer, Any, Any], Any]:
    def run(t: Tracer, module: Any, x: Any) -> Any:
        if module.padding_mode == "zeros":
            return FUNCTIONS[f"conv{spatial}d"](
                t, x, module.weight, module.bias, module.stride, module.padding, module.dilation, module.groups
            )
        mode = module.padding_mode
        padded = FUNCTIONS["pad"](t, x, module._reversed_padding_repeated_twice, mode)
        return FUNCTIONS[f"conv{spatial}d"](
            t, padded, module.weight, module.bias, module.stride, 0, module.dilation, module.groups
        )

    return run


def _normalising_instances(t: Tracer, module: Any, x: Any) -> SignalArray:
    if module.running_mean is None:
        raise NetworkError("without running statistics it divides by the deviation of its input; not piecewise linear")
    return _normalising(t, module, x)


def _normalising(t: Tracer, module: Any, x: Any) -> SignalArray:
    return _batch_norm(
        t, x, module.running_mean, module.running_var, module.weight, module.bias, False, None, module.eps
    )


_PADDINGS = {"Zero": "constant", "Constant": "constant", "Reflection": "reflect", "Replication": "replicate",
             "Circular": "circular"}  # fmt: skip


def _padding(t: Tracer, module: Any, x: Any) -> SignalArray:
    mode = next(mode for kind, mode in _PADDINGS.items() if type(module).__name__.startswith(kind))
    return FUNCTIONS["pad"](t, x, module.padding, mode, getattr(module, "value", None))


MODULES: dict[str, Callable[[Tracer, Any, Any], Any]] = {
    "Linear": _calls("linear", "weight", "bias"),
    "ReLU": _calls("relu"),
    "LeakyReLU": _calls("leaky_relu", "negative_slope"),
    "RReLU": _calls("rrelu", "lower", "upper"),
    "PReLU": _calls("prelu", "weight"),
    "Hardtanh": _calls("hardtanh", "min_val", "max_val"),
    "ReLU6": _calls("relu6"),
    "Hardsigmoid": _calls("hardsigmoid"),
    "Threshold": _calls("threshold", "threshold", "value"),
    "Softshrink": _calls("softshrink", "lambd"),
    "Hardshrink": _calls("hardshrink"),
    "Identity": lambda t, module, x: x,
    "Flatten": _calls("flatten", "start_dim", "end_dim"),
    "Unflatten": lambda t, module, x: FUNCTIONS["unflatten"](t, x, module.dim, module.unflattened_size),
    "ChannelShuffle": _calls("channel_shuffle", "groups"),
    "Softmax": _calls("softmax", "dim"),
    "LogSoftmax": _calls("log_softmax", "dim"),
    "Sigmoid": _calls("sigmoid"),
    "Softmax2d": lambda t, module, x: FUNCTIONS["softmax"](t, x, -3),
    "SyncBatchNorm": _normalising,
}
"""By the name of the class in ``torch.nn``."""

for _name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"):
    MODULES[_name] = _calls("dropout", "p")
for _count in (1, 2, 3):
    MODULES[f"Conv{_count}d"] = _convolving(_count)
    MODULES[f"BatchNorm{_count}d"] = _normalising
    MODULES[f"InstanceNorm{_count}d"] = _normalising_instances
    MODULES[f"MaxPool{_count}d"] = _calls(
        f"max_pool{_count}d", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"
    )
    MODULES[f"AvgPool{_count}d"] = _calls(
        f"avg_pool{_count}d", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad",
        *(("divisor_override",) if _count > 1 else ()),
    )  # fmt: skip
    MODULES[f"AdaptiveAvgPool{_count}d"] = _calls(f"adaptive_avg_pool{_count}d", "output_size")
    MODULES[f"AdaptiveMaxPool{_count}d"] = _calls(f"adaptive_max_pool{_count}d", "output_size", "return_indices")
    for _kind in _PADDINGS:
        MODULES[f"{_kind}Pad{_count}d"] = _padding


_WHY = {
    "Lazy": "its sizes are not known before its first call; run the module once on an example",
    "RNN": "with nonlinearity='relu' it is piecewise linear, but not read: write its steps out with Linear and ReLU",
    "LPPool": "with norm 1 it is a sum over windows, which AvgPool reads; other norms are not piecewise linear",
    "Embedding": "it looks up indices, not real inputs; start from the vectors that it gives",
    "MaxUnpool": "it needs the places of maxima, which jump",
    "FractionalMaxPool": "its windows are drawn at random; take MaxPool or AdaptiveMaxPool",
    "PairwiseDistance": "it takes two inputs; write a norm of 1 with abs and sum",
    "Module": "it only holds modules; its parent must say in forward what is applied",
    "Parameter": "it only holds parameters; its parent must say in forward what is done",
}


def reason(name: str) -> str:
    """Why a layer of torch.nn that `MODULES` lacks is not read."""
    for start, why in _WHY.items():
        if name.startswith(start):
            return why
    if name.endswith("Loss"):
        return "it compares two inputs; read the network without its loss"
    return f"it is not piecewise linear; {INSTEAD}"


INSTEAD = "put a piecewise linear layer in its place, or convert the part before it"
