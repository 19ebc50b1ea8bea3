"""Edge subdivision in the manner of the published program (Berzins, ICML 2023), written anew: the baseline.

Step by step what that program does on a CPU, in single precision: every vertex keeps a full sign vector and its values
at all neurons of all layers; for every neuron the pre-activations of all edges' ends are gathered and their signs
multiplied; new vertices are interpolated and then evaluated through the whole network; the 2-faces around every cut
edge, walls included, are written out as rows of signs and matched by a lexicographic sort; and all arrays are stacked
anew.  No error bounds: a zero counts as positive.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def subdivide(weights: list[Tensor], biases: list[Tensor], lower: float, upper: float) -> tuple[Tensor, Tensor, Tensor]:
    """Vertices (V, n), edges (E, 2) and sign vectors (V, 2 n + neurons) of a network's complex in a box.

    Parameters
    ----------
    weights, biases : lists of float32 tensors
        The affine layers; ReLU follows each but the last, and every layer cuts.
    """
    n = weights[0].shape[1]
    bits = (torch.arange(2**n)[:, None] >> torch.arange(n)) & 1
    vertices = torch.where(bits == 1, upper, lower).to(torch.float32)
    signs = torch.cat([bits, 1 - bits], dim=1).to(torch.int8)  # 0 on a wall, 1 inside it
    first, axis = torch.nonzero(bits == 0, as_tuple=True)
    edges = torch.stack([first, first | (1 << axis)], dim=1)
    values = torch.empty(0, sum(map(len, biases)))
    for neuron in range(values.shape[1]):
        values = torch.cat([values, _all_values(weights, biases, vertices[len(values) :])])
        heights = values[:, neuron]
        side = torch.sign(heights).to(torch.int8)
        side[side == 0] = 1
        pairs = heights[edges]
        cut = pairs.sign().prod(dim=1) == -1
        height_a, height_b = pairs[cut, 0, None], pairs[cut, 1, None]
        start, stop = vertices[edges][cut, 0], vertices[edges][cut, 1]
        fresh = start - height_a * (stop - start) / (height_b - height_a)
        edge_signs = signs[edges[cut]].sum(dim=1, dtype=torch.int8).sign()
        joined = _joined(edge_signs, n)
        count = len(vertices)
        new = count + torch.arange(len(fresh))
        vertices = torch.cat([vertices, fresh])
        zero = torch.zeros(len(fresh), 1, dtype=torch.int8)
        signs = torch.cat([torch.cat([signs, side[:, None]], dim=1), torch.cat([edge_signs, zero], dim=1)])
        halves = torch.stack([edges[cut].T.flatten(), new.repeat(2)], dim=1)
        edges = torch.cat([edges[~cut], halves, joined + count])
    return vertices, edges, signs


def _all_values(weights: list[Tensor], biases: list[Tensor], points: Tensor) -> Tensor:
    """The pre-activations of all neurons of all layers, side by side."""
    result = []
    active = points
    for matrix, bias in zip(weights, biases, strict=True):
        result.append(active @ matrix.T + bias)
        active = torch.relu(result[-1])
    return torch.cat(result, dim=1)


def _joined(edge_signs: Tensor, n: int) -> Tensor:
    """Pairs of cut edges that share a 2-face: every zero of an edge set to + and to -, equal rows matched."""
    count = len(edge_signs)
    if not count:
        return torch.empty(0, 2, dtype=torch.int64)
    faces = edge_signs.repeat(2, n - 1, 1, 1)
    row, column = torch.nonzero(edge_signs == 0, as_tuple=True)
    which = torch.arange(n - 1).repeat(count)
    faces[0, which, row, column] = 1
    faces[1, which, row, column] = -1
    rows = faces.flatten(end_dim=2)
    order = torch.from_numpy(np.lexsort(rows.numpy().T))
    ordered = rows[order]
    same = torch.nonzero((ordered.diff(dim=0) == 0).all(dim=1))[:, 0]
    return torch.stack([order[same], order[same + 1]], dim=1) % count
