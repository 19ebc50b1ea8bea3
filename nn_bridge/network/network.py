"""`Network`: an immutable, exact piecewise-linear network in one normal form.

The normal form is a list of *stages* of ReLU units.  A unit of stage ``k``, ``u = max(0, w . [x, earlier units] + b)``,
reads an affine function of the input ``x`` and of all units of stages ``1 .. k-1``.  The outputs are affine in the
input and all units.  A plain multilayer perceptron is the case in which a stage reads only the stage before it; leaky
ReLU, maxout, hard tanh, residual connections and the like become such units exactly (`nn_bridge.network.builder`), so
every engine of the project has one kind of unit to get right.

Entries are exact rationals.  Nothing here rounds, except `Network.round`, which says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from flint import fmpq, fmpq_mat

from nn_bridge.errors import NetworkError
from nn_bridge.network.dense_sizes import MAX_DENSE as MAX_DENSE
from nn_bridge.network.dense_sizes import check_dense as check_dense
from nn_bridge.network.dense_sizes import check_forms
from nn_bridge.network.evaluation import float_outputs, is_many, line, outputs, table_rows
from nn_bridge.network.rounded import rounded
from nn_bridge.network.row_groups import group_entries, row_groups
from nn_bridge.network.rows import digest, product
from nn_bridge.network.rows import exact_row as exact_row
from nn_bridge.network.rows import float_matrix as float_matrix
from nn_bridge.network.sparse_row import Matrix as Matrix
from nn_bridge.network.sparse_row import Row as Row
from nn_bridge.network.sparse_row import SparseRow, entries, is_zero, normal_row
from polyhedra.errors import GeometryError
from polyhedra.plurals import counted
from polyhedra.scalars import ZERO, rationals, to_text
from polyhedra.values import html_table, one_line

if TYPE_CHECKING:
    from nn_bridge.network.point_cells import PointCell

Pattern = tuple[tuple[bool, ...], ...]
"""An activation pattern: for each stage, which of its units are active (value > 0)."""

_MANY = "for many points in float64 call the network with a NumPy array of shape (N, inputs)"

INPUT = 0
"""The source number of the input in `AffineStage.blocks`; stage ``k`` (from 1) has source number ``k``."""


@dataclass(frozen=True, slots=True, repr=False)
class AffineStage:
    """An affine function of the input and of the units of earlier stages.

    Attributes
    ----------
    blocks : tuple of (source, matrix)
        The non-zero weight blocks, by increasing source: source 0 is the input, source ``k >= 1`` the units of stage
        ``k``.  Each matrix has shape (units, size of the source).
    bias : tuple of rationals
        One entry per unit.
    doubles : tuple of (matrix, array of float64)
        Matrices that came as arrays, with these: the same numbers, which need no conversion back (does not take part in
        equality).
    """

    blocks: tuple[tuple[int, Matrix], ...]
    bias: Row
    doubles: tuple[tuple[Matrix, np.ndarray], ...] = field(default=(), compare=False)

    @property
    def units(self) -> int:
        """The number of rows."""
        return len(self.bias)

    def __repr__(self) -> str:
        return one_line("AffineStage", {"units": self.units, "reads": [source for source, _ in self.blocks]})

    def block(self, source: int) -> Matrix | None:
        """The weights on one source, or None where they are all zero."""
        for number, matrix in self.blocks:
            if number == source:
                return matrix
        return None


@dataclass(frozen=True, slots=True, repr=False)
class LayerRecord:
    """A layer as the user wrote it, kept for messages and for export.

    ``activation`` is ``"relu"``, ``"linear"``, ``"leaky:SLOPE"`` or ``"maxout:PIECES"`` (consecutive groups of rows).
    """

    weights: Matrix
    bias: Row
    activation: str

    def __repr__(self) -> str:
        return one_line("LayerRecord", {"units": len(self.bias), "activation": self.activation})


@dataclass(frozen=True, slots=True, repr=False)
class Network:
    """A ReLU network in normal form, exact and hashable.

    Attributes
    ----------
    input_dim : int
        The number of inputs ``n``.
    stages : tuple of AffineStage
        The pre-activations of each stage of ReLU units.
    output : AffineStage
        The outputs, affine in the input and in all units.
    layers : tuple of LayerRecord or None
        The layers it was made from, where it is a chain of layers (does not take part in equality).
    notes : tuple of str
        What was done to it on the way in or since (rounding, dropped softmax; does not take part in equality).

    Raises
    ------
    NetworkError
        A block's shape does not fit its source, a stage is empty, or a stage reads a later one.

    Examples
    --------
    >>> net = Network.from_layers([[[1, 1]], [[2]]], [[0], ["1/2"]])
    >>> net.evaluate([1, 2])
    (13/2,)
    """

    input_dim: int
    stages: tuple[AffineStage, ...]
    output: AffineStage
    layers: tuple[LayerRecord, ...] | None = field(default=None, compare=False, repr=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.input_dim < 1:
            raise NetworkError("the network has no inputs")
        if self.output.units < 1:
            raise NetworkError("the network has no outputs")
        sizes = [self.input_dim]
        for number, stage in enumerate((*self.stages, self.output), 1):
            name = f"stage {number}" if number <= len(self.stages) else "the output"
            if stage.units < 1:
                raise NetworkError(f"{name} has no units")
            last = -1
            for source, matrix in stage.blocks:
                if not last < source < number:
                    raise NetworkError(f"{name} reads source {source}; only 0..{number - 1}, in order, come before it")
                last = source
                if len(matrix) != stage.units:
                    raise NetworkError(
                        f"{name} has {counted(stage.units, 'bias', 'biases')} but {counted(len(matrix), 'row')} "
                        f"for source {source}"
                    )
                for index, row in enumerate(matrix):
                    if len(row) != sizes[source]:
                        raise NetworkError(
                            f"{name}, row {index} has {counted(len(row), 'weight')} for source {source} of size "
                            f"{sizes[source]}"
                        )
            sizes.append(stage.units)
        # one form for one function: equality and the digest must not depend on zero blocks that are written out
        object.__setattr__(self, "stages", tuple(_normal(stage) for stage in self.stages))
        object.__setattr__(self, "output", _normal(self.output))

    # ---------------------------------------------------------------- construction

    @classmethod
    def from_layers(
        cls,
        weights: Sequence[Any],
        biases: Sequence[Any] | None = None,
        activations: Sequence[str] | None = None,
        *,
        relu_on_output: bool = False,
    ) -> Network:
        """A chain of layers: ``h = activation(W h' + b)``.

        Parameters
        ----------
        weights : sequence of matrices, each of shape (out, in)
            Floats stand for their exact values, strings for exact decimals or fractions.
        biases : sequence of vectors (or None for zero), optional
            All zero by default.
        activations : sequence of str, optional
            ``"relu"``, ``"linear"``, ``"leaky:1/10"`` or ``"maxout:3"`` per layer; by default ReLU after every layer
            but the last.
        relu_on_output : bool
            ReLU after the last layer as well (only without ``activations``).

        Raises
        ------
        NetworkError
            Shapes do not chain, a number is not finite, or an activation is not piecewise linear.
        """
        from nn_bridge.network.chains import chain  # the builder makes Networks: imported late, on this side only

        if activations is None:
            activations = ["relu"] * (len(weights) - 1) + ["relu" if relu_on_output else "linear"]
        if biases is None:
            biases = [None] * len(weights)
        return chain(weights, biases, activations)

    # ---------------------------------------------------------------- sizes

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units per stage."""
        return tuple(stage.units for stage in self.stages)

    @property
    def output_dim(self) -> int:
        """The number of outputs."""
        return self.output.units

    def __str__(self) -> str:
        sizes = ", ".join(map(str, (self.input_dim, *self.hidden, self.output_dim)))
        return f"Network [{sizes}]"

    def __repr__(self) -> str:
        return line(self)

    def _repr_html_(self) -> str:
        head = ("", "units", "reads")
        return html_table([("inputs", self.input_dim, ""), *table_rows(self)], head, caption=line(self)[1:-1])

    def _repr_latex_(self) -> str:
        arrow = r" \to ".join(rf"\mathbb{{R}}^{{{k}}}" for k in (self.input_dim, *self.hidden, self.output_dim))
        return f"${arrow}$"

    # ---------------------------------------------------------------- evaluation

    def point(self, x: Iterable[Any]) -> Row:
        """An exact input point of the right length (floats stand for their exact values)."""
        try:
            point = rationals(x)
        except (GeometryError, TypeError) as error:
            raise NetworkError(f"the input point is not a list of finite numbers: {error}; {_MANY}") from None
        if len(point) != self.input_dim:
            there = f"has {counted(len(point), 'coordinate')}, the network reads {self.input_dim}"
            raise NetworkError(f"the input point {there}; {_MANY}")
        return point

    def preactivations(self, x: Iterable[Any]) -> tuple[Row, ...]:
        """The exact values before the ReLU, stage by stage, then the outputs (the last entry)."""
        values: list[Row] = [self.point(x)]
        results: list[Row] = []
        for stage in (*self.stages, self.output):
            result = list(stage.bias)
            for source, matrix in stage.blocks:
                inputs = values[source]
                reads = [(j, v) for j, v in enumerate(inputs) if v]
                for i, row in enumerate(matrix):
                    if isinstance(row, SparseRow):
                        result[i] += sum((w * inputs[j] for j, w in entries(row)), ZERO)
                        continue
                    for j, v in reads:
                        if row[j]:
                            result[i] += row[j] * v
            results.append(tuple(result))
            values.append(tuple(v if v > 0 else ZERO for v in result))
        return tuple(results)

    def evaluate(self, x: Iterable[Any]) -> Row:
        """The exact outputs at a point (floats stand for their exact values); a tuple of them for a list of points."""
        if is_many(x):
            return tuple(cast(fmpq, self.evaluate(point)) for point in x)
        return self.preactivations(x)[-1]

    def __call__(self, x: Any) -> Any:
        """The outputs: of a NumPy array of points in float64, of a list of numbers exactly, as ``evaluate`` does.

        Examples
        --------
        >>> net = Network.from_layers([[[1, 1]], [[2]]])
        >>> net(["1/3", 1]), net(np.array([[1.0, 0.5], [0, -1]])).tolist()
        ((8/3,), [[3.0], [0.0]])
        """
        return outputs(self, x)

    def evaluate_float(self, points: Any) -> np.ndarray:
        """The outputs at many points in float64: (N, n) in, (N, outputs) out.  For pictures only."""
        return float_outputs(self, points)

    def pattern(self, x: Iterable[Any]) -> Pattern:
        """The activation pattern at a point: active iff the pre-activation is > 0, exactly."""
        return tuple(tuple(bool(v > 0) for v in values) for values in self.preactivations(x)[:-1])

    def affine_forms(self, pattern: Pattern) -> tuple[Matrix, ...]:
        """The pre-activations as affine forms in ``x`` under a (prefix of an) activation pattern.

        Parameters
        ----------
        pattern : sequence of sequences of bool
            One entry per stage; a prefix of the stages is enough.

        Returns
        -------
        tuple of matrices
            For each stage up to one past the prefix (the outputs after a whole pattern) the rows
            ``(a_1, .., a_n, b)`` of the forms ``a . x + b``.
        """
        check_forms(self)
        n = self.input_dim
        forms: list[Matrix] = []
        active: list[list[list[fmpq] | None] | None] = [None]
        for depth, stage in enumerate((*self.stages, self.output)[: len(pattern) + 1]):
            total = [[ZERO] * n + [b] for b in stage.bias]
            for source, matrix in stage.blocks:
                if source == INPUT:
                    for i, row in enumerate(matrix):
                        for j, value in entries(row):
                            total[i][j] = value
                    continue
                rows = active[source]
                if rows is None:
                    continue
                for group in row_groups(matrix):
                    chosen = [(k, kept) for k, j in enumerate(group.columns) if (kept := rows[j]) is not None]
                    if not chosen:
                        continue
                    width, places = len(group.columns), [k for k, _ in chosen]
                    weights = group_entries(matrix, group)
                    left = [[weights[k + start] for k in places] for start in range(0, len(weights), width)]
                    product = fmpq_mat(left) * fmpq_mat([form for _, form in chosen])
                    for i, added in zip(group.rows, product.tolist(), strict=True):
                        total[i] = [p + q for p, q in zip(total[i], added, strict=True)]
            result = tuple(map(tuple, total))
            forms.append(result)
            if depth < len(pattern):
                seen = [total[j] if on else None for j, on in enumerate(pattern[depth])]
                active.append(seen if any(pattern[depth]) else None)
        return tuple(forms)

    # ---------------------------------------------------------------- questions, answered by modules above this one

    def cell_at(self, x: Iterable[Any]) -> tuple[PointCell, ...]:
        """The full-dimensional activation cells that contain a point: one, or all that it borders.

        See `nn_bridge.network.point_cells.cells_at`.
        """
        from nn_bridge.network.point_cells import cells_at

        return cells_at(self, x)

    def same_function(self, other: Network) -> bool:
        """Whether two networks compute the same function on all of R^n, exactly (``==`` compares their form)."""
        return self.point_of_difference(other) is None

    def point_of_difference(self, other: Network) -> Row | None:
        """A rational point at which two networks differ, or None where they are the same function.

        See `nn_bridge.reduction.same_function.point_of_difference`.
        """
        from nn_bridge.reduction.same_function import point_of_difference

        return point_of_difference(self, other)

    # ---------------------------------------------------------------- derived networks

    def select_outputs(self, indices: Sequence[int]) -> Network:
        """The network with only these outputs, in this order."""
        for index in indices:
            if not 0 <= index < self.output_dim:
                there = f"outputs 0..{self.output_dim - 1}" if self.output_dim > 1 else "output 0 alone"
                raise NetworkError(f"there is no output {index}; the network has {there}")
        blocks = tuple((source, tuple(matrix[i] for i in indices)) for source, matrix in self.output.blocks)
        kept = tuple((source, m) for source, m in blocks if not all(map(is_zero, m)))
        output = AffineStage(kept, tuple(self.output.bias[i] for i in indices))
        layers = self.layers
        if layers is not None and layers[-1].activation == "linear":
            last = layers[-1]
            rows = tuple(last.weights[i] for i in indices)
            layers = (*layers[:-1], LayerRecord(rows, tuple(last.bias[i] for i in indices), "linear"))
        else:
            layers = None
        return replace(self, output=output, layers=layers)

    def restrict_to(self, directions: Any, origin: Any) -> Network:
        """The network on the affine slice ``x = origin + directions t``, as a network in the parameters ``t``.

        Parameters
        ----------
        directions : matrix of shape (n, k)
            Its columns span the slice.
        origin : vector of length n
        """
        columns = tuple(exact_row(row, f"slice directions, row {i}") for i, row in enumerate(directions))
        base = self.point(origin)
        if len(columns) != self.input_dim or not columns[0] or len({len(row) for row in columns}) != 1:
            raise NetworkError(
                f"slice directions must be a matrix with {counted(self.input_dim, 'row')} and k >= 1 columns"
            )
        dim = len(columns[0])

        def stage(old: AffineStage) -> AffineStage:
            matrix = old.block(INPUT)
            if matrix is None:
                return old
            new = product(matrix, columns)
            moved = product(matrix, tuple((v,) for v in base))
            blocks = ((INPUT, new), *(block for block in old.blocks if block[0] != INPUT))
            kept = tuple((source, m) for source, m in blocks if not all(map(is_zero, m)))
            return AffineStage(kept, tuple(b + m[0] for b, m in zip(old.bias, moved, strict=True)))

        notes = (*self.notes, f"restricted to a slice of dimension {dim}")
        return Network(dim, tuple(map(stage, self.stages)), stage(self.output), None, notes)

    def round(self, bits: int | None = None, *, digits: int | None = None) -> Network:
        """The network with every entry rounded to a multiple of ``2**-bits`` or ``10**-digits``; recorded in ``notes``.

        See `nn_bridge.network.rounded.rounded`; `puiseux.largest_difference` tells what that changes.
        """
        return rounded(self, bits=bits, digits=digits)

    # ---------------------------------------------------------------- identity

    def normal_form(self) -> list[Any]:
        """The exact normal form as nested lists of integers and texts, such as JSON holds; equal for equal networks."""

        def stage(value: AffineStage) -> list[Any]:
            blocks = [[source, [[to_text(v) for v in row] for row in matrix]] for source, matrix in value.blocks]
            return [blocks, [to_text(v) for v in value.bias]]

        return ["puiseux-network", 1, self.input_dim, [stage(s) for s in self.stages], stage(self.output)]

    def digest(self) -> str:
        """The SHA-256 of the exact normal form, in hexadecimal: the same for equal networks on every platform."""
        return digest(self)


def _normal(stage: AffineStage) -> AffineStage:
    """The stage without zero blocks, its rows in their one form."""
    blocks = tuple((source, tuple(map(normal_row, matrix))) for source, matrix in stage.blocks)
    kept = tuple((source, matrix) for source, matrix in blocks if not all(map(is_zero, matrix)))
    same = len(kept) == len(stage.blocks) and all(
        one is two for (_, a), (_, b) in zip(kept, stage.blocks, strict=True) for one, two in zip(a, b, strict=True)
    )
    return stage if same else AffineStage(kept, stage.bias)
