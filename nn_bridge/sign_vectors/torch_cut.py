"""Cutting by the neurons of a block on a torch device.

For every neuron: find the edges that it cuts, make the vertices on them (`make_vertices`), settle signs that stay open,
halve the edges and join new vertices on common 2-faces (`torch_join`).  Only what is cut is touched, and the host waits
for the device twice: for the number of cut edges, and for one row of flags (open signs, moves, pairing).

Which edges are cut is found by one pass over ``lowest``, the first neuron of the block that cuts an edge, one byte an
edge.  Compare, count and list read and write some four bytes an edge: 0.12 GB for 30 million edges, 30 microseconds at
4 TB/s, where the launches of one neuron take some hundreds; 2 ms a million edges on one CPU core, under a tenth of the
cutting.  Buckets would spare that and take a sort and several launches more for every neuron.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nn_bridge import _torch_kernels as kernels
from nn_bridge.sign_vectors.skeleton import HEAD, Layout
from nn_bridge.sign_vectors.torch_exact import decide
from nn_bridge.sign_vectors.torch_join import join, keys_of
from nn_bridge.sign_vectors.torch_skeleton import TorchSkeleton

CUT_BYTES, MOVE_BYTES = 160, 48
"""Temporaries of a cut edge, and of each move from it, that live until its neuron is done (the sort included)."""


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
        Sums of the words of positive neurons (`_torch_kernels.word_sum`).
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
        See `_torch_kernels`.
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


def cut_block(skeleton: TorchSkeleton, stage: int, layout: Layout, start: int, count: int, checked: int) -> None:
    """Cut by ``count`` neurons of a stage from ``start`` on; stops where a sign stays doubtful.

    The signs at the first ``checked`` vertices are known to be certain.
    """
    first = skeleton.plan.stages[stage].first + start
    functional = skeleton.names.functional
    height_scale = (functional.abs() / skeleton.scaled[HEAD : HEAD + skeleton.d]).sum() * (1 + 1e-12)
    table = _word_table(skeleton, first, count)
    block = Block(stage, start, count, first, layout.column + start, layout, table, height_scale)
    skeleton.storage.reserve(skeleton.vertices.used, skeleton.edges.used, skeleton.chunk_bytes(layout))
    _begin_block(skeleton, block, checked)
    for k in range(count):
        if not skeleton.outcome.sound:
            return
        _cut_neuron(skeleton, block, k)
    if skeleton.outcome.sound:
        _end_block(skeleton, block)


def _word_table(skeleton: TorchSkeleton, first: int, count: int) -> Tensor:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1 == 1
    words = np.zeros(-(-count // 8) * 8, dtype=np.uint64)
    words[:count] = skeleton.plan.positive[first : first + count]
    with np.errstate(over="ignore"):
        table = np.where(bits, words.reshape(-1, 1, 8), np.uint64(0)).sum(axis=2, dtype=np.uint64)
    return skeleton.tensor(table)


def _begin_block(skeleton: TorchSkeleton, block: Block, checked: int) -> None:
    """Sign words of all vertices, and the first neuron that cuts each edge."""
    vertices, edges, columns = skeleton.vertices, skeleton.edges, slice(block.column, block.column + block.count)
    chunk = skeleton.chunk(block.layout)
    found = []
    for low in range(0, vertices.used, chunk):
        high = min(low + chunk, vertices.used)
        rows = vertices.span("rows", low, high)
        if high <= checked:
            vertices.put("bits", low, kernels.pack(rows[:, columns] > 0))
            continue
        bound = kernels.amplified(rows[:, kernels.RESIDUAL], vertices.span("steps", low, high)) * (
            1 + 16 * kernels.UNIT
        )
        positive, close = kernels.signs_within(rows, block.column, block.count, skeleton.scaled, bound)
        vertices.put("bits", low, positive)
        close[: max(0, checked - low)] = 0
        found.append(_pairs(close, block.count) + torch.tensor([low, block.start], device=skeleton.device))
    if found:
        chosen = decide(skeleton, block.stage, block.layout, block.start, torch.cat(found))
        vertices.put_at("bits", chosen, kernels.pack(vertices.take("rows", chosen)[:, columns] > 0))
    for low in range(0, edges.used, chunk):
        high = min(low + chunk, edges.used)
        bits_a, bits_b = (vertices.take("bits", edges.span(name, low, high)) for name in ("a", "b"))
        edges.put("lowest", low, kernels.lowest_bit(bits_a ^ bits_b))


def _end_block(skeleton: TorchSkeleton, block: Block) -> None:
    """Add the block's signs to the fingerprints."""
    vertices, edges = skeleton.vertices, skeleton.edges
    chunk = skeleton.chunk(block.layout)
    for low in range(0, vertices.used, chunk):
        high = min(low + chunk, vertices.used)
        words = vertices.span("words", low, high)
        words += kernels.word_sum(block.table, vertices.span("bits", low, high))
    for low in range(0, edges.used, chunk):
        high = min(low + chunk, edges.used)
        bits_a, bits_b = (vertices.take("bits", edges.span(name, low, high)) for name in ("a", "b"))
        words = edges.span("words", low, high)
        words += kernels.word_sum(block.table, bits_a | bits_b)


