"""The infimum and the supremum of an output on every face of a complex, exactly."""

from __future__ import annotations

from flint import fmpq

from nn_bridge.cells.faces import FaceComplex
from nn_bridge.network.network import Row
from polyhedra.limits import check_limits
from polyhedra.scalars import ZERO

Values = list[fmpq | None]
"""One for each face; None is infinite."""


class OutputValues:
    """An output of the network of a complex, as an affine function on each of the cells.

    Parameters
    ----------
    faces : FaceComplex
    output : int
    """

    def __init__(self, faces: FaceComplex, output: int) -> None:
        self.faces = faces
        self.output = output
        self._last: tuple[int, Row] | None = None

    def _row(self, face: int) -> Row:
        """The affine function ``(a_1, .., a_n, b)`` on the cell that carries a face."""
        cell = self.faces.carriers[face][0]
        if self._last is None or self._last[0] != cell:
            cells = self.faces.cells
            self._last = cell, cells.network.affine_forms(cells.pattern(cell))[-1][self.output]
        return self._last[1]

    @property
    def constant_along_lines(self) -> bool:
        """Whether the output is constant along the lines that all cells contain.

        Every unit of a first stage is constant along them, hence every later one up to a linear function that is the
        same everywhere, so that one cell tells it.
        """
        lines = self.faces.cells.cell(0).generators.lines
        row = self.faces.cells.network.affine_forms(self.faces.cells.pattern(0))[-1][self.output]
        return all(_product(row, line) == 0 for line in lines)

    def at(self, face: int) -> fmpq:
        """The value at the point inside a face that `FaceComplex.point` gives."""
        return _product(self._row(face), self.faces.point(face)) + self._row(face)[-1]

    def extremes(self) -> tuple[Values, Values]:
        """The infimum and the supremum on each face; None for -infinity, and for infinity.

        The output has to be constant along the lines.  On a face of height 2 or more (above the minimal faces) they
        are the least infimum and the greatest supremum on its facets.
        """
        faces = self.faces
        low: Values = []
        high: Values = []
        for face, facets in enumerate(faces.facets):
            if not facets:
                check_limits()
                low.append(self.at(face))
                high.append(low[-1])
                continue
            for values, choose, sign in ((low, min, -1), (high, max, 1)):
                below = [values[facet] for facet in facets]
                known = [value for value in below if value is not None]
                bounded = len(known) == len(below)
                if bounded and faces.unbounded[face] and len(facets) == 1:  # a ray from a minimal face
                    bounded = sign * _product(self._row(face), faces.generators(face)[1][0]) <= 0
                values.append(choose(known) if bounded else None)
        return low, high


def _product(row: Row, vector: Row) -> fmpq:
    """The linear part of an affine function at a vector."""
    return sum((a * v for a, v in zip(row, vector, strict=False) if a and v), ZERO)


__all__ = ["OutputValues", "Values"]
