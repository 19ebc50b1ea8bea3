"""How a stage comes in, once more in plain Python, operation for operation (see ``core/entry.hpp``)."""

import numpy as np

from polyhedra.rounding import UNIT_ROUNDOFF
from tests.nn_bridge.sign_vectors.sign_vector_numbers import (
    FLOOR,
    HEAD,
    LANES,
    SMALLEST_SCALE,
    SUMMED,
    UNIT,
    larger,
    positive_bits,
    up32,
)


def inputs_of(stage, rows):
    """What is read of each row, with zeros for inactive units; and whether it is active."""
    parts = [rows[:, first : first + count] for first, count, _ in stage.reads]
    read = [
        np.where(part > 0, part, 0.0) if units else part for part, (_, _, units) in zip(parts, stage.reads, strict=True)
    ]
    active = [(part >= 0) | (not units) for part, (_, _, units) in zip(parts, stage.reads, strict=True)]
    return [np.concatenate([np.zeros((len(rows), 0)), *arrays], axis=1) for arrays in (read, active)]


def values_of(stage, rows):
    """The values of a stage at rows, without its bias: sums in the order of the compiled loops."""
    read, _ = inputs_of(stage, rows)
    units, weights = len(stage.bias), stage.weights
    values = np.zeros((len(rows), units))
    if units > 2:
        for q in range(len(weights)):
            values += read[:, q, None] * weights[q, :units]
        return values
    at = 0
    for _, count, _ in stage.reads:
        products = read[:, at : at + count, None] * weights[at : at + count, :units]
        whole = count - count % LANES
        lanes = np.zeros((LANES, len(rows), units))
        for q in range(whole):
            lanes[q % LANES] += products[:, q]
        for part in (*lanes, *products[:, whole:].swapaxes(0, 1)):
            values += part
        at += count
    return values


def gains_of(stage, scaled):
    """What residuals weigh in the values of a stage: always, and for each number that is active."""
    units, row = len(stage.bias), 0
    base, apart = np.full(units, FLOOR), np.zeros((len(stage.weights), units))
    for first, count, of_units in stage.reads:
        for q in range(count):
            own = apart[row] if stage.sharp and of_units else base
            own += np.abs(stage.weights[row, :units]) / scaled[first + q] * SUMMED
            row += 1
    return base, apart


def active_gains(stage, rows, base, apart):
    _, active = inputs_of(stage, rows)
    part = np.zeros((len(rows), len(base)))
    if stage.sharp:
        for q in range(len(apart)):
            part += np.where(active[:, q, None] > 0, apart[q], 0.0)
    return base + part * SUMMED if stage.sharp else base + part


def find_scales(stage, vertices, count, edges, edge_count, scaled, gains, gamma, result):
    rows, units = vertices.rows, len(stage.bias)
    sizes = rows.view(np.float32)[:, 3].astype(float)
    ends = edges.view(np.int32)[:edge_count, :2][:: max(1, edge_count // 64)]
    share = 1 / len(ends)
    slope, worst = np.zeros(stage.column + units), np.zeros(stage.column + units)
    values = [values_of(stage, rows[ends[:, side]]) for side in range(2)]
    errors = [active_gains(stage, rows[ends[:, side]], *gains) for side in range(2)]
    rounding = gamma * np.abs(stage.bias)
    for i, (a, b) in enumerate(ends):
        residual = max(rows[a, 0], rows[b, 0]) * share
        for place, start, n in stage.kept:
            slope[place : place + n] += np.abs(rows[a, start : start + n] - rows[b, start : start + n]) * share
            worst[place : place + n] += residual / scaled[start : start + n]
        slope[stage.column :] += np.abs(values[0][i] - values[1][i]) * share
        first, second = (errors[side][i] * (rows[v, 0] + gamma * sizes[v]) for side, v in enumerate((a, b)))
        worst[stage.column :] += (np.maximum(first, second) + rounding) * share
    slope, worst = slope[HEAD:], worst[HEAD:]
    if not (np.isfinite(slope).all() and np.isfinite(worst).all()):
        return False
    worst = np.maximum(worst, FLOOR)
    ratios = np.sort(worst[slope > 0] / slope[slope > 0])
    unit = ratios[len(ratios) // 2] if len(ratios) else 1.0
    if not np.isfinite(unit):
        return False
    found = 1 / np.maximum(slope * unit, worst)
    result[HEAD : HEAD + len(found)] = found
    return bool(((found > SMALLEST_SCALE) & (found < 1 / SMALLEST_SCALE)).all())


@np.errstate(all="ignore")
def enter_stage(vertices, count, edges, edge_count, stage, scaled, result, doubts):
    rows, row32, units, column = vertices.rows, vertices.rows.view(np.float32), len(stage.bias), stage.column
    gamma = (len(stage.weights) + 16) * UNIT_ROUNDOFF
    gains = gains_of(stage, scaled)
    if not np.isfinite(gains[0] + gains[1].sum(axis=0)).all():
        return -1
    if not find_scales(stage, vertices, count, edges, edge_count, scaled, gains, gamma, result):
        return -1
    fade = max(float((result[to : to + n] / scaled[start : start + n]).max()) for to, start, n in stage.kept)
    values, all_gains = values_of(stage, rows[:count]), active_gains(stage, rows[:count], *gains)
    rounding = gamma * np.abs(stage.bias)
    scale, found = result[column : column + units], 0
    for v in range(count):
        old = rows[v].copy()
        for place, start, n in stage.kept:
            rows[v, place : place + n] = old[start : start + n]
        residual, own = rows[v, 0], gamma * float(row32[v, 3])
        amplified, plain = residual * float(row32[v, 2]) + own, residual + own
        rows[v, column : column + units] = values[v] + stage.bias
        if not np.isfinite(values[v]).all():
            return -1
        size = error = 0.0
        for j in range(units):
            value, gain = rows[v, column + j], all_gains[v, j]
            size = larger(size, value * scale[j])
            error = larger(error, (plain * gain + rounding[j]) * scale[j])
            if not abs(value) > (amplified * gain + rounding[j]) * (1 + 64 * UNIT):
                if found < len(doubts):
                    doubts[found] = v, j
                found += 1
        for q in range(HEAD, column):
            size = larger(size, rows[v, q] * result[q])
        rows[v, column + units : -(-(column + units) // LANES) * LANES] = 0
        rows[v, 0] = larger(residual * fade, error) * (1 + 64 * UNIT)
        row32[v, 3] = up32(size)
        vertices.signs[v] = positive_bits(rows[v, column : column + min(units, 64)]), vertices.signs[v, 0]
    return found
