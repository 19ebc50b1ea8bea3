"""The triangle relaxation of a network as a linear program whose bounds are proofs.

Columns: the inputs x, for every unit its pre-activation g and its value u, and the objective o. Rows: g = w . sources
+ b, u >= g, u <= s g + t (the line above max(0, g) on [m, M]), and the domain. Fixing a unit to active (u = g >= 0)
or inactive (u = 0 >= g) changes bounds only, so one HiGHS model serves a whole branch-and-bound tree.

All numbers of the program are float64 and the program contains the network: where a weight is no float64, its row
becomes an interval. A bound is then proved from any multipliers y whatever (Neumaier and Shcherbina 2004): with r = c
- A'y, every feasible point has c.x <= sum of row and column ends weighted by y and r. The sums are computed in
floating point and their rounding error, at most gamma times the sum of absolute values, is added. HiGHS only proposes
y.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import fmpq

from milp.bounds import Bounds, OutOfRange, Stability, require_finite
from milp.domain import BoundedDomain
from milp.lines import upper_line
from nn_bridge.network.network import AffineStage, Network
from polyhedra.arrays import Floats
from polyhedra.errors import MissingExtraError
from polyhedra.rounding import UNIT_ROUNDOFF, round_down, round_up
from polyhedra.scalars import ZERO, rational, to_float


class Relaxation:
    """The relaxation of the first stages of a network, with one affine objective over its inputs and units.

    Parameters
    ----------
    network : Network
    region : BoundedDomain
    bounds : Bounds
        Valid bounds of the units that take part.
    stages : int, optional
        How many stages take part; all by default.

    Raises
    ------
    MissingExtraError
        highspy is not installed.
    """

    def __init__(self, network: Network, region: BoundedDomain, bounds: Bounds, stages: int | None = None) -> None:
        try:
            import highspy
        except ImportError:
            raise MissingExtraError("bounds by linear programs", "milp") from None
        self.depth = len(network.stages) if stages is None else stages
        self.bounds = bounds
        self.deadline: float | None = None  # a value of time.monotonic, at which a linear program ends without a bound
        self._first: list[int] = []  # column of g of unit 0, per stage; u follows after all g of the stage
        self._sizes = network.hidden[: self.depth]
        low, high = list(bounds.input[0]), list(bounds.input[1])
        for k, size in enumerate(self._sizes):
            self._first.append(len(low))
            low += bounds.lower[k]
            high += bounds.upper[k]
            low += [max(0.0, v) for v in bounds.lower[k]]
            high += [max(0.0, v) for v in bounds.upper[k]]
            assert len(bounds.lower[k]) == size
        self.objective = len(low)
        low.append(0.0)
        high.append(0.0)
        self._low, self._high = np.array(low), np.array(high)
        self._magnitude = np.maximum(np.abs(self._low), np.abs(self._high))
        rows: list[Floats] = []
        ends: list[tuple[float, float]] = []
        for row in region.inequalities:
            coefficients, _, end = self._float_row(dict(enumerate(row[:-1])), row[-1], "a row of the domain")
            rows.append(coefficients)
            ends.append((-math.inf, end))
        for row in region.equalities:
            coefficients, start, end = self._float_row(dict(enumerate(row[:-1])), row[-1], "an equality of the domain")
            rows.append(coefficients)
            ends.append((start, end))
        self._triangle: dict[tuple[int, int], int] = {}
        for k, stage in enumerate(network.stages[: self.depth]):
            for i in range(stage.units):
                terms = {column: -w for column, w in self.terms(stage, i).items()}
                terms[self.pre(k, i)] = rational(1)
                coefficients, start, end = self._float_row(terms, stage.bias[i], f"stage {k}, unit {i}")
                rows.append(coefficients)
                ends.append((start, end))
                stability = bounds.stability(k, i)
                difference = np.zeros(len(low))
                difference[self.unit(k, i)], difference[self.pre(k, i)] = 1.0, -1.0
                if stability is Stability.ACTIVE:
                    rows.append(difference)
                    ends.append((0.0, 0.0))
                elif stability is Stability.UNSTABLE:
                    self._triangle[k, i] = len(rows)
                    rows.append(difference)
                    ends.append((0.0, math.inf))
                    slope, offset = upper_line(bounds.lower[k][i], bounds.upper[k][i])
                    above = np.zeros(len(low))
                    above[self.unit(k, i)], above[self.pre(k, i)] = 1.0, -slope
                    rows.append(above)
                    ends.append((-math.inf, offset))
        rows.append(np.zeros(len(low)))  # the objective's row, filled in by `set_objective`
        ends.append((0.0, 0.0))
        self._objective_row = len(rows) - 1
        self._A = np.array(rows)
        self._row_low, self._row_high = (np.array(side) for side in zip(*ends, strict=True))
        self._highs = self._load(highspy)

    # ---------------------------------------------------------------- columns

    def pre(self, stage: int, unit: int) -> int:
        """The column of a unit's pre-activation."""
        return self._first[stage] + unit

    def unit(self, stage: int, unit: int) -> int:
        """The column of a unit's value."""
        return self._first[stage] + self._sizes[stage] + unit

    @property
    def objective_end(self) -> float:
        """The bound of the objective by interval arithmetic."""
        return float(self._high[self.objective])

    def terms(self, stage: AffineStage, index: int) -> dict[int, fmpq]:
        """The weights of one row of a stage, by column."""
        terms: dict[int, fmpq] = {}
        for source, matrix in stage.blocks:
            for j, w in enumerate(matrix[index]):
                if w != 0:
                    terms[j if source == 0 else self.unit(source - 1, j)] = w
        return terms

    def _float_row(self, terms: dict[int, fmpq], right: fmpq, place: str) -> tuple[Floats, float, float]:
        """A row in float64 and the interval that its value lies in wherever the exact row has this right-hand side."""
        row = np.zeros(len(self._low))
        slack = ZERO
        for column, weight in terms.items():
            row[column] = to_float(weight)
            if not math.isfinite(row[column]):
                raise OutOfRange(f"{place}: a weight leaves the range of float64; rescale the weights or inputs")
            off = abs(rational(float(row[column])) - weight)
            if off != 0:
                slack += off * rational(float(self._magnitude[column]))
        return row, round_down(right - slack), round_up(right + slack)

    # ---------------------------------------------------------------- HiGHS

    def _load(self, highspy: Any) -> Any:
        with np.errstate(all="ignore"):  # a program that HiGHS refuses is left unused
            return self._loaded(highspy)

    def _loaded(self, highspy: Any) -> Any:
        from scipy import sparse

        # HiGHS sees columns of size 1 and rows with largest entry 1, scaled by powers of two: it refuses huge numbers
        self._column = _power_above(self._magnitude)
        self._row = 1.0 / _power_above(np.abs(self._A * self._column).max(axis=1, initial=0.0))
        matrix = sparse.csr_matrix(self._A * self._column * self._row[:, None])
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = self._A.shape[1], self._A.shape[0]
        program.col_cost_ = np.eye(1, self._A.shape[1], self.objective)[0]
        program.col_lower_, program.col_upper_ = self._low / self._column, self._high / self._column
        program.row_lower_, program.row_upper_ = self._row_low * self._row, self._row_high * self._row
        program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        program.a_matrix_.start_ = matrix.indptr
        program.a_matrix_.index_ = matrix.indices
        program.a_matrix_.value_ = matrix.data
        program.sense_ = highspy.ObjSense.kMaximize
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("presolve", "off")  # every program but the first starts from the basis of the one before
        solver.setOptionValue("threads", 1)
        self._usable = solver.passModel(program) != highspy.HighsStatus.kError
        self._optimal = highspy.HighsModelStatus.kOptimal
        self._infeasible = highspy.HighsModelStatus.kInfeasible
        return solver

    def set_objective(self, stage: AffineStage, index: int, sign: int, extra: Sequence[fmpq] = ()) -> None:
        """Maximise sign * (row ``index`` of a stage over the inputs and units, plus ``extra . x``)."""
        terms = {column: -sign * w for column, w in self.terms(stage, index).items()}
        for j, w in enumerate(extra):
            if w != 0:
                terms[j] = terms.get(j, ZERO) - sign * w
        terms[self.objective] = rational(1)
        self._low[self.objective], self._high[self.objective] = 0.0, 0.0
        right = sign * stage.bias[index]
        row, start, end = self._float_row(terms, right, "the objective")
        # the objective's column needs finite ends: interval arithmetic over the other columns
        exact_low = exact_high = right
        for column, weight in terms.items():
            if column == self.objective:
                continue
            ends = -weight * rational(float(self._low[column])), -weight * rational(float(self._high[column]))
            exact_low, exact_high = exact_low + min(ends), exact_high + max(ends)
        low, high = round_down(exact_low), round_up(exact_high)
        require_finite(low, high, "the objective")
        self._low[self.objective], self._high[self.objective] = low, high
        self._magnitude[self.objective] = max(abs(low), abs(high))
        last = self._objective_row
        touched = np.nonzero((self._A[last] != 0) | (row != 0))[0].tolist()
        self._A[last] = row
        self._row_low[last], self._row_high[last] = start, end
        if not self._usable:
            return
        self._column[self.objective] = _power_above(self._magnitude[[self.objective]])[0]
        with np.errstate(all="ignore"):
            scaled = row * self._column
            self._row[last] = 1.0 / _power_above(np.abs(scaled).max(keepdims=True))[0]
            scaled = scaled * self._row[last]
        for column in touched:
            self._highs.changeCoeff(last, column, float(scaled[column]))
        self._highs.changeRowBounds(last, start * float(self._row[last]), end * float(self._row[last]))
        self._change_column(self.objective)

    def add_rows(self, cuts: Sequence[tuple[dict[int, fmpq], fmpq]]) -> None:
        """Add rows ``terms <= right`` that every point of the network satisfies."""
        table, ends = [], []
        for terms, right in cuts:
            row, _, end = self._float_row(terms, right, "a cut")
            table.append(row)
            ends.append(end)
        added = np.array(table).reshape(-1, self._A.shape[1])
        self._A = np.vstack([self._A, added])
        self._row_low = np.append(self._row_low, np.full(len(ends), -math.inf))
        self._row_high = np.append(self._row_high, ends)
        with np.errstate(all="ignore"):
            scaled = added * self._column
            sizes = 1.0 / _power_above(np.abs(scaled).max(axis=1, initial=0.0))
        self._row = np.append(self._row, sizes)
        for row, end, size in zip(scaled, ends, sizes.tolist(), strict=True):
            if self._usable:
                places = np.nonzero(row)[0]
                self._highs.addRow(-math.inf, end * size, len(places), places.astype(np.int32), row[places] * size)

    @property
    def column_ends(self) -> tuple[Floats, Floats]:
        """Copies of the ends of all columns."""
        return self._low.copy(), self._high.copy()

    def _change_column(self, column: int) -> None:
        scale = float(self._column[column])
        self._highs.changeColBounds(column, float(self._low[column]) / scale, float(self._high[column]) / scale)

    def set_phase(self, stage: int, unit: int, active: bool | None) -> None:
        """Fix an unstable unit to active or inactive, or free it again (None)."""
        row, g, u = self._triangle[stage, unit], self.pre(stage, unit), self.unit(stage, unit)
        m, M = self.bounds.lower[stage][unit], self.bounds.upper[stage][unit]
        g_ends = (m, M) if active is None else (0.0, M) if active else (m, 0.0)
        u_end = 0.0 if active is False else M
        difference_end = 0.0 if active else math.inf
        self._low[g], self._high[g] = g_ends
        self._high[u] = u_end
        self._row_high[row] = difference_end
        if self._usable:
            self._change_column(g)
            self._change_column(u)
            self._highs.changeRowBounds(row, 0.0, difference_end)

    def bound(self) -> tuple[float, Floats | None]:
        """A proved upper bound of the objective, and the relaxation's point (None where it is infeasible).

        The bound is -inf where infeasibility is proved.  It is valid even if HiGHS fails; then it is loose.
        """
        if not self._usable:
            return self.objective_end, None
        solver = self._highs
        if self.deadline is not None:  # HiGHS counts the seconds of all runs together
            left = max(0.0, self.deadline - time.monotonic())
            solver.setOptionValue("time_limit", float(solver.getRunTime()) + left)
        solver.run()
        status = solver.getModelStatus()
        if status == self._infeasible:
            has_ray, ray = self._dual_ray()
            if has_ray and self._proves_infeasible(ray * self._row):
                return -math.inf, None
            return self.objective_end, None
        if status != self._optimal:
            return self.objective_end, None
        solution = solver.getSolution()
        y = np.array(solution.row_dual) * self._row * self._column[self.objective]
        value = self._safe_bound(y)
        point = np.array(solution.col_value) * self._column
        if not np.isfinite(point).all():
            return self.objective_end, None
        return (value if value < self.objective_end else self.objective_end), point

    def _safe_bound(self, y: Floats, with_objective: bool = True) -> float:
        """An upper bound of the objective (or of 0) over all points within the ends of columns and rows.

        It is infinite or NaN where the sums overflow.
        """
        with np.errstate(all="ignore"):
            return self._safe_sum(y, with_objective)

    def _safe_sum(self, y: Floats, with_objective: bool) -> float:
        gamma = 2.0 * (sum(self._A.shape) + 8) * UNIT_ROUNDOFF
        # where a row has no end on the side that y asks for, y must not ask
        y = np.where(((y > 0) & np.isinf(self._row_high)) | ((y < 0) & np.isinf(self._row_low)), 0.0, y)
        rest = -(y @ self._A)
        spread = np.abs(y) @ np.abs(self._A)
        if with_objective:
            rest[self.objective] += 1.0
            spread[self.objective] += 1.0
        ends = np.where(y > 0, np.where(np.isinf(self._row_high), 0.0, self._row_high), 0.0)
        ends = np.where(y < 0, np.where(np.isinf(self._row_low), 0.0, self._row_low), ends)
        total = y @ ends + np.maximum(rest, 0.0) @ self._high + np.minimum(rest, 0.0) @ self._low
        magnitude = np.abs(y) @ np.abs(ends) + (np.abs(rest) + spread) @ self._magnitude
        # what the products lose by underflow: less than 5e-324 each, then times the size of a column at most
        lost = 1e-318 * sum(self._A.shape) * (1.0 + np.sum(self._magnitude))
        return float(np.nextafter(total + 2.0 * gamma * magnitude + max(1e-290, lost), math.inf))

    def _dual_ray(self) -> tuple[bool, Floats]:
        answer = self._highs.getDualRay()
        if len(answer) == 3:
            _, has_ray, ray = answer
        else:
            has_ray, ray = answer
        return bool(has_ray), np.asarray(ray) if has_ray else np.zeros(0)

    def _proves_infeasible(self, ray: Floats) -> bool:
        """Whether a ray, in either direction, shows that no point satisfies all rows: 0 <= a negative number."""
        return any(self._safe_bound(sign * ray, with_objective=False) < 0.0 for sign in (1.0, -1.0))


def _power_above(size: Floats) -> Floats:
    """The least power of two that is at least a size, within what float64 can divide by; 1 for size 0."""
    exponent = np.clip(np.frexp(size)[1], -500, 500)
    return np.where(size > 0, np.ldexp(1.0, exponent), 1.0)
