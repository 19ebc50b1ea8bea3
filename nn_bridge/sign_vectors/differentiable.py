"""Level sets whose vertices carry gradients to the network's weights.

A vertex is the solution of n affine equations (the output and n - 1 units or walls vanish) whose coefficients are
polynomials in the weights as long as the activation pattern around it stays.  So vertex positions are differentiable,
and with them length, area, volume and sums over dihedral angles (Berzins 2023, section 5).
"""

from __future__ import annotations

import numpy as np
import torch
from flint import fmpq
from torch import Tensor

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, Network, float_matrix
from nn_bridge.sign_vectors.level_sets import LevelSet
from polyhedra.scalars import primitive, to_float
from polyhedra.system import float_row


class TorchNetwork(torch.nn.Module):
    """A network in its normal form with float64 parameters: ``weights[k][source]`` and ``biases[k]``, outputs last.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 2]], [[3]]], [["1/2"], [0]])
    >>> module = TorchNetwork(net)
    >>> float(module(torch.tensor([[1.0, 1.0]], dtype=torch.float64)))
    10.5
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.input_dim = network.input_dim
        self.sources: list[list[int]] = []
        self.weights = torch.nn.ModuleList()
        self.biases = torch.nn.ParameterList()
        for stage in (*network.stages, network.output):
            self.sources.append([source for source, _ in stage.blocks])
            self.weights.append(
                torch.nn.ParameterList(
                    torch.nn.Parameter(torch.tensor(float_matrix(matrix), dtype=torch.float64))
                    for _, matrix in stage.blocks
                )
            )
            bias = torch.tensor([to_float(b) for b in stage.bias], dtype=torch.float64)
            self.biases.append(torch.nn.Parameter(bias))

    def forward(self, x: Tensor) -> Tensor:
        """The outputs at points of shape (N, n)."""
        values = {INPUT: x}
        result = x
        for index in range(len(self.sources)):
            result = self.biases[index].expand(len(x), -1)
            for source, matrix in self.blocks(index):
                result = result + values[source] @ matrix.T
            values[index + 1] = torch.relu(result)
        return result

    def blocks(self, index: int) -> list[tuple[int, Tensor]]:
        """The weights of one stage (the outputs are the last one), with the source that each reads."""
        return list(zip(self.sources[index], self.weights[index].parameters(), strict=True))

    def to_network(self) -> Network:
        """The exact network with the current parameters."""
        from nn_bridge.network.network import AffineStage
        from polyhedra.scalars import rational_rows, rationals

        stages = [
            AffineStage(
                tuple(
                    (source, rational_rows(matrix.detach().numpy().tolist())) for source, matrix in self.blocks(index)
                ),
                rationals(bias.detach().numpy().tolist()),
            )
            for index, bias in enumerate(self.biases)
        ]
        return Network(self.input_dim, tuple(stages[:-1]), stages[-1])


def vertex_positions(surface: LevelSet, module: TorchNetwork, output: int = 0) -> Tensor:
    """The vertices of a level set as a differentiable function of the module's parameters: shape (vertices, n).

    Parameters
    ----------
    surface : LevelSet
        Of this module's network as it is now: ``level_set(module.to_network(), ...)``.
    module : TorchNetwork
        Its parameters are the variables.
    output : int
        The output that the level set is of.

    Raises
    ------
    NetworkError
        The level set belongs to a network of another shape.
    """
    n = surface.dim
    hidden = sum(len(bias) for bias in module.biases[:-1])
    if n != module.input_dim or surface.vertex_zeros.max(initial=0) > hidden:
        raise NetworkError("the level set belongs to a network of another shape")
    zeros = torch.as_tensor(surface.vertex_zeros.astype(np.int64))
    points = torch.as_tensor(surface.vertices)
    forms = _forms_at(module, points, zeros, output, to_float(surface.level))
    rows = torch.arange(len(points))[:, None]
    equations = torch.where((zeros >= 0)[:, :, None], forms[rows, zeros.clamp(min=0)], _wall_rows(surface))
    return torch.linalg.solve(equations[:, :, :n], -equations[:, :, n])


def total_area(surface: LevelSet, positions: Tensor) -> Tensor:
    """The length (n = 2) or area (n = 3) of the level set with these vertices."""
    if surface.dim == 2:
        return (positions[surface.edges[:, 1]] - positions[surface.edges[:, 0]]).norm(dim=1).sum()
    a, b, c = (positions[column] for column in surface.triangles().T)
    return torch.linalg.cross(b - a, c - a).norm(dim=1).sum() / 2


def enclosed_volume(surface: LevelSet, positions: Tensor) -> Tensor:
    """The area (n = 2) or volume (n = 3) where the output is below the level; the level set must be closed."""
    if surface.dim == 2:
        a, b = (positions[column] for column in surface.edges.T)
        return -(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2
    a, b, c = (positions[column] for column in surface.triangles().T)
    return (a * torch.linalg.cross(b, c)).sum() / 6


def total_bending(surface: LevelSet, positions: Tensor) -> Tensor:
    """The sum over edges of length times the angle between the two polygons (n = 3): twice the total mean curvature.

    For n = 2 the sum of the angles between consecutive segments.  Edges and vertices on walls of the domain do not
    count.
    """
    start, members = surface.start, surface.members
    if surface.dim == 2:
        direction = positions[surface.edges[:, 1]] - positions[surface.edges[:, 0]]
        arrives = {int(b): i for i, b in enumerate(surface.edges[:, 1])}
        pairs = [(arrives[int(a)], i) for i, a in enumerate(surface.edges[:, 0]) if int(a) in arrives]
        one, two = (direction[list(side)] for side in zip(*pairs, strict=True))
        cross = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
        return torch.atan2(cross.abs(), (one * two).sum(dim=1)).sum()
    following = np.arange(len(members)) + 1
    following[start[1:] - 1] = start[:-1]
    owner = np.repeat(np.arange(len(surface)), np.diff(start))
    ends = np.sort(np.stack([members, members[following]], axis=1), axis=1)
    order = np.lexsort(ends.T)
    same = np.nonzero((ends[order[1:]] == ends[order[:-1]]).all(axis=1))[0]
    first, second = order[same], order[same + 1]
    corners = positions[members]
    normals = torch.zeros(len(surface), 3, dtype=positions.dtype).index_add(
        0, torch.as_tensor(owner), torch.linalg.cross(corners, positions[members[following]])
    )
    one, two = normals[owner[first]], normals[owner[second]]
    angle = torch.atan2(torch.linalg.cross(one, two).norm(dim=1), (one * two).sum(dim=1))
    length = (positions[ends[first, 1]] - positions[ends[first, 0]]).norm(dim=1)
    return (length * angle).sum()


def _forms_at(module: TorchNetwork, points: Tensor, zeros: Tensor, output: int, level: float) -> Tensor:
    """The affine forms (a, b) of all hidden units and of the output less the level: (vertices, units + 1, n + 1).

    The activation pattern is that at each point; units whose hyperplane contains it count as inactive.
    """
    count, n = points.shape
    homogeneous = torch.cat([points, torch.ones(count, 1, dtype=points.dtype)], dim=1)[:, :, None]
    # column 0 takes the padding
    on_zero = torch.zeros(count, 2 + sum(len(bias) for bias in module.biases), dtype=torch.bool)
    on_zero.scatter_(1, zeros + 1, torch.ones_like(zeros, dtype=torch.bool))
    sources = {INPUT: torch.eye(n, n + 1, dtype=points.dtype).expand(count, n, n + 1)}
    found = []
    first = 0
    for index, bias in enumerate(module.biases):
        last = index == len(module.sources) - 1
        chosen = slice(output, output + 1) if last else slice(None)
        constant = bias[chosen] - (level if last else 0.0)
        form = torch.cat([torch.zeros(len(constant), n, dtype=points.dtype), constant[:, None]], dim=1)
        form = form.expand(count, -1, -1)
        for source, matrix in module.blocks(index):
            form = form + matrix[chosen] @ sources[source]
        found.append(form)
        active = ((form @ homogeneous)[:, :, 0] > 0).detach()
        active &= ~on_zero[:, 1 + first : 1 + first + form.shape[1]]
        sources[index + 1] = form * active[:, :, None]
        first += form.shape[1]
    return torch.cat(found, dim=1)


def _moderate(row: tuple[fmpq, ...]) -> tuple[tuple[int, ...], int]:
    """A multiple of a row in integers, and a power of two by which it is divided to be in the range of floats."""
    integers = primitive(row)
    return integers, 1 << max(abs(v).bit_length() for v in integers)


def _wall_rows(surface: LevelSet) -> Tensor:
    """Equations of domain walls in the places where a vertex has no unit: shape (vertices, n, n + 1)."""
    n = surface.dim
    result = torch.zeros(len(surface.vertices), n, n + 1, dtype=torch.float64)
    equations = [float_row(*_moderate((*a, -b))) for a, b, _ in surface.domain.walls]
    independent: dict[tuple[int, ...], list[int]] = {}
    for vertex, names in enumerate(surface.vertex_walls):
        if not names:
            continue
        if names not in independent:
            chosen: list[int] = []
            for name in names:
                trial = [equations[k][:n] for k in [*chosen, name]]
                if np.linalg.matrix_rank(np.array(trial)) == len(trial):
                    chosen.append(name)
            independent[names] = chosen
        places = np.nonzero(surface.vertex_zeros[vertex] < 0)[0].tolist()
        for place, name in zip(places, independent[names], strict=True):
            result[vertex, place] = torch.tensor(equations[name], dtype=torch.float64)
    return result
