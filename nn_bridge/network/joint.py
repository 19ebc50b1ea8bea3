"""Two networks side by side as one, and networks of maxima: what comparing needs, in ReLU units."""

from __future__ import annotations

from collections.abc import Sequence

from flint import fmpq

from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network, Row
from polyhedra.errors import FormulationError
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO


def joint(first: Network, second: Network) -> Network:
    """One network with the units of both, stage by stage; its outputs are those of the first, then of the second.

    Raises
    ------
    FormulationError
        They read different numbers of inputs.

    Examples
    --------
    >>> one, other = Network.from_layers([[[1]], [[2]]]), Network.from_layers([[[3]]])
    >>> joint(one, other).evaluate([5])
    (10, 15)
    """
    if first.input_dim != second.input_dim:
        raise FormulationError(
            f"the first network reads {counted(first.input_dim, 'input')}, the second {second.input_dim}"
        )
    depth = max(len(first.stages), len(second.stages))
    sizes = [(first.input_dim, 0)]
    sizes += [(_units(first, k), _units(second, k)) for k in range(depth)]
    stages = []
    for k in range(depth):
        parts = [net.stages[k] if k < len(net.stages) else AffineStage((), ()) for net in (first, second)]
        stages.append(_beside(parts[0], parts[1], sizes))
    return Network(first.input_dim, tuple(stages), _beside(first.output, second.output, sizes))


def _units(network: Network, stage: int) -> int:
    return network.stages[stage].units if stage < len(network.stages) else 0


def _beside(above: AffineStage, below: AffineStage, sizes: list[tuple[int, int]]) -> AffineStage:
    """Two stages, one over the other, over sources in which the units of the first network come first."""
    blocks = []
    for source in sorted({source for stage in (above, below) for source, _ in stage.blocks}):
        left, right = sizes[source]
        if source == INPUT:  # both read the same inputs
            rows = [*_rows(above, source, left), *_rows(below, source, left)]
        else:
            rows = [(*row, *(ZERO,) * right) for row in _rows(above, source, left)]
            rows += [(*(ZERO,) * left, *row) for row in _rows(below, source, right)]
        blocks.append((source, tuple(rows)))
    return AffineStage(tuple(blocks), (*above.bias, *below.bias))


def _rows(stage: AffineStage, source: int, width: int) -> Matrix:
    block = stage.block(source)
    return tuple((ZERO,) * width for _ in range(stage.units)) if block is None else block


def difference(first: Network, second: Network) -> Network:
    """All differences of outputs, first minus second, then second minus first: the largest is the distance.

    Raises
    ------
    FormulationError
        The networks have different numbers of inputs or outputs.
    """
    if first.output_dim != second.output_dim:
        raise FormulationError(
            f"the first network has {counted(first.output_dim, 'output')}, the second {second.output_dim}"
        )
    both = joint(first, second)
    m = first.output_dim
    rows = [
        tuple(sign if j == i else -sign if j == m + i else ZERO for j in range(2 * m))
        for sign in (ONE, -ONE)
        for i in range(m)
    ]
    return combined(both, rows)


def classes_apart(first: Network, second: Network) -> Network:
    """A network that is > 0 exactly where no output is highest in both networks.

    It is max A + max B - max (A_l + B_l) over the outputs l: 0 where some l is highest in both.

    Raises
    ------
    FormulationError
        The networks have different numbers of inputs or outputs, or one output only.
    """
    m = first.output_dim
    if m != second.output_dim:
        raise FormulationError(f"the first network has {counted(m, 'output')}, the second {second.output_dim}")
    if m < 2:
        raise FormulationError("a network with one output has no classes to compare")
    both = joint(first, second)
    singles = [tuple(ONE if j == k else ZERO for j in range(2 * m)) for k in range(2 * m)]
    sums = [tuple(a + b for a, b in zip(singles[i], singles[m + i], strict=True)) for i in range(m)]
    stages = list(both.stages)
    parts = []
    for rows, sign in ((singles[:m], ONE), (singles[m:], ONE), (sums, -ONE)):
        greatest = _stage_of(both, rows[0])
        for row in rows[1:]:  # max(a, b) = a + relu(b - a)
            stages.append(sum_of_stages([(ONE, _stage_of(both, row)), (-ONE, greatest)]))
            unit = AffineStage(((len(stages), ((ONE,),)),), (ZERO,))
            greatest = sum_of_stages([(ONE, greatest), (ONE, unit)])
        parts.append((sign, greatest))
    return Network(both.input_dim, tuple(stages), sum_of_stages(parts))


def combined(network: Network, rows: Sequence[Row]) -> Network:
    """The network whose outputs are combinations of those of another, a row of weights each."""
    return Network(network.input_dim, network.stages, stacked([_stage_of(network, row) for row in rows]))


def stacked(stages: Sequence[AffineStage]) -> AffineStage:
    """Stages of one row each as one stage."""
    sizes = {source: len(matrix[0]) for stage in stages for source, matrix in stage.blocks}
    blocks = [(source, tuple(_rows(stage, source, sizes[source])[0] for stage in stages)) for source in sorted(sizes)]
    return AffineStage(tuple(blocks), tuple(stage.bias[0] for stage in stages))


def _stage_of(network: Network, weights: Row) -> AffineStage:
    """A combination of the outputs as a stage of one row."""
    blocks = []
    for source, matrix in network.output.blocks:
        row = tuple(
            sum((w * entry[j] for w, entry in zip(weights, matrix, strict=True) if w != 0), ZERO)
            for j in range(len(matrix[0]))
        )
        if any(row):
            blocks.append((source, (row,)))
    bias = sum((w * b for w, b in zip(weights, network.output.bias, strict=True)), ZERO)
    return AffineStage(tuple(blocks), (bias,))


def sum_of_stages(parts: Sequence[tuple[fmpq, AffineStage]]) -> AffineStage:
    """A linear combination of stages of one row each."""
    total: dict[int, list[fmpq]] = {}
    bias = ZERO
    for factor, stage in parts:
        bias += factor * stage.bias[0]
        for source, (row,) in stage.blocks:
            present = total.setdefault(source, [ZERO] * len(row))
            for j, w in enumerate(row):
                present[j] += factor * w
    kept = tuple((source, (tuple(total[source]),)) for source in sorted(total) if any(total[source]))
    return AffineStage(kept, (bias,))
