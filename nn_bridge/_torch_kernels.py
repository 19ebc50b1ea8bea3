"""Tensor operations of the edge subdivision, on any torch device: tensors in, tensors out.

The counterpart of `nn_bridge._edge_kernels`, with sorting in place of hashing.  Words of up to 62 neurons are int64
(so that no sign bit is in the way), fingerprints int64 with wrapping addition.  The mathematics is told in
`nn_bridge.sign_vectors.subdivide`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

UNIT = 2.0**-53
STEPS = 16.0
HOPELESS = 16384


class Cut(NamedTuple):
    """New vertices on m cut edges.

    values (m, columns); residual, size, rate, rate_error (m,) float64; turn and steps (m,) int64, the amplification
    by the cut itself and in all; bits (m,) int64; doubt (m, neurons) bool.
    """

    values: Tensor
    residual: Tensor
    size: Tensor
    rate: Tensor
    rate_error: Tensor
    turn: Tensor
    steps: Tensor
    bits: Tensor
    doubt: Tensor


def word_sum(table: Tensor, bits: Tensor) -> Tensor:
    """The wrapping sum of the words of all set bits; ``table`` (8, 256) holds the sums for each byte."""
    total = torch.zeros_like(bits)
    for i in range(8):
        total += table[i][(bits >> (8 * i)) & 255]
    return total


def pack(signs: Tensor) -> Tensor:
    """Bit words from booleans of shape (rows, up to 62)."""
    weights = torch.ones(signs.shape[1], dtype=torch.int64, device=signs.device) << torch.arange(
        signs.shape[1], device=signs.device
    )
    return (signs.to(torch.int64) * weights).sum(dim=1)


def cut_edges(
    values_a: Tensor,
    values_b: Tensor,
    residual: Tensor,
    size: Tensor,
    edge_steps: Tensor,
    bits_a: Tensor,
    bits_b: Tensor,
    k: int,
    column: int,
    count: int,
    d: int,
    scaled: Tensor,
    functional: Tensor,
    height_scale: float,
) -> Cut:
    """Interpolate the new vertices of neuron k of a block, with bounds.

    ``residual`` and ``size`` are the larger ones of both ends, ``edge_steps`` the sums of the edges' amplification
    steps; the columns ``column .. column + count - 1`` hold the block's neurons, the first d the coordinates.
    """
    kc = column + k
    start, stop = values_a[:, kc], values_b[:, kc]
    width = start - stop
    t = start / width
    step = values_b - values_a
    values = values_a + t[:, None] * step
    values[:, kc] = 0.0
    relative = step.abs() * scaled
    spread = relative.max(dim=1).values
    off = residual * torch.exp2(edge_steps / STEPS) * (1 + 16 * UNIT)
    room = width.abs() * scaled[kc] * (1 - 8 * UNIT) - 2 * off * (1 + 8 * UNIT)
    fine = room > 0
    ratio = torch.where(fine, 1 + (spread + 2 * off) / room * (1 + 32 * UNIT), torch.inf)
    turn = torch.ceil(STEPS * torch.log2(ratio) + 1e-6).clamp(max=HOPELESS).to(torch.int64)
    rise = step[:, :d] @ functional
    rate = -rise / width
    slack = (2 * off + 64 * UNIT * size) * (1 + 32 * UNIT)
    rate_error = torch.where(fine, slack * (height_scale * scaled[kc] + rate.abs()) / room * (1 + 64 * UNIT), torch.inf)
    new_residual = (residual + 16 * UNIT * size) * (1 + 8 * UNIT)
    steps = edge_steps + turn
    bound = torch.where(turn < HOPELESS, new_residual * torch.exp2(steps / STEPS) * (1 + 16 * UNIT), torch.inf)
    block = slice(column, column + count)
    heights = values[:, block].abs() * scaled[block]
    own = (off + 16 * UNIT * size)[:, None] * (
        1 + (relative[:, block] * (1 + 4 * UNIT) + 2 * off[:, None]) / room[:, None] * (1 + 32 * UNIT)
    )
    certain = (heights > bound[:, None]) | (fine[:, None] & (heights > own * (1 + 32 * UNIT)))
    later = torch.arange(count, device=values.device) > k
    differ = ((bits_a ^ bits_b)[:, None] >> torch.arange(count, device=values.device)) & 1 == 1
    open_signs = differ & later
    above = -1 << (k + 1)
    bits = (bits_a & bits_b & above) | pack(open_signs & certain & (values[:, block] > 0))
    return Cut(values, new_residual, size * (1 + 4 * UNIT), rate, rate_error, turn, steps, bits, open_signs & ~certain)


def pair_equal(keys: Tensor) -> tuple[Tensor, Tensor, bool]:
    """Indices of the two places of each key, and whether every key occurs exactly twice."""
    ordered, place = torch.sort(keys)
    if len(keys) % 2:
        return place[:0], place[:0], False
    first, second = ordered[0::2], ordered[1::2]
    twice = bool((first == second).all()) and not bool((second[:-1] == first[1:]).any())
    return place[0::2], place[1::2], twice
