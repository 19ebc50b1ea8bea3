"""A property of two networks as one question: their joint network, on the inputs that its equations leave free.

The inputs of the second network are numbered after those of the first. Equations among inputs that every system has,
such as ``X[0] = A[0]`` for two networks that read the same, are solved exactly and leave fewer inputs, so that the
cells of the joint network can be listed where it has few; a point of these is carried back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import fmpq

from milp.vnnlib_rows import LinearRow, Property
from nn_bridge.network.joint import joint
from nn_bridge.network.network import Network, Row
from polyhedra.errors import FormulationError
from polyhedra.plurals import counted
from polyhedra.scalars import ONE, ZERO

Sparse = dict[int, fmpq]


def side_by_side(first: Network, second: Network) -> Network:
    """The network that reads the inputs of the first, then of the second, and gives the outputs of both.

    Examples
    --------
    >>> double, triple = Network.from_layers([[[2]]]), Network.from_layers([[[3]]])
    >>> side_by_side(double, triple).evaluate([5, 7])
    (10, 21)
    """
    total = first.input_dim + second.input_dim

    def reading(network: Network, start: int) -> Network:
        rows = [[ONE if j == start + i else ZERO for j in range(total)] for i in range(network.input_dim)]
        return network.restrict_to(rows, [ZERO] * network.input_dim)

    return joint(reading(first, 0), reading(second, first.input_dim))


def second_network(spec: Property, first: Network, second: Network | None) -> Network | None:
    """The second network of a property, checked against its declaration; None where it declares one network.

    Raises
    ------
    FormulationError
        A network is missing, or is there without need; or it is not what the property says of it.
    """
    if len(spec.networks) < 2:
        if second is not None:
            raise FormulationError("the property is about one network; leave the second one out")
        return None
    one, other = spec.networks
    if second is None and other.relation != "equal-to":
        raise FormulationError(f"the property is about two networks, {one.name} and {other.name}; give a second file")
    found = first if second is None else second
    for declared, network in ((one, first), (other, found)):
        if (declared.inputs, declared.outputs) != (network.input_dim, network.output_dim):
            raise FormulationError(
                f"the property declares {declared.name} with {counted(declared.inputs, 'input')} and "
                f"{counted(declared.outputs, 'output')}; "
                f"its file has {network.input_dim} and {network.output_dim}"
            )
    if other.relation == "equal-to" and found != first:
        raise FormulationError(f"the property says that {other.name} is equal to {one.name}; the files are not")
    if other.relation == "isomorphic-to" and found.hidden != first.hidden:
        raise FormulationError(
            f"the property says that {other.name} is isomorphic to {one.name}; their layers have other sizes"
        )
    return found


@dataclass(frozen=True, slots=True)
class Reduced:
    """A question on fewer inputs t, of which the inputs x are an affine function.

    Attributes
    ----------
    rows : tuple of sparse rows
        x_j = rows[j] . t + origin[j].
    origin : tuple of fmpq
    free : int
        The number of inputs t.
    """

    rows: tuple[Sparse, ...]
    origin: Row
    free: int

    def point(self, t: Row) -> Row:
        """The inputs x of a point t."""
        return tuple(
            b + sum((a * t[k] for k, a in row.items()), ZERO) for row, b in zip(self.rows, self.origin, strict=True)
        )

    def network(self, network: Network) -> Network:
        """The network as a function of t."""
        return network.restrict_to([[row.get(k, ZERO) for k in range(self.free)] for row in self.rows], self.origin)

    def row(self, row: LinearRow) -> LinearRow:
        """A row over x as one over t."""
        inputs, right = [ZERO] * self.free, row.right
        for a, part, b in zip(row.inputs, self.rows, self.origin, strict=True):
            if a != 0:
                right -= a * b
                for k, v in part.items():
                    inputs[k] += a * v
        return LinearRow(tuple(inputs), row.outputs, right, row.strict)

    def property(self, spec: Property) -> Property:
        """The property over t; rows that hold everywhere are left out."""
        systems = []
        for system in spec.disjuncts:
            rows = [self.row(row) for row in system]
            systems.append(tuple(row for row in rows if not _always(row)))
        return Property(self.free, spec.outputs, tuple(systems))


def on_free_inputs(spec: Property) -> Reduced | None:
    """The inputs that the equations of a property leave free; None where they contradict each other or leave none."""
    reduced = solve_equations(spec)
    return None if reduced is None or reduced.free == 0 else reduced


def as_one_property(spec: Property) -> Property:
    """A property of two networks as one of their joint network, on the inputs that its equations leave free."""
    reduced = on_free_inputs(spec)
    return Property(spec.inputs, spec.outputs, spec.disjuncts) if reduced is None else reduced.property(spec)


def as_one_network(spec: Property, first: Network, second: Network) -> Network:
    """The network that `as_one_property` is about: both side by side, on the inputs that the equations leave free.

    Examples
    --------
    >>> from milp.vnnlib_rows import LinearRow
    >>> rows = tuple(LinearRow((fmpq(s), fmpq(-s)), (fmpq(0), fmpq(0)), fmpq(0)) for s in (1, -1))  # X = A
    >>> double, triple = Network.from_layers([[[2]]]), Network.from_layers([[[3]]])
    >>> as_one_network(Property(2, 2, (rows,)), double, triple).evaluate([5])
    (10, 15)
    """
    both = side_by_side(first, second)
    reduced = on_free_inputs(spec)
    return both if reduced is None else reduced.network(both)


def _always(row: LinearRow) -> bool:
    constant = not any(row.inputs) and not any(row.outputs)
    return constant and bool(row.right > 0 if row.strict else row.right >= 0)


def solve_equations(spec: Property) -> Reduced | None:
    """The inputs that satisfy all equations which every system has; None where there are none.

    Examples
    --------
    >>> from milp.vnnlib_rows import LinearRow
    >>> rows = tuple(LinearRow((fmpq(s), fmpq(-s)), (fmpq(0),), fmpq(0)) for s in (1, -1))
    >>> solve_equations(Property(2, 1, (rows,))).point((fmpq(3),))
    (3, 3)
    """
    common: set[tuple[Row, fmpq]] | None = None
    for system in spec.disjuncts:
        rows = {(row.inputs, row.right) for row in system if not row.strict and not any(row.outputs)}
        found = {(a, b) for a, b in rows if any(a) and (tuple(-v for v in a), -b) in rows}
        common = found if common is None else common & found
    return _solved(sorted(common or (), key=str), spec.inputs)


def _solved(equations: Sequence[tuple[Row, fmpq]], inputs: int) -> Reduced | None:
    """Gauss elimination; the input with the highest number of each equation is expressed by the others."""
    solved: dict[int, tuple[Sparse, fmpq]] = {}
    for a, b in equations:
        row = {j: v for j, v in enumerate(a) if v != 0}
        right = b
        for pivot in [j for j in row if j in solved]:  # what is put in holds no pivot
            factor = row.pop(pivot)
            part, constant = solved[pivot]
            right -= factor * constant
            _add(row, part, factor)
        if not row:
            if right != 0:
                return None
            continue
        pivot = max(row)
        scale = row.pop(pivot)
        expressed = {j: -v / scale for j, v in row.items()}
        constant = right / scale
        for key, (part, value) in list(solved.items()):
            factor = part.pop(pivot, ZERO)
            if factor != 0:
                _add(part, expressed, factor)
                solved[key] = part, value + factor * constant
        solved[pivot] = expressed, constant
    free = [j for j in range(inputs) if j not in solved]
    number = {j: k for k, j in enumerate(free)}
    rows: list[Sparse] = []
    origin: list[fmpq] = []
    for j in range(inputs):
        part, constant = solved.get(j, ({j: ONE}, ZERO))
        rows.append({number[k]: v for k, v in part.items()})
        origin.append(constant)
    return Reduced(tuple(rows), tuple(origin), len(free))


def _add(row: Sparse, other: Sparse, factor: fmpq) -> None:
    for j, v in other.items():
        total = row.get(j, ZERO) + factor * v
        if total == 0:
            row.pop(j, None)
        else:
            row[j] = total
