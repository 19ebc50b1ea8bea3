"""Edge subdivision in torch, on any device: the plan, bounds and exact decisions of `subdivide`, other inner steps.

Every neuron's cut edges are found by one pass over the edges' bit words and 2-faces are paired by sorting, which
suits a GPU; the resulting complex is the same up to the order of vertices and edges.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from nn_bridge import _torch_kernels as kernels
from nn_bridge.errors import NetworkError
from nn_bridge.network import INPUT
from nn_bridge.sign_vectors.domain import Domain
from nn_bridge.sign_vectors.exact_vertices import locate, signed_floats
from nn_bridge.sign_vectors.piece import Piece
from nn_bridge.sign_vectors.pieces import Cutter
from nn_bridge.sign_vectors.plan import FloatStage, Plan
from nn_bridge.sign_vectors.skeleton import FACE, HEAD, KNOWN, UP, ZEROS, Layout, OverBudget, Skeleton, layout_of
from nn_bridge.sign_vectors.stage_entry import FLOOR, SAMPLE, UNIT
from nn_bridge.sign_vectors.subdivide import MAX_DOUBTS, Outcome

BLOCK = 62
STEPS = kernels.STEPS


def torch_cutter(device: str) -> Cutter:
    """The subdivision of a piece on a torch device.

    Raises
    ------
    NetworkError
        The device is not there.
    """
    try:
        place = torch.device(device)
        torch.zeros(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise NetworkError(f"device={device!r} cannot be used: {str(error).splitlines()[0]}") from None

    def cut(plan: Plan, domain: Domain, limit: int | None) -> Piece:
        return _TorchSkeleton(plan, domain, limit, place).run()

    return cut


class _TorchSkeleton:
    """The 1-skeleton as tensors (private, mutable); columns are those of a vertex row without its head."""

    def __init__(self, plan: Plan, domain: Domain, limit: int | None, device: torch.device) -> None:
        start = Skeleton(plan, domain, None)
        self.plan, self.domain, self.limit, self.device, self.d = plan, domain, limit, device, domain.dim
        self.outcome = Outcome()
        v, e, d = start.vertices, start.edges, self.d
        self.size_of_corners = start.coordinate_size
        self.values = self._to(start.rows[:v, HEAD : HEAD + d])
        self.residual = torch.ones(v, dtype=torch.float64, device=device)
        self.steps = torch.zeros(v, dtype=torch.int64, device=device)
        self.size = torch.zeros(v, dtype=torch.float64, device=device)
        self.rate, self.rate_error = torch.zeros_like(self.size), torch.zeros_like(self.size)
        self.bits = torch.zeros(v, dtype=torch.int64, device=device)
        self.words = self._words(start.fingerprint[:v])
        self.zeros = self._to(start.zeros[:v].astype(np.int64))
        self.faces = self._to(start.faces[:v].astype(np.int64))
        marks = start.e32[:e, FACE].astype(np.int64)
        self.ends = self._to(start.e32[:e, :2].astype(np.int64))
        self.edge_words = self._words(start.e64[:e, 1])
        self.edge_zeros = self._to(start.e16[:e, ZEROS : ZEROS + d - 1].astype(np.int64))
        self.edge_steps = torch.zeros_like(self.edge_zeros)
        self.edge_faces = self._to(marks & (UP - 1))
        self.edge_up = self._to(np.where(marks & KNOWN, (marks & UP) // UP, 2))
        self.cut = torch.zeros(e, dtype=torch.int64, device=device)
        self.pos = torch.zeros(e, dtype=torch.int64, device=device)
        self.scaled = self._to(start.scaled[HEAD : HEAD + d])
        self.zero, self.positive = self._words(plan.zero), self._words(plan.positive)
        self.face_words = self._words(start.face_word)
        self.face_words_exact = start.face_word
        self.cover_start = self._to(domain.cover_start.astype(np.int64))
        self.covers = self._to(domain.covers.astype(np.int64))
        self.most_covers = int(np.diff(domain.cover_start).max(initial=0))
        self.functional = self._to(start.functional)

    def _to(self, array: Any) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), device=self.device).clone()

    def _words(self, array: Any) -> Tensor:
        return self._to(np.ascontiguousarray(array).view(np.int64))

    def run(self) -> Piece:
        """Cut by all stages and copy the result to the CPU."""
        before: FloatStage | None = None
        for index, stage in enumerate(self.plan.stages):
            layout = layout_of(self.plan, stage)
            if not self._enter(index, before, layout):
                break
            checked = len(self.values)
            for first in range(0, stage.units, BLOCK):
                self._cut_block(index, layout, first, min(BLOCK, stage.units - first), checked)
                if not self.outcome.sound:
                    return self._finish()
            self.outcome.neurons = stage.first + stage.units
            before = stage
        return self._finish()

    # ---------------------------------------------------------------- stages

    def _stage_values(
        self, stage: FloatStage, old: Layout, previous: int, rows: Tensor
    ) -> tuple[Tensor, Tensor, float]:
        terms = sum(weights.shape[1] for _, weights in stage.reads)
        values = self._to(stage.bias).repeat(len(rows), 1)
        gain = torch.full_like(values, FLOOR)
        for source, weights in stage.reads:
            if source == INPUT:
                where = slice(0, self.d)
                inputs = rows[:, where]
                active = torch.ones_like(inputs)
            else:
                start = (old.column if source == previous else old.carried[source]) - HEAD
                where = slice(start, start + weights.shape[1])
                inputs = rows[:, where].clamp(min=0.0)
                active = (rows[:, where] >= 0).to(torch.float64)
            matrix = self._to(weights)
            values += inputs @ matrix.T
            gain += (active / self.scaled[where]) @ matrix.abs().T * (1 + 1e-9)
        return values, gain, (terms + 16) * UNIT

    def _enter(self, index: int, before: FloatStage | None, new: Layout) -> bool:
        """Columns of the stage in place of the old ones; False where a sign is doubtful."""
        plan = self.plan
        stage, old = plan.stages[index], layout_of(plan, before)
        kept = [(0, slice(0, self.d))]
        for source, place in new.carried.items():
            start = (old.column if source == index else old.carried[source]) - HEAD
            kept.append((place - HEAD, slice(start, start + plan.stages[source - 1].units)))
        values, gain, gamma = self._stage_values(stage, old, index, self.values)
        rounding = gamma * self._to(np.abs(stage.bias))
        own = (self.residual[:, None] + gamma * self.size[:, None]) * gain + rounding
        amplified = self.residual * torch.exp2(self.steps / STEPS)
        bound = ((amplified[:, None] + gamma * self.size[:, None]) * gain + rounding) * (1 + 64 * UNIT)
        open_signs = ~(values.abs() > bound)
        residual = torch.cat([self.residual[:, None] / self.scaled[w] for _, w in kept] + [own], dim=1)
        fresh = torch.cat([self.values[:, w] for _, w in kept] + [values], dim=1)
        sample = self.ends[:: max(1, len(self.ends) // SAMPLE)]
        slope = (fresh[sample[:, 0]] - fresh[sample[:, 1]]).abs().mean(dim=0)
        typical = torch.maximum(residual[sample[:, 0]], residual[sample[:, 1]]).mean(dim=0)
        varies = slope > 0
        unit = (typical[varies] / slope[varies]).median() if bool(varies.any()) else torch.ones((), device=self.device)
        self.scaled = 1 / torch.maximum(slope * unit, typical.clamp(min=FLOOR))
        self.residual = (residual * self.scaled).max(dim=1).values * (1 + 64 * UNIT)
        self.values = fresh
        self.size = (fresh.abs() * self.scaled).max(dim=1).values * (1 + 8 * UNIT)
        if bool(open_signs.any()):
            self._decide(index, new, 0, torch.nonzero(open_signs).tolist())
        return self.outcome.sound

    # ---------------------------------------------------------------- blocks

    def _cut_block(self, index: int, layout: Layout, start: int, count: int, checked: int) -> None:
        first = self.plan.stages[index].first + start
        column = layout.column - HEAD + start
        table = self._table(first, count)
        fresh = slice(checked, None)
        scale = self.scaled[column : column + count]
        bound = self.residual[fresh] * torch.exp2(self.steps[fresh] / STEPS) * (1 + 16 * UNIT)
        values = self.values[:, column : column + count]
        late = torch.nonzero(~(values[fresh].abs() * scale > bound[:, None]))
        if len(late):
            self._decide(index, layout, start, [(v + checked, start + j) for v, j in late.tolist()])
            if not self.outcome.sound:
                return
            values = self.values[:, column : column + count]
        self.bits = kernels.pack(values > 0)
        ends = self.bits[self.ends]
        self.cut, self.pos = ends[:, 0] ^ ends[:, 1], ends[:, 0] & ends[:, 1]
        old_vertices = len(self.values)
        for k in range(count):
            self._cut_neuron(index, layout, start, k, count, first, column, table)
            if not self.outcome.sound:
                self.outcome.neurons = first + k
                return
        self.words[:old_vertices] += kernels.word_sum(table, self.bits[:old_vertices])
        self.edge_words += kernels.word_sum(table, self.pos)

    def _table(self, first: int, count: int) -> Tensor:
        table = np.zeros((8, 256), dtype=np.uint64)
        byte = np.arange(256)
        for k in range(count):
            table[k // 8] += np.where((byte >> (k % 8)) & 1, self.plan.positive[first + k], np.uint64(0))
        return self._words(table)

    def _cut_neuron(
        self, index: int, layout: Layout, start: int, k: int, count: int, first: int, column: int, table: Tensor
    ) -> None:
        chosen = torch.nonzero((self.cut >> k) & 1)[:, 0]
        m = len(chosen)
        if not m:
            return
        self._check(m)
        neuron = first + k
        below, above, bit = (1 << k) - 1, -1 << (k + 1), 1 << k
        a, b = self.ends[chosen].unbind(dim=1)
        edge_zeros, edge_steps = self.edge_zeros[chosen], self.edge_steps[chosen]
        faces = self.edge_faces[chosen]
        past = self.pos[chosen] & below
        height_scale = float((self.functional.abs() / self.scaled[: self.d]).sum()) * (1 + 1e-12)
        new = kernels.cut_edges(
            self.values[a], self.values[b],
            torch.maximum(self.residual[a], self.residual[b]), torch.maximum(self.size[a], self.size[b]),
            edge_steps.sum(dim=1), self.bits[a], self.bits[b], k, column, count, self.d, self.scaled,
            self.functional, height_scale,
        )  # fmt: skip
        v = len(self.values)
        base = self.edge_words[chosen]
        here = base + kernels.word_sum(table, past)
        z_k = self.zero[neuron]
        self.values = torch.cat([self.values, new.values])
        self.residual = torch.cat([self.residual, new.residual])
        self.steps = torch.cat([self.steps, new.steps])
        self.size = torch.cat([self.size, new.size])
        self.rate, self.rate_error = torch.cat([self.rate, new.rate]), torch.cat([self.rate_error, new.rate_error])
        self.bits = torch.cat([self.bits, new.bits])
        self.words = torch.cat([self.words, here + z_k])
        self.zeros = torch.cat([self.zeros, _with_zero(edge_zeros, neuron)])
        self.faces = torch.cat([self.faces, faces])
        if bool(new.doubt.any()):
            pairs = [(v + row, start + j) for row, j in torch.nonzero(new.doubt).tolist()]
            self._decide(index, layout, start + k + 1, pairs)
            if not self.outcome.sound:
                return
            for vertex in {vertex for vertex, _ in pairs}:
                signs = self.values[vertex : vertex + 1, column : column + count] > 0
                self.bits[vertex] = kernels.pack(signs)[0] & above
        w = torch.arange(v, v + m, device=self.device)
        sign_a, sign_b, sign_w = self.bits[a], self.bits[b], self.bits[w]
        self.words[w] += kernels.word_sum(table, sign_w & above)
        fresh = self._connect(
            neuron, first, k, w, a, b, edge_zeros, edge_steps, faces, past, base, here, new.turn, column
        )
        half = {
            "ends": torch.stack([w, b], dim=1),
            "cut": (sign_b ^ sign_w) & above,
            "pos": past | (sign_b & bit) | (sign_b & sign_w & above),
            "edge_words": base,
            "edge_zeros": edge_zeros,
            "edge_steps": edge_steps,
            "edge_faces": faces,
            "edge_up": self.edge_up[chosen],
        }
        self.ends[chosen, 1] = w
        self.cut[chosen] = (sign_a ^ sign_w) & above
        self.pos[chosen] = past | (sign_a & bit) | (sign_a & sign_w & above)
        for name, part in half.items():
            setattr(self, name, torch.cat([getattr(self, name), part, fresh[name]]))

    def _connect(
        self, neuron: int, block_first: int, k: int, w: Tensor, a: Tensor, b: Tensor, edge_zeros: Tensor,
        edge_steps: Tensor, faces: Tensor, past: Tensor, base: Tensor, here: Tensor, turn: Tensor, column: int,
    ) -> dict[str, Tensor]:  # fmt: skip
        """The new edges between new vertices on a common 2-face."""
        above = -1 << (k + 1)
        rows = torch.arange(len(w), device=self.device)
        row: list[Tensor] = []
        leave: list[Tensor] = []
        side: list[Tensor] = []
        target: list[Tensor] = []
        for column_of_zero in range(self.d - 1):
            here_zero = torch.nonzero(edge_zeros[:, column_of_zero] >= 0)[:, 0]
            for positive in (0, 1):
                row.append(here_zero)
                leave.append(torch.full_like(here_zero, column_of_zero))
                side.append(torch.full_like(here_zero, positive))
                target.append(faces[here_zero])
        for number in range(self.most_covers):
            at = self.cover_start[faces] + number
            has = torch.nonzero(at < self.cover_start[faces + 1])[:, 0]
            row.append(has)
            leave.append(torch.full_like(has, -1))
            side.append(torch.zeros_like(has))
            target.append(self.covers[at[has]])
        i, out, plus, face = (torch.cat(parts) if parts else rows[:0] for parts in (row, leave, side, target))
        left = edge_zeros[i, out.clamp(min=0)] if self.d > 1 else i
        releases = out >= 0
        gain = torch.where(
            releases,
            plus * self.positive[left] - self.zero[left],
            self.face_words[face] - self.face_words[faces[i]],
        )
        one, two, twice = kernels.pair_equal(here[i] + gain)
        if not twice:
            self.outcome.consistent = False
        p, q = i[one], i[two]  # rows of the two parents; the second tells the zeros
        left, plus, releases, gain, face = left[two], plus[two], releases[two], gain[two], face[two]
        zeros, steps = edge_zeros[q].clone(), edge_steps[q].clone()
        if self.d > 1:
            same = zeros[:, :, None] == edge_zeros[p][:, None, :]
            steps = torch.maximum(steps, torch.where(same, edge_steps[p][:, None, :], 0).max(dim=2).values)
            spot = torch.where(releases, out[two], (zeros >= 0).sum(dim=1))[:, None]
            zeros.scatter_(1, spot, torch.full_like(spot, neuron))
            steps.scatter_(1, spot, torch.minimum(turn[p], turn[q])[:, None])
            steps *= zeros >= 0
        in_block = releases & (left >= block_first) & (plus == 1)
        pos = past[q] | torch.where(in_block, 1 << (left - block_first).clamp(min=0, max=BLOCK), 0)
        words = base[q] + self.zero[neuron] + gain - torch.where(in_block, self.positive[left], 0)
        u, x = w[p], w[q]
        return {
            "ends": torch.stack([u, x], dim=1),
            "cut": (self.bits[u] ^ self.bits[x]) & above,
            "pos": pos | (self.bits[u] & self.bits[x] & above),
            "edge_words": words,
            "edge_zeros": zeros,
            "edge_steps": steps,
            "edge_faces": face,
            "edge_up": self._directions(a[p], b[p], a[q], b[q], u, x, column + k),
        }

    def _directions(self, a: Tensor, b: Tensor, c: Tensor, e: Tensor, u: Tensor, w: Tensor, column: int) -> Tensor:
        """1, 0 or 2 (open): whether w is higher than u, made on the edges (a, b) and (c, e)."""
        corner = torch.where((c == a) | (c == b), c, torch.where((e == a) | (e == b), e, -1))
        turn = self.rate[w] - self.rate[u]
        sure = (corner >= 0) & (turn.abs() > (self.rate_error[w] + self.rate_error[u]) * (1 + 8 * UNIT))
        by_rate = (turn > 0) != (self.values[corner.clamp(min=0), column] > 0)
        x, y = self.values[u, : self.d], self.values[w, : self.d]
        rise = (y - x) @ self.functional
        size = (x.abs() + y.abs()) @ self.functional.abs()
        scale = float((self.functional.abs() / self.scaled[: self.d]).sum()) * (1 + 1e-12)
        off = sum(self.residual[v] * torch.exp2(self.steps[v] / STEPS) for v in (u, w))
        bound = (off * scale + 8 * UNIT * self.d * size) * (1 + 64 * UNIT)
        by_height = torch.where(rise > bound, 1, torch.where(rise < -bound, 0, 2))
        return torch.where(sure, by_rate.to(torch.int64), by_height)

    # ---------------------------------------------------------------- exact decisions, limits, result

    def _decide(self, index: int, layout: Layout, processed: int, pairs: list[tuple[int, int]]) -> None:
        """As `subdivide._decide`: exact values for vertices with open signs."""
        plan = self.plan
        by_vertex: dict[int, list[int]] = {}
        for vertex, neuron in pairs:
            by_vertex.setdefault(vertex, []).append(neuron)
        if len(by_vertex) > MAX_DOUBTS:
            self.outcome.doubtful += len(by_vertex)
            return
        first = plan.stages[index].first
        columns = slice(layout.column - HEAD, layout.columns - HEAD)
        for vertex, neurons in by_vertex.items():
            zeros = [z for z in self.zeros[vertex].tolist() if z >= 0]
            face = int(self.faces[vertex])
            words = int(self.words[vertex]) - int(self.face_words_exact[face]) - sum(int(plan.zero[z]) for z in zeros)
            row = self.values[vertex].cpu().numpy().copy()
            done = row[columns][:processed] > 0
            words -= int(plan.positive[first : first + processed][done].sum(dtype=np.uint64))
            exact = locate(plan, self.domain, index, row[: self.d], zeros, face, words % (1 << 64))
            floats = None if exact is None else [signed_floats(v) for v in (exact.point, *exact.values)]
            if exact is None or floats is None or any(exact.values[index][j] == 0 for j in neurons) or None in floats:
                self.outcome.doubtful += 1
                if self.outcome.doubtful >= 64:
                    return
                continue
            self.outcome.decided += len(neurons)
            row[: self.d] = floats[0]
            for source, place in layout.carried.items():
                row[place - HEAD : place - HEAD + plan.stages[source - 1].units] = floats[source]
            row[columns] = floats[index + 1]
            self.values[vertex] = self._to(row)
            size = (self.values[vertex].abs() * self.scaled).max() * (1 + 8 * UNIT)
            self.size[vertex], self.residual[vertex], self.steps[vertex] = size, 2 * UNIT * size, 0

    def _check(self, cuts: int) -> None:
        """Tensors are copied when they grow, so twice their size counts against the limit."""
        row = self.values.shape[1] * 8 + 72 + 8 * self.d
        edge = 56 + 16 * (self.d - 1)
        size = (len(self.values) + cuts) * row + (len(self.ends) + cuts * (1 + self.d)) * edge
        if self.limit is not None and len(self.values) > 256 and 2 * size > self.limit:
            raise OverBudget

    def _finish(self) -> Piece:
        unit = 1 / float(self.scaled[: self.d].min())
        error = (self.residual * torch.exp2(self.steps / STEPS) * (unit * (1 + 1e-9))).cpu().numpy()
        with np.errstate(over="ignore"):
            rounded = np.nextafter(error.astype(np.float32), np.float32(np.inf))

        def array(tensor: Tensor, dtype: Any) -> np.ndarray:
            return tensor.cpu().numpy().astype(dtype)

        v = len(self.values)
        return Piece(
            self.domain,
            array(self.values[:, : self.d], np.float64),
            rounded,
            array(self.ends, np.int32),
            array(self.zeros, np.int16),
            array(self.edge_zeros, np.int16),
            array(self.faces[:v], np.int32),
            array(self.edge_faces, np.int32),
            array(self.edge_up, np.uint8),
            self.words.cpu().numpy().view(np.uint64).copy(),
            self.edge_words.cpu().numpy().view(np.uint64).copy(),
            self.outcome,
        )


def _with_zero(edge_zeros: Tensor, neuron: int) -> Tensor:
    """The zeros of the new vertices: those of their edges, and the neuron in the first free place."""
    padded = (
        torch.cat([edge_zeros, torch.full_like(edge_zeros[:, :1], -1)], dim=1)
        if edge_zeros.shape[1]
        else (torch.full((len(edge_zeros), 1), -1, dtype=torch.int64, device=edge_zeros.device))
    )
    spot = (padded >= 0).sum(dim=1, keepdim=True)
    return padded.scatter(1, spot, torch.full_like(spot, neuron))
