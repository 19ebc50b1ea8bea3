"""A block of neurons on a torch device, and what happens to all vertices and edges when it begins and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nn_bridge.sign_vectors.skeleton import Layout
from nn_bridge.sign_vectors.start import HEAD
from nn_bridge.sign_vectors.torch import kernels
from nn_bridge.sign_vectors.torch.exact import decide
from nn_bridge.sign_vectors.torch.skeleton import TorchSkeleton
from polyhedra.rounding import UNIT_ROUNDOFF


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Up to `BLOCK` neurons of a stage that are cut one after another.

    Attributes
    ----------
    stage, start, count : int
        The stage (from 0), the first neuron in it and their number.
    first, column : int
        The global number and the column of the first neuron.
    layout : Layout
    table : (bytes, 256) int64
        Sums of the words of positive neurons (`kernels.word_sum`).
    height_scale : float64 scalar
        What an error of 1 in the coordinates' scales can do to a height.
    """

    stage: int
    start: int
    count: int
    first: int
    column: int
    layout: Layout
    table: Tensor
    height_scale: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """The edges that a neuron cuts, in the order of their new vertices and of their halves.

    Attributes
    ----------
    edges : (m,) int64
    ends : (m, 2) int32
        The ends that they had.
    turn : (m,) int16
        Amplification by the cut itself.
    record : (m, 6) float64
        See `kernels`.
    past : (m,) int64
        Words of the block's earlier neurons that are positive on the edge.
    keys : (m * moves,) int64
        Fingerprints of the 2-faces around.
    suspects : (m,) int64
        Later neurons of the block whose sign at the new vertex is within its bound.
    """

    edges: Tensor
    ends: Tensor
    turn: Tensor
    record: Tensor
    past: Tensor
    keys: Tensor
    suspects: Tensor


def begin_block(skeleton: TorchSkeleton, stage: int, layout: Layout, start: int, count: int, checked: int) -> Block:
    """Sign words of all vertices, and the first of ``count`` neurons (from ``start`` on) that cuts each edge.

    The signs at the first ``checked`` vertices are known to be certain.

    Raises
    ------
    OverBudget
        The temporaries do not fit the limit.
    """
    first = skeleton.plan.stages[stage].first + start
    functional = skeleton.names.functional
    height_scale = (functional.abs() / skeleton.scaled[HEAD : HEAD + skeleton.d]).sum() * (1 + 1e-12)
    table = _word_table(skeleton, first, count)
    block = Block(stage, start, count, first, layout.column + start, layout, table, height_scale)
    skeleton.storage.reserve(skeleton.vertices.used, skeleton.edges.used, skeleton.chunk_bytes(layout))
    _read_signs(skeleton, block, checked)
    vertices, edges, chunk = skeleton.vertices, skeleton.edges, skeleton.chunk(layout)
    for low in range(0, edges.used, chunk):
        high = min(low + chunk, edges.used)
        bits_a, bits_b = (vertices.take("bits", edges.span(name, low, high)) for name in ("a", "b"))
        edges.put("lowest", low, kernels.lowest_bit(bits_a ^ bits_b))
    return block


def _word_table(skeleton: TorchSkeleton, first: int, count: int) -> Tensor:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1 == 1
    words = np.zeros(-(-count // 8) * 8, dtype=np.uint64)
    words[:count] = skeleton.plan.positive[first : first + count]
    with np.errstate(over="ignore"):
        table = np.where(bits, words.reshape(-1, 1, 8), np.uint64(0)).sum(axis=2, dtype=np.uint64)
    return skeleton.tensor(table)


def _read_signs(skeleton: TorchSkeleton, block: Block, checked: int) -> None:
    vertices, columns = skeleton.vertices, slice(block.column, block.column + block.count)
    chunk = skeleton.chunk(block.layout)
    found = []
    for low in range(0, vertices.used, chunk):
        high = min(low + chunk, vertices.used)
        rows = vertices.span("rows", low, high, block.layout.columns)
        if high <= checked:
            vertices.put("bits", low, kernels.pack(rows[:, columns] > 0))
            continue
        bound = kernels.amplified(rows[:, kernels.RESIDUAL], vertices.span("steps", low, high))
        bound *= 1 + 16 * UNIT_ROUNDOFF
        positive, close = kernels.signs_within(rows, block.column, block.count, skeleton.scaled, bound)
        vertices.put("bits", low, positive)
        close[: max(0, checked - low)] = 0
        found.append(kernels.set_bits(close, block.count) + skeleton.tensor(np.array([low, block.start])))
    if found:
        chosen = decide(skeleton, block.stage, block.layout, block.start, torch.cat(found))
        exact = vertices.take("rows", chosen, block.layout.columns)
        vertices.put_at("bits", chosen, kernels.pack(exact[:, columns] > 0))


def end_block(skeleton: TorchSkeleton, block: Block) -> None:
    """Add the block's signs to the fingerprints."""
    vertices, edges = skeleton.vertices, skeleton.edges
    chunk = skeleton.chunk(block.layout)
    for low in range(0, vertices.used, chunk):
        high = min(low + chunk, vertices.used)
        sums = kernels.word_sum(block.table, vertices.span("bits", low, high))
        vertices.put("words", low, sums + vertices.span("words", low, high))
    for low in range(0, edges.used, chunk):
        high = min(low + chunk, edges.used)
        bits_a, bits_b = (vertices.take("bits", edges.span(name, low, high)) for name in ("a", "b"))
        sums = kernels.word_sum(block.table, bits_a | bits_b)
        edges.put("words", low, sums + edges.span("words", low, high))
