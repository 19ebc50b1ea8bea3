"""Inputs in the units of the domain and units in those of their values: solvers work with absolute tolerances.

With x_j = c_j + s_j t_j, where c_j is the middle of the domain and s_j a power of two near half its width, the box
around the domain becomes [-1, 1] or a part of it with width at least 1. Each unit is divided by a power of two near
the magnitude of its terms, which the ReLU lets pass, and so is each output. The network over t has the same cells, one
by one, and its weights are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flint import fmpq

from milp.domain import BoundedDomain
from nn_bridge.network.network import INPUT, AffineStage, Network, Row
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO

_USUAL = fmpq(1024)
"""Domains within this distance of the origin, and at least the inverse wide, are left as they are.

So are networks whose weights are at most this number squared, and the largest of a unit at least the inverse.
"""


@dataclass(frozen=True, slots=True)
class Scaled:
    """A network and a domain over t, and how a point t is read back.

    Attributes
    ----------
    network : Network
    region : BoundedDomain
    scale, shift : tuples of fmpq
        x_j = shift_j + scale_j t_j.
    """

    network: Network
    region: BoundedDomain
    scale: Row
    shift: Row


def scaled(network: Network, region: BoundedDomain) -> Scaled:
    """A network and its domain in the units of the domain; as they are, where these are usual already."""
    ends = list(zip(region.lower, region.upper, strict=True))
    usual = all(max(abs(a), abs(b)) <= _USUAL and (a == b or (b - a) * _USUAL >= 1) for a, b in ends)
    if usual and _usual_weights(network):
        return Scaled(network, region, (ONE,) * region.dim, (ZERO,) * region.dim)
    shift = tuple((a + b) / 2 for a, b in ends)
    scale = tuple(_power_above((b - a) / 2) for a, b in ends)

    def box_end(end: Row) -> Row:
        return tuple((v - c) / s for v, c, s in zip(end, shift, scale, strict=True))

    polyhedron = region.polyhedron
    moved = Polyhedron(
        *_moved(polyhedron.inequalities, scale, shift), *_moved(polyhedron.equalities, scale, shift), dim=region.dim
    )
    return Scaled(
        rescaled_units(rescaled_inputs(network, scale, shift)),
        BoundedDomain(
            moved,
            box_end(region.lower),
            box_end(region.upper),
            tuple((*a, b) for a, b in zip(*_moved(region.inequalities, scale, shift), strict=True)),
            tuple((*a, b) for a, b in zip(*_moved(region.equalities, scale, shift), strict=True)),
        ),
        scale,
        shift,
    )


def rescaled_inputs(network: Network, scale: Row, shift: Row) -> Network:
    """The network over t, where x_j = shift_j + scale_j t_j."""

    def stage(old: AffineStage) -> AffineStage:
        bias = list(old.bias)
        blocks = []
        for source, matrix in old.blocks:
            if source != INPUT:
                blocks.append((source, matrix))
                continue
            for i, row in enumerate(matrix):
                bias[i] += sum((w * c for w, c in zip(row, shift, strict=True) if w != 0), ZERO)
            blocks.append((source, tuple(tuple(w * s for w, s in zip(row, scale, strict=True)) for row in matrix)))
        return replace(old, blocks=tuple(blocks), bias=tuple(bias))

    return Network(network.input_dim, tuple(stage(old) for old in network.stages), stage(network.output))


def rescaled_units(network: Network) -> Network:
    """The same units over inputs in [-1, 1], and outputs, each divided by a power of two near the size of its terms."""
    sizes: list[Row] = [(ONE,) * network.input_dim]  # of each source, by what its values were divided
    stages = []
    for old in (*network.stages, network.output):
        blocks = [
            (source, [[w * s for w, s in zip(row, sizes[source], strict=True)] for row in matrix])
            for source, matrix in old.blocks
        ]
        own = []
        for i, b in enumerate(old.bias):
            size = abs(b)
            for _, rows in blocks:
                size += sum((abs(w) for w in rows[i]), ZERO)
            own.append(_power_above(size))
        stages.append(
            AffineStage(
                tuple(
                    (source, tuple(tuple(w / s for w in row) for row, s in zip(rows, own, strict=True)))
                    for source, rows in blocks
                ),
                tuple(b / s for b, s in zip(old.bias, own, strict=True)),
            )
        )
        sizes.append(tuple(own))
    return Network(network.input_dim, tuple(stages[:-1]), stages[-1])


def _usual_weights(network: Network) -> bool:
    least = 1 / (_USUAL * _USUAL)
    for stage in (*network.stages, network.output):
        for i, b in enumerate(stage.bias):
            size = max((abs(b), *(abs(w) for _, matrix in stage.blocks for w in matrix[i])))
            if size != 0 and not least <= size <= _USUAL * _USUAL:
                return False
    return True


def _moved(rows: tuple[Row, ...], scale: Row, shift: Row) -> tuple[list[Row], list[fmpq]]:
    """Rows a.x <= b (or = b) as rows over t."""
    normals = [tuple(a * s for a, s in zip(row[:-1], scale, strict=True)) for row in rows]
    return normals, [row[-1] - sum((a * c for a, c in zip(row[:-1], shift, strict=True)), ZERO) for row in rows]


def _power_above(size: fmpq) -> fmpq:
    """The least power of two that is at least a size; 1 for size 0."""
    if size == 0:
        return ONE
    power = fmpq(2) ** (int(size.p).bit_length() - int(size.q).bit_length())
    while power < size:
        power *= 2
    while power / 2 >= size:
        power /= 2
    return power