def _pairs(words: Tensor, count: int) -> Tensor:
    """Rows and set bits of sign words, shape (pairs, 2)."""
    rows = torch.nonzero(words)[:, 0]
    bits = (words[rows, None] >> torch.arange(count, device=words.device)) & 1
    pairs = torch.nonzero(bits)
    pairs[:, 0] = rows[pairs[:, 0]]
    return pairs


def _cut_neuron(skeleton: TorchSkeleton, block: Block, k: int) -> None:
    storage, vertices, edges, names = skeleton.storage, skeleton.vertices, skeleton.edges, skeleton.names
    edges_before = edges.used
    chosen = torch.nonzero(edges.span("lowest", 0, edges_before) == k)[:, 0]
    m = len(chosen)
    if not m:
        return
    temporaries = m * (CUT_BYTES + MOVE_BYTES * names.moves) + skeleton.chunk_bytes(block.layout)
    most = edges_before + m + m * names.moves // 2
    storage.reserve(vertices.used + m, most, temporaries)
    cuts = _make_vertices(skeleton, block, k, chosen)
    ordered, place, twice = kernels.sort_keys(cuts.keys)
    flags = torch.stack(
        [
            torch.count_nonzero(cuts.suspects),
            torch.count_nonzero(ordered != kernels.NO_KEY),
            _moves(skeleton, edges_before, m),
            twice.to(torch.int64),
        ]
    )
    suspects, named, moves, paired = flags.tolist()
    if suspects:
        _settle(skeleton, block, k, cuts)
    # a fingerprint that looks like none at all would be missed
    if not paired or named != moves or moves % 2:
        skeleton.outcome.consistent = False
    if not skeleton.outcome.sound:
        skeleton.outcome.neurons = block.first + k
        return
    first = vertices.used
    vertices.used += m
    edges.used += m
    new = torch.arange(first, first + m, dtype=torch.int32, device=skeleton.device)
    edges.put_at("b", chosen, new)
    above = -1 << (k + 1)
    sign = vertices.span("bits", first, first + m)
    sign_a, sign_b = (vertices.take("bits", cuts.ends[:, i].contiguous()) for i in (0, 1))
    edges.put_at("lowest", chosen, kernels.lowest_bit((sign_a ^ sign) & above))
    edges.put("lowest", edges_before, kernels.lowest_bit((sign_b ^ sign) & above))
    join(skeleton, block, k, cuts, ordered, place, moves // 2)


def _moves(skeleton: TorchSkeleton, start: int, count: int) -> Tensor:
    """How many moves there are from the edges behind ``start``."""
    faces = skeleton.edges.span("faces", start, start + count).to(torch.int64)
    return skeleton.names.exists.view(-1, skeleton.names.moves).sum(dim=1)[faces].sum()


def _make_vertices(skeleton: TorchSkeleton, block: Block, k: int, chosen: Tensor) -> Cuts:
    """Write the new vertices behind the old ones, and second halves of the edges behind the edges.

    Both count as unused until their signs are certain.
    """
    vertices, edges, names, layout = skeleton.vertices, skeleton.edges, skeleton.names, block.layout
    d, m, device = skeleton.d, len(chosen), skeleton.device
    neuron, below = block.first + k, (1 << k) - 1
    cuts = Cuts(
        chosen,
        torch.empty((m, 2), dtype=torch.int32, device=device),
        torch.empty(m, dtype=torch.int16, device=device),
        torch.empty((m, 6), dtype=torch.float64, device=device),
        torch.empty(m, dtype=torch.int64, device=device),
        torch.empty(m * names.moves, dtype=torch.int64, device=device),
        torch.empty(m, dtype=torch.int64, device=device),
    )
    chunk = skeleton.chunk(layout)
    for low in range(0, m, chunk):
        high = min(low + chunk, m)
        at, half = vertices.used + low, edges.used + low
        part = chosen[low:high]
        a, b = edges.take("a", part), edges.take("b", part)
        zeros, steps = edges.take("zeros", part), edges.take("steps", part)
        faces, words = edges.take("faces", part), edges.take("words", part)
        bits_a, bits_b = vertices.take("bits", a), vertices.take("bits", b)
        new = kernels.cut_edges(
            vertices.take("rows", a, layout.columns), vertices.take("rows", b, layout.columns),
            steps.sum(dim=1, dtype=torch.int32), bits_a, bits_b, k, block.column, block.count, d, skeleton.scaled,
            names.functional, block.height_scale, vertices.span("rows", at, at + len(part))[:, : layout.columns],
        )  # fmt: skip
        past = (bits_a | bits_b) & below
        past_words = kernels.word_sum(block.table, past)
        vertices.put("steps", at, new.steps)
        vertices.put("bits", at, past | new.bits)
        vertices.put("words", at, words + names.zero[neuron])
        vertices.put("faces", at, faces)
        on = vertices.span("zeros", at, at + len(part))
        on[:, : d - 1] = zeros
        on[:, d - 1] = -1
        # an edge in a domain face of dimension f has f - 1 zeros, side by side
        on.scatter_(1, (names.face_dim.index_select(0, faces) - 1)[:, None], neuron)
        edges.put("a", half, torch.arange(at, at + len(part), dtype=torch.int32, device=device))
        edges.put("b", half, b)
        edges.put("words", half, words)
        edges.put("zeros", half, zeros)
        edges.put("steps", half, steps)
        edges.put("faces", half, faces)
        edges.put("up", half, edges.take("up", part))
        cuts.ends[low:high, 0], cuts.ends[low:high, 1] = a, b
        cuts.turn[low:high] = new.turn
        cuts.record[low:high] = new.record
        cuts.past[low:high] = past_words
        cuts.suspects[low:high] = new.suspects
        keys = cuts.keys[low * names.moves : high * names.moves].view(-1, names.moves)
        keys_of(names, words + past_words, zeros, faces, out=keys)
    return cuts


def _settle(skeleton: TorchSkeleton, block: Block, k: int, cuts: Cuts) -> None:
    """Decide the signs of new vertices that their bounds leave open."""
    vertices, scaled = skeleton.vertices, skeleton.scaled
    first = vertices.used
    pairs = _pairs(cuts.suspects, block.count)
    row, column = pairs[:, 0], pairs[:, 1] + block.column
    each = torch.arange(len(row), device=skeleton.device)
    values = vertices.take("rows", row + first)[each, column] * scaled[column]
    at_a, at_b = (vertices.take("rows", cuts.ends[row, i])[each, column] for i in (0, 1))
    size = torch.maximum(*(vertices.take("rows", cuts.ends[row, i])[:, kernels.SIZE] for i in (0, 1)))
    certain = kernels.certain_alone(values, (at_b - at_a) * scaled[column], size, cuts.record[row])
    left = pairs[~certain] + torch.tensor([first, block.start], device=skeleton.device)
    chosen = decide(skeleton, block.stage, block.layout, block.start, left)
    if not len(chosen) or not skeleton.outcome.sound:
        return
    columns = slice(block.column, block.column + block.count)
    above = -1 << (k + 1)
    fresh = kernels.pack(vertices.take("rows", chosen)[:, columns] > 0)
    vertices.put_at("bits", chosen, (vertices.take("bits", chosen) & ~above) | (fresh & above))
