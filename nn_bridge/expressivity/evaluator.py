"""Networks as torch tensors in double precision: activation patterns, values and Jacobians at many points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import INPUT, Network, float_matrix
from polyhedra.arrays import Floats
from polyhedra.errors import MissingExtraError
from polyhedra.quoting import quoted, shown
from polyhedra.scalars import to_float

if TYPE_CHECKING:
    import torch


Bits = NDArray[np.uint8]


_OUT_OF_RANGE = 1 << 1023


BATCH = 1 << 16
"""How many points are evaluated at once."""


class Evaluator:
    """A network as torch tensors in double precision."""

    def __init__(self, network: Network, device: str) -> None:
        try:
            import torch
        except ImportError:
            raise MissingExtraError("sampling Jacobians", "torch") from None
        self._torch = torch
        _check_range(network)
        try:
            self._device = torch.device(device)
            self._stages = [
                (
                    [(source, self._tensor(float_matrix(matrix).T)) for source, matrix in stage.blocks],
                    self._tensor(np.array([to_float(b) for b in stage.bias])),
                )
                for stage in (*network.stages, network.output)
            ]
        except (RuntimeError, AssertionError) as error:
            raise NetworkError(f"device {quoted(device)} cannot be used: {shown(error, 120)}") from None

    def _tensor(self, array: Floats) -> torch.Tensor:
        return self._torch.tensor(np.ascontiguousarray(array), dtype=self._torch.float64, device=self._device)

    def _forward(self, x: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The outputs, and the signs of every stage."""
        values = {INPUT: x}
        signs: list[torch.Tensor] = []
        for number, (blocks, bias) in enumerate(self._stages, 1):
            total = bias.expand(len(x), -1)
            for source, matrix in blocks:
                total = total + values[source] @ matrix
            if number == len(self._stages):
                return total, signs
            signs.append(total > 0)
            values[number] = self._torch.relu(total)
        raise AssertionError("a network has outputs")

    def bits(self, block: Floats) -> Bits:
        """The activation patterns as packed bits: shape (N, bytes)."""
        torch = self._torch
        with torch.no_grad():
            _, signs = self._forward(self._tensor(block))
            if not signs:
                return np.zeros((len(block), 1), np.uint8)
            return np.packbits(torch.cat(signs, dim=1).cpu().numpy(), axis=1)

    def values(self, points: Floats) -> Floats:
        """The outputs: shape (N, outputs)."""
        with self._torch.no_grad():
            blocks = [self._forward(self._tensor(block))[0].cpu().numpy() for block in _in_blocks(points)]
        return np.concatenate(blocks)

    def jacobians(self, points: Floats) -> Floats:
        """The Jacobians by automatic differentiation: shape (N, outputs, n).

        The gradient of one output summed over the points holds its gradient at each of them.
        """
        blocks = []
        for block in _in_blocks(points):
            x = self._tensor(block).requires_grad_(True)
            outputs, _ = self._forward(x)
            rows = [
                self._torch.zeros_like(x)
                if outputs.grad_fn is None
                else self._torch.autograd.grad(outputs[:, k].sum(), x, retain_graph=True, allow_unused=True)[0]
                for k in range(outputs.shape[1])
            ]
            blocks.append(self._torch.stack(rows, dim=1).cpu().numpy())
        return np.concatenate(blocks)


def _check_range(network: Network) -> None:
    """Refuse weights that float64 cannot hold."""
    for number, stage in enumerate((*network.stages, network.output), 1):
        entries = [v for _, matrix in stage.blocks for row in matrix for v in row] + list(stage.bias)
        if any(abs(v) >= _OUT_OF_RANGE for v in entries):
            name = f"stage {number}" if number <= len(network.stages) else "the output"
            raise NetworkError(f"{name} has a weight beyond the range of float64, in which sampling works; rescale it")


def _in_blocks(points: Floats) -> Iterator[Floats]:
    for begin in range(0, len(points), BATCH):
        yield points[begin : begin + BATCH]
