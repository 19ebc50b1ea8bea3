"""Tensor operations of the edge subdivision, on any torch device: tensors in, tensors out.

The counterpart of `nn_bridge.sign_vectors._kernels`, with sorting in place of hashing.  The mathematics is told in
`nn_bridge.sign_vectors.subdivide`.

* Sign words of up to 62 neurons are int64 (so that no sign bit is in the way); fingerprints are int64 with wrapping
  addition, as CUDA has no arithmetic on uint64.
* A vertex row has its residual, its size, its coordinates, then pre-activations, all float64.
* Amplifications are kept as whole sixteenths of their logarithm to base two (``steps``): so products are exact sums.
* Nothing depends on the order of atomic operations: the same input gives the same tensors on every run.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from polyhedra.rounding import UNIT_ROUNDOFF

RESIDUAL, SIZE, HEAD = 0, 1, 2
"""Columns of a vertex row: residual, size, and where the coordinates begin."""
STEPS = 16.0
HOPELESS = 16384
"""Steps in a factor of two; steps that stand for an infinite amplification (they still fit 16 bits)."""
HEIGHT, HEIGHT_ERROR, RATE, RATE_ERROR, OFF, ROOM = range(6)
"""Columns of what is remembered of a cut edge while its neuron is worked on."""
SPREAD_BITS = 0x0102040810204080
"""Times eight bytes of 0 or 1 (the first one lowest), its top byte has them as bits."""
NO_KEY = (1 << 63) - 1


class Cut(NamedTuple):
    """New vertices on m cut edges.

    turn and steps (m,) int32, the amplification by the cut itself and in all; record (m, 6) float64; bits (m,) int64,
    the signs of the block's later neurons; suspects (m,) int64, those of them within the error bound.
    """

    turn: Tensor
    steps: Tensor
    record: Tensor
    bits: Tensor
    suspects: Tensor


def amplified(residual: Tensor, steps: Tensor) -> Tensor:
    """Residual times amplification; the conversion is spelled out, as integers over a float are float32 in torch."""
    return residual * torch.exp2(steps.to(torch.float64) / STEPS)


def pack(signs: Tensor) -> Tensor:
    """Sign words from booleans of shape (rows, up to 62)."""
    missing = -signs.shape[1] % 8
    if missing:
        signs = torch.nn.functional.pad(signs, (0, missing))
    bits = ((signs.contiguous().view(torch.int64) * SPREAD_BITS) >> 56) & 255
    word = bits[:, 0]
    for i in range(1, bits.shape[1]):
        word = word | (bits[:, i] << (8 * i))
    return word


def set_bits(words: Tensor, count: int) -> Tensor:
    """Rows and places of the set bits below ``count``, shape (bits, 2)."""
    return torch.nonzero((words[:, None] >> torch.arange(count, device=words.device)) & 1)


def lowest_bit(words: Tensor) -> Tensor:
    """The place of the lowest set bit as int8, -1 where there is none.  Read off the exponent, which is exact."""
    lowest = (words & -words).to(torch.float64)
    return ((lowest.view(torch.int64) >> 52) - 1023).clamp_(min=-1).to(torch.int8)


def word_sum(table: Tensor, bits: Tensor) -> Tensor:
    """The wrapping sum of the words of all set bits; row i of ``table`` (bytes, 256) holds the sums for byte i."""
    total = table[0].index_select(0, bits & 255)
    for i in range(1, len(table)):
        total += table[i].index_select(0, (bits >> (8 * i)) & 255)
    return total


def cut_edges(
    a: Tensor,
    b: Tensor,
    edge_steps: Tensor,
    bits_a: Tensor,
    bits_b: Tensor,
    k: int,
    column: int,
    count: int,
    d: int,
    scaled: Tensor,
    functional: Tensor,
    height_scale: Tensor,
    out: Tensor,
) -> Cut:
    """Interpolate the new vertices of neuron k of a block, with bounds.

    ``a`` and ``b`` are the rows of the edges' ends, ``edge_steps`` (int32) the sums of the edges' amplification steps,
    ``out`` takes the new rows; the columns ``column .. column + count - 1`` hold the block's neurons.
    """
    kc = column + k
    start = a[:, kc]
    width = start - b[:, kc]
    residual = torch.maximum(a[:, RESIDUAL], b[:, RESIDUAL])
    size = torch.maximum(a[:, SIZE], b[:, SIZE])
    step = b - a
    torch.addcmul(a, (start / width)[:, None], step, out=out)
    out[:, kc] = 0.0
    point = slice(HEAD, HEAD + d)
    rise = step[:, point] @ functional
    spread = step[:, HEAD:].mul_(scaled[HEAD:]).abs_().amax(dim=1)
    # both ends are off the edge's line by no more than this
    off = amplified(residual, edge_steps) * (1 + 16 * UNIT_ROUNDOFF)
    room = width.abs() * scaled[kc] * (1 - 8 * UNIT_ROUNDOFF) - 2 * off * (1 + 8 * UNIT_ROUNDOFF)
    fine = (room > 0) & torch.isfinite(room) & torch.isfinite(spread)  # the width may have overflowed
    ratio = 1 + (spread + 2 * off) / room * (1 + 32 * UNIT_ROUNDOFF)
    turn = torch.ceil(STEPS * torch.log2(ratio) + 1e-6)  # an integer is made of it: no NaN may stay
    turn = turn.masked_fill_(~(fine & torch.isfinite(ratio)), HOPELESS).clamp_(max=HOPELESS).to(torch.int32)
    rate = -rise / width
    slack = (2 * off + 64 * UNIT_ROUNDOFF * size) * (1 + 32 * UNIT_ROUNDOFF)
    rate_error = slack * (height_scale * scaled[kc] + rate.abs()) / room * (1 + 64 * UNIT_ROUNDOFF)
    rate_error.masked_fill_(~fine, torch.inf)
    residual = (residual + 16 * UNIT_ROUNDOFF * size) * (1 + 8 * UNIT_ROUNDOFF)
    steps = edge_steps + turn
    bound = amplified(residual, steps).mul_(1 + 16 * UNIT_ROUNDOFF).masked_fill_(turn >= HOPELESS, torch.inf)
    out[:, RESIDUAL] = residual
    out[:, SIZE] = size * (1 + 4 * UNIT_ROUNDOFF)
    positive, close = signs_within(out, column, count, scaled, bound)
    above = -1 << (k + 1)
    differ = (bits_a ^ bits_b) & above
    height = out[:, point] @ functional
    reach = out[:, point].abs() @ functional.abs()
    height_error = (bound * height_scale + 8 * UNIT_ROUNDOFF * d * reach) * (1 + 64 * UNIT_ROUNDOFF)
    record = torch.stack([height, height_error, rate, rate_error, off, room], dim=1)
    bits = (bits_a & bits_b & above) | (positive & differ)
    return Cut(turn, steps, record, bits, close & differ)


def signs_within(rows: Tensor, column: int, count: int, scaled: Tensor, bound: Tensor) -> tuple[Tensor, Tensor]:
    """Two sign words: positive values, and values that the bound (in their scale) does not part from zero."""
    block = slice(column, column + count)
    heights = rows[:, block] * scaled[block]
    limit = bound[:, None]
    above = heights > limit
    close = ~(above | (heights < -limit))
    return pack(rows[:, block] > 0), pack(close)


def certain_alone(values: Tensor, steps: Tensor, size: Tensor, record: Tensor) -> Tensor:
    """Whether signs are certain by what their own neuron alone changes along the cut edge; values are in their scale.

    ``values`` and ``steps`` (the change from end to end) are those of one neuron a row.
    """
    off, room = record[:, OFF], record[:, ROOM]
    reach = 1 + (steps.abs() * (1 + 4 * UNIT_ROUNDOFF) + 2 * off) / room * (1 + 32 * UNIT_ROUNDOFF)
    return (
        (room > 0)
        & torch.isfinite(room)
        & (values.abs() > (off + 16 * UNIT_ROUNDOFF * size) * reach * (1 + 32 * UNIT_ROUNDOFF))
    )


def higher(one: Tensor, two: Tensor, positive: Tensor, meet: Tensor) -> Tensor:
    """1, 0 or 2 (open): whether the vertex with record ``two`` is higher than that with ``one``.

    Where the two cut edges meet in a vertex, the heights differ by the neuron's value there (of which ``positive`` is
    the sign) times the difference of the two rates: certain however near to that vertex the new ones are.
    """
    rise = two[:, HEIGHT] - one[:, HEIGHT]
    by_height = rise.abs() > (two[:, HEIGHT_ERROR] + one[:, HEIGHT_ERROR]) * (1 + 8 * UNIT_ROUNDOFF)
    turn = two[:, RATE] - one[:, RATE]
    by_rate = meet & (turn.abs() > (two[:, RATE_ERROR] + one[:, RATE_ERROR]) * (1 + 8 * UNIT_ROUNDOFF))
    up = torch.where(by_height, rise > 0, (turn > 0) != positive).to(torch.uint8)
    return up.masked_fill_(~(by_height | by_rate), 2)


def sort_keys(keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Keys in order, their places, and whether every key occurs exactly twice (`NO_KEY` any even number of times).

    The sort is stable, so the lower place of the two comes first on every device.  The number of keys is even.
    """
    ordered, place = torch.sort(keys, stable=True)
    first, second = ordered[0::2], ordered[1::2]
    thrice = (second[:-1] == first[1:]) & (first[1:] != NO_KEY)
    return ordered, place, (first == second).all() & ~thrice.any()
