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

import torch
from torch import Tensor

from nn_bridge.sign_vectors.skeleton import Layout
from nn_bridge.sign_vectors.subdivide import MAX_DOUBTS
from nn_bridge.sign_vectors.torch import kernels
from nn_bridge.sign_vectors.torch.block import Block, Cuts, begin_block, end_block
from nn_bridge.sign_vectors.torch.exact import decide
from nn_bridge.sign_vectors.torch.join import join, keys_of
from nn_bridge.sign_vectors.torch.skeleton import TorchSkeleton

CUT_BYTES, MOVE_BYTES = 160, 56
"""Temporaries of a cut edge, and of each move from it, that live until its neuron is done (the sort included)."""


def cut_block(skeleton: TorchSkeleton, stage: int, layout: Layout, start: int, count: int, checked: int) -> None:
    """Cut by a block of neurons (see `begin_block`); stops where a sign stays doubtful."""
    block = begin_block(skeleton, stage, layout, start, count, checked)
    for k in range(count):
        if not skeleton.outcome.sound:
            return
        cut_neuron(skeleton, block, k)
    if skeleton.outcome.sound:
        end_block(skeleton, block)


def cut_neuron(skeleton: TorchSkeleton, block: Block, k: int) -> None:
    """Cut by neuron k of a block.

    Raises
    ------
    OverBudget
        The new vertices and edges, or what it takes to make them, do not fit the limit; the tables are as before.
    """
    storage, vertices, edges, names = skeleton.storage, skeleton.vertices, skeleton.edges, skeleton.names
    edges_before = edges.used
    chosen = torch.nonzero(edges.span("lowest", 0, edges_before) == k)[:, 0]
    m = len(chosen)
    if not m:
        return
    temporaries = m * (CUT_BYTES + MOVE_BYTES * names.moves) + skeleton.chunk_bytes(block.layout)
    most = edges_before + m + m * names.moves // 2
    storage.reserve(vertices.used + m, most, temporaries)
    cuts = make_vertices(skeleton, block, k, chosen)
    ordered, place, twice = kernels.sort_keys(cuts.keys)
    flags = torch.stack(
        [
            torch.count_nonzero(cuts.suspects),
            torch.count_nonzero(ordered != kernels.NO_KEY),
            names.moves_around.index_select(0, edges.span("faces", edges_before, edges_before + m)).sum(),
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


def make_vertices(skeleton: TorchSkeleton, block: Block, k: int, chosen: Tensor) -> Cuts:
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
            names.functional, block.height_scale, vertices.span("rows", at, at + len(part), layout.columns),
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
    vertices = skeleton.vertices
    doubts: list[Tensor] = []
    for rows in torch.nonzero(cuts.suspects)[:, 0].split(skeleton.chunk(block.layout)):
        doubts.append(_uncertain(skeleton, block, cuts, rows))
        if sum(map(len, doubts)) > MAX_DOUBTS * block.count:
            break
    chosen = decide(skeleton, block.stage, block.layout, block.start, torch.cat(doubts))
    columns = slice(block.column, block.column + block.count)
    above = -1 << (k + 1)
    fresh = kernels.pack(vertices.take("rows", chosen, block.layout.columns)[:, columns] > 0)
    vertices.put_at("bits", chosen, (vertices.take("bits", chosen) & ~above) | (fresh & above))


def _uncertain(skeleton: TorchSkeleton, block: Block, cuts: Cuts, chosen: Tensor) -> Tensor:
    """The pairs (vertex, neuron of the stage) of these cuts that no bound parts from zero."""
    vertices, scaled, first = skeleton.vertices, skeleton.scaled, skeleton.vertices.used
    ends = cuts.ends.index_select(0, chosen)
    width = block.layout.columns
    a, b = (vertices.take("rows", ends[:, i].contiguous(), width) for i in (0, 1))
    new = vertices.take("rows", chosen + first, width)
    pairs = kernels.set_bits(cuts.suspects.index_select(0, chosen), block.count)
    row, column = pairs[:, 0], pairs[:, 1] + block.column
    size = torch.maximum(a[row, kernels.SIZE], b[row, kernels.SIZE])
    certain = kernels.certain_alone(
        new[row, column] * scaled[column], (b - a)[row, column] * scaled[column], size, cuts.record[chosen[row]]
    )
    return torch.stack([chosen[row] + first, pairs[:, 1] + block.start], dim=1)[~certain]
