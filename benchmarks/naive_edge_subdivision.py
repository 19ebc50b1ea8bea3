"""Edge subdivision in the manner of the published program (Berzins, ICML 2023), written anew: the baseline.

Single precision.  Every vertex keeps a full sign vector and its values at all neurons; new vertices are re-evaluated
through the whole network; 2-faces are matched by sorting rows of sign vectors; every array is stacked anew for every
neuron.  No error bounds: a zero counts as positive.  The order of its steps follows the published program.
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
    values = _all_values(weights, biases, vertices)
    neuron = -1
    for width in map(len, biases):
        for _ in range(width):
            neuron += 1
            side = torch.where(values[:, neuron] >= 0, 1, -1).to(torch.int8)
            signs = torch.cat([signs, side[:, None]], dim=1)
            cut = side[edges[:, 0]] != side[edges[:, 1]]
            if not bool(cut.any()):
                continue
            a, b = edges[cut].T
            height_a, height_b = values[a, neuron], values[b, neuron]
            share = (height_a / (height_a - height_b))[:, None]
            fresh = vertices[a] + share * (vertices[b] - vertices[a])
            edge_signs = _edge_signs(signs[a], signs[b])
            edge_signs[:, -1] = 0
            new = torch.arange(len(vertices), len(vertices) + len(fresh))
            faces, owner = _two_faces(edge_signs, n)
            order = torch.from_numpy(np.lexsort(faces.numpy().T))
            ordered = faces[order]
            same = torch.nonzero((ordered[1:] == ordered[:-1]).all(dim=1))[:, 0]
            paired = torch.stack([order[same], order[same + 1]], dim=1)
            joined = new[owner[paired]]
            vertices = torch.cat([vertices, fresh])
            signs = torch.cat([signs, edge_signs])
            values = torch.cat([values, _all_values(weights, biases, fresh)])
            halves = [torch.stack([a, new], dim=1), torch.stack([new, b], dim=1)]
            edges = torch.cat([edges[~cut], *halves, joined])
    return vertices, edges, signs


def _all_values(weights: list[Tensor], biases: list[Tensor], points: Tensor) -> Tensor:
    """The pre-activations of all neurons of all layers, side by side."""
    result = []
    active = points
    for matrix, bias in zip(weights, biases, strict=True):
        result.append(active @ matrix.T + bias)
        active = torch.relu(result[-1])
    return torch.cat(result, dim=1)


def _edge_signs(one: Tensor, two: Tensor) -> Tensor:
    """An edge has the common sign of its ends, or that of the end that is off the hyperplane."""
    return torch.where(one == 0, two, one)


def _two_faces(edge_signs: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Sign vectors of the 2-faces around each edge (one zero set to + or -), and the edge each belongs to.

    The last column is the neuron that cuts: it does not count.  Walls have an inner side only.
    """
    before = edge_signs[:, :-1]
    row, column = torch.nonzero(before == 0, as_tuple=True)
    positive = before[row].clone()
    positive[torch.arange(len(row)), column] = 1
    both = column >= 2 * n
    negative = before[row[both]].clone()
    negative[torch.arange(int(both.sum())), column[both]] = -1
    return torch.cat([positive, negative]), torch.cat([row, row[both]])
