"""Joining the new vertices of a neuron on a torch device: two on a common 2-face are the ends of a new edge.

The keys of all 2-faces around the cut edges are sorted, and each must occur exactly twice.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nn_bridge.sign_vectors.torch import kernels
from nn_bridge.sign_vectors.torch.block import Block, Cuts
from nn_bridge.sign_vectors.torch.skeleton import Names, TorchSkeleton


def keys_of(names: Names, words: Tensor, zeros: Tensor, faces: Tensor, out: Tensor) -> None:
    """The keys of the 2-faces around edges, one for every move (`NO_KEY` where there is none).

    Parameters
    ----------
    names : Names
    words : (edges,) int64
        The edges' fingerprints without later neurons of the block.
    zeros, faces : (edges, d - 1) int16, (edges,) int32
    out : (edges, moves) int64
    """
    place = faces[:, None] * names.moves + torch.arange(names.moves, dtype=torch.int32, device=faces.device)
    place = place.view(-1)
    gain = names.gain.index_select(0, place).view_as(out)
    free = zeros.shape[1]
    leaving = names.leave.index_select(0, place).view_as(out)[:, : 2 * free] < free
    # no zero is written as -1, and has the first row
    away = names.away.index_select(0, zeros.view(-1).to(torch.int32) + 1).view(len(zeros), 2 * free)
    sides = 2 * free
    torch.where(leaving, away, gain[:, :sides], out=out[:, :sides])
    out[:, sides:] = gain[:, sides:]
    out += words[:, None]
    out.masked_fill_(~names.exists.index_select(0, place).view_as(out), kernels.NO_KEY)


def join(skeleton: TorchSkeleton, block: Block, k: int, cuts: Cuts, ordered: Tensor, place: Tensor, pairs: int) -> None:
    """Write the new edges behind the halves of the cut ones.

    ``ordered`` and ``place`` are the sorted keys of the cuts' 2-faces; the first ``2 * pairs`` go in twos.
    """
    chunk = skeleton.chunk(block.layout)
    start = skeleton.edges.used
    for low in range(0, pairs, chunk):
        part = slice(2 * low, 2 * min(low + chunk, pairs))
        _join_pairs(skeleton, block, k, cuts, ordered[part], place[part], start + low)
    skeleton.edges.used += pairs


def _join_pairs(
    skeleton: TorchSkeleton, block: Block, k: int, cuts: Cuts, ordered: Tensor, place: Tensor, at: int
) -> None:
    """Write the new edges of these pairs of keys from place ``at`` on."""
    vertices, edges, names, d = skeleton.vertices, skeleton.edges, skeleton.names, skeleton.d
    m = len(cuts.edges)
    first, halves = vertices.used - m, edges.used - m
    cut = place // names.moves
    move = place - cut * names.moves
    p, q = cut[0::2].contiguous(), cut[1::2].contiguous()
    half_p, half_q = p + halves, q + halves
    leave_p, _ = _end_of_move(skeleton, half_p, move[0::2])
    leave_q, target = _end_of_move(skeleton, half_q, move[1::2])
    zeros_q, steps_q, steps_p = edges.take("zeros", half_q), edges.take("steps", half_q), edges.take("steps", half_p)
    # both edges have the zeros of their 2-face in the same order, and each at most one more
    kept = torch.arange(d - 2, device=skeleton.device)
    stay_p, stay_q = kept + (kept >= leave_p[:, None]), kept + (kept >= leave_q[:, None])
    zeros, steps = torch.full_like(zeros_q, -1), torch.zeros_like(steps_q)
    zeros[:, : d - 2] = zeros_q.gather(1, stay_q)
    steps[:, : d - 2] = torch.maximum(steps_q.gather(1, stay_q), steps_p.gather(1, stay_p))
    free = (names.face_dim.index_select(0, target) - 2)[:, None]
    zeros.scatter_(1, free, block.first + k)
    turn = torch.minimum(cuts.turn.index_select(0, p), cuts.turn.index_select(0, q))
    steps.scatter_(1, free, turn[:, None])
    left = zeros_q.gather(1, leave_q.clamp(max=d - 2)[:, None])[:, 0].to(torch.int64)
    # the sign of a neuron of the block is kept in the sign words while the block lasts
    in_block = (move[1::2] % 2 == 1) & (leave_q < d - 1) & (left >= block.first)
    words = ordered[0::2] - cuts.past.index_select(0, q) + names.zero[block.first + k]
    words -= names.positive.index_select(0, left.clamp(min=0)).masked_fill_(~in_block, 0)
    u, x = p + first, q + first
    edges.put("a", at, u)
    edges.put("b", at, x)
    edges.put("words", at, words)
    edges.put("zeros", at, zeros)
    edges.put("steps", at, steps)
    edges.put("faces", at, target)
    differ = (vertices.take("bits", u) ^ vertices.take("bits", x)) & (-1 << (k + 1))
    edges.put("lowest", at, kernels.lowest_bit(differ))
    corner, meet = _common_end(cuts.ends.index_select(0, p), cuts.ends.index_select(0, q))
    positive = (vertices.take("bits", corner) >> k) & 1 == 1
    record_p, record_q = cuts.record.index_select(0, p), cuts.record.index_select(0, q)
    edges.put("up", at, kernels.higher(record_p, record_q, positive, meet))


def _end_of_move(skeleton: TorchSkeleton, edges: Tensor, move: Tensor) -> tuple[Tensor, Tensor]:
    """Of moves from edges: the place of the zero that is left (d - 1 for none), and the domain face of the 2-face."""
    names = skeleton.names
    at = skeleton.edges.take("faces", edges) * names.moves + move
    return names.leave.index_select(0, at), names.target.index_select(0, at)


def _common_end(one: Tensor, two: Tensor) -> tuple[Tensor, Tensor]:
    """The vertex where two edges meet (any, where they do not), and whether they do."""
    hit = (two[:, :, None] == one[:, None, :]).any(dim=2)
    return torch.where(hit[:, 0], two[:, 0], two[:, 1]), hit.any(dim=1)
